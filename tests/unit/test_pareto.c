/* Pareto fronts by the library: bundled networks by two ways, points against plans, limits, time
 * that runs out, graphs too large to enumerate, refusals. */
#include "kerf/kerf.h"
#include "planner/pareto/pareto.h"
#include "tests/support/branching.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
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

static void scene_load(scene *s, const char *network, const char *link)
{
    char path[128];
    memset(s, 0, sizeof *s);
    snprintf(path, sizeof path, "configs/networks/%s.json", network);
    assert_int_equal(kerf_network_load(path, NULL, &s->network, NULL), KERF_OK);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &s->device, NULL), 0);
    assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &s->server, NULL), 0);
    snprintf(path, sizeof path, "configs/links/%s.json", link);
    assert_int_equal(kerf_link_load(path, &s->link, NULL), 0);
    s->question = (kerf_question){.network = s->network,
                                  .device = s->device,
                                  .server = s->server,
                                  .link = s->link,
                                  .power_mode = "any",
                                  .input_bytes = 60e3};
}

static void scene_clear(scene *s)
{
    kerf_network_destroy(&s->network);
    kerf_device_destroy(&s->device);
    kerf_device_destroy(&s->server);
    kerf_link_destroy(&s->link);
}

static kerf_front *make(const kerf_question *q)
{
    kerf_front *front = NULL;
    kerf_error err = {0};
    if (kerf_pareto_make(q, &front, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    return front;
}

static void check_close(double got, double expected)
{
    if (!(fabs(got - expected) <= 2e-8 * fmax(fabs(got), fabs(expected))))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static void check_front(const kerf_question *q, const kerf_front *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const kerf_front_point *p = &f->points[i];
        kerf_question in_mode = *q;
        kerf_plan_cost cost;
        in_mode.power_mode = p->power_mode;
        assert_int_equal(kerf_price(&in_mode, p->plan.side, &cost, NULL), KERF_OK);
        check_close(p->plan.cost.device_energy_J, cost.device_energy_J);
        check_close(p->plan.cost.latency_s, cost.latency_s);
        assert_true(p->plan.exists && p->plan.feasible);
        assert_true(!f->complete || p->proven);
        if (i == 0)
            continue;
        assert_true(p->plan.cost.device_energy_J > p[-1].plan.cost.device_energy_J);
        assert_true(p->plan.cost.latency_s < p[-1].plan.cost.latency_s);
    }
}

/* The ends and every supported point are what plans for those objectives are. */
static void check_plans(const kerf_question *q, const kerf_front *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const kerf_front_point *p = &f->points[i];
        kerf_question sum = *q;
        kerf_plan *plan = NULL;
        if (!p->supported)
            continue;
        sum.objective = KERF_OBJ_WEIGHTED;
        sum.weight_energy = fmax(p->weight_energy, 0);
        sum.weight_latency = fmax(p->weight_latency, 0);
        sum.no_break_even = true;
        assert_int_equal(kerf_plan_make(&sum, &plan, NULL), KERF_OK);
        check_close(plan->cost.objective, p->weight_energy * p->plan.cost.device_energy_J +
                                              p->weight_latency * p->plan.cost.latency_s);
        kerf_plan_destroy(&plan);
    }
    for (int end = 0; end < 2; end++) {
        const kerf_front_point *p = &f->points[end ? f->n - 1 : 0];
        kerf_question one = *q;
        kerf_plan *plan = NULL;
        one.objective = end ? KERF_OBJ_LATENCY : KERF_OBJ_ENERGY;
        one.no_break_even = true;
        assert_int_equal(kerf_plan_make(&one, &plan, NULL), KERF_OK);
        check_close(plan->cost.objective,
                    end ? p->plan.cost.latency_s : p->plan.cost.device_energy_J);
        kerf_plan_destroy(&plan);
    }
}

static void test_bundled(void **state)
{
    (void)state;
    static const char *const names[] = {"alexnet",    "resnet18",        "mobilenetv2",
                                        "squeezenet", "efficientnet-b0", "yolov3-tiny"};
    static const char *const links[] = {"wifi-n", "lte"};
    size_t points = 0;
    for (size_t i = 0; i < 12; i++) {
        scene s;
        scene_load(&s, names[i / 2], links[i % 2]);
        kerf_front *all = make(&s.question);
        s.question.solver = KERF_SOLVER_MILP;
        kerf_front *solved = make(&s.question);
        assert_true(all->complete && solved->complete);
        assert_int_equal(all->n, solved->n);
        assert_int_equal(all->n, all->n_proven);
        for (size_t k = 0; k < all->n; k++) {
            check_close(all->points[k].plan.cost.device_energy_J,
                        solved->points[k].plan.cost.device_energy_J);
            check_close(all->points[k].plan.cost.latency_s, solved->points[k].plan.cost.latency_s);
        }
        check_front(&s.question, all);
        check_front(&s.question, solved);
        s.question.solver = KERF_SOLVER_AUTO;
        check_plans(&s.question, all);
        points += all->n;
        kerf_pareto_destroy(&all);
        kerf_pareto_destroy(&solved);
        scene_clear(&s);
    }
    print_message("# %zu points\n", points);
    assert_true(points > 20);
}

static void test_limits(void **state)
{
    (void)state;
    scene s;
    scene_load(&s, "alexnet", "wifi-n");
    kerf_front *all = make(&s.question);
    assert_true(all->n >= 3);
    const double deadline = all->points[1].plan.cost.latency_s;
    s.question.limits.deadline_s = deadline;
    kerf_front *fast = make(&s.question);
    assert_true(fast->complete);
    assert_int_equal(fast->n, all->n - 1);
    check_close(fast->points[0].plan.cost.latency_s, deadline);
    kerf_pareto_destroy(&fast);
    s.question.limits.deadline_s = 1e-6;
    kerf_error err = {0};
    assert_int_equal(kerf_pareto_make(&s.question, &fast, &err), KERF_E_INFEASIBLE);
    assert_non_null(strstr(err.message, "deadline 1 us"));
    assert_null(fast);
    s.question.device = NULL;
    assert_int_equal(kerf_pareto_make(&s.question, &fast, &err), KERF_E_INVALID);
    kerf_pareto_destroy(&all);
    scene_clear(&s);
}

/* Only the encoding takes accuracy away, and only if anything is sent. */
static void test_accuracy(void **state)
{
    (void)state;
    static const kerf_encoding encodings[] = {
        {.name = "float32", .wire = KERF_WIRE_FLOAT32, .ratio = 1},
        {.name = "coarse", .wire = KERF_WIRE_INT8, .ratio = 0.5, .accuracy_loss = 0.02}};
    scene s;
    scene_load(&s, "alexnet", "wifi-n");
    const kerf_variant variant = {.name = "alexnet", .network = s.network, .accuracy = 0.6};
    s.question.encodings = encodings;
    s.question.n_encodings = 2;
    s.question.variants = &variant;
    s.question.n_variants = 1;
    kerf_front *all = make(&s.question);
    s.question.solver = KERF_SOLVER_MILP;
    kerf_front *solved = make(&s.question);
    assert_true(all->by_accuracy && all->complete && solved->complete);
    assert_int_equal(all->n, solved->n);
    size_t low = 0, high = 0;
    for (size_t i = 0; i < all->n; i++) {
        const kerf_front_point *p = &all->points[i];
        const bool coarse = p->encoding == 1 && p->plan.cut.n_tensors > 0;
        assert_true(fabs(p->accuracy - (coarse ? 0.58 : 0.6)) < 1e-12);
        *(coarse ? &low : &high) += 1;
        for (size_t k = 0; k < all->n; k++) { /* none beats another */
            const kerf_front_point *o = &all->points[k];
            assert_true(k == i || o->accuracy < p->accuracy ||
                        o->plan.cost.device_energy_J > p->plan.cost.device_energy_J ||
                        o->plan.cost.latency_s > p->plan.cost.latency_s);
        }
    }
    assert_true(low > 0 && high > 0);
    kerf_pareto_destroy(&all);
    kerf_pareto_destroy(&solved);
    scene_clear(&s);
}

/* --- graphs too large to enumerate --- */

typedef struct countdown {
    int calls;
} countdown;

static bool stop_later(void *context, const char *what, double best, double bound)
{
    countdown *c = context;
    (void)what;
    (void)best;
    (void)bound;
    return --c->calls > 0;
}

/* By minimum cuts and milp, against a plain walk in latency by another solver's answers. */
static void test_large(void **state)
{
    (void)state;
    problem_box box = {.blocks = NULL};
    rng r = {1};
    branching_problem(&r, BRANCHING_STREAMS, 100, true, &box);
    cut_choice choice = {.binding.problem = box.p};
    choice.binding.problem.accuracy = (double)NAN;
    cut_choices choices = {&choice, 1};
    pareto_search s = {.choices = &choices};
    assert_int_equal(pareto_find(&s, NULL), KERF_OK);
    assert_true(s.facts[0].complete && !s.facts[0].enumerated);
    assert_int_equal(s.archive.n, 1);
    const pareto_level *level = &s.archive.levels[0];
    print_message("# %zu points of %zu operators, %zu steps\n", level->n, box.p.n, s.examined);
    assert_true(level->n >= 3);
    /* From the other end: the least latency within an energy, from the dearest to the cheapest. */
    double energy_J = INFINITY;
    for (size_t i = level->n; i-- > 0;) {
        cut_problem p = box.p;
        cut_solution found = {0};
        cut_value value;
        p.objective = KERF_OBJ_LATENCY;
        p.limits.energy_J = isfinite(energy_J) ? energy_J : 0;
        assert_int_equal(cut_solve(&p, KERF_SOLVER_AUTO, NULL, &found, NULL), KERF_OK);
        cut_evaluate(&p, found.x, &value);
        check_close(value.latency_s, level->points[i].latency_s);
        energy_J = fmin(value.energy_J, level->points[i].energy_J) * (1 - 5e-9);
        cut_solution_clear(&found);
    }
    /* Nothing is cheaper than the cheapest. */
    cut_problem p = box.p;
    cut_solution none = {0};
    p.limits.energy_J = energy_J;
    assert_int_equal(cut_solve(&p, KERF_SOLVER_AUTO, NULL, &none, NULL), KERF_E_INFEASIBLE);
    pareto_search_clear(&s);
    /* Stopped early: what is said to be proven is on the whole front. */
    pareto_search whole = {.choices = &choices};
    assert_int_equal(pareto_find(&whole, NULL), KERF_OK);
    size_t stopped = 0, proven = 0;
    for (int calls = 1; calls < 200; calls += 1 + calls / 4) {
        countdown c = {calls};
        pareto_search part = {.choices = &choices,
                              .options = {.progress = stop_later, .progress_context = &c}};
        assert_int_equal(pareto_find(&part, NULL), KERF_OK);
        stopped += !part.facts[0].complete;
        for (size_t i = 0; part.archive.n > 0 && i < part.archive.levels[0].n; i++) {
            const pareto_point *point = &part.archive.levels[0].points[i];
            kerf_solver by;
            bool there = false;
            if (!pareto_is_unbeaten(&part.facts[0], point->energy_J, point->latency_s, &by))
                continue;
            proven++;
            for (size_t k = 0; k < whole.archive.levels[0].n; k++) {
                const pareto_point *o = &whole.archive.levels[0].points[k];
                there = there || (fabs(o->energy_J - point->energy_J) < 2e-8 * o->energy_J &&
                                  fabs(o->latency_s - point->latency_s) < 2e-8 * o->latency_s);
            }
            assert_true(there);
        }
        pareto_search_clear(&part);
    }
    print_message("# %zu runs were stopped; %zu points proven\n", stopped, proven);
    assert_true(stopped > 5 && proven > 0);
    pareto_search_clear(&whole);
    box_clear(&box);
}

static void test_time_limit(void **state)
{
    (void)state;
    scene s;
    scene_load(&s, "alexnet", "wifi-n");
    countdown c = {3};
    s.question.solver = KERF_SOLVER_MILP;
    s.question.progress = stop_later;
    s.question.progress_context = &c;
    kerf_front *front = NULL;
    const kerf_status status = kerf_pareto_make(&s.question, &front, NULL);
    assert_true(status == KERF_OK || status == KERF_E_TIME_LIMIT);
    if (status == KERF_OK)
        assert_true(!front->complete && front->n_proven <= front->n);
    kerf_pareto_destroy(&front);
    s.question.progress = NULL;
    s.question.solver = KERF_SOLVER_MINCUT;
    front = make(&s.question);
    assert_false(front->complete);
    kerf_pareto_destroy(&front);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundled),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_accuracy),   cmocka_unit_test(test_large),
        cmocka_unit_test(test_time_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
