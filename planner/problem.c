#include "planner/problem.h"

#include "kerf/link.h"

#include <math.h>
#include <string.h>

#define ROUNDING     1e-12          /* relative */
#define MEMORY_BLOCK ((size_t)2048) /* steps of the schedule looked at together */

static void add_cost(const cut_cost *cost, cut_value *value)
{
    value->device_s += cost->device_s;
    value->device_J += cost->device_J;
    value->server_s += cost->server_s;
    value->server_J += cost->server_J;
}

static void add_groups(const cut_problem *problem, const uint8_t *x, cut_value *value)
{
    for (size_t g = 0; g < problem->n_groups; g++) {
        const cut_group *group = &problem->groups[g];
        size_t j = 0;
        while (j < group->n && x[group->operators[j]] == 0)
            j++;
        add_cost(&group->table[j], value);
    }
}

bool cut_is_together(const cut_bundle *bundle, const uint8_t *x)
{
    const uint8_t there = bundle->side == KERF_SIDE_SERVER;
    for (size_t i = 0; i < bundle->n; i++)
        if (x[bundle->operators[i]] != there)
            return false;
    return true;
}

static void settle(double *value, double taken_back)
{
    if (*value < taken_back * ROUNDING)
        *value = 0;
}

void cut_settle(const cut_problem *problem, cut_value *value)
{
    cut_cost sizes = {0, 0, 0, 0};
    for (size_t i = 0; i < problem->n_bundles; i++) {
        const cut_cost *cost = &problem->bundles[i].cost;
        sizes.device_s += fabs(cost->device_s);
        sizes.device_J += fabs(cost->device_J);
        sizes.server_s += fabs(cost->server_s);
        sizes.server_J += fabs(cost->server_J);
    }
    settle(&value->device_s, sizes.device_s);
    settle(&value->device_J, sizes.device_J);
    settle(&value->server_s, sizes.server_s);
    settle(&value->server_J, sizes.server_J);
}

static void add_bundles(const cut_problem *problem, const uint8_t *x, cut_value *value)
{
    for (size_t i = 0; i < problem->n_bundles; i++)
        if (cut_is_together(&problem->bundles[i], x))
            add_cost(&problem->bundles[i].cost, value);
    if (problem->n_bundles > 0)
        cut_settle(problem, value);
}

static void add_parts(const cut_problem *problem, const uint8_t *x, cut_value *value)
{
    for (size_t v = 0; v < problem->n; v++)
        value->device_operators += x[v] == 0;
    if (value->device_operators > 0) {
        value->device_s += problem->device_part.device_s;
        value->device_J += problem->device_part.device_J;
    }
    if (value->device_operators < problem->n) {
        value->server_s += problem->server_part.server_s;
        value->server_J += problem->server_part.server_J;
    }
}

bool cut_crosses(const cut_tensor *tensor, const uint8_t *x)
{
    if (tensor->producer != CUT_SOURCE && x[tensor->producer] != 0)
        return false;
    if (tensor->to_server)
        return true;
    for (size_t i = 0; i < tensor->n_consumers; i++)
        if (x[tensor->consumers[i]] != 0)
            return true;
    return false;
}

static void add_bytes(const cut_problem *problem, const uint8_t *x, cut_value *value)
{
    for (size_t t = 0; t < problem->n_tensors; t++) {
        const cut_tensor *tensor = &problem->tensors[t];
        if (cut_crosses(tensor, x)) {
            value->up_bytes += tensor->up_bytes;
            add_cost(&tensor->up_cost, value);
        }
        if (tensor->to_device && tensor->producer != CUT_SOURCE && x[tensor->producer] != 0) {
            value->down_bytes += tensor->down_bytes;
            add_cost(&tensor->down_cost, value);
        }
    }
}

static double weight_bytes(const cut_problem *problem, const uint8_t *x)
{
    double bytes = 0;
    for (size_t w = 0; w < problem->n_weights; w++) {
        const cut_weight *weight = &problem->weights[w];
        bool held = false;
        for (size_t i = 0; i < weight->n && !held; i++)
            held = x[weight->operators[i]] == 0;
        if (held)
            bytes += weight->bytes;
    }
    return bytes;
}

/* The steps at which a buffer is alive: step 0 is the start, step v + 1 the run of operator v.
 * False if it is never on the device. */
