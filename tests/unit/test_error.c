/* Error reports, checked memory, files. */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "kerf/kerf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void status_names(void **state)
{
    (void)state;
    assert_string_equal(kerf_status_name(KERF_OK), "KERF_OK");
    assert_string_equal(kerf_status_name(KERF_E_INTERNAL), "KERF_E_INTERNAL");
    assert_string_equal(kerf_status_text(KERF_E_NOMEM), "out of memory");
    assert_non_null(kerf_status_name((kerf_status)9999));
    assert_non_null(kerf_status_text((kerf_status)9999));
    assert_string_equal(kerf_version(), KERF_VERSION);
}

static void first_error_wins(void **state)
{
    (void)state;
    kerf_error err = {0};
    assert_int_equal(kerf_fail(&err, KERF_E_IO, "a", "first %d", 1), KERF_E_IO);
    assert_int_equal(kerf_fail(&err, KERF_E_INVALID, "b", "second"), KERF_E_INVALID);
    kerf_error_source(&err, "x.json");
    kerf_error_source(&err, "y.json");
    assert_int_equal(err.code, KERF_E_IO);
    char line[256];
    assert_string_equal(kerf_error_line(&err, line, sizeof line), "x.json: a: first 1");
    kerf_error_clear(&err);
    assert_int_equal(err.code, KERF_OK);
    assert_string_equal(kerf_error_line(&err, line, sizeof line), "success");
}

static void null_error_is_fine(void **state)
{
    (void)state;
    assert_int_equal(kerf_fail(NULL, KERF_E_IO, NULL, "x"), KERF_E_IO);
    kerf_error_source(NULL, "x");
    kerf_error_clear(NULL);
}

static void one_printable_line(void **state)
{
    (void)state;
    kerf_error err = {0};
    kerf_fail(&err, KERF_E_INVALID, "a\nb", "c\r\n\033[31md");
    kerf_error_source(&err, "f\tg");
    char line[256];
    assert_string_equal(kerf_error_line(&err, line, sizeof line), "f g: a b: c   [31md");
}

/* Each row: what a file may hold, and what is shown of it. */
static void printable(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
         "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\033[31m\a\r\n\x7f"
         "b",
         "a_[31m____b"},
        {"a\xc2\x9b"
         "31m\xc2\x85z\xc2\xa0y",
         "a_31m_z\xc2\xa0y"},
        {"x\xe2\x80\xa8y\xe2\x80\xaez\xe2\x81\xa6q\xe2\x80\x8fr\xef\xbb\xbfs", "x_y_z_q_r_s"},
        {"none \xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf", "none \xef\xbf\xbd__"},
        {"raw \x9b"
         "31m \xff\xfe",
         "raw ?31m ??"},
        {"long \xc0\x9b \xe0\x82\x9b", "long ?? ???"},
        {"half \xe2\x82", "half ??"},
        {"surrogate \xed\xa0\x80", "surrogate ???"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", rows[i][0]);
        kerf_make_printable(text, '_');
        assert_string_equal(text, rows[i][1]);
    }
    kerf_error err = {0};
    char line[256];
    kerf_fail(&err, KERF_E_INVALID,
              "a\xc2\x9b"
              "b",
              "c\x9b"
              "d\xe2\x80\xa9"
              "e");
    assert_string_equal(kerf_error_line(&err, line, sizeof line), "a b: c?d e");
}

/* A name cut in the middle of a character must not leave half of it. */
static void cut_at_a_character(void **state)
{
    (void)state;
    kerf_error err = {0};
    char where[400];
    for (size_t i = 0; i < 199; i++)
        memcpy(where + 2 * i, "\xc3\xa9", 2);
    where[398] = '\0';
    kerf_fail(&err, KERF_E_INVALID, where, "x");
    assert_int_equal(strlen(err.where), 254);
    char line[8];
    kerf_fail(&err, KERF_E_INVALID, "ab", "cd");
    kerf_error_line(&err, line, 4);
    assert_string_equal(line, "\xc3\xa9");
    kerf_error_line(&err, line, 1);
    assert_string_equal(line, "");
}

