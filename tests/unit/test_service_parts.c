/* The parts of the service that keep things: what is bounded stays so, and who waits gets a turn.
 */
#include "base/memory.h"
#include "planner/service/answer_read.h"
#include "planner/service/held.h"
#include "planner/service/queue.h"
#include "planner/service/stats.h"
#include "planner/service/table.h"
#include "tests/support/random.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed;

/* --- table --- */

static void count_release(void *context, table_entry *entry)
{
    ++*(size_t *)context;
    free(entry->value);
}

static void test_table_keeps_its_bound(void **state)
{
    (void)state;
    table t;
    size_t released = 0, added = 0;
    rng r = {seed};
    assert_true(table_init(&t, 20000, count_release, &released));
    for (uint64_t i = 0; i < 5000; i++) {
        const uint64_t key = rng_below(&r, 1000);
        table_entry *e = table_find(&t, &key, sizeof key);
        if (!e) {
            e = table_add(&t, &key, sizeof key);
            assert_non_null(e);
            added++;
            e->value = kerf_calloc(1, 100);
            table_charge(&t, e, 100);
        }
        assert_int_equal(memcmp(e->key, &key, sizeof key), 0);
        assert_ptr_equal(t.newest, e);
        assert_true(t.bytes <= t.max_bytes);
    }
    assert_true(t.n > 50 && t.n < 200 && t.evicted == released);
    table_clear(&t);
    assert_int_equal(released, added);
}

static void test_table_order(void **state)
{
    (void)state;
    table t;
    size_t released = 0;
    assert_true(table_init(&t, SIZE_MAX, count_release, &released));
    table_entry *a = table_add(&t, "a", 1), *b = table_add(&t, "b", 1), *c = table_add(&t, "c", 1);
    assert_ptr_equal(table_find(&t, "a", 1), a); /* now b is the oldest */
    b->pinned = true;
    t.max_bytes = t.bytes - 1;
    table_charge(&t, a, 0);
    assert_null(table_find(&t, "c", 1)); /* b would have gone, but is pinned */
    (void)c;
    assert_ptr_equal(table_find(&t, "b", 1), b);
    table_charge(&t, a, 1000000); /* larger than all: it stays, alone but for what is pinned */
    assert_ptr_equal(table_find(&t, "a", 1), a);
    assert_int_equal(t.n, 2);
    assert_null(table_find(&t, "", 0));
    table_clear(&t);
    assert_int_equal(released, 3);
}

/* --- queue --- */

typedef struct numbered {
    job job;
    int client, number;
} numbered;

static void free_job(job *j, void *context)
{
    ++*(size_t *)context;
    free(j);
}

static bool push(queue *q, queue_client *client, int of, int number)
{
    numbered *n = kerf_calloc(1, sizeof *n);
    assert_non_null(n);
    n->job.done = free_job;
    n->client = of;
    n->number = number;
    if (queue_push(q, client, &n->job))
        return true;
    free(n);
    return false;
}

static void test_queue_takes_turns(void **state)
{
    (void)state;
    queue q;
    size_t freed = 0;
    assert_true(queue_init(&q, 1000, 400));
    queue_client *clients[3];
    for (int c = 0; c < 3; c++) {
        const char name = (char)('a' + c);
        clients[c] = queue_enter(&q, &name, 1, 1);
        assert_non_null(clients[c]);
    }
    for (int i = 0; i < 90; i++)
        assert_true(push(&q, clients[0], 0, i));
    for (int i = 0; i < 3; i++)
        assert_true(push(&q, clients[1], 1, i) && push(&q, clients[2], 2, i));
    int last[3] = {-1, -1, -1};
    for (int i = 0; i < 9; i++) { /* three rounds with all three */
        numbered *n = (numbered *)(void *)queue_pop(&q);
        assert_int_equal(n->number, last[n->client] + 1);
        last[n->client] = n->number;
        if (i % 3 == 2)
            assert_true(last[0] == i / 3 && last[1] == i / 3 && last[2] == i / 3);
        free(n);
    }
    assert_int_equal(q.n_jobs, 87);
    for (int c = 0; c < 3; c++)
        queue_leave(&q, clients[c], 1);
    assert_int_equal(q.waiting, 0);
    assert_int_equal(q.clients.n, 1); /* the one that has jobs */
    queue_clear(&q, &freed);
    assert_int_equal(freed, 87);
}

static void test_queue_bounds(void **state)
{
    (void)state;
    queue q;
    size_t freed = 0;
    assert_true(queue_init(&q, 100, 40));
    queue_client *a = NULL;
    size_t entered = 0;
    for (queue_client *c; (c = queue_enter(&q, "a", 1, 1)); entered++)
        a = c;
    assert_int_equal(entered, 25); /* a quarter */
    int pushed = 0;
    while (push(&q, a, 0, pushed))
        pushed++;
    assert_int_equal(pushed, 10);
    queue_client *b = queue_enter(&q, "b", 1, 5);
    assert_non_null(b);
    assert_null(queue_enter(&q, "c", 1, 26)); /* too heavy, and then forgotten */
    assert_int_equal(q.clients.n, 2);
    assert_true(push(&q, b, 1, 0));
    queue_clear(&q, &freed);
    assert_int_equal(freed, 11);
}

/* --- histogram --- */

