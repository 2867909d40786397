/* Measured profiles: what they hold, and what is refused, with its message. */
#include "kerf/device.h"
#include "tests/support/net_builder.h"
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

static const char good[] =
    "{\"format\": \"kerf-profile/1\", \"network\": \"toy\", \"source\": \"a bench\","
    " \"notes\": \"free\", \"operators\": {"
    "\"conv_1\": {\"latency\": \"3.1 ms\", \"energy\": \"23 mJ\"},"
    "\"conv_2\": {\"energy\": \"0 J\"}, \"relu\": {\"latency\": \"5 us\"}}}";

static kerf_network *toy(void)
{
    kerf_network *net = nb_network("toy");
    const char *names[] = {"conv_1", "conv_2", "conv_3", "relu", "classifier"};
    size_t tensor = nb_input(net, "x", 4);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        tensor = nb_operator(net, names[i], KERF_CLASS_CONV, 1, 4, 1, 1, &tensor, 4);
    nb_output(net, tensor);
    nb_finish(net);
    return net;
}

static void reads_figures(void **state)
{
    (void)state;
    kerf_network *net = toy();
    kerf_profile *profile = NULL;
    kerf_error err;
    text_file_write(good, NULL, NULL);
    assert_int_equal(kerf_profile_load(text_file_path(), net, &profile, &err), KERF_OK);
    assert_string_equal(profile->network, "toy");
    assert_string_equal(profile->source, "a bench");
    assert_int_equal(profile->n_operators, 3);
    assert_string_equal(profile->operators[0].name, "conv_1");
    assert_true(fabs(profile->operators[0].latency_s - 3.1e-3) < 1e-15);
    assert_true(fabs(profile->operators[0].energy_J - 23e-3) < 1e-15);
    assert_true(isnan(profile->operators[1].latency_s) && profile->operators[1].energy_J == 0);
    assert_true(isnan(profile->operators[2].energy_J));
    kerf_profile_destroy(&profile);
    assert_null(profile);
    kerf_profile_destroy(&profile);
    kerf_network_destroy(&net);
}

static void another_networks_name_is_fine(void **state)
{
    (void)state;
    kerf_network *net = toy();
    kerf_profile *profile = NULL;
    text_file_write(good, "\"toy\"", "\"toy-of-last-year\"");
    assert_int_equal(kerf_profile_load(text_file_path(), net, &profile, NULL), KERF_OK);
    kerf_profile_destroy(&profile);
    kerf_network_destroy(&net);
}

static const struct {
    const char *find, *replace, *where, *message;
} bad[] = {
    {"\"conv_2\"", "\"conv2\"", "/operators/conv2",
     "network toy has no such operator, expected a name of its own such as \"conv_2\", \"conv_1\" "
     "or \"conv_3\""},
    {"\"relu\"", "\"clasifier\"", "/operators/clasifier", "such as \"classifier\""},
    {"{\"energy\": \"0 J\"}", "{}", "/operators/conv_2", "neither \"latency\" nor \"energy\""},
    {"{\"energy\": \"0 J\"}", "4", "/operators/conv_2", "object"},
    {"\"23 mJ\"", "\"23 ms\"", "/operators/conv_1/energy", "an energy"},
    {"\"23 mJ\"", "0.023", "/operators/conv_1/energy", "an energy"},
    {"\"5 us\"", "\"-5 us\"", "/operators/relu/latency", "is negative"},
    {"\"5 us\"", "\"inf\"", "/operators/relu/latency", "not a number"},
    {"\"energy\": \"23 mJ\"", "\"enrgy\": \"23 mJ\"", "/operators/conv_1/enrgy", "energy"},
    {" \"source\": \"a bench\",", "", "", "has no \"source\""},
    {"\"network\": \"toy\",", "", "", "has no \"network\""},
    {"\"source\"", "\"extra\": 1, \"source\"", "/extra", ""},
    {"kerf-profile/1", "kerf-device/1", "/format", "kerf-profile/1"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    kerf_network *net = toy();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kerf_profile *profile = NULL;
        kerf_error err;
        text_file_write(good, bad[i].find, bad[i].replace);
        kerf_status status = kerf_profile_load(text_file_path(), net, &profile, &err);
        if (status != KERF_E_INVALID || strcmp(err.where, bad[i].where) != 0 ||
            !strstr(err.message, bad[i].message))
            fail_msg("%s -> %s: status %d, \"%s\": \"%s\", expected \"%s\": \"%s\"", bad[i].find,
                     bad[i].replace, (int)status, err.where, err.message, bad[i].where,
                     bad[i].message);
        assert_null(profile);
    }
    kerf_network_destroy(&net);
}

static void an_operator_is_named_once(void **state)
{
    (void)state;
    kerf_network *net = toy();
    kerf_profile *profile = NULL;
    kerf_error err;
    text_file_write(good, "\"relu\"", "\"conv_1\"");
    assert_int_not_equal(kerf_profile_load(text_file_path(), net, &profile, &err), KERF_OK);
    assert_null(profile);
    assert_non_null(strstr(err.message, "conv_1"));
    kerf_network_destroy(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_figures),
        cmocka_unit_test(another_networks_name_is_fine),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(an_operator_is_named_once),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
