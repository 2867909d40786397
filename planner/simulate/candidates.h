/* The placements that planning again chooses from: all that are best under some conditions. */
#ifndef KERF_SIMULATE_CANDIDATES_H
#define KERF_SIMULATE_CANDIDATES_H

#include "planner/simulate/world.h"
#include "planner/solve/solve.h"

typedef struct sim_found {
    struct sim_found_placement {
        const cut_choice *choice;
        uint8_t *x;
    } * list;
    size_t n, capacity;
} sim_found;

kerf_status sim_candidates_find(const sim_team *team, const kerf_scenario *scenario,
                                sim_found *found, kerf_error *err);
void sim_found_clear(sim_found *found);

#endif
