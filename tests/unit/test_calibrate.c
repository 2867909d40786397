/* kerf_calibrate: planted coefficients come back, the linear programs are solved to their optimum,
 * folds never part a group, and tables that cannot be true are refused. */
#include "kerf/calibrate.h"
#include "model/calibrate/calibrate.h"
#include "tests/support/random.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_ROWS = 64, LAYERS = 3 };

/* A table on the stack. */
typedef struct table {
    kerf_measurements head;
    kerf_measurement rows[MAX_ROWS];
    kerf_layer layers[MAX_ROWS][LAYERS];
    char names[MAX_ROWS][2][24];
} table;

static void start(table *t)
{
    memset(t, 0, sizeof *t);
    t->head.path = (char *)"table";
    t->head.source = (char *)"";
    t->head.rows = t->rows;
}

static kerf_measurement *add_row(table *t, int group)
{
    const size_t i = t->head.n++;
    kerf_measurement *row = &t->rows[i];
    snprintf(t->names[i][0], sizeof t->names[i][0], "row %zu", i);
    snprintf(t->names[i][1], sizeof t->names[i][1], "group %d", group);
    char *const empty = (char *)"";
    *row = (kerf_measurement){.name = t->names[i][0],
                              .group = t->names[i][1],
                              .family = empty,
                              .board = empty,
                              .power_mode = empty,
                              .network = empty,
                              .layers = t->layers[i],
                              .batch = 1,
                              .calls = 1,
                              .latency_s = NAN,
                              .energy_J = NAN,
                              .line = i + 1};
    return row;
}

static kerf_layer *add_layer(kerf_measurement *row, kerf_class cls)
{
    kerf_layer *layer = &row->layers[row->n_layers++];
    *layer = (kerf_layer){.cls = cls, .count = 1};
    return layer;
}

static const kerf_class classes[] = {KERF_CLASS_CONV, KERF_CLASS_POINTWISE, KERF_CLASS_DEPTHWISE,
                                     KERF_CLASS_FC, KERF_CLASS_POOL};

/* Rows of one to three random kernels, eight to a group. */
static void random_rows(table *t, uint64_t seed)
{
    rng r = {seed};
    start(t);
    for (int i = 0; i < 56; i++) {
        kerf_measurement *row = add_row(t, i / 7);
        const size_t n = 1 + rng_below(&r, LAYERS);
        for (size_t k = 0; k < n; k++) {
            const kerf_class cls = classes[rng_below(&r, 5)];
            kerf_layer *layer = add_layer(row, cls);
            layer->read_bytes = floor(rng_log(&r, 1e4, 1e7));
            layer->write_bytes = floor(rng_log(&r, 1e4, 1e7));
            if (cls == KERF_CLASS_POOL)
                continue;
            layer->macs = floor(rng_log(&r, 1e6, 1e9));
            layer->weight_bytes = floor(rng_log(&r, 1e4, 1e7));
            if (cls != KERF_CLASS_FC) {
                layer->steps = floor(rng_log(&r, 9, 5000));
                layer->kernels = 64;
                layer->grouped = cls != KERF_CLASS_DEPTHWISE && rng_chance(&r, 0.3);
            }
        }
    }
}

static kerf_power_mode planted(void)
{
    kerf_power_mode mode = {.name = (char *)"planted",
                            .latency_form = KERF_LATENCY_SUM,
                            .energy_form = KERF_ENERGY_CLASSES,
                            .kernel_quantum = 1,
                            .s_per_byte = 50e-12,
                            .launch_s = 20e-6,
                            .partition_s = 300e-6,
                            .J_per_byte = 0.3e-9,
                            .launch_J = 0.1e-3,
                            .partition_J = 2e-3};
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        mode.s_per_mac[c] = 4e-12;
        mode.J_per_mac[c] = 50e-12;
    }
    mode.s_per_mac[KERF_CLASS_CONV] = 3e-12;
    mode.s_per_mac[KERF_CLASS_DEPTHWISE] = 60e-12;
    mode.J_per_mac[KERF_CLASS_CONV] = 30e-12;
    mode.J_per_mac[KERF_CLASS_DEPTHWISE] = 0.8e-9;
    mode.latency_more.per_step = 200e-9;
    mode.latency_more.grouped_launch = 100e-6;
    mode.energy_more.per_step = 2e-6;
    mode.energy_more.grouped_launch = 0.6e-3;
    return mode;
}

