#include "planner/tiers/tiers_bind.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

static int result_tier(const kerf_tiers_question *q)
{
    switch (q->result) {
    case KERF_TIER_DEVICE:
        return TIER_DEVICE;
    case KERF_TIER_EDGE:
        return TIER_EDGE;
    case KERF_TIER_CLOUD:
        return TIER_CLOUD;
    case KERF_TIER_FREE:
        break;
    }
    return q->edge.result_at_server ? TIER_EDGE : TIER_DEVICE;
}

kerf_status tier_check_question(const kerf_tiers_question *q, kerf_error *err)
{
    if (!q->cloud || !q->cloud_link)
        return kerf_fail(err, KERF_E_INVALID, "question",
                         "lacks its %s, expected a cloud and a "
                         "link to it",
                         q->cloud ? "cloud link" : "cloud");
    if (!q->edge.network || !q->edge.device || !q->edge.server || !q->edge.link)
        return kerf_fail(err, KERF_E_INVALID, "question",
                         "lacks its network, device, edge server or link");
    if (q->cloud->n_modes == 0 || q->edge.server->n_modes == 0 || q->edge.device->n_modes == 0)
        return kerf_fail(err, KERF_E_INVALID, "question", "has a tier without a power mode");
    if (!(isfinite(q->cloud_load) && q->cloud_load >= 0 && q->cloud_load < 1))
        return kerf_fail(err, KERF_E_INVALID, "cloud load", "is %g, expected 0 <= load < 1",
                         q->cloud_load);
    if ((int)q->result < KERF_TIER_FREE || q->result > KERF_TIER_CLOUD)
        return kerf_fail(err, KERF_E_INVALID, "result", "is needed on no tier");
    bool costs = false;
    for (size_t i = 0; i < q->edge.n_encodings; i++) {
        const kerf_encoding *e = &q->edge.encodings[i];
        costs = costs || e->device_s_per_byte > 0 || e->device_J_per_byte > 0 ||
                e->server_s_per_byte > 0 || e->server_J_per_byte > 0;
    }
    if (costs || q->edge.n_variants > 0 || q->edge.limits.min_accuracy > 0)
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "encodings with a cost, network variants and a minimum accuracy are not "
                         "planned for over three tiers");
    return kerf_link_check(q->cloud_link, err);
}

/* --- what may run where --- */

static const char *word(unsigned tier)
{
    return kerf_tier_name((kerf_tier)(KERF_TIER_DEVICE + tier));
}

static kerf_status pin_operator(tier_binding *b, size_t index, unsigned tier, kerf_error *err)
{
    const kerf_network *net = b->question->edge.network;
    if (index >= net->n_operators)
        return kerf_fail(err, KERF_E_INVALID, "pin", "names operator %zu of %zu", index,
                         net->n_operators);
    const kerf_operator *op = &net->operators[index];
    const size_t v = b->first.index_of[index];
    if (tier >= N_TIERS)
        return kerf_fail(err, KERF_E_INVALID, op->name, "is pinned to no tier");
    if (v == KERF_NONE)
        return kerf_fail(err, KERF_E_INVALID, op->name,
                         "cannot be pinned: it depends on no input, so it is on no tier");
    if (!(b->allowed[v] >> tier & 1))
        return kerf_fail(err, KERF_E_INFEASIBLE, op->name,
                         "is pinned to the %s and to another tier", word(tier));
    b->allowed[v] = (uint8_t)(1U << tier);
    return KERF_OK;
}

static kerf_status apply_pins(tier_binding *b, kerf_error *err)
{
    const kerf_tiers_question *q = b->question;
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < q->edge.n_pins; i++) {
        const kerf_side side = q->edge.pins[i].side;
        status = pin_operator(b, q->edge.pins[i].operator_index,
                              side == KERF_SIDE_DEVICE   ? TIER_DEVICE
                              : side == KERF_SIDE_SERVER ? TIER_EDGE
                                                         : N_TIERS,
                              err);
    }
    for (size_t i = 0; status == KERF_OK && i < q->n_pins; i++)
        status = pin_operator(b, q->pins[i].operator_index,
                              (unsigned)q->pins[i].tier - KERF_TIER_DEVICE, err);
    return status;
}

