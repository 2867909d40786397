#include "planner/service/protocol.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/link_json.h"
#include "planner/service/link_figures.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ID 1024 /* bytes of a text as an id */

const char *service_op_name(service_op op)
{
    static const char *const names[] = {
#define NAME(op, name) name,
        SERVICE_OP_LIST(NAME)
#undef NAME
    };
    return names[op];
}

const char *service_code_name(service_code code)
{
    static const char *const names[] = {
#define NAME(code, name) name,
        SERVICE_ERROR_LIST(NAME)
#undef NAME
    };
    return names[code];
}

service_code service_code_of(kerf_status status)
{
    switch (status) {
    case KERF_OK:
        return SE_NONE;
    case KERF_E_SYNTAX:
        return SE_BAD_JSON;
    case KERF_E_INVALID:
    case KERF_E_UNSUPPORTED:
    case KERF_E_UNRESOLVED:
        return SE_BAD_REQUEST;
    case KERF_E_TOO_LARGE:
        return SE_TOO_LARGE;
    case KERF_E_INFEASIBLE:
        return SE_INFEASIBLE;
    case KERF_E_TIME_LIMIT:
        return SE_TIME_LIMIT;
    default:
        return SE_INTERNAL;
    }
}

/* --- envelope --- */

static bool read_id(const kerf_json *root, service_request *r)
{
    kerf_json at;
    if (!kerf_json_member(root, "id", KERF_OPTIONAL, &at))
        return !kerf_json_failed(root->doc);
    kerf_writer *w = &r->id;
    switch (json_typeof(at.value)) {
    case JSON_INTEGER:
        kw_integer(w, json_integer_value(at.value));
        break;
    case JSON_REAL:
        kw_number(w, json_real_value(at.value));
        break;
    case JSON_STRING:
        if (json_string_length(at.value) > MAX_ID)
            return kerf_json_fail(&at, KERF_E_INVALID,
                                  "is a text of %zu bytes, expected at most %d",
                                  json_string_length(at.value), MAX_ID);
        kw_string(w, json_string_value(at.value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        kw_bool(w, json_is_true(at.value));
        break;
    case JSON_NULL:
        break;
    default:
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "is an object or an array, expected a number or a text");
    }
    return !w->failed || kerf_json_fail(&at, KERF_E_NOMEM, "out of memory");
}

static bool read_version(const kerf_json *root, service_request *r)
{
    kerf_json at;
    if (!kerf_json_member(root, "v", KERF_REQUIRED, &at))
        return false;
    if (json_is_integer(at.value) && json_integer_value(at.value) == SERVICE_VERSION)
        return true;
    r->refused = SE_UNSUPPORTED_VERSION;
    return kerf_json_fail(&at, KERF_E_UNSUPPORTED,
                          "is a version of the protocol that is not spoken here, expected %d",
                          SERVICE_VERSION);
}

/* One of a list of words, as its index; `none` ends the list. */
static bool read_word(const kerf_json *object, const char *key, const char *const *words,
                      kerf_presence presence, int *index)
{
    kerf_json at;
    const char *text = NULL;
    if (!kerf_json_member(object, key, presence, &at) || !kerf_json_as_string(&at, &text))
        return !kerf_json_failed(object->doc);
    char known[256] = "";
    size_t used = 0;
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *index = i;
            return true;
        }
        const int n =
            snprintf(known + used, sizeof known - used, "%s\"%s\"", i ? ", " : "", words[i]);
        used += n > 0 && (size_t)n < sizeof known - used ? (size_t)n : 0;
    }
    return kerf_json_fail(&at, KERF_E_INVALID, "is \"%.60s\", expected one of %s", text, known);
}

static bool read_op(const kerf_json *root, service_request *r)
{
    static const char *const words[] = {
#define NAME(op, name) name,
        SERVICE_OP_LIST(NAME)
#undef NAME
            NULL};
    int op = 0;
    if (!read_word(root, "op", words, KERF_REQUIRED, &op))
        return false;
    r->op = (service_op)op;
    return true;
}

