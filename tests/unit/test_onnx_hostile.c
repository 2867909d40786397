/* ONNX files that are none, or broken: one clear line each, nothing leaked, nothing large. */
#include "tests/support/onnx_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(kerf_status status, const kerf_error *err, kerf_status wanted, const char *where,
                   const char *part)
{
    if (status != wanted || err->code != wanted)
        fail_msg("%s, expected %s: %s", kerf_status_name(status), kerf_status_name(wanted),
                 err->message);
    if (where)
        assert_string_equal(err->where, where);
    if (!strstr(err->message, part))
        fail_msg("'%s' lacks '%s'", err->message, part);
    assert_null(strchr(err->message, '\n'));
}

static void bad_path(const char *path, kerf_status wanted, const char *part)
{
    ir_graph *graph = NULL;
    kerf_error err = {0};
    expect(onnx_read(path, NULL, &graph, &err), &err, wanted, NULL, part);
    assert_null(graph);
}

static void bad_bytes(const void *data, size_t n, kerf_status wanted, const char *part)
{
    ir_graph *graph = NULL;
    kerf_error err = {0};
    expect(ow_read_bytes(data, n, NULL, &graph, &err), &err, wanted, NULL, part);
    assert_null(graph);
}

static void bad_graph(onnx_bytes *g, kerf_status wanted, const char *where, const char *part)
{
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    kerf_error err = {0};
    ow_model(&model, g, 13);
    expect(ow_read(&model, NULL, &graph, &err), &err, wanted, where, part);
    assert_null(graph);
    ow_free(&model);
}

static void not_an_onnx_file(void **state)
{
    (void)state;
    char fifo[] = "/tmp/kerf-fifo-XXXXXX";
    static const char text[] = "hello world, this is no model\n";
    static const char json[] = "{\"format\": \"kerf-network/1\"}\n";
    static const unsigned char noise[] = {0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 0x01, 0x00};
    bad_path("/nonexistent/net.onnx", KERF_E_IO, "cannot open");
    bad_path("/tmp", KERF_E_IO, "is a directory");
    bad_path("/dev/null", KERF_E_IO, "not a regular file");
    close(mkstemp(fifo));
    unlink(fifo);
    if (mkfifo(fifo, 0600) == 0)
        bad_path(fifo, KERF_E_IO, "not a regular file");
    unlink(fifo);
    bad_bytes("", 0, KERF_E_SYNTAX, "not an ONNX file: it is empty");
    bad_bytes(text, sizeof text - 1, KERF_E_SYNTAX, "not an ONNX file");
    bad_bytes(json, sizeof json - 1, KERF_E_SYNTAX, "not an ONNX file");
    bad_bytes(noise, sizeof noise, KERF_E_SYNTAX, "not an ONNX file");
    bad_bytes("\x08\x07", 2, KERF_E_SYNTAX, "not an ONNX file: it holds no graph");
}

/* A model with something of everything. */
static void write_rich(onnx_bytes *model)
{
    onnx_bytes g = {0}, a = {0}, body = {0}, f = {0};
    ow_node(&body, "Add", "add", "x,w", "b", NULL);
    ow_value(&body, OW_OUTPUT, "b", OW_FLOAT, "1,3");
    ow_attr_message(&a, "then_branch", 6, 5, &body);
    ow_node(&g, "If", "if", "cond", "t", &a);
    ow_attr_ints(&a, "axes", (int64_t[]){0, -1}, 2);
    ow_attr_int(&a, "keepdims", 1);
    ow_node(&g, "ReduceSum", "sum", "t", "s", &a);
    ow_node_in(&g, 1, "local", "f", "call", "s", "y", NULL);
    ow_initializer(&g, "w", OW_FLOAT, "3", (float[]){1, 2, 3}, 12);
    ow_value(&g, OW_INPUT, "cond", OW_BOOL, "1");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "N,3");
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, "N,3");
    ow_value(&g, OW_VALUE_INFO, "s", OW_FLOAT, "1,3");
    ow_model(model, &g, 13);
    ow_text(&f, 1, "f");
    ow_text(&f, 4, "p");
    ow_text(&f, 5, "r");
    ow_node_in(&f, 7, "", "Relu", "relu", "p", "r", NULL);
    ow_text(&f, 10, "local");
    ow_message(model, 25, &f);
}

