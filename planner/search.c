#include "planner/search.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/explain.h"
#include "planner/solve/clock.h"

#include <math.h>
#include <stdlib.h>

/* --- the caller's word and time --- */

/* Asks the caller; who has said stop once is not asked again. */
static bool go_on(void *context, const char *what, double best, double bound)
{
    plan_search *s = context;
    const kerf_question *q = s->question;
    s->stopped = s->stopped || !q->progress(q->progress_context, what, best, bound);
    return !s->stopped;
}

/* For all that a question takes, its search and its explanation. */
static cut_options options_of(plan_search *s, double start)
{
    const kerf_question *q = s->question;
    return (cut_options){.deadline_s = q->time_limit_s > 0 ? start + q->time_limit_s : 0,
                         .progress = q->progress ? go_on : NULL,
                         .progress_context = s};
}

/* The options for one of `n` solves to come: an equal share of the time that is left, and at least
 * an instant, so that each finds something. */
static cut_options share_of_time(const plan_search *s, size_t n)
{
    cut_options options = s->options;
    if (options.deadline_s > 0)
        options.time_limit_s = fmax(options.deadline_s - cut_clock_s(), 1e-9) / (double)n;
    options.deadline_s = 0;
    return options;
}

/* --- what is known without solving a choice --- */

static bool at_most(const cut_cost *a, const cut_cost *b)
{
    return a->device_s <= b->device_s && a->device_J <= b->device_J && a->server_s <= b->server_s &&
           a->server_J <= b->server_J;
}

/* True if every placement takes at most as much of everything under a as under b, which are of the
 * same variant and power mode. */
static bool costs_at_most(const cut_problem *a, const cut_problem *b)
{
    if (b->limits.min_accuracy > 0 && !(a->accuracy_loss <= b->accuracy_loss))
        return false;
    for (size_t t = 0; t < a->n_tensors; t++) {
        const cut_tensor *x = &a->tensors[t], *y = &b->tensors[t];
        if (!(x->up_bytes <= y->up_bytes && x->down_bytes <= y->down_bytes &&
              at_most(&x->up_cost, &y->up_cost) && at_most(&x->down_cost, &y->down_cost)))
            return false;
    }
    return true;
}

/* The choice of another encoding that is never worse than choice i and not worse than any other,
 * KERF_NONE if there is none. Of equal ones the first stands for all. */
static size_t leader_of(const plan_search *s, size_t i)
{
    const cut_choice *mine = &s->choices.list[i];
    size_t leader = KERF_NONE;
    for (size_t j = 0; j < s->choices.n; j++) {
        const cut_choice *other = &s->choices.list[j];
        if (j == i || other->variant != mine->variant || other->mode != mine->mode ||
            !costs_at_most(&other->binding.problem, &mine->binding.problem))
            continue;
        if (j > i && costs_at_most(&mine->binding.problem, &other->binding.problem))
            continue;
        const cut_problem *theirs = &other->binding.problem;
        const cut_problem *best =
            leader == KERF_NONE ? NULL : &s->choices.list[leader].binding.problem;
        if (!best || (costs_at_most(theirs, best) && !costs_at_most(best, theirs)))
            leader = j;
    }
    return leader;
}

/* Takes note of an answer of a choice that keeps the limits. */
static void note_answer(plan_prospect *prospect, cut_solution *found)
{
    prospect->bound = found->bound;
    prospect->answer = *found;
    prospect->solved = true;
    *found = (cut_solution){0};
}

static kerf_status pass_on(kerf_status status, const kerf_error *local, kerf_error *err)
{
    if (err)
        *err = *local;
    return status;
}

/* The optimum without limits bounds the one with them, and is it if it keeps them. */
static kerf_status relax(plan_search *s, size_t i, kerf_error *err)
{
    const cut_problem *problem = &s->choices.list[i].binding.problem;
    plan_prospect *prospect = &s->prospects[i];
    const cut_options options = share_of_time(s, 2 * s->choices.n - i);
    cut_problem unlimited = *problem;
    cut_solution found = {0};
    kerf_error local = {0};
    unlimited.limits = (kerf_limits){0};
    if (!cut_mincut_can(&unlimited))
        return KERF_OK;
    const kerf_status status = cut_solve_mincut(&unlimited, &options, &found, &local);
    if (status == KERF_E_INFEASIBLE || status == KERF_E_TIME_LIMIT)
        return KERF_OK; /* of the pins: the solution itself will say so */
    if (status != KERF_OK)
        return pass_on(status, &local, err);
    cut_value value;
    cut_evaluate(problem, found.x, &value);
    prospect->bound = found.bound;
    if (value.violation <= 0 && found.gap <= CUT_GAP)
        note_answer(prospect, &found);
    cut_solution_clear(&found);
    return KERF_OK;
}

/* Bounds are worth their time where minimum cuts find them and there is a choice. */
static kerf_status bound_choices(plan_search *s, kerf_error *err)
{
    if (s->question->solver != KERF_SOLVER_AUTO || s->choices.n < 2)
        return KERF_OK;
    size_t *leader = kerf_calloc(s->choices.n, sizeof *leader);
    kerf_status status = leader ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; leader && i < s->choices.n; i++)
        leader[i] = leader_of(s, i);
    for (size_t i = 0; status == KERF_OK && i < s->choices.n; i++)
        if (leader[i] == KERF_NONE)
            status = relax(s, i, err);
    for (size_t i = 0; status == KERF_OK && i < s->choices.n; i++)
        if (leader[i] != KERF_NONE)
            s->prospects[i].bound = s->prospects[leader[i]].bound;
    free(leader);
    return status;
}

