#include "planner/service/metrics.h"

#include "base/error.h"
#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CONNECTIONS 16
#define IDLE_S           10U
#define IDLE_MS          10000L

struct metrics {
    struct MHD_Daemon *daemon;
    const service_stats *stats;
    kerf_writer text;
    uint16_t port;
    int fd;
};

/* --- the text --- */

static void line(kerf_writer *w, const char *format, ...) KERF_PRINTF(2, 3);
static void line(kerf_writer *w, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (n > 0)
        kw_raw(w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void write_counter(kerf_writer *w, const char *name, const char *help, uint64_t value)
{
    line(w, "# HELP kerf_%s_total %s\n# TYPE kerf_%s_total counter\n", name, help, name);
    line(w, "kerf_%s_total %llu\n", name, (unsigned long long)value);
}

static void write_summary(kerf_writer *w, const char *name, const char *help, const histogram *h)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    line(w, "# HELP kerf_%s_seconds %s\n# TYPE kerf_%s_seconds summary\n", name, help, name);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        line(w, "kerf_%s_seconds{quantile=\"%g\"} %.9g\n", name, shares[i],
             histogram_quantile_s(h, shares[i]));
    line(w, "kerf_%s_seconds_sum %.9g\nkerf_%s_seconds_count %llu\n", name,
         1e-9 * (double)h->sum_ns, name, (unsigned long long)h->count);
}

void metrics_write(kerf_writer *w, const service_stats *stats)
{
    line(w,
         "# HELP kerf_uptime_seconds time since the start\n# TYPE kerf_uptime_seconds gauge\n"
         "kerf_uptime_seconds %.3f\n",
         1e-9 * (double)(now_ns() - stats->start_ns));
#define COUNTER(name, text) write_counter(w, #name, text, stats->name);
    SERVICE_COUNTER_LIST(COUNTER)
#undef COUNTER
    line(w, "# HELP kerf_operations_total requests by operation\n"
            "# TYPE kerf_operations_total counter\n");
    for (int op = 0; op < SERVICE_OPS; op++)
        line(w, "kerf_operations_total{op=\"%s\"} %llu\n", service_op_name((service_op)op),
             (unsigned long long)stats->by_op[op]);
    line(w, "# HELP kerf_errors_total error replies by code\n# TYPE kerf_errors_total counter\n");
    for (int code = SE_NONE + 1; code < SERVICE_CODES; code++)
        line(w, "kerf_errors_total{code=\"%s\"} %llu\n", service_code_name((service_code)code),
             (unsigned long long)stats->by_code[code]);
    write_summary(w, "latency", "from receiving a request to handing on its reply",
                  &stats->latency);
    write_summary(w, "solve", "of fresh solves", &stats->solve);
}

/* --- HTTP --- */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *text,
                               size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            "text/plain; version=0.0.4; charset=utf-8");
    const enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    metrics *m = context;
    (void)version, (void)upload, (void)state;
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n", 9);
    if (strcmp(url, "/metrics") != 0)
        return respond(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n", 13);
    m->text.used = 0;
    m->text.failed = false;
    metrics_write(&m->text, m->stats);
    if (!kw_finish(&m->text))
        return MHD_NO;
    return respond(connection, MHD_HTTP_OK, m->text.text, m->text.used);
}

/* --- addresses --- */

typedef union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

/* "HOST:PORT", ":PORT", "[HOST]:PORT" with a numeric host. */
static bool parse_address(const char *text, address *to)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return false;
    char *end = NULL;
    errno = 0;
    const long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end || errno || port < 0 || port > 65535 || colon[1] == '-' ||
        colon[1] == '+')
        return false;
    const size_t length = (size_t)(colon - text);
    memcpy(host, text, length);
    host[length] = '\0';
    memset(to, 0, sizeof *to);
    if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        to->v6.sin6_family = AF_INET6;
        to->v6.sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host + 1, &to->v6.sin6_addr) == 1;
    }
    to->v4.sin_family = AF_INET;
    to->v4.sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, *host ? host : "127.0.0.1", &to->v4.sin_addr) == 1;
}

/* --- making and ending --- */

static bool start_daemon(metrics *m, const address *at)
{
    const unsigned flags =
        MHD_USE_EPOLL | (at->any.sa_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0U);
    m->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, m, MHD_OPTION_SOCK_ADDR,
                                 &at->any, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
                                 MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
    if (!m->daemon)
        return false;
    const union MHD_DaemonInfo *fd = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    const union MHD_DaemonInfo *port = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);
    m->fd = fd ? fd->epoll_fd : -1;
    m->port = port ? port->port : 0;
    return m->fd >= 0;
}

kerf_status metrics_start(const char *text, const service_stats *stats, metrics **started,
                          kerf_error *err)
{
    address at;
    if (!parse_address(text, &at))
        return kerf_fail(err, KERF_E_INVALID, text,
                         "is no address for metrics, expected such as 127.0.0.1:9464");
    metrics *m = kerf_calloc(1, sizeof *m);
    if (!m)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    m->stats = stats;
    if (!start_daemon(m, &at)) {
        const int why = errno;
        metrics_stop(&m);
        return kerf_fail(err, KERF_E_IO, text, "cannot be bound: %s",
                         why ? strerror(why) : "the HTTP library refused");
    }
    *started = m;
    return KERF_OK;
}

void metrics_stop(metrics **started)
{
    metrics *m = *started;
    if (!m)
        return;
    if (m->daemon)
        MHD_stop_daemon(m->daemon);
    free(m->text.text);
    free(m);
    *started = NULL;
}

int metrics_fd(const metrics *m)
{
    return m->fd;
}

void metrics_run(metrics *m)
{
    MHD_run(m->daemon);
}

long metrics_timeout_ms(metrics *m)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    if (MHD_get_timeout(m->daemon, &ms) != MHD_YES)
        return -1;
    return ms < (unsigned long long)IDLE_MS ? (long)ms : IDLE_MS;
}

uint16_t metrics_port(const metrics *m)
{
    return m->port;
}
