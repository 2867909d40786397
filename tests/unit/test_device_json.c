/* Device files: every field and form, and what is refused, with its message. */
#include "kerf/device.h"
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

#define LATENCY                                                                                    \
    "\"latency\": {\"form\": \"max\", \"per_mac\": {\"conv\": \"3 ps/MAC\", \"default\": \"4 "     \
    "ps/MAC\"}, \"per_byte\": \"0.02 ns/B\", \"launch\": \"30 us\", \"partition\": \"0.4 ms\"}"

static const char good[] =
    "{\"format\": \"kerf-device/1\", \"name\": \"toy\", \"description\": \"a toy\","
    " \"provenance\": \"made up\", \"fit\": \"none\", \"assumptions\": \"All of it.\","
    " \"memory\": \"8 GB\", \"unsupported\": [\"Resize\", \"my.domain::Op\"],"
    " \"default_mode\": \"fast\", \"notes\": {\"anything\": [1, null]},"
    " \"modes\": ["
    "{\"name\": \"slow\", \"basis\": \"half the clock.\", " LATENCY ","
    " \"energy\": {\"form\": \"classes\", \"per_mac\": {\"default\": \"50 pJ/MAC\","
    " \"depthwise\": \"0.8 nJ/MAC\"}, \"per_byte\": \"0.3 nJ/B\", \"launch\": \"0.2 mJ\","
    " \"partition\": \"2 mJ\"}, \"idle\": \"3 W\"},"
    "{\"name\": \"fast\", " LATENCY ","
    " \"energy\": {\"form\": \"power\", \"active\": \"10 W\"}, \"idle\": \"4 W\"},"
    "{\"name\": \"seed\", " LATENCY ","
    " \"energy\": {\"form\": \"mac-kernels\", \"per_mac\": {\"fc\": \"1 nJ/MAC\", \"default\":"
    " \"50 pJ/MAC\"}, \"per_kernel\": \"2 uJ/kernel\", \"kernel_quantum\": 8,"
    " \"per_byte\": \"0.3 nJ/B\"}, \"idle\": \"3 W\"},"
    "{\"name\": \"floor\", " LATENCY ","
    " \"energy\": {\"form\": \"floor\", \"per_mac\": {\"default\": \"50 pJ/MAC\"},"
    " \"per_byte\": \"0.3 nJ/B\", \"launch\": \"0 J\", \"partition\": \"0 J\","
    " \"floor\": \"0.5 mJ\", \"floor_exponent\": 6}, \"idle\": \"3 W\"}]}\n";

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static kerf_device *load(void)
{
    kerf_device *device = NULL;
    kerf_error err;
    if (kerf_device_load(text_file_path(), &device, &err) != KERF_OK)
        fail_msg("%s: %s: %s", err.source, err.where, err.message);
    return device;
}

static void reads_every_field(void **state)
{
    (void)state;
    text_file_write(good, NULL, NULL);
    kerf_device *device = load();
    assert_string_equal(device->name, "toy");
    assert_string_equal(device->description, "a toy");
    assert_string_equal(device->provenance, "made up");
    assert_string_equal(device->fit, "none");
    assert_string_equal(device->assumptions, "All of it. Mode slow: half the clock.");
    near(device->memory_bytes, 8e9);
    assert_int_equal(device->n_unsupported, 2);
    assert_false(kerf_device_supports(device, "Resize"));
    assert_false(kerf_device_supports(device, "my.domain::Op"));
    assert_true(kerf_device_supports(device, "Op"));
    assert_int_equal(device->n_modes, 4);
    assert_int_equal(device->default_mode, 1);
    assert_int_equal(kerf_device_find_mode(device, "seed"), 2);
    assert_true(kerf_device_find_mode(device, "any") == KERF_NONE);
    kerf_device_destroy(&device);
    assert_null(device);
    kerf_device_destroy(&device);
    kerf_device_destroy(NULL);
}

