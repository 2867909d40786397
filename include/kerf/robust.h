/* Robust plans: what a plan is worth when coefficients, rates and loads are only roughly known, and
 * placements that are chosen for that.
 *
 *     kerf_spreads *spreads = NULL;
 *     kerf_robust *r = NULL;
 *     kerf_robust_options o = {.aim = KERF_AIM_REGRET};
 *     if (kerf_spreads_parse("profile,rate=30%,server=20%", &spreads, &err) == KERF_OK) {
 *         o.spreads = spreads;
 *         if (kerf_robust_make(&question, &o, &r, &err) == KERF_OK)
 *             printf("%g at worst above the best\n", r->value);
 *     }
 *     kerf_robust_destroy(&r);
 *     kerf_spreads_destroy(&spreads);
 *
 * Scenarios are drawn from the spreads by a seed; every placement is priced in each, exactly as
 * kerf_price would (docs/robustness.md). The same question, options and library give the same
 * scenarios, on any number of threads and any machine.
 */
#ifndef KERF_ROBUST_H
#define KERF_ROBUST_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- what is uncertain --- */

typedef enum kerf_spread_kind {
    KERF_SPREAD_RELATIVE, /* times a log-normal factor of mean 1 and this standard deviation */
    KERF_SPREAD_INTERVAL, /* uniform between low and high */
    KERF_SPREAD_TRACE     /* what was recorded, each value as often as it held */
} kerf_spread_kind;

/* Something that is not known exactly, on its own, independently of all others:
 *
 *   conv, pointwise, ...   the time and energy per MAC of an operator class, on the device
 *   bytes, launch, partition   the time and energy of these
 *   latency, energy        all times, or all energies, of the device's computing
 *   device                 both, by the same factor
 *   latency/per_mac/conv   one coefficient, as device files call it
 *   idle                   the board's power while it waits
 *   server                 all times and energies of the server
 *   radio                  all powers of the radio
 *   rate, uplink, downlink rates of the link; rate: both, by the same factor
 *   rtt, load              round-trip time; share of the server that is busy
 *
 * Intervals are of factors, but in bit/s for rates (with `rate`, the uplink's), in seconds for rtt,
 * and of the load itself. */
typedef struct kerf_spread {
    char what[192];
    kerf_spread_kind kind;
    double relative;      /* 0 to 10 */
    double low, high;     /* an interval */
    const double *value;  /* a trace: ascending sums of weights, the last is 1, and what holds */
    const double *weight; /* up to there */
    size_t n;
} kerf_spread;

typedef struct kerf_spreads {
    kerf_spread *list;
    size_t n;
    bool profile; /* also what the files of device and server say of their coefficients: normal,
                     with their correlations, cut off at 0 (kerf_power_mode_draw) */
} kerf_spreads;

/* "conv=10%,rate=5..20 Mbit/s,profile": what is named twice varies by both. The caller owns
 * *spreads. KERF_E_INVALID (where: the part of the text that is wrong), KERF_E_NOMEM. */
KERF_API kerf_status kerf_spreads_parse(const char *text, kerf_spreads **spreads, kerf_error *err);
/* A file ("kerf-uncertainty/1", configs/schema/uncertainty.json). */
KERF_API kerf_status kerf_spreads_load(const char *path, kerf_spreads **spreads, kerf_error *err);
/* Adds a recorded trace of uplink rates, of any format that kerf simulate reads. What holds at a
 * time is the mean over `window_s` from there (0: 1 s), and as much longer as it takes for anything
 * to go through. */
KERF_API kerf_status kerf_spreads_add_trace(kerf_spreads *spreads, const char *path,
                                            double window_s, kerf_error *err);
KERF_API void kerf_spreads_destroy(kerf_spreads **spreads);

/* --- plans --- */

/* What is best is told by the question's objective, its "cost": for throughput, the time of the
 * slowest stage. */
typedef enum kerf_aim {
    KERF_AIM_NOMINAL,  /* the plan of kerf_plan_make */
    KERF_AIM_EXPECTED, /* least expected cost */
    KERF_AIM_REGRET,   /* least maximum, over scenarios, of cost - best cost in that scenario */
    KERF_AIM_CHANCE,   /* least expected cost of those that keep the deadline with a probability */
    KERF_AIM_CANTELLI  /* the same, whatever the distribution: Cantelli's bound from the latency's
                          mean and variance */
} kerf_aim;

typedef struct kerf_robust_options {
    kerf_aim aim;
    double probability; /* of KERF_AIM_CHANCE and _CANTELLI: above 0, below 1 */
    const kerf_spreads *spreads;
    size_t samples; /* 0: 2000; at most 1000000 */
    uint64_t seed;
    size_t most_placements; /* 0: 50000; above, only some are looked at (`complete`) */
} kerf_robust_options;

