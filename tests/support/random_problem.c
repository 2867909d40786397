#include "random_problem.h"

#include "kerf/link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void *box_alloc(problem_box *box, size_t count, size_t size)
{
    void *block = calloc(count + 1, size);
    void **blocks = realloc(box->blocks, (box->n_blocks + 1) * sizeof *blocks);
    if (!block || !blocks)
        abort();
    box->blocks = blocks;
    box->blocks[box->n_blocks++] = block;
    return block;
}

void box_clear(problem_box *box)
{
    for (size_t i = 0; i < box->n_blocks; i++)
        free(box->blocks[i]);
    free(box->blocks);
    memset(box, 0, sizeof *box);
}

/* --- the graph: which earlier operators each operator reads --- */

typedef struct draft {
    size_t n;
    bool *edge; /* edge[u * n + v]: v reads what u makes */
} draft;

static void join(draft *d, size_t u, size_t v)
{
    if (u < v && v < d->n)
        d->edge[u * d->n + v] = true;
}

static void draft_layered(rng *r, draft *d, size_t width)
{
    for (size_t v = width; v < d->n; v++) {
        size_t layer = v / width * width - width;
        join(d, layer + rng_below(r, width), v);
        while (rng_chance(r, 0.4))
            join(d, layer + rng_below(r, width), v);
    }
}

static void draft_blocks(rng *r, draft *d, size_t branches, bool skip)
{
    size_t from = 0, v = 1;
    while (v < d->n) {
        size_t ends[4], count = 1 + rng_below(r, branches);
        for (size_t b = 0; b < count; b++) {
            size_t length = 1 + rng_below(r, 3), last = from;
            for (size_t i = 0; i < length && v < d->n; i++, v++) {
                join(d, last, v);
                last = v;
            }
            ends[b] = last;
        }
        if (v == d->n)
            break;
        for (size_t b = 0; b < count; b++)
            join(d, ends[b], v);
        if (skip && rng_chance(r, 0.7))
            join(d, from, v);
        from = v++;
    }
}

static void draft_edges(rng *r, shape kind, draft *d)
{
    double p = rng_unit(r) * 0.5;
    switch (kind) {
    case SHAPE_LAYERED:
        draft_layered(r, d, 2 + rng_below(r, 3));
        return;
    case SHAPE_RESIDUAL:
        draft_blocks(r, d, 1, true);
        return;
    case SHAPE_BRANCHES:
        draft_blocks(r, d, 4, false);
        return;
    default:
        break;
    }
    for (size_t v = 1; v < d->n; v++) {
        if (kind == SHAPE_CHAIN)
            join(d, v - 1, v);
        else if (kind == SHAPE_WIDE)
            join(d, v == d->n - 1 ? rng_below(r, v) : 0, v);
        else if (kind == SHAPE_FOREST && rng_chance(r, 0.7))
            join(d, rng_below(r, v), v);
        else if (kind == SHAPE_SPARSE)
            for (size_t u = 0; u < v; u++)
                if (rng_chance(r, p))
                    join(d, u, v);
    }
}

/* --- numbers --- */

typedef enum taste { TASTE_LOG, TASTE_SMALL_INTEGERS, TASTE_EQUAL, TASTE_ZEROS, N_TASTES } taste;

static double number(rng *r, taste t, double low, double high)
{
    switch (t) {
    case TASTE_SMALL_INTEGERS:
        return sqrt(low * high) * (double)rng_below(r, 4);
    case TASTE_EQUAL:
        return sqrt(low * high);
    case TASTE_ZEROS:
        return rng_chance(r, 0.6) ? 0 : rng_log(r, low, high);
    default:
        return rng_log(r, low, high);
    }
}

static double size_bytes(rng *r, taste t)
{
    return floor(number(r, t, 40, 4e6)) + (rng_chance(r, 0.02) ? 0.25 : 0);
}

