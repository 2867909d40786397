/* When something is down: a list of intervals, or exponential times between failures and of repair.
 * A cursor walks along; a copy of it may look ahead. */
#ifndef KERF_SIMULATE_FAULTS_H
#define KERF_SIMULATE_FAULTS_H

#include "planner/simulate/random.h"
#include "planner/simulate/scenario.h"

typedef struct sim_down {
    double from, to; /* the interval under way or to come; INFINITY: none */
    uint32_t count;  /* intervals before it */
} sim_down;

/* `who` draws; anything unique. */
void sim_down_begin(const sim_faults *faults, uint64_t key, uint64_t who, sim_down *down);
void sim_down_step(const sim_faults *faults, uint64_t key, uint64_t who, sim_down *down);

/* The first interval that ends after t. */
static inline void sim_down_reach(const sim_faults *faults, uint64_t key, uint64_t who, double t,
                                  sim_down *down)
{
    while (down->to <= t)
        sim_down_step(faults, key, who, down);
}

#endif
