/* GLPK without its habits: nothing that it would print or abort on gets out. */
#ifndef KERF_BASE_LP_SHIELD_H
#define KERF_BASE_LP_SHIELD_H

#include "kerf/status.h"

/* Runs work(context) with GLPK muted. After an error GLPK's environment of this thread has been
 * freed, and with it every GLPK object in it: none may be touched any more. So what work() changes
 * and is to be read afterwards must live behind `context`. KERF_E_NOMEM, KERF_E_INTERNAL. */
kerf_status lp_shielded(void (*work)(void *context), void *context, kerf_error *err);

/* Leaves nothing of GLPK behind in this thread, unless somebody holds an object of it. */
void lp_release(void);

#endif