static cut_cost random_cost(rng *r, taste t, double server_speed)
{
    cut_cost cost = {.device_s = number(r, t, 1e-5, 3e-2), .device_J = number(r, t, 1e-4, 3e-1)};
    cost.server_s = number(r, t, 1e-5, 3e-2) / server_speed;
    cost.server_J = number(r, t, 1e-4, 3e-1);
    return cost;
}

static void random_table(rng *r, taste t, double speed, size_t n, cut_cost *table)
{
    int form = (int)rng_below(r, 3);
    for (size_t j = 0; j <= n; j++)
        table[j] = random_cost(r, t, speed);
    if (form == 0)
        return; /* arbitrary */
    cut_cost part = random_cost(r, t, speed);
    for (size_t j = 0; j <= n; j++) {
        double device = (double)j, server = (double)(n - j);
        double broken = j > 0 && j < n ? (form == 1 ? 0.3 : 3.0) : 0;
        table[j] = (cut_cost){part.device_s * (device + broken), part.device_J * (device + broken),
                              part.server_s * (server + broken), part.server_J * (server + broken)};
    }
}

static void random_link(rng *r, kerf_link *link)
{
    *link = (kerf_link){.rtt_s = rng_chance(r, 0.2) ? 0 : rng_log(r, 1e-4, 0.3)};
    for (int d = 0; d < 2; d++) {
        link->rate_bps[d] = rng_chance(r, 0.1) ? rng_log(r, 1e3, 1e12) : rng_log(r, 1e6, 1e9);
        link->active_W[d] = rng_chance(r, 0.2) ? 0 : rng_log(r, 0.05, 3);
        link->active_W_per_bps[d] = rng_chance(r, 0.3) ? 0 : rng_log(r, 1e-9, 5e-7);
    }
    link->overhead = rng_chance(r, 0.5) ? 0 : 0.06;
    link->message_bytes = rng_chance(r, 0.5) ? 0 : (double)rng_below(r, 200);
    link->initial_window_bytes = rng_chance(r, 0.7) ? 0 : rng_log(r, 100, 1e5);
    link->connection = (kerf_connection)rng_below(r, 3);
    link->idle_W = rng_chance(r, 0.5) ? 0 : rng_unit(r);
    if (rng_chance(r, 0.5)) {
        link->promotion_s = rng_log(r, 1e-3, 0.5);
        link->promotion_W = rng_unit(r);
    }
    if (rng_chance(r, 0.5)) {
        link->tail_s = rng_log(r, 1e-2, 10);
        link->tail_W = rng_unit(r);
        link->gap_s = rng_chance(r, 0.5) ? 0 : rng_log(r, 1e-2, 10);
    }
}

/* --- from the draft to the problem --- */

static size_t *consumers_of(problem_box *box, const draft *d, size_t u, bool *taken, double share,
                            rng *r, size_t *count)
{
    size_t *list = box_alloc(box, d->n, sizeof *list);
    *count = 0;
    for (size_t v = u + 1; v < d->n; v++)
        if (d->edge[u * d->n + v] && !taken[v] && rng_unit(r) < share) {
            taken[v] = share < 1;
            list[(*count)++] = v;
        }
    return list;
}

/* Costs of encoding and decoding, by the byte, in every other problem; drawn aside, so that all
 * else is as without them. */
static void add_codec(rng aside, cut_problem *p, cut_tensor *tensors)
{
    aside.state ^= 0x5bd1e995;
    rng *r = &aside;
    if (rng_chance(r, 0.5))
        return;
    double slow = rng_log(r, 1e-10, 1e-6), costly = rng_log(r, 1e-10, 1e-6);
    for (size_t t = 0; t < p->n_tensors; t++) {
        cut_cost *costs[] = {&tensors[t].up_cost, &tensors[t].down_cost};
        const double bytes[] = {tensors[t].up_bytes, tensors[t].down_bytes};
        for (int i = 0; i < 2; i++) {
            if (rng_chance(r, 0.2))
                continue;
            *costs[i] = (cut_cost){.device_s = bytes[i] * slow * rng_unit(r),
                                   .device_J = bytes[i] * costly * rng_unit(r),
                                   .server_s = bytes[i] * slow * 0.1 * rng_unit(r),
                                   .server_J = bytes[i] * costly * rng_unit(r)};
        }
    }
}

