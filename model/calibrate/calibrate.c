/* kerf_calibrate: forms are fitted, validated and compared, one of each is chosen. */
#include "model/calibrate/calibrate.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOTSTRAP_SAMPLES 200
#define NEGLIGIBLE        1e-4 /* in the mean error: worth no coefficient */
#define LEAST_GROUPS      3
#define OUTLIER           0.4 /* and OUTLIER_MEDIANS times the median */
#define OUTLIER_MEDIANS   4
#define FLOAT_BYTES       4
#define MAX_BOOTSTRAP     100000

/* What is at hand while it works. */
typedef struct job {
    const kerf_calibrate_options *options;
    cal_rows rows;
    kerf_calibration *result;
    kerf_error *err;
    cal_model *models;                 /* by form */
    double **predicted;                /* by form and row: validated */
    const cal_model *latency, *energy; /* chosen, NULL: not measured */
    size_t latency_form, energy_form;
    double *latency_s; /* predicted by the chosen latency form, for the power form */
} job;

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

static const char *asked_form(const job *j, bool energy)
{
    return energy ? j->options->energy_form : j->options->latency_form;
}

static kerf_status check_form(bool energy, const char *name, kerf_error *err)
{
    char list[256] = "";
    const char *known;
    for (size_t i = 0; (known = kerf_fit_form_name(energy, i)) != NULL; i++) {
        if (!name || (strcmp(known, name) == 0 && strcmp(name, "call-floor") != 0))
            return KERF_OK;
        if (strcmp(known, "call-floor") == 0)
            continue;
        const size_t length = strlen(list);
        snprintf(list + length, sizeof list - length, "%s%s", length ? ", " : "", known);
    }
    return kerf_fail(err, KERF_E_INVALID, name,
                     "is no form of %s that can be taken, expected one of %s",
                     energy ? "energy" : "latency", list);
}

/* --- whether there is enough to fit --- */

typedef struct amount {
    size_t rows, groups, largest_fold;
} amount;

static kerf_status count_rows(const cal_rows *rows, bool energy, amount *a, kerf_error *err)
{
    size_t *folds = kerf_calloc(rows->n_folds, sizeof *folds);
    bool *groups = kerf_calloc(rows->n_groups, sizeof *groups);
    *a = (amount){0};
    if (folds && groups) {
        for (size_t i = 0; i < rows->n; i++) {
            if (isnan(cal_measured(&rows->rows[i], energy)))
                continue;
            a->rows++;
            a->groups += !groups[rows->rows[i].group];
            groups[rows->rows[i].group] = true;
            const size_t in_fold = ++folds[rows->rows[i].fold];
            a->largest_fold = in_fold > a->largest_fold ? in_fold : a->largest_fold;
        }
    }
    const bool good = folds && groups;
    free(folds);
    free(groups);
    return good ? KERF_OK : no_memory(err);
}

static bool enough(const amount *a, size_t coefficients, char *reason, size_t size)
{
    if (a->groups < LEAST_GROUPS) {
        snprintf(reason, size, "needs rows of at least %d groups, has %zu", LEAST_GROUPS,
                 a->groups);
        return false;
    }
    if (a->rows - a->largest_fold < coefficients + 1) {
        snprintf(reason, size,
                 "needs at least %zu rows beside the largest fold of %zu for its %zu coefficients, "
                 "has %zu",
                 coefficients + 1, a->largest_fold, coefficients, a->rows - a->largest_fold);
        return false;
    }
    return true;
}

/* --- one form --- */

static kerf_status fit_own(job *j, const cal_model *model, kerf_fit_form *form)
{
    double *own = kerf_calloc(j->rows.n, sizeof *own);
    kerf_power_mode mode = model->base;
    kerf_status status = own ? cal_fit(model, &j->rows, NULL, &mode, j->err) : no_memory(j->err);
    for (size_t i = 0; i < j->rows.n && status == KERF_OK; i++)
        own[i] = cal_predict(model, &j->rows, i, &mode);
    if (status == KERF_OK)
        status = cal_errors(&j->rows, form->energy, own, &form->own, j->err);
    free(own);
    return status;
}

