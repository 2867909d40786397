#include "model/onnx/outline.h"

#include "base/memory.h"

#include <pb_decode.h>
#include <stdlib.h>
#include <string.h>

#define MAX_METADATA 4096 /* bytes of kerf's own keys and values */

#define FAIL(o, code, where, ...)                                                                  \
    ((o)->status = kerf_fail((o)->err, code, where, __VA_ARGS__), false)
#define NOMEM(o) FAIL(o, KERF_E_NOMEM, NULL, "out of memory")

/* Field numbers of the ONNX specification. */
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum {
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_INFO = 13,
    GRAPH_ANNOTATION = 14,
    GRAPH_SPARSE = 15
};
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum {
    ATTRIBUTE_TENSOR = 5,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_TENSORS = 10,
    ATTRIBUTE_GRAPHS = 11,
    ATTRIBUTE_SPARSE = 22,
    ATTRIBUTE_SPARSES = 23
};
enum { TENSOR_NAME = 8, TENSOR_RAW = 9, TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14 };

static bool broken(onnx_outline *o, uint64_t at)
{
    return FAIL(o, KERF_E_SYNTAX, NULL, "not an ONNX file: broken near byte %llu",
                (unsigned long long)at);
}

static bool decode_field(pb_istream_t *stream, onnx_outline *o, onnx_extent *extent)
{
    pb_wire_type_t type;
    bool eof = false;
    uint64_t size = 0;
    if (!pb_decode_tag(stream, &type, &extent->field, &eof))
        return false;
    switch (type) {
    case PB_WT_VARINT:
        if (!pb_decode_varint(stream, &extent->number))
            return false;
        break;
    case PB_WT_64BIT:
        size = 8;
        break;
    case PB_WT_32BIT:
        size = 4;
        break;
    case PB_WT_STRING:
        if (!pb_decode_varint(stream, &size))
            return false;
        break;
    default:
        return false;
    }
    extent->at = o->file.position;
    extent->size = size;
    return size <= stream->bytes_left;
}

bool onnx_outline_next(onnx_outline *o, uint64_t *at, uint64_t end, onnx_extent *extent)
{
    if (o->status != KERF_OK || *at >= end)
        return false;
    pb_istream_t stream = onnx_stream(&o->file, *at, end - *at);
    *extent = (onnx_extent){.start = *at};
    if (!decode_field(&stream, o, extent))
        return broken(o, *at);
    *at = extent->at + extent->size;
    return true;
}

static char *read_text(onnx_outline *o, const onnx_extent *extent, uint64_t limit)
{
    if (extent->size > limit) {
        (void)FAIL(o, KERF_E_TOO_LARGE, NULL, "a name has %llu bytes, expected at most %llu",
                   (unsigned long long)extent->size, (unsigned long long)limit);
        return NULL;
    }
    char *text = kerf_calloc((size_t)extent->size + 1, 1);
    if (!text) {
        (void)NOMEM(o);
        return NULL;
    }
    pb_istream_t stream = onnx_stream(&o->file, extent->at, extent->size);
    if (!pb_read(&stream, (pb_byte_t *)text, (size_t)extent->size) ||
        memchr(text, '\0', (size_t)extent->size)) {
        (void)broken(o, extent->at);
        free(text);
        return NULL;
    }
    return text;
}

static bool replace_text(onnx_outline *o, const onnx_extent *extent, char **text)
{
    char *read = read_text(o, extent, ONNX_MAX_NAME);
    if (!read)
        return false;
    free(*text);
    *text = read;
    return true;
}

/* --- names ---------------------------------------------------------------------------------------
 */

size_t onnx_outline_find(const onnx_outline *o, const char *name)
{
    return onnx_names_find(&o->names, onnx_hash(o, name), name);
}

/* Takes the name over. */
static size_t tensor_of(onnx_outline *o, char *name)
{
    size_t index = onnx_outline_find(o, name);
    if (index != KERF_NONE) {
        free(name);
        return index;
    }
    index = o->n_tensors;
    if (kerf_reserve(&o->tensors, &o->cap_tensors, index + 1, IR_MAX_VALUES, sizeof *o->tensors) ||
        !onnx_names_add(&o->names, onnx_hash(o, name), name, index)) {
        free(name);
        (void)NOMEM(o);
        return KERF_NONE;
    }
    o->tensors[o->n_tensors++] =
        (outline_tensor){name, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE};
    return index;
}

static bool read_tensor_name(onnx_outline *o, const onnx_extent *extent, size_t *tensor)
{
    char *name = read_text(o, extent, ONNX_MAX_NAME);
    if (!name)
        return false;
    *tensor = KERF_NONE;
    if (!*name) {
        free(name);
        return true;
    }
    *tensor = tensor_of(o, name);
    return *tensor != KERF_NONE;
}

