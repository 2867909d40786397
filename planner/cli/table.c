#include "planner/cli/table.h"

#include "base/memory.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 16
#define MAX_CELLS   16000000
#define GAP         2  /* blanks between columns */
#define LEAST       12 /* a shortened column keeps at least this many */

struct cli_table {
    char columns[MAX_COLUMNS + 1];
    size_t n_columns, width;
    struct cell {
        char *text;
        bool heading, space;
    } * cells;
    size_t n_cells, capacity;
    bool next_heading, next_space, failed;
};

cli_table *cli_table_create(const char *columns, size_t width)
{
    cli_table *table = kerf_calloc(1, sizeof *table);
    if (!table)
        return NULL;
    snprintf(table->columns, sizeof table->columns, "%s", columns);
    table->n_columns = strlen(table->columns);
    table->width = width;
    return table;
}

void cli_table_destroy(cli_table **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->n_cells; i++)
        free((*table)->cells[i].text);
    free((*table)->cells);
    free(*table);
    *table = NULL;
}

void cli_table_heading(cli_table *table)
{
    table->next_heading = true;
}

void cli_table_space(cli_table *table)
{
    table->next_space = true;
}

void cli_table_cell(cli_table *table, const char *format, ...)
{
    char text[512], clean[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (kerf_reserve(&table->cells, &table->capacity, table->n_cells + 1, MAX_CELLS,
                     sizeof *table->cells) != 0) {
        table->failed = true;
        return;
    }
    char *copy = kerf_strdup(cli_clean(text, clean, sizeof clean));
    table->failed = table->failed || !copy;
    table->cells[table->n_cells++] = (struct cell){copy, table->next_heading, table->next_space};
    if (table->n_cells % table->n_columns == 0)
        table->next_heading = table->next_space = false;
}

void cli_table_quantity(cli_table *table, double value, kerf_quantity kind)
{
    char text[64];
    if (isfinite(value))
        cli_table_cell(table, "%s", kerf_format_quantity(value, kind, 3, text, sizeof text));
    else
        cli_table_cell(table, "-");
}

/* Columns that text takes on a terminal: UTF-8 continuation bytes take none. */
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* The bytes of the first n characters, and of all but the last n. */
static size_t head_bytes(const char *text, size_t n)
{
    size_t i = 0;
    for (; text[i]; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && n-- == 0)
            break;
    return i;
}

static void print_cell(FILE *stream, const char *text, char alignment, size_t width, bool last)
{
    const size_t length = columns_of(text);
    const int pad = length < width ? (int)(width - length) : 0;
    if (length > width && width > 3) {
        /* Names differ at both ends: keep more of the last part. */
        const size_t head = (width - 2) / 3, tail = width - 2 - head;
        fprintf(stream, "%.*s..%s", (int)head_bytes(text, head), text,
                text + head_bytes(text, length - tail));
    } else if (alignment == 'r') {
        fprintf(stream, "%*s%s", pad, "", text);
    } else {
        fprintf(stream, "%s%*s", text, last ? 0 : pad, "");
    }
}

static void measure(const cli_table *t, size_t *widths)
{
    for (size_t i = 0; i < t->n_cells; i++) {
        const size_t length = columns_of(t->cells[i].text);
        if (length > widths[i % t->n_columns])
            widths[i % t->n_columns] = length;
    }
    size_t total = GAP * (t->n_columns - 1);
    for (size_t c = 0; c < t->n_columns; c++)
        total += widths[c];
    /* The flexible columns give way, the widest first. */
    while (t->width && total > t->width) {
        size_t widest = t->n_columns;
        for (size_t c = 0; c < t->n_columns; c++)
            if (t->columns[c] == 'f' && widths[c] > LEAST &&
                (widest == t->n_columns || widths[c] > widths[widest]))
                widest = c;
        if (widest == t->n_columns)
            break;
        widths[widest]--;
        total--;
    }
}

bool cli_table_print(const cli_table *table, FILE *stream)
{
    if (table->failed)
        return false;
    size_t widths[MAX_COLUMNS] = {0};
    measure(table, widths);
    const bool color = cli_wants_color(stream);
    for (size_t i = 0; i + table->n_columns <= table->n_cells; i += table->n_columns) {
        const struct cell *row = &table->cells[i];
        size_t used = table->n_columns; /* empty cells at the end leave no blanks behind */
        while (used > 1 && !*row[used - 1].text)
            used--;
        fputs(row->space ? "\n" : "", stream);
        fputs(row->heading && color ? "\033[1m" : "", stream);
        for (size_t c = 0; c < used; c++) {
            print_cell(stream, row[c].text, table->columns[c], widths[c], c + 1 == used);
            if (c + 1 < used)
                fprintf(stream, "%*s", GAP, "");
        }
        fputs(row->heading && color ? "\033[0m\n" : "\n", stream);
    }
    return true;
}

void cli_csv_text(FILE *stream, bool first, const char *text)
{
    if (!first)
        fputc(',', stream);
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

void cli_csv_number(FILE *stream, bool first, double value)
{
    if (!first)
        fputc(',', stream);
    if (isfinite(value))
        fprintf(stream, "%.17g", value);
}

void cli_csv_header(FILE *stream, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cli_csv_text(stream, i == 0, names[i]);
    fputc('\n', stream);
}
