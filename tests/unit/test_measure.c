/* Power integrated over time, runs summarised, logs of tegrastats, rails under a sysfs root. */
#include "kerf/measure.h"

#include "base/student.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void near(double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

/* --- integration --- */

static void integrates_by_trapezoids(void **state)
{
    (void)state;
    kerf_integral i = {0};
    kerf_energy e;
    kerf_integral_add(&i, 1, 2);
    kerf_integral_add(&i, 2, 4);
    kerf_integral_add(&i, 4, 4);
    kerf_integral_add(&i, 4, 100); /* no time has passed */
    kerf_integral_end(&i, 0, 5, &e);
    near(e.energy_J, 2 * 1 + 3 + 8 + 4 * 1, 1e-15);
    near(e.duration_s, 5, 1e-15);
    near(e.average_W, 17.0 / 5, 1e-15);
    assert_int_equal(e.samples, 3);
    near(e.period_s, 1.5, 1e-15);
    near(e.longest_s, 2, 1e-15);
    assert_true(e.least_W == 2 && e.most_W == 4);
    /* Over every other sample: (2 + 4) / 2 * 3 = 9, not 11; and half of 2 W for 2 s. */
    near(e.error_J, 2.0 / 3 + 2, 1e-15);
}

static void one_sample_is_no_energy(void **state)
{
    (void)state;
    kerf_integral i = {0};
    kerf_energy e;
    kerf_integral_end(&i, 0, 1, &e);
    assert_true(isnan(e.energy_J) && e.samples == 0);
    kerf_integral_add(&i, 0.5, 3);
    kerf_integral_end(&i, 0, 1, &e);
    assert_true(isnan(e.energy_J) && isnan(e.error_J) && e.samples == 1 && e.duration_s == 1);
}

/* P = 5 + 2 sin(7 t) from 0 to 3: the estimated error is the true one to a few per cent. */
static void estimates_its_error(void **state)
{
    (void)state;
    const double exact = 15 + 2.0 / 7 * (1 - cos(21));
    for (int n = 40; n <= 640; n *= 2) {
        kerf_integral i = {0};
        kerf_energy e;
        for (int k = 0; k <= n; k++) {
            const double t = 3.0 * k / n;
            kerf_integral_add(&i, t, 5 + 2 * sin(7 * t));
        }
        kerf_integral_end(&i, 0, 3, &e);
        near(e.error_J, fabs(e.energy_J - exact), 0.1);
    }
}

static void stays_exact_over_long_runs(void **state)
{
    (void)state;
    kerf_integral i = {0};
    kerf_energy e;
    const int n = 3600 * 100;
    for (int k = 0; k <= n; k++)
        kerf_integral_add(&i, 0.01 * k, 7.3);
    kerf_integral_end(&i, 0, 3600, &e);
    near(e.energy_J, 7.3 * 3600, 1e-10);
}

/* --- summaries --- */

