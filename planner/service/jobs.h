/* Worker threads for what takes long: fresh solves, decision maps, reading the catalogue again.
 *
 * The service's thread hands out jobs and collects those that are done; in between a job belongs to
 * a worker. Jobs that are done make the descriptor readable.
 */
#ifndef KERF_SERVICE_JOBS_H
#define KERF_SERVICE_JOBS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct job {
    struct job *next;
    void (*run)(struct job *j, const atomic_bool *stop); /* in a worker; ends early on stop */
    void (*done)(struct job *j, void *context); /* in the service's thread; frees the job */
} job;

typedef struct jobs jobs;

/* NULL without memory or threads. */
jobs *jobs_start(size_t threads);
/* Tells jobs under way to end early, waits for them, and frees all with done(job, context). */
void jobs_stop(jobs **pool, void *context);

size_t jobs_idle(const jobs *pool); /* workers without a job */
void jobs_give(jobs *pool, job *j);
int jobs_fd(const jobs *pool);
/* Calls done for every job that is; returns their number. */
size_t jobs_collect(jobs *pool, void *context);

#endif
