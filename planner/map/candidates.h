/* The candidate set: every placement that is best somewhere in a box of conditions.
 *
 * What a placement costs under any link and load depends on it only through its totals: time and
 * energy on either side, bytes each way, memory. So a placement whose totals are in all ways at
 * least another's is never needed, and for objectives that are linear or concave in the totals only
 * the vertices of the lower envelope over the box of prices are (Eisner & Severance 1976).
 * Maps, robust plans, Pareto fronts and the simulator all choose from such sets. */
#ifndef KERF_PLANNER_CANDIDATES_H
#define KERF_PLANNER_CANDIDATES_H

#include "kerf/map.h"
#include "planner/choice.h"
#include "planner/solve/solve.h"

typedef struct cut_candidate {
    size_t choice; /* index into cut_choices */
    uint8_t *x;    /* placement, by operator of the choice's problem; owned */
    /* Totals: device_s, device_J, server_s, server_J, up_bytes, down_bytes, memory_bytes,
     * device_operators are set. server_s is what an unloaded server takes. */
    cut_value totals;
} cut_candidate;

typedef struct cut_candidates {
    cut_candidate *list; /* by bytes up, then by choice, then in the order of enumeration */
    size_t n;
    size_t examined; /* placements, or minimum cuts */
    bool complete;   /* proven: no placement outside the list is better anywhere in the box */
} cut_candidates;

/* Finds the candidates of all choices for their objective and limits over a box (all ranges
 * filled in). Placements that cost the same within rounding are listed once: the one with most
 * operators on the device. None (n == 0, complete) where no placement keeps those limits that do
 * not depend on the conditions, or the others nowhere in the box. KERF_E_TOO_LARGE where there are
 * too many placements and no proof can be had without all of them (limits); KERF_E_TIME_LIMIT.
 * Release with cut_candidates_clear. */
kerf_status cut_candidates_find(const cut_choices *choices, const kerf_map_box *box,
                                const cut_options *options, cut_candidates *candidates,
                                kerf_error *err);
void cut_candidates_clear(cut_candidates *candidates);

/* What a candidate costs under the conditions: everything in cut_value, exactly as cut_evaluate
 * computes it for the choice's problem with that link and load. No allocation. */
void cut_candidate_price(const cut_problem *problem, const cut_value *totals,
                         const kerf_conditions *conditions, cut_value *value);

#endif
