/* The public network: names, searching, freeing. */
#include "kerf/network.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int bits;
} types[] = {
#define TYPE_ROW(code, name, bits) [code] = {name, bits},
    KERF_TYPE_LIST(TYPE_ROW)
#undef TYPE_ROW
};

static const char *const classes[] = {
#define CLASS_ROW(code, name) [code] = name,
    KERF_CLASS_LIST(CLASS_ROW)
#undef CLASS_ROW
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

const char *kerf_type_name(kerf_type type)
{
    return (size_t)type < TYPE_COUNT ? types[type].name : types[KERF_TYPE_UNKNOWN].name;
}

int kerf_type_bits(kerf_type type)
{
    return (size_t)type < TYPE_COUNT ? types[type].bits : 0;
}

const char *kerf_class_name(kerf_class cls)
{
    return (size_t)cls < KERF_CLASS_COUNT ? classes[cls] : classes[KERF_CLASS_OTHER];
}

size_t kerf_network_find_tensor(const kerf_network *network, const char *name)
{
    for (size_t i = 0; i < network->n_tensors; i++)
        if (strcmp(network->tensors[i].name, name) == 0)
            return i;
    return KERF_NONE;
}

size_t kerf_network_find_operator(const kerf_network *network, const char *name)
{
    for (size_t i = 0; i < network->n_operators; i++)
        if (strcmp(network->operators[i].name, name) == 0)
            return i;
    return KERF_NONE;
}

static void free_tensors(kerf_network *net)
{
    for (size_t i = 0; net->tensors != NULL && i < net->n_tensors; i++) {
        kerf_tensor *tensor = &net->tensors[i];
        free(tensor->name);
        free(tensor->dims);
        free(tensor->unresolved);
        free(tensor->consumers);
    }
    free(net->tensors);
}

static void free_operators(kerf_network *net)
{
    for (size_t i = 0; net->operators != NULL && i < net->n_operators; i++) {
        kerf_operator *op = &net->operators[i];
        free(op->name);
        free(op->type);
        free(op->inputs);
        free(op->outputs);
    }
    free(net->operators);
}

/* Also frees a network that was built halfway: whatever is not there yet is NULL. */
void kerf_network_destroy(kerf_network **network)
{
    kerf_network *net = network != NULL ? *network : NULL;
    if (net == NULL)
        return;
    free_tensors(net);
    free_operators(net);
    for (size_t i = 0; net->groups != NULL && i < net->n_groups; i++)
        free(net->groups[i].operators);
    free(net->groups);
    for (size_t i = 0; net->warnings != NULL && i < net->n_warnings; i++)
        free(net->warnings[i]);
    free(net->warnings);
    free(net->inputs);
    free(net->outputs);
    free(net->name);
    free(net->source);
    free(net);
    *network = NULL;
}
