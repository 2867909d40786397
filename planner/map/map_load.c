/* Maps from their files: configs/schema/map.json describes them. */
#include "planner/map/map.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ENTRIES  100000
#define MOST_FIGURE   1e30
#define MOST_BYTES    ((int64_t)1 << 53)
#define MOST_ELEMENTS ((int64_t)1 << 53)

static bool out_of_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

static bool figure(const kerf_json *object, const char *key, double *value)
{
    return kerf_json_number(object, key, KERF_REQUIRED, 0, MOST_FIGURE, value);
}

static bool is_null(const kerf_json *at)
{
    return json_is_null(at->value);
}

/* A string, or NULL for null. */
static bool copy_text(const kerf_json *object, const char *key, bool nullable, char **to)
{
    kerf_json at;
    const char *text = NULL;
    if (!kerf_json_member(object, key, KERF_REQUIRED, &at))
        return false;
    if (nullable && is_null(&at))
        return true;
    if (!kerf_json_as_string(&at, &text))
        return false;
    *to = kerf_strdup(text);
    return *to || out_of_memory(&at);
}

static bool read_pair(const kerf_json *object, const char *key, double pair[2])
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(object, key, KERF_REQUIRED, &list, &n))
        return false;
    if (n != 2)
        return kerf_json_fail(&list, KERF_E_INVALID, "has %zu values, expected 2", n);
    for (size_t i = 0; i < 2; i++) {
        const kerf_json at = kerf_json_at(&list, i);
        if (!kerf_json_as_number(&at, 0, MOST_FIGURE, &pair[i]))
            return false;
    }
    return true;
}

/* Which of the words a string is. */
static bool read_word(const kerf_json *object, const char *key, const char *const *words, size_t n,
                      size_t *which)
{
    kerf_json at;
    const char *text = "";
    if (!kerf_json_member(object, key, KERF_REQUIRED, &at) || !kerf_json_as_string(&at, &text))
        return false;
    for (*which = 0; *which < n; ++*which)
        if (strcmp(words[*which], text) == 0)
            return true;
    return kerf_json_fail(&at, KERF_E_INVALID, "is \"%.60s\", expected one of \"%s\", \"%s\", ...",
                          text, words[0], words[1]);
}

/* --- the parts --- */

static bool read_link(const kerf_json *root, kerf_link *link)
{
    static const char *const connections[] = {"cold", "warm", "new"};
    kerf_json at;
    size_t connection = 0;
    if (!kerf_json_object(root, "link", KERF_REQUIRED, &at))
        return false;
    read_pair(&at, "rate_bps", link->rate_bps);
    figure(&at, "rtt_s", &link->rtt_s);
    figure(&at, "loss", &link->loss);
    figure(&at, "mss_bytes", &link->mss_bytes);
    figure(&at, "initial_window_bytes", &link->initial_window_bytes);
    figure(&at, "overhead", &link->overhead);
    figure(&at, "message_bytes", &link->message_bytes);
    read_pair(&at, "active_W_per_bps", link->active_W_per_bps);
    read_pair(&at, "active_W", link->active_W);
    figure(&at, "idle_W", &link->idle_W);
    figure(&at, "promotion_s", &link->promotion_s);
    figure(&at, "promotion_W", &link->promotion_W);
    figure(&at, "switch_s", &link->switch_s);
    figure(&at, "switch_W", &link->switch_W);
    figure(&at, "tail_s", &link->tail_s);
    figure(&at, "tail_W", &link->tail_W);
    figure(&at, "gap_s", &link->gap_s);
    if (!read_word(&at, "connection", connections, 3, &connection) || !kerf_json_done(&at))
        return false;
    link->connection = (kerf_connection)connection;
    kerf_error problem = {0};
    if (kerf_link_check(link, &problem) != KERF_OK)
        return kerf_json_fail(&at, KERF_E_INVALID, "%s %s", problem.where, problem.message);
    return true;
}

