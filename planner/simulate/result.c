#include "planner/simulate/result.h"

#include "base/memory.h"
#include "net/link.h"

#include <stdlib.h>

static const double quantiles[KERF_QUANTILES] = {0.5, 0.95, 0.99, 0.999};

bool sim_outcome_make(const kerf_scenario *s, sim_outcome *o)
{
    *o = (sim_outcome){.ran = false};
    o->group = kerf_calloc(s->n_groups, sizeof *o->group);
    o->server = kerf_calloc(s->n_servers, sizeof *o->server);
    o->link = kerf_calloc(s->n_links, sizeof *o->link);
    o->point = kerf_calloc(s->n_access_points, sizeof *o->point);
    return o->group && o->server && o->link && o->point;
}

void sim_outcome_clear(sim_outcome *o)
{
    free(o->group);
    free(o->server);
    free(o->link);
    free(o->point);
    *o = (sim_outcome){.ran = false};
}

/* --- one run --- */

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static double mean_of(const sim_mean *m)
{
    return m->n > 0 ? m->mean : NAN;
}

/* The time that was simulated of the window. */
static double window_s(const sim_run *run)
{
    const double to = run->complete || run->now > run->to_s ? run->to_s : run->now;
    return to > run->from_s ? to - run->from_s : 0;
}

static void take_group(const sim_run *run, size_t g, sim_group_figures *f)
{
    const sim_team *team = &run->world->teams[g];
    const sim_tally *t = &run->tally[g];
    const double window = window_s(run), boards = (double)team->group->count;
#define TAKE(name, expression) f->name = mean_of(&t->name);
    SIM_MEANS(TAKE)
#undef TAKE
    f->objective = mean_of(&t->objective);
    f->total_energy_J = sim_sum_value(&t->total_J);
    double *const parts[SIM_PARTS] = {&f->total_compute_J, &f->total_uplink_J, &f->total_wait_J,
                                      &f->total_downlink_J, &f->total_radio_fixed_J};
    for (size_t i = 0; i < SIM_PARTS; i++)
        *parts[i] = sim_sum_value(&t->total_part_J[i]);
    /* Boards that lag behind work on after the window's end. */
    const double active_s = sim_sum_value(&t->active_s), all_s = fmax(window * boards, active_s);
    f->power_W = ratio(f->total_energy_J + team->idle_W * (all_s - active_s), all_s);
    f->battery_s = team->group->battery_J > 0 ? ratio(team->group->battery_J, f->power_W) : NAN;
    const double arrived = (double)t->arrived, ended = (double)(t->done + t->missed);
    f->miss_ratio =
        team->group->question.limits.deadline_s > 0 ? ratio((double)t->missed, arrived) : NAN;
    f->drop_ratio = ratio((double)t->dropped, arrived);
    f->offload_ratio = ratio((double)t->offloaded, (double)t->started);
    f->switch_ratio = ratio((double)t->switches, (double)t->started);
    f->throughput_per_s = ratio(ended, window);
    for (size_t q = 0; q < KERF_QUANTILES; q++)
        f->quantile_s[q] = sim_sketch_quantile(&t->latency, quantiles[q]);
    f->arrived = t->arrived;
    f->done = t->done;
    f->missed = t->missed;
    f->dropped = t->dropped;
    f->offloaded = t->offloaded;
    f->fallbacks = t->fallbacks;
    f->switches = t->switches;
}

static void take_server(const sim_run *run, size_t i, sim_server_figures *f)
{
    const sim_server_tally *t = &run->station[i].tally;
    const double window = window_s(run);
    f->utilisation =
        ratio(sim_sum_value(&t->busy_s), window * (double)run->world->scenario->servers[i].workers);
    f->jobs = ratio(sim_sum_value(&t->inside_s), window);
    f->wait_s = mean_of(&t->wait_s);
    f->response_s = mean_of(&t->response_s);
    f->energy_J = sim_sum_value(&t->energy_J);
    f->batch = t->batches > 0 ? (double)t->batched / (double)t->batches : NAN;
    f->accepted = t->accepted;
    f->rejected = t->rejected;
    f->failed = t->failed;
}

