#include "planner/service/question.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what the request names --- */

static kerf_status unknown(const catalogue *c, catalogue_kind kind, const char *name,
                           const char *pointer, service_request *request, kerf_error *err)
{
    static const service_code codes[] = {SE_UNKNOWN_NETWORK, SE_UNKNOWN_DEVICE, SE_UNKNOWN_SERVER,
                                         SE_UNKNOWN_LINK};
    const char *near = catalogue_resembling(c, kind, name);
    request->refused = codes[kind];
    return kerf_fail(err, KERF_E_INVALID, pointer, "the catalogue has no %s \"%.100s\"%s%s%s",
                     catalogue_kind_name(kind), name, near ? "; did you mean \"" : "",
                     near ? near : "", near ? "\"?" : "");
}

static kerf_status find(const catalogue *c, catalogue_kind kind, const char *name,
                        const char *pointer, service_request *request, const catalogue_item **item,
                        kerf_error *err)
{
    *item = catalogue_find(c, kind, name);
    return *item ? KERF_OK : unknown(c, kind, name, pointer, request, err);
}

static const char *either(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

/* --- link --- */

/* The base under an object that names none: the link that its own name says, if there is one. */
static const char *base_of(const catalogue *c, const request_link *asked, const char *otherwise)
{
    if (asked->base || !asked->name || !catalogue_find(c, CATALOGUE_LINK, asked->name))
        return either(asked->base, otherwise);
    return asked->name;
}

static kerf_status check_link(const kerf_link *link, kerf_error *err)
{
    kerf_error problem = {0};
    const kerf_status status = kerf_link_check(link, &problem);
    if (status == KERF_OK)
        return status;
    char where[sizeof problem.where];
    snprintf(where, sizeof where, "/link/%.200s", problem.where);
    return kerf_fail(err, status, where, "%s", problem.message);
}

static kerf_status complete_link(const request_link *asked, service_question *q, kerf_error *err)
{
    const kerf_link *f = &asked->fields;
    if (isnan(f->rate_bps[KERF_UPLINK]) || isnan(f->rate_bps[KERF_DOWNLINK]) || isnan(f->rtt_s))
        return kerf_fail(err, KERF_E_INVALID, "/link",
                         "lacks its uplink, downlink or rtt, which a whole link file states");
    q->link = (kerf_link){.connection = KERF_CONNECTION_COLD};
    link_put_over(f, &q->link);
    return KERF_OK;
}

static kerf_status resolve_link(const catalogue *c, const char *otherwise,
                                const link_estimate *estimate, service_request *request,
                                service_question *q, kerf_error *err)
{
    const request_link *asked = &request->link;
    const bool estimated = estimate && !asked->given;
    kerf_status status = KERF_OK;
    if (asked->complete && !asked->base) {
        status = complete_link(asked, q, err);
    } else {
        const char *base =
            estimated ? either(estimate->base, otherwise) : base_of(c, asked, otherwise);
        status =
            find(c, CATALOGUE_LINK, base, asked->given ? "/link" : "", request, &q->link_item, err);
        if (status != KERF_OK)
            return status;
        q->link = *q->link_item->link;
        if (estimated)
            link_put_over(&estimate->figures, &q->link);
        link_put_over(&asked->fields, &q->link);
    }
    if (status == KERF_OK && asked->name)
        q->link.name = (char *)asked->name; /* only read */
    if (status == KERF_OK && !q->link.name)
        q->link.name = (char *)"link";
    q->link.description = q->link.provenance = NULL;
    return status == KERF_OK ? check_link(&q->link, err) : status;
}

/* --- device and pins --- */

static kerf_status resolve_mode(const service_request *request, service_question *q,
                                kerf_error *err)
{
    const char *mode = request->power_mode;
    if (!mode)
        return KERF_OK;
    if (strcmp(mode, "any") != 0 && kerf_device_find_mode(q->device->device, mode) == KERF_NONE)
        return kerf_fail(err, KERF_E_INVALID, "/power_mode", "%s has no power mode \"%.60s\"",
                         q->device->name, mode);
    snprintf(q->power_mode, sizeof q->power_mode, "%s", mode);
    return KERF_OK;
}

static int by_operator(const void *a, const void *b)
{
    const kerf_pin *x = a, *y = b;
    return (x->operator_index > y->operator_index) - (x->operator_index < y->operator_index);
}

static kerf_status resolve_pins(const service_request *request, service_question *q,
                                kerf_error *err)
{
    if (request->n_pins == 0)
        return KERF_OK;
    q->pins = kerf_calloc(request->n_pins, sizeof *q->pins);
    if (!q->pins)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < request->n_pins; i++) {
        const request_pin *pin = &request->pins[i];
        const size_t found = kerf_network_find_operator(q->network->network, pin->operator_name);
        if (found == KERF_NONE)
            return kerf_fail(err, KERF_E_INVALID, "/pins", "%s has no operator \"%.100s\"",
                             q->network->name, pin->operator_name);
        q->pins[i] = (kerf_pin){found, pin->side};
    }
    qsort(q->pins, request->n_pins, sizeof *q->pins, by_operator);
    return KERF_OK;
}

/* --- the whole --- */

static double shorter(double asked_s, double allowed_s)
{
    return asked_s > 0 && (allowed_s <= 0 || asked_s < allowed_s) ? asked_s : allowed_s;
}

void question_settle(service_question *q)
{
    q->ask.network = q->network->network;
    q->ask.device = q->device->device;
    q->ask.server = q->server->device;
    q->ask.link = &q->link;
    q->ask.power_mode = q->power_mode[0] ? q->power_mode : NULL;
    q->ask.pins = q->pins;
}

