/* Where answers change; see kerf/robust.h. */
#ifndef KERF_PLANNER_SENSITIVITY_H
#define KERF_PLANNER_SENSITIVITY_H

#include "kerf/robust.h"
#include "planner/robust/sensitivity_walk.h"

/* As kerf_sensitivity_make; with factors_only, neither rates nor RTT nor load are looked at. */
kerf_status sensitivity_find(const kerf_question *question, const walk_size *size,
                             bool factors_only, kerf_sensitivity **sensitivity, kerf_error *err);

#endif
