/* Measurement tables in JSON: "kerf-measurements/1", configs/schema/measurements.json. */
#include "base/json.h"
#include "base/memory.h"
#include "model/calibrate/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

/* An optional text; `fallback` where it is missing. */
static bool read_text(const kerf_json *object, const char *key, const char *fallback, char **text)
{
    const char *value = fallback;
    kerf_json_string(object, key, KERF_OPTIONAL, &value);
    if (kerf_json_failed(object->doc))
        return false;
    *text = kerf_strdup(value);
    return *text || no_memory(object);
}

static bool read_sizes(const kerf_json *layer, const char *key, size_t n, int64_t *sizes)
{
    kerf_json array;
    size_t length = 0;
    if (!kerf_json_array(layer, key, KERF_OPTIONAL, &array, &length))
        return !kerf_json_failed(layer->doc);
    if (length != n)
        return kerf_json_fail(&array, KERF_E_INVALID, "has %zu sizes, expected %zu%s", length, n,
                              n == 3 ? ": channels, height, width" : ": height, width");
    for (size_t i = 0; i < n; i++) {
        kerf_json size = kerf_json_at(&array, i);
        if (!kerf_json_as_integer(&size, 1, TABLE_MAX_SIZE, &sizes[i]))
            return false;
    }
    return true;
}

