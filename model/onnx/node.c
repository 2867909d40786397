/* NodeProto and AttributeProto. */
#include "model/onnx/reader.h"

#include "base/memory.h"
#include "onnx.pb.h"

#include <stdlib.h>
#include <string.h>

/* AttributeProto.AttributeType */
enum {
    TYPE_FLOAT = 1,
    TYPE_INT,
    TYPE_STRING,
    TYPE_TENSOR,
    TYPE_GRAPH,
    TYPE_FLOATS,
    TYPE_INTS,
    TYPE_STRINGS,
    TYPE_SPARSE_TENSOR = 11
};

typedef struct attr_reader {
    onnx_scope *scope;
    const char *where;
    ir_attr *attr;
    char **reference;
    bool blob; /* a string that is none, or too long to be wanted */
    size_t n_ints, cap_ints, n_floats, cap_floats, n_strings, cap_strings;
} attr_reader;

static bool on_attr_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    (void)field;
    return onnx_read_new_name(a->scope->reader, stream, a->where, &a->attr->name);
}

static bool on_reference(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    (void)field;
    return onnx_read_new_name(a->scope->reader, stream, a->where, a->reference);
}

/* A new string, or *text NULL if it is above the limit or has zero bytes in it. */
static bool read_string(attr_reader *a, pb_istream_t *stream, char **text)
{
    uint64_t offset, size;
    size_t length = stream->bytes_left;
    *text = NULL;
    if (!onnx_stream_is_file(stream))
        return false;
    if (length > ONNX_MAX_STRING) {
        onnx_stream_skip(stream, &offset, &size);
        return true;
    }
    char *copy = kerf_calloc(length + 1, 1);
    if (!copy)
        return ONNX_NOMEM(a->scope->reader);
    bool ok = pb_read(stream, (pb_byte_t *)copy, length);
    if (ok && strlen(copy) == length)
        *text = copy;
    else
        free(copy);
    return ok;
}

static bool on_string(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    (void)field;
    free(a->attr->s);
    bool ok = read_string(a, stream, &a->attr->s);
    a->blob = a->blob || !a->attr->s;
    return ok;
}

static bool on_strings(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    char *text;
    (void)field;
    if (!read_string(a, stream, &text))
        return false;
    if (!text) {
        a->blob = true;
        return true;
    }
    if (kerf_reserve(&a->attr->strings, &a->cap_strings, a->n_strings + 1, ONNX_MAX_LIST,
                     sizeof *a->attr->strings)) {
        free(text);
        return ONNX_NOMEM(a->scope->reader);
    }
    a->attr->strings[a->n_strings++] = text;
    return true;
}

static bool on_ints(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    (void)field;
    while (stream->bytes_left) {
        uint64_t number;
        if (!pb_decode_varint(stream, &number))
            return false;
        if (kerf_reserve(&a->attr->ints, &a->cap_ints, a->n_ints + 1, ONNX_MAX_LIST,
                         sizeof *a->attr->ints))
            return ONNX_NOMEM(a->scope->reader);
        a->attr->ints[a->n_ints++] = (int64_t)number;
    }
    return true;
}

static bool on_floats(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    (void)field;
    while (stream->bytes_left) {
        float number;
        if (!pb_decode_fixed32(stream, &number))
            return false;
        if (kerf_reserve(&a->attr->floats, &a->cap_floats, a->n_floats + 1, ONNX_MAX_LIST,
                         sizeof *a->attr->floats))
            return ONNX_NOMEM(a->scope->reader);
        a->attr->floats[a->n_floats++] = (double)number;
    }
    return true;
}

/* The place for a tensor; of two, the last one counts. */
static ir_value *new_tensor(attr_reader *a)
{
    if (a->attr->tensor)
        ir_value_clear(a->attr->tensor);
    else
        a->attr->tensor = kerf_calloc(1, sizeof *a->attr->tensor);
    if (!a->attr->tensor)
        (void)ONNX_NOMEM(a->scope->reader);
    else
        ir_value_clear(a->attr->tensor);
    return a->attr->tensor;
}

static bool on_tensor(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    ir_value *value = new_tensor(a);
    (void)field;
    return value && onnx_read_tensor(a->scope->reader, stream, a->where, value, NULL);
}

