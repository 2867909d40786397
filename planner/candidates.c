/* Candidates by enumeration: the order ideals are walked, those that no other beats in every total
 * are kept (planner/front.h), and of these the ones that are best somewhere (planner/cells.h). */
#include "planner/candidates.h"

#include "planner/cells.h"
#include "planner/front.h"
#include "planner/solve/clock.h"
#include "planner/solve/exhaustive.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct search {
    const cut_choices *choices;
    const kerf_map_box *box;
    cut_options options;
    double deadline;
    cut_candidates found;
    size_t capacity;
} search;

static bool stopped(void *context)
{
    const search *s = context;
    const cut_options *o = &s->options;
    return (s->deadline > 0 && cut_clock_s() > s->deadline) ||
           (o->progress && !o->progress(o->progress_context, "map", NAN, NAN));
}

/* --- placements of one choice --- */

static bool offer(void *context, const uint8_t *x, const cut_value *value)
{
    return front_offer(context, x, value);
}

/* The options for one walk: what is left of the time. */
static cut_options rest_of_time(const search *s)
{
    cut_options options = s->options;
    options.top = 0;
    options.minimise_violation = false;
    if (s->deadline > 0)
        options.time_limit_s = fmax(s->deadline - cut_clock_s(), 1e-9);
    return options;
}

/* Moves a front's placements to those found. */
static kerf_status take_front(search *s, front *f, kerf_error *err)
{
    cut_candidates *found = &s->found;
    if (kerf_reserve(&found->list, &s->capacity, found->n + f->n, SIZE_MAX / 2,
                     sizeof *found->list) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu candidates", f->n);
    for (size_t i = 0; i < f->n; i++)
        found->list[found->n++] = f->list[i];
    found->examined += f->examined;
    f->n = 0;
    return KERF_OK;
}

static kerf_status enumerate(search *s, size_t choice, kerf_error *err)
{
    const cut_choice *c = &s->choices->list[choice];
    cut_problem problem = c->binding.problem; /* keeps only the limits that no condition changes */
    front f;
    kerf_status status = front_create(&problem, choice, c->question.server_load, s->box, &f, err);
    if (status != KERF_OK)
        return status;
    problem.limits.deadline_s = problem.limits.energy_J = 0;
    const cut_options options = rest_of_time(s);
    bool ended = false;
    status = cut_visit_placements(&problem, &options, offer, &f, &ended, err);
    if (status == KERF_OK && f.out_of_memory)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu candidates", f.n + 1);
    else if (status == KERF_OK && ended)
        status = kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                           "stopped after %zu placements, before all were looked at", f.examined);
    if (status == KERF_OK)
        status = take_front(s, &f, err);
    front_clear(&f);
    return status;
}

/* --- all of them --- */

static int in_order(const void *a, const void *b)
{
    const cut_candidate *x = a, *y = b;
    if (x->totals.up_bytes != y->totals.up_bytes)
        return x->totals.up_bytes < y->totals.up_bytes ? -1 : 1;
    if (x->choice != y->choice)
        return x->choice < y->choice ? -1 : 1;
    if (x->totals.device_operators != y->totals.device_operators)
        return x->totals.device_operators > y->totals.device_operators ? -1 : 1;
    if (x->totals.device_s != y->totals.device_s)
        return x->totals.device_s < y->totals.device_s ? -1 : 1;
    if (x->totals.device_J != y->totals.device_J)
        return x->totals.device_J < y->totals.device_J ? -1 : 1;
    return 0;
}

static void keep_needed(cut_candidates *found, const uint8_t *needed)
{
    size_t n = 0;
    for (size_t i = 0; i < found->n; i++)
        if (needed[i])
            found->list[n++] = found->list[i];
        else
            free(found->list[i].x);
    found->n = n;
}

/* Drops those that are never best in the box. */
static kerf_status drop_useless(search *s, kerf_error *err)
{
    cut_candidates *found = &s->found;
    cut_field field = {.n = 0};
    cut_cells cells = {0};
    double low[CUT_AXES], high[CUT_AXES];
    uint8_t *needed = kerf_calloc(found->n, 1);
    kerf_status status =
        needed ? cut_field_create(&s->choices->list[0].binding.problem, found->n, &field, err)
               : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu candidates", found->n);
    for (size_t i = 0; status == KERF_OK && i < found->n; i++)
        cut_field_add(&field, &found->list[i].totals,
                      s->choices->list[found->list[i].choice].binding.problem.wait_W);
    cut_box_hardship(s->box, low, high);
    if (status == KERF_OK)
        status = cut_cells_create(&field, low, high, stopped, s, &cells, needed, err);
    if (status == KERF_OK)
        keep_needed(found, needed);
    cut_cells_clear(&cells);
    cut_field_clear(&field);
    free(needed);
    return status;
}

kerf_status cut_candidates_find(const cut_choices *choices, const kerf_map_box *box,
                                const cut_options *options, cut_candidates *candidates,
                                kerf_error *err)
{
    static const cut_options none = {.top = 0};
    search s = {.choices = choices, .box = box, .options = options ? *options : none};
    if (s.options.time_limit_s > 0)
        s.deadline = cut_clock_s() + s.options.time_limit_s;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < choices->n && status == KERF_OK; i++)
        status = enumerate(&s, i, err);
    if (status == KERF_OK && s.found.n > 0) {
        qsort(s.found.list, s.found.n, sizeof *s.found.list, in_order);
        status = drop_useless(&s, err);
    }
    if (status != KERF_OK) {
        cut_candidates_clear(&s.found);
        return status;
    }
    s.found.complete = true;
    *candidates = s.found;
    return KERF_OK;
}

void cut_candidates_clear(cut_candidates *candidates)
{
    for (size_t i = 0; i < candidates->n; i++)
        free(candidates->list[i].x);
    free(candidates->list);
    *candidates = (cut_candidates){0};
}

void cut_candidate_price(const cut_problem *problem, const cut_value *totals,
                         const kerf_conditions *conditions, cut_value *value)
{
    kerf_link link = *problem->link;
    cut_problem now = *problem;
    link.rate_bps[KERF_UPLINK] = conditions->uplink_bps;
    link.rate_bps[KERF_DOWNLINK] = conditions->downlink_bps;
    link.rtt_s = conditions->rtt_s;
    now.link = &link;
    *value = *totals;
    value->server_s = totals->server_s / (1 - conditions->server_load);
    cut_combine(&now, value);
}
