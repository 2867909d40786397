#include "planner/simulate/server.h"

#include "base/memory.h"

#include <stdlib.h>

#define MAX_JOBS ((size_t)1 << 24)

bool sim_station_init(sim_station *s, const sim_server *server, uint64_t key, uint64_t who,
                      double from_s, double to_s)
{
    *s = (sim_station){.server = server,
                       .key = key,
                       .who = who,
                       .from_s = from_s,
                       .to_s = to_s,
                       .crowded = -INFINITY};
    sim_down_begin(&server->faults, key, who, &s->down);
    s->free_at = kerf_calloc(server->workers, sizeof *s->free_at);
    s->batch = kerf_calloc(server->workers, sizeof *s->batch);
    if (!s->free_at || !s->batch)
        return false;
    for (size_t w = 0; w < server->workers && server->batch > 1; w++) {
        s->batch[w].end = INFINITY;
        s->batch[w].job = kerf_calloc(server->batch, sizeof *s->batch[w].job);
        if (!s->batch[w].job)
            return false;
    }
    return true;
}

void sim_station_clear(sim_station *s)
{
    for (size_t w = 0; s->batch && w < s->server->workers; w++)
        free(s->batch[w].job);
    free(s->batch);
    free(s->free_at);
    free(s->start);
    free(s->job);
    *s = (sim_station){.server = s->server};
}

/* The part of an interval that lies in the counted window. */
static double counted(const sim_station *s, double from, double to)
{
    const double a = from > s->from_s ? from : s->from_s, b = to < s->to_s ? to : s->to_s;
    return b > a ? b - a : 0;
}

static bool in_window(const sim_station *s, double t)
{
    return t >= s->from_s && t < s->to_s;
}

/* So many workers have been busy: their time in the window. */
static double busy_time(const sim_station *s, double workers, double from, double to)
{
    sim_load_note(s->load, from, to, workers, 0);
    return workers * counted(s, from, to);
}

/* A job has left: what it waited and how long workers were at it. */
static void count_done(sim_station *s, const sim_job *job, double end, double wait_s, double busy_s)
{
    sim_load_note(s->load, job->arrival, end, 0, 1);
    sim_sum_add(&s->tally.inside_s, counted(s, job->arrival, end));
    sim_sum_add(&s->tally.busy_s, busy_s);
    if (!in_window(s, job->arrival))
        return;
    s->tally.done++;
    sim_mean_add(&s->tally.wait_s, wait_s);
    sim_mean_add(&s->tally.response_s, wait_s + job->served_s);
    sim_sum_add(&s->tally.energy_J, job->energy_J);
}

static void count_failed(sim_station *s, const sim_job *job, double end, double busy_s)
{
    sim_load_note(s->load, job->arrival, end, 0, 1);
    sim_sum_add(&s->tally.inside_s, counted(s, job->arrival, end));
    sim_sum_add(&s->tally.busy_s, busy_s);
    s->tally.failed += in_window(s, job->arrival);
}

static sim_admission refuse(sim_station *s, double now)
{
    s->tally.rejected += in_window(s, now);
    return SIM_REFUSED;
}

bool sim_station_is_down(sim_station *s, double now)
{
    sim_down_reach(&s->server->faults, s->key, s->who, now, &s->down);
    return now >= s->down.from;
}

/* --- first in, first out, at once --- */

/* Puts a new time in the place of the earliest, and restores the heap's order. */
static void replace_earliest(double *heap, size_t n, double time)
{
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            break;
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (!(heap[child] < time))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = time;
}

/* Jobs start in the order in which they arrive, so those that still wait are the ring's end. */
static void forget_started(sim_station *s, double now)
{
    while (s->start_n > 0 && s->start[s->start_first] <= now) {
        s->start_first = s->start_first + 1 == s->start_capacity ? 0 : s->start_first + 1;
        s->start_n--;
    }
}

