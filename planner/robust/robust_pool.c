#include "planner/robust/robust_pool.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/cost/coefficients.h"
#include "planner/bundles.h"
#include "planner/solve/exhaustive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BREAKS ((size_t)1 << 26) /* entries times groups: 256 MB */

/* --- worlds --- */

kerf_status robust_world_create(const kerf_question *q, robust_world *world, kerf_error *err)
{
    *world = (robust_world){.n_modes = q->device->n_modes};
    world->device = kerf_calloc(world->n_modes, sizeof *world->device);
    if (!world->device)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    robust_world_reset(q, world);
    return KERF_OK;
}

void robust_world_clear(robust_world *world)
{
    free(world->device);
    *world = (robust_world){0};
}

void robust_world_reset(const kerf_question *q, robust_world *world)
{
    memcpy(world->device, q->device->modes, world->n_modes * sizeof *world->device);
    world->server = q->server->modes[q->server->default_mode];
    world->server_factor = 1;
    world->link = *q->link;
    world->load = q->server_load;
}

/* --- which terms there are --- */

#define TERM(member) offsetof(kerf_power_mode, member)

static size_t append_classes(size_t first, size_t *offsets, size_t n)
{
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++)
        offsets[n++] = first + i * sizeof(double);
    return n;
}

/* The offsets of all coefficients of a kind; at most ROBUST_MOST_TERMS. */
static size_t latency_terms(size_t *offsets)
{
    const size_t plain[] = {TERM(s_per_byte), TERM(launch_s), TERM(partition_s),
                            TERM(latency_more.per_step), TERM(latency_more.grouped_launch)};
    size_t n = append_classes(TERM(s_per_mac), offsets, 0);
    n = append_classes(TERM(latency_more.per_byte), offsets, n);
    n = append_classes(TERM(latency_more.per_weight_byte), offsets, n);
    memcpy(offsets + n, plain, sizeof plain);
    return n + sizeof plain / sizeof *plain;
}

static size_t energy_terms(size_t *offsets)
{
    const size_t plain[] = {TERM(J_per_byte),           TERM(launch_J),
                            TERM(partition_J),          TERM(J_per_kernel),
                            TERM(energy_more.per_step), TERM(energy_more.grouped_launch)};
    size_t n = append_classes(TERM(J_per_mac), offsets, 0);
    n = append_classes(TERM(energy_more.per_byte), offsets, n);
    n = append_classes(TERM(energy_more.per_weight_byte), offsets, n);
    memcpy(offsets + n, plain, sizeof plain);
    return n + sizeof plain / sizeof *plain;
}

_Static_assert(3 * KERF_CLASS_COUNT + 6 <= ROBUST_MOST_TERMS, "room for all terms");

/* The class whose coefficient it is; KERF_CLASS_COUNT: of all. */
static size_t class_of(size_t offset)
{
    static const size_t lists[] = {TERM(s_per_mac),
                                   TERM(J_per_mac),
                                   TERM(latency_more.per_byte),
                                   TERM(latency_more.per_weight_byte),
                                   TERM(energy_more.per_byte),
                                   TERM(energy_more.per_weight_byte)};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (offset >= lists[i] && offset < lists[i] + KERF_CLASS_COUNT * sizeof(double))
            return (offset - lists[i]) / sizeof(double);
    return KERF_CLASS_COUNT;
}

/* Those that are not 0, of classes that the network has. */
static size_t keep_needed(const kerf_question *q, const kerf_power_mode *mode, size_t *offsets,
                          size_t n)
{
    bool has[KERF_CLASS_COUNT + 1] = {[KERF_CLASS_COUNT] = true};
    size_t kept = 0;
    for (size_t i = 0; i < q->network->n_operators; i++)
        has[q->network->operators[i].cls] = true;
    for (size_t i = 0; i < n; i++)
        if (kerf_coefficient_get(mode, offsets[i]) > 0 && has[class_of(offsets[i])])
            offsets[kept++] = offsets[i];
    return kept;
}

/* Sums of products, without anything measured that an estimate must be cut to. */
static bool is_linear(const kerf_question *q, const kerf_power_mode *mode)
{
    return !q->device_profile && mode->latency_form == KERF_LATENCY_SUM &&
           mode->energy_form != KERF_ENERGY_FLOOR;
}

