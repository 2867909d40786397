/* Quantities as people write them. */
#include "base/error.h"
#include "kerf/units.h"
#include "tests/support/random.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct good {
    const char *text;
    kerf_quantity kind;
    double value;
} good;

/* Decimal values have to be the nearest double, hence compared exactly. */
static const good good_rows[] = {
    {"50 ms", KERF_TIME, 0.05},
    {"50ms", KERF_TIME, 0.05},
    {"  1.5 s ", KERF_TIME, 1.5},
    {"3 us", KERF_TIME, 3e-6},
    {"3 \xc2\xb5s", KERF_TIME, 3e-6},
    {"3 \xce\xbcs", KERF_TIME, 3e-6},
    {"3 ns", KERF_TIME, 3e-9},
    {"2 min", KERF_TIME, 120},
    {"0.5 h", KERF_TIME, 1800},
    {"1e-3 s", KERF_TIME, 1e-3},
    {"1E3ms", KERF_TIME, 1},
    {".5 s", KERF_TIME, 0.5},
    {"5. s", KERF_TIME, 5},
    {"+5 s", KERF_TIME, 5},
    {"0", KERF_TIME, 0},
    {"0.0", KERF_RATE, 0},
    {"-0 s", KERF_TIME, 0},
    {"20 mJ", KERF_ENERGY, 0.02},
    {"0.138 nJ", KERF_ENERGY, 1.38e-10},
    {"2 kJ", KERF_ENERGY, 2000},
    {"1 Wh", KERF_ENERGY, 3600},
    {"1 mWh", KERF_ENERGY, 3.6},
    {"1.5 W", KERF_POWER, 1.5},
    {"750 mW", KERF_POWER, 0.75},
    {"1.5 MB", KERF_SIZE, 1.5e6},
    {"1.5MiB", KERF_SIZE, 1572864},
    {"1 KiB", KERF_SIZE, 1024},
    {"1 kB", KERF_SIZE, 1000},
    {"1 TB", KERF_SIZE, 1e12},
    {"1 TiB", KERF_SIZE, 1099511627776.0},
    {"12 Mbit", KERF_SIZE, 1.5e6},
    {"12 Mb", KERF_SIZE, 1.5e6},
    {"16 bits", KERF_SIZE, 2},
    {"7 bytes", KERF_SIZE, 7},
    {"7 byte", KERF_SIZE, 7},
    {"12 Mbit/s", KERF_RATE, 12e6},
    {"12Mbps", KERF_RATE, 12e6},
    {"12 Mb/s", KERF_RATE, 12e6},
    {"1.5 MB/s", KERF_RATE, 12e6},
    {"1.5 MBps", KERF_RATE, 12e6},
    {"1 Gbit/s", KERF_RATE, 1e9},
    {"1 Mibit/s", KERF_RATE, 1048576},
    {"0.2", KERF_FRACTION, 0.2},
    {"20%", KERF_FRACTION, 0.2},
    {"20 %", KERF_FRACTION, 0.2},
    {"100 %", KERF_FRACTION, 1},
    {"0.138 nJ/MAC", KERF_ENERGY_PER_MAC, 1.38e-10},
    {"138 pJ/MAC", KERF_ENERGY_PER_MAC, 1.38e-10},
    {"0.3 nJ/B", KERF_ENERGY_PER_BYTE, 3e-10},
    {"0.3 nJ/byte", KERF_ENERGY_PER_BYTE, 3e-10},
    {"1 J/GB", KERF_ENERGY_PER_BYTE, 1e-9},
    {"1 nJ/bit", KERF_ENERGY_PER_BYTE, 8e-9},
    {"3 ps/MAC", KERF_TIME_PER_MAC, 3e-12},
    {"3 ms/GMAC", KERF_TIME_PER_MAC, 3e-12},
    {"0.003 s/GMAC", KERF_TIME_PER_MAC, 3e-12},
    {"0.1 ns/B", KERF_TIME_PER_BYTE, 1e-10},
    {"4.8 mW/(Mbit/s)", KERF_POWER_PER_RATE, 4.8e-9},
    {"4.8 mW/Mbit/s", KERF_POWER_PER_RATE, 4.8e-9},
    {"4.8 mW/Mbps", KERF_POWER_PER_RATE, 4.8e-9},
    {"1 uJ/kernel", KERF_ENERGY_PER_KERNEL, 1e-6},
    {"1 us/kernel", KERF_TIME_PER_KERNEL, 1e-6},
    {"2.5 MHz", KERF_FREQUENCY, 2.5e6},
    {"1e-400 s", KERF_TIME, 0},
    {"1e300 ns", KERF_TIME, 1e291},
    {"1e310 ns", KERF_TIME, 1e301},
};

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_rows / sizeof good_rows[0]; i++) {
        const good *row = &good_rows[i];
        kerf_error err = {0};
        double value = -1;
        kerf_status status = kerf_parse_quantity(row->text, row->kind, &value, &err);
        if (status != KERF_OK || value != row->value)
            fail_msg("\"%s\": got %.17g, expected %.17g (%s)", row->text, value, row->value,
                     err.message);
    }
}

