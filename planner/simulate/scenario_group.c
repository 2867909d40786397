/* A scenario's groups of boards, and when their inferences arrive. */
#include "planner/simulate/scenario_read.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STAMPS      ((size_t)50000000)
#define MAX_RATE        1e9  /* inferences per second and board */
#define LEAST_PER_CYCLE 1e-5 /* arrivals between two changes from quiet to busy */

/* --- arrivals --- */

static bool read_periodic(const kerf_json *at, sim_arrivals *a)
{
    kerf_json phase;
    const char *text = "";
    a->kind = SIM_PERIODIC;
    a->phase_s = NAN;
    scenario_positive(at, "period", KERF_TIME, KERF_REQUIRED, &a->period_s);
    kerf_json_quantity(at, "jitter", KERF_TIME, KERF_OPTIONAL, &a->jitter_s);
    if (kerf_json_failed(at->doc))
        return false;
    if (a->period_s < 1 / MAX_RATE || a->jitter_s > a->period_s)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "expected a period of at least 1 ns and a jitter of at most that");
    if (!kerf_json_member(at, "phase", KERF_OPTIONAL, &phase))
        return !kerf_json_failed(at->doc);
    if (json_is_string(phase.value) && kerf_json_as_string(&phase, &text) &&
        strcmp(text, "random") == 0)
        return true;
    return kerf_json_as_quantity(&phase, KERF_TIME, &a->phase_s);
}

static bool read_rate(const kerf_json *at, const char *key, bool may_be_zero, double *rate)
{
    kerf_json member;
    double read = 0;
    if (!kerf_json_quantity(at, key, KERF_FREQUENCY, KERF_REQUIRED, &read) ||
        !kerf_json_member(at, key, KERF_REQUIRED, &member))
        return false;
    if (!(read > 0 || may_be_zero) || read > MAX_RATE)
        return kerf_json_fail(&member, KERF_E_INVALID, "is %g Hz, expected %s to 1 GHz", read,
                              may_be_zero ? "0" : "more than 0");
    *rate = read;
    return true;
}

static bool read_bursts(const kerf_json *at, sim_arrivals *a)
{
    a->kind = SIM_BURSTS;
    if (!read_rate(at, "quiet_rate", true, &a->rate_per_s[0]) ||
        !read_rate(at, "busy_rate", false, &a->rate_per_s[1]) ||
        !scenario_positive(at, "quiet_time", KERF_TIME, KERF_REQUIRED, &a->state_s[0]) ||
        !scenario_positive(at, "busy_time", KERF_TIME, KERF_REQUIRED, &a->state_s[1]) ||
        kerf_json_failed(at->doc))
        return false;
    const double each = a->rate_per_s[0] * a->state_s[0] + a->rate_per_s[1] * a->state_s[1];
    return each >= LEAST_PER_CYCLE ||
           kerf_json_fail(at, KERF_E_INVALID,
                          "has %g arrivals in a quiet and a busy time together; so few between so "
                          "many changes are \"poisson\"",
                          each);
}

/* Seconds, a line each, ascending: the trace reader's first column. */
static bool load_stamps(const scenario_reader *r, const kerf_json *at, sim_arrivals *a)
{
    char *path = NULL, *text = NULL, *end;
    size_t size = 0, capacity = 0, line = 0;
    const char *name = "";
    kerf_error err = {0};
    bool done = false;
    if (!kerf_json_as_string(at, &name))
        return false;
    path = kerf_path_beside(r->path, name);
    if (!path)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    kerf_status status = kerf_read_file(path, (size_t)1000000000, &text, &size, &err);
    if (status != KERF_OK) {
        scenario_fail(at, status, &err);
        goto out;
    }
    for (char *p = text; *p; p += *p == '\n') {
        line++;
        p += strspn(p, " \t\r");
        const size_t length = strcspn(p, "\n");
        if (*p == '#' || *p == '\n' || *p == '\0') {
            p += length;
            continue;
        }
        char quantity[48];
        const size_t digits = strspn(p, "0123456789.eE+-");
        double t = 0;
        snprintf(quantity, sizeof quantity, "%.*s s", (int)(digits < 40 ? digits : 40), p);
        if (strcspn(p + digits, " \t\r\n,") != 0 ||
            kerf_parse_quantity(quantity, KERF_TIME, &t, NULL) != KERF_OK ||
            (a->n > 0 && t < a->stamp_s[a->n - 1])) {
            kerf_json_fail(at, KERF_E_INVALID,
                           "%s: line %zu: expected a time in seconds, not before the one above",
                           name, line);
            goto out;
        }
        if (kerf_reserve(&a->stamp_s, &capacity, a->n + 1, MAX_STAMPS, sizeof *a->stamp_s) != 0) {
            kerf_json_fail(at, a->n < MAX_STAMPS ? KERF_E_NOMEM : KERF_E_TOO_LARGE,
                           "no memory for so many timestamps");
            goto out;
        }
        a->stamp_s[a->n++] = t;
        end = p + length;
        p = end;
    }
    done = a->n > 0 || kerf_json_fail(at, KERF_E_INVALID, "%s: has no timestamp", name);
out:
    free(path);
    free(text);
    return done;
}

