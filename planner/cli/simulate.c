/* kerf simulate: a scenario under its policies. */
#include "planner/cli/simulate.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "planner/cli/commands.h"
#include "planner/cli/find.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DEFAULT_STEPS 240

/* --- progress and the way to stop --- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

typedef struct progress {
    struct timespec start;
    bool wanted, visible;
} progress;

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

static void format_left(double seconds, char *text, size_t size)
{
    if (seconds < 90)
        snprintf(text, size, "%.0f s", seconds);
    else if (seconds < 5400)
        snprintf(text, size, "%.0f min", seconds / 60);
    else
        snprintf(text, size, "%.1f h", seconds / 3600);
}

/* Only long work shows up. */
static bool show_progress(void *context, double done)
{
    progress *p = context;
    const double passed = seconds_since(&p->start);
    if (p->wanted && passed > 0.5) {
        char left[32] = "?";
        if (done > 0)
            format_left(passed / done - passed, left, sizeof left);
        fprintf(stderr, "\rsimulating: %.0f %%, %s left\033[K", 100 * done, left);
        p->visible = true;
    }
    return !interrupted;
}

/* --- the command --- */

static kerf_status find(void *context, const char *kind, const char *name, char **path,
                        kerf_error *err)
{
    (void)context;
    for (int k = 0; k < CLI_KIND_COUNT; k++)
        if (strcmp(kind, cli_kind_word((cli_kind)k)) == 0)
            return cli_find((cli_kind)k, name, path, err);
    return kerf_fail(err, KERF_E_INTERNAL, NULL, "no files of the kind %s", kind);
}

static void list_policies(void)
{
    for (int k = 0; k < KERF_POLICY_COUNT; k++)
        printf("%-12s %s\n", kerf_policy_name((kerf_policy_kind)k),
               kerf_policy_text((kerf_policy_kind)k));
}

static cli_exit load(const cli_settings *settings, kerf_scenario **scenario)
{
    const kerf_scenario_options options = {.find = find};
    kerf_error err = {0};
    char *path = NULL;
    kerf_status status = cli_find(CLI_SCENARIO, settings->argument, &path, &err);
    if (status == KERF_OK)
        status = kerf_scenario_load(path, &options, scenario, &err);
    free(path);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

static kerf_status run(const cli_settings *settings, const kerf_scenario *scenario,
                       kerf_simulation **simulation, kerf_error *err)
{
    progress p = {.wanted = !settings->quiet && cli_is_terminal(stderr)};
    struct sigaction stop = {.sa_handler = on_interrupt}, before;
    kerf_simulate_options options = {.policies = settings->policies.items,
                                     .n_policies = settings->policies.n,
                                     .has_seed = settings->seed >= 0,
                                     .replications = (size_t)settings->replications,
                                     .duration_s = settings->duration_s,
                                     .threads = (size_t)settings->threads,
                                     .endpoints = settings->endpoints.items,
                                     .n_endpoints = settings->endpoints.n,
                                     .step_s = settings->step_s,
                                     .progress = show_progress,
                                     .progress_context = &p};
    const double duration_s = settings->duration_s > 0
                                  ? settings->duration_s
                                  : kerf_scenario_describe(scenario).duration_s;
    if (!(options.step_s > 0) && (settings->series || settings->report))
        options.step_s = duration_s / DEFAULT_STEPS;
    if (options.has_seed)
        options.seed = (uint64_t)settings->seed;
    clock_gettime(CLOCK_MONOTONIC, &p.start);
    sigemptyset(&stop.sa_mask);
    stop.sa_flags = (int)SA_RESETHAND; /* a second one ends the program at once */
    sigaction(SIGINT, &stop, &before);
    const kerf_status status = kerf_simulate(scenario, &options, simulation, err);
    sigaction(SIGINT, &before, NULL);
    if (p.visible)
        fputs("\r\033[K", stderr);
    return status;
}

static cli_exit print(const cli_settings *settings, const kerf_scenario *scenario,
                      const kerf_simulation *simulation)
{
    cli_exit status = CLI_DONE;
    if (settings->series)
        status = cli_simulate_series(simulation, settings->series);
    if (status == CLI_DONE && settings->report)
        status = cli_simulate_report(scenario, simulation, settings->report);
    if (status != CLI_DONE)
        return status;
    if (settings->json)
        return cli_simulate_json(scenario, simulation);
    if (settings->csv)
        return cli_simulate_csv(scenario, simulation);
    return cli_simulate_table(scenario, simulation);
}

/* Before hours of work. */
static cli_exit check_files(const cli_settings *settings)
{
    const char *const files[] = {settings->series, settings->report};
    kerf_error err = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && kerf_outfile_check(files[i], true, &err) != KERF_OK)
            return cli_report(CLI_FAILED, &err);
    if (settings->series && settings->report && strcmp(settings->series, settings->report) == 0)
        return cli_error(CLI_USAGE, "simulate: --series and --report name the same file");
    return CLI_DONE;
}

cli_exit cli_simulate(const cli_settings *settings)
{
    kerf_scenario *scenario = NULL;
    kerf_simulation *simulation = NULL;
    kerf_error err = {0};
    if (settings->list_policies) {
        list_policies();
        return CLI_DONE;
    }
    if (!settings->argument)
        return cli_error(CLI_USAGE,
                         "simulate: SCENARIO is missing; 'kerf simulate --help' shows the usage");
    cli_exit status = check_files(settings);
    if (status == CLI_DONE)
        status = load(settings, &scenario);
    if (status != CLI_DONE)
        return status;
    const kerf_status ran = run(settings, scenario, &simulation, &err);
    if (ran != KERF_OK) {
        /* The scenario was in order, so what is invalid comes from the options. */
        status = cli_report(ran == KERF_E_INVALID ? CLI_USAGE : cli_exit_of(ran), &err);
    } else {
        status = print(settings, scenario, simulation);
        if (status == CLI_DONE && kerf_simulation_describe(simulation).partial) {
            cli_warning(settings->quiet, "stopped before the end: the results are partial");
            status = CLI_STOPPED;
        }
    }
    kerf_simulation_destroy(&simulation);
    kerf_scenario_destroy(&scenario);
    return status;
}
