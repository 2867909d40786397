#include "planner/solve/maxflow.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

typedef struct half_arc {
    uint32_t to, reverse;
    double residual;
} half_arc;

typedef struct node {
    double excess;
    double to_sink;          /* residual capacity of the arc to the sink */
    uint32_t label;          /* distance to the sink at least; n + 1: it cannot be reached */
    uint32_t current;        /* the arc to look at next */
    uint32_t next, previous; /* nodes of the same label */
    uint32_t next_active;
} node;

struct maxflow {
    uint32_t n, n_arcs;
    uint32_t *first;    /* half arcs of v: first[v] .. first[v + 1] - 1 */
    uint32_t *position; /* of each arc's forward half */
    uint32_t *arc;      /* of each half */
    half_arc *halves;
    node *nodes;
    uint32_t *by_label, *active; /* first node (with excess) of each label, NONE */
    uint32_t *queue;
    uint32_t lowest; /* no active node has a smaller label */
    uint32_t top;    /* no node that reaches the sink has a larger label */
    size_t work;
    double *balance;
    double *backward; /* capacity of each arc */
    double *flow;     /* of each arc in the solution with the smallest capacities so far */
    double size;      /* the sum of those */
    bool warm;        /* there is one */
};

static void layout(maxflow *f, const maxflow_arc *arcs)
{
    for (uint32_t a = 0; a < f->n_arcs; a++) {
        f->first[arcs[a].from + 1]++;
        f->first[arcs[a].to + 1]++;
    }
    for (uint32_t v = 0; v < f->n; v++)
        f->first[v + 1] += f->first[v];
    for (uint32_t v = 0; v < f->n; v++)
        f->queue[v] = f->first[v];
    for (uint32_t a = 0; a < f->n_arcs; a++) {
        uint32_t i = f->queue[arcs[a].from]++, j = f->queue[arcs[a].to]++;
        f->halves[i] = (half_arc){arcs[a].to, j, 0};
        f->halves[j] = (half_arc){arcs[a].from, i, 0};
        f->position[a] = i;
        f->backward[a] = arcs[a].backward;
        f->arc[i] = f->arc[j] = a;
    }
}

kerf_status maxflow_create(size_t n, size_t n_arcs, const maxflow_arc *arcs, maxflow **flow,
                           kerf_error *err)
{
    if (n > 1U << 30 || n_arcs > 1U << 30)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "%zu nodes and %zu arcs, at most 2^30 each",
                         n, n_arcs);
    maxflow *f = kerf_calloc(1, sizeof *f);
    if (f) {
        f->n = (uint32_t)n;
        f->n_arcs = (uint32_t)n_arcs;
        f->first = kerf_calloc(n + 1, sizeof *f->first);
        f->position = kerf_calloc(n_arcs, sizeof *f->position);
        f->arc = kerf_calloc(2 * n_arcs, sizeof *f->arc);
        f->halves = kerf_calloc(2 * n_arcs, sizeof *f->halves);
        f->nodes = kerf_calloc(n, sizeof *f->nodes);
        f->by_label = kerf_calloc(n + 2, sizeof *f->by_label);
        f->active = kerf_calloc(n + 2, sizeof *f->active);
        f->queue = kerf_calloc(n, sizeof *f->queue);
        f->balance = kerf_calloc(n, sizeof *f->balance);
        f->backward = kerf_calloc(n_arcs, sizeof *f->backward);
        f->flow = kerf_calloc(n_arcs, sizeof *f->flow);
    }
    if (!f || !f->first || !f->position || !f->arc || !f->halves || !f->nodes || !f->by_label ||
        !f->active || !f->queue || !f->balance || !f->backward || !f->flow) {
        maxflow_destroy(&f);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a flow of %zu arcs", n_arcs);
    }
    layout(f, arcs);
    *flow = f;
    return KERF_OK;
}

void maxflow_destroy(maxflow **flow)
{
    maxflow *f = *flow;
    if (!f)
        return;
    free(f->first);
    free(f->position);
    free(f->arc);
    free(f->halves);
    free(f->nodes);
    free(f->by_label);
    free(f->active);
    free(f->queue);
    free(f->balance);
    free(f->backward);
    free(f->flow);
    free(f);
    *flow = NULL;
}

static void insert(maxflow *f, uint32_t v)
{
    node *at = &f->nodes[v];
    at->previous = NONE;
    at->next = f->by_label[at->label];
    if (at->next != NONE)
        f->nodes[at->next].previous = v;
    f->by_label[at->label] = v;
    if (at->label > f->top)
        f->top = at->label;
}

static void take_out(maxflow *f, uint32_t v)
{
    const node *at = &f->nodes[v];
    if (at->previous != NONE)
        f->nodes[at->previous].next = at->next;
    else
        f->by_label[at->label] = at->next;
    if (at->next != NONE)
        f->nodes[at->next].previous = at->previous;
}

