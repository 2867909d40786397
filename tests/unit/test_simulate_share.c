/* Shared capacity and paths that change, against cases worked by hand. */
#include "planner/simulate/access.h"
#include "planner/simulate/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const sim_faults never = {NULL, 0, 0, 0};

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected) + 1e-15))
        fail_msg("%.17g, expected %.17g", value, expected);
}

/* --- max-min fair shares --- */

static void shares(double capacity, size_t n, const double *cap, const double *expected)
{
    double share[8];
    sim_share_out(capacity, cap, share, n);
    for (size_t i = 0; i < n; i++)
        near(share[i], expected[i]);
}

static void test_shares(void **state)
{
    (void)state;
    shares(12, 3, (double[]){2, 5, 9}, (double[]){2, 5, 5});
    shares(9, 3, (double[]){2, 5, 9}, (double[]){2, 3.5, 3.5});
    shares(30, 3, (double[]){2, 5, 9}, (double[]){2, 5, 9});
    shares(6, 3, (double[]){2, 5, 9}, (double[]){2, 2, 2});
    shares(3, 3, (double[]){2, 5, 9}, (double[]){1, 1, 1});
    shares(0, 2, (double[]){2, 5}, (double[]){0, 0});
    shares(10, 4, (double[]){0, 1, 4, 100}, (double[]){0, 1, 4, 5});
    shares(7, 1, (double[]){9}, (double[]){7});
}

static sim_air air_of(double rate_bps)
{
    sim_air air;
    sim_air_init(&air, rate_bps, NULL, &never, 1, 2);
    return air;
}

static sim_flow next_end(sim_air *air, double expected_s, uint32_t board)
{
    sim_flow flow = {.board = 99};
    near(sim_air_next(air), expected_s);
    assert_true(sim_air_turn(air, sim_air_next(air), &flow));
    assert_int_equal(flow.board, board);
    assert_false(sim_air_turn(air, expected_s, &(sim_flow){.board = 0}));
    return flow;
}

/* 10 bit/s. A (40 bits) from 0, B (20 bits) from 2: A alone does 20, then both do 5 a second; B
 * ends at 6, when A has none left either. */
static void test_two_flows(void **state)
{
    (void)state;
    sim_air air = air_of(10);
    assert_true(sim_air_add(&air, 0, 1, 60, 1e9));
    near(sim_air_next(&air), 6);
    assert_true(sim_air_add(&air, 2, 2, 20, 1e9));
    const sim_flow b = next_end(&air, 6, 2);
    assert_true(b.steady); /* its rate was 5 throughout */
    near(b.rate_bps, 5);
    const sim_flow a = next_end(&air, 8, 1); /* 20 + 20 done at 6, the rest at 10 a second */
    assert_false(a.steady);
    assert_true(isinf(sim_air_next(&air)));
    sim_air_clear(&air);
}

/* A's own link does 2 bit/s: B gets the other 8, and with C 4 each. */
static void test_caps(void **state)
{
    (void)state;
    sim_air air = air_of(10);
    assert_true(sim_air_add(&air, 0, 1, 20, 2));
    assert_true(sim_air_add(&air, 0, 2, 40, 100));
    near(sim_air_offer(&air, 0, 100), 4);
    near(sim_air_offer(&air, 0, 3), 3);
    near(sim_air_offer(&air, 0, 1), 1);
    assert_true(sim_air_add(&air, 1, 3, 16, 100));
    next_end(&air, 5, 3);                   /* 16 bits at 4 */
    near(sim_air_remove(&air, 5.5, 2), 12); /* 8 + 16 + 4 of 40 */
    near(sim_air_remove(&air, 5.5, 2), 0);  /* it is gone */
    const sim_flow a = next_end(&air, 10, 1);
    assert_true(a.steady);
    sim_air_clear(&air);
}

/* Nothing gets through while it is down, and then as before. */
static void test_outage(void **state)
{
    (void)state;
    double down[][2] = {{2, 5}};
    const sim_faults faults = {down, 1, 0, 0};
    sim_air air;
    sim_flow flow;
    sim_air_init(&air, 10, NULL, &faults, 1, 2);
    assert_true(sim_air_add(&air, 0, 1, 40, 1e9));
    near(sim_air_next(&air), 2);
    assert_false(sim_air_turn(&air, 2, &flow));
    near(sim_air_next(&air), 5);
    assert_true(sim_air_offer(&air, 3, 7) == 0);
    assert_false(sim_air_turn(&air, 5, &flow));
    next_end(&air, 7, 1);
    sim_air_clear(&air);
}

static void test_capacity_trace(void **state)
{
    (void)state;
    kerf_trace *trace = NULL;
    sim_air air;
    sim_flow flow;
    assert_int_equal(kerf_trace_make((double[]){0, 1}, (double[]){10, 4}, 2, 3, true, &trace, NULL),
                     KERF_OK);
    sim_air_init(&air, 6, trace, &never, 1, 2);
    assert_true(sim_air_add(&air, 0, 1, 16, 1e9));
    assert_true(sim_air_add(&air, 0, 2, 5, 1e9));
    /* 5 each in the first second, so that 2 ends at 1; 4 in the next two, and the last 3 at 10. */
    assert_true(sim_air_turn(&air, 1, &flow));
    assert_int_equal(flow.board, 2);
    assert_false(sim_air_turn(&air, 1, &flow));
    near(sim_air_next(&air), 3);
    assert_false(sim_air_turn(&air, 3, &flow));
    next_end(&air, 3.3, 1);
    sim_air_clear(&air);
    kerf_trace_destroy(&trace);
}