/* --- solving --- */

static kerf_status solve(plan_search *s, size_t i, size_t left, bool *late, kerf_error *err)
{
    plan_prospect *prospect = &s->prospects[i];
    const cut_options options = share_of_time(s, left);
    cut_solution found = {0};
    kerf_error local = {0};
    const kerf_status status = cut_solve(&s->choices.list[i].binding.problem, s->question->solver,
                                         &options, &found, &local);
    if (status == KERF_OK) {
        found.bound = fmax(found.bound, fmin(prospect->bound, found.objective));
        cut_solution_prove(&found, found.objective, found.bound);
        note_answer(prospect, &found);
        return KERF_OK;
    }
    if (status == KERF_E_INFEASIBLE) {
        prospect->solved = true;
        prospect->bound = INFINITY;
        return KERF_OK;
    }
    *late = status == KERF_E_TIME_LIMIT;
    return pass_on(status, &local, err);
}

/* What a choice may at best reach. */
static double promise(const plan_prospect *p)
{
    return p->solved ? (p->answer.x ? p->answer.objective : INFINITY) : p->bound;
}

/* The next choice to look at: the one that promises most, of equals the first. */
static size_t next_choice(const plan_search *s, const bool *left)
{
    size_t next = KERF_NONE;
    for (size_t i = 0; i < s->choices.n; i++)
        if (left[i] &&
            (next == KERF_NONE || promise(&s->prospects[i]) < promise(&s->prospects[next])))
            next = i;
    return next;
}

/* Looks at the choices that are left in the order of their promise until none can be better. */
static kerf_status best_of(plan_search *s, bool *left, size_t n_left, size_t *best, double *bound,
                           kerf_error *err)
{
    kerf_error late = {0};
    bool any_late = false;
    *best = KERF_NONE;
    *bound = INFINITY;
    for (; n_left > 0; n_left--) {
        const size_t i = next_choice(s, left);
        plan_prospect *prospect = &s->prospects[i];
        left[i] = false;
        const double least = *best == KERF_NONE ? INFINITY : s->prospects[*best].answer.objective;
        if (!prospect->solved && prospect->bound <= least) {
            bool out_of_time = false;
            kerf_error local = {0};
            const kerf_status status = solve(s, i, n_left, &out_of_time, &local);
            if (status != KERF_OK && !out_of_time)
                return pass_on(status, &local, err);
            if (out_of_time) {
                any_late = true;
                late = local;
            }
        }
        *bound = fmin(*bound, prospect->bound);
        const double mine = prospect->solved ? promise(prospect) : INFINITY;
        if (isfinite(mine) && (mine < least || (mine <= least && i < *best)))
            *best = i;
    }
    return *best == KERF_NONE && any_late ? pass_on(KERF_E_TIME_LIMIT, &late, err) : KERF_OK;
}

/* No choice has a feasible placement: says which limits clash in all of them. */
static kerf_status fail_infeasible(const plan_search *s, kerf_error *err)
{
    const cut_problem **problems = kerf_calloc(s->choices.n, sizeof *problems);
    const char **labels = kerf_calloc(s->choices.n, sizeof *labels);
    kerf_status status = KERF_E_NOMEM;
    if (problems && labels) {
        for (size_t i = 0; i < s->choices.n; i++) {
            problems[i] = &s->choices.list[i].binding.problem;
            labels[i] = s->choices.list[i].label;
        }
        status = explain_infeasible(problems, labels, s->choices.n, &s->options, err);
    } else {
        kerf_fail(err, status, NULL, "out of memory");
    }
    free(problems);
    free(labels);
    return status;
}

static kerf_status find_best(plan_search *s, kerf_error *err)
{
    double bound = INFINITY;
    bool *left = kerf_calloc(s->choices.n, sizeof *left);
    if (!left)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < s->choices.n; i++)
        left[i] = true;
    kerf_status status = best_of(s, left, s->choices.n, &s->best, &bound, err);
    free(left);
    if (status != KERF_OK)
        return status;
    if (s->best == KERF_NONE)
        return fail_infeasible(s, err);
    s->solution = s->prospects[s->best].answer;
    if (bound < s->solution.bound)
        cut_solution_prove(&s->solution, s->solution.objective, bound);
    return KERF_OK;
}

kerf_status plan_search_run(plan_search *s, const kerf_question *question, double start,
                            kerf_error *err)
{
    *s = (plan_search){.question = question, .best = KERF_NONE};
    s->options = options_of(s, start);
    kerf_status status = cut_choices_bind(question, &s->choices, err);
    if (status != KERF_OK)
        return status;
    s->prospects = kerf_calloc(s->choices.n, sizeof *s->prospects);
    if (!s->prospects)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    status = bound_choices(s, err);
    return status == KERF_OK ? find_best(s, err) : status;
}

kerf_status plan_search_best(plan_search *s, plan_take *take, const void *context, size_t *best,
                             kerf_error *err)
{
    size_t n = 0;
    double bound;
    bool *left = kerf_calloc(s->choices.n, sizeof *left);
    if (!left)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < s->choices.n; i++) {
        left[i] = take(&s->choices.list[i], context);
        n += left[i];
    }
    const kerf_status status = best_of(s, left, n, best, &bound, err);
    free(left);
    return status;
}

void plan_search_clear(plan_search *s)
{
    for (size_t i = 0; s->prospects && i < s->choices.n; i++)
        cut_solution_clear(&s->prospects[i].answer);
    free(s->prospects);
    cut_choices_clear(&s->choices);
    *s = (plan_search){.best = KERF_NONE};
}
