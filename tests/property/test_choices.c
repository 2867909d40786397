/* Measured groups, and the joint choice of power mode, encoding and variant, against every
 * placement of every combination. KERF_SEED sets the seed, KERF_TEST_FULL=1 the number. */
#include "tests/support/random.h"
#include "tests/support/random_scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t seed_of_run;

/* --- measured groups --- */

typedef struct random_profile {
    kerf_profile profile;
    struct kerf_measured measured[16];
    struct kerf_measured_group groups[6];
    char *names[6][16];
} random_profile;

static double figure(double size)
{
    return rs_below(4) == 0 ? (double)NAN : rs_below(8) == 0 ? 0 : rs_log(size / 30, size * 30);
}

/* Takes operators of one group (KERF_NONE: of none) for another that lies in it. */
static void random_group(random_profile *p, const kerf_network *net, size_t *owner)
{
    struct kerf_measured_group *group = &p->groups[p->profile.n_groups];
    const size_t around = rs_below(3) ? KERF_NONE : rs_below(p->profile.n_groups + 1) - 1;
    const size_t start = rs_below(net->n_operators), length = 1 + rs_below(net->n_operators);
    const bool range = rs_below(2);
    size_t inside = 0;
    *group = (struct kerf_measured_group){.operators = p->names[p->profile.n_groups]};
    for (size_t i = 0; i < net->n_operators; i++)
        inside += owner[i] == around;
    for (size_t i = 0; i < net->n_operators; i++) {
        const bool taken = range ? i >= start && i < start + length : rs_below(2) == 0;
        if (owner[i] == around && taken && (around == KERF_NONE || group->n_operators + 1 < inside))
            group->operators[group->n_operators++] = net->operators[i].name;
    }
    if (group->n_operators == 0)
        return;
    for (size_t i = 0; i < net->n_operators; i++)
        for (size_t k = 0; k < group->n_operators; k++)
            if (net->operators[i].name == group->operators[k])
                owner[i] = p->profile.n_groups;
    group->latency_s = figure(1e-3);
    group->energy_J = isnan(group->latency_s) ? rs_log(1e-4, 1) : figure(1e-2);
    p->profile.n_groups++;
}

static void random_figures(random_profile *p, const kerf_network *net)
{
    size_t owner[16];
    *p = (random_profile){.profile = {.operators = p->measured, .groups = p->groups}};
    for (size_t i = 0; i < net->n_operators; i++) {
        owner[i] = KERF_NONE;
        if (rs_below(3) == 0)
            p->measured[p->profile.n_operators++] =
                (struct kerf_measured){net->operators[i].name, figure(1e-3), figure(1e-2)};
    }
    const size_t most = 1 + rs_below(6);
    for (size_t i = 0; i < most; i++)
        random_group(p, net, owner);
}

/* A profile with groups on either side: each placement is priced by code of its own. On a chain,
 * minimum cuts can always tell. */
static void check_groups(uint64_t seed, size_t *by_solver)
{
    static rs_scene s;
    static random_profile device, server;
    rs_scene_make(&s, 1, seed);
    const bool chain = rs_below(3) == 0;
    if (chain) {
        kerf_network_destroy(&s.network);
        s.network = rs_chain(2 + rs_below(9));
        s.question.network = s.network;
        s.question.n_pins = 0;
    }
    kerf_question q = s.question;
    random_figures(&device, s.network);
    random_figures(&server, s.network);
    if (rs_below(4))
        q.device_profile = &device.profile;
    if (rs_below(2))
        q.server_profile = &server.profile;
    if (rs_below(3) == 0)
        rs_limits(&q);
    static rs_entry entries[4096];
    const size_t n = rs_enumerate(&q, entries, sizeof entries / sizeof *entries);
    for (int solver = KERF_SOLVER_AUTO; solver <= KERF_SOLVER_MILP; solver++) {
        q.solver = (kerf_solver)solver;
        q.top = solver == KERF_SOLVER_AUTO ? 3 : 0;
        q.no_break_even = true;
        kerf_plan *plan = NULL;
        kerf_error err = {0};
        const kerf_status status = kerf_plan_make(&q, &plan, &err);
        if (n > 0 && solver == KERF_SOLVER_MINCUT && status == KERF_E_UNSUPPORTED) {
            assert_true(!chain || q.objective == KERF_OBJ_THROUGHPUT || q.limits.deadline_s > 0 ||
                        q.limits.energy_J > 0 || q.limits.memory_bytes > 0 ||
                        q.limits.max_bytes > 0 || q.limits.min_device_operators > 0);
            continue;
        }
        if (n == 0) {
            assert_true(status == KERF_E_INFEASIBLE || status == KERF_E_UNSUPPORTED);
            continue;
        }
        if (status != KERF_OK)
            fail_msg("seed %llu, solver %s: %s: %s", (unsigned long long)seed,
                     kerf_solver_name(q.solver), err.where, err.message);
        double least = entries[0].value;
        for (size_t i = 1; i < n; i++)
            least = fmin(least, entries[i].value);
        rs_check_close(rs_badness(&q, &plan->cost), least, kerf_solver_name(q.solver), seed);
        rs_check_alternatives(&q, plan, entries, n, seed);
        by_solver[plan->solver]++;
        kerf_plan_destroy(&plan);
    }
    kerf_network_destroy(&s.network);
}

