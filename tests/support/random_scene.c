#include "random_scene.h"

#include "model/ir.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rng random_state;

double rs_uniform(void)
{
    return rng_unit(&random_state);
}

size_t rs_below(size_t n)
{
    return rng_below(&random_state, n);
}

double rs_log(double low, double high)
{
    return rng_log(&random_state, low, high);
}

/* --- random networks, devices, links --- */

static size_t add_value(ir_graph *g, const char *prefix, size_t number)
{
    char name[32];
    const int n = snprintf(name, sizeof name, "%s%zu", prefix, number);
    const size_t v = ir_add_value(g, name, (size_t)n);
    assert_true(v != KERF_NONE);
    ir_value *value = &g->values[v];
    value->type = KERF_FLOAT32;
    value->rank = 2;
    value->dims[0] = 1;
    value->dims[1] = (int64_t)(rs_below(8) == 0 ? 1 : 1 + rs_below(200000));
    return v;
}

static size_t add_weight(ir_graph *g, size_t number)
{
    const size_t v = add_value(g, "w", number);
    g->values[v].initializer = true;
    g->values[v].constant = true;
    return v;
}

/* Every operator reads the one before it, and no other. */
static bool only_chains;

static void add_random_node(ir_graph *g, size_t *made, size_t *n_made, size_t number,
                            size_t *shared_weight)
{
    static const struct {
        const char *type;
        kerf_class cls;
        size_t arity;
    } kinds[] = {{"Conv", KERF_CLASS_CONV, 1},       {"Relu", KERF_CLASS_ELEMENTWISE, 1},
                 {"Add", KERF_CLASS_ELEMENTWISE, 2}, {"BatchNormalization", KERF_CLASS_NORM, 1},
                 {"MaxPool", KERF_CLASS_POOL, 1},    {"Gemm", KERF_CLASS_FC, 1},
                 {"Concat", KERF_CLASS_MOVE, 3},     {"Reshape", KERF_CLASS_VIEW, 1},
                 {"MatMul", KERF_CLASS_MATMUL, 2},   {"Sigmoid", KERF_CLASS_ELEMENTWISE, 1}};
    const size_t kind = rs_below(sizeof kinds / sizeof *kinds);
    const size_t arity = only_chains ? 1 : kinds[kind].arity;
    size_t inputs[4], n_inputs = 0;
    for (size_t i = 0; i < arity; i++)
        inputs[n_inputs++] =
            only_chains || rs_below(2) ? made[*n_made - 1] : made[rs_below(*n_made)];
    const bool weighted = kinds[kind].cls == KERF_CLASS_CONV || kinds[kind].cls == KERF_CLASS_FC;
    if (weighted) {
        if (*shared_weight == KERF_NONE || rs_below(3))
            *shared_weight = add_weight(g, number);
        inputs[n_inputs++] = *shared_weight;
    }
    const size_t output = add_value(g, "t", number);
    ir_node *node = ir_add_node(g);
    assert_non_null(node);
    char name[32];
    snprintf(name, sizeof name, "op%zu", number);
    node->name = strdup(name);
    node->type = strdup(kinds[kind].type);
    node->domain = strdup("");
    node->inputs = calloc(n_inputs, sizeof *node->inputs);
    memcpy(node->inputs, inputs, n_inputs * sizeof *inputs);
    node->n_inputs = n_inputs;
    node->outputs = calloc(1, sizeof *node->outputs);
    node->outputs[0] = output;
    node->n_outputs = 1;
    node->source_index = number;
    node->figures_given = true;
    node->cls = kinds[kind].cls;
    node->macs = weighted ? (int64_t)rs_below(200000000) : 0;
    node->kernels = kinds[kind].cls == KERF_CLASS_CONV ? (int64_t)rs_below(512) : 0;
    node->weight_slots = weighted ? UINT64_C(1) << (n_inputs - 1) : 0;
    if (kinds[kind].cls == KERF_CLASS_VIEW)
        g->values[output].dims[1] = g->values[inputs[0]].dims[1];
    made[(*n_made)++] = output;
}

