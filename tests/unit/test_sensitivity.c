/* Where answers change, against planning anew on both sides of every border. KERF_SEED sets the
 * seed of the random questions, KERF_TEST_FULL=1 asks for more of them. */
#include "kerf/kerf.h"
#include "planner/robust/sensitivity.h"
#include "tests/support/random_question.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

typedef struct subject {
    const kerf_question *q;
    kerf_plan *plan;
    robust_world world;
} subject;

static double cost_of(const kerf_question *q, const kerf_plan_cost *c)
{
    if ((q->limits.deadline_s > 0 && c->latency_s > q->limits.deadline_s * (1 + 1e-9)) ||
        (q->limits.energy_J > 0 && c->device_energy_J > q->limits.energy_J * (1 + 1e-9)))
        return INFINITY;
    return q->objective == KERF_OBJ_THROUGHPUT ? 1 / c->throughput_per_s : c->objective;
}

/* How much better than the answer the best is where a figure has another value: 0 if the answer
 * still is the best. */
static double lead(subject *s, const kerf_break_even *b, double value)
{
    scenario other;
    robust_target target;
    kerf_plan *plan = NULL;
    kerf_plan_cost cost;
    kerf_error err = {0};
    assert_true(robust_target_find(b->what, &target));
    robust_world_reset(s->q, &s->world);
    if (b->is_factor)
        robust_scale(&target, value, &s->world);
    else
        robust_set(&target, value, &s->world);
    scenario_question(s->q, &s->world, &other);
    kerf_question now = kerf_plan_question(&other.q, s->plan);
    assert_int_equal(kerf_price(&now, s->plan->side, &cost, &err), KERF_OK);
    const double mine = cost_of(s->q, &cost);
    other.q.no_break_even = true;
    const kerf_status status = kerf_plan_make(&other.q, &plan, &err);
    if (status == KERF_E_INFEASIBLE)
        return isinf(mine) ? INFINITY : 0;
    if (status != KERF_OK)
        fail_msg("%s at %g: %s: %s", b->what, value, err.where, err.message);
    const double best = cost_of(s->q, &plan->cost);
    kerf_plan_destroy(&plan);
    return isinf(mine) ? INFINITY : 1 - best / mine;
}

static double between(const kerf_break_even *b, double from, double to, double share)
{
    const bool linear = strcmp(b->what, "load") == 0 || from <= 0;
    return linear ? from + (to - from) * share : from * pow(to / from, share);
}

/* The answer holds up to the border, and does not beyond it. */
static void check_border(subject *s, const kerf_break_even *b, double border, double end)
{
    const bool never = border <= 0 || isinf(border);
    const double to = never ? end : border;
    for (int i = 1; i < 8; i++) {
        const double value = between(b, b->now, to, i / 8.0);
        if (lead(s, b, value) > 1e-7)
            fail_msg("%s: at %.12g, between %.12g and %.12g, another answer is better by %g",
                     b->what, value, b->now, to, lead(s, b, value));
    }
    if (never)
        return;
    const bool load = strcmp(b->what, "load") == 0;
    const double step = border > b->now ? 1e-4 : -1e-4;
    const double beyond = load ? 1 - (1 - border) * (1 - step) : border * (1 + step);
    const double inside = load ? 1 - (1 - border) * (1 + step) : border * (1 - step);
    if (!(lead(s, b, beyond) > 1e-12))
        fail_msg("%s: beyond %.12g, at %.12g, the answer still is the best", b->what, border,
                 beyond);
    if ((inside - b->now) * step > 0 && lead(s, b, inside) > 1e-9)
        fail_msg("%s: before %.12g, at %.12g, another answer is better by %g", b->what, border,
                 inside, lead(s, b, inside));
}

