#include "planner/tiers/tiers_graph.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_END 0 /* below a layer */
#define SERVER_END 1 /* above it */
#define MOST_ARCS  ((size_t)1 << 28)

/* Places i and j of a group's two boundaries that a node of the search leaves. */
typedef struct domain {
    size_t i_low, i_high, j_low, j_high;
} domain;

struct tier_graph {
    const tier_problem *problem;
    const cut_dag *dag;
    size_t n_nodes, node_capacity;
    maxflow_arc *arcs;
    size_t n_arcs, arc_capacity;
    double *arc_bytes; /* of the up transfer of arc_layer */
    uint8_t *arc_layer;
    double *node_bytes[2]; /* by end */
    double *node_down;     /* that come back if the node is above */
    uint8_t *node_layer;
    double fixed_up[3]; /* by layer: bytes that go up in any case */
    uint32_t part_node[2];
    uint32_t *chain_arc[2]; /* by group and layer: the first of the arcs along its path */
    uint32_t *edge_arc;     /* by group: the first of its arcs b(l) -> a(k), k <= l, by k, then l */
    double *cost[2], *priced;
    uint8_t *side;
    double *g;     /* scratch: f and g of one group, (n + 1) * (n + 1) */
    double *u, *w; /* scratch: what rows and columns take */
    reduction *reduced;
    const tier_search *search; /* of the last solution */
    const tier_node *node;
    double edge_price[2]; /* per second, per joule */
};

static uint32_t a_node(size_t v)
{
    return (uint32_t)v;
}

static uint32_t layer_node(const tier_graph *g, int layer, size_t v)
{
    return (uint32_t)(layer == 1 ? v : g->problem->first->n + v);
}

static uint32_t add_node(tier_graph *g, int layer)
{
    g->node_layer[g->n_nodes] = (uint8_t)layer;
    return (uint32_t)g->n_nodes++;
}

static uint32_t add_arc(tier_graph *g, uint32_t from, uint32_t to, double forward, double backward)
{
    g->arcs[g->n_arcs] = (maxflow_arc){from, to, forward, backward};
    return (uint32_t)g->n_arcs++;
}

static void add_paid_arc(tier_graph *g, uint32_t from, uint32_t to, int layer, double bytes)
{
    uint32_t arc = add_arc(g, from, to, 0, INFINITY);
    g->arc_bytes[arc] = bytes;
    g->arc_layer[arc] = (uint8_t)layer;
}

/* A tensor that the source makes. */
static void add_given(tier_graph *g, const cut_tensor *tensor, int layer, bool above)
{
    if (above) {
        g->fixed_up[layer] += tensor->up_bytes;
    } else if (tensor->n_consumers == 1) {
        g->node_bytes[SERVER_END][layer_node(g, layer, tensor->consumers[0])] += tensor->up_bytes;
    } else if (tensor->n_consumers > 1 && tensor->up_bytes > 0) {
        uint32_t aux = add_node(g, layer);
        g->node_bytes[SERVER_END][aux] += tensor->up_bytes;
        for (size_t i = 0; i < tensor->n_consumers; i++)
            add_arc(g, aux, layer_node(g, layer, tensor->consumers[i]), INFINITY, 0);
    }
}

static void add_made(tier_graph *g, size_t t, int layer, bool above)
{
    const cut_tensor *tensor = &g->problem->first->tensors[t];
    uint32_t from = layer_node(g, layer, tensor->producer), aux = UINT32_MAX;
    bool pays = tensor->up_bytes > 0 && !above;
    g->node_down[from] += tier_back_bytes(g->problem, t, layer);
    if (above)
        g->node_bytes[DEVICE_END][from] += tensor->up_bytes;
    if (pays && tensor->n_consumers > 1) {
        aux = add_node(g, layer);
        add_paid_arc(g, from, aux, layer, tensor->up_bytes);
    }
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        uint32_t to = layer_node(g, layer, tensor->consumers[i]);
        add_paid_arc(g, from, to, layer, pays && aux == UINT32_MAX ? tensor->up_bytes : 0);
        if (aux != UINT32_MAX)
            add_arc(g, aux, to, INFINITY, 0);
    }
}

