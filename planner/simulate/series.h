/* What a run was like over time: figures by step, of its first replication. */
#ifndef KERF_SIMULATE_SERIES_H
#define KERF_SIMULATE_SERIES_H

#include "kerf/simulate.h"

#define SIM_MAX_STEPS 1000000 /* of all series together */

struct sim_run;
struct sim_world;

/* A server's load by step. */
typedef struct sim_load {
    kerf_server_step *step;
    size_t n;
    double step_s, workers;
} sim_load;

/* Arrays by thing and step: i * n + step. While the run lasts, means are sums, and shares times. */
typedef struct sim_series {
    double step_s;
    size_t n;
    kerf_group_step *group;
    kerf_link_step *link, *point;
    sim_load *load; /* by server */
    kerf_server_step *server;
    bool finished;
} sim_series;

/* The number of steps; 0 if they are too many for that many series. */
size_t sim_series_steps(double duration_s, double step_s, size_t series);

bool sim_series_make(const kerf_scenario *scenario, double step_s, size_t n, sim_series *series);
void sim_series_clear(sim_series *series);

/* Where a time belongs, NULL if nowhere. */
kerf_group_step *sim_series_group(const sim_series *series, size_t group, double t);
kerf_link_step *sim_series_link(const sim_series *series, size_t link, double t);
kerf_link_step *sim_series_point(const sim_series *series, size_t point, double t);
/* So many workers were busy, and so many jobs inside, for that time. `load` may be NULL. */
void sim_load_note(const sim_load *load, double from, double to, double workers, double jobs);

/* From sums to means, and what links could carry; the run has ended. */
void sim_series_finish(sim_series *series, struct sim_run *run);

/* What results call a team's placements. */
typedef struct sim_cut_label {
    size_t device_operators;
    char *text;
} sim_cut_label;
/* By group and option: labels[first[group] + option]. False without memory. */
bool sim_series_labels(const struct sim_world *world, size_t **first, sim_cut_label **labels,
                       size_t *n);

#endif
