/* Three tiers: the solvers against enumeration by naive code on random problems of every shape,
 * cost and link, and against each other on larger ones. KERF_SEED sets the seed, KERF_TEST_FULL=1
 * the number. */
#include "tests/support/random_tiers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const kerf_objective sums[] = {KERF_OBJ_ENERGY, KERF_OBJ_LATENCY, KERF_OBJ_EDP,
                                      KERF_OBJ_TOTAL_ENERGY, KERF_OBJ_WEIGHTED};

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* Limits around what some placement takes, often exactly that. */
static void random_limits(rng *r, tiers_box *box)
{
    kerf_limits *limits = &box->box.p.limits;
    uint8_t x[64];
    size_t n = box->box.p.n, first = rng_below(r, n + 1), second = rng_below(r, n + 1);
    for (size_t v = 0; v < n; v++)
        x[v] = (uint8_t)((v >= first) + (v >= first && v >= second));
    tier_value value;
    naive_tiers(&box->p, x, &value);
    double spread = rng_chance(r, 0.3) ? 1 : rng_chance(r, 0.5) ? 1.05 : 1.5;
    if (rng_chance(r, 0.4))
        limits->deadline_s = value.base.latency_s * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.4))
        limits->energy_J = value.base.energy_J * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.4))
        limits->memory_bytes = value.base.memory_bytes * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.2))
        limits->max_bytes = value.bytes[UP1] * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.2))
        limits->min_device_operators = rng_below(r, n + 1);
}

static void check_proof(const tier_problem *p, const cut_solution *s, uint64_t seed)
{
    tier_value value, naive;
    tier_evaluate(p, s->x, &value);
    naive_tiers(p, s->x, &naive);
    assert_true(tier_is_legal(p, s->x));
    if (!same(value.base.objective, naive.base.objective) ||
        !same(value.base.memory_bytes, naive.base.memory_bytes) || s->gap > CUT_GAP)
        fail_msg("KERF_SEED=%llu: %.17g, naively %.17g, gap %g", (unsigned long long)seed,
                 value.base.objective, naive.base.objective, s->gap);
    assert_true(value.base.violation == 0);
    assert_true(s->bound <= s->objective);
}

typedef kerf_status solver(const tier_problem *, const cut_options *, cut_solution *, kerf_error *);

static void against_enumeration(uint64_t seed, solver *solve, bool limits, size_t *infeasible)
{
    tiers_box box = {.p = {.first = NULL}};
    rng r = {seed};
    shape kind = (shape)rng_below(&r, N_SHAPES);
    random_tiers(&r, kind, 1 + rng_below(&r, 9), &box);
    box.box.p.objective = limits ? (kerf_objective)rng_below(&r, 6) : sums[rng_below(&r, 5)];
    if (rng_chance(&r, 0.3))
        random_tier_pins(&r, &box);
    if (limits && rng_chance(&r, 0.7))
        random_limits(&r, &box);
    tiers_answer expected;
    brute_force_tiers(&box.p, &expected);
    cut_solution s = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    kerf_status status = solve(&box.p, NULL, &s, &err);
    if (!expected.feasible) {
        ++*infeasible;
        assert_int_equal(status, KERF_E_INFEASIBLE);
    } else {
        if (status != KERF_OK || !same(s.objective, expected.objective))
            fail_msg("KERF_SEED=%llu: shape %d, %zu operators, objective %d: expected %.17g, found "
                     "%.17g, status %d %s",
                     (unsigned long long)seed, (int)kind, box.box.p.n, (int)box.box.p.objective,
                     expected.objective, s.objective, (int)status, err.message);
        check_proof(&box.p, &s, seed);
    }
    cut_solution_clear(&s);
    random_tiers_clear(&box);
}

static void test_exhaustive(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(3001);
    size_t infeasible = 0;
    for (size_t i = 0; i < cases(400, 4000); i++)
        against_enumeration(seed + i, tier_solve_exhaustive, true, &infeasible);
    assert_true(infeasible > 0);
}

static void test_mincut(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(3002);
    size_t infeasible = 0;
    for (size_t i = 0; i < cases(2000, 15000); i++)
        against_enumeration(seed + i, tier_solve_mincut, false, &infeasible);
    assert_true(infeasible > 0);
}

static void test_milp(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(3003);
    size_t infeasible = 0;
    for (size_t i = 0; i < cases(300, 3000); i++)
        against_enumeration(seed + i, tier_solve_milp, true, &infeasible);
    assert_true(infeasible > 0);
}