static void add_tensors(rng *r, taste t, const draft *d, problem_box *box)
{
    cut_problem *p = &box->p;
    cut_tensor *tensors = box_alloc(box, 2 * d->n + 3, sizeof *tensors);
    bool *taken = box_alloc(box, d->n, sizeof *taken);
    size_t n_sources = 1 + rng_below(r, 3);
    for (size_t s = 0; s < n_sources; s++) { /* the inputs, read by operators without a producer */
        cut_tensor *input = &tensors[p->n_tensors++];
        size_t *list = box_alloc(box, d->n, sizeof *list);
        *input = (cut_tensor){.producer = CUT_SOURCE, .consumers = list};
        for (size_t v = 0; v < d->n; v++) {
            bool root = true;
            for (size_t u = 0; u < v; u++)
                root = root && !d->edge[u * d->n + v];
            if (root ? (v + s) % n_sources == 0 || rng_chance(r, 0.1) : rng_chance(r, 0.02))
                list[input->n_consumers++] = v;
        }
        input->up_bytes = size_bytes(r, t);
        input->to_server = p->result_at_server && rng_chance(r, 0.02);
    }
    for (size_t u = 0; u < d->n; u++) {
        size_t made = rng_chance(r, 0.1) ? 2 : 1;
        memset(taken, 0, d->n * sizeof *taken);
        for (size_t i = 0; i < made; i++) {
            cut_tensor *tensor = &tensors[p->n_tensors++];
            *tensor = (cut_tensor){.producer = u, .up_bytes = size_bytes(r, t)};
            tensor->down_bytes = size_bytes(r, t);
            tensor->consumers = consumers_of(box, d, u, taken, made == 2 && i == 0 ? 0.5 : 1, r,
                                             &tensor->n_consumers);
            bool result = tensor->n_consumers == 0 ? rng_chance(r, 0.9) : rng_chance(r, 0.05);
            tensor->to_device = result && !p->result_at_server;
            tensor->to_server = result && p->result_at_server;
        }
    }
    p->tensors = tensors;
    add_codec(*r, p, tensors);
}

static void add_groups(rng *r, taste t, const draft *d, problem_box *box)
{
    cut_problem *p = &box->p;
    cut_group *groups = box_alloc(box, d->n, sizeof *groups);
    bool *used = box_alloc(box, d->n, sizeof *used);
    double longer = rng_chance(r, 0.4) ? 0 : rng_unit(r), speed = rng_log(r, 0.3, 100);
    for (size_t v = 0; v < d->n; v++) {
        if (used[v])
            continue;
        size_t *path = box_alloc(box, d->n, sizeof *path), n = 0, at = v;
        do {
            used[at] = true;
            path[n++] = at;
            size_t last = at;
            for (size_t w = last + 1; w < d->n && at == last; w++)
                if (d->edge[last * d->n + w] && !used[w])
                    at = w;
        } while (!used[at] && rng_chance(r, longer));
        cut_cost *table = box_alloc(box, n + 1, sizeof *table);
        random_table(r, t, speed, n, table);
        groups[p->n_groups++] = (cut_group){path, n, table};
    }
    p->groups = groups;
}

