/* The memory that placements take, as sums that a cut can pay for.
 *
 * What is held at a step of the schedule is linear in figures of three kinds: weights that an
 * operator on the device needs; buffers whose producer is on the device; buffers held to the end
 * because a reader is on the server too, which is what it means that a tensor crosses. The peak is
 * the largest of the steps, and so bounded from below by any average of them. */
#ifndef KERF_PLANNER_SOLVE_MEMORY_H
#define KERF_PLANNER_SOLVE_MEMORY_H

#include "planner/solve/sum.h"

typedef struct cut_memory {
    const cut_problem *problem;
    /* The problem with a tensor of no bytes for each buffer whose readers are not those of a
     * tensor; its other arrays are the problem's. */
    cut_problem relaxed;
    cut_tensor *tensors;
    size_t *tensor_of; /* by buffer: its tensor in `relaxed`, KERF_NONE where it has none */
} cut_memory;

/* Clear it in any case. KERF_E_NOMEM. */
kerf_status cut_memory_create(const cut_problem *problem, const cut_dag *dag, cut_memory *memory,
                              kerf_error *err);
void cut_memory_clear(cut_memory *memory);

/* What a placement holds at each step: 0 is the start, v + 1 the run of operator v; n + 1 entries.
 * Their largest is cut_memory_bytes, but for rounding. */
void cut_memory_profile(const cut_problem *problem, const uint8_t *x, double *held);

/* Arrays that prices are added to: two by operator, then by tensor of `relaxed` and by weight. */
typedef struct cut_memory_prices {
    double *on_device, *crossing, *held;
    double fixed; /* what is paid in any case */
} cut_memory_prices;

/* Adds what is held at a step, at a price per byte. */
void cut_memory_price(const cut_memory *memory, size_t step, double per_byte,
                      cut_memory_prices *prices);

#endif
