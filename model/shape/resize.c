/* Resize and Upsample, in the forms of all opsets. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* floor(size * scale) in single precision, as ONNX Runtime computes it. */
static kerf_status scaled(sh_node *s, int64_t size, double scale, int64_t *result)
{
    *result = IR_DIM_UNKNOWN;
    if (size < 0 || isnan(scale))
        return KERF_OK;
    if (!(scale > 0))
        return sh_fail(s, "scale %g, expected more than 0", scale);
    float product = (float)size * (float)scale;
    if (!(product < 0x1p62f))
        return sh_fail(s, "scale %g of size %" PRId64 " is too large", scale, size);
    *result = (int64_t)floorf(product);
    return KERF_OK;
}

/* The axes that scales or sizes are given for: all, or the attribute's. */
static kerf_status read_axes(sh_node *s, const ir_value *x, int64_t n, int *axes)
{
    size_t n_axes = 0;
    const int64_t *list = ir_attr_ints(s->node, "axes", &n_axes);
    int64_t expected = list ? (int64_t)n_axes : x->rank;
    uint32_t set = 0;
    if (n != expected || n > x->rank)
        return sh_fail(s, "%" PRId64 " scales or sizes, expected %" PRId64, n, expected);
    kerf_status status = list ? sh_axes(s, list, n_axes, x->rank, &set) : KERF_OK;
    for (int i = 0; i < (int)n && !status; i++)
        axes[i] = list ? (int)(list[i] < 0 ? list[i] + x->rank : list[i]) : i;
    return status;
}

static kerf_status emit_scaled(sh_node *s, const ir_value *x, const ir_value *scales)
{
    int64_t dims[IR_MAX_RANK];
    int axes[IR_MAX_RANK] = {0};
    int64_t n = ir_elements(scales);
    memcpy(dims, x->dims, sizeof dims);
    kerf_status status = n >= 0 ? read_axes(s, x, n, axes) : KERF_OK;
    if (n < 0 || !sh_has_content(scales)) {
        sh_because(s, "depends on the value of '%.120s'", scales->name);
        for (int i = 0; i < x->rank; i++)
            dims[i] = IR_DIM_UNKNOWN;
        n = 0;
    }
    for (int i = 0; i < (int)n && !status; i++)
        status = scaled(s, x->dims[axes[i]], sh_real_at(scales, i), &dims[axes[i]]);
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}

/* keep_aspect_ratio_policy (opset 18): one scale for all axes, the smallest or largest that sizes
 * ask for. Sets nothing where a size is unknown. */
static void keep_ratio(const ir_value *x, const int *axes, int n, bool smallest, int64_t *dims)
{
    float scale = 0;
    for (int i = 0; i < n; i++) {
        if (x->dims[axes[i]] <= 0 || dims[axes[i]] < 0) {
            for (int k = 0; k < n; k++)
                dims[axes[k]] = IR_DIM_UNKNOWN;
            return;
        }
        float one = (float)dims[axes[i]] / (float)x->dims[axes[i]];
        if (i == 0 || (smallest ? one < scale : one > scale))
            scale = one;
    }
    for (int i = 0; i < n; i++) {
        float size = roundf(scale * (float)x->dims[axes[i]]);
        dims[axes[i]] = size < 0x1p62f ? (int64_t)size : INT64_MAX;
    }
}

static kerf_status emit_sized(sh_node *s, const ir_value *x, size_t operand)
{
    int64_t dims[IR_MAX_RANK];
    int axes[IR_MAX_RANK] = {0};
    sh_list sizes = sh_list_of(s, NULL, operand);
    const char *policy = ir_attr_string(s->node, "keep_aspect_ratio_policy", "stretch");
    memcpy(dims, x->dims, sizeof dims);
    if (sizes.state == SH_UNKNOWN) {
        sh_because_value(s, operand);
        for (int i = 0; i < x->rank; i++)
            dims[i] = IR_DIM_UNKNOWN;
        return sh_emit(s, 0, x->type, x->rank, dims);
    }
    kerf_status status = read_axes(s, x, sizes.n, axes);
    for (int i = 0; i < (int)sizes.n && !status; i++) {
        if (sizes.at[i] == IR_UNKNOWN_INT)
            sh_because_value(s, operand);
        else if (sizes.at[i] < 0)
            return sh_fail(s, "size %" PRId64, sizes.at[i]);
        dims[axes[i]] = sizes.at[i] == IR_UNKNOWN_INT ? IR_DIM_UNKNOWN : sizes.at[i];
    }
    if (!status && strcmp(policy, "stretch") != 0)
        keep_ratio(x, axes, (int)sizes.n, strcmp(policy, "not_larger") == 0, dims);
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}

/* Opset 10: X, scales. From 11: X, roi, scales, sizes; empty ones count as omitted. */
kerf_status sh_resize(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    const ir_value *scales = sh_in(s, s->node->n_inputs == 2 ? 1 : 2), *sizes = sh_in(s, 3);
    if (sizes && ir_elements(sizes) != 0)
        return emit_sized(s, x, 3);
    if (!scales)
        return sh_fail(s, "neither scales nor sizes are given");
    return emit_scaled(s, x, scales);
}

/* Opset 9: scales are an operand; 7: an attribute; before: two attributes. */
kerf_status sh_upsample(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *scales = sh_in(s, 1);
    const ir_attr *attr = ir_attr_find(s->node, "scales");
    int64_t dims[IR_MAX_RANK];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (scales)
        return emit_scaled(s, x, scales);
    memcpy(dims, x->dims, sizeof dims);
    kerf_status status = KERF_OK;
    if (attr && (attr->kind == IR_ATTR_FLOATS || attr->kind == IR_ATTR_INTS)) {
        if (attr->n != (size_t)x->rank)
            return sh_fail(s, "%zu scales for %d dimensions", attr->n, x->rank);
        for (int i = 0; i < x->rank && !status; i++) {
            double scale = attr->kind == IR_ATTR_FLOATS ? attr->floats[i] : (double)attr->ints[i];
            status = scaled(s, x->dims[i], scale, &dims[i]);
        }
    } else if (x->rank == 4) {
        status = scaled(s, x->dims[2], ir_attr_float(s->node, "height_scale", 1), &dims[2]);
        if (!status)
            status = scaled(s, x->dims[3], ir_attr_float(s->node, "width_scale", 1), &dims[3]);
    } else {
        return sh_fail(s, "scales are missing");
    }
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}
