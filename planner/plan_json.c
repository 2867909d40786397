#include "planner/plan_json.h"

#include "base/memory.h"
#include "kerf/kerf.h"
#include "planner/bind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What goes into a gap: a number, or one of these. */
enum { GAP_LINK = PLAN_FIGURES, GAP_STATUS, GAP_BINDING, GAP_DEVICE_FITS, GAP_SERVER_FITS };

typedef struct gap {
    size_t offset;
    int what;
} gap;

#define MAX_GAPS (PLAN_FIGURES + 5)

struct plan_template {
    char *text;
    size_t size;
    gap gaps[MAX_GAPS];
    size_t n_gaps;
};

/* Where the document goes: into the writer, or into a template's text with gaps. */
typedef struct output {
    kerf_writer *w;
    const plan_variables *variables;
    plan_template *gapped; /* NULL: the variables are written where they belong */
} output;

static void write_binding(kerf_writer *w, const plan_variables *v)
{
    kw_begin(w, '[');
    for (size_t i = 0; i < v->n_binding; i++)
        kw_string(w, v->binding[i]);
    kw_end(w, ']');
}

static void write_variable(kerf_writer *w, const plan_variables *v, int what)
{
    switch (what) {
    case GAP_LINK:
        kw_string(w, v->link);
        break;
    case GAP_STATUS:
        kw_string(w, v->optimal ? "optimal" : "feasible");
        break;
    case GAP_BINDING:
        write_binding(w, v);
        break;
    case GAP_DEVICE_FITS:
        kw_bool(w, v->all_device_feasible);
        break;
    case GAP_SERVER_FITS:
        kw_bool(w, v->all_server_feasible);
        break;
    default:
        kw_number(w, v->number[what]);
    }
}

static void put_variable(output *o, const char *key, int what)
{
    kw_key(o->w, key);
    if (!o->gapped) {
        write_variable(o->w, o->variables, what);
        return;
    }
    o->gapped->gaps[o->gapped->n_gaps++] = (gap){o->w->used, what};
    o->w->comma = true;
}

/* --- the document --- */

static void write_network(kerf_writer *w, const kerf_network *network)
{
    kw_begin(w, '{');
    kw_put_string(w, "name", network->name);
    kw_put_integer(w, "operators", (int64_t)network->n_placed);
    kw_put_integer(w, "macs", network->macs);
    kw_put_integer(w, "parameters", network->params);
    kw_end(w, '}');
}

static void write_scene(output *o, const kerf_question *q, const char *power_mode)
{
    kerf_writer *w = o->w;
    kw_put_string(w, "kerf", kerf_version());
    kw_key(w, "network");
    write_network(w, q->network);
    kw_put_string(w, "device", q->device->name);
    kw_put_string(w, "power_mode", power_mode);
    kw_put_string(w, "server", q->server->name);
    put_variable(o, "link", GAP_LINK);
    const kerf_encoding encoding = cut_encoding(q);
    kw_put_string(w, "wire", kerf_wire_name(encoding.wire));
    kw_put_number(w, "wire_ratio", encoding.ratio > 0 ? encoding.ratio : 1);
    kw_put_string(w, "result", q->result_at_server ? "server" : "device");
}

static void write_objective(output *o, const kerf_question *q)
{
    kerf_writer *w = o->w;
    kw_put_begin(w, "objective", '{');
    kw_put_string(w, "name", kerf_objective_name(q->objective));
    put_variable(o, "value", PLAN_OBJECTIVE);
    kw_put_string(w, "unit", kerf_objective_unit(q->objective));
    if (q->objective == KERF_OBJ_WEIGHTED) {
        kw_put_number(w, "weight_energy", q->weight_energy);
        kw_put_number(w, "weight_latency", q->weight_latency);
    }
    kw_end(w, '}');
}

