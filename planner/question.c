#include "planner/question.h"

#include "base/error.h"

#include <math.h>

#define LEAST_WEIGHT 1e-9 /* of a weighted objective */
#define MOST_WEIGHT  1e9

static kerf_status check_not_negative(double value, const char *what, kerf_error *err)
{
    if (isfinite(value) && value >= 0)
        return KERF_OK;
    return kerf_fail(err, KERF_E_INVALID, what, "is %g, expected a finite number not below 0",
                     value);
}

/* A sum of a tiny and a huge number is the huge one, and what is nearly 0 has no digits left. */
static kerf_status check_weights(const kerf_question *q, kerf_error *err)
{
    const double weights[] = {q->weight_energy, q->weight_latency};
    if (q->objective != KERF_OBJ_WEIGHTED)
        return KERF_OK;
    if (q->weight_energy <= 0 && q->weight_latency <= 0)
        return kerf_fail(err, KERF_E_INVALID, "weights",
                         "are both 0, expected at least one above 0");
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        if (weights[i] > 0 && (weights[i] < LEAST_WEIGHT || weights[i] > MOST_WEIGHT))
            return kerf_fail(err, KERF_E_INVALID, i ? "weight of latency" : "weight of energy",
                             "is %g, expected 0 or %g to %g", weights[i], LEAST_WEIGHT,
                             MOST_WEIGHT);
    return KERF_OK;
}

static kerf_status check_share(double value, const char *where, const char *what, kerf_error *err)
{
    if (isnan(value) || (value >= 0 && value <= 1))
        return KERF_OK;
    return kerf_fail(err, KERF_E_INVALID, where, "%s is %g, expected 0 to 1", what, value);
}

static kerf_status check_encoding(const kerf_encoding *e, kerf_error *err)
{
    const double costs[] = {e->device_s_per_byte, e->device_J_per_byte, e->server_s_per_byte,
                            e->server_J_per_byte};
    if (!e->name || !*e->name)
        return kerf_fail(err, KERF_E_INVALID, "encoding", "has no name");
    if ((size_t)e->wire > KERF_WIRE_INT8)
        return kerf_fail(err, KERF_E_INVALID, e->name, "is no encoding to a known type");
    if (!(e->ratio >= 0 && e->ratio <= 1))
        return kerf_fail(err, KERF_E_INVALID, e->name,
                         "has ratio %g, expected above 0 and at most 1", e->ratio);
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
        if (!(isfinite(costs[i]) && costs[i] >= 0))
            return kerf_fail(err, KERF_E_INVALID, e->name,
                             "costs %g per byte, expected a finite number not below 0", costs[i]);
    return check_share(e->accuracy_loss, e->name, "accuracy loss", err);
}

/* One of each at most: choices are made before (planner/choice.h). */
static kerf_status check_combination(const kerf_question *q, kerf_error *err)
{
    if (q->n_encodings > 1 || q->n_variants > 1)
        return kerf_fail(err, KERF_E_INVALID, "question", "leaves a choice of %s, expected one",
                         q->n_encodings > 1 ? "encodings" : "variants");
    if ((size_t)q->wire > KERF_WIRE_INT8)
        return kerf_fail(err, KERF_E_INVALID, "wire", "is no known type");
    if (q->n_encodings > 0 && check_encoding(q->encodings, err) != KERF_OK)
        return KERF_E_INVALID;
    if (q->n_variants > 0)
        return check_share(q->variants->accuracy, q->variants->name, "accuracy", err);
    return KERF_OK;
}

kerf_status cut_check_question(const kerf_question *q, kerf_error *err)
{
    if (!q->network || !q->device || !q->server || !q->link)
        return kerf_fail(err, KERF_E_INVALID, "question",
                         "lacks its %s, expected a network, a device, a server and a link",
                         !q->network  ? "network"
                         : !q->device ? "device"
                         : !q->server ? "server"
                                      : "link");
    const struct {
        double value;
        const char *name;
    } numbers[] = {
        {q->server_load, "server load"},          {q->weight_energy, "weight of energy"},
        {q->weight_latency, "weight of latency"}, {q->limits.deadline_s, "deadline"},
        {q->limits.energy_J, "energy budget"},    {q->limits.memory_bytes, "device memory"},
        {q->limits.max_bytes, "max bytes"},       {q->input_bytes, "input size"},
        {q->time_limit_s, "time limit"},          {q->limits.min_accuracy, "min accuracy"}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (check_not_negative(numbers[i].value, numbers[i].name, err) != KERF_OK)
            return KERF_E_INVALID;
    if (q->server_load >= 1)
        return kerf_fail(err, KERF_E_INVALID, "server load", "is %g, expected 0 <= load < 1",
                         q->server_load);
    if (q->limits.min_accuracy > 1)
        return kerf_fail(err, KERF_E_INVALID, "min accuracy", "is %g, expected 0 to 1",
                         q->limits.min_accuracy);
    if (check_weights(q, err) != KERF_OK || check_combination(q, err) != KERF_OK)
        return KERF_E_INVALID;
    if (q->device->n_modes == 0 || q->server->n_modes == 0)
        return kerf_fail(err, KERF_E_INVALID, q->device->n_modes ? "server" : "device",
                         "has no power mode");
    return kerf_link_check(q->link, err);
}
