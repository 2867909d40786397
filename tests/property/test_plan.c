/* Plans of random small networks against every legal placement, priced one by one. */
#include "kerf/kerf.h"
#include "tests/support/random.h"
#include "tests/support/random_scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed_of_run;

/* Just inside the stated range of rates the same cost is optimal; just outside it is not. */
static void check_break_even(const kerf_question *q, const kerf_plan *plan, uint64_t seed)
{
    const double borders[2] = {plan->break_even_below_bps, plan->break_even_above_bps};
    for (int i = 0; i < 2; i++) {
        if (!(borders[i] > 0) || isinf(borders[i]))
            continue;
        const double present = q->link->rate_bps[KERF_UPLINK];
        assert_true(i == 0 ? borders[i] <= present * (1 + 1e-9)
                           : borders[i] >= present * (1 - 1e-9));
        for (int outside = 0; outside < 2; outside++) {
            kerf_link link = *q->link;
            kerf_question moved = *q;
            moved.link = &link;
            moved.top = 0;
            moved.no_break_even = true;
            const double step = (i == 0) == outside ? 1 - 1e-4 : 1 + 1e-4;
            link.rate_bps[KERF_UPLINK] = borders[i] * step;
            if (!outside && (i == 0 ? link.rate_bps[0] > present : link.rate_bps[0] < present))
                continue;
            kerf_plan_cost mine;
            kerf_plan *best = NULL;
            kerf_error err = {0};
            assert_int_equal(kerf_price(&moved, plan->side, &mine, &err), KERF_OK);
            const kerf_status status = kerf_plan_make(&moved, &best, &err);
            size_t on_device = 0;
            for (size_t v = 0; v < q->network->n_operators; v++)
                on_device += plan->side[v] == KERF_SIDE_DEVICE;
            const bool feasible = rs_keeps(&q->limits, &mine, on_device);
            if (!outside) {
                assert_int_equal(status, KERF_OK);
                assert_true(feasible);
                rs_check_close(rs_badness(q, &mine), rs_badness(q, &best->cost), "the cost inside",
                               seed);
            } else if (status == KERF_OK && feasible) {
                /* another is at least as good there, and strictly better unless all are equal */
                assert_true(rs_badness(q, &best->cost) <= rs_badness(q, &mine));
            }
            kerf_plan_destroy(&best);
        }
    }
}

static void check_one(uint64_t seed, bool with_limits)
{
    static rs_scene s;
    rs_scene_make(&s, 1, seed);
    kerf_question q = s.question;
    static rs_entry entries[4096];
    if (with_limits)
        rs_limits(&q);
    const size_t n = rs_enumerate(&q, entries, sizeof entries / sizeof *entries);
    const bool mincut_exact = !with_limits && q.objective != KERF_OBJ_THROUGHPUT;
    for (int solver = KERF_SOLVER_AUTO; solver <= KERF_SOLVER_MILP; solver++) {
        if (solver == KERF_SOLVER_MINCUT && !mincut_exact)
            continue;
        q.solver = (kerf_solver)solver;
        q.top = solver == KERF_SOLVER_AUTO || solver == KERF_SOLVER_MINCUT ? 4 : 0;
        q.no_break_even = solver != KERF_SOLVER_AUTO;
        kerf_plan *plan = NULL;
        kerf_error err = {0};
        const kerf_status status = kerf_plan_make(&q, &plan, &err);
        if (n == 0) {
            assert_int_equal(status, KERF_E_INFEASIBLE);
            assert_true(strlen(err.message) > 20);
            continue;
        }
        if (status != KERF_OK)
            fail_msg("seed %llu, solver %s: %s: %s", (unsigned long long)seed,
                     kerf_solver_name(q.solver), err.where, err.message);
        double least = entries[0].value;
        for (size_t i = 1; i < n; i++)
            least = fmin(least, entries[i].value);
        rs_check_close(rs_badness(&q, &plan->cost), least, kerf_solver_name(q.solver), seed);
        assert_true(plan->optimal);
        rs_check_parts(&plan->cost, seed);
        rs_check_parts(&plan->all_device.cost, seed);
        rs_check_parts(&plan->all_server.cost, seed);
        rs_check_alternatives(&q, plan, entries, n, seed);
        if (solver == KERF_SOLVER_AUTO)
            check_break_even(&q, plan, seed);
        kerf_plan_destroy(&plan);
    }
    kerf_network_destroy(&s.network);
}