static kerf_status try_form(job *j, size_t index, const amount *a)
{
    kerf_fit_form *form = &j->result->forms[index];
    cal_model *model = &j->models[index];
    const bool power = (cal_forms[index].terms & CAL_ACTIVE) != 0;
    form->name = cal_forms[index].name;
    form->description = cal_forms[index].description;
    form->energy = cal_forms[index].energy;
    kerf_status status =
        cal_model_create(&cal_forms[index], &j->rows, j->options, model, NULL, j->err);
    form->n_coefficients = model->n;
    if (status != KERF_OK || !enough(a, model->n, form->reason, sizeof form->reason))
        return status;
    if (power && !j->latency) {
        snprintf(form->reason, sizeof form->reason, "needs latencies beside the energies");
        return KERF_OK;
    }
    model->latency_s = power ? j->latency_s : NULL;
    j->predicted[index] = kerf_calloc(j->rows.n, sizeof **j->predicted);
    if (!j->predicted[index])
        return no_memory(j->err);
    status = cal_validate(model, power ? j->latency : NULL, &j->rows, j->predicted[index], j->err);
    if (status == KERF_OK)
        status = cal_errors(&j->rows, form->energy, j->predicted[index], &form->validated, j->err);
    if (status == KERF_OK)
        status = fit_own(j, model, form);
    form->fitted = status == KERF_OK;
    return status;
}

/* --- the choice --- */

/* A power is what is left where no energy was measured: it is shown beside the others, and taken
 * only where it is asked for. What does not add up over parts cannot be taken at all. */
static bool is_candidate(const job *j, size_t index, bool energy)
{
    return j->result->forms[index].fitted && cal_forms[index].energy == energy &&
           !(cal_forms[index].terms & (CAL_ACTIVE | CAL_CALL_FLOOR));
}

static size_t find_best(const job *j, bool energy)
{
    size_t best = cal_n_forms;
    for (size_t i = 0; i < cal_n_forms; i++) {
        const kerf_fit_form *form = &j->result->forms[i];
        if (is_candidate(j, i, energy) &&
            (best == cal_n_forms || form->validated.mape < j->result->forms[best].validated.mape))
            best = i;
    }
    return best;
}

/* The simplest form that the folds cannot tell from the best, of equally simple ones the better. */
static size_t choose(const job *j, bool energy, size_t best)
{
    size_t chosen = best;
    for (size_t i = 0; i < cal_n_forms; i++) {
        const kerf_fit_form *form = &j->result->forms[i], *so_far = &j->result->forms[chosen];
        if (!is_candidate(j, i, energy) || form->worse > form->worse_error + NEGLIGIBLE)
            continue;
        if (form->n_coefficients < so_far->n_coefficients ||
            (form->n_coefficients == so_far->n_coefficients &&
             form->validated.mape < so_far->validated.mape))
            chosen = i;
    }
    return chosen;
}

static kerf_status fail_unfitted(const job *j, bool energy, const char *asked)
{
    for (size_t i = 0; i < cal_n_forms; i++) {
        const kerf_fit_form *form = &j->result->forms[i];
        if (form->energy == energy && !form->fitted && (!asked || strcmp(asked, form->name) == 0))
            return kerf_fail(j->err, KERF_E_INVALID, NULL, "too few rows of %s: the form \"%s\" %s",
                             energy ? "energy" : "latency", form->name, form->reason);
    }
    return kerf_fail(j->err, KERF_E_INTERNAL, NULL, "no form was fitted");
}

