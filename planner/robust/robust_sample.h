/* All placements over all scenarios: what the aims choose by. */
#ifndef KERF_PLANNER_ROBUST_SAMPLE_H
#define KERF_PLANNER_ROBUST_SAMPLE_H

#include "planner/robust/robust_stats.h"
#include "planner/robust/robust_world.h"

typedef struct robust_score {
    bool allowed; /* keeps every limit with the question's own figures */
    size_t misses;
    robust_moments cost, latency;
    double worst_regret;
} robust_score;

typedef struct robust_sample {
    const robust_draw *draw;
    robust_pool *pool;
    size_t n; /* scenarios; fewer afterwards where time ran out */
    bool stopped;
    double deadline_s; /* 0: none */
    const cut_options *options;
    robust_score *scores; /* by entry; owned */
    double *best;         /* by scenario: the least cost of those allowed; owned */
} robust_sample;

/* Where options->deadline_s passes, or progress says stop: KERF_E_TIME_LIMIT before 100 scenarios.
 */
kerf_status robust_sample_run(robust_sample *sample, kerf_error *err);
void robust_sample_clear(robust_sample *sample);

/* The entry that an aim chooses and what it is chosen by; KERF_NONE: none keeps the deadline as
 * often. */
size_t robust_sample_choose(const robust_sample *sample, kerf_aim aim, double probability,
                            double *value);

/* True if an entry keeps the deadline as the aim wants. */
bool robust_sample_keeps(const robust_sample *sample, size_t entry, kerf_aim aim,
                         double probability);

#endif
