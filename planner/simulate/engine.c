/* The life of an inference, event by event. A board has one event at a time; where nothing of
 * another board's can interfere, what follows is worked out at once instead. */
#include "planner/simulate/engine.h"
#include "planner/simulate/ask.h"

#include "base/memory.h"
#include "net/link.h"
#include "net/transport.h"

#include <stdlib.h>

#define PROGRESS_EVENTS 8192
#define DEADLINE_SLACK  1e-9
#define MAX_SPARE       ((size_t)1 << 24)
#define NO_ASIDE        UINT32_MAX
#define FIRST_ROW       1000 /* offloads in a row, before any were made: worth a try */

static const sim_policy *policy_of(const sim_run *run, const sim_board *b)
{
    return sim_team_policy(run->world, sim_board_team(run, b), run->policy);
}

static const sim_option *option_of(const sim_run *run, const sim_board *b)
{
    return &sim_board_team(run, b)->option[b->option];
}

/* --- what is counted --- */

static void count_record(sim_run *run, const sim_team *team, const sim_record *r)
{
    if (r->arrival < run->from_s || r->arrival >= run->to_s)
        return;
    sim_tally *tally = &run->tally[team - run->world->teams];
    const sim_option *o = &team->option[r->option];
    const cut_problem *problem = &o->choice->binding.problem;
    /* The sums of the planner's own prices, in their order; what only a fleet has comes last. */
    const double e = r->compute_J + r->uplink_J + r->wait_J + r->downlink_J + r->fixed_J;
    const double l = r->device_s + r->uplink_s + r->server_s + r->downlink_s +
                     (r->queue_s + r->server_wait_s + r->fallback_s);
    const double away_s =
        r->uplink_s +
        (problem->result_at_server ? 0 : r->server_s + r->downlink_s + r->server_wait_s);
    tally->started++;
    tally->offloaded += r->offloaded;
    tally->fallbacks += r->fell_back;
    tally->switches += r->switched;
    sim_sum_add(&tally->total_J, e);
    const double part_J[SIM_PARTS] = {r->compute_J, r->uplink_J, r->wait_J, r->downlink_J,
                                      r->fixed_J};
    for (size_t i = 0; i < SIM_PARTS; i++)
        sim_sum_add(&tally->total_part_J[i], part_J[i]);
    sim_sum_add(&tally->active_s, r->device_s + away_s + r->fallback_s);
    if (r->dropped) {
        tally->dropped++;
        return;
    }
    const double deadline = problem->limits.deadline_s;
    if (deadline > 0 && l > deadline * (1 + DEADLINE_SLACK))
        tally->missed++;
    else
        tally->done++;
#define ADD(name, expression) sim_mean_add(&tally->name, expression);
    SIM_MEANS(ADD)
#undef ADD
    const double slowest =
        fmax(fmax(r->device_s + r->fallback_s, r->server_s), fmax(r->uplink_s, r->downlink_s));
    sim_mean_add(&tally->objective, cut_objective(problem, e, l, slowest, r->server_J));
    sim_sketch_add(&tally->latency, l);
    sim_sketch_add(&tally->energy, e);
}

static void count_transfer(sim_run *run, const sim_team *team, kerf_direction d, double bytes,
                           double t)
{
    if (t < run->from_s || t >= run->to_s)
        return;
    sim_link_tally *link = &run->link[team->group->link];
    sim_sum_add(&link->bytes[d], bytes);
    link->transfers[d]++;
    if (team->link->access_point == KERF_NONE)
        return;
    sim_link_tally *point = &run->point[team->link->access_point];
    sim_sum_add(&point->bytes[d], bytes);
    point->transfers[d]++;
}

/* --- events --- */

static uint32_t index_of(const sim_run *run, const sim_board *b)
{
    return (uint32_t)(b - run->board);
}

static uint32_t station_entity(const sim_run *run, size_t server)
{
    return (uint32_t)(run->world->n_boards + server);
}

static uint32_t air_entity(const sim_run *run, size_t air)
{
    return (uint32_t)(run->world->n_boards + run->world->scenario->n_servers + air);
}

/* The board waits for something at `due`, or for its time-out. */
static void wait_for(sim_run *run, sim_board *b, sim_phase phase, double due)
{
    b->phase = (uint8_t)phase;
    b->due = due;
    sim_heap_set(&run->heap, index_of(run, b), due < b->limit ? due : b->limit);
}

static void begin(sim_run *run, sim_board *b);
static void next_inference(sim_run *run, sim_board *b, double t);

