/* Robust plans against enumeration: every placement priced by kerf_price in every scenario.
 * KERF_SEED sets the seed of the random questions, KERF_TEST_FULL=1 asks for more of them. */
#include "kerf/kerf.h"
#include "planner/robust/robust_stats.h"
#include "planner/robust/robust_world.h"
#include "tests/support/random_question.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

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

/* --- a bundled network --- */

typedef struct bundle {
    kerf_network *network;
    kerf_device *device, *server;
    kerf_link *link;
    kerf_question q;
} bundle;

static void load(bundle *b, const char *network, double uplink_bps)
{
    char path[96];
    kerf_error err = {0};
    *b = (bundle){.network = NULL};
    snprintf(path, sizeof path, "configs/networks/%s.json", network);
    assert_int_equal(kerf_network_load(path, NULL, &b->network, &err), KERF_OK);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &b->device, &err),
                     KERF_OK);
    assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &b->server, &err), KERF_OK);
    assert_int_equal(kerf_link_load("configs/links/wifi-n.json", &b->link, &err), KERF_OK);
    b->link->rate_bps[KERF_UPLINK] = uplink_bps;
    b->q = (kerf_question){.network = b->network,
                           .device = b->device,
                           .server = b->server,
                           .link = b->link,
                           .input_bytes = 60000};
}

static void unload(bundle *b)
{
    kerf_network_destroy(&b->network);
    kerf_device_destroy(&b->device);
    kerf_device_destroy(&b->server);
    kerf_link_destroy(&b->link);
}

static kerf_robust *make(const kerf_question *q, const char *spec, const kerf_robust_options *o)
{
    kerf_robust *r = NULL;
    kerf_spreads *spreads = NULL;
    kerf_error err = {0};
    kerf_robust_options options = *o;
    if (kerf_spreads_parse(spec, &spreads, &err) != KERF_OK)
        fail_msg("%s: %s: %s", spec, err.where, err.message);
    options.spreads = spreads;
    if (kerf_robust_make(q, &options, &r, &err) != KERF_OK)
        fail_msg("%s: %s: %s", spec, err.where, err.message);
    kerf_spreads_destroy(&spreads);
    return r;
}

/* AlexNet is a chain: its placements are the prefixes of its operators. */
static double chain_regret(const kerf_question *q, const kerf_robust_options *o, size_t *placements)
{
    const size_t n = q->network->n_operators;
    robust_draw draw;
    robust_world world;
    kerf_error err = {0};
    double *worst = calloc(n + 1, sizeof *worst), *cost = calloc(n + 1, sizeof *cost);
    kerf_side *side = calloc(n, sizeof *side);
    assert_int_equal(robust_draw_create(q, o, &draw, &err), KERF_OK);
    assert_int_equal(robust_world_create(q, &world, &err), KERF_OK);
    for (size_t i = 0; i < o->samples; i++) {
        scenario s;
        double best = INFINITY;
        robust_draw_world(&draw, i, &world);
        scenario_question(q, &world, &s);
        for (size_t k = 0; k <= n; k++) {
            kerf_plan_cost price_of;
            for (size_t v = 0; v < n; v++)
                side[v] = v < k ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
            assert_int_equal(kerf_price(&s.q, side, &price_of, &err), KERF_OK);
            cost[k] = price_of.objective;
            best = fmin(best, cost[k]);
        }
        for (size_t k = 0; k <= n; k++)
            worst[k] = fmax(worst[k], cost[k] - best);
    }
    double least = INFINITY;
    for (size_t k = 0; k <= n; k++)
        least = fmin(least, worst[k]);
    *placements = n + 1;
    robust_draw_clear(&draw);
    robust_world_clear(&world);
    free(worst);
    free(cost);
    free(side);
    return least;
}

