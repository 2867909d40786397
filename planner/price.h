/* The independent price of a placement (see kerf_price). */
#ifndef KERF_PLANNER_PRICE_H
#define KERF_PLANNER_PRICE_H

#include "kerf/plan.h"

/* Prices a placement with pricers that exist already. KERF_E_INVALID: data would flow back. */
kerf_status price_placement(const kerf_question *question, const kerf_power_mode *mode,
                            const kerf_pricer *device, const kerf_pricer *server,
                            const kerf_side *side, kerf_plan_cost *cost, kerf_error *err);

/* True if the network's tensor crosses from device to server under the placement. */
bool price_crosses(const kerf_question *question, const kerf_side *side, size_t tensor);

#endif
