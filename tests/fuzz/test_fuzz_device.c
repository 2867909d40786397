/* Corrupted device files and measured profiles: each is either read into figures that can be priced
 * with, or refused in one line. KERF_SEED repeats a run. */
#include "kerf/device.h"
#include "tests/support/mutate.h"
#include "tests/support/net_builder.h"
#include "tests/support/text_file.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 32768 };

static const char *const tokens[] = {"\"",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "null",
                                     "-1",
                                     "0",
                                     "1e999",
                                     "\\u0000",
                                     "\\n",
                                     "NaN",
                                     "{}",
                                     "[]",
                                     "\"\"",
                                     "\"0 s\"",
                                     "\"1 W\"",
                                     "\"sum\"",
                                     "\"max\"",
                                     "\"power\"",
                                     "\"classes\"",
                                     "\"floor\"",
                                     "\"default\"",
                                     "\"modes\":",
                                     "\"any\"",
                                     "\"1e300 s/MAC\"",
                                     "\"1e-320 s\"",
                                     "ps/MAC",
                                     "\"latency\"",
                                     "\"operators\"",
                                     "\"groups\"",
                                     "\"conv\"",
                                     NULL};

static const char profile_text[] =
    "{\"format\": \"kerf-profile/1\", \"network\": \"toy\", \"source\": \"a bench\", \"operators\":"
    " {\"conv\": {\"latency\": \"3.1 ms\", \"energy\": \"23 mJ\"}, \"relu\": {\"energy\": \"0 J\"},"
    " \"pool\": {\"latency\": \"5 us\"}}, \"groups\": [{\"operators\": [\"conv\", \"relu\", "
    "\"pool\"],"
    " \"latency\": \"4 ms\"}, {\"operators\": [\"relu\"], \"energy\": \"1 mJ\"}]}";

static kerf_network *toy(void)
{
    kerf_network *net = nb_network("toy");
    size_t tensor = nb_input(net, "x", 400);
    tensor = nb_operator(net, "conv", KERF_CLASS_CONV, 1000, 40, 10, 1, &tensor, 400);
    tensor = nb_operator(net, "relu", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 1, &tensor, 400);
    tensor = nb_operator(net, "pool", KERF_CLASS_POOL, 0, 0, 0, 1, &tensor, 100);
    nb_output(net, tensor);
    nb_group(net, 2, (size_t[]){0, 1});
    nb_finish(net);
    return net;
}

static int rounds(void)
{
    return getenv("KERF_TEST_FULL") ? 2000 : 300;
}

static void check_refusal(kerf_status status, const kerf_error *err, const char *what, int round)
{
    bool good = status == err->code && err->message[0] && err->source[0] &&
                !strpbrk(err->message, "\n\r") && !strpbrk(err->where, "\n\r") &&
                (status == KERF_E_SYNTAX || status == KERF_E_INVALID);
    if (!good)
        fail_msg("%s, round %d: %s: %s: %s: %s", what, round, kerf_status_name(status), err->source,
                 err->where, err->message);
}

static void check_costs(const kerf_network *net, const kerf_power_mode *mode,
                        const kerf_profile *profile)
{
    kerf_pricer *pricer = NULL;
    assert_int_equal(kerf_pricer_create(net, mode, profile, &pricer, NULL), KERF_OK);
    for (size_t g = 0; g < net->n_groups; g++) {
        kerf_cost cost = kerf_price_part(pricer, g, 0, net->groups[g].n_operators);
        assert_true(cost.latency_s >= 0 && cost.energy_J >= 0);
    }
    kerf_pricer_destroy(&pricer);
}

static bool check_device(const kerf_network *net, const char *what, int round)
{
    kerf_device *device = NULL;
    kerf_error err;
    kerf_status status = kerf_device_load(text_file_path(), &device, &err);
    if (status != KERF_OK) {
        assert_null(device);
        check_refusal(status, &err, what, round);
        return false;
    }
    assert_true(device->n_modes > 0 && device->default_mode < device->n_modes);
    assert_true(device->provenance && device->fit && device->assumptions);
    for (size_t i = 0; i < device->n_modes; i++)
        check_costs(net, &device->modes[i], NULL);
    kerf_device_destroy(&device);
    return true;
}

static void corrupted_devices(void **state)
{
    (void)state;
    glob_t found;
    rng r = {rng_seed(20240917)};
    int accepted = 0, total = 0;
    kerf_network *net = toy();
    assert_int_equal(glob("configs/*e[rv][vi]*/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        static char original[MAX_SIZE], data[MAX_SIZE];
        size_t size = text_file_read(found.gl_pathv[i], original, MAX_SIZE);
        for (int round = 0; round < rounds(); round++) {
            memcpy(data, original, size);
            text_file_write_bytes(data, mutate(&r, data, size, sizeof data, tokens));
            accepted += check_device(net, found.gl_pathv[i], round);
            total++;
        }
    }
    globfree(&found);
    kerf_network_destroy(&net);
    print_message("# %d of %d accepted\n", accepted, total);
    assert_true(accepted > 0 && accepted < total);
}

static void corrupted_profiles(void **state)
{
    (void)state;
    rng r = {rng_seed(20240917)};
    kerf_network *net = toy();
    kerf_power_mode mode = {.name = (char *)"test", .s_per_byte = 1e-9, .J_per_byte = 1e-9};
    int accepted = 0;
    for (int round = 0; round < 5 * rounds(); round++) {
        char data[1024];
        kerf_profile *profile = NULL;
        kerf_error err;
        memcpy(data, profile_text, sizeof profile_text - 1);
        text_file_write_bytes(data, mutate(&r, data, sizeof profile_text - 1, sizeof data, tokens));
        kerf_status status = kerf_profile_load(text_file_path(), net, &profile, &err);
        if (status != KERF_OK) {
            assert_null(profile);
            check_refusal(status, &err, "profile", round);
            continue;
        }
        check_costs(net, &mode, profile);
        kerf_profile_destroy(&profile);
        accepted++;
    }
    kerf_network_destroy(&net);
    print_message("# %d of %d accepted\n", accepted, 5 * rounds());
    assert_true(accepted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrupted_devices),
        cmocka_unit_test(corrupted_profiles),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
