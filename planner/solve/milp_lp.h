/* Linear relaxations of a milp_program by GLPK's simplex, shielded: nothing that GLPK would print
 * or abort on gets out. See lp_shield.h. */
#ifndef KERF_PLANNER_SOLVE_MILP_LP_H
#define KERF_PLANNER_SOLVE_MILP_LP_H

#include "planner/solve/milp_program.h"

typedef struct milp_lp milp_lp;

typedef enum milp_lp_state { MILP_LP_OPTIMAL, MILP_LP_INFEASIBLE, MILP_LP_UNKNOWN } milp_lp_state;

/* KERF_E_NOMEM. Borrows the program, whose number of rows and columns must stay. */
kerf_status milp_lp_create(const milp_program *program, milp_lp **lp, kerf_error *err);
void milp_lp_destroy(milp_lp **lp);

/* Minimises cost (as milp_program.cost) over the program as it is now, starting from the last
 * basis. What comes of it is GLPK's word, to its tolerances: milp_safe_bound of the multipliers is
 * not. A lack of memory inside GLPK, or an assertion of it, ends with glp_free_env: GLPK objects
 * that the caller may hold in this thread are gone then. KERF_E_NOMEM, KERF_E_INTERNAL. */
kerf_status milp_lp_solve(milp_lp *lp, const double *cost, milp_lp_state *state, kerf_error *err);

const double *milp_lp_multipliers(const milp_lp *lp); /* by row, from 0 */
const double *milp_lp_values(const milp_lp *lp);      /* by column, from 1 */

/* Writes the program in CPLEX LP format for other solvers to read (the benches do). KERF_E_IO. */
kerf_status milp_lp_write(milp_lp *lp, const char *path, kerf_error *err);

#endif
