/* The plan as JSON: the keys are an outside contract. */
#include "planner/cli/json_out.h"
#include "planner/cli/plan.h"

#include "planner/bind.h"

static json_t *network_json(cli_json *j, const kerf_network *network)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", network->name);
    cli_json_count(j, o, "operators", (int64_t)network->n_placed);
    cli_json_count(j, o, "macs", network->macs);
    cli_json_count(j, o, "parameters", network->params);
    return o;
}

static void put_scene(cli_json *j, json_t *o, const cli_scene *scene, const kerf_question *q,
                      const char *power_mode)
{
    cli_json_text(j, o, "kerf", kerf_version());
    cli_json_put(j, o, "network", network_json(j, q->network));
    cli_json_text(j, o, "device", scene->device->name);
    cli_json_text(j, o, "power_mode", power_mode);
    cli_json_text(j, o, "server", scene->server->name);
    cli_json_text(j, o, "link", scene->link->name);
    cli_json_text(j, o, "wire", kerf_wire_name(cut_encoding(q).wire));
    cli_json_text(j, o, "result", q->result_at_server ? "server" : "device");
}

static json_t *proof_json(cli_json *j, const kerf_plan *plan)
{
    json_t *o = json_object();
    cli_json_text(j, o, "solver", kerf_solver_name(plan->solver));
    cli_json_number(j, o, "bound", plan->bound);
    cli_json_number(j, o, "gap", plan->gap);
    cli_json_count(j, o, "examined", (int64_t)plan->examined);
    return o;
}

static json_t *shape_json(cli_json *j, const kerf_tensor *tensor)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++)
        cli_json_append(j, shape, json_integer((json_int_t)tensor->dims[i]));
    return shape;
}

static json_t *tensor_json(cli_json *j, const kerf_question *q, size_t index)
{
    const kerf_tensor *tensor = &q->network->tensors[index];
    json_t *o = json_object();
    cli_json_text(j, o, "name", tensor->name);
    cli_json_put(j, o, "shape", shape_json(j, tensor));
    cli_json_text(j, o, "type", kerf_type_name(tensor->type));
    cli_json_count(j, o, "bytes", tensor->bytes);
    cli_json_bytes(j, o, "wire_bytes", cut_wire_bytes(q, index));
    return o;
}

static json_t *side_json(cli_json *j, const kerf_network *network, const kerf_side *side,
                         kerf_side wanted)
{
    json_t *names = json_array();
    for (size_t i = 0; i < network->n_operators; i++)
        if (side[i] == wanted)
            cli_json_append(j, names, cli_json_string(j, network->operators[i].name));
    return names;
}

static json_t *cut_json(cli_json *j, const kerf_question *q, const kerf_plan *plan)
{
    json_t *o = json_object();
    json_t *tensors = json_array();
    for (size_t i = 0; i < plan->cut.n_tensors; i++)
        cli_json_append(j, tensors, tensor_json(j, q, plan->cut.tensors[i]));
    cli_json_put(j, o, "tensors", tensors);
    cli_json_count(j, o, "bytes", plan->cut.bytes);
    cli_json_bytes(j, o, "wire_bytes", plan->cut.wire_bytes);
    cli_json_put(j, o, "device_operators", side_json(j, q->network, plan->side, KERF_SIDE_DEVICE));
    cli_json_put(j, o, "server_operators", side_json(j, q->network, plan->side, KERF_SIDE_SERVER));
    return o;
}

static json_t *cost_json(cli_json *j, const kerf_plan_cost *cost)
{
    json_t *o = json_object(), *energy = json_object(), *latency = json_object();
    cli_json_number(j, o, "device_energy_J", cost->device_energy_J);
    cli_json_number(j, o, "latency_s", cost->latency_s);
    cli_json_number(j, o, "throughput_per_s", cost->throughput_per_s);
    cli_json_number(j, energy, "compute_J", cost->compute_J);
    cli_json_number(j, energy, "uplink_J", cost->uplink_J);
    cli_json_number(j, energy, "wait_J", cost->wait_J);
    cli_json_number(j, energy, "downlink_J", cost->downlink_J);
    cli_json_number(j, energy, "radio_fixed_J", cost->radio_fixed_J);
    cli_json_put(j, o, "energy", energy);
    cli_json_number(j, latency, "device_s", cost->device_s);
    cli_json_number(j, latency, "uplink_s", cost->uplink_s);
    cli_json_number(j, latency, "server_s", cost->server_s);
    cli_json_number(j, latency, "downlink_s", cost->downlink_s);
    cli_json_put(j, o, "latency", latency);
    cli_json_bytes(j, o, "device_memory_bytes", cost->device_memory_bytes);
    cli_json_number(j, o, "server_energy_J", cost->server_energy_J);
    cli_json_bytes(j, o, "uplink_bytes", cost->uplink_bytes);
    cli_json_bytes(j, o, "downlink_bytes", cost->downlink_bytes);
    return o;
}

static void put_figures(cli_json *j, json_t *o, const kerf_plan_cost *cost)
{
    cli_json_number(j, o, "device_energy_J", cost->device_energy_J);
    cli_json_number(j, o, "latency_s", cost->latency_s);
    cli_json_number(j, o, "throughput_per_s", cost->throughput_per_s);
}

/* `exists` is false where pins or unsupported operators forbid it: its figures are then those of
 * a placement that cannot be had. */
static json_t *extreme_json(cli_json *j, const kerf_option_plan *option)
{
    json_t *o = json_object();
    put_figures(j, o, &option->cost);
    cli_json_number(j, o, "objective", option->cost.objective);
    cli_json_bool(j, o, "exists", option->exists);
    cli_json_bool(j, o, "feasible", option->feasible);
    return o;
}

