/* Reading the catalogue again while the service goes on with the old one. */
#include "planner/service/server.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct reload_job {
    job job; /* the first member */
    const service *service;
    catalogue *old, *made;
    kerf_error err;
    size_t refused;
    kerf_error keys_err; /* why the authorized keys could not be read */
} reload_job;

static void log_refused(const service *s, const kerf_error *err, bool kept)
{
    char line[sizeof *err];
    const service_field fields[] = {{"error", kerf_error_line(err, line, sizeof line)},
                                    {"instead", kept ? "the old file serves on" : "nothing"}};
    server_log(s, SERVICE_ERROR, "refused a file of the catalogue", fields, 2);
}

void reload_report(void *context, const kerf_error *err, bool kept)
{
    service *s = context;
    s->stats.refused_files++;
    log_refused(s, err, kept);
}

/* In a worker, which must not touch the service's counters. */
static void report(void *context, const kerf_error *err, bool kept)
{
    reload_job *r = context;
    r->refused++;
    log_refused(r->service, err, kept);
}

static void run_reload(job *j, const atomic_bool *stop)
{
    (void)stop;
    reload_job *r = (reload_job *)(void *)j;
    const service_options *o = &r->service->options;
    catalogue_load(o->folders, o->n_folders, r->old, report, r, &r->made, &r->err);
    if (r->service->zap)
        zap_reload(r->service->zap, &r->keys_err);
}

static void reload_done(job *j, void *context)
{
    reload_job *r = (reload_job *)(void *)j;
    service *s = context;
    if (s) {
        s->reloading = false;
        s->stats.reloads++;
        s->stats.refused_files += r->refused;
    }
    if (s && r->made) {
        catalogue_drop(&s->catalogue);
        s->catalogue = r->made;
        r->made = NULL;
        char refused[32];
        snprintf(refused, sizeof refused, "%zu", r->refused);
        const service_field field = {"refused", refused};
        server_log(s, SERVICE_INFO, "read the catalogue again", &field, 1);
    } else if (s) {
        char line[sizeof r->err];
        const service_field fields[] = {{"error", kerf_error_line(&r->err, line, sizeof line)},
                                        {"instead", "the old catalogue serves on"}};
        server_log(s, SERVICE_ERROR, "could not read the catalogue again", fields, 2);
    }
    if (s && r->keys_err.code != KERF_OK) {
        char line[sizeof r->keys_err];
        const service_field fields[] = {{"error", kerf_error_line(&r->keys_err, line, sizeof line)},
                                        {"instead", "the old keys serve on"}};
        server_log(s, SERVICE_ERROR, "could not read the authorized keys again", fields, 2);
    }
    catalogue_drop(&r->old);
    catalogue_drop(&r->made);
    free(r);
    if (s && atomic_exchange(&s->reload_asked, false))
        reload_start(s);
}

void reload_start(service *s)
{
    if (s->reloading) { /* once more, when this one is done */
        atomic_store(&s->reload_asked, true);
        return;
    }
    reload_job *r = kerf_calloc(1, sizeof *r);
    if (!r) {
        server_log(s, SERVICE_ERROR, "could not read the catalogue again: out of memory", NULL, 0);
        return;
    }
    r->job = (job){.run = run_reload, .done = reload_done};
    r->service = s;
    r->old = catalogue_keep(s->catalogue);
    s->reloading = true;
    jobs_give(s->workers, &r->job);
}
