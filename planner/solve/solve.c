#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/exhaustive.h"

#include <math.h>
#include <stdlib.h>

#define FEW_IDEALS 200000 /* placements that are enumerated sooner than searched by milp */

/* Makes what is left until the deadline the limit of the next solve: at least an instant, in which
 * a solver finds something. */
static void share_time(cut_options *o)
{
    if (o->deadline_s > 0)
        o->time_limit_s = fmax(o->deadline_s - cut_clock_s(), 1e-9);
}

/* Without limits, sums and products go to minimum cuts. With limits, the optimum without them is
 * the answer if it happens to keep them; else what is exact for few placements and for many. */
static kerf_status solve_auto(const cut_problem *problem, const cut_options *options,
                              cut_solution *solution, kerf_error *err)
{
    size_t limit = FEW_IDEALS, count = 0;
    cut_options rest = *options;
    if (options->max_ideals > 0 && options->max_ideals < limit)
        limit = options->max_ideals;
    cut_problem free_problem = *problem;
    free_problem.limits = (kerf_limits){.deadline_s = 0};
    if (cut_mincut_can(&free_problem) && !options->minimise_violation) {
        cut_value value;
        kerf_status status = cut_solve_mincut(&free_problem, options, solution, err);
        if (status != KERF_OK || !cut_has_limits(problem))
            return status;
        cut_evaluate(problem, solution->x, &value);
        if (value.violation <= 0)
            return KERF_OK;
        cut_solution_clear(solution);
        share_time(&rest);
    }
    kerf_status status = cut_count_ideals(problem, limit, &count, err);
    if (status != KERF_OK)
        return status;
    return count <= limit ? cut_solve_exhaustive(problem, &rest, solution, err)
                          : cut_solve_milp(problem, &rest, solution, err);
}

static kerf_status solve_placed(const cut_problem *problem, kerf_solver solver,
                                const cut_options *options, cut_solution *solution, kerf_error *err)
{
    switch (solver) {
    case KERF_SOLVER_EXHAUSTIVE:
        return cut_solve_exhaustive(problem, options, solution, err);
    case KERF_SOLVER_MINCUT:
        return cut_solve_mincut(problem, options, solution, err);
    case KERF_SOLVER_MILP:
        return cut_solve_milp(problem, options, solution, err);
    case KERF_SOLVER_AUTO:
        break;
    }
    return solve_auto(problem, options, solution, err);
}

/* All on the device. KERF_E_INFEASIBLE where pins or limits forbid it. */
static kerf_status place_on_device(const cut_problem *problem, kerf_solver solver, bool closest,
                                   cut_solution *solution, kerf_error *err)
{
    cut_value value;
    uint8_t *x = kerf_calloc(problem->n, 1);
    if (!x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", problem->n);
    cut_evaluate(problem, x, &value);
    const bool legal = cut_is_legal(problem, x);
    if (!legal || (value.violation > 0 && !closest)) {
        free(x);
        return kerf_fail(err, KERF_E_INFEASIBLE, legal ? "limits" : "pins",
                         "all on the device, which alone is accurate enough, is not allowed");
    }
    *solution =
        (cut_solution){.x = x,
                       .examined = 1,
                       .solver = solver == KERF_SOLVER_AUTO ? KERF_SOLVER_EXHAUSTIVE : solver};
    const double least = closest ? value.violation : value.objective;
    cut_solution_prove(solution, least, least);
    return KERF_OK;
}

/* The least violation: that of the best placement whose accuracy is looked at last, which all but
 * one share, or that of the one. */
static kerf_status solve_closest(const cut_problem *problem, const cut_problem *placed,
                                 kerf_solver solver, const cut_options *options,
                                 cut_solution *solution, kerf_error *err)
{
    cut_solution found = {0}, still = {0};
    kerf_status status = solve_placed(placed, solver, options, &found, err);
    if (status != KERF_OK)
        return status;
    const double off = cut_accuracy_violation(problem, true);
    cut_value value;
    cut_evaluate(problem, found.x, &value);
    cut_solution_prove(&found, value.violation, found.bound > off ? found.bound : off);
    if (!problem->result_at_server)
        status = place_on_device(problem, solver, true, &still, err);
    if (status != KERF_OK && status != KERF_E_INFEASIBLE) {
        cut_solution_clear(&found);
        return status;
    }
    if (still.x && still.objective <= found.objective) {
        const double bound = still.objective < found.bound ? still.objective : found.bound;
        cut_solution_prove(&still, still.objective, bound);
        *solution = still;
        cut_solution_clear(&found);
    } else {
        *solution = found;
        cut_solution_clear(&still);
    }
    return KERF_OK;
}

/* The accuracy depends on a placement only by whether anything crosses: solvers need not know of
 * it. */
static kerf_status solve_accurate(const cut_problem *problem, kerf_solver solver,
                                  const cut_options *options, cut_solution *solution,
                                  kerf_error *err)
{
    cut_problem placed = *problem;
    placed.limits.min_accuracy = 0;
    if (cut_accuracy_violation(problem, true) <= 0)
        return solve_placed(&placed, solver, options, solution, err);
    if (options->minimise_violation)
        return solve_closest(problem, &placed, solver, options, solution, err);
    if (!problem->result_at_server && cut_accuracy_violation(problem, false) <= 0)
        return place_on_device(problem, solver, false, solution, err);
    return kerf_fail(err, KERF_E_INFEASIBLE, "limits", "no placement is accurate enough");
}

kerf_status cut_solve(const cut_problem *problem, kerf_solver solver, const cut_options *options,
                      cut_solution *solution, kerf_error *err)
{
    cut_options own = options ? *options : (cut_options){.top = 0};
    const double now = cut_clock_s();
    if (own.deadline_s > 0 && now >= own.deadline_s)
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "no time is left");
    if (own.time_limit_s > 0)
        own.deadline_s =
            fmin(own.deadline_s > 0 ? own.deadline_s : INFINITY, now + own.time_limit_s);
    share_time(&own);
    return solve_accurate(problem, solver, &own, solution, err);
}