/* --- several power modes --- */

/* Stops the search once, at the call that makes *calls 0: in one of the modes. */
static bool stop_once(void *context, const char *what, double best, double bound)
{
    (void)what;
    (void)best;
    (void)bound;
    int *calls = context;
    return --*calls != 0;
}

/* Least value over all placements in all modes; INFINITY: none keeps the limits. */
static double least_of_modes(const rs_scene *s, const kerf_question *q)
{
    static rs_entry entries[4096];
    double least = INFINITY;
    for (size_t mode = 0; mode < s->device.n_modes; mode++) {
        kerf_question in_mode = *q;
        in_mode.power_mode = s->device_modes[mode].name;
        const size_t n = rs_enumerate(&in_mode, entries, sizeof entries / sizeof *entries);
        for (size_t i = 0; i < n; i++)
            least = fmin(least, entries[i].value);
    }
    return least;
}

/* The best of all modes, with a bound that holds for all of them also where one was not solved to
 * its end. Counts the runs that were stopped with a plan. */
static void check_modes(uint64_t seed, size_t *stopped)
{
    static rs_scene s;
    rs_scene_make(&s, 3, seed);
    kerf_question q = s.question;
    q.power_mode = "any";
    rs_limits(&q);
    const double least = least_of_modes(&s, &q);
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_plan_make(&q, &plan, &err);
    assert_int_equal(status, isinf(least) ? KERF_E_INFEASIBLE : KERF_OK);
    if (status != KERF_OK)
        assert_non_null(strstr(err.message, "in power mode"));
    else {
        rs_check_close(rs_badness(&q, &plan->cost), least, "any mode", seed);
        assert_true(plan->optimal);
    }
    kerf_plan_destroy(&plan);

    int calls = 1 + (int)rs_below(6);
    q.solver = KERF_SOLVER_MILP;
    q.progress = stop_once;
    q.progress_context = &calls;
    q.no_break_even = true;
    if (kerf_plan_make(&q, &plan, &err) == KERF_OK) {
        const double bound = q.objective == KERF_OBJ_THROUGHPUT ? 1 / plan->bound : plan->bound;
        const double value = rs_badness(&q, &plan->cost);
        if (bound > least * (1 + 1e-9))
            fail_msg("seed %llu: bound %g above the optimum %g", (unsigned long long)seed, bound,
                     least);
        assert_true(fabs(plan->gap * value - (value - bound)) <= 1e-12 * value);
        assert_int_equal(plan->optimal, plan->gap <= 1e-9);
        *stopped += !plan->optimal;
    }
    kerf_plan_destroy(&plan);
    kerf_network_destroy(&s.network);
}

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static void test_free_plans(void **unused)
{
    (void)unused;
    const size_t n = cases(500, 10000);
    for (size_t i = 0; i < n; i++)
        check_one(seed_of_run + i, false);
}

static void test_limited_plans(void **unused)
{
    (void)unused;
    const size_t n = cases(500, 10000);
    for (size_t i = 0; i < n; i++)
        check_one(seed_of_run + 1000000 + i, true);
}

static void test_modes(void **unused)
{
    (void)unused;
    const size_t n = cases(1000, 5000);
    size_t stopped = 0;
    for (size_t i = 0; i < n; i++)
        check_modes(seed_of_run + 2000000 + i, &stopped);
    print_message("# %zu of %zu runs were stopped with a plan\n", stopped, n);
    assert_true(stopped > n / 20);
}

int main(void)
{
    seed_of_run = rng_seed(20261123);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_plans),
        cmocka_unit_test(test_limited_plans),
        cmocka_unit_test(test_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
