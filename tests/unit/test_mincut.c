/* Minimum cuts of the problem: the reverse-edge trap, hand-worked cases, planted optima, the
 * envelope of prices, and what the solver refuses. */
#include "planner/solve/envelope.h"
#include "planner/solve/maxflow.h"
#include "planner/solve/solve.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A chain of n operators, seconds on either side, over a link of 8 Mbit/s without delay: 1 us per
 * byte. Latency is minimised. */
typedef struct chain {
    size_t all[8], next[8];
    cut_cost tables[8][2];
    cut_group groups[8];
    cut_tensor tensors[9];
    kerf_link link;
    cut_problem p;
} chain;

static void make_chain(chain *c, size_t n, const double *device, const double *server,
                       const double *bytes)
{
    memset(c, 0, sizeof *c);
    c->link = (kerf_link){.rate_bps = {8e6, 8e6}, .connection = KERF_CONNECTION_WARM};
    c->tensors[0] = (cut_tensor){
        .producer = CUT_SOURCE, .consumers = &c->all[0], .n_consumers = 1, .up_bytes = bytes[0]};
    for (size_t v = 0; v < n; v++) {
        c->all[v] = v;
        c->next[v] = v + 1;
        c->tables[v][0].server_s = server[v];
        c->tables[v][1].device_s = device[v];
        c->groups[v] = (cut_group){&c->all[v], 1, c->tables[v]};
        c->tensors[v + 1] = (cut_tensor){.producer = v,
                                         .consumers = &c->next[v],
                                         .n_consumers = v + 1 < n,
                                         .up_bytes = bytes[v + 1],
                                         .to_device = v + 1 == n};
    }
    c->p = (cut_problem){.n = n,
                         .groups = c->groups,
                         .n_groups = n,
                         .tensors = c->tensors,
                         .n_tensors = n + 1,
                         .link = &c->link,
                         .objective = KERF_OBJ_LATENCY};
}

static double solve(const cut_problem *p, uint8_t *x)
{
    cut_solution s = {.x = NULL};
    kerf_error err = {.code = KERF_OK};
    assert_int_equal(cut_solve_mincut(p, NULL, &s, &err), KERF_OK);
    assert_true(s.gap <= CUT_GAP && s.bound <= s.objective);
    assert_true(cut_is_legal(p, s.x));
    if (x)
        memcpy(x, s.x, p->n);
    double objective = s.objective;
    cut_solution_clear(&s);
    return objective;
}

/* The middle operator is fast on the server, its neighbours on the device. Without infinite arcs
 * back, a minimum cut sends the data up and has it back for free: 3 s, which no placement takes. */
static void test_reverse_edge_trap(void **state)
{
    (void)state;
    const double device[] = {1, 100, 1}, server[] = {10, 1, 100}, bytes[] = {1000, 1000, 1000, 0};
    chain c;
    uint8_t x[3];
    make_chain(&c, 3, device, server, bytes);
    assert_true(fabs(solve(&c.p, x) - 102) < 1e-9);
    assert_true(x[0] == 0 && x[1] == 0 && x[2] == 0);

    const double one_way = 1e-3;
    const double forward[] = {one_way, one_way};
    maxflow_arc arcs[] = {{0, 1, 0, 0}, {1, 2, 0, 0}};
    maxflow *flow = NULL;
    assert_int_equal(maxflow_create(3, 2, arcs, &flow, NULL), KERF_OK);
    assert_true(fabs(maxflow_solve(flow, server, device, forward) - (3 + one_way)) < 1e-12);
    maxflow_destroy(&flow);
    arcs[0].backward = arcs[1].backward = INFINITY;
    assert_int_equal(maxflow_create(3, 2, arcs, &flow, NULL), KERF_OK);
    assert_true(fabs(maxflow_solve(flow, server, device, forward) - 102) < 1e-12);
    maxflow_destroy(&flow);
}

/* 1 s + 20 000 bytes * 1 us + 0.3 s, against 1.02 + ... : worked by hand. */
static void test_hand_worked(void **state)
{
    (void)state;
    const double device[] = {1, 2, 3}, server[] = {0.1, 0.2, 0.1};
    const double bytes[] = {2e6, 20000, 1e6, 0};
    chain c;
    uint8_t x[3];
    make_chain(&c, 3, device, server, bytes);
    assert_true(fabs(solve(&c.p, x) - 1.32) < 1e-12); /* all device 6, all server 2.4, late 4.1 */
    assert_true(x[0] == 0 && x[1] == 1 && x[2] == 1);
    c.p.device_part.device_s = 2; /* now all on the server: 2.4 */
    assert_true(fabs(solve(&c.p, x) - 2.4) < 1e-12);
    assert_true(x[0] == 1);
    c.p.server_part.server_s = 7; /* and now all on the device: 8 */
    assert_true(fabs(solve(&c.p, x) - 8) < 1e-12);
    assert_true(x[2] == 0);
    const uint8_t pin[] = {KERF_SIDE_FREE, KERF_SIDE_SERVER, KERF_SIDE_FREE};
    c.p.pin = pin; /* 0.4 + 7 + 2 all on the server, 1 + 2 + 0.02 + 0.3 + 7 split */
    assert_true(fabs(solve(&c.p, x) - 9.4) < 1e-12);
}

