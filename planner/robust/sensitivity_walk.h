/* Walking along one figure of a question until another answer is better.
 *
 * Rivals are all placements where these are few. Where they are many, solvers are asked for the
 * best one at single values, and those that they come up with are the rivals: whoever beats the
 * answer there is met where both cost the same, and the solvers are asked again from there. Where
 * all costs are lines in the figure that is exact: of lines the least is concave, so an answer that
 * is best at both ends of a range is best all over it. */
#ifndef KERF_PLANNER_SENSITIVITY_WALK_H
#define KERF_PLANNER_SENSITIVITY_WALK_H

#include "planner/robust/robust_reduced.h"
#include "planner/robust/robust_world.h"
#include "planner/search.h"

/* A figure, as a number u above 0 that is searched on its logarithm: a factor, a rate, an RTT, or
 * for the load 1 / (1 - load). */
typedef struct figure {
    robust_target target;
    double now, low, high; /* of u */
    bool lines;            /* all costs are lines in u */
    bool twice;            /* two answers may change their order more than once */
} figure;

typedef struct rival {
    size_t choice;
    uint8_t *x; /* owned */
} rival;

/* What the link takes for the fewest and the most bytes, by kerf_direction. */
typedef struct walk_transfers {
    double s[2][2], J[2][2], occupancy_s[2][2], fixed_J, wait_W;
} walk_transfers;

typedef struct walk {
    const kerf_question *question;
    plan_search *search; /* of the answer */
    cut_options options;
    bool asks;        /* solvers, as there are too many placements */
    robust_pool pool; /* of all placements; or of none, for its models */
    robust_world world;
    size_t mine;                   /* the answer among the rivals */
    robust_cost *stated, *doubled; /* of all placements: with the figures as they are, and with one
                                      of them twice as large */
    /* where solvers are asked */
    rival *rivals;
    size_t n_rivals, cap_rivals;
    robust_problem *as_stated, *at; /* by choice, as the next */
    walk_transfers *transfers;      /* with the figures as they are */
    kerf_status status;             /* what went wrong on the way */
    kerf_error *err;
} walk;

typedef struct walk_size {
    size_t few;  /* placements that are all looked at */
    bool refuse; /* more: KERF_E_TOO_LARGE; else solvers are asked */
} walk_size;

/* All zeroed but the question and the search, which are borrowed. Release with walk_clear, also
 * after an error. KERF_E_TOO_LARGE, KERF_E_NOMEM, KERF_E_TIME_LIMIT. */
kerf_status walk_start(walk *w, const walk_size *size, kerf_error *err);
void walk_clear(walk *w);

/* Whether any placement costs another time or energy if the figure is another. */
bool walk_matters(walk *w, const figure *f);

/* Whether it changes anything that the objective or a limit looks at, if it matters at all. */
bool walk_decides(walk *w, const figure *f);

/* Fills `doubled`. */
void walk_double(walk *w, const figure *f);

/* Where another answer is better, on the way from the present value to `end`; `never` if it is so
 * nowhere. w->status tells of failures. */
double walk_border(walk *w, const figure *f, double end, double never);

#endif