static bool on_sparse_tensor(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    ir_value *value = new_tensor(a);
    (void)field;
    return value && onnx_read_sparse_tensor(a->scope->reader, stream, a->where, value, NULL);
}

static bool on_graph(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    attr_reader *a = *arg;
    (void)field;
    if (a->attr->graph)
        return ONNX_FAIL(a->scope->reader, KERF_E_INVALID, a->where,
                         "an attribute holds two graphs, expected one");
    return onnx_read_nested(a->scope, stream, a->where, &a->attr->graph);
}

static ir_attr_kind kind_by_type(int32_t type)
{
    switch (type) {
    case TYPE_FLOAT:
        return IR_ATTR_FLOAT;
    case TYPE_INT:
        return IR_ATTR_INT;
    case TYPE_STRING:
        return IR_ATTR_STRING;
    case TYPE_TENSOR:
    case TYPE_SPARSE_TENSOR:
        return IR_ATTR_TENSOR;
    case TYPE_GRAPH:
        return IR_ATTR_GRAPH;
    case TYPE_FLOATS:
        return IR_ATTR_FLOATS;
    case TYPE_INTS:
        return IR_ATTR_INTS;
    case TYPE_STRINGS:
        return IR_ATTR_STRINGS;
    default:
        return IR_ATTR_OTHER;
    }
}

/* Files of the first IR version give no type: it is what is there. */
static ir_attr_kind kind_by_content(const attr_reader *a, const onnx_AttributeProto *message)
{
    return message->has_f    ? IR_ATTR_FLOAT
           : message->has_i  ? IR_ATTR_INT
           : a->attr->s      ? IR_ATTR_STRING
           : a->attr->tensor ? IR_ATTR_TENSOR
           : a->attr->graph  ? IR_ATTR_GRAPH
           : a->n_floats     ? IR_ATTR_FLOATS
           : a->n_ints       ? IR_ATTR_INTS
           : a->n_strings    ? IR_ATTR_STRINGS
                             : IR_ATTR_OTHER;
}

static void drop_strings(attr_reader *a)
{
    for (size_t i = 0; i < a->n_strings; i++)
        free(a->attr->strings[i]);
    free(a->attr->strings);
    a->attr->strings = NULL;
    a->n_strings = 0;
}

/* Keeps what the attribute's kind says, and makes sure that it is there. */
static bool settle(attr_reader *a, const onnx_AttributeProto *message)
{
    ir_attr *attr = a->attr;
    attr->kind = message->has_type && message->type ? kind_by_type(message->type)
                                                    : kind_by_content(a, message);
    attr->i = message->i;
    attr->f = (double)message->f;
    if (attr->kind != IR_ATTR_STRINGS || a->blob)
        drop_strings(a);
    if ((attr->kind == IR_ATTR_TENSOR && !attr->tensor) ||
        (attr->kind == IR_ATTR_GRAPH && !attr->graph) ||
        (a->blob && (attr->kind == IR_ATTR_STRING || attr->kind == IR_ATTR_STRINGS)))
        attr->kind = IR_ATTR_OTHER;
    bool ok = true;
    if (attr->kind == IR_ATTR_STRING && !attr->s)
        ok = (attr->s = kerf_strdup("")) != NULL;
    else if (attr->kind == IR_ATTR_INTS && !attr->ints)
        ok = (attr->ints = kerf_calloc(1, sizeof *attr->ints)) != NULL;
    else if (attr->kind == IR_ATTR_FLOATS && !attr->floats)
        ok = (attr->floats = kerf_calloc(1, sizeof *attr->floats)) != NULL;
    attr->n = attr->kind == IR_ATTR_INTS      ? a->n_ints
              : attr->kind == IR_ATTR_FLOATS  ? a->n_floats
              : attr->kind == IR_ATTR_STRINGS ? a->n_strings
                                              : 0;
    return ok && (attr->name || (attr->name = kerf_strdup(""))) ? true
                                                                : ONNX_NOMEM(a->scope->reader);
}

