/* How far each figure may be off before another answer is better: over all placements, walking from
 * the far end of a figure's range towards its present value as for break-even rates (explain.c);
 * where all costs are linear in it, each two change their order where their lines meet. */
#include "planner/robust/sensitivity.h"

#include "planner/robust/robust_world.h"
#include "planner/search.h"
#include "planner/solve/clock.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACEMENTS  ((size_t)50000)
#define SAME        1e-9 /* relative difference below which two costs are the same */
#define LEAST       1e-6 /* factors beyond these are never asked for */
#define MOST        1e6
#define LEAST_BPS   1.0
#define MOST_BPS    1e13
#define LEAST_RTT_S 1e-9
#define MOST_RTT_S  1e4
#define MAX_STEPS   200
#define PARALLEL    1e-14 /* relative difference of slopes that may be rounding */
#define BETWEEN     16    /* points looked at where two answers may change their order twice */

/* A figure, as a number u above 0 that is searched on its logarithm: a factor, a rate, an RTT, or
 * for the load 1 / (1 - load). */
typedef struct figure {
    robust_target target;
    double now, low, high; /* of u */
    bool twice;            /* two answers may change their order more than once */
} figure;

typedef struct walk {
    const kerf_question *question;
    cut_options options;
    robust_pool pool;
    robust_world world;
    robust_cost *stated, *doubled; /* by entry: with the figures as they are, and with one of them
                                      twice as large */
    size_t mine;                   /* the answer */
    bool sum;                      /* linear in every factor: two answers change their order once */
    bool factors_only;
    kerf_sensitivity *found;
    size_t capacity;
} walk;

static void set(walk *w, const figure *f, double u)
{
    robust_world_reset(w->question, &w->world);
    if (f->target.kind == ROBUST_LOAD)
        robust_set(&f->target, 1 - 1 / u, &w->world);
    else if (f->target.kind >= ROBUST_RATE)
        robust_set(&f->target, u, &w->world);
    else
        robust_scale(&f->target, u, &w->world);
    robust_pool_look(&w->pool, &w->world);
}

/* INFINITY where a limit on time or energy is broken. */
static double cost_of(walk *w, size_t entry)
{
    const kerf_limits *l = &w->question->limits;
    robust_cost c;
    robust_pool_price(&w->pool, entry, &c);
    if ((l->deadline_s > 0 && c.latency_s > l->deadline_s * (1 + SAME)) ||
        (l->energy_J > 0 && c.energy_J > l->energy_J * (1 + SAME)))
        return INFINITY;
    return c.objective;
}

static bool better(double challenger, double cost)
{
    return challenger < cost && (isinf(cost) || challenger < cost - SAME * fabs(cost));
}

/* Who beats the answer at u; *holds if nobody does. KERF_NONE without *holds: nothing keeps the
 * limits there. */
static size_t challenge(walk *w, const figure *f, double u, bool *holds)
{
    set(w, f, u);
    const double mine = cost_of(w, w->mine);
    double mark = mine;
    size_t best = KERF_NONE;
    for (size_t i = 0; i < w->pool.n; i++) {
        const double cost = cost_of(w, i);
        if (better(cost, mark)) {
            mark = cost;
            best = i;
        }
    }
    *holds = best == KERF_NONE && isfinite(mine);
    return best;
}

/* Between `good`, where the answer is no worse than the challenger, and `bad`. */
static double crossing(walk *w, const figure *f, size_t challenger, double good, double bad)
{
    for (int i = 0; i < 200 && fabs(good - bad) > 1e-12 * good; i++) {
        const double middle = sqrt(good) * sqrt(bad);
        set(w, f, middle);
        const double mine = cost_of(w, w->mine);
        const bool worse = challenger == KERF_NONE ? isinf(mine) : cost_of(w, challenger) < mine;
        if (worse)
            bad = middle;
        else
            good = middle;
    }
    return bad;
}

