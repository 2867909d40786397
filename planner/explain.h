/* Why a plan is what it is: what binds it, when it changes, what comes next, what clashes. */
#ifndef KERF_PLANNER_EXPLAIN_H
#define KERF_PLANNER_EXPLAIN_H

#include "planner/bind.h"
#include "planner/solve/solve.h"

/* What is found out here may take many solves. Where options->deadline_s passes, or progress says
 * stop, before the end, each of these returns KERF_E_TIME_LIMIT. */

/* Like cut_solve, but an answer that was stopped before it was proven is KERF_E_TIME_LIMIT. */
kerf_status explain_solve(const cut_problem *problem, kerf_solver solver,
                          const cut_options *options, cut_solution *solution, kerf_error *err);

/* The range of uplink rates around the present one in which x, a placement in the first of n
 * problems, stays the best answer to all of them (one for each combination that may be chosen): 0
 * and INFINITY where it does to the end. Exact where any two answers change their order at one rate
 * only, which holds in one mode for every objective but edp, without limits on latency and energy;
 * else points in between are tried as well. `bounds`: what the problems' optima are known to be no
 * better than, at the present rate; or NULL. */
kerf_status explain_break_even(const cut_problem *const *problems, const double *bounds, size_t n,
                               kerf_solver solver, const cut_options *options, const uint8_t *x,
                               double *below_bps, double *above_bps, kerf_error *err);

/* Names (static strings) of the limits that a value breaks; returns their number. */
size_t explain_broken(const kerf_limits *limits, const cut_value *value, const char *names[8]);

/* Names of the limits that the best answer without limits to n problems would break (static
 * strings), if it is better than the answer's objective. */
kerf_status explain_binding(const cut_problem *const *problems, size_t n, double objective,
                            const cut_options *options, const char *names[8], size_t *n_names,
                            kerf_error *err);

/* For n problems with the same limits, one for each combination that may be chosen, none of which
 * has a feasible placement: fills err with the limits that clash (a smallest set that already
 * cannot be kept in any) and how far off the closest placement is; returns KERF_E_INFEASIBLE,
 * also where no time is left to find them, which it says then, or why that could not be found out.
 * `labels` say which combination each is. */
kerf_status explain_infeasible(const cut_problem *const *problems, const char *const *labels,
                               size_t n, const cut_options *options, kerf_error *err);

/* The same for problems of any kind: `solve` looks for a placement of problem i that keeps the
 * limits, or (`closest`) that exceeds them least, and says what it costs and its violation. */
typedef struct explain_case explain_case;
struct explain_case {
    kerf_status (*solve)(const explain_case *c, size_t i, const kerf_limits *limits, bool closest,
                         cut_value *value, double *violation, kerf_error *err);
    const void *context;
    const char *const *labels;
    size_t n;
    const cut_options *options;
};
kerf_status explain_clash(const explain_case *c, const kerf_limits *limits, kerf_error *err);

/* The best placements with other cuts than x and than each other, best first, at most `count`.
 * The caller frees each of *others and the list. KERF_E_TIME_LIMIT: those found in time are there.
 * (alternatives.c) */
kerf_status explain_alternatives(const cut_problem *problem, kerf_solver solver,
                                 const cut_options *options, const uint8_t *x, size_t count,
                                 uint8_t ***others, size_t *n_others, kerf_error *err);

#endif
