/* Small linear programs, with and without a solution. */
#include "base/lp.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9))
        fail_msg("%.17g, expected %.17g", value, expected);
}

/* minimise -3x - 5y, x <= 4, 2y <= 12, 3x + 2y <= 18: the textbook's optimum is 2, 6. */
static const double matrix[] = {1, 0, 0, 2, 3, 2};
static const double cost[] = {-3, -5};
static const double row_low[] = {-INFINITY, -INFINITY, -INFINITY};
static const double row_high[] = {4, 12, 18};
static const double low[] = {0, 0};
static const double high[] = {INFINITY, INFINITY};

static kerf_lp textbook(void)
{
    return (kerf_lp){.rows = 3,
                     .columns = 2,
                     .matrix = matrix,
                     .cost = cost,
                     .row_low = row_low,
                     .row_high = row_high,
                     .low = low,
                     .high = high};
}

static void solves_with_multipliers(void **state)
{
    (void)state;
    const kerf_lp lp = textbook();
    double x[2], multipliers[3];
    assert_int_equal(kerf_lp_solve(&lp, x, multipliers, NULL), KERF_OK);
    near(x[0], 2);
    near(x[1], 6);
    near(multipliers[0], 0);
    near(multipliers[1], -1.5);
    near(multipliers[2], -1);
    assert_int_equal(kerf_lp_solve(&lp, NULL, NULL, NULL), KERF_OK);
}

static void says_where_there_is_no_solution(void **state)
{
    (void)state;
    kerf_error err = {0};
    kerf_lp lp = textbook();
    const double above[] = {5, -INFINITY, -INFINITY}, most[] = {INFINITY, 12, 18};
    const double at_most[] = {4, INFINITY};
    lp.row_low = above;
    lp.row_high = most;
    lp.high = at_most;
    assert_int_equal(kerf_lp_solve(&lp, NULL, NULL, &err), KERF_E_INFEASIBLE);
    lp = textbook();
    lp.rows = 0; /* nothing bounds it */
    err = (kerf_error){0};
    assert_int_equal(kerf_lp_solve(&lp, NULL, NULL, &err), KERF_E_INTERNAL);
    lp.columns = 0;
    err = (kerf_error){0};
    assert_int_equal(kerf_lp_solve(&lp, NULL, NULL, &err), KERF_E_TOO_LARGE);
}

static kerf_status solve(void *context, kerf_error *err)
{
    const kerf_lp lp = textbook();
    double x[2] = {0, 0};
    (void)context;
    kerf_status status = kerf_lp_solve(&lp, x, NULL, err);
    if (status == KERF_OK && fabs(x[1] - 6) > 1e-9)
        status = torture_wrong(err, "the optimum is wrong");
    return status;
}

static void no_memory_is_reported(void **state)
{
    (void)state;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    assert_true(torture_run(solve, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solves_with_multipliers),
        cmocka_unit_test(says_where_there_is_no_solution),
        cmocka_unit_test(no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
