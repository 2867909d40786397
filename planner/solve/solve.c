#include "planner/solve/solve.h"

#include "base/error.h"

#include <stdlib.h>

kerf_status cut_solve(const cut_problem *problem, kerf_solver solver, const cut_options *options,
                      cut_solution *solution, kerf_error *err)
{
    if (solver == KERF_SOLVER_AUTO || solver == KERF_SOLVER_EXHAUSTIVE)
        return cut_solve_exhaustive(problem, options, solution, err);
    return kerf_fail(err, KERF_E_UNSUPPORTED, NULL, "only the solver exhaustive is built");
}

void cut_solution_clear(cut_solution *solution)
{
    for (size_t i = 0; i < solution->n_others; i++)
        free(solution->others[i]);
    free(solution->others);
    free(solution->x);
    *solution = (cut_solution){.x = NULL};
}
