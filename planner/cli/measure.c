/* kerf measure: the energy of a board while a command runs. */
#include "planner/cli/measure.h"

#include "planner/cli/commands.h"

#include "base/memory.h"
#include "base/outfile.h"

#include <math.h>
#include <stdlib.h>

#define MOST_RUNS     100000
#define OFF_INTERVAL  0.1 /* of the interval: what tegrastats takes to read adds to it */
#define STUCK_SAMPLES 50  /* a live sensor flickers by more than nothing in that many */

static void clear(cli_measurement *m)
{
    for (size_t i = 0; i < m->n; i++)
        free(m->runs[i].rail);
    free(m->runs);
    kerf_rails_destroy(&m->rails);
}

double cli_above_idle_J(const cli_measurement *m, const kerf_energy *run)
{
    return m->idle_measured ? run->energy_J - m->idle.average_W * run->duration_s : NAN;
}

/* A run that cannot be believed is refused. */
static cli_exit check_run(const kerf_energy *run, const char *what)
{
    if (run->samples < 2)
        return cli_error(CLI_FAILED,
                         "%s: took %.3g s, too short for two samples, expected a command that runs "
                         "longer (or a shorter --period)",
                         what, run->duration_s);
    if (run->least_W == 0 && run->most_W == 0)
        return cli_error(CLI_FAILED,
                         "%s: the board's power reads 0 W all the time, expected more: is the "
                         "monitor disabled?",
                         what);
    if (run->energy_J <= 0)
        return cli_error(CLI_FAILED, "%s: the energy is %g J, expected more than 0", what,
                         run->energy_J);
    return CLI_DONE;
}

/* Over all runs: short ones tell nothing alone. */
static void warn_if_stuck(const cli_measurement *m)
{
    const cli_settings *s = m->settings;
    size_t samples = 0;
    bool moved = false;
    for (size_t i = 0; i < m->n; i++) {
        const kerf_energy *run = &m->runs[i].total;
        samples += run->samples;
        moved = moved || run->least_W != run->most_W || run->least_W != m->runs[0].total.least_W;
    }
    if (!moved && samples >= STUCK_SAMPLES)
        cli_warning(s->quiet,
                    "%s: the board's power reads %g W in all of %zu samples: the sensor may be "
                    "stuck",
                    s->tegrastats ? s->tegrastats : s->arguments.items[0], m->runs[0].total.least_W,
                    samples);
}

static cli_exit run_all(cli_measurement *m, char *const *argv)
{
    const size_t n = m->settings->repeat > 0 ? (size_t)m->settings->repeat : 1;
    if (n > MOST_RUNS)
        return cli_error(CLI_USAGE, "--repeat: expected at most %d", MOST_RUNS);
    m->runs = kerf_calloc(n, sizeof *m->runs);
    if (!m->runs)
        return cli_error(CLI_FAILED, "out of memory");
    const bool show = !m->settings->quiet && n > 1 && cli_is_terminal(stderr);
    cli_exit status = CLI_DONE;
    while (status == CLI_DONE && m->n < n) {
        if (show)
            fprintf(stderr, "\rrun %zu of %zu\033[K", m->n + 1, n);
        status = cli_measure_command(m, argv, &m->runs[m->n]);
        if (status == CLI_DONE)
            status = check_run(&m->runs[m->n++].total, argv[0]);
    }
    if (show)
        fputs("\r\033[K", stderr);
    return status;
}

/* The words after --, ended by NULL. */
static char **command_of(const cli_settings *settings)
{
    char **argv = kerf_calloc(settings->arguments.n + 1, sizeof *argv);
    for (size_t i = 0; argv && i < settings->arguments.n; i++)
        argv[i] = kerf_strdup(settings->arguments.items[i]);
    return argv;
}

static cli_exit measure_command(cli_measurement *m)
{
    char **argv = command_of(m->settings);
    if (!argv)
        return cli_error(CLI_FAILED, "out of memory");
    cli_exit status = m->settings->idle_s > 0 ? cli_measure_idle(m) : CLI_DONE;
    if (status == CLI_DONE && m->idle_measured)
        status = check_run(&m->idle, "--idle");
    if (status == CLI_DONE)
        status = run_all(m, argv);
    for (size_t i = 0; i < m->settings->arguments.n; i++)
        free(argv[i]);
    free(argv);
    return status;
}

/* Where the lines tell their times, an interval that is not theirs makes the energy wrong by that
 * factor: one that was only assumed is refused. */
