/* Requests to the service: from the bytes of a message to a checked structure, and the frame of a
 * reply around its body. Pure functions: what a request names is looked up elsewhere.
 *
 *     service_request request;
 *     kerf_error err = {0};
 *     if (service_decode(bytes, size, &request, &err) == KERF_OK) ...
 *     request.id is set in either case, as far as it could be read
 *     service_request_clear(&request);
 */
#ifndef KERF_SERVICE_PROTOCOL_H
#define KERF_SERVICE_PROTOCOL_H

#include "base/json.h"
#include "base/json_write.h"
#include "kerf/map.h"

#define SERVICE_VERSION     1
#define SERVICE_MAX_REQUEST ((size_t)64 * 1024) /* bytes of a request; longer ones are refused */
#define SERVICE_MAX_PINS    10000
#define SERVICE_MAX_NAME    255 /* bytes of a device_id */
#define SERVICE_MAX_OTHERS  100 /* alternatives */

/* X(enumerator, name) */
#define SERVICE_OP_LIST(X)                                                                         \
    X(OP_PLAN, "plan")                                                                             \
    X(OP_MAP, "map")                                                                               \
    X(OP_LIST, "list")                                                                             \
    X(OP_DESCRIBE, "describe")                                                                     \
    X(OP_OBSERVE, "observe")                                                                       \
    X(OP_STATE, "state")                                                                           \
    X(OP_STATS, "stats")                                                                           \
    X(OP_PING, "ping")

typedef enum service_op {
#define SERVICE_OP_ENUM(op, name) op,
    SERVICE_OP_LIST(SERVICE_OP_ENUM)
#undef SERVICE_OP_ENUM
        SERVICE_OPS
} service_op;

/* X(enumerator, code): an outside contract, to which codes may be added. */
#define SERVICE_ERROR_LIST(X)                                                                      \
    X(SE_NONE, "")                                                                                 \
    X(SE_BAD_JSON, "bad_json")                                                                     \
    X(SE_BAD_REQUEST, "bad_request")                                                               \
    X(SE_UNSUPPORTED_VERSION, "unsupported_version")                                               \
    X(SE_UNKNOWN_NETWORK, "unknown_network")                                                       \
    X(SE_UNKNOWN_DEVICE, "unknown_device")                                                         \
    X(SE_UNKNOWN_SERVER, "unknown_server")                                                         \
    X(SE_UNKNOWN_LINK, "unknown_link")                                                             \
    X(SE_INFEASIBLE, "infeasible")                                                                 \
    X(SE_TOO_LARGE, "too_large")                                                                   \
    X(SE_OVERLOADED, "overloaded")                                                                 \
    X(SE_TIME_LIMIT, "time_limit")                                                                 \
    X(SE_INTERNAL, "internal")

typedef enum service_code {
#define SERVICE_ERROR_ENUM(code, name) code,
    SERVICE_ERROR_LIST(SERVICE_ERROR_ENUM)
#undef SERVICE_ERROR_ENUM
        SERVICE_CODES
} service_code;

const char *service_op_name(service_op op);
const char *service_code_name(service_code code);

typedef struct request_pin {
    const char *operator_name;
    kerf_side side;
} request_pin;

/* The request's "link": a name, or an object of fields over those of a base. */
typedef struct request_link {
    bool given;
    bool complete;    /* a whole link file: nothing is taken from a base */
    const char *base; /* NULL: the usual one */
    const char *name; /* what the answer calls it; NULL: as the base */
    kerf_link fields; /* see link_unstated */
} request_link;

/* Texts point into the document, or into the copy of the message. */
typedef struct service_request {
    kerf_json_doc *doc;
    char *text;     /* owned */
    kerf_writer id; /* as JSON text; empty: null */
    service_op op;
    service_code refused; /* a code that says more than the status does */
    /* plan */
    const char *network, *device, *server, *power_mode;
    request_link link;
    double server_load;
    kerf_objective objective;
    double weight_energy, weight_latency;
    kerf_limits limits;
    request_pin *pins; /* owned */
    size_t n_pins;
    kerf_wire wire;
    bool any_wire; /* the best of all types */
    double input_bytes;
    bool result_at_server;
    kerf_solver solver;
    double time_limit_s;
    bool brief;    /* "explain": false */
    size_t others; /* alternatives that are asked for */
    const char *current;
    double margin;    /* NAN: the service's */
    kerf_map_box box; /* map: the ranges that were given, {0, 0} elsewhere */
    /* a device's own view */
    const char *device_id;
    double latency_s, energy_J; /* measured; NAN: not stated */
    /* list, describe */
    const char *kind;
} service_request;

/* Never writes outside the request. err->where is a JSON pointer, or a line and column. */
kerf_status service_decode(const char *bytes, size_t size, service_request *request,
                           kerf_error *err);
void service_request_clear(service_request *request);

/* Its two halves: the full decoder, which takes everything, and a fast one, which says false to
 * whatever is unusual or wrong. Both expect a request of service_request_unset. */
void service_request_unset(service_request *request);
kerf_status service_decode_fully(const char *bytes, size_t size, service_request *request,
                                 kerf_error *err);
bool service_decode_fast(const char *bytes, size_t size, service_request *request);

/* The code of a failed call, unless request->refused says more. */
service_code service_code_of(kerf_status status);

/* {"v":1,"id":ID,"ok":true, and what the caller adds up to kw_end('}'). */
void service_reply_begin(kerf_writer *w, const char *id, size_t id_size);
void service_reply_error(kerf_writer *w, const char *id, size_t id_size, service_code code,
                         const kerf_error *err);

#endif
