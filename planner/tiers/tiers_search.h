/* Branch and bound over three tiers, best bound first; where bounds come from is the solver's
 * (minimum cuts: tiers_mincut.c, linear programs: tiers_milp.c).
 *
 * A node narrows the tiers of operators and the range of bytes of each transfer, and says whether
 * the edge may, or need not, compute at all. A transfer's cost, concave but for a jump at 0, is
 * bounded from below by the chord over its range, which is exact at both ends: so splitting a range
 * at the bytes of an answer makes the answer's cost exact in both halves. */
#ifndef KERF_PLANNER_TIERS_SEARCH_H
#define KERF_PLANNER_TIERS_SEARCH_H

#include "planner/tiers/tiers.h"

#define TIER_TOLERANCE 1e-10 /* relative: how far below the best value a bound may be left */

typedef struct tier_range { /* high 0: none; low above 0: some */
    double low, high;
} tier_range;

typedef enum { EDGE_OPEN, EDGE_USED, EDGE_UNUSED } tier_edge;

typedef struct tier_node {
    double bound;
    size_t number;
    tier_range range[N_TRANSFERS];
    tier_edge edge;      /* used: its constant is paid, whether or not an operator is there */
    uint8_t *low, *high; /* tiers by operator; one block, owned */
} tier_node;

typedef enum { TIER_SUM, TIER_SLOWEST, TIER_VIOLATION } tier_goal;

typedef struct tier_search tier_search;

/* Examines placements; raises node->bound, to INFINITY where nothing is left in the node or it was
 * split into children that were added; else the bound is what the node is left with. */
typedef kerf_status tier_expand(tier_search *search, tier_node *node, kerf_error *err);

struct tier_search {
    const tier_problem *problem;
    const cut_options *options;
    const char *name; /* of the solver, for progress */
    tier_expand *expand;
    void *solver;
    cut_dag dag;
    tier_node root;
    uint8_t *no_edge; /* `allowed` without the edge */
    uint8_t *x, *best_x;
    double least[N_TRANSFERS];
    tier_goal goal;
    cut_weights weights;
    double best; /* by the problem's own objective, or by violation */
    bool found;
    double goal_best; /* of the goal at hand, among feasible placements */
    double goal_size; /* of the first placements: what goals are scaled by */
    double most_excess;
    tier_value at_goal;
    double bound;
    size_t examined;
    double deadline;
    bool stopped;
    tier_node *nodes;
    size_t n_nodes, capacity, made;
};

/* Release with tier_search_clear in any case. KERF_E_INFEASIBLE (pins), KERF_E_NOMEM. */
kerf_status tier_search_start(tier_search *search, const tier_problem *problem,
                              const cut_options *options, kerf_error *err);
void tier_search_clear(tier_search *search);

/* Minimises the problem's objective, or the violation: fills the solution. */
kerf_status tier_search_run(tier_search *search, kerf_solver solver, cut_solution *solution,
                            kerf_error *err);

/* The solution from what was found. KERF_E_INFEASIBLE or KERF_E_TIME_LIMIT if that is nothing. */
kerf_status tier_search_finish(tier_search *search, kerf_solver solver, double bound,
                               cut_solution *solution, kerf_error *err);
/* Sets `stopped` at the deadline, or if the caller's progress function says so. */
void tier_look_around(tier_search *search, double bound);

/* Takes note of a placement, if it is legal. */
void tier_examine(tier_search *search, const uint8_t *x, tier_value *value);
bool tier_worth(const tier_search *search, double bound);

/* A node to be changed and added, equal to its parent; tier_add takes it over, also where it is
 * dropped because nothing is left in it. KERF_E_NOMEM. */
kerf_status tier_child(tier_search *search, const tier_node *parent, tier_node *child,
                       kerf_error *err);
kerf_status tier_add(tier_search *search, tier_node *child, kerf_error *err);

/* Two children, with at most and at least so many bytes: low < bytes < high. */
kerf_status tier_split_bytes(tier_search *search, const tier_node *node, tier_transfer transfer,
                             double bytes, kerf_error *err);
/* Three: an operator on each tier that is left to it, the given one first. */
kerf_status tier_split_operator(tier_search *search, const tier_node *node, size_t v, int first,
                                kerf_error *err);
/* Two: the edge's constant is paid, or nothing is there. */
kerf_status tier_split_edge(tier_search *search, const tier_node *node, kerf_error *err);
/* Two: bytes of the transfer, or none. */
kerf_status tier_split_use(tier_search *search, const tier_node *node, tier_transfer transfer,
                           kerf_error *err);

/* The chord of a transfer's cost over a node's range: cost = *fixed + *slope * bytes, *fixed 0
 * where bytes may be 0. A link's fixed energy is in the first of its two transfers that may be
 * used, unless it is paid in any case (tier_fixed_is_paid). */
void tier_chord(const tier_search *search, const tier_node *node, tier_transfer transfer,
                double *fixed, double *slope);
bool tier_fixed_is_paid(const tier_node *node, int layer);
/* The transfer that the fixed energy of a link goes with in a node. */
tier_transfer tier_fixed_carrier(const tier_node *node, int layer);

#endif
