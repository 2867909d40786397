/* The small linear program that proposes multipliers: of all that is known of a Lagrangian's dual
 * function, which is the least of as many linear functions as there are placements, the highest
 * point (Kelley 1960; the dual of Dantzig & Wolfe's master program). */
#ifndef KERF_PLANNER_SOLVE_MASTER_H
#define KERF_PLANNER_SOLVE_MASTER_H

#include "kerf/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct master_question {
    size_t n; /* multipliers, each in [0, most] */
    double most;
    const bool *shared; /* by multiplier: these sum to 1; if there are none, NULL */
    size_t n_samples;
    /* Sample k says: at most fixed[k] + the sum of slopes[k][i] times multiplier i. */
    const double *fixed;
    const double *const *slopes;
} master_question;

typedef struct master_answer {
    bool found;          /* false where GLPK found nothing */
    double value;        /* no multipliers reach more, as far as is known (GLPK's word) */
    double *multipliers; /* n of them; the caller's array */
    double *shares;      /* by sample: its share in the mix that shows it; the caller's array */
} master_answer;

/* KERF_E_NOMEM, KERF_E_INTERNAL; see lp_shield.h. */
kerf_status master_solve(const master_question *question, master_answer *answer, kerf_error *err);

#endif
