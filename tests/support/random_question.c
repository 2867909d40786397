#include "tests/support/random_question.h"

#include "tests/support/net_builder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static kerf_network *random_network(rng *r, size_t n)
{
    kerf_network *net = nb_network("random");
    size_t tensors[16];
    bool grouped = false;
    tensors[0] = nb_input(net, "x", (int64_t)rng_log(r, 1e3, 1e6));
    for (size_t i = 0; i < n; i++) {
        char name[24];
        size_t inputs[2] = {tensors[rng_chance(r, 0.7) ? i : rng_below(r, i + 1)],
                            tensors[rng_below(r, i + 1)]};
        const size_t n_inputs = inputs[0] != inputs[1] && rng_chance(r, 0.4) ? 2 : 1;
        const kerf_class cls = (kerf_class)rng_below(r, KERF_CLASS_VIEW);
        const bool multiplies = cls <= KERF_CLASS_RECURRENT;
        snprintf(name, sizeof name, "o%zu", i);
        tensors[i + 1] =
            nb_operator(net, name, cls, multiplies ? (int64_t)rng_log(r, 1e5, 1e9) : 0,
                        multiplies ? (int64_t)rng_log(r, 10, 1e6) : 0,
                        cls <= KERF_CLASS_DEPTHWISE ? 1 + (int64_t)rng_below(r, 64) : 0, n_inputs,
                        inputs, (int64_t)rng_log(r, 1e2, 1e6));
        const size_t pair[] = {i - 1, i};
        grouped = i > 0 && !grouped && inputs[0] == tensors[i] && rng_chance(r, 0.4);
        if (grouped)
            nb_group(net, 2, pair);
    }
    nb_output(net, tensors[n]);
    nb_finish(net);
    return net;
}

static void random_mode(rng *r, const char *name, bool linear, kerf_power_mode *m)
{
    static const kerf_energy_form sums[] = {KERF_ENERGY_CLASSES, KERF_ENERGY_MAC_KERNELS,
                                            KERF_ENERGY_POWER, KERF_ENERGY_FLOOR};
    *m = (kerf_power_mode){.name = (char *)name,
                           .latency_form =
                               linear || rng_chance(r, 0.5) ? KERF_LATENCY_SUM : KERF_LATENCY_MAX,
                           .energy_form = sums[rng_below(r, linear ? 3 : 4)],
                           .s_per_byte = rng_log(r, 1e-11, 1e-9),
                           .launch_s = rng_log(r, 1e-6, 1e-4),
                           .partition_s = rng_log(r, 1e-5, 1e-3),
                           .J_per_byte = rng_log(r, 1e-11, 1e-9),
                           .launch_J = rng_log(r, 1e-5, 1e-3),
                           .partition_J = rng_log(r, 1e-4, 1e-2),
                           .J_per_kernel = rng_log(r, 1e-7, 1e-5),
                           .kernel_quantum = 1,
                           .floor_J = rng_log(r, 1e-4, 1e-2),
                           .floor_exponent = 6,
                           .active_W = rng_log(r, 1, 20),
                           .idle_W = rng_log(r, 0.1, 5)};
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++) {
        m->s_per_mac[i] = rng_log(r, 1e-12, 1e-10);
        m->J_per_mac[i] = rng_log(r, 1e-11, 1e-9);
        m->latency_more.per_byte[i] = rng_chance(r, 0.2) ? rng_log(r, 1e-11, 1e-9) : 0;
        m->energy_more.per_weight_byte[i] = rng_chance(r, 0.2) ? rng_log(r, 1e-11, 1e-9) : 0;
    }
    if (m->energy_form == KERF_ENERGY_POWER)
        m->partition_J = m->active_W * m->partition_s;
}

static void random_link(rng *r, kerf_link *link)
{
    *link = (kerf_link){.name = "link",
                        .rate_bps = {rng_log(r, 1e6, 1e8), rng_log(r, 1e6, 1e8)},
                        .rtt_s = rng_log(r, 1e-3, 5e-2),
                        .overhead = 0.03,
                        .message_bytes = 60,
                        .connection = (kerf_connection)rng_below(r, 3),
                        .active_W_per_bps = {1e-8, 5e-9},
                        .active_W = {rng_log(r, 0.1, 3), 0.3},
                        .idle_W = rng_chance(r, 0.5) ? 0.4 : 0,
                        .tail_s = rng_chance(r, 0.5) ? 0.2 : 0,
                        .tail_W = 0.5,
                        .promotion_s = rng_chance(r, 0.3) ? 0.02 : 0,
                        .promotion_W = 0.8};
}

