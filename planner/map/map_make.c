/* Decision maps: from a question to its candidates, described so that the map borrows nothing. */
#include "planner/map/candidates.h"
#include "planner/map/map.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a map");
}

/* --- the box --- */

static void fill_range(double range[2], double fixed)
{
    if (range[0] == 0 && range[1] == 0)
        range[0] = range[1] = fixed;
}

static double nearest(double value, const double range[2])
{
    return fmin(fmax(value, range[0]), range[1]);
}

static void fill_box(const kerf_question *q, const kerf_map_box *box, kerf_map *map)
{
    map->box = *box;
    fill_range(map->box.uplink_bps, q->link->rate_bps[KERF_UPLINK]);
    fill_range(map->box.downlink_bps, q->link->rate_bps[KERF_DOWNLINK]);
    fill_range(map->box.rtt_s, q->link->rtt_s);
    fill_range(map->box.server_load, q->server_load);
    map->conditions = (kerf_conditions){
        nearest(q->link->rate_bps[KERF_UPLINK], map->box.uplink_bps),
        nearest(q->link->rate_bps[KERF_DOWNLINK], map->box.downlink_bps),
        nearest(q->link->rtt_s, map->box.rtt_s), nearest(q->server_load, map->box.server_load)};
}

/* --- names --- */

/* With variants, the network that the question names need not be there. */
static bool copy_names(const kerf_question *q, kerf_map *map)
{
    const char *const names[4] = {q->network ? q->network->name : NULL, q->device->name,
                                  q->server->name, q->link->name};
    for (int i = 0; i < 4; i++)
        if (names[i] && !(map->names[i] = kerf_strdup(names[i])))
            return false;
    map->topic.network = map->names[0];
    map->topic.device = map->names[1];
    map->topic.server = map->names[2];
    map->topic.link = map->names[3];
    return true;
}

static bool copy_network(const kerf_network *from, map_network *to)
{
    to->name = kerf_strdup(from->name ? from->name : "");
    to->operators = kerf_calloc(from->n_operators, sizeof *to->operators);
    if (!to->name || !to->operators)
        return false;
    for (; to->n_operators < from->n_operators; to->n_operators++)
        if (!(to->operators[to->n_operators] = kerf_strdup(from->operators[to->n_operators].name)))
            return false;
    return true;
}

/* --- entries --- */

typedef struct crossing {
    size_t producer_rank; /* 0 for network inputs, else 1 + operator */
    size_t tensor;
} crossing;

static int by_producer(const void *a, const void *b)
{
    const crossing *x = a, *y = b;
    if (x->producer_rank != y->producer_rank)
        return x->producer_rank < y->producer_rank ? -1 : 1;
    return (x->tensor > y->tensor) - (x->tensor < y->tensor);
}

static bool copy_tensor(const kerf_question *q, size_t index, kerf_map_tensor *to)
{
    const kerf_tensor *t = &q->network->tensors[index];
    const size_t rank = t->rank > 0 ? (size_t)t->rank : 0;
    int64_t *dims = kerf_calloc(rank, sizeof *dims);
    to->dims = dims;
    to->name = kerf_strdup(t->name);
    to->type = kerf_strdup(kerf_type_name(t->type));
    if (!dims || !to->name || !to->type)
        return false;
    if (t->producer != KERF_NONE &&
        !(to->producer = kerf_strdup(q->network->operators[t->producer].name)))
        return false;
    for (size_t i = 0; i < rank; i++)
        dims[i] = t->dims[i];
    to->rank = rank;
    to->bytes = t->bytes;
    to->wire_bytes = cut_wire_bytes(q, index);
    return true;
}

static bool copy_tensors(const cut_choice *choice, const uint8_t *x, map_entry *e)
{
    const cut_binding *b = &choice->binding;
    const cut_problem *p = &b->problem;
    crossing *list = kerf_calloc(p->n_tensors, sizeof *list);
    size_t n = 0;
    for (size_t t = 0; list && t < p->n_tensors; t++)
        if (cut_crosses(&p->tensors[t], x) &&
            (p->tensors[t].n_consumers > 0 || p->tensors[t].to_server)) {
            const size_t tensor = b->tensor_of[t];
            list[n++] = (crossing){choice->question.network->tensors[tensor].producer + 1, tensor};
        }
    e->tensors = kerf_calloc(n, sizeof *e->tensors);
    bool copied = list && e->tensors;
    if (list)
        qsort(list, n, sizeof *list, by_producer);
    for (size_t i = 0; copied && i < n; i++) {
        e->shown.n_tensors = i + 1;
        copied = copy_tensor(&choice->question, list[i].tensor, &e->tensors[i]);
        e->shown.bytes += e->tensors[i].bytes;
    }
    free(list);
    return copied;
}

static bool copy_side(const cut_binding *b, const uint8_t *x, map_entry *e)
{
    const size_t n = b->question->network->n_operators;
    e->side = kerf_calloc(n, sizeof *e->side);
    for (size_t i = 0; e->side && i < n; i++) {
        const size_t v = b->index_of[i];
        e->side[i] = v == KERF_NONE ? KERF_SIDE_FREE : x[v] ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
    }
    return e->side;
}

