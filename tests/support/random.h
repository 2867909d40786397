/* Numbers that a seed alone determines (splitmix64): a run that fails can be repeated. */
#ifndef KERF_TESTS_RANDOM_H
#define KERF_TESTS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rng {
    uint64_t state;
} rng;

uint64_t rng_next(rng *r);
double rng_unit(rng *r);            /* [0, 1) */
size_t rng_below(rng *r, size_t n); /* 0 .. n-1; 0 if n is 0 */
bool rng_chance(rng *r, double probability);
double rng_log(rng *r, double low, double high); /* log-uniform */

/* KERF_SEED if that is set, else the given one; prints which. */
uint64_t rng_seed(uint64_t otherwise);

#endif
