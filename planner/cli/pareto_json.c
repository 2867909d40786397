/* A Pareto front as JSON: configs/schema/front.json. */
#include "planner/cli/json_out.h"
#include "planner/cli/pareto.h"

static json_t *network_json(cli_json *j, const kerf_network *network)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", network->name);
    cli_json_count(j, o, "operators", (int64_t)network->n_placed);
    cli_json_count(j, o, "macs", network->macs);
    cli_json_count(j, o, "parameters", network->params);
    return o;
}

static void put_figures(cli_json *j, json_t *o, const kerf_plan_cost *c)
{
    cli_json_number(j, o, "device_energy_J", c->device_energy_J);
    cli_json_number(j, o, "latency_s", c->latency_s);
    cli_json_number(j, o, "throughput_per_s", c->throughput_per_s);
}

static json_t *cost_json(cli_json *j, const kerf_plan_cost *c)
{
    json_t *o = json_object();
    put_figures(j, o, c);
    cli_json_number(j, o, "server_energy_J", c->server_energy_J);
    cli_json_bytes(j, o, "device_memory_bytes", c->device_memory_bytes);
    cli_json_bytes(j, o, "uplink_bytes", c->uplink_bytes);
    cli_json_bytes(j, o, "downlink_bytes", c->downlink_bytes);
    return o;
}

static json_t *cut_json(cli_json *j, const kerf_network *network, const kerf_option_plan *plan)
{
    json_t *o = json_object(), *tensors = json_array();
    const size_t on_device = cli_device_operators(network, plan->side);
    for (size_t i = 0; i < plan->cut.n_tensors; i++)
        cli_json_append(j, tensors,
                        cli_json_string(j, network->tensors[plan->cut.tensors[i]].name));
    cli_json_put(j, o, "tensors", tensors);
    cli_json_count(j, o, "bytes", plan->cut.bytes);
    cli_json_bytes(j, o, "wire_bytes", plan->cut.wire_bytes);
    cli_json_count(j, o, "device_operators", (int64_t)on_device);
    cli_json_count(j, o, "server_operators", (int64_t)(network->n_placed - on_device));
    return o;
}

static json_t *point_json(cli_json *j, const cli_scene *scene, const kerf_front_point *point)
{
    json_t *o = json_object(), *proof = json_object();
    cli_json_text(j, o, "cut_id", point->cut_id);
    cli_json_text(j, o, "power_mode", point->power_mode);
    cli_json_text(j, o, "encoding", cli_point_encoding(scene, point));
    cli_json_text(j, o, "variant", cli_point_variant(scene, point));
    cli_json_number(j, o, "accuracy", point->accuracy);
    cli_json_put(j, o, "cost", cost_json(j, &point->plan.cost));
    cli_json_put(j, o, "cut", cut_json(j, cli_point_network(scene, point), &point->plan));
    cli_json_bool(j, proof, "proven", point->proven);
    cli_json_text(j, proof, "solver", kerf_solver_name(point->solver));
    cli_json_put(j, o, "proof", proof);
    if (point->supported) {
        json_t *weights = json_object();
        cli_json_number(j, weights, "energy", point->weight_energy);
        cli_json_number(j, weights, "latency", point->weight_latency);
        cli_json_put(j, o, "supported", weights);
    } else {
        cli_json_put(j, o, "supported", json_null());
    }
    return o;
}

static json_t *extreme_json(cli_json *j, const kerf_option_plan *option)
{
    json_t *o = json_object();
    put_figures(j, o, &option->cost);
    cli_json_bool(j, o, "exists", option->exists);
    cli_json_bool(j, o, "feasible", option->feasible);
    return o;
}

cli_exit cli_pareto_json(const cli_scene *scene, const kerf_front *front)
{
    const kerf_question *q = &scene->question;
    cli_json builder = {false}, *j = &builder;
    json_t *o = json_object(), *criteria = json_array(), *points = json_array();
    json_t *compare = json_object();
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_put(j, o, "network", network_json(j, q->network));
    cli_json_text(j, o, "device", scene->device->name);
    cli_json_text(j, o, "server", scene->server->name);
    cli_json_text(j, o, "link", scene->link->name);
    cli_json_text(j, o, "result", q->result_at_server ? "server" : "device");
    cli_json_append(j, criteria, cli_json_string(j, "device_energy_J"));
    cli_json_append(j, criteria, cli_json_string(j, "latency_s"));
    if (front->by_accuracy)
        cli_json_append(j, criteria, cli_json_string(j, "accuracy"));
    cli_json_put(j, o, "criteria", criteria);
    cli_json_text(j, o, "status", front->complete ? "complete" : "truncated");
    cli_json_count(j, o, "proven", (int64_t)front->n_proven);
    cli_json_count(j, o, "examined", (int64_t)front->examined);
    for (size_t i = 0; i < front->n; i++)
        cli_json_append(j, points, point_json(j, scene, &front->points[i]));
    cli_json_put(j, o, "points", points);
    cli_json_put(j, compare, "all_device", extreme_json(j, &front->all_device));
    cli_json_put(j, compare, "all_server", extreme_json(j, &front->all_server));
    cli_json_put(j, o, "compare", compare);
    cli_json_number(j, o, "solve_time_s", front->solve_time_s);
    return cli_json_print(j, o);
}
