/* JSON networks: what they may say, and one line for everything that they may not. */
#include "kerf/kerf.h"
#include "model/ir.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int make_folder(void **state)
{
    (void)state;
    char folder[] = "/tmp/kerf-json-XXXXXX";
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/net.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

static kerf_status load_text(const char *text, const kerf_network_options *options,
                             kerf_network **network, kerf_error *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return kerf_network_load(path, options, network, err);
}

/* A document around operators, with input x (1x3x32x32), and output y. */
#define HEAD "{\"format\":\"kerf-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\",\"shape\":"
#define WRAP_SHAPE(shape, operators)                                                               \
    HEAD shape "}],\"operators\":[" operators "],\"outputs\":[\"y\"]}"
#define WRAP(operators) WRAP_SHAPE("[1,3,32,32]", operators)
#define OP(type, attributes)                                                                       \
    "{\"name\":\"o\",\"type\":\"" type "\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],"                \
    "\"attributes\":{" attributes "}}"

static kerf_network *load(const char *text)
{
    char line[1300];
    kerf_error err = {0};
    kerf_network *network = NULL;
    if (load_text(text, NULL, &network, &err) != KERF_OK)
        fail_msg("%s: %s", text, kerf_error_line(&err, line, sizeof line));
    return network;
}

static const char *shape_of(const kerf_network *network, const char *name, char text[128])
{
    size_t index = kerf_network_find_tensor(network, name);
    assert_int_not_equal(index, KERF_NONE);
    const kerf_tensor *tensor = &network->tensors[index];
    text[0] = '\0';
    for (int i = 0; i < tensor->rank; i++)
        snprintf(text + strlen(text), 128 - strlen(text), "%s%" PRId64, i > 0 ? "x" : "",
                 tensor->dims[i]);
    return text;
}

/* The example that the contract has for users. */
static void contract_example(void **state)
{
    (void)state;
    kerf_network *network = load(
        "{\"format\": \"kerf-network/1\", \"name\": \"two-layer\",\n"
        " \"inputs\": [{\"name\": \"x\", \"shape\": [1,3,32,32], \"type\": \"float32\"}],\n"
        " \"operators\": [\n"
        "   {\"name\": \"c1\", \"type\": \"Conv\", \"inputs\": [\"x\"], \"outputs\": [\"y\"],\n"
        "    \"attributes\": {\"out_channels\": 64, \"kernel_shape\": [3,3], \"pads\": [1,1,1,1],"
        " \"strides\": [1,1], \"group\": 1}},\n"
        "   {\"name\": \"b1\", \"type\": \"Block\", \"inputs\": [\"y\"], \"outputs\": [\"z\"],\n"
        "    \"macs\": 1.0e6, \"weight_bytes\": 4096, \"output_shapes\": [[1,64,32,32]]}],\n"
        " \"outputs\": [\"z\"]}");
    char text[128];
    assert_string_equal(network->name, "two-layer");
    assert_string_equal(network->source, path);
    assert_int_equal(network->n_operators, 2);
    assert_int_equal(network->operators[0].macs, 64 * 3 * 9 * 32 * 32);
    assert_int_equal(network->operators[0].params, 64 * 3 * 9);
    assert_int_equal(network->operators[1].macs, 1000000);
    assert_int_equal(network->operators[1].weight_bytes, 4096);
    assert_string_equal(shape_of(network, "z", text), "1x64x32x32");
    assert_int_equal(network->weight_bytes, 64 * 3 * 9 * 4 + 4096);
    kerf_network_destroy(&network);
    assert_null(network);
    kerf_network_destroy(&network);
}

typedef struct weights_row {
    const char *document, *shape;
    int64_t params, macs;
} weights_row;

/* Weights made up from attributes, counted by hand. */
static const weights_row weights_rows[] = {
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3]")), "1x8x30x30", 8 * 3 * 9,
     8 * 30 * 30 * 27},
    {WRAP(OP("Conv", "\"out_channels\":6,\"kernel_shape\":[3,3],\"group\":3,\"bias\":true,"
                     "\"pads\":[1,1,1,1]")),
     "1x6x32x32", 6 * 9 + 6, 6 * 32 * 32 * 9},
    {WRAP(OP("ConvTranspose", "\"out_channels\":8,\"kernel_shape\":[2,2],\"strides\":[2,2]")),
     "1x8x64x64", 3 * 8 * 4, 3 * 32 * 32 * 8 * 4},
    {WRAP(OP("BatchNormalization", "")), "1x3x32x32", 12, 0},
    {WRAP(OP("InstanceNormalization", "")), "1x3x32x32", 6, 0},
    {WRAP(OP("GroupNormalization", "\"num_groups\":3")), "1x3x32x32", 6, 0},
    {WRAP(OP("LayerNormalization", "\"axis\":-1")), "1x3x32x32", 64, 0},
    {WRAP(OP("LayerNormalization", "\"axis\":2,\"bias\":false")), "1x3x32x32", 1024, 0},
    {WRAP(OP("RMSNormalization", "")), "1x3x32x32", 32, 0},
    {WRAP(OP("PRelu", "")), "1x3x32x32", 3, 0},
    {WRAP(OP("PRelu", "\"num_parameters\":1")), "1x3x32x32", 1, 0},
    {WRAP(OP("MatMul", "\"out_features\":10")), "1x3x32x10", 320, 3 * 32 * 10 * 32},
    {WRAP(OP("Add", "\"constant_shape\":[3,1,1]")), "1x3x32x32", 3, 0},
    {WRAP_SHAPE("[2,20]", OP("Gemm", "\"out_features\":10,\"bias\":true")), "2x10", 210, 400},
    {WRAP_SHAPE("[2,20]", OP("Gemm", "\"out_features\":10,\"transB\":1")), "2x10", 200, 400},
    {WRAP_SHAPE("[20,2]", OP("Gemm", "\"out_features\":10,\"transA\":1")), "2x10", 200, 400},
    {WRAP_SHAPE("[5,1,7]", OP("LSTM", "\"hidden_size\":4")), "5x1x1x4",
     4 * 4 * 7 + 4 * 4 * 4 + 8 * 4, 5 * 4 * 4 * (7 + 4)},
    {WRAP_SHAPE("[5,1,7]", OP("GRU", "\"hidden_size\":4,\"direction\":\"bidirectional\","
                                     "\"bias\":false")),
     "5x2x1x4", 2 * (3 * 4 * 7 + 3 * 4 * 4), 2 * 5 * 3 * 4 * (7 + 4)},
    {WRAP_SHAPE("[5,1,7]", OP("RNN", "\"hidden_size\":4")), "5x1x1x4", 4 * 7 + 4 * 4 + 8,
     5 * 4 * (7 + 4)},
};