static void write_proof(output *o, const kerf_plan *plan)
{
    kerf_writer *w = o->w;
    kw_put_begin(w, "proof", '{');
    /* What has a template is an entry of a decision map. */
    kw_put_string(w, "solver", o->gapped ? "map" : kerf_solver_name(plan->solver));
    put_variable(o, "bound", PLAN_BOUND);
    put_variable(o, "gap", PLAN_GAP);
    kw_put_integer(w, "examined", (int64_t)plan->examined);
    kw_end(w, '}');
}

static void write_tensor(kerf_writer *w, const kerf_question *q, size_t index, double input_total)
{
    const kerf_tensor *tensor = &q->network->tensors[index];
    kw_begin(w, '{');
    kw_put_string(w, "name", tensor->name);
    kw_put_begin(w, "shape", '[');
    for (int i = 0; i < tensor->rank; i++)
        kw_integer(w, tensor->dims[i]);
    kw_end(w, ']');
    kw_put_string(w, "type", kerf_type_name(tensor->type));
    kw_put_integer(w, "bytes", tensor->bytes);
    kw_put_bytes(w, "wire_bytes", cut_wire_share(q, index, input_total));
    kw_end(w, '}');
}

static void write_side(kerf_writer *w, const char *key, const kerf_network *network,
                       const kerf_side *side, kerf_side wanted)
{
    kw_put_begin(w, key, '[');
    for (size_t i = 0; i < network->n_operators; i++)
        if (side[i] == wanted)
            kw_string(w, network->operators[i].name);
    kw_end(w, ']');
}

static void write_cut(kerf_writer *w, const kerf_question *q, const kerf_plan *plan)
{
    const double input_total = cut_input_total(q);
    kw_put_begin(w, "cut", '{');
    kw_put_begin(w, "tensors", '[');
    for (size_t i = 0; i < plan->cut.n_tensors; i++)
        write_tensor(w, q, plan->cut.tensors[i], input_total);
    kw_end(w, ']');
    kw_put_integer(w, "bytes", plan->cut.bytes);
    kw_put_bytes(w, "wire_bytes", plan->cut.wire_bytes);
    write_side(w, "device_operators", q->network, plan->side, KERF_SIDE_DEVICE);
    write_side(w, "server_operators", q->network, plan->side, KERF_SIDE_SERVER);
    kw_end(w, '}');
}

static void write_cost(output *o, const kerf_plan_cost *cost)
{
    kerf_writer *w = o->w;
    kw_put_begin(w, "cost", '{');
    put_variable(o, "device_energy_J", PLAN_ENERGY);
    put_variable(o, "latency_s", PLAN_LATENCY);
    put_variable(o, "throughput_per_s", PLAN_THROUGHPUT);
    kw_put_begin(w, "energy", '{');
    put_variable(o, "compute_J", PLAN_COMPUTE_J);
    put_variable(o, "uplink_J", PLAN_UPLINK_J);
    put_variable(o, "wait_J", PLAN_WAIT_J);
    put_variable(o, "downlink_J", PLAN_DOWNLINK_J);
    put_variable(o, "radio_fixed_J", PLAN_RADIO_FIXED_J);
    kw_end(w, '}');
    kw_put_begin(w, "latency", '{');
    put_variable(o, "device_s", PLAN_DEVICE_S);
    put_variable(o, "uplink_s", PLAN_UPLINK_S);
    put_variable(o, "server_s", PLAN_SERVER_S);
    put_variable(o, "downlink_s", PLAN_DOWNLINK_S);
    kw_end(w, '}');
    kw_put_bytes(w, "device_memory_bytes", cost->device_memory_bytes);
    put_variable(o, "server_energy_J", PLAN_SERVER_ENERGY);
    kw_put_bytes(w, "uplink_bytes", cost->uplink_bytes);
    kw_put_bytes(w, "downlink_bytes", cost->downlink_bytes);
    kw_end(w, '}');
}

/* `exists` is false where pins or unsupported operators forbid it: its figures are then those of
 * a placement that cannot be had. `first` is the first of its four figures. */
