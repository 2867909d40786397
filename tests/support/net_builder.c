#include "tests/support/net_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void append(size_t **list, size_t *n, size_t value)
{
    *list = need(realloc(*list, (*n + 1) * sizeof **list));
    (*list)[(*n)++] = value;
}

kerf_network *nb_network(const char *name)
{
    kerf_network *net = need(calloc(1, sizeof *net));
    net->name = need(strdup(name));
    return net;
}

static size_t add_tensor(kerf_network *net, const char *name, int64_t bytes, size_t producer)
{
    net->tensors = need(realloc(net->tensors, (net->n_tensors + 1) * sizeof *net->tensors));
    net->tensors[net->n_tensors] = (kerf_tensor){.name = need(strdup(name)),
                                                 .type = KERF_FLOAT32,
                                                 .rank = 1,
                                                 .dims = need(calloc(1, sizeof(int64_t))),
                                                 .elements = bytes < 0 ? -1 : bytes / 4,
                                                 .bytes = bytes,
                                                 .producer = producer,
                                                 .storage = net->n_tensors};
    net->tensors[net->n_tensors].dims[0] = bytes < 0 ? -1 : bytes / 4;
    return net->n_tensors++;
}

size_t nb_input(kerf_network *net, const char *name, int64_t bytes)
{
    size_t tensor = add_tensor(net, name, bytes, KERF_NONE);
    net->tensors[tensor].is_input = true;
    append(&net->inputs, &net->n_inputs, tensor);
    return tensor;
}

size_t nb_operator(kerf_network *net, const char *name, kerf_class cls, int64_t macs,
                   int64_t weight_bytes, int64_t kernels, size_t n_inputs, const size_t *inputs,
                   int64_t bytes)
{
    char output[128];
    size_t index = net->n_operators++;
    net->operators = need(realloc(net->operators, net->n_operators * sizeof *net->operators));
    kerf_operator *op = &net->operators[index];
    *op = (kerf_operator){.name = need(strdup(name)),
                          .type = need(strdup(kerf_class_name(cls))),
                          .cls = cls,
                          .macs = macs,
                          .params = weight_bytes / 4,
                          .weight_bytes = weight_bytes,
                          .kernels = kernels,
                          .group = KERF_NONE,
                          .source_index = index};
    for (size_t i = 0; i < n_inputs; i++)
        append(&op->inputs, &op->n_inputs, inputs[i]);
    snprintf(output, sizeof output, "%s:0", name);
    size_t tensor = add_tensor(net, output, bytes, index);
    append(&op->outputs, &op->n_outputs, tensor);
    return tensor;
}

size_t nb_more(kerf_network *net, const char *name, int64_t bytes)
{
    kerf_operator *op = &net->operators[net->n_operators - 1];
    size_t tensor = add_tensor(net, name, bytes, net->n_operators - 1);
    append(&op->outputs, &op->n_outputs, tensor);
    return tensor;
}

void nb_output(kerf_network *net, size_t tensor)
{
    net->tensors[tensor].is_output = true;
    append(&net->outputs, &net->n_outputs, tensor);
}

void nb_group(kerf_network *net, size_t n, const size_t *operators)
{
    net->groups = need(realloc(net->groups, (net->n_groups + 1) * sizeof *net->groups));
    kerf_group *group = &net->groups[net->n_groups];
    *group = (kerf_group){NULL, 0};
    for (size_t i = 0; i < n; i++) {
        append(&group->operators, &group->n_operators, operators[i]);
        net->operators[operators[i]].group = net->n_groups;
    }
    net->n_groups++;
}

static void finish_operator(kerf_network *net, size_t index)
{
    kerf_operator *op = &net->operators[index];
    bool view = op->cls == KERF_CLASS_VIEW;
    for (size_t i = 0; i < op->n_inputs; i++) {
        if (op->inputs[i] == KERF_NONE)
            continue;
        kerf_tensor *tensor = &net->tensors[op->inputs[i]];
        bool again = tensor->n_consumers && tensor->consumers[tensor->n_consumers - 1] == index;
        if (again)
            continue;
        append(&tensor->consumers, &tensor->n_consumers, index);
        op->read_bytes += view ? 0 : tensor->bytes;
    }
    for (size_t i = 0; i < op->n_outputs; i++)
        op->write_bytes += view ? 0 : net->tensors[op->outputs[i]].bytes;
    net->macs += op->macs;
    net->params += op->params;
    net->weight_bytes += op->weight_bytes;
}

void nb_finish(kerf_network *net)
{
    net->n_placed = net->n_operators;
    for (size_t i = 0; i < net->n_operators; i++) {
        finish_operator(net, i);
        if (net->operators[i].group == KERF_NONE)
            nb_group(net, 1, &i);
    }
}
