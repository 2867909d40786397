#include "planner/simulate/path.h"

#include "net/link.h"
#include "net/transport.h"

static const double LN2 = 0.69314718055994530942;

double sim_path_rtt_s(const sim_path *path, double t)
{
    return path->link->rtt ? kerf_trace_at(path->link->rtt, t + path->offset_s)
                           : path->link->link->rtt_s;
}

static double constant_bps(const sim_path *path, kerf_direction direction)
{
    return kerf_link_effective_rate_bps(path->link->link, direction);
}

double sim_path_rate_bps(const sim_path *path, kerf_direction direction, double t)
{
    sim_down down = path->down;
    sim_down_reach(&path->link->faults, path->key, path->who, t, &down);
    if (t >= down.from)
        return 0;
    const kerf_trace *trace = path->link->trace[direction];
    return trace ? kerf_trace_at(trace, t + path->offset_s) : constant_bps(path, direction);
}

/* A flow under way. */
typedef struct flow {
    const sim_path *path;
    const kerf_trace *trace; /* NULL: constant */
    double rate_Bps;         /* constant */
    double rtt_s, window_bytes;
    double t, left;     /* now, and what has not left yet */
    double since_bytes; /* sent since the slow start began */
    double stalled_s;   /* nothing has left for so long */
    bool cold;
    unsigned pieces; /* of the slow start */
} flow;

#define MOST_PIECES 1000000 /* of a trace, in one slow start; beyond, it is over */

static double rate_now(const flow *f)
{
    return f->trace ? kerf_trace_at(f->trace, f->t + f->path->offset_s) / 8 : f->rate_Bps;
}

static void begin_anew(flow *f)
{
    f->cold = f->rtt_s > 0;
    f->since_bytes = 0;
    f->stalled_s = 0;
}

/* At the path's rate until `until`. True once all has left. */
static bool run_open(flow *f, double until)
{
    double end, sent;
    if (f->trace) {
        end = kerf_trace_reach(f->trace, f->t + f->path->offset_s, 8 * f->left) - f->path->offset_s;
        sent = end <= until ? f->left
                            : kerf_trace_integral(f->trace, f->t + f->path->offset_s,
                                                  until + f->path->offset_s) /
                                  8;
    } else {
        end = f->t + f->left / f->rate_Bps;
        sent = end <= until ? f->left : (until - f->t) * f->rate_Bps;
    }
    if (end <= until) {
        f->t = fmax(end, f->t);
        f->left = 0;
        return true;
    }
    f->t = until;
    f->left -= sent;
    return f->left <= 0;
}

/* One piece of the slow start: until the window fills the path, or the rate changes. */
static bool run_cold(flow *f, double until)
{
    const double rate = rate_now(f);
    if (f->trace)
        until =
            fmin(until, kerf_trace_next(f->trace, f->t + f->path->offset_s) - f->path->offset_s);
    if (!(until > f->t))
        until = nextafter(f->t, INFINITY);
    if (!(rate > 0)) {
        f->stalled_s += until - f->t;
        f->t = until;
        if (f->stalled_s >= sim_path_rto_s(f->rtt_s))
            begin_anew(f);
        return false;
    }
    f->stalled_s = 0;
    const double full = rate * f->rtt_s / LN2 - f->window_bytes;
    if (f->since_bytes >= full || ++f->pieces > MOST_PIECES) {
        f->cold = false;
        return false;
    }
    const double window = f->window_bytes + f->since_bytes;
    const double wanted = fmin(f->left, full - f->since_bytes);
    const double end = f->t + f->rtt_s / LN2 * log1p(wanted / window);
    const double sent = end <= until ? wanted : window * expm1((until - f->t) * LN2 / f->rtt_s);
    f->t = fmin(end, until);
    f->since_bytes += sent;
    f->left -= sent;
    return f->left <= 0;
}

void sim_path_flow(const sim_path *path, kerf_direction direction, double begin, double bytes,
                   bool cold, double limit, sim_transfer *transfer)
{
    const kerf_flow shape = kerf_link_flow(path->link->link, constant_bps(path, direction));
    flow f = {.path = path,
              .trace = path->link->trace[direction],
              .rate_Bps = shape.rate_Bps,
              .rtt_s = sim_path_rtt_s(path, begin),
              .window_bytes = shape.window_bytes,
              .t = begin,
              .left = bytes};
    sim_down down = path->down;
    bool done = false;
    double lost_s = 0;
    f.cold = cold && f.rtt_s > 0;
    while (!done && f.t < limit) {
        sim_down_reach(&path->link->faults, path->key, path->who, f.t, &down);
        if (f.t >= down.from) {
            const double until = fmin(down.to, limit);
            lost_s += until - f.t;
            f.t = until;
            if (down.to - down.from >= sim_path_rto_s(f.rtt_s))
                begin_anew(&f);
            continue;
        }
        const double until = fmin(down.from, limit);
        done = f.cold ? run_cold(&f, until) : run_open(&f, until);
    }
    transfer->end = done ? f.t : INFINITY;
    transfer->sent_bytes = bytes - fmax(f.left, 0);
    const double took = f.t - begin;
    if (!f.trace)
        transfer->mean_bps =
            took > 0 ? 8 * f.rate_Bps * (1 - fmin(lost_s / took, 1)) : 8 * f.rate_Bps;
    else
        transfer->mean_bps =
            took > 0
                ? kerf_trace_integral(f.trace, begin + path->offset_s, f.t + path->offset_s) / took
                : kerf_trace_at(f.trace, begin + path->offset_s);
}
