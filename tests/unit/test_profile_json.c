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

static const char grouped[] =
    "{\"format\": \"kerf-profile/1\", \"network\": \"toy\", \"source\": \"a bench\", \"groups\": ["
    "{\"operators\": [\"conv_1\", \"conv_2\", \"conv_3\"], \"latency\": \"7 ms\", \"notes\": "
    "\"free\"},"
    "{\"operators\": [\"conv_2\", \"conv_3\"], \"latency\": \"5 ms\", \"energy\": \"1 mJ\"},"
    "{\"operators\": [\"relu\"], \"energy\": \"2 mJ\"}]}";

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

struct refusal {
    const char *find, *replace, *where, *message;
};

static const struct refusal bad[] = {
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

static void reads_groups(void **state)
{
    (void)state;
    kerf_network *net = toy();
    kerf_profile *profile = NULL;
    kerf_error err;
    text_file_write(grouped, NULL, NULL);
    assert_int_equal(kerf_profile_load(text_file_path(), net, &profile, &err), KERF_OK);
    assert_int_equal(profile->n_operators, 0);
    assert_int_equal(profile->n_groups, 3);
    assert_int_equal(profile->groups[0].n_operators, 3);
    assert_string_equal(profile->groups[1].operators[1], "conv_3");
    assert_true(fabs(profile->groups[1].latency_s - 5e-3) < 1e-15);
    assert_true(isnan(profile->groups[0].energy_J) && isnan(profile->groups[2].latency_s));
    kerf_profile_destroy(&profile);
    kerf_network_destroy(&net);
}

static const struct refusal bad_groups[] = {
    {"\"relu\"", "\"rellu\"", "/groups/2/operators/0", "such as \"relu\""},
    {"[\"conv_2\", \"conv_3\"]", "[\"conv_2\", \"conv_2\"]", "/groups/1/operators/1", "twice"},
    {"[\"relu\"]", "[]", "/groups/2/operators", "names 0 operators"},
    {"[\"relu\"]", "[1]", "/groups/2/operators/0", "string"},
    {"[\"relu\"]", "\"relu\"", "/groups/2/operators", "array"},
    {"\"operators\": [\"relu\"], ", "", "/groups/2", "has no \"operators\""},
    {", \"energy\": \"2 mJ\"", "", "/groups/2", "neither \"latency\" nor \"energy\""},
    {"\"2 mJ\"", "\"-2 mJ\"", "/groups/2/energy", "is negative"},
    {"\"2 mJ\"", "\"2 ms\"", "/groups/2/energy", "an energy"},
    {"\"energy\": \"2 mJ\"", "\"power\": \"2 mJ\"", "/groups/2/power", ""},
    {"[\"relu\"]", "[\"relu\", \"conv_3\"]", "/groups/2",
     "shares the operator 'conv_3' with group 1"},
    {"[\"conv_2\", \"conv_3\"]", "[\"conv_2\", \"relu\"]", "/groups/1", "with group 0"},
    {"[\"conv_2\", \"conv_3\"]", "[\"conv_3\", \"conv_1\", \"conv_2\"]", "/groups/1",
     "shares the operator 'conv_3' with group 0"},
    {"\"groups\"", "\"grups\"", "", "has no \"operators\""},
};

static void check_refusals(const char *text, const struct refusal *cases, size_t n)
{
    kerf_network *net = toy();
    for (size_t i = 0; i < n; i++) {
        kerf_profile *profile = NULL;
        kerf_error err;
        text_file_write(text, cases[i].find, cases[i].replace);
        kerf_status status = kerf_profile_load(text_file_path(), net, &profile, &err);
        if (status != KERF_E_INVALID || strcmp(err.where, cases[i].where) != 0 ||
            !strstr(err.message, cases[i].message))
            fail_msg("%s -> %s: status %d, \"%s\": \"%s\", expected \"%s\": \"%s\"", cases[i].find,
                     cases[i].replace, (int)status, err.where, err.message, cases[i].where,
                     cases[i].message);
        assert_null(profile);
    }
    kerf_network_destroy(&net);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    check_refusals(good, bad, sizeof bad / sizeof *bad);
    check_refusals(grouped, bad_groups, sizeof bad_groups / sizeof *bad_groups);
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
        cmocka_unit_test(reads_groups),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(an_operator_is_named_once),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
