#include "model/onnx/from_ir.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IR_VERSION 8  /* of the ONNX format */
#define OPSET      17 /* as old as the operators allow, for the sake of old runtimes */
#define LAST_OPSET 21

/* Attributes of JSON networks that stand for weights, which are operands by now. */
static bool stands_for_weights(const ir_node *node, const char *name)
{
    static const char *const names[] = {"out_channels",   "out_features",   "constant_value",
                                        "constant_shape", "num_embeddings", "embedding_dim",
                                        "weight_type",    "num_parameters"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return strcmp(name, "bias") == 0 && strcmp(node->type, "LRN") != 0;
}

/* JSON does not tell 1 from 1.0; ONNX does. */
static bool is_real_attribute(const char *name)
{
    static const char *const names[] = {"alpha",         "beta",
                                        "gamma",         "epsilon",
                                        "momentum",      "bias",
                                        "lambd",         "cubic_coeff_a",
                                        "ratio",         "scale",
                                        "softcap",       "clip",
                                        "spatial_scale", "extrapolation_value"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool find_type(const char *name, kerf_type *type)
{
    for (int i = KERF_TYPE_UNKNOWN + 1; i <= KERF_STRING; i++)
        if (strcmp(kerf_type_name((kerf_type)i), name) == 0) {
            *type = (kerf_type)i;
            return true;
        }
    return false;
}

static void put_attribute(onnx_bytes *node, const ir_attr *attr)
{
    enum { FLOAT = 1, INT, STRING, FLOATS = 6, INTS, STRINGS };
    onnx_bytes b = {0};
    kerf_type type;
    uint64_t kind = 0;
    onnx_put_text(&b, 1, attr->name);
    if (attr->kind == IR_ATTR_STRING && strcmp(attr->name, "to") == 0 &&
        find_type(attr->s, &type)) {
        onnx_put_number(&b, 3, onnx_type_number(type));
        kind = INT;
    } else if (attr->kind == IR_ATTR_FLOAT ||
               (attr->kind == IR_ATTR_INT && is_real_attribute(attr->name))) {
        onnx_put_float(&b, 2, (float)(attr->kind == IR_ATTR_INT ? (double)attr->i : attr->f));
        kind = FLOAT;
    } else if (attr->kind == IR_ATTR_INT) {
        onnx_put_number(&b, 3, (uint64_t)attr->i);
        kind = INT;
    } else if (attr->kind == IR_ATTR_STRING) {
        onnx_put_text(&b, 4, attr->s);
        kind = STRING;
    } else if (attr->kind == IR_ATTR_INTS || attr->kind == IR_ATTR_FLOATS ||
               attr->kind == IR_ATTR_STRINGS) {
        for (size_t i = 0; i < attr->n; i++) {
            if (attr->kind == IR_ATTR_FLOATS)
                onnx_put_float(&b, 7, (float)attr->floats[i]);
            else if (attr->kind == IR_ATTR_INTS)
                onnx_put_number(&b, 8, (uint64_t)attr->ints[i]);
            else
                onnx_put_text(&b, 9, attr->strings[i]);
        }
        kind = attr->kind == IR_ATTR_FLOATS ? FLOATS : attr->kind == IR_ATTR_INTS ? INTS : STRINGS;
    }
    onnx_put_number(&b, 20, kind);
    if (kind)
        onnx_put_message(node, 5, &b);
    onnx_bytes_clear(&b);
}

/* Gelu came into ONNX with operator set 20; runtimes have it under this name since long before. */
static const char *domain_of(const ir_node *node)
{
    if (strcmp(node->type, "Block") == 0 && node->figures_given)
        return "kerf";
    return strcmp(node->type, "Gelu") == 0 ? "com.microsoft" : node->domain;
}

static void put_node(onnx_bytes *graph, const ir_graph *g, const ir_node *node, const char *name)
{
    onnx_bytes b = {0};
    size_t n = node->n_inputs;
    while (n > 0 && node->inputs[n - 1] == KERF_NONE)
        n--;
    for (size_t i = 0; i < n; i++)
        onnx_put_text(&b, 1, node->inputs[i] == KERF_NONE ? "" : g->values[node->inputs[i]].name);
    for (size_t i = 0; i < node->n_outputs; i++)
        onnx_put_text(&b, 2, node->outputs[i] == KERF_NONE ? "" : g->values[node->outputs[i]].name);
    onnx_put_text(&b, 3, name);
    onnx_put_text(&b, 4, node->type);
    for (size_t i = 0; i < node->n_attrs; i++)
        if (!stands_for_weights(node, node->attrs[i].name))
            put_attribute(&b, &node->attrs[i]);
    const char *domain = domain_of(node);
    if (domain && *domain)
        onnx_put_text(&b, 7, domain);
    onnx_put_message(graph, 1, &b);
}

/* --- weights -------------------------------------------------------------------------------------
 */

static void put_constant(onnx_bytes *graph, const char *name, onnx_bytes *tensor)
{
    onnx_bytes node = {0};
    onnx_begin_node(&node, "Constant", name, NULL, 0, name);
    onnx_put_tensor_attribute(&node, "value", tensor);
    onnx_put_message(graph, 1, &node);
}

/* Two nodes: the shape, and zeros of it. */
static bool put_zeros(onnx_bytes *graph, const ir_value *value)
{
    onnx_bytes shape = {0}, zero = {0}, node = {0};
    const int64_t rank = value->rank, one = 1, nothing = 0;
    const size_t size = strlen(value->name) + 16;
    char *name = kerf_calloc(size, 1);
    bool ok = name && value->rank >= 0;
    graph->failed = graph->failed || !name;
    if (ok) {
        snprintf(name, size, "%s/shape", value->name);
        ok = onnx_encode_tensor(&shape, KERF_INT64, &rank, 1, value->dims, NULL, (size_t)rank) &&
             onnx_encode_tensor(&zero, value->type, &one, 1, &nothing, NULL, 1);
    }
    if (ok) {
        const char *input = name;
        put_constant(graph, name, &shape);
        onnx_begin_node(&node, "ConstantOfShape", value->name, &input, 1, value->name);
        onnx_put_tensor_attribute(&node, "value", &zero);
        onnx_put_message(graph, 1, &node);
    }
    onnx_bytes_clear(&shape);
    onnx_bytes_clear(&zero);
    free(name);
    return ok;
}

/* *nodes: how many it took. */
static bool put_weight(onnx_bytes *graph, const ir_value *value, size_t *nodes)
{
    onnx_bytes tensor = {0};
    const int64_t n = ir_elements(value);
    const bool known = n >= 0 && (value->ints || value->floats) &&
                       onnx_encode_tensor(&tensor, value->type, value->dims, value->rank,
                                          value->ints, value->floats, (size_t)n);
    *nodes = known ? 1 : 2;
    if (known)
        put_constant(graph, value->name, &tensor);
    onnx_bytes_clear(&tensor);
    return known || put_zeros(graph, value);
}

/* --- the model -----------------------------------------------------------------------------------
 */

static void put_info(onnx_bytes *graph, uint32_t field, const ir_value *value)
{
    const uint32_t type = onnx_type_number(value->type);
    if (type)
        onnx_put_value_info(graph, field, value->name, type, value->dims, NULL, value->rank);
}

static void put_infos(onnx_bytes *b, const ir_graph *g)
{
    for (size_t i = 0; i < g->n_inputs; i++)
        put_info(b, 11, &g->values[g->inputs[i]]);
    for (size_t i = 0; i < g->n_outputs; i++)
        put_info(b, 12, &g->values[g->outputs[i]]);
    for (size_t i = 0; i < g->n_nodes; i++)
        for (size_t j = 0; j < g->nodes[i].n_outputs; j++) {
            const size_t v = g->nodes[i].outputs[j];
            bool listed = v == KERF_NONE;
            for (size_t k = 0; k < g->n_outputs && !listed; k++)
                listed = g->outputs[k] == v;
            if (!listed)
                put_info(b, 13, &g->values[v]);
        }
}

/* The operator set that knows all of the operators in the form they have here. */
static int64_t opset_for(const ir_graph *g)
{
    static const char *const later[] = {"BitwiseAnd",   "BitwiseNot", "BitwiseOr",
                                        "BitwiseXor",   "Mish",       "CenterCropPad",
                                        "Col2Im",       "AffineGrid", "GroupNormalization",
                                        "StringConcat", "StringSplit"};
    int64_t opset = OPSET;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const ir_node *node = &g->nodes[i];
        if (strncmp(node->type, "Reduce", 6) == 0 && node->n_inputs > 1)
            opset = LAST_OPSET;
        if (strcmp(node->type, "Split") == 0 && ir_attr_find(node, "num_outputs"))
            opset = LAST_OPSET;
        for (size_t k = 0; k < sizeof later / sizeof *later; k++)
            if (strcmp(node->type, later[k]) == 0)
                opset = LAST_OPSET;
    }
    return opset;
}

static void put_opset(onnx_bytes *model, const char *domain, int64_t version)
{
    onnx_bytes b = {0};
    onnx_put_text(&b, 1, domain);
    onnx_put_number(&b, 2, (uint64_t)version);
    onnx_put_message(model, 8, &b);
}

static void put_opsets(onnx_bytes *model, const ir_graph *g)
{
    bool microsoft = false, kerf = false;
    put_opset(model, "", opset_for(g));
    for (size_t i = 0; i < g->n_nodes; i++) {
        microsoft = microsoft || strcmp(domain_of(&g->nodes[i]), "com.microsoft") == 0;
        kerf = kerf || strcmp(domain_of(&g->nodes[i]), "kerf") == 0;
    }
    if (microsoft)
        put_opset(model, "com.microsoft", 1);
    if (kerf)
        put_opset(model, "kerf", 1);
}

kerf_status onnx_from_ir(const ir_graph *g, const kerf_network *network, onnx_bytes *model,
                         size_t *node_of, kerf_error *err)
{
    onnx_bytes graph = {0};
    size_t nodes = 0, taken;
    kerf_status status = KERF_OK;
    for (size_t v = 0; v < g->n_values && status == KERF_OK; v++)
        if (g->values[v].initializer) {
            if (!put_weight(&graph, &g->values[v], &taken))
                status = graph.failed
                             ? kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory")
                             : kerf_fail(err, KERF_E_UNSUPPORTED, g->values[v].name,
                                         "has no type or shape that zeros can take the place of");
            nodes += taken;
        }
    for (size_t i = 0; i < g->n_nodes && status == KERF_OK; i++) {
        put_node(&graph, g, &g->nodes[i], network->operators[i].name);
        node_of[i] = nodes++;
    }
    onnx_put_text(&graph, 2, network->name);
    put_infos(&graph, g);
    onnx_put_number(model, 1, IR_VERSION);
    onnx_put_text(model, 2, "kerf");
    put_opsets(model, g);
    onnx_put_message(model, 7, &graph);
    onnx_bytes_clear(&graph);
    if (status == KERF_OK && model->failed)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return status;
}
