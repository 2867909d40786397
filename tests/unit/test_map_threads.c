/* Many threads look things up in one map at once: the answers are those of one thread alone. Meant
 * to run under ThreadSanitizer too (make tsan). */
#include "kerf/kerf.h"
#include "tests/support/random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 8, POINTS = 2000, ROUNDS = 5 };

typedef struct answer {
    kerf_conditions at;
    size_t entry;
    kerf_plan_cost cost;
} answer;

typedef struct shared {
    const kerf_map *map;
    answer points[POINTS];
    kerf_map_region *regions;
    size_t n_regions;
} shared;

static bool ask(const kerf_map *map, const kerf_conditions *at, size_t *entry, kerf_plan_cost *cost)
{
    *entry = kerf_map_find(map, at);
    memset(cost, 0, sizeof *cost);
    return *entry == KERF_NONE || kerf_map_price(map, *entry, at, cost, NULL) == KERF_OK;
}

/* Goes through all points, in an order of its own; NULL if all is as it was. */
static void *look_up(void *context)
{
    const shared *s = context;
    rng r = {(uint64_t)(uintptr_t)&s};
    for (int i = 0; i < ROUNDS * POINTS; i++) {
        const answer *a = &s->points[rng_below(&r, POINTS)];
        size_t entry = 0;
        kerf_plan_cost cost;
        if (!ask(s->map, &a->at, &entry, &cost) || entry != a->entry ||
            memcmp(&cost, &a->cost, sizeof cost) != 0)
            return context;
        const kerf_map_entry *e = kerf_map_entry_at(s->map, entry);
        if (e && (e->n_operators == 0 || !e->power_mode))
            return context;
    }
    kerf_map_region *regions = NULL;
    size_t n = 0;
    if (kerf_map_regions(s->map, NULL, &regions, &n, NULL) != KERF_OK || n != s->n_regions)
        return context;
    const bool same = memcmp(regions, s->regions, n * sizeof *regions) == 0;
    free(regions);
    return same ? NULL : context;
}

static void prepare(const kerf_map *map, shared *s)
{
    const kerf_map_box *box = kerf_map_range(map);
    rng r = {9};
    s->map = map;
    for (size_t i = 0; i < POINTS; i++) {
        answer *a = &s->points[i];
        a->at = kerf_map_conditions(map);
        a->at.uplink_bps = rng_log(&r, box->uplink_bps[0] / 2, box->uplink_bps[1] * 2);
        a->at.rtt_s = box->rtt_s[0] + (box->rtt_s[1] - box->rtt_s[0]) * rng_unit(&r);
        assert_true(ask(map, &a->at, &a->entry, &a->cost));
    }
    assert_int_equal(kerf_map_regions(map, NULL, &s->regions, &s->n_regions, NULL), KERF_OK);
}

static void run(const kerf_map *map)
{
    shared *s = calloc(1, sizeof *s);
    pthread_t threads[THREADS];
    assert_non_null(s);
    prepare(map, s);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_up, s), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    free(s->regions);
    free(s);
}

static void test_threads(void **state)
{
    (void)state;
    kerf_network *net = NULL;
    kerf_device *device = NULL, *server = NULL;
    kerf_link *link = NULL;
    kerf_error err = {0};
    assert_int_equal(kerf_network_load("configs/networks/vgg16.json", NULL, &net, &err), KERF_OK);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &device, &err), KERF_OK);
    assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &server, &err), KERF_OK);
    assert_int_equal(kerf_link_load("configs/links/wifi-n.json", &link, &err), KERF_OK);
    const kerf_question q = {.network = net,
                             .device = device,
                             .server = server,
                             .link = link,
                             .input_bytes = 60000,
                             .objective = KERF_OBJ_THROUGHPUT,
                             .limits = {.energy_J = 2}};
    for (int axes = 1; axes <= 2; axes++) {
        kerf_map_box box = {.uplink_bps = {1e5, 1e9}};
        kerf_map *map = NULL;
        box.rtt_s[1] = axes == 2 ? 0.1 : 0;
        assert_int_equal(kerf_map_make(&q, &box, &map, &err), KERF_OK);
        assert_true(kerf_map_entries(map) > 1);
        run(map);
        kerf_map_destroy(&map);
    }
    kerf_network_destroy(&net);
    kerf_device_destroy(&device);
    kerf_device_destroy(&server);
    kerf_link_destroy(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
