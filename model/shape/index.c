/* Gathering, scattering, selecting; what depends on data says so. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

kerf_status sh_gather(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *indices = sh_need(s, 1);
    int64_t dims[2 * IR_MAX_RANK];
    int axis = 0, rank = 0;
    if (!x || !indices)
        return KERF_E_INVALID;
    if (x->rank < 0 || indices->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", 0), x->rank, &axis);
    if (status)
        return status;
    for (int i = 0; i < axis; i++)
        dims[rank++] = x->dims[i];
    for (int i = 0; i < indices->rank; i++)
        dims[rank++] = indices->dims[i];
    for (int i = axis + 1; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    return sh_emit(s, 0, x->type, rank, dims);
}

kerf_status sh_gather_nd(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *indices = sh_need(s, 1);
    int64_t dims[2 * IR_MAX_RANK], batch = ir_attr_int(s->node, "batch_dims", 0);
    char left[SH_TEXT], right[SH_TEXT];
    if (!x || !indices)
        return KERF_E_INVALID;
    if (x->rank < 0 || indices->rank < 0 ||
        (indices->rank > 0 && indices->dims[indices->rank - 1] < 0))
        return sh_emit_unknown(s, 0, x->type);
    int64_t depth = indices->rank > 0 ? indices->dims[indices->rank - 1] : -1;
    if (batch < 0 || batch >= indices->rank || depth < 0 || depth > x->rank - batch)
        return sh_fail(s, "indices %s do not fit data %s with %" PRId64 " batch dimensions",
                       sh_text(indices, right), sh_text(x, left), batch);
    int rank = indices->rank - 1;
    memcpy(dims, indices->dims, (size_t)rank * sizeof *dims);
    for (int64_t i = batch + depth; i < x->rank; i++)
        dims[rank++] = x->dims[i];
    return sh_emit(s, 0, x->type, rank, dims);
}

kerf_status sh_gather_elements(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *indices = sh_need(s, 1);
    char left[SH_TEXT], right[SH_TEXT];
    if (!x || !indices)
        return KERF_E_INVALID;
    if (x->rank >= 0 && indices->rank >= 0 && x->rank != indices->rank)
        return sh_fail(s, "data %s and indices %s differ in their number of dimensions",
                       sh_text(x, left), sh_text(indices, right));
    return sh_emit_like(s, 0, x->type, indices);
}

/* Scatter, ScatterElements, ScatterND: the data's shape. */
kerf_status sh_scatter(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    if (!x || !sh_need(s, 1) || !sh_need(s, 2))
        return KERF_E_INVALID;
    return sh_emit_like(s, 0, x->type, x);
}

kerf_status sh_one_hot(sh_node *s)
{
    const ir_value *indices = sh_need(s, 0), *depth = sh_need(s, 1), *values = sh_need(s, 2);
    int64_t dims[IR_MAX_RANK + 1];
    int axis = 0, rank = 0;
    if (!indices || !depth || !values)
        return KERF_E_INVALID;
    if (indices->rank < 0)
        return sh_emit_unknown(s, 0, values->type);
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", -1), indices->rank + 1, &axis);
    if (status)
        return status;
    /* The depth may be a real number in the file. */
    int64_t size =
        sh_has_content(depth) && ir_elements(depth) == 1 ? sh_int_at(depth, 0) : IR_UNKNOWN_INT;
    if (size == IR_UNKNOWN_INT)
        sh_because_value(s, 1);
    else if (size < 0)
        return sh_fail(s, "depth is %" PRId64, size);
    for (int i = 0; i <= indices->rank; i++)
        dims[i] = i != axis ? indices->dims[rank++] : size == IR_UNKNOWN_INT ? -1 : size;
    return sh_emit(s, 0, values->type, indices->rank + 1, dims);
}

kerf_status sh_compress(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *condition = sh_need(s, 1);
    const ir_attr *attr = ir_attr_find(s->node, "axis");
    int64_t dims[IR_MAX_RANK], count = 0;
    int axis = 0;
    if (!x || !condition)
        return KERF_E_INVALID;
    for (int64_t i = 0; condition->ints && i < ir_elements(condition); i++)
        count = count < 0 || condition->ints[i] == IR_UNKNOWN_INT
                    ? -1
                    : count + (condition->ints[i] != 0);
    if (!condition->ints || count < 0) {
        count = IR_DIM_UNKNOWN;
        sh_because(s, "the output of Compress depends on data");
    }
    if (!attr)
        return sh_emit(s, 0, x->type, 1, &count);
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    kerf_status status = sh_axis(s, attr->i, x->rank, &axis);
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = count;
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}