/* A text that is not empty and not absurdly long. */
static bool read_name(const kerf_json *object, const char *key, kerf_presence presence,
                      const char **text)
{
    kerf_json at;
    const char *got = NULL;
    if (!kerf_json_member(object, key, presence, &at) || !kerf_json_as_string(&at, &got))
        return !kerf_json_failed(object->doc);
    const size_t length = strlen(got);
    if (length == 0 || length > SERVICE_MAX_NAME)
        return kerf_json_fail(&at, KERF_E_INVALID, "is a text of %zu bytes, expected 1 to %d",
                              length, SERVICE_MAX_NAME);
    *text = got;
    return true;
}

/* --- the question --- */

static bool read_link(const kerf_json *root, request_link *link)
{
    kerf_json at, format;
    link_unstated(&link->fields);
    if (!kerf_json_member(root, "link", KERF_OPTIONAL, &at))
        return !kerf_json_failed(root->doc);
    link->given = true;
    if (json_is_string(at.value))
        return read_name(root, "link", KERF_OPTIONAL, &link->base);
    if (!json_is_object(at.value))
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "is neither a name nor an object, expected such as \"wifi-n\" or "
                              "{\"uplink\": \"12 Mbit/s\", \"rtt\": \"20 ms\"}");
    const char *unused = NULL;
    if (!read_name(&at, "base", KERF_OPTIONAL, &link->base) ||
        !read_name(&at, "name", KERF_OPTIONAL, &link->name))
        return false;
    kerf_json_string(&at, "description", KERF_OPTIONAL, &unused);
    kerf_json_string(&at, "provenance", KERF_OPTIONAL, &unused);
    if (kerf_json_member(&at, "format", KERF_OPTIONAL, &format)) {
        const char *text = "";
        link->complete = true;
        if (kerf_json_as_string(&format, &text) && strcmp(text, "kerf-link/1") != 0)
            return kerf_json_fail(&format, KERF_E_INVALID, "is \"%.60s\", expected \"kerf-link/1\"",
                                  text);
    }
    return kerf_link_read_fields(&at, &link->fields) && kerf_json_done(&at);
}

/* "weighted:energy=W,latency=W" */
static bool read_weights(const kerf_json *at, const char *text, service_request *r)
{
    static const char *const keys[] = {"energy=", "latency="};
    double *const weights[] = {&r->weight_energy, &r->weight_latency};
    bool given[2] = {false, false};
    const char *p = text + strlen("weighted");
    for (char before = ':'; *p == before; before = ',') {
        p++;
        const int which = strncmp(p, keys[0], strlen(keys[0])) == 0   ? 0
                          : strncmp(p, keys[1], strlen(keys[1])) == 0 ? 1
                                                                      : -1;
        char number[64];
        if (which < 0 || given[which])
            break;
        p += strlen(keys[which]);
        const size_t length = strspn(p, "0123456789.eE+-");
        if (length == 0 || length + 3 > sizeof number)
            break;
        /* As so many seconds: independent of the locale, unlike strtod. */
        snprintf(number, sizeof number, "%.*s s", (int)length, p);
        if (kerf_parse_quantity(number, KERF_TIME, weights[which], NULL) != KERF_OK)
            break;
        given[which] = true;
        p += length;
    }
    if (*p || !(given[0] || given[1]))
        return kerf_json_fail(at, KERF_E_INVALID,
                              "is \"%.60s\", expected such as \"weighted:energy=1,latency=2\"",
                              text);
    r->objective = KERF_OBJ_WEIGHTED;
    return true;
}

static bool read_objective(const kerf_json *root, service_request *r)
{
    kerf_json at;
    const char *text = NULL;
    if (!kerf_json_member(root, "objective", KERF_OPTIONAL, &at) ||
        !kerf_json_as_string(&at, &text))
        return !kerf_json_failed(root->doc);
    if (strncmp(text, "weighted", strlen("weighted")) == 0)
        return read_weights(&at, text, r);
    static const char *const words[] = {
#define NAME(code, name, unit) name,
        KERF_OBJECTIVE_LIST(NAME)
#undef NAME
            NULL};
    int objective = 0;
    if (!read_word(root, "objective", words, KERF_OPTIONAL, &objective))
        return false;
    r->objective = (kerf_objective)objective;
    return true;
}

