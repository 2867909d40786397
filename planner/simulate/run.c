/* All runs of a simulation, on several threads. What a run gives depends on no other, and figures
 * are put together in the order of replications once all have ended, so the number of threads
 * changes nothing. (Sketches are merged as runs end: they are counts, whose order does not
 * matter.) */
#include "planner/simulate/ask.h"
#include "planner/simulate/result.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS      1024
#define TICK_NS          100000000L
#define MAX_REPLICATIONS 100000

typedef struct crew {
    kerf_simulation *simulation;
    const sim_world *world;
    uint64_t seed;
    size_t n_runs;
    sim_outcome *outcome;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, ended, working; /* under the lock */
    kerf_status status;
    atomic_bool stop;
    _Atomic(double) *progress; /* by thread: of the run in hand */
} crew;

typedef struct worker {
    crew *crew;
    size_t index;
    pthread_t thread;
} worker;

static void merge_sketches(kerf_simulation *s, const sim_run *run)
{
    for (size_t g = 0; g < s->scenario->n_groups; g++) {
        sim_sketch_merge(&s->latency[g * s->n_policies + run->policy], &run->tally[g].latency);
        sim_sketch_merge(&s->energy[g * s->n_policies + run->policy], &run->tally[g].energy);
    }
}

static kerf_status do_run(crew *c, size_t i, _Atomic(double) *progress)
{
    const size_t policies = c->simulation->n_policies;
    kerf_simulation *s = c->simulation;
    sim_series *series = s->series && i < policies ? &s->series[i] : NULL; /* the first one's */
    sim_run run;
    kerf_status status = sim_run_make(c->world, i % policies, i / policies, c->seed, series, &run);
    run.stop = &c->stop;
    run.progress = progress;
    if (status == KERF_OK)
        status = sim_run_go(&run);
    if (status == KERF_OK) {
        pthread_mutex_lock(&c->lock);
        sim_outcome_take(&run, &c->outcome[i]);
        merge_sketches(c->simulation, &run);
        pthread_mutex_unlock(&c->lock);
        if (series)
            sim_series_finish(series, &run);
    }
    sim_run_clear(&run);
    return status;
}

static void *work(void *context)
{
    worker *w = context;
    crew *c = w->crew;
    pthread_mutex_lock(&c->lock);
    while (c->next < c->n_runs && c->status == KERF_OK && !atomic_load(&c->stop)) {
        const size_t i = c->next++;
        pthread_mutex_unlock(&c->lock);
        const kerf_status status = do_run(c, i, &c->progress[w->index]);
        pthread_mutex_lock(&c->lock);
        if (status != KERF_OK)
            c->status = status;
        atomic_store(&c->progress[w->index], 0.0);
        c->ended++;
    }
    c->working--;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Tells of the progress ten times a second, until all threads have ended. */
static void watch(crew *c, const kerf_simulate_options *o, size_t threads)
{
    pthread_mutex_lock(&c->lock);
    while (c->working > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_NS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&c->changed, &c->lock, &until);
        double done = (double)c->ended;
        for (size_t i = 0; i < threads; i++)
            done += atomic_load(&c->progress[i]);
        if (c->working == 0 || !o->progress || atomic_load(&c->stop))
            continue;
        pthread_mutex_unlock(&c->lock);
        if (!o->progress(o->progress_context, fmin(done / (double)c->n_runs, 1)))
            atomic_store(&c->stop, true);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
}

static kerf_status run_crew(crew *c, const kerf_simulate_options *o, size_t threads)
{
    worker *workers = kerf_calloc(threads, sizeof *workers);
    c->progress = kerf_calloc(threads, sizeof *c->progress);
    size_t started = 0;
    if (!workers || !c->progress) {
        free(workers);
        free(c->progress);
        return KERF_E_NOMEM;
    }
    c->working = threads;
    for (; started < threads; started++) {
        workers[started] = (worker){.crew = c, .index = started};
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
            break;
    }
    if (started < threads) { /* fewer will do, if there is any */
        pthread_mutex_lock(&c->lock);
        c->working -= threads - started;
        if (started == 0)
            c->status = KERF_E_NOMEM;
        pthread_mutex_unlock(&c->lock);
    }
    watch(c, o, threads);
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    free(workers);
    free(c->progress);
    return c->status;
}

static size_t thread_count(const kerf_simulate_options *o, size_t runs)
{
    size_t n = o->threads;
    if (n == 0) {
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);
        n = processors > 0 ? (size_t)processors : 1;
    }
    n = n < runs ? n : runs;
    return n < MAX_THREADS ? n : MAX_THREADS;
}

