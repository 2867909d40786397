#include "planner/map/map_json.h"

#include "kerf/kerf.h"

static void put_pair(kerf_writer *w, const char *key, const double values[2])
{
    kw_put_begin(w, key, '[');
    kw_number(w, values[0]);
    kw_number(w, values[1]);
    kw_end(w, ']');
}

static void write_tensor(kerf_writer *w, const kerf_map_tensor *t)
{
    kw_begin(w, '{');
    kw_put_string(w, "name", t->name);
    kw_put_begin(w, "shape", '[');
    for (size_t i = 0; i < t->rank; i++)
        kw_integer(w, t->dims[i]);
    kw_end(w, ']');
    kw_put_string(w, "type", t->type);
    kw_put_integer(w, "bytes", t->bytes);
    kw_put_bytes(w, "wire_bytes", t->wire_bytes);
    kw_end(w, '}');
}

static void write_side(kerf_writer *w, const char *key, const kerf_map_entry *e, kerf_side wanted)
{
    kw_put_begin(w, key, '[');
    for (size_t i = 0; i < e->n_operators; i++)
        if (e->side[i] == wanted)
            kw_string(w, e->operators[i]);
    kw_end(w, ']');
}

static void write_cut(kerf_writer *w, const kerf_map_entry *e)
{
    kw_put_begin(w, "cut", '{');
    kw_put_begin(w, "tensors", '[');
    for (size_t i = 0; i < e->n_tensors; i++)
        write_tensor(w, &e->tensors[i]);
    kw_end(w, ']');
    kw_put_integer(w, "bytes", e->bytes);
    kw_put_bytes(w, "wire_bytes", e->wire_bytes);
    write_side(w, "device_operators", e, KERF_SIDE_DEVICE);
    write_side(w, "server_operators", e, KERF_SIDE_SERVER);
    kw_end(w, '}');
}

/* As in a plan's document, and the objective's value. */
static void write_cost(kerf_writer *w, const char *key, const kerf_plan_cost *cost)
{
    kw_put_begin(w, key, '{');
    kw_put_number(w, "objective", cost->objective);
    kw_put_number(w, "device_energy_J", cost->device_energy_J);
    kw_put_number(w, "latency_s", cost->latency_s);
    kw_put_number(w, "throughput_per_s", cost->throughput_per_s);
    kw_put_begin(w, "energy", '{');
    kw_put_number(w, "compute_J", cost->compute_J);
    kw_put_number(w, "uplink_J", cost->uplink_J);
    kw_put_number(w, "wait_J", cost->wait_J);
    kw_put_number(w, "downlink_J", cost->downlink_J);
    kw_put_number(w, "radio_fixed_J", cost->radio_fixed_J);
    kw_end(w, '}');
    kw_put_begin(w, "latency", '{');
    kw_put_number(w, "device_s", cost->device_s);
    kw_put_number(w, "uplink_s", cost->uplink_s);
    kw_put_number(w, "server_s", cost->server_s);
    kw_put_number(w, "downlink_s", cost->downlink_s);
    kw_end(w, '}');
    kw_put_bytes(w, "device_memory_bytes", cost->device_memory_bytes);
    kw_put_number(w, "server_energy_J", cost->server_energy_J);
    kw_put_bytes(w, "uplink_bytes", cost->uplink_bytes);
    kw_put_bytes(w, "downlink_bytes", cost->downlink_bytes);
    kw_end(w, '}');
}

static void write_price(kerf_writer *w, const char *key, const kerf_map *map, size_t entry,
                        kerf_conditions at, double uplink_bps)
{
    kerf_plan_cost cost;
    at.uplink_bps = uplink_bps;
    if (kerf_map_price(map, entry, &at, &cost, NULL) == KERF_OK) {
        write_cost(w, key, &cost);
    } else { /* there is no entry */
        kw_key(w, key);
        kw_null(w);
    }
}

