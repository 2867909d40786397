#include "planner/cli/simulate_charts.h"

#include <math.h>

static const char *policy_name(const charts *c, size_t p)
{
    return kerf_simulation_policy_name(c->simulation, p);
}

static const char *quantity(double value, kerf_quantity kind, char *text, size_t size)
{
    if (isfinite(value))
        kerf_format_quantity(value, kind, 3, text, size);
    else
        snprintf(text, size, "none");
    return text;
}

/* --- frames --- */

static void open_figure(charts *c, const char *title, const char *of)
{
    fputs("<figure><figcaption>", c->to);
    svg_text(c->to, title);
    if (of) {
        fputs(" <span>", c->to);
        svg_text(c->to, of);
        fputs("</span>", c->to);
    }
    fputs("</figcaption>\n", c->to);
}

static void close_figure(charts *c)
{
    fputs("</figure>\n", c->to);
}

static void policy_legend(charts *c)
{
    fputs("<ul class=\"legend\">", c->to);
    for (size_t p = 0; p < c->policies; p++) {
        fputs("<li>", c->to);
        svg_line_key(c->to, p);
        svg_text(c->to, policy_name(c, p));
        fputs("</li>", c->to);
    }
    fputs("</ul>\n", c->to);
}

/* --- by policy --- */

void charts_energy(charts *c, size_t group)
{
    static const char *const parts[] = {"computing", "sending", "waiting", "receiving",
                                        "radio's waking and tail"};
    svg_axis axis =
        svg_axis_none("energy of the board per inference", SVG_QUANTITY, KERF_ENERGY, false);
    const char *of = kerf_simulation_group_name(c->simulation, group);
    svg_row rows[CHART_POLICIES];
    char label[CHART_POLICIES][80], description[1200] = "";
    size_t used = 0;
    for (size_t p = 0; p < c->policies; p++) {
        const kerf_group_result *r = kerf_simulation_group(c->simulation, group, p);
        rows[p] = (svg_row){.name = policy_name(c, p),
                            .label = quantity(r->energy_J.mean, KERF_ENERGY, label[p], 80),
                            .part = {r->compute_J.mean, r->uplink_J.mean, r->wait_J.mean,
                                     r->downlink_J.mean, r->radio_fixed_J.mean},
                            .half_width = r->energy_J.half_width};
        svg_axis_show(&axis, r->energy_J.mean + fmax(r->energy_J.half_width, 0));
        svg_axis_show(&axis, r->energy_J.mean);
        if (used < sizeof description)
            used +=
                (size_t)snprintf(description + used, sizeof description - used, "%s%.60s %s",
                                 p ? ", " : "Mean energy per inference: ", rows[p].name, label[p]);
    }
    open_figure(c, "Energy by part", of);
    svg_bars(c->to, &(svg_head){c->id++, "Energy by part and policy", description}, axis, rows,
             c->policies, 5);
    fputs("<ul class=\"legend\">", c->to);
    for (size_t k = 0; k < 5; k++) {
        fputs("<li>", c->to);
        svg_part_key(c->to, k);
        fprintf(c->to, "%s</li>", parts[k]);
    }
    fputs("</ul>\n", c->to);
    close_figure(c);
}

void charts_latency(charts *c, size_t group)
{
    static const char *const names[KERF_QUANTILES] = {"50 %", "95 %", "99 %", "99.9 %"};
    svg_axis axis = svg_axis_none("latency (logarithmic)", SVG_QUANTITY, KERF_TIME, true);
    svg_row rows[CHART_POLICIES];
    char label[CHART_POLICIES][100], description[1600] = "";
    size_t used = 0;
    for (size_t p = 0; p < c->policies; p++) {
        const kerf_group_result *r = kerf_simulation_group(c->simulation, group, p);
        char half[40], most[40];
        rows[p] = (svg_row){.name = policy_name(c, p), .label = label[p], .half_width = NAN};
        for (size_t q = 0; q < KERF_QUANTILES; q++) {
            rows[p].part[q] = r->latency_quantile_s[q].mean;
            svg_axis_show(&axis, rows[p].part[q]);
        }
        snprintf(label[p], sizeof label[p], "%s \u2026 %s",
                 quantity(rows[p].part[0], KERF_TIME, half, sizeof half),
                 quantity(rows[p].part[3], KERF_TIME, most, sizeof most));
        if (used < sizeof description)
            used +=
                (size_t)snprintf(description + used, sizeof description - used, "%s%.60s %s and %s",
                                 p ? "; " : "Median and 99.9 %: ", rows[p].name, half, most);
    }
    open_figure(c, "Latency: how many are done within",
                kerf_simulation_group_name(c->simulation, group));
    svg_marks(c->to, &(svg_head){c->id++, "Percentiles of latency by policy", description}, axis,
              rows, c->policies, KERF_QUANTILES);
    fputs("<ul class=\"legend\">", c->to);
    for (size_t q = 0; q < KERF_QUANTILES; q++) {
        fputs("<li>", c->to);
        svg_mark_key(c->to, q);
        fprintf(c->to, "%s</li>", names[q]);
    }
    fputs("</ul>\n", c->to);
    close_figure(c);
}