static kerf_status apply_support(tier_binding *b, kerf_error *err)
{
    const kerf_tiers_question *q = b->question;
    const kerf_device *const tiers[] = {q->edge.device, q->edge.server, q->cloud};
    for (size_t v = 0; v < b->first.problem.n; v++) {
        const kerf_operator *op = &q->edge.network->operators[b->first.operator_of[v]];
        unsigned supported = 0;
        for (unsigned tier = 0; tier < N_TIERS; tier++)
            supported |= kerf_device_supports(tiers[tier], op->type) ? 1U << tier : 0;
        if (supported == 0)
            return kerf_fail(err, KERF_E_INFEASIBLE, op->name, "is a %s, which no tier supports",
                             op->type);
        if (!(b->allowed[v] & supported))
            return kerf_fail(err, KERF_E_INFEASIBLE, op->name,
                             "is a %s, which the tier that it is pinned to does not support",
                             op->type);
        b->allowed[v] = (uint8_t)(b->allowed[v] & supported);
    }
    return KERF_OK;
}

/* Data never flows back: no operator may be pinned before one that it depends on. */
static kerf_status check_order(tier_binding *b, kerf_error *err)
{
    const cut_problem *p = &b->first.problem;
    const kerf_network *net = b->question->edge.network;
    uint8_t *least = kerf_calloc(p->n, 1);
    size_t *because = kerf_calloc(p->n, sizeof *because);
    kerf_status status = least && because ? KERF_OK : KERF_E_NOMEM;
    for (size_t v = 0; status == KERF_OK && v < p->n; v++)
        because[v] = v;
    for (size_t v = 0; status == KERF_OK && v < p->n; v++) {
        const kerf_operator *op = &net->operators[b->first.operator_of[v]];
        uint8_t from = least[v];
        while (least[v] < N_TIERS && !(b->allowed[v] >> least[v] & 1))
            least[v]++;
        if (least[v] == N_TIERS) {
            const unsigned last = b->allowed[v] >= 4   ? TIER_CLOUD
                                  : b->allowed[v] >= 2 ? TIER_EDGE
                                                       : TIER_DEVICE;
            status = kerf_fail(err, KERF_E_INFEASIBLE, op->name,
                               "may not run beyond the %s, but it needs the result of '%s', which "
                               "runs on the %s at the earliest (data never flows back)",
                               word(last), net->operators[b->first.operator_of[because[v]]].name,
                               word(from));
            break;
        }
        for (size_t o = 0; o < op->n_outputs; o++) {
            if (op->outputs[o] == KERF_NONE)
                continue;
            const kerf_tensor *t = &net->tensors[op->outputs[o]];
            for (size_t c = 0; c < t->n_consumers; c++) {
                const size_t w = b->first.index_of[t->consumers[c]];
                if (w != KERF_NONE && least[w] < least[v]) {
                    least[w] = least[v];
                    because[w] = v;
                }
            }
        }
    }
    free(least);
    free(because);
    return status;
}

static kerf_status bind_allowed(tier_binding *b, kerf_error *err)
{
    b->allowed = kerf_calloc(b->first.problem.n, 1);
    if (!b->allowed)
        return KERF_E_NOMEM;
    for (size_t v = 0; v < b->first.problem.n; v++)
        b->allowed[v] = 7;
    kerf_status status = apply_pins(b, err);
    if (status == KERF_OK)
        status = apply_support(b, err);
    return status == KERF_OK ? check_order(b, err) : status;
}

/* --- costs --- */

static tier_cost part_cost(const kerf_pricer *pricer, size_t group, size_t from, size_t to,
                           double load)
{
    const kerf_cost cost = kerf_price_part(pricer, group, from, to);
    return (tier_cost){cost.latency_s / (1 - load), cost.energy_J};
}

static kerf_status bind_groups(tier_binding *b)
{
    const kerf_tiers_question *q = b->question;
    const kerf_network *net = q->edge.network;
    size_t room = 0;
    for (size_t g = 0; g < net->n_groups; g++) {
        size_t n = net->groups[g].n_operators + 1;
        if (n > SIZE_MAX / (n + 1) || n * (n + 1) > SIZE_MAX / 64 - room)
            return KERF_E_NOMEM;
        room += n * (n + 1);
    }
    b->groups = kerf_calloc(net->n_groups, sizeof *b->groups);
    b->pool = kerf_calloc(room, sizeof *b->pool);
    if (!b->groups || !b->pool)
        return KERF_E_NOMEM;
    tier_cost *at = b->pool;
    for (size_t g = 0; g < net->n_groups; g++) {
        const size_t n = net->groups[g].n_operators;
        b->groups[g] = (tier_group){.edge = at, .cloud = at + (n + 1) * (n + 1)};
        for (size_t i = 0; i <= n; i++)
            for (size_t j = i + 1; j <= n; j++)
                at[i * (n + 1) + j] = part_cost(b->first.server, g, i, j, q->edge.server_load);
        at += (n + 1) * (n + 1);
        for (size_t j = 0; j <= n; j++)
            *at++ = part_cost(b->cloud, g, j, n, q->cloud_load);
    }
    return KERF_OK;
}

