/* A simulation as one page of HTML: complete in itself, without scripts, and readable on a phone.
 */
#include "planner/cli/simulate.h"
#include "planner/cli/simulate_charts.h"
#include "planner/cli/textfile.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

/* Colours have a contrast of at least 3:1 to the page for lines, 4.5:1 for text, in both schemes,
 * and their order is that of hues which colour-blind readers can tell apart (blue and orange
 * first); lines differ in their dashes as well. */
static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--text:#1a1c1f;--soft:#565c64;--rule:#d9dde2;"
    "--card:#f6f7f9;--c0:#0060a8;--c1:#c44e00;--c2:#00795a;--c3:#9a3f86;--c4:#7a5c00;"
    "--c5:#3c4148;--c6:#17799a;--c7:#b0214a}\n"
    "@media (prefers-color-scheme:dark){:root{--page:#14171a;--text:#e9ecef;--soft:#a9b1ba;"
    "--rule:#353b42;--card:#1d2126;--c0:#6db3f2;--c1:#ff9a57;--c2:#4fd1a5;--c3:#e08fd0;"
    "--c4:#e3c04b;--c5:#d0d0d0;--c6:#7fd6ee;--c7:#ff7f9f}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--page);color:var(--text);"
    "font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif;"
    "overflow-wrap:anywhere}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}\n"
    "h2{font-size:1.25rem;margin:2.2rem 0 .6rem;padding-top:.6rem;border-top:1px solid "
    "var(--rule)}\n"
    "h3{font-size:1rem;margin:1.2rem 0 .4rem}\n"
    "p{margin:.4rem 0;max-width:48rem}\n"
    ".soft,footer{color:var(--soft)}footer{margin-top:2rem;font-size:.85rem}\n"
    ".partial{border-left:4px solid var(--c1);padding-left:.6rem;font-weight:600}\n"
    "dl{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.3rem 1rem;margin:.6rem 0}\n"
    "dt{font-weight:600}dd{margin:0}\n"
    ".scroll{overflow-x:auto;border:1px solid var(--rule);border-radius:.5rem}\n"
    "table{border-collapse:collapse;width:100%;font-size:.88rem;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.4rem .7rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--rule)}\n"
    "tbody tr:last-child>*{border-bottom:0}\n"
    "th:first-child{text-align:left;position:sticky;left:0;background:var(--card)}\n"
    "thead th{background:var(--card);font-weight:600}\n"
    "td small{color:var(--soft);margin-left:.25em}\n"
    ".charts{display:grid;gap:1rem;margin:1rem 0;"
    "grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr))}\n"
    "figure{margin:0;padding:.7rem;background:var(--card);border:1px solid var(--rule);"
    "border-radius:.5rem;min-width:0}\n"
    "figcaption{font-weight:600;margin-bottom:.4rem}\n"
    "figcaption span{font-weight:400;color:var(--soft)}\n"
    "svg.chart{display:block;width:100%;height:auto}\n"
    "svg.key{width:34px;height:12px;vertical-align:-1px;margin-right:.35rem;overflow:visible}\n"
    "svg.key.small{width:14px}\n"
    ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1rem;margin:.5rem 0 "
    "0;padding:0;"
    "font-size:.82rem}\n"
    "svg text{font:11px system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif;"
    "fill:var(--soft)}\n"
    "svg text.name,svg text.row{fill:var(--text)}svg text.row{font-size:12px}\n"
    ".mid{text-anchor:middle}.end{text-anchor:end}\n"
    ".grid{stroke:var(--rule)}.axis,.range{stroke:var(--soft)}.range{stroke-width:2}\n"
    ".error{stroke:var(--text);stroke-width:1.5}\n"
    ".line{fill:none;stroke-linejoin:round}\n"
    ".part,.mark{stroke:var(--card)}\n"
    ".c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}.c3{--c:var(--c3)}.c4{--c:var(--c4)}"
    ".c5{--c:var(--c5)}.c6{--c:var(--c6)}.c7{--c:var(--c7)}\n"
    ".line{stroke:var(--c)}.part,.mark,.fill{fill:var(--c)}\n"
    ".line.c1{stroke-dasharray:7 3}.line.c2{stroke-dasharray:2 2.5}"
    ".line.c3{stroke-dasharray:9 3 2 3}.line.c4{stroke-dasharray:4 3}"
    ".line.c5{stroke-dasharray:12 4}.line.c6{stroke-dasharray:1 3}"
    ".line.c7{stroke-dasharray:6 2 1 2 1 2}\n"
    "@media print{.scroll{overflow:visible}figure{break-inside:avoid}}\n";

