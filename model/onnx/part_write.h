/* The bytes of one part: extents copied from the source, and a few messages of our own. */
#ifndef KERF_MODEL_ONNX_PART_WRITE_H
#define KERF_MODEL_ONNX_PART_WRITE_H

#include "base/outfile.h"
#include "model/onnx/content.h"
#include "model/onnx/encode.h"
#include "model/onnx/part.h"

typedef struct part_output {
    const char *path;
    const kerf_crossing *crossing; /* as parts->crossing, with what is sent */
    const char *split_id, *source_sha256;
    uint64_t limit;   /* bytes of the file; above it weights go to `data` */
    bool same_folder; /* as the source's: its external data keeps its place */
    bool force;
    kerf_outfile *file, *data; /* `data` is opened only if it is needed */
    const char *data_path;
} part_output;

kerf_status onnx_part_write(onnx_parts *parts, int which, const part_output *output);

/* copy.c: `size` bytes of a file from `at` on, through a small buffer. */
kerf_status onnx_copy(int fd, const char *path, uint64_t at, uint64_t size, kerf_outfile *to,
                      kerf_error *err);
/* A file of external data, looked for beside `source`. Refuses what leaves its folder. */
kerf_status onnx_open_external(const char *source, const char *location, onnx_file *file,
                               kerf_error *err);

/* wire.c: the nodes that encode what crosses (in the head) or decode it (in the tail), and the
 * constants that they need. */
void onnx_put_wire_constants(onnx_bytes *b, const onnx_parts *parts, size_t index,
                             const kerf_crossing *crossing);
void onnx_put_encoder(onnx_bytes *b, const onnx_parts *parts, size_t index,
                      const kerf_crossing *crossing);
void onnx_put_decoder(onnx_bytes *b, const onnx_parts *parts, size_t index,
                      const kerf_crossing *crossing);
static inline bool onnx_is_encoded(const onnx_parts *parts, size_t index,
                                   const kerf_crossing *crossing)
{
    return crossing->wire_type != parts->network->tensors[crossing->tensor].type &&
           !parts->crossing[index].auxiliary;
}

#endif
