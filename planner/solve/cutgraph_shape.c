#include "planner/solve/cutgraph_shape.h"

#include "base/memory.h"

#include <math.h>

/* Operators looked at to find that the last consumer depends on the others. */
#define LOOK_BACK 64

static void add_cost(cut_cost *sum, const cut_cost *cost)
{
    sum->device_s += cost->device_s;
    sum->device_J += cost->device_J;
    sum->server_s += cost->server_s;
    sum->server_J += cost->server_J;
}

static void note(cut_graph *g, const cut_tensor *tensor, payment_kind kind, uint32_t index)
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
            if (cut_graph_is_free(g, tensor->consumers[i]))
                add_arc(g, aux, g->node[tensor->consumers[i]], INFINITY, 0);
    }
}

/* A tensor of an operator that is free. `last`: the consumer that decides, n_free those to pay
 * for. */
static void add_made(cut_graph *g, const cut_tensor *tensor, bool crosses, size_t n_free,
                     size_t last)
{
    uint32_t from = g->node[tensor->producer], aux = CUT_NO_NODE;
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
        if (!cut_graph_is_free(g, c))
            continue;
        uint32_t arc = add_arc(g, from, g->node[c], 0, INFINITY);
        if (pays && n_free == 1 && c == last)
            pay_on_arc(g, arc, tensor);
        if (aux != CUT_NO_NODE)
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
        if (cut_graph_is_free(g, tensor->consumers[i])) {
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
        if (cut_graph_is_free(g, weight->operators[i])) {
            n_free++;
            last = weight->operators[i];
        }
    }
    if (n_free == 0)
        return;
    *held_at = (payment){AT_DEVICE_END, n_free == 1 ? g->node[last] : add_node(g)};
    for (size_t i = 0; i < weight->n && n_free > 1; i++)
        if (cut_graph_is_free(g, weight->operators[i]))
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
        bool end = cut_graph_is_free(g, v);
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

void cut_graph_free_members(const cut_graph *g, const cut_group *group, size_t *low, size_t *high)
{
    *low = 0;
    while (*low < group->n && g->side[group->operators[*low]] == KERF_SIDE_DEVICE)
        ++*low;
    *high = *low;
    while (*high < group->n && cut_graph_is_free(g, group->operators[*high]))
        ++*high;
}

static void add_group_arcs(cut_graph *g, size_t index)
{
    const cut_group *group = &g->problem->groups[index];
    size_t low, high;
    cut_graph_free_members(g, group, &low, &high);
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
    g->bundle_node[index] = CUT_NO_NODE;
    for (size_t i = 0; i < bundle->n; i++) {
        if (cut_graph_is_free(g, bundle->operators[i])) {
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
        if (!cut_graph_is_free(g, bundle->operators[i]))
            continue;
        const uint32_t member = g->node[bundle->operators[i]];
        if (bundle->side == KERF_SIDE_DEVICE)
            add_arc(g, aux, member, INFINITY, 0);
        else
            add_arc(g, member, aux, INFINITY, 0);
    }
}

void cut_graph_count_room(cut_graph *g)
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

bool cut_graph_allocate(cut_graph *g)
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

void cut_graph_lay_out(cut_graph *g, const cut_dag *dag)
{
    const cut_problem *p = g->problem;
    for (size_t v = 0; v < p->n; v++)
        g->node[v] = cut_graph_is_free(g, v) ? add_node(g) : CUT_NO_NODE;
    for (size_t t = 0; t < p->n_tensors; t++)
        add_tensor(g, dag, &p->tensors[t]);
    for (size_t w = 0; w < p->n_weights && g->surcharged; w++)
        add_weight(g, &p->weights[w], &g->held_at[w]);
    for (size_t i = 0; i < p->n_groups; i++)
        add_group_arcs(g, i);
    for (size_t i = 0; i < p->n_bundles; i++)
        add_bundle(g, i);
    g->part_node[0] = g->part_node[1] = CUT_NO_NODE;
    if (p->device_part.device_s > 0 || p->device_part.device_J > 0)
        add_part(g, dag, KERF_SIDE_DEVICE);
    if (p->server_part.server_s > 0 || p->server_part.server_J > 0)
        add_part(g, dag, KERF_SIDE_SERVER);
}
