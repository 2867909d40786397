/* A three-tier plan as JSON (configs/schema/tiers.json): what plan --json has, and the cloud. */
#include "planner/cli/json_out.h"
#include "planner/cli/tiers.h"

#include "planner/choice.h"

static json_t *network_json(cli_json *j, const kerf_network *network)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", network->name);
    cli_json_count(j, o, "operators", (int64_t)network->n_placed);
    cli_json_count(j, o, "macs", network->macs);
    cli_json_count(j, o, "parameters", network->params);
    return o;
}

static void put_scene(cli_json *j, json_t *o, const cli_tiers_scene *scene, const char *power_mode)
{
    const kerf_question *q = &scene->question.edge;
    static const char *const wires[] = {[KERF_WIRE_OWN] = "own",
                                        [KERF_WIRE_FLOAT32] = "float32",
                                        [KERF_WIRE_FLOAT16] = "float16",
                                        [KERF_WIRE_INT8] = "int8"};
    static const char *const results[] = {"device", "device", "server", "cloud"};
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_put(j, o, "network", network_json(j, q->network));
    cli_json_text(j, o, "device", q->device->name);
    cli_json_text(j, o, "power_mode", power_mode);
    cli_json_text(j, o, "server", q->server->name);
    cli_json_text(j, o, "link", q->link->name);
    cli_json_text(j, o, "cloud", scene->cloud->name);
    cli_json_text(j, o, "cloud_link", scene->link->name);
    cli_json_text(j, o, "wire", wires[q->wire]);
    cli_json_text(j, o, "result", results[scene->question.result]);
}

static json_t *objective_json(cli_json *j, const kerf_question *q, const kerf_tiers_plan *plan)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", kerf_objective_name(q->objective));
    cli_json_number(j, o, "value", plan->cost.first.objective);
    cli_json_text(j, o, "unit", kerf_objective_unit(q->objective));
    if (q->objective == KERF_OBJ_WEIGHTED) {
        cli_json_number(j, o, "weight_energy", q->weight_energy);
        cli_json_number(j, o, "weight_latency", q->weight_latency);
    }
    return o;
}

static json_t *proof_json(cli_json *j, const kerf_tiers_plan *plan)
{
    json_t *o = json_object();
    cli_json_text(j, o, "solver", kerf_solver_name(plan->solver));
    cli_json_number(j, o, "bound", plan->bound);
    cli_json_number(j, o, "gap", plan->gap);
    cli_json_count(j, o, "examined", (int64_t)plan->examined);
    return o;
}

static json_t *tensors_json(cli_json *j, const kerf_question *q, const kerf_cut *cut)
{
    json_t *list = json_array();
    for (size_t i = 0; i < cut->n_tensors; i++) {
        const kerf_tensor *tensor = &q->network->tensors[cut->tensors[i]];
        json_t *o = json_object(), *shape = json_array();
        cli_json_text(j, o, "name", tensor->name);
        for (int k = 0; k < tensor->rank; k++)
            cli_json_append(j, shape, json_integer((json_int_t)tensor->dims[k]));
        cli_json_put(j, o, "shape", shape);
        cli_json_text(j, o, "type", kerf_type_name(tensor->type));
        cli_json_count(j, o, "bytes", tensor->bytes);
        cli_json_bytes(j, o, "wire_bytes", cut_wire_bytes(q, cut->tensors[i]));
        cli_json_append(j, list, o);
    }
    return list;
}

static json_t *operators_json(cli_json *j, const kerf_network *network, const kerf_tiers_plan *plan,
                              kerf_tier tier)
{
    json_t *names = json_array();
    for (size_t i = 0; i < network->n_operators; i++)
        if (plan->tier[i] == tier)
            cli_json_append(j, names, cli_json_string(j, network->operators[i].name));
    return names;
}

static json_t *cut_json(cli_json *j, const kerf_question *q, const kerf_cut *cut)
{
    json_t *o = json_object();
    cli_json_put(j, o, "tensors", tensors_json(j, q, cut));
    cli_json_count(j, o, "bytes", cut->bytes);
    cli_json_bytes(j, o, "wire_bytes", cut->wire_bytes);
    return o;
}

static void put_figures(cli_json *j, json_t *o, const kerf_plan_cost *c)
{
    cli_json_number(j, o, "device_energy_J", c->device_energy_J);
    cli_json_number(j, o, "latency_s", c->latency_s);
    cli_json_number(j, o, "throughput_per_s", c->throughput_per_s);
}

