/* The service's thread: sockets, orders, and the loop around them. */
#include "planner/service/server.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_FRAME     (4 * (int64_t)SERVICE_MAX_REQUEST) /* above this the connection is closed */
#define HIGH_WATER    1000                               /* messages to or from one client */
#define BATCH         64   /* requests between two looks at anything else */
#define BACKLOG       1024 /* connections that wait to be accepted */
#define HELD_RETRY_MS 2
#define LINGER_MS     1000 /* for replies on their way when the service ends */
#define MOST_FRAMES   3    /* of a request, the identity included; more are counted, not kept */

/* --- log --- */

void server_log(const service *s, service_level level, const char *message,
                const service_field *fields, size_t n)
{
    if (s->options.log)
        s->options.log(s->options.log_context, level, message, fields, n);
}

static void log_text(const service *s, service_level level, const char *message, const char *key,
                     const char *value)
{
    const service_field field = {key, value};
    server_log(s, level, message, &field, 1);
}

/* --- sending --- */

static bool send_frame(service *s, const void *data, size_t size, int flags)
{
    zmq_msg_t frame;
    if (zmq_msg_init_size(&frame, size) != 0)
        return false;
    if (size > 0)
        memcpy(zmq_msg_data(&frame), data, size);
    if (zmq_msg_send(&frame, s->router, flags | ZMQ_DONTWAIT) >= 0)
        return true;
    const int reason = errno;
    zmq_msg_close(&frame);
    errno = reason;
    return false;
}

/* Whether there is room is decided at the first frame. */
static held_fate try_to_send(service *s, const reply_route *route, const char *text, size_t size)
{
    if (!send_frame(s, route->identity, route->identity_size, ZMQ_SNDMORE))
        return errno == EAGAIN ? HELD_STILL : HELD_GONE;
    if ((route->delimiter && !send_frame(s, "", 0, ZMQ_SNDMORE)) || !send_frame(s, text, size, 0))
        return HELD_GONE;
    return HELD_SENT;
}

static held_fate try_held(void *context, const held_reply *reply)
{
    return try_to_send(context, &reply->route, reply->text, reply->size);
}

static void release_held(service *s)
{
    if (s->held.n > 0)
        held_release(&s->held, try_held, s, now_ns(), &s->stats.replies, &s->stats.dropped);
}

void server_send(service *s, const reply_route *route, const kerf_writer *body)
{
    static const char poor[] = "{\"v\":1,\"id\":null,\"ok\":false,\"error\":{\"code\":\"internal\","
                               "\"message\":\"out of memory\",\"pointer\":\"\"}}";
    const char *text = body->failed ? poor : body->text;
    const size_t size = body->failed ? sizeof poor - 1 : body->used;
    const uint64_t now = now_ns();
    if (body == &s->reply)
        s->reply.failed = false;
    const held_fate fate = try_to_send(s, route, text, size);
    if (fate == HELD_SENT)
        s->stats.replies++;
    else if (fate == HELD_GONE || !held_keep(&s->held, route, text, size, now))
        s->stats.dropped++;
    histogram_add(&s->stats.latency, now - route->received_ns);
}

void server_publish(service *s, const char *device_id, const kerf_writer *body)
{
    char topic[sizeof "device/" + SERVICE_MAX_NAME];
    const int n = snprintf(topic, sizeof topic, "device/%s", device_id);
    if (body->failed || n < 0)
        return;
    if (zmq_send(s->publisher, topic, (size_t)n, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
        zmq_send(s->publisher, body->text, body->used, ZMQ_DONTWAIT) >= 0)
        s->stats.published++;
}

/* --- receiving --- */

/* The frames of one message; those beyond MOST_FRAMES are dropped as they come. */
typedef struct message {
    zmq_msg_t frames[MOST_FRAMES];
    size_t kept, n;
} message;

static void message_clear(message *m)
{
    for (size_t i = 0; i < m->kept; i++)
        zmq_msg_close(&m->frames[i]);
    m->kept = 0;
}

/* False if there is no message. */
static bool receive(service *s, message *m)
{
    m->kept = m->n = 0;
    for (int more = 1; more;) {
        zmq_msg_t surplus;
        zmq_msg_t *frame = m->kept < MOST_FRAMES ? &m->frames[m->kept] : &surplus;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, s->router, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            return false;
        }
        more = zmq_msg_more(frame);
        m->n++;
        if (frame == &surplus)
            zmq_msg_close(frame);
        else
            m->kept++;
    }
    return true;
}

