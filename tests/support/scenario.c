#include "tests/support/scenario.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

kerf_status scenario_find_bundled(void *context, const char *kind, const char *name, char **path,
                                  kerf_error *err)
{
    (void)context;
    if (asprintf(path, "configs/%ss/%s.json", kind, name) < 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return KERF_OK;
}

kerf_status scenario_parse(const char *text, kerf_scenario **scenario, kerf_error *err)
{
    const kerf_scenario_options options = {.find = scenario_find_bundled};
    return kerf_scenario_parse(text, strlen(text), "test.json", &options, scenario, err);
}

kerf_scenario *scenario_of(const char *text)
{
    kerf_scenario *scenario = NULL;
    kerf_error err = {0};
    if (scenario_parse(text, &scenario, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    return scenario;
}

kerf_simulation *simulation_of(const kerf_scenario *scenario, const kerf_simulate_options *options)
{
    kerf_simulation *simulation = NULL;
    kerf_error err = {0};
    if (kerf_simulate(scenario, options, &simulation, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    return simulation;
}

kerf_simulation *simulate_text(const char *text, kerf_scenario **scenario)
{
    const kerf_simulate_options options = {.threads = 2};
    *scenario = scenario_of(text);
    return simulation_of(*scenario, &options);
}
