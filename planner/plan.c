#include "planner/describe.h"
#include "planner/explain.h"
#include "planner/price.h"
#include "planner/search.h"
#include "planner/solve/clock.h"
#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGREE 1e-9 /* relative difference allowed between a solver's figure and the price */

const char *kerf_objective_name(kerf_objective objective)
{
    static const char *const names[] = {
#define NAME(code, name, unit) [code] = name,
        KERF_OBJECTIVE_LIST(NAME)
#undef NAME
    };
    return (size_t)objective < sizeof names / sizeof *names ? names[objective] : "?";
}

const char *kerf_objective_unit(kerf_objective objective)
{
    static const char *const units[] = {
#define UNIT(code, name, unit) [code] = unit,
        KERF_OBJECTIVE_LIST(UNIT)
#undef UNIT
    };
    return (size_t)objective < sizeof units / sizeof *units ? units[objective] : "?";
}

const char *kerf_solver_name(kerf_solver solver)
{
    static const char *const names[] = {[KERF_SOLVER_AUTO] = "auto",
                                        [KERF_SOLVER_EXHAUSTIVE] = "exhaustive",
                                        [KERF_SOLVER_MINCUT] = "mincut",
                                        [KERF_SOLVER_MILP] = "milp"};
    return (size_t)solver < sizeof names / sizeof *names ? names[solver] : "?";
}

/* --- what the caller sees --- */

