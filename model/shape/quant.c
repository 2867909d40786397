/* Quantization, and the operators on quantized tensors that carry their scales along. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

/* What integer type a constant is kept in: its own, or the one it was computed from. */
static kerf_type integer_type(const ir_value *value)
{
    if (!value->constant)
        return KERF_TYPE_UNKNOWN;
    if (value->stored_type != KERF_TYPE_UNKNOWN)
        return value->stored_type;
    return sh_type_is_integer(value->type) || value->type == KERF_FLOAT8 ? value->type
                                                                         : KERF_TYPE_UNKNOWN;
}

/* Operands y_scale, y_zero_point; without the latter the attribute, or uint8. */
kerf_status sh_quantize(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *zero = sh_in(s, 2);
    if (!x)
        return KERF_E_INVALID;
    kerf_type type = zero ? zero->type : sh_type_attr(s, "output_dtype", KERF_UINT8);
    if (!zero && type == KERF_TYPE_UNKNOWN)
        type = KERF_UINT8;
    return sh_emit_like(s, 0, type, x);
}

/* The scale's type, float. */
kerf_status sh_dequantize(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *scale = sh_need(s, 1);
    if (!x || !scale)
        return KERF_E_INVALID;
    kerf_type type = scale->type != KERF_TYPE_UNKNOWN ? scale->type : KERF_FLOAT32;
    kerf_status status = sh_emit_like(s, 0, type, x);
    ir_value *y = sh_out(s, 0);
    if (y)
        y->stored_type = integer_type(x);
    return status;
}

kerf_status sh_dynamic_quantize(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    if (!x)
        return KERF_E_INVALID;
    kerf_status status = sh_emit_like(s, 0, KERF_UINT8, x);
    if (!status)
        status = sh_emit(s, 1, KERF_FLOAT32, 0, NULL);
    return status ? status : sh_emit(s, 2, KERF_UINT8, 0, NULL);
}

/* com.microsoft: A, scale, zero point, B, scale, zero point, C's scale, C's zero point. */
kerf_status sh_qlinear_binary(sh_node *s)
{
    const ir_value *a = sh_need(s, 0), *b = sh_need(s, 3);
    size_t operands[] = {0, 3};
    int rank = 0;
    int64_t dims[IR_MAX_RANK];
    if (!a || !b)
        return KERF_E_INVALID;
    kerf_status status = sh_broadcast(s, operands, 2, &rank, dims);
    for (size_t i = 0; i < 2; i++)
        if (sh_is_constant(s, operands[i]) && ir_elements(sh_in(s, operands[i])) != 1)
            s->node->weight_slots |= SH_SLOT(operands[i]);
    return status ? status : sh_emit(s, 0, a->type, rank, dims);
}

kerf_status sh_qlinear_unary(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? sh_emit_like(s, 0, x->type, x) : KERF_E_INVALID;
}

/* Y's scale, Y's zero point, then tensor, scale, zero point for every part. */
kerf_status sh_qlinear_concat(sh_node *s)
{
    const ir_value *first = sh_need(s, 2);
    int64_t dims[IR_MAX_RANK], total = 0;
    char left[SH_TEXT], right[SH_TEXT];
    int axis = 0;
    if (!first)
        return KERF_E_INVALID;
    if (first->rank < 0)
        return sh_emit_unknown(s, 0, first->type);
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", 0), first->rank, &axis);
    memcpy(dims, first->dims, sizeof dims);
    for (size_t i = 2; i < s->node->n_inputs && !status; i += 3) {
        const ir_value *x = sh_need(s, i);
        if (!x)
            return KERF_E_INVALID;
        if (x->rank < 0)
            return sh_emit_unknown(s, 0, first->type);
        bool fits = x->rank == first->rank;
        for (int k = 0; k < x->rank && fits; k++)
            fits = k == axis || sh_dims_agree(dims[k], x->dims[k], &dims[k]);
        if (!fits)
            return sh_fail(s, "operands %s and %s cannot be joined", sh_text(first, left),
                           sh_text(x, right));
        if (x->dims[axis] < 0 || total < 0)
            total = IR_DIM_UNKNOWN;
        else if (__builtin_add_overflow(total, x->dims[axis], &total))
            return sh_fail(s, "the joined size is too large");
    }
    dims[axis] = total;
    return status ? status : sh_emit(s, 0, first->type, first->rank, dims);
}

kerf_status sh_qlinear_reduce(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    size_t n = 0;
    uint32_t set = 0;
    int64_t dims[IR_MAX_RANK];
    int rank = 0;
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    const int64_t *axes = ir_attr_ints(s->node, "axes", &n);
    bool keep = ir_attr_int(s->node, "keepdims", 1) != 0;
    kerf_status status = sh_axes(s, axes, n, x->rank, &set);
    if (n == 0)
        set = UINT32_MAX;
    for (int i = 0; i < x->rank; i++) {
        if (!(set & 1u << i))
            dims[rank++] = x->dims[i];
        else if (keep)
            dims[rank++] = 1;
    }
    return status ? status : sh_emit(s, 0, x->type, rank, dims);
}
