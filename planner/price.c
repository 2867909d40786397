/* What a placement costs, from the definitions of the cost model alone (docs/cost-model.md): the
 * independent check of every plan. It shares the pricers and the link with the solvers' problem,
 * and nothing else: crossing tensors, groups and memory are worked out afresh from the network. */
#include "planner/price.h"
#include "planner/bind.h"
#include "planner/choice.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static bool on_server(const kerf_network *net, const kerf_side *side, size_t op)
{
    return op != KERF_NONE && !net->operators[op].constant && side[op] == KERF_SIDE_SERVER;
}

/* Consumed by an operator on the given side (constant operators are on none). */
static bool consumed_on(const kerf_network *net, const kerf_side *side, const kerf_tensor *t,
                        kerf_side where)
{
    for (size_t c = 0; c < t->n_consumers; c++) {
        const size_t op = t->consumers[c];
        if (!net->operators[op].constant && side[op] == where)
            return true;
    }
    return false;
}

/* Read by an operator that is placed, or a result; anything else is never written. */
static bool is_needed(const kerf_network *net, const kerf_tensor *t)
{
    for (size_t c = 0; c < t->n_consumers; c++)
        if (!net->operators[t->consumers[c]].constant)
            return true;
    return t->is_output;
}

bool price_crosses(const kerf_question *q, const kerf_side *side, size_t tensor)
{
    const kerf_tensor *t = &q->network->tensors[tensor];
    if (t->constant || (t->producer == KERF_NONE && !t->is_input) ||
        on_server(q->network, side, t->producer))
        return false;
    return consumed_on(q->network, side, t, KERF_SIDE_SERVER) ||
           (t->is_output && q->result_at_server);
}

static kerf_status check_placement(const kerf_network *net, const kerf_side *side, kerf_error *err)
{
    for (size_t i = 0; i < net->n_operators; i++) {
        const kerf_operator *op = &net->operators[i];
        if (!op->constant && side[i] != KERF_SIDE_DEVICE && side[i] != KERF_SIDE_SERVER)
            return kerf_fail(err, KERF_E_INVALID, op->name,
                             "is on no side, expected device or server");
    }
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        if (t->producer == KERF_NONE || !on_server(net, side, t->producer))
            continue;
        if (consumed_on(net, side, t, KERF_SIDE_DEVICE))
            return kerf_fail(err, KERF_E_INVALID, t->name,
                             "would flow from the server back to the device");
    }
    return KERF_OK;
}

/* --- compute --- */

typedef struct compute {
    double device_s, device_J, server_s, server_J;
    bool any_device, any_server;
} compute;

/* --- measured groups --- */

/* One side's operators under its profile's groups: those that complete ones stand for are done. */
typedef struct grouped {
    const kerf_network *net;
    const kerf_pricer *pricer;
    const kerf_side *side;
    kerf_side where;
    bool *done; /* by operator */
} grouped;

static double figure_of(kerf_cost cost, bool energy)
{
    return energy ? cost.energy_J : cost.latency_s;
}

/* The figures of complete groups, a larger one before those that lie in it. */
static double price_complete(grouped *s, bool energy)
{
    double sum = 0;
    for (size_t k = kerf_pricer_groups(s->pricer); k-- > 0;) {
        const size_t *operators;
        size_t n, parent;
        const double figure =
            figure_of(kerf_pricer_group(s->pricer, k, &operators, &n, &parent), energy);
        bool complete = !isnan(figure) && !s->done[operators[0]];
        for (size_t i = 0; i < n && complete; i++)
            complete = s->side[operators[i]] == s->where;
        for (size_t i = 0; i < n && complete; i++)
            s->done[operators[i]] = true;
        sum += complete ? figure : 0;
    }
    return sum;
}

/* The operators that are left, in runs of what is fused. */
static double price_left(const grouped *s, bool energy)
{
    double sum = 0;
    for (size_t g = 0; g < s->net->n_groups; g++) {
        const kerf_group *path = &s->net->groups[g];
        size_t first = 0;
        for (size_t i = 0; i <= path->n_operators; i++) {
            if (i < path->n_operators && s->side[path->operators[i]] == s->where &&
                !s->done[path->operators[i]])
                continue;
            if (i > first)
                sum += figure_of(kerf_price_part(s->pricer, g, first, i), energy);
            first = i + 1;
        }
    }
    return sum;
}

