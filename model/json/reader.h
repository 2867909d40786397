/* Inside the reader of JSON networks: what its files share.
 *
 *   network_json.c  the document: inputs, constants, outputs, and that all names fit together
 *   operators.c     one operator and what it is made of
 *   attributes.c    the operators that may stand in a document, and their attributes
 *   weights.c       operands that attributes stand for: weights, and lists such as Reshape's shape
 *
 * Functions that return bool have latched their error in the document if they return false.
 */
#ifndef KERF_MODEL_JSON_READER_H
#define KERF_MODEL_JSON_READER_H

#include "base/json.h"
#include "model/ir.h"

#define JSON_MAX_OPERATORS 1000000
#define JSON_MAX_DIM       ((int64_t)1 << 40) /* far above any real one; products are checked too */

/* A tensor or an operator by its name, in a tree of <search.h>: unlike a hash table's, its time
 * does not depend on how the names were chosen. */
typedef struct json_name {
    const char *name; /* borrowed from the document, or from the graph's value */
    size_t index;
    bool produced; /* tensors: an input, a constant or an operator's output */
} json_name;

typedef struct json_reader {
    ir_graph *graph;
    kerf_error *err;
    void *tensors; /* trees of json_name */
    void *operators;
} json_reader;

/* network_json.c: the tensor of that name, added to the graph if it is new; NULL: out of memory. */
json_name *json_tensor(json_reader *reader, const char *name);
/* The same at a place in the document that makes the tensor: refuses one that is made already. */
json_name *json_produce(json_reader *reader, const kerf_json *at);
/* Refuses a name that another operator has. */
bool json_add_operator_name(json_reader *reader, const kerf_json *at, const char *name,
                            size_t index);
/* A shape into dims; entries from `low`, at most IR_MAX_RANK of them. */
bool json_read_shape(const kerf_json *shape, int64_t low, int *rank, int64_t *dims);
bool json_read_type(const kerf_json *at, kerf_type *type);
bool json_is_real_type(kerf_type type);
bool json_find_type(const char *name, kerf_type *type);
bool json_no_memory(const kerf_json *at);

/* operators.c */
bool json_read_operator(json_reader *reader, const kerf_json *at);

/* attributes.c: the attributes that an operator of this type may have, separated by spaces; NULL
 * if no document may use the type. */
const char *json_operator_attributes(const char *type);
/* The type of operator most like this one, NULL if none is. */
const char *json_similar_operator(const char *type);
bool json_read_attributes(const kerf_json *attributes, ir_node *node);

/* weights.c: adds the operands that the node's attributes stand for; its inputs are inferred. */
kerf_status json_add_operands(json_reader *reader, size_t node);

#endif