static void made_up_weights(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof weights_rows / sizeof weights_rows[0]; i++) {
        char text[128];
        kerf_network *network = load(weights_rows[i].document);
        if (network->params != weights_rows[i].params || network->macs != weights_rows[i].macs)
            fail_msg("%s: %" PRId64 " parameters, %" PRId64 " MACs", weights_rows[i].document,
                     network->params, network->macs);
        assert_string_equal(shape_of(network, "y", text), weights_rows[i].shape);
        kerf_network_destroy(&network);
    }
}

static void embedding(void **state)
{
    (void)state;
    char text[128];
    kerf_network *network =
        load("{\"format\":\"kerf-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\","
             "\"shape\":[1,16],\"type\":\"int64\"}],\"operators\":[" OP(
                 "Gather", "\"num_embeddings\":100,\"embedding_dim\":8,\"weight_type\":"
                           "\"float16\"") "],\"outputs\":[\"y\"]}");
    assert_string_equal(shape_of(network, "y", text), "1x16x8");
    assert_int_equal(network->params, 800);
    assert_int_equal(network->weight_bytes, 1600);
    kerf_network_destroy(&network);
}

/* Attributes that ONNX has as operands. */
static void operands_from_attributes(void **state)
{
    static const char *const cases[][2] = {
        {WRAP(OP("Reshape", "\"shape\":[0,-1]")), "1x3072"},
        {WRAP(OP("Expand", "\"shape\":[4,3,32,32]")), "4x3x32x32"},
        {WRAP(OP("Tile", "\"repeats\":[1,2,1,1]")), "1x6x32x32"},
        {WRAP(OP("Squeeze", "\"axes\":[0]")), "3x32x32"},
        {WRAP(OP("Unsqueeze", "\"axes\":[0,5]")), "1x1x3x32x32x1"},
        {WRAP(OP("Slice", "\"starts\":[1,0],\"ends\":[3,10],\"axes\":[1,2],\"steps\":[1,2]")),
         "1x2x5x32"},
        {WRAP(OP("Pad", "\"pads\":[0,0,1,1,0,0,2,2],\"value\":0.5")), "1x3x35x35"},
        {WRAP(OP("Clip", "\"min\":0,\"max\":6")), "1x3x32x32"},
        {WRAP(OP("Resize", "\"scales\":[1,1,2,2],\"mode\":\"nearest\"")), "1x3x64x64"},
        {WRAP(OP("Resize", "\"sizes\":[1,3,50,60]")), "1x3x50x60"},
        {WRAP(OP("ReduceMean", "\"axes\":[2,3],\"keepdims\":false")), "1x3"},
        {WRAP(OP("Gather", "\"axis\":1,\"indices\":0")), "1x32x32"},
        {WRAP(OP("Gather", "\"axis\":1,\"indices\":[0,2]")), "1x2x32x32"},
        {WRAP(OP("Cast", "\"to\":\"float16\"")), "1x3x32x32"},
        {WRAP(OP("Div", "\"constant_value\":8")), "1x3x32x32"},
        {WRAP(OP("MaxPool", "\"kernel_shape\":[2,2],\"strides\":[2,2]")), "1x3x16x16"},
        {WRAP(OP("Transpose", "\"perm\":[0,2,3,1]")), "1x32x32x3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        kerf_network *network = load(cases[i][0]);
        assert_string_equal(shape_of(network, "y", text), cases[i][1]);
        kerf_network_destroy(&network);
    }
}

static void several_outputs(void **state)
{
    (void)state;
    char text[128];
    kerf_network *network =
        load(WRAP("{\"type\":\"Split\",\"inputs\":[\"x\"],\"outputs\":[\"a\",\"y\"],\"attributes\":"
                  "{\"axis\":2,\"split\":[12,20]}}"));
    assert_string_equal(shape_of(network, "y", text), "1x3x20x32");
    assert_string_equal(shape_of(network, "a", text), "1x3x12x32");
    kerf_network_destroy(&network);
}

/* Operators come in any order, and without a name. */
static void any_order(void **state)
{
    (void)state;
    char text[128];
    kerf_network *network =
        load(WRAP("{\"type\":\"Relu\",\"inputs\":[\"b\"],\"outputs\":[\"y\"]},"
                  "{\"type\":\"Conv\",\"inputs\":[\"a\"],\"outputs\":[\"b\"],\"attributes\":"
                  "{\"out_channels\":5,\"kernel_shape\":[1,1]}},"
                  "{\"type\":\"Sigmoid\",\"inputs\":[\"x\"],\"outputs\":[\"a\"]}"));
    assert_string_equal(shape_of(network, "y", text), "1x5x32x32");
    assert_string_equal(network->operators[0].type, "Sigmoid");
    assert_int_equal(network->operators[0].source_index, 2);
    kerf_network_destroy(&network);
}

static void constants(void **state)
{
    (void)state;
    char text[128];
    kerf_network *network =
        load("{\"format\":\"kerf-network/1\",\"name\":\"n\",\"source\":\"s\",\"description\":\"d\","
             "\"notes\":{\"a\":[]},\"inputs\":[{\"name\":\"x\",\"shape\":[1,12]}],\"constants\":["
             "{\"name\":\"w\",\"shape\":[12,6],\"type\":\"float32\"},"
             "{\"name\":\"s\",\"shape\":[2],\"type\":\"int64\",\"values\":[2,3]}],\"operators\":["
             "{\"type\":\"MatMul\",\"inputs\":[\"x\",\"w\"],\"outputs\":[\"a\"]},"
             "{\"type\":\"Reshape\",\"inputs\":[\"a\",\"s\"],\"outputs\":[\"y\"],\"notes\":1}],"
             "\"outputs\":[\"y\"]}");
    assert_string_equal(shape_of(network, "y", text), "2x3");
    assert_int_equal(network->params, 72);
    assert_int_equal(network->macs, 72);
    kerf_network_destroy(&network);
}

static void blocks(void **state)
{
    (void)state;
    kerf_network *network =
        load(WRAP("{\"name\":\"a\",\"type\":\"Block\",\"inputs\":[\"x\"],\"outputs\":[\"u\",\"v\"],"
                  "\"class\":\"conv\",\"kernels\":7,\"output_shapes\":[[1,2],[1,4]],"
                  "\"output_types\":[\"float16\",\"int8\"]},"
                  "{\"name\":\"b\",\"type\":\"Block\",\"inputs\":[\"u\",\"v\"],\"outputs\":[\"w\"],"
                  "\"macs\":123,\"output_bytes\":1000},"
                  "{\"name\":\"c\",\"type\":\"Block\",\"inputs\":[\"w\"],\"outputs\":[\"y\"],"
                  "\"output_bytes\":[24]}"));
    assert_int_equal(network->operators[0].cls, KERF_CLASS_CONV);
    assert_int_equal(network->operators[0].kernels, 7);
    assert_int_equal(network->operators[0].write_bytes, 4 + 4);
    assert_int_equal(network->operators[1].cls, KERF_CLASS_OTHER);
    assert_int_equal(network->operators[1].macs, 123);
    assert_int_equal(network->operators[1].write_bytes, 1000);
    assert_int_equal(network->operators[2].read_bytes, 1000);
    assert_int_equal(network->operators[2].write_bytes, 24);
    kerf_network_destroy(&network);
}

#define OPEN_SHAPE                                                                                 \
    WRAP_SHAPE("[\"batch\",3,\"side\",\"side\"]",                                                  \
               OP("Conv", "\"out_channels\":4,\"kernel_shape\":[3,3]"))

static void open_dimensions(void **state)
{
    (void)state;
    char text[128];
    const struct kerf_dim dims[] = {{"side", 34}};
    kerf_network_options options = {.batch = 2, .dims = dims, .n_dims = 1};
    kerf_network *network = NULL;
    kerf_error err = {0};
    assert_int_equal(load_text(OPEN_SHAPE, &options, &network, &err), KERF_OK);
    assert_string_equal(shape_of(network, "y", text), "2x4x32x32");
    assert_int_equal(network->params, 4 * 3 * 9);
    kerf_network_destroy(&network);
    assert_int_equal(load_text(OPEN_SHAPE, NULL, &network, &err), KERF_E_UNRESOLVED);
    assert_null(network);
    assert_non_null(strstr(err.message, "--dim"));
}

typedef struct refusal {
    const char *document;
    const char *line; /* after the file's name and ": " */
} refusal;

#define RELU(in, out) "{\"type\":\"Relu\",\"inputs\":[\"" in "\"],\"outputs\":[\"" out "\"]}"
#define BLOCK(rest)   "{\"type\":\"Block\",\"inputs\":[\"x\"],\"outputs\":[\"y\"]" rest "}"
#define WITH_CONSTANT(constant)                                                                    \
    "{\"format\":\"kerf-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\",\"shape\":[1]}],"   \
    "\"constants\":[" constant "],\"operators\":[" RELU("x", "y") "],\"outputs\":[\"y\"]}"
#define WITH_INPUTS(inputs)                                                                        \
    "{\"format\":\"kerf-network/1\",\"name\":\"n\",\"inputs\":" inputs                             \
    ",\"operators\":[" RELU("x", "y") "],\"outputs\":[\"y\"]}"
#define WITH_OUTPUTS(outputs)                                                                      \
    HEAD "[1]}],\"operators\":[" RELU("x", "y") "],\"outputs\":" outputs "}"

static const refusal refusals[] = {
    /* The document. */
    {"", "is empty, expected a JSON document"},
    {"[]", "is an array, expected an object"},
    {"{\"format\":\"kerf-link/1\"}", "/format: is \"kerf-link/1\", expected \"kerf-network/1\""},
    {"{\"format\":\"kerf-network/1\"}", "has no \"name\", expected it"},
    {"{\"format\":\"kerf-network/1\",\"name\":\"n\"}", "has no \"inputs\", expected it"},
    {"{\"format\":\"kerf-network/1\",\"name\":3}", "/name: is a number, expected a string"},
    {HEAD "[1]}]}", "has no \"operators\", expected it"},
    {HEAD "[1]}],\"operator\":[]}", "has no \"operators\" (is \"operator\" meant to be it?)"},
    {HEAD "[1]}],\"operators\":{}}", "/operators: is an object, expected an array"},
    {HEAD "[1]}],\"operators\":[]}", "/operators: is empty, expected at least one operator"},
    {HEAD "[1]}],\"operators\":[" RELU("x", "y") "]}", "has no \"outputs\", expected it"},
    {HEAD "[1]}],\"operators\":[" RELU("x", "y") "],\"outputs\":[\"y\"],\"constant\":[]}",
     "/constant: is an unknown key, did you mean \"constants\"?"},
    /* Inputs. */
    {WITH_INPUTS("[]"), "/inputs: is empty, expected at least one input"},
    {WITH_INPUTS("[3]"), "/inputs/0: is a number, expected an object"},
    {WITH_INPUTS("[{\"name\":\"x\"}]"), "/inputs/0: has no \"shape\", expected it"},
    {WITH_INPUTS("[{\"name\":\"\",\"shape\":[1]}]"),
     "/inputs/0/name: is empty, expected a tensor's name"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":3}]"),
     "/inputs/0/shape: is a number, expected an array"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[-2]}]"),
     "/inputs/0/shape/0: is -2, expected an integer from -1 to 1099511627776"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[1.5]}]"),
     "/inputs/0/shape/0: is 1.5, expected an integer"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[null]}]"),
     "/inputs/0/shape/0: is null, expected an integer"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[\"\"]}]"),
     "/inputs/0/shape/0: is empty, expected a dimension's name"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[1000000000,1000000000,1000000000]}]"),
     "/inputs/0/shape: has too many elements"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}]"),
     "/inputs/0/shape: has 17 dimensions, expected at most 16"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[1],\"type\":\"float\"}]"),
     "/inputs/0/type: \"float\" is no element type, expected one such as \"float32\""},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[1],\"typ\":\"float32\"}]"),
     "/inputs/0/typ: is an unknown key, did you mean \"type\"?"},
    {WITH_INPUTS("[{\"name\":\"x\",\"shape\":[1]},{\"name\":\"x\",\"shape\":[1]}]"),
     "/inputs/1/name: tensor \"x\" is produced twice, expected one producer"},
    /* Constants. */
    {WITH_CONSTANT("{\"name\":\"x\",\"shape\":[1]}"),
     "/constants/0/name: tensor \"x\" is produced twice, expected one producer"},
    {WITH_CONSTANT("{\"name\":\"c\",\"shape\":[-1]}"),
     "/constants/0/shape/0: is -1, expected an integer from 0 to 1099511627776"},
    {WITH_CONSTANT("{\"name\":\"c\",\"shape\":[2],\"values\":[1]}"),
     "/constants/0/values: has 1 values, expected 2 as the shape says"},
    {WITH_CONSTANT("{\"name\":\"c\",\"shape\":[1],\"type\":\"int64\",\"values\":[1.5]}"),
     "/constants/0/values/0: is 1.5, expected an integer"},
    {WITH_CONSTANT("{\"name\":\"c\",\"shape\":[1],\"type\":\"bool\",\"values\":[1]}"),
     "/constants/0/values/0: is a number, expected true or false"},
    {WITH_CONSTANT("{\"name\":\"c\",\"shape\":[1],\"values\":[\"1\"]}"),
     "/constants/0/values/0: is a string, expected a number"},
    /* Outputs. */
    {WITH_OUTPUTS("[]"), "/outputs: is empty, expected at least one output"},
    {WITH_OUTPUTS("[\"z\"]"), "/outputs/0: nothing produces tensor \"z\""},
    {WITH_OUTPUTS("[\"\"]"), "/outputs/0: is empty, expected a tensor's name"},
    {WITH_OUTPUTS("[1]"), "/outputs/0: is a number, expected a string"},
    {WITH_OUTPUTS("[\"y\",\"y\"]"), "/outputs/1: \"y\" is listed twice"},
    /* Operators. */
    {WRAP("3"), "/operators/0: is a number, expected an object"},
    {WRAP("{}"), "/operators/0: has no \"type\", expected it"},
    {WRAP("{\"type\":\"Relu\",\"outputs\":[\"y\"]}"),
     "/operators/0: has no \"inputs\", expected it"},
    {WRAP("{\"type\":\"Relu\",\"inputs\":[\"x\"]}"),
     "/operators/0: has no \"outputs\", expected it"},
    {WRAP("{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[]}"),
     "/operators/0/outputs: is empty, expected at least one output"},
    {WRAP("{\"type\":\"Relu\",\"inputs\":[1],\"outputs\":[\"y\"]}"),
     "/operators/0/inputs/0: is a number, expected a string"},
    {WRAP("{\"type\":\"Rellu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"]}"),
     "/operators/0/type: \"Rellu\" is no operator of ONNX, did you mean \"Relu\"?"},
    {WRAP("{\"type\":\"Warp\\nDrive\",\"inputs\":[\"x\"],\"outputs\":[\"y\"]}"),
     "/operators/0/type: \"Warp Drive\" is no operator of ONNX, expected one, or \"Block\" with "
     "its "
     "figures"},
    {WRAP("{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],\"macs\":1}"),
     "/operators/0/macs: is an unknown key"},
    {WRAP(RELU("x", "y") "," RELU("x", "y")),
     "/operators/1/outputs/0: tensor \"y\" is produced twice, expected one producer"},
    {WRAP(RELU("x", "x")),
     "/operators/0/outputs/0: tensor \"x\" is produced twice, expected one producer"},
    {WRAP(RELU("x", "y") "," RELU("q/r", "z")),
     "/operators/1/inputs/0: nothing produces tensor \"q/r\""},
    {WRAP("{\"name\":\"o\","
          "\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"a\"]}," OP("Relu", "")),
     "/operators/1/name: \"o\" is the name of another operator too"},
    {WRAP(RELU("x", "y") "," RELU("b", "a") "," RELU("a", "b")),
     "/operators/1: is on a cycle, expected a graph without any"},
    {WRAP(RELU("y", "y")), "/operators/0: is on a cycle, expected a graph without any"},
    /* Attributes. */
    {WRAP("{\"type\":\"Relu\",\"inputs\":[\"x\"],\"outputs\":[\"y\"],\"attributes\":[]}"),
     "/operators/0/attributes: is an array, expected an object"},
    {WRAP(OP("Relu", "\"alpha\":1")), "/operators/0/attributes/alpha: is no attribute of Relu"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3],\"stride\":[2,2]")),
     "/operators/0/attributes/stride: is no attribute of Conv, did you mean \"strides\"?"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":3")),
     "/operators/0/attributes/kernel_shape: is a number, expected an array"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,\"3\"]")),
     "/operators/0/attributes/kernel_shape/1: is a string, expected an integer"},
    {WRAP(OP("Conv", "\"out_channels\":8.5,\"kernel_shape\":[3,3]")),
     "/operators/0/attributes/out_channels: is 8.5, expected an integer"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3],\"auto_pad\":1")),
     "/operators/0/attributes/auto_pad: is a number, expected a string"},
    {WRAP(OP("LeakyRelu", "\"alpha\":\"x\"")),
     "/operators/0/attributes/alpha: is a string, expected a number"},
    {WRAP(OP("Cast", "\"to\":\"half\"")),
     "/operators/0/attributes/to: \"half\" is no element type, expected one such as \"float32\""},
    /* Weights. */
    {WRAP(OP("Conv", "\"kernel_shape\":[3,3]")),
     "/operators/0: has no weights, expected the attribute \"out_channels\" or a further input"},
    {WRAP(OP("Conv", "\"out_channels\":8")),
     "/operators/0: has no weights, expected the attribute \"kernel_shape\""},
    {WRAP(OP("Conv", "\"out_channels\":-8,\"kernel_shape\":[3,3]")),
     "/operators/0/attributes/out_channels: is -8, expected an integer from 1 to 2147483648"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[0,3]")),
     "/operators/0/attributes/kernel_shape: has an entry that is not from 1 to 2147483648"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[2000000000,2000000000]")),
     "/operators/0: has too many weights to count"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[2000000000,10000000]")),
     "/operators/0: has too many weights to count"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3],\"group\":2")),
     "/operators/0/attributes/group: is 2, expected a divisor of the 3 input channels"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3],\"group\":3")),
     "/operators/0/attributes/group: is 3, expected a divisor of the 8 output channels"},
    {WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3],\"group\":0")),
     "/operators/0/attributes/group: is 0, expected a divisor of the 3 input channels"},
    {WRAP(OP("Gemm", "")),
     "/operators/0: has no weights, expected the attribute \"out_features\" or a further input"},
    {WRAP(OP("LSTM", "")),
     "/operators/0: has no weights, expected the attribute \"hidden_size\" or a further input"},
    {WRAP(OP("LayerNormalization", "\"axis\":7")),
     "/operators/0/attributes/axis: is not an axis of the input"},
    {WRAP(OP("Add", "\"constant_shape\":[3],\"constant_value\":1")),
     "/operators/0: has both \"constant_shape\" and \"constant_value\", expected one"},
    {WRAP(OP("Add", "\"constant_shape\":[-3]")),
     "/operators/0/attributes/constant_shape: has an entry that is no size"},
    {WRAP("{\"type\":\"Add\",\"inputs\":[\"x\",\"x\"],\"outputs\":[\"y\"],\"attributes\":"
          "{\"constant_value\":1}}"),
     "/operators/0/attributes/constant_value: stands for the second operand, expected one input"},
    {WRAP("{\"type\":\"Reshape\",\"inputs\":[\"x\",\"x\"],\"outputs\":[\"y\"],\"attributes\":"
          "{\"shape\":[1]}}"),
     "/operators/0/attributes/shape: is given as an input too, expected one of them"},
    {WRAP(OP("MatMul", "\"out_features\":3,\"weight_type\":\"f16\"")),
     "/operators/0/attributes/weight_type: is no element type, expected one such as \"float16\""},
    {WRAP(RELU("x", "o.weight") "," OP("MatMul", "\"out_features\":3")),
     "/operators/1: needs the name \"o.weight\" for its own tensor, which is taken"},
    /* Blocks. */
    {WRAP(BLOCK("")),
     "/operators/0: has neither \"output_shapes\" nor \"output_bytes\", expected one of them"},
    {WRAP(BLOCK(",\"output_bytes\":1,\"output_shapes\":[[1]]")),
     "/operators/0: has both \"output_shapes\" and \"output_bytes\", expected one of them"},
    {WRAP(BLOCK(",\"output_shapes\":[[1],[2]]")),
     "/operators/0/output_shapes: has 2 entries, expected 1 as \"outputs\""},
    {WRAP(BLOCK(",\"output_shapes\":[[-1]]")),
     "/operators/0/output_shapes/0/0: is -1, expected an integer from 0 to 1099511627776"},
    {WRAP(BLOCK(",\"output_bytes\":-1")),
     "/operators/0/output_bytes: is -1, expected an integer from 0 to 72057594037927935"},
    {WRAP(BLOCK(",\"output_bytes\":1,\"macs\":-1")),
     "/operators/0/macs: is -1, expected an integer from 0 to 72057594037927936"},
    {WRAP(BLOCK(",\"output_bytes\":1,\"macs\":\"1\"")),
     "/operators/0/macs: is a string, expected an integer"},
    {WRAP(BLOCK(",\"output_bytes\":1,\"macs\":1e40")),
     "/operators/0/macs: is 1e+40, expected an integer"},
    {WRAP(BLOCK(",\"output_bytes\":1,\"class\":\"convolution\"")),
     "/operators/0/class: \"convolution\" is no class of operators, expected one such as \"conv\""},
    {WRAP(BLOCK(",\"output_bytes\":1,\"attributes\":{}")),
     "/operators/0/attributes: is an unknown key"},
    {WRAP(BLOCK(",\"output_shapes\":[[1]],\"output_types\":[\"float32\",\"int8\"]")),
     "/operators/0/output_types: has 2 entries, expected 1 as \"outputs\""},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char line[1300], expected[1300];
        kerf_error err = {0};
        kerf_network *network = NULL;
        kerf_status status = load_text(refusals[i].document, NULL, &network, &err);
        kerf_error_line(&err, line, sizeof line);
        snprintf(expected, sizeof expected, "%s: %s", path, refusals[i].line);
        assert_string_equal(line, expected);
        assert_int_equal(status, err.code);
        assert_null(network);
    }
}

