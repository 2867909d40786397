/* Gets jansson through lack of memory. jansson 2.14 reports it as a syntax error, or succeeds with
 * altered text; and where its lexer cannot save a character it writes past a buffer or stops at an
 * assertion. So its allocator is wrapped once per process by one that forwards to whatever was set
 * before and, in a thread that watches, remembers the first failure and from then on serves from a
 * reserve that was set aside before: what is under way ends in good order, and is thrown away. */
#ifndef KERF_BASE_JSON_LATCH_H
#define KERF_BASE_JSON_LATCH_H

#include <stdbool.h>
#include <stddef.h>

int kerf_json_latch_install(void); /* 0, or an errno value */

/* Begins to watch this thread's allocations, with a reserve of so many bytes; false if those are
 * not to be had. */
bool kerf_json_latch_start(size_t reserve);

/* True if an allocation has failed since this thread's start. */
bool kerf_json_latch_fired(void);

/* Ends the watch. What was made since a failure must have been freed before. */
void kerf_json_latch_stop(void);

#endif
