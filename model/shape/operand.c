/* Operands, outputs, messages and dimension arithmetic of the operators' rules. */
#include "model/shape/rules.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* So that no tensor's bytes overflow, complex128 included. */
#define MAX_ELEMENTS (INT64_MAX / 16)

const ir_value *sh_in(const sh_node *s, size_t i)
{
    if (i >= s->node->n_inputs || s->node->inputs[i] == KERF_NONE)
        return NULL;
    return &s->graph->values[s->node->inputs[i]];
}

const ir_value *sh_need(sh_node *s, size_t i)
{
    const ir_value *value = sh_in(s, i);
    if (!value)
        sh_fail(s, "operand %zu is missing", i + 1);
    return value;
}

const ir_value *sh_need_rank(sh_node *s, size_t i, int rank)
{
    const ir_value *value = sh_need(s, i);
    char text[SH_TEXT];
    if (value && value->rank >= 0 && value->rank != rank) {
        sh_fail(s, "operand %zu ('%s') has shape %s, expected %d dimensions", i + 1, value->name,
                sh_text(value, text), rank);
        return NULL;
    }
    return value;
}

ir_value *sh_out(const sh_node *s, size_t i)
{
    if (i >= s->node->n_outputs || s->node->outputs[i] == KERF_NONE)
        return NULL;
    return &s->graph->values[s->node->outputs[i]];
}

bool sh_is_constant(const sh_node *s, size_t i)
{
    const ir_value *value = sh_in(s, i);
    return value && value->constant;
}

