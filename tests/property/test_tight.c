/* Limits that bind: branch and bound against enumeration on small problems, and at size against
 * enumeration, planted optima and bounds of runs that are stopped. KERF_SEED sets the seed,
 * KERF_TEST_FULL=1 the number. */
#include "planner/solve/exhaustive.h"
#include "planner/solve/solve.h"
#include "tests/support/branching.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_IDEALS  3000
#define ENUMERATED   400000 /* at size */
#define N_OBJECTIVES 6

static bool full(void)
{
    return getenv("KERF_TEST_FULL") != NULL;
}

static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

static void check_solution(const cut_problem *p, const cut_solution *s)
{
    cut_value value;
    cut_evaluate(p, s->x, &value);
    assert_true(cut_is_legal(p, s->x) && value.violation == 0);
    assert_true(value.objective == s->objective && s->bound <= s->objective);
    double size = s->objective > 1e-300 ? s->objective : 1e-300;
    assert_true(fabs(s->gap - (s->objective - s->bound) / size) <= 1e-12);
}

/* The best placement without limits; NULL where pins leave none or there are too many. */
static bool best_freely(const cut_problem *p, cut_value *value)
{
    cut_options options = {.max_ideals = MOST_IDEALS};
    cut_solution s = {.x = NULL};
    if (cut_solve_exhaustive(p, &options, &s, NULL) != KERF_OK)
        return false;
    cut_evaluate(p, s.x, value);
    cut_solution_clear(&s);
    return true;
}

/* Between what another placement takes and what the best one does, where the other takes less: so
 * the other keeps all of these limits and the best one breaks each. How many there are. */
static int tighten(rng *r, cut_problem *p, const cut_value *best, const cut_value *other)
{
    const double closeness = rng_chance(r, 0.5) ? 0.02 : 1; /* near infeasibility, or anywhere */
    const double takes[] = {best->latency_s, best->energy_J, best->memory_bytes, best->up_bytes};
    const double least[] = {other->latency_s, other->energy_J, other->memory_bytes,
                            other->up_bytes};
    double *limits[] = {&p->limits.deadline_s, &p->limits.energy_J, &p->limits.memory_bytes,
                        &p->limits.max_bytes};
    int tight = 0;
    for (int i = 0; i < 4; i++) {
        if (!(least[i] > 0) || rng_chance(r, 0.3))
            continue;
        if (least[i] < takes[i] * (1 - 1e-6)) {
            *limits[i] = least[i] + closeness * rng_unit(r) * (takes[i] - least[i]);
            tight++;
        } else if (rng_chance(r, 0.5)) { /* kept by both, and close to what the other takes */
            *limits[i] = least[i] * rng_log(r, 1, 1.05);
        }
    }
    if (other->device_operators > best->device_operators && rng_chance(r, 0.5)) {
        p->limits.min_device_operators = other->device_operators;
        tight++;
    }
    return tight;
}

static int figures_below(const cut_value *other, const cut_value *best)
{
    return (other->latency_s < best->latency_s) + (other->energy_J < best->energy_J) +
           (other->memory_bytes < best->memory_bytes) + (other->up_bytes < best->up_bytes);
}

/* Some other placement: operators up to a place in topological order, as the pins allow; of a few,
 * the one that takes less of most. */
static bool some_other(rng *r, const cut_problem *p, uint8_t *x, const cut_value *best,
                       cut_value *other)
{
    int most = -1;
    for (int i = 0; i < 8; i++) {
        cut_value value;
        size_t split = rng_below(r, p->n + 1);
        for (size_t v = 0; v < p->n; v++)
            x[v] = v >= split;
        cut_evaluate(p, x, &value);
        if (cut_is_legal(p, x) && figures_below(&value, best) > most) {
            most = figures_below(&value, best);
            *other = value;
        }
    }
    return most > 0;
}

