/* What the parts of the scenario's reader share. Every function returns false once the document has
 * failed; errors carry the JSON pointer. */
#ifndef KERF_SIMULATE_SCENARIO_READ_H
#define KERF_SIMULATE_SCENARIO_READ_H

#include "base/json.h"
#include "planner/simulate/scenario.h"

typedef struct scenario_reader {
    kerf_scenario *scenario;
    const char *path; /* of the scenario: files are beside it */
    const kerf_scenario_options *options;
} scenario_reader;

/* The path of what a string names: bundled (where the caller has a `find`), or a file beside the
 * scenario. The caller frees it. */
bool scenario_find(const scenario_reader *r, const kerf_json *at, const char *kind, char **path);
/* Latches another function's error at a value. */
bool scenario_fail(const kerf_json *at, kerf_status status, const kerf_error *err);
bool scenario_copy(const kerf_json *object, const char *key, kerf_presence presence, char **copy);
/* A quantity that must be more than 0 if it is there. */
bool scenario_positive(const kerf_json *object, const char *key, kerf_quantity kind,
                       kerf_presence presence, double *value);
bool scenario_count(const kerf_json *object, const char *key, kerf_presence presence, size_t low,
                    size_t high, size_t *value);
/* Which of the words (ending in NULL) the string is. */
bool scenario_choice(const kerf_json *object, const char *key, const char *const *words,
                     int *choice);
/* The index of a named thing in an array of structs that begin with their name. */
bool scenario_reference(const kerf_json *object, const char *key, kerf_presence presence,
                        const char *what, const void *list, size_t n, size_t size, size_t *index);
/* Number of an object's members. */
size_t scenario_members(const kerf_json *object);

bool scenario_read_trace(const scenario_reader *r, const kerf_json *object, const char *key,
                         bool rtt, kerf_trace **trace);
bool scenario_read_access_points(scenario_reader *r, const kerf_json *root);
bool scenario_read_links(scenario_reader *r, const kerf_json *root);
bool scenario_read_servers(scenario_reader *r, const kerf_json *root);
bool scenario_read_groups(scenario_reader *r, const kerf_json *root);
bool scenario_read_faults(scenario_reader *r, const kerf_json *root);
bool scenario_read_arrivals(const scenario_reader *r, const kerf_json *group,
                            sim_arrivals *arrivals);
/* Of a word or an object with options. */
bool scenario_read_policy(const kerf_json *at, sim_policy *policy);
bool scenario_read_policies(scenario_reader *r, const kerf_json *root);

#endif
