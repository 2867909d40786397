#include "planner/map/supported.h"

#include "net/link.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define SAME 1e-9 /* relative: the solvers' own gap */

/* A placement's slowest stage is the larger of `rest` and p times `sent`. */
typedef struct known {
    double rest, sent;
} known;

typedef struct bottleneck {
    const supported_search *s;
    cut_problem problem; /* with a link of its own */
    kerf_link link;
    known *list;
    size_t n, capacity;
    kerf_error *err;
} bottleneck;

static double stage_at(const known *k, double p)
{
    return fmax(k->rest, p * k->sent);
}

static double least_known(const bottleneck *b, double p)
{
    double least = INFINITY;
    for (size_t i = 0; i < b->n; i++)
        least = fmin(least, stage_at(&b->list[i], p));
    return least;
}

/* Takes note of a placement. */
static kerf_status note(bottleneck *b, const uint8_t *x)
{
    cut_value v;
    if (kerf_reserve(&b->list, &b->capacity, b->n + 1, SIZE_MAX / 2, sizeof *b->list) != 0)
        return kerf_fail(b->err, KERF_E_NOMEM, NULL, "out of memory for candidates");
    cut_evaluate(&b->problem, x, &v);
    known *k = &b->list[b->n++];
    *k = (known){.sent = v.up_bytes > 0 ? kerf_link_sent_bytes(&b->link, v.up_bytes) : 0};
    k->rest = fmax(v.device_s, v.server_s);
    if (v.down_bytes > 0)
        k->rest = fmax(k->rest, kerf_link_occupancy_s(&b->link, KERF_DOWNLINK, v.down_bytes));
    v.violation = 0;
    return front_offer(b->s->front, x, &v)
               ? KERF_OK
               : kerf_fail(b->err, KERF_E_NOMEM, NULL, "out of memory for candidates");
}

/* The best slowest stage when a byte takes p seconds; INFINITY if nothing keeps the limits. */
static kerf_status solve(bottleneck *b, double p, double *least)
{
    cut_options options = *b->s->options;
    cut_solution best = {0};
    kerf_error local = {0};
    if (b->s->stopped(b->s->context))
        return kerf_fail(b->err, KERF_E_TIME_LIMIT, NULL, "stopped before the map was complete");
    b->link.rate_bps[KERF_UPLINK] = 8 / p;
    kerf_status status = cut_solve(&b->problem, KERF_SOLVER_AUTO, &options, &best, &local);
    *least = INFINITY;
    if (status == KERF_E_INFEASIBLE)
        return KERF_OK;
    if (status != KERF_OK) {
        if (b->err)
            *b->err = local;
        return status;
    }
    if (best.gap > CUT_GAP)
        status = kerf_fail(b->err, KERF_E_TIME_LIMIT, NULL, "stopped before the map was complete");
    else
        status = note(b, best.x);
    *least = best.objective;
    cut_solution_clear(&best);
    return status;
}

/* Where what is known is furthest above the bound: at one of the places where a known placement's
 * fixed part meets another's transfer, or where the two bounds meet. */
static double weakest(const bottleneck *b, double low, double at_low, double high, double at_high,
                      double *ratio)
{
    double found = 0;
    *ratio = 0;
    for (size_t i = 0; i <= b->n; i++)
        for (size_t k = 0; k < b->n; k++) {
            if (i < b->n && b->list[k].sent <= 0)
                continue;
            const double p = i < b->n ? b->list[i].rest / b->list[k].sent : high * at_low / at_high;
            if (!(p > low && p < high))
                continue;
            const double bound = fmax(at_low, at_high * p / high);
            const double above = least_known(b, p) / bound;
            if (above > *ratio) {
                *ratio = above;
                found = p;
            }
        }
    return found;
}

/* The interval between two rates where the best is known. */
static kerf_status close_interval(bottleneck *b, double low, double at_low, double high,
                                  double at_high, int depth)
{
    const double meeting = fmin(fmax(high * at_low / at_high, low), high);
    if (!(at_low > 0) || least_known(b, meeting) <= at_low * (1 + SAME))
        return KERF_OK;
    double ratio, p = weakest(b, low, at_low, high, at_high, &ratio), at_p = 0;
    if (!(p > low) || depth > 1000)
        return kerf_fail(b->err, KERF_E_INTERNAL, "throughput", "found no rate to ask at");
    kerf_status status = solve(b, p, &at_p);
    if (status == KERF_OK)
        status = close_interval(b, low, at_low, p, at_p, depth + 1);
    return status == KERF_OK ? close_interval(b, p, at_p, high, at_high, depth + 1) : status;
}

static void prepare(bottleneck *b)
{
    const kerf_map_box *box = b->s->box;
    b->problem = *b->s->problem;
    b->link = *b->problem.link;
    b->link.rate_bps[KERF_DOWNLINK] = box->downlink_bps[0];
    b->link.rtt_s = box->rtt_s[0];
    b->problem.link = &b->link;
}

/* Seconds that a byte takes at a rate, under the link's loss. */
static double pace_of(const bottleneck *b, double rate_bps)
{
    kerf_link link = b->link;
    link.rate_bps[KERF_UPLINK] = rate_bps;
    return 8 / kerf_link_effective_rate_bps(&link, KERF_UPLINK);
}

kerf_status bottleneck_find(const supported_search *search, kerf_error *err)
{
    bottleneck b = {.s = search, .err = err};
    double at_low = 0, at_high = 0;
    prepare(&b);
    const double low = pace_of(&b, search->box->uplink_bps[1]),
                 high = pace_of(&b, search->box->uplink_bps[0]);
    kerf_status status = solve(&b, low, &at_low);
    if (status == KERF_OK && isfinite(at_low) && high > low)
        status = solve(&b, high, &at_high);
    if (status == KERF_OK && isfinite(at_low) && high > low)
        status = close_interval(&b, low, at_low, high, at_high, 0);
    free(b.list);
    return status;
}
