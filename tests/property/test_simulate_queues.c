/* The simulator's servers against queueing theory: mean waiting times, utilisation and numbers in
 * the system within their confidence intervals. Jobs are offered to a server directly. */
#include "planner/simulate/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REPLICATIONS 30

typedef enum service { CONSTANT, EXPONENTIAL, TWO_POINT } service;

/* Mean 1; the two-point one is 0.1 nine times in ten and 9.1 else: variance 7.29. */
static double draw_service(service kind, uint64_t key, uint64_t i)
{
    switch (kind) {
    case EXPONENTIAL:
        return sim_exponential(key, 2, SIM_STREAM_SERVICE, i);
    case TWO_POINT:
        return sim_uniform(key, 2, SIM_STREAM_SERVICE, i) < 0.9 ? 0.1 : 9.1;
    case CONSTANT:
        break;
    }
    return 1;
}

typedef struct outcome {
    double wait, utilisation, jobs, response, rejected;
} outcome;

/* A replication: so many time units, the first tenth of them uncounted. */
static outcome offer(const sim_server *server, service kind, double rate, double length,
                     uint64_t replication)
{
    const uint64_t key = sim_key(20, replication);
    sim_station s;
    sim_job done;
    double now = 0;
    uint64_t offered = 0;
    assert_true(sim_station_init(&s, server, key, 1, 0.1 * length, length));
    for (uint64_t i = 0;; i++) {
        now += sim_exponential(key, 1, SIM_STREAM_ARRIVAL, i) / rate;
        /* What happens at the server before. */
        for (double next; !sim_station_is_direct(&s) && (next = sim_station_next(&s)) <= now;)
            while (sim_station_turn(&s, next, &done))
                ;
        if (now >= length)
            break;
        offered += now >= 0.1 * length;
        const sim_job job = {.service_s = draw_service(kind, key, i)};
        double end, wait;
        bool failed;
        if (sim_station_is_direct(&s))
            sim_station_serve(&s, now, &job, &end, &wait, &failed);
        else
            assert_int_not_equal(sim_station_add(&s, now, &job), SIM_NO_MEMORY);
    }
    const double window = 0.9 * length;
    const outcome o = {.wait = s.tally.wait_s.mean,
                       .utilisation =
                           sim_sum_value(&s.tally.busy_s) / window / (double)server->workers,
                       .jobs = sim_sum_value(&s.tally.inside_s) / window,
                       .response = s.tally.response_s.mean,
                       .rejected = (double)s.tally.rejected / (double)offered};
    /* Whoever was taken has left, or is still there. */
    assert_int_equal(s.tally.accepted + s.tally.rejected, offered);
    assert_true(s.tally.done <= s.tally.accepted);
    sim_station_clear(&s);
    return o;
}

static void within(const char *what, const sim_mean *m, double expected)
{
    const double variance = m->squares / (double)(m->n - 1);
    const double half = sim_half_width((size_t)m->n, variance, 0.999);
    if (!(fabs(m->mean - expected) <= half))
        fail_msg("%s: %.6g +- %.2g, theory says %.6g", what, m->mean, half, expected);
    /* The interval must be narrow enough to tell. */
    if (!(half < 0.2 * expected))
        fail_msg("%s: +- %.2g is too wide for %.6g", what, half, expected);
}

typedef struct theory {
    const char *name;
    sim_server server;
    service kind;
    double rate;
    double wait; /* expected */
} theory;

static void check(const theory *t)
{
    const bool full = getenv("KERF_TEST_FULL") != NULL;
    const double length = full ? 300000 : 40000;
    sim_mean wait = {0}, utilisation = {0}, little = {0};
    char name[100];
    for (uint64_t r = 0; r < REPLICATIONS; r++) {
        const outcome o = offer(&t->server, t->kind, t->rate, length / t->rate, r);
        sim_mean_add(&wait, o.wait);
        sim_mean_add(&utilisation, o.utilisation);
        sim_mean_add(&little, o.jobs);
    }
    within(t->name, &wait, t->wait);
    snprintf(name, sizeof name, "%s: utilisation law", t->name);
    within(name, &utilisation, t->rate / (double)t->server.workers);
    snprintf(name, sizeof name, "%s: Little's law", t->name);
    within(name, &little, t->rate * (t->wait + 1));
}

#define SERVER(kind, n)                                                                            \
    {                                                                                              \
        .discipline = (kind), .workers = (n), .batch = 1, .queue = 1000000                         \
    }

