/* Elementwise operators, normalizations, reductions. */
#include "tests/support/shape_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_unary(void **state)
{
    static const char *const names[] = {"Abs",
                                        "Acos",
                                        "BitwiseNot",
                                        "Ceil",
                                        "Celu",
                                        "Clip",
                                        "Cos",
                                        "Elu",
                                        "Erf",
                                        "Exp",
                                        "Floor",
                                        "Gelu",
                                        "HardSigmoid",
                                        "HardSwish",
                                        "LRN",
                                        "LeakyRelu",
                                        "Log",
                                        "MeanVarianceNormalization",
                                        "Mish",
                                        "Neg",
                                        "Reciprocal",
                                        "Relu",
                                        "Round",
                                        "Selu",
                                        "Shrink",
                                        "Sigmoid",
                                        "Sign",
                                        "Sin",
                                        "Softplus",
                                        "Softsign",
                                        "Sqrt",
                                        "Tan",
                                        "Tanh",
                                        "ThresholdedRelu",
                                        "Trilu",
                                        "com.microsoft::FastGelu",
                                        "com.microsoft::QuickGelu"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        shape_check(&(shape_case){names[i], 20, "h2x3", "", "h2x3", 0, NULL});
        shape_check(&(shape_case){names[i], 20, "f?x3", "", "f?x3", 0, NULL});
        shape_check(&(shape_case){names[i], 20, "f*", "", "f*", 0, NULL});
        shape_check(&(shape_case){names[i], 20, "-", "", "!operand 1 is missing", 0, NULL});
    }
}