/* --- the radio --- */

static double last_use(const sim_board *b)
{
    return fmax(b->last_end[0], b->last_end[1]);
}

unsigned sim_radio_state(const sim_team *team, const sim_board *b, kerf_direction direction,
                         double t)
{
    const kerf_link *link = team->link->link;
    unsigned state = 0;
    if (link->connection != KERF_CONNECTION_WARM && !(t - last_use(b) < link->tail_s))
        state |= SIM_RADIO_IDLE;
    if (link->connection == KERF_CONNECTION_WARM ||
        (link->connection == KERF_CONNECTION_COLD &&
         t - b->last_end[direction] < sim_path_rto_s(link->rtt_s)))
        state |= SIM_WINDOW_OPEN;
    return state;
}

/* A record whose result stayed on the server is counted once both its service and its radio's tail
 * have ended. */
static void count_aside(sim_run *run, const sim_team *team, size_t i)
{
    const sim_record r = run->spare[i];
    if (!r.served || !r.tail_ended)
        return;
    run->spare_next[i] = run->spare_free;
    run->spare_free = i;
    run->inferences++;
    count_record(run, team, &r);
}

/* The last offload's tail has lasted so long: what it cost is known now. */
static void end_tail(sim_run *run, sim_board *b, double gap_s)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    if (!b->has_pending)
        return;
    if (b->aside != NO_ASIDE) {
        sim_record *aside = &run->spare[b->aside];
        aside->fixed_J += link->tail_W * fmin(link->tail_s, gap_s);
        aside->tail_ended = true;
        b->has_pending = false;
        count_aside(run, team, b->aside);
        b->aside = NO_ASIDE;
        return;
    }
    b->pending.fixed_J += link->tail_W * fmin(link->tail_s, gap_s);
    b->has_pending = false;
    count_record(run, team, &b->pending);
}

/* An upload begins: the radio wakes up, if it sleeps. */
static void wake(sim_run *run, sim_board *b, unsigned state, double t)
{
    const kerf_link *link = sim_board_team(run, b)->link->link;
    end_tail(run, b, t - last_use(b));
    b->promotion_s = 0;
    if (state & SIM_RADIO_IDLE) {
        b->promotion_s = link->promotion_s + link->switch_s;
        b->record.fixed_J = link->promotion_W * link->promotion_s + link->switch_W * link->switch_s;
    }
}

static double transfer_J(const kerf_link *link, kerf_direction d, double bytes, double active_s)
{
    return link->active_W_per_bps[d] * (8 * bytes) + link->active_W[d] * fmax(active_s, 0);
}

/* --- the end of an inference --- */

/* It ends, well or badly; `away_s` is how long the board waited with nothing to do. */
static void settle(sim_run *run, sim_board *b, sim_record *r, double away_s)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    r->wait_J = team->option[r->option].wait_W * away_s;
    run->inferences++;
    if (r->offloaded && link->tail_W * link->tail_s > 0) {
        b->pending = *r;
        b->has_pending = true;
    } else {
        count_record(run, team, r);
    }
}

static void finish(sim_run *run, sim_board *b, double t)
{
    sim_record *r = &b->record;
    double away_s = 0;
    if (r->fell_back)
        away_s = r->fallback_s - option_of(run, b)->fallback_s;
    else if (r->offloaded) /* as kerf_price adds them up */
        away_s = r->uplink_s + (r->server_s + r->downlink_s) + r->server_wait_s;
    settle(run, b, r, away_s);
    next_inference(run, b, t);
}

/* The offload has failed at t: the rest runs on the board, or the inference is lost. */
static void give_up(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = option_of(run, b);
    sim_record *r = &b->record;
    const double lost_s = t - b->sent_at;
    b->offline_until = t + team->group->retry_s;
    b->limit = INFINITY;
    r->uplink_s = r->server_wait_s = r->server_s = r->downlink_s = r->server_J = 0;
    if (!team->group->fallback || isnan(o->fallback_s) || team->group->question.result_at_server) {
        r->dropped = true;
        r->fallback_s = lost_s;
        settle(run, b, r, lost_s);
        next_inference(run, b, t);
        return;
    }
    r->fell_back = true;
    r->fallback_s = lost_s + o->fallback_s;
    r->compute_J += o->fallback_J;
    wait_for(run, b, SIM_FINISH, t + o->fallback_s);
}

/* It will be given up at t, at its time-out at the latest. */
static void refuse_at(sim_run *run, sim_board *b, double t)
{
    b->limit = fmin(b->limit, t);
    wait_for(run, b, SIM_GIVE_UP, b->limit);
}

