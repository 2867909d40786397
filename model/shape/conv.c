/* Convolutions. MACs: elements(Y) * channels per group * kernel, padding counted; transposed:
 * elements(X) * output channels per group * kernel. */
#include "model/shape/window.h"

#include <inttypes.h>
#include <string.h>

typedef struct conv {
    const ir_value *x, *w;
    int64_t group;
    bool transposed;
    sh_window window;
    int64_t dims[IR_MAX_RANK]; /* of the output */
} conv;

static bool kernel_is_one(const sh_window *window)
{
    for (int i = 0; i < window->n; i++)
        if (window->kernel[i] != 1)
            return false;
    return true;
}

static void classify(sh_node *s, const conv *c)
{
    int64_t channels = c->x->rank > 1 ? c->x->dims[1] : IR_DIM_UNKNOWN;
    if (c->group > 1 && c->group == channels)
        s->node->cls = KERF_CLASS_DEPTHWISE;
    else if (kernel_is_one(&c->window))
        s->node->cls = KERF_CLASS_POINTWISE;
}

/* Channels of input, weights and groups must agree. W is [M, C/group, kernel...], for a transposed
 * convolution [C, M/group, kernel...]. */
static kerf_status check_channels(sh_node *s, const conv *c)
{
    char x[SH_TEXT], w[SH_TEXT];
    if (c->group < 1)
        return sh_fail(s, "group is %" PRId64 ", expected at least 1", c->group);
    int64_t channels = c->x->dims[1], of_weights = c->w->dims[c->transposed ? 0 : 1];
    int64_t expected = of_weights;
    if (!c->transposed && of_weights >= 0 &&
        __builtin_mul_overflow(of_weights, c->group, &expected))
        return sh_fail(s, "group %" PRId64 " is too large", c->group);
    if (channels >= 0 && expected >= 0 && channels != expected)
        return sh_fail(s,
                       "input %s and weights %s do not fit with group %" PRId64 ": %" PRId64
                       " channels, expected %" PRId64,
                       sh_text(c->x, x), sh_text(c->w, w), c->group, channels, expected);
    if (c->w->dims[0] >= 0 && c->w->dims[0] % c->group != 0)
        return sh_fail(s, "weights %s do not divide into %" PRId64 " groups", sh_text(c->w, w),
                       c->group);
    return KERF_OK;
}

static kerf_status check_bias(sh_node *s, size_t slot, int64_t channels)
{
    const ir_value *bias = sh_in(s, slot);
    char text[SH_TEXT];
    if (bias && bias->rank == 1 && bias->dims[0] >= 0 && channels >= 0 && bias->dims[0] != channels)
        return sh_fail(s, "the bias has shape %s, expected %" PRId64, sh_text(bias, text),
                       channels);
    return KERF_OK;
}

/* Operands at slots x and w. False with *status set on an error, or with KERF_OK if a rank is
 * unknown and there is no more to check. */
static bool open_conv(sh_node *s, conv *c, size_t x, size_t w, kerf_status *status)
{
    char left[SH_TEXT], right[SH_TEXT];
    *status = KERF_E_INVALID;
    c->x = sh_need(s, x);
    c->w = sh_need(s, w);
    c->group = ir_attr_int(s->node, "group", 1);
    if (!c->x || !c->w)
        return false;
    if ((c->x->rank >= 0 && c->x->rank < 3) || (c->w->rank >= 0 && c->w->rank < 3) ||
        (c->x->rank >= 0 && c->w->rank >= 0 && c->x->rank != c->w->rank)) {
        sh_fail(s, "input %s and weights %s, expected as many dimensions, at least 3",
                sh_text(c->x, left), sh_text(c->w, right));
        return false;
    }
    *status = KERF_OK;
    if (c->x->rank < 0 || c->w->rank < 0)
        return false;
    *status = check_channels(s, c);
    if (!*status)
        *status = sh_read_window(s, c->x->rank - 2, c->w->dims + 2, &c->window);
    return !*status;
}

static kerf_status slide_all(sh_node *s, conv *c)
{
    kerf_status status = KERF_OK;
    c->dims[0] = c->x->dims[0];
    c->dims[1] = c->w->dims[0];
    for (int i = 0; i < c->window.n && !status; i++)
        status = sh_slide(s, &c->window, i, c->x->dims[i + 2], &c->dims[i + 2]);
    return status;
}

static kerf_status count_macs(sh_node *s, const conv *c)
{
    int64_t factors[2 * IR_MAX_RANK];
    size_t rank = (size_t)c->x->rank;
    memcpy(factors, c->transposed ? c->x->dims : c->dims, rank * sizeof *factors);
    /* Channels per group and the kernel. */
    memcpy(factors + rank, c->w->dims + 1, (rank - 1) * sizeof *factors);
    return sh_add_macs(s, factors, 2 * rank - 1);
}

static kerf_status infer_conv(sh_node *s, size_t x, size_t w, size_t bias, kerf_type type)
{
    conv c = {.transposed = false};
    kerf_status status = KERF_OK;
    if (!open_conv(s, &c, x, w, &status))
        return status ? status : sh_emit_unknown(s, 0, type);
    classify(s, &c);
    s->node->kernels = c.w->dims[0] > 0 ? c.w->dims[0] : 0;
    s->node->groups = c.group;
    status = check_bias(s, bias, c.w->dims[0]);
    if (!status)
        status = slide_all(s, &c);
    if (!status)
        status = sh_emit(s, 0, type, c.x->rank, c.dims);
    return status ? status : count_macs(s, &c);
}

kerf_status sh_conv(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? infer_conv(s, 0, 1, 2, x->type) : KERF_E_INVALID;
}

