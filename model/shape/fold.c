/* Folding of elementwise operators and reductions: arithmetic on the contents of small values. */
#include "model/shape/rules.h"

#include <math.h>
#include <string.h>

/* --- one operand --- */

static int64_t int_unary(const char *type, int64_t a)
{
    if (a == IR_UNKNOWN_INT)
        return a;
    if (strcmp(type, "Neg") == 0)
        return -a;
    if (strcmp(type, "Abs") == 0)
        return a < 0 ? -a : a;
    if (strcmp(type, "Sign") == 0)
        return a < 0 ? -1 : a > 0;
    if (strcmp(type, "Relu") == 0)
        return a < 0 ? 0 : a;
    return IR_UNKNOWN_INT;
}

static double half_to_even(double a)
{
    double low = floor(a), rest = a - low;
    if (rest != 0.5)
        return floor(a + 0.5);
    return fmod(low, 2) == 0 ? low : low + 1;
}

static double real_unary(const char *type, double a)
{
    static const struct {
        const char *type;
        double (*function)(double);
    } functions[] = {{"Floor", floor}, {"Ceil", ceil},          {"Sqrt", sqrt}, {"Exp", exp},
                     {"Log", log},     {"Round", half_to_even}, {"Abs", fabs}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(type, functions[i].type) == 0)
            return functions[i].function(a);
    if (strcmp(type, "Neg") == 0)
        return -a;
    if (strcmp(type, "Reciprocal") == 0)
        return 1 / a;
    if (strcmp(type, "Sign") == 0)
        return a < 0 ? -1 : a > 0 ? 1 : a;
    if (strcmp(type, "Relu") == 0)
        return a < 0 ? 0 : a;
    return NAN;
}

void sh_fold_unary(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    if (!y || !sh_has_content(x) || !sh_new_content(s, y))
        return;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++) {
        if (y->ints)
            sh_put_int(y, i, int_unary(s->node->type, sh_int_at(x, i)));
        else
            sh_put_real(y, i, real_unary(s->node->type, sh_real_at(x, i)));
    }
}

void sh_fold_not(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    if (!y || !x->ints || !sh_new_content(s, y))
        return;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++)
        y->ints[i] = x->ints[i] == IR_UNKNOWN_INT ? IR_UNKNOWN_INT : !x->ints[i];
}

void sh_fold_cast(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    if (!y || !sh_has_content(x) || !sh_new_content(s, y))
        return;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++) {
        if (y->type == KERF_BOOL && x->floats)
            y->ints[i] = isnan(sh_real_at(x, i)) ? IR_UNKNOWN_INT : sh_real_at(x, i) != 0;
        else if (x->ints)
            sh_put_int(y, i, x->ints[i]);
        else
            sh_put_real(y, i, sh_real_at(x, i));
    }
}

/* Reshape, Squeeze, Unsqueeze, Flatten, Identity: the same elements in the same order. */
void sh_fold_copy(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    if (y)
        sh_copy_content(s, y, x);
}

/* --- two operands --- */

