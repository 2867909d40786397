/* The faces of a plan: table, JSON, CSV, picture. */
#ifndef KERF_CLI_PLAN_H
#define KERF_CLI_PLAN_H

#include "base/json_write.h"
#include "planner/cli/json_out.h"
#include "planner/cli/scene.h"

/* Each prints to stdout and reports its own errors. */
cli_exit cli_plan_table(const cli_scene *scene, const kerf_plan *plan);
cli_exit cli_plan_json(const cli_scene *scene, const kerf_plan *plan);
cli_exit cli_plan_csv(const cli_scene *scene, const kerf_plan *plan);
/* The text that a writer holds, as a document to print or to put into another one. Frees the text.
 */
json_t *cli_json_take(cli_json *j, kerf_writer *w);
/* The same document for others to print, and a plan with progress shown on a terminal. */
json_t *cli_plan_document(cli_json *j, const cli_scene *scene, const kerf_plan *plan);
kerf_status cli_make_plan(const cli_settings *settings, cli_scene *scene, kerf_plan **plan,
                          kerf_error *err);
/* The document of a question without a feasible answer. */
cli_exit cli_plan_json_infeasible(const cli_scene *scene, const kerf_error *err);

/* Draws the cost over the split point into a .svg or .png file. */
cli_exit cli_plan_plot(const cli_scene *scene, const kerf_plan *plan, const char *path);

#endif
