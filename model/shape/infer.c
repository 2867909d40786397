/* Walks a graph in order and applies the operators' rules (table.c). */
#include "model/shape/infer.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/shape/nested.h"
#include "model/shape/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bodies of loops are inferred more than once, bodies in bodies more often still: a bound on the
 * work for one network, in nodes inferred, far above what real ones need. */
#define MAX_STEPS          ((size_t)4 << 20)
#define MAX_STEPS_PER_NODE 64

static void reset_value(ir_value *value)
{
    ir_value_clear_content(value);
    value->type = value->stored_type = KERF_TYPE_UNKNOWN;
    value->rank = -1;
    value->constant = false;
}

/* What the file says of a value fills what inference could not know. */
static void use_declaration(ir_value *value)
{
    if (value->type == KERF_TYPE_UNKNOWN)
        value->type = value->declared_type;
    if (value->declared_rank < 0 || value->declared_rank > IR_MAX_RANK)
        return;
    if (value->rank < 0) {
        value->rank = value->declared_rank;
        for (int i = 0; i < value->rank; i++)
            value->dims[i] = IR_DIM_UNKNOWN;
    }
    if (value->rank != value->declared_rank)
        return;
    int64_t before[IR_MAX_RANK] = {0};
    memcpy(before, value->dims, sizeof before);
    for (int i = 0; i < value->rank; i++)
        if (value->dims[i] < 0 && value->declared_dims[i] >= 0)
            value->dims[i] = value->declared_dims[i];
    /* A declaration that overflows is none. */
    int64_t elements = 0;
    if (!sh_product(value->dims, (size_t)value->rank, &elements) || elements > INT64_MAX / 16)
        memcpy(value->dims, before, sizeof before);
}

static bool set_reason(ir_value *value, const char *reason)
{
    free(value->unresolved);
    value->unresolved = kerf_strdup(reason);
    return value->unresolved != NULL;
}

/* The operand that an unknown output is unknown for; what that one depends on, where it says so,
 * so that the user reads the root of it. */
static void reason_from_operands(const sh_node *s, char *text, size_t size)
{
    for (size_t i = 0; i < s->node->n_inputs; i++) {
        const ir_value *value = sh_in(s, i);
        if (!value || sh_shape_known(value))
            continue;
        if (value->unresolved && strncmp(value->unresolved, "depends on '", 12) == 0)
            snprintf(text, size, "%s", value->unresolved);
        else
            snprintf(text, size, "depends on '%.120s'", value->name);
        return;
    }
    snprintf(text, size, "the output of %.100s cannot be known beforehand", s->node->type);
}

static bool finish_output(sh_node *s, ir_value *value, bool constant)
{
    use_declaration(value);
    value->constant = !s->random && (constant || sh_content_complete(value));
    if (sh_shape_known(value))
        return true;
    char text[256];
    if (s->reason[0])
        snprintf(text, sizeof text, "%s", s->reason);
    else
        reason_from_operands(s, text, sizeof text);
    return set_reason(value, text);
}

static bool has_body(const ir_node *node)
{
    for (size_t i = 0; i < node->n_attrs; i++)
        if (node->attrs[i].kind == IR_ATTR_GRAPH)
            return true;
    return false;
}

/* Constants, weights, and what is left unknown. */
static kerf_status finish_node(sh_node *s, const sh_entry *entry)
{
    ir_node *node = s->node;
    bool operands_constant = !s->captures;
    for (size_t i = 0; i < s->n_operands; i++)
        operands_constant = operands_constant && (!sh_in(s, i) || sh_is_constant(s, i));
    bool all = node->n_outputs > 0 || operands_constant;
    for (size_t i = 0; i < node->n_outputs; i++) {
        ir_value *value = sh_out(s, i);
        if (value && !finish_output(s, value, operands_constant))
            s->no_memory = true;
        all = all && (!value || value->constant);
    }
    node->constant = all;
    if (entry)
        node->weight_slots |= entry->weights;
    if (all) {
        node->macs = 0;
        node->weight_slots = 0;
    }
    for (size_t i = 0; i < 64; i++)
        if (node->weight_slots & SH_SLOT(i) && !sh_is_constant(s, i))
            node->weight_slots &= ~SH_SLOT(i);
    if (s->depth == 0 && !all && has_body(node)) {
        kerf_status status = sh_weigh_bodies(s);
        if (status)
            return status;
    }
    return s->no_memory ? kerf_fail(s->err, KERF_E_NOMEM, NULL, "out of memory") : KERF_OK;
}