static void compare(uint64_t seed, size_t *compared, size_t *several)
{
    problem_box box = {.blocks = NULL};
    rng r = {seed};
    random_problem(&r, (shape)rng_below(&r, N_SHAPES), 4 + rng_below(&r, 10), &box);
    cut_problem *p = &box.p;
    cut_value best, other;
    p->objective = (kerf_objective)rng_below(&r, N_OBJECTIVES);
    if (rng_chance(&r, 0.3))
        random_bundles(&r, &box, false);
    uint8_t *x = box_alloc(&box, p->n, 1);
    int tight = 0;
    if (best_freely(p, &best) && some_other(&r, p, x, &best, &other))
        tight = tighten(&r, p, &best, &other);
    if (tight > 0) {
        cut_solution a = {.x = NULL}, b = {.x = NULL};
        cut_options few = {.max_ideals = 1 + rng_below(&r, 4)};
        if (rng_chance(&r, 0.3)) /* whether it is legal and keeps the limits or not */
            few.start = x;
        ++*compared;
        *several += tight > 1;
        assert_int_equal(cut_solve_exhaustive(p, NULL, &a, NULL), KERF_OK);
        assert_int_equal(cut_solve_milp(p, &few, &b, NULL), KERF_OK);
        if (!same(a.objective, b.objective) || b.gap > CUT_GAP)
            print_message("KERF_SEED=%llu: expected %.17g, found %.17g, gap %g\n",
                          (unsigned long long)seed, a.objective, b.objective, b.gap);
        assert_true(same(a.objective, b.objective) && b.gap <= CUT_GAP);
        check_solution(p, &a);
        check_solution(p, &b);
        cut_solution_clear(&a);
        cut_solution_clear(&b);
    }
    box_clear(&box);
}

static void test_small(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7001);
    size_t cases = full() ? 20000 : 1500, compared = 0, several = 0;
    for (size_t i = 0; i < cases; i++)
        compare(seed + i, &compared, &several);
    print_message("%zu of %zu with tight limits, %zu with several\n", compared, cases, several);
    assert_true(compared > cases / 3 && several > cases / 8);
}

static bool stop_later(void *context, const char *what, double best, double bound)
{
    (void)what;
    (void)best;
    (void)bound;
    int *calls = context;
    return --*calls > 0;
}

/* A run that is stopped at any moment: its bound never exceeds the optimum, its plan keeps the
 * limits, and its gap is between these two. */
static void test_stopped(void **state)
{
    (void)state;
    rng r = {rng_seed(7002)};
    size_t cases = full() ? 6000 : 600, stopped = 0, nothing = 0;
    for (size_t i = 0; i < cases; i++) {
        problem_box box = {.blocks = NULL};
        random_problem(&r, (shape)rng_below(&r, N_SHAPES), 6 + rng_below(&r, 8), &box);
        cut_problem *p = &box.p;
        cut_value best, other;
        uint8_t *x = box_alloc(&box, p->n, 1);
        p->objective = (kerf_objective)rng_below(&r, N_OBJECTIVES);
        if (best_freely(p, &best) && some_other(&r, p, x, &best, &other) &&
            tighten(&r, p, &best, &other) > 0) {
            cut_solution a = {.x = NULL}, b = {.x = NULL};
            int calls = 1 + (int)rng_below(&r, 40);
            cut_options options = {
                .max_ideals = 1, .progress = stop_later, .progress_context = &calls};
            assert_int_equal(cut_solve_exhaustive(p, NULL, &a, NULL), KERF_OK);
            kerf_status status = cut_solve_milp(p, &options, &b, NULL);
            assert_true(status == KERF_OK || status == KERF_E_TIME_LIMIT);
            nothing += status != KERF_OK;
            if (status == KERF_OK) {
                check_solution(p, &b);
                assert_true(b.bound <= a.objective * (1 + 1e-12));
                assert_true(b.objective >= a.objective * (1 - 1e-12));
                stopped += b.gap > CUT_GAP;
            }
            cut_solution_clear(&a);
            cut_solution_clear(&b);
        }
        box_clear(&box);
    }
    print_message("%zu with a gap, %zu without a plan\n", stopped, nothing);
    assert_true(stopped > 0 && nothing > 0);
}