/* --- lines --- */

/* One line per policy, from c->x and c->y. */
static void policy_lines(charts *c, const char *title, const char *description, svg_axis x,
                         svg_axis y, size_t points, bool steps)
{
    svg_line lines[CHART_POLICIES];
    for (size_t p = 0; p < c->policies; p++)
        lines[p] = (svg_line){c->x[p], c->y[p], points, p, steps};
    svg_lines(c->to, &(svg_head){c->id++, title, description}, x, y, lines, c->policies);
    policy_legend(c);
    close_figure(c);
}

void charts_distribution(charts *c, size_t group)
{
    enum { POINTS = 200 };
    svg_axis x = svg_axis_none("latency (logarithmic)", SVG_QUANTITY, KERF_TIME, true);
    svg_axis y = svg_axis_none("inferences done within", SVG_PERCENT, KERF_FRACTION, false);
    svg_axis_show(&y, 1);
    for (size_t p = 0; p < c->policies; p++)
        for (size_t i = 0; i <= POINTS; i++) {
            const double q = (double)i / POINTS;
            c->x[p][i] = kerf_simulation_latency_quantile(c->simulation, group, p, q);
            c->y[p][i] = q;
            svg_axis_show(&x, c->x[p][i]);
        }
    open_figure(c, "Distribution of latency", kerf_simulation_group_name(c->simulation, group));
    policy_lines(
        c, "Cumulative distribution of latency by policy",
        "Each line rises from 0 to 100 % of the inferences; further to the left is faster.", x, y,
        POINTS + 1, true);
}

/* The part of the steps that point i of a line stands for, and where it is. */
static size_t points_of(const charts *c)
{
    return c->summary.steps < CHART_POINTS ? c->summary.steps : CHART_POINTS;
}

static void part_of(const charts *c, size_t i, size_t *from, size_t *to)
{
    const size_t points = points_of(c);
    *from = i * c->summary.steps / points;
    *to = (i + 1) * c->summary.steps / points;
}

static double time_of(const charts *c, size_t i)
{
    size_t from, to;
    part_of(c, i, &from, &to);
    return c->summary.step_s * (double)from;
}

static svg_axis time_axis(const charts *c)
{
    svg_axis x = svg_axis_none("time", SVG_QUANTITY, KERF_TIME, false);
    svg_axis_show(&x, 0);
    svg_axis_show(&x, c->summary.duration_s);
    return x;
}

/* Means over a part of the steps, weighted by what they are means of. */
static double group_mean(const kerf_group_step *step, size_t from, size_t to, bool cut)
{
    double sum = 0, n = 0;
    for (size_t k = from; k < to; k++) {
        const double weight = (double)(cut ? step[k].started : step[k].ended);
        sum += weight > 0 ? weight * (cut ? step[k].device_operators : step[k].latency_s) : 0;
        n += weight;
    }
    return n > 0 ? sum / n : (double)NAN;
}

