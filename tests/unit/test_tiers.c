/* Three tiers: a case worked by hand, bundled networks, two tiers as a special case, refusals. */
#include "kerf/kerf.h"
#include "tests/support/net_builder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_close(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-9 * fmax(fabs(got), fabs(expected))))
        fail_msg("%.17g, expected %.17g", got, expected);
}

/* --- three operators, worked by hand --- */

typedef struct hand {
    kerf_network *network;
    kerf_power_mode mode[3];
    kerf_device tier[3];
    kerf_link link, wan;
    kerf_tiers_question q;
} hand;

static void hand_tier(hand *h, int i, char *name, double s_per_mac, double J_per_mac)
{
    h->mode[i] = (kerf_power_mode){.name = name};
    h->mode[i].s_per_mac[KERF_CLASS_CONV] = s_per_mac;
    h->mode[i].J_per_mac[KERF_CLASS_CONV] = J_per_mac;
    h->tier[i] = (kerf_device){.name = name, .modes = &h->mode[i], .n_modes = 1};
}

static void hand_make(hand *h)
{
    static char names[][8] = {"board", "near", "far"};
    memset(h, 0, sizeof *h);
    h->network = nb_network("three");
    size_t x = nb_input(h->network, "x", 400);
    size_t a = nb_operator(h->network, "c1", KERF_CLASS_CONV, 1000, 0, 1, 1, &x, 800);
    size_t b = nb_operator(h->network, "c2", KERF_CLASS_CONV, 2000, 0, 1, 1, &a, 200);
    size_t c = nb_operator(h->network, "c3", KERF_CLASS_CONV, 4000, 0, 1, 1, &b, 40);
    nb_output(h->network, c);
    nb_finish(h->network);
    hand_tier(h, 0, names[0], 1e-6, 2e-6);
    hand_tier(h, 1, names[1], 1e-7, 3e-6);
    hand_tier(h, 2, names[2], 1e-8, 4e-6);
    h->mode[0].idle_W = 1.5;
    h->mode[1].partition_s = 1e-3;
    h->link = (kerf_link){.rate_bps = {8e4, 8e4}, .connection = KERF_CONNECTION_WARM};
    h->link.active_W[KERF_UPLINK] = 0.5;
    h->wan = (kerf_link){.rate_bps = {1.6e5, 1.6e5}, .connection = KERF_CONNECTION_WARM};
    h->wan.active_W[KERF_UPLINK] = 2;
    h->q = (kerf_tiers_question){.edge = {.network = h->network,
                                          .device = &h->tier[0],
                                          .server = &h->tier[1],
                                          .link = &h->link},
                                 .cloud = &h->tier[2],
                                 .cloud_link = &h->wan};
}

