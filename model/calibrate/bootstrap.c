/* How far the coefficients may be off: the fit is repeated on samples of the groups, drawn with
 * replacement [B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics
 * 7, 1979]. Whole groups are drawn, because their rows are alike. */
#include "base/error.h"
#include "base/memory.h"
#include "model/calibrate/calibrate.h"

#include <math.h>
#include <stdlib.h>

typedef struct bootstrap {
    const cal_model *models[2];
    const cal_rows *rows;
    double *weights; /* of rows */
    double *draws;   /* of groups */
    double *latency_s;
    double *values; /* samples x coefficients */
    size_t n;       /* coefficients of both models */
} bootstrap;

static kerf_status sample(bootstrap *b, uint64_t *state, double *values, kerf_error *err)
{
    const cal_rows *rows = b->rows;
    kerf_power_mode fitted[2];
    kerf_status status = KERF_OK;
    for (size_t g = 0; g < rows->n_groups; g++)
        b->draws[g] = 0;
    for (size_t g = 0; g < rows->n_groups; g++)
        b->draws[cal_random(state) % rows->n_groups] += 1;
    for (size_t i = 0; i < rows->n; i++)
        b->weights[i] = b->draws[rows->rows[i].group];
    for (size_t m = 0; m < 2 && status == KERF_OK; m++) {
        if (!b->models[m])
            continue;
        cal_model model = *b->models[m];
        if (model.latency_s) {
            for (size_t i = 0; i < rows->n && b->models[0]; i++)
                b->latency_s[i] = cal_predict(b->models[0], rows, i, &fitted[0]);
            model.latency_s = b->latency_s;
        }
        fitted[m] = model.base;
        status = cal_fit(&model, rows, b->weights, &fitted[m], err);
        for (size_t j = 0; j < model.n; j++)
            *values++ = kerf_coefficient_get(&fitted[m], model.columns[j].target.offsets[0]);
    }
    return status;
}

/* Means and deviations; correlations into the mode's uncertainty where a coefficient is not 0. */
static void moments(const bootstrap *b, size_t samples, double *means, double *deviations)
{
    for (size_t j = 0; j < b->n; j++) {
        means[j] = deviations[j] = 0;
        for (size_t s = 0; s < samples; s++)
            means[j] += b->values[s * b->n + j] / (double)samples;
        for (size_t s = 0; s < samples; s++) {
            const double away = b->values[s * b->n + j] - means[j];
            deviations[j] += away * away / (double)(samples - 1);
        }
        deviations[j] = sqrt(deviations[j]);
    }
}

static double correlate(const bootstrap *b, size_t samples, const double *means,
                        const double *deviations, size_t i, size_t j)
{
    double sum = 0;
    if (i == j)
        return 1;
    if (deviations[i] == 0 || deviations[j] == 0)
        return 0;
    for (size_t s = 0; s < samples; s++)
        sum += (b->values[s * b->n + i] - means[i]) * (b->values[s * b->n + j] - means[j]);
    sum /= (double)(samples - 1) * deviations[i] * deviations[j];
    /* As a file has it. */
    sum = round(sum * 100) / 100;
    return sum > 1 ? 1 : sum < -1 ? -1 : sum;
}

/* Three digits, as a file has it. */
static double three_digits(double value)
{
    if (value == 0)
        return 0;
    const double scale = pow(10, 2 - floor(log10(value)));
    return round(value * scale) / scale;
}

static kerf_status fill(const bootstrap *b, size_t samples, const double *means,
                        const double *deviations, kerf_calibration *calibration, kerf_error *err)
{
    kerf_uncertainty *u = &calibration->mode.uncertainty;
    size_t index[2 * CAL_MAX_COLUMNS] = {0}, column = 0;
    u->coefficients = kerf_calloc(b->n, sizeof *u->coefficients);
    if (!u->coefficients)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < calibration->n_coefficients; i++) {
        kerf_fit_coefficient *c = &calibration->coefficients[i];
        if (c->assumed)
            continue;
        const size_t j = column++;
        c->standard_error = deviations[j];
        if (c->value == 0)
            continue;
        u->coefficients[u->n].name = kerf_strdup(c->name);
        if (!u->coefficients[u->n].name)
            return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        u->coefficients[u->n].relative = three_digits(fmin(deviations[j] / c->value, 100));
        index[u->n++] = j;
    }
    u->correlation = kerf_calloc(u->n * u->n, sizeof *u->correlation);
    if (!u->correlation)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t i = 0; i < u->n; i++)
        for (size_t j = 0; j < u->n; j++)
            u->correlation[i * u->n + j] = correlate(b, samples, means, deviations,
                                                     index[i > j ? i : j], index[i > j ? j : i]);
    return kerf_uncertainty_factor(u, err);
}

kerf_status cal_bootstrap(const cal_model *latency, const cal_model *energy, const cal_rows *rows,
                          size_t samples, uint64_t seed, kerf_calibration *calibration,
                          kerf_error *err)
{
    bootstrap b = {.models = {latency, energy}, .rows = rows};
    double means[2 * CAL_MAX_COLUMNS] = {0}, deviations[2 * CAL_MAX_COLUMNS] = {0};
    uint64_t state = seed ^ 0x6b657266u; /* not the folds' numbers */
    kerf_status status = KERF_OK;
    b.n = (latency ? latency->n : 0) + (energy ? energy->n : 0);
    b.weights = kerf_calloc(rows->n, sizeof *b.weights);
    b.draws = kerf_calloc(rows->n_groups, sizeof *b.draws);
    b.latency_s = kerf_calloc(rows->n, sizeof *b.latency_s);
    b.values = kerf_calloc(samples, (b.n ? b.n : 1) * sizeof *b.values);
    if (!b.weights || !b.draws || !b.latency_s || !b.values)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (size_t s = 0; s < samples && status == KERF_OK; s++)
        status = sample(&b, &state, b.values + s * b.n, err);
    if (status == KERF_OK && b.n > 0) {
        moments(&b, samples, means, deviations);
        status = fill(&b, samples, means, deviations, calibration, err);
    }
    free(b.weights);
    free(b.draws);
    free(b.latency_s);
    free(b.values);
    return status;
}
