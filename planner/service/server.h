/* The inside of a service. All of it belongs to the thread that runs service_run; workers see jobs
 * only. */
#ifndef KERF_SERVICE_SERVER_H
#define KERF_SERVICE_SERVER_H

#include "planner/service/devices.h"
#include "planner/service/held.h"
#include "planner/service/jobs.h"
#include "planner/service/metrics.h"
#include "planner/service/queue.h"
#include "planner/service/service.h"
#include "planner/service/stats.h"
#include "planner/service/zap.h"

#include <stdatomic.h>
#include <zmq.h>

#define MAX_BINDS 64

struct service {
    service_options options;
    void *zmq, *router, *publisher;
    char *endpoints[MAX_BINDS];
    char *publish_endpoint;
    size_t n_endpoints;
    int router_fd; /* the router may have a request */
    int wake_fd;   /* an order has come */
    atomic_bool stop_asked, reload_asked;
    bool reloading;
    catalogue *catalogue;
    table answers; /* by question_key: slots */
    devices devices;
    queue queue;
    held_replies held;
    jobs *workers;
    zap *zap;
    metrics *metrics;
    uint64_t alive_ns;      /* when `alive` was called last */
    kerf_writer reply, key; /* buffers, used again and again */
    service_stats stats;
};

/* server.c */
void server_send(service *s, const reply_route *route, const kerf_writer *body);
void server_publish(service *s, const char *device_id, const kerf_writer *body);
void server_log(const service *s, service_level level, const char *message,
                const service_field *fields, size_t n);

/* answer.c: answers one request, at once or later. */
void answer_request(service *s, const reply_route *route, const char *bytes, size_t size);
/* The same for one that has been counted already, and waited. */
void answer_again(service *s, const reply_route *route, const char *bytes, size_t size);
/* Sends an error, and counts it. */
void answer_error(service *s, const reply_route *route, const char *id, size_t id_size,
                  service_code code, const kerf_error *err);

/* planning.c: plans, from what is kept or by a worker. */
bool planning_init(service *s);
void planning_clear(service *s);
void planning_answer(service *s, const reply_route *route, service_request *request,
                     const char *bytes, size_t size);
void planning_state(service *s, const reply_route *route, const service_request *request,
                    const char *bytes, size_t size);
/* A device's link has changed: is its decision another one now? */
void planning_observed(service *s, const char *device_id);
/* Hands jobs to workers that have none. */
void planning_dispatch(service *s);

/* reload.c */
void reload_start(service *s);
catalogue_report reload_report;

#endif
