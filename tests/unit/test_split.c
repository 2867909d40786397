/* kerf_split_write by itself: weights that move out of a file with a limit, failing allocations,
 * broken parts, files in several folders. */
#include "kerf/kerf.h"
#include "tests/support/onnx_writer.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 256

static char on_disk[] = "/tmp/kerf-split-XXXXXX";
static char in_memory[] = "/dev/shm/kerf-split-XXXXXX"; /* where syncing takes no time */
static const char *folder;
static char net_path[SIZE], head_path[SIZE], tail_path[SIZE], data_path[SIZE], manifest_path[SIZE];

/* x -> Gemm by w1 -> a -> Relu -> b -> Gemm by w2 -> y, of 40 by 40. */
static void write_network(void)
{
    onnx_bytes graph = {0}, model = {0};
    static float weights[40 * 40];
    for (size_t i = 0; i < 40 * 40; i++)
        weights[i] = (float)i;
    ow_node(&graph, "MatMul", "one", "x,w1", "a", NULL);
    ow_node(&graph, "Relu", "relu", "a", "b", NULL);
    ow_node(&graph, "MatMul", "two", "b,w2", "y", NULL);
    ow_initializer(&graph, "w1", OW_FLOAT, "40,40", weights, sizeof weights);
    ow_initializer(&graph, "w2", OW_FLOAT, "40,40", weights, sizeof weights);
    ow_value(&graph, OW_INPUT, "x", OW_FLOAT, "N,40");
    ow_value(&graph, OW_OUTPUT, "y", OW_FLOAT, "N,40");
    ow_model(&model, &graph, 13);
    FILE *file = fopen(net_path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(model.data, 1, model.n, file), model.n);
    assert_int_equal(fclose(file), 0);
    ow_free(&model);
}

static kerf_network *load(void)
{
    kerf_network *net = NULL;
    kerf_error err = {0};
    write_network();
    assert_int_equal(kerf_network_load(net_path, NULL, &net, &err), KERF_OK);
    return net;
}

static const kerf_side sides[] = {KERF_SIDE_DEVICE, KERF_SIDE_DEVICE, KERF_SIDE_SERVER};

static void read_file(const char *path, unsigned char *bytes, size_t limit, size_t *n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *n = fread(bytes, 1, limit, file);
    fclose(file);
}

static void remove_results(void)
{
    unlink(head_path);
    unlink(tail_path);
    unlink(data_path);
    unlink(manifest_path);
}

/* --- tests --- */

static void weights_move_out(void **state)
{
    static unsigned char bytes[65536];
    float first[3];
    size_t n;
    kerf_error err = {0};
    kerf_split *split = NULL;
    kerf_network *net = load();
    (void)state;
    kerf_split_options options = {.head = head_path, .tail = tail_path, .max_file_bytes = 2000};
    assert_int_equal(kerf_split_write(net, sides, &options, &split, &err), KERF_OK);
    assert_non_null(split->head.data_path);
    assert_string_equal(split->head.data_path, data_path);
    assert_int_equal(split->head.data_bytes, 6400);
    assert_true(split->head.bytes < 2000);
    assert_int_equal(strlen(split->head.data_sha256), 64);
    read_file(data_path, bytes, sizeof bytes, &n);
    assert_int_equal(n, 6400);
    memcpy(first, bytes + 4, sizeof first);
    assert_true(first[0] == 1 && first[1] == 2 && first[2] == 3);
    kerf_split_destroy(&split);
    kerf_network_destroy(&net);
    /* What was written is a network again, with the same weights. */
    kerf_network *head = NULL;
    assert_int_equal(kerf_network_load(head_path, NULL, &head, &err), KERF_OK);
    assert_int_equal(head->params, 1600);
    assert_int_equal(head->n_operators, 2);
    kerf_network_destroy(&head);
    remove_results();
    snprintf(data_path, sizeof data_path, "%s/tail.onnx.data", folder);
    unlink(data_path);
    snprintf(data_path, sizeof data_path, "%s/head.onnx.data", folder);
}

