/* Random cut problems for the solvers' tests: all shapes, costs and links that matter. */
#ifndef KERF_TESTS_RANDOM_PROBLEM_H
#define KERF_TESTS_RANDOM_PROBLEM_H

#include "planner/problem.h"
#include "tests/support/random.h"

/* A problem that owns its arrays. Zeroed before the first use. */
typedef struct problem_box {
    cut_problem p;
    kerf_link link;
    void **blocks;
    size_t n_blocks;
} problem_box;

void *box_alloc(problem_box *box, size_t count, size_t size); /* zeroed; never NULL */
void box_clear(problem_box *box);

typedef enum shape {
    SHAPE_CHAIN,
    SHAPE_LAYERED,
    SHAPE_SPARSE, /* any earlier operators */
    SHAPE_RESIDUAL,
    SHAPE_BRANCHES, /* inception-like blocks */
    SHAPE_WIDE,
    SHAPE_FOREST, /* disconnected */
    N_SHAPES
} shape;

/* A random problem of about n operators; no limits, no pins; every objective but KERF_OBJ_ENERGY
 * is for the caller to set. */
void random_problem(rng *r, shape kind, size_t n, problem_box *box);
/* Bundles of operators on either side, of costs that no sum falls below 0 with. `discounts`: none
 * that a minimum cut cannot express. */
void random_bundles(rng *r, problem_box *box, bool discounts);
void random_pins(rng *r, problem_box *box);
/* n operators exactly, in layers of a width, one input, one result: the benches' graphs. */
void layered_problem(rng *r, size_t n, size_t width, bool slow_start, problem_box *box);

/* All placements that are legal, priced from the definitions by code of its own; n <= 16. */
typedef struct brute_answer {
    bool feasible;
    double objective;  /* best that keeps the limits */
    double violation;  /* least over all placements */
    size_t placements; /* legal ones */
    uint8_t x[16];
} brute_answer;
void brute_force(const cut_problem *problem, brute_answer *answer);

/* Prices one placement naively. */
void naive_value(const cut_problem *problem, const uint8_t *x, cut_value *value);

#endif
