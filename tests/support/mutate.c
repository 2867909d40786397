#include "tests/support/mutate.h"

#include <string.h>

/* Replaces `old` bytes at `at` by others, as far as there is room. */
static size_t splice(char *data, size_t size, size_t capacity, size_t at, size_t old,
                     const char *with, size_t length)
{
    if (size - old + length > capacity)
        return size;
    memmove(data + at + length, data + at + old, size - at - old);
    memcpy(data + at, with, length);
    return size - old + length;
}

static size_t put_token(rng *r, char *data, size_t size, size_t capacity,
                        const char *const *dictionary)
{
    size_t n = 0;
    while (dictionary[n])
        n++;
    const char *token = n > 0 ? dictionary[rng_below(r, n)] : "\xff";
    size_t at = rng_below(r, size + 1), left = size - at;
    size_t old = rng_below(r, 2) * rng_below(r, left < 16 ? left + 1 : 16);
    return splice(data, size, capacity, at, old, token, strlen(token));
}

static size_t copy_piece(rng *r, char *data, size_t size, size_t capacity)
{
    char piece[64];
    size_t from = rng_below(r, size), length = 1 + rng_below(r, sizeof piece);
    length = length < size - from ? length : size - from;
    memcpy(piece, data + from, length);
    size_t at = rng_below(r, size + 1), left = size - at;
    size_t old = rng_below(r, 2) * (left < length ? left : length);
    return splice(data, size, capacity, at, old, piece, length);
}

static size_t change(rng *r, char *data, size_t size, size_t capacity,
                     const char *const *dictionary)
{
    size_t at = rng_below(r, size), length;
    char byte;
    switch (size > 0 ? rng_below(r, 9) : 5) {
    case 0:
        data[at] = (char)(data[at] ^ (1 << rng_below(r, 8)));
        return size;
    case 1:
        data[at] = (char)rng_next(r);
        return size;
    case 2: /* another digit */
        while (at < size && (data[at] < '0' || data[at] > '9'))
            at++;
        if (at < size)
            data[at] = (char)('0' + (char)rng_below(r, 10));
        return size;
    case 3: /* cut out */
        length = 1 + rng_below(r, 32);
        length = length < size - at ? length : size - at;
        return splice(data, size, capacity, at, length, "", 0);
    case 4:
        byte = (char)rng_next(r);
        return splice(data, size, capacity, at, 0, &byte, 1);
    case 5:
    case 6:
        return put_token(r, data, size, capacity, dictionary);
    case 7:
        return copy_piece(r, data, size, capacity);
    default: /* now and then: most of what follows would be lost */
        return rng_below(r, 4) == 0 ? at : size;
    }
}

size_t mutate(rng *r, char *data, size_t size, size_t capacity, const char *const *dictionary)
{
    size_t changes = 0;
    do /* few, mostly, so that some of what is corrupt still passes for good */
        size = change(r, data, size, capacity, dictionary);
    while (++changes < 8 && rng_below(r, 2) == 0);
    return size;
}
