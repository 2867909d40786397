/* A simulation's results as JSON: configs/schema/simulation.json describes them. Nothing in it
 * differs from run to run. */
#include "planner/cli/simulate.h"

#include <math.h>

/* {"mean": m, "half_width": h}; null where the figure does not exist. */
static void put_estimate(cli_json *j, json_t *object, const char *key, kerf_estimate e)
{
    if (isnan(e.mean)) {
        cli_json_put(j, object, key, json_null());
        return;
    }
    json_t *o = json_object();
    cli_json_number(j, o, "mean", e.mean);
    cli_json_number(j, o, "half_width", e.half_width);
    cli_json_put(j, object, key, o);
}

static json_t *scenario_json(cli_json *j, const kerf_scenario *scenario,
                             const kerf_simulation_summary *s)
{
    const kerf_scenario_summary d = kerf_scenario_describe(scenario);
    json_t *o = json_object();
    cli_json_text(j, o, "name", d.name);
    cli_json_text(j, o, "description", d.description);
    cli_json_count(j, o, "devices", (int64_t)d.devices);
    cli_json_number(j, o, "duration_s", s->duration_s);
    cli_json_number(j, o, "warmup_s", s->warmup_s);
    cli_json_count(j, o, "seed", (int64_t)s->seed);
    cli_json_count(j, o, "replications", (int64_t)s->replications);
    return o;
}

static json_t *group_json(cli_json *j, const kerf_simulation *s, size_t group, size_t policy)
{
    static const char *const quantiles[KERF_QUANTILES] = {"p50", "p95", "p99", "p99_9"};
    const kerf_group_result *r = kerf_simulation_group(s, group, policy);
    json_t *o = json_object(), *energy = json_object(), *latency = json_object(),
           *counts = json_object();
    cli_json_text(j, o, "group", kerf_simulation_group_name(s, group));
    cli_json_count(j, o, "replications", (int64_t)r->replications);
    cli_json_count(j, counts, "arrived", (int64_t)r->arrived);
    cli_json_count(j, counts, "done", (int64_t)r->done);
    cli_json_count(j, counts, "missed", (int64_t)r->missed);
    cli_json_count(j, counts, "dropped", (int64_t)r->dropped);
    cli_json_count(j, counts, "offloaded", (int64_t)r->offloaded);
    cli_json_count(j, counts, "fallbacks", (int64_t)r->fallbacks);
    cli_json_count(j, counts, "switches", (int64_t)r->switches);
    cli_json_put(j, o, "inferences", counts);
    put_estimate(j, o, "device_energy_J", r->energy_J);
    put_estimate(j, energy, "compute_J", r->compute_J);
    put_estimate(j, energy, "uplink_J", r->uplink_J);
    put_estimate(j, energy, "wait_J", r->wait_J);
    put_estimate(j, energy, "downlink_J", r->downlink_J);
    put_estimate(j, energy, "radio_fixed_J", r->radio_fixed_J);
    cli_json_put(j, o, "energy", energy);
    put_estimate(j, o, "total_energy_J", r->total_energy_J);
    json_t *total = json_object();
    put_estimate(j, total, "compute_J", r->total_compute_J);
    put_estimate(j, total, "uplink_J", r->total_uplink_J);
    put_estimate(j, total, "wait_J", r->total_wait_J);
    put_estimate(j, total, "downlink_J", r->total_downlink_J);
    put_estimate(j, total, "radio_fixed_J", r->total_radio_fixed_J);
    cli_json_put(j, o, "total_energy", total);
    put_estimate(j, o, "server_energy_J", r->server_energy_J);
    put_estimate(j, o, "power_W", r->power_W);
    put_estimate(j, o, "battery_s", r->battery_s);
    put_estimate(j, o, "latency_s", r->latency_s);
    put_estimate(j, latency, "queue_s", r->queue_s);
    put_estimate(j, latency, "device_s", r->device_s);
    put_estimate(j, latency, "uplink_s", r->uplink_s);
    put_estimate(j, latency, "server_wait_s", r->server_wait_s);
    put_estimate(j, latency, "server_s", r->server_s);
    put_estimate(j, latency, "downlink_s", r->downlink_s);
    put_estimate(j, latency, "fallback_s", r->fallback_s);
    cli_json_put(j, o, "latency", latency);
    json_t *of = json_object();
    for (size_t q = 0; q < KERF_QUANTILES; q++)
        put_estimate(j, of, quantiles[q], r->latency_quantile_s[q]);
    cli_json_put(j, o, "latency_quantile_s", of);
    put_estimate(j, o, "miss_ratio", r->miss_ratio);
    put_estimate(j, o, "drop_ratio", r->drop_ratio);
    put_estimate(j, o, "offload_ratio", r->offload_ratio);
    put_estimate(j, o, "switch_ratio", r->switch_ratio);
    put_estimate(j, o, "throughput_per_s", r->throughput_per_s);
    put_estimate(j, o, "objective", r->objective);
    cli_json_text(j, o, "objective_unit", kerf_simulation_objective_unit(s, group));
    put_estimate(j, o, "regret", r->regret);
    return o;
}

