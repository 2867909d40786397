#include "planner/solve/resources.h"

#include "base/error.h"
#include "base/memory.h"
#include "kerf/link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void append(resource_list *list, resource_kind kind, size_t index, double limit)
{
    if (kind == RESOURCE_STAGE || limit > 0)
        list->of[list->n++] = (resource){kind, index, limit};
}

void resources_start(resource_list *list, const cut_problem *problem, bool stages)
{
    const kerf_limits *limits = &problem->limits;
    list->n = 0;
    for (size_t i = 0; i < CUT_STAGES && stages; i++)
        append(list, RESOURCE_STAGE, i, 0);
    append(list, RESOURCE_LATENCY, 0, limits->deadline_s);
    append(list, RESOURCE_ENERGY, 0, limits->energy_J);
    append(list, RESOURCE_BYTES, 0, limits->max_bytes);
    append(list, RESOURCE_OPERATORS, 0, (double)limits->min_device_operators);
}

bool resources_add_step(resource_list *list, const cut_problem *problem, size_t step)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->of[i].kind == RESOURCE_STEP && list->of[i].index == step)
            return false;
    if (list->n == MOST_RESOURCES)
        return false;
    append(list, RESOURCE_STEP, step, problem->limits.memory_bytes);
    return true;
}

static double stage_s(const cut_problem *p, size_t stage, const cut_value *value)
{
    switch ((cut_stage)stage) {
    case CUT_STAGE_DEVICE:
        return value->device_s;
    case CUT_STAGE_UPLINK:
        return value->up_bytes > 0 ? kerf_link_occupancy_s(p->link, KERF_UPLINK, value->up_bytes)
                                   : 0;
    case CUT_STAGE_SERVER:
        return value->server_s;
    default:
        return value->down_bytes > 0
                   ? kerf_link_occupancy_s(p->link, KERF_DOWNLINK, value->down_bytes)
                   : 0;
    }
}

void resources_take(const resource_list *list, const cut_problem *problem, const cut_value *value,
                    const double *profile, double *taken)
{
    for (size_t i = 0; i < list->n; i++) {
        const resource *r = &list->of[i];
        double figure = 0;
        switch (r->kind) {
        case RESOURCE_STAGE:
            taken[i] = stage_s(problem, r->index, value);
            continue;
        case RESOURCE_OPERATORS:
            taken[i] = 1 - (double)value->device_operators / r->limit;
            continue;
        case RESOURCE_LATENCY:
            figure = value->latency_s;
            break;
        case RESOURCE_ENERGY:
            figure = value->energy_J;
            break;
        case RESOURCE_BYTES:
            figure = value->up_bytes;
            break;
        case RESOURCE_STEP:
            figure = profile[r->index];
            break;
        }
        taken[i] = figure / r->limit - 1;
    }
}

kerf_status resource_prices_create(resource_prices *prices, const cut_problem *relaxed,
                                   kerf_error *err)
{
    *prices = (resource_prices){.problem = relaxed};
    prices->on_device = kerf_calloc(relaxed->n, sizeof *prices->on_device);
    prices->on_server = kerf_calloc(relaxed->n, sizeof *prices->on_server);
    prices->crossing = kerf_calloc(relaxed->n_tensors, sizeof *prices->crossing);
    prices->held = kerf_calloc(relaxed->n_weights, sizeof *prices->held);
    if (prices->on_device && prices->on_server && prices->crossing && prices->held)
        return KERF_OK;
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", relaxed->n);
}

void resource_prices_clear(resource_prices *prices)
{
    free(prices->on_device);
    free(prices->on_server);
    free(prices->crossing);
    free(prices->held);
    *prices = (resource_prices){.problem = NULL};
}

static void reset(const resource_prices *a)
{
    memset(a->on_device, 0, a->problem->n * sizeof *a->on_device);
    memset(a->on_server, 0, a->problem->n * sizeof *a->on_server);
    memset(a->crossing, 0, a->problem->n_tensors * sizeof *a->crossing);
    memset(a->held, 0, a->problem->n_weights * sizeof *a->held);
}

double resources_mix(const resource_list *list, const cut_memory *memory, const double *price,
                     resource_prices *arrays, cut_mix *mix)
{
    double constant = 0;
    cut_memory_prices held = {arrays->on_device, arrays->crossing, arrays->held, 0};
    size_t n = memory->problem->n;
    reset(arrays);
    for (size_t i = 0; i < list->n; i++) {
        const resource *r = &list->of[i];
        double per_unit = r->kind == RESOURCE_STAGE ? price[i] : price[i] / r->limit;
        if (!(price[i] > 0))
            continue;
        constant -= r->kind == RESOURCE_STAGE ? 0 : price[i];
        switch (r->kind) {
        case RESOURCE_STAGE:
            mix->stage_s[r->index] += per_unit;
            break;
        case RESOURCE_LATENCY:
            mix->weights.latency += per_unit;
            break;
        case RESOURCE_ENERGY:
            mix->weights.energy += per_unit;
            break;
        case RESOURCE_BYTES:
            mix->up_bytes += per_unit;
            break;
        case RESOURCE_OPERATORS: /* lack of them: those on the server, less n, more the limit */
            for (size_t v = 0; v < n; v++)
                arrays->on_server[v] += per_unit;
            constant += 2 * price[i] - per_unit * (double)n;
            break;
        case RESOURCE_STEP:
            cut_memory_price(memory, r->index, per_unit, &held);
            break;
        }
    }
    mix->surcharges =
        (cut_surcharges){arrays->on_device, arrays->on_server, arrays->crossing, arrays->held};
    return constant + held.fixed;
}

static void add_most(cut_value *sum, const cut_cost *cost)
{
    sum->device_s += cost->device_s;
    sum->device_J += cost->device_J;
    sum->server_s += cost->server_s;
    sum->server_J += cost->server_J;
}

void resources_most(const cut_problem *p, cut_value *sum)
{
    cut_value most = {.device_s = p->device_part.device_s,
                      .device_J = p->device_part.device_J,
                      .server_s = p->server_part.server_s,
                      .server_J = p->server_part.server_J,
                      .device_operators = p->n};
    double least;
    for (size_t g = 0; g < p->n_groups; g++) {
        cut_cost c = p->groups[g].table[0];
        for (size_t j = 1; j <= p->groups[g].n; j++) {
            const cut_cost *o = &p->groups[g].table[j];
            c = (cut_cost){fmax(c.device_s, o->device_s), fmax(c.device_J, o->device_J),
                           fmax(c.server_s, o->server_s), fmax(c.server_J, o->server_J)};
        }
        add_most(&most, &c);
    }
    for (size_t t = 0; t < p->n_tensors; t++) {
        add_most(&most, &p->tensors[t].up_cost);
        add_most(&most, &p->tensors[t].down_cost);
    }
    for (size_t b = 0; b < p->n_bundles; b++) {
        const cut_cost *c = &p->bundles[b].cost;
        add_most(&most, &(cut_cost){fmax(c->device_s, 0), fmax(c->device_J, 0),
                                    fmax(c->server_s, 0), fmax(c->server_J, 0)});
    }
    cut_byte_range(p, KERF_UPLINK, &least, &most.up_bytes);
    cut_byte_range(p, KERF_DOWNLINK, &least, &most.down_bytes);
    cut_combine(p, &most);
    *sum = most;
}
