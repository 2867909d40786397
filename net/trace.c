/* Traces as piecewise-constant functions with their integral, so that a transfer's end is found by
 * two searches, however many samples it lasts. */
#include "net/trace.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    kerf_trace_format format;
    const char *name;
} formats[] = {{KERF_TRACE_AUTO, "auto"},     {KERF_TRACE_TEXT, "text"},
               {KERF_TRACE_CSV, "csv"},       {KERF_TRACE_MAHIMAHI, "mahimahi"},
               {KERF_TRACE_IPERF3, "iperf3"}, {KERF_TRACE_PING, "ping"},
               {KERF_TRACE_SS, "ss"},         {KERF_TRACE_NETEM, "netem"}};

const char *kerf_trace_format_name(kerf_trace_format format)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].format == format)
            return formats[i].name;
    return "?";
}

bool kerf_trace_find_format(const char *name, kerf_trace_format *format)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = formats[i].format;
            return true;
        }
    }
    return false;
}

void kerf_trace_destroy(kerf_trace **trace)
{
    if (!trace || !*trace)
        return;
    free((*trace)->time_s);
    free((*trace)->value);
    free((*trace)->sum);
    free(*trace);
    *trace = NULL;
}

static void sum_up(kerf_trace *trace)
{
    trace->least = INFINITY;
    trace->most = 0;
    trace->sum[0] = 0;
    for (size_t i = 0; i < trace->n; i++) {
        trace->least = fmin(trace->least, trace->value[i]);
        trace->most = fmax(trace->most, trace->value[i]);
        trace->sum[i + 1] =
            trace->sum[i] + trace->value[i] * (trace->time_s[i + 1] - trace->time_s[i]);
    }
}

static kerf_status check(const double *time_s, const double *value, size_t n, bool is_rate,
                         kerf_error *err)
{
    double most = 0;
    if (n == 0)
        return kerf_fail(err, KERF_E_INVALID, NULL, "has no sample, expected at least one");
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(value[i]) || value[i] < 0 || value[i] > (is_rate ? 1e13 : 3600))
            return kerf_fail(err, KERF_E_INVALID, NULL, "sample %zu is %g %s, expected 0 to %s",
                             i + 1, value[i], is_rate ? "bit/s" : "s",
                             is_rate ? "10 Tbit/s" : "1 h");
        if (!is_rate && value[i] <= 0)
            return kerf_fail(err, KERF_E_INVALID, NULL,
                             "sample %zu is a round-trip time of 0, expected more", i + 1);
        if (!isfinite(time_s[i]) || (i > 0 && !(time_s[i] > time_s[i - 1])))
            return kerf_fail(err, KERF_E_INVALID, NULL,
                             "sample %zu is at %.9g s, expected a time after that of the sample "
                             "before it",
                             i + 1, time_s[i]);
        most = fmax(most, value[i]);
    }
    if (is_rate && most < 1)
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "never has a rate of at least 1 bit/s, so nothing would ever arrive");
    return KERF_OK;
}

kerf_status kerf_trace_make(const double *time_s, const double *value, size_t n, double period_s,
                            bool is_rate, kerf_trace **trace, kerf_error *err)
{
    const kerf_status status = check(time_s, value, n, is_rate, err);
    if (status != KERF_OK)
        return status;
    const double last = time_s[n - 1] - time_s[0];
    const double period =
        period_s > 0 ? period_s : last + (n > 1 ? time_s[n - 1] - time_s[n - 2] : 1);
    if (!(period > last) || !isfinite(period))
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "repeats after %.9g s, expected a time after its last sample's (%.9g s)",
                         period, last);
    kerf_trace *made = kerf_calloc(1, sizeof *made);
    if (made) {
        made->n = n;
        made->time_s = kerf_calloc(n + 1, sizeof *made->time_s);
        made->value = kerf_calloc(n, sizeof *made->value);
        made->sum = kerf_calloc(n + 1, sizeof *made->sum);
    }
    if (!made || !made->time_s || !made->value || !made->sum) {
        kerf_trace_destroy(&made);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        made->time_s[i] = time_s[i] - time_s[0];
        made->value[i] = value[i];
    }
    made->time_s[n] = period;
    sum_up(made);
    *trace = made;
    return KERF_OK;
}

void kerf_trace_limit(kerf_trace *trace, double most)
{
    for (size_t i = 0; i < trace->n; i++)
        trace->value[i] = fmin(trace->value[i], most);
    sum_up(trace);
}

/* The last i < n with list[i] <= key; 0 if there is none. */
static size_t search(const double *list, size_t n, double key)
{
    size_t low = 0, high = n;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (list[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Time within the period, and the start of that period. */
static double phase_of(const kerf_trace *trace, double t, double *base)
{
    const double period = kerf_trace_period(trace);
    const double turns = floor(t / period);
    double phase = t - turns * period;
    *base = turns * period;
    if (phase < 0 || phase >= period) { /* rounding */
        phase = 0;
        *base = t;
    }
    return phase;
}

double kerf_trace_at(const kerf_trace *trace, double t)
{
    double base;
    return trace->value[search(trace->time_s, trace->n, phase_of(trace, t, &base))];
}

double kerf_trace_next(const kerf_trace *trace, double t)
{
    if (trace->n == 1)
        return INFINITY;
    double base;
    const double phase = phase_of(trace, t, &base);
    const double next = base + trace->time_s[search(trace->time_s, trace->n, phase) + 1];
    return next > t ? next : nextafter(t, INFINITY);
}

/* Integral from the start of the period to a time within it. */
static double partial(const kerf_trace *trace, double phase)
{
    const size_t i = search(trace->time_s, trace->n, phase);
    return trace->sum[i] + trace->value[i] * (phase - trace->time_s[i]);
}

double kerf_trace_integral(const kerf_trace *trace, double from, double to)
{
    if (!(to > from))
        return 0;
    if (trace->n == 1)
        return trace->value[0] * (to - from);
    double base_from, base_to;
    const double a = partial(trace, phase_of(trace, from, &base_from));
    const double b = partial(trace, phase_of(trace, to, &base_to));
    const double turns = rint((base_to - base_from) / kerf_trace_period(trace));
    return fmax(turns * trace->sum[trace->n] + b - a, 0);
}

double kerf_trace_reach(const kerf_trace *trace, double from, double amount)
{
    if (trace->n == 1)
        return trace->value[0] > 0 ? from + amount / trace->value[0] : INFINITY;
    const double whole = trace->sum[trace->n];
    if (!(whole > 0))
        return INFINITY;
    double base;
    const double phase = phase_of(trace, from, &base);
    const size_t first = search(trace->time_s, trace->n, phase);
    const double here = trace->value[first] * (trace->time_s[first + 1] - phase);
    if (amount <= here) /* within the present sample: without the sums' rounding */
        return from + amount / trace->value[first];
    double wanted = partial(trace, phase) + amount;
    const double turns = fmax(ceil(wanted / whole) - 1, 0);
    wanted = fmin(fmax(wanted - turns * whole, 0), whole);
    base += turns * kerf_trace_period(trace);
    /* The sample in which the sum gets there: the first whose end has at least as much. */
    size_t low = 0, high = trace->n - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (trace->sum[middle + 1] >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    const double more = wanted - trace->sum[low];
    const double rest = more > 0 && trace->value[low] > 0 ? more / trace->value[low] : 0;
    return fmax(base + trace->time_s[low] + rest, from);
}
