/* The points of a front, choice by choice.
 *
 * Few placements are all looked at. Of many, the supported points come from minimum cuts: weighted
 * sums of energy and latency, the next weights always those of the chord between two neighbours
 * (Aneja & Nair 1979). Each sum is a line below which there is nothing. The others are found by
 * walking down in latency: the least energy within a latency (Haimes, Lasdon & Wismer 1971) is the
 * energy of the next point, whose latency, less a hair, is the next limit; where points found
 * before are as good, the walk goes on from theirs. Each step is a box in which there is nothing;
 * one that the lines already prove to be empty needs no solving. The walk has ended when nothing
 * keeps the limit. */
#include "planner/pareto/pareto.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/exhaustive.h"
#include "planner/solve/sum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW        200000 /* placements that are looked at one by one */
#define MOST_LINES 100000
#define ON_CHORD   1e-10 /* relative: a bound so close to a chord leaves nothing below it */

static size_t count_points(const pareto_archive *archive)
{
    size_t n = 0;
    for (size_t i = 0; i < archive->n; i++)
        n += archive->levels[i].n;
    return n;
}

static bool goes_on(const pareto_search *s)
{
    char what[48];
    snprintf(what, sizeof what, "front, %zu points so far", count_points(&s->archive));
    return s->options.progress(s->options.progress_context, what, NAN, NAN);
}

static bool stopped(void *context)
{
    pareto_search *s = context;
    const cut_options *o = &s->options;
    if (!s->stopped && !s->out_of_memory)
        s->stopped =
            (o->deadline_s > 0 && cut_clock_s() > o->deadline_s) || (o->progress && !goes_on(s));
    return s->stopped || s->out_of_memory;
}

static const cut_problem *problem_at(const pareto_search *s)
{
    return &s->choices->list[s->at].binding.problem;
}

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a Pareto front");
}

/* Takes a placement that keeps the limits into the archive; its memory may not be known yet. */
static void offer(pareto_search *s, const uint8_t *x, const cut_value *value)
{
    const cut_problem *p = problem_at(s);
    s->examined++;
    if (value->violation > 0)
        return;
    if (p->limits.memory_bytes > 0) {
        cut_value whole = *value;
        whole.memory_bytes = cut_memory_bytes(p, x);
        cut_combine(p, &whole);
        if (whole.violation > 0)
            return;
    }
    if (!pareto_offer(&s->archive, s->at, p->n, x, value))
        s->out_of_memory = true;
}

static kerf_status add_fact(pareto_search *s, pareto_fact fact, kerf_error *err)
{
    pareto_facts *facts = &s->facts[s->at];
    if (kerf_reserve(&facts->list, &facts->capacity, facts->n + 1, SIZE_MAX / 2,
                     sizeof *facts->list) != 0)
        return no_memory(err);
    facts->list[facts->n++] = fact;
    return KERF_OK;
}

/* --- enumeration --- */

static bool visit(void *context, const uint8_t *x, const cut_value *value)
{
    pareto_search *s = context;
    offer(s, x, value);
    return !s->out_of_memory;
}

static kerf_status enumerate(pareto_search *s, bool *too_many, kerf_error *err)
{
    bool ended = false;
    cut_options options = s->options;
    kerf_error local = {0};
    options.max_ideals = s->solver == KERF_SOLVER_EXHAUSTIVE ? 0 : FEW;
    if (options.deadline_s > 0)
        options.time_limit_s = fmax(options.deadline_s - cut_clock_s(), 1e-9);
    kerf_status status = cut_visit_placements(problem_at(s), &options, visit, s, &ended, &local);
    *too_many = status == KERF_E_TOO_LARGE && s->solver != KERF_SOLVER_EXHAUSTIVE;
    if (s->out_of_memory)
        return no_memory(err);
    if (status == KERF_OK) {
        s->facts[s->at].complete = s->facts[s->at].enumerated = !ended;
        s->stopped = s->stopped || ended;
    } else if (!*too_many && status != KERF_E_INFEASIBLE) {
        if (err)
            *err = local;
        return status;
    }
    if (status == KERF_E_INFEASIBLE)
        s->facts[s->at].complete = true;
    return KERF_OK;
}

/* --- weighted sums --- */

static void visit_sum(void *context, const uint8_t *x, const cut_value *value)
{
    offer(context, x, value);
}

typedef struct corner {
    double energy_J, latency_s;
} corner;

