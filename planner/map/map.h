/* The inside of a decision map, for planner/map*.c only. */
#ifndef KERF_PLANNER_MAP_H
#define KERF_PLANNER_MAP_H

#include "kerf/map.h"
#include "planner/map/cells.h"

/* A variant's network: names only. */
typedef struct map_network {
    char *name;
    char **operators;
    size_t n_operators;
} map_network;

typedef struct map_entry {
    kerf_map_entry shown; /* points to what follows */
    size_t network;       /* into the map's list */
    char *power_mode, *wire;
    kerf_side *side;
    kerf_map_tensor *tensors; /* their texts and dims are owned */
    size_t n_placed;          /* operators on either side */
    cut_value totals;         /* as of a cut_candidate */
    double wait_W;
} map_entry;

/* A map of one axis as steps along it: up to y, one cell. */
typedef struct map_step {
    double high;
    uint32_t cell;
} map_step;

struct kerf_map {
    kerf_map_topic topic; /* points to the names */
    char *names[4];       /* network, device, server, link */
    kerf_link link;       /* without texts */
    kerf_map_box box;
    kerf_conditions conditions;
    map_network *networks;
    size_t n_networks;
    map_entry *entries;
    size_t n_entries;
    /* for look-ups */
    cut_field field;
    cut_cells cells;
    int axis; /* of the steps */
    map_step *steps;
    size_t n_steps;
};

/* Readies a map for look-ups, once all above "for look-ups" is filled in. */
kerf_status map_index(kerf_map *map, kerf_error *err);

/* The problem that an entry is priced in: its network's size, link, objective and limits, no
 * operators. */
void map_problem(const kerf_map *map, size_t entry, cut_problem *problem);

/* Checks a box whose ranges are all filled in. */
kerf_status map_check_box(const kerf_link *link, const kerf_map_box *box, kerf_error *err);

/* Points an entry's `shown` to its own and the map's data. */
void map_show(kerf_map *map, size_t entry);

#endif