static json_t *cost_json(cli_json *j, const kerf_tiers_cost *cost)
{
    const kerf_plan_cost *c = &cost->first;
    json_t *o = json_object(), *energy = json_object(), *latency = json_object();
    put_figures(j, o, c);
    cli_json_number(j, energy, "compute_J", c->compute_J);
    cli_json_number(j, energy, "uplink_J", c->uplink_J);
    cli_json_number(j, energy, "wait_J", c->wait_J);
    cli_json_number(j, energy, "downlink_J", c->downlink_J);
    cli_json_number(j, energy, "radio_fixed_J", c->radio_fixed_J);
    cli_json_put(j, o, "energy", energy);
    cli_json_number(j, latency, "device_s", c->device_s);
    cli_json_number(j, latency, "uplink_s", c->uplink_s);
    cli_json_number(j, latency, "server_s", c->server_s);
    cli_json_number(j, latency, "cloud_uplink_s", cost->cloud_uplink_s);
    cli_json_number(j, latency, "cloud_s", cost->cloud_s);
    cli_json_number(j, latency, "cloud_downlink_s", cost->cloud_downlink_s);
    cli_json_number(j, latency, "downlink_s", c->downlink_s);
    cli_json_put(j, o, "latency", latency);
    cli_json_bytes(j, o, "device_memory_bytes", c->device_memory_bytes);
    cli_json_number(j, o, "server_energy_J", c->server_energy_J);
    cli_json_number(j, o, "cloud_energy_J", cost->cloud_energy_J);
    cli_json_number(j, o, "cloud_link_J", cost->cloud_link_J);
    cli_json_bytes(j, o, "uplink_bytes", c->uplink_bytes);
    cli_json_bytes(j, o, "downlink_bytes", c->downlink_bytes);
    cli_json_bytes(j, o, "cloud_uplink_bytes", cost->cloud_uplink_bytes);
    cli_json_bytes(j, o, "cloud_downlink_bytes", cost->cloud_downlink_bytes);
    return o;
}

/* `exists` is false where pins or unsupported operators forbid it. */
static void put_extreme(cli_json *j, json_t *compare, const char *name,
                        const kerf_tiers_option *option)
{
    json_t *o = json_object();
    put_figures(j, o, &option->cost.first);
    cli_json_number(j, o, "objective", option->cost.first.objective);
    cli_json_bool(j, o, "exists", option->exists);
    cli_json_bool(j, o, "feasible", option->feasible);
    cli_json_put(j, compare, name, o);
}

static json_t *cuts_json(cli_json *j, const kerf_question *q, const kerf_tiers_plan *plan)
{
    json_t *cut = cut_json(j, q, &plan->cut);
    cli_json_put(j, cut, "device_operators", operators_json(j, q->network, plan, KERF_TIER_DEVICE));
    cli_json_put(j, cut, "server_operators", operators_json(j, q->network, plan, KERF_TIER_EDGE));
    cli_json_put(j, cut, "cloud_operators", operators_json(j, q->network, plan, KERF_TIER_CLOUD));
    return cut;
}

cli_exit cli_tiers_json(const cli_tiers_scene *scene, const kerf_tiers_plan *plan)
{
    const kerf_question *asked = &scene->question.edge;
    const kerf_question chosen = cut_choose(asked, plan->power_mode, plan->encoding, KERF_NONE);
    const kerf_question *q = &chosen;
    cli_json builder = {false}, *j = &builder;
    json_t *o = json_object(), *compare = json_object(), *warnings = json_array();
    put_scene(j, o, scene, plan->power_mode);
    cli_json_text(j, o, "encoding",
                  plan->encoding == KERF_NONE ? NULL : asked->encodings[plan->encoding].name);
    cli_json_put(j, o, "objective", objective_json(j, q, plan));
    cli_json_text(j, o, "status", plan->optimal ? "optimal" : "feasible");
    cli_json_put(j, o, "proof", proof_json(j, plan));
    cli_json_put(j, o, "cut", cuts_json(j, q, plan));
    cli_json_put(j, o, "cut2", cut_json(j, q, &plan->cut2));
    cli_json_put(j, o, "cost", cost_json(j, &plan->cost));
    put_extreme(j, compare, "all_device", &plan->all_device);
    put_extreme(j, compare, "all_server", &plan->all_edge);
    put_extreme(j, compare, "all_cloud", &plan->all_cloud);
    cli_json_put(j, o, "compare", compare);
    for (size_t i = 0; i < q->network->n_warnings; i++)
        cli_json_append(j, warnings, cli_json_string(j, q->network->warnings[i]));
    cli_json_put(j, o, "warnings", warnings);
    cli_json_number(j, o, "solve_time_s", plan->solve_time_s);
    return cli_json_print(j, o);
}

cli_exit cli_tiers_json_infeasible(const cli_tiers_scene *scene, const kerf_error *err)
{
    const kerf_question *q = &scene->question.edge;
    cli_json builder = {false}, *j = &builder;
    json_t *o = json_object();
    char message[sizeof *err];
    put_scene(j, o, scene,
              q->power_mode ? q->power_mode : q->device->modes[q->device->default_mode].name);
    cli_json_text(j, o, "status", "infeasible");
    cli_json_text(j, o, "message", kerf_error_line(err, message, sizeof message));
    return cli_json_print(j, o);
}
