/* A server: workers that serve jobs first in first out, one or several at a time, or share their
 * time equally; a bounded queue; crashes.
 *
 * First in, first out without batches, a job's end is known when it arrives: it depends on no later
 * one, and the next crash is known too. So such a server needs no events, and answers at once.
 * Otherwise the server has an event of its own, and tells of each job that it is done with. */
#ifndef KERF_SIMULATE_SERVER_H
#define KERF_SIMULATE_SERVER_H

#include "planner/simulate/faults.h"
#include "planner/simulate/series.h"
#include "planner/simulate/stats.h"

typedef struct sim_job {
    uint32_t board;
    uint32_t ticket; /* the board's inference; another one now: it has given up */
    uint64_t kind;   /* jobs of one kind can be batched */
    double arrival, service_s;
    double energy_J;
    double wait_s, served_s; /* set when it is done */
    bool failed;
    double due;     /* sharing: attained service at which it is done */
    uint32_t aside; /* the caller's */
} sim_job;

typedef struct sim_server_tally {
    uint64_t accepted, rejected, failed, done, batches, batched;
    sim_mean wait_s, response_s;
    sim_sum busy_s, inside_s, energy_J; /* busy worker time and jobs' time inside, in the window */
} sim_server_tally;

typedef struct sim_station {
    const sim_server *server;
    uint64_t key, who;
    double from_s, to_s; /* the window that is counted */
    sim_down down;
    double up_since; /* jobs from before have failed */
    sim_server_tally tally;
    const sim_load *load; /* over time, or NULL */
    /* first in, first out at once */
    double *free_at; /* by worker: a binary heap */
    double *start;   /* of jobs that wait, ascending: a ring */
    size_t start_first, start_n, start_capacity;
    /* with events */
    sim_job *job; /* sharing: a heap by due; batches: a ring */
    size_t first, n, capacity;
    double attained, since; /* sharing: service that every job has had, and when that was */
    double crowded;         /* sharing: last time with more jobs than workers */
    struct sim_batch {
        double end, start;
        sim_job *job;
        size_t n;
    } * batch; /* by worker; n 0: free */
} sim_station;

bool sim_station_init(sim_station *station, const sim_server *server, uint64_t key, uint64_t who,
                      double from_s, double to_s);
void sim_station_clear(sim_station *station);

typedef enum sim_admission { SIM_REFUSED, SIM_TAKEN, SIM_NO_MEMORY } sim_admission;

/* True if the server answers at once. */
static inline bool sim_station_is_direct(const sim_station *s)
{
    return s->server->discipline == SIM_FIFO && s->server->batch <= 1;
}

/* A job arrives at `now` at a server that answers at once: *end is when it is done or, with
 * *failed, lost; *wait_s is how long it waited. */
sim_admission sim_station_serve(sim_station *s, double now, const sim_job *job, double *end,
                                double *wait_s, bool *failed);

/* The same with events. sim_station_next is the server's next event; at that time (or when a job
 * arrives) sim_station_turn gives the jobs that are done or lost, one a call, until it is false. */
sim_admission sim_station_add(sim_station *s, double now, const sim_job *job);
double sim_station_next(const sim_station *s);
bool sim_station_turn(sim_station *s, double now, sim_job *done);

/* How long a job that arrived at `now` would wait, as far as can be told; and by what factor the
 * jobs that are there already would slow it down. */
double sim_station_backlog_s(sim_station *s, double now);
double sim_station_crowding(const sim_station *s);
bool sim_station_is_down(sim_station *s, double now);

#endif