static void add_layer(tier_graph *g, int layer)
{
    const cut_problem *p = g->problem->first;
    for (size_t t = 0; t < p->n_tensors; t++) {
        bool above = tier_result_above(g->problem, t, layer);
        if (p->tensors[t].producer == CUT_SOURCE)
            add_given(g, &p->tensors[t], layer, above);
        else
            add_made(g, t, layer, above);
    }
    for (size_t i = 0; i < p->n_groups; i++) {
        const cut_group *group = &p->groups[i];
        g->chain_arc[layer - 1][i] = (uint32_t)g->n_arcs;
        for (size_t k = 0; k + 1 < group->n; k++)
            add_arc(g, layer_node(g, layer, group->operators[k]),
                    layer_node(g, layer, group->operators[k + 1]), 0, INFINITY);
    }
}

/* Any operator is on the device exactly if one is that reads no other's tensor; any in the cloud,
 * exactly if one is that no other reads. */
static void add_part(tier_graph *g, int end)
{
    const cut_problem *p = g->problem->first;
    uint32_t part = add_node(g, end == DEVICE_END ? 1 : 2);
    g->part_node[end] = part;
    for (size_t v = 0; v < p->n; v++) {
        bool last = true;
        if (end == DEVICE_END)
            for (size_t i = g->dag->read_start[v]; i < g->dag->read_start[v + 1] && last; i++)
                last = p->tensors[g->dag->read[i]].producer == CUT_SOURCE;
        else
            for (size_t i = g->dag->made_start[v]; i < g->dag->made_start[v + 1] && last; i++)
                last = p->tensors[g->dag->made[i]].n_consumers == 0;
        if (last && end == DEVICE_END)
            add_arc(g, layer_node(g, 1, v), part, INFINITY, 0);
        else if (last)
            add_arc(g, part, layer_node(g, 2, v), INFINITY, 0);
    }
}

/* b(l) = 0 and a(k) = 1: operators k to l of the group are on the edge. */
static void add_edge_arcs(tier_graph *g)
{
    const cut_problem *p = g->problem->first;
    for (size_t i = 0; i < p->n_groups; i++) {
        const cut_group *group = &p->groups[i];
        g->edge_arc[i] = (uint32_t)g->n_arcs;
        for (size_t k = 0; k < group->n; k++)
            for (size_t l = k; l < group->n; l++)
                add_arc(g, layer_node(g, 2, group->operators[l]), a_node(group->operators[k]), 0,
                        k == l ? INFINITY : 0);
    }
}

/* False if there are too many. */
static bool count_room(tier_graph *g, size_t *longest)
{
    const cut_problem *p = g->problem->first;
    g->node_capacity = 2 * (p->n + p->n_tensors) + 2;
    g->arc_capacity = 4 * p->n + 2 * p->n_tensors;
    for (size_t t = 0; t < p->n_tensors; t++)
        g->arc_capacity += 4 * p->tensors[t].n_consumers;
    for (size_t i = 0; i < p->n_groups; i++) {
        size_t n = p->groups[i].n;
        *longest = n > *longest ? n : *longest;
        g->arc_capacity += n < MOST_ARCS ? n * (n + 1) / 2 : MOST_ARCS;
        if (g->arc_capacity > MOST_ARCS)
            return false;
    }
    return g->arc_capacity <= MOST_ARCS && g->node_capacity <= MOST_ARCS;
}

static bool allocate(tier_graph *g, size_t longest)
{
    size_t nodes = g->node_capacity, arcs = g->arc_capacity, groups = g->problem->first->n_groups;
    g->arcs = kerf_calloc(arcs, sizeof *g->arcs);
    g->arc_bytes = kerf_calloc(arcs, sizeof *g->arc_bytes);
    g->arc_layer = kerf_calloc(arcs, 1);
    g->node_down = kerf_calloc(nodes, sizeof *g->node_down);
    g->node_layer = kerf_calloc(nodes, 1);
    g->edge_arc = kerf_calloc(groups, sizeof *g->edge_arc);
    g->priced = kerf_calloc(arcs, sizeof *g->priced);
    g->side = kerf_calloc(nodes, 1);
    g->g = kerf_calloc((longest + 1) * (longest + 1), sizeof *g->g);
    g->u = kerf_calloc(longest + 1, sizeof *g->u);
    g->w = kerf_calloc(longest + 1, sizeof *g->w);
    bool ok = g->arcs && g->arc_bytes && g->arc_layer && g->node_down && g->node_layer &&
              g->edge_arc && g->priced && g->side && g->g && g->u && g->w;
    for (int end = 0; end < 2; end++) {
        g->node_bytes[end] = kerf_calloc(nodes, sizeof **g->node_bytes);
        g->cost[end] = kerf_calloc(nodes, sizeof **g->cost);
        g->chain_arc[end] = kerf_calloc(groups, sizeof **g->chain_arc);
        ok = ok && g->node_bytes[end] && g->cost[end] && g->chain_arc[end];
    }
    return ok;
}

