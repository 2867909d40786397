#include "planner/simulate/life.h"

#define DEADLINE_SLACK 1e-9

/* Into the step in which it arrived. */
static void note_record(const sim_run *run, const sim_team *team, const sim_record *r,
                        double energy_J, double latency_s)
{
    kerf_group_step *step =
        sim_series_group(run->series, (size_t)(team - run->world->teams), r->arrival);
    if (!step)
        return;
    step->started++;
    step->offloaded += r->offloaded;
    step->device_operators += (double)team->option[r->option].device_operators;
    step->dropped += r->dropped;
    if (r->dropped)
        return;
    step->ended++;
    step->energy_J += energy_J;
    step->latency_s += latency_s;
}

void sim_count_record(sim_run *run, const sim_team *team, const sim_record *r)
{
    const sim_option *o = &team->option[r->option];
    const cut_problem *problem = &o->choice->binding.problem;
    /* The sums of the planner's own prices, in their order; what only a fleet has comes last. */
    const double e = r->compute_J + r->uplink_J + r->wait_J + r->downlink_J + r->fixed_J;
    const double l = r->device_s + r->uplink_s + r->server_s + r->downlink_s +
                     (r->queue_s + r->server_wait_s + r->fallback_s);
    if (run->series)
        note_record(run, team, r, e, l);
    if (r->arrival < run->from_s || r->arrival >= run->to_s)
        return;
    sim_tally *tally = &run->tally[team - run->world->teams];
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

/* Into the step in which it ended. */
static void note_transfer(const sim_run *run, const sim_team *team, kerf_direction d, double bytes,
                          double t)
{
    kerf_link_step *link = sim_series_link(run->series, team->group->link, t);
    if (link)
        link->carried_bps[d] += bytes;
    if (link && team->link->access_point != KERF_NONE)
        sim_series_point(run->series, team->link->access_point, t)->carried_bps[d] += bytes;
}

void sim_count_transfer(sim_run *run, const sim_team *team, kerf_direction d, double bytes,
                        double t)
{
    if (run->series)
        note_transfer(run, team, d, bytes, t);
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
