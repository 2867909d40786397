/* A board's own path to the server: a transfer over rates that change and links that fail, whose
 * end is known when it begins, because nobody else's transfers touch it. */
#ifndef KERF_SIMULATE_PATH_H
#define KERF_SIMULATE_PATH_H

#include "planner/simulate/faults.h"

/* A path at a board: where in the traces it is, and when the link is down. */
typedef struct sim_path {
    const sim_link *link;
    double offset_s;
    uint64_t key, who;
    sim_down down; /* a copy: transfers look ahead */
} sim_path;

typedef struct sim_transfer {
    double end;        /* INFINITY: it does not end by itself */
    double sent_bytes; /* by the end, or by the limit */
    double mean_bps;   /* of what the path could carry meanwhile */
} sim_transfer;

/* The flow of `bytes` (with headers) that begins at `begin`, in fluid TCP: cold, the window doubles
 * every RTT until it fills the path, whatever rate that has then; after a break of at least the
 * retransmission timeout it begins anew. It stops at `limit` at the latest. */
void sim_path_flow(const sim_path *path, kerf_direction direction, double begin, double bytes,
                   bool cold, double limit, sim_transfer *transfer);

/* The path's rate at a time, 0 while it is down; and its round-trip time. */
double sim_path_rate_bps(const sim_path *path, kerf_direction direction, double t);
double sim_path_rtt_s(const sim_path *path, double t);

/* How long a connection may be idle before its window is closed: a retransmission timeout, RTT and
 * Linux's least 200 ms. */
static inline double sim_path_rto_s(double rtt_s)
{
    return rtt_s + 0.2;
}

#endif
