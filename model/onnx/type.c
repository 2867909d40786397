/* ValueInfoProto: the declared type and shape of a value. */
#include "model/onnx/reader.h"

#include "base/memory.h"
#include "onnx.pb.h"

#include <stdlib.h>
#include <string.h>

typedef struct info_reader {
    onnx_scope *scope;
    size_t value; /* KERF_NONE before the name is known */
    kerf_type type;
    int rank;
    int64_t dims[IR_MAX_RANK];
    char *dim_names[IR_MAX_RANK];
} info_reader;

static const char *name_of(const info_reader *info)
{
    return info->value == KERF_NONE ? NULL : info->scope->graph->values[info->value].name;
}

static bool on_dim_param(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    info_reader *info = *arg;
    (void)field;
    return onnx_read_new_name(info->scope->reader, stream, name_of(info),
                              &info->dim_names[info->rank]);
}

static bool on_dim(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    info_reader *info = *arg;
    onnx_reader *reader = info->scope->reader;
    onnx_TensorShapeProto_Dimension dim = onnx_TensorShapeProto_Dimension_init_zero;
    (void)field;
    if (info->rank >= IR_MAX_RANK)
        return ONNX_FAIL(reader, KERF_E_TOO_LARGE, name_of(info),
                         "a declared shape has more than %d dimensions", IR_MAX_RANK);
    dim.dim_param.funcs.decode = on_dim_param;
    dim.dim_param.arg = info;
    if (!onnx_decode(stream, onnx_TensorShapeProto_Dimension_fields, &dim))
        return false;
    char **name = &info->dim_names[info->rank];
    if (*name && !**name) {
        free(*name);
        *name = NULL;
    }
    /* Some exporters write -1 for "unknown". */
    if (dim.dim_value < -1)
        return ONNX_FAIL(reader, KERF_E_INVALID, name_of(info),
                         "a declared shape has the dimension %lld, expected 0 or more",
                         (long long)dim.dim_value);
    info->dims[info->rank++] = dim.has_dim_value ? dim.dim_value : IR_DIM_UNKNOWN;
    return true;
}

static void drop_shape(info_reader *info)
{
    for (int i = 0; i < IR_MAX_RANK; i++)
        free(info->dim_names[i]);
    memset(info->dim_names, 0, sizeof info->dim_names);
    info->rank = 0;
}

static bool on_shape(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    onnx_TensorShapeProto shape = onnx_TensorShapeProto_init_zero;
    (void)field;
    drop_shape(*arg); /* of two shapes the last one counts */
    shape.dim.funcs.decode = on_dim;
    shape.dim.arg = *arg;
    return onnx_decode(stream, onnx_TensorShapeProto_fields, &shape);
}

static bool on_tensor_type(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    info_reader *info = *arg;
    onnx_TypeProto_Tensor tensor = onnx_TypeProto_Tensor_init_zero;
    (void)field;
    tensor.shape.funcs.decode = on_shape;
    tensor.shape.arg = info;
    if (!onnx_decode(stream, onnx_TypeProto_Tensor_fields, &tensor))
        return false;
    info->type = onnx_type(tensor.elem_type);
    return true;
}

static bool on_type(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    onnx_TypeProto type = onnx_TypeProto_init_zero;
    (void)field;
    type.tensor_type.funcs.decode = type.sparse_tensor_type.funcs.decode = on_tensor_type;
    type.tensor_type.arg = type.sparse_tensor_type.arg = *arg;
    return onnx_decode(stream, onnx_TypeProto_fields, &type);
}

static bool on_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    info_reader *info = *arg;
    onnx_reader *reader = info->scope->reader;
    (void)field;
    if (!onnx_read_name(reader, stream, NULL))
        return false;
    info->value = KERF_NONE;
    if (!reader->length)
        return true;
    info->value = onnx_scope_value(info->scope, reader->text, reader->length);
    return info->value != KERF_NONE;
}

static bool keep_dim_names(info_reader *info, ir_value *value)
{
    bool any = false;
    for (int i = 0; i < info->rank; i++)
        any = any || info->dim_names[i];
    if (!any || value->dim_names)
        return true;
    value->dim_names = kerf_calloc(IR_MAX_RANK, sizeof *value->dim_names);
    if (!value->dim_names)
        return ONNX_NOMEM(info->scope->reader);
    memcpy(value->dim_names, info->dim_names, sizeof info->dim_names);
    memset(info->dim_names, 0, sizeof info->dim_names);
    return true;
}

bool onnx_read_value_info(onnx_scope *scope, pb_istream_t *stream, bool dim_names, size_t *index)
{
    info_reader info = {.scope = scope, .value = KERF_NONE, .rank = -1};
    onnx_ValueInfoProto message = onnx_ValueInfoProto_init_zero;
    message.name.funcs.decode = on_name;
    message.type.funcs.decode = on_type;
    message.name.arg = message.type.arg = &info;
    bool ok = onnx_decode(stream, onnx_ValueInfoProto_fields, &message);
    if (ok && info.value != KERF_NONE && (info.rank >= 0 || info.type != KERF_TYPE_UNKNOWN)) {
        ir_value *value = &scope->graph->values[info.value];
        value->declared_type = info.type;
        value->declared_rank = info.rank;
        memcpy(value->declared_dims, info.dims, sizeof info.dims);
        if (dim_names)
            ok = keep_dim_names(&info, value);
    }
    *index = info.value;
    drop_shape(&info);
    return ok;
}
