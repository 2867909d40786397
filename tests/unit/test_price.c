/* What parts of fused groups cost, against values worked by hand for every form. */
#include "kerf/device.h"
#include "tests/support/net_builder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

/* Round numbers: a MAC takes 1 s and 10 J in a convolution, 2 s and 20 J elsewhere, a byte 3 s and
 * 30 J, a launch 100 s and 1000 J. */
static kerf_power_mode plain_mode(void)
{
    kerf_power_mode mode = {.name = (char *)"test",
                            .latency_form = KERF_LATENCY_SUM,
                            .energy_form = KERF_ENERGY_CLASSES,
                            .s_per_byte = 3,
                            .launch_s = 100,
                            .partition_s = 7,
                            .J_per_byte = 30,
                            .launch_J = 1000,
                            .partition_J = 70};
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++) {
        mode.s_per_mac[i] = 2;
        mode.J_per_mac[i] = 20;
    }
    mode.s_per_mac[KERF_CLASS_CONV] = 1;
    mode.J_per_mac[KERF_CLASS_CONV] = 10;
    return mode;
}

/* x (4 B) -> [conv: 50 MACs, 8 B weights, 5 kernels -> 16 B; add with x -> 32 B; relu -> 64 B]
 *   -> view -> 64 B -> pool: 0 MACs -> 12 B. The group is conv, add, relu. */
typedef struct residual {
    kerf_network *net;
    size_t fused, view, pool;
} residual;

static residual make_residual(void)
{
    residual r = {.net = nb_network("residual")};
    size_t x = nb_input(r.net, "x", 4);
    size_t y = nb_operator(r.net, "conv", KERF_CLASS_CONV, 50, 8, 5, 1, &x, 16);
    size_t both[] = {y, x};
    size_t z = nb_operator(r.net, "add", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 2, both, 32);
    size_t a = nb_operator(r.net, "relu", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 1, &z, 64);
    size_t v = nb_operator(r.net, "view", KERF_CLASS_VIEW, 0, 0, 0, 1, &a, 64);
    size_t p = nb_operator(r.net, "pool", KERF_CLASS_POOL, 0, 0, 0, 1, &v, 12);
    nb_output(r.net, p);
    nb_group(r.net, 3, (size_t[]){0, 1, 2});
    nb_finish(r.net);
    r.fused = r.net->operators[0].group;
    r.view = r.net->operators[3].group;
    r.pool = r.net->operators[4].group;
    return r;
}

