/* Simulation: what happens when a fleet of boards plans, on links and servers as they are.
 *
 *     kerf_scenario *scenario = NULL;
 *     kerf_simulation *result = NULL;
 *     if (kerf_scenario_load("fleet.json", NULL, &scenario, &err) == KERF_OK &&
 *         kerf_simulate(scenario, NULL, &result, &err) == KERF_OK) {
 *         const kerf_group_result *r = kerf_simulation_group(result, 0, 0); // group, policy
 *         printf("%g J each\n", r->energy_J.mean);
 *     }
 *     kerf_simulation_destroy(&result);
 *     kerf_scenario_destroy(&scenario);
 *
 * Every policy is simulated on its own, on the same random numbers: arrivals, faults, trace offsets
 * and service times are the same for all. The same scenario and seed give the same bytes on any
 * number of threads. docs/simulation.md has the model.
 */
#ifndef KERF_SIMULATE_H
#define KERF_SIMULATE_H

#include "plan.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- scenarios --- */

typedef struct kerf_scenario kerf_scenario;

/* Where the files are that a scenario names. `kind` is "device", "server", "link" or "network", and
 * `name` what the scenario says; the path is freed by the caller. */
typedef struct kerf_scenario_options {
    kerf_status (*find)(void *context, const char *kind, const char *name, char **path,
                        kerf_error *err);
    void *find_context;
} kerf_scenario_options;

/* Loads a scenario ("kerf-scenario/1", configs/schema/scenario.json) and all it names. Without a
 * `find`, every name is a file's, beside the scenario. KERF_E_IO, KERF_E_SYNTAX, KERF_E_INVALID
 * (where: a JSON pointer), the errors of what is loaded. The caller owns *scenario. */
KERF_API kerf_status kerf_scenario_load(const char *path, const kerf_scenario_options *options,
                                        kerf_scenario **scenario, kerf_error *err);
/* The same from memory; `source` names it in errors, and files are beside it. */
KERF_API kerf_status kerf_scenario_parse(const char *text, size_t size, const char *source,
                                         const kerf_scenario_options *options,
                                         kerf_scenario **scenario, kerf_error *err);
KERF_API void kerf_scenario_destroy(kerf_scenario **scenario);

/* What a scenario says of itself; strings are borrowed and never NULL. */
typedef struct kerf_scenario_summary {
    const char *name, *description, *source;
    size_t groups, policies, links, servers, devices; /* devices: boards in all */
    double duration_s, warmup_s;
    uint64_t seed;
    size_t replications;
} kerf_scenario_summary;
KERF_API kerf_scenario_summary kerf_scenario_describe(const kerf_scenario *scenario);

/* What a group, a link or a server of a scenario is, in words for people: cut off where it does not
 * fit, always terminated. Returns its length. An index out of range gives "". */
KERF_API size_t kerf_scenario_group_words(const kerf_scenario *scenario, size_t group, char *text,
                                          size_t size);
KERF_API size_t kerf_scenario_link_words(const kerf_scenario *scenario, size_t link, char *text,
                                         size_t size);
KERF_API size_t kerf_scenario_server_words(const kerf_scenario *scenario, size_t server, char *text,
                                           size_t size);

/* X(code, name, what it does) */
#define KERF_POLICY_LIST(X)                                                                        \
    X(KERF_POLICY_ALL_DEVICE, "all-device", "runs everything on the board")                        \
    X(KERF_POLICY_ALL_SERVER, "all-server", "sends the input")                                     \
    X(KERF_POLICY_FIXED, "fixed", "one cut, stated: fixed:OPERATOR or fixed:N")                    \
    X(KERF_POLICY_STATIC, "static", "planned once, for the link as its file states it")            \
    X(KERF_POLICY_ADAPTIVE, "adaptive",                                                            \
      "planned again from what the board has measured (moving averages), with hysteresis")         \
    X(KERF_POLICY_ORACLE, "oracle", "planned each time for link and server as they are")           \
    X(KERF_POLICY_HINDSIGHT, "hindsight",                                                          \
      "knows what the link will do: the best for each inference, for regret")                      \
    X(KERF_POLICY_SERVICE, "service", "asks a running kerf serve, with what the board has measured")

