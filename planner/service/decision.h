/* One answer of the planner, as it is kept: the plan's JSON, or why there is none. */
#ifndef KERF_SERVICE_DECISION_H
#define KERF_SERVICE_DECISION_H

#include "planner/service/question.h"

#include <stdatomic.h>

typedef struct decision {
    service_code code; /* SE_NONE: a plan */
    kerf_error *err;   /* why there is none */
    char *json;        /* the document */
    size_t size;
    char cut_id[KERF_CUT_ID_SIZE]; /* of a plan */
    bool lasting;                  /* the same question will have the same answer */
} decision;

/* Plans afresh, or makes the map that is asked for; ends early on *stop. NULL without memory. */
decision *decision_make(const service_question *question, const atomic_bool *stop);
void decision_destroy(decision **d);
size_t decision_bytes(const decision *d);

#endif
