/* T(B) and J(B) of random links are non-decreasing and concave, and their slopes are their right
 * derivatives, up to rounding: what the solvers rely on. KERF_SEED repeats a run. */
#include "kerf/link.h"
#include "tests/support/random.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed;

/* Zero half of the time. */
static double maybe(rng *r, double low, double high)
{
    double value = rng_log(r, low, high);
    return rng_unit(r) < 0.5 ? value : 0;
}

static kerf_link random_link(rng *r)
{
    kerf_link link = {
        .rate_bps = {rng_log(r, 1, 1e13), rng_log(r, 1, 1e13)},
        .rtt_s = maybe(r, 1e-6, 3600),
        .loss = rng_unit(r) < 0.7 ? 0 : rng_log(r, 1e-9, 0.99),
        .mss_bytes = maybe(r, 64, 65535),
        .initial_window_bytes = maybe(r, 1, 1e8),
        .overhead = maybe(r, 1e-4, 1),
        .message_bytes = maybe(r, 1, 1e6),
        .connection = (kerf_connection)(int)(3 * rng_unit(r)),
        .active_W_per_bps = {maybe(r, 1e-10, 1e-6), maybe(r, 1e-10, 1e-6)},
        .active_W = {maybe(r, 1e-3, 10), maybe(r, 1e-3, 10)},
        .promotion_s = maybe(r, 0.1, 2),
        .switch_s = maybe(r, 0.1, 2),
        .tail_s = maybe(r, 0.1, 20),
        .gap_s = maybe(r, 0.1, 20),
    };
    assert_int_equal(kerf_link_check(&link, NULL), KERF_OK);
    return link;
}

/* Bytes to look at: of every magnitude, and often next to where slow start ends. */
static double random_bytes(rng *r, const kerf_link *link, kerf_direction direction)
{
    double bytes = rng_log(r, 1e-3, 1e15);
    double rate_Bps = kerf_link_effective_rate_bps(link, direction) / 8;
    double window = link->initial_window_bytes > 0 ? link->initial_window_bytes : 14480;
    double end = rate_Bps * link->rtt_s / log(2) - window - link->message_bytes;
    end /= 1 + link->overhead;
    if (rng_unit(r) < 0.5 || !(end > 1e-3))
        return bytes;
    return end * (1 + (rng_unit(r) - 0.5) * rng_log(r, 1e-16, 1));
}

typedef struct curve {
    double (*value)(const kerf_link *, kerf_direction, double);
    double (*slope)(const kerf_link *, kerf_direction, double);
    const char *name;
} curve;

static const curve curves[] = {
    {kerf_link_transfer_s, kerf_link_slope_s_per_byte, "T"},
    {kerf_link_transfer_J, kerf_link_slope_J_per_byte, "J"},
};

static void expect_at_most(double low, double high, double scale, const char *what, const curve *of,
                           const kerf_link *link, double a, double b)
{
    if (!(low <= high + 8 * DBL_EPSILON * scale))
        fail_msg("seed %llu: %s of %s: %.17g > %.17g between %.17g B and %.17g B at %g bit/s, "
                 "%g s, loss %g, connection %d",
                 (unsigned long long)seed, what, of->name, low, high, a, b, link->rate_bps[0],
                 link->rtt_s, link->loss, (int)link->connection);
}

static void check_pair(const curve *of, const kerf_link *link, kerf_direction direction, double a,
                       double b, double mix)
{
    double at_a = of->value(link, direction, a), at_b = of->value(link, direction, b);
    double slope_a = of->slope(link, direction, a), slope_b = of->slope(link, direction, b);
    assert_true(isfinite(at_b) && isfinite(slope_a) && slope_b >= 0);
    expect_at_most(at_a, at_b, at_b, "monotonicity", of, link, a, b);
    expect_at_most(slope_b, slope_a, slope_a, "slopes' order", of, link, a, b);
    /* The tangents at both ends lie above the curve. */
    double scale = at_b + slope_a * (b + link->message_bytes);
    expect_at_most(at_b, at_a + slope_a * (b - a), scale, "right tangent", of, link, a, b);
    expect_at_most(at_a, at_b - slope_b * (b - a), scale, "left tangent", of, link, a, b);
    double middle = a + mix * (b - a);
    expect_at_most(at_a + (middle - a) / (b - a) * (at_b - at_a),
                   of->value(link, direction, middle), scale, "chord", of, link, a, b);
}

