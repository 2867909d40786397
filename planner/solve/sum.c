#include "planner/solve/sum.h"

#include "base/error.h"
#include "base/memory.h"
#include "kerf/link.h"
#include "planner/solve/envelope.h"
#include "planner/solve/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A concave link cost over the bytes that a family's placements can send, carried on beyond the
 * least of them along its tangent. */
typedef struct concave {
    kerf_direction direction;
    bool used;
    double least, steepest, flattest;
} concave;

enum { UNKNOWN, EMPTY, DECIDED, OPEN };

struct cut_sum {
    const cut_problem *problem;
    const cut_dag *dag;
    const uint8_t *given;
    bool surcharged;
    cut_sum_host host;
    uint8_t *x;
    cut_graph *graph[4]; /* by family, made when first needed */
    uint8_t *side[4];
    uint8_t known[4];        /* see prepare_family */
    double least[2], sum[2]; /* bytes by direction */
    /* the mix at hand */
    const cut_mix *mix;
    double tolerance;
    double best;
    cut_value best_value;
    /* the family at hand */
    cut_graph *at;
    concave up, down;
    double down_price;
    double inner_p, inner_q, inner_best; /* best answer for this down_price */
    double fixed;
};

static double surcharges(const cut_problem *p, const cut_surcharges *s, const uint8_t *x)
{
    double sum = 0;
    for (size_t v = 0; v < p->n; v++) {
        const double *by_side = x[v] ? s->on_server : s->on_device;
        sum += by_side ? by_side[v] : 0;
    }
    for (size_t t = 0; t < p->n_tensors && s->crossing; t++)
        if (s->crossing[t] > 0 && cut_crosses(&p->tensors[t], x))
            sum += s->crossing[t];
    for (size_t w = 0; w < p->n_weights && s->held; w++) {
        bool held = false;
        for (size_t i = 0; i < p->weights[w].n && s->held[w] > 0; i++)
            held = held || x[p->weights[w].operators[i]] == 0;
        sum += held ? s->held[w] : 0;
    }
    return sum;
}

double cut_mix_value(const cut_problem *p, const cut_mix *mix, const uint8_t *x, const cut_value *v)
{
    const double stages[CUT_STAGES] = {
        v->device_s,
        v->up_bytes > 0 ? kerf_link_occupancy_s(p->link, KERF_UPLINK, v->up_bytes) : 0,
        v->server_s,
        v->down_bytes > 0 ? kerf_link_occupancy_s(p->link, KERF_DOWNLINK, v->down_bytes) : 0,
    };
    double sum = cut_weighted(&mix->weights, v) + mix->up_bytes * v->up_bytes;
    for (int i = 0; i < CUT_STAGES; i++)
        sum += mix->stage_s[i] > 0 ? mix->stage_s[i] * stages[i] : 0;
    return sum + surcharges(p, &mix->surcharges, x);
}

/* Takes note of the placement in s->x. */
static void examine(cut_sum *s, cut_value *value)
{
    cut_evaluate_costs(s->problem, s->x, value);
    s->host.visit(s->host.context, s->x, value);
    double sum = cut_mix_value(s->problem, s->mix, s->x, value);
    if (sum < s->best) {
        s->best = sum;
        s->best_value = *value;
    }
}

static bool stopped(void *context)
{
    const cut_sum *s = context;
    return s->host.stopped(s->host.context);
}

/* What `bytes` > 0 in a direction cost, all but the fixed energy of an offload; the slope there. */
static double link_cost(const cut_sum *s, kerf_direction direction, double bytes)
{
    const cut_mix *mix = s->mix;
    bool up = direction == KERF_UPLINK;
    double stage = mix->stage_s[up ? CUT_STAGE_UPLINK : CUT_STAGE_DOWNLINK];
    double cost = cut_link_cost(s->problem, &mix->weights, direction, bytes);
    if (stage > 0)
        cost += stage * kerf_link_occupancy_s(s->problem->link, direction, bytes);
    return cost + (up ? mix->up_bytes * bytes : 0);
}