/* --- the result comes back --- */

static void received(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    b->last_end[KERF_DOWNLINK] = t;
    count_transfer(run, team, KERF_DOWNLINK, option_of(run, b)->sent_bytes[KERF_DOWNLINK], t);
    b->limit = INFINITY;
    finish(run, b, t);
}

/* Over the board's own path; t may be yet to come. */
static void receive_alone(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = option_of(run, b);
    const sim_link *link = team->link;
    const unsigned state = sim_radio_state(team, b, KERF_DOWNLINK, t) & SIM_WINDOW_OPEN;
    const sim_hop *hop = &o->hop[KERF_DOWNLINK][state];
    sim_record *r = &b->record;
    sim_down_reach(&link->faults, run->key, index_of(run, b), t, &b->down);
    if (!link->trace[KERF_DOWNLINK] && !link->rtt && t + hop->time_s <= b->down.from &&
        t + hop->time_s <= b->limit) {
        r->downlink_s = hop->time_s;
        r->downlink_J = hop->energy_J;
        sim_learn_rate(run, b, KERF_DOWNLINK,
                       kerf_link_effective_rate_bps(link->link, KERF_DOWNLINK), t);
        received(run, b, t + hop->time_s);
        return;
    }
    const sim_path path = sim_board_path(run, team, index_of(run, b));
    const double half_s = 0.5 * sim_path_rtt_s(&path, t);
    const double cap = b->limit - half_s;
    sim_transfer transfer;
    sim_path_flow(&path, KERF_DOWNLINK, t, o->sent_bytes[KERF_DOWNLINK], !(state & SIM_WINDOW_OPEN),
                  cap, &transfer);
    const double end = transfer.end + half_s;
    sim_learn_rate(run, b, KERF_DOWNLINK, transfer.mean_bps, fmin(end, b->limit));
    if (end <= b->limit) {
        r->downlink_s = end - t;
        r->downlink_J = transfer_J(link->link, KERF_DOWNLINK, transfer.sent_bytes, r->downlink_s);
        received(run, b, end);
        return;
    }
    r->downlink_J = transfer_J(link->link, KERF_DOWNLINK, transfer.sent_bytes, b->limit - t);
    b->last_end[KERF_DOWNLINK] = b->limit;
    refuse_at(run, b, b->limit);
}

/* The server is done with the board's inference at t, now or later. */
static void reply(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = option_of(run, b);
    if (t > b->limit) {
        refuse_at(run, b, b->limit);
        return;
    }
    b->received_at = t;
    if (!(o->cost.downlink_bytes > 0)) {
        b->limit = INFINITY;
        wait_for(run, b, SIM_FINISH, t);
    } else if (team->link->access_point == KERF_NONE) {
        receive_alone(run, b, t);
    } else {
        wait_for(run, b, SIM_RECEIVE, t);
    }
}

/* --- the server --- */

static double service_factor(const sim_run *run, const sim_server *server, const sim_board *b)
{
    const uint64_t who = index_of(run, b), i = b->arrivals.count;
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
    settle(run, b, r, r->uplink_s);
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
        next_inference(run, b, t);
    } else if (lost) {
        refuse_at(run, b, end + told_s);
    } else {
        reply(run, b, end);
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
    count_aside(run, sim_board_team(run, b), aside);
}

static void serve_with_events(sim_run *run, sim_board *b, sim_station *station, sim_job *job,
                              double t)
{
    const sim_team *team = sim_board_team(run, b);
    const bool stays = team->group->question.result_at_server;
    size_t aside = KERF_NONE;
    if (stays) {
        b->record.wait_J = option_of(run, b)->wait_W * b->record.uplink_s;
        aside = put_aside(run, &b->record);
        if (aside == KERF_NONE)
            run->status = KERF_E_NOMEM;
        job->aside = (uint32_t)aside;
    }
    const sim_admission admission = sim_station_add(station, t, job);
    if (admission == SIM_NO_MEMORY)
        run->status = KERF_E_NOMEM;
    sim_heap_set(&run->heap, station_entity(run, team->group->server), sim_station_next(station));
    if (stays) {
        if (run->status == KERF_OK)
            leave_record(run, b, aside, admission == SIM_TAKEN);
        next_inference(run, b, t);
    } else if (admission == SIM_TAKEN) {
        wait_for(run, b, SIM_SERVED, INFINITY);
    } else {
        refuse_at(run, b, t + 0.5 * team->link->link->rtt_s);
    }
}

