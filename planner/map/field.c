#include "planner/map/field.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

kerf_status cut_field_create(const cut_problem *problem, size_t n, cut_field *field,
                             kerf_error *err)
{
    cut_field f = {.link = *problem->link,
                   .objective = problem->objective,
                   .weight_energy = problem->weight_energy,
                   .weight_latency = problem->weight_latency,
                   .deadline_s = problem->limits.deadline_s,
                   .budget_J = problem->limits.energy_J,
                   .result_at_server = problem->result_at_server,
                   .terms = kerf_calloc(n, sizeof *f.terms)};
    f.link.name = f.link.description = f.link.provenance = NULL;
    if (!f.terms)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu candidates", n);
    *field = f;
    return KERF_OK;
}

void cut_field_clear(cut_field *field)
{
    free(field->terms);
    *field = (cut_field){0};
}

void cut_field_add(cut_field *field, const cut_value *totals, double wait_W)
{
    const double bytes[] = {totals->up_bytes, totals->down_bytes};
    const kerf_link *link = &field->link;
    cut_terms *t = &field->terms[field->n++];
    *t = (cut_terms){.energy_J = totals->device_J,
                     .latency_s = totals->device_s,
                     .device_s = totals->device_s,
                     .server_s = totals->server_s,
                     .server_J = totals->server_J,
                     .wait_W = wait_W};
    if (bytes[KERF_UPLINK] + bytes[KERF_DOWNLINK] > 0)
        t->energy_J += kerf_link_fixed_J(link);
    for (int d = 0; d < 2; d++) {
        if (!(bytes[d] > 0))
            continue;
        const double promotion = kerf_link_promotion_s(link, (kerf_direction)d);
        t->sent[d] = kerf_link_sent_bytes(link, bytes[d]);
        t->doublings[d] = kerf_link_doublings(link, t->sent[d]);
        t->latency_s += promotion;
        t->energy_J += link->active_W_per_bps[d] * 8 * t->sent[d];
        if (d == KERF_UPLINK || !field->result_at_server)
            t->energy_J += wait_W * promotion;
    }
}

void cut_hardship(const kerf_conditions *c, double y[CUT_AXES])
{
    y[CUT_UP] = 1 / c->uplink_bps;
    y[CUT_DOWN] = 1 / c->downlink_bps;
    y[CUT_RTT] = c->rtt_s;
    y[CUT_LOAD] = 1 / (1 - c->server_load);
}

static void look(const cut_field *field, double up_bps, double down_bps, double rtt_s,
                 cut_outlook *at)
{
    kerf_link link = field->link;
    link.rate_bps[KERF_UPLINK] = up_bps;
    link.rate_bps[KERF_DOWNLINK] = down_bps;
    link.rtt_s = rtt_s;
    at->path[KERF_UPLINK] = kerf_link_path(&link, KERF_UPLINK);
    at->path[KERF_DOWNLINK] = kerf_link_path(&link, KERF_DOWNLINK);
}

void cut_outlook_at(const cut_field *field, const kerf_conditions *c, cut_outlook *at)
{
    look(field, c->uplink_bps, c->downlink_bps, c->rtt_s, at);
    at->slowdown = 1 / (1 - c->server_load);
}

void cut_outlook_hard(const cut_field *field, const double y[CUT_AXES], cut_outlook *at)
{
    look(field, 1 / y[CUT_UP], 1 / y[CUT_DOWN], y[CUT_RTT], at);
    at->slowdown = y[CUT_LOAD];
}

static double active_s(const cut_terms *t, const cut_outlook *at, int direction)
{
    const kerf_path *path = &at->path[direction];
    const double sent = t->sent[direction];
    if (!(sent > 0))
        return 0;
    if (sent <= path->full_bytes)
        return path->propagation_s + path->doubling_s * t->doublings[direction];
    return path->propagation_s + path->full_s + (sent - path->full_bytes) * path->pace_s;
}

static double slowest_s(const cut_terms *t, const cut_outlook *at)
{
    return fmax(fmax(t->device_s, t->server_s * at->slowdown),
                fmax(t->sent[KERF_UPLINK] * at->path[KERF_UPLINK].pace_s,
                     t->sent[KERF_DOWNLINK] * at->path[KERF_DOWNLINK].pace_s));
}

void cut_worth_at(const cut_field *field, size_t i, const cut_outlook *at, cut_worth *worth)
{
    const cut_terms *t = &field->terms[i];
    const kerf_link *link = &field->link;
    const double up_s = active_s(t, at, KERF_UPLINK), down_s = active_s(t, at, KERF_DOWNLINK);
    const double server_s = t->server_s * at->slowdown;
    const double waiting_s = field->result_at_server ? up_s : up_s + server_s + down_s;
    worth->latency_s = t->latency_s + up_s + server_s + down_s;
    worth->energy_J = t->energy_J + link->active_W[KERF_UPLINK] * up_s +
                      link->active_W[KERF_DOWNLINK] * down_s + t->wait_W * waiting_s;
    switch (field->objective) {
    case KERF_OBJ_LATENCY:
        worth->objective = worth->latency_s;
        break;
    case KERF_OBJ_THROUGHPUT:
        worth->objective = slowest_s(t, at);
        break;
    case KERF_OBJ_EDP:
        worth->objective = worth->energy_J * worth->latency_s;
        break;
    case KERF_OBJ_TOTAL_ENERGY:
        worth->objective = worth->energy_J + t->server_J;
        break;
    case KERF_OBJ_WEIGHTED:
        worth->objective =
            field->weight_energy * worth->energy_J + field->weight_latency * worth->latency_s;
        break;
    case KERF_OBJ_ENERGY:
        worth->objective = worth->energy_J;
        break;
    }
}