static bool note_start(sim_station *s, double start)
{
    if (s->start_n == s->start_capacity) {
        const size_t old = s->start_capacity;
        if (kerf_reserve(&s->start, &s->start_capacity, old + 1, MAX_JOBS, sizeof *s->start) != 0)
            return false;
        /* What had wrapped around goes behind the old end; there is room, as it grew by half at
         * least, and what does not fit stays in front. */
        const size_t room = s->start_capacity - old;
        for (size_t i = 0; i < s->start_first; i++) {
            if (i < room)
                s->start[old + i] = s->start[i];
            else
                s->start[i - room] = s->start[i];
        }
    }
    const size_t at = s->start_first + s->start_n++;
    s->start[at < s->start_capacity ? at : at - s->start_capacity] = start;
    return true;
}

/* After a crash nothing is left of what was there before. */
static void recover(sim_station *s, double now)
{
    while (s->down.to <= now) {
        for (size_t w = 0; w < s->server->workers; w++)
            s->free_at[w] = s->down.to;
        s->start_n = s->start_first = 0;
        s->up_since = s->down.to;
        sim_down_step(&s->server->faults, s->key, s->who, &s->down);
    }
}

sim_admission sim_station_serve(sim_station *s, double now, const sim_job *given, double *end,
                                double *wait_s, bool *failed)
{
    const sim_server *server = s->server;
    if (s->down.to <= now)
        recover(s, now);
    if (now >= s->down.from)
        return refuse(s, now);
    const double start = s->free_at[0] > now ? s->free_at[0] : now;
    sim_job job = *given;
    job.arrival = now;
    job.served_s = job.service_s;
    if (start > now) {
        forget_started(s, now);
        if (s->start_n >= server->queue)
            return refuse(s, now);
        if (!note_start(s, start))
            return SIM_NO_MEMORY;
    }
    *end = start + job.service_s;
    *wait_s = start > now ? start - now : 0;
    *failed = *end > s->down.from;
    s->tally.accepted += in_window(s, now);
    replace_earliest(s->free_at, server->workers, *end);
    if (*failed) {
        *end = s->down.from;
        count_failed(s, &job, *end, busy_time(s, 1, start, *end));
    } else {
        count_done(s, &job, *end, *wait_s, busy_time(s, 1, start, *end));
    }
    return SIM_TAKEN;
}

/* --- sharing: every job is served at the same rate, at most a whole worker's --- */

static double sharing_rate(const sim_station *s)
{
    const double workers = (double)s->server->workers, n = (double)s->n;
    return n > workers ? workers / n : 1;
}

static void sharing_advance(sim_station *s, double now)
{
    if (s->n > 0 && now > s->since) {
        const double busy = s->n < s->server->workers ? (double)s->n : (double)s->server->workers;
        s->attained += (now - s->since) * sharing_rate(s);
        sim_sum_add(&s->tally.busy_s, busy_time(s, busy, s->since, now));
    }
    if (s->n == 0)
        s->attained = 0;
    s->since = now;
}

static bool is_before(const sim_job *a, const sim_job *b)
{
    return a->due < b->due || (a->due == b->due && a->arrival < b->arrival);
}

