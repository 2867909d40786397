/* See kerf/client.h. Connections here, answers in answer_read.c. */
#include "kerf/client.h"
#include "planner/service/answer_read.h"
#include "planner/service/keys.h"
#include "planner/service/stats.h"

#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include "planner/plan_json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MAX_REPLY      ((int64_t)64 << 20)
#define MAX_QUESTION   ((size_t)1 << 20)
#define MAX_ENDPOINTS  64
#define MAX_TIMEOUT_S  86400.0
#define USUAL_ATTEMPTS 3
#define LEAST_PAUSE_S  0.02 /* before an overloaded service is asked again; doubles each time */

struct kerf_client {
    char *endpoints[MAX_ENDPOINTS];
    size_t n_endpoints;
    size_t current; /* the endpoint that is asked */
    double timeout_s;
    size_t attempts;
    void *zmq;
    void *socket; /* DEALER; NULL: not connected */
    void *subscriber;
    int64_t last_id;
    bool secure;
    char server_key[KEY_SIZE];
    key_pair keys;
};

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

/* --- making and ending --- */

static bool set_option(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool secure(const kerf_client *c, void *socket)
{
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, c->server_key, KEY_SIZE) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, c->keys.public_key, KEY_SIZE) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, c->keys.secret_key, KEY_SIZE) == 0;
}

static kerf_status load_keys(kerf_client *c, const kerf_client_options *o, kerf_error *err)
{
    key_pair server;
    if (!o->server_key != !o->client_secret)
        return kerf_fail(err, KERF_E_INVALID, o->server_key ? "client's secret" : "server's key",
                         "is missing, expected both the service's public certificate and the "
                         "client's secret one");
    if (!o->server_key)
        return KERF_OK;
    kerf_status status = keys_load(o->server_key, false, &server, err);
    if (status == KERF_OK)
        status = keys_load(o->client_secret, true, &c->keys, err);
    if (status == KERF_OK) {
        memcpy(c->server_key, server.public_key, KEY_SIZE);
        c->secure = true;
    }
    return status;
}

/* Nothing lingers: an answer that nobody waits for is of no use. */
static void *open_socket(kerf_client *c, int kind, const char *endpoint, kerf_error *err)
{
    const int64_t most = MAX_REPLY;
    void *socket = zmq_socket(c->zmq, kind);
    if (socket && set_option(socket, ZMQ_LINGER, 0) &&
        set_option(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL) &&
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0 &&
        (!c->secure || secure(c, socket)) && zmq_connect(socket, endpoint) == 0)
        return socket;
    kerf_fail(err, errno == EINVAL ? KERF_E_INVALID : KERF_E_IO, NULL, "cannot connect: %s",
              zmq_strerror(errno));
    kerf_error_source(err, endpoint);
    if (socket)
        zmq_close(socket);
    return NULL;
}

static void disconnect(kerf_client *c)
{
    if (c->socket)
        zmq_close(c->socket);
    c->socket = NULL;
}

static kerf_status copy_endpoints(kerf_client *c, const kerf_client_options *o, kerf_error *err)
{
    static const char *const usual[] = {"tcp://127.0.0.1:5599"};
    const char *const *endpoints = o->n_endpoints ? o->endpoints : usual;
    const size_t n = o->n_endpoints ? o->n_endpoints : 1;
    if (n > MAX_ENDPOINTS)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "%zu endpoints, expected at most %d", n,
                         MAX_ENDPOINTS);
    for (size_t i = 0; i < n; i++) {
        c->endpoints[i] = kerf_strdup(endpoints[i]);
        if (!c->endpoints[i])
            return no_memory(err);
        c->n_endpoints++;
    }
    return KERF_OK;
}

/* Tells an endpoint that can never be connected to from one where nobody is at the moment. */
static kerf_status check_endpoints(kerf_client *c, kerf_error *err)
{
    for (size_t i = 0; i < c->n_endpoints; i++) {
        void *socket = open_socket(c, ZMQ_DEALER, c->endpoints[i], err);
        if (!socket)
            return err ? err->code : KERF_E_INVALID;
        zmq_close(socket);
    }
    return KERF_OK;
}

