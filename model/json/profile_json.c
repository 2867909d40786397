/* Reads measured figures of a network's operators: "kerf-profile/1", configs/schema/profile.json.
 */
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "kerf/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAR        3 /* names that are suggested for one that is not there */
#define MOST_GROUPS 100000
#define NEAR_BYTES  64 /* longer names are compared by this much of their beginning */

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* Names of the network's operators, sorted; NULL on lack of memory. */
static const char **sorted_names(const kerf_network *network)
{
    const char **names = kerf_calloc(network->n_operators, sizeof *names);
    if (!names)
        return NULL;
    for (size_t i = 0; i < network->n_operators; i++)
        names[i] = network->operators[i].name;
    qsort(names, network->n_operators, sizeof *names, by_text);
    return names;
}

/* Levenshtein distance of two texts' beginnings. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAR_BYTES + 1];
    size_t la = strnlen(a, NEAR_BYTES), lb = strnlen(b, NEAR_BYTES);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[lb];
}

/* Writes `"a", "b" or "c"`, the names most like `name`, into buffer. */
static void list_near(const kerf_network *network, const char *name, char *buffer, size_t size)
{
    size_t best[NEAR], operators[NEAR], n = 0;
    for (size_t i = 0; i < network->n_operators; i++) {
        size_t d = distance(name, network->operators[i].name);
        size_t place = n;
        while (place > 0 && d < best[place - 1])
            place--;
        if (place == NEAR)
            continue;
        n = n < NEAR ? n + 1 : NEAR;
        for (size_t k = n - 1; k > place; k--) {
            best[k] = best[k - 1];
            operators[k] = operators[k - 1];
        }
        best[place] = d;
        operators[place] = i;
    }
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t k = 0; k < n && used < size; k++) {
        const char *joint = k == 0 ? "" : k + 1 == n ? " or " : ", ";
        int written = snprintf(buffer + used, size - used, "%s\"%.100s\"", joint,
                               network->operators[operators[k]].name);
        used += written > 0 ? (size_t)written : 0;
    }
}

static bool read_figures(const kerf_json *entry, double *latency_s, double *energy_J)
{
    *latency_s = NAN;
    *energy_J = NAN;
    if (!kerf_json_as_object(entry))
        return false;
    kerf_json_quantity(entry, "latency", KERF_TIME, KERF_OPTIONAL, latency_s);
    kerf_json_quantity(entry, "energy", KERF_ENERGY, KERF_OPTIONAL, energy_J);
    if (!kerf_json_done(entry))
        return false;
    if (isnan(*latency_s) && isnan(*energy_J))
        return kerf_json_fail(entry, KERF_E_INVALID,
                              "has neither \"latency\" nor \"energy\", expected one or both");
    return true;
}

static bool check_name(const kerf_json *at, const char *name, const kerf_network *network,
                       const char **names)
{
    if (bsearch(&name, names, network->n_operators, sizeof *names, by_text))
        return true;
    char near[NEAR * 110];
    list_near(network, name, near, sizeof near);
    return kerf_json_fail(at, KERF_E_INVALID,
                          "network %s has no such operator, expected a name of its own%s%s",
                          network->name, near[0] ? " such as " : "", near);
}

static bool read_operator(const kerf_json *entry, const kerf_network *network, const char **names,
                          kerf_profile *profile)
{
    if (!check_name(entry, entry->key, network, names))
        return false;
    struct kerf_measured *measured = &profile->operators[profile->n_operators];
    measured->name = kerf_strdup(entry->key);
    if (!measured->name)
        return kerf_json_fail(entry, KERF_E_NOMEM, "out of memory");
    profile->n_operators++;
    return read_figures(entry, &measured->latency_s, &measured->energy_J);
}

static bool read_operators(const kerf_json *root, const kerf_network *network, const char **names,
                           kerf_profile *profile)
{
    kerf_json operators, entry, groups;
    const kerf_presence presence =
        kerf_json_member(root, "groups", KERF_OPTIONAL, &groups) ? KERF_OPTIONAL : KERF_REQUIRED;
    if (!kerf_json_object(root, "operators", presence, &operators))
        return !kerf_json_failed(root->doc);
    profile->operators = kerf_calloc(json_object_size(operators.value), sizeof *profile->operators);
    if (!profile->operators)
        return kerf_json_fail(&operators, KERF_E_NOMEM, "out of memory");
    void *iterator = NULL;
    while (kerf_json_next(&operators, &iterator, &entry))
        if (!read_operator(&entry, network, names, profile))
            return false;
    return !kerf_json_failed(root->doc);
}

/* --- groups --- */

static bool read_member(const kerf_json *at, const kerf_network *network, const char **names,
                        struct kerf_measured_group *group)
{
    const char *name;
    if (!kerf_json_as_string(at, &name) || !check_name(at, name, network, names))
        return false;
    for (size_t i = 0; i < group->n_operators; i++)
        if (strcmp(group->operators[i], name) == 0)
            return kerf_json_fail(at, KERF_E_INVALID, "is in the group twice, expected once");
    group->operators[group->n_operators] = kerf_strdup(name);
    if (!group->operators[group->n_operators])
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    group->n_operators++;
    return true;
}

