#include "tests/support/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t rng_next(rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

double rng_unit(rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}

size_t rng_below(rng *r, size_t n)
{
    return (size_t)(rng_unit(r) * (double)n);
}

bool rng_chance(rng *r, double probability)
{
    return rng_unit(r) < probability;
}

double rng_log(rng *r, double low, double high)
{
    return low * pow(high / low, rng_unit(r));
}

uint64_t rng_seed(uint64_t otherwise)
{
    const char *text = getenv("KERF_SEED");
    const uint64_t seed = text ? strtoull(text, NULL, 0) : otherwise;
    printf("# KERF_SEED=%" PRIu64 "\n", seed);
    return seed;
}