static void test_bundled(void **state)
{
    (void)state;
    static const char *const spec_of[] = {"profile,uplink=60%",
                                          "conv=30%,fc=40%,rate=50%,idle=0.5..2"};
    for (size_t i = 0; i < 2; i++) {
        bundle b;
        kerf_spreads *spreads = NULL;
        kerf_error err = {0};
        size_t placements = 0;
        load(&b, "alexnet", 13e6);
        assert_int_equal(kerf_spreads_parse(spec_of[i], &spreads, &err), KERF_OK);
        const kerf_robust_options o = {
            .aim = KERF_AIM_REGRET, .spreads = spreads, .samples = 200, .seed = 5};
        const double expected = chain_regret(&b.q, &o, &placements);
        kerf_robust *r = make(&b.q, spec_of[i], &o);
        assert_int_equal(r->placements, placements);
        assert_true(r->complete);
        assert_true(expected > 0); /* else it tests nothing */
        if (!same(r->value, expected, 1e-9))
            fail_msg("%s: regret %.15g, expected %.15g", spec_of[i], r->value, expected);
        assert_true(r->value <= r->rows[KERF_ROBUST_NOMINAL].figures.worst_regret);
        kerf_robust_destroy(&r);
        kerf_spreads_destroy(&spreads);
        unload(&b);
    }
}

/* --- what is known in advance --- */

static void test_moments(void **state)
{
    (void)state;
    bundle b;
    load(&b, "alexnet", 13e6);
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    assert_int_equal(kerf_plan_make(&b.q, &plan, &err), KERF_OK);
    const double stated = plan->all_device.cost.device_energy_J;
    const kerf_robust_options o = {.samples = 4000, .seed = 1};
    const struct {
        const char *spec;
        double mean, deviation, p95;
    } known[] = {
        {"energy=0%", 1, 0, 1},
        {"energy=0.5..1.5", 1, 1 / sqrt(12), 1.45},
        /* log-normal of mean 1: its logarithm has variance log(1 + 0.3^2) */
        {"energy=30%", 1, 0.3, exp(1.6448536 * sqrt(log(1.09)) - log(1.09) / 2)},
        /* a product of two of them */
        {"energy=30%,energy=40%", 1, sqrt(1.09 * 1.16 - 1),
         exp(1.6448536 * sqrt(log(1.09 * 1.16)) - log(1.09 * 1.16) / 2)},
        {"rate=50%,server=50%,rtt=20%", 1, 0, 1}, /* of no matter to a board on its own */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        kerf_robust *r = make(&b.q, known[i].spec, &o);
        const kerf_robust_figures *f = &r->rows[KERF_ROBUST_ALL_DEVICE].figures;
        const double room = 4 * f->standard_error + 1e-12 * stated;
        if (fabs(f->mean - known[i].mean * stated) > room ||
            fabs(f->deviation - known[i].deviation * stated) >
                0.06 * known[i].deviation * stated + 1e-9 ||
            !same(f->p95, known[i].p95 * stated, 0.03))
            fail_msg("%s: mean %g, deviation %g, p95 %g of %g", known[i].spec, f->mean,
                     f->deviation, f->p95, stated);
        kerf_robust_destroy(&r);
    }
    kerf_plan_destroy(&plan);
    unload(&b);
}

/* The latency is uniform: the deadline is missed with a known probability, which nearly all of the
 * confidence intervals hold. */
static void test_probability(void **state)
{
    (void)state;
    bundle b;
    size_t held = 0;
    load(&b, "alexnet", 13e6);
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    assert_int_equal(kerf_plan_make(&b.q, &plan, &err), KERF_OK);
    b.q.limits.deadline_s = 1.2 * plan->all_device.cost.latency_s; /* 70 % of 0.5 to 1.5 */
    for (uint64_t seed = 0; seed < 60; seed++) {
        const kerf_robust_options o = {.samples = 200, .seed = seed};
        kerf_robust *r = make(&b.q, "latency=0.5..1.5", &o);
        const kerf_robust_figures *f = &r->rows[KERF_ROBUST_ALL_DEVICE].figures;
        assert_true(f->miss_low <= f->miss && f->miss <= f->miss_high);
        assert_true(f->miss_cantelli >= f->miss - 0.01);
        held += f->miss_low <= 0.3 && 0.3 <= f->miss_high;
        kerf_robust_destroy(&r);
    }
    assert_in_range(held, 54, 60);
    kerf_plan_destroy(&plan);
    unload(&b);
}