static double link_slope(const cut_sum *s, kerf_direction direction, double bytes)
{
    const cut_mix *mix = s->mix;
    bool up = direction == KERF_UPLINK;
    double stage = mix->stage_s[up ? CUT_STAGE_UPLINK : CUT_STAGE_DOWNLINK];
    double slope = cut_link_slope(s->problem, &mix->weights, direction, bytes);
    if (stage > 0) { /* occupancy is linear but for a constant */
        const kerf_link *link = s->problem->link;
        slope += stage *
                 (kerf_link_occupancy_s(link, direction, 2 * bytes) -
                  kerf_link_occupancy_s(link, direction, bytes)) /
                 bytes;
    }
    return slope + (up ? mix->up_bytes : 0);
}

static double concave_value(const cut_sum *s, const concave *c, double bytes)
{
    if (!c->used)
        return 0;
    if (bytes >= c->least)
        return link_cost(s, c->direction, bytes);
    return link_cost(s, c->direction, c->least) - c->steepest * (c->least - bytes);
}

/* One minimum cut: the point (all but the uplink's cost, bytes up). */
static kerf_status price_up(void *context, double a, double b, envelope_point *point,
                            kerf_error *err)
{
    (void)err;
    cut_sum *s = context;
    const cut_mix *mix = s->mix;
    const cut_weights *w = &mix->weights;
    double price = b / a;
    cut_prices prices = {
        .device_s = w->latency + mix->stage_s[CUT_STAGE_DEVICE],
        .device_J = w->energy,
        .server_s = cut_server_price(s->problem, w) + mix->stage_s[CUT_STAGE_SERVER],
        .server_J = w->server,
        .up_per_byte = price,
        .down_per_byte = s->down_price,
        .surcharges = mix->surcharges,
    };
    double bound = cut_graph_solve(s->at, &prices, s->x);
    cut_value v;
    examine(s, &v);
    double rest = prices.device_s * v.device_s + prices.device_J * v.device_J +
                  prices.server_s * v.server_s + prices.server_J * v.server_J + s->fixed +
                  surcharges(s->problem, &mix->surcharges, s->x);
    double p = rest + s->down_price * v.down_bytes, up = concave_value(s, &s->up, v.up_bytes);
    *point = (envelope_point){p, v.up_bytes, a * (bound + s->fixed)};
    if (p + up < s->inner_best) {
        s->inner_best = p + up;
        s->inner_p = rest + up;
        s->inner_q = v.down_bytes;
    }
    return KERF_OK;
}

static double value_up(void *context, double p, double q)
{
    const cut_sum *s = context;
    return p + concave_value(s, &s->up, q);
}

/* The envelope over the price of a byte up: the point (all but the downlink's cost, bytes down). */
static kerf_status price_down(void *context, double a, double b, envelope_point *point,
                              kerf_error *err)
{
    cut_sum *s = context;
    s->down_price = b / a;
    s->inner_best = INFINITY;
    envelope e = {price_up,       value_up,    stopped, s, {1, s->up.flattest}, {1, s->up.steepest},
                  &s->inner_best, s->tolerance};
    kerf_status status = envelope_minimise(&e, &point->bound, err);
    point->bound *= a;
    point->p = s->inner_p;
    point->q = s->inner_q;
    return status;
}

static double value_down(void *context, double p, double q)
{
    const cut_sum *s = context;
    return p + concave_value(s, &s->down, q);
}

static void set_concave(const cut_sum *s, concave *c, kerf_direction direction, bool used)
{
    *c = (concave){.direction = direction, .used = used, .least = s->least[direction]};
    if (!used)
        return;
    c->steepest = link_slope(s, direction, s->least[direction]);
    c->flattest = link_slope(s, direction, s->sum[direction]);
}