static size_t look_between(walk *w, const figure *f, double *far, bool *holds)
{
    const double from = f->now, to = *far;
    size_t who = KERF_NONE;
    for (int i = 1; f->twice && *holds && i < BETWEEN; i++) {
        const double u = from * pow(to / from, (double)i / BETWEEN);
        who = challenge(w, f, u, holds);
        if (!*holds)
            *far = u;
    }
    return who;
}

static double border(walk *w, const figure *f, double end, double never)
{
    double far = end;
    if (end == f->now)
        return never;
    for (int step = 0; step < MAX_STEPS; step++) {
        bool holds;
        size_t who = challenge(w, f, far, &holds);
        if (holds)
            who = look_between(w, f, &far, &holds);
        if (holds)
            return far == end ? never : far;
        const double next = crossing(w, f, who, f->now, far);
        if (fabs(next - far) <= 1e-10 * far || fabs(next - f->now) <= 1e-10 * f->now)
            return next;
        far = next * (far > f->now ? 1 - 1e-11 : 1 + 1e-11);
    }
    return far;
}

/* --- the figures --- */

/* Whether any placement costs another time or energy if the figure is another. */
static bool matters(walk *w, const figure *f)
{
    bool changes = false;
    set(w, f, f->now * 2);
    for (size_t i = 0; i < w->pool.n; i++) {
        const robust_cost *before = &w->stated[i], *after = &w->doubled[i];
        robust_pool_price(&w->pool, i, &w->doubled[i]);
        changes = changes || before->energy_J != after->energy_J ||
                  before->latency_s != after->latency_s || before->objective != after->objective;
    }
    return changes;
}

/* Every cost is a line over the factor, known at 1 and at 2. */
static void meet_lines(const walk *w, const figure *f, double *below, double *above)
{
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

static kerf_status add(walk *w, const char *what, const figure *f, kerf_error *err)
{
    const bool late = w->options.deadline_s > 0 && cut_clock_s() >= w->options.deadline_s;
    if (late || (w->options.progress &&
                 !w->options.progress(w->options.progress_context, "sensitivity", NAN, NAN)))
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "no time is left");
    if (w->pool.out_of_memory)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for measured groups");
    if (!matters(w, f))
        return KERF_OK;
    kerf_sensitivity *s = w->found;
    if (kerf_reserve(&s->list, &w->capacity, s->n + 1, SIZE_MAX / 2, sizeof *s->list) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_break_even *b = &s->list[s->n++];
    *b = (kerf_break_even){.is_factor = f->target.kind < ROBUST_RATE, .now = value_of(f, f->now)};
    snprintf(b->what, sizeof b->what, "%s", what);
    /* No load is below 0, where 1 / (1 - load) is 1. */
    if (w->sum && b->is_factor) {
        meet_lines(w, f, &b->below, &b->above);
        return KERF_OK;
    }
    b->below = value_of(f, border(w, f, f->low, 0));
    b->above = value_of(f, border(w, f, f->high, INFINITY));
    return KERF_OK;
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

static kerf_status add_factor(walk *w, const char *what, kerf_error *err)
{
    figure f = {.now = 1, .low = LEAST, .high = MOST, .twice = !w->sum};
    return robust_target_find(what, &f.target) && may_matter(w, &f.target) ? add(w, what, &f, err)
                                                                           : KERF_OK;
}

static kerf_status add_coefficients(walk *w, kerf_error *err)
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
            status = add_factor(w, name, err);
        }
    for (size_t k = 0; status == KERF_OK && k < sizeof plain / sizeof *plain; k++)
        status = add_factor(w, plain[k], err);
    return status;
}

static kerf_status add_values(walk *w, kerf_error *err)
{
    const kerf_question *q = w->question;
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
        /* Transfers both ways may trade an RTT for another. */
        f.twice = !w->sum || strcmp(names[i], "rtt") == 0;
        if (robust_target_find(names[i], &f.target))
            status = add(w, names[i], &f, err);
    }
    return status;
}

