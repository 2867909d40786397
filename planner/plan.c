#include "planner/bind.h"
#include "planner/explain.h"
#include "planner/price.h"
#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
        cut->wire_bytes += cut_wire_bytes(q, crossing[i].tensor);
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
    if (status != KERF_OK)
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

/* --- the plan --- */

static cut_options options_of(const kerf_question *q)
{
    return (cut_options){.time_limit_s = q->time_limit_s,
                         .progress = q->progress,
                         .progress_context = q->progress_context};
}

/* Whether the power mode is the planner's to choose. */
static bool any_mode(const kerf_question *q)
{
    return q->power_mode && strcmp(q->power_mode, "any") == 0 && q->device &&
           q->device->n_modes > 0;
}

/* Where the answer changes: to another cut or, if any will do, to another power mode. */
static kerf_status describe_break_even(const cut_binding *b, const cut_options *options,
                                       const uint8_t *x, kerf_plan *plan, kerf_error *err)
{
    const kerf_device *device = b->question->device;
    const size_t n = any_mode(b->question) ? device->n_modes : 1;
    cut_binding *others = kerf_calloc(n, sizeof *others);
    const cut_problem **problems = kerf_calloc(n, sizeof *problems);
    kerf_status status = KERF_OK;
    size_t bound = 0;
    if (!others || !problems) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
        goto out;
    }
    problems[0] = &b->problem;
    for (size_t m = 0; n > 1 && m < n; m++) {
        if (&device->modes[m] == b->device_mode)
            continue;
        status = cut_bind(b->question, m, &others[bound], err);
        if (status != KERF_OK)
            goto out;
        problems[bound + 1] = &others[bound].problem;
        bound++;
    }
    status = explain_break_even(problems, bound + 1, b->question->solver, options, x,
                                &plan->break_even_below_bps, &plan->break_even_above_bps, err);
out:
    for (size_t i = 0; others && i < bound; i++)
        cut_binding_clear(&others[i]);
    free(others);
    free(problems);
    return status;
}

static kerf_status explain(const cut_binding *b, const cut_options *options,
                           const cut_solution *best, kerf_plan *plan, kerf_error *err)
{
    kerf_status status = describe_extremes(b, plan, err);
    if (status == KERF_OK)
        status = describe_alternatives(b, options, best, plan, err);
    if (status == KERF_OK)
        status = explain_binding(&b->problem, options, plan->binding, &plan->n_binding, err);
    plan->break_even_below_bps = NAN;
    plan->break_even_above_bps = NAN;
    if (status == KERF_OK && plan->optimal && !b->question->no_break_even)
        status = describe_break_even(b, options, best->x, plan, err);
    return status;
}

static kerf_status fill_plan(const cut_binding *b, const cut_options *options,
                             const cut_solution *best, kerf_plan *plan, kerf_error *err)
{
    kerf_option_plan answer = {0};
    kerf_status status = describe(b, best->x, &answer, err);
    plan->side = answer.side;
    plan->cut = answer.cut;
    plan->cost = answer.cost;
    if (status == KERF_OK)
        status = certify(b, best, plan, err);
    if (status == KERF_OK)
        status = explain(b, options, best, plan, err);
    snprintf(plan->power_mode, sizeof plan->power_mode, "%s", b->device_mode->name);
    plan->measured_device_operators = kerf_pricer_measured_latency(b->device);
    plan->measured_server_operators = kerf_pricer_measured_latency(b->server);
    return status;
}

static kerf_status plan_in_mode(const kerf_question *q, size_t mode, kerf_plan **plan,
                                kerf_error *err)
{
    const double start = now_s();
    const cut_options options = options_of(q);
    cut_binding b = {0};
    cut_solution best = {0};
    kerf_plan *made = NULL;
    kerf_status status = cut_bind(q, mode, &b, err);
    if (status != KERF_OK)
        return status;
    status = cut_solve(&b.problem, q->solver, &options, &best, err);
    const double solved = now_s();
    if (status == KERF_E_INFEASIBLE) {
        kerf_error_clear(err);
        status = explain_infeasible(&b.problem, &options, err);
    }
    if (status != KERF_OK)
        goto out;
    made = kerf_calloc(1, sizeof *made);
    if (!made) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    status = fill_plan(&b, &options, &best, made, err);
    if (status != KERF_OK)
        goto out;
    made->solve_time_s = solved - start;
    *plan = made;
    made = NULL;
out:
    kerf_plan_destroy(&made);
    cut_solution_clear(&best);
    cut_binding_clear(&b);
    return status;
}

static bool is_better(const kerf_question *q, const kerf_plan *a, const kerf_plan *b)
{
    return q->objective == KERF_OBJ_THROUGHPUT ? a->cost.objective > b->cost.objective
                                               : a->cost.objective < b->cost.objective;
}

/* Every power mode is solved exactly; the answer is the best of them. */
static kerf_status best_mode(const kerf_question *q, size_t *mode, kerf_error *err)
{
    kerf_question quick = *q;
    quick.top = 0;
    quick.no_break_even = true;
    kerf_plan *best = NULL;
    kerf_status infeasible = KERF_OK;
    for (size_t m = 0; m < q->device->n_modes; m++) {
        kerf_plan *plan = NULL;
        kerf_error local = {0};
        const kerf_status status = plan_in_mode(&quick, m, &plan, &local);
        if (status != KERF_OK && (status != KERF_E_INFEASIBLE || infeasible == KERF_OK) && err)
            *err = local;
        if (status == KERF_E_INFEASIBLE) {
            infeasible = status;
        } else if (status != KERF_OK) {
            kerf_plan_destroy(&best);
            return status;
        } else if (!best || is_better(q, plan, best)) {
            kerf_plan_destroy(&best);
            best = plan;
            *mode = m;
        } else {
            kerf_plan_destroy(&plan);
        }
    }
    const bool found = best != NULL;
    kerf_plan_destroy(&best);
    if (found)
        kerf_error_clear(err);
    return found ? KERF_OK : infeasible;
}

kerf_status kerf_plan_make(const kerf_question *question, kerf_plan **plan, kerf_error *err)
{
    kerf_error_clear(err);
    size_t mode = 0;
    const kerf_status status =
        any_mode(question) ? best_mode(question, &mode, err) : cut_find_mode(question, &mode, err);
    if (status != KERF_OK)
        return status;
    return plan_in_mode(question, mode, plan, err);
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
