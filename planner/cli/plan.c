#include "planner/cli/plan.h"

#include "planner/cli/commands.h"
#include "planner/cli/pareto.h"
#include "planner/cli/progress.h"
#include "planner/cli/robust.h"
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

static cli_exit print_json(const cli_settings *settings, const cli_scene *scene,
                           const kerf_plan *plan, const cli_doubts *doubts)
{
    cli_json j = {false};
    json_t *document = cli_plan_document(&j, scene, plan);
    cli_doubts_json(&j, document, settings, scene, doubts);
    return cli_json_print(&j, document);
}

static cli_exit print(const cli_settings *settings, const cli_scene *scene, const kerf_plan *plan,
                      const cli_doubts *doubts)
{
    if (settings->json)
        return print_json(settings, scene, plan, doubts);
    if (settings->csv)
        return cli_plan_csv(scene, plan);
    const cli_exit status = cli_plan_table(scene, plan);
    if (status == CLI_DONE && !cli_doubts_table(settings, scene, doubts))
        return cli_error(CLI_FAILED, "out of memory");
    return status;
}

static void warn_of_gap(const cli_settings *settings, const kerf_plan *plan,
                        const cli_doubts *doubts)
{
    if (doubts->robust && doubts->robust->stopped)
        cli_warning(settings->quiet, "stopped at the time limit after %zu scenarios",
                    doubts->robust->scenarios);
    else if (doubts->robust && doubts->robust->aim != KERF_AIM_NOMINAL)
        cli_warning(settings->quiet,
                    "there are too many placements to price all: the plan is the "
                    "best of %zu that are best in some scenarios",
                    doubts->robust->placements);
    else if (plan->optimal)
        cli_warning(settings->quiet, "stopped at the time limit: where the answer changes is not "
                                     "known for all figures");
    else
        cli_warning(settings->quiet, "%s: the plan may be up to %.3g %% from the best",
                    settings->time_limit_s > 0 ? "stopped at the time limit"
                                               : "rounding hides the best among such costs",
                    100 * plan->gap);
}

cli_exit cli_plan(const cli_settings *settings)
{
    if ((settings->pareto || settings->cloud) && cli_has_doubts(settings))
        return cli_error(CLI_USAGE, "--%s: knows no uncertainty and no sensitivity",
                         settings->pareto ? "pareto" : "cloud");
    if (settings->sensitivity && settings->aim != KERF_AIM_NOMINAL)
        return cli_error(CLI_USAGE,
                         "--sensitivity: is of the best plan for the figures as they are "
                         "stated, not of %s",
                         kerf_aim_name((kerf_aim)settings->aim));
    if (settings->pareto)
        return cli_pareto(settings);
    if (settings->cloud)
        return cli_tiers(settings);
    cli_scene scene = {0};
    cli_doubts doubts = {0};
    kerf_plan *made = NULL;
    kerf_error err = {0};
    cli_exit status = cli_scene_load(settings, &scene);
    if (status != CLI_DONE)
        goto out;
    scene.question.compare_choices = true;
    if (cli_is_robust(settings)) {
        status = cli_robust_make(settings, &scene, &doubts);
    } else {
        const kerf_status planned = cli_make_plan(settings, &scene, &made, &err);
        if (planned != KERF_OK)
            status = fail(settings, &scene, planned, &err);
    }
    if (status != CLI_DONE)
        goto out;
    const kerf_plan *plan = doubts.robust ? doubts.robust->plan : made;
    if (plan)
        status = cli_sensitivity_make(settings, &scene, plan, &doubts);
    if (status != CLI_DONE || !plan)
        goto out;
    status = print(settings, &scene, plan, &doubts);
    if (status == CLI_DONE && settings->plot)
        status = cli_plan_plot(&scene, plan, settings->plot);
    const bool stopped = doubts.stopped || (doubts.robust && doubts.robust->stopped);
    if (status == CLI_DONE && (!plan->optimal || stopped)) {
        status = CLI_STOPPED;
        warn_of_gap(settings, plan, &doubts);
    }
out:
    cli_doubts_clear(&doubts);
    kerf_plan_destroy(&made);
    cli_scene_clear(&scene);
    return status;
}
