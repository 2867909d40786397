/* Traces: their arithmetic by hand, readers of every format on small files written for it, and the
 * recorded ones of the reference data against their manifest. */
#include "net/trace.h"

#include "base/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "../shared/data/traces/"

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

/* --- arithmetic --- */

static kerf_trace *steps(void)
{
    static const double time_s[] = {5, 6, 8}, value[] = {100, 0, 50};
    kerf_trace *trace = NULL;
    assert_int_equal(kerf_trace_make(time_s, value, 3, 4, true, &trace, NULL), KERF_OK);
    return trace;
}

/* 100 bit/s for 1 s, nothing for 2 s, 50 bit/s for 1 s: 150 bits in 4 s. */
static void test_integral(void **state)
{
    (void)state;
    kerf_trace *t = steps();
    near(kerf_trace_period(t), 4);
    near(kerf_trace_mean(t), 37.5);
    near(kerf_trace_at(t, 0), 100);
    near(kerf_trace_at(t, 3), 50);
    near(kerf_trace_at(t, 4.5), 100);
    assert_true(kerf_trace_at(t, 1.5) == 0);
    near(kerf_trace_next(t, 0), 1);
    near(kerf_trace_next(t, 1), 3);
    near(kerf_trace_next(t, 403.5), 404);
    near(kerf_trace_integral(t, 0.5, 3.5), 75);
    near(kerf_trace_integral(t, 3.5, 4.5), 75);
    near(kerf_trace_integral(t, 0, 4000), 150000);
    assert_true(kerf_trace_integral(t, 1, 3) == 0);
    assert_true(kerf_trace_integral(t, 2, 1) == 0);
    kerf_trace_destroy(&t);
}

static void test_reach(void **state)
{
    (void)state;
    kerf_trace *t = steps();
    near(kerf_trace_reach(t, 0, 50), 0.5);
    near(kerf_trace_reach(t, 0, 100), 1);
    near(kerf_trace_reach(t, 0, 101), 3.02); /* after the gap */
    near(kerf_trace_reach(t, 1.5, 50), 4);   /* exactly the period's end */
    near(kerf_trace_reach(t, 3.5, 25), 4);
    near(kerf_trace_reach(t, 3.5, 26), 4.01);
    near(kerf_trace_reach(t, 0, 150), 4);
    near(kerf_trace_reach(t, 0, 15000), 400);
    near(kerf_trace_reach(t, 2, 15000 + 10), 403.2);
    kerf_trace_destroy(&t);
    static const double zero = 0, rate = 8;
    assert_int_equal(kerf_trace_make(&zero, &rate, 1, 0, true, &t, NULL), KERF_OK);
    near(kerf_trace_reach(t, 3, 16), 5);
    assert_true(isinf(kerf_trace_next(t, 3)));
    near(kerf_trace_integral(t, 1, 11), 80);
    kerf_trace_destroy(&t);
}

/* Going there and back: the integral up to where it reaches an amount is that amount. */
static void test_reach_inverts(void **state)
{
    (void)state;
    kerf_trace *t = steps();
    for (double from = 0; from < 9; from += 0.13) {
        for (double amount = 1; amount < 1000; amount *= 1.7) {
            const double end = kerf_trace_reach(t, from, amount);
            const double got = kerf_trace_integral(t, from, end);
            assert_true(fabs(got - amount) < 1e-9 * amount + 1e-9);
            assert_true(end >= from);
        }
    }
    kerf_trace_limit(t, 60);
    near(kerf_trace_mean(t), 27.5);
    kerf_trace_destroy(&t);
}

/* --- formats --- */

typedef struct format_case {
    const char *name, *text;
    kerf_trace_options options;
    size_t n;
    double period_s;
    double at[6]; /* pairs of a time and the value there; ends with a time of -1 */
} format_case;