static kerf_status create_model(const robust_pool *pool, const robust_variety *variety,
                                size_t choice, robust_model *m, kerf_error *err)
{
    const cut_choice *c = &pool->choices->list[choice];
    const kerf_question *q = &c->question;
    const cut_problem *p = &c->binding.problem;
    m->device_mode = *c->binding.device_mode;
    m->server_mode = *c->binding.server_mode;
    m->codec = cut_has_codec(p);
    m->power = m->device_mode.energy_form == KERF_ENERGY_POWER;
    m->linear = is_linear(q, &m->device_mode) || !variety->device;
    if (m->linear && is_linear(q, &m->device_mode)) {
        m->n_s = keep_needed(q, &m->device_mode, m->offset_s, latency_terms(m->offset_s));
        m->n_J =
            m->power ? 0 : keep_needed(q, &m->device_mode, m->offset_J, energy_terms(m->offset_J));
    }
    m->start = kerf_calloc(p->n_groups, sizeof *m->start);
    m->table = kerf_calloc(p->n + p->n_groups, sizeof *m->table);
    if (!m->start || !m->table)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t g = 0, at = 0; g < p->n_groups; g++) {
        m->start[g] = at;
        at += p->groups[g].n + 1;
    }
    kerf_status status =
        kerf_pricer_create(q->network, &m->device_mode, q->device_profile, &m->device, err);
    if (status == KERF_OK)
        status =
            kerf_pricer_create(q->network, &m->server_mode, q->server_profile, &m->server, err);
    if (status == KERF_OK && kerf_pricer_groups(m->device) + kerf_pricer_groups(m->server) > 0) {
        m->now = c->binding;
        m->now.device = m->device;
        m->now.server = m->server;
        m->now.bundles = NULL;
        m->now.bundle_pool = NULL;
        m->now.problem.n_bundles = 0;
    }
    return status;
}

kerf_status robust_pool_begin(const cut_choices *choices, const robust_variety *variety,
                              robust_pool *pool, kerf_error *err)
{
    const kerf_question *q = &choices->list[0].question;
    *pool = (robust_pool){.choices = choices,
                          .server_table = variety->server,
                          .objective = q->objective,
                          .weight_energy = q->weight_energy,
                          .weight_latency = q->weight_latency,
                          .result_at_server = q->result_at_server,
                          .models = kerf_calloc(choices->n, sizeof *pool->models)};
    if (!pool->models)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_status status = KERF_OK;
    size_t most = 0;
    for (size_t i = 0; i < choices->n; i++)
        most =
            choices->list[i].binding.problem.n > most ? choices->list[i].binding.problem.n : most;
    pool->side = kerf_calloc(most, 1);
    if (!pool->side)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < choices->n; i++) {
        const size_t groups = choices->list[i].binding.problem.n_groups;
        status = create_model(pool, variety, i, &pool->models[i], err);
        pool->groups = groups > pool->groups ? groups : pool->groups;
        const size_t terms = pool->models[i].n_s + pool->models[i].n_J;
        pool->terms = terms > pool->terms ? terms : pool->terms;
    }
    return status;
}

void robust_pool_clear(robust_pool *pool)
{
    for (size_t i = 0; pool->models && i < pool->choices->n; i++) {
        robust_model *m = &pool->models[i];
        kerf_pricer_destroy(&m->device);
        kerf_pricer_destroy(&m->server);
        free(m->now.bundles);
        free(m->now.bundle_pool);
        free(m->start);
        free(m->table);
    }
    free(pool->side);
    free(pool->models);
    free(pool->list);
    free(pool->work);
    free(pool->breaks);
    *pool = (robust_pool){0};
}

/* --- placements --- */

static void set_breaks(const cut_problem *p, const uint8_t *x, uint32_t *breaks)
{
    for (size_t g = 0; g < p->n_groups; g++) {
        uint32_t j = 0;
        while (j < p->groups[g].n && x[p->groups[g].operators[j]] == 0)
            j++;
        breaks[g] = j;
    }
}

static void add_codec(const cut_problem *p, const uint8_t *x, double load, robust_entry *e)
{
    for (size_t t = 0; t < p->n_tensors; t++) {
        const cut_tensor *tensor = &p->tensors[t];
        const bool down =
            tensor->to_device && tensor->producer != CUT_SOURCE && x[tensor->producer] != 0;
        const cut_cost *const costs[] = {cut_crosses(tensor, x) ? &tensor->up_cost : NULL,
                                         down ? &tensor->down_cost : NULL};
        for (size_t i = 0; i < 2; i++) {
            if (!costs[i])
                continue;
            e->codec_s += costs[i]->device_s;
            e->codec_J += costs[i]->device_J;
            e->server_codec_s += costs[i]->server_s * (1 - load);
            e->server_codec_J += costs[i]->server_J;
        }
    }
}