/* Finds out once what a family leaves open. */
static kerf_status prepare_family(cut_sum *s, unsigned family, kerf_error *err)
{
    bool up = family & CUT_FAMILY_UP, down = family & CUT_FAMILY_DOWN, possible = false;
    if (s->known[family] != UNKNOWN)
        return KERF_OK;
    s->known[family] = EMPTY;
    if ((up && s->sum[KERF_UPLINK] <= 0) || (down && s->sum[KERF_DOWNLINK] <= 0))
        return KERF_OK;
    s->side[family] = kerf_calloc(s->problem->n, 1);
    if (!s->side[family])
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", s->problem->n);
    memcpy(s->side[family], s->given, s->problem->n);
    kerf_status status =
        cut_family_force(s->problem, s->dag, family, s->side[family], &possible, err);
    if (status != KERF_OK || !possible)
        return status;
    s->known[family] = DECIDED;
    for (size_t v = 0; v < s->problem->n; v++)
        if (s->side[family][v] == KERF_SIDE_FREE)
            s->known[family] = OPEN;
    if (s->known[family] == OPEN)
        status = (s->surcharged ? cut_graph_create_surcharged : cut_graph_create)(
            s->problem, s->dag, s->side[family], !up, &s->graph[family], err);
    return status;
}

/* Least sum in a family; INFINITY if it has no placement. */
static kerf_status solve_family(cut_sum *s, unsigned family, double *bound, kerf_error *err)
{
    *bound = INFINITY;
    kerf_status status = prepare_family(s, family, err);
    if (status != KERF_OK || s->known[family] == EMPTY)
        return status;
    if (s->known[family] == DECIDED) {
        cut_value value;
        for (size_t v = 0; v < s->problem->n; v++)
            s->x[v] = s->side[family][v] == KERF_SIDE_SERVER;
        examine(s, &value);
        *bound = cut_mix_value(s->problem, s->mix, s->x, &value);
        return KERF_OK;
    }
    s->at = s->graph[family];
    set_concave(s, &s->up, KERF_UPLINK, family & CUT_FAMILY_UP);
    set_concave(s, &s->down, KERF_DOWNLINK, family & CUT_FAMILY_DOWN);
    s->fixed = family ? s->mix->weights.energy * kerf_link_fixed_J(s->problem->link) : 0;
    envelope e = {price_down, value_down,  stopped, s, {1, s->down.flattest}, {1, s->down.steepest},
                  &s->best,   s->tolerance};
    return envelope_minimise(&e, bound, err);
}

kerf_status cut_sum_minimise(cut_sum *s, const cut_mix *mix, cut_sum_answer *answer,
                             kerf_error *err)
{
    kerf_status status = KERF_OK;
    double bound = INFINITY;
    s->mix = mix;
    s->tolerance = fmax(mix->tolerance, CUT_SUM_TOLERANCE);
    s->best = INFINITY;
    for (unsigned family = 0; family < 4 && status == KERF_OK; family++) {
        double least;
        status = solve_family(s, family, &least, err);
        bound = fmin(bound, least);
    }
    *answer = (cut_sum_answer){bound, s->best, s->best_value};
    return status;
}

kerf_status cut_sum_create(const cut_problem *problem, const cut_dag *dag, const uint8_t *side,
                           bool surcharged, const cut_sum_host *host, cut_sum **sum,
                           kerf_error *err)
{
    cut_sum *s = kerf_calloc(1, sizeof *s);
    uint8_t *x = kerf_calloc(problem->n, 1);
    if (!s || !x) {
        free(s);
        free(x);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", problem->n);
    }
    *s = (cut_sum){.problem = problem,
                   .dag = dag,
                   .given = side,
                   .surcharged = surcharged,
                   .host = *host,
                   .x = x};
    cut_byte_range(problem, KERF_UPLINK, &s->least[KERF_UPLINK], &s->sum[KERF_UPLINK]);
    cut_byte_range(problem, KERF_DOWNLINK, &s->least[KERF_DOWNLINK], &s->sum[KERF_DOWNLINK]);
    *sum = s;
    return KERF_OK;
}

void cut_sum_destroy(cut_sum **sum)
{
    cut_sum *s = *sum;
    if (!s)
        return;
    for (int family = 0; family < 4; family++) {
        cut_graph_destroy(&s->graph[family]);
        free(s->side[family]);
    }
    free(s->x);
    free(s);
    *sum = NULL;
}