/* Figures as the cost model has them. */
static void measure(table *t, const kerf_power_mode *mode)
{
    for (size_t i = 0; i < t->head.n; i++) {
        kerf_measurement *row = &t->rows[i];
        row->latency_s = row->calls * mode->partition_s;
        row->energy_J = row->calls * mode->partition_J;
        for (size_t k = 0; k < row->n_layers; k++) {
            const kerf_work work = kerf_work_of_layer(&row->layers[k], 1);
            const kerf_cost cost = kerf_work_cost(mode, &work);
            row->latency_s += cost.latency_s;
            row->energy_J += cost.energy_J;
        }
    }
}

static kerf_calibration *calibrate(const table *t, const kerf_calibrate_options *options)
{
    kerf_calibration *result = NULL;
    kerf_error err;
    char line[1400];
    const kerf_measurements *const tables[] = {&t->head};
    if (kerf_calibrate(tables, 1, options, &result, &err) != KERF_OK)
        fail_msg("%s", kerf_error_line(&err, line, sizeof line));
    return result;
}

static void close_to(const char *what, double value, double expected, double relative)
{
    if (!(fabs(value - expected) <= relative * fabs(expected)))
        fail_msg("%s is %.9g, expected %.9g", what, value, expected);
}

static double coefficient(const kerf_calibration *c, const char *name)
{
    for (size_t i = 0; i < c->n_coefficients; i++)
        if (strcmp(c->coefficients[i].name, name) == 0)
            return c->coefficients[i].value;
    fail_msg("there is no coefficient %s", name);
    return NAN;
}

static const kerf_fit_form *chosen(const kerf_calibration *c, bool energy)
{
    for (size_t i = 0; i < c->n_forms; i++)
        if (c->forms[i].energy == energy && c->forms[i].chosen)
            return &c->forms[i];
    fail_msg("no form is chosen");
    return NULL;
}

static void planted_coefficients_are_recovered(void **state)
{
    (void)state;
    static table t;
    const kerf_power_mode mode = planted();
    const kerf_calibrate_options options = {.bootstrap = 20, .seed = 1};
    for (uint64_t seed = 1; seed <= 3; seed++) {
        random_rows(&t, seed);
        measure(&t, &mode);
        kerf_calibration *c = calibrate(&t, &options);
        assert_string_equal(chosen(c, false)->name, "steps"); /* the simplest that is right */
        assert_string_equal(chosen(c, true)->name, "steps");
        assert_true(chosen(c, true)->validated.mape < 1e-6);
        assert_true(chosen(c, true)->validated.spearman > 0.9999);
        close_to("conv", coefficient(c, "latency/per_mac/conv"), 3e-12, 5e-3);
        close_to("depthwise", coefficient(c, "energy/per_mac/depthwise"), 0.8e-9, 5e-3);
        close_to("bytes", coefficient(c, "energy/per_byte"), 0.3e-9, 5e-3);
        close_to("launch", coefficient(c, "latency/launch"), 20e-6, 5e-3);
        close_to("steps", coefficient(c, "latency/per_step"), 200e-9, 5e-3);
        close_to("grouped", coefficient(c, "energy/grouped_launch"), 0.6e-3, 5e-3);
        close_to("partition", coefficient(c, "energy/partition"), 2e-3, 5e-3);
        close_to("fc", c->mode.s_per_mac[KERF_CLASS_FC], 4e-12, 5e-3);
        assert_int_equal(c->n_warnings, 0);
        assert_true(c->mode.uncertainty.n > 8);
        kerf_calibration_destroy(&c);
        assert_null(c);
    }
}