bool onnx_read_attribute(onnx_scope *scope, pb_istream_t *stream, const char *where, ir_attr *attr,
                         char **reference)
{
    attr_reader a = {.scope = scope, .where = where, .attr = attr, .reference = reference};
    onnx_AttributeProto message = onnx_AttributeProto_init_zero;
    const struct {
        pb_callback_t *field;
        bool (*decode)(pb_istream_t *, const pb_field_t *, void **);
    } table[] = {
        {&message.name, on_attr_name},
        {&message.s, on_string},
        {&message.t, on_tensor},
        {&message.g, on_graph},
        {&message.floats, on_floats},
        {&message.ints, on_ints},
        {&message.strings, on_strings},
        {&message.ref_attr_name, on_reference},
        {&message.sparse_tensor, on_sparse_tensor},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        table[i].field->funcs.decode = table[i].decode;
        table[i].field->arg = &a;
    }
    *reference = NULL;
    if (onnx_decode(stream, onnx_AttributeProto_fields, &message) && settle(&a, &message))
        return true;
    drop_strings(&a); /* attr->n does not count them yet */
    return false;
}

static bool copy_lists(const ir_attr *from, ir_attr *to)
{
    if (from->ints && !(to->ints = kerf_calloc(from->n, sizeof *to->ints)))
        return false;
    if (from->ints)
        memcpy(to->ints, from->ints, from->n * sizeof *to->ints);
    if (from->floats && !(to->floats = kerf_calloc(from->n, sizeof *to->floats)))
        return false;
    if (from->floats)
        memcpy(to->floats, from->floats, from->n * sizeof *to->floats);
    if (from->strings && !(to->strings = kerf_calloc(from->n, sizeof *to->strings)))
        return false;
    for (size_t i = 0; from->strings && i < from->n; i++)
        if (!(to->strings[i] = kerf_strdup(from->strings[i])))
            return false;
    return true;
}

bool onnx_attr_copy(const ir_attr *from, const char *name, ir_attr *to)
{
    *to = (ir_attr){.kind = from->kind, .i = from->i, .f = from->f};
    if (!(to->name = kerf_strdup(name)) || (from->s && !(to->s = kerf_strdup(from->s))))
        return false;
    if (from->kind == IR_ATTR_INTS || from->kind == IR_ATTR_FLOATS ||
        from->kind == IR_ATTR_STRINGS) {
        to->n = from->n;
        if (!copy_lists(from, to))
            return false;
    }
    if (from->kind == IR_ATTR_GRAPH)
        to->kind = IR_ATTR_OTHER;
    if (from->kind != IR_ATTR_TENSOR)
        return true;
    to->tensor = kerf_calloc(1, sizeof *to->tensor);
    if (!to->tensor)
        return false;
    ir_value_clear(to->tensor);
    return onnx_tensor_copy(from->tensor, to->tensor);
}

typedef struct node_reader {
    onnx_scope *scope;
    ir_node node;
    size_t cap_inputs, cap_outputs, cap_attrs;
} node_reader;

static bool read_operand(node_reader *n, pb_istream_t *stream, size_t **list, size_t *count,
                         size_t *capacity)
{
    onnx_reader *reader = n->scope->reader;
    size_t value = KERF_NONE;
    if (!onnx_read_name(reader, stream, n->node.name))
        return false;
    if (reader->length) {
        value = onnx_scope_value(n->scope, reader->text, reader->length);
        if (value == KERF_NONE)
            return false;
        if (value == ONNX_OMITTED)
            value = KERF_NONE;
    }
    if (kerf_reserve(list, capacity, *count + 1, ONNX_MAX_LIST, sizeof **list))
        return ONNX_NOMEM(reader);
    (*list)[(*count)++] = value;
    return true;
}

static bool on_input(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    node_reader *n = *arg;
    (void)field;
    return read_operand(n, stream, &n->node.inputs, &n->node.n_inputs, &n->cap_inputs);
}

static bool on_output(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    node_reader *n = *arg;
    (void)field;
    return read_operand(n, stream, &n->node.outputs, &n->node.n_outputs, &n->cap_outputs);
}

static bool on_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    node_reader *n = *arg;
    (void)field;
    return onnx_read_new_name(n->scope->reader, stream, NULL, &n->node.name);
}

static bool on_type(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    node_reader *n = *arg;
    (void)field;
    return onnx_read_new_name(n->scope->reader, stream, n->node.name, &n->node.type);
}

static bool on_domain(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    node_reader *n = *arg;
    (void)field;
    return onnx_read_new_name(n->scope->reader, stream, n->node.name, &n->node.domain);
}

/* Replaces an attribute of a function's body by what the call gives, else by the function's
 * default. *absent: neither does, which means that the attribute is not there. */
