/* The requests that come most often, decoded without a JSON tree: an object of plain texts and
 * numbers, with at most one object in it, the link. Whatever is not exactly that (an escape, a key
 * that is rarely used, anything wrong) is left to the full decoder, which alone says what is wrong.
 * What is decoded here comes out as it would there: tests/fuzz/test_fuzz_request.c compares. */
#include "planner/service/protocol.h"

#include "base/memory.h"
#include "planner/service/link_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES 4096
#define LEAST      1e-30 /* of quantities, as base/json.c takes them */
#define MOST       1e30

typedef enum form {
    FORM_V,
    FORM_ID,
    FORM_OP,
    FORM_NAME,     /* 1 to SERVICE_MAX_NAME bytes */
    FORM_CURRENT,  /* 16 hexadecimal digits */
    FORM_QUANTITY, /* with a unit; a fraction may be a number */
    FORM_LIMIT,    /* above 0 */
    FORM_OBJECTIVE,
    FORM_EXPLAIN,
    FORM_LINK
} form;

/* A key, where it is allowed and what it is. Fields are offsets in the request. */
typedef struct fast_key {
    const char *name;
    form form;
    unsigned ops; /* 1 << op */
    size_t field;
    kerf_quantity kind;
} fast_key;

#define PLAN        (1U << OP_PLAN)
#define OBSERVE     (1U << OP_OBSERVE)
#define PING        (1U << OP_PING)
#define AT(member)  offsetof(service_request, member)
#define RATE(index) AT(link.fields.rate_bps) + (index) * sizeof(double)

static const fast_key keys[] = {
    {"v", FORM_V, PLAN | OBSERVE | PING, 0, 0},
    {"id", FORM_ID, PLAN | OBSERVE | PING, 0, 0},
    {"op", FORM_OP, PLAN | OBSERVE | PING, 0, 0},
    {"network", FORM_NAME, PLAN, AT(network), 0},
    {"device", FORM_NAME, PLAN, AT(device), 0},
    {"server", FORM_NAME, PLAN, AT(server), 0},
    {"power_mode", FORM_NAME, PLAN, AT(power_mode), 0},
    {"device_id", FORM_NAME, PLAN | OBSERVE, AT(device_id), 0},
    {"link", FORM_LINK, PLAN, 0, 0},
    {"server_load", FORM_QUANTITY, PLAN, AT(server_load), KERF_FRACTION},
    {"margin", FORM_QUANTITY, PLAN, AT(margin), KERF_FRACTION},
    {"objective", FORM_OBJECTIVE, PLAN, 0, 0},
    {"explain", FORM_EXPLAIN, PLAN, 0, 0},
    {"deadline", FORM_LIMIT, PLAN, AT(limits.deadline_s), KERF_TIME},
    {"energy_budget", FORM_LIMIT, PLAN, AT(limits.energy_J), KERF_ENERGY},
    {"current", FORM_CURRENT, PLAN, AT(current), 0},
    {"uplink", FORM_LIMIT, OBSERVE, RATE(KERF_UPLINK), KERF_RATE},
    {"downlink", FORM_LIMIT, OBSERVE, RATE(KERF_DOWNLINK), KERF_RATE},
    {"rtt", FORM_QUANTITY, OBSERVE, AT(link.fields.rtt_s), KERF_TIME},
    {"latency", FORM_QUANTITY, OBSERVE, AT(latency_s), KERF_TIME},
    {"energy", FORM_QUANTITY, OBSERVE, AT(energy_J), KERF_ENERGY},
};
static const fast_key link_keys[] = {
    {"base", FORM_NAME, PLAN, AT(link.base), 0},
    {"uplink", FORM_QUANTITY, PLAN, RATE(KERF_UPLINK), KERF_RATE},
    {"downlink", FORM_QUANTITY, PLAN, RATE(KERF_DOWNLINK), KERF_RATE},
    {"rtt", FORM_QUANTITY, PLAN, AT(link.fields.rtt_s), KERF_TIME},
    {"loss", FORM_QUANTITY, PLAN, AT(link.fields.loss), KERF_FRACTION},
};
enum { KEYS = sizeof keys / sizeof *keys, LINK_KEYS = sizeof link_keys / sizeof *link_keys };

typedef struct scan {
    char *at; /* in a copy of the message that ends with a NUL; texts are terminated in place */
    service_request *r;
    unsigned seen;
    unsigned ops; /* those for which all keys so far are allowed */
} scan;

