#include "base/json_doc.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json_latch.h"
#include "base/memory.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES  ((size_t)256 * 1000 * 1000)
#define MAX_DEPTH  64
#define MAX_VALUES ((size_t)32 * 1000 * 1000) /* jansson spends some 60 bytes on each */
/* Of quantities, in SI units: products and sums of a few of them stay normal numbers. */
#define LEAST_QUANTITY 1e-30
#define MOST_QUANTITY  1e30

typedef struct text {
    char *data;
    size_t used, size;
} text;

static void put(text *out, char c)
{
    if (out->used + 1 < out->size)
        out->data[out->used++] = c;
    out->data[out->used] = '\0';
}

/* RFC 6901: ~ and / inside a key are written ~0 and ~1. */
static void put_key(text *out, const char *key)
{
    put(out, '/');
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/') {
            put(out, '~');
            put(out, *key == '~' ? '0' : '1');
        } else {
            put(out, *key);
        }
    }
}

static void put_pointer(text *out, const kerf_json *at)
{
    if (at->parent == NULL)
        return;
    put_pointer(out, at->parent);
    if (at->key != NULL) {
        put_key(out, at->key);
        return;
    }
    char index[24];
    snprintf(index, sizeof index, "%zu", at->index);
    put_key(out, index);
}

static void pointer_of(const kerf_json *at, char *buffer, size_t size)
{
    text out = {buffer, 0, size};
    buffer[0] = '\0';
    put_pointer(&out, at);
}

bool kerf_json_fail(const kerf_json *at, kerf_status code, const char *format, ...)
{
    kerf_json_doc *doc = at->doc;
    if (doc->status != KERF_OK)
        return false;
    doc->status = code;
    char where[256], message[512];
    pointer_of(at, where, sizeof where);
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    kerf_fail(doc->err, code, where, "%s", message);
    kerf_error_source(doc->err, doc->source);
    return false;
}

static bool out_of_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static bool wrong_type(const kerf_json *at, const char *expected)
{
    return kerf_json_fail(at, KERF_E_INVALID, "is %s, expected %s", type_name(at->value), expected);
}

/* jansson builds what it reads before anyone can count it, and recurses as deep as it nests. So
 * brackets and separators are counted first, skipping strings. */
static kerf_status check_shape(const char *data, size_t size, kerf_error *err)
{
    size_t depth = 0, values = 0, line = 1, start = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = data[i], where[64];
        if (c == '\n') {
            line++;
            start = i + 1;
        }
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        in_string = c == '"';
        depth += c == '[' || c == '{';
        values += c == ',' || c == ':' || c == '[';
        depth -= depth > 0 && (c == ']' || c == '}');
        if (depth <= MAX_DEPTH && values <= MAX_VALUES)
            continue;
        snprintf(where, sizeof where, "%zu:%zu", line, i - start + 1);
        if (depth > MAX_DEPTH)
            return kerf_fail(err, KERF_E_TOO_LARGE, where,
                             "nests too deeply, expected at most %d levels", MAX_DEPTH);
        return kerf_fail(err, KERF_E_TOO_LARGE, where, "too many values, expected at most %zu",
                         MAX_VALUES);
    }
    return KERF_OK;
}

/* The text, handed out piece by piece; it ends at once when memory has run out. */
typedef struct json_text {
    const char *data;
    size_t size;
} json_text;

static size_t next_piece(void *buffer, size_t size, void *context)
{
    json_text *rest = context;
    const size_t n = kerf_json_latch_fired() ? 0 : size < rest->size ? size : rest->size;
    memcpy(buffer, rest->data, n);
    rest->data += n;
    rest->size -= n;
    return n;
}

/* What jansson may still ask for after a failure: to double the buffer of the token at hand, and
 * the values in the piece of text that it has fetched already (1 KiB). */
static size_t reserve_for(size_t size)
{
    return 2 * size + ((size_t)256 << 10);
}