static void group_over_time(charts *c, size_t group, bool cut, const char *caption,
                            const char *description, svg_axis y)
{
    for (size_t p = 0; p < c->policies; p++) {
        const kerf_group_step *step = kerf_simulation_group_steps(c->simulation, group, p);
        for (size_t i = 0; i < points_of(c); i++) {
            size_t from, to;
            part_of(c, i, &from, &to);
            c->x[p][i] = time_of(c, i);
            c->y[p][i] = step ? group_mean(step, from, to, cut) : (double)NAN;
            svg_axis_show(&y, c->y[p][i]);
        }
    }
    open_figure(c, caption, kerf_simulation_group_name(c->simulation, group));
    policy_lines(c, caption, description, time_axis(c), y, points_of(c), cut);
}

void charts_latency_over_time(charts *c, size_t group)
{
    group_over_time(c, group, false, "Latency over time",
                    "Mean latency of the inferences that arrived in each step, a line per policy.",
                    svg_axis_none("mean latency", SVG_QUANTITY, KERF_TIME, false));
}

void charts_cut(charts *c, size_t group)
{
    group_over_time(
        c, group, true, "Chosen cut over time",
        "Mean number of operators that the boards kept, a line per policy: 0 means "
        "that the input was sent.",
        svg_axis_none("operators on the board (0: input sent)", SVG_PLAIN, KERF_FRACTION, false));
}

void charts_rate(charts *c, size_t link, bool point)
{
    const kerf_simulation *s = c->simulation;
    const kerf_link_step *step = point ? kerf_simulation_access_point_steps(s, link, 0)
                                       : kerf_simulation_link_steps(s, link, 0);
    svg_axis y = svg_axis_none(point ? "capacity" : "rate of the first board's link", SVG_QUANTITY,
                               KERF_RATE, false);
    svg_line lines[2];
    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < points_of(c); i++) {
            size_t from, to;
            double sum = 0;
            part_of(c, i, &from, &to);
            for (size_t k = from; step && k < to; k++)
                sum += step[k].rate_bps[d];
            c->x[d][i] = time_of(c, i);
            c->y[d][i] = step ? sum / (double)(to - from) : (double)NAN;
            svg_axis_show(&y, c->y[d][i]);
        }
        lines[d] = (svg_line){c->x[d], c->y[d], points_of(c), d, true};
    }
    open_figure(c, point ? "Capacity over time" : "Rate over time",
                point ? kerf_simulation_access_point_name(s, link)
                      : kerf_simulation_link_name(s, link));
    svg_lines(
        c->to,
        &(svg_head){c->id++,
                    point ? "Capacity of the access point over time" : "Rate of the link over time",
                    "Mean in each step, a line for the uplink and one for the downlink; it is "
                    "the same for all policies."},
        time_axis(c), y, lines, 2);
    fputs("<ul class=\"legend\"><li>", c->to);
    svg_line_key(c->to, 0);
    fputs("uplink</li><li>", c->to);
    svg_line_key(c->to, 1);
    fputs("downlink</li></ul>\n", c->to);
    close_figure(c);
}

static void server_over_time(charts *c, size_t server, bool jobs, svg_axis y, const char *caption,
                             const char *description)
{
    for (size_t p = 0; p < c->policies; p++) {
        const kerf_server_step *step = kerf_simulation_server_steps(c->simulation, server, p);
        for (size_t i = 0; i < points_of(c); i++) {
            size_t from, to;
            double sum = 0;
            part_of(c, i, &from, &to);
            for (size_t k = from; step && k < to; k++)
                sum += jobs ? step[k].jobs : step[k].utilisation;
            c->x[p][i] = time_of(c, i);
            c->y[p][i] = step ? sum / (double)(to - from) : (double)NAN;
            svg_axis_show(&y, c->y[p][i]);
        }
    }
    open_figure(c, caption, kerf_simulation_server_name(c->simulation, server));
    policy_lines(c, caption, description, time_axis(c), y, points_of(c), true);
}

void charts_load(charts *c, size_t server)
{
    svg_axis y = svg_axis_none("workers busy", SVG_PERCENT, KERF_FRACTION, false);
    server_over_time(c, server, false, y, "Server load over time",
                     "Share of the workers' time that was busy in each step, a line per policy.");
}

void charts_jobs(charts *c, size_t server)
{
    svg_axis y = svg_axis_none("jobs in the server", SVG_PLAIN, KERF_FRACTION, false);
    server_over_time(c, server, true, y, "Jobs in the server over time",
                     "Mean number of jobs that waited or were served in each step, a line per "
                     "policy.");
}
