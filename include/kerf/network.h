/* A neural network: a DAG of operators joined by tensors, with the figures that a cost model
 * needs. Loaded from an ONNX file or a JSON network file, with every shape resolved.
 *
 *     kerf_network *net = NULL;
 *     if (kerf_network_load("resnet50.onnx", NULL, &net, &err) == KERF_OK) {
 *         printf("%zu operators, %" PRId64 " MACs\n", net->n_placed, net->macs);
 *         kerf_network_destroy(&net);
 *     }
 *
 * A loaded network is immutable: read its fields, share it between threads, never write to it.
 * All indices are into `operators` or `tensors` of the same network; KERF_NONE stands for none.
 */
#ifndef KERF_NETWORK_H
#define KERF_NETWORK_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KERF_NONE ((size_t)-1)

/* X(enumerator, name in JSON and messages, bits per element) */
#define KERF_TYPE_LIST(X)                                                                          \
    X(KERF_TYPE_UNKNOWN, "unknown", 0)                                                             \
    X(KERF_FLOAT32, "float32", 32)                                                                 \
    X(KERF_FLOAT16, "float16", 16)                                                                 \
    X(KERF_BFLOAT16, "bfloat16", 16)                                                               \
    X(KERF_FLOAT64, "float64", 64)                                                                 \
    X(KERF_FLOAT8, "float8", 8)                                                                    \
    X(KERF_INT8, "int8", 8)                                                                        \
    X(KERF_UINT8, "uint8", 8)                                                                      \
    X(KERF_INT16, "int16", 16)                                                                     \
    X(KERF_UINT16, "uint16", 16)                                                                   \
    X(KERF_INT32, "int32", 32)                                                                     \
    X(KERF_UINT32, "uint32", 32)                                                                   \
    X(KERF_INT64, "int64", 64)                                                                     \
    X(KERF_UINT64, "uint64", 64)                                                                   \
    X(KERF_INT4, "int4", 4)                                                                        \
    X(KERF_UINT4, "uint4", 4)                                                                      \
    X(KERF_BOOL, "bool", 8)                                                                        \
    X(KERF_COMPLEX64, "complex64", 64)                                                             \
    X(KERF_COMPLEX128, "complex128", 128)                                                          \
    X(KERF_STRING, "string", 0)

typedef enum kerf_type {
#define KERF_TYPE_ENUM(code, name, bits) code,
    KERF_TYPE_LIST(KERF_TYPE_ENUM)
#undef KERF_TYPE_ENUM
} kerf_type;

/* What kind of work an operator is, for the cost model. X(enumerator, name) */
#define KERF_CLASS_LIST(X)                                                                         \
    X(KERF_CLASS_CONV, "conv")           /* dense or grouped, kernel larger than 1 */              \
    X(KERF_CLASS_POINTWISE, "pointwise") /* convolution with a kernel of 1 */                      \
    X(KERF_CLASS_DEPTHWISE, "depthwise") /* one group per input channel */                         \
    X(KERF_CLASS_FC, "fc")               /* Gemm, MatMul by constant weights */                    \
    X(KERF_CLASS_MATMUL, "matmul")       /* MatMul of two data tensors: attention */               \
    X(KERF_CLASS_RECURRENT, "recurrent") /* LSTM, GRU, RNN */                                      \
    X(KERF_CLASS_POOL, "pool")                                                                     \
    X(KERF_CLASS_NORM, "norm")               /* batch, layer, instance, group, local response */   \
    X(KERF_CLASS_ELEMENTWISE, "elementwise") /* activations included */                            \
    X(KERF_CLASS_REDUCE, "reduce")           /* reductions, softmax, arg-max */                    \
    X(KERF_CLASS_MOVE, "move")               /* transpose, concat, gather, pad, resize, ... */     \
    X(KERF_CLASS_VIEW, "view")               /* reshape, flatten, ...: free */                     \
    X(KERF_CLASS_OTHER, "other")

typedef enum kerf_class {
#define KERF_CLASS_ENUM(code, name) code,
    KERF_CLASS_LIST(KERF_CLASS_ENUM)
#undef KERF_CLASS_ENUM
        KERF_CLASS_COUNT
} kerf_class;

typedef struct kerf_tensor {
    char *name;
    kerf_type type;
    int rank;          /* -1: unknown */
    int64_t *dims;     /* rank entries; -1: unknown */
    int64_t elements;  /* -1: unknown */
    int64_t bytes;     /* packed size, -1: unknown */
    char *unresolved;  /* why the shape is unknown; NULL where it is known */
    size_t producer;   /* operator, KERF_NONE for network inputs and weights */
    size_t *consumers; /* operators that read it, each once, ascending; ONNX subgraph captures too,
                          but no constant operator (Shape) where the tensor is data */
    size_t n_consumers;
    size_t storage; /* the tensor whose memory this one lives in: itself, or what it is a view
                       of, or the last tensor of its fused group (that group's is written in
                       place) */
    bool constant;  /* depends on no network input: weights and what is computed from them */
    bool is_input, is_output;
} kerf_tensor;

