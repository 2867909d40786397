/* How far each figure may be off before another answer is better: over all placements, or where
 * there are too many by asking solvers, walking from the far end of a figure's range towards its
 * present value as for break-even rates (explain.c); where all placements are at hand and all costs
 * are linear in the figure, each two change their order where their lines meet. */
#include "planner/robust/sensitivity.h"

#include "planner/robust/sensitivity_walk.h"
#include "planner/solve/clock.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACEMENTS  ((size_t)50000)
#define LEAST       1e-6 /* factors beyond these are never asked for */
#define MOST        1e6
#define LEAST_BPS   1.0
#define MOST_BPS    1e13
#define LEAST_RTT_S 1e-9
#define MOST_RTT_S  1e4
#define PARALLEL    1e-14 /* relative difference of slopes that may be rounding */

typedef struct listing {
    walk w;
    bool sum; /* costs are sums of products, without limits that let placements in and out */
    bool factors_only;
    kerf_sensitivity *found;
    size_t capacity;
} listing;

/* --- the figures --- */

/* Every cost is a line over the factor, known at 1 and at 2. */
static void meet_lines(walk *w, const figure *f, double *below, double *above)
{
    walk_double(w, f);
    const double mine = w->stated[w->mine].objective;
    const double slope = w->doubled[w->mine].objective - mine;
    *below = 0;
    *above = INFINITY;
    for (size_t i = 0; i < w->pool.n; i++) {
        const double more = fmax(w->stated[i].objective - mine, 0);
        const double closing = slope - (w->doubled[i].objective - w->stated[i].objective);
        if (closing > PARALLEL * mine)
            *above = fmin(*above, 1 + more / closing);
        else if (closing < -PARALLEL * mine)
            *below = fmax(*below, 1 + more / closing);
    }
    *below = *below > f->low ? *below : 0;
    *above = *above < f->high ? *above : INFINITY;
}

static double value_of(const figure *f, double u)
{
    return f->target.kind == ROBUST_LOAD && isfinite(u) && u > 0 ? 1 - 1 / u : u;
}

static kerf_status add(listing *l, const char *what, const figure *f, kerf_error *err)
{
    walk *w = &l->w;
    const bool late = w->options.deadline_s > 0 && cut_clock_s() >= w->options.deadline_s;
    if (late || (w->options.progress &&
                 !w->options.progress(w->options.progress_context, "sensitivity", NAN, NAN)))
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "no time is left");
    if (w->pool.out_of_memory)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for measured groups");
    if (!walk_matters(w, f))
        return w->status;
    kerf_sensitivity *s = l->found;
    if (kerf_reserve(&s->list, &l->capacity, s->n + 1, SIZE_MAX / 2, sizeof *s->list) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_break_even *b = &s->list[s->n++];
    *b = (kerf_break_even){.is_factor = f->target.kind < ROBUST_RATE, .now = value_of(f, f->now)};
    snprintf(b->what, sizeof b->what, "%s", what);
    if (!walk_decides(w, f)) {
        b->above = INFINITY;
        return w->status;
    }
    /* No load is below 0, where 1 / (1 - load) is 1. */
    if (f->lines && !w->asks) {
        meet_lines(w, f, &b->below, &b->above);
        return KERF_OK;
    }
    b->below = value_of(f, walk_border(w, f, f->low, 0));
    b->above = value_of(f, walk_border(w, f, f->high, INFINITY));
    s->n -= w->status != KERF_OK;
    return w->status;
}

/* False where none of the target's coefficients is in any of the prices: quicker than to try. */
static bool may_matter(const walk *w, const robust_target *t)
{
    if (t->kind != ROBUST_COEFFICIENTS)
        return true;
    for (size_t c = 0; c < w->pool.choices->n; c++) {
        const robust_model *m = &w->pool.models[c];
        bool found = !m->linear;
        for (size_t i = 0; i < t->n && !found; i++) {
            found = m->power && t->offsets[i] == offsetof(kerf_power_mode, active_W);
            for (size_t k = 0; k < m->n_s && !found; k++)
                found = m->offset_s[k] == t->offsets[i];
            for (size_t k = 0; k < m->n_J && !found; k++)
                found = m->offset_J[k] == t->offsets[i];
        }
        if (found)
            return true;
    }
    return false;
}

static kerf_status add_factor(listing *l, const char *what, kerf_error *err)
{
    figure f = {.now = 1, .low = LEAST, .high = MOST, .lines = l->sum, .twice = !l->sum};
    return robust_target_find(what, &f.target) && may_matter(&l->w, &f.target)
               ? add(l, what, &f, err)
               : KERF_OK;
}

static kerf_status add_coefficients(listing *l, kerf_error *err)
{
    static const char *const by_class[] = {"latency/per_mac",       "energy/per_mac",
                                           "latency/more_per_byte", "latency/more_per_weight_byte",
                                           "energy/more_per_byte",  "energy/more_per_weight_byte"};
    static const char *const plain[] = {
        "latency/per_byte",       "latency/launch",        "latency/partition", "latency/per_step",
        "latency/grouped_launch", "energy/per_byte",       "energy/launch",     "energy/partition",
        "energy/per_step",        "energy/grouped_launch", "energy/per_kernel", "energy/floor",
        "energy/active"};
    kerf_status status = KERF_OK;
    for (size_t k = 0; k < sizeof by_class / sizeof *by_class; k++)
        for (int c = 0; status == KERF_OK && c < KERF_CLASS_COUNT; c++) {
            char name[96];
            snprintf(name, sizeof name, "%s/%s", by_class[k], kerf_class_name((kerf_class)c));
            status = add_factor(l, name, err);
        }
    for (size_t k = 0; status == KERF_OK && k < sizeof plain / sizeof *plain; k++)
        status = add_factor(l, plain[k], err);
    return status;
}

