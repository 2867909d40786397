/* A problem under linear prices, as a minimum cut.
 *
 * One node per operator that no side is forced on; one auxiliary node per tensor with several
 * consumers, so that it is paid for once; an infinite arc from consumer back to producer, since
 * data never flows from server to device (Hu et al., DADS, INFOCOM 2019, which lacks these); a
 * fused group, being a path, is a chain of arcs, one per place where it may be broken; a side's
 * constant is paid through an auxiliary node that any operator there pulls over, and so is a
 * bundle's discount by whoever does not have it. */
#ifndef KERF_PLANNER_SOLVE_CUTGRAPH_H
#define KERF_PLANNER_SOLVE_CUTGRAPH_H

#include "planner/solve/dag.h"

/* What may be paid beside a placement's figures; each may be NULL, all are >= 0. */
typedef struct cut_surcharges {
    const double *on_device, *on_server; /* by operator */
    const double *crossing;              /* by tensor: that it crosses to the server */
    const double *held;                  /* by weight: that one of its operators is on the device */
} cut_surcharges;

/* What is minimised: the sum of these times what a placement takes of each. */
typedef struct cut_prices {
    double device_s, device_J, server_s, server_J;
    double up_per_byte, down_per_byte;
    cut_surcharges surcharges; /* on crossings and weights only if the graph was made for it */
} cut_prices;

typedef struct cut_graph cut_graph;

/* True if the graph expresses the problem's bundles under these prices and all smaller ones: a
 * surcharge falls on one operator at a time. Others it leaves out, so that what it returns stays a
 * lower bound. */
bool cut_graph_can(const cut_problem *problem, const cut_prices *prices);

/* side: what is forced (see cut_dag_force). closed: no tensor of more than zero bytes may cross to
 * the server. The problem and the dag are borrowed. */
kerf_status cut_graph_create(const cut_problem *problem, const cut_dag *dag, const uint8_t *side,
                             bool closed, cut_graph **graph, kerf_error *err);

/* The same, larger: made for surcharges on crossings and weights. */
kerf_status cut_graph_create_surcharged(const cut_problem *problem, const cut_dag *dag,
                                        const uint8_t *side, bool closed, cut_graph **graph,
                                        kerf_error *err);
void cut_graph_destroy(cut_graph **graph);

/* Minimises: fills x and returns a lower bound of the minimum, computed from the flow. */
double cut_graph_solve(cut_graph *graph, const cut_prices *prices, uint8_t *x);

/* Nodes left for the flow after reduction. */
size_t cut_graph_size(const cut_graph *graph);

#endif
