#include "planner/service/stats.h"

#include <math.h>
#include <time.h>

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Below 32 ns a bucket for each; above, the five bits after the highest one. */
static size_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (size_t)ns;
    const int shift = 63 - __builtin_clzll(ns) - 5;
    const size_t bucket = (size_t)shift * HISTOGRAM_STEPS + (size_t)(ns >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that falls into the bucket. */
static double bucket_end_ns(size_t bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return (double)bucket;
    const size_t shift = bucket / HISTOGRAM_STEPS - 1;
    return ldexp((double)(bucket - shift * HISTOGRAM_STEPS + 1), (int)shift) - 1;
}

void histogram_add(histogram *h, uint64_t ns)
{
    h->buckets[bucket_of(ns)]++;
    h->count++;
    h->sum_ns += ns;
    h->max_ns = ns > h->max_ns ? ns : h->max_ns;
}

double histogram_quantile_s(const histogram *h, double share)
{
    const double wanted = fmax(1, ceil(share * (double)h->count));
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (h->count > 0 && (double)seen >= wanted)
            return fmin(bucket_end_ns(i), (double)h->max_ns) * 1e-9;
    }
    return 0;
}

static void write_histogram(kerf_writer *w, const char *key, const histogram *h)
{
    static const struct {
        const char *key;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    kw_put_begin(w, key, '{');
    kw_put_integer(w, "count", (int64_t)h->count);
    kw_put_number(w, "mean", h->count ? 1e-9 * (double)h->sum_ns / (double)h->count : 0);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        kw_put_number(w, quantiles[i].key, histogram_quantile_s(h, quantiles[i].share));
    kw_put_number(w, "max", 1e-9 * (double)h->max_ns);
    kw_end(w, '}');
}

void stats_write(kerf_writer *w, const service_stats *stats)
{
    kw_put_number(w, "uptime_s", 1e-9 * (double)(now_ns() - stats->start_ns));
#define COUNTER(name, text) kw_put_integer(w, #name, (int64_t)stats->name);
    SERVICE_COUNTER_LIST(COUNTER)
#undef COUNTER
    kw_put_begin(w, "operations", '{');
    for (int op = 0; op < SERVICE_OPS; op++)
        kw_put_integer(w, service_op_name((service_op)op), (int64_t)stats->by_op[op]);
    kw_end(w, '}');
    kw_put_begin(w, "errors", '{');
    for (int code = SE_NONE + 1; code < SERVICE_CODES; code++)
        kw_put_integer(w, service_code_name((service_code)code), (int64_t)stats->by_code[code]);
    kw_end(w, '}');
    write_histogram(w, "latency_s", &stats->latency);
    write_histogram(w, "solve_s", &stats->solve);
}
