/* Operators that make a tensor from sizes: constants, ranges, random numbers, windows, spectra. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static kerf_status constant_scalar(sh_node *s, const ir_attr *attr, kerf_type type)
{
    kerf_status status = sh_emit(s, 0, type, 0, NULL);
    ir_value *y = sh_out(s, 0);
    if (!status && y && type != KERF_STRING && sh_new_content(s, y)) {
        if (attr->kind == IR_ATTR_INT)
            sh_put_int(y, 0, attr->i);
        else
            sh_put_real(y, 0, attr->f);
    }
    return status;
}

static kerf_status constant_list(sh_node *s, const ir_attr *attr, kerf_type type)
{
    int64_t n = attr->n > INT64_MAX / 16 ? -1 : (int64_t)attr->n;
    kerf_status status = sh_emit(s, 0, type, 1, &n);
    ir_value *y = sh_out(s, 0);
    if (!status && y && type != KERF_STRING && sh_new_content(s, y))
        for (int64_t i = 0; i < n; i++) {
            if (attr->kind == IR_ATTR_INTS)
                sh_put_int(y, i, attr->ints[i]);
            else if (attr->kind == IR_ATTR_FLOATS)
                sh_put_real(y, i, attr->floats[i]);
        }
    return status;
}

static kerf_status constant_tensor(sh_node *s, const ir_attr *attr)
{
    if (!attr->tensor)
        return sh_fail(s, "the constant has no value");
    kerf_status status = sh_emit_like(s, 0, attr->tensor->type, attr->tensor);
    ir_value *y = sh_out(s, 0);
    if (!status && y)
        sh_copy_content(s, y, attr->tensor);
    return status;
}

/* JSON writes 1.0 as 1: an attribute may hold an integer where a real is meant, so that the type
 * follows the attribute's name. */
kerf_status sh_constant(sh_node *s)
{
    static const struct {
        const char *name;
        kerf_type type;
        bool list;
    } forms[] = {{"value_int", KERF_INT64, false},     {"value_float", KERF_FLOAT32, false},
                 {"value_string", KERF_STRING, false}, {"value_ints", KERF_INT64, true},
                 {"value_floats", KERF_FLOAT32, true}, {"value_strings", KERF_STRING, true}};
    const ir_attr *attr = ir_attr_find(s->node, "value");
    if (attr && attr->kind == IR_ATTR_TENSOR)
        return constant_tensor(s, attr);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        attr = ir_attr_find(s->node, forms[i].name);
        if (attr && forms[i].list)
            return constant_list(s, attr, forms[i].type);
        if (attr)
            return constant_scalar(s, attr, forms[i].type);
    }
    sh_because(s, "a constant without a dense value");
    return sh_emit_unknown(s, 0, KERF_TYPE_UNKNOWN);
}

/* The shape that a list states; false if its length is unknown or too long (then *status). */
static bool dims_of_list(sh_node *s, const sh_list *list, size_t operand, int64_t *dims,
                         kerf_status *status)
{
    *status = KERF_OK;
    if (list->n > IR_MAX_RANK) {
        *status = sh_fail(s, "a shape of %" PRId64 " dimensions, at most %d are supported", list->n,
                          IR_MAX_RANK);
        return false;
    }
    for (int64_t i = 0; i < list->n; i++) {
        int64_t size = list->state == SH_KNOWN ? list->at[i] : IR_UNKNOWN_INT;
        if (size == IR_UNKNOWN_INT) {
            sh_because_value(s, operand);
            size = IR_DIM_UNKNOWN;
        } else if (size < 0) {
            *status = sh_fail(s, "size %" PRId64 " in the shape", size);
            return false;
        }
        dims[i] = size;
    }
    if (list->n < 0)
        sh_because_value(s, operand);
    return list->n >= 0;
}

kerf_status sh_constant_of_shape(sh_node *s)
{
    const ir_attr *attr = ir_attr_find(s->node, "value");
    const ir_value *value = attr ? attr->tensor : NULL;
    kerf_type type = value ? value->type : KERF_FLOAT32;
    int64_t dims[IR_MAX_RANK];
    kerf_status status = KERF_OK;
    if (!sh_need(s, 0))
        return KERF_E_INVALID;
    sh_list shape = sh_list_of(s, NULL, 0);
    if (!dims_of_list(s, &shape, 0, dims, &status))
        return status ? status : sh_emit_unknown(s, 0, type);
    status = sh_emit(s, 0, type, (int)shape.n, dims);
    ir_value *y = sh_out(s, 0);
    if (status || !y || (value && (!sh_has_content(value) || ir_elements(value) < 1)) ||
        !sh_new_content(s, y))
        return status;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++) {
        if (value)
            sh_copy_element(y, i, value, 0);
        else
            sh_put_real(y, i, 0);
    }
    return KERF_OK;
}

