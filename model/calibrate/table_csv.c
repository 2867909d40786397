/* Measurement tables as comma-separated values: RFC 4180's quotes, a header line, comment lines
 * that begin with '#'. Rows that follow each other under one name are layers of one measurement. */
#include "base/csv.h"
#include "base/error.h"
#include "base/memory.h"
#include "kerf/units.h"
#include "model/calibrate/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CELL 64 /* of a number with its unit */

typedef enum column {
    NAME,
    GROUP,
    FAMILY,
    BOARD,
    POWER_MODE,
    NETWORK,
    OPERATORS,
    CLASS,
    TYPE,
    BATCH,
    CALLS,
    IN_CHANNELS,
    IN_H,
    IN_W,
    OUT_CHANNELS,
    OUT_H,
    OUT_W,
    KERNEL_H,
    KERNEL_W,
    GROUPS,
    COUNT,
    MACS,
    WEIGHT_BYTES,
    READ_BYTES,
    WRITE_BYTES,
    KERNELS,
    STEPS,
    LATENCY,
    ENERGY,
    COLUMN_COUNT
} column;

static const struct {
    const char *name;
    column column;
    const char *unit; /* of cells without one; NULL: every cell has its own */
} columns[] = {
    {"name", NAME, NULL},
    {"group", GROUP, NULL},
    {"family", FAMILY, NULL},
    {"board", BOARD, NULL},
    {"power_mode", POWER_MODE, NULL},
    {"network", NETWORK, NULL},
    {"operators", OPERATORS, NULL},
    {"class", CLASS, NULL},
    {"type", TYPE, NULL},
    {"batch", BATCH, NULL},
    {"calls", CALLS, NULL},
    {"in_channels", IN_CHANNELS, NULL},
    {"in_h", IN_H, NULL},
    {"in_w", IN_W, NULL},
    {"out_channels", OUT_CHANNELS, NULL},
    {"out_h", OUT_H, NULL},
    {"out_w", OUT_W, NULL},
    {"kernel_h", KERNEL_H, NULL},
    {"kernel_w", KERNEL_W, NULL},
    {"groups", GROUPS, NULL},
    {"count", COUNT, NULL},
    {"macs", MACS, NULL},
    {"weight_bytes", WEIGHT_BYTES, NULL},
    {"read_bytes", READ_BYTES, NULL},
    {"write_bytes", WRITE_BYTES, NULL},
    {"kernels", KERNELS, NULL},
    {"steps", STEPS, NULL},
    {"latency", LATENCY, NULL},
    {"latency_s", LATENCY, "s"},
    {"latency_ms", LATENCY, "ms"},
    {"latency_us", LATENCY, "us"},
    {"energy", ENERGY, NULL},
    {"energy_J", ENERGY, "J"},
    {"energy_mJ", ENERGY, "mJ"},
    {"energy_uJ", ENERGY, "uJ"},
};
#define KNOWN (sizeof columns / sizeof *columns)

typedef struct csv_reader {
    kerf_measurements *table;
    kerf_error *err;
    kerf_csv csv;
    size_t known[KERF_CSV_MOST_CELLS]; /* by position: which of `columns` */
    size_t n_columns;
    size_t row_capacity, layer_capacity;
} csv_reader;

static kerf_status fail(csv_reader *r, kerf_status code, const char *what, const char *cell,
                        const char *expected)
{
    char where[32];
    snprintf(where, sizeof where, "line %zu", r->csv.record_line);
    return kerf_fail(r->err, code, where, "%s%s%.60s%s%s", what, cell ? " \"" : "",
                     cell ? cell : "", cell ? "\"" : "", expected);
}

static kerf_status no_memory(csv_reader *r)
{
    return kerf_fail(r->err, KERF_E_NOMEM, NULL, "out of memory");
}

