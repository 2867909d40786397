#include "planner/tiers/tiers_search.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/envelope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)1 << 32) /* of the open nodes together */

/* --- the open nodes: a heap --- */

static bool before(const tier_node *a, const tier_node *b)
{
    if (a->bound < b->bound || b->bound < a->bound)
        return a->bound < b->bound;
    return a->number > b->number;
}

static void sift_up(tier_node *nodes, size_t i)
{
    tier_node node = nodes[i];
    for (; i > 0 && before(&node, &nodes[(i - 1) / 2]); i = (i - 1) / 2)
        nodes[i] = nodes[(i - 1) / 2];
    nodes[i] = node;
}

static void sift_down(tier_node *nodes, size_t n, size_t i)
{
    tier_node node = nodes[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < n && before(&nodes[child + 1], &nodes[child]))
            child++;
        if (child >= n || !before(&nodes[child], &node))
            break;
        nodes[i] = nodes[child];
        i = child;
    }
    nodes[i] = node;
}

static bool take(tier_search *s, tier_node *node)
{
    if (s->n_nodes == 0)
        return false;
    *node = s->nodes[0];
    s->nodes[0] = s->nodes[--s->n_nodes];
    if (s->n_nodes > 0)
        sift_down(s->nodes, s->n_nodes, 0);
    return true;
}

static void drop_all(tier_search *s)
{
    for (size_t i = 0; i < s->n_nodes; i++)
        free(s->nodes[i].low);
    s->n_nodes = 0;
}

kerf_status tier_child(tier_search *s, const tier_node *parent, tier_node *child, kerf_error *err)
{
    size_t n = s->problem->first->n;
    *child = *parent;
    child->low = kerf_calloc(2 * n, 1);
    if (!child->low)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    child->high = child->low + n;
    memcpy(child->low, parent->low, n);
    memcpy(child->high, parent->high, n);
    return KERF_OK;
}

static bool narrow(const tier_search *s, tier_node *node)
{
    tier_problem here = *s->problem;
    if (node->edge == EDGE_UNUSED)
        here.allowed = s->no_edge;
    return tier_narrow(&here, &s->dag, node->low, node->high);
}

kerf_status tier_add(tier_search *s, tier_node *child, kerf_error *err)
{
    size_t most = MOST_BYTES / (2 * s->problem->first->n + sizeof *child);
    if (!narrow(s, child)) {
        free(child->low);
        return KERF_OK;
    }
    if (kerf_reserve(&s->nodes, &s->capacity, s->n_nodes + 1, most, sizeof *s->nodes) != 0) {
        free(child->low);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu nodes of branch and bound",
                         s->n_nodes + 1);
    }
    child->number = s->made++;
    s->nodes[s->n_nodes++] = *child;
    sift_up(s->nodes, s->n_nodes - 1);
    return KERF_OK;
}

kerf_status tier_split_bytes(tier_search *s, const tier_node *node, tier_transfer transfer,
                             double bytes, kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (int half = 0; half < 2 && status == KERF_OK; half++) {
        tier_node child;
        status = tier_child(s, node, &child, err);
        if (status != KERF_OK)
            break;
        *(half ? &child.range[transfer].low : &child.range[transfer].high) = bytes;
        status = tier_add(s, &child, err);
    }
    return status;
}

kerf_status tier_split_operator(tier_search *s, const tier_node *node, size_t v, int first,
                                kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (int i = N_TIERS; i-- > 0 && status == KERF_OK;) { /* the newest of equals comes first */
        int tier = i == 0 ? first : i <= first ? i - 1 : i;
        tier_node child;
        if (tier < node->low[v] || tier > node->high[v])
            continue;
        status = tier_child(s, node, &child, err);
        if (status != KERF_OK)
            break;
        child.low[v] = child.high[v] = (uint8_t)tier;
        status = tier_add(s, &child, err);
    }
    return status;
}

kerf_status tier_split_edge(tier_search *s, const tier_node *node, kerf_error *err)
{
    static const tier_edge ways[] = {EDGE_UNUSED, EDGE_USED};
    kerf_status status = KERF_OK;
    for (int i = 0; i < 2 && status == KERF_OK; i++) {
        tier_node child;
        status = tier_child(s, node, &child, err);
        if (status != KERF_OK)
            break;
        child.edge = ways[i];
        status = tier_add(s, &child, err);
    }
    return status;
}

