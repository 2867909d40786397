/* Fused groups and shared storage: what joins, what does not, and what holds of any network. */
#include "tests/support/onnx_writer.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFERENCE "../shared/data/onnx"

/* --- networks for the rules --- */

/* A model on x [1,8,8,8] and small weights; nodes are added to it, then it is built. */
static onnx_bytes start(void)
{
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,8,8,8");
    ow_value(&g, OW_INPUT, "x2", OW_FLOAT, "1,8,8,8");
    ow_value(&g, OW_INPUT, "small", OW_FLOAT, "1,8,1,1");
    ow_value(&g, OW_INPUT, "q", OW_INT8, "1,8,8,8");
    ow_value(&g, OW_INPUT, "flat", OW_FLOAT, "4,8");
    ow_initializer(&g, "w", OW_FLOAT, "8,8,1,1", NULL, 0);
    ow_initializer(&g, "w8", OW_FLOAT, "8,8", NULL, 0);
    ow_initializer(&g, "c", OW_FLOAT, "8", NULL, 0);
    ow_initializer(&g, "c1", OW_FLOAT, "1,8,1,1", NULL, 0);
    ow_initializer(&g, "one", OW_FLOAT, "", (float[]){1}, 4);
    ow_initializer(&g, "zero", OW_INT8, "", "", 1);
    return g;
}

static kerf_network *build(onnx_bytes *g, const char *output)
{
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    kerf_network *net = NULL;
    kerf_error err = {0};
    ow_value(g, OW_OUTPUT, output, OW_FLOAT, NULL);
    ow_model(&model, g, 13);
    if (ow_read(&model, NULL, &graph, &err) != KERF_OK || ir_infer(graph, &err) != KERF_OK ||
        ir_build_network(graph, "test", NULL, false, &net, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    ir_graph_free(graph);
    ow_free(&model);
    return net;
}

/* "conv+relu pool": groups in order, operators by name. */
static void expect(onnx_bytes *g, const char *output, const char *groups)
{
    char text[512] = "";
    kerf_network *net = build(g, output);
    for (size_t i = 0; i < net->n_groups; i++)
        for (size_t j = 0; j < net->groups[i].n_operators; j++) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s",
                     j   ? "+"
                     : i ? " "
                         : "",
                     net->operators[net->groups[i].operators[j]].name);
        }
    assert_string_equal(text, groups);
    kerf_network_destroy(&net);
}

static void batch_norm(onnx_bytes *g, const char *name, const char *from, const char *to)
{
    char operand_list[64];
    snprintf(operand_list, sizeof operand_list, "%s,c,c,c,c", from);
    ow_node(g, "BatchNormalization", name, operand_list, to, NULL);
}

static void epilogues(void **state)
{
    (void)state;
    onnx_bytes g = start();
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    batch_norm(&g, "bn", "a", "b");
    ow_node(&g, "Relu", "relu", "b", "y", NULL);
    expect(&g, "y", "conv+bn+relu");

    g = start(); /* residual, then activation: a ResNet block's end */
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Add", "add", "a,x", "b", NULL);
    ow_node(&g, "Relu", "relu", "b", "y", NULL);
    expect(&g, "y", "conv+add+relu");

    g = start(); /* the other operand comes later in the file, from a convolution of its own */
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Conv", "down", "x,w", "d", NULL);
    ow_node(&g, "Add", "add", "a,d", "b", NULL);
    ow_node(&g, "Relu", "relu", "b", "y", NULL);
    expect(&g, "y", "conv+add+relu down");

    g = start();
    ow_node(&g, "MatMul", "mm", "flat,w8", "a", NULL);
    ow_node(&g, "Add", "bias", "c,a", "b", NULL);
    ow_node(&g, "Sigmoid", "sigmoid", "b", "y", NULL);
    expect(&g, "y", "mm+bias+sigmoid");

    g = start(); /* one residual is what an epilogue takes */
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Add", "add", "a,x", "b", NULL);
    ow_node(&g, "Add", "add2", "b,x2", "d", NULL);
    ow_node(&g, "Relu", "relu", "d", "y", NULL);
    expect(&g, "y", "conv+add add2+relu");

    g = start();
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "PRelu", "prelu", "a,c1", "b", NULL);
    ow_node(&g, "Clip", "clip", "b,,one", "d", NULL);
    ow_node(&g, "Mul", "mul", "one,d", "y", NULL);
    expect(&g, "y", "conv+prelu+clip+mul");
}