/* In parentheses as rules.h may define a macro of this name. */
kerf_status(sh_fail)(sh_node *s, const char *format, ...)
{
    char message[512], label[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return kerf_fail(s->err, KERF_E_INVALID, ir_node_label(s->node, label, sizeof label), "%s: %s",
                     s->node->type, message);
}

void sh_because(sh_node *s, const char *format, ...)
{
    if (s->reason[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->reason, sizeof s->reason, format, arguments);
    va_end(arguments);
}

void sh_warn_once(sh_node *s, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    const ir_graph *root = s->graph;
    while (root->parent)
        root = root->parent;
    for (size_t i = 0; i < root->n_warnings; i++)
        if (strcmp(root->warnings[i], line) == 0)
            return;
    if (!ir_warn(s->graph, "%s", line))
        s->no_memory = true;
}

void sh_because_value(sh_node *s, size_t i)
{
    const ir_value *value = sh_in(s, i);
    if (value)
        sh_because(s, "depends on the value of '%.120s'", value->name);
}

const char *sh_dims_text(int rank, const int64_t *dims, char buffer[SH_TEXT])
{
    size_t at = 0;
    buffer[0] = 0;
    if (rank <= 0)
        snprintf(buffer, SH_TEXT, "%s", rank < 0 ? "unknown" : "scalar");
    for (int i = 0; i < rank && at + 24 < SH_TEXT; i++) {
        if (dims[i] == IR_DIM_UNKNOWN)
            at += (size_t)snprintf(buffer + at, SH_TEXT - at, "%s?", i ? "x" : "");
        else
            at += (size_t)snprintf(buffer + at, SH_TEXT - at, "%s%" PRId64, i ? "x" : "", dims[i]);
    }
    return buffer;
}

const char *sh_text(const ir_value *value, char buffer[SH_TEXT])
{
    return sh_dims_text(value->rank, value->dims, buffer);
}

bool sh_product(const int64_t *factors, size_t n, int64_t *product)
{
    bool unknown = false;
    *product = 1;
    for (size_t i = 0; i < n; i++)
        if (factors[i] == 0) {
            *product = 0;
            return true;
        }
    for (size_t i = 0; i < n; i++) {
        if (factors[i] < 0)
            unknown = true;
        else if (__builtin_mul_overflow(*product, factors[i], product))
            return false;
    }
    if (unknown)
        *product = IR_DIM_UNKNOWN;
    return true;
}

kerf_status sh_add_macs(sh_node *s, const int64_t *factors, size_t n)
{
    int64_t macs = 0;
    if (!sh_product(factors, n, &macs) ||
        (macs > 0 && __builtin_add_overflow(s->node->macs, macs, &s->node->macs)))
        return sh_fail(s, "more than %" PRId64 " multiply-accumulates", INT64_MAX);
    return KERF_OK;
}

kerf_status sh_emit(sh_node *s, size_t i, kerf_type type, int rank, const int64_t *dims)
{
    ir_value *value = sh_out(s, i);
    char text[SH_TEXT];
    if (!value)
        return KERF_OK;
    if (rank > IR_MAX_RANK)
        return sh_fail(s, "the output '%s' would have %d dimensions, at most %d are supported",
                       value->name, rank, IR_MAX_RANK);
    int64_t elements = 1;
    for (int k = 0; k < rank; k++)
        if (dims[k] < IR_DIM_UNKNOWN)
            return sh_fail(s, "the output '%s' would have the shape %s", value->name,
                           sh_dims_text(rank, dims, text));
    if (rank > 0 && (!sh_product(dims, (size_t)rank, &elements) || elements > MAX_ELEMENTS))
        return sh_fail(s, "the output '%s' would have the shape %s: too many elements", value->name,
                       sh_dims_text(rank, dims, text));
    value->type = type;
    value->rank = rank < 0 ? -1 : rank;
    if (rank > 0)
        memcpy(value->dims, dims, (size_t)rank * sizeof *dims);
    return KERF_OK;
}

kerf_status sh_emit_like(sh_node *s, size_t i, kerf_type type, const ir_value *value)
{
    return sh_emit(s, i, type, value->rank, value->dims);
}

kerf_status sh_emit_unknown(sh_node *s, size_t i, kerf_type type)
{
    return sh_emit(s, i, type, -1, NULL);
}

kerf_status sh_emit_all_unknown(sh_node *s, kerf_type type)
{
    for (size_t i = 0; i < s->node->n_outputs; i++)
        sh_emit_unknown(s, i, type);
    return KERF_OK;
}

bool sh_shape_known(const ir_value *value)
{
    for (int i = 0; i < value->rank; i++)
        if (value->dims[i] < 0)
            return false;
    return value->rank >= 0;
}

bool sh_type_is_integer(kerf_type type)
{
    switch (type) {
    case KERF_INT8:
    case KERF_UINT8:
    case KERF_INT16:
    case KERF_UINT16:
    case KERF_INT32:
    case KERF_UINT32:
    case KERF_INT64:
    case KERF_UINT64:
    case KERF_INT4:
    case KERF_UINT4:
    case KERF_BOOL:
        return true;
    default:
        return false;
    }
}

/* TensorProto.DataType of the ONNX specification. */
kerf_type sh_type_from_onnx(int64_t code)
{
    static const kerf_type types[] = {
        KERF_TYPE_UNKNOWN, KERF_FLOAT32,  KERF_UINT8,  KERF_INT8,   KERF_UINT16,
        KERF_INT16,        KERF_INT32,    KERF_INT64,  KERF_STRING, KERF_BOOL,
        KERF_FLOAT16,      KERF_FLOAT64,  KERF_UINT32, KERF_UINT64, KERF_COMPLEX64,
        KERF_COMPLEX128,   KERF_BFLOAT16, KERF_FLOAT8, KERF_FLOAT8, KERF_FLOAT8,
        KERF_FLOAT8,       KERF_UINT4,    KERF_INT4};
    if (code < 0 || code >= (int64_t)(sizeof types / sizeof *types))
        return KERF_TYPE_UNKNOWN;
    return types[code];
}

kerf_type sh_type_attr(const sh_node *s, const char *name, kerf_type fallback)
{
    const ir_attr *attr = ir_attr_find(s->node, name);
    return attr && attr->kind == IR_ATTR_INT ? sh_type_from_onnx(attr->i) : fallback;
}

kerf_status sh_axis(sh_node *s, int64_t axis, int rank, int *result)
{
    if (axis < -rank || axis >= rank)
        return sh_fail(s, "axis %" PRId64 " is out of range for %d dimensions", axis, rank);
    *result = (int)(axis < 0 ? axis + rank : axis);
    return KERF_OK;
}

kerf_status sh_axes(sh_node *s, const int64_t *axes, size_t n, int rank, uint32_t *set)
{
    *set = 0;
    for (size_t i = 0; i < n; i++) {
        int axis = 0;
        kerf_status status = sh_axis(s, axes[i], rank, &axis);
        if (status)
            return status;
        if (*set & 1u << axis)
            return sh_fail(s, "axis %d stands twice in axes", axis);
        *set |= 1u << axis;
    }
    return KERF_OK;
}

bool sh_dims_agree(int64_t a, int64_t b, int64_t *result)
{
    *result = a < 0 ? b : a;
    return a < 0 || b < 0 || a == b;
}

bool sh_broadcast_dims(int *rank, int64_t dims[IR_MAX_RANK], int b_rank, const int64_t *b_dims)
{
    if (b_rank > *rank) {
        int grow = b_rank - *rank;
        memmove(dims + grow, dims, (size_t)*rank * sizeof *dims);
        for (int i = 0; i < grow; i++)
            dims[i] = 1;
        *rank = b_rank;
    }
    for (int i = 0; i < b_rank; i++) {
        int64_t *a = &dims[*rank - b_rank + i], b = b_dims[i];
        if (*a == 1)
            *a = b;
        else if (b > 1 && *a < 0)
            *a = b;
        else if (b == 0 && *a < 0)
            *a = 0;
        else if (b != 1 && b >= 0 && *a != b)
            return false;
    }
    return true;
}

kerf_status sh_broadcast(sh_node *s, const size_t *operands, size_t n, int *rank,
                         int64_t dims[IR_MAX_RANK])
{
    char left[SH_TEXT], right[SH_TEXT];
    bool unknown = false;
    *rank = 0;
    for (size_t i = 0; i < n; i++) {
        const ir_value *value = sh_need(s, operands[i]);
        if (!value)
            return KERF_E_INVALID;
        if (value->rank < 0) {
            unknown = true;
            continue;
        }
        sh_dims_text(*rank, dims, left);
        if (!sh_broadcast_dims(rank, dims, value->rank, value->dims))
            return sh_fail(s, "the operands' shapes %s and %s ('%s') cannot be broadcast", left,
                           sh_text(value, right), value->name);
    }
    if (unknown)
        *rank = -1;
    return KERF_OK;
}

sh_list sh_list_of(const sh_node *s, const char *attr, size_t operand)
{
    sh_list list = {SH_ABSENT, NULL, 0, KERF_NONE};
    const ir_attr *found = attr ? ir_attr_find(s->node, attr) : NULL;
    if (found && (found->kind == IR_ATTR_INTS || found->kind == IR_ATTR_FLOATS)) {
        /* An empty list may have come without a kind of element. */
        list.state = SH_KNOWN;
        list.at = found->ints;
        list.n = found->kind == IR_ATTR_INTS ? (int64_t)found->n : 0;
        return list;
    }
    if (found && found->kind == IR_ATTR_INT) {
        list.state = SH_KNOWN;
        list.at = &found->i;
        list.n = 1;
        return list;
    }
    const ir_value *value = operand == KERF_NONE ? NULL : sh_in(s, operand);
    if (!value)
        return list;
    list.operand = operand;
    list.n = ir_elements(value);
    list.state = value->ints && list.n >= 0 ? SH_KNOWN : SH_UNKNOWN;
    list.at = list.state == SH_KNOWN ? value->ints : NULL;
    return list;
}

bool sh_integer_of(const sh_node *s, const char *attr, size_t operand, int64_t *value,
                   bool *present)
{
    const ir_attr *found = attr ? ir_attr_find(s->node, attr) : NULL;
    *present = found && found->kind == IR_ATTR_INT;
    if (*present) {
        *value = found->i;
        return true;
    }
    const ir_value *in = operand == KERF_NONE ? NULL : sh_in(s, operand);
    *present = in != NULL;
    if (!in || !in->ints || ir_elements(in) < 1 || in->ints[0] == IR_UNKNOWN_INT)
        return false;
    *value = in->ints[0];
    return true;
}