kerf_status tier_split_use(tier_search *s, const tier_node *node, tier_transfer transfer,
                           kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (int used = 0; used < 2 && status == KERF_OK; used++) {
        tier_node child;
        status = tier_child(s, node, &child, err);
        if (status != KERF_OK)
            break;
        *(used ? &child.range[transfer].low : &child.range[transfer].high) =
            used ? s->least[transfer] : 0;
        status = tier_add(s, &child, err);
    }
    return status;
}

/* --- chords --- */

bool tier_fixed_is_paid(const tier_node *node, int layer)
{
    return node->range[layer == 1 ? UP1 : UP2].low > 0 ||
           node->range[layer == 1 ? DOWN1 : DOWN2].low > 0;
}

tier_transfer tier_fixed_carrier(const tier_node *node, int layer)
{
    tier_transfer up = layer == 1 ? UP1 : UP2, down = layer == 1 ? DOWN1 : DOWN2;
    return node->range[up].high > 0 ? up : down;
}

void tier_chord(const tier_search *s, const tier_node *node, tier_transfer transfer, double *fixed,
                double *slope)
{
    const tier_range *r = &node->range[transfer];
    int layer = tier_layer(transfer);
    *fixed = *slope = 0;
    if (r->high <= 0)
        return;
    double at_high = tier_transfer_cost(s->problem, &s->weights, transfer, r->high);
    if (r->low <= 0) {
        if (!tier_fixed_is_paid(node, layer) && tier_fixed_carrier(node, layer) == transfer)
            at_high += tier_fixed_cost(s->problem, &s->weights, layer);
        *slope = at_high / r->high;
        return;
    }
    double at_low = tier_transfer_cost(s->problem, &s->weights, transfer, r->low);
    *slope = r->high > r->low ? fmax(0, (at_high - at_low) / (r->high - r->low))
                              : tier_transfer_slope(s->problem, &s->weights, transfer, r->low);
    *fixed = at_low - *slope * r->low;
}

/* --- the search --- */

static double goal_value(const tier_search *s, const tier_value *value)
{
    if (s->goal == TIER_VIOLATION)
        return value->base.violation;
    return s->goal == TIER_SLOWEST ? value->base.slowest_s : tier_weighted(&s->weights, value);
}

void tier_examine(tier_search *s, const uint8_t *x, tier_value *value)
{
    bool relaxed = s->goal == TIER_VIOLATION;
    tier_evaluate_costs(s->problem, x, value);
    if (s->problem->first->limits.memory_bytes > 0) {
        value->base.memory_bytes = cut_memory_bytes(s->problem->first, x);
        value->base.violation = cut_violation(&s->problem->first->limits, &value->base);
    }
    if ((value->base.violation > 0 && !relaxed) || !tier_is_legal(s->problem, x))
        return;
    double goal = goal_value(s, value);
    double mine = relaxed ? value->base.violation : value->base.objective;
    if (goal < s->goal_best) {
        s->goal_best = goal;
        s->at_goal = *value;
    }
    if (!s->found || mine < s->best) {
        s->found = true;
        s->best = mine;
        if (s->best_x != x)
            memcpy(s->best_x, x, s->problem->first->n);
    }
}

bool tier_worth(const tier_search *s, double bound)
{
    return bound < s->goal_best * (1 - TIER_TOLERANCE);
}

/* As near the device, and as near the cloud, as may be: always legal. */
static void examine_extremes(tier_search *s)
{
    tier_value value;
    const uint8_t *ends[] = {s->root.low, s->root.high};
    s->goal_size = s->most_excess = 0;
    for (int i = 0; i < 2; i++) {
        tier_examine(s, ends[i], &value);
        s->goal_size = fmax(s->goal_size, goal_value(s, &value));
        s->most_excess = fmax(s->most_excess, value.base.violation);
    }
    if (s->found)
        tier_examine(s, s->best_x, &value);
}

void tier_look_around(tier_search *s, double bound)
{
    const cut_options *o = s->options;
    s->stopped = (s->deadline > 0 && cut_clock_s() > s->deadline) ||
                 (o->progress && !o->progress(o->progress_context, s->name, s->best, bound));
}

/* Minimises the goal: s->bound, s->goal_best and s->at_goal. */
static kerf_status solve_goal(tier_search *s, kerf_error *err)
{
    tier_node node;
    s->goal_best = INFINITY;
    examine_extremes(s);
    s->bound = INFINITY; /* the least of what is left out */
    kerf_status status = tier_child(s, &s->root, &node, err);
    if (status == KERF_OK)
        status = tier_add(s, &node, err);
    while (status == KERF_OK && take(s, &node)) {
        if (s->stopped || !tier_worth(s, node.bound)) { /* nor are all others */
            s->bound = fmin(s->bound, node.bound);
            free(node.low);
            break;
        }
        tier_look_around(s, node.bound);
        s->examined++;
        status = s->expand(s, &node, err);
        s->bound = fmin(s->bound, node.bound);
        free(node.low);
    }
    drop_all(s);
    s->bound = fmin(s->bound, s->goal_best);
    return status;
}

