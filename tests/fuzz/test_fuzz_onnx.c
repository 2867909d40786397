/* Corrupted ONNX files. Whatever comes in, a network or one line of error comes out, and nothing
 * is leaked (the sanitizers' part). Quick run: some hundred mutants; KERF_TEST_FULL=1: many
 * thousands. KERF_SEED=N starts elsewhere.
 *
 * Compiled with -DKERF_LIBFUZZER -fsanitize=fuzzer it is a libFuzzer target instead. */
#include "tests/support/mutate.h"
#include "tests/support/onnx_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads, infers and builds; NULL if all is well, else what is not. */
static const char *run(const void *data, size_t size, kerf_error *err)
{
    const kerf_network_options options = {.allow_unresolved = true};
    ir_graph *graph = NULL;
    kerf_network *net = NULL;
    memset(err, 0, sizeof *err);
    kerf_status status = ow_read_bytes(data, size, &options, &graph, err);
    if ((status == KERF_OK) != (graph != NULL))
        return "a graph and an error, or neither";
    if (status == KERF_OK)
        status = ir_infer(graph, err);
    if (status == KERF_OK)
        status = ir_build_network(graph, "fuzz", NULL, true, &net, err);
    const char *wrong = status != err->code                     ? "status and error differ"
                        : status == KERF_E_INTERNAL             ? "an internal error"
                        : status != KERF_OK && !err->message[0] ? "an error without a message"
                        : status != KERF_OK && strchr(err->message, '\n') ? "an error of two lines"
                        : (status == KERF_OK) != (net != NULL)            ? "a network and an error"
                                                                          : NULL;
    for (size_t i = 0; !wrong && net && i < net->n_operators; i++)
        if ((net->operators[i].group == KERF_NONE) != net->operators[i].constant)
            wrong = "an operator without a group";
    kerf_network_destroy(&net);
    ir_graph_free(graph);
    return wrong;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kerf_error err;
    if (run(data, size, &err))
        abort();
    return 0;
}

#ifndef KERF_LIBFUZZER

enum { CAPACITY = 1 << 17 };

static uint64_t start;

static size_t rounds(size_t quick, size_t full)
{
    const char *text = getenv("KERF_TEST_FULL");
    return text && strcmp(text, "1") == 0 ? full : quick;
}

/* Mutates one model again and again; every second mutant is the last one's child. */
static void mutants(const char *name, const unsigned char *data, size_t size, size_t n)
{
    /* Fields of graphs, nodes and tensors with lengths that lie, numbers that overflow. */
    static const char *const dictionary[] = {"\x0a\x7f",
                                             "\x2a\x05",
                                             "\x3a\x04",
                                             "\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                                             "\x08\xff\x01",
                                             "\x10\x07",
                                             "\x4a\x10",
                                             "\x80\x80\x80\x80\x10",
                                             "Loop",
                                             "If",
                                             "Reshape",
                                             "Shape",
                                             "Conv",
                                             "ConstantOfShape",
                                             "\xa0\x01\x07",
                                             "\x18\xff\xff\xff\xff\x0f",
                                             NULL};
    char *mutant = malloc(CAPACITY);
    rng r = {start};
    size_t length = 0;
    assert_non_null(mutant);
    for (size_t i = 0; i < n; i++) {
        uint64_t before = r.state;
        kerf_error err;
        if (i % 2 == 0) {
            memcpy(mutant, data, size);
            length = size;
        }
        length = mutate(&r, mutant, length, CAPACITY, dictionary);
        const char *wrong = run(mutant, length, &err);
        if (wrong) {
            free(mutant);
            fail_msg("%s, round %zu (state %llu): %s: %s %s: %s", name, i,
                     (unsigned long long)before, wrong, kerf_status_name(err.code), err.where,
                     err.message);
        }
    }
    free(mutant);
}

/* Something of everything that the reader knows: nested graphs, functions, external data, typed
 * fields, attributes of all kinds. */
