/* TensorProto: type and dims always, content only of small tensors. The bytes of larger ones are
 * stepped over. Which a tensor is can be said for certain when its message has been read (fields
 * may come in any order), so raw bytes are noted by their place in the file and fetched then. */
#include "model/onnx/reader.h"

#include "base/memory.h"
#include "model/onnx/content.h"
#include "onnx.pb.h"

#include <stdlib.h>
#include <string.h>

/* No varint is longer. A packed list of more bytes than this per wanted element is too long. */
#define VARINT_BYTES 10

typedef struct tensor_reader {
    onnx_reader *reader;
    const char *where;
    ir_value *value;
    char **name;
    /* Content in the typed fields, as far as it is of interest. */
    int64_t *ints;
    double *floats;
    size_t n_ints, cap_ints, n_floats, cap_floats;
    uint64_t n_strings;
    bool stepped_over;    /* a list that is too long to be kept */
    uint64_t least, most; /* elements of what was stepped over */
    bool raw;
    uint64_t raw_offset, raw_size;
    char *location, *offset, *length; /* external data */
} tensor_reader;

kerf_type onnx_type(int32_t data_type)
{
    static const kerf_type types[] = {
        [1] = KERF_FLOAT32, [2] = KERF_UINT8,      [3] = KERF_INT8,        [4] = KERF_UINT16,
        [5] = KERF_INT16,   [6] = KERF_INT32,      [7] = KERF_INT64,       [8] = KERF_STRING,
        [9] = KERF_BOOL,    [10] = KERF_FLOAT16,   [11] = KERF_FLOAT64,    [12] = KERF_UINT32,
        [13] = KERF_UINT64, [14] = KERF_COMPLEX64, [15] = KERF_COMPLEX128, [16] = KERF_BFLOAT16,
        [17] = KERF_FLOAT8, [18] = KERF_FLOAT8,    [19] = KERF_FLOAT8,     [20] = KERF_FLOAT8,
        [21] = KERF_UINT4,  [22] = KERF_INT4,      [24] = KERF_FLOAT8,
    };
    if (data_type < 0 || (size_t)data_type >= sizeof types / sizeof *types)
        return KERF_TYPE_UNKNOWN;
    return types[data_type];
}

static bool on_dims(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    (void)field;
    while (stream->bytes_left) {
        uint64_t dim;
        if (!pb_decode_varint(stream, &dim))
            return false;
        if (t->value->rank >= IR_MAX_RANK)
            return ONNX_FAIL(t->reader, KERF_E_TOO_LARGE, t->where,
                             "a tensor has more than %d dimensions", IR_MAX_RANK);
        if ((int64_t)dim < 0)
            return ONNX_FAIL(t->reader, KERF_E_INVALID, t->where,
                             "a tensor has the dimension %lld, expected 0 or more", (long long)dim);
        t->value->dims[t->value->rank++] = (int64_t)dim;
    }
    return true;
}

/* True if a packed list was stepped over because no small tensor has so many bytes. */
static bool too_long(tensor_reader *t, pb_istream_t *stream, uint64_t least, uint64_t most,
                     uint64_t limit)
{
    uint64_t offset, size;
    if (!onnx_stream_is_file(stream) || stream->bytes_left <= most * limit)
        return false;
    onnx_stream_skip(stream, &offset, &size);
    t->stepped_over = true;
    t->least += size / most;
    t->most += size / least;
    return true;
}

static bool keep_int(tensor_reader *t, int64_t number)
{
    if (t->n_ints < IR_MAX_FOLD) {
        if (kerf_reserve(&t->ints, &t->cap_ints, t->n_ints + 1, IR_MAX_FOLD, sizeof *t->ints))
            return ONNX_NOMEM(t->reader);
        t->ints[t->n_ints] = number;
    }
    t->n_ints++;
    return true;
}

static bool keep_float(tensor_reader *t, double number)
{
    if (t->n_floats < ONNX_MAX_FACTORS) {
        if (kerf_reserve(&t->floats, &t->cap_floats, t->n_floats + 1, ONNX_MAX_FACTORS,
                         sizeof *t->floats))
            return ONNX_NOMEM(t->reader);
        t->floats[t->n_floats] = number;
    }
    t->n_floats++;
    return true;
}

static bool on_ints(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    (void)field;
    if (too_long(t, stream, 1, VARINT_BYTES, IR_MAX_FOLD))
        return true;
    while (stream->bytes_left) {
        uint64_t number;
        if (!pb_decode_varint(stream, &number) || !keep_int(t, (int64_t)number))
            return false;
    }
    return true;
}

static bool on_floats(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    (void)field;
    if (too_long(t, stream, sizeof(float), sizeof(float), ONNX_MAX_FACTORS))
        return true;
    while (stream->bytes_left) {
        float number;
        if (!pb_decode_fixed32(stream, &number) || !keep_float(t, (double)number))
            return false;
    }
    return true;
}