static int64_t floor_mod(int64_t a, int64_t b)
{
    int64_t rest = b == -1 ? 0 : a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t int_power(int64_t a, int64_t b)
{
    int64_t power = 1;
    if (b < 0)
        return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
    if (a == 0 || a == 1 || a == -1)
        return b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a;
    for (int64_t i = 0; i < b; i++)
        if (__builtin_mul_overflow(power, a, &power))
            return IR_UNKNOWN_INT;
    return power;
}

/* Integers divide towards zero, as in C and in ONNX Runtime. */
static int64_t int_binary(const sh_node *s, int64_t a, int64_t b)
{
    const char *type = s->node->type;
    int64_t result = IR_UNKNOWN_INT;
    bool overflow = false;
    if (strcmp(type, "Mul") == 0 && (a == 0 || b == 0))
        return 0;
    if (a == IR_UNKNOWN_INT || b == IR_UNKNOWN_INT)
        return IR_UNKNOWN_INT;
    if (strcmp(type, "Add") == 0 || strcmp(type, "Sum") == 0)
        overflow = __builtin_add_overflow(a, b, &result);
    else if (strcmp(type, "Sub") == 0)
        overflow = __builtin_sub_overflow(a, b, &result);
    else if (strcmp(type, "Mul") == 0)
        overflow = __builtin_mul_overflow(a, b, &result);
    else if (strcmp(type, "Div") == 0)
        result = b == 0 ? IR_UNKNOWN_INT : b == -1 ? -a : a / b;
    else if (strcmp(type, "Mod") == 0 && b != 0)
        result = ir_attr_int(s->node, "fmod", 0) ? (b == -1 ? 0 : a % b) : floor_mod(a, b);
    else if (strcmp(type, "Pow") == 0)
        result = int_power(a, b);
    else if (strcmp(type, "Max") == 0)
        result = a > b ? a : b;
    else if (strcmp(type, "Min") == 0)
        result = a < b ? a : b;
    return overflow ? IR_UNKNOWN_INT : result;
}

static double real_binary(const sh_node *s, double a, double b)
{
    const char *type = s->node->type;
    if (isnan(a) || isnan(b))
        return NAN;
    if (strcmp(type, "Add") == 0 || strcmp(type, "Sum") == 0)
        return a + b;
    if (strcmp(type, "Sub") == 0)
        return a - b;
    if (strcmp(type, "Mul") == 0)
        return a * b;
    if (strcmp(type, "Div") == 0)
        return a / b;
    if (strcmp(type, "Pow") == 0)
        return pow(a, b);
    if (strcmp(type, "Max") == 0)
        return a > b ? a : b;
    if (strcmp(type, "Min") == 0)
        return a < b ? a : b;
    return strcmp(type, "Mod") == 0 && ir_attr_int(s->node, "fmod", 0) ? fmod(a, b) : NAN;
}

/* Three-valued logic: false And unknown is false. */
static int64_t logical(const char *type, int64_t a, int64_t b)
{
    bool open = a == IR_UNKNOWN_INT || b == IR_UNKNOWN_INT;
    if (strcmp(type, "And") == 0)
        return a == 0 || b == 0 ? 0 : open ? IR_UNKNOWN_INT : 1;
    if (strcmp(type, "Or") == 0) {
        bool one = (a != 0 && a != IR_UNKNOWN_INT) || (b != 0 && b != IR_UNKNOWN_INT);
        return one ? 1 : open ? IR_UNKNOWN_INT : 0;
    }
    return open ? IR_UNKNOWN_INT : (a != 0) != (b != 0);
}

static int64_t ordered(const char *type, int order)
{
    if (strcmp(type, "Equal") == 0)
        return order == 0;
    if (strcmp(type, "Less") == 0)
        return order < 0;
    if (strcmp(type, "LessOrEqual") == 0)
        return order <= 0;
    if (strcmp(type, "Greater") == 0)
        return order > 0;
    return order >= 0;
}

static int64_t compare(const char *type, const ir_value *a, int64_t i, const ir_value *b, int64_t j)
{
    if (a->ints && b->ints) {
        int64_t left = a->ints[i], right = b->ints[j];
        if (left == IR_UNKNOWN_INT || right == IR_UNKNOWN_INT)
            return IR_UNKNOWN_INT;
        return ordered(type, left < right ? -1 : left > right);
    }
    double left = sh_real_at(a, i), right = sh_real_at(b, j);
    if (isnan(left) || isnan(right))
        return IR_UNKNOWN_INT;
    return ordered(type, left < right ? -1 : left > right);
}

typedef void element_rule(const sh_node *s, ir_value *y, int64_t at, const ir_value *a, int64_t i,
                          const ir_value *b, int64_t j);

static void arithmetic(const sh_node *s, ir_value *y, int64_t at, const ir_value *a, int64_t i,
                       const ir_value *b, int64_t j)
{
    if (y->ints && a->ints && b->ints)
        sh_put_int(y, at, int_binary(s, a->ints[i], b->ints[j]));
    else
        sh_put_real(y, at, real_binary(s, sh_real_at(a, i), sh_real_at(b, j)));
}

static void comparison(const sh_node *s, ir_value *y, int64_t at, const ir_value *a, int64_t i,
                       const ir_value *b, int64_t j)
{
    y->ints[at] = compare(s->node->type, a, i, b, j);
}

static void logic(const sh_node *s, ir_value *y, int64_t at, const ir_value *a, int64_t i,
                  const ir_value *b, int64_t j)
{
    y->ints[at] = logical(s->node->type, sh_int_at(a, i), sh_int_at(b, j));
}

/* Applies the rule where every operand but one of no known content is enough to be of use. */
static void fold_two(sh_node *s, element_rule *rule)
{
    const ir_value *a = sh_in(s, 0), *b = sh_in(s, 1);
    ir_value *y = sh_out(s, 0);
    int64_t position[IR_MAX_RANK] = {0}, at = 0;
    /* The broadcasting of old opsets, aligned by an axis, is not worth folding. */
    bool legacy = ir_attr_int(s->node, "broadcast", 0) != 0;
    if (!y || legacy || !sh_has_content(a) || !sh_has_content(b) || !sh_new_content(s, y) ||
        ir_elements(y) == 0)
        return;
    do
        rule(s, y, at++, a, sh_broadcast_offset(a, position, y->rank), b,
             sh_broadcast_offset(b, position, y->rank));
    while (sh_next(position, y->rank, y->dims));
}

void sh_fold_binary(sh_node *s)
{
    fold_two(s, arithmetic);
}

void sh_fold_compare(sh_node *s)
{
    fold_two(s, comparison);
}

void sh_fold_logical(sh_node *s)
{
    fold_two(s, logic);
}

/* --- more operands --- */

void sh_fold_where(sh_node *s)
{
    const ir_value *condition = sh_in(s, 0), *x = sh_in(s, 1), *y = sh_in(s, 2);
    ir_value *z = sh_out(s, 0);
    int64_t position[IR_MAX_RANK] = {0}, at = 0;
    if (!z || !condition->ints || !sh_has_content(x) || !sh_has_content(y) ||
        !sh_new_content(s, z) || ir_elements(z) == 0)
        return;
    do {
        int64_t which = condition->ints[sh_broadcast_offset(condition, position, z->rank)];
        const ir_value *from = which ? x : y;
        if (which != IR_UNKNOWN_INT)
            sh_copy_element(z, at, from, sh_broadcast_offset(from, position, z->rank));
        at++;
    } while (sh_next(position, z->rank, z->dims));
}

/* Sum, Max, Min of any number: operand by operand into the output. */
void sh_fold_variadic(sh_node *s)
{
    ir_value *y = sh_out(s, 0);
    if (!y || strcmp(s->node->type, "Mean") == 0)
        return;
    for (size_t i = 0; i < s->node->n_inputs; i++)
        if (!sh_has_content(sh_in(s, i)))
            return;
    if (s->node->n_inputs > 64 || !sh_new_content(s, y) || ir_elements(y) == 0)
        return;
    for (size_t k = 0; k < s->node->n_inputs; k++) {
        const ir_value *x = sh_in(s, k);
        int64_t position[IR_MAX_RANK] = {0}, at = 0;
        do {
            int64_t i = sh_broadcast_offset(x, position, y->rank);
            if (k == 0)
                sh_copy_element(y, at, x, i);
            else
                arithmetic(s, y, at, y, at, x, i);
            at++;
        } while (sh_next(position, y->rank, y->dims));
    }
}

/* The bounds are operands, before opset 11 attributes; an absent one does not bind. */
void sh_fold_clip(sh_node *s)
{
    const ir_value *x = sh_in(s, 0), *bounds[2] = {sh_in(s, 1), sh_in(s, 2)};
    ir_value *y = sh_out(s, 0);
    double limits[2];
    if (!y || !sh_has_content(x))
        return;
    for (int i = 0; i < 2; i++) {
        limits[i] = ir_attr_float(s->node, i ? "max" : "min", i ? INFINITY : -INFINITY);
        if (bounds[i] && (!sh_has_content(bounds[i]) || ir_elements(bounds[i]) != 1))
            return;
        if (bounds[i])
            limits[i] = sh_real_at(bounds[i], 0);
    }
    if (isnan(limits[0]) || isnan(limits[1]) || !sh_new_content(s, y))
        return;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++) {
        double a = sh_real_at(x, i);
        if (a < limits[0])
            sh_put_real(y, i, limits[0]);
        else if (a > limits[1])
            sh_put_real(y, i, limits[1]);
        else
            sh_copy_element(y, i, x, i);
    }
}

