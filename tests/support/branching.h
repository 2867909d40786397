/* Networks of many operators with four branches, for what must be fast at size: weights, buffers
 * and limits that bind. */
#ifndef KERF_TESTS_BRANCHING_H
#define KERF_TESTS_BRANCHING_H

#include "tests/support/random_problem.h"

typedef enum branching {
    BRANCHING_BLOCKS,  /* blocks of four branches between a split and a join, as in Inception */
    BRANCHING_LAYERED, /* layers of four, each operator reads one to three of the layer before */
    BRANCHING_STREAMS, /* four long branches that seldom read each other, as of four cameras */
    N_BRANCHINGS
} branching;

/* n operators exactly; objective: energy; the link warm unless cold. No limits. */
void branching_problem(rng *r, branching kind, size_t n, bool cold, problem_box *box);

#endif
