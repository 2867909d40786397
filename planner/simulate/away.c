/* What happens away from the board: its upload over a path of its own, the server, the reply. */
#include "planner/simulate/life.h"

#include "base/memory.h"
#include "net/link.h"

#define MAX_SPARE ((size_t)1 << 24)

/* --- the result comes back --- */

void sim_received(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    b->last_end[KERF_DOWNLINK] = t;
    sim_count_transfer(run, team, KERF_DOWNLINK, sim_option_of(run, b)->sent_bytes[KERF_DOWNLINK],
                       t);
    b->limit = INFINITY;
    sim_finish(run, b, t);
}

/* Over the board's own path; t may be yet to come. */
static void receive_alone(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = sim_option_of(run, b);
    const sim_link *link = team->link;
    const unsigned state = sim_radio_state(team, b, KERF_DOWNLINK, t) & SIM_WINDOW_OPEN;
    const sim_hop *hop = &o->hop[KERF_DOWNLINK][state];
    sim_record *r = &b->record;
    sim_down_reach(&link->faults, run->key, sim_index_of(run, b), t, &b->down);
    if (!link->trace[KERF_DOWNLINK] && !link->rtt && t + hop->time_s <= b->down.from &&
        t + hop->time_s <= b->limit) {
        r->downlink_s = hop->time_s;
        r->downlink_J = hop->energy_J;
        sim_learn_rate(run, b, KERF_DOWNLINK,
                       kerf_link_effective_rate_bps(link->link, KERF_DOWNLINK), t);
        sim_received(run, b, t + hop->time_s);
        return;
    }
    const sim_path path = sim_board_path(run, team, sim_index_of(run, b));
    const double half_s = 0.5 * sim_path_rtt_s(&path, t);
    const double cap = b->limit - half_s;
    sim_transfer transfer;
    sim_path_flow(&path, KERF_DOWNLINK, t, o->sent_bytes[KERF_DOWNLINK], !(state & SIM_WINDOW_OPEN),
                  cap, &transfer);
    const double end = transfer.end + half_s;
    sim_learn_rate(run, b, KERF_DOWNLINK, transfer.mean_bps, fmin(end, b->limit));
    if (end <= b->limit) {
        r->downlink_s = end - t;
        r->downlink_J =
            sim_transfer_J(link->link, KERF_DOWNLINK, transfer.sent_bytes, r->downlink_s);
        sim_received(run, b, end);
        return;
    }
    r->downlink_J = sim_transfer_J(link->link, KERF_DOWNLINK, transfer.sent_bytes, b->limit - t);
    b->last_end[KERF_DOWNLINK] = b->limit;
    sim_refuse_at(run, b, b->limit);
}

/* The server is done with the board's inference at t, now or later. */
void sim_reply(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = sim_option_of(run, b);
    if (t > b->limit) {
        sim_refuse_at(run, b, b->limit);
        return;
    }
    b->received_at = t;
    if (!(o->cost.downlink_bytes > 0)) {
        b->limit = INFINITY;
        sim_wait_for(run, b, SIM_FINISH, t);
    } else if (team->link->access_point == KERF_NONE) {
        receive_alone(run, b, t);
    } else {
        sim_wait_for(run, b, SIM_RECEIVE, t);
    }
}

/* --- the server --- */

static double service_factor(const sim_run *run, const sim_server *server, const sim_board *b)
{
    const uint64_t who = sim_index_of(run, b), i = b->arrivals.count;
    if (server->distribution == SIM_EXPONENTIAL)
        return sim_exponential(run->key, who, SIM_STREAM_SERVICE, i);
    if (server->distribution == SIM_CONSTANT)
        return 1;
    const double variance = log1p(server->variation * server->variation);
    return exp(sqrt(variance) * sim_normal(run->key, who, SIM_STREAM_SERVICE, i) - 0.5 * variance);
}

/* A result that is needed at the server: the board is free as soon as it has sent. */
static void end_at_server(sim_run *run, sim_board *b, sim_record *r)
{
    sim_settle(run, b, r, r->uplink_s);
}

