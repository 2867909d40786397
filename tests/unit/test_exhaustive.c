/* Evaluation and complete enumeration, against code that takes every definition literally. */
#include "planner/solve/exhaustive.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

static void random_limits(rng *r, problem_box *box)
{
    cut_problem *p = &box->p;
    uint8_t x[16];
    for (size_t v = 0; v < p->n; v++) /* figures of some prefix, scaled by about 1 */
        x[v] = (uint8_t)(v >= p->n / 2);
    cut_value value;
    naive_value(p, x, &value);
    if (rng_chance(r, 0.3))
        p->limits.deadline_s = value.latency_s * rng_log(r, 0.5, 2);
    if (rng_chance(r, 0.3))
        p->limits.energy_J = value.energy_J * rng_log(r, 0.5, 2);
    if (rng_chance(r, 0.3))
        p->limits.memory_bytes = value.memory_bytes * rng_log(r, 0.5, 2);
    if (rng_chance(r, 0.2))
        p->limits.max_bytes = value.up_bytes * rng_log(r, 0.2, 2);
    if (rng_chance(r, 0.2))
        p->limits.min_device_operators = rng_below(r, p->n + 2);
}

static void random_question(rng *r, problem_box *box)
{
    random_problem(r, (shape)rng_below(r, N_SHAPES), 1 + rng_below(r, 11), box);
    box->p.objective = (kerf_objective)rng_below(r, 6);
    if (rng_chance(r, 0.3))
        random_pins(r, box);
    if (rng_chance(r, 0.5))
        random_limits(r, box);
}

static void test_evaluation(void **state)
{
    (void)state;
    rng r = {rng_seed(11)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 1000; i++) {
        random_question(&r, &box);
        brute_answer brute;
        brute_force(&box.p, &brute);
        if (!brute.feasible)
            continue;
        assert_true(cut_is_legal(&box.p, brute.x));
        cut_value a, b;
        cut_evaluate(&box.p, brute.x, &a);
        naive_value(&box.p, brute.x, &b);
        assert_true(near(a.energy_J, b.energy_J) && near(a.latency_s, b.latency_s));
        assert_true(near(a.slowest_s, b.slowest_s) && near(a.memory_bytes, b.memory_bytes));
        assert_true(near(a.objective, b.objective) && a.violation == 0);
        assert_true(near(a.up_bytes, b.up_bytes) && near(a.down_bytes, b.down_bytes));
    }
    box_clear(&box);
}

/* Chains longer than the blocks in which the memory's peak is computed. */
static void test_long_memory(void **state)
{
    (void)state;
    rng r = {rng_seed(12)};
    problem_box box = {.blocks = NULL};
    size_t n = 5000;
    layered_problem(&r, n, 1, false, &box);
    cut_buffer *buffers = box_alloc(&box, n, sizeof *buffers);
    size_t *readers = box_alloc(&box, 2 * n, sizeof *readers);
    for (size_t v = 0; v < n; v++) {
        readers[2 * v] = v + 1 < n ? v + 1 : v;
        readers[2 * v + 1] = v + rng_below(&r, n - v);
        buffers[v] = (cut_buffer){floor(rng_log(&r, 1, 1e6)), v, &readers[2 * v], 2, false};
    }
    box.p.buffers = buffers;
    box.p.n_buffers = n;
    uint8_t *x = box_alloc(&box, n, 1);
    const size_t splits[] = {0, 1, 2047, 2048, 2049, 4096, 5000};
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        for (size_t v = 0; v < n; v++)
            x[v] = v >= splits[i];
        cut_value value;
        naive_value(&box.p, x, &value);
        assert_true(near(cut_memory_bytes(&box.p, x), value.memory_bytes));
    }
    box_clear(&box);
}

static void check_against_brute_force(problem_box *box)
{
    brute_answer brute;
    brute_force(&box->p, &brute);
    cut_solution s = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    kerf_status status = cut_solve_exhaustive(&box->p, NULL, &s, &err);
    assert_int_equal(status, brute.feasible ? KERF_OK : KERF_E_INFEASIBLE);
    size_t count = 0;
    if (brute.placements > 0)
        assert_int_equal(cut_count_ideals(&box->p, 5000, &count, NULL), KERF_OK);
    assert_int_equal(count, brute.placements);
    if (status == KERF_OK) {
        assert_true(near(s.objective, brute.objective));
        assert_int_equal(s.examined, brute.placements);
        assert_true(cut_is_legal(&box->p, s.x) && s.bound == s.objective && s.gap == 0);
    }
    cut_solution_clear(&s);
    if (brute.placements == 0) {
        assert_string_equal(err.where, "pins");
        return;
    }
    cut_options closest = {.minimise_violation = true};
    assert_int_equal(cut_solve_exhaustive(&box->p, &closest, &s, NULL), KERF_OK);
    assert_true(near(s.objective, brute.violation) || fabs(s.objective - brute.violation) < 1e-9);
    cut_solution_clear(&s);
}

static void test_against_brute_force(void **state)
{
    (void)state;
    rng r = {rng_seed(13)};
    problem_box box = {.blocks = NULL};
    int cases = getenv("KERF_TEST_FULL") ? 10000 : 1000;
    for (int i = 0; i < cases; i++) {
        random_question(&r, &box);
        check_against_brute_force(&box);
    }
    box_clear(&box);
}

