/* Inference node by node, for a reader that needs the shapes so far while it builds a graph. */
#ifndef KERF_MODEL_SHAPE_INFER_H
#define KERF_MODEL_SHAPE_INFER_H

#include "model/ir.h"

/* Infers one node whose inputs have been inferred: its outputs' types, shapes and contents, its
 * MACs, class and weight slots. What the outputs held before is replaced. Same errors as ir_infer.
 * Network inputs and initializers count as inferred once ir_infer_sources has seen them. */
kerf_status ir_infer_node(ir_graph *graph, ir_node *node, kerf_error *err);

/* Prepares what no node produces: marks initializers constant, says of inputs what is unknown. */
kerf_status ir_infer_sources(ir_graph *graph, kerf_error *err);

#endif
