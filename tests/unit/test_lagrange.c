/* What branch and bound rests on, each against enumeration: sums with surcharges, memory as a sum
 * of prices, bounds by prices, and fixing by bounds. */
#include "planner/solve/lagrange.h"
#include "planner/solve/solve.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 12 /* operators: all placements are looked at */

static bool next_placement(const cut_problem *p, uint8_t *x)
{
    do {
        size_t v = 0;
        while (v < p->n && x[v])
            x[v++] = 0;
        if (v == p->n)
            return false;
        x[v] = 1;
    } while (!cut_is_legal(p, x));
    return true;
}

static void some_problem(rng *r, problem_box *box)
{
    shape kind = (shape)rng_below(r, N_SHAPES);
    random_problem(r, kind, 1 + rng_below(r, MOST), box);
    if (rng_chance(r, 0.3))
        random_bundles(r, box, rng_chance(r, 0.5));
    if (rng_chance(r, 0.3))
        random_pins(r, box);
}

static void visit(void *context, const uint8_t *x, const cut_value *value)
{
    (void)context;
    (void)x;
    (void)value;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static double *some_prices(rng *r, problem_box *box, size_t n)
{
    double *price = box_alloc(box, n, sizeof *price), share = rng_unit(r);
    for (size_t i = 0; i < n; i++)
        price[i] = rng_chance(r, share) ? rng_log(r, 1e-3, 1) : 0;
    return price;
}

/* True if flows can express all costs: else a bound is only a bound. */
static bool is_exact(const cut_problem *p)
{
    for (size_t b = 0; b < p->n_bundles; b++) {
        const cut_cost *c = &p->bundles[b].cost;
        if (p->bundles[b].n > 1 &&
            (c->device_s > 0 || c->device_J > 0 || c->server_s > 0 || c->server_J > 0))
            return false;
    }
    return true;
}

/* The least sum, with every kind of price, is that of all placements. */
static void test_sums(void **state)
{
    (void)state;
    rng r = {rng_seed(61)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 1500; i++) {
        some_problem(&r, &box);
        cut_problem *p = &box.p;
        cut_dag dag;
        cut_sum *sum = NULL;
        cut_sum_answer answer;
        uint8_t side[MOST], x[MOST] = {0};
        cut_mix mix = {.weights = {rng_unit(&r), rng_unit(&r), rng_unit(&r)},
                       .up_bytes = rng_chance(&r, 0.5) ? 0 : rng_log(&r, 1e-8, 1e-5)};
        for (int s = 0; s < CUT_STAGES; s++)
            mix.stage_s[s] = rng_chance(&r, 0.7) ? 0 : rng_unit(&r);
        mix.surcharges = (cut_surcharges){some_prices(&r, &box, p->n), some_prices(&r, &box, p->n),
                                          some_prices(&r, &box, p->n_tensors),
                                          some_prices(&r, &box, p->n_weights)};
        assert_int_equal(cut_dag_create(p, &dag, NULL), KERF_OK);
        if (cut_dag_force(p, &dag, side, NULL) == KERF_OK) {
            const cut_sum_host host = {visit, never, NULL};
            double least = INFINITY;
            assert_int_equal(cut_sum_create(p, &dag, side, true, &host, &sum, NULL), KERF_OK);
            assert_int_equal(cut_sum_minimise(sum, &mix, &answer, NULL), KERF_OK);
            bool more = cut_is_legal(p, x) || next_placement(p, x);
            for (; more; more = next_placement(p, x)) {
                cut_value value;
                cut_evaluate_costs(p, x, &value);
                least = fmin(least, cut_mix_value(p, &mix, x, &value));
            }
            assert_true(answer.bound <= least * (1 + 1e-12));
            if (is_exact(p)) {
                assert_true(answer.bound >= least * (1 - 1e-9));
                assert_true(fabs(answer.least - least) <= 1e-9 * least);
            }
            cut_sum_destroy(&sum);
        }
        cut_dag_clear(&dag);
    }
    box_clear(&box);
}

static void some_limits(rng *r, cut_problem *p, const cut_value *value)
{
    p->limits = (kerf_limits){.deadline_s = value->latency_s * rng_log(r, 0.5, 2)};
    if (rng_chance(r, 0.7))
        p->limits.energy_J = value->energy_J * rng_log(r, 0.5, 2);
    if (rng_chance(r, 0.7))
        p->limits.memory_bytes = value->memory_bytes * rng_log(r, 0.5, 2);
    if (rng_chance(r, 0.4))
        p->limits.max_bytes = value->up_bytes * rng_log(r, 0.5, 2);
    if (rng_chance(r, 0.4))
        p->limits.min_device_operators = rng_below(r, p->n + 1);
}

/* Of any placement, the prices of its resources are what the mix and the constant say; and the
 * profile's largest entry is the memory. */
static void test_resources(void **state)
{
    (void)state;
    rng r = {rng_seed(62)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 1000; i++) {
        some_problem(&r, &box);
        cut_problem *p = &box.p;
        box.p.pin = NULL;
        cut_dag dag;
        cut_memory memory;
        resource_list list;
        resource_prices arrays;
        cut_value value;
        uint8_t x[MOST] = {0};
        double profile[MOST + 1], taken[MOST_RESOURCES], price[MOST_RESOURCES], peak = 0;
        for (size_t skip = rng_below(&r, 40); skip > 0 && next_placement(p, x); skip--) {
        }
        if (!cut_is_legal(p, x))
            memset(x, 0, sizeof x);
        cut_evaluate(p, x, &value);
        some_limits(&r, p, &value);
        assert_int_equal(cut_dag_create(p, &dag, NULL), KERF_OK);
        assert_int_equal(cut_memory_create(p, &dag, &memory, NULL), KERF_OK);
        assert_int_equal(resource_prices_create(&arrays, &memory.relaxed, NULL), KERF_OK);
        cut_memory_profile(p, x, profile);
        for (size_t step = 0; step <= p->n; step++)
            peak = fmax(peak, profile[step]);
        assert_true(fabs(peak - value.memory_bytes) <= 1e-12 * peak);
        resources_start(&list, p, true);
        for (int k = 0; k < 5 && p->limits.memory_bytes > 0; k++)
            resources_add_step(&list, p, rng_below(&r, p->n + 1));
        resources_take(&list, p, &value, profile, taken);
        double expected = 0, size = 0;
        for (size_t k = 0; k < list.n; k++) {
            price[k] = rng_chance(&r, 0.3) ? 0 : rng_unit(&r);
            expected += price[k] * taken[k];
            size += price[k] * (2 + fabs(taken[k]));
        }
        cut_mix mix = {.up_bytes = 0};
        double constant = resources_mix(&list, &memory, price, &arrays, &mix);
        double found = cut_mix_value(&memory.relaxed, &mix, x, &value) + constant;
        assert_true(fabs(found - expected) <= 1e-12 * (size + fabs(constant)));
        resource_prices_clear(&arrays);
        cut_memory_clear(&memory);
        cut_dag_clear(&dag);
    }
    box_clear(&box);
}

static double goal_of(lagrange_goal goal, const cut_weights *weights, const cut_value *value)
{
    return goal == LAGRANGE_VIOLATION ? value->violation
           : goal == LAGRANGE_SLOWEST ? value->slowest_s
                                      : cut_weighted(weights, value);
}

static double given(void *context)
{
    return *(double *)context;
}

/* The least value of a goal among all placements that keep the limits and the pins. */
static double enumerate(const cut_problem *p, lagrange_goal goal, const cut_weights *weights,
                        uint8_t *best)
{
    double least = INFINITY;
    uint8_t x[MOST] = {0};
    bool more = cut_is_legal(p, x) || next_placement(p, x);
    for (; more; more = next_placement(p, x)) {
        cut_value value;
        cut_evaluate(p, x, &value);
        double mine = goal_of(goal, weights, &value);
        if ((goal == LAGRANGE_VIOLATION || value.violation <= 0) && mine < least) {
            least = mine;
            memcpy(best, x, sizeof x);
        }
    }
    return least;
}

/* Bounds never exceed the least value, and what they fix is so in the best placement, if the cutoff
 * is just above it; an infinite bound means that there is none. */
static void test_bounds(void **state)
{
    (void)state;
    rng r = {rng_seed(63)};
    size_t fixed_in_all = 0, infeasible = 0, proven = 0, close = 0, cases = 1500;
    problem_box box = {.blocks = NULL};
    for (size_t i = 0; i < cases; i++) {
        some_problem(&r, &box);
        cut_problem *p = &box.p;
        cut_dag dag;
        cut_value value;
        uint8_t side[MOST], best[MOST] = {0};
        lagrange *l = NULL;
        lagrange_goal goal = (lagrange_goal)rng_below(&r, 3);
        cut_weights weights = {rng_unit(&r), rng_unit(&r), rng_unit(&r)};
        if (goal != LAGRANGE_SUM)
            weights = (cut_weights){.energy = 0};
        cut_evaluate(p, best, &value);
        some_limits(&r, p, &value);
        double least = enumerate(p, goal, &weights, best);
        assert_int_equal(cut_dag_create(p, &dag, NULL), KERF_OK);
        if (cut_dag_force(p, &dag, side, NULL) == KERF_OK) {
            double cutoff = isinf(least) ? 1e30 : least + 1e-9 * fmax(1, least);
            const lagrange_host host = {visit, never, given, &cutoff};
            lagrange_point at = {.bound = 0};
            size_t fixed = 0;
            assert_int_equal(lagrange_create(p, goal, &host, &l, NULL), KERF_OK);
            lagrange_set_goal(l, &weights, goal_of(goal, &weights, &value) + 1e-3);
            cutoff = fmin(cutoff, goal == LAGRANGE_VIOLATION ? 1e30 : 2 * lagrange_most(l));
            assert_int_equal(lagrange_bound(l, side, rng_below(&r, 30), &at, NULL), KERF_OK);
            assert_true(at.bound <= least + 1e-9 * fmax(1, least) || isinf(least));
            assert_true(!isinf(at.bound) || isinf(least));
            infeasible += isinf(least) ? 1 : 0;
            proven += isinf(at.bound) ? 1 : 0;
            close += at.bound >= 0.9 * least;
            if (!isinf(least)) {
                assert_int_equal(lagrange_fix(l, &at, rng_below(&r, 30), side, &fixed, NULL),
                                 KERF_OK);
                fixed_in_all += fixed;
                for (size_t v = 0; v < p->n; v++)
                    assert_true(side[v] == KERF_SIDE_FREE ||
                                (side[v] == KERF_SIDE_SERVER) == best[v]);
            }
            lagrange_destroy(&l);
        }
        cut_dag_clear(&dag);
    }
    print_message("%zu operators fixed, %zu of %zu infeasible, %zu proven so, %zu bounds close\n",
                  fixed_in_all, infeasible, cases, proven, close);
    assert_true(fixed_in_all > cases && proven > infeasible / 4 && close > cases / 4);
    box_clear(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_resources),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
