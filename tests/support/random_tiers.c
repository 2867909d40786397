#include "random_tiers.h"

#include <math.h>
#include <string.h>

static double figure(rng *r, int taste, double low, double high)
{
    if (taste == 1)
        return sqrt(low * high) * (double)rng_below(r, 4);
    if (taste == 2)
        return sqrt(low * high);
    if (taste == 3 && rng_chance(r, 0.6))
        return 0;
    return rng_log(r, low, high);
}

/* Parts of a group: arbitrary, or a launch and what its operators take, fused or not. */
static void random_edge(rng *r, int taste, double speed, size_t n, tier_cost *edge)
{
    int form = (int)rng_below(r, 3);
    tier_cost one = {figure(r, taste, 1e-5, 1e-2) / speed, figure(r, taste, 1e-4, 1e-1)};
    tier_cost launch = {figure(r, taste, 1e-5, 1e-2) / speed, figure(r, taste, 1e-4, 1e-1)};
    for (size_t i = 0; i <= n; i++)
        for (size_t j = i + 1; j <= n; j++) {
            double ends = (i > 0 ? 0.5 : 0) + (j < n ? 0.5 : 0), length = (double)(j - i);
            tier_cost *at = &edge[i * (n + 1) + j];
            *at =
                (tier_cost){launch.s + one.s * (length + ends), launch.J + one.J * (length + ends)};
            if (form == 0)
                *at =
                    (tier_cost){figure(r, taste, 1e-5, 3e-2) / speed, figure(r, taste, 1e-4, 3e-1)};
            else if (form == 1) /* memory- or compute-bound, whichever is more */
                at->s = fmax(at->s, one.s * 0.5 * (2 + 3 * ends));
        }
}

void random_tiers(rng *r, shape kind, size_t n, tiers_box *box)
{
    int taste = rng_chance(r, 0.5) ? 0 : (int)rng_below(r, 4);
    double speed = rng_log(r, 0.3, 30), faster = speed * rng_log(r, 0.5, 30);
    random_problem(r, kind, n, &box->box);
    random_problem(r, SHAPE_CHAIN, 1, &box->second);
    cut_problem *first = &box->box.p;
    double *back = box_alloc(&box->box, first->n_tensors, sizeof *back);
    tier_group *groups = box_alloc(&box->box, first->n_groups, sizeof *groups);
    for (size_t t = 0; t < first->n_tensors; t++)
        back[t] = first->tensors[t].down_bytes;
    for (size_t g = 0; g < first->n_groups; g++) {
        size_t m = first->groups[g].n;
        tier_cost *edge = box_alloc(&box->box, (m + 1) * (m + 1), sizeof *edge);
        tier_cost *cloud = box_alloc(&box->box, m + 1, sizeof *cloud);
        random_edge(r, taste, speed, m, edge);
        for (size_t j = 0; j < m; j++)
            cloud[j] =
                (tier_cost){figure(r, taste, 1e-5, 3e-2) / faster, figure(r, taste, 1e-4, 3e-1)};
        if (rng_chance(r, 0.2))
            cloud[m] = (tier_cost){figure(r, taste, 1e-6, 1e-4), 0};
        groups[g] = (tier_group){edge, cloud};
    }
    box->p = (tier_problem){.first = first,
                            .groups = groups,
                            .link2 = &box->second.link,
                            .back_bytes = back,
                            .result = first->result_at_server ? 1 + (int)rng_below(r, 2) : 0};
    if (rng_chance(r, 0.7))
        box->p.edge_part = (tier_cost){figure(r, taste, 1e-5, 1e-2), figure(r, taste, 1e-4, 1e-1)};
    if (rng_chance(r, 0.7))
        box->p.cloud_part = (tier_cost){figure(r, taste, 1e-5, 1e-2), figure(r, taste, 1e-4, 1e-1)};
}

void random_tiers_clear(tiers_box *box)
{
    box_clear(&box->box);
    box_clear(&box->second);
}