kerf_network *rs_network(size_t n_nodes)
{
    ir_graph *g = ir_graph_new();
    assert_non_null(g);
    size_t made[64], n_made = 0, shared_weight = KERF_NONE;
    const size_t n_inputs = 1 + (rs_below(4) == 0);
    g->inputs = calloc(n_inputs, sizeof *g->inputs);
    for (size_t i = 0; i < n_inputs; i++)
        made[n_made++] = g->inputs[i] = add_value(g, "in", i);
    g->n_inputs = n_inputs;
    for (size_t i = 0; i < n_nodes; i++)
        add_random_node(g, made, &n_made, i, &shared_weight);
    const size_t n_outputs = !only_chains && rs_below(3) == 0 ? 2 : 1;
    g->outputs = calloc(n_outputs, sizeof *g->outputs);
    g->outputs[0] = made[n_made - 1];
    if (n_outputs == 2)
        g->outputs[1] = made[n_inputs + rs_below(n_nodes)];
    g->n_outputs = n_outputs == 2 && g->outputs[1] == g->outputs[0] ? 1 : n_outputs;
    kerf_network *net = NULL;
    kerf_error err = {0};
    if (ir_sort(g, &err) != KERF_OK || ir_infer(g, &err) != KERF_OK ||
        ir_build_network(g, "random", NULL, false, &net, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    ir_graph_free(g);
    return net;
}

kerf_network *rs_chain(size_t n_nodes)
{
    only_chains = true;
    kerf_network *net = rs_network(n_nodes);
    only_chains = false;
    return net;
}

static void random_mode(kerf_power_mode *m, char *name, double speed)
{
    *m = (kerf_power_mode){.name = name,
                           .latency_form = rs_below(2) ? KERF_LATENCY_MAX : KERF_LATENCY_SUM,
                           .energy_form = (kerf_energy_form)rs_below(4),
                           .s_per_byte = rs_log(1e-11, 1e-9) / speed,
                           .launch_s = rs_below(4) ? rs_log(1e-6, 1e-3) / speed : 0,
                           .partition_s = rs_below(3) ? rs_log(1e-5, 1e-2) : 0,
                           .J_per_byte = rs_log(1e-11, 1e-8),
                           .launch_J = rs_log(1e-6, 1e-2),
                           .partition_J = rs_below(3) ? rs_log(1e-5, 1e-1) : 0,
                           .J_per_kernel = rs_log(1e-7, 1e-4),
                           .kernel_quantum = rs_below(2) ? 1 : 32,
                           .floor_J = rs_log(1e-5, 1e-2),
                           .floor_exponent = 6,
                           .active_W = rs_log(1, 20),
                           .idle_W = rs_below(4) ? rs_log(0.5, 5) : 0};
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        m->s_per_mac[c] = rs_log(1e-13, 1e-10) / speed;
        m->J_per_mac[c] = rs_log(1e-11, 1e-9);
    }
}

static void random_link(kerf_link *link)
{
    *link = (kerf_link){.rate_bps = {rs_log(1e5, 1e9), rs_log(1e5, 1e9)},
                        .rtt_s = rs_below(4) ? rs_log(1e-4, 0.2) : 0,
                        .loss = rs_below(4) ? 0 : 0.01,
                        .message_bytes = rs_below(2) ? 0 : 64,
                        .overhead = rs_below(2) ? 0 : 0.03,
                        .connection = (kerf_connection)rs_below(3),
                        .active_W_per_bps = {rs_log(1e-10, 1e-6), rs_log(1e-10, 1e-7)},
                        .active_W = {rs_log(0.05, 3), rs_log(0.05, 3)},
                        .idle_W = rs_below(2) ? 0 : 0.9,
                        .promotion_s = rs_below(2) ? 0 : 0.3,
                        .promotion_W = 1.2,
                        .tail_s = rs_below(2) ? 0 : 10,
                        .tail_W = 0.2};
}

/* --- brute force --- */

uint64_t rs_cut_bits(const kerf_network *net, const kerf_side *side, bool result_at_server)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < net->n_tensors; i++) {
        const kerf_tensor *t = &net->tensors[i];
        if (t->constant || (t->producer != KERF_NONE && side[t->producer] == KERF_SIDE_SERVER))
            continue;
        bool crosses = t->is_output && result_at_server;
        for (size_t c = 0; c < t->n_consumers; c++)
            crosses = crosses || side[t->consumers[c]] == KERF_SIDE_SERVER;
        if (crosses)
            bits |= UINT64_C(1) << i;
    }
    return bits;
}

