#include "planner/cut_id.h"

#include <inttypes.h>
#include <stdio.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325) /* FNV-1a, 64 bits (Fowler, Noll, Vo) */
#define FNV_PRIME  UINT64_C(0x100000001b3)

/* Takes the end of the string in as well, so that "ab", "c" and "a", "bc" differ. */
static uint64_t hash_name(uint64_t hash, const char *name)
{
    do {
        hash = (hash ^ (unsigned char)*name) * FNV_PRIME;
    } while (*name++);
    return hash;
}

/* FNV-1a leaves its upper bits little mixed after the last name: Murmur3's finaliser. */
static uint64_t finish(uint64_t hash)
{
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ (hash >> 33);
}

/* Operators are taken as a set: two files that list them in different orders agree. */
void cut_id_make(const kerf_network *network, const kerf_side *side, const char *power_mode,
                 const char *encoding, const char *variant, char id[KERF_CUT_ID_SIZE])
{
    uint64_t set = 0, hash = FNV_OFFSET;
    for (size_t i = 0; i < network->n_operators; i++)
        if (side[i] == KERF_SIDE_DEVICE)
            set += finish(hash_name(FNV_OFFSET, network->operators[i].name));
    hash = hash_name(hash, power_mode);
    hash = hash_name(hash, encoding);
    hash = hash_name(hash, variant);
    snprintf(id, KERF_CUT_ID_SIZE, "%016" PRIx64, finish(hash + set));
}
