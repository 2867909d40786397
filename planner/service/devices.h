/* Devices' own view: what each has reported of its link lately, what it last asked, and which cut
 * it was told to use. All of it can be lost: a device then states its link, or asks again. */
#ifndef KERF_SERVICE_DEVICES_H
#define KERF_SERVICE_DEVICES_H

#include "planner/service/question.h"
#include "planner/service/table.h"

typedef struct device_state {
    /* Weighted means of what was observed; NAN: never. */
    double rate_bps[2], rtt_s, latency_s, energy_J;
    uint64_t observed_ns; /* when the link was last observed; 0: never */
    uint64_t observations;
    char *base;     /* the link under the estimate, or NULL */
    char *question; /* the last request for a plan, as JSON */
    size_t question_size;
    char cut_id[KERF_CUT_ID_SIZE]; /* "": none yet */
    uint64_t sequence;             /* of decisions */
} device_state;

typedef struct devices {
    table states;
    double weight;      /* of a new observation, 0 to 1 */
    uint64_t expiry_ns; /* of an estimate */
} devices;

bool devices_init(devices *d, size_t max_bytes, double weight, double expiry_s);
void devices_clear(devices *d);

/* The state of a device; NULL if there is none (find) or no memory (get, which makes one). */
device_state *devices_find(devices *d, const char *device_id);
device_state *devices_get(devices *d, const char *device_id);

/* Takes in an `observe` request; `base` is the catalogue's name of its link, or NULL. */
bool devices_observe(devices *d, device_state *state, const service_request *request,
                     const char *base, uint64_t now);

/* Remembers what was asked, and the link under it. False without memory. */
bool devices_remember(devices *d, const char *device_id, device_state *state, const char *json,
                      size_t size, const char *base);

/* The estimate, unless it is stale or there is none. It borrows from the state. */
bool devices_estimate(const devices *d, const device_state *state, uint64_t now,
                      link_estimate *estimate);

/* "estimate": {...} with what is known, and how old it is. */
void devices_write(kerf_writer *w, const devices *d, const device_state *state, uint64_t now);

#endif