static void take_link(const sim_link_tally *t, const double rate_bps[2], double paths,
                      double window, sim_link_figures *f)
{
    for (int d = 0; d < 2; d++) {
        f->bytes[d] = sim_sum_value(&t->bytes[d]);
        f->transfers[d] = (double)t->transfers[d];
        f->utilisation[d] = ratio(8 * f->bytes[d], rate_bps[d] * paths * window);
    }
}

void sim_outcome_take(const sim_run *run, sim_outcome *o)
{
    const kerf_scenario *s = run->world->scenario;
    o->ran = true;
    o->complete = run->complete;
    o->inferences = run->inferences;
    for (size_t g = 0; g < s->n_groups; g++)
        take_group(run, g, &o->group[g]);
    for (size_t i = 0; i < s->n_servers; i++)
        take_server(run, i, &o->server[i]);
    for (size_t i = 0; i < s->n_links; i++) {
        double paths = 0, rate_bps[2];
        for (size_t g = 0; g < s->n_groups; g++)
            paths += s->groups[g].link == i ? (double)s->groups[g].count : 0;
        for (int d = 0; d < 2; d++)
            rate_bps[d] = kerf_link_effective_rate_bps(s->links[i].link, (kerf_direction)d);
        take_link(&run->link[i], rate_bps, paths, window_s(run), &o->link[i]);
    }
    for (size_t i = 0; i < s->n_access_points; i++)
        take_link(&run->point[i], s->access_points[i].rate_bps, 1, window_s(run), &o->point[i]);
}

/* --- over replications --- */

/* Collects one figure of each replication in which it exists. */
typedef struct sample {
    sim_mean mean;
    double level;
} sample;

static void add(sample *s, double x)
{
    if (!isnan(x))
        sim_mean_add(&s->mean, x);
}

static kerf_estimate estimate(const sample *s)
{
    const uint64_t n = s->mean.n;
    if (n == 0)
        return (kerf_estimate){NAN, NAN};
    const double variance = n > 1 ? s->mean.squares / (double)(n - 1) : NAN;
    return (kerf_estimate){s->mean.mean, sim_half_width((size_t)n, variance, s->level)};
}

/* The outcomes of one policy that count: complete ones or, if there are none, what there is. */
typedef struct selection {
    const sim_outcome *outcome;
    size_t n, step, policy;
    bool complete;
    double level;
} selection;

static const sim_outcome *pick(const selection *s, size_t r)
{
    const sim_outcome *o = &s->outcome[r * s->step + s->policy];
    return o->ran && (o->complete || !s->complete) ? o : NULL;
}

static selection select_policy(const kerf_simulation *s, const sim_outcome *outcome,
                               size_t replications, size_t policy)
{
    selection all = {outcome, replications, s->n_policies, policy, false, s->summary.confidence};
    for (size_t r = 0; r < replications; r++)
        all.complete = all.complete || outcome[r * all.step + policy].complete;
    return all;
}

#define ESTIMATE(result, field, array, index, expression)                                          \
    do {                                                                                           \
        sample of = {.level = s->level};                                                           \
        for (size_t r = 0; r < s->n; r++)                                                          \
            if (pick(s, r))                                                                        \
                add(&of, pick(s, r)->array[index].expression);                                     \
        (result)->field = estimate(&of);                                                           \
    } while (0)

