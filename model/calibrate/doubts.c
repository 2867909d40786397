/* Rows that cannot all be true: figures a thousand times what the others imply, and the same
 * kernels with different figures. */
#include "base/error.h"
#include "base/memory.h"
#include "model/calibrate/calibrate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTRADICTION 1.5 /* the same kernels never differ by that factor between two runs */
#define THOUSANDFOLD  316.0
#define LEAST_RATIOS  3    /* fewer have no middle */
#define LEAST_POWER   0.05 /* W: of any board that computes */
#define MOST_POWER    5000.0

kerf_status cal_warn(kerf_calibration *calibration, kerf_error *err, const char *format, ...)
{
    char text[512];
    if (!calibration)
        return KERF_OK;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < calibration->n_warnings; i++)
        if (strcmp(calibration->warnings[i], text) == 0)
            return KERF_OK;
    char **grown =
        kerf_realloc_array(calibration->warnings, calibration->n_warnings + 1, sizeof *grown);
    if (grown)
        calibration->warnings = grown;
    char *copy = grown ? kerf_strdup(text) : NULL;
    if (!copy)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    calibration->warnings[calibration->n_warnings++] = copy;
    return KERF_OK;
}

static const char *label(const cal_row *row, char *buffer, size_t size)
{
    if (row->measurement->name[0])
        snprintf(buffer, size, "%.120s", row->measurement->name);
    else
        snprintf(buffer, size, "row %zu", row->measurement->line);
    return buffer;
}

/* --- rows that are left out --- */

/* Lists a row that is left out. */
static kerf_status leave_out(kerf_calibration *calibration, const cal_row *row, const char *reason,
                             kerf_error *err)
{
    kerf_fit_left_out *grown =
        kerf_realloc_array(calibration->left_out, calibration->n_left_out + 1, sizeof *grown);
    if (!grown)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    calibration->left_out = grown;
    kerf_fit_left_out *entry = &grown[calibration->n_left_out++];
    entry->measurement = row->measurement;
    snprintf(entry->reason, sizeof entry->reason, "%s", reason);
    return KERF_OK;
}

/* Groups that have no rows any more go. */
static void renumber_groups(cal_rows *rows)
{
    size_t next = 0;
    for (size_t g = 0; g < rows->n_groups; g++) {
        bool used = false;
        for (size_t i = 0; i < rows->n; i++) {
            if (rows->rows[i].group == g) {
                rows->rows[i].group = next;
                used = true;
            }
        }
        if (used)
            rows->groups[next++] = rows->groups[g];
    }
    rows->n_groups = next;
}

static kerf_status drop(cal_rows *rows, const bool *dropped, kerf_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (dropped[i])
            free(rows->rows[i].kernels);
        else
            rows->rows[kept++] = rows->rows[i];
    }
    rows->n = kept;
    renumber_groups(rows);
    return kept > 0 ? KERF_OK
                    : kerf_fail(err, KERF_E_INVALID, NULL, "no row is left that can be true");
}

/* --- units --- */

/* A rough cost on any board, in units of its own: a MAC of a convolution is 1, a byte 25, a launch
 * and a call what makes a small network latency-bound. */
