/* Robust plans against enumeration: every placement priced by kerf_price in every scenario.
 * KERF_SEED sets the seed of the random questions, KERF_TEST_FULL=1 asks for more of them. */
#include "kerf/kerf.h"
#include "planner/robust_stats.h"
#include "planner/robust_world.h"
#include "tests/support/random_question.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static bool same(double a, double b, double tolerance)
{
    return a == b || fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

/* --- enumeration --- */

typedef struct option { /* a placement with its combination */
    const char *mode;
    size_t encoding;
    kerf_side side[12];
    bool allowed;
    double *cost, *latency; /* by scenario */
} option;

typedef struct brute {
    option *list;
    size_t n, scenarios;
    double *best;
} brute;

static double cost_of(const kerf_question *q, const kerf_plan_cost *c)
{
    return q->objective == KERF_OBJ_THROUGHPUT ? 1 / c->throughput_per_s : c->objective;
}

static bool price(const kerf_question *q, const option *o, kerf_plan_cost *cost)
{
    kerf_question one = *q;
    kerf_error err = {0};
    one.power_mode = o->mode;
    if (q->n_encodings) {
        one.encodings = &q->encodings[o->encoding];
        one.n_encodings = 1;
    }
    return kerf_price(&one, o->side, cost, &err) == KERF_OK;
}

static void add_options(const kerf_question *q, const char *mode, size_t encoding, brute *b)
{
    const size_t n = q->network->n_operators;
    for (size_t mask = 0; mask < (size_t)1 << n; mask++) {
        option o = {.mode = mode, .encoding = encoding};
        kerf_plan_cost cost;
        for (size_t i = 0; i < n; i++)
            o.side[i] = mask >> i & 1 ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
        if (!price(q, &o, &cost))
            continue;
        o.allowed = !(q->limits.deadline_s > 0) || cost.latency_s <= q->limits.deadline_s;
        o.cost = calloc(b->scenarios, sizeof *o.cost);
        o.latency = calloc(b->scenarios, sizeof *o.latency);
        b->list = realloc(b->list, (b->n + 1) * sizeof *b->list);
        b->list[b->n++] = o;
    }
}

static void enumerate(const kerf_question *q, const kerf_robust_options *o, brute *b)
{
    const bool any = q->power_mode && strcmp(q->power_mode, "any") == 0;
    robust_draw draw;
    robust_world world;
    kerf_error err = {0};
    *b = (brute){.scenarios = o->samples, .best = calloc(o->samples, sizeof *b->best)};
    for (size_t m = 0; m < (any ? q->device->n_modes : 1); m++)
        for (size_t e = 0; e < (q->n_encodings ? q->n_encodings : 1); e++)
            add_options(q, any ? q->device->modes[m].name : q->power_mode, e, b);
    assert_int_equal(robust_draw_create(q, o, &draw, &err), KERF_OK);
    assert_int_equal(robust_world_create(q, &world, &err), KERF_OK);
    for (size_t i = 0; i < b->scenarios; i++) {
        scenario s;
        robust_draw_world(&draw, i, &world);
        scenario_question(q, &world, &s);
        s.q.limits = (kerf_limits){0};
        b->best[i] = INFINITY;
        for (size_t k = 0; k < b->n; k++) {
            kerf_plan_cost cost;
            assert_true(price(&s.q, &b->list[k], &cost));
            b->list[k].cost[i] = cost_of(q, &cost);
            b->list[k].latency[i] = cost.latency_s;
            if (b->list[k].allowed)
                b->best[i] = fmin(b->best[i], b->list[k].cost[i]);
        }
    }
    robust_draw_clear(&draw);
    robust_world_clear(&world);
}

static void clear_brute(brute *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->list[i].cost);
        free(b->list[i].latency);
    }
    free(b->list);
    free(b->best);
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static size_t misses_of(const brute *b, const option *o, double deadline)
{
    size_t n = 0;
    for (size_t i = 0; i < b->scenarios; i++)
        n += o->latency[i] > deadline;
    return n;
}

static double worst_regret(const brute *b, const option *o)
{
    double worst = -INFINITY;
    for (size_t i = 0; i < b->scenarios; i++)
        worst = fmax(worst, o->cost[i] - b->best[i]);
    return worst;
}

static double bound_of(const brute *b, const option *o, double deadline)
{
    const double mean = mean_of(o->latency, b->scenarios);
    double variance = 0;
    for (size_t i = 0; i < b->scenarios; i++)
        variance += pow(o->latency[i] - mean, 2) / (double)(b->scenarios - 1);
    return mean < deadline ? variance / (variance + pow(deadline - mean, 2)) : 1;
}

/* The least value of an aim; INFINITY where nothing is allowed. */
static double best_value(const brute *b, const kerf_question *q, const kerf_robust_options *o)
{
    const double deadline = q->limits.deadline_s;
    double least = INFINITY;
    for (size_t k = 0; k < b->n; k++) {
        const option *p = &b->list[k];
        bool allowed = p->allowed;
        if (o->aim == KERF_AIM_CHANCE)
            allowed = (double)misses_of(b, p, deadline) <=
                      (1 - o->probability) * (double)b->scenarios * (1 + 1e-12);
        if (o->aim == KERF_AIM_CANTELLI)
            allowed = bound_of(b, p, deadline) <= 1 - o->probability;
        if (!allowed)
            continue;
        least = fmin(least, o->aim == KERF_AIM_REGRET ? worst_regret(b, p)
                                                      : mean_of(p->cost, b->scenarios));
    }
    return least;
}