/* `value`: all but the memory. */
static kerf_status add_entry(robust_pool *pool, size_t choice, const uint8_t *x,
                             const cut_value *value, kerf_error *err)
{
    const cut_choice *c = &pool->choices->list[choice];
    const cut_problem *p = &c->binding.problem;
    const double load = c->question.server_load;
    const size_t most = MOST_BREAKS / (pool->groups ? pool->groups : 1);
    if (pool->n + 1 > most)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "more than %zu placements", most);
    if (kerf_reserve(&pool->list, &pool->cap_list, pool->n + 1, most, sizeof *pool->list) != 0 ||
        kerf_reserve(&pool->breaks, &pool->cap_breaks, (pool->n + 1) * pool->groups, MOST_BREAKS,
                     sizeof *pool->breaks) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu placements", pool->n + 1);
    robust_entry *e = &pool->list[pool->n];
    *e = (robust_entry){.choice = choice,
                        .device_operators = value->device_operators,
                        .server_s = value->server_s * (1 - load),
                        .server_J = value->server_J,
                        .up_bytes = value->up_bytes,
                        .down_bytes = value->down_bytes,
                        .memory_bytes = value->memory_bytes};
    const double bytes[] = {value->up_bytes, value->down_bytes};
    for (int d = 0; d < 2; d++)
        if (bytes[d] > 0) {
            e->sent[d] = kerf_link_sent_bytes(p->link, bytes[d]);
            e->doublings[d] = kerf_link_doublings(p->link, e->sent[d]);
        }
    if (pool->models[choice].codec)
        add_codec(p, x, load, e);
    if (!is_linear(&c->question, &pool->models[choice].device_mode) &&
        pool->models[choice].linear) { /* nothing of it changes */
        e->codec_s = value->device_s;
        e->codec_J = value->device_J;
    }
    set_breaks(p, x, pool->breaks + pool->n * pool->groups);
    pool->n++;
    return KERF_OK;
}

kerf_status robust_pool_add(robust_pool *pool, size_t choice, const uint8_t *x, kerf_error *err)
{
    cut_value value;
    if (robust_pool_find(pool, choice, x) != KERF_NONE)
        return KERF_OK;
    cut_evaluate(&pool->choices->list[choice].binding.problem, x, &value);
    return add_entry(pool, choice, x, &value, err);
}

size_t robust_pool_find(const robust_pool *pool, size_t choice, const uint8_t *x)
{
    const cut_problem *p = &pool->choices->list[choice].binding.problem;
    for (size_t i = 0; i < pool->n; i++) {
        const uint32_t *breaks = pool->breaks + i * pool->groups;
        bool same = pool->list[i].choice == choice;
        for (size_t g = 0; same && g < p->n_groups; g++) {
            const cut_group *group = &p->groups[g];
            same = (breaks[g] == 0 || x[group->operators[breaks[g] - 1]] == 0) &&
                   (breaks[g] == group->n || x[group->operators[breaks[g]]] != 0);
        }
        if (same)
            return i;
    }
    return KERF_NONE;
}

void robust_pool_placement(const robust_pool *pool, size_t entry, uint8_t *x)
{
    const cut_problem *p = &pool->choices->list[pool->list[entry].choice].binding.problem;
    const uint32_t *breaks = pool->breaks + entry * pool->groups;
    for (size_t g = 0; g < p->n_groups; g++)
        for (size_t i = 0; i < p->groups[g].n; i++)
            x[p->groups[g].operators[i]] = i >= breaks[g];
}

typedef struct gather {
    robust_pool *pool;
    size_t choice, most;
    cut_problem problem; /* with the limits that count */
    kerf_status status;
    kerf_error *err;
} gather;

