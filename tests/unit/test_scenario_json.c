/* The scenario's reader: every kind of wrong input is refused with the place where it is wrong; and
 * out of memory at any allocation. */
#include "tests/support/scenario.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char good[] =
    "{\"format\": \"kerf-scenario/1\", \"name\": \"good\", \"duration\": \"10 s\","
    " \"warmup\": \"1 s\", \"seed\": 4, \"replications\": 2,"
    " \"policies\": [\"static\", {\"policy\": \"adaptive\", \"name\": \"slow\", \"weight\": 0.1}],"
    " \"access_points\": {\"ap\": {\"uplink\": \"9 Mbit/s\", \"downlink\": \"8 Mbit/s\"}},"
    " \"links\": {\"l\": {\"link\": \"wifi-n\", \"access_point\": \"ap\", \"rtt\": \"9 ms\","
    " \"uplink_trace\": {\"points\": [[\"0 s\", \"1 Mbit/s\"], [\"1 s\", \"2 Mbit/s\"]],"
    " \"period\": \"3 s\"}}},"
    " \"servers\": {\"s\": {\"server\": \"edge-gpu\", \"workers\": 2,"
    " \"batch\": {\"size\": 2, \"delay\": \"1 ms\"}}},"
    " \"groups\": [{\"name\": \"g\", \"count\": 3, \"device\": \"jetson-tx2\","
    " \"network\": \"squeezenet\", \"link\": \"l\", \"server\": \"s\", \"deadline\": \"90 ms\","
    " \"arrivals\": {\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"}}],"
    " \"faults\": [{\"server\": \"s\", \"times\": [[\"2 s\", \"3 s\"]]}]}";

static char *changed(const char *find, const char *replace)
{
    const char *at = strstr(good, find);
    char *text = NULL;
    if (!at)
        fail_msg("%s does not occur", find);
    assert_true(asprintf(&text, "%.*s%s%s", (int)(at - good), good, replace, at + strlen(find)) >
                0);
    return text;
}

static void test_good(void **state)
{
    (void)state;
    kerf_scenario *s = scenario_of(good);
    const kerf_scenario_summary d = kerf_scenario_describe(s);
    assert_string_equal(d.name, "good");
    assert_string_equal(d.description, "");
    assert_int_equal(d.groups, 1);
    assert_int_equal(d.policies, 2);
    assert_int_equal(d.devices, 3);
    assert_int_equal(d.seed, 4);
    assert_int_equal(d.replications, 2);
    kerf_simulation *r = simulation_of(s, NULL);
    assert_string_equal(kerf_simulation_policy_name(r, 1), "slow");
    assert_string_equal(kerf_simulation_access_point_name(r, 0), "ap");
    assert_null(kerf_simulation_policy_name(r, 2));
    assert_null(kerf_simulation_group(r, 1, 0));
    assert_null(kerf_simulation_server(r, 0, 2));
    assert_null(kerf_simulation_link(r, 1, 0));
    assert_true(kerf_simulation_latency_quantile(r, 0, 0, 2) !=
                kerf_simulation_latency_quantile(r, 0, 0, 2));
    kerf_simulation_destroy(&r);
    kerf_simulation_destroy(&r);
    kerf_scenario_destroy(&s);
    kerf_scenario_destroy(&s);
}

typedef struct bad_case {
    const char *find, *replace, *where, *message;
} bad_case;

