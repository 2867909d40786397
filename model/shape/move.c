/* Operators that rearrange a tensor: concat, split, slice, transpose, pad, tile, expand, ... */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

#define MAX_BLOCK (1 << 20) /* of DepthToSpace and SpaceToDepth: squared, it fits 64 bits */

kerf_status sh_concat(sh_node *s)
{
    const ir_value *first = NULL;
    int64_t dims[IR_MAX_RANK], total = 0;
    int axis = -1;
    kerf_type type = KERF_TYPE_UNKNOWN;
    bool unknown = s->node->n_inputs == 0;
    char left[SH_TEXT], right[SH_TEXT];
    for (size_t i = 0; i < s->node->n_inputs; i++) {
        const ir_value *x = sh_need(s, i);
        if (!x)
            return KERF_E_INVALID;
        if (type == KERF_TYPE_UNKNOWN)
            type = x->type;
        if (x->rank < 0) {
            unknown = true;
            continue;
        }
        if (!first) {
            first = x;
            memcpy(dims, x->dims, sizeof dims);
            kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", 1), x->rank, &axis);
            if (status)
                return status;
        }
        bool fits = x->rank == first->rank;
        for (int k = 0; k < x->rank && fits; k++)
            fits = k == axis || sh_dims_agree(dims[k], x->dims[k], &dims[k]);
        if (!fits)
            return sh_fail(s, "operands %s and %s ('%s') cannot be joined along axis %d",
                           sh_text(first, left), sh_text(x, right), x->name, axis);
        if (x->dims[axis] < 0)
            total = IR_DIM_UNKNOWN;
        else if (total >= 0 && __builtin_add_overflow(total, x->dims[axis], &total))
            return sh_fail(s, "the joined size is too large");
    }
    if (!first)
        return sh_emit_unknown(s, 0, type);
    dims[axis] = unknown ? IR_DIM_UNKNOWN : total;
    return sh_emit(s, 0, type, first->rank, dims);
}

/* The size of part i of n: given, or equal parts (from opset 18 the last may be smaller). */
static kerf_status part_size(sh_node *s, const sh_list *sizes, int64_t size, size_t i,
                             int64_t *part)
{
    int64_t n = (int64_t)s->node->n_outputs, at = (int64_t)i;
    *part = IR_DIM_UNKNOWN;
    if (sizes->state == SH_KNOWN) {
        if (sizes->at[i] < 0 && sizes->at[i] != IR_UNKNOWN_INT)
            return sh_fail(s, "part %zu has size %" PRId64, i + 1, sizes->at[i]);
        *part = sizes->at[i] == IR_UNKNOWN_INT ? IR_DIM_UNKNOWN : sizes->at[i];
    } else if (sizes->state == SH_ABSENT && size >= 0) {
        if (s->opset < 18 && size % n != 0)
            return sh_fail(s, "size %" PRId64 " cannot be split into %" PRId64 " equal parts", size,
                           n);
        int64_t chunk = size / n + (size % n != 0), before = 0;
        if (__builtin_mul_overflow(chunk, at, &before) || before > size)
            before = size;
        *part = size - before < chunk ? size - before : chunk;
    }
    return KERF_OK;
}

kerf_status sh_split(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK], sum = 0;
    int axis = 0;
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_all_unknown(s, x->type);
    sh_list sizes = sh_list_of(s, "split", 1);
    if (sizes.n == 0)
        sizes.state = SH_ABSENT;
    if (sizes.n > 0 && (size_t)sizes.n != s->node->n_outputs)
        return sh_fail(s, "%" PRId64 " sizes for %zu outputs", sizes.n, s->node->n_outputs);
    if (sizes.state == SH_UNKNOWN)
        sh_because_value(s, 1);
    kerf_status status = sh_axis(s, ir_attr_int(s->node, "axis", 0), x->rank, &axis);
    memcpy(dims, x->dims, sizeof dims);
    for (size_t i = 0; i < s->node->n_outputs && !status; i++) {
        status = part_size(s, &sizes, x->dims[axis], i, &dims[axis]);
        if (!status)
            status = sh_emit(s, i, x->type, x->rank, dims);
        if (dims[axis] < 0 || sum < 0)
            sum = IR_DIM_UNKNOWN;
        else if (!status && __builtin_add_overflow(sum, dims[axis], &sum))
            status = sh_fail(s, "the parts' sizes are too large");
    }
    if (!status && sum >= 0 && x->dims[axis] >= 0 && sum != x->dims[axis])
        return sh_fail(s, "the parts' sizes sum up to %" PRId64 ", dimension %d has %" PRId64, sum,
                       axis, x->dims[axis]);
    return status;
}