static bool read_figures(const kerf_json *layer, layer_text *text)
{
    const struct {
        const char *key;
        double *figure;
    } figures[] = {
        {"macs", &text->macs},
        {"weight_bytes", &text->weight_bytes},
        {"read_bytes", &text->read_bytes},
        {"write_bytes", &text->write_bytes},
        {"kernels", &text->kernels},
        {"steps", &text->steps},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        kerf_json_number(layer, figures[i].key, KERF_OPTIONAL, 0, TABLE_MAX_FIGURE,
                         figures[i].figure);
    kerf_json_number(layer, "count", KERF_OPTIONAL, 1, TABLE_MAX_LAYERS, &text->count);
    return !kerf_json_failed(layer->doc);
}

static bool read_class(const kerf_json *layer, layer_text *text)
{
    const char *name = NULL;
    kerf_json member;
    if (!kerf_json_string(layer, "class", KERF_REQUIRED, &name) ||
        !kerf_json_member(layer, "class", KERF_REQUIRED, &member))
        return false;
    text->cls = layer_class(name);
    if (text->cls == KERF_CLASS_COUNT)
        return kerf_json_fail(&member, KERF_E_INVALID,
                              "\"%.60s\" is no class of operators, expected one such as \"conv\", "
                              "\"pointwise\", \"depthwise\", \"fc\" or \"pool\"",
                              name);
    if (!kerf_json_string(layer, "type", KERF_OPTIONAL, &name))
        return !kerf_json_failed(layer->doc);
    if (!layer_type(name, &text->type))
        return kerf_json_fail(layer, KERF_E_INVALID,
                              "\"%.60s\" is no type of elements, expected one such as \"float32\"",
                              name);
    return true;
}

static bool read_layer(const kerf_json *at, int64_t batch, kerf_layer *layer)
{
    layer_text text = layer_text_empty;
    if (!kerf_json_as_object(at) || !read_class(at, &text) ||
        !read_sizes(at, "input", 3, text.input) || !read_sizes(at, "output", 3, text.output) ||
        !read_sizes(at, "kernel", 2, text.kernel) || !read_figures(at, &text))
        return false;
    kerf_json_integer(at, "groups", KERF_OPTIONAL, 1, TABLE_MAX_SIZE, &text.groups);
    if (!kerf_json_done(at))
        return false;
    const char *problem = layer_complete(&text, batch, layer);
    return !problem || kerf_json_fail(at, KERF_E_INVALID, "%s", problem);
}

static bool read_layers(const kerf_json *entry, kerf_measurement *row)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(entry, "layers", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(entry->doc);
    if (n > TABLE_MAX_LAYERS)
        return kerf_json_fail(&array, KERF_E_TOO_LARGE, "has %zu layers, expected at most %d", n,
                              TABLE_MAX_LAYERS);
    row->layers = kerf_calloc(n, sizeof *row->layers);
    if (!row->layers)
        return no_memory(&array);
    for (size_t i = 0; i < n; i++) {
        kerf_json layer = kerf_json_at(&array, i);
        if (!read_layer(&layer, row->batch, &row->layers[i]))
            return false;
    }
    row->n_layers = n;
    return true;
}

static bool read_operators(const kerf_json *entry, kerf_measurement *row)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(entry, "operators", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(entry->doc);
    if (n == 0 || n > TABLE_MAX_OPERATORS)
        return kerf_json_fail(&array, KERF_E_INVALID, "lists %zu operators, expected 1 to %d", n,
                              TABLE_MAX_OPERATORS);
    row->operators = kerf_calloc(n, sizeof *row->operators);
    if (!row->operators)
        return no_memory(&array);
    for (size_t i = 0; i < n; i++) {
        kerf_json element = kerf_json_at(&array, i);
        const char *name = NULL;
        if (!kerf_json_as_string(&element, &name))
            return false;
        row->operators[i] = kerf_strdup(name);
        if (!row->operators[i])
            return no_memory(&element);
        row->n_operators = i + 1;
    }
    return true;
}

static bool read_row(const kerf_json *entry, const kerf_json *root, kerf_measurement *row)
{
    const char *board = "", *power_mode = "";
    if (!kerf_json_as_object(entry))
        return false;
    kerf_json_string(root, "board", KERF_OPTIONAL, &board);
    kerf_json_string(root, "power_mode", KERF_OPTIONAL, &power_mode);
    row->batch = 1;
    row->calls = 1;
    row->latency_s = NAN;
    row->energy_J = NAN;
    kerf_json_integer(entry, "batch", KERF_OPTIONAL, 1, TABLE_MAX_SIZE, &row->batch);
    kerf_json_number(entry, "calls", KERF_OPTIONAL, 0, TABLE_MAX_LAYERS, &row->calls);
    kerf_json_quantity(entry, "latency", KERF_TIME, KERF_OPTIONAL, &row->latency_s);
    kerf_json_quantity(entry, "energy", KERF_ENERGY, KERF_OPTIONAL, &row->energy_J);
    if (!read_text(entry, "name", "", &row->name) || !read_text(entry, "group", "", &row->group) ||
        !read_text(entry, "family", "", &row->family) ||
        !read_text(entry, "board", board, &row->board) ||
        !read_text(entry, "power_mode", power_mode, &row->power_mode) ||
        !read_text(entry, "network", "", &row->network) || !read_operators(entry, row) ||
        !read_layers(entry, row) || !kerf_json_done(entry))
        return false;
    const char *problem = row_problem(row);
    return !problem || kerf_json_fail(entry, KERF_E_INVALID, "%s", problem);
}

static bool read_table(const kerf_json *root, kerf_measurements *table)
{
    kerf_json array;
    size_t n = 0;
    if (!read_text(root, "source", "", &table->source) ||
        !kerf_json_array(root, "measurements", KERF_REQUIRED, &array, &n))
        return false;
    if (n == 0 || n > TABLE_MAX_ROWS)
        return kerf_json_fail(&array, n == 0 ? KERF_E_INVALID : KERF_E_TOO_LARGE,
                              "holds %zu measurements, expected 1 to %d", n, TABLE_MAX_ROWS);
    table->rows = kerf_calloc(n, sizeof *table->rows);
    if (!table->rows)
        return no_memory(&array);
    for (size_t i = 0; i < n; i++) {
        kerf_json entry = kerf_json_at(&array, i);
        table->n = i + 1;
        table->rows[i].line = i + 1;
        if (!read_row(&entry, root, &table->rows[i]))
            return false;
    }
    return kerf_json_done(root);
}

kerf_status table_read_json(const char *text, size_t size, const char *path,
                            kerf_measurements *table, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_status status = kerf_json_parse(text, size, path, "kerf-measurements/1", &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_json root = kerf_json_root(doc);
    read_table(&root, table);
    return kerf_json_close(&doc);
}
