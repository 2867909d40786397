/* The bundled networks' totals against published ones.
 *
 * Sources: "tv" is torchvision's table of models (weights' num_params and _ops in its source),
 * "keras" the parameters of Keras Applications, which like kerf count batch normalization's moving
 * statistics; "paper" the network's own paper, named in its file. BERT's operations are those of
 * Jiao et al., TinyBERT (22.5 billion, two per multiply-accumulate), its parameters Hugging Face's;
 * YOLOv3-tiny's operations are darknet's (5.571 billion, two each), its parameters follow from the
 * size of darknet's weight file: (35434956 - 20 bytes of header) / 4. `exact` are
 * multiply-accumulates counted over exports of the same torchvision models by independent means,
 * where there are any.
 */
#include "kerf/kerf.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Twelve layers of four projections, the two products of attention and the two of the perceptron,
 * over 128 tokens, and the pooler. */
#define BERT_MACS (INT64_C(12) * 128 * (4 * 768 * 768 + 2 * 128 * 768 + 2 * 768 * 3072) + 768 * 768)

static const struct row {
    const char *name;
    double macs;
    const char *macs_source;
    double params;
    const char *params_source;
    int64_t exact;
} rows[] = {
    {"alexnet", 0.714e9, "tv", 61100840, "tv", 714188480},
    {"vgg16", 15.47e9, "tv", 138357544, "tv", 0},
    {"vgg19", 19.632e9, "tv", 143667240, "tv", 0},
    {"resnet18", 1.814e9, "tv", 11689512, "tv", 1814073344},
    {"resnet50", 4.089e9, "tv", 25636712, "keras", 4089184256},
    {"mobilenetv1", 569e6, "paper", 4253864, "keras", 0},
    {"mobilenetv2", 0.301e9, "tv", 3538984, "keras", 300774272},
    {"densenet121", 2.834e9, "tv", 8062504, "keras", 2834161664},
    {"inceptionv3", 5.713e9, "tv", 23851784, "keras", 0},
    {"squeezenet", 0.819e9, "tv", 1248424, "tv", 0},
    {"squeezenet1.1", 0.349e9, "tv", 1235496, "tv", 349151936},
    {"efficientnet-b0", 0.386e9, "tv", 5330571, "keras", 385814752},
    {"yolov3-tiny", 5.571e9 / 2, "darknet", 8858734, "darknet", 0},
    {"vit-b16", 17.564e9, "tv", 86567656, "tv", 17563828224},
    {"bert-base", 22.5e9 / 2, "TinyBERT", 109482240, "Hugging Face", BERT_MACS},
};

#define ROWS (sizeof rows / sizeof rows[0])

static kerf_network *load(const char *name)
{
    char path[128], line[1300];
    kerf_error err = {0};
    kerf_network *network = NULL;
    snprintf(path, sizeof path, "configs/networks/%s.json", name);
    if (kerf_network_load(path, NULL, &network, &err) != KERF_OK)
        fail_msg("%s", kerf_error_line(&err, line, sizeof line));
    return network;
}

static void check(const char *name, const char *what, double found, double expected,
                  const char *source)
{
    if (!(fabs(found - expected) <= 0.01 * expected))
        fail_msg("%s: %.0f %s, published are %.0f (%s)", name, found, what, expected, source);
}

static void totals(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        kerf_network *network = load(row->name);
        print_message("# %-16s %12" PRId64 " MACs (%+.2f %% of %s) %10" PRId64
                      " parameters (%+.2f %% of %s)\n",
                      row->name, network->macs, 100 * ((double)network->macs / row->macs - 1),
                      row->macs_source, network->params,
                      100 * ((double)network->params / row->params - 1), row->params_source);
        check(row->name, "MACs", (double)network->macs, row->macs, row->macs_source);
        check(row->name, "parameters", (double)network->params, row->params, row->params_source);
        if (row->exact != 0)
            assert_int_equal(network->macs, row->exact);
        kerf_network_destroy(&network);
    }
}

