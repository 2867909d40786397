/* Figures of a run, plain data that is merged in a fixed order: sums that lose nothing to rounding
 * in practice (Neumaier), means (Welford), quantiles by a sketch of relative error (DDSketch:
 * Masson, Rim, Lee, VLDB 2019), and confidence intervals by Student's t over replications. */
#ifndef KERF_SIMULATE_STATS_H
#define KERF_SIMULATE_STATS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sim_sum {
    double sum, rest;
} sim_sum;

static inline void sim_sum_add(sim_sum *s, double x)
{
    const double t = s->sum + x;
    s->rest += fabs(s->sum) >= fabs(x) ? (s->sum - t) + x : (x - t) + s->sum;
    s->sum = t;
}
static inline double sim_sum_value(const sim_sum *s)
{
    return s->sum + s->rest;
}

typedef struct sim_mean {
    uint64_t n;
    double mean, squares; /* of deviations from the mean */
} sim_mean;

static inline void sim_mean_add(sim_mean *m, double x)
{
    const double d = x - m->mean;
    m->n++;
    m->mean += d / (double)m->n;
    m->squares += d * (x - m->mean);
}
void sim_mean_merge(sim_mean *into, const sim_mean *from);

/* Values from 1e-9 to 1e9 in buckets that grow by (1 + e) / (1 - e); a quantile is off by at most e
 * of itself. Less counts as the smallest, more as the largest value seen. */
#define SIM_SKETCH_ERROR   0.005
#define SIM_SKETCH_BUCKETS 4148
typedef struct sim_sketch {
    uint64_t n, low; /* low: values below the first bucket, 0 among them */
    double least, most;
    uint64_t bucket[SIM_SKETCH_BUCKETS];
} sim_sketch;

void sim_sketch_init(sim_sketch *s);
void sim_sketch_add(sim_sketch *s, double x); /* x >= 0 */
void sim_sketch_merge(sim_sketch *into, const sim_sketch *from);
/* The value of rank floor(q (n - 1)), 0 <= q <= 1; NAN if there is none. */
double sim_sketch_quantile(const sim_sketch *s, double q);

/* Half-width of the confidence interval of the mean of n values with this variance, at a two-sided
 * level such as 0.95; NAN for fewer than two. */
double sim_half_width(size_t n, double variance, double level);

#endif