static void push_due(sim_station *s, const sim_job *job)
{
    size_t i = s->n++;
    while (i > 0 && is_before(job, &s->job[(i - 1) / 2])) {
        s->job[i] = s->job[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->job[i] = *job;
}

static void pop_due(sim_station *s)
{
    const sim_job last = s->job[--s->n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->n)
            break;
        if (child + 1 < s->n && is_before(&s->job[child + 1], &s->job[child]))
            child++;
        if (!is_before(&s->job[child], &last))
            break;
        s->job[i] = s->job[child];
        i = child;
    }
    s->job[i] = last;
}

static double sharing_next(const sim_station *s)
{
    if (s->n == 0)
        return INFINITY;
    const double left = s->job[0].due - s->attained;
    return left > 0 ? s->since + left / sharing_rate(s) : s->since;
}

static sim_admission sharing_add(sim_station *s, double now, const sim_job *given)
{
    if (s->n >= s->server->workers + s->server->queue)
        return refuse(s, now);
    if (kerf_reserve(&s->job, &s->capacity, s->n + 1, MAX_JOBS, sizeof *s->job) != 0)
        return SIM_NO_MEMORY;
    sharing_advance(s, now);
    sim_job job = *given;
    job.arrival = now;
    job.due = s->attained + job.service_s;
    push_due(s, &job);
    if (s->n > s->server->workers)
        s->crowded = INFINITY; /* for as long as it is */
    s->tally.accepted += in_window(s, now);
    return SIM_TAKEN;
}

static bool sharing_turn(sim_station *s, double now, sim_job *done)
{
    if (s->n == 0 || sharing_next(s) > now)
        return false;
    sharing_advance(s, now);
    const bool was_crowded = s->n > s->server->workers;
    *done = s->job[0];
    s->attained = fmax(s->attained, done->due);
    pop_due(s);
    done->failed = false;
    done->served_s = done->service_s;
    /* To the last digit where nobody was in its way. */
    done->wait_s = was_crowded || s->crowded >= done->arrival
                       ? fmax(now - done->arrival - done->service_s, 0)
                       : 0;
    s->crowded = s->n > s->server->workers ? INFINITY : was_crowded ? now : s->crowded;
    count_done(s, done, now, done->wait_s, 0);
    return true;
}

/* --- batches --- */

static sim_job *queued(const sim_station *s, size_t i)
{
    const size_t at = s->first + i;
    return &s->job[at < s->capacity ? at : at - s->capacity];
}

static sim_admission batch_add(sim_station *s, double now, const sim_job *given)
{
    const sim_server *server = s->server;
    bool idle = false;
    for (size_t w = 0; w < server->workers && !idle; w++)
        idle = s->batch[w].n == 0;
    if (s->n >= server->queue + (idle ? server->batch : 0))
        return refuse(s, now);
    if (s->n == s->capacity) { /* the ring is laid out anew */
        sim_job *old = s->job;
        const size_t capacity = s->capacity;
        sim_job *ring = NULL;
        size_t grown = capacity;
        if (kerf_reserve(&ring, &grown, capacity + 1, MAX_JOBS, sizeof *ring) != 0)
            return SIM_NO_MEMORY;
        for (size_t i = 0; i < s->n; i++)
            ring[i] = *queued(s, i);
        free(old);
        s->job = ring;
        s->capacity = grown;
        s->first = 0;
    }
    sim_job job = *given;
    job.arrival = now;
    *queued(s, s->n++) = job;
    s->tally.accepted += in_window(s, now);
    return SIM_TAKEN;
}

/* When the next batch may begin: when it became full, or when its first job has waited enough. */
static double batch_ready(const sim_station *s)
{
    size_t alike = 0;
    if (s->n == 0)
        return INFINITY;
    const double patience = queued(s, 0)->arrival + s->server->batch_delay_s;
    for (size_t i = 0; i < s->n; i++) {
        alike += queued(s, i)->kind == queued(s, 0)->kind;
        if (alike == s->server->batch)
            return fmin(patience, queued(s, i)->arrival);
    }
    return patience;
}

/* Takes the first job and those like it, in order. */
static void batch_begin(sim_station *s, struct sim_batch *batch, double now)
{
    const uint64_t kind = queued(s, 0)->kind;
    const size_t n = s->n;
    double longest = 0;
    size_t kept = 0;
    batch->n = 0;
    for (size_t i = 0; i < n; i++) {
        const sim_job job = *queued(s, i);
        if (job.kind == kind && batch->n < s->server->batch) {
            batch->job[batch->n++] = job;
            longest = fmax(longest, job.service_s);
        } else {
            *queued(s, kept++) = job;
        }
    }
    s->n = kept;
    batch->start = now;
    batch->end = now + longest * (1 + s->server->batch_share * (double)(batch->n - 1));
    for (size_t i = 0; i < batch->n; i++) {
        sim_job *job = &batch->job[i];
        job->wait_s = now > job->arrival ? now - job->arrival : 0;
        job->served_s = batch->n == 1 ? job->service_s : batch->end - now;
    }
    s->tally.batches += in_window(s, now);
    s->tally.batched += in_window(s, now) ? batch->n : 0;
}

static void batch_dispatch(sim_station *s, double now)
{
    for (size_t w = 0; w < s->server->workers && s->n > 0; w++)
        if (s->batch[w].n == 0 && batch_ready(s) <= now)
            batch_begin(s, &s->batch[w], now);
}

static double batch_next(const sim_station *s)
{
    double next = INFINITY;
    bool idle = false;
    for (size_t w = 0; w < s->server->workers; w++) {
        idle = idle || s->batch[w].n == 0;
        if (s->batch[w].n > 0)
            next = fmin(next, s->batch[w].end);
    }
    return idle ? fmin(next, batch_ready(s)) : next;
}

static bool batch_turn(sim_station *s, double now, sim_job *done)
{
    batch_dispatch(s, now);
    for (size_t w = 0; w < s->server->workers; w++) {
        struct sim_batch *batch = &s->batch[w];
        if (batch->n == 0 || batch->end > now)
            continue;
        *done = batch->job[0];
        done->failed = false;
        for (size_t i = 1; i < batch->n; i++)
            batch->job[i - 1] = batch->job[i];
        batch->n--;
        count_done(s, done, batch->end, done->wait_s,
                   batch->n == 0 ? busy_time(s, 1, batch->start, batch->end) : 0);
        return true;
    }
    return false;
}

/* --- with events --- */

sim_admission sim_station_add(sim_station *s, double now, const sim_job *job)
{
    if (now >= s->down.from)
        return refuse(s, now);
    return s->server->discipline == SIM_SHARING ? sharing_add(s, now, job) : batch_add(s, now, job);
}

double sim_station_next(const sim_station *s)
{
    const double own = s->server->discipline == SIM_SHARING ? sharing_next(s) : batch_next(s);
    /* While it is down nothing goes on, and the next thing is its recovery. */
    const double fault = s->up_since > s->down.from ? s->down.to : s->down.from;
    return fmin(own, fault);
}

/* One of the jobs that a crash has struck. */
static bool lose(sim_station *s, double now, sim_job *done)
{
    if (s->n > 0) {
        *done = s->server->discipline == SIM_SHARING ? s->job[0] : *queued(s, 0);
        if (s->server->discipline == SIM_SHARING) {
            sharing_advance(s, now);
            pop_due(s);
        } else {
            s->first = s->first + 1 == s->capacity ? 0 : s->first + 1;
            s->n--;
        }
        count_failed(s, done, now, 0);
        return true;
    }
    for (size_t w = 0; s->server->batch > 1 && w < s->server->workers; w++) {
        struct sim_batch *batch = &s->batch[w];
        if (batch->n == 0)
            continue;
        *done = batch->job[--batch->n];
        count_failed(s, done, now, batch->n == 0 ? busy_time(s, 1, batch->start, now) : 0);
        return true;
    }
    return false;
}

bool sim_station_turn(sim_station *s, double now, sim_job *done)
{
    if (now >= s->down.from && now < s->down.to) {
        s->up_since = INFINITY; /* it has crashed */
        if (lose(s, now, done)) {
            done->failed = true;
            done->wait_s = done->served_s = 0;
            return true;
        }
        return false;
    }
    if (now >= s->down.to) {
        sim_down_reach(&s->server->faults, s->key, s->who, now, &s->down);
        s->up_since = now;
        s->crowded = -INFINITY;
    }
    return s->server->discipline == SIM_SHARING ? sharing_turn(s, now, done)
                                                : batch_turn(s, now, done);
}

/* --- what can be told in advance --- */

double sim_station_backlog_s(sim_station *s, double now)
{
    if (sim_station_is_direct(s))
        return s->free_at[0] > now && s->up_since <= s->free_at[0] ? s->free_at[0] - now : 0;
    return 0;
}

double sim_station_crowding(const sim_station *s)
{
    const double places = (double)s->server->workers;
    if (sim_station_is_direct(s))
        return 1;
    if (s->server->discipline == SIM_SHARING)
        return (double)s->n + 1 > places ? ((double)s->n + 1) / places : 1;
    return 1 + (double)s->n / (places * (double)s->server->batch);
}
