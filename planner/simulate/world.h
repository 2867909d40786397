/* What runs need to know of a scenario under its policies: worked out once, then read by all
 * threads. The costs are the planner's own: every placement that a policy may choose is priced by
 * the code that prices `kerf plan`'s answers. */
#ifndef KERF_SIMULATE_WORLD_H
#define KERF_SIMULATE_WORLD_H

#include "planner/choice.h"
#include "planner/simulate/scenario.h"

/* What a radio and a connection have been doing: promotion needed or not, window open or not. */
enum { SIM_RADIO_IDLE = 1, SIM_WINDOW_OPEN = 2, SIM_RADIO_STATES = 4 };

/* A transfer over a constant link. */
typedef struct sim_hop {
    double time_s;   /* promotion included: kerf_link_transfer_s's sum */
    double energy_J; /* while active */
} sim_hop;

/* A placement that a policy may choose. */
typedef struct sim_option {
    kerf_plan_cost cost; /* as kerf_price has it for the link as its file states it */
    const cut_choice *choice;
    uint8_t *x;
    sim_hop hop[2][SIM_RADIO_STATES]; /* by direction */
    double sent_bytes[2];             /* with headers and framing */
    double wait_W;                    /* board and radio while the board waits */
    double fallback_s, fallback_J;    /* the server's part on the board; NAN: it cannot run there */
    size_t device_operators;
    char cut_id[KERF_CUT_ID_SIZE];
} sim_option;

typedef struct sim_team { /* a group, made ready */
    const sim_group *group;
    const sim_link *link;
    cut_choices choices;
    sim_option *option;
    size_t n_options, capacity;
    size_t all_device, all_server, planned; /* options; KERF_NONE: cannot be */
    size_t *fixed;                          /* by policy: of its stated cut, else KERF_NONE */
    size_t own_fixed;                       /* of the group's own policy */
    size_t first_candidate, n_candidates;   /* what planning again chooses from */
    size_t *candidate;
    double idle_W;      /* of the board between inferences */
    double mean_gap_s;  /* between arrivals */
    size_t first_board; /* its boards' numbers begin here */
} sim_team;

typedef struct sim_world {
    const kerf_scenario *scenario;
    const sim_policy *policies; /* the ones simulated */
    size_t n_policies;
    sim_team *teams; /* by group */
    size_t n_teams, n_boards;
    double duration_s;
    const char *const *endpoints; /* of services; borrowed */
    size_t n_endpoints;
} sim_world;

/* KERF_E_INVALID (a policy's cut that the network does not have; a placement that pins or operators
 * forbid), KERF_E_INFEASIBLE, KERF_E_NOMEM, the errors of planning. */
kerf_status sim_world_make(const kerf_scenario *scenario, const sim_policy *policies,
                           size_t n_policies, double duration_s, sim_world *world, kerf_error *err);
void sim_world_clear(sim_world *world);

/* The policy that a team follows when `policy` is simulated. */
const sim_policy *sim_team_policy(const sim_world *world, const sim_team *team, size_t policy);

#endif