static const bad_case bad[] = {
    {"kerf-scenario/1", "kerf-scenario/2", "/format", "kerf-scenario/1"},
    {"\"name\": \"good\"", "\"nam\": \"good\"", "", "name"},
    {"\"seed\"", "\"sead\"", "/sead", "seed"},
    {"\"10 s\"", "10", "/duration", "time"},
    {"\"10 s\"", "\"0 s\"", "/duration", "expected more"},
    {"\"10 s\"", "\"1e10 s\"", "/duration", "1e9 s"},
    {"\"1 s\", \"seed\"", "\"10 s\", \"seed\"", "/warmup", "less than the duration"},
    {"\"seed\": 4", "\"seed\": -4", "/seed", "-4"},
    {"\"replications\": 2", "\"replications\": 0", "/replications", "0"},
    {"\"static\"", "\"statik\"", "/policies/0", "expected all-device"},
    {"\"static\"", "\"fixed\"", "/policies/0", "fixed:OPERATOR"},
    {"\"static\"", "\"static:3\"", "/policies/0", "unknown"},
    {"\"static\"", "3", "/policies/0", "string"},
    {"\"adaptive\"", "\"adaptiv\"", "/policies/1/policy", "unknown"},
    {"\"weight\": 0.1", "\"weight\": 0", "/policies/1/weight", "0"},
    {"\"weight\": 0.1", "\"wait\": 0.1", "/policies/1/wait", "unknown key"},
    {"\"name\": \"slow\"", "\"name\": \"static\"", "/policies/1", "second policy"},
    {"[\"static\", {\"policy\": \"adaptive\", \"name\": \"slow\", \"weight\": 0.1}]", "[]",
     "/policies", "expected 1 to 1000"},
    {"\"uplink\": \"9 Mbit/s\", ", "", "/access_points/ap", "uplink_trace"},
    {"\"9 Mbit/s\"", "\"0 bit/s\"", "/access_points/ap/uplink", "expected more"},
    {"\"9 Mbit/s\"", "\"9 Mbit\"", "/access_points/ap/uplink", "rate"},
    {"\"wifi-n\"", "\"wifi-x\"", "/links/l/link", "wifi-x"},
    {"\"wifi-n\"", "7", "/links/l/link", "string"},
    {"\"access_point\": \"ap\"", "\"access_point\": \"pa\"", "/links/l/access_point",
     "access_points"},
    {"\"rtt\": \"9 ms\"", "\"rtt\": \"9 days\"", "/links/l/rtt", "time"},
    {"\"rtt\": \"9 ms\"", "\"rtt\": \"2 h\"", "/links/l", "rtt"},
    {"\"rtt\": \"9 ms\"", "\"offset\": \"sometimes\"", "/links/l/offset", "time"},
    {"\"rtt\": \"9 ms\"", "\"connection\": \"tepid\"", "/links/l/connection", "cold"},
    {"\"rtt\": \"9 ms\"", "\"rtt_trace\": {\"points\": []}", "/links/l/rtt_trace/points",
     "no sample"},
    {"\"rtt\": \"9 ms\"", "\"rtt_trace\": 5", "/links/l/rtt_trace", "object"},
    {"\"rtt\": \"9 ms\"", "\"rtt_trace\": \"no.such.file\"", "/links/l/rtt_trace", "no.such.file"},
    {"\"1 Mbit/s\"], [\"1 s\"", "\"1 Mbit/s\"], [\"0 s\"", "/links/l/uplink_trace/points",
     "sample 2"},
    {"[\"1 s\", \"2 Mbit/s\"]", "[\"1 s\"]", "/links/l/uplink_trace/points/1",
     "expected a time and a rate"},
    {"[\"1 s\", \"2 Mbit/s\"]", "[\"1 s\", \"2 ms\"]", "/links/l/uplink_trace/points/1/1", "rate"},
    {"[\"1 s\", \"2 Mbit/s\"]", "\"2 Mbit/s\"", "/links/l/uplink_trace/points/1", "array"},
    {"\"period\": \"3 s\"", "\"period\": \"1 s\"", "/links/l/uplink_trace/points", "repeats"},
    {"\"period\": \"3 s\"", "\"file\": \"no.trace\"", "/links/l/uplink_trace/file", "no.trace"},
    {"\"period\": \"3 s\"", "\"file\": \"x\", \"format\": \"pcap\"", "/links/l/uplink_trace/format",
     "mahimahi"},
    {"\"period\": \"3 s\"", "\"file\": \"x\", \"unit\": \"Mbit\"", "/links/l/uplink_trace/unit",
     "Mbit/s"},
    {"\"edge-gpu\"", "\"edge-gpy\"", "/servers/s/server", "edge-gpy"},
    {"\"workers\": 2", "\"workers\": 0", "/servers/s/workers", "0"},
    {"\"workers\": 2", "\"workers\": 2.5", "/servers/s/workers", "integer"},
    {"\"workers\": 2", "\"load\": 1", "/servers/s/load", "less than 1"},
    {"\"workers\": 2", "\"discipline\": \"lifo\"", "/servers/s/discipline", "fifo"},
    {"\"workers\": 2", "\"discipline\": \"sharing\"", "/servers/s/batch", "first in, first out"},
    {"\"workers\": 2", "\"service\": \"gamma\"", "/servers/s/service", "exponential"},
    {"\"workers\": 2", "\"variation\": 2", "/servers/s/variation", ""},
    {"\"size\": 2", "\"size\": 0", "/servers/s/batch/size", "0"},
    {"\"size\": 2, ", "", "/servers/s/batch", "size"},
    {"\"name\": \"g\", ", "", "/groups/0", "name"},
    {"\"count\": 3", "\"count\": 0", "/groups/0/count", "0"},
    {"\"count\": 3", "\"count\": 1e9", "/groups/0/count", ""},
    {"\"count\": 3", "\"colour\": 3", "/groups/0/colour", ""},
    {"\"count\": 3", "\"power_mode\": \"turbo\"", "/groups/0/power_mode", "turbo"},
    {"\"count\": 3", "\"objective\": \"fame\"", "/groups/0/objective", "energy"},
    {"\"count\": 3", "\"objective\": {\"fame\": 1}", "/groups/0/objective/fame", ""},
    {"\"count\": 3", "\"objective\": {\"energy\": -1}", "/groups/0/objective/energy", "-1"},
    {"\"count\": 3", "\"queue\": 70000", "/groups/0/queue", "70000"},
    {"\"count\": 3", "\"drop\": \"all\"", "/groups/0/drop", "newest"},
    {"\"count\": 3", "\"battery\": \"0 Wh\"", "/groups/0/battery", "expected more"},
    {"\"count\": 3", "\"timeout\": \"0 s\"", "/groups/0/timeout", "expected more"},
    {"\"count\": 3", "\"fallback\": 1", "/groups/0/fallback", ""},
    {"\"count\": 3", "\"wire\": \"morse\"", "/groups/0/wire", "float16"},
    {"\"count\": 3", "\"result\": \"cloud\"", "/groups/0/result", "device"},
    {"\"count\": 3", "\"policy\": \"best\"", "/groups/0/policy", "unknown"},
    {"\"count\": 3", "\"device_profile\": \"none.json\"", "/groups/0/device_profile", "none.json"},
    {"\"jetson-tx2\"", "\"jetson-tx9\"", "/groups/0/device", "jetson-tx9"},
    {"\"squeezenet\"", "\"squeeze\"", "/groups/0/network", "squeeze"},
    {"\"link\": \"l\"", "\"link\": \"m\"", "/groups/0/link", "links"},
    {"\"link\": \"l\", ", "", "/groups/0", "link"},
    {"\"server\": \"s\", \"deadline\"", "\"server\": \"t\", \"deadline\"", "/groups/0/server",
     "servers"},
    {"\"deadline\": \"90 ms\"", "\"deadline\": 90", "/groups/0/deadline", "time"},
    {"\"kind\": \"periodic\", ", "", "/groups/0/arrivals", "kind"},
    {"\"kind\": \"periodic\"", "\"kind\": \"daily\"", "/groups/0/arrivals/kind", "poisson"},
    {"\"period\": \"50 ms\", ", "", "/groups/0/arrivals", "period"},
    {"\"period\": \"50 ms\"", "\"period\": \"0 s\"", "/groups/0/arrivals/period", "expected more"},
    {"\"jitter\": \"1 ms\"", "\"jitter\": \"60 ms\"", "/groups/0/arrivals", "jitter"},
    {"\"jitter\": \"1 ms\"", "\"phase\": \"late\"", "/groups/0/arrivals/phase", "time"},
    {"\"jitter\": \"1 ms\"", "\"rate\": \"1 Hz\"", "/groups/0/arrivals/rate", ""},
    {"\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"",
     "\"kind\": \"poisson\", \"rate\": \"0 Hz\"", "/groups/0/arrivals/rate", "more than 0"},
    {"\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"",
     "\"kind\": \"poisson\", \"rate\": 5", "/groups/0/arrivals/rate", ""},
    {"\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"",
     "\"kind\": \"bursts\", \"quiet_rate\": \"1 Hz\", \"busy_rate\": \"9 Hz\", \"quiet_time\": \"1 "
     "s\"",
     "/groups/0/arrivals", "busy_time"},
    {"\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"",
     "\"kind\": \"bursts\", \"quiet_rate\": \"0 Hz\", \"busy_rate\": \"1 Hz\", \"quiet_time\": "
     "\"1 s\", \"busy_time\": \"1 us\"",
     "/groups/0/arrivals", "poisson"},
    {"\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"",
     "\"kind\": \"timestamps\", \"file\": \"none.txt\"", "/groups/0/arrivals/file", "none.txt"},
    {"\"groups\": [", "\"groups\": [], \"x\": [", "/groups", "expected 1 to"},
    {"\"groups\": [{", "\"groups\": [{\"a\": 1}, {", "/groups/0", "name"},
    {"{\"server\": \"s\", \"times\"", "{\"server\": \"t\", \"times\"", "/faults/0/server",
     "servers"},
    {"{\"server\": \"s\", \"times\"", "{\"times\"", "/faults/0", "expected one of"},
    {"{\"server\": \"s\", \"times\"", "{\"server\": \"s\", \"link\": \"l\", \"times\"", "/faults/0",
     "expected one of"},
    {"\"times\": [[\"2 s\", \"3 s\"]]", "\"mtbf\": \"3 s\"", "/faults/0", "mttr"},
    {"\"times\": [[\"2 s\", \"3 s\"]]", "\"mtbf\": \"1 us\", \"mttr\": \"1 s\"", "/faults/0",
     "at least"},
    {"\"times\": [[\"2 s\", \"3 s\"]]", "\"times\": []", "/faults/0", "either"},
    {"[\"2 s\", \"3 s\"]", "[\"2 s\"]", "/faults/0/times/0", "from when to when"},
    {"[\"2 s\", \"3 s\"]", "[\"3 s\", \"2 s\"]", "/faults/0/times/0", "one after the other"},
    {"[\"2 s\", \"3 s\"]", "[\"2 s\", \"3 s\"], [\"2.5 s\", \"4 s\"]", "/faults/0/times/1",
     "one after the other"},
    {"[\"2 s\", \"3 s\"]", "[\"2 s\", 3]", "/faults/0/times/0/1", "time"},
    {"\"3 s\"]]}", "\"3 s\"]]}, {\"server\": \"s\", \"mtbf\": \"1 s\", \"mttr\": \"1 s\"}",
     "/faults/1", "already"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bad_case *c = &bad[i];
        char *text = changed(c->find, c->replace);
        kerf_scenario *s = NULL;
        kerf_error err = {0};
        if (scenario_parse(text, &s, &err) == KERF_OK)
            fail_msg("%s in the place of %s was read", c->replace, c->find);
        if (strcmp(err.where, c->where) != 0 || !strstr(err.message, c->message) ||
            strcmp(err.source, "test.json") != 0)
            fail_msg("%s for %s: \"%s\": %s; expected \"%s\": %s", c->replace, c->find, err.where,
                     err.message, c->where, c->message);
        assert_null(s);
        free(text);
    }
}

