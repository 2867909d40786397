/* Complete enumeration of three-tier placements, and the choice among the solvers. */
#include "planner/tiers/tiers_search.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define LOOK_AROUND ((size_t)4096) /* placements between looks at the clock */
#define FEW         150000         /* placements that are enumerated sooner than handed to GLPK */

/* The least tier that operator v may have, given those before it, from `from` on; N_TIERS: none. */
static uint8_t next_tier(const tier_search *s, size_t v, uint8_t from)
{
    const cut_problem *p = s->problem->first;
    unsigned allowed = s->problem->allowed ? s->problem->allowed[v] : 7U;
    uint8_t tier = from > s->root.low[v] ? from : s->root.low[v];
    for (size_t i = s->dag.read_start[v]; i < s->dag.read_start[v + 1]; i++) {
        size_t u = p->tensors[s->dag.read[i]].producer;
        if (u != CUT_SOURCE && s->x[u] > tier)
            tier = s->x[u];
    }
    while (tier <= s->root.high[v] && !(allowed >> tier & 1))
        tier++;
    return tier <= s->root.high[v] ? tier : N_TIERS;
}

/* Goes through all placements (there are no dead ends: what is left to each operator was narrowed),
 * calling `look` at each until it says no. False if it did. */
static bool visit(tier_search *s, bool (*look)(tier_search *))
{
    size_t n = s->problem->first->n, v = 0;
    for (v = 0; v < n; v++)
        s->x[v] = next_tier(s, v, 0);
    for (;;) {
        if (!look(s))
            return false;
        for (v = n; v-- > 0;) {
            s->x[v] = next_tier(s, v, (uint8_t)(s->x[v] + 1));
            if (s->x[v] < N_TIERS)
                break;
        }
        if (v == SIZE_MAX)
            return true;
        for (v++; v < n; v++)
            s->x[v] = next_tier(s, v, 0);
    }
}

static size_t limit_of(const tier_search *s)
{
    return s->options->max_ideals > 0 ? s->options->max_ideals : CUT_MAX_IDEALS;
}

static bool count_one(tier_search *s)
{
    return ++s->examined <= limit_of(s);
}

static bool examine_one(tier_search *s)
{
    tier_value value;
    if (s->examined == limit_of(s))
        return false;
    s->examined++;
    tier_examine(s, s->x, &value);
    if (s->examined % LOOK_AROUND == 0)
        tier_look_around(s, 0);
    return !s->stopped;
}

kerf_status tier_count(const tier_problem *problem, size_t limit, size_t *count, kerf_error *err)
{
    cut_options options = {.max_ideals = limit};
    tier_search search = {.name = "count"};
    kerf_status status = tier_search_start(&search, problem, &options, err);
    if (status == KERF_OK) {
        visit(&search, count_one);
        *count = search.examined;
    }
    tier_search_clear(&search);
    return status;
}

kerf_status tier_solve_exhaustive(const tier_problem *problem, const cut_options *options,
                                  cut_solution *solution, kerf_error *err)
{
    tier_search search = {.name = "exhaustive", .goal_best = INFINITY};
    kerf_status status = tier_search_start(&search, problem, options, err);
    if (status == KERF_OK) {
        bool all = visit(&search, examine_one);
        if (!all && !search.stopped)
            status = kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                               "more than %zu placements, the limit of complete enumeration: use "
                               "the solver mincut (no limits) or milp",
                               limit_of(&search));
        else
            status = tier_search_finish(&search, KERF_SOLVER_EXHAUSTIVE, all ? search.best : 0,
                                        solution, err);
    }
    tier_search_clear(&search);
    return status;
}

/* As for two tiers: minimum cuts without limits; the answer without limits where it keeps them;
 * else enumeration of few placements, and GLPK for many. */
static kerf_status solve_auto(const tier_problem *problem, const cut_options *options,
                              cut_solution *solution, kerf_error *err)
{
    size_t count = 0, limit = FEW;
    bool closest = options && options->minimise_violation;
    if (options && options->max_ideals > 0 && options->max_ideals < limit)
        limit = options->max_ideals;
    if (problem->first->objective != KERF_OBJ_THROUGHPUT && !closest) {
        cut_problem first = *problem->first;
        tier_problem unlimited = *problem;
        tier_value value;
        first.limits = (kerf_limits){.deadline_s = 0};
        unlimited.first = &first;
        kerf_status status = tier_solve_mincut(&unlimited, options, solution, err);
        if (status != KERF_OK || !cut_has_limits(problem->first))
            return status;
        tier_evaluate(problem, solution->x, &value);
        if (value.base.violation <= 0)
            return KERF_OK;
        cut_solution_clear(solution);
    }
    kerf_status status = tier_count(problem, limit, &count, err);
    if (status != KERF_OK)
        return status;
    return count <= limit ? tier_solve_exhaustive(problem, options, solution, err)
                          : tier_solve_milp(problem, options, solution, err);
}

kerf_status tier_solve(const tier_problem *problem, kerf_solver solver, const cut_options *options,
                       cut_solution *solution, kerf_error *err)
{
    switch (solver) {
    case KERF_SOLVER_EXHAUSTIVE:
        return tier_solve_exhaustive(problem, options, solution, err);
    case KERF_SOLVER_MINCUT:
        return tier_solve_mincut(problem, options, solution, err);
    case KERF_SOLVER_MILP:
        return tier_solve_milp(problem, options, solution, err);
    case KERF_SOLVER_AUTO:
        break;
    }
    return solve_auto(problem, options, solution, err);
}
