/* Measured groups of operators as bundles of the cut problem. */
#ifndef KERF_PLANNER_BUNDLES_H
#define KERF_PLANNER_BUNDLES_H

#include "planner/bind.h"

/* Fills the problem's bundles from what the binding's pricers say of their profiles' groups.
 * KERF_E_NOMEM. The binding's tensors must be there already. */
kerf_status cut_bind_bundles(cut_binding *binding);

#endif
