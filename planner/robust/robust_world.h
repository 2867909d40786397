/* What may be uncertain, by name, and states of the world drawn from that. */
#ifndef KERF_PLANNER_ROBUST_WORLD_H
#define KERF_PLANNER_ROBUST_WORLD_H

#include "kerf/robust.h"
#include "kerf/units.h"
#include "planner/robust/robust_pool.h"

typedef enum robust_kind {
    ROBUST_COEFFICIENTS, /* of the device */
    ROBUST_IDLE,
    ROBUST_SERVER,
    ROBUST_RADIO,
    ROBUST_RATE,
    ROBUST_UPLINK,
    ROBUST_DOWNLINK,
    ROBUST_RTT,
    ROBUST_LOAD
} robust_kind;

typedef struct robust_target {
    robust_kind kind;
    bool both; /* coefficients of time and energy by the same factor */
    size_t offsets[2 * ROBUST_MOST_TERMS];
    size_t n;
} robust_target;

/* False if nothing is called so. */
bool robust_target_find(const char *what, robust_target *target);
/* What a value of it is measured in; KERF_FRACTION for factors and the load. */
kerf_quantity robust_target_quantity(const robust_target *target);
/* Multiplies by a factor; the load stays below 1. */
void robust_scale(const robust_target *target, double factor, robust_world *world);
/* Sets a rate, RTT or load; multiplies all else. */
void robust_set(const robust_target *target, double value, robust_world *world);

/* Checked, and ready to draw from. */
typedef struct robust_draw {
    const kerf_question *question;
    const kerf_spreads *spreads;
    robust_target *targets; /* by spread; owned */
    double *normal;         /* room for a mode's; owned */
    uint64_t key;
    robust_variety variety;
} robust_draw;

/* KERF_E_INVALID: nothing is uncertain, or something is not as it should be. */
kerf_status robust_draw_create(const kerf_question *question, const kerf_robust_options *options,
                               robust_draw *draw, kerf_error *err);
void robust_draw_clear(robust_draw *draw);
/* The i-th scenario. */
void robust_draw_world(const robust_draw *draw, size_t i, robust_world *world);

#endif
