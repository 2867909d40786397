/* kerf_split_write at work: what its parts share. */
#ifndef KERF_MODEL_SPLIT_JOB_H
#define KERF_MODEL_SPLIT_JOB_H

#include "base/error.h"
#include "base/outfile.h"
#include "kerf/split.h"
#include "model/onnx/part_write.h"

#include <sys/stat.h>

#define SPLIT_PATH_SIZE 64

enum { SPLIT_HEAD_DATA, SPLIT_HEAD, SPLIT_TAIL_DATA, SPLIT_TAIL, SPLIT_MANIFEST, SPLIT_FILES };

/* One split at work. */
typedef struct split_job {
    const kerf_network *network;
    const kerf_side *side;
    const kerf_split_options *options;
    kerf_error *err;
    kerf_split *split;
    struct stat before;
    char path[SPLIT_PATH_SIZE]; /* of a JSON network's ONNX form */
    int memory;                 /* its descriptor, or -1 */
    size_t *node_of;
    ir_graph *graph;
    onnx_outline outline;
    onnx_parts parts;
    kerf_outfile file[SPLIT_FILES];
} split_job;

static inline kerf_status split_no_memory(const split_job *s)
{
    return kerf_fail(s->err, KERF_E_NOMEM, NULL, "out of memory");
}

static inline kerf_status split_fail_at(const split_job *s, kerf_status status, const char *path)
{
    kerf_error_source(s->err, path);
    return status;
}

/* split_source.c: hashes the source, turns a JSON network into ONNX, and reads the outline and the
 * shapes that hold in every run. */
kerf_status split_open_source(split_job *s);
/* Whether the file is still the one that was hashed. */
kerf_status split_check_unchanged(const split_job *s);

/* split_wire.c: what crosses and how it is encoded; on which side inputs and outputs are. */
kerf_status split_describe_crossing(split_job *s);
kerf_status split_describe_ports(split_job *s);

#endif
