/* A simulation's results for people: per group a row for each policy, then servers and links. */
#include "planner/cli/simulate.h"
#include "planner/cli/table.h"

#include <math.h>
#include <string.h>

typedef struct cell_text {
    char text[80];
} cell_text;

static cell_text quantity(double value, kerf_quantity kind, int digits)
{
    cell_text c = {"-"};
    if (isfinite(value))
        kerf_format_quantity(value, kind, digits, c.text, sizeof c.text);
    return c;
}

/* The mean, and the half-width as a percentage of it. */
static cell_text estimate(kerf_estimate e, kerf_quantity kind)
{
    cell_text c = quantity(e.mean, kind, 3);
    const size_t used = strlen(c.text);
    const double percent = 100 * e.half_width / fabs(e.mean);
    if (isfinite(percent) && percent > 0)
        snprintf(c.text + used, sizeof c.text - used,
                 percent < 99.5 ? " \u00b1%.2g%%" : " \u00b1%.0f%%", percent);
    return c;
}

static cell_text share(kerf_estimate e)
{
    cell_text c = {"-"};
    if (isfinite(e.mean))
        snprintf(c.text, sizeof c.text, "%.3g %%", 100 * e.mean);
    return c;
}

static void head(cli_table *table, const char *const *names)
{
    cli_table_heading(table);
    for (; *names; names++)
        cli_table_cell(table, "%s", *names);
}

static bool print_groups(const kerf_simulation *s, size_t group)
{
    static const char *const names[] = {"policy",   "energy", "power",  "latency", "p50",
                                        "p95",      "p99",    "missed", "dropped", "offloaded",
                                        "switches", "regret", NULL};
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    const char *unit = kerf_simulation_objective_unit(s, group);
    cli_table *table = cli_table_create("lrrrrrrrrrrr", 0);
    if (!table)
        return false;
    head(table, names);
    for (size_t p = 0; p < d.policies; p++) {
        const kerf_group_result *r = kerf_simulation_group(s, group, p);
        cli_table_cell(table, "%s", kerf_simulation_policy_name(s, p));
        cli_table_cell(table, "%s", estimate(r->energy_J, KERF_ENERGY).text);
        cli_table_cell(table, "%s", quantity(r->power_W.mean, KERF_POWER, 3).text);
        cli_table_cell(table, "%s", estimate(r->latency_s, KERF_TIME).text);
        for (size_t q = 0; q < 3; q++)
            cli_table_cell(table, "%s", quantity(r->latency_quantile_s[q].mean, KERF_TIME, 3).text);
        cli_table_cell(table, "%s", share(r->miss_ratio).text);
        cli_table_cell(table, "%s", share(r->drop_ratio).text);
        cli_table_cell(table, "%s", share(r->offload_ratio).text);
        cli_table_cell(table, "%s", share(r->switch_ratio).text);
        if (isnan(r->regret.mean))
            cli_table_cell(table, "-");
        else
            cli_table_cell(table, "%.3g%s%s", r->regret.mean, *unit == '1' ? "" : " ",
                           *unit == '1' ? "" : unit);
    }
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

static bool print_servers(const kerf_simulation *s)
{
    static const char *const names[] = {"server",   "policy",   "busy",   "jobs", "wait",
                                        "response", "rejected", "failed", NULL};
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    cli_table *table = cli_table_create("llrrrrrr", 0);
    if (!table)
        return false;
    head(table, names);
    for (size_t i = 0; i < d.servers; i++)
        for (size_t p = 0; p < d.policies; p++) {
            const kerf_server_result *r = kerf_simulation_server(s, i, p);
            cli_table_cell(table, "%s", p == 0 ? kerf_simulation_server_name(s, i) : "");
            cli_table_cell(table, "%s", kerf_simulation_policy_name(s, p));
            cli_table_cell(table, "%s", share(r->utilisation).text);
            cli_table_cell(table, "%.3g", r->jobs.mean);
            cli_table_cell(table, "%s", estimate(r->wait_s, KERF_TIME).text);
            cli_table_cell(table, "%s", quantity(r->response_s.mean, KERF_TIME, 3).text);
            cli_table_cell(table, "%llu", (unsigned long long)r->rejected);
            cli_table_cell(table, "%llu", (unsigned long long)r->failed);
        }
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

static void link_rows(cli_table *table, const kerf_simulation *s, const char *name, size_t p,
                      const kerf_link_result *r)
{
    cli_table_cell(table, "%s", p == 0 ? name : "");
    cli_table_cell(table, "%s", kerf_simulation_policy_name(s, p));
    for (int d = 0; d < 2; d++) {
        cli_table_cell(table, "%s", share(r->utilisation[d]).text);
        cli_table_cell(table, "%s", quantity(r->bytes[d].mean, KERF_SIZE, 3).text);
    }
}

static bool print_links(const kerf_simulation *s)
{
    static const char *const names[] = {"link",          "policy",   "uplink busy", "sent",
                                        "downlink busy", "received", NULL};
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    cli_table *table = cli_table_create("llrrrr", 0);
    if (!table)
        return false;
    head(table, names);
    for (size_t i = 0; i < d.links; i++)
        for (size_t p = 0; p < d.policies; p++)
            link_rows(table, s, kerf_simulation_link_name(s, i), p, kerf_simulation_link(s, i, p));
    for (size_t i = 0; i < d.access_points; i++)
        for (size_t p = 0; p < d.policies; p++)
            link_rows(table, s, kerf_simulation_access_point_name(s, i), p,
                      kerf_simulation_access_point(s, i, p));
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

cli_exit cli_simulate_table(const kerf_scenario *scenario, const kerf_simulation *simulation)
{
    const kerf_scenario_summary d = kerf_scenario_describe(scenario);
    const kerf_simulation_summary s = kerf_simulation_describe(simulation);
    char name[200], text[400];
    printf("%s: %s\n", cli_clean(d.name, name, sizeof name),
           cli_clean(d.description, text, sizeof text));
    printf("%zu boards, %s after %s of warm-up, %zu replication%s, seed %llu: %llu inferences%s\n",
           d.devices, quantity(s.duration_s - s.warmup_s, KERF_TIME, 4).text,
           quantity(s.warmup_s, KERF_TIME, 4).text, s.replications, s.replications == 1 ? "" : "s",
           (unsigned long long)s.seed, (unsigned long long)s.inferences,
           s.partial ? " (PARTIAL: stopped before the end)" : "");
    bool printed = true;
    for (size_t g = 0; printed && g < s.groups; g++) {
        printf("\n%s\n", cli_clean(kerf_simulation_group_name(simulation, g), name, sizeof name));
        printed = print_groups(simulation, g);
    }
    fputc('\n', stdout);
    printed = printed && print_servers(simulation);
    fputc('\n', stdout);
    printed = printed && print_links(simulation);
    return printed ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}