static const format_case formats[] = {
    {"text",
     "0 12.5\n1.5\t3\n# a comment\n\n2 0.5\n",
     {0},
     3,
     2.5,
     {0, 12.5e6, 1.6, 3e6, 2.4, 0.5e6}},
    {"text that begins late, and a second told twice",
     "10 1\r\n11 2\r\n11 4\r\n12 5",
     {0},
     3,
     3,
     {0.5, 1e6, 1.5, 3e6, 2.5, 5e6}},
    {"text in kbit/s", "0 12\n2 8\n", {.unit = 1e3}, 2, 4, {0, 12e3, 3, 8e3, -1}},
    {"text of round-trip times", "0 20\n1 35.5\n", {.rtt = true}, 2, 2, {0, 0.02, 1, 0.0355, -1}},
    /* Bins of 100 ms: 0 to 100 ms holds 0, 40 and 100 (at its end), the next 150 and 200. */
    {"mahimahi",
     "0\n40\n100\n150\n200\n250\n",
     {0},
     3,
     0.25,
     {0.05, 3 * 12000 / 0.1, 0.15, 2 * 12000 / 0.1, 0.22, 12000 / 0.05}},
    {"mahimahi in wide bins",
     "0\n40\n100\n150\n200\n250\n",
     {.step_s = 1},
     1,
     0.25,
     {0, 6 * 12000 / 0.25, -1}},
    {"mahimahi with an empty bin",
     "10\n310\n",
     {0},
     4,
     0.31,
     {0.05, 120e3, 0.15, 0, 0.305, 12000 / 0.01}},
    {"csv by number", "1,500\n2,750\n", {.unit = 8}, 2, 2, {0, 4000, 1.5, 6000, -1}},
    {"csv by name, out of order",
     "when;\"up rate\";down\n4;2.5;9\n2;1.5;8\n3;3;7\n",
     {.format = KERF_TRACE_CSV, .column = "up rate", .time_column = "when"},
     3,
     3,
     {0, 1.5e6, 1, 3e6, 2, 2.5e6}},
    {"csv by step",
     "t,bps\nx,10\ny,30\n",
     {.format = KERF_TRACE_CSV, .column = "bps", .step_s = 2, .unit = 1},
     2,
     4,
     {1, 10, 3, 30, -1}},
    {"iperf3",
     "{\"start\": {}, \"intervals\": [{\"sum\": {\"start\": 0, \"end\": 1, \"bits_per_second\": "
     "9e9,"
     " \"omitted\": true}}, {\"sum\": {\"start\": 0, \"end\": 1.01, \"bits_per_second\": 20e6}},"
     " {\"sum\": {\"start\": 1.01, \"end\": 2, \"bits_per_second\": 30e6, \"omitted\": false}}],"
     " \"end\": {}}",
     {0},
     2,
     2,
     {0, 20e6, 1.5, 30e6, -1}},
    {"ping",
     "PING host (10.0.0.1) 56(84) bytes of data.\n"
     "64 bytes from host: icmp_seq=1 ttl=57 time=23.1 ms\n"
     "64 bytes from host: icmp_seq=3 ttl=57 time=40 ms\n\n--- host ping statistics ---\n"
     "3 packets transmitted, 2 received, 33% packet loss, time 2003ms\n"
     "rtt min/avg/max/mdev = 23.1/31.5/40/8 ms\n",
     {.rtt = true},
     2,
     4,
     {0, 0.0231, 1.5, 0.0231, 2, 0.04}},
    {"ping with the time of day",
     "[1700000000.5] 64 bytes from h: icmp_seq=1 ttl=5 time=2 ms\n"
     "[1700000000.75] 64 bytes from h: icmp_seq=2 ttl=5 time=4 ms\n",
     {.format = KERF_TRACE_PING, .rtt = true},
     2,
     0.5,
     {0, 0.002, 0.3, 0.004, -1}},
    {"ss: rates",
     "ESTAB 0 0 10.0.0.1:5599 10.0.0.2:4711\n"
     "\t cubic rtt:23.5/4.2 cwnd:10 mss:1448 send 4.9Mbps delivery_rate 3.2Mbps\n"
     "\t cubic rtt:30/4 cwnd:10 send 800Kbps pacing_rate 9Mbps\n",
     {0},
     2,
     2,
     {0, 3.2e6, 1, 800e3, -1}},
    {"ss: round-trip times",
     "\t cubic rtt:23.5/4.2 minrtt:20 cwnd:10\n\t cubic minrtt:20 rtt:30/4 cwnd:10\n",
     {.rtt = true, .step_s = 0.5},
     2,
     1,
     {0, 0.0235, 0.6, 0.03, -1}},
    {"netem, as a script",
     "#!/bin/sh\ntc qdisc add dev eth0 root netem delay 20ms rate 10mbit loss 1%\nsleep 5\n"
     "tc qdisc change dev eth0 root netem rate 1mbps delay 50ms 5ms\nsleep 2.5\n",
     {0},
     2,
     7.5,
     {0, 10e6, 6, 8e6, -1}},
    {"netem, as it is listed",
     "qdisc netem 8001: root refcnt 2 limit 1000 delay 10ms rate 512Kbit\n",
     {.rtt = true},
     1,
     1,
     {0, 0.02, -1}},
    {"netem in KiB", "qdisc netem 1: root rate 2kibit\n", {0}, 1, 1, {0, 2048, -1}},
};