static size_t put_aside(sim_run *run, const sim_record *r)
{
    if (run->spare_free != KERF_NONE) {
        const size_t i = run->spare_free;
        run->spare_free = run->spare_next[i];
        run->spare[i] = *r;
        return i;
    }
    if (kerf_reserve(&run->spare, &run->spare_capacity, run->spare_n + 1, MAX_SPARE,
                     sizeof *run->spare) != 0 ||
        kerf_reserve(&run->spare_next, &run->spare_next_capacity, run->spare_n + 1, MAX_SPARE,
                     sizeof *run->spare_next) != 0)
        return KERF_NONE;
    run->spare[run->spare_n] = *r;
    return run->spare_n++;
}

/* The board's record of an inference whose result stays on the server. */
static void leave_at_server(sim_run *run, sim_board *b, const sim_record *r, bool lost)
{
    sim_record ended = *r;
    ended.dropped = lost;
    end_at_server(run, b, &ended);
}

static void serve_direct(sim_run *run, sim_board *b, sim_station *station, const sim_job *job,
                         double t)
{
    const bool stays = sim_board_team(run, b)->group->question.result_at_server;
    const double told_s = 0.5 * sim_board_team(run, b)->link->link->rtt_s;
    sim_record *r = &b->record;
    double end = t, wait_s = 0;
    bool failed = false;
    const sim_admission admission = sim_station_serve(station, t, job, &end, &wait_s, &failed);
    const bool lost = admission != SIM_TAKEN || failed;
    if (admission == SIM_NO_MEMORY)
        run->status = KERF_E_NOMEM;
    if (!lost) {
        r->server_s = job->service_s;
        r->server_wait_s = wait_s;
        r->server_J = job->energy_J;
        sim_learn_server(run, b, (wait_s + job->service_s) / job->service_s, end);
    }
    if (stays) {
        leave_at_server(run, b, r, lost);
        sim_next_inference(run, b, t);
    } else if (lost) {
        sim_refuse_at(run, b, end + told_s);
    } else {
        sim_reply(run, b, end);
    }
}

/* The board goes on, and its inference stays on the server, unless that has refused it. */
static void leave_record(sim_run *run, sim_board *b, size_t aside, bool taken)
{
    const kerf_link *link = sim_board_team(run, b)->link->link;
    sim_record *r = &run->spare[aside];
    r->served = r->dropped = !taken;
    run->open += taken;
    if (link->tail_W * link->tail_s > 0) {
        b->has_pending = true;
        b->aside = (uint32_t)aside;
        return;
    }
    r->tail_ended = true;
    sim_count_aside(run, sim_board_team(run, b), aside);
}

static void serve_with_events(sim_run *run, sim_board *b, sim_station *station, sim_job *job,
                              double t)
{
    const sim_team *team = sim_board_team(run, b);
    const bool stays = team->group->question.result_at_server;
    size_t aside = KERF_NONE;
    if (stays) {
        b->record.wait_J = sim_option_of(run, b)->wait_W * b->record.uplink_s;
        aside = put_aside(run, &b->record);
        if (aside == KERF_NONE)
            run->status = KERF_E_NOMEM;
        job->aside = (uint32_t)aside;
    }
    const sim_admission admission = sim_station_add(station, t, job);
    if (admission == SIM_NO_MEMORY)
        run->status = KERF_E_NOMEM;
    sim_heap_set(&run->heap, sim_station_entity(run, team->group->server),
                 sim_station_next(station));
    if (stays) {
        if (run->status == KERF_OK)
            leave_record(run, b, aside, admission == SIM_TAKEN);
        sim_next_inference(run, b, t);
    } else if (admission == SIM_TAKEN) {
        sim_wait_for(run, b, SIM_SERVED, INFINITY);
    } else {
        sim_refuse_at(run, b, t + 0.5 * team->link->link->rtt_s);
    }
}

void sim_arrive(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = sim_option_of(run, b);
    sim_station *station = &run->station[team->group->server];
    if (!(o->cost.server_s > 0)) { /* only the result was sent */
        if (team->group->question.result_at_server) {
            end_at_server(run, b, &b->record);
            sim_next_inference(run, b, t);
        } else {
            sim_reply(run, b, t);
        }
        return;
    }
    sim_job job = {.board = sim_index_of(run, b),
                   .ticket = b->ticket,
                   .kind = (uint64_t)b->team << 32 | b->option,
                   .service_s = o->cost.server_s * service_factor(run, station->server, b),
                   .energy_J = o->cost.server_energy_J};
    if (sim_station_is_direct(station))
        serve_direct(run, b, station, &job, t);
    else
        serve_with_events(run, b, station, &job, t);
}

