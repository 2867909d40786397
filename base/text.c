#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define MAX_WORD 32

/* Edits (insert, delete, replace, swap neighbours) between two short words. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_WORD + 1], la = strlen(a), lb = strlen(b);
    if (la >= MAX_WORD || lb >= MAX_WORD)
        return SIZE_MAX;
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= lb; j++)
        last[j] = before[j] = j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[lb];
}

size_t kerf_utf8_length(const char *text)
{
    const unsigned char first = (unsigned char)*text;
    const size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (n < 2 || first > 0xf4)
        return n == 1 && first != 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    const unsigned char second = (unsigned char)text[1];
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return 0;
    return n;
}

/* C0, DEL and C1 (some terminals obey U+009B as they obey ESC [); line and paragraph separators;
 * marks, embeddings, overrides and isolates of direction; the byte order mark; U+FFFE and U+FFFF.
 */
static bool is_control(const char *text, size_t length)
{
    const unsigned char c[3] = {(unsigned char)text[0], length > 1 ? (unsigned char)text[1] : 0,
                                length > 2 ? (unsigned char)text[2] : 0};
    if (length == 1)
        return c[0] < 0x20 || c[0] == 0x7f;
    if (length == 2)
        return c[0] == 0xc2 && c[1] < 0xa0;
    if (length != 3)
        return false;
    return (c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f)) ||
           (c[0] == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
           (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9) ||
           (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf) ||
           (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe);
}

void kerf_make_printable(char *text, char blank)
{
    char *to = text;
    while (*text) {
        const size_t length = kerf_utf8_length(text);
        if (length == 0 || is_control(text, length)) {
            *to++ = length ? blank : '?';
            text += length ? length : 1;
            continue;
        }
        memmove(to, text, length);
        to += length;
        text += length;
    }
    *to = '\0';
}

bool kerf_resembles(const char *key, const char *meant, size_t *best)
{
    size_t distance = edit_distance(key, meant), length = strlen(meant);
    size_t limit = length <= 3 ? 1 : length <= 7 ? 2 : 3;
    if (distance > limit || distance >= *best)
        return false;
    *best = distance;
    return true;
}
