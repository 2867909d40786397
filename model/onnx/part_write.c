#include "model/onnx/part_write.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_EXTERNAL 1024 /* bytes of weights that are worth a place in another file */
#define ALIGNMENT    4096 /* of weights in it, so that runtimes can map them */

enum { KEPT, MOVED, COPIED }; /* an initializer: as it is; its bytes, its external data to `data` */

/* A stretch of the result: our own bytes, or the source's. */
typedef struct piece {
    bool own;
    uint64_t at, size;
} piece;

typedef struct writer {
    onnx_parts *parts;
    onnx_outline *outline;
    const onnx_part *part;
    const part_output *output;
    int which;
    onnx_bytes own;
    piece *pieces;
    size_t n, capacity;
    uint64_t size; /* of all pieces */
    unsigned char *mode;
    uint64_t *place; /* in `data`, by initializer */
    uint64_t data_size;
    bool failed;
} writer;

static bool is_head(const writer *w)
{
    return w->which == PART_HEAD;
}

static void add_piece(writer *w, bool own, uint64_t at, uint64_t size)
{
    piece *last = w->n ? &w->pieces[w->n - 1] : NULL;
    if (size == 0)
        return;
    w->size += size;
    if (last && last->own == own && last->at + last->size == at) {
        last->size += size;
        return;
    }
    if (kerf_reserve(&w->pieces, &w->capacity, w->n + 1, IR_MAX_VALUES, sizeof *w->pieces))
        w->failed = true;
    else
        w->pieces[w->n++] = (piece){own, at, size};
}

static void add_extent(writer *w, const onnx_extent *extent)
{
    add_piece(w, false, extent->start, extent->at + extent->size - extent->start);
}

/* What was appended to w->own since it had `from` bytes. */
static void add_own(writer *w, size_t from)
{
    add_piece(w, true, from, w->own.n - from);
}

/* --- initializers --------------------------------------------------------------------------------
 */

/* What stands in a rewritten tensor in the place of its data. */
static void put_reference(const writer *w, size_t i, onnx_bytes *b)
{
    const outline_initializer *init = &w->outline->initializers[i];
    const char *slash = strrchr(w->output->data_path, '/');
    char number[32];
    onnx_put_entry(b, 13, "location", slash ? slash + 1 : w->output->data_path);
    snprintf(number, sizeof number, "%" PRIu64, w->place[i]);
    onnx_put_entry(b, 13, "offset", number);
    snprintf(number, sizeof number, "%" PRIu64,
             w->mode[i] == MOVED ? init->raw.size : init->length);
    onnx_put_entry(b, 13, "length", number);
    onnx_put_number(b, 14, 1);
}

/* Fields of a tensor that stay when its data goes elsewhere. */
static bool next_kept(writer *w, uint64_t *at, uint64_t end, onnx_extent *field)
{
    while (onnx_outline_next(w->outline, at, end, field))
        if (field->field != 9 && field->field != 13 && field->field != 14)
            return true;
    return false;
}

static void add_rewritten(writer *w, size_t i)
{
    const outline_initializer *init = &w->outline->initializers[i];
    const uint64_t end = init->extent.at + init->extent.size;
    onnx_bytes reference = {0};
    onnx_extent field;
    uint64_t size = 0, at = init->extent.at;
    while (next_kept(w, &at, end, &field))
        size += field.at + field.size - field.start;
    put_reference(w, i, &reference);
    size_t from = w->own.n;
    onnx_put_header(&w->own, 5, size + reference.n);
    add_own(w, from);
    at = init->extent.at;
    while (next_kept(w, &at, end, &field))
        add_extent(w, &field);
    from = w->own.n;
    onnx_put_raw(&w->own, reference.data, reference.n);
    add_own(w, from);
    w->failed = w->failed || reference.failed;
    onnx_bytes_clear(&reference);
}

static bool has_initializer(const writer *w, size_t i)
{
    const size_t t = w->outline->initializers[i].tensor;
    return w->part->wanted[t] && w->outline->tensors[t].initializer == i;
}