static cli_exit check_interval(const cli_settings *s, const kerf_tegrastats *log, double interval_s)
{
    char stamped[40], taken[40];
    if (!(fabs(log->stamped_s - interval_s) > log->stamped_error_s + OFF_INTERVAL * interval_s))
        return CLI_DONE; /* also where they tell none */
    kerf_format_quantity(log->stamped_s, KERF_TIME, 3, stamped, sizeof stamped);
    kerf_format_quantity(interval_s, KERF_TIME, 3, taken, sizeof taken);
    if (s->interval_s > 0) {
        cli_warning(s->quiet, "%s: its lines are %s apart by their own times, taken as %s apart",
                    s->tegrastats, stamped, taken);
        return CLI_DONE;
    }
    return cli_error(CLI_FAILED,
                     "%s: its lines are %s apart by their own times, expected %s; say how far they "
                     "are apart with --interval",
                     s->tegrastats, stamped, taken);
}

static cli_exit read_log(cli_measurement *m)
{
    const cli_settings *s = m->settings;
    kerf_error err;
    kerf_tegrastats *log = NULL;
    const double interval_s = s->interval_s > 0 ? s->interval_s : 1;
    if (kerf_tegrastats_load(s->tegrastats, interval_s, s->rails.items, s->rails.n, &log, &err) !=
        KERF_OK)
        return cli_report(CLI_FAILED, &err);
    cli_exit status = check_interval(s, log, interval_s);
    if (status != CLI_DONE) {
        kerf_tegrastats_destroy(&log);
        return status;
    }
    m->runs = kerf_calloc(1, sizeof *m->runs);
    kerf_energy *rail = kerf_calloc(log->rails->n, sizeof *rail);
    if (!m->runs || !rail) {
        free(rail);
        status = cli_error(CLI_FAILED, "out of memory");
    } else {
        m->runs[0].rail = rail;
        m->n = 1;
        kerf_integral_end(&log->total, log->total.first_s, log->total.last_s, &m->runs[0].total);
        for (size_t i = 0; i < log->rails->n; i++)
            kerf_integral_end(&log->rail[i], log->rail[i].first_s, log->rail[i].last_s, &rail[i]);
        m->rails = log->rails;
        log->rails = NULL;
        if (log->skipped > 0)
            cli_warning(s->quiet, "%s: %zu of %zu lines have no power rails and were passed over",
                        s->tegrastats, log->skipped, log->skipped + log->lines);
        status = check_run(&m->runs[0].total, s->tegrastats);
    }
    kerf_tegrastats_destroy(&log);
    return status;
}

static cli_exit check_usage(const cli_settings *s)
{
    const bool command = s->arguments.n > 0;
    if (s->list_rails + (s->tegrastats != NULL) + command > 1)
        return cli_error(CLI_USAGE, "measure: expected one of a command, --tegrastats and --list");
    if (!s->list_rails && !s->tegrastats && !command)
        return cli_error(CLI_USAGE, "measure: the command is missing; 'kerf measure --help' shows "
                                    "the usage");
    if (s->tegrastats && (s->idle_s > 0 || s->repeat > 0 || s->sysfs || s->period_s > 0))
        return cli_error(CLI_USAGE, "measure: --idle, --repeat, --period and --sysfs do not apply "
                                    "to a log of tegrastats");
    if (s->interval_s > 0 && !s->tegrastats)
        return cli_error(CLI_USAGE, "measure: --interval applies to --tegrastats only");
    if (s->table_file && !s->of_network)
        return cli_error(CLI_USAGE, "measure: --write expects --network, the network that runs");
    if (s->of_network && !s->table_file)
        return cli_error(CLI_USAGE, "measure: --network applies to --write only");
    return CLI_DONE;
}

static cli_exit measure(cli_measurement *m)
{
    const cli_settings *s = m->settings;
    if (s->tegrastats)
        return read_log(m);
    kerf_error err;
    if (kerf_rails_find(s->sysfs, &m->rails, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    const kerf_status total = kerf_rails_choose(m->rails, s->rails.items, s->rails.n, &err);
    if (s->list_rails && (total == KERF_OK || s->rails.n == 0))
        return cli_measure_list(m);
    return total == KERF_OK ? measure_command(m) : cli_report(CLI_FAILED, &err);
}

cli_exit cli_measure(const cli_settings *settings)
{
    cli_measurement m = {.settings = settings};
    cli_exit status = check_usage(settings);
    kerf_error err = {0};
    /* Before any work is done, not after. */
    if (status == CLI_DONE && settings->table_file &&
        kerf_outfile_check(settings->table_file, settings->force, &err) != KERF_OK)
        status = cli_report(CLI_FAILED, &err);
    if (status == CLI_DONE)
        status = measure(&m);
    if (status == CLI_DONE && !settings->list_rails) {
        warn_if_stuck(&m);
        status = cli_measure_print(&m);
    }
    if (status == CLI_DONE && settings->table_file)
        status = cli_measure_write_table(&m);
    clear(&m);
    return status;
}
