/* If, Loop, Scan with bodies built by hand; the driver: declared shapes, unknown operators, reasons
 * that travel, hostile nesting. */
#include "tests/support/shape_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/shape/infer.h"

static void add_output(ir_graph *graph, const char *name)
{
    graph->outputs = realloc(graph->outputs, (graph->n_outputs + 1) * sizeof *graph->outputs);
    assert_non_null(graph->outputs);
    graph->outputs[graph->n_outputs++] = (size_t)(shape_find(graph, name) - graph->values);
}

/* y = x @ w, with w of these columns in the body. */
static ir_graph *branch_of(ir_graph *outer, const char *weights, const char *attributes,
                           const char *type)
{
    ir_graph *body = shape_graph(0);
    shape_capture(body, outer, "x");
    shape_value(body, "w", weights);
    shape_node(body, type, "x w", "y", attributes);
    add_output(body, "y");
    return body;
}

static ir_graph *if_graph(const char *condition, const char *then_weights, const char *else_weights)
{
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    shape_value(graph, "c", condition);
    /* Readers append what the bodies capture. */
    shape_node(graph, "If", "c x", "y", "");
    shape_body(graph, 0, "then_branch", branch_of(graph, then_weights, "", "MatMul"));
    shape_body(graph, 0, "else_branch", branch_of(graph, else_weights, "", "MatMul"));
    return graph;
}

static void test_if(void **state)
{
    (void)state;
    /* Both branches: the costlier counts, weights of both are there. */
    ir_graph *graph = if_graph("b", "w3x4", "w3x5");
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "y"), "f2x?", "if");
    assert_non_null(strstr(shape_find(graph, "y")->unresolved, "which branch of 'If_0'"));
    assert_int_equal(graph->nodes[0].macs, 30);
    assert_int_equal(graph->nodes[0].cls, KERF_CLASS_FC);
    assert_int_equal(graph->nodes[0].inner_params, 27);
    assert_int_equal(graph->nodes[0].inner_weight_bytes, 108);
    ir_graph_free(graph);
    graph = if_graph("b", "w3x4", "w3x4");
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "y"), "f2x4", "if");
    assert_false(graph->nodes[0].constant);
    ir_graph_free(graph);
    /* A known condition: the branch that runs, alone. */
    graph = if_graph("t(0)", "w3x4", "w3x5");
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "y"), "f2x5", "if");
    assert_int_equal(graph->nodes[0].macs, 30);
    assert_int_equal(graph->nodes[0].inner_params, 15);
    assert_false(graph->nodes[0].constant);
    ir_graph_free(graph);
    /* A branch whose shapes contradict cannot run; both are an error. */
    graph = if_graph("b", "w4x4", "w3x5");
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "y"), "f2x5", "if");
    ir_graph_free(graph);
    graph = if_graph("b", "w4x4", "w4x5");
    shape_infer(graph, "cannot be multiplied");
    ir_graph_free(graph);
}

/* The same weights captured by both branches are an input of the operator, and counted there. */
static void test_captured_weights(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    shape_value(graph, "c", "b");
    shape_value(graph, "w", "w3x4");
    shape_node(graph, "If", "c w x", "y", "");
    for (int i = 0; i < 2; i++) {
        ir_graph *body = shape_graph(0);
        shape_capture(body, graph, "x");
        shape_capture(body, graph, "w");
        shape_node(body, "MatMul", "x w", "y", "");
        add_output(body, "y");
        shape_body(graph, 0, i ? "else_branch" : "then_branch", body);
    }
    shape_infer(graph, NULL);
    assert_int_equal(graph->nodes[0].weight_slots, 2);
    assert_int_equal(graph->nodes[0].inner_params, 0);
    ir_graph_free(graph);
}

/* state = state @ w; also stacked by iteration. `grow`: the state gains a column instead. */
static ir_graph *loop_graph(const char *trips, const char *condition, bool grow, bool stop)
{
    ir_graph *graph = shape_graph(13), *body = shape_graph(0);
    shape_value(graph, "trips", trips);
    shape_value(graph, "c", condition);
    shape_value(graph, "x", "f2x3");
    shape_node(graph, "Loop", "trips c x", "last all", "");
    shape_value(body, "i", "n");
    shape_value(body, "go", "b");
    shape_value(body, "state", "f*");
    shape_value(body, "w", "w3x3");
    shape_value(body, "one", "w2x1");
    if (grow)
        shape_node(body, "Concat", "state one", "next", "axis=1");
    else
        shape_node(body, "MatMul", "state w", "next", "");
    shape_node(body, stop ? "IsNaN" : "Identity", stop ? "i" : "go", "again", "");
    shape_node(body, "ReduceMax", "next", "top", "keepdims=0 axes=[0]");
    add_output(body, "again");
    add_output(body, "next");
    add_output(body, "top");
    shape_body(graph, 0, "body", body);
    return graph;
}

