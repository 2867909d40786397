/* The forms that are fitted, and the coefficients that each has for the rows at hand. */
#include "base/error.h"
#include "model/calibrate/calibrate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUPS_PER_CLASS 3 /* fewer groups that run a class cannot carry a figure of its own */

#define BASIC   (CAL_CLASS_MACS | CAL_BYTES | CAL_LAUNCH | CAL_PARTITION)
#define STEPS   (BASIC | CAL_GROUPED | CAL_STEPS)
#define WEIGHTS (STEPS | CAL_WEIGHTS)
#define FULL    (STEPS | CAL_CLASS_WEIGHTS | CAL_CLASS_BYTES)

const cal_form cal_forms[] = {
    {"macs", "MACs", false, CAL_MACS, KERF_LATENCY_SUM, KERF_ENERGY_POWER},
    {"macs-constant", "MACs, constant of a call", false, CAL_MACS | CAL_PARTITION, KERF_LATENCY_SUM,
     KERF_ENERGY_POWER},
    {"macs-bytes", "MACs, bytes, constant", false, CAL_MACS | CAL_BYTES | CAL_PARTITION,
     KERF_LATENCY_SUM, KERF_ENERGY_POWER},
    {"class-macs", "MACs by class, constant", false, CAL_CLASS_MACS | CAL_PARTITION,
     KERF_LATENCY_SUM, KERF_ENERGY_POWER},
    {"layers", "MACs, bytes, launches", false, CAL_MACS | CAL_BYTES | CAL_LAUNCH, KERF_LATENCY_SUM,
     KERF_ENERGY_POWER},
    {"sum", "MACs by class, bytes, launches, constant", false, BASIC, KERF_LATENCY_SUM,
     KERF_ENERGY_POWER},
    {"max", "the larger of MACs by class and bytes, launches, constant", false, BASIC,
     KERF_LATENCY_MAX, KERF_ENERGY_POWER},
    {"steps", "as sum, with reduction lengths and grouped launches", false, STEPS, KERF_LATENCY_SUM,
     KERF_ENERGY_POWER},
    {"weights", "as steps, with weight bytes", false, WEIGHTS, KERF_LATENCY_SUM, KERF_ENERGY_POWER},
    {"full", "as steps, with weight and activation bytes by class", false, FULL, KERF_LATENCY_SUM,
     KERF_ENERGY_POWER},
    {"macs", "MACs", true, CAL_MACS, KERF_LATENCY_SUM, KERF_ENERGY_CLASSES},
    {"power", "a power times the predicted latency", true, CAL_ACTIVE, KERF_LATENCY_SUM,
     KERF_ENERGY_POWER},
    {"macs-constant", "MACs, constant of a call", true, CAL_MACS | CAL_PARTITION, KERF_LATENCY_SUM,
     KERF_ENERGY_CLASSES},
    {"macs-bytes", "MACs, bytes, constant", true, CAL_MACS | CAL_BYTES | CAL_PARTITION,
     KERF_LATENCY_SUM, KERF_ENERGY_CLASSES},
    {"class-macs", "MACs by class, constant", true, CAL_CLASS_MACS | CAL_PARTITION,
     KERF_LATENCY_SUM, KERF_ENERGY_CLASSES},
    {"mac-kernels", "MACs of fully connected layers and of others, kernels, constant", true,
     CAL_SEED_MACS | CAL_KERNELS | CAL_PARTITION, KERF_LATENCY_SUM, KERF_ENERGY_MAC_KERNELS},
    {"classes", "MACs by class, bytes, launches, constant", true, BASIC, KERF_LATENCY_SUM,
     KERF_ENERGY_CLASSES},
    {"moves", "as classes, with bytes that are only moved", true, BASIC | CAL_MOVES,
     KERF_LATENCY_SUM, KERF_ENERGY_CLASSES},
    {"call-floor", "the larger of a call's host floor and its work (for comparison)", true,
     BASIC | CAL_CALL_FLOOR, KERF_LATENCY_SUM, KERF_ENERGY_CLASSES},
    {"floor", "as classes, with a floor for every launch", true, BASIC | CAL_FLOOR,
     KERF_LATENCY_SUM, KERF_ENERGY_FLOOR},
    {"steps", "as classes, with reduction lengths and grouped launches", true, STEPS,
     KERF_LATENCY_SUM, KERF_ENERGY_CLASSES},
    {"weights", "as steps, with weight bytes", true, WEIGHTS, KERF_LATENCY_SUM,
     KERF_ENERGY_CLASSES},
    {"full", "as steps, with weight and activation bytes by class", true, FULL, KERF_LATENCY_SUM,
     KERF_ENERGY_CLASSES},
};
const size_t cal_n_forms = sizeof cal_forms / sizeof *cal_forms;

const char *kerf_fit_form_name(bool energy, size_t index)
{
    for (size_t i = 0; i < cal_n_forms; i++)
        if (cal_forms[i].energy == energy && index-- == 0)
            return cal_forms[i].name;
    return NULL;
}

/* --- which classes have a figure of their own --- */

typedef double work_figure(const kerf_work *work, int cls);

