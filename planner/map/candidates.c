/* Candidates: of few placements all are looked at, of many those that can be best
 * (planner/supported.h); those that no other beats in every total are kept (planner/front.h), and
 * of these the ones that are best somewhere (planner/cells.h). */
#include "planner/map/candidates.h"

#include "planner/map/cells.h"
#include "planner/map/front.h"
#include "planner/map/supported.h"
#include "planner/solve/clock.h"
#include "planner/solve/exhaustive.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW_PLACEMENTS 200000 /* that are looked at sooner than solved for */
#define MOST_PAIRED    20000  /* candidates that are compared each with each */
#define SAME           1e-13  /* relative: differences that may be rounding */

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

static kerf_status enumerate(search *s, const cut_problem *problem, size_t limit, front *f,
                             kerf_error *err)
{
    cut_options options = rest_of_time(s);
    bool ended = false;
    if (options.max_ideals == 0 || options.max_ideals > limit)
        options.max_ideals = limit;
    const kerf_status status = cut_visit_placements(problem, &options, offer, f, &ended, err);
    if (status != KERF_OK)
        return status;
    if (f->out_of_memory)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu candidates", f->n + 1);
    if (ended)
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                         "stopped after %zu placements, before all were looked at", f->examined);
    return KERF_OK;
}

/* How to do without looking at all placements, if there is a way. */
typedef kerf_status finder(const supported_search *search, kerf_error *err);

static finder *finder_of(const search *s, const cut_choice *choice)
{
    const cut_problem *p = &choice->binding.problem;
    const kerf_limits *l = &p->limits;
    const kerf_map_box *box = s->box;
    if (p->objective != KERF_OBJ_THROUGHPUT)
        return cut_has_limits(p) ? NULL : supported_find;
    const bool rate_only = box->downlink_bps[0] == box->downlink_bps[1] &&
                           box->rtt_s[0] == box->rtt_s[1] &&
                           box->server_load[0] == box->server_load[1] &&
                           choice->question.server_load == box->server_load[0];
    return rate_only && l->deadline_s <= 0 && l->energy_J <= 0 ? bottleneck_find : NULL;
}

/* The placements of one choice that can matter. `problem` has only those limits that no condition
 * changes. */
static kerf_status find_in(search *s, const cut_choice *choice, const cut_problem *problem,
                           front *f, kerf_error *err)
{
    finder *find = finder_of(s, choice);
    size_t count = 0;
    const size_t most = s->options.max_ideals && s->options.max_ideals < CUT_MAX_IDEALS
                            ? s->options.max_ideals
                            : CUT_MAX_IDEALS;
    const size_t limit = find && most > FEW_PLACEMENTS ? FEW_PLACEMENTS : most;
    kerf_status status = cut_count_ideals(problem, limit, &count, err);
    if (status != KERF_OK)
        return status;
    if (count <= limit)
        return enumerate(s, problem, limit, f, err);
    const cut_options options = rest_of_time(s);
    const supported_search all = {
        problem, choice->question.server_load, s->box, &options, stopped, s, f};
    if (find)
        return find(&all, err);
    return kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                     "more than %zu placements, and a map of this objective with these limits and "
                     "ranges needs to look at them all",
                     limit);
}

static kerf_status search_choice(search *s, size_t index, kerf_error *err)
{
    const cut_choice *choice = &s->choices->list[index];
    cut_problem problem = choice->binding.problem;
    front f;
    kerf_status status =
        front_create(&problem, index, choice->question.server_load, s->box, &f, err);
    if (status != KERF_OK)
        return status;
    problem.limits.deadline_s = problem.limits.energy_J = 0;
    status = find_in(s, choice, &problem, &f, err);
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

/* Whether a costs no more than b anywhere, but for rounding. */
static bool covers(const cut_terms *a, const cut_terms *b)
{
    const bool waits = a->sent[0] > 0 || a->sent[1] > 0 || a->server_s > 0;
    const double pairs[][2] = {{a->energy_J, b->energy_J}, {a->latency_s, b->latency_s},
                               {a->device_s, b->device_s}, {a->server_s, b->server_s},
                               {a->server_J, b->server_J}, {a->sent[0], b->sent[0]},
                               {a->sent[1], b->sent[1]},   {waits ? a->wait_W : 0, b->wait_W}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] > pairs[i][1] * (1 + SAME))
            return false;
    return true;
}

/* Leaves 1 in `needed` for those that no other covers; of several that cover each other, the first:
 * the same placement may cost the same in several modes, encodings and variants. */
static void drop_covered(const search *s, const cut_field *field, uint8_t *needed)
{
    const size_t n = s->found.n;
    const cut_terms *t = field->terms;
    memset(needed, 1, n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n && needed[i] && s->choices->n > 1 && n <= MOST_PAIRED; k++)
            if (k != i && needed[k] && covers(&t[k], &t[i]) && (k < i || !covers(&t[i], &t[k])))
                needed[i] = 0;
}

static kerf_status make_field(const search *s, cut_field *field, kerf_error *err)
{
    const cut_candidates *found = &s->found;
    const kerf_status status =
        cut_field_create(&s->choices->list[0].binding.problem, found->n, field, err);
    for (size_t i = 0; status == KERF_OK && i < found->n; i++)
        cut_field_add(field, &found->list[i].totals,
                      s->choices->list[found->list[i].choice].binding.problem.wait_W);
    return status;
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
        needed ? make_field(s, &field, err)
               : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu candidates", found->n);
    if (status == KERF_OK) {
        drop_covered(s, &field, needed);
        cut_field_clear(&field);
        keep_needed(found, needed);
        memset(needed, 0, found->n);
        status = make_field(s, &field, err);
    }
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
        status = search_choice(&s, i, err);
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
