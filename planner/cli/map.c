#include "planner/cli/map.h"

#include "planner/cli/commands.h"
#include "planner/cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double default_rates_bps[2] = {1e5, 1e9};

/* --- what entries look like --- */

kerf_plan_cost cli_map_cost(const cli_map_view *view, size_t entry, double uplink_bps)
{
    kerf_conditions c = view->conditions;
    kerf_plan_cost cost = {0};
    c.uplink_bps = uplink_bps;
    kerf_map_price(view->map, entry, &c, &cost, NULL); /* fails for no entry of the view */
    return cost;
}

void cli_map_describe(const kerf_map_entry *e, char *text, size_t size)
{
    size_t placed = 0;
    for (size_t i = 0; i < e->n_operators; i++)
        placed += e->side[i] != KERF_SIDE_FREE;
    if (e->n_device_operators == placed) {
        snprintf(text, size, "all on the device");
        return;
    }
    if (e->n_device_operators == 0) {
        snprintf(text, size, "all on the server");
        return;
    }
    size_t used = 0;
    const char *last = NULL;
    for (size_t i = 0; i < e->n_tensors && used < size; i++) {
        const char *name = e->tensors[i].producer ? e->tensors[i].producer : e->tensors[i].name;
        if (last && strcmp(last, name) == 0)
            continue;
        const int n = snprintf(text + used, size - used, "%s%s%.60s", used ? ", " : "after ",
                               e->tensors[i].producer ? "" : "input ", name);
        used += n > 0 ? (size_t)n : 0;
        last = name;
    }
    if (used == 0)
        snprintf(text, size, "nothing crosses");
}

cli_map_choice cli_map_choices(const kerf_map *map)
{
    cli_map_choice c = {false, false, false};
    const kerf_map_entry *first = kerf_map_entry_at(map, 0);
    for (size_t i = 1; i < kerf_map_entries(map); i++) {
        const kerf_map_entry *e = kerf_map_entry_at(map, i);
        c.modes = c.modes || strcmp(e->power_mode, first->power_mode) != 0;
        c.wires = c.wires || strcmp(e->wire, first->wire) != 0;
        c.networks = c.networks || strcmp(e->network, first->network) != 0;
    }
    return c;
}

/* --- from the options to the map --- */

static void take_range(const double given[2], double range[2])
{
    if (!isnan(given[0]))
        memcpy(range, given, 2 * sizeof *range);
}

/* {0, 0} would be: fixed at the question's value. */
static bool is_nothing(const double given[2])
{
    return given[0] == 0 && given[1] == 0;
}

static cli_exit make(const cli_settings *settings, cli_scene *scene, kerf_map **map)
{
    kerf_map_box box = {.uplink_bps = {default_rates_bps[0], default_rates_bps[1]}};
    kerf_error err = {0};
    cli_exit status = cli_scene_load(settings, scene);
    if (status != CLI_DONE)
        return status;
    take_range(settings->rates_bps, box.uplink_bps);
    take_range(settings->downlinks_bps, box.downlink_bps);
    take_range(settings->rtts_s, box.rtt_s);
    take_range(settings->loads, box.server_load);
    if (is_nothing(settings->rtts_s))
        scene->link->rtt_s = 0;
    if (is_nothing(settings->loads))
        scene->question.server_load = 0;
    cli_progress progress;
    cli_progress_start(&progress, settings, &scene->question);
    const kerf_status made = kerf_map_make(&scene->question, &box, map, &err);
    cli_progress_end(&progress);
    if (made == KERF_OK)
        return CLI_DONE;
    if (made == KERF_E_INVALID || made == KERF_E_UNSUPPORTED)
        return cli_report(CLI_USAGE, &err);
    return cli_report(cli_exit_of(made), &err);
}

/* A saved map says itself what it is of. */
static cli_exit load(const cli_settings *s, kerf_map **map)
{
    const bool asks =
        s->argument || s->device || s->server || s->link || s->device_profile ||
        s->server_profile || s->power_mode || s->pins.n || s->dims.n || s->inputs.n ||
        !isnan(s->rates_bps[0]) || !isnan(s->downlinks_bps[0]) || !isnan(s->rtts_s[0]) ||
        !isnan(s->loads[0]) || !isnan(s->uplink_bps) || !isnan(s->loss) || !isnan(s->gap_s) ||
        s->connection >= 0 || s->limits.deadline_s > 0 || s->limits.energy_J > 0 ||
        s->limits.memory_bytes > 0 || s->limits.max_bytes > 0 || s->min_device_operators > 0 ||
        s->objective != KERF_OBJ_ENERGY || s->wire_name || s->variants ||
        s->limits.min_accuracy > 0 || s->input_bytes > 0 || s->batch > 0 ||
        s->result != KERF_TIER_DEVICE || s->time_limit_s > 0;
    kerf_error err = {0};
    if (asks)
        return cli_error(CLI_USAGE, "--load-map: a saved map says itself what it is of: beside it, "
                                    "only --downlink, --rtt, --server-load and options of the "
                                    "output may be given");
    if (kerf_map_load(s->load_map, map, &err) == KERF_OK)
        return CLI_DONE;
    return cli_report(CLI_FAILED, &err);
}

static void set_if(double given, double *field)
{
    if (!isnan(given))
        *field = given;
}

/* Where in a box of several axes the regions are. */
static cli_exit look(const cli_settings *settings, cli_map_view *view)
{
    kerf_error err = {0};
    view->conditions = kerf_map_conditions(view->map);
    set_if(settings->downlink_bps, &view->conditions.downlink_bps);
    set_if(settings->rtt_s, &view->conditions.rtt_s);
    if (settings->server_load > 0)
        view->conditions.server_load = settings->server_load;
    const kerf_status status =
        kerf_map_regions(view->map, &view->conditions, &view->regions, &view->n_regions, &err);
    if (status == KERF_E_INVALID)
        return cli_error(CLI_USAGE, "--downlink, --rtt or --server-load lies outside the map");
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

static cli_exit print(const cli_settings *settings, const cli_map_view *view)
{
    cli_exit status = settings->json  ? cli_map_json(view)
                      : settings->csv ? cli_map_csv(view)
                                      : cli_map_table(view);
    if (status == CLI_DONE && settings->plot)
        status = cli_map_plot(view, settings->plot);
    return status;
}

cli_exit cli_map(const cli_settings *settings)
{
    cli_scene scene = {0};
    kerf_map *map = NULL;
    kerf_error err = {0};
    cli_map_view view = {.scene = settings->load_map ? NULL : &scene};
    if (!settings->argument && !settings->load_map)
        return cli_error(CLI_USAGE, "no NETWORK given; 'kerf map --help' lists the options");
    cli_exit status = settings->load_map ? load(settings, &map) : make(settings, &scene, &map);
    if (status != CLI_DONE)
        goto out;
    view.map = map;
    status = look(settings, &view);
    if (status == CLI_DONE && settings->output &&
        kerf_map_save(map, settings->output, &err) != KERF_OK)
        status = cli_report(CLI_FAILED, &err);
    if (status == CLI_DONE)
        status = print(settings, &view);
out:
    free(view.regions);
    kerf_map_destroy(&map);
    cli_scene_clear(&scene);
    return status;
}
