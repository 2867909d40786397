#include "base/json_latch.h"

#include <jansson.h>
#include <pthread.h>
#include <stddef.h>

/* jansson's allocator is itself one per process, so the wrapper's state has to be. It is written
 * once, before any use. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static json_malloc_t forward_malloc;
static json_free_t forward_free;
static _Thread_local bool watching, fired;

static void *latched_malloc(size_t size)
{
    if (watching && fired)
        return NULL;
    void *memory = forward_malloc(size);
    if (memory == NULL && size > 0)
        fired = true;
    return memory;
}

static void install(void)
{
    json_get_alloc_funcs(&forward_malloc, &forward_free);
    json_set_alloc_funcs(latched_malloc, forward_free);
}

int kerf_json_latch_install(void)
{
    return pthread_once(&once, install);
}

void kerf_json_latch_start(void)
{
    watching = true;
    fired = false;
}

bool kerf_json_latch_stop(void)
{
    watching = false;
    return fired;
}