/* Between a and b the mean slope lies between those at the ends; close together, that is the
 * derivative. */
static void check_derivative(const curve *of, const kerf_link *link, kerf_direction direction,
                             double a)
{
    double b = a * (1 + 1e-5);
    double at_a = of->value(link, direction, a), at_b = of->value(link, direction, b);
    double mean = (at_b - at_a) / (b - a), noise = 4 * DBL_EPSILON * at_b / (b - a);
    double slope_a = of->slope(link, direction, a), slope_b = of->slope(link, direction, b);
    assert_true(mean <= slope_a * (1 + 1e-9) + noise);
    assert_true(mean >= slope_b * (1 - 1e-9) - noise);
    assert_true(slope_b >= slope_a * (1 - 2e-5)); /* d log T' >= -d log S */
}

static void check_limit(const kerf_link *link, kerf_direction direction)
{
    double fixed = kerf_link_fixed_s(link, direction);
    assert_true(kerf_link_transfer_s(link, direction, 0) == 0);
    assert_true(fabs(kerf_link_transfer_s(link, direction, DBL_MIN) - fixed) < 1e-300);
    assert_true(kerf_link_slope_s_per_byte(link, direction, 0) ==
                kerf_link_slope_s_per_byte(link, direction, DBL_MIN));
    /* Nothing is faster than the bare bits. */
    double bytes = 1e6;
    assert_true(kerf_link_transfer_s(link, direction, bytes) >=
                kerf_link_occupancy_s(link, direction, bytes) * (1 - 1e-14));
}

static void test_random_links(void **state)
{
    (void)state;
    int links = getenv("KERF_TEST_FULL") ? 20000 : 2000;
    rng r = {seed};
    for (int i = 0; i < links; i++) {
        kerf_link link = random_link(&r);
        kerf_direction direction = rng_unit(&r) < 0.7 ? KERF_UPLINK : KERF_DOWNLINK;
        check_limit(&link, direction);
        for (int j = 0; j < 20; j++) {
            double a = random_bytes(&r, &link, direction);
            double b = random_bytes(&r, &link, direction);
            for (size_t k = 0; k < 2 && a != b; k++) {
                check_pair(&curves[k], &link, direction, fmin(a, b), fmax(a, b), rng_unit(&r));
                check_derivative(&curves[k], &link, direction, a);
            }
        }
    }
}

/* A faster or shorter path, or less loss, never makes a transfer slower. */
static void test_better_links(void **state)
{
    (void)state;
    rng r = {seed + 1};
    for (int i = 0; i < 5000; i++) {
        kerf_link link = random_link(&r), better = link;
        double bytes = random_bytes(&r, &link, KERF_UPLINK);
        double factor = rng_unit(&r);
        better.rate_bps[KERF_UPLINK] = fmin(1e13, link.rate_bps[KERF_UPLINK] * (1 + factor));
        better.loss *= factor;
        better.rtt_s *= factor;
        double slow = kerf_link_transfer_s(&link, KERF_UPLINK, bytes);
        assert_true(kerf_link_transfer_s(&better, KERF_UPLINK, bytes) <= slow * (1 + 1e-14));
        better = link;
        better.connection = KERF_CONNECTION_WARM;
        assert_true(kerf_link_transfer_s(&better, KERF_UPLINK, bytes) <= slow * (1 + 1e-14));
    }
}

int main(void)
{
    seed = rng_seed(20240611);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_links),
        cmocka_unit_test(test_better_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
