/* ONNX graphs: nodes, attributes, nested graphs, model-local functions, and the reference files. */
#include "tests/support/onnx_writer.h"
#include "tests/support/torture.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REFERENCE "../shared/data/onnx"

static ir_graph *good(onnx_bytes *g, int64_t opset)
{
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    kerf_error err = {0};
    ow_model(&model, g, opset);
    if (ow_read(&model, NULL, &graph, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    ow_free(&model);
    return graph;
}

static const ir_value *find(const ir_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_values; i++)
        if (strcmp(graph->values[i].name, name) == 0)
            return &graph->values[i];
    fail_msg("no value '%s'", name);
    return NULL;
}

static const ir_node *find_node(const ir_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return &graph->nodes[i];
    fail_msg("no node '%s'", name);
    return NULL;
}

/* Names of a node's operands, joined by commas; "" for an omitted one. */
static const char *operands(const ir_graph *graph, const size_t *list, size_t n)
{
    static char text[512];
    *text = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "",
                 list[i] == KERF_NONE ? "" : graph->values[list[i]].name);
    }
    return text;
}

static void expect_inputs(const ir_graph *graph, const char *node, const char *names)
{
    const ir_node *found = find_node(graph, node);
    assert_string_equal(operands(graph, found->inputs, found->n_inputs), names);
}

static void expect_outputs(const ir_graph *graph, const char *node, const char *names)
{
    const ir_node *found = find_node(graph, node);
    assert_string_equal(operands(graph, found->outputs, found->n_outputs), names);
}

static void reads_nodes(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_node(&g, "Conv", "c", "x,w,", "y", NULL);
    ow_node_in(&g, 1, "ai.onnx", "Clip", "clip", "y,,high", "z,", NULL);
    ow_node_in(&g, 1, "com.acme", "Magic", NULL, "z", "out", NULL);
    ow_initializer(&g, "w", OW_FLOAT, "8,3,3,3", NULL, 0);
    ow_initializer(&g, "high", OW_FLOAT, "", (float[]){6}, 4);
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "N,3,?,224");
    ow_value(&g, OW_OUTPUT, "out", OW_FLOAT, "N,8,?,?");
    ow_value(&g, OW_VALUE_INFO, "z", OW_FLOAT16, "1,8,-1,224");
    ow_text(&g, 2, "the graph");
    ir_graph *graph = good(&g, 13);
    assert_string_equal(graph->name, "the graph");
    assert_int_equal(graph->opset, 13);
    assert_int_equal(graph->n_nodes, 3);
    expect_inputs(graph, "c", "x,w,");
    expect_inputs(graph, "clip", "y,,high");
    expect_outputs(graph, "clip", "z,");
    assert_string_equal(graph->nodes[1].domain, "");
    assert_string_equal(graph->nodes[2].domain, "com.acme");
    assert_string_equal(graph->nodes[2].name, "");
    assert_int_equal(graph->nodes[2].source_index, 2);
    assert_int_equal(graph->n_inputs, 1);
    const ir_value *x = find(graph, "x"), *z = find(graph, "z");
    assert_int_equal(x->type, KERF_FLOAT32);
    assert_int_equal(x->rank, 4);
    assert_int_equal(x->dims[0], 1); /* the batch */
    assert_int_equal(x->declared_dims[0], IR_DIM_UNKNOWN);
    assert_string_equal(x->dim_names[0], "N");
    assert_null(x->dim_names[2]);
    assert_int_equal(x->dims[2], IR_DIM_UNKNOWN);
    assert_int_equal(x->dims[3], 224);
    assert_int_equal(z->declared_type, KERF_FLOAT16);
    assert_int_equal(z->declared_rank, 4);
    assert_int_equal(z->declared_dims[2], IR_DIM_UNKNOWN);
    assert_int_equal(z->rank, -1);
    assert_null(z->dim_names);
    assert_int_equal(find(graph, "out")->declared_rank, 4);
    assert_int_equal(graph->n_warnings, 0);
    ir_graph_free(graph);
}

/* One attribute as a message: name, the given fields, and its type unless 0. */
static void attribute(onnx_bytes *attributes, const char *name, onnx_bytes *fields, int type)
{
    onnx_bytes attr = {0};
    ow_text(&attr, 1, name);
    ow_raw(&attr, fields->data, fields->n);
    ow_free(fields);
    if (type)
        ow_int(&attr, 20, type);
    ow_message(attributes, 5, &attr);
}

