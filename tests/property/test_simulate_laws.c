/* What holds in every scenario, here in random ones with traces, faults, time-outs and shared
 * capacity: every inference ends as done, missed or dropped, once; parts add up; all policies meet
 * the same arrivals; the number of threads changes nothing; hindsight is not beaten alone. */
#include "tests/support/random.h"
#include "tests/support/scenario.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE_OF(r, list) (list)[rng_below(r, sizeof(list) / sizeof *(list))]

typedef struct nature {
    bool faults, shared, alone;
} nature;

static void write_links(FILE *out, rng *r, const nature *n)
{
    static const char *const presets[] = {"wifi-n", "lte", "5g-low", "lte-legacy", "ethernet-1g"};
    static const char *const states[] = {"cold", "warm", "new"};
    fprintf(out,
            "\"access_points\": {\"ap\": {\"uplink\": \"%zu Mbit/s\", \"downlink_trace\": "
            "{\"points\": [[\"0 s\", \"20 Mbit/s\"], [\"3 s\", \"%zu Mbit/s\"]]}}},\n",
            1 + rng_below(r, 50), rng_below(r, 30));
    fprintf(out, "\"links\": {\n");
    for (int i = 0; i < 2; i++) {
        fprintf(out, " \"l%d\": {\"link\": \"%s\", \"connection\": \"%s\"", i, ONE_OF(r, presets),
                ONE_OF(r, states));
        if (rng_chance(r, 0.5))
            fprintf(out,
                    ", \"uplink_trace\": {\"points\": [[\"0 s\", \"%zu Mbit/s\"], [\"2 s\", "
                    "\"%zu kbit/s\"], [\"2.5 s\", \"0 bit/s\"], [\"3 s\", \"9 Mbit/s\"]], "
                    "\"period\": \"7 s\"}",
                    1 + rng_below(r, 80), rng_below(r, 900));
        if (rng_chance(r, 0.3))
            fprintf(out,
                    ", \"rtt_trace\": {\"points\": [[\"0 s\", \"10 ms\"], [\"4 s\", \"%zu "
                    "ms\"]]}",
                    1 + rng_below(r, 300));
        if (n->shared && rng_chance(r, 0.5))
            fprintf(out, ", \"access_point\": \"ap\"");
        fprintf(out, "}%s\n", i == 0 ? "," : "},");
    }
}

static void write_servers(FILE *out, rng *r, const nature *n)
{
    static const char *const services[] = {"constant", "exponential", "lognormal"};
    fprintf(out, "\"servers\": {\n");
    for (int i = 0; i < 2; i++) {
        const size_t kind = n->alone ? 0 : rng_below(r, 3);
        fprintf(out, " \"s%d\": {\"server\": \"%s\", \"workers\": %zu, \"service\": \"%s\"", i,
                rng_chance(r, 0.5) ? "edge-gpu" : "edge-cpu", 1 + rng_below(r, 3),
                n->alone ? "constant" : ONE_OF(r, services));
        if (kind == 1)
            fprintf(out, ", \"discipline\": \"sharing\"");
        if (kind == 2)
            fprintf(out, ", \"batch\": {\"size\": %zu, \"delay\": \"%zu ms\", \"share\": 0.4}",
                    1 + rng_below(r, 5), rng_below(r, 20));
        if (!n->alone && rng_chance(r, 0.5))
            fprintf(out, ", \"queue\": %zu", rng_below(r, 8));
        fprintf(out, "}%s\n", i == 0 ? "," : "},");
    }
}

static void write_arrivals(FILE *out, rng *r, const nature *n)
{
    switch (n->alone ? 3 : rng_below(r, 3)) {
    case 0:
        fprintf(out, "{\"kind\": \"periodic\", \"period\": \"%zu ms\", \"jitter\": \"5 ms\"}",
                30 + rng_below(r, 500));
        break;
    case 1:
        fprintf(out, "{\"kind\": \"poisson\", \"rate\": \"%zu Hz\"}", 1 + rng_below(r, 20));
        break;
    case 2:
        fprintf(out,
                "{\"kind\": \"bursts\", \"quiet_rate\": \"0.2 Hz\", \"busy_rate\": \"%zu Hz\","
                " \"quiet_time\": \"2 s\", \"busy_time\": \"1 s\"}",
                5 + rng_below(r, 30));
        break;
    default: /* so seldom that each is over before the next */
        fprintf(out, "{\"kind\": \"periodic\", \"period\": \"60 s\"}");
    }
}

