/* A stable name for a decision, so that two answers can be told apart without comparing lists. */
#ifndef KERF_PLANNER_CUT_ID_H
#define KERF_PLANNER_CUT_ID_H

#include "kerf/plan.h"

/* The id of a placement of the network under a combination of power mode, encoding and variant, by
 * their names ("" for none): the same names, the same id, on every machine. */
void cut_id_make(const kerf_network *network, const kerf_side *side, const char *power_mode,
                 const char *encoding, const char *variant, char id[KERF_CUT_ID_SIZE]);

#endif