static bool read_objective(const kerf_json *root, kerf_map_topic *t)
{
    const char *names[KERF_OBJ_WEIGHTED + 1];
    kerf_json at;
    size_t which = 0;
    for (int i = 0; i <= KERF_OBJ_WEIGHTED; i++)
        names[i] = kerf_objective_name((kerf_objective)i);
    if (!kerf_json_object(root, "objective", KERF_REQUIRED, &at) ||
        !read_word(&at, "name", names, KERF_OBJ_WEIGHTED + 1, &which))
        return false;
    t->objective = (kerf_objective)which;
    kerf_json_number(&at, "weight_energy", KERF_REQUIRED, 0, 1e9, &t->weight_energy);
    kerf_json_number(&at, "weight_latency", KERF_REQUIRED, 0, 1e9, &t->weight_latency);
    return kerf_json_done(&at);
}

static bool read_limits(const kerf_json *root, kerf_limits *l)
{
    kerf_json at;
    int64_t operators = 0;
    if (!kerf_json_object(root, "limits", KERF_REQUIRED, &at))
        return false;
    figure(&at, "deadline_s", &l->deadline_s);
    figure(&at, "energy_J", &l->energy_J);
    figure(&at, "memory_bytes", &l->memory_bytes);
    figure(&at, "max_bytes", &l->max_bytes);
    kerf_json_number(&at, "min_accuracy", KERF_REQUIRED, 0, 1, &l->min_accuracy);
    kerf_json_integer(&at, "min_device_operators", KERF_REQUIRED, 0, MOST_BYTES, &operators);
    l->min_device_operators = (size_t)operators;
    return kerf_json_done(&at);
}

static bool read_topic(const kerf_json *root, kerf_map *map)
{
    static const char *const sides[] = {"device", "server"};
    static const char *const keys[] = {"network", "device", "server", "link"};
    kerf_map_topic *t = &map->topic;
    kerf_json names;
    size_t result = 0;
    int64_t examined = 0;
    if (!kerf_json_object(root, "names", KERF_REQUIRED, &names))
        return false;
    for (int i = 0; i < 4; i++)
        if (!copy_text(&names, keys[i], true, &map->names[i]))
            return false;
    t->network = map->names[0];
    t->device = map->names[1];
    t->server = map->names[2];
    t->link = map->names[3];
    if (!kerf_json_done(&names) || !read_objective(root, t) || !read_limits(root, &t->limits) ||
        !read_word(root, "result", sides, 2, &result) ||
        !kerf_json_integer(root, "examined", KERF_REQUIRED, 0, MOST_BYTES, &examined) ||
        !kerf_json_bool(root, "complete", KERF_REQUIRED, &t->complete))
        return false;
    t->result_at_server = result == 1;
    t->examined = (size_t)examined;
    return true;
}

static bool read_ranges(const kerf_json *root, kerf_map *map)
{
    kerf_json box, at;
    kerf_conditions *c = &map->conditions;
    if (!kerf_json_object(root, "box", KERF_REQUIRED, &box))
        return false;
    read_pair(&box, "uplink_bps", map->box.uplink_bps);
    read_pair(&box, "downlink_bps", map->box.downlink_bps);
    read_pair(&box, "rtt_s", map->box.rtt_s);
    read_pair(&box, "server_load", map->box.server_load);
    if (!kerf_json_done(&box))
        return false;
    kerf_error problem = {0};
    if (map_check_box(&map->link, &map->box, &problem) != KERF_OK)
        return kerf_json_fail(&box, KERF_E_INVALID, "%s %s", problem.where, problem.message);
    const kerf_map_box *b = &map->box;
    return kerf_json_object(root, "conditions", KERF_REQUIRED, &at) &&
           kerf_json_number(&at, "uplink_bps", KERF_REQUIRED, b->uplink_bps[0], b->uplink_bps[1],
                            &c->uplink_bps) &&
           kerf_json_number(&at, "downlink_bps", KERF_REQUIRED, b->downlink_bps[0],
                            b->downlink_bps[1], &c->downlink_bps) &&
           kerf_json_number(&at, "rtt_s", KERF_REQUIRED, b->rtt_s[0], b->rtt_s[1], &c->rtt_s) &&
           kerf_json_number(&at, "server_load", KERF_REQUIRED, b->server_load[0], b->server_load[1],
                            &c->server_load) &&
           kerf_json_done(&at);
}

