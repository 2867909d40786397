/* The three-tier problem under linear prices, as a minimum cut: two layers of nodes, a(v) and b(v)
 * of planner/tiers.h, with an infinite arc that keeps b <= a (Ishikawa 2003), and in each layer
 * what planner/solve/cutgraph.h has: an infinite arc from consumer back to producer, one auxiliary
 * node per tensor with several consumers.
 *
 * A minimum cut has only terms that are submodular in (a, b). All are, but for two:
 *   - the edge's constant is paid if any operator has a = 1 and b = 0. It is not in the graph: a
 *     node of the search says whether it is paid or no operator may be there.
 *   - what the edge's part [i, j) of a fused group costs, f(i, j), i = number of a = 0, j = number
 *     of b = 0 in its path. It is submodular exactly if for all k < l
 *         f(k, l) <= f(k, l + 1) + f(k + 1, l) - f(k + 1, l + 1),
 *     and a launch saved by fusing (l = k + 1: two parts and nothing against one part) breaks that.
 *     It is replaced by the largest g <= f that follows from this recursion from the last column
 *     down: g is submodular, and equal to f where i or j is decided, for the whole group (0, n),
 *     for none of it (j, j), and wherever the group ends on the edge (j = n). Where an answer has
 *     g < f the search decides on which tier the operator there is.
 * So the minimum is a lower bound, and the answer's cost where no such term differs. */
#ifndef KERF_PLANNER_TIERS_GRAPH_H
#define KERF_PLANNER_TIERS_GRAPH_H

#include "planner/tiers/tiers_search.h"

typedef struct tier_graph tier_graph;

/* KERF_E_NOMEM, KERF_E_TOO_LARGE. Borrows the problem and the dag. */
kerf_status tier_graph_create(const tier_problem *problem, const cut_dag *dag, tier_graph **graph,
                              kerf_error *err);
void tier_graph_destroy(tier_graph **graph);

/* Minimises the search's weighted sum over a node's placements, bounded as the node says; fills x
 * and returns a lower bound. No capacity is above `most`, the least that is of no interest. */
double tier_graph_solve(tier_graph *graph, const tier_search *search, const tier_node *node,
                        double most, uint8_t *x);

/* In the last solution's node: by how much a group of x costs more than it was bounded by. */
double tier_graph_missing(tier_graph *graph, size_t group, const uint8_t *x);

#endif