/* What a parser would say of these is not to be seen on a screen. */
static kerf_status check_encoding(const char *data, size_t size, kerf_error *err)
{
    const unsigned char *c = (const unsigned char *)data;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        return kerf_fail(err, KERF_E_SYNTAX, "1:1",
                         "starts with a byte order mark, expected UTF-8 without one");
    if (size >= 2 && ((c[0] == 0xff && c[1] == 0xfe) || (c[0] == 0xfe && c[1] == 0xff) ||
                      (c[0] == 0) != (c[1] == 0)))
        return kerf_fail(err, KERF_E_SYNTAX, "1:1", "is UTF-16 or UTF-32, expected UTF-8");
    return KERF_OK;
}

/* Jansson speaks of its own flags here. */
static const char *syntax_problem(const json_error_t *problem)
{
    if (json_error_code(problem) == json_error_null_character)
        return "a string holds \\u0000, expected text without it";
    return problem->text;
}

static kerf_status parse(const char *data, size_t size, size_t flags, json_t **root,
                         kerf_error *err)
{
    kerf_status status = check_encoding(data, size, err);
    if (status == KERF_OK && size == 0)
        status = kerf_fail(err, KERF_E_SYNTAX, NULL, "is empty, expected a JSON document");
    if (status == KERF_OK)
        status = check_shape(data, size, err);
    if (status != KERF_OK)
        return status;
    json_error_t problem;
    json_text rest = {data, size};
    if (!kerf_json_latch_start(reserve_for(size)))
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    json_t *tree = json_load_callback(next_piece, &rest, flags | JSON_DECODE_ANY, &problem);
    const bool fired = kerf_json_latch_fired();
    if (fired)
        json_decref(tree);
    kerf_json_latch_stop();
    if (fired)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (tree == NULL) {
        char where[64];
        snprintf(where, sizeof where, "%d:%d", problem.line,
                 problem.column > 0 ? problem.column : 1);
        return kerf_fail(err, KERF_E_SYNTAX, where, "%s", syntax_problem(&problem));
    }
    *root = tree;
    return KERF_OK;
}

static bool check_root(kerf_json_doc *doc, const char *format)
{
    kerf_json root = kerf_json_root(doc);
    const bool foreign = format == NULL || *format == '\0';
    if (foreign && format && json_is_array(root.value))
        return true;
    if (!json_is_object(root.value))
        return wrong_type(&root, "an object");
    if (foreign)
        return true;
    kerf_json at;
    const char *found = "";
    if (json_object_get(root.value, "format") == NULL)
        return kerf_json_fail(&root, KERF_E_INVALID, "has no \"format\", expected \"%s\"", format);
    if (!kerf_json_member(&root, "format", KERF_REQUIRED, &at) || !kerf_json_as_string(&at, &found))
        return false;
    if (strcmp(found, format) != 0)
        return kerf_json_fail(&at, KERF_E_INVALID, "is \"%.60s\", expected \"%s\"", found, format);
    return true;
}

kerf_status kerf_json_parse(const char *data, size_t size, const char *source, const char *format,
                            kerf_json_doc **doc, kerf_error *err)
{
    kerf_json_doc *made = NULL;
    kerf_status status;
    *doc = NULL;
    if (size > MAX_BYTES) {
        status = kerf_fail(err, KERF_E_TOO_LARGE, NULL, "is too large, expected at most %zu bytes",
                           MAX_BYTES);
        goto out;
    }
    if (kerf_json_latch_install() != 0 || (made = kerf_calloc(1, sizeof *made)) == NULL ||
        (made->source = kerf_strdup(source != NULL ? source : "")) == NULL) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    made->err = err;
    size_t flags = format != NULL && *format ? JSON_REJECT_DUPLICATES : 0;
    status = parse(data, size, flags, &made->root, err);
    if (status == KERF_OK && !check_root(made, format))
        status = made->status;
out:
    if (status == KERF_OK) {
        *doc = made;
        return KERF_OK;
    }
    kerf_error_source(err, source);
    kerf_json_close(&made);
    return status;
}

kerf_status kerf_json_open(const char *path, const char *format, kerf_json_doc **doc,
                           kerf_error *err)
{
    char *data = NULL;
    size_t size = 0;
    *doc = NULL;
    kerf_status status = kerf_read_file(path, MAX_BYTES, &data, &size, err);
    if (status == KERF_OK)
        status = kerf_json_parse(data, size, path, format, doc, err);
    free(data);
    return status;
}

