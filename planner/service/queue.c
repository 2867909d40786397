#include "planner/service/queue.h"

#include "base/memory.h"

#include <stdlib.h>

#define LEAST_SHARE 8 /* what a client may always have waiting */

static void release_client(void *context, table_entry *entry)
{
    (void)context;
    free(entry->value);
}

bool queue_init(queue *q, size_t max_waiting, size_t max_jobs)
{
    *q = (queue){.max_waiting = max_waiting, .max_jobs = max_jobs};
    return table_init(&q->clients, SIZE_MAX, release_client, NULL);
}

void queue_clear(queue *q, void *context)
{
    for (job *j; (j = queue_pop(q));)
        j->done(j, context);
    table_clear(&q->clients);
}

static size_t share_of(size_t maximum)
{
    return maximum / 4 > LEAST_SHARE ? maximum / 4 : LEAST_SHARE;
}

static queue_client *add_client(queue *q, const void *identity, size_t size)
{
    table_entry *entry = table_add(&q->clients, identity, size);
    if (!entry)
        return NULL;
    queue_client *client = kerf_calloc(1, sizeof *client);
    if (!client) {
        table_remove(&q->clients, entry);
        return NULL;
    }
    client->entry = entry;
    entry->value = client;
    return client;
}

static void forget_if_idle(queue *q, queue_client *client)
{
    if (client->waiting == 0 && client->n_jobs == 0)
        table_remove(&q->clients, client->entry);
}

queue_client *queue_enter(queue *q, const void *identity, size_t size, size_t weight)
{
    if (q->waiting + weight > q->max_waiting)
        return NULL;
    table_entry *entry = table_find(&q->clients, identity, size);
    queue_client *client = entry ? entry->value : add_client(q, identity, size);
    if (!client)
        return NULL;
    if (client->waiting + weight > share_of(q->max_waiting)) {
        forget_if_idle(q, client);
        return NULL;
    }
    client->waiting += weight;
    q->waiting += weight;
    return client;
}

void queue_leave(queue *q, queue_client *client, size_t weight)
{
    client->waiting -= weight;
    q->waiting -= weight;
    forget_if_idle(q, client);
}

static void join_ring(queue *q, queue_client *client)
{
    if (q->last_served) {
        client->next = q->last_served->next;
        q->last_served->next = client;
    } else {
        client->next = client;
    }
    q->last_served = client; /* at the end: the others come first */
}

bool queue_push(queue *q, queue_client *client, job *j)
{
    if (q->n_jobs >= q->max_jobs || client->n_jobs >= share_of(q->max_jobs))
        return false;
    j->next = NULL;
    if (client->first)
        client->last->next = j;
    else
        client->first = j;
    client->last = j;
    if (client->n_jobs++ == 0)
        join_ring(q, client);
    q->n_jobs++;
    return true;
}

job *queue_pop(queue *q)
{
    if (!q->last_served)
        return NULL;
    queue_client *client = q->last_served->next;
    job *j = client->first;
    client->first = j->next;
    q->n_jobs--;
    if (--client->n_jobs > 0) {
        q->last_served = client;
    } else {
        q->last_served->next = client->next;
        if (q->last_served == client)
            q->last_served = NULL;
        forget_if_idle(q, client);
    }
    return j;
}