/* One row per dimension (one for a scalar), one column per element that is not zero. */
kerf_status sh_non_zero(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[2] = {IR_DIM_UNKNOWN, IR_DIM_UNKNOWN};
    if (!x)
        return KERF_E_INVALID;
    if (x->rank >= 0)
        dims[0] = x->rank == 0 ? 1 : x->rank;
    if (sh_content_complete(x)) {
        dims[1] = 0;
        for (int64_t i = 0; i < ir_elements(x); i++)
            dims[1] += sh_real_at(x, i) != 0.0;
    } else {
        sh_because(s, "the output of NonZero depends on data");
    }
    return sh_emit(s, 0, KERF_INT64, 2, dims);
}

kerf_status sh_nms(sh_node *s)
{
    int64_t dims[2] = {IR_DIM_UNKNOWN, 3};
    sh_because(s, "the output of NonMaxSuppression depends on data");
    return sh_emit(s, 0, KERF_INT64, 2, dims);
}

/* Values, first positions, inverse positions, counts. */
kerf_status sh_unique(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    const ir_attr *attr = ir_attr_find(s->node, "axis");
    int64_t dims[IR_MAX_RANK] = {IR_DIM_UNKNOWN}, open = IR_DIM_UNKNOWN, inverse = -1;
    int rank = 1, axis = 0;
    kerf_status status = KERF_OK;
    if (!x)
        return KERF_E_INVALID;
    sh_because(s, "the output of Unique depends on data");
    inverse = ir_elements(x);
    if (attr && x->rank >= 0) {
        status = sh_axis(s, attr->i, x->rank, &axis);
        memcpy(dims, x->dims, sizeof dims);
        inverse = x->dims[axis];
        dims[axis] = IR_DIM_UNKNOWN;
    }
    if (attr)
        rank = x->rank;
    if (!status)
        status = sh_emit(s, 0, x->type, rank, dims);
    if (!status)
        status = sh_emit(s, 1, KERF_INT64, 1, &open);
    if (!status)
        status = sh_emit(s, 2, KERF_INT64, 1, &inverse);
    return status ? status : sh_emit(s, 3, KERF_INT64, 1, &open);
}

/* X [N, C, size...], grid [N, size'..., spatial dimensions]. */
kerf_status sh_grid_sample(sh_node *s)
{
    const ir_value *x = sh_need(s, 0), *grid = sh_need(s, 1);
    int64_t dims[IR_MAX_RANK];
    char left[SH_TEXT], right[SH_TEXT];
    if (!x || !grid)
        return KERF_E_INVALID;
    if (x->rank < 0 || grid->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (x->rank < 3 || grid->rank != x->rank || !sh_dims_agree(x->dims[0], grid->dims[0], &dims[0]))
        return sh_fail(s, "input %s and grid %s do not fit", sh_text(x, left),
                       sh_text(grid, right));
    dims[1] = x->dims[1];
    for (int i = 2; i < x->rank; i++)
        dims[i] = grid->dims[i - 1];
    return sh_emit(s, 0, x->type, x->rank, dims);
}

/* theta [N, 2, 3] and size [N, C, H, W], or [N, 3, 4] and [N, C, D, H, W]. */
kerf_status sh_affine_grid(sh_node *s)
{
    const ir_value *theta = sh_need_rank(s, 0, 3);
    sh_list size = sh_list_of(s, NULL, 1);
    int64_t dims[5];
    if (!theta)
        return KERF_E_INVALID;
    if (size.state != SH_KNOWN) {
        sh_because_value(s, 1);
        return sh_emit_unknown(s, 0, theta->type);
    }
    if (size.n != 4 && size.n != 5)
        return sh_fail(s, "size has %" PRId64 " entries, expected 4 or 5", size.n);
    int rank = (int)size.n;
    for (int i = 0; i < rank - 1; i++) {
        int64_t one = size.at[i == 0 ? 0 : i + 1];
        dims[i] = one == IR_UNKNOWN_INT ? IR_DIM_UNKNOWN : one;
    }
    dims[rank - 1] = rank - 2;
    return sh_emit(s, 0, theta->type, rank, dims);
}

kerf_status sh_det(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    char text[SH_TEXT];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (x->rank < 2)
        return sh_fail(s, "input %s, expected at least 2 dimensions", sh_text(x, text));
    return sh_emit(s, 0, x->type, x->rank - 2, x->dims);
}
