/* Plans: looked up where they are kept, made by a worker where they are not. Whoever asks for what
 * is being made already waits for it; whoever asks for what is there waits for nobody. */
#include "planner/service/decision.h"
#include "planner/service/family.h"
#include "planner/service/server.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_BYTES 1024 /* a waiting request counts once more for each */

/* Who is to be told a decision. */
typedef struct asker {
    reply_route route;   /* no identity: nobody, the device has only been observed */
    const char *message; /* the request; NULL: an observation */
    size_t message_size;
    const char *id; /* JSON */
    size_t id_size;
    const char *current; /* the cut in use; NULL: not stated */
    double margin;       /* by which a new one must be better */
    const char *device_id;
    bool of_map;
} asker;

/* One who waits. The texts are in the same piece of memory. */
typedef struct waiter {
    struct waiter *next;
    queue_client *client;
    size_t weight;
    asker asker;
} waiter;

/* The value of an entry in the table of answers: one decision, or a family of them. */
typedef struct slot {
    decision *ready;
    family *family;
    bool hopeless; /* there is no family: each is decided on its own */
    waiter *first, *last;
} slot;

typedef struct plan_job {
    job job; /* the first member */
    table_entry *entry;
    catalogue *catalogue; /* keeps the items alive */
    service_question question;
    decision *decision; /* one of the two is made */
    family *family;
    kerf_status status; /* of the family */
    uint64_t took_ns;
} plan_job;

/* What there is to tell: an error, a plan's document, or its template and variables. */
typedef struct verdict {
    service_code code;
    const kerf_error *err;
    const char *json;
    size_t size;
    const plan_template *text;
    const plan_variables *variables;
    const char *cut_id;
    bool current_known; /* so `changed` says whether it was worth the change */
} verdict;

static verdict verdict_of(const decision *d)
{
    static const kerf_error no_memory = {.code = KERF_E_NOMEM, .message = "out of memory"};
    return (verdict){.code = d->code,
                     .err = d->err ? d->err : &no_memory,
                     .json = d->json,
                     .size = d->size,
                     .cut_id = d->cut_id};
}

static bool somebody_asks(const asker *a)
{
    return a->route.identity_size > 0;
}

/* --- replies --- */

static void write_document(kerf_writer *w, const char *key, const verdict *v)
{
    kw_key(w, key);
    if (v->text)
        plan_template_write(v->text, v->variables, w);
    else
        kw_value(w, v->json, v->size);
}

static void announce(service *s, const char *device_id, device_state *state, const verdict *v)
{
    if (strcmp(state->cut_id, v->cut_id) == 0)
        return;
    memcpy(state->cut_id, v->cut_id, sizeof state->cut_id);
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
    write_document(w, "plan", v);
    kw_end(w, '}');
    server_publish(s, device_id, w);
}

static void reply_plan(service *s, const asker *to, const verdict *v)
{
    kerf_writer *w = &s->reply;
    w->used = 0;
    w->comma = false;
    service_reply_begin(w, to->id, to->id_size);
    write_document(w, to->of_map ? "map" : "plan", v);
    if (to->current && !to->of_map) {
        const bool changed = strcmp(to->current, v->cut_id) != 0;
        kw_put_bool(w, "changed", changed);
        kw_put_bool(w, "current_known", v->current_known || !changed);
    }
    if (to->device_id)
        kw_put_string(w, "device_id", to->device_id);
    kw_end(w, '}');
    server_send(s, &to->route, w);
}

static void tell(service *s, const asker *to, const verdict *v)
{
    if (somebody_asks(to) && v->code != SE_NONE)
        answer_error(s, &to->route, to->id, to->id_size, v->code, v->err);
    else if (somebody_asks(to))
        reply_plan(s, to, v);
    device_state *state = to->device_id && v->code == SE_NONE && !to->of_map
                              ? devices_find(&s->devices, to->device_id)
                              : NULL;
    if (state)
        announce(s, to->device_id, state, v);
}

static void refuse(service *s, const asker *to, service_code code, const char *message)
{
    kerf_error err = {0};
    kerf_fail(&err, KERF_E_INTERNAL, NULL, "%s", message);
    if (somebody_asks(to))
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
    const size_t texts = a->message_size + a->id_size + current + device + 4;
    waiter *w = kerf_calloc(1, sizeof *w + texts);
    if (!w)
        return NULL;
    w->asker = *a;
    w->weight = 1 + texts / WEIGHT_BYTES;
    char *to = (char *)(w + 1);
    w->asker.message = a->message ? copy_text(&to, a->message, a->message_size) : NULL;
    w->asker.id = a->id_size ? copy_text(&to, a->id, a->id_size) : NULL;
    w->asker.current = a->current ? copy_text(&to, a->current, current) : NULL;
    w->asker.device_id = a->device_id ? copy_text(&to, a->device_id, device) : NULL;
    return w;
}

