/* What the file declares of a tensor. */
#include "model/onnx/outline_read.h"

#include <stdlib.h>

static bool read_dims(onnx_outline *o, const onnx_extent *shape, outline_declared *d)
{
    uint64_t at = shape->at, inner;
    onnx_extent dim, field;
    d->rank = 0;
    while (onnx_outline_next(o, &at, shape->at + shape->size, &dim)) {
        if (dim.field != 1 || d->rank == IR_MAX_RANK)
            continue;
        inner = dim.at;
        while (onnx_outline_next(o, &inner, dim.at + dim.size, &field))
            if (field.field == 2 && field.size &&
                !outline_replace_text(o, &field, &d->dim_names[d->rank]))
                return false;
        d->rank++;
    }
    return o->status == KERF_OK;
}

/* Descends from a ValueInfoProto by the given fields: type, tensor_type. */
static bool read_type(onnx_outline *o, const onnx_extent *info, outline_declared *d)
{
    uint64_t at = info->at, in_type, in_tensor;
    onnx_extent type, tensor, field;
    while (onnx_outline_next(o, &at, info->at + info->size, &type)) {
        in_type = type.at;
        while (type.field == 2 && onnx_outline_next(o, &in_type, type.at + type.size, &tensor)) {
            in_tensor = tensor.at;
            while (tensor.field == 1 &&
                   onnx_outline_next(o, &in_tensor, tensor.at + tensor.size, &field)) {
                if (field.field == 1)
                    d->type = (int64_t)field.number;
                if (field.field == 2 && !read_dims(o, &field, d))
                    return false;
            }
        }
    }
    return o->status == KERF_OK;
}

bool onnx_outline_declared(onnx_outline *o, size_t tensor, outline_declared *d)
{
    const outline_tensor *t = &o->tensors[tensor];
    *d = (outline_declared){.rank = -1};
    if (t->input != KERF_NONE)
        return read_type(o, &o->inputs[t->input].extent, d);
    if (t->output != KERF_NONE)
        return read_type(o, &o->outputs[t->output].extent, d);
    if (t->info != KERF_NONE)
        return read_type(o, &o->infos[t->info].extent, d);
    return true;
}

void onnx_declared_clear(outline_declared *d)
{
    for (int i = 0; i < IR_MAX_RANK; i++)
        free(d->dim_names[i]);
    *d = (outline_declared){.rank = -1};
}