/* Minimises energy * E + latency * T: notes the line, says where its minimum is. */
static kerf_status ask(pareto_search *s, cut_sum *sum, double energy, double latency, corner *at,
                       double *bound, kerf_error *err)
{
    cut_sum_answer answer;
    const cut_mix mix = {.weights = {.energy = energy, .latency = latency}};
    kerf_status status = cut_sum_minimise(sum, &mix, &answer, err);
    if (status != KERF_OK)
        return status;
    if (s->out_of_memory)
        return no_memory(err);
    *bound = answer.bound;
    *at = (corner){answer.value.energy_J, answer.value.latency_s};
    if (!isfinite(answer.least))
        return KERF_OK;
    return add_fact(s, (pareto_fact){true, energy, latency, answer.bound}, err);
}

/* Splits chords until each is an edge of the hull. The stack holds the corners to the right. */
static kerf_status walk_hull(pareto_search *s, cut_sum *sum, corner left, corner right,
                             kerf_error *err)
{
    corner *stack = NULL;
    size_t n = 0, capacity = 0, lines = 0;
    kerf_status status = KERF_OK;
    while (status == KERF_OK && !stopped(s) && lines < MOST_LINES) {
        double energy = left.latency_s - right.latency_s, latency = right.energy_J - left.energy_J;
        corner middle = left;
        double bound = 0, chord = energy * left.energy_J + latency * left.latency_s;
        bool edge = !(energy > 0 && latency > 0) || !isnormal(energy * latency);
        if (!edge) {
            lines++;
            status = ask(s, sum, energy, latency, &middle, &bound, err);
            double found = energy * middle.energy_J + latency * middle.latency_s;
            edge = found >= chord * (1 - ON_CHORD) || middle.energy_J <= left.energy_J ||
                   middle.energy_J >= right.energy_J;
        }
        if (status == KERF_OK && !edge) {
            if (kerf_reserve(&stack, &capacity, n + 1, SIZE_MAX / 2, sizeof *stack) != 0)
                status = no_memory(err);
            else
                stack[n++] = right;
            right = middle;
        } else if (n == 0) {
            break;
        } else {
            left = right;
            right = stack[--n];
        }
    }
    free(stack);
    return status;
}

/* From the ends of the hull inwards. */
static kerf_status find_supported(pareto_search *s, cut_sum *sum, const void *unused,
                                  kerf_error *err)
{
    corner left = {0, 0}, right = {0, 0};
    double bound;
    (void)unused;
    kerf_status status = ask(s, sum, 1, 0, &left, &bound, err);
    if (status == KERF_OK && !stopped(s))
        status = ask(s, sum, 0, 1, &right, &bound, err);
    if (status == KERF_OK && !stopped(s))
        status = walk_hull(s, sum, left, right, err);
    return status;
}

/* Points to be asked about, in all choices. */
typedef struct corner_list {
    corner *list;
    size_t n;
} corner_list;

/* At each corner of a hull, the weights of the chord over it; at the ends, an edge's, tilted. */
static kerf_status ask_corners(pareto_search *s, cut_sum *sum, const void *context, kerf_error *err)
{
    const corner_list *corners = context;
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < corners->n && !stopped(s); i++) {
        const corner *a = &corners->list[i > 0 ? i - 1 : i];
        const corner *b = &corners->list[i + 1 < corners->n ? i + 1 : i];
        double energy = a->latency_s - b->latency_s, latency = b->energy_J - a->energy_J, bound;
        corner at;
        if (corners->n == 1) { /* both shares alike */
            energy = a->latency_s;
            latency = a->energy_J;
        }
        energy *= i == 0 ? 2 : 1;
        latency *= i + 1 == corners->n ? 2 : 1;
        if (energy > 0 && latency > 0 && isnormal(energy * latency))
            status = ask(s, sum, energy, latency, &at, &bound, err);
    }
    return status;
}

/* Does work with weighted sums of the choice at hand, if minimum cuts can express it. */
typedef kerf_status sum_work(pareto_search *s, cut_sum *sum, const void *context, kerf_error *err);

static kerf_status with_sums(pareto_search *s, sum_work *work, const void *context, kerf_error *err)
{
    const cut_problem *p = problem_at(s);
    const cut_sum_host host = {visit_sum, stopped, s};
    cut_problem unlimited = *p;
    cut_dag dag = {0};
    cut_sum *sum = NULL;
    kerf_error local = {0};
    unlimited.limits = (kerf_limits){.deadline_s = 0};
    unlimited.objective = KERF_OBJ_EDP; /* any weights of energy and latency */
    if (!cut_mincut_can(&unlimited))
        return KERF_OK;
    uint8_t *side = kerf_calloc(p->n, 1);
    kerf_status status = side ? cut_dag_create(p, &dag, &local) : no_memory(&local);
    if (status == KERF_OK)
        status = cut_dag_force(p, &dag, side, &local);
    const bool nothing = status == KERF_E_INFEASIBLE; /* the pins leave nothing */
    if (status == KERF_OK) /* with its limits, so that what is visited says whether it keeps them */
        status = cut_sum_create(p, &dag, side, false, &host, &sum, &local);
    if (status == KERF_OK)
        status = work(s, sum, context, &local);
    cut_sum_destroy(&sum);
    cut_dag_clear(&dag);
    free(side);
    if (nothing) {
        s->facts[s->at].complete = true;
        return KERF_OK;
    }
    if (status != KERF_OK && err)
        *err = local;
    return status;
}