/* Queues the asker at a slot. False where there is no room: the asker has been told. */
static bool wait_for(service *s, slot *at, const asker *a, queue_client **client)
{
    waiter *w = waiter_create(a);
    if (!w) {
        refuse(s, a, SE_INTERNAL, "out of memory");
        return false;
    }
    *client = queue_enter(&s->queue, a->route.identity, a->route.identity_size, w->weight);
    if (!*client) {
        free(w);
        refuse(s, a, SE_OVERLOADED, "too many requests are waiting; ask again later");
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
        queue_leave(&s->queue, w->client, w->weight);
        free(w);
    }
    decision_destroy(&at->ready);
    family_destroy(&at->family);
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
    p->decision = decision_make(&p->question, stop);
    p->took_ns = now_ns() - start;
}

static void run_family(job *j, const atomic_bool *stop)
{
    (void)stop; /* a map is made within MAP_TIME_LIMIT_S */
    plan_job *p = (plan_job *)(void *)j;
    const uint64_t start = now_ns();
    kerf_error err = {0};
    p->status = family_make(&p->question.ask, &p->family, &err);
    p->took_ns = now_ns() - start;
}

static void free_plan_job(plan_job *p)
{
    decision_destroy(&p->decision);
    family_destroy(&p->family);
    question_clear(&p->question);
    catalogue_drop(&p->catalogue);
    free(p);
}

/* Those who wait at a slot, in their order; they are waiting no longer. */
static waiter *take_waiters(service *s, slot *at)
{
    waiter *first = at->first;
    at->first = at->last = NULL;
    for (waiter *w = first; w; w = w->next)
        queue_leave(&s->queue, w->client, w->weight);
    return first;
}

static void plan_done(job *j, void *context)
{
    plan_job *p = (plan_job *)(void *)j;
    service *s = context;
    if (!s) { /* the service is ending, and its table gone */
        free_plan_job(p);
        return;
    }
    slot *at = p->entry->value;
    static const decision lost = {.code = SE_INTERNAL};
    const decision *d = p->decision ? p->decision : &lost;
    const verdict v = verdict_of(d);
    s->stats.solves++;
    histogram_add(&s->stats.solve, p->took_ns);
    for (waiter *w = take_waiters(s, at), *next; w; w = next) {
        next = w->next;
        tell(s, &w->asker, &v);
        free(w);
    }
    p->entry->pinned = false;
    if (d->lasting) {
        at->ready = p->decision;
        p->decision = NULL;
        table_charge(&s->answers, p->entry, sizeof *at + decision_bytes(at->ready));
    } else {
        table_remove(&s->answers, p->entry);
    }
    free_plan_job(p);
}

/* Asks again what a waiter asked: now there is a family, or it is known that there is none. */
static void ask_once_more(service *s, const asker *a)
{
    if (a->message)
        answer_again(s, &a->route, a->message, a->message_size);
    else
        planning_observed(s, a->device_id);
}

static void family_done(job *j, void *context)
{
    plan_job *p = (plan_job *)(void *)j;
    service *s = context;
    if (!s) {
        free_plan_job(p);
        return;
    }
    slot *at = p->entry->value;
    waiter *waiters = take_waiters(s, at);
    s->stats.maps += p->family != NULL;
    histogram_add(&s->stats.solve, p->took_ns);
    at->family = p->family;
    at->hopeless = !p->family;
    p->family = NULL;
    p->entry->pinned = false;
    if (at->hopeless && p->status == KERF_E_NOMEM)
        table_remove(&s->answers, p->entry); /* which may pass */
    else
        table_charge(&s->answers, p->entry,
                     sizeof *at + (at->family ? family_bytes(at->family) : 0));
    free_plan_job(p);
    for (waiter *next; waiters; waiters = next) {
        next = waiters->next;
        ask_once_more(s, &waiters->asker);
        free(waiters);
    }
}