static void reads_every_form(void **state)
{
    (void)state;
    text_file_write(good, NULL, NULL);
    kerf_device *device = load();
    const kerf_power_mode *mode = &device->modes[0];
    assert_int_equal(mode->latency_form, KERF_LATENCY_MAX);
    near(mode->s_per_mac[KERF_CLASS_CONV], 3e-12);
    near(mode->s_per_mac[KERF_CLASS_RECURRENT], 4e-12); /* the default */
    near(mode->s_per_byte, 2e-11);
    near(mode->launch_s, 30e-6);
    near(mode->partition_s, 0.4e-3);
    assert_int_equal(mode->energy_form, KERF_ENERGY_CLASSES);
    near(mode->J_per_mac[KERF_CLASS_DEPTHWISE], 0.8e-9);
    near(mode->J_per_mac[KERF_CLASS_CONV], 50e-12);
    near(mode->J_per_byte, 0.3e-9);
    near(mode->launch_J, 0.2e-3);
    near(mode->partition_J, 2e-3);
    near(mode->idle_W, 3);
    mode = &device->modes[1];
    assert_int_equal(mode->energy_form, KERF_ENERGY_POWER);
    near(mode->active_W, 10);
    near(mode->partition_J, 10 * 0.4e-3); /* follows from the time */
    mode = &device->modes[2];
    assert_int_equal(mode->energy_form, KERF_ENERGY_MAC_KERNELS);
    near(mode->J_per_kernel, 2e-6);
    near(mode->kernel_quantum, 8);
    near(mode->J_per_mac[KERF_CLASS_FC], 1e-9);
    assert_true(mode->launch_J == 0 && mode->partition_J == 0);
    mode = &device->modes[3];
    assert_int_equal(mode->energy_form, KERF_ENERGY_FLOOR);
    near(mode->floor_J, 0.5e-3);
    near(mode->floor_exponent, 6);
    kerf_device_destroy(&device);
}

static void optional_fields_may_be_absent(void **state)
{
    (void)state;
    text_file_write(good,
                    " \"memory\": \"8 GB\", \"unsupported\": [\"Resize\", \"my.domain::Op\"],"
                    " \"default_mode\": \"fast\",",
                    "");
    kerf_device *device = load();
    assert_true(device->memory_bytes == 0);
    assert_int_equal(device->n_unsupported, 0);
    assert_int_equal(device->default_mode, 0); /* the first */
    kerf_device_destroy(&device);
}

