#include "model/onnx/outline_read.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_METADATA 4096 /* bytes of kerf's own keys and values */

/* --- the graph
 * ------------------------------------------------------------------------------------
 */

static bool read_node_field(onnx_outline *o, outline_node *node, const onnx_extent *field)
{
    size_t tensor;
    switch (field->field) {
    case NODE_INPUT:
        return outline_read_name(o, field, &tensor) &&
               (tensor == KERF_NONE ||
                outline_append(o, &node->inputs, &node->n_inputs, &node->cap_inputs, tensor));
    case NODE_OUTPUT:
        return outline_read_name(o, field, &tensor) &&
               (tensor == KERF_NONE ||
                outline_append(o, &node->outputs, &node->n_outputs, &node->cap_outputs, tensor));
    case NODE_NAME:
        return outline_replace_text(o, field, &node->name);
    case NODE_TYPE:
        return outline_replace_text(o, field, &node->type);
    case NODE_ATTRIBUTE:
        return outline_scan_attribute(o, field, node);
    default:
        return true;
    }
}

static bool read_node(onnx_outline *o, const onnx_extent *extent)
{
    if (kerf_reserve(&o->nodes, &o->cap_nodes, o->n_nodes + 1, IR_MAX_NODES, sizeof *o->nodes))
        return OUTLINE_NOMEM(o);
    const size_t index = o->n_nodes++;
    outline_node *node = &o->nodes[index];
    *node = (outline_node){.extent = *extent};
    uint64_t at = extent->at;
    onnx_extent field;
    while (onnx_outline_next(o, &at, extent->at + extent->size, &field))
        if (!read_node_field(o, node, &field))
            return false;
    if (o->status != KERF_OK || (!node->name && !(node->name = kerf_strdup(""))) ||
        (!node->type && !(node->type = kerf_strdup(""))))
        return o->status == KERF_OK && OUTLINE_NOMEM(o);
    for (size_t i = 0; i < node->n_outputs; i++) {
        outline_tensor *tensor = &o->tensors[node->outputs[i]];
        if (tensor->producer != KERF_NONE)
            return OUTLINE_FAIL(o, KERF_E_INVALID, tensor->name, "has two producers, expected one");
        tensor->producer = index;
    }
    return true;
}

static bool read_external(onnx_outline *o, outline_initializer *init, const onnx_extent *entry)
{
    uint64_t at = entry->at;
    onnx_extent field;
    char *key = NULL, *value = NULL;
    bool ok = true;
    while (ok && onnx_outline_next(o, &at, entry->at + entry->size, &field))
        if (field.field <= 2)
            ok = outline_replace_text(o, &field, field.field == 1 ? &key : &value);
    ok = ok && o->status == KERF_OK;
    if (ok && key && value && strcmp(key, "location") == 0) {
        free(init->location);
        init->location = value;
        value = NULL;
    } else if (ok && key && value && strcmp(key, "offset") == 0) {
        init->offset = strtoull(value, NULL, 10);
    } else if (ok && key && value && strcmp(key, "length") == 0) {
        init->length = strtoull(value, NULL, 10);
    }
    free(key);
    free(value);
    return ok;
}

static bool read_dense(onnx_outline *o, outline_initializer *init)
{
    uint64_t at = init->extent.at;
    const uint64_t end = init->extent.at + init->extent.size;
    onnx_extent field;
    bool ok = true, external = false;
    while (ok && onnx_outline_next(o, &at, end, &field)) {
        if (field.field == TENSOR_NAME)
            ok = outline_read_name(o, &field, &init->tensor);
        else if (field.field == TENSOR_RAW)
            init->raw = field;
        else if (field.field == TENSOR_EXTERNAL)
            ok = read_external(o, init, &field);
        else if (field.field == TENSOR_LOCATION)
            external = field.number == 1;
    }
    if (!external) {
        free(init->location);
        init->location = NULL;
    }
    return ok && o->status == KERF_OK;
}

