/* Windows that slide over the spatial dimensions: of convolutions and pooling. */
#ifndef KERF_MODEL_SHAPE_WINDOW_H
#define KERF_MODEL_SHAPE_WINDOW_H

#include "model/shape/rules.h"

typedef enum sh_auto_pad { SH_PAD_EXPLICIT, SH_PAD_VALID, SH_PAD_SAME } sh_auto_pad;

typedef struct sh_window {
    int n; /* spatial dimensions */
    int64_t kernel[IR_MAX_RANK], stride[IR_MAX_RANK], dilation[IR_MAX_RANK];
    int64_t before[IR_MAX_RANK], after[IR_MAX_RANK]; /* padding */
    sh_auto_pad auto_pad;
    bool ceil_mode;
} sh_window;

/* Reads the attributes. The kernel comes from kernel_shape, or from `kernel` (n entries, may be
 * unknown) where that is not NULL; the two must agree. */
kerf_status sh_read_window(sh_node *s, int n, const int64_t *kernel, sh_window *window);
/* Size of dimension i after the window slid over `size`; IR_DIM_UNKNOWN if that is. */
kerf_status sh_slide(sh_node *s, const sh_window *window, int i, int64_t size, int64_t *result);

#endif