/* Elements of start, start + delta, ... below limit; -1 if too many or unknown. */
static int64_t range_length(double start, double limit, double delta)
{
    double n = ceil((limit - start) / delta);
    if (isnan(n))
        return -1;
    return n <= 0 ? 0 : n < 0x1p59 ? (int64_t)n : -1;
}

static int64_t int_range_length(int64_t start, int64_t limit, int64_t delta)
{
    int64_t span = 0;
    if ((delta > 0 && limit <= start) || (delta < 0 && limit >= start))
        return 0;
    if (delta == 0 || __builtin_sub_overflow(limit, start, &span))
        return -1;
    /* Not -span, which may be none: (span + 1) / delta is at least 0. */
    return delta > 0 ? (span - 1) / delta + 1 : (span + 1) / delta + 1;
}

static void fill_range(sh_node *s, ir_value *y, const ir_value *start, const ir_value *delta)
{
    if (!sh_new_content(s, y))
        return;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++) {
        int64_t element = 0;
        if (!y->ints)
            sh_put_real(y, i, sh_real_at(start, 0) + (double)i * sh_real_at(delta, 0));
        else if (!__builtin_mul_overflow(i, sh_int_at(delta, 0), &element) &&
                 !__builtin_add_overflow(element, sh_int_at(start, 0), &element))
            sh_put_int(y, i, element);
    }
}

kerf_status sh_range(sh_node *s)
{
    const ir_value *in[3];
    int64_t n = IR_DIM_UNKNOWN;
    for (size_t i = 0; i < 3; i++) {
        in[i] = sh_need(s, i);
        if (!in[i])
            return KERF_E_INVALID;
        if (!sh_content_complete(in[i]) || ir_elements(in[i]) != 1) {
            sh_because_value(s, i);
            return sh_emit(s, 0, in[0]->type, 1, &n);
        }
    }
    if (sh_real_at(in[2], 0) == 0.0)
        return sh_fail(s, "delta is 0");
    if (in[0]->ints && in[1]->ints && in[2]->ints)
        n = int_range_length(in[0]->ints[0], in[1]->ints[0], in[2]->ints[0]);
    else
        n = range_length(sh_real_at(in[0], 0), sh_real_at(in[1], 0), sh_real_at(in[2], 0));
    if (n < 0)
        return sh_fail(s, "a range of too many elements");
    kerf_status status = sh_emit(s, 0, in[0]->type, 1, &n);
    ir_value *y = sh_out(s, 0);
    if (!status && y)
        fill_range(s, y, in[0], in[2]);
    return status;
}

/* From opset 15 a part of the shape, by start and end. */
kerf_status sh_shape(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t n = IR_DIM_UNKNOWN, start = ir_attr_int(s->node, "start", 0);
    int64_t end = ir_attr_int(s->node, "end", INT64_MAX);
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return sh_emit(s, 0, KERF_INT64, 1, &n);
    start += start < 0 ? x->rank : 0;
    end += end < 0 ? x->rank : 0;
    start = start < 0 ? 0 : start > x->rank ? x->rank : start;
    end = end < start ? start : end > x->rank ? x->rank : end;
    n = end - start;
    kerf_status status = sh_emit(s, 0, KERF_INT64, 1, &n);
    ir_value *y = sh_out(s, 0);
    if (!status && y && sh_new_content(s, y))
        for (int64_t i = 0; i < n; i++)
            sh_put_int(y, i, x->dims[start + i] < 0 ? IR_UNKNOWN_INT : x->dims[start + i]);
    return status;
}

kerf_status sh_size(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    if (!x)
        return KERF_E_INVALID;
    kerf_status status = sh_emit(s, 0, KERF_INT64, 0, NULL);
    ir_value *y = sh_out(s, 0);
    int64_t n = ir_elements(x);
    if (!status && y && n >= 0 && sh_new_content(s, y))
        sh_put_int(y, 0, n);
    return status;
}

kerf_status sh_eye_like(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 2);
    return x ? sh_emit_like(s, 0, sh_type_attr(s, "dtype", x->type), x) : KERF_E_INVALID;
}

kerf_status sh_random(sh_node *s)
{
    sh_list shape = sh_list_of(s, "shape", KERF_NONE);
    int64_t dims[IR_MAX_RANK];
    kerf_status status = KERF_OK;
    s->random = true;
    if (shape.state == SH_ABSENT)
        return sh_fail(s, "shape is missing");
    if (!dims_of_list(s, &shape, 0, dims, &status))
        return status;
    return sh_emit(s, 0, sh_type_attr(s, "dtype", KERF_FLOAT32), (int)shape.n, dims);
}

