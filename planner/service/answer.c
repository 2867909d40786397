/* Each operation's answer; those about plans are in planning.c. */
#include "planner/service/server.h"

#include "base/error.h"
#include "kerf/kerf.h"

#include <string.h>

void answer_error(service *s, const reply_route *route, const char *id, size_t id_size,
                  service_code code, const kerf_error *err)
{
    s->reply.used = 0;
    s->reply.comma = false;
    s->stats.by_code[code]++;
    service_reply_error(&s->reply, id, id_size, code, err);
    server_send(s, route, &s->reply);
}

static kerf_writer *begin(service *s, const service_request *request)
{
    kerf_writer *w = &s->reply;
    w->used = 0;
    w->comma = false;
    service_reply_begin(w, request->id.text, request->id.used);
    return w;
}

static void finish(service *s, const reply_route *route)
{
    kw_end(&s->reply, '}');
    server_send(s, route, &s->reply);
}

static void ping(service *s, const reply_route *route, const service_request *request)
{
    kerf_writer *w = begin(s, request);
    kw_put_string(w, "kerf", kerf_version());
    finish(s, route);
}

static void stats(service *s, const reply_route *route, const service_request *request)
{
    kerf_writer *w = begin(s, request);
    kw_put_begin(w, "stats", '{');
    kw_put_string(w, "kerf", kerf_version());
    stats_write(w, &s->stats);
    kw_put_begin(w, "cache", '{');
    kw_put_integer(w, "entries", (int64_t)s->answers.n);
    kw_put_integer(w, "bytes", (int64_t)s->answers.bytes);
    kw_put_integer(w, "max_bytes", (int64_t)s->answers.max_bytes);
    kw_put_integer(w, "evicted", (int64_t)s->answers.evicted);
    kw_end(w, '}');
    kw_put_begin(w, "devices", '{');
    kw_put_integer(w, "known", (int64_t)s->devices.states.n);
    kw_put_integer(w, "bytes", (int64_t)s->devices.states.bytes);
    kw_put_integer(w, "evicted", (int64_t)s->devices.states.evicted);
    kw_end(w, '}');
    kw_put_begin(w, "queue", '{');
    kw_put_integer(w, "jobs", (int64_t)s->queue.n_jobs);
    kw_put_integer(w, "waiting", (int64_t)s->queue.waiting);
    kw_end(w, '}');
    kw_put_begin(w, "catalogue", '{');
    for (int kind = 0; kind < CATALOGUE_KINDS; kind++)
        kw_put_integer(w, catalogue_kind_plural((catalogue_kind)kind),
                       (int64_t)catalogue_count(s->catalogue, (catalogue_kind)kind));
    kw_end(w, '}');
    kw_end(w, '}');
    finish(s, route);
}

static void list(service *s, const reply_route *route, const service_request *request)
{
    kerf_writer *w = begin(s, request);
    for (int kind = 0; kind < CATALOGUE_KINDS; kind++) {
        const char *plural = catalogue_kind_plural((catalogue_kind)kind);
        if (request->kind && strcmp(request->kind, plural) != 0)
            continue;
        kw_put_begin(w, plural, '[');
        for (size_t i = 0; i < catalogue_count(s->catalogue, (catalogue_kind)kind); i++)
            catalogue_write_line(w, (catalogue_kind)kind,
                                 catalogue_at(s->catalogue, (catalogue_kind)kind, i));
        kw_end(w, ']');
    }
    finish(s, route);
}

static void describe(service *s, const reply_route *route, const service_request *request)
{
    static const service_code codes[] = {SE_UNKNOWN_NETWORK, SE_UNKNOWN_DEVICE, SE_UNKNOWN_SERVER,
                                         SE_UNKNOWN_LINK};
    const char *const names[] = {request->network, request->device, request->server,
                                 request->link.base};
    for (int kind = 0; kind < CATALOGUE_KINDS; kind++) {
        const char *name = names[kind];
        if (!name)
            continue;
        const catalogue_item *item = catalogue_find(s->catalogue, (catalogue_kind)kind, name);
        const char *word = catalogue_kind_name((catalogue_kind)kind);
        if (!item) {
            kerf_error err = {0};
            char pointer[32];
            snprintf(pointer, sizeof pointer, "/%s", word);
            kerf_fail(&err, KERF_E_INVALID, pointer, "the catalogue has no %s \"%.100s\"", word,
                      name);
            answer_error(s, route, request->id.text, request->id.used, codes[kind], &err);
            return;
        }
        kerf_writer *w = begin(s, request);
        kw_key(w, word);
        catalogue_write_item(w, (catalogue_kind)kind, item);
        finish(s, route);
        return;
    }
}

static void observe(service *s, const reply_route *route, const service_request *request)
{
    kerf_error err = {0};
    const char *base = request->link.base;
    if (base && !catalogue_find(s->catalogue, CATALOGUE_LINK, base)) {
        kerf_fail(&err, KERF_E_INVALID, "/link", "the catalogue has no link \"%.100s\"", base);
        answer_error(s, route, request->id.text, request->id.used, SE_UNKNOWN_LINK, &err);
        return;
    }
    device_state *state = devices_get(&s->devices, request->device_id);
    if (!state || !devices_observe(&s->devices, state, request, base, route->received_ns)) {
        kerf_fail(&err, KERF_E_NOMEM, NULL, "out of memory");
        answer_error(s, route, request->id.text, request->id.used, SE_INTERNAL, &err);
        return;
    }
    s->stats.observations++;
    kerf_writer *w = begin(s, request);
    kw_put_string(w, "device_id", request->device_id);
    devices_write(w, &s->devices, state, route->received_ns);
    finish(s, route);
    planning_observed(s, request->device_id);
}

static void dispatch(service *s, const reply_route *route, service_request *request,
                     const char *bytes, size_t size)
{
    switch (request->op) {
    case OP_PLAN:
    case OP_MAP:
        planning_answer(s, route, request, bytes, size);
        break;
    case OP_LIST:
        list(s, route, request);
        break;
    case OP_DESCRIBE:
        describe(s, route, request);
        break;
    case OP_OBSERVE:
        observe(s, route, request);
        break;
    case OP_STATE:
        planning_state(s, route, request, bytes, size);
        break;
    case OP_STATS:
        stats(s, route, request);
        break;
    default:
        ping(s, route, request);
    }
}

static void answer(service *s, const reply_route *route, const char *bytes, size_t size,
                   bool first_time)
{
    service_request request;
    kerf_error err = {0};
    const kerf_status status = service_decode(bytes, size, &request, &err);
    if (status == KERF_OK) {
        s->stats.by_op[request.op] += first_time;
        dispatch(s, route, &request, bytes, size);
    } else {
        const service_code code = request.refused ? request.refused : service_code_of(status);
        answer_error(s, route, request.id.text, request.id.used, code, &err);
    }
    service_request_clear(&request);
}

void answer_request(service *s, const reply_route *route, const char *bytes, size_t size)
{
    answer(s, route, bytes, size, true);
}

void answer_again(service *s, const reply_route *route, const char *bytes, size_t size)
{
    answer(s, route, bytes, size, false);
}
