#include "base/json_latch.h"

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

/* jansson's allocator is itself one per process, so the wrapper's state has to be. It is written
 * once, before any use. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static json_malloc_t forward_malloc;
static json_free_t forward_free;

static _Thread_local struct {
    char *reserve; /* NULL: not watching */
    size_t size, used;
    bool fired;
} latch;

static void *from_reserve(size_t size)
{
    const size_t alignment = _Alignof(max_align_t);
    if (size > SIZE_MAX - alignment)
        return NULL;
    const size_t rounded = (size + alignment - 1) / alignment * alignment;
    if (rounded > latch.size - latch.used)
        return NULL;
    void *memory = latch.reserve + latch.used;
    latch.used += rounded;
    return memory;
}

static void *latched_malloc(size_t size)
{
    void *memory = latch.fired ? NULL : forward_malloc(size);
    if (memory != NULL || size == 0 || latch.reserve == NULL)
        return memory;
    latch.fired = true;
    return from_reserve(size);
}

static void latched_free(void *memory)
{
    const uintptr_t address = (uintptr_t)memory, start = (uintptr_t)latch.reserve;
    if (latch.reserve != NULL && address >= start && address - start < latch.size)
        return;
    forward_free(memory);
}

static void install(void)
{
    json_get_alloc_funcs(&forward_malloc, &forward_free);
    json_set_alloc_funcs(latched_malloc, latched_free);
}

int kerf_json_latch_install(void)
{
    return pthread_once(&once, install);
}

bool kerf_json_latch_start(size_t reserve)
{
    latch.fired = false;
    latch.used = 0;
    latch.size = reserve;
    latch.reserve = forward_malloc(reserve);
    return latch.reserve != NULL;
}

bool kerf_json_latch_fired(void)
{
    return latch.fired;
}

void kerf_json_latch_stop(void)
{
    forward_free(latch.reserve);
    latch.reserve = NULL;
    latch.fired = false;
}
