/* From an inferred graph to the immutable network: tensors with their consumers, what is constant,
 * weights and traffic of every operator, totals. Everything is O(V + E), but for the sorting of
 * names. */
#include "model/build.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WEIGHT_SLOTS 64 /* bits of ir_node.weight_slots */

typedef struct builder {
    const ir_graph *graph;
    kerf_network *net;
    kerf_error *err;
    size_t *tensor_of; /* by value, KERF_NONE: no tensor */
    size_t *value_of;  /* by tensor */
    size_t *seen;      /* by tensor: 1 + the operator that was last to count it, for "once" */
    bool *weighed;     /* by tensor: is in the network's totals */
} builder;

static kerf_status no_memory(const builder *b)
{
    return kerf_fail(b->err, KERF_E_NOMEM, NULL, "out of memory");
}

/* --- tensors --- */

/* Numbers the values that something refers to, in the order of the graph's values. */
static bool number_tensors(builder *b)
{
    const ir_graph *graph = b->graph;
    b->tensor_of = kerf_calloc(graph->n_values, sizeof *b->tensor_of);
    if (!b->tensor_of)
        return false;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const ir_node *node = &graph->nodes[i];
        for (size_t j = 0; j < node->n_inputs; j++)
            if (node->inputs[j] != KERF_NONE)
                b->tensor_of[node->inputs[j]] = 1;
        for (size_t j = 0; j < node->n_outputs; j++)
            if (node->outputs[j] != KERF_NONE)
                b->tensor_of[node->outputs[j]] = 1;
    }
    for (size_t i = 0; i < graph->n_inputs; i++)
        b->tensor_of[graph->inputs[i]] = 1;
    for (size_t i = 0; i < graph->n_outputs; i++)
        b->tensor_of[graph->outputs[i]] = 1;
    size_t n = 0;
    for (size_t v = 0; v < graph->n_values; v++)
        b->tensor_of[v] = b->tensor_of[v] ? n++ : KERF_NONE;
    b->net->n_tensors = n;
    b->net->tensors = kerf_calloc(n, sizeof *b->net->tensors);
    b->value_of = kerf_calloc(n, sizeof *b->value_of);
    b->seen = kerf_calloc(n, sizeof *b->seen);
    b->weighed = kerf_calloc(n, sizeof *b->weighed);
    return b->net->tensors && b->value_of && b->seen && b->weighed;
}

static bool all_dims_known(const ir_value *value)
{
    if (value->rank < 0)
        return false;
    for (int i = 0; i < value->rank; i++)
        if (value->dims[i] < 0)
            return false;
    return true;
}

/* Packed size of `elements` of a type, -1 if it cannot be known. False if it overflows. */
static bool size_of(int64_t elements, kerf_type type, int64_t *bytes)
{
    int bits = kerf_type_bits(type);
    *bytes = -1;
    if (elements < 0 || !bits)
        return true;
    if (__builtin_mul_overflow(elements, (int64_t)bits, bytes))
        return false;
    *bytes = *bytes / 8 + (*bytes % 8 != 0);
    return true;
}

static const char *why_unresolved(const ir_value *value)
{
    if (value->unresolved)
        return value->unresolved;
    if (!all_dims_known(value))
        return value->rank < 0 ? "its shape is unknown" : "a dimension is unknown";
    return value->type == KERF_STRING ? "strings have no fixed size" : "its type is unknown";
}

static kerf_status make_tensor(builder *b, const ir_value *value, kerf_tensor *tensor)
{
    tensor->type = value->type;
    tensor->rank = value->rank;
    tensor->elements = ir_elements(value);
    tensor->producer = KERF_NONE;
    tensor->constant = value->constant || value->initializer;
    tensor->name = kerf_strdup(value->name);
    tensor->dims = kerf_calloc(value->rank > 0 ? (size_t)value->rank : 0, sizeof *tensor->dims);
    if (!tensor->name || !tensor->dims)
        return no_memory(b);
    for (int i = 0; i < value->rank; i++)
        tensor->dims[i] = value->dims[i];
    if (!size_of(tensor->elements, tensor->type, &tensor->bytes) ||
        (tensor->elements < 0 && all_dims_known(value)))
        return kerf_fail(b->err, KERF_E_TOO_LARGE, value->name,
                         "the size of the tensor overflows 64 bits");
    if (tensor->bytes >= 0)
        return KERF_OK;
    tensor->unresolved = kerf_strdup(why_unresolved(value));
    return tensor->unresolved ? KERF_OK : no_memory(b);
}