/* The forms that are not linear in their coefficients. */
static void planted_maximum_and_floor_are_recovered(void **state)
{
    (void)state;
    static table t;
    const kerf_calibrate_options options = {
        .bootstrap = 2, .latency_form = "max", .energy_form = "floor"};
    kerf_power_mode mode = planted();
    mode.latency_form = KERF_LATENCY_MAX;
    mode.energy_form = KERF_ENERGY_FLOOR;
    mode.energy_more = (kerf_refinement){.per_step = 0};
    mode.floor_J = 4e-3;
    mode.floor_exponent = CAL_FLOOR_EXPONENT;
    random_rows(&t, 5);
    measure(&t, &mode);
    kerf_calibration *c = calibrate(&t, &options);
    assert_true(chosen(c, false)->own.mape < 0.02);
    assert_true(chosen(c, true)->own.mape < 0.02);
    close_to("floor", coefficient(c, "energy/floor"), 4e-3, 0.1);
    close_to("conv", coefficient(c, "latency/per_mac/conv"), 3e-12, 0.05);
    kerf_calibration_destroy(&c);
}

/* A few wild rows do not move a sum of absolute errors. */
static void outliers_are_named_and_do_not_move_the_fit(void **state)
{
    (void)state;
    static table t;
    const kerf_power_mode mode = planted();
    const kerf_calibrate_options options = {.bootstrap = 2};
    random_rows(&t, 7);
    measure(&t, &mode);
    t.rows[20].energy_J *= 2.5;
    t.rows[41].energy_J *= 3;
    kerf_calibration *c = calibrate(&t, &options);
    close_to("bytes", coefficient(c, "energy/per_byte"), 0.3e-9, 5e-3);
    for (size_t i = 0; i < c->n_rows; i++)
        assert_int_equal(c->rows[i].outlier, i == 20 || i == 41);
    kerf_calibration_destroy(&c);
}

/* --- the linear programs --- */

/* Rows of one kernel for the form of MACs and a constant. */
static void two_column_rows(table *t, rng *r, cal_rows *rows, cal_row *list, cal_kernel *kernels)
{
    start(t);
    for (size_t i = 0; i < 6; i++) {
        kerf_measurement *m = add_row(t, (int)i);
        add_layer(m, KERF_CLASS_CONV)->macs = floor(rng_log(r, 1e6, 1e8));
        m->latency_s = rng_log(r, 1e-3, 1e-1);
        kernels[i] = (cal_kernel){kerf_work_of_layer(&m->layers[0], 1), 1};
        list[i] = (cal_row){
            .measurement = m, .group = i, .calls = 1, .kernels = &kernels[i], .n_kernels = 1};
    }
    *rows = (cal_rows){.rows = list, .n = 6, .n_groups = 6, .n_folds = 6};
}

static double sum_of_errors(const cal_rows *rows, double slope, double constant)
{
    double sum = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const kerf_measurement *m = rows->rows[i].measurement;
        sum += fabs((slope * m->layers[0].macs + constant) / m->latency_s - 1);
    }
    return sum;
}

/* An optimum lies where two of the rows, or one and an axis, or both axes meet. */
static double best_of_vertices(const cal_rows *rows)
{
    double best = sum_of_errors(rows, 0, 0);
    for (size_t i = 0; i < rows->n; i++) {
        const kerf_measurement *a = rows->rows[i].measurement;
        best = fmin(best, sum_of_errors(rows, 0, a->latency_s));
        best = fmin(best, sum_of_errors(rows, a->latency_s / a->layers[0].macs, 0));
        for (size_t k = 0; k < i; k++) {
            const kerf_measurement *b = rows->rows[k].measurement;
            const double slope =
                (a->latency_s - b->latency_s) / (a->layers[0].macs - b->layers[0].macs);
            const double constant = a->latency_s - slope * a->layers[0].macs;
            if (slope >= 0 && constant >= 0)
                best = fmin(best, sum_of_errors(rows, slope, constant));
        }
    }
    return best;
}

