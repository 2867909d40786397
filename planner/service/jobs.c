#include "planner/service/jobs.h"

#include "base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    job *first, *last; /* to do */
    job *finished;     /* latest first */
    bool ending;
    atomic_bool stop;
    size_t busy; /* jobs given and not yet collected; the service's thread alone */
    int fd;
    size_t n_threads;
    pthread_t threads[];
};

static job *take(jobs *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->ending)
        pthread_cond_wait(&pool->wake, &pool->lock);
    job *next = pool->first;
    if (next)
        pool->first = next->next;
    pthread_mutex_unlock(&pool->lock);
    return next;
}

static void finish(jobs *pool, job *j)
{
    pthread_mutex_lock(&pool->lock);
    j->next = pool->finished;
    pool->finished = j;
    pthread_mutex_unlock(&pool->lock);
    const uint64_t one = 1;
    /* Fails only where the count is at its limit: then it is readable already. */
    if (write(pool->fd, &one, sizeof one) != (ssize_t)sizeof one)
        return;
}

static void *work(void *argument)
{
    jobs *pool = argument;
    for (job *j; (j = take(pool));) {
        j->run(j, &pool->stop);
        finish(pool, j);
    }
    return NULL;
}

/* Signals are for the thread that runs the service. */
static bool start_threads(jobs *pool, size_t threads)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->n_threads < threads &&
           pthread_create(&pool->threads[pool->n_threads], NULL, work, pool) == 0)
        pool->n_threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->n_threads == threads;
}

jobs *jobs_start(size_t threads)
{
    jobs *pool = kerf_calloc(1, sizeof *pool + threads * sizeof(pthread_t));
    if (!pool)
        return NULL;
    pool->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pool->fd < 0) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    if (!start_threads(pool, threads))
        jobs_stop(&pool, NULL);
    return pool;
}

void jobs_stop(jobs **pool, void *context)
{
    jobs *p = *pool;
    if (!p)
        return;
    atomic_store(&p->stop, true);
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    jobs_collect(p, context);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    close(p->fd);
    free(p);
    *pool = NULL;
}

size_t jobs_idle(const jobs *pool)
{
    return pool->busy < pool->n_threads ? pool->n_threads - pool->busy : 0;
}

void jobs_give(jobs *pool, job *j)
{
    pool->busy++;
    pthread_mutex_lock(&pool->lock);
    j->next = NULL;
    if (pool->first)
        pool->last->next = j;
    else
        pool->first = j;
    pool->last = j;
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

int jobs_fd(const jobs *pool)
{
    return pool->fd;
}

size_t jobs_collect(jobs *pool, void *context)
{
    uint64_t count;
    if (read(pool->fd, &count, sizeof count) < 0)
        count = 0;
    pthread_mutex_lock(&pool->lock);
    job *latest = pool->finished, *in_order = NULL;
    pool->finished = NULL;
    pthread_mutex_unlock(&pool->lock);
    for (job *next; latest; latest = next) {
        next = latest->next;
        latest->next = in_order;
        in_order = latest;
    }
    size_t n = 0;
    for (job *next; in_order; in_order = next, n++) {
        next = in_order->next;
        pool->busy--;
        in_order->done(in_order, context);
    }
    return n;
}
