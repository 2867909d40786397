#include "planner/choice.h"
#include "planner/explain.h"
#include "planner/price.h"
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

/* --- from a solver's placement to what the caller sees --- */

static kerf_side *sides_of(const cut_binding *b, const uint8_t *x)
{
    const size_t n = b->question->network->n_operators;
    kerf_side *side = kerf_calloc(n, sizeof *side);
    for (size_t i = 0; side && i < n; i++) {
        const size_t v = b->index_of[i];
        side[i] = v == KERF_NONE ? KERF_SIDE_FREE : x[v] ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
    }
    return side;
}

typedef struct crossing_tensor {
    size_t producer_rank; /* 0 for network inputs, else 1 + operator */
    size_t tensor;
} crossing_tensor;

static int by_producer(const void *a, const void *b)
{
    const crossing_tensor *x = a, *y = b;
    if (x->producer_rank != y->producer_rank)
        return x->producer_rank < y->producer_rank ? -1 : 1;
    return (x->tensor > y->tensor) - (x->tensor < y->tensor);
}

static kerf_status cut_of(const kerf_question *q, const kerf_side *side, kerf_cut *cut)
{
    const kerf_network *net = q->network;
    const double input_total = cut_input_total(q);
    crossing_tensor *crossing = kerf_calloc(net->n_tensors, sizeof *crossing);
    size_t n = 0;
    for (size_t i = 0; crossing && i < net->n_tensors; i++)
        if (price_crosses(q, side, i))
            crossing[n++] = (crossing_tensor){net->tensors[i].producer + 1, i};
    cut->tensors = kerf_calloc(n, sizeof *cut->tensors);
    if (!crossing || !cut->tensors) {
        free(crossing);
        return KERF_E_NOMEM;
    }
    qsort(crossing, n, sizeof *crossing, by_producer);
    for (size_t i = 0; i < n; i++) {
        cut->tensors[i] = crossing[i].tensor;
        cut->bytes += net->tensors[crossing[i].tensor].bytes;
        cut->wire_bytes += cut_wire_share(q, crossing[i].tensor, input_total);
    }
    cut->n_tensors = n;
    free(crossing);
    return KERF_OK;
}

static kerf_status describe(const cut_binding *b, const uint8_t *x, kerf_option_plan *out,
                            kerf_error *err)
{
    cut_value value;
    cut_evaluate(&b->problem, x, &value);
    out->exists = cut_is_legal(&b->problem, x);
    out->feasible = out->exists && value.violation <= AGREE;
    out->side = sides_of(b, x);
    if (!out->side || cut_of(b->question, out->side, &out->cut) != KERF_OK)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    return price_placement(b->question, b->device_mode, b->device, b->server, out->side, &out->cost,
                           err);
}

