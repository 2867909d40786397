/* Coefficients x >= 0 with the least sum of w_i |sum_j b_ij x_j - r_i|, where b_ij are features
 * over the measured figure and r_i is 1 less what the given coefficients make up.
 *
 * That is a linear program [A. Charnes, W. W. Cooper, R. O. Ferguson, "Optimal estimation of
 * executive compensation by linear programming", Management Science 1, 1955]. Its dual is solved,
 * which has a row per coefficient instead of per measurement:
 *
 *     maximise sum_i r_i u_i   subject to   sum_i b_ij u_i <= 0,   -w_i <= u_i <= w_i
 *
 * and x are its multipliers. */
#include "base/error.h"
#include "base/lp.h"
#include "base/memory.h"
#include "model/calibrate/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OUTER_ITERATIONS 12

/* Rows that count, laid out for the dual. */
typedef struct design {
    size_t n;       /* rows */
    size_t *row;    /* of cal_rows */
    double *matrix; /* columns x rows */
    double *cost, *low, *high;
    double *row_low, *row_high, *multipliers;
    double scale[CAL_MAX_COLUMNS];
} design;

static void clear(design *d)
{
    free(d->row);
    free(d->matrix);
    free(d->cost);
    free(d->low);
    free(d->high);
    free(d->row_low);
    free(d->row_high);
    free(d->multipliers);
}

static kerf_status create(const cal_model *model, const cal_rows *rows, const double *weights,
                          design *d, kerf_error *err)
{
    *d = (design){0};
    d->row = kerf_calloc(rows->n, sizeof *d->row);
    if (!d->row)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < rows->n; i++)
        if ((!weights || weights[i] > 0) && cal_measured(&rows->rows[i], model->form->energy) > 0)
            d->row[d->n++] = i;
    d->matrix = kerf_calloc(model->n * (d->n ? d->n : 1), sizeof *d->matrix);
    d->cost = kerf_calloc(d->n, sizeof *d->cost);
    d->low = kerf_calloc(d->n, sizeof *d->low);
    d->high = kerf_calloc(d->n, sizeof *d->high);
    d->row_low = kerf_calloc(model->n, sizeof *d->row_low);
    d->row_high = kerf_calloc(model->n, sizeof *d->row_high);
    d->multipliers = kerf_calloc(model->n, sizeof *d->multipliers);
    if (!d->matrix || !d->cost || !d->low || !d->high || !d->row_low || !d->row_high ||
        !d->multipliers)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t k = 0; k < d->n; k++) {
        d->high[k] = weights ? weights[d->row[k]] : 1;
        d->low[k] = -d->high[k];
    }
    for (size_t j = 0; j < model->n; j++)
        d->row_low[j] = -INFINITY;
    return KERF_OK;
}

/* sum over places of features * coefficients, of those that are given. */
static double given_part(const cal_model *model, const kerf_power_mode *features)
{
    kerf_power_mode rest = model->base;
    for (size_t j = 0; j < model->n; j++)
        for (size_t k = 0; k < model->columns[j].target.n; k++)
            kerf_coefficient_set(&rest, model->columns[j].target.offsets[k], 0);
    double sum = 0;
    const bool energy = model->form->energy;
    for (int c = 0; c < KERF_CLASS_COUNT; c++) {
        sum += energy ? rest.J_per_mac[c] * features->J_per_mac[c]
                      : rest.s_per_mac[c] * features->s_per_mac[c];
        const kerf_refinement *x = energy ? &rest.energy_more : &rest.latency_more;
        const kerf_refinement *f = energy ? &features->energy_more : &features->latency_more;
        sum += x->per_byte[c] * f->per_byte[c] + x->per_weight_byte[c] * f->per_weight_byte[c];
        if (c == 0)
            sum += x->per_step * f->per_step + x->grouped_launch * f->grouped_launch;
    }
    if (energy)
        return sum + rest.J_per_byte * features->J_per_byte + rest.launch_J * features->launch_J +
               rest.partition_J * features->partition_J +
               rest.J_per_kernel * features->J_per_kernel + rest.floor_J * features->floor_J +
               rest.active_W * features->active_W;
    return sum + rest.s_per_byte * features->s_per_byte + rest.launch_s * features->launch_s +
           rest.partition_s * features->partition_s;
}

/* Features at the coefficients of `at`; columns are scaled to at most 1. */
static void fill(const cal_model *model, const cal_rows *rows, const kerf_power_mode *at, design *d)
{
    for (size_t j = 0; j < model->n; j++)
        d->scale[j] = 0;
    for (size_t k = 0; k < d->n; k++) {
        kerf_power_mode features;
        const double measured = cal_measured(&rows->rows[d->row[k]], model->form->energy);
        cal_features(model, rows, d->row[k], at, &features);
        d->cost[k] = -(1 - given_part(model, &features) / measured);
        for (size_t j = 0; j < model->n; j++) {
            const double entry = cal_column_feature(&model->columns[j], &features) / measured;
            d->matrix[j * d->n + k] = entry;
            d->scale[j] = entry > d->scale[j] ? entry : d->scale[j];
        }
    }
    for (size_t j = 0; j < model->n; j++)
        for (size_t k = 0; k < d->n && d->scale[j] > 0; k++)
            d->matrix[j * d->n + k] /= d->scale[j];
}