/* --- the simulation --- */

static kerf_status copy_policies(kerf_simulation *s, const kerf_simulate_options *o,
                                 kerf_error *err)
{
    const kerf_scenario *scenario = s->scenario;
    const bool own = o->policies && o->n_policies > 0;
    const size_t n = own ? o->n_policies : scenario->n_policies;
    s->policies = kerf_calloc(n, sizeof *s->policies);
    if (!s->policies)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        /* One of the scenario's, with its options, or a word. */
        const sim_policy *named = own ? NULL : &scenario->policies[i];
        for (size_t k = 0; own && k < scenario->n_policies; k++)
            if (strcmp(scenario->policies[k].name, o->policies[i]) == 0)
                named = &scenario->policies[k];
        kerf_status status = KERF_OK;
        if (!own || named) {
            s->policies[i] = *named;
            s->policies[i].name = kerf_strdup(named->name);
            s->policies[i].cut_operator =
                named->cut_operator ? kerf_strdup(named->cut_operator) : NULL;
            if (!s->policies[i].name || (named->cut_operator && !s->policies[i].cut_operator))
                status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        } else {
            status = sim_policy_parse(o->policies[i], &s->policies[i], err);
        }
        s->n_policies++;
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

static kerf_status prepare(kerf_simulation *s, const kerf_simulate_options *o, kerf_error *err)
{
    const kerf_scenario *scenario = s->scenario;
    kerf_simulation_summary *sum = &s->summary;
    sum->seed = o->has_seed ? o->seed : scenario->seed;
    sum->replications = o->replications > 0 ? o->replications : scenario->replications;
    sum->duration_s = o->duration_s > 0 ? o->duration_s : scenario->duration_s;
    sum->warmup_s = scenario->warmup_s;
    sum->confidence = o->confidence > 0 ? o->confidence : 0.95;
    sum->groups = scenario->n_groups;
    sum->servers = scenario->n_servers;
    sum->links = scenario->n_links;
    sum->access_points = scenario->n_access_points;
    if (sum->replications > MAX_REPLICATIONS)
        return kerf_fail(err, KERF_E_INVALID, "replications", "is %zu, expected at most %d",
                         sum->replications, MAX_REPLICATIONS);
    if (!(sum->duration_s > sum->warmup_s))
        return kerf_fail(err, KERF_E_INVALID, "duration",
                         "is %g s, expected more than the warm-up, %g s", sum->duration_s,
                         sum->warmup_s);
    const kerf_status status = copy_policies(s, o, err);
    if (status != KERF_OK)
        return status;
    sum->policies = s->n_policies;
    s->latency = kerf_calloc(scenario->n_groups * s->n_policies, sizeof *s->latency);
    s->energy = kerf_calloc(scenario->n_groups * s->n_policies, sizeof *s->energy);
    if (!s->latency || !s->energy)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < scenario->n_groups * s->n_policies; i++) {
        sim_sketch_init(&s->latency[i]);
        sim_sketch_init(&s->energy[i]);
    }
    return KERF_OK;
}

