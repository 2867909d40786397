/* The lower envelope of planes over a box of prices, found through its vertices.
 *
 * Wanted are the planes h(p) = c[0] + c[1] p[0] + ... of a set that is known only through an
 * oracle, which returns for any p a plane that is least there. The envelope is concave, so if the
 * planes found so far are least at every vertex of their own envelope, nothing below it is missing
 * anywhere in the box. So: ask at a vertex; if the answer lies below, cut the envelope with it (the
 * double description method of Motzkin et al. 1953; the oracle of Eisner & Severance 1976 in one
 * dimension); until no vertex is left that was not asked. */
#ifndef KERF_PLANNER_VERTICES_H
#define KERF_PLANNER_VERTICES_H

#include "kerf/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { VERTICES_DIMENSIONS = 4 };

typedef struct vertices_plane {
    double c[VERTICES_DIMENSIONS + 1];
    double bound; /* no plane is lower at the p asked for */
} vertices_plane;

typedef struct vertices_search {
    size_t n;                                                   /* dimensions */
    double low[VERTICES_DIMENSIONS], high[VERTICES_DIMENSIONS]; /* low < high */
    kerf_status (*oracle)(void *context, const double *p, vertices_plane *plane, kerf_error *err);
    void *context;
    double tolerance; /* relative: planes that are lower by less are not looked for */
} vertices_search;

/* Asks until the envelope is complete. KERF_E_TOO_LARGE above 4096 planes, KERF_E_NOMEM,
 * KERF_E_INTERNAL where rounding hides the answer, the oracle's errors. */
kerf_status vertices_find(const vertices_search *search, kerf_error *err);

#endif
