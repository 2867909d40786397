/* Views, movement, indexing, resizing, generators, spectra, quantization. */
#include "tests/support/shape_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_views(void **state)
{
    static const shape_case cases[] = {
        {"Reshape", 13, "f2x3x4; i[0,-1]", "", "f2x12", 0, "view"},
        {"Reshape", 13, "f2x3x4; i[4,6]", "", "f4x6", 0, NULL},
        {"Reshape", 13, "f2x3x4; i[]", "", "!cannot become", 0, NULL},
        {"Reshape", 13, "f1; i[]", "", "f", 0, NULL},
        {"Reshape", 1, "f2x3x4", "shape=[6,-1]", "f6x4", 0, NULL},
        {"Reshape", 14, "f0x3; i[0,7]", "allowzero=1", "f0x7", 0, NULL},
        {"Reshape", 13, "f?x3x4; i[0,-1]", "", "f?x12", 0, NULL},
        {"Reshape", 13, "f?x3x4; i[-1,12]", "", "f?x12", 0, NULL},
        {"Reshape", 13, "f2x3x4; i[?,12]", "", "f2x12", 0, NULL},
        {"Reshape", 13, "f2x3x4; i[?,?,4]", "", "f?x?x4", 0, NULL},
        {"Reshape", 13, "f2x3x4; n3", "", "f?x?x?", 0, NULL},
        {"Reshape", 13, "f2x3x4; n?", "", "f*", 0, NULL},
        {"Reshape", 13, "f2x3x4; i[5,-1]", "", "!2x3x4 (24 elements) cannot become 5x", 0, NULL},
        {"Reshape", 13, "f2x3x4; i[-1,-1]", "", "!-1 at places 1 and 2", 0, NULL},
        {"Reshape", 13, "f2x3x4; i[-2,12]", "", "!size -2", 0, NULL},
        {"Reshape", 13, "f2x3; i[1,1,0]", "", "!to copy from", 0, NULL},
        {"Reshape", 13, "f0x3; i[0,-1]", "", "!cannot become", 0, NULL},
        {"Reshape", 13, "f2x3; i[9223372036854775807,9223372036854775807]", "", "!too many", 0,
         NULL},
        {"Flatten", 13, "f2x3x4", "", "f2x12", 0, "view"},
        {"Flatten", 13, "f2x3x4", "axis=0", "f1x24", 0, NULL},
        {"Flatten", 13, "f2x3x4", "axis=-1", "f6x4", 0, NULL},
        {"Flatten", 13, "f2x3x4", "axis=4", "!axis 4", 0, NULL},
        {"Squeeze", 11, "f1x3x1", "", "f3", 0, "view"},
        {"Squeeze", 11, "f1x3x1", "axes=[-1]", "f1x3", 0, NULL},
        {"Squeeze", 13, "f1x3x1; i[0]", "", "f3x1", 0, NULL},
        {"Squeeze", 13, "f1x?x1", "", "f*", 0, NULL},
        {"Squeeze", 13, "f1x?x1; i[1]", "", "f1x1", 0, NULL},
        {"Squeeze", 13, "f1x3x1; n1", "", "f*", 0, NULL},
        {"Squeeze", 11, "f1x3x1", "axes=[1]", "!cannot be squeezed", 0, NULL},
        {"Unsqueeze", 11, "f2x3", "axes=[0,-1]", "f1x2x3x1", 0, "view"},
        {"Unsqueeze", 13, "f2x3; i[1]", "", "f2x1x3", 0, NULL},
        {"Unsqueeze", 13, "f2x3; n1", "", "f?x?x?", 0, NULL},
        {"Unsqueeze", 13, "f2x3; i[1,1]", "", "!stands twice", 0, NULL},
        {"Unsqueeze", 13, "f2x3; i[4]", "", "!axis 4", 0, NULL},
        {"Identity", 13, "f2x3", "", "f2x3", 0, "view"},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_moves(void **state)
{
    static const shape_case cases[] = {
        {"Concat", 13, "f2x3; f2x5; f2x0", "axis=1", "f2x8", 0, "move"},
        {"Concat", 13, "f2x3; f?x5", "axis=-1", "f2x8", 0, NULL},
        {"Concat", 13, "f2x3; f2x?", "axis=1", "f2x?", 0, NULL},
        {"Concat", 13, "f2x3; f*", "axis=1", "f2x?", 0, NULL},
        {"Concat", 13, "f2x3; f3x5", "axis=1", "!cannot be joined", 0, NULL},
        {"Concat", 13, "f2x3; f2x3x1", "axis=1", "!cannot be joined", 0, NULL},
        {"Concat", 13, "f2x3", "axis=2", "!axis 2", 0, NULL},
        {"Split", 11, "f2x6", "axis=1", "f2x2; f2x2; f2x2", 0, "move"},
        {"Split", 11, "f2x6", "axis=1 split=[1,5]", "f2x1; f2x5", 0, NULL},
        {"Split", 13, "f2x6; i[4,2]", "axis=-1", "f2x4; f2x2", 0, NULL},
        {"Split", 18, "f2x7", "axis=1 num_outputs=3", "f2x3; f2x3; f2x1", 0, NULL},
        {"Split", 13, "f2x6; n2", "axis=1", "f2x?; f2x?", 0, NULL},
        {"Split", 13, "f2x7", "axis=1", "!cannot be split into 2; f", 0, NULL},
        {"Split", 13, "f2x6; i[4,3]", "axis=1", "!sum up to 7; f", 0, NULL},
        {"Split", 13, "f2x6; i[4,1,1]", "axis=1", "!3 sizes for 2; f", 0, NULL},
        {"Slice", 1, "f9x9", "starts=[1,-3] ends=[4,9]", "f3x3", 0, "move"},
        {"Slice", 1, "f9x9", "starts=[2] ends=[100] axes=[1]", "f9x7", 0, NULL},
        {"Slice", 13, "f9x9; i[0]; i[-1]; i[-1]; i[2]", "", "f9x4", 0, NULL},
        {"Slice", 13, "f9; i[8]; i[-10]; i[0]; i[-1]", "", "f9", 0, NULL},
        {"Slice", 13, "f9; i[-1]; i[-9223372036854775807]; i[0]; i[-3]", "", "f3", 0, NULL},
        {"Slice", 13, "f9; i[5]; i[2]", "", "f0", 0, NULL},
        {"Slice", 13, "f9x8; n1; i[2]; i[1]", "", "f9x?", 0, NULL},
        {"Slice", 13, "f9x8; i[1]; i[2]; n1", "", "f?x?", 0, NULL},
        {"Slice", 13, "f9x?; i[1]; i[2]; i[0]", "", "f1x?", 0, NULL},
        {"Slice", 13, "f9; i[1]; i[2]; i[0]; i[0]", "", "!step of axis 0 is 0", 0, NULL},
        {"Slice", 13, "f9; i[1]; i[2,3]", "", "!1 starts, but 2 ends", 0, NULL},
        {"Slice", 13, "f9; i[1]; i[2]; i[1]", "", "!axis 1", 0, NULL},
        {"Slice", 13, "f9; i[1,1]; i[2,2]", "", "!2 starts for 1 dimensions", 0, NULL},
        {"Transpose", 13, "f2x3x4", "", "f4x3x2", 0, "move"},
        {"Transpose", 13, "f2x3x4", "perm=[0,2,1]", "f2x4x3", 0, NULL},
        {"Transpose", 13, "f2x3x4", "perm=[0,1,1]", "!no permutation", 0, NULL},
        {"Transpose", 13, "f2x3x4", "perm=[0,1,3]", "!no permutation", 0, NULL},
        {"Transpose", 13, "f2x3x4", "perm=[0,1]", "!2 entries", 0, NULL},
        {"Pad", 2, "f2x3", "pads=[1,0,0,2]", "f3x5", 0, "move"},
        {"Pad", 11, "f2x3; i[0,-1,0,0]", "", "f2x2", 0, NULL},
        {"Pad", 18, "f2x3; i[2,3]; -; i[-1]", "", "f2x8", 0, NULL},
        {"Pad", 11, "f2x3; n4", "", "f?x?", 0, NULL},
        {"Pad", 11, "f2x3; i[0,0]", "", "!2 pads, expected 4", 0, NULL},
        {"Pad", 11, "f2x3; i[0,-4,0,0]", "", "!pads -4", 0, NULL},
        {"Tile", 13, "f2x3; i[2,1]", "", "f4x3", 0, "move"},
        {"Tile", 13, "f2x3; i[?,1]", "", "f?x3", 0, NULL},
        {"Tile", 13, "f2x3; i[2]", "", "!1 repeats", 0, NULL},
        {"Tile", 13, "f2x3; i[2,-1]", "", "!repeat -1", 0, NULL},
        {"Tile", 13, "f2x3; i[9223372036854775807,1]", "", "!too large", 0, NULL},
        {"Expand", 13, "f3x1; i[2,1,4]", "", "f2x3x4", 0, "move"},
        {"Expand", 13, "f3x1; i[?,3,4]", "", "f?x3x4", 0, NULL},
        /* Whatever 3 is expanded to, it stays 3. */
        {"Expand", 13, "f3x1; n3", "", "f?x3x?", 0, NULL},
        {"Expand", 13, "f3; i[4]", "", "!cannot be expanded", 0, NULL},
        {"Expand", 13, "f1; i[4611686018427387904]", "", "!too many elements", 0, NULL},
        {"DepthToSpace", 13, "f1x8x2x3", "blocksize=2", "f1x2x4x6", 0, "move"},
        {"DepthToSpace", 13, "f1x6x2x3", "blocksize=2", "!6 channels", 0, NULL},
        {"SpaceToDepth", 13, "f1x2x4x6", "blocksize=2", "f1x8x2x3", 0, "move"},
        {"SpaceToDepth", 13, "f1x2x4x6", "blocksize=0", "!blocksize", 0, NULL},
        {"CenterCropPad", 18, "f9x8x7; i[5,9]", "axes=[0,-1]", "f5x8x9", 0, "move"},
        {"Col2Im", 18, "f1x12x20; i[5,6]; i[2,2]", "", "f1x3x5x6", 0, "move"},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_indices(void **state)
{
    static const shape_case cases[] = {
        {"Gather", 13, "w99x12; n2x5", "", "f2x5x12", 0, "move"},
        {"Gather", 13, "f2x3x4; n", "axis=1", "f2x4", 0, NULL},
        {"Gather", 13, "f2x3x4; n7x8", "axis=-1", "f2x3x7x8", 0, NULL},
        {"Gather", 13, "f2x3x4; n", "axis=3", "!axis 3", 0, NULL},
        {"GatherND", 12, "f2x3x4; n5x2", "", "f5x4", 0, NULL},
        {"GatherND", 12, "f2x3x4; n2x5x1", "batch_dims=1", "f2x5x4", 0, NULL},
        {"GatherND", 12, "f2x3; n5x3", "", "!do not fit", 0, NULL},
        {"GatherElements", 13, "f2x3; n2x1", "axis=1", "f2x1", 0, NULL},
        {"GatherElements", 13, "f2x3; n2", "axis=1", "!differ", 0, NULL},
        {"ScatterND", 13, "f2x3; n1x1; f1x3", "", "f2x3", 0, "move"},
        {"ScatterElements", 13, "f2x3; n1x1; f1x1", "", "f2x3", 0, "move"},
        {"OneHot", 11, "n2x3; i(5); r[0,1]", "", "f2x3x5", 0, "move"},
        {"OneHot", 11, "n2x3; r(5); r[0,1]", "axis=0", "f5x2x3", 0, NULL},
        {"OneHot", 11, "n2x3; n; r[0,1]", "axis=1", "f2x?x3", 0, NULL},
        {"OneHot", 11, "n2x3; i(-5); r[0,1]", "", "!depth is -5", 0, NULL},
        {"Compress", 11, "f2x3; t[1,0,1]", "axis=1", "f2x2", 0, NULL},
        {"Compress", 11, "f2x3; b3", "axis=1", "f2x?", 0, NULL},
        {"Compress", 11, "f2x3; b3", "", "f?", 0, NULL},
        {"NonZero", 13, "f2x3", "", "n2x?", 0, NULL},
        {"NonMaxSuppression", 11, "f1x9x4; f1x1x9", "", "n?x3", 0, NULL},
        {"Unique", 11, "f2x3", "", "f?; n?; n6; n?", 0, NULL},
        {"Unique", 11, "f2x3", "axis=1", "f2x?; n?; n3; n?", 0, NULL},
        {"GridSample", 16, "f2x3x9x9; f2x4x5x2", "", "f2x3x4x5", 0, "move"},
        {"GridSample", 16, "f2x3x9x9; f3x4x5x2", "", "!do not fit", 0, NULL},
        {"AffineGrid", 20, "f2x2x3; i[2,3,5,6]", "", "f2x5x6x2", 0, NULL},
        {"AffineGrid", 20, "f2x3x4; i[2,3,4,5,6]", "", "f2x4x5x6x3", 0, NULL},
        {"ReverseSequence", 10, "f5x2x3; n2", "", "f5x2x3", 0, NULL},
        {"Det", 11, "f5x3x3", "", "f5", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_resize(void **state)
{
    static const shape_case cases[] = {
        {"Resize", 10, "f1x3x4x5; r[1,1,2,2.5]", "", "f1x3x8x12", 0, "move"},
        {"Resize", 11, "f1x3x4x5; -; r[1,1,0.5,0.5]", "", "f1x3x2x2", 0, NULL},
        {"Resize", 11, "f1x3x4x5; w0; w0; i[1,3,9,7]", "", "f1x3x9x7", 0, NULL},
        {"Resize", 13, "f1x3x4x5; -; -; i[1,3,?,7]", "", "f1x3x?x7", 0, NULL},
        {"Resize", 13, "f1x3x4x5; -; f4", "", "f?x?x?x?", 0, NULL},
        {"Resize", 18, "f1x3x4x5; -; -; i[8,8]", "axes=[2,3] keep_aspect_ratio_policy=not_larger",
         "f1x3x6x8", 0, NULL},
        {"Resize", 18, "f1x3x4x5; -; -; i[8,8]", "axes=[2,3] keep_aspect_ratio_policy=not_smaller",
         "f1x3x8x10", 0, NULL},
        {"Resize", 18, "f1x3x4x5; -; r[2]", "axes=[-1]", "f1x3x4x10", 0, NULL},
        {"Resize", 11, "f1x3x4x5; -; r[1,1,-2,2]", "", "!scale -2", 0, NULL},
        {"Resize", 11, "f1x3x4x5; -; r[2,2]", "", "!2 scales", 0, NULL},
        {"Resize", 11, "f1x3x4x5; -; r[1,1,1e30,1]", "", "!too large", 0, NULL},
        {"Resize", 11, "f1x3x4x5; -", "", "!neither", 0, NULL},
        {"Upsample", 7, "f1x3x4x5", "scales=[1.0,1.0,2.0,3.0]", "f1x3x8x15", 0, "move"},
        {"Upsample", 9, "f1x3x4x5; r[1,1,2,3]", "", "f1x3x8x15", 0, NULL},
        {"Upsample", 1, "f1x3x4x5", "height_scale=2.0 width_scale=3.0", "f1x3x8x15", 0, NULL},
        /* 13 * 1.2307693 is 16.000001 in single precision; 15.999999 would be 15. */
        {"Resize", 11, "f13; -; r[1.2307693]", "", "f16", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_generators(void **state)
{
    static const shape_case cases[] = {
        {"RandomNormal", 1, "", "shape=[2,3] dtype=10", "h2x3", 0, NULL},
        {"RandomUniformLike", 1, "f2x3", "", "f2x3", 0, NULL},
        {"Bernoulli", 15, "f2x3", "dtype=9", "b2x3", 0, NULL},
        {"Multinomial", 7, "f2x3", "sample_size=4", "m2x4", 0, NULL},
        {"EyeLike", 9, "f2x3", "dtype=7", "n2x3", 0, NULL},
        {"HannWindow", 17, "i(16)", "", "f16", 0, NULL},
        {"MelWeightMatrix", 17, "i(8); i(16); i(8000); r(0); r(100)", "", "f9x8", 0, NULL},
        {"DFT", 17, "f1x10x1", "", "f1x10x2", 0, NULL},
        {"DFT", 17, "f1x10x1; i(16)", "onesided=1 axis=1", "f1x9x2", 0, NULL},
        {"DFT", 20, "f1x10x7x1; -; i(1)", "onesided=1", "f1x6x7x2", 0, NULL},
        {"STFT", 17, "f1x128x1; i(8); w16", "", "f1x15x9x2", 0, NULL},
        {"STFT", 17, "f1x128x1; i(8); -; i(16)", "onesided=0", "f1x15x16x2", 0, NULL},
        {"STFT", 17, "f1x8x1; i(8); w16", "", "!shorter than a frame", 0, NULL},
        {"SequenceConstruct", 11, "f2x3", "", "x*", 0, NULL},
        {"SequenceLength", 11, "f*", "", "n", 0, NULL},
        {"StringNormalizer", 10, "s3", "", "x*", 0, NULL},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

static void test_quantization(void **state)
{
    static const shape_case cases[] = {
        {"QuantizeLinear", 13, "f2x3; w; q", "", "c2x3", 0, "elementwise"},
        {"QuantizeLinear", 13, "f2x3; w", "", "B2x3", 0, NULL},
        {"QuantizeLinear", 21, "f2x3; w", "output_dtype=3", "c2x3", 0, NULL},
        {"DequantizeLinear", 13, "c2x3; w; q", "", "f2x3", 0, "elementwise"},
        {"DequantizeLinear", 19, "c2x3; W; q", "", "h2x3", 0, NULL},
        {"DynamicQuantizeLinear", 11, "f2x3", "", "B2x3; f; B", 0, NULL},
        {"com.microsoft::QLinearAdd", 1, "B2x3; w; Q; B3; w; Q; w; Q", "", "B2x3", 0,
         "elementwise"},
        {"com.microsoft::QLinearSigmoid", 1, "B2x3; w; Q; w; Q", "", "B2x3", 0, NULL},
        {"com.microsoft::QLinearConcat", 1, "w; Q; B2x3; w; Q; B2x5; w; Q", "axis=1", "B2x8", 0,
         "move"},
        {"com.microsoft::QLinearReduceMean", 1, "B2x3x4; w; Q; w; Q", "axes=[1,2] keepdims=0", "B2",
         0, "reduce"},
    };
    (void)state;
    shape_check_all(cases, COUNT(cases));
}

/* Weights behind DequantizeLinear stay in their integer type, through Cast, Transpose, Reshape;
 * float weights that are quantized and dequantized in the file, too. */
static void test_stored_type(void **state)
{
    (void)state;
    ir_graph *graph = shape_graph(13);
    shape_value(graph, "x", "f1x3");
    shape_value(graph, "wq", "q4x3");
    shape_value(graph, "wf", "w3x4");
    shape_value(graph, "scale", "w");
    shape_value(graph, "zero", "q");
    shape_value(graph, "shape", "i[3,4]");
    shape_node(graph, "DequantizeLinear", "wq scale zero", "a", "");
    shape_node(graph, "Transpose", "a", "b", "");
    shape_node(graph, "Reshape", "b shape", "c", "");
    shape_node(graph, "Cast", "c", "d", "to=10");
    shape_node(graph, "QuantizeLinear", "wf scale zero", "e", "");
    shape_node(graph, "DequantizeLinear", "e scale zero", "f", "");
    shape_node(graph, "MatMul", "x b", "y", "");
    shape_node(graph, "DequantizeLinear", "x scale", "z", "");
    shape_infer(graph, NULL);
    assert_int_equal(shape_find(graph, "a")->stored_type, KERF_INT8);
    assert_int_equal(shape_find(graph, "b")->stored_type, KERF_INT8);
    assert_int_equal(shape_find(graph, "c")->stored_type, KERF_INT8);
    assert_int_equal(shape_find(graph, "d")->stored_type, KERF_INT8);
    assert_int_equal(shape_find(graph, "e")->stored_type, KERF_TYPE_UNKNOWN);
    assert_int_equal(shape_find(graph, "f")->stored_type, KERF_INT8);
    assert_int_equal(shape_find(graph, "z")->stored_type, KERF_TYPE_UNKNOWN);
    assert_int_equal(graph->nodes[6].weight_slots, 2);
    ir_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views),       cmocka_unit_test(test_moves),
        cmocka_unit_test(test_indices),     cmocka_unit_test(test_resize),
        cmocka_unit_test(test_generators),  cmocka_unit_test(test_quantization),
        cmocka_unit_test(test_stored_type),
    };
    return cmocka_run_group_tests_name("shape: views, movement, indices", tests, NULL, NULL);
}