static void arrive(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = option_of(run, b);
    sim_station *station = &run->station[team->group->server];
    if (!(o->cost.server_s > 0)) { /* only the result was sent */
        if (team->group->question.result_at_server) {
            end_at_server(run, b, &b->record);
            next_inference(run, b, t);
        } else {
            reply(run, b, t);
        }
        return;
    }
    sim_job job = {.board = index_of(run, b),
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
        count_aside(run, team, job->aside);
        return;
    }
    if (b->ticket != job->ticket || b->phase != SIM_SERVED)
        return; /* the board has given it up */
    if (job->failed) {
        refuse_at(run, b, t + 0.5 * team->link->link->rtt_s);
        return;
    }
    b->record.server_s = job->served_s;
    b->record.server_wait_s = job->wait_s;
    b->record.server_J = job->energy_J;
    sim_learn_server(run, b, (job->wait_s + job->served_s) / option_of(run, b)->cost.server_s, t);
    reply(run, b, t);
}

static void station_turn(sim_run *run, size_t server, double t)
{
    sim_station *station = &run->station[server];
    sim_job job;
    while (sim_station_turn(station, t, &job))
        job_done(run, &job, t);
    sim_heap_set(&run->heap, station_entity(run, server), sim_station_next(station));
}

/* --- the upload over the board's own path --- */

static void sent(sim_run *run, sim_board *b, double t)
{
    b->last_end[KERF_UPLINK] = t;
    count_transfer(run, sim_board_team(run, b), KERF_UPLINK,
                   option_of(run, b)->sent_bytes[KERF_UPLINK], t);
    wait_for(run, b, SIM_ARRIVE, t);
}

static void send_slowly(sim_run *run, sim_board *b, unsigned state, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    const double bytes = option_of(run, b)->sent_bytes[KERF_UPLINK];
    const sim_path path = sim_board_path(run, team, index_of(run, b));
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
        r->uplink_J = transfer_J(link, KERF_UPLINK, bytes, r->uplink_s - b->promotion_s);
        sent(run, b, end);
        return;
    }
    r->uplink_J = transfer_J(link, KERF_UPLINK, transfer.sent_bytes, b->limit - t - b->promotion_s);
    b->last_end[KERF_UPLINK] = b->limit;
    refuse_at(run, b, b->limit);
}

static void send_alone(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_link *link = team->link;
    const unsigned state = sim_radio_state(team, b, KERF_UPLINK, t);
    const sim_hop *hop = &option_of(run, b)->hop[KERF_UPLINK][state];
    wake(run, b, state, t);
    sim_down_reach(&link->faults, run->key, index_of(run, b), t, &b->down);
    if (link->trace[KERF_UPLINK] || link->rtt || t + hop->time_s > b->down.from ||
        t + hop->time_s > b->limit) {
        send_slowly(run, b, state, t);
        return;
    }
    b->record.uplink_s = hop->time_s;
    b->record.uplink_J = hop->energy_J;
    sim_learn_rate(run, b, KERF_UPLINK, kerf_link_effective_rate_bps(link->link, KERF_UPLINK),
                   t + hop->time_s);
    sent(run, b, t + hop->time_s);
}

/* --- transfers that share an access point --- */

static size_t air_of(const sim_team *team, kerf_direction d)
{
    return 2 * team->link->access_point + (size_t)d;
}

