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

#define NEAR       3  /* names that are suggested for one that is not there */
#define NEAR_BYTES 64 /* longer names are compared by this much of their beginning */

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

static bool read_figures(const kerf_json *entry, struct kerf_measured *measured)
{
    measured->latency_s = NAN;
    measured->energy_J = NAN;
    if (!kerf_json_as_object(entry))
        return false;
    kerf_json_quantity(entry, "latency", KERF_TIME, KERF_OPTIONAL, &measured->latency_s);
    kerf_json_quantity(entry, "energy", KERF_ENERGY, KERF_OPTIONAL, &measured->energy_J);
    if (!kerf_json_done(entry))
        return false;
    if (isnan(measured->latency_s) && isnan(measured->energy_J))
        return kerf_json_fail(entry, KERF_E_INVALID,
                              "has neither \"latency\" nor \"energy\", expected one or both");
    return true;
}

static bool read_operator(const kerf_json *entry, const kerf_network *network, const char **names,
                          kerf_profile *profile)
{
    if (!bsearch(&entry->key, names, network->n_operators, sizeof *names, by_text)) {
        char near[NEAR * 110];
        list_near(network, entry->key, near, sizeof near);
        return kerf_json_fail(entry, KERF_E_INVALID,
                              "network %s has no such operator, expected a name of its own%s%s",
                              network->name, near[0] ? " such as " : "", near);
    }
    struct kerf_measured *measured = &profile->operators[profile->n_operators];
    measured->name = kerf_strdup(entry->key);
    if (!measured->name)
        return kerf_json_fail(entry, KERF_E_NOMEM, "out of memory");
    profile->n_operators++;
    return read_figures(entry, measured);
}

static bool read_operators(const kerf_json *root, const kerf_network *network,
                           kerf_profile *profile)
{
    kerf_json operators, entry;
    if (!kerf_json_object(root, "operators", KERF_REQUIRED, &operators))
        return false;
    size_t n = json_object_size(operators.value);
    const char **names = sorted_names(network);
    profile->operators = kerf_calloc(n, sizeof *profile->operators);
    bool good = names && profile->operators;
    if (!good)
        kerf_json_fail(&operators, KERF_E_NOMEM, "out of memory");
    void *iterator = NULL;
    while (good && kerf_json_next(&operators, &iterator, &entry))
        good = read_operator(&entry, network, names, profile);
    free(names);
    return good && !kerf_json_failed(root->doc);
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
             read_string(&root, "source", &read->source) && read_operators(&root, network, read))
        kerf_json_done(&root);
    status = kerf_json_close(&doc);
    if (status == KERF_OK)
        *profile = read;
    else
        kerf_profile_destroy(&read);
    return status;
}