static void chains(void **state)
{
    (void)state;
    onnx_bytes g = start();
    ow_node(&g, "Add", "add", "x,x2", "a", NULL);
    ow_node(&g, "Mul", "mul", "a,x", "b", NULL);
    ow_node(&g, "Sub", "sub", "x2,b", "d", NULL);
    ow_node(&g, "Relu", "relu", "d", "y", NULL);
    expect(&g, "y", "add+mul+sub+relu");

    g = start();
    batch_norm(&g, "bn", "x", "a");
    ow_node(&g, "Relu", "relu", "a", "b", NULL);
    ow_node(&g, "Conv", "conv", "b,w", "y", NULL);
    expect(&g, "y", "bn+relu conv");

    g = start(); /* x * sigmoid(x): a path that reads x twice */
    ow_node(&g, "Relu", "r", "x", "a", NULL);
    ow_node(&g, "Sigmoid", "sigmoid", "a", "b", NULL);
    ow_node(&g, "Mul", "mul", "a,b", "y", NULL);
    expect(&g, "y", "r sigmoid+mul");

    g = start(); /* both operands are the path */
    ow_node(&g, "Relu", "r", "x", "a", NULL);
    ow_node(&g, "Mul", "square", "a,a", "y", NULL);
    expect(&g, "y", "r+square");
}

static void ends(void **state)
{
    (void)state;
    onnx_bytes g = start(), a = {0}; /* read by two */
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Relu", "relu", "a", "b", NULL);
    ow_node(&g, "Add", "add", "a,b", "y", NULL);
    expect(&g, "y", "conv relu+add");

    g = start(); /* a result of the network */
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Relu", "relu", "a", "y", NULL);
    ow_value(&g, OW_OUTPUT, "a", OW_FLOAT, NULL);
    expect(&g, "y", "conv relu");

    g = start(); /* broadcast to something larger: the gate of squeeze and excitation */
    ow_node(&g, "Sigmoid", "gate", "small", "a", NULL);
    ow_node(&g, "Mul", "mul", "x,a", "y", NULL);
    expect(&g, "y", "gate mul");

    g = start(); /* pooling, softmax and views are on their own */
    ow_node(&g, "Relu", "r1", "x", "a", NULL);
    ow_node(&g, "GlobalAveragePool", "pool", "a", "b", NULL);
    ow_node(&g, "Relu", "r2", "b", "d", NULL);
    ow_node(&g, "Flatten", "flatten", "d", "e", NULL);
    ow_node(&g, "Relu", "r3", "e", "f", NULL);
    ow_node(&g, "Softmax", "softmax", "f", "h", NULL);
    ow_node(&g, "Relu", "r4", "h", "y", NULL);
    expect(&g, "y", "r1 pool r2 flatten r3 softmax r4");

    g = start(); /* a scale that is no constant cannot be folded into the convolution */
    ow_attr_ints(&a, "axes", (int64_t[]){0}, 1);
    ow_attr_int(&a, "keepdims", 0);
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "ReduceMax", "max", "flat", "m", &a);
    ow_node(&g, "BatchNormalization", "bn", "a,m,c,c,c", "b", NULL);
    ow_node(&g, "Relu", "relu", "b", "y", NULL);
    expect(&g, "y", "conv max bn+relu");
}

/* What nobody reads does not end a group; nor does Shape, which reads no data. */
static void readers_that_do_not_count(void **state)
{
    (void)state;
    onnx_bytes g = start();
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Shape", "shape", "a", "s", NULL);
    ow_node(&g, "Relu", "relu", "a", "b", NULL);
    ow_node(&g, "Reshape", "reshape", "b,s", "y", NULL);
    expect(&g, "y", "conv+relu reshape");
}