static kerf_status add_all(walk *w, kerf_error *err)
{
    static const char *const wholes[] = {"latency", "energy", "idle", "server", "radio"};
    kerf_status status = add_coefficients(w, err);
    for (size_t i = 0; status == KERF_OK && i < sizeof wholes / sizeof *wholes; i++)
        status = add_factor(w, wholes[i], err);
    if (status == KERF_OK && !w->factors_only)
        status = add_values(w, err);
    return status == KERF_OK && w->pool.out_of_memory
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

/* Costs that are sums of products, without limits that let placements in and out. */
static bool is_sum(const walk *w)
{
    const kerf_question *q = w->question;
    bool sum = q->objective != KERF_OBJ_EDP && q->objective != KERF_OBJ_THROUGHPUT &&
               !(q->limits.deadline_s > 0) && !(q->limits.energy_J > 0) && w->pool.choices->n == 1;
    for (size_t i = 0; i < w->pool.choices->n; i++)
        sum = sum && w->pool.models[i].linear;
    return sum;
}

/* All placements that keep the limits which no figure changes. */
static kerf_status gather(walk *w, plan_search *s, size_t most, kerf_error *err)
{
    const robust_variety variety = {.device = true, .deadline = true, .energy = true};
    cut_options options = s->options;
    if (options.deadline_s > 0)
        options.time_limit_s = fmax(options.deadline_s - cut_clock_s(), 1e-9);
    kerf_status status = robust_pool_create(&s->choices, &variety, &options,
                                            most ? most : PLACEMENTS, &w->pool, err);
    if (status == KERF_OK)
        status = robust_world_create(w->question, &w->world, err);
    if (status != KERF_OK)
        return status;
    w->stated = kerf_calloc(w->pool.n, sizeof *w->stated);
    w->doubled = kerf_calloc(w->pool.n, sizeof *w->doubled);
    if (!w->stated || !w->doubled)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    robust_pool_look(&w->pool, &w->world);
    for (size_t i = 0; i < w->pool.n; i++)
        robust_pool_price(&w->pool, i, &w->stated[i]);
    w->options = s->options;
    w->mine = robust_pool_find(&w->pool, s->best, s->solution.x);
    w->sum = is_sum(w);
    return w->mine == KERF_NONE
               ? kerf_fail(err, KERF_E_INTERNAL, "sensitivity", "the answer is no placement")
               : KERF_OK;
}

kerf_status sensitivity_find(const kerf_question *question, size_t most_placements,
                             bool factors_only, kerf_sensitivity **sensitivity, kerf_error *err)
{
    kerf_error_clear(err);
    walk w = {.question = question, .factors_only = factors_only};
    plan_search s;
    kerf_status status = plan_search_run(&s, question, cut_clock_s(), err);
    if (status == KERF_OK && s.solution.gap > CUT_GAP)
        status = kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "the best answer is not known");
    if (status == KERF_OK)
        status = gather(&w, &s, most_placements, err);
    if (status == KERF_OK) {
        w.found = kerf_calloc(1, sizeof *w.found);
        status = w.found ? add_all(&w, err) : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    if (status == KERF_OK) {
        find_closest(w.found);
        *sensitivity = w.found;
        w.found = NULL;
    }
    kerf_sensitivity_destroy(&w.found);
    free(w.stated);
    free(w.doubled);
    robust_pool_clear(&w.pool);
    robust_world_clear(&w.world);
    plan_search_clear(&s);
    return status;
}

kerf_status kerf_sensitivity_make(const kerf_question *question, size_t most_placements,
                                  kerf_sensitivity **sensitivity, kerf_error *err)
{
    return sensitivity_find(question, most_placements, false, sensitivity, err);
}

void kerf_sensitivity_destroy(kerf_sensitivity **sensitivity)
{
    if (!sensitivity || !*sensitivity)
        return;
    free((*sensitivity)->list);
    free(*sensitivity);
    *sensitivity = NULL;
}
