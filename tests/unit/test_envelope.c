/* The envelope's bound where lines are nearly the same: where they meet is then hardly known. */
#include "planner/solve/envelope.h"
#include "tests/support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { POINTS = 12 };

typedef struct cloud {
    double p[POINTS], q[POINTS];
    double steep, best;
    bool product;
} cloud;

static double value(void *context, double p, double q)
{
    const cloud *c = context;
    return c->product ? p * q : p + c->steep * log2(1 + q);
}

static kerf_status oracle(void *context, double a, double b, envelope_point *point, kerf_error *err)
{
    cloud *c = context;
    (void)err;
    point->bound = INFINITY;
    for (int i = 0; i < POINTS; i++) {
        c->best = fmin(c->best, value(c, c->p[i], c->q[i]));
        if (a * c->p[i] + b * c->q[i] < point->bound)
            *point = (envelope_point){c->p[i], c->q[i], a * c->p[i] + b * c->q[i]};
    }
    return KERF_OK;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* All of nearly the same value, close together or far apart. */
static void scatter(rng *r, cloud *c)
{
    const double off = rng_log(r, 1e-15, 1), spread = rng_log(r, 1e-8, 1), size = rng_log(r, 1, 10);
    c->product = rng_chance(r, 0.3);
    c->steep = rng_log(r, 0.01, 0.5);
    c->best = INFINITY;
    for (int i = 0; i < POINTS; i++) {
        c->q[i] = 0.3 + 0.7 * spread * rng_unit(r);
        c->p[i] = size * (1 + off * rng_unit(r));
        c->p[i] = c->product ? c->p[i] / c->q[i] : c->p[i] - c->steep * log2(1 + c->q[i]);
    }
}

static void test_nearly_alike(void **state)
{
    (void)state;
    rng r = {rng_seed(65)};
    for (int i = 0; i < 20000; i++) {
        cloud c;
        double bound = 0;
        scatter(&r, &c);
        const double least = c.steep / log(2) / 2, most = c.steep / log(2);
        envelope e = {oracle, value, never, &c, {1, least}, {1, most}, &c.best, 1e-11};
        if (c.product) {
            e.first[1] = 0;
            e.last[0] = 0;
        }
        assert_int_equal(envelope_minimise(&e, &bound, NULL), KERF_OK);
        assert_true(bound <= c.best * (1 + 1e-14));
        assert_true(bound >= c.best * (1 - 1e-7));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearly_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