/* --- reductions --- */

static void reduce_into(const char *type, ir_value *y, int64_t at, const ir_value *x, int64_t i,
                        bool first)
{
    int64_t a = sh_int_at(y, at), b = sh_int_at(x, i), n = IR_UNKNOWN_INT;
    double c = sh_real_at(y, at), d = sh_real_at(x, i);
    if (first) {
        sh_copy_element(y, at, x, i);
        return;
    }
    bool product = strcmp(type, "ReduceProd") == 0, sum = strcmp(type, "ReduceSum") == 0;
    bool max = strcmp(type, "ReduceMax") == 0;
    if (y->floats) {
        sh_put_real(y, at,
                    product          ? c * d
                    : sum            ? c + d
                    : isnan(c + d)   ? NAN
                    : (c > d) == max ? c
                                     : d);
        return;
    }
    if (a == IR_UNKNOWN_INT || b == IR_UNKNOWN_INT)
        n = product && (a == 0 || b == 0) ? 0 : IR_UNKNOWN_INT;
    else if (product ? __builtin_mul_overflow(a, b, &n) : sum && __builtin_add_overflow(a, b, &n))
        n = IR_UNKNOWN_INT;
    else if (!product && !sum)
        n = (a > b) == max ? a : b;
    sh_put_int(y, at, n);
}

