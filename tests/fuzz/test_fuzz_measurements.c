/* Corrupted tables of measurements: each is either read into figures that can be fitted, or refused
 * in one line. KERF_SEED repeats a run. */
#include "kerf/calibrate.h"
#include "tests/support/mutate.h"
#include "tests/support/text_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 8192 };

static const char *const tokens[] = {"\"",         "{",        "}",          "[",      "]",
                                     ",",          ":",        "\n",         "\r\n",   "#",
                                     "null",       "-1",       "0",          "1e999",  "nan",
                                     "\"\"",       "\"0 s\"",  "\"1 J\"",    "1e18",   "1048576",
                                     "depthwise",  "fc",       "\"layers\"", "groups", "\"count\"",
                                     "latency_us", "energy_J", "operators",  ";;",     NULL};

static const char json[] =
    "{\"format\": \"kerf-measurements/1\", \"source\": \"a bench\", \"measurements\": ["
    "{\"name\": \"part\", \"group\": \"a\", \"batch\": 2, \"latency\": \"3 ms\", \"energy\": \"7 "
    "mJ\", \"layers\": ["
    "{\"class\": \"conv\", \"input\": [4, 8, 6], \"output\": [6, 4, 3], \"kernel\": [3, 5],"
    " \"groups\": 2, \"count\": 3}]},"
    "{\"name\": \"b\", \"group\": \"b\", \"energy\": \"5 mJ\", \"latency\": \"3 ms\", \"layers\": ["
    "{\"class\": \"fc\", \"input\": [10, 1, 1], \"output\": [7, 1, 1], \"type\": \"float16\"}]},"
    "{\"name\": \"c\", \"group\": \"c\", \"energy\": \"5 mJ\", \"latency\": \"4 ms\", \"layers\": ["
    "{\"class\": \"pointwise\", \"macs\": 1e6, \"weight_bytes\": 8, \"read_bytes\": 16,"
    " \"write_bytes\": 32, \"kernels\": 5, \"steps\": 2.5}]},"
    "{\"group\": \"d\", \"energy\": \"6 mJ\", \"latency\": \"5 ms\", \"layers\": ["
    "{\"class\": \"conv\", \"macs\": 2e6, \"weight_bytes\": 8, \"read_bytes\": 16,"
    " \"write_bytes\": 32, \"kernels\": 5, \"steps\": 2.5}]}]}\n";

static const char csv[] = "# source: a bench\n"
                          "name,group,class,in_channels,in_h,in_w,out_channels,out_h,out_w,count,"
                          "latency_ms,energy\n"
                          "block,s1,pointwise,4,8,8,6,8,8,,1.5,\"3 mJ\"\r\n"
                          "block,s1,depthwise,6,8,8,6,8,8,3,,\n"
                          "\"one, \"\"two\"\"\",s2,fc,10,1,1,7,1,1,,0.25,1 mJ\n"
                          "three,s3,pool,4,2,2,4,1,1,,.5,1 mJ\n"
                          "four,s4,pool,4,2,2,4,1,1,9,.7,2 mJ\n";

static void check_table(const kerf_measurements *table)
{
    assert_true(table->n > 0 && table->source && table->path);
    for (size_t i = 0; i < table->n; i++) {
        const kerf_measurement *row = &table->rows[i];
        assert_true(row->name && row->group && row->family && row->board && row->power_mode);
        assert_true(row->batch >= 1 && row->calls >= 0);
        assert_true(row->latency_s > 0 || row->energy_J >= 0);
        assert_true(row->n_layers > 0 || row->network[0] != '\0');
        for (size_t k = 0; k < row->n_layers; k++) {
            const kerf_layer *layer = &row->layers[k];
            assert_true(layer->cls < KERF_CLASS_COUNT && layer->count >= 1);
            assert_true(layer->macs >= 0 && isfinite(layer->macs) && layer->steps >= 0);
            assert_true(isfinite(layer->read_bytes) && isfinite(layer->weight_bytes));
        }
    }
}

/* What is read is fitted, or refused. */
static bool check_fit(const kerf_measurements *table)
{
    kerf_calibration *calibration = NULL;
    kerf_error err;
    const kerf_calibrate_options options = {.bootstrap = 2};
    const kerf_status status = kerf_calibrate(&table, 1, &options, &calibration, &err);
    if (status != KERF_OK)
        assert_true(calibration == NULL && err.message[0] && !strpbrk(err.message, "\n\r"));
    for (size_t i = 0; calibration && i < calibration->n_coefficients; i++)
        assert_true(isfinite(calibration->coefficients[i].value));
    kerf_calibration_destroy(&calibration);
    return status == KERF_OK;
}

static void corrupted(const char *original, size_t size)
{
    rng r = {rng_seed(20261124)};
    const int rounds = getenv("KERF_TEST_FULL") ? 20000 : 2000;
    int accepted = 0, fitted = 0;
    for (int round = 0; round < rounds; round++) {
        static char data[MAX_SIZE];
        kerf_measurements *table = NULL;
        kerf_error err;
        memcpy(data, original, size);
        text_file_write_bytes(data, mutate(&r, data, size, sizeof data, tokens));
        const kerf_status status = kerf_measurements_load(text_file_path(), &table, &err);
        if (status == KERF_OK) {
            check_table(table);
            fitted += check_fit(table);
            accepted++;
        } else if (table || err.code != status || !err.message[0] || !err.source[0] ||
                   strpbrk(err.message, "\n\r")) {
            fail_msg("round %d: %s: %s: %s", round, err.source, err.where, err.message);
        }
        kerf_measurements_destroy(&table);
    }
    print_message("# %d of %d accepted, %d fitted\n", accepted, rounds, fitted);
    assert_true(accepted > 0 && accepted < rounds && fitted > 0);
}

static void corrupted_json(void **state)
{
    (void)state;
    corrupted(json, sizeof json - 1);
}

static void corrupted_csv(void **state)
{
    (void)state;
    corrupted(csv, sizeof csv - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrupted_json),
        cmocka_unit_test(corrupted_csv),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
