/* Layer profiles: reading all files of a run, mapping, and joining what shares operators. */
#include "model/import/layers.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)256 << 20)

/* --- layers by name --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const raw_layer *)a)->name, ((const raw_layer *)b)->name);
}

static void free_layer(raw_layer *layer)
{
    if (!layer)
        return;
    free(layer->name);
    free(layer->metadata);
    free(layer->kernel);
    free(layer);
}

raw_layer *raw_layer_find(raw_layers *layers, const char *name)
{
    char *copy = kerf_strndup(name, strnlen(name, MOST_NAME));
    const raw_layer key = {.name = copy};
    raw_layer **at = copy ? tfind(&key, &layers->by_name, by_name) : NULL;
    if (at) {
        free(copy);
        return *at;
    }
    raw_layer *layer = copy ? kerf_calloc(1, sizeof *layer) : NULL;
    if (!layer || kerf_reserve(&layers->list, &layers->capacity, layers->n + 1, MOST_LAYERS,
                               sizeof *layers->list) != 0) {
        free(copy);
        free(layer);
        return NULL;
    }
    *layer = (raw_layer){.name = copy, .latency_s = NAN, .energy_J = NAN, .power_W = NAN};
    if (!tsearch(layer, &layers->by_name, by_name)) {
        free_layer(layer);
        return NULL;
    }
    return layers->list[layers->n++] = layer;
}

static void keep(void *layer)
{
    (void)layer;
}

void raw_layers_clear(raw_layers *layers)
{
    tdestroy(layers->by_name, keep);
    for (size_t i = 0; i < layers->n; i++)
        free_layer(layers->list[i]);
    free(layers->list);
    *layers = (raw_layers){0};
}

/* --- reading --- */

static kerf_status read_file(const char *path, raw_layers *layers, kerf_error *err)
{
    char *text = NULL;
    size_t size = 0;
    kerf_status status = kerf_read_file(path, MOST_BYTES, &text, &size, err);
    if (status == KERF_OK) {
        const char first = text[strspn(text, " \t\r\n")];
        status = first == '[' || first == '{' ? layers_read_json(text, size, path, layers, err)
                                              : layers_read_csv(text, size, layers, err);
    }
    free(text);
    if (status != KERF_OK)
        kerf_error_source(err, path);
    return status;
}

/* Names without folders, joined by commas. */
static char *source_of(const char *const *paths, size_t n)
{
    char text[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof text; i++) {
        const char *slash = strrchr(paths[i], '/');
        const int m = snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "",
                               slash ? slash + 1 : paths[i]);
        used += m > 0 ? (size_t)m : 0;
    }
    return kerf_strdup(text);
}

/* --- mapping --- */

static kerf_status add_layer(kerf_layer_profile *p, name_map *map, const raw_layer *raw,
                             kerf_error *err)
{
    const size_t n = name_map_layer(map, raw);
    kerf_profiled_layer *layer = &p->layers[p->n];
    *layer = (kerf_profiled_layer){
        .name = kerf_strdup(raw->name),
        .latency_s = raw->latency_s,
        .energy_J = raw->energy_J,
        .operators = n == KERF_NONE ? NULL : kerf_calloc(n, sizeof *layer->operators)};
    p->n++;
    if (!layer->name || !layer->operators)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (isnan(layer->energy_J) && isfinite(raw->power_W))
        layer->energy_J = raw->power_W * raw->latency_s;
    for (size_t i = 0; i < map->network->n_operators; i++)
        if (map->found[i])
            layer->operators[layer->n_operators++] = i;
    return KERF_OK;
}

static kerf_status map_layers(kerf_layer_profile *p, const raw_layers *raw,
                              const kerf_network *network, kerf_error *err)
{
    name_map map;
    kerf_status status = name_map_open(&map, network, err);
    if (status != KERF_OK)
        return status;
    p->layers = kerf_calloc(raw->n, sizeof *p->layers);
    if (!p->layers)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < raw->n; i++)
        if (!isnan(raw->list[i]->latency_s))
            status = add_layer(p, &map, raw->list[i], err);
    name_map_close(&map);
    return status;
}

/* --- joining: an operator that two layers worked on makes them one --- */

