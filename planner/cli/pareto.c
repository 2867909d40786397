#include "planner/cli/pareto.h"

#include "planner/cli/plan.h"
#include "planner/cli/progress.h"
#include "planner/cli/table.h"

#include <stdlib.h>

const kerf_network *cli_point_network(const cli_scene *scene, const kerf_front_point *point)
{
    const kerf_question *q = &scene->question;
    return point->variant == KERF_NONE ? q->network : q->variants[point->variant].network;
}

const char *cli_point_encoding(const cli_scene *scene, const kerf_front_point *point)
{
    return point->encoding == KERF_NONE ? NULL : scene->question.encodings[point->encoding].name;
}

const char *cli_point_variant(const cli_scene *scene, const kerf_front_point *point)
{
    return point->variant == KERF_NONE ? NULL : scene->question.variants[point->variant].name;
}

/* --- comma-separated values --- */

static void csv_row(const cli_scene *scene, const kerf_front_point *point)
{
    const kerf_network *network = cli_point_network(scene, point);
    const kerf_plan_cost *c = &point->plan.cost;
    const size_t on_device = cli_device_operators(network, point->plan.side);
    const double values[] = {c->device_energy_J,    c->latency_s,       point->accuracy,
                             c->throughput_per_s,   c->server_energy_J, c->uplink_bytes,
                             c->device_memory_bytes};
    cli_csv_text(stdout, true, point->cut_id);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cli_csv_number(stdout, false, values[i]);
    cli_csv_text(stdout, false, point->power_mode);
    cli_csv_text(stdout, false,
                 point->encoding == KERF_NONE ? "" : cli_point_encoding(scene, point));
    cli_csv_text(stdout, false, point->variant == KERF_NONE ? "" : cli_point_variant(scene, point));
    printf(",%zu,%zu,%zu,%d,%d,%s\n", on_device, network->n_placed - on_device,
           point->plan.cut.n_tensors, point->supported, point->proven,
           kerf_solver_name(point->solver));
}

cli_exit cli_pareto_csv(const cli_scene *scene, const kerf_front *front)
{
    static const char *const columns[] = {"cut_id",
                                          "device_energy_J",
                                          "latency_s",
                                          "accuracy",
                                          "throughput_per_s",
                                          "server_energy_J",
                                          "uplink_bytes",
                                          "device_memory_bytes",
                                          "power_mode",
                                          "encoding",
                                          "variant",
                                          "device_operators",
                                          "server_operators",
                                          "tensors",
                                          "supported",
                                          "proven",
                                          "solver"};
    cli_csv_header(stdout, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < front->n; i++)
        csv_row(scene, &front->points[i]);
    return CLI_DONE;
}

/* --- the command --- */

/* Every file was read and is in order, so an invalid question comes from the options. */
static cli_exit fail(const cli_settings *settings, const cli_scene *scene, kerf_status status,
                     const kerf_error *err)
{
    if (status == KERF_E_INFEASIBLE && settings->json &&
        cli_plan_json_infeasible(scene, err) != CLI_DONE)
        return CLI_FAILED;
    if (status == KERF_E_INVALID || status == KERF_E_UNSUPPORTED)
        return cli_report(CLI_USAGE, err);
    return cli_report(cli_exit_of(status), err);
}

static cli_exit print(const cli_settings *settings, const cli_scene *scene, const kerf_front *front)
{
    cli_exit status = settings->json  ? cli_pareto_json(scene, front)
                      : settings->csv ? cli_pareto_csv(scene, front)
                                      : cli_pareto_table(scene, front);
    if (status == CLI_DONE && settings->plot)
        status = cli_pareto_plot(scene, front, settings->plot);
    if (status == CLI_DONE && !front->complete) {
        status = CLI_STOPPED;
        cli_warning(settings->quiet, "%s: points may be missing; %zu of %zu are proven",
                    settings->solver == KERF_SOLVER_MINCUT ? "only supported points were looked for"
                                                           : "stopped at the time limit",
                    front->n_proven, front->n);
    }
    return status;
}

cli_exit cli_pareto(const cli_settings *settings)
{
    cli_scene scene = {0};
    kerf_front *front = NULL;
    kerf_error err = {0};
    cli_progress progress;
    if (settings->cloud || settings->top > 1)
        return cli_error(CLI_USAGE, "--%s is not available with --pareto",
                         settings->cloud ? "cloud" : "top");
    cli_exit status = cli_scene_load(settings, &scene);
    if (status != CLI_DONE)
        goto out;
    cli_progress_start(&progress, settings, &scene.question);
    const kerf_status made = kerf_pareto_make(&scene.question, &front, &err);
    cli_progress_end(&progress);
    status = made == KERF_OK ? print(settings, &scene, front) : fail(settings, &scene, made, &err);
out:
    kerf_pareto_destroy(&front);
    cli_scene_clear(&scene);
    return status;
}
