#include "planner/solve/solve.h"

#include <float.h>
#include <stdlib.h>

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