static int by_energy(const void *a, const void *b)
{
    const corner *x = a, *y = b;
    if (x->energy_J != y->energy_J)
        return x->energy_J < y->energy_J ? -1 : 1;
    return (x->latency_s > y->latency_s) - (x->latency_s < y->latency_s);
}

/* The corners of the lower hull of all points, whatever their accuracy. */
static kerf_status find_corners(const pareto_search *s, corner_list *corners, kerf_error *err)
{
    size_t n = 0, top = 0;
    corner *list = kerf_calloc(count_points(&s->archive), sizeof *list);
    if (!list)
        return no_memory(err);
    for (size_t i = 0; i < s->archive.n; i++)
        for (size_t k = 0; k < s->archive.levels[i].n; k++)
            list[n++] = (corner){s->archive.levels[i].points[k].energy_J,
                                 s->archive.levels[i].points[k].latency_s};
    if (n > 1)
        qsort(list, n, sizeof *list, by_energy);
    for (size_t i = 0; i < n; i++) {
        if (top > 0 && list[i].latency_s >= list[top - 1].latency_s)
            continue;
        while (top > 1 && (list[top - 1].energy_J - list[top - 2].energy_J) *
                                  (list[i].latency_s - list[top - 2].latency_s) <=
                              (list[top - 1].latency_s - list[top - 2].latency_s) *
                                  (list[i].energy_J - list[top - 2].energy_J))
            top--;
        list[top++] = list[i];
    }
    *corners = (corner_list){list, top};
    return KERF_OK;
}

/* Where there are several choices, the lines of each at the corners of the hull of all: they prove
 * of these, before any walk, that no choice beats them. */
static kerf_status confirm_supported(pareto_search *s, kerf_error *err)
{
    corner_list corners = {NULL, 0};
    if (s->choices->n < 2 || stopped(s))
        return KERF_OK;
    kerf_status status = find_corners(s, &corners, err);
    for (s->at = 0; status == KERF_OK && s->at < s->choices->n && !stopped(s); s->at++)
        if (!s->facts[s->at].complete)
            status = with_sums(s, ask_corners, &corners, err);
    free(corners.list);
    return status;
}

/* --- the least energy within a latency --- */

/* What the lines alone say of that. */
static double line_bound(const pareto_facts *facts, double latency_s)
{
    double most = 0;
    for (size_t i = 0; i < facts->n; i++) {
        const pareto_fact *f = &facts->list[i];
        if (f->is_line && f->energy > 0)
            most = fmax(most, (f->bound - f->latency * latency_s) / f->energy);
    }
    return most;
}

/* One step of the walk: bound of the energy of whatever keeps `latency_s` (INFINITY: nothing does),
 * and of the placement found the latency. */
static kerf_status step(pareto_search *s, double latency_s, double *bound, double *found_s,
                        kerf_error *err)
{
    cut_problem problem = *problem_at(s);
    cut_options options = s->options;
    cut_solution solution = {0};
    cut_value value;
    kerf_error local = {0};
    problem.objective = KERF_OBJ_ENERGY;
    if (isfinite(latency_s))
        problem.limits.deadline_s =
            problem.limits.deadline_s > 0 ? fmin(problem.limits.deadline_s, latency_s) : latency_s;
    *found_s = latency_s;
    kerf_status status = cut_solve(&problem, KERF_SOLVER_MILP, &options, &solution, &local);
    if (status == KERF_E_INFEASIBLE) {
        *bound = INFINITY;
        return KERF_OK;
    }
    if (status == KERF_E_TIME_LIMIT) {
        s->stopped = true;
        *bound = 0;
        return KERF_OK;
    }
    if (status != KERF_OK) {
        if (err)
            *err = local;
        return status;
    }
    cut_evaluate(problem_at(s), solution.x, &value);
    offer(s, solution.x, &value);
    s->examined += solution.examined;
    *bound = solution.bound;
    *found_s = value.latency_s;
    if (solution.gap > CUT_GAP)
        s->stopped = true;
    cut_solution_clear(&solution);
    return s->out_of_memory ? no_memory(err) : KERF_OK;
}

