#include "planner/solve/cutgraph.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/cutgraph_shape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static kerf_status create(const cut_problem *problem, const cut_dag *dag, const uint8_t *side,
                          bool closed, bool surcharged, cut_graph **graph, kerf_error *err)
{
    cut_graph *g = kerf_calloc(1, sizeof *g);
    if (g) {
        g->problem = problem;
        g->closed = closed;
        g->codec = cut_has_codec(problem);
        g->surcharged = surcharged;
        cut_graph_count_room(g);
    }
    if (!g || g->arc_capacity > 1U << 30 || g->node_capacity > 1U << 30 || !cut_graph_allocate(g)) {
        bool large = g && (g->arc_capacity > 1U << 30 || g->node_capacity > 1U << 30);
        cut_graph_destroy(&g);
        return large ? kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                                 "%zu operators need more than 2^30 arcs", problem->n)
                     : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators",
                                 problem->n);
    }
    memcpy(g->side, side, problem->n);
    cut_graph_lay_out(g, dag);
    kerf_status status = reduction_create(g->n_nodes, g->n_arcs, g->arcs, &g->reduced, err);
    if (status == KERF_OK)
        *graph = g;
    else
        cut_graph_destroy(&g);
    return status;
}

kerf_status cut_graph_create(const cut_problem *problem, const cut_dag *dag, const uint8_t *side,
                             bool closed, cut_graph **graph, kerf_error *err)
{
    return create(problem, dag, side, closed, false, graph, err);
}

kerf_status cut_graph_create_surcharged(const cut_problem *problem, const cut_dag *dag,
                                        const uint8_t *side, bool closed, cut_graph **graph,
                                        kerf_error *err)
{
    return create(problem, dag, side, closed, true, graph, err);
}

void cut_graph_destroy(cut_graph **graph)
{
    cut_graph *g = *graph;
    if (!g)
        return;
    reduction_destroy(&g->reduced);
    free(g->side);
    free(g->paid);
    free(g->held_at);
    free(g->node);
    free(g->node_down);
    free(g->arcs);
    free(g->arc_bytes);
    free(g->group_arc);
    free(g->bundle_node);
    free(g->bundle_fixed);
    free(g->priced);
    free(g->on_server);
    free(g->stack);
    free(g->seen);
    for (int end = 0; end < 2; end++) {
        free(g->node_bytes[end]);
        free(g->cost[end]);
        free(g->node_codec[end]);
    }
    free(g->arc_codec);
    free(g);
    *graph = NULL;
}

static double priced_cost(const cut_prices *prices, const cut_cost *cost)
{
    return prices->device_s * cost->device_s + prices->device_J * cost->device_J +
           prices->server_s * cost->server_s + prices->server_J * cost->server_J;
}

/* What the codec takes, beside bytes; returns what is paid in any case. */
static double price_codec(cut_graph *g, const cut_prices *prices)
{
    for (int end = 0; end < 2; end++)
        for (size_t i = 0; i < g->n_nodes; i++)
            g->cost[end][i] += priced_cost(prices, &g->node_codec[end][i]);
    for (size_t a = 0; a < g->n_arcs; a++)
        g->priced[a] += priced_cost(prices, &g->arc_codec[a]);
    return priced_cost(prices, &g->fixed_codec);
}

bool cut_graph_can(const cut_problem *problem, const cut_prices *prices)
{
    for (size_t i = 0; i < problem->n_bundles; i++) {
        const cut_bundle *bundle = &problem->bundles[i];
        const cut_cost *c = &bundle->cost;
        if (bundle->n > 1 && ((prices->device_s > 0 && c->device_s > 0) ||
                              (prices->device_J > 0 && c->device_J > 0) ||
                              (prices->server_s > 0 && c->server_s > 0) ||
                              (prices->server_J > 0 && c->server_J > 0)))
            return false;
    }
    return true;
}

/* A group's table onto the chain of its free operators; returns what is paid in any case. */
static double price_group(cut_graph *g, const cut_prices *prices, size_t index)
{
    const cut_group *group = &g->problem->groups[index];
    size_t low, high;
    cut_graph_free_members(g, group, &low, &high);
    double first = priced_cost(prices, &group->table[low]);
    if (low == high)
        return first;
    g->cost[SERVER_END][g->node[group->operators[low]]] += first;
    for (size_t i = low + 1; i < high; i++)
        g->priced[g->group_arc[index] + (i - low - 1)] += priced_cost(prices, &group->table[i]);
    g->cost[DEVICE_END][g->node[group->operators[high - 1]]] +=
        priced_cost(prices, &group->table[high]);
    return 0;
}

