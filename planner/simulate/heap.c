#include "planner/simulate/heap.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

bool sim_heap_init(sim_heap *heap, size_t entities)
{
    *heap = (sim_heap){.entities = entities};
    heap->event = kerf_calloc(entities, sizeof *heap->event);
    heap->place = kerf_calloc(entities, sizeof *heap->place);
    if (!heap->event || !heap->place)
        return false;
    memset(heap->place, 0xff, entities * sizeof *heap->place);
    return true;
}

void sim_heap_clear(sim_heap *heap)
{
    free(heap->event);
    free(heap->place);
    *heap = (sim_heap){0};
}

static inline bool before(const sim_event *a, const sim_event *b)
{
    return a->time < b->time || (a->time == b->time && a->order < b->order);
}

static inline void put(sim_heap *heap, size_t i, sim_event event)
{
    heap->event[i] = event;
    heap->place[event.entity] = (uint32_t)i;
}

static void sift_up(sim_heap *heap, size_t i, sim_event event)
{
    while (i > 0) {
        const size_t parent = (i - 1) / 4;
        if (!before(&event, &heap->event[parent]))
            break;
        put(heap, i, heap->event[parent]);
        i = parent;
    }
    put(heap, i, event);
}

static void sift_down(sim_heap *heap, size_t i, sim_event event)
{
    for (;;) {
        const size_t first = 4 * i + 1;
        if (first >= heap->n)
            break;
        const size_t end = first + 4 < heap->n ? first + 4 : heap->n;
        size_t least = first;
        for (size_t child = first + 1; child < end; child++)
            if (before(&heap->event[child], &heap->event[least]))
                least = child;
        if (!before(&heap->event[least], &event))
            break;
        put(heap, i, heap->event[least]);
        i = least;
    }
    put(heap, i, event);
}

static void take_out(sim_heap *heap, size_t i)
{
    heap->place[heap->event[i].entity] = NONE;
    const sim_event last = heap->event[--heap->n];
    if (i == heap->n)
        return;
    if (i > 0 && before(&last, &heap->event[(i - 1) / 4]))
        sift_up(heap, i, last);
    else
        sift_down(heap, i, last);
}

void sim_heap_set(sim_heap *heap, uint32_t entity, double time)
{
    const size_t i = heap->place[entity];
    if (!(time < INFINITY)) {
        if (i != NONE)
            take_out(heap, i);
        return;
    }
    const sim_event event = {time, heap->order++, entity};
    if (i == NONE)
        sift_up(heap, heap->n++, event);
    else if (before(&event, &heap->event[i]))
        sift_up(heap, i, event);
    else
        sift_down(heap, i, event);
}
