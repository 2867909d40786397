/* Figures over time as comma-separated values: a row per step and figure. */
#include "planner/cli/simulate.h"
#include "planner/cli/table.h"
#include "planner/cli/textfile.h"

#include <math.h>

typedef struct place {
    FILE *to;
    double time_s;
    const char *policy, *kind, *name;
} place;

static void put(const place *at, const char *figure, double value)
{
    cli_csv_number(at->to, true, at->time_s);
    cli_csv_text(at->to, false, at->policy);
    cli_csv_text(at->to, false, at->kind);
    cli_csv_text(at->to, false, at->name);
    cli_csv_text(at->to, false, figure);
    cli_csv_number(at->to, false, value);
    fputc('\n', at->to);
}

static void put_group(const place *at, const kerf_group_step *g)
{
    put(at, "started", (double)g->started);
    put(at, "ended", (double)g->ended);
    put(at, "dropped", (double)g->dropped);
    put(at, "offloaded", (double)g->offloaded);
    put(at, "energy_J", g->energy_J);
    put(at, "latency_s", g->latency_s);
    put(at, "device_operators", g->device_operators);
}

static void put_link(const place *at, const kerf_link_step *l)
{
    put(at, "uplink_rate_bps", l->rate_bps[KERF_UPLINK]);
    put(at, "uplink_carried_bps", l->carried_bps[KERF_UPLINK]);
    put(at, "downlink_rate_bps", l->rate_bps[KERF_DOWNLINK]);
    put(at, "downlink_carried_bps", l->carried_bps[KERF_DOWNLINK]);
}

static void put_groups(const kerf_simulation *s, const place *of, size_t p, size_t k)
{
    place at = *of;
    at.kind = "group";
    for (size_t i = 0; i < kerf_simulation_describe(s).groups; i++) {
        const kerf_group_step *step = kerf_simulation_group_steps(s, i, p);
        at.name = kerf_simulation_group_name(s, i);
        if (!step)
            continue;
        put_group(&at, &step[k]);
        put(&at, "cut_operators",
            step[k].cut == KERF_NONE ? (double)NAN
                                     : (double)kerf_simulation_cut_operators(s, i, step[k].cut));
    }
}

static void put_step(const kerf_simulation *s, const place *of, size_t p, size_t k)
{
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    place at = *of;
    put_groups(s, of, p, k);
    at.kind = "server";
    for (size_t i = 0; i < d.servers; i++) {
        const kerf_server_step *step = kerf_simulation_server_steps(s, i, p);
        at.name = kerf_simulation_server_name(s, i);
        if (!step)
            continue;
        put(&at, "utilisation", step[k].utilisation);
        put(&at, "jobs", step[k].jobs);
    }
    at.kind = "link";
    for (size_t i = 0; i < d.links; i++) {
        const kerf_link_step *step = kerf_simulation_link_steps(s, i, p);
        at.name = kerf_simulation_link_name(s, i);
        if (step)
            put_link(&at, &step[k]);
    }
    at.kind = "access_point";
    for (size_t i = 0; i < d.access_points; i++) {
        const kerf_link_step *step = kerf_simulation_access_point_steps(s, i, p);
        at.name = kerf_simulation_access_point_name(s, i);
        if (step)
            put_link(&at, &step[k]);
    }
}

cli_exit cli_simulate_series(const kerf_simulation *s, const char *path)
{
    static const char *const columns[] = {"time_s", "policy", "kind", "name", "figure", "value"};
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    cli_textfile file;
    cli_exit status = cli_textfile_begin(&file);
    if (status != CLI_DONE)
        return status;
    cli_csv_header(file.stream, columns, sizeof columns / sizeof *columns);
    for (size_t p = 0; p < d.policies; p++)
        for (size_t k = 0; k < d.steps; k++) {
            const place of = {.to = file.stream,
                              .time_s = (double)k * d.step_s,
                              .policy = kerf_simulation_policy_name(s, p)};
            put_step(s, &of, p, k);
        }
    return cli_textfile_end(&file, path);
}