/* --- a path alone --- */

static kerf_link wire(double rtt_s)
{
    return (kerf_link){.rate_bps = {80, 80}, .rtt_s = rtt_s, .initial_window_bytes = 10};
}

static sim_transfer send(const sim_link *link, double begin, double bytes, bool cold, double limit)
{
    sim_path path = {.link = link, .key = 1, .who = 1};
    sim_transfer t;
    sim_down_begin(&link->faults, 1, 1, &path.down);
    sim_path_flow(&path, KERF_UPLINK, begin, bytes, cold, limit, &t);
    return t;
}

static void test_path(void **state)
{
    (void)state;
    kerf_trace *trace = NULL;
    kerf_link link = wire(0);
    sim_link own = {.link = &link};
    near(send(&own, 3, 50, true, INFINITY).end, 8); /* 10 B/s */
    near(send(&own, 3, 50, true, INFINITY).mean_bps, 80);
    assert_true(isinf(send(&own, 3, 50, false, 5).end));
    near(send(&own, 3, 50, false, 5).sent_bytes, 20);
    assert_int_equal(
        kerf_trace_make((double[]){0, 2}, (double[]){80, 160}, 2, 4, true, &trace, NULL), KERF_OK);
    own.trace[KERF_UPLINK] = trace;
    near(send(&own, 1, 50, false, INFINITY).end, 1 + 1 + 2); /* 10 + 40 */
    near(send(&own, 1, 50, false, INFINITY).mean_bps, 8 * 50 / 3.0);
    near(send(&own, 1, 50, false, 3).sent_bytes, 30);
    double down[][2] = {{2, 3}};
    own.faults = (sim_faults){down, 1, 0, 0};
    near(send(&own, 1, 50, false, INFINITY).end, 6); /* 10, 0, 20, 10, 10 */
    own.trace[KERF_UPLINK] = NULL;
    near(send(&own, 1, 50, false, INFINITY).end, 7);
    near(send(&own, 1, 50, false, INFINITY).mean_bps, 8 * 50 / 6.0);
    kerf_trace_destroy(&trace);
}

/* The window of 10 B doubles every second until it fills 80 B/s: the rate begins at 10 ln 2, and
 * t(S) = log2(1 + S / 10). At 80 ln 2 B/s that is after 3 s and 70 B. */
static void test_slow_start(void **state)
{
    (void)state;
    kerf_trace *trace = NULL;
    const double ln2 = 0.69314718055994530942;
    kerf_link link = wire(1);
    link.rate_bps[KERF_UPLINK] = 8 * 80 * ln2;
    sim_link own = {.link = &link};
    near(send(&own, 0, 30, true, INFINITY).end, 2);
    near(send(&own, 0, 70, true, INFINITY).end, 3);
    near(send(&own, 0, 70 + 80 * ln2, true, INFINITY).end, 4);
    near(send(&own, 0, 70, true, 2).sent_bytes, 30);
    /* A path that gets slower ends the slow start; one that gets faster again is followed. */
    assert_int_equal(kerf_trace_make((double[]){0, 1, 3}, (double[]){8 * 80 * ln2, 8 * 5, 8 * 40},
                                     3, 1000, true, &trace, NULL),
                     KERF_OK);
    own.trace[KERF_UPLINK] = trace;
    near(send(&own, 0, 10, true, INFINITY).end, 1);
    near(send(&own, 0, 20, true, INFINITY).end, 3);
    near(send(&own, 0, 60, true, INFINITY).end, 4);
    kerf_trace_destroy(&trace);
    own.trace[KERF_UPLINK] = NULL;
    /* After an outage of a retransmission timeout and more it begins anew. */
    double down[][2] = {{1, 3}};
    own.faults = (sim_faults){down, 1, 0, 0};
    near(send(&own, 0, 10 + 30, true, INFINITY).end, 5);
    double brief[][2] = {{1, 1.5}};
    own.faults = (sim_faults){brief, 1, 0, 0};
    near(send(&own, 0, 70, true, INFINITY).end, 3.5);
}

/* Times between failures and of repairs, and that a copy looks ahead without moving the first. */
static void test_faults(void **state)
{
    (void)state;
    const sim_faults faults = {NULL, 0, 10, 2};
    sim_down down;
    sim_mean up = {0}, repair = {0};
    double before = 0;
    sim_down_begin(&faults, 7, 3, &down);
    for (int i = 0; i < 20000; i++) {
        assert_true(down.from > before && down.to > down.from);
        sim_mean_add(&up, down.from - before);
        sim_mean_add(&repair, down.to - down.from);
        before = down.to;
        sim_down copy = down;
        sim_down_reach(&faults, 7, 3, before + 1000, &copy);
        assert_true(copy.to > before + 1000 && down.to == before);
        sim_down_step(&faults, 7, 3, &down);
    }
    assert_true(fabs(up.mean - 10) < 0.3 && fabs(repair.mean - 2) < 0.06);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),         cmocka_unit_test(test_two_flows),
        cmocka_unit_test(test_caps),           cmocka_unit_test(test_outage),
        cmocka_unit_test(test_capacity_trace), cmocka_unit_test(test_path),
        cmocka_unit_test(test_slow_start),     cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
