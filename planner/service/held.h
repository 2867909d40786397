/* Replies that their client's connection cannot take at the moment, because a thousand others are
 * on their way to it. They are tried again, and given up after a while, or at once where too much
 * is held: a client that does not read cannot make the service keep its replies for ever. */
#ifndef KERF_SERVICE_HELD_H
#define KERF_SERVICE_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a reply goes: the identity of the connection, and whether an empty frame goes before. */
typedef struct reply_route {
    unsigned char identity[255];
    size_t identity_size;
    bool delimiter;
    uint64_t received_ns;
} reply_route;

typedef struct held_reply {
    struct held_reply *next;
    reply_route route;
    uint64_t since_ns;
    size_t size;
    char text[];
} held_reply;

typedef struct held_replies {
    held_reply *first, *last;
    size_t n, bytes;
} held_replies;

#define HELD_MOST_BYTES ((size_t)64 << 20)
#define HELD_MOST_NS    UINT64_C(10000000000)

/* False where too much is held, or without memory. */
bool held_keep(held_replies *held, const reply_route *route, const char *text, size_t size,
               uint64_t now);

/* What became of an attempt to send. */
typedef enum held_fate { HELD_SENT, HELD_GONE, HELD_STILL } held_fate;

/* Tries each once, a few hundred at most; those that stay go behind the others. Counts what was
 * sent and what was given up. */
typedef held_fate held_try(void *context, const held_reply *reply);
void held_release(held_replies *held, held_try *attempt, void *context, uint64_t now,
                  uint64_t *sent, uint64_t *dropped);
void held_clear(held_replies *held);

#endif