/* Adds what a transfer's active time contributes: by the inverse of its rate, and by the RTT. */
static void active_slope(const cut_terms *t, const cut_outlook *at, int direction, double *inverse,
                         double *rtt)
{
    const kerf_path *path = &at->path[direction];
    const double sent = t->sent[direction];
    *inverse = *rtt = 0;
    if (!(sent > 0))
        return;
    const double paced = fmax(sent - path->full_bytes, 0);
    double doublings = t->doublings[direction];
    if (sent > path->full_bytes)
        doublings = path->full_bytes > 0 ? path->full_s / path->doubling_s : 0;
    *inverse = paced * path->pace_by_inverse;
    *rtt = path->propagation_by_rtt + path->doubling_by_rtt * doublings + paced * path->pace_by_rtt;
}

/* The slope of the stage that is the slowest. */
static void stage_slope(const cut_terms *t, const cut_outlook *at, double slope[CUT_AXES])
{
    const double slowest = slowest_s(t, at);
    for (int k = 0; k < CUT_AXES; k++)
        slope[k] = 0;
    if (t->device_s >= slowest)
        return;
    if (t->server_s * at->slowdown >= slowest) {
        slope[CUT_LOAD] = t->server_s;
        return;
    }
    const int d = t->sent[KERF_UPLINK] * at->path[KERF_UPLINK].pace_s >= slowest ? KERF_UPLINK
                                                                                 : KERF_DOWNLINK;
    slope[d == KERF_UPLINK ? CUT_UP : CUT_DOWN] = t->sent[d] * at->path[d].pace_by_inverse;
    slope[CUT_RTT] = t->sent[d] * at->path[d].pace_by_rtt;
}

/* Of energy and latency. */
static void both_slopes(const cut_field *field, const cut_terms *t, const cut_outlook *at,
                        double energy[CUT_AXES], double latency[CUT_AXES])
{
    const double waits[] = {t->wait_W, field->result_at_server ? 0 : t->wait_W};
    double rtt[2];
    active_slope(t, at, KERF_UPLINK, &latency[CUT_UP], &rtt[KERF_UPLINK]);
    active_slope(t, at, KERF_DOWNLINK, &latency[CUT_DOWN], &rtt[KERF_DOWNLINK]);
    const double up_W = field->link.active_W[KERF_UPLINK] + waits[0];
    const double down_W = field->link.active_W[KERF_DOWNLINK] + waits[1];
    latency[CUT_RTT] = rtt[KERF_UPLINK] + rtt[KERF_DOWNLINK];
    latency[CUT_LOAD] = t->server_s;
    energy[CUT_UP] = up_W * latency[CUT_UP];
    energy[CUT_DOWN] = down_W * latency[CUT_DOWN];
    energy[CUT_RTT] = up_W * rtt[KERF_UPLINK] + down_W * rtt[KERF_DOWNLINK];
    energy[CUT_LOAD] = waits[1] * t->server_s;
}

void cut_slope_at(const cut_field *field, size_t i, const cut_outlook *at, double slope[CUT_AXES])
{
    const cut_terms *t = &field->terms[i];
    double energy[CUT_AXES], latency[CUT_AXES], by_energy = 1, by_latency = 0;
    if (field->objective == KERF_OBJ_THROUGHPUT) {
        stage_slope(t, at, slope);
        return;
    }
    if (field->objective == KERF_OBJ_EDP) {
        cut_worth worth;
        cut_worth_at(field, i, at, &worth);
        by_energy = worth.latency_s;
        by_latency = worth.energy_J;
    } else if (field->objective == KERF_OBJ_LATENCY) {
        by_energy = 0;
        by_latency = 1;
    } else if (field->objective == KERF_OBJ_WEIGHTED) {
        by_energy = field->weight_energy;
        by_latency = field->weight_latency;
    }
    both_slopes(field, t, at, energy, latency);
    for (int k = 0; k < CUT_AXES; k++)
        slope[k] = by_energy * energy[k] + by_latency * latency[k];
}

double cut_excess(const cut_field *field, const cut_worth *worth)
{
    double most = -CUT_LIMIT_TOLERANCE;
    if (field->deadline_s > 0)
        most = fmax(most, worth->latency_s / field->deadline_s - 1 - CUT_LIMIT_TOLERANCE);
    if (field->budget_J > 0)
        most = fmax(most, worth->energy_J / field->budget_J - 1 - CUT_LIMIT_TOLERANCE);
    return most;
}

size_t cut_field_best_of(const cut_field *field, const uint32_t *list, size_t n,
                         const cut_outlook *at)
{
    const bool limited = field->deadline_s > 0 || field->budget_J > 0;
    size_t best = KERF_NONE;
    double least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        cut_worth worth;
        cut_worth_at(field, list ? list[i] : i, at, &worth);
        if ((worth.objective < least || best == KERF_NONE) &&
            (!limited || cut_excess(field, &worth) <= 0)) {
            least = worth.objective;
            best = list ? list[i] : i;
        }
    }
    return best;
}

size_t cut_field_best(const cut_field *field, const cut_outlook *at)
{
    return cut_field_best_of(field, NULL, field->n, at);
}
