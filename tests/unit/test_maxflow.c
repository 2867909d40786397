/* Maximum flow and its reduction, against GLPK's own algorithm, enumeration and hand-worked cuts.
 */
#include "planner/solve/maxflow.h"
#include "planner/solve/reduce.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glpk.h>

#define MOST 400

typedef struct instance {
    size_t n, n_arcs;
    double server[MOST], device[MOST];
    maxflow_arc arcs[8 * MOST];
} instance;

static double price_of(const instance *in, const uint8_t *on_server)
{
    double cost = 0;
    for (size_t v = 0; v < in->n; v++)
        cost += on_server[v] ? in->server[v] : in->device[v];
    for (size_t a = 0; a < in->n_arcs; a++) {
        const maxflow_arc *arc = &in->arcs[a];
        if (on_server[arc->from] != on_server[arc->to])
            cost += on_server[arc->to] ? arc->forward : arc->backward;
    }
    return cost;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-10 * fmax(1, fmax(fabs(a), fabs(b)));
}

/* Arcs go from smaller to larger nodes; mostly with an infinite way back. */
static void random_instance(rng *r, size_t n, instance *in)
{
    in->n = n;
    in->n_arcs = 0;
    for (size_t v = 0; v < n; v++) {
        in->server[v] = rng_chance(r, 0.3) ? 0 : floor(rng_log(r, 1, 1000));
        in->device[v] = rng_chance(r, 0.3) ? 0 : floor(rng_log(r, 1, 1000));
        size_t reads = v == 0 ? 0 : rng_below(r, 4);
        for (size_t i = 0; i < reads; i++) {
            size_t back = rng_chance(r, 0.7) ? rng_below(r, v < 4 ? v : 4) : rng_below(r, v);
            double forward = rng_chance(r, 0.2) ? 0 : floor(rng_log(r, 1, 300));
            double backward = rng_chance(r, 0.7) ? INFINITY : floor(rng_log(r, 1, 50));
            if (rng_chance(r, 0.1)) {
                forward = INFINITY;
                backward = 0;
            }
            in->arcs[in->n_arcs++] =
                (maxflow_arc){(uint32_t)(v - 1 - back), (uint32_t)v, forward, backward};
        }
    }
}

/* Forward capacities, in scratch of its own. */
static double *forward_of(const instance *in)
{
    static double forward[8 * MOST];
    for (size_t a = 0; a < in->n_arcs; a++)
        forward[a] = in->arcs[a].forward;
    return forward;
}

static double solve(const instance *in, uint8_t *on_server)
{
    maxflow *flow = NULL;
    assert_int_equal(maxflow_create(in->n, in->n_arcs, in->arcs, &flow, NULL), KERF_OK);
    double bound = maxflow_solve(flow, in->server, in->device, forward_of(in));
    for (size_t v = 0; v < in->n; v++)
        on_server[v] = maxflow_on_server(flow, v);
    maxflow_destroy(&flow);
    return bound;
}

static double solve_reduced(const instance *in, uint8_t *on_server)
{
    static instance copy;
    reduction *reduced = NULL;
    copy = *in;
    assert_int_equal(reduction_create(in->n, in->n_arcs, in->arcs, &reduced, NULL), KERF_OK);
    double bound = reduction_solve(reduced, copy.server, copy.device, forward_of(in), on_server);
    reduction_destroy(&reduced);
    return bound;
}

/* By glp_maxflow_ffalg, whose capacities are integers here; infinite is more than all together. */
static double glpk_flow(const instance *in)
{
    double all = 1, flow = 0;
    int n = (int)in->n;
    glp_graph *graph = glp_create_graph(0, 2 * sizeof(double));
    glp_add_vertices(graph, n + 2);
    for (size_t v = 0; v < in->n; v++)
        all += in->server[v] + in->device[v];
    for (size_t a = 0; a < 2 * (in->n + in->n_arcs); a++) {
        bool second = a % 2;
        size_t i = a / 2;
        int from = second ? (int)i + 1 : n + 1, to = second ? n + 2 : (int)i + 1;
        double capacity = i >= in->n ? 0 : second ? in->device[i] : in->server[i];
        if (i >= in->n) {
            const maxflow_arc *arc = &in->arcs[i - in->n];
            from = (int)(second ? arc->to : arc->from) + 1;
            to = (int)(second ? arc->from : arc->to) + 1;
            capacity = second ? arc->backward : arc->forward;
        }
        glp_arc *made = glp_add_arc(graph, from, to);
        *(double *)made->data = isinf(capacity) ? all : capacity;
    }
    int code = glp_maxflow_ffalg(graph, n + 1, n + 2, 0, &flow, (int)sizeof(double), -1);
    glp_delete_graph(graph);
    return code == 0 ? flow : -1;
}

