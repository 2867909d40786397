/* The three-tier cut problem: numbers only. x(v) = 0 on the device, 1 on the edge, 2 in the cloud;
 * for every tensor, x(producer) <= x(consumer).
 *
 * As two layers of the two-tier problem (planner/problem.h), a(v) = [x(v) >= 1] and
 * b(v) = [x(v) = 2], b <= a: what crosses the first link depends on a alone, what crosses the
 * second on b alone, and only what the edge computes on both. Costs, with B over four transfers:
 *
 *   latency = device_s + T1(B_up1) + edge_s + T2(B_up2) + cloud_s + T2(B_down2) + T1(B_down1)
 *   energy  = device_J + J1(B_up1) + J1(B_down1) + fixed1 [if link 1 is used]
 *             + wait_W * (all of the latency after device_s), or wait_W * T1(B_up1) where the
 *             result is not needed on the device
 *   others  = edge_J + cloud_J + J2(B_up2) + J2(B_down2) + fixed2 [if link 2 is used]
 *   slowest = max of the three computing stages and the four occupancies
 */
#ifndef KERF_PLANNER_TIERS_H
#define KERF_PLANNER_TIERS_H

#include "kerf/tiers.h"
#include "planner/solve/dag.h"
#include "planner/solve/linear.h"
#include "planner/solve/solve.h"

enum { TIER_DEVICE, TIER_EDGE, TIER_CLOUD, N_TIERS };
typedef enum { UP1, DOWN1, UP2, DOWN2, N_TRANSFERS } tier_transfer;

typedef struct tier_cost {
    double s, J;
} tier_cost;

/* What a fused group costs beyond the device's part (which is in first->groups' tables): the edge
 * has operators [i, j) of its path, edge[i * (n + 1) + j] for i <= j (0 where i = j), the cloud
 * the rest from j on, cloud[j]. Arbitrary non-negative numbers. */
typedef struct tier_group {
    const tier_cost *edge, *cloud;
} tier_group;

typedef struct tier_problem {
    /* The first layer: operators, tensors, groups, memory, link, objective, limits. Its server
     * figures and its pins are not looked at. result_at_server: not needed on the device. */
    const cut_problem *first;
    const tier_group *groups;
    tier_cost edge_part, cloud_part; /* once where a tier has any operator */
    const kerf_link *link2;
    const double *back_bytes; /* by tensor: what it takes as a result that comes back */
    int result;               /* the tier where results are needed */
    const uint8_t *allowed;   /* by operator: bits of the tiers it may run on; NULL: all */
} tier_problem;

typedef struct tier_value {
    /* device_s, device_J, memory_bytes, energy_J, ... as there; server_s and server_J are the
     * edge's, up_* and down_* the first link's. */
    cut_value base;
    double cloud_s, cloud_J;
    double bytes[N_TRANSFERS], s[N_TRANSFERS], J[N_TRANSFERS];
    double fixed2_J;
    double others_J; /* all energy that is not the device's */
    size_t edge_operators, cloud_operators;
} tier_value;

/* All from the definitions, O(size of the problem); without memory: memory_bytes stays 0. */
void tier_evaluate(const tier_problem *problem, const uint8_t *x, tier_value *value);
void tier_evaluate_costs(const tier_problem *problem, const uint8_t *x, tier_value *value);
bool tier_is_legal(const tier_problem *problem, const uint8_t *x);

/* The transfer's link, direction, and layer of the placement (1 or 2). */
const kerf_link *tier_link(const tier_problem *problem, tier_transfer transfer);
static inline kerf_direction tier_direction(tier_transfer transfer)
{
    return transfer == UP1 || transfer == UP2 ? KERF_UPLINK : KERF_DOWNLINK;
}
static inline int tier_layer(tier_transfer transfer)
{
    return transfer == UP1 || transfer == DOWN1 ? 1 : 2;
}
/* Whether tensor t goes up over a layer's link in any case once its producer is below the layer;
 * bytes that it takes coming back over it, 0 if it never does. */
bool tier_result_above(const tier_problem *problem, size_t t, int layer);
double tier_back_bytes(const tier_problem *problem, size_t t, int layer);

/* What `bytes` > 0 add to a weighted sum (server: weight of others_J), but for the fixed energy of
 * a link's use, which is tier_fixed_cost. */
double tier_transfer_cost(const tier_problem *problem, const cut_weights *weights,
                          tier_transfer transfer, double bytes);
double tier_transfer_slope(const tier_problem *problem, const cut_weights *weights,
                           tier_transfer transfer, double bytes);
double tier_fixed_cost(const tier_problem *problem, const cut_weights *weights, int layer);
double tier_weighted(const cut_weights *weights, const tier_value *value);
/* Least and sum of positive bytes that a transfer can have. */
void tier_byte_range(const tier_problem *problem, tier_transfer transfer, double *least,
                     double *sum);

/* Tiers low[v] .. high[v] that each operator is left with, by what is allowed and by the DAG:
 * narrowed until nothing changes. False if some operator has none left. */
bool tier_narrow(const tier_problem *problem, const cut_dag *dag, uint8_t *low, uint8_t *high);

/* Solvers. Each fills solution (x: tiers) as cut_solve's do, with the same errors. */
kerf_status tier_solve(const tier_problem *problem, kerf_solver solver, const cut_options *options,
                       cut_solution *solution, kerf_error *err);
kerf_status tier_solve_exhaustive(const tier_problem *problem, const cut_options *options,
                                  cut_solution *solution, kerf_error *err);
kerf_status tier_solve_mincut(const tier_problem *problem, const cut_options *options,
                              cut_solution *solution, kerf_error *err);
kerf_status tier_solve_milp(const tier_problem *problem, const cut_options *options,
                            cut_solution *solution, kerf_error *err);
/* Number of legal placements, or limit + 1 if there are more. */
kerf_status tier_count(const tier_problem *problem, size_t limit, size_t *count, kerf_error *err);

#endif