/* Operands 2 and 3 are zero points. */
kerf_status sh_conv_integer(sh_node *s)
{
    return infer_conv(s, 0, 1, KERF_NONE, KERF_INT32);
}

/* x, its scale, its zero point, w, its scale, its zero point, y's scale, y's zero point, bias. */
kerf_status sh_qlinear_conv(sh_node *s)
{
    const ir_value *zero = sh_need(s, 7);
    return zero ? infer_conv(s, 0, 3, 8, zero->type) : KERF_E_INVALID;
}

kerf_status sh_deform_conv(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? infer_conv(s, 0, 1, 3, x->type) : KERF_E_INVALID;
}

/* One spatial size: from output_shape, else from input, strides and padding. auto_pad pads down to
 * size * stride where the window covers more, as ONNX Runtime does. */
static kerf_status transposed_size(sh_node *s, const conv *c, int i, int64_t output_padding,
                                   int64_t *result)
{
    const sh_window *w = &c->window;
    int64_t size = c->x->dims[i + 2], full = 0, strided = 0;
    *result = IR_DIM_UNKNOWN;
    if (size < 0 || w->kernel[i] < 0)
        return KERF_OK;
    int64_t extent = w->dilation[i] * (w->kernel[i] - 1) + 1 + output_padding;
    if (__builtin_mul_overflow(size, w->stride[i], &strided) ||
        __builtin_add_overflow(strided - w->stride[i], extent, &full))
        return sh_fail(s, "dimension %d of size %" PRId64 " is too large", i + 3, size);
    if (w->auto_pad == SH_PAD_SAME && full > strided)
        full = strided;
    full -= w->before[i] + w->after[i];
    if (full < 0)
        return sh_fail(s, "dimension %d of the output would have size %" PRId64, i + 3, full);
    *result = full;
    return KERF_OK;
}

static kerf_status transposed_dims(sh_node *s, conv *c)
{
    size_t n_shape = 0, n_padding = 0, n = (size_t)c->window.n;
    const int64_t *shape = ir_attr_ints(s->node, "output_shape", &n_shape);
    const int64_t *padding = ir_attr_ints(s->node, "output_padding", &n_padding);
    kerf_status status = KERF_OK;
    if (n_padding != 0 && n_padding != n)
        return sh_fail(s, "output_padding has %zu entries, expected %zu", n_padding, n);
    /* Some exporters give the whole output's shape. */
    if (n_shape == n + 2)
        shape += 2, n_shape = n;
    if (n_shape != 0 && n_shape != n)
        return sh_fail(s, "output_shape has %zu entries, expected %zu", n_shape, n);
    for (size_t i = 0; i < n && !status; i++) {
        int64_t extra = n_padding ? padding[i] : 0;
        if (extra < 0 || extra > (int64_t)1 << 30)
            return sh_fail(s, "output_padding has entry %" PRId64, extra);
        if (n_shape && shape[i] < 0)
            return sh_fail(s, "output_shape has entry %" PRId64, shape[i]);
        if (n_shape)
            c->dims[i + 2] = shape[i];
        else
            status = transposed_size(s, c, (int)i, extra, &c->dims[i + 2]);
    }
    return status;
}

kerf_status sh_conv_transpose(sh_node *s)
{
    conv c = {.transposed = true};
    kerf_status status = KERF_OK;
    if (!open_conv(s, &c, 0, 1, &status))
        return status || !c.x ? status : sh_emit_unknown(s, 0, c.x->type);
    classify(s, &c);
    c.dims[0] = c.x->dims[0];
    c.dims[1] = c.w->dims[1];
    if (c.dims[1] >= 0 && __builtin_mul_overflow(c.dims[1], c.group, &c.dims[1]))
        return sh_fail(s, "group %" PRId64 " is too large", c.group);
    s->node->kernels = c.dims[1] > 0 ? c.dims[1] : 0;
    s->node->groups = c.group;
    status = check_bias(s, 2, c.dims[1]);
    if (!status)
        status = transposed_dims(s, &c);
    if (!status)
        status = sh_emit(s, 0, c.x->type, c.x->rank, c.dims);
    return status ? status : count_macs(s, &c);
}

/* Columns [N, C * block, L] back to the image [N, C, image...]. */
kerf_status sh_col2im(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 3);
    sh_list image = sh_list_of(s, NULL, 1), block = sh_list_of(s, NULL, 2);
    int64_t dims[IR_MAX_RANK], area = 1;
    if (!x)
        return KERF_E_INVALID;
    if (image.n < 1 || image.n > IR_MAX_RANK - 2 || image.state != SH_KNOWN ||
        block.state != SH_KNOWN) {
        sh_because_value(s, image.state == SH_KNOWN ? 2 : 1);
        return sh_emit_unknown(s, 0, x->type);
    }
    dims[0] = x->rank < 0 ? IR_DIM_UNKNOWN : x->dims[0];
    dims[1] = IR_DIM_UNKNOWN;
    for (int64_t i = 0; i < block.n; i++)
        if (block.at[i] < 1 || __builtin_mul_overflow(area, block.at[i], &area))
            area = block.at[i] == IR_UNKNOWN_INT ? -1 : 0;
    if (area == 0)
        return sh_fail(s, "the block's shape has a size below 1 or is too large");
    if (area > 0 && x->rank == 3 && x->dims[1] >= 0)
        dims[1] = x->dims[1] / area;
    for (int64_t i = 0; i < image.n; i++)
        dims[i + 2] = image.at[i] == IR_UNKNOWN_INT ? IR_DIM_UNKNOWN : image.at[i];
    return sh_emit(s, 0, x->type, (int)image.n + 2, dims);
}
