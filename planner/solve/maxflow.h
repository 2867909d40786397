/* Maximum flow between two implicit terminals, and the minimum cut that proves it.
 *
 * Every node is put on the device (the source's side) or on the server (the sink's side):
 *
 *     sum of server_cost over nodes on the server + of device_cost over nodes on the device
 *     + forward of arcs (u, v) with u on the device and v on the server, backward the other way
 *
 * is minimised. Capacities are doubles >= 0; forward or backward (not both) may be INFINITY, and is
 * then never paid. The network's shape is fixed at creation; it may be solved many times with
 * other capacities.
 *
 * Method: push-relabel, first phase, lowest label first, with gap and exact global relabelling
 * (Goldberg & Tarjan 1988; Cherkassky & Goldberg 1997). The least such set of nodes is put on the
 * server. Deterministic. O(n^2 sqrt(m)) at worst. */
#ifndef KERF_PLANNER_SOLVE_MAXFLOW_H
#define KERF_PLANNER_SOLVE_MAXFLOW_H

#include "kerf/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct maxflow maxflow;

typedef struct maxflow_arc {
    uint32_t from, to; /* different nodes */
    double forward, backward;
} maxflow_arc;

/* KERF_E_NOMEM, KERF_E_TOO_LARGE above 2^30 nodes or arcs. Forward capacities are not read. */
kerf_status maxflow_create(size_t n, size_t n_arcs, const maxflow_arc *arcs, maxflow **flow,
                           kerf_error *err);
void maxflow_destroy(maxflow **flow);

/* Solves for the given costs and forward capacities (in the order of creation) and returns a lower
 * bound of the minimum that is computed from the flow alone, less whatever rounding took from its
 * balance: any preflow's value is one. */
double maxflow_solve(maxflow *flow, const double *server_cost, const double *device_cost,
                     const double *forward);

/* The side of a node in the last solution. */
bool maxflow_on_server(const maxflow *flow, size_t node);

#endif
