/* kerf serve as a library: a service that answers split decisions over ZeroMQ.
 *
 *     const char *endpoint = "tcp://127.0.0.1:5599";
 *     service_options options = {.binds = &endpoint, .n_binds = 1, .folders = &folder,
 *                                .n_folders = 1};
 *     service *s = NULL;
 *     if (service_create(&options, &s, &err) == KERF_OK) {
 *         service_run(s, &err);          // until service_signal(s, SERVICE_STOP)
 *         service_destroy(&s);
 *     }
 *
 * One thread receives requests and answers what it can at once; what takes long is done by worker
 * threads. The protocol is described in docs/service.md.
 */
#ifndef KERF_SERVICE_SERVICE_H
#define KERF_SERVICE_SERVICE_H

#include "kerf/status.h"
#include "planner/service/question.h"

#include <stdbool.h>
#include <stddef.h>

#define SERVICE_ENDPOINT "tcp://127.0.0.1:5599"

typedef struct service service;

typedef enum service_level {
    SERVICE_ERROR,
    SERVICE_WARNING,
    SERVICE_INFO,
    SERVICE_DEBUG
} service_level;

typedef struct service_field {
    const char *key, *value;
} service_field;

/* A line for the log, from any of the service's threads. */
typedef void service_log(void *context, service_level level, const char *message,
                         const service_field *fields, size_t n);

/* 0 and NULL mean the default. */
typedef struct service_options {
    const char *const *binds; /* endpoints, tcp:// or ipc:// */
    size_t n_binds;
    const char *publish;          /* endpoint of the PUB socket; NULL: none */
    bool insecure;                /* bind beyond loopback without keys */
    const char *curve_secret;     /* certificate with the service's secret key; NULL: no CURVE */
    const char *authorized_keys;  /* folder of the clients' public keys, read again on a reload */
    const char *metrics;          /* "127.0.0.1:9464": Prometheus text over HTTP; NULL: none */
    double alive_s;               /* how often to call `alive` at least from the loop; 0: never */
    void (*alive)(void *context); /* with log_context */
    const char *const *folders;   /* of the catalogue */
    size_t n_folders;
    service_defaults defaults; /* jetson-tx2, edge-gpu, wifi-n */
    size_t threads;            /* workers (2) */
    size_t io_threads;         /* of ZeroMQ (1) */
    size_t cache_bytes;        /* of answers and maps (256 MB) */
    size_t device_bytes;       /* of devices' states (64 MB) */
    size_t max_jobs;           /* fresh solves that may wait (256) */
    size_t max_waiting;        /* requests that may wait for them (16384) */
    double time_limit_s;       /* of one solve (5 s) */
    double margin;             /* of hysteresis, as a share; NAN: 0.05 */
    double estimate_weight;    /* of a new observation (0.25) */
    double estimate_expiry_s;  /* (60 s) */
    double drain_s;            /* how long to go on answering after a stop (5 s) */
    service_log *log;          /* NULL: nobody listens */
    void *log_context;
} service_options;

/* Reads the catalogue and binds. The options' strings are borrowed until service_destroy.
 * KERF_E_IO: an endpoint is taken, the catalogue or a key cannot be read. KERF_E_INVALID: an
 * endpoint that is none, or is not loopback without keys or `insecure`; a key that is none.
 * KERF_E_UNSUPPORTED: libzmq without CURVE. KERF_E_NOMEM. */
kerf_status service_create(const service_options *options, service **made, kerf_error *err);
void service_destroy(service **s);

/* The i-th endpoint as it was bound ("tcp://127.0.0.1:34567"), and that of the PUB socket. */
const char *service_endpoint(const service *s, size_t i);
const char *service_publish_endpoint(const service *s); /* NULL: none */
unsigned service_metrics_port(const service *s);        /* 0: none */

/* Serves until it is told to stop, then answers what is queued. */
kerf_status service_run(service *s, kerf_error *err);

/* From any thread, and from a signal handler. */
typedef enum service_order { SERVICE_STOP, SERVICE_RELOAD } service_order;
void service_signal(service *s, service_order order);

#endif