kerf_status tier_graph_create(const tier_problem *problem, const cut_dag *dag, tier_graph **graph,
                              kerf_error *err)
{
    size_t longest = 0, n = problem->first->n;
    tier_graph *g = kerf_calloc(1, sizeof *g);
    if (!g)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    g->problem = problem;
    g->dag = dag;
    kerf_status status = KERF_OK;
    if (!count_room(g, &longest))
        status =
            kerf_fail(err, KERF_E_TOO_LARGE, NULL, "%zu operators need more than 2^28 arcs", n);
    else if (!allocate(g, longest))
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    if (status == KERF_OK) {
        for (size_t i = 0; i < 2 * n; i++)
            add_node(g, i < n ? 1 : 2);
        add_layer(g, 1);
        add_layer(g, 2);
        add_part(g, DEVICE_END);
        add_part(g, SERVER_END);
        add_edge_arcs(g);
        status = reduction_create(g->n_nodes, g->n_arcs, g->arcs, &g->reduced, err);
    }
    if (status == KERF_OK)
        *graph = g;
    else
        tier_graph_destroy(&g);
    return status;
}

void tier_graph_destroy(tier_graph **graph)
{
    tier_graph *g = *graph;
    if (!g)
        return;
    reduction_destroy(&g->reduced);
    free(g->arcs);
    free(g->arc_bytes);
    free(g->arc_layer);
    free(g->node_down);
    free(g->node_layer);
    free(g->edge_arc);
    free(g->priced);
    free(g->side);
    free(g->g);
    free(g->u);
    free(g->w);
    for (int end = 0; end < 2; end++) {
        free(g->node_bytes[end]);
        free(g->cost[end]);
        free(g->chain_arc[end]);
    }
    free(g);
    *graph = NULL;
}

/* --- groups --- */

static domain domain_of(const cut_group *group, const tier_node *node)
{
    domain d = {0, group->n, 0, group->n};
    for (size_t k = 0; k < group->n; k++) {
        size_t v = group->operators[k];
        if (node->high[v] < 1)
            d.i_low = k + 1;
        if (node->high[v] < 2)
            d.j_low = k + 1;
        if (node->low[v] >= 1 && k < d.i_high)
            d.i_high = k;
        if (node->low[v] >= 2 && k < d.j_high)
            d.j_high = k;
    }
    return d;
}

static double edge_cost(const tier_graph *g, size_t index, size_t i, size_t j)
{
    const tier_cost *cost =
        &g->problem->groups[index].edge[i * (g->problem->first->groups[index].n + 1) + j];
    return i < j ? g->edge_price[0] * cost->s + g->edge_price[1] * cost->J : 0;
}

/* g over the domain, into the scratch table. */
static void bound_edge(tier_graph *g, size_t index, const domain *d)
{
    size_t row = g->problem->first->groups[index].n + 1;
    double *at = g->g;
    for (size_t j = d->j_high + 1; j-- > d->j_low;)
        for (size_t i = (d->i_high < j ? d->i_high : j) + 1; i-- > d->i_low;) {
            double f = edge_cost(g, index, i, j);
            bool inside = i < d->i_high && i < j && j < d->j_high;
            at[i * row + j] = inside ? fmin(f, at[i * row + j + 1] + at[(i + 1) * row + j] -
                                                   at[(i + 1) * row + j + 1])
                                     : f;
        }
}

/* g(i, j) = u(i) + w(j) + sum over k = i .. i_high - 1, l = j_low .. j - 1, k <= l, of m(k, l) >=
 * 0: m(k, l) is what an arc pays. Only where k = l are there two corners to it that are no
 * placement, so m(k, k) may be any number, and w is chosen so that it is not negative. */
