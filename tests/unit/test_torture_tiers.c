/* Three tiers, and Pareto fronts, with each allocation failing. */
#include "tests/support/net_builder.h"
#include "tests/support/torture.h"

#include "kerf/kerf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void *const UNTOUCHED = (void *)&UNTOUCHED;

typedef struct scene {
    kerf_network *network;
    kerf_power_mode modes[3];
    kerf_device tiers[3];
    kerf_link links[2];
    kerf_tiers_question question;
} scene;

static void build(scene *s)
{
    static char names[][6] = {"board", "near", "far"};
    memset(s, 0, sizeof *s);
    s->network = nb_network("toy");
    size_t x = nb_input(s->network, "x", 40000);
    size_t a = nb_operator(s->network, "conv", KERF_CLASS_CONV, 1000000, 40, 10, 1, &x, 4000);
    size_t b = nb_operator(s->network, "relu", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 1, &a, 4000);
    size_t c = nb_operator(s->network, "left", KERF_CLASS_CONV, 9000000, 40, 10, 1, &b, 400);
    size_t both[] = {b, c};
    size_t d = nb_operator(s->network, "join", KERF_CLASS_CONV, 9000000, 40, 10, 2, both, 400);
    nb_output(s->network, d);
    nb_group(s->network, 2, (size_t[]){0, 1});
    nb_finish(s->network);
    for (int i = 0; i < 3; i++) {
        s->modes[i] = (kerf_power_mode){.name = names[i], .launch_s = 1e-5, .idle_W = 1};
        s->modes[i].s_per_mac[KERF_CLASS_CONV] = 1e-9 / (double)(1 + 9 * i);
        s->modes[i].J_per_mac[KERF_CLASS_CONV] = 1e-8;
        s->tiers[i] = (kerf_device){.name = names[i], .modes = &s->modes[i], .n_modes = 1};
    }
    for (int i = 0; i < 2; i++)
        s->links[i] = (kerf_link){.rate_bps = {5e7, 5e7}, .rtt_s = 1e-3};
    s->question = (kerf_tiers_question){.edge = {.network = s->network,
                                                 .device = &s->tiers[0],
                                                 .server = &s->tiers[1],
                                                 .link = &s->links[0]},
                                        .cloud = &s->tiers[2],
                                        .cloud_link = &s->links[1]};
}

static kerf_status make(void *question, kerf_error *err)
{
    kerf_tiers_plan *plan = UNTOUCHED;
    kerf_status status = kerf_tiers_make(question, &plan, err);
    if (status != KERF_OK)
        return plan == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!plan->optimal || !plan->tier)
        status = torture_wrong(err, "not a plan");
    kerf_tiers_destroy(&plan);
    return status;
}

static kerf_status make_front(void *question, kerf_error *err)
{
    const kerf_tiers_question *q = question;
    kerf_front *front = UNTOUCHED;
    kerf_status status = kerf_pareto_make(&q->edge, &front, err);
    if (status != KERF_OK)
        return front == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (front->n == 0 || !front->complete || front->n_proven != front->n)
        status = torture_wrong(err, "not a front");
    kerf_pareto_destroy(&front);
    return status;
}

static kerf_status price(void *question, kerf_error *err)
{
    const kerf_tier tier[] = {KERF_TIER_DEVICE, KERF_TIER_EDGE, KERF_TIER_EDGE, KERF_TIER_CLOUD};
    kerf_tiers_cost cost = {.cloud_s = -1};
    kerf_status status = kerf_tiers_price(question, tier, &cost, err);
    if (status != KERF_OK && cost.cloud_s >= 0)
        return torture_wrong(err, "the output was touched");
    return status;
}

static void run(torture_function *function, kerf_solver solver, kerf_objective objective,
                double deadline_s)
{
    scene s;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    build(&s);
    s.question.edge.solver = solver;
    s.question.edge.objective = objective;
    s.question.edge.limits.deadline_s = deadline_s;
    s.question.edge.limits.memory_bytes = deadline_s > 0 ? 1e9 : 0;
    print_message("# %zu allocations\n", torture_run(function, &s.question));
    kerf_network_destroy(&s.network);
}

static void test_mincut(void **state)
{
    (void)state;
    run(make, KERF_SOLVER_MINCUT, KERF_OBJ_EDP, 0);
}

static void test_milp(void **state)
{
    (void)state;
    run(make, KERF_SOLVER_MILP, KERF_OBJ_LATENCY, 1);
}

static void test_exhaustive(void **state)
{
    (void)state;
    run(make, KERF_SOLVER_EXHAUSTIVE, KERF_OBJ_THROUGHPUT, 0);
}

static void test_price(void **state)
{
    (void)state;
    run(price, KERF_SOLVER_AUTO, KERF_OBJ_ENERGY, 0);
}

static void test_front(void **state)
{
    (void)state;
    run(make_front, KERF_SOLVER_EXHAUSTIVE, KERF_OBJ_ENERGY, 0);
    run(make_front, KERF_SOLVER_MILP, KERF_OBJ_ENERGY, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mincut),     cmocka_unit_test(test_milp),
        cmocka_unit_test(test_exhaustive), cmocka_unit_test(test_price),
        cmocka_unit_test(test_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
