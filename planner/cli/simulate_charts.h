/* The charts of a simulation's report. */
#ifndef KERF_CLI_SIMULATE_CHARTS_H
#define KERF_CLI_SIMULATE_CHARTS_H

#include "planner/cli/svg.h"

#define CHART_POLICIES SVG_COLOURS /* lines beyond that could not be told apart */
#define CHART_THINGS   12          /* groups, links or servers that get charts of their own */
#define CHART_POINTS   400         /* of a line: more would be finer than a screen */

typedef struct charts {
    FILE *to;
    const kerf_simulation *simulation;
    kerf_simulation_summary summary;
    size_t policies; /* that lines are drawn for */
    size_t id;       /* of the next chart */
    double x[CHART_POLICIES][CHART_POINTS], y[CHART_POLICIES][CHART_POINTS];
} charts;

void charts_energy(charts *c, size_t group);
void charts_latency(charts *c, size_t group);
void charts_distribution(charts *c, size_t group);
void charts_latency_over_time(charts *c, size_t group);
void charts_cut(charts *c, size_t group);
void charts_rate(charts *c, size_t link, bool point);
void charts_load(charts *c, size_t server);
void charts_jobs(charts *c, size_t server);

#endif
