/* The network that is built from a graph: tensors, consumers, constants, weights, traffic, names,
 * and what happens where a shape cannot be known. */
#include "tests/support/onnx_writer.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static kerf_status try_build(onnx_bytes *g, const kerf_network_options *options, kerf_network **net,
                             kerf_error *err)
{
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    bool allow = options && options->allow_unresolved;
    memset(err, 0, sizeof *err);
    *net = NULL;
    ow_model(&model, g, 13);
    kerf_status status = ow_read(&model, options, &graph, err);
    if (status == KERF_OK)
        status = ir_infer(graph, err);
    if (status == KERF_OK)
        status = ir_build_network(graph, "test", "test.onnx", allow, net, err);
    ir_graph_free(graph);
    ow_free(&model);
    return status;
}

static kerf_network *build(onnx_bytes *g)
{
    kerf_network *net;
    kerf_error err;
    if (try_build(g, NULL, &net, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    assert_string_equal(net->name, "test");
    assert_string_equal(net->source, "test.onnx");
    return net;
}

static void bad(onnx_bytes *g, kerf_status wanted, const char *where, const char *message)
{
    kerf_network *net;
    kerf_error err;
    kerf_status status = try_build(g, NULL, &net, &err);
    if (status != wanted)
        fail_msg("%s: %s", kerf_status_name(status), err.message);
    assert_null(net);
    assert_string_equal(err.where, where);
    assert_string_equal(err.message, message);
}

static const kerf_tensor *tensor(const kerf_network *net, const char *name)
{
    size_t t = kerf_network_find_tensor(net, name);
    if (t == KERF_NONE)
        fail_msg("no tensor '%s'", name);
    return &net->tensors[t];
}

static const kerf_operator *op(const kerf_network *net, const char *name)
{
    size_t i = kerf_network_find_operator(net, name);
    if (i == KERF_NONE)
        fail_msg("no operator '%s'", name);
    return &net->operators[i];
}

static void tensors_and_consumers(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT16, "1,2,4,4");
    ow_initializer(&g, "w", OW_FLOAT16, "3,2,1,1", NULL, 0);
    ow_initializer(&g, "unused", OW_FLOAT16, "1000", NULL, 0);
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Add", "twice", "a,a", "b", NULL);
    ow_node(&g, "Relu", "dead", "x", "nobody", NULL);
    ow_node(&g, "Mul", "mul", "a,b", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT16, NULL);
    kerf_network *net = build(&g);
    assert_int_equal(net->n_operators, 4);
    assert_int_equal(net->n_placed, 4);
    assert_int_equal(net->n_inputs, 1);
    assert_int_equal(net->n_outputs, 1);
    assert_true(tensor(net, "x")->is_input && tensor(net, "y")->is_output);
    assert_int_equal(kerf_network_find_tensor(net, "unused"), KERF_NONE);
    const kerf_tensor *t = tensor(net, "a");
    assert_int_equal(t->type, KERF_FLOAT16);
    assert_int_equal(t->rank, 4);
    assert_int_equal(t->dims[1], 3);
    assert_int_equal(t->elements, 48);
    assert_int_equal(t->bytes, 96);
    assert_int_equal(t->producer, 0);
    assert_int_equal(t->n_consumers, 2);
    assert_int_equal(t->consumers[0], 1);
    assert_int_equal(t->consumers[1], 3);
    assert_null(t->unresolved);
    assert_false(t->constant);
    assert_int_equal(tensor(net, "x")->producer, KERF_NONE);
    assert_true(tensor(net, "w")->constant);
    assert_int_equal(tensor(net, "nobody")->n_consumers, 0);
    const kerf_operator *conv = op(net, "conv");
    assert_int_equal(conv->macs, 96);
    assert_int_equal(conv->params, 6);
    assert_int_equal(conv->weight_bytes, 12);
    assert_int_equal(conv->read_bytes, 64); /* the weights are not data */
    assert_int_equal(conv->write_bytes, 96);
    assert_int_equal(conv->kernels, 3);
    assert_int_equal(op(net, "twice")->read_bytes, 96); /* once */
    assert_int_equal(op(net, "mul")->read_bytes, 192);
    assert_int_equal(net->macs, 96);
    assert_int_equal(net->params, 6);
    assert_int_equal(net->weight_bytes, 12);
    kerf_network_destroy(&net);
}

static void shared_weights_count_once_in_all(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,8");
    ow_initializer(&g, "w", OW_FLOAT, "8,8", NULL, 0);
    ow_node(&g, "MatMul", "one", "x,w", "a", NULL);
    ow_node(&g, "MatMul", "two", "a,w", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    kerf_network *net = build(&g);
    assert_int_equal(op(net, "one")->params, 64);
    assert_int_equal(op(net, "two")->params, 64);
    assert_int_equal(net->params, 64);
    assert_int_equal(net->weight_bytes, 256);
    kerf_network_destroy(&net);
}

/* int8 weights behind a DequantizeLinear: the runtime keeps them as they are stored. */
static void stored_types_give_the_bytes(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,8");
    ow_initializer(&g, "w8", OW_INT8, "8,8", NULL, 0);
    ow_initializer(&g, "scale", OW_FLOAT, "", (float[]){1}, 4);
    ow_node(&g, "DequantizeLinear", "dq", "w8,scale", "w", NULL);
    ow_node(&g, "MatMul", "mm", "x,w", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    kerf_network *net = build(&g);
    assert_true(op(net, "dq")->constant);
    assert_int_equal(op(net, "dq")->group, KERF_NONE);
    assert_int_equal(op(net, "mm")->params, 64);
    assert_int_equal(op(net, "mm")->weight_bytes, 64);
    assert_int_equal(net->n_placed, 1);
    kerf_network_destroy(&net);
}

static void constants(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "N,6");
    ow_initializer(&g, "index", OW_INT64, "1", (int64_t[]){0}, 8);
    ow_initializer(&g, "rest", OW_INT64, "1", (int64_t[]){-1}, 8);
    ow_initializer(&g, "k", OW_FLOAT, "6", NULL, 0);
    /* Shape arithmetic, whose outcome is known */
    ow_node(&g, "Shape", "shape", "x", "s", NULL);
    ow_node(&g, "Gather", "gather", "s,index", "n", NULL);
    ow_attr_int(&a, "axis", 0);
    ow_node(&g, "Concat", "cat", "n,rest", "dims", &a);
    ow_node(&g, "Reshape", "reshape", "x,dims", "y", NULL);
    /* constants of constants, without content */
    ow_node(&g, "Sqrt", "sqrt", "k", "root", NULL);
    ow_node(&g, "Mul", "mul", "y,root", "z", NULL);
    /* data without operands */
    ow_attr_ints(&a, "shape", (int64_t[]){1, 6}, 2);
    ow_node(&g, "RandomNormal", "random", "", "noise", &a);
    ow_node(&g, "Add", "add", "z,noise", "out", NULL);
    ow_value(&g, OW_OUTPUT, "out", OW_FLOAT, NULL);
    kerf_network *net = build(&g);
    static const char *const constant[] = {"shape", "gather", "cat", "sqrt"};
    static const char *const data[] = {"reshape", "mul", "random", "add"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(op(net, constant[i])->constant);
        assert_int_equal(op(net, constant[i])->group, KERF_NONE);
        assert_int_equal(op(net, constant[i])->read_bytes, 0);
        assert_int_equal(op(net, constant[i])->write_bytes, 0);
        assert_false(op(net, data[i])->constant);
        assert_int_not_equal(op(net, data[i])->group, KERF_NONE);
    }
    assert_true(tensor(net, "dims")->constant && tensor(net, "root")->constant);
    assert_false(tensor(net, "noise")->constant);
    assert_int_equal(net->n_placed, 4);
    assert_int_equal(tensor(net, "x")->n_consumers, 1); /* Shape reads no data */
    assert_int_equal(op(net, "mul")->read_bytes, 24);
    assert_int_equal(op(net, "reshape")->cls, KERF_CLASS_VIEW);
    assert_int_equal(op(net, "reshape")->read_bytes + op(net, "reshape")->write_bytes, 0);
    kerf_network_destroy(&net);
}

static void nested_graphs_read_what_they_capture(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0}, body = {0};
    ow_node(&body, "Relu", "inner", "captured", "r", NULL);
    ow_value(&body, OW_OUTPUT, "r", OW_FLOAT, "1,4");
    ow_attr_message(&a, "then_branch", 6, 5, &body);
    ow_node(&body, "Neg", "inner", "captured", "r", NULL);
    ow_value(&body, OW_OUTPUT, "r", OW_FLOAT, "1,4");
    ow_attr_message(&a, "else_branch", 6, 5, &body);
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,4");
    ow_value(&g, OW_INPUT, "cond", OW_BOOL, "1");
    ow_node(&g, "Sin", "sin", "x", "captured", NULL);
    ow_node(&g, "If", "if", "cond", "y", &a);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, "1,4");
    kerf_network *net = build(&g);
    const kerf_operator *holder = op(net, "if");
    assert_int_equal(holder->n_inputs, 2);
    assert_int_equal(holder->inputs[1], kerf_network_find_tensor(net, "captured"));
    assert_int_equal(tensor(net, "captured")->n_consumers, 1);
    assert_int_equal(holder->read_bytes, 17);
    assert_int_equal(tensor(net, "y")->bytes, 16);
    kerf_network_destroy(&net);
}