static kerf_pricer *create(const kerf_network *net, const kerf_power_mode *mode,
                           const kerf_profile *profile)
{
    kerf_pricer *pricer = NULL;
    kerf_error err;
    if (kerf_pricer_create(net, mode, profile, &pricer, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    return pricer;
}

static kerf_cost price(const kerf_network *net, const kerf_power_mode *mode,
                       const kerf_profile *profile, size_t group, size_t first, size_t last)
{
    kerf_pricer *pricer = create(net, mode, profile);
    kerf_cost cost = kerf_price_part(pricer, group, first, last);
    kerf_pricer_destroy(&pricer);
    assert_null(pricer);
    return cost;
}

static void whole_group_is_one_kernel(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    /* Reads x once, the weights, writes only relu's output: 4 + 8 + 64 bytes, one launch. */
    kerf_cost cost = price(r.net, &mode, NULL, r.fused, 0, 3);
    near(cost.latency_s, 100 + 50 + 3 * 76);
    near(cost.energy_J, 1000 + 500 + 30 * 76);
    cost = price(r.net, &mode, NULL, r.pool, 0, 1);
    near(cost.latency_s, 100 + 3 * (64 + 12));
    near(cost.energy_J, 1000 + 30 * (64 + 12));
    kerf_network_destroy(&r.net);
}

static void broken_group_pays_for_the_break(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    /* conv | add relu: conv's output is written by the one and read by the other, which reads x
     * again too. */
    near(price(r.net, &mode, NULL, r.fused, 0, 1).latency_s, 100 + 50 + 3 * (4 + 8 + 16));
    near(price(r.net, &mode, NULL, r.fused, 1, 3).latency_s, 100 + 3 * (16 + 4 + 64));
    /* conv add | relu */
    near(price(r.net, &mode, NULL, r.fused, 0, 2).energy_J, 1000 + 500 + 30 * (4 + 8 + 32));
    near(price(r.net, &mode, NULL, r.fused, 2, 3).energy_J, 1000 + 30 * (32 + 64));
    /* a part from the middle */
    near(price(r.net, &mode, NULL, r.fused, 1, 2).energy_J, 1000 + 30 * (16 + 4 + 32));
    kerf_network_destroy(&r.net);
}

static void empty_parts_and_views_are_free(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    size_t parts[][3] = {{r.view, 0, 1},  {r.fused, 1, 1}, {r.fused, 3, 3},
                         {r.fused, 2, 1}, {r.fused, 5, 9}, {99, 0, 1}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        kerf_cost cost = price(r.net, &mode, NULL, parts[i][0], parts[i][1], parts[i][2]);
        assert_true(cost.latency_s == 0 && cost.energy_J == 0);
    }
    near(price(r.net, &mode, NULL, r.fused, 0, 99).latency_s, 100 + 50 + 3 * 76);
    kerf_network_destroy(&r.net);
}

static void tensors_are_counted_once(void **state)
{
    (void)state;
    kerf_network *net = nb_network("once");
    size_t x = nb_input(net, "x", 4);
    size_t twice[] = {x, KERF_NONE, x};
    size_t y = nb_operator(net, "mul", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 3, twice, 16);
    size_t dead = nb_more(net, "dead", 1024); /* nobody reads it */
    size_t kept = nb_more(net, "kept", 2048); /* a network output */
    size_t z = nb_operator(net, "relu", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 1, &y, 32);
    nb_operator(net, "other", KERF_CLASS_POOL, 0, 0, 0, 1, &y, 64); /* y leaves the group */
    nb_output(net, kept);
    nb_output(net, z);
    nb_group(net, 2, (size_t[]){0, 1});
    nb_finish(net);
    (void)dead;
    kerf_power_mode mode = plain_mode();
    near(price(net, &mode, NULL, 0, 0, 2).latency_s, 100 + 3 * (4 + 2048 + 16 + 32));
    near(price(net, &mode, NULL, 0, 0, 1).latency_s, 100 + 3 * (4 + 2048 + 16));
    kerf_network_destroy(&net);
}

static void lookups_read_what_they_deliver(void **state)
{
    (void)state;
    kerf_network *net = nb_network("embedding");
    size_t x = nb_input(net, "ids", 8);
    nb_operator(net, "gather", KERF_CLASS_MOVE, 0, 1000000, 0, 1, &x, 40);
    nb_output(net, 1);
    nb_finish(net);
    kerf_power_mode mode = plain_mode();
    near(price(net, &mode, NULL, 0, 0, 1).latency_s, 100 + 3 * (8 + 40 + 40));
    kerf_network_destroy(&net);
}

static void roofline_takes_the_larger(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    mode.latency_form = KERF_LATENCY_MAX;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).latency_s, 100 + 3 * 76);
    mode.s_per_byte = 0.5;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).latency_s, 100 + 50);
    kerf_network_destroy(&r.net);
}

