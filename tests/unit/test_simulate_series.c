/* Figures over time: a case worked by hand, what is refused, words, and lack of memory. */
#include "tests/support/scenario.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A frame each second from 0.5 s on; the link fails from 4 to 5 s, and a transfer is given up after
 * 40 ms. */
static const char text[] =
    "{\"format\": \"kerf-scenario/1\", \"name\": \"series\", \"duration\": \"10 s\","
    " \"warmup\": \"2 s\", \"policies\": [\"all-device\", \"all-server\"],"
    " \"links\": {\"l\": {\"link\": \"ethernet-100m\"}},"
    " \"servers\": {\"s\": {\"server\": \"edge-gpu\"}},"
    " \"groups\": [{\"name\": \"g\", \"device\": \"jetson-tx2\", \"network\": \"resnet18\","
    " \"link\": \"l\", \"server\": \"s\", \"input_size\": \"50 kB\", \"retry\": \"0 s\","
    " \"timeout\": \"40 ms\", \"arrivals\": {\"kind\": \"periodic\", \"period\": \"1 s\","
    " \"phase\": \"0.5 s\"}}],"
    " \"faults\": [{\"link\": \"l\", \"times\": [[\"4 s\", \"5 s\"]]}]}";

static kerf_simulation *again(const kerf_scenario *scenario, double step_s)
{
    const kerf_simulate_options options = {.step_s = step_s, .threads = 1};
    kerf_simulation *s = NULL;
    kerf_error err = {0};
    if (kerf_simulate(scenario, &options, &s, &err) != KERF_OK)
        fail_msg("%s", err.message);
    return s;
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static void test_by_hand(void **state)
{
    (void)state;
    kerf_scenario *scenario = NULL;
    kerf_simulation *plain = simulate_text(text, &scenario);
    kerf_simulation *s = again(scenario, 1);
    assert_int_equal(kerf_simulation_describe(s).steps, 10);
    const kerf_group_step *device = kerf_simulation_group_steps(s, 0, 0);
    const kerf_group_step *server = kerf_simulation_group_steps(s, 0, 1);
    const kerf_server_step *load = kerf_simulation_server_steps(s, 0, 1);
    const kerf_link_step *link = kerf_simulation_link_steps(s, 0, 1);
    const kerf_group_result *alone = kerf_simulation_group(s, 0, 0);
    const double rate_bps = link[0].rate_bps[KERF_UPLINK];
    assert_true(rate_bps > 9e7 && rate_bps < 1e8);
    for (size_t i = 0; i < 10; i++) {
        const bool down = i == 4;
        assert_int_equal(server[i].started, 1);
        assert_int_equal(server[i].ended, 1);
        assert_int_equal(server[i].offloaded, 1);
        assert_int_equal(server[i].dropped, 0);
        near(server[i].latency_s, down ? 0.04 + alone->latency_s.mean : server[0].latency_s);
        near(device[i].latency_s, alone->latency_s.mean);
        near(device[i].energy_J, alone->energy_J.mean);
        assert_true(server[i].device_operators == 0);
        assert_string_equal(kerf_simulation_cut_name(s, 0, server[i].cut), "input sent");
        assert_string_equal(kerf_simulation_cut_name(s, 0, device[i].cut), "all on the board");
        near(device[i].device_operators,
             (double)kerf_simulation_cut_operators(s, 0, device[i].cut));
        near(link[i].rate_bps[KERF_UPLINK], down ? 0 : rate_bps);
        near(link[i].carried_bps[KERF_UPLINK], down ? 0 : link[0].carried_bps[KERF_UPLINK]);
        near(load[i].utilisation, down ? 0 : load[0].utilisation);
        near(load[i].jobs, down ? 0 : load[0].jobs);
    }
    assert_true(link[0].carried_bps[KERF_UPLINK] >= 8 * 50e3);
    /* One worker and one frame a second: its time is its share. */
    near(load[0].utilisation, kerf_simulation_server(s, 0, 1)->response_s.mean);
    assert_memory_equal(kerf_simulation_group(plain, 0, 1), kerf_simulation_group(s, 0, 1),
                        sizeof(kerf_group_result));
    kerf_simulation_destroy(&s);
    kerf_simulation_destroy(&plain);
    kerf_scenario_destroy(&scenario);
}

static void test_none_and_out_of_range(void **state)
{
    (void)state;
    kerf_scenario *scenario = NULL;
    kerf_simulation *plain = simulate_text(text, &scenario);
    assert_null(kerf_simulation_group_steps(plain, 0, 0));
    assert_null(kerf_simulation_cut_name(plain, 0, 0));
    kerf_simulation *s = again(scenario, 3); /* the last step is cut short */
    assert_int_equal(kerf_simulation_describe(s).steps, 4);
    assert_int_equal(kerf_simulation_group_steps(s, 0, 0)[3].started, 1);
    assert_null(kerf_simulation_group_steps(s, 1, 0));
    assert_null(kerf_simulation_group_steps(s, 0, 2));
    assert_null(kerf_simulation_server_steps(s, 1, 0));
    assert_null(kerf_simulation_link_steps(s, 1, 0));
    assert_null(kerf_simulation_access_point_steps(s, 0, 0));
    assert_null(kerf_simulation_cut_name(s, 0, KERF_NONE));
    assert_int_equal(kerf_simulation_cut_operators(s, 0, KERF_NONE), 0);
    kerf_simulation_destroy(&s);
    kerf_simulation_destroy(&plain);
    kerf_simulation *untouched = NULL;
    const kerf_simulate_options options = {.step_s = 1e-6};
    kerf_error err = {0};
    assert_int_equal(kerf_simulate(scenario, &options, &untouched, &err), KERF_E_INVALID);
    assert_null(untouched);
    assert_non_null(strstr(err.message, "longer"));
    kerf_scenario_destroy(&scenario);
}

static void test_words(void **state)
{
    (void)state;
    kerf_scenario *scenario = NULL;
    kerf_simulation *s = simulate_text(text, &scenario);
    char words[400];
    const size_t length = kerf_scenario_group_words(scenario, 0, words, sizeof words);
    assert_int_equal(length, strlen(words));
    assert_non_null(strstr(words, "1 board (jetson-tx2) runs resnet18; a frame every 1 s"));
    assert_non_null(strstr(words, "given up after 40 ms and finished on the board"));
    assert_true(kerf_scenario_link_words(scenario, 0, words, sizeof words) > 0);
    assert_non_null(strstr(words, "down at 1 listed time"));
    assert_true(kerf_scenario_server_words(scenario, 0, words, sizeof words) > 0);
    assert_non_null(strstr(words, "edge-gpu, 1 worker"));
    char few[8];
    memset(few, 'x', sizeof few);
    assert_int_equal(kerf_scenario_group_words(scenario, 0, few, sizeof few), 7);
    assert_string_equal(few, "1 board");
    assert_int_equal(kerf_scenario_group_words(scenario, 9, words, sizeof words), 0);
    assert_string_equal(words, "");
    kerf_simulation_destroy(&s);
    kerf_scenario_destroy(&scenario);
}

static kerf_status keep_series(void *context, kerf_error *err)
{
    const kerf_simulate_options options = {.step_s = 1, .threads = 1};
    kerf_simulation *s = NULL;
    kerf_status status = kerf_simulate(context, &options, &s, err);
    if (status == KERF_OK && !kerf_simulation_group_steps(s, 0, 1))
        status = torture_wrong(err, "there are no figures over time");
    kerf_simulation_destroy(&s);
    return status;
}

static void test_no_memory(void **state)
{
    (void)state;
    kerf_scenario *scenario = NULL;
    kerf_simulation *s = simulate_text(text, &scenario);
    kerf_simulation_destroy(&s);
    if (torture_available())
        assert_true(torture_run(keep_series, scenario) > 20);
    kerf_scenario_destroy(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_none_and_out_of_range),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