static bool buffer_life(const cut_buffer *buffer, size_t n, const uint8_t *x, size_t *first,
                        size_t *last)
{
    if (buffer->producer != CUT_SOURCE && x[buffer->producer] != 0)
        return false;
    *first = buffer->producer == CUT_SOURCE ? 0 : buffer->producer + 1;
    *last = *first;
    bool to_end = buffer->kept;
    for (size_t i = 0; i < buffer->n_readers && !to_end; i++) {
        size_t reader = buffer->readers[i];
        to_end = x[reader] != 0;
        if (reader + 1 > *last)
            *last = reader + 1;
    }
    if (to_end)
        *last = n;
    return true;
}

/* What is alive while an operator of the server would run is alive at the next one of the device
 * too, or to the end: so all steps may be looked at. Done in blocks on the stack, which needs no
 * memory that could be missing. */
static double peak_bytes(const cut_problem *problem, const uint8_t *x)
{
    double peak = 0, change[MEMORY_BLOCK + 1];
    for (size_t low = 0; low <= problem->n; low += MEMORY_BLOCK) {
        size_t high = low + MEMORY_BLOCK - 1, first, last;
        memset(change, 0, sizeof change);
        for (size_t b = 0; b < problem->n_buffers; b++) {
            const cut_buffer *buffer = &problem->buffers[b];
            if (!buffer_life(buffer, problem->n, x, &first, &last) || first > high || last < low)
                continue;
            change[first > low ? first - low : 0] += buffer->bytes;
            change[last < high ? last - low + 1 : MEMORY_BLOCK] -= buffer->bytes;
        }
        double alive = 0;
        for (size_t i = 0; i < MEMORY_BLOCK; i++) {
            alive += change[i];
            peak = alive > peak ? alive : peak;
        }
    }
    return peak;
}

double cut_memory_bytes(const cut_problem *problem, const uint8_t *x)
{
    return weight_bytes(problem, x) + peak_bytes(problem, x);
}

double cut_objective(const cut_problem *problem, double energy_J, double latency_s,
                     double slowest_s, double server_J)
{
    switch (problem->objective) {
    case KERF_OBJ_LATENCY:
        return latency_s;
    case KERF_OBJ_THROUGHPUT:
        return slowest_s;
    case KERF_OBJ_EDP:
        return energy_J * latency_s;
    case KERF_OBJ_TOTAL_ENERGY:
        return energy_J + server_J;
    case KERF_OBJ_WEIGHTED:
        return problem->weight_energy * energy_J + problem->weight_latency * latency_s;
    case KERF_OBJ_ENERGY:
        break;
    }
    return energy_J;
}

