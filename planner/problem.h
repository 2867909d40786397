/* The cut problem: numbers only, no names, no shapes. What solvers work on.
 *
 * x(v) = 0 on the device, 1 on the server, for operators v = 0 .. n-1 in topological order; for
 * every tensor, x(producer) <= x(consumer). The cost of a placement x:
 *
 *   device  = device_part once if any x = 0, plus the groups' tables, plus the codec's costs
 *   server  = server_part once if any x = 1, plus the groups' tables, plus the codec's costs
 *             (load already applied); both plus the bundles
 *   B_up    = sum of up_bytes over tensors whose producer is on the device (or is the source) and
 *             of which a consumer is on the server (or which is needed at the server: to_server)
 *   B_down  = sum of down_bytes over results (to_device) whose producer is on the server
 *   latency = device_s + T_up(B_up) + server_s + T_down(B_down)         (T: kerf_link_transfer_s)
 *   energy  = device_J + J_up(B_up) + J_down(B_down) + fixed_J [if B_up + B_down > 0]
 *             + wait_W * (T_up + server_s + T_down)     or wait_W * T_up with result_at_server
 *   slowest stage = max(device_s, occupancy_up(B_up), server_s, occupancy_down(B_down))
 *   throughput objective value, minimised here: the slowest stage in seconds
 *
 * Everything is minimised. Sizes: n operators, arrays owned by the problem's builder.
 */
#ifndef KERF_PLANNER_PROBLEM_H
#define KERF_PLANNER_PROBLEM_H

#include "kerf/plan.h"

#include <stdint.h>

#define CUT_SOURCE          KERF_NONE /* producer of the network's inputs: always on the device */
#define CUT_LIMIT_TOLERANCE 1e-9      /* relative excess over a limit that is rounding */

typedef struct cut_cost {
    double device_s, device_J, server_s, server_J;
} cut_cost;

/* A fused group: a path in the DAG, so its first j operators are on the device and the rest on the
 * server; table[j], j = 0 .. n, is what both sides pay together for that. Arbitrary non-negative
 * numbers: additivity inside a group is not assumed. Every operator is in exactly one group. */
typedef struct cut_group {
    const size_t *operators;
    size_t n;
    const cut_cost *table;
} cut_group;

/* Operators that cost more or less if all of them are on one side: `cost`, of either sign, is added
 * then. No figure's sum is ever below 0. Bundles may share operators. Minimum cuts can express a
 * surcharge for one operator only, a discount for any number; since data flows one way, listing the
 * last operators of a set (for the device) or its first ones (for the server) says the same. */
typedef struct cut_bundle {
    const size_t *operators; /* ascending, at least one */
    size_t n;
    kerf_side side;
    cut_cost cost;
} cut_bundle;

typedef struct cut_tensor {
    size_t producer;         /* operator or CUT_SOURCE */
    const size_t *consumers; /* ascending */
    size_t n_consumers;
    double up_bytes;   /* payload bytes if it crosses to the server, >= 0 */
    double down_bytes; /* payload bytes if it comes back, >= 0 */
    bool to_server;    /* a result needed at the server: as if consumed there */
    bool to_device;    /* a result needed on the device */
    /* What encoding and decoding it costs both sides, where it crosses in that direction; 0 where
     * it has no bytes. */
    cut_cost up_cost, down_cost;
} cut_tensor;

/* Weights held once on the device if any of these operators is there. */
typedef struct cut_weight {
    double bytes;
    const size_t *operators;
    size_t n;
} cut_weight;

/* A buffer of activations: alive on the device from its producer (or from the start, if the
 * source fills it) until its last reader has run there, and to the end if any reader is on the
 * server or `kept`. Readers run in operator order. A buffer whose producer is on the server is not
 * on the device. (Views and in-place members of a fused group share their buffer; its producer is
 * the first operator that writes it.) */
typedef struct cut_buffer {
    double bytes;
    size_t producer;
    const size_t *readers; /* ascending */
    size_t n_readers;
    bool kept;
} cut_buffer;

typedef struct cut_problem {
    size_t n;
    const cut_group *groups;
    size_t n_groups;
    const cut_bundle *bundles;
    size_t n_bundles;
    const cut_tensor *tensors; /* every dependency between operators is in some tensor */
    size_t n_tensors;
    const cut_weight *weights;
    size_t n_weights;
    const cut_buffer *buffers;
    size_t n_buffers;
    cut_cost device_part; /* only device_s, device_J are set */
    cut_cost server_part; /* only server_s, server_J are set */
    const kerf_link *link;
    double wait_W; /* board idle + radio idle */
    bool result_at_server;
    const uint8_t *pin; /* n entries of kerf_side; NULL: none */
    kerf_objective objective;
    double weight_energy, weight_latency;
    kerf_limits limits;
    double accuracy;      /* of the network; NAN: not known */
    double accuracy_loss; /* once anything crosses; NAN: not known */
} cut_problem;

/* What a placement costs, every figure from its definition above, O(size of the problem). */
typedef struct cut_value {
    double device_s, device_J, server_s, server_J; /* device_J: compute only */
    double up_bytes, down_bytes;
    double up_s, down_s, up_J, down_J, fixed_J, wait_J;
    double energy_J, latency_s, slowest_s;
    double memory_bytes; /* weights + peak activations on the device */
    size_t device_operators;
    double accuracy;  /* NAN: not known, which is below any limit */
    double objective; /* in the objective's unit, minimised (throughput: seconds) */
    double violation; /* largest relative excess over a limit; 0 if all are kept, and up to
                         CUT_LIMIT_TOLERANCE */
} cut_value;
void cut_evaluate(const cut_problem *problem, const uint8_t *x, cut_value *value);

/* True if anything crosses either way in a placement with so many operators on the device. */
bool cut_communicates(const cut_problem *problem, size_t device_operators);

/* What placements of either kind reach, and how far that is below the limit (relative, as
 * violation). */
double cut_accuracy(const cut_problem *problem, bool communicates);
double cut_accuracy_violation(const cut_problem *problem, bool communicates);

/* True if all of the bundle's operators are on its side. */
bool cut_is_together(const cut_bundle *bundle, const uint8_t *x);

/* Sets the times and energies to 0 that are what rounding leaves where bundles take back what the
 * tables charge. */
void cut_settle(const cut_problem *problem, cut_value *value);

/* The parts of cut_evaluate: all but memory_bytes, which stays 0; memory_bytes; what follows from
 * device_s .. down_bytes, memory_bytes and device_operators. */
void cut_evaluate_costs(const cut_problem *problem, const uint8_t *x, cut_value *value);
double cut_memory_bytes(const cut_problem *problem, const uint8_t *x);
void cut_combine(const cut_problem *problem, cut_value *value);

/* True if encoding or decoding costs anything. */
bool cut_has_codec(const cut_problem *problem);

/* The largest relative excess over a limit (see cut_value). */
double cut_violation(const kerf_limits *limits, const cut_value *value);

/* True if the tensor is one of those that cross to the server. */
bool cut_crosses(const cut_tensor *tensor, const uint8_t *x);

/* Combines energy, latency, slowest stage and server energy into the objective. */
double cut_objective(const cut_problem *problem, double energy_J, double latency_s,
                     double slowest_s, double server_J);

/* True if no edge goes from server to device and every pin is kept. */
bool cut_is_legal(const cut_problem *problem, const uint8_t *x);

/* True if a limit is asked for (pins are not limits: every solver keeps them). */
bool cut_has_limits(const cut_problem *problem);

#endif
