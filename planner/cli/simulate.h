/* The faces of a simulation's results: table, JSON, CSV. */
#ifndef KERF_CLI_SIMULATE_H
#define KERF_CLI_SIMULATE_H

#include "planner/cli/json_out.h"

/* Each prints to stdout and reports its own errors. */
cli_exit cli_simulate_table(const kerf_scenario *scenario, const kerf_simulation *simulation);
cli_exit cli_simulate_csv(const kerf_scenario *scenario, const kerf_simulation *simulation);
cli_exit cli_simulate_json(const kerf_scenario *scenario, const kerf_simulation *simulation);
/* Figures over time, as comma-separated values, and the page of tables and charts: complete files
 * or none. Both report their own errors. */
cli_exit cli_simulate_series(const kerf_simulation *simulation, const char *path);
cli_exit cli_simulate_report(const kerf_scenario *scenario, const kerf_simulation *simulation,
                             const char *path);
/* The JSON document, for others to print. */
json_t *cli_simulate_document(cli_json *j, const kerf_scenario *scenario,
                              const kerf_simulation *simulation);

#endif
