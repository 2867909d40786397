/* Einsum: any number of operands, repeated indices, "...", an implicit output. MACs: the product of
 * the extents of all indices. */
#include "model/shape/rules.h"

#include <ctype.h>
#include <string.h>

#define LETTERS 52

typedef struct einsum {
    int64_t extent[LETTERS]; /* IR_DIM_UNKNOWN where not known */
    size_t seen[LETTERS];    /* times an index stands in the operands */
    int64_t dots[IR_MAX_RANK];
    int n_dots;
    bool unknown_rank;
} einsum;

static int letter_of(char c)
{
    return c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= 'A' && c <= 'Z' ? c - 'A' : -1;
}

/* Indices of a term and whether it has "..."; -1 on a character that has no place here. */
static int count_letters(const char *term, size_t length, bool *dots)
{
    int letters = 0;
    *dots = false;
    for (size_t i = 0; i < length; i++) {
        if (letter_of(term[i]) >= 0) {
            letters++;
        } else if (term[i] == '.' && !*dots && i + 2 < length && term[i + 1] == '.' &&
                   term[i + 2] == '.') {
            *dots = true;
            i += 2;
        } else if (term[i] != ' ') {
            return -1;
        }
        if (letters > IR_MAX_RANK)
            return -1;
    }
    return letters;
}

static kerf_status bind_index(sh_node *s, einsum *e, char c, int64_t size)
{
    int64_t *extent = &e->extent[letter_of(c)];
    if (e->seen[letter_of(c)]++ == 0)
        *extent = size;
    else if (*extent == 1)
        *extent = size;
    else if (size != 1 && !sh_dims_agree(*extent, size, extent))
        return sh_fail(s, "index '%c' has two sizes in the operands", c);
    return KERF_OK;
}

static kerf_status read_term(sh_node *s, einsum *e, const char *term, size_t length, size_t operand)
{
    const ir_value *value = sh_need(s, operand);
    bool dots = false;
    int letters = count_letters(term, length, &dots), axis = 0;
    if (!value)
        return KERF_E_INVALID;
    if (letters < 0)
        return sh_fail(s, "the equation's term '%.*s' is malformed", (int)(length % 64), term);
    if (value->rank >= 0 && (dots ? value->rank < letters : value->rank != letters))
        return sh_fail(s, "operand %zu has %d dimensions, the equation's term %d", operand + 1,
                       value->rank, letters);
    int n_dots = value->rank - letters;
    if (value->rank < 0 && dots)
        e->unknown_rank = true;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < length && !status; i++) {
        if (letter_of(term[i]) >= 0) {
            status = bind_index(s, e, term[i], value->rank < 0 ? -1 : value->dims[axis]);
            axis++;
        } else if (term[i] == '.') {
            i += 2;
            if (value->rank >= 0 &&
                !sh_broadcast_dims(&e->n_dots, e->dots, n_dots, value->dims + axis))
                return sh_fail(s, "the operands cannot be broadcast over '...'");
            axis += n_dots > 0 ? n_dots : 0;
        }
    }
    return status;
}

/* The output where "->" is absent: "..." first, then every index that stands once, in order. */
static size_t implicit_output(const einsum *e, char *text)
{
    static const char order[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t n = 0;
    while (n < 3)
        text[n++] = '.';
    for (size_t i = 0; i < LETTERS; i++)
        if (e->seen[i] == 1)
            text[n++] = order[i];
    return n;
}

static kerf_status emit_output(sh_node *s, const einsum *e, const char *term, size_t length,
                               kerf_type type)
{
    int64_t dims[2 * IR_MAX_RANK];
    bool dots = false;
    int rank = 0, letters = count_letters(term, length, &dots);
    if (letters < 0)
        return sh_fail(s, "the equation's output is malformed");
    if (e->unknown_rank && dots)
        return sh_emit_unknown(s, 0, type);
    for (size_t i = 0; i < length; i++) {
        int letter = letter_of(term[i]);
        if (letter >= 0) {
            if (!e->seen[letter])
                return sh_fail(s, "index '%c' of the output is in no operand", term[i]);
            dims[rank++] = e->extent[letter];
        } else if (term[i] == '.') {
            i += 2;
            memcpy(dims + rank, e->dots, (size_t)e->n_dots * sizeof *dims);
            rank += e->n_dots;
        }
    }
    return sh_emit(s, 0, type, rank, dims);
}

static kerf_status count_macs(sh_node *s, const einsum *e)
{
    int64_t factors[LETTERS + IR_MAX_RANK + 1];
    size_t n = 0;
    for (size_t i = 0; i < LETTERS; i++)
        if (e->seen[i])
            factors[n++] = e->extent[i];
    for (int i = 0; i < e->n_dots; i++)
        factors[n++] = e->dots[i];
    if (e->unknown_rank)
        factors[n++] = IR_DIM_UNKNOWN;
    return sh_add_macs(s, factors, n);
}

static void weigh(sh_node *s)
{
    s->node->cls = KERF_CLASS_MATMUL;
    for (size_t i = 0; i < s->node->n_inputs && i < 64; i++)
        if (sh_is_constant(s, i)) {
            s->node->cls = KERF_CLASS_FC;
            s->node->weight_slots |= SH_SLOT(i);
        }
}

kerf_status sh_einsum(sh_node *s)
{
    const char *equation = ir_attr_string(s->node, "equation", NULL);
    const ir_value *first = sh_need(s, 0);
    einsum e = {.n_dots = 0};
    if (!first)
        return KERF_E_INVALID;
    if (!equation)
        return sh_fail(s, "equation is missing");
    const char *arrow = strstr(equation, "->");
    size_t inputs = arrow ? (size_t)(arrow - equation) : strlen(equation);
    size_t operand = 0, start = 0;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i <= inputs && !status; i++)
        if (i == inputs || equation[i] == ',') {
            if (operand >= s->node->n_inputs)
                return sh_fail(s, "the equation has more terms than the %zu operands", operand);
            status = read_term(s, &e, equation + start, i - start, operand++);
            start = i + 1;
        }
    if (status)
        return status;
    if (operand != s->node->n_inputs)
        return sh_fail(s, "the equation has %zu terms for %zu operands", operand,
                       s->node->n_inputs);
    weigh(s);
    char implicit[LETTERS + 4];
    size_t length = arrow ? strlen(arrow + 2) : implicit_output(&e, implicit);
    status = emit_output(s, &e, arrow ? arrow + 2 : implicit, length, first->type);
    return status ? status : count_macs(s, &e);
}