static kerf_status make_tensors(builder *b)
{
    if (!number_tensors(b))
        return no_memory(b);
    for (size_t v = 0; v < b->graph->n_values; v++) {
        size_t t = b->tensor_of[v];
        if (t == KERF_NONE)
            continue;
        b->value_of[t] = v;
        b->net->tensors[t].storage = t;
        kerf_status status = make_tensor(b, &b->graph->values[v], &b->net->tensors[t]);
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

static size_t *map_list(const builder *b, const size_t *values, size_t n)
{
    size_t *tensors = kerf_calloc(n, sizeof *tensors);
    for (size_t i = 0; tensors && i < n; i++)
        tensors[i] = values[i] == KERF_NONE ? KERF_NONE : b->tensor_of[values[i]];
    return tensors;
}

static bool make_ports(builder *b)
{
    kerf_network *net = b->net;
    const ir_graph *graph = b->graph;
    net->inputs = map_list(b, graph->inputs, graph->n_inputs);
    net->outputs = map_list(b, graph->outputs, graph->n_outputs);
    if (!net->inputs || !net->outputs)
        return false;
    net->n_inputs = graph->n_inputs;
    net->n_outputs = graph->n_outputs;
    for (size_t i = 0; i < net->n_inputs; i++) {
        net->tensors[net->inputs[i]].is_input = true;
        net->tensors[net->inputs[i]].constant = false;
    }
    for (size_t i = 0; i < net->n_outputs; i++)
        net->tensors[net->outputs[i]].is_output = true;
    return true;
}

/* --- operators --- */

static char *make_type(const ir_node *node)
{
    if (!node->domain || !*node->domain)
        return kerf_strdup(node->type);
    size_t size = strlen(node->domain) + 2 + strlen(node->type) + 1;
    char *type = kerf_calloc(size, 1);
    if (type)
        snprintf(type, size, "%s::%s", node->domain, node->type);
    return type;
}

/* Their results differ from run to run, also where their operands do not. */
static bool is_random(const ir_node *node)
{
    static const char *const types[] = {"RandomNormal",      "RandomNormalLike", "RandomUniform",
                                        "RandomUniformLike", "Bernoulli",        "Multinomial"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(node->type, types[i]) == 0)
            return true;
    return false;
}

/* Constant is what reads nothing but constants, and what shape inference knows the outcome of
 * (Shape of a tensor of known shape, and arithmetic on it). */
static bool is_constant(const builder *b, const ir_node *node)
{
    size_t inputs = 0, outputs = 0;
    bool known = true;
    if (node->constant)
        return true;
    if (is_random(node) || node->figures_given)
        return false;
    for (size_t i = 0; i < node->n_outputs; i++)
        if (node->outputs[i] != KERF_NONE) {
            outputs++;
            known = known && b->net->tensors[b->tensor_of[node->outputs[i]]].constant;
        }
    if (outputs && known)
        return true;
    for (size_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != KERF_NONE) {
            inputs++;
            if (!b->net->tensors[b->tensor_of[node->inputs[i]]].constant)
                return false;
        }
    return inputs > 0;
}

/* Exporters of quantized networks cast uint8 to uint8: nothing happens there. */
static bool is_idle_cast(const builder *b, const ir_node *node)
{
    if (strcmp(node->type, "Cast") != 0 || node->n_inputs != 1 || node->n_outputs != 1 ||
        node->inputs[0] == KERF_NONE || node->outputs[0] == KERF_NONE)
        return false;
    kerf_type from = b->graph->values[node->inputs[0]].type;
    return from != KERF_TYPE_UNKNOWN && from == b->graph->values[node->outputs[0]].type;
}

static kerf_status make_operators(builder *b)
{
    kerf_network *net = b->net;
    const ir_graph *graph = b->graph;
    net->operators = kerf_calloc(graph->n_nodes, sizeof *net->operators);
    if (!net->operators)
        return no_memory(b);
    net->n_operators = graph->n_nodes;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const ir_node *node = &graph->nodes[i];
        kerf_operator *op = &net->operators[i];
        op->type = make_type(node);
        op->inputs = map_list(b, node->inputs, node->n_inputs);
        op->outputs = map_list(b, node->outputs, node->n_outputs);
        if (!op->type || !op->inputs || !op->outputs)
            return no_memory(b);
        op->cls = is_idle_cast(b, node) ? KERF_CLASS_VIEW : node->cls;
        op->n_inputs = node->n_inputs;
        op->n_outputs = node->n_outputs;
        op->source_index = node->source_index;
        op->group = KERF_NONE;
        op->constant = is_constant(b, node);
        op->macs = op->constant ? 0 : node->macs;
        op->kernels = op->constant ? 0 : node->kernels;
        op->groups = op->constant ? 0 : node->groups;
        net->n_placed += !op->constant;
        for (size_t j = 0; j < op->n_outputs; j++)
            if (op->outputs[j] != KERF_NONE) {
                net->tensors[op->outputs[j]].producer = i;
                if (op->constant)
                    net->tensors[op->outputs[j]].constant = true;
            }
    }
    return KERF_OK;
}

/* True the first time that operator i asks for tensor t. */
static bool first_time(builder *b, size_t t, size_t i)
{
    if (t == KERF_NONE || b->seen[t] == i + 1)
        return false;
    b->seen[t] = i + 1;
    return true;
}

/* A constant operator reads no data: what Shape says of a known shape is known without. */
static bool consumes(builder *b, size_t i, size_t t)
{
    const kerf_network *net = b->net;
    return first_time(b, t, i) && (!net->operators[i].constant || net->tensors[t].constant);
}

static bool make_consumers(builder *b)
{
    kerf_network *net = b->net;
    for (size_t i = 0; i < net->n_operators; i++)
        for (size_t j = 0; j < net->operators[i].n_inputs; j++)
            if (consumes(b, i, net->operators[i].inputs[j]))
                net->tensors[net->operators[i].inputs[j]].n_consumers++;
    for (size_t t = 0; t < net->n_tensors; t++) {
        kerf_tensor *tensor = &net->tensors[t];
        tensor->consumers = kerf_calloc(tensor->n_consumers, sizeof *tensor->consumers);
        if (!tensor->consumers)
            return false;
        tensor->n_consumers = 0;
        b->seen[t] = 0;
    }
    for (size_t i = 0; i < net->n_operators; i++)
        for (size_t j = 0; j < net->operators[i].n_inputs; j++) {
            size_t t = net->operators[i].inputs[j];
            if (consumes(b, i, t))
                net->tensors[t].consumers[net->tensors[t].n_consumers++] = i;
        }
    return true;
}

/* --- figures --- */

static bool add(int64_t *sum, int64_t term)
{
    return !__builtin_add_overflow(*sum, term, sum);
}

/* Weights of one operator: its distinct constant operands in weight positions, and what its nested
 * graphs or a block's figures hold. */
static bool add_weights(builder *b, const ir_node *node, size_t i)
{
    kerf_network *net = b->net;
    kerf_operator *op = &net->operators[i];
    size_t slots = op->n_inputs < MAX_WEIGHT_SLOTS ? op->n_inputs : MAX_WEIGHT_SLOTS;
    op->weight_bytes = node->given_weight_bytes;
    op->params = node->inner_params;
    if (!add(&op->weight_bytes, node->inner_weight_bytes) ||
        !add(&net->weight_bytes, op->weight_bytes) || !add(&net->params, op->params))
        return false;
    for (size_t j = 0; j < slots; j++) {
        size_t t = op->inputs[j];
        int64_t bytes;
        if (!(node->weight_slots >> j & 1) || t == KERF_NONE || !net->tensors[t].constant ||
            !first_time(b, t, i))
            continue;
        const kerf_tensor *tensor = &net->tensors[t];
        const ir_value *value = &b->graph->values[b->value_of[t]];
        bool stored = value->stored_type != KERF_TYPE_UNKNOWN;
        if (!size_of(tensor->elements, stored ? value->stored_type : tensor->type, &bytes))
            return false;
        if (tensor->elements < 0 || bytes < 0)
            continue;
        if (!add(&op->params, tensor->elements) || !add(&op->weight_bytes, bytes))
            return false;
        if (!b->weighed[t] &&
            (!add(&net->params, tensor->elements) || !add(&net->weight_bytes, bytes)))
            return false;
        b->weighed[t] = true;
    }
    return true;
}

/* Bytes that it moves: data inputs, each once, and outputs. Views move nothing. */
static bool add_traffic(builder *b, size_t i)
{
    kerf_network *net = b->net;
    kerf_operator *op = &net->operators[i];
    if (op->cls == KERF_CLASS_VIEW)
        return true;
    for (size_t j = 0; j < op->n_inputs; j++) {
        size_t t = op->inputs[j];
        if (t == KERF_NONE || net->tensors[t].constant || !first_time(b, t, i))
            continue;
        if (net->tensors[t].bytes > 0 && !add(&op->read_bytes, net->tensors[t].bytes))
            return false;
    }
    for (size_t j = 0; j < op->n_outputs; j++) {
        size_t t = op->outputs[j];
        if (t != KERF_NONE && net->tensors[t].bytes > 0 &&
            !add(&op->write_bytes, net->tensors[t].bytes))
            return false;
    }
    return true;
}

static kerf_status add_figures(builder *b)
{
    kerf_network *net = b->net;
    memset(b->seen, 0, net->n_tensors * sizeof *b->seen);
    for (size_t i = 0; i < net->n_operators; i++) {
        const ir_node *node = &b->graph->nodes[i];
        kerf_operator *op = &net->operators[i];
        if (op->constant)
            continue;
        if (!add(&net->macs, op->macs) || !add_weights(b, node, i) || !add_traffic(b, i))
            return kerf_fail(b->err, KERF_E_TOO_LARGE, op->name,
                             "the network's figures overflow 64 bits");
    }
    return KERF_OK;
}

static bool copy_warnings(builder *b)
{
    kerf_network *net = b->net;
    net->warnings = kerf_calloc(b->graph->n_warnings, sizeof *net->warnings);
    if (!net->warnings)
        return false;
    for (; net->n_warnings < b->graph->n_warnings; net->n_warnings++) {
        net->warnings[net->n_warnings] = kerf_strdup(b->graph->warnings[net->n_warnings]);
        if (!net->warnings[net->n_warnings])
            return false;
    }
    return true;
}

static kerf_status fill(builder *b, const char *name, const char *source, bool allow_unresolved)
{
    kerf_network *net = b->net;
    net->name = kerf_strdup(name);
    net->source = source ? kerf_strdup(source) : NULL;
    if (!net->name || (source && !net->source) || !copy_warnings(b))
        return no_memory(b);
    kerf_status status = make_tensors(b);
    if (status != KERF_OK)
        return status;
    if (!make_ports(b))
        return no_memory(b);
    status = make_operators(b);
    if (status != KERF_OK)
        return status;
    if (!ir_name_operators(b->graph, net) || !make_consumers(b))
        return no_memory(b);
    if (!allow_unresolved)
        status = ir_check_resolved(b->graph, net, b->tensor_of, b->err);
    if (status == KERF_OK)
        status = add_figures(b);
    if (status == KERF_OK && !ir_fuse(b->graph, net))
        status = no_memory(b);
    return status;
}

kerf_status ir_build_network(const ir_graph *graph, const char *name, const char *source,
                             bool allow_unresolved, kerf_network **network, kerf_error *err)
{
    builder b = {.graph = graph, .err = err};
    kerf_status status;
    b.net = kerf_calloc(1, sizeof *b.net);
    if (!b.net)
        return no_memory(&b);
    status = fill(&b, name, source, allow_unresolved);
    if (status == KERF_OK)
        *network = b.net;
    else
        kerf_network_destroy(&b.net);
    free(b.tensor_of);
    free(b.value_of);
    free(b.seen);
    free(b.weighed);
    return status;
}
