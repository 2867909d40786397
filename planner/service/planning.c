/* Plans: looked up where they are kept, made by a worker where they are not. Whoever asks for what
 * is being made already waits for it; whoever asks for what is there waits for nobody. */
#include "planner/service/decision.h"
#include "planner/service/server.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Who is to be told a decision. */
typedef struct asker {
    reply_route route; /* no identity: nobody, the device has only been observed */
    const char *id;    /* JSON */
    size_t id_size;
    const char *current; /* the cut in use; NULL: not stated */
    const char *device_id;
} asker;

/* One who waits. The texts are in the same piece of memory. */
typedef struct waiter {
    struct waiter *next;
    queue_client *client;
    asker asker;
} waiter;

/* The value of an entry in the table of answers. */
typedef struct slot {
    decision *ready; /* NULL: being made */
    waiter *first, *last;
} slot;

typedef struct plan_job {
    job job; /* the first member */
    table_entry *entry;
    catalogue *catalogue; /* keeps the items alive */
    service_question question;
    char *link_name;
    decision *made;
    uint64_t took_ns;
} plan_job;

/* --- replies --- */

static void announce(service *s, const char *device_id, device_state *state, const decision *d)
{
    if (strcmp(state->cut_id, d->cut_id) == 0)
        return;
    memcpy(state->cut_id, d->cut_id, sizeof state->cut_id);
    state->sequence++;
    if (!s->publisher)
        return;
    kerf_writer *w = &s->reply;
    w->used = 0;
    w->comma = false;
    kw_begin(w, '{');
    kw_put_integer(w, "v", SERVICE_VERSION);
    kw_put_string(w, "device_id", device_id);
    kw_put_integer(w, "sequence", (int64_t)state->sequence);
    kw_key(w, "plan");
    kw_value(w, d->json, d->size);
    kw_end(w, '}');
    server_publish(s, device_id, w);
}

static void reply_plan(service *s, const asker *to, const decision *d)
{
    kerf_writer *w = &s->reply;
    w->used = 0;
    w->comma = false;
    service_reply_begin(w, to->id, to->id_size);
    kw_key(w, "plan");
    kw_value(w, d->json, d->size);
    if (to->current)
        kw_put_bool(w, "changed", strcmp(to->current, d->cut_id) != 0);
    if (to->device_id)
        kw_put_string(w, "device_id", to->device_id);
    kw_end(w, '}');
    server_send(s, &to->route, w);
}

static void tell(service *s, const asker *to, const decision *d)
{
    if (to->route.identity_size > 0 && d->code != SE_NONE)
        answer_error(s, &to->route, to->id, to->id_size, d->code,
                     d->err ? d->err : &(kerf_error){.message = "out of memory"});
    else if (to->route.identity_size > 0)
        reply_plan(s, to, d);
    device_state *state =
        to->device_id && d->code == SE_NONE ? devices_find(&s->devices, to->device_id) : NULL;
    if (state)
        announce(s, to->device_id, state, d);
}

static void refuse(service *s, const asker *to, service_code code, const char *message)
{
    kerf_error err = {0};
    kerf_fail(&err, KERF_E_INTERNAL, NULL, "%s", message);
    if (to->route.identity_size > 0)
        answer_error(s, &to->route, to->id, to->id_size, code, &err);
}

/* --- waiting --- */

static char *copy_text(char **to, const char *text, size_t size)
{
    char *copy = memcpy(*to, text, size);
    copy[size] = '\0';
    *to += size + 1;
    return copy;
}

static waiter *waiter_create(const asker *a)
{
    const size_t current = a->current ? strlen(a->current) : 0;
    const size_t device = a->device_id ? strlen(a->device_id) : 0;
    waiter *w = kerf_calloc(1, sizeof *w + a->id_size + current + device + 3);
    if (!w)
        return NULL;
    w->asker = *a;
    char *to = (char *)(w + 1);
    w->asker.id = a->id_size ? copy_text(&to, a->id, a->id_size) : NULL;
    w->asker.current = a->current ? copy_text(&to, a->current, current) : NULL;
    w->asker.device_id = a->device_id ? copy_text(&to, a->device_id, device) : NULL;
    return w;
}

/* Queues the asker at a slot. False where there is no room: the asker has been told. */
static bool wait_for(service *s, slot *at, const asker *a, queue_client **client)
{
    *client = queue_enter(&s->queue, a->route.identity, a->route.identity_size);
    if (!*client) {
        refuse(s, a, SE_OVERLOADED, "too many requests are waiting; ask again later");
        return false;
    }
    waiter *w = waiter_create(a);
    if (!w) {
        queue_leave(&s->queue, *client);
        refuse(s, a, SE_INTERNAL, "out of memory");
        return false;
    }
    w->client = *client;
    *(at->last ? &at->last->next : &at->first) = w;
    at->last = w;
    return true;
}

