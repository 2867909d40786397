/* Normalizations: the output has the input's shape; some return statistics besides. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

/* Operand i must have one element per channel of x. */
static kerf_status check_channels(sh_node *s, const ir_value *x, size_t i, const char *what)
{
    const ir_value *value = sh_in(s, i);
    char left[SH_TEXT], right[SH_TEXT];
    if (!value || value->rank != 1 || x->rank < 2 || value->dims[0] < 0 || x->dims[1] < 0)
        return KERF_OK;
    if (value->dims[0] != x->dims[1])
        return sh_fail(s, "%s has shape %s, the input %s has %" PRId64 " channels", what,
                       sh_text(value, left), sh_text(x, right), x->dims[1]);
    return KERF_OK;
}

/* Outputs 1 to 4 (running statistics, saved ones in old opsets) have a value per channel. */
kerf_status sh_batch_norm(sh_node *s)
{
    static const char *const names[] = {"", "scale", "B", "mean", "var"};
    const ir_value *x = sh_need(s, 0);
    if (!x)
        return KERF_E_INVALID;
    bool spatial = ir_attr_int(s->node, "spatial", 1) != 0;
    kerf_status status = sh_emit_like(s, 0, x->type, x);
    for (size_t i = 1; i <= 4 && !status; i++) {
        const ir_value *statistic = sh_need(s, i);
        if (!statistic)
            return KERF_E_INVALID;
        if (spatial)
            status = check_channels(s, x, i, names[i]);
    }
    const ir_value *mean = sh_in(s, 3);
    for (size_t i = 1; i <= 4 && !status; i++)
        status = sh_emit_like(s, i, mean->type, mean);
    return status;
}

kerf_status sh_channel_norm(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    if (!x)
        return KERF_E_INVALID;
    kerf_status status = KERF_OK;
    if (strcmp(s->node->type, "InstanceNormalization") == 0) {
        status = check_channels(s, x, 1, "scale");
        if (!status)
            status = check_channels(s, x, 2, "B");
    }
    return status ? status : sh_emit_like(s, 0, x->type, x);
}

/* Statistics of a layer normalization: sizes from `axis` on become 1. */
static kerf_status emit_statistics(sh_node *s, const ir_value *x, int axis, size_t first,
                                   size_t last)
{
    int64_t dims[IR_MAX_RANK];
    kerf_status status = KERF_OK;
    memcpy(dims, x->dims, sizeof dims);
    for (int i = axis; i < x->rank; i++)
        dims[i] = 1;
    kerf_type type = sh_type_attr(s, "stash_type", KERF_FLOAT32);
    for (size_t i = first; i <= last && !status; i++)
        status = sh_emit(s, i, type, x->rank, dims);
    return status;
}

/* Scale and bias must broadcast to the input. */
static kerf_status check_scale(sh_node *s, const ir_value *x, size_t i)
{
    const ir_value *value = sh_in(s, i);
    char left[SH_TEXT], right[SH_TEXT];
    int rank = x->rank;
    int64_t dims[IR_MAX_RANK];
    if (!value || !sh_shape_known(value) || !sh_shape_known(x))
        return KERF_OK;
    memcpy(dims, x->dims, sizeof dims);
    if (!sh_broadcast_dims(&rank, dims, value->rank, value->dims) || rank != x->rank ||
        memcmp(dims, x->dims, (size_t)rank * sizeof *dims) != 0)
        return sh_fail(s, "operand '%s' of shape %s cannot be broadcast to %s", value->name,
                       sh_text(value, left), sh_text(x, right));
    return KERF_OK;
}

/* LayerNormalization, RMSNormalization, SimplifiedLayerNormalization. */
kerf_status sh_layer_norm(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int axis = 0;
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", -1), x->rank, &axis);
    for (size_t i = 1; i <= 2 && !status; i++)
        status = check_scale(s, x, i);
    if (!status)
        status = sh_emit_like(s, 0, x->type, x);
    return status ? status : emit_statistics(s, x, axis, 1, 2);
}

/* com.microsoft: x + skip (+ bias) normalized over the last dimension; output 3 is the sum. */
kerf_status sh_skip_layer_norm(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *skip = sh_need(s, 1);
    if (!x || !skip)
        return KERF_E_INVALID;
    kerf_status status = sh_emit_like(s, 0, x->type, x);
    if (!status && x->rank > 0)
        status = emit_statistics(s, x, x->rank - 1, 1, 2);
    return status ? status : sh_emit_like(s, 3, x->type, x);
}

/* Like the input, along an axis that must exist: Softmax, LpNormalization, CumSum. */
kerf_status sh_axis_like(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int axis = 0;
    if (!x)
        return KERF_E_INVALID;
    const ir_attr *attr = ir_attr_find(s->node, "axis");
    /* Before opset 13, Softmax took an axis equal to the rank, too: nothing left to sum. */
    if (attr && attr->kind == IR_ATTR_INT && x->rank > 0 && attr->i != x->rank) {
        kerf_status status = sh_axis(s, attr->i, x->rank, &axis);
        if (status)
            return status;
    }
    return sh_emit_like(s, 0, x->type, x);
}