/* A tensor that three operators read is paid for once. */
static void test_tensor_paid_once(void **state)
{
    (void)state;
    const double device[] = {1, 1, 1, 1}, server[] = {5, 0, 0, 0}, bytes[] = {9e9, 1e6, 0, 0, 0};
    const size_t readers[] = {1, 2, 3};
    chain c;
    make_chain(&c, 4, device, server, bytes);
    for (size_t v = 1; v < 4; v++)
        c.tensors[v + 1].n_consumers = 0;
    c.tensors[1].consumers = readers;
    c.tensors[1].n_consumers = 3;
    assert_true(fabs(solve(&c.p, NULL) - 2) < 1e-12); /* 1 + 1, not 1 + 3 or 4 */
}

/* A fused group of three: broken in the middle it may be dearer than any sum of its parts. */
static void test_group_table(void **state)
{
    (void)state;
    const double none[] = {0, 0, 0}, bytes[] = {4e6, 1000, 1000, 0};
    chain c;
    uint8_t x[3];
    make_chain(&c, 3, none, none, bytes);
    const cut_cost table[] = {{.server_s = 1}, {.device_s = 50}, {.device_s = 2}, {.device_s = 4}};
    const cut_group group = {c.all, 3, table};
    c.p.groups = &group;
    c.p.n_groups = 1;
    assert_true(fabs(solve(&c.p, x) - 2.001) < 1e-12);
    assert_true(x[0] == 0 && x[1] == 0 && x[2] == 1);
}

/* Slow start: the best split is one that no single price per byte of the tested kind finds, and
 * the jump at zero bytes decides between some bytes and none. */
static void test_jump_at_zero(void **state)
{
    (void)state;
    const double device[] = {1, 0.9}, server[] = {0.1, 0.1}, bytes[] = {9e9, 1, 0};
    chain c;
    uint8_t x[2];
    make_chain(&c, 2, device, server, bytes);
    c.link.rtt_s = 1; /* half of it is paid up; the result takes no bytes */
    assert_true(fabs(solve(&c.p, x) - 1.600001) < 1e-9);
    assert_true(x[1] == 1);
    c.link.rtt_s = 2;
    assert_true(fabs(solve(&c.p, x) - 1.9) < 1e-12);
    assert_true(x[1] == 0);
}

/* The problem is built around its answer: whichever operator is moved costs more than all that
 * could be saved on the link. */
static void plant(rng *r, size_t n, size_t width, problem_box *box, uint8_t *x, double *cost)
{
    layered_problem(r, n, width, rng_chance(r, 0.5), box);
    box->p.objective = KERF_OBJ_LATENCY;
    size_t split = width + rng_below(r, n - 2 * width);
    for (size_t v = 0; v < n; v++)
        x[v] = v >= split;
    cut_value value;
    cut_evaluate(&box->p, x, &value);
    double penalty = 1.001 * (value.up_s + value.down_s);
    *cost = value.up_s + value.down_s;
    cut_group *groups = box_alloc(box, n, sizeof *groups);
    for (size_t v = 0; v < n; v++) {
        cut_cost *table = box_alloc(box, 2, sizeof *table);
        double cheap = rng_log(r, 1e-6, 1e-2);
        table[1].device_s = x[v] ? cheap + penalty : cheap;
        table[0].server_s = x[v] ? cheap : cheap + penalty;
        groups[v] = (cut_group){box->p.groups[v].operators, 1, table};
        *cost += cheap;
    }
    box->p.groups = groups;
}

static void test_planted(void **state)
{
    (void)state;
    rng r = {rng_seed(41)};
    problem_box box = {.blocks = NULL};
    static uint8_t x[3000], y[3000];
    for (int i = 0; i < 30; i++) {
        size_t n = 50 + rng_below(&r, 2950);
        double cost = 0;
        plant(&r, n, 1 + rng_below(&r, 6), &box, x, &cost);
        double found = solve(&box.p, y);
        assert_true(fabs(found - cost) <= 1e-9 * cost);
        assert_memory_equal(x, y, n);
    }
    box_clear(&box);
}

static void test_refusals(void **state)
{
    (void)state;
    rng r = {1};
    problem_box box = {.blocks = NULL};
    cut_solution s = {.x = NULL};
    layered_problem(&r, 20, 1, true, &box);
    box.p.objective = KERF_OBJ_THROUGHPUT;
    kerf_error err = {.code = KERF_OK};
    assert_int_equal(cut_solve_mincut(&box.p, NULL, &s, &err), KERF_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "throughput"));
    box.p.objective = KERF_OBJ_EDP;
    box.p.limits.deadline_s = 1;
    err.code = KERF_OK;
    assert_int_equal(cut_solve_mincut(&box.p, NULL, &s, &err), KERF_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "limits"));
    box.p.limits.deadline_s = 0;
    uint8_t pin[20] = {KERF_SIDE_SERVER};
    pin[19] = KERF_SIDE_DEVICE;
    box.p.pin = pin;
    err.code = KERF_OK;
    assert_int_equal(cut_solve_mincut(&box.p, NULL, &s, &err), KERF_E_INFEASIBLE);
    assert_string_equal(err.where, "pins");
    assert_null(s.x);
    box_clear(&box);
}

