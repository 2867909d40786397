/* The solvers against each other on random problems of every shape, cost and link: each must reach
 * the same objective to 1e-9, and prove it. KERF_SEED sets the seed, KERF_TEST_FULL=1 the number.
 */
#include "planner/solve/solve.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_IDEALS 3000

static bool full(void)
{
    return getenv("KERF_TEST_FULL") != NULL;
}

static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* A solution that proves itself and is priced as it says. */
static void check_solution(const cut_problem *p, const cut_solution *s)
{
    cut_value value;
    cut_evaluate(p, s->x, &value);
    assert_true(cut_is_legal(p, s->x));
    assert_true(value.objective == s->objective);
    assert_true(value.violation == 0);
    assert_true(s->bound <= s->objective);
    assert_true(s->gap <= CUT_GAP);
}

static void describe(uint64_t seed, shape kind, const cut_problem *p, double expected, double found)
{
    print_message("KERF_SEED=%llu: shape %d, %zu operators, objective %d, pins %d: expected %.17g, "
                  "found %.17g\n",
                  (unsigned long long)seed, (int)kind, p->n, (int)p->objective, p->pin != NULL,
                  expected, found);
}

static size_t random_size(rng *r, shape kind)
{
    if (kind == SHAPE_CHAIN)
        return 1 + rng_below(r, 60);
    if (kind == SHAPE_RESIDUAL)
        return 1 + rng_below(r, 30);
    return 1 + rng_below(r, 14);
}

static void test_mincut(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(2024);
    size_t cases = full() ? 21000 : 2000, compared = 0, pinned = 0;
    problem_box box = {.blocks = NULL};
    for (size_t i = 0; i < cases; i++, seed++) {
        rng r = {seed};
        shape kind = (shape)rng_below(&r, N_SHAPES);
        random_problem(&r, kind, random_size(&r, kind), &box);
        const kerf_objective objectives[] = {KERF_OBJ_ENERGY, KERF_OBJ_LATENCY, KERF_OBJ_EDP,
                                             KERF_OBJ_TOTAL_ENERGY, KERF_OBJ_WEIGHTED};
        box.p.objective = objectives[rng_below(&r, 5)];
        if (rng_chance(&r, 0.3))
            random_pins(&r, &box);
        if (rng_chance(&r, 0.4))
            random_bundles(&r, &box, true);
        cut_options options = {.max_ideals = MOST_IDEALS};
        cut_solution a = {.x = NULL}, b = {.x = NULL};
        kerf_status status = cut_solve_exhaustive(&box.p, &options, &a, NULL);
        if (status == KERF_E_TOO_LARGE)
            continue;
        compared++;
        kerf_status other = cut_solve_mincut(&box.p, NULL, &b, NULL);
        assert_int_equal(status, other);
        if (status != KERF_OK) {
            assert_int_equal(status, KERF_E_INFEASIBLE);
            pinned++;
            continue;
        }
        if (!same(a.objective, b.objective) || b.gap > CUT_GAP)
            describe(seed, kind, &box.p, a.objective, b.objective);
        assert_true(same(a.objective, b.objective));
        check_solution(&box.p, &a);
        check_solution(&box.p, &b);
        cut_solution_clear(&a);
        cut_solution_clear(&b);
    }
    print_message("compared %zu of %zu, %zu with contradicting pins\n", compared, cases, pinned);
    assert_true(compared > cases / 2);
    box_clear(&box);
}

/* Limits around what some placement takes, often exactly that. */
static void random_limits(rng *r, problem_box *box)
{
    cut_problem *p = &box->p;
    uint8_t *x = box_alloc(box, p->n, 1);
    size_t split = rng_below(r, p->n + 1);
    for (size_t v = 0; v < p->n; v++)
        x[v] = v >= split;
    cut_value value;
    naive_value(p, x, &value);
    double spread = rng_chance(r, 0.3) ? 1 : rng_chance(r, 0.5) ? 1.05 : 1.5;
    if (rng_chance(r, 0.4))
        p->limits.deadline_s = value.latency_s * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.4))
        p->limits.energy_J = value.energy_J * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.4))
        p->limits.memory_bytes = value.memory_bytes * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.2))
        p->limits.max_bytes = value.up_bytes * rng_log(r, 1 / spread, spread);
    if (rng_chance(r, 0.2))
        p->limits.min_device_operators = rng_below(r, p->n + 1);
}