/* What a decimal comma in the program's locale must not change. */
static void ignores_the_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    (void)state;
    const char *set = NULL;
    for (size_t i = 0; i < 4 && set == NULL; i++)
        set = setlocale(LC_ALL, names[i]);
    if (set == NULL) {
        print_message("no locale with a decimal comma is installed\n");
        skip();
    }
    double value = 0;
    char text[64];
    kerf_status status = kerf_parse_quantity("1.5 s", KERF_TIME, &value, NULL);
    kerf_format_quantity(1.5, KERF_TIME, 3, text, sizeof text);
    setlocale(LC_ALL, "C");
    assert_int_equal(status, KERF_OK);
    assert_true(value == 1.5);
    assert_string_equal(text, "1.5 s");
}

typedef struct bad {
    const char *text;
    kerf_quantity kind;
    const char *message;
} bad;

#define TIME_EXPECTED ", expected a time such as \"50 ms\""
#define RATE_EXPECTED ", expected a rate such as \"12 Mbit/s\""
#define SIZE_EXPECTED ", expected a size such as \"1.5 MB\""

static const bad bad_rows[] = {
    {"", KERF_TIME, "\"\" is not a number with a unit" TIME_EXPECTED},
    {"ms", KERF_TIME, "\"ms\" is not a number with a unit" TIME_EXPECTED},
    {"nan s", KERF_TIME, "\"nan s\" is not a number with a unit" TIME_EXPECTED},
    {"inf s", KERF_TIME, "\"inf s\" is not a number with a unit" TIME_EXPECTED},
    {".", KERF_TIME, "\".\" is not a number with a unit" TIME_EXPECTED},
    {"1e999 s", KERF_TIME, "\"1e999 s\" is too large for a number" TIME_EXPECTED},
    {"1e99999999999 s", KERF_TIME, "\"1e99999999999 s\" is too large for a number" TIME_EXPECTED},
    {"1e308 h", KERF_TIME, "\"1e308 h\" is too large for a number" TIME_EXPECTED},
    {"-1 s", KERF_TIME, "\"-1 s\" is negative" TIME_EXPECTED},
    {"50", KERF_TIME, "\"50\" has no unit" TIME_EXPECTED},
    {"50 J", KERF_TIME, "\"50 J\" has a unit that does not fit here" TIME_EXPECTED},
    {"50 ks", KERF_TIME, "\"50 ks\" has a unit that does not fit here" TIME_EXPECTED},
    {"50 ms x", KERF_TIME, "\"50 ms x\" has a unit that does not fit here" TIME_EXPECTED},
    {"50 m s", KERF_TIME, "\"50 m s\" has a unit that does not fit here" TIME_EXPECTED},
    {"0 J", KERF_TIME, "\"0 J\" has a unit that does not fit here" TIME_EXPECTED},
    {"0x10 s", KERF_TIME, "\"0x10 s\" has a unit that does not fit here" TIME_EXPECTED},
    {"1.2.3 s", KERF_TIME, "\"1.2.3 s\" has a unit that does not fit here" TIME_EXPECTED},
    {"1,5 s", KERF_TIME,
     "\"1,5 s\" has a unit that does not fit here (decimals follow a point)" TIME_EXPECTED},
    {"12 Mbit", KERF_RATE, "\"12 Mbit\" has a unit that does not fit here" RATE_EXPECTED},
    {"12 mbit/s", KERF_RATE,
     "\"12 mbit/s\" has a unit that does not fit here (mega is M)" RATE_EXPECTED},
    {"12 MB/s/s", KERF_RATE, "\"12 MB/s/s\" has a unit that does not fit here" RATE_EXPECTED},
    {"5 KB", KERF_SIZE,
     "\"5 KB\" has a unit that does not fit here (k is 1000, Ki is 1024)" SIZE_EXPECTED},
    {"5 MB/s", KERF_SIZE, "\"5 MB/s\" has a unit that does not fit here" SIZE_EXPECTED},
    {"150 %", KERF_FRACTION,
     "\"150 %\" is above 1, expected a fraction such as \"0.2\" or \"20 %\""},
    {"1 nJ", KERF_ENERGY_PER_MAC,
     "\"1 nJ\" has a unit that does not fit here, expected an energy per MAC such as "
     "\"0.14 nJ/MAC\""},
    {"1 mW/(Mbit/s", KERF_POWER_PER_RATE,
     "\"1 mW/(Mbit/s\" has a unit that does not fit here, expected a power per rate such as "
     "\"4.8 mW/(Mbit/s)\""},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_rows / sizeof bad_rows[0]; i++) {
        const bad *row = &bad_rows[i];
        kerf_error err = {0};
        double value = 42;
        assert_int_equal(kerf_parse_quantity(row->text, row->kind, &value, &err), KERF_E_INVALID);
        assert_string_equal(err.message, row->message);
        assert_true(value == 42);
    }
    char digits[300];
    memset(digits, '1', sizeof digits);
    digits[298] = 's';
    digits[299] = '\0';
    double value = 42;
    assert_int_equal(kerf_parse_quantity(digits, KERF_TIME, &value, NULL), KERF_E_INVALID);
    assert_int_equal(kerf_parse_quantity(NULL, KERF_TIME, &value, NULL), KERF_E_INVALID);
}