static bool offer(void *context, const uint8_t *x, const cut_value *value)
{
    gather *g = context;
    cut_value full = *value;
    g->pool->examined++;
    if (value->violation > 0)
        return true;
    if (g->problem.limits.memory_bytes > 0) {
        full.memory_bytes = cut_memory_bytes(&g->problem, x);
        if (cut_violation(&g->problem.limits, &full) > 0)
            return true;
    }
    g->status = g->pool->n < g->most ? add_entry(g->pool, g->choice, x, &full, g->err)
                                     : kerf_fail(g->err, KERF_E_TOO_LARGE, NULL,
                                                 "more than %zu placements", g->most);
    return g->status == KERF_OK;
}

static kerf_status enumerate(robust_pool *pool, size_t choice, const robust_variety *variety,
                             const cut_options *options, size_t most, kerf_error *err)
{
    gather g = {.pool = pool,
                .choice = choice,
                .most = most,
                .problem = pool->choices->list[choice].binding.problem,
                .err = err};
    cut_options o = *options;
    bool ended = false;
    if (variety->deadline)
        g.problem.limits.deadline_s = 0;
    if (variety->energy)
        g.problem.limits.energy_J = 0;
    o.top = 0;
    o.max_ideals = most;
    const kerf_status status = cut_visit_placements(&g.problem, &o, offer, &g, &ended, err);
    if (status != KERF_OK || g.status != KERF_OK)
        return status != KERF_OK ? status : g.status;
    return ended ? kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                             "stopped after %zu placements, before all were looked at",
                             pool->examined)
                 : KERF_OK;
}

kerf_status robust_pool_create(const cut_choices *choices, const robust_variety *variety,
                               const cut_options *options, size_t most, robust_pool *pool,
                               kerf_error *err)
{
    kerf_status status = robust_pool_begin(choices, variety, pool, err);
    for (size_t i = 0; status == KERF_OK && i < choices->n; i++)
        status = enumerate(pool, i, variety, options, most, err);
    if (status == KERF_OK)
        status = robust_pool_end(pool, err);
    pool->complete = status == KERF_OK;
    return status;
}

/* --- work --- */

/* The groups' tables with the models' modes as they are. */
static void fill_table(const cut_problem *p, robust_model *m, bool device, bool server)
{
    for (size_t g = 0; g < p->n_groups; g++)
        for (size_t j = 0; j <= p->groups[g].n; j++) {
            cut_cost *at = &m->table[m->start[g] + j];
            if (device) {
                const kerf_cost head = kerf_price_part(m->device, g, 0, j);
                at->device_s = head.latency_s;
                at->device_J = head.energy_J;
            }
            if (server) {
                const kerf_cost tail = kerf_price_part(m->server, g, j, p->groups[g].n);
                at->server_s = tail.latency_s;
                at->server_J = tail.energy_J;
            }
        }
}

/* What measured groups change, with the estimates that the models' modes make now. */
static void fill_bundles(robust_pool *pool, robust_model *m)
{
    if (!m->now.question)
        return;
    free(m->now.bundles);
    free(m->now.bundle_pool);
    m->now.bundles = NULL;
    m->now.bundle_pool = NULL;
    m->now.bundle_used = 0;
    m->now.problem.n_bundles = 0;
    m->now.problem.bundles = NULL;
    if (cut_bind_bundles(&m->now) != KERF_OK)
        pool->out_of_memory = true;
}

static void add_bundles(robust_pool *pool, size_t entry, const robust_model *m, cut_cost *sum)
{
    const cut_problem *now = &m->now.problem;
    const double unloaded = m->now.question ? 1 - m->now.question->server_load : 1;
    if (!m->now.question || now->n_bundles == 0)
        return;
    robust_pool_placement(pool, entry, pool->side);
    for (size_t i = 0; i < now->n_bundles; i++) {
        const cut_cost *cost = &now->bundles[i].cost;
        if (!cut_is_together(&now->bundles[i], pool->side))
            continue;
        sum->device_s += cost->device_s;
        sum->device_J += cost->device_J;
        sum->server_s += cost->server_s * unloaded;
        sum->server_J += cost->server_J;
    }
    cut_value settled = {.device_s = sum->device_s,
                         .device_J = sum->device_J,
                         .server_s = sum->server_s,
                         .server_J = sum->server_J};
    cut_settle(now, &settled);
    *sum = (cut_cost){settled.device_s, settled.device_J, settled.server_s, settled.server_J};
}

