/* A map as JSON, for `kerf map --json` and the service: the keys are an outside contract. */
#ifndef KERF_PLANNER_MAP_JSON_H
#define KERF_PLANNER_MAP_JSON_H

#include "base/json_write.h"
#include "kerf/map.h"

/* Writes the document: what the map is of, its regions over the uplink rate at the conditions
 * (kerf_map_regions made them there), and its candidates. */
void map_json_write(kerf_writer *w, const kerf_map *map, const kerf_conditions *conditions,
                    const kerf_map_region *regions, size_t n_regions);

#endif
