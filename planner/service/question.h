/* From a decoded request to a question that the planner can answer, and the key under which its
 * answer is kept. */
#ifndef KERF_SERVICE_QUESTION_H
#define KERF_SERVICE_QUESTION_H

#include "planner/service/catalogue.h"
#include "planner/service/link_figures.h"
#include "planner/service/protocol.h"

/* The names that stand in where a request leaves them out. */
typedef struct service_defaults {
    const char *device, *server, *link;
} service_defaults;

/* Everything is compared as bytes, so every byte is set; pins follow it in the key. */
typedef struct question_key {
    uint64_t network, device, server; /* serials */
    double link[LINK_FIGURES];
    double server_load;
    double weights[2];
    double limits[5];
    double input_bytes;
    double time_limit_s;
    uint64_t mode; /* of the device; UINT64_MAX: any */
    uint32_t objective, wire, solver, result_at_server, brief, unused;
    uint64_t top;
    double box[8];
    uint64_t n_pins;
} question_key;

/* Self-contained but for the catalogue's items, which the user keeps alive, and `link.name`, which
 * is the request's or an item's until question_own. */
typedef struct service_question {
    const catalogue_item *network, *device, *server, *link_item; /* link_item: the base, or NULL */
    kerf_link link;
    char power_mode[64]; /* "": the default */
    kerf_pin *pins;      /* owned; ascending */
    char *own_name;      /* of the link, in a copy */
    kerf_question ask;   /* points into the above */
    bool brief;          /* without the explanation */
    bool of_map;         /* what is asked for is the map over the box */
    kerf_map_box box;
} service_question;

/* What a device's estimate says of the link, where the request leaves the link out. */
typedef struct link_estimate {
    const char *base;  /* NULL: the default */
    kerf_link figures; /* see link_unstated */
} link_estimate;

/* Fails with request->refused set where something is not in the catalogue. `estimate` may be NULL.
 * Release with question_clear. */
kerf_status question_resolve(const catalogue *c, const service_defaults *defaults,
                             const link_estimate *estimate, double time_limit_s,
                             service_request *request, service_question *question, kerf_error *err);
void question_clear(service_question *question);

/* Makes question->ask point to the question where it is now: after it was moved. */
void question_settle(service_question *question);

/* Appends the key's bytes: a question_key, the pins and the link's name; for a family, without what
 * its members differ in. */
void question_key_write(const service_question *question, bool family, kerf_writer *key);

/* A copy that needs neither the request nor, while `catalogue` is kept, anything else. False
 * without memory. */
bool question_copy(const service_question *from, service_question *to);

#endif
