/* What is told of a sample of scenarios. */
#ifndef KERF_PLANNER_ROBUST_STATS_H
#define KERF_PLANNER_ROBUST_STATS_H

#include <stddef.h>

/* Mean and variance of a stream (Welford). */
typedef struct robust_moments {
    size_t n;
    double mean, squares;
} robust_moments;
void robust_moments_add(robust_moments *m, double value);
double
robust_variance(const robust_moments *m); /* of the population that was drawn from; 0: n < 2 */

/* P(X > limit) <= variance / (variance + (limit - mean)^2) where the mean is below the limit, else
 * 1 (Cantelli 1928; used for split points by Nan et al. 2025, arXiv 2503.21476). */
double robust_cantelli(double mean, double variance, double limit);

/* 95 % confidence interval of a probability from `hits` of n (Clopper and Pearson 1934). */
void robust_share(size_t hits, size_t n, double *low, double *high);

/* The least value that at least `share` of the n values are not above. Sorts them. */
double robust_quantile(double *values, size_t n, double share);

#endif