static bool read_network(const kerf_json *at, map_network *net)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_as_object(at) || !copy_text(at, "name", false, &net->name) ||
        !kerf_json_array(at, "operators", KERF_REQUIRED, &list, &n))
        return false;
    net->operators = kerf_calloc(n, sizeof *net->operators);
    if (!net->operators)
        return out_of_memory(&list);
    for (; net->n_operators < n; net->n_operators++) {
        const kerf_json name = kerf_json_at(&list, net->n_operators);
        const char *text = "";
        if (!kerf_json_as_string(&name, &text))
            return false;
        if (!(net->operators[net->n_operators] = kerf_strdup(text)))
            return out_of_memory(&name);
    }
    return kerf_json_done(at);
}

static bool read_networks(const kerf_json *root, kerf_map *map)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(root, "networks", KERF_REQUIRED, &list, &n))
        return false;
    map->networks = kerf_calloc(n, sizeof *map->networks);
    if (!map->networks)
        return out_of_memory(&list);
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&list, i);
        map->n_networks = i + 1;
        if (!read_network(&at, &map->networks[i]))
            return false;
    }
    return true;
}

/* --- entries --- */

static bool read_shape(const kerf_json *at, kerf_map_tensor *t)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(at, "shape", KERF_REQUIRED, &list, &n))
        return false;
    int64_t *dims = kerf_calloc(n, sizeof *dims);
    if (!dims)
        return out_of_memory(&list);
    t->dims = dims;
    t->rank = n;
    for (size_t i = 0; i < n; i++) {
        const kerf_json dim = kerf_json_at(&list, i);
        if (!kerf_json_as_integer(&dim, 0, MOST_ELEMENTS, &dims[i]))
            return false;
    }
    return true;
}

static bool read_tensor(const kerf_json *at, kerf_map_tensor *t)
{
    char *name = NULL, *producer = NULL, *type = NULL;
    const bool read = kerf_json_as_object(at) && copy_text(at, "name", false, &name) &&
                      copy_text(at, "producer", true, &producer) &&
                      copy_text(at, "type", false, &type);
    t->name = name;
    t->producer = producer;
    t->type = type;
    return read && read_shape(at, t) &&
           kerf_json_integer(at, "bytes", KERF_REQUIRED, 0, MOST_BYTES, &t->bytes) &&
           figure(at, "wire_bytes", &t->wire_bytes) && kerf_json_done(at);
}

static bool read_tensors(const kerf_json *at, map_entry *e)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(at, "tensors", KERF_REQUIRED, &list, &n))
        return false;
    e->tensors = kerf_calloc(n, sizeof *e->tensors);
    if (!e->tensors)
        return out_of_memory(&list);
    for (size_t i = 0; i < n; i++) {
        const kerf_json tensor = kerf_json_at(&list, i);
        e->shown.n_tensors = i + 1;
        if (!read_tensor(&tensor, &e->tensors[i]))
            return false;
        if (e->tensors[i].bytes > MOST_BYTES - e->shown.bytes)
            return kerf_json_fail(&tensor, KERF_E_INVALID, "makes more than 2^53 bytes in all");
        e->shown.bytes += e->tensors[i].bytes;
    }
    return true;
}

/* A letter for each operator of the entry's network. */
static bool read_sides(const kerf_json *at, const map_network *net, map_entry *e)
{
    kerf_json member;
    const char *text = "";
    if (!kerf_json_member(at, "sides", KERF_REQUIRED, &member) ||
        !kerf_json_as_string(&member, &text))
        return false;
    const size_t n = strlen(text);
    if (n != net->n_operators)
        return kerf_json_fail(&member, KERF_E_INVALID, "has %zu letters for %zu operators", n,
                              net->n_operators);
    e->side = kerf_calloc(n, sizeof *e->side);
    if (!e->side)
        return out_of_memory(&member);
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '-' && text[i] != 'd' && text[i] != 's')
            return kerf_json_fail(&member, KERF_E_INVALID, "letter %zu is none of -, d and s",
                                  i + 1);
        e->side[i] = text[i] == 'd'   ? KERF_SIDE_DEVICE
                     : text[i] == 's' ? KERF_SIDE_SERVER
                                      : KERF_SIDE_FREE;
        e->n_placed += text[i] != '-';
        e->totals.device_operators += text[i] == 'd';
    }
    return true;
}

