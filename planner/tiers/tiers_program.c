#include "planner/tiers/tiers_milp.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT         1e3   /* size that limits, bytes and memory are scaled to */
#define BOUND_SLACK  5e-10 /* relative: half of what counts as keeping a limit */
#define MOST_ROWS    50000000
#define MOST_COLUMNS 10000000

/* --- expressions and rows --- */

static void add(tier_program *m, int column, double value)
{
    if (!m->is_touched[column]) {
        m->is_touched[column] = true;
        m->touched[m->n_touched++] = column;
    }
    m->terms[column] += value;
}

/* Takes the expression's terms out, one after the other. */
static void forget(tier_program *m)
{
    for (int i = 0; i < m->n_touched; i++) {
        m->terms[m->touched[i]] = 0;
        m->is_touched[m->touched[i]] = false;
    }
    m->n_touched = 0;
    m->constant = 0;
}

/* Adds the row low <= expression <= high (either may be infinite) and resets the expression. */
static void emit(tier_program *m, double low, double high)
{
    milp_program *g = &m->g;
    size_t entry = g->start[g->n_rows], need = entry + (size_t)m->n_touched;
    if (kerf_reserve(&g->start, &g->start_capacity, g->n_rows + 2, MOST_ROWS, sizeof *g->start) ||
        kerf_reserve(&g->low, &g->low_capacity, g->n_rows + 1, MOST_ROWS, sizeof *g->low) ||
        kerf_reserve(&g->high, &g->high_capacity, g->n_rows + 1, MOST_ROWS, sizeof *g->high) ||
        kerf_reserve(&g->index, &g->index_capacity, need, MOST_ROWS, sizeof *g->index) ||
        kerf_reserve(&g->value, &g->value_capacity, need, MOST_ROWS, sizeof *g->value)) {
        m->failed = true;
        forget(m);
        return;
    }
    for (int i = 0; i < m->n_touched; i++) {
        g->index[entry + (size_t)i] = m->touched[i];
        g->value[entry + (size_t)i] = m->terms[m->touched[i]];
    }
    g->low[g->n_rows] = low - m->constant;
    g->high[g->n_rows++] = high - m->constant;
    g->start[g->n_rows] = need;
    forget(m);
}

/* --- what a placement costs, as expressions --- */

static const cut_problem *first_of(const tier_program *m)
{
    return m->search->problem->first;
}

static int share_column(const tier_program *m, size_t group, size_t i, size_t j)
{
    size_t n = first_of(m)->groups[group].n;
    return m->share[group] + (int)(i * (n + 1) - i * (i + 1) / 2 + j);
}

/* The factors of each computing figure. */
typedef struct factors {
    tier_cost device, edge, cloud;
} factors;

static void add_compute(tier_program *m, const factors *f)
{
    const tier_problem *p = m->search->problem;
    for (size_t g = 0; g < p->first->n_groups; g++) {
        size_t n = p->first->groups[g].n;
        for (size_t i = 0; i <= n; i++)
            for (size_t j = i; j <= n; j++) {
                const cut_cost *device = &p->first->groups[g].table[i];
                const tier_cost *cloud = &p->groups[g].cloud[j];
                const tier_cost *edge = &p->groups[g].edge[i * (n + 1) + j];
                double cost = f->device.s * device->device_s + f->device.J * device->device_J +
                              f->cloud.s * cloud->s + f->cloud.J * cloud->J;
                if (i < j)
                    cost += f->edge.s * edge->s + f->edge.J * edge->J;
                add(m, share_column(m, g, i, j), cost);
            }
    }
    const cut_cost *part = &p->first->device_part;
    add(m, m->part[TIER_DEVICE], f->device.s * part->device_s + f->device.J * part->device_J);
    add(m, m->part[TIER_EDGE], f->edge.s * p->edge_part.s + f->edge.J * p->edge_part.J);
    add(m, m->part[TIER_CLOUD], f->cloud.s * p->cloud_part.s + f->cloud.J * p->cloud_part.J);
}

typedef double transfer_cost(const kerf_link *link, kerf_direction direction, double bytes);