kerf_status kerf_client_create(const kerf_client_options *options, kerf_client **client,
                               kerf_error *err)
{
    const kerf_client_options none = {0}, *o = options ? options : &none;
    kerf_error local = {0}, *e = err ? err : &local;
    kerf_error_clear(e);
    if (!(o->timeout_s >= 0 && o->timeout_s <= MAX_TIMEOUT_S))
        return kerf_fail(e, KERF_E_INVALID, "timeout", "is %g s, expected 0 to %g", o->timeout_s,
                         MAX_TIMEOUT_S);
    kerf_client *c = kerf_calloc(1, sizeof *c);
    if (!c)
        return no_memory(e);
    c->timeout_s = o->timeout_s > 0 ? o->timeout_s : 1;
    c->attempts = o->attempts ? o->attempts : USUAL_ATTEMPTS;
    c->zmq = zmq_ctx_new();
    kerf_status status = c->zmq ? copy_endpoints(c, o, e) : no_memory(e);
    if (status == KERF_OK)
        status = load_keys(c, o, e);
    if (status == KERF_OK)
        status = check_endpoints(c, e);
    if (status == KERF_OK)
        *client = c;
    else
        kerf_client_destroy(&c);
    return status;
}

void kerf_client_destroy(kerf_client **client)
{
    kerf_client *c = client ? *client : NULL;
    if (!c)
        return;
    disconnect(c);
    if (c->subscriber)
        zmq_close(c->subscriber);
    if (c->zmq)
        zmq_ctx_term(c->zmq);
    for (size_t i = 0; i < c->n_endpoints; i++)
        free(c->endpoints[i]);
    explicit_bzero(&c->keys, sizeof c->keys);
    free(c);
    *client = NULL;
}

/* --- one attempt --- */

static long milliseconds_until(uint64_t end_ns)
{
    const uint64_t now = now_ns();
    return now >= end_ns ? 0 : (long)((end_ns - now + 999999) / 1000000);
}

/* Waits until the socket can be read. KERF_E_TIME_LIMIT (without a message): not in time. */
static kerf_status wait_readable(void *socket, uint64_t end_ns, kerf_error *err)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    for (;;) {
        const long left = milliseconds_until(end_ns);
        const int n = zmq_poll(&item, 1, left);
        if (n > 0)
            return KERF_OK;
        if (n < 0 && errno != EINTR)
            return kerf_fail(err, KERF_E_IO, NULL, "cannot wait for a reply: %s",
                             zmq_strerror(errno));
        if (left == 0)
            return KERF_E_TIME_LIMIT;
    }
}

/* The last frame of the next message, terminated; *topic the first one if it is asked for. */
static kerf_status receive(void *socket, char **topic, char **text, size_t *size, kerf_error *err)
{
    char *frames[2] = {NULL, NULL};
    size_t n = 0;
    int more = 1;
    kerf_status status = KERF_OK;
    while (more && status == KERF_OK) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0) {
            status =
                kerf_fail(err, KERF_E_IO, NULL, "cannot read a reply: %s", zmq_strerror(errno));
        } else {
            more = zmq_msg_more(&frame);
            const size_t k = n > 0 ? 1 : 0;
            free(frames[k]);
            *size = zmq_msg_size(&frame);
            frames[k] = kerf_strndup(zmq_msg_data(&frame), *size);
            n++;
            if (!frames[k])
                status = no_memory(err);
        }
        zmq_msg_close(&frame);
    }
    if (status == KERF_OK) {
        *text = frames[n > 1];
        frames[n > 1] = NULL;
        if (topic) {
            *topic = frames[0];
            frames[0] = NULL;
        }
    }
    free(frames[0]);
    free(frames[1]);
    return status;
}

/* Whether a reply is the one to the request of that id. */
static bool is_reply_to(const char *text, size_t size, int64_t id)
{
    kerf_json_doc *doc = NULL;
    int64_t got = -1;
    if (kerf_json_parse(text, size, NULL, NULL, &doc, NULL) != KERF_OK)
        return false;
    const kerf_json root = kerf_json_root(doc);
    kerf_json_integer(&root, "id", KERF_REQUIRED, 0, INT64_MAX, &got);
    kerf_json_close(&doc);
    return got == id;
}

