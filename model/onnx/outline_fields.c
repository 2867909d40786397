#include "model/onnx/outline_read.h"

#include "base/memory.h"

#include <pb_decode.h>
#include <stdlib.h>
#include <string.h>

bool outline_broken(onnx_outline *o, uint64_t at)
{
    return OUTLINE_FAIL(o, KERF_E_SYNTAX, NULL, "not an ONNX file: broken near byte %llu",
                        (unsigned long long)at);
}

static bool decode_field(pb_istream_t *stream, onnx_outline *o, onnx_extent *extent)
{
    pb_wire_type_t type;
    bool eof = false;
    uint64_t size = 0;
    if (!pb_decode_tag(stream, &type, &extent->field, &eof))
        return false;
    switch (type) {
    case PB_WT_VARINT:
        if (!pb_decode_varint(stream, &extent->number))
            return false;
        break;
    case PB_WT_64BIT:
        size = 8;
        break;
    case PB_WT_32BIT:
        size = 4;
        break;
    case PB_WT_STRING:
        if (!pb_decode_varint(stream, &size))
            return false;
        break;
    default:
        return false;
    }
    extent->at = o->file.position;
    extent->size = size;
    return size <= stream->bytes_left;
}

bool onnx_outline_next(onnx_outline *o, uint64_t *at, uint64_t end, onnx_extent *extent)
{
    if (o->status != KERF_OK || *at >= end)
        return false;
    pb_istream_t stream = onnx_stream(&o->file, *at, end - *at);
    *extent = (onnx_extent){.start = *at};
    if (!decode_field(&stream, o, extent))
        return outline_broken(o, *at);
    *at = extent->at + extent->size;
    return true;
}

char *outline_read_text(onnx_outline *o, const onnx_extent *extent, uint64_t limit)
{
    if (extent->size > limit) {
        (void)OUTLINE_FAIL(o, KERF_E_TOO_LARGE, NULL,
                           "a name has %llu bytes, expected at most %llu",
                           (unsigned long long)extent->size, (unsigned long long)limit);
        return NULL;
    }
    char *text = kerf_calloc((size_t)extent->size + 1, 1);
    if (!text) {
        (void)OUTLINE_NOMEM(o);
        return NULL;
    }
    pb_istream_t stream = onnx_stream(&o->file, extent->at, extent->size);
    if (!pb_read(&stream, (pb_byte_t *)text, (size_t)extent->size) ||
        memchr(text, '\0', (size_t)extent->size)) {
        (void)outline_broken(o, extent->at);
        free(text);
        return NULL;
    }
    return text;
}

bool outline_replace_text(onnx_outline *o, const onnx_extent *extent, char **text)
{
    char *read = outline_read_text(o, extent, ONNX_MAX_NAME);
    if (!read)
        return false;
    free(*text);
    *text = read;
    return true;
}

size_t onnx_outline_find(const onnx_outline *o, const char *name)
{
    return onnx_names_find(&o->names, onnx_hash(o, name), name);
}

size_t outline_tensor_of(onnx_outline *o, char *name)
{
    size_t index = onnx_outline_find(o, name);
    if (index != KERF_NONE) {
        free(name);
        return index;
    }
    index = o->n_tensors;
    if (kerf_reserve(&o->tensors, &o->cap_tensors, index + 1, IR_MAX_VALUES, sizeof *o->tensors) ||
        !onnx_names_add(&o->names, onnx_hash(o, name), name, index)) {
        free(name);
        (void)OUTLINE_NOMEM(o);
        return KERF_NONE;
    }
    o->tensors[o->n_tensors++] =
        (outline_tensor){name, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE};
    return index;
}

bool outline_read_name(onnx_outline *o, const onnx_extent *extent, size_t *tensor)
{
    char *name = outline_read_text(o, extent, ONNX_MAX_NAME);
    if (!name)
        return false;
    *tensor = KERF_NONE;
    if (!*name) {
        free(name);
        return true;
    }
    *tensor = outline_tensor_of(o, name);
    return *tensor != KERF_NONE;
}

bool outline_append(onnx_outline *o, size_t **list, size_t *n, size_t *capacity, size_t item)
{
    if (kerf_reserve(list, capacity, *n + 1, ONNX_MAX_LIST, sizeof **list))
        return OUTLINE_NOMEM(o);
    (*list)[(*n)++] = item;
    return true;
}

bool outline_find_name(onnx_outline *o, const onnx_extent *message, uint32_t wanted, size_t *tensor)
{
    uint64_t at = message->at;
    onnx_extent field;
    *tensor = KERF_NONE;
    while (onnx_outline_next(o, &at, message->at + message->size, &field))
        if (field.field == wanted && !outline_read_name(o, &field, tensor))
            return false;
    return o->status == KERF_OK;
}