static void test_by_hand(void **state)
{
    (void)state;
    hand h;
    hand_make(&h);
    const kerf_tier one_each[] = {KERF_TIER_DEVICE, KERF_TIER_EDGE, KERF_TIER_CLOUD};
    kerf_tiers_cost c;
    assert_int_equal(kerf_tiers_price(&h.q, one_each, &c, NULL), KERF_OK);
    check_close(c.first.device_s, 1e-3);
    check_close(c.first.uplink_s, 0.08);
    check_close(c.first.server_s, 1.2e-3);
    check_close(c.cloud_uplink_s, 0.01);
    check_close(c.cloud_s, 4e-5);
    check_close(c.cloud_downlink_s, 2e-3);
    check_close(c.first.downlink_s, 4e-3);
    check_close(c.first.latency_s, 0.09824);
    check_close(c.first.wait_J, 1.5 * 0.09724);
    check_close(c.first.device_energy_J, 2e-3 + 0.04 + 1.5 * 0.09724);
    check_close(c.first.server_energy_J, 6e-3);
    check_close(c.cloud_energy_J, 16e-3);
    check_close(c.cloud_link_J, 0.02);
    check_close(c.first.throughput_per_s, 1 / 0.08);
    check_close(c.first.uplink_bytes, 800);
    check_close(c.cloud_uplink_bytes, 200);
    /* The input passes through the edge, which has nothing to compute: no partition there. */
    const kerf_tier all_cloud[] = {KERF_TIER_CLOUD, KERF_TIER_CLOUD, KERF_TIER_CLOUD};
    assert_int_equal(kerf_tiers_price(&h.q, all_cloud, &c, NULL), KERF_OK);
    check_close(c.first.server_s, 0);
    check_close(c.first.latency_s, 0.04 + 0.02 + 7e-5 + 2e-3 + 4e-3);
    h.q.result = KERF_TIER_CLOUD;
    assert_int_equal(kerf_tiers_price(&h.q, all_cloud, &c, NULL), KERF_OK);
    check_close(c.first.latency_s, 0.04 + 0.02 + 7e-5);
    check_close(c.first.device_energy_J, (0.5 + 1.5) * 0.04);
    h.q.result = KERF_TIER_EDGE;
    assert_int_equal(kerf_tiers_price(&h.q, all_cloud, &c, NULL), KERF_OK);
    check_close(c.first.latency_s, 0.04 + 0.02 + 7e-5 + 2e-3);
    const kerf_tier all_device[] = {KERF_TIER_DEVICE, KERF_TIER_DEVICE, KERF_TIER_DEVICE};
    assert_int_equal(kerf_tiers_price(&h.q, all_device, &c, NULL), KERF_OK);
    check_close(c.first.latency_s, 7e-3 + 4e-3);
    kerf_network_destroy(&h.network);
}

/* Ten placements: the best by each solver is the best of the prices of all. */
static void test_all_placements(void **state)
{
    (void)state;
    for (int objective = 0; objective < 6; objective++)
        for (int result = 1; result <= 3; result++) {
            hand h;
            double least = INFINITY;
            hand_make(&h);
            h.q.edge.objective = (kerf_objective)objective;
            h.q.edge.weight_energy = 1;
            h.q.edge.weight_latency = 3;
            h.q.result = (kerf_tier)result;
            h.link.rate_bps[0] = 4e6; /* so that not all stays on the device */
            for (int a = 1; a <= 3; a++)
                for (int b = a; b <= 3; b++)
                    for (int c = b; c <= 3; c++) {
                        const kerf_tier tier[] = {(kerf_tier)a, (kerf_tier)b, (kerf_tier)c};
                        kerf_tiers_cost cost;
                        assert_int_equal(kerf_tiers_price(&h.q, tier, &cost, NULL), KERF_OK);
                        least = fmin(least, objective == KERF_OBJ_THROUGHPUT
                                                ? 1 / cost.first.throughput_per_s
                                                : cost.first.objective);
                    }
            for (int solver = KERF_SOLVER_AUTO; solver <= KERF_SOLVER_MILP; solver++) {
                kerf_tiers_plan *plan = NULL;
                h.q.edge.solver = (kerf_solver)solver;
                kerf_status status = kerf_tiers_make(&h.q, &plan, NULL);
                if (solver == KERF_SOLVER_MINCUT && objective == KERF_OBJ_THROUGHPUT) {
                    assert_int_equal(status, KERF_E_UNSUPPORTED);
                    continue;
                }
                assert_int_equal(status, KERF_OK);
                assert_true(plan->optimal);
                const double value = plan->cost.first.objective;
                check_close(objective == KERF_OBJ_THROUGHPUT ? 1 / value : value, least);
                kerf_tiers_destroy(&plan);
            }
            kerf_network_destroy(&h.network);
        }
}

