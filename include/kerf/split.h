/* A placement as two networks that run: the head on the device, the tail on the server.
 *
 *     kerf_split_options o = {.head = "head.onnx", .tail = "tail.onnx"};
 *     kerf_split *split = NULL;
 *     if (kerf_split_write(net, plan->side, &o, &split, &err) == KERF_OK) {
 *         printf("%zu tensors cross\n", split->n_crossing);
 *         kerf_split_destroy(&split);
 *     }
 *
 * Nodes and weights are copied from the network's file byte by byte, without being held in memory.
 * A crossing tensor keeps its name: it is an output of the head and an input of the tail. Where the
 * wire has another type, both are called NAME/wire and the networks convert it themselves.
 */
#ifndef KERF_SPLIT_H
#define KERF_SPLIT_H

#include "network.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KERF_SHA256_SIZE 65 /* hexadecimal digits and the terminator */

/* How a tensor is quantized for KERF_WIRE_INT8: real = scale * (byte - zero_point). The usual form
 * is symmetric, the only one that TensorRT takes: int8, and zero point 0. With scale 0, it follows
 * from the range: -127 to 127 hold the larger of |min| and |max|. The asymmetric form is uint8:
 * with scale 0, the range is widened to hold 0 and spread over 0 to 255, and the zero point follows
 * too. */
typedef struct kerf_range {
    const char *tensor;
    double min, max;
    double scale;
    int zero_point;  /* 0, or from 0 to 255 in the asymmetric form */
    bool asymmetric; /* to uint8 */
} kerf_range;

/* One of the networks written. */
typedef struct kerf_split_file {
    char *path; /* NULL: there is none, as nothing runs on that side */
    int64_t bytes;
    char sha256[KERF_SHA256_SIZE];
    size_t operators; /* placed ones */
    char *data_path;  /* weights in a file of their own, "head.onnx.data", or NULL */
    int64_t data_bytes;
    char data_sha256[KERF_SHA256_SIZE];
} kerf_split_file;

typedef struct kerf_crossing {
    size_t tensor; /* of the network */
    bool is_input; /* an input of the network, that passes through */
    /* Not of the plan's: the shape of a tensor that stays on the device, where it may vary from run
     * to run and the server needs it. A few bytes. */
    bool auxiliary;
    char *wire_name; /* in both networks */
    kerf_type wire_type;
    int64_t wire_bytes;
    double scale; /* 0: not quantized */
    int zero_point;
} kerf_crossing;

typedef struct kerf_split {
    char split_id[KERF_SHA256_SIZE]; /* of the source, the placement and the wire */
    const char *source;              /* borrowed from the network */
    int64_t source_bytes;
    char source_sha256[KERF_SHA256_SIZE]; /* of the file, without its external data */
    kerf_split_file head, tail;
    kerf_wire wire;
    /* In the order of the tail's inputs: network inputs first, then by producer. */
    kerf_crossing *crossing;
    size_t n_crossing;
    kerf_side *input_side;  /* by input of the network: DEVICE, SERVER, or FREE for both */
    kerf_side *output_side; /* by output of the network: where it is made */
    bool zero_weights;      /* the source has none (a JSON network): all are zero */
} kerf_split;

/* Zeroed: head.onnx, tail.onnx, no manifest, tensors in their own types, nothing overwritten. */
typedef struct kerf_split_options {
    const char *head, *tail;
    kerf_wire wire;
    const kerf_range *ranges; /* of every crossing real tensor, for KERF_WIRE_INT8 */
    size_t n_ranges;
    bool force; /* overwrite existing files */
    /* Weights go to a file beside a network that would be larger; 0: 2 GiB - 1, protobuf's limit.
     */
    int64_t max_file_bytes;
    /* A text to put beside the networks, made once they are complete (returns memory of malloc, or
     * NULL: failed); it appears after them. */
    const char *manifest;
    char *(*make_manifest)(void *context, const kerf_split *split);
    void *context;
} kerf_split_options;

/* Writes the head and the tail of a network under a placement (side[i] for operator i, as in
 * kerf_plan). All files appear complete, or none does: they are written beside their final places,
 * synced and then renamed. The caller owns *split.
 *
 * A network of a JSON file has no weights: zeros take their place, made at run time.
 * KERF_E_INVALID (data would flow back; the file is not the one that was loaded; it changed
 * meanwhile; a call of a function would be cut), KERF_E_IO, KERF_E_UNSUPPORTED, KERF_E_TOO_LARGE,
 * KERF_E_NOMEM. */
KERF_API kerf_status kerf_split_write(const kerf_network *network, const kerf_side *side,
                                      const kerf_split_options *options, kerf_split **split,
                                      kerf_error *err);
KERF_API void kerf_split_destroy(kerf_split **split);

/* Whether two files are head and tail of one split. KERF_E_INVALID: they are not, the message says
 * why. KERF_E_IO, KERF_E_SYNTAX. */
KERF_API kerf_status kerf_split_check(const char *head, const char *tail, kerf_error *err);

#ifdef __cplusplus
}
#endif
#endif
