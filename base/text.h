/* Words that look alike, for "did you mean". */
#ifndef KERF_BASE_TEXT_H
#define KERF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `word` may be a misspelling of `meant`, and a nearer one than *best (start with
 * SIZE_MAX), which is then lowered. Words of 32 characters or more resemble nothing. */
bool kerf_resembles(const char *word, const char *meant, size_t *best);

#endif
