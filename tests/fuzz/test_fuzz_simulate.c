/* Corrupted scenarios and traces: each is refused in one line, or read; a scenario that is read can
 * be simulated, and every inference ends once. The corpus is configs/scenarios and one trace of
 * each format. KERF_SEED repeats a run. */
#include "net/trace.h"
#include "tests/support/mutate.h"
#include "tests/support/scenario.h"
#include "tests/support/text_file.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 16384 };

static const char *const json_tokens[] = {"\"",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "null",
                                          "true",
                                          "-1",
                                          "0",
                                          "1e999",
                                          "9e15",
                                          "\"0 s\"",
                                          "\"1 s\"",
                                          "\"1 h\"",
                                          "\"1 Mbit/s\"",
                                          "\"0 bit/s\"",
                                          "\"10 Hz\"",
                                          "\"1 GHz\"",
                                          "\"poisson\"",
                                          "\"bursts\"",
                                          "\"sharing\"",
                                          "\"policy\":",
                                          "\"uplink_trace\":",
                                          "\"points\":",
                                          "\"timeout\":",
                                          "\"queue\": 0",
                                          "\"count\": 3",
                                          "\"mtbf\":",
                                          "\"mttr\":",
                                          "\"warm\"",
                                          "\"new\"",
                                          "\"oracle\"",
                                          "\"fixed:3\"",
                                          "\"access_point\":",
                                          "\"batch\":",
                                          "\"load\": 0.9",
                                          NULL};
static const char *const trace_tokens[] = {"\n",
                                           "\r\n",
                                           " ",
                                           "\t",
                                           ",",
                                           ";",
                                           "#",
                                           "-",
                                           ".",
                                           "0",
                                           "1e9",
                                           "1e308",
                                           "nan",
                                           "sleep ",
                                           "rate ",
                                           "netem",
                                           "delay ",
                                           "mbps",
                                           "kibit",
                                           "time=",
                                           "icmp_seq=",
                                           " ms",
                                           "rtt:",
                                           "delivery_rate ",
                                           "{",
                                           "}",
                                           "\"sum\"",
                                           "cwnd:",
                                           "99999999999999999999",
                                           NULL};

static uint64_t seed;

static bool is_one_line(kerf_status status, const kerf_error *err)
{
    return status == err->code && err->message[0] && !strpbrk(err->message, "\n\r") &&
           !strpbrk(err->where, "\n\r");
}

/* --- scenarios --- */

static bool stop(void *context, double done)
{
    (void)context;
    (void)done;
    return false; /* a corrupted scenario may ask for more than there is time for */
}

static void simulate(const kerf_scenario *scenario, const char *what, uint64_t round)
{
    const kerf_scenario_summary d = kerf_scenario_describe(scenario);
    const kerf_simulate_options options = {
        .replications = 1, .threads = 1, .duration_s = d.warmup_s + 1, .progress = stop};
    kerf_simulation *s = NULL;
    kerf_error err = {0};
    if (d.devices > 400 || d.policies > 10)
        return;
    const kerf_status status = kerf_simulate(scenario, &options, &s, &err);
    if (status != KERF_OK) {
        if (!is_one_line(status, &err) || status == KERF_E_INTERNAL)
            fail_msg("seed %llu, %s, round %llu: %s", (unsigned long long)seed, what,
                     (unsigned long long)round, err.message);
        return;
    }
    const bool partial = kerf_simulation_describe(s).partial;
    for (size_t p = 0; p < d.policies; p++) {
        for (size_t g = 0; g < d.groups; g++) {
            const kerf_group_result *r = kerf_simulation_group(s, g, p);
            const uint64_t ended = r->done + r->missed + r->dropped;
            if (partial ? r->arrived < ended : r->arrived != ended)
                fail_msg("seed %llu, %s, round %llu: %llu arrived, %llu ended",
                         (unsigned long long)seed, what, (unsigned long long)round,
                         (unsigned long long)r->arrived, (unsigned long long)ended);
            if (ended > r->dropped && (!isfinite(r->energy_J.mean) || !isfinite(r->latency_s.mean)))
                fail_msg("seed %llu, %s, round %llu: %g J, %g s", (unsigned long long)seed, what,
                         (unsigned long long)round, r->energy_J.mean, r->latency_s.mean);
        }
    }
    kerf_simulation_destroy(&s);
}

static void parse_scenario(const char *data, size_t size, const char *what, uint64_t round,
                           size_t *accepted)
{
    const kerf_scenario_options options = {.find = scenario_find_bundled};
    kerf_scenario *scenario = NULL;
    kerf_error err = {0};
    const kerf_status status =
        kerf_scenario_parse(data, size, "fuzz.json", &options, &scenario, &err);
    if (status == KERF_OK) {
        ++*accepted;
        simulate(scenario, what, round);
    } else if (!is_one_line(status, &err) || scenario) {
        fail_msg("seed %llu, %s, round %llu: %s: %s", (unsigned long long)seed, what,
                 (unsigned long long)round, err.where, err.message);
    }
    kerf_scenario_destroy(&scenario);
}

