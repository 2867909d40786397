/* What to do about shapes that cannot be known. */
#include "model/build.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static void append(char *text, size_t size, const char *part)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s", part);
}

static const char *open_name(const ir_value *value, int i)
{
    return value->dim_names && i < value->declared_rank ? value->dim_names[i] : NULL;
}

/* "1x3x?x?", or with something plausible for the question marks: an image's usual size. */
static void write_shape(const ir_value *value, const char *unknown, char *text, size_t size)
{
    char part[32];
    text[0] = '\0';
    for (int i = 0; i < value->rank; i++) {
        if (i)
            append(text, size, "x");
        snprintf(part, sizeof part, "%lld", (long long)value->dims[i]);
        append(text, size, value->dims[i] < 0 ? unknown : part);
    }
}

static kerf_status open_input(const ir_value *value, kerf_error *err)
{
    char shape[256], example[256], dims[300] = "";
    const char *name = NULL;
    if (value->rank < 0)
        return kerf_fail(err, KERF_E_UNRESOLVED, value->name,
                         "is an input of unknown shape: give --input '%.100s'=1x3x224x224 or what "
                         "it is",
                         value->name);
    for (int i = 0; i < value->rank; i++) {
        const char *symbol = value->dims[i] < 0 ? open_name(value, i) : NULL;
        if (!symbol || strstr(dims, symbol))
            continue;
        append(dims, sizeof dims, name ? " --dim " : "--dim ");
        append(dims, sizeof dims, symbol);
        append(dims, sizeof dims, "=N");
        name = name ? name : symbol;
    }
    write_shape(value, "?", shape, sizeof shape);
    write_shape(value, value->rank == 4 ? "224" : "128", example, sizeof example);
    if (!name)
        return kerf_fail(err, KERF_E_UNRESOLVED, value->name,
                         "input '%.100s' has an unknown dimension (%s): give --input %.100s=%s or "
                         "what it is",
                         value->name, shape, value->name, example);
    return kerf_fail(err, KERF_E_UNRESOLVED, value->name,
                     "input '%.100s' has unknown dimension '%.60s' (%s): give %s or --input "
                     "%.100s=%s",
                     value->name, name, shape, dims, value->name, example);
}

static bool is_open(const ir_value *value)
{
    for (int i = 0; i < value->rank; i++)
        if (value->dims[i] < 0)
            return true;
    return value->rank < 0;
}

/* Data that somebody reads or that leaves the network. */
static bool matters(const kerf_tensor *tensor)
{
    return !tensor->constant && (tensor->n_consumers > 0 || tensor->is_output);
}

/* The first open input explains everything after it; without one it is the first tensor, in the
 * operators' order, whose size is unknown. */
kerf_status ir_check_resolved(const ir_graph *graph, const kerf_network *net,
                              const size_t *tensor_of_value, kerf_error *err)
{
    bool unresolved = false;
    for (size_t t = 0; t < net->n_tensors; t++)
        unresolved = unresolved || (matters(&net->tensors[t]) && net->tensors[t].bytes < 0);
    if (!unresolved)
        return KERF_OK;
    for (size_t i = 0; i < graph->n_inputs; i++) {
        const ir_value *value = &graph->values[graph->inputs[i]];
        if (is_open(value) && matters(&net->tensors[tensor_of_value[graph->inputs[i]]]))
            return open_input(value, err);
    }
    for (size_t i = 0; i < net->n_operators; i++)
        for (size_t j = 0; j < net->operators[i].n_outputs; j++) {
            size_t t = net->operators[i].outputs[j];
            if (t != KERF_NONE && matters(&net->tensors[t]) && net->tensors[t].bytes < 0)
                return kerf_fail(err, KERF_E_UNRESOLVED, net->operators[i].name,
                                 "the size of its output '%.100s' cannot be known: %.300s",
                                 net->tensors[t].name, net->tensors[t].unresolved);
        }
    for (size_t i = 0; i < net->n_inputs; i++)
        if (net->tensors[net->inputs[i]].bytes < 0 && matters(&net->tensors[net->inputs[i]]))
            return kerf_fail(err, KERF_E_UNRESOLVED, net->tensors[net->inputs[i]].name,
                             "the size of this input cannot be known: %.300s",
                             net->tensors[net->inputs[i]].unresolved);
    return KERF_OK;
}
