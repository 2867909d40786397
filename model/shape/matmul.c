/* Matrix products. MACs: elements(Y) * K. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

static kerf_status contradiction(sh_node *s, const ir_value *a, const ir_value *b)
{
    char left[SH_TEXT], right[SH_TEXT];
    return sh_fail(s, "operands %s and %s cannot be multiplied", sh_text(a, left),
                   sh_text(b, right));
}

/* A product by constant weights is a fully connected layer. */
static void classify(sh_node *s, size_t a, size_t b)
{
    bool weights = sh_is_constant(s, a) || sh_is_constant(s, b);
    s->node->cls = weights ? KERF_CLASS_FC : KERF_CLASS_MATMUL;
}

static void swap_last(int rank, int64_t *dims)
{
    if (rank < 2)
        return;
    int64_t last = dims[rank - 1];
    dims[rank - 1] = dims[rank - 2];
    dims[rank - 2] = last;
}

/* numpy.matmul: a vector gains a dimension at its outer side, which is dropped again. */
static kerf_status product(sh_node *s, const ir_value *a, int64_t *a_dims, const ir_value *b,
                           int64_t *b_dims, kerf_type type)
{
    int64_t dims[IR_MAX_RANK], factors[IR_MAX_RANK + 1], k = 0;
    if (a->rank < 0 || b->rank < 0)
        return sh_emit_unknown(s, 0, type);
    if (a->rank == 0 || b->rank == 0)
        return contradiction(s, a, b);
    if (!sh_dims_agree(a_dims[a->rank - 1], b_dims[b->rank < 2 ? 0 : b->rank - 2], &k))
        return contradiction(s, a, b);
    int rank = a->rank < 2 ? 0 : a->rank - 2;
    memcpy(dims, a_dims, (size_t)rank * sizeof *dims);
    if (!sh_broadcast_dims(&rank, dims, b->rank < 2 ? 0 : b->rank - 2, b_dims))
        return contradiction(s, a, b);
    if (a->rank > 1)
        dims[rank++] = a_dims[a->rank - 2];
    if (b->rank > 1)
        dims[rank++] = b_dims[b->rank - 1];
    memcpy(factors, dims, (size_t)rank * sizeof *dims);
    factors[rank] = k;
    kerf_status status = sh_emit(s, 0, type, rank, dims);
    return status ? status : sh_add_macs(s, factors, (size_t)rank + 1);
}

static kerf_status infer_matmul(sh_node *s, size_t ia, size_t ib, kerf_type type)
{
    const ir_value *a = sh_need(s, ia), *b = sh_need(s, ib);
    int64_t a_dims[IR_MAX_RANK], b_dims[IR_MAX_RANK];
    if (!a || !b)
        return KERF_E_INVALID;
    memcpy(a_dims, a->dims, sizeof a_dims);
    memcpy(b_dims, b->dims, sizeof b_dims);
    classify(s, ia, ib);
    if (ir_attr_int(s->node, "transA", 0) != 0)
        swap_last(a->rank, a_dims);
    if (ir_attr_int(s->node, "transB", 0) != 0)
        swap_last(b->rank, b_dims);
    return product(s, a, a_dims, b, b_dims, type);
}

kerf_status sh_matmul(sh_node *s)
{
    const ir_value *a = sh_need(s, 0);
    return a ? infer_matmul(s, 0, 1, a->type) : KERF_E_INVALID;
}

/* com.microsoft: FusedMatMul, whose transBatch attributes rotate the batch dimensions, too. */
kerf_status sh_fused_matmul(sh_node *s)
{
    const ir_value *a = sh_need(s, 0);
    if (!a)
        return KERF_E_INVALID;
    if (ir_attr_int(s->node, "transBatchA", 0) != 0 ||
        ir_attr_int(s->node, "transBatchB", 0) != 0) {
        classify(s, 0, 1);
        sh_because(s, "transBatchA and transBatchB are not supported");
        return sh_emit_unknown(s, 0, a->type);
    }
    return infer_matmul(s, 0, 1, a->type);
}

