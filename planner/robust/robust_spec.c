/* What is uncertain, from a text, a file or a trace. */
#include "kerf/robust.h"
#include "kerf/units.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/trace.h"
#include "planner/robust/robust_world.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SPREADS  ((size_t)256)
#define MOST_SAMPLES  1e6 /* of a trace */
#define DEFAULT_STEP  1.0 /* s */
#define LONGEST_WAIT  60  /* doublings of it */
#define LONGEST_VALUE 64  /* characters */

static kerf_spreads *create(kerf_error *err)
{
    kerf_spreads *s = kerf_calloc(1, sizeof *s);
    if (!s)
        kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return s;
}

void kerf_spreads_destroy(kerf_spreads **spreads)
{
    if (!spreads || !*spreads)
        return;
    for (size_t i = 0; i < (*spreads)->n; i++) {
        free((void *)(*spreads)->list[i].value);
        free((void *)(*spreads)->list[i].weight);
    }
    free((*spreads)->list);
    free(*spreads);
    *spreads = NULL;
}

/* Room for one more, zeroed; NULL: no memory or too many. */
static kerf_spread *append(kerf_spreads *s, kerf_error *err)
{
    if (s->n >= MOST_SPREADS) {
        kerf_fail(err, KERF_E_INVALID, "uncertainty", "lists more than %zu things", MOST_SPREADS);
        return NULL;
    }
    kerf_spread *grown = kerf_realloc_array(s->list, s->n + 1, sizeof *grown);
    if (!grown) {
        kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        return NULL;
    }
    s->list = grown;
    s->list[s->n] = (kerf_spread){.relative = 0};
    return &s->list[s->n++];
}

/* --- values --- */

/* "0.8", "80%", "150 %": a number of any size, unlike a fraction. */
static kerf_status parse_share(const char *text, double *value)
{
    char plain[LONGEST_VALUE + 8];
    size_t n = strlen(text);
    const bool percent = n > 0 && text[n - 1] == '%';
    n -= percent;
    while (n > 0 && text[n - 1] == ' ')
        n--;
    if (n == 0 || n > LONGEST_VALUE || !isdigit((unsigned char)text[n - 1]))
        return KERF_E_INVALID;
    snprintf(plain, sizeof plain, "%.*s s", (int)n, text);
    if (kerf_parse_quantity(plain, KERF_TIME, value, NULL) != KERF_OK)
        return KERF_E_INVALID;
    *value /= percent ? 100 : 1;
    return KERF_OK;
}

static kerf_status parse_value(const char *text, kerf_quantity kind, double *value)
{
    return kind == KERF_FRACTION ? parse_share(text, value)
                                 : kerf_parse_quantity(text, kind, value, NULL);
}

/* The unit of a quantity's text: what follows its number. */
static const char *unit_of(const char *text)
{
    const char *at = text;
    while (*at && (isdigit((unsigned char)*at) || strchr("+-. ", *at) ||
                   ((*at == 'e' || *at == 'E') &&
                    (isdigit((unsigned char)at[1]) || at[1] == '-' || at[1] == '+'))))
        at++;
    return at;
}

/* "5..20 Mbit/s": the first may leave out the unit that both have. */
static kerf_status parse_interval(const char *text, const char *dots, kerf_quantity kind,
                                  kerf_spread *s)
{
    char low[2 * LONGEST_VALUE + 2];
    const char *high = dots + 2;
    const size_t n = (size_t)(dots - text);
    if (n == 0 || n > LONGEST_VALUE || strlen(high) > LONGEST_VALUE)
        return KERF_E_INVALID;
    memcpy(low, text, n);
    low[n] = '\0';
    if (!*unit_of(low))
        memcpy(low + n, unit_of(high), strlen(unit_of(high)) + 1);
    s->kind = KERF_SPREAD_INTERVAL;
    return parse_value(low, kind, &s->low) == KERF_OK &&
                   parse_value(high, kind, &s->high) == KERF_OK
               ? KERF_OK
               : KERF_E_INVALID;
}

static kerf_status fail_value(const char *name, const char *value, kerf_quantity kind,
                              kerf_error *err)
{
    const char *interval = kind == KERF_RATE   ? "\"5..20 Mbit/s\""
                           : kind == KERF_TIME ? "\"10..40 ms\""
                                               : "\"0.8..1.3\"";
    return kerf_fail(err, KERF_E_INVALID, name,
                     "is '%.64s', expected a relative standard deviation such as \"10%%\" or an "
                     "interval such as %s",
                     value, interval);
}

