/* Candidate sets and cells against every legal placement, priced one by one from the definitions,
 * on random problems of every shape, cost, link, objective and limit, over boxes of one to four
 * axes. KERF_SEED sets the seed, KERF_TEST_FULL=1 the number. */
#include "planner/map/candidates.h"
#include "planner/map/cells.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_OPERATORS 10
#define MOST_CHOICES   2

typedef struct trial {
    uint64_t seed;
    rng r;
    problem_box box;
    cut_choice list[MOST_CHOICES];
    cut_choices choices;
    kerf_map_box range;
    /* every legal placement of every choice */
    cut_value *all;
    size_t *choice_of;
    size_t n;
    /* what is tested */
    cut_candidates found;
    cut_field field;
    cut_cells cells;
    double low[CUT_AXES], high[CUT_AXES];
} trial;

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

/* --- random questions --- */

/* A chain on which what crosses shrinks as the device does more, so that many splits are best
 * somewhere; with the link and the powers of a random problem. */
static void shrinking_chain(rng *r, size_t n, problem_box *box)
{
    random_problem(r, SHAPE_CHAIN, n, box);
    cut_problem *p = &box->p;
    size_t *numbers = box_alloc(box, n, sizeof *numbers);
    cut_tensor *tensors = box_alloc(box, n + 1, sizeof *tensors);
    cut_group *groups = box_alloc(box, n, sizeof *groups);
    cut_cost *tables = box_alloc(box, 2 * n, sizeof *tables);
    double bytes = rng_log(r, 1e6, 1e8);
    const double watts = rng_log(r, 1, 20);
    for (size_t v = 0; v < n; v++) {
        numbers[v] = v;
        tensors[v] = (cut_tensor){.producer = v ? v - 1 : CUT_SOURCE,
                                  .consumers = &numbers[v],
                                  .n_consumers = 1,
                                  .up_bytes = floor(bytes)};
        bytes *= 0.1 + 0.8 * rng_unit(r);
        const double s = rng_log(r, 1e-3, 1e-1), faster = rng_log(r, 0.001, 0.2);
        tables[2 * v] = (cut_cost){.server_s = s * faster, .server_J = s};
        tables[2 * v + 1] = (cut_cost){.device_s = s, .device_J = s * watts};
        groups[v] = (cut_group){&numbers[v], 1, &tables[2 * v]};
    }
    tensors[n] = (cut_tensor){.producer = n - 1, .up_bytes = 1000, .down_bytes = 1000};
    tensors[n].to_device = !p->result_at_server;
    tensors[n].to_server = p->result_at_server;
    p->tensors = tensors;
    p->n_tensors = n + 1;
    p->groups = groups;
    p->n_groups = n;
}

static void random_limits(rng *r, cut_problem *p)
{
    uint8_t x[MOST_OPERATORS];
    cut_value v;
    memset(x, (int)rng_below(r, 2), sizeof x);
    cut_evaluate(p, x, &v);
    if (rng_chance(r, 0.5))
        p->limits.deadline_s = v.latency_s * rng_log(r, 0.3, 3);
    if (rng_chance(r, 0.3))
        p->limits.energy_J = v.energy_J * rng_log(r, 0.3, 3);
    if (rng_chance(r, 0.2))
        p->limits.max_bytes = fmax(v.up_bytes, 1e4) * rng_log(r, 0.1, 2);
    if (rng_chance(r, 0.2))
        p->limits.memory_bytes = fmax(v.memory_bytes, 1e4) * rng_log(r, 0.3, 2);
    if (rng_chance(r, 0.2))
        p->limits.min_device_operators = rng_below(r, p->n + 1);
}

static void random_range(rng *r, double range[2], double low, double high, double chance)
{
    range[0] = rng_log(r, low, high);
    range[1] = range[0];
    if (rng_chance(r, chance))
        range[1] = rng_log(r, range[0], high);
}

