/* Filling kerf_error. First error wins: a set error is not overwritten. */
#ifndef KERF_BASE_ERROR_H
#define KERF_BASE_ERROR_H

#include "kerf/status.h"

/* Sets code, where (may be NULL) and message if *err is unset (err may be NULL); returns code, so
 * that callers write `return kerf_fail(err, KERF_E_INVALID, node, "...", ...)`. */
kerf_status kerf_fail(kerf_error *err, kerf_status code, const char *where, const char *format, ...)
    KERF_PRINTF(4, 5);

/* clang's analyzer does not look into other files: here it sees that the code is what returns. */
#ifdef __clang_analyzer__
static inline kerf_status kerf_failed(kerf_status returned, kerf_status code)
{
    (void)returned;
    return code;
}
#define kerf_fail(err, code, ...) kerf_failed(kerf_fail(err, code, __VA_ARGS__), code)
#endif

/* Sets err->source if it is empty; err may be NULL. */
void kerf_error_source(kerf_error *err, const char *source);

/* Resets to "no error"; err may be NULL. Public entry points call it first. */
void kerf_error_clear(kerf_error *err);

#endif