/* One axis of a slice, clamped as the specification says; INT64_MIN as an end is "all the way", not
 * an unknown, where it comes from an attribute. */
static sh_span clamp_span(int64_t size, int64_t start, int64_t end, int64_t step)
{
    sh_span span = {.start = 0, .step = step, .length = 0};
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? size - 1 : size;
    start += start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    start = start < 0 ? 0 : start > high ? high : start;
    end = end < low ? low : end > high ? high : end;
    if (step < 0 && size == 0)
        return span;
    span.start = start;
    if (step > 0 && end > start)
        span.length = (end - start - 1) / step + 1;
    else if (step < 0 && end < start)
        span.length = step == INT64_MIN ? 1 : (start - end - 1) / -step + 1;
    return span;
}

static int64_t list_at(const sh_list *list, int64_t i)
{
    return list->state == SH_KNOWN && i < list->n ? list->at[i] : IR_UNKNOWN_INT;
}

kerf_status sh_slice_spans(sh_node *s, sh_span spans[IR_MAX_RANK])
{
    const ir_value *x = sh_in(s, 0);
    sh_list starts = sh_list_of(s, "starts", 1), ends = sh_list_of(s, "ends", 2);
    sh_list axes = sh_list_of(s, "axes", 3), steps = sh_list_of(s, NULL, 4);
    bool by_attribute = starts.operand == KERF_NONE;
    if (starts.state == SH_ABSENT || ends.state == SH_ABSENT)
        return sh_fail(s, "starts or ends are missing");
    if (starts.n >= 0 && ends.n >= 0 && starts.n != ends.n)
        return sh_fail(s, "%" PRId64 " starts, but %" PRId64 " ends", starts.n, ends.n);
    if (starts.n > x->rank ||
        (axes.n >= 0 && axes.state != SH_ABSENT && starts.n >= 0 && axes.n != starts.n))
        return sh_fail(s, "%" PRId64 " starts for %d dimensions and %" PRId64 " axes", starts.n,
                       x->rank, axes.n);
    /* Which axes are sliced may be open; then all of them are. */
    bool open = starts.n < 0 || axes.state == SH_UNKNOWN;
    for (int i = 0; i < x->rank; i++)
        spans[i] = (sh_span){0, 1, open ? -1 : x->dims[i]};
    for (int64_t i = 0; i < starts.n && !open; i++) {
        int64_t at = axes.state == SH_ABSENT ? i : axes.at[i], start = list_at(&starts, i);
        int64_t end = list_at(&ends, i), step = steps.state == SH_ABSENT ? 1 : list_at(&steps, i);
        int axis = 0;
        if (at == IR_UNKNOWN_INT) {
            for (int k = 0; k < x->rank; k++)
                spans[k].length = -1;
            return KERF_OK;
        }
        kerf_status status = sh_axis(s, at, x->rank, &axis);
        if (status)
            return status;
        if (step == 0)
            return sh_fail(s, "the step of axis %d is 0", axis);
        bool known = x->dims[axis] >= 0 && step != IR_UNKNOWN_INT &&
                     (by_attribute || (start != IR_UNKNOWN_INT && end != IR_UNKNOWN_INT)) &&
                     starts.state == SH_KNOWN && ends.state == SH_KNOWN;
        spans[axis] = known ? clamp_span(x->dims[axis], start, end, step) : (sh_span){0, 1, -1};
    }
    return KERF_OK;
}

kerf_status sh_slice(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    sh_span spans[IR_MAX_RANK] = {{0, 0, 0}};
    int64_t dims[IR_MAX_RANK];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    kerf_status status = sh_slice_spans(s, spans);
    for (int i = 0; i < x->rank && !status; i++) {
        dims[i] = spans[i].length;
        if (dims[i] < 0 && x->dims[i] >= 0)
            sh_because(s, "depends on the values of the slice's bounds");
    }
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}