static void summarise_group(const selection *s, const selection *hindsight, size_t g,
                            kerf_group_result *result)
{
#define EACH(name) ESTIMATE(result, name, group, g, name);
    SIM_GROUP_FIGURES(EACH)
#undef EACH
    for (size_t q = 0; q < KERF_QUANTILES; q++)
        ESTIMATE(result, latency_quantile_s[q], group, g, quantile_s[q]);
    sample regret = {.level = s->level};
    for (size_t r = 0; r < s->n; r++) {
        const sim_outcome *o = pick(s, r), *best = hindsight ? pick(hindsight, r) : NULL;
        if (o)
            result->replications += o->complete;
        if (o && best)
            add(&regret, o->group[g].objective - best->group[g].objective);
        if (!o)
            continue;
        const sim_group_figures *f = &o->group[g];
        result->arrived += f->arrived;
        result->done += f->done;
        result->missed += f->missed;
        result->dropped += f->dropped;
        result->offloaded += f->offloaded;
        result->fallbacks += f->fallbacks;
        result->switches += f->switches;
    }
    result->regret = estimate(&regret);
}

static void summarise_server(const selection *s, size_t i, kerf_server_result *result)
{
    ESTIMATE(result, utilisation, server, i, utilisation);
    ESTIMATE(result, jobs, server, i, jobs);
    ESTIMATE(result, wait_s, server, i, wait_s);
    ESTIMATE(result, response_s, server, i, response_s);
    ESTIMATE(result, energy_J, server, i, energy_J);
    ESTIMATE(result, batch, server, i, batch);
    for (size_t r = 0; r < s->n; r++) {
        const sim_outcome *o = pick(s, r);
        result->accepted += o ? o->server[i].accepted : 0;
        result->rejected += o ? o->server[i].rejected : 0;
        result->failed += o ? o->server[i].failed : 0;
    }
}

static void summarise_link(const selection *s, size_t i, bool point, kerf_link_result *result)
{
    for (int d = 0; d < 2; d++) {
        sample of[3] = {{.level = s->level}, {.level = s->level}, {.level = s->level}};
        for (size_t r = 0; r < s->n; r++) {
            const sim_outcome *o = pick(s, r);
            if (!o)
                continue;
            const sim_link_figures *f = point ? &o->point[i] : &o->link[i];
            add(&of[0], f->utilisation[d]);
            add(&of[1], f->bytes[d]);
            add(&of[2], f->transfers[d]);
        }
        result->utilisation[d] = estimate(&of[0]);
        result->bytes[d] = estimate(&of[1]);
        result->transfers[d] = estimate(&of[2]);
    }
}

kerf_status sim_summarise(kerf_simulation *s, const sim_outcome *outcome, size_t replications)
{
    const kerf_scenario *scenario = s->scenario;
    const size_t n = s->n_policies;
    size_t best = KERF_NONE;
    s->group = kerf_calloc(scenario->n_groups * n, sizeof *s->group);
    s->server = kerf_calloc(scenario->n_servers * n, sizeof *s->server);
    s->link = kerf_calloc(scenario->n_links * n, sizeof *s->link);
    s->point = kerf_calloc(scenario->n_access_points * n, sizeof *s->point);
    if (!s->group || !s->server || !s->link || !s->point)
        return KERF_E_NOMEM;
    for (size_t p = 0; p < n && best == KERF_NONE; p++)
        if (s->policies[p].kind == KERF_POLICY_HINDSIGHT)
            best = p;
    selection hindsight = {.n = 0};
    if (best != KERF_NONE)
        hindsight = select_policy(s, outcome, replications, best);
    for (size_t p = 0; p < n; p++) {
        const selection own = select_policy(s, outcome, replications, p);
        for (size_t g = 0; g < scenario->n_groups; g++)
            summarise_group(&own, best == KERF_NONE ? NULL : &hindsight, g, &s->group[g * n + p]);
        for (size_t i = 0; i < scenario->n_servers; i++)
            summarise_server(&own, i, &s->server[i * n + p]);
        for (size_t i = 0; i < scenario->n_links; i++)
            summarise_link(&own, i, false, &s->link[i * n + p]);
        for (size_t i = 0; i < scenario->n_access_points; i++)
            summarise_link(&own, i, true, &s->point[i * n + p]);
    }
    return KERF_OK;
}