static void too_large(void **state)
{
    kerf_error err = {0};
    kerf_split *split = NULL;
    kerf_network *net = load();
    (void)state;
    const kerf_split_options options = {
        .head = head_path, .tail = tail_path, .max_file_bytes = 100};
    assert_int_equal(kerf_split_write(net, sides, &options, &split, &err), KERF_E_TOO_LARGE);
    assert_null(split);
    assert_int_not_equal(access(head_path, F_OK), 0);
    kerf_network_destroy(&net);
}

static char *say(void *context, const kerf_split *split)
{
    (void)context;
    return split->head.bytes > 0 && split->tail.bytes > 0 ? strdup("said\n") : NULL;
}

static char *say_nothing(void *context, const kerf_split *split)
{
    (void)context;
    (void)split;
    return NULL;
}

static void manifest(void **state)
{
    unsigned char bytes[16];
    size_t n;
    kerf_error err = {0};
    kerf_split *split = NULL;
    kerf_network *net = load();
    (void)state;
    kerf_split_options options = {.head = head_path,
                                  .tail = tail_path,
                                  .manifest = manifest_path,
                                  .make_manifest = say_nothing};
    assert_int_equal(kerf_split_write(net, sides, &options, &split, &err), KERF_E_NOMEM);
    assert_int_not_equal(access(head_path, F_OK), 0);
    options.make_manifest = say;
    assert_int_equal(kerf_split_write(net, sides, &options, &split, &err), KERF_OK);
    read_file(manifest_path, bytes, sizeof bytes, &n);
    assert_int_equal(n, 5);
    assert_memory_equal(bytes, "said\n", 5);
    kerf_split_destroy(&split);
    kerf_network_destroy(&net);
    remove_results();
}

/* The network in memory is of a file that another one has taken the place of. */
static void another_file(void **state)
{
    kerf_error err = {0};
    kerf_split *split = NULL;
    kerf_network *net = load();
    onnx_bytes graph = {0}, model = {0};
    (void)state;
    ow_node(&graph, "Relu", "other", "x", "a", NULL);
    ow_node(&graph, "Relu", "one", "a", "y", NULL);
    ow_value(&graph, OW_INPUT, "x", OW_FLOAT, "N,40");
    ow_value(&graph, OW_OUTPUT, "y", OW_FLOAT, "N,40");
    ow_model(&model, &graph, 13);
    FILE *file = fopen(net_path, "wb");
    assert_non_null(file);
    fwrite(model.data, 1, model.n, file);
    fclose(file);
    ow_free(&model);
    const kerf_split_options options = {.head = head_path, .tail = tail_path};
    assert_int_equal(kerf_split_write(net, sides, &options, &split, &err), KERF_E_INVALID);
    assert_non_null(strstr(err.message, "has changed"));
    assert_int_not_equal(access(head_path, F_OK), 0);
    kerf_network_destroy(&net);
}

typedef struct job {
    const kerf_network *net;
    kerf_split_options options;
} job;

static kerf_status write_parts(void *context, kerf_error *err)
{
    job *j = context;
    kerf_split *split = NULL;
    kerf_status status = kerf_split_write(j->net, sides, &j->options, &split, err);
    if (status == KERF_OK && (split->n_crossing != 1 || split->head.operators != 2))
        status = torture_wrong(err, "the split is another one");
    if (status != KERF_OK && access(head_path, F_OK) == 0)
        status = torture_wrong(err, "the head was written in spite of the failure");
    kerf_split_destroy(&split);
    remove_results();
    return status;
}

static void failing_allocations(void **state)
{
    const kerf_range range = {.tensor = "b", .min = -1, .max = 6};
    (void)state;
    if (!torture_available())
        skip();
    kerf_network *net = load();
    job j = {.net = net, .options = {.head = head_path, .tail = tail_path}};
    torture_run(write_parts, &j);
    j.options.wire = KERF_WIRE_INT8;
    j.options.ranges = &range;
    j.options.n_ranges = 1;
    torture_run(write_parts, &j);
    kerf_network_destroy(&net);
}