static void cut_off_anywhere(void **state)
{
    (void)state;
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    write_rich(&model);
    assert_int_equal(ow_read(&model, NULL, &graph, NULL), KERF_OK);
    assert_int_equal(graph->n_nodes, 3);
    ir_graph_free(graph);
    size_t read = 0;
    for (size_t n = 0; n < model.n; n++) {
        kerf_error err = {0};
        graph = NULL;
        kerf_status status = ow_read_bytes(model.data, n, NULL, &graph, &err);
        assert_int_equal(status, err.code);
        assert_true((status == KERF_OK) == (graph != NULL));
        assert_true(status == KERF_OK || err.message[0]);
        read += status == KERF_OK;
        ir_graph_free(graph);
    }
    /* whole fields at the end may be missed by nobody: the operator set, the function */
    assert_true(read <= 2);
    bad_bytes(model.data, model.n / 2, KERF_E_SYNTAX, "truncated or corrupt ONNX file near byte");
    ow_free(&model);
}

static void any_byte_wrong(void **state)
{
    (void)state;
    static const unsigned char flips[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff};
    onnx_bytes model = {0};
    write_rich(&model);
    for (size_t i = 0; i < model.n; i++)
        for (size_t j = 0; j < sizeof flips; j++) {
            ir_graph *graph = NULL;
            kerf_error err = {0};
            model.data[i] ^= flips[j];
            kerf_status status = ow_read(&model, NULL, &graph, &err);
            assert_int_equal(status, err.code);
            assert_true((status == KERF_OK) == (graph != NULL));
            ir_graph_free(graph);
            model.data[i] ^= flips[j];
        }
    ow_free(&model);
}

static void lengths_beyond_the_end(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1 << 20, UINT32_MAX, 1ULL << 40, INT64_MAX, UINT64_MAX};
    static const unsigned fields[] = {1, 5, 11, 12, 13, 15, 2};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t j = 0; j < sizeof fields / sizeof *fields; j++) {
            onnx_bytes g = {0};
            ow_node(&g, "Relu", "r", "x", "y", NULL);
            ow_varint(&g, fields[j] << 3 | 2);
            ow_varint(&g, lengths[i]);
            bad_graph(&g, KERF_E_SYNTAX, NULL, "truncated or corrupt");
        }
}

static void names(void **state)
{
    (void)state;
    onnx_bytes g = {0}, node = {0};
    char *name = calloc(70000, 1);
    assert_non_null(name);
    memset(name, 'n', 65535);
    ow_data(&node, 1, "a\0b", 3);
    ow_text(&node, 4, "Relu");
    ow_message(&g, 1, &node);
    bad_graph(&g, KERF_E_INVALID, NULL, "zero byte");
    ow_data(&node, 4, "Re\0lu", 5);
    ow_message(&g, 1, &node);
    bad_graph(&g, KERF_E_INVALID, NULL, "zero byte");
    /* the longest one is fine, a longer one is not */
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node(&g, "Relu", name, "x", name, NULL);
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    ow_model(&model, &g, 13);
    assert_int_equal(ow_read(&model, NULL, &graph, NULL), KERF_OK);
    ir_graph_free(graph);
    ow_free(&model);
    name[65535] = 'n';
    ow_node(&g, "Relu", name, "x", "y", NULL);
    bad_graph(&g, KERF_E_TOO_LARGE, NULL, "65536 bytes, expected at most 65535");
    free(name);
}