static void write_attributes(onnx_bytes *a, bool typed)
{
    onnx_bytes f = {0}, tensor = {0}, packed = {0};
    ow_float(&f, 2, 0.5F);
    attribute(a, "float", &f, typed ? 1 : 0);
    ow_int(&f, 3, -7);
    attribute(a, "int", &f, typed ? 2 : 0);
    ow_text(&f, 4, "SAME_UPPER");
    attribute(a, "string", &f, typed ? 3 : 0);
    ow_tensor(&tensor, NULL, OW_INT64, "2");
    ow_data(&tensor, 9, (int64_t[]){8, 9}, 16);
    ow_message(&f, 5, &tensor);
    attribute(a, "tensor", &f, typed ? 4 : 0);
    ow_float(&f, 7, 1.5F);
    ow_float(&f, 7, 2.5F);
    attribute(a, "floats", &f, typed ? 6 : 0);
    ow_int(&f, 8, 1);
    ow_varint(&packed, 2);
    ow_varint(&packed, 3);
    ow_message(&f, 8, &packed);
    attribute(a, "ints", &f, typed ? 7 : 0);
    ow_text(&f, 9, "one");
    ow_text(&f, 9, "");
    attribute(a, "strings", &f, typed ? 8 : 0);
}

static void check_attributes(const ir_node *node)
{
    size_t n;
    assert_true(ir_attr_float(node, "float", 0) == 0.5);
    assert_int_equal(ir_attr_int(node, "int", 0), -7);
    assert_true(ir_attr_float(node, "int", 0) == -7);
    assert_string_equal(ir_attr_string(node, "string", ""), "SAME_UPPER");
    const int64_t *ints = ir_attr_ints(node, "ints", &n);
    assert_int_equal(n, 3);
    assert_int_equal(ints[2], 3);
    const ir_attr *floats = ir_attr_find(node, "floats");
    assert_int_equal(floats->n, 2);
    assert_true(floats->floats[1] == 2.5);
    const ir_attr *strings = ir_attr_find(node, "strings");
    assert_int_equal(strings->n, 2);
    assert_string_equal(strings->strings[0], "one");
    assert_string_equal(strings->strings[1], "");
    const ir_attr *tensor = ir_attr_find(node, "tensor");
    assert_int_equal(tensor->kind, IR_ATTR_TENSOR);
    assert_int_equal(tensor->tensor->ints[1], 9);
    /* absent, or of another kind */
    assert_null(ir_attr_find(node, "nothing"));
    assert_int_equal(ir_attr_int(node, "string", 5), 5);
    assert_null(ir_attr_ints(node, "int", &n));
    assert_int_equal(n, 0);
}

static void reads_attributes(void **state)
{
    (void)state;
    for (int typed = 0; typed < 2; typed++) {
        onnx_bytes g = {0}, a = {0};
        write_attributes(&a, typed);
        ow_node(&g, "Odd", "n", "", "y", &a);
        ir_graph *graph = good(&g, 13);
        check_attributes(find_node(graph, "n"));
        ir_graph_free(graph);
    }
}

static void settles_odd_attributes(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0}, f = {0};
    static char large[(1 << 20) + 1];
    attribute(&a, "zero", &f, 2); /* a writer that leaves defaults out */
    attribute(&a, "none", &f, 7);
    attribute(&a, "empty", &f, 3);
    attribute(&a, "no tensor", &f, 4);
    attribute(&a, "no graph", &f, 5);
    attribute(&a, "nothing", &f, 0);
    ow_data(&f, 4, "a\0b", 3);
    attribute(&a, "blob", &f, 3);
    ow_data(&f, 4, large, sizeof large);
    attribute(&a, "large", &f, 3);
    ow_text(&f, 9, "left");
    ow_int(&f, 8, 1); /* of what it may be only one thing counts */
    attribute(&a, "both", &f, 7);
    ow_node(&g, "Odd", "n", "", "y", &a);
    ir_graph *graph = good(&g, 13);
    const ir_node *node = find_node(graph, "n");
    size_t n = 9;
    assert_int_equal(ir_attr_int(node, "zero", 5), 0);
    assert_non_null(ir_attr_ints(node, "none", &n));
    assert_int_equal(n, 0);
    assert_string_equal(ir_attr_string(node, "empty", "x"), "");
    assert_int_equal(ir_attr_find(node, "no tensor")->kind, IR_ATTR_OTHER);
    assert_int_equal(ir_attr_find(node, "no graph")->kind, IR_ATTR_OTHER);
    assert_int_equal(ir_attr_find(node, "nothing")->kind, IR_ATTR_OTHER);
    assert_int_equal(ir_attr_find(node, "blob")->kind, IR_ATTR_OTHER);
    assert_int_equal(ir_attr_find(node, "large")->kind, IR_ATTR_OTHER);
    assert_int_equal(ir_attr_find(node, "both")->n, 1);
    ir_graph_free(graph);
}

