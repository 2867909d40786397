#include "planner/service/table.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_BUCKETS 256
#define MOST_BUCKETS  ((size_t)1 << 26)

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const table *t, const unsigned char *key, size_t size)
{
    uint64_t hash = t->seed ^ size;
    for (; size >= 8; key += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, key, 8);
        hash = mix(hash, word);
    }
    uint64_t rest = 0;
    if (size > 0)
        memcpy(&rest, key, size);
    hash = mix(hash, rest);
    return mix(hash, hash >> 32);
}

/* Against chosen keys, not against an adversary who can see memory: any number will do where the
 * kernel has no entropy yet. */
static uint64_t make_seed(const table *t)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
        return seed;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)t;
}

bool table_init(table *t, size_t max_bytes, void (*release)(void *, table_entry *), void *context)
{
    *t = (table){.max_bytes = max_bytes, .release = release, .context = context};
    t->buckets = kerf_calloc(FIRST_BUCKETS, sizeof(table_entry *));
    t->n_buckets = t->buckets ? FIRST_BUCKETS : 0;
    t->seed = make_seed(t);
    return t->buckets != NULL;
}

void table_clear(table *t)
{
    while (t->oldest)
        table_remove(t, t->oldest);
    free(t->buckets);
    *t = (table){0};
}

/* --- order of use --- */

static void unlink_entry(table *t, table_entry *e)
{
    *(e->newer ? &e->newer->older : &t->newest) = e->older;
    *(e->older ? &e->older->newer : &t->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void link_newest(table *t, table_entry *e)
{
    e->older = t->newest;
    *(t->newest ? &t->newest->newer : &t->oldest) = e;
    t->newest = e;
}

static void make_room(table *t, const table_entry *keep)
{
    table_entry *e = t->oldest;
    while (e && t->bytes > t->max_bytes) {
        table_entry *newer = e->newer;
        if (e != keep && !e->pinned) {
            t->evicted++;
            table_remove(t, e);
        }
        e = newer;
    }
}

/* --- buckets --- */

static table_entry **bucket_of(const table *t, uint64_t hash)
{
    return &t->buckets[hash & (t->n_buckets - 1)];
}

/* Without memory for more buckets, these become longer. */
static void grow(table *t)
{
    const size_t n = 2 * t->n_buckets;
    table_entry **buckets = n <= MOST_BUCKETS ? kerf_calloc(n, sizeof(table_entry *)) : NULL;
    if (!buckets)
        return;
    for (size_t i = 0; i < t->n_buckets; i++) {
        for (table_entry *e = t->buckets[i], *next; e; e = next) {
            next = e->next;
            e->next = buckets[e->hash & (n - 1)];
            buckets[e->hash & (n - 1)] = e;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->n_buckets = n;
}

table_entry *table_find(table *t, const void *key, size_t size)
{
    const uint64_t hash = hash_of(t, key, size);
    for (table_entry *e = *bucket_of(t, hash); e; e = e->next) {
        if (e->hash != hash || e->key_size != size || memcmp(e->key, key, size) != 0)
            continue;
        if (t->newest != e) {
            unlink_entry(t, e);
            link_newest(t, e);
        }
        return e;
    }
    return NULL;
}

table_entry *table_add(table *t, const void *key, size_t size)
{
    table_entry *e = kerf_calloc(1, sizeof *e + size);
    if (!e)
        return NULL;
    if (t->n >= t->n_buckets)
        grow(t);
    memcpy(e->key, key, size);
    e->key_size = size;
    e->hash = hash_of(t, e->key, size);
    table_entry **bucket = bucket_of(t, e->hash);
    e->next = *bucket;
    *bucket = e;
    t->n++;
    link_newest(t, e);
    table_charge(t, e, 0);
    return e;
}

void table_charge(table *t, table_entry *entry, size_t value_bytes)
{
    const size_t bytes = sizeof *entry + entry->key_size + sizeof(table_entry *) + value_bytes;
    t->bytes = t->bytes - entry->bytes + bytes;
    entry->bytes = bytes;
    make_room(t, entry);
}

void table_remove(table *t, table_entry *entry)
{
    table_entry **at = bucket_of(t, entry->hash);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    unlink_entry(t, entry);
    t->bytes -= entry->bytes;
    t->n--;
    if (t->release)
        t->release(t->context, entry);
    free(entry);
}
