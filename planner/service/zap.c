#include "planner/service/zap.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#define ADDRESS     "inproc://zeromq.zap.01"
#define MOST_FRAMES 7 /* version, id, domain, address, identity, mechanism, key */
#define RAW_KEY     32
#define TEXT_SIZE   256

struct zap {
    void *socket;
    int stop_fd;
    bool running;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    const char *folder;
    char (*keys)[KEY_SIZE]; /* sorted */
    size_t n;
    uint64_t refusals;
    zap_refused *refused;
    void *refused_context;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_authorized(zap *z, const char *key)
{
    pthread_mutex_lock(&z->lock);
    const bool found = z->n > 0 && bsearch(key, z->keys, z->n, KEY_SIZE, by_text);
    z->refusals += !found;
    pthread_mutex_unlock(&z->lock);
    return found;
}

typedef struct request {
    char text[MOST_FRAMES][TEXT_SIZE]; /* each terminated */
    size_t size[MOST_FRAMES];
    size_t n; /* more than MOST_FRAMES are counted, not kept */
} request;

static bool receive(zap *z, request *r)
{
    r->n = 0;
    int more = 1;
    while (more) {
        char surplus[TEXT_SIZE];
        char *to = r->n < MOST_FRAMES ? r->text[r->n] : surplus;
        const int size = zmq_recv(z->socket, to, TEXT_SIZE - 1, ZMQ_DONTWAIT);
        if (size < 0)
            return false;
        const size_t kept = (size_t)size < TEXT_SIZE ? (size_t)size : TEXT_SIZE - 1;
        to[kept] = '\0';
        if (r->n < MOST_FRAMES)
            r->size[r->n] = (size_t)size;
        r->n++;
        size_t length = sizeof more;
        if (zmq_getsockopt(z->socket, ZMQ_RCVMORE, &more, &length) != 0)
            return false;
    }
    return true;
}

/* libzmq speaks ZAP 1.0; CURVE's credentials are the client's public key, 32 bytes. */
static bool allow(zap *z, const request *r)
{
    char key[KEY_SIZE] = "";
    if (r->n != MOST_FRAMES || strcmp(r->text[0], "1.0") != 0 || strcmp(r->text[5], "CURVE") != 0 ||
        r->size[6] != RAW_KEY || !zmq_z85_encode(key, (const uint8_t *)r->text[6], RAW_KEY))
        return false;
    if (is_authorized(z, key))
        return true;
    if (z->refused)
        z->refused(z->refused_context, r->text[3], key);
    return false;
}

static void answer(zap *z, const request *r)
{
    const bool allowed = allow(z, r);
    const char *const frames[] = {"1.0",
                                  r->n > 1 ? r->text[1] : "",
                                  allowed ? "200" : "400",
                                  allowed ? "OK" : "the public key is not authorized",
                                  allowed ? "device" : "",
                                  ""};
    const size_t n = sizeof frames / sizeof *frames;
    for (size_t i = 0; i < n; i++)
        zmq_send(z->socket, frames[i], strlen(frames[i]), i + 1 < n ? ZMQ_SNDMORE : 0);
}

static void *serve(void *context)
{
    zap *z = context;
    for (;;) {
        request r;
        zmq_pollitem_t items[] = {{.socket = z->socket, .events = ZMQ_POLLIN},
                                  {.fd = z->stop_fd, .events = ZMQ_POLLIN}};
        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (items[1].revents & ZMQ_POLLIN)
            return NULL;
        if ((items[0].revents & ZMQ_POLLIN) && receive(z, &r))
            answer(z, &r);
    }
}

kerf_status zap_reload(zap *z, kerf_error *err)
{
    char(*keys)[KEY_SIZE] = NULL;
    size_t n = 0;
    const kerf_status status = keys_load_folder(z->folder, &keys, &n, err);
    if (status != KERF_OK)
        return status;
    pthread_mutex_lock(&z->lock);
    char(*old)[KEY_SIZE] = z->keys;
    z->keys = keys;
    z->n = n;
    pthread_mutex_unlock(&z->lock);
    free(old);
    return KERF_OK;
}

size_t zap_keys(zap *z)
{
    pthread_mutex_lock(&z->lock);
    const size_t n = z->n;
    pthread_mutex_unlock(&z->lock);
    return n;
}

uint64_t zap_refusals(zap *z)
{
    pthread_mutex_lock(&z->lock);
    const uint64_t n = z->refusals;
    pthread_mutex_unlock(&z->lock);
    return n;
}

kerf_status zap_start(void *context, const char *folder, zap_refused *refused,
                      void *refused_context, zap **started, kerf_error *err)
{
    zap *z = kerf_calloc(1, sizeof *z);
    if (!z)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    *z = (zap){.folder = folder,
               .refused = refused,
               .refused_context = refused_context,
               .stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
               .socket = zmq_socket(context, ZMQ_REP)};
    pthread_mutex_init(&z->lock, NULL);
    const int no_linger = 0;
    kerf_status status = zap_reload(z, err);
    if (status == KERF_OK &&
        (z->stop_fd < 0 || !z->socket ||
         zmq_setsockopt(z->socket, ZMQ_LINGER, &no_linger, sizeof no_linger) != 0 ||
         zmq_bind(z->socket, ADDRESS) != 0))
        status = kerf_fail(err, KERF_E_IO, NULL, "cannot open the authentication's socket: %s",
                           zmq_strerror(errno));
    if (status == KERF_OK) {
        z->running = pthread_create(&z->thread, NULL, serve, z) == 0;
        if (!z->running)
            status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of threads");
    }
    if (status == KERF_OK)
        *started = z;
    else
        zap_stop(&z);
    return status;
}

void zap_stop(zap **started)
{
    zap *z = *started;
    if (!z)
        return;
    const uint64_t one = 1;
    if (z->running && write(z->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(z->thread, NULL);
    if (z->socket)
        zmq_close(z->socket);
    if (z->stop_fd >= 0)
        close(z->stop_fd);
    pthread_mutex_destroy(&z->lock);
    free(z->keys);
    free(z);
    *started = NULL;
}
