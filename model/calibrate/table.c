/* Tables of measurements: which reader a file goes to, and what every row must have. */
#include "model/calibrate/table.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void measurement_clear(kerf_measurement *row)
{
    free(row->name);
    free(row->group);
    free(row->family);
    free(row->board);
    free(row->power_mode);
    free(row->network);
    for (size_t i = 0; i < row->n_operators; i++)
        free(row->operators[i]);
    free(row->operators);
    free(row->layers);
    *row = (kerf_measurement){0};
}

void kerf_measurements_destroy(kerf_measurements **table)
{
    if (!table || !*table)
        return;
    for (size_t i = 0; i < (*table)->n; i++)
        measurement_clear(&(*table)->rows[i]);
    free((*table)->rows);
    free((*table)->path);
    free((*table)->source);
    free(*table);
    *table = NULL;
}

const char *row_problem(const kerf_measurement *row)
{
    if (isnan(row->latency_s) && isnan(row->energy_J))
        return "has neither latency nor energy, expected one or both";
    if (row->latency_s == 0)
        return "has a latency of 0, expected more";
    if (row->n_layers == 0 && row->network[0] == '\0')
        return "says neither a network nor layers, expected what was run";
    if (row->n_layers > 0 && row->network[0] != '\0')
        return "says both a network and layers, expected one of them";
    if (row->n_operators > 0 && row->network[0] == '\0')
        return "says operators but no network, expected the network that has them";
    return NULL;
}

static bool is_json(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '{';
}

kerf_status kerf_measurements_load(const char *path, kerf_measurements **table, kerf_error *err)
{
    char *text = NULL;
    size_t size = 0;
    kerf_measurements *read = NULL;
    kerf_error_clear(err);
    kerf_status status = kerf_read_file(path, TABLE_MAX_BYTES, &text, &size, err);
    if (status != KERF_OK)
        return status;
    read = kerf_calloc(1, sizeof *read);
    if (read)
        read->path = kerf_strdup(path);
    if (!read || !read->path)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    else if (is_json(text))
        status = table_read_json(text, size, path, read, err);
    else
        status = table_read_csv(text, size, path, read, err);
    if (status == KERF_OK && !read->source) {
        read->source = kerf_strdup("");
        if (!read->source)
            status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    free(text);
    if (status == KERF_OK) {
        *table = read;
        return KERF_OK;
    }
    kerf_error_source(err, path);
    kerf_measurements_destroy(&read);
    return status;
}