static bool read_timestamps(const scenario_reader *r, const kerf_json *at, sim_arrivals *a)
{
    kerf_json file;
    a->kind = SIM_TIMESTAMPS;
    if (!kerf_json_member(at, "file", KERF_REQUIRED, &file) || !load_stamps(r, &file, a))
        return false;
    scenario_positive(at, "repeat", KERF_TIME, KERF_OPTIONAL, &a->repeat_s);
    if (!kerf_json_failed(at->doc) && a->repeat_s > 0 && a->repeat_s < a->stamp_s[a->n - 1])
        return kerf_json_fail(at, KERF_E_INVALID,
                              "repeats after %g s, before the last timestamp, %g s", a->repeat_s,
                              a->stamp_s[a->n - 1]);
    return !kerf_json_failed(at->doc);
}

bool scenario_read_arrivals(const scenario_reader *r, const kerf_json *group, sim_arrivals *a)
{
    kerf_json at;
    static const char *const kinds[] = {"periodic", "poisson", "bursts", "timestamps", NULL};
    int kind = -1;
    if (!kerf_json_object(group, "arrivals", KERF_REQUIRED, &at) ||
        !scenario_choice(&at, "kind", kinds, &kind))
        return false;
    bool read;
    switch (kind) {
    case SIM_PERIODIC:
        read = read_periodic(&at, a);
        break;
    case SIM_POISSON:
        a->kind = SIM_POISSON;
        read = read_rate(&at, "rate", false, &a->rate_per_s[0]);
        break;
    case SIM_BURSTS:
        read = read_bursts(&at, a);
        break;
    case SIM_TIMESTAMPS:
        read = read_timestamps(r, &at, a);
        break;
    default:
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "has no \"kind\", expected \"periodic\", "
                              "\"poisson\", \"bursts\" or \"timestamps\"");
    }
    return read && kerf_json_done(&at);
}

/* --- what a group runs --- */

static bool load_board(const scenario_reader *r, const kerf_json *at, sim_group *g)
{
    kerf_json device, mode;
    kerf_error err = {0};
    char *path = NULL;
    if (!kerf_json_member(at, "device", KERF_REQUIRED, &device) ||
        !scenario_find(r, &device, "device", &path))
        return false;
    const kerf_status status = kerf_device_load(path, &g->device, &err);
    free(path);
    if (status != KERF_OK)
        return scenario_fail(&device, status, &err);
    if (!scenario_copy(at, "power_mode", KERF_OPTIONAL, &g->power_mode))
        return false;
    if (g->power_mode && strcmp(g->power_mode, "any") != 0 &&
        kerf_device_find_mode(g->device, g->power_mode) == KERF_NONE) {
        kerf_json_member(at, "power_mode", KERF_REQUIRED, &mode);
        return kerf_json_fail(&mode, KERF_E_INVALID, "is \"%.60s\", which %s does not have",
                              g->power_mode, g->device->name);
    }
    return true;
}

