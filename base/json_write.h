/* JSON text, written from front to back into one growing buffer.
 *
 *     kerf_writer w = {0};
 *     kw_begin(&w, '{');
 *     kw_key(&w, "rate"), kw_number(&w, 12.5);
 *     kw_end(&w, '}');
 *     if (w.failed) ...                         // out of memory, at any point
 *     free(w.text);
 *
 * The text is compact and zero-terminated after kw_finish. A failure is remembered; calls after it
 * do nothing. A writer may be used again after w.used = 0, w.comma = false.
 */
#ifndef KERF_BASE_JSON_WRITE_H
#define KERF_BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kerf_writer {
    char *text; /* owned by the user */
    size_t used, capacity;
    bool comma; /* the next key or element needs one before it */
    bool failed;
} kerf_writer;

void kw_begin(kerf_writer *w, char bracket);  /* '{' or '[' */
void kw_end(kerf_writer *w, char bracket);    /* '}' or ']' */
void kw_key(kerf_writer *w, const char *key); /* plain ASCII, written as it is */

void kw_number(kerf_writer *w, double value); /* null where it is not finite */
void kw_integer(kerf_writer *w, int64_t value);
void kw_bytes(kerf_writer *w, double bytes); /* an integer where it is whole */
void kw_bool(kerf_writer *w, bool value);
void kw_null(kerf_writer *w);
/* NULL becomes null; bytes that are no UTF-8 become U+FFFD. */
void kw_string(kerf_writer *w, const char *text);
/* One value that is JSON already. */
void kw_value(kerf_writer *w, const char *json, size_t size);

/* Text as it is, without a thought of commas. */
void kw_raw(kerf_writer *w, const char *text, size_t size);

/* Terminates the text; false if the writer failed. */
bool kw_finish(kerf_writer *w);

/* A key and its value. */
void kw_put_number(kerf_writer *w, const char *key, double value);
void kw_put_integer(kerf_writer *w, const char *key, int64_t value);
void kw_put_bytes(kerf_writer *w, const char *key, double bytes);
void kw_put_bool(kerf_writer *w, const char *key, bool value);
void kw_put_string(kerf_writer *w, const char *key, const char *text);
void kw_put_begin(kerf_writer *w, const char *key, char bracket);

#endif