/* All forms of latency or energy; *chosen is cal_n_forms where nothing was measured. */
static kerf_status fit_forms(job *j, bool energy, size_t *chosen)
{
    amount a;
    const char *asked = asked_form(j, energy);
    *chosen = cal_n_forms;
    kerf_status status = count_rows(&j->rows, energy, &a, j->err);
    if (status != KERF_OK || a.rows == 0)
        return status;
    for (size_t i = 0; i < cal_n_forms && status == KERF_OK; i++)
        if (cal_forms[i].energy == energy)
            status = try_form(j, i, &a);
    if (status != KERF_OK)
        return status;
    const size_t best = find_best(j, energy);
    if (best == cal_n_forms)
        return asked ? fail_unfitted(j, energy, asked) : KERF_OK;
    j->result->forms[best].best = true;
    for (size_t i = 0; i < cal_n_forms && status == KERF_OK; i++) {
        kerf_fit_form *form = &j->result->forms[i];
        if (form->energy == energy && form->fitted)
            status = cal_compare(&j->rows, energy, j->predicted[i], j->predicted[best],
                                 &form->worse, &form->worse_error, j->err);
    }
    *chosen = choose(j, energy, best);
    for (size_t i = 0; i < cal_n_forms && asked; i++)
        if (j->result->forms[i].energy == energy && cal_forms[i].energy == energy &&
            strcmp(asked, cal_forms[i].name) == 0)
            *chosen = i;
    if (!j->result->forms[*chosen].fitted)
        return fail_unfitted(j, energy, asked);
    j->result->forms[*chosen].chosen = true;
    return status;
}

/* --- the result --- */

/* The value that a file's text of it stands for. */
static kerf_status as_in_file(double *value, kerf_quantity kind, kerf_error *err)
{
    char text[64];
    return kerf_parse_quantity(kerf_format_quantity(*value, kind, 3, text, sizeof text), kind,
                               value, err);
}

/* Fits the chosen form on all rows, rounds it, and adds its coefficients to the list. */
static kerf_status finish_form(job *j, const cal_model *model)
{
    double values[CAL_MAX_COLUMNS] = {0};
    kerf_calibration *result = j->result;
    kerf_power_mode fitted = model->base;
    kerf_status status = cal_fit(model, &j->rows, NULL, &fitted, j->err);
    for (size_t i = 0; i < model->n && status == KERF_OK; i++) {
        const cal_column *column = &model->columns[i];
        values[i] = kerf_coefficient_get(&fitted, column->target.offsets[0]);
        status = as_in_file(&values[i], column->target.kind, j->err);
        kerf_fit_coefficient *c = &result->coefficients[result->n_coefficients];
        *c = (kerf_fit_coefficient){
            .name = kerf_strdup(column->name), .kind = column->target.kind, .value = values[i]};
        if (!c->name)
            return no_memory(j->err);
        result->n_coefficients++;
    }
    cal_set_coefficients(model, values, &result->mode);
    return status;
}

static kerf_status add_assumed(job *j)
{
    kerf_calibration *result = j->result;
    for (size_t i = 0; i < j->options->n_assumed; i++) {
        const struct kerf_assumed *assumed = &j->options->assumed[i];
        kerf_coefficient target;
        kerf_fit_coefficient *c = &result->coefficients[result->n_coefficients];
        if (!kerf_coefficient_find(assumed->name, &target))
            continue; /* was refused before */
        *c = (kerf_fit_coefficient){.name = kerf_strdup(assumed->name),
                                    .kind = target.kind,
                                    .value = assumed->value,
                                    .assumed = true};
        if (!c->name)
            return no_memory(j->err);
        result->n_coefficients++;
        for (size_t k = 0; k < target.n; k++)
            kerf_coefficient_set(&result->mode, target.offsets[k], assumed->value);
    }
    return KERF_OK;
}

static bool measured_recurrent(const cal_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        for (size_t k = 0; k < rows->rows[i].n_kernels; k++)
            if (rows->rows[i].kernels[k].work.macs[KERF_CLASS_RECURRENT] > 0)
                return true;
    return false;
}

static bool is_assumed(const kerf_calibrate_options *options, const char *name)
{
    for (size_t i = 0; i < options->n_assumed; i++)
        if (strcmp(options->assumed[i].name, name) == 0)
            return true;
    return false;
}