static kerf_status price_grouped(const kerf_question *q, const kerf_side *side, kerf_side where,
                                 const kerf_pricer *pricer, double *latency_s, double *energy_J)
{
    const size_t n = q->network->n_operators;
    grouped s = {q->network, pricer, side, where, kerf_calloc(n, sizeof *s.done)};
    if (!s.done)
        return KERF_E_NOMEM;
    *latency_s = price_complete(&s, false);
    *latency_s += price_left(&s, false);
    for (size_t i = 0; i < n; i++)
        s.done[i] = false;
    *energy_J = price_complete(&s, true);
    *energy_J += price_left(&s, true);
    free(s.done);
    return KERF_OK;
}

static compute price_compute(const kerf_question *q, const kerf_side *side,
                             const kerf_pricer *device, const kerf_pricer *server)
{
    compute c = {0};
    for (size_t g = 0; g < q->network->n_groups; g++) {
        const kerf_group *group = &q->network->groups[g];
        size_t head = 0;
        while (head < group->n_operators && side[group->operators[head]] == KERF_SIDE_DEVICE)
            head++;
        const kerf_cost here = kerf_price_part(device, g, 0, head);
        const kerf_cost there = kerf_price_part(server, g, head, group->n_operators);
        c.device_s += here.latency_s;
        c.device_J += here.energy_J;
        c.server_s += there.latency_s;
        c.server_J += there.energy_J;
        c.any_device = c.any_device || head > 0;
        c.any_server = c.any_server || head < group->n_operators;
    }
    return c;
}

static void add_partitions(const kerf_question *q, const kerf_power_mode *device, compute *c)
{
    const kerf_power_mode *server = &q->server->modes[q->server->default_mode];
    if (c->any_device) {
        c->device_s += device->partition_s;
        c->device_J += device->partition_J;
    }
    if (c->any_server) {
        c->server_s += server->partition_s;
        c->server_J += server->partition_J;
    }
    c->server_s /= 1 - q->server_load;
}

/* --- memory --- */

/* Weights that the device must hold: constants that its operators read, each once, and what an
 * operator holds beside its operands. */
static double device_weights(const kerf_network *net, const kerf_side *side)
{
    double total = 0;
    for (size_t i = 0; i < net->n_operators; i++)
        if (!net->operators[i].constant && side[i] == KERF_SIDE_DEVICE)
            total += (double)net->operators[i].weight_bytes;
    /* Take back what was counted more than once. */
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        if (!t->constant || t->bytes <= 0)
            continue;
        size_t here = 0, placed = 0;
        double bytes = (double)t->bytes;
        for (size_t c = 0; c < t->n_consumers; c++) {
            const kerf_operator *op = &net->operators[t->consumers[c]];
            if (op->constant)
                continue;
            placed++;
            here += side[t->consumers[c]] == KERF_SIDE_DEVICE;
            bytes = fmin(bytes, (double)op->weight_bytes);
        }
        if (placed > 1 && here > 1)
            total -= bytes * (double)(here - 1);
    }
    return total;
}

typedef struct memory_run {
    size_t *readers; /* by storage: reads on the device still to come; SIZE_MAX: kept to the end */
    size_t *read_by; /* by tensor: the last operator that read it; `ran` is the present one */
    size_t ran;
    bool *alive;
    double *bytes; /* by storage */
    double now, peak;
} memory_run;

static void allocate_storage(memory_run *run, const kerf_tensor *t)
{
    if (run->alive[t->storage])
        return;
    run->alive[t->storage] = true;
    run->now += run->bytes[t->storage];
}

static void note_readers(const kerf_question *q, const kerf_side *side, memory_run *run)
{
    const kerf_network *net = q->network;
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        if (t->constant || !is_needed(net, t))
            continue;
        run->bytes[t->storage] = fmax(run->bytes[t->storage], (double)t->bytes);
        if (run->readers[t->storage] == SIZE_MAX)
            continue;
        if (t->is_output || consumed_on(net, side, t, KERF_SIDE_SERVER)) {
            run->readers[t->storage] = SIZE_MAX;
            continue;
        }
        for (size_t c = 0; c < t->n_consumers; c++)
            run->readers[t->storage] += !net->operators[t->consumers[c]].constant;
    }
}