static void initializers_are_no_inputs(void **state)
{
    (void)state;
    onnx_bytes g = {0};
    ow_value(&g, OW_INPUT, "w", OW_FLOAT, "2,2");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1,2");
    ow_initializer(&g, "w", OW_FLOAT, "2,2", NULL, 0);
    ow_node(&g, "MatMul", "m", "x,w", "y", NULL);
    ir_graph *graph = good(&g, 0);
    assert_int_equal(graph->n_inputs, 1);
    assert_string_equal(graph->values[graph->inputs[0]].name, "x");
    assert_int_equal(graph->opset, 0);
    assert_int_equal(graph->n_warnings, 0);
    ir_graph_free(graph);
}

static void warns_of_unknown_operator_sets(void **state)
{
    (void)state;
    static const struct {
        int64_t opset;
        const char *warning;
    } cases[] = {{6, "older"}, {7, NULL}, {21, NULL}, {22, "newer"}};
    for (size_t i = 0; i < 4; i++) {
        onnx_bytes g = {0};
        ow_node(&g, "Odd", "n", "", "y", NULL);
        ir_graph *graph = good(&g, cases[i].opset);
        assert_int_equal(graph->opset, cases[i].opset);
        assert_int_equal(graph->n_warnings, cases[i].warning ? 1 : 0);
        if (cases[i].warning)
            assert_non_null(strstr(graph->warnings[0], cases[i].warning));
        ir_graph_free(graph);
    }
}

/* A branch that adds captured values: Add(left, right) -> out. */
static void branch(onnx_bytes *attributes, const char *name, const char *operand_list,
                   const char *own)
{
    onnx_bytes body = {0};
    if (own)
        ow_initializer(&body, own, OW_FLOAT, "1", (float[]){1}, 4);
    ow_node(&body, "Add", "add", operand_list, "out", NULL);
    ow_value(&body, OW_OUTPUT, "out", OW_FLOAT, "1");
    ow_attr_message(attributes, name, 6, 5, &body);
}

static const ir_graph *nested(const ir_graph *graph, const char *node, const char *attr)
{
    const ir_attr *found = ir_attr_find(find_node(graph, node), attr);
    assert_non_null(found);
    assert_int_equal(found->kind, IR_ATTR_GRAPH);
    assert_ptr_equal(found->graph->parent, graph);
    return found->graph;
}

static void nested_graphs_capture(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0};
    branch(&a, "then_branch", "a,b", NULL);
    branch(&a, "else_branch", "b,mine", "mine");
    ow_node(&g, "If", "if", "cond,b", "y", &a);
    ow_node(&g, "Relu", "later", "x", "a", NULL); /* captured from a node that stands behind */
    ow_value(&g, OW_INPUT, "cond", OW_BOOL, "1");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_value(&g, OW_INPUT, "b", OW_FLOAT, "1");
    ir_graph *graph = good(&g, 13);
    expect_inputs(graph, "if", "cond,b,a");
    assert_string_equal(graph->nodes[0].name, "later");
    const ir_graph *then_branch = nested(graph, "if", "then_branch");
    const ir_graph *else_branch = nested(graph, "if", "else_branch");
    assert_int_equal(then_branch->opset, 13);
    assert_string_equal(graph->values[find(then_branch, "a")->outer].name, "a");
    assert_string_equal(graph->values[find(then_branch, "b")->outer].name, "b");
    assert_int_equal(find(then_branch, "out")->outer, KERF_NONE);
    assert_int_equal(find(else_branch, "mine")->outer, KERF_NONE);
    assert_string_equal(graph->values[find(else_branch, "b")->outer].name, "b");
    ir_graph_free(graph);
}