/* Recurrent layers fetch their weights again at every step: four bytes for each MAC. */
static kerf_status assume_recurrent(job *j)
{
    kerf_power_mode *mode = &j->result->mode;
    kerf_status status = KERF_OK;
    if (measured_recurrent(&j->rows))
        return KERF_OK;
    if (j->latency && !is_assumed(j->options, "latency/per_mac/recurrent")) {
        mode->s_per_mac[KERF_CLASS_RECURRENT] =
            mode->s_per_mac[KERF_CLASS_POINTWISE] + FLOAT_BYTES * mode->s_per_byte;
        status = as_in_file(&mode->s_per_mac[KERF_CLASS_RECURRENT], KERF_TIME_PER_MAC, j->err);
    }
    if (j->energy && !is_assumed(j->options, "energy/per_mac/recurrent") && status == KERF_OK) {
        mode->J_per_mac[KERF_CLASS_RECURRENT] =
            mode->J_per_mac[KERF_CLASS_POINTWISE] + FLOAT_BYTES * mode->J_per_byte;
        status = as_in_file(&mode->J_per_mac[KERF_CLASS_RECURRENT], KERF_ENERGY_PER_MAC, j->err);
    }
    return status;
}

static void predict_row(const job *j, size_t i, kerf_fit_row *row)
{
    const cal_row *r = &j->rows.rows[i];
    const kerf_power_mode *mode = &j->result->mode;
    double total = 0;
    *row = (kerf_fit_row){.measurement = r->measurement, .fold = r->fold};
    row->latency_s = r->calls * mode->partition_s;
    row->energy_J = r->calls * mode->partition_J;
    for (size_t k = 0; k < r->n_kernels; k++) {
        const kerf_work *work = &r->kernels[k].work;
        const kerf_cost cost = kerf_work_cost(mode, work);
        const double share = r->kernels[k].count * (j->latency ? cost.latency_s : cost.energy_J);
        row->latency_s += r->kernels[k].count * cost.latency_s;
        row->energy_J += r->kernels[k].count * cost.energy_J;
        row->class_share[work->cls] += share;
        total += share;
    }
    for (int c = 0; c < KERF_CLASS_COUNT && total > 0; c++)
        row->class_share[c] /= total;
    row->latency_s = j->latency ? row->latency_s : NAN;
    row->energy_J = j->energy ? row->energy_J : NAN;
    row->validated_latency_s = j->latency ? j->predicted[j->latency_form][i] : NAN;
    row->validated_energy_J = j->energy ? j->predicted[j->energy_form][i] : NAN;
}

static bool is_outlier(double predicted, double measured, double median)
{
    const double error = fabs(predicted / measured - 1);
    return error > OUTLIER && error > OUTLIER_MEDIANS * median; /* false for NAN */
}

static kerf_status finish_rows(job *j)
{
    kerf_calibration *result = j->result;
    result->rows = kerf_calloc(j->rows.n, sizeof *result->rows);
    if (!result->rows)
        return no_memory(j->err);
    result->n_rows = j->rows.n;
    for (size_t i = 0; i < j->rows.n; i++) {
        kerf_fit_row *row = &result->rows[i];
        predict_row(j, i, row);
        row->outlier =
            is_outlier(row->validated_latency_s, row->measurement->latency_s,
                       j->latency ? result->forms[j->latency_form].validated.median : 0) ||
            is_outlier(row->validated_energy_J, row->measurement->energy_J,
                       j->energy ? result->forms[j->energy_form].validated.median : 0);
    }
    return KERF_OK;
}