static void write_region(kerf_writer *w, const kerf_map *map, const kerf_conditions *at,
                         const kerf_map_region *region)
{
    const kerf_map_entry *e = kerf_map_entry_at(map, region->entry);
    kw_begin(w, '{');
    put_pair(w, "uplink_bps", region->uplink_bps);
    kw_key(w, "candidate");
    if (e)
        kw_integer(w, (int64_t)region->entry);
    else
        kw_null(w);
    kw_put_string(w, "cut_id", e ? e->cut_id : NULL);
    if (e) {
        write_cut(w, e);
    } else {
        kw_key(w, "cut");
        kw_null(w);
    }
    write_price(w, "cost_at_lo", map, region->entry, *at, region->uplink_bps[0]);
    write_price(w, "cost_at_hi", map, region->entry, *at, region->uplink_bps[1]);
    kw_end(w, '}');
}

static void write_entry(kerf_writer *w, const kerf_map_entry *e)
{
    kw_begin(w, '{');
    kw_put_string(w, "cut_id", e->cut_id);
    kw_put_string(w, "network", e->network);
    kw_put_string(w, "power_mode", e->power_mode);
    kw_put_string(w, "wire", e->wire);
    kw_put_number(w, "accuracy", e->accuracy);
    kw_put_integer(w, "bytes", e->bytes);
    kw_put_bytes(w, "wire_bytes", e->wire_bytes);
    kw_put_integer(w, "device_operators", (int64_t)e->n_device_operators);
    kw_put_begin(w, "tensors", '[');
    for (size_t i = 0; i < e->n_tensors; i++)
        kw_string(w, e->tensors[i].name);
    kw_end(w, ']');
    kw_end(w, '}');
}

static void write_topic(kerf_writer *w, const kerf_map *map)
{
    const kerf_map_topic *t = kerf_map_about(map);
    kw_put_string(w, "kerf", kerf_version());
    kw_put_begin(w, "network", '{');
    kw_put_string(w, "name", t->network);
    kw_end(w, '}');
    kw_put_string(w, "device", t->device);
    kw_put_string(w, "server", t->server);
    kw_put_string(w, "link", t->link);
    kw_put_string(w, "result", t->result_at_server ? "server" : "device");
    kw_put_begin(w, "objective", '{');
    kw_put_string(w, "name", kerf_objective_name(t->objective));
    kw_put_string(w, "unit", kerf_objective_unit(t->objective));
    if (t->objective == KERF_OBJ_WEIGHTED) {
        kw_put_number(w, "weight_energy", t->weight_energy);
        kw_put_number(w, "weight_latency", t->weight_latency);
    }
    kw_end(w, '}');
    kw_put_begin(w, "proof", '{');
    kw_put_bool(w, "complete", t->complete);
    kw_put_integer(w, "examined", (int64_t)t->examined);
    kw_end(w, '}');
}

static void write_ranges(kerf_writer *w, const kerf_map *map, const kerf_conditions *at)
{
    const kerf_map_box *box = kerf_map_range(map);
    kw_put_begin(w, "box", '{');
    put_pair(w, "uplink_bps", box->uplink_bps);
    put_pair(w, "downlink_bps", box->downlink_bps);
    put_pair(w, "rtt_s", box->rtt_s);
    put_pair(w, "server_load", box->server_load);
    kw_end(w, '}');
    kw_put_begin(w, "regions_at", '{');
    kw_put_number(w, "downlink_bps", at->downlink_bps);
    kw_put_number(w, "rtt_s", at->rtt_s);
    kw_put_number(w, "server_load", at->server_load);
    kw_end(w, '}');
}

void map_json_write(kerf_writer *w, const kerf_map *map, const kerf_conditions *conditions,
                    const kerf_map_region *regions, size_t n_regions)
{
    kw_begin(w, '{');
    write_topic(w, map);
    write_ranges(w, map, conditions);
    kw_put_begin(w, "regions", '[');
    for (size_t i = 0; i < n_regions; i++)
        write_region(w, map, conditions, &regions[i]);
    kw_end(w, ']');
    kw_put_begin(w, "candidates", '[');
    for (size_t i = 0; i < kerf_map_entries(map); i++)
        write_entry(w, kerf_map_entry_at(map, i));
    kw_end(w, ']');
    kw_end(w, '}');
}