/* The chord of a concave cost over a node's range of bytes. */
static void add_transfer(tier_program *m, const tier_node *node, tier_transfer t,
                         transfer_cost *cost, double factor)
{
    const tier_range *range = &node->range[t];
    const kerf_link *link = tier_link(m->search->problem, t);
    if (range->high <= 0)
        return;
    double at_low = cost(link, tier_direction(t), range->low), slope = 0;
    if (range->low <= 0) /* its limit: a transfer that is not used is not on the chord */
        at_low = cost(link, tier_direction(t), m->search->least[t]);
    double low = range->low > 0 ? range->low : m->search->least[t];
    if (range->high > low)
        slope = (cost(link, tier_direction(t), range->high) - at_low) / (range->high - low);
    add(m, m->used[t], factor * (at_low - slope * low));
    add(m, m->bytes[t], factor * slope * m->unit[t]);
}

static void add_latency(tier_program *m, const tier_node *node, double factor)
{
    add_compute(m, &(factors){{factor, 0}, {factor, 0}, {factor, 0}});
    for (int t = 0; t < N_TRANSFERS; t++)
        add_transfer(m, node, (tier_transfer)t, kerf_link_transfer_s, factor);
}

static void add_energy(tier_program *m, const tier_node *node, double factor)
{
    const tier_problem *p = m->search->problem;
    double wait = factor * p->first->wait_W, late = p->result == TIER_DEVICE ? wait : 0;
    add_compute(m, &(factors){{0, factor}, {late, 0}, {late, 0}});
    for (int t = 0; t < N_TRANSFERS; t++)
        add_transfer(m, node, (tier_transfer)t, kerf_link_transfer_s, t == UP1 ? wait : late);
    add_transfer(m, node, UP1, kerf_link_transfer_J, factor);
    add_transfer(m, node, DOWN1, kerf_link_transfer_J, factor);
    add(m, m->fixed[0], factor * kerf_link_fixed_J(p->first->link));
}

static void add_others(tier_program *m, const tier_node *node, double factor)
{
    add_compute(m, &(factors){{0, 0}, {0, factor}, {0, factor}});
    add_transfer(m, node, UP2, kerf_link_transfer_J, factor);
    add_transfer(m, node, DOWN2, kerf_link_transfer_J, factor);
    add(m, m->fixed[1], factor * kerf_link_fixed_J(m->search->problem->link2));
}

/* --- columns --- */

static bool needs_y(const tier_problem *p, size_t t, int layer)
{
    const cut_tensor *tensor = &p->first->tensors[t];
    return tensor->up_bytes > 0 && tensor->n_consumers > 1 && !tier_result_above(p, t, layer);
}

static bool has_memory(const tier_program *m)
{
    return first_of(m)->limits.memory_bytes > 0;
}

static size_t count_columns(const tier_program *m)
{
    const cut_problem *p = first_of(m);
    size_t n = 2 * p->n + 2 * p->n_tensors + 20;
    n += has_memory(m) ? p->n_weights + p->n_buffers + p->n + 1 : 0;
    for (size_t g = 0; g < p->n_groups && n <= MOST_COLUMNS; g++)
        n +=
            p->groups[g].n < 10000 ? (p->groups[g].n + 1) * (p->groups[g].n + 2) / 2 : MOST_COLUMNS;
    return n;
}

