/* Branch and bound with limits: hand-worked cases, time limits, and GLPK's failures. */
#include "planner/solve/solve.h"
#include "tests/support/cut_program.h"
#include "tests/support/random_problem.h"
#include "tests/support/torture.h"

#include <glpk.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(const cut_problem *p, const cut_solution *s)
{
    cut_value value;
    cut_evaluate(p, s->x, &value);
    assert_true(cut_is_legal(p, s->x) && value.violation == 0);
    assert_true(value.objective == s->objective && s->bound <= s->objective);
    assert_int_equal(s->solver, KERF_SOLVER_MILP);
}

/* A deadline between the fastest placement and the thriftiest one: same answer as enumeration on a
 * chain, where that is cheap, at a size of real networks. */
static void test_chain_with_limits(void **state)
{
    (void)state;
    rng r = {rng_seed(51)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 20; i++) {
        cut_solution free_s = {.x = NULL}, a = {.x = NULL}, b = {.x = NULL};
        layered_problem(&r, 20 + rng_below(&r, 100), 1, rng_chance(&r, 0.7), &box);
        assert_int_equal(cut_solve_mincut(&box.p, NULL, &free_s, NULL), KERF_OK);
        cut_value value;
        cut_evaluate(&box.p, free_s.x, &value);
        box.p.limits.deadline_s = value.latency_s * rng_log(&r, 0.95, 1.02);
        box.p.limits.max_bytes = value.up_bytes * rng_log(&r, 0.9, 3);
        cut_options few = {.max_ideals = 1};
        kerf_status status = cut_solve_exhaustive(&box.p, NULL, &a, NULL);
        assert_int_equal(cut_solve_milp(&box.p, &few, &b, NULL), status);
        if (status == KERF_OK) {
            check(&box.p, &b);
            assert_true(fabs(a.objective - b.objective) <= 1e-9 * a.objective);
            assert_true(b.gap <= CUT_GAP);
        }
        cut_solution_clear(&free_s);
        cut_solution_clear(&a);
        cut_solution_clear(&b);
    }
    box_clear(&box);
}

/* Limits that a placement meets exactly are kept by it, whatever rounding says. */
static void test_limits_met_exactly(void **state)
{
    (void)state;
    rng r = {rng_seed(52)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 200; i++) {
        random_problem(&r, (shape)rng_below(&r, N_SHAPES), 1 + rng_below(&r, 10), &box);
        cut_solution best = {.x = NULL}, s = {.x = NULL};
        assert_int_equal(cut_solve_mincut(&box.p, NULL, &best, NULL), KERF_OK);
        cut_value value;
        cut_evaluate(&box.p, best.x, &value);
        box.p.limits = (kerf_limits){value.latency_s, value.energy_J,         value.memory_bytes,
                                     value.up_bytes,  value.device_operators, 0};
        cut_options few = {.max_ideals = 1};
        assert_int_equal(cut_solve_milp(&box.p, &few, &s, NULL), KERF_OK);
        check(&box.p, &s);
        assert_true(fabs(s.objective - best.objective) <= 1e-9 * best.objective);
        cut_solution_clear(&best);
        cut_solution_clear(&s);
    }
    box_clear(&box);
}

static void test_infeasible(void **state)
{
    (void)state;
    rng r = {3};
    problem_box box = {.blocks = NULL};
    layered_problem(&r, 40, 2, true, &box);
    box.p.limits.deadline_s = 1e-6;
    cut_solution s = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    cut_options few = {.max_ideals = 1};
    assert_int_equal(cut_solve_milp(&box.p, &few, &s, &err), KERF_E_INFEASIBLE);
    assert_string_equal(err.where, "limits");
    assert_null(s.x);
    cut_options closest = {.minimise_violation = true, .max_ideals = 1};
    assert_int_equal(cut_solve_milp(&box.p, &closest, &s, NULL), KERF_OK);
    cut_problem fastest = box.p; /* the least excess over a deadline is the least latency */
    fastest.limits.deadline_s = 0;
    fastest.objective = KERF_OBJ_LATENCY;
    cut_solution f = {.x = NULL};
    assert_int_equal(cut_solve_mincut(&fastest, NULL, &f, NULL), KERF_OK);
    assert_true(fabs(s.objective - (f.objective / 1e-6 - 1)) <= 1e-9 * s.objective);
    cut_solution_clear(&s);
    cut_solution_clear(&f);
    box_clear(&box);
}

static bool stop_later(void *context, const char *what, double best, double bound)
{
    (void)what;
    (void)best;
    (void)bound;
    int *calls = context;
    return --*calls > 0;
}

