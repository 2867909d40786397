/* Tensors in ONNX files: content of small ones, size of all, external data. */
#include "tests/support/onnx_writer.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const ir_value *find(const ir_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_values; i++)
        if (strcmp(graph->values[i].name, name) == 0)
            return &graph->values[i];
    fail_msg("no value '%s'", name);
    return NULL;
}

/* A model whose only initializer is the given tensor. */
static kerf_status read_tensor(onnx_bytes *tensor, ir_graph **graph, kerf_error *err)
{
    onnx_bytes g = {0}, model = {0};
    ow_message(&g, 5, tensor);
    ow_node(&g, "Identity", "i", "w", "y", NULL);
    ow_value(&g, OW_OUTPUT, "y", OW_FLOAT, NULL);
    ow_model(&model, &g, 13);
    *graph = NULL;
    memset(err, 0, sizeof *err);
    kerf_status status = ow_read(&model, NULL, graph, err);
    ow_free(&model);
    return status;
}

static ir_graph *good(onnx_bytes *tensor)
{
    ir_graph *graph;
    kerf_error err;
    if (read_tensor(tensor, &graph, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    assert_true(find(graph, "w")->initializer && find(graph, "w")->constant);
    return graph;
}

static void bad(onnx_bytes *tensor, kerf_status status, const char *part)
{
    ir_graph *graph;
    kerf_error err;
    assert_int_equal(read_tensor(tensor, &graph, &err), status);
    assert_null(graph);
    if (!strstr(err.message, part))
        fail_msg("'%s' lacks '%s'", err.message, part);
}

static void raw_ints(int type, const char *dims, const void *data, size_t n, kerf_type expected,
                     const int64_t *ints, size_t count)
{
    onnx_bytes tensor = {0};
    ow_tensor(&tensor, "w", type, dims);
    ow_data(&tensor, 9, data, n);
    ir_graph *graph = good(&tensor);
    const ir_value *value = find(graph, "w");
    assert_int_equal(value->type, expected);
    assert_int_equal(ir_elements(value), count);
    assert_non_null(value->ints);
    assert_null(value->floats);
    for (size_t i = 0; i < count; i++)
        if (value->ints[i] != ints[i])
            fail_msg("element %zu of type %d is %lld", i, type, (long long)value->ints[i]);
    ir_graph_free(graph);
}

static void keeps_raw_integers(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    raw_ints(2, "2", bytes + 7, 2, KERF_UINT8, (int64_t[]){255, 1}, 2);
    raw_ints(3, "1,2", bytes, 2, KERF_INT8, (int64_t[]){-2, -1}, 2);
    raw_ints(4, "2", bytes + 6, 4, KERF_UINT16, (int64_t[]){65535, 513}, 2);
    raw_ints(5, "1", bytes, 2, KERF_INT16, (int64_t[]){-2}, 1);
    raw_ints(6, "2", bytes + 4, 8, KERF_INT32, (int64_t[]){-1, 513}, 2);
    raw_ints(12, "1", bytes, 4, KERF_UINT32, (int64_t[]){4294967294}, 1);
    raw_ints(7, "2", bytes, 16, KERF_INT64, (int64_t[]){-2, 513}, 2);
    raw_ints(7, "", bytes + 8, 8, KERF_INT64, (int64_t[]){513}, 1);
    raw_ints(9, "3", bytes + 7, 3, KERF_BOOL, (int64_t[]){1, 1, 1}, 3);
    /* Too large for int64, and the lowest one, which stands for "unknown". */
    raw_ints(13, "2", bytes, 16, KERF_UINT64, (int64_t[]){IR_UNKNOWN_INT, 513}, 2);
    static const unsigned char lowest[] = {0, 0, 0, 0, 0, 0, 0, 0x80};
    raw_ints(7, "1", lowest, 8, KERF_INT64, (int64_t[]){INT64_MIN + 1}, 1);
    raw_ints(7, "0", lowest, 0, KERF_INT64, (int64_t[]){0}, 0);
}

static void raw_floats(int type, const void *data, size_t n, const double *floats, size_t count)
{
    onnx_bytes tensor = {0};
    char dims[8];
    snprintf(dims, sizeof dims, "%zu", count);
    ow_tensor(&tensor, "w", type, dims);
    ow_data(&tensor, 9, data, n);
    ir_graph *graph = good(&tensor);
    const ir_value *value = find(graph, "w");
    assert_non_null(value->floats);
    assert_null(value->ints);
    for (size_t i = 0; i < count; i++)
        if (value->floats[i] != floats[i] && !(isnan(value->floats[i]) && isnan(floats[i])))
            fail_msg("element %zu of type %d is %g", i, type, value->floats[i]);
    ir_graph_free(graph);
}

static void keeps_raw_reals(void **state)
{
    (void)state;
    raw_floats(1, (float[]){0.5F, -3}, 8, (double[]){0.5, -3}, 2);
    raw_floats(11, (double[]){0.1, -1e300}, 16, (double[]){0.1, -1e300}, 2);
    /* 1, -2, the largest, the smallest normal, the smallest subnormal, inf, nan */
    static const uint16_t half[] = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00, 0x7e00, 0x8000};
    raw_floats(10, half, sizeof half,
               (double[]){1, -2, 65504, 0x1p-14, 0x1p-24, (double)INFINITY, (double)NAN, 0}, 8);
    static const uint16_t brain[] = {0x3f80, 0xc040, 0x7f80};
    raw_floats(16, brain, sizeof brain, (double[]){1, -3, (double)INFINITY}, 3);
}

static void keeps_typed_fields(void **state)
{
    (void)state;
    onnx_bytes tensor = {0}, packed = {0};
    /* int64_data not packed, negative; the fields before dims and type */
    ow_int(&tensor, 7, -1);
    ow_int(&tensor, 7, 77);
    ow_tensor(&tensor, "w", OW_INT64, "2");
    ir_graph *graph = good(&tensor);
    assert_int_equal(find(graph, "w")->ints[0], -1);
    assert_int_equal(find(graph, "w")->ints[1], 77);
    ir_graph_free(graph);

    /* packed, in two pieces */
    ow_varint(&packed, 5);
    ow_message(&tensor, 7, &packed);
    ow_varint(&packed, 6);
    ow_varint(&packed, (uint64_t)-7);
    ow_message(&tensor, 7, &packed);
    ow_tensor(&tensor, "w", OW_INT64, "3");
    graph = good(&tensor);
    assert_int_equal(find(graph, "w")->ints[0], 5);
    assert_int_equal(find(graph, "w")->ints[2], -7);
    ir_graph_free(graph);

    ow_float(&tensor, 4, 1.5F);
    ow_tensor(&tensor, "w", OW_FLOAT, "1");
    graph = good(&tensor);
    assert_true(find(graph, "w")->floats[0] == 1.5);
    ir_graph_free(graph);

    double numbers[] = {0.25, -8};
    ow_data(&tensor, 10, numbers, sizeof numbers);
    ow_tensor(&tensor, "w", 11, "2");
    graph = good(&tensor);
    assert_true(find(graph, "w")->floats[1] == -8);
    ir_graph_free(graph);

    /* 16-bit reals as bit patterns in int32_data */
    ow_int(&tensor, 5, 0x3c00);
    ow_tensor(&tensor, "w", OW_FLOAT16, "");
    graph = good(&tensor);
    assert_true(find(graph, "w")->floats[0] == 1);
    ir_graph_free(graph);

    ow_int(&tensor, 5, 1);
    ow_int(&tensor, 5, 0);
    ow_tensor(&tensor, "w", OW_BOOL, "2");
    graph = good(&tensor);
    assert_int_equal(find(graph, "w")->ints[0], 1);
    assert_int_equal(find(graph, "w")->ints[1], 0);
    ir_graph_free(graph);

    ow_text(&tensor, 6, "a string");
    ow_tensor(&tensor, "w", OW_STRING, "1");
    graph = good(&tensor);
    assert_int_equal(find(graph, "w")->type, KERF_STRING);
    ir_graph_free(graph);
}

static void content_may_come_before_dims(void **state)
{
    (void)state;
    onnx_bytes tensor = {0};
    int64_t numbers[] = {3, 4};
    ow_data(&tensor, 9, numbers, sizeof numbers);
    ow_tensor(&tensor, "w", OW_INT64, "2");
    ir_graph *graph = good(&tensor);
    assert_int_equal(find(graph, "w")->ints[1], 4);
    ir_graph_free(graph);
}

static void large_or_absent_content_is_not_kept(void **state)
{
    (void)state;
    static float numbers[IR_MAX_FOLD + 1];
    onnx_bytes tensor = {0}, packed = {0};
    char dims[32];
    for (int n = 64; n <= 65; n++) { /* reals: scales and factors only */
        snprintf(dims, sizeof dims, "%d", n);
        ow_tensor(&tensor, "w", OW_FLOAT, dims);
        ow_data(&tensor, 9, numbers, (size_t)n * sizeof *numbers);
        ir_graph *graph = good(&tensor);
        assert_int_equal(find(graph, "w")->floats != NULL, n == 64);
        assert_int_equal(ir_elements(find(graph, "w")), n);
        ir_graph_free(graph);

        ow_tensor(&tensor, "w", OW_FLOAT, dims);
        ow_data(&tensor, 4, numbers, (size_t)n * sizeof *numbers);
        graph = good(&tensor);
        assert_int_equal(find(graph, "w")->floats != NULL, n == 64);
        ir_graph_free(graph);

        ow_tensor(&tensor, "w", OW_INT8, dims);
        ow_data(&tensor, 9, numbers, (size_t)n);
        graph = good(&tensor);
        assert_int_equal(find(graph, "w")->ints != NULL, n == 64);
        ir_graph_free(graph);
    }
    for (int n = IR_MAX_FOLD; n <= IR_MAX_FOLD + 1; n++) {
        snprintf(dims, sizeof dims, "%d", n);
        ow_tensor(&tensor, "w", OW_INT64, dims);
        for (int i = 0; i < n; i++)
            ow_varint(&packed, 1);
        ow_message(&tensor, 7, &packed);
        ir_graph *graph = good(&tensor);
        assert_int_equal(find(graph, "w")->ints != NULL, n == IR_MAX_FOLD);
        ir_graph_free(graph);

        ow_tensor(&tensor, "w", OW_INT32, dims);
        ow_data(&tensor, 9, numbers, (size_t)n * 4);
        graph = good(&tensor);
        assert_int_equal(find(graph, "w")->ints != NULL, n == IR_MAX_FOLD);
        ir_graph_free(graph);
    }
    /* ten bytes an element: stepped over, the count is known within bounds only */
    ow_tensor(&tensor, "w", OW_INT64, "5000");
    for (int i = 0; i < 5000; i++)
        ow_varint(&packed, UINT64_MAX);
    ow_message(&tensor, 7, &packed);
    ir_graph_free(good(&tensor));
    ow_tensor(&tensor, "w", OW_INT64, "2,3"); /* weights taken out */
    ir_graph *graph = good(&tensor);
    assert_null(find(graph, "w")->ints);
    assert_int_equal(ir_elements(find(graph, "w")), 6);
    ir_graph_free(graph);
    ow_tensor(&tensor, "w", 99, "2"); /* a type of the future */
    ow_data(&tensor, 9, "abc", 3);
    graph = good(&tensor);
    assert_int_equal(find(graph, "w")->type, KERF_TYPE_UNKNOWN);
    ir_graph_free(graph);
}

static void four_bit_and_complex_sizes(void **state)
{
    (void)state;
    onnx_bytes tensor = {0};
    ow_tensor(&tensor, "w", 22, "3");
    ow_data(&tensor, 9, "ab", 2);
    ir_graph_free(good(&tensor));
    ow_tensor(&tensor, "w", 21, "3");
    ow_int(&tensor, 5, 1);
    ow_int(&tensor, 5, 2);
    ir_graph_free(good(&tensor));
    ow_tensor(&tensor, "w", 22, "3");
    ow_data(&tensor, 9, "abc", 3);
    bad(&tensor, KERF_E_INVALID, "3 bytes of data, expected 2");
    ow_tensor(&tensor, "w", 14, "1");
    ow_float(&tensor, 4, 1);
    ow_float(&tensor, 4, 2);
    ir_graph_free(good(&tensor));
}

static void refuses_contradictions(void **state)
{
    (void)state;
    onnx_bytes tensor = {0}, packed = {0};
    ow_tensor(&tensor, "w", OW_FLOAT, "2,2");
    ow_data(&tensor, 9, "0123456789ab", 12);
    bad(&tensor, KERF_E_INVALID, "12 bytes of data, expected 16");
    ow_tensor(&tensor, "w", OW_INT64, "3");
    ow_int(&tensor, 7, 1);
    bad(&tensor, KERF_E_INVALID, "1 entries of data, expected 3");
    ow_tensor(&tensor, "w", OW_INT64, "100000");
    for (int i = 0; i < 50000; i++)
        ow_varint(&packed, 1);
    ow_message(&tensor, 7, &packed);
    bad(&tensor, KERF_E_INVALID, "entries of data, expected 100000");
    ow_tensor(&tensor, "w", OW_STRING, "3");
    ow_text(&tensor, 6, "one");
    bad(&tensor, KERF_E_INVALID, "1 entries of data, expected 3");
    ow_tensor(&tensor, "w", OW_FLOAT, "-1");
    bad(&tensor, KERF_E_INVALID, "dimension -1, expected 0 or more");
    ow_tensor(&tensor, "w", OW_FLOAT, "4294967296,4294967296");
    bad(&tensor, KERF_E_TOO_LARGE, "overflows");
    ow_tensor(&tensor, "w", OW_FLOAT, "1152921504606846976");
    bad(&tensor, KERF_E_TOO_LARGE, "overflows");
    ow_tensor(&tensor, "w", OW_FLOAT, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
    bad(&tensor, KERF_E_TOO_LARGE, "more than 16 dimensions");
    /* raw_data as a number */
    ow_tensor(&tensor, "w", OW_FLOAT, "1");
    ow_int(&tensor, 9, 1);
    bad(&tensor, KERF_E_SYNTAX, "ONNX file");
}

static void sparse_initializers(void **state)
{
    (void)state;
    onnx_bytes sparse = {0}, values = {0}, indices = {0}, g = {0}, model = {0};
    ow_tensor(&values, "w", OW_FLOAT, "2");
    ow_message(&sparse, 1, &values);
    ow_tensor(&indices, "", OW_INT64, "2");
    ow_message(&sparse, 2, &indices);
    ow_int(&sparse, 3, 30);
    ow_int(&sparse, 3, 40);
    ow_message(&g, 15, &sparse);
    ow_node(&g, "Identity", "i", "w", "y", NULL);
    ow_model(&model, &g, 13);
    ir_graph *graph = NULL;
    assert_int_equal(ow_read(&model, NULL, &graph, NULL), KERF_OK);
    assert_int_equal(ir_elements(find(graph, "w")), 1200);
    assert_int_equal(find(graph, "w")->type, KERF_FLOAT32);
    assert_true(find(graph, "w")->initializer);
    ir_graph_free(graph);
    ow_free(&model);
}

static void entry(onnx_bytes *tensor, const char *key, const char *value)
{
    onnx_bytes message = {0};
    ow_text(&message, 1, key);
    ow_text(&message, 2, value);
    ow_message(tensor, 13, &message);
}

static void external(onnx_bytes *graph, const char *name, const char *dims, const char *location,
                     const char *offset, const char *length)
{
    onnx_bytes tensor = {0};
    ow_tensor(&tensor, name, OW_INT64, dims);
    if (location)
        entry(&tensor, "location", location);
    if (offset)
        entry(&tensor, "offset", offset);
    if (length)
        entry(&tensor, "length", length);
    entry(&tensor, "checksum", "unused");
    ow_int(&tensor, 14, 1);
    ow_message(graph, 5, &tensor);
}

typedef struct folder {
    char path[64], model[96], data[96];
} folder;

static void put(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void make_folder(folder *f)
{
    static const int64_t numbers[] = {10, 11, 12};
    strncpy(f->path, "/tmp/kerf-onnx-XXXXXX", sizeof f->path);
    assert_non_null(mkdtemp(f->path));
    snprintf(f->model, sizeof f->model, "%s/m.onnx", f->path);
    snprintf(f->data, sizeof f->data, "%s/m.data", f->path);
    put(f->data, numbers, sizeof numbers);
}

static void drop_folder(const folder *f)
{
    unlink(f->model);
    unlink(f->data);
    rmdir(f->path);
}

static kerf_status read_in(const folder *f, onnx_bytes *g, ir_graph **graph, kerf_error *err)
{
    onnx_bytes model = {0};
    ow_model(&model, g, 13);
    put(f->model, model.data, model.n);
    ow_free(&model);
    memset(err, 0, sizeof *err);
    return onnx_read(f->model, NULL, graph, err);
}

static void external_data_is_read_where_small(void **state)
{
    (void)state;
    folder f;
    onnx_bytes g = {0};
    ir_graph *graph = NULL;
    kerf_error err;
    make_folder(&f);
    external(&g, "a", "2", "m.data", "8", "16");
    external(&g, "b", "3", "./m.data", NULL, NULL);
    assert_int_equal(read_in(&f, &g, &graph, &err), KERF_OK);
    assert_int_equal(find(graph, "a")->ints[0], 11);
    assert_int_equal(find(graph, "a")->ints[1], 12);
    assert_int_equal(find(graph, "b")->ints[0], 10);
    assert_int_equal(graph->n_warnings, 0);
    ir_graph_free(graph);
    drop_folder(&f);
}

static void external_data_need_not_be_there(void **state)
{
    (void)state;
    static const char *const outside[] = {"../m.data", "/etc/passwd", "a/../../m.data", "..", ""};
    folder f;
    onnx_bytes g = {0};
    ir_graph *graph = NULL;
    kerf_error err;
    make_folder(&f);
    external(&g, "a", "2", "absent.data", NULL, NULL);
    external(&g, "b", "2", "absent.data", NULL, NULL);
    external(&g, "c", "2", "absent.too", NULL, NULL);
    assert_int_equal(read_in(&f, &g, &graph, &err), KERF_OK);
    assert_int_equal(graph->n_warnings, 1);
    assert_non_null(strstr(graph->warnings[0], "'absent.data' is not there"));
    assert_null(find(graph, "a")->ints);
    assert_int_equal(ir_elements(find(graph, "a")), 2);
    ir_graph_free(graph);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        external(&g, "a", "2", outside[i], NULL, NULL);
        assert_int_equal(read_in(&f, &g, &graph, &err), KERF_OK);
        assert_int_equal(graph->n_warnings, 1);
        assert_non_null(strstr(graph->warnings[0], "outside the model's folder"));
        assert_null(find(graph, "a")->ints);
        ir_graph_free(graph);
    }
    drop_folder(&f);
}

static void external_data_must_fit(void **state)
{
    (void)state;
    static const struct {
        const char *location, *offset, *length, *message;
    } cases[] = {
        {"m.data", "0", "15", "has 15 bytes, expected 16"},
        {"m.data", "16", NULL, "ends before byte 16 + 16"},
        {"m.data", "18446744073709551608", NULL, "ends before"},
        {"m.data", "-8", NULL, "expected numbers of bytes"},
        {"m.data", "8x", NULL, "expected numbers of bytes"},
        {"m.data", "99999999999999999999", NULL, "expected numbers of bytes"},
        {NULL, NULL, NULL, "without a location"},
    };
    folder f;
    onnx_bytes g = {0};
    kerf_error err;
    make_folder(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ir_graph *graph = NULL;
        external(&g, "a", "2", cases[i].location, cases[i].offset, cases[i].length);
        assert_int_equal(read_in(&f, &g, &graph, &err), KERF_E_INVALID);
        if (!strstr(err.message, cases[i].message))
            fail_msg("'%s' lacks '%s'", err.message, cases[i].message);
        assert_string_equal(err.where, "a");
    }
    drop_folder(&f);
}

/* Three gigabytes of weights, most of them a hole in the file: offsets beyond 32 bits, and memory
 * that does not grow with the weights. */
static void steps_over_gigabytes(void **state)
{
    (void)state;
    const uint64_t weights = 3ULL << 30;
    char path[] = "/tmp/kerf-onnx-large-XXXXXX";
    onnx_bytes head = {0}, tensor = {0}, rest = {0}, dims = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    ow_tensor(&dims, "w", OW_FLOAT, "3,268435456");
    ow_raw(&tensor, dims.data, dims.n);
    ow_varint(&tensor, 9 << 3 | 2);
    ow_varint(&tensor, weights);
    ow_node(&rest, "MatMul", "product", "x,w", "y", NULL);
    ow_initializer(&rest, "two", OW_INT64, "1", (int64_t[]){2}, 8);
    ow_value(&rest, OW_INPUT, "x", OW_FLOAT, "1,3");
    ow_value(&rest, OW_OUTPUT, "y", OW_FLOAT, NULL);
    /* graph: field 5 with the tensor, then the rest */
    onnx_bytes field = {0};
    ow_varint(&field, 5 << 3 | 2);
    ow_varint(&field, tensor.n + weights);
    ow_int(&head, 1, 7);
    ow_varint(&head, 7 << 3 | 2);
    ow_varint(&head, field.n + tensor.n + weights + rest.n);
    ow_raw(&head, field.data, field.n);
    ow_raw(&head, tensor.data, tensor.n);
    bool written = pwrite(fd, head.data, head.n, 0) == (ssize_t)head.n &&
                   pwrite(fd, rest.data, rest.n, (off_t)(head.n + weights)) == (ssize_t)rest.n;
    if (written) {
        char name[64];
        ir_graph *graph = NULL;
        kerf_error err = {0};
        struct rusage use;
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        if (onnx_read(name, NULL, &graph, &err) != KERF_OK)
            fail_msg("%s", err.message);
        assert_int_equal(ir_elements(find(graph, "w")), 3LL << 28);
        assert_int_equal(find(graph, "two")->ints[0], 2);
        assert_int_equal(graph->n_nodes, 1);
        ir_graph_free(graph);
        getrusage(RUSAGE_SELF, &use);
        assert_true(use.ru_maxrss < 1 << 20); /* kilobytes */
    }
    close(fd);
    ow_free(&head);
    ow_free(&tensor);
    ow_free(&rest);
    ow_free(&dims);
    ow_free(&field);
    if (!written)
        skip(); /* no room, or no holes, for files of this size */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_raw_integers),
        cmocka_unit_test(keeps_raw_reals),
        cmocka_unit_test(keeps_typed_fields),
        cmocka_unit_test(content_may_come_before_dims),
        cmocka_unit_test(large_or_absent_content_is_not_kept),
        cmocka_unit_test(four_bit_and_complex_sizes),
        cmocka_unit_test(refuses_contradictions),
        cmocka_unit_test(sparse_initializers),
        cmocka_unit_test(external_data_is_read_where_small),
        cmocka_unit_test(external_data_need_not_be_there),
        cmocka_unit_test(external_data_must_fit),
        cmocka_unit_test(steps_over_gigabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