static void inner_names_hide_outer_ones(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0}, body = {0};
    ow_value(&body, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node(&body, "Add", "add", "x,t", "y", NULL); /* t and y are made in here */
    ow_node(&body, "Relu", "relu", "x", "t", NULL);
    ow_value(&body, OW_OUTPUT, "y", OW_FLOAT, NULL);
    ow_value(&body, OW_OUTPUT, "straight", OW_FLOAT, NULL); /* captured and given back */
    ow_attr_message(&a, "body", 6, 5, &body);
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node(&g, "Relu", "r", "x", "t", NULL);
    ow_node(&g, "Relu", "s", "x", "straight", NULL);
    ow_node(&g, "Loop", "loop", ",,x", "y", &a);
    ir_graph *graph = good(&g, 13);
    expect_inputs(graph, "loop", ",,x,straight");
    const ir_graph *inner = nested(graph, "loop", "body");
    assert_string_equal(inner->nodes[0].name, "relu");
    assert_int_equal(find(inner, "x")->outer, KERF_NONE);
    assert_int_equal(find(inner, "t")->outer, KERF_NONE);
    ir_graph_free(graph);
}

static void captures_pass_through_levels(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0}, inner_attr = {0}, body = {0};
    branch(&inner_attr, "then_branch", "deep,middle", NULL);
    ow_node(&body, "Relu", "m", "deep", "middle", NULL);
    ow_node(&body, "If", "inner", "cond", "out", &inner_attr);
    ow_value(&body, OW_OUTPUT, "out", OW_FLOAT, NULL);
    ow_attr_message(&a, "then_branch", 6, 5, &body);
    ow_node(&g, "If", "outer", "cond", "y", &a);
    ow_value(&g, OW_INPUT, "cond", OW_BOOL, "1");
    ow_value(&g, OW_INPUT, "deep", OW_FLOAT, "1");
    ir_graph *graph = good(&g, 13);
    expect_inputs(graph, "outer", "cond,deep");
    const ir_graph *middle = nested(graph, "outer", "then_branch");
    const ir_node *holder = find_node(middle, "inner");
    const char *names = operands(middle, holder->inputs, holder->n_inputs);
    assert_true(strcmp(names, "cond,deep,middle") == 0 || strcmp(names, "cond,middle,deep") == 0);
    ir_graph_free(graph);
}

/* --- model-local functions --- */

static void function_head(onnx_bytes *f, const char *name)
{
    ow_text(f, 1, name);
    ow_text(f, 10, "local");
}

static ir_graph *read_with_functions(onnx_bytes *g, onnx_bytes *functions, size_t n,
                                     kerf_error *err)
{
    onnx_bytes model = {0};
    ir_graph *graph = NULL;
    memset(err, 0, sizeof *err);
    ow_model(&model, g, 18);
    for (size_t i = 0; i < n; i++)
        ow_message(&model, 25, &functions[i]);
    ow_read(&model, NULL, &graph, err);
    ow_free(&model);
    return graph;
}