void random_tier_pins(rng *r, tiers_box *box)
{
    size_t n = box->box.p.n;
    uint8_t *allowed = box_alloc(&box->box, n, 1);
    double share = rng_chance(r, 0.5) ? 0.1 : 0.3;
    for (size_t v = 0; v < n; v++) {
        allowed[v] = 7;
        if (!rng_chance(r, share))
            continue;
        double place = (double)v / (double)n;
        if (rng_chance(r, 0.5)) /* one tier, mostly the one that fits */
            allowed[v] =
                (uint8_t)(1U << (size_t)fmin(2, floor(3 * (0.7 * place + 0.3 * rng_unit(r)))));
        else
            allowed[v] = (uint8_t)(7U & ~(1U << rng_below(r, 3)));
    }
    box->p.allowed = allowed;
}

/* --- naive pricing --- */

static void naive_groups(const tier_problem *p, const uint8_t *x, tier_value *v)
{
    for (size_t g = 0; g < p->first->n_groups; g++) {
        const cut_group *group = &p->first->groups[g];
        size_t count[3] = {0};
        for (size_t k = 0; k < group->n; k++)
            count[x[group->operators[k]]]++;
        size_t i = count[0], j = count[0] + count[1];
        v->base.device_s += group->table[i].device_s;
        v->base.device_J += group->table[i].device_J;
        v->base.server_s += i < j ? p->groups[g].edge[i * (group->n + 1) + j].s : 0;
        v->base.server_J += i < j ? p->groups[g].edge[i * (group->n + 1) + j].J : 0;
        v->cloud_s += p->groups[g].cloud[j].s;
        v->cloud_J += p->groups[g].cloud[j].J;
    }
}

static void naive_bytes(const tier_problem *p, const uint8_t *x, tier_value *v)
{
    for (size_t t = 0; t < p->first->n_tensors; t++) {
        const cut_tensor *tensor = &p->first->tensors[t];
        bool result = tensor->to_server || tensor->to_device;
        bool source = tensor->producer == CUT_SOURCE;
        uint8_t at = source ? 0 : x[tensor->producer];
        bool edge = result && p->result >= 1, cloud = result && p->result == 2;
        for (size_t i = 0; i < tensor->n_consumers; i++) {
            edge = edge || x[tensor->consumers[i]] >= 1;
            cloud = cloud || x[tensor->consumers[i]] == 2;
        }
        v->bytes[UP1] += at == 0 && edge ? tensor->up_bytes : 0;
        v->bytes[UP2] += at <= 1 && cloud ? tensor->up_bytes : 0;
        v->bytes[DOWN2] += result && !source && at == 2 && p->result <= 1 ? p->back_bytes[t] : 0;
        v->bytes[DOWN1] += result && !source && at >= 1 && p->result == 0 ? p->back_bytes[t] : 0;
    }
}

