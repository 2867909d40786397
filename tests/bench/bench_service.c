/* Two roles of the service's benchmark, which bench_service.py plays against kerf serve:
 *
 *   bench_service echo ENDPOINT BYTES
 *       a bare ROUTER that answers every message with BYTES bytes; prints the bound endpoint
 *   bench_service load ENDPOINT CLIENTS SECONDS RATE REQUEST
 *       DEALER clients that send the request, with any "####" in it replaced by other four digits
 *       every time; RATE 0: each has one on its way all the time, else so
 *       many a second in all, evenly spaced, however long the replies take. Prints the replies per
 *       second, their mean size, the median and 99th percentile of the latency in us, counted
 *       from when a request was due, and how many replies there were with those before counting.
 */
#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define WARM_S       0.2
#define MOST_SAMPLES ((size_t)4000000)

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_service: %s: %s\n", what, zmq_strerror(errno));
    return 1;
}

/* --- echo --- */

static int echo(const char *endpoint, size_t bytes)
{
    char *body = kerf_calloc(bytes + 1, 1), identity[256], bound[256];
    size_t size = sizeof bound;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
    if (!body || zmq_bind(socket, endpoint) != 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
        return fail(endpoint);
    printf("%s\n", bound);
    fflush(stdout);
    for (;;) {
        zmq_msg_t message;
        const int n = zmq_recv(socket, identity, sizeof identity, 0);
        zmq_msg_init(&message);
        if (n < 0 || zmq_msg_recv(&message, socket, 0) < 0)
            return fail("receive");
        zmq_msg_close(&message);
        zmq_send(socket, identity, (size_t)n, ZMQ_SNDMORE);
        zmq_send(socket, body, bytes, 0);
    }
}

/* --- load --- */

typedef struct load {
    void *context, **sockets;
    zmq_pollitem_t *items;
    double *due_s; /* by client: when what it waits for was due; 0: idle */
    size_t n;
    char *request, *digits; /* where the digits are, or NULL */
    size_t sent;
    float *samples_us;
    size_t n_samples, replies, bytes, waiting, all_replies;
} load;

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int open_load(load *l, const char *endpoint, size_t n)
{
    l->context = zmq_ctx_new();
    zmq_ctx_set(l->context, ZMQ_MAX_SOCKETS, (int)n + 8);
    l->sockets = kerf_calloc(n, sizeof *l->sockets);
    l->items = kerf_calloc(n, sizeof *l->items);
    l->due_s = kerf_calloc(n, sizeof *l->due_s);
    l->samples_us = kerf_calloc(MOST_SAMPLES, sizeof *l->samples_us);
    if (!l->sockets || !l->items || !l->due_s || !l->samples_us)
        return fail("memory");
    for (size_t i = 0; i < n; i++, l->n++) {
        const int linger = 0;
        l->sockets[i] = zmq_socket(l->context, ZMQ_DEALER);
        if (!l->sockets[i] || zmq_setsockopt(l->sockets[i], ZMQ_LINGER, &linger, sizeof linger) ||
            zmq_connect(l->sockets[i], endpoint) != 0)
            return fail(endpoint);
        l->items[i] = (zmq_pollitem_t){.socket = l->sockets[i], .events = ZMQ_POLLIN};
    }
    return 0;
}

static void close_load(load *l)
{
    for (size_t i = 0; i < l->n; i++)
        zmq_close(l->sockets[i]);
    zmq_ctx_term(l->context);
    free(l->sockets);
    free(l->items);
    free(l->due_s);
    free(l->samples_us);
}

static void send_request(load *l, size_t client, double due_s)
{
    for (size_t i = 0, n = 1000 + 7919 * l->sent++ % 9000; l->digits && i < 4; i++, n /= 10)
        l->digits[3 - i] = (char)('0' + n % 10);
    zmq_send(l->sockets[client], l->request, strlen(l->request), 0);
    l->due_s[client] = due_s;
    l->waiting++;
}

/* Takes the replies that are there; returns how many. */
static size_t take_replies(load *l, double count_from_s)
{
    size_t taken = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (!(l->items[i].revents & ZMQ_POLLIN))
            continue;
        zmq_msg_t message;
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, l->sockets[i], ZMQ_DONTWAIT) >= 0) {
            const double now = now_s();
            if (now >= count_from_s) {
                l->replies++;
                l->bytes += zmq_msg_size(&message);
                if (l->n_samples < MOST_SAMPLES)
                    l->samples_us[l->n_samples++] = (float)(1e6 * (now - l->due_s[i]));
            }
            l->due_s[i] = 0;
            l->waiting--;
            l->all_replies++;
            taken++;
        }
        zmq_msg_close(&message);
    }
    return taken;
}

/* A reply to each client: all are connected. */
static int greet(load *l)
{
    const double end_s = now_s() + 20;
    for (size_t i = 0; i < l->n; i++)
        send_request(l, i, now_s());
    while (l->waiting > 0 && now_s() < end_s) {
        zmq_poll(l->items, (int)l->n, 100);
        take_replies(l, end_s);
    }
    return l->waiting == 0 ? 0 : fail("connect");
}

/* One request of each client on its way all the time. */
static void run_closed(load *l, double start_s, double end_s)
{
    while (now_s() < end_s) {
        for (size_t i = 0; i < l->n; i++)
            if (l->due_s[i] == 0)
                send_request(l, i, now_s());
        zmq_poll(l->items, (int)l->n, 100);
        take_replies(l, start_s);
    }
}

/* So many a second, by whichever client is free; what was due while none was is sent late, and its
 * latency counts from when it was due. */
static void run_paced(load *l, double start_s, double end_s, double rate)
{
    double due_s = now_s();
    size_t next = 0;
    while (now_s() < end_s) {
        const double now = now_s();
        for (size_t tried = 0; due_s <= now && tried < l->n;) {
            if (l->due_s[next] == 0) {
                send_request(l, next, due_s);
                due_s += 1 / rate;
                tried = 0;
            } else {
                tried++;
            }
            next = (next + 1) % l->n;
        }
        zmq_poll(l->items, (int)l->n, due_s - now_s() > 0.002 ? 1 : 0);
        take_replies(l, start_s);
    }
}

static int run_load(char **arguments)
{
    load l = {.request = arguments[4], .digits = strstr(arguments[4], "####")};
    const size_t clients = strtoul(arguments[1], NULL, 10);
    const double seconds = strtod(arguments[2], NULL), rate = strtod(arguments[3], NULL);
    if (open_load(&l, arguments[0], clients) != 0 || greet(&l) != 0)
        return 1;
    const double start_s = now_s() + WARM_S, end_s = start_s + seconds;
    if (rate > 0)
        run_paced(&l, start_s, end_s, rate);
    else
        run_closed(&l, start_s, end_s);
    qsort(l.samples_us, l.n_samples, sizeof *l.samples_us, by_size);
    if (l.n_samples == 0)
        return fail("no reply");
    printf("%.1f %.1f %.1f %.1f %zu\n", (double)l.replies / seconds,
           (double)l.bytes / (double)l.replies, (double)l.samples_us[l.n_samples / 2],
           (double)l.samples_us[l.n_samples * 99 / 100], l.all_replies);
    close_load(&l);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "echo") == 0)
        return echo(argv[2], strtoul(argv[3], NULL, 10));
    if (argc == 7 && strcmp(argv[1], "load") == 0)
        return run_load(argv + 2);
    fprintf(stderr, "bench_service: expected echo or load, see the source\n");
    return 2;
}
