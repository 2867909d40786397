/* kerf plan with --cloud: three tiers. */
#ifndef KERF_CLI_TIERS_H
#define KERF_CLI_TIERS_H

#include "planner/cli/scene.h"

typedef struct cli_tiers_scene {
    cli_scene scene;
    kerf_device *cloud;
    kerf_link *link;
    kerf_profile *profile;
    kerf_tiers_question question; /* borrows all of the above */
} cli_tiers_scene;

cli_exit cli_tiers(const cli_settings *settings);

/* Each prints to stdout and reports its own errors. */
cli_exit cli_tiers_table(const cli_tiers_scene *scene, const kerf_tiers_plan *plan);
cli_exit cli_tiers_json(const cli_tiers_scene *scene, const kerf_tiers_plan *plan);
cli_exit cli_tiers_json_infeasible(const cli_tiers_scene *scene, const kerf_error *err);
cli_exit cli_tiers_csv(const cli_tiers_scene *scene, const kerf_tiers_plan *plan);

#endif
