/* Pareto fronts against all placements, priced by naive code, and by one way against another.
 * KERF_SEED sets the seed, KERF_TEST_FULL=1 the number. */
#include "planner/pareto/pareto.h"
#include "tests/support/random_problem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_CHOICES 3
#define MOST_POINTS  4096

typedef struct vector {
    double energy_J, latency_s, accuracy;
} vector;

typedef struct world {
    problem_box boxes[MOST_CHOICES];
    cut_choice list[MOST_CHOICES];
    cut_choices choices;
} world;

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static bool at_most(double a, double b)
{
    return a <= b * (1 + PARETO_SAME);
}

static bool same(const vector *a, const vector *b)
{
    return fabs(a->energy_J - b->energy_J) <= PARETO_SAME * a->energy_J &&
           fabs(a->latency_s - b->latency_s) <= PARETO_SAME * a->latency_s &&
           a->accuracy == b->accuracy;
}

/* a is at least as good as b in all, and not the same. */
static bool beats(const vector *a, const vector *b)
{
    return at_most(a->energy_J, b->energy_J) && at_most(a->latency_s, b->latency_s) &&
           a->accuracy >= b->accuracy && !same(a, b);
}

static void make_world(rng *r, world *w, bool limits)
{
    memset(w, 0, sizeof *w);
    w->choices = (cut_choices){w->list, 1 + rng_below(r, MOST_CHOICES)};
    const double accuracies[] = {0.7, 0.8, (double)NAN}, losses[] = {0, 0, 0.05};
    for (size_t i = 0; i < w->choices.n; i++) {
        cut_problem *p = &w->boxes[i].p;
        shape kind = (shape)rng_below(r, N_SHAPES);
        random_problem(r, kind, 1 + rng_below(r, kind == SHAPE_CHAIN ? 12 : 9), &w->boxes[i]);
        p->accuracy = accuracies[rng_below(r, 3)];
        p->accuracy_loss = losses[rng_below(r, 3)];
        if (rng_chance(r, 0.2))
            random_pins(r, &w->boxes[i]);
        uint8_t x[16];
        cut_value value;
        size_t split = rng_below(r, p->n + 1);
        for (size_t v = 0; v < p->n; v++)
            x[v] = v >= split;
        naive_value(p, x, &value);
        if (limits && rng_chance(r, 0.5))
            p->limits.deadline_s = value.latency_s * rng_log(r, 0.9, 2);
        if (limits && rng_chance(r, 0.5))
            p->limits.energy_J = value.energy_J * rng_log(r, 0.9, 2);
        if (limits && rng_chance(r, 0.5))
            p->limits.memory_bytes = value.memory_bytes * rng_log(r, 0.9, 2);
        if (limits && rng_chance(r, 0.2))
            p->limits.max_bytes = value.up_bytes * rng_log(r, 0.9, 2);
        w->list[i].binding.problem = *p;
    }
}

static void clear_world(world *w)
{
    for (size_t i = 0; i < MOST_CHOICES; i++)
        box_clear(&w->boxes[i]);
}

static bool is_legal(const cut_problem *p, const uint8_t *x)
{
    for (size_t t = 0; t < p->n_tensors; t++)
        for (size_t i = 0; i < p->tensors[t].n_consumers; i++)
            if (p->tensors[t].producer != CUT_SOURCE &&
                x[p->tensors[t].producer] > x[p->tensors[t].consumers[i]])
                return false;
    for (size_t v = 0; p->pin && v < p->n; v++)
        if (p->pin[v] != KERF_SIDE_FREE && (p->pin[v] == KERF_SIDE_SERVER) != x[v])
            return false;
    return true;
}

/* Every vector that keeps the limits; then those that none beats, each once. */
static size_t enumerate(const world *w, vector *found)
{
    static vector all[MOST_CHOICES << 12];
    size_t n = 0, kept = 0;
    for (size_t c = 0; c < w->choices.n; c++) {
        const cut_problem *p = &w->boxes[c].p;
        for (uint32_t bits = 0; bits < UINT32_C(1) << p->n; bits++) {
            uint8_t x[16];
            cut_value value;
            size_t there = 0;
            for (size_t v = 0; v < p->n; v++)
                there += x[v] = bits >> v & 1;
            if (!is_legal(p, x))
                continue;
            naive_value(p, x, &value);
            if (value.violation > 0)
                continue;
            const double lost = there > 0 || p->result_at_server ? p->accuracy_loss : 0;
            const double accuracy = fmax(0, p->accuracy - lost);
            all[n++] =
                (vector){value.energy_J, value.latency_s, isnan(p->accuracy) ? -1 : accuracy};
        }
    }
    for (size_t i = 0; i < n; i++) {
        bool wanted = true;
        for (size_t k = 0; k < n && wanted; k++)
            wanted = !beats(&all[k], &all[i]) && !(k < i && same(&all[k], &all[i]));
        if (wanted)
            found[kept++] = all[i];
    }
    return kept;
}

