/* A temporary file, mostly a good document with one thing changed.
 *
 *     cmocka_run_group_tests(tests, text_file_make, text_file_remove);
 *     text_file_write(good, "\"3 ps/MAC\"", "3");  // the first occurrence; NULL: as it is
 *     kerf_device_load(text_file_path(), ...);
 */
#ifndef KERF_TESTS_TEXT_FILE_H
#define KERF_TESTS_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

int text_file_make(void **state);
int text_file_remove(void **state);
const char *text_file_path(void);
/* Aborts if `find` does not occur. */
void text_file_write(const char *text, const char *find, const char *replace);
void text_file_write_bytes(const char *data, size_t size);
/* Makes a folder for temporary files, in memory where that can be had. */
bool text_file_folder(char *name, size_t size);
/* Any file's first bytes, `capacity` of them at most; aborts if it cannot be read. */
size_t text_file_read(const char *name, char *data, size_t capacity);

#endif
