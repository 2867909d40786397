/* Traces from files: which format it is, what all readers share, and the formats that are nothing
 * but numbers. The text is cut into lines in place; kerf_trace_make checks the samples. */
#include "net/trace_read.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE      ((size_t)256 * 1000 * 1000)
#define MAX_DIGITS    64
#define DEFAULT_BIN_S 0.1
#define CHANCE_BITS   (1500.0 * 8) /* of Mahimahi */

/* --- what all readers share --- */

kerf_status trace_fail(const trace_reader *r, kerf_error *err, const char *format, ...)
{
    char text[400], where[32];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(where, sizeof where, "%zu", r->line);
    return kerf_fail(err, KERF_E_INVALID, r->line ? where : NULL, "%s", text);
}

static kerf_status append(trace_reader *r, double time_s, double value, kerf_error *err)
{
    if (r->n >= KERF_TRACE_MAX_SAMPLES)
        return trace_fail(r, err, "more than %zu samples", KERF_TRACE_MAX_SAMPLES);
    if (kerf_reserve(&r->time_s, &r->time_capacity, r->n + 1, KERF_TRACE_MAX_SAMPLES,
                     sizeof *r->time_s) != 0 ||
        kerf_reserve(&r->value, &r->value_capacity, r->n + 1, KERF_TRACE_MAX_SAMPLES,
                     sizeof *r->value) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    r->time_s[r->n] = time_s;
    r->value[r->n++] = value;
    return KERF_OK;
}

kerf_status trace_add(trace_reader *r, double time_s, double value, kerf_error *err)
{
    const double before = r->n > 0 ? r->time_s[r->n - 1] : -INFINITY;
    if (time_s < before)
        return trace_fail(r, err,
                          "time %.9g s is before %.9g s, the line above; expected ascending times",
                          time_s, before);
    if (time_s > before)
        r->alike = 0;
    else
        r->n--; /* clocks that tell whole seconds say some of them twice: the mean counts */
    const double mean =
        r->alike == 0 ? value : r->value[r->n] + (value - r->value[r->n]) / (double)(r->alike + 1);
    r->alike++;
    return append(r, time_s, mean, err);
}

char *trace_line(trace_reader *r)
{
    if (r->at >= r->end)
        return NULL;
    char *line = r->at, *stop = memchr(line, '\n', (size_t)(r->end - line));
    r->at = stop ? stop + 1 : r->end;
    if (!stop)
        stop = r->end; /* the terminator */
    *stop = '\0';
    if (stop > line && stop[-1] == '\r')
        stop[-1] = '\0';
    r->line++;
    return line + strspn(line, " \t");
}

bool trace_number(const trace_reader *r, const char *text, const char **rest, double *value)
{
    /* strtod would also take "inf", "nan" and hexadecimal. */
    char digits[MAX_DIGITS];
    const size_t length = strspn(text, "+-.0123456789eE");
    if (length == 0 || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    char *end = digits;
    *value = strtod_l(digits, &end, r->c);
    *rest = text + (end - digits);
    return end > digits && isfinite(*value);
}

/* --- plain text --- */

static const char *skip_separator(const char *text)
{
    return text + strspn(text, " \t,;");
}

/* "0.5 12.3" a line; what starts with # is a comment. */
kerf_status trace_read_text(trace_reader *r, kerf_error *err)
{
    const double unit = r->options->unit > 0 ? r->options->unit : r->options->rtt ? 1e-3 : 1e6;
    for (const char *line; (line = trace_line(r));) {
        double time_s, value;
        const char *rest;
        if (*line == '\0' || *line == '#')
            continue;
        if (!trace_number(r, line, &rest, &time_s) ||
            !trace_number(r, skip_separator(rest), &rest, &value) ||
            rest[strspn(rest, " \t")] != '\0')
            return trace_fail(r, err, "is \"%.40s\", expected a time in seconds and a %s", line,
                              r->options->rtt ? "round-trip time in ms" : "rate in Mbit/s");
        const kerf_status status = trace_add(r, time_s, value * unit, err);
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

/* --- Mahimahi --- */

/* Lines of milliseconds, never descending: each a chance to send 1500 bytes. The last is where the
 * trace begins anew. Chances are counted by bins; one at a border belongs to the bin before it. */
kerf_status trace_read_mahimahi(trace_reader *r, kerf_error *err)
{
    const double bin = r->options->step_s > 0 ? r->options->step_s : DEFAULT_BIN_S;
    double before = 0;
    size_t chances = 0; /* in the bin that is being filled */
    kerf_status status = KERF_OK;
    for (const char *line; status == KERF_OK && (line = trace_line(r));) {
        double ms;
        const char *rest;
        if (*line == '\0' || *line == '#')
            continue;
        if (!trace_number(r, line, &rest, &ms) || *rest != '\0' || ms < 0 || ms != floor(ms))
            return trace_fail(r, err, "is \"%.40s\", expected a whole number of milliseconds",
                              line);
        if (ms < before)
            return trace_fail(r, err, "%.0f ms is before %.0f ms, the line before", ms, before);
        while (status == KERF_OK && ms * 1e-3 > bin * (double)(r->n + 1) * (1 + 1e-12)) {
            status = trace_add(r, bin * (double)r->n, (double)chances * CHANCE_BITS / bin, err);
            chances = 0;
        }
        chances++;
        before = ms;
    }
    if (status != KERF_OK)
        return status;
    r->period_s = before * 1e-3;
    r->line = 0;
    const double start = bin * (double)r->n, length = r->period_s - start;
    if (!(length > 0))
        return trace_fail(r, err, "ends at 0 ms, expected a last line with the trace's length");
    return trace_add(r, start, (double)chances * CHANCE_BITS / length, err);
}

/* --- columns --- */

/* Field number `index` of a line, copied without quotes and blanks; false if there is none. */
static bool field(const char *line, size_t index, char *copy, size_t size)
{
    for (; index > 0; index--) {
        line += strcspn(line, ",;\t");
        if (!*line++)
            return false;
    }
    line += strspn(line, " \"");
    size_t length = strcspn(line, ",;\t");
    while (length > 0 && strchr(" \"", line[length - 1]))
        length--;
    snprintf(copy, size, "%.*s", (int)(length < size ? length : size - 1), line);
    return true;
}

/* Column from 1, or by its name in the heading; SIZE_MAX where there is none. */
static size_t find_column(const trace_reader *r, const char *heading, const char *wanted)
{
    char name[MAX_DIGITS];
    const char *rest;
    double number;
    if (trace_number(r, wanted, &rest, &number) && *rest == '\0')
        return number >= 1 && number <= 10000 && number == floor(number) ? (size_t)number - 1
                                                                         : SIZE_MAX;
    for (size_t i = 0; field(heading, i, name, sizeof name); i++)
        if (strcmp(name, wanted) == 0)
            return i;
    return SIZE_MAX;
}

static kerf_status read_row(trace_reader *r, const char *line, size_t column, size_t time_column,
                            double unit, kerf_error *err)
{
    char text[MAX_DIGITS];
    const char *rest;
    double value, time_s = r->options->step_s * (double)r->n;
    if (!field(line, column, text, sizeof text) || !trace_number(r, text, &rest, &value) || *rest)
        return trace_fail(r, err, "column %zu is not a number", column + 1);
    if (time_column != SIZE_MAX && (!field(line, time_column, text, sizeof text) ||
                                    !trace_number(r, text, &rest, &time_s) || *rest))
        return trace_fail(r, err,
                          "column %zu is not a time in seconds; a file without any needs "
                          "a step",
                          time_column + 1);
    return append(r, time_s, value * unit, err);
}

typedef struct row {
    double time_s, value;
    size_t line;
} row;

static int by_time(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->time_s != y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

/* Rows may come in any order. */
static kerf_status sort_rows(trace_reader *r, kerf_error *err)
{
    const size_t n = r->n;
    row *rows = kerf_calloc(n, sizeof *rows);
    if (!rows)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < n; i++)
        rows[i] = (row){r->time_s[i], r->value[i], i};
    qsort(rows, n, sizeof *rows, by_time);
    kerf_status status = KERF_OK;
    r->n = r->line = 0;
    for (size_t i = 0; status == KERF_OK && i < n; i++)
        status = trace_add(r, rows[i].time_s, rows[i].value, err);
    free(rows);
    return status;
}

/* A first line of which the value's column is no number is the heading. */
kerf_status trace_read_csv(trace_reader *r, kerf_error *err)
{
    const kerf_trace_options *o = r->options;
    const double unit = o->unit > 0 ? o->unit : o->rtt ? 1e-3 : 1e6;
    const char *wanted = o->column ? o->column : "2";
    const char *time_wanted = o->time_column ? o->time_column : o->step_s > 0 ? NULL : "1";
    const char *line = trace_line(r), *rest;
    if (!line)
        return trace_fail(r, err, "is empty, expected lines of columns");
    const size_t column = find_column(r, line, wanted);
    const size_t time_column = time_wanted ? find_column(r, line, time_wanted) : SIZE_MAX;
    if (column == SIZE_MAX || (time_wanted && time_column == SIZE_MAX))
        return trace_fail(r, err, "has no column \"%.40s\"",
                          column == SIZE_MAX ? wanted : time_wanted);
    char first[MAX_DIGITS];
    double number;
    if (field(line, column, first, sizeof first) && !trace_number(r, first, &rest, &number))
        line = trace_line(r);
    for (; line; line = trace_line(r)) {
        if (*line == '\0' || *line == '#')
            continue;
        const kerf_status status = read_row(r, line, column, time_column, unit, err);
        if (status != KERF_OK)
            return status;
    }
    return sort_rows(r, err);
}

/* --- which format it is --- */

static kerf_trace_format guess(const trace_reader *r)
{
    const char *text = r->at + strspn(r->at, " \t\r\n");
    if (*text == '{')
        return KERF_TRACE_IPERF3;
    if (strstr(text, "netem"))
        return KERF_TRACE_NETEM;
    if (strncmp(text, "PING ", 5) == 0 || strstr(text, "min/avg/max"))
        return KERF_TRACE_PING;
    if (strstr(text, "cwnd:"))
        return KERF_TRACE_SS;
    const size_t length = strcspn(text, "\r\n");
    double number;
    const char *rest;
    if (trace_number(r, text, &rest, &number) && rest == text + length)
        return KERF_TRACE_MAHIMAHI;
    return memchr(text, ',', length) ? KERF_TRACE_CSV : KERF_TRACE_TEXT;
}

static kerf_status read_samples(trace_reader *r, const char *source, kerf_error *err)
{
    const kerf_trace_format format =
        r->options->format == KERF_TRACE_AUTO ? guess(r) : r->options->format;
    switch (format) {
    case KERF_TRACE_CSV:
        return trace_read_csv(r, err);
    case KERF_TRACE_MAHIMAHI:
        if (r->options->rtt)
            return kerf_fail(err, KERF_E_INVALID, NULL, "Mahimahi traces hold no round-trip times");
        return trace_read_mahimahi(r, err);
    case KERF_TRACE_IPERF3:
        return trace_read_iperf3(r, source, err);
    case KERF_TRACE_PING:
        return trace_read_ping(r, err);
    case KERF_TRACE_SS:
        return trace_read_ss(r, err);
    case KERF_TRACE_NETEM:
        return trace_read_netem(r, err);
    case KERF_TRACE_AUTO:
    case KERF_TRACE_TEXT:
        break;
    }
    return trace_read_text(r, err);
}

kerf_status kerf_trace_parse(char *text, size_t size, const char *source,
                             const kerf_trace_options *options, kerf_trace **trace, kerf_error *err)
{
    trace_reader r = {.options = options, .at = text, .end = text + size};
    kerf_error_clear(err);
    r.c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (r.c == (locale_t)0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_status status = read_samples(&r, source, err);
    if (status == KERF_OK)
        status = kerf_trace_make(r.time_s, r.value, r.n, r.period_s, !options->rtt, trace, err);
    if (status != KERF_OK)
        kerf_error_source(err, source);
    freelocale(r.c);
    free(r.time_s);
    free(r.value);
    return status;
}

kerf_status kerf_trace_load(const char *path, const kerf_trace_options *options, kerf_trace **trace,
                            kerf_error *err)
{
    char *text = NULL;
    size_t size = 0;
    kerf_error_clear(err);
    kerf_status status = kerf_read_file(path, MAX_FILE, &text, &size, err);
    if (status == KERF_OK)
        status = kerf_trace_parse(text, size, path, options, trace, err);
    else
        kerf_error_source(err, path);
    free(text);
    return status;
}