/* Erlang's C formula: the probability of waiting in M/M/c at c times the load. */
static double erlang_c(size_t c, double a)
{
    double term = 1, sum = 0;
    for (size_t k = 0; k < c; k++) {
        sum += term;
        term *= a / (double)(k + 1);
    }
    const double last = term * (double)c / ((double)c - a);
    return last / (sum + last);
}

static void test_fifo(void **state)
{
    (void)state;
    const theory theories[] = {
        /* W = rho / (1 - rho) */
        {"M/M/1 at 0.5", SERVER(SIM_FIFO, 1), EXPONENTIAL, 0.5, 1},
        {"M/M/1 at 0.8", SERVER(SIM_FIFO, 1), EXPONENTIAL, 0.8, 4},
        /* Pollaczek and Khinchine: W = rate E[S^2] / (2 (1 - rho)) */
        {"M/D/1 at 0.5", SERVER(SIM_FIFO, 1), CONSTANT, 0.5, 0.5},
        {"M/D/1 at 0.8", SERVER(SIM_FIFO, 1), CONSTANT, 0.8, 2},
        {"M/G/1 at 0.6", SERVER(SIM_FIFO, 1), TWO_POINT, 0.6, 0.6 * 8.29 / 0.8},
        /* W = C(c, a) / (c - a) */
        {"M/M/4 at 3.2", SERVER(SIM_FIFO, 4), EXPONENTIAL, 3.2, erlang_c(4, 3.2) / (4 - 3.2)},
        {"M/M/10 at 8", SERVER(SIM_FIFO, 10), EXPONENTIAL, 8, erlang_c(10, 8) / 2},
    };
    for (size_t i = 0; i < sizeof theories / sizeof *theories; i++)
        check(&theories[i]);
}

/* Full batches of two that take as long as one job: an Erlang-2 arrival stream of pairs, and half
 * the work. Batches that gain nothing keep the utilisation of single jobs. */
static void test_batches(void **state)
{
    (void)state;
    sim_server server = SERVER(SIM_FIFO, 1);
    sim_mean paired = {0}, single = {0};
    server.batch = 2;
    server.batch_delay_s = 1e6;
    for (uint64_t r = 0; r < REPLICATIONS; r++)
        sim_mean_add(&paired, offer(&server, CONSTANT, 0.5, 40000, r).utilisation);
    within("pairs at no cost: utilisation law", &paired, 0.25);
    server.batch_delay_s = 0;
    server.batch_share = 1;
    for (uint64_t r = 0; r < REPLICATIONS; r++)
        sim_mean_add(&single, offer(&server, CONSTANT, 0.5, 40000, r).utilisation);
    within("pairs without gain: utilisation law", &single, 0.5);
}

/* Sharing is insensitive: R = E[S] / (1 - rho) whatever the service times, so that W = rho /
 * (1 - rho) of E[S]. */
static void test_sharing(void **state)
{
    (void)state;
    const theory theories[] = {
        {"M/M/1-PS at 0.5", SERVER(SIM_SHARING, 1), EXPONENTIAL, 0.5, 1},
        {"M/D/1-PS at 0.7", SERVER(SIM_SHARING, 1), CONSTANT, 0.7, 0.7 / 0.3},
        {"M/G/1-PS at 0.6", SERVER(SIM_SHARING, 1), TWO_POINT, 0.6, 1.5},
        /* Four workers that nobody waits for in line: as M/M/4. */
        {"M/M/4-PS at 3", SERVER(SIM_SHARING, 4), EXPONENTIAL, 3, erlang_c(4, 3)},
    };
    for (size_t i = 0; i < sizeof theories / sizeof *theories; i++)
        check(&theories[i]);
}

/* M/M/1/K: with K places the share that is refused is (1 - rho) rho^K / (1 - rho^(K+1)). */
static void test_refusals(void **state)
{
    (void)state;
    const sim_server servers[] = {SERVER(SIM_FIFO, 1), SERVER(SIM_SHARING, 1)};
    const double rho = 0.9;
    for (size_t k = 0; k < 2; k++) {
        sim_server server = servers[k];
        server.queue = 4; /* and one in service */
        sim_mean refused = {0};
        for (uint64_t r = 0; r < REPLICATIONS; r++)
            sim_mean_add(&refused, offer(&server, EXPONENTIAL, rho, 40000, r).rejected);
        within("M/M/1/5: refused", &refused, (1 - rho) * pow(rho, 5) / (1 - pow(rho, 6)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fifo), cmocka_unit_test(test_batches),
                                       cmocka_unit_test(test_sharing),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