/* Larger ones: minimum cuts and GLPK come to the same. */
static void test_both(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(3004);
    for (size_t i = 0; i < cases(120, 600); i++) {
        tiers_box box = {.p = {.first = NULL}};
        rng r = {seed + i};
        shape kind = (shape)rng_below(&r, N_SHAPES);
        random_tiers(&r, kind, 10 + rng_below(&r, 30), &box);
        box.box.p.objective = sums[rng_below(&r, 5)];
        if (rng_chance(&r, 0.3))
            random_tier_pins(&r, &box);
        cut_solution cuts = {.x = NULL}, programs = {.x = NULL};
        const kerf_status status = tier_solve_mincut(&box.p, NULL, &cuts, NULL);
        assert_int_equal(tier_solve_milp(&box.p, NULL, &programs, NULL), status);
        if (status == KERF_OK && !same(cuts.objective, programs.objective))
            fail_msg("KERF_SEED=%llu: %.17g by mincut, %.17g by milp",
                     (unsigned long long)(seed + i), cuts.objective, programs.objective);
        if (status == KERF_OK) {
            check_proof(&box.p, &cuts, seed + i);
            check_proof(&box.p, &programs, seed + i);
        }
        cut_solution_clear(&cuts);
        cut_solution_clear(&programs);
        random_tiers_clear(&box);
    }
}

/* The placement that is least off the limits. */
static void test_closest(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(3005);
    const cut_options closest = {.minimise_violation = true};
    size_t off = 0;
    for (size_t i = 0; i < cases(150, 1500); i++) {
        tiers_box box = {.p = {.first = NULL}};
        rng r = {seed + i};
        random_tiers(&r, (shape)rng_below(&r, N_SHAPES), 1 + rng_below(&r, 7), &box);
        random_limits(&r, &box);
        box.box.p.limits.deadline_s *= rng_chance(&r, 0.5) ? 0.1 : 1;
        tiers_answer expected;
        brute_force_tiers(&box.p, &expected);
        solver *const ways[] = {tier_solve_exhaustive, tier_solve_milp};
        for (size_t k = 0; k < 2; k++) {
            cut_solution s = {.x = NULL};
            assert_int_equal(ways[k](&box.p, &closest, &s, NULL), KERF_OK);
            if (!(fabs(s.objective - expected.violation) <= 1e-8 * fmax(1, expected.violation)))
                fail_msg("KERF_SEED=%llu: %.17g off by way %zu, expected %.17g",
                         (unsigned long long)(seed + i), s.objective, k, expected.violation);
            cut_solution_clear(&s);
        }
        off += expected.violation > 0;
        random_tiers_clear(&box);
    }
    assert_true(off > 10);
}

static bool stop_later(void *context, const char *what, double best, double bound)
{
    int *calls = context;
    (void)what;
    (void)best;
    (void)bound;
    return --*calls > 0;
}

/* Stopped early, the bound still holds. */
static void test_stopped(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(3006);
    size_t stopped = 0;
    for (size_t i = 0; i < cases(300, 3000); i++) {
        tiers_box box = {.p = {.first = NULL}};
        rng r = {seed + i};
        random_tiers(&r, (shape)rng_below(&r, N_SHAPES), 3 + rng_below(&r, 5), &box);
        box.box.p.objective = sums[rng_below(&r, 5)];
        tiers_answer expected;
        brute_force_tiers(&box.p, &expected);
        int calls = 1 + (int)rng_below(&r, 8);
        const cut_options options = {.progress = stop_later, .progress_context = &calls};
        cut_solution s = {.x = NULL};
        solver *const way = i % 2 ? tier_solve_mincut : tier_solve_milp;
        if (way(&box.p, &options, &s, NULL) == KERF_OK) {
            if (s.bound > expected.objective * (1 + 1e-9) ||
                s.objective < expected.objective * (1 - 1e-9))
                fail_msg("KERF_SEED=%llu: bound %.17g, found %.17g, optimum %.17g",
                         (unsigned long long)(seed + i), s.bound, s.objective, expected.objective);
            stopped += s.gap > CUT_GAP;
        }
        cut_solution_clear(&s);
        random_tiers_clear(&box);
    }
    print_message("# %zu were stopped\n", stopped);
    assert_true(stopped > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exhaustive), cmocka_unit_test(test_mincut),
        cmocka_unit_test(test_milp),       cmocka_unit_test(test_both),
        cmocka_unit_test(test_closest),    cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
