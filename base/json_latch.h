/* Tells whether jansson ran out of memory: it may report that as a syntax error, or succeed with
 * altered text; and jansson 2.14 writes past a buffer where a string's closing quote could not be
 * saved but a later allocation succeeds. So its allocator is wrapped once per process by one that
 * forwards to whatever was set before and, in a thread that watches, remembers the first failure
 * and lets none succeed after it. */
#ifndef KERF_BASE_JSON_LATCH_H
#define KERF_BASE_JSON_LATCH_H

#include <stdbool.h>

int kerf_json_latch_install(void); /* 0, or an errno value */
void kerf_json_latch_start(void);
bool kerf_json_latch_stop(void); /* true if an allocation has failed since this thread's start */

#endif