static void fits_are_optimal(void **state)
{
    (void)state;
    static table t;
    const kerf_calibrate_options options = {.bootstrap = 0};
    rng r = {rng_seed(20261124)};
    for (int round = 0; round < 300; round++) {
        cal_rows rows;
        cal_row list[6];
        cal_kernel kernels[6];
        cal_model model;
        two_column_rows(&t, &r, &rows, list, kernels);
        assert_int_equal(cal_model_create(&cal_forms[1], &rows, &options, &model, NULL, NULL),
                         KERF_OK);
        assert_int_equal(model.n, 2);
        kerf_power_mode mode = model.base;
        assert_int_equal(cal_fit(&model, &rows, NULL, &mode, NULL), KERF_OK);
        const double got = sum_of_errors(&rows, mode.s_per_mac[KERF_CLASS_CONV], mode.partition_s);
        close_to("the sum of errors", got, best_of_vertices(&rows), 1e-7);
    }
}

/* --- folds --- */

static void folds_never_part_a_group(void **state)
{
    (void)state;
    static table t;
    const kerf_power_mode mode = planted();
    random_rows(&t, 9);
    measure(&t, &mode);
    for (size_t folds = 0; folds < 20; folds += 3) {
        const kerf_calibrate_options options = {.bootstrap = 2, .folds = folds, .seed = folds};
        kerf_calibration *c = calibrate(&t, &options);
        assert_int_equal(c->n_groups, 8);
        assert_int_equal(c->n_folds, folds == 3 || folds == 6 ? folds : 8);
        size_t in_fold[20] = {0};
        for (size_t i = 0; i < c->n_rows; i++) {
            assert_true(c->rows[i].fold < c->n_folds);
            in_fold[c->rows[i].fold]++;
            assert_int_equal(c->rows[i].fold, c->rows[i / 7 * 7].fold);
        }
        for (size_t f = 0; f < c->n_folds; f++)
            assert_true(in_fold[f] > 0);
        kerf_calibration_destroy(&c);
    }
}

/* A row is predicted by a fit that has not seen it: changing its figure changes nothing of that. */
static void left_out_rows_are_not_seen(void **state)
{
    (void)state;
    static table t;
    const kerf_power_mode mode = planted();
    const kerf_calibrate_options options = {.bootstrap = 2, .latency_form = "sum"};
    double before[7];
    random_rows(&t, 11);
    measure(&t, &mode);
    kerf_calibration *c = calibrate(&t, &options);
    for (size_t i = 0; i < 7; i++)
        before[i] = c->rows[14 + i].validated_latency_s;
    kerf_calibration_destroy(&c);
    for (size_t i = 0; i < 7; i++)
        t.rows[14 + i].latency_s *= 1.4;
    c = calibrate(&t, &options);
    for (size_t i = 0; i < 7; i++)
        close_to("a left-out prediction", c->rows[14 + i].validated_latency_s, before[i], 1e-12);
    assert_true(fabs(c->rows[0].validated_latency_s / t.rows[0].latency_s - 1) > 1e-9);
    kerf_calibration_destroy(&c);
}

static void the_seed_decides(void **state)
{
    (void)state;
    static table t;
    const kerf_power_mode mode = planted();
    rng r = {3};
    random_rows(&t, 13);
    measure(&t, &mode);
    for (size_t i = 0; i < t.head.n; i++)
        t.rows[i].latency_s *= 0.8 + 0.4 * rng_unit(&r);
    double errors[3];
    for (uint64_t k = 0; k < 3; k++) {
        const kerf_calibrate_options options = {.bootstrap = 20, .seed = k / 2, .folds = 4};
        kerf_calibration *c = calibrate(&t, &options);
        errors[k] = c->coefficients[0].standard_error;
        assert_true(errors[k] > 0);
        kerf_calibration_destroy(&c);
    }
    assert_true(errors[0] >= errors[1] && errors[0] <= errors[1]);
    assert_true(fabs(errors[2] / errors[0] - 1) > 1e-9);
}

