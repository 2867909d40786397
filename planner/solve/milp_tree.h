/* The open nodes of the branch and bound: a heap, least bound first, newest first among equals. */
#ifndef KERF_PLANNER_SOLVE_MILP_TREE_H
#define KERF_PLANNER_SOLVE_MILP_TREE_H

#include "planner/solve/lagrange.h"

typedef struct milp_node {
    lagrange_point at; /* the prices to begin with, and the bound so far */
    size_t number, depth;
    uint8_t *side; /* of kerf_side; owned */
} milp_node;

typedef struct milp_tree {
    const cut_problem *problem;
    const cut_dag *dag;
    milp_node *nodes;
    size_t n, capacity, made;
} milp_tree;

/* Empties the tree and puts the root into it. KERF_E_NOMEM. */
kerf_status milp_tree_start(milp_tree *tree, const cut_problem *problem, const cut_dag *dag,
                            const uint8_t *side, kerf_error *err);
void milp_tree_clear(milp_tree *tree);

/* Takes the node with the least bound out; its side is the caller's to free. False if none. */
bool milp_tree_take(milp_tree *tree, milp_node *node);
/* The same for the newest node, in time that grows with their number. */
bool milp_tree_take_newest(milp_tree *tree, milp_node *node);

/* The least bound of the open nodes, INFINITY if there are none. */
double milp_tree_bound(const milp_tree *tree);

/* The node again, as it has become; its side is copied. KERF_E_NOMEM. */
kerf_status milp_tree_put(milp_tree *tree, const milp_node *node, kerf_error *err);

/* Two nodes for one: an operator on either side, the given one first. KERF_E_NOMEM. */
kerf_status milp_tree_split(milp_tree *tree, const milp_node *node, size_t v, bool server_first,
                            kerf_error *err);

#endif
