/* Decision maps: time to make one, and of one look-up. Prints a row per figure: what, seconds,
 * entries, and the same again by planning afresh. Called by bench_map.py. */
#include "kerf/kerf.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPEATS = 41, LOOKUPS = 2000000, PLANS = 200 };

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void stop(const kerf_error *err)
{
    fprintf(stderr, "bench_map: %s: %s\n", err->where, err->message);
    exit(1);
}

/* Median seconds of making the map; *map is the last one. */
static double time_make(const kerf_question *q, const kerf_map_box *box, kerf_map **map)
{
    double seconds[REPEATS];
    kerf_error err = {0};
    for (int i = 0; i < REPEATS; i++) {
        kerf_map_destroy(map);
        const double start = now_s();
        if (kerf_map_make(q, box, map, &err) != KERF_OK)
            stop(&err);
        seconds[i] = now_s() - start;
    }
    qsort(seconds, REPEATS, sizeof *seconds, compare);
    return seconds[REPEATS / 2];
}

/* Seconds of one look-up, at random conditions made before. */
static double time_find(const kerf_map *map)
{
    enum { POINTS = 4096 };
    static kerf_conditions at[POINTS];
    const kerf_map_box *box = kerf_map_range(map);
    rng r = {1};
    size_t sum = 0;
    for (int i = 0; i < POINTS; i++) {
        at[i] = kerf_map_conditions(map);
        at[i].uplink_bps = rng_log(&r, box->uplink_bps[0], box->uplink_bps[1] * 0.999);
        at[i].rtt_s = box->rtt_s[0] + (box->rtt_s[1] - box->rtt_s[0]) * rng_unit(&r);
        at[i].server_load =
            box->server_load[0] + (box->server_load[1] - box->server_load[0]) * rng_unit(&r);
    }
    const double start = now_s();
    for (int i = 0; i < LOOKUPS; i++)
        sum += kerf_map_find(map, &at[i % POINTS]);
    const double seconds = (now_s() - start) / LOOKUPS;
    if (sum == 1) /* so that nothing is left out */
        puts("");
    return seconds;
}

/* Seconds of one fresh plan, at random rates. */
static double time_plan(const kerf_question *question, const kerf_map_box *box)
{
    kerf_question q = *question;
    kerf_link link = *q.link;
    rng r = {1};
    kerf_error err = {0};
    q.link = &link;
    q.no_break_even = true;
    const double start = now_s();
    for (int i = 0; i < PLANS; i++) {
        kerf_plan *plan = NULL;
        link.rate_bps[KERF_UPLINK] = rng_log(&r, box->uplink_bps[0], box->uplink_bps[1]);
        if (kerf_plan_make(&q, &plan, &err) != KERF_OK)
            stop(&err);
        kerf_plan_destroy(&plan);
    }
    return (now_s() - start) / PLANS;
}

int main(void)
{
    kerf_network *net = NULL;
    kerf_device *device = NULL, *server = NULL;
    kerf_link *link = NULL;
    kerf_error err = {0};
    if (kerf_network_load("configs/networks/resnet50.json", NULL, &net, &err) != KERF_OK ||
        kerf_device_load("configs/devices/jetson-tx2.json", &device, &err) != KERF_OK ||
        kerf_device_load("configs/servers/edge-gpu.json", &server, &err) != KERF_OK ||
        kerf_link_load("configs/links/wifi-n.json", &link, &err) != KERF_OK)
        stop(&err);
    kerf_question q = {
        .network = net, .device = device, .server = server, .link = link, .input_bytes = 60000};
    for (int axes = 1; axes <= 3; axes++)
        for (int i = 0; i <= KERF_OBJ_EDP; i++) {
            kerf_map *map = NULL;
            kerf_map_box box = {.uplink_bps = {1e5, 1e9}};
            box.rtt_s[1] = axes > 1 ? 0.1 : 0;
            box.server_load[1] = axes > 2 ? 0.9 : 0;
            q.objective = (kerf_objective)i;
            const double made = time_make(&q, &box, &map);
            printf("%d %s %.9g %zu %.9g %.9g\n", axes, kerf_objective_name(q.objective), made,
                   kerf_map_entries(map), time_find(map), time_plan(&q, &box));
            kerf_map_destroy(&map);
        }
    kerf_network_destroy(&net);
    kerf_device_destroy(&device);
    kerf_device_destroy(&server);
    kerf_link_destroy(&link);
    return 0;
}
