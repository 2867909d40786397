/* kerf inspect: a network's operators, shapes and costs. */
#include "planner/cli/inspect.h"

#include "planner/cli/commands.h"

#include "base/memory.h"

#include <stdlib.h>

static void clear(inspection *in)
{
    free(in->costs);
    kerf_pricer_destroy(&in->pricer);
    kerf_profile_destroy(&in->profile);
    kerf_device_destroy(&in->device);
    kerf_network_destroy(&in->network);
}

/* An operator costs what its group costs with it less what the group costs up to it, so that the
 * operators' figures add up to the network's. */
static void price_group(inspection *in, size_t g)
{
    const kerf_group *group = &in->network->groups[g];
    kerf_cost before = {0, 0};
    for (size_t i = 0; i < group->n_operators; i++) {
        const kerf_cost after = kerf_price_part(in->pricer, g, 0, i + 1);
        in->costs[group->operators[i]] =
            (kerf_cost){after.latency_s - before.latency_s, after.energy_J - before.energy_J};
        before = after;
    }
    in->total.latency_s += before.latency_s;
    in->total.energy_J += before.energy_J;
}

static double *figure_of(kerf_cost *cost, bool energy)
{
    return energy ? &cost->energy_J : &cost->latency_s;
}

/* The figure of operators that were measured together is shared among them as their own costs are,
 * or evenly where they cost nothing. */
static void share_figure(inspection *in, const size_t *operators, size_t n, bool energy,
                         double figure)
{
    double apart = 0;
    for (size_t i = 0; i < n; i++)
        apart += *figure_of(&in->costs[operators[i]], energy);
    for (size_t i = 0; i < n; i++) {
        double *share = figure_of(&in->costs[operators[i]], energy);
        *share = apart > 0 ? *share * (figure / apart) : figure / (double)n;
    }
    *figure_of(&in->total, energy) += figure - apart;
}

/* The whole network is on the device, so every measured group is complete, and the largest ones
 * count. */
static bool price_measured_groups(inspection *in, bool energy)
{
    bool *done = kerf_calloc(in->network->n_operators, sizeof *done);
    for (size_t k = kerf_pricer_groups(in->pricer); done && k-- > 0;) {
        const size_t *operators;
        size_t n, parent;
        kerf_cost cost = kerf_pricer_group(in->pricer, k, &operators, &n, &parent);
        const double figure = *figure_of(&cost, energy);
        if (isnan(figure) || done[operators[0]])
            continue;
        share_figure(in, operators, n, energy, figure);
        for (size_t i = 0; i < n; i++)
            done[operators[i]] = true;
    }
    const bool fine = done != NULL;
    free(done);
    return fine;
}

static cli_exit price(const cli_settings *settings, inspection *in)
{
    kerf_error err = {0};
    size_t mode = in->device->default_mode;
    if (settings->power_mode && !cli_find_mode(in->device, settings->power_mode, &mode))
        return CLI_USAGE;
    in->mode = &in->device->modes[mode];
    if (kerf_pricer_create(in->network, in->mode, in->profile, &in->pricer, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    in->costs = kerf_calloc(in->network->n_operators, sizeof *in->costs);
    if (!in->costs)
        return cli_error(CLI_FAILED, "out of memory");
    in->total = (kerf_cost){in->mode->partition_s, in->mode->partition_J};
    for (size_t g = 0; g < in->network->n_groups; g++)
        price_group(in, g);
    return price_measured_groups(in, false) && price_measured_groups(in, true)
               ? CLI_DONE
               : cli_error(CLI_FAILED, "out of memory");
}

static cli_exit load(const cli_settings *settings, inspection *in)
{
    if (!settings->device && (settings->device_profile || settings->power_mode))
        return cli_error(CLI_USAGE, "inspect: --%s needs --device",
                         settings->device_profile ? "device-profile" : "power-mode");
    cli_exit status = CLI_DONE;
    if (settings->device)
        status = cli_load_device(CLI_DEVICE, settings->device, &in->device);
    /* Costs need every shape; without them, what is not known is shown as that. */
    if (status == CLI_DONE)
        status = cli_load_network(settings, !settings->device, &in->network);
    if (status == CLI_DONE)
        status = cli_load_profile(settings->device_profile, in->network, &in->profile);
    if (status == CLI_DONE && in->device)
        status = price(settings, in);
    for (size_t i = 0; status == CLI_DONE && i < in->network->n_operators; i++) {
        in->read_bytes += (double)in->network->operators[i].read_bytes;
        in->write_bytes += (double)in->network->operators[i].write_bytes;
    }
    return status;
}

cli_exit cli_inspect(const cli_settings *settings)
{
    inspection in = {0};
    cli_exit status = load(settings, &in);
    if (status == CLI_DONE)
        status = settings->json  ? cli_inspect_json(&in)
                 : settings->csv ? cli_inspect_csv(&in)
                                 : cli_inspect_table(&in);
    clear(&in);
    return status;
}
