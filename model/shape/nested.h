/* Nested graphs: what flows into them and out, and what they weigh. */
#ifndef KERF_MODEL_SHAPE_NESTED_H
#define KERF_MODEL_SHAPE_NESTED_H

#include "model/shape/rules.h"

/* Copies type, shape and content of every captured value from s->graph; latches s->captures. */
void sh_import_captures(sh_node *s, ir_graph *body);
/* Input i of a body: a value of this shape, whose content is unknown. */
void sh_set_input(ir_graph *body, size_t i, kerf_type type, int rank, const int64_t *dims);
const ir_value *sh_graph_output(const ir_graph *graph, size_t i);
/* MACs of all nodes; false on overflow. */
bool sh_graph_macs(const ir_graph *graph, int64_t *macs);
/* The class that the body's work is of: its costliest node's, "other" where nothing multiplies. */
kerf_class sh_graph_class(const ir_graph *graph);
/* Sets inner_params and inner_weight_bytes of an operator of the outermost graph. */
kerf_status sh_weigh_bodies(sh_node *s);

#endif