static void set_air_event(sim_run *run, size_t air)
{
    sim_heap_set(&run->heap, air_entity(run, air), sim_air_next(&run->air[air]));
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

static double uplink_cap(void *context, uint32_t board, double t, double *until)
{
    return look_up_cap(context, board, t, until, KERF_UPLINK);
}

static double downlink_cap(void *context, uint32_t board, double t, double *until)
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
static void begin_shared(sim_run *run, sim_board *b, kerf_direction d, unsigned state, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = option_of(run, b);
    const kerf_link *link = team->link->link;
    const double payload = d == KERF_UPLINK ? o->cost.uplink_bytes : o->cost.downlink_bytes;
    const sim_path path = sim_board_path(run, team, index_of(run, b));
    kerf_link as = *link;
    as.rtt_s = sim_path_rtt_s(&path, t);
    as.loss = 0; /* the cap has it in */
    if (as.connection == KERF_CONNECTION_COLD && (state & SIM_WINDOW_OPEN))
        as.connection = KERF_CONNECTION_WARM;
    b->offered_bps = sim_offer_bps(run, team, index_of(run, b), d);
    as.rate_bps[d] = b->offered_bps > 0 ? b->offered_bps : link->rate_bps[d];
    b->nominal_s = b->promotion_s + kerf_link_active_s(&as, d, payload);
    b->nominal_J = kerf_link_transfer_J(&as, d, payload);
    double delay_s = b->promotion_s;
    if (d == KERF_UPLINK && as.connection == KERF_CONNECTION_NEW)
        delay_s += as.rtt_s;
    if (as.connection != KERF_CONNECTION_WARM)
        delay_s += sim_startup_s(&as, as.rtt_s, as.rate_bps[d], o->sent_bytes[d]);
    wait_for(run, b, d == KERF_UPLINK ? SIM_SEND_FLOW : SIM_RECEIVE_FLOW, t + delay_s);
}

static void begin_flow(sim_run *run, sim_board *b, kerf_direction d, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const size_t air = air_of(team, d);
    double until;
    const double cap = sim_cap_bps(run, team, index_of(run, b), d, t, &until);
    if (!sim_air_add(&run->air[air], t, index_of(run, b), 8 * option_of(run, b)->sent_bytes[d],
                     cap))
        run->status = KERF_E_NOMEM;
    set_air_event(run, air);
    wait_for(run, b, d == KERF_UPLINK ? SIM_SENDING : SIM_RECEIVING, INFINITY);
}

/* A flow has left the sender; the last byte arrives half an RTT later. */
static void flow_ended(sim_run *run, const sim_flow *flow, kerf_direction d, double t)
{
    sim_board *b = &run->board[flow->board];
    const sim_team *team = sim_board_team(run, b);
    const sim_path path = sim_board_path(run, team, flow->board);
    const double half_s = 0.5 * sim_path_rtt_s(&path, t);
    const double bytes = option_of(run, b)->sent_bytes[d], began = d ? b->received_at : b->sent_at;
    const bool steady = flow->steady && flow->rate_bps == b->offered_bps;
    const double time_s = steady ? b->nominal_s : t + half_s - began;
    const double energy_J =
        steady ? b->nominal_J : transfer_J(team->link->link, d, bytes, time_s - b->promotion_s);
    sim_learn_rate(run, b, d, t > flow->began ? 8 * bytes / (t - flow->began) : flow->rate_bps, t);
    if (d == KERF_UPLINK) {
        b->record.uplink_s = time_s;
        b->record.uplink_J = energy_J;
        sent(run, b, fmax(began + time_s, t));
    } else {
        b->record.downlink_s = time_s;
        b->record.downlink_J = energy_J;
        if (fmax(began + time_s, t) > b->limit)
            refuse_at(run, b, b->limit);
        else
            received(run, b, fmax(began + time_s, t));
    }
}

static void air_turn(sim_run *run, size_t air, double t)
{
    sim_flow flow;
    while (sim_air_turn(&run->air[air], t, &flow))
        flow_ended(run, &flow, (kerf_direction)(air & 1), t);
    set_air_event(run, air);
}

/* The time-out of a shared transfer: what it has cost so far. */
static void abandon_shared(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    const bool receiving = b->phase >= SIM_RECEIVE;
    const kerf_direction d = receiving ? KERF_DOWNLINK : KERF_UPLINK;
    double bytes = 0;
    if (b->phase == SIM_SENDING || b->phase == SIM_RECEIVING) {
        const size_t air = air_of(team, d);
        bytes = option_of(run, b)->sent_bytes[d] -
                sim_air_remove(&run->air[air], t, index_of(run, b)) / 8;
        set_air_event(run, air);
    }
    if (b->phase != SIM_SEND && b->phase != SIM_RECEIVE) {
        const double active_s = t - (receiving ? b->received_at : b->sent_at + b->promotion_s);
        const double energy_J = transfer_J(link, d, bytes, active_s);
        *(receiving ? &b->record.downlink_J : &b->record.uplink_J) = energy_J;
        b->last_end[d] = t;
    }
}

/* --- the beginning of an inference --- */

/* How many offloads follow each other: what a woken radio serves. */
static void note_row(sim_board *b, bool sends)
{
    if (sends) {
        b->row += b->row < UINT32_MAX;
        b->mean_row = fmaxf(b->mean_row, (float)b->row);
    } else if (b->row > 0) {
        b->mean_row = sqrtf(b->mean_row * (float)b->row); /* lengths differ by factors */
        b->row = 0;
    }
}

static void begin(sim_run *run, sim_board *b)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = option_of(run, b);
    const double arrival = b->record.arrival;
    const bool sends = o->cost.uplink_bytes > 0 || o->cost.server_s > 0;
    b->record = (sim_record){.arrival = arrival,
                             .queue_s = b->start > arrival ? b->start - arrival : 0,
                             .device_s = o->cost.device_s,
                             .compute_J = o->cost.compute_J,
                             .option = b->option,
                             .offloaded = sends,
                             .switched = b->has_last && b->last_option != b->option};
    b->last_option = b->option;
    b->has_last = true;
    note_row(b, sends);
    b->limit = INFINITY;
    b->promotion_s = 0;
    b->sent_at = b->start + o->cost.device_s;
    if (!sends) {
        wait_for(run, b, SIM_FINISH, b->sent_at);
        return;
    }
    if (team->group->timeout_s > 0)
        b->limit = b->sent_at + team->group->timeout_s;
    if (!(o->cost.uplink_bytes > 0))
        wait_for(run, b, SIM_ARRIVE, b->sent_at);
    else if (team->link->access_point == KERF_NONE)
        send_alone(run, b, b->sent_at);
    else
        wait_for(run, b, SIM_SEND, b->sent_at);
}