/* --- the planner's prices --- */

/* A convolution by its shapes costs what the planner says of the same operator. */
static void layers_and_networks_agree(void **state)
{
    (void)state;
    static const char network[] =
        "{\"format\": \"kerf-network/1\", \"name\": \"n\", \"inputs\": [{\"name\": \"x\", "
        "\"shape\": [1, 6, 30, 20], \"type\": \"float32\"}], \"operators\": [{\"name\": \"c\", "
        "\"type\": \"Conv\", \"inputs\": [\"x\"], \"outputs\": [\"y\"], \"attributes\": "
        "{\"out_channels\": 10, \"kernel_shape\": [3, 3], \"pads\": [1, 1, 1, 1], \"strides\": "
        "[2, 2], \"group\": 2}}, {\"name\": \"p\", \"type\": \"GlobalAveragePool\", \"inputs\": "
        "[\"y\"], \"outputs\": [\"z\"]}], \"outputs\": [\"z\"]}";
    kerf_network *net = NULL;
    kerf_pricer *pricer = NULL;
    layer_text texts[2] = {layer_text_empty, layer_text_empty};
    kerf_power_mode mode = planted();
    mode.latency_more.per_byte[KERF_CLASS_CONV] = 7e-12;
    mode.latency_more.per_weight_byte[KERF_CLASS_CONV] = 9e-12;
    texts[0].cls = KERF_CLASS_CONV;
    memcpy(texts[0].input, (int64_t[]){6, 30, 20}, sizeof texts[0].input);
    memcpy(texts[0].output, (int64_t[]){10, 15, 10}, sizeof texts[0].output);
    memcpy(texts[0].kernel, (int64_t[]){3, 3}, sizeof texts[0].kernel);
    texts[0].groups = 2;
    texts[1].cls = KERF_CLASS_POOL;
    memcpy(texts[1].input, (int64_t[]){10, 15, 10}, sizeof texts[1].input);
    memcpy(texts[1].output, (int64_t[]){10, 1, 1}, sizeof texts[1].output);
    text_file_write(network, NULL, NULL);
    assert_int_equal(kerf_network_load(text_file_path(), NULL, &net, NULL), KERF_OK);
    assert_int_equal(kerf_pricer_create(net, &mode, NULL, &pricer, NULL), KERF_OK);
    assert_int_equal(net->n_groups, 2);
    for (size_t g = 0; g < 2; g++) {
        kerf_layer layer;
        assert_null(layer_complete(&texts[g], 1, &layer));
        const kerf_work work = kerf_work_of_layer(&layer, 1);
        const kerf_cost a = kerf_work_cost(&mode, &work), b = kerf_price_part(pricer, g, 0, 1);
        assert_memory_equal(&a, &b, sizeof a); /* to the last digit */
    }
    kerf_pricer_destroy(&pricer);
    kerf_network_destroy(&net);
}