static void random_box(rng *r, int axes, trial *t)
{
    t->range.uplink_bps[0] = rng_log(r, 1e3, 1e7);
    t->range.uplink_bps[1] = rng_log(r, 1e7, 1e12);
    random_range(r, t->range.downlink_bps, 1e4, 1e9, axes > 1 ? 0.5 : 0);
    random_range(r, t->range.rtt_s, 1e-4, 0.5, axes > 1 ? 0.5 : 0);
    if (rng_chance(r, 0.2))
        t->range.rtt_s[0] = 0;
    if (axes == 1)
        t->range.rtt_s[1] = t->range.rtt_s[0];
    t->range.server_load[0] = rng_chance(r, 0.5) ? 0 : 0.5 * rng_unit(r);
    t->range.server_load[1] = t->range.server_load[0];
    if (axes > 1 && rng_chance(r, 0.5))
        t->range.server_load[1] += (0.99 - t->range.server_load[0]) * rng_unit(r);
}

static void random_trial(uint64_t seed, int axes, trial *t)
{
    *t = (trial){.seed = seed, .r = {seed}};
    rng *r = &t->r;
    const size_t n = 1 + rng_below(r, MOST_OPERATORS);
    if (rng_chance(r, 0.5))
        random_problem(r, (shape)rng_below(r, N_SHAPES), n, &t->box);
    else
        shrinking_chain(r, n, &t->box);
    cut_problem *p = &t->box.p;
    p->objective = (kerf_objective)rng_below(r, KERF_OBJ_WEIGHTED + 1);
    if (p->objective == KERF_OBJ_WEIGHTED && p->weight_energy <= 0 && p->weight_latency <= 0)
        p->weight_energy = 1;
    if (rng_chance(r, 0.2))
        t->box.link.loss = rng_log(r, 1e-4, 0.1);
    if (rng_chance(r, 0.2))
        random_pins(r, &t->box);
    if (rng_chance(r, 0.4))
        random_limits(r, p);
    random_box(r, axes, t);
    t->choices = (cut_choices){t->list, rng_chance(r, 0.3) ? 2 : 1};
    for (size_t i = 0; i < t->choices.n; i++) {
        t->list[i].binding.problem = *p;
        if (i > 0)
            t->list[i].binding.problem.wait_W = p->wait_W * rng_log(r, 0.1, 10);
    }
    for (size_t i = 0; i < t->choices.n; i++)
        t->list[i].question.server_load = t->range.server_load[0];
}

static void collect(trial *t)
{
    const cut_problem *p = &t->box.p;
    const size_t most = ((size_t)1 << p->n) * t->choices.n;
    t->all = calloc(most, sizeof *t->all);
    t->choice_of = calloc(most, sizeof *t->choice_of);
    assert_true(t->all && t->choice_of);
    for (size_t c = 0; c < t->choices.n; c++)
        for (size_t mask = 0; mask < (size_t)1 << p->n; mask++) {
            uint8_t x[MOST_OPERATORS];
            for (size_t v = 0; v < p->n; v++)
                x[v] = mask >> v & 1;
            if (!cut_is_legal(p, x))
                continue;
            cut_evaluate(&t->list[c].binding.problem, x, &t->all[t->n]);
            t->all[t->n].server_s *= 1 - t->range.server_load[0];
            t->choice_of[t->n++] = c;
        }
}

/* --- comparing --- */

static double best_of_all(const trial *t, const kerf_conditions *c)
{
    double least = INFINITY;
    for (size_t i = 0; i < t->n; i++) {
        cut_value v;
        cut_candidate_price(&t->list[t->choice_of[i]].binding.problem, &t->all[i], c, &v);
        if (v.violation <= 0)
            least = fmin(least, v.objective);
    }
    return least;
}

static double price_of(const trial *t, size_t i, const kerf_conditions *c)
{
    cut_value v;
    const cut_candidate *f = &t->found.list[i];
    cut_candidate_price(&t->list[f->choice].binding.problem, &f->totals, c, &v);
    return v.violation <= 0 ? v.objective : INFINITY;
}

static bool same(double a, double b, double tolerance)
{
    return a == b || fabs(a - b) <= tolerance * fmax(fabs(a), fabs(b));
}