static cut_cost sum_table(robust_pool *pool, size_t entry)
{
    const robust_entry *e = &pool->list[entry];
    const cut_problem *p = &pool->choices->list[e->choice].binding.problem;
    const robust_model *m = &pool->models[e->choice];
    const uint32_t *breaks = pool->breaks + entry * pool->groups;
    cut_cost sum = {0, 0, 0, 0};
    for (size_t g = 0; g < p->n_groups; g++) {
        const cut_cost *at = &m->table[m->start[g] + breaks[g]];
        sum.device_s += at->device_s;
        sum.device_J += at->device_J;
        sum.server_s += at->server_s;
        sum.server_J += at->server_J;
    }
    if (e->device_operators > 0) {
        sum.device_s += m->device_mode.partition_s;
        sum.device_J += m->device_mode.partition_J;
    }
    if (e->device_operators < p->n) {
        sum.server_s += m->server_mode.partition_s;
        sum.server_J += m->server_mode.partition_J;
    }
    add_bundles(pool, entry, m, &sum);
    return sum;
}

static bool takes_any(const cut_problem *p, const robust_model *m)
{
    bool any = m->device_mode.partition_s > 0 || m->device_mode.partition_J > 0;
    for (size_t i = 0; i < p->n + p->n_groups && !any; i++)
        any = m->table[i].device_s > 0 || m->table[i].device_J > 0;
    return any;
}

/* Prices the placements of a choice with each of the coefficients alone; drops those that none of
 * them takes any of. `first` is the column of the first one. */
static size_t take_terms(robust_pool *pool, size_t choice, size_t first, size_t *offsets, size_t n,
                         bool energy)
{
    robust_model *m = &pool->models[choice];
    const cut_problem *p = &pool->choices->list[choice].binding.problem;
    size_t kept = 0;
    for (size_t k = 0; k < n; k++) {
        kerf_coefficient_set(&m->device_mode, offsets[k], 1);
        fill_table(p, m, true, false);
        const bool any = takes_any(p, m);
        for (size_t i = 0; any && i < pool->n; i++) {
            if (pool->list[i].choice != choice)
                continue;
            const cut_cost sum = sum_table(pool, i);
            pool->work[i * pool->terms + first + kept] = energy ? sum.device_J : sum.device_s;
        }
        kerf_coefficient_set(&m->device_mode, offsets[k], 0);
        if (any)
            offsets[kept++] = offsets[k];
    }
    return kept;
}

/* How much of each coefficient the placements of a choice take. */
static void take_work(robust_pool *pool, size_t choice)
{
    robust_model *m = &pool->models[choice];
    const kerf_power_mode whole = m->device_mode;
    size_t all[2 * ROBUST_MOST_TERMS];
    size_t n = latency_terms(all);
    n += energy_terms(all + n);
    for (size_t i = 0; i < n; i++)
        kerf_coefficient_set(&m->device_mode, all[i], 0);
    m->device_mode.active_W = 0;
    m->n_s = take_terms(pool, choice, 0, m->offset_s, m->n_s, false);
    m->n_J = take_terms(pool, choice, m->n_s, m->offset_J, m->n_J, true);
    m->device_mode = whole;
}

kerf_status robust_pool_end(robust_pool *pool, kerf_error *err)
{
    if (pool->n > 0 && pool->terms > SIZE_MAX / sizeof *pool->work / pool->n)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "too many placements");
    pool->work = kerf_calloc(pool->n * pool->terms, sizeof *pool->work);
    if (!pool->work)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu placements", pool->n);
    for (size_t i = 0; i < pool->choices->n; i++)
        take_work(pool, i);
    return KERF_OK;
}

void robust_pool_fill(robust_pool *pool, size_t choice, const robust_world *w)
{
    const cut_choice *c = &pool->choices->list[choice];
    robust_model *m = &pool->models[choice];
    m->device_mode = w->device[c->mode];
    m->server_mode = w->server;
    fill_table(&c->binding.problem, m, true, true);
    fill_bundles(pool, m);
}

/* --- prices --- */

static void look_at_model(robust_pool *pool, size_t choice, const robust_world *w)
{
    const cut_choice *c = &pool->choices->list[choice];
    const cut_problem *p = &c->binding.problem;
    robust_model *m = &pool->models[choice];
    const kerf_power_mode *mode = &w->device[c->mode];
    for (size_t k = 0; k < m->n_s; k++)
        m->value_s[k] = kerf_coefficient_get(mode, m->offset_s[k]);
    for (size_t k = 0; k < m->n_J; k++)
        m->value_J[k] = kerf_coefficient_get(mode, m->offset_J[k]);
    m->active_W = mode->active_W;
    m->wait_W = mode->idle_W + w->link.idle_W;
    if (!m->linear)
        m->device_mode = *mode;
    if (pool->server_table)
        m->server_mode = w->server;
    if (!m->linear || pool->server_table) {
        fill_table(p, m, !m->linear, pool->server_table);
        fill_bundles(pool, m);
    }
}