static void run_operator(const kerf_network *net, const kerf_operator *op, memory_run *run)
{
    for (size_t o = 0; o < op->n_outputs; o++)
        if (op->outputs[o] != KERF_NONE) {
            const kerf_tensor *t = &net->tensors[op->outputs[o]];
            if (is_needed(net, t))
                allocate_storage(run, t);
        }
    run->peak = fmax(run->peak, run->now);
    run->ran++;
    for (size_t i = 0; i < op->n_inputs; i++) {
        if (op->inputs[i] == KERF_NONE || run->read_by[op->inputs[i]] == run->ran)
            continue;
        run->read_by[op->inputs[i]] = run->ran;
        const kerf_tensor *t = &net->tensors[op->inputs[i]];
        if (t->constant || run->readers[t->storage] == SIZE_MAX)
            continue;
        if (--run->readers[t->storage] == 0 && run->alive[t->storage]) {
            run->alive[t->storage] = false;
            run->now -= run->bytes[t->storage];
        }
    }
}

/* Runs the device's part in operator order and watches how much is alive. */
static kerf_status peak_activations(const kerf_question *q, const kerf_side *side, double *peak)
{
    const kerf_network *net = q->network;
    memory_run run = {.readers = kerf_calloc(net->n_tensors, sizeof *run.readers),
                      .read_by = kerf_calloc(net->n_tensors, sizeof *run.read_by),
                      .alive = kerf_calloc(net->n_tensors, sizeof *run.alive),
                      .bytes = kerf_calloc(net->n_tensors, sizeof *run.bytes)};
    const bool ready = run.readers && run.read_by && run.alive && run.bytes;
    if (ready) {
        note_readers(q, side, &run);
        for (size_t i = 0; i < net->n_inputs; i++) {
            const kerf_tensor *t = &net->tensors[net->inputs[i]];
            if (is_needed(net, t))
                allocate_storage(&run, t);
        }
        run.peak = run.now;
        for (size_t i = 0; i < net->n_operators; i++)
            if (!net->operators[i].constant && side[i] == KERF_SIDE_DEVICE)
                run_operator(net, &net->operators[i], &run);
        *peak = run.peak;
    }
    free(run.readers);
    free(run.read_by);
    free(run.alive);
    free(run.bytes);
    return ready ? KERF_OK : KERF_E_NOMEM;
}

/* --- what crosses --- */

static void price_bytes(const kerf_question *q, const kerf_side *side, kerf_plan_cost *cost)
{
    const kerf_network *net = q->network;
    const kerf_encoding encoding = cut_encoding(q);
    const double input_total = cut_input_total(q);
    double coded = 0; /* bytes that are encoded on one side and decoded on the other */
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        const bool up = price_crosses(q, side, i);
        const bool down = t->is_output && !t->constant && !q->result_at_server &&
                          on_server(net, side, t->producer);
        if (up)
            cost->uplink_bytes += cut_wire_share(q, i, input_total);
        if (down)
            cost->downlink_bytes += cut_encoded_bytes(t, &encoding);
        if (!t->is_input && !cut_sent_as_is(t, &encoding))
            coded += (double)t->bytes * ((up ? 1 : 0) + (down ? 1 : 0));
    }
    cost->device_s += coded * encoding.device_s_per_byte;
    cost->compute_J += coded * encoding.device_J_per_byte;
    cost->server_s += coded * encoding.server_s_per_byte / (1 - q->server_load);
    cost->server_energy_J += coded * encoding.server_J_per_byte;
}

/* --- the whole --- */