static void refuse(hand *h, kerf_status expected, const char *text)
{
    kerf_tiers_plan *plan = NULL;
    kerf_error err = {0};
    char line[1300];
    const kerf_status status = kerf_tiers_make(&h->q, &plan, &err);
    kerf_error_line(&err, line, sizeof line);
    if (status != expected || !strstr(line, text))
        fail_msg("status %d, '%s', expected %d, '%s'", (int)status, line, (int)expected, text);
    assert_null(plan);
}

static void test_refusals(void **state)
{
    (void)state;
    hand h;
    hand_make(&h);
    const hand good = h;
    h.q.cloud = NULL;
    refuse(&h, KERF_E_INVALID, "lacks its cloud");
    h.q = good.q;
    h.q.cloud_link = NULL;
    refuse(&h, KERF_E_INVALID, "lacks its cloud link");
    h.q = good.q;
    h.q.edge.server = NULL;
    refuse(&h, KERF_E_INVALID, "lacks its");
    h.q = good.q;
    h.q.cloud_load = 1;
    refuse(&h, KERF_E_INVALID, "cloud load");
    h.q.cloud_load = (double)NAN;
    refuse(&h, KERF_E_INVALID, "cloud load");
    h.q = good.q;
    h.q.result = (kerf_tier)9;
    refuse(&h, KERF_E_INVALID, "result");
    h.q = good.q;
    h.wan.rate_bps[0] = -1;
    refuse(&h, KERF_E_INVALID, "link");
    h.wan = good.wan;
    h.q.edge.limits.deadline_s = (double)NAN;
    refuse(&h, KERF_E_INVALID, "deadline");
    h.q = good.q;
    h.q.edge.limits.deadline_s = 1e-4;
    refuse(&h, KERF_E_INFEASIBLE, "no placement keeps deadline 100 us; the closest one takes 7 ms");
    h.q.edge.solver = KERF_SOLVER_MINCUT;
    refuse(&h, KERF_E_UNSUPPORTED, "cannot keep limits");
    h.q = good.q;
    const kerf_encoding dear = {.name = "zip", .ratio = 0.5, .device_s_per_byte = 1e-9};
    h.q.edge.encodings = &dear;
    h.q.edge.n_encodings = 1;
    refuse(&h, KERF_E_UNSUPPORTED, "encodings with a cost");
    h.q = good.q;
    h.q.edge.limits.min_accuracy = 0.5;
    refuse(&h, KERF_E_UNSUPPORTED, "minimum accuracy");
    h.q = good.q;
    h.q.edge.power_mode = "none such";
    refuse(&h, KERF_E_INVALID, "no power mode");
    kerf_tier_pin pins[] = {{0, KERF_TIER_CLOUD}, {2, KERF_TIER_EDGE}};
    h.q = good.q;
    h.q.pins = pins;
    h.q.n_pins = 2;
    refuse(&h, KERF_E_INFEASIBLE, "c3: may not run beyond the edge, but it needs the result of");
    pins[1].operator_index = 0;
    refuse(&h, KERF_E_INFEASIBLE, "c1: is pinned to the edge and to another tier");
    pins[0].operator_index = 7;
    refuse(&h, KERF_E_INVALID, "operator 7 of 3");
    pins[0] = (kerf_tier_pin){0, KERF_TIER_FREE};
    refuse(&h, KERF_E_INVALID, "no tier");
    h.q = good.q;
    kerf_tiers_cost cost;
    const kerf_tier back[] = {KERF_TIER_EDGE, KERF_TIER_DEVICE, KERF_TIER_CLOUD};
    const kerf_tier none[] = {KERF_TIER_FREE, KERF_TIER_DEVICE, KERF_TIER_CLOUD};
    const kerf_tier late[] = {KERF_TIER_CLOUD, KERF_TIER_EDGE, KERF_TIER_CLOUD};
    assert_int_equal(kerf_tiers_price(&h.q, back, &cost, NULL), KERF_E_INVALID);
    assert_int_equal(kerf_tiers_price(&h.q, none, &cost, NULL), KERF_E_INVALID);
    assert_int_equal(kerf_tiers_price(&h.q, late, &cost, NULL), KERF_E_INVALID);
    kerf_network_destroy(&h.network);
}