static double binomial_tail(size_t k, size_t n, double p) /* P(X >= k) */
{
    double sum = 0;
    for (size_t i = k; i <= n; i++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
                   (double)i * log(p) + (double)(n - i) * log1p(-p));
    return sum;
}

static void test_statistics(void **state)
{
    (void)state;
    static const size_t counts[][2] = {{0, 10}, {10, 10},  {1, 10},
                                       {5, 17}, {40, 200}, {1999, 2000}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const size_t k = counts[i][0], n = counts[i][1];
        double low, high;
        robust_share(k, n, &low, &high);
        assert_true(k == 0 ? low == 0 : same(binomial_tail(k, n, low), 0.025, 1e-6));
        assert_true(k == n ? high == 1 : same(1 - binomial_tail(k + 1, n, high), 0.025, 1e-6));
    }
    /* Where X is either the limit and more, or below its mean, the bound is what it is. */
    const double p = 0.2, room = 3, below = p * room / (1 - p);
    const double variance = p * room * room + (1 - p) * below * below;
    assert_true(same(robust_cantelli(5, variance, 5 + room), p, 1e-12));
    assert_true(robust_cantelli(5, 1, 5) == 1 && robust_cantelli(5, 1, 4) == 1);
    assert_true(robust_cantelli(5, 0, 6) == 0 && robust_cantelli(5, 0, 5) == 0);
    double values[] = {5, 1, 4, 2, 3};
    assert_true(robust_quantile(values, 5, 0.2) == 1);
    assert_true(robust_quantile(values, 5, 0.21) == 2);
    assert_true(robust_quantile(values, 5, 1) == 5);
}

static void test_seeds(void **state)
{
    (void)state;
    bundle b;
    load(&b, "squeezenet", 13e6);
    b.q.limits.deadline_s = 0.02;
    const char *const spec = "profile,rate=30%,server=0.5..2";
    kerf_robust_options o = {.samples = 300, .seed = 9};
    kerf_robust *first = make(&b.q, spec, &o), *again = make(&b.q, spec, &o);
    o.seed = 10;
    kerf_robust *other = make(&b.q, spec, &o);
    for (size_t k = 0; k < KERF_ROBUST_ROLES; k++) {
        const size_t size = sizeof first->rows[k].figures;
        assert_memory_equal(&first->rows[k].figures, &again->rows[k].figures, size);
    }
    assert_true(first->rows[KERF_ROBUST_ALL_SERVER].figures.mean !=
                other->rows[KERF_ROBUST_ALL_SERVER].figures.mean);
    kerf_robust_destroy(&first);
    kerf_robust_destroy(&again);
    kerf_robust_destroy(&other);
    unload(&b);
}

/* --- too many placements --- */