static void add_initializers(writer *w)
{
    for (size_t i = 0; i < w->outline->n_initializers; i++) {
        if (!has_initializer(w, i))
            continue;
        if (w->mode[i] == KEPT)
            add_extent(w, &w->outline->initializers[i].extent);
        else
            add_rewritten(w, i);
    }
}

/* Decides where every initializer's bytes go. */
static void place_data(writer *w, bool move)
{
    w->data_size = 0;
    for (size_t i = 0; i < w->outline->n_initializers; i++) {
        const outline_initializer *init = &w->outline->initializers[i];
        const bool copy = init->location && !w->output->same_folder;
        w->mode[i] = copy ? COPIED : move && init->raw.size >= MIN_EXTERNAL ? MOVED : KEPT;
        if (w->mode[i] == KEPT || !has_initializer(w, i))
            continue;
        w->place[i] = (w->data_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        w->data_size = w->place[i] + (w->mode[i] == MOVED ? init->raw.size : init->length);
    }
}

/* --- nodes
 * ----------------------------------------------------------------------------------------
 */

static void put_folded(writer *w, size_t t)
{
    const ir_value *value = &w->parts->graph->values[w->parts->value_of[t]];
    const char *name = w->outline->tensors[t].name;
    onnx_bytes node = {0}, tensor = {0};
    if (!onnx_encode_tensor(&tensor, value->type, value->dims, value->rank, value->ints, NULL,
                            (size_t)ir_elements(value)))
        w->failed = true;
    onnx_begin_node(&node, "Constant", name, NULL, 0, name);
    onnx_put_tensor_attribute(&node, "value", &tensor);
    onnx_put_message(&w->own, 1, &node);
}

static void add_nodes(writer *w)
{
    const size_t from = w->own.n;
    const part_output *o = w->output;
    for (size_t t = 0; t < w->outline->n_tensors; t++)
        if (w->part->folded[t])
            put_folded(w, t);
    for (size_t i = 0; i < w->parts->n_crossing; i++)
        onnx_put_wire_constants(&w->own, w->parts, i, &o->crossing[i]);
    for (size_t i = 0; i < w->parts->n_crossing && !is_head(w); i++)
        onnx_put_decoder(&w->own, w->parts, i, &o->crossing[i]);
    add_own(w, from);
    for (size_t i = 0; i < w->outline->n_nodes; i++)
        if (w->part->node[w->parts->order[i]])
            add_extent(w, &w->outline->nodes[w->parts->order[i]].extent);
    const size_t end = w->own.n;
    for (size_t i = 0; i < w->parts->n_crossing && is_head(w); i++)
        onnx_put_encoder(&w->own, w->parts, i, &o->crossing[i]);
    add_own(w, end);
}

/* --- inputs, outputs, value_info ---------------------------------------------------------------
 */

/* Declares a tensor: dimensions as far as they are the same in every run, named as in the file
 * where they are open. */
static void put_tensor_info(writer *w, uint32_t field, size_t t, const char *name, kerf_type type)
{
    const size_t v = w->parts->value_of[t];
    const ir_value *value = v == KERF_NONE ? NULL : &w->parts->graph->values[v];
    outline_declared d;
    int64_t dims[IR_MAX_RANK];
    if (!onnx_outline_declared(w->outline, t, &d)) {
        onnx_declared_clear(&d);
        w->failed = true;
        return;
    }
    int rank = value ? value->rank : -1;
    for (int i = 0; i < rank; i++)
        dims[i] = value->dims[i];
    for (int i = 0; rank < 0 && i < d.rank; i++)
        dims[i] = -1;
    char **names = rank < 0 || rank == d.rank ? d.dim_names : NULL;
    if (rank < 0)
        rank = d.rank;
    if (rank < 0 && w->parts->network_tensor[t] != KERF_NONE) {
        /* Known for the planned input alone: of that, the rank is taken to hold for every one. */
        rank = w->parts->network->tensors[w->parts->network_tensor[t]].rank;
        for (int i = 0; i < rank; i++)
            dims[i] = -1;
    }
    uint32_t number = onnx_type_number(type);
    if (!number)
        number = (uint32_t)d.type;
    if (!number)
        (void)kerf_fail(w->parts->err, KERF_E_UNSUPPORTED, name,
                        "would cross, and its type cannot be known: the file does not declare it");
    w->failed = w->failed || !number;
    onnx_put_value_info(&w->own, field, name, number, dims, names, rank);
    onnx_declared_clear(&d);
}

static void put_crossing(writer *w, uint32_t field, size_t i)
{
    const kerf_crossing *c = &w->output->crossing[i];
    put_tensor_info(w, field, w->parts->crossing[i].tensor, c->wire_name, c->wire_type);
}

/* An input or output of the file, as it is declared there; where that leaves out the shape, which
 * ONNX's checker and several runtimes do not take, with the one inferred. */
static void add_declared(writer *w, uint32_t field, size_t t, const onnx_extent *extent)
{
    outline_declared d;
    if (!onnx_outline_declared(w->outline, t, &d))
        w->failed = true;
    const size_t v = w->parts->value_of[t], n = w->parts->network_tensor[t];
    const bool known = (v != KERF_NONE && w->parts->graph->values[v].rank >= 0) ||
                       (n != KERF_NONE && w->parts->network->tensors[n].rank >= 0);
    if (d.type && d.rank < 0 && known) {
        const size_t from = w->own.n;
        put_tensor_info(w, field, t, w->outline->tensors[t].name, KERF_TYPE_UNKNOWN);
        add_own(w, from);
    } else {
        add_extent(w, extent);
    }
    onnx_declared_clear(&d);
}

/* Network inputs that the part reads; weights that the file lists among its inputs. */
static bool has_input(const writer *w, size_t t)
{
    if (t == KERF_NONE)
        return false;
    if (w->part->wanted[t] && w->outline->tensors[t].initializer != KERF_NONE)
        return true;
    for (size_t i = 0; i < w->parts->n_crossing; i++)
        if (w->parts->crossing[i].tensor == t && !w->part->whole) {
            const bool encoded = onnx_is_encoded(w->parts, i, &w->output->crossing[i]);
            if (!is_head(w))
                return !encoded; /* among those that cross */
            if (encoded)
                return true;
        }
    return w->part->wanted[t] && w->outline->tensors[t].initializer == KERF_NONE;
}

static void add_inputs(writer *w)
{
    for (size_t i = 0; i < w->outline->n_inputs; i++)
        if (has_input(w, w->outline->inputs[i].tensor))
            add_declared(w, 11, w->outline->inputs[i].tensor, &w->outline->inputs[i].extent);
    const size_t from = w->own.n;
    for (size_t i = 0; i < w->parts->n_crossing && !is_head(w) && !w->part->whole; i++)
        if (!w->parts->crossing[i].is_input ||
            onnx_is_encoded(w->parts, i, &w->output->crossing[i]))
            put_crossing(w, 11, i);
    add_own(w, from);
}

static bool is_result(const writer *w, size_t t)
{
    const size_t output = w->outline->tensors[t].output;
    return output != KERF_NONE && w->parts->output_on_head[output] == is_head(w);
}

static void add_outputs(writer *w)
{
    for (size_t i = 0; i < w->outline->n_outputs; i++)
        if (w->outline->outputs[i].tensor != KERF_NONE &&
            is_result(w, w->outline->outputs[i].tensor))
            add_declared(w, 12, w->outline->outputs[i].tensor, &w->outline->outputs[i].extent);
    const size_t from = w->own.n;
    for (size_t i = 0; i < w->parts->n_crossing && is_head(w) && !w->part->whole; i++) {
        const struct part_crossing *c = &w->parts->crossing[i];
        const bool encoded = onnx_is_encoded(w->parts, i, &w->output->crossing[i]);
        if (encoded || (!c->is_input && !is_result(w, c->tensor)))
            put_crossing(w, 12, i);
    }
    add_own(w, from);
}

/* Tensors that nodes of the part make or read, and that are no input or output of it. */
static void mark_inner(const writer *w, bool *inner)
{
    const onnx_outline *o = w->outline;
    for (size_t n = 0; n < o->n_nodes; n++)
        for (size_t j = 0; w->part->node[n] && j < o->nodes[n].n_outputs; j++)
            inner[o->nodes[n].outputs[j]] = true;
    for (size_t i = 0; i < o->n_initializers; i++)
        if (has_initializer(w, i))
            inner[o->initializers[i].tensor] = true;
    for (size_t i = 0; i < w->parts->n_crossing && !w->part->whole; i++) {
        const struct part_crossing *c = &w->parts->crossing[i];
        /* A tensor that is encoded is inside both parts. */
        inner[c->tensor] = onnx_is_encoded(w->parts, i, &w->output->crossing[i]) && !c->is_input;
    }
    for (size_t t = 0; t < o->n_tensors; t++)
        inner[t] = (inner[t] && !is_result(w, t)) || w->part->folded[t];
}

static void add_infos(writer *w)
{
    const onnx_outline *o = w->outline;
    bool *inner = kerf_calloc(o->n_tensors, sizeof *inner);
    w->failed = w->failed || !inner;
    if (inner)
        mark_inner(w, inner);
    for (size_t i = 0; inner && i < o->n_infos; i++)
        if (o->infos[i].tensor != KERF_NONE && (inner[o->infos[i].tensor] || w->part->whole))
            add_extent(w, &o->infos[i].extent);
    for (size_t i = 0; inner && i < o->n_annotations; i++) {
        const size_t t = o->annotations[i].tensor;
        if (t != KERF_NONE && (inner[t] || w->part->wanted[t] || w->part->available[t]))
            add_extent(w, &o->annotations[i].extent);
    }
    free(inner);
}

/* --- the model -----------------------------------------------------------------------------------
 */

static void add_graph(writer *w)
{
    for (size_t i = 0; i < w->outline->n_graph_rest; i++)
        add_extent(w, &w->outline->graph_rest[i]);
    add_nodes(w);
    add_initializers(w);
    add_inputs(w);
    add_outputs(w);
    add_infos(w);
}

static void add_metadata(writer *w)
{
    const size_t from = w->own.n;
    onnx_put_entry(&w->own, 14, "kerf.split_id", w->output->split_id);
    onnx_put_entry(&w->own, 14, "kerf.part", is_head(w) ? "head" : "tail");
    onnx_put_entry(&w->own, 14, "kerf.source_sha256", w->output->source_sha256);
    add_own(w, from);
}

/* The graph's length stands before it, so the graph is laid out first and its header put in front.
 */
static kerf_status lay_out(writer *w)
{
    w->n = w->own.n = 0;
    w->size = 0;
    for (size_t i = 0; i < w->outline->n_model_rest; i++)
        add_extent(w, &w->outline->model_rest[i]);
    const uint64_t before = w->size;
    const size_t from = w->own.n;
    onnx_put_header(&w->own, 7, UINT64_MAX); /* its true length is known below */
    add_own(w, from);
    const size_t header = w->n - 1;
    const uint64_t reserved = w->own.n - from;
    /* Nothing may be joined to the header. */
    const uint64_t start = w->size;
    onnx_put_raw(&w->own, "", 1);
    add_graph(w);
    const uint64_t length = w->size - start;
    add_metadata(w);
    if (w->failed || w->own.failed)
        return w->outline->status != KERF_OK ? w->outline->status
               : w->parts->err && w->parts->err->code != KERF_OK
                   ? w->parts->err->code
                   : kerf_fail(w->parts->err, KERF_E_NOMEM, NULL, "out of memory");
    onnx_bytes tag = {0};
    onnx_put_header(&tag, 7, length);
    if (tag.failed || tag.n > reserved) {
        onnx_bytes_clear(&tag);
        return kerf_fail(w->parts->err, KERF_E_NOMEM, NULL, "out of memory");
    }
    memcpy(w->own.data + from, tag.data, tag.n);
    w->pieces[header].size = tag.n;
    w->size = before + tag.n + (w->size - start);
    onnx_bytes_clear(&tag);
    return KERF_OK;
}

static kerf_status copy_pieces(const writer *w)
{
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < w->n && status == KERF_OK; i++) {
        const piece *p = &w->pieces[i];
        if (p->own)
            status = kerf_outfile_write(w->output->file, w->own.data + p->at, (size_t)p->size,
                                        w->parts->err);
        else
            status = onnx_copy(w->outline->file.fd, w->outline->path, p->at, p->size,
                               w->output->file, w->parts->err);
    }
    return status;
}