static void complain(const trial *t, const kerf_conditions *c, const char *what, double expected,
                     double got)
{
    fail_msg("KERF_SEED=%llu: %s: objective %d, connection %d, %zu candidates of %zu, up %.17g, "
             "down %.17g, rtt %.17g, load %.17g: expected %.17g, got %.17g",
             (unsigned long long)t->seed, what, (int)t->box.p.objective,
             (int)t->box.link.connection, t->found.n, t->n, c->uplink_bps, c->downlink_bps,
             c->rtt_s, c->server_load, expected, got);
}

/* The set holds the best, and the fast figures are the exact ones. Returns the best's cost. */
static double check_set(trial *t, const kerf_conditions *c)
{
    const double expected = best_of_all(t, c);
    double least = INFINITY;
    cut_outlook at;
    cut_outlook_at(&t->field, c, &at);
    for (size_t i = 0; i < t->found.n; i++) {
        cut_worth worth;
        cut_value v;
        const cut_candidate *f = &t->found.list[i];
        cut_candidate_price(&t->list[f->choice].binding.problem, &f->totals, c, &v);
        cut_worth_at(&t->field, i, &at, &worth);
        if (!same(worth.objective, v.objective, 1e-12))
            complain(t, c, "fast figure", v.objective, worth.objective);
        least = fmin(least, price_of(t, i, c));
    }
    if (!same(least, expected, 1e-11))
        complain(t, c, "candidate set", expected, least);
    return expected;
}

/* What the cells say is what all candidates say. */
static void check_cell(trial *t, const kerf_conditions *c, double expected)
{
    double y[CUT_AXES];
    cut_outlook at;
    cut_hardship(c, y);
    cut_outlook_at(&t->field, c, &at);
    const cut_cell *cell = cut_cells_at(&t->cells, y);
    const uint32_t *list = t->cells.lists + cell->first;
    const size_t all = cut_field_best(&t->field, &at);
    const size_t one = cell->kind == CUT_CELL_PLAIN
                           ? (cell->n ? list[0] : KERF_NONE)
                           : cut_field_best_of(&t->field, list, cell->n, &at);
    if (all != one)
        complain(t, c, "cell", (double)all, (double)one);
    const double cost = one == KERF_NONE ? INFINITY : price_of(t, one, c);
    if (!same(cost, expected, 1e-11))
        complain(t, c, "cell's cost", expected, cost);
}

static double between(rng *r, const double range[2], bool log)
{
    const size_t where = rng_below(r, 8);
    if (where < 2)
        return range[where];
    if (log && range[0] > 0)
        return fmin(range[1], fmax(range[0], range[0] * pow(range[1] / range[0], rng_unit(r))));
    return fmin(range[1], range[0] + (range[1] - range[0]) * rng_unit(r));
}

static kerf_conditions random_point(trial *t)
{
    const kerf_map_box *b = &t->range;
    return (kerf_conditions){
        between(&t->r, b->uplink_bps, true), between(&t->r, b->downlink_bps, true),
        between(&t->r, b->rtt_s, rng_chance(&t->r, 0.5)), between(&t->r, b->server_load, false)};
}

/* Along one axis: 1e-6 off each border, the cells there name the best. */
static void check_borders(trial *t)
{
    for (size_t i = 0; i < t->cells.n_cells; i++) {
        const cut_cell *cell = &t->cells.cells[i];
        if (cell->kind != CUT_CELL_NARROW)
            continue;
        const double ends[] = {cell->low[CUT_UP] * (1 - 1e-6), cell->low[CUT_UP] * (1 + 1e-6)};
        for (int k = 0; k < 2; k++) {
            kerf_conditions c = {1 / ends[k], t->range.downlink_bps[0], t->range.rtt_s[0],
                                 t->range.server_load[0]};
            if (c.uplink_bps < t->range.uplink_bps[0] || c.uplink_bps > t->range.uplink_bps[1])
                continue;
            check_cell(t, &c, best_of_all(t, &c));
        }
    }
}

