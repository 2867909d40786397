#include "planner/tiers/tiers.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/choice.h"
#include "planner/describe.h"
#include "planner/explain.h"
#include "planner/solve/clock.h"
#include "planner/tiers/tiers_bind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CHOICES 100000
#define AGREE        1e-9 /* relative: how far a solver's price may be from the certificate's */

const char *kerf_tier_name(kerf_tier tier)
{
    static const char *const names[] = {"free", "device", "edge", "cloud"};
    return (size_t)tier < sizeof names / sizeof *names ? names[tier] : "?";
}

static kerf_tier *tiers_of(const tier_binding *b, const uint8_t *x)
{
    const size_t n = b->question->edge.network->n_operators;
    kerf_tier *tier = kerf_calloc(n, sizeof *tier);
    for (size_t i = 0; tier && i < n; i++) {
        const size_t v = b->first.index_of[i];
        tier[i] = v == KERF_NONE ? KERF_TIER_FREE : (kerf_tier)(KERF_TIER_DEVICE + x[v]);
    }
    return tier;
}

/* A placement that knows its question, and one of its two links. */
typedef struct placement {
    const tier_binding *binding;
    const kerf_tier *tier;
    int layer;
} placement;

static bool placement_crosses(const void *context, size_t tensor)
{
    const placement *p = context;
    return tier_crosses(p->binding, p->tier, p->layer, tensor);
}

static kerf_status cut_of(const tier_binding *b, const kerf_tier *tier, int layer, kerf_cut *cut)
{
    const placement p = {b, tier, layer};
    return describe_cut(&b->layer[0], placement_crosses, &p, cut);
}

/* --- the search, in every power mode and encoding that may be chosen --- */

/* One that may be chosen. */
typedef struct combination {
    kerf_tiers_question question; /* the one asked, with this filled in */
    size_t encoding;
    char label[128];
    tier_binding binding; /* borrows the question above */
} combination;

typedef struct search {
    const kerf_tiers_question *question;
    cut_options options;
    combination *list; /* does not move: bindings point into it */
    const char **labels;
    size_t n_encodings, n, best;
    cut_solution solution;
} search;

static void search_clear(search *s)
{
    for (size_t i = 0; s->list && i < s->n; i++)
        tier_binding_clear(&s->list[i].binding);
    free(s->list);
    free(s->labels);
    cut_solution_clear(&s->solution);
}

/* Power modes times encodings, as far as they are left open. */
static kerf_status bind_choice(search *s, size_t index, kerf_error *err)
{
    const kerf_question *q = &s->question->edge;
    combination *c = &s->list[index];
    const bool any = q->power_mode && strcmp(q->power_mode, "any") == 0;
    size_t mode = index / s->n_encodings;
    kerf_status status = any ? KERF_OK : cut_find_mode(q, &mode, err);
    if (status != KERF_OK)
        return status;
    const char *name = q->device->modes[mode].name;
    c->encoding = q->n_encodings > 0 ? index % s->n_encodings : KERF_NONE;
    c->question = *s->question;
    c->question.edge = cut_choose(q, name, c->encoding, KERF_NONE);
    const bool several = s->n_encodings > 1;
    const char *encoding = several ? q->encodings[c->encoding].name : "";
    if (!any)
        snprintf(c->label, sizeof c->label, "with encoding %.40s", encoding);
    else
        snprintf(c->label, sizeof c->label, "in power mode %.40s%s%.40s", name,
                 several ? ", encoding " : "", encoding);
    s->labels[index] = c->label;
    return tier_bind(&c->question, mode, &c->binding, err);
}

static kerf_status bind_choices(search *s, kerf_error *err)
{
    const kerf_question *q = &s->question->edge;
    kerf_status status = tier_check_question(s->question, err);
    if (status != KERF_OK)
        return status;
    const bool any = q->power_mode && strcmp(q->power_mode, "any") == 0;
    const size_t modes = any ? q->device->n_modes : 1;
    s->n_encodings = q->n_encodings > 0 ? q->n_encodings : 1;
    if (modes > MOST_CHOICES || s->n_encodings > MOST_CHOICES / modes)
        return kerf_fail(err, KERF_E_TOO_LARGE, "question",
                         "leaves more than %d combinations to choose from", MOST_CHOICES);
    s->n = modes * s->n_encodings;
    s->list = kerf_calloc(s->n, sizeof *s->list);
    s->labels = kerf_calloc(s->n, sizeof *s->labels);
    if (!s->list || !s->labels)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < s->n; i++)
        status = bind_choice(s, i, err);
    return status;
}