static void test_reduced(void **state)
{
    (void)state;
    rng r = {rng_seed(21)};
    for (size_t i = 0; i < cases(25, 250); i++) {
        question_box box;
        random_question(&r, 3 + rng_below(&r, 5), rng_chance(&r, 0.5), &box);
        const char *spec = specs[i % (sizeof specs / sizeof *specs)];
        for (int aim = KERF_AIM_NOMINAL; aim <= KERF_AIM_REGRET; aim++) {
            kerf_robust_options o = {.aim = (kerf_aim)aim, .samples = 30, .seed = i};
            kerf_robust *all = make(&box.q, spec, &o);
            o.most_placements = 1;
            kerf_robust *some = make(&box.q, spec, &o);
            assert_true(all->complete && !some->complete);
            assert_true(some->placements <= all->placements);
            assert_true(some->plan->optimal == (aim == KERF_AIM_NOMINAL));
            if (some->value < all->value - 1e-9 * fabs(all->value) - 1e-12)
                fail_msg("%s: %.15g of some placements, %.15g of all", spec, some->value,
                         all->value);
            const kerf_robust_figures *a = &all->rows[KERF_ROBUST_NOMINAL].figures,
                                      *s = &some->rows[KERF_ROBUST_NOMINAL].figures;
            /* The best of every scenario is there, so regrets are the same. */
            if (!same(a->mean, s->mean, 1e-9) ||
                fabs(a->worst_regret - s->worst_regret) > 1e-9 * a->worst)
                fail_msg("%s: mean %.15g and %.15g, regret %.15g and %.15g", spec, a->mean, s->mean,
                         a->worst_regret, s->worst_regret);
            kerf_robust_destroy(&all);
            kerf_robust_destroy(&some);
        }
        question_box_clear(&box);
    }
}

/* --- traces, texts and files --- */

static void test_trace(void **state)
{
    (void)state;
    kerf_spreads *spreads = NULL;
    kerf_error err = {0};
    assert_int_equal(kerf_spreads_parse("rtt=10%", &spreads, &err), KERF_OK);
    text_file_write("0 4\n1 0\n2 0\n3 12\n", NULL, NULL);
    assert_int_equal(kerf_spreads_add_trace(spreads, text_file_path(), 0, &err), KERF_OK);
    const kerf_spread *s = &spreads->list[1];
    assert_int_equal(spreads->n, 2);
    assert_int_equal(s->n, 4);
    /* From 1 s it takes until after 3 s before anything goes through: a window of 4 s; from 2 s one
     * of 2 s. */
    const double rates[] = {4e6, 4e6, 6e6, 12e6};
    for (size_t i = 0; i < 4; i++) {
        assert_true(same(s->value[i], rates[i], 1e-9));
        assert_true(same(s->weight[i], (double)(i + 1) / 4, 1e-12));
    }
    assert_int_equal(kerf_spreads_add_trace(spreads, "none/such", 0, &err), KERF_E_IO);
    assert_int_equal(kerf_spreads_add_trace(spreads, text_file_path(), -1, &err), KERF_E_INVALID);
    assert_int_equal(spreads->n, 2);
    kerf_spreads_destroy(&spreads);
    const char *const recorded = "../shared/data/traces/mahimahi/ATT-LTE-driving-2016.up";
    FILE *there = fopen(recorded, "r");
    if (!there)
        skip();
    fclose(there);
    bundle b;
    kerf_robust *r = NULL;
    load(&b, "alexnet", 13e6);
    assert_int_equal(kerf_spreads_parse("downlink=0%", &spreads, &err), KERF_OK);
    assert_int_equal(kerf_spreads_add_trace(spreads, recorded, 1, &err), KERF_OK);
    const kerf_robust_options o = {.aim = KERF_AIM_EXPECTED, .spreads = spreads};
    assert_int_equal(kerf_robust_make(&b.q, &o, &r, &err), KERF_OK);
    assert_true(r->value <= r->rows[KERF_ROBUST_NOMINAL].figures.mean * (1 + 1e-12));
    kerf_robust_destroy(&r);
    kerf_spreads_destroy(&spreads);
    unload(&b);
}

static void refuse(const kerf_question *q, const kerf_robust_options *o, const char *what)
{
    kerf_robust *const untouched = (kerf_robust *)(void *)&untouched;
    kerf_robust *r = untouched;
    kerf_error err = {0};
    const kerf_status status = kerf_robust_make(q, o, &r, &err);
    if (status != KERF_E_INVALID || !*err.message || r != untouched)
        fail_msg("%s: status %d, '%s'", what, (int)status, err.message);
}

