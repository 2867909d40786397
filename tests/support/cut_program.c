#include "cut_program.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT        1e3   /* size that limits, bytes and memory are scaled to */
#define BOUND_SLACK 5e-10 /* relative: half of what counts as keeping a limit */

/* The program under construction. */
typedef struct model {
    cut_program *g;
    const cut_problem *p;
    milp_expression e;
} model;

static void add(model *m, int column, double value)
{
    milp_add(&m->e, column, value);
}

static void emit(model *m, double low, double high)
{
    milp_emit(&m->e, low, high);
}

/* --- parts of a placement's cost as linear expressions ------------------------------------------
 */

/* Whether a tensor crosses, times `factor`; exact where no column y is needed. */
static void add_crossing(model *m, size_t t, double factor)
{
    const cut_tensor *tensor = &m->p->tensors[t];
    bool source = tensor->producer == CUT_SOURCE;
    if (m->g->y[t] > 0) {
        add(m, m->g->y[t], factor);
        return;
    }
    if (tensor->to_server)
        m->e.constant += factor;
    else if (tensor->n_consumers > 0)
        add(m, program_column(tensor->consumers[0]), factor);
    if (!source && (tensor->to_server || tensor->n_consumers > 0))
        add(m, program_column(tensor->producer), -factor);
}

/* One figure of the groups' tables, the codec and the sides' constants. */
static double field(const cut_cost *cost, const cut_cost *factor)
{
    return cost->device_s * factor->device_s + cost->device_J * factor->device_J +
           cost->server_s * factor->server_s + cost->server_J * factor->server_J;
}

static void add_compute(model *m, const cut_cost *factor)
{
    for (size_t g = 0; g < m->p->n_groups; g++) {
        const cut_group *group = &m->p->groups[g];
        m->e.constant += field(&group->table[group->n], factor);
        for (size_t j = 0; j < group->n; j++) /* operator j on the server: one step back */
            add(m, program_column(group->operators[j]),
                field(&group->table[j], factor) - field(&group->table[j + 1], factor));
    }
    for (size_t t = 0; t < m->p->n_tensors; t++) {
        const cut_tensor *tensor = &m->p->tensors[t];
        if (tensor->up_bytes > 0)
            add_crossing(m, t, field(&tensor->up_cost, factor));
        if (tensor->to_device && tensor->producer != CUT_SOURCE)
            add(m, program_column(tensor->producer), field(&tensor->down_cost, factor));
    }
    for (size_t i = 0; i < m->p->n_bundles; i++)
        add(m, m->g->bundle + (int)i, field(&m->p->bundles[i].cost, factor));
    add(m, m->g->device_part, field(&m->p->device_part, factor));
    add(m, m->g->server_part, field(&m->p->server_part, factor));
}

typedef double link_cost(const model *m, kerf_direction direction, double bytes, double factor);

static double transfer_s(const model *m, kerf_direction direction, double bytes, double factor)
{
    return factor * kerf_link_transfer_s(m->p->link, direction, bytes);
}

static double transfer_J(const model *m, kerf_direction direction, double bytes, double factor)
{
    return factor * kerf_link_transfer_J(m->p->link, direction, bytes);
}

static double occupancy_s(const model *m, kerf_direction direction, double bytes, double factor)
{
    return factor * kerf_link_occupancy_s(m->p->link, direction, bytes);
}

/* The chord of a concave cost over the range of bytes. */
static void add_link(model *m, kerf_direction direction, link_cost *cost, double factor)
{
    const byte_range *range = &m->g->range[direction];
    if (range->high <= 0)
        return;
    double at_low = cost(m, direction, range->low, factor), slope = 0;
    if (range->high > range->low)
        slope = (cost(m, direction, range->high, factor) - at_low) / (range->high - range->low);
    add(m, m->g->z[direction], at_low - slope * range->low);
    add(m, m->g->b[direction], slope * m->g->unit[direction]);
}

static void add_latency(model *m, double factor)
{
    add_compute(m, &(cut_cost){.device_s = factor, .server_s = factor});
    add_link(m, KERF_UPLINK, transfer_s, factor);
    add_link(m, KERF_DOWNLINK, transfer_s, factor);
}