/* For explain_clash: the context is the search. */
static kerf_status solve_case(const explain_case *c, size_t i, const kerf_limits *limits,
                              bool closest, cut_value *value, double *violation, kerf_error *err)
{
    const search *s = c->context;
    tier_problem problem = s->list[i].binding.problem;
    cut_problem first = *problem.first;
    first.limits = *limits;
    problem.first = &first;
    cut_options options = *c->options;
    options.minimise_violation = closest;
    cut_solution found = {0};
    const kerf_status status = tier_solve(&problem, KERF_SOLVER_AUTO, &options, &found, err);
    if (status == KERF_OK) {
        tier_value priced;
        tier_evaluate(&problem, found.x, &priced);
        *value = priced.base;
        *violation = found.objective;
    }
    const bool proven = found.gap <= CUT_GAP;
    cut_solution_clear(&found);
    return status == KERF_OK && closest && !proven
               ? kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "no time is left")
               : status;
}

static void offer(search *s, size_t i, cut_solution *found)
{
    if (s->best == KERF_NONE || found->objective < s->solution.objective) {
        cut_solution_clear(&s->solution);
        s->solution = *found;
        s->best = i;
    } else {
        cut_solution_clear(found);
    }
}

/* Solves every combination and keeps the best answer; its bound is the least of all. */
static kerf_status solve_choices(search *s, kerf_error *err)
{
    double bound = INFINITY;
    kerf_error local = {0}, late = {0};
    for (size_t i = 0; i < s->n; i++) {
        cut_options options = s->options;
        if (options.deadline_s > 0) /* an equal share of the time that is left */
            options.time_limit_s =
                fmax(options.deadline_s - cut_clock_s(), 1e-9) / (double)(s->n - i);
        cut_solution found = {0};
        const kerf_status status = tier_solve(&s->list[i].binding.problem, s->question->edge.solver,
                                              &options, &found, &local);
        if (status == KERF_OK) {
            bound = fmin(bound, found.bound);
            offer(s, i, &found);
        } else if (status == KERF_E_TIME_LIMIT) {
            bound = 0; /* no cost is less */
            late = local;
        } else if (status != KERF_E_INFEASIBLE) {
            if (err)
                *err = local;
            return status;
        }
    }
    if (s->best != KERF_NONE) {
        if (bound < s->solution.bound)
            cut_solution_prove(&s->solution, s->solution.objective, bound);
        return KERF_OK;
    }
    if (late.code != KERF_OK) {
        if (err)
            *err = late;
        return KERF_E_TIME_LIMIT;
    }
    const explain_case c = {solve_case, s, s->labels, s->n, &s->options};
    return explain_clash(&c, &s->question->edge.limits, err);
}

/* --- the plan --- */

static kerf_status describe_extremes(const tier_binding *b, kerf_tiers_plan *plan, kerf_error *err)
{
    kerf_tiers_option *const ends[] = {&plan->all_device, &plan->all_edge, &plan->all_cloud};
    uint8_t *x = kerf_calloc(b->first.problem.n, 1);
    kerf_status status =
        x ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    for (int i = 0; status == KERF_OK && i < N_TIERS; i++) {
        tier_value value;
        memset(x, i, b->first.problem.n);
        tier_evaluate(&b->problem, x, &value);
        ends[i]->exists = tier_is_legal(&b->problem, x);
        ends[i]->feasible = ends[i]->exists && value.base.violation <= 0;
        kerf_tier *tier = tiers_of(b, x);
        status = tier ? tier_price(b, tier, &ends[i]->cost, err)
                      : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
        free(tier);
    }
    free(x);
    return status;
}