/* Shapes that contradict are the shape rules' to refuse; the place is the operator's name. */
static void refuses_contradictions(void **state)
{
    static const char *const documents[] = {
        WRAP(OP("Reshape", "\"shape\":[7]")),
        WRAP(OP("Add", "\"constant_shape\":[5]")),
        WRAP(OP("Transpose", "\"perm\":[0,1]")),
        WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3],\"pads\":[1]")),
        WRAP(OP("MaxPool", "")),
    };
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        kerf_error err = {0};
        kerf_network *network = NULL;
        assert_int_equal(load_text(documents[i], NULL, &network, &err), KERF_E_INVALID);
        assert_string_equal(err.source, path);
        assert_string_equal(err.where, "o");
        assert_true(err.message[0] != '\0');
        assert_null(network);
    }
}

/* Every prefix of a good document is refused, never worse. */
static void truncated(void **state)
{
    (void)state;
    const char *whole = WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3]"));
    char *part = malloc(strlen(whole) + 1);
    assert_non_null(part);
    for (size_t n = 0; n < strlen(whole); n++) {
        kerf_error err = {0};
        kerf_network *network = NULL;
        memcpy(part, whole, n);
        part[n] = '\0';
        assert_int_equal(load_text(part, NULL, &network, &err), KERF_E_SYNTAX);
        assert_null(network);
    }
    free(part);
}

