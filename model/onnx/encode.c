#include "model/onnx/encode.h"

#include "base/memory.h"

#include <math.h>
#include <pb_encode.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE ((size_t)1 << 30)

void onnx_bytes_clear(onnx_bytes *b)
{
    free(b->data);
    *b = (onnx_bytes){0};
}

void onnx_put_raw(onnx_bytes *b, const void *bytes, size_t n)
{
    if (b->failed || n == 0)
        return;
    if (n > MAX_MESSAGE || kerf_reserve(&b->data, &b->capacity, b->n + n, MAX_MESSAGE, 1)) {
        b->failed = true;
        return;
    }
    memcpy(b->data + b->n, bytes, n);
    b->n += n;
}

static bool to_bytes(pb_ostream_t *stream, const pb_byte_t *bytes, size_t count)
{
    onnx_bytes *b = stream->state;
    onnx_put_raw(b, bytes, count);
    return !b->failed;
}

static pb_ostream_t stream_to(onnx_bytes *b)
{
    return (pb_ostream_t){.callback = to_bytes, .state = b, .max_size = SIZE_MAX};
}

void onnx_put_number(onnx_bytes *b, uint32_t field, uint64_t number)
{
    pb_ostream_t stream = stream_to(b);
    if (!pb_encode_tag(&stream, PB_WT_VARINT, field) || !pb_encode_varint(&stream, number))
        b->failed = true;
}

void onnx_put_float(onnx_bytes *b, uint32_t field, float number)
{
    pb_ostream_t stream = stream_to(b);
    if (!pb_encode_tag(&stream, PB_WT_32BIT, field) || !pb_encode_fixed32(&stream, &number))
        b->failed = true;
}

void onnx_put_header(onnx_bytes *b, uint32_t field, uint64_t size)
{
    pb_ostream_t stream = stream_to(b);
    if (!pb_encode_tag(&stream, PB_WT_STRING, field) || !pb_encode_varint(&stream, size))
        b->failed = true;
}

void onnx_put_bytes(onnx_bytes *b, uint32_t field, const void *bytes, size_t n)
{
    onnx_put_header(b, field, n);
    onnx_put_raw(b, bytes, n);
}

void onnx_put_text(onnx_bytes *b, uint32_t field, const char *text)
{
    onnx_put_bytes(b, field, text, strlen(text));
}

void onnx_put_message(onnx_bytes *b, uint32_t field, onnx_bytes *message)
{
    onnx_put_bytes(b, field, message->data, message->n);
    b->failed = b->failed || message->failed;
    onnx_bytes_clear(message);
}

uint32_t onnx_type_number(kerf_type type)
{
    static const uint32_t numbers[] = {
        [KERF_FLOAT32] = 1, [KERF_UINT8] = 2,      [KERF_INT8] = 3,        [KERF_UINT16] = 4,
        [KERF_INT16] = 5,   [KERF_INT32] = 6,      [KERF_INT64] = 7,       [KERF_STRING] = 8,
        [KERF_BOOL] = 9,    [KERF_FLOAT16] = 10,   [KERF_FLOAT64] = 11,    [KERF_UINT32] = 12,
        [KERF_UINT64] = 13, [KERF_COMPLEX64] = 14, [KERF_COMPLEX128] = 15, [KERF_BFLOAT16] = 16,
        [KERF_UINT4] = 21,  [KERF_INT4] = 22,
    };
    return (size_t)type < sizeof numbers / sizeof *numbers ? numbers[type] : 0;
}

void onnx_put_entry(onnx_bytes *b, uint32_t field, const char *key, const char *value)
{
    onnx_bytes entry = {0};
    onnx_put_text(&entry, 1, key);
    onnx_put_text(&entry, 2, value);
    onnx_put_message(b, field, &entry);
}

void onnx_begin_node(onnx_bytes *node, const char *type, const char *name,
                     const char *const *inputs, size_t n, const char *output)
{
    for (size_t i = 0; i < n; i++)
        onnx_put_text(node, 1, inputs[i]);
    onnx_put_text(node, 2, output);
    onnx_put_text(node, 3, name);
    onnx_put_text(node, 4, type);
}

void onnx_put_int_attribute(onnx_bytes *node, const char *name, int64_t value)
{
    onnx_bytes attribute = {0};
    onnx_put_text(&attribute, 1, name);
    onnx_put_number(&attribute, 3, (uint64_t)value);
    onnx_put_number(&attribute, 20, 2);
    onnx_put_message(node, 5, &attribute);
}

void onnx_put_tensor_attribute(onnx_bytes *node, const char *name, onnx_bytes *tensor)
{
    onnx_bytes attribute = {0};
    onnx_put_text(&attribute, 1, name);
    onnx_put_message(&attribute, 5, tensor);
    onnx_put_number(&attribute, 20, 4);
    onnx_put_message(node, 5, &attribute);
}

static void put_little_endian(onnx_bytes *b, uint64_t bits, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(bits >> 8 * i);
    onnx_put_raw(b, bytes, size);
}

static uint64_t float_bits(double number)
{
    const float narrow = (float)number;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    return bits;
}

bool onnx_encode_tensor(onnx_bytes *tensor, kerf_type type, const int64_t *dims, int rank,
                        const int64_t *ints, const double *floats, size_t n)
{
    onnx_bytes raw = {0};
    const size_t size = (size_t)kerf_type_bits(type) / 8;
    if (size == 0 || size > 8 || (floats && type != KERF_FLOAT32 && type != KERF_FLOAT64))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = ints ? (uint64_t)ints[i] : 0;
        if (floats && type == KERF_FLOAT32)
            bits = float_bits(floats[i]);
        else if (floats)
            memcpy(&bits, &floats[i], sizeof bits);
        put_little_endian(&raw, bits, size);
    }
    for (int i = 0; i < rank; i++)
        onnx_put_number(tensor, 1, (uint64_t)dims[i]);
    onnx_put_number(tensor, 2, onnx_type_number(type));
    onnx_put_message(tensor, 9, &raw);
    return true;
}

void onnx_put_value_info(onnx_bytes *b, uint32_t field, const char *name, uint32_t type,
                         const int64_t *dims, char *const *names, int rank)
{
    onnx_bytes info = {0}, outer = {0}, tensor = {0}, shape = {0}, dim = {0};
    for (int i = 0; i < rank; i++) {
        if (dims[i] >= 0)
            onnx_put_number(&dim, 1, (uint64_t)dims[i]);
        else if (names && names[i])
            onnx_put_text(&dim, 2, names[i]);
        onnx_put_message(&shape, 1, &dim);
    }
    onnx_put_number(&tensor, 1, type);
    if (rank >= 0)
        onnx_put_message(&tensor, 2, &shape);
    onnx_put_message(&outer, 1, &tensor);
    onnx_put_text(&info, 1, name);
    onnx_put_message(&info, 2, &outer);
    onnx_put_message(b, field, &info);
}
