#include "tests/support/mutate.h"

#include <string.h>

uint64_t mutate_random(uint64_t *random)
{
    *random += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *random, size_t limit)
{
    return limit > 0 ? (size_t)(mutate_random(random) % limit) : 0;
}

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

static size_t put_token(uint64_t *random, char *data, size_t size, size_t capacity,
                        const char *const *dictionary)
{
    size_t n = 0;
    while (dictionary[n])
        n++;
    const char *token = n > 0 ? dictionary[below(random, n)] : "\xff";
    size_t at = below(random, size + 1), left = size - at;
    size_t old = below(random, 2) * below(random, left < 16 ? left + 1 : 16);
    return splice(data, size, capacity, at, old, token, strlen(token));
}

static size_t copy_piece(uint64_t *random, char *data, size_t size, size_t capacity)
{
    char piece[64];
    size_t from = below(random, size), length = 1 + below(random, sizeof piece);
    length = length < size - from ? length : size - from;
    memcpy(piece, data + from, length);
    size_t at = below(random, size + 1), left = size - at;
    size_t old = below(random, 2) * (left < length ? left : length);
    return splice(data, size, capacity, at, old, piece, length);
}

static size_t change(uint64_t *random, char *data, size_t size, size_t capacity,
                     const char *const *dictionary)
{
    size_t at = below(random, size), length;
    char byte;
    switch (size > 0 ? below(random, 9) : 5) {
    case 0:
        data[at] = (char)(data[at] ^ (1 << below(random, 8)));
        return size;
    case 1:
        data[at] = (char)mutate_random(random);
        return size;
    case 2: /* another digit */
        while (at < size && (data[at] < '0' || data[at] > '9'))
            at++;
        if (at < size)
            data[at] = (char)('0' + (char)below(random, 10));
        return size;
    case 3: /* cut out */
        length = 1 + below(random, 32);
        length = length < size - at ? length : size - at;
        return splice(data, size, capacity, at, length, "", 0);
    case 4:
        byte = (char)mutate_random(random);
        return splice(data, size, capacity, at, 0, &byte, 1);
    case 5:
    case 6:
        return put_token(random, data, size, capacity, dictionary);
    case 7:
        return copy_piece(random, data, size, capacity);
    default: /* now and then: most of what follows would be lost */
        return below(random, 4) == 0 ? at : size;
    }
}

size_t mutate(uint64_t *random, char *data, size_t size, size_t capacity,
              const char *const *dictionary)
{
    size_t changes = 0;
    do /* few, mostly, so that some of what is corrupt still passes for good */
        size = change(random, data, size, capacity, dictionary);
    while (++changes < 8 && below(random, 2) == 0);
    return size;
}