/* Whole networks, some of their operators: predictions are the planner's prices. */
static void predictions_are_the_planners_prices(void **state)
{
    (void)state;
    static const char *const networks[] = {"alexnet", "resnet18",    "squeezenet", "mobilenetv1",
                                           "vgg16",   "mobilenetv2", "resnet50",   "densenet121"};
    static table t;
    const kerf_power_mode mode = planted();
    start(&t);
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        char path[64];
        kerf_network *net = NULL;
        kerf_pricer *pricer = NULL;
        kerf_measurement *row = add_row(&t, (int)i);
        snprintf(path, sizeof path, "configs/networks/%s.json", networks[i]);
        assert_int_equal(kerf_network_load(path, NULL, &net, NULL), KERF_OK);
        assert_int_equal(kerf_pricer_create(net, &mode, NULL, &pricer, NULL), KERF_OK);
        row->latency_s = mode.partition_s;
        for (size_t g = 0; g < net->n_groups; g++)
            row->latency_s += kerf_price_part(pricer, g, 0, net->groups[g].n_operators).latency_s;
        row->network = strdup(path);
        kerf_pricer_destroy(&pricer);
        kerf_network_destroy(&net);
    }
    t.head.path = (char *)""; /* networks are beside the current folder */
    const kerf_calibrate_options options = {.bootstrap = 2, .latency_form = "sum"};
    kerf_calibration *c = calibrate(&t, &options);
    c->mode.name = (char *)"fitted";
    for (size_t i = 0; i < c->n_rows; i++) {
        kerf_network *net = NULL;
        kerf_pricer *pricer = NULL;
        double price = c->mode.partition_s;
        assert_int_equal(kerf_network_load(t.rows[i].network, NULL, &net, NULL), KERF_OK);
        assert_int_equal(kerf_pricer_create(net, &c->mode, NULL, &pricer, NULL), KERF_OK);
        for (size_t g = 0; g < net->n_groups; g++)
            price += kerf_price_part(pricer, g, 0, net->groups[g].n_operators).latency_s;
        close_to("the prediction", c->rows[i].latency_s, price, 1e-13);
        kerf_pricer_destroy(&pricer);
        kerf_network_destroy(&net);
        free(t.rows[i].network);
    }
    kerf_calibration_destroy(&c);
}

/* --- what is refused --- */

static void refused(const table *t, const kerf_calibrate_options *options, const char *message)
{
    kerf_calibration *c = NULL;
    kerf_error err;
    const kerf_measurements *const tables[] = {&t->head};
    const kerf_status status = kerf_calibrate(tables, 1, options, &c, &err);
    if (status != KERF_E_INVALID || !strstr(err.message, message) || err.message[0] == '\0')
        fail_msg("%d, %s: %s, expected \"%s\"", (int)status, err.where, err.message, message);
    assert_null(c);
}

static void good_rows(table *t)
{
    const kerf_power_mode mode = planted();
    random_rows(t, 17);
    measure(t, &mode);
}

static void tables_that_cannot_be_true_are_refused(void **state)
{
    (void)state;
    static table t;
    const kerf_calibrate_options options = {.bootstrap = 2};
    good_rows(&t);
    t.rows[5].latency_s *= 1000;
    refused(&t, &options, "factor of 1000 off");
    good_rows(&t);
    for (size_t i = 0; i < 20; i++)
        t.rows[i].energy_J *= 1000;
    refused(&t, &options, "energy over latency of 20 of 56 rows is about a factor of 1000 off");
    good_rows(&t);
    for (size_t i = 0; i < t.head.n; i++)
        t.rows[i].energy_J *= 1000;
    refused(&t, &options, "W in the middle, expected the power of a board");
    kerf_calibrate_options other = {.bootstrap = 2, .contradictions = KERF_CONTRADICTIONS_DROP};
    good_rows(&t);
    t.rows[5].latency_s *= 1000;
    kerf_calibration *c = calibrate(&t, &other);
    assert_int_equal(c->n_left_out, 1); /* once, though its power is odd as well */
    assert_ptr_equal(c->left_out[0].measurement, &t.rows[5]);
    assert_int_equal(c->n_rows, 55);
    kerf_calibration_destroy(&c);
    other.contradictions = KERF_CONTRADICTIONS_KEEP;
    c = calibrate(&t, &other);
    assert_true(c->n_left_out == 0 && c->n_rows == 56 && c->n_warnings == 2);
    kerf_calibration_destroy(&c);
    good_rows(&t);
    for (size_t i = 0; i < t.head.n; i++)
        t.rows[i].energy_J = 0;
    refused(&t, &options, "all 56 energies are 0");
    good_rows(&t);
    t.rows[7].energy_J = 0;
    refused(&t, &options, "the energy is 0 (as in 1 of 56 rows)");
    good_rows(&t);
    t.rows[3].board = (char *)"a";
    t.rows[9].board = (char *)"b";
    refused(&t, &options, "of several boards, such as");
    refused(&t, &(kerf_calibrate_options){.board = "c", .bootstrap = 1}, "1 samples");
    good_rows(&t);
    refused(&t, &(kerf_calibrate_options){.latency_form = "classes"},
            "is no form of latency that can be taken");
    const struct kerf_assumed wrong = {"latency/lunch", 1};
    refused(&t, &(kerf_calibrate_options){.assumed = &wrong, .n_assumed = 1}, "is no coefficient");
}

