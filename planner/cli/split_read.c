#include "planner/cli/split.h"

#include "base/json.h"
#include "base/memory.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

/* --- a plan --------------------------------------------------------------------------------- */

/* Operators sorted by name. */
typedef struct operator_index {
    const kerf_network *network;
    const kerf_operator **sorted;
} operator_index;

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const kerf_operator *const *)a)->name,
                  (*(const kerf_operator *const *)b)->name);
}

static int find_by_name(const void *key, const void *entry)
{
    return strcmp(key, (*(const kerf_operator *const *)entry)->name);
}

static bool read_side(const kerf_json *cut, const char *key, kerf_side wanted,
                      const operator_index *index, kerf_side *side)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(cut, key, KERF_REQUIRED, &list, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&list, i);
        const char *name;
        if (!kerf_json_as_string(&at, &name))
            return false;
        const kerf_operator **found = bsearch(name, index->sorted, index->network->n_operators,
                                              sizeof *index->sorted, find_by_name);
        if (!found || (*found)->constant)
            return kerf_json_fail(&at, KERF_E_INVALID,
                                  "network '%.100s' has no such operator: is the plan of another "
                                  "network?",
                                  index->network->name);
        kerf_side *place = &side[*found - index->network->operators];
        if (*place != KERF_SIDE_FREE)
            return kerf_json_fail(&at, KERF_E_INVALID, "is listed twice, expected once");
        *place = wanted;
    }
    return true;
}

static bool check_all_placed(const kerf_json *cut, const kerf_network *network,
                             const kerf_side *side)
{
    for (size_t i = 0; i < network->n_operators; i++)
        if (!network->operators[i].constant && side[i] == KERF_SIDE_FREE)
            return kerf_json_fail(cut, KERF_E_INVALID,
                                  "lacks the operator '%.100s' of network '%.100s': is the plan of "
                                  "another network?",
                                  network->operators[i].name, network->name);
    return true;
}

/* A plan that had several networks to choose from names the one that it chose: a variant may be the
 * same file with other inputs, or cut short. */
static bool check_variant(const kerf_json *root, const kerf_json *object,
                          const kerf_network *network)
{
    kerf_json variant;
    const char *name = NULL;
    int64_t macs = network->macs;
    if (!kerf_json_member(root, "variant", KERF_OPTIONAL, &variant) || json_is_null(variant.value))
        return !kerf_json_failed(root->doc);
    if (!kerf_json_as_string(&variant, &name) ||
        !kerf_json_integer(object, "macs", KERF_OPTIONAL, 0, INT64_MAX, &macs))
        return !kerf_json_failed(root->doc);
    return macs == network->macs ||
           kerf_json_fail(
               &variant, KERF_E_INVALID,
               "is \"%.63s\" of %lld MACs, and network '%.100s' has %lld: the plan is for "
               "another variant, expected a plan for the network itself",
               name, (long long)macs, network->name, (long long)network->macs);
}

/* The parts send whole elements. */
static bool check_ratio(const kerf_json *root)
{
    double ratio = 1;
    kerf_json at;
    if (!kerf_json_member(root, "wire_ratio", KERF_OPTIONAL, &at))
        return !kerf_json_failed(root->doc);
    if (!kerf_json_as_number(&at, 0, 1, &ratio))
        return false;
    return ratio >= 1 ||
           kerf_json_fail(&at, KERF_E_UNSUPPORTED,
                          "is %g: the plan compresses what it sends, which the parts cannot do; "
                          "expected 1, an encoding that converts types alone",
                          ratio);
}

static bool check_network(const kerf_json *root, const kerf_network *network)
{
    kerf_json object;
    const char *name = "";
    if (!kerf_json_object(root, "network", KERF_REQUIRED, &object) ||
        !kerf_json_string(&object, "name", KERF_REQUIRED, &name))
        return false;
    if (strcmp(name, network->name) != 0)
        return kerf_json_fail(&object, KERF_E_INVALID, "is \"%.100s\", expected \"%.100s\"", name,
                              network->name);
    return check_variant(root, &object, network);
}

static bool read_wire(const kerf_json *root, kerf_wire *wire)
{
    const char *name;
    kerf_json at;
    if (!kerf_json_member(root, "wire", KERF_OPTIONAL, &at))
        return !kerf_json_failed(root->doc);
    if (!kerf_json_as_string(&at, &name))
        return false;
    for (int i = KERF_WIRE_OWN; i <= KERF_WIRE_INT8; i++)
        if (strcmp(kerf_wire_name((kerf_wire)i), name) == 0) {
            *wire = (kerf_wire)i;
            return true;
        }
    return kerf_json_fail(&at, KERF_E_INVALID,
                          "is \"%.40s\", expected own, float32, float16 or int8", name);
}