/* Any one byte changed: an answer or a clean error, under the sanitizers. */
static void corrupted(void **state)
{
    (void)state;
    static const char replacements[] = "\"{}[],:0-9x\\\x01\xff";
    char document[] = WRAP(OP("Conv", "\"out_channels\":8,\"kernel_shape\":[3,3]"));
    for (size_t at = 0; at < sizeof document - 1; at++) {
        char original = document[at];
        for (size_t i = 0; i < sizeof replacements - 1; i++) {
            kerf_error err = {0};
            kerf_network *network = NULL;
            document[at] = replacements[i];
            kerf_status status = load_text(document, NULL, &network, &err);
            assert_int_equal(status, err.code);
            assert_int_equal(status == KERF_OK, network != NULL);
            kerf_network_destroy(&network);
        }
        document[at] = original;
    }
}

static char *chain(size_t operators)
{
    size_t size = 200 + operators * 80, used = 0;
    char *text = malloc(size);
    assert_non_null(text);
    used += (size_t)snprintf(text, size, "%s[1,8]}],\"operators\":[", HEAD);
    for (size_t i = operators; i-- > 0;) /* last first: the order has to be found */
        used += (size_t)snprintf(text + used, size - used,
                                 "{\"type\":\"Relu\",\"inputs\":[\"%s%zu\"],\"outputs\":[\"t%zu\"]}"
                                 "%s",
                                 i > 0 ? "t" : "x", i, i + 1, i > 0 ? "," : "");
    char *first = strstr(text, "\"x0\"");
    memcpy(first, "\"x\" ", 4);
    snprintf(text + used, size - used, "],\"outputs\":[\"t%zu\"]}", operators);
    return text;
}