/* --- at size ------------------------------------------------------------------------------------
 */

static void solve_any(const cut_problem *p, cut_value *value)
{
    cut_solution s = {.x = NULL};
    assert_int_equal(cut_solve(p, KERF_SOLVER_AUTO, NULL, &s, NULL), KERF_OK);
    assert_true(s.gap <= CUT_GAP);
    cut_evaluate(p, s.x, value);
    cut_solution_clear(&s);
}

/* Blocks and layers of four have few enough placements to look at all of them; branch and bound
 * that enumerates next to nothing must come to the same. */
static void test_enumerable(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7003);
    size_t cases = full() ? 24 : 4, compared = 0;
    for (size_t i = 0; i < cases; i++) {
        problem_box box = {.blocks = NULL};
        rng r = {seed + i};
        branching kind = i % 2 ? BRANCHING_LAYERED : BRANCHING_BLOCKS;
        branching_problem(&r, kind, 500 + rng_below(&r, 700), rng_chance(&r, 0.5), &box);
        cut_problem *p = &box.p;
        cut_value best, other;
        cut_problem quick = *p;
        p->wait_W = quick.wait_W = rng_log(&r, 1, 8);
        p->objective = (kerf_objective)rng_below(&r, N_OBJECTIVES);
        p->weight_energy = p->weight_latency = 1;
        quick.objective = p->objective == KERF_OBJ_LATENCY ? KERF_OBJ_ENERGY : KERF_OBJ_LATENCY;
        solve_any(p, &best);
        solve_any(&quick, &other);
        if (tighten(&r, p, &best, &other) > 0) {
            cut_solution a = {.x = NULL}, b = {.x = NULL};
            cut_options all = {.max_ideals = ENUMERATED}, few = {.max_ideals = 10};
            compared++;
            assert_int_equal(cut_solve_exhaustive(p, &all, &a, NULL), KERF_OK);
            assert_int_equal(cut_solve_milp(p, &few, &b, NULL), KERF_OK);
            if (!same(a.objective, b.objective))
                print_message("KERF_SEED=%llu: expected %.17g, found %.17g\n",
                              (unsigned long long)(seed + i), a.objective, b.objective);
            assert_true(same(a.objective, b.objective) && b.gap <= CUT_GAP);
            check_solution(p, &b);
            cut_solution_clear(&a);
            cut_solution_clear(&b);
        }
        box_clear(&box);
    }
    print_message("%zu of %zu with tight limits\n", compared, cases);
    assert_true(compared > 0);
}

/* A placement that minimises energy with a price on latency has the least energy of all that are
 * as fast: the optimum under a deadline of just its latency is known beforehand, of a network of
 * any size. (Everett 1963.) Limits that it keeps anyway do not change that. */
