/* A scenario's links, access points and traces. */
#include "planner/simulate/scenario_read.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- traces --- */

/* {"points": [["0 s", "12 Mbit/s"], ...], "period": "60 s"}: each holds until the next. */
static bool read_points(const kerf_json *at, bool rtt, kerf_trace **trace)
{
    kerf_json points, pair, item;
    kerf_error err = {0};
    size_t n = 0, two = 0;
    double period_s = 0;
    scenario_positive(at, "period", KERF_TIME, KERF_OPTIONAL, &period_s);
    if (!kerf_json_array(at, "points", KERF_REQUIRED, &points, &n))
        return false;
    double *time_s = kerf_calloc(n, sizeof *time_s), *value = kerf_calloc(n, sizeof *value);
    bool done = time_s && value;
    if (!done)
        kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; done && i < n; i++) {
        pair = kerf_json_at(&points, i);
        done = kerf_json_as_array(&pair, &two);
        if (done && two != 2)
            done = kerf_json_fail(&pair, KERF_E_INVALID,
                                  "has %zu elements, expected a time and a "
                                  "%s",
                                  two, rtt ? "time" : "rate");
        item = kerf_json_at(&pair, 0);
        done = done && kerf_json_as_quantity(&item, KERF_TIME, &time_s[i]);
        item = kerf_json_at(&pair, 1);
        done = done && kerf_json_as_quantity(&item, rtt ? KERF_TIME : KERF_RATE, &value[i]);
    }
    if (done) {
        const kerf_status status = kerf_trace_make(time_s, value, n, period_s, !rtt, trace, &err);
        done = status == KERF_OK || scenario_fail(&points, status, &err);
    }
    free(time_s);
    free(value);
    return done;
}

/* The unit of a file's plain numbers, such as "kbit/s": what one of it is in SI units. */
static bool read_unit(const kerf_json *at, bool rtt, double *unit)
{
    kerf_json member;
    const char *text = "";
    char one[40];
    if (!kerf_json_member(at, "unit", KERF_OPTIONAL, &member) ||
        !kerf_json_as_string(&member, &text))
        return !kerf_json_failed(at->doc);
    snprintf(one, sizeof one, "1 %.30s", text);
    if (kerf_parse_quantity(one, rtt ? KERF_TIME : KERF_RATE, unit, NULL) == KERF_OK)
        return true;
    return kerf_json_fail(&member, KERF_E_INVALID, "is \"%.30s\", expected a unit such as %s", text,
                          rtt ? "\"ms\"" : "\"Mbit/s\"");
}

static bool load_file(const scenario_reader *r, const kerf_json *at, const kerf_json *file,
                      kerf_trace_options *options, kerf_trace **trace)
{
    const char *name = "", *format = NULL;
    kerf_error err = {0};
    kerf_json member;
    if (!kerf_json_as_string(file, &name))
        return false;
    kerf_json_string(at, "format", KERF_OPTIONAL, &format);
    kerf_json_string(at, "column", KERF_OPTIONAL, &options->column);
    kerf_json_string(at, "time_column", KERF_OPTIONAL, &options->time_column);
    scenario_positive(at, "step", KERF_TIME, KERF_OPTIONAL, &options->step_s);
    if (!read_unit(at, options->rtt, &options->unit))
        return false;
    if (format && !kerf_trace_find_format(format, &options->format)) {
        kerf_json_member(at, "format", KERF_REQUIRED, &member);
        return kerf_json_fail(&member, KERF_E_INVALID,
                              "is \"%.40s\", expected auto, text, csv, mahimahi, iperf3, ping, ss "
                              "or netem",
                              format);
    }
    char *path = kerf_path_beside(r->path, name);
    if (!path)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    const kerf_status status = kerf_trace_load(path, options, trace, &err);
    free(path);
    return status == KERF_OK || scenario_fail(file, status, &err);
}

bool scenario_read_trace(const scenario_reader *r, const kerf_json *object, const char *key,
                         bool rtt, kerf_trace **trace)
{
    kerf_json at, file;
    kerf_trace_options options = {.rtt = rtt};
    if (!kerf_json_member(object, key, KERF_OPTIONAL, &at))
        return !kerf_json_failed(object->doc);
    const char *text;
    if (json_is_string(at.value)) /* the file alone */
        return kerf_json_as_string(&at, &text) && load_file(r, object, &at, &options, trace);
    if (!kerf_json_as_object(&at))
        return false;
    const bool read = kerf_json_member(&at, "file", KERF_OPTIONAL, &file)
                          ? load_file(r, &at, &file, &options, trace)
                          : !kerf_json_failed(at.doc) && read_points(&at, rtt, trace);
    return read && kerf_json_done(&at);
}

/* --- access points --- */

static bool read_access_point(const scenario_reader *r, const kerf_json *at, sim_access_point *ap)
{
    static const char *const rates[2] = {"uplink", "downlink"};
    static const char *const traces[2] = {"uplink_trace", "downlink_trace"};
    ap->name = kerf_strdup(at->key);
    if (!ap->name)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    if (!kerf_json_as_object(at))
        return false;
    for (int d = 0; d < 2; d++) {
        scenario_positive(at, rates[d], KERF_RATE, KERF_OPTIONAL, &ap->rate_bps[d]);
        if (!scenario_read_trace(r, at, traces[d], false, &ap->trace[d]))
            return false;
        if (ap->trace[d])
            ap->rate_bps[d] = kerf_trace_mean(ap->trace[d]);
        if (!(ap->rate_bps[d] > 0))
            return kerf_json_fail(at, KERF_E_INVALID, "has neither \"%s\" nor \"%s\"", rates[d],
                                  traces[d]);
    }
    return kerf_json_done(at);
}