static bool copy_entry(const cut_choice *choice, const cut_candidate *from, map_entry *e)
{
    const cut_binding *b = &choice->binding;
    e->shown.encoding = choice->encoding;
    e->shown.variant = choice->variant;
    e->shown.accuracy = cut_choice_accuracy(choice, from->x);
    e->n_placed = b->problem.n;
    e->totals = from->totals;
    e->wait_W = b->problem.wait_W;
    e->power_mode = kerf_strdup(b->device_mode->name);
    e->wire = kerf_strdup(cut_encoding(&choice->question).name);
    if (!e->power_mode || !e->wire || !copy_side(b, from->x, e))
        return false;
    cut_choice_id(choice, e->side, e->shown.cut_id);
    return copy_tensors(choice, from->x, e);
}

/* Variants that no entry is of are not kept. */
static bool find_network(kerf_map *map, const kerf_network *network, const kerf_network **known,
                         size_t *index)
{
    for (*index = 0; *index < map->n_networks; ++*index)
        if (known[*index] == network)
            return true;
    known[map->n_networks++] = network;
    return copy_network(network, &map->networks[*index]);
}

static kerf_status fill(kerf_map *map, const cut_choices *choices, const cut_candidates *found,
                        kerf_error *err)
{
    const kerf_network **known = kerf_calloc(choices->n, sizeof *known);
    map->networks = kerf_calloc(choices->n, sizeof *map->networks);
    map->entries = kerf_calloc(found->n, sizeof *map->entries);
    bool copied = known && map->networks && map->entries;
    for (size_t i = 0; copied && i < found->n; i++) {
        const cut_choice *choice = &choices->list[found->list[i].choice];
        map_entry *e = &map->entries[i];
        map->n_entries = i + 1;
        copied = find_network(map, choice->question.network, known, &e->network) &&
                 copy_entry(choice, &found->list[i], e);
    }
    free(known);
    return copied ? KERF_OK : no_memory(err);
}

/* --- the whole --- */

static void set_topic(const kerf_question *q, const cut_candidates *found, kerf_map *map)
{
    map->topic.objective = q->objective;
    map->topic.weight_energy = q->weight_energy;
    map->topic.weight_latency = q->weight_latency;
    map->topic.limits = q->limits;
    map->topic.connection = q->link->connection;
    map->topic.result_at_server = q->result_at_server;
    map->topic.examined = found->examined;
    map->topic.complete = found->complete;
    map->link = *q->link;
    map->link.name = map->link.description = map->link.provenance = NULL;
}

/* Nothing keeps the constraints even where conditions are easiest: a plan there says why. */
static kerf_status fail_infeasible(const kerf_question *question, const kerf_map_box *box,
                                   kerf_error *err)
{
    kerf_link link = *question->link;
    kerf_question easiest = *question;
    kerf_plan *plan = NULL;
    link.rate_bps[KERF_UPLINK] = box->uplink_bps[1];
    link.rate_bps[KERF_DOWNLINK] = box->downlink_bps[1];
    link.rtt_s = box->rtt_s[0];
    easiest.link = &link;
    easiest.server_load = box->server_load[0];
    easiest.no_break_even = true;
    easiest.top = 0;
    const kerf_status status = kerf_plan_make(&easiest, &plan, err);
    kerf_plan_destroy(&plan);
    return status != KERF_OK ? status
                             : kerf_fail(err, KERF_E_INFEASIBLE, NULL,
                                         "the constraints are kept nowhere in the box but on its "
                                         "border");
}

static kerf_status search(const kerf_question *question, kerf_map *map, kerf_error *err)
{
    const cut_options options = {.time_limit_s = question->time_limit_s,
                                 .progress = question->progress,
                                 .progress_context = question->progress_context};
    kerf_question easiest = *question;
    cut_choices choices = {0};
    cut_candidates found = {0};
    easiest.server_load = map->box.server_load[0];
    kerf_status status = map_check_box(question->link, &map->box, err);
    if (status == KERF_OK)
        status = cut_choices_bind(&easiest, &choices, err);
    if (status == KERF_OK)
        status = cut_candidates_find(&choices, &map->box, &options, &found, err);
    if (status == KERF_OK && found.n == 0)
        status = fail_infeasible(question, &map->box, err);
    if (status == KERF_OK) {
        set_topic(question, &found, map);
        status = copy_names(question, map) ? fill(map, &choices, &found, err) : no_memory(err);
    }
    cut_candidates_clear(&found);
    cut_choices_clear(&choices);
    return status == KERF_OK ? map_index(map, err) : status;
}

kerf_status kerf_map_make(const kerf_question *question, const kerf_map_box *box, kerf_map **map,
                          kerf_error *err)
{
    kerf_error_clear(err);
    if (!question->link)
        return kerf_fail(err, KERF_E_INVALID, "question", "lacks its link");
    kerf_map *made = kerf_calloc(1, sizeof *made);
    if (!made)
        return no_memory(err);
    fill_box(question, box, made);
    const kerf_status status = search(question, made, err);
    if (status == KERF_OK)
        *map = made;
    else
        kerf_map_destroy(&made);
    return status;
}
