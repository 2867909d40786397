/* A plan from JSON into what the table of `kerf plan` prints, and other replies line by line. */
#include "planner/cli/ask.h"

#include "base/error.h"
#include "base/memory.h"

#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(const kerf_json *object, const char *key)
{
    const char *text = "";
    kerf_json_string(object, key, KERF_REQUIRED, &text);
    return (char *)text; /* only read */
}

/* A number; null is infinite. */
static double number_of(const kerf_json *object, const char *key, double otherwise)
{
    kerf_json at;
    double value = otherwise;
    if (kerf_json_member(object, key, KERF_OPTIONAL, &at) && !json_is_null(at.value))
        kerf_json_as_number(&at, -DBL_MAX, DBL_MAX, &value);
    return value;
}

static size_t count_of(const kerf_json *object, const char *key)
{
    int64_t value = 0;
    kerf_json_integer(object, key, KERF_OPTIONAL, 0, INT64_MAX, &value);
    return (size_t)value;
}

/* --- cut --- */

/* Those on the server first: the network's own order is not known, and so nothing is said of it. */
static bool read_operators(const kerf_json *cut, ask_view *v)
{
    static const char *const keys[] = {"server_operators", "device_operators"};
    static const kerf_side sides[] = {KERF_SIDE_SERVER, KERF_SIDE_DEVICE};
    kerf_json lists[2];
    size_t n[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        if (!kerf_json_array(cut, keys[i], KERF_REQUIRED, &lists[i], &n[i]))
            return false;
    v->network.operators = kerf_calloc(n[0] + n[1], sizeof *v->network.operators);
    v->plan.side = kerf_calloc(n[0] + n[1], sizeof *v->plan.side);
    if (!v->network.operators || !v->plan.side)
        return kerf_json_fail(cut, KERF_E_NOMEM, "out of memory");
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < n[i]; k++) {
            const kerf_json at = kerf_json_at(&lists[i], k);
            const char *name = "";
            kerf_json_as_string(&at, &name);
            v->network.operators[v->network.n_operators].name = (char *)name;
            v->plan.side[v->network.n_operators++] = sides[i];
        }
    }
    return true;
}

static bool read_cut(const kerf_json *root, ask_view *v)
{
    kerf_json cut, list;
    size_t n = 0;
    if (!kerf_json_object(root, "cut", KERF_REQUIRED, &cut) ||
        !kerf_json_array(&cut, "tensors", KERF_REQUIRED, &list, &n) || !read_operators(&cut, v))
        return false;
    v->plan.cut.n_tensors = n;
    v->plan.cut.bytes = (int64_t)count_of(&cut, "bytes");
    v->plan.cut.wire_bytes = number_of(&cut, "wire_bytes", 0);
    return true;
}

/* --- cost --- */

static bool read_cost(const kerf_json *root, kerf_plan_cost *c)
{
    kerf_json cost, energy, latency;
    if (!kerf_json_object(root, "cost", KERF_REQUIRED, &cost) ||
        !kerf_json_object(&cost, "energy", KERF_REQUIRED, &energy) ||
        !kerf_json_object(&cost, "latency", KERF_REQUIRED, &latency))
        return false;
    *c = (kerf_plan_cost){.device_energy_J = number_of(&cost, "device_energy_J", INFINITY),
                          .latency_s = number_of(&cost, "latency_s", INFINITY),
                          .throughput_per_s = number_of(&cost, "throughput_per_s", INFINITY),
                          .compute_J = number_of(&energy, "compute_J", INFINITY),
                          .uplink_J = number_of(&energy, "uplink_J", INFINITY),
                          .wait_J = number_of(&energy, "wait_J", INFINITY),
                          .downlink_J = number_of(&energy, "downlink_J", INFINITY),
                          .radio_fixed_J = number_of(&energy, "radio_fixed_J", INFINITY),
                          .device_s = number_of(&latency, "device_s", INFINITY),
                          .uplink_s = number_of(&latency, "uplink_s", INFINITY),
                          .server_s = number_of(&latency, "server_s", INFINITY),
                          .downlink_s = number_of(&latency, "downlink_s", INFINITY),
                          .server_energy_J = number_of(&cost, "server_energy_J", INFINITY),
                          .uplink_bytes = number_of(&cost, "uplink_bytes", 0),
                          .downlink_bytes = number_of(&cost, "downlink_bytes", 0),
                          .device_memory_bytes = number_of(&cost, "device_memory_bytes", 0)};
    return true;
}

