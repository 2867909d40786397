/* Lower bounds under limits, by pricing what is limited.
 *
 * With a price on every limited resource what is left is a sum, whose least value is found by
 * minimum cuts (sum.h), concave link costs included; less the price of what the limits allow, it is
 * a lower bound whatever the prices, and the best prices come close (Geoffrion 1974; Fisher 1981).
 * They are looked for with cutting planes: every placement that a cut finds is a linear function of
 * the prices that the bound is below of; the highest point under those found so far is where to
 * ask next (master.h). A bottleneck, of stages or of relative excesses over limits, is the largest
 * average of its parts: their prices sum to 1. */
#ifndef KERF_PLANNER_SOLVE_LAGRANGE_H
#define KERF_PLANNER_SOLVE_LAGRANGE_H

#include "planner/solve/resources.h"

typedef enum lagrange_goal {
    LAGRANGE_SUM,      /* weighted energy, latency and server energy, limits kept */
    LAGRANGE_SLOWEST,  /* the slowest stage, limits kept */
    LAGRANGE_VIOLATION /* the largest relative excess over a limit */
} lagrange_goal;

typedef struct lagrange_host {
    /* Every placement that is come by; value->memory_bytes is right but for rounding. */
    void (*visit)(void *context, const uint8_t *x, const cut_value *value);
    bool (*stopped)(void *context);
    double (*cutoff)(void *context); /* a bound from here on is as good as INFINITY */
    void *context;
} lagrange_host;

/* Prices, and the bound that they gave, of the goal. */
typedef struct lagrange_point {
    double price[MOST_RESOURCES];
    double bound;
} lagrange_point;

typedef struct lagrange lagrange;

/* KERF_E_NOMEM. The problem and the host are borrowed. */
kerf_status lagrange_create(const cut_problem *problem, lagrange_goal goal,
                            const lagrange_host *host, lagrange **l, kerf_error *err);
void lagrange_destroy(lagrange **l);

/* What LAGRANGE_SUM adds up. size > 0: about how large the goal is. */
void lagrange_set_goal(lagrange *l, const cut_weights *weights, double size);

/* No placement at all has a larger value of the goal. */
double lagrange_most(const lagrange *l);

/* Raises at->bound over the placements that keep `side` (see cut_dag_force), starting from
 * at->price, with at most so many questions. INFINITY if there are none that keep the limits.
 * KERF_E_NOMEM, KERF_E_INTERNAL. */
kerf_status lagrange_bound(lagrange *l, const uint8_t *side, size_t questions, lagrange_point *at,
                           kerf_error *err);

/* The mix of placements that shows that no prices give (much) more, by operator: its share on the
 * server. Of the last lagrange_bound. */
const double *lagrange_mix(const lagrange *l);

/* Fixes what placements below the cutoff agree on: an operator whose other side would bring the
 * bound at the point's prices up to the cutoff. Adds to `side`, which must be the one of the last
 * lagrange_bound. At most so many questions. Where nothing is left, at->bound says so. */
kerf_status lagrange_fix(lagrange *l, lagrange_point *at, size_t questions, uint8_t *side,
                         size_t *fixed, kerf_error *err);

#endif
