/* Decision maps of bundled networks against fresh plans, and to files and back. KERF_SEED sets the
 * seed of the random points, KERF_TEST_FULL=1 asks for ten thousand of them. */
#include "kerf/kerf.h"
#include "tests/support/random.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *const UNTOUCHED = (void *)&UNTOUCHED;

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

/* --- a scene --- */

typedef struct scene {
    kerf_network *network;
    kerf_device *device, *server;
    kerf_link *link;
    kerf_question q;
    kerf_map_box box;
    char what[96];
} scene;

static void load(scene *s, const char *network, const char *link)
{
    char path[128];
    kerf_error err = {0};
    *s = (scene){.box = {.uplink_bps = {1e5, 1e9}}};
    snprintf(path, sizeof path, "configs/networks/%s.json", network);
    assert_int_equal(kerf_network_load(path, NULL, &s->network, &err), KERF_OK);
    snprintf(path, sizeof path, "configs/links/%s.json", link);
    assert_int_equal(kerf_link_load(path, &s->link, &err), KERF_OK);
    assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &s->device, &err),
                     KERF_OK);
    assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &s->server, &err), KERF_OK);
    s->q = (kerf_question){.network = s->network,
                           .device = s->device,
                           .server = s->server,
                           .link = s->link,
                           .input_bytes = 60000,
                           .weight_energy = 1,
                           .weight_latency = 3,
                           .no_break_even = true};
}

static void unload(scene *s)
{
    kerf_network_destroy(&s->network);
    kerf_device_destroy(&s->device);
    kerf_device_destroy(&s->server);
    kerf_link_destroy(&s->link);
}

static kerf_map *make(const scene *s)
{
    kerf_map *map = NULL;
    kerf_error err = {0};
    if (kerf_map_make(&s->q, &s->box, &map, &err) != KERF_OK)
        fail_msg("%s: %s: %s", s->what, err.where, err.message);
    assert_true(kerf_map_about(map)->complete);
    return map;
}

/* --- against plans --- */

