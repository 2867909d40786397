/* Model-local functions: every call is replaced by the function's body, read anew from the file
 * with the call's operands and attributes in place of the formal ones. Functions that call
 * functions take one round each; rounds, nodes and bytes are limited, so that recursion and
 * exponential growth end in an error. */
#include "model/onnx/reader.h"

#include "base/memory.h"
#include "onnx.pb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PREFIX 256 /* of names; longer ones are cut */

typedef struct function_reader {
    onnx_scope scope; /* for the defaults' values only */
    onnx_function *function;
} function_reader;

static bool on_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    function_reader *f = *arg;
    (void)field;
    return onnx_read_new_name(f->scope.reader, stream, NULL, &f->function->name);
}

static bool on_domain(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    function_reader *f = *arg;
    (void)field;
    return onnx_read_new_name(f->scope.reader, stream, NULL, &f->function->domain);
}

static bool read_formal(function_reader *f, pb_istream_t *stream, char ***list, size_t *n,
                        size_t *capacity)
{
    onnx_reader *reader = f->scope.reader;
    char *name = NULL;
    if (!onnx_read_new_name(reader, stream, f->function->name, &name))
        return false;
    if (kerf_reserve(list, capacity, *n + 1, ONNX_MAX_LIST, sizeof **list)) {
        free(name);
        return ONNX_NOMEM(reader);
    }
    (*list)[(*n)++] = name;
    return true;
}

static bool on_input(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    function_reader *f = *arg;
    (void)field;
    return read_formal(f, stream, &f->function->inputs, &f->function->n_inputs,
                       &f->function->cap_inputs);
}

static bool on_output(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    function_reader *f = *arg;
    (void)field;
    return read_formal(f, stream, &f->function->outputs, &f->function->n_outputs,
                       &f->function->cap_outputs);
}

static bool on_default(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    function_reader *f = *arg;
    onnx_function *function = f->function;
    char *reference = NULL;
    (void)field;
    if (kerf_reserve(&function->defaults, &function->cap_defaults, function->n_defaults + 1,
                     ONNX_MAX_LIST, sizeof *function->defaults))
        return ONNX_NOMEM(f->scope.reader);
    ir_attr *attr = &function->defaults[function->n_defaults++];
    memset(attr, 0, sizeof *attr);
    bool ok = onnx_read_attribute(&f->scope, stream, function->name, attr, &reference);
    if (attr->graph) { /* a graph is no default value; and its names would mean nothing here */
        ir_graph_free(attr->graph);
        attr->graph = NULL;
        attr->kind = IR_ATTR_OTHER;
    }
    free(reference);
    return ok;
}

typedef bool decode_callback(pb_istream_t *, const pb_field_t *, void **);

/* Either the body's nodes are wanted or all the rest. */
static bool decode_function(pb_istream_t *stream, decode_callback *node, void *node_arg,
                            function_reader *rest)
{
    onnx_FunctionProto message = onnx_FunctionProto_init_zero;
    const struct {
        pb_callback_t *field;
        decode_callback *decode;
    } table[] = {
        {&message.name, on_name},     {&message.input, on_input},
        {&message.output, on_output}, {&message.attribute_proto, on_default},
        {&message.domain, on_domain},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        table[i].field->funcs.decode = rest ? table[i].decode : onnx_on_skip;
        table[i].field->arg = rest;
    }
    message.node.funcs.decode = node;
    message.node.arg = node_arg;
    return onnx_decode(stream, onnx_FunctionProto_fields, &message);
}

