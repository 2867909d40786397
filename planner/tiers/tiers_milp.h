/* The three-tier problem as a mixed integer program, held as planner/solve/milp_program.h says.
 *
 * Columns: a(v) and b(v) of planner/tiers.h; per fused group and pair i <= j a share of "the edge
 * has operators [i, j) of it", which any integral a and b decide, so that every cost of the group
 * is linear; per layer and tensor with several consumers whether it goes up; per tier whether
 * anything is there; per transfer whether it is used, and its bytes, whose cost is the chord over
 * the node's range. */
#ifndef KERF_PLANNER_TIERS_MILP_H
#define KERF_PLANNER_TIERS_MILP_H

#include "planner/solve/milp_program.h"
#include "planner/tiers/tiers_search.h"

typedef struct tier_program {
    milp_program g;
    const tier_search *search;
    int *share; /* by group: the first of its columns */
    int *y[2];  /* by layer and tensor; 0: needs none */
    int part[N_TIERS], used[N_TRANSFERS], bytes[N_TRANSFERS], fixed[2];
    int weight, buffer, held; /* of the memory limit: first columns */
    int goal, excess;
    double unit[N_TRANSFERS]; /* bytes of one unit of a bytes column */
    /* the expression at hand */
    double *terms, constant;
    int *touched, n_touched;
    bool *is_touched, failed;
} tier_program;

/* Clear it in any case. KERF_E_NOMEM, KERF_E_TOO_LARGE. */
kerf_status tier_program_create(const tier_search *search, tier_program *program, kerf_error *err);
void tier_program_clear(tier_program *program);

/* The node's bounds, the rows that change and the cost, which is the goal times `scale`. */
kerf_status tier_program_set(tier_program *program, const tier_node *node, double scale,
                             kerf_error *err);

static inline int tier_column(const tier_program *program, int layer, size_t v)
{
    return 1 + (int)v + (layer == 2 ? (int)program->search->problem->first->n : 0);
}

#endif
