/* JSON documents read with care: size and depth limits, no duplicate keys, no unknown keys,
 * finite numbers, quantities with units, and errors that carry a JSON pointer.
 *
 *     kerf_json_doc *doc;
 *     kerf_json_open(path, "kerf-link/1", &doc, err);
 *     kerf_json root = kerf_json_root(doc);
 *     double rtt = 0;
 *     kerf_json_quantity(&root, "rtt", KERF_TIME, KERF_REQUIRED, &rtt);
 *     kerf_json_done(&root);             // whatever key was not asked for is an error
 *     status = kerf_json_close(&doc);    // the first error of all, KERF_OK if none
 *
 * Getters mark the key as known. The first failure is latched in the document and reported by
 * kerf_json_close (and kerf_json_failed); getters after it do nothing. An optional key that is
 * absent leaves the output as it was. Objects under "notes" are always allowed and ignored.
 */
#ifndef KERF_BASE_JSON_H
#define KERF_BASE_JSON_H

#include "kerf/status.h"
#include "kerf/units.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct kerf_json_doc kerf_json_doc;

/* A value inside a document: plain, copied freely, valid until the document is closed (and while
 * its parent cursor is alive: `parent` is borrowed). */
typedef struct kerf_json {
    kerf_json_doc *doc;
    json_t *value;                  /* NULL: absent */
    const struct kerf_json *parent; /* NULL for the root */
    const char *key;                /* in an object parent */
    size_t index;                   /* in an array parent */
} kerf_json;

typedef enum kerf_presence { KERF_OPTIONAL, KERF_REQUIRED } kerf_presence;

/* Opens a file (at most 256 MB, depth at most 64) whose root is an object with the given "format"
 * (NULL: do not ask, for foreign documents such as iperf3's, which may also repeat keys; "":
 * nor that it is an object, it may be an array). On
 * failure *doc is NULL and err is set: KERF_E_SYNTAX (where: line:column), KERF_E_INVALID,
 * KERF_E_IO, KERF_E_NOMEM. */
kerf_status kerf_json_open(const char *path, const char *format, kerf_json_doc **doc,
                           kerf_error *err);
/* The same from memory; `source` names it in errors. */
kerf_status kerf_json_parse(const char *text, size_t size, const char *source, const char *format,
                            kerf_json_doc **doc, kerf_error *err);
/* Frees *doc; returns the document's first error, which is in the err given when it was opened. */
kerf_status kerf_json_close(kerf_json_doc **doc);

kerf_json kerf_json_root(kerf_json_doc *doc);
bool kerf_json_failed(const kerf_json_doc *doc);
kerf_status kerf_json_status(const kerf_json_doc *doc); /* of the first error so far */

/* Latches an error at this value: its JSON pointer becomes `where`. Always returns false. */
bool kerf_json_fail(const kerf_json *at, kerf_status code, const char *format, ...)
    KERF_PRINTF(3, 4);

/* Members of an object. False if absent or failed. */
bool kerf_json_member(const kerf_json *object, const char *key, kerf_presence, kerf_json *member);
bool kerf_json_object(const kerf_json *object, const char *key, kerf_presence, kerf_json *member);
bool kerf_json_array(const kerf_json *object, const char *key, kerf_presence, kerf_json *member,
                     size_t *length);
bool kerf_json_string(const kerf_json *object, const char *key, kerf_presence, const char **text);
bool kerf_json_bool(const kerf_json *object, const char *key, kerf_presence, bool *value);
/* Any finite number in [low, high], an integer in [low, high], a quantity >= 0 with its unit. */
bool kerf_json_number(const kerf_json *object, const char *key, kerf_presence, double low,
                      double high, double *value);
bool kerf_json_integer(const kerf_json *object, const char *key, kerf_presence, int64_t low,
                       int64_t high, int64_t *value);
bool kerf_json_quantity(const kerf_json *object, const char *key, kerf_quantity kind, kerf_presence,
                        double *value);

/* Elements of an array, and the same checks on a value itself. */
kerf_json kerf_json_at(const kerf_json *array, size_t index);
bool kerf_json_as_object(const kerf_json *value);
bool kerf_json_as_array(const kerf_json *value, size_t *length);
bool kerf_json_as_string(const kerf_json *value, const char **text);
bool kerf_json_as_bool(const kerf_json *value, bool *flag);
bool kerf_json_as_number(const kerf_json *value, double low, double high, double *number);
bool kerf_json_as_integer(const kerf_json *value, int64_t low, int64_t high, int64_t *number);
bool kerf_json_as_quantity(const kerf_json *value, kerf_quantity kind, double *number);

/* Iterates an object's members in file order: start with *iterator NULL; false at the end. Marks
 * every member as known. "notes" is passed over. */
bool kerf_json_next(const kerf_json *object, void **iterator, kerf_json *member);

/* Refuses every key of the object that no getter asked for (a misspelling is suggested for). */
bool kerf_json_done(const kerf_json *object);

#endif
