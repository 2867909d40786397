/* Inside the ONNX reader: what its files share.
 *
 *   stream.c    the file            names.c     name -> value in a scope
 *   tensor.c    TensorProto         type.c      ValueInfoProto
 *   node.c      nodes, attributes   graph.c     graphs, nested ones, what they capture
 *   function.c  model-local functions, expanded in place
 *   read.c      the model, and onnx_read
 *
 * Decoders return false on failure. What kerf has to say about it is then in reader->status and
 * the caller's kerf_error (ONNX_FAIL); if reader->status is still KERF_OK the protobuf itself is
 * broken, and nanopb's message says how.
 */
#ifndef KERF_MODEL_ONNX_READER_H
#define KERF_MODEL_ONNX_READER_H

#include "base/error.h"
#include "model/ir.h"
#include "model/onnx/stream.h"

#define ONNX_MAX_NAME      65535
#define ONNX_MAX_STRING    (1 << 20)
#define ONNX_MAX_LIST      ((size_t)16 << 20) /* entries of an attribute, operands of a node */
#define ONNX_MAX_FUNCTIONS 65536
#define ONNX_MAX_FACTORS   64 /* reals and 8-bit integers that are kept of a tensor */
#define ONNX_MAX_INLINED   ((size_t)1 << 20)   /* nodes that expanding functions may add */
#define ONNX_MAX_REREAD    ((uint64_t)1 << 28) /* bytes of function bodies read again for it */

/* A formal operand that a function's caller leaves out, where a value is expected. */
#define ONNX_OMITTED (KERF_NONE - 1)

/* A hash table from names to values. The names are borrowed. */
typedef struct onnx_names {
    struct onnx_names_entry {
        const char *name; /* NULL: free */
        uint64_t hash;
        size_t value;
    } * entries;
    size_t n, capacity; /* capacity: 0 or a power of two */
} onnx_names;

/* A model-local function: where its body is, and what it is called with. */
typedef struct onnx_function {
    char *name, *domain;
    char **inputs;
    size_t n_inputs, cap_inputs;
    char **outputs;
    size_t n_outputs, cap_outputs;
    ir_attr *defaults;
    size_t n_defaults, cap_defaults;
    uint64_t offset, size;
} onnx_function;

typedef struct onnx_reader {
    onnx_file file;
    const char *path;
    kerf_error *err;
    kerf_status status;
    ir_graph *graph; /* the outermost */
    bool graph_seen;
    bool plausible; /* has an IR version: is a model, if a broken one */
    int64_t opset;
    onnx_function *functions; /* sorted by domain and name once all are read */
    size_t n_functions, cap_functions;
    size_t inlined;
    uint64_t reread;
    onnx_file external; /* the file of external data that was used last; fd < 0: none */
    char *external_path;
    bool warned_external;
    char text[ONNX_MAX_NAME + 1]; /* the name read last */
    size_t length;
} onnx_reader;

/* Where names mean something: a graph, or the body of a function that is expanded into one. */
typedef struct onnx_scope {
    onnx_reader *reader;
    ir_graph *graph;
    struct onnx_scope *parent; /* whose names a nested graph may capture, or NULL */
    onnx_names names;
    int depth;
    const char *prefix;            /* function: put before names, with a slash; else NULL */
    const onnx_function *function; /* function body, or a graph nested in one; else NULL */
    const ir_node *call;           /* the node that calls it */
} onnx_scope;

#define ONNX_FAIL(reader, code, where, ...)                                                        \
    ((reader)->status = kerf_fail((reader)->err, code, where, __VA_ARGS__), false)
#define ONNX_NOMEM(reader) ONNX_FAIL(reader, KERF_E_NOMEM, NULL, "out of memory")

/* read.c: a name into reader->text, refusing zero bytes and excessive length. */
bool onnx_read_name(onnx_reader *reader, pb_istream_t *stream, const char *where);
/* A name as a new string; *name is freed first (of two, the last one counts). */
bool onnx_read_new_name(onnx_reader *reader, pb_istream_t *stream, const char *where, char **name);
/* Decodes a whole message whose callbacks are set. */
bool onnx_decode(pb_istream_t *stream, const pb_msgdesc_t *fields, void *message);

/* names.c */
size_t onnx_names_find(const onnx_names *names, uint64_t hash, const char *name);
bool onnx_names_add(onnx_names *names, uint64_t hash, const char *name, size_t value);
void onnx_names_clear(onnx_names *names);
/* Hash of a name; the seed differs between runs, so that no file can be made of clashing names. */
uint64_t onnx_hash(const void *seed, const char *name);
/* Value of that name in the scope, added if there is none yet, or ONNX_OMITTED; KERF_NONE: out of
 * memory. */
size_t onnx_scope_value(onnx_scope *scope, const char *name, size_t length);

/* tensor.c: fills a zeroed value (rank -1) from a TensorProto or SparseTensorProto. *name, if
 * name is not NULL, is a new string or NULL; `where` names the holder in errors. */
bool onnx_read_tensor(onnx_reader *reader, pb_istream_t *stream, const char *where, ir_value *value,
                      char **name);
bool onnx_read_sparse_tensor(onnx_reader *reader, pb_istream_t *stream, const char *where,
                             ir_value *value, char **name);
kerf_type onnx_type(int32_t data_type);
bool onnx_tensor_copy(const ir_value *from, ir_value *to); /* type, dims and content */

/* type.c: a ValueInfoProto: the value gets its declared type and shape. *index is KERF_NONE for
 * an entry without a name. */
bool onnx_read_value_info(onnx_scope *scope, pb_istream_t *stream, bool dim_names, size_t *index);

/* graph.c: what a GraphProto holds goes into scope->graph. */
bool onnx_read_graph(onnx_scope *scope, pb_istream_t *stream);
/* Once all of a graph is read: takes what has an initializer out of its inputs. */
bool onnx_drop_initialized_inputs(onnx_scope *scope);
/* A nested graph, read whole; the values it captures have `outer` set. */
bool onnx_read_nested(onnx_scope *parent, pb_istream_t *stream, const char *where,
                      ir_graph **graph);
/* Appends the values of scope->graph that the node's nested graphs capture to its inputs. */
bool onnx_append_captures(onnx_scope *scope, ir_node *node);

/* node.c */
bool onnx_read_node(onnx_scope *scope, pb_istream_t *stream);
/* An attribute; reference is what it takes its value from in a function's caller, or NULL. */
bool onnx_read_attribute(onnx_scope *scope, pb_istream_t *stream, const char *where, ir_attr *attr,
                         char **reference);
bool onnx_attr_copy(const ir_attr *from, const char *name, ir_attr *to); /* not graphs */

/* function.c */
bool onnx_read_function(onnx_reader *reader, pb_istream_t *stream);
bool onnx_expand_functions(onnx_reader *reader);
void onnx_functions_clear(onnx_reader *reader);

#endif