static void test_histogram(void **state)
{
    (void)state;
    static histogram h;
    rng r = {seed};
    memset(&h, 0, sizeof h);
    assert_true(histogram_quantile_s(&h, 0.5) == 0);
    for (int i = 0; i < 20000; i++)
        histogram_add(&h, (uint64_t)rng_log(&r, 1, 1e12));
    double last = 0;
    for (double share = 0.01; share <= 1; share += 0.01) {
        const double s = histogram_quantile_s(&h, share);
        assert_true(s >= last);
        last = s;
    }
    assert_true(histogram_quantile_s(&h, 1) == 1e-9 * (double)h.max_ns);
    static histogram one; /* a value is within 1/32 of where it is put */
    for (uint64_t v = 1; v < (uint64_t)1 << 50; v = v * 3 + 1) {
        memset(&one, 0, sizeof one);
        histogram_add(&one, v);
        histogram_add(&one, UINT64_C(1) << 58);
        const double low = 1e9 * histogram_quantile_s(&one, 0.5);
        assert_true(low >= (double)v * (1 - 1e-12) && low <= (double)v * (1 + 1.0 / 32));
    }
}

/* --- held replies --- */

static held_fate settle(void *context, const held_reply *reply)
{
    (void)context;
    return reply->text[0] == 's' ? HELD_SENT : reply->text[0] == 'g' ? HELD_GONE : HELD_STILL;
}

static void test_held(void **state)
{
    (void)state;
    held_replies held = {0};
    const reply_route route = {.identity_size = 1};
    uint64_t sent = 0, dropped = 0;
    assert_true(held_keep(&held, &route, "waits", 5, 100) &&
                held_keep(&held, &route, "sent", 4, 100) &&
                held_keep(&held, &route, "gone", 4, 100));
    held_release(&held, settle, NULL, 200, &sent, &dropped);
    assert_true(sent == 1 && dropped == 1 && held.n == 1);
    held_release(&held, settle, NULL, 101 + HELD_MOST_NS, &sent, &dropped);
    assert_true(sent == 1 && dropped == 2 && held.n == 0 && held.bytes == 0);
    char *large = kerf_calloc(HELD_MOST_BYTES / 4, 1);
    int kept = 0;
    while (held_keep(&held, &route, large, HELD_MOST_BYTES / 4, 0))
        kept++;
    assert_int_equal(kept, 3);
    held_clear(&held);
    assert_true(held.n == 0 && held.bytes == 0);
    free(large);
}

/* --- memory that runs out --- */

static const char request[] = "{\"v\":1,\"id\":\"\\u00fc\",\"op\":\"plan\",\"network\":\"n\","
                              "\"pins\":{\"a\":\"device\"},\"link\":{\"uplink\":\"1 Mbit/s\"}}";

static kerf_status decode(void *context, kerf_error *err)
{
    (void)context;
    service_request r;
    kerf_status status = service_decode(request, sizeof request - 1, &r, err);
    if (status == KERF_OK && (r.n_pins != 1 || strcmp(r.network, "n") != 0))
        status = torture_wrong(err, "decoded wrongly");
    service_request_clear(&r);
    return status;
}

static const char reply[] =
    "{\"v\":1,\"id\":1,\"ok\":true,\"changed\":false,\"plan\":{\"cut_id\":\"0123456789abcdef\","
    "\"power_mode\":\"m\",\"cut\":{\"tensors\":[{\"name\":\"t\"}],\"device_operators\":[\"a\"]},"
    "\"cost\":{\"device_energy_J\":1.5,\"latency_s\":0.5,\"throughput_per_s\":null}}}";

static kerf_status read_reply(void *context, kerf_error *err)
{
    (void)context;
    kerf_answer *answer = NULL;
    kerf_status status = answer_of_reply(reply, sizeof reply - 1, &answer, err);
    if (status == KERF_OK && (answer->changed || answer->n_tensors != 1 ||
                              strcmp(answer->tensors[0], "t") != 0 || answer->latency_s != 0.5))
        status = torture_wrong(err, "read wrongly");
    kerf_answer_destroy(&answer);
    return status;
}

static void test_torture(void **state)
{
    (void)state;
    if (!torture_available())
        skip();
    torture_run(decode, NULL);
    torture_run(read_reply, NULL);
}

/* Replies that are not what a service would send: refused, not believed. */
static void test_hostile_replies(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"ok\":true}",
        "{\"ok\":true,\"plan\":7}",
        "{\"ok\":true,\"plan\":{}}",
        "{\"ok\":false}",
        "{\"ok\":false,\"error\":7}",
        "{\"ok\":false,\"error\":{\"code\":\"new_code\",\"message\":\"m\"}}",
        "{\"ok\":true,\"plan\":{\"cut_id\":\"x\",\"power_mode\":\"m\",\"cut\":{\"tensors\":[7],"
        "\"device_operators\":[]},\"cost\":{\"device_energy_J\":1,\"latency_s\":1,"
        "\"throughput_per_s\":1}}}"};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        kerf_answer *answer = NULL;
        kerf_error err = {0};
        const kerf_status status = answer_of_reply(replies[i], strlen(replies[i]), &answer, &err);
        assert_int_not_equal(status, KERF_OK);
        assert_true(err.code == status && err.message[0]);
        assert_null(answer);
    }
}

int main(void)
{
    seed = rng_seed(20261124);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_keeps_its_bound),
        cmocka_unit_test(test_table_order),
        cmocka_unit_test(test_queue_takes_turns),
        cmocka_unit_test(test_queue_bounds),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_hostile_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
