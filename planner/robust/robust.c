#include "kerf/robust.h"

#include "planner/robust/robust_reduced.h"
#include "planner/robust/robust_sample.h"
#include "planner/search.h"
#include "planner/solve/clock.h"

#include "base/error.h"
#include "base/memory.h"
#include "kerf/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES             ((size_t)2000)
#define MOST_SAMPLES        ((size_t)1000000)
#define PLACEMENTS          ((size_t)50000)
#define DEFAULT_PROBABILITY 0.95

const char *kerf_aim_name(kerf_aim aim)
{
    static const char *const names[] = {[KERF_AIM_NOMINAL] = "nominal",
                                        [KERF_AIM_EXPECTED] = "expected",
                                        [KERF_AIM_REGRET] = "minimax-regret",
                                        [KERF_AIM_CHANCE] = "chance",
                                        [KERF_AIM_CANTELLI] = "cantelli"};
    return (size_t)aim < sizeof names / sizeof *names ? names[aim] : "?";
}

const char *kerf_robust_role_name(kerf_robust_role role)
{
    static const char *const names[] = {[KERF_ROBUST_PLAN] = "plan",
                                        [KERF_ROBUST_NOMINAL] = "nominal",
                                        [KERF_ROBUST_EXPECTED] = "expected",
                                        [KERF_ROBUST_REGRET] = "minimax_regret",
                                        [KERF_ROBUST_CHANCE] = "chance",
                                        [KERF_ROBUST_ALL_DEVICE] = "all_device",
                                        [KERF_ROBUST_ALL_SERVER] = "all_server"};
    return (size_t)role < KERF_ROBUST_ROLES ? names[role] : "?";
}

/* A placement under one of the choices. */
typedef struct selected {
    size_t choice; /* KERF_NONE: there is none */
    uint8_t *x;    /* owned */
} selected;

typedef struct robust_run {
    const kerf_question *question;
    kerf_question asked; /* the question, or without its deadline where that cannot be kept */
    kerf_robust_options options;
    double start;
    plan_search search;
    robust_draw draw;
    robust_pool pool;
    robust_sample sample;
    selected chosen[KERF_ROBUST_ROLES];
    double value;
    bool nominal; /* the search has an answer that keeps all limits */
} robust_run;

static bool has_probability(kerf_aim aim)
{
    return aim == KERF_AIM_CHANCE || aim == KERF_AIM_CANTELLI;
}

static kerf_status check_options(robust_run *r, kerf_error *err)
{
    kerf_robust_options *o = &r->options;
    if ((size_t)o->aim > KERF_AIM_CANTELLI)
        return kerf_fail(err, KERF_E_INVALID, "aim", "is none that is known");
    if (o->samples > MOST_SAMPLES)
        return kerf_fail(err, KERF_E_INVALID, "samples", "are %zu, expected at most %zu",
                         o->samples, MOST_SAMPLES);
    if (has_probability(o->aim) && !(o->probability > 0 && o->probability < 1))
        return kerf_fail(err, KERF_E_INVALID, "probability",
                         "is %g, expected a number above 0 and below 1", o->probability);
    if (has_probability(o->aim) && !(r->question->limits.deadline_s > 0))
        return kerf_fail(err, KERF_E_INVALID, "question",
                         "has no deadline, which is to be kept with a probability");
    o->samples = o->samples > 0 ? o->samples : SAMPLES;
    o->most_placements = o->most_placements > 0 ? o->most_placements : PLACEMENTS;
    return KERF_OK;
}

/* --- the search with the question's own figures --- */

/* Where a probability is asked for, the deadline need not be kept by the question's own figures. */
static kerf_status search(robust_run *r, kerf_error *err)
{
    kerf_error local = {0};
    r->asked = *r->question;
    kerf_status status = plan_search_run(&r->search, &r->asked, r->start, &local);
    r->nominal = status == KERF_OK;
    if (status == KERF_E_INFEASIBLE && has_probability(r->options.aim)) {
        plan_search_clear(&r->search);
        r->asked.limits.deadline_s = 0;
        status = plan_search_run(&r->search, &r->asked, r->start, &local);
    }
    if (status != KERF_OK && err)
        *err = local;
    return status;
}

static kerf_status gather(robust_run *r, kerf_error *err)
{
    kerf_error local = {0};
    cut_options options = r->search.options;
    if (options.deadline_s > 0)
        options.time_limit_s = fmax(options.deadline_s - cut_clock_s(), 1e-9);
    kerf_status status = robust_pool_create(&r->search.choices, &r->draw.variety, &options,
                                            r->options.most_placements, &r->pool, &local);
    if (status != KERF_E_TOO_LARGE) {
        if (status != KERF_OK && err)
            *err = local;
        return status;
    }
    robust_pool_clear(&r->pool);
    return robust_pool_reduced(&r->search, &r->draw, r->options.samples, &r->pool, err);
}