static bool load_network(const scenario_reader *r, const kerf_json *at, sim_group *g)
{
    kerf_json network;
    kerf_error err = {0};
    char *path = NULL;
    size_t batch = 1;
    scenario_count(at, "batch", KERF_OPTIONAL, 1, 100000, &batch);
    const kerf_network_options options = {.batch = (int64_t)batch};
    if (!kerf_json_member(at, "network", KERF_REQUIRED, &network) ||
        !scenario_find(r, &network, "network", &path))
        return false;
    const kerf_status status = kerf_network_load(path, &options, &g->network, &err);
    free(path);
    return status == KERF_OK || scenario_fail(&network, status, &err);
}

static bool load_profile(const scenario_reader *r, const kerf_json *at, const char *key,
                         const kerf_network *network, kerf_profile **profile)
{
    kerf_json file;
    const char *name = "";
    kerf_error err = {0};
    if (!kerf_json_member(at, key, KERF_OPTIONAL, &file) || !kerf_json_as_string(&file, &name))
        return !kerf_json_failed(at->doc);
    char *path = kerf_path_beside(r->path, name);
    if (!path)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    const kerf_status status = kerf_profile_load(path, network, profile, &err);
    free(path);
    return status == KERF_OK || scenario_fail(&file, status, &err);
}

/* "energy", or {"energy": 1, "latency": 20}: weights. */
static bool read_objective(const kerf_json *at, kerf_question *q)
{
    kerf_json objective;
    const char *text = "";
    if (!kerf_json_member(at, "objective", KERF_OPTIONAL, &objective))
        return !kerf_json_failed(at->doc);
    if (json_is_object(objective.value)) {
        q->objective = KERF_OBJ_WEIGHTED;
        kerf_json_number(&objective, "energy", KERF_OPTIONAL, 0, 1e9, &q->weight_energy);
        kerf_json_number(&objective, "latency", KERF_OPTIONAL, 0, 1e9, &q->weight_latency);
        return kerf_json_done(&objective);
    }
    if (!kerf_json_as_string(&objective, &text))
        return false;
    for (int o = KERF_OBJ_ENERGY; o < KERF_OBJ_WEIGHTED; o++) {
        if (strcmp(text, kerf_objective_name((kerf_objective)o)) == 0) {
            q->objective = (kerf_objective)o;
            return true;
        }
    }
    return kerf_json_fail(&objective, KERF_E_INVALID,
                          "is \"%.40s\", expected energy, latency, throughput, edp, total-energy "
                          "or an object of weights",
                          text);
}

static bool read_goal(const kerf_json *at, kerf_question *q)
{
    static const char *const wires[] = {"own", "float32", "float16", "int8", NULL};
    static const char *const sides[] = {"device", "server", NULL};
    int wire = 0, side = 0;
    kerf_limits *limits = &q->limits;
    scenario_positive(at, "deadline", KERF_TIME, KERF_OPTIONAL, &limits->deadline_s);
    scenario_positive(at, "energy_budget", KERF_ENERGY, KERF_OPTIONAL, &limits->energy_J);
    scenario_positive(at, "device_memory", KERF_SIZE, KERF_OPTIONAL, &limits->memory_bytes);
    scenario_positive(at, "max_bytes", KERF_SIZE, KERF_OPTIONAL, &limits->max_bytes);
    scenario_count(at, "min_device_operators", KERF_OPTIONAL, 1, 1000000000,
                   &limits->min_device_operators);
    scenario_positive(at, "input_size", KERF_SIZE, KERF_OPTIONAL, &q->input_bytes);
    if (!read_objective(at, q) || !scenario_choice(at, "wire", wires, &wire) ||
        !scenario_choice(at, "result", sides, &side))
        return false;
    q->wire = (kerf_wire)wire;
    q->result_at_server = side == 1;
    return !kerf_json_failed(at->doc);
}