static kerf_status finish(job *j)
{
    kerf_calibration *result = j->result;
    kerf_status status = KERF_OK;
    const size_t samples = j->options->bootstrap ? j->options->bootstrap : BOOTSTRAP_SAMPLES;
    result->mode.kernel_quantum = 1;
    result->mode.floor_exponent = CAL_FLOOR_EXPONENT;
    result->has_latency = j->latency != NULL;
    result->has_energy = j->energy != NULL;
    result->n_groups = j->rows.n_groups;
    result->n_folds = j->rows.n_folds;
    result->coefficients = kerf_calloc((size_t)2 * CAL_MAX_COLUMNS + j->options->n_assumed,
                                       sizeof *result->coefficients);
    if (!result->coefficients)
        return no_memory(j->err);
    if (j->latency) {
        result->mode.latency_form = j->latency->form->latency_form;
        status = finish_form(j, j->latency);
    }
    if (j->energy && status == KERF_OK) {
        result->mode.energy_form = j->energy->form->energy_form;
        status = finish_form(j, j->energy);
    }
    if (status == KERF_OK)
        status = add_assumed(j);
    if (status == KERF_OK)
        status = assume_recurrent(j);
    if (j->energy && result->mode.energy_form == KERF_ENERGY_POWER)
        result->mode.partition_J = result->mode.active_W * result->mode.partition_s;
    if (status == KERF_OK)
        status = finish_rows(j);
    if (status == KERF_OK)
        status = cal_bootstrap(j->latency, j->energy, &j->rows, samples, j->options->seed, result,
                               j->err);
    kerf_uncertainty *u = &result->mode.uncertainty;
    u->latency_residual = j->latency ? result->forms[j->latency_form].validated.deviation : 0;
    u->energy_residual = j->energy ? result->forms[j->energy_form].validated.deviation : 0;
    return status;
}

/* --- the whole --- */

/* What the chosen form of a kind could not tell apart is said; the others stay silent. */
static kerf_status warn_of_columns(job *j, size_t chosen)
{
    cal_model model;
    if (chosen == cal_n_forms)
        return KERF_OK;
    return cal_model_create(&cal_forms[chosen], &j->rows, j->options, &model, j->result, j->err);
}

/* Where every row runs the same, or a multiple of it, no form has more than one coefficient. */
static kerf_status warn_of_sameness(job *j, bool energy, size_t chosen)
{
    size_t most = 0;
    if (chosen == cal_n_forms)
        return KERF_OK;
    for (size_t i = 0; i < cal_n_forms; i++)
        if (cal_forms[i].energy == energy && !(cal_forms[i].terms & (CAL_FLOOR | CAL_CALL_FLOOR)))
            most = j->models[i].n > most ? j->models[i].n : most;
    if (most > 1)
        return KERF_OK;
    return cal_warn(j->result, j->err,
                    "every row of %s runs the same or multiples of it: what makes it up cannot be "
                    "told, and other work is predicted by one figure; measure different work",
                    energy ? "energy" : "latency");
}

static kerf_status choose_latency(job *j)
{
    kerf_status status = fit_forms(j, false, &j->latency_form);
    if (status != KERF_OK || j->latency_form == cal_n_forms)
        return status;
    j->latency = &j->models[j->latency_form];
    kerf_power_mode mode = j->latency->base;
    status = cal_fit(j->latency, &j->rows, NULL, &mode, j->err);
    for (size_t i = 0; i < j->rows.n && status == KERF_OK; i++)
        j->latency_s[i] = cal_predict(j->latency, &j->rows, i, &mode);
    return status;
}

/* Where there is too little of one kind, the other is still fitted. */
static kerf_status check_fitted(job *j)
{
    for (int energy = 0; energy < 2; energy++) {
        kerf_error why = {0};
        amount a;
        kerf_status status = count_rows(&j->rows, energy, &a, j->err);
        if (status != KERF_OK)
            return status;
        if (a.rows == 0 || (energy ? j->energy : j->latency) != NULL)
            continue;
        if (!(energy ? j->latency : j->energy))
            return fail_unfitted(j, energy, NULL);
        job silent = *j;
        silent.err = &why;
        fail_unfitted(&silent, energy, NULL);
        status = cal_warn(j->result, j->err, "%s; it is not fitted", why.message);
        if (status != KERF_OK)
            return status;
    }
    return KERF_OK;
}

