#include "planner/explain.h"

#include "base/error.h"
#include "base/memory.h"
#include "kerf/units.h"
#include "planner/solve/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOWEST_BPS 1.0 /* rates beyond these are never asked for */
#define FASTEST_BPS 1e13
#define SAME        1e-9 /* relative difference below which two costs are the same */
#define MAX_STEPS   200  /* a break-even search that takes longer is given up: never seen */

/* A deadline that has passed, or a caller who wants no more. */
static bool out_of_time(const cut_options *o)
{
    return (o->deadline_s > 0 && cut_clock_s() >= o->deadline_s) ||
           (o->progress && !o->progress(o->progress_context, "explanation", INFINITY, 0));
}

kerf_status explain_solve(const cut_problem *problem, kerf_solver solver,
                          const cut_options *options, cut_solution *solution, kerf_error *err)
{
    const kerf_status status = cut_solve(problem, solver, options, solution, err);
    if (status != KERF_OK || solution->gap <= CUT_GAP || !out_of_time(options))
        return status;
    cut_solution_clear(solution);
    return kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "no time is left");
}

/* --- break-even --- */

/* A placement in one of the problems. */
typedef struct contender {
    size_t problem;
    uint8_t *x;
} contender;

typedef struct rate_search {
    cut_problem *problems; /* copies whose link is ours; the first is the answer's */
    size_t n;
    kerf_link link;
    kerf_solver solver;
    const cut_options *options;
    const uint8_t *x;
    /* By problem: no placement is better at any rate up to floor_bps, since nothing gets dearer
     * with the rate. */
    double *floor;
    double floor_bps;
} rate_search;

/* Cost of a placement at a rate; INFINITY where it breaks a limit. Memory is looked at only for its
 * limit: it takes by far the longest of all parts. */
static double cost_at(rate_search *s, size_t problem, const uint8_t *x, double rate_bps)
{
    cut_value value;
    s->link.rate_bps[KERF_UPLINK] = rate_bps;
    if (s->problems[problem].limits.memory_bytes > 0)
        cut_evaluate(&s->problems[problem], x, &value);
    else
        cut_evaluate_costs(&s->problems[problem], x, &value);
    return value.violation > SAME ? INFINITY : value.objective;
}

static bool better(double challenger, double cost)
{
    return challenger < cost && (isinf(cost) || challenger < cost - SAME * fabs(cost));
}

/* Solves one problem at the rate that is set; whoever beats *mark takes its place. */
static kerf_status challenge_in(rate_search *s, size_t problem, double *mark, contender *best,
                                bool *feasible, kerf_error *err)
{
    cut_solution solution = {0};
    kerf_error local = {0};
    const double rate_bps = s->link.rate_bps[KERF_UPLINK];
    if (rate_bps <= s->floor_bps && !better(s->floor[problem], *mark))
        return KERF_OK;
    cut_options options = *s->options;
    options.start = problem == 0 ? s->x : NULL;
    const kerf_status status =
        explain_solve(&s->problems[problem], s->solver, &options, &solution, &local);
    if (rate_bps >= s->floor_bps && status == KERF_E_INFEASIBLE)
        s->floor[problem] = INFINITY;
    if (status == KERF_E_INFEASIBLE)
        return KERF_OK;
    if (status != KERF_OK) {
        if (err)
            *err = local;
        return status;
    }
    if (rate_bps >= s->floor_bps)
        s->floor[problem] = solution.bound;
    *feasible = true;
    if (better(solution.objective, *mark)) {
        *mark = solution.objective;
        free(best->x);
        *best = (contender){problem, solution.x};
        solution.x = NULL;
    }
    cut_solution_clear(&solution);
    return KERF_OK;
}

/* The best placement at a rate; challenger->x is NULL if x is (still) it, or if nothing is feasible
 * there. *holds tells whether x is as good as any. */
static kerf_status challenge(rate_search *s, double rate_bps, contender *challenger, bool *holds,
                             kerf_error *err)
{
    const double mine = cost_at(s, 0, s->x, rate_bps);
    double mark = mine;
    bool feasible = false;
    contender best = {0, NULL};
    for (size_t i = 0; i < s->n; i++) {
        const kerf_status status = challenge_in(s, i, &mark, &best, &feasible, err);
        if (status != KERF_OK) {
            free(best.x);
            return status;
        }
    }
    *holds = feasible ? !best.x : isfinite(mine);
    s->floor_bps = fmax(s->floor_bps, rate_bps);
    *challenger = best;
    return KERF_OK;
}

/* Rate between `good`, where x is no worse than the challenger, and `bad`, where it is worse (or
 * infeasible: no challenger), by bisection on the logarithm. */