/* --- questions --- */

static const char *const specs[] = {
    "conv=20%,pointwise=15%,fc=30%,rate=40%,server=25%",
    "latency=20%,energy=10%,uplink=1e6..4e7 bit/s",
    "device=30%,load=0..0.8,rtt=1..80ms,idle=0.5..2,radio=20%",
    "latency/per_mac/conv=40%,latency/per_byte=30%,energy/launch=50%,bytes=10%,launch=20%",
    "downlink=50%,server=0.5..3,partition=60%",
};

static void check_row(const brute *b, const kerf_question *q, const kerf_robust_row *row,
                      size_t which)
{
    const option *found = NULL;
    if (!row->exists)
        return;
    for (size_t k = 0; k < b->n && !found; k++) {
        const option *o = &b->list[k];
        if (memcmp(o->side, row->side, q->network->n_operators * sizeof *o->side) == 0 &&
            (!o->mode || strcmp(o->mode, row->power_mode) == 0) &&
            (row->encoding == KERF_NONE || row->encoding == o->encoding))
            found = o;
    }
    if (!found)
        fail_msg("row %zu is no placement", which);
    const kerf_robust_figures *f = &row->figures;
    double p95 = 0, worst = -INFINITY;
    double *sorted = calloc(b->scenarios, sizeof *sorted);
    memcpy(sorted, found->cost, b->scenarios * sizeof *sorted);
    p95 = robust_quantile(sorted, b->scenarios, 0.95);
    worst = sorted[b->scenarios - 1];
    free(sorted);
    if (!same(f->mean, mean_of(found->cost, b->scenarios), 1e-9) || !same(f->p95, p95, 1e-9) ||
        !same(f->worst, worst, 1e-9) ||
        !same(f->mean_latency_s, mean_of(found->latency, b->scenarios), 1e-9) ||
        fabs(f->worst_regret - worst_regret(b, found)) > 1e-9 * worst)
        fail_msg("row %zu: mean %.12g, expected %.12g; p95 %.12g, expected %.12g; regret %.12g, "
                 "expected %.12g",
                 which, f->mean, mean_of(found->cost, b->scenarios), f->p95, p95, f->worst_regret,
                 worst_regret(b, found));
    if (q->limits.deadline_s > 0)
        assert_true(same(f->miss,
                         (double)misses_of(b, found, q->limits.deadline_s) / (double)b->scenarios,
                         1e-12));
}

static void check_question(const kerf_question *q, const kerf_robust_options *o, const brute *b,
                           const char *spec)
{
    kerf_robust *r = NULL;
    kerf_error err = {0};
    const double expected = best_value(b, q, o);
    const kerf_status status = kerf_robust_make(q, o, &r, &err);
    if (!isfinite(expected)) {
        if (status != KERF_E_INFEASIBLE)
            fail_msg("%s: an answer of status %d, expected none: %s", spec, (int)status,
                     err.message);
        return;
    }
    if (status != KERF_OK)
        fail_msg("%s, aim %s: %s: %s", spec, kerf_aim_name(o->aim), err.where, err.message);
    assert_true(r->complete);
    assert_int_equal(r->scenarios, b->scenarios);
    if (o->aim != KERF_AIM_NOMINAL && fabs(r->value - expected) > 1e-9 * fmax(1e-3, expected))
        fail_msg("%s, aim %s: value %.15g, expected %.15g", spec, kerf_aim_name(o->aim), r->value,
                 expected);
    for (size_t k = 0; k < KERF_ROBUST_ROLES; k++)
        check_row(b, q, &r->rows[k], k);
    kerf_robust_destroy(&r);
}

static void check_aims(question_box *box, const char *spec, size_t samples, uint64_t seed)
{
    kerf_spreads *spreads = NULL;
    kerf_error err = {0};
    brute b;
    if (kerf_spreads_parse(spec, &spreads, &err) != KERF_OK)
        fail_msg("%s: %s: %s", spec, err.where, err.message);
    kerf_robust_options o = {.spreads = spreads, .samples = samples, .seed = seed};
    enumerate(&box->q, &o, &b);
    for (int aim = KERF_AIM_NOMINAL; aim <= KERF_AIM_CANTELLI; aim++) {
        o.aim = (kerf_aim)aim;
        o.probability = 0.8;
        if (aim < KERF_AIM_CHANCE || box->q.limits.deadline_s > 0)
            check_question(&box->q, &o, &b, spec);
    }
    clear_brute(&b);
    kerf_spreads_destroy(&spreads);
}

/* A deadline that some placements keep. */
static double some_deadline(rng *r, question_box *box)
{
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    kerf_question q = box->q;
    q.objective = KERF_OBJ_LATENCY;
    q.no_break_even = true;
    assert_int_equal(kerf_plan_make(&q, &plan, &err), KERF_OK);
    const double deadline = plan->cost.latency_s * (0.95 + rng_unit(r));
    kerf_plan_destroy(&plan);
    return deadline;
}

static void test_enumeration(void **state)
{
    (void)state;
    rng r = {rng_seed(7)};
    for (size_t i = 0; i < cases(40, 400); i++) {
        question_box box;
        random_question(&r, 2 + rng_below(&r, 6), rng_chance(&r, 0.6), &box);
        if (rng_chance(&r, 0.5))
            box.q.limits.deadline_s = some_deadline(&r, &box);
        check_aims(&box, specs[i % (sizeof specs / sizeof *specs)], 40, i);
        question_box_clear(&box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enumeration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
