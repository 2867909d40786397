/* The parts of an inference's life, which call each other. `t` is when; it may be yet to come where
 * nobody else can interfere. */
#ifndef KERF_SIMULATE_LIFE_H
#define KERF_SIMULATE_LIFE_H

#include "planner/simulate/engine.h"

#define SIM_NO_ASIDE UINT32_MAX

static inline const sim_option *sim_option_of(const sim_run *run, const sim_board *b)
{
    return &sim_board_team(run, b)->option[b->option];
}

static inline uint32_t sim_index_of(const sim_run *run, const sim_board *b)
{
    return (uint32_t)(b - run->board);
}

static inline uint32_t sim_station_entity(const sim_run *run, size_t server)
{
    return (uint32_t)(run->world->n_boards + server);
}

static inline uint32_t sim_air_entity(const sim_run *run, size_t air)
{
    return (uint32_t)(run->world->n_boards + run->world->scenario->n_servers + air);
}

static inline double sim_transfer_J(const kerf_link *link, kerf_direction d, double bytes,
                                    double active_s)
{
    return link->active_W_per_bps[d] * (8 * bytes) + link->active_W[d] * fmax(active_s, 0);
}

/* engine.c */
/* The board waits for something at `due`, or for its time-out. */
void sim_wait_for(sim_run *run, sim_board *b, sim_phase phase, double due);
/* The board is free: it takes the next frame from its queue, or waits for one. */
void sim_next_inference(sim_run *run, sim_board *b, double t);
/* An upload begins: the radio wakes up, if it sleeps. */
void sim_wake(sim_run *run, sim_board *b, unsigned state, double t);
/* An inference ends, well or badly; `away_s` is how long the board waited with nothing to do. */
void sim_settle(sim_run *run, sim_board *b, sim_record *r, double away_s);
void sim_finish(sim_run *run, sim_board *b, double t);
/* It will be given up at t, at its time-out at the latest. */
void sim_refuse_at(sim_run *run, sim_board *b, double t);
/* A record whose result stayed on the server, if all of it is known. */
void sim_count_aside(sim_run *run, const sim_team *team, size_t i);

/* count.c */
void sim_count_record(sim_run *run, const sim_team *team, const sim_record *r);
void sim_count_transfer(sim_run *run, const sim_team *team, kerf_direction d, double bytes,
                        double t);

/* away.c */
void sim_send_alone(sim_run *run, sim_board *b, double t);
void sim_sent(sim_run *run, sim_board *b, double t);
void sim_arrive(sim_run *run, sim_board *b, double t);
void sim_reply(sim_run *run, sim_board *b, double t);
void sim_received(sim_run *run, sim_board *b, double t);
void sim_station_turn_all(sim_run *run, size_t server, double t);

/* shared.c */
void sim_begin_shared(sim_run *run, sim_board *b, kerf_direction d, unsigned state, double t);
void sim_begin_flow(sim_run *run, sim_board *b, kerf_direction d, double t);
void sim_air_turn_all(sim_run *run, size_t air, double t);
void sim_abandon_shared(sim_run *run, sim_board *b, double t);
double sim_uplink_cap(void *context, uint32_t board, double t, double *until);
double sim_downlink_cap(void *context, uint32_t board, double t, double *until);

#endif