/* A message is the identity, perhaps an empty delimiter, and the body. */
static void answer_message(service *s, message *m)
{
    reply_route route = {.received_ns = now_ns()};
    const size_t size = zmq_msg_size(&m->frames[0]);
    route.identity_size = size < sizeof route.identity ? size : sizeof route.identity;
    memcpy(route.identity, zmq_msg_data(&m->frames[0]), route.identity_size);
    route.delimiter = m->n > 2 && zmq_msg_size(&m->frames[1]) == 0;
    s->stats.requests++;
    const size_t expected = route.delimiter ? 3 : 2;
    if (m->n != expected) {
        kerf_error err = {0};
        kerf_fail(&err, KERF_E_INVALID, NULL,
                  "the message has %zu frames after its identity, expected one, or an empty one "
                  "before it",
                  m->n - 1);
        answer_error(s, &route, NULL, 0, SE_BAD_REQUEST, &err);
        return;
    }
    zmq_msg_t *body = &m->frames[expected - 1];
    answer_request(s, &route, zmq_msg_data(body), zmq_msg_size(body));
}

/* Answers what has come, up to a batch; true if there may be more. */
static bool answer_batch(service *s)
{
    for (int i = 0; i < BATCH; i++) {
        message m;
        const bool got = receive(s, &m);
        if (got)
            answer_message(s, &m);
        message_clear(&m);
        if (!got)
            return false;
    }
    return true;
}

/* --- the loop --- */

void service_signal(service *s, service_order order)
{
    const int before = errno;
    atomic_store(order == SERVICE_STOP ? &s->stop_asked : &s->reload_asked, true);
    const uint64_t one = 1;
    if (write(s->wake_fd, &one, sizeof one) < 0)
        errno = before; /* the count is at its limit: it is readable already */
    errno = before;
}

static void take_orders(service *s)
{
    uint64_t count;
    if (read(s->wake_fd, &count, sizeof count) < 0)
        return;
    if (atomic_exchange(&s->reload_asked, false))
        reload_start(s);
}

