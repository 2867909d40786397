/* Unique operator names: the file's, or "Conv_17"; of several operators with one name the first
 * keeps it, the others get "_2", "_3", ... A number that some other operator's own name has is
 * passed over. */
#include "model/build.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char *name;
    bool made_up; /* gives way to a name from the file */
    size_t op;
} entry;

static int in_order(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order)
        return order;
    if (x->made_up != y->made_up)
        return x->made_up ? 1 : -1;
    return x->op < y->op ? -1 : x->op > y->op;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static bool name_all(const ir_graph *graph, kerf_network *net, entry *entries)
{
    char label[256];
    for (size_t i = 0; i < net->n_operators; i++) {
        const ir_node *node = &graph->nodes[i];
        bool named = node->name && *node->name;
        net->operators[i].name =
            kerf_strdup(named ? node->name : ir_node_label(node, label, sizeof label));
        if (!net->operators[i].name)
            return false;
        entries[i] = (entry){net->operators[i].name, !named, i};
    }
    return true;
}

/* `names` holds the new names, whose old ones the sorted entries still need. */
static bool rename_duplicates(const entry *entries, size_t n, char **names)
{
    size_t suffix = 2;
    for (size_t i = 1; i < n; i++) {
        if (strcmp(entries[i].name, entries[i - 1].name) != 0) {
            suffix = 2;
            continue;
        }
        size_t size = strlen(entries[i].name) + 24;
        char *name = kerf_calloc(size, 1);
        if (!name)
            return false;
        entry key = {.name = name};
        do
            snprintf(name, size, "%s_%zu", entries[i].name, suffix++);
        while (bsearch(&key, entries, n, sizeof key, by_name));
        names[entries[i].op] = name;
    }
    return true;
}

bool ir_name_operators(const ir_graph *graph, kerf_network *net)
{
    size_t n = net->n_operators;
    entry *entries = kerf_calloc(n, sizeof *entries);
    char **names = kerf_calloc(n, sizeof *names);
    bool ok = entries && names && name_all(graph, net, entries);
    if (ok) {
        qsort(entries, n, sizeof *entries, in_order);
        ok = rename_duplicates(entries, n, names);
    }
    for (size_t i = 0; names && i < n; i++)
        if (names[i]) {
            free(net->operators[i].name);
            net->operators[i].name = names[i];
        }
    free(names);
    free(entries);
    return ok;
}