/* An index, or KERF_NONE for null. */
static bool read_index(const kerf_json *at, const char *key, size_t *index)
{
    kerf_json member;
    int64_t value = 0;
    *index = KERF_NONE;
    if (!kerf_json_member(at, key, KERF_REQUIRED, &member))
        return false;
    if (is_null(&member))
        return true;
    if (!kerf_json_as_integer(&member, 0, MOST_ENTRIES, &value))
        return false;
    *index = (size_t)value;
    return true;
}

static bool read_accuracy(const kerf_json *at, double *accuracy)
{
    kerf_json member;
    *accuracy = NAN;
    if (!kerf_json_member(at, "accuracy", KERF_REQUIRED, &member))
        return false;
    return is_null(&member) || kerf_json_as_number(&member, 0, 1, accuracy);
}

static bool read_id(const kerf_json *at, char id[KERF_CUT_ID_SIZE])
{
    kerf_json member;
    const char *text = "";
    if (!kerf_json_member(at, "cut_id", KERF_REQUIRED, &member) ||
        !kerf_json_as_string(&member, &text))
        return false;
    if (strlen(text) != KERF_CUT_ID_SIZE - 1 ||
        strspn(text, "0123456789abcdef") != KERF_CUT_ID_SIZE - 1)
        return kerf_json_fail(&member, KERF_E_INVALID, "is no id, expected 16 hexadecimal digits");
    memcpy(id, text, KERF_CUT_ID_SIZE);
    return true;
}

static bool read_totals(const kerf_json *at, map_entry *e)
{
    return kerf_json_number(at, "wait_W", KERF_REQUIRED, 0, 1e9, &e->wait_W) &&
           figure(at, "device_s", &e->totals.device_s) &&
           figure(at, "device_J", &e->totals.device_J) &&
           figure(at, "server_s", &e->totals.server_s) &&
           figure(at, "server_J", &e->totals.server_J) &&
           figure(at, "up_bytes", &e->totals.up_bytes) &&
           figure(at, "down_bytes", &e->totals.down_bytes) &&
           figure(at, "memory_bytes", &e->totals.memory_bytes);
}

static bool read_entry(const kerf_json *at, const kerf_map *map, map_entry *e)
{
    int64_t network = 0;
    if (!kerf_json_as_object(at) || !read_id(at, e->shown.cut_id) ||
        !copy_text(at, "power_mode", false, &e->power_mode) ||
        !copy_text(at, "wire", false, &e->wire) ||
        !kerf_json_integer(at, "network", KERF_REQUIRED, 0, (int64_t)map->n_networks - 1, &network))
        return false;
    e->network = (size_t)network;
    return read_index(at, "encoding", &e->shown.encoding) &&
           read_index(at, "variant", &e->shown.variant) && read_accuracy(at, &e->shown.accuracy) &&
           read_sides(at, &map->networks[e->network], e) && read_tensors(at, e) &&
           read_totals(at, e) && kerf_json_done(at);
}

static bool read_entries(const kerf_json *root, kerf_map *map)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(root, "entries", KERF_REQUIRED, &list, &n))
        return false;
    if (n == 0 || n > MOST_ENTRIES)
        return kerf_json_fail(&list, KERF_E_INVALID, "has %zu entries, expected 1 to %d", n,
                              MOST_ENTRIES);
    map->entries = kerf_calloc(n, sizeof *map->entries);
    if (!map->entries)
        return out_of_memory(&list);
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&list, i);
        map->n_entries = i + 1;
        if (!read_entry(&at, map, &map->entries[i]))
            return false;
    }
    return true;
}

static void read_map(const kerf_json *root, kerf_map *map)
{
    if (read_topic(root, map) && read_link(root, &map->link) && read_ranges(root, map) &&
        read_networks(root, map) && read_entries(root, map))
        kerf_json_done(root);
    map->topic.connection = map->link.connection;
}

kerf_status kerf_map_load(const char *path, kerf_map **map, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_json_doc *doc = NULL;
    kerf_status status = kerf_json_open(path, "kerf-map/1", &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_map *made = kerf_calloc(1, sizeof *made);
    const kerf_json root = kerf_json_root(doc);
    if (made)
        read_map(&root, made);
    else
        out_of_memory(&root);
    status = kerf_json_close(&doc);
    if (status == KERF_OK)
        status = map_index(made, err);
    if (status == KERF_OK)
        *map = made;
    else
        kerf_map_destroy(&made);
    return status;
}