static bool read_extreme(const kerf_json *compare, const char *key, kerf_option_plan *option)
{
    kerf_json at;
    if (!kerf_json_object(compare, key, KERF_REQUIRED, &at))
        return false;
    option->cost.device_energy_J = number_of(&at, "device_energy_J", INFINITY);
    option->cost.latency_s = number_of(&at, "latency_s", INFINITY);
    option->cost.throughput_per_s = number_of(&at, "throughput_per_s", INFINITY);
    option->cost.objective = number_of(&at, "objective", INFINITY);
    return kerf_json_bool(&at, "exists", KERF_REQUIRED, &option->exists) &&
           kerf_json_bool(&at, "feasible", KERF_REQUIRED, &option->feasible);
}

/* --- other cuts --- */

/* So many operators on the device, whichever these are. */
static kerf_side *sides_with(size_t n_operators, size_t on_device)
{
    kerf_side *side = kerf_calloc(n_operators, sizeof *side);
    for (size_t i = 0; side && i < n_operators; i++)
        side[i] = i < on_device ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
    return side;
}

/* Its tensors, as new ones of the network. */
static bool read_alternative(const kerf_json *at, ask_view *v, kerf_option_plan *a)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(at, "tensors", KERF_REQUIRED, &list, &n))
        return false;
    a->side = sides_with(v->network.n_operators, count_of(at, "device_operators"));
    a->cut.tensors = kerf_calloc(n, sizeof *a->cut.tensors);
    kerf_tensor *tensors = kerf_realloc_array(v->network.tensors, v->network.n_tensors + n + 1,
                                              sizeof *v->network.tensors);
    if (tensors)
        v->network.tensors = tensors;
    if (!a->side || !a->cut.tensors || !tensors)
        return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json element = kerf_json_at(&list, i);
        const char *name = "";
        kerf_json_as_string(&element, &name);
        a->cut.tensors[i] = v->network.n_tensors;
        v->network.tensors[v->network.n_tensors++] = (kerf_tensor){.name = (char *)name};
    }
    a->cut.n_tensors = n;
    a->cut.wire_bytes = number_of(at, "wire_bytes", 0);
    a->cost.device_energy_J = number_of(at, "device_energy_J", INFINITY);
    a->cost.latency_s = number_of(at, "latency_s", INFINITY);
    a->cost.objective = number_of(at, "objective", INFINITY);
    return true;
}

static bool read_alternatives(const kerf_json *root, ask_view *v)
{
    kerf_json list;
    size_t n = 0;
    if (!kerf_json_array(root, "alternatives", KERF_OPTIONAL, &list, &n))
        return !kerf_json_failed(root->doc);
    v->plan.alternatives = kerf_calloc(n, sizeof *v->plan.alternatives);
    if (!v->plan.alternatives)
        return kerf_json_fail(root, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const kerf_json at = kerf_json_at(&list, i);
        if (!read_alternative(&at, v, &v->plan.alternatives[v->plan.n_alternatives++]))
            return false;
    }
    return true;
}

/* --- why --- */

/* The index of the name that a function gives to one of 0 .. n-1; 0 if there is none. */
static int index_of(const char *name, int n, const char *(*name_of)(int))
{
    for (int i = 0; i < n; i++)
        if (strcmp(name, name_of(i)) == 0)
            return i;
    return 0;
}

static const char *objective_name(int i)
{
    return kerf_objective_name((kerf_objective)i);
}

static const char *solver_name(int i)
{
    return kerf_solver_name((kerf_solver)i);
}

static bool read_proof(const kerf_json *root, ask_view *v)
{
    kerf_json objective, proof;
    if (!kerf_json_object(root, "objective", KERF_REQUIRED, &objective) ||
        !kerf_json_object(root, "proof", KERF_REQUIRED, &proof))
        return false;
    v->scene.question.objective = (kerf_objective)index_of(text_of(&objective, "name"),
                                                           KERF_OBJ_WEIGHTED + 1, objective_name);
    v->plan.cost.objective = number_of(&objective, "value", INFINITY);
    v->plan.solver =
        (kerf_solver)index_of(text_of(&proof, "solver"), KERF_SOLVER_MILP + 1, solver_name);
    v->plan.bound = number_of(&proof, "bound", INFINITY);
    v->plan.gap = number_of(&proof, "gap", INFINITY);
    v->plan.examined = count_of(&proof, "examined");
    v->plan.optimal = strcmp(text_of(root, "status"), "optimal") == 0;
    return true;
}

