#include "planner/solve/cutgraph.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/reduce.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define LOOK_BACK                                                                                  \
    64               /* operators looked at to find that the last consumer depends on the others   \
                      */
#define DEVICE_END 0 /* see node_bytes */
#define SERVER_END 1

/* Where it is paid that a tensor crosses, or that a weight is held. */
typedef struct payment {
    enum { NEVER, ALWAYS, AT_DEVICE_END, AT_SERVER_END, ON_ARC } kind;
    uint32_t index; /* of the node or the arc */
} payment;

struct cut_graph {
    const cut_problem *problem;
    uint8_t *side;
    bool closed;
    bool surcharged;         /* crossings and weights may have surcharges */
    payment *paid, *held_at; /* then: by tensor, by weight */
    uint32_t *node;          /* by operator; NONE where it is forced */
    size_t n_nodes, node_capacity;
    double *node_bytes[2]; /* by node: bytes that cross up if it is on the device, on the server */
    double *node_down;     /* by node: bytes that come back if it is on the server */
    double fixed_up, fixed_down; /* bytes that cross in any case */
    maxflow_arc *arcs;           /* forward or backward INFINITY where no placement pays it */
    double *arc_bytes;
    bool codec; /* some tensor costs more than its bytes; the same again, for those costs: */
    cut_cost *node_codec[2], *arc_codec, fixed_codec;
    size_t n_arcs, arc_capacity;
    uint32_t *group_arc;   /* by group: the first of the arcs between its free operators */
    uint32_t *bundle_node; /* by bundle: what pays for it, NONE if nothing does */
    bool *bundle_fixed;    /* it is together in any case */
    uint32_t part_node[2]; /* the auxiliary node of a side's constant */
    bool part_fixed[2];
    double *cost[2]; /* scratch: cost of each node on the device, on the server */
    double *priced;  /* scratch: forward capacity of each arc */
    uint8_t *on_server;
    reduction *reduced;
    size_t *stack; /* scratch of last_depends_on_all */
    uint32_t *seen;
    uint32_t stamp;
};

static bool is_free(const cut_graph *g, size_t v)
{
    return g->side[v] == KERF_SIDE_FREE;
}

static void add_cost(cut_cost *sum, const cut_cost *cost)
{
    sum->device_s += cost->device_s;
    sum->device_J += cost->device_J;
    sum->server_s += cost->server_s;
    sum->server_J += cost->server_J;
}

static void note(cut_graph *g, const cut_tensor *tensor, int kind, uint32_t index)
{
    if (g->surcharged)
        g->paid[tensor - g->problem->tensors] = (payment){kind, index};
}

/* A tensor that goes up: in any case, with a node at one end, or across an arc. */
static void pay_always(cut_graph *g, const cut_tensor *tensor)
{
    g->fixed_up += tensor->up_bytes;
    add_cost(&g->fixed_codec, &tensor->up_cost);
    note(g, tensor, ALWAYS, 0);
}

static void pay_at_node(cut_graph *g, int end, uint32_t node, const cut_tensor *tensor)
{
    g->node_bytes[end][node] += tensor->up_bytes;
    if (g->codec)
        add_cost(&g->node_codec[end][node], &tensor->up_cost);
    note(g, tensor, end == DEVICE_END ? AT_DEVICE_END : AT_SERVER_END, node);
}

static void pay_on_arc(cut_graph *g, uint32_t arc, const cut_tensor *tensor)
{
    g->arc_bytes[arc] = tensor->up_bytes;
    if (g->codec)
        g->arc_codec[arc] = tensor->up_cost;
    note(g, tensor, ON_ARC, arc);
}

/* Room was reserved by count_room, so these cannot fail. */
static uint32_t add_node(cut_graph *g)
{
    return (uint32_t)g->n_nodes++;
}

static uint32_t add_arc(cut_graph *g, uint32_t from, uint32_t to, double forward, double backward)
{
    g->arcs[g->n_arcs] = (maxflow_arc){from, to, forward, backward};
    return (uint32_t)g->n_arcs++;
}

/* True if a crossing costs anything beside what it does to others. */
static bool has_price(const cut_graph *g, const cut_tensor *tensor)
{
    return tensor->up_bytes > 0 || g->surcharged;
}

/* True if the last consumer depends on every other one, so that the tensor crosses exactly if the
 * last one is on the server. Looks at few operators only: false is always safe. */