static double crossing(rate_search *s, const contender *challenger, double good, double bad)
{
    for (int i = 0; i < 200 && fabs(good - bad) > 1e-12 * good; i++) {
        const double middle = sqrt(good) * sqrt(bad);
        const double mine = cost_at(s, 0, s->x, middle);
        const bool worse = challenger->x
                               ? cost_at(s, challenger->problem, challenger->x, middle) < mine
                               : isinf(mine);
        if (worse)
            bad = middle;
        else
            good = middle;
    }
    return bad;
}

/* Costs that are products (edp), or in power modes that wait at different powers, can change order
 * twice; and a limit on latency or energy can let in what is better only up to a higher rate, or
 * shut out what is better only below it. So look in between as well. */
static bool may_change_twice(const rate_search *s)
{
    const kerf_limits *limits = &s->problems[0].limits;
    return s->problems[0].objective == KERF_OBJ_EDP || s->n > 1 || limits->deadline_s > 0 ||
           limits->energy_J > 0;
}

static kerf_status look_between(rate_search *s, double from, double to, double *far,
                                contender *challenger, bool *holds, kerf_error *err)
{
    const int points = may_change_twice(s) ? 16 : 0;
    for (int i = 1; i < points; i++) {
        const double rate = from * pow(to / from, (double)i / points);
        const kerf_status status = challenge(s, rate, challenger, holds, err);
        if (status != KERF_OK || !*holds) {
            *far = rate;
            return status;
        }
    }
    return KERF_OK;
}

/* Walks from the far end towards the present rate: whatever beats x there is met where it first
 * equals x, and asked again from there (Newton's method on the lower envelope). */
static kerf_status find_border(rate_search *s, double present, double end, double never,
                               double *border, kerf_error *err)
{
    double far = end;
    for (int step = 0; step < MAX_STEPS; step++) {
        contender challenger = {0, NULL};
        bool holds = true;
        kerf_status status = challenge(s, far, &challenger, &holds, err);
        if (status == KERF_OK && holds)
            status = look_between(s, present, far, &far, &challenger, &holds, err);
        if (status != KERF_OK)
            return status;
        if (holds) {
            *border = far == end ? never : far;
            return KERF_OK;
        }
        const double next = crossing(s, &challenger, present, far);
        free(challenger.x);
        if (fabs(next - far) <= 1e-10 * far || fabs(next - present) <= 1e-10 * present) {
            *border = next;
            return KERF_OK;
        }
        /* At the crossing itself the challenger is as good as x; one step back x holds if nothing
         * else beats it. */
        far = next * (far > present ? 1 - 1e-11 : 1 + 1e-11);
    }
    return kerf_fail(err, KERF_E_INTERNAL, "break-even", "did not converge in %d steps", MAX_STEPS);
}

kerf_status explain_break_even(const cut_problem *const *problems, const double *bounds, size_t n,
                               kerf_solver solver, const cut_options *options, const uint8_t *x,
                               double *below_bps, double *above_bps, kerf_error *err)
{
    cut_options plain = *options;
    plain.top = 0;
    rate_search s = {.problems = kerf_calloc(n, sizeof *s.problems),
                     .n = n,
                     .link = *problems[0]->link,
                     .solver = solver,
                     .options = &plain,
                     .x = x};
    s.floor = kerf_calloc(n, sizeof *s.floor);
    if (!s.problems || !s.floor) {
        free(s.problems);
        free(s.floor);
        return kerf_fail(err, KERF_E_NOMEM, NULL,
                         "out of memory while looking for break-even rates");
    }
    for (size_t i = 0; i < n; i++) {
        s.problems[i] = *problems[i];
        s.problems[i].link = &s.link;
        s.floor[i] = bounds ? bounds[i] : 0;
    }
    const double present = s.link.rate_bps[KERF_UPLINK];
    s.floor_bps = present;
    double below = 0, above = INFINITY;
    kerf_status status = find_border(&s, present, fmin(present, SLOWEST_BPS), 0, &below, err);
    if (status == KERF_OK)
        status = find_border(&s, present, fmax(present, FASTEST_BPS), INFINITY, &above, err);
    free(s.problems);
    free(s.floor);
    if (status != KERF_OK)
        return status;
    *below_bps = below;
    *above_bps = above;
    return KERF_OK;
}

/* --- limits --- */

typedef enum limit { DEADLINE, ENERGY, MEMORY, BYTES, OPERATORS, ACCURACY, LIMITS } limit;

static const struct {
    const char *name;
    const char *verb; /* of the closest placement */
    kerf_quantity kind;
} limit_style[LIMITS] = {
    [DEADLINE] = {"deadline", "takes", KERF_TIME},
    [ENERGY] = {"energy-budget", "costs", KERF_ENERGY},
    [MEMORY] = {"device-memory", "needs", KERF_SIZE},
    [BYTES] = {"max-bytes", "sends", KERF_SIZE},
    [OPERATORS] = {"min-device-operators", "has", KERF_SIZE},
    [ACCURACY] = {"min-accuracy", "reaches", KERF_SIZE},
};