static const struct {
    const char *find, *replace, *where, *message;
} bad[] = {
    {"\"name\": \"toy\", ", "", "", "has no \"name\""},
    {"\"toy\"", "\"\"", "/name", "is empty, expected a text"},
    {"\"toy\"", "\"a/b\"", "/name", "expected a plain name"},
    {"\"toy\"", "\"a b\"", "/name", "expected a plain name"},
    {"\"toy\"", "\"0123456789012345678901234567890123456789012345678901234567890123\"", "/name",
     "64 characters long, expected at most 63"},
    {"\"toy\"", "7", "/name", "string"},
    {" \"provenance\": \"made up\",", "", "", "has no \"provenance\""},
    {"\"fit\": \"none\"", "\"fit\": \"\"", "/fit", "is empty"},
    {"\"8 GB\"", "8", "/memory", "size"},
    {"\"8 GB\"", "\"8 W\"", "/memory", "size"},
    {"\"Resize\"", "3", "/unsupported/0", "string"},
    {"\"Resize\"", "\"\"", "/unsupported/0", "is empty, expected an operator type"},
    {"\"fast\", \"notes\"", "\"faster\", \"notes\"", "/default_mode",
     "\"faster\" is not a mode of this device"},
    {"\"name\": \"fast\"", "\"name\": \"slow\"", "/modes/1/name", "names two modes"},
    {"\"name\": \"seed\"", "\"name\": \"any\"", "/modes/2/name", "stands for every mode"},
    {"\"form\": \"max\"", "\"form\": \"mean\"", "/modes/0/latency/form",
     "\"mean\" is not a latency form, expected \"sum\" or \"max\""},
    {"\"classes\"", "\"clases\"", "/modes/0/energy/form",
     "is not an energy form, expected \"classes\", \"mac-kernels\", \"floor\" or \"power\""},
    {"\"3 ps/MAC\"", "\"3 ps\"", "/modes/0/latency/per_mac/conv", "a time per MAC"},
    {"\"3 ps/MAC\"", "\"-3 ps/MAC\"", "/modes/0/latency/per_mac/conv", "is negative"},
    {"\"3 ps/MAC\"", "\"1e400 s/MAC\"", "/modes/0/latency/per_mac/conv", "too large"},
    {"\"3 ps/MAC\"", "\"nan s/MAC\"", "/modes/0/latency/per_mac/conv", "not a number"},
    {"\"3 ps/MAC\"", "3e-12", "/modes/0/latency/per_mac/conv", "a time per MAC"},
    {"\"conv\"", "\"convolution\"", "/modes/0/latency/per_mac/convolution", ""},
    {"\"default\": \"50 pJ/MAC\", \"depthwise\"", "\"depthwise\"", "/modes/0/energy/per_mac",
     "has no \"conv\" and no \"default\""},
    {", \"per_byte\": \"0.02 ns/B\"", "", "/modes/0/latency", "has no \"per_byte\""},
    {"\"0.3 nJ/B\", \"launch\": \"0.2 mJ\", ", "\"0.3 nJ/B\", ", "/modes/0/energy",
     "has no \"launch\""},
    {"\"active\": \"10 W\"", "\"active\": \"10 W\", \"per_byte\": \"1 nJ/B\"",
     "/modes/1/energy/per_byte", ""},
    {"\"active\": \"10 W\"", "\"activ\": \"10 W\"", "/modes/1/energy", "has no \"active\""},
    {"\"per_kernel\": \"2 uJ/kernel\"", "\"per_kernel\": \"2 uJ\"", "/modes/2/energy/per_kernel",
     "an energy per kernel"},
    {"\"kernel_quantum\": 8", "\"kernel_quantum\": 0", "/modes/2/energy/kernel_quantum", "1024"},
    {"\"floor_exponent\": 6", "\"floor_exponent\": 0.5", "/modes/3/energy/floor_exponent", "64"},
    {", \"floor_exponent\": 6", "", "/modes/3/energy", "has no \"floor_exponent\""},
    {", \"idle\": \"4 W\"", "", "/modes/1", "has no \"idle\""},
    {"\"idle\": \"4 W\"", "\"idle\": \"4 J\"", "/modes/1/idle", "a power"},
    {"\"idle\": \"4 W\"", "\"idle\": \"4 W\", \"colour\": 1", "/modes/1/colour", ""},
    {"\"modes\"", "\"mode\": 1, \"modes\"", "/mode", ""},
    {"kerf-device/1", "kerf-device/2", "/format", "kerf-device/1"},
    {"kerf-device/1", "kerf-link/1", "/format", "kerf-device/1"},
};

static void bad_files_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kerf_device *device = NULL;
        kerf_error err;
        text_file_write(good, bad[i].find, bad[i].replace);
        kerf_status status = kerf_device_load(text_file_path(), &device, &err);
        if (status != KERF_E_INVALID || strcmp(err.where, bad[i].where) != 0 ||
            !strstr(err.message, bad[i].message) || err.message[0] == '\0')
            fail_msg("%s -> %s: status %d, \"%s\": \"%s\", expected \"%s\": \"%s\"", bad[i].find,
                     bad[i].replace, (int)status, err.where, err.message, bad[i].where,
                     bad[i].message);
        assert_null(device);
        assert_string_equal(err.source, text_file_path());
    }
}