/* Sends once and waits. KERF_E_TIME_LIMIT: no reply. */
static kerf_status attempt(kerf_client *c, const char *body, char **reply, kerf_error *err)
{
    const uint64_t end = now_ns() + (uint64_t)(c->timeout_s * 1e9);
    const char *endpoint = c->endpoints[c->current];
    char *request = NULL;
    kerf_status status = KERF_OK;
    const int64_t id = ++c->last_id;
    const int n =
        asprintf(&request, "{\"v\":1,\"id\":%" PRId64 "%s%s", id, *body == '}' ? "" : ",", body);
    if (n < 0)
        return no_memory(err);
    if (!c->socket)
        c->socket = open_socket(c, ZMQ_DEALER, endpoint, err);
    if (!c->socket)
        status = err->code;
    else if (zmq_send(c->socket, request, (size_t)n, ZMQ_DONTWAIT) < 0)
        status = KERF_E_TIME_LIMIT; /* as good as no reply */
    while (status == KERF_OK) {
        char *text = NULL;
        size_t size = 0;
        status = wait_readable(c->socket, end, err);
        if (status == KERF_OK)
            status = receive(c->socket, NULL, &text, &size, err);
        if (status == KERF_OK && is_reply_to(text, size, id)) {
            *reply = text;
            break;
        }
        free(text); /* stale, or no reply at all */
    }
    free(request);
    return status;
}

/* --- asking --- */

/* Where an object's members begin, after its '{'; NULL if the text is no object. */
static const char *members_of(const char *request, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    const size_t size = strlen(request);
    if (size > MAX_QUESTION) {
        kerf_fail(err, KERF_E_TOO_LARGE, NULL, "the request has %zu bytes, expected at most %zu",
                  size, MAX_QUESTION);
        return NULL;
    }
    const kerf_status status = kerf_json_parse(request, size, "request", NULL, &doc, err);
    kerf_json_close(&doc);
    if (status != KERF_OK)
        return NULL;
    const char *members = strchr(request, '{') + 1;
    return members + strspn(members, " \t\r\n");
}

/* Waits without a socket: the library has no other business meanwhile. */
static void pause_for(double seconds)
{
    zmq_poll(NULL, 0, (long)(seconds * 1e3));
}

static bool is_overloaded(const char *reply)
{
    kerf_error refusal = {0};
    service_code code = SE_NONE;
    return answer_refusal(reply, &code, &refusal) && code == SE_OVERLOADED;
}

/* The Lazy Pirate: every attempt that fails closes its connection, and the next endpoint's turn
 * comes. With `patient`, a reply that says "overloaded" is no answer either. */
static kerf_status ask(kerf_client *c, const char *body, bool patient, char **reply,
                       kerf_error *err)
{
    double pause_s = LEAST_PAUSE_S;
    char *overloaded = NULL;
    kerf_status status = KERF_E_TIME_LIMIT;
    for (size_t i = 0; i < c->attempts && status == KERF_E_TIME_LIMIT; i++) {
        char *got = NULL;
        kerf_error problem = {0};
        status = attempt(c, body, &got, &problem);
        if (status == KERF_OK && patient && is_overloaded(got)) {
            free(overloaded);
            overloaded = got;
            status = KERF_E_TIME_LIMIT;
            if (i + 1 < c->attempts)
                pause_for(pause_s);
            pause_s *= 2;
        } else if (status == KERF_OK) {
            *reply = got;
            break;
        } else if (status != KERF_E_TIME_LIMIT) {
            *err = problem;
        }
        disconnect(c);
        c->current = (c->current + 1) % c->n_endpoints;
    }
    if (status == KERF_E_TIME_LIMIT && overloaded) {
        *reply = overloaded;
        return KERF_OK;
    }
    free(overloaded);
    if (status != KERF_E_TIME_LIMIT)
        return status;
    const size_t last = (c->current + c->n_endpoints - 1) % c->n_endpoints;
    kerf_fail(err, KERF_E_IO, NULL, "no service answers; asked %zu time%s, %g s each", c->attempts,
              c->attempts == 1 ? "" : "s", c->timeout_s);
    kerf_error_source(err, c->endpoints[last]);
    return KERF_E_IO;
}