static bool append(onnx_outline *o, size_t **list, size_t *n, size_t *capacity, size_t item)
{
    if (kerf_reserve(list, capacity, *n + 1, ONNX_MAX_LIST, sizeof **list))
        return NOMEM(o);
    (*list)[(*n)++] = item;
    return true;
}

/* The name in field `wanted` of a message, KERF_NONE if it has none. */
static bool find_name(onnx_outline *o, const onnx_extent *message, uint32_t wanted, size_t *tensor)
{
    uint64_t at = message->at;
    onnx_extent field;
    *tensor = KERF_NONE;
    while (onnx_outline_next(o, &at, message->at + message->size, &field))
        if (field.field == wanted && !read_tensor_name(o, &field, tensor))
            return false;
    return o->status == KERF_OK;
}

/* --- nested graphs: what they capture --------------------------------------------------------
 */

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
    char *name = read_text(o, extent, ONNX_MAX_NAME);
    if (!name)
        return false;
    if (kerf_reserve(&scope->owned, &scope->capacity, scope->n + 1, IR_MAX_VALUES,
                     sizeof *scope->owned)) {
        free(name);
        return NOMEM(o);
    }
    scope->owned[scope->n++] = name;
    return onnx_names_add(&scope->names, onnx_hash(o, name), name, 0) || NOMEM(o);
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

/* A sparse tensor's name is that of its values. */
static bool sparse_values(onnx_outline *o, const onnx_extent *sparse, onnx_extent *values)
{
    uint64_t at = sparse->at;
    onnx_extent field;
    *values = (onnx_extent){.at = sparse->at};
    while (onnx_outline_next(o, &at, sparse->at + sparse->size, &field))
        if (field.field == 1)
            *values = field;
    return o->status == KERF_OK;
}

static bool scan_tensor(onnx_outline *o, const onnx_extent *tensor)
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
            ok = define_field(o, scope, &field, TENSOR_NAME) && scan_tensor(o, &field);
        else if (field.field == GRAPH_INPUT)
            ok = define_field(o, scope, &field, 1);
        else if (field.field == GRAPH_SPARSE)
            ok = sparse_values(o, &field, &values) && define_field(o, scope, &values, TENSOR_NAME);
        if (!ok)
            return false;
    }
    return o->status == KERF_OK;
}

static bool refer(onnx_outline *o, const nested *scope, const onnx_extent *extent,
                  outline_node *node)
{
    char *name = read_text(o, extent, ONNX_MAX_NAME);
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
    size_t tensor = tensor_of(o, name);
    return tensor != KERF_NONE &&
           append(o, &node->inputs, &node->n_inputs, &node->cap_inputs, tensor);
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
        return FAIL(o, KERF_E_TOO_LARGE, node->name, "graphs are nested deeper than %d",
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
            ok = scan_tensor(o, &field);
        else if (field.field == ATTRIBUTE_SPARSE || field.field == ATTRIBUTE_SPARSES)
            ok = sparse_values(o, &field, &values) && scan_tensor(o, &values);
        if (!ok)
            return false;
    }
    return o->status == KERF_OK;
}

/* --- the graph
 * ------------------------------------------------------------------------------------
 */

static bool read_node_field(onnx_outline *o, outline_node *node, const onnx_extent *field)
{
    size_t tensor;
    switch (field->field) {
    case NODE_INPUT:
        return read_tensor_name(o, field, &tensor) &&
               (tensor == KERF_NONE ||
                append(o, &node->inputs, &node->n_inputs, &node->cap_inputs, tensor));
    case NODE_OUTPUT:
        return read_tensor_name(o, field, &tensor) &&
               (tensor == KERF_NONE ||
                append(o, &node->outputs, &node->n_outputs, &node->cap_outputs, tensor));
    case NODE_NAME:
        return replace_text(o, field, &node->name);
    case NODE_TYPE:
        return replace_text(o, field, &node->type);
    case NODE_ATTRIBUTE:
        return scan_attribute(o, NULL, field, node);
    default:
        return true;
    }
}

