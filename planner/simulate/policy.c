/* Who decides where an inference runs. */
#include "planner/simulate/ask.h"
#include "planner/simulate/engine.h"

#include "net/link.h"

#define NEVER_S   1e12 /* what will not end: large, but numbers stay numbers */
#define LEAST_BPS 1e3  /* what is measured as less counts as this */

/* What a decision goes by. */
typedef struct outlook {
    kerf_link link;          /* as it is, or is believed to be */
    unsigned state;          /* of radio and window, as SIM_RADIO_IDLE and so on */
    double gap_s;            /* to the transfer after this one, as far as can be told */
    double wake_share;       /* of a promotion that this transfer answers for */
    double slowdown, wait_s; /* of the server */
} outlook;

bool sim_needs_event(kerf_policy_kind kind)
{
    return kind >= KERF_POLICY_ADAPTIVE;
}

/* --- what an option would cost --- */

typedef struct verdict {
    double objective, violation;
} verdict;

static double excess(double value, double limit)
{
    return limit > 0 && value > limit * (1 + CUT_LIMIT_TOLERANCE) ? value / limit - 1 : 0;
}

/* With the transfers' times and energies given: the planner's objective and limits. */
static verdict judge(const sim_option *o, const outlook *at, double up_s, double down_s,
                     double up_J, double down_J)
{
    const cut_problem *p = &o->choice->binding.problem;
    const double server_s = o->cost.server_s * at->slowdown;
    const double wait_s = o->cost.server_s > 0 ? at->wait_s : 0;
    double away_s = up_s;
    if (!p->result_at_server)
        away_s += (server_s + down_s) + wait_s;
    double fixed_J = 0;
    if (o->cost.uplink_bytes + o->cost.downlink_bytes > 0) {
        const kerf_link *l = &at->link;
        if (at->state & SIM_RADIO_IDLE)
            fixed_J =
                at->wake_share * (l->promotion_W * l->promotion_s + l->switch_W * l->switch_s);
        fixed_J += l->tail_W * fmin(l->tail_s, at->gap_s);
    }
    const double energy = o->cost.compute_J + up_J + down_J + fixed_J + o->wait_W * away_s;
    const double latency = o->cost.device_s + up_s + server_s + down_s + wait_s;
    const double slowest =
        fmax(fmax(o->cost.device_s, server_s),
             fmax(kerf_link_occupancy_s(&at->link, KERF_UPLINK, o->cost.uplink_bytes),
                  kerf_link_occupancy_s(&at->link, KERF_DOWNLINK, o->cost.downlink_bytes)));
    double most = excess(latency, p->limits.deadline_s);
    most = fmax(most, excess(energy, p->limits.energy_J));
    most = fmax(most, excess(o->cost.device_memory_bytes, p->limits.memory_bytes));
    most = fmax(most, excess(o->cost.uplink_bytes, p->limits.max_bytes));
    if (o->device_operators < p->limits.min_device_operators)
        most = fmax(most, 1 - (double)o->device_operators / (double)p->limits.min_device_operators);
    return (verdict){cut_objective(p, energy, latency, slowest, o->cost.server_energy_J), most};
}

/* Over a link that stays as the outlook has it. */
static verdict foresee(const sim_option *o, const outlook *at)
{
    double time_s[2] = {0, 0}, energy_J[2] = {0, 0};
    const double bytes[2] = {o->cost.uplink_bytes, o->cost.downlink_bytes};
    for (int d = 0; d < 2; d++) {
        if (!(bytes[d] > 0))
            continue;
        if (!(at->link.rate_bps[d] > 0)) { /* it would never end */
            time_s[d] = NEVER_S;
            continue;
        }
        kerf_link as = at->link;
        if (at->state & SIM_WINDOW_OPEN)
            as.connection = KERF_CONNECTION_WARM;
        time_s[d] = kerf_link_active_s(&as, (kerf_direction)d, bytes[d]);
        energy_J[d] = as.active_W_per_bps[d] * 8 * o->sent_bytes[d] + as.active_W[d] * time_s[d];
        if (d == KERF_UPLINK && (at->state & SIM_RADIO_IDLE))
            time_s[d] += at->wake_share * (as.promotion_s + as.switch_s);
    }
    return judge(o, at, time_s[0], time_s[1], energy_J[0], energy_J[1]);
}