static void test_binary(void **state)
{
    static const shape_case cases[] = {
        {"Add", 13, "f2x3; f2x3", "", "f2x3", 0, "elementwise"},
        {"Add", 13, "f8x1x6x1; f7x1x5", "", "f8x7x6x5", 0, NULL},
        {"Mul", 13, "f2x3; w", "", "f2x3", 0, NULL},
        {"Sub", 13, "f3; f2x1", "", "f2x3", 0, NULL},
        {"Div", 13, "f?x3; f1x3", "", "f?x3", 0, NULL},
        {"Div", 13, "f?x3; f4x1", "", "f4x3", 0, NULL},
        {"Div", 13, "f?x3; f?x1", "", "f?x3", 0, NULL},
        {"Pow", 13, "f2x3; n", "", "f2x3", 0, NULL},
        {"Add", 13, "f0x3; f1x3", "", "f0x3", 0, NULL},
        {"Add", 13, "f*; f1x3", "", "f*", 0, NULL},
        {"Add", 6, "f2x3x4; w3", "broadcast=1 axis=1", "f2x3x4", 0, NULL},
        {"Add", 13, "f2x3; f2x4", "", "!2x3 and 2x4", 0, NULL},
        {"Add", 13, "f2x3; f0x3", "", "!cannot be broadcast", 0, NULL},
        {"BitShift", 11, "B2x3; B3", "direction=LEFT", "B2x3", 0, "elementwise"},
        {"BitwiseAnd", 18, "n2x3; n3", "", "n2x3", 0, NULL},
        {"Less", 13, "f2x3; f3", "", "b2x3", 0, "elementwise"},
        {"Equal", 13, "n2x1; n3", "", "b2x3", 0, NULL},
        {"And", 7, "b2x1; b3", "", "b2x3", 0, NULL},
        {"Not", 7, "b2x1", "", "b2x1", 0, NULL},
        {"IsNaN", 13, "f2x3", "", "b2x3", 0, NULL},
        {"Where", 9, "b2x1; f1x3; f4x1x1", "", "f4x2x3", 0, NULL},
        {"Where", 9, "b2; f3; f1", "", "!cannot be broadcast", 0, NULL},
        {"Sum", 13, "f2x3; f3; f1x1; f2x1", "", "f2x3", 0, NULL},
        {"Max", 13, "f2x3", "", "f2x3", 0, NULL},
        {"Mean", 13, "f2x3; f*", "", "f*", 0, NULL},
        {"Min", 13, "f2x3; f3; f4", "", "!cannot be broadcast", 0, NULL},
        {"PRelu", 9, "f1x8x4x4; w8x1x1", "", "f1x8x4x4", 0, NULL},
        {"PRelu", 6, "f1x8x4x4; w8", "", "f1x8x4x4", 0, NULL},
        {"PRelu", 9, "f1x8x4x4; w7x1x1", "", "!slope", 0, NULL},
        {"Dropout", 13, "f2x3", "", "f2x3; b2x3", 0, "view"},
        {"Dropout", 7, "f2x3", "", "f2x3; f2x3", 0, "view"},
        {"Dropout", 13, "f2x3; r(0.5); t(1)", "", "f2x3", 0, "elementwise"},
        {"Dropout", 13, "f2x3; r(0.5); t(0)", "", "f2x3", 0, "view"},
        {"Cast", 13, "f2x3", "to=7", "n2x3", 0, "elementwise"},
        {"Cast", 13, "f2x3", "to=1", "f2x3", 0, "view"},
        {"Cast", 1, "f2x3", "to=INT32", "m2x3", 0, NULL},
        {"CastLike", 15, "f2x3; h", "", "h2x3", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_norm(void **state)
{
    static const shape_case cases[] = {
        {"BatchNormalization", 9, "f1x8x4x4; w8; w8; w8; w8", "", "f1x8x4x4", 0, "norm"},
        {"BatchNormalization", 15, "f1x8x4x4; w8; w8; w8; w8", "training_mode=1",
         "f1x8x4x4; f8; f8", 0, NULL},
        {"BatchNormalization", 9, "f1x8x4x4; w8; w8; w8; w7", "", "!var has shape 7", 0, NULL},
        {"BatchNormalization", 9, "f1x8x4x4; w8; w8; w8", "", "!operand 5 is missing", 0, NULL},
        {"LayerNormalization", 17, "f2x5x12; w12; w12", "", "f2x5x12; f2x5x1; f2x5x1", 0, "norm"},
        {"LayerNormalization", 17, "f2x5x12; w5x12", "axis=1", "f2x5x12; f2x1x1", 0, "norm"},
        {"LayerNormalization", 17, "f2x5x12; w13", "", "!cannot be broadcast", 0, NULL},
        {"LayerNormalization", 17, "f2x5x12; w12", "axis=3", "!axis 3 is out of range", 0, NULL},
        {"RMSNormalization", 23, "f2x5x12; w12", "", "f2x5x12", 0, "norm"},
        {"InstanceNormalization", 6, "f1x8x4x4; w8; w8", "", "f1x8x4x4", 0, "norm"},
        {"InstanceNormalization", 6, "f1x8x4x4; w8; w9", "", "!B has shape 9", 0, NULL},
        {"GroupNormalization", 18, "f1x8x4x4; w2; w2", "num_groups=2", "f1x8x4x4", 0, "norm"},
        {"LpNormalization", 1, "f1x8", "axis=-1", "f1x8", 0, "norm"},
        {"Softmax", 13, "f2x3", "axis=-1", "f2x3", 0, "reduce"},
        {"Softmax", 13, "f2x3", "axis=-3", "!out of range", 0, NULL},
        {"LogSoftmax", 11, "f2x3", "axis=2", "f2x3", 0, "reduce"},
        {"Hardmax", 11, "f2x3", "axis=3", "!out of range", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_reduce(void **state)
{
    static const shape_case cases[] = {
        {"ReduceMean", 11, "f2x3x4", "axes=[1]", "f2x1x4", 0, "reduce"},
        {"ReduceMean", 11, "f2x3x4", "axes=[-1,0] keepdims=0", "f3", 0, NULL},
        {"ReduceMax", 11, "f2x3x4", "", "f1x1x1", 0, NULL},
        {"ReduceSum", 13, "f2x3x4", "keepdims=0", "f", 0, NULL},
        {"ReduceSum", 13, "f2x3x4; i[1]", "keepdims=0", "f2x4", 0, NULL},
        {"ReduceSum", 13, "f2x3x4; i[]", "noop_with_empty_axes=1", "f2x3x4", 0, NULL},
        {"ReduceMin", 18, "f2x3x4; n1", "", "f?x?x?", 0, NULL},
        {"ReduceMin", 18, "f2x3x4; n1", "keepdims=0", "f?x?", 0, NULL},
        {"ReduceMin", 18, "f2x3x4; n?", "keepdims=0", "f*", 0, NULL},
        {"ReduceL2", 11, "f2x3x4", "axes=[3]", "!axis 3", 0, NULL},
        {"ReduceL2", 11, "f2x3x4", "axes=[1,-2]", "!stands twice", 0, NULL},
        {"ArgMax", 13, "f2x3x4", "axis=1", "n2x1x4", 0, "reduce"},
        {"ArgMin", 13, "f2x3x4", "axis=-1 keepdims=0", "n2x3", 0, NULL},
        {"TopK", 11, "f2x9; i[5]", "", "f2x5; n2x5", 0, "reduce"},
        {"TopK", 1, "f2x9", "k=4 axis=0", "!K is 4", 0, NULL},
        {"TopK", 1, "f2x9", "k=4 axis=1", "f2x4; n2x4", 0, NULL},
        {"TopK", 11, "f2x9; n1", "axis=0", "f?x9; n?x9", 0, NULL},
        {"TopK", 11, "f2x9; i[-1]", "", "!K is -1", 0, NULL},
        {"CumSum", 14, "f2x9; i(1)", "", "f2x9", 0, "reduce"},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

/* Constants of more than one element are weights; a factor is not. */
static void test_weights(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f2x3");
    shape_value(graph, "v", "w3");
    shape_value(graph, "one", "w1");
    shape_node(graph, "Mul", "x v", "a", "");
    shape_node(graph, "Add", "one a", "b", "");
    shape_node(graph, "Max", "b v v", "c", "");
    shape_node(graph, "Sum", "c v", "d", "");
    shape_node(graph, "Mul", "v v", "e", "");
    shape_node(graph, "Where", "v d e", "g", "");
    shape_infer(graph, NULL);
    assert_int_equal(graph->nodes[0].weight_slots, 2);
    assert_int_equal(graph->nodes[1].weight_slots, 0);
    assert_int_equal(graph->nodes[2].weight_slots, 6);
    assert_int_equal(graph->nodes[3].weight_slots, 0);
    assert_int_equal(graph->nodes[4].weight_slots, 0);
    assert_true(graph->nodes[4].constant);
    assert_false(graph->nodes[5].constant);
    ir_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary),  cmocka_unit_test(test_binary),  cmocka_unit_test(test_norm),
        cmocka_unit_test(test_reduce), cmocka_unit_test(test_weights),
    };
    return cmocka_run_group_tests_name("shape: elementwise", tests, NULL, NULL);
}
