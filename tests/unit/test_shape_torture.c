/* Loading real ONNX networks, shape inference included, with each allocation failing in turn: a
 * fold that lacks memory must not pass for one whose operands are unknown. */
#include "kerf/network.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct job {
    const char *path;
    kerf_network_options options;
    const kerf_network *expected;
} job;

static kerf_status load(void *context, kerf_error *err)
{
    const job *j = context;
    kerf_network *network = NULL;
    kerf_status status = kerf_network_load(j->path, &j->options, &network, err);
    if (status == KERF_OK &&
        (network->n_placed != j->expected->n_placed || network->macs != j->expected->macs ||
         network->params != j->expected->params ||
         network->weight_bytes != j->expected->weight_bytes ||
         network->n_warnings != j->expected->n_warnings))
        status = torture_wrong(err, "the network is not what it was");
    kerf_network_destroy(&network);
    return status;
}

static void torture(job *j)
{
    kerf_error err = {0};
    kerf_network *network = NULL;
    if (!torture_available() || access(j->path, R_OK) != 0)
        skip();
    assert_int_equal(kerf_network_load(j->path, &j->options, &network, &err), KERF_OK);
    j->expected = network;
    torture_run(load, j);
    kerf_network_destroy(&network);
}

static void shape_arithmetic(void **state)
{
    static const int64_t tokens[] = {1, 32};
    static const struct kerf_input_shape shapes[] = {{"input", tokens, 2}};
    (void)state;
    torture(&(job){.path = "../shared/data/onnx/vespa_tiny_transformer.onnx",
                   .options = {.inputs = shapes, .n_inputs = 1}});
}

static void bodies(void **state)
{
    static const int64_t samples[] = {1, 576}, memory[] = {2, 1, 128};
    static const struct kerf_input_shape shapes[] = {{"input", samples, 2}, {"state", memory, 3}};
    (void)state;
    torture(&(job){.path = "../shared/data/onnx/silero_vad_16k_op15.onnx",
                   .options = {.inputs = shapes, .n_inputs = 2}});
}

static void unknown_operators(void **state)
{
    (void)state;
    torture(&(job){.path = "../shared/data/onnx/deeploy_mlperf_resnet8_int.onnx"});
}

static void unresolved(void **state)
{
    (void)state;
    torture(&(job){.path = "../shared/data/onnx/magika_v3_3.onnx",
                   .options = {.allow_unresolved = true}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shape_arithmetic),
        cmocka_unit_test(bodies),
        cmocka_unit_test(unknown_operators),
        cmocka_unit_test(unresolved),
    };
    return cmocka_run_group_tests_name("shape: failing allocations", tests, NULL, NULL);
}