static json_t *server_json(cli_json *j, const kerf_simulation *s, size_t server, size_t policy)
{
    const kerf_server_result *r = kerf_simulation_server(s, server, policy);
    json_t *o = json_object();
    cli_json_text(j, o, "server", kerf_simulation_server_name(s, server));
    put_estimate(j, o, "utilisation", r->utilisation);
    put_estimate(j, o, "jobs", r->jobs);
    put_estimate(j, o, "wait_s", r->wait_s);
    put_estimate(j, o, "response_s", r->response_s);
    put_estimate(j, o, "energy_J", r->energy_J);
    put_estimate(j, o, "batch", r->batch);
    cli_json_count(j, o, "accepted", (int64_t)r->accepted);
    cli_json_count(j, o, "rejected", (int64_t)r->rejected);
    cli_json_count(j, o, "failed", (int64_t)r->failed);
    return o;
}

static json_t *link_json(cli_json *j, const char *kind, const char *name, const kerf_link_result *r)
{
    static const char *const directions[2] = {"uplink", "downlink"};
    json_t *o = json_object();
    cli_json_text(j, o, kind, name);
    for (int d = 0; d < 2; d++) {
        json_t *way = json_object();
        put_estimate(j, way, "utilisation", r->utilisation[d]);
        put_estimate(j, way, "bytes", r->bytes[d]);
        put_estimate(j, way, "transfers", r->transfers[d]);
        cli_json_put(j, o, directions[d], way);
    }
    return o;
}

/* --- over time --- */

/* [value by step], from a field of an array of records. */
#define PUT_STEPS(j, object, key, step, n, expression)                                             \
    do {                                                                                           \
        json_t *of_ = json_array();                                                                \
        for (size_t k = 0; k < (n); k++)                                                           \
            cli_json_append(j, of_, expression);                                                   \
        cli_json_put(j, object, key, of_);                                                         \
    } while (0)
