/* JSON text: numbers as printf has them, strings that any reader takes, commas where they belong.
 */
#include "base/json_write.h"
#include "base/real.h"
#include "tests/support/random.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;

/* What %.17g says, made a real as jansson does. */
static void expected_text(double value, char *text, size_t size)
{
    snprintf(text, size, "%.17g", value);
    if (!strpbrk(text, ".e"))
        strncat(text, ".0", size - strlen(text) - 1);
}

static void check_real(double value)
{
    char got[KERF_REAL_SIZE + 1], expected[64];
    got[kerf_write_real(value, got)] = '\0';
    expected_text(value, expected, sizeof expected);
    assert_string_equal(got, expected);
    assert_true(strtod(got, NULL) == value); /* to the last bit */
}

static void test_reals(void **state)
{
    (void)state;
    static const double chosen[] = {0,     -0.0,  1,      -1,      0.1,        0.5,    2.5,
                                    1e-4,  1e-5,  123456, 1e14,    999999999,  1e15,   1e16,
                                    1e17,  1e22,  1e-20,  9.9e-21, 5e-324,     1e308,  0.3,
                                    1e-19, 1e-10, 4.35,   0.00001, 0.00009999, 1 / 3., 2 / 3.};
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        check_real(chosen[i]);
        check_real(nextafter(chosen[i], INFINITY));
        check_real(nextafter(chosen[i], -INFINITY));
    }
    for (int power = -25; power < 20; power++) {
        const double ten = pow(10, power);
        check_real(ten);
        check_real(nextafter(ten, 0));
        check_real(nextafter(ten, INFINITY));
    }
}

static void test_random_reals(void **state)
{
    (void)state;
    rng r = {seed};
    const int rounds = getenv("KERF_TEST_FULL") ? 2000000 : 200000;
    for (int i = 0; i < rounds; i++) {
        check_real(rng_log(&r, 1e-22, 1e18) * (rng_chance(&r, 0.1) ? -1 : 1));
        /* Dyadic fractions: exact ties between two texts. */
        check_real((double)rng_below(&r, 1 << 30) / (double)((uint64_t)1 << rng_below(&r, 60)));
        const uint64_t bits = rng_next(&r);
        double any;
        memcpy(&any, &bits, sizeof any);
        if (isfinite(any))
            check_real(any);
    }
}

static void test_document(void **state)
{
    (void)state;
    kerf_writer w = {0};
    kw_begin(&w, '{');
    kw_put_number(&w, "a", 1.5);
    kw_put_number(&w, "nan", NAN);
    kw_put_begin(&w, "list", '[');
    kw_integer(&w, INT64_MIN);
    kw_bytes(&w, 4096);
    kw_bytes(&w, 0.25);
    kw_begin(&w, '[');
    kw_end(&w, ']');
    kw_begin(&w, '{');
    kw_end(&w, '}');
    kw_end(&w, ']');
    kw_put_bool(&w, "yes", true);
    kw_put_string(&w, "none", NULL);
    kw_key(&w, "value");
    kw_value(&w, "[1]", 3);
    kw_end(&w, '}');
    assert_true(kw_finish(&w));
    assert_string_equal(w.text, "{\"a\":1.5,\"nan\":null,\"list\":[-9223372036854775808,4096,0.25,"
                                "[],{}],\"yes\":true,\"none\":null,\"value\":[1]}");
    free(w.text);
}

static void check_string(const char *text, const char *read)
{
    kerf_writer w = {0};
    kw_string(&w, text);
    assert_true(kw_finish(&w));
    json_t *value = json_loads(w.text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_string_equal(json_string_value(value), read);
    json_decref(value);
    free(w.text);
}

static void test_strings(void **state)
{
    (void)state;
    static const char *const same[] = {"", "plain", "a\"b\\c/d", "\b\f\n\r\t\x01\x1f\x7f",
                                       "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        check_string(same[i], same[i]);
    check_string("a\xff\x62", "a\xef\xbf\xbd\x62");
    check_string("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
    check_string("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");                 /* cut off */
}

int main(void)
{
    seed = rng_seed(20261124);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_random_reals),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
