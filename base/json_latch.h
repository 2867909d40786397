/* Tells whether jansson ran out of memory: it may report that as a syntax error, or succeed with
 * altered text. Its allocator is wrapped once per process by one that forwards to whatever was set
 * before and remembers failures, per thread. */
#ifndef KERF_BASE_JSON_LATCH_H
#define KERF_BASE_JSON_LATCH_H

#include <stdbool.h>

int kerf_json_latch_install(void); /* 0, or an errno value */
void kerf_json_latch_reset(void);
bool kerf_json_latch_fired(void); /* since this thread's last reset */

#endif