/* False if the pins leave nothing, or not all is looked at and there is no other way. */
static bool prepare(trial *t, const cut_options *options)
{
    kerf_error err = {0};
    collect(t);
    const kerf_status status =
        cut_candidates_find(&t->choices, &t->range, options, &t->found, &err);
    if (t->n == 0) {
        assert_int_equal(status, KERF_E_INFEASIBLE);
        return false;
    }
    if (options && (status == KERF_E_TOO_LARGE || status == KERF_E_UNSUPPORTED))
        return false;
    if (status != KERF_OK)
        fail_msg("KERF_SEED=%llu: %s", (unsigned long long)t->seed, err.message);
    assert_true(t->found.complete);
    assert_int_equal(cut_field_create(&t->box.p, t->found.n, &t->field, &err), KERF_OK);
    for (size_t i = 0; i < t->found.n; i++)
        cut_field_add(&t->field, &t->found.list[i].totals,
                      t->list[t->found.list[i].choice].binding.problem.wait_W);
    cut_box_hardship(&t->range, t->low, t->high);
    assert_int_equal(
        cut_cells_create(&t->field, t->low, t->high, NULL, NULL, &t->cells, NULL, &err), KERF_OK);
    return true;
}

static void release(trial *t)
{
    cut_cells_clear(&t->cells);
    cut_field_clear(&t->field);
    cut_candidates_clear(&t->found);
    free(t->all);
    free(t->choice_of);
    box_clear(&t->box);
}

static void run(int axes, const cut_options *options, uint64_t seed, size_t n, size_t points)
{
    size_t found = 0, candidates = 0, placements = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        trial t;
        random_trial(seed + i, axes, &t);
        const size_t n_points = prepare(&t, options) ? points : 0;
        for (size_t k = 0; k < n_points; k++) {
            const kerf_conditions c = random_point(&t);
            check_cell(&t, &c, check_set(&t, &c));
        }
        if (axes == 1)
            check_borders(&t);
        found += n_points > 0;
        candidates += t.found.n;
        placements += t.n;
        most = t.cells.n_cells > most ? t.cells.n_cells : most;
        release(&t);
    }
    print_message("# %zu of %zu problems: %zu candidates of %zu placements, at most %zu cells\n",
                  found, n, candidates, placements, most);
    assert_true(found > n / 4);
}

static void test_one_axis(void **state)
{
    (void)state;
    run(1, NULL, rng_seed(31), cases(600, 10000), 10);
}

static void test_several_axes(void **state)
{
    (void)state;
    run(4, NULL, rng_seed(32), cases(60, 1500), 30);
}

static double worth(const cut_field *f, size_t i, const double y[CUT_AXES], double slope[CUT_AXES])
{
    cut_outlook at;
    cut_worth w;
    cut_outlook_hard(f, y, &at);
    cut_worth_at(f, i, &at, &w);
    if (slope)
        cut_slope_at(f, i, &at, slope);
    return w.objective;
}

/* What cells rest on: tangents at the low corner bound every placement's cost from below, also far
 * off, and along one axis they touch it; between two points of one axis it is below its chord. */