static void operator_names_are_unique(void **state)
{
    (void)state;
    static const char *const expected[] = {"a",      "a_3", "a_2",      "Relu_3",
                                           "Relu_4", "a_4", "Relu_6_2", "Relu_6"};
    static const char *const given[] = {"a", "a", "a_2", NULL, "", "a", NULL, "Relu_6"};
    onnx_bytes g = {0};
    char from[16] = "x", to[16];
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    for (int i = 0; i < 8; i++) {
        snprintf(to, sizeof to, "t%d", i);
        ow_node(&g, "Relu", given[i], from, to, NULL);
        memcpy(from, to, sizeof from);
    }
    ow_value(&g, OW_OUTPUT, "t7", OW_FLOAT, "1");
    kerf_network *net = build(&g);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(net->operators[i].name, expected[i]);
    kerf_network_destroy(&net);
}

static void custom_operators(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,4");
    ow_node_in(&g, 1, "com.acme", "Magic", "magic", "x", "y", NULL);
    ow_node(&g, "Relu", "relu", "y", "z", NULL);
    ow_value(&g, OW_VALUE_INFO, "y", OW_FLOAT, "1,9");
    ow_value(&g, OW_OUTPUT, "z", OW_FLOAT, NULL);
    kerf_network *net = build(&g);
    assert_string_equal(op(net, "magic")->type, "com.acme::Magic");
    assert_int_equal(op(net, "magic")->macs, 0);
    assert_int_equal(tensor(net, "z")->elements, 9);
    assert_true(net->n_warnings >= 1);
    assert_non_null(strstr(net->warnings[0], "Magic"));
    kerf_network_destroy(&net);

    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,4");
    ow_node_in(&g, 1, "com.acme", "Magic", "magic", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    kerf_error err;
    assert_int_equal(try_build(&g, NULL, &net, &err), KERF_E_UNRESOLVED);
    assert_string_equal(err.where, "magic");
    assert_non_null(strstr(err.message, "the size of its output 'y' cannot be known: "));
}

static void open_dimensions(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "N,3,height,width");
    ow_node(&g, "Relu", "relu", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    bad(&g, KERF_E_UNRESOLVED, "x",
        "input 'x' has unknown dimension 'height' (1x3x?x?): give --dim height=N --dim width=N or "
        "--input x=1x3x224x224");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,?");
    ow_node(&g, "Relu", "relu", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    bad(&g, KERF_E_UNRESOLVED, "x",
        "input 'x' has an unknown dimension (1x?): give --input x=1x128 or what it is");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, NULL);
    ow_node(&g, "Relu", "relu", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    bad(&g, KERF_E_UNRESOLVED, "x",
        "is an input of unknown shape: give --input 'x'=1x3x224x224 or what it is");
}

static void unresolved_networks_may_be_looked_at(void **state)
{
    (void)state;
    const kerf_network_options options = {.allow_unresolved = true};
    onnx_bytes g = {0};
    kerf_network *net;
    kerf_error err;
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "N,3,height,5");
    ow_node(&g, "Relu", "relu", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    assert_int_equal(try_build(&g, &options, &net, &err), KERF_OK);
    assert_int_equal(tensor(net, "x")->bytes, -1);
    assert_int_equal(tensor(net, "x")->elements, -1);
    assert_int_equal(tensor(net, "x")->dims[2], -1);
    assert_non_null(tensor(net, "x")->unresolved);
    assert_int_equal(tensor(net, "y")->rank, 4);
    assert_int_equal(op(net, "relu")->read_bytes, 0);
    kerf_network_destroy(&net);
}

/* What nobody reads need not be known: the indices of a MaxPool, a dead branch. */
static void only_what_matters_must_be_known(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,4");
    ow_node_in(&g, 1, "com.acme", "Magic", "dead", "x", "unknown", NULL);
    ow_node(&g, "Relu", "relu", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    kerf_network *net = build(&g);
    assert_int_equal(net->n_operators, 2);
    assert_int_equal(tensor(net, "unknown")->bytes, -1);
    kerf_network_destroy(&net);
}

static void overflow_is_refused(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    kerf_network *net;
    kerf_error err;
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "4294967296,4294967296");
    ow_node(&g, "Relu", "relu", "x", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    kerf_status status = try_build(&g, NULL, &net, &err);
    assert_true(status == KERF_E_TOO_LARGE || status == KERF_E_INVALID);
    if (!strstr(err.message, "too many elements"))
        fail_msg("%s: %s", kerf_status_name(status), err.message);
}

static void totals_that_overflow_are_refused(void **state)
{
    (void)state;
    onnx_bytes g = {0}, model = {0};
    ir_graph *graph = NULL;
    kerf_network *net = NULL;
    kerf_error err = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node(&g, "Relu", "one", "x", "y", NULL);
    ow_node(&g, "Relu", "two", "y", "z", NULL);
    ow_model(&model, &g, 13);
    assert_int_equal(ow_read(&model, NULL, &graph, NULL), KERF_OK);
    assert_int_equal(ir_infer(graph, NULL), KERF_OK);
    graph->nodes[0].macs = INT64_MAX;
    graph->nodes[1].macs = 1;
    assert_int_equal(ir_build_network(graph, "n", NULL, false, &net, &err), KERF_E_TOO_LARGE);
    assert_string_equal(err.where, "two");
    assert_null(net);
    ir_graph_free(graph);
    ow_free(&model);
}

static void an_empty_network(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    kerf_network *net = build(&g);
    assert_int_equal(net->n_operators + net->n_tensors + net->n_groups, 0);
    kerf_network_destroy(&net);
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_value(&g, OW_OUTPUT, "x", OW_FLOAT, "1"); /* straight through */
    net = build(&g);
    assert_true(tensor(net, "x")->is_input && tensor(net, "x")->is_output);
    kerf_network_destroy(&net);
}

static kerf_status load(void *context, kerf_error *err)
{
    kerf_network *net = NULL;
    kerf_status status = kerf_network_load(context, NULL, &net, err);
    kerf_network_destroy(&net);
    return status;
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    static const char *const files[] = {"../shared/data/onnx/mnist_cntk_8.onnx",
                                        "../shared/data/onnx/dtln_model_1.onnx",
                                        "../shared/data/onnx/tv_squeezenet1_1.onnx"};
    char path[256];
    kerf_error err;
    snprintf(path, sizeof path, "%s", files[0]);
    if (!torture_available() || load(path, &err) != KERF_OK)
        skip(); /* sanitizers have an allocator of their own; or there is no reference data */
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s", files[i]);
        torture_run(load, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_and_consumers),
        cmocka_unit_test(shared_weights_count_once_in_all),
        cmocka_unit_test(stored_types_give_the_bytes),
        cmocka_unit_test(constants),
        cmocka_unit_test(nested_graphs_read_what_they_capture),
        cmocka_unit_test(operator_names_are_unique),
        cmocka_unit_test(custom_operators),
        cmocka_unit_test(open_dimensions),
        cmocka_unit_test(unresolved_networks_may_be_looked_at),
        cmocka_unit_test(only_what_matters_must_be_known),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(totals_that_overflow_are_refused),
        cmocka_unit_test(an_empty_network),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