static void write_extreme(output *o, const char *key, const kerf_option_plan *option, int first,
                          int fits)
{
    kw_put_begin(o->w, key, '{');
    put_variable(o, "device_energy_J", first);
    put_variable(o, "latency_s", first + 1);
    put_variable(o, "throughput_per_s", first + 2);
    put_variable(o, "objective", first + 3);
    kw_put_bool(o->w, "exists", option->exists);
    put_variable(o, "feasible", fits);
    kw_end(o->w, '}');
}

static void write_alternative(kerf_writer *w, const kerf_network *network,
                              const kerf_option_plan *a)
{
    size_t on_device = 0;
    for (size_t i = 0; i < network->n_operators; i++)
        on_device += a->side[i] == KERF_SIDE_DEVICE;
    kw_begin(w, '{');
    kw_put_integer(w, "bytes", a->cut.bytes);
    kw_put_bytes(w, "wire_bytes", a->cut.wire_bytes);
    kw_put_number(w, "device_energy_J", a->cost.device_energy_J);
    kw_put_number(w, "latency_s", a->cost.latency_s);
    kw_put_number(w, "throughput_per_s", a->cost.throughput_per_s);
    kw_put_number(w, "objective", a->cost.objective);
    kw_put_begin(w, "tensors", '[');
    for (size_t k = 0; k < a->cut.n_tensors; k++)
        kw_string(w, network->tensors[a->cut.tensors[k]].name);
    kw_end(w, ']');
    kw_put_integer(w, "device_operators", (int64_t)on_device);
    kw_end(w, '}');
}

static void write_alternatives(kerf_writer *w, const kerf_network *network, const kerf_plan *plan)
{
    kw_put_begin(w, "alternatives", '[');
    for (size_t i = 0; i < plan->n_alternatives; i++)
        write_alternative(w, network, &plan->alternatives[i]);
    kw_end(w, ']');
}

const char *plan_dimension_name(kerf_dimension by)
{
    static const char *const names[] = {[KERF_BY_POWER_MODE] = "power_mode",
                                        [KERF_BY_ENCODING] = "encoding",
                                        [KERF_BY_VARIANT] = "variant"};
    return names[by];
}

static void write_rival(kerf_writer *w, const kerf_question *asked, const kerf_rival *r)
{
    kw_begin(w, '{');
    kw_put_string(w, "by", plan_dimension_name(r->by));
    kw_put_string(w, "power_mode", r->power_mode);
    kw_put_string(w, "encoding",
                  r->encoding == KERF_NONE ? NULL : asked->encodings[r->encoding].name);
    kw_put_string(w, "variant", r->variant == KERF_NONE ? NULL : asked->variants[r->variant].name);
    kw_put_bool(w, "feasible", r->feasible);
    if (r->feasible) {
        kw_put_number(w, "accuracy", r->accuracy);
        kw_put_number(w, "device_energy_J", r->cost.device_energy_J);
        kw_put_number(w, "latency_s", r->cost.latency_s);
        kw_put_number(w, "throughput_per_s", r->cost.throughput_per_s);
        kw_put_number(w, "objective", r->cost.objective);
        kw_put_bytes(w, "wire_bytes", r->cost.uplink_bytes);
        kw_put_integer(w, "device_operators", (int64_t)r->device_operators);
    }
    kw_end(w, '}');
}

static void write_rivals(kerf_writer *w, const kerf_question *asked, const kerf_plan *plan)
{
    kw_put_begin(w, "rivals", '[');
    for (size_t i = 0; i < plan->n_rivals; i++)
        write_rival(w, asked, &plan->rivals[i]);
    kw_end(w, ']');
}