typedef struct page {
    FILE *to;
    const kerf_scenario *scenario;
    const kerf_simulation *simulation;
    kerf_simulation_summary summary;
} page;

/* --- pieces --- */

static void open_cell(const page *p, bool first)
{
    fputs(first ? "<th scope=\"row\">" : "<td>", p->to);
}

static void put_quantity(const page *p, double value, kerf_quantity kind)
{
    char text[64] = "\u2013";
    if (isfinite(value))
        kerf_format_quantity(value, kind, 3, text, sizeof text);
    svg_text(p->to, text);
}

static void put_half_width(const page *p, kerf_estimate e)
{
    const double percent = 100 * e.half_width / fabs(e.mean);
    if (isfinite(percent) && percent >= 0.0005)
        fprintf(p->to,
                percent < 99.5 ? "<small>\u00b1%.2g\u202f%%</small>"
                               : "<small>\u00b1%.0f\u202f%%</small>",
                percent);
}

static void cell_quantity(const page *p, kerf_estimate e, kerf_quantity kind)
{
    open_cell(p, false);
    put_quantity(p, e.mean, kind);
    put_half_width(p, e);
    fputs("</td>", p->to);
}

/* What a battery lasts: hours and days. */
static void cell_life(const page *p, kerf_estimate e)
{
    if (isfinite(e.mean))
        fprintf(p->to, e.mean < 2 * 86400 ? "<td>%.3g h" : "<td>%.3g d",
                e.mean / (e.mean < 2 * 86400 ? 3600 : 86400));
    else
        fputs("<td>\u2013", p->to);
    put_half_width(p, e);
    fputs("</td>", p->to);
}

static void cell_share(const page *p, kerf_estimate e)
{
    if (isfinite(e.mean))
        fprintf(p->to, "<td>%.3g %%", 100 * e.mean);
    else
        fputs("<td>\u2013", p->to);
    if (isfinite(e.half_width) && e.half_width > 0)
        fprintf(p->to, "<small>\u00b1%.2g</small>", 100 * e.half_width);
    fputs("</td>", p->to);
}

static void cell_plain(const page *p, kerf_estimate e, const char *unit)
{
    if (isfinite(e.mean)) {
        fprintf(p->to, *unit && *unit != '1' ? "<td>%.3g " : "<td>%.3g", e.mean);
        svg_text(p->to, *unit == '1' ? "" : unit);
    } else {
        fputs("<td>\u2013", p->to);
    }
    if (isfinite(e.half_width) && e.half_width > 0)
        fprintf(p->to, "<small>\u00b1%.2g</small>", e.half_width);
    fputs("</td>", p->to);
}

static void cell_count(const page *p, uint64_t n)
{
    fprintf(p->to, "<td>%llu</td>", (unsigned long long)n);
}

static void open_row(const page *p, const char *name)
{
    fputs("<tr>", p->to);
    open_cell(p, true);
    svg_text(p->to, name);
    fputs("</th>", p->to);
}

static void close_row(const page *p)
{
    fputs("</tr>\n", p->to);
}

/* A table that scrolls by itself where it is wider than the screen, also by keyboard. */
static void open_table(const page *p, const char *label, const char *const *columns)
{
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", p->to);
    svg_text(p->to, label);
    fputs("\"><table><thead><tr>", p->to);
    for (; *columns; columns++) {
        fputs("<th scope=\"col\">", p->to);
        svg_text(p->to, *columns);
        fputs("</th>", p->to);
    }
    fputs("</tr></thead><tbody>\n", p->to);
}

static void close_table(const page *p)
{
    fputs("</tbody></table></div>\n", p->to);
}

static void heading(const page *p, const char *before, const char *name)
{
    fprintf(p->to, "<h2>%s", before);
    svg_text(p->to, name);
    fputs("</h2>\n", p->to);
}

/* --- the scenario --- */

typedef size_t in_words(const kerf_scenario *scenario, size_t i, char *text, size_t size);