static void test_loop(void **state)
{
    (void)state;
    ir_graph *graph = loop_graph("i(7)", "t(1)", false, false);
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "last"), "f2x3", "loop");
    shape_expect(shape_find(graph, "all"), "f7x3", "loop");
    assert_int_equal(graph->nodes[0].macs, 7 * 18);
    assert_int_equal(graph->nodes[0].inner_params, 9);
    assert_int_equal(graph->n_warnings, 0);
    ir_graph_free(graph);
    /* A condition that data decides: once, with a warning. */
    graph = loop_graph("i(7)", "t(1)", false, true);
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "all"), "f?x3", "loop");
    assert_int_equal(graph->nodes[0].macs, 18);
    assert_int_equal(graph->n_warnings, 1);
    assert_non_null(strstr(graph->warnings[0], "Loop_0: the number of iterations is not known"));
    ir_graph_free(graph);
    /* A trip count that is not known. */
    graph = loop_graph("n", "t(1)", false, false);
    shape_infer(graph, NULL);
    assert_int_equal(graph->nodes[0].macs, 18);
    assert_int_equal(graph->n_warnings, 1);
    ir_graph_free(graph);
    /* A condition that is false from the start. */
    graph = loop_graph("i(7)", "t(0)", false, false);
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "all"), "f0x3", "loop");
    assert_int_equal(graph->nodes[0].macs, 0);
    ir_graph_free(graph);
    /* A state that grows. */
    graph = loop_graph("i(7)", "t(1)", true, false);
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "last"), "f2x?", "loop");
    assert_non_null(strstr(shape_find(graph, "last")->unresolved, "from one iteration"));
    ir_graph_free(graph);
    /* A loop for ever overflows. */
    graph = loop_graph("i(9223372036854775807)", "t(1)", false, false);
    shape_infer(graph, "too many elements");
    ir_graph_free(graph);
}

static void test_scan(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13), *body = shape_graph(0);
    shape_value(graph, "s", "f4");
    shape_value(graph, "x", "f2x9x3");
    shape_node(graph, "Scan", "s x", "last all", "num_scan_inputs=1");
    shape_body(graph, 0, "body", body);
    shape_value(body, "state", "f*");
    shape_value(body, "slice", "f*");
    shape_value(body, "w", "w3x4");
    shape_node(body, "MatMul", "slice w", "y", "");
    shape_node(body, "Identity", "state", "next", "");
    add_output(body, "next");
    add_output(body, "y");
    shape_infer(graph, NULL);
    /* Two slices of 9x3. */
    shape_expect(shape_find(graph, "last"), "f4", "scan");
    shape_expect(shape_find(graph, "all"), "f2x9x4", "scan");
    assert_int_equal(graph->nodes[0].macs, 2 * 9 * 3 * 4);
    ir_graph_free(graph);
}

/* Loops in loops, each of which moves its state, would be inferred 2^31 times: that is refused. */
static void test_nesting(void **state)
{
    (void)state;
    ir_graph *outer = NULL, *graph = NULL;
    for (int depth = 0; depth < IR_MAX_DEPTH - 1; depth++) {
        ir_graph *level = shape_graph(depth ? 0 : 13);
        shape_value(level, "i", "n");
        shape_value(level, "go", "b");
        shape_value(level, "state", "f2x3");
        shape_value(level, "one", "w2x1");
        shape_node(level, "Loop", "i go one", "last", "");
        shape_node(level, "Concat", "last one", "next", "axis=1");
        add_output(level, "go");
        add_output(level, "next");
        if (outer)
            shape_body(outer, 0, "body", level);
        else
            graph = level;
        outer = level;
    }
    ir_graph *inner = shape_graph(0);
    shape_value(inner, "i", "n");
    shape_value(inner, "go", "b");
    shape_value(inner, "state", "f2x3");
    add_output(inner, "go");
    add_output(inner, "state");
    shape_body(outer, 0, "body", inner);
    kerf_error err = {0};
    assert_int_equal(ir_infer(graph, &err), KERF_E_TOO_LARGE);
    ir_graph_free(graph);
}

static void declare(ir_value *value, kerf_type type, int rank, int64_t first, int64_t second)
{
    value->declared_type = type;
    value->declared_rank = rank;
    value->declared_dims[0] = first;
    value->declared_dims[1] = second;
}

static void test_unknown_operators(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    shape_value(graph, "w", "w5");
    shape_node(graph, "com.x::Foo", "x w", "a", "");
    shape_node(graph, "com.x::Foo", "x", "b", "");
    shape_node(graph, "Relu", "b", "c", "");
    shape_node(graph, "Abs", "c", "d", "");
    shape_node(graph, "Bar", "x", "e", "");
    declare(shape_find(graph, "a"), KERF_FLOAT16, 2, 7, 9);
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "a"), "h7x9", "unknown");
    shape_expect(shape_find(graph, "b"), "x*", "unknown");
    assert_string_equal(shape_find(graph, "b")->unresolved,
                        "operator com.x::Foo is unknown and its output has no declared shape");
    assert_string_equal(shape_find(graph, "c")->unresolved, "depends on 'b'");
    assert_string_equal(shape_find(graph, "d")->unresolved, "depends on 'b'");
    assert_int_equal(graph->nodes[0].macs, 0);
    assert_int_equal(graph->nodes[0].weight_slots, 2);
    assert_int_equal(graph->n_warnings, 2);
    assert_non_null(strstr(graph->warnings[0], "operator com.x::Foo is unknown"));
    assert_non_null(strstr(graph->warnings[1], "operator Bar is unknown"));
    ir_graph_free(graph);
}