static void check_all(const kerf_question *q, bool all_exact)
{
    kerf_sensitivity *found = NULL;
    kerf_error err = {0};
    subject s = {.q = q};
    kerf_question plain = *q;
    plain.no_break_even = true;
    const kerf_status status = kerf_plan_make(&plain, &s.plan, &err);
    if (status == KERF_E_INFEASIBLE) {
        assert_int_equal(kerf_sensitivity_make(q, 0, &found, &err), KERF_E_INFEASIBLE);
        return;
    }
    assert_int_equal(status, KERF_OK);
    assert_int_equal(robust_world_create(q, &s.world, &err), KERF_OK);
    if (kerf_sensitivity_make(q, 0, &found, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    double nearest = INFINITY;
    for (size_t i = 0; i < found->n; i++) {
        const kerf_break_even *b = &found->list[i];
        const bool load = strcmp(b->what, "load") == 0;
        assert_true(b->below <= b->now && b->above >= b->now);
        if (all_exact) {
            check_border(&s, b, b->below, load ? 0 : b->now * 1e-3);
            check_border(&s, b, b->above, load ? 0.999 : b->now * 1e3);
        }
        if (b->is_factor)
            nearest = fmin(nearest, fmin(b->above, b->below > 0 ? 1 / b->below : INFINITY));
    }
    if (isinf(nearest)) {
        assert_true(found->closest == KERF_NONE);
    } else {
        const kerf_break_even *b = &found->list[found->closest];
        assert_true(fmin(b->above, b->below > 0 ? 1 / b->below : INFINITY) <= nearest);
    }
    kerf_sensitivity_destroy(&found);
    robust_world_clear(&s.world);
    kerf_plan_destroy(&s.plan);
}

/* A transfer that ends before the full rate is reached takes no less time at a higher one: the
 * uplink is listed all the same where the plan knows of a border. */
static void check_uplink(const kerf_question *q)
{
    kerf_plan *plan = NULL;
    kerf_sensitivity *found = NULL;
    kerf_error err = {0};
    if (kerf_plan_make(q, &plan, &err) == KERF_E_INFEASIBLE)
        return;
    assert_non_null(plan);
    assert_int_equal(kerf_sensitivity_make(q, 0, &found, &err), KERF_OK);
    double below = 0, above = INFINITY;
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->list[i].what, "uplink") == 0) {
            below = found->list[i].below;
            above = found->list[i].above;
        }
    if (!(fabs(below - plan->break_even_below_bps) <= 1e-7 * below) ||
        !(above == plan->break_even_above_bps ||
          fabs(above - plan->break_even_above_bps) <= 1e-7 * above))
        fail_msg("uplink: from %.17g to %.17g, the plan says %.17g to %.17g", below, above,
                 plan->break_even_below_bps, plan->break_even_above_bps);
    kerf_plan_destroy(&plan);
    kerf_sensitivity_destroy(&found);
}

/* One power mode and encoding, no limits, costs that are sums: every border is exact. */
static void test_sums(void **state)
{
    (void)state;
    rng r = {rng_seed(11)};
    for (size_t i = 0; i < cases(30, 300); i++) {
        question_box box;
        random_question(&r, 2 + rng_below(&r, 6), true, &box);
        static const kerf_objective sums[] = {KERF_OBJ_ENERGY, KERF_OBJ_LATENCY,
                                              KERF_OBJ_TOTAL_ENERGY, KERF_OBJ_WEIGHTED};
        box.q.objective = sums[rng_below(&r, 4)];
        box.q.power_mode = "fast";
        box.q.n_encodings = box.q.n_encodings ? 1 : 0;
        check_all(&box.q, true);
        check_uplink(&box.q);
        question_box_clear(&box);
    }
}

/* The same border; or none, where so far off only rounding tells whether there is one. */
static bool same_border(double a, double b, double now)
{
    const double far = 9e5;
    if (!(a > 0) || isinf(a))
        return a == b || b <= now / far || b >= now * far;
    return fabs(a - b) <= 1e-6 * a;
}

/* `asked` may list figures that change no placement that pins allow: nothing comes of them. */
static void compare(const kerf_sensitivity *all, const kerf_sensitivity *asked, bool exact)
{
    size_t i = 0;
    for (size_t k = 0; k < asked->n; k++) {
        const kerf_break_even *a = &all->list[i], *b = &asked->list[k];
        if (i == all->n || strcmp(a->what, b->what) != 0) {
            if (b->below > 0 || !isinf(b->above))
                fail_msg("%s: from %.17g to %.17g by solvers, and not looked at over all "
                         "placements",
                         b->what, b->below, b->above);
            continue;
        }
        const double now = a->now > 0 ? a->now : 1;
        if (exact &&
            !(same_border(a->below, b->below, now) && same_border(a->above, b->above, now)))
            fail_msg("%s: from %.17g to %.17g over all placements, from %.17g to %.17g by solvers",
                     a->what, a->below, a->above, b->below, b->above);
        i++;
    }
    assert_int_equal(i, all->n);
    if (exact)
        assert_int_equal(all->closest == KERF_NONE, asked->closest == KERF_NONE);
}

