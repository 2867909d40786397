#include "planner/service/decision.h"

#include "base/memory.h"
#include "planner/plan_json.h"

#include <stdlib.h>
#include <string.h>

static bool go_on(void *context, const char *what, double best, double bound)
{
    (void)what;
    (void)best;
    (void)bound;
    const atomic_bool *stop = context;
    return !atomic_load(stop);
}

static void refuse(decision *d, kerf_status status, const kerf_error *err)
{
    d->code = service_code_of(status);
    /* Out of memory and out of time may pass. */
    d->lasting = d->code != SE_INTERNAL && d->code != SE_TIME_LIMIT;
    d->err = kerf_calloc(1, sizeof *d->err);
    if (d->err)
        *d->err = *err;
}

static void accept(decision *d, const kerf_question *question, const kerf_plan *plan)
{
    kerf_writer w = {0};
    plan_json_write(&w, question, plan, question->top > 1);
    if (w.failed) {
        free(w.text);
        refuse(d, KERF_E_NOMEM, &(kerf_error){.message = "out of memory"});
        return;
    }
    d->json = w.text;
    d->size = w.used;
    memcpy(d->cut_id, plan->cut_id, sizeof d->cut_id);
    d->lasting = true;
}

decision *decision_make(const kerf_question *question, const atomic_bool *stop)
{
    decision *d = kerf_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    kerf_question asked = *question;
    asked.progress = go_on;
    asked.progress_context = (void *)(uintptr_t)stop;
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_plan_make(&asked, &plan, &err);
    if (status == KERF_OK)
        accept(d, question, plan);
    else
        refuse(d, status, &err);
    kerf_plan_destroy(&plan);
    return d;
}

void decision_destroy(decision **d)
{
    if (!*d)
        return;
    free((*d)->err);
    free((*d)->json);
    free(*d);
    *d = NULL;
}

size_t decision_bytes(const decision *d)
{
    return sizeof *d + d->size + (d->err ? sizeof *d->err : 0);
}
