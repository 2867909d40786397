#include "planner/pareto/pareto.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/describe.h"
#include "planner/explain.h"
#include "planner/solve/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGREE 1e-9 /* relative: how far a solver's price may be from the certificate's */

static double known(double accuracy)
{
    return isnan(accuracy) ? -1 : accuracy;
}

typedef struct accuracies {
    double least, most;
    bool any;
} accuracies;

/* Whether accuracy is known and differs between the points that may be had. */
static bool accuracy_differs(const cut_choices *choices)
{
    accuracies a = {INFINITY, -INFINITY, false};
    for (size_t i = 0; i < choices->n; i++) {
        const cut_problem *p = &choices->list[i].binding.problem;
        for (int communicates = p->result_at_server; communicates < 2; communicates++) {
            const double accuracy = cut_accuracy(p, communicates != 0);
            a.any = a.any || !isnan(accuracy);
            a.least = fmin(a.least, known(accuracy));
            a.most = fmax(a.most, known(accuracy));
        }
    }
    return a.any && a.least < a.most;
}

/* --- the points --- */

/* Whether no placement of a choice that is as accurate can beat the point. Where only the one all
 * on the device is, it was offered: the archive has seen to it. */
static bool is_unbeaten_by(const pareto_search *s, size_t choice, const pareto_point *point,
                           double accuracy, kerf_solver *by)
{
    const cut_problem *p = &s->choices->list[choice].binding.problem;
    *by = KERF_SOLVER_EXHAUSTIVE;
    if (known(cut_accuracy(p, p->result_at_server)) < accuracy)
        return true;
    if (known(cut_accuracy(p, true)) < accuracy)
        return s->facts[choice].begun;
    return pareto_is_unbeaten(&s->facts[choice], point->energy_J, point->latency_s, by);
}

static bool is_proven(const pareto_search *s, const pareto_point *point, double accuracy,
                      kerf_solver *solver)
{
    bool proven = true;
    for (size_t i = 0; i < s->choices->n; i++) {
        kerf_solver by;
        proven = is_unbeaten_by(s, i, point, accuracy, &by) && proven;
        if (i == point->choice)
            *solver = by;
    }
    return proven;
}

/* The figures come from the price of the placement; the search's must be the same. */
static kerf_status certify(const pareto_point *point, const kerf_plan_cost *cost, kerf_error *err)
{
    const double pairs[][2] = {{point->energy_J, cost->device_energy_J},
                               {point->latency_s, cost->latency_s}};
    for (size_t i = 0; i < 2; i++)
        if (!(fabs(pairs[i][0] - pairs[i][1]) <= AGREE * fmax(pairs[i][0], pairs[i][1])))
            return kerf_fail(err, KERF_E_INTERNAL, "certificate",
                             "a point of the front claims %.17g for what is priced at %.17g",
                             pairs[i][0], pairs[i][1]);
    return KERF_OK;
}

static kerf_status fill_point(const pareto_search *s, const pareto_point *point, double accuracy,
                              kerf_front_point *out, kerf_error *err)
{
    const cut_choice *choice = &s->choices->list[point->choice];
    kerf_status status = describe_placement(&choice->binding, point->x, &out->plan, err);
    if (status == KERF_OK)
        status = certify(point, &out->plan.cost, err);
    if (status != KERF_OK)
        return status;
    snprintf(out->power_mode, sizeof out->power_mode, "%s", choice->binding.device_mode->name);
    out->encoding = choice->encoding;
    out->variant = choice->variant;
    out->accuracy = accuracy < 0 ? (double)NAN : accuracy;
    cut_choice_id(choice, out->plan.side, out->cut_id);
    out->proven = is_proven(s, point, accuracy, &out->solver);
    return KERF_OK;
}

static int by_energy(const void *a, const void *b)
{
    const kerf_front_point *x = a, *y = b;
    const double figures[][2] = {{x->plan.cost.device_energy_J, y->plan.cost.device_energy_J},
                                 {x->plan.cost.latency_s, y->plan.cost.latency_s}};
    for (size_t i = 0; i < 2; i++)
        if (figures[i][0] != figures[i][1])
            return figures[i][0] < figures[i][1] ? -1 : 1;
    return strcmp(x->cut_id, y->cut_id);
}

