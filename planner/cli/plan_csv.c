/* The plan as comma-separated values: one row per answer. */
#include "planner/cli/plan.h"
#include "planner/cli/table.h"
#include "planner/plan_json.h"

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
                                      "server_energy_J",  "device_memory_bytes",
                                      "power_mode",       "encoding",
                                      "variant",          "accuracy"};

static void print_numbers(const kerf_plan_cost *c)
{
    const double values[] = {c->objective,        c->device_energy_J, c->latency_s,
                             c->throughput_per_s, c->compute_J,       c->uplink_J,
                             c->wait_J,           c->downlink_J,      c->radio_fixed_J,
                             c->device_s,         c->uplink_s,        c->server_s,
                             c->downlink_s,       c->server_energy_J, c->device_memory_bytes};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cli_csv_number(stdout, false, values[i]);
}

/* What was chosen beside the cut; empty where there was nothing to choose from. */
static void print_choice(const kerf_question *asked, const char *power_mode, size_t encoding,
                         size_t variant, double accuracy)
{
    cli_csv_text(stdout, false, power_mode);
    cli_csv_text(stdout, false, encoding == KERF_NONE ? "" : asked->encodings[encoding].name);
    cli_csv_text(stdout, false, variant == KERF_NONE ? "" : asked->variants[variant].name);
    cli_csv_number(stdout, false, accuracy);
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

typedef struct rows {
    const kerf_question *asked;
    const kerf_network *network; /* the chosen variant's */
    const kerf_plan *plan;
} rows;

static bool print_row(const rows *r, const char *name, bool feasible, const kerf_side *side,
                      const kerf_cut *cut, const kerf_plan_cost *cost, double accuracy)
{
    const size_t on_device = cli_device_operators(r->network, side);
    cli_csv_text(stdout, true, name);
    printf(",%d,%zu,%zu", feasible, on_device, r->network->n_placed - on_device);
    if (!print_tensors(r->network, cut))
        return false;
    cli_csv_number(stdout, false, (double)cut->bytes);
    cli_csv_number(stdout, false, cut->wire_bytes);
    print_numbers(cost);
    print_choice(r->asked, r->plan->power_mode, r->plan->encoding, r->plan->variant, accuracy);
    return true;
}

static bool print_option(const rows *r, const char *name, const kerf_option_plan *option)
{
    return print_row(r, name, option->feasible, option->side, &option->cut, &option->cost,
                     option->accuracy);
}

/* Which tensors a rival sends is not known here: only how much. */
static void print_rival(const rows *r, const kerf_rival *rival)
{
    const kerf_network *network =
        rival->variant == KERF_NONE ? r->network : r->asked->variants[rival->variant].network;
    char name[40];
    snprintf(name, sizeof name, "other_%s", plan_dimension_name(rival->by));
    cli_csv_text(stdout, true, name);
    if (!rival->feasible) {
        fputs(",0", stdout);
        for (size_t i = 2; i + 4 < sizeof columns / sizeof *columns; i++)
            fputc(',', stdout);
    } else {
        printf(",1,%zu,%zu,,", rival->device_operators,
               network->n_placed - rival->device_operators);
        cli_csv_number(stdout, false, rival->cost.uplink_bytes);
        print_numbers(&rival->cost);
    }
    print_choice(r->asked, rival->power_mode, rival->encoding, rival->variant, rival->accuracy);
}

cli_exit cli_plan_csv(const cli_scene *scene, const kerf_plan *plan)
{
    const cli_scene chosen = cli_scene_choose(scene, plan);
    const rows r = {&scene->question, chosen.network, plan};
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    bool done = print_row(&r, "plan", true, plan->side, &plan->cut, &plan->cost, plan->accuracy) &&
                print_option(&r, "all_device", &plan->all_device) &&
                print_option(&r, "all_server", &plan->all_server);
    for (size_t i = 0; done && i < plan->n_alternatives; i++) {
        char name[40];
        snprintf(name, sizeof name, "alternative_%zu", i + 1);
        done = print_option(&r, name, &plan->alternatives[i]);
    }
    for (size_t i = 0; done && i < plan->n_rivals; i++)
        print_rival(&r, &plan->rivals[i]);
    return done ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}