static bool read_node(onnx_outline *o, const onnx_extent *extent)
{
    if (kerf_reserve(&o->nodes, &o->cap_nodes, o->n_nodes + 1, IR_MAX_NODES, sizeof *o->nodes))
        return NOMEM(o);
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
        return o->status == KERF_OK && NOMEM(o);
    for (size_t i = 0; i < node->n_outputs; i++) {
        outline_tensor *tensor = &o->tensors[node->outputs[i]];
        if (tensor->producer != KERF_NONE)
            return FAIL(o, KERF_E_INVALID, tensor->name, "has two producers, expected one");
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
            ok = replace_text(o, &field, field.field == 1 ? &key : &value);
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
            ok = read_tensor_name(o, &field, &init->tensor);
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
        return NOMEM(o);
    outline_initializer *init = &o->initializers[o->n_initializers++];
    *init = (outline_initializer){.extent = *extent, .tensor = KERF_NONE};
    onnx_extent values;
    bool ok = sparse ? sparse_values(o, extent, &values) && scan_tensor(o, &values) &&
                           find_name(o, &values, TENSOR_NAME, &init->tensor)
                     : read_dense(o, init);
    if (ok && init->tensor == KERF_NONE)
        return FAIL(o, KERF_E_INVALID, NULL, "an initializer has no name");
    if (ok)
        o->tensors[init->tensor].initializer = o->n_initializers - 1;
    return ok;
}

static bool read_port(onnx_outline *o, const onnx_extent *extent, outline_port **list, size_t *n,
                      size_t *capacity)
{
    size_t tensor;
    if (!find_name(o, extent, 1, &tensor))
        return false;
    if (kerf_reserve(list, capacity, *n + 1, IR_MAX_VALUES, sizeof **list))
        return NOMEM(o);
    (*list)[(*n)++] = (outline_port){*extent, tensor};
    return true;
}

static bool read_parameter(onnx_outline *o, outline_annotation *a, const onnx_extent *entry)
{
    size_t tensor;
    return find_name(o, entry, 2, &tensor) &&
           (tensor == KERF_NONE ||
            append(o, &a->parameters, &a->n_parameters, &a->cap_parameters, tensor));
}

static bool read_annotation(onnx_outline *o, const onnx_extent *extent)
{
    if (kerf_reserve(&o->annotations, &o->cap_annotations, o->n_annotations + 1, IR_MAX_VALUES,
                     sizeof *o->annotations))
        return NOMEM(o);
    outline_annotation *a = &o->annotations[o->n_annotations++];
    *a = (outline_annotation){.extent = *extent};
    uint64_t at = extent->at;
    onnx_extent field;
    if (!find_name(o, extent, 1, &a->tensor))
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
        return NOMEM(o);
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
        return FAIL(o, KERF_E_UNSUPPORTED, NULL, "holds two graphs, expected one");
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
            ok = replace_text(o, &field, &domain);
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
            ok = replace_text(o, &field, field.field == 1 ? &key : &value);
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
        (void)FAIL(o, KERF_E_SYNTAX, NULL, "not an ONNX model: it has no graph");
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

/* --- declared types ---------------------------------------------------------------------------
 */

static bool read_dims(onnx_outline *o, const onnx_extent *shape, outline_declared *d)
{
    uint64_t at = shape->at, inner;
    onnx_extent dim, field;
    d->rank = 0;
    while (onnx_outline_next(o, &at, shape->at + shape->size, &dim)) {
        if (dim.field != 1 || d->rank == IR_MAX_RANK)
            continue;
        inner = dim.at;
        while (onnx_outline_next(o, &inner, dim.at + dim.size, &field))
            if (field.field == 2 && field.size && !replace_text(o, &field, &d->dim_names[d->rank]))
                return false;
        d->rank++;
    }
    return o->status == KERF_OK;
}

/* Descends from a ValueInfoProto by the given fields: type, tensor_type. */
static bool read_type(onnx_outline *o, const onnx_extent *info, outline_declared *d)
{
    uint64_t at = info->at, in_type, in_tensor;
    onnx_extent type, tensor, field;
    while (onnx_outline_next(o, &at, info->at + info->size, &type)) {
        in_type = type.at;
        while (type.field == 2 && onnx_outline_next(o, &in_type, type.at + type.size, &tensor)) {
            in_tensor = tensor.at;
            while (tensor.field == 1 &&
                   onnx_outline_next(o, &in_tensor, tensor.at + tensor.size, &field)) {
                if (field.field == 1)
                    d->type = (int64_t)field.number;
                if (field.field == 2 && !read_dims(o, &field, d))
                    return false;
            }
        }
    }
    return o->status == KERF_OK;
}

bool onnx_outline_declared(onnx_outline *o, size_t tensor, outline_declared *d)
{
    const outline_tensor *t = &o->tensors[tensor];
    *d = (outline_declared){.rank = -1};
    if (t->input != KERF_NONE)
        return read_type(o, &o->inputs[t->input].extent, d);
    if (t->output != KERF_NONE)
        return read_type(o, &o->outputs[t->output].extent, d);
    if (t->info != KERF_NONE)
        return read_type(o, &o->infos[t->info].extent, d);
    return true;
}

void onnx_declared_clear(outline_declared *d)
{
    for (int i = 0; i < IR_MAX_RANK; i++)
        free(d->dim_names[i]);
    *d = (outline_declared){.rank = -1};
}
