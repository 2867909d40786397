#ifndef KERF_PLANNER_SOLVE_EXHAUSTIVE_H
#define KERF_PLANNER_SOLVE_EXHAUSTIVE_H

#include "planner/solve/solve.h"

/* Number of placements that keep the pins, or limit + 1 if there are more than `limit`.
 * KERF_E_INFEASIBLE (pins), KERF_E_NOMEM. */
kerf_status cut_count_ideals(const cut_problem *problem, size_t limit, size_t *count,
                             kerf_error *err);

/* Shows every placement that keeps the pins, with all of its value but the memory, which stays 0;
 * x and value are the walk's own. The visitor returns false to end the walk, after which *ended is
 * true; so it is after the time limit. Limits are not looked at: value->violation tells.
 * KERF_E_TOO_LARGE above options->max_ideals, KERF_E_INFEASIBLE (pins), KERF_E_NOMEM. */
typedef bool cut_visitor(void *context, const uint8_t *x, const cut_value *value);
kerf_status cut_visit_placements(const cut_problem *problem, const cut_options *options,
                                 cut_visitor *visitor, void *context, bool *ended, kerf_error *err);

#endif
