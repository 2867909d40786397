/* From the tallies of runs to figures with confidence intervals. */
#ifndef KERF_SIMULATE_RESULT_H
#define KERF_SIMULATE_RESULT_H

#include "planner/simulate/engine.h"

/* The figures of one run, plain numbers: what replications are compared by, and what may be sent
 * from one machine to another. NAN where there is none. */
#define SIM_GROUP_FIGURES(X)                                                                       \
    X(energy_J)                                                                                    \
    X(compute_J)                                                                                   \
    X(uplink_J)                                                                                    \
    X(wait_J)                                                                                      \
    X(downlink_J)                                                                                  \
    X(radio_fixed_J)                                                                               \
    X(total_energy_J)                                                                              \
    X(total_compute_J)                                                                             \
    X(total_uplink_J)                                                                              \
    X(total_wait_J)                                                                                \
    X(total_downlink_J)                                                                            \
    X(total_radio_fixed_J)                                                                         \
    X(server_energy_J)                                                                             \
    X(power_W)                                                                                     \
    X(battery_s)                                                                                   \
    X(latency_s)                                                                                   \
    X(queue_s)                                                                                     \
    X(device_s)                                                                                    \
    X(uplink_s)                                                                                    \
    X(server_wait_s)                                                                               \
    X(server_s)                                                                                    \
    X(downlink_s)                                                                                  \
    X(fallback_s)                                                                                  \
    X(miss_ratio)                                                                                  \
    X(drop_ratio)                                                                                  \
    X(offload_ratio)                                                                               \
    X(switch_ratio)                                                                                \
    X(throughput_per_s)                                                                            \
    X(objective)

typedef struct sim_group_figures {
#define SIM_FIGURE_FIELD(name) double name;
    SIM_GROUP_FIGURES(SIM_FIGURE_FIELD)
#undef SIM_FIGURE_FIELD
    double quantile_s[KERF_QUANTILES];
    uint64_t arrived, done, missed, dropped, offloaded, fallbacks, switches;
} sim_group_figures;

typedef struct sim_server_figures {
    double utilisation, jobs, wait_s, response_s, energy_J, batch;
    uint64_t accepted, rejected, failed;
} sim_server_figures;

typedef struct sim_link_figures {
    double utilisation[2], bytes[2], transfers[2];
} sim_link_figures;

/* A run's outcome; arrays by group, server, link and access point. */
typedef struct sim_outcome {
    bool ran, complete;
    uint64_t inferences;
    sim_group_figures *group;
    sim_server_figures *server;
    sim_link_figures *link, *point;
} sim_outcome;

bool sim_outcome_make(const kerf_scenario *scenario, sim_outcome *outcome);
void sim_outcome_clear(sim_outcome *outcome);
/* Works out the figures of a run that has ended, or was stopped. */
void sim_outcome_take(const sim_run *run, sim_outcome *outcome);

struct kerf_simulation {
    const kerf_scenario *scenario;
    sim_policy *policies;
    size_t n_policies;
    kerf_simulation_summary summary;
    sim_sketch *latency, *energy; /* by group and policy: g * n_policies + p */
    kerf_group_result *group;     /* likewise */
    kerf_server_result *server;
    kerf_link_result *link, *point;
    sim_series *series; /* by policy; NULL: none */
    size_t *first_label, n_labels;
    sim_cut_label *label;
};

/* The estimates from outcomes, in their order: outcome[r * policies + p]. */
kerf_status sim_summarise(kerf_simulation *s, const sim_outcome *outcome, size_t replications);

#endif
