/* Plans under uncertainty, and how far figures may be off: kerf plan --uncertainty, --rate-trace,
 * --sensitivity and the objectives that need them. */
#ifndef KERF_CLI_ROBUST_H
#define KERF_CLI_ROBUST_H

#include "planner/cli/json_out.h"
#include "planner/cli/plan.h"

/* Takes what stands before the base objective in "minimax-regret:latency", "chance:0.95" and so on;
 * *rest is the base, "" if none is named. False, with a message, where it is wrong. */
bool cli_parse_aim(const cli_option *option, const char *text, cli_settings *settings,
                   const char **rest);

/* True if the options ask for more than one state of the world; also for that alone which is known
 * without drawing any. */
bool cli_is_robust(const cli_settings *settings);
bool cli_has_doubts(const cli_settings *settings);

/* All that was found out beside the plan; zeroed: nothing. */
typedef struct cli_doubts {
    kerf_spreads *spreads;
    kerf_robust *robust;
    kerf_sensitivity *sensitivity;
    bool stopped; /* before all were found where the answer changes */
} cli_doubts;

/* Makes the plan under uncertainty; reports what is wrong. */
cli_exit cli_robust_make(const cli_settings *settings, cli_scene *scene, cli_doubts *doubts);
/* Where the answer changes: with --sensitivity, or for the table where that is quickly known. */
cli_exit cli_sensitivity_make(const cli_settings *settings, cli_scene *scene, const kerf_plan *plan,
                              cli_doubts *doubts);
void cli_doubts_clear(cli_doubts *doubts);

/* Adds what is known to the plan's document; prints it below the plan's table, which has `scene`'s
 * answer already. */
void cli_doubts_json(cli_json *j, json_t *document, const cli_settings *settings,
                     const cli_scene *scene, const cli_doubts *doubts);
/* The one line of the plan's table. */
void cli_sensitivity_line(const kerf_sensitivity *sensitivity);
bool cli_doubts_table(const cli_settings *settings, const cli_scene *scene,
                      const cli_doubts *doubts);

#endif