static kerf_status solve(const cal_model *model, design *d, double *x, kerf_error *err)
{
    const kerf_lp lp = {.rows = model->n,
                        .columns = d->n,
                        .matrix = d->matrix,
                        .cost = d->cost,
                        .row_low = d->row_low,
                        .row_high = d->row_high,
                        .low = d->low,
                        .high = d->high};
    kerf_status status = kerf_lp_solve(&lp, NULL, d->multipliers, err);
    for (size_t j = 0; j < model->n && status == KERF_OK; j++) {
        const double value = d->scale[j] > 0 ? -d->multipliers[j] / d->scale[j] : 0;
        x[j] = value > 0 ? value : 0;
    }
    return status;
}

void cal_set_coefficients(const cal_model *model, const double *values, kerf_power_mode *mode)
{
    for (size_t j = 0; j < model->n; j++)
        for (size_t k = 0; k < model->columns[j].target.n; k++)
            kerf_coefficient_set(mode, model->columns[j].target.offsets[k], values[j]);
    if (model->form->energy && model->form->energy_form == KERF_ENERGY_POWER)
        mode->partition_J = mode->active_W * mode->partition_s;
}

static double objective(const cal_model *model, const cal_rows *rows, const design *d,
                        const kerf_power_mode *mode)
{
    double sum = 0;
    for (size_t k = 0; k < d->n; k++) {
        const double measured = cal_measured(&rows->rows[d->row[k]], model->form->energy);
        sum += d->high[k] * fabs(cal_predict(model, rows, d->row[k], mode) / measured - 1);
    }
    return sum;
}

static bool is_linear(const cal_form *form)
{
    if (form->terms & CAL_CALL_FLOOR)
        return false;
    return form->energy ? form->energy_form != KERF_ENERGY_FLOOR
                        : form->latency_form != KERF_LATENCY_MAX;
}

/* A floor of 0 would stay 0: half of what a kernel costs is a start. */
static void start_floor(const cal_model *model, const cal_rows *rows, const design *d, double *x)
{
    double energy = 0, kernels = 0;
    for (size_t k = 0; k < d->n; k++) {
        const cal_row *row = &rows->rows[d->row[k]];
        energy += cal_measured(row, model->form->energy);
        for (size_t i = 0; i < row->n_kernels; i++)
            kernels += row->kernels[i].count;
    }
    for (size_t j = 0; j < model->n && kernels > 0; j++)
        if (strcmp(model->columns[j].name, "energy/floor") == 0)
            x[j] = energy / kernels / 2;
}

/* The form at its present coefficients is linear and exact there, so that a few programs lead to
 * where none of them improves; each step is halved with the one before, lest they swing. */
static kerf_status iterate(const cal_model *model, const cal_rows *rows, design *d, double *x,
                           kerf_error *err)
{
    double best[CAL_MAX_COLUMNS], best_value = INFINITY, next[CAL_MAX_COLUMNS] = {0};
    kerf_power_mode at = model->base;
    kerf_status status = KERF_OK;
    memcpy(best, x, sizeof best);
    start_floor(model, rows, d, x);
    for (size_t step = 0; step < OUTER_ITERATIONS && status == KERF_OK; step++) {
        cal_set_coefficients(model, x, &at);
        const double value = objective(model, rows, d, &at);
        if (value < best_value) {
            best_value = value;
            memcpy(best, x, sizeof best);
        }
        fill(model, rows, &at, d);
        status = solve(model, d, next, err);
        for (size_t j = 0; j < model->n; j++)
            x[j] = step == 0 ? next[j] : (x[j] + next[j]) / 2;
    }
    memcpy(x, best, sizeof best);
    return status;
}

kerf_status cal_fit(const cal_model *model, const cal_rows *rows, const double *weights,
                    kerf_power_mode *mode, kerf_error *err)
{
    design d;
    double x[CAL_MAX_COLUMNS] = {0};
    kerf_status status = create(model, rows, weights, &d, err);
    if (status == KERF_OK && d.n > 0 && model->n > 0) {
        fill(model, rows, NULL, &d);
        status = solve(model, &d, x, err);
        if (status == KERF_OK && !is_linear(model->form))
            status = iterate(model, rows, &d, x, err);
    }
    clear(&d);
    if (status == KERF_OK)
        cal_set_coefficients(model, x, mode);
    return status;
}
