/* Convolutions and pooling: sizes worked by hand, MACs by the conventions of the reference data. */
#include "tests/support/shape_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_conv(void **state)
{
    static const shape_case cases[] = {
        /* ResNet's stem: (224 + 6 - 7) / 2 + 1 = 112. */
        {"Conv", 11, "f1x3x224x224; w64x3x7x7; w64", "strides=[2,2] pads=[3,3,3,3]",
         "f1x64x112x112", 118013952, "conv"},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "pads=[1,1,1,1]", "f1x4x8x8", 4 * 64 * 27, "conv"},
        {"Conv", 11, "f2x16x5x5; w8x16x1x1", "kernel_shape=[1,1]", "f2x8x5x5", 2 * 8 * 25 * 16,
         "pointwise"},
        {"Conv", 11, "f1x16x5x5; w8x8x1x1", "group=2", "f1x8x5x5", 8 * 25 * 8, "pointwise"},
        {"Conv", 11, "f1x6x7x7; w6x1x3x3", "group=6", "f1x6x5x5", 6 * 25 * 9, "depthwise"},
        {"Conv", 11, "f1x6x7x7; w12x1x3x3", "group=6", "f1x12x5x5", 12 * 25 * 9, "depthwise"},
        {"Conv", 11, "f1x6x7x7; w4x3x3x3", "group=2", "f1x4x5x5", 4 * 25 * 27, "conv"},
        /* Dilation 2 makes a 3-wide kernel 5 wide: (10 - 5) / 1 + 1 = 6. */
        {"Conv", 11, "f1x1x10x10; w1x1x3x3", "dilations=[2,2]", "f1x1x6x6", 36 * 9, NULL},
        {"Conv", 11, "f1x2x9; w3x2x4", "strides=[2]", "f1x3x3", 3 * 3 * 8, "conv"},
        {"Conv", 11, "f1x3x4x8x8; w2x3x3x3x3", "pads=[1,0,0,1,0,0]", "f1x2x4x6x6", 2 * 4 * 36 * 81,
         "conv"},
        /* SAME: ceil(size / stride), whatever the kernel. */
        {"Conv", 11, "f1x1x5x6; w1x1x3x3", "strides=[2,2] auto_pad=SAME_UPPER", "f1x1x3x3", 81,
         NULL},
        {"Conv", 11, "f1x1x5x6; w1x1x2x2", "strides=[3,2] auto_pad=SAME_LOWER", "f1x1x2x3", 24,
         NULL},
        {"Conv", 11, "f1x1x5x6; w1x1x1x1", "strides=[2,2] auto_pad=SAME_UPPER", "f1x1x3x3", 9,
         NULL},
        {"Conv", 11, "f1x1x5x6; w1x1x3x3", "strides=[2,2] pads=[9,9,9,9] auto_pad=VALID",
         "f1x1x2x2", 36, NULL},
        {"Conv", 11, "f?x3x8x8; w4x3x3x3", "", "f?x4x6x6", 0, "conv"},
        {"Conv", 11, "f1x3x?x8; w4x3x3x3", "", "f1x4x?x6", 0, NULL},
        {"Conv", 11, "f*; w4x3x3x3", "", "f*", 0, NULL},
        {"Conv", 11, "h1x3x8x8; W4x3x3x3", "", "h1x4x6x6", 4 * 36 * 27, NULL},
        {"com.microsoft::FusedConv", 11, "f1x3x8x8; w4x3x3x3", "activation=Relu", "f1x4x6x6",
         4 * 36 * 27, "conv"},
        {"ConvInteger", 11, "B1x3x8x8; Q4x3x3x3", "", "m1x4x6x6", 4 * 36 * 27, "conv"},
        {"QLinearConv", 11, "B1x3x8x8; w; Q; q4x3x3x3; w; q; w; Q; j[0,0,0,0]", "", "B1x4x6x6",
         4 * 36 * 27, "conv"},
        {"DeformConv", 19, "f1x3x8x8; w4x3x3x3; f1x18x6x6", "", "f1x4x6x6", 4 * 36 * 27, "conv"},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_conv_transpose(void **state)
{
    static const shape_case cases[] = {
        /* (4 - 1) * 2 + 3 = 9; MACs by input positions: 3 * 16 * 5 * 9. */
        {"ConvTranspose", 11, "f1x3x4x4; w3x5x3x3", "strides=[2,2]", "f1x5x9x9", 3 * 16 * 5 * 9,
         "conv"},
        {"ConvTranspose", 11, "f1x3x4x4; w3x5x3x3",
         "strides=[2,2] pads=[1,1,1,1] output_padding=[1,1]", "f1x5x8x8", 3 * 16 * 5 * 9, NULL},
        {"ConvTranspose", 11, "f1x3x4x4; w3x5x3x3", "strides=[2,2] output_shape=[10,8]",
         "f1x5x10x8", 3 * 16 * 5 * 9, NULL},
        {"ConvTranspose", 11, "f1x3x4x4; w3x5x3x3", "strides=[2,2] output_shape=[1,5,10,8]",
         "f1x5x10x8", 3 * 16 * 5 * 9, NULL},
        {"ConvTranspose", 11, "f1x3x4x4; w3x5x3x3", "strides=[2,2] auto_pad=SAME_UPPER", "f1x5x8x8",
         3 * 16 * 5 * 9, NULL},
        {"ConvTranspose", 11, "f1x4x4; w4x2x3", "group=2 dilations=[2] strides=[3]", "f1x4x14",
         4 * 4 * 2 * 3, NULL},
        {"ConvTranspose", 11, "f1x4x4x4; w4x1x2x2", "group=4 strides=[2,2]", "f1x4x8x8", 64 * 4,
         "depthwise"},
        {"ConvTranspose", 11, "f1x4x4x4; w3x1x2x2", "", "!channels", 0, NULL},
        {"ConvTranspose", 11, "f1x4x1x1; w4x1x2x2", "pads=[2,2,2,2]", "!would have size", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_pool(void **state)
{
    static const shape_case cases[] = {
        {"MaxPool", 12, "f1x64x112x112", "kernel_shape=[3,3] strides=[2,2] pads=[1,1,1,1]",
         "f1x64x56x56; n1x64x56x56", 0, "pool"},
        /* Room 54 - 3 = 51: 51 / 2 = 25.5, up to 26 windows and one. */
        {"MaxPool", 10, "f1x1x54x54", "kernel_shape=[3,3] strides=[2,2]", "f1x1x26x26", 0, NULL},
        {"MaxPool", 10, "f1x1x54x54", "kernel_shape=[3,3] strides=[2,2] ceil_mode=1", "f1x1x27x27",
         0, NULL},
        /* The last window would start at 2 * 2 = 4, beyond the input of 4: it is dropped. */
        {"MaxPool", 10, "f1x1x4", "kernel_shape=[1] strides=[2] ceil_mode=1", "f1x1x2", 0, NULL},
        {"AveragePool", 10, "f1x1x6", "kernel_shape=[3] strides=[4] pads=[0,1] ceil_mode=1",
         "f1x1x2", 0, NULL},
        /* Room 4 + 2 - 2 = 4, stride 3: 4 / 3 up to 2, but 2 * 3 >= 4 + 1. */
        {"AveragePool", 10, "f1x1x4", "kernel_shape=[2] strides=[3] pads=[1,1] ceil_mode=1",
         "f1x1x2", 0, NULL},
        /* A window that started at 5 would see the padding behind alone. */
        {"AveragePool", 10, "f1x1x4", "kernel_shape=[2] strides=[5] pads=[1,1] ceil_mode=1",
         "f1x1x1", 0, NULL},
        {"MaxPool", 10, "f1x1x7x7", "kernel_shape=[3,3] dilations=[2,2]", "f1x1x3x3", 0, NULL},
        {"MaxPool", 8, "f1x1x7x7", "kernel_shape=[2,2] strides=[2,2] auto_pad=SAME_UPPER",
         "f1x1x4x4", 0, NULL},
        {"LpPool", 11, "f1x1x7x7", "kernel_shape=[2,2]", "f1x1x6x6", 0, "pool"},
        {"GlobalAveragePool", 1, "f2x8x7x5", "", "f2x8x1x1", 0, "pool"},
        {"GlobalMaxPool", 1, "f2x8x7", "", "f2x8x1", 0, "pool"},
        {"com.microsoft::QLinearGlobalAveragePool", 1, "B2x7x5x8; w; Q; w; Q", "channels_last=1",
         "B2x1x1x8", 0, "pool"},
        {"com.microsoft::QLinearAveragePool", 1, "B2x7x5x8; w; Q; w; Q",
         "channels_last=1 kernel_shape=[2,2]", "B2x6x4x8", 0, "pool"},
        /* (2 - 1) * 2 + 2 = 4. */
        {"MaxUnpool", 11, "f1x1x2x2; n1x1x2x2", "kernel_shape=[2,2] strides=[2,2]", "f1x1x4x4", 0,
         "pool"},
        {"MaxUnpool", 11, "f1x1x2x2; n1x1x2x2; i[1,1,5,5]", "kernel_shape=[2,2] strides=[2,2]",
         "f1x1x5x5", 0, "pool"},
        {"MaxRoiPool", 1, "f1x3x9x9; f7x5", "pooled_shape=[2,4]", "f7x3x2x4", 0, "pool"},
        {"RoiAlign", 16, "f1x3x9x9; f?x4; n?", "output_height=7 output_width=6", "f?x3x7x6", 0,
         "pool"},
        {"MaxPool", 12, "f?x3x?x8", "kernel_shape=[2,2]", "f?x3x?x7", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_contradictions(void **state)
{
    static const shape_case cases[] = {
        {"Conv", 11, "f1x4x8x8; w4x3x3x3", "", "!4 channels, expected 3", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3; w5", "", "!bias has shape 5", 0, NULL},
        {"Conv", 11, "f1x3x2x2; w4x3x3x3", "", "!does not fit", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3", "", "!as many dimensions", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "strides=[0,1]", "!strides has entry 0", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "strides=[1]", "!strides has 1 entries", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "dilations=[-1,1]", "!dilations", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "pads=[-1,0,0,0]", "!pads", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "group=0", "!group is 0", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "group=-2", "!group is -2", 0, NULL},
        {"Conv", 11, "f1x6x8x8; w3x3x3x3", "group=2", "!divide into 2 groups", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "kernel_shape=[5,5]", "!the weights have 3", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x0x3", "", "!kernel of size 0", 0, NULL},
        {"Conv", 11, "f1x3x8x8; w4x3x3x3", "auto_pad=SOME", "!auto_pad is 'SOME'", 0, NULL},
        {"Conv", 11, "f1x3x8x8", "", "!operand 2 is missing", 0, NULL},
        {"Conv", 11, "f1x3x9000000000000000000; w4x3x3", "", "!too many elements", 0, NULL},
        {"Conv", 11, "f1x1x1000000000x1000000; w1000000x1x1x1", "", "!too many elements", 0, NULL},
        {"Conv", 11, "f1x100000x100000x100000; w100x100000x99x99", "", "!multiply-accumulates", 0,
         NULL},
        {"MaxPool", 11, "f1x3x8x8", "", "!kernel_shape is missing", 0, NULL},
        {"MaxPool", 11, "f3x8", "kernel_shape=[2]", "!at least 3 dimensions", 0, NULL},
        {"MaxPool", 11, "f1x3x8x8", "kernel_shape=[9,9]", "!does not fit", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

/* Output channels, and the weights by position: of a constant W and B, not of data. */
static void test_kernels_and_weights(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(11);
    shape_value(graph, "x", "f1x3x8x8");
    shape_value(graph, "w", "w4x3x3x3");
    shape_value(graph, "b", "w4");
    shape_value(graph, "k", "f2x4x1x1");
    shape_node(graph, "Conv", "x w b", "y", "");
    shape_node(graph, "Conv", "y k", "z", "");
    shape_infer(graph, NULL);
    assert_int_equal(graph->nodes[0].kernels, 4);
    assert_int_equal(graph->nodes[0].weight_slots, 6);
    assert_int_equal(graph->nodes[1].kernels, 2);
    assert_int_equal(graph->nodes[1].weight_slots, 0);
    assert_int_equal(graph->nodes[1].macs, 2 * 36 * 4);
    ir_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_conv_transpose),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_kernels_and_weights),
    };
    return cmocka_run_group_tests_name("shape: convolution and pooling", tests, NULL, NULL);
}