static bool on_doubles(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    (void)field;
    if (too_long(t, stream, sizeof(double), sizeof(double), ONNX_MAX_FACTORS))
        return true;
    while (stream->bytes_left) {
        double number;
        if (!pb_decode_fixed64(stream, &number) || !keep_float(t, number))
            return false;
    }
    return true;
}

static bool on_strings(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    uint64_t offset, size;
    (void)field;
    if (!onnx_stream_is_file(stream))
        return false;
    onnx_stream_skip(stream, &offset, &size);
    t->n_strings++;
    return true;
}

static bool on_raw(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    (void)field;
    if (!onnx_stream_is_file(stream))
        return false;
    onnx_stream_skip(stream, &t->raw_offset, &t->raw_size);
    t->raw = true;
    return true;
}

static bool on_name(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    (void)field;
    if (!onnx_read_name(t->reader, stream, t->where))
        return false;
    if (!t->name)
        return true;
    free(*t->name);
    *t->name = kerf_strndup(t->reader->text, t->reader->length);
    if (!*t->name)
        return ONNX_NOMEM(t->reader);
    if (!t->where)
        t->where = *t->name;
    return true;
}

typedef struct entry_reader {
    tensor_reader *tensor;
    char *key, *value;
} entry_reader;

static bool on_key(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    entry_reader *e = *arg;
    (void)field;
    return onnx_read_new_name(e->tensor->reader, stream, e->tensor->where, &e->key);
}

static bool on_value(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    entry_reader *e = *arg;
    (void)field;
    return onnx_read_new_name(e->tensor->reader, stream, e->tensor->where, &e->value);
}

static bool on_external(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    tensor_reader *t = *arg;
    entry_reader e = {.tensor = t};
    onnx_StringStringEntryProto message = onnx_StringStringEntryProto_init_zero;
    (void)field;
    message.key.funcs.decode = on_key;
    message.value.funcs.decode = on_value;
    message.key.arg = message.value.arg = &e;
    bool ok = onnx_decode(stream, onnx_StringStringEntryProto_fields, &message);
    if (ok && e.key && e.value) {
        char **slot = strcmp(e.key, "location") == 0 ? &t->location
                      : strcmp(e.key, "offset") == 0 ? &t->offset
                      : strcmp(e.key, "length") == 0 ? &t->length
                                                     : NULL;
        if (slot) {
            free(*slot);
            *slot = e.value;
            e.value = NULL;
        }
    }
    free(e.key);
    free(e.value);
    return ok;
}

/* How many elements the typed fields hold: in t->least .. t->most. */
static void count_typed(tensor_reader *t)
{
    /* A complex number takes two entries. */
    uint64_t per = t->value->type == KERF_COMPLEX64 || t->value->type == KERF_COMPLEX128 ? 2 : 1;
    t->least = (t->least + t->n_ints + t->n_floats) / per + t->n_strings;
    t->most = (t->most + t->n_ints + t->n_floats) / per + t->n_strings;
}

/* Four-bit integers come two in an entry. */
static bool check_count(tensor_reader *t, int64_t elements)
{
    uint64_t wanted = (uint64_t)elements;
    if (onnx_is_nibble(t->value->type))
        wanted = wanted / 2 + wanted % 2;
    count_typed(t);
    if (!t->most || (t->least <= wanted && wanted <= t->most))
        return true;
    return ONNX_FAIL(t->reader, KERF_E_INVALID, t->where,
                     "a tensor holds %llu entries of data, expected %llu by its dimensions",
                     (unsigned long long)t->least, (unsigned long long)wanted);
}

static bool check_raw(tensor_reader *t, uint64_t bytes)
{
    if (!t->raw || !t->raw_size || t->raw_size == bytes)
        return true;
    return ONNX_FAIL(t->reader, KERF_E_INVALID, t->where,
                     "a tensor holds %llu bytes of data, expected %llu by its type and dimensions",
                     (unsigned long long)t->raw_size, (unsigned long long)bytes);
}

/* Fetches `bytes` raw bytes from the model file or the external one, and keeps them as content. */
static bool fetch_raw(tensor_reader *t, onnx_file *file, uint64_t offset, uint64_t bytes,
                      size_t elements)
{
    unsigned char *data = kerf_calloc((size_t)bytes, 1);
    bool ok = data != NULL;
    if (!ok)
        (void)ONNX_NOMEM(t->reader);
    else if (!(ok = onnx_file_read_at(file, offset, data, (size_t)bytes)))
        (void)ONNX_FAIL(t->reader, KERF_E_IO, t->where, "cannot read the data of a tensor");
    else if (!(ok = onnx_content_raw(t->value, data, elements)))
        (void)ONNX_NOMEM(t->reader);
    free(data);
    return ok;
}

/* Small tensors get their content, if it is there and of a type that folding understands. */
static bool keep_content(tensor_reader *t, size_t elements, uint64_t bytes)
{
    size_t limit = onnx_content_limit(t->value->type);
    if (!limit || elements > limit)
        return true;
    if (!elements || (t->raw && t->raw_size))
        return fetch_raw(t, &t->reader->file, t->raw_offset, bytes, elements);
    if (t->n_ints == elements || t->n_floats == elements)
        return onnx_content_typed(t->value, t->ints, t->n_ints, t->floats, t->n_floats)
                   ? true
                   : ONNX_NOMEM(t->reader);
    return true;
}