#define COUNT_STEPS(j, object, field, step, n)                                                     \
    PUT_STEPS(j, object, #field, step, n, json_integer((json_int_t)(step)[k].field))
#define REAL_STEPS(j, object, field, step, n)                                                      \
    PUT_STEPS(j, object, #field, step, n, cli_json_real((step)[k].field))

static json_t *group_steps(cli_json *j, const kerf_simulation *s, size_t group,
                           const kerf_group_step *step)
{
    const size_t n = kerf_simulation_describe(s).steps;
    json_t *o = json_object();
    cli_json_text(j, o, "group", kerf_simulation_group_name(s, group));
    COUNT_STEPS(j, o, started, step, n);
    COUNT_STEPS(j, o, ended, step, n);
    COUNT_STEPS(j, o, dropped, step, n);
    COUNT_STEPS(j, o, offloaded, step, n);
    REAL_STEPS(j, o, energy_J, step, n);
    REAL_STEPS(j, o, latency_s, step, n);
    REAL_STEPS(j, o, device_operators, step, n);
    PUT_STEPS(j, o, "cut", step, n,
              step[k].cut == KERF_NONE
                  ? json_null()
                  : cli_json_string(j, kerf_simulation_cut_name(s, group, step[k].cut)));
    return o;
}

static json_t *server_steps(cli_json *j, const kerf_simulation *s, size_t server,
                            const kerf_server_step *step)
{
    const size_t n = kerf_simulation_describe(s).steps;
    json_t *o = json_object();
    cli_json_text(j, o, "server", kerf_simulation_server_name(s, server));
    REAL_STEPS(j, o, utilisation, step, n);
    REAL_STEPS(j, o, jobs, step, n);
    return o;
}

static json_t *link_steps(cli_json *j, const kerf_simulation *s, const char *kind, const char *name,
                          const kerf_link_step *step)
{
    static const char *const directions[2] = {"uplink", "downlink"};
    const size_t n = kerf_simulation_describe(s).steps;
    json_t *o = json_object();
    cli_json_text(j, o, kind, name);
    for (int d = 0; d < 2; d++) {
        json_t *way = json_object();
        PUT_STEPS(j, way, "rate_bps", step, n, cli_json_real(step[k].rate_bps[d]));
        PUT_STEPS(j, way, "carried_bps", step, n, cli_json_real(step[k].carried_bps[d]));
        cli_json_put(j, o, directions[d], way);
    }
    return o;
}

static json_t *series_json(cli_json *j, const kerf_simulation *s, size_t p)
{
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    json_t *o = json_object(), *groups = json_array(), *servers = json_array(),
           *links = json_array(), *points = json_array();
    cli_json_number(j, o, "step_s", d.step_s);
    cli_json_count(j, o, "steps", (int64_t)d.steps);
    for (size_t i = 0; kerf_simulation_group_steps(s, i, p); i++)
        cli_json_append(j, groups, group_steps(j, s, i, kerf_simulation_group_steps(s, i, p)));
    for (size_t i = 0; kerf_simulation_server_steps(s, i, p); i++)
        cli_json_append(j, servers, server_steps(j, s, i, kerf_simulation_server_steps(s, i, p)));
    for (size_t i = 0; kerf_simulation_link_steps(s, i, p); i++)
        cli_json_append(j, links,
                        link_steps(j, s, "link", kerf_simulation_link_name(s, i),
                                   kerf_simulation_link_steps(s, i, p)));
    for (size_t i = 0; kerf_simulation_access_point_steps(s, i, p); i++)
        cli_json_append(j, points,
                        link_steps(j, s, "access_point", kerf_simulation_access_point_name(s, i),
                                   kerf_simulation_access_point_steps(s, i, p)));
    cli_json_put(j, o, "groups", groups);
    cli_json_put(j, o, "servers", servers);
    cli_json_put(j, o, "links", links);
    cli_json_put(j, o, "access_points", points);
    return o;
}

static json_t *policy_json(cli_json *j, const kerf_simulation *s, size_t policy)
{
    const kerf_simulation_summary d = kerf_simulation_describe(s);
    json_t *o = json_object(), *groups = json_array(), *servers = json_array(),
           *links = json_array(), *points = json_array();
    cli_json_text(j, o, "policy", kerf_simulation_policy_name(s, policy));
    for (size_t i = 0; i < d.groups; i++)
        cli_json_append(j, groups, group_json(j, s, i, policy));
    for (size_t i = 0; i < d.servers; i++)
        cli_json_append(j, servers, server_json(j, s, i, policy));
    for (size_t i = 0; i < d.links; i++)
        cli_json_append(j, links,
                        link_json(j, "link", kerf_simulation_link_name(s, i),
                                  kerf_simulation_link(s, i, policy)));
    for (size_t i = 0; i < d.access_points; i++)
        cli_json_append(j, points,
                        link_json(j, "access_point", kerf_simulation_access_point_name(s, i),
                                  kerf_simulation_access_point(s, i, policy)));
    cli_json_put(j, o, "groups", groups);
    cli_json_put(j, o, "servers", servers);
    cli_json_put(j, o, "links", links);
    cli_json_put(j, o, "access_points", points);
    if (d.steps > 0)
        cli_json_put(j, o, "series", series_json(j, s, policy));
    return o;
}

json_t *cli_simulate_document(cli_json *j, const kerf_scenario *scenario,
                              const kerf_simulation *simulation)
{
    const kerf_simulation_summary s = kerf_simulation_describe(simulation);
    json_t *o = json_object(), *policies = json_array();
    cli_json_text(j, o, "format", "kerf-simulation/1");
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_put(j, o, "scenario", scenario_json(j, scenario, &s));
    cli_json_bool(j, o, "partial", s.partial);
    cli_json_number(j, o, "confidence", s.confidence);
    cli_json_count(j, o, "inferences", (int64_t)s.inferences);
    for (size_t p = 0; p < s.policies; p++)
        cli_json_append(j, policies, policy_json(j, simulation, p));
    cli_json_put(j, o, "policies", policies);
    return o;
}

cli_exit cli_simulate_json(const kerf_scenario *scenario, const kerf_simulation *simulation)
{
    cli_json j = {false};
    json_t *document = cli_simulate_document(&j, scenario, simulation);
    return cli_json_print(&j, document);
}
