/* A minimum cut (as in maxflow.h) made smaller before it is solved.
 *
 * A node between at most one arc that enters and one that leaves it, both with an infinite way
 * back, is decided by its two neighbours: both on the server, so is it; both on the device,
 * likewise; in between, the cheaper of the two. So it can be replaced by one arc; and parallel arcs
 * are one arc. Chains and residual blocks vanish entirely. Which nodes can go depends only on the
 * shape, so that is found once; the costs are carried over in each solution, in linear time. */
#ifndef KERF_PLANNER_SOLVE_REDUCE_H
#define KERF_PLANNER_SOLVE_REDUCE_H

#include "planner/solve/maxflow.h"

typedef struct reduction reduction;

/* Of forward capacities only whether they are infinite is read. KERF_E_NOMEM,
 * KERF_E_TOO_LARGE. */
kerf_status reduction_create(size_t n, size_t n_arcs, const maxflow_arc *arcs, reduction **reduced,
                             kerf_error *err);
void reduction_destroy(reduction **reduced);

/* Solves; costs and forward capacities are used as scratch. on_server[v] is the side of node v.
 * Returns a lower bound of the minimum as maxflow_solve does. */
double reduction_solve(reduction *reduced, double *server_cost, double *device_cost,
                       double *forward, uint8_t *on_server);

/* Nodes that are left for the flow. */
size_t reduction_size(const reduction *reduced);

#endif