static void long_chain(void **state)
{
    (void)state;
    char *text = chain(20000);
    kerf_network *network = load(text);
    assert_int_equal(network->n_operators, 20000);
    assert_int_equal(network->operators[0].source_index, 19999);
    kerf_network_destroy(&network);
    free(text);
}

static void files_that_are_none(void **state)
{
    (void)state;
    kerf_error err = {0};
    kerf_network *network = NULL;
    char line[1300];
    assert_int_equal(kerf_network_load("/tmp", NULL, &network, &err), KERF_E_IO);
    assert_string_equal(kerf_error_line(&err, line, sizeof line),
                        "/tmp: is a directory, expected a file");
    assert_int_equal(kerf_network_load("/nonexistent/net.json", NULL, &network, &err), KERF_E_IO);
    assert_string_equal(kerf_error_line(&err, line, sizeof line),
                        "/nonexistent/net.json: cannot open: No such file or directory");
}

static void names_of_types_and_classes(void **state)
{
    (void)state;
    assert_string_equal(kerf_type_name(KERF_FLOAT16), "float16");
    assert_int_equal(kerf_type_bits(KERF_INT4), 4);
    assert_int_equal(kerf_type_bits(KERF_STRING), 0);
    assert_string_equal(kerf_type_name((kerf_type)999), "unknown");
    assert_int_equal(kerf_type_bits((kerf_type)999), 0);
    assert_string_equal(kerf_class_name(KERF_CLASS_DEPTHWISE), "depthwise");
    assert_string_equal(kerf_class_name((kerf_class)999), "other");
}

static void finds_by_name(void **state)
{
    (void)state;
    kerf_network *network = load(WRAP(OP("Relu", "")));
    assert_int_equal(kerf_network_find_operator(network, "o"), 0);
    assert_int_equal(kerf_network_find_operator(network, "p"), KERF_NONE);
    assert_int_equal(network->tensors[kerf_network_find_tensor(network, "y")].producer, 0);
    assert_int_equal(kerf_network_find_tensor(network, "o"), KERF_NONE);
    kerf_network_destroy(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_example),
        cmocka_unit_test(made_up_weights),
        cmocka_unit_test(embedding),
        cmocka_unit_test(operands_from_attributes),
        cmocka_unit_test(several_outputs),
        cmocka_unit_test(any_order),
        cmocka_unit_test(constants),
        cmocka_unit_test(blocks),
        cmocka_unit_test(open_dimensions),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_contradictions),
        cmocka_unit_test(truncated),
        cmocka_unit_test(corrupted),
        cmocka_unit_test(long_chain),
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(names_of_types_and_classes),
        cmocka_unit_test(finds_by_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
