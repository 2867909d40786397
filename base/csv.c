#include "base/csv.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

kerf_status kerf_csv_fail(const kerf_csv *csv, kerf_error *err, kerf_status code,
                          const char *format, ...)
{
    char where[32], message[512];
    snprintf(where, sizeof where, "line %zu", csv->record_line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return kerf_fail(err, code, where, "%s", message);
}

char *kerf_csv_begin(char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static void pass_over_comments(kerf_csv *csv)
{
    for (char *at = csv->next; *at; at = csv->next) {
        char *end = at + strcspn(at, "\n");
        if (*at != '#' && at + strspn(at, " \t\r") != end)
            return;
        csv->line++;
        csv->next = *end ? end + 1 : end;
    }
}

static void trim(char *cell)
{
    size_t length = strlen(cell);
    while (length > 0 && strchr(" \t\r", cell[length - 1]))
        cell[--length] = '\0';
}

/* Undoes the quotes of a cell in place; returns where what follows it begins, NULL without a
 * closing quote. */
static char *unquote(kerf_csv *csv, char *start)
{
    char *to = start, *from = start + 1;
    for (; *from; from++) {
        if (*from == '"' && from[1] != '"')
            break;
        if (*from == '"')
            from++;
        if (*from == '\n')
            csv->line++;
        *to++ = *from;
    }
    char *end = *from ? from + 1 : NULL;
    *to = '\0';
    return end;
}

/* One cell; *at moves behind it. False at a record's end. */
static kerf_status read_cell(kerf_csv *csv, char **at, bool *more, kerf_error *err)
{
    char *start = *at + strspn(*at, " \t"), *end;
    const bool quoted = *start == '"';
    if (quoted) {
        end = unquote(csv, start);
        if (!end)
            return kerf_csv_fail(csv, err, KERF_E_SYNTAX,
                                 "has a quote that is never closed, expected another quote");
        end += strspn(end, " \t\r");
        if (*end && *end != ',' && *end != '\n')
            return kerf_csv_fail(
                csv, err, KERF_E_SYNTAX,
                "has text after a closing quote, expected a comma or the line's end");
    } else {
        end = start + strcspn(start, ",\n");
    }
    csv->cells[csv->n++] = start;
    *more = *end == ',';
    csv->line += *end == '\n';
    *at = *end ? end + 1 : end;
    if (*end)
        *end = '\0';
    if (!quoted)
        trim(start);
    return KERF_OK;
}

kerf_status kerf_csv_next(kerf_csv *csv, kerf_error *err)
{
    csv->n = 0;
    pass_over_comments(csv);
    csv->record_line = csv->line;
    kerf_status status = KERF_OK;
    for (bool more = *csv->next != '\0'; status == KERF_OK && more;) {
        if (csv->n == KERF_CSV_MOST_CELLS)
            return kerf_csv_fail(csv, err, KERF_E_INVALID,
                                 "has more than %d cells, expected one for each column",
                                 KERF_CSV_MOST_CELLS);
        status = read_cell(csv, &csv->next, &more, err);
    }
    return status;
}