static void contradictions_are_found(void **state)
{
    (void)state;
    static table t;
    kerf_calibrate_options options = {.bootstrap = 2};
    good_rows(&t);
    memcpy(t.layers[30], t.layers[4], sizeof t.layers[4]);
    t.rows[30].n_layers = t.rows[4].n_layers;
    t.rows[30].latency_s = 1.3 * t.rows[4].latency_s;
    t.rows[30].energy_J = t.rows[4].energy_J;
    kerf_calibration *c = calibrate(&t, &options); /* 30 % is noise */
    kerf_calibration_destroy(&c);
    t.rows[30].latency_s = 1.6 * t.rows[4].latency_s;
    refused(&t, &options, "their figures differ by a factor of up to 1.6");
    options.contradictions = KERF_CONTRADICTIONS_DROP;
    c = calibrate(&t, &options);
    assert_int_equal(c->n_left_out, 2);
    assert_int_equal(c->n_rows, 54);
    assert_true(strstr(c->left_out[0].reason, "2 rows run the same") != NULL);
    kerf_calibration_destroy(&c);
    options.contradictions = KERF_CONTRADICTIONS_KEEP;
    c = calibrate(&t, &options);
    assert_int_equal(c->n_left_out, 0);
    assert_int_equal(c->n_warnings, 1);
    kerf_calibration_destroy(&c);
}

static void too_few_rows_are_refused(void **state)
{
    (void)state;
    static table t;
    const kerf_calibrate_options options = {.bootstrap = 2};
    good_rows(&t);
    t.head.n = 9; /* of two groups */
    refused(&t, &options, "needs rows of at least 3 groups, has 2");
    good_rows(&t);
    for (size_t i = 0; i < 4; i++)
        t.rows[i].group = t.names[7 * i][1];
    t.head.n = 4;
    refused(&t, &(kerf_calibrate_options){.latency_form = "sum", .bootstrap = 2},
            "needs at least 5 rows beside the largest fold of 1 for its 4 coefficients, has 3");
    kerf_calibration *c = calibrate(&t, &options); /* simple forms are still fitted */
    assert_true(c->has_latency);
    kerf_calibration_destroy(&c);
    good_rows(&t);
    for (size_t i = 9; i < t.head.n; i++) /* energies of two groups only */
        t.rows[i].energy_J = NAN;
    c = calibrate(&t, &options);
    assert_true(c->has_latency && !c->has_energy);
    assert_int_equal(c->n_warnings, 1);
    assert_string_equal(c->warnings[0],
                        "too few rows of energy: the form \"macs\" needs rows of at "
                        "least 3 groups, has 2; it is not fitted");
    kerf_calibration_destroy(&c);
    refused(&t, &(kerf_calibrate_options){.energy_form = "classes", .bootstrap = 2},
            "too few rows of energy");
}

