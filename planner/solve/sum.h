/* Least weighted sums of what placements take, by minimum cuts under concave link costs.
 *
 * A sum is linear but for two concave functions, one of the bytes up and one of the bytes down,
 * each with a jump at 0. Placements are taken in four families: nothing goes up or something does,
 * nothing comes down or something does. In a family the jumps are constants (paid even by those of
 * its placements that could do without: these are exact in another family), and what is left is
 * found by pricing bytes linearly: the envelope over the price of a byte up, nested in that over
 * the price of a byte down. The bound that is returned comes from the flows' values alone. */
#ifndef KERF_PLANNER_SOLVE_SUM_H
#define KERF_PLANNER_SOLVE_SUM_H

#include "planner/solve/cutgraph.h"
#include "planner/solve/linear.h"

#define CUT_SUM_TOLERANCE 1e-11 /* relative: what rounding leaves */

typedef enum cut_stage {
    CUT_STAGE_DEVICE,
    CUT_STAGE_UPLINK,
    CUT_STAGE_SERVER,
    CUT_STAGE_DOWNLINK,
    CUT_STAGES
} cut_stage;

/* What is added up, nothing of it negative: weights times energy, latency and server energy, and
 * further what a second of a stage and a byte up cost, and surcharges. */
typedef struct cut_mix {
    cut_weights weights;
    double stage_s[CUT_STAGES], up_bytes;
    cut_surcharges surcharges;
    double tolerance; /* relative: how far below the least sum the bound may be left, beside what
                         rounding leaves */
} cut_mix;

typedef struct cut_sum_host {
    /* Every placement that is come by, priced but for its memory. */
    void (*visit)(void *context, const uint8_t *x, const cut_value *value);
    bool (*stopped)(void *context); /* true: return with the bound as it is */
    void *context;
} cut_sum_host;

typedef struct cut_sum_answer {
    double bound;    /* no placement has less */
    double least;    /* the least sum come by; INFINITY if there is no placement */
    cut_value value; /* of the placement that has it */
} cut_sum_answer;

typedef struct cut_sum cut_sum;

/* Over the placements that keep `side` (see cut_dag_force). surcharged: mixes may have surcharges
 * on crossings and weights. The problem, the dag, side and the host are borrowed. KERF_E_NOMEM. */
kerf_status cut_sum_create(const cut_problem *problem, const cut_dag *dag, const uint8_t *side,
                           bool surcharged, const cut_sum_host *host, cut_sum **sum,
                           kerf_error *err);
void cut_sum_destroy(cut_sum **sum);

/* KERF_E_NOMEM, KERF_E_TOO_LARGE. */
kerf_status cut_sum_minimise(cut_sum *sum, const cut_mix *mix, cut_sum_answer *answer,
                             kerf_error *err);

/* What a placement adds up to. */
double cut_mix_value(const cut_problem *problem, const cut_mix *mix, const uint8_t *x,
                     const cut_value *value);

#endif
