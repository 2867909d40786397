/* Where there are too many placements to look at all: those that are best in some scenario. */
#ifndef KERF_PLANNER_ROBUST_REDUCED_H
#define KERF_PLANNER_ROBUST_REDUCED_H

#include "planner/robust/robust_world.h"
#include "planner/search.h"

/* A pool of the search's answer, of all-device and all-server where they keep the limits, and of
 * what is best, in cost or with a deadline in latency, in each of the first scenarios (at most
 * `scenarios`, and at most 256), proven so by the solvers. Release with robust_pool_clear, also
 * after an error. */
kerf_status robust_pool_reduced(const plan_search *search, const robust_draw *draw,
                                size_t scenarios, robust_pool *pool, kerf_error *err);

/* The problem of a choice in a world, on top of the pool's table of the choice, which it fills.
 * Release with robust_problem_clear. */
typedef struct robust_problem {
    cut_problem problem;
    cut_group *groups;
    cut_cost *tables;
    cut_tensor *tensors;
    cut_bundle *bundles;
} robust_problem;
kerf_status robust_problem_make(robust_pool *pool, size_t choice, const robust_world *world,
                                robust_problem *made, kerf_error *err);
void robust_problem_clear(robust_problem *made);

#endif