/* Where every row runs one kernel in one call, a launch cannot be told from a call. */
static void constant_features_are_told(void **state)
{
    (void)state;
    static table t;
    const kerf_power_mode mode = planted();
    const kerf_calibrate_options options = {.bootstrap = 2, .latency_form = "sum"};
    random_rows(&t, 19);
    for (size_t i = 0; i < t.head.n; i++)
        t.rows[i].n_layers = 1;
    measure(&t, &mode);
    kerf_calibration *c = calibrate(&t, &options);
    assert_true(c->n_warnings >= 1);
    assert_string_equal(c->warnings[0],
                        "latency/partition cannot be told from latency/launch: in every row they "
                        "are in the same proportion; it is taken as 0");
    assert_true(c->mode.partition_s == 0);
    kerf_calibration_destroy(&c);
}

static void assumed_coefficients_are_kept(void **state)
{
    (void)state;
    static table t;
    const struct kerf_assumed assumed[] = {{"latency/per_mac/conv+fc", 5e-12},
                                           {"latency/launch", 30e-6}};
    const kerf_calibrate_options options = {
        .bootstrap = 2, .latency_form = "steps", .assumed = assumed, .n_assumed = 2};
    kerf_power_mode mode = planted();
    mode.s_per_mac[KERF_CLASS_CONV] = mode.s_per_mac[KERF_CLASS_FC] = 5e-12;
    mode.launch_s = 30e-6;
    random_rows(&t, 23);
    measure(&t, &mode);
    kerf_calibration *c = calibrate(&t, &options);
    close_to("bytes", coefficient(c, "latency/per_byte"), 50e-12, 5e-3);
    close_to("conv", c->mode.s_per_mac[KERF_CLASS_CONV], 5e-12, 1e-12);
    close_to("launch", c->mode.launch_s, 30e-6, 1e-12);
    for (size_t i = 0; i < c->n_coefficients; i++)
        assert_int_equal(c->coefficients[i].assumed,
                         c->coefficients[i].value >= 29e-6 && c->coefficients[i].value <= 31e-6
                             ? 1
                             : strstr(c->coefficients[i].name, "conv+fc") != NULL);
    kerf_calibration_destroy(&c);
}

static kerf_status calibrate_tortured(void *context, kerf_error *err)
{
    const table *t = context;
    kerf_calibration *c = NULL;
    const kerf_measurements *const tables[] = {&t->head};
    const kerf_calibrate_options options = {
        .bootstrap = 2, .folds = 2, .contradictions = KERF_CONTRADICTIONS_DROP};
    kerf_status status = kerf_calibrate(tables, 1, &options, &c, err);
    if (status == KERF_OK && (c->n_rows == 0 || c->n_coefficients == 0))
        status = torture_wrong(err, "the calibration is incomplete");
    if (status != KERF_OK && c)
        status = torture_wrong(err, "the output was touched");
    kerf_calibration_destroy(&c);
    return status;
}

static void no_memory_is_reported(void **state)
{
    (void)state;
    static table t;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    good_rows(&t);
    for (size_t i = 0; i < 12; i++) /* few rows: every n-th allocation is a run */
        t.rows[i] = t.rows[4 * i];
    t.head.n = 12;
    memcpy(t.layers[4], t.layers[0], sizeof t.layers[0]);
    t.rows[1].n_layers = t.rows[0].n_layers;
    t.rows[1].latency_s = 2 * t.rows[0].latency_s;
    assert_true(torture_run(calibrate_tortured, &t) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_coefficients_are_recovered),
        cmocka_unit_test(planted_maximum_and_floor_are_recovered),
        cmocka_unit_test(outliers_are_named_and_do_not_move_the_fit),
        cmocka_unit_test(fits_are_optimal),
        cmocka_unit_test(folds_never_part_a_group),
        cmocka_unit_test(left_out_rows_are_not_seen),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(layers_and_networks_agree),
        cmocka_unit_test(predictions_are_the_planners_prices),
        cmocka_unit_test(tables_that_cannot_be_true_are_refused),
        cmocka_unit_test(contradictions_are_found),
        cmocka_unit_test(too_few_rows_are_refused),
        cmocka_unit_test(constant_features_are_told),
        cmocka_unit_test(assumed_coefficients_are_kept),
        cmocka_unit_test(no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