/* What is asked for; 0: nothing. */
static double asked_for(const kerf_limits *l, limit which)
{
    const double asked[LIMITS] = {
        l->deadline_s,  l->energy_J, l->memory_bytes, l->max_bytes, (double)l->min_device_operators,
        l->min_accuracy};
    return asked[which];
}

static double reached(const cut_value *v, limit which)
{
    const double value[LIMITS] = {
        v->latency_s, v->energy_J, v->memory_bytes, v->up_bytes, (double)v->device_operators,
        v->accuracy};
    return value[which];
}

static void drop_limit(kerf_limits *l, limit which)
{
    double *const quantities[LIMITS] = {&l->deadline_s, &l->energy_J, &l->memory_bytes,
                                        &l->max_bytes,  NULL,         &l->min_accuracy};
    if (which == OPERATORS)
        l->min_device_operators = 0;
    else
        *quantities[which] = 0;
}

static bool breaks_limit(const kerf_limits *l, const cut_value *value, limit which)
{
    const double asked = asked_for(l, which), got = reached(value, which);
    if (asked <= 0)
        return false;
    if (which == ACCURACY)
        return !(got >= asked * (1 - SAME));
    return which == OPERATORS ? got < asked : got > asked * (1 + SAME);
}

size_t explain_broken(const kerf_limits *limits, const cut_value *value, const char *names[8])
{
    size_t n = 0;
    for (int which = 0; which < LIMITS; which++)
        if (breaks_limit(limits, value, (limit)which))
            names[n++] = limit_style[which].name;
    return n;
}

/* Takes the optimum without limits of one problem; where it is better than those before, notes
 * which limits it would break. */
static kerf_status unlimited_optimum(const cut_problem *problem, const cut_options *options,
                                     double *least, bool breaks[LIMITS], kerf_error *err)
{
    cut_problem unlimited = *problem;
    unlimited.limits = (kerf_limits){0};
    cut_solution best = {0};
    const kerf_status status = explain_solve(&unlimited, KERF_SOLVER_AUTO, options, &best, err);
    if (status != KERF_OK)
        return status;
    if (best.objective < *least) {
        cut_value value;
        cut_evaluate(problem, best.x, &value);
        *least = best.objective;
        for (int which = 0; which < LIMITS; which++)
            breaks[which] = breaks_limit(&problem->limits, &value, (limit)which);
    }
    cut_solution_clear(&best);
    return KERF_OK;
}

kerf_status explain_binding(const cut_problem *const *problems, size_t n, double objective,
                            const cut_options *options, const char *names[8], size_t *n_names,
                            kerf_error *err)
{
    *n_names = 0;
    if (!cut_has_limits(problems[0]))
        return KERF_OK;
    cut_options plain = *options;
    plain.top = 0;
    double least = INFINITY;
    bool breaks[LIMITS] = {false};
    for (size_t i = 0; i < n; i++) {
        const kerf_status status = unlimited_optimum(problems[i], &plain, &least, breaks, err);
        if (status != KERF_OK)
            return status;
    }
    const bool costs = better(least, objective);
    for (int which = 0; which < LIMITS; which++)
        if (costs && breaks[which])
            names[(*n_names)++] = limit_style[which].name;
    return KERF_OK;
}

/* Whether any of n problems, all with these limits, has a feasible placement. */
static kerf_status any_feasible(const explain_case *c, const kerf_limits *limits, bool *feasible,
                                kerf_error *err)
{
    *feasible = false;
    for (size_t i = 0; i < c->n && !*feasible; i++) {
        cut_value any;
        double violation;
        kerf_error local = {0};
        const kerf_status status = c->solve(c, i, limits, false, &any, &violation, &local);
        *feasible = status == KERF_OK;
        if (status != KERF_OK && status != KERF_E_INFEASIBLE) {
            if (err)
                *err = local;
            return status;
        }
    }
    return KERF_OK;
}

static bool is_empty(const kerf_limits *limits)
{
    const cut_problem problem = {.limits = *limits};
    return !cut_has_limits(&problem);
}

/* Drops every limit without which the problems stay infeasible: what is left clashes. */
static kerf_status smallest_clash(const explain_case *c, kerf_limits *limits, kerf_error *err)
{
    for (int which = 0; which < LIMITS; which++) {
        if (asked_for(limits, (limit)which) <= 0)
            continue;
        kerf_limits without = *limits;
        drop_limit(&without, (limit)which);
        if (is_empty(&without))
            continue; /* pins alone leave something: they were checked before */
        bool feasible;
        const kerf_status status = any_feasible(c, &without, &feasible, err);
        if (status != KERF_OK)
            return status;
        if (!feasible)
            *limits = without;
    }
    return KERF_OK;
}

