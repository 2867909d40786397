#include "planner/service/held.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 512 /* at a time */

static void append(held_replies *held, held_reply *reply)
{
    reply->next = NULL;
    if (held->first)
        held->last->next = reply;
    else
        held->first = reply;
    held->last = reply;
    held->n++;
    held->bytes += sizeof *reply + reply->size;
}

static held_reply *take_first(held_replies *held)
{
    held_reply *reply = held->first;
    held->first = reply->next;
    held->n--;
    held->bytes -= sizeof *reply + reply->size;
    return reply;
}

bool held_keep(held_replies *held, const reply_route *route, const char *text, size_t size,
               uint64_t now)
{
    if (size > HELD_MOST_BYTES || held->bytes + sizeof(held_reply) + size > HELD_MOST_BYTES)
        return false;
    held_reply *reply = kerf_calloc(1, sizeof *reply + size);
    if (!reply)
        return false;
    reply->route = *route;
    reply->since_ns = now;
    reply->size = size;
    memcpy(reply->text, text, size);
    append(held, reply);
    return true;
}

void held_release(held_replies *held, held_try *attempt, void *context, uint64_t now,
                  uint64_t *sent, uint64_t *dropped)
{
    const size_t n = held->n < ATTEMPTS ? held->n : ATTEMPTS;
    for (size_t i = 0; i < n && held->first; i++) {
        held_reply *reply = take_first(held);
        held_fate fate = attempt(context, reply);
        if (fate == HELD_STILL && now - reply->since_ns > HELD_MOST_NS)
            fate = HELD_GONE;
        if (fate == HELD_STILL) {
            append(held, reply);
            continue;
        }
        *(fate == HELD_SENT ? sent : dropped) += 1;
        free(reply);
    }
}

void held_clear(held_replies *held)
{
    while (held->first)
        free(take_first(held));
}