static kerf_status prepare_series(kerf_simulation *s, const sim_world *world, double step_s,
                                  kerf_error *err)
{
    const kerf_scenario *of = s->scenario;
    const size_t each = of->n_groups + of->n_servers + of->n_links + of->n_access_points;
    if (!(step_s > 0))
        return KERF_OK;
    const size_t n = sim_series_steps(s->summary.duration_s, step_s, each * s->n_policies);
    if (n == 0)
        return kerf_fail(err, KERF_E_INVALID, "step",
                         "is %g s, which makes more than %d figures over time in all; expected a "
                         "longer one",
                         step_s, SIM_MAX_STEPS);
    s->series = kerf_calloc(s->n_policies, sizeof *s->series);
    bool made = s->series && sim_series_labels(world, &s->first_label, &s->label, &s->n_labels);
    for (size_t p = 0; made && p < s->n_policies; p++)
        made = sim_series_make(of, step_s, n, &s->series[p]);
    s->summary.steps = n;
    s->summary.step_s = step_s;
    return made ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

static kerf_status run_all(kerf_simulation *s, const sim_world *world,
                           const kerf_simulate_options *o, kerf_error *err)
{
    kerf_simulation_summary *sum = &s->summary;
    crew c = {.simulation = s,
              .world = world,
              .seed = sum->seed,
              .n_runs = sum->replications * s->n_policies};
    kerf_status status = KERF_OK;
    c.outcome = kerf_calloc(c.n_runs, sizeof *c.outcome);
    if (!c.outcome)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < c.n_runs; i++)
        if (!sim_outcome_make(s->scenario, &c.outcome[i]))
            status = KERF_E_NOMEM;
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.changed, NULL);
    if (status == KERF_OK)
        status = run_crew(&c, o, thread_count(o, c.n_runs));
    pthread_cond_destroy(&c.changed);
    pthread_mutex_destroy(&c.lock);
    for (size_t i = 0; i < c.n_runs; i++) {
        sum->inferences += c.outcome[i].inferences;
        sum->partial = sum->partial || !c.outcome[i].complete;
    }
    if (status == KERF_OK)
        status = sim_summarise(s, c.outcome, sum->replications);
    for (size_t i = 0; i < c.n_runs; i++)
        sim_outcome_clear(&c.outcome[i]);
    free(c.outcome);
    return status == KERF_OK ? status : kerf_fail(err, status, NULL, "out of memory");
}

static bool asks_service(const sim_world *world)
{
    for (size_t p = 0; p < world->n_policies; p++)
        for (size_t g = 0; g < world->n_teams; g++)
            if (sim_team_policy(world, &world->teams[g], p)->kind == KERF_POLICY_SERVICE)
                return true;
    return false;
}

kerf_status kerf_simulate(const kerf_scenario *scenario, const kerf_simulate_options *options,
                          kerf_simulation **simulation, kerf_error *err)
{
    const kerf_simulate_options defaults = {.threads = 0};
    const kerf_simulate_options *o = options ? options : &defaults;
    const double start = cut_clock_s();
    sim_world world = {.n_teams = 0};
    kerf_error_clear(err);
    kerf_simulation *made = kerf_calloc(1, sizeof *made);
    if (!made)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    made->scenario = scenario;
    kerf_status status = prepare(made, o, err);
    if (status == KERF_OK)
        status = sim_world_make(scenario, made->policies, made->n_policies,
                                made->summary.duration_s, &world, err);
    world.endpoints = o->endpoints;
    world.n_endpoints = o->n_endpoints;
    if (status == KERF_OK && asks_service(&world))
        status = sim_ask_check(&world, err);
    if (status == KERF_OK)
        status = prepare_series(made, &world, o->step_s, err);
    if (status == KERF_OK)
        status = run_all(made, &world, o, err);
    sim_world_clear(&world);
    if (status == KERF_OK) {
        made->summary.run_time_s = cut_clock_s() - start;
        *simulation = made;
        made = NULL;
    }
    kerf_simulation_destroy(&made);
    return status;
}

void kerf_simulation_destroy(kerf_simulation **simulation)
{
    if (!simulation || !*simulation)
        return;
    kerf_simulation *s = *simulation;
    for (size_t i = 0; s->series && i < s->n_policies; i++)
        sim_series_clear(&s->series[i]);
    free(s->series);
    for (size_t i = 0; s->label && i < s->n_labels; i++)
        free(s->label[i].text);
    free(s->label);
    free(s->first_label);
    for (size_t i = 0; i < s->n_policies; i++)
        sim_policy_clear(&s->policies[i]);
    free(s->policies);
    free(s->latency);
    free(s->energy);
    free(s->group);
    free(s->server);
    free(s->link);
    free(s->point);
    free(s);
    *simulation = NULL;
}

/* --- what it tells --- */

kerf_simulation_summary kerf_simulation_describe(const kerf_simulation *s)
{
    return s->summary;
}

const char *kerf_simulation_policy_name(const kerf_simulation *s, size_t policy)
{
    return policy < s->n_policies ? s->policies[policy].name : NULL;
}

const char *kerf_simulation_group_name(const kerf_simulation *s, size_t group)
{
    return group < s->scenario->n_groups ? s->scenario->groups[group].name : NULL;
}

const char *kerf_simulation_server_name(const kerf_simulation *s, size_t server)
{
    return server < s->scenario->n_servers ? s->scenario->servers[server].name : NULL;
}

const char *kerf_simulation_link_name(const kerf_simulation *s, size_t link)
{
    return link < s->scenario->n_links ? s->scenario->links[link].name : NULL;
}

