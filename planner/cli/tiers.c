#include "planner/cli/tiers.h"

#include "planner/cli/progress.h"
#include "planner/cli/table.h"

#include <stdlib.h>

static cli_exit load_link(const char *name, kerf_link **link)
{
    kerf_error err = {0};
    char *path = NULL;
    kerf_status status = cli_find(CLI_LINK, name, &path, &err);
    if (status == KERF_OK)
        status = kerf_link_load(path, link, &err);
    free(path);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

static cli_exit check_settings(const cli_settings *settings)
{
    const char *unknown = settings->plot ? "plot" : settings->top > 1 ? "top" : NULL;
    if (unknown)
        return cli_error(CLI_USAGE, "--%s is not available with --cloud", unknown);
    return CLI_DONE;
}

static cli_exit load(const cli_settings *settings, cli_tiers_scene *scene)
{
    cli_exit status = check_settings(settings);
    if (status == CLI_DONE)
        status = cli_scene_load(settings, &scene->scene);
    if (status == CLI_DONE)
        status = cli_load_device(CLI_SERVER, settings->cloud, &scene->cloud);
    if (status == CLI_DONE)
        status = load_link(settings->cloud_link ? settings->cloud_link : "wan", &scene->link);
    if (status == CLI_DONE)
        status = cli_load_profile(settings->cloud_profile, scene->scene.network, &scene->profile);
    if (status != CLI_DONE)
        return status;
    scene->question = (kerf_tiers_question){.edge = scene->scene.question,
                                            .cloud = scene->cloud,
                                            .cloud_link = scene->link,
                                            .cloud_profile = scene->profile,
                                            .cloud_load = settings->cloud_load,
                                            .pins = scene->scene.pins,
                                            .n_pins = settings->pins.n,
                                            .result = (kerf_tier)settings->result};
    scene->question.edge.n_pins = 0;
    return CLI_DONE;
}

static void clear(cli_tiers_scene *scene)
{
    kerf_profile_destroy(&scene->profile);
    kerf_link_destroy(&scene->link);
    kerf_device_destroy(&scene->cloud);
    cli_scene_clear(&scene->scene);
}

/* Every file was read and is in order, so an invalid question comes from the options. */
static cli_exit fail(const cli_settings *settings, const cli_tiers_scene *scene, kerf_status status,
                     const kerf_error *err)
{
    if (status == KERF_E_INFEASIBLE && settings->json &&
        cli_tiers_json_infeasible(scene, err) != CLI_DONE)
        return CLI_FAILED;
    if (status == KERF_E_INVALID || status == KERF_E_UNSUPPORTED)
        return cli_report(CLI_USAGE, err);
    return cli_report(cli_exit_of(status), err);
}

cli_exit cli_tiers(const cli_settings *settings)
{
    cli_tiers_scene scene = {.cloud = NULL};
    kerf_tiers_plan *plan = NULL;
    kerf_error err = {0};
    cli_progress progress;
    cli_exit status = load(settings, &scene);
    if (status != CLI_DONE)
        goto out;
    cli_progress_start(&progress, settings, &scene.question.edge);
    const kerf_status made = kerf_tiers_make(&scene.question, &plan, &err);
    cli_progress_end(&progress);
    if (made != KERF_OK) {
        status = fail(settings, &scene, made, &err);
        goto out;
    }
    status = settings->json  ? cli_tiers_json(&scene, plan)
             : settings->csv ? cli_tiers_csv(&scene, plan)
                             : cli_tiers_table(&scene, plan);
    if (status == CLI_DONE && !plan->optimal) {
        status = CLI_STOPPED;
        cli_warning(settings->quiet, "%s: the plan may be up to %.3g %% from the best",
                    settings->time_limit_s > 0 ? "stopped at the time limit"
                                               : "rounding hides the best among such costs",
                    100 * plan->gap);
    }
out:
    kerf_tiers_destroy(&plan);
    clear(&scene);
    return status;
}

/* --- comma-separated values --- */

static void csv_row(const char *name, bool feasible, const kerf_tiers_cost *c)
{
    const kerf_plan_cost *f = &c->first;
    const double values[] = {f->objective,
                             f->device_energy_J,
                             f->latency_s,
                             f->throughput_per_s,
                             f->compute_J,
                             f->uplink_J,
                             f->wait_J,
                             f->downlink_J,
                             f->radio_fixed_J,
                             f->device_s,
                             f->uplink_s,
                             f->server_s,
                             c->cloud_uplink_s,
                             c->cloud_s,
                             c->cloud_downlink_s,
                             f->downlink_s,
                             f->server_energy_J,
                             c->cloud_energy_J,
                             c->cloud_link_J,
                             f->uplink_bytes,
                             c->cloud_uplink_bytes,
                             f->device_memory_bytes};
    cli_csv_text(stdout, true, name);
    printf(",%d", feasible);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cli_csv_number(stdout, false, values[i]);
    fputc('\n', stdout);
}

cli_exit cli_tiers_csv(const cli_tiers_scene *scene, const kerf_tiers_plan *plan)
{
    static const char *const columns[] = {
        "option",           "feasible",         "objective",          "device_energy_J",
        "latency_s",        "throughput_per_s", "compute_J",          "uplink_J",
        "wait_J",           "downlink_J",       "radio_fixed_J",      "device_s",
        "uplink_s",         "server_s",         "cloud_uplink_s",     "cloud_s",
        "cloud_downlink_s", "downlink_s",       "server_energy_J",    "cloud_energy_J",
        "cloud_link_J",     "uplink_bytes",     "cloud_uplink_bytes", "device_memory_bytes"};
    (void)scene;
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    csv_row("plan", true, &plan->cost);
    csv_row("all_device", plan->all_device.feasible, &plan->all_device.cost);
    csv_row("all_server", plan->all_edge.feasible, &plan->all_edge.cost);
    csv_row("all_cloud", plan->all_cloud.feasible, &plan->all_cloud.cost);
    return CLI_DONE;
}
