/* What the operators' rules share: access to operands, emission of shapes, folded contents.
 *
 * A rule reads the node's operands (their shapes may be unknown in part or in whole), checks that
 * they agree, and emits the shape of every output. It may set the node's MACs, class and kernels,
 * and the reason why an output stays unknown. A fold, called after the rule, fills the contents of
 * outputs whose elements follow from operands that are known.
 */
#ifndef KERF_MODEL_SHAPE_RULES_H
#define KERF_MODEL_SHAPE_RULES_H

#include "base/error.h"
#include "model/ir.h"

typedef struct sh_node {
    ir_graph *graph;
    ir_node *node;
    int64_t opset;
    unsigned depth;    /* of nested graphs */
    size_t n_operands; /* what a nested graph captures stands behind these among the inputs */
    bool no_memory;    /* latched by allocations, reported at the end of the node */
    bool random;       /* draws numbers: never a constant */
    bool captures;     /* a nested graph reads a value that depends on the network's inputs */
    char reason[192];  /* why outputs are unknown, "" to name the operand they depend on */
    kerf_error *err;
} sh_node;

typedef kerf_status sh_rule(sh_node *s);
typedef void sh_fold(sh_node *s);

/* weights: operands that hold weights where they are constant, bit i for operand i. */
typedef struct sh_entry {
    const char *type;
    sh_rule *rule;
    sh_fold *fold;
    kerf_class cls;
    uint64_t weights;
} sh_entry;

#define SH_SLOT(i) ((uint64_t)1 << (i))

/* table.c: the entry of an operator, NULL if it is unknown. */
const sh_entry *sh_find(const char *domain, const char *type);
/* All entries of a domain, ordered by type; NULL if it is unknown. */
const sh_entry *sh_table(const char *domain, size_t *n);

/* infer.c: a nested graph, whose inputs' values are set. */
kerf_status sh_infer_graph(ir_graph *graph, unsigned depth, kerf_error *err);

/* --- operands and outputs (operand.c) --- */
#define SH_TEXT 160 /* room for a shape in a message */

const ir_value *sh_in(const sh_node *s, size_t i); /* NULL: omitted */
/* An operand that must be there; NULL with the error set if it is not. */
const ir_value *sh_need(sh_node *s, size_t i);
/* The same, with the rank it must have if its rank is known. */
const ir_value *sh_need_rank(sh_node *s, size_t i, int rank);
ir_value *sh_out(const sh_node *s, size_t i); /* NULL: omitted */
bool sh_is_constant(const sh_node *s, size_t i);

/* KERF_E_INVALID at this node. */
kerf_status sh_fail(sh_node *s, const char *format, ...) KERF_PRINTF(2, 3);
#ifdef __clang_analyzer__ /* as in base/error.h */
#define sh_fail(...) kerf_failed(sh_fail(__VA_ARGS__), KERF_E_INVALID)
#endif
void sh_because(sh_node *s, const char *format, ...) KERF_PRINTF(2, 3);
/* A warning that is said once in a network, however often a body is inferred. */
void sh_warn_once(sh_node *s, const char *format, ...) KERF_PRINTF(2, 3);
/* "depends on the value of 'x'", the usual reason. */
void sh_because_value(sh_node *s, size_t i);
/* "1x3x?x224", "scalar", "unknown". */
const char *sh_text(const ir_value *value, char buffer[SH_TEXT]);
const char *sh_dims_text(int rank, const int64_t *dims, char buffer[SH_TEXT]);

/* Output i gets a type and shape; checked for overflow and rank. Rank -1: unknown. */
kerf_status sh_emit(sh_node *s, size_t i, kerf_type type, int rank, const int64_t *dims);
kerf_status sh_emit_like(sh_node *s, size_t i, kerf_type type, const ir_value *value);
kerf_status sh_emit_unknown(sh_node *s, size_t i, kerf_type type);
/* All outputs unknown but of this type. */
kerf_status sh_emit_all_unknown(sh_node *s, kerf_type type);

bool sh_shape_known(const ir_value *value); /* rank and every dimension */
bool sh_type_is_integer(kerf_type type);    /* booleans too */
kerf_type sh_type_from_onnx(int64_t code);
/* The type that attribute `name` names by its ONNX code, or the fallback. */
kerf_type sh_type_attr(const sh_node *s, const char *name, kerf_type fallback);

