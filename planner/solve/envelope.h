/* The best point of a set in the plane that is known only through linear minimisation.
 *
 * Wanted is the least value(p, q) over a finite set of points, where value is quasi-concave and
 * does not decrease in p or in q: its minimum is at a corner of the lower left convex hull. An
 * oracle minimises a p + b q for any a, b >= 0. Each answer is a line below which no point lies;
 * where two neighbouring lines meet, value bounds all between them. The gap is closed by asking
 * again along the chord where that bound is still below the best value known (Eisner & Severance
 * 1976 for p + T(q) with a concave T; Aneja & Nair 1979 for two criteria). */
#ifndef KERF_PLANNER_SOLVE_ENVELOPE_H
#define KERF_PLANNER_SOLVE_ENVELOPE_H

#include "kerf/status.h"

#include <stdbool.h>

typedef struct envelope_point {
    double p, q;  /* a point of the set that minimises a p + b q */
    double bound; /* no point has less */
} envelope_point;

typedef struct envelope {
    kerf_status (*oracle)(void *context, double a, double b, envelope_point *point,
                          kerf_error *err);
    double (*value)(void *context, double p, double q);
    bool (*stopped)(void *context); /* true: return with the bound as it is */
    void *context;
    /* The first and last direction (a, b): along lines of the first one, value does not decrease
     * as q grows from 0; of the last one, as p grows. So if both are the same, it is constant. */
    double first[2], last[2];
    const double *best; /* some value that is known to be reached; may fall during the search */
    double tolerance;   /* relative: bounds that are so close to *best need no more looking */
} envelope;

/* A lower bound of value over the set; where nothing was stopped, at least *best less tolerance, or
 * the minimum itself. The oracle keeps the points. KERF_E_NOMEM and the oracle's errors. */
kerf_status envelope_minimise(const envelope *e, double *bound, kerf_error *err);

#endif
