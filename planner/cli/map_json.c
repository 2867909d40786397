/* The map as JSON; planner/map_json.c has its keys. */
#include "planner/cli/map.h"
#include "planner/cli/plan.h"

#include "planner/map/map_json.h"

cli_exit cli_map_json(const cli_map_view *view)
{
    cli_json j = {false};
    kerf_writer w = {0};
    map_json_write(&w, view->map, &view->conditions, view->regions, view->n_regions);
    json_t *document = cli_json_take(&j, &w);
    return cli_json_print(&j, document);
}
