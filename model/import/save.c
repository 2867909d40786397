/* The files that an imported layer profile becomes. */
#include "kerf/import.h"

#include "base/error.h"
#include "base/json_write.h"
#include "base/outfile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kerf_status place(kerf_writer *w, const char *path, bool force, kerf_error *err)
{
    kw_raw(w, "\n", 1);
    if (!kw_finish(w))
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_outfile file = KERF_OUTFILE_NONE;
    kerf_status status = kerf_outfile_open(&file, path, force, err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&file, w->text, w->used, err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&file, err);
    if (status == KERF_OK)
        status = kerf_outfiles_place(&file, 1, force, err);
    kerf_outfiles_clear(&file, 1);
    return status;
}

static void put_figures(kerf_writer *w, const kerf_profiled_layer *layer)
{
    char text[40];
    snprintf(text, sizeof text, "%.9g s", layer->latency_s);
    kw_put_string(w, "latency", text);
    if (isnan(layer->energy_J))
        return;
    snprintf(text, sizeof text, "%.9g J", layer->energy_J);
    kw_put_string(w, "energy", text);
}

static void put_operators(kerf_writer *w, const kerf_network *network,
                          const kerf_profiled_layer *layer)
{
    kw_put_begin(w, "operators", '[');
    for (size_t k = 0; k < layer->n_operators; k++)
        kw_string(w, network->operators[layer->operators[k]].name);
    kw_end(w, ']');
}

static void put_source(kerf_writer *w, const kerf_layer_profile *profile)
{
    char text[640];
    snprintf(text, sizeof text, "%s layer profile: %s", profile->runtime, profile->source);
    kw_put_string(w, "source", text);
}

static void put_singles(kerf_writer *w, const kerf_layer_profile *profile,
                        const kerf_network *network)
{
    kw_put_begin(w, "operators", '{');
    for (size_t i = 0; i < profile->n; i++) {
        const kerf_profiled_layer *layer = &profile->layers[i];
        if (layer->n_operators != 1)
            continue;
        /* The writer's keys are plain; an operator's name need not be, so it goes as a string. */
        kw_string(w, network->operators[layer->operators[0]].name);
        kw_raw(w, ":", 1);
        w->comma = false;
        kw_begin(w, '{');
        put_figures(w, layer);
        kw_end(w, '}');
        kw_raw(w, "\n", 1);
    }
    kw_end(w, '}');
}

static void put_groups(kerf_writer *w, const kerf_layer_profile *profile,
                       const kerf_network *network)
{
    kw_put_begin(w, "groups", '[');
    for (size_t i = 0; i < profile->n; i++) {
        const kerf_profiled_layer *layer = &profile->layers[i];
        if (layer->n_operators < 2)
            continue;
        kw_begin(w, '{');
        put_operators(w, network, layer);
        put_figures(w, layer);
        kw_end(w, '}');
        kw_raw(w, "\n", 1);
    }
    kw_end(w, ']');
}

kerf_status kerf_layers_save_profile(const kerf_layer_profile *profile, const kerf_network *network,
                                     const char *path, bool force, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_writer w = {0};
    kw_begin(&w, '{');
    kw_put_string(&w, "format", "kerf-profile/1");
    kw_put_string(&w, "network", network->name);
    put_source(&w, profile);
    put_singles(&w, profile, network);
    put_groups(&w, profile, network);
    kw_end(&w, '}');
    const kerf_status status = place(&w, path, force, err);
    free(w.text);
    return status;
}

kerf_status kerf_layers_save_table(const kerf_layer_profile *profile, const kerf_network *network,
                                   const char *network_name, const char *path, bool force,
                                   kerf_error *err)
{
    kerf_error_clear(err);
    kerf_writer w = {0};
    kw_begin(&w, '{');
    kw_put_string(&w, "format", "kerf-measurements/1");
    put_source(&w, profile);
    kw_put_begin(&w, "measurements", '[');
    for (size_t i = 0; i < profile->n; i++) {
        const kerf_profiled_layer *layer = &profile->layers[i];
        if (layer->n_operators == 0 || layer->latency_s <= 0)
            continue;
        kw_begin(&w, '{');
        kw_put_string(&w, "name", layer->name);
        kw_put_string(&w, "network", network_name);
        put_operators(&w, network, layer);
        kw_put_integer(&w, "calls", 0);
        put_figures(&w, layer);
        kw_end(&w, '}');
        kw_raw(&w, "\n", 1);
    }
    kw_end(&w, ']');
    kw_end(&w, '}');
    const kerf_status status = place(&w, path, force, err);
    free(w.text);
    return status;
}
