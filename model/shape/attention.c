/* Attention as one operator: ONNX's own (opset 23) and com.microsoft's. MACs: those of the matrix
 * products that it stands for. */
#include "model/shape/rules.h"

#include <inttypes.h>
#include <string.h>

static int64_t times(int64_t a, int64_t b)
{
    int64_t product = 0, factors[] = {a, b};
    return sh_product(factors, 2, &product) ? product : IR_DIM_UNKNOWN;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum = 0;
    return a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum) ? IR_DIM_UNKNOWN : sum;
}

/* batch * queries * keys * (hidden size of the queries + that of the values). */
static kerf_status add_attention(sh_node *s, int64_t batch, int64_t queries, int64_t keys,
                                 int64_t q_hidden, int64_t v_hidden)
{
    int64_t factors[] = {batch, queries, keys, plus(q_hidden, v_hidden)};
    return sh_add_macs(s, factors, 4);
}

typedef struct operand4 { /* batch, heads, length, head size */
    int64_t batch, heads, length, size;
} operand4;

/* A [batch, heads, length, size] operand, or [batch, length, heads * size]. */
static kerf_status read_operand(sh_node *s, size_t i, int64_t heads, operand4 *o)
{
    const ir_value *x = sh_need(s, i);
    char text[SH_TEXT];
    *o = (operand4){IR_DIM_UNKNOWN, heads > 0 ? heads : IR_DIM_UNKNOWN, IR_DIM_UNKNOWN,
                    IR_DIM_UNKNOWN};
    if (!x)
        return KERF_E_INVALID;
    if (x->rank < 0)
        return KERF_OK;
    if (x->rank == 4) {
        *o = (operand4){x->dims[0], x->dims[1], x->dims[2], x->dims[3]};
        return KERF_OK;
    }
    if (x->rank != 3 || heads < 1 || (x->dims[2] >= 0 && x->dims[2] % heads != 0))
        return sh_fail(s, "operand %zu of shape %s does not divide into %" PRId64 " heads", i + 1,
                       sh_text(x, text), heads);
    *o = (operand4){x->dims[0], heads, x->dims[1], x->dims[2] < 0 ? -1 : x->dims[2] / heads};
    return KERF_OK;
}

/* Q, K, V, mask, past key, past value: Y, present key, present value, product. */
kerf_status sh_attention(sh_node *s)
{
    int64_t q_heads = ir_attr_int(s->node, "q_num_heads", 0);
    int64_t kv_heads = ir_attr_int(s->node, "kv_num_heads", 0);
    const ir_value *past = sh_in(s, 4);
    operand4 q, k, v;
    kerf_status status = read_operand(s, 0, q_heads, &q);
    if (!status)
        status = read_operand(s, 1, kv_heads, &k);
    if (!status)
        status = read_operand(s, 2, kv_heads, &v);
    if (status)
        return status;
    kerf_type type = sh_in(s, 0)->type;
    int rank = sh_in(s, 0)->rank;
    int64_t keys = !past ? k.length : plus(k.length, past->rank == 4 ? past->dims[2] : -1);
    int64_t flat[3] = {q.batch, q.length, times(q.heads, v.size)};
    int64_t full[4] = {q.batch, q.heads, q.length, v.size};
    int64_t key[4] = {k.batch, k.heads, keys, k.size}, value[4] = {v.batch, v.heads, keys, v.size};
    int64_t product[4] = {q.batch, q.heads, q.length, keys};
    status = sh_emit(s, 0, type, rank, rank == 3 ? flat : full);
    if (!status)
        status = sh_emit(s, 1, type, 4, key);
    if (!status)
        status = sh_emit(s, 2, type, 4, value);
    if (!status)
        status = sh_emit(s, 3, type, 4, product);
    if (status)
        return status;
    return add_attention(s, q.batch, q.length, keys, times(q.heads, q.size),
                         times(q.heads, v.size));
}

/* com.microsoft::Attention: input [batch, length, in], weights [in, Q + K + V], bias, mask, past.
 */
kerf_status sh_packed_attention(sh_node *s)
{
    const ir_value *x = sh_need_rank(s, 0, 3), *w = sh_need_rank(s, 1, 2), *past = sh_in(s, 4);
    size_t n = 0;
    char left[SH_TEXT], right[SH_TEXT];
    int64_t in = 0;
    if (!x || !w)
        return KERF_E_INVALID;
    if (x->rank < 0 || w->rank < 0)
        return sh_emit_unknown(s, 0, x->type);
    if (!sh_dims_agree(x->dims[2], w->dims[0], &in))
        return sh_fail(s, "input %s and weights %s do not fit", sh_text(x, left),
                       sh_text(w, right));
    const int64_t *sizes = ir_attr_ints(s->node, "qkv_hidden_sizes", &n);
    int64_t third = w->dims[1] < 0 ? IR_DIM_UNKNOWN : w->dims[1] / 3;
    int64_t q_hidden = n == 3 ? sizes[0] : third, v_hidden = n == 3 ? sizes[2] : third;
    if (n == 3 && (sizes[0] < 1 || sizes[2] < 1))
        return sh_fail(s, "qkv_hidden_sizes must be at least 1");
    int64_t keys = !past ? x->dims[1] : plus(x->dims[1], past->rank == 5 ? past->dims[3] : -1);
    int64_t dims[3] = {x->dims[0], x->dims[1], v_hidden};
    int64_t projection[] = {x->dims[0], x->dims[1], in, w->dims[1]};
    int64_t heads = ir_attr_int(s->node, "num_heads", 0);
    int64_t present[5] = {2, x->dims[0], heads > 0 ? heads : -1, keys,
                          heads > 0 && v_hidden >= 0 ? v_hidden / heads : -1};
    kerf_status status = sh_emit(s, 0, x->type, 3, dims);
    if (!status)
        status = sh_emit(s, 1, x->type, 5, present);
    if (!status)
        status = sh_add_macs(s, projection, 4);
    return status ? status : add_attention(s, x->dims[0], x->dims[1], keys, q_hidden, v_hidden);
}