static void drop_frame(sim_run *run, const sim_team *team, double arrival)
{
    run->inferences++;
    if (arrival < run->from_s || arrival >= run->to_s)
        return;
    sim_tally *tally = &run->tally[team - run->world->teams];
    tally->arrived++;
    tally->dropped++;
}

static bool is_stopped(const sim_run *run)
{
    return run->stop && atomic_load_explicit(run->stop, memory_order_relaxed);
}

/* Lets every frame up to t into the board's queue; those for which there is no room are lost. */
static void fill_queue(sim_run *run, sim_board *b, double *ring, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const uint32_t room = (uint32_t)team->group->queue;
    for (uint32_t i = 1; b->arrivals.next < t && b->arrivals.next < run->to_s; i++) {
        if (i % PROGRESS_EVENTS == 0 && is_stopped(run))
            return;
        const double arrival = b->arrivals.next;
        sim_arrivals_step(&team->group->arrivals, run->key, index_of(run, b), &b->arrivals);
        if (room == 0 || (b->waiting == room && !team->group->drop_oldest)) {
            drop_frame(run, team, arrival);
            continue;
        }
        if (b->waiting == room) {
            drop_frame(run, team, ring[b->first_waiting]);
            b->first_waiting = (b->first_waiting + 1) % room;
            b->waiting--;
        }
        ring[(b->first_waiting + b->waiting++) % room] = arrival;
    }
}

static void note_arrival(sim_run *run, const sim_team *team, double arrival)
{
    if (arrival >= run->from_s && arrival < run->to_s)
        run->tally[team - run->world->teams].arrived++;
}

/* The board is free at t: it takes the next frame from its queue, or waits for one. */
static void next_inference(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const uint32_t index = index_of(run, b);
    const size_t room = team->group->queue;
    double *ring = run->queue + run->queue_at[b->team] + (index - team->first_board) * room;
    b->ticket++;
    b->limit = INFINITY;
    fill_queue(run, b, ring, t);
    if (b->waiting > 0 && room > 0) {
        b->record.arrival = ring[b->first_waiting];
        b->first_waiting = (uint32_t)((b->first_waiting + 1) % room);
        b->waiting--;
        b->start = t;
    } else if (b->arrivals.next < run->to_s) {
        b->record.arrival = b->arrivals.next;
        b->start = fmax(b->arrivals.next, t);
        sim_arrivals_step(&team->group->arrivals, run->key, index, &b->arrivals);
    } else {
        run->active--;
        wait_for(run, b, SIM_OVER, INFINITY);
        return;
    }
    note_arrival(run, team, b->record.arrival);
    if (sim_needs_event(policy_of(run, b)->kind)) {
        wait_for(run, b, SIM_DECIDE, b->start);
        return;
    }
    b->option = sim_decide(run, team, index, b->start);
    begin(run, b);
}

/* --- the run --- */

static void timed_out(sim_run *run, sim_board *b, double t)
{
    switch ((sim_phase)b->phase) {
    case SIM_SEND:
    case SIM_SEND_FLOW:
    case SIM_SENDING:
    case SIM_RECEIVE:
    case SIM_RECEIVE_FLOW:
    case SIM_RECEIVING:
        abandon_shared(run, b, t);
        break;
    default:
        break;
    }
    give_up(run, b, t);
}

