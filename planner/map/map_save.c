/* Maps as text. Numbers are written with 17 significant digits, which is what it takes for each to
 * be read back as it was, to the last bit. */
#include "planner/map/map.h"

#include "base/error.h"
#include "base/json_write.h"
#include "base/outfile.h"

#include <stdlib.h>

static void put_pair(kerf_writer *w, const char *key, const double values[2])
{
    kw_put_begin(w, key, '[');
    kw_number(w, values[0]);
    kw_number(w, values[1]);
    kw_end(w, ']');
}

static void put_index(kerf_writer *w, const char *key, size_t index)
{
    kw_key(w, key);
    if (index == KERF_NONE)
        kw_null(w);
    else
        kw_integer(w, (int64_t)index);
}

static void write_link(kerf_writer *w, const kerf_link *link)
{
    static const char *const connections[] = {"cold", "warm", "new"};
    kw_put_begin(w, "link", '{');
    put_pair(w, "rate_bps", link->rate_bps);
    kw_put_number(w, "rtt_s", link->rtt_s);
    kw_put_number(w, "loss", link->loss);
    kw_put_number(w, "mss_bytes", link->mss_bytes);
    kw_put_number(w, "initial_window_bytes", link->initial_window_bytes);
    kw_put_number(w, "overhead", link->overhead);
    kw_put_number(w, "message_bytes", link->message_bytes);
    kw_put_string(w, "connection", connections[link->connection]);
    put_pair(w, "active_W_per_bps", link->active_W_per_bps);
    put_pair(w, "active_W", link->active_W);
    kw_put_number(w, "idle_W", link->idle_W);
    kw_put_number(w, "promotion_s", link->promotion_s);
    kw_put_number(w, "promotion_W", link->promotion_W);
    kw_put_number(w, "switch_s", link->switch_s);
    kw_put_number(w, "switch_W", link->switch_W);
    kw_put_number(w, "tail_s", link->tail_s);
    kw_put_number(w, "tail_W", link->tail_W);
    kw_put_number(w, "gap_s", link->gap_s);
    kw_end(w, '}');
}

static void write_topic(kerf_writer *w, const kerf_map *map)
{
    const kerf_map_topic *t = &map->topic;
    const kerf_limits *l = &t->limits;
    kw_put_begin(w, "names", '{');
    kw_put_string(w, "network", t->network);
    kw_put_string(w, "device", t->device);
    kw_put_string(w, "server", t->server);
    kw_put_string(w, "link", t->link);
    kw_end(w, '}');
    kw_put_begin(w, "objective", '{');
    kw_put_string(w, "name", kerf_objective_name(t->objective));
    kw_put_number(w, "weight_energy", t->weight_energy);
    kw_put_number(w, "weight_latency", t->weight_latency);
    kw_end(w, '}');
    kw_put_begin(w, "limits", '{');
    kw_put_number(w, "deadline_s", l->deadline_s);
    kw_put_number(w, "energy_J", l->energy_J);
    kw_put_number(w, "memory_bytes", l->memory_bytes);
    kw_put_number(w, "max_bytes", l->max_bytes);
    kw_put_number(w, "min_accuracy", l->min_accuracy);
    kw_put_integer(w, "min_device_operators", (int64_t)l->min_device_operators);
    kw_end(w, '}');
    kw_put_string(w, "result", t->result_at_server ? "server" : "device");
    kw_put_integer(w, "examined", (int64_t)t->examined);
    kw_put_bool(w, "complete", t->complete);
}

static void write_ranges(kerf_writer *w, const kerf_map *map)
{
    kw_put_begin(w, "box", '{');
    put_pair(w, "uplink_bps", map->box.uplink_bps);
    put_pair(w, "downlink_bps", map->box.downlink_bps);
    put_pair(w, "rtt_s", map->box.rtt_s);
    put_pair(w, "server_load", map->box.server_load);
    kw_end(w, '}');
    kw_put_begin(w, "conditions", '{');
    kw_put_number(w, "uplink_bps", map->conditions.uplink_bps);
    kw_put_number(w, "downlink_bps", map->conditions.downlink_bps);
    kw_put_number(w, "rtt_s", map->conditions.rtt_s);
    kw_put_number(w, "server_load", map->conditions.server_load);
    kw_end(w, '}');
}

