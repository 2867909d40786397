/* kerf measure: what its parts share. */
#ifndef KERF_CLI_MEASURE_H
#define KERF_CLI_MEASURE_H

#include "planner/cli/options.h"

#include "kerf/measure.h"

/* One run of the command, or the time covered by a log. */
typedef struct cli_run {
    kerf_energy total;
    kerf_energy *rail; /* by rail; owned */
} cli_run;

typedef struct cli_measurement {
    const cli_settings *settings;
    kerf_rails *rails;
    bool idle_measured;
    kerf_energy idle; /* of the total */
    cli_run *runs;
    size_t n;
} cli_measurement;

/* Samples the rails for a time, or while a command runs (argv ends with NULL). Reports what goes
 * wrong; a command that fails, or is interrupted, gives nothing. */
cli_exit cli_measure_idle(cli_measurement *m);
cli_exit cli_measure_command(cli_measurement *m, char *const *argv, cli_run *run);

/* The energy of one run above the idle board's; NAN where that was not measured. */
double cli_above_idle_J(const cli_measurement *m, const kerf_energy *run);

cli_exit cli_measure_print(const cli_measurement *m);
cli_exit cli_measure_write_table(const cli_measurement *m);
cli_exit cli_measure_list(const cli_measurement *m);

#endif
