/* Text for people: words that look alike, for "did you mean", and names of unknown origin. */
#ifndef KERF_BASE_TEXT_H
#define KERF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `word` may be a misspelling of `meant`, and a nearer one than *best (start with
 * SIZE_MAX), which is then lowered. Words of 32 characters or more resemble nothing. */
bool kerf_resembles(const char *word, const char *meant, size_t *best);

/* Length of the UTF-8 sequence that text starts with; 0 at its end, and for bytes that are none. */
size_t kerf_utf8_length(const char *text);

/* Makes text fit to be shown, in place: characters that control a terminal, break a line or turn
 * the direction of writing become `blank`, bytes that are no UTF-8 become '?'. Never longer. */
void kerf_make_printable(char *text, char blank);

#endif
