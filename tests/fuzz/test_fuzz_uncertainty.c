/* Corrupted texts and files of what is uncertain: each is either read into spreads that can be
 * drawn from, or refused in one line. KERF_SEED repeats a run. */
#include "kerf/robust.h"
#include "tests/support/mutate.h"
#include "tests/support/random_question.h"
#include "tests/support/text_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 2048 };

static const char *const texts[] = {
    "profile,conv=10%,rate=5..20 Mbit/s,rtt=1ms..30 ms",
    "latency/per_mac/conv+pointwise=20%,energy/launch=0.5..1.5,load=0..0.5",
    "server=50%..200%,device=30%,idle=1..2,radio=5%,uplink=1e6..4e7 bit/s",
};
static const char *const files[] = {
    "{\"format\": \"kerf-uncertainty/1\", \"profile\": true, \"spreads\": [{\"what\": \"rate\", "
    "\"relative\": 0.3, \"notes\": {}}, {\"what\": \"rtt\", \"interval\": [\"1 ms\", \"30 ms\"]}, "
    "{\"what\": \"load\", \"interval\": [0, 0.5]}, {\"what\": \"uplink\", \"trace\": \"none\", "
    "\"window\": \"1 s\"}]}",
    "{\"format\": \"kerf-uncertainty/1\", \"spreads\": [{\"what\": \"latency/per_byte\", "
    "\"interval\": [0.5, 2]}]}",
};
static const char *const tokens[] = {"=",
                                     ",",
                                     "..",
                                     "%",
                                     " ",
                                     "-1",
                                     "0",
                                     "1e999",
                                     "nan",
                                     "inf",
                                     "1e-400",
                                     "profile",
                                     "conv",
                                     "rate",
                                     "load",
                                     "rtt",
                                     "\"",
                                     "[",
                                     "]",
                                     "{",
                                     "}",
                                     ":",
                                     "null",
                                     "true",
                                     " s",
                                     " Mbit/s",
                                     "latency",
                                     "/per_mac",
                                     "+fc",
                                     "\\u0000",
                                     "\"what\":",
                                     "\"relative\":",
                                     "9e15",
                                     "\"trace\":",
                                     "..",
                                     "energy/",
                                     "\"interval\":",
                                     NULL};

/* What was read can be asked with; a question of its own may still refuse it. */
static void ask(const kerf_question *q, const kerf_spreads *spreads)
{
    kerf_robust *r = NULL;
    kerf_error err = {0};
    const kerf_robust_options o = {.aim = KERF_AIM_EXPECTED, .spreads = spreads, .samples = 3};
    const kerf_status status = kerf_robust_make(q, &o, &r, &err);
    if (status != KERF_OK && status != KERF_E_INVALID && status != KERF_E_INFEASIBLE)
        fail_msg("status %d: %s: %s", (int)status, err.where, err.message);
    if (status == KERF_OK) {
        const kerf_robust_figures *f = &r->rows[KERF_ROBUST_PLAN].figures;
        if (isnan(f->mean) || f->mean < 0)
            fail_msg("a mean of %g", f->mean);
    } else if (!*err.message || strchr(err.message, '\n')) {
        fail_msg("the message is '%s'", err.message);
    }
    kerf_robust_destroy(&r);
}

static void test_fuzz(void **state)
{
    (void)state;
    rng r = {rng_seed(31)};
    question_box box;
    char data[MAX_SIZE + 1];
    random_question(&r, 4, true, &box);
    const size_t rounds = getenv("KERF_TEST_FULL") ? 60000 : 4000;
    size_t read = 0;
    for (size_t i = 0; i < rounds; i++) {
        const bool is_file = rng_chance(&r, 0.4);
        const char *good = is_file ? files[rng_below(&r, 2)] : texts[rng_below(&r, 3)];
        kerf_spreads *spreads = NULL;
        kerf_error err = {0};
        memcpy(data, good, strlen(good));
        const size_t size = mutate(&r, data, strlen(good), MAX_SIZE, tokens);
        data[size] = '\0';
        kerf_status status;
        if (is_file) {
            text_file_write_bytes(data, size);
            status = kerf_spreads_load(text_file_path(), &spreads, &err);
        } else {
            status = kerf_spreads_parse(data, &spreads, &err);
        }
        if (status == KERF_OK) {
            read++;
            ask(&box.q, spreads);
        } else if (!*err.message || strchr(err.message, '\n') || spreads) {
            fail_msg("'%s': status %d, '%s'", data, (int)status, err.message);
        }
        kerf_spreads_destroy(&spreads);
    }
    assert_true(read > rounds / 100);
    question_box_clear(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fuzz)};
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
