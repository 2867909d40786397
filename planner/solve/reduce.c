#include "planner/solve/reduce.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

#define NONE         UINT32_MAX
#define LOOK_AT_MOST 16 /* arcs looked at for one that is parallel */

typedef struct link {
    uint32_t from, to;
    uint32_t next_from, next_to; /* next arc of either end */
    bool gone, regular;          /* regular: infinite back, finite forward */
} link;

/* One elimination. `node` NONE: arc `in` was added to `into`. */
typedef struct step {
    uint32_t node, in, out; /* arcs in and out, NONE if there is none */
    uint32_t before, after; /* the nodes at their other ends */
    uint32_t into;          /* the arc that stands for both from now on */
} step;

struct reduction {
    size_t n, n_arcs;
    link *links;
    uint32_t *first;  /* by node: its first arc */
    uint32_t *degree; /* by node: arcs that are left */
    uint32_t *queue, *mark;
    bool *queued, *gone;
    size_t head, tail;
    step *steps;
    uint8_t *choice; /* by step: where the node goes when its neighbours differ */
    size_t n_steps;
    size_t n_kept, n_kept_arcs;
    uint32_t *kept, *kept_arcs; /* nodes and arcs that are left */
    double *server_cost, *device_cost, *forward;
    maxflow *flow;
};

static uint32_t *next_slot(link *l, uint32_t node)
{
    return l->from == node ? &l->next_from : &l->next_to;
}

/* First arc of the node at or after *slot that is not gone; drops those that are from the list. */
static uint32_t skip_gone(reduction *r, uint32_t node, uint32_t *slot)
{
    while (*slot != NONE && r->links[*slot].gone)
        *slot = *next_slot(&r->links[*slot], node);
    return *slot;
}

static void enqueue(reduction *r, uint32_t node)
{
    if (r->queued[node] || r->gone[node] || r->degree[node] > 2)
        return;
    r->queued[node] = true;
    r->queue[r->tail++ % r->n] = node;
}

static void drop_end(reduction *r, uint32_t node)
{
    r->degree[node]--;
    enqueue(r, node);
}

static void drop_arc(reduction *r, uint32_t arc)
{
    r->links[arc].gone = true;
    drop_end(r, r->links[arc].from);
    drop_end(r, r->links[arc].to);
}

/* A regular arc from -> to among the first few of either end, NONE if there is none. */
static uint32_t find_parallel(reduction *r, uint32_t from, uint32_t to)
{
    uint32_t node = r->degree[from] < r->degree[to] ? from : to;
    uint32_t *slot = &r->first[node];
    for (int i = 0; i < LOOK_AT_MOST && skip_gone(r, node, slot) != NONE; i++) {
        link *l = &r->links[*slot];
        if (l->regular && l->from == from && l->to == to)
            return *slot;
        slot = next_slot(l, node);
    }
    return NONE;
}

/* The one arc that enters and the one that leaves the node; false if there are others. */
static bool find_ends(reduction *r, uint32_t node, step *s)
{
    *s = (step){node, NONE, NONE, NONE, NONE, NONE};
    for (uint32_t *slot = &r->first[node]; skip_gone(r, node, slot) != NONE;
         slot = next_slot(&r->links[*slot], node)) {
        const link *l = &r->links[*slot];
        if (!l->regular || (l->from == node ? s->out : s->in) != NONE)
            return false;
        if (l->from == node) {
            s->out = *slot;
            s->after = l->to;
        } else {
            s->in = *slot;
            s->before = l->from;
        }
    }
    return true;
}

/* Both arcs become one: an arc that is there already, or `in` with a new end. */
static void join_ends(reduction *r, step *s)
{
    s->into = find_parallel(r, s->before, s->after);
    drop_arc(r, s->out);
    if (s->into != NONE) {
        drop_arc(r, s->in);
        return;
    }
    s->into = s->in;
    link *l = &r->links[s->in];
    l->to = s->after;
    l->next_to = r->first[s->after];
    r->first[s->after] = s->in;
    r->degree[s->after]++;
}

