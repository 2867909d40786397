/* What a three-tier placement costs, from the definitions: the independent check of every plan.
 * Each layer alone is a two-tier placement, and what crosses its link is priced as one; that part
 * of the second layer's lower side which is not on the device is what the edge computes. */
#include "planner/price.h"
#include "planner/tiers/tiers_bind.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* The placement as a layer sees it. The caller frees it. */
static kerf_side *sides_of(const kerf_network *net, const kerf_tier *tier, int layer)
{
    kerf_side *side = kerf_calloc(net->n_operators, sizeof *side);
    const kerf_tier last = layer == 1 ? KERF_TIER_DEVICE : KERF_TIER_EDGE;
    for (size_t i = 0; side && i < net->n_operators; i++)
        side[i] = net->operators[i].constant  ? KERF_SIDE_FREE
                  : tier[i] == KERF_TIER_FREE ? KERF_SIDE_FREE
                  : tier[i] <= last           ? KERF_SIDE_DEVICE
                                              : KERF_SIDE_SERVER;
    return side;
}

static bool leaves(const kerf_network *net, const kerf_tensor *t, const kerf_tier *tier,
                   kerf_tier last)
{
    for (size_t c = 0; c < t->n_consumers; c++)
        if (!net->operators[t->consumers[c]].constant && tier[t->consumers[c]] > last)
            return true;
    return false;
}

bool tier_crosses(const tier_binding *b, const kerf_tier *tier, int layer, size_t index)
{
    const kerf_network *net = b->question->edge.network;
    const kerf_tensor *t = &net->tensors[index];
    const kerf_tier last = layer == 1 ? KERF_TIER_DEVICE : KERF_TIER_EDGE;
    if (t->constant || (t->producer == KERF_NONE && !t->is_input) ||
        (t->producer != KERF_NONE && tier[t->producer] > last))
        return false;
    return leaves(net, t, tier, last) || (t->is_output && b->layer[layer - 1].result_at_server);
}

/* What the edge computes: of every fused group the part between its two ends. */
static kerf_cost price_edge(const tier_binding *b, const kerf_tier *tier)
{
    const kerf_network *net = b->question->edge.network;
    const kerf_power_mode *mode = b->mode[TIER_EDGE];
    kerf_cost sum = {0, 0};
    bool any = false;
    for (size_t g = 0; g < net->n_groups; g++) {
        const kerf_group *group = &net->groups[g];
        size_t first = group->n_operators, last = 0;
        for (size_t k = 0; k < group->n_operators; k++)
            if (tier[group->operators[k]] == KERF_TIER_EDGE) {
                first = k < first ? k : first;
                last = k + 1;
            }
        if (first >= last)
            continue;
        const kerf_cost part = kerf_price_part(b->first.server, g, first, last);
        sum.latency_s += part.latency_s;
        sum.energy_J += part.energy_J;
        any = true;
    }
    if (any) {
        sum.latency_s += mode->partition_s;
        sum.energy_J += mode->partition_J;
    }
    sum.latency_s /= 1 - b->question->edge.server_load;
    return sum;
}

static double objective_of(const kerf_question *q, const kerf_tiers_cost *c)
{
    const kerf_plan_cost *f = &c->first;
    switch (q->objective) {
    case KERF_OBJ_ENERGY:
        return f->device_energy_J;
    case KERF_OBJ_LATENCY:
        return f->latency_s;
    case KERF_OBJ_THROUGHPUT:
        return f->throughput_per_s;
    case KERF_OBJ_EDP:
        return f->device_energy_J * f->latency_s;
    case KERF_OBJ_TOTAL_ENERGY:
        return f->device_energy_J + f->server_energy_J + c->cloud_energy_J + c->cloud_link_J;
    case KERF_OBJ_WEIGHTED:
        return q->weight_energy * f->device_energy_J + q->weight_latency * f->latency_s;
    }
    return NAN;
}

static void total(const tier_binding *b, kerf_tiers_cost *c)
{
    const kerf_question *q = &b->layer[0];
    kerf_plan_cost *f = &c->first;
    const double elsewhere = f->server_s + c->cloud_uplink_s + c->cloud_s + c->cloud_downlink_s;
    const double waiting =
        q->result_at_server ? f->uplink_s : f->uplink_s + elsewhere + f->downlink_s;
    f->wait_J = cut_wait_W(q, b->mode[TIER_DEVICE]) * waiting;
    f->device_energy_J = f->compute_J + f->uplink_J + f->wait_J + f->downlink_J + f->radio_fixed_J;
    f->latency_s = f->device_s + f->uplink_s + elsewhere + f->downlink_s;
    const kerf_link *links[] = {q->link, b->question->cloud_link};
    const double up[] = {f->uplink_bytes, c->cloud_uplink_bytes};
    const double down[] = {f->downlink_bytes, c->cloud_downlink_bytes};
    double slowest = fmax(f->device_s, fmax(f->server_s, c->cloud_s));
    for (int i = 0; i < 2; i++) {
        slowest = fmax(slowest, kerf_link_occupancy_s(links[i], KERF_UPLINK, up[i]));
        slowest = fmax(slowest, kerf_link_occupancy_s(links[i], KERF_DOWNLINK, down[i]));
    }
    f->throughput_per_s = slowest > 0 ? 1 / slowest : INFINITY;
    f->objective = objective_of(q, c);
}

kerf_status tier_price(const tier_binding *b, const kerf_tier *tier, kerf_tiers_cost *cost,
                       kerf_error *err)
{
    const kerf_network *net = b->question->edge.network;
    kerf_side *lower = sides_of(net, tier, 1), *upper = sides_of(net, tier, 2);
    kerf_plan_cost first, second;
    kerf_status status = lower && upper
                             ? KERF_OK
                             : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while pricing");
    if (status == KERF_OK)
        status = price_placement(&b->layer[0], b->mode[TIER_DEVICE], b->first.device,
                                 b->first.server, lower, &first, err);
    if (status == KERF_OK)
        status = price_placement(&b->layer[1], b->mode[TIER_EDGE], b->first.server, b->cloud, upper,
                                 &second, err);
    free(lower);
    free(upper);
    if (status != KERF_OK)
        return status;
    const kerf_cost edge = price_edge(b, tier);
    kerf_tiers_cost c = {.first = first,
                         .cloud_uplink_s = second.uplink_s,
                         .cloud_s = second.server_s,
                         .cloud_downlink_s = second.downlink_s,
                         .cloud_energy_J = second.server_energy_J,
                         .cloud_link_J = second.uplink_J + second.downlink_J + second.radio_fixed_J,
                         .cloud_uplink_bytes = second.uplink_bytes,
                         .cloud_downlink_bytes = second.downlink_bytes};
    c.first.server_s = edge.latency_s;
    c.first.server_energy_J = edge.energy_J;
    total(b, &c);
    *cost = c;
    return KERF_OK;
}
