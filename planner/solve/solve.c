#include "planner/solve/solve.h"

#include "base/error.h"
#include "planner/solve/exhaustive.h"

#include <float.h>
#include <stdlib.h>

#define FEW_IDEALS 200000 /* placements that are enumerated sooner than handed to GLPK */

/* Without limits, sums and products go to minimum cuts. With limits, the optimum without them is
 * the answer if it happens to keep them; else what is exact for few placements and for many. */
static kerf_status solve_auto(const cut_problem *problem, const cut_options *options,
                              cut_solution *solution, kerf_error *err)
{
    size_t limit = FEW_IDEALS, count = 0;
    bool closest = options && options->minimise_violation;
    if (options && options->max_ideals > 0 && options->max_ideals < limit)
        limit = options->max_ideals;
    if (problem->objective != KERF_OBJ_THROUGHPUT && !closest) {
        cut_problem free_problem = *problem;
        cut_value value;
        free_problem.limits = (kerf_limits){.deadline_s = 0};
        kerf_status status = cut_solve_mincut(&free_problem, options, solution, err);
        if (status != KERF_OK || !cut_has_limits(problem))
            return status;
        cut_evaluate(problem, solution->x, &value);
        if (value.violation <= 0)
            return KERF_OK;
        cut_solution_clear(solution);
    }
    kerf_status status = cut_count_ideals(problem, limit, &count, err);
    if (status != KERF_OK)
        return status;
    return count <= limit ? cut_solve_exhaustive(problem, options, solution, err)
                          : cut_solve_milp(problem, options, solution, err);
}

kerf_status cut_solve(const cut_problem *problem, kerf_solver solver, const cut_options *options,
                      cut_solution *solution, kerf_error *err)
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

void cut_solution_prove(cut_solution *solution, double objective, double bound)
{
    double least = bound > 0 ? bound : 0;
    solution->objective = objective;
    solution->bound = least < objective ? least : objective;
    double size = objective > DBL_MIN ? objective : DBL_MIN;
    solution->gap = (objective - solution->bound) / size;
}

void cut_solution_clear(cut_solution *solution)
{
    for (size_t i = 0; i < solution->n_others; i++)
        free(solution->others[i]);
    free(solution->others);
    free(solution->x);
    *solution = (cut_solution){.x = NULL};
}
