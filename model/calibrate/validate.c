/* How well a form predicts what it was not fitted on. */
#include "base/error.h"
#include "base/memory.h"
#include "model/calibrate/calibrate.h"

#include <math.h>
#include <stdlib.h>

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

/* --- errors --- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct ranked {
    double value;
    double rank;
    size_t index;
} ranked;

static int by_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static int by_index(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* Ranks from 1; equal values share the mean of theirs. */
static void rank(ranked *list, size_t n)
{
    qsort(list, n, sizeof *list, by_ranked);
    for (size_t first = 0, last = 0; first < n; first = last) {
        for (last = first + 1; last < n && list[last].value == list[first].value;)
            last++;
        for (size_t i = first; i < last; i++)
            list[i].rank = (double)(first + last + 1) / 2;
    }
    qsort(list, n, sizeof *list, by_index);
}

static double correlation(const ranked *a, const ranked *b, size_t n)
{
    const double mean = ((double)n + 1) / 2;
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (a[i].rank - mean) * (b[i].rank - mean);
        aa += (a[i].rank - mean) * (a[i].rank - mean);
        bb += (b[i].rank - mean) * (b[i].rank - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* Pairs of a measured and a predicted figure, those that are both there. */
typedef struct pairs {
    ranked *measured, *predicted;
    double *errors;
    size_t n;
} pairs;

static bool make_pairs(const cal_rows *rows, bool energy, const double *predicted, pairs *p)
{
    p->measured = kerf_calloc(rows->n, sizeof *p->measured);
    p->predicted = kerf_calloc(rows->n, sizeof *p->predicted);
    p->errors = kerf_calloc(rows->n, sizeof *p->errors);
    p->n = 0;
    if (!p->measured || !p->predicted || !p->errors)
        return false;
    for (size_t i = 0; i < rows->n; i++) {
        const double figure = cal_measured(&rows->rows[i], energy);
        if (isnan(figure) || isnan(predicted[i]))
            continue;
        p->measured[p->n] = (ranked){figure, 0, p->n};
        p->predicted[p->n] = (ranked){predicted[i], 0, p->n};
        p->errors[p->n++] = fabs(predicted[i] / figure - 1);
    }
    return true;
}

static void count_errors(pairs *p, kerf_fit_errors *e)
{
    double mean = 0, rest = 0, all = 0, ratio = 0;
    size_t n_ratios = 0;
    *e = (kerf_fit_errors){0};
    if (p->n == 0)
        return;
    for (size_t i = 0; i < p->n; i++)
        mean += p->measured[i].value / (double)p->n;
    for (size_t i = 0; i < p->n; i++) {
        const double m = p->measured[i].value, q = p->predicted[i].value;
        e->mape += p->errors[i] / (double)p->n;
        rest += (q - m) * (q - m);
        all += (m - mean) * (m - mean);
        if (q > 0) {
            ratio += (m / q - 1) * (m / q - 1);
            n_ratios++;
        }
    }
    e->r2 = all > 0 ? 1 - rest / all : 0;
    e->deviation = n_ratios > 0 ? sqrt(ratio / (double)n_ratios) : 0;
    rank(p->measured, p->n);
    rank(p->predicted, p->n);
    e->spearman = correlation(p->measured, p->predicted, p->n);
    qsort(p->errors, p->n, sizeof *p->errors, by_value);
    e->median =
        p->n % 2 ? p->errors[p->n / 2] : (p->errors[p->n / 2 - 1] + p->errors[p->n / 2]) / 2;
}

kerf_status cal_errors(const cal_rows *rows, bool energy, const double *predicted,
                       kerf_fit_errors *errors, kerf_error *err)
{
    pairs p = {0};
    const bool made = make_pairs(rows, energy, predicted, &p);
    if (made)
        count_errors(&p, errors);
    free(p.measured);
    free(p.predicted);
    free(p.errors);
    return made ? KERF_OK : no_memory(err);
}

/* --- folds --- */

/* The power form multiplies what the latency form, fitted on the same rows, predicts. */
static kerf_status predict_latency(const cal_model *latency, const cal_rows *rows,
                                   const double *weights, double *predicted, kerf_error *err)
{
    kerf_power_mode mode = latency->base;
    kerf_status status = cal_fit(latency, rows, weights, &mode, err);
    for (size_t i = 0; i < rows->n && status == KERF_OK; i++)
        predicted[i] = cal_predict(latency, rows, i, &mode);
    return status;
}

kerf_status cal_validate(const cal_model *model, const cal_model *latency, const cal_rows *rows,
                         double *predicted, kerf_error *err)
{
    double *weights = kerf_calloc(rows->n, sizeof *weights);
    double *latency_s = kerf_calloc(rows->n, sizeof *latency_s);
    kerf_status status = weights && latency_s ? KERF_OK : no_memory(err);
    cal_model fold_model = *model;
    for (size_t f = 0; f < rows->n_folds && status == KERF_OK; f++) {
        for (size_t i = 0; i < rows->n; i++)
            weights[i] = rows->rows[i].fold == f ? 0 : 1;
        if (latency) {
            status = predict_latency(latency, rows, weights, latency_s, err);
            fold_model.latency_s = latency_s;
        }
        kerf_power_mode mode = fold_model.base;
        if (status == KERF_OK)
            status = cal_fit(&fold_model, rows, weights, &mode, err);
        for (size_t i = 0; i < rows->n && status == KERF_OK; i++)
            if (rows->rows[i].fold == f)
                predicted[i] = cal_predict(&fold_model, rows, i, &mode);
    }
    free(weights);
    free(latency_s);
    return status;
}

kerf_status cal_compare(const cal_rows *rows, bool energy, const double *predicted,
                        const double *best, double *worse, double *worse_error, kerf_error *err)
{
    double *sums = kerf_calloc(rows->n_groups, sizeof *sums);
    double total = 0, squares = 0;
    size_t n = 0;
    if (!sums)
        return no_memory(err);
    for (size_t i = 0; i < rows->n; i++) {
        const double figure = cal_measured(&rows->rows[i], energy);
        if (isnan(figure))
            continue;
        const double difference = fabs(predicted[i] / figure - 1) - fabs(best[i] / figure - 1);
        sums[rows->rows[i].group] += difference;
        total += difference;
        n++;
    }
    const double groups = (double)rows->n_groups;
    for (size_t g = 0; g < rows->n_groups; g++)
        squares += (sums[g] - total / groups) * (sums[g] - total / groups);
    *worse = total / (double)n;
    *worse_error = groups > 1 ? sqrt(squares * groups / (groups - 1)) / (double)n : 0;
    free(sums);
    return KERF_OK;
}