static void add_energy(model *m, double factor)
{
    double wait_W = m->p->wait_W, late_W = m->p->result_at_server ? 0 : wait_W;
    add_compute(m, &(cut_cost){.device_J = factor, .server_s = factor * late_W});
    add_link(m, KERF_UPLINK, transfer_s, factor * wait_W);
    add_link(m, KERF_DOWNLINK, transfer_s, factor * late_W);
    add_link(m, KERF_UPLINK, transfer_J, factor);
    add_link(m, KERF_DOWNLINK, transfer_J, factor);
    add(m, m->g->offload, factor * kerf_link_fixed_J(m->p->link));
}

/* --- columns ------------------------------------------------------------------------------------
 */

static bool needs_y(const cut_tensor *tensor)
{
    return tensor->up_bytes > 0 && !tensor->to_server && tensor->n_consumers > 1;
}

static bool crosses_at_all(const cut_tensor *tensor)
{
    return tensor->up_bytes > 0 && (tensor->to_server || tensor->n_consumers > 0);
}

/* Columns that the memory limit needs: weights, buffers, and what is held at each step. */
static size_t memory_columns(const cut_problem *p)
{
    return p->limits.memory_bytes > 0 ? p->n_weights + p->n_buffers + p->n + 1 : 0;
}

static void lay_out(cut_program *g)
{
    const cut_problem *p = g->q.problem;
    int next = (int)p->n + 1;
    for (size_t t = 0; t < p->n_tensors; t++)
        g->y[t] = needs_y(&p->tensors[t]) ? next++ : 0;
    g->bundle = next;
    next += (int)p->n_bundles;
    g->device_part = next++;
    g->server_part = next++;
    g->offload = next++;
    for (int d = 0; d < 2; d++)
        g->z[d] = next++;
    g->memory = next;
    next += (int)(p->limits.memory_bytes > 0 ? p->n_weights + p->n_buffers : 0);
    g->first_large = next; /* columns from here on are not between 0 and 1 */
    for (int d = 0; d < 2; d++)
        g->b[d] = next++;
    g->goal = next++;
    g->excess = next++;
    g->held = next;
    next += (int)(p->limits.memory_bytes > 0 ? p->n + 1 : 0);
    g->program.n_columns = next - 1;
}

/* Every column has finite bounds, as milp_safe_bound needs. */
static void bound_columns(cut_program *g)
{
    const cut_problem *p = g->q.problem;
    double all = 0;
    for (int j = 1; j < g->first_large; j++)
        g->program.lower[j] = 0, g->program.upper[j] = 1;
    for (int d = 0; d < 2; d++)
        g->program.upper[g->b[d]] = UNIT;
    g->program.upper[g->goal] = 1e9;
    g->program.upper[g->excess] = 1e6;
    for (size_t i = 0; i < p->n_weights; i++)
        all += p->weights[i].bytes;
    for (size_t i = 0; i < p->n_buffers; i++)
        all += p->buffers[i].bytes;
    for (int j = g->held; j <= g->program.n_columns; j++)
        g->program.upper[j] = all / p->limits.memory_bytes * UNIT * 1.001;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

/* x(producer) <= x(consumer), and y >= x(consumer) - x(producer). */
static void tensor_rows(model *m, size_t t)
{
    const cut_tensor *tensor = &m->p->tensors[t];
    bool source = tensor->producer == CUT_SOURCE;
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        int consumer = program_column(tensor->consumers[i]);
        if (!source) {
            add(m, program_column(tensor->producer), 1);
            add(m, consumer, -1);
            emit(m, -INFINITY, 0);
        }
        if (m->g->y[t] > 0) {
            add(m, m->g->y[t], 1);
            add(m, consumer, -1);
            if (!source)
                add(m, program_column(tensor->producer), 1);
            emit(m, 0, INFINITY);
        }
    }
}

/* A side's constant is paid if an operator without producers is on the device, if one without
 * consumers is on the server. */
static void part_rows(model *m)
{
    const cut_dag *dag = m->g->q.dag;
    for (size_t v = 0; v < m->p->n; v++) {
        bool first = true, last = true;
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++)
            first = first && m->p->tensors[dag->read[i]].producer == CUT_SOURCE;
        for (size_t i = dag->made_start[v]; i < dag->made_start[v + 1]; i++)
            last = last && m->p->tensors[dag->made[i]].n_consumers == 0;
        if (first) {
            add(m, m->g->device_part, 1);
            add(m, program_column(v), 1);
            emit(m, 1, INFINITY);
        }
        if (last) {
            add(m, m->g->server_part, 1);
            add(m, program_column(v), -1);
            emit(m, 0, INFINITY);
        }
    }
}

