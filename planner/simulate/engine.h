/* One run: a policy in one replication, from time 0 until every inference has ended. */
#ifndef KERF_SIMULATE_ENGINE_H
#define KERF_SIMULATE_ENGINE_H

#include "planner/simulate/access.h"
#include "planner/simulate/arrivals.h"
#include "planner/simulate/heap.h"
#include "planner/simulate/path.h"
#include "planner/simulate/series.h"
#include "planner/simulate/tally.h"
#include "planner/simulate/world.h"

#include "kerf/client.h"

#include <stdatomic.h>

/* What a board waits for. */
typedef enum sim_phase {
    SIM_OVER,      /* nothing more will arrive */
    SIM_DECIDE,    /* an inference begins, and the policy is asked */
    SIM_FINISH,    /* it ends at the event */
    SIM_SEND,      /* shared uplink: its transfer begins */
    SIM_SEND_FLOW, /* and the flow, after the slow start's delay */
    SIM_SENDING,   /* until the access point tells; the event is the time-out */
    SIM_ARRIVE,    /* it reaches the server */
    SIM_SERVED,    /* until the server tells; the event is the time-out */
    SIM_RECEIVE,   /* shared downlink */
    SIM_RECEIVE_FLOW,
    SIM_RECEIVING,
    SIM_GIVE_UP /* the time-out or the server's refusal: the board goes on alone */
} sim_phase;

/* What a board believes of the world: moving averages. */
typedef struct sim_belief {
    double pace_s[2];       /* of a bit: what a transfer's time is linear in */
    double rtt_s, slowdown; /* slowdown: server time over the unloaded one */
    double when;
} sim_belief;

typedef struct sim_board {
    sim_arrival_state arrivals;
    sim_record record;           /* of the inference in hand */
    sim_record pending;          /* the last one that was sent, until its tail's length is known */
    double start;                /* of the inference in hand */
    double sent_at;              /* when its upload began */
    double received_at;          /* and its download */
    double due;                  /* when what it waits for comes; INFINITY: others will tell */
    double limit;                /* it is given up then; INFINITY: never */
    double offered_bps;          /* shared: what its flow was offered, */
    double nominal_s, nominal_J; /* and what the transfer takes if it keeps that */
    double last_end[2];          /* of transfers, by direction */
    double offline_until;
    double offset_s; /* in the link's traces */
    sim_down down;
    sim_belief belief;
    uint32_t team, ticket;
    uint32_t option, last_option;
    uint32_t waiting, first_waiting; /* frames in its queue */
    uint32_t row;                    /* offloads in a row, now */
    float mean_row;                  /* and as they were until now, on average */
    uint8_t phase;
    bool has_pending, has_last;
    uint32_t aside;     /* where the pending record is, if its result is still on the server */
    double promotion_s; /* of the transfer in hand */
    float asked[4];     /* service: what it was asked with last */
} sim_board;

typedef struct sim_run {
    const sim_world *world;
    size_t policy;
    uint64_t replication, key;
    double now, from_s, to_s; /* window: arrivals in it are counted */
    sim_heap heap;
    sim_board *board;
    double *queue;    /* arrival times of waiting frames, the boards' rings one after the other */
    size_t *queue_at; /* by group: where its boards' rings begin */
    sim_station *station;  /* by server */
    sim_air *air;          /* by access point and direction: 2 a + d */
    sim_tally *tally;      /* by group */
    sim_link_tally *link;  /* by link */
    sim_link_tally *point; /* by access point */
    sim_series *series;    /* NULL: not asked for */
    uint64_t inferences;
    size_t active;     /* boards to which more will happen */
    size_t open;       /* results that are still on the server, their boards elsewhere */
    sim_record *spare; /* of those */
    size_t *spare_next;
    size_t spare_n, spare_capacity, spare_next_capacity, spare_free;
    kerf_client *client; /* of the policy that asks a service */
    bool complete;
    kerf_status status; /* KERF_E_NOMEM */
    atomic_bool *stop;
    _Atomic(double) *progress; /* share of the run that is done, for others to read */
} sim_run;

/* `series`: where figures over time go, or NULL. */
kerf_status sim_run_make(const sim_world *world, size_t policy, size_t replication, uint64_t seed,
                         sim_series *series, sim_run *run);
void sim_run_clear(sim_run *run);
/* Until the end, or until *stop. */
kerf_status sim_run_go(sim_run *run);

/* --- for the policies --- */

static inline const sim_team *sim_board_team(const sim_run *run, const sim_board *b)
{
    return &run->world->teams[b->team];
}

/* The radio's and the window's state for a transfer at a time. */
unsigned sim_radio_state(const sim_team *team, const sim_board *b, kerf_direction direction,
                         double t);
sim_path sim_board_path(const sim_run *run, const sim_team *team, uint32_t index);

/* What one more transfer of the board would get from its access point. */
double sim_offer_bps(sim_run *run, const sim_team *team, uint32_t index, kerf_direction direction);
/* What a board's link can carry at a time, alone; *until is when that next changes. */
double sim_cap_bps(sim_run *run, const sim_team *team, uint32_t index, kerf_direction direction,
                   double t, double *until);
/* The time of a flow beyond what it takes at full rate: TCP's slow start. */
double sim_startup_s(const kerf_link *link, double rtt_s, double rate_bps, double bytes);

/* policy.c: the option for an inference that begins at `t`. */
uint32_t sim_decide(sim_run *run, const sim_team *team, uint32_t index, double t);
/* True if the decision needs more than what the board itself knows: it is then made in its turn. */
bool sim_needs_event(kerf_policy_kind kind);
void sim_believe(sim_run *run, const sim_team *team, uint32_t index, double t);
/* What a board has measured, into its moving averages. */
void sim_learn_rate(const sim_run *run, sim_board *b, kerf_direction direction, double rate_bps,
                    double t);
void sim_learn_server(const sim_run *run, sim_board *b, double slowdown, double t);

#endif