static void test_scenarios(void **state)
{
    (void)state;
    glob_t found;
    const uint64_t rounds = getenv("KERF_TEST_FULL") ? 300 : 30;
    size_t accepted = 0, tried = 0;
    assert_int_equal(glob("configs/scenarios/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char original[MAX_SIZE], data[MAX_SIZE];
        const size_t size = text_file_read(found.gl_pathv[i], original, MAX_SIZE);
        rng r = {seed + i};
        for (uint64_t k = 0; k < rounds; k++, tried++) {
            memcpy(data, original, size);
            parse_scenario(data, mutate(&r, data, size, sizeof data, json_tokens),
                           found.gl_pathv[i], k, &accepted);
        }
    }
    globfree(&found);
    print_message("# %zu of %zu scenarios accepted\n", accepted, tried);
    assert_true(accepted > 0 && accepted < tried);
}

/* --- traces --- */

static const char *const traces[] = {
    "0 12.5\n1.5 3\n# a comment\n2 0.5\n7 0\n8 4\n",
    "0\n40\n100\n150\n200\n250\n333\n1000\n",
    "when;up;down\n4;2.5;9\n2;1.5;8\n3;3;7\n",
    "{\"intervals\": [{\"sum\": {\"start\": 0, \"end\": 1.01, \"bits_per_second\": 20e6}},"
    " {\"sum\": {\"start\": 1.01, \"end\": 2, \"bits_per_second\": 30e6, \"omitted\": false}}]}",
    "PING h\n64 bytes from h: icmp_seq=1 ttl=57 time=23.1 ms\n64 bytes: icmp_seq=3 time=40 ms\n",
    "\t cubic rtt:23.5/4.2 cwnd:10 send 4.9Mbps delivery_rate 3.2Mbps\n\t rtt:30/4 send 800Kbps\n",
    "tc qdisc add netem delay 20ms rate 10mbit\nsleep 5\ntc netem rate 1mbps delay 50ms\nsleep 2\n",
};

static void check_trace(const kerf_trace *t, const char *what, uint64_t round)
{
    bool good = t->n > 0 && isfinite(kerf_trace_mean(t)) && kerf_trace_mean(t) >= 0;
    const double period = kerf_trace_period(t);
    for (double at = 0; good && at < 3 * period; at += period * 0.37) {
        const double amount = 0.7 * t->sum[t->n], end = kerf_trace_reach(t, at, amount);
        good = kerf_trace_at(t, at) >= 0 && kerf_trace_next(t, at) > at && end >= at &&
               fabs(kerf_trace_integral(t, at, end) - amount) <= 1e-6 * amount;
    }
    if (!good)
        fail_msg("seed %llu, round %llu: a wrong trace from %s", (unsigned long long)seed,
                 (unsigned long long)round, what);
}

static void parse_trace(const char *text, size_t size, const kerf_trace_options *options,
                        const char *what, uint64_t round, size_t *accepted)
{
    /* Of its own size, so that a reader that goes beyond it is caught. */
    char *copy = malloc(size + 1);
    kerf_trace *trace = NULL;
    kerf_error err = {0};
    assert_non_null(copy);
    memcpy(copy, text, size);
    copy[size] = '\0';
    const kerf_status status = kerf_trace_parse(copy, size, "fuzz", options, &trace, &err);
    if (status == KERF_OK) {
        ++*accepted;
        check_trace(trace, what, round);
    } else if (!is_one_line(status, &err) || trace) {
        fail_msg("seed %llu, %s, round %llu: %s: %s", (unsigned long long)seed, what,
                 (unsigned long long)round, err.where, err.message);
    }
    kerf_trace_destroy(&trace);
    free(copy);
}

static void test_traces(void **state)
{
    (void)state;
    const uint64_t rounds = getenv("KERF_TEST_FULL") ? 10000 : 1000;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        size_t accepted = 0;
        rng r = {seed + 100 + i};
        for (uint64_t k = 0; k < rounds; k++) {
            char data[2048];
            const size_t size = strlen(traces[i]);
            const kerf_trace_options options = {.rtt = k % 3 == 0,
                                                .format =
                                                    (kerf_trace_format)(k % 16 < 8 ? 0 : k % 8),
                                                .step_s = k % 5 == 0 ? 0.25 : 0};
            memcpy(data, traces[i], size);
            parse_trace(data, mutate(&r, data, size, sizeof data, trace_tokens), &options,
                        traces[i], k, &accepted);
        }
        if (accepted == 0)
            fail_msg("nothing survives of %s", traces[i]);
    }
}

int main(void)
{
    seed = rng_seed(20251124);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenarios),
                                       cmocka_unit_test(test_traces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
