#include "model/onnx/content.h"

#include "base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool onnx_is_nibble(kerf_type type)
{
    return type == KERF_INT4 || type == KERF_UINT4;
}

static bool is_real(kerf_type type)
{
    return type == KERF_FLOAT32 || type == KERF_FLOAT16 || type == KERF_BFLOAT16 ||
           type == KERF_FLOAT64;
}

size_t onnx_content_limit(kerf_type type)
{
    switch (type) {
    case KERF_INT16:
    case KERF_UINT16:
    case KERF_INT32:
    case KERF_UINT32:
    case KERF_INT64:
    case KERF_UINT64:
    case KERF_BOOL:
        return IR_MAX_FOLD;
    case KERF_INT8:
    case KERF_UINT8:
        return ONNX_MAX_FACTORS;
    default:
        return is_real(type) ? ONNX_MAX_FACTORS : 0;
    }
}

static uint64_t little_endian(const unsigned char *bytes, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = size; i-- > 0;)
        bits = bits << 8 | bytes[i];
    return bits;
}

static double from_half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023), magnitude;
    if (exponent == 31)
        magnitude = bits & 1023 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        magnitude = ldexp(fraction, -24);
    else
        magnitude = ldexp(fraction + 1024, exponent - 25);
    return bits >> 15 & 1 ? -magnitude : magnitude;
}

static double from_float32(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float number;
    memcpy(&number, &narrow, sizeof number);
    return (double)number;
}

static double to_real(kerf_type type, uint64_t bits)
{
    double number;
    switch (type) {
    case KERF_FLOAT16:
        return from_half(bits);
    case KERF_BFLOAT16:
        return from_float32(bits << 16);
    case KERF_FLOAT32:
        return from_float32(bits);
    default:
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

/* The lowest int64 means "unknown" in ir_value; as a slice's end, its only known use, the next one
 * means the same. What does not fit into an int64 is unknown. */
static int64_t to_integer(kerf_type type, uint64_t bits)
{
    switch (type) {
    case KERF_INT8:
        return (int8_t)bits;
    case KERF_UINT8:
        return (uint8_t)bits;
    case KERF_INT16:
        return (int16_t)bits;
    case KERF_UINT16:
        return (uint16_t)bits;
    case KERF_INT32:
        return (int32_t)bits;
    case KERF_UINT32:
        return (uint32_t)bits;
    case KERF_BOOL:
        return (bits & 0xff) != 0;
    case KERF_UINT64:
        return bits > INT64_MAX ? IR_UNKNOWN_INT : (int64_t)bits;
    default:
        return (int64_t)bits == INT64_MIN ? INT64_MIN + 1 : (int64_t)bits;
    }
}

bool onnx_content_raw(ir_value *value, const unsigned char *bytes, size_t n)
{
    size_t size = (size_t)kerf_type_bits(value->type) / 8;
    if (is_real(value->type)) {
        value->floats = kerf_calloc(n, sizeof *value->floats);
        for (size_t i = 0; value->floats && i < n; i++)
            value->floats[i] = to_real(value->type, little_endian(bytes + i * size, size));
        return value->floats != NULL;
    }
    value->ints = kerf_calloc(n, sizeof *value->ints);
    for (size_t i = 0; value->ints && i < n; i++)
        value->ints[i] = to_integer(value->type, little_endian(bytes + i * size, size));
    return value->ints != NULL;
}

bool onnx_content_typed(ir_value *value, const int64_t *ints, size_t n_ints, const double *floats,
                        size_t n_floats)
{
    if (is_real(value->type)) {
        size_t n = n_ints ? n_ints : n_floats;
        value->floats = kerf_calloc(n, sizeof *value->floats);
        /* 16-bit reals stand in int32_data as bit patterns. */
        for (size_t i = 0; value->floats && i < n; i++)
            value->floats[i] = n_ints ? to_real(value->type, (uint64_t)ints[i]) : floats[i];
        return value->floats != NULL;
    }
    if (!n_ints)
        return true;
    value->ints = kerf_calloc(n_ints, sizeof *value->ints);
    for (size_t i = 0; value->ints && i < n_ints; i++)
        value->ints[i] = to_integer(value->type, (uint64_t)ints[i]);
    return value->ints != NULL;
}

static bool parse_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

bool onnx_is_confined(const char *location)
{
    if (!*location || *location == '/' || strchr(location, '\\'))
        return false;
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static bool warn_once(onnx_reader *reader, const char *format, const char *location)
{
    if (reader->warned_external)
        return true;
    reader->warned_external = true;
    return ir_warn(reader->graph, format, location) ? true : ONNX_NOMEM(reader);
}

/* Opens the external file, unless it is the one that is open. */
static bool open_external(onnx_reader *reader, const char *location, bool *found)
{
    const char *slash = strrchr(reader->path, '/');
    size_t folder = slash ? (size_t)(slash - reader->path) + 1 : 0, length = strlen(location);
    char *path = kerf_calloc(folder + length + 1, 1);
    if (!path)
        return ONNX_NOMEM(reader);
    memcpy(path, reader->path, folder);
    memcpy(path + folder, location, length);
    if (reader->external_path && strcmp(reader->external_path, path) == 0) {
        free(path);
    } else {
        onnx_file_close(&reader->external);
        free(reader->external_path);
        reader->external_path = path;
        onnx_file_open(&reader->external, path, NULL);
    }
    *found = reader->external.fd >= 0;
    return true;
}

bool onnx_external_find(onnx_reader *reader, const char *where, const char *location,
                        const char *offset, const char *length, uint64_t bytes, onnx_file **file,
                        uint64_t *at)
{
    uint64_t size = bytes;
    bool found;
    *file = NULL;
    *at = 0;
    if (!location)
        return ONNX_FAIL(reader, KERF_E_INVALID, where,
                         "a tensor has external data without a location");
    if ((offset && !parse_number(offset, at)) || (length && !parse_number(length, &size)))
        return ONNX_FAIL(reader, KERF_E_INVALID, where,
                         "external data has the offset '%.40s' and the length '%.40s', expected "
                         "numbers of bytes",
                         offset ? offset : "0", length ? length : "");
    if (size != bytes)
        return ONNX_FAIL(reader, KERF_E_INVALID, where,
                         "external data has %llu bytes, expected %llu by type and dimensions",
                         (unsigned long long)size, (unsigned long long)bytes);
    if (!onnx_is_confined(location))
        return warn_once(reader,
                         "external data '%.200s' is outside the model's folder and was not read",
                         location);
    if (!open_external(reader, location, &found))
        return false;
    if (!found)
        return warn_once(reader,
                         "external data '%.200s' is not there; weights keep their size, "
                         "their content is unknown",
                         location);
    if (*at > reader->external.size || bytes > reader->external.size - *at)
        return ONNX_FAIL(reader, KERF_E_INVALID, where,
                         "external data '%.100s' ends before byte %llu + %llu", location,
                         (unsigned long long)*at, (unsigned long long)bytes);
    *file = &reader->external;
    return true;
}
