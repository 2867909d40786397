/* The faces of a plan: table, JSON, CSV, picture. */
#ifndef KERF_CLI_PLAN_H
#define KERF_CLI_PLAN_H

#include "planner/cli/scene.h"

/* Each prints to stdout and reports its own errors. */
cli_exit cli_plan_table(const cli_scene *scene, const kerf_plan *plan);
cli_exit cli_plan_json(const cli_scene *scene, const kerf_plan *plan);
cli_exit cli_plan_csv(const cli_scene *scene, const kerf_plan *plan);
/* The document of a question without a feasible answer. */
cli_exit cli_plan_json_infeasible(const cli_scene *scene, const kerf_error *err);

/* Draws the cost over the split point into a .svg or .png file. */
cli_exit cli_plan_plot(const cli_scene *scene, const kerf_plan *plan, const char *path);

#endif
