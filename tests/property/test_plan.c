/* Plans of random small networks against every legal placement, priced one by one. */
#include "kerf/kerf.h"
#include "model/ir.h"
#include "tests/support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed_of_run;
static rng random_state;

static double uniform(void)
{
    return rng_unit(&random_state);
}

static size_t below(size_t n)
{
    return rng_below(&random_state, n);
}

static double log_uniform(double low, double high)
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
    value->dims[1] = (int64_t)(below(8) == 0 ? 1 : 1 + below(200000));
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
    const size_t kind = below(sizeof kinds / sizeof *kinds);
    const size_t arity = only_chains ? 1 : kinds[kind].arity;
    size_t inputs[4], n_inputs = 0;
    for (size_t i = 0; i < arity; i++)
        inputs[n_inputs++] = only_chains || below(2) ? made[*n_made - 1] : made[below(*n_made)];
    const bool weighted = kinds[kind].cls == KERF_CLASS_CONV || kinds[kind].cls == KERF_CLASS_FC;
    if (weighted) {
        if (*shared_weight == KERF_NONE || below(3))
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
    node->macs = weighted ? (int64_t)below(200000000) : 0;
    node->kernels = kinds[kind].cls == KERF_CLASS_CONV ? (int64_t)below(512) : 0;
    node->weight_slots = weighted ? UINT64_C(1) << (n_inputs - 1) : 0;
    if (kinds[kind].cls == KERF_CLASS_VIEW)
        g->values[output].dims[1] = g->values[inputs[0]].dims[1];
    made[(*n_made)++] = output;
}