/* Stopped runs return what they have with a bound that holds. */
static void test_stopped(void **state)
{
    (void)state;
    rng r = {rng_seed(53)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 60; i++) {
        random_problem(&r, SHAPE_LAYERED, 14, &box);
        const kerf_objective kinds[] = {KERF_OBJ_THROUGHPUT, KERF_OBJ_ENERGY, KERF_OBJ_EDP};
        box.p.objective = kinds[i % 3];
        cut_solution best = {.x = NULL}, s = {.x = NULL};
        assert_int_equal(cut_solve_exhaustive(&box.p, NULL, &best, NULL), KERF_OK);
        int calls = 1 + (int)rng_below(&r, 4);
        cut_options options = {.max_ideals = 1, .progress = stop_later, .progress_context = &calls};
        assert_int_equal(cut_solve_milp(&box.p, &options, &s, NULL), KERF_OK);
        check(&box.p, &s);
        assert_true(s.bound <= best.objective * (1 + 1e-12));
        assert_true(s.objective >= best.objective * (1 - 1e-12));
        cut_solution_clear(&best);
        cut_solution_clear(&s);
    }
    int calls = 1;
    layered_problem(&r, 60, 3, true, &box);
    box.p.limits.deadline_s = 1e-6;
    cut_options options = {.max_ideals = 1, .progress = stop_later, .progress_context = &calls};
    cut_solution s = {.x = NULL};
    kerf_status status = cut_solve_milp(&box.p, &options, &s, NULL);
    assert_true(status == KERF_E_TIME_LIMIT || status == KERF_E_INFEASIBLE);
    box_clear(&box);
}

/* GLPK would abort where memory is short: here that is an ordinary error, and the next run works.
 */
static void test_out_of_memory_in_glpk(void **state)
{
    (void)state;
    rng r = {5};
    problem_box box = {.blocks = NULL};
    layered_problem(&r, 3000, 3, true, &box);
    box.p.objective = KERF_OBJ_THROUGHPUT;
    cut_solution s = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    cut_options options = {.max_ideals = 1};
    assert_non_null(glp_alloc(1, (1 << 20) - 8192)); /* freed with GLPK's environment */
    glp_mem_limit(1);
    assert_int_equal(cut_solve_milp(&box.p, &options, &s, &err), KERF_E_NOMEM);
    assert_string_equal(err.message, "GLPK is out of memory");
    assert_null(s.x);
    layered_problem(&r, 30, 3, true, &box);
    assert_int_equal(cut_solve_milp(&box.p, &options, &s, NULL), KERF_OK);
    cut_solution_clear(&s);
    box_clear(&box);
}

static kerf_status solve_tight(void *context, kerf_error *err)
{
    const cut_problem *p = context;
    cut_options options = {.max_ideals = 1};
    cut_solution s = {.x = NULL};
    kerf_status status = cut_solve_milp(p, &options, &s, err);
    if (status == KERF_OK && s.gap > CUT_GAP)
        status = torture_wrong(err, "the gap is not closed");
    cut_solution_clear(&s);
    return status;
}

/* Branch and bound, GLPK included, where any allocation fails. */
static void test_torture(void **state)
{
    (void)state;
    if (!torture_available())
        skip();
    rng r = {rng_seed(56)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 3; i++) {
        cut_value value;
        uint8_t x[12] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
        do {
            random_problem(&r, SHAPE_LAYERED, 12, &box);
        } while (!cut_is_legal(&box.p, x));
        cut_evaluate(&box.p, x, &value);
        box.p.limits =
            (kerf_limits){.deadline_s = value.latency_s, .memory_bytes = value.memory_bytes};
        const kerf_objective kinds[] = {KERF_OBJ_ENERGY, KERF_OBJ_THROUGHPUT, KERF_OBJ_EDP};
        box.p.objective = kinds[i];
        torture_run(solve_tight, &box.p);
    }
    box_clear(&box);
}

/* GLPK objects that the caller holds in this thread outlive a run. */
static void test_leaves_callers_glpk_alone(void **state)
{
    (void)state;
    rng r = {6};
    problem_box box = {.blocks = NULL};
    glp_prob *mine = glp_create_prob();
    glp_add_cols(mine, 3);
    layered_problem(&r, 30, 3, true, &box);
    cut_options options = {.max_ideals = 1};
    cut_solution s = {.x = NULL};
    assert_int_equal(cut_solve_milp(&box.p, &options, &s, NULL), KERF_OK);
    assert_int_equal(glp_get_num_cols(mine), 3);
    glp_delete_prob(mine);
    glp_free_env();
    cut_solution_clear(&s);
    box_clear(&box);
}

/* Any multipliers give a bound that holds. */
static void test_safe_bound(void **state)
{
    (void)state;
    rng r = {rng_seed(54)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 200; i++) {
        random_problem(&r, (shape)rng_below(&r, N_SHAPES), 1 + rng_below(&r, 10), &box);
        brute_answer brute;
        brute_force(&box.p, &brute);
        cut_dag dag;
        cut_program program;
        uint8_t side[16] = {0};
        byte_range range[2] = {{.used = false}, {.used = false}};
        assert_int_equal(cut_dag_create(&box.p, &dag, NULL), KERF_OK);
        for (int d = 0; d < 2; d++)
            cut_byte_range(&box.p, (kerf_direction)d, &range[d].low, &range[d].high);
        program_question question = {&box.p, &dag, PROGRAM_SUM};
        cut_weights weights = {.energy = 1};
        assert_int_equal(cut_program_create(&question, &program, NULL), KERF_OK);
        assert_int_equal(cut_program_set_node(&program, &weights, 1, side, range, NULL), KERF_OK);
        double *multipliers = box_alloc(&box, program.program.n_rows, sizeof *multipliers);
        for (int k = 0; k < 5; k++) {
            for (size_t row = 0; row < program.program.n_rows; row++)
                multipliers[row] = k * 0.01 * (rng_unit(&r) - 0.5) * brute.objective;
            assert_true(milp_safe_bound(&program.program, program.program.cost, multipliers) <=
                        brute.objective * (1 + 1e-12));
        }
        cut_program_clear(&program);
        cut_dag_clear(&dag);
    }
    box_clear(&box);
}