/* The placement that is least off the limits, in any of the problems, and which that is. */
static kerf_status find_nearest(const explain_case *c, const kerf_limits *limits, cut_value *value,
                                size_t *where, kerf_error *err)
{
    double least = INFINITY;
    for (size_t i = 0; i < c->n; i++) {
        cut_value nearest;
        double violation;
        const kerf_status status = c->solve(c, i, limits, true, &nearest, &violation, err);
        if (status != KERF_OK)
            return status;
        if (i == 0 || violation < least) {
            least = violation;
            *value = nearest;
            *where = i;
        }
    }
    return KERF_OK;
}

static void format_limit(limit which, double value, char *text, size_t size)
{
    if (which == OPERATORS || which == ACCURACY)
        snprintf(text, size, which == OPERATORS ? "%.0f" : "%.4g", value);
    else
        kerf_format_quantity(value, limit_style[which].kind, 4, text, size);
}

/* "deadline 5 ms" and "takes 12.3 ms (146 % over)", joined to what is there by "and". */
static void describe_clash(const kerf_limits *asked_limits, const cut_value *v, char *limits,
                           char *closest, size_t size)
{
    for (int i = 0; i < LIMITS; i++) {
        const limit which = (limit)i;
        const double asked = asked_for(asked_limits, which), got = reached(v, which);
        if (asked <= 0)
            continue;
        char a[32], g[32], off[48] = "";
        format_limit(which, asked, a, sizeof a);
        format_limit(which, got, g, sizeof g);
        const double percent = 100 * fabs(got / asked - 1);
        if (breaks_limit(asked_limits, v, which))
            snprintf(off, sizeof off, percent < 1000 ? " (%.3g %% %s)" : " (%.0f %% %s)", percent,
                     got > asked ? "over" : "short");
        const size_t l = strlen(limits), c = strlen(closest);
        snprintf(limits + l, size - l, "%s%s %s", l ? " and " : "", limit_style[i].name, a);
        snprintf(closest + c, size - c, "%s%s %s%s", c ? " and " : "", limit_style[i].verb, g, off);
    }
}

static kerf_status fail_without_nearest(const kerf_limits *clash, bool minimal, kerf_error *err)
{
    const cut_value nothing = {.latency_s = 0};
    char limits[256] = "", unused[256] = "";
    describe_clash(clash, &nothing, limits, unused, sizeof limits);
    return kerf_fail(err, KERF_E_INFEASIBLE, NULL,
                     "no placement keeps %s; no time was left to find %sthe closest one", limits,
                     minimal ? "" : "out which of them clash, and ");
}

kerf_status explain_clash(const explain_case *c, const kerf_limits *limits, kerf_error *err)
{
    kerf_limits clash = *limits;
    cut_value value = {.latency_s = 0};
    size_t where = 0;
    kerf_status status = smallest_clash(c, &clash, err);
    const bool minimal = status == KERF_OK;
    if (status == KERF_OK)
        status = find_nearest(c, &clash, &value, &where, err);
    if (status == KERF_E_TIME_LIMIT) {
        kerf_error_clear(err);
        return fail_without_nearest(&clash, minimal, err);
    }
    if (status != KERF_OK)
        return status;
    char texts[256] = "", closest[256] = "";
    describe_clash(&clash, &value, texts, closest, sizeof texts);
    const bool several = c->n > 1;
    return kerf_fail(err, KERF_E_INFEASIBLE, NULL,
                     "no placement keeps %s; the closest one%s%s%s %s", texts, several ? ", " : "",
                     several ? c->labels[where] : "", several ? "," : "", closest);
}

/* Of cut problems: the context is their list. */
static kerf_status solve_case(const explain_case *c, size_t i, const kerf_limits *limits,
                              bool closest, cut_value *value, double *violation, kerf_error *err)
{
    const cut_problem *const *problems = c->context;
    cut_problem problem = *problems[i];
    problem.limits = *limits;
    cut_options options = *c->options;
    options.top = 0;
    options.minimise_violation = closest;
    cut_solution found = {0};
    const kerf_status status =
        closest ? explain_solve(&problem, KERF_SOLVER_AUTO, &options, &found, err)
                : cut_solve(&problem, KERF_SOLVER_AUTO, &options, &found, err);
    if (status == KERF_OK) {
        cut_evaluate(&problem, found.x, value);
        *violation = found.objective;
    }
    cut_solution_clear(&found);
    return status;
}

kerf_status explain_infeasible(const cut_problem *const *problems, const char *const *labels,
                               size_t n, const cut_options *options, kerf_error *err)
{
    const explain_case c = {solve_case, problems, labels, n, options};
    return explain_clash(&c, &problems[0]->limits, err);
}
