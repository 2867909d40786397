/* A simulation's results as comma-separated values: a row per figure, so that a sheet or a data
 * frame can turn them as it likes. */
#include "planner/cli/simulate.h"
#include "planner/cli/table.h"

#include <math.h>
#include <stddef.h>

typedef struct figure {
    const char *name;
    size_t field; /* offset of a kerf_estimate */
} figure;

#define GROUP_FIGURE(name)                                                                         \
    {                                                                                              \
#name, offsetof(kerf_group_result, name)                                                   \
    }
#define SERVER_FIGURE(name)                                                                        \
    {                                                                                              \
#name, offsetof(kerf_server_result, name)                                                  \
    }

static const figure group_figures[] = {
    GROUP_FIGURE(energy_J),
    GROUP_FIGURE(compute_J),
    GROUP_FIGURE(uplink_J),
    GROUP_FIGURE(wait_J),
    GROUP_FIGURE(downlink_J),
    GROUP_FIGURE(radio_fixed_J),
    GROUP_FIGURE(total_energy_J),
    GROUP_FIGURE(total_compute_J),
    GROUP_FIGURE(total_uplink_J),
    GROUP_FIGURE(total_wait_J),
    GROUP_FIGURE(total_downlink_J),
    GROUP_FIGURE(total_radio_fixed_J),
    GROUP_FIGURE(server_energy_J),
    GROUP_FIGURE(power_W),
    GROUP_FIGURE(battery_s),
    GROUP_FIGURE(latency_s),
    GROUP_FIGURE(queue_s),
    GROUP_FIGURE(device_s),
    GROUP_FIGURE(uplink_s),
    GROUP_FIGURE(server_wait_s),
    GROUP_FIGURE(server_s),
    GROUP_FIGURE(downlink_s),
    GROUP_FIGURE(fallback_s),
    {"latency_p50_s", offsetof(kerf_group_result, latency_quantile_s[0])},
    {"latency_p95_s", offsetof(kerf_group_result, latency_quantile_s[1])},
    {"latency_p99_s", offsetof(kerf_group_result, latency_quantile_s[2])},
    {"latency_p99_9_s", offsetof(kerf_group_result, latency_quantile_s[3])},
    GROUP_FIGURE(miss_ratio),
    GROUP_FIGURE(drop_ratio),
    GROUP_FIGURE(offload_ratio),
    GROUP_FIGURE(switch_ratio),
    GROUP_FIGURE(throughput_per_s),
    GROUP_FIGURE(objective),
    GROUP_FIGURE(regret)};
static const figure server_figures[] = {SERVER_FIGURE(utilisation), SERVER_FIGURE(jobs),
                                        SERVER_FIGURE(wait_s),      SERVER_FIGURE(response_s),
                                        SERVER_FIGURE(energy_J),    SERVER_FIGURE(batch)};

typedef struct subject {
    const char *policy, *kind, *name;
} subject;

static void print_row(const subject *of, const char *figure_name, kerf_estimate e)
{
    cli_csv_text(stdout, true, of->policy);
    cli_csv_text(stdout, false, of->kind);
    cli_csv_text(stdout, false, of->name);
    cli_csv_text(stdout, false, figure_name);
    cli_csv_number(stdout, false, e.mean);
    cli_csv_number(stdout, false, e.half_width);
    fputc('\n', stdout);
}

static void print_count(const subject *of, const char *figure_name, uint64_t n)
{
    print_row(of, figure_name, (kerf_estimate){(double)n, NAN});
}

static void print_figures(const subject *of, const figure *figures, size_t n, const void *result)
{
    for (size_t i = 0; i < n; i++)
        print_row(of, figures[i].name,
                  *(const kerf_estimate *)((const char *)result + figures[i].field));
}

static void print_group(const kerf_simulation *s, size_t group, size_t policy)
{
    const kerf_group_result *r = kerf_simulation_group(s, group, policy);
    const subject of = {kerf_simulation_policy_name(s, policy), "group",
                        kerf_simulation_group_name(s, group)};
    print_count(&of, "arrived", r->arrived);
    print_count(&of, "done", r->done);
    print_count(&of, "missed", r->missed);
    print_count(&of, "dropped", r->dropped);
    print_count(&of, "offloaded", r->offloaded);
    print_count(&of, "fallbacks", r->fallbacks);
    print_count(&of, "switches", r->switches);
    print_figures(&of, group_figures, sizeof group_figures / sizeof *group_figures, r);
}

static void print_server(const kerf_simulation *s, size_t server, size_t policy)
{
    const kerf_server_result *r = kerf_simulation_server(s, server, policy);
    const subject of = {kerf_simulation_policy_name(s, policy), "server",
                        kerf_simulation_server_name(s, server)};
    print_count(&of, "accepted", r->accepted);
    print_count(&of, "rejected", r->rejected);
    print_count(&of, "failed", r->failed);
    print_figures(&of, server_figures, sizeof server_figures / sizeof *server_figures, r);
}

static void print_link(const char *policy, const char *kind, const char *name,
                       const kerf_link_result *r)
{
    const subject of = {policy, kind, name};
    print_row(&of, "uplink_utilisation", r->utilisation[KERF_UPLINK]);
    print_row(&of, "uplink_bytes", r->bytes[KERF_UPLINK]);
    print_row(&of, "uplink_transfers", r->transfers[KERF_UPLINK]);
    print_row(&of, "downlink_utilisation", r->utilisation[KERF_DOWNLINK]);
    print_row(&of, "downlink_bytes", r->bytes[KERF_DOWNLINK]);
    print_row(&of, "downlink_transfers", r->transfers[KERF_DOWNLINK]);
}

cli_exit cli_simulate_csv(const kerf_scenario *scenario, const kerf_simulation *simulation)
{
    static const char *const columns[] = {"policy", "kind", "name", "figure", "mean", "half_width"};
    const kerf_simulation_summary s = kerf_simulation_describe(simulation);
    (void)scenario;
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t p = 0; p < s.policies; p++) {
        const char *policy = kerf_simulation_policy_name(simulation, p);
        for (size_t i = 0; i < s.groups; i++)
            print_group(simulation, i, p);
        for (size_t i = 0; i < s.servers; i++)
            print_server(simulation, i, p);
        for (size_t i = 0; i < s.links; i++)
            print_link(policy, "link", kerf_simulation_link_name(simulation, i),
                       kerf_simulation_link(simulation, i, p));
        for (size_t i = 0; i < s.access_points; i++)
            print_link(policy, "access_point", kerf_simulation_access_point_name(simulation, i),
                       kerf_simulation_access_point(simulation, i, p));
    }
    return CLI_DONE;
}
