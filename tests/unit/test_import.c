/* Importing layer profiles where memory ends, and files that nobody wrote. */
#include "kerf/import.h"

#include "base/csv.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TIMES                                                                                      \
    "[{\"count\": 5}, {\"name\": \"features.0 + features.1\", \"averageMs\": 0.2},"                \
    " {\"name\": \"features.1 || features.3\", \"averageMs\": 0.1},"                               \
    " {\"name\": \"{ForeignNode[features.6...features.10]}\", \"averageMs\": 0.3}]"

/* Kernels of ONNX Runtime: one that names the tensor it writes, and one of its optimisations'. */
#define KERNELS                                                                                    \
    "[{\"cat\": \"Node\", \"name\": \"features.1_nchwc_kernel_time\", \"dur\": 2,"                 \
    " \"args\": {\"op_name\": \"Conv\"}},"                                                         \
    " {\"cat\": \"Node\", \"name\": \"features.3_kernel_time\", \"dur\": 1, \"args\": {}}]"

static kerf_network *network;

static int load_network(void **state)
{
    if (kerf_network_load("configs/networks/alexnet.json", NULL, &network, NULL) != KERF_OK)
        return -1;
    return text_file_make(state);
}

static int drop_network(void **state)
{
    kerf_network_destroy(&network);
    return text_file_remove(state);
}

static void cells_of_csv(void **state)
{
    (void)state;
    char text[] = "# c\n\n a , \"b, \"\"c\"\"\" ,d\r\n\"x\ny\",,z";
    kerf_csv csv = {.next = text, .line = 1};
    assert_int_equal(kerf_csv_next(&csv, NULL), KERF_OK);
    assert_int_equal(csv.n, 3);
    assert_int_equal(csv.record_line, 3);
    assert_string_equal(csv.cells[0], "a");
    assert_string_equal(csv.cells[1], "b, \"c\"");
    assert_string_equal(csv.cells[2], "d");
    assert_int_equal(kerf_csv_next(&csv, NULL), KERF_OK);
    assert_int_equal(csv.n, 3);
    assert_string_equal(csv.cells[0], "x\ny");
    assert_string_equal(csv.cells[1], "");
    assert_string_equal(csv.cells[2], "z");
    assert_int_equal(csv.line, 5);
    assert_int_equal(kerf_csv_next(&csv, NULL), KERF_OK);
    assert_int_equal(csv.n, 0);
}

static void broken_csv(void **state)
{
    (void)state;
    const struct {
        const char *text, *message;
    } cases[] = {{"a,\"b", "never closed"}, {"\"a\" b", "after a closing quote"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        kerf_error err = {0};
        snprintf(text, sizeof text, "%s", cases[i].text);
        kerf_csv csv = {.next = text, .line = 1};
        assert_int_equal(kerf_csv_next(&csv, &err), KERF_E_SYNTAX);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_string_equal(err.where, "line 1");
    }
    char many[2 * KERF_CSV_MOST_CELLS + 2];
    memset(many, ',', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    kerf_csv csv = {.next = many, .line = 1};
    assert_int_equal(kerf_csv_next(&csv, NULL), KERF_E_INVALID);
}

static kerf_status import_and_save(void *context, kerf_error *err)
{
    const char *const files[] = {context};
    kerf_layer_profile *profile = NULL;
    kerf_status status = kerf_layers_import(files, 1, network, &profile, err);
    if (status == KERF_OK && (profile->n != 2 || profile->layers[0].n_operators != 3))
        status = torture_wrong(err, "the layers are others");
    if (status == KERF_OK)
        status = kerf_layers_save_profile(profile, network, "/dev/null/none", false, err);
    if (status == KERF_E_IO) /* nothing can be written there */
        status = KERF_OK;
    kerf_layers_destroy(&profile);
    return status;
}

static kerf_status import_kernels(void *context, kerf_error *err)
{
    const char *const files[] = {context};
    kerf_layer_profile *profile = NULL;
    kerf_status status = kerf_layers_import(files, 1, network, &profile, err);
    if (status == KERF_OK && (profile->n != 2 || profile->mapped_operators != 3))
        status = torture_wrong(err, "the layers are others");
    kerf_layers_destroy(&profile);
    return status;
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    if (!torture_available())
        skip();
    text_file_write(TIMES, NULL, NULL);
    char path[256];
    snprintf(path, sizeof path, "%s", text_file_path());
    torture_run(import_and_save, path);
    text_file_write(KERNELS, NULL, NULL);
    torture_run(import_kernels, path);
}

static bool try_bytes(const char *data, size_t size)
{
    kerf_layer_profile *profile = NULL;
    kerf_error err = {0};
    text_file_write_bytes(data, size);
    const char *const files[] = {text_file_path()};
    const kerf_status status = kerf_layers_import(files, 1, network, &profile, &err);
    assert_true((status == KERF_OK) == (profile != NULL));
    assert_true(status == KERF_OK || err.message[0] != '\0');
    kerf_layers_destroy(&profile);
    return status == KERF_OK;
}

/* Every byte of a good file changed, dropped or cut at. */
static void files_nobody_wrote(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        TIMES,
        "{\"Layers\": [{\"Name\": \"features.0\", \"Metadata\": \"[ONNX Layer: features.0]\"}]}",
        "[{\"cat\": \"Node\", \"name\": \"features.0_kernel_time\", \"dur\": 5}]",
        "[{\"cat\": \"Node\", \"name\": \"features.0_nchwc_token_3_kernel_time\", \"dur\": 5,"
        " \"args\": {\"op_name\": \"Conv\"}},"
        " {\"cat\": \"Node\", \"name\": \"classifier.1/MatMulAddFusion/_kernel_time\", \"dur\": 5,"
        " \"args\": {\"op_name\": \"Gemm\"}}]",
        "{\"features.0\": [[1.5, \"x\"]]}",
        "name,latency_ms,power_W\n\"features.0\",1,2\n"};
    for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
        const size_t size = strlen(seeds[s]);
        char data[512];
        for (size_t i = 0; i <= size; i++) {
            memcpy(data, seeds[s], size);
            try_bytes(data, i);
            static const char bytes[] = {'\0', '"', '[', '}', ',', '9', '-', '\n', (char)0xff};
            for (size_t b = 0; i < size && b < sizeof bytes; b++) {
                memcpy(data, seeds[s], size);
                data[i] = bytes[b];
                try_bytes(data, size);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells_of_csv), cmocka_unit_test(broken_csv),
                                       cmocka_unit_test(survives_lack_of_memory),
                                       cmocka_unit_test(files_nobody_wrote)};
    return cmocka_run_group_tests(tests, load_network, drop_network);
}