/* What a mode says beyond MACs, bytes and launches, by the kernel's main operator. */
static void refinements_add_up(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    mode.latency_more.per_byte[KERF_CLASS_CONV] = 1000;
    mode.latency_more.per_byte[KERF_CLASS_ELEMENTWISE] = 7;
    mode.latency_more.per_weight_byte[KERF_CLASS_CONV] = 1e5;
    mode.latency_more.per_step = 1e7;
    mode.latency_more.grouped_launch = 1e9;
    mode.energy_more.per_step = 4e6;
    r.net->operators[0].groups = 1;
    r.net->tensors[r.net->operators[0].outputs[0]].elements = 5; /* 10 MACs make one output */
    const double plain = 100 + 50 + 3 * 76;
    kerf_cost cost = price(r.net, &mode, NULL, r.fused, 0, 3);
    near(cost.latency_s, plain + 1000.0 * 68 + 1e5 * 8 + 1e7 * 10);
    near(cost.energy_J, 1000 + 500 + 30 * 76 + 4e6 * 10);
    r.net->operators[0].groups = 2;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).latency_s,
         plain + 1000.0 * 68 + 1e5 * 8 + 1e7 * 10 + 1e9);
    /* Without the convolution the addition is what the kernel mainly does. */
    near(price(r.net, &mode, NULL, r.fused, 1, 3).latency_s,
         100 + 3 * (16 + 4 + 64) + 7 * (16 + 4 + 64));
    /* Depthwise convolutions have kernels of their own. */
    r.net->operators[0].cls = KERF_CLASS_DEPTHWISE;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).latency_s, 100 + 100 + 3 * 76 + 1e7 * 10);
    mode.latency_form = KERF_LATENCY_MAX;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).latency_s, 100 + 3 * 76);
    kerf_network_destroy(&r.net);
}

static void mac_kernels_form(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    mode.energy_form = KERF_ENERGY_MAC_KERNELS;
    mode.J_per_kernel = 7;
    mode.launch_J = 0;
    /* b * MACs + c * kernels; what is fused into the convolution is free. */
    near(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J, 50 * 10 + 5 * 7);
    near(price(r.net, &mode, NULL, r.fused, 0, 1).energy_J, 50 * 10 + 5 * 7);
    mode.kernel_quantum = 4; /* 5 kernels are rounded up to 8 */
    near(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J, 50 * 10 + 8 * 7);
    /* Classes that the form does not know are charged for their bytes. */
    near(price(r.net, &mode, NULL, r.pool, 0, 1).energy_J, 30 * (64 + 12));
    near(price(r.net, &mode, NULL, r.fused, 1, 3).energy_J, 30 * (16 + 4 + 64));
    kerf_network_destroy(&r.net);

    kerf_network *net = nb_network("fc");
    size_t x = nb_input(net, "x", 4);
    nb_output(net, nb_operator(net, "fc", KERF_CLASS_FC, 11, 44, 0, 1, &x, 44));
    nb_finish(net);
    near(price(net, &mode, NULL, 0, 0, 1).energy_J, 11 * 20); /* one slope */
    kerf_network_destroy(&net);
}

static void floor_form(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    mode.energy_form = KERF_ENERGY_FLOOR;
    mode.floor_exponent = 2;
    double work = 1000 + 500 + 30 * 76; /* 3780 */
    mode.floor_J = 0;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J, work);
    mode.floor_J = 1000;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J, sqrt(work * work + 1000. * 1000.));
    mode.floor_exponent = 1;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J, work + 1000);
    /* High powers of small numbers do not underflow, and the larger one wins. */
    mode.floor_exponent = 64;
    mode.floor_J = 1e-30;
    for (size_t i = 0; i < KERF_CLASS_COUNT; i++)
        mode.J_per_mac[i] = 0;
    mode.launch_J = 0;
    mode.J_per_byte = 1e-34;
    near(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J, 1e-30);
    mode.J_per_byte = mode.floor_J = 0;
    assert_true(price(r.net, &mode, NULL, r.fused, 0, 3).energy_J == 0);
    kerf_network_destroy(&r.net);
}

static void power_form(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    mode.energy_form = KERF_ENERGY_POWER;
    mode.active_W = 5;
    kerf_cost cost = price(r.net, &mode, NULL, r.fused, 0, 3);
    near(cost.energy_J, 5 * (100 + 50 + 3 * 76));
    near(cost.energy_J, 5 * cost.latency_s);
    kerf_network_destroy(&r.net);
}