static void split_edge(tier_graph *g, size_t index, const domain *d)
{
    size_t n = g->problem->first->groups[index].n, row = n + 1;
    const double *at = g->g;
    double *u = g->u, *w = g->w, *m = &g->priced[g->edge_arc[index]];
    w[d->j_low] = 0;
    for (size_t i = d->i_low; i <= d->i_high && i <= d->j_low; i++)
        u[i] = at[i * row + d->j_low];
    for (size_t j = d->j_low + 1; j <= d->j_high; j++) {
        if (j > d->i_high) {
            w[j] = at[d->i_high * row + j] - u[d->i_high];
            continue;
        }
        w[j] = fmin(w[j - 1], at[(j - 1) * row + j] - u[j - 1]);
        u[j] = at[j * row + j] - w[j];
    }
    for (size_t k = 0; k < n; k++)
        for (size_t l = k; l < n; l++, m++) {
            if (k < d->i_low || k >= d->i_high || l < d->j_low || l >= d->j_high)
                continue;
            if (k == l)
                *m += fmax(0, at[k * row + k + 1] - u[k] - w[k + 1]);
            else
                *m += fmax(0, at[k * row + l + 1] + at[(k + 1) * row + l] - at[k * row + l] -
                                  at[(k + 1) * row + l + 1]);
        }
}

/* Where the cost of a boundary after the first `place` operators is paid. */
static double *place_cost(tier_graph *g, const cut_group *group, size_t index, int layer,
                          size_t place)
{
    if (place == 0)
        return &g->cost[SERVER_END][layer_node(g, layer, group->operators[0])];
    if (place == group->n)
        return &g->cost[DEVICE_END][layer_node(g, layer, group->operators[place - 1])];
    return &g->priced[g->chain_arc[layer - 1][index] + place - 1];
}

/* Puts what a layer's boundary of a group costs, value[place], onto its chain: exactly one place is
 * paid. Returns what was taken off so that nothing is negative. */
static double place_chain(tier_graph *g, size_t index, int layer, size_t low, size_t high,
                          const double *value)
{
    const cut_group *group = &g->problem->first->groups[index];
    double least = value[low];
    for (size_t i = low; i <= high; i++)
        least = fmin(least, value[i]);
    for (size_t i = low; i <= high; i++)
        *place_cost(g, group, index, layer, i) += value[i] - least;
    return least;
}

static double price_group(tier_graph *g, size_t index)
{
    const cut_group *group = &g->problem->first->groups[index];
    const cut_weights *weights = &g->search->weights;
    domain d = domain_of(group, g->node);
    bound_edge(g, index, &d);
    split_edge(g, index, &d);
    for (size_t i = d.i_low; i <= d.i_high; i++)
        g->u[i] += weights->latency * group->table[i].device_s +
                   weights->energy * group->table[i].device_J;
    for (size_t j = d.j_low; j <= d.j_high; j++)
        g->w[j] += g->edge_price[0] * g->problem->groups[index].cloud[j].s +
                   g->edge_price[1] * g->problem->groups[index].cloud[j].J;
    return place_chain(g, index, 1, d.i_low, d.i_high, g->u) +
           place_chain(g, index, 2, d.j_low, d.j_high, g->w);
}

/* What the node excludes costs `most`. */
static void forbid(tier_graph *g, size_t index, double most)
{
    const cut_group *group = &g->problem->first->groups[index];
    domain d = domain_of(group, g->node);
    size_t arc = g->edge_arc[index];
    for (size_t i = 0; i <= group->n; i++) {
        if (i < d.i_low || i > d.i_high)
            *place_cost(g, group, index, 1, i) = most;
        if (i < d.j_low || i > d.j_high)
            *place_cost(g, group, index, 2, i) = most;
    }
    for (size_t k = 0; k < group->n; k++) {
        size_t v = group->operators[k];
        unsigned allowed = g->problem->allowed ? g->problem->allowed[v] : 7U;
        if (g->node->edge == EDGE_UNUSED || !(allowed >> TIER_EDGE & 1))
            g->priced[arc] = most;
        arc += group->n - k;
    }
}