static void test_pins_and_support(void **state)
{
    (void)state;
    hand h;
    hand_make(&h);
    kerf_tier_pin pins[] = {{0, KERF_TIER_EDGE}, {2, KERF_TIER_CLOUD}};
    kerf_pin first = {1, KERF_SIDE_SERVER};
    h.q.pins = pins;
    h.q.n_pins = 2;
    h.q.edge.pins = &first;
    h.q.edge.n_pins = 1;
    for (int solver = KERF_SOLVER_AUTO; solver <= KERF_SOLVER_MILP; solver++) {
        kerf_tiers_plan *plan = NULL;
        h.q.edge.solver = (kerf_solver)solver;
        assert_int_equal(kerf_tiers_make(&h.q, &plan, NULL), KERF_OK);
        assert_int_equal(plan->tier[0], KERF_TIER_EDGE);
        assert_int_equal(plan->tier[1], KERF_TIER_EDGE);
        assert_int_equal(plan->tier[2], KERF_TIER_CLOUD);
        assert_int_equal(plan->cut.n_tensors, 1);
        assert_int_equal(plan->cut2.n_tensors, 1);
        check_close(plan->cut2.wire_bytes, 200);
        assert_true(plan->optimal && !plan->all_device.exists && !plan->all_cloud.exists);
        kerf_tiers_destroy(&plan);
    }
    kerf_network_destroy(&h.network);
}

/* --- bundled networks --- */

static kerf_network *load_network(const char *name)
{
    char path[128];
    kerf_network *network = NULL;
    snprintf(path, sizeof path, "configs/networks/%s.json", name);
    assert_int_equal(kerf_network_load(path, NULL, &network, NULL), KERF_OK);
    return network;
}

typedef struct scene {
    kerf_device *device, *edge, *cloud;
    kerf_link *link, *wan;
} scene;

static void scene_load(scene *s, const char *link)
{
    char path[128];
    memset(s, 0, sizeof *s);
    snprintf(path, sizeof path, "configs/links/%s.json", link);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &s->device, NULL), 0);
    assert_int_equal(kerf_device_load("configs/servers/edge-cpu.json", &s->edge, NULL), 0);
    assert_int_equal(kerf_device_load("configs/servers/cloud-a100.json", &s->cloud, NULL), 0);
    assert_int_equal(kerf_link_load(path, &s->link, NULL), 0);
    assert_int_equal(kerf_link_load("configs/links/wan.json", &s->wan, NULL), 0);
}

static void scene_clear(scene *s)
{
    kerf_device_destroy(&s->device);
    kerf_device_destroy(&s->edge);
    kerf_device_destroy(&s->cloud);
    kerf_link_destroy(&s->link);
    kerf_link_destroy(&s->wan);
}

static kerf_tiers_question ask(const scene *s, const kerf_network *network,
                               kerf_objective objective)
{
    return (kerf_tiers_question){.edge = {.network = network,
                                          .device = s->device,
                                          .server = s->edge,
                                          .link = s->link,
                                          .objective = objective,
                                          .weight_energy = 1,
                                          .weight_latency = 0.5,
                                          .no_break_even = true},
                                 .cloud = s->cloud,
                                 .cloud_link = s->wan};
}

/* Where nothing can run in the cloud, the answer is the two-tier planner's, to the last operator.
 */