/* Its constant tensors are weights as far as anybody can tell. */
static void unknown_operator(sh_node *s)
{
    const char *domain = s->node->domain ? s->node->domain : "";
    const char *colons = domain[0] ? "::" : "";
    s->node->cls = KERF_CLASS_OTHER;
    for (size_t i = 0; i < 64; i++)
        if (sh_is_constant(s, i) && ir_elements(sh_in(s, i)) != 1)
            s->node->weight_slots |= SH_SLOT(i);
    sh_warn_once(s,
                 "operator %.150s%s%.150s is unknown: no MACs counted, shapes as the file declares "
                 "them",
                 domain, colons, s->node->type);
    sh_because(s, "operator %.60s%s%.60s is unknown and its output has no declared shape", domain,
               colons, s->node->type);
}

/* A JSON "Block": its figures stand, its outputs hold data. */
static void given_figures(ir_graph *graph, ir_node *node)
{
    node->constant = false;
    for (size_t i = 0; i < node->n_outputs; i++)
        if (node->outputs[i] != KERF_NONE)
            graph->values[node->outputs[i]].constant = false;
}

static int64_t opset_of(const ir_graph *graph)
{
    while (graph->opset == 0 && graph->parent)
        graph = graph->parent;
    return graph->opset > 0 ? graph->opset : 7;
}

/* Known elements that the node's folding reads. */
static size_t content_size(const ir_graph *graph, const ir_node *node)
{
    size_t size = 0;
    for (size_t i = 0; i < node->n_inputs; i++) {
        const ir_value *value =
            node->inputs[i] == KERF_NONE ? NULL : &graph->values[node->inputs[i]];
        if (value && sh_has_content(value))
            size += (size_t)ir_elements(value);
    }
    return size;
}

static kerf_status infer_node(ir_graph *graph, ir_node *node, unsigned depth, kerf_error *err)
{
    ir_graph *root = graph;
    while (root->parent)
        root = root->parent;
    root->infer_steps += 1 + content_size(graph, node) / 16;
    if (root->infer_steps > MAX_STEPS + MAX_STEPS_PER_NODE * root->n_nodes)
        return kerf_fail(err, KERF_E_TOO_LARGE, node->name,
                         "too much work to infer shapes: nested "
                         "loops, or large constants read by many operators");
    if (node->figures_given) {
        given_figures(graph, node);
        return KERF_OK;
    }
    sh_node s = {.graph = graph, .node = node, .depth = depth, .err = err};
    s.opset = opset_of(graph);
    s.n_operands = node->n_inputs;
    for (size_t i = 0; i < node->n_outputs; i++)
        if (node->outputs[i] != KERF_NONE)
            reset_value(&graph->values[node->outputs[i]]);
    node->macs = node->kernels = node->inner_params = node->inner_weight_bytes = 0;
    node->weight_slots = 0;
    const sh_entry *entry = sh_find(node->domain ? node->domain : "", node->type);
    kerf_status status = KERF_OK;
    if (entry) {
        node->cls = entry->cls;
        status = entry->rule(&s);
        if (!status && entry->fold)
            entry->fold(&s);
    } else {
        unknown_operator(&s);
    }
    return status ? status : finish_node(&s, entry);
}

kerf_status ir_infer_node(ir_graph *graph, ir_node *node, kerf_error *err)
{
    return infer_node(graph, node, 0, err);
}

