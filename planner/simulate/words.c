/* A scenario in words, for people. */
#include "planner/simulate/scenario.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct words {
    char *text;
    size_t size, used;
} words;

static void KERF_PRINTF(2, 3) say(words *w, const char *format, ...)
{
    va_list arguments;
    if (w->used + 1 >= w->size)
        return;
    va_start(arguments, format);
    const int n = vsnprintf(w->text + w->used, w->size - w->used, format, arguments);
    va_end(arguments);
    if (n > 0)
        w->used += (size_t)n < w->size - w->used ? (size_t)n : w->size - w->used - 1;
}

static void say_value(words *w, const char *before, double value, kerf_quantity kind)
{
    char text[64];
    say(w, "%s%s", before, kerf_format_quantity(value, kind, 4, text, sizeof text));
}

static void say_arrivals(words *w, const sim_arrivals *a)
{
    switch (a->kind) {
    case SIM_PERIODIC:
        say_value(w, "a frame every ", a->period_s, KERF_TIME);
        if (a->jitter_s > 0)
            say_value(w, ", late by up to ", a->jitter_s, KERF_TIME);
        break;
    case SIM_POISSON:
        say(w, "%.4g frames a second on average, at random (Poisson)", a->rate_per_s[0]);
        break;
    case SIM_BURSTS:
        say(w, "bursts: %.4g frames a second", a->rate_per_s[0]);
        say_value(w, " for ", a->state_s[0], KERF_TIME);
        say(w, ", then %.4g", a->rate_per_s[1]);
        say_value(w, " for ", a->state_s[1], KERF_TIME);
        say(w, ", on average");
        break;
    case SIM_TIMESTAMPS:
        say(w, "%zu frames at listed times", a->n);
        if (a->repeat_s > 0)
            say_value(w, ", anew every ", a->repeat_s, KERF_TIME);
        break;
    }
}

static void say_faults(words *w, const char *what, const sim_faults *f)
{
    if (f->n > 0)
        say(w, "; %s at %zu listed time%s", what, f->n, f->n == 1 ? "" : "s");
    if (f->mtbf_s > 0) {
        say(w, "; %s at random", what);
        say_value(w, ", every ", f->mtbf_s, KERF_TIME);
        say_value(w, " for ", f->mttr_s, KERF_TIME);
        say(w, " on average");
    }
}

size_t kerf_scenario_group_words(const kerf_scenario *s, size_t group, char *text, size_t size)
{
    words w = {text, size, 0};
    if (size > 0)
        *text = 0;
    if (group >= s->n_groups)
        return 0;
    const sim_group *g = &s->groups[group];
    say(&w, "%zu board%s (%s", g->count, g->count == 1 ? "" : "s", g->device->name);
    if (g->power_mode)
        say(&w, ", %s", g->power_mode);
    say(&w, ") %s %s; ", g->count == 1 ? "runs" : "run", g->network->name);
    say_arrivals(&w, &g->arrivals);
    say(&w, "; over %s to %s; ", s->links[g->link].name, s->servers[g->server].name);
    if (g->question.objective == KERF_OBJ_WEIGHTED)
        say(&w, "least %g \u00b7 energy + %g \u00b7 latency", g->question.weight_energy,
            g->question.weight_latency);
    else
        say(&w, "%s %s", g->question.objective == KERF_OBJ_THROUGHPUT ? "most" : "least",
            kerf_objective_name(g->question.objective));
    if (g->question.limits.deadline_s > 0)
        say_value(&w, ", within ", g->question.limits.deadline_s, KERF_TIME);
    if (g->timeout_s > 0) {
        say_value(&w, "; an offload is given up after ", g->timeout_s, KERF_TIME);
        say(&w, g->fallback ? " and finished on the board" : "");
    }
    if (g->battery_J > 0)
        say_value(&w, "; battery ", g->battery_J, KERF_ENERGY);
    if (g->policy)
        say(&w, "; always %s", g->policy->name);
    return w.used;
}

size_t kerf_scenario_link_words(const kerf_scenario *s, size_t link, char *text, size_t size)
{
    words w = {text, size, 0};
    if (size > 0)
        *text = 0;
    if (link >= s->n_links)
        return 0;
    const sim_link *l = &s->links[link];
    for (int d = 0; d < 2; d++) {
        say_value(&w, d ? ", " : "", l->link->rate_bps[d], KERF_RATE);
        say(&w, d ? " down" : " up");
        if (l->trace[d])
            say(&w, " on average, by a trace");
    }
    say_value(&w, ", round trip ", l->link->rtt_s, KERF_TIME);
    say(&w, l->rtt ? " at first, by a trace" : "");
    if (l->link->loss > 0)
        say(&w, ", %.3g %% loss", 100 * l->link->loss);
    if (l->access_point != KERF_NONE)
        say(&w, ", shared: access point %s", s->access_points[l->access_point].name);
    say_faults(&w, "down", &l->faults);
    return w.used;
}

size_t kerf_scenario_server_words(const kerf_scenario *s, size_t server, char *text, size_t size)
{
    words w = {text, size, 0};
    if (size > 0)
        *text = 0;
    if (server >= s->n_servers)
        return 0;
    const sim_server *v = &s->servers[server];
    say(&w, "%s, %zu worker%s, %s", v->device->name, v->workers, v->workers == 1 ? "" : "s",
        v->discipline == SIM_FIFO ? "first come, first served" : "shared equally by its jobs");
    if (v->batch > 1)
        say(&w, ", batches of up to %zu", v->batch);
    if (v->load > 0)
        say(&w, ", %.3g %% busy with other things", 100 * v->load);
    if (v->distribution != SIM_CONSTANT)
        say(&w, ", service times vary (%s)",
            v->distribution == SIM_EXPONENTIAL ? "exponential" : "lognormal");
    say_faults(&w, "down", &v->faults);
    return w.used;
}