static void lay_out(tier_program *m)
{
    const cut_problem *p = first_of(m);
    int next = 2 * (int)p->n + 1;
    for (size_t g = 0; g < p->n_groups; g++) {
        m->share[g] = next;
        next += (int)((p->groups[g].n + 1) * (p->groups[g].n + 2) / 2);
    }
    for (int layer = 1; layer <= 2; layer++)
        for (size_t t = 0; t < p->n_tensors; t++)
            m->y[layer - 1][t] = needs_y(m->search->problem, t, layer) ? next++ : 0;
    for (int i = 0; i < N_TIERS; i++)
        m->part[i] = next++;
    for (int i = 0; i < 2; i++)
        m->fixed[i] = next++;
    for (int t = 0; t < N_TRANSFERS; t++)
        m->used[t] = next++;
    m->weight = next;
    m->buffer = next + (int)(has_memory(m) ? p->n_weights : 0);
    next += (int)(has_memory(m) ? p->n_weights + p->n_buffers : 0);
    for (int j = 1; j < next; j++)
        m->g.upper[j] = 1;
    for (int t = 0; t < N_TRANSFERS; t++) {
        m->bytes[t] = next;
        m->g.upper[next++] = UNIT;
    }
    m->goal = next;
    m->g.upper[next++] = 1e9;
    m->excess = next;
    m->g.upper[next++] = 0;
    m->held = next;
    double all = 0;
    for (size_t i = 0; i < p->n_buffers; i++)
        all += p->buffers[i].bytes;
    for (size_t i = 0; has_memory(m) && i <= p->n; i++)
        m->g.upper[next++] = all / p->limits.memory_bytes * UNIT * 1.001;
    m->g.n_columns = next - 1;
}

/* --- rows --- */

/* The tiers of a group's operators and its shares say the same. */
static void group_rows(tier_program *m, size_t index)
{
    const cut_group *group = &first_of(m)->groups[index];
    for (size_t i = 0; i <= group->n; i++)
        for (size_t j = i; j <= group->n; j++)
            add(m, share_column(m, index, i, j), 1);
    emit(m, 1, 1);
    for (int layer = 1; layer <= 2; layer++)
        for (size_t k = 0; k < group->n; k++) {
            add(m, tier_column(m, layer, group->operators[k]), -1);
            for (size_t i = 0; i <= group->n; i++)
                for (size_t j = i; j <= group->n; j++)
                    if ((layer == 1 ? i : j) <= k)
                        add(m, share_column(m, index, i, j), 1);
            emit(m, 0, 0);
        }
    for (size_t i = 0; i < group->n; i++) /* anything on the edge */
        for (size_t j = i + 1; j <= group->n; j++)
            add(m, share_column(m, index, i, j), -1);
    add(m, m->part[TIER_EDGE], 1);
    emit(m, 0, INFINITY);
}

static void tensor_rows(tier_program *m, size_t t, int layer)
{
    const cut_tensor *tensor = &first_of(m)->tensors[t];
    bool source = tensor->producer == CUT_SOURCE;
    int y = m->y[layer - 1][t];
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        int consumer = tier_column(m, layer, tensor->consumers[i]);
        if (!source) {
            add(m, tier_column(m, layer, tensor->producer), 1);
            add(m, consumer, -1);
            emit(m, -INFINITY, 0);
        }
        if (y > 0) {
            add(m, y, 1);
            add(m, consumer, -1);
            if (!source)
                add(m, tier_column(m, layer, tensor->producer), 1);
            emit(m, 0, INFINITY);
        }
    }
}

static void operator_rows(tier_program *m, size_t v)
{
    const tier_problem *p = m->search->problem;
    const cut_dag *dag = &m->search->dag;
    bool first = true, last = true;
    for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++)
        first = first && p->first->tensors[dag->read[i]].producer == CUT_SOURCE;
    for (size_t i = dag->made_start[v]; i < dag->made_start[v + 1]; i++)
        last = last && p->first->tensors[dag->made[i]].n_consumers == 0;
    if (first) {
        add(m, m->part[TIER_DEVICE], 1);
        add(m, tier_column(m, 1, v), 1);
        emit(m, 1, INFINITY);
    }
    if (last) {
        add(m, m->part[TIER_CLOUD], 1);
        add(m, tier_column(m, 2, v), -1);
        emit(m, 0, INFINITY);
    }
    if (p->allowed && !(p->allowed[v] >> TIER_EDGE & 1)) {
        add(m, tier_column(m, 1, v), 1);
        add(m, tier_column(m, 2, v), -1);
        emit(m, 0, 0);
    }
}