static void functions_are_expanded(void **state)
{
    (void)state;
    onnx_bytes g = {0}, f[2] = {{0}}, a = {0}, fields = {0};
    kerf_error err;
    /* outer(p, q) = inner(p) + q; inner(p) = LeakyRelu(p, alpha: by call, else 0.25; axis: 3) */
    function_head(&f[0], "outer");
    ow_text(&f[0], 4, "p");
    ow_text(&f[0], 4, "q");
    ow_text(&f[0], 5, "r");
    ow_attr_reference(&a, "alpha", "slope", 1);
    ow_node_in(&f[0], 7, "local", "inner", "i", "p", "t", &a);
    ow_node_in(&f[0], 7, "", "Add", NULL, "t,q", "r", NULL);
    function_head(&f[1], "inner");
    ow_text(&f[1], 4, "p");
    ow_text(&f[1], 5, "r");
    ow_attr_reference(&a, "alpha", "alpha", 1);
    ow_attr_int(&a, "axis", 3);
    ow_node_in(&f[1], 7, "", "LeakyRelu", "leaky", "p", "r", &a);
    {
        onnx_bytes attr = {0};
        ow_text(&attr, 1, "alpha");
        ow_float(&attr, 2, 0.25F);
        ow_int(&attr, 20, 1);
        ow_message(&f[1], 11, &attr);
    }
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_float(&fields, 2, 0.5F);
    attribute(&a, "slope", &fields, 1);
    ow_node_in(&g, 1, "local", "outer", "first", "x,x", "y", &a);
    ow_node_in(&g, 1, "local", "outer", NULL, "y,x", "z", NULL);
    ow_node(&g, "Relu", "last", "z", "out", NULL);
    ow_value(&g, OW_OUTPUT, "out", OW_FLOAT, "1");
    ir_graph *graph = read_with_functions(&g, f, 2, &err);
    if (!graph)
        fail_msg("%s: %s", err.where, err.message);
    assert_int_equal(graph->n_nodes, 5);
    assert_string_equal(graph->nodes[0].name, "first/i/leaky");
    assert_string_equal(graph->nodes[1].name, "first/Add_1");
    assert_int_equal(graph->nodes[1].source_index, 0);
    assert_string_equal(graph->nodes[2].name, "outer_1/i/leaky");
    assert_int_equal(graph->nodes[2].source_index, 1);
    expect_inputs(graph, "first/i/leaky", "x");
    expect_outputs(graph, "first/i/leaky", "first/t");
    expect_inputs(graph, "first/Add_1", "first/t,x");
    expect_outputs(graph, "first/Add_1", "y");
    assert_true(ir_attr_float(&graph->nodes[0], "alpha", 9) == 0.5);
    assert_int_equal(ir_attr_int(&graph->nodes[0], "axis", 9), 3);
    assert_true(ir_attr_float(&graph->nodes[2], "alpha", 9) == 0.25);
    ir_graph_free(graph);
}

static void functions_with_odd_operands(void **state)
{
    (void)state;
    onnx_bytes g = {0}, f = {0};
    kerf_error err;
    /* p comes back as it is, q is left out by the call, s is not wanted */
    function_head(&f, "odd");
    ow_text(&f, 4, "p");
    ow_text(&f, 4, "q");
    ow_text(&f, 5, "p");
    ow_text(&f, 5, "r");
    ow_text(&f, 5, "s");
    ow_node_in(&f, 7, "", "Clip", "clip", "p,,q", "r", NULL);
    ow_node_in(&f, 7, "", "Relu", "relu", "p", "s", NULL);
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node_in(&g, 1, "local", "odd", "call", "x,", "copy,y", NULL);
    ow_value(&g, OW_OUTPUT, "copy", OW_FLOAT, "1");
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, "1");
    ir_graph *graph = read_with_functions(&g, &f, 1, &err);
    if (!graph)
        fail_msg("%s: %s", err.where, err.message);
    assert_int_equal(graph->n_nodes, 3);
    assert_string_equal(graph->nodes[0].type, "Identity");
    assert_string_equal(operands(graph, graph->nodes[0].outputs, 1), "copy");
    expect_inputs(graph, "call/clip", "x,,");
    expect_outputs(graph, "call/relu", "call/s");
    ir_graph_free(graph);
}

