#include "planner/service/answer_read.h"

#include "base/error.h"
#include "base/memory.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kerf_answer_destroy(kerf_answer **answer)
{
    kerf_answer *a = answer ? *answer : NULL;
    if (!a)
        return;
    for (size_t i = 0; i < a->n_tensors; i++)
        free(a->tensors[i]);
    for (size_t i = 0; i < a->n_device_operators; i++)
        free(a->device_operators[i]);
    free(a->tensors);
    free(a->device_operators);
    free(a->device_id);
    free(a->json);
    free(a);
    *answer = NULL;
}

static bool copy_text(const kerf_json *at, const char *text, char **copy)
{
    *copy = kerf_strdup(text);
    return *copy || kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

/* Names: the elements themselves, or their "name". */
static bool read_names(const kerf_json *object, const char *key, bool named, char ***names,
                       size_t *n)
{
    kerf_json list;
    size_t length = 0;
    if (!kerf_json_array(object, key, KERF_REQUIRED, &list, &length))
        return false;
    *names = kerf_calloc(length, sizeof **names);
    if (!*names)
        return kerf_json_fail(object, KERF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < length; i++) {
        const kerf_json element = kerf_json_at(&list, i);
        const char *text = NULL;
        const bool read = named ? kerf_json_string(&element, "name", KERF_REQUIRED, &text)
                                : kerf_json_as_string(&element, &text);
        if (!read || !copy_text(&element, text, &(*names)[i]))
            return false;
        ++*n;
    }
    return true;
}

static bool read_short(const kerf_json *object, const char *key, char *text, size_t size)
{
    const char *got = NULL;
    if (!kerf_json_string(object, key, KERF_REQUIRED, &got))
        return false;
    snprintf(text, size, "%s", got);
    return true;
}

static bool read_plan(const kerf_json *plan, kerf_answer *a)
{
    kerf_json cut, cost, throughput;
    if (!kerf_json_as_object(plan) || !kerf_json_object(plan, "cut", KERF_REQUIRED, &cut) ||
        !kerf_json_object(plan, "cost", KERF_REQUIRED, &cost))
        return false;
    read_short(plan, "cut_id", a->cut_id, sizeof a->cut_id);
    read_short(plan, "power_mode", a->power_mode, sizeof a->power_mode);
    kerf_json_number(&cost, "device_energy_J", KERF_REQUIRED, 0, DBL_MAX, &a->device_energy_J);
    kerf_json_number(&cost, "latency_s", KERF_REQUIRED, 0, DBL_MAX, &a->latency_s);
    /* null: nothing takes any time. */
    if (kerf_json_member(&cost, "throughput_per_s", KERF_REQUIRED, &throughput) &&
        !json_is_null(throughput.value))
        kerf_json_as_number(&throughput, 0, DBL_MAX, &a->throughput_per_s);
    return read_names(&cut, "tensors", true, &a->tensors, &a->n_tensors) &&
           read_names(&cut, "device_operators", false, &a->device_operators,
                      &a->n_device_operators);
}

/* The plan's own text, compact. */
static bool keep_text(const kerf_json *plan, kerf_answer *a)
{
    a->json = json_dumps(plan->value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    return a->json || kerf_json_fail(plan, KERF_E_NOMEM, "out of memory");
}

static bool read_envelope(const kerf_json *root, kerf_answer *a)
{
    kerf_json plan, at;
    const char *device_id = NULL;
    if (kerf_json_member(root, "changed", KERF_OPTIONAL, &at))
        kerf_json_as_bool(&at, &a->changed);
    if (kerf_json_member(root, "device_id", KERF_OPTIONAL, &at) &&
        kerf_json_as_string(&at, &device_id) && !copy_text(&at, device_id, &a->device_id))
        return false;
    return kerf_json_member(root, "plan", KERF_REQUIRED, &plan) && read_plan(&plan, a) &&
           keep_text(&plan, a);
}

typedef bool reader(const kerf_json *root, kerf_answer *a);

static kerf_status read_with(reader *read, const char *json, size_t size, kerf_answer **answer,
                             kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_answer *a = kerf_calloc(1, sizeof *a);
    if (!a)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    a->changed = true;
    kerf_status status = kerf_json_parse(json, size, "reply", NULL, &doc, err);
    if (status == KERF_OK) {
        const kerf_json root = kerf_json_root(doc);
        read(&root, a);
        status = kerf_json_close(&doc);
    }
    if (status == KERF_OK) {
        *answer = a;
        a = NULL;
    }
    kerf_answer_destroy(&a);
    return status;
}

static bool read_document(const kerf_json *root, kerf_answer *a)
{
    return read_plan(root, a) && keep_text(root, a);
}

kerf_status answer_of_plan(const char *json, size_t size, kerf_answer **answer, kerf_error *err)
{
    return read_with(read_document, json, size, answer, err);
}

kerf_status answer_of_announcement(const char *text, size_t size, kerf_answer **answer,
                                   kerf_error *err)
{
    return read_with(read_envelope, text, size, answer, err);
}

/* --- refusals --- */

static service_code code_of(const char *name)
{
    for (int code = SE_NONE + 1; code < SERVICE_CODES; code++)
        if (strcmp(name, service_code_name((service_code)code)) == 0)
            return (service_code)code;
    return SE_INTERNAL;
}

static kerf_status status_of(service_code code)
{
    switch (code) {
    case SE_INFEASIBLE:
        return KERF_E_INFEASIBLE;
    case SE_TIME_LIMIT:
        return KERF_E_TIME_LIMIT;
    case SE_TOO_LARGE:
        return KERF_E_TOO_LARGE;
    case SE_OVERLOADED:
        return KERF_E_IO;
    case SE_INTERNAL:
        return KERF_E_INTERNAL;
    default:
        return KERF_E_INVALID;
    }
}

bool answer_refusal(const char *reply, service_code *code, kerf_error *refusal)
{
    kerf_json_doc *doc = NULL;
    kerf_json error;
    bool ok = true;
    const char *name = "", *message = "", *pointer = "";
    if (kerf_json_parse(reply, strlen(reply), NULL, NULL, &doc, NULL) != KERF_OK)
        return false;
    const kerf_json root = kerf_json_root(doc);
    kerf_json_bool(&root, "ok", KERF_REQUIRED, &ok);
    if (!ok && kerf_json_object(&root, "error", KERF_REQUIRED, &error)) {
        kerf_json_string(&error, "code", KERF_REQUIRED, &name);
        kerf_json_string(&error, "message", KERF_OPTIONAL, &message);
        kerf_json_string(&error, "pointer", KERF_OPTIONAL, &pointer);
    }
    *code = ok ? SE_NONE : code_of(name);
    if (!ok)
        kerf_fail(refusal, status_of(*code), pointer, "%s",
                  *message ? message
                  : *name  ? name
                           : "refuses, and does not say why");
    kerf_json_close(&doc);
    return !ok;
}

kerf_status answer_of_reply(const char *reply, size_t size, kerf_answer **answer, kerf_error *err)
{
    service_code code = SE_NONE;
    kerf_error refusal = {0};
    if (!answer_refusal(reply, &code, &refusal))
        return read_with(read_envelope, reply, size, answer, err);
    if (err)
        *err = refusal;
    return refusal.code;
}
