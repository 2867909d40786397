/* A link's times and energies against values worked by hand from docs/cost-model.md, section 3. */
#include "kerf/link.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const double LN2 = 0.69314718055994530942;

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance * fabs(expected)))
        fail_msg("%.17g, expected %.17g within %g", value, expected, tolerance);
}

/* 20 Mbit/s both ways, 40 ms: the example of Kurose and Ross's kind that the documents use. */
static kerf_link example(void)
{
    return (kerf_link){.rate_bps = {20e6, 20e6}, .rtt_s = 0.04};
}

static void test_cold_transfer(void **state)
{
    (void)state;
    kerf_link link = example();
    /* IW = 10 * 1448 B = 14480 B. S* = 2.5e6 * 0.04 / ln 2 - 14480 = 129789.504 B; it has left
     * after 0.04 * log2(144269.504 / 14480) = 132.667 ms; the rest at full rate, 8.084 ms. */
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 150e3), 0.02 + 0.132667 + 0.008084, 1e-5);
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 150e3), 0.161, 2e-3);
    /* One initial window takes one RTT, three take two, seven take three. */
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 14480), 0.02 + 0.04, 1e-14);
    near(kerf_link_transfer_s(&link, KERF_DOWNLINK, 3 * 14480), 0.02 + 0.08, 1e-14);
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 7 * 14480), 0.02 + 0.12, 1e-14);
    near(kerf_link_fixed_s(&link, KERF_UPLINK), 0.02, 1e-15);
    assert_true(kerf_link_transfer_s(&link, KERF_UPLINK, 0) == 0);
    assert_true(kerf_link_occupancy_s(&link, KERF_UPLINK, 0) == 0);
    near(kerf_link_occupancy_s(&link, KERF_UPLINK, 150e3), 0.06, 1e-14);
}

static void test_warm_transfer(void **state)
{
    (void)state;
    kerf_link link = example();
    link.connection = KERF_CONNECTION_WARM;
    link.promotion_s = 0.3; /* the radio is awake */
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 150e3), 0.08, 1e-14);
    near(kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 10), 4e-7, 1e-14);
}

static void test_new_connection(void **state)
{
    (void)state;
    kerf_link link = example();
    kerf_link cold = link;
    link.connection = KERF_CONNECTION_NEW;
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 1e4),
         0.04 + kerf_link_transfer_s(&cold, KERF_UPLINK, 1e4), 1e-14);
    /* The answer comes back over the connection that the request opened. */
    near(kerf_link_transfer_s(&link, KERF_DOWNLINK, 1e4),
         kerf_link_transfer_s(&cold, KERF_DOWNLINK, 1e4), 1e-14);
}

static void test_promotion_time(void **state)
{
    (void)state;
    kerf_link link = example();
    kerf_link plain = link;
    link.promotion_s = 0.33;
    link.switch_s = 1.7;
    link.tail_s = 10;
    near(kerf_link_fixed_s(&link, KERF_UPLINK), 0.33 + 1.7 + 0.02, 1e-14);
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 1e5),
         2.03 + kerf_link_transfer_s(&plain, KERF_UPLINK, 1e5), 1e-14);
    /* The uplink has woken the radio for the downlink. */
    near(kerf_link_fixed_s(&link, KERF_DOWNLINK), 0.02, 1e-14);
    link.gap_s = 10; /* not shorter than the tail */
    near(kerf_link_fixed_s(&link, KERF_UPLINK), 2.05, 1e-14);
    link.gap_s = 9.9;
    near(kerf_link_fixed_s(&link, KERF_UPLINK), 0.02, 1e-14);
}

