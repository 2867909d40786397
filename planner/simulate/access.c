#include "planner/simulate/access.h"

#include "base/memory.h"

#include <stdlib.h>

#define MAX_FLOWS ((size_t)1 << 24)

void sim_air_init(sim_air *air, double rate_bps, const kerf_trace *trace, const sim_faults *faults,
                  uint64_t key, uint64_t who)
{
    *air = (sim_air){.rate_bps = rate_bps,
                     .trace = trace,
                     .faults = faults,
                     .key = key,
                     .who = who,
                     .caps_until = INFINITY};
    sim_down_begin(faults, key, who, &air->down);
}

void sim_air_clear(sim_air *air)
{
    free(air->flow);
    free(air->order);
    air->flow = NULL;
    air->order = NULL;
    air->n = air->capacity = air->order_capacity = 0;
}

void sim_share_out(double capacity, const double *cap, double *share, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double fair = capacity / (double)(n - i);
        share[i] = cap[i] < fair ? cap[i] : fair;
        capacity -= share[i];
    }
}

double sim_air_capacity(sim_air *air, double now)
{
    sim_down_reach(air->faults, air->key, air->who, now, &air->down);
    if (now >= air->down.from)
        return 0;
    return air->trace ? kerf_trace_at(air->trace, now) : air->rate_bps;
}

/* Brings a flow's account up to date and gives it another rate. */
static void set_rate(sim_flow *flow, double now, double rate)
{
    if (rate == flow->rate_bps)
        return;
    flow->left_bits = fmax(flow->left_bits - flow->rate_bps * (now - flow->since), 0);
    flow->since = now;
    flow->steady = flow->steady && flow->began == now; /* it has just begun */
    flow->rate_bps = rate;
    flow->end = rate > 0 ? now + flow->left_bits / rate : INFINITY;
}

static void look_up_caps(sim_air *air, double now)
{
    air->caps_until = INFINITY;
    for (size_t i = 0; air->cap && i < air->n; i++) {
        double until = INFINITY;
        air->flow[i].cap_bps = air->cap(air->context, air->flow[i].board, now, &until);
        air->caps_until = fmin(air->caps_until, until);
    }
}

/* Indices by ascending cap: insertion into what was in order before. */
static void sort_by_cap(sim_air *air)
{
    for (size_t i = 1; i < air->n; i++) {
        const size_t flow = air->order[i];
        size_t j = i;
        for (; j > 0 && air->flow[air->order[j - 1]].cap_bps > air->flow[flow].cap_bps; j--)
            air->order[j] = air->order[j - 1];
        air->order[j] = flow;
    }
}

static void share_out(sim_air *air, double now)
{
    double capacity = sim_air_capacity(air, now);
    air->now = now;
    if (air->n == 0) {
        air->caps_until = INFINITY;
        return;
    }
    look_up_caps(air, now);
    sort_by_cap(air);
    for (size_t i = 0; i < air->n; i++) {
        sim_flow *flow = &air->flow[air->order[i]];
        const double fair = capacity / (double)(air->n - i);
        const double rate = flow->cap_bps < fair ? flow->cap_bps : fair;
        capacity -= rate;
        set_rate(flow, now, rate);
    }
}

bool sim_air_add(sim_air *air, double now, uint32_t board, double bits, double cap_bps)
{
    if (kerf_reserve(&air->flow, &air->capacity, air->n + 1, MAX_FLOWS, sizeof *air->flow) != 0 ||
        kerf_reserve(&air->order, &air->order_capacity, air->n + 1, MAX_FLOWS,
                     sizeof *air->order) != 0)
        return false;
    air->order[air->n] = air->n;
    air->flow[air->n++] = (sim_flow){.board = board,
                                     .left_bits = bits,
                                     .cap_bps = cap_bps,
                                     .since = now,
                                     .began = now,
                                     .steady = true,
                                     .end = INFINITY};
    share_out(air, now);
    return true;
}

static void take_out(sim_air *air, size_t i)
{
    const size_t last = --air->n;
    size_t kept = 0;
    for (size_t k = 0; k <= last; k++)
        if (air->order[k] != i)
            air->order[kept++] = air->order[k] == last ? i : air->order[k];
    air->flow[i] = air->flow[last];
}

double sim_air_remove(sim_air *air, double now, uint32_t board)
{
    for (size_t i = 0; i < air->n; i++) {
        sim_flow *flow = &air->flow[i];
        if (flow->board != board)
            continue;
        const double left = fmax(flow->left_bits - flow->rate_bps * (now - flow->since), 0);
        take_out(air, i);
        share_out(air, now);
        return left;
    }
    return 0;
}

double sim_air_offer(sim_air *air, double now, double cap_bps)
{
    /* With one more flow, the fair share is where it would come in the order of the caps. */
    double capacity = sim_air_capacity(air, now);
    size_t left = air->n + 1;
    for (size_t i = 0; i < air->n; i++, left--) {
        const double cap = air->flow[air->order[i]].cap_bps;
        if (cap >= cap_bps || cap >= capacity / (double)left)
            break;
        capacity -= cap;
    }
    return fmin(cap_bps, capacity / (double)left);
}

double sim_air_next(const sim_air *air)
{
    if (air->n == 0)
        return INFINITY;
    double next = air->caps_until;
    for (size_t i = 0; i < air->n; i++)
        next = fmin(next, air->flow[i].end);
    if (air->trace)
        next = fmin(next, kerf_trace_next(air->trace, air->now));
    /* down.to is after `now`, because the capacity was looked up then. */
    return fmin(next, air->now >= air->down.from ? air->down.to : air->down.from);
}

bool sim_air_turn(sim_air *air, double now, sim_flow *ended)
{
    size_t first = air->n;
    for (size_t i = 0; i < air->n; i++)
        if (air->flow[i].end <= now && (first == air->n || air->flow[i].end < air->flow[first].end))
            first = i;
    if (first == air->n) {
        share_out(air, now);
        return false;
    }
    *ended = air->flow[first];
    take_out(air, first);
    return true;
}