const char *kerf_simulation_access_point_name(const kerf_simulation *s, size_t point)
{
    return point < s->scenario->n_access_points ? s->scenario->access_points[point].name : NULL;
}

const char *kerf_simulation_objective_unit(const kerf_simulation *s, size_t group)
{
    if (group >= s->scenario->n_groups)
        return NULL;
    const kerf_objective objective = s->scenario->groups[group].question.objective;
    /* The slowest stage's time is what is minimised. */
    return objective == KERF_OBJ_THROUGHPUT ? "s" : kerf_objective_unit(objective);
}

const kerf_group_result *kerf_simulation_group(const kerf_simulation *s, size_t group,
                                               size_t policy)
{
    if (group >= s->scenario->n_groups || policy >= s->n_policies)
        return NULL;
    return &s->group[group * s->n_policies + policy];
}

const kerf_server_result *kerf_simulation_server(const kerf_simulation *s, size_t server,
                                                 size_t policy)
{
    if (server >= s->scenario->n_servers || policy >= s->n_policies)
        return NULL;
    return &s->server[server * s->n_policies + policy];
}

const kerf_link_result *kerf_simulation_link(const kerf_simulation *s, size_t link, size_t policy)
{
    if (link >= s->scenario->n_links || policy >= s->n_policies)
        return NULL;
    return &s->link[link * s->n_policies + policy];
}

const kerf_link_result *kerf_simulation_access_point(const kerf_simulation *s, size_t point,
                                                     size_t policy)
{
    if (point >= s->scenario->n_access_points || policy >= s->n_policies)
        return NULL;
    return &s->point[point * s->n_policies + policy];
}

double kerf_simulation_latency_quantile(const kerf_simulation *s, size_t group, size_t policy,
                                        double q)
{
    if (!kerf_simulation_group(s, group, policy) || !(q >= 0 && q <= 1))
        return NAN;
    return sim_sketch_quantile(&s->latency[group * s->n_policies + policy], q);
}

double kerf_simulation_energy_quantile(const kerf_simulation *s, size_t group, size_t policy,
                                       double q)
{
    if (!kerf_simulation_group(s, group, policy) || !(q >= 0 && q <= 1))
        return NAN;
    return sim_sketch_quantile(&s->energy[group * s->n_policies + policy], q);
}

/* --- over time --- */

static const sim_series *series_of(const kerf_simulation *s, size_t i, size_t n, size_t policy)
{
    if (!s->series || i >= n || policy >= s->n_policies || !s->series[policy].finished)
        return NULL;
    return &s->series[policy];
}

const kerf_group_step *kerf_simulation_group_steps(const kerf_simulation *s, size_t group,
                                                   size_t policy)
{
    const sim_series *of = series_of(s, group, s->scenario->n_groups, policy);
    return of ? of->group + group * of->n : NULL;
}

const kerf_server_step *kerf_simulation_server_steps(const kerf_simulation *s, size_t server,
                                                     size_t policy)
{
    const sim_series *of = series_of(s, server, s->scenario->n_servers, policy);
    return of ? of->server + server * of->n : NULL;
}

const kerf_link_step *kerf_simulation_link_steps(const kerf_simulation *s, size_t link,
                                                 size_t policy)
{
    const sim_series *of = series_of(s, link, s->scenario->n_links, policy);
    return of ? of->link + link * of->n : NULL;
}

const kerf_link_step *kerf_simulation_access_point_steps(const kerf_simulation *s, size_t point,
                                                         size_t policy)
{
    const sim_series *of = series_of(s, point, s->scenario->n_access_points, policy);
    return of ? of->point + point * of->n : NULL;
}

static const sim_cut_label *label_of(const kerf_simulation *s, size_t group, size_t cut)
{
    if (!s->label || group >= s->scenario->n_groups ||
        cut >= s->first_label[group + 1] - s->first_label[group])
        return NULL;
    return &s->label[s->first_label[group] + cut];
}

const char *kerf_simulation_cut_name(const kerf_simulation *s, size_t group, size_t cut)
{
    const sim_cut_label *label = label_of(s, group, cut);
    return label ? label->text : NULL;
}

size_t kerf_simulation_cut_operators(const kerf_simulation *s, size_t group, size_t cut)
{
    const sim_cut_label *label = label_of(s, group, cut);
    return label ? label->device_operators : 0;
}
