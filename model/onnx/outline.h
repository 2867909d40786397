/* Where things are in an ONNX file: the extents of its nodes, initializers and declarations, and
 * the names by which they depend on each other. The writer copies extents; payloads are never read.
 */
#ifndef KERF_MODEL_ONNX_OUTLINE_H
#define KERF_MODEL_ONNX_OUTLINE_H

#include "model/onnx/reader.h"

/* A field of a message: tag at `start`, payload of `size` bytes at `at`; it ends where the payload
 * does. A field that is no length-delimited one has its number and no payload. */
typedef struct onnx_extent {
    uint64_t start, at, size;
    uint64_t number;
    uint32_t field;
} onnx_extent;

typedef struct outline_tensor {
    char *name;
    size_t producer, initializer, input, output, info; /* KERF_NONE: none */
} outline_tensor;

typedef struct outline_node {
    onnx_extent extent;
    char *name, *type;
    size_t *inputs; /* tensors, those that nested graphs capture included */
    size_t n_inputs, cap_inputs;
    size_t *outputs;
    size_t n_outputs, cap_outputs;
} outline_node;

/* A declaration: an input, an output, a value_info entry. */
typedef struct outline_port {
    onnx_extent extent;
    size_t tensor;
} outline_port;

typedef struct outline_initializer {
    onnx_extent extent;
    size_t tensor;
    onnx_extent raw; /* its raw_data, size 0 if it has none */
    char *location;  /* of external data, or NULL */
    uint64_t offset, length;
} outline_initializer;

typedef struct outline_annotation { /* quantization: a tensor's scale, zero point, ... */
    onnx_extent extent;
    size_t tensor;
    size_t *parameters;
    size_t n_parameters, cap_parameters;
} outline_annotation;

typedef struct onnx_outline {
    onnx_file file;
    const char *path;
    kerf_error *err;
    kerf_status status;
    onnx_names names;
    outline_tensor *tensors;
    size_t n_tensors, cap_tensors;
    outline_node *nodes;
    size_t n_nodes, cap_nodes;
    outline_initializer *initializers;
    size_t n_initializers, cap_initializers;
    outline_port *inputs, *outputs, *infos;
    size_t n_inputs, cap_inputs, n_outputs, cap_outputs, n_infos, cap_infos;
    outline_annotation *annotations;
    size_t n_annotations, cap_annotations;
    onnx_extent *model_rest; /* of the model: all but the graph and kerf's own metadata */
    size_t n_model_rest, cap_model_rest;
    onnx_extent *graph_rest; /* of the graph: its name and other texts */
    size_t n_graph_rest, cap_graph_rest;
    onnx_extent graph;
    int64_t opset;                         /* of the default domain, 0: none */
    bool inner_external;                   /* a tensor inside a node has external data */
    char *split_id, *part, *source_sha256; /* kerf's metadata, or NULL */
} onnx_outline;

/* Reads the outline of a file; `path` is borrowed. onnx_outline_clear also after a failure. */
kerf_status onnx_outline_read(onnx_outline *outline, const char *path, kerf_error *err);
void onnx_outline_clear(onnx_outline *outline);

/* The tensor of that name, or KERF_NONE. */
size_t onnx_outline_find(const onnx_outline *outline, const char *name);

/* What the file declares of a tensor: its element type as ONNX numbers it (0: none), its rank (-1:
 * none) and the names of symbolic dimensions, to be freed (IR_MAX_RANK entries). */
typedef struct outline_declared {
    int64_t type;
    int rank;
    char *dim_names[IR_MAX_RANK];
} outline_declared;
bool onnx_outline_declared(onnx_outline *outline, size_t tensor, outline_declared *declared);
void onnx_declared_clear(outline_declared *declared);

/* Fields of a message one by one; false at its end or on an error (outline->status). `at` starts at
 * the message's offset. */
bool onnx_outline_next(onnx_outline *outline, uint64_t *at, uint64_t end, onnx_extent *extent);

#endif