/* What only the simulation can know. */
static void test_wrong_policies(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *message;
    } cases[] = {{"fixed:nosuch", "no operator \"nosuch\""},
                 {"fixed:100000", "expected at most so many"},
                 {"best", "unknown"}};
    kerf_scenario *s = scenario_of(good);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kerf_simulate_options options = {.policies = &cases[i].policy, .n_policies = 1};
        kerf_simulation *r = NULL;
        kerf_error err = {0};
        assert_int_equal(kerf_simulate(s, &options, &r, &err), KERF_E_INVALID);
        if (!strstr(err.message, cases[i].message))
            fail_msg("%s: %s", cases[i].policy, err.message);
        assert_null(r);
    }
    const kerf_simulate_options too_short = {.duration_s = 0.5};
    kerf_simulation *r = NULL;
    kerf_error err = {0};
    assert_int_equal(kerf_simulate(s, &too_short, &r, &err), KERF_E_INVALID);
    assert_string_equal(err.where, "duration");
    kerf_scenario_destroy(&s);
}

static void test_timestamps(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
        uint64_t arrived;
    } cases[] = {{"0.5\n2\n# one\n2\n\n 9.5 \n", NULL, 9},
                 {"1\n0.5\n", "line 2", 0},
                 {"1\nx\n", "line 2", 0},
                 {"", "no timestamp", 0},
                 {"-1\n", "line 1", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arrivals[300];
        kerf_scenario *s = NULL;
        kerf_error err = {0};
        text_file_write(cases[i].text, NULL, NULL);
        snprintf(arrivals, sizeof arrivals, "\"kind\": \"timestamps\", \"file\": \"%s\"",
                 text_file_path());
        char *text = changed("\"kind\": \"periodic\", \"period\": \"50 ms\", \"jitter\": \"1 ms\"",
                             arrivals);
        const kerf_status status = scenario_parse(text, &s, &err);
        if (cases[i].message) {
            assert_int_equal(status, KERF_E_INVALID);
            assert_string_equal(err.where, "/groups/0/arrivals/file");
            assert_non_null(strstr(err.message, cases[i].message));
        } else {
            const kerf_simulate_options once = {.replications = 1};
            assert_int_equal(status, KERF_OK);
            kerf_simulation *r = simulation_of(s, &once);
            assert_int_equal(kerf_simulation_group(r, 0, 0)->arrived, cases[i].arrived);
            kerf_simulation_destroy(&r);
            kerf_scenario_destroy(&s);
        }
        free(text);
    }
}