/* A bundle's column is 1 exactly where all its operators are on its side: costs have either sign.
 */
static void bundle_rows(model *m, size_t index)
{
    const cut_bundle *bundle = &m->p->bundles[index];
    int column = m->g->bundle + (int)index;
    double sign = bundle->side == KERF_SIDE_SERVER ? 1 : -1; /* of x, where it is 1 there */
    for (size_t i = 0; i < bundle->n; i++) {
        add(m, column, 1);
        add(m, program_column(bundle->operators[i]), -sign);
        emit(m, -INFINITY, sign > 0 ? 0 : 1);
    }
    add(m, column, 1);
    for (size_t i = 0; i < bundle->n; i++)
        add(m, program_column(bundle->operators[i]), -sign);
    emit(m, sign > 0 ? 1 - (double)bundle->n : 1, INFINITY);
}

/* The bytes of a direction, in its units. */
static void add_bytes(model *m, kerf_direction direction)
{
    for (size_t t = 0; t < m->p->n_tensors; t++) {
        const cut_tensor *tensor = &m->p->tensors[t];
        if (direction == KERF_UPLINK) {
            if (crosses_at_all(tensor))
                add_crossing(m, t, tensor->up_bytes / m->g->unit[direction]);
        } else if (tensor->to_device && tensor->producer != CUT_SOURCE) {
            add(m, program_column(tensor->producer), tensor->down_bytes / m->g->unit[direction]);
        }
    }
}

/* z is 1 in some interval if any byte crosses. */
static void any_rows(model *m, kerf_direction direction)
{
    for (size_t t = 0; t < m->p->n_tensors; t++) {
        const cut_tensor *tensor = &m->p->tensors[t];
        bool down = tensor->to_device && tensor->producer != CUT_SOURCE && tensor->down_bytes > 0;
        if (direction == KERF_UPLINK ? !crosses_at_all(tensor) : !down)
            continue;
        add(m, m->g->z[direction], 1);
        if (direction == KERF_UPLINK)
            add_crossing(m, t, -1);
        else
            add(m, program_column(tensor->producer), -1);
        emit(m, 0, INFINITY);
    }
}

/* The bytes are b; they lie in the direction's range, or nothing crosses. */
static void byte_rows(model *m, kerf_direction direction)
{
    add_bytes(m, direction);
    add(m, m->g->b[direction], -1);
    emit(m, 0, 0);
    any_rows(m, direction);
    add(m, m->g->offload, 1);
    add(m, m->g->z[direction], -1);
    emit(m, 0, INFINITY);
}

static void range_rows(model *m, kerf_direction direction)
{
    const byte_range *range = &m->g->range[direction];
    add(m, m->g->b[direction], 1);
    add(m, m->g->z[direction], -range->high / m->g->unit[direction]);
    emit(m, -INFINITY, 0);
    add(m, m->g->b[direction], 1);
    add(m, m->g->z[direction], -range->low / m->g->unit[direction]);
    emit(m, 0, INFINITY);
}

/* The expression at hand, scaled to UNIT at its limit, at most that limit. */
static void limit_row(model *m)
{
    double slack = m->g->q.goal == PROGRAM_VIOLATION ? 0 : BOUND_SLACK;
    add(m, m->g->excess, -UNIT);
    emit(m, -INFINITY, UNIT * (1 + slack));
}

/* --- memory -------------------------------------------------------------------------------------
 */

/* Times of a buffer in steps: 0 is the start, v + 1 the run of operator v. */
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

/* On the device, times `factor`. */
static void add_held(model *m, const cut_buffer *buffer, double factor)
{
    m->e.constant += factor;
    if (buffer->producer != CUT_SOURCE)
        add(m, program_column(buffer->producer), -factor);
}

/* Held to the end because a reader is on the server. */
static void add_kept(model *m, size_t index, double factor)
{
    const cut_buffer *buffer = &m->p->buffers[index];
    if (buffer->kept)
        add_held(m, buffer, factor);
    else if (buffer->n_readers > 0)
        add(m, m->g->memory + (int)(m->p->n_weights + index), factor);
}

