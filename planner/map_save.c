/* Maps as text. Numbers are written with 17 significant digits, which is what it takes for each to
 * be read back as it was, to the last bit. */
#include "planner/map.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    char *text;
    size_t used, capacity;
    bool out_of_memory;
    bool comma; /* wanted before the next value */
} writer;

static void put(writer *w, const char *text, size_t length)
{
    if (w->out_of_memory ||
        kerf_reserve(&w->text, &w->capacity, w->used + length + 1, SIZE_MAX / 2, 1) != 0) {
        w->out_of_memory = true;
        return;
    }
    memcpy(w->text + w->used, text, length);
    w->used += length;
}

static void put_string(writer *w, const char *text)
{
    put(w, "\"", 1);
    while (*text) {
        const size_t length = kerf_utf8_length(text);
        char escape[8];
        if (length == 0)
            put(w, "\\ufffd", 6);
        else if ((unsigned char)*text < 0x20 || *text == '"' || *text == '\\')
            put(w, escape,
                (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*text));
        else
            put(w, text, length);
        text += length ? length : 1;
    }
    put(w, "\"", 1);
}

/* What comes before a value: a comma, and in an object its key. */
static void begin(writer *w, const char *key)
{
    if (w->comma)
        put(w, ",", 1);
    w->comma = true;
    if (key) {
        put(w, "\n\"", 2);
        put(w, key, strlen(key));
        put(w, "\": ", 3);
    }
}

static void open(writer *w, const char *key, const char *bracket)
{
    begin(w, key);
    put(w, bracket, 1);
    w->comma = false;
}

static void close(writer *w, const char *bracket)
{
    put(w, bracket, 1);
    w->comma = true;
}

static void text(writer *w, const char *key, const char *value)
{
    begin(w, key);
    if (value)
        put_string(w, value);
    else
        put(w, "null", 4);
}

static void number(writer *w, const char *key, double value)
{
    char digits[32];
    begin(w, key);
    if (isfinite(value))
        put(w, digits, (size_t)snprintf(digits, sizeof digits, "%.17g", value));
    else
        put(w, "null", 4);
}