static void measured_figures_replace_estimates(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    struct kerf_measured all[] = {{(char *)"conv", 400, NAN},
                                  {(char *)"pool", NAN, 9},
                                  {(char *)"view", 1, 2},
                                  {(char *)"relu", NAN, NAN}};
    kerf_profile profile = {.operators = all, .n_operators = 4};
    kerf_pricer *pricer = create(r.net, &mode, &profile);
    assert_int_equal(kerf_pricer_measured_latency(pricer), 2); /* conv, view */
    assert_int_equal(kerf_pricer_measured_energy(pricer), 2);  /* pool, view */

    /* Alone, the measured figure; energy is still the estimate. */
    kerf_cost cost = kerf_price_part(pricer, r.fused, 0, 1);
    near(cost.latency_s, 400);
    near(cost.energy_J, 1000 + 500 + 30 * 28);
    /* The rest of the group adds what the estimate says that it adds: 64 - 16 bytes. */
    cost = kerf_price_part(pricer, r.fused, 0, 3);
    near(cost.latency_s, 400 + 3 * (64 - 16));
    near(cost.energy_J, 1000 + 500 + 30 * 76);
    /* Without the convolution nothing is measured. */
    near(kerf_price_part(pricer, r.fused, 1, 3).latency_s, 100 + 3 * (16 + 4 + 64));
    /* One figure without the other; a measured view costs what was measured. */
    cost = kerf_price_part(pricer, r.pool, 0, 1);
    near(cost.latency_s, 100 + 3 * 76);
    near(cost.energy_J, 9);
    near(kerf_price_part(pricer, r.view, 0, 1).latency_s, 1);
    near(kerf_price_part(pricer, r.view, 0, 1).energy_J, 2);
    kerf_pricer_destroy(&pricer);
    kerf_network_destroy(&r.net);
}

/* Operators that were measured together: what the pricer says of them, and that no kernel reaches
 * over their border. */
static void measured_groups_break_fusion(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    char *two[] = {(char *)"add", (char *)"conv"},
         *four[] = {(char *)"conv", (char *)"view", (char *)"add", (char *)"pool"};
    struct kerf_measured_group groups[] = {{four, 4, 7, NAN}, {two, 2, NAN, 3}};
    struct kerf_measured one[] = {{(char *)"conv", 400, NAN}};
    kerf_profile profile = {.operators = one, .n_operators = 1, .groups = groups, .n_groups = 2};
    kerf_pricer *pricer = create(r.net, &mode, &profile);
    const size_t *operators;
    size_t n, parent;
    assert_int_equal(kerf_pricer_groups(pricer), 2);
    kerf_cost cost = kerf_pricer_group(pricer, 0, &operators, &n, &parent);
    assert_true(isnan(cost.latency_s) && n == 2 && operators[0] == 0 && operators[1] == 1);
    near(cost.energy_J, 3);
    assert_int_equal(parent, 1);
    cost = kerf_pricer_group(pricer, 1, &operators, &n, &parent);
    assert_true(n == 4 && operators[3] == 4 && parent == KERF_NONE);
    near(cost.latency_s, 7);
    assert_int_equal(kerf_pricer_measured_latency(pricer), 4); /* conv by itself as well */
    assert_int_equal(kerf_pricer_measured_energy(pricer), 2);
    /* conv add | relu: two kernels, and what is between them is written and read. */
    near(kerf_price_part(pricer, r.fused, 0, 3).energy_J,
         (1000 + 500 + 30 * (4 + 8 + 32)) + (1000 + 30 * (32 + 64)));
    near(kerf_price_part(pricer, r.fused, 2, 3).energy_J, 1000 + 30 * (32 + 64));
    near(kerf_price_part(pricer, r.fused, 0, 1).latency_s, 400);
    kerf_pricer_destroy(&pricer);
    kerf_network_destroy(&r.net);
}