/* --- several encodings and variants --- */

typedef struct choice_scene {
    rs_scene s;
    kerf_network *other[2];
    kerf_variant variants[3];
    kerf_encoding encodings[3];
} choice_scene;

static void random_choices(choice_scene *c, kerf_question *q)
{
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 2; i++)
        c->other[i] = rs_network(2 + rs_below(7));
    for (size_t i = 0; i < 3; i++) {
        c->variants[i] = (kerf_variant){.name = names[i],
                                        .network = i ? c->other[i - 1] : c->s.network,
                                        .accuracy = 0.5 + 0.1 * (double)rs_below(5),
                                        .input_bytes = rs_below(2) ? 0 : rs_log(1e3, 1e6)};
        c->encodings[i] = (kerf_encoding){.name = names[i],
                                          .wire = (kerf_wire)rs_below(4),
                                          .ratio = rs_below(2) ? 0 : 0.1 + 0.9 * rs_uniform(),
                                          .accuracy_loss = rs_below(2) ? 0 : 0.1 * rs_uniform()};
        if (rs_below(2)) {
            c->encodings[i].device_s_per_byte = rs_log(1e-11, 1e-7);
            c->encodings[i].device_J_per_byte = rs_log(1e-11, 1e-7);
            c->encodings[i].server_s_per_byte = rs_log(1e-12, 1e-8);
            c->encodings[i].server_J_per_byte = rs_log(1e-12, 1e-8);
        }
    }
    q->encodings = c->encodings;
    q->n_encodings = 1 + rs_below(3);
    q->variants = c->variants;
    q->n_variants = 1 + rs_below(3);
    if (rs_below(2))
        q->limits.min_accuracy = 0.4 + 0.6 * rs_uniform();
}

/* Pins name operators of the question's network: the same names elsewhere; false if one lacks. */
static bool pins_of(const kerf_question *q, const kerf_network *network, kerf_pin *pins)
{
    for (size_t i = 0; i < q->n_pins; i++) {
        const char *name = q->network->operators[q->pins[i].operator_index].name;
        pins[i] = (kerf_pin){kerf_network_find_operator(network, name), q->pins[i].side};
        if (pins[i].operator_index == KERF_NONE ||
            network->operators[pins[i].operator_index].constant)
            return false;
    }
    return true;
}

/* The least value of a combination; all on the device, if that alone is accurate enough. */
static double least_of(const kerf_question *q, size_t mode, size_t encoding, size_t variant)
{
    static rs_entry entries[4096];
    kerf_question one = *q;
    kerf_pin pins[1];
    const kerf_variant *v = &q->variants[variant];
    const kerf_encoding *e = &q->encodings[encoding];
    one.power_mode = q->device->modes[mode].name;
    one.encodings = e;
    one.variants = v;
    one.n_encodings = one.n_variants = 1;
    if (!pins_of(q, v->network, pins))
        return INFINITY;
    /* enumerate reads network and pins as they are; kerf_price takes those of the variant */
    one.network = v->network;
    one.pins = pins;
    double least = INFINITY;
    const double slack = 1 - 1e-9;
    if (v->accuracy - e->accuracy_loss >= q->limits.min_accuracy * slack) {
        const size_t n = rs_enumerate(&one, entries, sizeof entries / sizeof *entries);
        for (size_t i = 0; i < n; i++)
            least = fmin(least, entries[i].value);
    } else if (v->accuracy >= q->limits.min_accuracy * slack && !q->result_at_server) {
        one.limits.min_device_operators = v->network->n_placed;
        if (q->limits.min_device_operators <= v->network->n_placed &&
            rs_enumerate(&one, entries, sizeof entries / sizeof *entries) > 0)
            least = entries[0].value;
    }
    return least;
}

