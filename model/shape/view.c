/* Operators that only look at a tensor in another shape. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

/* The integer type that a constant is kept in survives a change of shape. */
static kerf_status emit_view(sh_node *s, const ir_value *x, int rank, const int64_t *dims)
{
    kerf_status status = sh_emit(s, 0, x->type, rank, dims);
    ir_value *y = sh_out(s, 0);
    if (y && x->constant)
        y->stored_type = x->stored_type;
    return status;
}

kerf_status sh_identity(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    return x ? emit_view(s, x, x->rank, x->dims) : KERF_E_INVALID;
}

/* Fills dims from the requested shape: zeros copied from x, *hole the place of -1 (or -1), *open
 * the number of dimensions that stay unknown. */
static kerf_status read_request(sh_node *s, const ir_value *x, const sh_list *shape,
                                int64_t dims[IR_MAX_RANK], int *hole, int *open)
{
    bool zero_is_zero = ir_attr_int(s->node, "allowzero", 0) != 0;
    *hole = -1;
    *open = 0;
    for (int i = 0; i < (int)shape->n; i++) {
        int64_t size = shape->at[i];
        if (size == IR_UNKNOWN_INT) {
            size = IR_DIM_UNKNOWN;
        } else if (size == 0 && !zero_is_zero) {
            if (x->rank >= 0 && i >= x->rank)
                return sh_fail(s,
                               "size 0 at place %d of the new shape, but the input has only %d "
                               "dimensions to copy from",
                               i + 1, x->rank);
            size = x->rank < 0 ? IR_DIM_UNKNOWN : x->dims[i];
        } else if (size == -1) {
            if (*hole >= 0)
                return sh_fail(s, "the new shape has -1 at places %d and %d", *hole + 1, i + 1);
            *hole = i;
        } else if (size < -1) {
            return sh_fail(s, "the new shape has size %" PRId64 " at place %d", size, i + 1);
        }
        *open += size == IR_DIM_UNKNOWN && *hole != i;
        dims[i] = size;
    }
    return KERF_OK;
}

/* Where one dimension alone is unknown, the number of elements tells it. */
static kerf_status fill_hole(sh_node *s, const ir_value *x, int rank, int64_t *dims, int hole)
{
    char from[SH_TEXT], to[SH_TEXT];
    int64_t elements = 0, rest = 0, others[IR_MAX_RANK];
    if (!sh_product(x->dims, (size_t)x->rank, &elements))
        return sh_fail(s, "the input has too many elements");
    memcpy(others, dims, sizeof others);
    if (hole >= 0)
        others[hole] = 1;
    if (!sh_product(others, (size_t)rank, &rest))
        return sh_fail(s, "the new shape %s has too many elements", sh_dims_text(rank, dims, to));
    bool fits = hole < 0 ? rest == elements : rest > 0 && elements % rest == 0;
    if (!fits)
        return sh_fail(s, "shape %s (%" PRId64 " elements) cannot become %s", sh_text(x, from),
                       elements, sh_dims_text(rank, dims, to));
    if (hole >= 0)
        dims[hole] = elements / rest;
    return KERF_OK;
}

/* With unknown sizes in x: what x and the new shape share at the front cancels, so that the -1 of
 * [0, 0, -1] is known where the rest of x is. */
static void fill_hole_of_partial(const ir_value *x, int rank, int64_t *dims, int hole,
                                 const sh_list *shape)
{
    int64_t inner = 1, rest = 1;
    int i = 0;
    while (i < x->rank && i < rank && i != hole && shape->at[i] == 0 && dims[i] == x->dims[i])
        i++;
    if (!sh_product(x->dims + i, (size_t)(x->rank - i), &inner) || inner < 0)
        return;
    for (int k = i; k < rank; k++)
        if (k != hole && (dims[k] <= 0 || __builtin_mul_overflow(rest, dims[k], &rest)))
            return;
    if (inner % rest == 0)
        dims[hole] = inner / rest;
}