/* The plan's figures come from the price of its placement; the solver's must be the same. */
static kerf_status certify(const tier_binding *b, const cut_solution *best, kerf_tiers_plan *plan,
                           kerf_error *err)
{
    const bool inverse = b->question->edge.objective == KERF_OBJ_THROUGHPUT;
    const double claimed = inverse ? 1 / best->objective : best->objective;
    const double price = plan->cost.first.objective;
    const bool both_infinite = isinf(claimed) && isinf(price);
    if (!both_infinite && !(fabs(claimed - price) <= AGREE * fmax(fabs(claimed), fabs(price))))
        return kerf_fail(err, KERF_E_INTERNAL, "certificate",
                         "%s claims %.17g for a placement that is priced at %.17g",
                         kerf_solver_name(best->solver), claimed, price);
    plan->bound = inverse ? 1 / best->bound : best->bound;
    plan->gap = best->gap;
    plan->optimal = best->gap <= CUT_GAP;
    plan->solver = best->solver;
    plan->examined = best->examined;
    return KERF_OK;
}

static kerf_status fill_plan(const search *s, kerf_tiers_plan *plan, kerf_error *err)
{
    const tier_binding *b = &s->list[s->best].binding;
    plan->tier = tiers_of(b, s->solution.x);
    if (!plan->tier || cut_of(b, plan->tier, 1, &plan->cut) != KERF_OK ||
        cut_of(b, plan->tier, 2, &plan->cut2) != KERF_OK)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    kerf_status status = tier_price(b, plan->tier, &plan->cost, err);
    if (status == KERF_OK)
        status = certify(b, &s->solution, plan, err);
    if (status == KERF_OK)
        status = describe_extremes(b, plan, err);
    snprintf(plan->power_mode, sizeof plan->power_mode, "%s", b->mode[TIER_DEVICE]->name);
    plan->encoding = s->list[s->best].encoding;
    return status;
}

kerf_status kerf_tiers_make(const kerf_tiers_question *question, kerf_tiers_plan **plan,
                            kerf_error *err)
{
    kerf_error_clear(err);
    const double start = cut_clock_s();
    const double limit = question->edge.time_limit_s;
    search s = {.question = question,
                .best = KERF_NONE,
                .options = {.deadline_s = limit > 0 ? start + limit : 0,
                            .progress = question->edge.progress,
                            .progress_context = question->edge.progress_context}};
    kerf_tiers_plan *made = NULL;
    kerf_status status = bind_choices(&s, err);
    if (status == KERF_OK)
        status = solve_choices(&s, err);
    const double solved = cut_clock_s();
    if (status != KERF_OK)
        goto out;
    made = kerf_calloc(1, sizeof *made);
    status = made ? fill_plan(&s, made, err) : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status != KERF_OK)
        goto out;
    made->solve_time_s = solved - start;
    *plan = made;
    made = NULL;
out:
    kerf_tiers_destroy(&made);
    search_clear(&s);
    return status;
}

void kerf_tiers_destroy(kerf_tiers_plan **plan)
{
    if (!plan || !*plan)
        return;
    free((*plan)->tier);
    free((*plan)->cut.tensors);
    free((*plan)->cut2.tensors);
    free(*plan);
    *plan = NULL;
}

kerf_status kerf_tiers_price(const kerf_tiers_question *question, const kerf_tier *tier,
                             kerf_tiers_cost *cost, kerf_error *err)
{
    kerf_error_clear(err);
    size_t mode = 0;
    kerf_status status = tier_check_question(question, err);
    if (status == KERF_OK)
        status = cut_find_mode(&question->edge, &mode, err);
    if (status != KERF_OK)
        return status;
    tier_binding b;
    status = tier_bind(question, mode, &b, err);
    const kerf_network *net = question->edge.network;
    for (size_t i = 0; status == KERF_OK && i < net->n_operators; i++)
        if (!net->operators[i].constant &&
            (tier[i] < KERF_TIER_DEVICE || tier[i] > KERF_TIER_CLOUD))
            status = kerf_fail(err, KERF_E_INVALID, net->operators[i].name,
                               "is on no tier, expected device, edge or cloud");
    if (status == KERF_OK)
        status = tier_price(&b, tier, cost, err);
    tier_binding_clear(&b);
    return status;
}
