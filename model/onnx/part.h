/* What goes into the head and into the tail, in ONNX terms: of a placement of the network's
 * operators, which nodes, initializers and constants each side needs, and what crosses.
 *
 *   part.c    the choice          part_write.c    the bytes of one part
 *
 * Constant operators are on no side: each side gets those it needs, if it can run them. One that
 * says the shape of a tensor that is on the other side cannot run; what it says is then put in its
 * place, if that is the same in every run, else (server only) it crosses as an auxiliary tensor.
 */
#ifndef KERF_MODEL_ONNX_PART_H
#define KERF_MODEL_ONNX_PART_H

#include "kerf/split.h"
#include "model/onnx/outline.h"

enum { PART_HEAD, PART_TAIL, PART_COUNT };

/* One side. All arrays are by the outline's index. */
typedef struct onnx_part {
    bool exists, whole; /* whole: everything is on this side */
    bool *node;         /* is in it */
    bool *wanted;       /* by tensor: something in it reads it, or it is a result */
    bool *available;    /* by tensor: made by a placed node of it, or crosses to it */
    bool *folded;       /* by tensor: stands in it as a constant */
    bool *runs;         /* by node: constant, and this side can run it */
    size_t operators;   /* placed ones */
} onnx_part;

typedef struct onnx_parts {
    onnx_outline *outline;
    const ir_graph *graph; /* the same file, inferred with only what it fixes itself */
    const kerf_network *network;
    kerf_error *err;
    unsigned char *side;    /* by node: kerf_side */
    size_t *order;          /* nodes in topological order */
    size_t *value_of;       /* by tensor: value of `graph`, KERF_NONE: none */
    size_t *network_tensor; /* by tensor: of the network, KERF_NONE: none */
    bool *output_on_head;   /* by output of the graph */
    onnx_part part[PART_COUNT];
    struct part_crossing {
        size_t tensor;
        bool is_input, auxiliary;
    } * crossing;
    size_t n_crossing, cap_crossing;
} onnx_parts;

/* Chooses for a placement; node_of[i] is the node of operator i. */
kerf_status onnx_parts_choose(onnx_parts *parts, const kerf_side *side, const size_t *node_of);
void onnx_parts_clear(onnx_parts *parts);

#endif