double tier_graph_missing(tier_graph *g, size_t index, const uint8_t *x)
{
    const cut_group *group = &g->problem->first->groups[index];
    size_t i = 0, j = 0;
    while (i < group->n && x[group->operators[i]] < 1)
        i++;
    while (j < group->n && x[group->operators[j]] < 2)
        j++;
    domain d = domain_of(group, g->node);
    if (i == j || i < d.i_low || i >= d.i_high || j < d.j_low || j >= d.j_high)
        return 0;
    bound_edge(g, index, &d);
    return edge_cost(g, index, i, j) - g->g[i * (group->n + 1) + j];
}

/* --- the whole --- */

static double price_parts(tier_graph *g)
{
    const tier_problem *p = g->problem;
    const cut_weights *w = &g->search->weights;
    g->cost[DEVICE_END][g->part_node[DEVICE_END]] +=
        w->latency * p->first->device_part.device_s + w->energy * p->first->device_part.device_J;
    g->cost[SERVER_END][g->part_node[SERVER_END]] +=
        g->edge_price[0] * p->cloud_part.s + g->edge_price[1] * p->cloud_part.J;
    return g->node->edge == EDGE_USED
               ? g->edge_price[0] * p->edge_part.s + g->edge_price[1] * p->edge_part.J
               : 0;
}

/* A transfer that must not be used costs much more than `most` for its first byte. */
static double price_transfers(tier_graph *g, double slope[N_TRANSFERS], double most)
{
    double paid = 0;
    for (int t = 0; t < N_TRANSFERS; t++) {
        double fixed;
        tier_chord(g->search, g->node, (tier_transfer)t, &fixed, &slope[t]);
        paid += fixed;
        if (g->node->range[t].high <= 0)
            slope[t] = g->search->least[t] > 0 ? 1e3 * most / g->search->least[t] : 0;
    }
    for (int layer = 1; layer <= 2; layer++)
        if (tier_fixed_is_paid(g->node, layer))
            paid += tier_fixed_cost(g->problem, &g->search->weights, layer);
    return paid;
}

static void cap(tier_graph *g, double most)
{
    for (size_t i = 0; i < g->n_nodes; i++) {
        g->cost[DEVICE_END][i] = fmin(g->cost[DEVICE_END][i], most);
        g->cost[SERVER_END][i] = fmin(g->cost[SERVER_END][i], most);
    }
    for (size_t a = 0; a < g->n_arcs; a++)
        if (isfinite(g->priced[a]))
            g->priced[a] = fmin(g->priced[a], most);
}

double tier_graph_solve(tier_graph *g, const tier_search *search, const tier_node *node,
                        double most, uint8_t *x)
{
    size_t n = g->problem->first->n;
    double slope[N_TRANSFERS];
    g->search = search;
    g->node = node;
    g->edge_price[0] = cut_server_price(g->problem->first, &search->weights);
    g->edge_price[1] = search->weights.server;
    double paid = price_transfers(g, slope, most);
    for (int layer = 1; layer <= 2; layer++)
        paid += slope[layer == 1 ? UP1 : UP2] * g->fixed_up[layer];
    for (size_t i = 0; i < g->n_nodes; i++) {
        double up = slope[g->node_layer[i] == 1 ? UP1 : UP2];
        double down = slope[g->node_layer[i] == 1 ? DOWN1 : DOWN2];
        g->cost[DEVICE_END][i] = up * g->node_bytes[DEVICE_END][i];
        g->cost[SERVER_END][i] = up * g->node_bytes[SERVER_END][i] + down * g->node_down[i];
    }
    for (size_t a = 0; a < g->n_arcs; a++)
        g->priced[a] =
            g->arcs[a].forward + slope[g->arc_layer[a] == 1 ? UP1 : UP2] * g->arc_bytes[a];
    double taken_off = 0;
    for (size_t i = 0; i < g->problem->first->n_groups; i++) {
        double least = price_group(g, i);
        paid += least;
        taken_off -= fmin(0, least);
    }
    paid += price_parts(g);
    most += taken_off;
    for (size_t i = 0; i < g->problem->first->n_groups; i++)
        forbid(g, i, most);
    cap(g, most);
    double bound =
        reduction_solve(g->reduced, g->cost[SERVER_END], g->cost[DEVICE_END], g->priced, g->side);
    for (size_t v = 0; v < n; v++)
        x[v] = (uint8_t)(g->side[v] + g->side[n + v]);
    return paid + bound;
}
