/* kerf plan --pareto: a front instead of a plan. */
#ifndef KERF_CLI_PARETO_H
#define KERF_CLI_PARETO_H

#include "planner/cli/scene.h"

cli_exit cli_pareto(const cli_settings *settings);

/* Each prints to stdout, or draws, and reports its own errors. */
cli_exit cli_pareto_table(const cli_scene *scene, const kerf_front *front);
cli_exit cli_pareto_json(const cli_scene *scene, const kerf_front *front);
cli_exit cli_pareto_csv(const cli_scene *scene, const kerf_front *front);
cli_exit cli_pareto_plot(const cli_scene *scene, const kerf_front *front, const char *path);

/* The network that a point is of; the names of its encoding and variant, NULL where there is no
 * choice; what proves it, in a word. */
const kerf_network *cli_point_network(const cli_scene *scene, const kerf_front_point *point);
const char *cli_point_encoding(const cli_scene *scene, const kerf_front_point *point);
const char *cli_point_variant(const cli_scene *scene, const kerf_front_point *point);

#endif