/* Solvers that are asked find what a look at all placements finds. */
static void test_asked(void **state)
{
    (void)state;
    rng r = {rng_seed(13)};
    for (size_t i = 0; i < cases(40, 400); i++) {
        question_box box;
        const walk_size few = {.few = 50000, .refuse = true}, none = {.few = 1};
        kerf_sensitivity *all = NULL, *asked = NULL;
        kerf_error err = {0};
        const bool sums = rng_chance(&r, 0.7);
        random_question(&r, 2 + rng_below(&r, 6), sums, &box);
        if (sums && (box.q.objective == KERF_OBJ_EDP || box.q.objective == KERF_OBJ_THROUGHPUT))
            box.q.objective = KERF_OBJ_ENERGY;
        const kerf_status status = sensitivity_find(&box.q, &few, !sums, &all, &err);
        if (sensitivity_find(&box.q, &none, !sums, &asked, &err) != status)
            fail_msg("KERF_SEED: %s: %s", err.where, err.message);
        if (status == KERF_OK)
            compare(all, asked, sums);
        kerf_sensitivity_destroy(&all);
        kerf_sensitivity_destroy(&asked);
        question_box_clear(&box);
    }
}

/* All else: the points in between that the search looks at may miss a short stretch, so borders are
 * only looked at where they are. */
static void test_others(void **state)
{
    (void)state;
    rng r = {rng_seed(12)};
    for (size_t i = 0; i < cases(20, 200); i++) {
        question_box box;
        random_question(&r, 2 + rng_below(&r, 5), false, &box);
        if (rng_chance(&r, 0.4))
            box.q.limits.deadline_s = rng_log(&r, 1e-3, 1);
        check_all(&box.q, false);
        question_box_clear(&box);
    }
}

/* The uplink's borders are those of the plan. */
static void test_uplink(void **state)
{
    (void)state;
    static const char *const networks[] = {"alexnet", "resnet18", "squeezenet"};
    for (size_t i = 0; i < 3; i++) {
        char path[96];
        kerf_error err = {0};
        kerf_network *network = NULL;
        kerf_device *device = NULL, *server = NULL;
        kerf_link *link = NULL;
        kerf_plan *plan = NULL;
        kerf_sensitivity *found = NULL;
        snprintf(path, sizeof path, "configs/networks/%s.json", networks[i]);
        assert_int_equal(kerf_network_load(path, NULL, &network, &err), KERF_OK);
        assert_int_equal(kerf_device_load("configs/devices/jetson-tx2.json", &device, &err),
                         KERF_OK);
        assert_int_equal(kerf_device_load("configs/servers/edge-gpu.json", &server, &err), KERF_OK);
        assert_int_equal(kerf_link_load("configs/links/wifi-n.json", &link, &err), KERF_OK);
        link->rate_bps[KERF_UPLINK] = 14e6;
        const kerf_question q = {.network = network,
                                 .device = device,
                                 .server = server,
                                 .link = link,
                                 .input_bytes = 60000};
        assert_int_equal(kerf_plan_make(&q, &plan, &err), KERF_OK);
        assert_int_equal(kerf_sensitivity_make(&q, 0, &found, &err), KERF_OK);
        bool seen = false;
        for (size_t k = 0; k < found->n; k++) {
            const kerf_break_even *b = &found->list[k];
            if (strcmp(b->what, "uplink") != 0)
                continue;
            seen = true;
            assert_true(fabs(b->below - plan->break_even_below_bps) <= 1e-8 * b->below);
            assert_true(b->above == plan->break_even_above_bps ||
                        fabs(b->above - plan->break_even_above_bps) <= 1e-8 * b->above);
        }
        assert_true(seen);
        check_all(&q, true);
        kerf_sensitivity_destroy(&found);
        kerf_plan_destroy(&plan);
        kerf_network_destroy(&network);
        kerf_device_destroy(&device);
        kerf_device_destroy(&server);
        kerf_link_destroy(&link);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    rng r = {3};
    question_box box;
    kerf_sensitivity *found = NULL;
    kerf_error err = {0};
    random_question(&r, 6, true, &box);
    assert_int_equal(kerf_sensitivity_make(&box.q, 2, &found, &err), KERF_E_TOO_LARGE);
    assert_null(found);
    question_box_clear(&box);
}

static kerf_status make(void *context, kerf_error *err)
{
    kerf_sensitivity *found = NULL;
    const kerf_status status = kerf_sensitivity_make(context, 0, &found, err);
    kerf_sensitivity_destroy(&found);
    return status;
}

static kerf_status ask(void *context, kerf_error *err)
{
    const walk_size none = {.few = 1};
    kerf_sensitivity *found = NULL;
    const kerf_status status = sensitivity_find(context, &none, true, &found, err);
    kerf_sensitivity_destroy(&found);
    return status;
}

static void test_torture(void **state)
{
    (void)state;
    rng r = {5};
    question_box box;
    if (!torture_available())
        skip();
    random_question(&r, 2, false, &box);
    torture_run(make, &box.q);
    torture_run(ask, &box.q);
    question_box_clear(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),      cmocka_unit_test(test_asked),
        cmocka_unit_test(test_others),    cmocka_unit_test(test_uplink),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_torture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