/* The sooner of two times to wait; -1 stands for ever. */
static long sooner(long a, long b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Tells that the loop goes round, and returns when to do so again. */
static long tell_alive(service *s)
{
    if (!s->options.alive || !(s->options.alive_s > 0))
        return -1;
    const uint64_t now = now_ns(), period = (uint64_t)(1e9 * s->options.alive_s);
    if (now - s->alive_ns >= period) {
        s->alive_ns = now;
        s->options.alive(s->options.log_context);
    }
    return (long)((s->alive_ns + period - now) / 1000000 + 1);
}

static void collect_jobs(service *s)
{
    jobs_collect(s->workers, s);
    planning_dispatch(s);
}

static kerf_status wait_for_workers(service *s, long timeout_ms, kerf_error *err)
{
    zmq_pollitem_t item = {.fd = jobs_fd(s->workers), .events = ZMQ_POLLIN};
    if (zmq_poll(&item, 1, sooner(timeout_ms, tell_alive(s))) < 0 && errno != EINTR)
        return kerf_fail(err, KERF_E_IO, NULL, "cannot wait for workers: %s", zmq_strerror(errno));
    collect_jobs(s);
    return KERF_OK;
}

/* Waits for whatever comes first. The router's descriptor tells of what has come since the router
 * was last found empty (ZMQ_FD in zmq_getsockopt(3)), so requests must be looked for each time
 * round, after everything else that uses the router. */
static kerf_status poll_once(service *s, long timeout_ms, kerf_error *err)
{
    struct pollfd items[] = {{.fd = s->router_fd, .events = POLLIN},
                             {.fd = jobs_fd(s->workers), .events = POLLIN},
                             {.fd = s->wake_fd, .events = POLLIN},
                             {.fd = s->metrics ? metrics_fd(s->metrics) : -1, .events = POLLIN}};
    timeout_ms = sooner(timeout_ms, tell_alive(s));
    if (s->held.n > 0)
        timeout_ms = sooner(timeout_ms, HELD_RETRY_MS);
    if (s->metrics)
        timeout_ms = sooner(timeout_ms, metrics_timeout_ms(s->metrics));
    const int wait_ms = (int)sooner(timeout_ms, INT_MAX);
    if (poll(items, sizeof items / sizeof *items, wait_ms) < 0 && errno != EINTR)
        return kerf_fail(err, KERF_E_IO, NULL, "cannot wait for requests: %s", strerror(errno));
    release_held(s);
    if (items[1].revents & POLLIN)
        collect_jobs(s);
    if (items[2].revents & POLLIN)
        take_orders(s);
    if (s->zap)
        s->stats.refused_clients = zap_refusals(s->zap);
    if (s->metrics)
        metrics_run(s->metrics);
    return KERF_OK;
}

/* Answers what has been received by now, and what waits for a worker. What comes later is left to
 * another service, or to the next one at this endpoint: the client asks it again. (To unbind first
 * would cut connections over which replies are due.) */
static kerf_status drain(service *s, kerf_error *err)
{
    const uint64_t end = now_ns() + (uint64_t)(1e9 * s->options.drain_s);
    kerf_status status = KERF_OK;
    bool requests = true;
    while (requests && now_ns() < end)
        requests = answer_batch(s);
    while (status == KERF_OK && (s->queue.waiting > 0 || s->held.n > 0) && now_ns() < end) {
        status = wait_for_workers(s, s->held.n > 0 ? HELD_RETRY_MS : 20, err);
        release_held(s);
    }
    return status;
}

kerf_status service_run(service *s, kerf_error *err)
{
    kerf_error_clear(err);
    kerf_status status = KERF_OK;
    bool more = true;
    while (status == KERF_OK && !atomic_load(&s->stop_asked)) {
        status = poll_once(s, more ? 0 : -1, err);
        more = status == KERF_OK && answer_batch(s);
    }
    if (status == KERF_OK) {
        server_log(s, SERVICE_INFO, "stopping", NULL, 0);
        status = drain(s, err);
    }
    return status;
}

/* --- binding --- */

/* Whether an endpoint can be reached from this machine alone. */
static bool is_local(const char *endpoint)
{
    static const char *const local[] = {"ipc://",           "inproc://",    "tcp://127.",
                                        "tcp://localhost:", "tcp://[::1]:", "tcp://lo:"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strncmp(endpoint, local[i], strlen(local[i])) == 0)
            return true;
    return false;
}

static kerf_status check_endpoint(const service *s, const char *endpoint, kerf_error *err)
{
    if (strncmp(endpoint, "tcp://", 6) != 0 && strncmp(endpoint, "ipc://", 6) != 0)
        return kerf_fail(err, KERF_E_INVALID, endpoint,
                         "is no endpoint, expected such as " SERVICE_ENDPOINT
                         " or ipc:///run/kerf/kerf.sock");
    if (!is_local(endpoint) && !s->options.insecure && !s->options.curve_secret)
        return kerf_fail(err, KERF_E_INVALID, endpoint,
                         "can be reached from other machines, which needs CURVE keys "
                         "(--curve-secret, --authorized-keys), or --insecure where everybody in "
                         "the network is trusted");
    return KERF_OK;
}

static bool set_option(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static kerf_status bind_socket(service *s, void *socket, const char *endpoint, char **bound,
                               kerf_error *err)
{
    kerf_status status = check_endpoint(s, endpoint, err);
    if (status != KERF_OK)
        return status;
    /* With it on, IPv4 endpoints would be called ::ffff:127.0.0.1. */
    set_option(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
    if (zmq_bind(socket, endpoint) != 0)
        return kerf_fail(err, KERF_E_IO, endpoint, "cannot be bound: %s", zmq_strerror(errno));
    char name[512];
    size_t size = sizeof name;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, name, &size) != 0)
        snprintf(name, sizeof name, "%s", endpoint);
    *bound = kerf_strdup(name);
    return *bound ? KERF_OK : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

/* libzmq limits nothing by default. */
static bool set_limits(void *socket)
{
    const int64_t most = MAX_FRAME;
    return set_option(socket, ZMQ_LINGER, LINGER_MS) &&
           set_option(socket, ZMQ_SNDHWM, HIGH_WATER) &&
           set_option(socket, ZMQ_RCVHWM, HIGH_WATER) && set_option(socket, ZMQ_BACKLOG, BACKLOG) &&
           set_option(socket, ZMQ_TCP_KEEPALIVE, 1) &&
           set_option(socket, ZMQ_TCP_KEEPALIVE_IDLE, 60) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0;
}

static void log_refused_client(void *context, const char *address, const char *public_key)
{
    const service_field fields[] = {{"address", address}, {"public_key", public_key}};
    server_log(context, SERVICE_WARNING, "refused a client", fields, 2);
}

/* With a certificate, every endpoint speaks CURVE, and only to clients whose keys are known. */
static kerf_status secure(service *s, kerf_error *err)
{
    const char *path = s->options.curve_secret;
    if (!path != !s->options.authorized_keys)
        return kerf_fail(err, KERF_E_INVALID, path ? "authorized keys" : "secret key",
                         "are missing, expected both a certificate of the service's and a folder "
                         "of clients' public keys");
    if (!path)
        return KERF_OK;
    key_pair keys;
    void *sockets[] = {s->router, s->publisher};
    const int on = 1;
    kerf_status status = keys_load(path, true, &keys, err);
    if (status == KERF_OK)
        status = zap_start(s->zmq, s->options.authorized_keys, log_refused_client, s, &s->zap, err);
    for (size_t i = 0; status == KERF_OK && i < 2 && sockets[i]; i++)
        if (zmq_setsockopt(sockets[i], ZMQ_CURVE_SERVER, &on, sizeof on) != 0 ||
            zmq_setsockopt(sockets[i], ZMQ_CURVE_SECRETKEY, keys.secret_key, KEY_SIZE) != 0 ||
            zmq_setsockopt(sockets[i], ZMQ_ZAP_DOMAIN, "kerf", 4) != 0)
            status = kerf_fail(err, KERF_E_UNSUPPORTED, NULL, "cannot set up CURVE: %s",
                               zmq_strerror(errno));
    explicit_bzero(&keys, sizeof keys);
    return status;
}

static kerf_status open_sockets(service *s, kerf_error *err)
{
    s->zmq = zmq_ctx_new();
    if (s->zmq)
        zmq_ctx_set(s->zmq, ZMQ_IO_THREADS, (int)s->options.io_threads);
    s->router = s->zmq ? zmq_socket(s->zmq, ZMQ_ROUTER) : NULL;
    s->publisher = s->router && s->options.publish ? zmq_socket(s->zmq, ZMQ_PUB) : NULL;
    /* ROUTER_MANDATORY: a reply that cannot be delivered is counted, not lost silently. */
    if (!s->router || (s->options.publish && !s->publisher) || !set_limits(s->router) ||
        !set_option(s->router, ZMQ_ROUTER_MANDATORY, 1) ||
        (s->publisher && !set_limits(s->publisher)) ||
        zmq_getsockopt(s->router, ZMQ_FD, &s->router_fd, &(size_t){sizeof s->router_fd}) != 0)
        return kerf_fail(err, KERF_E_IO, NULL, "cannot open sockets: %s", zmq_strerror(errno));
    kerf_status status = secure(s, err);
    if (status == KERF_OK && s->options.metrics)
        status = metrics_start(s->options.metrics, &s->stats, &s->metrics, err);
    for (size_t i = 0; status == KERF_OK && i < s->options.n_binds && i < MAX_BINDS; i++) {
        status = bind_socket(s, s->router, s->options.binds[i], &s->endpoints[i], err);
        s->n_endpoints += status == KERF_OK;
    }
    if (status == KERF_OK && s->publisher)
        status = bind_socket(s, s->publisher, s->options.publish, &s->publish_endpoint, err);
    return status;
}

/* --- making and ending --- */

static const char *const usual_bind = SERVICE_ENDPOINT;

static void fill(size_t *option, size_t usual)
{
    *option = *option ? *option : usual;
}

static void fill_real(double *option, double usual)
{
    *option = *option > 0 ? *option : usual;
}

static void fill_text(const char **option, const char *usual)
{
    *option = *option ? *option : usual;
}

static void fill_options(service_options *o)
{
    if (o->n_binds == 0) {
        o->binds = &usual_bind;
        o->n_binds = 1;
    }
    fill_text(&o->defaults.device, "jetson-tx2");
    fill_text(&o->defaults.server, "edge-gpu");
    fill_text(&o->defaults.link, "wifi-n");
    fill(&o->threads, 2);
    fill(&o->io_threads, 1);
    fill(&o->cache_bytes, (size_t)256 << 20);
    fill(&o->device_bytes, (size_t)64 << 20);
    fill(&o->max_jobs, 256);
    fill(&o->max_waiting, 16384);
    fill_real(&o->time_limit_s, 5);
    o->margin = isnan(o->margin) ? 0.05 : o->margin;
    fill_real(&o->estimate_weight, 0.25);
    fill_real(&o->estimate_expiry_s, 60);
    fill_real(&o->drain_s, 5);
}

static kerf_status prepare(service *s, kerf_error *err)
{
    if (s->options.n_binds > MAX_BINDS)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "%zu endpoints, expected at most %d",
                         s->options.n_binds, MAX_BINDS);
    const kerf_status status = catalogue_load(s->options.folders, s->options.n_folders, NULL,
                                              reload_report, s, &s->catalogue, err);
    if (status != KERF_OK)
        return status;
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->workers = jobs_start(s->options.threads);
    if (s->wake_fd < 0 || !s->workers || !planning_init(s) ||
        !devices_init(&s->devices, s->options.device_bytes, s->options.estimate_weight,
                      s->options.estimate_expiry_s) ||
        !queue_init(&s->queue, s->options.max_waiting, s->options.max_jobs))
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory, or of threads");
    return open_sockets(s, err);
}

kerf_status service_create(const service_options *options, service **made, kerf_error *err)
{
    kerf_error_clear(err);
    service *s = kerf_calloc(1, sizeof *s);
    if (!s)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    s->options = *options;
    s->wake_fd = -1;
    s->stats.start_ns = now_ns();
    fill_options(&s->options);
    const kerf_status status = prepare(s, err);
    if (status != KERF_OK) {
        service_destroy(&s);
        return status;
    }
    for (size_t i = 0; i < s->n_endpoints; i++)
        log_text(s, SERVICE_INFO, "listening", "endpoint", s->endpoints[i]);
    if (s->publish_endpoint)
        log_text(s, SERVICE_INFO, "publishing", "endpoint", s->publish_endpoint);
    *made = s;
    return KERF_OK;
}

void service_destroy(service **made)
{
    service *s = *made;
    if (!s)
        return;
    jobs_stop(&s->workers, NULL);
    planning_clear(s); /* those who wait leave the queue */
    queue_clear(&s->queue, NULL);
    held_clear(&s->held);
    devices_clear(&s->devices);
    catalogue_drop(&s->catalogue);
    metrics_stop(&s->metrics);
    if (s->router)
        zmq_close(s->router);
    if (s->publisher)
        zmq_close(s->publisher);
    zap_stop(&s->zap);
    if (s->zmq)
        zmq_ctx_term(s->zmq);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    for (size_t i = 0; i < s->n_endpoints; i++)
        free(s->endpoints[i]);
    free(s->publish_endpoint);
    free(s->reply.text);
    free(s->key.text);
    free(s);
    *made = NULL;
}

const char *service_endpoint(const service *s, size_t i)
{
    return i < s->n_endpoints ? s->endpoints[i] : NULL;
}

const char *service_publish_endpoint(const service *s)
{
    return s->publish_endpoint;
}

unsigned service_metrics_port(const service *s)
{
    return s->metrics ? metrics_port(s->metrics) : 0;
}