typedef enum kerf_policy_kind {
#define KERF_POLICY_ENUM(code, name, text) code,
    KERF_POLICY_LIST(KERF_POLICY_ENUM)
#undef KERF_POLICY_ENUM
        KERF_POLICY_COUNT
} kerf_policy_kind;
KERF_API const char *kerf_policy_name(kerf_policy_kind kind);
KERF_API const char *kerf_policy_text(kerf_policy_kind kind);

/* --- runs --- */

/* Zeroed: as the scenario says, on all processors. */
typedef struct kerf_simulate_options {
    const char *const *policies; /* "static", "fixed:conv3", ...; instead of the scenario's */
    size_t n_policies;
    bool has_seed;
    uint64_t seed;
    size_t replications;          /* 0: the scenario's */
    double duration_s;            /* 0: the scenario's */
    size_t threads;               /* 0: one per processor */
    double confidence;            /* 0: 0.95 */
    double step_s;                /* of figures over time; 0: none are kept */
    const char *const *endpoints; /* of services, for the policy that asks one; see kerf/client.h */
    size_t n_endpoints;
    /* Called about ten times a second from the calling thread with the share of the work that is
     * done, 0 to 1; return false to stop: results so far are given, marked partial. */
    bool (*progress)(void *context, double done);
    void *progress_context;
} kerf_simulate_options;

/* A figure over replications: its mean and the half-width of its confidence interval (NAN for a
 * single replication). A figure that does not exist has the mean NAN. */
typedef struct kerf_estimate {
    double mean, half_width;
} kerf_estimate;

#define KERF_QUANTILES 4 /* 0.5, 0.95, 0.99, 0.999 */

/* What became of one group's inferences under one policy: those that arrived after the warm-up. */
typedef struct kerf_group_result {
    size_t replications;                     /* complete ones that this rests on */
    uint64_t arrived, done, missed, dropped; /* over all replications; the first is their sum */
    uint64_t offloaded, fallbacks, switches; /* of those that were started */
    kerf_estimate energy_J;                  /* per inference that ended; its parts: */
    kerf_estimate compute_J, uplink_J, wait_J, downlink_J, radio_fixed_J;
    kerf_estimate total_energy_J; /* of all of the group's inferences, per replication */
    kerf_estimate total_compute_J, total_uplink_J, total_wait_J, total_downlink_J;
    kerf_estimate total_radio_fixed_J; /* parts of the total */
    kerf_estimate server_energy_J;     /* per inference that ended */
    kerf_estimate power_W;             /* mean of a board, idle times included */
    kerf_estimate battery_s;           /* what a full battery lasts at that power */
    kerf_estimate latency_s;           /* from arrival to result; its parts: */
    kerf_estimate queue_s, device_s, uplink_s, server_wait_s, server_s, downlink_s, fallback_s;
    kerf_estimate latency_quantile_s[KERF_QUANTILES];
    kerf_estimate miss_ratio, drop_ratio;      /* of the arrived */
    kerf_estimate offload_ratio, switch_ratio; /* of those that were started */
    kerf_estimate throughput_per_s;            /* inferences that ended, of the whole group */
    kerf_estimate objective;                   /* mean of the group's objective, minimised */
    kerf_estimate regret;                      /* its excess over hindsight's; NAN without that */
} kerf_group_result;

typedef struct kerf_server_result {
    kerf_estimate utilisation; /* share of the workers' time that is busy */
    kerf_estimate jobs;        /* mean number in the server, waiting or served */
    kerf_estimate wait_s;      /* mean time that a job waits */
    kerf_estimate response_s;  /* and until it is done */
    kerf_estimate energy_J;
    uint64_t accepted, rejected, failed; /* rejected: queue full or server down; failed: crashed */
    kerf_estimate batch;                 /* mean jobs in a batch, NAN without batching */
} kerf_server_result;

typedef struct kerf_link_result {
    kerf_estimate utilisation[2]; /* by direction: bits carried of those that could have been */
    kerf_estimate bytes[2];
    kerf_estimate transfers[2];
} kerf_link_result;

typedef struct kerf_simulation kerf_simulation;

/* Runs every policy and replication. KERF_E_INVALID (a policy that cannot be, ...),
 * KERF_E_INFEASIBLE, KERF_E_TOO_LARGE, KERF_E_NOMEM, KERF_E_IO (no service answers). The caller
 * owns *simulation; it borrows the scenario. */
KERF_API kerf_status kerf_simulate(const kerf_scenario *scenario,
                                   const kerf_simulate_options *options,
                                   kerf_simulation **simulation, kerf_error *err);