static void test_against_glpk(void **state)
{
    (void)state;
    static instance in;
    uint8_t x[MOST];
    rng r = {rng_seed(31)};
    glp_term_out(GLP_OFF);
    for (int i = 0; i < 400; i++) {
        random_instance(&r, 1 + rng_below(&r, i % 20 == 0 ? MOST : 60), &in);
        double bound = solve(&in, x), expected = glpk_flow(&in);
        assert_true(near(bound, expected));
        assert_true(near(price_of(&in, x), expected));
        bound = solve_reduced(&in, x);
        assert_true(near(bound, expected));
        assert_true(near(price_of(&in, x), expected));
    }
    glp_free_env();
}

static void test_against_enumeration(void **state)
{
    (void)state;
    static instance in;
    uint8_t x[MOST];
    rng r = {rng_seed(32)};
    for (int i = 0; i < 2000; i++) {
        random_instance(&r, 1 + rng_below(&r, 9), &in);
        double best = INFINITY;
        for (uint32_t bits = 0; bits < 1U << in.n; bits++) {
            uint8_t y[MOST];
            for (size_t v = 0; v < in.n; v++)
                y[v] = bits >> v & 1;
            best = fmin(best, price_of(&in, y));
        }
        double bound = solve(&in, x);
        assert_true(near(bound, best) && near(price_of(&in, x), best));
        bound = solve_reduced(&in, x);
        assert_true(near(bound, best) && near(price_of(&in, x), best));
    }
}

/* One network solved for many capacities: each solution starts from the flow of a former one. */
static void test_again_with_other_capacities(void **state)
{
    (void)state;
    static instance in;
    uint8_t x[MOST], y[MOST];
    rng r = {rng_seed(33)};
    for (int i = 0; i < 100; i++) {
        random_instance(&r, 1 + rng_below(&r, 80), &in);
        maxflow *flow = NULL;
        assert_int_equal(maxflow_create(in.n, in.n_arcs, in.arcs, &flow, NULL), KERF_OK);
        for (int k = 0; k < 10; k++) {
            double scale = rng_log(&r, 0.05, 20);
            for (size_t a = 0; a < in.n_arcs; a++)
                in.arcs[a].forward *= scale;
            for (size_t v = 0; v < in.n; v++)
                in.server[v] = rng_chance(&r, 0.9) ? in.server[v] : floor(rng_log(&r, 1, 1000));
            double bound = maxflow_solve(flow, in.server, in.device, forward_of(&in));
            for (size_t v = 0; v < in.n; v++)
                y[v] = maxflow_on_server(flow, v);
            assert_true(near(bound, solve(&in, x)));
            assert_true(near(price_of(&in, y), bound));
        }
        maxflow_destroy(&flow);
    }
}

/* The bound comes from the flow: huge capacities beside small ones must not blur it. */
static void test_precision(void **state)
{
    (void)state;
    instance in = {.n = 3,
                   .n_arcs = 2,
                   .server = {1e18, 0, 0},
                   .device = {0, 1e-3, 3e-3},
                   .arcs = {{0, 1, 0.7e-3, INFINITY}, {1, 2, 0.3e-3, INFINITY}}};
    uint8_t x[3];
    assert_true(solve(&in, x) == 0.7e-3);
    assert_true(x[0] == 0 && x[1] == 1 && x[2] == 1);
}

static void test_chain_vanishes(void **state)
{
    (void)state;
    static instance in;
    rng r = {34};
    in.n = 300;
    in.n_arcs = 299;
    for (size_t v = 0; v < in.n; v++) {
        in.server[v] = rng_log(&r, 1, 100);
        in.device[v] = rng_log(&r, 1, 100);
        if (v > 0)
            in.arcs[v - 1] =
                (maxflow_arc){(uint32_t)v - 1, (uint32_t)v, rng_log(&r, 1, 100), INFINITY};
    }
    double best = INFINITY;
    uint8_t x[MOST] = {0};
    for (size_t split = 0; split <= in.n; split++) {
        for (size_t v = 0; v < in.n; v++)
            x[v] = v >= split;
        best = fmin(best, price_of(&in, x));
    }
    reduction *reduced = NULL;
    assert_int_equal(reduction_create(in.n, in.n_arcs, in.arcs, &reduced, NULL), KERF_OK);
    assert_int_equal(reduction_size(reduced), 0);
    reduction_destroy(&reduced);
    assert_true(near(solve_reduced(&in, x), best) && near(price_of(&in, x), best));
}

static void test_empty(void **state)
{
    (void)state;
    instance in = {.n = 0};
    uint8_t x[1];
    assert_true(solve(&in, x) == 0 && solve_reduced(&in, x) == 0);
    maxflow *flow = NULL;
    kerf_error err = {.code = KERF_OK};
    assert_int_equal(maxflow_create((size_t)1 << 40, 0, NULL, &flow, &err), KERF_E_TOO_LARGE);
    assert_null(flow);
    maxflow_destroy(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_glpk),
        cmocka_unit_test(test_against_enumeration),
        cmocka_unit_test(test_again_with_other_capacities),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_chain_vanishes),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