static void test_slope(void **state)
{
    (void)state;
    kerf_link link = example();
    near(kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 0), 0.04 / (LN2 * 14480), 1e-14);
    near(kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 14480), 0.04 / (LN2 * 28960), 1e-14);
    near(kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 129790), 1 / 2.5e6, 1e-14);
    /* Where the initial window fills the path there is no slow start. */
    link.rate_bps[KERF_UPLINK] = 2e6; /* 14480 ln 2 / 0.04 s = 251 kB/s */
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 1e5), 0.02 + 0.4, 1e-14);
    near(kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 0), 4e-6, 1e-14);
}

static void test_initial_window(void **state)
{
    (void)state;
    /* RFC 6928: min(10 MSS, max(2 MSS, 14600 B)). */
    const double mss[] = {1448, 1460, 536, 4000, 8948},
                 window[] = {14480, 14600, 5360, 14600, 17896};
    for (size_t i = 0; i < sizeof mss / sizeof mss[0]; i++) {
        kerf_link link = example();
        link.rate_bps[KERF_UPLINK] = 1e12;
        link.mss_bytes = mss[i];
        near(kerf_link_transfer_s(&link, KERF_UPLINK, window[i]), 0.06, 1e-14);
        link.initial_window_bytes = 3 * window[i];
        near(kerf_link_transfer_s(&link, KERF_UPLINK, 3 * window[i]), 0.06, 1e-14);
    }
}

static void test_overhead_and_message(void **state)
{
    (void)state;
    kerf_link link = example();
    link.connection = KERF_CONNECTION_WARM;
    link.overhead = 0.05;
    link.message_bytes = 2500;
    link.active_W_per_bps[KERF_UPLINK] = 1e-8;
    link.active_W[KERF_UPLINK] = 2;
    near(kerf_link_fixed_s(&link, KERF_UPLINK), 0.02 + 0.001, 1e-14);
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 1e5), 0.02 + (1.05e5 + 2500) / 2.5e6, 1e-14);
    near(kerf_link_occupancy_s(&link, KERF_UPLINK, 1e5), (1.05e5 + 2500) / 2.5e6, 1e-14);
    near(kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 1), 1.05 / 2.5e6, 1e-14);
    near(kerf_link_transfer_J(&link, KERF_UPLINK, 1e5),
         1e-8 * 8 * 107500 + 2 * (0.02 + 107500 / 2.5e6), 1e-14);
    near(kerf_link_slope_J_per_byte(&link, KERF_UPLINK, 1), 1e-8 * 8 * 1.05 + 2 * 1.05 / 2.5e6,
         1e-14);
    assert_true(kerf_link_transfer_J(&link, KERF_UPLINK, 0) == 0);
}

static void test_no_propagation(void **state)
{
    (void)state;
    kerf_link link = example();
    link.rtt_s = 0;
    link.loss = 0.5;
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 2.5e6), 1, 1e-14);
    assert_true(kerf_link_fixed_s(&link, KERF_UPLINK) == 0);
    near(kerf_link_effective_rate_bps(&link, KERF_UPLINK), 20e6, 1e-15);
}

static void test_loss(void **state)
{
    (void)state;
    kerf_link link = example();
    near(kerf_link_effective_rate_bps(&link, KERF_UPLINK), 20e6, 1e-15);
    /* p = 1 %: f = sqrt(0.02 / 3) + 12 sqrt(0.03 / 8) (0.01 + 32e-6)
     *            = 0.08164966 + 0.73484692 * 0.010032 = 0.08902164;
     * X = 1448 / (0.04 * 0.08902164) = 406642.6 B/s. */
    link.loss = 0.01;
    near(kerf_link_effective_rate_bps(&link, KERF_UPLINK), 8 * 406642.6, 1e-6);
    near(kerf_link_occupancy_s(&link, KERF_UPLINK, 406642.6), 1, 1e-6);
    /* For few losses it is Mathis's rate to its leading term, MSS / (RTT sqrt(2p / 3)). */
    link.rate_bps[KERF_UPLINK] = 1e13;
    link.loss = 1e-8;
    near(kerf_link_effective_rate_bps(&link, KERF_UPLINK), 8 * 1448 / 0.04 * sqrt(1.5) / sqrt(1e-8),
         1e-6);
    /* A fast link: the rate is the lower of the two. */
    link.rate_bps[KERF_UPLINK] = 1e6;
    near(kerf_link_effective_rate_bps(&link, KERF_UPLINK), 1e6, 1e-15);
}