/* edp: the point (energy, latency) that a weighted sum of both is least at. */
static kerf_status weigh(void *context, double a, double b, envelope_point *point, kerf_error *err)
{
    tier_search *s = context;
    s->weights = (cut_weights){.energy = a, .latency = b};
    kerf_status status = solve_goal(s, err);
    if (status == KERF_OK && !s->found && !s->stopped)
        return kerf_fail(err, KERF_E_INFEASIBLE, "limits", "no placement keeps every limit");
    *point = (envelope_point){s->at_goal.base.energy_J, s->at_goal.base.latency_s,
                              s->found ? s->bound : 0};
    return status;
}

static double product(void *context, double p, double q)
{
    (void)context;
    return p * q;
}

static bool stopped(void *context)
{
    const tier_search *s = context;
    return s->stopped;
}

static kerf_status minimise(tier_search *s, double *bound, kerf_error *err)
{
    if (s->goal == TIER_SUM && !cut_objective_weights(s->problem->first, &s->weights)) {
        envelope e = {weigh, product, stopped, s, {1, 0}, {0, 1}, &s->best, TIER_TOLERANCE};
        return envelope_minimise(&e, bound, err);
    }
    kerf_status status = solve_goal(s, err);
    *bound = s->bound;
    return status;
}

kerf_status tier_search_start(tier_search *s, const tier_problem *problem,
                              const cut_options *options, kerf_error *err)
{
    static const cut_options none = {.top = 0};
    size_t n = problem->first->n;
    s->problem = problem;
    s->options = options ? options : &none;
    s->best = INFINITY;
    s->goal = s->options->minimise_violation                     ? TIER_VIOLATION
              : problem->first->objective == KERF_OBJ_THROUGHPUT ? TIER_SLOWEST
                                                                 : TIER_SUM;
    if (s->options->time_limit_s > 0)
        s->deadline = cut_clock_s() + s->options->time_limit_s;
    if (s->options->deadline_s > 0)
        s->deadline =
            s->deadline > 0 ? fmin(s->deadline, s->options->deadline_s) : s->options->deadline_s;
    kerf_status status = cut_dag_create(problem->first, &s->dag, err);
    if (status != KERF_OK)
        return status;
    s->root.low = kerf_calloc(2 * n, 1);
    s->no_edge = kerf_calloc(n, 1);
    s->x = kerf_calloc(n, 1);
    s->best_x = kerf_calloc(n, 1);
    if (!s->root.low || !s->no_edge || !s->x || !s->best_x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    s->root.high = s->root.low + n;
    memset(s->root.high, TIER_CLOUD, n);
    for (size_t v = 0; v < n; v++)
        s->no_edge[v] = (uint8_t)((problem->allowed ? problem->allowed[v] : 7U) & 5U);
    for (int t = 0; t < N_TRANSFERS; t++)
        tier_byte_range(problem, (tier_transfer)t, &s->least[t], &s->root.range[t].high);
    if (!narrow(s, &s->root))
        return kerf_fail(err, KERF_E_INFEASIBLE, "pins",
                         "no placement keeps the pins: data never flows back");
    return KERF_OK;
}

void tier_search_clear(tier_search *s)
{
    drop_all(s);
    free(s->nodes);
    cut_dag_clear(&s->dag);
    free(s->root.low);
    free(s->no_edge);
    free(s->x);
    free(s->best_x);
}

kerf_status tier_search_finish(tier_search *s, kerf_solver solver, double bound,
                               cut_solution *solution, kerf_error *err)
{
    if (!s->found)
        return s->stopped
                   ? kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                               "no placement that keeps every limit was found in time")
                   : kerf_fail(err, KERF_E_INFEASIBLE, "limits", "no placement keeps every limit");
    *solution = (cut_solution){.x = s->best_x, .examined = s->examined, .solver = solver};
    cut_solution_prove(solution, s->best, bound);
    s->best_x = NULL;
    return KERF_OK;
}

kerf_status tier_search_run(tier_search *s, kerf_solver solver, cut_solution *solution,
                            kerf_error *err)
{
    double bound = 0;
    kerf_status status = minimise(s, &bound, err);
    return status == KERF_OK ? tier_search_finish(s, solver, bound, solution, err) : status;
}
