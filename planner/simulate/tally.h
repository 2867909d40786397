/* What one run (a policy in a replication) has counted: plain data. */
#ifndef KERF_SIMULATE_TALLY_H
#define KERF_SIMULATE_TALLY_H

#include "planner/simulate/server.h"
#include "planner/simulate/stats.h"

/* One inference that has ended. */
typedef struct sim_record {
    double arrival;
    double queue_s, device_s, uplink_s, server_wait_s, server_s, downlink_s, fallback_s;
    double compute_J, uplink_J, wait_J, downlink_J, fixed_J, server_J;
    uint32_t option;
    bool offloaded, fell_back, switched, dropped;
    bool served, tail_ended; /* of a result that stays on the server: both are needed */
} sim_record;

/* X(field of kerf_group_result, expression of sim_record r with e its energy, l its latency) */
#define SIM_MEANS(X)                                                                               \
    X(energy_J, e)                                                                                 \
    X(compute_J, r->compute_J)                                                                     \
    X(uplink_J, r->uplink_J)                                                                       \
    X(wait_J, r->wait_J)                                                                           \
    X(downlink_J, r->downlink_J)                                                                   \
    X(radio_fixed_J, r->fixed_J)                                                                   \
    X(server_energy_J, r->server_J)                                                                \
    X(latency_s, l)                                                                                \
    X(queue_s, r->queue_s)                                                                         \
    X(device_s, r->device_s)                                                                       \
    X(uplink_s, r->uplink_s)                                                                       \
    X(server_wait_s, r->server_wait_s)                                                             \
    X(server_s, r->server_s)                                                                       \
    X(downlink_s, r->downlink_s)                                                                   \
    X(fallback_s, r->fallback_s)

enum { SIM_PARTS = 5 }; /* of energy: compute, uplink, wait, downlink, fixed */

typedef struct sim_tally {
    uint64_t arrived, started, done, missed, dropped, offloaded, fallbacks, switches;
#define SIM_MEAN_FIELD(name, expression) sim_mean name;
    SIM_MEANS(SIM_MEAN_FIELD)
#undef SIM_MEAN_FIELD
    sim_mean objective;
    sim_sum total_J; /* inferences that arrived in the window, dropped ones as well */
    sim_sum total_part_J[SIM_PARTS];
    sim_sum active_s; /* boards computing or waiting for those */
    sim_sketch latency, energy;
} sim_tally;

typedef struct sim_link_tally {
    sim_sum bytes[2];
    uint64_t transfers[2];
} sim_link_tally;

#endif
