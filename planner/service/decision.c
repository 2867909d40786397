#include "planner/service/decision.h"

#include "base/memory.h"
#include "planner/map/map_json.h"
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

/* Takes over what was written. */
static void accept(decision *d, kerf_writer *w)
{
    if (w->failed) {
        free(w->text);
        refuse(d, KERF_E_NOMEM, &(kerf_error){.message = "out of memory"});
        return;
    }
    d->json = w->text;
    d->size = w->used;
    d->lasting = true;
}

static void make_plan(decision *d, const kerf_question *question, bool brief)
{
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    kerf_writer w = {0};
    const kerf_status status = kerf_plan_make(question, &plan, &err);
    if (status == KERF_OK) {
        memcpy(d->cut_id, plan->cut_id, sizeof d->cut_id);
        plan_json_write(&w, question, plan,
                        question->top > 1 ? PLAN_WITH_OTHERS
                        : brief           ? PLAN_BRIEF
                                          : PLAN_EXPLAINED);
        accept(d, &w);
    } else {
        refuse(d, status, &err);
    }
    kerf_plan_destroy(&plan);
}

/* Over the usual range of rates unless another one is asked for, with regions at the link's own
 * RTT and load, or the nearest in the box: as kerf map. */
static void make_map(decision *d, const service_question *q, const kerf_question *question)
{
    static const double usual_bps[2] = {1e5, 1e9};
    kerf_map_box box = q->box;
    kerf_map *map = NULL;
    kerf_map_region *regions = NULL;
    size_t n = 0;
    kerf_error err = {0};
    kerf_writer w = {0};
    if (box.uplink_bps[1] <= 0)
        memcpy(box.uplink_bps, usual_bps, sizeof usual_bps);
    kerf_status status = kerf_map_make(question, &box, &map, &err);
    if (status == KERF_OK)
        status = kerf_map_regions(map, NULL, &regions, &n, &err);
    if (status == KERF_OK) {
        const kerf_conditions at = kerf_map_conditions(map);
        map_json_write(&w, map, &at, regions, n);
        accept(d, &w);
    } else {
        refuse(d, status, &err);
    }
    free(regions);
    kerf_map_destroy(&map);
}

decision *decision_make(const service_question *question, const atomic_bool *stop)
{
    decision *d = kerf_calloc(1, sizeof *d);
    if (!d)
        return NULL;
    kerf_question asked = question->ask;
    asked.progress = go_on;
    asked.progress_context = (void *)stop;
    if (question->of_map)
        make_map(d, question, &asked);
    else
        make_plan(d, &asked, question->brief);
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
