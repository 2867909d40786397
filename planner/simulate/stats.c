#include "planner/simulate/stats.h"

#include "base/student.h"

#include <math.h>
#include <string.h>

#define SKETCH_LOW 1e-9

void sim_mean_merge(sim_mean *into, const sim_mean *from)
{
    if (from->n == 0)
        return;
    if (into->n == 0) {
        *into = *from;
        return;
    }
    const double n = (double)into->n + (double)from->n, d = from->mean - into->mean;
    into->mean += d * (double)from->n / n;
    into->squares += from->squares + d * d * (double)into->n * (double)from->n / n;
    into->n += from->n;
}

/* --- quantiles --- */

static double log_gamma(void)
{
    return log1p(2 * SIM_SKETCH_ERROR / (1 - SIM_SKETCH_ERROR));
}

void sim_sketch_init(sim_sketch *s)
{
    memset(s, 0, sizeof *s);
    s->least = INFINITY;
}

void sim_sketch_add(sim_sketch *s, double x)
{
    s->n++;
    s->least = fmin(s->least, x);
    s->most = fmax(s->most, x);
    if (!(x > SKETCH_LOW)) {
        s->low++;
        return;
    }
    const double place = ceil(log(x / SKETCH_LOW) / log_gamma()) - 1;
    const size_t i = place < 0                        ? 0
                     : place < SIM_SKETCH_BUCKETS - 1 ? (size_t)place
                                                      : SIM_SKETCH_BUCKETS - 1;
    s->bucket[i]++;
}

void sim_sketch_merge(sim_sketch *into, const sim_sketch *from)
{
    into->n += from->n;
    into->low += from->low;
    into->least = fmin(into->least, from->least);
    into->most = fmax(into->most, from->most);
    for (size_t i = 0; i < SIM_SKETCH_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
}

double sim_sketch_quantile(const sim_sketch *s, double q)
{
    if (s->n == 0)
        return NAN;
    const uint64_t rank = (uint64_t)floor(q * (double)(s->n - 1));
    uint64_t seen = s->low;
    if (rank < seen)
        return fmin(fmax(0, s->least), s->most);
    for (size_t i = 0; i < SIM_SKETCH_BUCKETS; i++) {
        seen += s->bucket[i];
        if (rank < seen) {
            /* Of the bucket (g^i, g^(i+1)], the value with the same relative error to both ends. */
            const double middle =
                SKETCH_LOW * exp(log_gamma() * (double)i) * (1 + SIM_SKETCH_ERROR);
            return fmin(fmax(middle, s->least), s->most);
        }
    }
    return s->most;
}

/* --- confidence --- */

double sim_half_width(size_t n, double variance, double level)
{
    if (n < 2)
        return NAN;
    return kerf_student_t(0.5 + 0.5 * level, (double)(n - 1)) * sqrt(variance / (double)n);
}