static bool read_behaviour(const kerf_json *at, sim_group *g)
{
    static const char *const drops[] = {"newest", "oldest", NULL};
    kerf_json policy;
    int drop = 0;
    g->queue = 10;
    g->retry_s = 1;
    g->fallback = true;
    g->timeout_s = 0;
    scenario_count(at, "queue", KERF_OPTIONAL, 0, SIM_MAX_QUEUE, &g->queue);
    scenario_positive(at, "battery", KERF_ENERGY, KERF_OPTIONAL, &g->battery_J);
    scenario_positive(at, "timeout", KERF_TIME, KERF_OPTIONAL, &g->timeout_s);
    kerf_json_quantity(at, "retry", KERF_TIME, KERF_OPTIONAL, &g->retry_s);
    kerf_json_bool(at, "fallback", KERF_OPTIONAL, &g->fallback);
    if (!scenario_choice(at, "drop", drops, &drop))
        return false;
    g->drop_oldest = drop == 1;
    if (!kerf_json_member(at, "policy", KERF_OPTIONAL, &policy))
        return !kerf_json_failed(at->doc);
    g->policy = kerf_calloc(1, sizeof *g->policy);
    if (!g->policy)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    return scenario_read_policy(&policy, g->policy);
}

static bool read_group(const scenario_reader *r, const kerf_json *at, sim_group *g)
{
    const kerf_scenario *s = r->scenario;
    if (!kerf_json_as_object(at) || !scenario_copy(at, "name", KERF_REQUIRED, &g->name))
        return false;
    g->count = 1;
    g->link = g->server = KERF_NONE;
    scenario_count(at, "count", KERF_OPTIONAL, 1, SIM_MAX_DEVICES, &g->count);
    if (!scenario_reference(at, "link", KERF_REQUIRED, "links", s->links, s->n_links,
                            sizeof *s->links, &g->link) ||
        !scenario_reference(at, "server", KERF_REQUIRED, "servers", s->servers, s->n_servers,
                            sizeof *s->servers, &g->server) ||
        g->link == KERF_NONE || g->server == KERF_NONE || !load_board(r, at, g) ||
        !load_network(r, at, g) ||
        !load_profile(r, at, "device_profile", g->network, &g->device_profile) ||
        !load_profile(r, at, "server_profile", g->network, &g->server_profile) ||
        !scenario_read_arrivals(r, at, &g->arrivals) || !read_goal(at, &g->question) ||
        !read_behaviour(at, g))
        return false;
    kerf_question *q = &g->question;
    q->network = g->network;
    q->device = g->device;
    q->server = s->servers[g->server].device;
    q->server_load = s->servers[g->server].load;
    q->link = s->links[g->link].link;
    q->power_mode = g->power_mode;
    q->device_profile = g->device_profile;
    q->server_profile = g->server_profile;
    q->no_break_even = true;
    return kerf_json_done(at);
}

static bool check_names(const kerf_json *at, const kerf_scenario *s)
{
    const sim_group *last = &s->groups[s->n_groups - 1];
    size_t boards = 0;
    for (size_t i = 0; i < s->n_groups; i++) {
        boards += s->groups[i].count;
        if (&s->groups[i] != last && strcmp(s->groups[i].name, last->name) == 0)
            return kerf_json_fail(at, KERF_E_INVALID, "is a second group called \"%.60s\"",
                                  last->name);
    }
    return boards <= SIM_MAX_DEVICES ||
           kerf_json_fail(at, KERF_E_TOO_LARGE, "makes %zu boards in all, expected at most %zu",
                          boards, SIM_MAX_DEVICES);
}

bool scenario_read_groups(scenario_reader *r, const kerf_json *root)
{
    kerf_json list;
    size_t n = 0;
    kerf_scenario *s = r->scenario;
    if (!kerf_json_array(root, "groups", KERF_REQUIRED, &list, &n))
        return false;
    if (n == 0 || n > SIM_MAX_LIST)
        return kerf_json_fail(&list, KERF_E_INVALID, "has %zu elements, expected 1 to %d", n,
                              SIM_MAX_LIST);
    s->groups = kerf_calloc(n, sizeof *s->groups);
    if (!s->groups)
        return kerf_json_fail(&list, KERF_E_NOMEM, "out of memory");
    while (s->n_groups < n) {
        kerf_json item = kerf_json_at(&list, s->n_groups);
        sim_group *group = &s->groups[s->n_groups++];
        if (!read_group(r, &item, group) || !check_names(&item, s))
            return false;
    }
    return true;
}