static size_t points_of(const pareto_archive *archive, vector *found)
{
    size_t n = 0;
    for (size_t i = 0; i < archive->n; i++)
        for (size_t k = 0; k < archive->levels[i].n; k++)
            found[n++] =
                (vector){archive->levels[i].points[k].energy_J,
                         archive->levels[i].points[k].latency_s, archive->levels[i].accuracy};
    return n;
}

static void check_same_set(uint64_t seed, const vector *a, size_t n_a, const vector *b, size_t n_b)
{
    for (size_t i = 0; i < n_a; i++) {
        bool there = false;
        for (size_t k = 0; k < n_b && !there; k++)
            there = same(&a[i], &b[k]);
        if (!there)
            fail_msg("KERF_SEED=%llu: %.17g J, %.17g s, accuracy %g is in one of %zu and %zu only",
                     (unsigned long long)seed, a[i].energy_J, a[i].latency_s, a[i].accuracy, n_a,
                     n_b);
    }
}

static void check_facts(const world *w, const pareto_search *s)
{
    for (size_t c = 0; c < w->choices.n; c++) {
        const cut_problem *p = &w->boxes[c].p;
        for (uint32_t bits = 0; bits < UINT32_C(1) << p->n; bits++) {
            uint8_t x[16];
            cut_value v;
            for (size_t i = 0; i < p->n; i++)
                x[i] = bits >> i & 1;
            if (!is_legal(p, x))
                continue;
            naive_value(p, x, &v);
            for (size_t i = 0; i < s->facts[c].n; i++) {
                const pareto_fact *f = &s->facts[c].list[i];
                if (f->is_line)
                    assert_true(f->energy * v.energy_J + f->latency * v.latency_s >=
                                f->bound * (1 - 1e-9));
                else if (v.violation <= 0)
                    assert_true(v.latency_s > f->latency * (1 - 1e-10) ||
                                v.energy_J >= f->bound * (1 - 1e-9));
            }
        }
    }
}

static void check(uint64_t seed, kerf_solver solver, bool limits, size_t *points)
{
    static vector expected[MOST_POINTS], found[MOST_POINTS];
    rng r = {seed};
    world w;
    make_world(&r, &w, limits);
    pareto_search s = {.choices = &w.choices, .solver = solver};
    kerf_error err = {.code = KERF_OK};
    const size_t n = enumerate(&w, expected);
    if (pareto_find(&s, &err) != KERF_OK)
        fail_msg("KERF_SEED=%llu: %s", (unsigned long long)seed, err.message);
    const size_t n_found = points_of(&s.archive, found);
    for (size_t c = 0; c < w.choices.n; c++)
        assert_true(solver == KERF_SOLVER_MINCUT || s.facts[c].complete);
    if (solver != KERF_SOLVER_MINCUT)
        check_same_set(seed, expected, n, found, n_found);
    if (solver != KERF_SOLVER_MINCUT)
        check_same_set(seed, found, n_found, expected, n);
    if (solver != KERF_SOLVER_EXHAUSTIVE)
        check_facts(&w, &s);
    *points += n;
    pareto_search_clear(&s);
    clear_world(&w);
}

static void test_enumerated(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7001);
    size_t points = 0;
    for (size_t i = 0; i < cases(500, 4000); i++)
        check(seed + i, KERF_SOLVER_EXHAUSTIVE, i % 2, &points);
    print_message("# %zu points\n", points);
    assert_true(points > 900);
}

static void test_solved(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7002);
    size_t points = 0;
    for (size_t i = 0; i < cases(300, 3000); i++)
        check(seed + i, KERF_SOLVER_MILP, i % 2, &points);
    print_message("# %zu points\n", points);
    assert_true(points > 500);
}

static void test_supported(void **state)
{
    (void)state;
    uint64_t seed = rng_seed(7003);
    size_t points = 0;
    for (size_t i = 0; i < cases(300, 3000); i++)
        check(seed + i, KERF_SOLVER_MINCUT, i % 2, &points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enumerated),
        cmocka_unit_test(test_solved),
        cmocka_unit_test(test_supported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