kerf_status kerf_json_close(kerf_json_doc **doc)
{
    kerf_json_doc *d = *doc;
    if (d == NULL)
        return KERF_OK;
    kerf_status status = d->status;
    json_decref(d->root);
    free(d->source);
    free(d->known);
    free(d->absent);
    free(d);
    *doc = NULL;
    return status;
}

kerf_json kerf_json_root(kerf_json_doc *doc)
{
    return (kerf_json){doc, doc->root, NULL, NULL, 0};
}

bool kerf_json_failed(const kerf_json_doc *doc)
{
    return doc->status != KERF_OK;
}

kerf_status kerf_json_status(const kerf_json_doc *doc)
{
    return doc->status;
}

bool kerf_json_member(const kerf_json *object, const char *key, kerf_presence presence,
                      kerf_json *member)
{
    kerf_json_doc *doc = object->doc;
    if (!kerf_json_as_object(object))
        return false;
    void *iterator = json_object_iter_at(object->value, key);
    if (iterator == NULL) {
        if (presence == KERF_REQUIRED)
            kerf_json_missing(object, key);
        else if (!kerf_json_note_absent(doc, object->value, key))
            out_of_memory(object);
        return false;
    }
    const char *own_key = json_object_iter_key(iterator);
    if (!kerf_json_mark_known(doc, own_key)) {
        out_of_memory(object);
        return false;
    }
    *member = (kerf_json){doc, json_object_iter_value(iterator), object, own_key, 0};
    return true;
}

kerf_json kerf_json_at(const kerf_json *array, size_t index)
{
    return (kerf_json){array->doc, json_array_get(array->value, index), array, NULL, index};
}

bool kerf_json_next(const kerf_json *object, void **iterator, kerf_json *member)
{
    if (!kerf_json_as_object(object))
        return false;
    for (;;) {
        *iterator = *iterator == NULL ? json_object_iter(object->value)
                                      : json_object_iter_next(object->value, *iterator);
        if (*iterator == NULL)
            return false;
        const char *key = json_object_iter_key(*iterator);
        if (kerf_json_is_ignored(object, key))
            continue;
        if (!kerf_json_mark_known(object->doc, key))
            return out_of_memory(object);
        *member = (kerf_json){object->doc, json_object_iter_value(*iterator), object, key, 0};
        return true;
    }
}

bool kerf_json_as_object(const kerf_json *value)
{
    if (value->doc->status != KERF_OK)
        return false;
    return json_is_object(value->value) || wrong_type(value, "an object");
}

bool kerf_json_as_array(const kerf_json *value, size_t *length)
{
    if (value->doc->status != KERF_OK)
        return false;
    if (!json_is_array(value->value))
        return wrong_type(value, "an array");
    *length = json_array_size(value->value);
    return true;
}

bool kerf_json_as_string(const kerf_json *value, const char **string)
{
    if (value->doc->status != KERF_OK)
        return false;
    if (!json_is_string(value->value))
        return wrong_type(value, "a string");
    *string = json_string_value(value->value);
    return true;
}

bool kerf_json_as_bool(const kerf_json *value, bool *flag)
{
    if (value->doc->status != KERF_OK)
        return false;
    if (!json_is_boolean(value->value))
        return wrong_type(value, "true or false");
    *flag = json_is_true(value->value);
    return true;
}

bool kerf_json_as_number(const kerf_json *value, double low, double high, double *number)
{
    if (value->doc->status != KERF_OK)
        return false;
    if (!json_is_number(value->value))
        return wrong_type(value, "a number");
    double got = json_number_value(value->value);
    if (isfinite(got) && got >= low && got <= high) {
        *number = got;
        return true;
    }
    if (high >= DBL_MAX)
        return kerf_json_fail(value, KERF_E_INVALID, "is %g, expected a number of at least %g", got,
                              low);
    return kerf_json_fail(value, KERF_E_INVALID, "is %g, expected a number from %g to %g", got, low,
                          high);
}

