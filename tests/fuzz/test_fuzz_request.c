/* Corrupted requests to the service: each is either decoded into a request whose figures are all
 * usable, or refused in one line; and the fast decoder agrees with the full one wherever it has an
 * opinion. The files under tests/data/service/requests are the corpus. KERF_SEED repeats a run. */
#include "planner/service/protocol.h"
#include "tests/support/mutate.h"
#include "tests/support/text_file.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 8192 };

static const char *const tokens[] = {"\"",
                                     "{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "null",
                                     "true",
                                     "-1",
                                     "0",
                                     "01",
                                     "1e999",
                                     "-0",
                                     "1.",
                                     ".5",
                                     "1.0",
                                     "\\u0000",
                                     "\\ud800",
                                     "\"0 s\"",
                                     "9e15",
                                     "NaN",
                                     "{}",
                                     "[]",
                                     "\"\"",
                                     "\"v\":1",
                                     "\"id\":",
                                     "\"op\":",
                                     "\"plan\"",
                                     "\"ping\"",
                                     "\"observe\"",
                                     "\"network\":",
                                     "\"explain\":false",
                                     "\"explain\": true",
                                     "\"link\":",
                                     "\"uplink\":",
                                     "\"rtt\":",
                                     "\"base\":",
                                     "\"1 ms\"",
                                     "\"1 Mbit/s\"",
                                     "\"deadline\":",
                                     "\"margin\":",
                                     "\"current\":",
                                     "\"ab349e184e7be73b\"",
                                     "\"device_id\":",
                                     "\"server_load\":",
                                     "0.5",
                                     "1.5",
                                     "\"50 %\"",
                                     "9223372036854775808",
                                     "\x7f",
                                     "\xc3\xbc",
                                     "\n",
                                     "\t",
                                     " ",
                                     NULL};

static uint64_t seed, accepted, refused, fast;

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_link(const request_link *a, const request_link *b)
{
    return a->given == b->given && a->complete == b->complete && same_text(a->base, b->base) &&
           same_text(a->name, b->name) &&
           same_number(a->fields.rate_bps[0], b->fields.rate_bps[0]) &&
           same_number(a->fields.rate_bps[1], b->fields.rate_bps[1]) &&
           same_number(a->fields.rtt_s, b->fields.rtt_s) &&
           same_number(a->fields.loss, b->fields.loss) &&
           isnan(a->fields.idle_W) == isnan(b->fields.idle_W) &&
           a->fields.connection == b->fields.connection;
}

static bool same_id(const kerf_writer *a, const kerf_writer *b)
{
    return a->used == b->used && (a->used == 0 || memcmp(a->text, b->text, a->used) == 0);
}

static bool same_request(const service_request *a, const service_request *b)
{
    return a->op == b->op && same_id(&a->id, &b->id) && same_text(a->network, b->network) &&
           same_text(a->device, b->device) && same_text(a->server, b->server) &&
           same_text(a->power_mode, b->power_mode) &&
           (a->op == OP_PING || same_link(&a->link, &b->link)) &&
           same_number(a->server_load, b->server_load) && a->objective == b->objective &&
           memcmp(&a->limits, &b->limits, sizeof a->limits) == 0 && a->n_pins == b->n_pins &&
           a->wire == b->wire && same_number(a->input_bytes, b->input_bytes) &&
           a->result_at_server == b->result_at_server && a->solver == b->solver &&
           same_number(a->time_limit_s, b->time_limit_s) && a->others == b->others &&
           a->brief == b->brief && same_text(a->current, b->current) &&
           same_number(a->margin, b->margin) && same_text(a->device_id, b->device_id) &&
           same_number(a->latency_s, b->latency_s) && same_number(a->energy_J, b->energy_J) &&
           same_text(a->kind, b->kind);
}