static kerf_network *random_network(size_t n_nodes)
{
    ir_graph *g = ir_graph_new();
    assert_non_null(g);
    size_t made[64], n_made = 0, shared_weight = KERF_NONE;
    const size_t n_inputs = 1 + (below(4) == 0);
    g->inputs = calloc(n_inputs, sizeof *g->inputs);
    for (size_t i = 0; i < n_inputs; i++)
        made[n_made++] = g->inputs[i] = add_value(g, "in", i);
    g->n_inputs = n_inputs;
    for (size_t i = 0; i < n_nodes; i++)
        add_random_node(g, made, &n_made, i, &shared_weight);
    const size_t n_outputs = !only_chains && below(3) == 0 ? 2 : 1;
    g->outputs = calloc(n_outputs, sizeof *g->outputs);
    g->outputs[0] = made[n_made - 1];
    if (n_outputs == 2)
        g->outputs[1] = made[n_inputs + below(n_nodes)];
    g->n_outputs = n_outputs == 2 && g->outputs[1] == g->outputs[0] ? 1 : n_outputs;
    kerf_network *net = NULL;
    kerf_error err = {0};
    if (ir_sort(g, &err) != KERF_OK || ir_infer(g, &err) != KERF_OK ||
        ir_build_network(g, "random", NULL, false, &net, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    ir_graph_free(g);
    return net;
}

static kerf_network *random_chain(size_t n_nodes)
{
    only_chains = true;
    kerf_network *net = random_network(n_nodes);
    only_chains = false;
    return net;
}

static void random_mode(kerf_power_mode *m, char *name, double speed)
{
    *m = (kerf_power_mode){.name = name,
                           .latency_form = below(2) ? KERF_LATENCY_MAX : KERF_LATENCY_SUM,
                           .energy_form = (kerf_energy_form)below(4),
                           .s_per_byte = log_uniform(1e-11, 1e-9) / speed,
                           .launch_s = below(4) ? log_uniform(1e-6, 1e-3) / speed : 0,
                           .partition_s = below(3) ? log_uniform(1e-5, 1e-2) : 0,
                           .J_per_byte = log_uniform(1e-11, 1e-8),
                           .launch_J = log_uniform(1e-6, 1e-2),
                           .partition_J = below(3) ? log_uniform(1e-5, 1e-1) : 0,
                           .J_per_kernel = log_uniform(1e-7, 1e-4),
                           .kernel_quantum = below(2) ? 1 : 32,
                           .floor_J = log_uniform(1e-5, 1e-2),
                           .floor_exponent = 6,
                           .active_W = log_uniform(1, 20),
                           .idle_W = below(4) ? log_uniform(0.5, 5) : 0};
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        m->s_per_mac[c] = log_uniform(1e-13, 1e-10) / speed;
        m->J_per_mac[c] = log_uniform(1e-11, 1e-9);
    }
}

static void random_link(kerf_link *link)
{
    *link = (kerf_link){.rate_bps = {log_uniform(1e5, 1e9), log_uniform(1e5, 1e9)},
                        .rtt_s = below(4) ? log_uniform(1e-4, 0.2) : 0,
                        .loss = below(4) ? 0 : 0.01,
                        .message_bytes = below(2) ? 0 : 64,
                        .overhead = below(2) ? 0 : 0.03,
                        .connection = (kerf_connection)below(3),
                        .active_W_per_bps = {log_uniform(1e-10, 1e-6), log_uniform(1e-10, 1e-7)},
                        .active_W = {log_uniform(0.05, 3), log_uniform(0.05, 3)},
                        .idle_W = below(2) ? 0 : 0.9,
                        .promotion_s = below(2) ? 0 : 0.3,
                        .promotion_W = 1.2,
                        .tail_s = below(2) ? 0 : 10,
                        .tail_W = 0.2};
}

/* --- brute force --- */

typedef struct entry {
    double value;
    uint64_t cut; /* crossing tensors, a bit each */
} entry;

static uint64_t cut_bits(const kerf_network *net, const kerf_side *side, bool result_at_server)
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

static bool keeps(const kerf_limits *l, const kerf_plan_cost *c, size_t on_device)
{
    const double slack = 1 + 1e-9;
    return (l->deadline_s <= 0 || c->latency_s <= l->deadline_s * slack) &&
           (l->energy_J <= 0 || c->device_energy_J <= l->energy_J * slack) &&
           (l->memory_bytes <= 0 || c->device_memory_bytes <= l->memory_bytes * slack) &&
           (l->max_bytes <= 0 || c->uplink_bytes <= l->max_bytes * slack) &&
           on_device >= l->min_device_operators;
}

/* Every legal placement that keeps the limits and pins; returns how many. Smaller is better. */
static size_t enumerate(const kerf_question *q, entry *entries, size_t most)
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
        if (!keeps(&q->limits, &cost, n - (size_t)__builtin_popcount(mask)))
            continue;
        assert_true(found < most);
        entries[found++] = (entry){q->objective == KERF_OBJ_THROUGHPUT ? 1 / cost.throughput_per_s
                                                                       : cost.objective,
                                   cut_bits(net, side, q->result_at_server)};
    }
    return found;
}

static double badness(const kerf_question *q, const kerf_plan_cost *c)
{
    return q->objective == KERF_OBJ_THROUGHPUT ? 1 / c->throughput_per_s : c->objective;
}