static bool read_plan(const kerf_json *root, const kerf_network *network, cli_placement *p)
{
    kerf_json cut;
    operator_index index = {.network = network};
    index.sorted = kerf_calloc(network->n_operators, sizeof *index.sorted);
    p->side = kerf_calloc(network->n_operators, sizeof *p->side);
    if (!index.sorted || !p->side) {
        free(index.sorted);
        return kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < network->n_operators; i++)
        index.sorted[i] = &network->operators[i];
    qsort(index.sorted, network->n_operators, sizeof *index.sorted, by_name);
    const bool ok = check_network(root, network) && read_wire(root, &p->wire) &&
                    check_ratio(root) && kerf_json_object(root, "cut", KERF_REQUIRED, &cut) &&
                    read_side(&cut, "device_operators", KERF_SIDE_DEVICE, &index, p->side) &&
                    read_side(&cut, "server_operators", KERF_SIDE_SERVER, &index, p->side) &&
                    check_all_placed(&cut, network, p->side);
    free(index.sorted);
    return ok;
}

cli_exit cli_read_placement(const char *path, const kerf_network *network, cli_placement *p)
{
    kerf_error err = {0};
    kerf_json_doc *doc = NULL;
    *p = (cli_placement){0};
    if (kerf_json_open(path, NULL, &doc, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    const kerf_json root = kerf_json_root(doc);
    if (read_plan(&root, network, p))
        p->document = json_deep_copy(root.value);
    if (kerf_json_close(&doc) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    return p->document ? CLI_DONE : cli_error(CLI_FAILED, "out of memory");
}

void cli_placement_clear(cli_placement *p)
{
    free(p->side);
    json_decref(p->document);
    *p = (cli_placement){0};
}

/* --- ranges --------------------------------------------------------------------------------------
 */

static bool read_range_type(const kerf_json *at, bool *asymmetric)
{
    kerf_json member;
    const char *type = "int8";
    if (!kerf_json_member(at, "type", KERF_OPTIONAL, &member))
        return !kerf_json_failed(at->doc);
    if (!kerf_json_string(at, "type", KERF_REQUIRED, &type))
        return false;
    *asymmetric = strcmp(type, "uint8") == 0;
    return *asymmetric || strcmp(type, "int8") == 0 ||
           kerf_json_fail(&member, KERF_E_INVALID, "is \"%.40s\", expected int8 or uint8", type);
}

static bool read_scale(const kerf_json *at, kerf_range *range)
{
    kerf_json member;
    int64_t zero_point = 0;
    if (!kerf_json_number(at, "scale", KERF_REQUIRED, FLT_MIN, FLT_MAX, &range->scale))
        return false;
    if (!kerf_json_member(at, "zero_point", range->asymmetric ? KERF_REQUIRED : KERF_OPTIONAL,
                          &member))
        return !kerf_json_failed(at->doc);
    if (!kerf_json_as_integer(&member, 0, 255, &zero_point))
        return false;
    range->zero_point = (int)zero_point;
    return range->asymmetric || zero_point == 0 ||
           kerf_json_fail(
               &member, KERF_E_INVALID,
               "is %d, expected 0 as int8 is symmetric, or \"type\": \"uint8\" beside it",
               range->zero_point);
}

static bool read_range(const kerf_json *at, kerf_range *range)
{
    kerf_json member;
    if (!kerf_json_as_object(at) || !read_range_type(at, &range->asymmetric))
        return false;
    if (kerf_json_member(at, "scale", KERF_OPTIONAL, &member)) {
        if (!read_scale(at, range))
            return false;
    } else if (!kerf_json_number(at, "min", KERF_REQUIRED, -FLT_MAX / 4, FLT_MAX / 4,
                                 &range->min) ||
               !kerf_json_number(at, "max", KERF_REQUIRED, range->min, FLT_MAX / 4, &range->max)) {
        return false;
    }
    range->tensor = kerf_strdup(at->key);
    return range->tensor ? kerf_json_done(at) : kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

static bool read_ranges(const kerf_json *root, kerf_range **ranges, size_t *n)
{
    kerf_json tensors, at;
    void *iterator = NULL;
    if (!kerf_json_object(root, "tensors", KERF_REQUIRED, &tensors))
        return false;
    *ranges = kerf_calloc(json_object_size(tensors.value), sizeof **ranges);
    if (!*ranges)
        return kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
    while (kerf_json_next(&tensors, &iterator, &at)) {
        if (!read_range(&at, &(*ranges)[*n]))
            return false;
        ++*n;
    }
    const char *text;
    kerf_json_string(root, "source", KERF_OPTIONAL, &text);
    return kerf_json_done(root);
}

cli_exit cli_read_ranges(const char *path, kerf_range **ranges, size_t *n)
{
    kerf_error err = {0};
    kerf_json_doc *doc = NULL;
    *ranges = NULL;
    *n = 0;
    if (!path)
        return CLI_DONE;
    if (kerf_json_open(path, "kerf-ranges/1", &doc, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    const kerf_json root = kerf_json_root(doc);
    read_ranges(&root, ranges, n);
    return kerf_json_close(&doc) == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

void cli_ranges_clear(kerf_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((char *)ranges[i].tensor);
    free(ranges);
}