static void slot_destroy(service *s, slot *at)
{
    for (waiter *w = at->first, *next; w; w = next) {
        next = w->next;
        queue_leave(&s->queue, w->client);
        free(w);
    }
    decision_destroy(&at->ready);
    free(at);
}

static void release_entry(void *context, table_entry *entry)
{
    if (entry->value)
        slot_destroy(context, entry->value);
}

/* --- jobs --- */

static void run_plan(job *j, const atomic_bool *stop)
{
    plan_job *p = (plan_job *)(void *)j;
    const uint64_t start = now_ns();
    p->made = decision_make(&p->question.ask, stop);
    p->took_ns = now_ns() - start;
}

static void free_plan_job(plan_job *p)
{
    decision_destroy(&p->made);
    question_clear(&p->question);
    catalogue_drop(&p->catalogue);
    free(p->link_name);
    free(p);
}

/* The entry is not in the table any more if the service is ending (`context` NULL). */
static void plan_done(job *j, void *context)
{
    plan_job *p = (plan_job *)(void *)j;
    service *s = context;
    if (!s) {
        free_plan_job(p);
        return;
    }
    slot *at = p->entry->value;
    static const decision lost = {.code = SE_INTERNAL};
    const decision *d = p->made ? p->made : &lost;
    s->stats.solves++;
    histogram_add(&s->stats.solve, p->took_ns);
    while (at->first) {
        waiter *w = at->first;
        at->first = w->next;
        tell(s, &w->asker, d);
        queue_leave(&s->queue, w->client);
        free(w);
    }
    at->last = NULL;
    p->entry->pinned = false;
    if (d->lasting) {
        at->ready = p->made;
        p->made = NULL;
        table_charge(&s->answers, p->entry, sizeof *at + decision_bytes(at->ready));
    } else {
        table_remove(&s->answers, p->entry);
    }
    free_plan_job(p);
}

/* Takes the question over. */
static plan_job *plan_job_create(service *s, table_entry *entry, service_question *q)
{
    plan_job *p = kerf_calloc(1, sizeof *p);
    char *name = kerf_strdup(q->link.name);
    if (!p || !name) {
        free(p);
        free(name);
        return NULL;
    }
    p->job = (job){.run = run_plan, .done = plan_done};
    p->entry = entry;
    p->catalogue = catalogue_keep(s->catalogue);
    p->question = *q;
    q->pins = NULL;
    p->link_name = p->question.link.name = name;
    question_settle(&p->question);
    return p;
}

void planning_dispatch(service *s)
{
    while (jobs_idle(s->workers) > 0) {
        job *j = queue_pop(&s->queue);
        if (!j)
            return;
        jobs_give(s->workers, j);
    }
}

/* --- asking --- */

/* A new slot, with the asker waiting and a job under way. */
static void start(service *s, const asker *a, service_question *q)
{
    table_entry *entry = table_add(&s->answers, s->key.text, s->key.used);
    slot *at = entry ? kerf_calloc(1, sizeof *at) : NULL;
    queue_client *client = NULL;
    if (!at) {
        if (entry)
            table_remove(&s->answers, entry);
        refuse(s, a, SE_INTERNAL, "out of memory");
        return;
    }
    entry->value = at;
    entry->pinned = true;
    if (!wait_for(s, at, a, &client)) {
        table_remove(&s->answers, entry);
        return;
    }
    plan_job *p = plan_job_create(s, entry, q);
    if (p && queue_push(&s->queue, client, &p->job)) {
        s->stats.cache_misses++;
        planning_dispatch(s);
        return;
    }
    const bool memory = p != NULL;
    if (p)
        free_plan_job(p);
    table_remove(&s->answers, entry);
    refuse(s, a, memory ? SE_OVERLOADED : SE_INTERNAL,
           memory ? "too many fresh solves are waiting; ask again later" : "out of memory");
}

static void ask(service *s, const asker *a, service_question *q)
{
    s->key.used = 0;
    question_key_write(q, true, &s->key);
    if (s->key.failed) {
        s->key.failed = false;
        refuse(s, a, SE_INTERNAL, "out of memory");
        return;
    }
    table_entry *entry = table_find(&s->answers, s->key.text, s->key.used);
    slot *at = entry ? entry->value : NULL;
    queue_client *client;
    if (!at) {
        start(s, a, q);
    } else if (at->ready) {
        s->stats.cache_hits++;
        tell(s, a, at->ready);
    } else if (wait_for(s, at, a, &client)) {
        s->stats.cache_waits++;
    }
}

