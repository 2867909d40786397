/* A scenario as it was read: everything loaded, checked and immutable. */
#ifndef KERF_SIMULATE_SCENARIO_H
#define KERF_SIMULATE_SCENARIO_H

#include "kerf/simulate.h"
#include "net/trace.h"

#define SIM_MAX_DEVICES ((size_t)100000000)
#define SIM_MAX_QUEUE   65535
#define SIM_MAX_WORKERS 4096
#define SIM_MAX_LIST    10000 /* groups, links, servers, policies, faults */

/* Times when something is down: listed, or at random. Neither: never. */
typedef struct sim_faults {
    double (*listed)[2]; /* ascending, apart: from, to */
    size_t n;
    double mtbf_s, mttr_s; /* exponential; 0: none at random */
} sim_faults;

typedef enum sim_offset { SIM_OFFSET_RANDOM, SIM_OFFSET_SAME, SIM_OFFSET_STEP } sim_offset;

typedef struct sim_link {
    char *name;
    kerf_link *link;      /* rates are the traces' means where there are traces */
    kerf_trace *trace[2]; /* by direction, bit/s; NULL: constant */
    kerf_trace *rtt;      /* s; NULL: constant */
    sim_offset offset;    /* where in the traces a board begins */
    double offset_s;      /* SAME: of all; STEP: from board to board */
    size_t access_point;  /* KERF_NONE: every board has a path of its own */
    sim_faults faults;    /* random ones strike every board at its own times */
} sim_link;

typedef struct sim_access_point {
    char *name;
    double rate_bps[2];
    kerf_trace *trace[2];
    sim_faults faults;
} sim_access_point;

typedef enum sim_discipline { SIM_FIFO, SIM_SHARING } sim_discipline;
typedef enum sim_distribution { SIM_CONSTANT, SIM_EXPONENTIAL, SIM_LOGNORMAL } sim_distribution;

typedef struct sim_server {
    char *name;
    kerf_device *device;
    double load; /* share that is busy with other things */
    size_t workers;
    sim_discipline discipline;
    size_t queue; /* jobs that may wait (FIFO), or be served beyond the workers (sharing) */
    sim_distribution distribution;
    double variation;                  /* lognormal: standard deviation over mean */
    size_t batch;                      /* jobs served together at most; 1: no batching */
    double batch_delay_s, batch_share; /* share: time of one more job, of that of one alone */
    sim_faults faults;
} sim_server;

typedef enum sim_arrival_kind {
    SIM_PERIODIC,
    SIM_POISSON,
    SIM_BURSTS,
    SIM_TIMESTAMPS
} sim_arrival_kind;

typedef struct sim_arrivals {
    sim_arrival_kind kind;
    double period_s, jitter_s, phase_s; /* phase NAN: random, each board its own */
    double rate_per_s[2], state_s[2];   /* Poisson: the first; bursts: quiet and busy */
    double *stamp_s;                    /* ascending */
    size_t n;
    double repeat_s; /* timestamps: begin anew after this; 0: never */
} sim_arrivals;

typedef struct sim_policy {
    kerf_policy_kind kind;
    char *name;         /* as results call it */
    char *cut_operator; /* fixed: the last operator on the board, or NULL */
    size_t cut_count;   /* fixed: operators on the board */
    double weight;      /* adaptive: of the newest measurement */
    double hysteresis;  /* adaptive: least relative gain for which it switches */
    double probe_s;     /* adaptive: measures again after so long without a transfer */
} sim_policy;

typedef struct sim_group {
    char *name;
    size_t count;
    size_t link, server;
    kerf_device *device;
    kerf_network *network;
    kerf_profile *device_profile, *server_profile;
    kerf_question question; /* borrows the above, the server's device and the link's kerf_link */
    char *power_mode;
    sim_arrivals arrivals;
    size_t queue; /* frames that may wait on the board */
    bool drop_oldest;
    double deadline_s, battery_J; /* 0: none */
    double timeout_s;             /* after which an offload is given up; 0: never */
    double retry_s;               /* after a failed offload the board keeps to itself so long */
    bool fallback;                /* what was given up is finished on the board */
    sim_policy *policy;           /* its own, or NULL: the one that is simulated */
} sim_group;

struct kerf_scenario {
    char *name, *description, *source;
    char *path; /* where it was read from; files are beside it */
    sim_link *links;
    size_t n_links;
    sim_access_point *access_points;
    size_t n_access_points;
    sim_server *servers;
    size_t n_servers;
    sim_group *groups;
    size_t n_groups;
    sim_policy *policies;
    size_t n_policies;
    double duration_s, warmup_s;
    uint64_t seed;
    size_t replications;
};

/* A policy from a word such as "adaptive" or "fixed:conv3". KERF_E_INVALID, KERF_E_NOMEM. */
kerf_status sim_policy_parse(const char *word, sim_policy *policy, kerf_error *err);
void sim_policy_clear(sim_policy *policy);

#endif
