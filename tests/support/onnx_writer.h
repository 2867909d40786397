/* Writes ONNX models, well-formed or not, field by field: just enough protobuf for the tests.
 *
 *     onnx_bytes graph = {0}, model = {0};
 *     ow_node(&graph, "Relu", "r", "x", "y", NULL);
 *     ow_value(&graph, OW_INPUT, "x", 1, "N,3,8,8");
 *     ow_value(&graph, OW_OUTPUT, "y", 1, "");
 *     ow_model(&model, &graph, 13);
 *     ir_graph *read = NULL;
 *     kerf_status status = ow_read(&model, NULL, &read, &err);
 *     ow_free(&model);
 *
 * Functions that take a message (graph, attributes, ...) empty it. Lack of memory ends the test
 * program.
 */
#ifndef KERF_TESTS_ONNX_WRITER_H
#define KERF_TESTS_ONNX_WRITER_H

#include "model/ir.h"

#include <stddef.h>
#include <stdint.h>

typedef struct onnx_bytes {
    unsigned char *data;
    size_t n, capacity;
} onnx_bytes;

void ow_free(onnx_bytes *b);

/* Protobuf */
void ow_raw(onnx_bytes *b, const void *data, size_t n);
void ow_varint(onnx_bytes *b, uint64_t number);
void ow_int(onnx_bytes *b, unsigned field, int64_t number);
void ow_float(onnx_bytes *b, unsigned field, float number);
void ow_data(onnx_bytes *b, unsigned field, const void *data, size_t n);
void ow_text(onnx_bytes *b, unsigned field, const char *text);
void ow_message(onnx_bytes *b, unsigned field, onnx_bytes *message);

/* ONNX: graph fields for ow_value */
enum { OW_INPUT = 11, OW_OUTPUT = 12, OW_VALUE_INFO = 13 };
enum {
    OW_FLOAT = 1,
    OW_UINT8 = 2,
    OW_INT8 = 3,
    OW_INT32 = 6,
    OW_INT64 = 7,
    OW_STRING = 8,
    OW_BOOL = 9,
    OW_FLOAT16 = 10
};

/* Lists are names with commas; an empty name is an omitted operand. "" is no operand at all. */
void ow_node(onnx_bytes *graph, const char *type, const char *name, const char *inputs,
             const char *outputs, onnx_bytes *attributes);
/* The node alone, for a function's body and the like. */
void ow_node_in(onnx_bytes *holder, unsigned field, const char *domain, const char *type,
                const char *name, const char *inputs, const char *outputs, onnx_bytes *attributes);
void ow_attr_int(onnx_bytes *attributes, const char *name, int64_t number);
void ow_attr_ints(onnx_bytes *attributes, const char *name, const int64_t *numbers, size_t n);
void ow_attr_reference(onnx_bytes *attributes, const char *name, const char *of, int type);
void ow_attr_message(onnx_bytes *attributes, const char *name, unsigned field, int type,
                     onnx_bytes *message);
/* Shape as "N,3,?,224": numbers, symbols, ? for nothing; NULL: no shape. */
void ow_value(onnx_bytes *graph, unsigned field, const char *name, int type, const char *shape);
/* A TensorProto's name, type and dims ("2,3"). */
void ow_tensor(onnx_bytes *tensor, const char *name, int type, const char *dims);
/* An initializer with raw data, or without any (data NULL). */
void ow_initializer(onnx_bytes *graph, const char *name, int type, const char *dims,
                    const void *data, size_t n);
/* opset 0: none is stated. */
void ow_model(onnx_bytes *model, onnx_bytes *graph, int64_t opset);

/* Reads the bytes as a file (that has no name in the file system). */
kerf_status ow_read(const onnx_bytes *model, const kerf_network_options *options, ir_graph **graph,
                    kerf_error *err);
kerf_status ow_read_bytes(const void *data, size_t n, const kerf_network_options *options,
                          ir_graph **graph, kerf_error *err);

#endif
