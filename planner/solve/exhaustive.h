#ifndef KERF_PLANNER_SOLVE_EXHAUSTIVE_H
#define KERF_PLANNER_SOLVE_EXHAUSTIVE_H

#include "planner/solve/solve.h"

/* Number of placements that keep the pins, or limit + 1 if there are more than `limit`.
 * KERF_E_INFEASIBLE (pins), KERF_E_NOMEM. */
kerf_status cut_count_ideals(const cut_problem *problem, size_t limit, size_t *count,
                             kerf_error *err);

#endif
