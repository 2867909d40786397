/* The service's counters as Prometheus text over HTTP (libmicrohttpd), at /metrics. The daemon has
 * no thread of its own: the service's loop runs it when its descriptor is readable, so that nothing
 * is shared. */
#ifndef KERF_SERVICE_METRICS_H
#define KERF_SERVICE_METRICS_H

#include "planner/service/stats.h"

#include "kerf/status.h"

typedef struct metrics metrics;

/* "127.0.0.1:9464" or "[::1]:9464"; port 0: any free one. What has no host is bound to 127.0.0.1.
 * `stats` is borrowed. KERF_E_INVALID, KERF_E_IO (taken), KERF_E_NOMEM. */
kerf_status metrics_start(const char *address, const service_stats *stats, metrics **started,
                          kerf_error *err);
void metrics_stop(metrics **m);

int metrics_fd(const metrics *m);    /* readable when there is something to do */
void metrics_run(metrics *m);        /* does it; does not block */
long metrics_timeout_ms(metrics *m); /* when to run it at the latest; -1: never */
uint16_t metrics_port(const metrics *m);

/* The text format of Prometheus, version 0.0.4. */
void metrics_write(kerf_writer *w, const service_stats *stats);

#endif
