/* From the options of `kerf ask` to a request. */
#include "planner/cli/ask.h"

#include <string.h>

/* Quantities are written in their base unit, with every digit. */
static void put_quantity(kerf_writer *w, const char *key, double value, const char *unit)
{
    char text[64];
    if (isnan(value))
        return;
    snprintf(text, sizeof text, "%.17g %s", value, unit);
    kw_put_string(w, key, text);
}

static void put_limit(kerf_writer *w, const char *key, double value, const char *unit)
{
    put_quantity(w, key, value > 0 ? value : NAN, unit);
}

static void put_if(kerf_writer *w, const char *key, const char *text)
{
    if (text)
        kw_put_string(w, key, text);
}

/* --- link --- */

static void put_phase(kerf_writer *w, const char *key, double time_s, double power_W)
{
    kw_put_begin(w, key, '{');
    put_quantity(w, "time", time_s, "s");
    put_quantity(w, "power", power_W, "W");
    kw_end(w, '}');
}

static void put_active(kerf_writer *w, const char *key, const kerf_link *link, kerf_direction d)
{
    kw_put_begin(w, key, '{');
    put_quantity(w, "slope", link->active_W_per_bps[d], "W/(bit/s)");
    put_quantity(w, "constant", link->active_W[d], "W");
    kw_end(w, '}');
}

/* Everything that a link file can state, of a file that the service does not have. */
static void put_whole_link(kerf_writer *w, const kerf_link *link)
{
    static const char *const states[] = {"cold", "warm", "new"};
    kw_put_string(w, "format", "kerf-link/1");
    kw_put_string(w, "name", link->name);
    put_quantity(w, "uplink", link->rate_bps[KERF_UPLINK], "bit/s");
    put_quantity(w, "downlink", link->rate_bps[KERF_DOWNLINK], "bit/s");
    put_quantity(w, "rtt", link->rtt_s, "s");
    kw_put_number(w, "loss", link->loss);
    put_quantity(w, "mss", link->mss_bytes, "B");
    put_quantity(w, "initial_window", link->initial_window_bytes, "B");
    kw_put_number(w, "overhead", link->overhead);
    put_quantity(w, "message_bytes", link->message_bytes, "B");
    put_quantity(w, "gap", link->gap_s, "s");
    kw_put_string(w, "connection", states[link->connection]);
    kw_put_begin(w, "radio", '{');
    put_quantity(w, "idle", link->idle_W, "W");
    put_active(w, "uplink", link, KERF_UPLINK);
    put_active(w, "downlink", link, KERF_DOWNLINK);
    put_phase(w, "promotion", link->promotion_s, link->promotion_W);
    put_phase(w, "switch", link->switch_s, link->switch_W);
    put_phase(w, "tail", link->tail_s, link->tail_W);
    kw_end(w, '}');
}

static void override(double given, double *field)
{
    if (!isnan(given))
        *field = given;
}