static void test_planted(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7004);
    size_t cases = full() ? 60 : 8, tight = 0;
    for (size_t i = 0; i < cases; i++) {
        problem_box box = {.blocks = NULL};
        rng r = {seed + i};
        branching_problem(&r, (branching)(i % N_BRANCHINGS), 500 + rng_below(&r, 1501),
                          rng_chance(&r, 0.3), &box);
        cut_problem *p = &box.p, priced = *p;
        cut_value planted, freely;
        priced.objective = KERF_OBJ_WEIGHTED;
        priced.weight_energy = 1;
        priced.weight_latency = rng_log(&r, 0.2, 50);
        solve_any(p, &freely);
        solve_any(&priced, &planted);
        p->limits.deadline_s = planted.latency_s;
        if (rng_chance(&r, 0.5))
            p->limits.memory_bytes = planted.memory_bytes * rng_log(&r, 1, 1.2);
        if (rng_chance(&r, 0.5))
            p->limits.max_bytes = planted.up_bytes * rng_log(&r, 1, 1.2);
        cut_solution s = {.x = NULL};
        cut_options few = {.max_ideals = 10};
        assert_int_equal(cut_solve_milp(p, &few, &s, NULL), KERF_OK);
        if (!same(s.objective, planted.energy_J))
            print_message("KERF_SEED=%llu: expected %.17g, found %.17g\n",
                          (unsigned long long)(seed + i), planted.energy_J, s.objective);
        assert_true(same(s.objective, planted.energy_J) && s.gap <= CUT_GAP);
        check_solution(p, &s);
        tight += freely.latency_s > planted.latency_s * (1 + 1e-6);
        cut_solution_clear(&s);
        box_clear(&box);
    }
    print_message("%zu of %zu deadlines tight\n", tight, cases);
    assert_true(tight > cases / 4); /* a share of few random cases */
}

/* The closest placement, and that there is none a little closer. */
static void test_infeasible(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7005);
    size_t cases = full() ? 18 : 3;
    for (size_t i = 0; i < cases; i++) {
        problem_box box = {.blocks = NULL};
        rng r = {seed + i};
        branching_problem(&r, (branching)(i % N_BRANCHINGS), 500 + rng_below(&r, 1000), false,
                          &box);
        cut_problem *p = &box.p, quick = *p;
        cut_value fastest;
        quick.objective = KERF_OBJ_LATENCY;
        solve_any(&quick, &fastest);
        p->limits.deadline_s = 0.999 * fastest.latency_s;
        p->limits.memory_bytes = 0.9 * fastest.memory_bytes;
        cut_options closest = {.minimise_violation = true, .max_ideals = 10};
        cut_solution s = {.x = NULL};
        assert_int_equal(cut_solve_milp(p, &closest, &s, NULL), KERF_OK);
        double off = s.objective;
        assert_true(off > 0 && s.gap <= CUT_GAP);
        cut_solution_clear(&s);
        kerf_limits asked = p->limits;
        for (int side = -1; side <= 1; side += 2) {
            p->limits.deadline_s = asked.deadline_s * (1 + off) * (1 + 1e-7 * side);
            p->limits.memory_bytes = asked.memory_bytes * (1 + off) * (1 + 1e-7 * side);
            assert_int_equal(cut_solve_milp(p, NULL, &s, NULL),
                             side < 0 ? KERF_E_INFEASIBLE : KERF_OK);
            cut_solution_clear(&s);
        }
        box_clear(&box);
    }
}

/* Limits that nothing comes near to, down to the smallest numbers: found out at once, and the
 * closest placement is the least of what is limited. */
static void test_far_off(void **state)
{
    (void)state;
    rng r = {rng_seed(7006)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 6; i++) {
        branching_problem(&r, BRANCHING_STREAMS, 400, i % 2, &box);
        cut_problem *p = &box.p, quick = *p;
        cut_value fastest, value;
        quick.objective = KERF_OBJ_LATENCY;
        solve_any(&quick, &fastest);
        p->limits.deadline_s = fastest.latency_s * (i < 2 ? 1e-3 : i < 4 ? 1e-12 : 1e-250);
        cut_options closest = {.minimise_violation = true};
        cut_solution s = {.x = NULL};
        assert_int_equal(cut_solve_milp(p, NULL, &s, NULL), KERF_E_INFEASIBLE);
        assert_int_equal(cut_solve_milp(p, &closest, &s, NULL), KERF_OK);
        cut_evaluate(p, s.x, &value);
        assert_true(same(value.latency_s, fastest.latency_s) && s.gap <= CUT_GAP);
        cut_solution_clear(&s);
    }
    box_clear(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),      cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_enumerable), cmocka_unit_test(test_planted),
        cmocka_unit_test(test_infeasible), cmocka_unit_test(test_far_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