static void wrong_graphs(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_node(&g, "Relu", "r", "ghost", "y", NULL);
    bad_graph(&g, KERF_E_INVALID, "r", "'ghost', which nothing produces");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_value(&g, OW_OUTPUT, "ghost", OW_FLOAT, "1");
    bad_graph(&g, KERF_E_INVALID, "ghost", "nothing produces it");
    ow_node(&g, "Relu", "a", "q", "p", NULL);
    ow_node(&g, "Relu", "b", "p", "q", NULL);
    bad_graph(&g, KERF_E_INVALID, NULL, "is on a cycle");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node(&g, "Relu", "a", "x", "y", NULL);
    ow_node(&g, "Relu", "b", "x", "y", NULL);
    bad_graph(&g, KERF_E_INVALID, "b", "'y' is produced twice");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node(&g, "", "a", "x", "y", NULL);
    bad_graph(&g, KERF_E_INVALID, "a", "no operator type");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    bad_graph(&g, KERF_E_INVALID, "x", "listed twice");
    ow_value(&g, OW_INPUT, "", OW_FLOAT, "1");
    bad_graph(&g, KERF_E_INVALID, NULL, "has no name");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,-2");
    bad_graph(&g, KERF_E_INVALID, "x", "dimension -2");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
    bad_graph(&g, KERF_E_TOO_LARGE, "x", "more than 16 dimensions");
    ow_initializer(&g, "w", OW_FLOAT, "1", NULL, 0);
    ow_initializer(&g, "w", OW_FLOAT, "1", NULL, 0);
    bad_graph(&g, KERF_E_INVALID, "w", "initialized twice");
    ow_initializer(&g, "", OW_FLOAT, "1", NULL, 0);
    bad_graph(&g, KERF_E_INVALID, NULL, "initializer has no name");
}

static void operator_sets(void **state)
{
    (void)state;
    static const int64_t versions[] = {0, -1, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        onnx_bytes g = {0}, model = {0}, import = {0};
        ow_model(&model, &g, 0);
        ow_int(&import, 2, versions[i]);
        ow_message(&model, 8, &import);
        bad_bytes(model.data, model.n, KERF_E_INVALID, "states operator set");
        ow_free(&model);
    }
}

static void nest(onnx_bytes *graph, int depth)
{
    onnx_bytes a = {0}, body = {0};
    if (depth) {
        nest(&body, depth - 1);
        ow_attr_message(&a, "body", 6, 5, &body);
    }
    ow_node(graph, "Loop", "loop", "", "y", &a);
}

static void deep_nesting(void **state)
{
    (void)state;
    onnx_bytes g = {0}, model = {0};
    ir_graph *graph = NULL;
    nest(&g, IR_MAX_DEPTH);
    ow_model(&model, &g, 13);
    assert_int_equal(ow_read(&model, NULL, &graph, NULL), KERF_OK);
    ir_graph_free(graph);
    ow_free(&model);
    nest(&g, IR_MAX_DEPTH + 1);
    bad_graph(&g, KERF_E_TOO_LARGE, "loop", "nested deeper than 32");
    nest(&g, 2000);
    bad_graph(&g, KERF_E_TOO_LARGE, "loop", "nested deeper than 32");
}

static void two_graphs_in_an_attribute(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0}, attr = {0}, body = {0};
    ow_text(&attr, 1, "body");
    ow_message(&attr, 6, &body);
    ow_message(&attr, 6, &body);
    ow_message(&a, 5, &attr);
    ow_node(&g, "Loop", "loop", "", "y", &a);
    bad_graph(&g, KERF_E_INVALID, "loop", "two graphs");
}

/* A field that the schema knows as a message or string, written as a number. */
static void wrong_wire_types(void **state)
{
    (void)state;
    for (unsigned field = 1; field <= 25; field++) {
        onnx_bytes model = {0}, g = {0};
        ir_graph *graph = NULL;
        kerf_error err = {0};
        ow_node(&g, "Relu", "r", "", "y", NULL);
        ow_int(&g, field, 300);
        ow_model(&model, &g, 13);
        ow_int(&model, field == 1 ? 2 : field, 300);
        kerf_status status = ow_read(&model, NULL, &graph, &err);
        bool known = field == 1 || field == 2 || field == 5 || field == 7 || field == 8 ||
                     (field >= 11 && field <= 15 && field != 14) || field == 25;
        assert_int_equal(status, known ? KERF_E_SYNTAX : KERF_OK);
        ir_graph_free(graph);
        ow_free(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_an_onnx_file),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(any_byte_wrong),
        cmocka_unit_test(lengths_beyond_the_end),
        cmocka_unit_test(names),
        cmocka_unit_test(wrong_graphs),
        cmocka_unit_test(operator_sets),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(two_graphs_in_an_attribute),
        cmocka_unit_test(wrong_wire_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