static kerf_status describe_extremes(const cut_binding *b, kerf_plan *plan, kerf_error *err)
{
    uint8_t *x = kerf_calloc(b->problem.n, 1);
    if (!x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    kerf_status status = describe_placement(b, x, &plan->all_device, err);
    memset(x, 1, b->problem.n);
    if (status == KERF_OK)
        status = describe_placement(b, x, &plan->all_server, err);
    free(x);
    return status;
}

/* What there was no time for is left out. */
static kerf_status or_no_time(kerf_status status, bool *no_time, kerf_error *err)
{
    *no_time = status == KERF_E_TIME_LIMIT;
    if (*no_time)
        kerf_error_clear(err);
    return *no_time ? KERF_OK : status;
}

static kerf_status describe_alternatives(const cut_binding *b, const cut_options *options,
                                         const cut_solution *best, kerf_plan *plan, kerf_error *err)
{
    const size_t wanted = b->question->top > 1 ? b->question->top - 1 : 0;
    if (wanted == 0)
        return KERF_OK;
    uint8_t **others = NULL;
    size_t n = 0;
    kerf_status status = explain_alternatives(&b->problem, b->question->solver, options, best->x,
                                              wanted, &others, &n, err);
    status = or_no_time(status, &plan->no_time_for_alternatives, err);
    if (status != KERF_OK || n == 0) {
        free(others);
        return status;
    }
    plan->alternatives = kerf_calloc(n, sizeof *plan->alternatives);
    if (!plan->alternatives)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    for (size_t i = 0; status == KERF_OK && i < n; i++) {
        plan->n_alternatives = i + 1;
        status = describe_placement(b, others[i], &plan->alternatives[i], err);
    }
    for (size_t i = 0; i < n; i++)
        free(others[i]);
    free(others);
    return status;
}

/* --- the certificate --- */

/* What rounding may leave where measured groups take back large estimates. */
static double rounding_of(const cut_binding *b, const uint8_t *x)
{
    cut_problem apart = b->problem;
    cut_value value;
    if (apart.n_bundles == 0 || apart.objective == KERF_OBJ_THROUGHPUT)
        return 0;
    apart.n_bundles = 0;
    cut_evaluate_costs(&apart, x, &value);
    return 1e-13 * value.objective;
}

/* The plan's figures come from the price of its placement; the solver's must be the same. */
static kerf_status certify(const cut_binding *b, const cut_solution *best, kerf_plan *plan,
                           kerf_error *err)
{
    const bool inverse = b->question->objective == KERF_OBJ_THROUGHPUT;
    const double claimed = inverse ? 1 / best->objective : best->objective;
    const double price = plan->cost.objective;
    const bool both_infinite = isinf(claimed) && isinf(price);
    const double allowed = AGREE * fmax(fabs(claimed), fabs(price)) + rounding_of(b, best->x);
    if (!both_infinite && !(fabs(claimed - price) <= allowed))
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

/* --- the plan --- */

/* What binds the answer and where it changes: to another cut or to another combination. */
static kerf_status describe_limits(const plan_search *s, kerf_plan *plan, kerf_error *err)
{
    const cut_problem **problems = kerf_calloc(s->choices.n, sizeof *problems);
    double *bounds = kerf_calloc(s->choices.n, sizeof *bounds);
    if (!problems || !bounds) {
        free(problems);
        free(bounds);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    }
    size_t n = 1;
    for (size_t i = 0; i < s->choices.n; i++) {
        const size_t at = i == s->best ? 0 : n++;
        problems[at] = &s->choices.list[i].binding.problem;
        bounds[at] = s->prospects[i].bound;
    }
    kerf_status status = explain_binding(problems, n, s->solution.objective, &s->options,
                                         plan->binding, &plan->n_binding, err);
    status = or_no_time(status, &plan->no_time_for_binding, err);
    const bool wanted = !s->question->no_break_even;
    plan->no_time_for_break_even = wanted && !plan->optimal;
    if (status == KERF_OK && wanted && plan->optimal) {
        status =
            explain_break_even(problems, bounds, n, s->question->solver, &s->options, s->solution.x,
                               &plan->break_even_below_bps, &plan->break_even_above_bps, err);
        status = or_no_time(status, &plan->no_time_for_break_even, err);
    }
    free(problems);
    free(bounds);
    return status;
}

/* --- the best of every other power mode, encoding and variant --- */

/* One value of one dimension. */
typedef struct rival_key {
    kerf_dimension by;
    size_t value;
} rival_key;

static size_t value_of(const cut_choice *choice, kerf_dimension by)
{
    return by == KERF_BY_POWER_MODE ? choice->mode
           : by == KERF_BY_ENCODING ? choice->encoding
                                    : choice->variant;
}

static bool has_value(const cut_choice *choice, const void *context)
{
    const rival_key *key = context;
    return value_of(choice, key->by) == key->value;
}

static kerf_status describe_rival(plan_search *s, const cut_choice *sample, const rival_key *key,
                                  kerf_rival *rival, kerf_error *err)
{
    size_t best = KERF_NONE;
    kerf_status status = plan_search_best(s, has_value, key, &best, err);
    if (status != KERF_OK)
        return status;
    const cut_choice *choice = best == KERF_NONE ? sample : &s->choices.list[best];
    const cut_binding *b = &choice->binding;
    *rival = (kerf_rival){.by = key->by,
                          .feasible = best != KERF_NONE,
                          .encoding = choice->encoding,
                          .variant = choice->variant,
                          .accuracy = (double)NAN};
    snprintf(rival->power_mode, sizeof rival->power_mode, "%s", b->device_mode->name);
    if (best == KERF_NONE)
        return KERF_OK;
    if (s->prospects[best].answer.gap > CUT_GAP)
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "stopped before all choices were compared");
    const uint8_t *x = s->prospects[best].answer.x;
    kerf_side *side = describe_sides(b, x);
    if (!side)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    rival->accuracy = cut_choice_accuracy(choice, x);
    for (size_t v = 0; v < b->problem.n; v++)
        rival->device_operators += x[v] == 0;
    status =
        price_placement(b->question, b->device_mode, b->device, b->server, side, &rival->cost, err);
    free(side);
    return status;
}

/* The values of a dimension but the plan's own, in the order of the choices. */
static bool is_first_of_value(const plan_search *s, size_t i, kerf_dimension by)
{
    const size_t value = value_of(&s->choices.list[i], by);
    if (value == value_of(&s->choices.list[s->best], by))
        return false;
    for (size_t j = 0; j < i; j++)
        if (value_of(&s->choices.list[j], by) == value)
            return false;
    return true;
}

static kerf_status describe_rivals(plan_search *s, kerf_plan *plan, kerf_error *err)
{
    size_t n = 0;
    for (int d = 0; d < KERF_DIMENSIONS; d++)
        for (size_t i = 0; i < s->choices.n; i++)
            n += is_first_of_value(s, i, (kerf_dimension)d);
    plan->rivals = kerf_calloc(n, sizeof *plan->rivals);
    if (!plan->rivals)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    for (int d = 0; d < KERF_DIMENSIONS; d++)
        for (size_t i = 0; i < s->choices.n; i++) {
            if (!is_first_of_value(s, i, (kerf_dimension)d))
                continue;
            const rival_key key = {(kerf_dimension)d,
                                   value_of(&s->choices.list[i], (kerf_dimension)d)};
            const kerf_status status =
                describe_rival(s, &s->choices.list[i], &key, &plan->rivals[plan->n_rivals], err);
            if (status != KERF_OK)
                return status;
            plan->n_rivals++;
        }
    return KERF_OK;
}

static kerf_status explain(plan_search *s, kerf_plan *plan, kerf_error *err)
{
    const cut_binding *b = &s->choices.list[s->best].binding;
    plan->break_even_below_bps = NAN;
    plan->break_even_above_bps = NAN;
    kerf_status status = describe_extremes(b, plan, err);
    if (status == KERF_OK)
        status = describe_limits(s, plan, err);
    if (status == KERF_OK)
        status = describe_alternatives(b, &s->options, &s->solution, plan, err);
    if (status == KERF_OK && s->question->compare_choices)
        status = or_no_time(describe_rivals(s, plan, err), &plan->no_time_for_rivals, err);
    return status;
}

kerf_status plan_describe(plan_search *s, kerf_plan *plan, kerf_error *err)
{
    const cut_choice *choice = &s->choices.list[s->best];
    const cut_binding *b = &choice->binding;
    kerf_option_plan answer = {0};
    kerf_status status = describe_placement(b, s->solution.x, &answer, err);
    plan->side = answer.side;
    plan->cut = answer.cut;
    plan->cost = answer.cost;
    if (status == KERF_OK)
        status = certify(b, &s->solution, plan, err);
    if (status == KERF_OK)
        status = explain(s, plan, err);
    snprintf(plan->power_mode, sizeof plan->power_mode, "%s", b->device_mode->name);
    plan->encoding = choice->encoding;
    plan->variant = choice->variant;
    plan->accuracy = answer.accuracy;
    if (plan->side)
        cut_choice_id(choice, plan->side, plan->cut_id);
    plan->measured_device_operators = kerf_pricer_measured_latency(b->device);
    plan->measured_server_operators = kerf_pricer_measured_latency(b->server);
    return status;
}

kerf_status kerf_plan_make(const kerf_question *question, kerf_plan **plan, kerf_error *err)
{
    kerf_error_clear(err);
    const double start = cut_clock_s();
    plan_search s;
    kerf_plan *made = NULL;
    kerf_status status = plan_search_run(&s, question, start, err);
    const double solved = cut_clock_s();
    if (status != KERF_OK)
        goto out;
    made = kerf_calloc(1, sizeof *made);
    status = made ? plan_describe(&s, made, err) : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status != KERF_OK)
        goto out;
    made->solve_time_s = solved - start;
    *plan = made;
    made = NULL;
out:
    kerf_plan_destroy(&made);
    plan_search_clear(&s);
    return status;
}

kerf_question kerf_plan_question(const kerf_question *question, const kerf_plan *plan)
{
    kerf_question q = cut_choose(question, plan->power_mode, plan->encoding, plan->variant);
    q.pins = NULL;
    q.n_pins = 0;
    return q;
}

void kerf_plan_destroy(kerf_plan **plan)
{
    if (!plan || !*plan)
        return;
    kerf_plan *p = *plan;
    free(p->side);
    free(p->cut.tensors);
    describe_clear(&p->all_device);
    describe_clear(&p->all_server);
    for (size_t i = 0; i < p->n_alternatives; i++)
        describe_clear(&p->alternatives[i]);
    free(p->alternatives);
    free(p->rivals);
    free(p);
    *plan = NULL;
}
