/* The map for people: a line per region. */
#include "planner/cli/map.h"
#include "planner/cli/table.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DIGITS 4

static cli_number quantity(double value, kerf_quantity kind)
{
    return cli_quantity(value, kind, DIGITS);
}

static cli_number objective_value(kerf_objective objective, double value)
{
    cli_number n = {""};
    if (objective == KERF_OBJ_LATENCY)
        return quantity(value, KERF_TIME);
    if (objective == KERF_OBJ_ENERGY || objective == KERF_OBJ_TOTAL_ENERGY)
        return quantity(value, KERF_ENERGY);
    const char *unit = kerf_objective_unit(objective);
    snprintf(n.text, sizeof n.text, "%.*g%s%s", DIGITS, value, strcmp(unit, "1") == 0 ? "" : " ",
             strcmp(unit, "1") == 0 ? "" : unit);
    return n;
}

/* "at RTT 4 ms of 1 ms to 100 ms": for an axis that varies. */
static void say_axis(const char *name, const double range[2], double at, kerf_quantity kind)
{
    if (range[0] < range[1])
        printf(", %s %s (mapped: %s to %s)", name, quantity(at, kind).text,
               quantity(range[0], kind).text, quantity(range[1], kind).text);
}

static const char *either(const char *name)
{
    return name ? name : "?";
}

/* What every entry has in common of what may be chosen. */
static void say_common(const cli_map_view *view, const cli_map_choice *choice)
{
    const kerf_map_entry *e = kerf_map_entry_at(view->map, 0);
    char mode[64], wire[64];
    if (!choice->modes)
        printf(", power mode %s", cli_clean(e->power_mode, mode, sizeof mode));
    if (!choice->wires && strcmp(e->wire, "own") != 0)
        printf(", wire %s", cli_clean(e->wire, wire, sizeof wire));
}

static void print_title(const cli_map_view *view, const cli_map_choice *choice)
{
    const kerf_map_topic *t = kerf_map_about(view->map);
    const kerf_map_box *box = kerf_map_range(view->map);
    char network[128], device[64], server[64], link[64];
    const char *name = choice->networks ? t->network : kerf_map_entry_at(view->map, 0)->network;
    printf("%s from %s to %s over %s", cli_clean(either(name), network, sizeof network),
           cli_clean(either(t->device), device, sizeof device),
           cli_clean(either(t->server), server, sizeof server),
           cli_clean(either(t->link), link, sizeof link));
    say_common(view, choice);
    printf(": best %s by uplink rate", kerf_objective_name(t->objective));
    say_axis("downlink", box->downlink_bps, view->conditions.downlink_bps, KERF_RATE);
    say_axis("RTT", box->rtt_s, view->conditions.rtt_s, KERF_TIME);
    if (box->server_load[0] < box->server_load[1])
        printf(", server load %.4g (mapped: %.4g to %.4g)", view->conditions.server_load,
               box->server_load[0], box->server_load[1]);
    fputs("\n\n", stdout);
}

static void add_heading(cli_table *table, const cli_map_choice *choice, kerf_objective objective)
{
    cli_table_heading(table);
    cli_table_cell(table, "from");
    cli_table_cell(table, "to");
    if (choice->networks)
        cli_table_cell(table, "network");
    cli_table_cell(table, "split");
    if (choice->modes)
        cli_table_cell(table, "power mode");
    if (choice->wires)
        cli_table_cell(table, "wire");
    cli_table_cell(table, "sends");
    cli_table_cell(table, "%s, from", kerf_objective_name(objective));
    cli_table_cell(table, "to");
}

static void add_row(cli_table *table, const cli_map_view *view, const cli_map_choice *choice,
                    const kerf_map_region *region)
{
    const kerf_objective objective = kerf_map_about(view->map)->objective;
    const kerf_map_entry *e = kerf_map_entry_at(view->map, region->entry);
    char split[256];
    cli_table_quantity(table, region->uplink_bps[0], KERF_RATE);
    cli_table_quantity(table, region->uplink_bps[1], KERF_RATE);
    if (choice->networks)
        cli_table_cell(table, "%s", e ? e->network : "");
    if (e)
        cli_map_describe(e, split, sizeof split);
    cli_table_cell(table, "%s", e ? split : "nothing keeps the constraints");
    if (choice->modes)
        cli_table_cell(table, "%s", e ? e->power_mode : "");
    if (choice->wires)
        cli_table_cell(table, "%s", e ? e->wire : "");
    if (e && e->wire_bytes > 0)
        cli_table_quantity(table, e->wire_bytes, KERF_SIZE);
    else
        cli_table_cell(table, "%s", e ? "-" : "");
    for (int end = 0; end < 2; end++) {
        const kerf_plan_cost cost = cli_map_cost(view, region->entry, region->uplink_bps[end]);
        cli_table_cell(table, "%s", e ? objective_value(objective, cost.objective).text : "");
    }
}

static void print_proof(const cli_map_view *view)
{
    const kerf_map_topic *t = kerf_map_about(view->map);
    const size_t n = kerf_map_entries(view->map);
    printf("\n%zu candidate%s of %zu placements looked at", n, n == 1 ? "" : "s", t->examined);
    printf(t->complete ? ": proven, no other placement is best anywhere in the map\n"
                       : ": not proven complete\n");
}

cli_exit cli_map_table(const cli_map_view *view)
{
    const cli_map_choice choice = cli_map_choices(view->map);
    char columns[16];
    snprintf(columns, sizeof columns, "rr%sf%s%srrr", choice.networks ? "l" : "",
             choice.modes ? "l" : "", choice.wires ? "l" : "");
    cli_table *table = cli_table_create(columns, CLI_WIDTH);
    if (!table)
        return cli_error(CLI_FAILED, "out of memory");
    print_title(view, &choice);
    add_heading(table, &choice, kerf_map_about(view->map)->objective);
    for (size_t i = 0; i < view->n_regions; i++)
        add_row(table, view, &choice, &view->regions[i]);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    if (!printed)
        return cli_error(CLI_FAILED, "out of memory");
    print_proof(view);
    return CLI_DONE;
}
