/* Traces from what network tools print: iperf3 -J, ping, ss -i, tc. */
#include "net/trace_read.h"

#include "base/error.h"
#include "base/json.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_WORD     40
#define NO_LIMIT_BPS 1e13 /* netem without a rate */

/* --- iperf3 --- */

/* intervals[].sum.{start, end, bits_per_second, omitted}; a failed run says so in "error". */
static kerf_status read_interval(trace_reader *r, const kerf_json *interval, kerf_error *err)
{
    kerf_json sum;
    double start = 0, end = 0, rate = 0;
    bool omitted = false;
    if (!kerf_json_object(interval, "sum", KERF_REQUIRED, &sum))
        return KERF_OK; /* latched */
    kerf_json_bool(&sum, "omitted", KERF_OPTIONAL, &omitted);
    kerf_json_number(&sum, "start", KERF_REQUIRED, 0, 1e9, &start);
    kerf_json_number(&sum, "end", KERF_REQUIRED, 0, 1e9, &end);
    kerf_json_number(&sum, "bits_per_second", KERF_REQUIRED, 0, 1e13, &rate);
    if (kerf_json_failed(interval->doc) || omitted)
        return KERF_OK;
    if (!(end > start) || (r->n > 0 && !(start > r->time_s[r->n - 1]))) {
        kerf_json_fail(&sum, KERF_E_INVALID,
                       "is from %.6g s to %.6g s, expected intervals one "
                       "after the other",
                       start, end);
        return KERF_OK;
    }
    const kerf_status status = trace_add(r, start, rate, err);
    if (status == KERF_OK)
        r->period_s = end - r->time_s[0];
    return status;
}