kerf_status sh_transpose(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK];
    uint32_t set = 0;
    size_t n = 0;
    if (!x)
        return KERF_E_INVALID;
    const int64_t *perm = ir_attr_ints(s->node, "perm", &n);
    ir_value *y = sh_out(s, 0);
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (n != 0 && n != (size_t)x->rank)
        return sh_fail(s, "perm has %zu entries for %d dimensions", n, x->rank);
    for (int i = 0; i < x->rank; i++) {
        int64_t from = n ? perm[i] : x->rank - 1 - i;
        if (from < 0 || from >= x->rank || set & 1u << from)
            return sh_fail(s, "perm is no permutation of the %d dimensions", x->rank);
        set |= 1u << from;
        dims[i] = x->dims[from];
    }
    kerf_status status = sh_emit(s, 0, x->type, x->rank, dims);
    if (y && x->constant)
        y->stored_type = x->stored_type;
    return status;
}

kerf_status sh_pad(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK];
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    sh_list pads = sh_list_of(s, ir_attr_find(s->node, "paddings") ? "paddings" : "pads", 1);
    sh_list axes = sh_list_of(s, NULL, 3);
    int64_t n = axes.state == SH_ABSENT ? x->rank : axes.n;
    if (pads.state == SH_ABSENT)
        return sh_fail(s, "pads are missing");
    if (pads.n >= 0 && n >= 0 && (n > x->rank || pads.n != 2 * n))
        return sh_fail(s, "%" PRId64 " pads, expected %" PRId64, pads.n, 2 * (int64_t)x->rank);
    bool open = pads.state == SH_UNKNOWN || axes.state == SH_UNKNOWN || n < 0;
    if (open)
        sh_because_value(s, pads.state == SH_UNKNOWN ? 1 : 3);
    for (int i = 0; i < x->rank; i++)
        dims[i] = open ? IR_DIM_UNKNOWN : x->dims[i];
    for (int64_t i = 0; i < n && !open; i++) {
        int64_t before = pads.at[i], after = pads.at[n + i], both = 0;
        int axis = (int)i;
        kerf_status status = KERF_OK;
        if (axes.state == SH_KNOWN)
            status = sh_axis(s, axes.at[i], x->rank, &axis);
        if (status)
            return status;
        if (before == IR_UNKNOWN_INT || after == IR_UNKNOWN_INT || x->dims[axis] < 0)
            dims[axis] = IR_DIM_UNKNOWN;
        else if (__builtin_add_overflow(before, after, &both) ||
                 __builtin_add_overflow(x->dims[axis], both, &dims[axis]) || dims[axis] < 0)
            return sh_fail(s, "pads %" PRId64 " and %" PRId64 " of dimension %d with size %" PRId64,
                           before, after, axis, x->dims[axis]);
        if (dims[axis] < 0 && x->dims[axis] >= 0)
            sh_because_value(s, 1);
    }
    return sh_emit(s, 0, x->type, x->rank, dims);
}

/* Opset 1 had one number of tiles and one axis, later opsets repeats for every dimension. */
kerf_status sh_tile(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK];
    if (!x)
        return KERF_E_INVALID;
    sh_list repeats = sh_list_of(s, NULL, 1);
    if (repeats.state == SH_ABSENT)
        return sh_fail(s, "repeats are missing");
    if (x->rank < 0 || s->node->n_inputs > 2) {
        if (s->node->n_inputs > 2)
            sh_because(s, "Tile of opset 1 is not supported");
        return sh_emit_unknown(s, 0, x->type);
    }
    if (repeats.n >= 0 && repeats.n != x->rank)
        return sh_fail(s, "%" PRId64 " repeats for %d dimensions", repeats.n, x->rank);
    for (int i = 0; i < x->rank; i++) {
        int64_t repeat = list_at(&repeats, i);
        dims[i] = x->dims[i];
        if (repeat == IR_UNKNOWN_INT) {
            dims[i] = x->dims[i] == 0 ? 0 : IR_DIM_UNKNOWN;
            sh_because_value(s, 1);
        } else if (repeat < 0) {
            return sh_fail(s, "repeat %" PRId64 " of dimension %d", repeat, i);
        } else if (x->dims[i] >= 0 && __builtin_mul_overflow(x->dims[i], repeat, &dims[i])) {
            return sh_fail(s, "repeat %" PRId64 " of dimension %d is too large", repeat, i);
        }
    }
    return sh_emit(s, 0, x->type, x->rank, dims);
}