static kerf_status read_header(csv_reader *r)
{
    bool seen[COLUMN_COUNT] = {false};
    kerf_status status = kerf_csv_next(&r->csv, r->err);
    if (status != KERF_OK)
        return status;
    if (r->csv.n == 0)
        return fail(r, KERF_E_INVALID, "the table is empty", NULL, ", expected a header line");
    for (size_t i = 0; i < r->csv.n; i++) {
        size_t k = 0;
        while (k < KNOWN && strcmp(columns[k].name, r->csv.cells[i]) != 0)
            k++;
        if (k == KNOWN)
            return fail(r, KERF_E_INVALID, "has an unknown column", r->csv.cells[i],
                        ", expected columns such as name, group, network, class or latency_ms");
        if (seen[columns[k].column])
            return fail(r, KERF_E_INVALID, "has a second column for the same as", r->csv.cells[i],
                        ", expected one");
        seen[columns[k].column] = true;
        r->known[i] = k;
    }
    r->n_columns = r->csv.n;
    if (!seen[LATENCY] && !seen[ENERGY])
        return fail(r, KERF_E_INVALID, "has no column of figures", NULL,
                    ", expected one such as latency_ms or energy_mJ");
    if (!seen[NETWORK] && !seen[CLASS])
        return fail(r, KERF_E_INVALID, "has no column that says what was run", NULL,
                    ", expected network, or class and what the layers are");
    return KERF_OK;
}

/* The cell of a column, "" where there is none. */
static char *cell_of(csv_reader *r, column wanted, size_t *position)
{
    static char none[1];
    for (size_t i = 0; i < r->n_columns; i++) {
        if (columns[r->known[i]].column == wanted) {
            if (position)
                *position = i;
            return r->csv.cells[i];
        }
    }
    return none;
}

static kerf_status read_text(csv_reader *r, column wanted, char **text)
{
    *text = kerf_strdup(cell_of(r, wanted, NULL));
    return *text ? KERF_OK : no_memory(r);
}

/* A number with the given unit behind it, unless the cell has its own. Empty: as it was. */
static kerf_status read_quantity(csv_reader *r, column wanted, kerf_quantity kind, double *value)
{
    char text[MAX_CELL];
    size_t position = 0;
    const char *cell = cell_of(r, wanted, &position);
    if (!*cell)
        return KERF_OK;
    const char *unit = columns[r->known[position]].unit;
    int length = snprintf(text, sizeof text, "%s%s%s", cell, unit ? " " : "", unit ? unit : "");
    double got = 0;
    kerf_status status = KERF_E_INVALID;
    if (length > 0 && (size_t)length < sizeof text)
        status = kerf_parse_quantity(text, kind, &got, NULL);
    if (status == KERF_E_NOMEM)
        return no_memory(r);
    if (status != KERF_OK)
        return fail(r, KERF_E_INVALID, columns[r->known[position]].name, cell,
                    unit ? " is no number of at least 0"
                         : " is no number of at least 0 with a unit, such as \"3 ms\" or \"3 mJ\"");
    *value = got;
    return KERF_OK;
}

static kerf_status read_number(csv_reader *r, column wanted, double low, double high, double *value)
{
    char text[MAX_CELL];
    const char *cell = cell_of(r, wanted, NULL);
    if (!*cell)
        return KERF_OK;
    double got = 0;
    kerf_status status = KERF_E_INVALID;
    int length = snprintf(text, sizeof text, "%s B", cell); /* sizes are parsed the same way */
    if (length > 0 && (size_t)length < sizeof text && cell[strspn(cell, "0123456789.eE+")] == '\0')
        status = kerf_parse_quantity(text, KERF_SIZE, &got, NULL);
    if (status == KERF_E_NOMEM)
        return no_memory(r);
    if (status != KERF_OK || got < low || got > high)
        return fail(r, KERF_E_INVALID, columns[wanted].name, cell, " is no number in its range");
    *value = got;
    return KERF_OK;
}

static kerf_status read_size(csv_reader *r, column wanted, int64_t *size)
{
    double value = 0;
    kerf_status status = read_number(r, wanted, 1, TABLE_MAX_SIZE, &value);
    if (status != KERF_OK || value == 0)
        return status;
    if (value != floor(value))
        return fail(r, KERF_E_INVALID, columns[wanted].name, cell_of(r, wanted, NULL),
                    " is no integer");
    *size = (int64_t)value;
    return KERF_OK;
}

#define TRY(call)                                                                                  \
    do {                                                                                           \
        kerf_status tried = (call);                                                                \
        if (tried != KERF_OK)                                                                      \
            return tried;                                                                          \
    } while (0)

