/* Planning: which operators run on the device and which on the server.
 *
 *     kerf_question q = {.network = net, .device = dev, .server = srv, .link = link};
 *     kerf_plan *plan = NULL;
 *     if (kerf_plan_make(&q, &plan, &err) == KERF_OK) {
 *         printf("%g J, %g s\n", plan->cost.device_energy_J, plan->cost.latency_s);
 *         kerf_plan_destroy(&plan);
 *     }
 *
 * A question may be zeroed but for the network, device, server and link: 0 means the default.
 * A plan carries its proof: a lower bound, where it came from, and the gap.
 */
#ifndef KERF_PLAN_H
#define KERF_PLAN_H

#include "device.h"
#include "link.h"
#include "network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(enumerator, name, unit) */
#define KERF_OBJECTIVE_LIST(X)                                                                     \
    X(KERF_OBJ_ENERGY, "energy", "J") /* device energy: the default */                             \
    X(KERF_OBJ_LATENCY, "latency", "s")                                                            \
    X(KERF_OBJ_THROUGHPUT, "throughput", "1/s")   /* maximal; 1 / the slowest stage */             \
    X(KERF_OBJ_EDP, "edp", "J s")                 /* device energy * latency */                    \
    X(KERF_OBJ_TOTAL_ENERGY, "total-energy", "J") /* device + server */                            \
    X(KERF_OBJ_WEIGHTED, "weighted", "1")         /* weight_energy * J + weight_latency * s */

typedef enum kerf_objective {
#define KERF_OBJ_ENUM(code, name, unit) code,
    KERF_OBJECTIVE_LIST(KERF_OBJ_ENUM)
#undef KERF_OBJ_ENUM
} kerf_objective;

typedef enum kerf_solver {
    KERF_SOLVER_AUTO,
    KERF_SOLVER_EXHAUSTIVE,
    KERF_SOLVER_MINCUT,
    KERF_SOLVER_MILP
} kerf_solver;

typedef enum kerf_side { KERF_SIDE_FREE, KERF_SIDE_DEVICE, KERF_SIDE_SERVER } kerf_side;

typedef enum kerf_wire {
    KERF_WIRE_OWN, /* every tensor in its own type */
    KERF_WIRE_FLOAT32,
    KERF_WIRE_FLOAT16,
    KERF_WIRE_INT8
} kerf_wire;

/* Side constraints. 0 means: not asked for. */
typedef struct kerf_limits {
    double deadline_s;   /* latency at most */
    double energy_J;     /* device energy at most */
    double memory_bytes; /* device weights + peak activations at most */
    double max_bytes;    /* wire bytes over the uplink at most */
    size_t min_device_operators;
    double min_accuracy; /* 0 to 1: of the variant, less what the encoding loses */
} kerf_limits;

typedef struct kerf_pin {
    size_t operator_index;
    kerf_side side;
} kerf_pin;

/* A way to send tensors: what each takes on the wire, and what packing and unpacking it costs. The
 * device encodes what goes up and decodes what comes down, the server the reverse; each pays in its
 * own time and energy, for every byte of the tensor's own size. The network's inputs are sent as
 * they are, at no such cost; so is a tensor that the encoding leaves as it is (integers sent as
 * float16, at ratio 1). */
typedef struct kerf_encoding {
    const char *name;
    kerf_wire wire; /* type of the elements before they are compressed */
    double ratio;   /* wire bytes per byte of that type, above 0 and at most 1; 0: 1 */
    double device_s_per_byte, device_J_per_byte;
    double server_s_per_byte, server_J_per_byte; /* unloaded: the load slows this down as well */
    double accuracy_loss;                        /* 0 to 1, once anything crosses; NAN: not known */
} kerf_encoding;

/* One of several networks for the same task: another size, an early exit. */
typedef struct kerf_variant {
    const char *name;
    const kerf_network *network;
    double accuracy;                    /* 0 to 1; NAN: not known */
    const kerf_profile *device_profile; /* measured figures of this network, or NULL */
    const kerf_profile *server_profile;
    double input_bytes; /* what its inputs take on the wire; 0: the question's input_bytes */
} kerf_variant;

