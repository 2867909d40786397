/* Folding of operators that move elements. */
#include "model/shape/rules.h"

#include <math.h>

#include <string.h>

void sh_fold_concat(sh_node *s)
{
    ir_value *y = sh_out(s, 0);
    int64_t outer = 1, inner = 1, before = 0;
    int axis = 0;
    if (!y || y->rank < 1)
        return;
    /* An operand that is not known at all leaves its elements open, not those of the others. */
    bool any = false;
    for (size_t i = 0; i < s->node->n_inputs; i++)
        any = any || sh_has_content(sh_in(s, i));
    if (!any || !sh_shape_known(y) || sh_axis(s, ir_attr_int(s->node, "axis", 1), y->rank, &axis) ||
        !sh_new_content(s, y))
        return;
    for (int i = 0; i < y->rank; i++) {
        outer *= i < axis ? y->dims[i] : 1;
        inner *= i > axis ? y->dims[i] : 1;
    }
    for (size_t i = 0; i < s->node->n_inputs; i++) {
        const ir_value *x = sh_in(s, i);
        int64_t run = x->dims[axis] * inner;
        for (int64_t k = 0; sh_has_content(x) && k < outer * run; k++)
            sh_copy_element(y, k / run * y->dims[axis] * inner + before + k % run, x, k);
        before += run;
    }
}

/* Copies, for every position of the output, the element of x that `offset` names; offsets below 0
 * leave the element open. */
typedef int64_t offset_rule(sh_node *s, const int64_t *position, void *state);

static void fold_by_offset(sh_node *s, ir_value *y, const ir_value *x, offset_rule *offset,
                           void *state)
{
    int64_t position[IR_MAX_RANK] = {0}, at = 0;
    if (!y || !sh_has_content(x) || !sh_new_content(s, y) || ir_elements(y) == 0)
        return;
    do {
        int64_t from = offset(s, position, state);
        if (from >= 0 && from < ir_elements(x))
            sh_copy_element(y, at, x, from);
        at++;
    } while (sh_next(position, y->rank, y->dims));
}

static int64_t flat(const ir_value *x, const int64_t *position)
{
    int64_t offset = 0;
    for (int i = 0; i < x->rank; i++)
        offset = offset * x->dims[i] + position[i];
    return offset;
}

static int64_t slice_offset(sh_node *s, const int64_t *position, void *state)
{
    const sh_span *spans = state;
    const ir_value *x = sh_in(s, 0);
    int64_t from[IR_MAX_RANK] = {0};
    for (int i = 0; i < x->rank; i++)
        from[i] = spans[i].start + position[i] * spans[i].step;
    return flat(x, from);
}

void sh_fold_slice(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    sh_span spans[IR_MAX_RANK];
    if (sh_has_content(x) && !sh_slice_spans(s, spans))
        fold_by_offset(s, sh_out(s, 0), x, slice_offset, spans);
}

/* An index of `size` things, from the back if negative; -1 if it is unknown or out of range. */
static int64_t wrapped(int64_t index, int64_t size)
{
    if (index == IR_UNKNOWN_INT || index < -size || index >= size)
        return -1;
    return index < 0 ? index + size : index;
}

static int64_t gather_offset(sh_node *s, const int64_t *position, void *state)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1);
    int axis = *(int *)state, at = 0;
    int64_t from[IR_MAX_RANK] = {0};
    for (int i = 0; i < x->rank; i++) {
        from[i] = i == axis ? wrapped(indices->ints[flat(indices, position + at)], x->dims[i])
                            : position[at];
        if (from[i] < 0)
            return -1;
        at += i == axis ? indices->rank : 1;
    }
    return flat(x, from);
}

void sh_fold_gather(sh_node *s)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1);
    int axis = 0;
    if (indices->ints && x->rank > 0 &&
        !sh_axis(s, ir_attr_int(s->node, "axis", 0), x->rank, &axis))
        fold_by_offset(s, sh_out(s, 0), x, gather_offset, &axis);
}

