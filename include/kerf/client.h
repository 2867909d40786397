/* Asking a running service (kerf serve) where to cut.
 *
 *     kerf_client *client = NULL;
 *     kerf_answer *answer = NULL;
 *     kerf_client_options options = {.timeout_s = 0.2};
 *     kerf_client_create(&options, &client, &err);
 *     if (kerf_client_plan(client, "{\"network\": \"resnet50\"}", NULL, &answer, &err) == KERF_OK)
 *         printf("send %s\n", answer->n_tensors ? answer->tensors[0] : "nothing");
 *     kerf_answer_destroy(&answer);
 *     kerf_client_destroy(&client);
 *
 * A question is sent again, over a fresh connection and to the next endpoint, when no reply comes
 * in time (the Lazy Pirate pattern of the ZeroMQ guide); a reply to an earlier attempt is dropped.
 * Every request to the service can be repeated: it may be answered twice, but changes nothing
 * twice except an observation, which is then counted twice. A client is for one thread at a time.
 * The protocol is described in docs/service.md.
 */
#ifndef KERF_CLIENT_H
#define KERF_CLIENT_H

#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 0 and NULL mean the default. */
typedef struct kerf_client_options {
    const char *const *endpoints; /* tried in turn (tcp://127.0.0.1:5599) */
    size_t n_endpoints;
    double timeout_s; /* of one attempt (1 s) */
    size_t attempts;  /* in all, over all endpoints (3) */
    /* Certificates as kerf keygen writes them, for a service that speaks CURVE: the service's
     * public one and the client's secret one. NULL: no encryption. */
    const char *server_key, *client_secret;
} kerf_client_options;

typedef struct kerf_client kerf_client;

/* Does not connect yet, so it succeeds without a service. KERF_E_INVALID (an endpoint that is
 * none), KERF_E_NOMEM, KERF_E_IO. */
KERF_API kerf_status kerf_client_create(const kerf_client_options *options, kerf_client **client,
                                        kerf_error *err);
KERF_API void kerf_client_destroy(kerf_client **client);

/* Sends a request, a JSON object with its "op" but without "v" and "id", and gives the reply, one
 * JSON object as text; the caller frees *reply. An error reply is a reply: see its "ok".
 * KERF_E_INVALID: the request is no object. KERF_E_IO: no service answered (err->source: the last
 * endpoint). */
KERF_API kerf_status kerf_client_ask(kerf_client *client, const char *request, char **reply,
                                     kerf_error *err);

/* A decision: of the service, or of this library where no service answered. */
typedef struct kerf_answer {
    bool local;                    /* planned here */
    bool changed;                  /* another cut than the request's "current"; true without one */
    char cut_id[KERF_CUT_ID_SIZE]; /* for the next request's "current" */
    char power_mode[64];
    double device_energy_J, latency_s, throughput_per_s;
    char **tensors; /* names of those to send */
    size_t n_tensors;
    char **device_operators;
    size_t n_device_operators;
    char *device_id; /* of an announcement, else as the reply says, or NULL */
    char *json;      /* the plan, as kerf plan --json prints it */
} kerf_answer;

/* Asks for a plan: `question` is the request's JSON object without "v", "id" and "op". Where no
 * service answers, `fallback` is planned here, if it is not NULL; it should be the same question.
 * A service that is overloaded is asked again. KERF_E_IO; for a request that is refused,
 * KERF_E_INFEASIBLE, KERF_E_TIME_LIMIT, KERF_E_INVALID (err->where: the JSON pointer),
 * KERF_E_TOO_LARGE, KERF_E_INTERNAL; and what kerf_plan_make fails with. */
KERF_API kerf_status kerf_client_plan(kerf_client *client, const char *question,
                                      const kerf_question *fallback, kerf_answer **answer,
                                      kerf_error *err);
KERF_API void kerf_answer_destroy(kerf_answer **answer);

/* Announcements of a device's changed decisions, from what `kerf serve --publish` bound; NULL for
 * `device_id`: of all devices. Several calls add up. Ask for the device's "state" after the first
 * one: what was announced before it is not announced again. */
KERF_API kerf_status kerf_client_subscribe(kerf_client *client, const char *endpoint,
                                           const char *device_id, kerf_error *err);
/* Waits for the next announcement. KERF_E_TIME_LIMIT: there was none in time. */
KERF_API kerf_status kerf_client_next(kerf_client *client, double timeout_s, kerf_answer **answer,
                                      kerf_error *err);

#ifdef __cplusplus
}
#endif
#endif