static void knows_student(void **state)
{
    (void)state;
    /* Tables of the distribution, to their last digit. */
    const struct {
        double probability, degrees, t;
    } rows[] = {{0.975, 1, 12.7062047362}, {0.975, 2, 4.30265272975}, {0.975, 4, 2.7764451052},
                {0.975, 9, 2.26215716280}, {0.995, 4, 4.60409487135}, {0.95, 30, 1.69726088659},
                {0.975, 1e6, 1.959966357},  {0.9, 3, 1.63774435370}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        near(kerf_student_t(rows[i].probability, rows[i].degrees), rows[i].t, 1e-8);
}

static void summarises_runs(void **state)
{
    (void)state;
    const double values[] = {9, 10, 11, 10, 10};
    kerf_summary s;
    kerf_summarise(values, 5, &s);
    near(s.mean, 10, 1e-15);
    near(s.deviation, sqrt(0.5), 1e-15);
    near(s.confidence, 2.7764451052 * sqrt(0.5 / 5), 1e-9);
    kerf_summarise(values, 1, &s);
    assert_true(s.mean == 9 && isnan(s.deviation) && isnan(s.confidence));
}

/* --- logs of tegrastats --- */

#define OLD_LINE                                                                                   \
    "RAM 2045/7860MB (lfb 1024x4MB) SWAP 0/252 CPU [2%@345,off] EMC_FREQ 4%@665 "                  \
    "GR3D_FREQ 0%@114 PLL@37C VDD_IN 2345/2300 VDD_CPU 152/150\n"
#define NEW_LINE                                                                                   \
    "11-24-2026 10:00:01 RAM 5000/30536MB (lfb 2x4MB) CPU [1%@729] GR3D_FREQ 0% "                  \
    "VDD_GPU_SOC 3000mW/2971mW VDD_CPU_CV 1000mW/900mW VIN_SYS_5V0 4000mW/4000mW "                 \
    "VDDQ_VDD2_1V8AO 1091mW/1091mW\n"

static kerf_tegrastats *load(const char *text, double interval_s)
{
    kerf_tegrastats *log = NULL;
    kerf_error err;
    text_file_write(text, NULL, NULL);
    if (kerf_tegrastats_load(text_file_path(), interval_s, NULL, 0, &log, &err) != KERF_OK)
        fail_msg("%s: %s: %s", err.source, err.where, err.message);
    return log;
}

static void reads_old_logs(void **state)
{
    (void)state;
    kerf_tegrastats *log = load(OLD_LINE "no rails here\n" OLD_LINE, 0.5);
    kerf_energy e;
    assert_int_equal(log->rails->n, 2);
    assert_string_equal(log->rails->list[0].name, "VDD_IN");
    assert_true(log->rails->list[0].in_total && !log->rails->list[1].in_total);
    assert_int_equal(log->lines, 2);
    assert_int_equal(log->skipped, 1);
    kerf_integral_end(&log->total, log->total.first_s, log->total.last_s, &e);
    near(e.energy_J, 2.345 * 1.0, 1e-12); /* the line without rails took its time, too */
    kerf_tegrastats_destroy(&log);
    kerf_tegrastats_destroy(&log);
}

static void reads_new_logs(void **state)
{
    (void)state;
    kerf_tegrastats *log = load(NEW_LINE NEW_LINE NEW_LINE, 1);
    kerf_energy e;
    assert_int_equal(log->rails->n, 4);
    assert_false(log->rails->list[3].in_total); /* fed by one that counts */
    kerf_integral_end(&log->total, log->total.first_s, log->total.last_s, &e);
    near(e.energy_J, 8.0 * 2, 1e-12);
    kerf_tegrastats_destroy(&log);
}

static void refuses_bad_logs(void **state)
{
    (void)state;
    const struct {
        const char *text, *where, *message;
        kerf_status status;
    } cases[] = {
        {"", "", "no line with power rails", KERF_E_INVALID},
        {"RAM 1/2MB\nCPU [1%]\n", "", "no line with power rails", KERF_E_INVALID},
        {OLD_LINE NEW_LINE, "line 2", "has 4 rails, expected 2", KERF_E_INVALID},
        {OLD_LINE "VDD_IN 1/1 VDD_GPU 2/2\n", "line 2", "has a rail VDD_GPU, expected VDD_CPU",
         KERF_E_INVALID},
        {"VDD_IN 4294967295/1\n", "line 1", "at 4.29497e+06 W", KERF_E_INVALID},
        {"VDD_FOO 5/5 VDD_BAR 6/6\n", "board", "not known what adds up", KERF_E_INVALID},
        {"VDD_IN 99999999999999999999999/1\n", "", "no line with power rails", KERF_E_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kerf_tegrastats *log = NULL;
        kerf_error err;
        text_file_write(cases[i].text, NULL, NULL);
        assert_int_equal(kerf_tegrastats_load(text_file_path(), 1, NULL, 0, &log, &err),
                         cases[i].status);
        assert_null(log);
        assert_string_equal(err.source, text_file_path());
        assert_string_equal(err.where, cases[i].where);
        if (!strstr(err.message, cases[i].message))
            fail_msg("case %zu: %s", i, err.message);
    }
    text_file_write_bytes("VDD_IN 1/1\0\n", 12);
    kerf_tegrastats *log = NULL;
    assert_int_equal(kerf_tegrastats_load(text_file_path(), 1, NULL, 0, &log, NULL), KERF_E_SYNTAX);
    assert_int_equal(kerf_tegrastats_load(text_file_path(), 0, NULL, 0, &log, NULL),
                     KERF_E_INVALID);
    assert_int_equal(kerf_tegrastats_load("/nowhere", 1, NULL, 0, &log, NULL), KERF_E_IO);
}

static kerf_status load_log(void *context, kerf_error *err)
{
    kerf_tegrastats *log = NULL;
    const kerf_status status = kerf_tegrastats_load(context, 1, NULL, 0, &log, err);
    kerf_tegrastats_destroy(&log);
    return status;
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    if (!torture_available())
        skip();
    text_file_write(NEW_LINE NEW_LINE, NULL, NULL);
    char path[256];
    snprintf(path, sizeof path, "%s", text_file_path());
    torture_run(load_log, path);
}

static void names_the_places_looked_at(void **state)
{
    (void)state;
    kerf_rails *rails = NULL;
    kerf_error err;
    assert_int_equal(kerf_rails_find("/nowhere", &rails, &err), KERF_E_IO);
    assert_null(rails);
    assert_non_null(strstr(err.message, "/nowhere/bus/i2c/drivers/ina3221x"));
    assert_non_null(strstr(err.message, "/nowhere/bus/i2c/drivers/ina3221,"));
    assert_non_null(strstr(err.message, "/nowhere/class/hwmon"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(integrates_by_trapezoids),
                                       cmocka_unit_test(one_sample_is_no_energy),
                                       cmocka_unit_test(estimates_its_error),
                                       cmocka_unit_test(stays_exact_over_long_runs),
                                       cmocka_unit_test(knows_student),
                                       cmocka_unit_test(summarises_runs),
                                       cmocka_unit_test(reads_old_logs),
                                       cmocka_unit_test(reads_new_logs),
                                       cmocka_unit_test(refuses_bad_logs),
                                       cmocka_unit_test(survives_lack_of_memory),
                                       cmocka_unit_test(names_the_places_looked_at)};
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