/* 1.0e6 is an integer for people. Reals are taken up to 2^53, beyond which they skip integers. */
bool kerf_json_as_integer(const kerf_json *value, int64_t low, int64_t high, int64_t *number)
{
    if (value->doc->status != KERF_OK)
        return false;
    if (!json_is_number(value->value))
        return wrong_type(value, "an integer");
    int64_t got = 0;
    if (json_is_integer(value->value)) {
        got = json_integer_value(value->value);
    } else {
        double real = json_real_value(value->value);
        if (!(fabs(real) <= 9007199254740992.0) || real != floor(real))
            return kerf_json_fail(value, KERF_E_INVALID, "is %.17g, expected an integer", real);
        got = (int64_t)real;
    }
    if (got >= low && got <= high) {
        *number = got;
        return true;
    }
    if (high == INT64_MAX)
        return kerf_json_fail(value, KERF_E_INVALID,
                              "is %" PRId64 ", expected an integer of at least %" PRId64, got, low);
    return kerf_json_fail(value, KERF_E_INVALID,
                          "is %" PRId64 ", expected an integer from %" PRId64 " to %" PRId64, got,
                          low, high);
}

bool kerf_json_as_quantity(const kerf_json *value, kerf_quantity kind, double *number)
{
    if (value->doc->status != KERF_OK)
        return false;
    if (json_is_number(value->value) && kind == KERF_FRACTION)
        return kerf_json_as_number(value, 0, 1, number);
    char bare[64] = "";
    const char *string = bare;
    if (json_is_string(value->value))
        string = json_string_value(value->value);
    else if (!json_is_number(value->value))
        return wrong_type(value, "a quantity such as \"50 ms\"");
    else if (json_dumpb(value->value, bare, sizeof bare - 1, /* knows no locale, unlike printf */
                        JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) == 0)
        return out_of_memory(value);
    kerf_error problem = {0};
    double got = 0;
    kerf_status status = kerf_parse_quantity(string, kind, &got, &problem);
    if (status != KERF_OK)
        return kerf_json_fail(value, status, "%s", problem.message);
    if (got != 0 && !(fabs(got) >= LEAST_QUANTITY && fabs(got) <= MOST_QUANTITY))
        return kerf_json_fail(value, KERF_E_INVALID,
                              "\"%.60s\" is out of range, expected 0 or %g to %g in SI units",
                              string, LEAST_QUANTITY, MOST_QUANTITY);
    *number = got;
    return true;
}

bool kerf_json_object(const kerf_json *object, const char *key, kerf_presence presence,
                      kerf_json *member)
{
    kerf_json at;
    if (!kerf_json_member(object, key, presence, &at) || !kerf_json_as_object(&at))
        return false;
    *member = at;
    return true;
}

bool kerf_json_array(const kerf_json *object, const char *key, kerf_presence presence,
                     kerf_json *member, size_t *length)
{
    kerf_json at;
    if (!kerf_json_member(object, key, presence, &at) || !kerf_json_as_array(&at, length))
        return false;
    *member = at;
    return true;
}

bool kerf_json_string(const kerf_json *object, const char *key, kerf_presence presence,
                      const char **string)
{
    kerf_json at;
    return kerf_json_member(object, key, presence, &at) && kerf_json_as_string(&at, string);
}

bool kerf_json_bool(const kerf_json *object, const char *key, kerf_presence presence, bool *value)
{
    kerf_json at;
    return kerf_json_member(object, key, presence, &at) && kerf_json_as_bool(&at, value);
}

bool kerf_json_number(const kerf_json *object, const char *key, kerf_presence presence, double low,
                      double high, double *value)
{
    kerf_json at;
    return kerf_json_member(object, key, presence, &at) &&
           kerf_json_as_number(&at, low, high, value);
}

bool kerf_json_integer(const kerf_json *object, const char *key, kerf_presence presence,
                       int64_t low, int64_t high, int64_t *value)
{
    kerf_json at;
    return kerf_json_member(object, key, presence, &at) &&
           kerf_json_as_integer(&at, low, high, value);
}

bool kerf_json_quantity(const kerf_json *object, const char *key, kerf_quantity kind,
                        kerf_presence presence, double *value)
{
    kerf_json at;
    return kerf_json_member(object, key, presence, &at) && kerf_json_as_quantity(&at, kind, value);
}
