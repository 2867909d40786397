#include "planner/simulate/series.h"

#include "base/memory.h"
#include "net/link.h"
#include "planner/simulate/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t sim_series_steps(double duration_s, double step_s, size_t series)
{
    const double n = ceil(duration_s / step_s * (1 - 1e-12));
    if (!(n >= 1) || !(n * (double)series <= SIM_MAX_STEPS))
        return 0;
    return (size_t)n;
}

bool sim_series_make(const kerf_scenario *s, double step_s, size_t n, sim_series *series)
{
    *series = (sim_series){.step_s = step_s, .n = n};
    series->group = kerf_calloc(s->n_groups * n, sizeof *series->group);
    series->link = kerf_calloc(s->n_links * n, sizeof *series->link);
    series->point = kerf_calloc(s->n_access_points * n, sizeof *series->point);
    series->server = kerf_calloc(s->n_servers * n, sizeof *series->server);
    series->load = kerf_calloc(s->n_servers, sizeof *series->load);
    if (!series->group || !series->link || !series->point || !series->server || !series->load) {
        sim_series_clear(series);
        return false;
    }
    for (size_t i = 0; i < s->n_groups * n; i++)
        series->group[i].cut = KERF_NONE;
    for (size_t i = 0; i < s->n_servers; i++)
        series->load[i] =
            (sim_load){series->server + i * n, n, step_s, (double)s->servers[i].workers};
    return true;
}

void sim_series_clear(sim_series *series)
{
    free(series->group);
    free(series->link);
    free(series->point);
    free(series->server);
    free(series->load);
    *series = (sim_series){.n = 0};
}

/* --- while the run lasts --- */

/* The step of a time, or the number of steps. */
static size_t step_of(double step_s, size_t n, double t)
{
    const double at = floor(t / step_s);
    return at >= 0 && at < (double)n ? (size_t)at : n;
}

kerf_group_step *sim_series_group(const sim_series *s, size_t group, double t)
{
    const size_t at = step_of(s->step_s, s->n, t);
    return at < s->n ? &s->group[group * s->n + at] : NULL;
}

kerf_link_step *sim_series_link(const sim_series *s, size_t link, double t)
{
    const size_t at = step_of(s->step_s, s->n, t);
    return at < s->n ? &s->link[link * s->n + at] : NULL;
}

kerf_link_step *sim_series_point(const sim_series *s, size_t point, double t)
{
    const size_t at = step_of(s->step_s, s->n, t);
    return at < s->n ? &s->point[point * s->n + at] : NULL;
}

void sim_load_note(const sim_load *load, double from, double to, double workers, double jobs)
{
    if (!load || !(to > from))
        return;
    for (size_t i = step_of(load->step_s, load->n, from); i < load->n; i++) {
        const double begin = (double)i * load->step_s, end = begin + load->step_s;
        const double time_s = fmin(to, end) - fmax(from, begin);
        if (time_s > 0) {
            load->step[i].utilisation += workers * time_s;
            load->step[i].jobs += jobs * time_s;
        }
        if (to <= end)
            break;
    }
}

/* --- what could be carried --- */

/* What carries something in one direction: its rate at a time, and when that may next change. */
typedef double rate_at(void *context, size_t i, kerf_direction d, double t, double *until);

static double point_rate(void *context, size_t i, kerf_direction d, double t, double *until)
{
    sim_run *run = context;
    sim_air *air = &run->air[2 * i + (size_t)d];
    const double rate = sim_air_capacity(air, t);
    *until = t >= air->down.from ? air->down.to : air->down.from;
    if (air->trace && rate > 0)
        *until = fmin(*until, kerf_trace_next(air->trace, t));
    return rate;
}

/* Of the first board that has the link. */
static double link_rate(void *context, size_t i, kerf_direction d, double t, double *until)
{
    sim_run *run = context;
    const sim_world *w = run->world;
    for (size_t g = 0; g < w->n_teams; g++)
        if (w->teams[g].group->link == i && w->teams[g].group->count > 0)
            return sim_cap_bps(run, &w->teams[g], (uint32_t)w->teams[g].first_board, d, t, until);
    *until = INFINITY;
    return 0;
}