/* com.microsoft: query [batch, length, hidden], key and value likewise or split into heads; packed
 * forms, where they are absent, are left to the declaration. */
kerf_status sh_multi_head_attention(sh_node *s)
{
    const ir_value *q = sh_need(s, 0), *k = sh_in(s, 1), *v = sh_in(s, 2), *past = sh_in(s, 6);
    int64_t heads = ir_attr_int(s->node, "num_heads", 0);
    if (!q)
        return KERF_E_INVALID;
    if (q->rank != 3 || !k || !v || k->rank < 3 || k->rank > 4 || v->rank != k->rank) {
        sh_because(s, "packed operands of %.60s are not supported", s->node->type);
        return sh_emit_unknown(s, 0, q->type);
    }
    bool split = k->rank == 4;
    int64_t keys = k->dims[split ? 2 : 1];
    int64_t v_hidden = split ? times(v->dims[1], v->dims[3]) : v->dims[2];
    if (past)
        keys = plus(keys, past->rank == 4 ? past->dims[2] : -1);
    int64_t dims[3] = {q->dims[0], q->dims[1], v_hidden};
    int64_t size = heads > 0 && v_hidden >= 0 ? v_hidden / heads : IR_DIM_UNKNOWN;
    int64_t present[4] = {q->dims[0], heads > 0 ? heads : IR_DIM_UNKNOWN, keys, size};
    kerf_status status = sh_emit(s, 0, q->type, 3, dims);
    for (size_t i = 1; i <= 2 && !status; i++)
        status = sh_emit(s, i, q->type, 4, present);
    return status ? status : add_attention(s, q->dims[0], q->dims[1], keys, q->dims[2], v_hidden);
}

/* com.microsoft: query, key, value, past key, past value, lengths; the present keys and values live
 * in buffers as large as the past ones. */
kerf_status sh_group_query_attention(sh_node *s)
{
    const ir_value *q = sh_need(s, 0), *k = sh_in(s, 1), *past = sh_in(s, 3);
    int64_t heads = ir_attr_int(s->node, "num_heads", 0);
    int64_t kv_heads = ir_attr_int(s->node, "kv_num_heads", 0);
    if (!q)
        return KERF_E_INVALID;
    if (heads < 1 || heads > 1 << 20 || kv_heads < 1 || kv_heads > 1 << 20)
        return sh_fail(s, "num_heads or kv_num_heads is out of range");
    if (q->rank != 3 || q->dims[2] < 0)
        return sh_emit_unknown(s, 0, q->type);
    int64_t size = k ? q->dims[2] / heads : q->dims[2] / (heads + 2 * kv_heads);
    int64_t keys = past && past->rank == 4 && past->dims[2] > 0 ? past->dims[2] : q->dims[1];
    int64_t dims[3] = {q->dims[0], q->dims[1], times(size, heads)};
    int64_t present[4] = {q->dims[0], kv_heads, past ? IR_DIM_UNKNOWN : keys, size};
    kerf_status status = sh_emit(s, 0, q->type, 3, dims);
    for (size_t i = 1; i <= 2 && !status; i++)
        status = sh_emit(s, i, q->type, 4, present);
    return status ? status : add_attention(s, q->dims[0], q->dims[1], keys, dims[2], dims[2]);
}

/* com.microsoft: ids [batch, length], segments, tables of words, positions, segments. */
kerf_status sh_embed_layer_norm(sh_node *s)
{
    const ir_value *ids = sh_need_rank(s, 0, 2), *table = sh_need_rank(s, 2, 2);
    if (!ids || !table)
        return KERF_E_INVALID;
    int64_t batch = ids->rank < 0 ? IR_DIM_UNKNOWN : ids->dims[0];
    int64_t dims[3] = {batch, ids->rank < 0 ? IR_DIM_UNKNOWN : ids->dims[1],
                       table->rank < 0 ? IR_DIM_UNKNOWN : table->dims[1]};
    kerf_status status = sh_emit(s, 0, table->type, 3, dims);
    if (!status)
        status = sh_emit(s, 1, KERF_INT32, 1, &batch);
    return status ? status : sh_emit(s, 2, table->type, 3, dims);
}
