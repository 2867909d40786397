#include "planner/service/family.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/explain.h"
#include "planner/map/candidates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAP_TIME_LIMIT_S 2.0
#define SAME             1e-9
#define BORDERS          512 /* conditions for which the regions are remembered */

/* Everything that a link or a load may be. */
static const kerf_map_box everywhere = {.uplink_bps = {1, 1e13},
                                        .downlink_bps = {1, 1e13},
                                        .rtt_s = {0, 100},
                                        .server_load = {0, 0.999}};

/* Everything on one side, priced like an entry. */
typedef struct extreme {
    cut_value totals; /* unloaded */
    bool exists;
} extreme;

typedef struct entry_answer {
    plan_template *text[2]; /* PLAN_BRIEF, PLAN_EXPLAINED */
    extreme all[2];         /* device, server: in the entry's own combination */
    size_t n_placed;
    double wait_W;
    double accuracy, accuracy_loss; /* of the combination */
} entry_answer;

/* Where one answer is best under conditions that differ in the uplink rate alone. */
typedef struct border {
    double downlink_bps, rtt_s, server_load;
    size_t entry;
    double low_bps, high_bps; /* of the map's region */
    bool used;
} border;

struct family {
    kerf_map *map;
    kerf_map *unlimited; /* the same without limits, to say which bind; NULL: there are none */
    kerf_link link;      /* without texts */
    kerf_limits limits;
    kerf_objective objective;
    double weight_energy, weight_latency;
    bool result_at_server;
    entry_answer *entries;
    size_t n;
    const char *binding[8];
    border borders[BORDERS];
};

const kerf_map *family_map(const family *f)
{
    return f->map;
}

kerf_conditions family_conditions(const kerf_question *question)
{
    return (kerf_conditions){question->link->rate_bps[KERF_UPLINK],
                             question->link->rate_bps[KERF_DOWNLINK], question->link->rtt_s,
                             question->server_load};
}

/* --- making --- */

static const cut_choice *choice_of(const cut_choices *choices, const kerf_device *device,
                                   const kerf_map_entry *entry)
{
    for (size_t i = 0; i < choices->n; i++) {
        const cut_choice *c = &choices->list[i];
        if (c->encoding == entry->encoding && c->variant == entry->variant &&
            strcmp(device->modes[c->mode].name, entry->power_mode) == 0)
            return c;
    }
    return NULL;
}

static bool price_extremes(const cut_problem *problem, entry_answer *e)
{
    uint8_t *x = kerf_calloc(problem->n, 1);
    if (!x)
        return false;
    for (int i = 0; i < 2; i++) {
        memset(x, i, problem->n);
        cut_evaluate(problem, x, &e->all[i].totals);
        e->all[i].exists = cut_is_legal(problem, x);
    }
    free(x);
    e->n_placed = problem->n;
    e->wait_W = problem->wait_W;
    e->accuracy = problem->accuracy;
    e->accuracy_loss = problem->accuracy_loss;
    return true;
}

/* The entry as a plan, for its document; only what its template takes. */
static kerf_status write_template(const family *f, size_t index, const kerf_question *q,
                                  const cut_choice *choice, entry_answer *answer, kerf_error *err)
{
    const kerf_map_entry *e = kerf_map_entry_at(f->map, index);
    const kerf_conditions now = kerf_map_conditions(f->map);
    const kerf_network *network = choice->question.network;
    kerf_plan plan = {
        .side = (kerf_side *)e->side, /* only read */
        .encoding = e->encoding,
        .variant = e->variant,
        .accuracy = e->accuracy,
        .solver = KERF_SOLVER_AUTO,
        .examined = kerf_map_about(f->map)->examined,
        .all_device = {.exists = answer->all[0].exists},
        .all_server = {.exists = answer->all[1].exists},
        .cut = {.n_tensors = e->n_tensors, .bytes = e->bytes, .wire_bytes = e->wire_bytes}};
    snprintf(plan.power_mode, sizeof plan.power_mode, "%s", e->power_mode);
    memcpy(plan.cut_id, e->cut_id, sizeof plan.cut_id);
    plan.cut.tensors = kerf_calloc(e->n_tensors, sizeof *plan.cut.tensors);
    if (!plan.cut.tensors)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < e->n_tensors; i++)
        plan.cut.tensors[i] = kerf_network_find_tensor(network, e->tensors[i].name);
    kerf_status status = kerf_map_price(f->map, index, &now, &plan.cost, err);
    for (int extent = PLAN_BRIEF; status == KERF_OK && extent <= PLAN_EXPLAINED; extent++)
        if (plan_template_make(q, &plan, (plan_extent)extent, &answer->text[extent]) != KERF_OK)
            status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    free(plan.cut.tensors);
    return status;
}