static bool keep_external(tensor_reader *t, size_t elements, uint64_t bytes)
{
    onnx_file *file;
    uint64_t offset;
    if (!onnx_external_find(t->reader, t->where, t->location, t->offset, t->length, bytes, &file,
                            &offset))
        return false;
    if (!file || !elements || elements > onnx_content_limit(t->value->type))
        return true;
    return fetch_raw(t, file, offset, bytes, elements);
}

static bool finish(tensor_reader *t, bool external)
{
    int64_t elements = ir_elements(t->value);
    uint64_t bits = (uint64_t)kerf_type_bits(t->value->type), bytes;
    if (elements < 0 || (bits && __builtin_mul_overflow((uint64_t)elements, bits, &bytes)))
        return ONNX_FAIL(t->reader, KERF_E_TOO_LARGE, t->where,
                         "the size of a tensor overflows 64 bits");
    bytes = bits ? bytes / 8 + (bytes % 8 != 0) : 0;
    if (external && bits)
        return keep_external(t, (size_t)elements, bytes);
    if (!check_count(t, elements) || (bits && !check_raw(t, bytes)))
        return false;
    return !bits || keep_content(t, (size_t)elements, bytes);
}

static void set_callbacks(onnx_TensorProto *message, tensor_reader *t)
{
    const struct {
        pb_callback_t *field;
        bool (*decode)(pb_istream_t *, const pb_field_t *, void **);
    } table[] = {
        {&message->dims, on_dims},        {&message->float_data, on_floats},
        {&message->int32_data, on_ints},  {&message->string_data, on_strings},
        {&message->int64_data, on_ints},  {&message->name, on_name},
        {&message->raw_data, on_raw},     {&message->double_data, on_doubles},
        {&message->uint64_data, on_ints}, {&message->external_data, on_external},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        table[i].field->funcs.decode = table[i].decode;
        table[i].field->arg = t;
    }
}

bool onnx_read_tensor(onnx_reader *reader, pb_istream_t *stream, const char *where, ir_value *value,
                      char **name)
{
    tensor_reader t = {.reader = reader, .where = where, .value = value, .name = name};
    onnx_TensorProto message = onnx_TensorProto_init_zero;
    set_callbacks(&message, &t);
    value->rank = 0;
    bool ok = onnx_decode(stream, onnx_TensorProto_fields, &message);
    if (ok) {
        value->type = onnx_type(message.data_type);
        value->initializer = value->constant = true;
        ok = finish(&t, message.data_location == 1);
    }
    free(t.ints);
    free(t.floats);
    free(t.location);
    free(t.offset);
    free(t.length);
    return ok;
}

typedef struct sparse_reader {
    tensor_reader dims; /* only its dims are used */
    ir_value values;
    char **name;
} sparse_reader;

static bool on_sparse_values(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    sparse_reader *s = *arg;
    (void)field;
    ir_value_clear(&s->values);
    return onnx_read_tensor(s->dims.reader, stream, s->dims.where, &s->values, s->name);
}

/* The dense tensor that it stands for, without content. */
bool onnx_read_sparse_tensor(onnx_reader *reader, pb_istream_t *stream, const char *where,
                             ir_value *value, char **name)
{
    sparse_reader s = {.dims = {.reader = reader, .where = where, .value = value}, .name = name};
    onnx_SparseTensorProto message = onnx_SparseTensorProto_init_zero;
    message.values.funcs.decode = on_sparse_values;
    message.indices.funcs.decode = onnx_on_skip;
    message.dims.funcs.decode = on_dims;
    message.values.arg = &s;
    message.dims.arg = &s.dims;
    value->rank = 0;
    bool ok = onnx_decode(stream, onnx_SparseTensorProto_fields, &message);
    value->type = s.values.type;
    value->initializer = value->constant = true;
    ir_value_clear(&s.values);
    if (ok && ir_elements(value) < 0)
        ok = ONNX_FAIL(reader, KERF_E_TOO_LARGE, where, "the size of a tensor overflows 64 bits");
    return ok;
}

bool onnx_tensor_copy(const ir_value *from, ir_value *to)
{
    size_t n = (size_t)ir_elements(from);
    to->type = from->type;
    to->rank = from->rank;
    to->initializer = from->initializer;
    to->constant = from->constant;
    memcpy(to->dims, from->dims, sizeof to->dims);
    if (from->ints && !(to->ints = kerf_calloc(n, sizeof *to->ints)))
        return false;
    if (from->floats && !(to->floats = kerf_calloc(n, sizeof *to->floats)))
        return false;
    if (from->ints)
        memcpy(to->ints, from->ints, n * sizeof *to->ints);
    if (from->floats)
        memcpy(to->floats, from->floats, n * sizeof *to->floats);
    return true;
}
