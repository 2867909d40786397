#include "planner/robust/robust_reduced.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SCENARIOS ((size_t)256)

/* --- a choice in a world --- */

static void fill_groups(const cut_problem *p, const robust_model *m, double factor, double slowdown,
                        robust_problem *made)
{
    cut_cost *table = made->tables;
    for (size_t g = 0; g < p->n_groups; g++) {
        made->groups[g] = p->groups[g];
        made->groups[g].table = table;
        for (size_t j = 0; j <= p->groups[g].n; j++, table++) {
            *table = m->table[m->start[g] + j];
            table->server_s *= slowdown;
            table->server_J *= factor;
        }
    }
}

static void scale_server(cut_cost *cost, double time, double energy)
{
    cost->server_s *= time;
    cost->server_J *= energy;
}

kerf_status robust_problem_make(robust_pool *pool, size_t choice, const robust_world *w,
                                robust_problem *made, kerf_error *err)
{
    const cut_choice *c = &pool->choices->list[choice];
    const cut_problem *p = &c->binding.problem;
    robust_model *m = &pool->models[choice];
    const double slowdown = w->server_factor / (1 - w->load);
    *made = (robust_problem){.problem = *p};
    made->groups = kerf_calloc(p->n_groups, sizeof *made->groups);
    made->tables = kerf_calloc(p->n + p->n_groups, sizeof *made->tables);
    made->tensors = kerf_calloc(p->n_tensors, sizeof *made->tensors);
    robust_pool_fill(pool, choice, w);
    made->bundles = kerf_calloc(m->now.problem.n_bundles, sizeof *made->bundles);
    if (!made->groups || !made->tables || !made->tensors || !made->bundles || pool->out_of_memory)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    fill_groups(p, m, w->server_factor, slowdown, made);
    for (size_t t = 0; t < p->n_tensors; t++) {
        made->tensors[t] = p->tensors[t];
        const double again = slowdown * (1 - c->question.server_load);
        scale_server(&made->tensors[t].up_cost, again, w->server_factor);
        scale_server(&made->tensors[t].down_cost, again, w->server_factor);
    }
    for (size_t i = 0; i < m->now.problem.n_bundles; i++) {
        made->bundles[i] = m->now.problem.bundles[i];
        scale_server(&made->bundles[i].cost, slowdown * (1 - c->question.server_load),
                     w->server_factor);
    }
    cut_problem *out = &made->problem;
    out->bundles = made->bundles;
    out->n_bundles = m->now.problem.n_bundles;
    out->groups = made->groups;
    out->tensors = made->tensors;
    out->device_part =
        (cut_cost){.device_s = m->device_mode.partition_s, .device_J = m->device_mode.partition_J};
    out->server_part = (cut_cost){.server_s = m->server_mode.partition_s * slowdown,
                                  .server_J = m->server_mode.partition_J * w->server_factor};
    out->link = &w->link;
    out->wait_W = w->device[c->mode].idle_W + w->link.idle_W;
    return KERF_OK;
}

void robust_problem_clear(robust_problem *made)
{
    free(made->groups);
    free(made->tables);
    free(made->tensors);
    free(made->bundles);
    *made = (robust_problem){.groups = NULL};
}

/* --- the pool --- */

static kerf_status keep(robust_pool *pool, size_t choice, const uint8_t *x, kerf_error *err)
{
    cut_problem p = pool->choices->list[choice].binding.problem;
    cut_value value;
    p.limits.deadline_s = 0;
    cut_evaluate(&p, x, &value);
    if (!cut_is_legal(&p, x) || value.violation > 0)
        return KERF_OK;
    return robust_pool_add(pool, choice, x, err);
}

static kerf_status add_extremes(robust_pool *pool, size_t choice, kerf_error *err)
{
    const size_t n = pool->choices->list[choice].binding.problem.n;
    uint8_t *x = kerf_calloc(n, 1);
    if (!x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_status status = keep(pool, choice, x, err);
    memset(x, 1, n);
    if (status == KERF_OK)
        status = keep(pool, choice, x, err);
    free(x);
    return status;
}

/* The best of a choice in a world, limits on time and energy left aside. */
static kerf_status add_best(const plan_search *s, robust_pool *pool, size_t choice,
                            const robust_world *w, kerf_objective objective, kerf_error *err)
{
    robust_problem made = {.groups = NULL};
    cut_solution best = {0};
    kerf_error local = {0};
    kerf_status status = robust_problem_make(pool, choice, w, &made, err);
    if (status == KERF_OK) {
        made.problem.objective = objective;
        made.problem.limits.deadline_s = made.problem.limits.energy_J = 0;
        status = explain_solve(&made.problem, KERF_SOLVER_AUTO, &s->options, &best, &local);
        if (status == KERF_OK)
            status = keep(pool, choice, best.x, err);
        else if (status == KERF_E_INFEASIBLE)
            status = KERF_OK;
        else if (err)
            *err = local;
    }
    cut_solution_clear(&best);
    robust_problem_clear(&made);
    return status;
}

static kerf_status add_scenario(const plan_search *s, robust_pool *pool, const robust_world *w,
                                kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < pool->choices->n; i++) {
        status = add_best(s, pool, i, w, s->question->objective, err);
        if (status == KERF_OK && s->question->limits.deadline_s > 0 &&
            s->question->objective != KERF_OBJ_LATENCY)
            status = add_best(s, pool, i, w, KERF_OBJ_LATENCY, err);
    }
    return status;
}

kerf_status robust_pool_reduced(const plan_search *s, const robust_draw *draw, size_t scenarios,
                                robust_pool *pool, kerf_error *err)
{
    const size_t n = scenarios < MOST_SCENARIOS ? scenarios : MOST_SCENARIOS;
    robust_world world = {0};
    kerf_status status = robust_pool_begin(&s->choices, &draw->variety, pool, err);
    if (status == KERF_OK)
        status = robust_world_create(draw->question, &world, err);
    if (status == KERF_OK)
        status = keep(pool, s->best, s->solution.x, err);
    for (size_t i = 0; status == KERF_OK && i < s->choices.n; i++)
        status = add_extremes(pool, i, err);
    for (size_t i = 0; status == KERF_OK && i < n; i++) {
        robust_draw_world(draw, i, &world);
        status = add_scenario(s, pool, &world, err);
        pool->examined++;
    }
    if (status == KERF_OK)
        status = robust_pool_end(pool, err);
    robust_world_clear(&world);
    return status;
}