/* What the fast decoder takes, the full one takes, as the same. */
static void compare(const char *data, size_t size, const char *what, uint64_t round)
{
    service_request quick, full;
    kerf_error err = {0};
    service_request_unset(&quick);
    service_request_unset(&full);
    if (service_decode_fast(data, size, &quick)) {
        fast++;
        const kerf_status status = service_decode_fully(data, size, &full, &err);
        if (status != KERF_OK || !same_request(&quick, &full))
            fail_msg("seed %llu, %s, round %llu: decoded otherwise when in haste: %s: %.*s",
                     (unsigned long long)seed, what, (unsigned long long)round, err.message,
                     (int)size, data);
    }
    service_request_clear(&quick);
    service_request_clear(&full);
}

static bool usable(const service_request *r)
{
    const double figures[] = {r->server_load,         r->limits.deadline_s, r->limits.energy_J,
                              r->limits.memory_bytes, r->limits.max_bytes,  r->input_bytes,
                              r->time_limit_s,        r->weight_energy,     r->weight_latency};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!isfinite(figures[i]) || figures[i] < 0)
            return false;
    return r->op < SERVICE_OPS && (r->op != OP_PLAN || r->network) &&
           (r->op != OP_OBSERVE || r->device_id);
}

/* Whatever comes of a message, its reply can be written and read back. */
static void check_reply(const service_request *r, kerf_status status, const kerf_error *err)
{
    kerf_writer w = {0};
    if (status == KERF_OK) {
        service_reply_begin(&w, r->id.text, r->id.used);
        kw_end(&w, '}');
    } else {
        const service_code code = r->refused ? r->refused : service_code_of(status);
        assert_true(code != SE_NONE && code != SE_INTERNAL);
        service_reply_error(&w, r->id.text, r->id.used, code, err);
    }
    json_t *reply = json_loadb(w.text, w.used, 0, NULL);
    assert_non_null(reply);
    json_decref(reply);
    free(w.text);
}

static void decode(const char *data, size_t size, const char *what, uint64_t round)
{
    service_request r;
    kerf_error err = {0};
    const kerf_status status = service_decode(data, size, &r, &err);
    const bool good = status == KERF_OK
                          ? usable(&r)
                          : status == err.code && err.message[0] && !strpbrk(err.message, "\n\r");
    if (!good)
        fail_msg("seed %llu, %s, round %llu: %s: %s: %s", (unsigned long long)seed, what,
                 (unsigned long long)round, kerf_status_name(status), err.where, err.message);
    *(status == KERF_OK ? &accepted : &refused) += 1;
    check_reply(&r, status, &err);
    service_request_clear(&r);
    compare(data, size, what, round);
}

static void fuzz_file(const char *path)
{
    char original[MAX_SIZE], data[MAX_SIZE];
    const size_t size = text_file_read(path, original, MAX_SIZE);
    const uint64_t rounds = getenv("KERF_TEST_FULL") ? 20000 : 2000;
    rng r = {seed};
    for (const char *p = path; *p; p++)
        r.state = r.state * 31 + (unsigned char)*p;
    decode(original, size, path, 0);
    for (uint64_t i = 1; i <= rounds; i++) {
        memcpy(data, original, size);
        decode(data, mutate(&r, data, size, sizeof data, tokens), path, i);
    }
}

static void test_requests(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("tests/data/service/requests/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        fuzz_file(found.gl_pathv[i]);
    globfree(&found);
    print_message("# %llu accepted (%llu of them in haste), %llu refused\n",
                  (unsigned long long)accepted, (unsigned long long)fast,
                  (unsigned long long)refused);
    assert_true(refused > 0 && accepted > fast && fast > 0);
}

/* The usual requests are decoded in haste: that is what it is for. */
static void test_haste(void **state)
{
    (void)state;
    static const char *const usual[] = {"ping",      "plan",   "plan-least", "plan-named-link",
                                        "plan-base", "observe"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        char path[128], data[MAX_SIZE];
        service_request r;
        snprintf(path, sizeof path, "tests/data/service/requests/%s.json", usual[i]);
        const size_t size = text_file_read(path, data, MAX_SIZE);
        service_request_unset(&r);
        assert_true(service_decode_fast(data, size, &r));
        service_request_clear(&r);
    }
}

int main(void)
{
    seed = rng_seed(20261124);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_haste),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
