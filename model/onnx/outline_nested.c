/* Graphs inside nodes: what they capture from around them. */
#include "model/onnx/outline_read.h"

#include "base/memory.h"

#include <stdlib.h>

/* Names that a nested graph defines itself. */
typedef struct nested {
    const struct nested *parent;
    onnx_names names;
    char **owned;
    size_t n, capacity;
    int depth;
} nested;

static bool define(onnx_outline *o, nested *scope, const onnx_extent *extent)
{
    char *name = outline_read_text(o, extent, ONNX_MAX_NAME);
    if (!name)
        return false;
    if (kerf_reserve(&scope->owned, &scope->capacity, scope->n + 1, IR_MAX_VALUES,
                     sizeof *scope->owned)) {
        free(name);
        return OUTLINE_NOMEM(o);
    }
    scope->owned[scope->n++] = name;
    return onnx_names_add(&scope->names, onnx_hash(o, name), name, 0) || OUTLINE_NOMEM(o);
}

static bool define_field(onnx_outline *o, nested *scope, const onnx_extent *message,
                         uint32_t wanted)
{
    uint64_t at = message->at;
    onnx_extent field;
    while (onnx_outline_next(o, &at, message->at + message->size, &field))
        if (field.field == wanted && !define(o, scope, &field))
            return false;
    return o->status == KERF_OK;
}

bool outline_sparse_values(onnx_outline *o, const onnx_extent *sparse, onnx_extent *values)
{
    uint64_t at = sparse->at;
    onnx_extent field;
    *values = (onnx_extent){.at = sparse->at};
    while (onnx_outline_next(o, &at, sparse->at + sparse->size, &field))
        if (field.field == 1)
            *values = field;
    return o->status == KERF_OK;
}

bool outline_scan_tensor(onnx_outline *o, const onnx_extent *tensor)
{
    uint64_t at = tensor->at;
    onnx_extent field;
    while (onnx_outline_next(o, &at, tensor->at + tensor->size, &field))
        if (field.field == TENSOR_LOCATION && field.number == 1)
            o->inner_external = true;
    return o->status == KERF_OK;
}

static bool collect_definitions(onnx_outline *o, nested *scope, const onnx_extent *graph)
{
    uint64_t at = graph->at;
    onnx_extent field, values;
    while (onnx_outline_next(o, &at, graph->at + graph->size, &field)) {
        bool ok = true;
        if (field.field == GRAPH_NODE)
            ok = define_field(o, scope, &field, NODE_OUTPUT);
        else if (field.field == GRAPH_INITIALIZER)
            ok = define_field(o, scope, &field, TENSOR_NAME) && outline_scan_tensor(o, &field);
        else if (field.field == GRAPH_INPUT)
            ok = define_field(o, scope, &field, 1);
        else if (field.field == GRAPH_SPARSE)
            ok = outline_sparse_values(o, &field, &values) &&
                 define_field(o, scope, &values, TENSOR_NAME);
        if (!ok)
            return false;
    }
    return o->status == KERF_OK;
}

static bool refer(onnx_outline *o, const nested *scope, const onnx_extent *extent,
                  outline_node *node)
{
    char *name = outline_read_text(o, extent, ONNX_MAX_NAME);
    if (!name)
        return false;
    uint64_t hash = onnx_hash(o, name);
    bool known = !*name;
    for (; scope && !known; scope = scope->parent)
        known = onnx_names_find(&scope->names, hash, name) != KERF_NONE;
    if (known) {
        free(name);
        return true;
    }
    size_t tensor = outline_tensor_of(o, name);
    return tensor != KERF_NONE &&
           outline_append(o, &node->inputs, &node->n_inputs, &node->cap_inputs, tensor);
}

static bool scan_attribute(onnx_outline *o, const nested *scope, const onnx_extent *attribute,
                           outline_node *node);

static bool refer_node(onnx_outline *o, const nested *scope, const onnx_extent *message,
                       outline_node *node)
{
    uint64_t at = message->at;
    onnx_extent field;
    while (onnx_outline_next(o, &at, message->at + message->size, &field)) {
        if (field.field == NODE_INPUT && !refer(o, scope, &field, node))
            return false;
        if (field.field == NODE_ATTRIBUTE && !scan_attribute(o, scope, &field, node))
            return false;
    }
    return o->status == KERF_OK;
}

static bool refer_output(onnx_outline *o, const nested *scope, const onnx_extent *message,
                         outline_node *node)
{
    uint64_t at = message->at;
    onnx_extent field;
    while (onnx_outline_next(o, &at, message->at + message->size, &field))
        if (field.field == 1 && !refer(o, scope, &field, node))
            return false;
    return o->status == KERF_OK;
}

static bool collect_references(onnx_outline *o, const nested *scope, const onnx_extent *graph,
                               outline_node *node)
{
    uint64_t at = graph->at;
    onnx_extent field;
    while (onnx_outline_next(o, &at, graph->at + graph->size, &field)) {
        if (field.field == GRAPH_NODE && !refer_node(o, scope, &field, node))
            return false;
        if (field.field == GRAPH_OUTPUT && !refer_output(o, scope, &field, node))
            return false;
    }
    return o->status == KERF_OK;
}

static bool scan_nested(onnx_outline *o, const nested *parent, const onnx_extent *graph,
                        outline_node *node)
{
    nested scope = {.parent = parent, .depth = parent ? parent->depth + 1 : 1};
    if (scope.depth > IR_MAX_DEPTH)
        return OUTLINE_FAIL(o, KERF_E_TOO_LARGE, node->name, "graphs are nested deeper than %d",
                            IR_MAX_DEPTH);
    bool ok = collect_definitions(o, &scope, graph) && collect_references(o, &scope, graph, node);
    onnx_names_clear(&scope.names);
    for (size_t i = 0; i < scope.n; i++)
        free(scope.owned[i]);
    free(scope.owned);
    return ok;
}

static bool scan_attribute(onnx_outline *o, const nested *scope, const onnx_extent *attribute,
                           outline_node *node)
{
    uint64_t at = attribute->at;
    onnx_extent field, values;
    while (onnx_outline_next(o, &at, attribute->at + attribute->size, &field)) {
        bool ok = true;
        if (field.field == ATTRIBUTE_GRAPH || field.field == ATTRIBUTE_GRAPHS)
            ok = scan_nested(o, scope, &field, node);
        else if (field.field == ATTRIBUTE_TENSOR || field.field == ATTRIBUTE_TENSORS)
            ok = outline_scan_tensor(o, &field);
        else if (field.field == ATTRIBUTE_SPARSE || field.field == ATTRIBUTE_SPARSES)
            ok = outline_sparse_values(o, &field, &values) && outline_scan_tensor(o, &values);
        if (!ok)
            return false;
    }
    return o->status == KERF_OK;
}

bool outline_scan_attribute(onnx_outline *o, const onnx_extent *attribute, outline_node *node)
{
    return scan_attribute(o, NULL, attribute, node);
}