static kerf_status fill_entries(family *f, const kerf_question *q, kerf_error *err)
{
    cut_choices choices = {0};
    f->n = kerf_map_entries(f->map);
    f->entries = kerf_calloc(f->n, sizeof *f->entries);
    kerf_status status = f->entries ? cut_choices_bind(q, &choices, err)
                                    : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; status == KERF_OK && i < f->n; i++) {
        const cut_choice *choice = choice_of(&choices, q->device, kerf_map_entry_at(f->map, i));
        if (!choice)
            status = kerf_fail(err, KERF_E_INTERNAL, NULL, "a map's entry is of no choice");
        else if (!price_extremes(&choice->binding.problem, &f->entries[i]))
            status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        else
            status = write_template(f, i, q, choice, &f->entries[i], err);
    }
    cut_choices_clear(&choices);
    return status;
}

static bool has_limits(const kerf_limits *l)
{
    return l->deadline_s > 0 || l->energy_J > 0 || l->memory_bytes > 0 || l->max_bytes > 0 ||
           l->min_accuracy > 0 || l->min_device_operators > 0;
}

kerf_status family_make(const kerf_question *question, family **made, kerf_error *err)
{
    family *f = kerf_calloc(1, sizeof *f);
    if (!f)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_question q = *question; /* as it is unloaded, which extremes are priced from */
    q.server_load = 0;
    q.time_limit_s = MAP_TIME_LIMIT_S;
    f->link = *q.link;
    f->link.name = f->link.description = f->link.provenance = NULL;
    f->limits = q.limits;
    f->objective = q.objective;
    f->weight_energy = q.weight_energy;
    f->weight_latency = q.weight_latency;
    f->result_at_server = q.result_at_server;
    kerf_status status = kerf_map_make(&q, &everywhere, &f->map, err);
    if (status == KERF_OK && !kerf_map_about(f->map)->complete)
        status = kerf_fail(err, KERF_E_TOO_LARGE, NULL, "the map is not proven complete");
    if (status == KERF_OK && has_limits(&q.limits)) {
        kerf_question unlimited = q;
        unlimited.limits = (kerf_limits){0};
        status = kerf_map_make(&unlimited, &everywhere, &f->unlimited, err);
    }
    if (status == KERF_OK)
        status = fill_entries(f, &q, err);
    if (status == KERF_OK)
        *made = f;
    else
        family_destroy(&f);
    return status;
}

void family_destroy(family **made)
{
    family *f = *made;
    if (!f)
        return;
    for (size_t i = 0; f->entries && i < f->n; i++)
        for (int extent = PLAN_BRIEF; extent <= PLAN_EXPLAINED; extent++)
            plan_template_destroy(&f->entries[i].text[extent]);
    free(f->entries);
    kerf_map_destroy(&f->map);
    kerf_map_destroy(&f->unlimited);
    free(f);
    *made = NULL;
}

/* What a map takes is not said; its entries' operators, names and tensors are most of it. */
static size_t map_bytes(const kerf_map *map)
{
    size_t bytes = 4096;
    for (size_t i = 0; map && i < kerf_map_entries(map); i++) {
        const kerf_map_entry *e = kerf_map_entry_at(map, i);
        bytes += 1024 + e->n_operators * sizeof *e->side + e->n_tensors * 256;
        bytes += i == 0 ? e->n_operators * 64 : 0;
    }
    return bytes;
}

size_t family_bytes(const family *f)
{
    size_t bytes = sizeof *f + map_bytes(f->map) + (f->unlimited ? map_bytes(f->unlimited) : 0);
    for (size_t i = 0; i < f->n; i++)
        bytes += sizeof f->entries[i] + plan_template_bytes(f->entries[i].text[PLAN_BRIEF]) +
                 plan_template_bytes(f->entries[i].text[PLAN_EXPLAINED]);
    return bytes;
}