typedef struct kerf_question {
    const kerf_network *network;
    const kerf_device *device;
    const kerf_device *server;
    const kerf_link *link;
    const char *power_mode;             /* NULL: the device's default; "any": the best of all */
    const kerf_profile *device_profile; /* measured figures, or NULL */
    const kerf_profile *server_profile;
    double server_load; /* share of the server that is busy, 0 <= load < 1 */
    kerf_objective objective;
    double weight_energy, weight_latency; /* of KERF_OBJ_WEIGHTED: each 0 or 1e-9 to 1e9 */
    kerf_limits limits;
    const kerf_pin *pins;
    size_t n_pins;
    kerf_wire wire;     /* if no encodings are listed */
    double input_bytes; /* what the network's inputs take on the wire in all; 0: as the tensors */
    /* Encodings to choose from; none: `wire`, at no cost. */
    const kerf_encoding *encodings;
    size_t n_encodings;
    /* Networks to choose from; none: `network`, whose accuracy is not known. With variants,
     * `network` and the profiles above are not looked at, except that pins name operators of
     * `network` (which may be NULL without pins): a pin holds for the operator of the same name in
     * each variant, and a variant that lacks the operator is never chosen. */
    const kerf_variant *variants;
    size_t n_variants;
    bool result_at_server; /* the result is needed at the server, not on the device */
    kerf_solver solver;
    double time_limit_s; /* of the search and the explanation together; 0: none */
    size_t top;          /* how many different cuts to list, the answer included; 0 or 1: only it */
    bool compare_choices; /* also find the best answer with each other power mode, encoding and
                             variant that may be chosen */
    bool no_break_even;   /* skip the search for the rates where the answer changes */
    /* Called now and then during long work, from the calling thread; return false to stop. */
    bool (*progress)(void *context, const char *what, double best, double bound);
    void *progress_context;
} kerf_question;

/* What one inference costs with a given placement (docs/cost-model.md). */
typedef struct kerf_plan_cost {
    double device_energy_J;
    double latency_s;
    double throughput_per_s;
    double compute_J, uplink_J, wait_J, downlink_J, radio_fixed_J; /* add up to device_energy_J */
    double device_s, uplink_s, server_s, downlink_s;               /* add up to latency_s */
    double server_energy_J;
    double uplink_bytes, downlink_bytes; /* on the wire, without framing */
    double device_memory_bytes;          /* weights + peak activations */
    double objective;                    /* in the objective's unit */
} kerf_plan_cost;

/* Tensors that cross from device to server. */
typedef struct kerf_cut {
    size_t *tensors; /* ordered by producer, network inputs first */
    size_t n_tensors;
    int64_t bytes;     /* in the tensors' own types */
    double wire_bytes; /* as they are sent */
} kerf_cut;

/* 16 hexadecimal digits and a NUL. Equal for equal decisions: the names of the operators on the
 * device, the power mode, the encoding and the variant. */
#define KERF_CUT_ID_SIZE 17

typedef struct kerf_option_plan { /* an alternative, or one of the two extremes */
    bool exists;                  /* false: pins or unsupported operators forbid it */
    bool feasible;                /* keeps every constraint */
    kerf_side *side;              /* by operator */
    kerf_cut cut;
    kerf_plan_cost cost;
    double accuracy; /* NAN: not known */
} kerf_option_plan;

typedef enum kerf_dimension {
    KERF_BY_POWER_MODE,
    KERF_BY_ENCODING,
    KERF_BY_VARIANT,
    KERF_DIMENSIONS
} kerf_dimension;

/* The best answer with another power mode, encoding or variant than the plan's, whatever the other
 * two are. */
typedef struct kerf_rival {
    kerf_dimension by; /* what is another */
    char power_mode[64];
    size_t encoding, variant; /* as kerf_plan's */
    bool feasible;            /* false: nothing with it keeps every constraint; the rest is unset */
    double accuracy;
    size_t device_operators;
    kerf_plan_cost cost;
} kerf_rival;