static int by_value(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static void check_close(double got, double expected, const char *what, uint64_t seed)
{
    if (!(fabs(got - expected) <= 2e-9 * fmax(fabs(got), fabs(expected))))
        fail_msg("seed %llu: %s is %.17g, expected %.17g", (unsigned long long)seed, what, got,
                 expected);
}

static void check_parts(const kerf_plan_cost *c, uint64_t seed)
{
    check_close(c->compute_J + c->uplink_J + c->wait_J + c->downlink_J + c->radio_fixed_J,
                c->device_energy_J, "the sum of the energies", seed);
    check_close(c->device_s + c->uplink_s + c->server_s + c->downlink_s, c->latency_s,
                "the sum of the latencies", seed);
}

/* The alternatives are the best placements of different cuts, in order. */
static void check_alternatives(const kerf_question *q, const kerf_plan *plan, entry *entries,
                               size_t n, uint64_t seed)
{
    qsort(entries, n, sizeof *entries, by_value);
    size_t listed = 0;
    double previous = badness(q, &plan->cost);
    for (size_t i = 0; i < n && listed < plan->n_alternatives; i++) {
        bool repeated = entries[i].cut == cut_bits(q->network, plan->side, q->result_at_server);
        for (size_t k = 0; k < i; k++)
            repeated = repeated || entries[k].cut == entries[i].cut;
        if (repeated)
            continue;
        const double value = badness(q, &plan->alternatives[listed].cost);
        check_close(value, entries[i].value, "an alternative", seed);
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

/* Just inside the stated range of rates the same cost is optimal; just outside it is not. */
static void check_break_even(const kerf_question *q, const kerf_plan *plan, uint64_t seed)
{
    const double borders[2] = {plan->break_even_below_bps, plan->break_even_above_bps};
    for (int i = 0; i < 2; i++) {
        if (!(borders[i] > 0) || isinf(borders[i]))
            continue;
        const double present = q->link->rate_bps[KERF_UPLINK];
        assert_true(i == 0 ? borders[i] <= present * (1 + 1e-9)
                           : borders[i] >= present * (1 - 1e-9));
        for (int outside = 0; outside < 2; outside++) {
            kerf_link link = *q->link;
            kerf_question moved = *q;
            moved.link = &link;
            moved.top = 0;
            moved.no_break_even = true;
            const double step = (i == 0) == outside ? 1 - 1e-4 : 1 + 1e-4;
            link.rate_bps[KERF_UPLINK] = borders[i] * step;
            if (!outside && (i == 0 ? link.rate_bps[0] > present : link.rate_bps[0] < present))
                continue;
            kerf_plan_cost mine;
            kerf_plan *best = NULL;
            kerf_error err = {0};
            assert_int_equal(kerf_price(&moved, plan->side, &mine, &err), KERF_OK);
            const kerf_status status = kerf_plan_make(&moved, &best, &err);
            size_t on_device = 0;
            for (size_t v = 0; v < q->network->n_operators; v++)
                on_device += plan->side[v] == KERF_SIDE_DEVICE;
            const bool feasible = keeps(&q->limits, &mine, on_device);
            if (!outside) {
                assert_int_equal(status, KERF_OK);
                assert_true(feasible);
                check_close(badness(q, &mine), badness(q, &best->cost), "the cost inside", seed);
            } else if (status == KERF_OK && feasible) {
                /* another is at least as good there, and strictly better unless all are equal */
                assert_true(badness(q, &best->cost) <= badness(q, &mine));
            }
            kerf_plan_destroy(&best);
        }
    }
}

static void random_limits(kerf_question *q)
{
    kerf_limits *l = &q->limits;
    kerf_question free_question = *q;
    free_question.no_break_even = true;
    kerf_plan *plan = NULL;
    assert_int_equal(kerf_plan_make(&free_question, &plan, NULL), KERF_OK);
    if (below(2))
        l->deadline_s = plan->cost.latency_s * log_uniform(0.3, 3);
    if (below(3) == 0)
        l->energy_J = plan->cost.device_energy_J * log_uniform(0.5, 3);
    if (below(3) == 0)
        l->memory_bytes = fmax(1, plan->cost.device_memory_bytes * log_uniform(0.5, 2));
    if (below(4) == 0)
        l->max_bytes = fmax(1, plan->cost.uplink_bytes * log_uniform(0.3, 2));
    if (below(4) == 0)
        l->min_device_operators = 1 + below(4);
    kerf_plan_destroy(&plan);
}

/* A random question, and all that it borrows. */
typedef struct scene {
    kerf_network *network;
    kerf_power_mode device_modes[3], server_mode;
    kerf_device device, server;
    kerf_link link;
    kerf_pin pin;
    kerf_question question;
} scene;

static void random_scene(scene *s, size_t n_modes, uint64_t seed)
{
    static char names[][8] = {"device", "server", "only", "second", "third"};
    random_state = (rng){seed};
    s->network = random_network(2 + below(9));
    for (size_t i = 0; i < n_modes; i++)
        random_mode(&s->device_modes[i], names[2 + i], 1);
    random_mode(&s->server_mode, names[2], log_uniform(1, 30));
    s->device = (kerf_device){.name = names[0], .modes = s->device_modes, .n_modes = n_modes};
    s->server = (kerf_device){.name = names[1], .modes = &s->server_mode, .n_modes = 1};
    random_link(&s->link);
    s->question = (kerf_question){.network = s->network,
                                  .device = &s->device,
                                  .server = &s->server,
                                  .link = &s->link,
                                  .server_load = below(3) ? 0 : uniform() * 0.9,
                                  .objective = (kerf_objective)below(6),
                                  .weight_energy = uniform() + 0.01,
                                  .weight_latency = uniform(),
                                  .wire = (kerf_wire)below(4),
                                  .input_bytes = below(2) ? 0 : log_uniform(1e3, 1e6),
                                  .result_at_server = below(4) == 0};
    if (below(4) == 0) {
        do
            s->pin.operator_index = below(s->network->n_operators);
        while (s->network->operators[s->pin.operator_index].constant);
        s->pin.side = below(2) ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
        s->question.pins = &s->pin;
        s->question.n_pins = 1;
    }
}

static void check_one(uint64_t seed, bool with_limits)
{
    static scene s;
    random_scene(&s, 1, seed);
    kerf_question q = s.question;
    static entry entries[4096];
    if (with_limits)
        random_limits(&q);
    const size_t n = enumerate(&q, entries, sizeof entries / sizeof *entries);
    const bool mincut_exact = !with_limits && q.objective != KERF_OBJ_THROUGHPUT;
    for (int solver = KERF_SOLVER_AUTO; solver <= KERF_SOLVER_MILP; solver++) {
        if (solver == KERF_SOLVER_MINCUT && !mincut_exact)
            continue;
        q.solver = (kerf_solver)solver;
        q.top = solver == KERF_SOLVER_AUTO || solver == KERF_SOLVER_MINCUT ? 4 : 0;
        q.no_break_even = solver != KERF_SOLVER_AUTO;
        kerf_plan *plan = NULL;
        kerf_error err = {0};
        const kerf_status status = kerf_plan_make(&q, &plan, &err);
        if (n == 0) {
            assert_int_equal(status, KERF_E_INFEASIBLE);
            assert_true(strlen(err.message) > 20);
            continue;
        }
        if (status != KERF_OK)
            fail_msg("seed %llu, solver %s: %s: %s", (unsigned long long)seed,
                     kerf_solver_name(q.solver), err.where, err.message);
        double least = entries[0].value;
        for (size_t i = 1; i < n; i++)
            least = fmin(least, entries[i].value);
        check_close(badness(&q, &plan->cost), least, kerf_solver_name(q.solver), seed);
        assert_true(plan->optimal);
        check_parts(&plan->cost, seed);
        check_parts(&plan->all_device.cost, seed);
        check_parts(&plan->all_server.cost, seed);
        check_alternatives(&q, plan, entries, n, seed);
        if (solver == KERF_SOLVER_AUTO)
            check_break_even(&q, plan, seed);
        kerf_plan_destroy(&plan);
    }
    kerf_network_destroy(&s.network);
}

/* --- several power modes --- */

/* Stops the search once, at the call that makes *calls 0: in one of the modes. */
static bool stop_once(void *context, const char *what, double best, double bound)
{
    (void)what;
    (void)best;
    (void)bound;
    int *calls = context;
    return --*calls != 0;
}

/* Least value over all placements in all modes; INFINITY: none keeps the limits. */
static double least_of_modes(const scene *s, const kerf_question *q)
{
    static entry entries[4096];
    double least = INFINITY;
    for (size_t mode = 0; mode < s->device.n_modes; mode++) {
        kerf_question in_mode = *q;
        in_mode.power_mode = s->device_modes[mode].name;
        const size_t n = enumerate(&in_mode, entries, sizeof entries / sizeof *entries);
        for (size_t i = 0; i < n; i++)
            least = fmin(least, entries[i].value);
    }
    return least;
}

/* The best of all modes, with a bound that holds for all of them also where one was not solved to
 * its end. Counts the runs that were stopped with a plan. */
static void check_modes(uint64_t seed, size_t *stopped)
{
    static scene s;
    random_scene(&s, 3, seed);
    kerf_question q = s.question;
    q.power_mode = "any";
    random_limits(&q);
    const double least = least_of_modes(&s, &q);
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_plan_make(&q, &plan, &err);
    assert_int_equal(status, isinf(least) ? KERF_E_INFEASIBLE : KERF_OK);
    if (status != KERF_OK)
        assert_non_null(strstr(err.message, "in power mode"));
    else {
        check_close(badness(&q, &plan->cost), least, "any mode", seed);
        assert_true(plan->optimal);
    }
    kerf_plan_destroy(&plan);

    int calls = 1 + (int)below(6);
    q.solver = KERF_SOLVER_MILP;
    q.progress = stop_once;
    q.progress_context = &calls;
    q.no_break_even = true;
    if (kerf_plan_make(&q, &plan, &err) == KERF_OK) {
        const double bound = q.objective == KERF_OBJ_THROUGHPUT ? 1 / plan->bound : plan->bound;
        const double value = badness(&q, &plan->cost);
        if (bound > least * (1 + 1e-9))
            fail_msg("seed %llu: bound %g above the optimum %g", (unsigned long long)seed, bound,
                     least);
        assert_true(fabs(plan->gap * value - (value - bound)) <= 1e-12 * value);
        assert_int_equal(plan->optimal, plan->gap <= 1e-9);
        *stopped += !plan->optimal;
    }
    kerf_plan_destroy(&plan);
    kerf_network_destroy(&s.network);
}

/* --- measured groups --- */

typedef struct random_profile {
    kerf_profile profile;
    struct kerf_measured measured[16];
    struct kerf_measured_group groups[6];
    char *names[6][16];
} random_profile;

static double figure(double size)
{
    return below(4) == 0 ? (double)NAN : below(8) == 0 ? 0 : log_uniform(size / 30, size * 30);
}

/* Takes operators of one group (KERF_NONE: of none) for another that lies in it. */
static void random_group(random_profile *p, const kerf_network *net, size_t *owner)
{
    struct kerf_measured_group *group = &p->groups[p->profile.n_groups];
    const size_t around = below(3) ? KERF_NONE : below(p->profile.n_groups + 1) - 1;
    const size_t start = below(net->n_operators), length = 1 + below(net->n_operators);
    const bool range = below(2);
    size_t inside = 0;
    *group = (struct kerf_measured_group){.operators = p->names[p->profile.n_groups]};
    for (size_t i = 0; i < net->n_operators; i++)
        inside += owner[i] == around;
    for (size_t i = 0; i < net->n_operators; i++) {
        const bool taken = range ? i >= start && i < start + length : below(2) == 0;
        if (owner[i] == around && taken && (around == KERF_NONE || group->n_operators + 1 < inside))
            group->operators[group->n_operators++] = net->operators[i].name;
    }
    if (group->n_operators == 0)
        return;
    for (size_t i = 0; i < net->n_operators; i++)
        for (size_t k = 0; k < group->n_operators; k++)
            if (net->operators[i].name == group->operators[k])
                owner[i] = p->profile.n_groups;
    group->latency_s = figure(1e-3);
    group->energy_J = isnan(group->latency_s) ? log_uniform(1e-4, 1) : figure(1e-2);
    p->profile.n_groups++;
}

static void random_figures(random_profile *p, const kerf_network *net)
{
    size_t owner[16];
    *p = (random_profile){.profile = {.operators = p->measured, .groups = p->groups}};
    for (size_t i = 0; i < net->n_operators; i++) {
        owner[i] = KERF_NONE;
        if (below(3) == 0)
            p->measured[p->profile.n_operators++] =
                (struct kerf_measured){net->operators[i].name, figure(1e-3), figure(1e-2)};
    }
    const size_t most = 1 + below(6);
    for (size_t i = 0; i < most; i++)
        random_group(p, net, owner);
}

/* A profile with groups on either side: each placement is priced by code of its own. On a chain,
 * minimum cuts can always tell. */
static void check_groups(uint64_t seed, size_t *by_solver)
{
    static scene s;
    static random_profile device, server;
    random_scene(&s, 1, seed);
    const bool chain = below(3) == 0;
    if (chain) {
        kerf_network_destroy(&s.network);
        s.network = random_chain(2 + below(9));
        s.question.network = s.network;
        s.question.n_pins = 0;
    }
    kerf_question q = s.question;
    random_figures(&device, s.network);
    random_figures(&server, s.network);
    if (below(4))
        q.device_profile = &device.profile;
    if (below(2))
        q.server_profile = &server.profile;
    if (below(3) == 0)
        random_limits(&q);
    static entry entries[4096];
    const size_t n = enumerate(&q, entries, sizeof entries / sizeof *entries);
    for (int solver = KERF_SOLVER_AUTO; solver <= KERF_SOLVER_MILP; solver++) {
        q.solver = (kerf_solver)solver;
        q.top = solver == KERF_SOLVER_AUTO ? 3 : 0;
        q.no_break_even = true;
        kerf_plan *plan = NULL;
        kerf_error err = {0};
        const kerf_status status = kerf_plan_make(&q, &plan, &err);
        if (n > 0 && solver == KERF_SOLVER_MINCUT && status == KERF_E_UNSUPPORTED) {
            assert_true(!chain || q.objective == KERF_OBJ_THROUGHPUT || q.limits.deadline_s > 0 ||
                        q.limits.energy_J > 0 || q.limits.memory_bytes > 0 ||
                        q.limits.max_bytes > 0 || q.limits.min_device_operators > 0);
            continue;
        }
        if (n == 0) {
            assert_true(status == KERF_E_INFEASIBLE || status == KERF_E_UNSUPPORTED);
            continue;
        }
        if (status != KERF_OK)
            fail_msg("seed %llu, solver %s: %s: %s", (unsigned long long)seed,
                     kerf_solver_name(q.solver), err.where, err.message);
        double least = entries[0].value;
        for (size_t i = 1; i < n; i++)
            least = fmin(least, entries[i].value);
        check_close(badness(&q, &plan->cost), least, kerf_solver_name(q.solver), seed);
        check_alternatives(&q, plan, entries, n, seed);
        by_solver[plan->solver]++;
        kerf_plan_destroy(&plan);
    }
    kerf_network_destroy(&s.network);
}

/* --- several encodings and variants --- */

typedef struct choice_scene {
    scene s;
    kerf_network *other[2];
    kerf_variant variants[3];
    kerf_encoding encodings[3];
} choice_scene;

static void random_choices(choice_scene *c, kerf_question *q)
{
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 2; i++)
        c->other[i] = random_network(2 + below(7));
    for (size_t i = 0; i < 3; i++) {
        c->variants[i] = (kerf_variant){.name = names[i],
                                        .network = i ? c->other[i - 1] : c->s.network,
                                        .accuracy = 0.5 + 0.1 * (double)below(5),
                                        .input_bytes = below(2) ? 0 : log_uniform(1e3, 1e6)};
        c->encodings[i] = (kerf_encoding){.name = names[i],
                                          .wire = (kerf_wire)below(4),
                                          .ratio = below(2) ? 0 : 0.1 + 0.9 * uniform(),
                                          .accuracy_loss = below(2) ? 0 : 0.1 * uniform()};
        if (below(2)) {
            c->encodings[i].device_s_per_byte = log_uniform(1e-11, 1e-7);
            c->encodings[i].device_J_per_byte = log_uniform(1e-11, 1e-7);
            c->encodings[i].server_s_per_byte = log_uniform(1e-12, 1e-8);
            c->encodings[i].server_J_per_byte = log_uniform(1e-12, 1e-8);
        }
    }
    q->encodings = c->encodings;
    q->n_encodings = 1 + below(3);
    q->variants = c->variants;
    q->n_variants = 1 + below(3);
    if (below(2))
        q->limits.min_accuracy = 0.4 + 0.6 * uniform();
}

/* Pins name operators of the question's network: the same names elsewhere; false if one lacks. */
static bool pins_of(const kerf_question *q, const kerf_network *network, kerf_pin *pins)
{
    for (size_t i = 0; i < q->n_pins; i++) {
        const char *name = q->network->operators[q->pins[i].operator_index].name;
        pins[i] = (kerf_pin){kerf_network_find_operator(network, name), q->pins[i].side};
        if (pins[i].operator_index == KERF_NONE ||
            network->operators[pins[i].operator_index].constant)
            return false;
    }
    return true;
}

/* The least value of a combination; all on the device, if that alone is accurate enough. */
static double least_of(const kerf_question *q, size_t mode, size_t encoding, size_t variant)
{
    static entry entries[4096];
    kerf_question one = *q;
    kerf_pin pins[1];
    const kerf_variant *v = &q->variants[variant];
    const kerf_encoding *e = &q->encodings[encoding];
    one.power_mode = q->device->modes[mode].name;
    one.encodings = e;
    one.variants = v;
    one.n_encodings = one.n_variants = 1;
    if (!pins_of(q, v->network, pins))
        return INFINITY;
    /* enumerate reads network and pins as they are; kerf_price takes those of the variant */
    one.network = v->network;
    one.pins = pins;
    double least = INFINITY;
    const double slack = 1 - 1e-9;
    if (v->accuracy - e->accuracy_loss >= q->limits.min_accuracy * slack) {
        const size_t n = enumerate(&one, entries, sizeof entries / sizeof *entries);
        for (size_t i = 0; i < n; i++)
            least = fmin(least, entries[i].value);
    } else if (v->accuracy >= q->limits.min_accuracy * slack && !q->result_at_server) {
        one.limits.min_device_operators = v->network->n_placed;
        if (q->limits.min_device_operators <= v->network->n_placed &&
            enumerate(&one, entries, sizeof entries / sizeof *entries) > 0)
            least = entries[0].value;
    }
    return least;
}

/* The joint answer is the best of all combinations, and so is each rival of its own. */
static void check_choices(uint64_t seed, size_t *infeasible)
{
    static choice_scene c;
    random_scene(&c.s, 3, seed);
    kerf_question q = c.s.question;
    if (below(3) == 0)
        random_limits(&q);
    random_choices(&c, &q);
    q.power_mode = below(3) ? "any" : c.s.device_modes[below(3)].name;
    q.compare_choices = true;
    q.solver = below(4) ? KERF_SOLVER_AUTO : KERF_SOLVER_EXHAUSTIVE;
    q.no_break_even = below(8) != 0;
    double least = INFINITY, by[KERF_DIMENSIONS][3];
    for (int d = 0; d < KERF_DIMENSIONS; d++)
        for (int i = 0; i < 3; i++)
            by[d][i] = INFINITY;
    for (size_t mode = 0; mode < 3; mode++)
        for (size_t e = 0; e < q.n_encodings; e++)
            for (size_t v = 0; v < q.n_variants; v++) {
                if (strcmp(q.power_mode, "any") != 0 &&
                    strcmp(q.power_mode, c.s.device_modes[mode].name) != 0)
                    continue;
                const double value = least_of(&q, mode, e, v);
                least = fmin(least, value);
                by[KERF_BY_POWER_MODE][mode] = fmin(by[KERF_BY_POWER_MODE][mode], value);
                by[KERF_BY_ENCODING][e] = fmin(by[KERF_BY_ENCODING][e], value);
                by[KERF_BY_VARIANT][v] = fmin(by[KERF_BY_VARIANT][v], value);
            }
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_plan_make(&q, &plan, &err);
    if (isinf(least)) {
        *infeasible += 1;
        if (status != KERF_E_INFEASIBLE && status != KERF_E_INVALID)
            fail_msg("seed %llu: status %d: %s", (unsigned long long)seed, (int)status,
                     err.message);
    } else if (status != KERF_OK) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, err.where, err.message);
    } else {
        check_close(badness(&q, &plan->cost), least, "the joint answer", seed);
        assert_true(plan->optimal);
        kerf_plan_cost priced;
        const kerf_question single = kerf_plan_question(&q, plan);
        assert_int_equal(kerf_price(&single, plan->side, &priced, &err), KERF_OK);
        check_close(badness(&q, &priced), least, "the price of the answer", seed);
        for (size_t i = 0; i < plan->n_rivals; i++) {
            const kerf_rival *r = &plan->rivals[i];
            const size_t at = r->by == KERF_BY_POWER_MODE
                                  ? kerf_device_find_mode(q.device, r->power_mode)
                              : r->by == KERF_BY_ENCODING ? r->encoding
                                                          : r->variant;
            assert_int_equal(r->feasible, isfinite(by[r->by][at]));
            if (r->feasible)
                check_close(badness(&q, &r->cost), by[r->by][at], "a rival", seed);
        }
    }
    kerf_plan_destroy(&plan);
    for (size_t i = 0; i < 2; i++)
        kerf_network_destroy(&c.other[i]);
    kerf_network_destroy(&c.s.network);
}

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static void test_free_plans(void **unused)
{
    (void)unused;
    const size_t n = cases(500, 10000);
    for (size_t i = 0; i < n; i++)
        check_one(seed_of_run + i, false);
}

