/* The faces of a map: table, JSON, CSV, picture. */
#ifndef KERF_CLI_MAP_H
#define KERF_CLI_MAP_H

#include "planner/cli/json_out.h"
#include "planner/cli/scene.h"

typedef struct cli_map_view {
    const kerf_map *map;
    const cli_scene *scene;     /* NULL: a map from a file */
    kerf_conditions conditions; /* of the regions; their uplink rate is not looked at */
    kerf_map_region *regions;
    size_t n_regions;
} cli_map_view;

/* Each prints to stdout and reports its own errors. */
cli_exit cli_map_table(const cli_map_view *view);
cli_exit cli_map_json(const cli_map_view *view);
cli_exit cli_map_csv(const cli_map_view *view);
/* Draws the regions into a .svg or .png file. */
cli_exit cli_map_plot(const cli_map_view *view, const char *path);

/* What an entry costs at an uplink rate, all else as in the view. */
kerf_plan_cost cli_map_cost(const cli_map_view *view, size_t entry, double uplink_bps);

/* "after 'relu_7'", "all on the device", ...: into text. */
void cli_map_describe(const kerf_map_entry *entry, char *text, size_t size);

/* Whether entries differ in what may be chosen beside the cut. */
typedef struct cli_map_choice {
    bool modes, wires, networks;
} cli_map_choice;
cli_map_choice cli_map_choices(const kerf_map *map);

#endif