/* The axis counted from the front; error if out of [-rank, rank). */
kerf_status sh_axis(sh_node *s, int64_t axis, int rank, int *result);
/* The axes of a list as a set of bits; error if one is out of range or stands twice. */
kerf_status sh_axes(sh_node *s, const int64_t *axes, size_t n, int rank, uint32_t *set);
/* Two dimensions that must be equal: the known one, IR_DIM_UNKNOWN if neither is. */
bool sh_dims_agree(int64_t a, int64_t b, int64_t *result);
/* Product of n factors. Unknown if a factor is; false on overflow. Every factor >= -1. */
bool sh_product(const int64_t *factors, size_t n, int64_t *product);
/* Adds the product to the node's MACs (nothing where a factor is unknown). */
kerf_status sh_add_macs(sh_node *s, const int64_t *factors, size_t n);
/* Multidirectional broadcasting of operands; rank -1 where one has unknown rank. */
kerf_status sh_broadcast(sh_node *s, const size_t *operands, size_t n, int *rank,
                         int64_t dims[IR_MAX_RANK]);
/* result and b broadcast against each other into result; false if they contradict or are too
 * long. Works for unknown dimensions too. */
bool sh_broadcast_dims(int *rank, int64_t dims[IR_MAX_RANK], int b_rank, const int64_t *b_dims);

/* A list of integers given by an attribute (older opsets) or an operand (newer). */
typedef struct sh_list {
    enum { SH_ABSENT, SH_UNKNOWN, SH_KNOWN } state;
    const int64_t *at; /* where known; elements may be IR_UNKNOWN_INT if they are an operand's */
    int64_t n;         /* -1: unknown */
    size_t operand;    /* where it is an operand, else KERF_NONE */
} sh_list;
/* attr NULL or operand KERF_NONE: not that way. */
sh_list sh_list_of(const sh_node *s, const char *attr, size_t operand);
/* One integer the same way. False: absent or unknown (`*present` tells which). */
bool sh_integer_of(const sh_node *s, const char *attr, size_t operand, int64_t *value,
                   bool *present);

/* --- contents (content.c) --- */
bool sh_has_content(const ir_value *value);
bool sh_content_complete(const ir_value *value); /* every element known */
/* Room for the content of an output whose shape is known, all elements unknown. False if it is too
 * large, has no numeric type, or memory is short. */
bool sh_new_content(sh_node *s, ir_value *value);
int64_t sh_int_at(const ir_value *value, int64_t i); /* IR_UNKNOWN_INT: not known */
double sh_real_at(const ir_value *value, int64_t i); /* NaN: not known */
void sh_put_int(ir_value *value, int64_t i, int64_t element);
void sh_put_real(ir_value *value, int64_t i, double element);
void sh_copy_element(ir_value *to, int64_t i, const ir_value *from, int64_t j);
/* Copies the whole content of a value with as many elements. */
void sh_copy_content(sh_node *s, ir_value *to, const ir_value *from);
/* Moves a row-major position on by one; false past the end. */
bool sh_next(int64_t *position, int rank, const int64_t *dims);
/* Offset in `value` of a position in a shape that it broadcasts to. */
int64_t sh_broadcast_offset(const ir_value *value, const int64_t *position, int rank);