static kerf_status fill_points(const pareto_search *s, kerf_front *front, kerf_error *err)
{
    const pareto_archive *archive = &s->archive;
    kerf_status status = KERF_OK;
    size_t n = 0;
    for (size_t i = 0; i < archive->n; i++)
        n += archive->levels[i].n;
    front->points = kerf_calloc(n, sizeof *front->points);
    if (!front->points)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu points", n);
    for (size_t i = 0; i < archive->n; i++)
        for (size_t k = 0; status == KERF_OK && k < archive->levels[i].n; k++) {
            kerf_front_point *out = &front->points[front->n++];
            status =
                fill_point(s, &archive->levels[i].points[k], archive->levels[i].accuracy, out, err);
            front->n_proven += out->proven;
        }
    if (status == KERF_OK && front->n > 1)
        qsort(front->points, front->n, sizeof *front->points, by_energy);
    return status;
}

/* --- which are supported --- */

static double energy_of(const kerf_front *front, size_t i)
{
    return front->points[i].plan.cost.device_energy_J;
}

static double latency_of(const kerf_front *front, size_t i)
{
    return front->points[i].plan.cost.latency_s;
}

/* Twice the area left of a, b, c: above 0 where the path over b turns left. */
static double turn(const kerf_front *front, size_t a, size_t b, size_t c)
{
    return (energy_of(front, b) - energy_of(front, a)) *
               (latency_of(front, c) - latency_of(front, a)) -
           (latency_of(front, b) - latency_of(front, a)) *
               (energy_of(front, c) - energy_of(front, a));
}

static void set_weights(kerf_front *front, size_t i, double energy, double latency)
{
    front->points[i].supported = true;
    front->points[i].weight_energy = energy / (energy + latency);
    front->points[i].weight_latency = latency / (energy + latency);
}

/* The lower hull of the n points listed, ascending in energy; notes those of one accuracy. */
static void mark_hull(kerf_front *front, size_t *list, size_t n, double accuracy)
{
    size_t top = 0;
    for (size_t i = 0; i < n; i++) {
        if (top > 0 && latency_of(front, list[i]) >= latency_of(front, list[top - 1]))
            continue; /* a less accurate level's: beyond the least latency */
        while (top > 1 && turn(front, list[top - 2], list[top - 1], list[i]) < 0)
            top--;
        list[top++] = list[i];
    }
    for (size_t i = 0; i < top; i++) {
        const double mine = front->points[list[i]].accuracy;
        if (known(mine) != accuracy)
            continue;
        const size_t a = i > 0 ? list[i - 1] : list[i], b = i + 1 < top ? list[i + 1] : list[i];
        const double energy = latency_of(front, a) - latency_of(front, b);
        const double latency = energy_of(front, b) - energy_of(front, a);
        if (top == 1)
            set_weights(front, list[i], 1, 1);
        else
            set_weights(front, list[i], energy, latency);
    }
}

/* Level by level of accuracy: a point is supported among those that are at least as accurate. */
static kerf_status mark_supported(const pareto_search *s, kerf_front *front, kerf_error *err)
{
    size_t *list = kerf_calloc(front->n, sizeof *list);
    if (!list)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu points", front->n);
    for (size_t level = 0; level < s->archive.n; level++) {
        size_t n = 0;
        for (size_t i = 0; i < front->n; i++) {
            const double mine = front->points[i].accuracy;
            if (known(mine) >= s->archive.levels[level].accuracy)
                list[n++] = i;
        }
        mark_hull(front, list, n, s->archive.levels[level].accuracy);
    }
    free(list);
    for (size_t i = 0; i < front->n && !front->complete; i++)
        if (!front->points[i].proven || front->points[i].solver != KERF_SOLVER_MINCUT) {
            front->points[i].supported = false; /* so far as is known */
            front->points[i].weight_energy = front->points[i].weight_latency = 0;
        }
    return KERF_OK;
}

