/* When a board's inferences arrive: one after the other, each a function of the counter alone or of
 * the one before. */
#ifndef KERF_SIMULATE_ARRIVALS_H
#define KERF_SIMULATE_ARRIVALS_H

#include "planner/simulate/random.h"
#include "planner/simulate/scenario.h"

typedef struct sim_arrival_state {
    double next;    /* the next arrival; INFINITY: none */
    double until;   /* bursts: end of the present state */
    uint32_t count; /* arrivals drawn */
    uint32_t draws; /* bursts: states begun */
} sim_arrival_state;

void sim_arrivals_begin(const sim_arrivals *a, uint64_t key, uint64_t board,
                        sim_arrival_state *state);
void sim_arrivals_step(const sim_arrivals *a, uint64_t key, uint64_t board,
                       sim_arrival_state *state);

#endif
