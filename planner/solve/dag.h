/* A problem's tensors by operator, and what its pins imply. */
#ifndef KERF_PLANNER_SOLVE_DAG_H
#define KERF_PLANNER_SOLVE_DAG_H

#include "planner/problem.h"

/* The tensors that operator v makes are made[made_start[v] .. made_start[v + 1]); those it reads
 * are read[read_start[v] .. ], in the tensors' order. */
typedef struct cut_dag {
    size_t *made_start, *made;
    size_t *read_start, *read;
    size_t *group; /* the group of each operator */
} cut_dag;

/* KERF_E_NOMEM. */
kerf_status cut_dag_create(const cut_problem *problem, cut_dag *dag, kerf_error *err);
void cut_dag_clear(cut_dag *dag);

/* Fills side (n entries of kerf_side) with the pins and what they imply: what feeds an operator on
 * the device is there too, what depends on one on the server as well. KERF_E_INFEASIBLE (where:
 * "pins") where they contradict each other, KERF_E_NOMEM. */
kerf_status cut_dag_force(const cut_problem *problem, const cut_dag *dag, uint8_t *side,
                          kerf_error *err);

#endif
