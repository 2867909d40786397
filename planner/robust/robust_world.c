#include "planner/robust/robust_world.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/cost/coefficients.h"
#include "planner/simulate/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RELATIVE 10.0
#define MOST_LOAD     0.999               /* that a factor brings the load to */
#define DEVICE_DRAWS  ((uint64_t)1 << 32) /* who draws: a spread, or a coefficient from here on */
#define SERVER_DRAWS  ((uint64_t)2 << 32)

/* --- names --- */

static bool append(const char *name, robust_target *t)
{
    kerf_coefficient found;
    if (!kerf_coefficient_find(name, &found))
        return false;
    for (size_t i = 0; i < found.n; i++)
        t->offsets[t->n++] = found.offsets[i];
    return true;
}

static bool append_class(const char *cls, robust_target *t)
{
    char name[COEFFICIENT_NAME];
    if (strlen(cls) > COEFFICIENT_NAME / 2)
        return false;
    snprintf(name, sizeof name, "latency/per_mac/%s", cls);
    if (!append(name, t))
        return false;
    snprintf(name, sizeof name, "energy/per_mac/%s", cls);
    return append(name, t);
}

/* All coefficients of time, or of energy. */
static void append_all(bool energy, robust_target *t)
{
    static const char *const by_class[2][3] = {
        {"latency/per_mac", "latency/more_per_byte", "latency/more_per_weight_byte"},
        {"energy/per_mac", "energy/more_per_byte", "energy/more_per_weight_byte"}};
    static const char *const plain[2][8] = {
        {"latency/per_byte", "latency/launch", "latency/partition", "latency/per_step",
         "latency/grouped_launch"},
        {"energy/per_byte", "energy/launch", "energy/partition", "energy/per_step",
         "energy/grouped_launch", "energy/per_kernel", "energy/floor", "energy/active"}};
    char name[COEFFICIENT_NAME];
    for (size_t k = 0; k < 3; k++)
        for (int c = 0; c < KERF_CLASS_COUNT; c++) {
            snprintf(name, sizeof name, "%s/%s", by_class[energy][k],
                     kerf_class_name((kerf_class)c));
            append(name, t);
        }
    for (size_t k = 0; k < 8 && plain[energy][k]; k++)
        append(plain[energy][k], t);
}

static bool find_coefficients(const char *what, robust_target *t)
{
    static const char *const pairs[] = {"bytes",  "per_byte",  "launch",
                                        "launch", "partition", "partition"};
    char name[COEFFICIENT_NAME];
    t->kind = ROBUST_COEFFICIENTS;
    t->both = true;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i += 2) {
        if (strcmp(what, pairs[i]) != 0)
            continue;
        snprintf(name, sizeof name, "latency/%s", pairs[i + 1]);
        append(name, t);
        snprintf(name, sizeof name, "energy/%s", pairs[i + 1]);
        return append(name, t);
    }
    if (strcmp(what, "device") == 0) {
        append_all(false, t);
        append_all(true, t);
        return true;
    }
    if (!strchr(what, '/') && append_class(what, t))
        return true;
    t->both = false;
    t->n = 0;
    if (strcmp(what, "latency") == 0 || strcmp(what, "energy") == 0) {
        append_all(*what == 'e', t);
        return true;
    }
    return append(what, t);
}

bool robust_target_find(const char *what, robust_target *t)
{
    static const struct {
        const char *name;
        robust_kind kind;
    } names[] = {{"idle", ROBUST_IDLE}, {"server", ROBUST_SERVER}, {"radio", ROBUST_RADIO},
                 {"rate", ROBUST_RATE}, {"uplink", ROBUST_UPLINK}, {"downlink", ROBUST_DOWNLINK},
                 {"rtt", ROBUST_RTT},   {"load", ROBUST_LOAD}};
    *t = (robust_target){.n = 0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, what) == 0) {
            t->kind = names[i].kind;
            return true;
        }
    return find_coefficients(what, t);
}

kerf_quantity robust_target_quantity(const robust_target *t)
{
    switch (t->kind) {
    case ROBUST_RATE:
    case ROBUST_UPLINK:
    case ROBUST_DOWNLINK:
        return KERF_RATE;
    case ROBUST_RTT:
        return KERF_TIME;
    case ROBUST_COEFFICIENTS:
    case ROBUST_IDLE:
    case ROBUST_SERVER:
    case ROBUST_RADIO:
    case ROBUST_LOAD:
        break;
    }
    return KERF_FRACTION;
}

/* --- changes --- */

/* Where energy is power times time, a factor of both is one of the time. */
static void scale_mode(const robust_target *t, double factor, kerf_power_mode *mode)
{
    const bool power = mode->energy_form == KERF_ENERGY_POWER;
    for (size_t i = 0; i < t->n; i++) {
        if (t->both && power && t->offsets[i] == offsetof(kerf_power_mode, active_W))
            continue;
        kerf_coefficient_set(mode, t->offsets[i],
                             kerf_coefficient_get(mode, t->offsets[i]) * factor);
    }
    if (power)
        mode->partition_J = mode->active_W * mode->partition_s;
}

