/* Protobuf messages made in memory, by nanopb's encoders. A failed allocation is remembered. */
#ifndef KERF_MODEL_ONNX_ENCODE_H
#define KERF_MODEL_ONNX_ENCODE_H

#include "model/ir.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct onnx_bytes {
    unsigned char *data;
    size_t n, capacity;
    bool failed;
} onnx_bytes;

void onnx_bytes_clear(onnx_bytes *b);
void onnx_put_number(onnx_bytes *b, uint32_t field, uint64_t number);
void onnx_put_float(onnx_bytes *b, uint32_t field, float number);
void onnx_put_bytes(onnx_bytes *b, uint32_t field, const void *bytes, size_t n);
void onnx_put_text(onnx_bytes *b, uint32_t field, const char *text);
/* Appends the message and empties it. */
void onnx_put_message(onnx_bytes *b, uint32_t field, onnx_bytes *message);
/* Tag and length of a field whose payload follows from elsewhere. */
void onnx_put_header(onnx_bytes *b, uint32_t field, uint64_t size);
void onnx_put_raw(onnx_bytes *b, const void *bytes, size_t n);

/* A type as ONNX numbers it, 0 for none (float8 is several). */
uint32_t onnx_type_number(kerf_type type);
/* A StringStringEntryProto. */
void onnx_put_entry(onnx_bytes *b, uint32_t field, const char *key, const char *value);
/* A NodeProto with one output and no attributes, to be completed and put by onnx_put_message. */
void onnx_begin_node(onnx_bytes *node, const char *type, const char *name,
                     const char *const *inputs, size_t n, const char *output);
void onnx_put_int_attribute(onnx_bytes *node, const char *name, int64_t value);
void onnx_put_tensor_attribute(onnx_bytes *node, const char *name, onnx_bytes *tensor);
/* A TensorProto of integers (booleans too) or reals; false: a type that is neither. */
bool onnx_encode_tensor(onnx_bytes *tensor, kerf_type type, const int64_t *dims, int rank,
                        const int64_t *ints, const double *floats, size_t n);
/* A ValueInfoProto; dimensions below 0 are open, named where names has one. */
void onnx_put_value_info(onnx_bytes *b, uint32_t field, const char *name, uint32_t type,
                         const int64_t *dims, char *const *names, int rank);

#endif