bool scenario_read_access_points(scenario_reader *r, const kerf_json *root)
{
    kerf_json list, member;
    void *iterator = NULL;
    kerf_scenario *s = r->scenario;
    if (!kerf_json_object(root, "access_points", KERF_OPTIONAL, &list))
        return !kerf_json_failed(root->doc);
    const size_t n = scenario_members(&list);
    s->access_points = kerf_calloc(n, sizeof *s->access_points);
    if (!s->access_points)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    while (s->n_access_points < n && kerf_json_next(&list, &iterator, &member)) {
        sim_access_point *ap = &s->access_points[s->n_access_points++];
        if (!read_access_point(r, &member, ap))
            return false;
    }
    return true;
}

/* --- links --- */

static bool load_preset(const scenario_reader *r, const kerf_json *at, kerf_link **link)
{
    kerf_json preset;
    kerf_error err = {0};
    char *path = NULL;
    if (!kerf_json_member(at, "link", KERF_REQUIRED, &preset) ||
        !scenario_find(r, &preset, "link", &path))
        return false;
    const kerf_status status = kerf_link_load(path, link, &err);
    free(path);
    return status == KERF_OK || scenario_fail(&preset, status, &err);
}

static bool read_offset(const kerf_json *at, sim_link *link)
{
    kerf_json offset;
    const char *text = "";
    if (!kerf_json_member(at, "offset", KERF_OPTIONAL, &offset))
        return !kerf_json_failed(at->doc);
    if (json_is_object(offset.value)) {
        link->offset = SIM_OFFSET_STEP;
        return kerf_json_quantity(&offset, "step", KERF_TIME, KERF_REQUIRED, &link->offset_s) &&
               kerf_json_done(&offset);
    }
    if (json_is_string(offset.value) && kerf_json_as_string(&offset, &text) &&
        strcmp(text, "random") == 0)
        return true;
    link->offset = SIM_OFFSET_SAME;
    return kerf_json_as_quantity(&offset, KERF_TIME, &link->offset_s);
}

/* Loss caps what any sample of the trace can carry. */
static void apply_traces(sim_link *s)
{
    kerf_link *link = s->link;
    if (s->rtt)
        link->rtt_s = kerf_trace_mean(s->rtt);
    for (int d = 0; d < 2; d++) {
        if (!s->trace[d])
            continue;
        link->rate_bps[d] = s->trace[d]->most;
        kerf_trace_limit(s->trace[d], kerf_link_effective_rate_bps(link, (kerf_direction)d));
        link->rate_bps[d] = kerf_trace_mean(s->trace[d]);
    }
}

static bool check_link(const kerf_json *at, const kerf_link *link)
{
    kerf_error err = {0};
    const kerf_status status = kerf_link_check(link, &err);
    return status == KERF_OK || scenario_fail(at, status, &err);
}

static bool read_link(const scenario_reader *r, const kerf_json *at, sim_link *s)
{
    static const char *const states[] = {"cold", "warm", "new", NULL};
    const kerf_scenario *scenario = r->scenario;
    s->name = kerf_strdup(at->key);
    s->access_point = KERF_NONE;
    if (!s->name)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    if (!kerf_json_as_object(at) || !load_preset(r, at, &s->link))
        return false;
    kerf_link *link = s->link;
    int state = (int)link->connection;
    scenario_positive(at, "uplink", KERF_RATE, KERF_OPTIONAL, &link->rate_bps[KERF_UPLINK]);
    scenario_positive(at, "downlink", KERF_RATE, KERF_OPTIONAL, &link->rate_bps[KERF_DOWNLINK]);
    kerf_json_quantity(at, "rtt", KERF_TIME, KERF_OPTIONAL, &link->rtt_s);
    kerf_json_quantity(at, "loss", KERF_FRACTION, KERF_OPTIONAL, &link->loss);
    kerf_json_quantity(at, "gap", KERF_TIME, KERF_OPTIONAL, &link->gap_s);
    if (!scenario_choice(at, "connection", states, &state) ||
        !scenario_read_trace(r, at, "uplink_trace", false, &s->trace[KERF_UPLINK]) ||
        !scenario_read_trace(r, at, "downlink_trace", false, &s->trace[KERF_DOWNLINK]) ||
        !scenario_read_trace(r, at, "rtt_trace", true, &s->rtt) || !read_offset(at, s) ||
        !scenario_reference(at, "access_point", KERF_OPTIONAL, "access_points",
                            scenario->access_points, scenario->n_access_points,
                            sizeof *scenario->access_points, &s->access_point) ||
        !check_link(at, link))
        return false;
    link->connection = (kerf_connection)state;
    apply_traces(s);
    return check_link(at, link) && kerf_json_done(at);
}

bool scenario_read_links(scenario_reader *r, const kerf_json *root)
{
    kerf_json list, member;
    void *iterator = NULL;
    kerf_scenario *s = r->scenario;
    if (!kerf_json_object(root, "links", KERF_REQUIRED, &list))
        return false;
    const size_t n = scenario_members(&list);
    s->links = kerf_calloc(n, sizeof *s->links);
    if (!s->links)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    while (s->n_links < n && kerf_json_next(&list, &iterator, &member)) {
        sim_link *link = &s->links[s->n_links++];
        if (!read_link(r, &member, link))
            return false;
    }
    return true;
}