static bool stop(void *context, const char *what, double best, double bound)
{
    (void)context;
    (void)what;
    (void)best;
    (void)bound;
    return false;
}

static void test_stopped_has_a_gap(void **state)
{
    (void)state;
    rng r = {7};
    problem_box box = {.blocks = NULL};
    layered_problem(&r, 300, 3, true, &box);
    cut_options options = {.progress = stop};
    cut_solution s = {.x = NULL};
    assert_int_equal(cut_solve_mincut(&box.p, &options, &s, NULL), KERF_OK);
    assert_true(s.gap > CUT_GAP && s.bound < solve(&box.p, NULL) * (1 + 1e-12));
    cut_solution_clear(&s);
    box_clear(&box);
}

/* --- the envelope by itself: points in the plane, all known --------------------------------------
 */

typedef struct cloud {
    double p[40], q[40];
    size_t n, asked;
    double best, power;
} cloud;

static double cloud_value(void *context, double p, double q)
{
    const cloud *c = context;
    return p + 3 * pow(q, c->power);
}

static kerf_status cloud_oracle(void *context, double a, double b, envelope_point *point,
                                kerf_error *err)
{
    (void)err;
    cloud *c = context;
    size_t best = 0;
    for (size_t i = 1; i < c->n; i++)
        if (a * c->p[i] + b * c->q[i] < a * c->p[best] + b * c->q[best])
            best = i;
    *point = (envelope_point){c->p[best], c->q[best], a * c->p[best] + b * c->q[best]};
    c->best = fmin(c->best, cloud_value(c, c->p[best], c->q[best]));
    c->asked++;
    return KERF_OK;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

static void test_envelope(void **state)
{
    (void)state;
    rng r = {rng_seed(42)};
    for (int i = 0; i < 2000; i++) {
        cloud c = {.n = 1 + rng_below(&r, 40), .best = INFINITY, .power = 0.2 + 0.8 * rng_unit(&r)};
        double least = INFINITY, bound;
        for (size_t k = 0; k < c.n; k++) {
            c.p[k] = rng_log(&r, 0.1, 10);
            c.q[k] = rng_log(&r, 0.01, 10);
            least = fmin(least, cloud_value(&c, c.p[k], c.q[k]));
        }
        double steepest = 3 * c.power * pow(1e-9, c.power - 1);
        double flattest = 3 * c.power * pow(10, c.power - 1);
        envelope e = {cloud_oracle,  cloud_value,   never,   &c,
                      {1, flattest}, {1, steepest}, &c.best, 1e-12};
        assert_int_equal(envelope_minimise(&e, &bound, NULL), KERF_OK);
        assert_true(c.best <= least * (1 + 1e-12));
        assert_true(bound <= least * (1 + 1e-12) && bound >= least * (1 - 1e-9));
        assert_true(c.asked <= 2 * c.n + 2);
    }
}

static double product_value(void *context, double p, double q)
{
    (void)context;
    return p * q;
}

/* An oracle that is asked forever gives up. */
static kerf_status counting_oracle(void *context, double a, double b, envelope_point *point,
                                   kerf_error *err)
{
    cloud *c = context;
    kerf_status status = cloud_oracle(context, a, b, point, err);
    c->best = fmin(c->best, product_value(c, point->p, point->q));
    return c->asked > 4 * c->n + 4 ? KERF_E_INTERNAL : status;
}

/* Where numbers have few digits left, or are nearly too large: it ends, and the bound holds. */
static void test_envelope_of_extreme_numbers(void **state)
{
    (void)state;
    rng r = {rng_seed(43)};
    static const double low[] = {1e-323, 1e-320, 1e-310, 1e-300, 1e290};
    for (int i = 0; i < 20000; i++) {
        cloud c = {.n = 2 + rng_below(&r, 39), .best = INFINITY, .power = 1};
        const double p_low = low[rng_below(&r, 5)],
                     q_low = rng_below(&r, 2) ? 1 : low[rng_below(&r, 5)];
        double least = INFINITY, bound;
        for (size_t k = 0; k < c.n; k++) {
            c.p[k] = rng_log(&r, p_low, 100 * p_low);
            c.q[k] = rng_log(&r, q_low, 100 * q_low);
            least = fmin(least, product_value(&c, c.p[k], c.q[k]));
        }
        envelope e = {counting_oracle, product_value, never, &c, {1, 0}, {0, 1}, &c.best, 1e-12};
        assert_int_equal(envelope_minimise(&e, &bound, NULL), KERF_OK);
        assert_true(bound <= least * (1 + 1e-12));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reverse_edge_trap),
        cmocka_unit_test(test_hand_worked),
        cmocka_unit_test(test_tensor_paid_once),
        cmocka_unit_test(test_group_table),
        cmocka_unit_test(test_jump_at_zero),
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_stopped_has_a_gap),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_envelope_of_extreme_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
