/* The map as comma-separated values: a row for every region. */
#include "planner/cli/map.h"
#include "planner/cli/table.h"

#include <stdio.h>

static const char *const columns[] = {"from_bps",
                                      "to_bps",
                                      "candidate",
                                      "cut_id",
                                      "network",
                                      "power_mode",
                                      "wire",
                                      "split",
                                      "device_operators",
                                      "bytes",
                                      "wire_bytes",
                                      "objective_at_lo",
                                      "device_energy_J_at_lo",
                                      "latency_s_at_lo",
                                      "throughput_per_s_at_lo",
                                      "objective_at_hi",
                                      "device_energy_J_at_hi",
                                      "latency_s_at_hi",
                                      "throughput_per_s_at_hi"};

static void print_row(const cli_map_view *view, const kerf_map_region *region)
{
    const kerf_map_entry *e = kerf_map_entry_at(view->map, region->entry);
    char split[256];
    cli_csv_number(stdout, true, region->uplink_bps[0]);
    cli_csv_number(stdout, false, region->uplink_bps[1]);
    if (!e) {
        fputs(",,,,,,,,,,,,,,,,,\n", stdout);
        return;
    }
    cli_map_describe(e, split, sizeof split);
    printf(",%zu", region->entry);
    cli_csv_text(stdout, false, e->cut_id);
    cli_csv_text(stdout, false, e->network);
    cli_csv_text(stdout, false, e->power_mode);
    cli_csv_text(stdout, false, e->wire);
    cli_csv_text(stdout, false, split);
    printf(",%zu", e->n_device_operators);
    cli_csv_number(stdout, false, (double)e->bytes);
    cli_csv_number(stdout, false, e->wire_bytes);
    for (int end = 0; end < 2; end++) {
        const kerf_plan_cost c = cli_map_cost(view, region->entry, region->uplink_bps[end]);
        cli_csv_number(stdout, false, c.objective);
        cli_csv_number(stdout, false, c.device_energy_J);
        cli_csv_number(stdout, false, c.latency_s);
        cli_csv_number(stdout, false, c.throughput_per_s);
    }
    fputc('\n', stdout);
}

cli_exit cli_map_csv(const cli_map_view *view)
{
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < view->n_regions; i++)
        print_row(view, &view->regions[i]);
    return CLI_DONE;
}