static void integer(writer *w, const char *key, int64_t value)
{
    char digits[32];
    begin(w, key);
    put(w, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

static void index_or_null(writer *w, const char *key, size_t value)
{
    if (value == KERF_NONE)
        text(w, key, NULL);
    else
        integer(w, key, (int64_t)value);
}

static void flag(writer *w, const char *key, bool value)
{
    begin(w, key);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

static void pair(writer *w, const char *key, const double values[2])
{
    open(w, key, "[");
    number(w, NULL, values[0]);
    number(w, NULL, values[1]);
    close(w, "]");
}

static void write_link(writer *w, const kerf_link *link)
{
    static const char *const connections[] = {"cold", "warm", "new"};
    open(w, "link", "{");
    pair(w, "rate_bps", link->rate_bps);
    number(w, "rtt_s", link->rtt_s);
    number(w, "loss", link->loss);
    number(w, "mss_bytes", link->mss_bytes);
    number(w, "initial_window_bytes", link->initial_window_bytes);
    number(w, "overhead", link->overhead);
    number(w, "message_bytes", link->message_bytes);
    text(w, "connection", connections[link->connection]);
    pair(w, "active_W_per_bps", link->active_W_per_bps);
    pair(w, "active_W", link->active_W);
    number(w, "idle_W", link->idle_W);
    number(w, "promotion_s", link->promotion_s);
    number(w, "promotion_W", link->promotion_W);
    number(w, "switch_s", link->switch_s);
    number(w, "switch_W", link->switch_W);
    number(w, "tail_s", link->tail_s);
    number(w, "tail_W", link->tail_W);
    number(w, "gap_s", link->gap_s);
    close(w, "}");
}

static void write_topic(writer *w, const kerf_map *map)
{
    const kerf_map_topic *t = &map->topic;
    const kerf_limits *l = &t->limits;
    open(w, "names", "{");
    text(w, "network", t->network);
    text(w, "device", t->device);
    text(w, "server", t->server);
    text(w, "link", t->link);
    close(w, "}");
    open(w, "objective", "{");
    text(w, "name", kerf_objective_name(t->objective));
    number(w, "weight_energy", t->weight_energy);
    number(w, "weight_latency", t->weight_latency);
    close(w, "}");
    open(w, "limits", "{");
    number(w, "deadline_s", l->deadline_s);
    number(w, "energy_J", l->energy_J);
    number(w, "memory_bytes", l->memory_bytes);
    number(w, "max_bytes", l->max_bytes);
    number(w, "min_accuracy", l->min_accuracy);
    integer(w, "min_device_operators", (int64_t)l->min_device_operators);
    close(w, "}");
    text(w, "result", t->result_at_server ? "server" : "device");
    integer(w, "examined", (int64_t)t->examined);
    flag(w, "complete", t->complete);
}

static void write_ranges(writer *w, const kerf_map *map)
{
    open(w, "box", "{");
    pair(w, "uplink_bps", map->box.uplink_bps);
    pair(w, "downlink_bps", map->box.downlink_bps);
    pair(w, "rtt_s", map->box.rtt_s);
    pair(w, "server_load", map->box.server_load);
    close(w, "}");
    open(w, "conditions", "{");
    number(w, "uplink_bps", map->conditions.uplink_bps);
    number(w, "downlink_bps", map->conditions.downlink_bps);
    number(w, "rtt_s", map->conditions.rtt_s);
    number(w, "server_load", map->conditions.server_load);
    close(w, "}");
}

static void write_networks(writer *w, const kerf_map *map)
{
    open(w, "networks", "[");
    for (size_t i = 0; i < map->n_networks; i++) {
        const map_network *net = &map->networks[i];
        open(w, NULL, "{");
        text(w, "name", net->name);
        open(w, "operators", "[");
        for (size_t k = 0; k < net->n_operators; k++)
            text(w, NULL, net->operators[k]);
        close(w, "]");
        close(w, "}");
    }
    close(w, "]");
}

static void write_tensor(writer *w, const kerf_map_tensor *t)
{
    open(w, NULL, "{");
    text(w, "name", t->name);
    text(w, "producer", t->producer);
    text(w, "type", t->type);
    open(w, "shape", "[");
    for (size_t i = 0; i < t->rank; i++)
        integer(w, NULL, t->dims[i]);
    close(w, "]");
    integer(w, "bytes", t->bytes);
    number(w, "wire_bytes", t->wire_bytes);
    close(w, "}");
}

/* A letter for each operator. */
static void write_sides(writer *w, const map_entry *e)
{
    static const char letters[] = {
        [KERF_SIDE_FREE] = '-', [KERF_SIDE_DEVICE] = 'd', [KERF_SIDE_SERVER] = 's'};
    begin(w, "sides");
    put(w, "\"", 1);
    for (size_t i = 0; i < e->shown.n_operators; i++)
        put(w, &letters[e->side[i]], 1);
    put(w, "\"", 1);
}

static void write_entry(writer *w, const map_entry *e)
{
    open(w, NULL, "{");
    text(w, "cut_id", e->shown.cut_id);
    text(w, "power_mode", e->power_mode);
    text(w, "wire", e->wire);
    integer(w, "network", (int64_t)e->network);
    index_or_null(w, "encoding", e->shown.encoding);
    index_or_null(w, "variant", e->shown.variant);
    number(w, "accuracy", e->shown.accuracy);
    write_sides(w, e);
    open(w, "tensors", "[");
    for (size_t i = 0; i < e->shown.n_tensors; i++)
        write_tensor(w, &e->tensors[i]);
    close(w, "]");
    number(w, "wait_W", e->wait_W);
    number(w, "device_s", e->totals.device_s);
    number(w, "device_J", e->totals.device_J);
    number(w, "server_s", e->totals.server_s);
    number(w, "server_J", e->totals.server_J);
    number(w, "up_bytes", e->totals.up_bytes);
    number(w, "down_bytes", e->totals.down_bytes);
    number(w, "memory_bytes", e->totals.memory_bytes);
    close(w, "}");
}

static void write_map(writer *w, const kerf_map *map)
{
    open(w, NULL, "{");
    text(w, "format", "kerf-map/1");
    write_topic(w, map);
    write_ranges(w, map);
    write_link(w, &map->link);
    write_networks(w, map);
    open(w, "entries", "[");
    for (size_t i = 0; i < map->n_entries; i++)
        write_entry(w, &map->entries[i]);
    close(w, "]");
    put(w, "\n}\n", 3);
}

kerf_status kerf_map_save(const kerf_map *map, const char *path, kerf_error *err)
{
    kerf_error_clear(err);
    writer w = {.text = NULL};
    kerf_outfile file = KERF_OUTFILE_NONE;
    write_map(&w, map);
    kerf_status status =
        w.out_of_memory ? kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for a map") : KERF_OK;
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