static void skip_space(scan *s)
{
    while (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r')
        s->at++;
}

static bool take(scan *s, char c)
{
    skip_space(s);
    if (*s->at != c)
        return false;
    s->at++;
    return true;
}

/* A text of printable ASCII without escapes. */
static char *take_text(scan *s, size_t *length)
{
    if (!take(s, '"'))
        return NULL;
    char *text = s->at;
    while (*s->at >= ' ' && *s->at < 0x7f && *s->at != '"' && *s->at != '\\')
        s->at++;
    if (*s->at != '"')
        return NULL;
    *length = (size_t)(s->at - text);
    *s->at++ = '\0';
    return text;
}

/* A number such as 12 or 0.25, copied: what follows it must stay. */
static bool take_number(scan *s, char number[32])
{
    skip_space(s);
    const size_t whole = strspn(s->at, "0123456789");
    size_t length = whole;
    if (whole == 0 || (whole > 1 && s->at[0] == '0'))
        return false;
    if (s->at[whole] == '.') {
        const size_t decimals = strspn(s->at + whole + 1, "0123456789");
        length = decimals > 0 ? whole + 1 + decimals : 0;
    }
    if (length == 0 || length >= 32 || !strchr(",} \n\t\r", s->at[length]) || !s->at[length])
        return false;
    memcpy(number, s->at, length);
    number[length] = '\0';
    s->at += length;
    return true;
}

static bool take_quantity(scan *s, const fast_key *key, double *value)
{
    char number[32];
    size_t length;
    skip_space(s);
    const char *text = *s->at == '"' ? take_text(s, &length)
                       : key->kind == KERF_FRACTION && take_number(s, number) ? number
                                                                              : NULL;
    double got = 0;
    if (!text || kerf_parse_quantity(text, key->kind, &got, NULL) != KERF_OK)
        return false;
    if ((got != 0 && !(got >= LEAST && got <= MOST)) || (got == 0 && key->form == FORM_LIMIT))
        return false;
    *value = got;
    return true;
}

static bool take_id(scan *s)
{
    char number[32];
    size_t length;
    kerf_writer *id = &s->r->id;
    skip_space(s);
    if (*s->at == '"') {
        const char *text = take_text(s, &length);
        if (!text || length > 255)
            return false;
        kw_string(id, text);
    } else {
        if (!take_number(s, number) || strlen(number) > 18 || strchr(number, '.'))
            return false;
        kw_value(id, number, strlen(number));
    }
    return !id->failed;
}

static bool take_op(scan *s)
{
    size_t length;
    const char *text = take_text(s, &length);
    for (int op = 0; text && op < SERVICE_OPS; op++) {
        if (strcmp(text, service_op_name((service_op)op)) == 0) {
            s->r->op = (service_op)op;
            s->ops &= 1U << op;
            return s->ops != 0;
        }
    }
    return false;
}

static bool take_objective(scan *s)
{
    size_t length;
    const char *text = take_text(s, &length);
    for (int o = KERF_OBJ_ENERGY; text && o < KERF_OBJ_WEIGHTED; o++) {
        if (strcmp(text, kerf_objective_name((kerf_objective)o)) == 0) {
            s->r->objective = (kerf_objective)o;
            return true;
        }
    }
    return false;
}

static bool take_explain(scan *s)
{
    skip_space(s);
    const size_t length = strspn(s->at, "aeflrstu");
    s->r->brief = length == 5 && strncmp(s->at, "false", 5) == 0;
    if (!s->r->brief && !(length == 4 && strncmp(s->at, "true", 4) == 0))
        return false;
    s->at += length;
    return true;
}

static bool take_members(scan *s, const fast_key *known, size_t n);

static bool take_link(scan *s)
{
    size_t length = 0;
    s->r->link.given = true;
    skip_space(s);
    if (*s->at == '"') {
        s->r->link.base = take_text(s, &length);
        return s->r->link.base && length > 0 && length <= SERVICE_MAX_NAME;
    }
    const unsigned seen = s->seen;
    s->seen = 0;
    const bool taken = take_members(s, link_keys, LINK_KEYS);
    s->seen = seen;
    return taken;
}

static bool take_value(scan *s, const fast_key *key)
{
    char number[32];
    size_t length = 0;
    void *field = (char *)s->r + key->field;
    const char *text;
    switch (key->form) {
    case FORM_V:
        return take_number(s, number) && strcmp(number, "1") == 0;
    case FORM_ID:
        return take_id(s);
    case FORM_OP:
        return take_op(s);
    case FORM_OBJECTIVE:
        return take_objective(s);
    case FORM_EXPLAIN:
        return take_explain(s);
    case FORM_LINK:
        return take_link(s);
    case FORM_QUANTITY:
    case FORM_LIMIT:
        return take_quantity(s, key, field);
    default:
        text = take_text(s, &length);
        *(const char **)field = text;
        if (key->form == FORM_CURRENT)
            return text && length == KERF_CUT_ID_SIZE - 1 &&
                   strspn(text, "0123456789abcdef") == length;
        return text && length > 0 && length <= SERVICE_MAX_NAME;
    }
}

/* An object whose keys are all known, each at most once. */
static bool take_members(scan *s, const fast_key *known, size_t n)
{
    if (!take(s, '{'))
        return false;
    if (take(s, '}'))
        return true;
    for (;;) {
        size_t length, k = 0;
        const char *name = take_text(s, &length);
        if (!name || !take(s, ':'))
            return false;
        while (k < n && (known[k].name[0] != name[0] || strcmp(known[k].name, name) != 0))
            k++;
        if (k == n || (s->seen & 1U << k))
            return false;
        s->seen |= 1U << k;
        s->ops &= known[k].ops;
        if (s->ops == 0 || !take_value(s, &known[k]))
            return false;
        if (take(s, '}'))
            return true;
        if (!take(s, ','))
            return false;
    }
}

static bool is_complete(const service_request *r, unsigned seen)
{
    const kerf_link *link = &r->link.fields;
    if (!(seen & 1U) || !(seen & 1U << 2)) /* v and op */
        return false;
    if (r->op == OP_PLAN)
        return r->network != NULL;
    if (r->op == OP_OBSERVE)
        return r->device_id && !(isnan(link->rate_bps[0]) && isnan(link->rate_bps[1]) &&
                                 isnan(link->rtt_s) && isnan(r->latency_s) && isnan(r->energy_J));
    return true;
}

bool service_decode_fast(const char *bytes, size_t size, service_request *request)
{
    if (size > MOST_BYTES)
        return false;
    request->text = kerf_strndup(bytes, size);
    if (!request->text)
        return false;
    scan s = {.at = request->text, .r = request, .ops = PLAN | OBSERVE | PING};
    link_unstated(&request->link.fields);
    if (take_members(&s, keys, KEYS) && is_complete(request, s.seen)) {
        skip_space(&s);
        if (s.at == request->text + size)
            return true;
    }
    return false;
}
