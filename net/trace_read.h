/* What the readers of traces share. */
#ifndef KERF_NET_TRACE_READ_H
#define KERF_NET_TRACE_READ_H

#include "net/trace.h"

#include <locale.h>
#include <stdarg.h>

typedef struct trace_reader {
    const kerf_trace_options *options;
    char *at, *end; /* what is left of the text */
    size_t line;    /* number of the present line, 0: none */
    locale_t c;     /* numbers have a point, whatever the program's locale says */
    double *time_s, *value;
    size_t n, time_capacity, value_capacity;
    size_t alike;    /* samples at the time of the last one */
    double period_s; /* 0: as long as the sample before the last */
} trace_reader;

/* The next line, without its end and the blanks before it; NULL after the last. */
char *trace_line(trace_reader *r);
/* A plain decimal number at the text's start; *rest is what follows it. */
bool trace_number(const trace_reader *r, const char *text, const char **rest, double *value);
/* One more sample; KERF_E_INVALID where the time is before the last one's. Of several at one time,
 * the mean counts. */
kerf_status trace_add(trace_reader *r, double time_s, double value, kerf_error *err);
/* KERF_E_INVALID at the present line. */
kerf_status trace_fail(const trace_reader *r, kerf_error *err, const char *format, ...)
    KERF_PRINTF(3, 4);

kerf_status trace_read_text(trace_reader *r, kerf_error *err);
kerf_status trace_read_csv(trace_reader *r, kerf_error *err);
kerf_status trace_read_mahimahi(trace_reader *r, kerf_error *err);
kerf_status trace_read_ping(trace_reader *r, kerf_error *err);
kerf_status trace_read_ss(trace_reader *r, kerf_error *err);
kerf_status trace_read_netem(trace_reader *r, kerf_error *err);
/* A whole document; errors carry its JSON pointers. */
kerf_status trace_read_iperf3(trace_reader *r, const char *source, kerf_error *err);

#endif