static kerf_status set_name(const char *name, kerf_spread *s, robust_target *t, kerf_error *err)
{
    if (strlen(name) < sizeof s->what && robust_target_find(name, t)) {
        memcpy(s->what, name, strlen(name) + 1);
        return KERF_OK;
    }
    return kerf_fail(err, KERF_E_INVALID, "uncertainty",
                     "names '%.100s', expected an operator class, device, latency, energy, bytes, "
                     "launch, partition, idle, server, radio, rate, uplink, downlink, rtt, load or "
                     "a coefficient such as latency/per_mac/conv",
                     name);
}

static kerf_status parse_spread(const char *name, const char *value, kerf_spread *s,
                                kerf_error *err)
{
    robust_target target;
    const kerf_status status = set_name(name, s, &target, err);
    if (status != KERF_OK)
        return status;
    const kerf_quantity kind = robust_target_quantity(&target);
    const char *dots = strstr(value, "..");
    if ((dots ? parse_interval(value, dots, kind, s) : parse_share(value, &s->relative)) == KERF_OK)
        return KERF_OK;
    return fail_value(name, value, kind, err);
}

/* --- a text --- */

static char *trim(char *text)
{
    while (*text == ' ')
        text++;
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = '\0';
    return text;
}

static kerf_status parse_item(char *item, kerf_spreads *spreads, kerf_error *err)
{
    char *equals = strchr(item, '=');
    if (!equals && strcmp(trim(item), "profile") == 0) {
        spreads->profile = true;
        return KERF_OK;
    }
    if (!equals)
        return kerf_fail(err, KERF_E_INVALID, "uncertainty",
                         "has '%.64s', expected profile or NAME=VALUE such as conv=10%%",
                         trim(item));
    *equals = '\0';
    kerf_spread *s = append(spreads, err);
    return s ? parse_spread(trim(item), trim(equals + 1), s, err) : err ? err->code : KERF_E_NOMEM;
}

kerf_status kerf_spreads_parse(const char *text, kerf_spreads **spreads, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_error local = {0};
    kerf_status status = KERF_OK;
    char *copy = kerf_strdup(text);
    kerf_spreads *made = create(&local);
    if (!copy || !made)
        status = kerf_fail(&local, KERF_E_NOMEM, NULL, "out of memory");
    for (char *item = copy, *next; status == KERF_OK && item; item = next) {
        next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        status = parse_item(item, made, &local);
    }
    free(copy);
    if (status != KERF_OK) {
        kerf_spreads_destroy(&made);
        if (err)
            *err = local;
        return status;
    }
    *spreads = made;
    return KERF_OK;
}

/* --- a trace --- */

static kerf_status sample_trace(const kerf_trace *trace, double window_s, kerf_spread *s,
                                kerf_error *err)
{
    const double period = kerf_trace_period(trace);
    const double steps = fmin(fmax(ceil(period / window_s), 1), MOST_SAMPLES);
    const size_t n = (size_t)steps;
    double *value = kerf_calloc(n, sizeof *value), *weight = kerf_calloc(n, sizeof *weight);
    s->value = value;
    s->weight = weight;
    if (!value || !weight)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu samples", n);
    s->n = n;
    for (size_t i = 0; i < n; i++) {
        const double start = period * (double)i / steps;
        double span = window_s, sum = 0;
        for (int k = 0; k < LONGEST_WAIT && !(sum > 0); k++, span *= sum > 0 ? 1 : 2)
            sum = kerf_trace_integral(trace, start, start + span);
        value[i] = sum / span;
        weight[i] = (double)(i + 1) / steps;
    }
    return KERF_OK;
}

static kerf_status read_trace(const char *path, double window_s, kerf_spread *s, kerf_error *err)
{
    const kerf_trace_options options = {.rtt = false};
    kerf_trace *trace = NULL;
    kerf_status status = kerf_trace_load(path, &options, &trace, err);
    s->kind = KERF_SPREAD_TRACE;
    if (status == KERF_OK)
        status = sample_trace(trace, window_s > 0 ? window_s : DEFAULT_STEP, s, err);
    kerf_trace_destroy(&trace);
    return status;
}

kerf_status kerf_spreads_add_trace(kerf_spreads *spreads, const char *path, double window_s,
                                   kerf_error *err)
{
    kerf_error_clear(err);
    kerf_error local = {0};
    if (!(isfinite(window_s) && window_s >= 0))
        return kerf_fail(err, KERF_E_INVALID, "window",
                         "is %g s, expected a finite time not below 0", window_s);
    kerf_spread *s = append(spreads, &local);
    kerf_status status = s ? KERF_OK : local.code;
    if (s) {
        memcpy(s->what, "uplink", sizeof "uplink");
        status = read_trace(path, window_s, s, &local);
    }
    if (s && status != KERF_OK) {
        free((void *)s->value);
        free((void *)s->weight);
        spreads->n--;
    }
    if (status != KERF_OK && err)
        *err = local;
    return status;
}