static void memory_indicator_rows(model *m)
{
    const cut_problem *p = m->p;
    for (size_t w = 0; w < p->n_weights; w++)
        for (size_t i = 0; i < p->weights[w].n; i++) {
            add(m, m->g->memory + (int)w, 1);
            add(m, program_column(p->weights[w].operators[i]), 1);
            emit(m, 1, INFINITY);
        }
    for (size_t i = 0; i < p->n_buffers; i++) {
        const cut_buffer *buffer = &p->buffers[i];
        for (size_t r = 0; r < buffer->n_readers && !buffer->kept; r++) {
            add(m, m->g->memory + (int)(p->n_weights + i), 1);
            add(m, program_column(buffer->readers[r]), -1);
            if (buffer->producer != CUT_SOURCE)
                add(m, program_column(buffer->producer), 1);
            emit(m, 0, INFINITY);
        }
    }
}

/* What is held at a step is what was held before, what is made, less what was read for the last
 * time unless the server needs it. That it is enough to say so of all steps, also where the
 * operator is on the server: see cut_memory_bytes. */
static void memory_rows(model *m)
{
    const cut_problem *p = m->p;
    double unit = p->limits.memory_bytes / UNIT;
    int held = m->g->held;
    memory_indicator_rows(m);
    for (size_t step = 0; step <= p->n; step++) {
        for (size_t i = 0; i < p->n_buffers; i++) {
            double size = p->buffers[i].bytes / unit;
            if (made_at(&p->buffers[i]) == step)
                add_held(m, &p->buffers[i], size);
            if (last_read_at(&p->buffers[i]) + 1 == step) {
                add_held(m, &p->buffers[i], -size);
                add_kept(m, i, size);
            }
        }
        for (size_t w = 0; w < p->n_weights && step == 0; w++)
            add(m, m->g->memory + (int)w, p->weights[w].bytes / unit);
        if (step > 0)
            add(m, held + (int)step - 1, 1);
        add(m, held + (int)step, -1);
        emit(m, 0, 0);
        add(m, held + (int)step, 1);
        limit_row(m);
    }
}

static void fixed_limit_rows(model *m)
{
    const kerf_limits *limits = &m->p->limits;
    if (limits->max_bytes > 0) {
        add_bytes(m, KERF_UPLINK);
        milp_multiply(&m->e, m->g->unit[KERF_UPLINK] / limits->max_bytes * UNIT);
        limit_row(m);
    }
    if (limits->min_device_operators > 0) { /* operators on the server: at most the rest */
        double wanted = (double)limits->min_device_operators;
        for (size_t v = 0; v < m->p->n; v++)
            add(m, program_column(v), 1);
        add(m, m->g->excess, -wanted);
        emit(m, -INFINITY, (double)m->p->n - wanted);
    }
    if (limits->memory_bytes > 0)
        memory_rows(m);
}

static void chord_limit_rows(model *m)
{
    const kerf_limits *limits = &m->p->limits;
    if (limits->deadline_s > 0) {
        add_latency(m, UNIT / limits->deadline_s);
        limit_row(m);
    }
    if (limits->energy_J > 0) {
        add_energy(m, UNIT / limits->energy_J);
        limit_row(m);
    }
}

/* --- the goal -----------------------------------------------------------------------------------
 */

/* The goal's column is at least the expression at hand. */
static void stage_row(model *m)
{
    add(m, m->g->goal, -1);
    emit(m, -INFINITY, 0);
}

static void goal_rows(model *m)
{
    const program_question *q = &m->g->q;
    double scale = m->g->scale;
    memset(m->g->program.cost, 0,
           ((size_t)m->g->program.n_columns + 1) * sizeof *m->g->program.cost);
    if (q->goal == PROGRAM_SUM) {
        add_latency(m, scale * m->g->weights.latency);
        add_energy(m, scale * m->g->weights.energy);
        add_compute(m, &(cut_cost){.server_J = scale * m->g->weights.server});
        milp_move_to(&m->e, m->g->program.cost);
        return;
    }
    m->g->program.cost[q->goal == PROGRAM_VIOLATION ? m->g->excess : m->g->goal] =
        q->goal == PROGRAM_VIOLATION ? scale : 1;
    if (q->goal == PROGRAM_VIOLATION)
        return;
    add_compute(m, &(cut_cost){.device_s = scale});
    stage_row(m);
    add_compute(m, &(cut_cost){.server_s = scale});
    stage_row(m);
    for (int d = 0; d < 2; d++) {
        add_link(m, (kerf_direction)d, occupancy_s, scale);
        stage_row(m);
    }
}

/* --- the program --------------------------------------------------------------------------------
 */

