/* Reductions over axes, arg-max, the K largest. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

static kerf_status emit_reduced(sh_node *s, kerf_type type, const ir_value *x, uint32_t set,
                                bool keep)
{
    int64_t dims[IR_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (!(set & 1u << i))
            dims[rank++] = x->dims[i];
        else if (keep)
            dims[rank++] = 1;
    }
    return sh_emit(s, 0, type, rank, dims);
}

/* Axes that are data: with keepdims the rank is known at least. */
static kerf_status emit_open(sh_node *s, const ir_value *x, bool keep, int64_t n_axes)
{
    int64_t dims[IR_MAX_RANK];
    int64_t rank = keep ? x->rank : n_axes < 0 ? -1 : x->rank - n_axes;
    sh_because_value(s, 1);
    for (int i = 0; i < IR_MAX_RANK; i++)
        dims[i] = IR_DIM_UNKNOWN;
    return sh_emit(s, 0, x->type, rank < 0 ? -1 : (int)rank, dims);
}

kerf_status sh_reduce(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    uint32_t set = 0;
    if (!x)
        return KERF_E_INVALID;
    bool keep = ir_attr_int(s->node, "keepdims", 1) != 0;
    bool keep_all = ir_attr_int(s->node, "noop_with_empty_axes", 0) != 0;
    sh_list axes = sh_list_of(s, "axes", 1);
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (axes.state == SH_UNKNOWN && axes.n != 0)
        return emit_open(s, x, keep, axes.n);
    for (int64_t i = 0; i < axes.n; i++)
        if (axes.at[i] == IR_UNKNOWN_INT)
            return emit_open(s, x, keep, axes.n);
    kerf_status status = sh_axes(s, axes.at, (size_t)axes.n, x->rank, &set);
    if (axes.n == 0 && !keep_all)
        set = UINT32_MAX;
    return status ? status : emit_reduced(s, x->type, x, set, keep);
}

kerf_status sh_arg(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int axis = 0;
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, KERF_INT64);
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", 0), x->rank, &axis);
    if (status)
        return status;
    return emit_reduced(s, KERF_INT64, x, 1u << axis, ir_attr_int(s->node, "keepdims", 1) != 0);
}

kerf_status sh_topk(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t k = 0, dims[IR_MAX_RANK];
    bool present = false;
    int axis = 0;
    if (!x)
        return KERF_E_INVALID;
    bool known = sh_integer_of(s, "k", 1, &k, &present);
    if (!present)
        return sh_fail(s, "K is missing");
    if (x->rank < 0) {
        kerf_status status = sh_emit_unknown(s, 0, x->type);
        return status ? status : sh_emit_unknown(s, 1, KERF_INT64);
    }
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", -1), x->rank, &axis);
    if (status)
        return status;
    memcpy(dims, x->dims, sizeof dims);
    if (known && (k < 0 || (dims[axis] >= 0 && k > dims[axis])))
        return sh_fail(s, "K is %" PRId64 ", but dimension %d has size %" PRId64, k, axis,
                       dims[axis]);
    if (!known)
        sh_because_value(s, 1);
    dims[axis] = known ? k : IR_DIM_UNKNOWN;
    status = sh_emit(s, 0, x->type, x->rank, dims);
    return status ? status : sh_emit(s, 1, KERF_INT64, x->rank, dims);
}
