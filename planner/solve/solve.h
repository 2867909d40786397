/* The solvers. Each takes a problem and returns a placement with a proof.
 *
 *   exhaustive  walks the order ideals: every objective, every limit
 *   mincut      maximum flow under concave link costs: energy, latency, edp, total-energy,
 *               weighted; no limits
 *   milp        branch and bound over Lagrangian bounds: everything
 *   auto        the cheapest of them that is exact for the question; with limits, mincut's answer
 *               if it happens to keep them
 */
#ifndef KERF_PLANNER_SOLVE_H
#define KERF_PLANNER_SOLVE_H

#include "planner/problem.h"

#define CUT_GAP        1e-9    /* relative gap that counts as proven optimal */
#define CUT_MAX_IDEALS 2000000 /* exhaustive refuses above this many placements */

typedef struct cut_options {
    double time_limit_s; /* 0: none */
    double deadline_s;   /* cut_solve only: of several solves together, on cut_clock_s; 0: none */
    size_t max_ideals;   /* 0: CUT_MAX_IDEALS; milp: enumerate no more at a node */
    size_t top;          /* exhaustive only: keep this many best placements with different cuts */
    bool minimise_violation; /* exhaustive, milp: minimise the largest relative excess over a limit
                                instead of the objective (to explain infeasibility) */
    bool (*progress)(void *context, const char *what, double best, double bound);
    void *progress_context;
    const uint8_t *start; /* milp only: a placement to begin with, n entries; NULL: none */
    double below; /* exhaustive only: placements with less than this are all that is asked for; 0:
                     all */
} cut_options;

typedef struct cut_solution {
    uint8_t *x;       /* n entries; owned */
    double objective; /* cut_evaluate's objective of x; its violation with minimise_violation */
    double bound;     /* proven lower bound */
    double gap;       /* (objective - bound) / max(|objective|, tiny), >= 0 */
    size_t examined;
    kerf_solver solver;
    uint8_t **others; /* with options.top: next best, best first, each n entries; owned */
    size_t n_others;
} cut_solution;

/* KERF_E_TIME_LIMIT also where the deadline has passed: then nothing was begun.
 * KERF_E_INFEASIBLE where pins or limits leave nothing (where: "pins" or "limits"; no x);
 * KERF_E_UNSUPPORTED, KERF_E_TOO_LARGE, KERF_E_TIME_LIMIT, KERF_E_NOMEM, KERF_E_INTERNAL. */
kerf_status cut_solve(const cut_problem *problem, kerf_solver solver, const cut_options *options,
                      cut_solution *solution, kerf_error *err);
kerf_status cut_solve_exhaustive(const cut_problem *, const cut_options *, cut_solution *,
                                 kerf_error *);
kerf_status cut_solve_mincut(const cut_problem *, const cut_options *, cut_solution *,
                             kerf_error *);
kerf_status cut_solve_milp(const cut_problem *, const cut_options *, cut_solution *, kerf_error *);
/* True if minimum cuts are exact for the problem. */
bool cut_mincut_can(const cut_problem *problem);
void cut_solution_clear(cut_solution *solution); /* (solution.c, as the next) */

/* Sets objective, bound (at most the objective, at least 0) and gap. */
void cut_solution_prove(cut_solution *solution, double objective, double bound);

#endif
