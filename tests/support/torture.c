#include "tests/support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { QUICK_RUNS = 1000 };

kerf_status torture_wrong(kerf_error *err, const char *text)
{
    err->code = KERF_E_INTERNAL;
    snprintf(err->message, sizeof err->message, "%s", text);
    return err->code;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool torture_available(void)
{
    return false;
}

size_t torture_run(torture_function *function, void *context)
{
    (void)function;
    (void)context;
    fail_msg("torture_run needs a build without sanitizers");
    return 0;
}

#else

/* glibc's own, which it exports for replacements like these. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *block);

#define EXPORTED  __attribute__((visibility("default")))

/* Blocks that were allocated while armed and are still there: a set by linear probing. */
#define SLOT_BITS 20
#define SLOTS     ((size_t)1 << SLOT_BITS)

static struct {
    bool armed;
    size_t count;   /* allocations so far */
    size_t fail_at; /* the first that fails, from 1; 0: none */
    bool fail_rest;
    bool failed; /* at least one did */
    void *blocks[SLOTS];
    size_t live;
} state;

static size_t slot_of(const void *block)
{
    return (size_t)(((uint64_t)(uintptr_t)block * UINT64_C(0x9e3779b97f4a7c15)) >>
                    (64 - SLOT_BITS));
}

static void remember(void *block)
{
    if (!block || state.live >= SLOTS / 2)
        return;
    size_t i = slot_of(block);
    while (state.blocks[i])
        i = (i + 1) % SLOTS;
    state.blocks[i] = block;
    state.live++;
}

/* Entries behind the freed slot move up, so that no probe ends too early. */
static void close_gap(size_t hole)
{
    for (size_t i = (hole + 1) % SLOTS; state.blocks[i]; i = (i + 1) % SLOTS) {
        size_t home = slot_of(state.blocks[i]);
        if ((i - home) % SLOTS < (i - hole) % SLOTS)
            continue;
        state.blocks[hole] = state.blocks[i];
        state.blocks[i] = NULL;
        hole = i;
    }
}

static void forget(const void *block)
{
    if (!block || state.live == 0)
        return;
    size_t i = slot_of(block);
    while (state.blocks[i] && state.blocks[i] != block)
        i = (i + 1) % SLOTS;
    if (!state.blocks[i])
        return; /* allocated before */
    state.blocks[i] = NULL;
    state.live--;
    close_gap(i);
}

static bool fails(void)
{
    if (!state.armed)
        return false;
    state.count++;
    bool fail = state.fail_at > 0 &&
                (state.fail_rest ? state.count >= state.fail_at : state.count == state.fail_at);
    state.failed |= fail;
    if (fail)
        errno = ENOMEM;
    return fail;
}

EXPORTED void *malloc(size_t size)
{
    if (fails())
        return NULL;
    void *block = __libc_malloc(size);
    if (state.armed)
        remember(block);
    return block;
}

EXPORTED void *calloc(size_t count, size_t size)
{
    if (fails())
        return NULL;
    void *block = __libc_calloc(count, size);
    if (state.armed)
        remember(block);
    return block;
}

EXPORTED void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    uintptr_t before = (uintptr_t)old;
    void *block = __libc_realloc(old, size);
    if (state.armed && (block || size == 0)) {
        forget((void *)before);
        remember(block);
    }
    return block;
}

EXPORTED void free(void *block)
{
    if (state.armed)
        forget(block);
    __libc_free(block);
}

bool torture_available(void)
{
    return true;
}

static kerf_status run_once(torture_function *function, void *context, size_t fail_at,
                            bool fail_rest, kerf_error *err)
{
    memset(err, 0, sizeof *err);
    memset(state.blocks, 0, state.live > 0 ? sizeof state.blocks : 0);
    state.live = state.count = 0;
    state.fail_at = fail_at;
    state.fail_rest = fail_rest;
    state.failed = false;
    state.armed = true;
    kerf_status status = function(context, err);
    state.armed = false;
    return status;
}

static void check_failure(torture_function *function, void *context, size_t n, bool rest)
{
    kerf_error err;
    const char *how = rest ? " and all after it" : "";
    kerf_status status = run_once(function, context, n, rest, &err);
    if (status != KERF_OK && status != KERF_E_NOMEM)
        fail_msg("allocation %zu%s failed: %s: %s: %s, expected KERF_E_NOMEM", n, how,
                 kerf_status_name(status), err.where, err.message);
    if (status != err.code || (status != KERF_OK && err.message[0] == '\0'))
        fail_msg("allocation %zu%s failed: returns %s, reports %s \"%s\"", n, how,
                 kerf_status_name(status), kerf_status_name(err.code), err.message);
    if (state.live > 0)
        fail_msg("allocation %zu%s failed: %s, and %zu blocks leak", n, how,
                 kerf_status_name(status), state.live);
}

size_t torture_run(torture_function *function, void *context)
{
    kerf_error err;
    /* The first run pays for what libraries allocate once and keep. */
    run_once(function, context, 0, false, &err);
    kerf_status status = run_once(function, context, 0, false, &err);
    size_t count = state.count;
    if (status != KERF_OK)
        fail_msg("without a failure: %s: %s: %s", kerf_status_name(status), err.where, err.message);
    if (state.live > 0)
        fail_msg("without a failure: %zu blocks leak", state.live);
    size_t step = getenv("KERF_TEST_FULL") || count <= QUICK_RUNS ? 1 : count / QUICK_RUNS + 1;
    for (size_t n = 1; n <= count; n += step) {
        check_failure(function, context, n, false);
        check_failure(function, context, n, true);
    }
    return count;
}

#endif