/* Integers in, int32 out; with scales (com.microsoft) float out. */
kerf_status sh_matmul_integer(sh_node *s)
{
    const ir_value *scale = sh_in(s, 2);
    bool to_float = strcmp(s->node->type, "MatMulIntegerToFloat") == 0 ||
                    strcmp(s->node->type, "DynamicQuantizeMatMul") == 0;
    kerf_type type = !to_float ? KERF_INT32 : scale ? scale->type : KERF_FLOAT32;
    return infer_matmul(s, 0, 1, type);
}

/* a, its scale, its zero point, b, its scale, its zero point, y's scale, y's zero point. */
kerf_status sh_qlinear_matmul(sh_node *s)
{
    const ir_value *zero = sh_need(s, 7);
    return zero ? infer_matmul(s, 0, 3, zero->type) : KERF_E_INVALID;
}

kerf_status sh_gemm(sh_node *s)
{
    const ir_value *a = sh_need_rank(s, 0, 2), *b = sh_need_rank(s, 1, 2), *c = sh_in(s, 2);
    int64_t a_dims[2] = {-1, -1}, b_dims[2] = {-1, -1}, k = 0;
    char text[SH_TEXT], other[SH_TEXT];
    if (!a || !b)
        return KERF_E_INVALID;
    classify(s, 0, 1);
    if (a->rank == 2)
        memcpy(a_dims, a->dims, sizeof a_dims);
    if (b->rank == 2)
        memcpy(b_dims, b->dims, sizeof b_dims);
    if (ir_attr_int(s->node, "transA", 0) != 0)
        swap_last(2, a_dims);
    if (ir_attr_int(s->node, "transB", 0) != 0)
        swap_last(2, b_dims);
    if (!sh_dims_agree(a_dims[1], b_dims[0], &k))
        return contradiction(s, a, b);
    int64_t dims[IR_MAX_RANK] = {a_dims[0], b_dims[1]}, factors[] = {a_dims[0], b_dims[1], k};
    if (c && sh_shape_known(c) && dims[0] >= 0 && dims[1] >= 0) {
        int rank = 2;
        bool fits = sh_broadcast_dims(&rank, dims, c->rank, c->dims);
        if (!fits || rank != 2 || dims[0] != a_dims[0] || dims[1] != b_dims[1])
            return sh_fail(s, "operand C %s cannot be broadcast to %s", sh_text(c, text),
                           sh_dims_text(2, factors, other));
    }
    kerf_status status = sh_emit(s, 0, a->type, 2, factors);
    return status ? status : sh_add_macs(s, factors, 3);
}

/* com.microsoft: weights packed in blocks of a few bits; attributes K and N say their shape. */
kerf_status sh_matmul_nbits(sh_node *s)
{
    const ir_value *a = sh_need(s, 0);
    int64_t dims[IR_MAX_RANK], factors[IR_MAX_RANK + 1];
    int64_t k = ir_attr_int(s->node, "K", 0), n = ir_attr_int(s->node, "N", 0);
    if (!a)
        return KERF_E_INVALID;
    if (k < 1 || n < 1)
        return sh_fail(s, "attributes K and N must be at least 1");
    if (a->rank < 1)
        return sh_emit_unknown(s, 0, a->type);
    memcpy(dims, a->dims, sizeof dims);
    if (dims[a->rank - 1] >= 0 && dims[a->rank - 1] != k)
        return sh_fail(s, "K is %" PRId64 ", the operand has %" PRId64, k, dims[a->rank - 1]);
    dims[a->rank - 1] = n;
    memcpy(factors, dims, sizeof dims);
    factors[a->rank] = k;
    kerf_status status = sh_emit(s, 0, a->type, a->rank, dims);
    return status ? status : sh_add_macs(s, factors, (size_t)a->rank + 1);
}