static void add_memory(rng *r, taste t, problem_box *box)
{
    cut_problem *p = &box->p;
    cut_weight *weights = box_alloc(box, p->n, sizeof *weights);
    cut_buffer *buffers = box_alloc(box, p->n_tensors, sizeof *buffers);
    for (size_t v = 0; v < p->n; v++) {
        size_t *owner = box_alloc(box, 2, sizeof *owner);
        owner[0] = v;
        bool shared = v + 1 < p->n && rng_chance(r, 0.1);
        owner[1] = shared ? v + 1 + rng_below(r, p->n - v - 1) : 0;
        if (rng_chance(r, 0.6))
            weights[p->n_weights++] = (cut_weight){size_bytes(r, t), owner, shared ? 2 : 1};
    }
    for (size_t i = 0; i < p->n_tensors; i++) {
        const cut_tensor *tensor = &p->tensors[i];
        buffers[p->n_buffers++] =
            (cut_buffer){size_bytes(r, t), tensor->producer, tensor->consumers, tensor->n_consumers,
                         tensor->to_device || rng_chance(r, 0.02)};
    }
    p->weights = weights;
    p->buffers = buffers;
}

void random_problem(rng *r, shape kind, size_t n, problem_box *box)
{
    box_clear(box);
    draft d = {.n = n, .edge = box_alloc(box, n * n, sizeof *d.edge)};
    draft_edges(r, kind, &d);
    cut_problem *p = &box->p;
    taste t = rng_chance(r, 0.5) ? TASTE_LOG : (taste)rng_below(r, N_TASTES);
    taste sizes = rng_chance(r, 0.5) ? TASTE_LOG : (taste)rng_below(r, N_TASTES);
    random_link(r, &box->link);
    p->n = n;
    p->link = &box->link;
    p->result_at_server = rng_chance(r, 0.25);
    p->wait_W = rng_chance(r, 0.2) ? 0 : rng_log(r, 0.05, 10);
    add_tensors(r, sizes, &d, box);
    add_groups(r, t, &d, box);
    add_memory(r, sizes, box);
    if (rng_chance(r, 0.7))
        p->device_part =
            (cut_cost){.device_s = number(r, t, 1e-4, 1e-2), .device_J = number(r, t, 1e-3, 1e-1)};
    if (rng_chance(r, 0.7))
        p->server_part =
            (cut_cost){.server_s = number(r, t, 1e-4, 1e-2), .server_J = number(r, t, 1e-3, 1e-1)};
    p->weight_energy = rng_chance(r, 0.1) ? 0 : rng_log(r, 0.01, 100);
    p->weight_latency = rng_chance(r, 0.1) ? 0 : rng_log(r, 0.01, 100);
}

/* What a bundle takes back is charged by its first operator's group first, so that no sum is below
 * 0. */
static void charge(cut_problem *p, const cut_bundle *bundle)
{
    const double costs[] = {bundle->cost.device_s, bundle->cost.device_J, bundle->cost.server_s,
                            bundle->cost.server_J};
    for (size_t g = 0; g < p->n_groups; g++)
        for (size_t i = 0; i < p->groups[g].n; i++) {
            if (p->groups[g].operators[i] != bundle->operators[0])
                continue;
            for (size_t j = 0; j <= p->groups[g].n; j++) {
                cut_cost *entry = (cut_cost *)&p->groups[g].table[j];
                double *sums[] = {&entry->device_s, &entry->device_J, &entry->server_s,
                                  &entry->server_J};
                const bool paid = bundle->side == KERF_SIDE_DEVICE ? i < j : i >= j;
                for (int k = 0; k < 4 && paid; k++)
                    *sums[k] += costs[k] < 0 ? -costs[k] : 0;
            }
        }
}

