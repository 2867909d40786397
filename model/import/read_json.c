/* Layer profiles as TensorRT and ONNX Runtime write them. */
#include "model/import/layers.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool fail_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "has too many layers, or memory ran out");
}

static bool starts_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Copies between formats and the casts around them belong to no operator. */
static bool is_move(const char *name)
{
    return starts_with(name, "Reformatting CopyNode") || starts_with(name, "Forced Cast ITensor");
}

static raw_layer *layer_of(const kerf_json *at, raw_layers *layers, const char *name)
{
    raw_layer *layer = raw_layer_find(layers, name);
    if (!layer)
        fail_memory(at);
    else if (is_move(name))
        layer->moves = true;
    return layer;
}

static bool add_time(raw_layer *layer, double seconds)
{
    layer->sum_s += seconds;
    layer->times++;
    return true;
}

/* --- TensorRT: what the layers are --- */

static bool read_layer_info(const kerf_json *entry, raw_layers *layers)
{
    const char *name = NULL, *type = "", *metadata = NULL;
    if (json_is_string(entry->value)) { /* less detail: the name alone */
        kerf_json_as_string(entry, &name);
    } else {
        if (!kerf_json_as_object(entry) || !kerf_json_string(entry, "Name", KERF_REQUIRED, &name))
            return false;
        kerf_json_string(entry, "LayerType", KERF_OPTIONAL, &type);
        kerf_json_string(entry, "Metadata", KERF_OPTIONAL, &metadata);
    }
    raw_layer *layer = layer_of(entry, layers, name);
    if (!layer)
        return false;
    layer->moves = layer->moves || strcmp(type, "Reformat") == 0 || strcmp(type, "NoOp") == 0;
    if (metadata && *metadata && !layer->metadata &&
        !(layer->metadata = kerf_strndup(metadata, strnlen(metadata, MOST_NAME))))
        return fail_memory(entry);
    return true;
}

static bool read_layer_infos(const kerf_json *list, size_t n, raw_layers *layers)
{
    bool good = true;
    for (size_t i = 0; good && i < n; i++) {
        const kerf_json entry = kerf_json_at(list, i);
        good = read_layer_info(&entry, layers) && !kerf_json_failed(list->doc);
    }
    return good;
}

/* --- TensorRT: times --- */

/* {"name": "...", "timeMs": 12.3, "averageMs": 0.123, ...}, after a first {"count": N} */
static bool read_profile_entry(const kerf_json *entry, raw_layers *layers)
{
    const char *name = NULL;
    double average_ms = NAN;
    if (!kerf_json_string(entry, "name", KERF_OPTIONAL, &name) || !name)
        return !kerf_json_failed(entry->doc);
    if (!kerf_json_number(entry, "averageMs", KERF_REQUIRED, 0, 1e3 * MOST_LATENCY_S, &average_ms))
        return false;
    raw_layer *layer = layer_of(entry, layers, name);
    return layer && add_time(layer, average_ms / 1e3);
}

/* {"layer": [[ms, "when"], ...], ...} */
static bool read_repetitions(const kerf_json *entry, raw_layers *layers)
{
    size_t n = 0;
    if (!kerf_json_as_array(entry, &n))
        return false;
    raw_layer *layer = layer_of(entry, layers, entry->key);
    for (size_t i = 0; layer && i < n; i++) {
        double ms = 0;
        size_t parts = 0;
        const kerf_json pair = kerf_json_at(entry, i);
        if (!kerf_json_as_array(&pair, &parts))
            return false;
        if (parts < 1)
            return kerf_json_fail(&pair, KERF_E_INVALID, "is empty, expected milliseconds");
        const kerf_json first = kerf_json_at(&pair, 0);
        if (!kerf_json_as_number(&first, 0, 1e3 * MOST_LATENCY_S, &ms))
            return false;
        add_time(layer, ms / 1e3);
    }
    return layer != NULL;
}

/* --- ONNX Runtime --- */

/* How long the node's name is in that of an event that times its kernel ("conv1_kernel_time": 5),
 * or 0 for any other event. */
