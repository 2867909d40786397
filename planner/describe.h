/* From a solver's placement to what the caller of the library sees. */
#ifndef KERF_PLANNER_DESCRIBE_H
#define KERF_PLANNER_DESCRIBE_H

#include "planner/bind.h"

/* The tensors of which `crosses` says so, ordered as in a kerf_cut. KERF_E_NOMEM; err is not set.
 */
kerf_status describe_cut(const kerf_question *question,
                         bool (*crosses)(const void *context, size_t tensor), const void *context,
                         kerf_cut *cut);

/* By operator of the network; the caller frees it. NULL: no memory. */
kerf_side *describe_sides(const cut_binding *binding, const uint8_t *x);

/* A placement's sides, cut and independent price, and whether it is allowed. On an error the caller
 * clears what is there already. KERF_E_NOMEM. */
kerf_status describe_placement(const cut_binding *binding, const uint8_t *x, kerf_option_plan *out,
                               kerf_error *err);
void describe_clear(kerf_option_plan *option);

#endif