/* Huang et al.: LTE 438.39 mW/(Mbit/s) up, 51.97 down, 1288.04 mW. */
static void test_huang_energy(void **state)
{
    (void)state;
    kerf_link link = {
        .rate_bps = {5.85e6, 13.76e6},
        .rtt_s = 0.06,
        .connection = KERF_CONNECTION_WARM,
        .active_W_per_bps = {438.39e-9, 51.97e-9},
        .active_W = {1.28804, 1.28804},
        .tail_s = 11.576,
        .tail_W = 1.060,
    };
    /* 100 kB = 0.8 Mbit up: 0.350712 J for the bits; 0.03 + 0.8 / 5.85 = 0.166752 s. */
    near(kerf_link_transfer_J(&link, KERF_UPLINK, 1e5), 0.350712 + 1.28804 * 0.1667521, 1e-6);
    near(kerf_link_transfer_J(&link, KERF_DOWNLINK, 1e5),
         0.8 * 0.05197 + 1.28804 * (0.03 + 0.8 / 13.76), 1e-12);
    /* Sustained, that is the published power at the rate: 438.39 * 5.85 + 1288.04 = 3852.6 mW. */
    near(kerf_link_slope_J_per_byte(&link, KERF_UPLINK, 1e5) /
             kerf_link_slope_s_per_byte(&link, KERF_UPLINK, 1e5),
         3.8526215, 1e-9);
    near(kerf_link_fixed_J(&link), 11.576 * 1.060, 1e-12);
}

/* Narayanan et al.: 5G low band 29.15 r + 847 mW up, 13.52 r + 568 down. */
static void test_narayanan_energy(void **state)
{
    (void)state;
    kerf_link link = {
        .rate_bps = {57e6, 123e6},
        .rtt_s = 0.015,
        .active_W_per_bps = {29.15e-9, 13.52e-9},
        .active_W = {0.847, 0.568},
        .switch_s = 1.7,
        .switch_W = 0.799,
        .tail_s = 10.5,
        .tail_W = 0.249,
    };
    near(kerf_link_fixed_J(&link), 1.7 * 0.799 + 10.5 * 0.249, 1e-12);
    /* One window, 14480 B: one RTT and a half of it for propagation, without the switch. */
    near(kerf_link_transfer_J(&link, KERF_UPLINK, 14480), 29.15e-9 * 8 * 14480 + 0.847 * 0.0225,
         1e-12);
    near(kerf_link_transfer_s(&link, KERF_UPLINK, 14480), 1.7 + 0.0225, 1e-12);
    near(kerf_link_transfer_J(&link, KERF_DOWNLINK, 14480), 13.52e-9 * 8 * 14480 + 0.568 * 0.0225,
         1e-12);
}

static void test_fixed_energy(void **state)
{
    (void)state;
    kerf_link link = {
        .rate_bps = {1e7, 1e7},
        .promotion_s = 0.26,
        .promotion_W = 1.211,
        .switch_s = 0.5,
        .switch_W = 2,
        .tail_s = 10,
        .tail_W = 1,
    };
    double wake = 0.26 * 1.211 + 0.5 * 2;
    near(kerf_link_fixed_J(&link), wake + 10, 1e-14); /* a gap that is unknown */
    link.gap_s = 100;
    near(kerf_link_fixed_J(&link), wake + 10, 1e-14);
    link.gap_s = 10;
    near(kerf_link_fixed_J(&link), wake + 10, 1e-14);
    link.gap_s = 3;
    near(kerf_link_fixed_J(&link), 3, 1e-14);
    link.connection = KERF_CONNECTION_WARM;
    near(kerf_link_fixed_J(&link), 3, 1e-14);
    link.gap_s = 0;
    near(kerf_link_fixed_J(&link), 10, 1e-14);
    link.gap_s = 100;
    near(kerf_link_fixed_J(&link), 10, 1e-14);
    link.connection = KERF_CONNECTION_NEW;
    near(kerf_link_fixed_J(&link), wake + 10, 1e-14);
}

