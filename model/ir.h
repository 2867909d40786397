/* The network while it is being read: a graph as files state it, before shapes are known.
 *
 *   onnx/ and json/ fill an ir_graph -> shape/ infers types, shapes, constants, MACs and classes
 *   (ir_infer) -> build.c turns it into the immutable kerf_network of the public API.
 *
 * A graph owns everything in it. Values are referred to by index into graph->values; a nested
 * graph (If, Loop, Scan) has values of its own, and those it captures from the graph around it are
 * values whose `outer` is the index there.
 */
#ifndef KERF_MODEL_IR_H
#define KERF_MODEL_IR_H

#include "kerf/network.h"

#define IR_MAX_RANK    16
#define IR_MAX_DEPTH   32 /* of nested graphs */
#define IR_MAX_VALUES  ((size_t)16 << 20)
#define IR_MAX_NODES   ((size_t)4 << 20)
#define IR_MAX_FOLD    4096      /* values with more elements are not folded */
#define IR_UNKNOWN_INT INT64_MIN /* an element of a folded value that is not known */
#define IR_DIM_UNKNOWN (-1)

typedef struct ir_value {
    char *name; /* "" never; omitted operands are KERF_NONE in the node */
    kerf_type type;
    int rank;                  /* -1: unknown */
    int64_t dims[IR_MAX_RANK]; /* IR_DIM_UNKNOWN: unknown */
    /* What the file itself says of the value (value_info, declared outputs): used where inference
     * cannot know better. declared_rank -1: nothing. */
    kerf_type declared_type;
    int declared_rank;
    int64_t declared_dims[IR_MAX_RANK];
    char **dim_names;      /* inputs: symbolic names by dimension, IR_MAX_RANK entries that may
                              be NULL; or NULL */
    bool initializer;      /* stands in the file with data (in line, or as external data) */
    bool constant;         /* depends on no network input */
    kerf_type stored_type; /* constants that a runtime keeps in another type (int8 behind
                              DequantizeLinear), else KERF_TYPE_UNKNOWN */
    /* Content where it is known and has at most IR_MAX_FOLD elements (the readers keep fewer of
     * what is no size or index, such as reals): integers and booleans in `ints` (single elements
     * may be IR_UNKNOWN_INT), reals in `floats`; else NULL. */
    int64_t *ints;
    double *floats;
    size_t outer;     /* captured from the enclosing graph: index there, else KERF_NONE */
    char *unresolved; /* why the shape is unknown, or NULL */
} ir_value;

struct ir_graph;

typedef enum ir_attr_kind {
    IR_ATTR_OTHER,
    IR_ATTR_INT,
    IR_ATTR_FLOAT,
    IR_ATTR_STRING,
    IR_ATTR_INTS,
    IR_ATTR_FLOATS,
    IR_ATTR_STRINGS,
    IR_ATTR_TENSOR, /* a constant: its value is in `tensor` */
    IR_ATTR_GRAPH
} ir_attr_kind;

typedef struct ir_attr {
    char *name;
    ir_attr_kind kind;
    int64_t i;
    double f;
    char *s;
    int64_t *ints;
    double *floats;
    char **strings;
    size_t n; /* of ints, floats, strings */
    ir_value *tensor;
    struct ir_graph *graph;
} ir_attr;

typedef struct ir_node {
    char *name; /* may be empty */
    char *type;
    char *domain;   /* "" is the default domain ("ai.onnx" is normalised to it) */
    size_t *inputs; /* values, KERF_NONE for an omitted operand */
    size_t n_inputs;
    size_t *outputs;
    size_t n_outputs;
    ir_attr *attrs;
    size_t n_attrs;
    size_t source_index; /* position in the file */
    bool figures_given;  /* macs, cls and the outputs' shapes are set already (JSON "Block") */
    int64_t given_weight_bytes; /* with figures_given: weights that are no tensor; else 0 */
    /* filled by ir_infer */
    kerf_class cls;
    int64_t macs;
    int64_t kernels; /* output channels of a convolution, else 0 */
    int64_t groups;  /* of a convolution, else 0 */
    /* Bit i: constant input i is a weight (params and weight_bytes count it). */
    uint64_t weight_slots;
    int64_t inner_params;       /* weights inside nested graphs: elements, each once, */
    int64_t inner_weight_bytes; /* and bytes */
    bool constant;              /* no input depends on a network input */
} ir_node;