static bool read_initializer(onnx_outline *o, const onnx_extent *extent, bool sparse)
{
    if (kerf_reserve(&o->initializers, &o->cap_initializers, o->n_initializers + 1, IR_MAX_VALUES,
                     sizeof *o->initializers))
        return OUTLINE_NOMEM(o);
    outline_initializer *init = &o->initializers[o->n_initializers++];
    *init = (outline_initializer){.extent = *extent, .tensor = KERF_NONE};
    onnx_extent values;
    bool ok = sparse
                  ? outline_sparse_values(o, extent, &values) && outline_scan_tensor(o, &values) &&
                        outline_find_name(o, &values, TENSOR_NAME, &init->tensor)
                  : read_dense(o, init);
    if (ok && init->tensor == KERF_NONE)
        return OUTLINE_FAIL(o, KERF_E_INVALID, NULL, "an initializer has no name");
    if (ok)
        o->tensors[init->tensor].initializer = o->n_initializers - 1;
    return ok;
}

static bool read_port(onnx_outline *o, const onnx_extent *extent, outline_port **list, size_t *n,
                      size_t *capacity)
{
    size_t tensor;
    if (!outline_find_name(o, extent, 1, &tensor))
        return false;
    if (kerf_reserve(list, capacity, *n + 1, IR_MAX_VALUES, sizeof **list))
        return OUTLINE_NOMEM(o);
    (*list)[(*n)++] = (outline_port){*extent, tensor};
    return true;
}

static bool read_parameter(onnx_outline *o, outline_annotation *a, const onnx_extent *entry)
{
    size_t tensor;
    return outline_find_name(o, entry, 2, &tensor) &&
           (tensor == KERF_NONE ||
            outline_append(o, &a->parameters, &a->n_parameters, &a->cap_parameters, tensor));
}

static bool read_annotation(onnx_outline *o, const onnx_extent *extent)
{
    if (kerf_reserve(&o->annotations, &o->cap_annotations, o->n_annotations + 1, IR_MAX_VALUES,
                     sizeof *o->annotations))
        return OUTLINE_NOMEM(o);
    outline_annotation *a = &o->annotations[o->n_annotations++];
    *a = (outline_annotation){.extent = *extent};
    uint64_t at = extent->at;
    onnx_extent field;
    if (!outline_find_name(o, extent, 1, &a->tensor))
        return false;
    while (onnx_outline_next(o, &at, extent->at + extent->size, &field))
        if (field.field == 2 && !read_parameter(o, a, &field))
            return false;
    return o->status == KERF_OK;
}

static bool keep(onnx_outline *o, onnx_extent **list, size_t *n, size_t *capacity,
                 const onnx_extent *extent)
{
    if (kerf_reserve(list, capacity, *n + 1, IR_MAX_VALUES, sizeof **list))
        return OUTLINE_NOMEM(o);
    (*list)[(*n)++] = *extent;
    return true;
}

static bool read_graph_field(onnx_outline *o, const onnx_extent *field)
{
    switch (field->field) {
    case GRAPH_NODE:
        return read_node(o, field);
    case GRAPH_INITIALIZER:
    case GRAPH_SPARSE:
        return read_initializer(o, field, field->field == GRAPH_SPARSE);
    case GRAPH_INPUT:
        return read_port(o, field, &o->inputs, &o->n_inputs, &o->cap_inputs);
    case GRAPH_OUTPUT:
        return read_port(o, field, &o->outputs, &o->n_outputs, &o->cap_outputs);
    case GRAPH_INFO:
        return read_port(o, field, &o->infos, &o->n_infos, &o->cap_infos);
    case GRAPH_ANNOTATION:
        return read_annotation(o, field);
    default:
        return keep(o, &o->graph_rest, &o->n_graph_rest, &o->cap_graph_rest, field);
    }
}

static bool read_graph(onnx_outline *o, const onnx_extent *extent)
{
    uint64_t at = extent->at;
    onnx_extent field;
    if (o->graph.field)
        return OUTLINE_FAIL(o, KERF_E_UNSUPPORTED, NULL, "holds two graphs, expected one");
    o->graph = *extent;
    while (onnx_outline_next(o, &at, extent->at + extent->size, &field))
        if (!read_graph_field(o, &field))
            return false;
    return o->status == KERF_OK;
}

