/* Shared by the parts of the outline's reader: how fields, texts and names are read. All return
 * false where outline->status says why. */
#ifndef KERF_MODEL_ONNX_OUTLINE_READ_H
#define KERF_MODEL_ONNX_OUTLINE_READ_H

#include "model/onnx/outline.h"

#define OUTLINE_FAIL(o, code, where, ...)                                                          \
    ((o)->status = kerf_fail((o)->err, code, where, __VA_ARGS__), false)
#define OUTLINE_NOMEM(o) OUTLINE_FAIL(o, KERF_E_NOMEM, NULL, "out of memory")

/* Field numbers of the ONNX specification. */
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum {
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_INFO = 13,
    GRAPH_ANNOTATION = 14,
    GRAPH_SPARSE = 15
};
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum {
    ATTRIBUTE_TENSOR = 5,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_TENSORS = 10,
    ATTRIBUTE_GRAPHS = 11,
    ATTRIBUTE_SPARSE = 22,
    ATTRIBUTE_SPARSES = 23
};
enum { TENSOR_NAME = 8, TENSOR_RAW = 9, TENSOR_EXTERNAL = 13, TENSOR_LOCATION = 14 };

/* outline_fields.c */
bool outline_broken(onnx_outline *o, uint64_t at);
/* NULL: too long, broken, or out of memory. */
char *outline_read_text(onnx_outline *o, const onnx_extent *extent, uint64_t limit);
bool outline_replace_text(onnx_outline *o, const onnx_extent *extent, char **text);
/* The tensor of that name, made if there is none; takes the name over. KERF_NONE: out of memory. */
size_t outline_tensor_of(onnx_outline *o, char *name);
/* *tensor is KERF_NONE for an empty name. */
bool outline_read_name(onnx_outline *o, const onnx_extent *extent, size_t *tensor);
/* The name in field `wanted` of a message, KERF_NONE if it has none. */
bool outline_find_name(onnx_outline *o, const onnx_extent *message, uint32_t wanted,
                       size_t *tensor);
bool outline_append(onnx_outline *o, size_t **list, size_t *n, size_t *capacity, size_t item);

/* outline_nested.c: what a node's attributes hold. What their graphs capture becomes an operand of
 * the node. */
bool outline_scan_attribute(onnx_outline *o, const onnx_extent *attribute, outline_node *node);
/* Notes external data. */
bool outline_scan_tensor(onnx_outline *o, const onnx_extent *tensor);
/* A sparse tensor's name is that of its values. */
bool outline_sparse_values(onnx_outline *o, const onnx_extent *sparse, onnx_extent *values);

#endif