/* Whether tensor t uses the transfer, times `factor`; false if it never does. */
static bool add_use(tier_program *m, size_t t, tier_transfer transfer, double factor)
{
    const tier_problem *p = m->search->problem;
    const cut_tensor *tensor = &p->first->tensors[t];
    int layer = tier_layer(transfer);
    bool source = tensor->producer == CUT_SOURCE, above = tier_result_above(p, t, layer);
    if (tier_direction(transfer) == KERF_DOWNLINK) {
        if (tier_back_bytes(p, t, layer) <= 0)
            return false;
        add(m, tier_column(m, layer, tensor->producer), factor);
        return true;
    }
    if (tensor->up_bytes <= 0 || (!above && tensor->n_consumers == 0))
        return false;
    if (m->y[layer - 1][t] > 0) {
        add(m, m->y[layer - 1][t], factor);
        return true;
    }
    if (above)
        m->constant += factor;
    else
        add(m, tier_column(m, layer, tensor->consumers[0]), factor);
    if (!source)
        add(m, tier_column(m, layer, tensor->producer), -factor);
    return true;
}

static double bytes_of(const tier_program *m, size_t t, tier_transfer transfer)
{
    return tier_direction(transfer) == KERF_DOWNLINK
               ? tier_back_bytes(m->search->problem, t, tier_layer(transfer))
               : first_of(m)->tensors[t].up_bytes;
}

static void transfer_rows(tier_program *m, tier_transfer transfer)
{
    for (size_t t = 0; t < first_of(m)->n_tensors; t++)
        add_use(m, t, transfer, bytes_of(m, t, transfer) / m->unit[transfer]);
    add(m, m->bytes[transfer], -1);
    emit(m, 0, 0);
    for (size_t t = 0; t < first_of(m)->n_tensors; t++)
        if (add_use(m, t, transfer, -1)) {
            add(m, m->used[transfer], 1);
            emit(m, 0, INFINITY);
        }
    add(m, m->fixed[tier_layer(transfer) - 1], 1);
    add(m, m->used[transfer], -1);
    emit(m, 0, INFINITY);
}

/* --- limits --- */

/* The expression at hand, scaled to UNIT at its limit, at most that limit. */
static void limit_row(tier_program *m)
{
    double slack = m->search->goal == TIER_VIOLATION ? 0 : BOUND_SLACK;
    add(m, m->excess, -UNIT);
    emit(m, -INFINITY, UNIT * (1 + slack));
}

static size_t made_at(const cut_buffer *buffer)
{
    return buffer->producer == CUT_SOURCE ? 0 : buffer->producer + 1;
}

static size_t last_read_at(const cut_buffer *buffer)
{
    size_t last = made_at(buffer);
    if (buffer->n_readers > 0 && buffer->readers[buffer->n_readers - 1] + 1 > last)
        last = buffer->readers[buffer->n_readers - 1] + 1;
    return last;
}

/* A buffer's being on the device, times `factor`. */
static void add_held(tier_program *m, const cut_buffer *buffer, double factor)
{
    m->constant += factor;
    if (buffer->producer != CUT_SOURCE)
        add(m, tier_column(m, 1, buffer->producer), -factor);
}

static void add_kept(tier_program *m, size_t index, double factor)
{
    const cut_buffer *buffer = &first_of(m)->buffers[index];
    if (buffer->kept)
        add_held(m, buffer, factor);
    else if (buffer->n_readers > 0)
        add(m, m->buffer + (int)index, factor);
}

/* Weights are held if any operator of theirs is on the device, buffers to the end if any reader is
 * not. */
static void indicator_rows(tier_program *m)
{
    const cut_problem *p = first_of(m);
    for (size_t w = 0; w < p->n_weights; w++)
        for (size_t i = 0; i < p->weights[w].n; i++) {
            add(m, m->weight + (int)w, 1);
            add(m, tier_column(m, 1, p->weights[w].operators[i]), 1);
            emit(m, 1, INFINITY);
        }
    for (size_t b = 0; b < p->n_buffers; b++)
        for (size_t r = 0; r < p->buffers[b].n_readers && !p->buffers[b].kept; r++) {
            add(m, m->buffer + (int)b, 1);
            add(m, tier_column(m, 1, p->buffers[b].readers[r]), -1);
            if (p->buffers[b].producer != CUT_SOURCE)
                add(m, tier_column(m, 1, p->buffers[b].producer), 1);
            emit(m, 0, INFINITY);
        }
}

