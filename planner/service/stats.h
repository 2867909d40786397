/* What the service has done: counters, and how long requests took.
 *
 * The histogram keeps 32 buckets for every power of two of nanoseconds, so a percentile is off by 3
 * % at most, in fixed memory.
 */
#ifndef KERF_SERVICE_STATS_H
#define KERF_SERVICE_STATS_H

#include "base/json_write.h"
#include "planner/service/protocol.h"

#define HISTOGRAM_STEPS   ((size_t)32)
#define HISTOGRAM_BUCKETS (60 * HISTOGRAM_STEPS)

typedef struct histogram {
    uint64_t count, sum_ns, max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram;

void histogram_add(histogram *h, uint64_t ns);
/* The smallest time that so many of all (0 to 1) do not exceed, to within a bucket; 0 if empty. */
double histogram_quantile_s(const histogram *h, double share);

/* Monotonic time. */
uint64_t now_ns(void);

/* X(member, what is counted): all are totals since the start. */
#define SERVICE_COUNTER_LIST(X)                                                                    \
    X(requests, "requests received")                                                               \
    X(replies, "replies sent")                                                                     \
    X(dropped, "replies that could not be sent: the client was gone, or did not read")             \
    X(cache_hits, "plans answered from what is kept")                                              \
    X(cache_waits, "plans that waited for another request's solve")                                \
    X(cache_misses, "plans that needed a solve of their own")                                      \
    X(map_hits, "plans looked up in a decision map")                                               \
    X(maps, "decision maps computed")                                                              \
    X(solves, "fresh solves")                                                                      \
    X(observations, "observations of devices")                                                     \
    X(published, "decisions announced")                                                            \
    X(reloads, "times that the catalogue was read again")                                          \
    X(refused_files, "files that were refused when the catalogue was read")                        \
    X(refused_clients, "clients that were refused: their keys are not authorized")

typedef struct service_stats {
#define COUNTER(name, text) uint64_t name;
    SERVICE_COUNTER_LIST(COUNTER)
#undef COUNTER
    uint64_t by_op[SERVICE_OPS];
    uint64_t by_code[SERVICE_CODES];
    uint64_t start_ns;
    histogram latency; /* from receiving a request to handing its reply to the socket */
    histogram solve;   /* fresh solves */
} service_stats;

/* Members of the reply to `stats`. */
void stats_write(kerf_writer *w, const service_stats *stats);

#endif