/* With what the link will really do. */
static verdict look_ahead(const sim_run *run, const sim_team *team, uint32_t index,
                          const sim_option *o, const outlook *at, double t)
{
    const kerf_link *link = &at->link;
    sim_path path = sim_board_path(run, team, index);
    double time_s[2] = {0, 0}, energy_J[2] = {0, 0};
    double now = t + o->cost.device_s;
    const double bytes[2] = {o->cost.uplink_bytes, o->cost.downlink_bytes};
    for (int d = 0; d < 2; d++) {
        if (d == KERF_DOWNLINK)
            now += o->cost.server_s * at->slowdown + (o->cost.server_s > 0 ? at->wait_s : 0);
        if (!(bytes[d] > 0) || now >= NEVER_S)
            continue;
        sim_transfer transfer;
        const double rtt_s = sim_path_rtt_s(&path, now);
        double before = 0;
        if (d == KERF_UPLINK && (at->state & SIM_RADIO_IDLE))
            before = at->wake_share * (link->promotion_s + link->switch_s);
        const double shake =
            d == KERF_UPLINK && link->connection == KERF_CONNECTION_NEW ? rtt_s : 0;
        sim_path_flow(&path, (kerf_direction)d, now + before + shake, o->sent_bytes[d],
                      !(at->state & SIM_WINDOW_OPEN), INFINITY, &transfer);
        time_s[d] = transfer.end + 0.5 * rtt_s - now;
        energy_J[d] = link->active_W_per_bps[d] * 8 * o->sent_bytes[d] +
                      link->active_W[d] * (time_s[d] - before);
        now += time_s[d];
    }
    return judge(o, at, time_s[0], time_s[1], energy_J[0], energy_J[1]);
}

/* --- what a board knows --- */

static outlook outlook_of(const sim_run *run, const sim_team *team, uint32_t index, double t)
{
    const sim_board *b = &run->board[index];
    outlook at = {.link = *team->link->link,
                  .state = sim_radio_state(team, b, KERF_UPLINK, t),
                  .gap_s = team->mean_gap_s,
                  .slowdown = 1};
    at.link.loss = 0; /* the rates have it in */
    /* Where inferences come again before the radio sleeps, or the window closes, waking it serves
     * those that follow as well: as many as it has on average. */
    at.wake_share = team->mean_gap_s < at.link.tail_s ? 1 / fmax((double)b->mean_row, 1) : 1;
    if (at.link.connection == KERF_CONNECTION_COLD &&
        team->mean_gap_s < sim_path_rto_s(at.link.rtt_s))
        at.state |= SIM_WINDOW_OPEN;
    return at;
}

/* The link and the server as they are now. */
static void look(sim_run *run, const sim_team *team, uint32_t index, double t, outlook *at)
{
    const sim_path path = sim_board_path(run, team, index);
    at->link.rtt_s = sim_path_rtt_s(&path, t);
    for (int d = 0; d < 2; d++)
        at->link.rate_bps[d] = team->link->access_point == KERF_NONE
                                   ? sim_path_rate_bps(&path, (kerf_direction)d, t)
                                   : sim_offer_bps(run, team, index, (kerf_direction)d);
    sim_station *station = &run->station[team->group->server];
    at->slowdown = sim_station_crowding(station);
    at->wait_s = sim_station_backlog_s(station, t);
    if (sim_station_is_down(station, t))
        at->wait_s = NEVER_S;
}

void sim_believe(sim_run *run, const sim_team *team, uint32_t index, double t)
{
    sim_belief *belief = &run->board[index].belief;
    const kerf_link *link = team->link->link;
    for (int d = 0; d < 2; d++)
        belief->pace_s[d] = 1 / kerf_link_effective_rate_bps(link, (kerf_direction)d);
    belief->rtt_s = link->rtt_s;
    belief->slowdown = 1;
    belief->when = t;
}

/* The policy of a board that learns, or NULL. */
static const sim_policy *learner(const sim_run *run, const sim_board *b)
{
    const sim_policy *policy = sim_team_policy(run->world, sim_board_team(run, b), run->policy);
    return policy->kind == KERF_POLICY_ADAPTIVE || policy->kind == KERF_POLICY_SERVICE ? policy
                                                                                       : NULL;
}

void sim_learn_rate(const sim_run *run, sim_board *b, kerf_direction direction, double rate_bps,
                    double t)
{
    const sim_policy *policy = learner(run, b);
    if (!policy)
        return;
    double *average = &b->belief.pace_s[direction];
    *average += policy->weight * (1 / fmax(rate_bps, LEAST_BPS) - *average);
    b->belief.when = t;
}

void sim_learn_server(const sim_run *run, sim_board *b, double slowdown, double t)
{
    const sim_policy *policy = learner(run, b);
    if (!policy)
        return;
    b->belief.slowdown += policy->weight * (slowdown - b->belief.slowdown);
    b->belief.when = t;
}

