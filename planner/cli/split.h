/* What `kerf split` reads: a placement from a plan's JSON, and ranges for int8. */
#ifndef KERF_CLI_SPLIT_H
#define KERF_CLI_SPLIT_H

#include "planner/cli/json_out.h"
#include "planner/cli/output.h"

/* The placement that an answer of `kerf plan --json` states for the network, its wire, and the
 * document itself; the caller frees and decrefs. Reports what is wrong. */
typedef struct cli_placement {
    kerf_side *side;
    kerf_wire wire;
    json_t *document;
} cli_placement;
cli_exit cli_read_placement(const char *path, const kerf_network *network,
                            cli_placement *placement);
void cli_placement_clear(cli_placement *placement);

/* Ranges by tensor; `ranges` owns its names. */
cli_exit cli_read_ranges(const char *path, kerf_range **ranges, size_t *n);
void cli_ranges_clear(kerf_range *ranges, size_t n);

#endif
