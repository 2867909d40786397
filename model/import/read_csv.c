/* Layer profiles as comma-separated values. */
#include "model/import/layers.h"

#include "base/csv.h"
#include "base/error.h"
#include "kerf/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum role { IGNORED, NAME, TYPE, LATENCY, ENERGY, POWER } role;

static const struct {
    const char *heading;
    role role;
    const char *unit;
} headings[] = {
    {"name", NAME, NULL},           {"layer name", NAME, NULL},
    {"layer", NAME, NULL},          {"layer_type", TYPE, NULL},
    {"latency_s", LATENCY, "s"},    {"latency_ms", LATENCY, "ms"},
    {"latency_us", LATENCY, "us"},  {"average_run_time", LATENCY, "ms"},
    {"energy_J", ENERGY, "J"},      {"energy_mJ", ENERGY, "mJ"},
    {"energy_uJ", ENERGY, "uJ"},    {"power_W", POWER, "W"},
    {"power_mW", POWER, "mW"},      {"power_uW", POWER, "uW"},
    {"average_power", POWER, "uW"},
};

typedef struct columns {
    role role[KERF_CSV_MOST_CELLS];
    const char *unit[KERF_CSV_MOST_CELLS];
    size_t n;
} columns;

static kerf_status read_header(kerf_csv *csv, columns *c, kerf_error *err)
{
    bool seen[POWER + 1] = {false};
    const kerf_status status = kerf_csv_next(csv, err);
    if (status != KERF_OK)
        return status;
    for (size_t i = 0; i < csv->n; i++)
        for (size_t h = 0; h < sizeof headings / sizeof *headings; h++)
            if (strcmp(csv->cells[i], headings[h].heading) == 0) {
                if (seen[headings[h].role])
                    return kerf_csv_fail(csv, err, KERF_E_INVALID,
                                         "has a second column for the same as \"%.60s\", expected "
                                         "one",
                                         csv->cells[i]);
                seen[headings[h].role] = true;
                c->role[i] = headings[h].role;
                c->unit[i] = headings[h].unit;
            }
    c->n = csv->n;
    if (!seen[NAME] || !(seen[LATENCY] || seen[ENERGY]))
        return kerf_csv_fail(csv, err, KERF_E_INVALID,
                             "is no header of a layer profile, expected \"name\" and figures such "
                             "as \"latency_ms\" and \"energy_mJ\" or \"power_W\"");
    return KERF_OK;
}

static kerf_status read_figure(const kerf_csv *csv, const columns *c, size_t i, double *value,
                               kerf_error *err)
{
    static const kerf_quantity kinds[] = {
        [LATENCY] = KERF_TIME, [ENERGY] = KERF_ENERGY, [POWER] = KERF_POWER};
    char text[64];
    kerf_error why = {0};
    if (!*csv->cells[i])
        return KERF_OK;
    const int n = snprintf(text, sizeof text, "%s %s", csv->cells[i], c->unit[i]);
    if (n < 0 || (size_t)n >= sizeof text ||
        kerf_parse_quantity(text, kinds[c->role[i]], value, &why) != KERF_OK)
        return kerf_csv_fail(csv, err, KERF_E_INVALID, "has \"%.40s\" for a %s, expected a number",
                             csv->cells[i],
                             c->role[i] == LATENCY  ? "time"
                             : c->role[i] == ENERGY ? "energy"
                                                    : "power");
    return KERF_OK;
}

static kerf_status read_row(const kerf_csv *csv, const columns *c, raw_layers *layers,
                            kerf_error *err)
{
    const char *name = NULL, *type = "";
    double figures[POWER + 1] = {[LATENCY] = NAN, [ENERGY] = NAN, [POWER] = NAN};
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < c->n; i++) {
        if (c->role[i] == NAME)
            name = csv->cells[i];
        else if (c->role[i] == TYPE)
            type = csv->cells[i];
        else if (c->role[i] != IGNORED)
            status = read_figure(csv, c, i, &figures[c->role[i]], err);
    }
    if (status != KERF_OK)
        return status;
    if (!name || !*name)
        return kerf_csv_fail(csv, err, KERF_E_INVALID, "has no name, expected a layer's");
    raw_layer *layer = raw_layer_find(layers, name);
    if (!layer)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "has too many layers, or memory ran out");
    layer->moves = layer->moves || strcmp(type, "Reformat") == 0 || strcmp(type, "NoOp") == 0;
    if (isnan(layer->latency_s))
        layer->latency_s = figures[LATENCY];
    if (isnan(layer->energy_J))
        layer->energy_J = figures[ENERGY];
    if (isnan(layer->power_W))
        layer->power_W = figures[POWER];
    return KERF_OK;
}

kerf_status layers_read_csv(char *text, size_t size, raw_layers *layers, kerf_error *err)
{
    if (memchr(text, '\0', size))
        return kerf_fail(err, KERF_E_SYNTAX, NULL, "holds a zero byte, expected a text");
    kerf_csv csv = {.next = kerf_csv_begin(text), .line = 1};
    columns c = {.n = 0};
    kerf_status status = read_header(&csv, &c, err);
    while (status == KERF_OK && (status = kerf_csv_next(&csv, err)) == KERF_OK && csv.n > 0) {
        if (csv.n != c.n)
            return kerf_csv_fail(&csv, err, KERF_E_INVALID,
                                 "has %zu cells, expected %zu as the "
                                 "header has",
                                 csv.n, c.n);
        status = read_row(&csv, &c, layers, err);
    }
    if (!layers->runtime)
        layers->runtime = "CSV";
    return status;
}
