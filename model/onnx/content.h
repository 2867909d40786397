/* Content of small tensors as ir_value holds it, and where external data lies. */
#ifndef KERF_MODEL_ONNX_CONTENT_H
#define KERF_MODEL_ONNX_CONTENT_H

#include "model/onnx/reader.h"

/* How many elements of that type are kept at most: as many as may be folded where they may be
 * sizes or indices; few of reals (to 64 bits, but float8) and of 8-bit integers, which are scales
 * and factors if they are small, and weights otherwise; none of other types. */
size_t onnx_content_limit(kerf_type type);
bool onnx_is_nibble(kerf_type type);

/* Sets value->ints or value->floats from little-endian bytes (as many as its type and `n` ask
 * for), or from the lists of the typed fields. False: out of memory. */
bool onnx_content_raw(ir_value *value, const unsigned char *bytes, size_t n);
bool onnx_content_typed(ir_value *value, const int64_t *ints, size_t n_ints, const double *floats,
                        size_t n_floats);

/* Whether a location is inside the model's folder: not absolute, no step up. */
bool onnx_is_confined(const char *location);

/* Finds external data of `bytes` bytes. *file is NULL, with a warning, where it cannot be had: the
 * file is absent, or its path leaves the model's folder. A length or offset that makes no sense is
 * an error. */
bool onnx_external_find(onnx_reader *reader, const char *where, const char *location,
                        const char *offset, const char *length, uint64_t bytes, onnx_file **file,
                        uint64_t *at);

#endif