void robust_pool_look(robust_pool *pool, const robust_world *w)
{
    for (size_t i = 0; i < pool->choices->n; i++)
        look_at_model(pool, i, w);
    for (int d = 0; d < 2; d++) {
        pool->path[d] = kerf_link_path(&w->link, (kerf_direction)d);
        pool->promotion_s[d] = kerf_link_promotion_s(&w->link, (kerf_direction)d);
        pool->per_byte_J[d] = 8 * w->link.active_W_per_bps[d];
        pool->active_W[d] = w->link.active_W[d];
    }
    pool->fixed_J = kerf_link_fixed_J(&w->link);
    pool->server_factor = w->server_factor;
    pool->slowdown = w->server_factor / (1 - w->load);
}

static double active_s(const robust_pool *pool, const robust_entry *e, int d)
{
    const kerf_path *path = &pool->path[d];
    if (!(e->sent[d] > 0))
        return 0;
    if (e->sent[d] <= path->full_bytes)
        return path->propagation_s + path->doubling_s * e->doublings[d];
    return path->propagation_s + path->full_s + (e->sent[d] - path->full_bytes) * path->pace_s;
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Both sides' compute; the server unloaded, without its factor. */
static cut_cost compute(robust_pool *pool, size_t entry)
{
    const robust_entry *e = &pool->list[entry];
    const robust_model *m = &pool->models[e->choice];
    const double *work = pool->work + entry * pool->terms;
    cut_cost c = {e->codec_s, e->codec_J, e->server_s, e->server_J};
    cut_cost sum = {0, 0, 0, 0};
    if (!m->linear || pool->server_table)
        sum = sum_table(pool, entry);
    if (m->linear) {
        sum.device_s = dot(work, m->value_s, m->n_s);
        sum.device_J = m->power && m->n_s > 0 ? m->active_W * sum.device_s
                                              : dot(work + m->n_s, m->value_J, m->n_J);
    }
    c.device_s += sum.device_s;
    c.device_J += sum.device_J;
    if (pool->server_table) {
        c.server_s = e->server_codec_s + sum.server_s;
        c.server_J = e->server_codec_J + sum.server_J;
    }
    return c;
}

static double objective_of(const robust_pool *pool, const robust_cost *cost, double slowest_s,
                           double server_J)
{
    const cut_problem weights = {.objective = pool->objective,
                                 .weight_energy = pool->weight_energy,
                                 .weight_latency = pool->weight_latency};
    return cut_objective(&weights, cost->energy_J, cost->latency_s, slowest_s, server_J);
}

void robust_pool_price(robust_pool *pool, size_t entry, robust_cost *cost)
{
    const robust_entry *e = &pool->list[entry];
    const robust_model *m = &pool->models[e->choice];
    const cut_cost c = compute(pool, entry);
    const double server_s = c.server_s * pool->slowdown;
    double sent_J = 0, link_s[2], slowest_s = fmax(c.device_s, server_s);
    for (int d = 0; d < 2; d++) {
        const double active = active_s(pool, e, d);
        link_s[d] = e->sent[d] > 0 ? pool->promotion_s[d] + active : 0;
        sent_J += pool->per_byte_J[d] * e->sent[d] + pool->active_W[d] * active;
        slowest_s = fmax(slowest_s, e->sent[d] * pool->path[d].pace_s);
    }
    double waiting_s = link_s[KERF_UPLINK];
    if (!pool->result_at_server)
        waiting_s += server_s + link_s[KERF_DOWNLINK];
    cost->energy_J = c.device_J + sent_J + m->wait_W * waiting_s;
    if (e->up_bytes + e->down_bytes > 0)
        cost->energy_J += pool->fixed_J;
    cost->latency_s = c.device_s + link_s[KERF_UPLINK] + server_s + link_s[KERF_DOWNLINK];
    cost->objective = objective_of(pool, cost, slowest_s, c.server_J * pool->server_factor);
}