static bool last_depends_on_all(cut_graph *g, const cut_dag *dag, const cut_tensor *tensor)
{
    const cut_problem *p = g->problem;
    size_t last = tensor->consumers[tensor->n_consumers - 1], first = tensor->consumers[0];
    size_t depth = 0, looked = 0, found = 0;
    g->stamp++;
    g->stack[depth++] = last;
    g->seen[last] = g->stamp;
    while (depth > 0) {
        size_t v = g->stack[--depth];
        if (++looked > LOOK_BACK)
            return false;
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++) {
            size_t u = p->tensors[dag->read[i]].producer;
            if (u == CUT_SOURCE || u < first || g->seen[u] == g->stamp || depth > LOOK_BACK)
                continue;
            g->seen[u] = g->stamp;
            g->stack[depth++] = u;
        }
    }
    for (size_t i = 0; i < tensor->n_consumers; i++)
        found += g->seen[tensor->consumers[i]] == g->stamp;
    return found == tensor->n_consumers;
}

/* A tensor that is on the device in any case. */
static void add_given(cut_graph *g, const cut_tensor *tensor, bool crosses, size_t n_free,
                      size_t last)
{
    if (crosses) {
        pay_always(g, tensor);
    } else if (n_free == 1) {
        pay_at_node(g, SERVER_END, g->node[last], tensor);
    } else if (n_free > 1 && has_price(g, tensor)) {
        uint32_t aux = add_node(g);
        pay_at_node(g, SERVER_END, aux, tensor);
        for (size_t i = 0; i < tensor->n_consumers; i++)
            if (is_free(g, tensor->consumers[i]))
                add_arc(g, aux, g->node[tensor->consumers[i]], INFINITY, 0);
    }
}

/* A tensor of an operator that is free. `last`: the consumer that decides, n_free those to pay
 * for. */
static void add_made(cut_graph *g, const cut_tensor *tensor, bool crosses, size_t n_free,
                     size_t last)
{
    uint32_t from = g->node[tensor->producer], aux = NONE;
    bool sealed = g->closed && tensor->up_bytes > 0 && !crosses;
    bool pays = has_price(g, tensor) && !crosses && !sealed;
    if (tensor->to_device) {
        g->node_down[from] += tensor->down_bytes;
        if (g->codec)
            add_cost(&g->node_codec[SERVER_END][from], &tensor->down_cost);
    }
    if (crosses)
        pay_at_node(g, DEVICE_END, from, tensor);
    if (pays && n_free > 1) {
        aux = add_node(g);
        pay_on_arc(g, add_arc(g, from, aux, 0, INFINITY), tensor);
    }
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        size_t c = tensor->consumers[i];
        if (!is_free(g, c))
            continue;
        uint32_t arc = add_arc(g, from, g->node[c], 0, INFINITY);
        if (pays && n_free == 1 && c == last)
            pay_on_arc(g, arc, tensor);
        if (aux != NONE)
            add_arc(g, aux, g->node[c], INFINITY, 0);
        if (sealed)
            add_arc(g, from, g->node[c], INFINITY, 0);
    }
}

static void add_tensor(cut_graph *g, const cut_dag *dag, const cut_tensor *tensor)
{
    bool crosses = tensor->to_server;
    size_t n_free = 0, last = KERF_NONE;
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        crosses = crosses || g->side[tensor->consumers[i]] == KERF_SIDE_SERVER;
        if (is_free(g, tensor->consumers[i])) {
            n_free++;
            last = tensor->consumers[i];
        }
    }
    size_t u = tensor->producer;
    if (u != CUT_SOURCE && g->side[u] == KERF_SIDE_SERVER) {
        if (tensor->to_device) {
            g->fixed_down += tensor->down_bytes;
            add_cost(&g->fixed_codec, &tensor->down_cost);
        }
        return;
    }
    bool decides = n_free > 1 && last == tensor->consumers[tensor->n_consumers - 1] &&
                   last_depends_on_all(g, dag, tensor);
    if (u == CUT_SOURCE || g->side[u] == KERF_SIDE_DEVICE)
        add_given(g, tensor, crosses, decides ? 1 : n_free, last);
    else
        add_made(g, tensor, crosses, decides ? 1 : n_free, last);
}

/* A weight that several operators share is held if one of them is on the device: a node that each
 * of them pulls over. */
static void add_weight(cut_graph *g, const cut_weight *weight, payment *held_at)
{
    size_t n_free = 0, last = 0;
    for (size_t i = 0; i < weight->n; i++) {
        if (g->side[weight->operators[i]] == KERF_SIDE_DEVICE) {
            *held_at = (payment){ALWAYS, 0};
            return;
        }
        if (is_free(g, weight->operators[i])) {
            n_free++;
            last = weight->operators[i];
        }
    }
    if (n_free == 0)
        return;
    *held_at = (payment){AT_DEVICE_END, n_free == 1 ? g->node[last] : add_node(g)};
    for (size_t i = 0; i < weight->n && n_free > 1; i++)
        if (is_free(g, weight->operators[i]))
            add_arc(g, g->node[weight->operators[i]], held_at->index, INFINITY, 0);
}

