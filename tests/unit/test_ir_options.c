/* Fixing input shapes: --batch, --dim, --input. */
#include "tests/support/onnx_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ids, mask: [batch, sequence]; image: [?, 3, height, width]; fixed: [4, 5]; any: no shape */
static onnx_bytes write_model(void)
{
    onnx_bytes g = {0}, model = {0};
    ow_value(&g, OW_INPUT, "ids", OW_INT64, "batch,sequence");
    ow_value(&g, OW_INPUT, "mask", OW_INT64, "batch,sequence");
    ow_value(&g, OW_INPUT, "image", OW_FLOAT, "?,3,height,width");
    ow_value(&g, OW_INPUT, "fixed", OW_FLOAT, "4,5");
    ow_value(&g, OW_INPUT, "any", OW_FLOAT, NULL);
    ow_model(&model, &g, 13);
    return model;
}

static kerf_status read_with(const kerf_network_options *options, ir_graph **graph, kerf_error *err)
{
    onnx_bytes model = write_model();
    memset(err, 0, sizeof *err);
    *graph = NULL;
    kerf_status status = ow_read(&model, options, graph, err);
    ow_free(&model);
    return status;
}

static ir_graph *good(const kerf_network_options *options)
{
    ir_graph *graph;
    kerf_error err;
    if (read_with(options, &graph, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    return graph;
}

static void bad(const kerf_network_options *options, kerf_status wanted, const char *part)
{
    ir_graph *graph;
    kerf_error err;
    kerf_status status = read_with(options, &graph, &err);
    if (status != wanted || !strstr(err.message, part))
        fail_msg("%s: '%s' lacks '%s'", kerf_status_name(status), err.message, part);
    assert_null(graph);
}

static const char *shape(const ir_graph *graph, const char *name)
{
    static char text[128];
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const ir_value *value = &graph->values[graph->inputs[i]];
        if (strcmp(value->name, name) != 0)
            continue;
        snprintf(text, sizeof text, value->rank < 0 ? "unknown" : "");
        for (int j = 0; j < value->rank; j++) {
            size_t used = strlen(text);
            if (value->dims[j] < 0)
                snprintf(text + used, sizeof text - used, "%s?", j ? "x" : "");
            else
                snprintf(text + used, sizeof text - used, "%s%lld", j ? "x" : "",
                         (long long)value->dims[j]);
        }
        return text;
    }
    return "no such input";
}

static void first_dimension_is_the_batch(void **state)
{
    (void)state;
    kerf_network_options options = {0};
    ir_graph *graph = good(NULL);
    assert_string_equal(shape(graph, "ids"), "1x?");
    assert_string_equal(shape(graph, "mask"), "1x?");
    assert_string_equal(shape(graph, "image"), "1x3x?x?");
    assert_string_equal(shape(graph, "fixed"), "4x5");
    assert_string_equal(shape(graph, "any"), "unknown");
    ir_graph_free(graph);
    options.batch = 8;
    graph = good(&options);
    assert_string_equal(shape(graph, "mask"), "8x?");
    assert_string_equal(shape(graph, "image"), "8x3x?x?");
    assert_string_equal(shape(graph, "fixed"), "4x5");
    ir_graph_free(graph);
}

static void symbols_hold_everywhere(void **state)
{
    (void)state;
    const struct kerf_dim dims[] = {{"sequence", 128}, {"height", 32}, {"batch", 2}};
    const kerf_network_options options = {.dims = dims, .n_dims = 3, .batch = 6};
    ir_graph *graph = good(&options);
    assert_string_equal(shape(graph, "ids"), "2x128");
    assert_string_equal(shape(graph, "mask"), "2x128");
    assert_string_equal(shape(graph, "image"), "6x3x32x?");
    ir_graph_free(graph);
}

static void whole_shapes_replace(void **state)
{
    (void)state;
    const int64_t ids[] = {3, 77}, fixed[] = {9, 9}, any[] = {0, 2, 3};
    const struct kerf_input_shape inputs[] = {
        {"ids", ids, 2}, {"fixed", fixed, 2}, {"any", any, 3}};
    kerf_network_options options = {.inputs = inputs, .n_inputs = 3};
    ir_graph *graph = good(&options);
    assert_string_equal(shape(graph, "ids"), "3x77");
    assert_string_equal(shape(graph, "mask"), "3x77"); /* the symbols have their sizes now */
    assert_string_equal(shape(graph, "image"), "1x3x?x?");
    assert_string_equal(shape(graph, "fixed"), "9x9");
    assert_string_equal(shape(graph, "any"), "0x2x3");
    assert_int_equal(graph->n_warnings, 0);
    ir_graph_free(graph);

    const struct kerf_dim dim = {"sequence", 11}; /* --dim is the stronger one */
    options.dims = &dim;
    options.n_dims = 1;
    graph = good(&options);
    assert_string_equal(shape(graph, "ids"), "3x77");
    assert_string_equal(shape(graph, "mask"), "3x11");
    ir_graph_free(graph);

    const struct kerf_input_shape other = {"fixed", any, 3};
    options = (kerf_network_options){.inputs = &other, .n_inputs = 1};
    graph = good(&options);
    assert_string_equal(shape(graph, "fixed"), "0x2x3");
    assert_int_equal(graph->n_warnings, 1);
    assert_string_equal(graph->warnings[0],
                        "input 'fixed' is given 3 dimensions, the file states 2");
    ir_graph_free(graph);
}

static void unknown_names_are_errors(void **state)
{
    (void)state;
    const struct kerf_dim dim = {"seq", 128};
    const int64_t dims[] = {1};
    const struct kerf_input_shape input = {"picture", dims, 1};
    kerf_network_options options = {.dims = &dim, .n_dims = 1};
    bad(&options, KERF_E_INVALID,
        "no symbolic dimension 'seq', expected one of: batch, height, sequence, width");
    options = (kerf_network_options){.inputs = &input, .n_inputs = 1};
    bad(&options, KERF_E_INVALID,
        "no input 'picture', expected one of: ids, mask, image, fixed, any");
}

static void bad_sizes_are_errors(void **state)
{
    (void)state;
    const struct kerf_dim dim = {"sequence", -1};
    const int64_t dims[17] = {1, -4};
    const struct kerf_input_shape negative = {"ids", dims, 2}, deep = {"ids", dims, 17};
    kerf_network_options options = {.dims = &dim, .n_dims = 1};
    bad(&options, KERF_E_INVALID, "'sequence' is to be -1, expected 0 or more");
    options = (kerf_network_options){.inputs = &negative, .n_inputs = 1};
    bad(&options, KERF_E_INVALID, "dimension -4, expected 0 or more");
    options = (kerf_network_options){.inputs = &deep, .n_inputs = 1};
    bad(&options, KERF_E_TOO_LARGE, "17 dimensions, expected at most 16");
    options = (kerf_network_options){.batch = -1};
    bad(&options, KERF_E_INVALID, "the batch is -1");
}

static void a_batch_without_effect_is_an_error(void **state)
{
    (void)state;
    onnx_bytes g = {0}, model = {0};
    ir_graph *graph = NULL;
    kerf_error err = {0};
    kerf_network_options options = {.batch = 8};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,3,224,224");
    ow_model(&model, &g, 13);
    assert_int_equal(ow_read(&model, &options, &graph, &err), KERF_E_INVALID);
    assert_string_equal(err.where, "x");
    assert_non_null(strstr(err.message, "is 1x3x224x224, whose first dimension is fixed"));
    options.batch = 1; /* what it is anyway */
    assert_int_equal(ow_read(&model, &options, &graph, NULL), KERF_OK);
    ir_graph_free(graph);
    ow_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_dimension_is_the_batch),
        cmocka_unit_test(symbols_hold_everywhere),
        cmocka_unit_test(whole_shapes_replace),
        cmocka_unit_test(unknown_names_are_errors),
        cmocka_unit_test(bad_sizes_are_errors),
        cmocka_unit_test(a_batch_without_effect_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