static kerf_status read_layer_text(csv_reader *r, layer_text *t)
{
    const char *cls = cell_of(r, CLASS, NULL), *type = cell_of(r, TYPE, NULL);
    t->cls = layer_class(cls);
    if (t->cls == KERF_CLASS_COUNT)
        return fail(r, KERF_E_INVALID, "class", cls,
                    " is none, expected one such as \"conv\", \"pointwise\", \"depthwise\", \"fc\" "
                    "or \"pool\"");
    if (*type && !layer_type(type, &t->type))
        return fail(r, KERF_E_INVALID, "type", type, " is none, expected one such as \"float32\"");
    TRY(read_size(r, IN_CHANNELS, &t->input[0]));
    TRY(read_size(r, IN_H, &t->input[1]));
    TRY(read_size(r, IN_W, &t->input[2]));
    TRY(read_size(r, OUT_CHANNELS, &t->output[0]));
    TRY(read_size(r, OUT_H, &t->output[1]));
    TRY(read_size(r, OUT_W, &t->output[2]));
    TRY(read_size(r, KERNEL_H, &t->kernel[0]));
    TRY(read_size(r, KERNEL_W, &t->kernel[1]));
    TRY(read_size(r, GROUPS, &t->groups));
    TRY(read_number(r, COUNT, 1, TABLE_MAX_LAYERS, &t->count));
    TRY(read_number(r, MACS, 0, TABLE_MAX_FIGURE, &t->macs));
    TRY(read_number(r, WEIGHT_BYTES, 0, TABLE_MAX_FIGURE, &t->weight_bytes));
    TRY(read_number(r, READ_BYTES, 0, TABLE_MAX_FIGURE, &t->read_bytes));
    TRY(read_number(r, WRITE_BYTES, 0, TABLE_MAX_FIGURE, &t->write_bytes));
    TRY(read_number(r, KERNELS, 0, TABLE_MAX_FIGURE, &t->kernels));
    return read_number(r, STEPS, 0, TABLE_MAX_FIGURE, &t->steps);
}

/* The record's layer, if it has one, joins the row. */
static kerf_status add_layer(csv_reader *r, kerf_measurement *row)
{
    layer_text text = layer_text_empty;
    if (*cell_of(r, CLASS, NULL) == '\0')
        return KERF_OK;
    TRY(read_layer_text(r, &text));
    if (kerf_reserve(&row->layers, &r->layer_capacity, row->n_layers + 1, TABLE_MAX_LAYERS,
                     sizeof *row->layers) != 0)
        return no_memory(r);
    const char *problem = layer_complete(&text, row->batch, &row->layers[row->n_layers]);
    if (problem)
        return fail(r, KERF_E_INVALID, problem, NULL, "");
    row->n_layers++;
    return KERF_OK;
}

static kerf_status read_operators(csv_reader *r, kerf_measurement *row)
{
    char *at = cell_of(r, OPERATORS, NULL);
    size_t n = *at ? 1 : 0;
    for (const char *c = at; *c; c++)
        n += *c == ';';
    if (n == 0)
        return KERF_OK;
    if (n > TABLE_MAX_OPERATORS)
        return fail(r, KERF_E_TOO_LARGE, "has too many operators", NULL, ", expected a million");
    row->operators = kerf_calloc(n, sizeof *row->operators);
    if (!row->operators)
        return no_memory(r);
    while (row->n_operators < n) {
        at += strspn(at, " ");
        size_t length = strcspn(at, ";"), kept = length;
        while (kept > 0 && at[kept - 1] == ' ')
            kept--;
        row->operators[row->n_operators] = kerf_strndup(at, kept);
        if (!row->operators[row->n_operators])
            return no_memory(r);
        row->n_operators++;
        at += length + (at[length] == ';');
    }
    return KERF_OK;
}

static kerf_status read_figures(csv_reader *r, double *latency_s, double *energy_J)
{
    *latency_s = NAN;
    *energy_J = NAN;
    TRY(read_quantity(r, LATENCY, KERF_TIME, latency_s));
    return read_quantity(r, ENERGY, KERF_ENERGY, energy_J);
}

