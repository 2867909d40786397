/* The inspected network as JSON: the keys are an outside contract. */
#include "planner/cli/inspect.h"
#include "planner/cli/json_out.h"

/* A shape that is not known in full is null, with the reason beside it. */
static json_t *tensor_json(cli_json *j, const kerf_tensor *tensor)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", tensor->name);
    if (tensor->elements < 0) {
        cli_json_put(j, o, "shape", json_null());
        cli_json_text(j, o, "unresolved",
                      tensor->unresolved ? tensor->unresolved : "the file does not state it");
    } else {
        json_t *shape = json_array();
        for (int i = 0; i < tensor->rank; i++)
            cli_json_append(j, shape, json_integer((json_int_t)tensor->dims[i]));
        cli_json_put(j, o, "shape", shape);
    }
    cli_json_text(j, o, "type", kerf_type_name(tensor->type));
    cli_json_put(j, o, "bytes",
                 tensor->bytes < 0 ? json_null() : json_integer((json_int_t)tensor->bytes));
    return o;
}

static json_t *operator_json(cli_json *j, const inspection *in, size_t i)
{
    const kerf_operator *op = &in->network->operators[i];
    const kerf_tensor *tensors = in->network->tensors;
    json_t *o = json_object(), *inputs = json_array(), *outputs = json_array();
    cli_json_text(j, o, "name", op->name);
    cli_json_text(j, o, "type", op->type);
    cli_json_text(j, o, "class", kerf_class_name(op->cls));
    cli_json_put(j, o, "group", op->constant ? json_null() : json_integer((json_int_t)op->group));
    cli_json_bool(j, o, "constant", op->constant);
    for (size_t k = 0; k < op->n_inputs; k++)
        if (op->inputs[k] != KERF_NONE)
            cli_json_append(j, inputs, cli_json_string(j, tensors[op->inputs[k]].name));
    for (size_t k = 0; k < op->n_outputs; k++)
        if (op->outputs[k] != KERF_NONE)
            cli_json_append(j, outputs, tensor_json(j, &tensors[op->outputs[k]]));
    cli_json_put(j, o, "inputs", inputs);
    cli_json_put(j, o, "outputs", outputs);
    cli_json_count(j, o, "macs", op->macs);
    cli_json_count(j, o, "convolution_groups", op->groups);
    cli_json_count(j, o, "parameters", op->params);
    cli_json_count(j, o, "weight_bytes", op->weight_bytes);
    cli_json_count(j, o, "read_bytes", op->read_bytes);
    cli_json_count(j, o, "write_bytes", op->write_bytes);
    if (in->costs) {
        cli_json_number(j, o, "latency_s", in->costs[i].latency_s);
        cli_json_number(j, o, "energy_J", in->costs[i].energy_J);
    }
    return o;
}

static json_t *totals_json(cli_json *j, const inspection *in)
{
    const kerf_network *network = in->network;
    json_t *o = json_object();
    cli_json_count(j, o, "operators", (int64_t)network->n_placed);
    cli_json_count(j, o, "groups", (int64_t)network->n_groups);
    cli_json_count(j, o, "macs", network->macs);
    cli_json_count(j, o, "parameters", network->params);
    cli_json_count(j, o, "weight_bytes", network->weight_bytes);
    cli_json_bytes(j, o, "read_bytes", in->read_bytes);
    cli_json_bytes(j, o, "write_bytes", in->write_bytes);
    if (in->costs) {
        cli_json_number(j, o, "partition_s", in->mode->partition_s);
        cli_json_number(j, o, "partition_J", in->mode->partition_J);
        cli_json_number(j, o, "latency_s", in->total.latency_s);
        cli_json_number(j, o, "energy_J", in->total.energy_J);
    }
    return o;
}

static json_t *network_json(cli_json *j, const kerf_network *network)
{
    json_t *o = json_object(), *inputs = json_array(), *outputs = json_array();
    cli_json_text(j, o, "name", network->name);
    cli_json_count(j, o, "operators", (int64_t)network->n_placed);
    cli_json_count(j, o, "macs", network->macs);
    cli_json_count(j, o, "parameters", network->params);
    for (size_t i = 0; i < network->n_inputs; i++)
        cli_json_append(j, inputs, tensor_json(j, &network->tensors[network->inputs[i]]));
    for (size_t i = 0; i < network->n_outputs; i++)
        cli_json_append(j, outputs, tensor_json(j, &network->tensors[network->outputs[i]]));
    cli_json_put(j, o, "inputs", inputs);
    cli_json_put(j, o, "outputs", outputs);
    return o;
}

cli_exit cli_inspect_json(const inspection *in)
{
    cli_json builder = {false}, *j = &builder;
    json_t *o = json_object(), *operators = json_array(), *warnings = json_array();
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_put(j, o, "network", network_json(j, in->network));
    if (in->device) {
        cli_json_text(j, o, "device", in->device->name);
        cli_json_text(j, o, "power_mode", in->mode->name);
    }
    for (size_t i = 0; i < in->network->n_operators; i++)
        cli_json_append(j, operators, operator_json(j, in, i));
    cli_json_put(j, o, "operators", operators);
    cli_json_put(j, o, "totals", totals_json(j, in));
    for (size_t i = 0; i < in->network->n_warnings; i++)
        cli_json_append(j, warnings, cli_json_string(j, in->network->warnings[i]));
    cli_json_put(j, o, "warnings", warnings);
    return cli_json_print(j, o);
}