static void scale_radio(double factor, kerf_link *link)
{
    for (int d = 0; d < 2; d++) {
        link->active_W_per_bps[d] *= factor;
        link->active_W[d] *= factor;
    }
    link->idle_W *= factor;
    link->promotion_W *= factor;
    link->switch_W *= factor;
    link->tail_W *= factor;
}

void robust_scale(const robust_target *t, double factor, robust_world *w)
{
    switch (t->kind) {
    case ROBUST_COEFFICIENTS:
        for (size_t i = 0; i < w->n_modes; i++)
            scale_mode(t, factor, &w->device[i]);
        break;
    case ROBUST_IDLE:
        for (size_t i = 0; i < w->n_modes; i++)
            w->device[i].idle_W *= factor;
        break;
    case ROBUST_SERVER:
        w->server_factor *= factor;
        break;
    case ROBUST_RADIO:
        scale_radio(factor, &w->link);
        break;
    case ROBUST_RATE:
        w->link.rate_bps[KERF_UPLINK] *= factor;
        w->link.rate_bps[KERF_DOWNLINK] *= factor;
        break;
    case ROBUST_UPLINK:
        w->link.rate_bps[KERF_UPLINK] *= factor;
        break;
    case ROBUST_DOWNLINK:
        w->link.rate_bps[KERF_DOWNLINK] *= factor;
        break;
    case ROBUST_RTT:
        w->link.rtt_s *= factor;
        break;
    case ROBUST_LOAD:
        w->load = fmin(w->load * factor, fmax(w->load, MOST_LOAD));
        break;
    }
}

void robust_set(const robust_target *t, double value, robust_world *w)
{
    double now = 1;
    if (t->kind == ROBUST_RATE || t->kind == ROBUST_UPLINK)
        now = w->link.rate_bps[KERF_UPLINK];
    else if (t->kind == ROBUST_DOWNLINK)
        now = w->link.rate_bps[KERF_DOWNLINK];
    if (t->kind == ROBUST_RTT)
        w->link.rtt_s = value;
    else if (t->kind == ROBUST_LOAD)
        w->load = value;
    else
        robust_scale(t, value / now, w);
}

/* --- drawing --- */

static kerf_status check_trace(const kerf_spread *s, kerf_error *err)
{
    bool fine = s->n > 0 && s->value && s->weight;
    for (size_t i = 0; fine && i < s->n; i++)
        fine = isfinite(s->value[i]) && s->value[i] > 0 && s->weight[i] > 0 &&
               (i == 0 || s->weight[i] >= s->weight[i - 1]);
    if (fine && fabs(s->weight[s->n - 1] - 1) < 1e-9)
        return KERF_OK;
    return kerf_fail(err, KERF_E_INVALID, s->what,
                     "has a trace that is none, expected values above 0 and weights that ascend "
                     "to 1");
}

static kerf_status check_interval(const kerf_spread *s, const robust_target *t, kerf_error *err)
{
    if (!(isfinite(s->low) && isfinite(s->high) && s->low >= 0 && s->low <= s->high))
        return kerf_fail(err, KERF_E_INVALID, s->what,
                         "lies between %g and %g, expected finite numbers not below 0, the lower "
                         "one first",
                         s->low, s->high);
    if (robust_target_quantity(t) == KERF_RATE && s->low <= 0)
        return kerf_fail(err, KERF_E_INVALID, s->what, "may be 0, expected rates above 0");
    if (t->kind == ROBUST_LOAD && s->high >= 1)
        return kerf_fail(err, KERF_E_INVALID, s->what, "may be %g, expected loads below 1",
                         s->high);
    return KERF_OK;
}

static kerf_status check_spread(const kerf_question *q, const kerf_spread *s, robust_target *t,
                                kerf_error *err)
{
    if (!memchr(s->what, 0, sizeof s->what) || !robust_target_find(s->what, t))
        return kerf_fail(err, KERF_E_INVALID, "uncertainty",
                         "names '%.100s', expected an operator class, device, latency, energy, "
                         "bytes, launch, partition, idle, server, radio, rate, uplink, downlink, "
                         "rtt, load or a coefficient such as latency/per_mac/conv",
                         s->what);
    if (s->kind == KERF_SPREAD_INTERVAL)
        return check_interval(s, t, err);
    if (s->kind == KERF_SPREAD_TRACE)
        return robust_target_quantity(t) == KERF_RATE
                   ? check_trace(s, err)
                   : kerf_fail(err, KERF_E_INVALID, s->what, "has a trace, which rates alone have");
    if (!(s->relative >= 0 && s->relative <= MOST_RELATIVE))
        return kerf_fail(err, KERF_E_INVALID, s->what,
                         "has relative standard deviation %g, expected 0 to %g", s->relative,
                         MOST_RELATIVE);
    if ((t->kind == ROBUST_LOAD && q->server_load <= 0) ||
        (t->kind == ROBUST_RTT && q->link->rtt_s <= 0))
        return kerf_fail(err, KERF_E_INVALID, s->what,
                         "is 0, of which no share is anything: give an interval");
    return KERF_OK;
}