static void sizes_are_checked(void **state)
{
    (void)state;
    volatile size_t huge = SIZE_MAX / 2;
    assert_null(kerf_calloc(huge, 4));
    assert_null(kerf_realloc_array(NULL, huge, 4));
    void *empty = kerf_calloc(0, 8);
    assert_non_null(empty);
    free(empty);
    char *text = kerf_strndup("abcdef", 3);
    assert_string_equal(text, "abc");
    free(text);
}

static void reserve_grows_to_its_limit(void **state)
{
    (void)state;
    int *array = NULL;
    size_t capacity = 0;
    for (size_t n = 1; n <= 100; n++) {
        assert_int_equal(kerf_reserve(&array, &capacity, n, 100, sizeof *array), 0);
        assert_true(capacity >= n && capacity <= 100);
        array[n - 1] = (int)n;
    }
    int *before = array;
    assert_int_equal(kerf_reserve(&array, &capacity, 101, 100, sizeof *array), -1);
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, 100);
    for (int n = 1; n <= 100; n++)
        assert_int_equal(array[n - 1], n);
    free(array);
    struct large {
        char bytes[300];
    } *large = NULL; /* many arrays hold one or two of these, and nothing more */
    capacity = 0;
    assert_int_equal(kerf_reserve(&large, &capacity, 1, 100, sizeof *large), 0);
    assert_int_equal(capacity, 2);
    free(large);
}

static void expect_read(const char *path, size_t maximum, kerf_status status, const char *message)
{
    char *data = NULL, line[1100];
    size_t size = 7;
    kerf_error err = {0};
    assert_int_equal(kerf_read_file(path, maximum, &data, &size, &err), status);
    if (status == KERF_OK) {
        assert_int_equal(strlen(data), size);
        free(data);
        return;
    }
    assert_null(data);
    assert_int_equal(size, 7);
    assert_string_equal(kerf_error_line(&err, line, sizeof line), message);
}

static void files(void **state)
{
    (void)state;
    char folder[] = "/tmp/kerf-file-XXXXXX", path[64], fifo[64], message[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/f", folder);
    snprintf(fifo, sizeof fifo, "%s/p", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("hello", file);
    fclose(file);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_read(path, 5, KERF_OK, NULL);
    snprintf(message, sizeof message, "%s: is too large, expected at most 4 bytes", path);
    expect_read(path, 4, KERF_E_TOO_LARGE, message);
    snprintf(message, sizeof message, "%s: is a directory, expected a file", folder);
    expect_read(folder, 9, KERF_E_IO, message);
    snprintf(message, sizeof message, "%s: is not a regular file", fifo);
    expect_read(fifo, 9, KERF_E_IO, message);
    unlink(path);
    snprintf(message, sizeof message, "%s: cannot open: No such file or directory", path);
    expect_read(path, 9, KERF_E_IO, message);
    unlink(fifo);
    rmdir(folder);
}

static void unsized_files(void **state)
{
    (void)state;
    expect_read("/proc/self/status", 100000, KERF_OK, NULL);
    expect_read("/proc/self/status", 3, KERF_E_TOO_LARGE,
                "/proc/self/status: is too large, expected at most 3 bytes");
}

static void paths(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"a/b.json", "c.txt", "a/c.txt"},       {"b.json", "c.txt", "c.txt"},
        {"/b.json", "c.txt", "/c.txt"},         {"a/b.json", "/c.txt", "/c.txt"},
        {"a/b.json", "../c.txt", "a/../c.txt"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = kerf_path_beside(rows[i][0], rows[i][1]);
        assert_string_equal(path, rows[i][2]);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_names),
        cmocka_unit_test(first_error_wins),
        cmocka_unit_test(null_error_is_fine),
        cmocka_unit_test(one_printable_line),
        cmocka_unit_test(printable),
        cmocka_unit_test(cut_at_a_character),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(reserve_grows_to_its_limit),
        cmocka_unit_test(files),
        cmocka_unit_test(unsized_files),
        cmocka_unit_test(paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
