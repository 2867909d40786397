/* From a layer's name to the operators it ran. TensorRT joins the names of what it fuses with
 * " + ", " || ", commas and brackets; so a name is what stands between two such marks. */
#include "model/import/layers.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOST_MARKS 8 /* that an operator's own name may hold */

static int by_name(const void *a, const void *b, void *network)
{
    const kerf_network *net = network;
    return strcmp(net->operators[*(const size_t *)a].name, net->operators[*(const size_t *)b].name);
}

kerf_status name_map_open(name_map *map, const kerf_network *network, kerf_error *err)
{
    const size_t n = network->n_operators;
    *map = (name_map){.network = network,
                      .sorted = kerf_calloc(n, sizeof *map->sorted),
                      .found = kerf_calloc(n, sizeof *map->found),
                      .after = kerf_calloc(n, sizeof *map->after),
                      .before = kerf_calloc(n, sizeof *map->before)};
    if (!map->sorted || !map->found || !map->after || !map->before) {
        name_map_close(map);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        if (!network->operators[i].constant)
            map->sorted[map->n++] = i;
    qsort_r(map->sorted, map->n, sizeof *map->sorted, by_name, (void *)network);
    return KERF_OK;
}

void name_map_close(name_map *map)
{
    free(map->sorted);
    free(map->found);
    free(map->after);
    free(map->before);
    *map = (name_map){0};
}

/* The operator called text[0 .. length), or KERF_NONE. */
static size_t find(const name_map *map, const char *text, size_t length)
{
    size_t low = 0, high = map->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *name = map->network->operators[map->sorted[middle]].name;
        int order = strncmp(text, name, length);
        if (order == 0 && name[length] != '\0')
            order = -1;
        if (order == 0)
            return map->sorted[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return KERF_NONE;
}

/* A mark between names: its length, 0 where a name goes on. */
static size_t mark(const char *text)
{
    if (strncmp(text, "...", 3) == 0)
        return 3;
    return *text && strchr(" ,()[]{}|+\x1e\n", *text) ? 1 : 0;
}

/* The longest operator's name that begins here and ends at a mark; *length is its length. */
static size_t longest(const name_map *map, const char *text, size_t *length)
{
    size_t best = KERF_NONE, marks = 0;
    for (size_t end = 0; marks <= MOST_MARKS; end++) {
        if (text[end] != '\0' && !mark(text + end))
            continue;
        const size_t found = end > 0 ? find(map, text, end) : KERF_NONE;
        if (found != KERF_NONE) {
            best = found;
            *length = end;
        }
        if (text[end] == '\0')
            break;
        marks++;
    }
    return best;
}

/* Calls for every operator named in the text, in its order; returns how many, at most `most` of
 * them are written to `found`. */
static size_t scan(const name_map *map, const char *text, size_t *found, size_t most)
{
    size_t n = 0;
    while (*text) {
        size_t length = mark(text);
        if (length == 0) {
            const size_t op = longest(map, text, &length);
            if (op != KERF_NONE && n < most)
                found[n++] = op;
            if (op == KERF_NONE)
                while (text[length] && !mark(text + length))
                    length++;
        }
        text += length;
    }
    return n;
}

/* Marks what is reached from `from`: along the data (operators are in topological order), or
 * against it. */
static void reach(const name_map *map, size_t from, bool forward, bool *reached)
{
    const kerf_network *net = map->network;
    memset(reached, 0, net->n_operators * sizeof *reached);
    reached[from] = true;
    for (size_t k = 0; k < net->n_operators; k++) {
        const size_t i = forward ? k : net->n_operators - 1 - k;
        const kerf_operator *op = &net->operators[i];
        for (size_t t = 0; t < op->n_inputs; t++) {
            const size_t input = op->inputs[t];
            const size_t producer = input == KERF_NONE ? KERF_NONE : net->tensors[input].producer;
            if (producer == KERF_NONE)
                continue;
            if (forward && reached[producer])
                reached[i] = true;
            if (!forward && reached[i])
                reached[producer] = true;
        }
    }
}

/* "{ForeignNode[a...b]}": all that lies between a and b. */
static bool add_between(name_map *map, const char *name)
{
    size_t ends[2];
    if (!strstr(name, "ForeignNode[") || !strstr(name, "...") || scan(map, name, ends, 2) != 2)
        return false;
    reach(map, ends[0], true, map->after);
    reach(map, ends[1], false, map->before);
    for (size_t i = 0; i < map->network->n_operators; i++)
        if (map->after[i] && map->before[i] && !map->network->operators[i].constant)
            map->found[i] = true;
    return true;
}

size_t name_map_layer(name_map *map, const raw_layer *layer)
{
    const size_t n = map->network->n_operators;
    memset(map->found, 0, n * sizeof *map->found);
    if (layer->moves)
        return 0;
    size_t count = 0;
    size_t *named = kerf_calloc(n, sizeof *named);
    if (!named)
        return KERF_NONE;
    size_t n_named = layer->metadata ? scan(map, layer->metadata, named, n) : 0;
    if (n_named == 0 && !add_between(map, layer->name))
        n_named = scan(map, layer->name, named, n);
    if (n_named == 0)
        n_named = kernel_name_map(map->network, layer, named);
    for (size_t i = 0; i < n_named && n_named != KERF_NONE; i++)
        map->found[named[i]] = true;
    free(named);
    if (n_named == KERF_NONE)
        return KERF_NONE;
    for (size_t i = 0; i < n; i++)
        count += map->found[i];
    return count;
}
