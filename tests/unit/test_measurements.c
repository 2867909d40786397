/* Tables of measurements: both kinds of file, every field, and what is refused, with its message.
 */
#include "kerf/calibrate.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char json[] =
    "{\"format\": \"kerf-measurements/1\", \"source\": \"a bench\", \"board\": \"toy\","
    " \"power_mode\": \"fast\", \"notes\": 1, \"measurements\": ["
    "{\"name\": \"net\", \"network\": \"alexnet\", \"batch\": 4, \"latency\": \"3 ms\"},"
    "{\"name\": \"part\", \"network\": \"net.onnx\", \"operators\": [\"a\", \"b\"], \"calls\": 0,"
    " \"group\": \"g\", \"family\": \"f\", \"board\": \"other\", \"power_mode\": \"slow\","
    " \"energy\": \"5 mJ\"},"
    "{\"name\": \"block\", \"batch\": 2, \"latency\": \"1 us\", \"energy\": \"2 J\", \"layers\": ["
    "{\"class\": \"conv\", \"input\": [4, 8, 6], \"output\": [6, 4, 3], \"kernel\": [3, 5],"
    " \"groups\": 2, \"count\": 3},"
    "{\"class\": \"depthwise\", \"input\": [4, 8, 8], \"output\": [4, 8, 8], \"kernel\": [3, 3]},"
    "{\"class\": \"fc\", \"input\": [10, 1, 1], \"output\": [7, 1, 1], \"type\": \"float16\"},"
    "{\"class\": \"pool\", \"input\": [4, 2, 2], \"output\": [4, 1, 1]},"
    "{\"class\": \"pointwise\", \"macs\": 100, \"weight_bytes\": 8, \"read_bytes\": 16,"
    " \"write_bytes\": 32, \"kernels\": 5, \"steps\": 2.5}]}]}\n";

static const char csv[] =
    "# source: a bench\n"
    "\n"
    "name,group,class,in_channels,in_h,in_w,out_channels,out_h,out_w,kernel_h,kernel_w,"
    "latency_ms,energy\n"
    "block, s1 ,pointwise,4,8,8,6,8,8,,,1.5,\"3 mJ\"\r\n"
    "# between\n"
    "block,s1,depthwise,6,8,8,6,8,8,3,3,,\n"
    "\"one, \"\"two\"\"\",s2,fc,10,1,1,7,1,1,,,0.25,\n"
    ",s3,pool,4,2,2,4,1,1,,,.5,\n"
    ",s3,pool,4,2,2,4,1,1,,,.5,";

static kerf_measurements *load(void)
{
    kerf_measurements *table = NULL;
    kerf_error err;
    char line[1400];
    if (kerf_measurements_load(text_file_path(), &table, &err) != KERF_OK)
        fail_msg("%s", kerf_error_line(&err, line, sizeof line));
    return table;
}

static void check_layer(const kerf_layer *layer, kerf_class cls, double macs, double steps,
                        double kernels, double weights, double reads, double writes)
{
    assert_int_equal(layer->cls, cls);
    const double got[] = {layer->macs,         layer->steps,      layer->kernels,
                          layer->weight_bytes, layer->read_bytes, layer->write_bytes};
    const double expected[] = {macs, steps, kernels, weights, reads, writes};
    for (size_t i = 0; i < sizeof got / sizeof *got; i++)
        if (!(fabs(got[i] - expected[i]) <= 1e-12 * expected[i]))
            fail_msg("figure %zu is %g, expected %g", i, got[i], expected[i]);
}