kerf_status kerf_client_ask(kerf_client *client, const char *request, char **reply, kerf_error *err)
{
    kerf_error local = {0}, *e = err ? err : &local;
    kerf_error_clear(e);
    const char *members = members_of(request, e);
    return members ? ask(client, members, false, reply, e) : e->code;
}

static kerf_status plan_here(const kerf_question *question, kerf_answer **answer, kerf_error *err)
{
    kerf_plan *plan = NULL;
    kerf_writer w = {0};
    kerf_status status = kerf_plan_make(question, &plan, err);
    if (status == KERF_OK) {
        plan_json_write(&w, question, plan, question->top > 1 ? PLAN_WITH_OTHERS : PLAN_EXPLAINED);
        status = w.failed ? no_memory(err) : answer_of_plan(w.text, w.used, answer, err);
    }
    if (status == KERF_OK)
        (*answer)->local = true;
    free(w.text);
    kerf_plan_destroy(&plan);
    return status;
}

kerf_status kerf_client_plan(kerf_client *client, const char *question,
                             const kerf_question *fallback, kerf_answer **answer, kerf_error *err)
{
    kerf_error local = {0}, *e = err ? err : &local;
    kerf_error_clear(e);
    char *body = NULL, *reply = NULL;
    const char *members = members_of(question, e);
    if (!members)
        return e->code;
    if (asprintf(&body, "\"op\":\"plan\"%s%s", *members == '}' ? "" : ",", members) < 0)
        return no_memory(e);
    kerf_status status = ask(client, body, true, &reply, e);
    if (status == KERF_OK)
        status = answer_of_reply(reply, strlen(reply), answer, e);
    /* Away, or too busy to answer. */
    if (status == KERF_E_IO && fallback) {
        kerf_error_clear(e);
        status = plan_here(fallback, answer, e);
    }
    free(reply);
    free(body);
    return status;
}

/* --- announcements --- */

kerf_status kerf_client_subscribe(kerf_client *client, const char *endpoint, const char *device_id,
                                  kerf_error *err)
{
    kerf_error local = {0}, *e = err ? err : &local;
    kerf_error_clear(e);
    char *topic = NULL;
    if (asprintf(&topic, "device/%s", device_id ? device_id : "") < 0)
        return no_memory(e);
    kerf_status status = KERF_OK;
    if (!client->subscriber)
        client->subscriber = open_socket(client, ZMQ_SUB, endpoint, e);
    else if (zmq_connect(client->subscriber, endpoint) != 0)
        status = kerf_fail(e, KERF_E_IO, endpoint, "cannot connect: %s", zmq_strerror(errno));
    if (!client->subscriber)
        status = e->code;
    if (status == KERF_OK &&
        zmq_setsockopt(client->subscriber, ZMQ_SUBSCRIBE, topic, strlen(topic)) != 0)
        status = kerf_fail(e, KERF_E_IO, endpoint, "cannot subscribe: %s", zmq_strerror(errno));
    free(topic);
    return status;
}

kerf_status kerf_client_next(kerf_client *client, double timeout_s, kerf_answer **answer,
                             kerf_error *err)
{
    kerf_error local = {0}, *e = err ? err : &local;
    kerf_error_clear(e);
    char *text = NULL, *topic = NULL;
    size_t size = 0;
    if (!client->subscriber)
        return kerf_fail(e, KERF_E_INVALID, NULL, "nothing is subscribed to");
    if (!(timeout_s >= 0 && timeout_s <= MAX_TIMEOUT_S))
        return kerf_fail(e, KERF_E_INVALID, "timeout", "is %g s, expected 0 to %g", timeout_s,
                         MAX_TIMEOUT_S);
    kerf_status status =
        wait_readable(client->subscriber, now_ns() + (uint64_t)(timeout_s * 1e9), e);
    if (status == KERF_E_TIME_LIMIT)
        return kerf_fail(e, status, NULL, "nothing was announced in %g s", timeout_s);
    if (status == KERF_OK)
        status = receive(client->subscriber, &topic, &text, &size, e);
    if (status == KERF_OK)
        status = answer_of_announcement(text, size, answer, e);
    free(topic);
    free(text);
    return status;
}