/* As kerf plan --wire any. */
static const kerf_encoding types[] = {
    {.name = "own", .wire = KERF_WIRE_OWN},
    {.name = "float32", .wire = KERF_WIRE_FLOAT32, .accuracy_loss = (double)NAN},
    {.name = "float16", .wire = KERF_WIRE_FLOAT16, .accuracy_loss = (double)NAN},
    {.name = "int8", .wire = KERF_WIRE_INT8, .accuracy_loss = (double)NAN}};

static void take_rest(const service_request *r, double time_limit_s, service_question *q)
{
    q->ask = (kerf_question){.server_load = r->server_load,
                             .objective = r->objective,
                             .weight_energy = r->weight_energy,
                             .weight_latency = r->weight_latency,
                             .limits = r->limits,
                             .n_pins = r->n_pins,
                             .wire = r->wire,
                             .encodings = r->any_wire ? types : NULL,
                             .n_encodings = r->any_wire ? sizeof types / sizeof *types : 0,
                             .input_bytes = r->input_bytes,
                             .result_at_server = r->result_at_server,
                             .solver = r->solver,
                             .time_limit_s = shorter(r->time_limit_s, time_limit_s),
                             .top = r->others ? r->others + 1 : 0};
    question_settle(q);
}

kerf_status question_resolve(const catalogue *c, const service_defaults *defaults,
                             const link_estimate *estimate, double time_limit_s,
                             service_request *request, service_question *q, kerf_error *err)
{
    memset(q, 0, sizeof *q);
    kerf_status status = KERF_OK;
    if ((status = find(c, CATALOGUE_NETWORK, request->network, "/network", request, &q->network,
                       err)) != KERF_OK ||
        (status = find(c, CATALOGUE_DEVICE, either(request->device, defaults->device), "/device",
                       request, &q->device, err)) != KERF_OK ||
        (status = find(c, CATALOGUE_SERVER, either(request->server, defaults->server), "/server",
                       request, &q->server, err)) != KERF_OK ||
        (status = resolve_link(c, defaults->link, estimate, request, q, err)) != KERF_OK ||
        (status = resolve_mode(request, q, err)) != KERF_OK ||
        (status = resolve_pins(request, q, err)) != KERF_OK) {
        question_clear(q);
        return status;
    }
    take_rest(request, time_limit_s, q);
    q->of_map = request->op == OP_MAP;
    q->brief = request->brief;
    q->ask.no_break_even = q->brief;
    q->box = request->box;
    return KERF_OK;
}

void question_clear(service_question *q)
{
    free(q->pins);
    free(q->own_name);
    memset(q, 0, sizeof *q);
}

bool question_copy(const service_question *from, service_question *to)
{
    const size_t n = from->ask.n_pins;
    *to = *from;
    to->own_name = kerf_strdup(from->link.name);
    to->pins = n ? kerf_calloc(n, sizeof *to->pins) : NULL;
    if (!to->own_name || (n && !to->pins)) {
        question_clear(to);
        return false;
    }
    if (n)
        memcpy(to->pins, from->pins, n * sizeof *to->pins);
    to->link.name = to->own_name;
    question_settle(to);
    return true;
}

void question_key_write(const service_question *q, bool family, kerf_writer *key)
{
    question_key k;
    memset(&k, 0, sizeof k);
    const kerf_question *ask = &q->ask;
    k.network = q->network->serial;
    k.device = q->device->serial;
    k.server = q->server->serial;
    link_figures(&q->link, k.link);
    k.server_load = ask->server_load;
    k.weights[0] = ask->weight_energy;
    k.weights[1] = ask->weight_latency;
    k.limits[0] = ask->limits.deadline_s;
    k.limits[1] = ask->limits.energy_J;
    k.limits[2] = ask->limits.memory_bytes;
    k.limits[3] = ask->limits.max_bytes;
    k.limits[4] = (double)ask->limits.min_device_operators;
    k.input_bytes = ask->input_bytes;
    k.time_limit_s = ask->time_limit_s;
    const kerf_device *device = ask->device;
    k.mode = !ask->power_mode ? device->default_mode
                              : (uint64_t)kerf_device_find_mode(device, ask->power_mode);
    k.objective = (uint32_t)ask->objective;
    k.wire = ask->n_encodings ? UINT32_MAX : (uint32_t)ask->wire;
    k.solver = (uint32_t)ask->solver;
    k.result_at_server = ask->result_at_server;
    k.top = ask->top;
    k.brief = q->brief && !family;
    k.n_pins = ask->n_pins;
    if (q->of_map) {
        const double box[8] = {q->box.uplink_bps[0],   q->box.uplink_bps[1], q->box.downlink_bps[0],
                               q->box.downlink_bps[1], q->box.rtt_s[0],      q->box.rtt_s[1],
                               q->box.server_load[0],  q->box.server_load[1]};
        memcpy(k.box, box, sizeof box);
        k.top = UINT64_MAX - 1;
    }
    if (family) {
        k.link[0] = k.link[1] = k.link[2] = k.server_load = 0;
        k.top = UINT64_MAX;
    }
    kw_raw(key, (const char *)&k, sizeof k);
    for (size_t i = 0; i < ask->n_pins; i++) {
        const uint64_t pin[2] = {ask->pins[i].operator_index, ask->pins[i].side};
        kw_raw(key, (const char *)pin, sizeof pin);
    }
    if (!family)
        kw_raw(key, q->link.name, strlen(q->link.name));
}