static bool read_side(const kerf_json *at, kerf_side *side)
{
    const char *text = NULL;
    if (!kerf_json_as_string(at, &text))
        return false;
    *side = strcmp(text, "device") == 0   ? KERF_SIDE_DEVICE
            : strcmp(text, "server") == 0 ? KERF_SIDE_SERVER
                                          : KERF_SIDE_FREE;
    return *side != KERF_SIDE_FREE ||
           kerf_json_fail(at, KERF_E_INVALID, "is \"%.60s\", expected \"device\" or \"server\"",
                          text);
}

/* {"OPERATOR": "device", ...} */
static bool read_pins(const kerf_json *root, service_request *r)
{
    kerf_json at, member;
    if (!kerf_json_object(root, "pins", KERF_OPTIONAL, &at))
        return !kerf_json_failed(root->doc);
    const size_t n = json_object_size(at.value);
    if (n > SERVICE_MAX_PINS)
        return kerf_json_fail(&at, KERF_E_TOO_LARGE, "has %zu members, expected at most %d", n,
                              SERVICE_MAX_PINS);
    r->pins = kerf_calloc(n, sizeof *r->pins);
    if (!r->pins)
        return kerf_json_fail(&at, KERF_E_NOMEM, "out of memory");
    for (void *iterator = NULL; kerf_json_next(&at, &iterator, &member);) {
        kerf_side side = KERF_SIDE_FREE;
        if (!read_side(&member, &side))
            return false;
        r->pins[r->n_pins++] = (request_pin){member.key, side};
    }
    return !kerf_json_failed(root->doc);
}

/* A quantity of which 0 would mean "not asked for". */
static bool read_limit(const kerf_json *root, const char *key, kerf_quantity kind, double *value)
{
    kerf_json at;
    if (!kerf_json_member(root, key, KERF_OPTIONAL, &at) ||
        !kerf_json_as_quantity(&at, kind, value))
        return !kerf_json_failed(root->doc);
    return *value > 0 || kerf_json_fail(&at, KERF_E_INVALID, "is 0, expected a value above zero");
}

static bool read_limits(const kerf_json *root, kerf_limits *limits)
{
    int64_t operators = 0;
    if (!read_limit(root, "deadline", KERF_TIME, &limits->deadline_s) ||
        !read_limit(root, "energy_budget", KERF_ENERGY, &limits->energy_J) ||
        !read_limit(root, "device_memory", KERF_SIZE, &limits->memory_bytes) ||
        !read_limit(root, "max_bytes", KERF_SIZE, &limits->max_bytes))
        return false;
    kerf_json_integer(root, "min_device_operators", KERF_OPTIONAL, 0, 1000000000, &operators);
    limits->min_device_operators = (size_t)operators;
    return !kerf_json_failed(root->doc);
}

static bool read_wire(const kerf_json *root, service_request *r)
{
    static const char *const words[] = {"own", "float32", "float16", "int8", "any", NULL};
    int wire = KERF_WIRE_OWN;
    if (!read_word(root, "wire", words, KERF_OPTIONAL, &wire))
        return false;
    r->any_wire = wire > KERF_WIRE_INT8;
    r->wire = r->any_wire ? KERF_WIRE_OWN : (kerf_wire)wire;
    return read_limit(root, "input_size", KERF_SIZE, &r->input_bytes);
}

static bool read_result(const kerf_json *root, service_request *r)
{
    kerf_json at;
    kerf_side side = KERF_SIDE_DEVICE;
    if (kerf_json_member(root, "result", KERF_OPTIONAL, &at) && !read_side(&at, &side))
        return false;
    r->result_at_server = side == KERF_SIDE_SERVER;
    return !kerf_json_failed(root->doc);
}

static bool read_search(const kerf_json *root, service_request *r)
{
    static const char *const words[] = {"auto", "exhaustive", "mincut", "milp", NULL};
    int solver = KERF_SOLVER_AUTO;
    int64_t others = 0;
    bool explain = true;
    kerf_json_bool(root, "explain", KERF_OPTIONAL, &explain);
    r->brief = !explain;
    if (!read_word(root, "solver", words, KERF_OPTIONAL, &solver) ||
        !read_limit(root, "time_limit", KERF_TIME, &r->time_limit_s))
        return false;
    r->solver = (kerf_solver)solver;
    kerf_json_integer(root, "alternatives", KERF_OPTIONAL, 0, SERVICE_MAX_OTHERS, &others);
    r->others = (size_t)others;
    return !kerf_json_failed(root->doc);
}