/* Each row breaks one field of a good link. */
static void test_check(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        double value;
        const char *where, *message;
    } bad[] = {
        {offsetof(kerf_link, rate_bps[0]), 0, "uplink",
         "is 0 bit/s, expected 1 bit/s to 10 Tbit/s"},
        {offsetof(kerf_link, rate_bps[1]), 1e14, "downlink", "is 100 Tbit/s"},
        {offsetof(kerf_link, rate_bps[1]), NAN, "downlink", "is nan"},
        {offsetof(kerf_link, rtt_s), -0.1, "rtt", "is -100 ms"},
        {offsetof(kerf_link, rtt_s), INFINITY, "rtt", "is inf"},
        {offsetof(kerf_link, loss), 1, "loss", "is 100 %, expected 0 % to less than 100 %"},
        {offsetof(kerf_link, mss_bytes), 0.5, "mss", "expected 1 B to 1 MB"},
        {offsetof(kerf_link, initial_window_bytes), 1e-300, "initial_window", ""},
        {offsetof(kerf_link, overhead), 1.5, "overhead", ""},
        {offsetof(kerf_link, message_bytes), -1, "message_bytes", ""},
        {offsetof(kerf_link, active_W_per_bps[0]), 1, "radio/uplink/slope", ""},
        {offsetof(kerf_link, active_W_per_bps[1]), -1, "radio/downlink/slope", ""},
        {offsetof(kerf_link, active_W[0]), -1, "radio/uplink/constant", ""},
        {offsetof(kerf_link, active_W[1]), 1e9, "radio/downlink/constant", ""},
        {offsetof(kerf_link, idle_W), -1, "radio/idle", ""},
        {offsetof(kerf_link, promotion_s), NAN, "radio/promotion/time", ""},
        {offsetof(kerf_link, promotion_W), -1, "radio/promotion/power", ""},
        {offsetof(kerf_link, switch_s), 1e4, "radio/switch/time", ""},
        {offsetof(kerf_link, switch_W), -1, "radio/switch/power", ""},
        {offsetof(kerf_link, tail_s), -1, "radio/tail/time", ""},
        {offsetof(kerf_link, tail_W), -1, "radio/tail/power", ""},
        {offsetof(kerf_link, gap_s), -1, "gap", ""},
    };
    kerf_link good = example();
    assert_int_equal(kerf_link_check(&good, NULL), KERF_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kerf_link link = example();
        memcpy((char *)&link + bad[i].offset, &bad[i].value, sizeof bad[i].value);
        kerf_error err;
        assert_int_equal(kerf_link_check(&link, &err), KERF_E_INVALID);
        assert_string_equal(err.where, bad[i].where);
        if (!strstr(err.message, bad[i].message) || !strstr(err.message, ", expected "))
            fail_msg("%s: %s", err.where, err.message);
    }
    good.connection = (kerf_connection)7;
    kerf_error err;
    assert_int_equal(kerf_link_check(&good, &err), KERF_E_INVALID);
    assert_string_equal(err.where, "connection");
}

/* --- other forms of slow start, written independently --- */

/* Kurose and Ross's stepped form: S/R + RTT/2 + the stalls of the windows that do not fill the
 * path. */
static double stepped_s(double bytes, double rate, double rtt, double window)
{
    double k = ceil(log2(bytes / window + 1)), q = floor(log2(rtt * rate / window)) + 1;
    double stalls = 0;
    for (int i = 0; i < (int)fmin(k - 1, q); i++)
        stalls += fmax(0, rtt - ldexp(window, i) / rate);
    return bytes / rate + rtt / 2 + stalls;
}