static int ascending(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static void free_one(kerf_profiled_layer *layer)
{
    free(layer->name);
    free(layer->operators);
    *layer = (kerf_profiled_layer){0};
}

static kerf_status join(kerf_profiled_layer *into, kerf_profiled_layer *from)
{
    const size_t length = strlen(into->name) + strlen(from->name) + 4;
    char *name = kerf_calloc(length, 1);
    size_t *operators = kerf_calloc(into->n_operators + from->n_operators, sizeof *operators);
    if (!name || !operators) {
        free(name);
        free(operators);
        return KERF_E_NOMEM;
    }
    snprintf(name, length, "%s + %s", into->name, from->name);
    memcpy(operators, into->operators, into->n_operators * sizeof *operators);
    memcpy(operators + into->n_operators, from->operators, from->n_operators * sizeof *operators);
    size_t n = into->n_operators + from->n_operators, kept = 0;
    qsort(operators, n, sizeof *operators, ascending);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || operators[kept - 1] != operators[i])
            operators[kept++] = operators[i];
    const double latency_s = into->latency_s + from->latency_s;
    const double energy_J = into->energy_J + from->energy_J;
    free_one(into);
    free_one(from);
    *into = (kerf_profiled_layer){.name = name,
                                  .latency_s = latency_s,
                                  .energy_J = energy_J,
                                  .operators = operators,
                                  .n_operators = kept};
    return KERF_OK;
}

/* owner[op]: the first layer that worked on it. A layer that is joined into an earlier one is left
 * without a name, and removed at the end. */
static kerf_status join_layers(kerf_layer_profile *p, const kerf_network *network, kerf_error *err)
{
    size_t *owner = kerf_calloc(network->n_operators, sizeof *owner);
    if (!owner)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < network->n_operators; i++)
        owner[i] = KERF_NONE;
    kerf_status status = KERF_OK;
    for (size_t l = 0; status == KERF_OK && l < p->n; l++) {
        size_t at = l;
        for (size_t k = 0; status == KERF_OK && k < p->layers[at].n_operators;) {
            const size_t other = owner[p->layers[at].operators[k]];
            if (other == KERF_NONE || other == at) {
                k++;
                continue;
            }
            const size_t into = other < at ? other : at, from = other < at ? at : other;
            status = join(&p->layers[into], &p->layers[from]);
            at = into;
            k = 0;
            for (size_t i = 0; status == KERF_OK && i < p->layers[at].n_operators; i++)
                if (owner[p->layers[at].operators[i]] == from)
                    owner[p->layers[at].operators[i]] = at;
        }
        for (size_t k = 0; status == KERF_OK && k < p->layers[at].n_operators; k++)
            owner[p->layers[at].operators[k]] = at;
    }
    free(owner);
    size_t kept = 0;
    for (size_t l = 0; l < p->n; l++)
        if (p->layers[l].name)
            p->layers[kept++] = p->layers[l];
    p->n = kept;
    return status == KERF_OK ? KERF_OK : kerf_fail(err, status, NULL, "out of memory");
}

static kerf_status add_up(kerf_layer_profile *p, const kerf_network *network, kerf_error *err)
{
    for (size_t i = 0; i < p->n; i++) {
        p->latency_s += p->layers[i].latency_s;
        if (p->layers[i].n_operators > 0)
            p->mapped_s += p->layers[i].latency_s;
        p->mapped_operators += p->layers[i].n_operators;
    }
    if (p->n == 0)
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "tells no layer's time, expected one: give the profile "
                         "(trtexec --exportProfile) beside what describes the layers");
    if (p->mapped_operators == 0)
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "has no layer that names an operator of %s, expected the profile of this "
                         "network (first layer: \"%.100s\")",
                         network->name, p->layers[0].name);
    return KERF_OK;
}

kerf_status kerf_layers_import(const char *const *paths, size_t n, const kerf_network *network,
                               kerf_layer_profile **profile, kerf_error *err)
{
    kerf_error_clear(err);
    raw_layers raw = {0};
    kerf_layer_profile *made = NULL;
    kerf_status status =
        n > 0 ? KERF_OK
              : kerf_fail(err, KERF_E_INVALID, NULL, "no file is given, expected at least one");
    for (size_t i = 0; status == KERF_OK && i < n; i++)
        status = read_file(paths[i], &raw, err);
    if (status != KERF_OK)
        goto out;
    made = kerf_calloc(1, sizeof *made);
    if (!made || !(made->runtime = kerf_strdup(raw.runtime ? raw.runtime : "TensorRT")) ||
        !(made->source = source_of(paths, n)))
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status == KERF_OK)
        status = map_layers(made, &raw, network, err);
    if (status == KERF_OK)
        status = join_layers(made, network, err);
    if (status == KERF_OK)
        status = add_up(made, network, err);
    if (status != KERF_OK) {
        kerf_error_source(err, paths[0]);
        goto out;
    }
    *profile = made;
    made = NULL;
out:
    kerf_layers_destroy(&made);
    raw_layers_clear(&raw);
    return status;
}

void kerf_layers_destroy(kerf_layer_profile **profile)
{
    if (!profile || !*profile)
        return;
    for (size_t i = 0; i < (*profile)->n; i++)
        free_one(&(*profile)->layers[i]);
    free((*profile)->layers);
    free((*profile)->runtime);
    free((*profile)->source);
    free(*profile);
    *profile = NULL;
}