/* 16 hexadecimal digits. */
static bool read_current(const kerf_json *root, service_request *r)
{
    kerf_json at;
    const char *text = NULL;
    if (!kerf_json_member(root, "current", KERF_OPTIONAL, &at) || json_is_null(at.value))
        return !kerf_json_failed(root->doc);
    if (!kerf_json_as_string(&at, &text))
        return false;
    if (strlen(text) != KERF_CUT_ID_SIZE - 1 ||
        strspn(text, "0123456789abcdef") != KERF_CUT_ID_SIZE - 1)
        return kerf_json_fail(
            &at, KERF_E_INVALID,
            "is \"%.60s\", expected the cut_id of an answer, 16 hexadecimal digits", text);
    r->current = text;
    return true;
}

static bool read_question(const kerf_json *root, service_request *r)
{
    read_name(root, "network", KERF_REQUIRED, &r->network);
    read_name(root, "device", KERF_OPTIONAL, &r->device);
    read_name(root, "server", KERF_OPTIONAL, &r->server);
    read_name(root, "power_mode", KERF_OPTIONAL, &r->power_mode);
    read_name(root, "device_id", KERF_OPTIONAL, &r->device_id);
    kerf_json_quantity(root, "server_load", KERF_FRACTION, KERF_OPTIONAL, &r->server_load);
    kerf_json_quantity(root, "margin", KERF_FRACTION, KERF_OPTIONAL, &r->margin);
    return read_link(root, &r->link) && read_objective(root, r) && read_limits(root, &r->limits) &&
           read_pins(root, r) && read_wire(root, r) && read_result(root, r) &&
           read_search(root, r) && read_current(root, r);
}

/* ["LOW", "HIGH"] */
static bool read_range(const kerf_json *root, const char *key, kerf_quantity kind, double range[2])
{
    kerf_json at;
    size_t n = 0;
    if (!kerf_json_array(root, key, KERF_OPTIONAL, &at, &n))
        return !kerf_json_failed(root->doc);
    if (n != 2)
        return kerf_json_fail(&at, KERF_E_INVALID, "has %zu elements, expected two, from and to",
                              n);
    for (size_t i = 0; i < 2; i++) {
        const kerf_json end = kerf_json_at(&at, i);
        if (!kerf_json_as_quantity(&end, kind, &range[i]))
            return false;
    }
    return (range[0] <= range[1] && range[1] > 0) ||
           kerf_json_fail(&at, KERF_E_INVALID, "is no range that rises");
}

static bool read_box(const kerf_json *root, kerf_map_box *box)
{
    return read_range(root, "rates", KERF_RATE, box->uplink_bps) &&
           read_range(root, "downlinks", KERF_RATE, box->downlink_bps) &&
           read_range(root, "rtts", KERF_TIME, box->rtt_s) &&
           read_range(root, "loads", KERF_FRACTION, box->server_load);
}

/* --- the other operations --- */

static bool read_observation(const kerf_json *root, service_request *r)
{
    kerf_link *link = &r->link.fields;
    link_unstated(link);
    read_name(root, "device_id", KERF_REQUIRED, &r->device_id);
    read_name(root, "link", KERF_OPTIONAL, &r->link.base);
    if (!read_limit(root, "uplink", KERF_RATE, &link->rate_bps[KERF_UPLINK]) ||
        !read_limit(root, "downlink", KERF_RATE, &link->rate_bps[KERF_DOWNLINK]))
        return false;
    kerf_json_quantity(root, "rtt", KERF_TIME, KERF_OPTIONAL, &link->rtt_s);
    kerf_json_quantity(root, "latency", KERF_TIME, KERF_OPTIONAL, &r->latency_s);
    kerf_json_quantity(root, "energy", KERF_ENERGY, KERF_OPTIONAL, &r->energy_J);
    if (kerf_json_failed(root->doc))
        return false;
    if (isnan(link->rate_bps[0]) && isnan(link->rate_bps[1]) && isnan(link->rtt_s) &&
        isnan(r->latency_s) && isnan(r->energy_J) && !r->link.base)
        return kerf_json_fail(root, KERF_E_INVALID,
                              "observes nothing, expected \"uplink\", \"downlink\", \"rtt\", "
                              "\"latency\" or \"energy\"");
    return true;
}

