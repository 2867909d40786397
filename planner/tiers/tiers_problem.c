#include "planner/tiers/tiers.h"

#include <math.h>
#include <stddef.h>

const kerf_link *tier_link(const tier_problem *problem, tier_transfer transfer)
{
    return tier_layer(transfer) == 1 ? problem->first->link : problem->link2;
}

static bool is_result(const cut_tensor *tensor)
{
    return tensor->to_server || tensor->to_device;
}

bool tier_result_above(const tier_problem *problem, size_t t, int layer)
{
    return is_result(&problem->first->tensors[t]) && problem->result >= layer;
}

double tier_back_bytes(const tier_problem *problem, size_t t, int layer)
{
    const cut_tensor *tensor = &problem->first->tensors[t];
    bool back = is_result(tensor) && tensor->producer != CUT_SOURCE && problem->result < layer;
    return back ? problem->back_bytes[t] : 0;
}

static size_t below_layer(const cut_group *group, const uint8_t *x, int layer)
{
    size_t j = 0;
    while (j < group->n && x[group->operators[j]] < layer)
        j++;
    return j;
}

static void add_groups(const tier_problem *problem, const uint8_t *x, tier_value *value)
{
    for (size_t g = 0; g < problem->first->n_groups; g++) {
        const cut_group *group = &problem->first->groups[g];
        size_t i = below_layer(group, x, 1), j = below_layer(group, x, 2);
        const tier_cost *edge = &problem->groups[g].edge[i * (group->n + 1) + j];
        value->base.device_s += group->table[i].device_s;
        value->base.device_J += group->table[i].device_J;
        if (i < j) {
            value->base.server_s += edge->s;
            value->base.server_J += edge->J;
        }
        value->cloud_s += problem->groups[g].cloud[j].s;
        value->cloud_J += problem->groups[g].cloud[j].J;
    }
}

static void add_parts(const tier_problem *problem, const uint8_t *x, tier_value *value)
{
    const cut_cost *device = &problem->first->device_part;
    size_t count[N_TIERS] = {0};
    for (size_t v = 0; v < problem->first->n; v++)
        count[x[v]]++;
    if (count[TIER_DEVICE] > 0) {
        value->base.device_s += device->device_s;
        value->base.device_J += device->device_J;
    }
    if (count[TIER_EDGE] > 0) {
        value->base.server_s += problem->edge_part.s;
        value->base.server_J += problem->edge_part.J;
    }
    if (count[TIER_CLOUD] > 0) {
        value->cloud_s += problem->cloud_part.s;
        value->cloud_J += problem->cloud_part.J;
    }
    value->base.device_operators = count[TIER_DEVICE];
    value->edge_operators = count[TIER_EDGE];
    value->cloud_operators = count[TIER_CLOUD];
}

static void add_bytes(const tier_problem *problem, const uint8_t *x, tier_value *value)
{
    for (size_t t = 0; t < problem->first->n_tensors; t++) {
        const cut_tensor *tensor = &problem->first->tensors[t];
        int from = tensor->producer == CUT_SOURCE ? 0 : x[tensor->producer], to = from;
        if (is_result(tensor) && problem->result > to)
            to = problem->result;
        for (size_t i = 0; i < tensor->n_consumers; i++)
            if (x[tensor->consumers[i]] > to)
                to = x[tensor->consumers[i]];
        for (int layer = 1; layer <= 2; layer++) {
            if (from < layer && to >= layer)
                value->bytes[layer == 1 ? UP1 : UP2] += tensor->up_bytes;
            if (from >= layer)
                value->bytes[layer == 1 ? DOWN1 : DOWN2] += tier_back_bytes(problem, t, layer);
        }
    }
}

static void combine_links(const tier_problem *problem, tier_value *value)
{
    cut_value *base = &value->base;
    for (int t = 0; t < N_TRANSFERS; t++) {
        const kerf_link *link = tier_link(problem, (tier_transfer)t);
        kerf_direction way = tier_direction((tier_transfer)t);
        double bytes = value->bytes[t];
        value->s[t] = bytes > 0 ? kerf_link_transfer_s(link, way, bytes) : 0;
        value->J[t] = bytes > 0 ? kerf_link_transfer_J(link, way, bytes) : 0;
        if (bytes > 0)
            base->slowest_s = fmax(base->slowest_s, kerf_link_occupancy_s(link, way, bytes));
    }
    base->up_bytes = value->bytes[UP1];
    base->down_bytes = value->bytes[DOWN1];
    base->up_s = value->s[UP1];
    base->down_s = value->s[DOWN1];
    base->up_J = value->J[UP1];
    base->down_J = value->J[DOWN1];
    base->fixed_J =
        base->up_bytes + base->down_bytes > 0 ? kerf_link_fixed_J(problem->first->link) : 0;
    value->fixed2_J =
        value->bytes[UP2] + value->bytes[DOWN2] > 0 ? kerf_link_fixed_J(problem->link2) : 0;
}