static void eliminate(reduction *r, uint32_t node)
{
    step *s = &r->steps[r->n_steps];
    if (!find_ends(r, node, s))
        return;
    r->n_steps++;
    r->gone[node] = true;
    if (s->in != NONE && s->out != NONE)
        join_ends(r, s);
    else if (s->in != NONE)
        drop_arc(r, s->in);
    else if (s->out != NONE)
        drop_arc(r, s->out);
}

/* Makes one of arcs that are parallel from the start. mark[to]: an arc from the node at hand. */
static void merge_parallel(reduction *r)
{
    for (uint32_t v = 0; v < r->n; v++)
        r->mark[v] = NONE;
    for (uint32_t v = 0; v < r->n; v++)
        for (uint32_t *slot = &r->first[v]; *slot != NONE; slot = next_slot(&r->links[*slot], v)) {
            link *l = &r->links[*slot];
            if (l->gone || !l->regular || l->from != v)
                continue;
            uint32_t other = r->mark[l->to];
            if (other == NONE || r->links[other].from != v) {
                r->mark[l->to] = *slot;
                continue;
            }
            r->steps[r->n_steps++] = (step){NONE, *slot, NONE, NONE, NONE, other};
            l->gone = true;
            r->degree[l->from]--;
            r->degree[l->to]--;
        }
}

static void shape(reduction *r, const maxflow_arc *arcs)
{
    if (r->n == 0)
        return;
    for (size_t v = 0; v < r->n; v++)
        r->first[v] = NONE;
    for (size_t a = r->n_arcs; a-- > 0;) {
        uint32_t from = arcs[a].from, to = arcs[a].to;
        bool regular = isinf(arcs[a].backward) && !isinf(arcs[a].forward);
        r->links[a] = (link){from, to, r->first[from], r->first[to], false, regular};
        r->first[from] = r->first[to] = (uint32_t)a;
        r->degree[from]++;
        r->degree[to]++;
    }
    merge_parallel(r);
    for (uint32_t v = 0; v < r->n; v++)
        enqueue(r, v);
    while (r->head < r->tail) {
        uint32_t v = r->queue[r->head++ % r->n];
        r->queued[v] = false;
        eliminate(r, v);
    }
}

/* Numbers what is left and lays out its flow. */
static kerf_status lay_out_rest(reduction *r, const maxflow_arc *arcs, kerf_error *err)
{
    maxflow_arc *kept = kerf_calloc(r->n_arcs, sizeof *kept);
    if (!kept)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu arcs", r->n_arcs);
    for (uint32_t v = 0; v < r->n; v++)
        if (!r->gone[v]) {
            r->mark[v] = (uint32_t)r->n_kept;
            r->kept[r->n_kept++] = v;
        }
    for (uint32_t a = 0; a < r->n_arcs; a++)
        if (!r->links[a].gone) {
            kept[r->n_kept_arcs] = (maxflow_arc){r->mark[r->links[a].from], r->mark[r->links[a].to],
                                                 0, arcs[a].backward};
            r->kept_arcs[r->n_kept_arcs++] = a;
        }
    kerf_status status = maxflow_create(r->n_kept, r->n_kept_arcs, kept, &r->flow, err);
    free(kept);
    return status;
}

static bool allocate(reduction *r)
{
    r->links = kerf_calloc(r->n_arcs, sizeof *r->links);
    r->first = kerf_calloc(r->n, sizeof *r->first);
    r->degree = kerf_calloc(r->n, sizeof *r->degree);
    r->queue = kerf_calloc(r->n, sizeof *r->queue);
    r->mark = kerf_calloc(r->n, sizeof *r->mark);
    r->queued = kerf_calloc(r->n, sizeof *r->queued);
    r->gone = kerf_calloc(r->n, sizeof *r->gone);
    r->steps = kerf_calloc(r->n + r->n_arcs + 1, sizeof *r->steps);
    r->choice = kerf_calloc(r->n + r->n_arcs + 1, 1);
    r->kept = kerf_calloc(r->n, sizeof *r->kept);
    r->kept_arcs = kerf_calloc(r->n_arcs, sizeof *r->kept_arcs);
    r->server_cost = kerf_calloc(r->n, sizeof *r->server_cost);
    r->device_cost = kerf_calloc(r->n, sizeof *r->device_cost);
    r->forward = kerf_calloc(r->n_arcs, sizeof *r->forward);
    return r->links && r->first && r->degree && r->queue && r->mark && r->queued && r->gone &&
           r->steps && r->choice && r->kept && r->kept_arcs && r->server_cost && r->device_cost &&
           r->forward;
}