static void test_two_tiers(void **state)
{
    (void)state;
    static const char *const names[] = {"alexnet", "mobilenetv2", "inceptionv3", "yolov3-tiny"};
    static const char *const links[] = {"wifi-ac", "lte"};
    for (size_t i = 0; i < 8; i++) {
        scene s;
        scene_load(&s, links[i % 2]);
        kerf_network *network = load_network(names[i / 2]);
        char **types = calloc(network->n_operators, sizeof *types);
        assert_non_null(types);
        for (size_t v = 0; v < network->n_operators; v++)
            types[v] = network->operators[v].type;
        kerf_device none = *s.cloud;
        none.unsupported = types;
        none.n_unsupported = network->n_operators;
        for (int objective = 0; objective < 6; objective++) {
            kerf_tiers_question q = ask(&s, network, (kerf_objective)objective);
            q.cloud = &none;
            q.edge.input_bytes = i % 3 ? 50e3 : 0;
            q.edge.result_at_server = i == 5;
            q.edge.server_load = i == 3 ? 0.4 : 0;
            kerf_plan *two = NULL;
            kerf_tiers_plan *three = NULL;
            kerf_error err = {0};
            assert_int_equal(kerf_plan_make(&q.edge, &two, &err), KERF_OK);
            if (kerf_tiers_make(&q, &three, &err) != KERF_OK)
                fail_msg("%s: %s", err.where, err.message);
            check_close(three->cost.first.objective, two->cost.objective);
            check_close(three->cost.first.device_energy_J, two->cost.device_energy_J);
            check_close(three->cost.first.latency_s, two->cost.latency_s);
            check_close(three->cost.first.device_memory_bytes, two->cost.device_memory_bytes);
            assert_int_equal(three->cut.n_tensors, two->cut.n_tensors);
            assert_int_equal(three->cut2.n_tensors, 0);
            for (size_t v = 0; v < network->n_operators; v++)
                assert_int_equal((int)three->tier[v], (int)two->side[v]);
            assert_true(three->optimal);
            kerf_plan_destroy(&two);
            kerf_tiers_destroy(&three);
        }
        free(types);
        kerf_network_destroy(&network);
        scene_clear(&s);
    }
}

static void test_bundled(void **state)
{
    (void)state;
    static const char *const names[] = {"alexnet", "squeezenet1.1", "resnet18", "mobilenetv1"};
    static const char *const links[] = {"wifi-ac", "lte", "5g-mmwave", "ethernet-100m"};
    size_t in_cloud = 0, in_edge = 0;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            scene s;
            scene_load(&s, links[k]);
            kerf_network *network = load_network(names[i]);
            for (int objective = 0; objective < 6; objective++) {
                double values[4] = {0};
                kerf_tiers_question q = ask(&s, network, (kerf_objective)objective);
                q.edge.input_bytes = 50e3;
                for (int solver = KERF_SOLVER_MINCUT; solver <= KERF_SOLVER_MILP; solver++) {
                    kerf_tiers_plan *plan = NULL;
                    kerf_error err = {0};
                    if (objective == KERF_OBJ_THROUGHPUT && solver == KERF_SOLVER_MINCUT)
                        continue;
                    q.edge.solver = (kerf_solver)solver;
                    if (kerf_tiers_make(&q, &plan, &err) != KERF_OK)
                        fail_msg("%s: %s", err.where, err.message);
                    assert_true(plan->optimal);
                    values[solver] = plan->cost.first.objective;
                    for (size_t v = 0; v < network->n_operators; v++) {
                        in_cloud += plan->tier[v] == KERF_TIER_CLOUD;
                        in_edge += plan->tier[v] == KERF_TIER_EDGE;
                    }
                    kerf_tiers_destroy(&plan);
                }
                if (objective != KERF_OBJ_THROUGHPUT)
                    check_close(values[KERF_SOLVER_MINCUT], values[KERF_SOLVER_MILP]);
            }
            kerf_network_destroy(&network);
            scene_clear(&s);
        }
    print_message("# %zu operators on the edge, %zu in the cloud\n", in_edge, in_cloud);
    assert_true(in_cloud > 0 && in_edge > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_all_placements),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_pins_and_support),
        cmocka_unit_test(test_two_tiers), cmocka_unit_test(test_bundled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
