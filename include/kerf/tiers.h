/* Three tiers: device, edge server and cloud, one after the other along the data.
 *
 *     kerf_tiers_question q = {.edge = question, .cloud = cloud, .cloud_link = wan};
 *     kerf_tiers_plan *plan = NULL;
 *     if (kerf_tiers_make(&q, &plan, &err) == KERF_OK) {
 *         printf("%g J, %g s\n", plan->cost.first.device_energy_J, plan->cost.first.latency_s);
 *         kerf_tiers_destroy(&plan);
 *     }
 *
 * Data flows from the device to the edge over the first link and from there to the cloud over the
 * second; what goes from the device to the cloud passes through the edge and pays both. Where no
 * operator may run in the cloud, the answer is that of kerf_plan_make.
 */
#ifndef KERF_TIERS_H
#define KERF_TIERS_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kerf_tier {
    KERF_TIER_FREE, /* constant operators: on no tier */
    KERF_TIER_DEVICE,
    KERF_TIER_EDGE,
    KERF_TIER_CLOUD
} kerf_tier;

typedef struct kerf_tier_pin {
    size_t operator_index;
    kerf_tier tier;
} kerf_tier_pin;

typedef struct kerf_tiers_question {
    /* The device, its link and the edge server (`server`, `server_profile`, `server_load`), and
     * all that is asked. Its pins hold too (KERF_SIDE_SERVER: on the edge). max_bytes limits the
     * first link; total-energy counts the cloud and what the second link's file says of power.
     * Encodings must cost nothing; variants and a minimum accuracy are KERF_E_UNSUPPORTED. `top` is
     * not looked at, nor is result_at_server unless `result` is KERF_TIER_FREE. */
    kerf_question edge;
    const kerf_device *cloud;
    const kerf_link *cloud_link;       /* from the edge to the cloud, and back */
    const kerf_profile *cloud_profile; /* or NULL */
    double cloud_load;                 /* 0 <= load < 1 */
    const kerf_tier_pin *pins;
    size_t n_pins;
    kerf_tier result; /* where the result is needed; KERF_TIER_FREE: as edge.result_at_server */
} kerf_tiers_question;

/* What one inference costs. `first` has the fields of kerf_plan_cost with their meaning: server_s
 * and server_energy_J are the edge's, the bytes the first link's, device_energy_J and latency_s
 * the whole. */
typedef struct kerf_tiers_cost {
    kerf_plan_cost first;
    double cloud_uplink_s, cloud_s, cloud_downlink_s; /* with first.*_s they add up to latency_s */
    double cloud_energy_J;                            /* of computing there */
    double cloud_link_J; /* what the second link's radio takes, at the edge */
    double cloud_uplink_bytes, cloud_downlink_bytes;
} kerf_tiers_cost;

typedef struct kerf_tiers_option { /* one of the extremes */
    bool exists, feasible;
    kerf_tiers_cost cost;
} kerf_tiers_option;

typedef struct kerf_tiers_plan {
    kerf_tier *tier;      /* by operator of the network */
    kerf_cut cut;         /* what crosses from the device to the edge */
    kerf_cut cut2;        /* and from the edge to the cloud, what only passes through included */
    kerf_tiers_cost cost; /* priced from the placement, independently of the solver */
    bool optimal;
    char power_mode[64];
    size_t encoding; /* of the question's; KERF_NONE where it lists none */
    kerf_solver solver;
    double bound, gap;
    size_t examined;
    kerf_tiers_option all_device, all_edge, all_cloud;
    double solve_time_s;
} kerf_tiers_plan;

/* Answers a question; solvers and errors are those of kerf_plan_make. mincut keeps no limits and
 * no bottleneck (throughput); milp and exhaustive keep all. */
KERF_API kerf_status kerf_tiers_make(const kerf_tiers_question *question, kerf_tiers_plan **plan,
                                     kerf_error *err);
KERF_API void kerf_tiers_destroy(kerf_tiers_plan **plan);

/* Prices any placement (tier[i] for operator i) from the definitions of the cost model alone; the
 * power mode is one mode, not "any". KERF_E_INVALID where data would flow back. */
KERF_API kerf_status kerf_tiers_price(const kerf_tiers_question *question, const kerf_tier *tier,
                                      kerf_tiers_cost *cost, kerf_error *err);

KERF_API const char *kerf_tier_name(kerf_tier tier); /* "device", "edge", "cloud" */

#ifdef __cplusplus
}
#endif
#endif