void naive_tiers(const tier_problem *p, const uint8_t *x, tier_value *v)
{
    memset(v, 0, sizeof *v);
    cut_value layer;
    uint8_t above[64];
    const cut_problem *first = p->first;
    size_t count[3] = {0};
    for (size_t i = 0; i < first->n; i++) {
        count[x[i]]++;
        above[i] = x[i] > 0;
    }
    naive_groups(p, x, v);
    naive_bytes(p, x, v);
    v->base.device_s += count[0] ? first->device_part.device_s : 0;
    v->base.device_J += count[0] ? first->device_part.device_J : 0;
    v->base.server_s += count[1] ? p->edge_part.s : 0;
    v->base.server_J += count[1] ? p->edge_part.J : 0;
    v->cloud_s += count[2] ? p->cloud_part.s : 0;
    v->cloud_J += count[2] ? p->cloud_part.J : 0;
    const kerf_link *l1 = first->link, *l2 = p->link2;
    double up1 = kerf_link_transfer_s(l1, KERF_UPLINK, v->bytes[UP1]);
    double rest = v->base.server_s + v->cloud_s +
                  kerf_link_transfer_s(l2, KERF_UPLINK, v->bytes[UP2]) +
                  kerf_link_transfer_s(l2, KERF_DOWNLINK, v->bytes[DOWN2]) +
                  kerf_link_transfer_s(l1, KERF_DOWNLINK, v->bytes[DOWN1]);
    v->base.latency_s = v->base.device_s + up1 + rest;
    v->base.energy_J = v->base.device_J + kerf_link_transfer_J(l1, KERF_UPLINK, v->bytes[UP1]) +
                       kerf_link_transfer_J(l1, KERF_DOWNLINK, v->bytes[DOWN1]) +
                       first->wait_W * (p->result == 0 ? up1 + rest : up1);
    if (v->bytes[UP1] + v->bytes[DOWN1] > 0)
        v->base.energy_J += kerf_link_fixed_J(l1);
    v->others_J = v->base.server_J + v->cloud_J +
                  kerf_link_transfer_J(l2, KERF_UPLINK, v->bytes[UP2]) +
                  kerf_link_transfer_J(l2, KERF_DOWNLINK, v->bytes[DOWN2]);
    if (v->bytes[UP2] + v->bytes[DOWN2] > 0)
        v->others_J += kerf_link_fixed_J(l2);
    v->base.slowest_s = fmax(v->base.device_s, fmax(v->base.server_s, v->cloud_s));
    for (int t = 0; t < N_TRANSFERS; t++)
        v->base.slowest_s = fmax(
            v->base.slowest_s,
            kerf_link_occupancy_s(t == UP1 || t == DOWN1 ? l1 : l2,
                                  t == UP1 || t == UP2 ? KERF_UPLINK : KERF_DOWNLINK, v->bytes[t]));
    naive_value(first, above, &layer); /* memory only */
    v->base.memory_bytes = layer.memory_bytes;
    double objectives[] = {v->base.energy_J,
                           v->base.latency_s,
                           v->base.slowest_s,
                           v->base.energy_J * v->base.latency_s,
                           v->base.energy_J + v->others_J,
                           first->weight_energy * v->base.energy_J +
                               first->weight_latency * v->base.latency_s};
    const kerf_limits *limits = &first->limits;
    const double pairs[][2] = {{v->base.latency_s, limits->deadline_s},
                               {v->base.energy_J, limits->energy_J},
                               {v->base.memory_bytes, limits->memory_bytes},
                               {v->bytes[UP1], limits->max_bytes}};
    v->base.objective = objectives[first->objective];
    for (int i = 0; i < 4; i++)
        if (pairs[i][1] > 0)
            v->base.violation = fmax(v->base.violation, pairs[i][0] / pairs[i][1] - 1);
    if (count[0] < limits->min_device_operators)
        v->base.violation =
            fmax(v->base.violation, 1 - (double)count[0] / (double)limits->min_device_operators);
    if (!(v->base.violation > 1e-9))
        v->base.violation = 0;
}

static bool naive_legal(const tier_problem *p, const uint8_t *x)
{
    for (size_t v = 0; v < p->first->n; v++)
        if (p->allowed && !(p->allowed[v] & (1U << x[v])))
            return false;
    for (size_t t = 0; t < p->first->n_tensors; t++) {
        const cut_tensor *tensor = &p->first->tensors[t];
        for (size_t i = 0; i < tensor->n_consumers; i++)
            if (tensor->producer != CUT_SOURCE && x[tensor->producer] > x[tensor->consumers[i]])
                return false;
    }
    return true;
}

void brute_force_tiers(const tier_problem *p, tiers_answer *answer)
{
    *answer = (tiers_answer){.objective = INFINITY, .violation = INFINITY};
    size_t all = 1;
    for (size_t v = 0; v < p->first->n; v++)
        all *= 3;
    for (size_t code = 0; code < all; code++) {
        uint8_t x[16] = {0};
        size_t rest = code;
        for (size_t v = 0; v < p->first->n; v++, rest /= 3)
            x[v] = (uint8_t)(rest % 3);
        if (!naive_legal(p, x))
            continue;
        tier_value value;
        naive_tiers(p, x, &value);
        answer->placements++;
        answer->violation = fmin(answer->violation, value.base.violation);
        if (value.base.violation == 0 && value.base.objective < answer->objective) {
            answer->feasible = true;
            answer->objective = value.base.objective;
        }
    }
}