static void groups_that_overlap_are_refused(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    char *a[] = {(char *)"conv", (char *)"add"}, *b[] = {(char *)"add", (char *)"relu"},
         *twice[] = {(char *)"add", (char *)"add"}, *none[] = {(char *)"add", (char *)"nothing"};
    struct kerf_measured_group cases[][2] = {
        {{a, 2, 1, 1}, {b, 2, 1, 1}},     {{a, 2, 1, 1}, {a, 2, 2, 2}},
        {{a, 2, 1, 1}, {twice, 2, 1, 1}}, {{a, 2, 1, 1}, {none, 2, 1, 1}},
        {{a, 2, 1, 1}, {b, 0, 1, 1}},     {{a, 2, 1, 1}, {b, 1, -1, 1}},
        {{a, 2, 1, 1}, {b, 1, NAN, NAN}}, {{a, 2, 1, 1}, {b, 1, INFINITY, 1}}};
    static const char *const messages[] = {"overlap",          "overlap",      "twice",
                                           "no such operator", "no operators", "negative",
                                           "neither",          "infinite"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kerf_profile profile = {.groups = cases[i], .n_groups = 2};
        kerf_pricer *pricer = NULL;
        kerf_error err;
        assert_int_equal(kerf_pricer_create(r.net, &mode, &profile, &pricer, &err), KERF_E_INVALID);
        if (!strstr(err.message, messages[i]))
            fail_msg("%s: %s", err.where, err.message);
        assert_null(pricer);
    }
    kerf_network_destroy(&r.net);
}

static void measured_parts_add_up(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    /* The operator in the middle is not measured and would, alone with the estimate, cost less
     * than conv and relu as a kernel of their own: it adds nothing, and never less. */
    struct kerf_measured two[] = {{(char *)"conv", 400, NAN}, {(char *)"relu", 30, NAN}};
    kerf_profile profile = {.operators = two, .n_operators = 2};
    near(price(r.net, &mode, &profile, r.fused, 0, 3).latency_s, 430);
    struct kerf_measured three[] = {
        {(char *)"conv", 400, 1}, {(char *)"relu", 30, 2}, {(char *)"add", 5, 4}};
    profile = (kerf_profile){.operators = three, .n_operators = 3};
    near(price(r.net, &mode, &profile, r.fused, 0, 3).latency_s, 435);
    near(price(r.net, &mode, &profile, r.fused, 0, 3).energy_J, 7);
    near(price(r.net, &mode, &profile, r.fused, 1, 3).energy_J, 6);
    kerf_network_destroy(&r.net);
}

static void power_form_follows_measured_latency(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode mode = plain_mode();
    mode.energy_form = KERF_ENERGY_POWER;
    mode.active_W = 5;
    struct kerf_measured one[] = {{(char *)"conv", 400, NAN}, {(char *)"pool", 10, 3}};
    kerf_profile profile = {.operators = one, .n_operators = 2};
    kerf_pricer *pricer = create(r.net, &mode, &profile);
    kerf_cost cost = kerf_price_part(pricer, r.fused, 0, 3);
    near(cost.energy_J, 5 * cost.latency_s);
    near(cost.energy_J, 5 * (400 + 3 * (64 - 16)));
    near(kerf_price_part(pricer, r.pool, 0, 1).energy_J, 3);
    assert_int_equal(kerf_pricer_measured_energy(pricer),
                     1); /* the derived one is no measurement */
    kerf_pricer_destroy(&pricer);
    kerf_network_destroy(&r.net);
}