kerf_status sh_random_like(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    s->random = true;
    return x ? sh_emit_like(s, 0, sh_type_attr(s, "dtype", x->type), x) : KERF_E_INVALID;
}

kerf_status sh_bernoulli(sh_node *s)
{
    return sh_random_like(s);
}

kerf_status sh_multinomial(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 2);
    s->random = true;
    if (!x)
        return KERF_E_INVALID;
    int64_t samples = ir_attr_int(s->node, "sample_size", 1);
    int64_t dims[2] = {x->rank < 0 ? IR_DIM_UNKNOWN : x->dims[0], samples};
    if (samples < 1)
        return sh_fail(s, "sample_size is %" PRId64, samples);
    return sh_emit(s, 0, sh_type_attr(s, "dtype", KERF_INT32), 2, dims);
}

/* A size that an operand gives, IR_DIM_UNKNOWN if it is not known. */
static kerf_status size_operand(sh_node *s, size_t operand, int64_t *size)
{
    bool present = false;
    *size = IR_DIM_UNKNOWN;
    if (!sh_integer_of(s, NULL, operand, size, &present)) {
        sh_because_value(s, operand);
        return KERF_OK;
    }
    if (*size < 0)
        return sh_fail(s, "operand %zu is %" PRId64 ", expected a size", operand + 1, *size);
    return KERF_OK;
}

/* HannWindow, HammingWindow, BlackmanWindow. */
kerf_status sh_window_function(sh_node *s)
{
    int64_t size = 0;
    kerf_status status = size_operand(s, 0, &size);
    kerf_type type = sh_type_attr(s, "output_datatype", KERF_FLOAT32);
    return status ? status : sh_emit(s, 0, type, 1, &size);
}

/* Number of mel bins, length of the transform: [length / 2 + 1, bins]. */
kerf_status sh_mel(sh_node *s)
{
    int64_t dims[2] = {0, 0}, length = 0;
    kerf_status status = size_operand(s, 0, &dims[1]);
    if (!status)
        status = size_operand(s, 1, &length);
    dims[0] = length < 0 ? IR_DIM_UNKNOWN : length / 2 + 1;
    kerf_type type = sh_type_attr(s, "output_datatype", KERF_FLOAT32);
    return status ? status : sh_emit(s, 0, type, 2, dims);
}

/* The axis is an attribute (opset 17) or operand 2 (opset 20). */
kerf_status sh_dft(sh_node *s)
{
    const ir_value *x = sh_need(s, 0);
    int64_t at = s->opset < 20 ? 1 : -2, dims[IR_MAX_RANK];
    bool present = false, onesided = ir_attr_int(s->node, "onesided", 0) != 0;
    int axis = 0;
    if (!x)
        return KERF_E_INVALID;
    bool known = sh_integer_of(s, "axis", 2, &at, &present);
    if (x->rank < 2 || (present && !known)) {
        if (x->rank >= 0)
            sh_because_value(s, 2);
        return sh_emit_unknown(s, 0, x->type);
    }
    kerf_status status = sh_axis(s, at, x->rank, &axis);
    memcpy(dims, x->dims, sizeof dims);
    if (!status && sh_in(s, 1))
        status = size_operand(s, 1, &dims[axis]);
    if (onesided && dims[axis] >= 0)
        dims[axis] = dims[axis] / 2 + 1;
    dims[x->rank - 1] = 2;
    return status ? status : sh_emit(s, 0, x->type, x->rank, dims);
}

/* signal [batch, length, 1 or 2], step, window or frame length: [batch, frames, bins, 2]. */
kerf_status sh_stft(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 3), *window = sh_in(s, 2);
    int64_t step = 0, frame = IR_DIM_UNKNOWN, dims[4] = {-1, -1, -1, 2};
    if (!x)
        return KERF_E_INVALID;
    kerf_status status = size_operand(s, 1, &step);
    if (!status && sh_in(s, 3))
        status = size_operand(s, 3, &frame);
    else if (window && window->rank == 1)
        frame = window->dims[0];
    if (status)
        return status;
    if (step == 0 || frame == 0)
        return sh_fail(s, "frame step or frame length is 0");
    if (frame > 0)
        dims[2] = ir_attr_int(s->node, "onesided", 1) != 0 ? frame / 2 + 1 : frame;
    if (x->rank == 3) {
        dims[0] = x->dims[0];
        if (x->dims[1] >= 0 && frame > 0 && step > 0) {
            if (x->dims[1] < frame)
                return sh_fail(s, "a signal of %" PRId64 " is shorter than a frame of %" PRId64,
                               x->dims[1], frame);
            dims[1] = (x->dims[1] - frame) / step + 1;
        }
    }
    return sh_emit(s, 0, x->type, 4, dims);
}
