/* A network under inspection and its faces: table, CSV, JSON. */
#ifndef KERF_CLI_INSPECT_H
#define KERF_CLI_INSPECT_H

#include "planner/cli/scene.h"

typedef struct inspection {
    kerf_network *network;
    kerf_device *device; /* NULL: no costs asked for */
    kerf_profile *profile;
    kerf_pricer *pricer;
    const kerf_power_mode *mode;
    kerf_cost *costs; /* by operator; the marginal price inside its group */
    kerf_cost total;  /* with the constants of a partition */
    double read_bytes, write_bytes;
} inspection;

/* Each prints to stdout and reports its own errors. */
cli_exit cli_inspect_table(const inspection *in);
cli_exit cli_inspect_csv(const inspection *in);
cli_exit cli_inspect_json(const inspection *in);

#endif