KERF_API void kerf_simulation_destroy(kerf_simulation **simulation);

/* What a simulation is of. */
typedef struct kerf_simulation_summary {
    size_t groups, policies, servers, links, access_points;
    size_t steps; /* of figures over time; 0: none were asked for */
    double step_s;
    uint64_t seed;
    size_t replications; /* that were asked for */
    double duration_s, warmup_s, confidence;
    bool partial;        /* stopped before its end */
    double run_time_s;   /* the only figure that differs from run to run */
    uint64_t inferences; /* simulated in all, warm-up included */
} kerf_simulation_summary;
KERF_API kerf_simulation_summary kerf_simulation_describe(const kerf_simulation *simulation);

KERF_API const char *kerf_simulation_policy_name(const kerf_simulation *, size_t policy);
KERF_API const char *kerf_simulation_group_name(const kerf_simulation *, size_t group);
KERF_API const char *kerf_simulation_server_name(const kerf_simulation *, size_t server);
KERF_API const char *kerf_simulation_link_name(const kerf_simulation *, size_t link);
KERF_API const char *kerf_simulation_access_point_name(const kerf_simulation *, size_t point);
/* The unit of a group's objective: "J", "s", ... */
KERF_API const char *kerf_simulation_objective_unit(const kerf_simulation *, size_t group);

/* Results, borrowed. An index out of range gives NULL. */
KERF_API const kerf_group_result *kerf_simulation_group(const kerf_simulation *, size_t group,
                                                        size_t policy);
KERF_API const kerf_server_result *kerf_simulation_server(const kerf_simulation *, size_t server,
                                                          size_t policy);
KERF_API const kerf_link_result *kerf_simulation_link(const kerf_simulation *, size_t link,
                                                      size_t policy);
KERF_API const kerf_link_result *kerf_simulation_access_point(const kerf_simulation *, size_t point,
                                                              size_t policy);

/* Any quantile (0 to 1) of latency or energy over all replications, within 0.5 % of itself. */
KERF_API double kerf_simulation_latency_quantile(const kerf_simulation *, size_t group,
                                                 size_t policy, double q);
KERF_API double kerf_simulation_energy_quantile(const kerf_simulation *, size_t group,
                                                size_t policy, double q);

/* --- over time --- */

/* Figures by step of the first replication, from time 0, warm-up included. Inferences are counted
 * in the step in which they arrived, transfers in the one in which they ended. */
typedef struct kerf_group_step {
    uint64_t started, ended, dropped, offloaded;
    double energy_J, latency_s; /* means of those that ended; NAN: none */
    double device_operators;    /* operators on the board: mean of those started; NAN: none */
    size_t cut;                 /* the last with which the group's first board began one, or
                                   KERF_NONE; see kerf_simulation_cut_name */
} kerf_group_step;

typedef struct kerf_server_step {
    double utilisation; /* share of the workers' time that was busy */
    double jobs;        /* mean number in the server */
} kerf_server_step;

typedef struct kerf_link_step {
    double rate_bps[2];    /* mean of what a link could carry for the first board that has it, or an
                              access point for all; 0 while it was down */
    double carried_bps[2]; /* what it did carry for all of them */
} kerf_link_step;

/* Arrays of as many steps as kerf_simulation_describe says, borrowed; NULL if there are none or an
 * index is out of range, or if a partial simulation never came to that policy. */
KERF_API const kerf_group_step *kerf_simulation_group_steps(const kerf_simulation *, size_t group,
                                                            size_t policy);
KERF_API const kerf_server_step *kerf_simulation_server_steps(const kerf_simulation *,
                                                              size_t server, size_t policy);
KERF_API const kerf_link_step *kerf_simulation_link_steps(const kerf_simulation *, size_t link,
                                                          size_t policy);
KERF_API const kerf_link_step *kerf_simulation_access_point_steps(const kerf_simulation *,
                                                                  size_t point, size_t policy);
/* What a cut of a group's steps is: the last operator on the board (or that all or nothing is
 * there), and the number of operators there. NULL and 0 for KERF_NONE. */
KERF_API const char *kerf_simulation_cut_name(const kerf_simulation *, size_t group, size_t cut);
KERF_API size_t kerf_simulation_cut_operators(const kerf_simulation *, size_t group, size_t cut);

#ifdef __cplusplus
}
#endif
#endif