static double macs_of(const kerf_work *work, int cls)
{
    return work->macs[cls];
}

static double weights_of(const kerf_work *work, int cls)
{
    return work->weight_bytes[cls];
}

static double activations_of(const kerf_work *work, int cls)
{
    return (int)work->cls == cls ? work->bytes : 0;
}

static bool row_has(const cal_row *row, work_figure *figure, int cls)
{
    for (size_t k = 0; k < row->n_kernels; k++)
        if (figure(&row->kernels[k].work, cls) > 0)
            return true;
    return false;
}

/* Whether enough groups have the figure for that class. */
static bool carries(const cal_rows *rows, bool energy, work_figure *figure, int cls)
{
    size_t seen[GROUPS_PER_CLASS], n = 0;
    for (size_t i = 0; i < rows->n && n < GROUPS_PER_CLASS; i++) {
        const cal_row *row = &rows->rows[i];
        bool is_new = !isnan(cal_measured(row, energy)) && row_has(row, figure, cls);
        for (size_t k = 0; k < n; k++)
            is_new = is_new && seen[k] != row->group;
        if (is_new)
            seen[n++] = row->group;
    }
    return n == GROUPS_PER_CLASS;
}

/* Appends a class to a joined list. */
static void join(char *list, size_t size, int cls)
{
    const size_t length = strlen(list);
    snprintf(list + length, size - length, "%s%s", length ? "+" : "",
             kerf_class_name((kerf_class)cls));
}

/* --- columns --- */

typedef struct column_builder {
    cal_model *model;
    const cal_rows *rows;
    const kerf_calibrate_options *options;
} column_builder;

static bool is_assumed(const column_builder *b, size_t offset)
{
    for (size_t i = 0; i < b->options->n_assumed; i++) {
        kerf_coefficient given;
        if (!kerf_coefficient_find(b->options->assumed[i].name, &given))
            continue;
        for (size_t k = 0; k < given.n; k++)
            if (given.offsets[k] == offset)
                return true;
    }
    return false;
}

/* Adds the column without the classes that are given; nothing if none is left. */
static void add(column_builder *b, const char *name, const char *classes)
{
    char full[COEFFICIENT_NAME], kept[COEFFICIENT_NAME] = "";
    kerf_coefficient target;
    const char *part = b->model->form->energy ? "energy" : "latency";
    if (classes) {
        for (int c = 0; c < KERF_CLASS_COUNT; c++) {
            const char *cls = kerf_class_name((kerf_class)c);
            const size_t length = strlen(cls);
            const char *at = classes;
            while ((at = strstr(at, cls)) != NULL &&
                   !((at == classes || at[-1] == '+') && (at[length] == '+' || !at[length])))
                at += length;
            snprintf(full, sizeof full, "%s/%s/%s", part, name, cls);
            if (at && kerf_coefficient_find(full, &target) && !is_assumed(b, target.offsets[0]))
                join(kept, sizeof kept, c);
        }
        if (!kept[0])
            return;
    }
    const int length =
        snprintf(full, sizeof full, "%s/%s%s%s", part, name, classes ? "/" : "", kept);
    if (length < 0 || (size_t)length >= sizeof full || !kerf_coefficient_find(full, &target) ||
        (target.n == 1 && is_assumed(b, target.offsets[0])))
        return;
    cal_column *column = &b->model->columns[b->model->n++];
    memcpy(column->name, full, sizeof full);
    column->target = target;
}

/* One column for every class in `own` that enough groups have, and one for all others, which join
 * the first of `kin` that has one. */
static void add_classes(column_builder *b, const char *name, work_figure *figure, const int *own,
                        size_t n_own, bool others)
{
    char lists[4][COEFFICIENT_NAME] = {"", "", "", ""};
    bool has[4] = {false};
    size_t home = n_own; /* where classes without a figure of their own go */
    for (size_t i = 0; i < n_own; i++) {
        has[i] = carries(b->rows, b->model->form->energy, figure, own[i]);
        if (has[i] && (home == n_own || own[i] == KERF_CLASS_POINTWISE))
            home = i;
    }
    if (home == n_own)
        home = 0;
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        size_t list = n_own;
        for (size_t i = 0; i < n_own; i++)
            if (own[i] == c)
                list = has[i] ? i : home;
        if (list == n_own && others)
            list = home;
        if (list < n_own)
            join(lists[list], sizeof lists[list], c);
    }
    for (size_t i = 0; i < n_own; i++)
        if (lists[i][0])
            add(b, name, lists[i]);
}

#define ALL_CLASSES                                                                                \
    "conv+pointwise+depthwise+fc+matmul+recurrent+pool+norm+elementwise+reduce+move+view+other"
#define NOT_FC                                                                                     \
    "conv+pointwise+depthwise+matmul+recurrent+pool+norm+elementwise+reduce+move+view+other"

