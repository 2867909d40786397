/* Small linear programs by GLPK's simplex, shielded: nothing that GLPK would print or abort on
 * gets out.
 *
 *     minimise cost . x   subject to   row_low <= A x <= row_high,   low <= x <= high
 */
#ifndef KERF_BASE_LP_H
#define KERF_BASE_LP_H

#include "kerf/status.h"

#include <stddef.h>

typedef struct kerf_lp {
    size_t rows, columns;
    const double *matrix; /* rows x columns, row by row */
    const double *cost;
    const double *row_low, *row_high; /* infinite: no bound */
    const double *low, *high;
} kerf_lp;

/* Solves it into x (columns) and the rows' multipliers (what the optimum gains per unit of a row's
 * bound); either may be NULL. A lack of memory inside GLPK, or an assertion of it, ends with
 * glp_free_env: GLPK objects that the caller may hold in this thread are gone then.
 * KERF_E_INFEASIBLE, KERF_E_TOO_LARGE, KERF_E_NOMEM, KERF_E_INTERNAL (no optimum was reached). */
kerf_status kerf_lp_solve(const kerf_lp *lp, double *x, double *multipliers, kerf_error *err);

#endif
