/* Constant folding: contents worked by hand, unknown elements, overflow, bounds. */
#include "tests/support/shape_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_arithmetic(void **state)
{
    static const shape_case cases[] = {
        {"Add", 13, "i[1,2,?]; i(10)", "", "i[11,12,?]", -1, NULL},
        {"Add", 13, "i[9223372036854775807]; i(1)", "", "i[?]", -1, NULL},
        {"Sub", 13, "i[1,2]; i[3,5]", "", "i[-2,-3]", -1, NULL},
        {"Mul", 13, "i[?,3]; i[0,4]", "", "i[0,12]", -1, NULL},
        {"Mul", 13, "i[4611686018427387904]; i(2)", "", "i[?]", -1, NULL},
        /* Integers divide towards zero; Mod takes the divisor's sign unless fmod says otherwise. */
        {"Div", 13, "i[-7,7,7]; i[2,-2,0]", "", "i[-3,-3,?]", -1, NULL},
        {"Mod", 13, "i[-7,7,5]; i[3,-3,-1]", "", "i[2,-2,0]", -1, NULL},
        {"Mod", 13, "i[-7,7]; i[3,-3]", "fmod=1", "i[-1,1]", -1, NULL},
        {"Pow", 13, "i[2,-1,7]; i[10,3,0]", "", "i[1024,-1,1]", -1, NULL},
        {"Pow", 13, "i[4]; r[0.5]", "", "i[2]", -1, NULL},
        {"Div", 13, "r[7.0]; r[2.0]", "", "r[3.5]", -1, NULL},
        /* Rounded to single precision, as a runtime computes it. */
        {"Add", 13, "r[16777216]; r[1]", "", "r[16777216]", -1, NULL},
        {"Min", 13, "i[5,3]; i[4]; i[9,1]", "", "i[4,1]", -1, NULL},
        {"Max", 13, "i[5,?]; i[4]", "", "i[5,?]", -1, NULL},
        {"Sum", 13, "i[5,3]; i[4]", "", "i[9,7]", -1, NULL},
        {"Neg", 13, "i[5,-3,?]", "", "i[-5,3,?]", -1, NULL},
        {"Abs", 13, "i[5,-3]", "", "i[5,3]", -1, NULL},
        {"Floor", 13, "r[1.7,-1.2]", "", "r[1,-2]", -1, NULL},
        {"Ceil", 13, "r[1.2,?]", "", "r[2,?]", -1, NULL},
        {"Round", 13, "r[0.5,1.5,2.6]", "", "r[0,2,3]", -1, NULL},
        {"Sqrt", 13, "r[9]", "", "r[3]", -1, NULL},
        {"Clip", 13, "i[-5,5,50]; i(0); i(9)", "", "i[0,5,9]", -1, NULL},
        {"Clip", 6, "r[-5,5,50]", "min=0.0 max=9.0", "r[0,5,9]", -1, NULL},
        {"Cast", 13, "r[1.9,-1.9,?]", "to=7", "i[1,-1,?]", -1, NULL},
        {"Cast", 13, "i[3,?]", "to=1", "r[3,?]", -1, NULL},
        {"Cast", 13, "i[300]", "to=6", "j[300]", -1, NULL},
        {"Cast", 13, "r[1e30]", "to=7", "i[?]", -1, NULL},
        {"Cast", 13, "i[3,0]", "to=9", "t[1,0]", -1, NULL},
        {"Cast", 13, "r[0.5,0]", "to=9", "t[1,0]", -1, NULL},
        {"Equal", 13, "i[1,2,?]; i(2)", "", "t[0,1,?]", -1, NULL},
        {"Less", 13, "r[1,2]; r(2)", "", "t[1,0]", -1, NULL},
        {"GreaterOrEqual", 13, "i[1,2]; i(2)", "", "t[0,1]", -1, NULL},
        {"Not", 13, "t[1,0,?]", "", "t[0,1,?]", -1, NULL},
        {"And", 13, "t[1,0,?]; t[?,?,1]", "", "t[?,0,?]", -1, NULL},
        {"Or", 13, "t[1,0,?]; t[?,?,1]", "", "t[1,?,1]", -1, NULL},
        {"Xor", 13, "t[1,1]; t[1,0]", "", "t[0,1]", -1, NULL},
        {"Where", 13, "t[1,0,?]; i[1,2,3]; i(9)", "", "i[1,9,?]", -1, NULL},
        {"ReduceProd", 13, "i[2,3,4]", "keepdims=0", "i(24)", -1, NULL},
        {"ReduceProd", 13, "i[2,?,0]", "", "i[0]", -1, NULL},
        {"ReduceSum", 13, "i[2,3,4]; i[0]", "keepdims=0", "i(9)", -1, NULL},
        {"ReduceMin", 13, "i[2,-3,4]", "", "i[-3]", -1, NULL},
        {"ReduceMax", 13, "r[2,-3,4]", "", "r[4]", -1, NULL},
        {"CumSum", 14, "i[2,3,?,1]; i(0)", "", "i[2,5,?,?]", -1, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_movement(void **state)
{
    static const shape_case cases[] = {
        {"Concat", 13, "i[1,2]; i[?]; i[4]", "axis=0", "i[1,2,?,4]", -1, NULL},
        {"Concat", 13, "i[1,2]; n2", "axis=0", "i[1,2,?,?]", -1, NULL},
        {"Gather", 13, "i[10,20,30]; i(1)", "", "i(20)", -1, NULL},
        {"Gather", 13, "i[10,20,30]; i[-1,0,7,?]", "", "i[30,10,?,?]", -1, NULL},
        {"GatherElements", 13, "i[10,20,30]; i[2,0]", "", "i[30,10]", -1, NULL},
        {"GatherND", 12, "i[10,20,30]; i[2]", "", "i(30)", -1, NULL},
        {"Slice", 13, "i[1,2,3,4]; i[1]; i[3]", "", "i[2,3]", -1, NULL},
        {"Slice", 13, "i[1,2,3,4]; i[-1]; i[-9]; i[0]; i[-1]", "", "i[4,3,2,1]", -1, NULL},
        {"Slice", 1, "i[1,2,3,4]", "starts=[-2] ends=[9]", "i[3,4]", -1, NULL},
        {"Squeeze", 13, "i[7]", "", "i(7)", -1, NULL},
        {"Unsqueeze", 11, "i(7)", "axes=[0]", "i[7]", -1, NULL},
        {"Identity", 13, "i[7,?]", "", "i[7,?]", -1, NULL},
        {"Reshape", 13, "i(7); i[1]", "", "i[7]", -1, NULL},
        {"Expand", 13, "i(7); i[3]", "", "i[7,7,7]", -1, NULL},
        {"Tile", 13, "i[1,2]; i[2]", "", "i[1,2,1,2]", -1, NULL},
        {"Split", 13, "i[1,2,3]; i[2,1]", "", "i[1,2]; i[3]", -1, NULL},
        {"ScatterND", 13, "i[1,2,3]; i[1]; i(9)", "", "i[1,9,3]", -1, NULL},
        {"NonZero", 13, "i(5)", "", "n1x1", -1, NULL},
        {"NonZero", 13, "i[5,0,-7]", "", "n1x2", -1, NULL},
        {"OneHot", 11, "i(1); i(3); i[0,5]", "", "i[0,5,0]", -1, NULL},
        {"Range", 11, "i(1); i(10); i(3)", "", "i[1,4,7]", -1, NULL},
        {"Range", 11, "i(3); i(0); i(-1)", "", "i[3,2,1]", -1, NULL},
        {"Range", 11, "i(3); i(3); i(1)", "", "i[]", -1, NULL},
        {"Range", 11, "r(0); r(1); r(0.25)", "", "r[0,0.25,0.5,0.75]", -1, NULL},
        {"Range", 11, "n; i(3); i(1)", "", "n?", -1, NULL},
        {"Range", 11, "i(0); i(1000000000000000000); i(1)", "", "!too many elements", -1, NULL},
        {"Range", 11, "i(0); i(3); i(0)", "", "!delta is 0", -1, NULL},
        {"Range", 11, "i(-9223372036854775807); i(9223372036854775807); i(1)", "",
         "!too many elements", -1, NULL},
        {"Shape", 13, "f2x?x4", "", "i[2,?,4]", -1, NULL},
        {"Shape", 15, "f2x3x4", "start=-2 end=9", "i[3,4]", -1, NULL},
        {"Shape", 15, "f2x3x4", "start=2 end=1", "i[]", -1, NULL},
        {"Shape", 13, "f*", "", "n?", -1, NULL},
        {"Size", 13, "f2x3x4", "", "i(24)", -1, NULL},
        {"Size", 13, "f2x?", "", "n", -1, NULL},
        {"Constant", 13, "", "value={i[4,5]}", "i[4,5]", -1, NULL},
        {"Constant", 13, "", "value_int=4", "i(4)", -1, NULL},
        {"Constant", 13, "", "value_ints=[4,5]", "i[4,5]", -1, NULL},
        {"Constant", 13, "", "value_float=4", "r(4)", -1, NULL},
        {"Constant", 13, "", "value_floats=[4.5,5.0]", "r[4.5,5]", -1, NULL},
        {"Constant", 13, "", "value_string=abc", "s", -1, NULL},
        {"ConstantOfShape", 13, "i[3]", "value={i[7]}", "i[7,7,7]", -1, NULL},
        {"ConstantOfShape", 13, "i[2]", "", "r[0,0]", -1, NULL},
        {"ConstantOfShape", 13, "i[]", "", "r(0)", -1, NULL},
        {"ConstantOfShape", 13, "i[2,?]", "", "f2x?", -1, NULL},
        {"ConstantOfShape", 13, "i[2,-2]", "", "!size -2", -1, NULL},
        {"ConstantOfShape", 13, "i[4611686018427387904]", "", "!too many elements", -1, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

/* The chain that exporters write for x.view(x.size(0), -1): its nodes are constants. */
static void test_shape_chain(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3x4");
    shape_value(graph, "zero", "i(0)");
    shape_value(graph, "axes", "i[0]");
    shape_value(graph, "minus", "i[-1]");
    shape_node(graph, "Shape", "x", "shape", "");
    shape_node(graph, "Gather", "shape zero", "batch", "");
    shape_node(graph, "Unsqueeze", "batch axes", "one", "");
    shape_node(graph, "Concat", "one minus", "new", "axis=0");
    shape_node(graph, "Reshape", "x new", "y", "");
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "new"), "i[2,-1]", "chain");
    shape_expect(shape_find(graph, "y"), "f2x12", "chain");
    for (size_t i = 0; i < 4; i++)
        assert_true(graph->nodes[i].constant);
    assert_false(graph->nodes[4].constant);
    assert_false(shape_find(graph, "y")->constant);
    ir_graph_free(graph);
}

/* An unknown batch travels through the chain beside the sizes that are known. */
static void test_partial_chain(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f?x16x16");
    shape_value(graph, "half", "i[1,1,2]");
    shape_node(graph, "Shape", "x", "shape", "");
    shape_node(graph, "Div", "shape half", "halved", "");
    shape_node(graph, "Expand", "x shape", "same", "");
    shape_node(graph, "Resize", "x - - halved", "y", "");
    shape_infer(graph, NULL);
    shape_expect(shape_find(graph, "halved"), "i[?,16,8]", "chain");
    shape_expect(shape_find(graph, "same"), "f?x16x16", "chain");
    shape_expect(shape_find(graph, "y"), "f?x16x8", "chain");
    assert_false(graph->nodes[0].constant);
    ir_graph_free(graph);
}

/* Above IR_MAX_FOLD elements nothing is kept; at the limit it is. */
static void test_limit(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "most", "i[4096]");
    shape_value(graph, "more", "i[4097]");
    shape_node(graph, "ConstantOfShape", "most", "a", "");
    shape_node(graph, "ConstantOfShape", "more", "b", "");
    shape_infer(graph, NULL);
    assert_non_null(shape_find(graph, "a")->floats);
    assert_null(shape_find(graph, "b")->floats);
    assert_true(shape_find(graph, "b")->constant);
    ir_graph_free(graph);
}

/* A file of many nodes cannot make the folder hoard memory: after 4 Mi elements it stops, but for
 * the small values that shapes are made of. */
static void test_budget(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    char name[32];
    shape_value(graph, "most", "i[4096]");
    shape_value(graph, "few", "i[4]");
    for (int i = 0; i < 1100; i++) {
        ir_node *node = shape_node(graph, "ConstantOfShape", i < 1099 ? "most" : "few", "", "");
        int length = snprintf(name, sizeof name, "y%d", i);
        node->outputs = realloc(node->outputs, sizeof *node->outputs);
        node->outputs[0] = ir_add_value(graph, name, (size_t)length);
        node->n_outputs = 1;
    }
    shape_infer(graph, NULL);
    assert_non_null(shape_find(graph, "y1000")->floats);
    assert_null(shape_find(graph, "y1098")->floats);
    assert_non_null(shape_find(graph, "y1099")->floats);
    ir_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),  cmocka_unit_test(test_movement),
        cmocka_unit_test(test_shape_chain), cmocka_unit_test(test_partial_chain),
        cmocka_unit_test(test_limit),       cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests_name("shape: constant folding", tests, NULL, NULL);
}