typedef struct ir_graph {
    char *name;
    int64_t
        opset; /* of the default domain; inherited by nested graphs; 0 = none stated, treat as 7 */
    ir_value *values;
    size_t n_values, cap_values;
    ir_node *nodes; /* topologically ordered before ir_infer is called */
    size_t n_nodes, cap_nodes;
    size_t *inputs; /* values fed at run time: initializers that an old IR lists as inputs are not
                       here */
    size_t n_inputs;
    size_t *outputs;
    size_t n_outputs;
    struct ir_graph *parent; /* enclosing graph or NULL; borrowed */
    char **warnings;         /* of the outermost graph: one line each */
    size_t n_warnings, cap_warnings;
    /* Of the outermost graph: what inference has spent, so that hostile files are bounded. */
    size_t folded_elements, infer_steps;
} ir_graph;

/* ir.c: construction. All return false or KERF_NONE on lack of memory, or above IR_MAX_VALUES,
 * IR_MAX_NODES. */
ir_graph *ir_graph_new(void);
void ir_graph_free(ir_graph *graph); /* NULL is fine */
size_t ir_add_value(ir_graph *graph, const char *name, size_t length);
ir_node *ir_add_node(ir_graph *graph); /* zeroed; valid until the next call */
/* These free what a thing owns and leave it empty, not the thing itself. */
void ir_value_clear(ir_value *value);
void ir_value_clear_content(ir_value *value); /* ints, floats and unresolved alone */
void ir_attr_clear(ir_attr *attr);
void ir_node_clear(ir_node *node);
/* Appends a warning to the outermost graph, at most 1000 of them. */
bool ir_warn(ir_graph *graph, const char *format, ...) KERF_PRINTF(2, 3);

/* Attribute look-up: the value or the default. */
const ir_attr *ir_attr_find(const ir_node *node, const char *name);
int64_t ir_attr_int(const ir_node *node, const char *name, int64_t fallback);
double ir_attr_float(const ir_node *node, const char *name, double fallback);
const char *ir_attr_string(const ir_node *node, const char *name, const char *fallback);
/* The integers of attribute `name`, NULL (and *n = 0) if absent. */
const int64_t *ir_attr_ints(const ir_node *node, const char *name, size_t *n);

/* Elements of a value, -1 if unknown or if the product overflows int64. */
int64_t ir_elements(const ir_value *value);
/* Label of a node for messages: its name, else "Type_<source_index>". */
const char *ir_node_label(const ir_node *node, char *buffer, size_t size);

/* ir_sort.c: puts nodes in topological order, keeping the file's order where it is one already.
 * KERF_E_INVALID: a cycle (where: a node on it), a value with two producers, an operand that
 * nothing produces. */
kerf_status ir_sort(ir_graph *graph, kerf_error *err);

/* prune.c: keeps only the nodes and inputs that the named tensors need, which become the outputs.
 * Before ir_infer. KERF_E_INVALID: no node makes a tensor of that name, or a name stands twice. */
kerf_status ir_prune(ir_graph *graph, const char *const *outputs, size_t n, kerf_error *err);

/* shape/infer.c: types, shapes, folded constants, MACs, classes of every value and node. Shapes
 * that cannot be known leave rank or dims unknown, with ir_value.unresolved saying why.
 * KERF_E_INVALID (where: node): operands whose shapes contradict, overflow. Unknown operators are
 * not errors: declared shape, no MACs, a warning. */
kerf_status ir_infer(ir_graph *graph, kerf_error *err);

/* build.c: the immutable network from an inferred graph. Takes nothing over; the graph is freed by
 * the caller as ever. With allow_unresolved false, unknown shapes of data tensors that matter are
 * KERF_E_UNRESOLVED. */
kerf_status ir_build_network(const ir_graph *graph, const char *name, const char *source,
                             bool allow_unresolved, kerf_network **network, kerf_error *err);

/* The readers. Options fix the inputs' shapes (by ir_apply_options). */
kerf_status onnx_read(const char *path, const kerf_network_options *options, ir_graph **graph,
                      kerf_error *err);
kerf_status network_json_read(const char *path, const kerf_network_options *options, char **name,
                              ir_graph **graph, kerf_error *err);
/* options.c: fixes the shapes of graph->inputs from --batch, --dim, --input; every dim_names entry
 * and unknown dimension is resolved or stays unknown. Unknown names in options are errors. */
kerf_status ir_apply_options(ir_graph *graph, const kerf_network_options *options, kerf_error *err);

#endif