static kerf_status read_row(csv_reader *r, kerf_measurement *row)
{
    row->line = r->csv.record_line;
    row->batch = 1;
    row->calls = 1;
    r->layer_capacity = 0;
    TRY(read_text(r, NAME, &row->name));
    TRY(read_text(r, GROUP, &row->group));
    TRY(read_text(r, FAMILY, &row->family));
    TRY(read_text(r, BOARD, &row->board));
    TRY(read_text(r, POWER_MODE, &row->power_mode));
    TRY(read_text(r, NETWORK, &row->network));
    TRY(read_size(r, BATCH, &row->batch));
    TRY(read_number(r, CALLS, 0, TABLE_MAX_LAYERS, &row->calls));
    TRY(read_figures(r, &row->latency_s, &row->energy_J));
    TRY(read_operators(r, row));
    return add_layer(r, row);
}

static bool differ(double a, double b)
{
    return !isnan(b) && a != b;
}

/* One more layer of the last row. */
static kerf_status continue_row(csv_reader *r, kerf_measurement *row)
{
    double latency_s, energy_J;
    TRY(read_figures(r, &latency_s, &energy_J));
    if (*cell_of(r, CLASS, NULL) == '\0' || row->n_layers == 0)
        return fail(r, KERF_E_INVALID, "repeats the name", row->name,
                    " without being one of its layers, expected a name of its own");
    if (differ(row->latency_s, latency_s) || differ(row->energy_J, energy_J))
        return fail(r, KERF_E_INVALID, "gives other figures than the line before to", row->name,
                    ", expected the same on all of its layers, or none");
    return add_layer(r, row);
}

static kerf_status finish_row(csv_reader *r, size_t line)
{
    if (r->table->n == 0)
        return KERF_OK;
    const kerf_measurement *row = &r->table->rows[r->table->n - 1];
    const char *problem = row_problem(row);
    r->csv.record_line = line;
    return problem ? fail(r, KERF_E_INVALID, problem, NULL, "") : KERF_OK;
}

static kerf_status read_records(csv_reader *r)
{
    kerf_measurements *table = r->table;
    for (;;) {
        TRY(kerf_csv_next(&r->csv, r->err));
        if (r->csv.n == 0)
            return finish_row(r, table->n ? table->rows[table->n - 1].line : r->csv.line);
        if (r->csv.n != r->n_columns)
            return fail(r, KERF_E_INVALID, "has another number of cells than the header", NULL,
                        ", expected as many");
        const char *name = cell_of(r, NAME, NULL);
        kerf_measurement *last = table->n ? &table->rows[table->n - 1] : NULL;
        if (last && *name && strcmp(last->name, name) == 0) {
            TRY(continue_row(r, last));
            continue;
        }
        size_t line = r->csv.record_line;
        TRY(finish_row(r, last ? last->line : line));
        r->csv.record_line = line;
        if (kerf_reserve(&table->rows, &r->row_capacity, table->n + 1, TABLE_MAX_ROWS,
                         sizeof *table->rows) != 0)
            return table->n >= TABLE_MAX_ROWS
                       ? fail(r, KERF_E_TOO_LARGE, "is beyond a million measurements", NULL, "")
                       : no_memory(r);
        table->rows[table->n] = (kerf_measurement){0};
        TRY(read_row(r, &table->rows[table->n++]));
    }
}

/* "# source: TEXT" among the comments at the beginning. */
static kerf_status read_source(csv_reader *r, const char *text)
{
    static const char mark[] = "# source:";
    while (*text == '#') {
        size_t length = strcspn(text, "\r\n");
        if (strncmp(text, mark, sizeof mark - 1) == 0) {
            const char *start = text + sizeof mark - 1;
            start += strspn(start, " ");
            r->table->source = kerf_strndup(start, (size_t)(text + length - start));
            return r->table->source ? KERF_OK : no_memory(r);
        }
        text += length;
        text += strspn(text, "\r\n");
    }
    return KERF_OK;
}

kerf_status table_read_csv(char *text, size_t size, const char *path, kerf_measurements *table,
                           kerf_error *err)
{
    csv_reader r = {.table = table, .err = err, .csv = {.next = kerf_csv_begin(text), .line = 1}};
    (void)path;
    if (memchr(text, '\0', size) != NULL)
        return kerf_fail(err, KERF_E_SYNTAX, NULL, "holds a zero byte, expected a text");
    TRY(read_source(&r, r.csv.next));
    TRY(read_header(&r));
    TRY(read_records(&r));
    if (table->n == 0)
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "holds no measurement, expected rows below the header");
    return KERF_OK;
}