kerf_status sh_expand(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK], target[IR_MAX_RANK];
    char from[SH_TEXT], to[SH_TEXT];
    if (!x)
        return KERF_E_INVALID;
    sh_list shape = sh_list_of(s, NULL, 1);
    if (shape.state == SH_ABSENT || shape.n > IR_MAX_RANK)
        return sh_fail(s, "the new shape is missing or longer than %d", IR_MAX_RANK);
    if (x->rank < 0 || shape.n < 0) {
        if (x->rank >= 0)
            sh_because_value(s, 1);
        return sh_emit_unknown(s, 0, x->type);
    }
    for (int64_t i = 0; i < shape.n; i++) {
        target[i] = list_at(&shape, i);
        if (target[i] == IR_UNKNOWN_INT) {
            target[i] = IR_DIM_UNKNOWN;
            sh_because_value(s, 1);
        } else if (target[i] < 0) {
            return sh_fail(s, "the new shape has size %" PRId64, target[i]);
        }
    }
    int rank = x->rank;
    memcpy(dims, x->dims, sizeof dims);
    if (!sh_broadcast_dims(&rank, dims, (int)shape.n, target))
        return sh_fail(s, "shape %s cannot be expanded to %s", sh_text(x, from),
                       sh_dims_text((int)shape.n, target, to));
    return sh_emit(s, 0, x->type, rank, dims);
}

/* The input, its dimensions and the size of a block. */
static kerf_status open_blocks(sh_node *s, const ir_value **x, int64_t dims[4], int64_t *block)
{
    *x = sh_need_rank(s, 0, 4);
    *block = ir_attr_int(s->node, "blocksize", 0);
    if (!*x)
        return KERF_E_INVALID;
    if (*block < 1 || *block > MAX_BLOCK)
        return sh_fail(s, "blocksize is %" PRId64 ", expected 1 to %d", *block, MAX_BLOCK);
    memcpy(dims, (*x)->dims, 4 * sizeof *dims);
    return KERF_OK;
}

kerf_status sh_depth_to_space(sh_node *s)
{
    const ir_value *x = NULL;
    int64_t block = 0, dims[4];
    kerf_status status = open_blocks(s, &x, dims, &block);
    if (status)
        return status;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (dims[1] >= 0 && dims[1] % (block * block) != 0)
        return sh_fail(s, "%" PRId64 " channels do not divide into blocks of %" PRId64, dims[1],
                       block);
    dims[1] = dims[1] < 0 ? dims[1] : dims[1] / (block * block);
    for (int i = 2; i < 4; i++)
        if (dims[i] >= 0 && __builtin_mul_overflow(dims[i], block, &dims[i]))
            return sh_fail(s, "the output would be too large");
    return sh_emit(s, 0, x->type, 4, dims);
}

kerf_status sh_space_to_depth(sh_node *s)
{
    const ir_value *x = NULL;
    int64_t block = 0, dims[4];
    kerf_status status = open_blocks(s, &x, dims, &block);
    if (status)
        return status;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (dims[1] >= 0 && __builtin_mul_overflow(dims[1], block * block, &dims[1]))
        return sh_fail(s, "the output would be too large");
    for (int i = 2; i < 4; i++) {
        if (dims[i] >= 0 && dims[i] % block != 0)
            return sh_fail(s, "size %" PRId64 " does not divide into blocks of %" PRId64, dims[i],
                           block);
        dims[i] = dims[i] < 0 ? dims[i] : dims[i] / block;
    }
    return sh_emit(s, 0, x->type, 4, dims);
}

kerf_status sh_center_crop_pad(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK];
    size_t n_axes = 0;
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    const int64_t *axes = ir_attr_ints(s->node, "axes", &n_axes);
    sh_list shape = sh_list_of(s, NULL, 1);
    int64_t n = axes ? (int64_t)n_axes : x->rank;
    if (n > x->rank || (shape.n >= 0 && shape.n != n))
        return sh_fail(s, "%" PRId64 " sizes for %" PRId64 " axes", shape.n, n);
    memcpy(dims, x->dims, sizeof dims);
    for (int64_t i = 0; i < n; i++) {
        int axis = 0;
        int64_t size = list_at(&shape, i);
        kerf_status status = sh_axis(s, axes ? axes[i] : i, x->rank, &axis);
        if (status)
            return status;
        if (size == IR_UNKNOWN_INT)
            sh_because_value(s, 1);
        dims[axis] = size == IR_UNKNOWN_INT ? IR_DIM_UNKNOWN : size;
    }
    return sh_emit(s, 0, x->type, x->rank, dims);
}