static int64_t element_offset(sh_node *s, const int64_t *position, void *state)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1);
    int axis = *(int *)state;
    int64_t from[IR_MAX_RANK] = {0};
    for (int i = 0; i < x->rank; i++) {
        from[i] =
            i == axis ? wrapped(indices->ints[flat(indices, position)], x->dims[i]) : position[i];
        if (from[i] < 0 || from[i] >= x->dims[i])
            return -1;
    }
    return flat(x, from);
}

void sh_fold_gather_elements(sh_node *s)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1);
    int axis = 0;
    if (indices->ints && x->rank > 0 && x->rank == indices->rank &&
        !sh_axis(s, ir_attr_int(s->node, "axis", 0), x->rank, &axis))
        fold_by_offset(s, sh_out(s, 0), x, element_offset, &axis);
}

/* Without batch dimensions. */
static int64_t nd_offset(sh_node *s, const int64_t *position, void *state)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1);
    int64_t from[IR_MAX_RANK] = {0}, row = 0, depth = indices->dims[indices->rank - 1];
    (void)state;
    for (int i = 0; i < indices->rank - 1; i++)
        row = row * indices->dims[i] + position[i];
    for (int i = 0; i < x->rank; i++) {
        from[i] = i < depth ? wrapped(indices->ints[row * depth + i], x->dims[i])
                            : position[indices->rank - 1 + i - depth];
        if (from[i] < 0)
            return -1;
    }
    return flat(x, from);
}

void sh_fold_gather_nd(sh_node *s)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1);
    if (indices->ints && indices->rank > 0 && ir_attr_int(s->node, "batch_dims", 0) == 0)
        fold_by_offset(s, sh_out(s, 0), x, nd_offset, NULL);
}

static int64_t transpose_offset(sh_node *s, const int64_t *position, void *state)
{
    const ir_value *x = sh_in(s, 0);
    int64_t from[IR_MAX_RANK] = {0};
    size_t n = 0;
    const int64_t *perm = ir_attr_ints(s->node, "perm", &n);
    (void)state;
    for (int i = 0; i < x->rank; i++)
        from[n ? perm[i] : x->rank - 1 - i] = position[i];
    return flat(x, from);
}

void sh_fold_transpose(sh_node *s)
{
    fold_by_offset(s, sh_out(s, 0), sh_in(s, 0), transpose_offset, NULL);
}

static int64_t expand_offset(sh_node *s, const int64_t *position, void *state)
{
    (void)state;
    return sh_broadcast_offset(sh_in(s, 0), position, sh_out(s, 0)->rank);
}

void sh_fold_expand(sh_node *s)
{
    fold_by_offset(s, sh_out(s, 0), sh_in(s, 0), expand_offset, NULL);
}

static int64_t tile_offset(sh_node *s, const int64_t *position, void *state)
{
    const ir_value *x = sh_in(s, 0);
    int64_t from[IR_MAX_RANK] = {0};
    (void)state;
    for (int i = 0; i < x->rank; i++)
        from[i] = position[i] % x->dims[i];
    return flat(x, from);
}

void sh_fold_tile(sh_node *s)
{
    fold_by_offset(s, sh_out(s, 0), sh_in(s, 0), tile_offset, NULL);
}

typedef struct part {
    int axis;
    int64_t start;
} part;

static int64_t split_offset(sh_node *s, const int64_t *position, void *state)
{
    const ir_value *x = sh_in(s, 0);
    const part *p = state;
    int64_t from[IR_MAX_RANK] = {0};
    for (int i = 0; i < x->rank; i++)
        from[i] = position[i] + (i == p->axis ? p->start : 0);
    return flat(x, from);
}

void sh_fold_split(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    part p = {0, 0};
    if (!sh_has_content(x) || x->rank < 1 ||
        sh_axis(s, ir_attr_int(s->node, "axis", 0), x->rank, &p.axis))
        return;
    for (size_t i = 0; i < s->node->n_outputs; i++) {
        ir_value *y = sh_out(s, i);
        if (!y || !sh_shape_known(y))
            return;
        fold_by_offset(s, y, x, split_offset, &p);
        p.start += y->dims[p.axis];
    }
}