static void fail(service *s, const asker *a, const service_request *request, kerf_status status,
                 const kerf_error *err)
{
    const service_code code = request->refused ? request->refused : service_code_of(status);
    if (a->route.identity_size > 0)
        answer_error(s, &a->route, a->id, a->id_size, code, err);
}

/* Looks the question up and asks it; remembers it if a device asks for itself. */
static void resolve_and_ask(service *s, const asker *a, service_request *request,
                            const link_estimate *estimate, const char *bytes, size_t size)
{
    service_question q;
    kerf_error err = {0};
    kerf_status status = question_resolve(s->catalogue, &s->options.defaults, estimate,
                                          s->options.time_limit_s, request, &q, &err);
    if (status != KERF_OK) {
        fail(s, a, request, status, &err);
        return;
    }
    if (bytes && request->device_id) {
        device_state *state = devices_get(&s->devices, request->device_id);
        const char *base = q.link_item ? q.link_item->name : NULL;
        if (!state ||
            !devices_remember(&s->devices, request->device_id, state, bytes, size, base)) {
            refuse(s, a, SE_INTERNAL, "out of memory");
            question_clear(&q);
            return;
        }
    }
    ask(s, a, &q);
    question_clear(&q);
}

/* The estimate that stands in for a link that the request leaves out. */
static const link_estimate *estimate_for(service *s, const service_request *request, uint64_t now,
                                         link_estimate *estimate)
{
    if (!request->device_id || request->link.given)
        return NULL;
    const device_state *state = devices_find(&s->devices, request->device_id);
    if (!state)
        return NULL;
    if (devices_estimate(&s->devices, state, now, estimate))
        return estimate;
    link_unstated(&estimate->figures); /* stale: the device's usual link, as its profile says */
    estimate->base = state->base;
    return estimate;
}

void planning_answer(service *s, const reply_route *route, service_request *request,
                     const char *bytes, size_t size)
{
    link_estimate estimate;
    const asker a = {.route = *route,
                     .id = request->id.text,
                     .id_size = request->id.used,
                     .current = request->current,
                     .device_id = request->device_id};
    resolve_and_ask(s, &a, request, estimate_for(s, request, route->received_ns, &estimate), bytes,
                    size);
}

/* Asks again what the device asked last, for its link as it is estimated now. */
static bool ask_again(service *s, const asker *a, const device_state *state, uint64_t now)
{
    service_request request;
    kerf_error err = {0};
    if (!state->question)
        return false;
    const kerf_status status =
        service_decode(state->question, state->question_size, &request, &err);
    link_estimate estimate;
    const bool estimated = devices_estimate(&s->devices, state, now, &estimate);
    if (status == KERF_OK) {
        kerf_link *asked = &request.link.fields;
        if (estimated) /* what is observed counts, not what was stated when it asked */
            asked->rate_bps[KERF_UPLINK] = asked->rate_bps[KERF_DOWNLINK] = asked->rtt_s = NAN;
        if (estimated && request.link.given && !request.link.complete)
            request.link.given = false;
        resolve_and_ask(s, a, &request, estimated ? &estimate : NULL, NULL, 0);
    }
    service_request_clear(&request);
    return true;
}

void planning_state(service *s, const reply_route *route, const service_request *request)
{
    const asker a = {.route = *route,
                     .id = request->id.text,
                     .id_size = request->id.used,
                     .device_id = request->device_id};
    kerf_error err = {0};
    const device_state *state = devices_find(&s->devices, request->device_id);
    if (state && ask_again(s, &a, state, route->received_ns))
        return;
    kerf_fail(&err, KERF_E_INVALID, "/device_id",
              state ? "device \"%.100s\" has not asked for a plan yet"
                    : "no device \"%.100s\" has been heard of",
              request->device_id);
    answer_error(s, route, request->id.text, request->id.used, SE_UNKNOWN_DEVICE, &err);
}

void planning_observed(service *s, const char *device_id)
{
    const asker nobody = {.device_id = device_id};
    const device_state *state = devices_find(&s->devices, device_id);
    if (state)
        ask_again(s, &nobody, state, now_ns());
}

bool planning_init(service *s)
{
    return table_init(&s->answers, s->options.cache_bytes, release_entry, s);
}

void planning_clear(service *s)
{
    table_clear(&s->answers);
}