/* Declarations fill what data decides, and only that. */
static void test_declarations(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    shape_node(graph, "NonZero", "x", "a", "");
    shape_node(graph, "Transpose", "a", "b", "");
    shape_node(graph, "Relu", "x", "c", "");
    shape_node(graph, "Abs", "x", "d", "");
    declare(shape_find(graph, "b"), KERF_INT64, 2, 50, 2);
    declare(shape_find(graph, "c"), KERF_FLOAT32, 2, 2, 4);
    declare(shape_find(graph, "d"), KERF_FLOAT32, 2, 4, 4);
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "a"), "n2x?", "declared");
    assert_string_equal(shape_find(graph, "a")->unresolved,
                        "the output of NonZero depends on data");
    shape_expect(shape_find(graph, "b"), "n50x2", "declared");
    shape_expect(shape_find(graph, "c"), "f2x3", "declared");
    assert_int_equal(graph->n_warnings, 1);
    assert_string_equal(graph->warnings[0], "tensor 'c' is declared as 2x4 but computed as 2x3, "
                                            "and 1 others likewise: declaration ignored");
    ir_graph_free(graph);
}

/* An input that was given another shape than the file's makes every declaration stale: no noise. */
static void test_stale_declarations(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f8x3");
    shape_node(graph, "Relu", "x", "y", "");
    declare(shape_find(graph, "x"), KERF_FLOAT32, 2, 1, 3);
    declare(shape_find(graph, "y"), KERF_FLOAT32, 2, 1, 3);
    shape_infer(graph, NULL);
    assert_int_equal(graph->n_warnings, 0);
    shape_expect(shape_find(graph, "y"), "f8x3", "stale");
    ir_graph_free(graph);
}

static void test_inputs(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x?");
    shape_node(graph, "Relu", "x", "y", "");
    shape_infer(graph, NULL);
    assert_string_equal(shape_find(graph, "x")->unresolved,
                        "dimension 2 of the input is not fixed");
    assert_string_equal(shape_find(graph, "y")->unresolved, "depends on 'x'");
    ir_graph_free(graph);
    graph = shape_graph(13);
    shape_value(graph, "x", "f2x-5");
    shape_infer(graph, "negative size");
    ir_graph_free(graph);
    graph = shape_graph(13);
    shape_value(graph, "x", "f4611686018427387904x9");
    shape_infer(graph, "too many elements");
    ir_graph_free(graph);
}

/* A random tensor is drawn anew on either side of a cut: no constant, whatever it is made from. */
static void test_random_is_no_constant(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "w2x3");
    shape_node(graph, "RandomNormal", "", "a", "shape=[2,3]");
    shape_node(graph, "RandomNormalLike", "x", "b", "");
    shape_node(graph, "Shape", "b", "c", "");
    shape_infer(graph, NULL);
    assert_false(graph->nodes[0].constant);
    assert_false(graph->nodes[1].constant);
    assert_true(graph->nodes[2].constant);
    ir_graph_free(graph);
}

/* Node by node gives the same as all at once, also when repeated. */
static void test_node_by_node(void **state)
{
    (void)state;
    kerf_error err = {0};
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    shape_value(graph, "w", "w3x4");
    shape_node(graph, "MatMul", "x w", "y", "");
    assert_int_equal(ir_infer_sources(graph, &err), KERF_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ir_infer_node(graph, &graph->nodes[0], &err), KERF_OK);
        shape_expect(shape_find(graph, "y"), "f2x4", "node");
        assert_int_equal(graph->nodes[0].macs, 24);
        assert_int_equal(graph->nodes[0].weight_slots, 2);
    }
    ir_graph_free(graph);
}

/* A block's figures are the file's. */
static void test_given_figures(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    ir_node *node = shape_node(graph, "Block", "x", "y", "");
    node->figures_given = true;
    node->macs = 5;
    node->cls = KERF_CLASS_POOL;
    ir_value *y = shape_find(graph, "y");
    y->type = KERF_FLOAT32;
    y->rank = 1;
    y->dims[0] = 9;
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "y"), "f9", "block");
    assert_int_equal(graph->nodes[0].macs, 5);
    assert_int_equal(graph->nodes[0].cls, KERF_CLASS_POOL);
    assert_int_equal(graph->n_warnings, 0);
    ir_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_if),           cmocka_unit_test(test_captured_weights),
        cmocka_unit_test(test_loop),         cmocka_unit_test(test_scan),
        cmocka_unit_test(test_nesting),      cmocka_unit_test(test_unknown_operators),
        cmocka_unit_test(test_declarations), cmocka_unit_test(test_stale_declarations),
        cmocka_unit_test(test_inputs),       cmocka_unit_test(test_random_is_no_constant),
        cmocka_unit_test(test_node_by_node), cmocka_unit_test(test_given_figures),
    };
    return cmocka_run_group_tests_name("shape: control flow and the driver", tests, NULL, NULL);
}