typedef struct kerf_plan {
    kerf_side *side; /* by operator of the (chosen variant's) network; KERF_SIDE_FREE for constant
                        operators */
    kerf_cut cut;
    kerf_plan_cost cost; /* priced from the placement, independently of the solver */
    bool optimal;        /* gap at most 1e-9 */
    char power_mode[64];
    size_t encoding, variant; /* of the question's; KERF_NONE where it lists none */
    double accuracy;          /* of the variant, less what the encoding loses; NAN: not known */
    char cut_id[KERF_CUT_ID_SIZE];
    /* proof */
    kerf_solver solver;
    double bound;    /* no feasible placement is better than this, in the objective's unit */
    double gap;      /* relative distance of the answer from the bound */
    size_t examined; /* placements, minimum cuts or branch-and-bound nodes */
    /* explanation */
    kerf_option_plan all_device, all_server;
    kerf_option_plan *alternatives; /* next best different cuts in the same combination of power
                                       mode, encoding and variant, best first; a cut is a set of
                                       tensors, each with its best placement */
    size_t n_alternatives;
    kerf_rival *rivals; /* with compare_choices: power modes, then encodings, then variants */
    size_t n_rivals;
    const char *binding[8]; /* constraints that forbid the unconstrained optimum, where that is
                               better than this plan; static strings */
    size_t n_binding;
    double break_even_below_bps; /* below this uplink rate another cut, or another combination that
                                    may be chosen, is better; 0: never */
    double break_even_above_bps; /* above this one; INFINITY: never */
    /* What the time limit, or progress, left no time to find out: it is absent then (NAN for the
     * rates, which an answer that is not optimal has none of), but for alternatives that were found
     * before. */
    bool no_time_for_alternatives, no_time_for_binding, no_time_for_break_even, no_time_for_rivals;
    size_t measured_device_operators, measured_server_operators;
    double solve_time_s;
} kerf_plan;

/* Answers a question. The caller owns *plan, which borrows nothing from the question.
 * KERF_E_INVALID (a pin on a constant operator, a limit out of range, ...), KERF_E_UNRESOLVED,
 * KERF_E_INFEASIBLE (the message names the constraints that clash and how far off the closest
 * placement is), KERF_E_UNSUPPORTED (a solver that is not exact for the question),
 * KERF_E_TOO_LARGE (exhaustive above its limit), KERF_E_TIME_LIMIT. A run that stopped at its
 * time limit with a plan returns KERF_OK with plan->optimal false and its true gap. */
KERF_API kerf_status kerf_plan_make(const kerf_question *question, kerf_plan **plan,
                                    kerf_error *err);
KERF_API void kerf_plan_destroy(kerf_plan **plan);

/* Prices any placement (side[i] for operator i; KERF_SIDE_FREE only for constant ones) for a
 * question, from the definitions of the cost model alone; it leaves nothing to choose: one power
 * mode, not "any", and at most one encoding and one variant (see kerf_plan_question).
 * KERF_E_INVALID where data would flow from the server back to the device. */
KERF_API kerf_status kerf_price(const kerf_question *question, const kerf_side *side,
                                kerf_plan_cost *cost, kerf_error *err);

/* The question that a plan's combination leaves: with its power mode, encoding and variant filled
 * in and nothing else to choose. It borrows from both, and has no pins. */
KERF_API kerf_question kerf_plan_question(const kerf_question *question, const kerf_plan *plan);

KERF_API const char *kerf_objective_name(kerf_objective objective);
KERF_API const char *kerf_objective_unit(kerf_objective objective);
KERF_API const char *kerf_solver_name(kerf_solver solver);
/* Wire bytes of one tensor under an encoding: floats are converted, other types sent as they are;
 * an encoding never makes a tensor larger than its own type. */
KERF_API double kerf_wire_bytes(const kerf_tensor *tensor, kerf_wire wire);
KERF_API const char *kerf_wire_name(kerf_wire wire); /* "own", "float32", ... */

#ifdef __cplusplus
}
#endif
#endif
