/* Steps of ir_build_network that have files of their own. The network's operators stand in the
 * order of the graph's nodes. */
#ifndef KERF_MODEL_BUILD_H
#define KERF_MODEL_BUILD_H

#include "model/ir.h"

/* fuse.c: fills groups, operator.group and tensor.storage of a network that is complete
 * otherwise. False: out of memory. */
bool ir_fuse(const ir_graph *graph, kerf_network *net);

/* build_names.c: gives every operator a name that no other has. False: out of memory. */
bool ir_name_operators(const ir_graph *graph, kerf_network *net);

/* build_check.c: KERF_E_UNRESOLVED if the size of a tensor that matters is unknown; the message
 * says what option would help. */
kerf_status ir_check_resolved(const ir_graph *graph, const kerf_network *net,
                              const size_t *tensor_of_value, kerf_error *err);

#endif