static kerf_status bind_results(tier_binding *b)
{
    const cut_binding *first = &b->first;
    const kerf_encoding encoding = cut_encoding(&b->layer[0]);
    b->back_bytes = kerf_calloc(first->problem.n_tensors, sizeof *b->back_bytes);
    for (size_t t = 0; b->back_bytes && t < first->problem.n_tensors; t++) {
        const kerf_tensor *tensor = &b->question->edge.network->tensors[first->tensor_of[t]];
        if (tensor->is_output && first->problem.tensors[t].producer != CUT_SOURCE)
            b->back_bytes[t] = cut_encoded_bytes(tensor, &encoding);
    }
    return b->back_bytes ? KERF_OK : KERF_E_NOMEM;
}

static void set_layers(tier_binding *b)
{
    const kerf_tiers_question *q = b->question;
    const int result = result_tier(q);
    const kerf_device *const tiers[] = {q->edge.device, q->edge.server, q->cloud};
    for (int tier = 0; tier < N_TIERS; tier++) {
        b->plain[tier] = *tiers[tier];
        b->plain[tier].n_unsupported = 0;
        b->mode[tier] = &tiers[tier]->modes[tiers[tier]->default_mode];
    }
    b->layer[0] = b->layer[1] = q->edge;
    for (int i = 0; i < 2; i++) {
        b->layer[i].device = &b->plain[i];
        b->layer[i].server = &b->plain[i + 1];
        b->layer[i].pins = NULL;
        b->layer[i].n_pins = 0;
        b->layer[i].result_at_server = result > i;
    }
    b->layer[1].link = q->cloud_link;
    b->layer[1].server_load = q->cloud_load;
    b->layer[1].power_mode = NULL;
}

static kerf_status bind_all(tier_binding *b, size_t device_mode, kerf_error *err)
{
    const kerf_tiers_question *q = b->question;
    kerf_status status = cut_bind(&b->layer[0], device_mode, &b->first, err);
    if (status == KERF_OK && b->first.problem.n_bundles > 0)
        status = kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                           "profiles with figures of groups of operators are not planned with over "
                           "three tiers");
    if (status == KERF_OK)
        status = kerf_pricer_create(q->edge.network, b->mode[TIER_CLOUD], q->cloud_profile,
                                    &b->cloud, err);
    if (status == KERF_OK && kerf_pricer_groups(b->cloud) > 0)
        status = kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                           "profiles with figures of groups of operators are not planned with over "
                           "three tiers");
    if (status == KERF_OK)
        status = bind_allowed(b, err);
    if (status == KERF_OK)
        status = bind_groups(b);
    return status == KERF_OK ? bind_results(b) : status;
}

kerf_status tier_bind(const kerf_tiers_question *q, size_t device_mode, tier_binding *b,
                      kerf_error *err)
{
    *b = (tier_binding){.question = q};
    set_layers(b);
    b->mode[TIER_DEVICE] = &q->edge.device->modes[device_mode];
    const kerf_status status = bind_all(b, device_mode, err);
    if (status == KERF_E_NOMEM)
        kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while setting up the cut problem");
    if (status != KERF_OK)
        return status;
    b->problem = (tier_problem){
        .first = &b->first.problem,
        .groups = b->groups,
        .edge_part = {b->mode[TIER_EDGE]->partition_s / (1 - q->edge.server_load),
                      b->mode[TIER_EDGE]->partition_J},
        .cloud_part = {b->mode[TIER_CLOUD]->partition_s / (1 - q->cloud_load),
                       b->mode[TIER_CLOUD]->partition_J},
        .link2 = q->cloud_link,
        .back_bytes = b->back_bytes,
        .result = result_tier(q),
        .allowed = b->allowed,
    };
    return KERF_OK;
}

void tier_binding_clear(tier_binding *b)
{
    cut_binding_clear(&b->first);
    kerf_pricer_destroy(&b->cloud);
    free(b->groups);
    free(b->pool);
    free(b->back_bytes);
    free(b->allowed);
    *b = (tier_binding){.question = NULL};
}