/* What is held at a step is what was held before, what is made, less what was read for the last
 * time; weights are in all steps. (As in planner/solve/memory.c.) */
static void memory_rows(tier_program *m)
{
    const cut_problem *p = first_of(m);
    double unit = p->limits.memory_bytes / UNIT;
    indicator_rows(m);
    for (size_t step = 0; step <= p->n; step++) {
        for (size_t b = 0; b < p->n_buffers; b++) {
            double size = p->buffers[b].bytes / unit;
            if (made_at(&p->buffers[b]) == step)
                add_held(m, &p->buffers[b], size);
            if (last_read_at(&p->buffers[b]) + 1 == step) {
                add_held(m, &p->buffers[b], -size);
                add_kept(m, b, size);
            }
        }
        if (step > 0)
            add(m, m->held + (int)step - 1, 1);
        add(m, m->held + (int)step, -1);
        emit(m, 0, 0);
        add(m, m->held + (int)step, 1);
        for (size_t w = 0; w < p->n_weights; w++)
            add(m, m->weight + (int)w, p->weights[w].bytes / unit);
        limit_row(m);
    }
}

static void limit_rows(tier_program *m)
{
    const cut_problem *p = first_of(m);
    if (p->limits.max_bytes > 0) {
        add(m, m->bytes[UP1], m->unit[UP1] / p->limits.max_bytes * UNIT);
        limit_row(m);
    }
    if (p->limits.min_device_operators > 0) { /* operators elsewhere: at most the rest */
        double wanted = (double)p->limits.min_device_operators;
        for (size_t v = 0; v < p->n; v++)
            add(m, tier_column(m, 1, v), 1);
        add(m, m->excess, -wanted);
        emit(m, -INFINITY, (double)p->n - wanted);
    }
    if (has_memory(m))
        memory_rows(m);
}

/* --- the program --- */

static kerf_status no_memory(const tier_program *m, kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", first_of(m)->n);
}

static bool allocate(tier_program *m, size_t columns)
{
    const cut_problem *p = first_of(m);
    milp_program *g = &m->g;
    g->lower = kerf_calloc(columns, sizeof *g->lower);
    g->upper = kerf_calloc(columns, sizeof *g->upper);
    g->cost = kerf_calloc(columns, sizeof *g->cost);
    g->reduced = kerf_calloc(columns, sizeof *g->reduced);
    g->start = kerf_calloc(8, sizeof *g->start);
    g->start_capacity = 8;
    m->share = kerf_calloc(p->n_groups, sizeof *m->share);
    m->y[0] = kerf_calloc(p->n_tensors, sizeof **m->y);
    m->y[1] = kerf_calloc(p->n_tensors, sizeof **m->y);
    m->terms = kerf_calloc(columns, sizeof *m->terms);
    m->touched = kerf_calloc(columns, sizeof *m->touched);
    m->is_touched = kerf_calloc(columns, sizeof *m->is_touched);
    return g->lower && g->upper && g->cost && g->reduced && g->start && m->share && m->y[0] &&
           m->y[1] && m->terms && m->touched && m->is_touched;
}

kerf_status tier_program_create(const tier_search *search, tier_program *m, kerf_error *err)
{
    const cut_problem *p = search->problem->first;
    *m = (tier_program){.search = search, .g = {.n_binary = 2 * (int)p->n}};
    size_t columns = count_columns(m);
    if (columns > MOST_COLUMNS)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                         "%zu operators need too many columns for the solver milp", p->n);
    if (!allocate(m, columns))
        return no_memory(m, err);
    lay_out(m);
    for (int t = 0; t < N_TRANSFERS; t++) {
        double sum = search->root.range[t].high;
        m->unit[t] = sum > 0 ? sum / UNIT : 1;
    }
    for (size_t g = 0; g < p->n_groups; g++)
        group_rows(m, g);
    for (int layer = 1; layer <= 2; layer++)
        for (size_t t = 0; t < p->n_tensors; t++)
            tensor_rows(m, t, layer);
    for (size_t v = 0; v < p->n; v++)
        operator_rows(m, v);
    for (int t = 0; t < N_TRANSFERS; t++)
        transfer_rows(m, (tier_transfer)t);
    limit_rows(m);
    m->g.n_fixed_rows = m->g.n_rows;
    return m->failed ? no_memory(m, err) : KERF_OK;
}