static void crossing(const cut_problem *p, const uint8_t *x, uint8_t *set)
{
    for (size_t t = 0; t < p->n_tensors; t++)
        set[t] = cut_crosses(&p->tensors[t], x);
}

/* The best of every different cut, found by looking at all placements. */
static size_t best_cuts(const cut_problem *p, double *objective)
{
    static uint8_t sets[4096][64];
    size_t n = 0;
    for (uint32_t bits = 0; bits < 1U << p->n; bits++) {
        uint8_t x[16] = {0}, set[64] = {0};
        for (size_t v = 0; v < p->n; v++)
            x[v] = bits >> v & 1;
        if (!cut_is_legal(p, x))
            continue;
        crossing(p, x, set);
        cut_value value;
        naive_value(p, x, &value);
        if (value.violation > 0)
            continue;
        size_t at = 0;
        while (at < n && memcmp(sets[at], set, sizeof set) != 0)
            at++;
        if (at == n) {
            memcpy(sets[n], set, sizeof set);
            objective[n++] = value.objective;
        }
        objective[at] = fmin(objective[at], value.objective);
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_top(void **state)
{
    (void)state;
    static double objective[4096];
    rng r = {rng_seed(14)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 300; i++) {
        random_question(&r, &box);
        size_t n = best_cuts(&box.p, objective);
        qsort(objective, n, sizeof *objective, ascending);
        cut_options options = {.top = 1 + rng_below(&r, 8)};
        cut_solution s = {.x = NULL};
        kerf_status status = cut_solve_exhaustive(&box.p, &options, &s, NULL);
        assert_int_equal(status, n > 0 ? KERF_OK : KERF_E_INFEASIBLE);
        if (n == 0)
            continue;
        assert_int_equal(s.n_others + 1, n < options.top ? n : options.top);
        assert_true(near(s.objective, objective[0]));
        for (size_t k = 0; k < s.n_others; k++) {
            cut_value value;
            cut_evaluate(&box.p, s.others[k], &value);
            assert_true(near(value.objective, objective[k + 1]));
        }
        cut_solution_clear(&s);
    }
    box_clear(&box);
}

static void test_chain_has_n_plus_one(void **state)
{
    (void)state;
    rng r = {1};
    problem_box box = {.blocks = NULL};
    layered_problem(&r, 100, 1, true, &box);
    cut_solution s = {.x = NULL};
    assert_int_equal(cut_solve_exhaustive(&box.p, NULL, &s, NULL), KERF_OK);
    assert_int_equal(s.examined, 101);
    cut_solution_clear(&s);
    kerf_error err = {.code = KERF_OK};
    cut_options few = {.max_ideals = 100};
    assert_int_equal(cut_solve_exhaustive(&box.p, &few, &s, &err), KERF_E_TOO_LARGE);
    assert_non_null(strstr(err.message, "more than 100 placements"));
    assert_null(s.x);
    few.max_ideals = 101;
    assert_int_equal(cut_solve_exhaustive(&box.p, &few, &s, &err), KERF_OK);
    cut_solution_clear(&s);
    box_clear(&box);
}

static void test_contradicting_pins(void **state)
{
    (void)state;
    rng r = {1};
    problem_box box = {.blocks = NULL};
    layered_problem(&r, 20, 1, true, &box);
    uint8_t pin[20] = {0};
    pin[3] = KERF_SIDE_SERVER;
    pin[11] = KERF_SIDE_DEVICE;
    box.p.pin = pin;
    cut_solution s = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    assert_int_equal(cut_solve_exhaustive(&box.p, NULL, &s, &err), KERF_E_INFEASIBLE);
    assert_string_equal(err.where, "pins");
    assert_string_equal(err.message, "operator 11 pinned to the device depends on operator 3 "
                                     "pinned to the server");
    box_clear(&box);
}

/* Once the walk has begun. */
static bool stop_at_once(void *context, const char *what, double best, double bound)
{
    (void)best;
    if (strcmp(what, "exhaustive") != 0)
        return true;
    assert_true(bound > 0);
    ++*(int *)context;
    return false;
}

static void test_stopped_has_a_gap(void **state)
{
    (void)state;
    rng r = {1};
    problem_box box = {.blocks = NULL};
    layered_problem(&r, 10000, 1, true, &box);
    int calls = 0;
    cut_options options = {.progress = stop_at_once, .progress_context = &calls};
    cut_solution s = {.x = NULL};
    assert_int_equal(cut_solve_exhaustive(&box.p, &options, &s, NULL), KERF_OK);
    assert_int_equal(calls, 1);
    cut_solution best = {.x = NULL};
    assert_int_equal(cut_solve_mincut(&box.p, NULL, &best, NULL), KERF_OK);
    assert_true(s.gap > 0 && s.gap < 1 && s.bound > 0);
    assert_true(s.bound <= best.objective && best.objective <= s.objective);
    cut_solution_clear(&best);
    cut_solution_clear(&s);
    box_clear(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluation),           cmocka_unit_test(test_long_memory),
        cmocka_unit_test(test_against_brute_force),  cmocka_unit_test(test_top),
        cmocka_unit_test(test_chain_has_n_plus_one), cmocka_unit_test(test_contradicting_pins),
        cmocka_unit_test(test_stopped_has_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