/* A server with events tells of a job. */
static void job_done(sim_run *run, const sim_job *job, double t)
{
    sim_board *b = &run->board[job->board];
    const sim_team *team = sim_board_team(run, b);
    const bool stays = team->group->question.result_at_server;
    if (stays) {
        sim_record *r = &run->spare[job->aside];
        run->open--;
        r->served = true;
        r->server_s = job->served_s;
        r->server_wait_s = job->wait_s;
        r->server_J = job->failed ? 0 : job->energy_J;
        r->dropped = job->failed;
        sim_count_aside(run, team, job->aside);
        return;
    }
    if (b->ticket != job->ticket || b->phase != SIM_SERVED)
        return; /* the board has given it up */
    if (job->failed) {
        sim_refuse_at(run, b, t + 0.5 * team->link->link->rtt_s);
        return;
    }
    b->record.server_s = job->served_s;
    b->record.server_wait_s = job->wait_s;
    b->record.server_J = job->energy_J;
    sim_learn_server(run, b, (job->wait_s + job->served_s) / sim_option_of(run, b)->cost.server_s,
                     t);
    sim_reply(run, b, t);
}

void sim_station_turn_all(sim_run *run, size_t server, double t)
{
    sim_station *station = &run->station[server];
    sim_job job;
    while (sim_station_turn(station, t, &job))
        job_done(run, &job, t);
    sim_heap_set(&run->heap, sim_station_entity(run, server), sim_station_next(station));
}

/* --- the upload over the board's own path --- */

void sim_sent(sim_run *run, sim_board *b, double t)
{
    b->last_end[KERF_UPLINK] = t;
    sim_count_transfer(run, sim_board_team(run, b), KERF_UPLINK,
                       sim_option_of(run, b)->sent_bytes[KERF_UPLINK], t);
    sim_wait_for(run, b, SIM_ARRIVE, t);
}

static void send_slowly(sim_run *run, sim_board *b, unsigned state, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    const double bytes = sim_option_of(run, b)->sent_bytes[KERF_UPLINK];
    const sim_path path = sim_board_path(run, team, sim_index_of(run, b));
    const double rtt_s = sim_path_rtt_s(&path, t);
    const double shake_s = link->connection == KERF_CONNECTION_NEW ? rtt_s : 0;
    const double from = t + b->promotion_s + shake_s;
    sim_record *r = &b->record;
    sim_transfer transfer;
    sim_path_flow(&path, KERF_UPLINK, from, bytes, !(state & SIM_WINDOW_OPEN),
                  b->limit - 0.5 * rtt_s, &transfer);
    const double end = transfer.end + 0.5 * rtt_s;
    sim_learn_rate(run, b, KERF_UPLINK, transfer.mean_bps, fmin(end, b->limit));
    if (end <= b->limit) {
        r->uplink_s = end - t;
        r->uplink_J = sim_transfer_J(link, KERF_UPLINK, bytes, r->uplink_s - b->promotion_s);
        sim_sent(run, b, end);
        return;
    }
    r->uplink_J =
        sim_transfer_J(link, KERF_UPLINK, transfer.sent_bytes, b->limit - t - b->promotion_s);
    b->last_end[KERF_UPLINK] = b->limit;
    sim_refuse_at(run, b, b->limit);
}

void sim_send_alone(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_link *link = team->link;
    const unsigned state = sim_radio_state(team, b, KERF_UPLINK, t);
    const sim_hop *hop = &sim_option_of(run, b)->hop[KERF_UPLINK][state];
    sim_wake(run, b, state, t);
    sim_down_reach(&link->faults, run->key, sim_index_of(run, b), t, &b->down);
    if (link->trace[KERF_UPLINK] || link->rtt || t + hop->time_s > b->down.from ||
        t + hop->time_s > b->limit) {
        send_slowly(run, b, state, t);
        return;
    }
    b->record.uplink_s = hop->time_s;
    b->record.uplink_J = hop->energy_J;
    sim_learn_rate(run, b, KERF_UPLINK, kerf_link_effective_rate_bps(link->link, KERF_UPLINK),
                   t + hop->time_s);
    sim_sent(run, b, t + hop->time_s);
}