static void board_turn(sim_run *run, sim_board *b, double t)
{
    if (b->due > t) {
        timed_out(run, b, t);
        return;
    }
    switch ((sim_phase)b->phase) {
    case SIM_DECIDE:
        b->option = sim_decide(run, sim_board_team(run, b), index_of(run, b), t);
        begin(run, b);
        break;
    case SIM_FINISH:
        finish(run, b, t);
        break;
    case SIM_SEND: {
        const unsigned state = sim_radio_state(sim_board_team(run, b), b, KERF_UPLINK, t);
        wake(run, b, state, t);
        begin_shared(run, b, KERF_UPLINK, state, t);
        break;
    }
    case SIM_SEND_FLOW:
        begin_flow(run, b, KERF_UPLINK, t);
        break;
    case SIM_ARRIVE:
        arrive(run, b, t);
        break;
    case SIM_RECEIVE:
        b->promotion_s = 0;
        begin_shared(run, b, KERF_DOWNLINK,
                     sim_radio_state(sim_board_team(run, b), b, KERF_DOWNLINK, t), t);
        break;
    case SIM_RECEIVE_FLOW:
        begin_flow(run, b, KERF_DOWNLINK, t);
        break;
    case SIM_GIVE_UP:
        give_up(run, b, t);
        break;
    case SIM_SENDING:
    case SIM_SERVED:
    case SIM_RECEIVING:
    case SIM_OVER:
        break;
    }
}

static void turn(sim_run *run, const sim_event *event)
{
    const size_t n_boards = run->world->n_boards, n_servers = run->world->scenario->n_servers;
    const size_t entity = event->entity;
    run->now = event->time;
    if (entity < n_boards)
        board_turn(run, &run->board[entity], run->now);
    else if (entity < n_boards + n_servers)
        station_turn(run, entity - n_boards, run->now);
    else
        air_turn(run, entity - n_boards - n_servers, run->now);
}

kerf_status sim_run_go(sim_run *run)
{
    uint64_t events = 0;
    while (run->heap.n > 0 && run->active + run->open > 0 && run->status == KERF_OK) {
        if (++events % PROGRESS_EVENTS == 0) {
            if (is_stopped(run))
                break;
            if (run->progress)
                atomic_store_explicit(run->progress, fmin(run->now / run->to_s, 1),
                                      memory_order_relaxed);
        }
        const sim_event event = *sim_heap_first(&run->heap);
        turn(run, &event);
    }
    run->complete = run->status == KERF_OK && run->active + run->open == 0;
    for (size_t i = 0; i < run->world->n_boards; i++)
        end_tail(run, &run->board[i], INFINITY);
    return run->status;
}

sim_path sim_board_path(const sim_run *run, const sim_team *team, uint32_t index)
{
    const sim_board *b = &run->board[index];
    return (sim_path){.link = team->link,
                      .offset_s = b->offset_s,
                      .key = run->key,
                      .who = index,
                      .down = b->down};
}

/* Where in the traces a board begins. */
static double offset_of(const sim_run *run, const sim_link *link, size_t index, size_t in_group)
{
    double longest = 0;
    for (int d = 0; d < 2; d++)
        if (link->trace[d])
            longest = fmax(longest, kerf_trace_period(link->trace[d]));
    if (link->rtt)
        longest = fmax(longest, kerf_trace_period(link->rtt));
    switch (link->offset) {
    case SIM_OFFSET_RANDOM:
        return longest * sim_uniform(run->key, index, SIM_STREAM_OFFSET, 0);
    case SIM_OFFSET_STEP:
        return longest > 0 ? fmod(link->offset_s * (double)in_group, longest) : 0;
    case SIM_OFFSET_SAME:
        break;
    }
    return link->offset_s;
}

static void make_boards(sim_run *run, size_t g)
{
    const sim_team *team = &run->world->teams[g];
    for (size_t i = 0; i < team->group->count; i++) {
        const size_t index = team->first_board + i;
        sim_board *b = &run->board[index];
        b->team = (uint32_t)g;
        b->last_end[0] = b->last_end[1] = -INFINITY;
        b->aside = NO_ASIDE;
        b->mean_row = FIRST_ROW;
        b->offset_s = offset_of(run, team->link, index, i);
        b->option = (uint32_t)team->planned;
        sim_down_begin(&team->link->faults, run->key, index, &b->down);
        sim_arrivals_begin(&team->group->arrivals, run->key, index, &b->arrivals);
    }
}

