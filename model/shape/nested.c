#include "model/shape/nested.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void sh_import_captures(sh_node *s, ir_graph *body)
{
    sh_node inner = {.graph = body, .node = s->node, .err = s->err};
    ir_graph *root = body;
    while (root->parent)
        root = root->parent;
    root->infer_steps += body->n_values;
    for (size_t i = 0; i < body->n_values; i++) {
        ir_value *to = &body->values[i];
        if (to->outer == KERF_NONE || to->outer >= s->graph->n_values)
            continue;
        const ir_value *from = &s->graph->values[to->outer];
        ir_value_clear_content(to);
        to->type = from->type;
        to->rank = from->rank;
        memcpy(to->dims, from->dims, sizeof to->dims);
        to->stored_type = from->stored_type;
        to->constant = from->constant;
        sh_copy_content(&inner, to, from);
        if (from->unresolved && !(to->unresolved = kerf_strdup(from->unresolved)))
            s->no_memory = true;
        if (!from->constant)
            s->captures = true;
    }
    s->no_memory = s->no_memory || inner.no_memory;
}

void sh_set_input(ir_graph *body, size_t i, kerf_type type, int rank, const int64_t *dims)
{
    ir_value *value = &body->values[body->inputs[i]];
    ir_value_clear_content(value);
    value->type = type;
    value->rank = rank;
    if (rank > 0)
        memcpy(value->dims, dims, (size_t)rank * sizeof *dims);
    value->constant = false;
}

const ir_value *sh_graph_output(const ir_graph *graph, size_t i)
{
    return &graph->values[graph->outputs[i]];
}

bool sh_graph_macs(const ir_graph *graph, int64_t *macs)
{
    *macs = 0;
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (__builtin_add_overflow(*macs, graph->nodes[i].macs, macs))
            return false;
    return true;
}

kerf_class sh_graph_class(const ir_graph *graph)
{
    kerf_class cls = KERF_CLASS_OTHER;
    int64_t most = 0;
    for (size_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].macs > most) {
            most = graph->nodes[i].macs;
            cls = graph->nodes[i].cls;
        }
    return cls;
}

typedef struct weight {
    const ir_graph *graph; /* where the value is made */
    size_t value;
} weight;

typedef struct weights {
    weight *list;
    size_t n, capacity;
} weights;

static bool add_weight(weights *w, const ir_graph *graph, size_t value)
{
    while (graph->values[value].outer != KERF_NONE && graph->parent) {
        value = graph->values[value].outer;
        graph = graph->parent;
    }
    if (kerf_reserve(&w->list, &w->capacity, w->n + 1, (size_t)1 << 26, sizeof *w->list))
        return false;
    w->list[w->n++] = (weight){graph, value};
    return true;
}

static bool collect_node(weights *w, const ir_graph *graph, const ir_node *node);

static bool collect_graph(weights *w, const ir_graph *graph)
{
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const ir_node *node = &graph->nodes[i];
        for (size_t k = 0; k < 64 && k < node->n_inputs; k++)
            if (node->weight_slots & SH_SLOT(k) && !add_weight(w, graph, node->inputs[k]))
                return false;
        if (!collect_node(w, graph, node))
            return false;
    }
    return true;
}

/* Of an If whose condition is known, the other branch was never inferred. */
static bool branch_runs(const ir_graph *graph, const ir_node *node, const char *name)
{
    if (strcmp(node->type, "If") != 0 || node->n_inputs < 1 || node->inputs[0] == KERF_NONE)
        return true;
    const ir_value *condition = &graph->values[node->inputs[0]];
    if (!sh_content_complete(condition) || ir_elements(condition) != 1)
        return true;
    return strcmp(name, sh_int_at(condition, 0) ? "then_branch" : "else_branch") == 0;
}

static bool collect_node(weights *w, const ir_graph *graph, const ir_node *node)
{
    for (size_t i = 0; i < node->n_attrs; i++) {
        const ir_attr *attr = &node->attrs[i];
        if (attr->kind == IR_ATTR_GRAPH && attr->graph && branch_runs(graph, node, attr->name) &&
            !collect_graph(w, attr->graph))
            return false;
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    const weight *a = left, *b = right;
    if (a->graph != b->graph)
        return (uintptr_t)a->graph < (uintptr_t)b->graph ? -1 : 1;
    return a->value < b->value ? -1 : a->value > b->value;
}

/* A weight that the body captures is an input of the operator, and marked there. */
static bool mark_captured(sh_node *s, const weight *w)
{
    for (size_t i = 0; i < 64 && i < s->node->n_inputs && w->graph == s->graph; i++)
        if (s->node->inputs[i] == w->value) {
            s->node->weight_slots |= SH_SLOT(i);
            return true;
        }
    return false;
}

static bool add_inner(ir_node *node, const ir_value *value)
{
    kerf_type type = value->stored_type ? value->stored_type : value->type;
    int64_t n = ir_elements(value), bits = kerf_type_bits(type), bytes = 0;
    if (n < 0)
        return true;
    return !__builtin_mul_overflow(n / 8, bits, &bytes) &&
           !__builtin_add_overflow(bytes, (n % 8 * bits + 7) / 8, &bytes) &&
           !__builtin_add_overflow(node->inner_params, n, &node->inner_params) &&
           !__builtin_add_overflow(node->inner_weight_bytes, bytes, &node->inner_weight_bytes);
}

kerf_status sh_weigh_bodies(sh_node *s)
{
    weights w = {NULL, 0, 0};
    kerf_status status = KERF_OK;
    if (!collect_node(&w, s->graph, s->node)) {
        status = kerf_fail(s->err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    if (w.n)
        qsort(w.list, w.n, sizeof *w.list, compare);
    for (size_t i = 0; i < w.n; i++) {
        if ((i > 0 && compare(&w.list[i - 1], &w.list[i]) == 0) || mark_captured(s, &w.list[i]))
            continue;
        if (!add_inner(s->node, &w.list[i].graph->values[w.list[i].value])) {
            status = sh_fail(s, "the weights of nested graphs are too large");
            goto out;
        }
    }
out:
    free(w.list);
    return status;
}