static void compare_milp(uint64_t seed, bool closest, size_t *compared, size_t *infeasible)
{
    problem_box box = {.blocks = NULL};
    rng r = {seed};
    shape kind = (shape)rng_below(&r, N_SHAPES);
    random_problem(&r, kind, random_size(&r, kind), &box);
    box.p.objective = (kerf_objective)rng_below(&r, 6);
    if (rng_chance(&r, 0.2))
        random_pins(&r, &box);
    if (rng_chance(&r, 0.3))
        random_bundles(&r, &box, false);
    if (closest || rng_chance(&r, 0.7))
        random_limits(&r, &box);
    cut_options options = {.max_ideals = MOST_IDEALS, .minimise_violation = closest};
    cut_options few = {.max_ideals = rng_chance(&r, 0.8) ? 1 + rng_below(&r, 8) : 0,
                       .minimise_violation = closest};
    cut_solution a = {.x = NULL}, b = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    kerf_status status = cut_solve_exhaustive(&box.p, &options, &a, NULL);
    if (status != KERF_E_TOO_LARGE) {
        ++*compared;
        kerf_status other = cut_solve_milp(&box.p, &few, &b, &err);
        if (status != other || (status == KERF_OK && !same(a.objective, b.objective)) ||
            (status == KERF_OK && b.gap > CUT_GAP)) {
            describe(seed, kind, &box.p, a.objective, b.objective);
            print_message("status %d and %d, gap %g, %s\n", (int)status, (int)other, b.gap,
                          err.message);
        }
        assert_int_equal(status, other);
        if (status != KERF_OK)
            ++*infeasible;
        else if (closest)
            assert_true(fabs(a.objective - b.objective) <= 1e-8 * fmax(1, a.objective));
        else {
            assert_true(same(a.objective, b.objective));
            check_solution(&box.p, &b);
        }
    }
    cut_solution_clear(&a);
    cut_solution_clear(&b);
    box_clear(&box);
}

static void test_milp(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(4048);
    size_t cases = full() ? 21000 : 500, compared = 0, infeasible = 0;
    for (size_t i = 0; i < cases; i++)
        compare_milp(seed + i, false, &compared, &infeasible);
    print_message("compared %zu of %zu, %zu infeasible\n", compared, cases, infeasible);
    assert_true(compared > cases / 2);
    assert_true(infeasible > 0 && infeasible < compared / 2);
}

/* auto picks a solver that is exact for the question, whatever that is. */
static void test_auto(void **state)
{
    (void)state;
    size_t cases = full() ? 5000 : 500, by_solver[4] = {0};
    uint64_t seed = rng_seed(16192);
    problem_box box = {.blocks = NULL};
    for (size_t i = 0; i < cases; i++) {
        rng r = {seed + i};
        shape kind = (shape)rng_below(&r, N_SHAPES);
        random_problem(&r, kind, random_size(&r, kind), &box);
        box.p.objective = (kerf_objective)rng_below(&r, 6);
        if (rng_chance(&r, 0.3))
            random_bundles(&r, &box, false);
        if (rng_chance(&r, 0.5))
            random_limits(&r, &box);
        cut_options options = {.max_ideals = MOST_IDEALS}, few = {.max_ideals = 10};
        cut_solution a = {.x = NULL}, b = {.x = NULL};
        kerf_status status = cut_solve_exhaustive(&box.p, &options, &a, NULL);
        if (status == KERF_E_TOO_LARGE)
            continue;
        assert_int_equal(cut_solve(&box.p, KERF_SOLVER_AUTO, &few, &b, NULL), status);
        if (status == KERF_OK) {
            assert_true(same(a.objective, b.objective));
            check_solution(&box.p, &b);
            by_solver[b.solver]++;
        }
        cut_solution_clear(&a);
        cut_solution_clear(&b);
    }
    assert_true(by_solver[KERF_SOLVER_EXHAUSTIVE] > 0 && by_solver[KERF_SOLVER_MINCUT] > 0);
    assert_true(by_solver[KERF_SOLVER_MILP] > 0);
    box_clear(&box);
}

static void test_closest(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(8096);
    size_t cases = full() ? 4000 : 200, compared = 0, infeasible = 0;
    for (size_t i = 0; i < cases; i++)
        compare_milp(seed + i, true, &compared, &infeasible);
    assert_true(compared > cases / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mincut),
        cmocka_unit_test(test_milp),
        cmocka_unit_test(test_closest),
        cmocka_unit_test(test_auto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
