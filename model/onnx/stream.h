/* A file as nanopb's input stream, with cheap seeking: what is not wanted is stepped over by
 * moving a position, so that weights are never read. 64-bit offsets throughout.
 */
#ifndef KERF_MODEL_ONNX_STREAM_H
#define KERF_MODEL_ONNX_STREAM_H

#include "kerf/status.h"

#include <pb_decode.h>
#include <stdbool.h>
#include <stdint.h>

/* Small, because after each step over weights one buffer is read anew. */
#define ONNX_BUFFER 4096

typedef struct onnx_file {
    int fd;
    uint64_t size;
    uint64_t position; /* of the next byte to decode */
    uint64_t start;    /* file offset of buffer[0] */
    size_t filled;
    int failure; /* errno of a read that failed, 0: none did */
    unsigned char buffer[ONNX_BUFFER];
} onnx_file;

/* Opens a regular file for reading. KERF_E_IO: absent, unreadable, a directory or a device. */
kerf_status onnx_file_open(onnx_file *file, const char *path, kerf_error *err);
void onnx_file_close(onnx_file *file); /* a closed file (fd < 0) is fine */

/* Reads `count` bytes at `offset`; false at the end of the file or on an error. */
bool onnx_file_read_at(onnx_file *file, uint64_t offset, void *bytes, size_t count);

/* A stream over `size` bytes from `offset` on. One stream of a file is in use at a time, apart
 * from nanopb's own substreams. */
pb_istream_t onnx_stream(onnx_file *file, uint64_t offset, uint64_t size);

/* In a callback: whether the stream is a length-delimited field of the file. A field that the file
 * holds with another wire type comes as a stream of another kind, to be refused. */
bool onnx_stream_is_file(const pb_istream_t *stream);

/* Steps over the rest of such a field. *offset and *size say what was stepped over. */
void onnx_stream_skip(pb_istream_t *stream, uint64_t *offset, uint64_t *size);

/* A callback for a field that is not wanted: steps over it. */
bool onnx_on_skip(pb_istream_t *stream, const pb_field_t *field, void **arg);

#endif