static kerf_status write_bundled(void *context, kerf_error *err)
{
    const kerf_network *net = context;
    kerf_split *split = NULL;
    kerf_side side[1024];
    const kerf_split_options options = {.head = head_path, .tail = tail_path};
    for (size_t i = 0; i < net->n_operators; i++)
        side[i] = i < net->n_operators / 2 ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
    kerf_status status = kerf_split_write(net, side, &options, &split, err);
    kerf_split_destroy(&split);
    remove_results();
    return status;
}

static void failing_allocations_of_json(void **state)
{
    kerf_network *net = NULL;
    kerf_error err = {0};
    (void)state;
    if (!torture_available())
        skip();
    assert_int_equal(kerf_network_load("tests/data/networks/everything.json", NULL, &net, &err),
                     KERF_OK);
    if (write_bundled(net, &err) != KERF_OK)
        print_message("everything.json: %s: %s\n", err.where, err.message);
    kerf_network_destroy(&net);
    assert_int_equal(kerf_network_load("tests/data/cli/networks/chain.json", NULL, &net, &err),
                     KERF_OK);
    torture_run(write_bundled, net);
    kerf_network_destroy(&net);
}

/* No broken file does harm, and whatever is still accepted still says what it is. */
static void broken_parts(void **state)
{
    kerf_error err = {0};
    kerf_split *split = NULL;
    kerf_network *net = load();
    static unsigned char bytes[65536];
    char broken[SIZE];
    size_t n, refused = 0;
    (void)state;
    const kerf_split_options options = {.head = head_path, .tail = tail_path};
    assert_int_equal(kerf_split_write(net, sides, &options, &split, &err), KERF_OK);
    kerf_split_destroy(&split);
    kerf_network_destroy(&net);
    read_file(head_path, bytes, sizeof bytes, &n);
    snprintf(broken, sizeof broken, "%s/broken.onnx", folder);
    uint64_t seed = 12345;
    const size_t rounds = getenv("KERF_TEST_FULL") ? 20000 : 2000;
    for (size_t i = 0; i < rounds; i++) {
        static unsigned char copy[65536];
        memcpy(copy, bytes, n);
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t length = n;
        if (i % 4 == 0)
            length = (size_t)(seed >> 33) % n;
        for (size_t k = 0; k < 1 + i % 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            /* Outside the weights, which nobody reads. */
            const size_t at = (size_t)(seed >> 40) % 600;
            copy[at < 300 ? at : n - 600 + at] ^= (unsigned char)(1u << (seed >> 34) % 8);
        }
        FILE *file = fopen(broken, "wb");
        assert_non_null(file);
        fwrite(copy, 1, length, file);
        fclose(file);
        kerf_error problem = {0};
        const kerf_status status = kerf_split_check(broken, tail_path, &problem);
        assert_true(status == KERF_OK || problem.message[0]);
        refused += status != KERF_OK;
    }
    assert_true(refused > rounds / 4);
    unlink(broken);
    remove_results();
}

static int make_folder(void **state)
{
    (void)state;
    folder = mkdtemp(in_memory);
    if (!folder)
        folder = mkdtemp(on_disk);
    if (!folder)
        return -1;
    snprintf(net_path, sizeof net_path, "%s/net.onnx", folder);
    snprintf(head_path, sizeof head_path, "%s/head.onnx", folder);
    snprintf(tail_path, sizeof tail_path, "%s/tail.onnx", folder);
    snprintf(data_path, sizeof data_path, "%s/head.onnx.data", folder);
    snprintf(manifest_path, sizeof manifest_path, "%s/split.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(net_path);
    return rmdir(folder); /* fails if anything was left behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_move_out),
        cmocka_unit_test(too_large),
        cmocka_unit_test(manifest),
        cmocka_unit_test(another_file),
        cmocka_unit_test(failing_allocations),
        cmocka_unit_test(failing_allocations_of_json),
        cmocka_unit_test(broken_parts),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