/* The least that the program says of one placement, everything being fixed. */
static double relaxed_value(const cut_problem *p, const uint8_t *x, program_goal goal,
                            const cut_weights *weights, const cut_value *value)
{
    cut_dag dag;
    cut_program program;
    milp_lp *lp = NULL;
    milp_lp_state state;
    uint8_t side[16];
    byte_range range[2] = {{value->up_bytes, value->up_bytes, value->up_bytes > 0},
                           {value->down_bytes, value->down_bytes, value->down_bytes > 0}};
    for (size_t v = 0; v < p->n; v++)
        side[v] = x[v] ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
    program_question question = {p, &dag, goal};
    assert_int_equal(cut_dag_create(p, &dag, NULL), KERF_OK);
    assert_int_equal(cut_program_create(&question, &program, NULL), KERF_OK);
    assert_int_equal(cut_program_set_node(&program, weights, 1, side, range, NULL), KERF_OK);
    if (goal != PROGRAM_VIOLATION)
        program.program.upper[program.excess] = 0;
    program.program.upper[program.goal] =
        2 * value->slowest_s; /* what rounding adds to the bound is its */
    assert_int_equal(milp_lp_create(&program.program, &lp, NULL), KERF_OK);
    assert_int_equal(milp_lp_solve(lp, program.program.cost, &state, NULL), KERF_OK);
    assert_int_equal(state, MILP_LP_OPTIMAL);
    double bound = milp_safe_bound(&program.program, program.program.cost, milp_lp_multipliers(lp));
    milp_lp_destroy(&lp);
    cut_program_clear(&program);
    cut_dag_clear(&dag);
    return bound;
}

/* GLPK takes sums of bytes to 1e-7 of their size: a limit far below all that could be held or sent
 * is lost in that. */
static bool is_tiny(const cut_problem *p, const kerf_limits *limits)
{
    double held = 0, least = 0, sent = 0;
    for (size_t i = 0; i < p->n_weights; i++)
        held += p->weights[i].bytes;
    for (size_t i = 0; i < p->n_buffers; i++)
        held += p->buffers[i].bytes;
    cut_byte_range(p, KERF_UPLINK, &least, &sent);
    return (limits->memory_bytes > 0 && limits->memory_bytes < 1e-4 * held) ||
           (limits->max_bytes > 0 && limits->max_bytes < 1e-4 * sent);
}

static bool close_to(double a, double b)
{
    return fabs(a - b) <= 1e-7 * fmax(fabs(a), fabs(b)) + 1e-7;
}

/* Weaker rows would still give right answers, but late: where everything is fixed the program must
 * say what cut_evaluate says, of the goals and of every limit. */
static void test_program_is_exact(void **state)
{
    (void)state;
    rng r = {rng_seed(55)};
    problem_box box = {.blocks = NULL};
    for (int i = 0; i < 300; i++) {
        random_problem(&r, (shape)rng_below(&r, N_SHAPES), 1 + rng_below(&r, 12), &box);
        uint8_t x[16] = {0};
        size_t split = rng_below(&r, box.p.n + 1);
        for (size_t v = split; v < box.p.n; v++)
            x[v] = 1;
        cut_weights weights = {.energy = 1, .latency = 0.3, .server = 0.1};
        cut_value value;
        cut_evaluate(&box.p, x, &value);
        assert_true(close_to(relaxed_value(&box.p, x, PROGRAM_SUM, &weights, &value),
                             cut_weighted(&weights, &value)));
        assert_true(
            close_to(relaxed_value(&box.p, x, PROGRAM_SLOWEST, &weights, &value), value.slowest_s));
        const kerf_limits limits[] = {{.deadline_s = 0.7 * value.latency_s},
                                      {.energy_J = 0.7 * value.energy_J},
                                      {.memory_bytes = 0.7 * value.memory_bytes},
                                      {.max_bytes = 0.7 * value.up_bytes},
                                      {.min_device_operators = value.device_operators + 2}};
        for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
            if (is_tiny(&box.p, &limits[k]))
                continue;
            box.p.limits = limits[k];
            cut_evaluate(&box.p, x, &value);
            double excess = relaxed_value(&box.p, x, PROGRAM_VIOLATION, &weights, &value);
            assert_true(close_to(excess, value.violation));
        }
    }
    box_clear(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_with_limits),
        cmocka_unit_test(test_limits_met_exactly),
        cmocka_unit_test(test_infeasible),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_out_of_memory_in_glpk),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_leaves_callers_glpk_alone),
        cmocka_unit_test(test_safe_bound),
        cmocka_unit_test(test_program_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
