/* What is uncertain, and what plans are worth under that, as JSON. */
#include "planner/cli/robust.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *cost_unit(kerf_objective objective)
{
    return objective == KERF_OBJ_THROUGHPUT ? "s" : kerf_objective_unit(objective);
}

static json_t *spread_object(cli_json *j, const kerf_spread *s)
{
    json_t *object = json_object();
    cli_json_text(j, object, "what", s->what);
    if (s->kind == KERF_SPREAD_RELATIVE)
        cli_json_number(j, object, "relative", s->relative);
    if (s->kind == KERF_SPREAD_INTERVAL) {
        json_t *ends = json_array();
        cli_json_append(j, ends, cli_json_real(s->low));
        cli_json_append(j, ends, cli_json_real(s->high));
        cli_json_put(j, object, "interval", ends);
    }
    if (s->kind == KERF_SPREAD_TRACE)
        cli_json_count(j, object, "trace_samples", (int64_t)s->n);
    return object;
}

static void put_triple(cli_json *j, json_t *object, const char *key, double mean, double p95,
                       double worst)
{
    json_t *triple = json_object();
    cli_json_number(j, triple, "expected", mean);
    cli_json_number(j, triple, "p95", p95);
    cli_json_number(j, triple, "worst", worst);
    cli_json_put(j, object, key, triple);
}

static void put_figures(cli_json *j, json_t *object, const kerf_robust_figures *f)
{
    cli_json_number(j, object, "expected", f->mean);
    cli_json_number(j, object, "standard_error", f->standard_error);
    cli_json_number(j, object, "deviation", f->deviation);
    cli_json_number(j, object, "p95", f->p95);
    cli_json_number(j, object, "worst", f->worst);
    cli_json_number(j, object, "regret_mean", f->mean_regret);
    cli_json_number(j, object, "regret_max", f->worst_regret);
    put_triple(j, object, "device_energy_J", f->mean_energy_J, f->p95_energy_J, f->worst_energy_J);
    put_triple(j, object, "latency_s", f->mean_latency_s, f->p95_latency_s, f->worst_latency_s);
    if (isnan(f->miss))
        return;
    json_t *interval = json_array();
    json_t *miss = json_object();
    cli_json_number(j, miss, "probability", f->miss);
    cli_json_append(j, interval, cli_json_real(f->miss_low));
    cli_json_append(j, interval, cli_json_real(f->miss_high));
    cli_json_put(j, miss, "confidence_95", interval);
    cli_json_number(j, miss, "cantelli_bound", f->miss_cantelli);
    cli_json_put(j, object, "deadline_missed", miss);
}

static json_t *row_object(cli_json *j, const kerf_question *q, const kerf_robust_row *row)
{
    json_t *object = json_object();
    cli_json_text(j, object, "cut_id", row->cut_id);
    cli_json_count(j, object, "device_operators", (int64_t)row->device_operators);
    cli_json_bytes(j, object, "wire_bytes", row->wire_bytes);
    cli_json_text(j, object, "power_mode", row->power_mode);
    cli_json_text(j, object, "encoding",
                  row->encoding == KERF_NONE ? NULL : q->encodings[row->encoding].name);
    cli_json_text(j, object, "variant",
                  row->variant == KERF_NONE ? NULL : q->variants[row->variant].name);
    put_figures(j, object, &row->figures);
    return object;
}

static void put_robust(cli_json *j, json_t *document, const cli_settings *settings,
                       const cli_scene *scene, const cli_doubts *doubts)
{
    const kerf_robust *r = doubts->robust;
    json_t *robust = json_object(), *spreads = json_array();
    cli_json_count(j, robust, "scenarios", (int64_t)r->scenarios);
    cli_json_count(j, robust, "seed", settings->seed > 0 ? settings->seed : 0);
    cli_json_count(j, robust, "placements", (int64_t)r->placements);
    cli_json_bool(j, robust, "complete", r->complete);
    cli_json_text(j, robust, "unit", cost_unit(settings->objective));
    cli_json_bool(j, robust, "profile", doubts->spreads->profile);
    for (size_t i = 0; i < doubts->spreads->n; i++)
        cli_json_append(j, spreads, spread_object(j, &doubts->spreads->list[i]));
    cli_json_put(j, robust, "uncertainty", spreads);
    for (int k = 0; k < KERF_ROBUST_ROLES; k++)
        cli_json_put(j, robust, kerf_robust_role_name((kerf_robust_role)k),
                     r->rows[k].exists ? row_object(j, &scene->question, &r->rows[k])
                                       : json_null());
    cli_json_put(j, document, "robust", robust);
}

/* The plan's document tells the base objective with the question's own figures. */
static void put_objective(cli_json *j, json_t *document, const cli_settings *settings,
                          const kerf_robust *r)
{
    char name[96];
    const char *base = kerf_objective_name(settings->objective);
    json_t *object = json_object_get(document, "objective");
    if (r->aim == KERF_AIM_NOMINAL || !object)
        return;
    if (r->aim == KERF_AIM_CHANCE || r->aim == KERF_AIM_CANTELLI)
        snprintf(name, sizeof name, "%s:%g:%s", kerf_aim_name(r->aim), settings->probability, base);
    else
        snprintf(name, sizeof name, "%s:%s", kerf_aim_name(r->aim), base);
    cli_json_text(j, object, "name", name);
    cli_json_number(j, object, "value", r->value);
    cli_json_text(j, object, "unit", cost_unit(settings->objective));
}

/* A rate of 0 or of infinity is none, as in break_even.uplink_bps; loads may be 0. */
static json_t *borders(cli_json *j, const kerf_break_even *b)
{
    json_t *object = json_object();
    cli_json_number(j, object, "below", b->below > 0 ? b->below : INFINITY);
    cli_json_number(j, object, "above", b->above);
    return object;
}

static void put_sensitivity(cli_json *j, json_t *document, const kerf_sensitivity *s)
{
    static const char *const keys[][2] = {
        {"downlink", "downlink_bps"}, {"rtt", "rtt_s"}, {"load", "server_load"}};
    json_t *break_even = json_object_get(document, "break_even");
    json_t *coefficients = json_object();
    for (size_t i = 0; i < s->n; i++) {
        const kerf_break_even *b = &s->list[i];
        if (b->is_factor)
            cli_json_put(j, coefficients, b->what, borders(j, b));
        for (size_t k = 0; !b->is_factor && k < sizeof keys / sizeof *keys; k++)
            if (strcmp(keys[k][0], b->what) == 0)
                cli_json_put(j, break_even, keys[k][1], borders(j, b));
    }
    cli_json_put(j, break_even, "coefficients", coefficients);
    if (!s->stopped)
        cli_json_text(j, break_even, "closest",
                      s->closest == KERF_NONE ? NULL : s->list[s->closest].what);
}

static void put_left_out(cli_json *j, json_t *document)
{
    json_t *list = json_object_get(document, "left_out");
    if (!list) {
        list = json_array();
        cli_json_put(j, document, "left_out", list);
    }
    cli_json_append(j, list, json_string("sensitivity"));
}

void cli_doubts_json(cli_json *j, json_t *document, const cli_settings *settings,
                     const cli_scene *scene, const cli_doubts *doubts)
{
    if (document && doubts->stopped)
        put_left_out(j, document);
    if (document && doubts->sensitivity)
        put_sensitivity(j, document, doubts->sensitivity);
    if (!document || !doubts->robust)
        return;
    put_objective(j, document, settings, doubts->robust);
    put_robust(j, document, settings, scene, doubts);
}