static void price_transfers(const kerf_question *q, const kerf_power_mode *mode,
                            kerf_plan_cost *cost)
{
    const kerf_link *link = q->link;
    cost->uplink_s = kerf_link_transfer_s(link, KERF_UPLINK, cost->uplink_bytes);
    cost->downlink_s = kerf_link_transfer_s(link, KERF_DOWNLINK, cost->downlink_bytes);
    cost->uplink_J = kerf_link_transfer_J(link, KERF_UPLINK, cost->uplink_bytes);
    cost->downlink_J = kerf_link_transfer_J(link, KERF_DOWNLINK, cost->downlink_bytes);
    if (cost->uplink_bytes + cost->downlink_bytes > 0)
        cost->radio_fixed_J = kerf_link_fixed_J(link);
    double wait_s = cost->uplink_s;
    if (!q->result_at_server)
        wait_s += cost->server_s + cost->downlink_s;
    cost->wait_J = cut_wait_W(q, mode) * wait_s;
}

static double objective_of(const kerf_question *q, const kerf_plan_cost *c)
{
    switch (q->objective) {
    case KERF_OBJ_ENERGY:
        return c->device_energy_J;
    case KERF_OBJ_LATENCY:
        return c->latency_s;
    case KERF_OBJ_THROUGHPUT:
        return c->throughput_per_s;
    case KERF_OBJ_EDP:
        return c->device_energy_J * c->latency_s;
    case KERF_OBJ_TOTAL_ENERGY:
        return c->device_energy_J + c->server_energy_J;
    case KERF_OBJ_WEIGHTED:
        return q->weight_energy * c->device_energy_J + q->weight_latency * c->latency_s;
    }
    return NAN;
}

static void price_totals(const kerf_question *q, kerf_plan_cost *c)
{
    c->device_energy_J = c->compute_J + c->uplink_J + c->wait_J + c->downlink_J + c->radio_fixed_J;
    c->latency_s = c->device_s + c->uplink_s + c->server_s + c->downlink_s;
    const double slowest =
        fmax(fmax(c->device_s, c->server_s),
             fmax(kerf_link_occupancy_s(q->link, KERF_UPLINK, c->uplink_bytes),
                  kerf_link_occupancy_s(q->link, KERF_DOWNLINK, c->downlink_bytes)));
    c->throughput_per_s = slowest > 0 ? 1 / slowest : INFINITY;
    c->objective = objective_of(q, c);
}

kerf_status price_placement(const kerf_question *q, const kerf_power_mode *mode,
                            const kerf_pricer *device, const kerf_pricer *server,
                            const kerf_side *side, kerf_plan_cost *cost, kerf_error *err)
{
    kerf_status status = check_placement(q->network, side, err);
    if (status != KERF_OK)
        return status;
    kerf_plan_cost c = {0};
    compute work = price_compute(q, side, device, server);
    if (kerf_pricer_groups(device) > 0)
        status = price_grouped(q, side, KERF_SIDE_DEVICE, device, &work.device_s, &work.device_J);
    if (kerf_pricer_groups(server) > 0 && status == KERF_OK)
        status = price_grouped(q, side, KERF_SIDE_SERVER, server, &work.server_s, &work.server_J);
    if (status != KERF_OK)
        return kerf_fail(err, status, NULL, "out of memory while pricing a placement");
    add_partitions(q, mode, &work);
    c.device_s = work.device_s;
    c.compute_J = work.device_J;
    c.server_s = work.server_s;
    c.server_energy_J = work.server_J;
    price_bytes(q, side, &c);
    price_transfers(q, mode, &c);
    price_totals(q, &c);
    double peak = 0;
    if (peak_activations(q, side, &peak) != KERF_OK)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while pricing a placement");
    c.device_memory_bytes = peak + device_weights(q->network, side);
    *cost = c;
    return KERF_OK;
}

kerf_status kerf_price(const kerf_question *question, const kerf_side *side, kerf_plan_cost *cost,
                       kerf_error *err)
{
    kerf_error_clear(err);
    size_t mode = 0;
    kerf_status status = cut_find_mode(question, &mode, err);
    if (status != KERF_OK)
        return status;
    kerf_question single = cut_choose(question, question->power_mode, KERF_NONE,
                                      question->n_variants == 1 ? 0 : KERF_NONE);
    if (question->n_variants > 0)
        single.n_pins = 0; /* they name operators of another network */
    cut_binding b;
    status = cut_bind(&single, mode, &b, err);
    if (status != KERF_OK)
        return status;
    status = price_placement(&single, b.device_mode, b.device, b.server, side, cost, err);
    cut_binding_clear(&b);
    return status;
}