/* Updates overwrite rows of the data: reductions are not folded. */
void sh_fold_scatter_nd(sh_node *s)
{
    const ir_value *x = sh_in(s, 0), *indices = sh_in(s, 1), *updates = sh_in(s, 2);
    ir_value *y = sh_out(s, 0);
    int64_t depth = indices->rank > 0 ? indices->dims[indices->rank - 1] : -1, inner = 1;
    if (!y || !sh_has_content(x) || !indices->ints || !sh_has_content(updates) || depth < 1 ||
        depth > x->rank || strcmp(ir_attr_string(s->node, "reduction", "none"), "none") != 0)
        return;
    for (int i = (int)depth; i < x->rank; i++)
        inner *= x->dims[i];
    int64_t rows = ir_elements(indices) / depth;
    if (ir_elements(updates) != rows * inner)
        return;
    sh_copy_content(s, y, x);
    for (int64_t row = 0; row < rows && sh_has_content(y); row++) {
        int64_t offset = 0;
        for (int i = 0; i < depth && offset >= 0; i++) {
            int64_t at = wrapped(indices->ints[row * depth + i], x->dims[i]);
            offset = at < 0 ? -1 : offset * x->dims[i] + at;
        }
        /* A row that may go anywhere leaves nothing known. */
        for (int64_t k = 0; offset < 0 && k < ir_elements(y); k++)
            sh_put_int(y, k, IR_UNKNOWN_INT);
        if (offset < 0)
            return;
        for (int64_t k = 0; k < inner; k++)
            sh_copy_element(y, offset * inner + k, updates, row * inner + k);
    }
}

void sh_fold_non_zero(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    int64_t position[IR_MAX_RANK] = {0}, column = 0, at = 0;
    if (!y || !sh_content_complete(x) || !sh_new_content(s, y) || ir_elements(x) == 0)
        return;
    do {
        if (sh_real_at(x, at++) == 0.0)
            continue;
        for (int i = 0; i < x->rank; i++)
            y->ints[i * y->dims[1] + column] = position[i];
        if (x->rank == 0)
            y->ints[column] = 0;
        column++;
    } while (sh_next(position, x->rank, x->dims));
}

void sh_fold_trilu(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    int64_t k = 0, position[IR_MAX_RANK] = {0}, at = 0;
    bool present = false, upper = ir_attr_int(s->node, "upper", 1) != 0;
    bool known = sh_integer_of(s, NULL, 1, &k, &present);
    if (!y || x->rank < 2 || (present && !known) || k > IR_MAX_FOLD || k < -IR_MAX_FOLD ||
        !sh_has_content(x) || !sh_new_content(s, y) || ir_elements(y) == 0)
        return;
    do {
        int64_t over = position[x->rank - 1] - position[x->rank - 2];
        if (upper ? over >= k : over <= k)
            sh_copy_element(y, at, x, at);
        else
            sh_put_int(y, at, 0);
        at++;
    } while (sh_next(position, y->rank, y->dims));
}

void sh_fold_one_hot(sh_node *s)
{
    const ir_value *indices = sh_in(s, 0), *values = sh_in(s, 2);
    ir_value *y = sh_out(s, 0);
    int64_t position[IR_MAX_RANK] = {0}, at = 0;
    int axis = 0;
    if (!y || !sh_has_content(indices) || !sh_has_content(values) || ir_elements(values) != 2 ||
        sh_axis(s, ir_attr_int(s->node, "axis", -1), y->rank, &axis) || !sh_new_content(s, y) ||
        ir_elements(y) == 0)
        return;
    do {
        int64_t from[IR_MAX_RANK] = {0};
        for (int i = 0, k = 0; i < y->rank; i++)
            if (i != axis)
                from[k++] = position[i];
        int64_t index = sh_int_at(indices, flat(indices, from));
        int64_t hot = wrapped(index, y->dims[axis]);
        if (index != IR_UNKNOWN_INT)
            sh_copy_element(y, at, values, hot == position[axis]);
        at++;
    } while (sh_next(position, y->rank, y->dims));
}