/* --- the front --- */

/* The choice of the point of least energy. */
static size_t cheapest_choice(const pareto_archive *archive)
{
    const pareto_point *best = NULL;
    for (size_t i = 0; i < archive->n; i++)
        if (archive->levels[i].n > 0 &&
            (!best || archive->levels[i].points[0].energy_J < best->energy_J))
            best = &archive->levels[i].points[0];
    return best ? best->choice : 0;
}

static kerf_status describe_extremes(const pareto_search *s, kerf_front *front, kerf_error *err)
{
    const cut_binding *b = &s->choices->list[cheapest_choice(&s->archive)].binding;
    uint8_t *x = kerf_calloc(b->problem.n, 1);
    if (!x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a front");
    kerf_status status = describe_placement(b, x, &front->all_device, err);
    memset(x, 1, b->problem.n);
    if (status == KERF_OK)
        status = describe_placement(b, x, &front->all_server, err);
    free(x);
    return status;
}

/* Nothing was found: says which limits clash, or that time was up. */
static kerf_status fail_empty(const pareto_search *s, kerf_error *err)
{
    if (s->stopped)
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                         "no placement that keeps every limit was found in time");
    const cut_problem **problems = kerf_calloc(s->choices->n, sizeof *problems);
    const char **labels = kerf_calloc(s->choices->n, sizeof *labels);
    kerf_status status = KERF_E_NOMEM;
    for (size_t i = 0; problems && labels && i < s->choices->n; i++) {
        problems[i] = &s->choices->list[i].binding.problem;
        labels[i] = s->choices->list[i].label;
    }
    if (problems && labels)
        status = explain_infeasible(problems, labels, s->choices->n, &s->options, err);
    else
        kerf_fail(err, status, NULL, "out of memory");
    free(problems);
    free(labels);
    return status;
}

static kerf_status fill_front(const pareto_search *s, kerf_front *front, kerf_error *err)
{
    front->complete = true;
    for (size_t i = 0; i < s->choices->n; i++)
        front->complete = front->complete && s->facts[i].complete;
    front->examined = s->examined;
    front->by_accuracy = accuracy_differs(s->choices);
    kerf_status status = fill_points(s, front, err);
    if (status == KERF_OK && front->n == 0)
        return fail_empty(s, err);
    if (status == KERF_OK)
        status = mark_supported(s, front, err);
    return status == KERF_OK ? describe_extremes(s, front, err) : status;
}

kerf_status kerf_pareto_make(const kerf_question *question, kerf_front **front, kerf_error *err)
{
    kerf_error_clear(err);
    const double start = cut_clock_s(), limit = question->time_limit_s;
    cut_choices choices = {0};
    pareto_search s = {.choices = &choices,
                       .solver = question->solver,
                       .options = {.deadline_s = limit > 0 ? start + limit : 0,
                                   .progress = question->progress,
                                   .progress_context = question->progress_context}};
    kerf_front *made = NULL;
    kerf_status status = cut_choices_bind(question, &choices, err);
    if (status == KERF_OK)
        status = pareto_find(&s, err);
    if (status != KERF_OK)
        goto out;
    made = kerf_calloc(1, sizeof *made);
    status = made ? fill_front(&s, made, err) : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status != KERF_OK)
        goto out;
    made->solve_time_s = cut_clock_s() - start;
    *front = made;
    made = NULL;
out:
    kerf_pareto_destroy(&made);
    pareto_search_clear(&s);
    cut_choices_clear(&choices);
    return status;
}

void kerf_pareto_destroy(kerf_front **front)
{
    if (!front || !*front)
        return;
    for (size_t i = 0; i < (*front)->n; i++)
        describe_clear(&(*front)->points[i].plan);
    free((*front)->points);
    describe_clear(&(*front)->all_device);
    describe_clear(&(*front)->all_server);
    free(*front);
    *front = NULL;
}
