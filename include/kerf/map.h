/* Decision maps: which cut is best for every link rate, round-trip time and server load, computed
 * once, so that a decision at run time is a look-up.
 *
 *     kerf_map_box box = {.uplink_bps = {1e5, 1e9}};
 *     kerf_map *map = NULL;
 *     if (kerf_map_make(&question, &box, &map, &err) == KERF_OK) {
 *         kerf_conditions now = kerf_map_conditions(map);
 *         now.uplink_bps = 12e6;
 *         const kerf_map_entry *best = kerf_map_entry_at(map, kerf_map_find(map, &now));
 *         kerf_map_destroy(&map);
 *     }
 *
 * A map holds a candidate set: every placement (with its power mode, wire encoding and network
 * variant, where the question leaves these open) that is best somewhere in the box. A finished map
 * is immutable and self-contained: it borrows nothing, and any number of threads may look things up
 * in it.
 */
#ifndef KERF_MAP_H
#define KERF_MAP_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What may change between two decisions. */
typedef struct kerf_conditions {
    double uplink_bps, downlink_bps; /* as kerf_link's rate_bps */
    double rtt_s;
    double server_load;
} kerf_conditions;

/* The ranges that a map covers, {low, high} each. {0, 0}: fixed at the question's value. */
typedef struct kerf_map_box {
    double uplink_bps[2], downlink_bps[2];
    double rtt_s[2];
    double server_load[2];
} kerf_map_box;

/* A tensor that crosses to the server. */
typedef struct kerf_map_tensor {
    const char *name;
    const char *producer; /* the operator's name; NULL: an input of the network */
    const char *type;     /* "float32" */
    const int64_t *dims;
    size_t rank;
    int64_t bytes;     /* in its own type */
    double wire_bytes; /* as it is sent */
} kerf_map_tensor;

/* One candidate. */
typedef struct kerf_map_entry {
    char cut_id[KERF_CUT_ID_SIZE]; /* as kerf_plan's */
    const char *power_mode;
    const char *wire;             /* name of the encoding, or of the question's wire type */
    const char *network;          /* name of the variant's network */
    size_t encoding, variant;     /* KERF_NONE where the question lists none */
    double accuracy;              /* NAN: not known */
    const kerf_side *side;        /* by operator of the variant's network */
    const char *const *operators; /* their names */
    size_t n_operators;
    size_t n_device_operators;
    const kerf_map_tensor *tensors; /* those that cross to the server, in kerf_cut's order */
    size_t n_tensors;
    int64_t bytes;     /* of the crossing tensors, in their own types */
    double wire_bytes; /* as they are sent */
} kerf_map_entry;

/* What a map is of: the question's names, objective and constraints, and how it was found. */
typedef struct kerf_map_topic {
    const char *network, *device, *server, *link; /* names */
    kerf_objective objective;
    double weight_energy, weight_latency;
    kerf_limits limits;
    kerf_connection connection;
    bool result_at_server;
    size_t examined; /* placements or minimum cuts */
    bool complete;   /* proven: no placement outside the map is better anywhere in the box */
} kerf_map_topic;

/* A range of uplink rates, all else being fixed, in which one entry is best; its borders are exact
 * to 1e-6 relative. */
typedef struct kerf_map_region {
    double uplink_bps[2];
    size_t entry; /* KERF_NONE: no placement keeps the constraints here */
} kerf_map_region;

typedef struct kerf_map kerf_map;

/* Computes the map of a question over a box; the caller owns *map. What the question fixes (link,
 * server load) is what the box does not vary. Objectives and constraints are the question's.
 * KERF_E_INVALID (a range upside down, ...), KERF_E_INFEASIBLE (no placement keeps the constraints
 * anywhere in the box), KERF_E_TOO_LARGE (a network with too many placements, and a question whose
 * map needs them all), KERF_E_TIME_LIMIT (an unfinished map is none), the errors of
 * kerf_plan_make. */
KERF_API kerf_status kerf_map_make(const kerf_question *question, const kerf_map_box *box,
                                   kerf_map **map, kerf_error *err);
KERF_API void kerf_map_destroy(kerf_map **map);

KERF_API const kerf_map_box *kerf_map_range(const kerf_map *map);  /* fixed axes: low == high */
KERF_API kerf_conditions kerf_map_conditions(const kerf_map *map); /* the question's own */
KERF_API const kerf_map_topic *kerf_map_about(const kerf_map *map);
KERF_API size_t kerf_map_entries(const kerf_map *map);
KERF_API const kerf_map_entry *kerf_map_entry_at(const kerf_map *map, size_t entry); /* borrowed */

/* The best entry under the conditions; KERF_NONE where no placement keeps the constraints, or the
 * conditions lie outside the box. Allocates nothing, takes no lock, calls nothing that does. */
KERF_API size_t kerf_map_find(const kerf_map *map, const kerf_conditions *conditions);

/* What an entry costs under any conditions, inside the box or not: what kerf_price says of its
 * placement. KERF_E_INVALID: no such entry, conditions out of range. No allocation. */
KERF_API kerf_status kerf_map_price(const kerf_map *map, size_t entry,
                                    const kerf_conditions *conditions, kerf_plan_cost *cost,
                                    kerf_error *err);

/* Regions over the uplink rate at the given conditions (their uplink rate is not looked at; NULL:
 * the question's own, or the nearest in the box), ascending, contiguous, covering the box; where
 * entries cost the same all over a region it is the first's. The caller frees *regions.
 * KERF_E_INVALID: conditions outside the box. */
KERF_API kerf_status kerf_map_regions(const kerf_map *map, const kerf_conditions *conditions,
                                      kerf_map_region **regions, size_t *n, kerf_error *err);

/* To and from a file ("kerf-map/1", configs/schema/map.json). A loaded map answers as the saved one
 * did, to the last bit. KERF_E_IO, KERF_E_SYNTAX, KERF_E_INVALID. */
KERF_API kerf_status kerf_map_save(const kerf_map *map, const char *path, kerf_error *err);
KERF_API kerf_status kerf_map_load(const char *path, kerf_map **map, kerf_error *err);

#ifdef __cplusplus
}
#endif
#endif
