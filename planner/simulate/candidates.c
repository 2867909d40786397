#include "planner/simulate/candidates.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FOUND 10000

void sim_found_clear(sim_found *found)
{
    for (size_t i = 0; i < found->n; i++)
        free(found->list[i].x);
    free(found->list);
    *found = (sim_found){0};
}

static kerf_status keep(sim_found *found, const cut_choice *choice, uint8_t **x, kerf_error *err)
{
    for (size_t i = 0; i < found->n; i++)
        if (found->list[i].choice == choice &&
            memcmp(found->list[i].x, *x, choice->binding.problem.n) == 0)
            return KERF_OK;
    if (kerf_reserve(&found->list, &found->capacity, found->n + 1, MAX_FOUND,
                     sizeof *found->list) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    found->list[found->n].choice = choice;
    found->list[found->n++].x = *x;
    *x = NULL;
    return KERF_OK;
}

static kerf_status solve_at(const cut_choice *choice, double rate_bps, sim_found *found,
                            kerf_error *err)
{
    kerf_link link = *choice->question.link;
    cut_problem problem = choice->binding.problem;
    const cut_options options = {.time_limit_s = 0};
    cut_solution solution = {0};
    const double ratio = link.rate_bps[KERF_DOWNLINK] / link.rate_bps[KERF_UPLINK];
    link.rate_bps[KERF_UPLINK] = rate_bps;
    link.rate_bps[KERF_DOWNLINK] = fmin(rate_bps * ratio, 1e13);
    problem.link = &link;
    problem.limits = (kerf_limits){.deadline_s = 0};
    kerf_status status = cut_solve(&problem, KERF_SOLVER_AUTO, &options, &solution, err);
    if (status == KERF_OK)
        status = keep(found, choice, &solution.x, err);
    cut_solution_clear(&solution);
    return status;
}

kerf_status sim_candidates_find(const sim_team *team, sim_found *found, kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < team->choices.n; i++)
        for (double rate = 1e4; status == KERF_OK && rate <= 1e11; rate *= 1.33)
            status = solve_at(&team->choices.list[i], rate, found, err);
    return status;
}