static void test_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const format_case *c = &formats[i];
        char *text = strdup(c->text);
        kerf_trace *trace = NULL;
        kerf_error err = {0};
        if (kerf_trace_parse(text, strlen(text), "t", &c->options, &trace, &err) != KERF_OK)
            fail_msg("%s: %s: %s", c->name, err.where, err.message);
        if (trace->n != c->n || fabs(kerf_trace_period(trace) - c->period_s) > 1e-9)
            fail_msg("%s: %zu samples in %.17g s, expected %zu in %g s", c->name, trace->n,
                     kerf_trace_period(trace), c->n, c->period_s);
        for (size_t k = 0; k < 6 && c->at[k] >= 0; k += 2)
            if (fabs(kerf_trace_at(trace, c->at[k]) - c->at[k + 1]) > 1e-9 * c->at[k + 1])
                fail_msg("%s: %.17g at %g s, expected %g", c->name, kerf_trace_at(trace, c->at[k]),
                         c->at[k], c->at[k + 1]);
        kerf_trace_destroy(&trace);
        free(text);
    }
}

typedef struct bad_case {
    const char *text;
    kerf_trace_options options;
    const char *where, *message;
} bad_case;

static const bad_case bad[] = {
    {"", {0}, "", "has no sample"},
    {"# nothing\n", {0}, "", "has no sample"},
    {"0 1\n1 x\n", {0}, "2", "expected a time in seconds and a rate"},
    {"0 1\n1 2 3\n", {0}, "2", "expected a time"},
    {"1 1\n0 2\n", {0}, "2", "is before 1 s"},
    {"0 -1\n", {0}, "", "expected 0 to 10 Tbit/s"},
    {"0 1e99\n", {0}, "", "expected 0 to 10 Tbit/s"},
    {"0 nan\n", {0}, "1", "expected a time"},
    {"0 0x10\n", {0}, "1", "expected a time"},
    {"0 0\n1 0\n", {0}, "", "never has a rate"},
    {"0 0\n", {.rtt = true}, "", "round-trip time of 0"},
    {"5\n4\n", {0}, "2", "is before 5 ms"},
    {"5\n-4\n", {0}, "2", "whole number"},
    {"5\n6.5\n", {0}, "2", "whole number"},
    {"0\n0\n", {0}, "", "ends at 0 ms"},
    {"5\n6\n", {.format = KERF_TRACE_MAHIMAHI, .rtt = true}, "", "no round-trip times"},
    {"a,b\n1,2\n", {.format = KERF_TRACE_CSV, .column = "c"}, "1", "no column \"c\""},
    {"1,2\n2\n", {.format = KERF_TRACE_CSV}, "2", "column 2 is not a number"},
    {"x,2\nz,3\n", {.format = KERF_TRACE_CSV}, "1", "column 1 is not a time"},
    {"{\"error\": \"unable to connect\"}", {0}, "/error", "unable to connect"},
    {"{\"intervals\": []}", {0}, "", "has no sample"},
    {"{\"intervals\": [{\"sum\": {\"start\": 1, \"end\": 1, \"bits_per_second\": 2}}]}",
     {0},
     "/intervals/0/sum",
     "one after the other"},
    {"{\"intervals\": [{}]}", {0}, "/intervals/0", "sum"},
    {"{", {.format = KERF_TRACE_IPERF3}, "1:", ""},
    {"PING x\n", {.rtt = true}, "", "no reply"},
    {"PING x\n", {0}, "", "holds no rates"},
    {"64 bytes icmp_seq=1 time=x ms\n",
     {.format = KERF_TRACE_PING, .rtt = true},
     "1",
     "expected a reply"},
    {"cubic cwnd:10\n", {0}, "", "no line with"},
    {"cubic cwnd:10 delivery_rate 3parsec\n", {0}, "1", "expected such as Mbps"},
    {"netem rate 3parsec\n", {0}, "1", "expected such as mbit"},
    {"netem delay 3parsec\n", {.rtt = true}, "1", "expected such as ms"},
    {"sleep x\nnetem rate 1mbit\n", {0}, "1", "expected sleep and seconds"},
    {"netem loss 1%\n", {.rtt = true}, "", "no netem line with a delay"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const bad_case *c = &bad[i];
        char *text = strdup(c->text);
        kerf_trace *trace = NULL;
        kerf_error err = {0};
        if (kerf_trace_parse(text, strlen(text), "t", &c->options, &trace, &err) == KERF_OK)
            fail_msg("\"%s\" was read", c->text);
        if (strncmp(err.where, c->where, strlen(c->where)) != 0 ||
            (*c->where == '\0' && *err.where != '\0') || !strstr(err.message, c->message) ||
            strcmp(err.source, "t") != 0)
            fail_msg("\"%s\": %s: %s: %s; expected %s: %s", c->text, err.source, err.where,
                     err.message, c->where, c->message);
        assert_null(trace);
        free(text);
    }
}