/* --- the rules, by file --- */
#define SH_RULES(X)                                                                                \
    /* elementwise.c */                                                                            \
    X(sh_unary)                                                                                    \
    X(sh_unary_bool)                                                                               \
    X(sh_binary)                                                                                   \
    X(sh_compare)                                                                                  \
    X(sh_logical)                                                                                  \
    X(sh_where)                                                                                    \
    X(sh_prelu)                                                                                    \
    X(sh_dropout)                                                                                  \
    X(sh_cast)                                                                                     \
    X(sh_cast_like)                                                                                \
    X(sh_variadic)                                                                                 \
    X(sh_real_like)                                                                                \
    /* conv.c */                                                                                   \
    X(sh_conv)                                                                                     \
    X(sh_conv_integer)                                                                             \
    X(sh_qlinear_conv)                                                                             \
    X(sh_conv_transpose)                                                                           \
    X(sh_deform_conv)                                                                              \
    X(sh_col2im)                                                                                   \
    /* pool.c */                                                                                   \
    X(sh_pool)                                                                                     \
    X(sh_global_pool)                                                                              \
    X(sh_qlinear_pool)                                                                             \
    X(sh_qlinear_global_pool)                                                                      \
    X(sh_max_unpool)                                                                               \
    X(sh_max_roi_pool)                                                                             \
    X(sh_roi_align)                                                                                \
    /* matmul.c, einsum.c */                                                                       \
    X(sh_matmul)                                                                                   \
    X(sh_matmul_integer)                                                                           \
    X(sh_qlinear_matmul)                                                                           \
    X(sh_gemm)                                                                                     \
    X(sh_fused_matmul)                                                                             \
    X(sh_matmul_nbits)                                                                             \
    X(sh_einsum)                                                                                   \
    /* recurrent.c */                                                                              \
    X(sh_lstm)                                                                                     \
    X(sh_gru)                                                                                      \
    X(sh_rnn)                                                                                      \
    X(sh_dynamic_lstm)                                                                             \
    /* norm.c */                                                                                   \
    X(sh_batch_norm)                                                                               \
    X(sh_layer_norm)                                                                               \
    X(sh_skip_layer_norm)                                                                          \
    X(sh_channel_norm)                                                                             \
    X(sh_axis_like)                                                                                \
    /* reduce.c */                                                                                 \
    X(sh_reduce)                                                                                   \
    X(sh_arg)                                                                                      \
    X(sh_topk)                                                                                     \
    /* move.c, index.c, resize.c */                                                                \
    X(sh_concat)                                                                                   \
    X(sh_split)                                                                                    \
    X(sh_slice)                                                                                    \
    X(sh_transpose)                                                                                \
    X(sh_pad)                                                                                      \
    X(sh_tile)                                                                                     \
    X(sh_expand)                                                                                   \
    X(sh_depth_to_space)                                                                           \
    X(sh_space_to_depth)                                                                           \
    X(sh_center_crop_pad)                                                                          \
    X(sh_gather)                                                                                   \
    X(sh_gather_nd)                                                                                \
    X(sh_gather_elements)                                                                          \
    X(sh_scatter)                                                                                  \
    X(sh_one_hot)                                                                                  \
    X(sh_compress)                                                                                 \
    X(sh_non_zero)                                                                                 \
    X(sh_nms)                                                                                      \
    X(sh_unique)                                                                                   \
    X(sh_grid_sample)                                                                              \
    X(sh_affine_grid)                                                                              \
    X(sh_resize)                                                                                   \
    X(sh_upsample)                                                                                 \
    X(sh_det)                                                                                      \
    /* generate.c */                                                                               \
    X(sh_constant)                                                                                 \
    X(sh_constant_of_shape)                                                                        \
    X(sh_range)                                                                                    \
    X(sh_shape)                                                                                    \
    X(sh_size)                                                                                     \
    X(sh_eye_like)                                                                                 \
    X(sh_random)                                                                                   \
    X(sh_random_like)                                                                              \
    X(sh_bernoulli)                                                                                \
    X(sh_multinomial)                                                                              \
    X(sh_window_function)                                                                          \
    X(sh_mel)                                                                                      \
    X(sh_dft)                                                                                      \
    X(sh_stft)                                                                                     \
    /* view.c */                                                                                   \
    X(sh_reshape)                                                                                  \
    X(sh_flatten)                                                                                  \
    X(sh_squeeze)                                                                                  \
    X(sh_unsqueeze)                                                                                \
    X(sh_identity)                                                                                 \
    /* quant.c */                                                                                  \
    X(sh_quantize)                                                                                 \
    X(sh_dequantize)                                                                               \
    X(sh_dynamic_quantize)                                                                         \
    X(sh_qlinear_binary)                                                                           \
    X(sh_qlinear_unary)                                                                            \
    X(sh_qlinear_concat)                                                                           \
    X(sh_qlinear_reduce)                                                                           \
    /* attention.c */                                                                              \
    X(sh_attention)                                                                                \
    X(sh_packed_attention)                                                                         \
    X(sh_multi_head_attention)                                                                     \
    X(sh_group_query_attention)                                                                    \
    X(sh_embed_layer_norm)                                                                         \
    /* control.c */                                                                                \
    X(sh_if)                                                                                       \
    X(sh_loop)                                                                                     \
    X(sh_scan)                                                                                     \
    X(sh_data_dependent)                                                                           \
    X(sh_sequence)                                                                                 \
    X(sh_sequence_scalar)                                                                          \
    X(sh_sequence_bool)
#define SH_DECLARE(name) sh_rule name;
SH_RULES(SH_DECLARE)
#undef SH_DECLARE

/* fold.c, fold_move.c */
sh_fold sh_fold_unary, sh_fold_binary, sh_fold_compare, sh_fold_logical, sh_fold_where,
    sh_fold_clip, sh_fold_cast, sh_fold_copy, sh_fold_variadic, sh_fold_reduce, sh_fold_cumsum,
    sh_fold_not;
sh_fold sh_fold_concat, sh_fold_slice, sh_fold_gather, sh_fold_gather_elements, sh_fold_gather_nd,
    sh_fold_transpose, sh_fold_expand, sh_fold_tile, sh_fold_split, sh_fold_scatter_nd,
    sh_fold_non_zero, sh_fold_trilu, sh_fold_one_hot;

/* move.c: where a slice of an axis starts and how it steps, from lists that are known. */
typedef struct sh_span {
    int64_t start, step, length; /* length -1: unknown */
} sh_span;
/* spans of every axis of operand 0; false (with s->err set) on an error. */
kerf_status sh_slice_spans(sh_node *s, sh_span spans[IR_MAX_RANK]);

#endif
