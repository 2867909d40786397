/* What is in the catalogue, as `list` and `describe` show it. */
#include "planner/plan_json.h"
#include "planner/service/catalogue.h"

static void write_tensors(kerf_writer *w, const char *key, const kerf_network *network,
                          const size_t *tensors, size_t n)
{
    kw_put_begin(w, key, '[');
    for (size_t i = 0; i < n; i++) {
        const kerf_tensor *tensor = &network->tensors[tensors[i]];
        kw_begin(w, '{');
        kw_put_string(w, "name", tensor->name);
        kw_put_begin(w, "shape", '[');
        for (int d = 0; d < tensor->rank; d++)
            kw_integer(w, tensor->dims[d]);
        kw_end(w, ']');
        kw_put_string(w, "type", kerf_type_name(tensor->type));
        kw_put_integer(w, "bytes", tensor->bytes);
        kw_end(w, '}');
    }
    kw_end(w, ']');
}

static void write_modes(kerf_writer *w, const kerf_device *device)
{
    kw_put_begin(w, "power_modes", '[');
    for (size_t i = 0; i < device->n_modes; i++)
        kw_string(w, device->modes[i].name);
    kw_end(w, ']');
    kw_put_string(w, "default_power_mode", device->modes[device->default_mode].name);
}

static void write_rates(kerf_writer *w, const kerf_link *link)
{
    static const char *const states[] = {"cold", "warm", "new"};
    kw_put_number(w, "uplink_bps", link->rate_bps[KERF_UPLINK]);
    kw_put_number(w, "downlink_bps", link->rate_bps[KERF_DOWNLINK]);
    kw_put_number(w, "rtt_s", link->rtt_s);
    kw_put_number(w, "loss", link->loss);
    kw_put_string(w, "connection", states[link->connection]);
}

void catalogue_write_line(kerf_writer *w, catalogue_kind kind, const catalogue_item *item)
{
    kw_begin(w, '{');
    kw_put_string(w, "name", item->name);
    if (kind == CATALOGUE_NETWORK) {
        kw_put_integer(w, "operators", (int64_t)item->network->n_placed);
        kw_put_integer(w, "macs", item->network->macs);
        kw_put_integer(w, "parameters", item->network->params);
    } else if (kind == CATALOGUE_LINK) {
        kw_put_string(w, "description", item->link->description);
        write_rates(w, item->link);
    } else {
        kw_put_string(w, "description", item->device->description);
        write_modes(w, item->device);
    }
    kw_end(w, '}');
}

static void write_network(kerf_writer *w, const kerf_network *network)
{
    kw_put_integer(w, "operators", (int64_t)network->n_placed);
    kw_put_integer(w, "macs", network->macs);
    kw_put_integer(w, "parameters", network->params);
    kw_put_integer(w, "weight_bytes", network->weight_bytes);
    write_tensors(w, "inputs", network, network->inputs, network->n_inputs);
    write_tensors(w, "outputs", network, network->outputs, network->n_outputs);
    kw_put_begin(w, "operator_names", '[');
    for (size_t i = 0; i < network->n_operators; i++)
        if (!network->operators[i].constant)
            kw_string(w, network->operators[i].name);
    kw_end(w, ']');
    kw_put_begin(w, "warnings", '[');
    for (size_t i = 0; i < network->n_warnings; i++)
        kw_string(w, network->warnings[i]);
    kw_end(w, ']');
}

static void write_device(kerf_writer *w, const kerf_device *device)
{
    kw_put_string(w, "description", device->description);
    kw_put_string(w, "provenance", device->provenance);
    kw_put_string(w, "fit", device->fit);
    kw_put_string(w, "assumptions", device->assumptions);
    write_modes(w, device);
    kw_put_bytes(w, "memory_bytes", device->memory_bytes);
    kw_put_begin(w, "unsupported", '[');
    for (size_t i = 0; i < device->n_unsupported; i++)
        kw_string(w, device->unsupported[i]);
    kw_end(w, ']');
}

static void write_link(kerf_writer *w, const kerf_link *link)
{
    kw_put_string(w, "description", link->description);
    kw_put_string(w, "provenance", link->provenance);
    write_rates(w, link);
    kw_put_number(w, "tail_s", link->tail_s);
    kw_put_number(w, "tail_W", link->tail_W);
    kw_put_number(w, "idle_W", link->idle_W);
}

void catalogue_write_item(kerf_writer *w, catalogue_kind kind, const catalogue_item *item)
{
    kw_begin(w, '{');
    kw_put_string(w, "name", item->name);
    if (kind == CATALOGUE_NETWORK)
        write_network(w, item->network);
    else if (kind == CATALOGUE_LINK)
        write_link(w, item->link);
    else
        write_device(w, item->device);
    kw_end(w, '}');
}
