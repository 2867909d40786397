/* Topological order of a graph's nodes. Most files come sorted already, which one pass finds out;
 * for the others Kahn's algorithm takes the ready node that stands first in the file (a heap), so
 * that the order stays as near to the file's as it can. O(V + E) for the first, plus O(V log V)
 * for the heap. No recursion but into nested graphs, whose depth the reader limits.
 */
#include "model/ir.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct sorter {
    ir_graph *graph;
    size_t *producer; /* by value: the node that writes it, KERF_NONE */
    size_t *waiting;  /* by node: operands still to be computed */
    size_t *start;    /* by node: its consumers are next[start[i]] .. next[start[i + 1] - 1] */
    size_t *next;
    size_t *order;
    size_t n_order;
    size_t *heap;
    size_t n_heap;
} sorter;

static void sorter_clear(sorter *s)
{
    free(s->producer);
    free(s->waiting);
    free(s->start);
    free(s->next);
    free(s->order);
    free(s->heap);
}

static kerf_status find_producers(sorter *s, kerf_error *err)
{
    const ir_graph *graph = s->graph;
    char label[256];
    for (size_t v = 0; v < graph->n_values; v++)
        s->producer[v] = KERF_NONE;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const ir_node *node = &graph->nodes[i];
        for (size_t j = 0; j < node->n_outputs; j++) {
            size_t v = node->outputs[j];
            if (v == KERF_NONE)
                continue;
            if (s->producer[v] != KERF_NONE || graph->values[v].initializer)
                return kerf_fail(err, KERF_E_INVALID, ir_node_label(node, label, sizeof label),
                                 "tensor '%s' is produced twice, expected one producer",
                                 graph->values[v].name);
            s->producer[v] = i;
        }
    }
    for (size_t i = 0; i < graph->n_inputs; i++) {
        size_t v = graph->inputs[i];
        if (s->producer[v] != KERF_NONE)
            return kerf_fail(err, KERF_E_INVALID,
                             ir_node_label(&graph->nodes[s->producer[v]], label, sizeof label),
                             "writes the network input '%s', expected a tensor of its own",
                             graph->values[v].name);
    }
    return KERF_OK;
}

/* `fed` marks the values that need no producer. */
static kerf_status check_operands(const sorter *s, const bool *fed, kerf_error *err)
{
    const ir_graph *graph = s->graph;
    char label[256];
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const ir_node *node = &graph->nodes[i];
        for (size_t j = 0; j < node->n_inputs; j++) {
            size_t v = node->inputs[j];
            if (v != KERF_NONE && s->producer[v] == KERF_NONE && !fed[v])
                return kerf_fail(err, KERF_E_INVALID, ir_node_label(node, label, sizeof label),
                                 "reads tensor '%s', which nothing produces",
                                 graph->values[v].name);
        }
    }
    for (size_t i = 0; i < graph->n_outputs; i++) {
        size_t v = graph->outputs[i];
        if (s->producer[v] == KERF_NONE && !fed[v])
            return kerf_fail(err, KERF_E_INVALID, graph->values[v].name,
                             "is an output of the network, but nothing produces it");
    }
    return KERF_OK;
}

static kerf_status check_sources(const sorter *s, kerf_error *err)
{
    const ir_graph *graph = s->graph;
    bool *fed = kerf_calloc(graph->n_values, sizeof *fed);
    if (!fed)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t v = 0; v < graph->n_values; v++)
        fed[v] = graph->values[v].initializer || graph->values[v].outer != KERF_NONE;
    for (size_t i = 0; i < graph->n_inputs; i++)
        fed[graph->inputs[i]] = true;
    kerf_status status = check_operands(s, fed, err);
    free(fed);
    return status;
}

/* Node that writes operand j of node i, KERF_NONE if none does. */
static size_t source_of(const sorter *s, size_t i, size_t j)
{
    size_t v = s->graph->nodes[i].inputs[j];
    return v == KERF_NONE ? KERF_NONE : s->producer[v];
}

static bool is_sorted(const sorter *s)
{
    for (size_t i = 0; i < s->graph->n_nodes; i++)
        for (size_t j = 0; j < s->graph->nodes[i].n_inputs; j++) {
            size_t source = source_of(s, i, j);
            if (source != KERF_NONE && source >= i)
                return false;
        }
    return true;
}