static void test_bounds(void **state)
{
    (void)state;
    const uint64_t seed = rng_seed(36);
    for (size_t k = 0; k < cases(400, 4000); k++) {
        trial t;
        random_trial(seed + k, 4, &t);
        collect(&t);
        assert_int_equal(cut_field_create(&t.box.p, t.n, &t.field, NULL), KERF_OK);
        for (size_t i = 0; i < t.n; i++)
            cut_field_add(&t.field, &t.all[i], t.list[t.choice_of[i]].binding.problem.wait_W);
        for (int round = 0; t.n > 0 && round < 50; round++) {
            const size_t i = rng_below(&t.r, t.n);
            double low[CUT_AXES], y[CUT_AXES], slope[CUT_AXES];
            const kerf_conditions c = {rng_log(&t.r, 1e4, 1e10), rng_log(&t.r, 1e4, 1e10),
                                       rng_log(&t.r, 1e-4, 1), 0.9 * rng_unit(&t.r)};
            cut_hardship(&c, low);
            memcpy(y, low, sizeof y);
            const int axis = (int)rng_below(&t.r, CUT_AXES);
            const bool one = rng_chance(&t.r, 0.5);
            const double far = rng_log(&t.r, 1e-7, 1e3);
            for (int a = 0; a < CUT_AXES; a++)
                if (!one || a == axis)
                    y[a] *= 1 + far * (one ? 1 : rng_unit(&t.r));
            const double at = worth(&t.field, i, low, slope), there = worth(&t.field, i, y, NULL);
            double bound = at, middle[CUT_AXES];
            for (int a = 0; a < CUT_AXES; a++) {
                bound += slope[a] * (y[a] - low[a]);
                middle[a] = (low[a] + y[a]) / 2;
            }
            if (!(bound <= there * (1 + 1e-13)))
                fail_msg("KERF_SEED=%llu: objective %d: bound %.17g, cost %.17g",
                         (unsigned long long)t.seed, (int)t.box.p.objective, bound, there);
            if (one)
                assert_true(worth(&t.field, i, middle, NULL) <= (at + there) / 2 * (1 + 1e-13));
            if (one && far < 1e-6) /* the second order of it is nothing */
                assert_true(there - bound <= 1e-9 * there);
        }
        release(&t);
    }
}

/* As if there were too many placements to look at them all. */
static const cut_options sparing = {.max_ideals = 1};

static void test_solved_along_one_axis(void **state)
{
    (void)state;
    run(1, &sparing, rng_seed(33), cases(250, 5000), 10);
}

static void test_solved_along_several_axes(void **state)
{
    (void)state;
    run(4, &sparing, rng_seed(34), cases(40, 1000), 20);
}

/* Layers of twenty with more placements than can be looked at, against the solver at random rates.
 */
static void test_large(void **state)
{
    (void)state;
    static const kerf_objective objectives[] = {KERF_OBJ_ENERGY, KERF_OBJ_LATENCY, KERF_OBJ_EDP};
    const size_t n = cases(200, 600);
    for (int i = 0; i < 6; i++) {
        problem_box box = {.blocks = NULL};
        cut_choice choice = {.mode = 0};
        const cut_choices choices = {&choice, 1};
        cut_candidates found = {0};
        kerf_error err = {0};
        rng r = {rng_seed(35) + (uint64_t)i};
        layered_problem(&r, n, 20, i % 2, &box);
        box.p.objective = objectives[i / 2];
        choice.binding.problem = box.p;
        const kerf_map_box range = {{1e5, 1e9},
                                    {box.link.rate_bps[1], box.link.rate_bps[1]},
                                    {box.link.rtt_s, box.link.rtt_s},
                                    {0, 0}};
        assert_int_equal(cut_candidates_find(&choices, &range, NULL, &found, &err), KERF_OK);
        assert_true(found.complete && found.n > 0);
        for (int k = 0; k < 20; k++) {
            cut_solution best = {.x = NULL};
            kerf_conditions c = {rng_log(&r, 1e5, 1e9), box.link.rate_bps[1], box.link.rtt_s, 0};
            double least = INFINITY;
            for (size_t j = 0; j < found.n; j++) {
                cut_value v;
                cut_candidate_price(&box.p, &found.list[j].totals, &c, &v);
                least = fmin(least, v.objective);
            }
            box.link.rate_bps[KERF_UPLINK] = c.uplink_bps;
            assert_int_equal(cut_solve_mincut(&box.p, NULL, &best, &err), KERF_OK);
            assert_true(same(least, best.objective, 1e-9));
            cut_solution_clear(&best);
        }
        print_message("# %zu operators, objective %d: %zu candidates by %zu minimum cuts\n", n,
                      (int)objectives[i / 2], found.n, found.examined);
        cut_candidates_clear(&found);
        box_clear(&box);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_one_axis),
        cmocka_unit_test(test_several_axes),
        cmocka_unit_test(test_solved_along_one_axis),
        cmocka_unit_test(test_solved_along_several_axes),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