/* What is saved is paid by whoever does not save it; returns what is paid in any case. */
static double price_bundle(cut_graph *g, const cut_prices *prices, size_t index)
{
    const cut_bundle *bundle = &g->problem->bundles[index];
    const double cost = priced_cost(prices, &bundle->cost);
    const int end = bundle->side == KERF_SIDE_DEVICE ? DEVICE_END : SERVER_END;
    const uint32_t node = g->bundle_node[index];
    if (g->bundle_fixed[index] || (node != CUT_NO_NODE && cost < 0)) {
        if (node != CUT_NO_NODE)
            g->cost[!end][node] -= cost;
        return cost;
    }
    if (node != CUT_NO_NODE)
        g->cost[end][node] += cost;
    return 0;
}

static double price_part(cut_graph *g, const cut_prices *prices, const cut_cost *part, int end)
{
    double cost = priced_cost(prices, part);
    if (g->part_node[end] != CUT_NO_NODE)
        g->cost[end][g->part_node[end]] += cost;
    return g->part_fixed[end] ? cost : 0;
}

static double surcharge(cut_graph *g, const payment *where, double price)
{
    if (where->kind == ON_ARC)
        g->priced[where->index] += price;
    else if (where->kind != ALWAYS && where->kind != NEVER)
        g->cost[where->kind == AT_DEVICE_END ? DEVICE_END : SERVER_END][where->index] += price;
    return where->kind == ALWAYS ? price : 0;
}

/* Returns what is paid in any case. */
static double add_surcharges(cut_graph *g, const cut_surcharges *s)
{
    const cut_problem *p = g->problem;
    const double *by_end[2] = {s->on_device, s->on_server};
    double fixed = 0;
    for (int end = 0; end < 2; end++)
        for (size_t v = 0; v < p->n && by_end[end]; v++) {
            if (cut_graph_is_free(g, v))
                g->cost[end][g->node[v]] += by_end[end][v];
            else if ((g->side[v] == KERF_SIDE_SERVER) == (end == SERVER_END))
                fixed += by_end[end][v];
        }
    for (size_t t = 0; t < p->n_tensors && g->surcharged && s->crossing; t++)
        fixed += surcharge(g, &g->paid[t], s->crossing[t]);
    for (size_t w = 0; w < p->n_weights && g->surcharged && s->held; w++)
        fixed += surcharge(g, &g->held_at[w], s->held[w]);
    return fixed;
}

/* No minimum cut holds what costs more than a whole side: such costs are cut down to twice that, so
 * that figures far beyond the answer's own size do not drown it in rounding. */
static void cap_costs(cut_graph *g)
{
    double side[2] = {0, 0};
    for (int end = 0; end < 2; end++)
        for (size_t i = 0; i < g->n_nodes; i++)
            side[end] += g->cost[end][i];
    const double most = 2 * fmin(side[0], side[1]);
    if (!(most > 0))
        return;
    for (int end = 0; end < 2; end++)
        for (size_t i = 0; i < g->n_nodes; i++)
            g->cost[end][i] = fmin(g->cost[end][i], most);
    for (size_t a = 0; a < g->n_arcs; a++)
        if (isfinite(g->priced[a]))
            g->priced[a] = fmin(g->priced[a], most);
}

double cut_graph_solve(cut_graph *g, const cut_prices *prices, uint8_t *x)
{
    const cut_problem *p = g->problem;
    double up = prices->up_per_byte, down = prices->down_per_byte;
    double fixed = up * g->fixed_up + down * g->fixed_down;
    for (size_t i = 0; i < g->n_nodes; i++) {
        g->cost[DEVICE_END][i] = up * g->node_bytes[DEVICE_END][i];
        g->cost[SERVER_END][i] = up * g->node_bytes[SERVER_END][i] + down * g->node_down[i];
    }
    for (size_t a = 0; a < g->n_arcs; a++)
        g->priced[a] = g->arcs[a].forward + up * g->arc_bytes[a];
    if (g->codec)
        fixed += price_codec(g, prices);
    for (size_t i = 0; i < p->n_groups; i++)
        fixed += price_group(g, prices, i);
    for (size_t i = 0; i < p->n_bundles; i++)
        fixed += price_bundle(g, prices, i);
    fixed += price_part(g, prices, &p->device_part, DEVICE_END);
    fixed += price_part(g, prices, &p->server_part, SERVER_END);
    fixed += add_surcharges(g, &prices->surcharges);
    cap_costs(g);
    fixed += reduction_solve(g->reduced, g->cost[SERVER_END], g->cost[DEVICE_END], g->priced,
                             g->on_server);
    for (size_t v = 0; v < p->n; v++)
        x[v] = cut_graph_is_free(g, v) ? g->on_server[g->node[v]] : g->side[v] == KERF_SIDE_SERVER;
    return fixed;
}

size_t cut_graph_size(const cut_graph *g)
{
    return reduction_size(g->reduced);
}