static void write_rest(output *o, const kerf_question *q, const kerf_plan *plan)
{
    kerf_writer *w = o->w;
    kw_put_begin(w, "measured", '{');
    kw_put_integer(w, "device_operators", (int64_t)plan->measured_device_operators);
    kw_put_integer(w, "server_operators", (int64_t)plan->measured_server_operators);
    kw_end(w, '}');
    kw_put_begin(w, "warnings", '[');
    for (size_t i = 0; i < q->network->n_warnings; i++)
        kw_string(w, q->network->warnings[i]);
    kw_end(w, ']');
    put_variable(o, "solve_time_s", PLAN_SOLVE_TIME);
}

/* The combination that was chosen, and its name. */
static void write_choice(kerf_writer *w, const kerf_question *q, const kerf_plan *plan)
{
    kw_put_string(w, "encoding", q->n_encodings > 0 ? q->encodings->name : NULL);
    kw_put_string(w, "variant", q->n_variants > 0 ? q->variants->name : NULL);
    kw_put_number(w, "accuracy", plan->accuracy);
    kw_put_string(w, "cut_id", plan->cut_id);
}

/* What the time limit left no time for; absent where that is nothing. */
static void write_left_out(kerf_writer *w, const kerf_plan *plan)
{
    if (!plan->no_time_for_binding && !plan->no_time_for_break_even &&
        !plan->no_time_for_alternatives && !plan->no_time_for_rivals)
        return;
    kw_put_begin(w, "left_out", '[');
    if (plan->no_time_for_binding)
        kw_string(w, "binding");
    if (plan->no_time_for_break_even)
        kw_string(w, "break_even");
    if (plan->no_time_for_alternatives)
        kw_string(w, "alternatives");
    if (plan->no_time_for_rivals)
        kw_string(w, "rivals");
    kw_end(w, ']');
}

/* Why it is the best, and when it no longer is. */
static void write_explanation(output *o, const kerf_plan *plan)
{
    kerf_writer *w = o->w;
    kw_put_begin(w, "compare", '{');
    write_extreme(o, "all_device", &plan->all_device, PLAN_ALL_DEVICE_ENERGY, GAP_DEVICE_FITS);
    write_extreme(o, "all_server", &plan->all_server, PLAN_ALL_SERVER_ENERGY, GAP_SERVER_FITS);
    kw_end(w, '}');
    put_variable(o, "binding", GAP_BINDING);
    /* No border is null: rates below 0 and above infinity are none. */
    kw_put_begin(w, "break_even", '{');
    kw_put_begin(w, "uplink_bps", '{');
    put_variable(o, "below", PLAN_BELOW);
    put_variable(o, "above", PLAN_ABOVE);
    kw_end(w, '}');
    kw_end(w, '}');
}

static void write_document(output *o, const kerf_question *asked, const kerf_plan *plan,
                           plan_extent extent)
{
    const kerf_question answered = kerf_plan_question(asked, plan), *q = &answered;
    kerf_writer *w = o->w;
    kw_begin(w, '{');
    write_scene(o, q, plan->power_mode);
    write_choice(w, q, plan);
    write_objective(o, q);
    put_variable(o, "status", GAP_STATUS);
    write_proof(o, plan);
    write_cut(w, q, plan);
    write_cost(o, &plan->cost);
    if (extent >= PLAN_EXPLAINED)
        write_explanation(o, plan);
    if (extent >= PLAN_WITH_OTHERS) {
        write_alternatives(w, q->network, plan);
        write_rivals(w, asked, plan);
    }
    write_left_out(w, plan);
    write_rest(o, q, plan);
    kw_end(w, '}');
}

static void set_extreme(double *number, const kerf_plan_cost *cost)
{
    number[0] = cost->device_energy_J;
    number[1] = cost->latency_s;
    number[2] = cost->throughput_per_s;
    number[3] = cost->objective;
}