static void quantized(void **state)
{
    (void)state;
    onnx_bytes g = start();
    ow_node(&g, "DequantizeLinear", "dq", "q,one,zero", "a", NULL);
    ow_node(&g, "Conv", "conv", "a,w", "b", NULL);
    ow_node(&g, "Relu", "relu", "b", "d", NULL);
    ow_node(&g, "QuantizeLinear", "quant", "d,one,zero", "e", NULL);
    ow_node(&g, "DequantizeLinear", "dq2", "e,one,zero", "f", NULL);
    ow_node(&g, "Conv", "conv2", "f,w", "y", NULL);
    expect(&g, "y", "dq+conv+relu+quant dq2+conv2");

    g = start(); /* int8 is what comes in: a DequantizeLinear begins a group in any case */
    ow_node(&g, "Transpose", "move", "q", "a", NULL);
    ow_node(&g, "Neg", "neg", "a", "b", NULL);
    ow_node(&g, "DequantizeLinear", "dq", "b,one,zero", "d", NULL);
    ow_node(&g, "Relu", "relu", "d", "y", NULL);
    expect(&g, "y", "move neg dq+relu");

    g = start(); /* and what works on int8 does not follow a QuantizeLinear */
    ow_node(&g, "Relu", "relu", "x", "a", NULL);
    ow_node(&g, "QuantizeLinear", "quant", "a,one,zero", "b", NULL);
    ow_node(&g, "Neg", "neg", "b", "y", NULL);
    expect(&g, "y", "relu+quant neg");

    g = start(); /* a second DequantizeLinear feeds the residual from a group of its own */
    ow_node(&g, "DequantizeLinear", "dq", "q,one,zero", "a", NULL);
    ow_node(&g, "DequantizeLinear", "dq2", "q,one,zero", "b", NULL);
    ow_node(&g, "Add", "add", "a,b", "d", NULL);
    ow_node(&g, "QuantizeLinear", "quant", "d,one,zero", "y", NULL);
    expect(&g, "y", "dq+add+quant dq2");
}

static void long_chains_are_cut(void **state)
{
    (void)state;
    onnx_bytes g = start();
    char from[16] = "x", to[16];
    for (int i = 0; i < 70; i++) {
        snprintf(to, sizeof to, i == 69 ? "y" : "t%d", i);
        ow_node(&g, "Relu", NULL, from, to, NULL);
        memcpy(from, to, sizeof from);
    }
    kerf_network *net = build(&g, "y");
    assert_int_equal(net->n_groups, 3);
    assert_int_equal(net->groups[0].n_operators, 32);
    assert_int_equal(net->groups[2].n_operators, 6);
    kerf_network_destroy(&net);
}

static const kerf_tensor *tensor(const kerf_network *net, const char *name)
{
    size_t t = kerf_network_find_tensor(net, name);
    assert_int_not_equal(t, KERF_NONE);
    return &net->tensors[t];
}

static void storage(void **state)
{
    (void)state;
    onnx_bytes g = start();
    ow_node(&g, "Conv", "conv", "x,w", "a", NULL);
    ow_node(&g, "Relu", "relu", "a", "b", NULL);
    ow_node(&g, "Flatten", "flatten", "b", "d", NULL);
    ow_node(&g, "Flatten", "again", "d", "e", NULL);
    ow_node(&g, "Flatten", "input", "x2", "f", NULL);
    ow_node(&g, "Add", "add", "e,f", "y", NULL);
    kerf_network *net = build(&g, "y");
    size_t b = kerf_network_find_tensor(net, "b");
    assert_int_equal(tensor(net, "a")->storage, b); /* inside the group */
    assert_int_equal(tensor(net, "b")->storage, b);
    assert_int_equal(tensor(net, "d")->storage, b); /* views of its result */
    assert_int_equal(tensor(net, "e")->storage, b);
    assert_int_equal(tensor(net, "f")->storage, kerf_network_find_tensor(net, "x2"));
    assert_int_equal(tensor(net, "y")->storage, kerf_network_find_tensor(net, "y"));
    kerf_network_destroy(&net);
}

/* --- what holds of every network --- */

static bool reads(const kerf_operator *op, size_t t)
{
    for (size_t i = 0; i < op->n_inputs; i++)
        if (op->inputs[i] == t)
            return true;
    return false;
}

/* The tensor from one operator of a group to the next: nobody else sees it. */
static void check_link(const kerf_network *net, size_t from, size_t to)
{
    size_t links = 0;
    for (size_t i = 0; i < net->operators[from].n_outputs; i++) {
        size_t t = net->operators[from].outputs[i];
        if (t == KERF_NONE || (!net->tensors[t].n_consumers && !net->tensors[t].is_output))
            continue;
        assert_true(reads(&net->operators[to], t));
        assert_int_equal(net->tensors[t].n_consumers, 1);
        assert_int_equal(net->tensors[t].consumers[0], to);
        assert_false(net->tensors[t].is_output);
        assert_int_not_equal(net->tensors[t].storage, t);
        links++;
    }
    assert_int_equal(links, 1);
}