static double rough(const cal_row *row)
{
    double cost = 5e7 * row->calls;
    for (size_t k = 0; k < row->n_kernels; k++) {
        const kerf_work *work = &row->kernels[k].work;
        double one = 5e6 + 25 * work->bytes;
        for (int c = 0; c < KERF_CLASS_COUNT; c++)
            one += work->macs[c] + 25 * work->weight_bytes[c];
        cost += one * row->kernels[k].count;
    }
    return cost;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(const double *values, size_t n, double *scratch)
{
    memcpy(scratch, values, n * sizeof *scratch);
    qsort(scratch, n, sizeof *scratch, by_value);
    return n % 2 ? scratch[n / 2] : (scratch[n / 2 - 1] + scratch[n / 2]) / 2;
}

/* A thousand, give or take what differs between boards and kernels; or more. */
static bool thousandfold(double ratio)
{
    return ratio > THOUSANDFOLD || ratio < 1 / THOUSANDFOLD;
}

/* One kind of ratio over all rows that have it. */
typedef struct unit_check {
    const char *what; /* "latency" */
    const char *than; /* "what the other rows imply" */
    const char *hint;
} unit_check;

static const unit_check unit_checks[] = {
    {"latency", "what the other rows imply", "is it in ms where s was said, or the reverse?"},
    {"energy", "what the other rows imply", "is it in mJ where J was said, or the reverse?"},
    {"energy over latency", "that of the other rows", "is one of the two in other units?"},
};

/* Ratios of the rows that have both figures. */
typedef struct ratio_list {
    double *ratios, *scratch;
    size_t *index; /* of the row */
    size_t n;
    double median;
} ratio_list;

static kerf_status report_units(const cal_rows *rows, const ratio_list *list, size_t first,
                                size_t bad, const unit_check *check, kerf_contradictions what,
                                kerf_calibration *calibration, kerf_error *err)
{
    char name[160];
    const cal_row *row = &rows->rows[list->index[first]];
    const double ratio = list->ratios[first] / list->median;
    if (what == KERF_CONTRADICTIONS_KEEP)
        return cal_warn(calibration, err,
                        "the %s of %zu of %zu rows, such as %s, is about a factor of 1000 off %s",
                        check->what, bad, list->n, label(row, name, sizeof name), check->than);
    kerf_fail(err, KERF_E_INVALID, label(row, name, sizeof name),
              "the %s of %zu of %zu rows is about a factor of 1000 off %s (here %.0f times); "
              "expected one unit: %s",
              check->what, bad, list->n, check->than, ratio > 1 ? ratio : 1 / ratio, check->hint);
    kerf_error_source(err, row->table);
    return KERF_E_INVALID;
}

static kerf_status check_ratios(cal_rows *rows, const ratio_list *list, const unit_check *check,
                                kerf_contradictions what, bool *dropped,
                                kerf_calibration *calibration, kerf_error *err)
{
    size_t bad = 0, first = list->n;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < list->n && status == KERF_OK; i++) {
        if (!thousandfold(list->ratios[i] / list->median))
            continue;
        bad++;
        first = first == list->n ? i : first;
        if (what != KERF_CONTRADICTIONS_DROP || dropped[list->index[i]])
            continue;
        char reason[160];
        snprintf(reason, sizeof reason, "the %s is about a factor of 1000 off %s", check->what,
                 check->than);
        dropped[list->index[i]] = true;
        status = leave_out(calibration, &rows->rows[list->index[i]], reason, err);
    }
    if (bad == 0 || what == KERF_CONTRADICTIONS_DROP || status != KERF_OK)
        return status;
    return report_units(rows, list, first, bad, check, what, calibration, err);
}

static kerf_status check_power(const ratio_list *list, kerf_contradictions what,
                               kerf_calibration *calibration, kerf_error *err)
{
    static const char text[] = "energy over latency is %.3g W in the middle, expected the power of "
                               "a board: are the energies or the latencies in other units?";
    if (list->median >= LEAST_POWER && list->median <= MOST_POWER)
        return KERF_OK;
    return what == KERF_CONTRADICTIONS_KEEP
               ? cal_warn(calibration, err, text, list->median)
               : kerf_fail(err, KERF_E_INVALID, NULL, text, list->median);
}

/* Figures over the rough cost, or power, where both figures are there. */
static void collect_ratios(const cal_rows *rows, int kind, ratio_list *list)
{
    list->n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const double latency = rows->rows[i].measurement->latency_s;
        const double energy = rows->rows[i].measurement->energy_J;
        const double ratio =
            kind == 2 ? energy / latency : (kind == 0 ? latency : energy) / rough(&rows->rows[i]);
        if (isfinite(ratio) && ratio > 0) {
            list->ratios[list->n] = ratio;
            list->index[list->n++] = i;
        }
    }
    if (list->n > 0)
        list->median = median_of(list->ratios, list->n, list->scratch);
}

/* An energy of 0 is a sensor that was not there. */
static kerf_status check_zeros(const cal_rows *rows, kerf_error *err)
{
    char name[160];
    size_t measured = 0, zeros = 0;
    const cal_row *first = NULL;
    for (size_t i = 0; i < rows->n; i++) {
        const double energy = rows->rows[i].measurement->energy_J;
        measured += isnan(energy) ? 0 : 1;
        zeros += energy == 0 ? 1 : 0;
        if (energy == 0 && !first)
            first = &rows->rows[i];
    }
    if (!first)
        return KERF_OK;
    kerf_error_source(err, first->table);
    if (zeros == measured)
        return kerf_fail(
            err, KERF_E_INVALID, NULL,
            "all %zu energies are 0, expected those of a board; leave energy out where "
            "no sensor was read",
            zeros);
    return kerf_fail(err, KERF_E_INVALID, label(first, name, sizeof name),
                     "the energy is 0 (as in %zu of %zu rows), expected more; leave it out where "
                     "no sensor was read",
                     zeros, measured);
}

kerf_status cal_check_units(cal_rows *rows, kerf_contradictions what, kerf_calibration *calibration,
                            kerf_error *err)
{
    ratio_list list = {.ratios = kerf_calloc(rows->n, sizeof *list.ratios),
                       .scratch = kerf_calloc(rows->n, sizeof *list.scratch),
                       .index = kerf_calloc(rows->n, sizeof *list.index)};
    bool *dropped = kerf_calloc(rows->n, sizeof *dropped);
    kerf_status status = KERF_OK;
    if (!list.ratios || !list.scratch || !list.index || !dropped)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status == KERF_OK)
        status = check_zeros(rows, err);
    for (int kind = 2; kind >= 0 && status == KERF_OK; kind--) {
        collect_ratios(rows, kind, &list);
        if (list.n > 0 && kind == 2)
            status = check_power(&list, what, calibration, err);
        if (list.n >= LEAST_RATIOS && status == KERF_OK)
            status = check_ratios(rows, &list, &unit_checks[kind], what, dropped, calibration, err);
    }
    if (status == KERF_OK)
        status = drop(rows, dropped, err);
    free(list.ratios);
    free(list.scratch);
    free(list.index);
    free(dropped);
    return status;
}