static void list_words(const page *p, const char *title, size_t n,
                       const char *(*name)(const kerf_simulation *, size_t), in_words *describe)
{
    char text[1000];
    fprintf(p->to, "<h3>%s</h3>\n<dl>\n", title);
    for (size_t i = 0; i < n && i < CHART_THINGS; i++) {
        fputs("<dt>", p->to);
        svg_text(p->to, name(p->simulation, i));
        fputs("</dt><dd>", p->to);
        describe(p->scenario, i, text, sizeof text);
        svg_text(p->to, text);
        fputs("</dd>\n", p->to);
    }
    fputs("</dl>\n", p->to);
    if (n > CHART_THINGS)
        fprintf(p->to, "<p class=\"soft\">and %zu more</p>\n", n - CHART_THINGS);
}

static void put_scenario(const page *p)
{
    const kerf_scenario_summary d = kerf_scenario_describe(p->scenario);
    const kerf_simulation_summary *s = &p->summary;
    fputs("<h1>", p->to);
    svg_text(p->to, d.name);
    fputs("</h1>\n<p>", p->to);
    svg_text(p->to, d.description);
    fprintf(p->to, "</p>\n<p>%zu board%s for ", d.devices, d.devices == 1 ? "" : "s");
    put_quantity(p, s->duration_s, KERF_TIME);
    fputs(", of which the first ", p->to);
    put_quantity(p, s->warmup_s, KERF_TIME);
    fprintf(
        p->to,
        " are not counted; %zu replication%s, seed %llu; %zu polic%s compared on the same random "
        "numbers, %llu inferences in all.</p>\n",
        s->replications, s->replications == 1 ? "" : "s", (unsigned long long)s->seed, s->policies,
        s->policies == 1 ? "y" : "ies", (unsigned long long)s->inferences);
    if (s->partial)
        fputs("<p class=\"partial\">Stopped before its end: the results are partial.</p>\n", p->to);
    list_words(p, "Groups of boards", s->groups, kerf_simulation_group_name,
               kerf_scenario_group_words);
    list_words(p, "Links", s->links, kerf_simulation_link_name, kerf_scenario_link_words);
    list_words(p, "Servers", s->servers, kerf_simulation_server_name, kerf_scenario_server_words);
}

/* --- tables --- */

static void group_rows(const page *p, size_t group)
{
    const char *unit = kerf_simulation_objective_unit(p->simulation, group);
    for (size_t i = 0; i < p->summary.policies; i++) {
        const kerf_group_result *r = kerf_simulation_group(p->simulation, group, i);
        open_row(p, kerf_simulation_policy_name(p->simulation, i));
        cell_quantity(p, r->energy_J, KERF_ENERGY);
        cell_quantity(p, r->total_energy_J, KERF_ENERGY);
        cell_quantity(p, r->power_W, KERF_POWER);
        cell_life(p, r->battery_s);
        cell_quantity(p, r->latency_s, KERF_TIME);
        for (size_t q = 0; q < KERF_QUANTILES; q++)
            cell_quantity(p, r->latency_quantile_s[q], KERF_TIME);
        cell_share(p, r->miss_ratio);
        cell_share(p, r->drop_ratio);
        cell_share(p, r->offload_ratio);
        cell_share(p, r->switch_ratio);
        cell_plain(p, r->regret, unit);
        cell_count(p, r->arrived);
        close_row(p);
    }
}

static void put_group(const page *p, charts *c, size_t group)
{
    static const char *const columns[] = {
        "policy",     "energy",  "energy in all", "power",     "battery life",
        "latency",    "50 %",    "95 %",          "99 %",      "99.9 %",
        "missed",     "dropped", "sent",          "cut moved", "regret",
        "inferences", NULL};
    heading(p, "Boards: ", kerf_simulation_group_name(p->simulation, group));
    open_table(p, "Results by policy", columns);
    group_rows(p, group);
    close_table(p);
    if (group >= CHART_THINGS)
        return;
    fputs("<div class=\"charts\">\n", p->to);
    charts_energy(c, group);
    charts_latency(c, group);
    charts_distribution(c, group);
    if (p->summary.steps > 0) {
        charts_cut(c, group);
        charts_latency_over_time(c, group);
    }
    fputs("</div>\n", p->to);
}