/* Exactly one of the four. */
static bool read_described(const kerf_json *root, service_request *r)
{
    static const char *const kinds[] = {"network", "device", "server", "link"};
    const char **const names[] = {&r->network, &r->device, &r->server, &r->link.base};
    size_t given = 0;
    for (size_t i = 0; i < 4; i++) {
        read_name(root, kinds[i], KERF_OPTIONAL, names[i]);
        given += *names[i] != NULL;
        r->kind = *names[i] ? kinds[i] : r->kind;
    }
    return given == 1 ||
           kerf_json_fail(root, KERF_E_INVALID,
                          "names %zu things, expected one \"network\", \"device\", \"server\" or "
                          "\"link\"",
                          given);
}

static bool read_kind(const kerf_json *root, service_request *r)
{
    static const char *const words[] = {"networks", "devices", "servers", "links", NULL};
    int kind = -1;
    if (!read_word(root, "kind", words, KERF_OPTIONAL, &kind))
        return false;
    r->kind = kind >= 0 ? words[kind] : NULL;
    return true;
}

static bool read_body(const kerf_json *root, service_request *r)
{
    switch (r->op) {
    case OP_PLAN:
        return read_question(root, r);
    case OP_MAP:
        return read_question(root, r) && read_box(root, &r->box);
    case OP_OBSERVE:
        return read_observation(root, r);
    case OP_STATE:
        return read_name(root, "device_id", KERF_REQUIRED, &r->device_id);
    case OP_DESCRIBE:
        return read_described(root, r);
    case OP_LIST:
        return read_kind(root, r);
    default:
        return true;
    }
}

void service_request_unset(service_request *request)
{
    *request = (service_request){.margin = NAN, .latency_s = NAN, .energy_J = NAN};
}

kerf_status service_decode_fully(const char *bytes, size_t size, service_request *request,
                                 kerf_error *err)
{
    const kerf_status status = kerf_json_parse(bytes, size, NULL, NULL, &request->doc, err);
    if (status != KERF_OK)
        return status;
    const kerf_json root = kerf_json_root(request->doc);
    if (read_id(&root, request) && read_version(&root, request) && read_op(&root, request) &&
        read_body(&root, request))
        kerf_json_done(&root);
    return kerf_json_status(request->doc);
}

kerf_status service_decode(const char *bytes, size_t size, service_request *request,
                           kerf_error *err)
{
    service_request_unset(request);
    if (size > SERVICE_MAX_REQUEST)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                         "the request has %zu bytes, expected at most %zu", size,
                         SERVICE_MAX_REQUEST);
    if (service_decode_fast(bytes, size, request))
        return KERF_OK;
    service_request_clear(request);
    service_request_unset(request);
    return service_decode_fully(bytes, size, request, err);
}

void service_request_clear(service_request *request)
{
    kerf_json_close(&request->doc);
    free(request->text);
    free(request->id.text);
    free(request->pins);
    *request = (service_request){0};
}

/* --- replies --- */

static void begin(kerf_writer *w, const char *id, size_t id_size, bool ok)
{
    kw_begin(w, '{');
    kw_put_integer(w, "v", SERVICE_VERSION);
    kw_key(w, "id");
    kw_value(w, id_size ? id : "null", id_size ? id_size : 4);
    kw_put_bool(w, "ok", ok);
}

void service_reply_begin(kerf_writer *w, const char *id, size_t id_size)
{
    begin(w, id, id_size, true);
}

void service_reply_error(kerf_writer *w, const char *id, size_t id_size, service_code code,
                         const kerf_error *err)
{
    const bool pointer = err->where[0] == '/' || err->where[0] == '\0';
    char message[sizeof err->message + sizeof err->where + 8];
    snprintf(message, sizeof message, "%s%s%s", pointer ? "" : err->where, pointer ? "" : ": ",
             err->message);
    begin(w, id, id_size, false);
    kw_put_begin(w, "error", '{');
    kw_put_string(w, "code", service_code_name(code));
    kw_put_string(w, "message", message);
    kw_put_string(w, "pointer", pointer ? err->where : "");
    kw_end(w, '}');
    kw_end(w, '}');
}
