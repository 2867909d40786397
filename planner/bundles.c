#include "planner/bundles.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One side's groups: what they change where they are complete. */
typedef struct side_bundles {
    const kerf_pricer *pricer;
    kerf_side side;
    size_t n;
    kerf_cost *apart;  /* by group: its members' cost one kernel after the other */
    kerf_cost *change; /* by group: what it adds to that when it is complete */
} side_bundles;

/* The groups' members by fused group: a part of one that no border lies in is in the same measured
 * groups throughout. */
static kerf_status price_apart(const cut_binding *b, side_bundles *s)
{
    const kerf_network *net = b->question->network;
    size_t *innermost = kerf_calloc(net->n_operators, sizeof *innermost);
    if (!innermost)
        return KERF_E_NOMEM;
    for (size_t i = 0; i < net->n_operators; i++)
        innermost[i] = KERF_NONE;
    for (size_t k = s->n; k-- > 0;) { /* the larger ones first */
        const size_t *operators;
        size_t n, parent;
        kerf_pricer_group(s->pricer, k, &operators, &n, &parent);
        for (size_t i = 0; i < n; i++)
            innermost[operators[i]] = k;
    }
    for (size_t g = 0; g < net->n_groups; g++) {
        const kerf_group *path = &net->groups[g];
        for (size_t first = 0, last; first < path->n_operators; first = last) {
            size_t k = innermost[path->operators[first]];
            last = first + 1;
            while (last < path->n_operators && innermost[path->operators[last]] == k)
                last++;
            const kerf_cost cost =
                k == KERF_NONE ? (kerf_cost){0, 0} : kerf_price_part(s->pricer, g, first, last);
            while (k != KERF_NONE) {
                const size_t *operators;
                size_t n;
                s->apart[k].latency_s += cost.latency_s;
                s->apart[k].energy_J += cost.energy_J;
                kerf_pricer_group(s->pricer, k, &operators, &n, &k);
            }
        }
    }
    free(innermost);
    return KERF_OK;
}

/* `change` at first holds what the groups inside add already: a group replaces that, unless its
 * figure was not measured. */
static void find_changes(side_bundles *s)
{
    for (size_t k = 0; k < s->n; k++) {
        const size_t *operators;
        size_t n, parent;
        const kerf_cost measured = kerf_pricer_group(s->pricer, k, &operators, &n, &parent);
        const kerf_cost inside = s->change[k];
        kerf_cost whole = inside;
        if (!isnan(measured.latency_s))
            whole.latency_s = measured.latency_s - s->apart[k].latency_s;
        if (!isnan(measured.energy_J))
            whole.energy_J = measured.energy_J - s->apart[k].energy_J;
        s->change[k] =
            (kerf_cost){whole.latency_s - inside.latency_s, whole.energy_J - inside.energy_J};
        if (parent != KERF_NONE) {
            s->change[parent].latency_s += whole.latency_s;
            s->change[parent].energy_J += whole.energy_J;
        }
    }
}

/* All of a set are on the device if those are from which no other of it follows, and on the server
 * if those are that follow from no other. `reach` marks what follows from the set, or what it
 * follows from; keeps the members outside that. Operators are in topological order. */
static size_t keep_ends(const cut_binding *b, bool server, const size_t *members, size_t n,
                        bool *member, bool *reach, size_t *ends)
{
    const kerf_network *net = b->question->network;
    const size_t low = members[0], high = members[n - 1];
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        member[members[i]] = true;
    for (size_t step = 0; step <= high - low; step++) {
        const size_t v = server ? low + step : high - step;
        const kerf_operator *op = &net->operators[v];
        if (op->constant || (!reach[v] && !member[v]))
            continue;
        for (size_t o = 0; server && o < op->n_outputs; o++) {
            const size_t t = op->outputs[o];
            for (size_t c = 0; t != KERF_NONE && c < net->tensors[t].n_consumers; c++)
                reach[net->tensors[t].consumers[c]] = true;
        }
        for (size_t i = 0; !server && i < op->n_inputs; i++)
            if (op->inputs[i] != KERF_NONE && net->tensors[op->inputs[i]].producer != KERF_NONE)
                reach[net->tensors[op->inputs[i]].producer] = true;
    }
    for (size_t i = 0; i < n; i++)
        if (!reach[members[i]])
            ends[kept++] = b->index_of[members[i]];
    memset(member, 0, net->n_operators * sizeof *member);
    memset(reach, 0, net->n_operators * sizeof *reach);
    return kept;
}