void plan_variables_of(const kerf_question *question, const kerf_plan *plan,
                       plan_variables *variables)
{
    const kerf_plan_cost *c = &plan->cost;
    const double below = plan->break_even_below_bps;
    *variables = (plan_variables){
        .number = {[PLAN_OBJECTIVE] = c->objective,
                   [PLAN_BOUND] = plan->bound,
                   [PLAN_GAP] = plan->gap,
                   [PLAN_ENERGY] = c->device_energy_J,
                   [PLAN_LATENCY] = c->latency_s,
                   [PLAN_THROUGHPUT] = c->throughput_per_s,
                   [PLAN_COMPUTE_J] = c->compute_J,
                   [PLAN_UPLINK_J] = c->uplink_J,
                   [PLAN_WAIT_J] = c->wait_J,
                   [PLAN_DOWNLINK_J] = c->downlink_J,
                   [PLAN_RADIO_FIXED_J] = c->radio_fixed_J,
                   [PLAN_DEVICE_S] = c->device_s,
                   [PLAN_UPLINK_S] = c->uplink_s,
                   [PLAN_SERVER_S] = c->server_s,
                   [PLAN_DOWNLINK_S] = c->downlink_s,
                   [PLAN_SERVER_ENERGY] = c->server_energy_J,
                   [PLAN_BELOW] = below > 0 ? below : INFINITY, /* written as null */
                   [PLAN_ABOVE] = plan->break_even_above_bps,
                   [PLAN_SOLVE_TIME] = plan->solve_time_s},
        .link = question->link->name,
        .optimal = plan->optimal,
        .all_device_feasible = plan->all_device.feasible,
        .all_server_feasible = plan->all_server.feasible,
        .binding = plan->binding,
        .n_binding = plan->n_binding};
    set_extreme(variables->number + PLAN_ALL_DEVICE_ENERGY, &plan->all_device.cost);
    set_extreme(variables->number + PLAN_ALL_SERVER_ENERGY, &plan->all_server.cost);
}

void plan_json_write(kerf_writer *w, const kerf_question *question, const kerf_plan *plan,
                     plan_extent extent)
{
    plan_variables variables;
    plan_variables_of(question, plan, &variables);
    output o = {w, &variables, NULL};
    write_document(&o, question, plan, extent);
}

void plan_json_write_infeasible(kerf_writer *w, const kerf_question *question,
                                const kerf_error *err)
{
    const plan_variables variables = {.link = question->link->name};
    output o = {w, &variables, NULL};
    const kerf_device *device = question->device;
    const char *mode = question->power_mode;
    char message[sizeof *err]; /* with the operator that pins clash at */
    kw_begin(w, '{');
    write_scene(&o, question, mode ? mode : device->modes[device->default_mode].name);
    kw_put_string(w, "status", "infeasible");
    kw_put_string(w, "message", kerf_error_line(err, message, sizeof message));
    kw_end(w, '}');
}

/* --- templates --- */

kerf_status plan_template_make(const kerf_question *question, const kerf_plan *plan,
                               plan_extent extent, plan_template **made)
{
    kerf_writer w = {0};
    plan_template *t = kerf_calloc(1, sizeof *t);
    if (!t)
        return KERF_E_NOMEM;
    output o = {&w, NULL, t};
    write_document(&o, question, plan, extent);
    if (w.failed) {
        free(w.text);
        free(t);
        return KERF_E_NOMEM;
    }
    t->text = w.text;
    t->size = w.used;
    *made = t;
    return KERF_OK;
}

void plan_template_destroy(plan_template **made)
{
    if (!*made)
        return;
    free((*made)->text);
    free(*made);
    *made = NULL;
}

size_t plan_template_bytes(const plan_template *made)
{
    return sizeof *made + made->size;
}

void plan_template_write(const plan_template *made, const plan_variables *variables, kerf_writer *w)
{
    size_t from = 0;
    for (size_t i = 0; i < made->n_gaps; i++) {
        const gap *g = &made->gaps[i];
        kw_raw(w, made->text + from, g->offset - from);
        w->comma = false;
        write_variable(w, variables, g->what);
        from = g->offset;
    }
    kw_raw(w, made->text + from, made->size - from);
    w->comma = true;
}