static void reads_json(void **state)
{
    (void)state;
    text_file_write(json, NULL, NULL);
    kerf_measurements *table = load();
    assert_int_equal(table->n, 3);
    assert_string_equal(table->source, "a bench");
    assert_string_equal(table->path, text_file_path());
    const kerf_measurement *row = &table->rows[0];
    assert_string_equal(row->network, "alexnet");
    assert_int_equal(row->batch, 4);
    assert_true(row->latency_s > 0.00299 && row->latency_s < 0.00301 && isnan(row->energy_J));
    assert_true(row->calls > 0.99 && row->n_operators == 0 && row->n_layers == 0);
    assert_string_equal(row->board, "toy");
    assert_string_equal(row->power_mode, "fast");
    assert_string_equal(row->group, "");
    row = &table->rows[1];
    assert_int_equal(row->n_operators, 2);
    assert_string_equal(row->operators[1], "b");
    assert_true(row->calls == 0 && isnan(row->latency_s));
    assert_string_equal(row->group, "g");
    assert_string_equal(row->family, "f");
    assert_string_equal(row->board, "other");
    assert_string_equal(row->power_mode, "slow");
    assert_int_equal(row->line, 2);
    row = &table->rows[2];
    assert_int_equal(row->n_layers, 5);
    /* A batch of 2 is in all but the weights. */
    check_layer(&row->layers[0], KERF_CLASS_CONV, 2 * 72 * 30, 30, 6, 4 * 6 * 30, 4 * 2 * 192,
                4 * 2 * 72);
    assert_true(row->layers[0].grouped && row->layers[0].count > 2.9);
    check_layer(&row->layers[1], KERF_CLASS_DEPTHWISE, 2 * 256 * 9, 9, 4, 4 * 4 * 9, 4 * 2 * 256,
                4 * 2 * 256);
    assert_false(row->layers[1].grouped);
    check_layer(&row->layers[2], KERF_CLASS_FC, 2 * 70, 0, 0, 2 * 70, 2 * 2 * 10, 2 * 2 * 7);
    check_layer(&row->layers[3], KERF_CLASS_POOL, 0, 0, 0, 0, 4 * 2 * 16, 4 * 2 * 4);
    check_layer(&row->layers[4], KERF_CLASS_POINTWISE, 200, 2.5, 5, 8, 32, 64);
    kerf_measurements_destroy(&table);
    assert_null(table);
    kerf_measurements_destroy(&table);
    kerf_measurements_destroy(NULL);
}

static void reads_csv(void **state)
{
    (void)state;
    text_file_write(csv, NULL, NULL);
    kerf_measurements *table = load();
    assert_string_equal(table->source, "a bench");
    assert_int_equal(table->n, 4); /* rows without a name stay apart */
    const kerf_measurement *row = &table->rows[0];
    assert_string_equal(row->name, "block");
    assert_string_equal(row->group, "s1");
    assert_int_equal(row->line, 4);
    assert_true(row->latency_s > 0.00149 && row->energy_J < 0.0031);
    assert_int_equal(row->n_layers, 2);
    check_layer(&row->layers[1], KERF_CLASS_DEPTHWISE, 384 * 9, 9, 6, 4 * 54, 4 * 384, 4 * 384);
    assert_string_equal(table->rows[1].name, "one, \"two\"");
    assert_true(isnan(table->rows[1].energy_J));
    assert_string_equal(table->rows[3].group, "s3");
    kerf_measurements_destroy(&table);
    text_file_write("network,operators,batch,calls,latency_us\nresnet50,a; b ;c,2,0,7\n", NULL,
                    NULL);
    table = load();
    assert_string_equal(table->rows[0].operators[1], "b");
    assert_int_equal(table->rows[0].n_operators, 3);
    assert_int_equal(table->rows[0].batch, 2);
    assert_true(table->rows[0].calls == 0 && table->rows[0].latency_s < 8e-6);
    assert_string_equal(table->source, "");
    kerf_measurements_destroy(&table);
}

typedef struct bad_case {
    const char *find, *replace, *where, *message;
} bad_case;

static const bad_case bad_json[] = {
    {"kerf-measurements/1", "kerf-measurements/2", "/format", "kerf-measurements/1"},
    {"\"latency\": \"3 ms\"", "\"latency\": 3", "/measurements/0/latency", "a time such as"},
    {"\"latency\": \"3 ms\"", "\"latency\": \"3 mJ\"", "/measurements/0/latency", "unit"},
    {"\"latency\": \"3 ms\"", "\"latency\": \"-3 ms\"", "/measurements/0/latency", "negative"},
    {", \"latency\": \"3 ms\"", "", "/measurements/0", "neither latency nor energy"},
    {"\"latency\": \"3 ms\"", "\"latency\": \"0 s\"", "/measurements/0", "latency of 0"},
    {"\"network\": \"alexnet\", ", "", "/measurements/0", "neither a network nor layers"},
    {"\"network\": \"alexnet\", ", "\"operators\": [\"a\"], ", "/measurements/0", "neither"},
    {"\"name\": \"block\"", "\"network\": \"a\", \"name\": \"block\"", "/measurements/2",
     "both a network and layers"},
    {"\"batch\": 4", "\"batch\": 0", "/measurements/0/batch", "expected an integer"},
    {"\"calls\": 0", "\"calls\": -1", "/measurements/1/calls", "from 0"},
    {"[\"a\", \"b\"]", "[]", "/measurements/1/operators", "expected 1 to"},
    {"\"conv\"", "\"convolution\"", "/measurements/2/layers/0/class", "is no class of operators"},
    {"[4, 8, 6]", "[4, 8]", "/measurements/2/layers/0/input", "expected 3: channels"},
    {"[4, 8, 6]", "[4, 0, 6]", "/measurements/2/layers/0/input/1", "expected an integer"},
    {"\"groups\": 2", "\"groups\": 3", "/measurements/2/layers/0", "do not divide the channels"},
    {", \"steps\": 2.5", "", "/measurements/2/layers/4", "needs the shapes of its input"},
    {" \"write_bytes\": 32,", "", "/measurements/2/layers/4", "read_bytes and write_bytes"},
    {"\"macs\": 100", "\"macs\": 1e300", "/measurements/2/layers/4/macs", "1e+18"},
    {"float16", "float17", "/measurements/2/layers/2", "is no type of elements"},
    {"\"group\"", "\"grop\"", "/measurements/1/grop", ""},
};

