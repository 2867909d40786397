/* Failures and time-outs against cases whose outcome is known: who pays what, and that an answer
 * that comes too late serves nobody. */
#include "tests/support/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One board, all-device beside all-server; the rest as given. */
static kerf_simulation *run(const char *server, const char *group, const char *faults,
                            const char *link, kerf_scenario **scenario)
{
    char *text = NULL;
    assert_true(
        asprintf(&text,
                 "{\"format\": \"kerf-scenario/1\", \"name\": \"faults\", \"duration\": \"100 s\","
                 " \"policies\": [\"all-device\", \"all-server\"],"
                 " \"access_points\": {\"ap\": {\"uplink\": \"500 Mbit/s\", \"downlink\": \"500 "
                 "Mbit/s\"}},"
                 " \"links\": {\"l\": {\"link\": \"ethernet-100m\"%s}},"
                 " \"servers\": {\"s\": {\"server\": \"edge-gpu\"%s}},"
                 " \"groups\": [{\"name\": \"g\", \"device\": \"jetson-tx2\","
                 " \"network\": \"resnet18\", \"link\": \"l\", \"server\": \"s\","
                 " \"input_size\": \"50 kB\", \"retry\": \"0 s\", \"arrivals\": {\"kind\": "
                 "\"periodic\", \"period\": \"1 s\", \"phase\": \"0.5 s\"}%s}], \"faults\": [%s]}",
                 link, server, group, faults) > 0);
    kerf_simulation *s = simulate_text(text, scenario);
    free(text);
    return s;
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void done_with(kerf_simulation *s, kerf_scenario *scenario)
{
    kerf_simulation_destroy(&s);
    kerf_scenario_destroy(&scenario);
}

/* Nothing gets through for all time: each offload costs its time-out, and then what all-device
 * does. On a path of its own, and on an access point. */
static void test_dead_link(void **state)
{
    (void)state;
    static const char *const links[] = {"", ", \"access_point\": \"ap\""};
    for (size_t i = 0; i < 2; i++) {
        kerf_scenario *scenario = NULL;
        kerf_simulation *s =
            run("", ", \"timeout\": \"40 ms\"",
                "{\"link\": \"l\", \"times\": [[\"0 s\", \"1000 s\"]]}", links[i], &scenario);
        const kerf_group_result *device = kerf_simulation_group(s, 0, 0);
        const kerf_group_result *server = kerf_simulation_group(s, 0, 1);
        assert_int_equal(server->arrived, 100);
        assert_int_equal(server->done, 100);
        assert_int_equal(server->offloaded, 100);
        assert_int_equal(server->fallbacks, 100);
        near(server->latency_s.mean, 0.04 + device->latency_s.mean);
        near(server->fallback_s.mean, 0.04 + device->device_s.mean);
        near(server->compute_J.mean, device->compute_J.mean);
        assert_true(server->uplink_s.mean == 0 && server->downlink_s.mean == 0);
        /* The board idled until it gave up. Ethernet: 294 mW, and nothing for bits. */
        near(server->wait_J.mean, server->energy_J.mean - server->compute_J.mean);
        assert_true(server->wait_J.mean > 0.04 * 0.294);
        assert_true(kerf_simulation_server(s, 0, 1)->accepted == 0);
        done_with(s, scenario);
    }
}

/* Without a fallback it is lost, and so is what it cost from the mean, but not from the total. */
static void test_no_fallback(void **state)
{
    (void)state;
    kerf_scenario *scenario = NULL;
    kerf_simulation *s = run("", ", \"timeout\": \"40 ms\", \"fallback\": false",
                             "{\"link\": \"l\", \"times\": [[\"10 s\", \"30 s\"]]}", "", &scenario);
    const kerf_group_result *server = kerf_simulation_group(s, 0, 1);
    assert_int_equal(server->done, 80);
    assert_int_equal(server->dropped, 20);
    near(server->drop_ratio.mean, 0.2);
    assert_true(server->total_energy_J.mean > 80 * server->energy_J.mean);
    done_with(s, scenario);
}

/* Every job takes longer than the board waits, so every offload is given up, though the server
 * finishes old jobs while new ones wait: their answers are nobody's. */
static void test_late_answers(void **state)
{
    (void)state;
    static const char *const servers[] = {
        ", \"load\": 0.9995", ", \"load\": 0.9995, \"discipline\": \"sharing\"",
        ", \"load\": 0.9995, \"batch\": {\"size\": 4, \"delay\": \"300 ms\", \"share\": 0.2}"};
    for (size_t i = 0; i < 3; i++) {
        kerf_scenario *scenario = NULL;
        kerf_simulation *s = run(servers[i], ", \"timeout\": \"900 ms\"", "", "", &scenario);
        const kerf_group_result *r = kerf_simulation_group(s, 0, 1);
        const kerf_server_result *at = kerf_simulation_server(s, 0, 1);
        assert_int_equal(r->done, 100);
        if (r->fallbacks != 100)
            fail_msg("server %zu: %llu of 100 gave up", i, (unsigned long long)r->fallbacks);
        assert_int_equal(at->accepted, 100);
        done_with(s, scenario);
    }
}

/* The server is down from 10 s to 30 s: 20 inferences are refused, and told of it after RTT / 2. */
static void test_refused(void **state)
{
    (void)state;
    static const char *const servers[] = {"", ", \"discipline\": \"sharing\"",
                                          ", \"batch\": {\"size\": 2}"};
    for (size_t i = 0; i < 3; i++) {
        kerf_scenario *scenario = NULL;
        kerf_simulation *s = run(servers[i], "",
                                 "{\"server\": \"s\", \"times\": [[\"10 s\", \"30 "
                                 "s\"]]}",
                                 "", &scenario);
        const kerf_group_result *r = kerf_simulation_group(s, 0, 1);
        const kerf_server_result *at = kerf_simulation_server(s, 0, 1);
        assert_int_equal(r->done, 100);
        assert_int_equal(r->fallbacks, 20);
        assert_int_equal(at->rejected, 20);
        assert_int_equal(at->accepted, 80);
        assert_int_equal(at->failed, 0);
        done_with(s, scenario);
    }
}

/* A job that a crash strikes at 10.6 s is lost; the next finds the server down. */
static void test_crash(void **state)
{
    (void)state;
    static const char *const servers[] = {", \"load\": 0.995",
                                          ", \"load\": 0.995, \"discipline\": \"sharing\"",
                                          ", \"load\": 0.995, \"batch\": {\"size\": 2}"};
    for (size_t i = 0; i < 3; i++) {
        kerf_scenario *scenario = NULL;
        kerf_simulation *s = run(servers[i], "",
                                 "{\"server\": \"s\", \"times\": [[\"10.6 s\", "
                                 "\"12 s\"]]}",
                                 "", &scenario);
        const kerf_group_result *r = kerf_simulation_group(s, 0, 1);
        const kerf_server_result *at = kerf_simulation_server(s, 0, 1);
        assert_int_equal(r->done, 100);
        assert_int_equal(at->failed, 1);
        assert_int_equal(at->rejected, 1);
        assert_int_equal(r->fallbacks, 2);
        done_with(s, scenario);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_link), cmocka_unit_test(test_no_fallback),
        cmocka_unit_test(test_late_answers), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_crash)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
