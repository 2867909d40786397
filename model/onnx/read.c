/* ModelProto, and onnx_read: the graph comes out sorted and with its inputs' shapes fixed. */
#include "model/onnx/reader.h"

#include "base/memory.h"
#include "onnx.pb.h"

#include <stdlib.h>
#include <string.h>

#define OLDEST_OPSET 7
#define NEWEST_OPSET 21

bool onnx_decode(pb_istream_t *stream, const pb_msgdesc_t *fields, void *message)
{
    return pb_decode_ex(stream, fields, message, PB_DECODE_NOINIT);
}

bool onnx_read_name(onnx_reader *reader, pb_istream_t *stream, const char *where)
{
    size_t length = stream->bytes_left;
    if (!onnx_stream_is_file(stream))
        return false;
    if (length > ONNX_MAX_NAME)
        return ONNX_FAIL(reader, KERF_E_TOO_LARGE, where,
                         "a name has %zu bytes, expected at most %d", length, ONNX_MAX_NAME);
    if (!pb_read(stream, (pb_byte_t *)reader->text, length))
        return false;
    reader->text[length] = '\0';
    reader->length = length;
    if (memchr(reader->text, '\0', length))
        return ONNX_FAIL(reader, KERF_E_INVALID, where, "a name has a zero byte in it");
    return true;
}

bool onnx_read_new_name(onnx_reader *reader, pb_istream_t *stream, const char *where, char **name)
{
    if (!onnx_read_name(reader, stream, where))
        return false;
    char *copy = kerf_strndup(reader->text, reader->length);
    if (!copy)
        return ONNX_NOMEM(reader);
    free(*name);
    *name = copy;
    return true;
}

typedef struct model_reader {
    onnx_scope scope;
    char *domain; /* of the operator set being read */
} model_reader;

static bool on_graph(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    model_reader *m = *arg;
    (void)field;
    if (!onnx_stream_is_file(stream))
        return false;
    m->scope.reader->graph_seen = true;
    return onnx_read_graph(&m->scope, stream);
}

static bool on_function(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    model_reader *m = *arg;
    (void)field;
    return onnx_stream_is_file(stream) && onnx_read_function(m->scope.reader, stream);
}

static bool on_domain(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    model_reader *m = *arg;
    (void)field;
    return onnx_read_new_name(m->scope.reader, stream, NULL, &m->domain);
}

static bool on_opset(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    model_reader *m = *arg;
    onnx_reader *reader = m->scope.reader;
    onnx_OperatorSetIdProto message = onnx_OperatorSetIdProto_init_zero;
    (void)field;
    message.domain.funcs.decode = on_domain;
    message.domain.arg = m;
    bool ok = onnx_decode(stream, onnx_OperatorSetIdProto_fields, &message);
    if (ok && (!m->domain || !*m->domain || strcmp(m->domain, "ai.onnx") == 0)) {
        if (message.version < 1 || message.version > INT32_MAX)
            ok = ONNX_FAIL(reader, KERF_E_INVALID, NULL,
                           "states operator set %lld, expected %d to %d",
                           (long long)message.version, OLDEST_OPSET, NEWEST_OPSET);
        reader->opset = message.version;
    }
    free(m->domain);
    m->domain = NULL;
    return ok;
}

static bool decode_model(onnx_reader *reader, pb_istream_t *stream)
{
    model_reader m = {.scope = {.reader = reader, .graph = reader->graph}};
    onnx_ModelProto message = onnx_ModelProto_init_zero;
    message.graph.funcs.decode = on_graph;
    message.opset_import.funcs.decode = on_opset;
    message.functions.funcs.decode = on_function;
    message.graph.arg = message.opset_import.arg = message.functions.arg = &m;
    bool ok = onnx_decode(stream, onnx_ModelProto_fields, &message);
    reader->plausible = message.ir_version > 0 && message.ir_version < 1000;
    ok = ok && onnx_drop_initialized_inputs(&m.scope);
    onnx_names_clear(&m.scope.names);
    free(m.domain);
    return ok;
}

static bool read_model(onnx_reader *reader)
{
    pb_istream_t stream = onnx_stream(&reader->file, 0, reader->file.size);
    if (!reader->file.size)
        return ONNX_FAIL(reader, KERF_E_SYNTAX, NULL, "not an ONNX file: it is empty");
    bool ok = decode_model(reader, &stream);
    if (!ok && reader->status != KERF_OK)
        return false;
    if (!ok && reader->file.failure)
        return ONNX_FAIL(reader, KERF_E_IO, NULL, "cannot read: %s",
                         strerror(reader->file.failure));
    const char *why = stream.errmsg ? stream.errmsg : "bad field";
    if (!ok && !reader->graph->n_nodes && !reader->plausible)
        return ONNX_FAIL(reader, KERF_E_SYNTAX, NULL, "not an ONNX file: no protobuf model (%s)",
                         why);
    if (!ok)
        return ONNX_FAIL(reader, KERF_E_SYNTAX, NULL,
                         "truncated or corrupt ONNX file near byte %llu of %llu (%s)",
                         (unsigned long long)reader->file.position,
                         (unsigned long long)reader->file.size, why);
    if (!reader->graph_seen)
        return ONNX_FAIL(reader, KERF_E_SYNTAX, NULL, "not an ONNX file: it holds no graph");
    return true;
}

static void set_opset(ir_graph *graph, int64_t opset)
{
    graph->opset = opset;
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 0; j < graph->nodes[i].n_attrs; j++)
            if (graph->nodes[i].attrs[j].graph)
                set_opset(graph->nodes[i].attrs[j].graph, opset);
}

static bool check_opset(onnx_reader *reader)
{
    if (!reader->opset || (reader->opset >= OLDEST_OPSET && reader->opset <= NEWEST_OPSET))
        return true;
    return ir_warn(reader->graph, "operator set %lld is %s than those known (%d to %d)",
                   (long long)reader->opset, reader->opset < OLDEST_OPSET ? "older" : "newer",
                   OLDEST_OPSET, NEWEST_OPSET)
               ? true
               : ONNX_NOMEM(reader);
}

static bool read_all(onnx_reader *reader, const kerf_network_options *options)
{
    if (!read_model(reader) || !onnx_expand_functions(reader) || !check_opset(reader))
        return false;
    set_opset(reader->graph, reader->opset);
    reader->status = ir_apply_options(reader->graph, options, reader->err);
    if (reader->status == KERF_OK)
        reader->status = ir_sort(reader->graph, reader->err);
    return reader->status == KERF_OK;
}

kerf_status onnx_read(const char *path, const kerf_network_options *options, ir_graph **graph,
                      kerf_error *err)
{
    onnx_reader *reader = kerf_calloc(1, sizeof *reader);
    if (!reader)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    reader->path = path;
    reader->err = err;
    reader->file.fd = reader->external.fd = -1;
    reader->status = onnx_file_open(&reader->file, path, err);
    if (reader->status == KERF_OK) {
        reader->graph = ir_graph_new();
        if (!reader->graph)
            (void)ONNX_NOMEM(reader);
        /* A function's body that no longer reads as it did the first time says nothing itself. */
        else if (!read_all(reader, options) && reader->status == KERF_OK)
            (void)ONNX_FAIL(reader, KERF_E_IO, NULL, "the file changed while it was read");
    }
    kerf_status status = reader->status;
    if (status == KERF_OK)
        *graph = reader->graph;
    else
        ir_graph_free(reader->graph);
    onnx_functions_clear(reader);
    onnx_file_close(&reader->file);
    onnx_file_close(&reader->external);
    free(reader->external_path);
    free(reader);
    return status;
}