static const bad_case bad_csv[] = {
    {"latency_ms", "latency_min", "line 3", "unknown column \"latency_min\""},
    {",latency_ms,energy", "", "line 3", "no column of figures"},
    {"class", "type", "line 3", "no column that says what was run"},
    {"group", "name", "line 3", "second column"},
    {"1.5,", "-1.5,", "line 4", "is no number of at least 0"},
    {"1.5,", "abc,", "line 4", "latency_ms \"abc\""},
    {"1.5,", "nan,", "line 4", "is no number"},
    {"\"3 mJ\"", "3", "line 4", "with a unit"},
    {"0.25,", ",", "line 7", "neither latency nor energy"},
    {"pointwise", "pointy", "line 4", "class \"pointy\" is none"},
    {"pointwise,4", "pointwise,4.5", "line 4", "is no integer"},
    {"pointwise,4", "pointwise,", "line 4", "needs the shapes"},
    {"3,3,,", "3,3,1.6,", "line 6", "other figures than the line before"},
    {"block,s1,depthwise", "block,s1,", "line 6", "without being one of its layers"},
    {"fc,10,1,1", "fc,10,1", "line 7", "another number of cells"},
    {"\"one, \"\"two\"\"\"", "\"one, two", "line 7", "never closed"},
    {"\"one, \"\"two\"\"\"", "\"one\"two", "line 7", "text after a closing quote"},
};

static void refuse(const char *text, const bad_case *c)
{
    kerf_measurements *table = NULL;
    kerf_error err;
    text_file_write(text, c->find, c->replace);
    kerf_status status = kerf_measurements_load(text_file_path(), &table, &err);
    if ((status != KERF_E_INVALID && status != KERF_E_SYNTAX) || strcmp(err.where, c->where) != 0 ||
        !strstr(err.message, c->message) || err.message[0] == '\0')
        fail_msg("%s -> %s: status %d, \"%s\": \"%s\", expected \"%s\": \"%s\"", c->find,
                 c->replace, (int)status, err.where, err.message, c->where, c->message);
    assert_null(table);
    assert_string_equal(err.source, text_file_path());
}

static void bad_tables_are_refused(void **state)
{
    (void)state;
    kerf_measurements *table = NULL;
    for (size_t i = 0; i < sizeof bad_json / sizeof *bad_json; i++)
        refuse(json, &bad_json[i]);
    for (size_t i = 0; i < sizeof bad_csv / sizeof *bad_csv; i++)
        refuse(csv, &bad_csv[i]);
    refuse("", &(bad_case){NULL, NULL, "line 1", "the table is empty"});
    refuse("network,latency_ms\n", &(bad_case){NULL, NULL, "", "holds no measurement"});
    text_file_write_bytes("network,latency_ms\na\0b,3\n", 24);
    assert_int_equal(kerf_measurements_load(text_file_path(), &table, NULL), KERF_E_SYNTAX);
    assert_int_equal(kerf_measurements_load("no/such/file", &table, NULL), KERF_E_IO);
    assert_null(table);
}

static kerf_status load_tortured(void *context, kerf_error *err)
{
    (void)context;
    kerf_measurements *table = NULL;
    kerf_status status = kerf_measurements_load(text_file_path(), &table, err);
    if (status == KERF_OK && (table->n < 3 || !table->rows[2].name || !table->source))
        status = torture_wrong(err, "the table is incomplete");
    if (status != KERF_OK && table)
        status = torture_wrong(err, "the output was touched");
    kerf_measurements_destroy(&table);
    return status;
}

static void no_memory_is_reported(void **state)
{
    (void)state;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    text_file_write(json, NULL, NULL);
    assert_true(torture_run(load_tortured, NULL) > 0);
    text_file_write(csv, NULL, NULL);
    assert_true(torture_run(load_tortured, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_json),
        cmocka_unit_test(reads_csv),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
