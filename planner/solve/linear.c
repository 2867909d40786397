#include "planner/solve/linear.h"

bool cut_objective_weights(const cut_problem *problem, cut_weights *weights)
{
    *weights = (cut_weights){.energy = 0};
    switch (problem->objective) {
    case KERF_OBJ_ENERGY:
        weights->energy = 1;
        return true;
    case KERF_OBJ_LATENCY:
        weights->latency = 1;
        return true;
    case KERF_OBJ_TOTAL_ENERGY:
        weights->energy = weights->server = 1;
        return true;
    case KERF_OBJ_WEIGHTED:
        weights->energy = problem->weight_energy;
        weights->latency = problem->weight_latency;
        return true;
    case KERF_OBJ_THROUGHPUT:
    case KERF_OBJ_EDP:
        break;
    }
    return false;
}

double cut_weighted(const cut_weights *weights, const cut_value *value)
{
    return weights->energy * value->energy_J + weights->latency * value->latency_s +
           weights->server * value->server_J;
}

/* A second of waiting: the board and the radio idle, unless nobody waits. */
static double waiting(const cut_problem *problem, const cut_weights *weights, bool up)
{
    double idle = up || !problem->result_at_server ? weights->energy * problem->wait_W : 0;
    return weights->latency + idle;
}

double cut_server_price(const cut_problem *problem, const cut_weights *weights)
{
    return waiting(problem, weights, false);
}

double cut_link_cost(const cut_problem *problem, const cut_weights *weights,
                     kerf_direction direction, double bytes)
{
    double second = waiting(problem, weights, direction == KERF_UPLINK);
    return second * kerf_link_transfer_s(problem->link, direction, bytes) +
           weights->energy * kerf_link_transfer_J(problem->link, direction, bytes);
}

double cut_link_slope(const cut_problem *problem, const cut_weights *weights,
                      kerf_direction direction, double bytes)
{
    double second = waiting(problem, weights, direction == KERF_UPLINK);
    return second * kerf_link_slope_s_per_byte(problem->link, direction, bytes) +
           weights->energy * kerf_link_slope_J_per_byte(problem->link, direction, bytes);
}

void cut_byte_range(const cut_problem *problem, kerf_direction direction, double *least,
                    double *sum)
{
    *least = *sum = 0;
    for (size_t t = 0; t < problem->n_tensors; t++) {
        const cut_tensor *tensor = &problem->tensors[t];
        bool up = tensor->to_server || tensor->n_consumers > 0;
        bool down = tensor->to_device && tensor->producer != CUT_SOURCE;
        double bytes = direction == KERF_UPLINK ? (up ? tensor->up_bytes : 0)
                                                : (down ? tensor->down_bytes : 0);
        *sum += bytes;
        if (bytes > 0 && (*least <= 0 || bytes < *least))
            *least = bytes;
    }
}
