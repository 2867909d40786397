/* One direction of an access point: its capacity is divided among the transfers under way, max-min
 * fair: all get the same, but none more than it can use (its own link's rate), and what those leave
 * goes to the others (Bertsekas, Gallager, "Data Networks", section 6.5.2). */
#ifndef KERF_SIMULATE_ACCESS_H
#define KERF_SIMULATE_ACCESS_H

#include "planner/simulate/faults.h"
#include "planner/simulate/stats.h"

typedef struct sim_flow {
    uint32_t board;
    double left_bits, cap_bps; /* what it can use at most */
    double rate_bps, since, end;
    double began;
    bool steady; /* its rate has not changed since it began */
} sim_flow;

typedef struct sim_air {
    double rate_bps; /* capacity, while there is no trace */
    const kerf_trace *trace;
    const sim_faults *faults;
    uint64_t key, who;
    double offset_s;
    sim_down down;
    double now;
    sim_flow *flow;
    size_t n, capacity;
    size_t *order; /* by cap, for sharing out */
    size_t order_capacity;
    /* The caps of flows whose links have traces of their own. */
    double (*cap)(void *context, uint32_t board, double t, double *until);
    void *context;
    double caps_until; /* when a cap next changes */
} sim_air;

void sim_air_init(sim_air *air, double rate_bps, const kerf_trace *trace, const sim_faults *faults,
                  uint64_t key, uint64_t who);
void sim_air_clear(sim_air *air);

/* Shares capacity among n flows with caps in ascending order; share[i] <= cap[i]. Pure. */
void sim_share_out(double capacity, const double *cap, double *share, size_t n);

/* A flow begins at `now`; false without memory. */
bool sim_air_add(sim_air *air, double now, uint32_t board, double bits, double cap_bps);
/* Takes a board's flow away; returns the bits that are still left, or 0 if there is none. */
double sim_air_remove(sim_air *air, double now, uint32_t board);
/* What one more flow with that cap would get. */
double sim_air_offer(sim_air *air, double now, double cap_bps);

double sim_air_next(const sim_air *air);
/* At its event: a flow that has ended, one a call, until it is false. */
bool sim_air_turn(sim_air *air, double now, sim_flow *ended);

/* The capacity at a time, 0 while it is down. */
double sim_air_capacity(sim_air *air, double now);

#endif
