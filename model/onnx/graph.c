/* GraphProto: the outermost graph and nested ones. */
#include "model/onnx/reader.h"

#include "base/memory.h"
#include "onnx.pb.h"

#include <stdlib.h>
#include <string.h>

typedef struct graph_reader {
    onnx_scope *scope;
    size_t cap_inputs, cap_outputs;
} graph_reader;

static bool on_node(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    graph_reader *g = *arg;
    (void)field;
    return onnx_read_node(g->scope, stream);
}

static bool on_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    graph_reader *g = *arg;
    (void)field;
    return onnx_read_new_name(g->scope->reader, stream, NULL, &g->scope->graph->name);
}

/* Moves what was read of a tensor into the value of that name. */
static bool add_initializer(onnx_scope *scope, ir_value *read, const char *name)
{
    onnx_reader *reader = scope->reader;
    if (!name || !*name)
        return ONNX_FAIL(reader, KERF_E_INVALID, NULL, "an initializer has no name");
    size_t index = onnx_scope_value(scope, name, strlen(name));
    if (index == KERF_NONE)
        return false;
    ir_value *value = &scope->graph->values[index];
    if (value->initializer)
        return ONNX_FAIL(reader, KERF_E_INVALID, name, "is initialized twice, expected once");
    value->type = read->type;
    value->rank = read->rank;
    memcpy(value->dims, read->dims, sizeof value->dims);
    value->initializer = value->constant = true;
    value->ints = read->ints;
    value->floats = read->floats;
    read->ints = NULL;
    read->floats = NULL;
    return true;
}

static bool read_initializer(graph_reader *g, pb_istream_t *stream, bool sparse)
{
    ir_value value = {0};
    char *name = NULL;
    ir_value_clear(&value);
    bool ok = sparse ? onnx_read_sparse_tensor(g->scope->reader, stream, NULL, &value, &name)
                     : onnx_read_tensor(g->scope->reader, stream, NULL, &value, &name);
    ok = ok && add_initializer(g->scope, &value, name);
    ir_value_clear(&value);
    free(name);
    return ok;
}

static bool on_initializer(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return read_initializer(*arg, stream, false);
}

static bool on_sparse_initializer(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    (void)field;
    return read_initializer(*arg, stream, true);
}

static bool read_port(graph_reader *g, pb_istream_t *stream, bool input, size_t **list,
                      size_t *count, size_t *capacity)
{
    size_t value;
    if (!onnx_read_value_info(g->scope, stream, input, &value))
        return false;
    if (value == KERF_NONE)
        return ONNX_FAIL(g->scope->reader, KERF_E_INVALID, NULL, "an %s of the graph has no name",
                         input ? "input" : "output");
    if (kerf_reserve(list, capacity, *count + 1, ONNX_MAX_LIST, sizeof **list))
        return ONNX_NOMEM(g->scope->reader);
    (*list)[(*count)++] = value;
    return true;
}

static bool on_input(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    graph_reader *g = *arg;
    ir_graph *graph = g->scope->graph;
    (void)field;
    return read_port(g, stream, true, &graph->inputs, &graph->n_inputs, &g->cap_inputs);
}

static bool on_output(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    graph_reader *g = *arg;
    ir_graph *graph = g->scope->graph;
    (void)field;
    return read_port(g, stream, false, &graph->outputs, &graph->n_outputs, &g->cap_outputs);
}

static bool on_value_info(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    graph_reader *g = *arg;
    size_t value;
    (void)field;
    return onnx_read_value_info(g->scope, stream, false, &value);
}

/* Up to IR version 3 every initializer is listed as an input too, later ones may be, as defaults:
 * both are weights here. */
bool onnx_drop_initialized_inputs(onnx_scope *scope)
{
    ir_graph *graph = scope->graph;
    bool *listed = kerf_calloc(graph->n_values, sizeof *listed);
    bool ok = listed != NULL;
    size_t kept = 0;
    for (size_t i = 0; ok && i < graph->n_inputs; i++) {
        size_t v = graph->inputs[i];
        if (listed[v])
            ok = ONNX_FAIL(scope->reader, KERF_E_INVALID, graph->values[v].name,
                           "is listed twice as an input of the graph");
        listed[v] = true;
        if (!graph->values[v].initializer)
            graph->inputs[kept++] = v;
    }
    if (listed)
        graph->n_inputs = kept;
    else
        (void)ONNX_NOMEM(scope->reader);
    free(listed);
    return ok;
}

bool onnx_read_graph(onnx_scope *scope, pb_istream_t *stream)
{
    graph_reader g = {.scope = scope,
                      .cap_inputs = scope->graph->n_inputs,
                      .cap_outputs = scope->graph->n_outputs};
    onnx_GraphProto message = onnx_GraphProto_init_zero;
    const struct {
        pb_callback_t *field;
        bool (*decode)(pb_istream_t *, const pb_field_t *, void **);
    } table[] = {
        {&message.node, on_node},
        {&message.name, on_name},
        {&message.initializer, on_initializer},
        {&message.input, on_input},
        {&message.output, on_output},
        {&message.value_info, on_value_info},
        {&message.sparse_initializer, on_sparse_initializer},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        table[i].field->funcs.decode = table[i].decode;
        table[i].field->arg = &g;
    }
    return onnx_decode(stream, onnx_GraphProto_fields, &message);
}