static bool read_explanation(const kerf_json *root, ask_view *v)
{
    kerf_json at, rate, list;
    size_t n = 0;
    if (!kerf_json_object(root, "break_even", KERF_REQUIRED, &at) ||
        !kerf_json_object(&at, "uplink_bps", KERF_REQUIRED, &rate) ||
        !kerf_json_array(root, "binding", KERF_REQUIRED, &list, &n))
        return false;
    v->plan.break_even_below_bps = number_of(&rate, "below", 0);
    v->plan.break_even_above_bps = number_of(&rate, "above", INFINITY);
    for (size_t i = 0; i < n && v->plan.n_binding < 8; i++) {
        const kerf_json name = kerf_json_at(&list, i);
        kerf_json_as_string(&name, &v->plan.binding[v->plan.n_binding++]);
    }
    if (kerf_json_object(root, "measured", KERF_OPTIONAL, &at)) {
        v->plan.measured_device_operators = count_of(&at, "device_operators");
        v->plan.measured_server_operators = count_of(&at, "server_operators");
    }
    return true;
}

static bool read_scene(const kerf_json *root, ask_view *v)
{
    kerf_json network;
    if (!kerf_json_object(root, "network", KERF_REQUIRED, &network))
        return false;
    v->network.name = text_of(&network, "name");
    v->network.n_placed = count_of(&network, "operators");
    v->network.n_inputs = 1;
    v->device.name = text_of(root, "device");
    v->server.name = text_of(root, "server");
    v->link.name = text_of(root, "link");
    v->link.rate_bps[KERF_UPLINK] = NAN;
    snprintf(v->plan.power_mode, sizeof v->plan.power_mode, "%s", text_of(root, "power_mode"));
    v->plan.encoding = v->plan.variant = KERF_NONE; /* the document's own, chosen already */
    v->plan.accuracy = NAN;
    v->scene.network = &v->network;
    v->scene.device = &v->device;
    v->scene.server = &v->server;
    v->scene.link = &v->link;
    v->scene.question.network = &v->network;
    v->scene.question.device = &v->device;
    v->scene.question.server = &v->server;
    v->scene.question.link = &v->link;
    return true;
}

kerf_status cli_ask_view(const char *json, ask_view *v, kerf_error *err)
{
    memset(v, 0, sizeof *v);
    kerf_json compare;
    const kerf_status status = kerf_json_parse(json, strlen(json), "reply", NULL, &v->doc, err);
    if (status != KERF_OK)
        return status;
    const kerf_json root = kerf_json_root(v->doc);
    const bool read = read_scene(&root, v) && read_cut(&root, v) &&
                      read_cost(&root, &v->plan.cost) && read_proof(&root, v) &&
                      kerf_json_object(&root, "compare", KERF_REQUIRED, &compare) &&
                      read_extreme(&compare, "all_device", &v->plan.all_device) &&
                      read_extreme(&compare, "all_server", &v->plan.all_server) &&
                      read_explanation(&root, v) && read_alternatives(&root, v);
    if (read && !kerf_json_failed(v->doc))
        return KERF_OK;
    const kerf_status failed = kerf_json_status(v->doc);
    cli_ask_view_clear(v);
    return failed;
}

void cli_ask_view_clear(ask_view *v)
{
    for (size_t i = 0; i < v->plan.n_alternatives; i++) {
        free(v->plan.alternatives[i].side);
        free(v->plan.alternatives[i].cut.tensors);
    }
    free(v->plan.alternatives);
    free(v->network.tensors);
    free(v->network.operators);
    free(v->plan.side);
    kerf_json_close(&v->doc);
    memset(v, 0, sizeof *v);
}

/* --- other replies --- */

static void print_scalar(const json_t *value)
{
    char clean[1024];
    if (json_is_string(value))
        fputs(cli_clean(json_string_value(value), clean, sizeof clean), stdout);
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        printf("%.6g", json_real_value(value));
    else
        fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-", stdout);
}

static bool is_leaf(const json_t *value)
{
    return !json_is_object(value) && !json_is_array(value);
}

static void print_lines(const json_t *value, int indent)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            if (is_leaf(member)) {
                printf("%*s", indent, "");
                print_scalar(member);
                putchar('\n');
            } else {
                print_lines(member, indent);
            }
        }
        return;
    }
    json_object_foreach((json_t *)value, key, member)
    {
        char clean[256];
        printf("%*s%-*s", indent, "", is_leaf(member) ? 24 - indent : 1,
               cli_clean(key, clean, sizeof clean));
        if (is_leaf(member)) {
            putchar(' ');
            print_scalar(member);
        }
        putchar('\n');
        if (!is_leaf(member))
            print_lines(member, indent + 2);
    }
}

void cli_ask_print_lines(const kerf_json *value)
{
    print_lines(value->value, 0);
}