static kerf_status add_values(listing *l, kerf_error *err)
{
    const kerf_question *q = l->w.question;
    const figure figures[] = {
        {.now = q->link->rate_bps[KERF_UPLINK], .low = LEAST_BPS, .high = MOST_BPS},
        {.now = q->link->rate_bps[KERF_DOWNLINK], .low = LEAST_BPS, .high = MOST_BPS},
        {.now = fmax(q->link->rtt_s, LEAST_RTT_S), .low = LEAST_RTT_S, .high = MOST_RTT_S},
        {.now = 1 / (1 - q->server_load), .low = 1, .high = MOST}};
    static const char *const names[] = {"uplink", "downlink", "rtt", "load"};
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < 4; i++) {
        figure f = figures[i];
        f.low = fmin(f.low, f.now);
        f.high = fmax(f.high, f.now);
        /* Where modes wait at different powers, and where transfers both ways trade an RTT for
         * another, orders may change twice. */
        f.twice = !l->sum || l->w.search->choices.n > 1 || strcmp(names[i], "rtt") == 0;
        if (robust_target_find(names[i], &f.target))
            status = add(l, names[i], &f, err);
    }
    return status;
}

static kerf_status add_all(listing *l, kerf_error *err)
{
    static const char *const wholes[] = {"latency", "energy", "idle", "server", "radio"};
    kerf_status status = add_coefficients(l, err);
    for (size_t i = 0; status == KERF_OK && i < sizeof wholes / sizeof *wholes; i++)
        status = add_factor(l, wholes[i], err);
    if (status == KERF_OK && !l->factors_only)
        status = add_values(l, err);
    return status == KERF_OK && l->w.pool.out_of_memory
               ? kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for measured groups")
               : status;
}

/* --- the closest --- */

/* How large a factor, or how small, changes the answer; INFINITY: none does. */
static double distance(const kerf_break_even *b)
{
    const double up = b->above / b->now, down = b->below > 0 ? b->now / b->below : INFINITY;
    return fmin(up, down);
}

static void find_closest(kerf_sensitivity *s)
{
    s->closest = KERF_NONE;
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i].is_factor && isfinite(distance(&s->list[i])) &&
            (s->closest == KERF_NONE || distance(&s->list[i]) < distance(&s->list[s->closest])))
            s->closest = i;
}

/* --- the whole --- */

/* Costs that are sums of products, without limits that let placements in and out: lines in every
 * factor. */
static bool is_sum(const walk *w)
{
    const kerf_question *q = w->question;
    bool sum = q->objective != KERF_OBJ_EDP && q->objective != KERF_OBJ_THROUGHPUT &&
               !(q->limits.deadline_s > 0) && !(q->limits.energy_J > 0);
    for (size_t i = 0; i < w->pool.choices->n; i++)
        sum = sum && w->pool.models[i].linear;
    return sum;
}

kerf_status sensitivity_find(const kerf_question *question, const walk_size *size,
                             bool factors_only, kerf_sensitivity **sensitivity, kerf_error *err)
{
    kerf_error_clear(err);
    plan_search s;
    listing l = {.w = {.question = question, .search = &s}, .factors_only = factors_only};
    kerf_status status = plan_search_run(&s, question, cut_clock_s(), err);
    if (status == KERF_OK && s.solution.gap > CUT_GAP)
        status = kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "the best answer is not known");
    if (status == KERF_OK)
        status = walk_start(&l.w, size, err);
    if (status == KERF_OK) {
        l.sum = is_sum(&l.w);
        l.found = kerf_calloc(1, sizeof *l.found);
        status = l.found ? add_all(&l, err) : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    if (status == KERF_E_TIME_LIMIT && l.found) {
        kerf_error_clear(err);
        l.found->stopped = true;
        status = KERF_OK;
    }
    if (status == KERF_OK) {
        find_closest(l.found);
        *sensitivity = l.found;
        l.found = NULL;
    }
    kerf_sensitivity_destroy(&l.found);
    walk_clear(&l.w);
    plan_search_clear(&s);
    return status;
}

kerf_status kerf_sensitivity_make(const kerf_question *question, size_t most_placements,
                                  kerf_sensitivity **sensitivity, kerf_error *err)
{
    const walk_size size = {.few = most_placements ? most_placements : PLACEMENTS,
                            .refuse = most_placements > 0};
    return sensitivity_find(question, &size, false, sensitivity, err);
}

void kerf_sensitivity_destroy(kerf_sensitivity **sensitivity)
{
    if (!sensitivity || !*sensitivity)
        return;
    free((*sensitivity)->list);
    free(*sensitivity);
    *sensitivity = NULL;
}
