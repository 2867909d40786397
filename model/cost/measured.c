/* Measured groups: sets of operators with figures of their own, disjoint or nested. */
#include "model/cost/pricer.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operators of the network by name. */
typedef struct names {
    const kerf_network *network;
    const kerf_operator **sorted;
} names;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const kerf_operator *const *)a)->name,
                  (*(const kerf_operator *const *)b)->name);
}

static int is_named(const void *key, const void *entry)
{
    return strcmp(key, (*(const kerf_operator *const *)entry)->name);
}

static bool sort_names(names *n, const kerf_network *network)
{
    n->network = network;
    n->sorted = kerf_calloc(network->n_operators, sizeof *n->sorted);
    if (!n->sorted)
        return false;
    for (size_t i = 0; i < network->n_operators; i++)
        n->sorted[i] = &network->operators[i];
    qsort(n->sorted, network->n_operators, sizeof *n->sorted, by_name);
    return true;
}

static int compare_sizes(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* "group 3" for messages, counted from 1. */
static const char *label_of(size_t index, char *text, size_t size)
{
    snprintf(text, size, "group %zu", index + 1);
    return text;
}

static bool is_figure(double value)
{
    return isnan(value) || (isfinite(value) && value >= 0);
}

static kerf_status check_group(const struct kerf_measured_group *group, size_t index,
                               kerf_error *err)
{
    char label[40];
    label_of(index, label, sizeof label);
    if (group->n_operators == 0)
        return kerf_fail(err, KERF_E_INVALID, label, "has no operators, expected at least one");
    if (!is_figure(group->latency_s) || !is_figure(group->energy_J))
        return kerf_fail(err, KERF_E_INVALID, label,
                         "a measured figure is negative or infinite, expected a number from 0 up");
    if (isnan(group->latency_s) && isnan(group->energy_J))
        return kerf_fail(err, KERF_E_INVALID, label,
                         "has neither a latency nor an energy, expected one or both");
    return KERF_OK;
}

/* Names to operators; constant ones are left out, as they are on no side and cost nothing. */
static kerf_status find_members(const names *n, const struct kerf_measured_group *group,
                                size_t index, price_set *set, kerf_error *err)
{
    char label[40];
    size_t *all = kerf_calloc(group->n_operators, sizeof *all);
    if (!all)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    set->operators = all;
    for (size_t i = 0; i < group->n_operators; i++) {
        const kerf_operator **found = bsearch(group->operators[i], n->sorted,
                                              n->network->n_operators, sizeof *n->sorted, is_named);
        if (!found)
            return kerf_fail(err, KERF_E_INVALID, group->operators[i],
                             "%s of the profile names it, but network %s has no such operator",
                             label_of(index, label, sizeof label), n->network->name);
        all[i] = (size_t)(*found - n->network->operators);
    }
    qsort(all, group->n_operators, sizeof *all, compare_sizes);
    for (size_t i = 0; i < group->n_operators; i++) {
        if (i > 0 && all[i] == all[i - 1])
            return kerf_fail(err, KERF_E_INVALID, n->network->operators[all[i]].name,
                             "%s of the profile names it twice, expected once",
                             label_of(index, label, sizeof label));
    }
    for (size_t i = 0; i < group->n_operators; i++)
        if (!n->network->operators[all[i]].constant)
            all[set->n++] = all[i];
    return KERF_OK;
}

/* By number of operators, the smaller first; as listed where that is the same. */
static int smaller_first(const void *a, const void *b)
{
    const price_set *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return (x->source > y->source) - (x->source < y->source);
}

/* Finds each set's smallest superset, and for every operator the smallest set that it is in: from
 * the largest set to the smallest, all members of a set must be in one and the same set so far. */
static kerf_status nest(kerf_pricer *pricer, const kerf_network *network, size_t *innermost,
                        kerf_error *err)
{
    for (size_t i = 0; i < network->n_operators; i++)
        innermost[i] = KERF_NONE;
    for (size_t s = pricer->n_sets; s-- > 0;) {
        price_set *set = &pricer->sets[s];
        set->parent = innermost[set->operators[0]];
        for (size_t i = 0; i < set->n; i++) {
            const size_t op = set->operators[i];
            if (innermost[op] != set->parent ||
                (set->parent != KERF_NONE && pricer->sets[set->parent].n == set->n)) {
                const size_t other = innermost[op] != KERF_NONE ? innermost[op] : set->parent;
                char mine[40], theirs[40];
                return kerf_fail(err, KERF_E_INVALID, network->operators[op].name,
                                 "%s and %s of the profile overlap, expected groups that are apart "
                                 "or lie one inside the other",
                                 label_of(pricer->sets[other].source, theirs, sizeof theirs),
                                 label_of(set->source, mine, sizeof mine));
            }
            innermost[op] = s;
        }
    }
    return KERF_OK;
}

/* A runtime's kernels end at a measured group's borders: a fused group is broken there. */
static void break_fusion(kerf_pricer *pricer, const kerf_network *network, const size_t *innermost)
{
    for (size_t g = 0; g < network->n_groups; g++) {
        const kerf_group *path = &network->groups[g];
        for (size_t i = 1; i < path->n_operators; i++)
            pricer->operators[pricer->begin[g] + i].breaks =
                innermost[path->operators[i]] != innermost[path->operators[i - 1]];
    }
}

/* An operator of a group with a figure is as good as measured. */
static void count_measured(kerf_pricer *pricer, const kerf_network *network,
                           const size_t *innermost)
{
    for (size_t g = 0; g < network->n_groups; g++)
        for (size_t i = 0; i < network->groups[g].n_operators; i++) {
            const price_operator *op = &pricer->operators[pricer->begin[g] + i];
            bool latency = false, energy = false;
            for (size_t s = innermost[network->groups[g].operators[i]]; s != KERF_NONE;
                 s = pricer->sets[s].parent) {
                latency = latency || pricer->sets[s].measured_latency;
                energy = energy || pricer->sets[s].measured_energy;
            }
            pricer->measured_latency += latency && !op->measured_latency;
            pricer->measured_energy += energy && !op->measured_energy;
        }
}

static void attach(const kerf_pricer *pricer, const struct kerf_measured_group *group,
                   price_set *set)
{
    set->cost = (kerf_cost){group->latency_s, group->energy_J};
    set->measured_latency = !isnan(group->latency_s);
    set->measured_energy = !isnan(group->energy_J);
    if (pricer->mode->energy_form == KERF_ENERGY_POWER && isnan(group->energy_J))
        set->cost.energy_J = pricer->mode->active_W * group->latency_s;
}

kerf_status pricer_add_sets(kerf_pricer *pricer, const kerf_network *network,
                            const kerf_profile *profile, kerf_error *err)
{
    names n = {.network = network};
    size_t *innermost = kerf_calloc(network->n_operators, sizeof *innermost);
    kerf_status status = KERF_OK;
    pricer->sets = kerf_calloc(profile->n_groups, sizeof *pricer->sets);
    if (!innermost || !pricer->sets || !sort_names(&n, network)) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < profile->n_groups && status == KERF_OK; i++) {
        price_set *set = &pricer->sets[pricer->n_sets++];
        set->source = i;
        status = check_group(&profile->groups[i], i, err);
        if (status == KERF_OK)
            status = find_members(&n, &profile->groups[i], i, set, err);
        if (status == KERF_OK && set->n == 0) {
            free(set->operators);
            *set = (price_set){0};
            pricer->n_sets--;
        } else if (status == KERF_OK) {
            attach(pricer, &profile->groups[i], set);
        }
    }
    if (status != KERF_OK || pricer->n_sets == 0)
        goto out;
    qsort(pricer->sets, pricer->n_sets, sizeof *pricer->sets, smaller_first);
    status = nest(pricer, network, innermost, err);
    if (status == KERF_OK) {
        break_fusion(pricer, network, innermost);
        count_measured(pricer, network, innermost);
    }
out:
    free(innermost);
    free(n.sorted);
    return status;
}

size_t kerf_pricer_groups(const kerf_pricer *pricer)
{
    return pricer->n_sets;
}

kerf_cost kerf_pricer_group(const kerf_pricer *pricer, size_t index, const size_t **operators,
                            size_t *n, size_t *parent)
{
    const price_set *set = &pricer->sets[index];
    *operators = set->operators;
    *n = set->n;
    *parent = set->parent;
    return set->cost;
}