static bool resolve(node_reader *n, ir_attr *attr, const char *reference, bool *absent)
{
    const onnx_scope *scope = n->scope;
    const ir_attr *given = scope->call ? ir_attr_find(scope->call, reference) : NULL;
    for (size_t i = 0; !given && scope->function && i < scope->function->n_defaults; i++)
        if (strcmp(scope->function->defaults[i].name, reference) == 0)
            given = &scope->function->defaults[i];
    *absent = !given;
    if (!given)
        return true;
    ir_attr copy;
    bool ok = onnx_attr_copy(given, attr->name, &copy);
    ir_attr_clear(attr);
    *attr = copy;
    return ok ? true : ONNX_NOMEM(scope->reader);
}

static bool on_attribute(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    node_reader *n = *arg;
    ir_node *node = &n->node;
    char *reference = NULL;
    bool absent = false;
    (void)field;
    if (kerf_reserve(&node->attrs, &n->cap_attrs, node->n_attrs + 1, ONNX_MAX_LIST,
                     sizeof *node->attrs))
        return ONNX_NOMEM(n->scope->reader);
    ir_attr *attr = &node->attrs[node->n_attrs++];
    memset(attr, 0, sizeof *attr);
    bool ok = onnx_read_attribute(n->scope, stream, node->name, attr, &reference);
    if (ok && reference && *reference)
        ok = resolve(n, attr, reference, &absent);
    if (absent) {
        ir_attr_clear(attr);
        node->n_attrs--;
    }
    free(reference);
    return ok;
}

/* In a function's body: the caller's name before the node's own. */
static bool prefix_name(node_reader *n)
{
    ir_node *node = &n->node;
    char label[64];
    const char *own = node->name;
    if (!own || !*own) {
        ir_node unnamed = {.type = node->type, .source_index = n->scope->graph->n_nodes};
        own = ir_node_label(&unnamed, label, sizeof label);
    }
    size_t prefix = strlen(n->scope->prefix), length = strlen(own);
    char *joined = kerf_calloc(prefix + 1 + length + 1, 1);
    if (!joined)
        return ONNX_NOMEM(n->scope->reader);
    memcpy(joined, n->scope->prefix, prefix);
    joined[prefix] = '/';
    memcpy(joined + prefix + 1, own, length + 1);
    free(node->name);
    node->name = joined;
    return true;
}

static bool complete(node_reader *n)
{
    ir_node *node = &n->node;
    onnx_reader *reader = n->scope->reader;
    if (!node->type || !*node->type)
        return ONNX_FAIL(reader, KERF_E_INVALID, node->name, "a node has no operator type");
    if (node->domain && strcmp(node->domain, "ai.onnx") == 0)
        *node->domain = '\0';
    if (!node->domain && !(node->domain = kerf_strdup("")))
        return ONNX_NOMEM(reader);
    if (n->scope->prefix && !prefix_name(n))
        return false;
    if (!node->name && !(node->name = kerf_strdup("")))
        return ONNX_NOMEM(reader);
    node->source_index = n->scope->prefix ? n->scope->call->source_index : n->scope->graph->n_nodes;
    return onnx_append_captures(n->scope, node);
}

bool onnx_read_node(onnx_scope *scope, pb_istream_t *stream)
{
    node_reader n = {.scope = scope};
    onnx_NodeProto message = onnx_NodeProto_init_zero;
    const struct {
        pb_callback_t *field;
        bool (*decode)(pb_istream_t *, const pb_field_t *, void **);
    } table[] = {
        {&message.input, on_input},   {&message.output, on_output},
        {&message.name, on_name},     {&message.op_type, on_type},
        {&message.domain, on_domain}, {&message.attribute, on_attribute},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        table[i].field->funcs.decode = table[i].decode;
        table[i].field->arg = &n;
    }
    bool ok = onnx_decode(stream, onnx_NodeProto_fields, &message) && complete(&n);
    if (ok && scope->graph->n_nodes == IR_MAX_NODES)
        ok =
            ONNX_FAIL(scope->reader, KERF_E_TOO_LARGE, n.node.name, "the graph has too many nodes");
    ir_node *place = ok ? ir_add_node(scope->graph) : NULL;
    if (!place) {
        ir_node_clear(&n.node);
        return ok ? ONNX_NOMEM(scope->reader) : false;
    }
    *place = n.node;
    return true;
}
