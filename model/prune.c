/* An early exit: the part of a network that some of its tensors need. */
#include "model/ir.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef struct pruner {
    ir_graph *graph;
    size_t *producer;   /* by value: the node that writes it, KERF_NONE */
    bool *needed;       /* by node */
    bool *needed_value; /* by value */
    size_t *outputs;    /* the new ones */
    size_t n_outputs;
} pruner;

static bool allocate(pruner *p, size_t n_outputs)
{
    p->producer = kerf_calloc(p->graph->n_values, sizeof *p->producer);
    p->needed = kerf_calloc(p->graph->n_nodes, sizeof *p->needed);
    p->needed_value = kerf_calloc(p->graph->n_values, sizeof *p->needed_value);
    p->outputs = kerf_calloc(n_outputs, sizeof *p->outputs);
    return p->producer && p->needed && p->needed_value && p->outputs;
}

static void pruner_clear(pruner *p)
{
    free(p->producer);
    free(p->needed);
    free(p->needed_value);
    free(p->outputs);
}

static void find_producers(pruner *p)
{
    const ir_graph *graph = p->graph;
    for (size_t v = 0; v < graph->n_values; v++)
        p->producer[v] = KERF_NONE;
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 0; j < graph->nodes[i].n_outputs; j++)
            if (graph->nodes[i].outputs[j] != KERF_NONE)
                p->producer[graph->nodes[i].outputs[j]] = i;
}

static kerf_status take_output(pruner *p, const char *name, kerf_error *err)
{
    const ir_graph *graph = p->graph;
    size_t found = KERF_NONE;
    for (size_t v = 0; v < graph->n_values && found == KERF_NONE; v++)
        if (p->producer[v] != KERF_NONE && strcmp(graph->values[v].name, name) == 0)
            found = v;
    if (found == KERF_NONE)
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "has no operator that makes a tensor '%.200s', which is to be an output",
                         name);
    for (size_t i = 0; i < p->n_outputs; i++)
        if (p->outputs[i] == found)
            return kerf_fail(err, KERF_E_INVALID, NULL, "is to have the output '%.200s' twice",
                             name);
    p->outputs[p->n_outputs++] = found;
    return KERF_OK;
}

/* Nodes are in topological order, and what nested graphs capture is among a node's inputs. */
static void mark_needed(pruner *p)
{
    const ir_graph *graph = p->graph;
    for (size_t i = 0; i < p->n_outputs; i++)
        p->needed_value[p->outputs[i]] = true;
    for (size_t i = graph->n_nodes; i-- > 0;) {
        const ir_node *node = &graph->nodes[i];
        for (size_t j = 0; j < node->n_outputs && !p->needed[i]; j++)
            p->needed[i] = node->outputs[j] != KERF_NONE && p->needed_value[node->outputs[j]];
        for (size_t j = 0; j < node->n_inputs && p->needed[i]; j++)
            if (node->inputs[j] != KERF_NONE)
                p->needed_value[node->inputs[j]] = true;
    }
}

static void drop_rest(pruner *p)
{
    ir_graph *graph = p->graph;
    size_t nodes = 0, inputs = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (p->needed[i])
            graph->nodes[nodes++] = graph->nodes[i];
        else
            ir_node_clear(&graph->nodes[i]);
    }
    graph->n_nodes = nodes;
    for (size_t i = 0; i < graph->n_inputs; i++)
        if (p->needed_value[graph->inputs[i]])
            graph->inputs[inputs++] = graph->inputs[i];
    graph->n_inputs = inputs;
    free(graph->outputs);
    graph->outputs = p->outputs;
    graph->n_outputs = p->n_outputs;
    p->outputs = NULL;
}

kerf_status ir_prune(ir_graph *graph, const char *const *outputs, size_t n, kerf_error *err)
{
    pruner p = {.graph = graph};
    kerf_status status = KERF_OK;
    if (!allocate(&p, n)) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    find_producers(&p);
    for (size_t i = 0; i < n && status == KERF_OK; i++)
        status = take_output(&p, outputs[i], err);
    if (status == KERF_OK) {
        mark_needed(&p);
        drop_rest(&p);
    }
out:
    pruner_clear(&p);
    return status;
}
