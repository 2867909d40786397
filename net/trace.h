/* A figure of a link over time: rate, or round-trip time, constant from one sample to the next and
 * repeated for ever. Immutable once made; any number of threads may read it.
 *
 *     kerf_trace_options o = {.step_s = 0.1};
 *     kerf_trace *trace = NULL;
 *     if (kerf_trace_load("driving.up", &o, &trace, &err) == KERF_OK) {
 *         double now_bps = kerf_trace_at(trace, t);
 *         double end_s = kerf_trace_reach(trace, t, bits);   // when so many bits have gone through
 *         kerf_trace_destroy(&trace);
 *     }
 */
#ifndef KERF_NET_TRACE_H
#define KERF_NET_TRACE_H

#include "kerf/status.h"
#include "kerf/units.h"

#include <stdbool.h>

typedef struct kerf_trace {
    size_t n;
    double *time_s; /* n + 1 ascending entries: starts of the samples, from 0, and the period */
    double *value;  /* n: bit/s or s */
    double *sum;    /* n + 1: integral of the value from 0; sum[n] is one period's */
    double least, most;
} kerf_trace;

typedef enum kerf_trace_format {
    KERF_TRACE_AUTO,     /* found out from the content */
    KERF_TRACE_TEXT,     /* lines "time_s rate_Mbps" */
    KERF_TRACE_CSV,      /* columns by name or number, rows in any order */
    KERF_TRACE_MAHIMAHI, /* lines of milliseconds, each a chance to deliver 1500 bytes */
    KERF_TRACE_IPERF3,   /* iperf3 -J: its intervals */
    KERF_TRACE_PING,     /* ping: a round-trip time per reply */
    KERF_TRACE_SS,       /* ss -i, again and again */
    KERF_TRACE_NETEM     /* tc qdisc ... netem, with "sleep" between changes */
} kerf_trace_format;

/* Zeroed: a rate in a format to be found out, in Mbit/s where the format has no unit of its own. */
typedef struct kerf_trace_options {
    kerf_trace_format format;
    bool rtt;                /* the round-trip time is wanted, not the rate */
    double step_s;           /* Mahimahi: width of a bin, 0: 100 ms; CSV without times, ping and
                                ss: time from line to line, 0: 1 s */
    double unit;             /* text, CSV: SI units in one of the file's; 0: 1e6 (rates), 1e-3 */
    const char *column;      /* CSV: the value's column, by name or number from 1; NULL: 2 */
    const char *time_column; /* CSV: of the time in seconds; NULL: 1, or none with step_s */
} kerf_trace_options;

#define KERF_TRACE_MAX_SAMPLES ((size_t)20000000)

/* Reads a trace of at most 256 MB. KERF_E_IO; KERF_E_INVALID (where: the line or JSON pointer):
 * times that go back, values that are no finite numbers or negative, no sample, a rate that is 0
 * throughout, a round-trip time of 0; KERF_E_SYNTAX, KERF_E_NOMEM. The caller owns *trace. */
kerf_status kerf_trace_load(const char *path, const kerf_trace_options *options, kerf_trace **trace,
                            kerf_error *err);
/* The same from memory (of which the content is changed; zero-terminated at `size`). */
kerf_status kerf_trace_parse(char *text, size_t size, const char *source,
                             const kerf_trace_options *options, kerf_trace **trace,
                             kerf_error *err);
/* From samples: n starts in seconds, strictly ascending from the first, which becomes 0; the last
 * sample lasts until `period_s` after the first (0: as long as the one before it, or 1 s). */
kerf_status kerf_trace_make(const double *time_s, const double *value, size_t n, double period_s,
                            bool is_rate, kerf_trace **trace, kerf_error *err);
void kerf_trace_destroy(kerf_trace **trace);

/* "mahimahi" and so on. */
const char *kerf_trace_format_name(kerf_trace_format format);
bool kerf_trace_find_format(const char *name, kerf_trace_format *format);

static inline double kerf_trace_period(const kerf_trace *trace)
{
    return trace->time_s[trace->n];
}
static inline double kerf_trace_mean(const kerf_trace *trace)
{
    return trace->sum[trace->n] / trace->time_s[trace->n];
}

/* The value at time t >= 0, and the time at which it next may change. O(log n). */
double kerf_trace_at(const kerf_trace *trace, double t);
double kerf_trace_next(const kerf_trace *trace, double t);

/* Integral of the value from time `from` to `to`; and the earliest time at which the integral from
 * `from` reaches `amount` > 0, INFINITY only where the trace is 0 throughout. O(log n). */
double kerf_trace_integral(const kerf_trace *trace, double from, double to);
double kerf_trace_reach(const kerf_trace *trace, double from, double amount);

/* Limits every value to `most`. */
void kerf_trace_limit(kerf_trace *trace, double most);

#endif