static void test_refusals(void **state)
{
    (void)state;
    bundle b;
    load(&b, "alexnet", 13e6);
    kerf_spread one = {.what = "rate", .relative = 0.1};
    kerf_spreads spreads = {.list = &one, .n = 1};
    kerf_robust_options o = {.spreads = &spreads};
    refuse(&b.q, &(kerf_robust_options){.samples = 1}, "no spreads");
    refuse(&b.q, &(kerf_robust_options){.spreads = &(kerf_spreads){.n = 0}}, "none listed");
    refuse(&b.q, &(kerf_robust_options){.spreads = &spreads, .samples = 1000001}, "many samples");
    refuse(&b.q, &(kerf_robust_options){.spreads = &spreads, .aim = (kerf_aim)77}, "an aim");
    refuse(&b.q,
           &(kerf_robust_options){.spreads = &spreads, .aim = KERF_AIM_CHANCE, .probability = 0.5},
           "no deadline");
    b.q.limits.deadline_s = 1;
    for (int i = 0; i < 4; i++) {
        static const double bad[] = {0, 1, -1, NAN};
        refuse(&b.q,
               &(kerf_robust_options){
                   .spreads = &spreads, .aim = KERF_AIM_CANTELLI, .probability = bad[i]},
               "a probability");
    }
    const kerf_spread wrong[] = {
        {.what = "weather", .relative = 0.1},
        {.what = "rate", .relative = -0.1},
        {.what = "rate", .relative = (double)NAN},
        {.what = "rate", .relative = 11},
        {.what = "rate", .kind = KERF_SPREAD_INTERVAL, .low = 2, .high = 1},
        {.what = "rate", .kind = KERF_SPREAD_INTERVAL, .low = 0, .high = 1},
        {.what = "conv", .kind = KERF_SPREAD_INTERVAL, .low = 0, .high = (double)INFINITY},
        {.what = "load", .kind = KERF_SPREAD_INTERVAL, .low = 0, .high = 1},
        {.what = "load", .relative = 0.1},
        {.what = "uplink", .kind = KERF_SPREAD_TRACE},
        {.what = "rtt", .kind = KERF_SPREAD_TRACE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        one = wrong[i];
        refuse(&b.q, &o, wrong[i].what);
    }
    const double value[] = {1e6, 2e6}, falling[] = {0.9, 0.5}, none[] = {1e6, 0},
                 half[] = {0.2, 0.5};
    const double full[] = {0.5, 1};
    one = (kerf_spread){
        .what = "uplink", .kind = KERF_SPREAD_TRACE, .value = value, .weight = falling, .n = 2};
    refuse(&b.q, &o, "weights that fall");
    one.weight = half;
    refuse(&b.q, &o, "weights that end early");
    one.weight = full;
    one.value = none;
    refuse(&b.q, &o, "no rate");
    memset(one.what, 'x', sizeof one.what);
    refuse(&b.q, &o, "a name without an end");
    b.q.network = NULL;
    one = (kerf_spread){.what = "rate", .relative = 0.1};
    refuse(&b.q, &o, "no network");
    b.q.network = b.network;
    unload(&b);
}

static void test_infeasible(void **state)
{
    (void)state;
    bundle b;
    kerf_robust *r = NULL;
    kerf_error err = {0};
    load(&b, "alexnet", 13e6);
    kerf_spread one = {.what = "device", .relative = 0.3};
    const kerf_spreads spreads = {.list = &one, .n = 1};
    kerf_robust_options o = {
        .spreads = &spreads, .aim = KERF_AIM_CHANCE, .probability = 0.9, .samples = 100};
    b.q.limits.deadline_s = 1e-4;
    assert_int_equal(kerf_robust_make(&b.q, &o, &r, &err), KERF_E_INFEASIBLE);
    assert_non_null(strstr(err.message, "0.9"));
    o.aim = KERF_AIM_REGRET;
    assert_int_equal(kerf_robust_make(&b.q, &o, &r, &err), KERF_E_INFEASIBLE);
    assert_null(r);
    unload(&b);
}

typedef struct patience {
    size_t calls, most;
} patience;

static bool go_on(void *context, const char *what, double best, double bound)
{
    patience *p = context;
    (void)best;
    (void)bound;
    if (strcmp(what, "scenarios") == 0)
        p->calls++;
    return p->calls <= p->most;
}

/* What was drawn before is as if no more had been asked for. */
static void test_stopped(void **state)
{
    (void)state;
    bundle b;
    kerf_error err = {0};
    kerf_robust *r = NULL;
    kerf_spread one = {.what = "device", .relative = 0.3};
    const kerf_spreads spreads = {.list = &one, .n = 1};
    kerf_robust_options o = {.spreads = &spreads, .aim = KERF_AIM_REGRET, .samples = 5000};
    load(&b, "alexnet", 13e6);
    patience p = {0, 5};
    b.q.progress = go_on;
    b.q.progress_context = &p;
    b.q.no_break_even = true;
    assert_int_equal(kerf_robust_make(&b.q, &o, &r, &err), KERF_OK);
    assert_true(r->stopped);
    assert_in_range(r->scenarios, 100, 300);
    const double value = r->value;
    o.samples = r->scenarios;
    kerf_robust_destroy(&r);
    b.q.progress = NULL;
    assert_int_equal(kerf_robust_make(&b.q, &o, &r, &err), KERF_OK);
    assert_false(r->stopped);
    assert_true(r->value == value);
    kerf_robust_destroy(&r);
    p = (patience){0, 1};
    b.q.progress = go_on;
    o.samples = 5000;
    assert_int_equal(kerf_robust_make(&b.q, &o, &r, &err), KERF_E_TIME_LIMIT);
    assert_null(r);
    unload(&b);
}

/* --- without memory --- */

typedef struct job {
    kerf_question *q;
    const char *text;
    size_t most;
} job;

static kerf_status tortured(void *context, kerf_error *err)
{
    const job *j = context;
    kerf_spreads *spreads = NULL;
    kerf_robust *r = NULL;
    kerf_status status = kerf_spreads_parse(j->text, &spreads, err);
    if (status == KERF_OK) {
        const kerf_robust_options o = {
            .aim = KERF_AIM_REGRET, .spreads = spreads, .samples = 3, .most_placements = j->most};
        status = kerf_robust_make(j->q, &o, &r, err);
    }
    kerf_robust_destroy(&r);
    kerf_spreads_destroy(&spreads);
    return status;
}

static kerf_status tortured_file(void *context, kerf_error *err)
{
    kerf_spreads *spreads = NULL;
    const kerf_status status = kerf_spreads_load(context, &spreads, err);
    kerf_spreads_destroy(&spreads);
    return status;
}

static void test_torture(void **state)
{
    (void)state;
    rng r = {4};
    question_box box;
    char path[256];
    if (!torture_available())
        skip();
    random_question(&r, 3, false, &box);
    job j = {&box.q, "conv=20%,latency/launch=10%,server=20%", 0};
    torture_run(tortured, &j);
    j.most = 1;
    torture_run(tortured, &j);
    question_box_clear(&box);
    snprintf(path, sizeof path, "%s", text_file_path());
    text_file_write(
        "{\"format\": \"kerf-uncertainty/1\", \"profile\": true, \"spreads\": [{\"what\": "
        "\"rate\", \"relative\": 0.1}, {\"what\": \"rtt\", \"interval\": [\"1 ms\", \"2 "
        "ms\"]}]}",
        NULL, NULL);
    torture_run(tortured_file, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enumeration), cmocka_unit_test(test_bundled),
        cmocka_unit_test(test_moments),     cmocka_unit_test(test_probability),
        cmocka_unit_test(test_statistics),  cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_reduced),     cmocka_unit_test(test_trace),
        cmocka_unit_test(test_refusals),    cmocka_unit_test(test_infeasible),
        cmocka_unit_test(test_stopped),     cmocka_unit_test(test_torture),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