static void synthetic_models(void **state)
{
    (void)state;
    onnx_bytes g = {0}, a = {0}, body = {0}, f = {0}, tensor = {0}, model = {0}, entry = {0};
    ow_node(&body, "Add", "add", "x,w", "b", NULL);
    ow_value(&body, OW_OUTPUT, "b", OW_FLOAT, "1,3");
    ow_attr_message(&a, "then_branch", 6, 5, &body);
    ow_node(&body, "Identity", "same", "x", "b", NULL);
    ow_value(&body, OW_OUTPUT, "b", OW_FLOAT, "1,3");
    ow_attr_message(&a, "else_branch", 6, 5, &body);
    ow_node(&g, "If", "if", "cond", "t", &a);
    ow_attr_ints(&a, "axes", (int64_t[]){0, -1}, 2);
    ow_attr_int(&a, "keepdims", 1);
    ow_node(&g, "ReduceMean", "mean", "t", "s", &a);
    ow_node_in(&g, 1, "local", "f", "call", "s,", "y", NULL);
    ow_tensor(&tensor, NULL, OW_INT64, "2");
    ow_int(&tensor, 7, 1);
    ow_int(&tensor, 7, -1);
    ow_attr_message(&a, "value", 5, 4, &tensor);
    ow_node(&g, "Constant", "k", "", "dims", &a);
    ow_node(&g, "Reshape", "reshape", "x,dims", "z", NULL);
    ow_tensor(&tensor, "w", OW_FLOAT, "3");
    ow_text(&entry, 1, "location");
    ow_text(&entry, 2, "absent");
    ow_message(&tensor, 13, &entry);
    ow_int(&tensor, 14, 1);
    ow_message(&g, 5, &tensor);
    ow_value(&g, OW_INPUT, "cond", OW_BOOL, "1");
    ow_value(&g, OW_INPUT, "x", OW_FLOAT, "N,3");
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, "N,3");
    ow_value(&g, OW_OUTPUT, "z", OW_FLOAT, NULL);
    ow_value(&g, OW_VALUE_INFO, "s", OW_FLOAT, "1,3");
    ow_model(&model, &g, 13);
    ow_text(&f, 1, "f");
    ow_text(&f, 4, "p");
    ow_text(&f, 4, "q");
    ow_text(&f, 5, "r");
    ow_attr_reference(&a, "alpha", "alpha", 1);
    ow_node_in(&f, 7, "", "LeakyRelu", "leaky", "p", "u", &a);
    ow_node_in(&f, 7, "", "Clip", "clip", "u,q", "r", NULL);
    ow_text(&f, 10, "local");
    ow_message(&model, 25, &f);
    kerf_error err;
    const char *wrong = run(model.data, model.n, &err);
    if (wrong || err.code != KERF_OK)
        fail_msg("unchanged: %s", err.message);
    mutants("synthetic", model.data, model.n, rounds(3000, 200000));
    ow_free(&model);
}

static void real_models(void **state)
{
    (void)state;
    static const char *const names[] = {"super_resolution_ir1",
                                        "mnist_cntk_8",
                                        "mtcnn_pnet",
                                        "gap_mnist_gru",
                                        "dtln_model_1",
                                        "rten_mnist_dynamo",
                                        "re_crnn",
                                        "silero_vad_16k_op15",
                                        "re_bert_tiny_128",
                                        "tv_shufflenet_v2_x1_0",
                                        "deeploy_tinyvit_demo"};
    unsigned char *data = malloc(CAPACITY);
    size_t files = 0;
    assert_non_null(data);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256];
        snprintf(path, sizeof path, "../shared/data/onnx/%s.onnx", names[i]);
        FILE *file = fopen(path, "rb");
        if (!file)
            continue;
        size_t size = fread(data, 1, CAPACITY, file);
        fclose(file);
        files++;
        mutants(names[i], data, size, rounds(60, 3000));
    }
    free(data);
    if (!files)
        skip(); /* no reference data beside the project */
}

int main(void)
{
    start = rng_seed(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_models),
        cmocka_unit_test(real_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