/* --- what each aim chooses --- */

static kerf_status take(robust_run *r, size_t entry, kerf_robust_role role, kerf_error *err)
{
    selected *s = &r->chosen[role];
    if (entry == KERF_NONE)
        return KERF_OK;
    s->choice = r->pool.list[entry].choice;
    s->x = kerf_calloc(r->search.choices.list[s->choice].binding.problem.n, 1);
    if (!s->x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    robust_pool_placement(&r->pool, entry, s->x);
    return KERF_OK;
}

static kerf_status copy(robust_run *r, size_t choice, const uint8_t *x, uint8_t fill,
                        kerf_robust_role role, kerf_error *err)
{
    const cut_problem *p = &r->search.choices.list[choice].binding.problem;
    selected *s = &r->chosen[role];
    s->x = kerf_calloc(p->n, 1);
    if (!s->x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (x)
        memcpy(s->x, x, p->n);
    else
        memset(s->x, fill, p->n);
    s->choice = choice;
    if (cut_is_legal(p, s->x))
        return KERF_OK;
    s->choice = KERF_NONE;
    return KERF_OK;
}

static kerf_status fail_chance(const robust_run *r, kerf_error *err)
{
    char deadline[48];
    size_t least = r->sample.n;
    double bound = 1;
    for (size_t i = 0; i < r->pool.n; i++) {
        const robust_score *s = &r->sample.scores[i];
        const double mine = robust_cantelli(s->latency.mean, robust_variance(&s->latency),
                                            r->question->limits.deadline_s);
        least = s->misses < least ? s->misses : least;
        bound = mine < bound ? mine : bound;
    }
    kerf_format_quantity(r->question->limits.deadline_s, KERF_TIME, 4, deadline, sizeof deadline);
    return kerf_fail(
        err, KERF_E_INFEASIBLE, NULL,
        "no placement keeps the deadline of %s with probability %g%s: the closest "
        "%s %.4g",
        deadline, r->options.probability, r->pool.complete ? "" : " among those looked at",
        r->options.aim == KERF_AIM_CANTELLI ? "is sure to with" : "does with",
        1 - (r->options.aim == KERF_AIM_CANTELLI ? bound : (double)least / (double)r->sample.n));
}

static kerf_status choose(robust_run *r, kerf_error *err)
{
    static const struct {
        kerf_robust_role role;
        kerf_aim aim;
    } others[] = {{KERF_ROBUST_EXPECTED, KERF_AIM_EXPECTED},
                  {KERF_ROBUST_REGRET, KERF_AIM_REGRET},
                  {KERF_ROBUST_CHANCE, KERF_AIM_CHANCE}};
    const double probability =
        has_probability(r->options.aim) ? r->options.probability : DEFAULT_PROBABILITY;
    double value;
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < sizeof others / sizeof *others; i++) {
        const bool chance = others[i].role == KERF_ROBUST_CHANCE;
        if (chance ? !(r->sample.deadline_s > 0) : !r->nominal)
            continue;
        const kerf_aim aim =
            chance && r->options.aim == KERF_AIM_CANTELLI ? KERF_AIM_CANTELLI : others[i].aim;
        const size_t entry = robust_sample_choose(&r->sample, aim, probability, &value);
        status = take(r, entry, others[i].role, err);
        if (entry != KERF_NONE && aim == r->options.aim)
            r->value = value;
    }
    const size_t best = r->search.best;
    if (status == KERF_OK && r->nominal)
        status = copy(r, best, r->search.solution.x, 0, KERF_ROBUST_NOMINAL, err);
    if (status != KERF_OK)
        return status;
    const kerf_robust_role mine = r->options.aim == KERF_AIM_NOMINAL    ? KERF_ROBUST_NOMINAL
                                  : r->options.aim == KERF_AIM_EXPECTED ? KERF_ROBUST_EXPECTED
                                  : r->options.aim == KERF_AIM_REGRET   ? KERF_ROBUST_REGRET
                                                                        : KERF_ROBUST_CHANCE;
    const selected *s = &r->chosen[mine];
    if (s->choice == KERF_NONE)
        return fail_chance(r, err);
    const size_t choice = s->choice;
    status = copy(r, choice, s->x, 0, KERF_ROBUST_PLAN, err);
    if (status == KERF_OK)
        status = copy(r, choice, NULL, 0, KERF_ROBUST_ALL_DEVICE, err);
    if (status == KERF_OK)
        status = copy(r, choice, NULL, 1, KERF_ROBUST_ALL_SERVER, err);
    return status;
}

/* --- rows --- */

/* What the chosen placements cost in every scenario: `n` values for each role. */
typedef struct columns {
    double *objective, *energy_J, *latency_s;
} columns;

static void fill_figures(const robust_run *r, const columns *c, kerf_robust_figures *f)
{
    const size_t n = r->sample.n;
    const double deadline = r->question->limits.deadline_s;
    robust_moments cost = {0}, energy = {0}, latency = {0}, regret = {0};
    size_t misses = 0;
    f->worst_regret = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double off = c->objective[i] - r->sample.best[i];
        robust_moments_add(&cost, c->objective[i]);
        robust_moments_add(&energy, c->energy_J[i]);
        robust_moments_add(&latency, c->latency_s[i]);
        robust_moments_add(&regret, off);
        f->worst_regret = fmax(f->worst_regret, off);
        misses += deadline > 0 && c->latency_s[i] > deadline * (1 + CUT_LIMIT_TOLERANCE);
    }
    f->mean = cost.mean;
    f->deviation = sqrt(robust_variance(&cost));
    f->standard_error = f->deviation / sqrt((double)n);
    f->mean_energy_J = energy.mean;
    f->mean_latency_s = latency.mean;
    f->mean_regret = regret.mean;
    f->miss = f->miss_low = f->miss_high = f->miss_cantelli = NAN;
    if (deadline > 0) {
        f->miss = (double)misses / (double)n;
        f->miss_cantelli = robust_cantelli(latency.mean, robust_variance(&latency), deadline);
        robust_share(misses, n, &f->miss_low, &f->miss_high);
    }
    f->p95 = robust_quantile(c->objective, n, 0.95);
    f->worst = c->objective[n - 1];
    f->p95_energy_J = robust_quantile(c->energy_J, n, 0.95);
    f->worst_energy_J = c->energy_J[n - 1];
    f->p95_latency_s = robust_quantile(c->latency_s, n, 0.95);
    f->worst_latency_s = c->latency_s[n - 1];
}