static size_t most_coefficients(const kerf_question *q)
{
    size_t most = q->server->modes[q->server->default_mode].uncertainty.n;
    for (size_t i = 0; i < q->device->n_modes; i++)
        if (q->device->modes[i].uncertainty.n > most)
            most = q->device->modes[i].uncertainty.n;
    return most;
}

static kerf_status check(robust_draw *d, kerf_error *err)
{
    const kerf_question *q = d->question;
    for (size_t i = 0; i < d->spreads->n; i++) {
        const kerf_status status = check_spread(q, &d->spreads->list[i], &d->targets[i], err);
        if (status != KERF_OK)
            return status;
        d->variety.device = d->variety.device || d->targets[i].kind == ROBUST_COEFFICIENTS;
    }
    if (!d->spreads->profile)
        return KERF_OK;
    bool device = false;
    for (size_t i = 0; i < q->device->n_modes; i++)
        device = device || q->device->modes[i].uncertainty.n > 0;
    d->variety.device = d->variety.device || device;
    d->variety.server = q->server->modes[q->server->default_mode].uncertainty.n > 0;
    if (!device && !d->variety.server)
        return kerf_fail(err, KERF_E_INVALID, "profile",
                         "neither %.100s nor %.100s says how far its coefficients may be off",
                         q->device->name ? q->device->name : "the device",
                         q->server->name ? q->server->name : "the server");
    return KERF_OK;
}

kerf_status robust_draw_create(const kerf_question *q, const kerf_robust_options *o, robust_draw *d,
                               kerf_error *err)
{
    *d = (robust_draw){.question = q, .spreads = o->spreads, .key = sim_key(o->seed, 0)};
    if (!o->spreads || (o->spreads->n == 0 && !o->spreads->profile))
        return kerf_fail(err, KERF_E_INVALID, "uncertainty",
                         "says of nothing that it is uncertain");
    if (!q->device || !q->server || !q->link || q->device->n_modes == 0 || q->server->n_modes == 0)
        return kerf_fail(err, KERF_E_INVALID, "question",
                         "lacks its device, its server or its link");
    d->targets = kerf_calloc(o->spreads->n, sizeof *d->targets);
    d->normal = kerf_calloc(most_coefficients(q), sizeof *d->normal);
    if (!d->targets || !d->normal)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return check(d, err);
}

void robust_draw_clear(robust_draw *d)
{
    free(d->targets);
    free(d->normal);
    *d = (robust_draw){0};
}

static double from_trace(const kerf_spread *s, double u)
{
    size_t low = 0, high = s->n - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->weight[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return s->value[low];
}

static void draw_spread(const robust_draw *d, size_t k, size_t i, robust_world *w)
{
    const kerf_spread *s = &d->spreads->list[k];
    const robust_target *t = &d->targets[k];
    if (s->kind == KERF_SPREAD_RELATIVE) {
        const double z = sim_normal(d->key, k, SIM_STREAM_STATE, i);
        const double variance = log1p(s->relative * s->relative);
        robust_scale(t, exp(sqrt(variance) * z - variance / 2), w);
        return;
    }
    const double u = sim_uniform(d->key, k, SIM_STREAM_STATE, i);
    robust_set(t, s->kind == KERF_SPREAD_TRACE ? from_trace(s, u) : s->low + (s->high - s->low) * u,
               w);
}

/* Coefficients of the same place in the lists of two modes are drawn alike. */
static void draw_mode(const robust_draw *d, uint64_t who, size_t i, kerf_power_mode *mode)
{
    for (size_t k = 0; k < mode->uncertainty.n; k++)
        d->normal[k] = sim_normal(d->key, who + k, SIM_STREAM_STATE, i);
    if (mode->uncertainty.n > 0)
        *mode = kerf_power_mode_draw(mode, d->normal);
}

void robust_draw_world(const robust_draw *d, size_t i, robust_world *w)
{
    robust_world_reset(d->question, w);
    if (d->spreads->profile) {
        for (size_t m = 0; m < w->n_modes; m++)
            draw_mode(d, DEVICE_DRAWS, i, &w->device[m]);
        draw_mode(d, SERVER_DRAWS, i, &w->server);
    }
    for (size_t k = 0; k < d->spreads->n; k++)
        draw_spread(d, k, i, w);
}