static plan_job *plan_job_create(service *s, table_entry *entry, bool of_family,
                                 const service_question *q)
{
    plan_job *p = kerf_calloc(1, sizeof *p);
    if (!p || !question_copy(q, &p->question)) {
        free(p);
        return NULL;
    }
    p->job = of_family ? (job){.run = run_family, .done = family_done}
                       : (job){.run = run_plan, .done = plan_done};
    p->entry = entry;
    p->catalogue = catalogue_keep(s->catalogue);
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

/* A new slot under the key at hand, with the asker waiting and a job under way. */
static void start(service *s, const asker *a, bool of_family, const service_question *q)
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
    plan_job *p = plan_job_create(s, entry, of_family, q);
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

/* Looks the question's key up. NULL without memory: the asker has been told. */
static bool find_slot(service *s, const asker *a, const service_question *q, bool of_family,
                      slot **at)
{
    s->key.used = 0;
    question_key_write(q, of_family, &s->key);
    if (s->key.failed) {
        s->key.failed = false;
        refuse(s, a, SE_INTERNAL, "out of memory");
        return false;
    }
    table_entry *entry = table_find(&s->answers, s->key.text, s->key.used);
    *at = entry ? entry->value : NULL;
    return true;
}

static void ask_alone(service *s, const asker *a, const service_question *q)
{
    slot *at = NULL;
    queue_client *client;
    if (!find_slot(s, a, q, false, &at))
        return;
    if (!at) {
        start(s, a, false, q);
    } else if (at->ready) {
        const verdict v = verdict_of(at->ready);
        s->stats.cache_hits++;
        tell(s, a, &v);
    } else if (wait_for(s, at, a, &client)) {
        s->stats.cache_waits++;
    }
}

/* The entry to answer with: the best one, or the one in use where that is not worth a change. */
static size_t choose(const family *f, const asker *a, size_t best, const kerf_conditions *now,
                     bool *known)
{
    *known = false;
    if (!a->current || !*a->current)
        return best;
    const size_t current = family_find_cut(f, a->current, now, known);
    if (current == KERF_NONE || family_loss(f, current, best, now) > a->margin)
        return best;
    return current;
}

/* False where the map does not say: nothing is feasible, or the conditions are beyond it. */
static bool tell_from_map(service *s, const asker *a, family *f, const service_question *q)
{
    const kerf_conditions now = family_conditions(&q->ask);
    const size_t best = family_find(f, &now);
    plan_variables variables;
    if (best == KERF_NONE)
        return false;
    verdict v = {.code = SE_NONE, .variables = &variables};
    const size_t entry = choose(f, a, best, &now, &v.current_known);
    v.cut_id = family_cut_id(f, entry);
    v.text = family_answer(f, entry, best, q->brief, q->link.name, &now, &variables);
    if (!v.text)
        return false;
    s->stats.map_hits++;
    tell(s, a, &v);
    return true;
}

/* Questions that ask for more than the best cut are decided on their own. */
static bool may_be_mapped(const service *s, const service_question *q)
{
    return !q->of_map && q->ask.top <= 1 && q->ask.solver == KERF_SOLVER_AUTO &&
           q->ask.time_limit_s >= s->options.time_limit_s;
}

static void ask(service *s, const asker *a, const service_question *q)
{
    slot *at = NULL;
    queue_client *client;
    if (!may_be_mapped(s, q)) {
        ask_alone(s, a, q);
        return;
    }
    if (!find_slot(s, a, q, true, &at))
        return;
    if (!at) {
        start(s, a, true, q);
    } else if (at->family ? !tell_from_map(s, a, at->family, q) : at->hopeless) {
        ask_alone(s, a, q);
    } else if (!at->family && wait_for(s, at, a, &client)) {
        s->stats.cache_waits++;
    }
}

static void fail(service *s, const asker *a, const service_request *request, kerf_status status,
                 const kerf_error *err)
{
    const service_code code = request->refused ? request->refused : service_code_of(status);
    if (somebody_asks(a))
        answer_error(s, &a->route, a->id, a->id_size, code, err);
}

/* Looks the question up and asks it; remembers it if a device asks for itself. */
static void resolve_and_ask(service *s, const asker *a, service_request *request,
                            const link_estimate *estimate, bool remember)
{
    service_question q;
    kerf_error err = {0};
    kerf_status status = question_resolve(s->catalogue, &s->options.defaults, estimate,
                                          s->options.time_limit_s, request, &q, &err);
    if (status != KERF_OK) {
        fail(s, a, request, status, &err);
        return;
    }
    if (remember && request->device_id) {
        device_state *state = devices_get(&s->devices, request->device_id);
        const char *base = q.link_item ? q.link_item->name : NULL;
        if (!state || !devices_remember(&s->devices, request->device_id, state, a->message,
                                        a->message_size, base)) {
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
                     .message = bytes,
                     .message_size = size,
                     .current = request->current,
                     .margin = isnan(request->margin) ? s->options.margin : request->margin,
                     .device_id = request->device_id,
                     .of_map = request->op == OP_MAP};
    resolve_and_ask(s, &a, request, estimate_for(s, request, route->received_ns, &estimate),
                    request->op == OP_PLAN);
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
        asker asks = *a;
        asks.margin = isnan(request.margin) ? s->options.margin : request.margin;
        resolve_and_ask(s, &asks, &request, estimated ? &estimate : NULL, false);
    }
    service_request_clear(&request);
    return true;
}

void planning_state(service *s, const reply_route *route, const service_request *request,
                    const char *bytes, size_t size)
{
    const asker a = {.route = *route,
                     .message = bytes,
                     .message_size = size,
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
    const device_state *state = devices_find(&s->devices, device_id);
    if (!state)
        return;
    /* What it was told last is what it runs. */
    char current[KERF_CUT_ID_SIZE];
    memcpy(current, state->cut_id, sizeof current);
    const asker nobody = {.device_id = device_id, .current = current};
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