/* --- looking up --- */

size_t family_find(const family *f, const kerf_conditions *now)
{
    return kerf_map_find(f->map, now);
}

const char *family_cut_id(const family *f, size_t entry)
{
    return kerf_map_entry_at(f->map, entry)->cut_id;
}

/* Entries keep the limits that no condition changes. */
static bool keeps_limits(const family *f, const kerf_plan_cost *cost)
{
    return !(f->limits.deadline_s > 0 && cost->latency_s > f->limits.deadline_s * (1 + SAME)) &&
           !(f->limits.energy_J > 0 && cost->device_energy_J > f->limits.energy_J * (1 + SAME));
}

size_t family_find_cut(const family *f, const char *cut_id, const kerf_conditions *now, bool *known)
{
    kerf_plan_cost cost;
    *known = false;
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(family_cut_id(f, i), cut_id) != 0)
            continue;
        *known = true;
        if (kerf_map_price(f->map, i, now, &cost, NULL) == KERF_OK && keeps_limits(f, &cost))
            return i;
        return KERF_NONE;
    }
    return KERF_NONE;
}

static double objective_of(const family *f, size_t entry, const kerf_conditions *now)
{
    kerf_plan_cost cost;
    return kerf_map_price(f->map, entry, now, &cost, NULL) == KERF_OK ? cost.objective : NAN;
}

/* Between two values of the objective, relative to the worse one's. */
static double loss_between(const family *f, double mine, double best)
{
    const double cost = f->objective == KERF_OBJ_THROUGHPUT ? 1 / mine : mine;
    const double least = f->objective == KERF_OBJ_THROUGHPUT ? 1 / best : best;
    return cost > 0 ? (cost - least) / cost : 0;
}

double family_loss(const family *f, size_t entry, size_t best, const kerf_conditions *now)
{
    return entry == best ? 0
                         : loss_between(f, objective_of(f, entry, now), objective_of(f, best, now));
}

/* --- answers --- */

static void price_extreme(const family *f, const entry_answer *e, int side, bool *feasible,
                          const kerf_conditions *now, double number[4])
{
    const cut_problem problem = {.n = e->n_placed,
                                 .link = &f->link,
                                 .wait_W = e->wait_W,
                                 .result_at_server = f->result_at_server,
                                 .objective = f->objective,
                                 .weight_energy = f->weight_energy,
                                 .weight_latency = f->weight_latency,
                                 .limits = f->limits,
                                 .accuracy = e->accuracy,
                                 .accuracy_loss = e->accuracy_loss};
    cut_value v;
    cut_candidate_price(&problem, &e->all[side].totals, now, &v);
    const double throughput = v.slowest_s > 0 ? 1 / v.slowest_s : INFINITY;
    number[0] = v.energy_J;
    number[1] = v.latency_s;
    number[2] = throughput;
    number[3] = f->objective == KERF_OBJ_THROUGHPUT ? throughput : v.objective;
    *feasible = e->all[side].exists && v.violation <= SAME;
}

static void put_cost(const kerf_plan_cost *c, double *number)
{
    number[PLAN_OBJECTIVE] = c->objective;
    number[PLAN_ENERGY] = c->device_energy_J;
    number[PLAN_LATENCY] = c->latency_s;
    number[PLAN_THROUGHPUT] = c->throughput_per_s;
    number[PLAN_COMPUTE_J] = c->compute_J;
    number[PLAN_UPLINK_J] = c->uplink_J;
    number[PLAN_WAIT_J] = c->wait_J;
    number[PLAN_DOWNLINK_J] = c->downlink_J;
    number[PLAN_RADIO_FIXED_J] = c->radio_fixed_J;
    number[PLAN_DEVICE_S] = c->device_s;
    number[PLAN_UPLINK_S] = c->uplink_s;
    number[PLAN_SERVER_S] = c->server_s;
    number[PLAN_DOWNLINK_S] = c->downlink_s;
    number[PLAN_SERVER_ENERGY] = c->server_energy_J;
}