static bool make_queues(sim_run *run)
{
    const sim_world *w = run->world;
    size_t total = 0;
    run->queue_at = kerf_calloc(w->n_teams, sizeof *run->queue_at);
    if (!run->queue_at)
        return false;
    for (size_t g = 0; g < w->n_teams; g++) {
        run->queue_at[g] = total;
        total += w->teams[g].group->count * w->teams[g].group->queue; /* at most 2^27 * 2^16 */
    }
    run->queue = kerf_calloc(total, sizeof *run->queue);
    return run->queue != NULL;
}

static bool make_shared(sim_run *run)
{
    const kerf_scenario *s = run->world->scenario;
    run->station = kerf_calloc(s->n_servers, sizeof *run->station);
    run->air = kerf_calloc(2 * s->n_access_points, sizeof *run->air);
    run->tally = kerf_calloc(s->n_groups, sizeof *run->tally);
    run->link = kerf_calloc(s->n_links, sizeof *run->link);
    run->point = kerf_calloc(s->n_access_points, sizeof *run->point);
    if (!run->station || !run->air || !run->tally || !run->link || !run->point)
        return false;
    for (size_t i = 0; i < s->n_groups; i++) {
        sim_sketch_init(&run->tally[i].latency);
        sim_sketch_init(&run->tally[i].energy);
    }
    for (size_t i = 0; i < s->n_servers; i++)
        if (!sim_station_init(&run->station[i], &s->servers[i], run->key,
                              UINT64_C(0x5e00000000) + i, run->from_s, run->to_s))
            return false;
    for (size_t i = 0; i < 2 * s->n_access_points; i++) {
        const sim_access_point *ap = &s->access_points[i / 2];
        /* Both directions are down at the same times. */
        sim_air_init(&run->air[i], ap->rate_bps[i & 1], ap->trace[i & 1], &ap->faults, run->key,
                     UINT64_C(0xac00000000) + i / 2);
        run->air[i].context = run;
        for (size_t l = 0; l < s->n_links; l++) {
            const sim_link *link = &s->links[l];
            const bool varies =
                link->trace[0] || link->trace[1] || link->faults.n > 0 || link->faults.mtbf_s > 0;
            if (link->access_point == i / 2 && varies)
                run->air[i].cap = i & 1 ? downlink_cap : uplink_cap;
        }
    }
    return true;
}

kerf_status sim_run_make(const sim_world *world, size_t policy, size_t replication, uint64_t seed,
                         sim_run *run)
{
    const kerf_scenario *s = world->scenario;
    *run = (sim_run){.world = world,
                     .policy = policy,
                     .replication = replication,
                     .key = sim_key(seed, replication),
                     .from_s = s->warmup_s,
                     .to_s = world->duration_s,
                     .active = world->n_boards,
                     .spare_free = KERF_NONE};
    const size_t entities = world->n_boards + s->n_servers + 2 * s->n_access_points;
    run->board = kerf_calloc(world->n_boards, sizeof *run->board);
    if (!run->board || !sim_heap_init(&run->heap, entities) || !make_queues(run) ||
        !make_shared(run))
        return KERF_E_NOMEM;
    const kerf_status opened = sim_ask_open(world, policy, &run->client);
    if (opened != KERF_OK)
        return opened;
    for (size_t g = 0; g < world->n_teams; g++)
        make_boards(run, g);
    for (size_t i = 0; i < world->n_boards; i++) {
        sim_board *b = &run->board[i];
        sim_believe(run, sim_board_team(run, b), (uint32_t)i, 0);
        next_inference(run, b, 0);
    }
    for (size_t i = 0; i < s->n_servers; i++)
        if (!sim_station_is_direct(&run->station[i]))
            sim_heap_set(&run->heap, station_entity(run, i), sim_station_next(&run->station[i]));
    return run->status;
}

void sim_run_clear(sim_run *run)
{
    const kerf_scenario *s = run->world->scenario;
    for (size_t i = 0; run->station && i < s->n_servers; i++)
        if (run->station[i].server)
            sim_station_clear(&run->station[i]);
    for (size_t i = 0; run->air && i < 2 * s->n_access_points; i++)
        sim_air_clear(&run->air[i]);
    kerf_client_destroy(&run->client);
    sim_heap_clear(&run->heap);
    free(run->board);
    free(run->queue);
    free(run->queue_at);
    free(run->station);
    free(run->air);
    free(run->tally);
    free(run->link);
    free(run->point);
    free(run->spare);
    free(run->spare_next);
    *run = (sim_run){.world = run->world};
}
