/* A network that was never an ONNX file (a JSON network) as one, so that it can be split like any
 * other. It has no weights: nodes that make zeros of their shapes take their place, so that the
 * file is small and runs. A Block becomes an operator of the domain "kerf", which no runtime has.
 */
#ifndef KERF_MODEL_ONNX_FROM_IR_H
#define KERF_MODEL_ONNX_FROM_IR_H

#include "model/onnx/encode.h"

/* node_of[i]: which node of the result is node i of the graph, which is inferred. `names` are the
 * operators' unique names. */
kerf_status onnx_from_ir(const ir_graph *graph, const kerf_network *network, onnx_bytes *model,
                         size_t *node_of, kerf_error *err);

#endif
