/* A three-tier plan for people. */
#include "planner/cli/table.h"
#include "planner/cli/tiers.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL  13 /* columns of the labels below the table */
#define DIGITS 3

static cli_number quantity(double value, kerf_quantity kind)
{
    return cli_quantity(value, kind, DIGITS);
}

/* --- the sentence --- */

static void say_sent(FILE *out, const char *send, const kerf_cut *cut, double seconds,
                     const char *to)
{
    fprintf(out, "%s %zu tensor%s (%s, %s) to %.60s", send, cut->n_tensors,
            cut->n_tensors == 1 ? "" : "s", quantity(cut->wire_bytes, KERF_SIZE).text,
            quantity(seconds, KERF_TIME).text, to);
}

static void say_answer(FILE *out, const cli_tiers_scene *scene, const kerf_tiers_plan *plan)
{
    const kerf_question *q = &scene->question.edge;
    size_t count[4] = {0};
    for (size_t i = 0; i < q->network->n_operators; i++)
        count[plan->tier[i]]++;
    const bool none = count[KERF_TIER_DEVICE] == 0 && plan->cut.n_tensors > 0;
    if (!none)
        fprintf(out, "Run %zu of %zu operators on %.60s", count[KERF_TIER_DEVICE],
                q->network->n_placed, q->device->name);
    if (plan->cut.n_tensors > 0)
        say_sent(out, none ? "Send" : ", send", &plan->cut, plan->cost.first.uplink_s,
                 q->server->name);
    if (count[KERF_TIER_EDGE] > 0)
        fprintf(out, ", run %zu%s there", count[KERF_TIER_EDGE], none ? " operators" : "");
    if (plan->cut2.n_tensors > 0)
        say_sent(out, ", send", &plan->cut2, plan->cost.cloud_uplink_s, scene->cloud->name);
    if (count[KERF_TIER_CLOUD] > 0)
        fprintf(out, ", run %zu%s there", count[KERF_TIER_CLOUD], none ? " operators" : "");
    fprintf(out, ": %s and %s per inference.",
            quantity(plan->cost.first.device_energy_J, KERF_ENERGY).text,
            quantity(plan->cost.first.latency_s, KERF_TIME).text);
}

typedef struct answer {
    const cli_tiers_scene *scene;
    const kerf_tiers_plan *plan;
} answer;

static void say(FILE *out, const void *context)
{
    const answer *a = context;
    say_answer(out, a->scene, a->plan);
}

/* --- cost beside the extremes --- */

typedef struct cost_row {
    const char *label;
    size_t field; /* offset in kerf_tiers_cost */
    kerf_quantity kind;
    bool only_used; /* left out where it is 0 everywhere */
} cost_row;

#define AT(name) offsetof(kerf_tiers_cost, name)
static const cost_row cost_rows[] = {
    {"device energy", AT(first.device_energy_J), KERF_ENERGY, false},
    {"  compute", AT(first.compute_J), KERF_ENERGY, false},
    {"  uplink", AT(first.uplink_J), KERF_ENERGY, false},
    {"  wait for the result", AT(first.wait_J), KERF_ENERGY, false},
    {"  downlink", AT(first.downlink_J), KERF_ENERGY, false},
    {"  radio's start and tail", AT(first.radio_fixed_J), KERF_ENERGY, true},
    {"latency", AT(first.latency_s), KERF_TIME, false},
    {"  device", AT(first.device_s), KERF_TIME, false},
    {"  uplink", AT(first.uplink_s), KERF_TIME, false},
    {"  server", AT(first.server_s), KERF_TIME, false},
    {"  uplink to the cloud", AT(cloud_uplink_s), KERF_TIME, false},
    {"  cloud", AT(cloud_s), KERF_TIME, false},
    {"  downlink from the cloud", AT(cloud_downlink_s), KERF_TIME, false},
    {"  downlink", AT(first.downlink_s), KERF_TIME, false},
    {"server energy", AT(first.server_energy_J), KERF_ENERGY, false},
    {"cloud energy", AT(cloud_energy_J), KERF_ENERGY, false},
    {"cloud link's radio", AT(cloud_link_J), KERF_ENERGY, true},
    {"sent to the server", AT(first.uplink_bytes), KERF_SIZE, false},
    {"sent to the cloud", AT(cloud_uplink_bytes), KERF_SIZE, false},
    {"device memory", AT(first.device_memory_bytes), KERF_SIZE, false},
};
#define COLUMNS 4

static double figure(const kerf_tiers_cost *cost, size_t field)
{
    double value;
    memcpy(&value, (const char *)cost + field, sizeof value);
    return value;
}

