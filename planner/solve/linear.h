/* The objectives as sums: every placement's device energy, latency and server energy, weighted,
 * split into what is linear and two concave functions of the bytes that cross. */
#ifndef KERF_PLANNER_SOLVE_LINEAR_H
#define KERF_PLANNER_SOLVE_LINEAR_H

#include "planner/problem.h"

/* energy * device J + latency * s + server * server J */
typedef struct cut_weights {
    double energy, latency, server;
} cut_weights;

/* The weights of the problem's objective: false for throughput and edp, which are no sums. */
bool cut_objective_weights(const cut_problem *problem, cut_weights *weights);

double cut_weighted(const cut_weights *weights, const cut_value *value);

/* What a second on the server, beside its energy, adds to the weighted sum. */
double cut_server_price(const cut_problem *problem, const cut_weights *weights);

/* What `bytes` > 0 in a direction add, all but the fixed energy of an offload; the slope there. */
double cut_link_cost(const cut_problem *problem, const cut_weights *weights,
                     kerf_direction direction, double bytes);
double cut_link_slope(const cut_problem *problem, const cut_weights *weights,
                      kerf_direction direction, double bytes);

/* Least and sum of the positive bytes that can cross in a direction; both 0 if there are none. */
void cut_byte_range(const cut_problem *problem, kerf_direction direction, double *least,
                    double *sum);

#endif