/* Axes that were reduced: those where input and output differ, which needs keepdims or the list. */
void sh_fold_reduce(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    uint32_t set = 0;
    int64_t position[IR_MAX_RANK] = {0}, from = 0;
    bool seen[IR_MAX_FOLD] = {false};
    if (!y || !sh_has_content(x) || ir_elements(x) < 1)
        return;
    sh_list axes = sh_list_of(s, "axes", 1);
    if (axes.state == SH_UNKNOWN || sh_axes(s, axes.at, (size_t)axes.n, x->rank, &set))
        return;
    if (axes.n == 0)
        set = ir_attr_int(s->node, "noop_with_empty_axes", 0) != 0 ? 0 : UINT32_MAX;
    if (!sh_new_content(s, y))
        return;
    do {
        int64_t at = 0;
        for (int i = 0; i < x->rank; i++)
            if (!(set & 1u << i))
                at = at * x->dims[i] + position[i];
        reduce_into(s->node->type, y, at, x, from++, !seen[at]);
        seen[at] = true;
    } while (sh_next(position, x->rank, x->dims));
}

/* Of a vector, forwards. */
void sh_fold_cumsum(sh_node *s)
{
    const ir_value *x = sh_in(s, 0);
    ir_value *y = sh_out(s, 0);
    if (!y || x->rank != 1 || !sh_has_content(x) || ir_attr_int(s->node, "reverse", 0) ||
        ir_attr_int(s->node, "exclusive", 0) || !sh_new_content(s, y))
        return;
    int64_t sum = 0;
    double real = 0;
    for (int64_t i = 0, n = ir_elements(y); i < n; i++) {
        int64_t one = sh_int_at(x, i);
        if (sum == IR_UNKNOWN_INT || one == IR_UNKNOWN_INT ||
            __builtin_add_overflow(sum, one, &sum))
            sum = IR_UNKNOWN_INT;
        real += sh_real_at(x, i);
        if (y->ints)
            sh_put_int(y, i, sum);
        else
            sh_put_real(y, i, real);
    }
}