bool rs_keeps(const kerf_limits *l, const kerf_plan_cost *c, size_t on_device)
{
    const double slack = 1 + 1e-9;
    return (l->deadline_s <= 0 || c->latency_s <= l->deadline_s * slack) &&
           (l->energy_J <= 0 || c->device_energy_J <= l->energy_J * slack) &&
           (l->memory_bytes <= 0 || c->device_memory_bytes <= l->memory_bytes * slack) &&
           (l->max_bytes <= 0 || c->uplink_bytes <= l->max_bytes * slack) &&
           on_device >= l->min_device_operators;
}

/* Every legal placement that keeps the limits and pins; returns how many. Smaller is better. */
size_t rs_enumerate(const kerf_question *q, rs_entry *entries, size_t most)
{
    const kerf_network *net = q->network;
    size_t placed[32], n = 0, found = 0;
    kerf_side side[64] = {KERF_SIDE_FREE};
    for (size_t i = 0; i < net->n_operators; i++)
        if (!net->operators[i].constant)
            placed[n++] = i;
    for (uint32_t mask = 0; mask < (UINT32_C(1) << n); mask++) {
        for (size_t i = 0; i < n; i++)
            side[placed[i]] = mask >> i & 1 ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
        bool allowed = true;
        for (size_t i = 0; i < q->n_pins; i++)
            allowed = allowed && side[q->pins[i].operator_index] == q->pins[i].side;
        for (size_t i = 0; allowed && i < net->n_tensors; i++) {
            const kerf_tensor *t = &net->tensors[i];
            if (t->producer == KERF_NONE || side[t->producer] != KERF_SIDE_SERVER)
                continue;
            for (size_t c = 0; c < t->n_consumers; c++)
                allowed = allowed && side[t->consumers[c]] == KERF_SIDE_SERVER;
        }
        kerf_plan_cost cost;
        kerf_error err = {0};
        if (!allowed)
            continue;
        if (kerf_price(q, side, &cost, &err) != KERF_OK)
            fail_msg("%s: %s", err.where, err.message);
        if (!rs_keeps(&q->limits, &cost, n - (size_t)__builtin_popcount(mask)))
            continue;
        assert_true(found < most);
        entries[found++] = (rs_entry){
            q->objective == KERF_OBJ_THROUGHPUT ? 1 / cost.throughput_per_s : cost.objective,
            rs_cut_bits(net, side, q->result_at_server)};
    }
    return found;
}

double rs_badness(const kerf_question *q, const kerf_plan_cost *c)
{
    return q->objective == KERF_OBJ_THROUGHPUT ? 1 / c->throughput_per_s : c->objective;
}