kerf_status trace_read_iperf3(trace_reader *r, const char *source, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    if (r->options->rtt)
        return kerf_fail(err, KERF_E_INVALID, NULL, "iperf3's intervals hold no round-trip times");
    kerf_status status = kerf_json_parse(r->at, (size_t)(r->end - r->at), source, NULL, &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_json root = kerf_json_root(doc), list, failed;
    const char *text = "";
    size_t n = 0;
    if (kerf_json_member(&root, "error", KERF_OPTIONAL, &failed) &&
        kerf_json_as_string(&failed, &text))
        kerf_json_fail(&failed, KERF_E_INVALID,
                       "iperf3 failed: %.200s; expected a test that ran to its end", text);
    kerf_json_array(&root, "intervals", KERF_REQUIRED, &list, &n);
    for (size_t i = 0; status == KERF_OK && !kerf_json_failed(doc) && i < n; i++) {
        kerf_json interval = kerf_json_at(&list, i);
        status = read_interval(r, &interval, err);
    }
    const kerf_status closed = kerf_json_close(&doc);
    return status == KERF_OK ? closed : status;
}

/* --- words of lines --- */

/* The value and unit of "key VALUEunit" or "key:VALUEunit" in a line: a number, and what follows
 * it to the next blank or '/'. */
static bool find_value(const trace_reader *r, const char *line, const char *key, double *value,
                       char unit[MAX_WORD])
{
    const size_t length = strlen(key);
    for (const char *at = line; (at = strstr(at, key)); at += length) {
        if (at > line && at[-1] != ' ' && at[-1] != '\t')
            continue;
        const char *rest;
        if (!trace_number(r, at + length, &rest, value))
            continue;
        const size_t n = strcspn(rest, " \t/,");
        snprintf(unit, MAX_WORD, "%.*s", (int)(n < MAX_WORD ? n : MAX_WORD - 1), rest);
        return true;
    }
    return false;
}

/* tc and ss name rates alike, in any case: bit, kbit, mbit, gbit of bits; bps, kbps, mbps of bytes
 * in tc, of bits in ss. */
static bool rate_unit(const char *unit, bool bps_is_bytes, double *factor)
{
    static const char prefixes[] = "kmgt";
    double scale = 1;
    const char first = (char)tolower((unsigned char)*unit);
    const char *prefix = first ? strchr(prefixes, first) : NULL;
    if (prefix) {
        for (const char *p = prefixes; p <= prefix; p++)
            scale *= 1000;
        unit++;
        if (*unit == 'i') {
            scale = pow(1024, (double)(prefix - prefixes + 1));
            unit++;
        }
    }
    if (strcasecmp(unit, "bit") == 0)
        *factor = scale;
    else if (strcasecmp(unit, "bps") == 0)
        *factor = scale * (bps_is_bytes ? 8 : 1);
    else
        return false;
    return true;
}

static bool time_unit(const char *unit, double *factor)
{
    if (strcmp(unit, "s") == 0 || strcmp(unit, "sec") == 0)
        *factor = 1;
    else if (strcmp(unit, "ms") == 0 || strcmp(unit, "msec") == 0)
        *factor = 1e-3;
    else if (strcmp(unit, "us") == 0 || strcmp(unit, "usec") == 0 || *unit == '\0')
        *factor = 1e-6;
    else
        return false;
    return true;
}

static double step_of(const trace_reader *r)
{
    return r->options->step_s > 0 ? r->options->step_s : 1;
}

/* --- ping --- */

/* "64 bytes from host: icmp_seq=3 ttl=57 time=23.1 ms": one sample a reply, at its number times
 * the interval, or at "[1700000000.123456]" where -D put the time in front. */
kerf_status trace_read_ping(trace_reader *r, kerf_error *err)
{
    if (!r->options->rtt)
        return kerf_fail(err, KERF_E_INVALID, NULL, "a ping holds no rates, only round-trip times");
    double clock = NAN;
    for (const char *line; (line = trace_line(r));) {
        double sequence = 0, ms = 0, stamp = NAN;
        const char *rest, *at = strstr(line, "time="), *seq = strstr(line, "seq=");
        if (!at || !seq)
            continue;
        if (!trace_number(r, at + 5, &rest, &ms) || strncmp(rest, " ms", 3) != 0 ||
            !trace_number(r, seq + 4, &rest, &sequence))
            return trace_fail(r, err,
                              "is \"%.60s\", expected a reply such as \"icmp_seq=1 ttl=57 "
                              "time=23.1 ms\"",
                              line);
        if (*line == '[')
            trace_number(r, line + 1, &rest, &stamp);
        if (r->n == 0)
            clock = stamp;
        const double time_s = isnan(clock) ? sequence * step_of(r) : stamp - clock;
        const kerf_status status = trace_add(r, time_s, ms * 1e-3, err);
        if (status != KERF_OK)
            return status;
    }
    r->line = 0;
    return r->n > 0 ? KERF_OK : trace_fail(r, err, "has no reply with a \"time=\"");
}

/* --- ss --- */

/* "... rtt:23.1/4.2 ... cwnd:10 ... delivery_rate 12.3Mbps ...": one sample a line that has the
 * figure wanted; without a delivery rate the sending rate counts. */
kerf_status trace_read_ss(trace_reader *r, kerf_error *err)
{
    for (const char *line; (line = trace_line(r));) {
        double value = 0, factor = 1e-3;
        char unit[MAX_WORD];
        if (r->options->rtt) {
            if (!find_value(r, line, "rtt:", &value, unit))
                continue;
        } else {
            if (!find_value(r, line, "delivery_rate ", &value, unit) &&
                !find_value(r, line, "send ", &value, unit))
                continue;
            if (!rate_unit(unit, false, &factor))
                return trace_fail(r, err, "has a rate in \"%.20s\", expected such as Mbps", unit);
        }
        const kerf_status status = trace_add(r, step_of(r) * (double)r->n, value * factor, err);
        if (status != KERF_OK)
            return status;
    }
    r->line = 0;
    return r->n > 0 ? KERF_OK
                    : trace_fail(r, err, "has no line with %s",
                                 r->options->rtt ? "\"rtt:\"" : "\"delivery_rate\" or \"send\"");
}

/* --- tc netem --- */

/* A figure of a netem line; false where it does not state it. The delay is one-way, and the other
 * way is taken to have the same. */
static kerf_status netem_figure(trace_reader *r, const char *line, bool *found, double *value,
                                kerf_error *err)
{
    char unit[MAX_WORD];
    double factor = 1;
    *found = find_value(r, line, r->options->rtt ? "delay " : "rate ", value, unit);
    if (!*found)
        return KERF_OK;
    if (r->options->rtt ? !time_unit(unit, &factor) : !rate_unit(unit, true, &factor))
        return trace_fail(r, err, "has the unit \"%.20s\", expected such as %s", unit,
                          r->options->rtt ? "ms" : "mbit");
    *value *= r->options->rtt ? 2 * factor : factor;
    return KERF_OK;
}

/* Lines of tc, of its output or of a script with "sleep N" between them. */
kerf_status trace_read_netem(trace_reader *r, kerf_error *err)
{
    double now = 0, slept = 0;
    for (const char *line; (line = trace_line(r));) {
        double value = 0;
        const char *rest;
        bool found = false;
        if (strncmp(line, "sleep ", 6) == 0) {
            if (!trace_number(r, line + 6, &rest, &slept) || !(slept >= 0) || slept > 1e9)
                return trace_fail(r, err, "is \"%.40s\", expected sleep and seconds", line);
            now += slept;
            continue;
        }
        if (!strstr(line, "netem"))
            continue;
        kerf_status status = netem_figure(r, line, &found, &value, err);
        if (status == KERF_OK && !found && !r->options->rtt) {
            found = true;
            value = NO_LIMIT_BPS;
        }
        if (status == KERF_OK && found)
            status = trace_add(r, now, value, err);
        if (status != KERF_OK)
            return status;
    }
    if (r->n > 0 && now > r->time_s[r->n - 1])
        r->period_s = now - r->time_s[0];
    r->line = 0;
    return r->n > 0 ? KERF_OK
                    : trace_fail(r, err, "has no netem line with a %s",
                                 r->options->rtt ? "delay" : "rate");
}
