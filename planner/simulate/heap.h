/* The events to come: at most one per entity, the earliest first, ties in the order in which they
 * were set. A 4-ary heap with every entity's place in it, so that an event can be moved. */
#ifndef KERF_SIMULATE_HEAP_H
#define KERF_SIMULATE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sim_event {
    double time;
    uint64_t order;
    uint32_t entity;
} sim_event;

typedef struct sim_heap {
    sim_event *event;
    uint32_t *place; /* by entity; UINT32_MAX: no event */
    size_t n, entities;
    uint64_t order;
} sim_heap;

bool sim_heap_init(sim_heap *heap, size_t entities);
void sim_heap_clear(sim_heap *heap);

/* Sets, or moves, the entity's event; INFINITY takes it away. */
void sim_heap_set(sim_heap *heap, uint32_t entity, double time);
/* The earliest; heap->n > 0. It stays until it is set anew. */
static inline const sim_event *sim_heap_first(const sim_heap *heap)
{
    return &heap->event[0];
}

#endif