static void formats(void **state)
{
    static const struct {
        double value;
        kerf_quantity kind;
        int digits;
        const char *text;
    } rows[] = {
        {3211264, KERF_SIZE, 3, "3.21 MB"},
        {12e6, KERF_RATE, 3, "12 Mbit/s"},
        {0, KERF_TIME, 3, "0 s"},
        {0.05, KERF_TIME, 3, "50 ms"},
        {999.6e-6, KERF_TIME, 3, "1 ms"},
        {999.4e-6, KERF_TIME, 3, "999 us"},
        {123.456, KERF_TIME, 2, "120 s"},
        {7200, KERF_TIME, 3, "7200 s"},
        {1e-9, KERF_TIME, 1, "1 ns"},
        {512, KERF_SIZE, 3, "512 B"},
        {0.2, KERF_FRACTION, 3, "20 %"},
        {0.0125, KERF_FRACTION, 3, "1.25 %"},
        {1.38e-10, KERF_ENERGY_PER_MAC, 3, "138 pJ/MAC"},
        {4.8e-9, KERF_POWER_PER_RATE, 3, "4.8 mW/(Mbit/s)"},
        {-0.25, KERF_ENERGY, 3, "-250 mJ"},
        {1e30, KERF_TIME, 3, "1e30 s"},
        {(double)NAN, KERF_TIME, 3, "nan s"},
        {(double)INFINITY, KERF_TIME, 3, "inf s"},
        {1.23456789012345678, KERF_TIME, 40, "1.2345678901234567 s"},
        {1.26, KERF_TIME, 0, "1 s"},
    };
    (void)state;
    char text[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(
            kerf_format_quantity(rows[i].value, rows[i].kind, rows[i].digits, text, sizeof text),
            rows[i].text);
    assert_string_equal(kerf_format_quantity(12, KERF_TIME, 3, text, 3), "12");
}

/* At 17 digits a double survives being written and read, whatever its size. */
static void parses_what_it_formats(void **state)
{
    (void)state;
    rng r = {1};
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = rng_next(&r);
        kerf_quantity kind = (kerf_quantity)((bits >> 60) % 13);
        double value = ldexp((double)(bits >> 11), (int)(bits % 120) - 110);
        if (kind == KERF_FRACTION)
            value = rng_unit(&r);
        char text[64];
        double back = -1;
        kerf_format_quantity(value, kind, 17, text, sizeof text);
        kerf_status status = kerf_parse_quantity(text, kind, &back, NULL);
        if (status != KERF_OK || back != value)
            fail_msg("%.17g was written \"%s\" and read %.17g", value, text, back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(ignores_the_locale),
        cmocka_unit_test(refuses),
        cmocka_unit_test(formats),
        cmocka_unit_test(parses_what_it_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
