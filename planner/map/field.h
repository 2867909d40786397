/* Candidates as functions of the conditions, priced fast and with slopes.
 *
 * Conditions are measured by how hard they are, y = (1 / uplink rate, 1 / downlink rate, RTT,
 * 1 / (1 - load)): in these, a placement's energy and latency are convex and non-decreasing,
 * jointly (a transfer's time is, see net/link.h; the rest is linear). So is the slowest stage, a
 * maximum of such. Their product (edp) is convex along every direction in which no y falls: there
 * both factors are convex, non-negative and non-decreasing. So, for all objectives and y >= low:
 *
 *     f(y) >= f(low) + slope(low) . (y - low)                         (slope: a subgradient)
 *
 * and along each coordinate alone f is convex, so that in a cell [low, high] it is nowhere above
 * the multilinear interpolation of its values at the corners. */
#ifndef KERF_PLANNER_FIELD_H
#define KERF_PLANNER_FIELD_H

#include "kerf/map.h"
#include "net/link.h"
#include "planner/problem.h"

enum { CUT_UP, CUT_DOWN, CUT_RTT, CUT_LOAD, CUT_AXES };

/* What conditions do not change of a candidate. */
typedef struct cut_terms {
    double energy_J, latency_s; /* all that is constant of them */
    double device_s;
    double server_s; /* unloaded */
    double server_J;
    double sent[2],
        doublings[2]; /* by kerf_direction: bytes with framing, 0: none; see kerf_path */
    double wait_W;
} cut_terms;

typedef struct cut_field {
    kerf_link link; /* its texts are not looked at */
    kerf_objective objective;
    double weight_energy, weight_latency;
    double deadline_s, budget_J; /* 0: none */
    bool result_at_server;
    cut_terms *terms; /* owned */
    size_t n;
} cut_field;

/* How things are: computed once per decision. */
typedef struct cut_outlook {
    kerf_path path[2];
    double slowdown; /* of the server */
} cut_outlook;

typedef struct cut_worth {
    double objective, energy_J, latency_s;
} cut_worth;

/* Takes link, objective and limits on time and energy from the problem; room for n terms. */
kerf_status cut_field_create(const cut_problem *problem, size_t n, cut_field *field,
                             kerf_error *err);
void cut_field_clear(cut_field *field);
/* Appends a candidate. `totals` as in cut_candidate. */
void cut_field_add(cut_field *field, const cut_value *totals, double wait_W);

void cut_hardship(const kerf_conditions *conditions, double y[CUT_AXES]);
void cut_outlook_at(const cut_field *field, const kerf_conditions *conditions, cut_outlook *at);
void cut_outlook_hard(const cut_field *field, const double y[CUT_AXES], cut_outlook *at);

/* One candidate. */
void cut_worth_at(const cut_field *field, size_t i, const cut_outlook *at, cut_worth *worth);
/* The slope of its objective. */
void cut_slope_at(const cut_field *field, size_t i, const cut_outlook *at, double slope[CUT_AXES]);
/* Largest relative excess over a limit, less the tolerance: kept if not above 0. */
double cut_excess(const cut_field *field, const cut_worth *worth);

/* The best that keeps the limits, of all or of n listed ones, which ascend; the first of equals.
 * KERF_NONE if none does. */
size_t cut_field_best(const cut_field *field, const cut_outlook *at);
size_t cut_field_best_of(const cut_field *field, const uint32_t *list, size_t n,
                         const cut_outlook *at);

#endif