bool onnx_read_function(onnx_reader *reader, pb_istream_t *stream)
{
    if (reader->n_functions == ONNX_MAX_FUNCTIONS)
        return ONNX_FAIL(reader, KERF_E_TOO_LARGE, NULL, "the model has more than %d functions",
                         ONNX_MAX_FUNCTIONS);
    if (kerf_reserve(&reader->functions, &reader->cap_functions, reader->n_functions + 1,
                     ONNX_MAX_FUNCTIONS, sizeof *reader->functions))
        return ONNX_NOMEM(reader);
    onnx_function *function = &reader->functions[reader->n_functions++];
    memset(function, 0, sizeof *function);
    function->offset = reader->file.position;
    function->size = stream->bytes_left;
    function_reader f = {.scope = {.reader = reader}, .function = function};
    f.scope.graph = ir_graph_new();
    if (!f.scope.graph)
        return ONNX_NOMEM(reader);
    bool ok = decode_function(stream, onnx_on_skip, NULL, &f);
    onnx_names_clear(&f.scope.names);
    ir_graph_free(f.scope.graph);
    if (ok && !function->domain && !(function->domain = kerf_strdup("")))
        ok = ONNX_NOMEM(reader);
    if (ok && strcmp(function->domain, "ai.onnx") == 0)
        *function->domain = '\0';
    if (ok && !function->name)
        ok = ONNX_FAIL(reader, KERF_E_INVALID, NULL, "a function has no name");
    return ok;
}

static int compare_keys(const char *domain, const char *name, const onnx_function *function)
{
    int order = strcmp(domain, function->domain);
    return order ? order : strcmp(name, function->name);
}