static double excess(double value, double limit)
{
    return limit > 0 && value > limit ? value / limit - 1 : 0;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Relative; an accuracy that is not known falls short of any. */
static double accuracy_shortfall(const kerf_limits *limits, double accuracy)
{
    if (!(limits->min_accuracy > 0) || accuracy >= limits->min_accuracy)
        return 0;
    return isnan(accuracy) ? 1 : 1 - accuracy / limits->min_accuracy;
}

double cut_violation(const kerf_limits *limits, const cut_value *value)
{
    double most = excess(value->latency_s, limits->deadline_s);
    most = larger(most, excess(value->energy_J, limits->energy_J));
    most = larger(most, excess(value->memory_bytes, limits->memory_bytes));
    most = larger(most, excess(value->up_bytes, limits->max_bytes));
    if (value->device_operators < limits->min_device_operators)
        most = larger(most, (double)(limits->min_device_operators - value->device_operators) /
                                (double)limits->min_device_operators);
    most = larger(most, accuracy_shortfall(limits, value->accuracy));
    return most > CUT_LIMIT_TOLERANCE ? most : 0;
}

static void combine_link(const cut_problem *problem, cut_value *value)
{
    const kerf_link *link = problem->link;
    double up = value->up_bytes, down = value->down_bytes;
    value->up_s = up > 0 ? kerf_link_transfer_s(link, KERF_UPLINK, up) : 0;
    value->up_J = up > 0 ? kerf_link_transfer_J(link, KERF_UPLINK, up) : 0;
    value->down_s = down > 0 ? kerf_link_transfer_s(link, KERF_DOWNLINK, down) : 0;
    value->down_J = down > 0 ? kerf_link_transfer_J(link, KERF_DOWNLINK, down) : 0;
    value->fixed_J = up + down > 0 ? kerf_link_fixed_J(link) : 0;
}

static double slowest_stage(const cut_problem *problem, const cut_value *value)
{
    double most = larger(value->device_s, value->server_s);
    if (value->up_bytes > 0)
        most = larger(most, kerf_link_occupancy_s(problem->link, KERF_UPLINK, value->up_bytes));
    if (value->down_bytes > 0)
        most = larger(most, kerf_link_occupancy_s(problem->link, KERF_DOWNLINK, value->down_bytes));
    return most;
}

bool cut_communicates(const cut_problem *problem, size_t device_operators)
{
    return device_operators < problem->n || problem->result_at_server;
}

double cut_accuracy(const cut_problem *problem, bool communicates)
{
    double accuracy = problem->accuracy - (communicates ? problem->accuracy_loss : 0);
    return accuracy < 0 ? 0 : accuracy;
}

double cut_accuracy_violation(const cut_problem *problem, bool communicates)
{
    double most = accuracy_shortfall(&problem->limits, cut_accuracy(problem, communicates));
    return most > CUT_LIMIT_TOLERANCE ? most : 0;
}

void cut_combine(const cut_problem *problem, cut_value *value)
{
    value->accuracy = cut_accuracy(problem, cut_communicates(problem, value->device_operators));
    combine_link(problem, value);
    double waiting_s = value->up_s;
    if (!problem->result_at_server)
        waiting_s += value->server_s + value->down_s;
    value->wait_J = problem->wait_W * waiting_s;
    value->energy_J =
        value->device_J + value->up_J + value->down_J + value->fixed_J + value->wait_J;
    value->latency_s = value->device_s + value->up_s + value->server_s + value->down_s;
    value->slowest_s = slowest_stage(problem, value);
    value->objective = cut_objective(problem, value->energy_J, value->latency_s, value->slowest_s,
                                     value->server_J);
    value->violation = cut_violation(&problem->limits, value);
}

void cut_evaluate_costs(const cut_problem *problem, const uint8_t *x, cut_value *value)
{
    *value = (cut_value){.device_s = 0};
    add_groups(problem, x, value);
    add_bundles(problem, x, value);
    add_parts(problem, x, value);
    add_bytes(problem, x, value);
    cut_combine(problem, value);
}

void cut_evaluate(const cut_problem *problem, const uint8_t *x, cut_value *value)
{
    cut_evaluate_costs(problem, x, value);
    value->memory_bytes = cut_memory_bytes(problem, x);
    value->violation = cut_violation(&problem->limits, value);
}

static bool is_free_of_cost(const cut_cost *c)
{
    return c->device_s <= 0 && c->device_J <= 0 && c->server_s <= 0 && c->server_J <= 0;
}

bool cut_has_codec(const cut_problem *problem)
{
    for (size_t t = 0; t < problem->n_tensors; t++)
        if (!is_free_of_cost(&problem->tensors[t].up_cost) ||
            !is_free_of_cost(&problem->tensors[t].down_cost))
            return true;
    return false;
}

bool cut_is_legal(const cut_problem *problem, const uint8_t *x)
{
    for (size_t v = 0; problem->pin && v < problem->n; v++)
        if (problem->pin[v] != KERF_SIDE_FREE && (problem->pin[v] == KERF_SIDE_SERVER) != x[v])
            return false;
    for (size_t t = 0; t < problem->n_tensors; t++) {
        const cut_tensor *tensor = &problem->tensors[t];
        if (tensor->producer == CUT_SOURCE || x[tensor->producer] == 0)
            continue;
        for (size_t i = 0; i < tensor->n_consumers; i++)
            if (x[tensor->consumers[i]] == 0)
                return false;
    }
    return true;
}

bool cut_has_limits(const cut_problem *problem)
{
    const kerf_limits *limits = &problem->limits;
    return limits->deadline_s > 0 || limits->energy_J > 0 || limits->memory_bytes > 0 ||
           limits->max_bytes > 0 || limits->min_device_operators > 0 || limits->min_accuracy > 0;
}