/* A side's constant. Any operator is on the device exactly if one is that reads no other
 * operator's tensor; on the server, one that no operator reads. */
static void add_part(cut_graph *g, const cut_dag *dag, kerf_side side)
{
    const cut_problem *p = g->problem;
    bool device = side == KERF_SIDE_DEVICE;
    for (size_t v = 0; v < p->n; v++)
        if (g->side[v] == side) {
            g->part_fixed[!device] = true;
            return;
        }
    g->part_node[!device] = add_node(g);
    for (size_t v = 0; v < p->n; v++) {
        bool end = is_free(g, v);
        if (device)
            for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1] && end; i++)
                end = p->tensors[dag->read[i]].producer == CUT_SOURCE;
        else
            for (size_t i = dag->made_start[v]; i < dag->made_start[v + 1] && end; i++)
                end = p->tensors[dag->made[i]].n_consumers == 0;
        if (end && device)
            add_arc(g, g->node[v], g->part_node[0], INFINITY, 0);
        else if (end)
            add_arc(g, g->part_node[1], g->node[v], INFINITY, 0);
    }
}

/* The members of a group that are free: [*low, *high). Those before are forced to the device,
 * those after to the server. */
static void free_members(const cut_graph *g, const cut_group *group, size_t *low, size_t *high)
{
    *low = 0;
    while (*low < group->n && g->side[group->operators[*low]] == KERF_SIDE_DEVICE)
        ++*low;
    *high = *low;
    while (*high < group->n && is_free(g, group->operators[*high]))
        ++*high;
}

static void add_group_arcs(cut_graph *g, size_t index)
{
    const cut_group *group = &g->problem->groups[index];
    size_t low, high;
    free_members(g, group, &low, &high);
    g->group_arc[index] = (uint32_t)g->n_arcs;
    for (size_t i = low; i + 1 < high; i++)
        add_arc(g, g->node[group->operators[i]], g->node[group->operators[i + 1]], 0, INFINITY);
}

/* A bundle: never together, always, if one operator is on its side, or if several are; then an
 * auxiliary node is on that side only if all are. */
static void add_bundle(cut_graph *g, size_t index)
{
    const cut_bundle *bundle = &g->problem->bundles[index];
    size_t n_free = 0, last = 0;
    g->bundle_node[index] = NONE;
    for (size_t i = 0; i < bundle->n; i++) {
        if (is_free(g, bundle->operators[i])) {
            last = bundle->operators[i];
            n_free++;
        } else if (g->side[bundle->operators[i]] != bundle->side) {
            return;
        }
    }
    g->bundle_fixed[index] = n_free == 0;
    if (n_free == 1)
        g->bundle_node[index] = g->node[last];
    if (n_free < 2)
        return;
    const uint32_t aux = add_node(g);
    g->bundle_node[index] = aux;
    for (size_t i = 0; i < bundle->n; i++) {
        if (!is_free(g, bundle->operators[i]))
            continue;
        const uint32_t member = g->node[bundle->operators[i]];
        if (bundle->side == KERF_SIDE_DEVICE)
            add_arc(g, aux, member, INFINITY, 0);
        else
            add_arc(g, member, aux, INFINITY, 0);
    }
}

static void count_room(cut_graph *g)
{
    const cut_problem *p = g->problem;
    g->node_capacity = p->n + p->n_tensors + p->n_bundles + 2 + (g->surcharged ? p->n_weights : 0);
    g->arc_capacity = 3 * p->n + p->n_tensors;
    for (size_t w = 0; w < p->n_weights && g->surcharged; w++)
        g->arc_capacity += p->weights[w].n;
    for (size_t t = 0; t < p->n_tensors; t++)
        g->arc_capacity += 2 * p->tensors[t].n_consumers;
    for (size_t b = 0; b < p->n_bundles; b++)
        g->arc_capacity += p->bundles[b].n;
}