/* Consumers by node, in compressed rows; a node that reads another twice stands there twice. */
static bool find_consumers(sorter *s)
{
    const ir_graph *graph = s->graph;
    size_t n = graph->n_nodes, edges = 0;
    s->start = kerf_calloc(n + 2, sizeof *s->start);
    if (!s->start)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < graph->nodes[i].n_inputs; j++) {
            size_t source = source_of(s, i, j);
            if (source != KERF_NONE) {
                s->start[source + 2]++;
                s->waiting[i]++;
                edges++;
            }
        }
    for (size_t i = 2; i < n + 2; i++)
        s->start[i] += s->start[i - 1];
    s->next = kerf_calloc(edges, sizeof *s->next);
    if (!s->next)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < graph->nodes[i].n_inputs; j++) {
            size_t source = source_of(s, i, j);
            if (source != KERF_NONE)
                s->next[s->start[source + 1]++] = i;
        }
    return true;
}

static void push(sorter *s, size_t node)
{
    size_t at = s->n_heap++;
    for (; at && s->heap[(at - 1) / 2] > node; at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = node;
}

static size_t pop(sorter *s)
{
    size_t top = s->heap[0], last = s->heap[--s->n_heap], at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= s->n_heap)
            break;
        if (child + 1 < s->n_heap && s->heap[child + 1] < s->heap[child])
            child++;
        if (s->heap[child] >= last)
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return top;
}

static void kahn(sorter *s)
{
    for (size_t i = 0; i < s->graph->n_nodes; i++)
        if (!s->waiting[i])
            push(s, i);
    while (s->n_heap) {
        size_t node = pop(s);
        s->order[s->n_order++] = node;
        for (size_t k = s->start[node]; k < s->start[node + 1]; k++)
            if (!--s->waiting[s->next[k]])
                push(s, s->next[k]);
    }
}

/* Walks from a node that never became ready to sources that did not either; the first node met
 * twice is on a cycle. */
static size_t on_cycle(sorter *s)
{
    size_t node = 0;
    while (!s->waiting[node])
        node++;
    for (size_t i = 0; i < s->graph->n_nodes; i++)
        s->heap[i] = 0;
    while (!s->heap[node]) {
        s->heap[node] = 1;
        size_t j = 0, source;
        do
            source = source_of(s, node, j++);
        while (source == KERF_NONE || !s->waiting[source]);
        node = source;
    }
    return node;
}

static bool reorder(sorter *s)
{
    ir_graph *graph = s->graph;
    ir_node *nodes = kerf_calloc(graph->n_nodes, sizeof *nodes);
    if (!nodes)
        return false;
    for (size_t i = 0; i < graph->n_nodes; i++)
        nodes[i] = graph->nodes[s->order[i]];
    free(graph->nodes);
    graph->nodes = nodes;
    graph->cap_nodes = graph->n_nodes;
    return true;
}

static kerf_status sort_nodes(sorter *s, kerf_error *err)
{
    size_t n = s->graph->n_nodes;
    char label[256];
    s->waiting = kerf_calloc(n, sizeof *s->waiting);
    s->order = kerf_calloc(n, sizeof *s->order);
    s->heap = kerf_calloc(n, sizeof *s->heap);
    if (!s->waiting || !s->order || !s->heap || !find_consumers(s))
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kahn(s);
    if (s->n_order < n) {
        const ir_node *node = &s->graph->nodes[on_cycle(s)];
        return kerf_fail(err, KERF_E_INVALID, ir_node_label(node, label, sizeof label),
                         "is on a cycle, expected a graph without any");
    }
    return reorder(s) ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

static kerf_status sort_nested(ir_graph *graph, kerf_error *err)
{
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 0; j < graph->nodes[i].n_attrs; j++) {
            ir_graph *nested = graph->nodes[i].attrs[j].graph;
            kerf_status status = nested ? ir_sort(nested, err) : KERF_OK;
            if (status != KERF_OK)
                return status;
        }
    return KERF_OK;
}

kerf_status ir_sort(ir_graph *graph, kerf_error *err)
{
    sorter s = {.graph = graph};
    kerf_status status;
    s.producer = kerf_calloc(graph->n_values, sizeof *s.producer);
    if (!s.producer) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    status = find_producers(&s, err);
    if (status == KERF_OK)
        status = check_sources(&s, err);
    if (status == KERF_OK && !is_sorted(&s))
        status = sort_nodes(&s, err);
    if (status == KERF_OK)
        status = sort_nested(graph, err);
out:
    sorter_clear(&s);
    return status;
}