kerf_status sh_reshape(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK] = {0};
    int hole = -1, open = 0;
    if (!x)
        return KERF_E_INVALID;
    sh_list shape = sh_list_of(s, "shape", 1);
    if (shape.state == SH_ABSENT)
        return sh_fail(s, "the new shape is missing");
    if (shape.n > IR_MAX_RANK)
        return sh_fail(s, "the new shape has %" PRId64 " dimensions, at most %d are supported",
                       shape.n, IR_MAX_RANK);
    if (shape.state == SH_UNKNOWN) {
        sh_because_value(s, 1);
        for (int i = 0; i < (int)shape.n; i++)
            dims[i] = IR_DIM_UNKNOWN;
        return emit_view(s, x, (int)shape.n, dims);
    }
    int rank = (int)shape.n;
    kerf_status status = read_request(s, x, &shape, dims, &hole, &open);
    /* One size that is not known stands for as many elements as are left, like -1. */
    if (!status && open == 1 && hole < 0)
        for (int i = 0; i < rank; i++)
            if (dims[i] < 0)
                hole = i, open = 0;
    if (!status && open == 0 && sh_shape_known(x))
        status = fill_hole(s, x, rank, dims, hole);
    else if (!status && hole >= 0 && x->rank >= 0)
        fill_hole_of_partial(x, rank, dims, hole, &shape);
    return status ? status : emit_view(s, x, rank, dims);
}

kerf_status sh_flatten(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[2], axis = ir_attr_int(s->node, "axis", 1);
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0) {
        dims[0] = dims[1] = IR_DIM_UNKNOWN;
        return emit_view(s, x, 2, dims);
    }
    if (axis < -x->rank || axis > x->rank)
        return sh_fail(s, "axis %" PRId64 " is out of range for %d dimensions", axis, x->rank);
    if (axis < 0)
        axis += x->rank;
    if (!sh_product(x->dims, (size_t)axis, &dims[0]) ||
        !sh_product(x->dims + axis, (size_t)(x->rank - axis), &dims[1]))
        return sh_fail(s, "the input has too many elements");
    return emit_view(s, x, 2, dims);
}

static bool list_complete(const sh_list *list)
{
    for (int64_t i = 0; i < list->n && list->state == SH_KNOWN; i++)
        if (list->at[i] == IR_UNKNOWN_INT)
            return false;
    return list->state != SH_UNKNOWN;
}

kerf_status sh_squeeze(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK] = {0};
    uint32_t set = 0;
    int rank = 0;
    if (!x)
        return KERF_E_INVALID;
    sh_list axes = sh_list_of(s, "axes", 1);
    if (x->rank < 0 || !list_complete(&axes)) {
        if (x->rank >= 0)
            sh_because_value(s, 1);
        return emit_view(s, x, -1, NULL);
    }
    bool all = axes.n == 0;
    kerf_status status = sh_axes(s, axes.at, (size_t)axes.n, x->rank, &set);
    for (int i = 0; i < x->rank && !status; i++) {
        if (all && x->dims[i] < 0)
            return emit_view(s, x, -1, NULL);
        bool squeezed = all ? x->dims[i] == 1 : set & 1u << i;
        if (squeezed && x->dims[i] >= 0 && x->dims[i] != 1)
            return sh_fail(s, "dimension %d of size %" PRId64 " cannot be squeezed", i, x->dims[i]);
        if (!squeezed)
            dims[rank++] = x->dims[i];
    }
    return status ? status : emit_view(s, x, rank, dims);
}

kerf_status sh_unsqueeze(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK] = {0};
    uint32_t set = 0;
    if (!x)
        return KERF_E_INVALID;
    sh_list axes = sh_list_of(s, "axes", 1);
    if (axes.state == SH_ABSENT)
        return sh_fail(s, "axes are missing");
    if (x->rank >= 0 && axes.n > IR_MAX_RANK - x->rank)
        return sh_fail(s, "the output would have more than %d dimensions", IR_MAX_RANK);
    if (x->rank < 0 || !list_complete(&axes)) {
        if (x->rank >= 0)
            sh_because_value(s, 1);
        for (int i = 0; i < IR_MAX_RANK; i++)
            dims[i] = IR_DIM_UNKNOWN;
        return emit_view(s, x, x->rank < 0 || axes.n < 0 ? -1 : x->rank + (int)axes.n, dims);
    }
    int rank = x->rank + (int)axes.n;
    kerf_status status = sh_axes(s, axes.at, (size_t)axes.n, rank, &set);
    for (int i = 0, from = 0; i < rank && !status; i++)
        dims[i] = set & 1u << i ? 1 : x->dims[from++];
    return status ? status : emit_view(s, x, rank, dims);
}