static bool allocate(cut_graph *g)
{
    const cut_problem *p = g->problem;
    g->side = kerf_calloc(p->n, 1);
    g->node = kerf_calloc(p->n, sizeof *g->node);
    g->node_down = kerf_calloc(g->node_capacity, sizeof *g->node_down);
    g->arcs = kerf_calloc(g->arc_capacity, sizeof *g->arcs);
    g->arc_bytes = kerf_calloc(g->arc_capacity, sizeof *g->arc_bytes);
    g->group_arc = kerf_calloc(p->n_groups, sizeof *g->group_arc);
    g->bundle_node = kerf_calloc(p->n_bundles, sizeof *g->bundle_node);
    g->bundle_fixed = kerf_calloc(p->n_bundles, sizeof *g->bundle_fixed);
    g->priced = kerf_calloc(g->arc_capacity, sizeof *g->priced);
    g->on_server = kerf_calloc(g->node_capacity, 1);
    g->stack = kerf_calloc(LOOK_BACK + 2, sizeof *g->stack);
    g->seen = kerf_calloc(p->n, sizeof *g->seen);
    g->paid = kerf_calloc(g->surcharged ? p->n_tensors : 0, sizeof *g->paid);
    g->held_at = kerf_calloc(g->surcharged ? p->n_weights : 0, sizeof *g->held_at);
    bool ok = g->paid && g->held_at && g->side && g->node && g->node_down && g->arcs &&
              g->arc_bytes && g->group_arc && g->bundle_node && g->bundle_fixed && g->priced &&
              g->on_server && g->stack && g->seen;
    for (int end = 0; end < 2 && ok; end++) {
        g->node_bytes[end] = kerf_calloc(g->node_capacity, sizeof **g->node_bytes);
        g->cost[end] = kerf_calloc(g->node_capacity, sizeof **g->cost);
        g->node_codec[end] = kerf_calloc(g->codec ? g->node_capacity : 0, sizeof **g->node_codec);
        ok = g->node_bytes[end] && g->cost[end] && g->node_codec[end];
    }
    g->arc_codec = kerf_calloc(g->codec ? g->arc_capacity : 0, sizeof *g->arc_codec);
    ok = ok && g->arc_codec;
    return ok;
}

static void build(cut_graph *g, const cut_dag *dag)
{
    const cut_problem *p = g->problem;
    for (size_t v = 0; v < p->n; v++)
        g->node[v] = is_free(g, v) ? add_node(g) : NONE;
    for (size_t t = 0; t < p->n_tensors; t++)
        add_tensor(g, dag, &p->tensors[t]);
    for (size_t w = 0; w < p->n_weights && g->surcharged; w++)
        add_weight(g, &p->weights[w], &g->held_at[w]);
    for (size_t i = 0; i < p->n_groups; i++)
        add_group_arcs(g, i);
    for (size_t i = 0; i < p->n_bundles; i++)
        add_bundle(g, i);
    g->part_node[0] = g->part_node[1] = NONE;
    if (p->device_part.device_s > 0 || p->device_part.device_J > 0)
        add_part(g, dag, KERF_SIDE_DEVICE);
    if (p->server_part.server_s > 0 || p->server_part.server_J > 0)
        add_part(g, dag, KERF_SIDE_SERVER);
}

static kerf_status create(const cut_problem *problem, const cut_dag *dag, const uint8_t *side,
                          bool closed, bool surcharged, cut_graph **graph, kerf_error *err)
{
    cut_graph *g = kerf_calloc(1, sizeof *g);
    if (g) {
        g->problem = problem;
        g->closed = closed;
        g->codec = cut_has_codec(problem);
        g->surcharged = surcharged;
        count_room(g);
    }
    if (!g || g->arc_capacity > 1U << 30 || g->node_capacity > 1U << 30 || !allocate(g)) {
        bool large = g && (g->arc_capacity > 1U << 30 || g->node_capacity > 1U << 30);
        cut_graph_destroy(&g);
        return large ? kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                                 "%zu operators need more than 2^30 arcs", problem->n)
                     : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators",
                                 problem->n);
    }
    memcpy(g->side, side, problem->n);
    build(g, dag);
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
    free_members(g, group, &low, &high);
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
    if (g->bundle_fixed[index] || (node != NONE && cost < 0)) {
        if (node != NONE)
            g->cost[!end][node] -= cost;
        return cost;
    }
    if (node != NONE)
        g->cost[end][node] += cost;
    return 0;
}

static double price_part(cut_graph *g, const cut_prices *prices, const cut_cost *part, int end)
{
    double cost = priced_cost(prices, part);
    if (g->part_node[end] != NONE)
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
            if (is_free(g, v))
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
        x[v] = is_free(g, v) ? g->on_server[g->node[v]] : g->side[v] == KERF_SIDE_SERVER;
    return fixed;
}

size_t cut_graph_size(const cut_graph *g)
{
    return reduction_size(g->reduced);
}