/* --- a file --- */

static bool read_interval(const kerf_json *at, kerf_quantity kind, kerf_spread *s)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(at, "interval", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(at->doc);
    if (n != 2)
        return kerf_json_fail(&array, KERF_E_INVALID, "has %zu values, expected 2", n);
    double *const ends[] = {&s->low, &s->high};
    for (size_t i = 0; i < 2; i++) {
        const kerf_json end = kerf_json_at(&array, i);
        if (kind == KERF_FRACTION ? !kerf_json_as_number(&end, 0, 1e9, ends[i])
                                  : !kerf_json_as_quantity(&end, kind, ends[i]))
            return false;
    }
    s->kind = KERF_SPREAD_INTERVAL;
    return true;
}

static bool read_file_trace(const char *path, const kerf_json *at, kerf_spread *s)
{
    const char *name = NULL;
    kerf_json member;
    kerf_error local = {0};
    if (!kerf_json_string(at, "trace", KERF_OPTIONAL, &name))
        return !kerf_json_failed(at->doc);
    kerf_json_member(at, "trace", KERF_REQUIRED, &member);
    double window_s = 0;
    kerf_json_quantity(at, "window", KERF_TIME, KERF_OPTIONAL, &window_s);
    char *full = kerf_path_beside(path, name);
    if (!full)
        return kerf_json_fail(&member, KERF_E_NOMEM, "out of memory");
    const kerf_status status = read_trace(full, window_s, s, &local);
    free(full);
    return status == KERF_OK || kerf_json_fail(&member, status, "%.100s%s%.400s", local.where,
                                               *local.where ? ": " : "", local.message);
}

static bool read_spread(const char *path, const kerf_json *at, kerf_spread *s)
{
    const char *what = NULL;
    kerf_json member;
    kerf_error local = {0};
    robust_target target;
    if (!kerf_json_as_object(at) || !kerf_json_string(at, "what", KERF_REQUIRED, &what) ||
        !kerf_json_member(at, "what", KERF_REQUIRED, &member))
        return false;
    if (set_name(what, s, &target, &local) != KERF_OK)
        return kerf_json_fail(&member, KERF_E_INVALID, "%.400s", local.message);
    const bool relative = kerf_json_number(at, "relative", KERF_OPTIONAL, 0, 10, &s->relative);
    if (!read_interval(at, robust_target_quantity(&target), s))
        return false;
    const bool interval = s->kind == KERF_SPREAD_INTERVAL;
    if (!read_file_trace(path, at, s) || kerf_json_failed(at->doc))
        return false;
    if (relative + interval + (s->kind == KERF_SPREAD_TRACE) != 1)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "expected one of \"relative\", \"interval\" and \"trace\"");
    if (s->kind == KERF_SPREAD_TRACE && robust_target_quantity(&target) != KERF_RATE)
        return kerf_json_fail(&member, KERF_E_INVALID, "has a trace, which rates alone have");
    return kerf_json_done(at);
}

static bool read_file(const char *path, const kerf_json *root, kerf_spreads *spreads)
{
    kerf_json array;
    size_t n = 0;
    kerf_error local = {0};
    kerf_json_bool(root, "profile", KERF_OPTIONAL, &spreads->profile);
    if (kerf_json_array(root, "spreads", KERF_OPTIONAL, &array, &n))
        for (size_t i = 0; i < n; i++) {
            const kerf_json at = kerf_json_at(&array, i);
            kerf_spread *s = append(spreads, &local);
            if (!s)
                return kerf_json_fail(&array, local.code, "%.300s", local.message);
            if (!read_spread(path, &at, s))
                return false;
        }
    if (!kerf_json_failed(root->doc) && !spreads->profile && spreads->n == 0)
        return kerf_json_fail(root, KERF_E_INVALID, "says of nothing that it is uncertain");
    return kerf_json_done(root);
}

kerf_status kerf_spreads_load(const char *path, kerf_spreads **spreads, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_json_doc *doc = NULL;
    kerf_spreads *made = create(err);
    if (!made)
        return KERF_E_NOMEM;
    kerf_status status = kerf_json_open(path, "kerf-uncertainty/1", &doc, err);
    if (status == KERF_OK) {
        const kerf_json root = kerf_json_root(doc);
        read_file(path, &root, made);
        status = kerf_json_close(&doc);
    }
    if (status != KERF_OK) {
        kerf_spreads_destroy(&made);
        return status;
    }
    *spreads = made;
    return KERF_OK;
}