static kerf_status no_memory(const cut_problem *p, kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", p->n);
}

static void fixed_rows(model *m)
{
    for (size_t t = 0; t < m->p->n_tensors; t++)
        tensor_rows(m, t);
    part_rows(m);
    for (size_t i = 0; i < m->p->n_bundles; i++)
        bundle_rows(m, i);
    byte_rows(m, KERF_UPLINK);
    byte_rows(m, KERF_DOWNLINK);
    fixed_limit_rows(m);
    m->g->program.n_fixed_rows = m->g->program.n_rows;
}

kerf_status cut_program_create(const program_question *question, cut_program *g, kerf_error *err)
{
    const cut_problem *p = question->problem;
    double least;
    *g = (cut_program){.q = *question};
    g->y = kerf_calloc(p->n_tensors, sizeof *g->y);
    kerf_status status = milp_program_create(
        &g->program, p->n + p->n_tensors + p->n_bundles + 10 + memory_columns(p), err);
    if (!g->y || status != KERF_OK)
        return status != KERF_OK ? status : no_memory(p, err);
    g->program.n_binary = (int)p->n;
    lay_out(g);
    for (int d = 0; d < 2; d++) {
        cut_byte_range(p, (kerf_direction)d, &least, &g->unit[d]);
        g->unit[d] = g->unit[d] > 0 ? g->unit[d] / UNIT : 1;
    }
    bound_columns(g);
    model m = {.g = g, .p = p};
    status = milp_expression_create(&m.e, &g->program, err);
    if (status == KERF_OK)
        fixed_rows(&m);
    if (m.e.failed)
        status = no_memory(p, err);
    milp_expression_clear(&m.e);
    return status;
}

void cut_program_clear(cut_program *g)
{
    milp_clear(&g->program);
    free(g->y);
    g->y = NULL;
}

kerf_status cut_program_set_node(cut_program *g, const cut_weights *weights, double scale,
                                 const uint8_t *side, const byte_range range[2], kerf_error *err)
{
    model m = {.g = g, .p = g->q.problem};
    g->weights = *weights;
    g->scale = scale;
    g->program.n_rows = g->program.n_fixed_rows;
    for (size_t v = 0; v < g->q.problem->n; v++) {
        g->program.lower[program_column(v)] = side[v] == KERF_SIDE_SERVER ? 1 : 0;
        g->program.upper[program_column(v)] = side[v] == KERF_SIDE_DEVICE ? 0 : 1;
    }
    for (int d = 0; d < 2; d++) {
        g->range[d] = range[d];
        g->program.lower[g->z[d]] = range[d].used ? 1 : 0;
        g->program.upper[g->z[d]] = range[d].high > 0 ? 1 : 0;
    }
    kerf_status status = milp_expression_create(&m.e, &g->program, err);
    if (status == KERF_OK) {
        range_rows(&m, KERF_UPLINK);
        range_rows(&m, KERF_DOWNLINK);
        chord_limit_rows(&m);
        goal_rows(&m);
    }
    if (m.e.failed)
        status = no_memory(g->q.problem, err);
    milp_expression_clear(&m.e);
    return status;
}

void cut_program_write(const cut_problem *p, double scale, const char *path)
{
    cut_dag dag;
    cut_program program;
    milp_lp *lp = NULL;
    byte_range range[2] = {{.used = false}, {.used = false}};
    cut_weights weights;
    uint8_t *side = kerf_calloc(p->n, 1);
    bool ok =
        side && cut_objective_weights(p, &weights) && cut_dag_create(p, &dag, NULL) == KERF_OK;
    if (!ok || cut_dag_force(p, &dag, side, NULL) != KERF_OK)
        abort();
    program_question question = {p, &dag, PROGRAM_SUM};
    for (int d = 0; d < 2; d++)
        cut_byte_range(p, (kerf_direction)d, &range[d].low, &range[d].high);
    ok = cut_program_create(&question, &program, NULL) == KERF_OK &&
         cut_program_set_node(&program, &weights, scale, side, range, NULL) == KERF_OK;
    program.program.upper[program.excess] = 0;
    if (!ok || milp_lp_create(&program.program, &lp, NULL) != KERF_OK ||
        milp_lp_write(lp, path, NULL) != KERF_OK)
        abort();
    milp_lp_destroy(&lp);
    cut_program_clear(&program);
    cut_dag_clear(&dag);
    free(side);
}