static void unknown_sizes_stay_unknown(void **state)
{
    (void)state;
    kerf_network *net = nb_network("unknown");
    size_t x = nb_input(net, "x", -1);
    size_t y = nb_operator(net, "pool", KERF_CLASS_POOL, 0, 0, 0, 1, &x, 4);
    nb_output(net, nb_operator(net, "relu", KERF_CLASS_ELEMENTWISE, 0, 0, 0, 1, &y, 4));
    nb_finish(net);
    kerf_power_mode mode = plain_mode();
    for (int form = 0; form < 4; form++) {
        mode.energy_form = (kerf_energy_form)form;
        mode.latency_form = (kerf_latency_form)(form & 1);
        mode.floor_exponent = 2;
        kerf_cost cost = price(net, &mode, NULL, 0, 0, 1);
        assert_true(isnan(cost.latency_s) && (isnan(cost.energy_J)));
        assert_true(isfinite(price(net, &mode, NULL, 1, 0, 1).latency_s));
        mode.active_W = 1;
    }
    struct kerf_measured one[] = {{(char *)"pool", 400, 1}};
    kerf_profile profile = {.operators = one, .n_operators = 1};
    near(price(net, &mode, &profile, 0, 0, 1).latency_s, 400);
    kerf_network_destroy(&net);
}

static void expect_refusal(const kerf_network *net, const kerf_power_mode *mode,
                           const kerf_profile *profile, const char *where, const char *message)
{
    kerf_pricer *pricer = NULL;
    kerf_error err;
    assert_int_equal(kerf_pricer_create(net, mode, profile, &pricer, &err), KERF_E_INVALID);
    assert_null(pricer);
    assert_string_equal(err.where, where);
    if (!strstr(err.message, message))
        fail_msg("\"%s\", expected \"%s\"", err.message, message);
}

static void bad_modes_and_figures_are_refused(void **state)
{
    (void)state;
    residual r = make_residual();
    kerf_power_mode good = plain_mode(), mode = good;
    mode.s_per_mac[KERF_CLASS_OTHER] = NAN;
    expect_refusal(r.net, &mode, NULL, "test", "negative or not finite");
    mode = good;
    mode.launch_J = -1;
    expect_refusal(r.net, &mode, NULL, "test", "negative or not finite");
    mode = good;
    mode.idle_W = INFINITY;
    expect_refusal(r.net, &mode, NULL, "test", "negative or not finite");
    mode = good;
    mode.energy_more.per_byte[KERF_CLASS_POOL] = -1;
    expect_refusal(r.net, &mode, NULL, "test", "negative or not finite");
    mode = good;
    mode.energy_form = KERF_ENERGY_FLOOR;
    expect_refusal(r.net, &mode, NULL, "test", "exponent is 0, expected");

    struct kerf_measured bad[] = {{(char *)"conv", 1, 1}, {(char *)"conv", 2, 2}};
    kerf_profile profile = {.operators = bad, .n_operators = 2};
    expect_refusal(r.net, &good, &profile, "conv", "twice");
    bad[1].name = (char *)"nowhere";
    expect_refusal(r.net, &good, &profile, "nowhere", "does not have");
    bad[1].name = (char *)"relu";
    bad[1].latency_s = -1;
    expect_refusal(r.net, &good, &profile, "relu", "negative or infinite");
    kerf_network_destroy(&r.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_group_is_one_kernel),
        cmocka_unit_test(broken_group_pays_for_the_break),
        cmocka_unit_test(empty_parts_and_views_are_free),
        cmocka_unit_test(tensors_are_counted_once),
        cmocka_unit_test(lookups_read_what_they_deliver),
        cmocka_unit_test(roofline_takes_the_larger),
        cmocka_unit_test(refinements_add_up),
        cmocka_unit_test(mac_kernels_form),
        cmocka_unit_test(floor_form),
        cmocka_unit_test(power_form),
        cmocka_unit_test(measured_figures_replace_estimates),
        cmocka_unit_test(measured_groups_break_fusion),
        cmocka_unit_test(groups_that_overlap_are_refused),
        cmocka_unit_test(measured_parts_add_up),
        cmocka_unit_test(power_form_follows_measured_latency),
        cmocka_unit_test(unknown_sizes_stay_unknown),
        cmocka_unit_test(bad_modes_and_figures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
