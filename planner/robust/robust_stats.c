#include "planner/robust/robust_stats.h"

#include "base/student.h"

#include <math.h>
#include <stdlib.h>

void robust_moments_add(robust_moments *m, double value)
{
    m->n++;
    const double off = value - m->mean;
    m->mean += off / (double)m->n;
    m->squares += off * (value - m->mean);
}

double robust_variance(const robust_moments *m)
{
    return m->n > 1 ? m->squares / (double)(m->n - 1) : 0;
}

double robust_cantelli(double mean, double variance, double limit)
{
    const double room = limit - mean;
    if (!(room > 0))
        return room < 0 || variance > 0 ? 1 : 0;
    return variance / (variance + room * room);
}

/* The x at which the incomplete beta function is `probability`. */
static double beta_quantile(double probability, double a, double b)
{
    double low = 0, high = 1;
    for (int i = 0; i < 200 && high - low > 1e-14; i++) {
        const double x = (low + high) / 2;
        if (kerf_incomplete_beta(a, b, x) < probability)
            low = x;
        else
            high = x;
    }
    return (low + high) / 2;
}

void robust_share(size_t hits, size_t n, double *low, double *high)
{
    const double k = (double)hits, misses = (double)(n - hits);
    *low = hits == 0 ? 0 : beta_quantile(0.025, k, misses + 1);
    *high = hits == n ? 1 : beta_quantile(0.975, k + 1, misses);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double robust_quantile(double *values, size_t n, double share)
{
    qsort(values, n, sizeof *values, ascending);
    size_t rank = (size_t)ceil(share * (double)n * (1 - 1e-15));
    if (rank < 1)
        rank = 1;
    return values[rank > n ? n - 1 : rank - 1];
}