static void write_groups(FILE *out, rng *r, const nature *n)
{
    static const char *const networks[] = {"alexnet", "resnet18", "mobilenetv2", "squeezenet"};
    static const char *const boards[] = {"jetson-tx2", "jetson-nano", "jetson-orin-nano"};
    static const char *const objectives[] = {"energy", "latency", "edp", "total-energy"};
    fprintf(out, "\"groups\": [\n");
    for (int i = 0; i < 2; i++) {
        fprintf(out,
                " {\"name\": \"g%d\", \"count\": %zu, \"device\": \"%s\", \"network\": \"%s\", "
                "\"link\": \"l%zu\", \"server\": \"s%zu\", \"input_size\": \"50 kB\", "
                "\"objective\": \"%s\", \"queue\": %zu, \"drop\": \"%s\", \"arrivals\": ",
                i, n->alone ? 1 : 1 + rng_below(r, 12), ONE_OF(r, boards), ONE_OF(r, networks),
                rng_below(r, 2), n->alone ? (size_t)i : rng_below(r, 2), ONE_OF(r, objectives),
                rng_below(r, 4), rng_chance(r, 0.5) ? "oldest" : "newest");
        write_arrivals(out, r, n);
        if (!n->alone && rng_chance(r, 0.5))
            fprintf(out, ", \"deadline\": \"%zu ms\"", 20 + rng_below(r, 200));
        if (n->faults && rng_chance(r, 0.7))
            fprintf(out, ", \"timeout\": \"%zu ms\", \"fallback\": %s", 20 + rng_below(r, 800),
                    rng_chance(r, 0.7) ? "true" : "false");
        if (!n->alone && rng_chance(r, 0.2))
            fprintf(out, ", \"result\": \"server\"");
        fprintf(out, "}%s\n", i == 0 ? "," : "]");
    }
}

static char *random_scenario(rng *r, const nature *n)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out,
            "{\"format\": \"kerf-scenario/1\", \"name\": \"random\", \"duration\": \"%s\", "
            "\"warmup\": \"%s\", \"seed\": %zu, \"replications\": 2,\n",
            n->alone ? "40 min" : "20 s", n->alone ? "0 s" : "1 s", rng_below(r, 1000000));
    write_links(out, r, n);
    write_servers(out, r, n);
    write_groups(out, r, n);
    if (n->faults)
        fprintf(out,
                ", \"faults\": [{\"link\": \"l0\", \"mtbf\": \"4 s\", \"mttr\": \"%zu ms\"}, "
                "{\"server\": \"s0\", \"mtbf\": \"3 s\", \"mttr\": \"600 ms\"}, "
                "{\"server\": \"s1\", \"times\": [[\"2 s\", \"2.5 s\"], [\"9 s\", \"11 s\"]]}, "
                "{\"access_point\": \"ap\", \"mtbf\": \"5 s\", \"mttr\": \"300 ms\"}]",
                1 + rng_below(r, 3000));
    fprintf(out, "}\n");
    assert_int_equal(fclose(out), 0);
    return text;
}

static void close_to(const char *what, double a, double b, const char *text)
{
    if (!(fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)) + 1e-12))
        fail_msg("%s: %.17g and %.17g in\n%s", what, a, b, text);
}