void tier_evaluate_costs(const tier_problem *problem, const uint8_t *x, tier_value *value)
{
    *value = (tier_value){.cloud_s = 0};
    cut_value *base = &value->base;
    add_groups(problem, x, value);
    add_parts(problem, x, value);
    add_bytes(problem, x, value);
    base->slowest_s = fmax(base->device_s, fmax(base->server_s, value->cloud_s));
    combine_links(problem, value);
    double after = base->server_s + value->cloud_s + value->s[UP2] + value->s[DOWN2] + base->down_s;
    double waiting = base->up_s + (problem->result == TIER_DEVICE ? after : 0);
    base->wait_J = problem->first->wait_W * waiting;
    base->energy_J = base->device_J + base->up_J + base->down_J + base->fixed_J + base->wait_J;
    base->latency_s = base->device_s + base->up_s + after;
    value->others_J =
        base->server_J + value->cloud_J + value->J[UP2] + value->J[DOWN2] + value->fixed2_J;
    base->objective = cut_objective(problem->first, base->energy_J, base->latency_s,
                                    base->slowest_s, value->others_J);
    base->violation = cut_violation(&problem->first->limits, base);
}

void tier_evaluate(const tier_problem *problem, const uint8_t *x, tier_value *value)
{
    tier_evaluate_costs(problem, x, value);
    value->base.memory_bytes = cut_memory_bytes(problem->first, x);
    value->base.violation = cut_violation(&problem->first->limits, &value->base);
}

bool tier_is_legal(const tier_problem *problem, const uint8_t *x)
{
    for (size_t v = 0; v < problem->first->n; v++)
        if (x[v] > TIER_CLOUD || (problem->allowed && !(problem->allowed[v] >> x[v] & 1)))
            return false;
    for (size_t t = 0; t < problem->first->n_tensors; t++) {
        const cut_tensor *tensor = &problem->first->tensors[t];
        for (size_t i = 0; tensor->producer != CUT_SOURCE && i < tensor->n_consumers; i++)
            if (x[tensor->producer] > x[tensor->consumers[i]])
                return false;
    }
    return true;
}

/* --- as a weighted sum --- */

double tier_weighted(const cut_weights *weights, const tier_value *value)
{
    return weights->energy * value->base.energy_J + weights->latency * value->base.latency_s +
           weights->server * value->others_J;
}

double tier_transfer_cost(const tier_problem *problem, const cut_weights *weights,
                          tier_transfer transfer, double bytes)
{
    kerf_direction way = tier_direction(transfer);
    if (tier_layer(transfer) == 1)
        return cut_link_cost(problem->first, weights, way, bytes);
    return cut_server_price(problem->first, weights) *
               kerf_link_transfer_s(problem->link2, way, bytes) +
           weights->server * kerf_link_transfer_J(problem->link2, way, bytes);
}

double tier_transfer_slope(const tier_problem *problem, const cut_weights *weights,
                           tier_transfer transfer, double bytes)
{
    kerf_direction way = tier_direction(transfer);
    if (tier_layer(transfer) == 1)
        return cut_link_slope(problem->first, weights, way, bytes);
    return cut_server_price(problem->first, weights) *
               kerf_link_slope_s_per_byte(problem->link2, way, bytes) +
           weights->server * kerf_link_slope_J_per_byte(problem->link2, way, bytes);
}

double tier_fixed_cost(const tier_problem *problem, const cut_weights *weights, int layer)
{
    return layer == 1 ? weights->energy * kerf_link_fixed_J(problem->first->link)
                      : weights->server * kerf_link_fixed_J(problem->link2);
}

void tier_byte_range(const tier_problem *problem, tier_transfer transfer, double *least,
                     double *sum)
{
    int layer = tier_layer(transfer);
    *least = *sum = 0;
    for (size_t t = 0; t < problem->first->n_tensors; t++) {
        const cut_tensor *tensor = &problem->first->tensors[t];
        bool up = tensor->n_consumers > 0 || tier_result_above(problem, t, layer);
        double bytes = tier_direction(transfer) == KERF_DOWNLINK
                           ? tier_back_bytes(problem, t, layer)
                       : up ? tensor->up_bytes
                            : 0;
        *sum += bytes;
        if (bytes > 0 && (*least <= 0 || bytes < *least))
            *least = bytes;
    }
}

/* --- what pins leave --- */

static bool fit(const tier_problem *problem, size_t v, uint8_t *low, uint8_t *high)
{
    unsigned allowed = problem->allowed ? problem->allowed[v] : 7U;
    while (low[v] <= high[v] && !(allowed >> low[v] & 1))
        low[v]++;
    while (high[v] > low[v] && !(allowed >> high[v] & 1))
        high[v]--;
    return low[v] <= high[v];
}

bool tier_narrow(const tier_problem *problem, const cut_dag *dag, uint8_t *low, uint8_t *high)
{
    const cut_problem *p = problem->first;
    for (size_t v = 0; v < p->n; v++) { /* operators are in topological order */
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++) {
            size_t u = p->tensors[dag->read[i]].producer;
            if (u != CUT_SOURCE && low[u] > low[v])
                low[v] = low[u];
        }
        if (!fit(problem, v, low, high))
            return false;
    }
    for (size_t v = p->n; v-- > 0;) {
        for (size_t i = dag->made_start[v]; i < dag->made_start[v + 1]; i++) {
            const cut_tensor *tensor = &p->tensors[dag->made[i]];
            for (size_t c = 0; c < tensor->n_consumers; c++)
                if (high[tensor->consumers[c]] < high[v])
                    high[v] = high[tensor->consumers[c]];
        }
        if (high[v] < low[v] || !fit(problem, v, low, high))
            return false;
    }
    return true;
}