void tier_program_clear(tier_program *m)
{
    milp_clear(&m->g);
    free(m->share);
    free(m->y[0]);
    free(m->y[1]);
    free(m->terms);
    free(m->touched);
    free(m->is_touched);
}

/* The bytes lie in the range, or nothing is sent. */
static void range_rows(tier_program *m, const tier_node *node)
{
    for (int t = 0; t < N_TRANSFERS; t++) {
        const tier_range *range = &node->range[t];
        add(m, m->bytes[t], 1);
        add(m, m->used[t], -range->high / m->unit[t]);
        emit(m, -INFINITY, 0);
        add(m, m->bytes[t], 1);
        add(m, m->used[t], -fmax(range->low, m->search->least[t]) / m->unit[t]);
        emit(m, range->high > 0 ? 0 : -INFINITY, INFINITY);
        m->g.lower[m->used[t]] = range->low > 0 ? 1 : 0;
        m->g.upper[m->used[t]] = range->high > 0 ? 1 : 0;
    }
}

static void timed_limit_rows(tier_program *m, const tier_node *node)
{
    const kerf_limits *limits = &first_of(m)->limits;
    if (limits->deadline_s > 0) {
        add_latency(m, node, UNIT / limits->deadline_s);
        limit_row(m);
    }
    if (limits->energy_J > 0) {
        add_energy(m, node, UNIT / limits->energy_J);
        limit_row(m);
    }
}

/* The goal's column is at least the expression at hand. */
static void stage_row(tier_program *m)
{
    add(m, m->goal, -1);
    emit(m, -INFINITY, 0);
}

static void goal_rows(tier_program *m, const tier_node *node, double scale)
{
    const cut_weights *w = &m->search->weights;
    memset(m->g.cost, 0, ((size_t)m->g.n_columns + 1) * sizeof *m->g.cost);
    if (m->search->goal == TIER_SUM) {
        add_latency(m, node, scale * w->latency);
        add_energy(m, node, scale * w->energy);
        add_others(m, node, scale * w->server);
        m->g.cost[0] = m->constant;
        for (int i = 0; i < m->n_touched; i++)
            m->g.cost[m->touched[i]] = m->terms[m->touched[i]];
        forget(m);
        return;
    }
    bool violation = m->search->goal == TIER_VIOLATION;
    m->g.cost[violation ? m->excess : m->goal] = violation ? scale : 1;
    for (int tier = 0; tier < N_TIERS && !violation; tier++) {
        tier_cost one = {scale, 0}, none = {0, 0};
        add_compute(m, &(factors){tier == TIER_DEVICE ? one : none, tier == TIER_EDGE ? one : none,
                                  tier == TIER_CLOUD ? one : none});
        stage_row(m);
    }
    for (int t = 0; t < N_TRANSFERS && !violation; t++) {
        add_transfer(m, node, (tier_transfer)t, kerf_link_occupancy_s, scale);
        stage_row(m);
    }
}

kerf_status tier_program_set(tier_program *m, const tier_node *node, double scale, kerf_error *err)
{
    size_t n = first_of(m)->n;
    m->g.n_rows = m->g.n_fixed_rows;
    for (int layer = 1; layer <= 2; layer++)
        for (size_t v = 0; v < n; v++) {
            m->g.lower[tier_column(m, layer, v)] = node->low[v] >= layer ? 1 : 0;
            m->g.upper[tier_column(m, layer, v)] = node->high[v] >= layer ? 1 : 0;
        }
    range_rows(m, node);
    timed_limit_rows(m, node);
    goal_rows(m, node, scale);
    return m->failed ? no_memory(m, err) : KERF_OK;
}
