/* The life of an inference, event by event. A board has one event at a time; where nothing of
 * another board's can interfere, what follows is worked out at once instead. */
#include "planner/simulate/life.h"

#include "net/link.h"

#define PROGRESS_EVENTS 8192

static const sim_policy *policy_of(const sim_run *run, const sim_board *b)
{
    return sim_team_policy(run->world, sim_board_team(run, b), run->policy);
}

/* --- events --- */

/* The board waits for something at `due`, or for its time-out. */
void sim_wait_for(sim_run *run, sim_board *b, sim_phase phase, double due)
{
    b->phase = (uint8_t)phase;
    b->due = due;
    sim_heap_set(&run->heap, sim_index_of(run, b), due < b->limit ? due : b->limit);
}

static void begin(sim_run *run, sim_board *b);

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
void sim_count_aside(sim_run *run, const sim_team *team, size_t i)
{
    const sim_record r = run->spare[i];
    if (!r.served || !r.tail_ended)
        return;
    run->spare_next[i] = run->spare_free;
    run->spare_free = i;
    run->inferences++;
    sim_count_record(run, team, &r);
}

/* The last offload's tail has lasted so long: what it cost is known now. */
static void end_tail(sim_run *run, sim_board *b, double gap_s)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    if (!b->has_pending)
        return;
    if (b->aside != SIM_NO_ASIDE) {
        sim_record *aside = &run->spare[b->aside];
        aside->fixed_J += link->tail_W * fmin(link->tail_s, gap_s);
        aside->tail_ended = true;
        b->has_pending = false;
        sim_count_aside(run, team, b->aside);
        b->aside = SIM_NO_ASIDE;
        return;
    }
    b->pending.fixed_J += link->tail_W * fmin(link->tail_s, gap_s);
    b->has_pending = false;
    sim_count_record(run, team, &b->pending);
}

/* An upload begins: the radio wakes up, if it sleeps. */
void sim_wake(sim_run *run, sim_board *b, unsigned state, double t)
{
    const kerf_link *link = sim_board_team(run, b)->link->link;
    end_tail(run, b, t - last_use(b));
    b->promotion_s = 0;
    if (state & SIM_RADIO_IDLE) {
        b->promotion_s = link->promotion_s + link->switch_s;
        b->record.fixed_J = link->promotion_W * link->promotion_s + link->switch_W * link->switch_s;
    }
}

/* --- the end of an inference --- */

/* It ends, well or badly; `away_s` is how long the board waited with nothing to do. */
void sim_settle(sim_run *run, sim_board *b, sim_record *r, double away_s)
{
    const sim_team *team = sim_board_team(run, b);
    const kerf_link *link = team->link->link;
    r->wait_J = team->option[r->option].wait_W * away_s;
    run->inferences++;
    if (r->offloaded && link->tail_W * link->tail_s > 0) {
        b->pending = *r;
        b->has_pending = true;
    } else {
        sim_count_record(run, team, r);
    }
}

void sim_finish(sim_run *run, sim_board *b, double t)
{
    sim_record *r = &b->record;
    double away_s = 0;
    if (r->fell_back)
        away_s = r->fallback_s - sim_option_of(run, b)->fallback_s;
    else if (r->offloaded) /* as kerf_price adds them up */
        away_s = r->uplink_s + (r->server_s + r->downlink_s) + r->server_wait_s;
    sim_settle(run, b, r, away_s);
    sim_next_inference(run, b, t);
}

/* The offload has failed at t: the rest runs on the board, or the inference is lost. */
static void give_up(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const sim_option *o = sim_option_of(run, b);
    sim_record *r = &b->record;
    const double lost_s = t - b->sent_at;
    b->offline_until = t + team->group->retry_s;
    b->limit = INFINITY;
    r->uplink_s = r->server_wait_s = r->server_s = r->downlink_s = r->server_J = 0;
    if (!team->group->fallback || isnan(o->fallback_s) || team->group->question.result_at_server) {
        r->dropped = true;
        r->fallback_s = lost_s;
        sim_settle(run, b, r, lost_s);
        sim_next_inference(run, b, t);
        return;
    }
    r->fell_back = true;
    r->fallback_s = lost_s + o->fallback_s;
    r->compute_J += o->fallback_J;
    sim_wait_for(run, b, SIM_FINISH, t + o->fallback_s);
}

/* It will be given up at t, at its time-out at the latest. */
void sim_refuse_at(sim_run *run, sim_board *b, double t)
{
    b->limit = fmin(b->limit, t);
    sim_wait_for(run, b, SIM_GIVE_UP, b->limit);
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
    const sim_option *o = sim_option_of(run, b);
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
    if (run->series && sim_index_of(run, b) == team->first_board) {
        kerf_group_step *step = sim_series_group(run->series, b->team, b->start);
        if (step)
            step->cut = b->option;
    }
    note_row(b, sends);
    b->limit = INFINITY;
    b->promotion_s = 0;
    b->sent_at = b->start + o->cost.device_s;
    if (!sends) {
        sim_wait_for(run, b, SIM_FINISH, b->sent_at);
        return;
    }
    if (team->group->timeout_s > 0)
        b->limit = b->sent_at + team->group->timeout_s;
    if (!(o->cost.uplink_bytes > 0))
        sim_wait_for(run, b, SIM_ARRIVE, b->sent_at);
    else if (team->link->access_point == KERF_NONE)
        sim_send_alone(run, b, b->sent_at);
    else
        sim_wait_for(run, b, SIM_SEND, b->sent_at);
}

static void drop_frame(sim_run *run, const sim_team *team, double arrival)
{
    run->inferences++;
    if (run->series) {
        kerf_group_step *step =
            sim_series_group(run->series, (size_t)(team - run->world->teams), arrival);
        if (step)
            step->dropped++;
    }
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
        sim_arrivals_step(&team->group->arrivals, run->key, sim_index_of(run, b), &b->arrivals);
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
void sim_next_inference(sim_run *run, sim_board *b, double t)
{
    const sim_team *team = sim_board_team(run, b);
    const uint32_t index = sim_index_of(run, b);
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
        sim_wait_for(run, b, SIM_OVER, INFINITY);
        return;
    }
    note_arrival(run, team, b->record.arrival);
    if (sim_needs_event(policy_of(run, b)->kind)) {
        sim_wait_for(run, b, SIM_DECIDE, b->start);
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
        sim_abandon_shared(run, b, t);
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
        b->option = sim_decide(run, sim_board_team(run, b), sim_index_of(run, b), t);
        begin(run, b);
        break;
    case SIM_FINISH:
        sim_finish(run, b, t);
        break;
    case SIM_SEND: {
        const unsigned state = sim_radio_state(sim_board_team(run, b), b, KERF_UPLINK, t);
        sim_wake(run, b, state, t);
        sim_begin_shared(run, b, KERF_UPLINK, state, t);
        break;
    }
    case SIM_SEND_FLOW:
        sim_begin_flow(run, b, KERF_UPLINK, t);
        break;
    case SIM_ARRIVE:
        sim_arrive(run, b, t);
        break;
    case SIM_RECEIVE:
        b->promotion_s = 0;
        sim_begin_shared(run, b, KERF_DOWNLINK,
                         sim_radio_state(sim_board_team(run, b), b, KERF_DOWNLINK, t), t);
        break;
    case SIM_RECEIVE_FLOW:
        sim_begin_flow(run, b, KERF_DOWNLINK, t);
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
        sim_station_turn_all(run, entity - n_boards, run->now);
    else
        sim_air_turn_all(run, entity - n_boards - n_servers, run->now);
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
