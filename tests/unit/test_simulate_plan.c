/* One idle board on a constant link costs what the planner says, to the last digit: every network,
 * link, objective and state of the connection. */
#include "tests/support/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct asked {
    const char *network, *device, *server, *link, *connection, *objective, *result, *discipline;
    kerf_objective code;
} asked;

static char *text_of(const asked *a)
{
    char *text = NULL;
    const int n = asprintf(
        &text,
        "{\"format\": \"kerf-scenario/1\", \"name\": \"idle\", \"duration\": \"10 min\","
        " \"policies\": [\"static\", \"adaptive\", \"oracle\", \"hindsight\"],"
        " \"links\": {\"l\": {\"link\": \"%s\", \"connection\": \"%s\"}},"
        " \"servers\": {\"s\": {\"server\": \"%s\", \"load\": 0.3, \"discipline\": \"%s\"}},"
        " \"groups\": [{\"name\": \"g\", \"device\": \"%s\", \"network\": \"%s\", \"link\": \"l\","
        " \"server\": \"s\", \"input_size\": \"60 kB\", \"objective\": \"%s\","
        " \"result\": \"%s\", \"arrivals\": {\"kind\": \"periodic\", \"period\": \"50 s\"}}]}",
        a->link, a->connection, a->server, a->discipline, a->device, a->network, a->objective,
        a->result);
    assert_true(n > 0);
    return text;
}

static char *bundled(const char *folder, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "configs/%s/%s.json", folder, name) > 0);
    return path;
}

/* The same question, asked as kerf plan does. */
static kerf_plan_cost planned(const asked *a)
{
    kerf_error err = {0};
    kerf_network *network = NULL;
    kerf_device *device = NULL, *server = NULL;
    kerf_link *link = NULL;
    kerf_plan *plan = NULL;
    const kerf_network_options options = {.batch = 1};
    char *paths[] = {bundled("networks", a->network), bundled("devices", a->device),
                     bundled("servers", a->server), bundled("links", a->link)};
    assert_int_equal(kerf_network_load(paths[0], &options, &network, &err), KERF_OK);
    assert_int_equal(kerf_device_load(paths[1], &device, &err), KERF_OK);
    assert_int_equal(kerf_device_load(paths[2], &server, &err), KERF_OK);
    assert_int_equal(kerf_link_load(paths[3], &link, &err), KERF_OK);
    link->connection = strcmp(a->connection, "warm") == 0  ? KERF_CONNECTION_WARM
                       : strcmp(a->connection, "new") == 0 ? KERF_CONNECTION_NEW
                                                           : KERF_CONNECTION_COLD;
    const kerf_question q = {.network = network,
                             .device = device,
                             .server = server,
                             .link = link,
                             .server_load = 0.3,
                             .objective = a->code,
                             .input_bytes = 60000,
                             .result_at_server = strcmp(a->result, "server") == 0,
                             .no_break_even = true};
    assert_int_equal(kerf_plan_make(&q, &plan, &err), KERF_OK);
    const kerf_plan_cost cost = plan->cost;
    kerf_plan_destroy(&plan);
    kerf_link_destroy(&link);
    kerf_device_destroy(&server);
    kerf_device_destroy(&device);
    kerf_network_destroy(&network);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        free(paths[i]);
    return cost;
}

static void same(const asked *a, const char *what, double simulated, double expected)
{
    if (simulated != expected)
        fail_msg("%s on %s, %s, %s, %s, result at the %s, %s: %s is %.17g, planned %.17g",
                 a->network, a->device, a->link, a->connection, a->objective, a->result,
                 a->discipline, what, simulated, expected);
}

static void compare(const asked *a)
{
    char *text = text_of(a);
    kerf_scenario *scenario = NULL;
    kerf_simulation *s = simulate_text(text, &scenario);
    const kerf_plan_cost c = planned(a);
    const kerf_group_result *r = kerf_simulation_group(s, 0, 0);
    assert_int_equal(r->arrived, 12);
    assert_int_equal(r->done, 12);
    same(a, "energy", r->energy_J.mean, c.device_energy_J);
    same(a, "compute", r->compute_J.mean, c.compute_J);
    same(a, "uplink energy", r->uplink_J.mean, c.uplink_J);
    same(a, "wait", r->wait_J.mean, c.wait_J);
    same(a, "downlink energy", r->downlink_J.mean, c.downlink_J);
    same(a, "fixed", r->radio_fixed_J.mean, c.radio_fixed_J);
    same(a, "server energy", r->server_energy_J.mean, c.server_energy_J);
    same(a, "latency", r->latency_s.mean, c.latency_s);
    same(a, "device time", r->device_s.mean, c.device_s);
    same(a, "uplink time", r->uplink_s.mean, c.uplink_s);
    same(a, "server time", r->server_s.mean, c.server_s);
    same(a, "downlink time", r->downlink_s.mean, c.downlink_s);
    /* Nothing changes, so planning again changes nothing, or nothing for the worse. */
    for (size_t p = 1; p < 4; p++) {
        const kerf_group_result *again = kerf_simulation_group(s, 0, p);
        if (!(again->objective.mean <= r->objective.mean * (1 + 1e-9)))
            fail_msg("%s on %s, %s, %s, %s: %s has %.17g, static %.17g", a->network, a->device,
                     a->link, a->connection, a->objective, kerf_simulation_policy_name(s, p),
                     again->objective.mean, r->objective.mean);
        assert_int_equal(again->switches, 0);
    }
    kerf_simulation_destroy(&s);
    kerf_scenario_destroy(&scenario);
    free(text);
}

static void test_idle_board(void **state)
{
    (void)state;
    static const char *const networks[] = {"alexnet", "resnet18", "mobilenetv2", "squeezenet1.1",
                                           "yolov3-tiny"};
    static const char *const devices[] = {"jetson-tx2", "jetson-nano", "jetson-orin-nano"};
    static const char *const servers[] = {"edge-gpu", "edge-cpu"};
    static const char *const links[] = {"wifi-n", "lte",         "5g-low",
                                        "3g",     "ethernet-1g", "lte-legacy"};
    static const char *const connections[] = {"cold", "warm", "new"};
    static const char *const objectives[] = {"energy", "latency", "edp", "total-energy"};
    static const kerf_objective codes[] = {KERF_OBJ_ENERGY, KERF_OBJ_LATENCY, KERF_OBJ_EDP,
                                           KERF_OBJ_TOTAL_ENERGY};
    const size_t n = getenv("KERF_TEST_FULL") ? 720 : 60;
    for (size_t i = 0; i < n; i++) {
        const size_t o = (i / 2) % 4;
        const asked a = {.network = networks[i % 5],
                         .device = devices[(i / 5) % 3],
                         .server = servers[(i / 7) % 2],
                         .link = links[i % 6],
                         .connection = connections[(i / 3) % 3],
                         .objective = objectives[o],
                         .result = i % 11 == 10 ? "server" : "device",
                         .discipline = i % 4 == 3 ? "sharing" : "fifo",
                         .code = codes[o]};
        compare(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_idle_board)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