static kerf_status fill_row(const robust_run *r, const selected *s, kerf_robust_row *row,
                            kerf_error *err)
{
    const cut_choice *c = &r->search.choices.list[s->choice];
    const kerf_network *network = c->question.network;
    cut_value value;
    cut_evaluate_costs(&c->binding.problem, s->x, &value);
    row->exists = true;
    row->wire_bytes = value.up_bytes;
    row->device_operators = value.device_operators;
    row->encoding = c->encoding;
    row->variant = c->variant;
    snprintf(row->power_mode, sizeof row->power_mode, "%s", c->binding.device_mode->name);
    row->side = kerf_calloc(network->n_operators, sizeof *row->side);
    if (!row->side)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < network->n_operators; i++) {
        const size_t v = c->binding.index_of[i];
        row->side[i] = v == KERF_NONE ? KERF_SIDE_FREE
                       : s->x[v]      ? KERF_SIDE_SERVER
                                      : KERF_SIDE_DEVICE;
    }
    cut_choice_id(c, row->side, row->cut_id);
    return KERF_OK;
}

/* Prices what was chosen in every scenario once more, now keeping all figures. */
static kerf_status price_rows(robust_run *r, robust_pool *few, const size_t *entry, double *values,
                              kerf_robust_row *rows, kerf_error *err)
{
    const size_t n = r->sample.n;
    robust_world world = {0};
    kerf_status status = robust_world_create(r->question, &world, err);
    if (status != KERF_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        robust_draw_world(&r->draw, i, &world);
        robust_pool_look(few, &world);
        for (size_t k = 0; k < KERF_ROBUST_ROLES; k++) {
            robust_cost cost;
            if (entry[k] == KERF_NONE)
                continue;
            robust_pool_price(few, entry[k], &cost);
            values[(3 * k) * n + i] = cost.objective;
            values[(3 * k + 1) * n + i] = cost.energy_J;
            values[(3 * k + 2) * n + i] = cost.latency_s;
        }
    }
    robust_world_clear(&world);
    if (few->out_of_memory)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for measured groups");
    for (size_t k = 0; k < KERF_ROBUST_ROLES; k++) {
        const columns c = {values + 3 * k * n, values + (3 * k + 1) * n, values + (3 * k + 2) * n};
        if (entry[k] != KERF_NONE)
            fill_figures(r, &c, &rows[k].figures);
    }
    return KERF_OK;
}

