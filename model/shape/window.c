#include "model/shape/window.h"

#include <inttypes.h>
#include <string.h>

/* Keeps every sum and product below within 64 bits. */
#define MAX_EXTENT ((int64_t)1 << 30)

static kerf_status read_sizes(sh_node *s, const char *name, int n, int64_t low, int64_t fallback,
                              int64_t *sizes)
{
    size_t count = 0;
    const int64_t *list = ir_attr_ints(s->node, name, &count);
    for (int i = 0; i < n; i++)
        sizes[i] = fallback;
    if (count == 0)
        return KERF_OK;
    if (count != (size_t)n)
        return sh_fail(s, "%s has %zu entries, expected %d", name, count, n);
    for (int i = 0; i < n; i++) {
        if (list[i] < low || list[i] > MAX_EXTENT)
            return sh_fail(s, "%s has entry %" PRId64 ", expected %" PRId64 " to %" PRId64, name,
                           list[i], low, MAX_EXTENT);
        sizes[i] = list[i];
    }
    return KERF_OK;
}

static kerf_status read_kernel(sh_node *s, int n, const int64_t *kernel, sh_window *window)
{
    kerf_status status = read_sizes(s, "kernel_shape", n, 1, IR_DIM_UNKNOWN, window->kernel);
    for (int i = 0; i < n && !status; i++) {
        if (kernel && !sh_dims_agree(window->kernel[i], kernel[i], &window->kernel[i]))
            return sh_fail(s, "kernel_shape has %" PRId64 " at place %d, the weights have %" PRId64,
                           window->kernel[i], i + 1, kernel[i]);
        if (!kernel && window->kernel[i] < 0)
            return sh_fail(s, "kernel_shape is missing");
        if (window->kernel[i] == 0 || window->kernel[i] > MAX_EXTENT)
            return sh_fail(s, "a kernel of size %" PRId64, window->kernel[i]);
    }
    return status;
}

static kerf_status read_pads(sh_node *s, int n, sh_window *window)
{
    int64_t pads[2 * IR_MAX_RANK];
    const char *mode = ir_attr_string(s->node, "auto_pad", "NOTSET");
    kerf_status status = read_sizes(s, "pads", 2 * n, 0, 0, pads);
    if (strcmp(mode, "NOTSET") == 0 || mode[0] == 0)
        window->auto_pad = SH_PAD_EXPLICIT;
    else if (strcmp(mode, "VALID") == 0)
        window->auto_pad = SH_PAD_VALID;
    else if (strcmp(mode, "SAME_UPPER") == 0 || strcmp(mode, "SAME_LOWER") == 0)
        window->auto_pad = SH_PAD_SAME;
    else
        return sh_fail(s, "auto_pad is '%.40s', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER",
                       mode);
    for (int i = 0; i < n && !status; i++) {
        bool ignored = window->auto_pad != SH_PAD_EXPLICIT;
        window->before[i] = ignored ? 0 : pads[i];
        window->after[i] = ignored ? 0 : pads[n + i];
    }
    return status;
}

kerf_status sh_read_window(sh_node *s, int n, const int64_t *kernel, sh_window *window)
{
    memset(window, 0, sizeof *window);
    window->n = n;
    window->ceil_mode = ir_attr_int(s->node, "ceil_mode", 0) != 0;
    kerf_status status = read_kernel(s, n, kernel, window);
    if (!status)
        status = read_sizes(s, "strides", n, 1, 1, window->stride);
    if (!status)
        status = read_sizes(s, "dilations", n, 1, 1, window->dilation);
    return status ? status : read_pads(s, n, window);
}

/* ONNX, "auto_pad" and "ceil_mode" of Conv and MaxPool: SAME gives ceil(size / stride); with
 * ceil_mode the last window must start inside the input or the padding before it, as ONNX Runtime
 * and PyTorch have it, else it would see nothing but the padding behind. */
kerf_status sh_slide(sh_node *s, const sh_window *window, int i, int64_t size, int64_t *result)
{
    *result = IR_DIM_UNKNOWN;
    if (size < 0 || window->kernel[i] < 0)
        return KERF_OK;
    int64_t stride = window->stride[i];
    if (window->auto_pad == SH_PAD_SAME) {
        *result = size / stride + (size % stride != 0);
        return KERF_OK;
    }
    int64_t padded = 0, extent = window->dilation[i] * (window->kernel[i] - 1) + 1;
    if (__builtin_add_overflow(size, window->before[i] + window->after[i], &padded))
        return sh_fail(s, "dimension %d of size %" PRId64 " is too large", i + 3, size);
    if (padded < extent)
        return sh_fail(s,
                       "a window of %" PRId64 " does not fit dimension %d of size %" PRId64
                       " (with padding %" PRId64 ")",
                       extent, i + 3, size, padded);
    int64_t room = padded - extent;
    *result = room / stride + 1;
    if (window->ceil_mode && room % stride != 0 && *result * stride < size + window->before[i])
        ++*result;
    return KERF_OK;
}