static void check_group(const kerf_simulation *s, size_t g, size_t p, const char *text)
{
    const kerf_group_result *r = kerf_simulation_group(s, g, p);
    if (r->arrived != r->done + r->missed + r->dropped)
        fail_msg("policy %s, group %zu: %llu arrived, but %llu done, %llu missed, %llu dropped in\n"
                 "%s",
                 kerf_simulation_policy_name(s, p), g, (unsigned long long)r->arrived,
                 (unsigned long long)r->done, (unsigned long long)r->missed,
                 (unsigned long long)r->dropped, text);
    if (r->arrived != kerf_simulation_group(s, g, 0)->arrived)
        fail_msg("policy %s meets other arrivals in\n%s", kerf_simulation_policy_name(s, p), text);
    if (r->done + r->missed == 0)
        return;
    close_to("energy",
             r->compute_J.mean + r->uplink_J.mean + r->wait_J.mean + r->downlink_J.mean +
                 r->radio_fixed_J.mean,
             r->energy_J.mean, text);
    close_to("latency",
             r->queue_s.mean + r->device_s.mean + r->uplink_s.mean + r->server_wait_s.mean +
                 r->server_s.mean + r->downlink_s.mean + r->fallback_s.mean,
             r->latency_s.mean, text);
    if (r->compute_J.mean < 0 || r->uplink_J.mean < 0 || r->wait_J.mean < 0 ||
        r->downlink_J.mean < 0 || r->radio_fixed_J.mean < 0 || r->queue_s.mean < 0 ||
        r->uplink_s.mean < 0 || r->server_wait_s.mean < 0 || r->downlink_s.mean < 0 ||
        r->fallback_s.mean < 0)
        fail_msg("a part is negative in\n%s", text);
    close_to("total parts",
             r->total_compute_J.mean + r->total_uplink_J.mean + r->total_wait_J.mean +
                 r->total_downlink_J.mean + r->total_radio_fixed_J.mean,
             r->total_energy_J.mean, text);
    if (r->dropped == 0 && r->replications == 1)
        close_to("total", r->total_energy_J.mean, r->energy_J.mean * (double)(r->done + r->missed),
                 text);
}

static void check_server(const kerf_simulation *s, size_t i, size_t p, const char *text)
{
    const kerf_server_result *r = kerf_simulation_server(s, i, p);
    if (r->utilisation.mean < 0 || r->utilisation.mean > 1 + 1e-9)
        fail_msg("a server is busy %g of the time in\n%s", r->utilisation.mean, text);
    if (r->failed > r->accepted)
        fail_msg("more jobs fail than were accepted in\n%s", text);
}

static void same_results(const kerf_simulation *a, const kerf_simulation *b, const char *text)
{
    const kerf_simulation_summary d = kerf_simulation_describe(a);
    for (size_t p = 0; p < d.policies; p++) {
        for (size_t g = 0; g < d.groups; g++)
            if (memcmp(kerf_simulation_group(a, g, p), kerf_simulation_group(b, g, p),
                       sizeof(kerf_group_result)) != 0 ||
                kerf_simulation_latency_quantile(a, g, p, 0.37) !=
                    kerf_simulation_latency_quantile(b, g, p, 0.37))
                fail_msg("other threads, other results, in\n%s", text);
        for (size_t i = 0; i < d.servers; i++)
            if (memcmp(kerf_simulation_server(a, i, p), kerf_simulation_server(b, i, p),
                       sizeof(kerf_server_result)) != 0)
                fail_msg("other threads, other server results, in\n%s", text);
    }
}

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static void test_random_scenarios(void **state)
{
    (void)state;
    rng r = {rng_seed(5)};
    const size_t n = cases(60, 700);
    for (size_t i = 0; i < n; i++) {
        const nature kind = {.faults = i % 3 != 0, .shared = i % 2 != 0};
        char *text = random_scenario(&r, &kind);
        kerf_scenario *scenario = scenario_of(text);
        const kerf_simulate_options one = {.threads = 1, .replications = 1 + i % 2};
        const kerf_simulate_options three = {.threads = 3, .replications = 1 + i % 2};
        kerf_simulation *a = simulation_of(scenario, &one);
        kerf_simulation *b = i % 4 == 0 ? simulation_of(scenario, &three) : NULL;
        const kerf_simulation_summary d = kerf_simulation_describe(a);
        assert_int_equal(d.policies, 6);
        assert_false(d.partial);
        for (size_t p = 0; p < d.policies; p++) {
            for (size_t g = 0; g < d.groups; g++)
                check_group(a, g, p, text);
            for (size_t s = 0; s < d.servers; s++)
                check_server(a, s, p, text);
        }
        if (b)
            same_results(a, b, text);
        kerf_simulation_destroy(&b);
        kerf_simulation_destroy(&a);
        kerf_scenario_destroy(&scenario);
        free(text);
    }
}