static void activate(maxflow *f, uint32_t v)
{
    node *at = &f->nodes[v];
    at->next_active = f->active[at->label];
    f->active[at->label] = v;
    if (at->label < f->lowest)
        f->lowest = at->label;
}

/* Exact distances to the sink, by breadth-first search backwards from it. */
static void global_relabel(maxflow *f)
{
    uint32_t dead = f->n + 1, tail = 0;
    memset(f->by_label, 0xff, ((size_t)f->n + 2) * sizeof *f->by_label);
    memset(f->active, 0xff, ((size_t)f->n + 2) * sizeof *f->active);
    f->lowest = dead;
    f->top = 0;
    f->work = 0;
    for (uint32_t v = 0; v < f->n; v++) {
        f->nodes[v].label = dead;
        f->nodes[v].current = f->first[v];
        if (f->nodes[v].to_sink > 0) {
            f->nodes[v].label = 1;
            f->queue[tail++] = v;
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t v = f->queue[head];
        insert(f, v);
        if (f->nodes[v].excess > 0)
            activate(f, v);
        for (uint32_t i = f->first[v]; i < f->first[v + 1]; i++) {
            const half_arc *half = &f->halves[i];
            node *to = &f->nodes[half->to];
            if (to->label == dead && f->halves[half->reverse].residual > 0) {
                to->label = f->nodes[v].label + 1;
                f->queue[tail++] = half->to;
            }
        }
    }
}

/* No node of label `gap` is left: those above it cannot reach the sink any more. */
static void close_gap(maxflow *f, uint32_t gap)
{
    for (uint32_t label = gap + 1; label <= f->top; label++) {
        for (uint32_t v = f->by_label[label]; v != NONE; v = f->nodes[v].next)
            f->nodes[v].label = f->n + 1;
        f->by_label[label] = NONE;
    }
    f->top = gap > 0 ? gap - 1 : 0;
}

/* Raises v to one above its lowest residual neighbour. */
static void relabel(maxflow *f, uint32_t v)
{
    node *at = &f->nodes[v];
    uint32_t dead = f->n + 1, old = at->label, least = dead;
    take_out(f, v);
    for (uint32_t i = f->first[v]; i < f->first[v + 1]; i++) {
        const half_arc *half = &f->halves[i];
        if (half->residual > 0 && f->nodes[half->to].label < least) {
            least = f->nodes[half->to].label;
            at->current = i;
        }
    }
    f->work += 12 + f->first[v + 1] - f->first[v];
    at->label = least < f->n ? least + 1 : dead;
    if (f->by_label[old] == NONE) {
        at->label = dead;
        close_gap(f, old);
    } else if (at->label < dead) {
        insert(f, v);
    }
}

/* Sends v's excess on along one arc. */
static void push(maxflow *f, uint32_t v, half_arc *half)
{
    node *at = &f->nodes[v], *to = &f->nodes[half->to];
    double amount = at->excess < half->residual ? at->excess : half->residual;
    half->residual -= amount;
    f->halves[half->reverse].residual += amount;
    at->excess -= amount;
    if (to->excess <= 0)
        activate(f, half->to);
    to->excess += amount;
}

/* Sends on all of v's excess, or finds that it cannot reach the sink. */
static void discharge(maxflow *f, uint32_t v)
{
    node *at = &f->nodes[v];
    if (at->to_sink > 0) {
        double amount = at->excess < at->to_sink ? at->excess : at->to_sink;
        at->to_sink -= amount;
        at->excess -= amount;
    }
    while (at->excess > 0 && at->label <= f->n) {
        uint32_t end = f->first[v + 1];
        for (; at->current < end; at->current++) {
            half_arc *half = &f->halves[at->current];
            if (half->residual <= 0 || f->nodes[half->to].label + 1 != at->label)
                continue;
            push(f, v, half);
            if (at->excess <= 0)
                return;
        }
        relabel(f, v);
    }
}

/* Lowest label first: in deep graphs most excess cannot reach the sink in the end, and is found to
 * be cut off, by the next global relabelling, before it was moved at all. */
static void run(maxflow *f)
{
    size_t enough = 12 * (size_t)f->n + 4 * (size_t)f->n_arcs;
    global_relabel(f);
    while (f->lowest <= f->top) {
        uint32_t v = f->active[f->lowest];
        if (v == NONE) {
            f->lowest++;
            continue;
        }
        f->active[f->lowest] = f->nodes[v].next_active;
        if (f->nodes[v].label == f->lowest) /* else it was cut off by a gap */
            discharge(f, v);
        if (f->work > enough)
            global_relabel(f);
    }
    global_relabel(f);
}

static double load(maxflow *f, const double *server_cost, const double *device_cost,
                   const double *forward)
{
    double both = 0; /* what is paid on either side */
    for (uint32_t v = 0; v < f->n; v++) {
        double more = server_cost[v] - device_cost[v];
        both += more > 0 ? device_cost[v] : server_cost[v];
        f->nodes[v].excess = f->balance[v] = more > 0 ? more : 0;
        f->nodes[v].to_sink = more < 0 ? -more : 0;
    }
    for (uint32_t a = 0; a < f->n_arcs; a++) {
        half_arc *half = &f->halves[f->position[a]];
        half->residual = forward[a];
        f->halves[half->reverse].residual = f->backward[a];
    }
    return both;
}

/* The flow of an arc, read off its finite side. */
static double arc_flow(const maxflow *f, const double *forward, uint32_t a)
{
    const half_arc *half = &f->halves[f->position[a]];
    if (isinf(forward[a]))
        return f->halves[half->reverse].residual - f->backward[a];
    return forward[a] - half->residual;
}

/* What flows through a half arc, towards its other end. */
static double flow_through(const maxflow *f, const double *forward, uint32_t half)
{
    double flow = arc_flow(f, forward, f->arc[half]);
    return f->position[f->arc[half]] == half ? flow : -flow;
}

/* Takes a former solution's flow as far as the arcs can carry it now. Where a node then gives more
 * than it gets it is made to give less, which may go on downstream; false if that takes long. */
static bool reuse(maxflow *f, const double *forward)
{
    uint32_t depth = 0;
    size_t patience = 2 * ((size_t)f->n + f->n_arcs);
    for (uint32_t a = 0; a < f->n_arcs; a++) {
        half_arc *half = &f->halves[f->position[a]];
        double flow = fmin(fmax(f->flow[a], -f->backward[a]), forward[a]);
        half->residual -= flow;
        f->halves[half->reverse].residual += flow;
        f->nodes[f->halves[half->reverse].to].excess -= flow;
        f->nodes[half->to].excess += flow;
    }
    for (uint32_t v = 0; v < f->n; v++)
        if (f->nodes[v].excess < 0)
            f->queue[depth++] = v;
    while (depth > 0) {
        uint32_t v = f->queue[--depth];
        node *at = &f->nodes[v];
        for (uint32_t i = f->first[v]; i < f->first[v + 1] && at->excess < 0; i++) {
            double less = fmin(flow_through(f, forward, i), -at->excess);
            node *to = &f->nodes[f->halves[i].to];
            if (less <= 0)
                continue;
            if (patience-- == 0)
                return false;
            f->halves[i].residual += less;
            f->halves[f->halves[i].reverse].residual -= less;
            at->excess += less;
            if (to->excess >= 0 && to->excess < less)
                f->queue[depth++] = f->halves[i].to;
            to->excess -= less;
        }
        at->excess = fmax(at->excess, 0);
    }
    return true;
}

/* What reaches the sink, less what left nodes without having come in. */
static double value(maxflow *f, const double *server_cost, const double *device_cost,
                    const double *forward)
{
    double sum = 0;
    for (uint32_t a = 0; a < f->n_arcs; a++) {
        double flow = arc_flow(f, forward, a);
        const half_arc *half = &f->halves[f->position[a]];
        f->balance[f->halves[half->reverse].to] -= flow;
        f->balance[half->to] += flow;
    }
    for (uint32_t v = 0; v < f->n; v++) {
        double capacity = device_cost[v] - server_cost[v];
        double sunk = capacity > 0 ? capacity - f->nodes[v].to_sink : 0;
        double kept = f->balance[v] - sunk;
        sum += kept < 0 ? sunk + kept : sunk;
    }
    return sum;
}

/* A flow through small capacities fits larger ones: it is the one to begin with later. */
static void remember(maxflow *f, const double *forward)
{
    double size = 0;
    for (uint32_t a = 0; a < f->n_arcs; a++)
        size += isinf(forward[a]) ? 0 : forward[a];
    if (f->warm && size > f->size)
        return;
    for (uint32_t a = 0; a < f->n_arcs; a++)
        f->flow[a] = arc_flow(f, forward, a);
    f->size = size;
    f->warm = true;
}

double maxflow_solve(maxflow *f, const double *server_cost, const double *device_cost,
                     const double *forward)
{
    double both = load(f, server_cost, device_cost, forward);
    if (f->warm && !reuse(f, forward))
        load(f, server_cost, device_cost, forward);
    run(f);
    remember(f, forward);
    return both + value(f, server_cost, device_cost, forward);
}

bool maxflow_on_server(const maxflow *f, size_t v)
{
    return f->nodes[v].label <= f->n;
}