typedef struct kerf_robust_figures {
    /* cost */
    double mean, standard_error; /* of the mean */
    double deviation, p95, worst;
    double mean_energy_J, p95_energy_J, worst_energy_J;
    double mean_latency_s, p95_latency_s, worst_latency_s;
    /* With a deadline, else NAN: share of scenarios that miss it, its 95 % confidence interval
     * (Clopper and Pearson), and what Cantelli's inequality bounds it by. */
    double miss, miss_low, miss_high, miss_cantelli;
    double mean_regret, worst_regret;
} kerf_robust_figures;

typedef enum kerf_robust_role {
    KERF_ROBUST_PLAN,
    KERF_ROBUST_NOMINAL,  /* best with the question's own figures */
    KERF_ROBUST_EXPECTED, /* what the other aims would choose */
    KERF_ROBUST_REGRET,
    KERF_ROBUST_CHANCE, /* with a deadline, at the options' probability or 0.95 */
    KERF_ROBUST_ALL_DEVICE,
    KERF_ROBUST_ALL_SERVER,
    KERF_ROBUST_ROLES
} kerf_robust_role;

typedef struct kerf_robust_row {
    bool exists;     /* false: no placement is that */
    kerf_side *side; /* by operator of the (variant's) network */
    size_t device_operators;
    double wire_bytes;
    char power_mode[64];
    size_t encoding, variant; /* as kerf_plan's */
    char cut_id[KERF_CUT_ID_SIZE];
    kerf_robust_figures figures;
} kerf_robust_row;

typedef struct kerf_robust {
    /* The chosen placement with the question's own figures. Its proof is that of `value`: bound and
     * gap are of it, and `optimal` is `complete`; with KERF_AIM_NOMINAL, as kerf_plan_make's. */
    kerf_plan *plan;
    kerf_aim aim;
    double value; /* what the aim minimises, in the cost's unit: nominal or expected cost, or
                     the largest regret */
    size_t scenarios, placements;
    bool stopped;  /* at the time limit, or by progress, before all scenarios were drawn */
    bool complete; /* over all placements that keep the other limits; else over those that are best
                      in some of the scenarios */
    kerf_robust_row rows[KERF_ROBUST_ROLES];
} kerf_robust;

/* Answers a question under uncertainty. All limits but the deadline of KERF_AIM_CHANCE and
 * _CANTELLI are kept with the question's own figures. Errors of kerf_plan_make, and KERF_E_INVALID:
 * nothing is uncertain, a spread of something that is not there, no deadline where a probability is
 * asked for; KERF_E_TIME_LIMIT: no time for 100 scenarios; KERF_E_INFEASIBLE: no placement keeps
 * the deadline with that probability. */
KERF_API kerf_status kerf_robust_make(const kerf_question *question,
                                      const kerf_robust_options *options, kerf_robust **robust,
                                      kerf_error *err);
KERF_API void kerf_robust_destroy(kerf_robust **robust);

/* "minimax-regret", "chance" and so on; the name of a role. */
KERF_API const char *kerf_aim_name(kerf_aim aim);
KERF_API const char *kerf_robust_role_name(kerf_robust_role role);

/* --- how far figures may be off --- */

/* The factor, or for rates, RTT and load the value, below and above which another answer (cut,
 * power mode, encoding, variant) is better. */
typedef struct kerf_break_even {
    char what[192];           /* as kerf_spread's */
    bool is_factor;           /* `now` is 1 */
    double now, below, above; /* 0 and INFINITY: never */
} kerf_break_even;

typedef struct kerf_sensitivity {
    kerf_break_even *list; /* factors first */
    size_t n;
    size_t closest; /* the factor that needs to change least; KERF_NONE: none changes the answer */
    bool stopped;   /* at the time limit, or by progress: these are the first ones */
} kerf_sensitivity;

/* Where the answer to a question changes, for each coefficient that matters on its own, for
 * latency, energy, idle, server and radio as a whole, and for uplink, downlink, rtt and load. Looks
 * at all placements, KERF_E_TOO_LARGE where there are more than `most_placements`; 0: up to 50000,
 * and where there are more asks the solvers, which takes the longer the more an answer to the
 * question itself takes. The errors of kerf_plan_make; KERF_E_TIME_LIMIT where no answer was proven
 * to be the best. */
KERF_API kerf_status kerf_sensitivity_make(const kerf_question *question, size_t most_placements,
                                           kerf_sensitivity **sensitivity, kerf_error *err);
KERF_API void kerf_sensitivity_destroy(kerf_sensitivity **sensitivity);

#ifdef __cplusplus
}
#endif
#endif
