/* Elementwise operators: activations, arithmetic with broadcasting, comparisons, casts. */
#include "model/shape/rules.h"

#include <string.h>

kerf_status sh_unary(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? sh_emit_like(s, 0, x->type, x) : KERF_E_INVALID;
}

kerf_status sh_unary_bool(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? sh_emit_like(s, 0, KERF_BOOL, x) : KERF_E_INVALID;
}

/* Output 0 like operand 0, further outputs (statistics) left to the declaration. */
kerf_status sh_real_like(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    if (!x)
        return KERF_E_INVALID;
    return sh_emit_like(s, 0, sh_type_is_integer(x->type) ? KERF_FLOAT32 : x->type, x);
}

/* A constant of one element is a parameter of the operation, not weights. */
static void weigh_operand(sh_node *s, size_t i)
{
    const ir_value *value = sh_in(s, i);
    if (i < 64 && value && value->constant && ir_elements(value) != 1)
        s->node->weight_slots |= SH_SLOT(i);
}

static kerf_status broadcast_all(sh_node *s, size_t n, kerf_type type)
{
    size_t operands[3] = {0, 1, 2};
    int rank = 0;
    int64_t dims[IR_MAX_RANK];
    kerf_status status = sh_broadcast(s, operands, n, &rank, dims);
    return status ? status : sh_emit(s, 0, type, rank, dims);
}

/* Before opset 7, broadcasting was asked for by an attribute and went from B to A only. */
static bool legacy_broadcast(const sh_node *s)
{
    return ir_attr_int(s->node, "broadcast", 0) != 0;
}

kerf_status sh_binary(sh_node *s)
{
    const ir_value *a = sh_need(s, 0), *b = sh_need(s, 1);
    if (!a || !b)
        return KERF_E_INVALID;
    weigh_operand(s, 0);
    weigh_operand(s, 1);
    if (legacy_broadcast(s))
        return sh_emit_like(s, 0, a->type, a);
    return broadcast_all(s, 2, a->type);
}

static kerf_status binary_bool(sh_node *s)
{
    const ir_value *a = sh_need(s, 0);
    if (!a)
        return KERF_E_INVALID;
    return legacy_broadcast(s) ? sh_emit_like(s, 0, KERF_BOOL, a) : broadcast_all(s, 2, KERF_BOOL);
}

kerf_status sh_compare(sh_node *s)
{
    return binary_bool(s);
}

kerf_status sh_logical(sh_node *s)
{
    return binary_bool(s);
}

kerf_status sh_where(sh_node *s)
{
    const ir_value *x = sh_need(s, 1);
    return x ? broadcast_all(s, 3, x->type) : KERF_E_INVALID;
}

/* Sum, Mean, Max, Min. Constants of Max and Min are bounds that a network learnt or was given. */
kerf_status sh_variadic(sh_node *s)
{
    const ir_value *first = sh_need(s, 0);
    int rank = 0;
    int64_t dims[IR_MAX_RANK];
    bool unknown = false;
    if (!first)
        return KERF_E_INVALID;
    for (size_t i = 0; i < s->node->n_inputs; i++) {
        int one_rank = 0;
        int64_t one[IR_MAX_RANK];
        char left[SH_TEXT], right[SH_TEXT];
        kerf_status status = sh_broadcast(s, &i, 1, &one_rank, one);
        if (status)
            return status;
        sh_dims_text(rank, dims, left);
        if (one_rank < 0)
            unknown = true;
        else if (!sh_broadcast_dims(&rank, dims, one_rank, one))
            return sh_fail(s, "the operands' shapes %s and %s cannot be broadcast", left,
                           sh_dims_text(one_rank, one, right));
        if (s->node->type[0] == 'M' && strcmp(s->node->type, "Mean") != 0)
            weigh_operand(s, i);
    }
    return sh_emit(s, 0, first->type, unknown ? -1 : rank, dims);
}

/* The slope is broadcast to X; files of old exporters give one per channel without the ones. */
kerf_status sh_prelu(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *slope = sh_need(s, 1);
    char left[SH_TEXT], right[SH_TEXT];
    if (!x || !slope)
        return KERF_E_INVALID;
    if (sh_shape_known(x) && sh_shape_known(slope)) {
        int rank = x->rank;
        int64_t dims[IR_MAX_RANK];
        memcpy(dims, x->dims, sizeof dims);
        bool fits = sh_broadcast_dims(&rank, dims, slope->rank, slope->dims) && rank == x->rank &&
                    memcmp(dims, x->dims, (size_t)rank * sizeof *dims) == 0;
        bool by_channel = slope->rank == 1 && x->rank > 1 && slope->dims[0] == x->dims[1];
        if (!fits && !by_channel)
            return sh_fail(s, "the slope's shape %s cannot be broadcast to %s",
                           sh_text(slope, right), sh_text(x, left));
    }
    return sh_emit_like(s, 0, x->type, x);
}

kerf_status sh_dropout(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *training = sh_in(s, 2);
    if (!x)
        return KERF_E_INVALID;
    if (training && !(training->ints && ir_elements(training) == 1 && training->ints[0] == 0))
        s->node->cls = KERF_CLASS_ELEMENTWISE;
    kerf_status status = sh_emit_like(s, 0, x->type, x);
    return status ? status : sh_emit_like(s, 1, s->opset < 10 ? x->type : KERF_BOOL, x);
}

static kerf_type type_named(const char *name)
{
    static const struct {
        const char *name;
        kerf_type type;
    } names[] = {{"FLOAT", KERF_FLOAT32}, {"FLOAT16", KERF_FLOAT16}, {"DOUBLE", KERF_FLOAT64},
                 {"INT8", KERF_INT8},     {"INT16", KERF_INT16},     {"INT32", KERF_INT32},
                 {"INT64", KERF_INT64},   {"UINT8", KERF_UINT8},     {"UINT16", KERF_UINT16},
                 {"UINT32", KERF_UINT32}, {"UINT64", KERF_UINT64},   {"BOOL", KERF_BOOL},
                 {"STRING", KERF_STRING}};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].type;
    return KERF_TYPE_UNKNOWN;
}

static kerf_status cast_to(sh_node *s, const ir_value *x, kerf_type type)
{
    if (type == x->type && type != KERF_TYPE_UNKNOWN)
        s->node->cls = KERF_CLASS_VIEW;
    kerf_status status = sh_emit_like(s, 0, type, x);
    ir_value *y = sh_out(s, 0);
    if (y && x->constant)
        y->stored_type = x->stored_type;
    return status;
}

/* Before opset 6 the type was given by its name. */
kerf_status sh_cast(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    const char *name = ir_attr_string(s->node, "to", NULL);
    if (!x)
        return KERF_E_INVALID;
    return cast_to(s, x, name ? type_named(name) : sh_type_attr(s, "to", KERF_TYPE_UNKNOWN));
}

kerf_status sh_cast_like(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *like = sh_need(s, 1);
    return x && like ? cast_to(s, x, like->type) : KERF_E_INVALID;
}