static kerf_status describe_extremes(const cut_binding *b, kerf_plan *plan, kerf_error *err)
{
    uint8_t *x = kerf_calloc(b->problem.n, 1);
    if (!x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    kerf_status status = describe(b, x, &plan->all_device, err);
    memset(x, 1, b->problem.n);
    if (status == KERF_OK)
        status = describe(b, x, &plan->all_server, err);
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
    if (status != KERF_OK || n == 0)
        return status;
    plan->alternatives = kerf_calloc(n, sizeof *plan->alternatives);
    if (!plan->alternatives)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    for (size_t i = 0; status == KERF_OK && i < n; i++) {
        plan->n_alternatives = i + 1;
        status = describe(b, others[i], &plan->alternatives[i], err);
    }
    for (size_t i = 0; i < n; i++)
        free(others[i]);
    free(others);
    return status;
}

/* --- the certificate --- */

/* The plan's figures come from the price of its placement; the solver's must be the same. */
static kerf_status certify(const cut_binding *b, const cut_solution *best, kerf_plan *plan,
                           kerf_error *err)
{
    const bool inverse = b->question->objective == KERF_OBJ_THROUGHPUT;
    const double claimed = inverse ? 1 / best->objective : best->objective;
    const double price = plan->cost.objective;
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

/* --- the search, in every combination that may be chosen --- */

typedef struct search {
    const kerf_question *question;
    cut_options options; /* of all solves together */
    bool stopped;        /* by the caller */
    cut_choices choices;
    size_t best;           /* the choice of the answer */
    cut_solution solution; /* the answer, with the bound of all choices */
} search;

static void search_clear(search *s)
{
    cut_choices_clear(&s->choices);
    cut_solution_clear(&s->solution);
}

/* Asks the caller; who has said stop once is not asked again. */
static bool go_on(void *context, const char *what, double best, double bound)
{
    search *s = context;
    const kerf_question *q = s->question;
    s->stopped = s->stopped || !q->progress(q->progress_context, what, best, bound);
    return !s->stopped;
}

/* For all that a question takes, its search and its explanation. */
static cut_options options_of(search *s, double start)
{
    const kerf_question *q = s->question;
    return (cut_options){.deadline_s = q->time_limit_s > 0 ? start + q->time_limit_s : 0,
                         .progress = q->progress ? go_on : NULL,
                         .progress_context = s};
}

/* No choice has a feasible placement: says which limits clash in all of them. */
static kerf_status fail_infeasible(const search *s, kerf_error *err)
{
    const cut_problem **problems = kerf_calloc(s->choices.n, sizeof *problems);
    const char **names = kerf_calloc(s->choices.n, sizeof *names);
    kerf_status status = KERF_E_NOMEM;
    if (problems && names) {
        for (size_t i = 0; i < s->choices.n; i++) {
            problems[i] = &s->choices.list[i].binding.problem;
            names[i] = s->choices.list[i].label;
        }
        status = explain_infeasible(problems, names, s->choices.n, &s->options, err);
    } else {
        kerf_fail(err, status, NULL, "out of memory");
    }
    free(problems);
    free(names);
    return status;
}

/* The options for solving choice i: an equal share of the time that is left, and at least an
 * instant, so that each finds something. */
static cut_options share_of_time(const search *s, size_t i)
{
    cut_options options = s->options;
    if (options.deadline_s > 0)
        options.time_limit_s =
            fmax(options.deadline_s - cut_clock_s(), 1e-9) / (double)(s->choices.n - i);
    options.deadline_s = 0;
    return options;
}

/* Takes a choice's answer, and keeps it if it is the best so far. */
static void offer(search *s, size_t choice, cut_solution *found)
{
    if (s->best == KERF_NONE || found->objective < s->solution.objective) {
        cut_solution_clear(&s->solution);
        s->solution = *found;
        s->best = choice;
    } else {
        cut_solution_clear(found);
    }
}

/* Solves every choice and keeps the best answer. Its bound is the least of all bounds: a choice
 * that was not solved to its end may hold something better. */
static kerf_status solve_choices(search *s, kerf_error *err)
{
    double bound = INFINITY;
    bool stopped = false;
    kerf_error local = {0}, late = {0};
    for (size_t i = 0; i < s->choices.n; i++) {
        const cut_options options = share_of_time(s, i);
        const cut_problem *problem = &s->choices.list[i].binding.problem;
        cut_solution found = {0};
        const kerf_status status =
            cut_solve(problem, s->question->solver, &options, &found, &local);
        if (status == KERF_OK) {
            bound = fmin(bound, found.bound);
            offer(s, i, &found);
        } else if (status == KERF_E_TIME_LIMIT) {
            bound = 0; /* no cost is less */
            stopped = true;
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
    if (!stopped)
        return fail_infeasible(s, err);
    if (err)
        *err = late;
    return KERF_E_TIME_LIMIT;
}

/* --- the plan --- */

/* What binds the answer and where it changes: to another cut or to another combination. */
static kerf_status describe_limits(const search *s, kerf_plan *plan, kerf_error *err)
{
    const cut_problem **problems = kerf_calloc(s->choices.n, sizeof *problems);
    if (!problems)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    size_t n = 0;
    problems[n++] = &s->choices.list[s->best].binding.problem;
    for (size_t i = 0; i < s->choices.n; i++)
        if (i != s->best)
            problems[n++] = &s->choices.list[i].binding.problem;
    kerf_status status = explain_binding(problems, n, s->solution.objective, &s->options,
                                         plan->binding, &plan->n_binding, err);
    status = or_no_time(status, &plan->no_time_for_binding, err);
    const bool wanted = !s->question->no_break_even;
    plan->no_time_for_break_even = wanted && !plan->optimal;
    if (status == KERF_OK && wanted && plan->optimal) {
        status = explain_break_even(problems, n, s->question->solver, &s->options, s->solution.x,
                                    &plan->break_even_below_bps, &plan->break_even_above_bps, err);
        status = or_no_time(status, &plan->no_time_for_break_even, err);
    }
    free(problems);
    return status;
}

static kerf_status explain(const search *s, kerf_plan *plan, kerf_error *err)
{
    const cut_binding *b = &s->choices.list[s->best].binding;
    plan->break_even_below_bps = NAN;
    plan->break_even_above_bps = NAN;
    kerf_status status = describe_extremes(b, plan, err);
    if (status == KERF_OK)
        status = describe_limits(s, plan, err);
    if (status == KERF_OK)
        status = describe_alternatives(b, &s->options, &s->solution, plan, err);
    return status;
}

static kerf_status fill_plan(const search *s, kerf_plan *plan, kerf_error *err)
{
    const cut_choice *choice = &s->choices.list[s->best];
    const cut_binding *b = &choice->binding;
    kerf_option_plan answer = {0};
    kerf_status status = describe(b, s->solution.x, &answer, err);
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
    plan->accuracy = cut_choice_accuracy(choice, s->solution.x);
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
    search s = {.question = question, .best = KERF_NONE};
    s.options = options_of(&s, start);
    kerf_plan *made = NULL;
    kerf_status status = cut_choices_bind(question, &s.choices, err);
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
    kerf_plan_destroy(&made);
    search_clear(&s);
    return status;
}

kerf_question kerf_plan_question(const kerf_question *question, const kerf_plan *plan)
{
    kerf_question q = cut_choose(question, plan->power_mode, plan->encoding, plan->variant);
    q.pins = NULL;
    q.n_pins = 0;
    return q;
}

static void clear_option(kerf_option_plan *option)
{
    free(option->side);
    free(option->cut.tensors);
}

void kerf_plan_destroy(kerf_plan **plan)
{
    if (!plan || !*plan)
        return;
    kerf_plan *p = *plan;
    free(p->side);
    free(p->cut.tensors);
    clear_option(&p->all_device);
    clear_option(&p->all_server);
    for (size_t i = 0; i < p->n_alternatives; i++)
        clear_option(&p->alternatives[i]);
    free(p->alternatives);
    free(p);
    *plan = NULL;
}