static void fill_rates(const sim_series *s, kerf_link_step *step, rate_at *rate, sim_run *run,
                       size_t i, kerf_direction d)
{
    double t = 0, until = 0, now = 0;
    for (size_t k = 0; k < s->n; k++) {
        const double end = (double)(k + 1) * s->step_s;
        double bits = 0;
        while (t < end) {
            if (!(until > t)) {
                now = rate(run, i, d, t, &until);
                until = until > t ? until : nextafter(t, INFINITY);
            }
            const double to = fmin(until, end);
            bits += now * (to - t);
            t = to;
        }
        step[k].rate_bps[d] = bits / s->step_s;
        step[k].carried_bps[d] = 8 * step[k].carried_bps[d] / s->step_s;
    }
}

static void rewind_links(sim_run *run)
{
    const sim_world *w = run->world;
    for (size_t g = 0; g < w->n_teams; g++) {
        const size_t first = w->teams[g].first_board;
        if (w->teams[g].group->count > 0)
            sim_down_begin(&w->teams[g].link->faults, run->key, first, &run->board[first].down);
    }
    for (size_t i = 0; i < 2 * w->scenario->n_access_points; i++)
        sim_down_begin(run->air[i].faults, run->key, run->air[i].who, &run->air[i].down);
}

/* --- the end --- */

static void finish_group(kerf_group_step *g)
{
    const double ended = (double)g->ended, started = (double)g->started;
    g->energy_J = g->ended > 0 ? g->energy_J / ended : NAN;
    g->latency_s = g->ended > 0 ? g->latency_s / ended : NAN;
    g->device_operators = g->started > 0 ? g->device_operators / started : NAN;
}

void sim_series_finish(sim_series *s, sim_run *run)
{
    const kerf_scenario *of = run->world->scenario;
    for (size_t i = 0; i < of->n_groups * s->n; i++)
        finish_group(&s->group[i]);
    for (size_t i = 0; i < of->n_servers * s->n; i++) {
        s->server[i].utilisation /= s->step_s * s->load[i / s->n].workers;
        s->server[i].jobs /= s->step_s;
    }
    for (int d = 0; d < 2; d++) {
        rewind_links(run);
        for (size_t i = 0; i < of->n_links; i++)
            fill_rates(s, s->link + i * s->n, link_rate, run, i, (kerf_direction)d);
        for (size_t i = 0; i < of->n_access_points; i++)
            fill_rates(s, s->point + i * s->n, point_rate, run, i, (kerf_direction)d);
    }
    s->finished = true;
}

/* --- what cuts are called --- */

/* The last operator on the board names the cut; then what else was chosen, if there was a choice.
 */
static char *label_of(const sim_option *o, bool choice)
{
    const cut_binding *binding = &o->choice->binding;
    const kerf_network *network = binding->question->network;
    const char *name = "input sent";
    size_t last = KERF_NONE;
    for (size_t v = 0; v < binding->problem.n; v++)
        if (o->x[v] == 0 && (last == KERF_NONE || binding->operator_of[v] > last))
            last = binding->operator_of[v];
    if (o->device_operators == binding->problem.n)
        name = "all on the board";
    else if (last != KERF_NONE)
        name = network->operators[last].name;
    const char *rest = choice ? o->choice->label : "";
    const size_t size = strlen(name) + strlen(rest) + 2;
    char *text = kerf_calloc(size, 1);
    if (text)
        snprintf(text, size, "%s%s%s", name, *rest ? " " : "", rest);
    return text;
}

bool sim_series_labels(const sim_world *world, size_t **first, sim_cut_label **labels, size_t *n)
{
    *first = kerf_calloc(world->n_teams + 1, sizeof **first);
    *labels = NULL;
    *n = 0;
    if (!*first)
        return false;
    size_t total = 0;
    for (size_t g = 0; g < world->n_teams; g++) {
        (*first)[g] = total;
        total += world->teams[g].n_options;
    }
    (*first)[world->n_teams] = total;
    *labels = kerf_calloc(total, sizeof **labels);
    if (!*labels)
        return false;
    *n = total;
    for (size_t g = 0; g < world->n_teams; g++) {
        const sim_team *team = &world->teams[g];
        for (size_t i = 0; i < team->n_options; i++) {
            const sim_option *o = &team->option[i];
            sim_cut_label *label = &(*labels)[(*first)[g] + i];
            label->device_operators = o->device_operators;
            label->text = label_of(o, team->choices.n > 1);
            if (!label->text)
                return false;
        }
    }
    return true;
}
