/* A mixed integer program, held in memory of its own, so that what GLPK says of it can be checked.
 *
 * Minimise cost[0] + sum of cost[j] x[j], j = 1 .. n_columns, where lower <= x <= upper and
 * low[i] <= row i <= high[i]; entries of row i are start[i] .. start[i + 1] - 1. */
#ifndef KERF_PLANNER_SOLVE_MILP_PROGRAM_H
#define KERF_PLANNER_SOLVE_MILP_PROGRAM_H

#include "kerf/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct milp_program {
    int n_columns;
    int n_binary; /* columns 1 .. n_binary are 0 or 1 */
    double *lower, *upper, *cost;
    size_t n_rows, n_fixed_rows; /* the rows after n_fixed_rows change from node to node */
    size_t *start;
    double *low, *high, *value;
    int *index;
    size_t start_capacity, low_capacity, high_capacity, index_capacity, value_capacity;
    double *reduced; /* scratch */
} milp_program;

/* Room for so many columns, all of them with bounds and cost 0, and no rows. Clear it in any case.
 * KERF_E_NOMEM, KERF_E_TOO_LARGE. */
kerf_status milp_program_create(milp_program *program, size_t columns, kerf_error *err);
void milp_clear(milp_program *program);

/* A lower bound of a linear function over the program without integrality, from any multipliers of
 * its rows: good ones give a good bound, none gives a wrong one (weak duality; Neumaier &
 * Shcherbina 2004). */
double milp_safe_bound(milp_program *program, const double *cost, const double *multipliers);

/* A linear expression under construction: dense, with a list of the columns added to. */
typedef struct milp_expression {
    milp_program *program;
    double *terms; /* by column */
    double constant;
    int *touched;
    int n_touched;
    bool *is_touched;
    bool failed; /* a row found no memory */
} milp_expression;

/* Clear it in any case. KERF_E_NOMEM. */
kerf_status milp_expression_create(milp_expression *e, milp_program *program, kerf_error *err);
void milp_expression_clear(milp_expression *e);
void milp_add(milp_expression *e, int column, double value);
void milp_multiply(milp_expression *e, double factor);

/* Both reset the expression: moves its terms to `cost`, its constant to cost[0]; adds the row
 * low <= expression <= high (either may be infinite). */
void milp_move_to(milp_expression *e, double *cost);
void milp_emit(milp_expression *e, double low, double high);

#endif