static void bad_modes_arrays_are_refused(void **state)
{
    (void)state;
    kerf_device *device = NULL;
    kerf_error err;
    const char *head = "{\"format\": \"kerf-device/1\", \"name\": \"toy\", \"description\": \"a\","
                       " \"provenance\": \"a\", \"fit\": \"a\", \"assumptions\": \"a\", \"modes\":"
                       " MODES}";
    const struct {
        const char *modes, *where;
    } cases[] = {{"[]", "/modes"}, {"{}", "/modes"}, {"[1]", "/modes/0"}, {"[{}]", "/modes/0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_file_write(head, "MODES", cases[i].modes);
        assert_int_equal(kerf_device_load(text_file_path(), &device, &err), KERF_E_INVALID);
        assert_string_equal(err.where, cases[i].where);
        assert_null(device);
    }
    text_file_write(head, "MODES}", "");
    assert_int_equal(kerf_device_load(text_file_path(), &device, &err), KERF_E_SYNTAX);
    assert_int_equal(kerf_device_load("no/such/file.json", &device, &err), KERF_E_IO);
    assert_int_equal(kerf_device_load("tests", &device, NULL), KERF_E_IO);
    assert_null(device);
}

#define SUM                                                                                        \
    "\"latency\": {\"form\": \"sum\", \"per_mac\": {\"default\": \"4 ps/MAC\"}, \"per_byte\": "    \
    "\"0.02 "                                                                                      \
    "ns/B\", \"launch\": \"30 us\", \"partition\": \"0.4 ms\", \"per_step\": \"2 ns\", "           \
    "\"grouped_launch\": \"70 us\", \"more_per_byte\": {\"conv\": \"30 ps/B\", \"default\": \"1 "  \
    "ps/B\"}, \"more_per_weight_byte\": {\"fc\": \"0.2 ns/B\"}}"

static const char refined[] =
    "{\"format\": \"kerf-device/1\", \"name\": \"toy\", \"description\": \"a toy\","
    " \"provenance\": \"made up\", \"fit\": \"none\", \"assumptions\": \"All of it.\", \"modes\": ["
    "{\"name\": \"fast\", " SUM ", \"energy\": {\"form\": \"power\", \"active\": \"10 W\"},"
    " \"idle\": \"4 W\", \"uncertainty\": {\"coefficients\": ["
    "{\"name\": \"latency/per_mac/conv+fc\", \"relative\": 0.1},"
    "{\"name\": \"latency/launch\", \"relative\": 0.2},"
    "{\"name\": \"energy/active\", \"relative\": 0.5}],"
    " \"correlation\": [[-0.6], [0, 0]], \"latency_residual\": 0.15}},"
    "{\"name\": \"slow\", " SUM ", \"energy\": {\"form\": \"power\", \"active\": \"5 W\"},"
    " \"idle\": \"4 W\", \"uncertainty\": \"fast\"}]}\n";

static void reads_refinements(void **state)
{
    (void)state;
    text_file_write(refined, NULL, NULL);
    kerf_device *device = load();
    const kerf_refinement *more = &device->modes[0].latency_more;
    near(more->per_byte[KERF_CLASS_CONV], 30e-12);
    near(more->per_byte[KERF_CLASS_POOL], 1e-12);
    near(more->per_weight_byte[KERF_CLASS_FC], 0.2e-9);
    assert_true(more->per_weight_byte[KERF_CLASS_CONV] == 0);
    near(more->per_step, 2e-9);
    near(more->grouped_launch, 70e-6);
    kerf_device_destroy(&device);
}

static void reads_and_draws_from_an_uncertainty(void **state)
{
    (void)state;
    text_file_write(refined, NULL, NULL);
    kerf_device *device = load();
    for (size_t i = 0; i < 2; i++) {
        const kerf_uncertainty *u = &device->modes[i].uncertainty;
        assert_int_equal(u->n, 3);
        assert_string_equal(u->coefficients[1].name, "latency/launch");
        near(u->coefficients[2].relative, 0.5);
        near(u->correlation[1], -0.6);
        near(u->correlation[3], -0.6);
        near(u->correlation[4], 1);
        near(u->latency_residual, 0.15);
        assert_true(u->energy_residual == 0);
    }
    const kerf_power_mode *mode = &device->modes[0];
    const double normal[] = {1, 2, -1};
    kerf_power_mode drawn = kerf_power_mode_draw(mode, normal);
    near(drawn.s_per_mac[KERF_CLASS_CONV], 4e-12 * 1.1);
    near(drawn.s_per_mac[KERF_CLASS_FC], 4e-12 * 1.1);
    near(drawn.s_per_mac[KERF_CLASS_POINTWISE], 4e-12);
    near(drawn.launch_s, 30e-6 * (1 + 0.2 * (-0.6 * 1 + 0.8 * 2)));
    near(drawn.active_W, 5);
    near(drawn.partition_J, 5 * 0.4e-3);
    near(drawn.s_per_byte, mode->s_per_byte);
    const double far[] = {-11, 0, 0};
    assert_true(kerf_power_mode_draw(mode, far).s_per_mac[KERF_CLASS_CONV] == 0);
    kerf_device_destroy(&device);
}

static const struct {
    const char *find, *replace, *where, *message;
} bad_refined[] = {
    {"\"per_step\": \"2 ns\"", "\"per_step\": \"2 nJ\"", "/modes/0/latency/per_step", "a time"},
    {"\"per_step\": \"2 ns\"", "\"per_step\": \"-2 ns\"", "/modes/0/latency/per_step", "negative"},
    {"{\"conv\": \"30", "{\"convo\": \"30", "/modes/0/latency/more_per_byte/convo", ""},
    {"\"form\": \"sum\"", "\"form\": \"max\"", "/modes/0/latency/per_step", ""},
    {"\"uncertainty\": \"fast\"", "\"uncertainty\": \"slow\"", "/modes/1/uncertainty",
     "is no mode before this one"},
    {"\"uncertainty\": \"fast\"", "\"uncertainty\": 3", "/modes/1/uncertainty", "object"},
    {"conv+fc", "conv+conv", "/modes/0/uncertainty/coefficients/0/name", "is no coefficient"},
    {"conv+fc", "conv+", "/modes/0/uncertainty/coefficients/0/name", "is no coefficient"},
    {"latency/launch", "latency/lunch", "/modes/0/uncertainty/coefficients/1/name",
     "is no coefficient"},
    {"energy/active", "latency/launch", "/modes/0/uncertainty/coefficients/2/name", "listed twice"},
    {"0.2}", "-0.2}", "/modes/0/uncertainty/coefficients/1/relative", "from 0 to"},
    {"[[-0.6], [0, 0]]", "[[-0.6]]", "/modes/0/uncertainty/correlation", "expected 2"},
    {"[[-0.6], [0, 0]]", "[[-0.6], [0]]", "/modes/0/uncertainty/correlation/1", "expected 2"},
    {"[[-0.6], [0, 0]]", "[[-1.6], [0, 0]]", "/modes/0/uncertainty/correlation/0/0", "from -1"},
};

static void bad_refinements_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_refined / sizeof *bad_refined; i++) {
        kerf_device *device = NULL;
        kerf_error err;
        text_file_write(refined, bad_refined[i].find, bad_refined[i].replace);
        kerf_status status = kerf_device_load(text_file_path(), &device, &err);
        if (status != KERF_E_INVALID || strcmp(err.where, bad_refined[i].where) != 0 ||
            !strstr(err.message, bad_refined[i].message))
            fail_msg("%s -> %s: status %d, \"%s\": \"%s\"", bad_refined[i].find,
                     bad_refined[i].replace, (int)status, err.where, err.message);
        assert_null(device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(optional_fields_may_be_absent),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(bad_modes_arrays_are_refused),
        cmocka_unit_test(reads_refinements),
        cmocka_unit_test(reads_and_draws_from_an_uncertainty),
        cmocka_unit_test(bad_refinements_are_refused),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