/* The joint answer is the best of all combinations, and so is each rival of its own. */
static void check_choices(uint64_t seed, size_t *infeasible)
{
    static choice_scene c;
    rs_scene_make(&c.s, 3, seed);
    kerf_question q = c.s.question;
    if (rs_below(3) == 0)
        rs_limits(&q);
    random_choices(&c, &q);
    q.power_mode = rs_below(3) ? "any" : c.s.device_modes[rs_below(3)].name;
    q.compare_choices = true;
    q.solver = rs_below(4) ? KERF_SOLVER_AUTO : KERF_SOLVER_EXHAUSTIVE;
    q.no_break_even = rs_below(8) != 0;
    double least = INFINITY, by[KERF_DIMENSIONS][3];
    for (int d = 0; d < KERF_DIMENSIONS; d++)
        for (int i = 0; i < 3; i++)
            by[d][i] = INFINITY;
    for (size_t mode = 0; mode < 3; mode++)
        for (size_t e = 0; e < q.n_encodings; e++)
            for (size_t v = 0; v < q.n_variants; v++) {
                if (strcmp(q.power_mode, "any") != 0 &&
                    strcmp(q.power_mode, c.s.device_modes[mode].name) != 0)
                    continue;
                const double value = least_of(&q, mode, e, v);
                least = fmin(least, value);
                by[KERF_BY_POWER_MODE][mode] = fmin(by[KERF_BY_POWER_MODE][mode], value);
                by[KERF_BY_ENCODING][e] = fmin(by[KERF_BY_ENCODING][e], value);
                by[KERF_BY_VARIANT][v] = fmin(by[KERF_BY_VARIANT][v], value);
            }
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_plan_make(&q, &plan, &err);
    if (isinf(least)) {
        *infeasible += 1;
        if (status != KERF_E_INFEASIBLE && status != KERF_E_INVALID)
            fail_msg("seed %llu: status %d: %s", (unsigned long long)seed, (int)status,
                     err.message);
    } else if (status != KERF_OK) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, err.where, err.message);
    } else {
        rs_check_close(rs_badness(&q, &plan->cost), least, "the joint answer", seed);
        assert_true(plan->optimal);
        kerf_plan_cost priced;
        const kerf_question single = kerf_plan_question(&q, plan);
        assert_int_equal(kerf_price(&single, plan->side, &priced, &err), KERF_OK);
        rs_check_close(rs_badness(&q, &priced), least, "the price of the answer", seed);
        for (size_t i = 0; i < plan->n_rivals; i++) {
            const kerf_rival *r = &plan->rivals[i];
            const size_t at = r->by == KERF_BY_POWER_MODE
                                  ? kerf_device_find_mode(q.device, r->power_mode)
                              : r->by == KERF_BY_ENCODING ? r->encoding
                                                          : r->variant;
            assert_int_equal(r->feasible, isfinite(by[r->by][at]));
            if (r->feasible)
                rs_check_close(rs_badness(&q, &r->cost), by[r->by][at], "a rival", seed);
        }
    }
    kerf_plan_destroy(&plan);
    for (size_t i = 0; i < 2; i++)
        kerf_network_destroy(&c.other[i]);
    kerf_network_destroy(&c.s.network);
}

static size_t cases(size_t quick, size_t full)
{
    return getenv("KERF_TEST_FULL") ? full : quick;
}

static void test_groups(void **unused)
{
    (void)unused;
    const size_t n = cases(1500, 10000);
    size_t by_solver[4] = {0};
    for (size_t i = 0; i < n; i++)
        check_groups(seed_of_run + 3000000 + i, by_solver);
    for (int solver = KERF_SOLVER_EXHAUSTIVE; solver <= KERF_SOLVER_MILP; solver++)
        assert_true(by_solver[solver] > n / 20);
}

static void test_choices(void **unused)
{
    (void)unused;
    const size_t n = cases(400, 4000);
    size_t infeasible = 0;
    for (size_t i = 0; i < n; i++)
        check_choices(seed_of_run + 4000000 + i, &infeasible);
    print_message("# %zu of %zu had no answer\n", infeasible, n);
    assert_true(infeasible > 0 && infeasible < n / 2);
}

int main(void)
{
    seed_of_run = rng_seed(20261123);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
