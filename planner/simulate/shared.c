/* Transfers that share an access point. */
#include "planner/simulate/life.h"

#include "net/link.h"
#include "net/transport.h"

static size_t air_of(const sim_team *team, kerf_direction d)
{
    return 2 * team->link->access_point + (size_t)d;
}

static void set_air_event(sim_run *run, size_t air)
{
    sim_heap_set(&run->heap, sim_air_entity(run, air), sim_air_next(&run->air[air]));
}

double sim_cap_bps(sim_run *run, const sim_team *team, uint32_t index, kerf_direction direction,
                   double t, double *until)
{
    sim_board *b = &run->board[index];
    const sim_link *link = team->link;
    const kerf_trace *trace = link->trace[direction];
    sim_down_reach(&link->faults, run->key, index, t, &b->down);
    *until = t >= b->down.from ? b->down.to : b->down.from;
    if (t >= b->down.from)
        return 0;
    if (!trace)
        return kerf_link_effective_rate_bps(link->link, direction);
    *until = fmin(*until, kerf_trace_next(trace, t + b->offset_s) - b->offset_s);
    if (!(*until > t))
        *until = nextafter(t, INFINITY);
    return kerf_trace_at(trace, t + b->offset_s);
}

/* For the access point. */
static double look_up_cap(void *context, uint32_t board, double t, double *until,
                          kerf_direction direction)
{
    sim_run *run = context;
    return sim_cap_bps(run, sim_board_team(run, &run->board[board]), board, direction, t, until);
}

double sim_uplink_cap(void *context, uint32_t board, double t, double *until)
{
    return look_up_cap(context, board, t, until, KERF_UPLINK);
}

double sim_downlink_cap(void *context, uint32_t board, double t, double *until)
{
    return look_up_cap(context, board, t, until, KERF_DOWNLINK);
}

double sim_offer_bps(sim_run *run, const sim_team *team, uint32_t index, kerf_direction direction)
{
    double until;
    const double cap = sim_cap_bps(run, team, index, direction, run->now, &until);
    return sim_air_offer(&run->air[air_of(team, direction)], run->now, cap);
}

double sim_startup_s(const kerf_link *link, double rtt_s, double rate_bps, double bytes)
{
    kerf_link as = *link;
    as.rtt_s = rtt_s;
    const kerf_flow flow = kerf_link_flow(&as, rate_bps);
    return fmax(kerf_flow_s(&flow, bytes) - bytes / flow.rate_Bps, 0);
}

/* A shared transfer begins at t: what it would take if it kept what it is offered, and when its
 * flow begins. */
void sim_begin_shared(sim_run *run, sim_board *b, kerf_direction d, unsigned state, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = sim_option_of(run, b);
    const kerf_link *link = team->link->link;
    const double payload = d == KERF_UPLINK ? o->cost.uplink_bytes : o->cost.downlink_bytes;
    const sim_path path = sim_board_path(run, team, sim_index_of(run, b));
    kerf_link as = *link;
    as.rtt_s = sim_path_rtt_s(&path, t);
    as.loss = 0; /* the cap has it in */
    if (as.connection == KERF_CONNECTION_COLD && (state & SIM_WINDOW_OPEN))
        as.connection = KERF_CONNECTION_WARM;
    b->offered_bps = sim_offer_bps(run, team, sim_index_of(run, b), d);
    as.rate_bps[d] = b->offered_bps > 0 ? b->offered_bps : link->rate_bps[d];
    b->nominal_s = b->promotion_s + kerf_link_active_s(&as, d, payload);
    b->nominal_J = kerf_link_transfer_J(&as, d, payload);
    double delay_s = b->promotion_s;
    if (d == KERF_UPLINK && as.connection == KERF_CONNECTION_NEW)
        delay_s += as.rtt_s;
    if (as.connection != KERF_CONNECTION_WARM)
        delay_s += sim_startup_s(&as, as.rtt_s, as.rate_bps[d], o->sent_bytes[d]);
    sim_wait_for(run, b, d == KERF_UPLINK ? SIM_SEND_FLOW : SIM_RECEIVE_FLOW, t + delay_s);
}

void sim_begin_flow(sim_run *run, sim_board *b, kerf_direction d, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const size_t air = air_of(team, d);
    double until;
    const double cap = sim_cap_bps(run, team, sim_index_of(run, b), d, t, &until);
    if (!sim_air_add(&run->air[air], t, sim_index_of(run, b),
                     8 * sim_option_of(run, b)->sent_bytes[d], cap))
        run->status = KERF_E_NOMEM;
    set_air_event(run, air);
    sim_wait_for(run, b, d == KERF_UPLINK ? SIM_SENDING : SIM_RECEIVING, INFINITY);
}

/* A flow has left the sender; the last byte arrives half an RTT later. */
static void flow_ended(sim_run *run, const sim_flow *flow, kerf_direction d, double t)
{
    sim_board *b = &run->board[flow->board];
    const sim_team *team = sim_board_team(run, b);
    const sim_path path = sim_board_path(run, team, flow->board);
    const double half_s = 0.5 * sim_path_rtt_s(&path, t);
    const double bytes = sim_option_of(run, b)->sent_bytes[d],
                 began = d ? b->received_at : b->sent_at;
    const bool steady = flow->steady && flow->rate_bps == b->offered_bps;
    const double time_s = steady ? b->nominal_s : t + half_s - began;
    const double energy_J =
        steady ? b->nominal_J : sim_transfer_J(team->link->link, d, bytes, time_s - b->promotion_s);
    sim_learn_rate(run, b, d, t > flow->began ? 8 * bytes / (t - flow->began) : flow->rate_bps, t);
    if (d == KERF_UPLINK) {
        b->record.uplink_s = time_s;
        b->record.uplink_J = energy_J;
        sim_sent(run, b, fmax(began + time_s, t));
    } else {
        b->record.downlink_s = time_s;
        b->record.downlink_J = energy_J;
        if (fmax(began + time_s, t) > b->limit)
            sim_refuse_at(run, b, b->limit);
        else
            sim_received(run, b, fmax(began + time_s, t));
    }
}

void sim_air_turn_all(sim_run *run, size_t air, double t)
{
    sim_flow flow;
    while (sim_air_turn(&run->air[air], t, &flow))
        flow_ended(run, &flow, (kerf_direction)(air & 1), t);
    set_air_event(run, air);
}

/* The time-out of a shared transfer: what it has cost so far. */
void sim_abandon_shared(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    const bool receiving = b->phase >= SIM_RECEIVE;
    const kerf_direction d = receiving ? KERF_DOWNLINK : KERF_UPLINK;
    double bytes = 0;
    if (b->phase == SIM_SENDING || b->phase == SIM_RECEIVING) {
        const size_t air = air_of(team, d);
        bytes = sim_option_of(run, b)->sent_bytes[d] -
                sim_air_remove(&run->air[air], t, sim_index_of(run, b)) / 8;
        set_air_event(run, air);
    }
    if (b->phase != SIM_SEND && b->phase != SIM_RECEIVE) {
        const double active_s = t - (receiving ? b->received_at : b->sent_at + b->promotion_s);
        const double energy_J = sim_transfer_J(link, d, bytes, active_s);
        *(receiving ? &b->record.downlink_J : &b->record.uplink_J) = energy_J;
        b->last_end[d] = t;
    }
}