/* One board a link and a server, an inference at a time, far apart: hindsight knows all there is,
 * so no policy does better by more than the tails that it cannot foresee. */
static void test_hindsight(void **state)
{
    (void)state;
    rng r = {rng_seed(6)};
    const size_t n = cases(40, 400);
    for (size_t i = 0; i < n; i++) {
        const nature kind = {.alone = true};
        char *text = random_scenario(&r, &kind);
        kerf_scenario *scenario = NULL;
        kerf_simulation *s = simulate_text(text, &scenario);
        const size_t hindsight = 5;
        for (size_t g = 0; g < 2; g++) {
            const kerf_group_result *best = kerf_simulation_group(s, g, hindsight);
            assert_int_equal(best->dropped, 0);
            for (size_t p = 0; p < hindsight; p++) {
                const kerf_group_result *other = kerf_simulation_group(s, g, p);
                if (!(best->objective.mean <= other->objective.mean * (1 + 1e-9)) ||
                    !(other->regret.mean >= -1e-9 * other->objective.mean))
                    fail_msg("%s has %.17g, hindsight %.17g in\n%s",
                             kerf_simulation_policy_name(s, p), other->objective.mean,
                             best->objective.mean, text);
            }
            assert_true(best->regret.mean == 0);
        }
        kerf_simulation_destroy(&s);
        kerf_scenario_destroy(&scenario);
        free(text);
    }
}

/* Many boards that send seldom, exponential service: M/M/1, through a whole scenario. */
static void test_fleet_is_a_queue(void **state)
{
    (void)state;
    static const char text[] =
        "{\"format\": \"kerf-scenario/1\", \"name\": \"queue\", \"duration\": \"260 s\","
        " \"warmup\": \"60 s\", \"replications\": 12, \"policies\": [\"all-server\"],"
        " \"links\": {\"l\": {\"link\": \"ethernet-1g\", \"connection\": \"warm\"}},"
        " \"servers\": {\"s\": {\"server\": \"edge-gpu\", \"service\": \"exponential\"}},"
        " \"groups\": [{\"name\": \"g\", \"count\": 3000, \"device\": \"jetson-tx2\","
        " \"network\": \"resnet50\", \"link\": \"l\", \"server\": \"s\","
        " \"arrivals\": {\"kind\": \"poisson\", \"rate\": \"0.1 Hz\"}}]}";
    kerf_scenario *scenario = NULL;
    kerf_simulation *s = simulate_text(text, &scenario);
    const kerf_group_result *g = kerf_simulation_group(s, 0, 0);
    const kerf_server_result *r = kerf_simulation_server(s, 0, 0);
    const double service_s = g->server_s.mean, rho = 300 * service_s;
    assert_in_range((int)(100 * rho), 50, 90);
    const double expected = service_s * rho / (1 - rho);
    if (!(fabs(r->wait_s.mean - expected) <= 1.6 * r->wait_s.half_width) ||
        !(r->wait_s.half_width < 0.2 * expected))
        fail_msg("waits %g s +- %g s, M/M/1 says %g s", r->wait_s.mean, r->wait_s.half_width,
                 expected);
    if (!(fabs(r->utilisation.mean - rho) <= 1.6 * r->utilisation.half_width))
        fail_msg("is busy %g +- %g, expected %g", r->utilisation.mean, r->utilisation.half_width,
                 rho);
    /* Little's law, of two figures that are counted apart: all jobs' time inside, clipped to the
     * window, and the mean response of those that arrived in it. */
    const double jobs = (double)r->accepted / 12 / 200 * r->response_s.mean;
    if (!(fabs(r->jobs.mean - jobs) <= 0.01 * jobs))
        fail_msg("%g jobs inside, Little's law says %g", r->jobs.mean, jobs);
    kerf_simulation_destroy(&s);
    kerf_scenario_destroy(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_scenarios),
                                       cmocka_unit_test(test_hindsight),
                                       cmocka_unit_test(test_fleet_is_a_queue)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