static cli_exit put_link_file(const cli_settings *s, kerf_writer *w)
{
    kerf_link *link = NULL;
    kerf_error err = {0};
    if (kerf_link_load(s->link, &link, &err) != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    override(s->uplink_bps, &link->rate_bps[KERF_UPLINK]);
    override(s->downlink_bps, &link->rate_bps[KERF_DOWNLINK]);
    override(s->rtt_s, &link->rtt_s);
    override(s->loss, &link->loss);
    override(s->gap_s, &link->gap_s);
    if (s->connection >= 0)
        link->connection = (kerf_connection)s->connection;
    kw_put_begin(w, "link", '{');
    put_whole_link(w, link);
    kw_end(w, '}');
    kerf_link_destroy(&link);
    return CLI_DONE;
}

static bool is_file(const char *name)
{
    const char *dot = strrchr(name, '.');
    return strchr(name, '/') || (dot && strcmp(dot, ".json") == 0);
}

cli_exit cli_ask_link(const cli_settings *s, kerf_writer *w)
{
    static const char *const states[] = {"cold", "warm", "new"};
    const bool changed = !isnan(s->uplink_bps) || !isnan(s->downlink_bps) || !isnan(s->rtt_s) ||
                         !isnan(s->loss) || !isnan(s->gap_s) || s->connection >= 0;
    if (s->link && is_file(s->link))
        return put_link_file(s, w);
    if (!changed) {
        put_if(w, "link", s->link);
        return CLI_DONE;
    }
    kw_put_begin(w, "link", '{');
    put_if(w, "base", s->link);
    put_quantity(w, "uplink", s->uplink_bps, "bit/s");
    put_quantity(w, "downlink", s->downlink_bps, "bit/s");
    put_quantity(w, "rtt", s->rtt_s, "s");
    if (!isnan(s->loss))
        kw_put_number(w, "loss", s->loss);
    put_quantity(w, "gap", s->gap_s, "s");
    if (s->connection >= 0)
        kw_put_string(w, "connection", states[s->connection]);
    kw_end(w, '}');
    return CLI_DONE;
}

/* --- the rest --- */

static void put_goal(const cli_settings *s, kerf_writer *w)
{
    char weighted[96];
    const char *objective = kerf_objective_name(s->objective);
    if (s->objective == KERF_OBJ_WEIGHTED) {
        snprintf(weighted, sizeof weighted, "weighted:energy=%.17g,latency=%.17g", s->weight_energy,
                 s->weight_latency);
        objective = weighted;
    }
    kw_put_string(w, "objective", objective);
    put_limit(w, "deadline", s->limits.deadline_s, "s");
    put_limit(w, "energy_budget", s->limits.energy_J, "J");
    put_limit(w, "device_memory", s->limits.memory_bytes, "B");
    put_limit(w, "max_bytes", s->limits.max_bytes, "B");
    if (s->min_device_operators > 0)
        kw_put_integer(w, "min_device_operators", s->min_device_operators);
    if (s->result == KERF_TIER_EDGE)
        kw_put_string(w, "result", "server");
}

static void put_pins(const cli_settings *s, kerf_writer *w)
{
    if (s->pins.n == 0)
        return;
    kw_put_begin(w, "pins", '{');
    for (size_t i = 0; i < s->pins.n; i++) {
        size_t length = 0;
        const kerf_tier tier = cli_pin_tier(s->pins.items[i], &length);
        char name[1024];
        snprintf(name, sizeof name, "%.*s", (int)length, s->pins.items[i]);
        kw_string(w, name);
        kw_raw(w, ":", 1);
        w->comma = false;
        kw_string(w, tier == KERF_TIER_DEVICE ? "device" : "server");
    }
    kw_end(w, '}');
}

static void put_search(const cli_settings *s, kerf_writer *w)
{
    put_if(w, "wire", s->wire_name);
    put_limit(w, "input_size", s->input_bytes, "B");
    if (s->solver != KERF_SOLVER_AUTO)
        kw_put_string(w, "solver", kerf_solver_name((kerf_solver)s->solver));
    put_limit(w, "time_limit", s->time_limit_s, "s");
    if (s->top > 1)
        kw_put_integer(w, "alternatives", s->top - 1);
}

/* The service plans for a device and a server. */
static bool names_cloud(const cli_settings *s)
{
    bool found = s->result == KERF_TIER_CLOUD;
    size_t length;
    for (size_t i = 0; i < s->pins.n; i++)
        found = found || cli_pin_tier(s->pins.items[i], &length) == KERF_TIER_CLOUD;
    return found;
}

cli_exit cli_ask_question(const cli_settings *s, const char *network, kerf_writer *w)
{
    if (names_cloud(s))
        return cli_error(CLI_USAGE, "ask: a service knows no cloud; kerf plan --cloud does");
    kw_put_string(w, "network", network);
    put_if(w, "device", s->device);
    put_if(w, "server", s->server);
    put_if(w, "power_mode", s->power_mode);
    put_if(w, "device_id", s->device_id);
    put_if(w, "current", s->current);
    if (!isnan(s->margin))
        kw_put_number(w, "margin", s->margin);
    if (s->server_load > 0)
        kw_put_number(w, "server_load", s->server_load);
    put_goal(s, w);
    put_pins(s, w);
    put_search(s, w);
    return cli_ask_link(s, w);
}

void cli_ask_observation(const cli_settings *s, kerf_writer *w)
{
    put_if(w, "link", s->link);
    put_quantity(w, "uplink", s->uplink_bps, "bit/s");
    put_quantity(w, "downlink", s->downlink_bps, "bit/s");
    put_quantity(w, "rtt", s->rtt_s, "s");
    put_quantity(w, "latency", s->observed_latency_s, "s");
    put_quantity(w, "energy", s->observed_energy_J, "J");
}
