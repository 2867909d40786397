#include "planner/cli/plan.h"

#include "planner/cli/commands.h"
#include "planner/cli/pareto.h"
#include "planner/cli/progress.h"
#include "planner/cli/tiers.h"

kerf_status cli_make_plan(const cli_settings *settings, cli_scene *scene, kerf_plan **plan,
                          kerf_error *err)
{
    cli_progress progress;
    cli_progress_start(&progress, settings, &scene->question);
    const kerf_status status = kerf_plan_make(&scene->question, plan, err);
    cli_progress_end(&progress);
    return status;
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

static cli_exit print(const cli_settings *settings, const cli_scene *scene, const kerf_plan *plan)
{
    if (settings->json)
        return cli_plan_json(scene, plan);
    if (settings->csv)
        return cli_plan_csv(scene, plan);
    return cli_plan_table(scene, plan);
}

cli_exit cli_plan(const cli_settings *settings)
{
    if (settings->pareto)
        return cli_pareto(settings);
    if (settings->cloud)
        return cli_tiers(settings);
    cli_scene scene = {0};
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    cli_exit status = cli_scene_load(settings, &scene);
    if (status != CLI_DONE)
        goto out;
    scene.question.compare_choices = true;
    const kerf_status made = cli_make_plan(settings, &scene, &plan, &err);
    if (made != KERF_OK) {
        status = fail(settings, &scene, made, &err);
        goto out;
    }
    status = print(settings, &scene, plan);
    if (status == CLI_DONE && settings->plot)
        status = cli_plan_plot(&scene, plan, settings->plot);
    if (status == CLI_DONE && !plan->optimal) {
        status = CLI_STOPPED;
        cli_warning(settings->quiet, "%s: the plan may be up to %.3g %% from the best",
                    settings->time_limit_s > 0 ? "stopped at the time limit"
                                               : "rounding hides the best among such costs",
                    100 * plan->gap);
    }
out:
    kerf_plan_destroy(&plan);
    cli_scene_clear(&scene);
    return status;
}
