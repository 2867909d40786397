/* Construction and destruction of the reader's graph, attribute look-up. */
#include "model/ir.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WARNINGS 1000

ir_graph *ir_graph_new(void)
{
    ir_graph *graph = kerf_calloc(1, sizeof *graph);
    if (graph)
        graph->name = kerf_strdup("");
    if (graph && !graph->name) {
        free(graph);
        graph = NULL;
    }
    return graph;
}

void ir_value_clear_content(ir_value *value)
{
    free(value->ints);
    free(value->floats);
    free(value->unresolved);
    value->ints = NULL;
    value->floats = NULL;
    value->unresolved = NULL;
}

void ir_value_clear(ir_value *value)
{
    if (value->dim_names)
        for (int i = 0; i < IR_MAX_RANK; i++)
            free(value->dim_names[i]);
    free(value->dim_names);
    free(value->name);
    ir_value_clear_content(value);
    memset(value, 0, sizeof *value);
    value->rank = value->declared_rank = -1;
    value->outer = KERF_NONE;
}

void ir_attr_clear(ir_attr *attr)
{
    free(attr->name);
    free(attr->s);
    free(attr->ints);
    free(attr->floats);
    if (attr->strings)
        for (size_t i = 0; i < attr->n; i++)
            free(attr->strings[i]);
    free(attr->strings);
    if (attr->tensor)
        ir_value_clear(attr->tensor);
    free(attr->tensor);
    ir_graph_free(attr->graph);
    memset(attr, 0, sizeof *attr);
}

void ir_node_clear(ir_node *node)
{
    free(node->name);
    free(node->type);
    free(node->domain);
    free(node->inputs);
    free(node->outputs);
    for (size_t i = 0; i < node->n_attrs; i++)
        ir_attr_clear(&node->attrs[i]);
    free(node->attrs);
    memset(node, 0, sizeof *node);
}

void ir_graph_free(ir_graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; i < graph->n_values; i++)
        ir_value_clear(&graph->values[i]);
    free(graph->values);
    for (size_t i = 0; i < graph->n_nodes; i++)
        ir_node_clear(&graph->nodes[i]);
    free(graph->nodes);
    for (size_t i = 0; i < graph->n_warnings; i++)
        free(graph->warnings[i]);
    free(graph->warnings);
    free(graph->inputs);
    free(graph->outputs);
    free(graph->name);
    free(graph);
}

size_t ir_add_value(ir_graph *graph, const char *name, size_t length)
{
    char *copy = kerf_strndup(name, length);
    if (!copy || kerf_reserve(&graph->values, &graph->cap_values, graph->n_values + 1,
                              IR_MAX_VALUES, sizeof *graph->values)) {
        free(copy);
        return KERF_NONE;
    }
    ir_value *value = &graph->values[graph->n_values];
    memset(value, 0, sizeof *value);
    value->name = copy;
    value->rank = value->declared_rank = -1;
    value->outer = KERF_NONE;
    return graph->n_values++;
}

ir_node *ir_add_node(ir_graph *graph)
{
    if (kerf_reserve(&graph->nodes, &graph->cap_nodes, graph->n_nodes + 1, IR_MAX_NODES,
                     sizeof *graph->nodes))
        return NULL;
    ir_node *node = &graph->nodes[graph->n_nodes++];
    memset(node, 0, sizeof *node);
    return node;
}

bool ir_warn(ir_graph *graph, const char *format, ...)
{
    while (graph->parent)
        graph = graph->parent;
    if (graph->n_warnings >= MAX_WARNINGS)
        return true;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    char *copy = kerf_strdup(line);
    if (!copy || kerf_reserve(&graph->warnings, &graph->cap_warnings, graph->n_warnings + 1,
                              MAX_WARNINGS, sizeof *graph->warnings)) {
        free(copy);
        return false;
    }
    graph->warnings[graph->n_warnings++] = copy;
    return true;
}

const ir_attr *ir_attr_find(const ir_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attrs; i++)
        if (strcmp(node->attrs[i].name, name) == 0)
            return &node->attrs[i];
    return NULL;
}

int64_t ir_attr_int(const ir_node *node, const char *name, int64_t fallback)
{
    const ir_attr *attr = ir_attr_find(node, name);
    return attr && attr->kind == IR_ATTR_INT ? attr->i : fallback;
}

/* An integer will do: JSON writes 1.0 as 1. */
double ir_attr_float(const ir_node *node, const char *name, double fallback)
{
    const ir_attr *attr = ir_attr_find(node, name);
    if (attr && attr->kind == IR_ATTR_FLOAT)
        return attr->f;
    return attr && attr->kind == IR_ATTR_INT ? (double)attr->i : fallback;
}

const char *ir_attr_string(const ir_node *node, const char *name, const char *fallback)
{
    const ir_attr *attr = ir_attr_find(node, name);
    return attr && attr->kind == IR_ATTR_STRING ? attr->s : fallback;
}

const int64_t *ir_attr_ints(const ir_node *node, const char *name, size_t *n)
{
    const ir_attr *attr = ir_attr_find(node, name);
    bool found = attr && attr->kind == IR_ATTR_INTS;
    *n = found ? attr->n : 0;
    return found ? attr->ints : NULL;
}

int64_t ir_elements(const ir_value *value)
{
    bool zero = false;
    if (value->rank < 0)
        return -1;
    for (int i = 0; i < value->rank; i++) {
        if (value->dims[i] < 0)
            return -1;
        zero = zero || value->dims[i] == 0;
    }
    if (zero)
        return 0;
    int64_t product = 1;
    for (int i = 0; i < value->rank; i++)
        if (__builtin_mul_overflow(product, value->dims[i], &product))
            return -1;
    return product;
}

const char *ir_node_label(const ir_node *node, char *buffer, size_t size)
{
    if (node->name && node->name[0])
        snprintf(buffer, size, "%s", node->name);
    else
        snprintf(buffer, size, "%s_%zu", node->type ? node->type : "node", node->source_index);
    return buffer;
}
