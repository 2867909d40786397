/* The next best cuts: by enumeration where the order ideals are few, else by branching on the
 * optimum. Lawler (1972): the placements other than the best one fall into n classes, class i being
 * those that agree with it on operators 0 .. i-1 and differ on i; each class is solved by the same
 * solver with pins, and the best of all classes is next. */
#include "planner/explain.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ENUMERATE_AT_MOST 200000
#define SPARE_EXPANSIONS  64 /* placements that only repeat a known cut end the search */

static bool same_cut(const cut_problem *p, const uint8_t *x, const uint8_t *y)
{
    for (size_t t = 0; t < p->n_tensors; t++)
        if (cut_crosses(&p->tensors[t], x) != cut_crosses(&p->tensors[t], y))
            return false;
    return true;
}

typedef struct candidate {
    uint8_t *x;   /* the best of its class */
    uint8_t *pin; /* what defines the class */
    size_t fixed; /* operators before this one are pinned */
    double objective;
} candidate;

typedef struct search {
    const cut_problem *problem;
    kerf_solver solver;
    const cut_options *options;
    candidate *open;
    size_t n_open, cap_open;
    uint8_t **found; /* different cuts, the optimum first */
    size_t n_found, cap_found, wanted;
} search;

static void free_candidate(candidate *c)
{
    free(c->x);
    free(c->pin);
}

/* Solves the class in which operators before i are as in c, and i is on the other side. */
static kerf_status open_class(search *s, const candidate *c, size_t i, kerf_error *err)
{
    const size_t n = s->problem->n;
    candidate next = {.fixed = i + 1, .pin = kerf_calloc(n, 1)};
    if (!next.pin ||
        kerf_reserve(&s->open, &s->cap_open, s->n_open + 1, SIZE_MAX / 2, sizeof *s->open) != 0) {
        free(next.pin);
        return KERF_E_NOMEM;
    }
    memcpy(next.pin, c->pin, n);
    for (size_t v = c->fixed; v < i; v++)
        next.pin[v] = c->x[v] ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
    next.pin[i] = c->x[i] ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
    cut_problem class_problem = *s->problem;
    class_problem.pin = next.pin;
    cut_solution best = {0};
    kerf_error local = {0};
    const kerf_status status = explain_solve(&class_problem, s->solver, s->options, &best, &local);
    if (status != KERF_OK) {
        free(next.pin);
        if (status != KERF_E_INFEASIBLE && err)
            *err = local;
        return status == KERF_E_INFEASIBLE ? KERF_OK : status;
    }
    next.x = best.x;
    next.objective = best.objective;
    best.x = NULL;
    cut_solution_clear(&best);
    s->open[s->n_open++] = next;
    return KERF_OK;
}

/* Pins of the problem itself make some classes empty. */
static kerf_status expand(search *s, const candidate *c, kerf_error *err)
{
    for (size_t i = c->fixed; i < s->problem->n; i++) {
        if (c->pin[i])
            continue;
        const kerf_status status = open_class(s, c, i, err);
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

static candidate take_best(search *s)
{
    size_t best = 0;
    for (size_t i = 1; i < s->n_open; i++)
        if (s->open[i].objective < s->open[best].objective)
            best = i;
    const candidate c = s->open[best];
    s->open[best] = s->open[--s->n_open];
    return c;
}

static bool is_new(const search *s, const uint8_t *x)
{
    for (size_t i = 0; i < s->n_found; i++)
        if (same_cut(s->problem, s->found[i], x))
            return false;
    return true;
}

static kerf_status keep(search *s, const uint8_t *x)
{
    if (kerf_reserve(&s->found, &s->cap_found, s->n_found + 1, SIZE_MAX / 2, sizeof *s->found) != 0)
        return KERF_E_NOMEM;
    uint8_t *copy = kerf_calloc(s->problem->n, 1);
    if (!copy)
        return KERF_E_NOMEM;
    memcpy(copy, x, s->problem->n);
    s->found[s->n_found++] = copy;
    return KERF_OK;
}

static kerf_status branch(search *s, const uint8_t *x, kerf_error *err)
{
    const size_t n = s->problem->n;
    candidate current = {.x = kerf_calloc(n, 1), .pin = kerf_calloc(n, 1)};
    kerf_status status = current.x && current.pin ? KERF_OK : KERF_E_NOMEM;
    if (status == KERF_OK) {
        memcpy(current.x, x, n);
        if (s->problem->pin)
            memcpy(current.pin, s->problem->pin, n);
    }
    const size_t most = s->wanted < SIZE_MAX / 8 ? SPARE_EXPANSIONS + 4 * s->wanted : SIZE_MAX;
    for (size_t i = 0; status == KERF_OK && s->n_found < s->wanted && i < most; i++) {
        status = expand(s, &current, err);
        free_candidate(&current);
        current = (candidate){0};
        if (status != KERF_OK || s->n_open == 0)
            break;
        current = take_best(s);
        if (is_new(s, current.x))
            status = keep(s, current.x);
    }
    free_candidate(&current);
    return status;
}

static kerf_status enumerate(search *s, kerf_error *err)
{
    cut_options options = *s->options;
    options.max_ideals = ENUMERATE_AT_MOST;
    options.top = s->wanted;
    cut_solution all = {0};
    kerf_error local = {0};
    kerf_status status = explain_solve(s->problem, KERF_SOLVER_EXHAUSTIVE, &options, &all, &local);
    if (status != KERF_OK && status != KERF_E_TOO_LARGE && err)
        *err = local;
    if (status == KERF_OK && is_new(s, all.x))
        status = keep(s, all.x); /* a different optimum of the same cost */
    for (size_t i = 0; status == KERF_OK && i < all.n_others && s->n_found < s->wanted; i++)
        if (is_new(s, all.others[i]))
            status = keep(s, all.others[i]);
    cut_solution_clear(&all);
    return status;
}

kerf_status explain_alternatives(const cut_problem *problem, kerf_solver solver,
                                 const cut_options *options, const uint8_t *x, size_t count,
                                 uint8_t ***others, size_t *n_others, kerf_error *err)
{
    cut_options plain = *options;
    plain.top = 0;
    search s = {.problem = problem, .solver = solver, .options = &plain, .wanted = count + 1};
    kerf_status status = keep(&s, x);
    if (status == KERF_OK)
        status = enumerate(&s, err);
    if (status == KERF_E_TOO_LARGE)
        status = branch(&s, x, err);
    for (size_t i = 0; i < s.n_open; i++)
        free_candidate(&s.open[i]);
    free(s.open);
    if (status == KERF_OK || (status == KERF_E_TIME_LIMIT && s.n_found > 0)) {
        free(s.found[0]);
        memmove(s.found, s.found + 1, (s.n_found - 1) * sizeof *s.found);
        *others = s.found;
        *n_others = s.n_found - 1;
        return status;
    }
    for (size_t i = 0; i < s.n_found; i++)
        free(s.found[i]);
    free(s.found);
    if (status == KERF_E_NOMEM)
        kerf_fail(err, status, NULL, "out of memory while looking for alternatives");
    return status;
}
