/* A temporary file whose text is a good document with one thing changed.
 *
 *     text_file_make("kerf-device");               // group setup; text_file_remove: teardown
 *     text_file_write(good, "\"3 ps/MAC\"", "3");  // the first occurrence; NULL: as it is
 *     kerf_device_load(text_file_path(), ...);
 */
#ifndef KERF_TESTS_TEXT_FILE_H
#define KERF_TESTS_TEXT_FILE_H

int text_file_make(void **state);
int text_file_remove(void **state);
const char *text_file_path(void);
/* Aborts if `find` does not occur. */
void text_file_write(const char *text, const char *find, const char *replace);

#endif