static size_t node_length(const char *event)
{
    static const char suffix[] = "_kernel_time";
    const size_t length = strlen(event), end = sizeof suffix - 1;
    return length > end && strcmp(event + length - end, suffix) == 0 ? length - end : 0;
}

/* {"args": {"op_name": "Conv", ...}} */
static bool read_kernel(const kerf_json *entry, raw_layer *layer)
{
    kerf_json args;
    const char *type = NULL;
    if (kerf_json_object(entry, "args", KERF_OPTIONAL, &args))
        kerf_json_string(&args, "op_name", KERF_OPTIONAL, &type);
    if (kerf_json_failed(entry->doc))
        return false;
    if (type && !layer->kernel && !(layer->kernel = kerf_strndup(type, strnlen(type, MOST_NAME))))
        return fail_memory(entry);
    return true;
}

static bool read_event(const kerf_json *entry, raw_layers *layers, size_t *runs)
{
    const char *category = "", *name = "";
    double us = 0;
    kerf_json_string(entry, "cat", KERF_OPTIONAL, &category);
    kerf_json_string(entry, "name", KERF_OPTIONAL, &name);
    if (kerf_json_failed(entry->doc))
        return false;
    *runs += strcmp(category, "Session") == 0 && strcmp(name, "model_run") == 0;
    const size_t length = strcmp(category, "Node") == 0 ? node_length(name) : 0;
    if (length == 0)
        return true;
    raw_layer *layer = NULL;
    char *node = kerf_strndup(name, length);
    if (!node)
        return fail_memory(entry);
    if (kerf_json_number(entry, "dur", KERF_REQUIRED, 0, 1e6 * MOST_LATENCY_S, &us))
        layer = layer_of(entry, layers, node);
    free(node);
    return layer && read_kernel(entry, layer) && add_time(layer, us / 1e6);
}

/* --- which of them --- */

/* A node may run several times in one inference (in a loop), so sums are shared out among the
 * runs, where these are counted, and else among the node's own times. */
static void average(raw_layers *layers, size_t runs)
{
    for (size_t i = 0; i < layers->n; i++) {
        raw_layer *layer = layers->list[i];
        if (layer->times > 0 && isnan(layer->latency_s))
            layer->latency_s = layer->sum_s / (double)(runs > 0 ? runs : layer->times);
        layer->sum_s = 0;
        layer->times = 0;
    }
}

static bool read_array(const kerf_json *root, raw_layers *layers)
{
    size_t n = 0, runs = 0;
    bool ort = false, good = kerf_json_as_array(root, &n);
    for (size_t i = 0; good && i < n; i++) {
        const kerf_json entry = kerf_json_at(root, i);
        if (!(good = kerf_json_as_object(&entry)))
            break;
        const bool event = json_object_get(entry.value, "cat") != NULL;
        ort = ort || event;
        good = event ? read_event(&entry, layers, &runs) : read_profile_entry(&entry, layers);
    }
    average(layers, runs);
    layers->runtime = ort ? "ONNX Runtime" : "TensorRT";
    return good;
}

static bool read_object(const kerf_json *root, raw_layers *layers)
{
    kerf_json list, entry;
    size_t n = 0;
    if (json_object_get(root->value, "Layers"))
        return kerf_json_array(root, "Layers", KERF_REQUIRED, &list, &n) &&
               read_layer_infos(&list, n, layers);
    void *iterator = NULL;
    bool good = true;
    while (good && kerf_json_next(root, &iterator, &entry))
        good = read_repetitions(&entry, layers);
    average(layers, 0);
    layers->runtime = "TensorRT";
    return good;
}

kerf_status layers_read_json(const char *text, size_t size, const char *path, raw_layers *layers,
                             kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    const kerf_status status = kerf_json_parse(text, size, path, "", &doc, err);
    if (status != KERF_OK)
        return status;
    const kerf_json root = kerf_json_root(doc);
    if (json_is_array(root.value))
        read_array(&root, layers);
    else
        read_object(&root, layers);
    return kerf_json_close(&doc);
}