/* Names in the file are names in the network; nothing is unknown, unnamed or warned about. */
static void nothing_is_left_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        kerf_network *network = load(rows[i].name);
        assert_string_equal(network->name, rows[i].name);
        assert_int_equal(network->n_warnings, 0);
        for (size_t t = 0; t < network->n_tensors; t++)
            assert_true(network->tensors[t].bytes > 0);
        assert_true(network->n_placed > 10 && network->n_placed <= network->n_operators);
        assert_true(network->tensors[network->inputs[0]].dims[0] == 1);
        kerf_network_destroy(&network);
    }
}

static void expect_tensor(const kerf_network *network, const char *name, const char *shape,
                          kerf_type type)
{
    size_t index = kerf_network_find_tensor(network, name);
    assert_int_not_equal(index, KERF_NONE);
    const kerf_tensor *tensor = &network->tensors[index];
    char text[128] = "";
    for (int i = 0; i < tensor->rank; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%" PRId64, i > 0 ? "x" : "",
                 tensor->dims[i]);
    assert_string_equal(text, shape);
    assert_int_equal(tensor->type, type);
}

/* Sizes inside the networks that their papers state. */
static void shapes(void **state)
{
    static const struct {
        const char *network, *tensor, *shape;
        kerf_type type;
    } expected[] = {
        {"alexnet", "features.12", "1x256x6x6", KERF_FLOAT32},
        {"vgg16", "features.30", "1x512x7x7", KERF_FLOAT32},
        {"resnet18", "layer4.1.relu", "1x512x7x7", KERF_FLOAT32},
        {"resnet50", "layer1.2.relu", "1x256x56x56", KERF_FLOAT32},
        {"resnet50", "layer4.2.relu", "1x2048x7x7", KERF_FLOAT32},
        {"mobilenetv1", "conv14.pw.relu", "1x1024x7x7", KERF_FLOAT32},
        {"mobilenetv2", "features.18.2", "1x1280x7x7", KERF_FLOAT32},
        {"densenet121", "denseblock4.denselayer16.concat", "1x1024x7x7", KERF_FLOAT32},
        {"inceptionv3", "Mixed_5d.concat", "1x288x35x35", KERF_FLOAT32},
        {"inceptionv3", "Mixed_6e.concat", "1x768x17x17", KERF_FLOAT32},
        {"inceptionv3", "Mixed_7c.concat", "1x2048x8x8", KERF_FLOAT32},
        {"squeezenet", "fire9.concat", "1x512x13x13", KERF_FLOAT32},
        {"efficientnet-b0", "features.7.0.block.3.1", "1x320x7x7", KERF_FLOAT32},
        {"yolov3-tiny", "conv15", "1x255x13x13", KERF_FLOAT32},
        {"yolov3-tiny", "conv22", "1x255x26x26", KERF_FLOAT32},
        {"vit-b16", "tokens", "1x197x768", KERF_FLOAT32},
        {"vit-b16", "encoder.layers.11.self_attention.softmax", "1x12x197x197", KERF_FLOAT32},
        {"bert-base", "input_ids", "1x128", KERF_INT64},
        {"bert-base", "encoder.layer.11.output.LayerNorm", "1x128x768", KERF_FLOAT32},
        {"bert-base", "pooler.activation", "1x768", KERF_FLOAT32},
    };
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        kerf_network *network = load(expected[i].network);
        expect_tensor(network, expected[i].tensor, expected[i].shape, expected[i].type);
        kerf_network_destroy(&network);
    }
}

/* Every bundled network takes --batch: the work grows by it, the weights do not. */
static void batches(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        char path[128];
        kerf_error err = {0};
        kerf_network *one = load(rows[i].name), *four = NULL;
        kerf_network_options options = {.batch = 4};
        snprintf(path, sizeof path, "configs/networks/%s.json", rows[i].name);
        assert_int_equal(kerf_network_load(path, &options, &four, &err), KERF_OK);
        assert_true(four->macs == 4 * one->macs);
        assert_true(four->params == one->params);
        assert_int_equal(four->tensors[four->inputs[0]].dims[0], 4);
        kerf_network_destroy(&one);
        kerf_network_destroy(&four);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals),
        cmocka_unit_test(nothing_is_left_open),
        cmocka_unit_test(shapes),
        cmocka_unit_test(batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
