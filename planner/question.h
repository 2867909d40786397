/* What a question must hold before it is bound. */
#ifndef KERF_PLANNER_QUESTION_H
#define KERF_PLANNER_QUESTION_H

#include "kerf/plan.h"

/* Checks a question that leaves no encoding and no variant to choose: all but what depends on its
 * network. KERF_E_INVALID. */
kerf_status cut_check_question(const kerf_question *question, kerf_error *err);

#endif