static void write_networks(kerf_writer *w, const kerf_map *map)
{
    kw_put_begin(w, "networks", '[');
    for (size_t i = 0; i < map->n_networks; i++) {
        const map_network *net = &map->networks[i];
        kw_begin(w, '{');
        kw_put_string(w, "name", net->name);
        kw_put_begin(w, "operators", '[');
        for (size_t k = 0; k < net->n_operators; k++)
            kw_string(w, net->operators[k]);
        kw_end(w, ']');
        kw_end(w, '}');
    }
    kw_end(w, ']');
}

static void write_tensor(kerf_writer *w, const kerf_map_tensor *t)
{
    kw_begin(w, '{');
    kw_put_string(w, "name", t->name);
    kw_put_string(w, "producer", t->producer);
    kw_put_string(w, "type", t->type);
    kw_put_begin(w, "shape", '[');
    for (size_t i = 0; i < t->rank; i++)
        kw_integer(w, t->dims[i]);
    kw_end(w, ']');
    kw_put_integer(w, "bytes", t->bytes);
    kw_put_number(w, "wire_bytes", t->wire_bytes);
    kw_end(w, '}');
}

/* A letter for each operator. */
static void write_sides(kerf_writer *w, const map_entry *e)
{
    static const char letters[] = {
        [KERF_SIDE_FREE] = '-', [KERF_SIDE_DEVICE] = 'd', [KERF_SIDE_SERVER] = 's'};
    kw_key(w, "sides");
    kw_value(w, "\"", 1);
    for (size_t i = 0; i < e->shown.n_operators; i++)
        kw_raw(w, &letters[e->side[i]], 1);
    kw_raw(w, "\"", 1);
}

static void write_entry(kerf_writer *w, const map_entry *e)
{
    kw_begin(w, '{');
    kw_put_string(w, "cut_id", e->shown.cut_id);
    kw_put_string(w, "power_mode", e->power_mode);
    kw_put_string(w, "wire", e->wire);
    kw_put_integer(w, "network", (int64_t)e->network);
    put_index(w, "encoding", e->shown.encoding);
    put_index(w, "variant", e->shown.variant);
    kw_put_number(w, "accuracy", e->shown.accuracy);
    write_sides(w, e);
    kw_put_begin(w, "tensors", '[');
    for (size_t i = 0; i < e->shown.n_tensors; i++)
        write_tensor(w, &e->tensors[i]);
    kw_end(w, ']');
    kw_put_number(w, "wait_W", e->wait_W);
    kw_put_number(w, "device_s", e->totals.device_s);
    kw_put_number(w, "device_J", e->totals.device_J);
    kw_put_number(w, "server_s", e->totals.server_s);
    kw_put_number(w, "server_J", e->totals.server_J);
    kw_put_number(w, "up_bytes", e->totals.up_bytes);
    kw_put_number(w, "down_bytes", e->totals.down_bytes);
    kw_put_number(w, "memory_bytes", e->totals.memory_bytes);
    kw_end(w, '}');
}

static void write_map(kerf_writer *w, const kerf_map *map)
{
    kw_begin(w, '{');
    kw_put_string(w, "format", "kerf-map/1");
    write_topic(w, map);
    write_ranges(w, map);
    write_link(w, &map->link);
    write_networks(w, map);
    kw_put_begin(w, "entries", '[');
    for (size_t i = 0; i < map->n_entries; i++)
        write_entry(w, &map->entries[i]);
    kw_end(w, ']');
    kw_end(w, '}');
    kw_raw(w, "\n", 1);
}

kerf_status kerf_map_save(const kerf_map *map, const char *path, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_writer w = {0};
    kerf_outfile file = KERF_OUTFILE_NONE;
    write_map(&w, map);
    kerf_status status =
        kw_finish(&w) ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a map");
    if (status == KERF_OK)
        status = kerf_outfile_open(&file, path, true, err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&file, w.text, w.used, err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&file, err);
    if (status == KERF_OK)
        status = kerf_outfiles_place(&file, 1, true, err);
    kerf_outfiles_clear(&file, 1);
    free(w.text);
    return status;
}
