#include "planner/solve/solve.h"

#include "base/error.h"
#include "planner/solve/exhaustive.h"

#include <float.h>
#include <stdlib.h>

kerf_status cut_solve(const cut_problem *problem, kerf_solver solver, const cut_options *options,
                      cut_solution *solution, kerf_error *err)
{
    if (solver == KERF_SOLVER_MINCUT)
        return cut_solve_mincut(problem, options, solution, err);
    if (solver == KERF_SOLVER_EXHAUSTIVE)
        return cut_solve_exhaustive(problem, options, solution, err);
    if (solver == KERF_SOLVER_AUTO)
        return cut_has_limits(problem) || problem->objective == KERF_OBJ_THROUGHPUT
                   ? cut_solve_exhaustive(problem, options, solution, err)
                   : cut_solve_mincut(problem, options, solution, err);
    return kerf_fail(err, KERF_E_UNSUPPORTED, NULL, "the solver milp is not built");
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