static int by_value(const void *a, const void *b)
{
    const rs_entry *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

void rs_check_close(double got, double expected, const char *what, uint64_t seed)
{
    if (!(fabs(got - expected) <= 2e-9 * fmax(fabs(got), fabs(expected))))
        fail_msg("seed %llu: %s is %.17g, expected %.17g", (unsigned long long)seed, what, got,
                 expected);
}

void rs_check_parts(const kerf_plan_cost *c, uint64_t seed)
{
    rs_check_close(c->compute_J + c->uplink_J + c->wait_J + c->downlink_J + c->radio_fixed_J,
                   c->device_energy_J, "the sum of the energies", seed);
    rs_check_close(c->device_s + c->uplink_s + c->server_s + c->downlink_s, c->latency_s,
                   "the sum of the latencies", seed);
}

/* The alternatives are the best placements of different cuts, in order. */
void rs_check_alternatives(const kerf_question *q, const kerf_plan *plan, rs_entry *entries,
                           size_t n, uint64_t seed)
{
    qsort(entries, n, sizeof *entries, by_value);
    size_t listed = 0;
    double previous = rs_badness(q, &plan->cost);
    for (size_t i = 0; i < n && listed < plan->n_alternatives; i++) {
        bool repeated = entries[i].cut == rs_cut_bits(q->network, plan->side, q->result_at_server);
        for (size_t k = 0; k < i; k++)
            repeated = repeated || entries[k].cut == entries[i].cut;
        if (repeated)
            continue;
        const double value = rs_badness(q, &plan->alternatives[listed].cost);
        rs_check_close(value, entries[i].value, "an alternative", seed);
        assert_true(value >= previous * (1 - 2e-9));
        previous = value;
        listed++;
    }
    assert_int_equal(listed, plan->n_alternatives);
    size_t different = 0;
    for (size_t i = 0; i < n; i++) {
        bool repeated = false;
        for (size_t k = 0; k < i; k++)
            repeated = repeated || entries[k].cut == entries[i].cut;
        different += !repeated;
    }
    const size_t wanted = q->top > 1 ? q->top - 1 : 0;
    assert_int_equal(plan->n_alternatives, wanted < different - 1 ? wanted : different - 1);
}

void rs_limits(kerf_question *q)
{
    kerf_limits *l = &q->limits;
    kerf_question free_question = *q;
    free_question.no_break_even = true;
    kerf_plan *plan = NULL;
    assert_int_equal(kerf_plan_make(&free_question, &plan, NULL), KERF_OK);
    if (rs_below(2))
        l->deadline_s = plan->cost.latency_s * rs_log(0.3, 3);
    if (rs_below(3) == 0)
        l->energy_J = plan->cost.device_energy_J * rs_log(0.5, 3);
    if (rs_below(3) == 0)
        l->memory_bytes = fmax(1, plan->cost.device_memory_bytes * rs_log(0.5, 2));
    if (rs_below(4) == 0)
        l->max_bytes = fmax(1, plan->cost.uplink_bytes * rs_log(0.3, 2));
    if (rs_below(4) == 0)
        l->min_device_operators = 1 + rs_below(4);
    kerf_plan_destroy(&plan);
}

void rs_scene_make(rs_scene *s, size_t n_modes, uint64_t seed)
{
    static char names[][8] = {"device", "server", "only", "second", "third"};
    random_state = (rng){seed};
    s->network = rs_network(2 + rs_below(9));
    for (size_t i = 0; i < n_modes; i++)
        random_mode(&s->device_modes[i], names[2 + i], 1);
    random_mode(&s->server_mode, names[2], rs_log(1, 30));
    s->device = (kerf_device){.name = names[0], .modes = s->device_modes, .n_modes = n_modes};
    s->server = (kerf_device){.name = names[1], .modes = &s->server_mode, .n_modes = 1};
    random_link(&s->link);
    s->question = (kerf_question){.network = s->network,
                                  .device = &s->device,
                                  .server = &s->server,
                                  .link = &s->link,
                                  .server_load = rs_below(3) ? 0 : rs_uniform() * 0.9,
                                  .objective = (kerf_objective)rs_below(6),
                                  .weight_energy = rs_uniform() + 0.01,
                                  .weight_latency = rs_uniform(),
                                  .wire = (kerf_wire)rs_below(4),
                                  .input_bytes = rs_below(2) ? 0 : rs_log(1e3, 1e6),
                                  .result_at_server = rs_below(4) == 0};
    if (rs_below(4) == 0) {
        do
            s->pin.operator_index = rs_below(s->network->n_operators);
        while (s->network->operators[s->pin.operator_index].constant);
        s->pin.side = rs_below(2) ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
        s->question.pins = &s->pin;
        s->question.n_pins = 1;
    }
}