static kerf_status load(void *context, kerf_error *err)
{
    kerf_scenario *s = NULL;
    const kerf_status status = scenario_parse(context, &s, err);
    if (status == KERF_OK && kerf_scenario_describe(s).groups != 1)
        torture_wrong(err, "the group is missing");
    kerf_scenario_destroy(&s);
    return status;
}

static kerf_status run(void *context, kerf_error *err)
{
    const kerf_simulate_options once = {.replications = 1, .threads = 1, .duration_s = 1.5};
    kerf_simulation *r = NULL;
    const kerf_status status = kerf_simulate(context, &once, &r, err);
    if (status == KERF_OK && kerf_simulation_describe(r).partial)
        torture_wrong(err, "it is partial");
    kerf_simulation_destroy(&r);
    return status;
}

static void test_torture(void **state)
{
    (void)state;
    char text[sizeof good];
    memcpy(text, good, sizeof good);
    if (!torture_available())
        skip();
    torture_run(load, text);
    kerf_scenario *s = scenario_of(good);
    torture_run(run, s);
    kerf_scenario_destroy(&s);
}

static bool stop_at_once(void *context, double done)
{
    (void)context;
    assert_true(done >= 0 && done <= 1);
    return false;
}

/* Stopped: what there is, marked. */
static void test_stop(void **state)
{
    (void)state;
    char *text = changed("\"10 s\"", "\"100000 s\"");
    kerf_scenario *s = scenario_of(text);
    const kerf_simulate_options options = {.progress = stop_at_once};
    kerf_simulation *r = simulation_of(s, &options);
    assert_true(kerf_simulation_describe(r).partial);
    assert_int_equal(kerf_simulation_group(r, 0, 0)->replications, 0);
    const kerf_group_result *g = kerf_simulation_group(r, 0, 0);
    assert_true(g->arrived >= g->done + g->missed + g->dropped);
    kerf_simulation_destroy(&r);
    kerf_scenario_destroy(&s);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_stop),       cmocka_unit_test(test_wrong_policies),
        cmocka_unit_test(test_timestamps), cmocka_unit_test(test_torture)};
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
