/* The placements of one choice that no other one beats in all that can matter over a box of
 * conditions: what its objective and the limits on time and energy take from a placement. */
#ifndef KERF_PLANNER_FRONT_H
#define KERF_PLANNER_FRONT_H

#include "planner/map/candidates.h"
#include "planner/map/cells.h"

enum { FRONT_MOST_KEYS = 6 };

/* What can matter of a placement: the objective, energy and latency as far as the varying
 * conditions have no part in them, and what these multiply. */
typedef struct front_keys {
    cut_field field; /* link, objective and limits; room for one candidate */
    cut_outlook easiest;
    bool varies[CUT_AXES]; /* up, down: what is sent there is priced differently within the box */
    bool objective, energy, latency;
} front_keys;

typedef struct front {
    const cut_problem *problem; /* its limits: those that no condition changes */
    front_keys keys;
    size_t choice;
    double load; /* that the problem's server_s holds */
    cut_candidate *list;
    double (*key)[FRONT_MOST_KEYS];
    size_t n, cap_list, cap_key;
    size_t n_keys;
    size_t last; /* that turned one away: often the next one too */
    size_t examined;
    bool out_of_memory;
} front;

kerf_status front_create(const cut_problem *problem, size_t choice, double load,
                         const kerf_map_box *box, front *f, kerf_error *err);
void front_clear(front *f);

/* Offers a placement with its value (all but the memory). Copies what it keeps. False: no memory.
 */
bool front_offer(front *f, const uint8_t *x, const cut_value *value);

#endif
