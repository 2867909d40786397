/* Corrupted map files: each is either read into a map that answers, or refused in one line.
 * KERF_SEED repeats a run. */
#include "kerf/kerf.h"
#include "tests/support/mutate.h"
#include "tests/support/text_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_SIZE = 32768 };

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
                                     "1",
                                     "1e30",
                                     "1e-300",
                                     "1e999",
                                     "-0",
                                     "9007199254740993",
                                     "9223372036854775808",
                                     "[]",
                                     "{}",
                                     "\"\"",
                                     "\"sides\":\"dsd\"",
                                     "\"uplink_bps\":[1,1e13]",
                                     "\"rtt_s\":[0,3600]",
                                     "\"server_load\":[0,0.999999]",
                                     "\"deadline_s\":0.03",
                                     "\"up_bytes\":1e30",
                                     "\"device_s\":0",
                                     "\"warm\"",
                                     "\"new\"",
                                     "\"edp\"",
                                     "\"throughput\"",
                                     "\"weighted\"",
                                     "\"server\"",
                                     NULL};

/* A map that was read answers everywhere, and its regions are in order. */
static void use(const kerf_map *map)
{
    const kerf_map_box *box = kerf_map_range(map);
    kerf_conditions c = kerf_map_conditions(map);
    for (int i = 0; i <= 8; i++) {
        kerf_plan_cost cost;
        c.uplink_bps = box->uplink_bps[0] + (box->uplink_bps[1] - box->uplink_bps[0]) * i / 8;
        c.rtt_s = i % 2 ? box->rtt_s[1] : box->rtt_s[0];
        const size_t entry = kerf_map_find(map, &c);
        assert_true(entry == KERF_NONE || entry < kerf_map_entries(map));
        if (entry != KERF_NONE)
            assert_int_equal(kerf_map_price(map, entry, &c, &cost, NULL), KERF_OK);
    }
    kerf_map_region *regions = NULL;
    size_t n = 0;
    assert_int_equal(kerf_map_regions(map, NULL, &regions, &n, NULL), KERF_OK);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(regions[i].uplink_bps[0] <= regions[i].uplink_bps[1]);
        assert_true(regions[i].entry == KERF_NONE || regions[i].entry < kerf_map_entries(map));
    }
    free(regions);
    for (size_t i = 0; i < kerf_map_entries(map); i++) {
        const kerf_map_entry *e = kerf_map_entry_at(map, i);
        assert_int_equal(strlen(e->cut_id), KERF_CUT_ID_SIZE - 1);
        for (size_t k = 0; k < e->n_operators; k++)
            assert_non_null(e->operators[k]);
    }
}

static bool read_one(void)
{
    kerf_map *map = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_map_load(text_file_path(), &map, &err);
    if (status == KERF_OK) {
        use(map);
        kerf_map_destroy(&map);
        return true;
    }
    assert_null(map);
    assert_int_equal(err.code, status);
    assert_true(err.message[0] != '\0' && !strchr(err.message, '\n'));
    return false;
}

static size_t make_corpus(kerf_objective objective, bool box_of_two, char *text)
{
    kerf_network *net = NULL;
    kerf_device *device = NULL, *server = NULL;
    kerf_link *link = NULL;
    kerf_map *map = NULL;
    kerf_error err = {0};
    assert_int_equal(kerf_network_load("configs/networks/alexnet.json", NULL, &net, &err), KERF_OK);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &device, &err), KERF_OK);
    assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &server, &err), KERF_OK);
    assert_int_equal(kerf_link_load("configs/links/wifi-n.json", &link, &err), KERF_OK);
    const kerf_question q = {.network = net,
                             .device = device,
                             .server = server,
                             .link = link,
                             .objective = objective,
                             .input_bytes = 60000,
                             .weight_energy = 1};
    kerf_map_box box = {.uplink_bps = {1e5, 1e9}};
    box.rtt_s[1] = box_of_two ? 0.1 : 0;
    assert_int_equal(kerf_map_make(&q, &box, &map, &err), KERF_OK);
    assert_int_equal(kerf_map_save(map, text_file_path(), &err), KERF_OK);
    kerf_map_destroy(&map);
    kerf_network_destroy(&net);
    kerf_device_destroy(&device);
    kerf_device_destroy(&server);
    kerf_link_destroy(&link);
    const size_t size = text_file_read(text_file_path(), text, MAX_SIZE);
    assert_true(size < MAX_SIZE);
    return size;
}

static void test_corrupted(void **state)
{
    (void)state;
    static char text[MAX_SIZE], changed[2 * MAX_SIZE];
    rng r = {rng_seed(77)};
    const size_t rounds = getenv("KERF_TEST_FULL") ? 20000 : 1500;
    size_t read = 0;
    for (int corpus = 0; corpus < 4; corpus++) {
        static const kerf_objective objectives[] = {KERF_OBJ_ENERGY, KERF_OBJ_THROUGHPUT,
                                                    KERF_OBJ_EDP, KERF_OBJ_LATENCY};
        const size_t size = make_corpus(objectives[corpus], corpus % 2, text);
        assert_true(read_one());
        for (size_t i = 0; i < rounds / 4; i++) {
            memcpy(changed, text, size);
            const size_t now = mutate(&r, changed, size, sizeof changed, tokens);
            text_file_write_bytes(changed, now);
            read += read_one();
        }
    }
    print_message("# %zu of %zu files were read\n", read, rounds);
    assert_true(read > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corrupted)};
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
