/* From a three-tier question to its numbers. */
#ifndef KERF_PLANNER_TIERS_BIND_H
#define KERF_PLANNER_TIERS_BIND_H

#include "planner/bind.h"
#include "planner/tiers/tiers.h"

/* One power mode of the device. Does not move: its parts point into it. */
typedef struct tier_binding {
    const kerf_tiers_question *question;
    /* The two layers as questions of their own: device to edge, edge to cloud. Their devices
     * support everything and they have no pins: what may run where is in `allowed`. */
    kerf_question layer[2];
    kerf_device plain[N_TIERS];
    cut_binding first;
    const kerf_power_mode *mode[N_TIERS];
    kerf_pricer *cloud;
    tier_problem problem;
    tier_group *groups;
    tier_cost *pool;
    double *back_bytes;
    uint8_t *allowed;
} tier_binding;

/* The borders of the question that are not the first layer's. KERF_E_INVALID, KERF_E_UNSUPPORTED.
 * To be called once, before tier_bind. */
kerf_status tier_check_question(const kerf_tiers_question *question, kerf_error *err);
/* Errors are those of cut_bind. Release with tier_binding_clear, also after an error. */
kerf_status tier_bind(const kerf_tiers_question *question, size_t device_mode,
                      tier_binding *binding, kerf_error *err);
void tier_binding_clear(tier_binding *binding);

/* The price of a placement (by operator of the network) that shares nothing with tier_evaluate. */
kerf_status tier_price(const tier_binding *binding, const kerf_tier *tier, kerf_tiers_cost *cost,
                       kerf_error *err);
/* True if the network's tensor goes up over the first (1) or second (2) link. */
bool tier_crosses(const tier_binding *binding, const kerf_tier *tier, int layer, size_t tensor);

#endif