void random_bundles(rng *r, problem_box *box, bool discounts)
{
    cut_problem *p = &box->p;
    size_t most = 1 + rng_below(r, 4);
    cut_bundle *bundles = box_alloc(box, most, sizeof *bundles);
    double size = rng_log(r, 1e-5, 1);
    for (size_t b = 0; b < most; b++) {
        size_t *list = box_alloc(box, p->n, sizeof *list), n = 0;
        double share = rng_unit(r);
        for (size_t v = 0; v < p->n; v++)
            if (rng_chance(r, share) || (n == 0 && v + 1 == p->n))
                list[n++] = v;
        double sign = rng_chance(r, 0.5) && (n == 1 || !discounts) ? 1 : -1;
        double s = sign * size * rng_unit(r), J = sign * size * rng_log(r, 0.1, 100);
        cut_bundle *bundle = &bundles[p->n_bundles++];
        *bundle = (cut_bundle){.operators = list, .n = n, .side = KERF_SIDE_SERVER};
        if (rng_chance(r, 0.6)) {
            bundle->side = KERF_SIDE_DEVICE;
            bundle->cost = (cut_cost){.device_s = s, .device_J = J};
        } else {
            bundle->cost = (cut_cost){.server_s = s, .server_J = J};
        }
        charge(p, bundle);
    }
    p->bundles = bundles;
}

void random_pins(rng *r, problem_box *box)
{
    uint8_t *pin = box_alloc(box, box->p.n, 1);
    double share = rng_chance(r, 0.5) ? 0.05 : 0.2;
    for (size_t v = 0; v < box->p.n; v++)
        if (rng_chance(r, share)) /* mostly early ones to the device, late ones to the server */
            pin[v] =
                rng_unit(r) * (double)box->p.n > (double)v ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
    box->p.pin = pin;
}

void layered_problem(rng *r, size_t n, size_t width, bool slow_start, problem_box *box)
{
    box_clear(box);
    cut_problem *p = &box->p;
    cut_tensor *tensors = box_alloc(box, n + 1, sizeof *tensors);
    cut_group *groups = box_alloc(box, n, sizeof *groups);
    size_t *all = box_alloc(box, n, sizeof *all);
    size_t *count = box_alloc(box, n, sizeof *count);
    size_t *lists = box_alloc(box, n * 2 * width, sizeof *lists);
    for (size_t v = width; v < n; v++) { /* reads one to three of the layer before, the last all */
        size_t layer = v / width * width - width, reads = 1 + rng_below(r, 3);
        for (size_t i = 0; i < reads && v + 1 < n; i++) {
            size_t u = i == 0 ? v - width : layer + rng_below(r, width);
            if (count[u] == 0 || lists[u * 2 * width + count[u] - 1] != v)
                lists[u * 2 * width + count[u]++] = v;
        }
    }
    for (size_t u = 0; u + 1 < n; u++)
        if (count[u] == 0 || u + 1 + width >= n)
            lists[u * 2 * width + count[u]++] = n - 1;
    for (size_t v = 0; v < n; v++) {
        cut_cost *table = box_alloc(box, 2, sizeof *table);
        table[1] = (cut_cost){.device_s = rng_log(r, 1e-4, 1e-2), .device_J = rng_log(r, 1e-3, .1)};
        table[0].server_s = table[1].device_s * rng_log(r, 0.01, 0.3);
        all[v] = v;
        groups[v] = (cut_group){&all[v], 1, table};
        double bytes = floor(rng_log(r, 1e3, 2e6) * pow(0.01, (double)v / (double)n));
        tensors[v + 1] = (cut_tensor){.producer = v,
                                      .consumers = &lists[v * 2 * width],
                                      .n_consumers = count[v],
                                      .up_bytes = bytes,
                                      .to_device = count[v] == 0,
                                      .down_bytes = 4000};
    }
    tensors[0] = (cut_tensor){.producer = CUT_SOURCE,
                              .consumers = all,
                              .n_consumers = width < n ? width : n,
                              .up_bytes = 6e5};
    box->link = (kerf_link){.rate_bps = {2e7, 4e7},
                            .rtt_s = 0.03,
                            .active_W = {1.3, 0.9},
                            .connection = slow_start ? KERF_CONNECTION_COLD : KERF_CONNECTION_WARM};
    *p = (cut_problem){.n = n,
                       .groups = groups,
                       .n_groups = n,
                       .tensors = tensors,
                       .n_tensors = n + 1,
                       .link = &box->link,
                       .wait_W = 2};
}

