/* The plan as comma-separated values: one row per answer. */
#include "planner/cli/plan.h"
#include "planner/cli/table.h"

#include <stdlib.h>

static const char *const columns[] = {"option",           "feasible",
                                      "device_operators", "server_operators",
                                      "tensors",          "bytes",
                                      "wire_bytes",       "objective",
                                      "device_energy_J",  "latency_s",
                                      "throughput_per_s", "compute_J",
                                      "uplink_J",         "wait_J",
                                      "downlink_J",       "radio_fixed_J",
                                      "device_s",         "uplink_s",
                                      "server_s",         "downlink_s",
                                      "server_energy_J",  "device_memory_bytes"};

static void print_numbers(const kerf_plan_cost *c)
{
    const double values[] = {c->objective,        c->device_energy_J, c->latency_s,
                             c->throughput_per_s, c->compute_J,       c->uplink_J,
                             c->wait_J,           c->downlink_J,      c->radio_fixed_J,
                             c->device_s,         c->uplink_s,        c->server_s,
                             c->downlink_s,       c->server_energy_J, c->device_memory_bytes};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cli_csv_number(stdout, false, values[i]);
    fputc('\n', stdout);
}

/* Tensor names are joined by blanks. */
static bool print_tensors(const kerf_network *network, const kerf_cut *cut)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return false;
    for (size_t i = 0; i < cut->n_tensors; i++)
        fprintf(stream, "%s%s", i ? " " : "", network->tensors[cut->tensors[i]].name);
    const bool written = fclose(stream) == 0 && text; /* glibc may close without having a buffer */
    if (written)
        cli_csv_text(stdout, false, text);
    free(text);
    return written;
}

static bool print_row(const kerf_network *network, const char *name, bool feasible,
                      const kerf_side *side, const kerf_cut *cut, const kerf_plan_cost *cost)
{
    const size_t on_device = cli_device_operators(network, side);
    cli_csv_text(stdout, true, name);
    printf(",%d,%zu,%zu", feasible, on_device, network->n_placed - on_device);
    if (!print_tensors(network, cut))
        return false;
    cli_csv_number(stdout, false, (double)cut->bytes);
    cli_csv_number(stdout, false, cut->wire_bytes);
    print_numbers(cost);
    return true;
}

static bool print_option(const kerf_network *network, const char *name,
                         const kerf_option_plan *option)
{
    return print_row(network, name, option->feasible, option->side, &option->cut, &option->cost);
}

cli_exit cli_plan_csv(const cli_scene *scene, const kerf_plan *plan)
{
    const kerf_network *network = scene->network;
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    bool done = print_row(network, "plan", true, plan->side, &plan->cut, &plan->cost) &&
                print_option(network, "all_device", &plan->all_device) &&
                print_option(network, "all_server", &plan->all_server);
    for (size_t i = 0; done && i < plan->n_alternatives; i++) {
        char name[40];
        snprintf(name, sizeof name, "alternative_%zu", i + 1);
        done = print_option(network, name, &plan->alternatives[i]);
    }
    return done ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}