static void test_limited_plans(void **unused)
{
    (void)unused;
    const size_t n = cases(500, 10000);
    for (size_t i = 0; i < n; i++)
        check_one(seed_of_run + 1000000 + i, true);
}

static void test_modes(void **unused)
{
    (void)unused;
    const size_t n = cases(1000, 5000);
    size_t stopped = 0;
    for (size_t i = 0; i < n; i++)
        check_modes(seed_of_run + 2000000 + i, &stopped);
    print_message("# %zu of %zu runs were stopped with a plan\n", stopped, n);
    assert_true(stopped > n / 20);
}

static void test_groups(void **unused)
{
    (void)unused;
    const size_t n = cases(1500, 10000);
    size_t by_solver[4] = {0};
    for (size_t i = 0; i < n; i++)
        check_groups(seed_of_run + 3000000 + i, by_solver);
    for (int solver = KERF_SOLVER_EXHAUSTIVE; solver <= KERF_SOLVER_MILP; solver++)
        assert_true(by_solver[solver] > n / 20);
}

static void test_choices(void **unused)
{
    (void)unused;
    const size_t n = cases(400, 4000);
    size_t infeasible = 0;
    for (size_t i = 0; i < n; i++)
        check_choices(seed_of_run + 4000000 + i, &infeasible);
    print_message("# %zu of %zu had no answer\n", infeasible, n);
    assert_true(infeasible > 0 && infeasible < n / 2);
}

int main(void)
{
    seed_of_run = rng_seed(20261123);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_plans), cmocka_unit_test(test_limited_plans),
        cmocka_unit_test(test_modes),      cmocka_unit_test(test_groups),
        cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