static bool index_ports(onnx_outline *o)
{
    for (size_t i = 0; i < o->n_inputs; i++)
        if (o->inputs[i].tensor != KERF_NONE)
            o->tensors[o->inputs[i].tensor].input = i;
    for (size_t i = 0; i < o->n_outputs; i++)
        if (o->outputs[i].tensor != KERF_NONE)
            o->tensors[o->outputs[i].tensor].output = i;
    for (size_t i = 0; i < o->n_infos; i++)
        if (o->infos[i].tensor != KERF_NONE)
            o->tensors[o->infos[i].tensor].info = i;
    return true;
}

/* --- the model -----------------------------------------------------------------------------------
 */

static bool read_opset(onnx_outline *o, const onnx_extent *extent)
{
    uint64_t at = extent->at;
    onnx_extent field;
    char *domain = NULL;
    int64_t version = 0;
    bool ok = true;
    while (ok && onnx_outline_next(o, &at, extent->at + extent->size, &field)) {
        if (field.field == 1)
            ok = outline_replace_text(o, &field, &domain);
        else if (field.field == 2)
            version = (int64_t)field.number;
    }
    if (!domain || !*domain || strcmp(domain, "ai.onnx") == 0)
        o->opset = version;
    free(domain);
    return ok && o->status == KERF_OK;
}

/* *own: the entry is one of kerf's. */
static bool read_metadata(onnx_outline *o, const onnx_extent *extent, bool *own)
{
    uint64_t at = extent->at;
    onnx_extent field;
    char *key = NULL, *value = NULL;
    bool ok = true;
    *own = false;
    while (ok && onnx_outline_next(o, &at, extent->at + extent->size, &field))
        if (field.field <= 2 && field.size <= MAX_METADATA)
            ok = outline_replace_text(o, &field, field.field == 1 ? &key : &value);
    ok = ok && o->status == KERF_OK;
    char **const places[] = {&o->split_id, &o->part, &o->source_sha256};
    static const char *const keys[] = {"kerf.split_id", "kerf.part", "kerf.source_sha256"};
    for (size_t i = 0; ok && key && i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) {
            *own = true;
            free(*places[i]);
            *places[i] = value;
            value = NULL;
        }
    free(key);
    free(value);
    return ok;
}

static bool read_model_field(onnx_outline *o, const onnx_extent *field)
{
    bool own = false;
    if (field->field == MODEL_GRAPH)
        return read_graph(o, field);
    if (field->field == MODEL_OPSET && !read_opset(o, field))
        return false;
    if (field->field == MODEL_METADATA && !read_metadata(o, field, &own))
        return false;
    return own || keep(o, &o->model_rest, &o->n_model_rest, &o->cap_model_rest, field);
}

kerf_status onnx_outline_read(onnx_outline *o, const char *path, kerf_error *err)
{
    *o = (onnx_outline){.path = path, .err = err};
    o->file.fd = -1;
    o->status = onnx_file_open(&o->file, path, err);
    uint64_t at = 0;
    onnx_extent field;
    while (onnx_outline_next(o, &at, o->file.size, &field))
        if (!read_model_field(o, &field))
            break;
    if (o->status == KERF_OK && !o->graph.field)
        (void)OUTLINE_FAIL(o, KERF_E_SYNTAX, NULL, "not an ONNX model: it has no graph");
    if (o->status == KERF_OK)
        index_ports(o);
    else
        kerf_error_source(err, path);
    return o->status;
}

void onnx_outline_clear(onnx_outline *o)
{
    onnx_file_close(&o->file);
    onnx_names_clear(&o->names);
    for (size_t i = 0; i < o->n_tensors; i++)
        free(o->tensors[i].name);
    for (size_t i = 0; i < o->n_nodes; i++) {
        free(o->nodes[i].name);
        free(o->nodes[i].type);
        free(o->nodes[i].inputs);
        free(o->nodes[i].outputs);
    }
    for (size_t i = 0; i < o->n_initializers; i++)
        free(o->initializers[i].location);
    for (size_t i = 0; i < o->n_annotations; i++)
        free(o->annotations[i].parameters);
    free(o->tensors);
    free(o->nodes);
    free(o->initializers);
    free(o->inputs);
    free(o->outputs);
    free(o->infos);
    free(o->annotations);
    free(o->model_rest);
    free(o->graph_rest);
    free(o->split_id);
    free(o->part);
    free(o->source_sha256);
    *o = (onnx_outline){.file = {.fd = -1}};
}
