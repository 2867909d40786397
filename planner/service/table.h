/* A hash table with a memory bound: when it is exceeded, what was used longest ago is released.
 *
 * Keys are bytes. Hashes are seeded, so that nobody can choose keys that all meet in one bucket.
 * One thread at a time.
 */
#ifndef KERF_SERVICE_TABLE_H
#define KERF_SERVICE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct table_entry {
    struct table_entry *next;          /* in its bucket */
    struct table_entry *newer, *older; /* by last use */
    uint64_t hash;
    void *value;  /* the user's; NULL at first */
    size_t bytes; /* what entry and value count for */
    bool pinned;  /* not to be released for lack of room */
    size_t key_size;
    unsigned char key[];
} table_entry;

typedef struct table {
    table_entry **buckets;
    size_t n_buckets; /* a power of two */
    size_t n, bytes, max_bytes;
    uint64_t evicted;
    uint64_t seed;
    table_entry *newest, *oldest;
    void (*release)(void *context, table_entry *entry); /* frees value; may be NULL */
    void *context;
} table;

/* False without memory. table_clear releases everything; a zeroed table may be cleared. */
bool table_init(table *t, size_t max_bytes, void (*release)(void *, table_entry *), void *context);
void table_clear(table *t);

/* The entry of the key, which becomes the newest, or NULL. */
table_entry *table_find(table *t, const void *key, size_t size);

/* A new entry of a key that is not there; NULL without memory. Older entries may be released. */
table_entry *table_add(table *t, const void *key, size_t size);

/* States what an entry's value takes; older entries may be released, never this one. */
void table_charge(table *t, table_entry *entry, size_t value_bytes);
void table_remove(table *t, table_entry *entry);

#endif