typedef struct kerf_operator {
    char *name; /* unique; made up as "Conv_17" where the file has none */
    char *type; /* "Conv"; "domain::Type" outside the default domain */
    kerf_class cls;
    size_t *inputs; /* tensors, KERF_NONE for an omitted one; subgraph captures at the end */
    size_t n_inputs;
    size_t *outputs; /* tensors, KERF_NONE for an omitted one */
    size_t n_outputs;
    int64_t macs;         /* multiply-accumulates */
    int64_t params;       /* elements of its constant operands in weight positions */
    int64_t weight_bytes; /* bytes of the same */
    int64_t read_bytes;   /* data inputs, each once; 0 for a view */
    int64_t write_bytes;  /* outputs; 0 for a view */
    int64_t kernels;      /* output channels of a convolution, else 0 */
    int64_t groups;       /* of a convolution, else 0 */
    size_t group;         /* fused group */
    size_t source_index;  /* position of the node in the file */
    bool constant;        /* depends on no network input: free, on no side, never placed */
} kerf_operator;

/* A fused group: a path of operators that a runtime executes as one kernel (Conv, BatchNorm,
 * activation, residual Add). Each operator reads the one before it. Every operator that is placed
 * is in exactly one group; most groups are of one. */
typedef struct kerf_group {
    size_t *operators; /* in path order */
    size_t n_operators;
} kerf_group;

typedef struct kerf_network {
    char *name;               /* file name without folder and ending, or the JSON's name */
    char *source;             /* the path it was loaded from, or NULL */
    kerf_operator *operators; /* in a topological order, the file's own where that is one */
    size_t n_operators;
    size_t n_placed; /* operators that are not constant */
    kerf_tensor *tensors;
    size_t n_tensors;
    size_t *inputs; /* tensors fed at run time */
    size_t n_inputs;
    size_t *outputs;
    size_t n_outputs;
    kerf_group *groups; /* ordered by their first operator */
    size_t n_groups;
    int64_t macs; /* totals; params counts a tensor that is used twice once */
    int64_t params;
    int64_t weight_bytes;
    char **warnings; /* one line each: unknown operators, shapes taken on trust */
    size_t n_warnings;
    bool pruned; /* loaded with other outputs than the file's */
} kerf_network;

/* How to resolve what a file leaves open. Zeroed: batch 1, nothing fixed. */
typedef struct kerf_network_options {
    int64_t batch; /* size of an unfixed first dimension of every input; 0 means 1 */
    const struct kerf_dim {
        const char *name; /* symbolic dimension */
        int64_t size;
    } * dims;
    size_t n_dims;
    const struct kerf_input_shape {
        const char *tensor; /* network input */
        const int64_t *dims;
        size_t rank;
    } * inputs;
    size_t n_inputs;
    /* Tensors to take for the outputs instead of the file's: an early exit. Operators and inputs
     * that they do not need are left out. None: the file's outputs. */
    const char *const *outputs;
    size_t n_outputs;
    bool allow_unresolved; /* keep tensors of unknown shape instead of failing */
} kerf_network_options;

/* Loads a network from an ONNX file (*.onnx) or a JSON network file (anything else). Weights are
 * skipped, not read. `options` may be NULL. The caller owns *network.
 * KERF_E_IO, KERF_E_SYNTAX, KERF_E_INVALID (where: operator or JSON pointer), KERF_E_UNRESOLVED
 * (the message names the --dim or --input that would help), KERF_E_TOO_LARGE. */
KERF_API kerf_status kerf_network_load(const char *path, const kerf_network_options *options,
                                       kerf_network **network, kerf_error *err);

/* Frees *network and sets it to NULL; NULL is fine. */
KERF_API void kerf_network_destroy(kerf_network **network);

/* The tensor or operator of that name, KERF_NONE if there is none. Linear time. */
KERF_API size_t kerf_network_find_tensor(const kerf_network *network, const char *name);
KERF_API size_t kerf_network_find_operator(const kerf_network *network, const char *name);

KERF_API const char *kerf_type_name(kerf_type type);
KERF_API int kerf_type_bits(kerf_type type); /* 0 for unknown and string */
KERF_API const char *kerf_class_name(kerf_class cls);

#ifdef __cplusplus
}
#endif
#endif