static kerf_status pad(kerf_outfile *file, uint64_t to, kerf_error *err)
{
    static const unsigned char zeros[ALIGNMENT];
    return to > file->size ? kerf_outfile_write(file, zeros, (size_t)(to - file->size), err)
                           : KERF_OK;
}

static kerf_status copy_external(const writer *w, const outline_initializer *init)
{
    onnx_file file = {.fd = -1};
    kerf_status status = onnx_open_external(w->outline->path, init->location, &file, w->parts->err);
    if (status == KERF_OK)
        status = onnx_copy(file.fd, init->location, init->offset, init->length, w->output->data,
                           w->parts->err);
    onnx_file_close(&file);
    return status;
}

static kerf_status copy_data(const writer *w)
{
    const part_output *o = w->output;
    kerf_error *err = w->parts->err;
    if (!w->data_size)
        return KERF_OK;
    kerf_status status = kerf_outfile_open(o->data, o->data_path, o->force, err);
    for (size_t i = 0; i < w->outline->n_initializers && status == KERF_OK; i++) {
        const outline_initializer *init = &w->outline->initializers[i];
        if (w->mode[i] == KEPT || !has_initializer(w, i))
            continue;
        status = pad(o->data, w->place[i], err);
        if (status == KERF_OK && w->mode[i] == MOVED)
            status = onnx_copy(w->outline->file.fd, w->outline->path, init->raw.at, init->raw.size,
                               o->data, err);
        else if (status == KERF_OK)
            status = copy_external(w, init);
    }
    return status == KERF_OK ? kerf_outfile_finish(o->data, err) : status;
}