static void test_stepped_form(void **state)
{
    (void)state;
    /* K = 4, Q = 3: stalls of 34.208, 28.416 and 16.832 ms. */
    near(stepped_s(150e3, 2.5e6, 0.04, 14480), 0.06 + 0.02 + 0.034208 + 0.028416 + 0.016832, 1e-12);
    near(stepped_s(150e3, 2.5e6, 0.04, 14480), 0.160, 5e-3);
    for (double rate = 1e4; rate < 1e10; rate *= 1.7)
        for (double rtt = 1e-4; rtt < 1; rtt *= 1.9)
            for (double bytes = 100; bytes < 1e8; bytes *= 2.3) {
                kerf_link link = {.rate_bps = {8 * rate, 8 * rate}, .rtt_s = rtt};
                double fluid = kerf_link_transfer_s(&link, KERF_UPLINK, bytes);
                double stepped = stepped_s(bytes, rate, rtt, 14480);
                if (fabs(fluid - stepped) >= rtt)
                    fail_msg("%g B at %g B/s, %g s: fluid %g, stepped %g", bytes, rate, rtt, fluid,
                             stepped);
            }
}

/* A sender in slow start, packet by packet: a bottleneck that serialises at the link's rate with
 * an unbounded queue, half an RTT of propagation each way, and for every acknowledgement one more
 * packet in the window. Returns when the last packet arrives. */
static double simulated_s(size_t packets, double mss, double rate, double rtt, size_t window)
{
    enum { MAX = 20000 };
    static double acked[MAX];
    assert_true(packets <= MAX);
    double free_at = 0, arrived = 0;
    size_t acknowledged = 0;
    double now = 0;
    for (size_t i = 0; i < packets; i++) {
        /* Packet i may leave when i < acknowledged + window + acknowledged. */
        while (i >= window + 2 * acknowledged)
            now = acked[acknowledged++];
        free_at = fmax(free_at, now) + mss / rate;
        arrived = free_at + rtt / 2;
        acked[i] = arrived + rtt / 2;
    }
    return arrived;
}

static void test_packet_simulation(void **state)
{
    (void)state;
    near(simulated_s(10, 1448, 1e12, 0.04, 10), 0.02, 1e-6);
    near(simulated_s(11, 1448, 1e12, 0.04, 10), 0.06, 1e-6);
    near(simulated_s(31, 1448, 1e12, 0.04, 10), 0.10, 1e-6);
    for (double rate = 2e4; rate < 1e9; rate *= 1.9)
        for (double rtt = 1e-3; rtt < 0.5; rtt *= 2.1)
            for (double size = 1; size < 20000; size *= 2.7) {
                size_t packets = (size_t)size;
                kerf_link link = {.rate_bps = {8 * rate, 8 * rate}, .rtt_s = rtt};
                double bytes = 1448 * (double)packets;
                double fluid = kerf_link_transfer_s(&link, KERF_UPLINK, bytes);
                double packetwise = simulated_s(packets, 1448, rate, rtt, 10);
                if (fabs(fluid - packetwise) >= rtt)
                    fail_msg("%zu packets at %g B/s, %g s: fluid %g, simulated %g", packets, rate,
                             rtt, fluid, packetwise);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cold_transfer),
        cmocka_unit_test(test_warm_transfer),
        cmocka_unit_test(test_new_connection),
        cmocka_unit_test(test_promotion_time),
        cmocka_unit_test(test_slope),
        cmocka_unit_test(test_initial_window),
        cmocka_unit_test(test_overhead_and_message),
        cmocka_unit_test(test_no_propagation),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_huang_energy),
        cmocka_unit_test(test_narayanan_energy),
        cmocka_unit_test(test_fixed_energy),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_stepped_form),
        cmocka_unit_test(test_packet_simulation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
