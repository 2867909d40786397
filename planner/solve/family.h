/* Families of placements by whether anything crosses the link. */
#ifndef KERF_PLANNER_SOLVE_FAMILY_H
#define KERF_PLANNER_SOLVE_FAMILY_H

#include "planner/solve/dag.h"

#define CUT_FAMILY_UP   1U /* more than zero bytes may go up */
#define CUT_FAMILY_DOWN 2U /* more than zero bytes may come down */

/* Adds to `side` (see cut_dag_force) what membership in a family implies. *possible is false if
 * nothing is left. KERF_E_NOMEM. */
kerf_status cut_family_force(const cut_problem *problem, const cut_dag *dag, unsigned family,
                             uint8_t *side, bool *possible, kerf_error *err);

#endif