static void add_terms(column_builder *b)
{
    static const int convolutions[] = {KERF_CLASS_CONV, KERF_CLASS_POINTWISE, KERF_CLASS_DEPTHWISE};
    static const int weighty[] = {KERF_CLASS_CONV, KERF_CLASS_POINTWISE, KERF_CLASS_FC};
    const unsigned terms = b->model->form->terms;
    if (terms & CAL_MACS)
        add(b, "per_mac", ALL_CLASSES);
    /* A fully connected layer's MAC costs what a pointwise convolution's does: what makes it
     * dearer for a single vector is that every weight is fetched for one MAC, and that is in the
     * bytes. */
    if (terms & CAL_CLASS_MACS)
        add_classes(b, "per_mac", macs_of, convolutions, 3, true);
    if (terms & CAL_SEED_MACS) {
        add(b, "per_mac", "fc");
        add(b, "per_mac", NOT_FC);
    }
    if (terms & CAL_KERNELS)
        add(b, "per_kernel", NULL);
    if (terms & CAL_BYTES)
        add(b, "per_byte", NULL);
    if (terms & CAL_LAUNCH)
        add(b, "launch", NULL);
    if (terms & CAL_PARTITION)
        add(b, "partition", NULL);
    if (terms & CAL_GROUPED)
        add(b, "grouped_launch", NULL);
    if (terms & CAL_STEPS)
        add(b, "per_step", NULL);
    if (terms & CAL_WEIGHTS)
        add(b, "more_per_weight_byte", ALL_CLASSES);
    if (terms & CAL_CLASS_WEIGHTS)
        add_classes(b, "more_per_weight_byte", weights_of, weighty, 3, true);
    if (terms & CAL_CLASS_BYTES)
        add_classes(b, "more_per_byte", activations_of, convolutions, 3, false);
    if (terms & CAL_MOVES)
        add(b, "more_per_byte", "move");
    if (terms & (CAL_FLOOR | CAL_CALL_FLOOR))
        add(b, "floor", NULL);
    if (terms & CAL_ACTIVE)
        add(b, "active", NULL);
}

/* --- columns that say nothing --- */

/* Whether column j is in every row the same multiple of column i, or 0 (i == j). */
static kerf_status proportional(const cal_model *model, const cal_rows *rows, size_t i, size_t j,
                                bool *same)
{
    double ratio = NAN;
    *same = true;
    for (size_t r = 0; r < rows->n && *same; r++) {
        kerf_power_mode features;
        if (isnan(cal_measured(&rows->rows[r], model->form->energy)))
            continue;
        cal_features(model, rows, r, NULL, &features);
        const double b = cal_column_feature(&model->columns[j], &features);
        if (i == j) {
            *same = b == 0;
            continue;
        }
        const double a = cal_column_feature(&model->columns[i], &features);
        if (a == 0 && b == 0)
            continue;
        if (a == 0 || (!isnan(ratio) && !(fabs(b / a - ratio) <= 1e-9 * fabs(ratio))))
            *same = false;
        ratio = b / (a == 0 ? 1 : a);
    }
    return KERF_OK;
}

static void remove_column(cal_model *model, size_t j)
{
    memmove(&model->columns[j], &model->columns[j + 1],
            (model->n - j - 1) * sizeof *model->columns);
    model->n--;
}

/* Drops columns that are 0 in every row, and those that a column before them makes up for. */
static kerf_status drop_columns(cal_model *model, const cal_rows *rows,
                                kerf_calibration *calibration, kerf_error *err)
{
    for (size_t j = 0; j < model->n; j++) {
        size_t i = 0;
        bool same = false;
        if ((model->form->terms & CAL_ACTIVE) ||
            strcmp(model->columns[j].name, "energy/floor") == 0)
            return KERF_OK; /* the only column; the last one, which is 0 until there is a floor */
        kerf_status status = proportional(model, rows, j, j, &same);
        if (same) {
            remove_column(model, j--);
            continue;
        }
        for (; i < j && !same && status == KERF_OK; i++)
            status = proportional(model, rows, i, j, &same);
        if (same && status == KERF_OK) {
            status = cal_warn(calibration, err,
                              "%s cannot be told from %s: in every row they are in the same "
                              "proportion; it is taken as 0",
                              model->columns[j].name, model->columns[i - 1].name);
            remove_column(model, j--);
        }
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

kerf_status cal_model_create(const cal_form *form, const cal_rows *rows,
                             const kerf_calibrate_options *options, cal_model *model,
                             kerf_calibration *calibration, kerf_error *err)
{
    *model = (cal_model){.form = form};
    model->base.latency_form = form->latency_form;
    model->base.energy_form = form->energy_form;
    model->base.kernel_quantum = 1;
    model->base.floor_exponent = CAL_FLOOR_EXPONENT;
    for (size_t i = 0; i < options->n_assumed; i++) {
        kerf_coefficient given;
        if (!kerf_coefficient_find(options->assumed[i].name, &given))
            return kerf_fail(err, KERF_E_INVALID, options->assumed[i].name,
                             "is no coefficient, expected one such as \"latency/per_mac/conv\"");
        for (size_t k = 0; k < given.n; k++)
            kerf_coefficient_set(&model->base, given.offsets[k], options->assumed[i].value);
    }
    column_builder b = {model, rows, options};
    add_terms(&b);
    return drop_columns(model, rows, calibration, err);
}