static kerf_status write_part(writer *w)
{
    kerf_error *err = w->parts->err;
    const part_output *o = w->output;
    place_data(w, false);
    kerf_status status = lay_out(w);
    if (status == KERF_OK && w->size > o->limit) {
        place_data(w, true);
        status = lay_out(w);
    }
    if (status == KERF_OK && w->size > o->limit)
        status = kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                           "the %s would have %" PRIu64 " bytes without its large weights, "
                           "expected at most %" PRIu64,
                           is_head(w) ? "head" : "tail", w->size, o->limit);
    if (status == KERF_OK)
        status = kerf_outfile_open(o->file, o->path, o->force, err);
    if (status == KERF_OK)
        status = copy_pieces(w);
    if (status == KERF_OK)
        status = kerf_outfile_finish(o->file, err);
    return status == KERF_OK ? copy_data(w) : status;
}

kerf_status onnx_part_write(onnx_parts *parts, int which, const part_output *output)
{
    onnx_outline *o = parts->outline;
    writer w = {.parts = parts,
                .outline = o,
                .part = &parts->part[which],
                .output = output,
                .which = which};
    kerf_status status = KERF_OK;
    w.mode = kerf_calloc(o->n_initializers, sizeof *w.mode);
    w.place = kerf_calloc(o->n_initializers, sizeof *w.place);
    if (!w.mode || !w.place)
        status = kerf_fail(parts->err, KERF_E_NOMEM, NULL, "out of memory");
    else if (o->inner_external && !output->same_folder)
        status = kerf_fail(parts->err, KERF_E_UNSUPPORTED, NULL,
                           "a tensor inside a node has external data: write the parts into the "
                           "network's folder");
    else
        status = write_part(&w);
    free(w.mode);
    free(w.place);
    free(w.pieces);
    onnx_bytes_clear(&w.own);
    return status;
}
