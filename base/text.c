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

bool kerf_resembles(const char *key, const char *meant, size_t *best)
{
    size_t distance = edit_distance(key, meant), length = strlen(meant);
    size_t limit = length <= 3 ? 1 : length <= 7 ? 2 : 3;
    if (distance > limit || distance >= *best)
        return false;
    *best = distance;
    return true;
}