static size_t border_slot(const kerf_conditions *now, size_t entry)
{
    const double key[] = {now->downlink_bps, now->rtt_s, now->server_load};
    uint64_t hash = entry;
    for (size_t i = 0; i < 3; i++) {
        uint64_t word;
        memcpy(&word, &key[i], sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return (size_t)(hash % BORDERS);
}

static bool is_border_of(const border *b, size_t entry, const kerf_conditions *now)
{
    return b->used && b->entry == entry && b->downlink_bps == now->downlink_bps &&
           b->rtt_s == now->rtt_s && b->server_load == now->server_load &&
           now->uplink_bps >= b->low_bps && now->uplink_bps <= b->high_bps;
}

/* Finding regions takes a thousand times as long as looking an answer up, and the rate alone
 * changes most often: the last ones are remembered. */
static void find_border(family *f, size_t entry, const kerf_conditions *now, double *number)
{
    border *b = &f->borders[border_slot(now, entry)];
    const double *range = kerf_map_range(f->map)->uplink_bps;
    if (!is_border_of(b, entry, now)) {
        kerf_map_region *regions = NULL;
        size_t n = 0;
        b->used = false;
        if (kerf_map_regions(f->map, now, &regions, &n, NULL) != KERF_OK)
            n = 0;
        for (size_t i = 0; i < n && !b->used; i++)
            if (now->uplink_bps >= regions[i].uplink_bps[0] &&
                now->uplink_bps <= regions[i].uplink_bps[1] && regions[i].entry == entry)
                *b = (border){now->downlink_bps,
                              now->rtt_s,
                              now->server_load,
                              entry,
                              regions[i].uplink_bps[0],
                              regions[i].uplink_bps[1],
                              true};
        free(regions);
    }
    /* No border is null: so is one that could not be found. */
    number[PLAN_BELOW] = b->used && b->low_bps > range[0] ? b->low_bps : INFINITY;
    number[PLAN_ABOVE] = b->used && b->high_bps < range[1] ? b->high_bps : INFINITY;
}

/* As explain_binding: limits that the best without any would break, where it is better. */
static size_t find_binding(family *f, double objective, const kerf_conditions *now)
{
    kerf_plan_cost cost;
    const size_t free_best = f->unlimited ? kerf_map_find(f->unlimited, now) : KERF_NONE;
    if (free_best == KERF_NONE ||
        kerf_map_price(f->unlimited, free_best, now, &cost, NULL) != KERF_OK ||
        !(loss_between(f, objective, cost.objective) > SAME))
        return 0;
    const kerf_map_entry *e = kerf_map_entry_at(f->unlimited, free_best);
    const cut_value value = {.energy_J = cost.device_energy_J,
                             .latency_s = cost.latency_s,
                             .memory_bytes = cost.device_memory_bytes,
                             .up_bytes = cost.uplink_bytes,
                             .device_operators = e->n_device_operators,
                             .accuracy = e->accuracy};
    return explain_broken(&f->limits, &value, f->binding);
}

/* The figures of the explanation. */
static void explain_answer(family *f, size_t entry, size_t best, double bound,
                           const kerf_conditions *now, plan_variables *v)
{
    const entry_answer *e = &f->entries[entry];
    price_extreme(f, e, 0, &v->all_device_feasible, now, v->number + PLAN_ALL_DEVICE_ENERGY);
    price_extreme(f, e, 1, &v->all_server_feasible, now, v->number + PLAN_ALL_SERVER_ENERGY);
    if (entry == best)
        find_border(f, entry, now, v->number);
    else /* it is best nowhere near */
        v->number[PLAN_BELOW] = v->number[PLAN_ABOVE] = INFINITY;
    v->binding = f->binding;
    v->n_binding = find_binding(f, bound, now);
}

const plan_template *family_answer(family *f, size_t entry, size_t best, bool brief,
                                   const char *link, const kerf_conditions *now, plan_variables *v)
{
    kerf_plan_cost cost;
    if (kerf_map_price(f->map, entry, now, &cost, NULL) != KERF_OK)
        return NULL;
    v->link = link;
    v->optimal = entry == best;
    put_cost(&cost, v->number);
    const double bound = entry == best ? cost.objective : objective_of(f, best, now);
    v->number[PLAN_BOUND] = bound;
    v->number[PLAN_GAP] = entry == best ? 0 : loss_between(f, cost.objective, bound);
    v->number[PLAN_SOLVE_TIME] = 0;
    if (!brief)
        explain_answer(f, entry, best, bound, now, v);
    return f->entries[entry].text[brief ? PLAN_BRIEF : PLAN_EXPLAINED];
}