/* --- naive pricing --- */

/* Runs the device's operators one after the other and looks at what must be held each time. */
static double naive_memory(const cut_problem *p, const uint8_t *x)
{
    double weights = 0, peak = 0;
    for (size_t w = 0; w < p->n_weights; w++)
        for (size_t i = 0; i < p->weights[w].n; i++)
            if (x[p->weights[w].operators[i]] == 0) {
                weights += p->weights[w].bytes;
                break;
            }
    for (size_t step = 0; step <= p->n; step++) { /* 0: before the first operator */
        if (step > 0 && x[step - 1] == 1)
            continue;
        double held = 0;
        for (size_t b = 0; b < p->n_buffers; b++) {
            const cut_buffer *buffer = &p->buffers[b];
            size_t made = buffer->producer == CUT_SOURCE ? 0 : buffer->producer + 1;
            if (made > step || (made > 0 && x[buffer->producer] == 1))
                continue;
            bool needed = buffer->kept || made == step;
            for (size_t i = 0; i < buffer->n_readers; i++)
                needed = needed || x[buffer->readers[i]] == 1 || buffer->readers[i] + 1 >= step;
            held += needed ? buffer->bytes : 0;
        }
        peak = held > peak ? held : peak;
    }
    return weights + peak;
}

static double over(double value, double limit)
{
    return limit > 0 ? value / limit - 1 : 0;
}

