/* Pooling, over windows, whole planes and regions of interest. */
#include "model/shape/window.h"

#include <inttypes.h>
#include <string.h>

/* First spatial dimension: 2, or 1 where channels come last. */
static kerf_status infer_pool(sh_node *s, kerf_type type, int first)
{
    const ir_value *x = sh_need(s, 0);
    sh_window window;
    int64_t dims[IR_MAX_RANK];
    char text[SH_TEXT];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, type);
    if (x->rank < 3)
        return sh_fail(s, "input %s, expected at least 3 dimensions", sh_text(x, text));
    memcpy(dims, x->dims, sizeof dims);
    kerf_status status = sh_read_window(s, x->rank - 2, NULL, &window);
    for (int i = 0; i < window.n && !status; i++)
        status = sh_slide(s, &window, i, x->dims[i + first], &dims[i + first]);
    if (!status)
        status = sh_emit(s, 0, type, x->rank, dims);
    /* MaxPool's indices. */
    return status ? status : sh_emit(s, 1, KERF_INT64, x->rank, dims);
}

kerf_status sh_pool(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? infer_pool(s, x->type, 2) : KERF_E_INVALID;
}

kerf_status sh_qlinear_pool(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    bool last = ir_attr_int(s->node, "channels_last", 0) != 0;
    return x ? infer_pool(s, x->type, last ? 1 : 2) : KERF_E_INVALID;
}

static kerf_status infer_global(sh_node *s, int first)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK];
    char text[SH_TEXT];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank >= 0 && x->rank < 2)
        return sh_fail(s, "input %s, expected at least 2 dimensions", sh_text(x, text));
    memcpy(dims, x->dims, sizeof dims);
    for (int i = first; i < x->rank - 2 + first; i++)
        dims[i] = 1;
    return sh_emit(s, 0, x->type, x->rank, dims);
}

kerf_status sh_global_pool(sh_node *s)
{
    return infer_global(s, 2);
}

kerf_status sh_qlinear_global_pool(sh_node *s)
{
    return infer_global(s, ir_attr_int(s->node, "channels_last", 0) != 0 ? 1 : 2);
}

/* X, indices, and perhaps the shape of the output. */
kerf_status sh_max_unpool(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    sh_list shape = sh_list_of(s, NULL, 2);
    sh_window w;
    int64_t dims[IR_MAX_RANK];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 3 || (shape.state != SH_ABSENT && shape.n != x->rank)) {
        if (x->rank >= 0)
            return sh_fail(s, "input of %d dimensions, output shape of %" PRId64, x->rank, shape.n);
        return sh_emit_unknown(s, 0, x->type);
    }
    memcpy(dims, x->dims, sizeof dims);
    kerf_status status = sh_read_window(s, x->rank - 2, NULL, &w);
    for (int i = 0; i < w.n && !status; i++) {
        int64_t size = x->dims[i + 2];
        if (size < 0)
            continue;
        if (__builtin_mul_overflow(size - 1, w.stride[i], &size) ||
            __builtin_add_overflow(size, w.kernel[i] - w.before[i] - w.after[i], &dims[i + 2]) ||
            dims[i + 2] < 0)
            status = sh_fail(s, "dimension %d of the output would be negative or too large", i + 3);
    }
    for (int i = 0; i < x->rank && shape.state != SH_ABSENT; i++) {
        bool known = shape.state == SH_KNOWN && shape.at[i] != IR_UNKNOWN_INT;
        dims[i] = known ? shape.at[i] : IR_DIM_UNKNOWN;
    }
    if (shape.state == SH_UNKNOWN)
        sh_because_value(s, 2);
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}

static kerf_status emit_regions(sh_node *s, const ir_value *x, const ir_value *rois, int64_t height,
                                int64_t width)
{
    if (height < 1 || width < 1)
        return sh_fail(s, "regions pooled to %" PRId64 "x%" PRId64, height, width);
    int64_t dims[4] = {rois->rank < 0 ? IR_DIM_UNKNOWN : rois->dims[0],
                       x->rank < 0 ? IR_DIM_UNKNOWN : x->dims[1], height, width};
    return sh_emit(s, 0, x->type, 4, dims);
}

kerf_status sh_max_roi_pool(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 4), *rois = sh_need_rank(s, 1, 2);
    size_t n = 0;
    const int64_t *shape = ir_attr_ints(s->node, "pooled_shape", &n);
    if (!x || !rois)
        return KERF_E_INVALID;
    if (n != 2)
        return sh_fail(s, "pooled_shape has %zu entries, expected 2", n);
    return emit_regions(s, x, rois, shape[0], shape[1]);
}

kerf_status sh_roi_align(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 4), *rois = sh_need_rank(s, 1, 2);
    if (!x || !rois)
        return KERF_E_INVALID;
    return emit_regions(s, x, rois, ir_attr_int(s->node, "output_height", 1),
                        ir_attr_int(s->node, "output_width", 1));
}