static void put_servers(const page *p, charts *c)
{
    static const char *const columns[] = {
        "policy", "workers busy", "jobs",     "wait",   "response",
        "energy", "accepted",     "rejected", "failed", NULL};
    for (size_t i = 0; i < p->summary.servers; i++) {
        heading(p, "Server: ", kerf_simulation_server_name(p->simulation, i));
        open_table(p, "The server by policy", columns);
        for (size_t k = 0; k < p->summary.policies; k++) {
            const kerf_server_result *r = kerf_simulation_server(p->simulation, i, k);
            open_row(p, kerf_simulation_policy_name(p->simulation, k));
            cell_share(p, r->utilisation);
            cell_plain(p, r->jobs, "");
            cell_quantity(p, r->wait_s, KERF_TIME);
            cell_quantity(p, r->response_s, KERF_TIME);
            cell_quantity(p, r->energy_J, KERF_ENERGY);
            cell_count(p, r->accepted);
            cell_count(p, r->rejected);
            cell_count(p, r->failed);
            close_row(p);
        }
        close_table(p);
        if (i >= CHART_THINGS || p->summary.steps == 0)
            continue;
        fputs("<div class=\"charts\">\n", p->to);
        charts_load(c, i);
        charts_jobs(c, i);
        fputs("</div>\n", p->to);
    }
}

static void put_link(const page *p, charts *c, size_t i, bool point)
{
    static const char *const columns[] = {"policy",        "uplink used", "sent",
                                          "downlink used", "received",    NULL};
    heading(p, point ? "Access point: " : "Link: ",
            point ? kerf_simulation_access_point_name(p->simulation, i)
                  : kerf_simulation_link_name(p->simulation, i));
    open_table(p, "The link by policy", columns);
    for (size_t k = 0; k < p->summary.policies; k++) {
        const kerf_link_result *r = point ? kerf_simulation_access_point(p->simulation, i, k)
                                          : kerf_simulation_link(p->simulation, i, k);
        open_row(p, kerf_simulation_policy_name(p->simulation, k));
        for (int d = 0; d < 2; d++) {
            cell_share(p, r->utilisation[d]);
            cell_quantity(p, r->bytes[d], KERF_SIZE);
        }
        close_row(p);
    }
    close_table(p);
    if (i >= CHART_THINGS || p->summary.steps == 0)
        return;
    fputs("<div class=\"charts\">\n", p->to);
    charts_rate(c, i, point);
    fputs("</div>\n", p->to);
}

/* --- the page --- */

static void put_head(const page *p)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" "
          "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>",
          p->to);
    svg_text(p->to, kerf_scenario_describe(p->scenario).name);
    fprintf(p->to, " \u2013 kerf simulate</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n",
            style);
}

static void put_notes(const page *p)
{
    fprintf(
        p->to,
        "</main>\n<footer><p>Energy and latency are means per inference that ended; \u00b1 is the "
        "half-width of the %g %% confidence interval over replications. Regret is the excess of "
        "the objective over hindsight's. ",
        100 * p->summary.confidence);
    if (p->summary.steps > 0) {
        fputs("Charts over time are of the first replication, in steps of ", p->to);
        put_quantity(p, p->summary.step_s, KERF_TIME);
        fputs(", warm-up included. ", p->to);
    }
    if (p->summary.policies > CHART_POLICIES)
        fprintf(p->to, "Charts show the first %d policies. ", CHART_POLICIES);
    if (p->summary.groups > CHART_THINGS || p->summary.links > CHART_THINGS ||
        p->summary.servers > CHART_THINGS || p->summary.access_points > CHART_THINGS)
        fprintf(p->to, "Of each kind, the first %d have charts. ", CHART_THINGS);
    fprintf(p->to, "kerf %s.</p></footer>\n</body>\n</html>\n", kerf_version());
}

static void put_page(const page *p, charts *c)
{
    put_head(p);
    put_scenario(p);
    for (size_t i = 0; i < p->summary.groups; i++)
        put_group(p, c, i);
    put_servers(p, c);
    for (size_t i = 0; i < p->summary.links; i++)
        put_link(p, c, i, false);
    for (size_t i = 0; i < p->summary.access_points; i++)
        put_link(p, c, i, true);
    put_notes(p);
}

cli_exit cli_simulate_report(const kerf_scenario *scenario, const kerf_simulation *simulation,
                             const char *path)
{
    cli_textfile file;
    charts *c = calloc(1, sizeof *c);
    if (!c)
        return cli_error(CLI_FAILED, "out of memory");
    cli_exit status = cli_textfile_begin(&file);
    if (status == CLI_DONE) {
        const page p = {file.stream, scenario, simulation, kerf_simulation_describe(simulation)};
        c->to = file.stream;
        c->simulation = simulation;
        c->summary = p.summary;
        c->policies = p.summary.policies < CHART_POLICIES ? p.summary.policies : CHART_POLICIES;
        put_page(&p, c);
        status = cli_textfile_end(&file, path);
    }
    free(c);
    return status;
}
