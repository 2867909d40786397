/* Folded contents: the elements of small values, as integers or reals, some of them unknown. */
#include "model/shape/rules.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A file may hold many nodes that each fold to a full-sized value; once the graph has folded
 * FOLD_BUDGET elements, only the small values that shapes are made of are folded still. */
#define FOLD_BUDGET ((size_t)4 << 20)
#define FOLD_SMALL  16

static size_t *spent_of(ir_graph *graph)
{
    while (graph->parent)
        graph = graph->parent;
    return &graph->folded_elements;
}

bool sh_has_content(const ir_value *value)
{
    return value->ints || value->floats;
}

bool sh_content_complete(const ir_value *value)
{
    int64_t n = ir_elements(value);
    if (!sh_has_content(value) || n < 0)
        return false;
    for (int64_t i = 0; i < n; i++)
        if (value->ints ? value->ints[i] == IR_UNKNOWN_INT : isnan(value->floats[i]))
            return false;
    return true;
}

bool sh_new_content(sh_node *s, ir_value *value)
{
    int64_t n = ir_elements(value);
    size_t *spent = spent_of(s->graph);
    bool integer = sh_type_is_integer(value->type);
    if (n < 0 || n > IR_MAX_FOLD || value->type == KERF_TYPE_UNKNOWN ||
        value->type == KERF_STRING || value->type == KERF_COMPLEX64 ||
        value->type == KERF_COMPLEX128)
        return false;
    if (*spent > FOLD_BUDGET && n > FOLD_SMALL)
        return false;
    if (integer)
        value->ints = kerf_calloc((size_t)n, sizeof *value->ints);
    else
        value->floats = kerf_calloc((size_t)n, sizeof *value->floats);
    if (!sh_has_content(value)) {
        s->no_memory = true;
        return false;
    }
    *spent += (size_t)n;
    for (int64_t i = 0; i < n; i++) {
        if (integer)
            value->ints[i] = IR_UNKNOWN_INT;
        else
            value->floats[i] = NAN;
    }
    return true;
}

/* Truncated; what does not fit, NaN included, is unknown. The upper bound is no int64. */
static int64_t to_integer(double real)
{
    static const double limit = 9223372036854775808.0;
    real = trunc(real);
    if (!(real > -limit) || !(real < limit))
        return IR_UNKNOWN_INT;
    return (int64_t)real;
}

int64_t sh_int_at(const ir_value *value, int64_t i)
{
    if (value->ints)
        return value->ints[i];
    return value->floats ? to_integer(value->floats[i]) : IR_UNKNOWN_INT;
}

double sh_real_at(const ir_value *value, int64_t i)
{
    if (value->floats)
        return value->floats[i];
    return value->ints && value->ints[i] != IR_UNKNOWN_INT ? (double)value->ints[i] : (double)NAN;
}

/* As the type holds it. What does not fit wraps around in ways that runtimes differ on: that is
 * left open. */
static int64_t narrowed(kerf_type type, int64_t element)
{
    int bits = kerf_type_bits(type);
    if (element == IR_UNKNOWN_INT)
        return element;
    if (type == KERF_BOOL)
        return element != 0;
    if (bits > 32)
        return element;
    int64_t high = (int64_t)1 << bits;
    return element < high && element >= -high / 2 ? element : IR_UNKNOWN_INT;
}

void sh_put_int(ir_value *value, int64_t i, int64_t element)
{
    if (value->ints)
        value->ints[i] = narrowed(value->type, element);
    else if (value->floats)
        sh_put_real(value, i, element == IR_UNKNOWN_INT ? (double)NAN : (double)element);
}

void sh_put_real(ir_value *value, int64_t i, double element)
{
    /* Rounded as a runtime would, so that a floor() later falls on the same side. */
    if (value->floats)
        value->floats[i] = value->type == KERF_FLOAT32 ? (double)(float)element : element;
    else if (value->ints)
        sh_put_int(value, i, to_integer(element));
}

void sh_copy_element(ir_value *to, int64_t i, const ir_value *from, int64_t j)
{
    if (to->ints && from->ints)
        to->ints[i] = from->ints[j];
    else if (to->floats && from->floats)
        to->floats[i] = from->floats[j];
    else if (to->ints)
        sh_put_int(to, i, sh_int_at(from, j));
    else
        sh_put_real(to, i, sh_real_at(from, j));
}

void sh_copy_content(sh_node *s, ir_value *to, const ir_value *from)
{
    int64_t n = ir_elements(from);
    if (!sh_has_content(from) || n < 0 || n != ir_elements(to) || !sh_new_content(s, to))
        return;
    for (int64_t i = 0; i < n; i++)
        sh_copy_element(to, i, from, i);
}

bool sh_next(int64_t *position, int rank, const int64_t *dims)
{
    for (int i = rank - 1; i >= 0; i--) {
        if (++position[i] < dims[i])
            return true;
        position[i] = 0;
    }
    return false;
}

int64_t sh_broadcast_offset(const ir_value *value, const int64_t *position, int rank)
{
    int64_t offset = 0;
    for (int i = 0; i < value->rank; i++) {
        int64_t at = position[rank - value->rank + i];
        offset = offset * value->dims[i] + (value->dims[i] == 1 ? 0 : at);
    }
    return offset;
}
