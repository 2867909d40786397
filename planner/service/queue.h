/* Who waits for what: requests that need a worker, by client, so that each gets its turn.
 *
 * A client is the identity that the ROUTER socket gives a connection. Its jobs wait in a queue of
 * their own, and the queues are served in turn; how many jobs and how many requests may wait is
 * bounded, in all and for one client.
 */
#ifndef KERF_SERVICE_QUEUE_H
#define KERF_SERVICE_QUEUE_H

#include "planner/service/jobs.h"
#include "planner/service/table.h"

typedef struct queue_client {
    size_t waiting; /* requests that have no reply yet, by weight */
    size_t n_jobs;
    job *first, *last;
    struct queue_client *next; /* in the ring of those with jobs */
    table_entry *entry;
} queue_client;

typedef struct queue {
    table clients;
    queue_client *last_served; /* its next is whose turn it is; NULL: no jobs */
    size_t waiting, n_jobs;
    size_t max_waiting, max_jobs; /* a client has a quarter of either */
} queue;

bool queue_init(queue *q, size_t max_waiting, size_t max_jobs);
/* Frees all jobs with done(job, context). */
void queue_clear(queue *q, void *context);

/* Counts one more waiting request of a client, of that weight; NULL where it, or all together, have
 * too many. */
queue_client *queue_enter(queue *q, const void *identity, size_t size, size_t weight);
void queue_leave(queue *q, queue_client *client, size_t weight); /* it waits no longer */

/* A job on behalf of a client that waits; false where too many wait already. */
bool queue_push(queue *q, queue_client *client, job *j);
/* The next job, each client's in turn; NULL if there is none. */
job *queue_pop(queue *q);

#endif