/* --- decisions --- */

static bool better(const verdict *a, const verdict *b)
{
    return a->violation < b->violation ||
           (a->violation == b->violation && a->objective < b->objective);
}

/* The best of the candidates; ties go to the present option, then to the first. */
static uint32_t choose(const sim_run *run, const sim_team *team, uint32_t index, const outlook *at,
                       double t, bool ahead, double hysteresis)
{
    const uint32_t present = run->board[index].option;
    uint32_t best = present;
    const verdict held = ahead ? look_ahead(run, team, index, &team->option[present], at, t)
                               : foresee(&team->option[present], at);
    verdict least = held;
    for (size_t i = 0; i < team->n_candidates; i++) {
        const uint32_t c = (uint32_t)team->candidate[i];
        if (c == present)
            continue;
        const verdict v = ahead ? look_ahead(run, team, index, &team->option[c], at, t)
                                : foresee(&team->option[c], at);
        if (better(&v, &least)) {
            least = v;
            best = c;
        }
    }
    const bool worth =
        least.violation < held.violation || least.objective < held.objective * (1 - hysteresis);
    return best == present || worth ? best : present;
}

static uint32_t decide_adaptive(sim_run *run, const sim_team *team, uint32_t index, double t,
                                const sim_policy *policy)
{
    sim_board *b = &run->board[index];
    outlook at = outlook_of(run, team, index, t);
    if (t - b->belief.when > policy->probe_s) {
        /* It has sent nothing for long: what it knows of the link is stale, and it measures. */
        look(run, team, index, t, &at);
        const sim_option *o = &team->option[b->option];
        const double served_s = o->cost.server_s > 0 ? o->cost.server_s : 0;
        for (int d = 0; d < 2; d++)
            b->belief.pace_s[d] = 1 / fmax(at.link.rate_bps[d], LEAST_BPS);
        b->belief.rtt_s = at.link.rtt_s;
        b->belief.slowdown = served_s > 0 ? at.slowdown + at.wait_s / served_s : at.slowdown;
        b->belief.when = t;
    }
    for (int d = 0; d < 2; d++)
        at.link.rate_bps[d] = 1 / b->belief.pace_s[d];
    at.link.rtt_s = b->belief.rtt_s;
    at.slowdown = b->belief.slowdown;
    at.wait_s = 0;
    if (policy->kind == KERF_POLICY_SERVICE) {
        if (at.state & SIM_WINDOW_OPEN)
            at.link.connection = KERF_CONNECTION_WARM;
        else if (isfinite(at.gap_s))
            at.link.gap_s = at.gap_s;
        return sim_ask(run, team, index, &at.link, at.slowdown);
    }
    return choose(run, team, index, &at, t, false, policy->hysteresis);
}

static uint32_t ask(sim_run *run, const sim_team *team, uint32_t index, double t,
                    const sim_policy *policy)
{
    outlook at;
    switch (policy->kind) {
    case KERF_POLICY_ALL_DEVICE:
        return (uint32_t)team->all_device;
    case KERF_POLICY_ALL_SERVER:
        return (uint32_t)team->all_server;
    case KERF_POLICY_FIXED:
        return (uint32_t)team->fixed[run->policy];
    case KERF_POLICY_ADAPTIVE:
    case KERF_POLICY_SERVICE:
        return decide_adaptive(run, team, index, t, policy);
    case KERF_POLICY_ORACLE:
    case KERF_POLICY_HINDSIGHT:
        at = outlook_of(run, team, index, t);
        look(run, team, index, t, &at);
        return choose(
            run, team, index, &at, t,
            policy->kind == KERF_POLICY_HINDSIGHT && team->link->access_point == KERF_NONE, 0);
    case KERF_POLICY_STATIC:
    case KERF_POLICY_COUNT:
        break;
    }
    return (uint32_t)team->planned;
}

uint32_t sim_decide(sim_run *run, const sim_team *team, uint32_t index, double t)
{
    const sim_policy *policy = sim_team_policy(run->world, team, run->policy);
    const uint32_t option = ask(run, team, index, t, policy);
    /* After a failed offload the board keeps to itself for a while, but for those who know. */
    const bool knows = policy->kind == KERF_POLICY_ORACLE || policy->kind == KERF_POLICY_HINDSIGHT;
    if (!knows && t < run->board[index].offline_until && team->all_device != KERF_NONE)
        return (uint32_t)team->all_device;
    return option;
}