/* choose(c, p) = If(c) { twice(p) }, twice(p) = p + p; y = choose(cond, x) */
static void write_choose(onnx_bytes *g, onnx_bytes *f)
{
    onnx_bytes a = {0}, body = {0};
    function_head(&f[0], "choose");
    ow_text(&f[0], 4, "c");
    ow_text(&f[0], 4, "p");
    ow_text(&f[0], 5, "r");
    ow_node_in(&body, 1, "local", "twice", "t", "p", "b", NULL);
    ow_value(&body, OW_OUTPUT, "b", OW_FLOAT, NULL);
    ow_attr_message(&a, "then_branch", 6, 5, &body);
    ow_node_in(&f[0], 7, "", "If", "if", "c", "r", &a);
    function_head(&f[1], "twice");
    ow_text(&f[1], 4, "p");
    ow_text(&f[1], 5, "r");
    ow_attr_reference(&a, "alpha", "alpha", 1);
    ow_node_in(&f[1], 7, "", "Add", "add", "p,p", "r", &a);
    ow_value(g, OW_INPUT, "cond", OW_BOOL, "1");
    ow_value(g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node_in(g, 1, "local", "choose", "call", "cond,x", "y", NULL);
}

static void functions_in_and_around_nested_graphs(void **state)
{
    (void)state;
    onnx_bytes g = {0}, f[2] = {{0}};
    kerf_error err;
    write_choose(&g, f);
    ir_graph *graph = read_with_functions(&g, f, 2, &err);
    if (!graph)
        fail_msg("%s: %s", err.where, err.message);
    expect_inputs(graph, "call/if", "cond,x");
    const ir_graph *inner = nested(graph, "call/if", "then_branch");
    assert_string_equal(inner->nodes[0].name, "t/add");
    assert_string_equal(operands(inner, inner->nodes[0].inputs, 2), "p,p");
    assert_string_equal(graph->values[find(inner, "p")->outer].name, "x");
    ir_graph_free(graph);
}

static void the_first_overload_counts(void **state)
{
    (void)state;
    onnx_bytes g = {0}, f[3] = {{0}};
    kerf_error err;
    for (int i = 0; i < 3; i++) {
        function_head(&f[i], i == 1 ? "other" : "same");
        ow_text(&f[i], 4, "p");
        ow_text(&f[i], 5, "r");
        ow_node_in(&f[i], 7, "", i == 0 ? "Relu" : i == 1 ? "Sin" : "Cos", "n", "p", "r", NULL);
    }
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node_in(&g, 1, "local", "same", "a", "x", "y", NULL);
    ow_node_in(&g, 1, "local", "other", "b", "y", "z", NULL);
    ir_graph *graph = read_with_functions(&g, f, 3, &err);
    if (!graph)
        fail_msg("%s: %s", err.where, err.message);
    assert_string_equal(find_node(graph, "a/n")->type, "Relu");
    assert_string_equal(find_node(graph, "b/n")->type, "Sin");
    assert_int_equal(graph->n_warnings, 1);
    ir_graph_free(graph);
}

static void functions_that_never_end(void **state)
{
    (void)state;
    enum { LEVELS = 31 };
    onnx_bytes g = {0}, f[LEVELS] = {{0}};
    kerf_error err;
    function_head(&f[0], "self");
    ow_text(&f[0], 4, "p");
    ow_text(&f[0], 5, "r");
    ow_node_in(&f[0], 7, "local", "self", "again", "p", "r", NULL);
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node_in(&g, 1, "local", "self", "call", "x", "y", NULL);
    assert_null(read_with_functions(&g, f, 1, &err));
    assert_int_equal(err.code, KERF_E_TOO_LARGE);
    assert_non_null(strstr(err.message, "deeper than 32"));

    /* each calls the next one four times: 4^31 nodes */
    for (int i = 0; i < LEVELS; i++) {
        char name[16], next[16];
        snprintf(name, sizeof name, "f%d", i);
        snprintf(next, sizeof next, "f%d", i + 1);
        function_head(&f[i], name);
        ow_text(&f[i], 4, "p");
        ow_text(&f[i], 5, "r");
        for (int j = 0; j < 3; j++)
            ow_node_in(&f[i], 7, "local", next, "n", "p", "t", NULL);
        ow_node_in(&f[i], 7, "local", next, "n", "p", "r", NULL);
    }
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "1");
    ow_node_in(&g, 1, "local", "f0", "call", "x", "y", NULL);
    assert_null(read_with_functions(&g, f, LEVELS, &err));
    assert_int_equal(err.code, KERF_E_TOO_LARGE);
    assert_non_null(strstr(err.message, "expand to more than"));
}

/* --- reference files --- */

static double number(const json_t *json, const char *object, const char *key)
{
    return json_number_value(json_object_get(json_object_get(json, object), key));
}

static void check_nodes(const ir_graph *graph, const json_t *nodes)
{
    assert_int_equal(graph->n_nodes, json_array_size(nodes));
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const ir_node *node = &graph->nodes[i];
        const json_t *row = json_array_get(nodes, node->source_index);
        const json_t *outputs = json_array_get(row, 3);
        const char *op = json_string_value(json_array_get(row, 2));
        const char *base = strstr(op, "::") ? strstr(op, "::") + 2 : op;
        size_t written = 0;
        assert_string_equal(node->type, base);
        for (size_t j = 0; j < node->n_outputs; j++) {
            if (node->outputs[j] == KERF_NONE)
                continue;
            const json_t *output = json_array_get(outputs, written++);
            assert_string_equal(graph->values[node->outputs[j]].name,
                                json_string_value(json_array_get(output, 0)));
        }
        assert_int_equal(written, json_array_size(outputs));
    }
}

