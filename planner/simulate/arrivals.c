#include "planner/simulate/arrivals.h"

/* Arrival k of a periodic stream is at phase + k period + jitter_k, the jitter uniform from 0. */
static void set_periodic(const sim_arrivals *a, uint64_t key, uint64_t board, sim_arrival_state *s)
{
    const double phase =
        isnan(a->phase_s) ? a->period_s * sim_uniform(key, board, SIM_STREAM_PHASE, 0) : a->phase_s;
    double t = phase + (double)s->count * a->period_s;
    if (a->jitter_s > 0)
        t += a->jitter_s * sim_uniform(key, board, SIM_STREAM_ARRIVAL, s->count);
    s->next = t;
}

/* Exponential gaps at the state's rate; what is left of a gap when the state changes is drawn anew,
 * which an exponential gap does not notice. States alternate, quiet first with the probability that
 * it has in the long run. */
static void step_bursts(const sim_arrivals *a, uint64_t key, uint64_t board, sim_arrival_state *s)
{
    double now = s->next;
    const bool busy_first = sim_uniform(key, board, SIM_STREAM_PHASE, 0) >=
                            a->state_s[0] / (a->state_s[0] + a->state_s[1]);
    for (;;) {
        const bool busy = ((s->draws & 1) == 0) != busy_first; /* draws counts states begun */
        const double rate = a->rate_per_s[busy ? 1 : 0];
        const double gap = rate > 0
                               ? sim_exponential(key, board, SIM_STREAM_ARRIVAL, s->count++) / rate
                               : INFINITY;
        if (now + gap < s->until) {
            s->next = now + gap;
            return;
        }
        now = s->until;
        s->until +=
            a->state_s[busy ? 0 : 1] * sim_exponential(key, board, SIM_STREAM_STATE, s->draws++);
    }
}

static void set_stamp(const sim_arrivals *a, sim_arrival_state *s)
{
    const size_t i = s->count % a->n, turn = s->count / a->n;
    s->next =
        turn > 0 && !(a->repeat_s > 0) ? INFINITY : a->stamp_s[i] + (double)turn * a->repeat_s;
}

void sim_arrivals_begin(const sim_arrivals *a, uint64_t key, uint64_t board, sim_arrival_state *s)
{
    *s = (sim_arrival_state){.next = 0};
    switch (a->kind) {
    case SIM_PERIODIC:
        set_periodic(a, key, board, s);
        return;
    case SIM_POISSON:
        s->next = sim_exponential(key, board, SIM_STREAM_ARRIVAL, 0) / a->rate_per_s[0];
        return;
    case SIM_BURSTS: {
        const bool busy = sim_uniform(key, board, SIM_STREAM_PHASE, 0) >=
                          a->state_s[0] / (a->state_s[0] + a->state_s[1]);
        s->until = a->state_s[busy ? 1 : 0] * sim_exponential(key, board, SIM_STREAM_STATE, 0);
        s->draws = 1;
        step_bursts(a, key, board, s);
        return;
    }
    case SIM_TIMESTAMPS:
        set_stamp(a, s);
        return;
    }
}

void sim_arrivals_step(const sim_arrivals *a, uint64_t key, uint64_t board, sim_arrival_state *s)
{
    switch (a->kind) {
    case SIM_PERIODIC:
        s->count++;
        set_periodic(a, key, board, s);
        return;
    case SIM_POISSON:
        s->count++;
        s->next += sim_exponential(key, board, SIM_STREAM_ARRIVAL, s->count) / a->rate_per_s[0];
        return;
    case SIM_BURSTS:
        step_bursts(a, key, board, s);
        return;
    case SIM_TIMESTAMPS:
        s->count++;
        set_stamp(a, s);
        return;
    }
}