enum { MADE_HERE = 1, READ_HERE = 2 };

static void mark_list(unsigned char *marks, const size_t *list, size_t n, unsigned char mark)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] != KERF_NONE)
            marks[list[i]] |= mark;
}

/* What a nested graph reads and does not make itself comes from the scope around it. */
static bool capture(onnx_scope *scope)
{
    ir_graph *graph = scope->graph;
    unsigned char *marks = kerf_calloc(graph->n_values, sizeof *marks);
    if (!marks)
        return ONNX_NOMEM(scope->reader);
    mark_list(marks, graph->inputs, graph->n_inputs, MADE_HERE);
    mark_list(marks, graph->outputs, graph->n_outputs, READ_HERE);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        mark_list(marks, graph->nodes[i].inputs, graph->nodes[i].n_inputs, READ_HERE);
        mark_list(marks, graph->nodes[i].outputs, graph->nodes[i].n_outputs, MADE_HERE);
    }
    bool ok = true;
    for (size_t v = 0; ok && v < graph->n_values; v++) {
        ir_value *value = &graph->values[v];
        if (marks[v] != READ_HERE || value->initializer)
            continue;
        size_t outer = onnx_scope_value(scope->parent, value->name, strlen(value->name));
        ok = outer != KERF_NONE;
        if (outer != ONNX_OMITTED)
            value->outer = outer;
    }
    free(marks);
    return ok;
}

bool onnx_read_nested(onnx_scope *parent, pb_istream_t *stream, const char *where, ir_graph **graph)
{
    onnx_scope scope = {.reader = parent->reader,
                        .parent = parent,
                        .depth = parent->depth + 1,
                        .function = parent->function,
                        .call = parent->call};
    *graph = NULL;
    if (scope.depth > IR_MAX_DEPTH)
        return ONNX_FAIL(parent->reader, KERF_E_TOO_LARGE, where,
                         "graphs are nested deeper than %d", IR_MAX_DEPTH);
    scope.graph = ir_graph_new();
    if (!scope.graph)
        return ONNX_NOMEM(parent->reader);
    scope.graph->parent = parent->graph;
    bool ok =
        onnx_read_graph(&scope, stream) && onnx_drop_initialized_inputs(&scope) && capture(&scope);
    onnx_names_clear(&scope.names);
    if (ok)
        *graph = scope.graph;
    else
        ir_graph_free(scope.graph);
    return ok;
}

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static size_t count_captures(const ir_node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < node->n_attrs; i++)
        for (size_t v = 0; node->attrs[i].graph && v < node->attrs[i].graph->n_values; v++)
            n += node->attrs[i].graph->values[v].outer != KERF_NONE;
    return n;
}

/* Sorted, each once, without those that the node reads already. */
static size_t unique_captures(const ir_node *node, size_t *captures, size_t n)
{
    size_t kept = 0;
    qsort(captures, n, sizeof *captures, by_index);
    for (size_t i = 0; i < n; i++)
        if (!kept || captures[kept - 1] != captures[i])
            captures[kept++] = captures[i];
    n = kept;
    bool *read = kerf_calloc(n, sizeof *read);
    if (!read)
        return KERF_NONE;
    for (size_t i = 0; i < node->n_inputs; i++) {
        size_t *found =
            n ? bsearch(&node->inputs[i], captures, n, sizeof *captures, by_index) : NULL;
        if (found)
            read[found - captures] = true;
    }
    kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!read[i])
            captures[kept++] = captures[i];
    free(read);
    return kept;
}

bool onnx_append_captures(onnx_scope *scope, ir_node *node)
{
    size_t n = count_captures(node), at = 0;
    if (!n)
        return true;
    size_t *captures = kerf_calloc(n, sizeof *captures), *inputs = NULL;
    if (!captures)
        return ONNX_NOMEM(scope->reader);
    for (size_t i = 0; i < node->n_attrs; i++)
        for (size_t v = 0; node->attrs[i].graph && v < node->attrs[i].graph->n_values; v++)
            if (node->attrs[i].graph->values[v].outer != KERF_NONE)
                captures[at++] = node->attrs[i].graph->values[v].outer;
    n = unique_captures(node, captures, n);
    bool ok = n != KERF_NONE && (inputs = kerf_realloc_array(node->inputs, node->n_inputs + n,
                                                             sizeof *inputs)) != NULL;
    if (ok) {
        memcpy(inputs + node->n_inputs, captures, n * sizeof *inputs);
        node->inputs = inputs;
        node->n_inputs += n;
    }
    free(captures);
    return ok ? true : ONNX_NOMEM(scope->reader);
}
