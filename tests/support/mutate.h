/* Deterministic corruption of inputs, for the fuzz tests. */
#ifndef KERF_TESTS_MUTATE_H
#define KERF_TESTS_MUTATE_H

#include "tests/support/random.h"

/* Changes 1 to 8 places of data: bits, bytes, numbers, tokens of the dictionary (ending in NULL)
 * put in or over; pieces moved, repeated or cut out; the end cut off. Returns the new size, at most
 * `capacity`; data is not terminated. */
size_t mutate(rng *r, char *data, size_t size, size_t capacity, const char *const *dictionary);

#endif
