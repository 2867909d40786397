/* Status codes and error reports of libkerf.
 *
 * Every function that can fail returns a kerf_status and, if the caller passes one, fills a
 * kerf_error with one line that says where, what is wrong and what was expected:
 *
 *     kerf_error err;
 *     if (kerf_link_load("wifi.json", &link, &err) != KERF_OK)
 *         fprintf(stderr, "%s: %s: %s\n", err.source, err.where, err.message);
 *
 * On failure the function's other output arguments are left as they were.
 */
#ifndef KERF_STATUS_H
#define KERF_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define KERF_API               __attribute__((visibility("default")))
#define KERF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define KERF_API
#define KERF_PRINTF(fmt, args)
#endif

/* X(code, text) */
#define KERF_STATUS_LIST(X)                                                                        \
    X(KERF_OK, "success")                                                                          \
    X(KERF_E_NOMEM, "out of memory")                                                               \
    X(KERF_E_IO, "cannot read or write")                                                           \
    X(KERF_E_SYNTAX, "malformed input")                                                            \
    X(KERF_E_INVALID, "invalid value")                                                             \
    X(KERF_E_UNSUPPORTED, "not supported")                                                         \
    X(KERF_E_UNRESOLVED, "a shape cannot be known")                                                \
    X(KERF_E_TOO_LARGE, "above a limit")                                                           \
    X(KERF_E_INFEASIBLE, "no feasible answer")                                                     \
    X(KERF_E_TIME_LIMIT, "time limit reached before any plan was found")                           \
    X(KERF_E_INTERNAL, "internal error")

typedef enum kerf_status {
#define KERF_STATUS_ENUM(code, text) code,
    KERF_STATUS_LIST(KERF_STATUS_ENUM)
#undef KERF_STATUS_ENUM
} kerf_status;

typedef struct kerf_error {
    kerf_status code;
    char source[256];  /* the file, "" if none */
    char where[256];   /* line:column, JSON pointer, operator name; "" if none */
    char message[768]; /* what is wrong and what was expected */
} kerf_error;

/* The symbol of a status ("KERF_E_IO") and its text ("cannot read or write"); static strings. */
KERF_API const char *kerf_status_name(kerf_status status);
KERF_API const char *kerf_status_text(kerf_status status);

/* Writes "source: where: message" (empty parts left out) into buffer; returns buffer. */
KERF_API const char *kerf_error_line(const kerf_error *err, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