kerf_status reduction_create(size_t n, size_t n_arcs, const maxflow_arc *arcs, reduction **reduced,
                             kerf_error *err)
{
    if (n > 1U << 30 || n_arcs > 1U << 30)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "%zu nodes and %zu arcs, at most 2^30 each",
                         n, n_arcs);
    kerf_status status;
    reduction *r = kerf_calloc(1, sizeof *r);
    if (r) {
        r->n = n;
        r->n_arcs = n_arcs;
    }
    if (!r || !allocate(r)) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a cut of %zu arcs", n_arcs);
    } else {
        shape(r, arcs);
        status = lay_out_rest(r, arcs, err);
    }
    if (status == KERF_OK)
        *reduced = r;
    else
        reduction_destroy(&r);
    return status;
}

void reduction_destroy(reduction **reduced)
{
    reduction *r = *reduced;
    if (!r)
        return;
    maxflow_destroy(&r->flow);
    free(r->links);
    free(r->first);
    free(r->degree);
    free(r->queue);
    free(r->mark);
    free(r->queued);
    free(r->gone);
    free(r->steps);
    free(r->choice);
    free(r->kept);
    free(r->kept_arcs);
    free(r->server_cost);
    free(r->device_cost);
    free(r->forward);
    free(r);
    *reduced = NULL;
}

/* Carries one eliminated node's costs over to what is left; returns what is paid in any case. */
static double carry(const step *s, double *server_cost, double *device_cost, double *forward,
                    uint8_t *choice)
{
    double server = server_cost[s->node], device = device_cost[s->node];
    if (s->in != NONE)
        server += forward[s->in];
    if (s->out != NONE)
        device += forward[s->out];
    *choice = server < device;
    double least = server < device ? server : device;
    if (s->in != NONE && s->out != NONE) {
        if (s->into == s->in)
            forward[s->into] = least;
        else
            forward[s->into] += least;
        server_cost[s->before] += server_cost[s->node];
        device_cost[s->after] += device_cost[s->node];
    } else if (s->in != NONE) {
        server_cost[s->before] += server_cost[s->node];
        device_cost[s->before] += least;
    } else if (s->out != NONE) {
        device_cost[s->after] += device_cost[s->node];
        server_cost[s->after] += least;
    } else {
        return least;
    }
    return 0;
}

/* The sides of the eliminated nodes, last one first. */
static void expand(const reduction *r, uint8_t *on_server)
{
    for (size_t i = r->n_steps; i-- > 0;) {
        const step *s = &r->steps[i];
        if (s->node == NONE)
            continue;
        if (s->in != NONE && on_server[s->before])
            on_server[s->node] = 1;
        else if (s->out != NONE && !on_server[s->after])
            on_server[s->node] = 0;
        else
            on_server[s->node] = r->choice[i];
    }
}

double reduction_solve(reduction *r, double *server_cost, double *device_cost, double *forward,
                       uint8_t *on_server)
{
    double bound = 0;
    for (size_t i = 0; i < r->n_steps; i++) {
        const step *s = &r->steps[i];
        if (s->node == NONE)
            forward[s->into] += forward[s->in];
        else
            bound += carry(s, server_cost, device_cost, forward, &r->choice[i]);
    }
    for (size_t i = 0; i < r->n_kept; i++) {
        r->server_cost[i] = server_cost[r->kept[i]];
        r->device_cost[i] = device_cost[r->kept[i]];
    }
    for (size_t i = 0; i < r->n_kept_arcs; i++)
        r->forward[i] = forward[r->kept_arcs[i]];
    bound += maxflow_solve(r->flow, r->server_cost, r->device_cost, r->forward);
    for (size_t i = 0; i < r->n_kept; i++)
        on_server[r->kept[i]] = maxflow_on_server(r->flow, i);
    expand(r, on_server);
    return bound;
}

size_t reduction_size(const reduction *r)
{
    return r->n_kept;
}
