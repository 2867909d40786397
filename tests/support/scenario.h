/* Scenarios from text, with the bundled devices, servers, links and networks.
 *
 *     kerf_scenario *s = scenario_of("{\"format\": ...}");   // ends the test on an error
 *     kerf_simulation *r = simulation_of(s, NULL);
 */
#ifndef KERF_TESTS_SCENARIO_H
#define KERF_TESTS_SCENARIO_H

#include "kerf/simulate.h"

kerf_status scenario_find_bundled(void *context, const char *kind, const char *name, char **path,
                                  kerf_error *err);
kerf_status scenario_parse(const char *text, kerf_scenario **scenario, kerf_error *err);
kerf_scenario *scenario_of(const char *text);
kerf_simulation *simulation_of(const kerf_scenario *scenario, const kerf_simulate_options *options);
/* Runs a text's scenario on two threads; *scenario is for the caller to destroy. */
kerf_simulation *simulate_text(const char *text, kerf_scenario **scenario);

#endif
