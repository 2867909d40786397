/* Time for limits: monotonic seconds. */
#ifndef KERF_PLANNER_SOLVE_CLOCK_H
#define KERF_PLANNER_SOLVE_CLOCK_H

#include <time.h>

static inline double cut_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
