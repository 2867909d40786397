/* Corrupted JSON networks: each is either read into a network whose figures are all usable, or
 * refused in one line. KERF_SEED repeats a run. */
#include "kerf/network.h"
#include "tests/support/mutate.h"
#include "tests/support/text_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 65536 };

static const char *const tokens[] = {"\"",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "null",
                                     "true",
                                     "-1",
                                     "0",
                                     "1",
                                     "2",
                                     "7",
                                     "1e999",
                                     "1.5",
                                     "9223372036854775807",
                                     "9223372036854775808",
                                     "2147483648",
                                     "1099511627776",
                                     "4294967296",
                                     "\"\"",
                                     "[]",
                                     "{}",
                                     "\\u0000",
                                     "\\ud800",
                                     "[1, 3]",
                                     "[0, 0, 0, 0]",
                                     "\"image\"",
                                     "\"conv\"",
                                     "\"bn\"",
                                     "\"Conv\"",
                                     "\"Block\"",
                                     "\"Reshape\"",
                                     "\"Gemm\"",
                                     "\"Concat\"",
                                     "\"LSTM\"",
                                     "\"Slice\"",
                                     "\"Einsum\"",
                                     "\"MatMul\"",
                                     "\"Pad\"",
                                     "\"float16\"",
                                     "\"int64\"",
                                     "\"bool\"",
                                     "\"axis\": -9",
                                     "\"group\": 2",
                                     "\"bias\": 1",
                                     "\"out_channels\": 2147483648",
                                     "\"kernel_shape\": [9, 9]",
                                     "\"strides\": [0, 0]",
                                     "\"pads\": [-9, 9]",
                                     "\"batch\"",
                                     "\"attributes\": {",
                                     "\"inputs\": [",
                                     "\"outputs\": [",
                                     NULL};

static uint64_t seed, refused, accepted;

static void check_operator(const kerf_network *network, const kerf_operator *op)
{
    assert_true(op->name[0] != '\0' && op->type[0] != '\0');
    assert_true((size_t)op->cls < KERF_CLASS_COUNT);
    assert_true(op->macs >= 0 && op->params >= 0 && op->weight_bytes >= 0 && op->kernels >= 0);
    assert_true(op->read_bytes >= 0 && op->write_bytes >= 0);
    for (size_t i = 0; i < op->n_inputs; i++)
        assert_true(op->inputs[i] < network->n_tensors || op->inputs[i] == KERF_NONE);
    for (size_t i = 0; i < op->n_outputs; i++)
        assert_true(op->outputs[i] < network->n_tensors || op->outputs[i] == KERF_NONE);
}

static void check_network(const kerf_network *network)
{
    assert_true(network->macs >= 0 && network->params >= 0 && network->weight_bytes >= 0);
    assert_true(network->n_inputs > 0 && network->n_outputs > 0);
    for (size_t i = 0; i < network->n_operators; i++)
        check_operator(network, &network->operators[i]);
    for (size_t i = 0; i < network->n_tensors; i++) {
        const kerf_tensor *tensor = &network->tensors[i];
        assert_true(tensor->name[0] != '\0' && tensor->rank <= 16);
        assert_true(tensor->bytes >= -1 && tensor->elements >= -1);
        assert_true(tensor->storage < network->n_tensors);
    }
}

static void load(const char *what, int round)
{
    kerf_network *const untouched = (kerf_network *)(void *)&accepted;
    kerf_network *network = untouched;
    kerf_error err;
    kerf_status status = kerf_network_load(text_file_path(), NULL, &network, &err);
    if (status == KERF_OK) {
        accepted++;
        check_network(network);
        kerf_network_destroy(&network);
        return;
    }
    refused++;
    bool good = status == err.code && network == untouched && err.message[0] &&
                strcmp(err.source, text_file_path()) == 0 && !strpbrk(err.message, "\n\r") &&
                !strpbrk(err.where, "\n\r") &&
                (status == KERF_E_SYNTAX || status == KERF_E_INVALID ||
                 status == KERF_E_UNRESOLVED || status == KERF_E_TOO_LARGE);
    if (!good)
        fail_msg("seed %llu, %s, round %d: %s: %s: %s: %s", (unsigned long long)seed, what, round,
                 kerf_status_name(status), err.source, err.where, err.message);
}

static void fuzz(const char *source, int rounds)
{
    static char original[MAX_SIZE], data[MAX_SIZE];
    size_t size = text_file_read(source, original, MAX_SIZE);
    rng r = {seed};
    for (const char *p = source; *p; p++)
        r.state = r.state * 31 + (unsigned char)*p;
    refused = accepted = 0;
    text_file_write_bytes(original, size);
    load(source, 0);
    assert_int_equal(accepted, 1);
    for (int i = 1; i <= rounds; i++) {
        memcpy(data, original, size);
        text_file_write_bytes(data, mutate(&r, data, size, sizeof data, tokens));
        load(source, i);
    }
    print_message("# %s: %llu accepted, %llu refused\n", source, (unsigned long long)accepted,
                  (unsigned long long)refused);
    assert_true(refused > 0 && accepted > 1); /* corruption that nothing survives tests little */
}

static int rounds(void)
{
    return getenv("KERF_TEST_FULL") ? 20000 : 1500;
}

static void everything(void **state)
{
    (void)state;
    fuzz("tests/data/networks/everything.json", rounds());
}

static void bundled(void **state)
{
    (void)state;
    fuzz("configs/networks/alexnet.json", rounds() / 3);
    fuzz("configs/networks/yolov3-tiny.json", rounds() / 3);
    fuzz("configs/networks/mobilenetv2.json", rounds() / 6);
}

int main(void)
{
    seed = rng_seed(20240613);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything),
        cmocka_unit_test(bundled),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