static kerf_status fill_rows(robust_run *r, kerf_robust *out, kerf_error *err)
{
    const size_t n = r->sample.n;
    size_t entry[KERF_ROBUST_ROLES];
    robust_pool few = {0};
    double *values = kerf_calloc(n, (size_t)3 * KERF_ROBUST_ROLES * sizeof *values);
    kerf_status status = robust_pool_begin(&r->search.choices, &r->draw.variety, &few, err);
    if (status == KERF_OK && !values)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu scenarios", n);
    for (size_t k = 0; status == KERF_OK && k < KERF_ROBUST_ROLES; k++) {
        const selected *s = &r->chosen[k];
        entry[k] = KERF_NONE;
        if (s->choice == KERF_NONE)
            continue;
        status = robust_pool_add(&few, s->choice, s->x, err);
        if (status == KERF_OK)
            status = fill_row(r, s, &out->rows[k], err);
        entry[k] = status == KERF_OK ? robust_pool_find(&few, s->choice, s->x) : KERF_NONE;
    }
    if (status == KERF_OK)
        status = robust_pool_end(&few, err);
    if (status == KERF_OK)
        status = price_rows(r, &few, entry, values, out->rows, err);
    robust_pool_clear(&few);
    free(values);
    return status;
}

/* --- the plan --- */

/* Describes the chosen placement as the search's answer. Its break-even rates would be those of
 * another question. */
static kerf_status describe(robust_run *r, kerf_robust *out, kerf_error *err)
{
    plan_search *s = &r->search;
    const selected *mine = &r->chosen[KERF_ROBUST_PLAN];
    const double solved = cut_clock_s();
    out->plan = kerf_calloc(1, sizeof *out->plan);
    if (!out->plan)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    const bool nominal = r->options.aim == KERF_AIM_NOMINAL;
    if (!nominal) {
        const cut_problem *p = &s->choices.list[mine->choice].binding.problem;
        cut_value value;
        cut_evaluate_costs(p, mine->x, &value);
        s->best = mine->choice;
        s->solution = (cut_solution){.x = mine->x,
                                     .objective = value.objective,
                                     .bound = value.objective,
                                     .examined = r->pool.examined,
                                     .solver = KERF_SOLVER_EXHAUSTIVE};
        r->asked.no_break_even = true;
        r->asked.compare_choices = false;
    }
    const kerf_status status = plan_describe(s, out->plan, err);
    out->plan->solve_time_s = solved - r->start;
    out->value = nominal ? out->plan->cost.objective : r->value;
    if (!nominal) {
        out->plan->optimal = out->complete;
        out->plan->bound = out->complete ? out->value : 0;
        out->plan->gap = out->complete ? 0 : 1;
    }
    return status;
}

static kerf_status run(robust_run *r, kerf_robust **robust, kerf_error *err)
{
    kerf_status status = check_options(r, err);
    if (status == KERF_OK)
        status = robust_draw_create(r->question, &r->options, &r->draw, err);
    if (status == KERF_OK)
        status = search(r, err);
    if (status == KERF_OK) {
        r->draw.variety.deadline = true;
        status = gather(r, err);
    }
    if (status != KERF_OK)
        return status;
    r->sample = (robust_sample){.draw = &r->draw,
                                .pool = &r->pool,
                                .n = r->options.samples,
                                .deadline_s = r->question->limits.deadline_s,
                                .options = &r->search.options};
    status = robust_sample_run(&r->sample, err);
    if (status == KERF_OK)
        status = choose(r, err);
    if (status != KERF_OK)
        return status;
    kerf_robust *out = kerf_calloc(1, sizeof *out);
    if (!out)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    out->aim = r->options.aim;
    out->scenarios = r->sample.n;
    out->stopped = r->sample.stopped;
    out->placements = r->pool.n;
    out->complete = r->pool.complete;
    status = fill_rows(r, out, err);
    if (status == KERF_OK)
        status = describe(r, out, err);
    if (status != KERF_OK) {
        kerf_robust_destroy(&out);
        return status;
    }
    *robust = out;
    return KERF_OK;
}

kerf_status kerf_robust_make(const kerf_question *question, const kerf_robust_options *options,
                             kerf_robust **robust, kerf_error *err)
{
    kerf_error_clear(err);
    robust_run r = {.question = question,
                    .options = *options,
                    .start = cut_clock_s(),
                    .search = {.best = KERF_NONE}};
    for (size_t k = 0; k < KERF_ROBUST_ROLES; k++)
        r.chosen[k].choice = KERF_NONE;
    const kerf_status status = run(&r, robust, err);
    for (size_t k = 0; k < KERF_ROBUST_ROLES; k++)
        free(r.chosen[k].x);
    robust_sample_clear(&r.sample);
    robust_pool_clear(&r.pool);
    robust_draw_clear(&r.draw);
    plan_search_clear(&r.search);
    return status;
}

void kerf_robust_destroy(kerf_robust **robust)
{
    if (!robust || !*robust)
        return;
    kerf_plan_destroy(&(*robust)->plan);
    for (size_t k = 0; k < KERF_ROBUST_ROLES; k++)
        free((*robust)->rows[k].side);
    free(*robust);
    *robust = NULL;
}