static void throughput_row(cli_table *table, const kerf_tiers_cost *const costs[COLUMNS])
{
    cli_table_cell(table, "throughput");
    for (size_t i = 0; i < COLUMNS; i++) {
        const double rate = costs[i]->first.throughput_per_s;
        cli_table_cell(table, rate >= 1000 && isfinite(rate) ? "%.0f /s" : "%.3g /s", rate);
    }
}

static void feasible_row(cli_table *table, const kerf_tiers_plan *plan)
{
    const kerf_tiers_option *const ends[] = {&plan->all_device, &plan->all_edge, &plan->all_cloud};
    if (ends[0]->feasible && ends[1]->feasible && ends[2]->feasible)
        return;
    cli_table_cell(table, "keeps what was asked");
    cli_table_cell(table, "yes");
    for (size_t i = 0; i < 3; i++)
        cli_table_cell(table, "%s",
                       !ends[i]->exists    ? "cannot be had"
                       : ends[i]->feasible ? "yes"
                                           : "no");
}

static void cost_cells(cli_table *table, const kerf_tiers_cost *const costs[COLUMNS],
                       const cost_row *row)
{
    cli_table_cell(table, "%s", row->label);
    for (size_t i = 0; i < COLUMNS; i++)
        if (figure(costs[i], row->field) != 0)
            cli_table_quantity(table, figure(costs[i], row->field), row->kind);
        else
            cli_table_cell(table, "-");
}

static bool print_costs(const kerf_tiers_plan *plan)
{
    static const char *const headings[] = {"per inference", "this plan", "all device", "all server",
                                           "all cloud"};
    const kerf_tiers_cost *const costs[COLUMNS] = {&plan->cost, &plan->all_device.cost,
                                                   &plan->all_edge.cost, &plan->all_cloud.cost};
    cli_table *table = cli_table_create("lrrrr", CLI_WIDTH);
    if (!table)
        return false;
    cli_table_heading(table);
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        cli_table_cell(table, "%s", headings[i]);
    for (size_t i = 0; i < sizeof cost_rows / sizeof *cost_rows; i++) {
        const cost_row *row = &cost_rows[i];
        bool used = !row->only_used;
        for (size_t k = 0; k < COLUMNS; k++)
            used = used || figure(costs[k], row->field) != 0;
        if (strcmp(row->label, "server energy") == 0)
            throughput_row(table, costs);
        if (used)
            cost_cells(table, costs, row);
    }
    feasible_row(table, plan);
    const bool printed = cli_table_print(table, stdout);
    cli_table_destroy(&table);
    return printed;
}

/* --- why --- */

static cli_number objective_value(kerf_objective objective, double value)
{
    cli_number n = {""};
    if (objective == KERF_OBJ_LATENCY)
        return quantity(value, KERF_TIME);
    if (objective == KERF_OBJ_ENERGY || objective == KERF_OBJ_TOTAL_ENERGY)
        return quantity(value, KERF_ENERGY);
    const char *unit = kerf_objective_unit(objective);
    const bool none = strcmp(unit, "1") == 0;
    snprintf(n.text, sizeof n.text, "%.*g%s%s", DIGITS, value, none ? "" : " ", none ? "" : unit);
    return n;
}

static void print_proof(const kerf_question *q, const kerf_tiers_plan *plan)
{
    static const char *const units[] = {[KERF_SOLVER_AUTO] = "step",
                                        [KERF_SOLVER_EXHAUSTIVE] = "placement",
                                        [KERF_SOLVER_MINCUT] = "minimum cut",
                                        [KERF_SOLVER_MILP] = "node"};
    printf("\n%-*s%s by %s: nothing is better than %s (gap %.2g); %zu %s%s examined\n", LABEL,
           "proof", plan->optimal ? "optimal" : "stopped early", kerf_solver_name(plan->solver),
           objective_value(q->objective, plan->bound).text, plan->gap < 1e-12 ? 0 : plan->gap,
           plan->examined, units[plan->solver], plan->examined == 1 ? "" : "s");
}

cli_exit cli_tiers_table(const cli_tiers_scene *scene, const kerf_tiers_plan *plan)
{
    const answer spoken = {scene, plan};
    if (!cli_print_answer(say, &spoken) || !print_costs(plan))
        return cli_error(CLI_FAILED, "out of memory");
    const kerf_question *q = &scene->question.edge;
    print_proof(q, plan);
    const bool any = q->power_mode && strcmp(q->power_mode, "any") == 0;
    if (any || q->n_encodings > 1)
        printf("%-*s%s%s%s\n", LABEL, "chosen", any ? plan->power_mode : "",
               any && q->n_encodings > 1 ? ", " : "",
               q->n_encodings > 1 ? q->encodings[plan->encoding].name : "");
    return CLI_DONE;
}