static bool read_group(const kerf_json *entry, const kerf_network *network, const char **names,
                       struct kerf_measured_group *group)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_as_object(entry) ||
        !kerf_json_array(entry, "operators", KERF_REQUIRED, &list, &n))
        return false;
    if (n == 0 || n > network->n_operators)
        return kerf_json_fail(&list, KERF_E_INVALID,
                              "names %zu operators, expected 1 to the %zu of network %s", n,
                              network->n_operators, network->name);
    group->operators = kerf_calloc(n, sizeof *group->operators);
    if (!group->operators)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&list, i);
        if (!read_member(&at, network, names, group))
            return false;
    }
    return read_figures(entry, &group->latency_s, &group->energy_J);
}

/* The owner of each name so far, by the place of the name in the sorted list. */
static size_t *owner_of(size_t *owners, const char *name, const kerf_network *network,
                        const char **names)
{
    const char **found = bsearch(&name, names, network->n_operators, sizeof *names, by_text);
    return &owners[found - names];
}

static int larger_first(const void *a, const void *b)
{
    const struct kerf_measured_group *const *x = a, *const *y = b;
    if ((*x)->n_operators != (*y)->n_operators)
        return (*x)->n_operators > (*y)->n_operators ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

/* Two groups are apart or lie one inside the other: from the largest on, all operators of a group
 * must belong to one and the same group before, which is larger. `owners` counts groups from 1. */
static bool check_nesting(const kerf_json *array, const kerf_network *network, const char **names,
                          const kerf_profile *profile, const struct kerf_measured_group **sorted,
                          size_t *owners)
{
    for (size_t i = 0; i < profile->n_groups; i++)
        sorted[i] = &profile->groups[i];
    qsort(sorted, profile->n_groups, sizeof *sorted, larger_first);
    for (size_t i = 0; i < profile->n_groups; i++) {
        const struct kerf_measured_group *group = sorted[i];
        const size_t mine = (size_t)(group - profile->groups) + 1;
        const size_t around = *owner_of(owners, group->operators[0], network, names);
        for (size_t k = 0; k < group->n_operators; k++) {
            size_t *owner = owner_of(owners, group->operators[k], network, names);
            const bool equal =
                around > 0 && profile->groups[around - 1].n_operators == group->n_operators;
            if (*owner != around || equal) {
                const kerf_json at = kerf_json_at(array, mine - 1);
                return kerf_json_fail(
                    &at, KERF_E_INVALID,
                    "shares the operator '%.100s' with group %zu, expected groups "
                    "that are apart or lie one inside the other",
                    group->operators[k], (*owner > 0 ? *owner : around) - 1);
            }
            *owner = mine;
        }
    }
    return true;
}

static bool read_groups(const kerf_json *root, const kerf_network *network, const char **names,
                        kerf_profile *profile)
{
    kerf_json array;
    size_t n = 0;
    if (!kerf_json_array(root, "groups", KERF_OPTIONAL, &array, &n))
        return !kerf_json_failed(root->doc);
    if (n > MOST_GROUPS)
        return kerf_json_fail(&array, KERF_E_INVALID, "lists %zu groups, expected at most %d", n,
                              MOST_GROUPS);
    profile->groups = kerf_calloc(n, sizeof *profile->groups);
    if (!profile->groups)
        return kerf_json_fail(&array, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&array, i);
        profile->n_groups = i + 1;
        if (!read_group(&at, network, names, &profile->groups[i]))
            return false;
    }
    const struct kerf_measured_group **sorted = kerf_calloc(n, sizeof *sorted);
    size_t *owners = kerf_calloc(network->n_operators, sizeof *owners);
    const bool fine = sorted && owners
                          ? check_nesting(&array, network, names, profile, sorted, owners)
                          : kerf_json_fail(&array, KERF_E_NOMEM, "out of memory");
    free(sorted);
    free(owners);
    return fine;
}

static bool read_measured(const kerf_json *root, const kerf_network *network, kerf_profile *profile)
{
    const char **names = sorted_names(network);
    const bool fine = names ? read_operators(root, network, names, profile) &&
                                  read_groups(root, network, names, profile)
                            : kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
    free(names);
    return fine;
}

static bool read_string(const kerf_json *root, const char *key, char **text)
{
    const char *value = NULL;
    if (!kerf_json_string(root, key, KERF_REQUIRED, &value))
        return false;
    *text = kerf_strdup(value);
    return *text ? true : kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
}

kerf_status kerf_profile_load(const char *path, const kerf_network *network, kerf_profile **profile,
                              kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_profile *read = NULL;
    kerf_error_clear(err);
    kerf_status status = kerf_json_open(path, "kerf-profile/1", &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_json root = kerf_json_root(doc);
    read = kerf_calloc(1, sizeof *read);
    if (!read)
        kerf_json_fail(&root, KERF_E_NOMEM, "out of memory");
    else if (read_string(&root, "network", &read->network) &&
             read_string(&root, "source", &read->source) && read_measured(&root, network, read))
        kerf_json_done(&root);
    status = kerf_json_close(&doc);
    if (status == KERF_OK)
        *profile = read;
    else
        kerf_profile_destroy(&read);
    return status;
}