static void check_params(const ir_graph *graph, const json_t *reference)
{
    int64_t initializers = 0, constants = 0;
    for (size_t v = 0; v < graph->n_values; v++)
        if (graph->values[v].initializer)
            initializers += ir_elements(&graph->values[v]);
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 0; j < graph->nodes[i].n_attrs; j++)
            if (strcmp(graph->nodes[i].type, "Constant") == 0 && graph->nodes[i].attrs[j].tensor)
                constants += ir_elements(graph->nodes[i].attrs[j].tensor);
    assert_true((double)initializers == number(reference, "params", "initializer_elements"));
    /* A Constant's value may also be a plain attribute (value_int and so on). */
    assert_true((double)constants <= number(reference, "params", "constant_node_elements"));
}

static void check_file(const char *name)
{
    char path[512];
    ir_graph *graph = NULL;
    kerf_error err = {0};
    snprintf(path, sizeof path, REFERENCE "/%s.json", name);
    json_t *reference = json_load_file(path, 0, NULL);
    assert_non_null(reference);
    snprintf(path, sizeof path, REFERENCE "/%s.onnx", name);
    if (onnx_read(path, NULL, &graph, &err) != KERF_OK)
        fail_msg("%s: %s: %s", name, err.where, err.message);
    const json_t *inputs = json_object_get(reference, "inputs");
    assert_int_equal(graph->n_inputs, json_array_size(inputs));
    for (size_t i = 0; i < graph->n_inputs; i++)
        assert_string_equal(graph->values[graph->inputs[i]].name,
                            json_string_value(json_object_get(json_array_get(inputs, i), "name")));
    check_nodes(graph, json_object_get(reference, "nodes"));
    check_params(graph, reference);
    ir_graph_free(graph);
    json_decref(reference);
}

static void reference_files(void **state)
{
    (void)state;
    DIR *folder = opendir(REFERENCE);
    size_t files = 0;
    if (!folder)
        skip(); /* no reference data beside the project */
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char name[256];
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".onnx") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)length - 5, entry->d_name);
        check_file(name);
        files++;
    }
    closedir(folder);
    assert_true(files >= 47);
}

static kerf_status read_once(void *context, kerf_error *err)
{
    ir_graph *graph = NULL;
    kerf_status status = onnx_read(context, NULL, &graph, err);
    ir_graph_free(graph);
    return status;
}

static kerf_status read_bytes_once(void *context, kerf_error *err)
{
    ir_graph *graph = NULL;
    kerf_status status = ow_read(context, NULL, &graph, err);
    ir_graph_free(graph);
    return status;
}

static void functions_survive_lack_of_memory(void **state)
{
    (void)state;
    onnx_bytes g = {0}, f[2] = {{0}}, model = {0};
    if (!torture_available())
        skip(); /* sanitizers have an allocator of their own */
    write_choose(&g, f);
    ow_model(&model, &g, 18);
    ow_message(&model, 25, &f[0]);
    ow_message(&model, 25, &f[1]);
    torture_run(read_bytes_once, &model);
    ow_free(&model);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    static const char *const files[] = {"mnist_cntk_8", "silero_vad_16k_op15",
                                        "super_resolution_ir1", "tv_mobilenet_v3_small"};
    char path[512];
    ir_graph *graph = NULL;
    if (!torture_available() ||
        onnx_read(REFERENCE "/mnist_cntk_8.onnx", NULL, &graph, NULL) != KERF_OK)
        skip();
    ir_graph_free(graph);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, REFERENCE "/%s.onnx", files[i]);
        torture_run(read_once, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_nodes),
        cmocka_unit_test(reads_attributes),
        cmocka_unit_test(settles_odd_attributes),
        cmocka_unit_test(initializers_are_no_inputs),
        cmocka_unit_test(warns_of_unknown_operator_sets),
        cmocka_unit_test(nested_graphs_capture),
        cmocka_unit_test(inner_names_hide_outer_ones),
        cmocka_unit_test(captures_pass_through_levels),
        cmocka_unit_test(functions_are_expanded),
        cmocka_unit_test(functions_with_odd_operands),
        cmocka_unit_test(functions_in_and_around_nested_graphs),
        cmocka_unit_test(the_first_overload_counts),
        cmocka_unit_test(functions_that_never_end),
        cmocka_unit_test(reference_files),
        cmocka_unit_test(functions_survive_lack_of_memory),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