static kerf_status walk_down(pareto_search *s, kerf_error *err)
{
    pareto_facts *facts = &s->facts[s->at];
    const double accuracy = cut_accuracy(problem_at(s), true); /* no placement has less */
    double latency_s = INFINITY;
    while (!stopped(s)) {
        double bound = isfinite(latency_s) ? line_bound(facts, latency_s) : 0;
        double known = pareto_least_energy(&s->archive, accuracy, latency_s), found_s = latency_s;
        kerf_status status = KERF_OK;
        if (!(bound >= known * (1 - ON_CHORD)))
            status = step(s, latency_s, &bound, &found_s, err);
        if (status == KERF_OK)
            status = add_fact(s, (pareto_fact){false, 0, latency_s, bound}, err);
        if (status != KERF_OK || s->stopped)
            return status;
        /* Whatever has no less energy and no less latency than a point found is not wanted. */
        double next = fmin(found_s, pareto_least_latency(&s->archive, accuracy, bound));
        if (isinf(bound) || next <= 0) {
            facts->complete = true;
            return KERF_OK;
        }
        latency_s = fmin(next, latency_s) * (1 - PARETO_STEP);
    }
    return KERF_OK;
}

/* --- all choices --- */

/* All on the device: the one placement that an encoding takes no accuracy from. */
static kerf_status offer_device(pareto_search *s, kerf_error *err)
{
    const cut_problem *p = problem_at(s);
    cut_value value;
    uint8_t *x = kerf_calloc(p->n, 1);
    if (!x)
        return no_memory(err);
    cut_evaluate(p, x, &value);
    if (cut_is_legal(p, x))
        offer(s, x, &value);
    s->facts[s->at].begun = true;
    free(x);
    return s->out_of_memory ? no_memory(err) : KERF_OK;
}

kerf_status pareto_find(pareto_search *s, kerf_error *err)
{
    kerf_status status = KERF_OK;
    s->facts = kerf_calloc(s->choices->n, sizeof *s->facts);
    if (!s->facts)
        return no_memory(err);
    for (s->at = 0; status == KERF_OK && s->at < s->choices->n && !stopped(s); s->at++) {
        bool too_many = true;
        status = offer_device(s, err);
        if (status == KERF_OK && s->solver != KERF_SOLVER_MILP && s->solver != KERF_SOLVER_MINCUT)
            status = enumerate(s, &too_many, err);
        if (status == KERF_OK && !s->facts[s->at].complete && too_many)
            status = with_sums(s, find_supported, NULL, err);
    }
    if (status == KERF_OK)
        status = confirm_supported(s, err);
    const bool walk = s->solver != KERF_SOLVER_MINCUT;
    for (s->at = 0; walk && status == KERF_OK && s->at < s->choices->n && !stopped(s); s->at++)
        if (!s->facts[s->at].complete)
            status = walk_down(s, err);
    if (s->out_of_memory)
        return no_memory(err);
    pareto_reduce(&s->archive);
    return status;
}

void pareto_search_clear(pareto_search *s)
{
    for (size_t i = 0; s->facts && i < s->choices->n; i++)
        free(s->facts[i].list);
    free(s->facts);
    pareto_archive_clear(&s->archive);
}

bool pareto_is_unbeaten(const pareto_facts *facts, double energy_J, double latency_s,
                        kerf_solver *by)
{
    bool no_less_energy = false, no_less_latency = false;
    *by = facts->enumerated ? KERF_SOLVER_EXHAUSTIVE : KERF_SOLVER_MILP;
    if (facts->enumerated)
        return true;
    for (size_t i = 0; i < facts->n; i++) {
        const pareto_fact *f = &facts->list[i];
        if (f->is_line) { /* and steep enough either way for any difference to show */
            const double energy = f->energy * energy_J, latency = f->latency * latency_s;
            if (energy + latency - f->bound <= 0.5 * PARETO_SAME * fmin(energy, latency)) {
                *by = KERF_SOLVER_MINCUT;
                return true;
            }
            continue;
        }
        no_less_energy =
            no_less_energy || (f->latency >= latency_s && f->bound >= energy_J * (1 - PARETO_SAME));
        no_less_latency = no_less_latency || (f->latency >= latency_s * (1 - PARETO_SAME) &&
                                              f->bound > energy_J * (1 + PARETO_SAME));
    }
    return facts->complete || (no_less_energy && no_less_latency);
}
