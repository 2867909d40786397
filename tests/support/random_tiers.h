/* Random three-tier problems: those of random_problem.h with a cloud. */
#ifndef KERF_TESTS_RANDOM_TIERS_H
#define KERF_TESTS_RANDOM_TIERS_H

#include "planner/tiers/tiers.h"
#include "tests/support/random_problem.h"

typedef struct tiers_box {
    problem_box box;
    problem_box second; /* another problem, of which the link is used */
    tier_problem p;
} tiers_box;

/* No limits, no operator kept from a tier; the objective is for the caller to set. Zeroed before
 * the first use; random_tiers_clear in the end. */
void random_tiers(rng *r, shape kind, size_t n, tiers_box *box);
void random_tiers_clear(tiers_box *box);
/* Keeps some operators from some tiers. */
void random_tier_pins(rng *r, tiers_box *box);

/* Prices one placement from the definitions, by code of its own. */
void naive_tiers(const tier_problem *problem, const uint8_t *x, tier_value *value);

/* All 3^n placements; n <= 10. */
typedef struct tiers_answer {
    bool feasible;
    double objective, violation;
    size_t placements;
} tiers_answer;
void brute_force_tiers(const tier_problem *problem, tiers_answer *answer);

#endif