static kerf_status run(job *j)
{
    kerf_calibration *result = j->result;
    j->models = kerf_calloc(cal_n_forms, sizeof *j->models);
    j->predicted = kerf_calloc(cal_n_forms, sizeof *j->predicted);
    j->latency_s = kerf_calloc(j->rows.n, sizeof *j->latency_s);
    result->forms = kerf_calloc(cal_n_forms, sizeof *result->forms);
    if (!j->models || !j->predicted || !j->latency_s || !result->forms)
        return no_memory(j->err);
    result->n_forms = cal_n_forms;
    for (size_t i = 0; i < cal_n_forms; i++) {
        result->forms[i].name = cal_forms[i].name;
        result->forms[i].description = cal_forms[i].description;
        result->forms[i].energy = cal_forms[i].energy;
        snprintf(result->forms[i].reason, sizeof result->forms[i].reason, "not measured");
    }
    kerf_status status = choose_latency(j);
    if (status == KERF_OK)
        status = fit_forms(j, true, &j->energy_form);
    if (status == KERF_OK && j->energy_form != cal_n_forms)
        j->energy = &j->models[j->energy_form];
    if (status == KERF_OK)
        status = check_fitted(j);
    if (status == KERF_OK)
        status = warn_of_columns(j, j->latency_form);
    if (status == KERF_OK)
        status = warn_of_columns(j, j->energy_form);
    if (status == KERF_OK)
        status = warn_of_sameness(j, false, j->latency_form);
    if (status == KERF_OK)
        status = warn_of_sameness(j, true, j->energy_form);
    return status == KERF_OK ? finish(j) : status;
}

static void job_clear(job *j)
{
    for (size_t i = 0; j->predicted && i < cal_n_forms; i++)
        free(j->predicted[i]);
    free(j->predicted);
    free(j->models);
    free(j->latency_s);
    cal_rows_clear(&j->rows);
}

kerf_status kerf_calibrate(const kerf_measurements *const *tables, size_t n_tables,
                           const kerf_calibrate_options *options, kerf_calibration **calibration,
                           kerf_error *err)
{
    static const kerf_calibrate_options defaults;
    job j = {.options = options ? options : &defaults, .err = err};
    kerf_error_clear(err);
    if (j.options->bootstrap == 1 || j.options->bootstrap > MAX_BOOTSTRAP)
        return kerf_fail(err, KERF_E_INVALID, NULL, "%zu samples, expected 2 to %d",
                         j.options->bootstrap, MAX_BOOTSTRAP);
    kerf_status status = check_form(false, j.options->latency_form, err);
    if (status == KERF_OK)
        status = check_form(true, j.options->energy_form, err);
    if (status != KERF_OK)
        return status;
    j.result = kerf_calloc(1, sizeof *j.result);
    if (!j.result)
        return no_memory(err);
    status = cal_rows_create(tables, n_tables, j.options, &j.rows, err);
    if (status == KERF_OK)
        status = cal_check_contradictions(&j.rows, j.options->contradictions, j.result, err);
    if (status == KERF_OK)
        status = cal_check_units(&j.rows, j.options->contradictions, j.result, err);
    if (status == KERF_OK)
        status = cal_rows_fold(&j.rows, j.options->folds, j.options->seed, err);
    if (status == KERF_OK)
        status = run(&j);
    job_clear(&j);
    if (status == KERF_OK)
        *calibration = j.result;
    else
        kerf_calibration_destroy(&j.result);
    return status;
}

void kerf_calibration_destroy(kerf_calibration **calibration)
{
    if (!calibration || !*calibration)
        return;
    kerf_calibration *c = *calibration;
    for (size_t i = 0; i < c->n_coefficients; i++)
        free(c->coefficients[i].name);
    for (size_t i = 0; i < c->n_warnings; i++)
        free(c->warnings[i]);
    kerf_uncertainty_clear(&c->mode.uncertainty);
    free(c->coefficients);
    free(c->warnings);
    free(c->forms);
    free(c->rows);
    free(c->left_out);
    free(c);
    *calibration = NULL;
}