static bool same(double a, double b, double tolerance)
{
    return a == b || fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

static void at_conditions(scene *s, const kerf_conditions *c)
{
    s->link->rate_bps[KERF_UPLINK] = c->uplink_bps;
    s->link->rate_bps[KERF_DOWNLINK] = c->downlink_bps;
    s->link->rtt_s = c->rtt_s;
    s->q.server_load = c->server_load;
}

/* The map's price of an entry is that of its placement. */
static void check_price(const scene *s, const kerf_map_entry *e, const kerf_plan_cost *cost)
{
    kerf_plan_cost exact;
    kerf_error err = {0};
    kerf_question q = s->q;
    q.power_mode = e->power_mode;
    q.encodings = e->encoding == KERF_NONE ? NULL : &s->q.encodings[e->encoding];
    q.n_encodings = q.encodings ? 1 : 0;
    q.variants = e->variant == KERF_NONE ? NULL : &s->q.variants[e->variant];
    q.n_variants = q.variants ? 1 : 0;
    assert_int_equal(kerf_price(&q, e->side, &exact, &err), KERF_OK);
    const double *a = (const double *)(const void *)&exact;
    const double *b = (const double *)(const void *)cost;
    for (size_t i = 0; i < sizeof exact / sizeof *a; i++)
        if (!same(a[i], b[i], 1e-12))
            fail_msg("%s: figure %zu of the price is %.17g, expected %.17g", s->what, i, b[i],
                     a[i]);
}

/* The entry is what a plan made now says: the same decision, or one that costs the same. */
static void check_entry(scene *s, const kerf_map *map, const kerf_conditions *c, size_t entry)
{
    kerf_plan *plan = NULL;
    kerf_plan_cost cost;
    kerf_error err = {0};
    at_conditions(s, c);
    const kerf_status status = kerf_plan_make(&s->q, &plan, &err);
    if (entry == KERF_NONE && status == KERF_E_INFEASIBLE)
        return;
    if (status != KERF_OK || entry == KERF_NONE)
        fail_msg("%s: entry %zu at %.17g bit/s, %g s, %g: %s", s->what, entry, c->uplink_bps,
                 c->rtt_s, c->server_load, err.message);
    assert_int_equal(kerf_map_price(map, entry, c, &cost, &err), KERF_OK);
    if (!same(cost.objective, plan->cost.objective, 1e-9))
        fail_msg("%s: entry %zu at %.17g bit/s, %g s, load %g: costs %.17g, the plan %.17g",
                 s->what, entry, c->uplink_bps, c->rtt_s, c->server_load, cost.objective,
                 plan->cost.objective);
    const kerf_map_entry *e = kerf_map_entry_at(map, entry);
    if (strcmp(e->cut_id, plan->cut_id) == 0) {
        assert_int_equal(e->n_tensors, plan->cut.n_tensors);
        assert_int_equal(e->bytes, plan->cut.bytes);
        assert_string_equal(e->power_mode, plan->power_mode);
        for (size_t i = 0; i < e->n_tensors; i++)
            assert_string_equal(
                e->tensors[i].name,
                (e->variant == KERF_NONE ? s->network : s->q.variants[e->variant].network)
                    ->tensors[plan->cut.tensors[i]]
                    .name);
    }
    check_price(s, e, &cost);
    kerf_plan_destroy(&plan);
}

static double log_between(rng *r, const double range[2])
{
    if (range[0] == range[1])
        return range[0];
    return fmin(range[1], fmax(range[0], rng_log(r, range[0], range[1])));
}

static double between(rng *r, const double range[2])
{
    return range[0] + (range[1] - range[0]) * rng_unit(r);
}

static void check_points(scene *s, const kerf_map *map, rng *r, size_t n)
{
    const kerf_map_box *b = kerf_map_range(map);
    for (size_t i = 0; i < n; i++) {
        const kerf_conditions c = {log_between(r, b->uplink_bps), log_between(r, b->downlink_bps),
                                   between(r, b->rtt_s), between(r, b->server_load)};
        check_entry(s, map, &c, kerf_map_find(map, &c));
    }
}

/* Contiguous, covering, and right inside and 1e-6 next to every border. */
static void check_regions(scene *s, const kerf_map *map, const kerf_conditions *conditions)
{
    kerf_map_region *regions = NULL;
    size_t n = 0;
    kerf_error err = {0};
    kerf_conditions c = conditions ? *conditions : kerf_map_conditions(map);
    const double *range = kerf_map_range(map)->uplink_bps;
    assert_int_equal(kerf_map_regions(map, conditions, &regions, &n, &err), KERF_OK);
    assert_true(n > 0 && regions[0].uplink_bps[0] == range[0] &&
                regions[n - 1].uplink_bps[1] == range[1]);
    for (size_t i = 0; i < n; i++) {
        const double low = regions[i].uplink_bps[0], high = regions[i].uplink_bps[1];
        assert_true(low < high);
        if (i > 0) {
            assert_true(regions[i - 1].uplink_bps[1] == low);
            assert_true(regions[i - 1].entry != regions[i].entry);
        }
        const double inside[] = {low * (i ? 1 + 1e-6 : 1), sqrt(low) * sqrt(high),
                                 high * (i + 1 < n ? 1 - 1e-6 : 1)};
        for (int k = 0; k < 3; k++) {
            c.uplink_bps = inside[k];
            check_entry(s, map, &c, regions[i].entry);
        }
    }
    free(regions);
}

static const char *const networks[] = {"alexnet", "resnet50",    "mobilenetv2",    "squeezenet",
                                       "vgg16",   "yolov3-tiny", "efficientnet-b0"};
static const char *const links[] = {"wifi-n", "lte", "dads-3g"};
enum { N_NETWORKS = sizeof networks / sizeof *networks, N_LINKS = sizeof links / sizeof *links };

/* A deadline or a budget between what is best at the slowest rate and at the fastest. */
static void add_limit(scene *s, rng *r)
{
    kerf_plan *slow = NULL, *fast = NULL;
    kerf_error err = {0};
    kerf_question q = s->q;
    q.objective = rng_chance(r, 0.5) ? KERF_OBJ_LATENCY : KERF_OBJ_ENERGY;
    s->link->rate_bps[KERF_UPLINK] = 1e5;
    assert_int_equal(kerf_plan_make(&q, &slow, &err), KERF_OK);
    s->link->rate_bps[KERF_UPLINK] = 1e9;
    assert_int_equal(kerf_plan_make(&q, &fast, &err), KERF_OK);
    const double share = rng_unit(r) * 1.1;
    const double value =
        exp(log(fast->cost.objective) * (1 - share) + log(slow->cost.objective) * share);
    if (q.objective == KERF_OBJ_LATENCY)
        s->q.limits.deadline_s = value;
    else
        s->q.limits.energy_J = value;
    kerf_plan_destroy(&slow);
    kerf_plan_destroy(&fast);
}

static void random_scene(scene *s, rng *r)
{
    const size_t network = rng_below(r, N_NETWORKS), link = rng_below(r, N_LINKS);
    load(s, networks[network], links[link]);
    s->link->connection = (kerf_connection)rng_below(r, 3);
    s->q.objective = (kerf_objective)rng_below(r, KERF_OBJ_WEIGHTED + 1);
    s->q.result_at_server = rng_chance(r, 0.2);
    s->q.power_mode = rng_chance(r, 0.3) ? "any" : NULL;
    s->q.input_bytes = rng_chance(r, 0.3) ? 0 : rng_log(r, 1e4, 1e6);
    if (rng_chance(r, 0.3))
        s->link->loss = 1e-3;
    const bool limited = rng_chance(r, 0.3);
    if (limited)
        add_limit(s, r);
    snprintf(s->what, sizeof s->what, "%s, %s, connection %d, %s%s%s", networks[network],
             links[link], (int)s->link->connection, kerf_objective_name(s->q.objective),
             limited ? ", limited" : "", s->q.power_mode ? ", any mode" : "");
}

static void test_rates(void **state)
{
    (void)state;
    const size_t scenes = cases(30, 200);
    rng r = {rng_seed(5)};
    size_t entries = 0;
    for (size_t i = 0; i < scenes; i++) {
        scene s;
        random_scene(&s, &r);
        kerf_map *map = make(&s);
        check_points(&s, map, &r, cases(12, 50));
        check_regions(&s, map, NULL);
        entries += kerf_map_entries(map);
        kerf_map_destroy(&map);
        unload(&s);
    }
    print_message("# %zu maps, %zu entries\n", scenes, entries);
}

static void test_boxes(void **state)
{
    (void)state;
    const size_t scenes = cases(10, 60);
    rng r = {rng_seed(6)};
    size_t entries = 0;
    for (size_t i = 0; i < scenes; i++) {
        scene s;
        random_scene(&s, &r);
        if (rng_chance(&r, 0.7))
            s.box.rtt_s[1] = 0.2;
        if (rng_chance(&r, 0.7))
            s.box.server_load[1] = 0.95;
        if (rng_chance(&r, 0.3)) {
            s.box.downlink_bps[0] = 1e5;
            s.box.downlink_bps[1] = 1e8;
        }
        kerf_map *map = make(&s);
        check_points(&s, map, &r, cases(12, 50));
        const kerf_map_box *b = kerf_map_range(map);
        const kerf_conditions c = {0, log_between(&r, b->downlink_bps), between(&r, b->rtt_s),
                                   between(&r, b->server_load)};
        check_regions(&s, map, &c);
        entries += kerf_map_entries(map);
        kerf_map_destroy(&map);
        unload(&s);
    }
    print_message("# %zu maps, %zu entries\n", scenes, entries);
}

/* Modes, encodings and variants at once. */
static void test_joint(void **state)
{
    (void)state;
    static const kerf_encoding encodings[] = {{.name = "float32", .wire = KERF_WIRE_FLOAT32},
                                              {.name = "packed",
                                               .wire = KERF_WIRE_INT8,
                                               .ratio = 0.6,
                                               .device_s_per_byte = 1e-9,
                                               .device_J_per_byte = 5e-9,
                                               .server_s_per_byte = 1e-10,
                                               .accuracy_loss = 0.01}};
    scene s, other;
    rng r = {rng_seed(7)};
    load(&s, "mobilenetv2", "lte");
    load(&other, "resnet50", "lte");
    const kerf_variant variants[] = {{.name = "small", .network = s.network, .accuracy = 0.72},
                                     {.name = "large", .network = other.network, .accuracy = 0.76}};
    s.q.network = NULL;
    s.q.variants = variants;
    s.q.n_variants = 2;
    s.q.encodings = encodings;
    s.q.n_encodings = 2;
    s.q.power_mode = "any";
    s.q.objective = KERF_OBJ_LATENCY;
    for (int strict = 0; strict < 2; strict++) {
        s.q.limits.min_accuracy = strict ? 0.755 : 0;
        snprintf(s.what, sizeof s.what, "joint, strict %d", strict);
        kerf_map *map = make(&s);
        for (size_t i = 0; i < kerf_map_entries(map); i++) {
            const kerf_map_entry *e = kerf_map_entry_at(map, i);
            assert_true(e->accuracy >= s.q.limits.min_accuracy);
            assert_string_equal(e->wire, encodings[e->encoding].name);
            assert_string_equal(e->network, variants[e->variant].network->name);
        }
        check_points(&s, map, &r, cases(30, 200));
        check_regions(&s, map, NULL);
        kerf_map_destroy(&map);
    }
    unload(&s);
    unload(&other);
}

/* --- refusals --- */

static void refuse(const scene *s, const char *where, const char *message, kerf_status expected)
{
    kerf_map *map = UNTOUCHED;
    kerf_error err = {0};
    const kerf_status status = kerf_map_make(&s->q, &s->box, &map, &err);
    if (status != expected || map != UNTOUCHED || (where && strcmp(err.where, where) != 0) ||
        !strstr(err.message, message))
        fail_msg("status %d, %s: %s", (int)status, err.where, err.message);
}

static void test_refusals(void **state)
{
    (void)state;
    scene s;
    load(&s, "alexnet", "wifi-n");
    s.box.uplink_bps[0] = 2e9;
    refuse(&s, "range of uplink rates", "does not fall", KERF_E_INVALID);
    s.box = (kerf_map_box){.uplink_bps = {0, 1e9}};
    refuse(&s, "uplink", "expected 1 bit/s", KERF_E_INVALID);
    s.box = (kerf_map_box){.server_load = {0, 1}};
    refuse(&s, "server load", "0 <= load < 1", KERF_E_INVALID);
    s.box = (kerf_map_box){.rtt_s = {0, NAN}};
    refuse(&s, "range of round-trip times", "does not fall", KERF_E_INVALID);
    s.box = (kerf_map_box){.uplink_bps = {1e5, 1e9}};
    s.q.limits.deadline_s = 1e-6;
    refuse(&s, NULL, "deadline", KERF_E_INFEASIBLE);
    s.q.limits.deadline_s = 0;
    s.q.limits.memory_bytes = 1;
    refuse(&s, NULL, "device-memory", KERF_E_INFEASIBLE);
    s.q.limits.memory_bytes = 0;
    s.q.power_mode = "turbo";
    refuse(&s, NULL, "has no power mode 'turbo'", KERF_E_INVALID);
    s.q.power_mode = NULL;

    kerf_map *map = make(&s);
    kerf_conditions c = kerf_map_conditions(map);
    kerf_plan_cost cost;
    kerf_map_region *regions = NULL;
    size_t n = 0;
    kerf_error err = {0};
    assert_int_equal(kerf_map_price(map, kerf_map_entries(map), &c, &cost, &err), KERF_E_INVALID);
    c.uplink_bps = NAN;
    assert_int_equal(kerf_map_price(map, 0, &c, &cost, &err), KERF_E_INVALID);
    assert_true(kerf_map_find(map, &c) == KERF_NONE);
    c.uplink_bps = 2e9;
    assert_true(kerf_map_find(map, &c) == KERF_NONE);
    assert_int_equal(kerf_map_price(map, 0, &c, &cost, &err), KERF_OK); /* outside the box, too */
    c.uplink_bps = 1e6;
    c.rtt_s += 1e-9;
    assert_true(kerf_map_find(map, &c) == KERF_NONE);
    assert_int_equal(kerf_map_regions(map, &c, &regions, &n, &err), KERF_E_INVALID);
    assert_null(kerf_map_entry_at(map, kerf_map_entries(map)));
    kerf_map_destroy(&map);
    kerf_map_destroy(&map);
    unload(&s);
}

/* --- files --- */

enum { MAX_FILE = 1 << 20 };

static char *saved(const kerf_map *map, size_t *size)
{
    kerf_error err = {0};
    char *text = malloc(MAX_FILE);
    assert_non_null(text);
    if (kerf_map_save(map, text_file_path(), &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    *size = text_file_read(text_file_path(), text, MAX_FILE);
    assert_true(*size < MAX_FILE);
    return text;
}

static void compare_maps(const kerf_map *a, const kerf_map *b, rng *r)
{
    const kerf_map_box *box = kerf_map_range(a);
    kerf_error err = {0};
    assert_memory_equal(box, kerf_map_range(b), sizeof *box);
    for (int i = 0; i < 300; i++) {
        const kerf_conditions c = {log_between(r, box->uplink_bps),
                                   log_between(r, box->downlink_bps), between(r, box->rtt_s),
                                   between(r, box->server_load)};
        const size_t entry = kerf_map_find(a, &c);
        kerf_plan_cost x, y;
        assert_true(entry == kerf_map_find(b, &c));
        if (entry == KERF_NONE)
            continue;
        assert_int_equal(kerf_map_price(a, entry, &c, &x, &err), KERF_OK);
        assert_int_equal(kerf_map_price(b, entry, &c, &y, &err), KERF_OK);
        assert_memory_equal(&x, &y, sizeof x);
    }
    kerf_map_region *p = NULL, *q = NULL;
    size_t n = 0, m = 0;
    assert_int_equal(kerf_map_regions(a, NULL, &p, &n, &err), KERF_OK);
    assert_int_equal(kerf_map_regions(b, NULL, &q, &m, &err), KERF_OK);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_memory_equal(&p[i], &q[i], sizeof *p);
    free(p);
    free(q);
}

static void test_files(void **state)
{
    (void)state;
    rng r = {rng_seed(8)};
    for (size_t i = 0; i < cases(6, 40); i++) {
        scene s;
        kerf_map *loaded = NULL;
        kerf_error err = {0};
        size_t size = 0, again = 0;
        random_scene(&s, &r);
        if (rng_chance(&r, 0.5))
            s.box.rtt_s[1] = 0.2;
        kerf_map *map = make(&s);
        char *text = saved(map, &size);
        if (kerf_map_load(text_file_path(), &loaded, &err) != KERF_OK)
            fail_msg("%s: %s", err.where, err.message);
        compare_maps(map, loaded, &r);
        char *second = saved(loaded, &again);
        assert_int_equal(size, again);
        assert_memory_equal(text, second, size);
        for (size_t k = 0; k < kerf_map_entries(map); k++) {
            const kerf_map_entry *a = kerf_map_entry_at(map, k), *b = kerf_map_entry_at(loaded, k);
            assert_string_equal(a->cut_id, b->cut_id);
            assert_int_equal(a->bytes, b->bytes);
            assert_int_equal(a->n_device_operators, b->n_device_operators);
        }
        free(text);
        free(second);
        kerf_map_destroy(&map);
        kerf_map_destroy(&loaded);
        unload(&s);
    }
}

static void test_wrong_files(void **state)
{
    (void)state;
    static const struct {
        const char *find, *replace, *where, *message;
    } wrong[] = {
        {"kerf-map/1", "kerf-map/2", "/format", "expected \"kerf-map/1\""},
        {"\"examined\"", "\"exmined\"", "", "examined"},
        {"\"result\":\"device\"", "\"result\":\"both\"", "/result", "expected one of"},
        {"\"uplink_bps\":[100000.0,1000000000.0]", "\"uplink_bps\":[1000000000,100000]", "/box",
         "does not fall"},
        {"\"uplink_bps\":[100000.0,1000000000.0]", "\"uplink_bps\":[0,1000000000]", "/box",
         "expected 1 bit/s"},
        {"\"uplink_bps\":[100000.0,1000000000.0]", "\"uplink_bps\":[100000]", "/box/uplink_bps",
         "expected 2"},
        {"\"loss\":0.0", "\"loss\":2", "/link", "loss"},
        {"\"network\":0", "\"network\":7", "/entries/0/network", "7"},
        {"\"sides\":\"d", "\"sides\":\"x", "/entries/0/sides", "letter 1"},
        {"\"sides\":\"d", "\"sides\":\"dd", "/entries/0/sides", "operators"},
        {"\"cut_id\":\"", "\"cut_id\":\"z", "/entries/0/cut_id", "16 hexadecimal"},
        {"\"device_s\":", "\"device_s\":-", "/entries/0/device_s", "-"},
        {"\"device_J\":", "\"device_J\":null, \"x\":", "/entries/0/device_J", "number"},
    };
    scene s;
    size_t size = 0;
    load(&s, "alexnet", "wifi-n");
    s.q.input_bytes = 0;
    kerf_map *map = make(&s);
    char *text = saved(map, &size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kerf_map *loaded = UNTOUCHED;
        kerf_error err = {0};
        text_file_write(text, wrong[i].find, wrong[i].replace);
        const kerf_status status = kerf_map_load(text_file_path(), &loaded, &err);
        if (status != KERF_E_INVALID || loaded != UNTOUCHED ||
            strcmp(err.where, wrong[i].where) != 0 || !strstr(err.message, wrong[i].message))
            fail_msg("case %zu: status %d, %s: %s", i, (int)status, err.where, err.message);
    }
    kerf_map *none = UNTOUCHED;
    kerf_error err = {0};
    assert_int_equal(kerf_map_load("/nonexistent/map.json", &none, &err), KERF_E_IO);
    assert_int_equal(kerf_map_save(map, "/nonexistent/map.json", &err), KERF_E_IO);
    free(text);
    kerf_map_destroy(&map);
    unload(&s);
}

/* --- lack of memory --- */

static kerf_status make_and_use(void *context, kerf_error *err)
{
    const scene *s = context;
    kerf_map *map = UNTOUCHED;
    kerf_map_region *regions = UNTOUCHED;
    size_t n = 0;
    kerf_status status = kerf_map_make(&s->q, &s->box, &map, err);
    if (status != KERF_OK)
        return map == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    status = kerf_map_regions(map, NULL, &regions, &n, err);
    if (status == KERF_OK)
        free(regions);
    else if (regions != UNTOUCHED)
        status = torture_wrong(err, "the regions were touched");
    kerf_map_destroy(&map);
    return status;
}

static kerf_status save_and_load(void *context, kerf_error *err)
{
    kerf_map *loaded = UNTOUCHED;
    kerf_status status = kerf_map_save(context, text_file_path(), err);
    if (status == KERF_OK) {
        status = kerf_map_load(text_file_path(), &loaded, err);
        if (status == KERF_OK)
            kerf_map_destroy(&loaded);
        else if (loaded != UNTOUCHED)
            status = torture_wrong(err, "the output was touched");
    }
    return status;
}

static void test_torture(void **state)
{
    (void)state;
    if (!torture_available())
        skip();
    scene s;
    load(&s, "alexnet", "wifi-n");
    s.q.power_mode = "any";
    s.q.objective = KERF_OBJ_LATENCY;
    s.box.rtt_s[1] = 0.1;
    const size_t count = torture_run(make_and_use, &s);
    kerf_map *map = make(&s);
    const size_t more = torture_run(save_and_load, map);
    print_message("# %zu and %zu allocations\n", count, more);
    kerf_map_destroy(&map);
    unload(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),   cmocka_unit_test(test_boxes),
        cmocka_unit_test(test_joint),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_files),   cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_torture),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