static bool changes_anything(const kerf_cost *cost)
{
    return cost->latency_s != 0 || cost->energy_J != 0;
}

static cut_cost cost_on(const cut_binding *b, kerf_side side, const kerf_cost *change)
{
    if (side == KERF_SIDE_DEVICE)
        return (cut_cost){.device_s = change->latency_s, .device_J = change->energy_J};
    return (cut_cost){.server_s = change->latency_s / (1 - b->question->server_load),
                      .server_J = change->energy_J};
}

static kerf_status add_side(cut_binding *b, side_bundles *s)
{
    const size_t n_operators = b->question->network->n_operators;
    bool *member = kerf_calloc(n_operators, sizeof *member);
    bool *reach = kerf_calloc(n_operators, sizeof *reach);
    kerf_status status = member && reach ? KERF_OK : KERF_E_NOMEM;
    for (size_t k = 0; k < s->n && status == KERF_OK; k++) {
        const size_t *operators;
        size_t n, parent;
        kerf_pricer_group(s->pricer, k, &operators, &n, &parent);
        if (!changes_anything(&s->change[k]))
            continue;
        size_t *ends = b->bundle_pool + b->bundle_used;
        const size_t kept =
            keep_ends(b, s->side == KERF_SIDE_SERVER, operators, n, member, reach, ends);
        b->bundle_used += kept;
        b->bundles[b->problem.n_bundles++] =
            (cut_bundle){.operators = ends,
                         .n = kept,
                         .side = s->side,
                         .cost = cost_on(b, s->side, &s->change[k])};
    }
    free(member);
    free(reach);
    return status;
}

static kerf_status bind_side(cut_binding *b, const kerf_pricer *pricer, kerf_side side)
{
    side_bundles s = {.pricer = pricer, .side = side, .n = kerf_pricer_groups(pricer)};
    if (s.n == 0)
        return KERF_OK;
    s.apart = kerf_calloc(s.n, sizeof *s.apart);
    s.change = kerf_calloc(s.n, sizeof *s.change);
    kerf_status status = s.apart && s.change ? price_apart(b, &s) : KERF_E_NOMEM;
    if (status == KERF_OK) {
        find_changes(&s);
        status = add_side(b, &s);
    }
    free(s.apart);
    free(s.change);
    return status;
}

static size_t count_members(const kerf_pricer *pricer)
{
    size_t total = 0;
    for (size_t k = 0; k < kerf_pricer_groups(pricer); k++) {
        const size_t *operators;
        size_t n, parent;
        kerf_pricer_group(pricer, k, &operators, &n, &parent);
        total += n;
    }
    return total;
}

kerf_status cut_bind_bundles(cut_binding *b)
{
    const size_t n = kerf_pricer_groups(b->device) + kerf_pricer_groups(b->server);
    if (n == 0)
        return KERF_OK;
    b->bundles = kerf_calloc(n, sizeof *b->bundles);
    b->bundle_pool =
        kerf_calloc(count_members(b->device) + count_members(b->server), sizeof *b->bundle_pool);
    if (!b->bundles || !b->bundle_pool)
        return KERF_E_NOMEM;
    b->problem.bundles = b->bundles;
    kerf_status status = bind_side(b, b->device, KERF_SIDE_DEVICE);
    return status == KERF_OK ? bind_side(b, b->server, KERF_SIDE_SERVER) : status;
}