/* --- contradictions --- */

/* What a row runs, in figures that tell rows apart; equal ones run the same kernels. */
static int compare_runs(const cal_row *a, const cal_row *b)
{
    if (a->calls != b->calls)
        return a->calls < b->calls ? -1 : 1;
    if (a->n_kernels != b->n_kernels)
        return a->n_kernels < b->n_kernels ? -1 : 1;
    for (size_t k = 0; k < a->n_kernels; k++) {
        if (a->kernels[k].count != b->kernels[k].count)
            return a->kernels[k].count < b->kernels[k].count ? -1 : 1;
        const int order = kerf_work_compare(&a->kernels[k].work, &b->kernels[k].work);
        if (order != 0)
            return order;
    }
    return 0;
}

static int by_run(const void *a, const void *b)
{
    const cal_row *const *x = a, *const *y = b;
    const int order = compare_runs(*x, *y);
    return order != 0 ? order : (*x > *y) - (*x < *y);
}

static void widen(double value, double *low, double *high)
{
    if (isnan(value))
        return;
    *low = value < *low ? value : *low;
    *high = value > *high ? value : *high;
}

/* How far the figures of rows [first, last), which run the same, are apart; 1 if they agree. */
static double spread(const cal_row *const *sorted, size_t first, size_t last)
{
    double low_s = INFINITY, high_s = 0, low_J = INFINITY, high_J = 0;
    for (size_t i = first; i < last; i++) {
        widen(sorted[i]->measurement->latency_s, &low_s, &high_s);
        widen(sorted[i]->measurement->energy_J, &low_J, &high_J);
    }
    const double latency = high_s > 0 ? high_s / low_s : 1;
    const double energy = high_J > 0 && low_J > 0 ? high_J / low_J : 1;
    return latency > energy ? latency : energy;
}

static kerf_status refuse(const cal_row *a, const cal_row *b, double factor, kerf_error *err)
{
    char first[160], second[160];
    const bool same_name = strcmp(a->measurement->name, b->measurement->name) == 0;
    label(b, second, sizeof second);
    if (same_name)
        snprintf(second, sizeof second, "row %zu", b->measurement->line);
    kerf_fail(err, KERF_E_INVALID, label(a, first, sizeof first),
              "runs the same as %s, but their figures differ by a factor of up to %.3g; expected "
              "rows that do not contradict each other%s (--contradictions drop leaves them out)",
              second, factor, thousandfold(factor) ? " and are in one unit, not s and ms" : "");
    kerf_error_source(err, a->table);
    return KERF_E_INVALID;
}

static kerf_status warn_of(const cal_row *row, size_t n, double factor,
                           kerf_calibration *calibration, kerf_error *err)
{
    char name[160];
    return cal_warn(calibration, err,
                    "%zu rows such as %s run the same and differ by a factor of up to %.3g", n,
                    label(row, name, sizeof name), factor);
}

kerf_status cal_check_contradictions(cal_rows *rows, kerf_contradictions what,
                                     kerf_calibration *calibration, kerf_error *err)
{
    const cal_row **sorted = kerf_calloc(rows->n, sizeof *sorted);
    bool *dropped = kerf_calloc(rows->n, sizeof *dropped);
    kerf_status status = KERF_OK;
    if (!sorted || !dropped) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < rows->n; i++)
        sorted[i] = &rows->rows[i];
    qsort(sorted, rows->n, sizeof *sorted, by_run);
    for (size_t first = 0, last = 0; first < rows->n && status == KERF_OK; first = last) {
        for (last = first + 1; last < rows->n; last++)
            if (compare_runs(sorted[first], sorted[last]) != 0)
                break;
        const double factor = spread(sorted, first, last);
        if (factor <= CONTRADICTION)
            continue;
        if (what == KERF_CONTRADICTIONS_REFUSE)
            status = refuse(sorted[first], sorted[first + 1], factor, err);
        if (what == KERF_CONTRADICTIONS_KEEP)
            status = warn_of(sorted[first], last - first, factor, calibration, err);
        for (size_t i = first; i < last && status == KERF_OK && what == KERF_CONTRADICTIONS_DROP;
             i++) {
            char reason[160];
            snprintf(reason, sizeof reason, "%zu rows run the same and differ by a factor of %.3g",
                     last - first, factor);
            dropped[sorted[i] - rows->rows] = true;
            status = leave_out(calibration, sorted[i], reason, err);
        }
    }
    if (status == KERF_OK)
        status = drop(rows, dropped, err);
out:
    free(sorted);
    free(dropped);
    return status;
}