void naive_value(const cut_problem *p, const uint8_t *x, cut_value *v)
{
    memset(v, 0, sizeof *v);
    size_t n_server = 0;
    for (size_t i = 0; i < p->n; i++)
        n_server += x[i];
    v->device_operators = p->n - n_server;
    for (size_t g = 0; g < p->n_groups; g++) {
        size_t j = 0;
        for (size_t i = 0; i < p->groups[g].n; i++)
            j += x[p->groups[g].operators[i]] == 0;
        v->device_s += p->groups[g].table[j].device_s;
        v->device_J += p->groups[g].table[j].device_J;
        v->server_s += p->groups[g].table[j].server_s;
        v->server_J += p->groups[g].table[j].server_J;
    }
    for (size_t b = 0; b < p->n_bundles; b++) {
        const cut_bundle *bundle = &p->bundles[b];
        size_t together = 0;
        for (size_t i = 0; i < bundle->n; i++)
            together += (x[bundle->operators[i]] == 0) == (bundle->side == KERF_SIDE_DEVICE);
        if (together < bundle->n)
            continue;
        v->device_s += bundle->cost.device_s;
        v->device_J += bundle->cost.device_J;
        v->server_s += bundle->cost.server_s;
        v->server_J += bundle->cost.server_J;
    }
    v->device_s += v->device_operators > 0 ? p->device_part.device_s : 0;
    v->device_J += v->device_operators > 0 ? p->device_part.device_J : 0;
    v->server_s += n_server > 0 ? p->server_part.server_s : 0;
    v->server_J += n_server > 0 ? p->server_part.server_J : 0;
    for (size_t t = 0; t < p->n_tensors; t++) {
        const cut_tensor *tensor = &p->tensors[t];
        bool here = tensor->producer == CUT_SOURCE || x[tensor->producer] == 0;
        bool there = tensor->to_server;
        for (size_t i = 0; i < tensor->n_consumers; i++)
            there = there || x[tensor->consumers[i]] == 1;
        bool up = here && there, down = !here && tensor->to_device;
        v->up_bytes += up ? tensor->up_bytes : 0;
        v->down_bytes += down ? tensor->down_bytes : 0;
        v->device_s +=
            (up ? tensor->up_cost.device_s : 0) + (down ? tensor->down_cost.device_s : 0);
        v->device_J +=
            (up ? tensor->up_cost.device_J : 0) + (down ? tensor->down_cost.device_J : 0);
        v->server_s +=
            (up ? tensor->up_cost.server_s : 0) + (down ? tensor->down_cost.server_s : 0);
        v->server_J +=
            (up ? tensor->up_cost.server_J : 0) + (down ? tensor->down_cost.server_J : 0);
    }
    v->up_s = kerf_link_transfer_s(p->link, KERF_UPLINK, v->up_bytes);
    v->down_s = kerf_link_transfer_s(p->link, KERF_DOWNLINK, v->down_bytes);
    v->up_J = kerf_link_transfer_J(p->link, KERF_UPLINK, v->up_bytes);
    v->down_J = kerf_link_transfer_J(p->link, KERF_DOWNLINK, v->down_bytes);
    v->fixed_J = v->up_bytes + v->down_bytes > 0 ? kerf_link_fixed_J(p->link) : 0;
    v->wait_J = p->wait_W * (p->result_at_server ? v->up_s : v->up_s + v->server_s + v->down_s);
    v->energy_J = v->device_J + v->up_J + v->down_J + v->fixed_J + v->wait_J;
    v->latency_s = v->device_s + v->up_s + v->server_s + v->down_s;
    v->slowest_s = fmax(fmax(v->device_s, v->server_s),
                        fmax(kerf_link_occupancy_s(p->link, KERF_UPLINK, v->up_bytes),
                             kerf_link_occupancy_s(p->link, KERF_DOWNLINK, v->down_bytes)));
    v->memory_bytes = naive_memory(p, x);
    double objectives[] = {v->energy_J,
                           v->latency_s,
                           v->slowest_s,
                           v->energy_J * v->latency_s,
                           v->energy_J + v->server_J,
                           p->weight_energy * v->energy_J + p->weight_latency * v->latency_s};
    v->objective = objectives[p->objective];
    double few = p->limits.min_device_operators > 0
                     ? 1 - (double)v->device_operators / (double)p->limits.min_device_operators
                     : 0;
    v->violation =
        fmax(fmax(over(v->latency_s, p->limits.deadline_s), over(v->energy_J, p->limits.energy_J)),
             fmax(fmax(over(v->memory_bytes, p->limits.memory_bytes),
                       over(v->up_bytes, p->limits.max_bytes)),
                  few));
    if (!(v->violation > 1e-9))
        v->violation = 0;
}

static bool naive_legal(const cut_problem *p, const uint8_t *x)
{
    for (size_t v = 0; v < p->n && p->pin; v++)
        if ((p->pin[v] == KERF_SIDE_DEVICE && x[v]) || (p->pin[v] == KERF_SIDE_SERVER && !x[v]))
            return false;
    for (size_t t = 0; t < p->n_tensors; t++)
        for (size_t i = 0; i < p->tensors[t].n_consumers; i++)
            if (p->tensors[t].producer != CUT_SOURCE &&
                x[p->tensors[t].producer] > x[p->tensors[t].consumers[i]])
                return false;
    return true;
}

void brute_force(const cut_problem *problem, brute_answer *answer)
{
    *answer = (brute_answer){.objective = INFINITY, .violation = INFINITY};
    for (uint32_t bits = 0; bits < 1U << problem->n; bits++) {
        uint8_t x[16] = {0};
        for (size_t v = 0; v < problem->n; v++)
            x[v] = bits >> v & 1;
        if (!naive_legal(problem, x))
            continue;
        cut_value value;
        naive_value(problem, x, &value);
        answer->placements++;
        answer->violation = fmin(answer->violation, value.violation);
        if (value.violation == 0 && value.objective < answer->objective) {
            answer->feasible = true;
            answer->objective = value.objective;
            memcpy(answer->x, x, problem->n);
        }
    }
}