static void check_partition(const kerf_network *net)
{
    size_t members = 0;
    for (size_t g = 0; g < net->n_groups; g++) {
        const kerf_group *group = &net->groups[g];
        assert_true(group->n_operators > 0);
        if (g)
            assert_true(net->groups[g - 1].operators[0] < group->operators[0]);
        for (size_t i = 0; i < group->n_operators; i++) {
            assert_int_equal(net->operators[group->operators[i]].group, g);
            assert_false(net->operators[group->operators[i]].constant);
            if (i)
                check_link(net, group->operators[i - 1], group->operators[i]);
        }
        members += group->n_operators;
    }
    assert_int_equal(members, net->n_placed);
    for (size_t i = 0; i < net->n_operators; i++)
        assert_int_equal(net->operators[i].group == KERF_NONE, net->operators[i].constant);
}

/* Contracted groups must leave a graph without cycles: all can be taken one after the other. */
static void check_contraction(const kerf_network *net)
{
    size_t n = net->n_groups, taken = 0, ready = 0;
    size_t *waiting = calloc(n + 1, sizeof *waiting), *queue = calloc(n + 1, sizeof *queue);
    assert_true(waiting && queue);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t g = 0; pass == 1 && g < n; g++)
            if (!waiting[g])
                queue[ready++] = g;
        for (size_t t = 0; pass == 0 && t < net->n_tensors; t++) {
            const kerf_tensor *at = &net->tensors[t];
            for (size_t c = 0; !at->constant && at->producer != KERF_NONE && c < at->n_consumers;
                 c++) {
                size_t to = net->operators[at->consumers[c]].group;
                waiting[to] += to != net->operators[at->producer].group;
            }
        }
    }
    for (; taken < ready; taken++)
        for (size_t i = 0; i < net->groups[queue[taken]].n_operators; i++) {
            const kerf_operator *op = &net->operators[net->groups[queue[taken]].operators[i]];
            for (size_t o = 0; o < op->n_outputs; o++) {
                if (op->outputs[o] == KERF_NONE || net->tensors[op->outputs[o]].constant)
                    continue;
                const kerf_tensor *at = &net->tensors[op->outputs[o]];
                for (size_t c = 0; c < at->n_consumers; c++) {
                    size_t to = net->operators[at->consumers[c]].group;
                    if (to != queue[taken] && !--waiting[to])
                        queue[ready++] = to;
                }
            }
        }
    free(waiting);
    free(queue);
    assert_int_equal(taken, n);
}

static void check_storage(const kerf_network *net)
{
    for (size_t t = 0; t < net->n_tensors; t++) {
        const kerf_tensor *at = &net->tensors[t];
        assert_true(at->storage < net->n_tensors);
        assert_int_equal(net->tensors[at->storage].storage, at->storage);
        if (at->constant)
            assert_int_equal(at->storage, t);
    }
}

static void reference_networks(void **state)
{
    (void)state;
    DIR *folder = opendir(REFERENCE);
    const kerf_network_options options = {.allow_unresolved = true};
    if (!folder)
        skip(); /* no reference data beside the project */
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char path[512];
        size_t length = strlen(entry->d_name);
        kerf_network *net = NULL;
        kerf_error err;
        if (length < 6 || strcmp(entry->d_name + length - 5, ".onnx") != 0)
            continue;
        snprintf(path, sizeof path, REFERENCE "/%s", entry->d_name);
        if (kerf_network_load(path, &options, &net, &err) != KERF_OK)
            fail_msg("%s: %s: %s", path, err.where, err.message);
        check_partition(net);
        check_contraction(net);
        check_storage(net);
        kerf_network_destroy(&net);
    }
    closedir(folder);
}

/* ResNet-50 as a runtime runs it: 53 convolutions with all that follows them, two pools, a view,
 * the classifier and the softmax. */
static void resnet50(void **state)
{
    (void)state;
    kerf_network *net = NULL;
    if (kerf_network_load(REFERENCE "/light_resnet50.onnx", NULL, &net, NULL) != KERF_OK)
        skip(); /* no reference data beside the project */
    assert_int_equal(net->n_groups, 53 + 5);
    assert_int_equal(net->n_placed, 176);
    kerf_network_destroy(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epilogues), cmocka_unit_test(chains),
        cmocka_unit_test(ends),      cmocka_unit_test(readers_that_do_not_count),
        cmocka_unit_test(quantized), cmocka_unit_test(long_chains_are_cut),
        cmocka_unit_test(storage),   cmocka_unit_test(reference_networks),
        cmocka_unit_test(resnet50),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
