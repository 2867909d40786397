/* The commands, a file each. */
#ifndef KERF_CLI_COMMANDS_H
#define KERF_CLI_COMMANDS_H

#include "planner/cli/options.h"

cli_exit cli_map(const cli_settings *settings);
cli_exit cli_plan(const cli_settings *settings);
cli_exit cli_inspect(const cli_settings *settings);
cli_exit cli_split(const cli_settings *settings);
cli_exit cli_ask(const cli_settings *settings);
cli_exit cli_keygen(const cli_settings *settings);
cli_exit cli_serve(const cli_settings *settings);
cli_exit cli_import(const cli_settings *settings);
cli_exit cli_measure(const cli_settings *settings);
cli_exit cli_simulate(const cli_settings *settings);
cli_exit cli_calibrate(const cli_settings *settings);
cli_exit cli_list_bundled(const cli_settings *settings);

#endif