static json_t *alternatives_json(cli_json *j, const kerf_network *network, const kerf_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->n_alternatives; i++) {
        const kerf_option_plan *a = &plan->alternatives[i];
        json_t *o = json_object(), *tensors = json_array();
        cli_json_count(j, o, "bytes", a->cut.bytes);
        cli_json_bytes(j, o, "wire_bytes", a->cut.wire_bytes);
        put_figures(j, o, &a->cost);
        cli_json_number(j, o, "objective", a->cost.objective);
        for (size_t k = 0; k < a->cut.n_tensors; k++)
            cli_json_append(j, tensors,
                            cli_json_string(j, network->tensors[a->cut.tensors[k]].name));
        cli_json_put(j, o, "tensors", tensors);
        cli_json_count(j, o, "device_operators", (int64_t)cli_device_operators(network, a->side));
        cli_json_append(j, list, o);
    }
    return list;
}

static json_t *objective_json(cli_json *j, const kerf_question *q, const kerf_plan *plan)
{
    json_t *o = json_object();
    cli_json_text(j, o, "name", kerf_objective_name(q->objective));
    cli_json_number(j, o, "value", plan->cost.objective);
    cli_json_text(j, o, "unit", kerf_objective_unit(q->objective));
    if (q->objective == KERF_OBJ_WEIGHTED) {
        cli_json_number(j, o, "weight_energy", q->weight_energy);
        cli_json_number(j, o, "weight_latency", q->weight_latency);
    }
    return o;
}

/* No border is null: rates below 0 and above infinity are none. */
static json_t *break_even_json(cli_json *j, const kerf_plan *plan)
{
    json_t *o = json_object(), *rate = json_object();
    const double below = plan->break_even_below_bps;
    cli_json_put(j, rate, "below", below > 0 ? cli_json_real(below) : json_null());
    cli_json_number(j, rate, "above", plan->break_even_above_bps);
    cli_json_put(j, o, "uplink_bps", rate);
    return o;
}

static json_t *measured_json(cli_json *j, const kerf_plan *plan)
{
    json_t *o = json_object();
    cli_json_count(j, o, "device_operators", (int64_t)plan->measured_device_operators);
    cli_json_count(j, o, "server_operators", (int64_t)plan->measured_server_operators);
    return o;
}

static json_t *texts_json(cli_json *j, const char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        cli_json_append(j, list, cli_json_string(j, texts[i]));
    return list;
}

/* What the time limit left no time for. NULL: nothing. */
static json_t *left_out_json(cli_json *j, const kerf_plan *plan)
{
    const char *left_out[3];
    size_t n = 0;
    if (plan->no_time_for_binding)
        left_out[n++] = "binding";
    if (plan->no_time_for_break_even)
        left_out[n++] = "break_even";
    if (plan->no_time_for_alternatives)
        left_out[n++] = "alternatives";
    return n ? texts_json(j, left_out, n) : NULL;
}

json_t *cli_plan_document(cli_json *j, const cli_scene *scene, const kerf_plan *plan)
{
    const kerf_question answered = kerf_plan_question(&scene->question, plan);
    const kerf_question *q = &answered;
    json_t *o = json_object();
    json_t *compare = json_object();
    put_scene(j, o, scene, q, plan->power_mode);
    cli_json_text(j, o, "encoding", q->n_encodings > 0 ? q->encodings->name : NULL);
    cli_json_text(j, o, "variant", q->n_variants > 0 ? q->variants->name : NULL);
    cli_json_number(j, o, "accuracy", plan->accuracy);
    cli_json_text(j, o, "cut_id", plan->cut_id);
    cli_json_put(j, o, "objective", objective_json(j, q, plan));
    cli_json_text(j, o, "status", plan->optimal ? "optimal" : "feasible");
    cli_json_put(j, o, "proof", proof_json(j, plan));
    cli_json_put(j, o, "cut", cut_json(j, q, plan));
    cli_json_put(j, o, "cost", cost_json(j, &plan->cost));
    cli_json_put(j, compare, "all_device", extreme_json(j, &plan->all_device));
    cli_json_put(j, compare, "all_server", extreme_json(j, &plan->all_server));
    cli_json_put(j, o, "compare", compare);
    cli_json_put(j, o, "binding", texts_json(j, plan->binding, plan->n_binding));
    cli_json_put(j, o, "break_even", break_even_json(j, plan));
    cli_json_put(j, o, "alternatives", alternatives_json(j, q->network, plan));
    json_t *left_out = left_out_json(j, plan);
    if (left_out)
        cli_json_put(j, o, "left_out", left_out);
    cli_json_put(j, o, "measured", measured_json(j, plan));
    cli_json_put(j, o, "warnings",
                 texts_json(j, (const char *const *)q->network->warnings, q->network->n_warnings));
    cli_json_number(j, o, "solve_time_s", plan->solve_time_s);
    return o;
}

cli_exit cli_plan_json(const cli_scene *scene, const kerf_plan *plan)
{
    cli_json j = {false};
    json_t *document = cli_plan_document(&j, scene, plan);
    return cli_json_print(&j, document);
}

cli_exit cli_plan_json_infeasible(const cli_scene *scene, const kerf_error *err)
{
    cli_json builder = {false}, *j = &builder;
    json_t *o = json_object();
    const char *mode = scene->question.power_mode;
    put_scene(j, o, scene, &scene->question,
              mode ? mode : scene->device->modes[scene->device->default_mode].name);
    cli_json_text(j, o, "status", "infeasible");
    char message[sizeof *err]; /* with the operator that pins clash at */
    cli_json_text(j, o, "message", kerf_error_line(err, message, sizeof message));
    return cli_json_print(j, o);
}