static int by_key(const void *a, const void *b)
{
    const onnx_function *x = a, *y = b;
    int order = compare_keys(x->domain, x->name, y);
    return order ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int find_by_key(const void *key, const void *entry)
{
    const ir_node *node = key;
    return compare_keys(node->domain, node->type, entry);
}

static const onnx_function *called_by(const onnx_reader *reader, const ir_node *node)
{
    return bsearch(node, reader->functions, reader->n_functions, sizeof *reader->functions,
                   find_by_key);
}

static bool on_body_node(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    onnx_scope *scope = *arg;
    (void)field;
    if (++scope->reader->inlined > ONNX_MAX_INLINED)
        return ONNX_FAIL(scope->reader, KERF_E_TOO_LARGE, scope->prefix,
                         "functions expand to more than %zu nodes", ONNX_MAX_INLINED);
    return onnx_read_node(scope, stream);
}

/* An output that is an input of the function as well: the call's output is a copy. */
static bool add_identity(onnx_scope *scope, size_t from, size_t to)
{
    ir_node *node = ir_add_node(scope->graph);
    if (!node)
        return ONNX_NOMEM(scope->reader);
    node->name = kerf_calloc(strlen(scope->prefix) + 32, 1);
    node->type = kerf_strdup("Identity");
    node->domain = kerf_strdup("");
    node->inputs = kerf_calloc(1, sizeof *node->inputs);
    node->outputs = kerf_calloc(1, sizeof *node->outputs);
    node->source_index = scope->call->source_index;
    if (!node->name || !node->type || !node->domain || !node->inputs || !node->outputs)
        return ONNX_NOMEM(scope->reader);
    snprintf(node->name, strlen(scope->prefix) + 32, "%s/Identity_%zu", scope->prefix,
             scope->graph->n_nodes);
    node->inputs[node->n_inputs++] = from;
    node->outputs[node->n_outputs++] = to;
    return true;
}

/* Formal names stand for the call's operands. */
static bool bind_operands(onnx_scope *scope)
{
    const onnx_function *function = scope->function;
    const ir_node *call = scope->call;
    for (size_t i = 0; i < function->n_inputs; i++) {
        size_t value = i < call->n_inputs ? call->inputs[i] : KERF_NONE;
        if (!onnx_names_add(&scope->names, onnx_hash(scope->reader, function->inputs[i]),
                            function->inputs[i], value == KERF_NONE ? ONNX_OMITTED : value))
            return ONNX_NOMEM(scope->reader);
    }
    for (size_t i = 0; i < function->n_outputs && i < call->n_outputs; i++) {
        uint64_t hash = onnx_hash(scope->reader, function->outputs[i]);
        size_t bound = onnx_names_find(&scope->names, hash, function->outputs[i]);
        if (call->outputs[i] == KERF_NONE)
            continue;
        if (bound == KERF_NONE) {
            if (!onnx_names_add(&scope->names, hash, function->outputs[i], call->outputs[i]))
                return ONNX_NOMEM(scope->reader);
        } else if (bound != ONNX_OMITTED && !add_identity(scope, bound, call->outputs[i])) {
            return false;
        }
    }
    return true;
}

static bool expand_call(onnx_reader *reader, ir_graph *graph, const ir_node *call,
                        const onnx_function *function, int depth)
{
    char prefix[MAX_PREFIX];
    onnx_scope scope = {.reader = reader,
                        .graph = graph,
                        .depth = depth,
                        .prefix = prefix,
                        .function = function,
                        .call = call};
    ir_node_label(call, prefix, sizeof prefix);
    reader->reread += function->size;
    if (reader->reread > ONNX_MAX_REREAD)
        return ONNX_FAIL(reader, KERF_E_TOO_LARGE, prefix, "functions expand beyond %llu bytes",
                         (unsigned long long)ONNX_MAX_REREAD);
    pb_istream_t stream = onnx_stream(&reader->file, function->offset, function->size);
    bool ok = bind_operands(&scope) && decode_function(&stream, on_body_node, &scope, NULL);
    onnx_names_clear(&scope.names);
    return ok;
}

/* One round over the graph's own nodes. *calls: how many were expanded. */
static bool expand_round(onnx_reader *reader, ir_graph *graph, int depth, size_t *calls)
{
    ir_node *nodes = graph->nodes;
    size_t n = graph->n_nodes, i = 0;
    bool ok = true;
    *calls = 0;
    for (i = 0; i < n; i++)
        *calls += called_by(reader, &nodes[i]) != NULL;
    if (!*calls)
        return true;
    graph->nodes = NULL;
    graph->n_nodes = graph->cap_nodes = 0;
    for (i = 0; ok && i < n; i++) {
        const onnx_function *function = called_by(reader, &nodes[i]);
        if (function) {
            ok = expand_call(reader, graph, &nodes[i], function, depth);
            ir_node_clear(&nodes[i]);
        } else {
            ir_node *place = ir_add_node(graph);
            ok = place || ONNX_NOMEM(reader);
            if (place)
                *place = nodes[i];
            else
                ir_node_clear(&nodes[i]);
        }
    }
    for (; i < n; i++)
        ir_node_clear(&nodes[i]);
    free(nodes);
    return ok;
}

static bool expand_graph(onnx_reader *reader, ir_graph *graph, int depth)
{
    size_t calls = 1;
    for (int round = 0; calls; round++) {
        if (round > IR_MAX_DEPTH)
            return ONNX_FAIL(reader, KERF_E_TOO_LARGE, NULL,
                             "functions call each other deeper than %d", IR_MAX_DEPTH);
        if (!expand_round(reader, graph, depth, &calls))
            return false;
    }
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 0; j < graph->nodes[i].n_attrs; j++) {
            ir_graph *nested = graph->nodes[i].attrs[j].graph;
            if (nested && !expand_graph(reader, nested, depth + 1))
                return false;
        }
    return true;
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static void clear_function(onnx_function *function)
{
    free(function->name);
    free(function->domain);
    free_names(function->inputs, function->n_inputs);
    free_names(function->outputs, function->n_outputs);
    for (size_t i = 0; i < function->n_defaults; i++)
        ir_attr_clear(&function->defaults[i]);
    free(function->defaults);
}

/* Overloads (IR version 10) are not told apart: the first one in the file is taken for all. */
static bool drop_overloads(onnx_reader *reader)
{
    size_t kept = 1;
    bool ok = true;
    for (size_t i = 1; i < reader->n_functions; i++) {
        onnx_function *function = &reader->functions[i];
        if (compare_keys(function->domain, function->name, &reader->functions[kept - 1]) != 0) {
            reader->functions[kept++] = *function;
            continue;
        }
        ok = ok && ir_warn(reader->graph,
                           "function '%.200s' is there more than once, the first "
                           "one is used",
                           function->name);
        clear_function(function);
    }
    reader->n_functions = kept;
    return ok ? true : ONNX_NOMEM(reader);
}

bool onnx_expand_functions(onnx_reader *reader)
{
    if (!reader->n_functions)
        return true;
    qsort(reader->functions, reader->n_functions, sizeof *reader->functions, by_key);
    return drop_overloads(reader) && expand_graph(reader, reader->graph, 0);
}

void onnx_functions_clear(onnx_reader *reader)
{
    for (size_t i = 0; i < reader->n_functions; i++)
        clear_function(&reader->functions[i]);
    free(reader->functions);
}
