#include "planner/service/devices.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void release_state(void *context, table_entry *entry)
{
    (void)context;
    device_state *state = entry->value;
    if (!state)
        return;
    free(state->base);
    free(state->question);
    free(state);
}

bool devices_init(devices *d, size_t max_bytes, double weight, double expiry_s)
{
    *d = (devices){.weight = weight, .expiry_ns = (uint64_t)(1e9 * fmin(expiry_s, 1e9))};
    return table_init(&d->states, max_bytes, release_state, NULL);
}

void devices_clear(devices *d)
{
    table_clear(&d->states);
}

device_state *devices_find(devices *d, const char *device_id)
{
    table_entry *entry = table_find(&d->states, device_id, strlen(device_id));
    return entry ? entry->value : NULL;
}

static size_t bytes_of(const device_state *state)
{
    return sizeof *state + state->question_size + (state->base ? strlen(state->base) + 1 : 0);
}

device_state *devices_get(devices *d, const char *device_id)
{
    device_state *state = devices_find(d, device_id);
    if (state)
        return state;
    table_entry *entry = table_add(&d->states, device_id, strlen(device_id));
    if (!entry)
        return NULL;
    state = kerf_calloc(1, sizeof *state);
    if (!state) {
        table_remove(&d->states, entry);
        return NULL;
    }
    *state =
        (device_state){.rate_bps = {NAN, NAN}, .rtt_s = NAN, .latency_s = NAN, .energy_J = NAN};
    entry->value = state;
    table_charge(&d->states, entry, bytes_of(state));
    return state;
}

static bool set_base(device_state *state, const char *base)
{
    if (!base || (state->base && strcmp(state->base, base) == 0))
        return true;
    char *copy = kerf_strdup(base);
    if (!copy)
        return false;
    free(state->base);
    state->base = copy;
    return true;
}

/* What was estimated from observations that are stale by now counts no longer. */
static void average(double *mean, double observed, double weight, bool fresh)
{
    if (isnan(observed))
        return;
    *mean = fresh && !isnan(*mean) ? *mean + weight * (observed - *mean) : observed;
}

static bool is_fresh(const devices *d, const device_state *state, uint64_t now)
{
    return state->observed_ns > 0 && now - state->observed_ns <= d->expiry_ns;
}

bool devices_observe(devices *d, device_state *state, const service_request *request,
                     const char *base, uint64_t now)
{
    const kerf_link *seen = &request->link.fields;
    const bool fresh = is_fresh(d, state, now);
    const bool of_link = !isnan(seen->rate_bps[KERF_UPLINK]) ||
                         !isnan(seen->rate_bps[KERF_DOWNLINK]) || !isnan(seen->rtt_s);
    if (!set_base(state, base))
        return false;
    if (of_link && !fresh)
        state->rate_bps[KERF_UPLINK] = state->rate_bps[KERF_DOWNLINK] = state->rtt_s = NAN;
    for (int i = 0; i < 2; i++)
        average(&state->rate_bps[i], seen->rate_bps[i], d->weight, fresh);
    average(&state->rtt_s, seen->rtt_s, d->weight, fresh);
    average(&state->latency_s, request->latency_s, d->weight, true);
    average(&state->energy_J, request->energy_J, d->weight, true);
    if (of_link)
        state->observed_ns = now;
    state->observations++;
    return true;
}

bool devices_remember(devices *d, const char *device_id, device_state *state, const char *json,
                      size_t size, const char *base)
{
    if (!set_base(state, base))
        return false;
    if (state->question_size != size || memcmp(state->question, json, size) != 0) {
        char *copy = kerf_strndup(json, size);
        if (!copy)
            return false;
        free(state->question);
        state->question = copy;
        state->question_size = size;
    }
    table_entry *entry = table_find(&d->states, device_id, strlen(device_id));
    if (entry)
        table_charge(&d->states, entry, bytes_of(state));
    return true;
}

bool devices_estimate(const devices *d, const device_state *state, uint64_t now,
                      link_estimate *estimate)
{
    if (!is_fresh(d, state, now))
        return false;
    estimate->base = state->base;
    link_unstated(&estimate->figures);
    estimate->figures.rate_bps[KERF_UPLINK] = state->rate_bps[KERF_UPLINK];
    estimate->figures.rate_bps[KERF_DOWNLINK] = state->rate_bps[KERF_DOWNLINK];
    estimate->figures.rtt_s = state->rtt_s;
    return true;
}

void devices_write(kerf_writer *w, const devices *d, const device_state *state, uint64_t now)
{
    kw_put_begin(w, "estimate", '{');
    kw_put_bool(w, "fresh", is_fresh(d, state, now));
    kw_put_string(w, "link", state->base);
    kw_put_number(w, "uplink_bps", state->rate_bps[KERF_UPLINK]);
    kw_put_number(w, "downlink_bps", state->rate_bps[KERF_DOWNLINK]);
    kw_put_number(w, "rtt_s", state->rtt_s);
    kw_put_number(w, "age_s", state->observed_ns ? 1e-9 * (double)(now - state->observed_ns) : NAN);
    kw_put_number(w, "latency_s", state->latency_s);
    kw_put_number(w, "energy_J", state->energy_J);
    kw_put_integer(w, "observations", (int64_t)state->observations);
    kw_end(w, '}');
}