/* Some operators on their own, and two that follow each other together. */
static void random_profile(rng *r, question_box *b)
{
    const kerf_network *net = b->network;
    for (size_t i = 0; i < net->n_operators; i++)
        if (rng_chance(r, 0.3))
            b->measured[b->profile.n_operators++] =
                (struct kerf_measured){.name = net->operators[i].name,
                                       .latency_s = rng_log(r, 1e-4, 1e-2),
                                       .energy_J = rng_log(r, 1e-3, 1e-1)};
    b->profile.operators = b->measured;
    if (net->n_operators > 2 && rng_chance(r, 0.6)) {
        const size_t first = rng_below(r, net->n_operators - 1);
        b->members[0] = net->operators[first].name;
        b->members[1] = net->operators[first + 1].name;
        b->group = (struct kerf_measured_group){.operators = b->members,
                                                .n_operators = 2,
                                                .latency_s = rng_log(r, 1e-4, 1e-2),
                                                .energy_J = rng_log(r, 1e-3, 1e-1)};
        b->profile.groups = &b->group;
        b->profile.n_groups = 1;
    }
    b->q.device_profile = &b->profile;
}

void random_question(rng *r, size_t n, bool linear, question_box *b)
{
    *b = (question_box){.network = random_network(r, n)};
    random_mode(r, "fast", linear, &b->modes[0]);
    random_mode(r, "slow", linear, &b->modes[1]);
    random_mode(r, "server", linear, &b->server_mode);
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++)
        b->server_mode.s_per_mac[i] /= 20;
    random_link(r, &b->link);
    b->device = (kerf_device){.name = "board", .modes = b->modes, .n_modes = 2};
    b->server = (kerf_device){.name = "server", .modes = &b->server_mode, .n_modes = 1};
    b->encodings[0] = (kerf_encoding){.name = "plain"};
    b->encodings[1] = (kerf_encoding){.name = "packed",
                                      .wire = KERF_WIRE_INT8,
                                      .ratio = 0.5,
                                      .device_s_per_byte = 1e-9,
                                      .device_J_per_byte = 4e-9,
                                      .server_s_per_byte = 2e-10,
                                      .server_J_per_byte = 1e-8};
    b->q = (kerf_question){.network = b->network,
                           .device = &b->device,
                           .server = &b->server,
                           .link = &b->link,
                           .server_load = rng_chance(r, 0.5) ? 0.3 : 0,
                           .objective = (kerf_objective)rng_below(r, KERF_OBJ_WEIGHTED + 1),
                           .weight_energy = 1,
                           .weight_latency = 5,
                           .power_mode = rng_chance(r, 0.3) ? "any" : NULL,
                           .result_at_server = rng_chance(r, 0.2)};
    if (rng_chance(r, 0.4)) {
        b->q.encodings = b->encodings;
        b->q.n_encodings = 2;
    }
    if (!linear && rng_chance(r, 0.5))
        random_profile(r, b);
}

void question_box_clear(question_box *b)
{
    kerf_network_destroy(&b->network);
}

/* --- a scenario as a question --- */

static void scale_all(double *values, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++)
        values[i] *= factor;
}

/* A server whose every second and joule is so much more. */
static void slow_down(kerf_power_mode *m, double f)
{
    double *const singles[] = {&m->s_per_byte,
                               &m->launch_s,
                               &m->partition_s,
                               &m->J_per_byte,
                               &m->launch_J,
                               &m->partition_J,
                               &m->J_per_kernel,
                               &m->floor_J,
                               &m->latency_more.per_step,
                               &m->latency_more.grouped_launch,
                               &m->energy_more.per_step,
                               &m->energy_more.grouped_launch};
    double *const lists[] = {m->s_per_mac,
                             m->J_per_mac,
                             m->latency_more.per_byte,
                             m->latency_more.per_weight_byte,
                             m->energy_more.per_byte,
                             m->energy_more.per_weight_byte};
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
        *singles[i] *= f;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        scale_all(lists[i], KERF_CLASS_COUNT, f);
}

void scenario_question(const kerf_question *q, const robust_world *w, scenario *s)
{
    *s = (scenario){.device = *q->device, .server = *q->server, .link = w->link, .q = *q};
    memcpy(s->modes, w->device, w->n_modes * sizeof *s->modes);
    s->server_mode = w->server;
    slow_down(&s->server_mode, w->server_factor);
    s->device.modes = s->modes;
    s->server.modes = &s->server_mode;
    s->server.n_modes = 1;
    s->server.default_mode = 0;
    s->q.device = &s->device;
    s->q.server = &s->server;
    s->q.link = &s->link;
    s->q.server_load = w->load;
    for (size_t i = 0; i < q->n_encodings; i++) {
        s->encodings[i] = q->encodings[i];
        s->encodings[i].server_s_per_byte *= w->server_factor;
        s->encodings[i].server_J_per_byte *= w->server_factor;
    }
    s->q.encodings = q->n_encodings ? s->encodings : NULL;
}