/* --- recorded traces --- */

typedef struct recorded {
    const char *file;
    kerf_trace_options options;
    size_t n;
    double period_s, mean_mbps;
} recorded;

/* Of regular traces, rows, length and mean are the manifest's; of irregular ones its mean is that
 * of the rows, and here each counts for as long as it lasts. */
static const recorded traces[] = {
    {"lumos5g-sigcomm21/4g_trace_driving_60033_dr", {0}, 250, 250, 102.426},
    {"lumos5g-sigcomm21/5g_trace_116_walking", {0}, 799, 799, 384.862},
    {"lumos5g-sigcomm21/5g_trace_54_walking", {0}, 799, 799, 906.093},
    {"lumos5g-sigcomm21/4g_trace_walking_50190_a", {0}, 800, 800, 37.428},
    {"mahimahi/ATT-LTE-driving-2016.down", {0}, 1201, 120.002, 4.560},
    {"mahimahi/ATT-LTE-driving-2016.up", {0}, 1201, 120.002, 1.910},
    {"mahimahi/TMobile-LTE-short.up", {0}, 1400, 140, 13.318},
    {"mahimahi/Verizon-LTE-short.down", {0}, 1400, 140, 5.028},
    {"nyc-cellular/trace-2768760-taxi3", {0}, 1049, 104.814, 9.565},
    {"nyc-cellular/trace-3201711-timessquare", {0}, 1282, 128.118, 3.972},
    {"norway-fcc-puffer/fcc_trace_10322_http---edition.cnn.com", {0}, 301, 1505, 0.894},
    {"norway-fcc-puffer/norway_bus_1", {0}, 266, 155.85, 2.945},
    {"solis-wifi/wifi_restr_231115-132052.txt", {0}, 200, 199.99, 9.590},
    {"ucc-5g-2020/driving_B_2020.01.16_12.10.03.csv",
     {.column = "DL_bitrate", .step_s = 1, .unit = 1e3},
     384,
     384,
     120.781},
    {"ucc-5g-2020/static_B_2020.02.14_13.21.26.csv",
     {.column = "UL_bitrate", .step_s = 1, .unit = 1e3},
     1013,
     1013,
     0.174},
    {"witest-multipath/11_1_wifi.csv", {.unit = 8}, 100, 100, 44.115},
    {"sigcomm21-power-traces/mmwave_ul_walk_mi_0120_ul_udp_150_2.csv",
     {.column = "7"},
     1199,
     1200.52,
     24.167},
};

static void test_recorded(void **state)
{
    (void)state;
    FILE *there = fopen(FOLDER "MANIFEST.tsv", "r");
    if (!there) {
        print_message("%s is not there\n", FOLDER);
        skip();
    }
    fclose(there);
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        const recorded *c = &traces[i];
        char path[300];
        kerf_trace *trace = NULL;
        kerf_error err = {0};
        snprintf(path, sizeof path, FOLDER "%s", c->file);
        if (kerf_trace_load(path, &c->options, &trace, &err) != KERF_OK)
            fail_msg("%s: %s: %s", c->file, err.where, err.message);
        const double mean = 1e-6 * kerf_trace_mean(trace);
        const bool same = trace->n == c->n && fabs(kerf_trace_period(trace) - c->period_s) < 1e-2 &&
                          fabs(mean - c->mean_mbps) <= 1e-3 * c->mean_mbps + 5e-4;
        if (!same)
            fail_msg("%s: %zu samples in %.9g s, mean %.6g Mbit/s; expected %zu, %g s, %g Mbit/s",
                     c->file, trace->n, kerf_trace_period(trace), mean, c->n, c->period_s,
                     c->mean_mbps);
        kerf_trace_destroy(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integral),      cmocka_unit_test(test_reach),
        cmocka_unit_test(test_reach_inverts), cmocka_unit_test(test_formats),
        cmocka_unit_test(test_bad),           cmocka_unit_test(test_recorded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
