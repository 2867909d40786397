/* A limit of time is one limit for the search and the explanation: what is not found out by then is
 * left out, and said to be. Time is told by a caller who says stop at the n-th question, and by a
 * limit that is over at once. */
#include "kerf/kerf.h"
#include "planner/explain.h"
#include "planner/solve/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct scene {
    kerf_network *network;
    kerf_device *device, *server;
    kerf_link *link;
    kerf_question question;
} scene;

typedef struct patience {
    size_t asked, most; /* questions until it ends */
} patience;

static bool until(void *context, const char *what, double best, double bound)
{
    patience *p = context;
    (void)what;
    (void)best;
    (void)bound;
    assert_true(p->asked <= p->most); /* who said stop is not asked again */
    return p->asked++ < p->most;
}

static void load(scene *s, const char *network)
{
    char path[128];
    *s = (scene){.network = NULL};
    snprintf(path, sizeof path, "configs/networks/%s.json", network);
    assert_int_equal(kerf_network_load(path, NULL, &s->network, NULL), KERF_OK);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &s->device, NULL),
                     KERF_OK);
    assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &s->server, NULL), KERF_OK);
    assert_int_equal(kerf_link_load("configs/links/wifi-n.json", &s->link, NULL), KERF_OK);
    s->question = (kerf_question){
        .network = s->network, .device = s->device, .server = s->server, .link = s->link, .top = 4};
}

static void clear(scene *s)
{
    kerf_network_destroy(&s->network);
    kerf_device_destroy(&s->device);
    kerf_device_destroy(&s->server);
    kerf_link_destroy(&s->link);
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-9 * fabs(b);
}

/* Whatever a stopped plan says is what the whole one says. */
static void compare(const kerf_plan *got, const kerf_plan *whole)
{
    assert_true(got->bound <= whole->cost.objective * (1 + 1e-9));
    assert_true(got->cost.objective >= whole->cost.objective * (1 - 1e-9));
    if (!got->optimal) {
        assert_true(got->no_time_for_break_even && isnan(got->break_even_above_bps));
        return;
    }
    assert_true(same(got->cost.objective, whole->cost.objective));
    if (got->no_time_for_break_even) {
        assert_true(isnan(got->break_even_below_bps) && isnan(got->break_even_above_bps));
    } else {
        assert_true(same(got->break_even_below_bps, whole->break_even_below_bps));
        assert_true(same(got->break_even_above_bps, whole->break_even_above_bps));
    }
    assert_int_equal(got->n_binding, got->no_time_for_binding ? 0 : whole->n_binding);
    for (size_t i = 0; i < got->n_alternatives; i++)
        assert_true(
            same(got->alternatives[i].cost.objective, whole->alternatives[i].cost.objective));
    assert_true(got->no_time_for_alternatives ? got->n_alternatives <= whole->n_alternatives
                                              : got->n_alternatives == whole->n_alternatives);
}

/* Stops at every question in turn until there are no more. */
static void stop_everywhere(const char *network, kerf_solver solver, kerf_objective objective,
                            double deadline_s, size_t step)
{
    scene s;
    load(&s, network);
    patience p = {0, SIZE_MAX - 1};
    kerf_plan *whole = NULL;
    size_t left_out = 0;
    s.question.solver = solver;
    s.question.objective = objective;
    s.question.limits.deadline_s = deadline_s;
    s.question.progress = until;
    s.question.progress_context = &p;
    assert_int_equal(kerf_plan_make(&s.question, &whole, NULL), KERF_OK);
    assert_false(whole->no_time_for_alternatives || whole->no_time_for_binding ||
                 whole->no_time_for_break_even);
    for (size_t asked = p.asked, most = 0; most < asked; most += step) {
        kerf_plan *got = NULL;
        kerf_error err = {.code = KERF_OK};
        p = (patience){0, most};
        const kerf_status status = kerf_plan_make(&s.question, &got, &err);
        assert_true(p.asked <= most + 1);
        if (status == KERF_E_TIME_LIMIT)
            continue; /* nothing that keeps the deadline was found by then */
        assert_int_equal(status, KERF_OK);
        assert_int_equal(err.code, KERF_OK);
        compare(got, whole);
        left_out += got->no_time_for_alternatives || got->no_time_for_binding ||
                    got->no_time_for_break_even;
        kerf_plan_destroy(&got);
    }
    assert_true(left_out > 0);
    kerf_plan_destroy(&whole);
    clear(&s);
}

static void stopped_by_the_caller(void **state)
{
    (void)state;
    stop_everywhere("resnet18", KERF_SOLVER_AUTO, KERF_OBJ_ENERGY, 0, 1);
    stop_everywhere("resnet18", KERF_SOLVER_AUTO, KERF_OBJ_EDP, 0, 7);
    stop_everywhere("alexnet", KERF_SOLVER_MILP, KERF_OBJ_ENERGY, 16e-3, 1);
}

static void over_at_once(void **state)
{
    (void)state;
    scene s;
    kerf_plan *plan = NULL;
    load(&s, "inceptionv3");
    s.question.time_limit_s = 1e-9;
    s.question.top = 100;
    assert_int_equal(kerf_plan_make(&s.question, &plan, NULL), KERF_OK);
    assert_true(plan->no_time_for_break_even && plan->no_time_for_alternatives);
    assert_int_equal(plan->n_alternatives, 0);
    kerf_plan_destroy(&plan);
    clear(&s);
}

/* No solve begins after the deadline, however many an explanation would like. */
static void nothing_begins_after_the_deadline(void **state)
{
    (void)state;
    scene s;
    cut_binding b;
    load(&s, "alexnet");
    s.question.limits.deadline_s = 1e-9;
    assert_int_equal(cut_bind(&s.question, 0, &b, NULL), KERF_OK);
    patience p = {0, SIZE_MAX - 1};
    const cut_options options = {
        .deadline_s = cut_clock_s() - 1, .progress = until, .progress_context = &p};
    const cut_problem *problems[] = {&b.problem};
    const char *const labels[] = {""};
    const char *names[8];
    uint8_t x[64] = {0}, **others = NULL;
    double below = NAN, above = NAN;
    size_t n = 0;
    kerf_error err;
    assert_true(b.problem.n <= sizeof x);
    assert_int_equal(
        explain_break_even(problems, NULL, 1, KERF_SOLVER_AUTO, &options, x, &below, &above, &err),
        KERF_E_TIME_LIMIT);
    assert_int_equal(explain_binding(problems, 1, 1, &options, names, &n, &err), KERF_E_TIME_LIMIT);
    assert_int_equal(explain_infeasible(problems, labels, 1, &options, &err), KERF_E_INFEASIBLE);
    assert_string_equal(err.message,
                        "no placement keeps deadline 1 ns; no time was left to find the "
                        "closest one");
    assert_int_equal(
        explain_alternatives(&b.problem, KERF_SOLVER_AUTO, &options, x, 3, &others, &n, &err),
        KERF_E_TIME_LIMIT);
    assert_int_equal(n, 0);
    assert_int_equal(p.asked, 0);
    free(others);
    cut_binding_clear(&b);
    clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_by_the_caller),
        cmocka_unit_test(over_at_once),
        cmocka_unit_test(nothing_begins_after_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