static kerf_status check_source(ir_value *value, kerf_error *err)
{
    int64_t elements = 0;
    char text[SH_TEXT];
    if (value->rank > IR_MAX_RANK)
        return kerf_fail(err, KERF_E_INVALID, value->name,
                         "%d dimensions, at most %d are supported", value->rank, IR_MAX_RANK);
    for (int i = 0; i < value->rank; i++)
        if (value->dims[i] < IR_DIM_UNKNOWN)
            return kerf_fail(err, KERF_E_INVALID, value->name, "the shape %s has a negative size",
                             sh_text(value, text));
    if (value->rank > 0 &&
        (!sh_product(value->dims, (size_t)value->rank, &elements) || elements > INT64_MAX / 16))
        return kerf_fail(err, KERF_E_INVALID, value->name, "the shape %s has too many elements",
                         sh_text(value, text));
    return KERF_OK;
}

/* Initializers are constants, as large as memory can hold at most. */
static kerf_status check_initializers(ir_graph *graph, kerf_error *err)
{
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < graph->n_values && !status; i++)
        if (graph->values[i].initializer) {
            graph->values[i].constant = true;
            status = check_source(&graph->values[i], err);
        }
    return status;
}

kerf_status sh_infer_graph(ir_graph *graph, unsigned depth, kerf_error *err)
{
    kerf_status status = check_initializers(graph, err);
    for (size_t i = 0; i < graph->n_nodes && !status; i++)
        status = infer_node(graph, &graph->nodes[i], depth, err);
    return status;
}

/* "dimension 2 ('seq') of the input is not fixed" */
static bool input_reason(ir_value *value)
{
    char text[256];
    if (value->unresolved || sh_shape_known(value))
        return true;
    if (value->rank < 0)
        return set_reason(value, "the input has no shape");
    int i = 0;
    while (value->dims[i] >= 0)
        i++;
    const char *name = value->dim_names ? value->dim_names[i] : NULL;
    if (name)
        snprintf(text, sizeof text, "dimension %d ('%.100s') of the input is not fixed", i + 1,
                 name);
    else
        snprintf(text, sizeof text, "dimension %d of the input is not fixed", i + 1);
    return set_reason(value, text);
}

kerf_status ir_infer_sources(ir_graph *graph, kerf_error *err)
{
    kerf_status status = check_initializers(graph, err);
    for (size_t i = 0; i < graph->n_inputs && !status; i++) {
        ir_value *value = &graph->values[graph->inputs[i]];
        status = check_source(value, err);
        if (status)
            return status;
        value->constant = false;
        if (!input_reason(value))
            return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    return status;
}

static bool declaration_contradicts(const ir_value *value)
{
    if (value->declared_rank < 0 || value->rank < 0)
        return false;
    if (value->declared_rank != value->rank)
        return true;
    for (int i = 0; i < value->rank; i++)
        if (value->declared_dims[i] >= 0 && value->dims[i] >= 0 &&
            value->declared_dims[i] != value->dims[i])
            return true;
    return false;
}

/* One line for all of them: where inputs were given other shapes than the file's, that is no
 * surprise and none is said. */
static bool warn_contradictions(ir_graph *graph)
{
    char declared[SH_TEXT], inferred[SH_TEXT];
    const ir_value *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < graph->n_inputs; i++)
        if (declaration_contradicts(&graph->values[graph->inputs[i]]))
            return true;
    for (size_t i = 0; i < graph->n_values; i++) {
        const ir_value *value = &graph->values[i];
        if (value->initializer || !declaration_contradicts(value))
            continue;
        n++;
        if (!first)
            first = value;
    }
    if (!first)
        return true;
    sh_dims_text(first->declared_rank, first->declared_dims, declared);
    sh_text(first, inferred);
    char others[48] = "";
    if (n > 1)
        snprintf(others, sizeof others, ", and %zu others likewise", n - 1);
    return ir_warn(graph,
                   "tensor '%.120s' is declared as %s but computed as %s%s: declaration ignored",
                   first->name, declared, inferred, others);
}

kerf_status ir_infer(ir_graph *graph, kerf_error *err)
{
    graph->infer_steps = graph->folded_elements = 0;
    kerf_status status = ir_infer_sources(graph, err);
    if (!status)
        status = sh_infer_graph(graph, 0, err);
    if (!status && !warn_contradictions(graph))
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return status;
}
