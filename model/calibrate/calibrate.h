/* Inside kerf_calibrate:
 *
 *   rows.c       measurements to kernels, and which rows are taken
 *   doubts.c     rows that contradict each other, units mixed up
 *   forms.c      the forms and their coefficients
 *   features.c   what a row gives each coefficient
 *   fit.c        coefficients by linear programs
 *   validate.c   folds, errors, the choice of a form
 *   bootstrap.c  how far the coefficients may be off
 */
#ifndef KERF_MODEL_CALIBRATE_CALIBRATE_H
#define KERF_MODEL_CALIBRATE_CALIBRATE_H

#include "model/calibrate/table.h"
#include "model/cost/coefficients.h"
#include "model/cost/work.h"

#define CAL_MAX_COLUMNS    40
#define CAL_MAX_ROWS       20000
#define CAL_FLOOR_EXPONENT 6

typedef struct cal_kernel {
    kerf_work work;
    double count;
} cal_kernel;

typedef struct cal_row {
    const kerf_measurement *measurement;
    const char *table;
    size_t group, fold;
    double calls;
    cal_kernel *kernels;
    size_t n_kernels;
} cal_row;

typedef struct cal_rows {
    cal_row *rows;
    size_t n;
    const char **groups; /* names, borrowed */
    size_t n_groups, n_folds;
} cal_rows;

typedef enum cal_term {
    CAL_MACS = 1,       /* one figure for all classes */
    CAL_CLASS_MACS = 2, /* by class */
    CAL_SEED_MACS = 4,  /* fully connected, and all others */
    CAL_BYTES = 8,
    CAL_LAUNCH = 16,
    CAL_PARTITION = 32,
    CAL_WEIGHTS = 64,        /* one figure on top, for all classes */
    CAL_CLASS_WEIGHTS = 128, /* by class */
    CAL_GROUPED = 256,
    CAL_STEPS = 512,
    CAL_CLASS_BYTES = 1024,
    CAL_KERNELS = 2048,
    CAL_FLOOR = 4096,
    CAL_ACTIVE = 8192,
    CAL_MOVES = 16384,     /* bytes of operators that only move data */
    CAL_CALL_FLOOR = 32768 /* (F^p + G^p)^(1/p) of a whole call: F its constant and its launches, G
                              the work; does not add up over parts, so no profile can have it */
} cal_term;

typedef struct cal_form {
    const char *name, *description;
    bool energy;
    unsigned terms;
    kerf_latency_form latency_form;
    kerf_energy_form energy_form;
} cal_form;

extern const cal_form cal_forms[];
extern const size_t cal_n_forms;

/* A coefficient of a form: a column of the design. */
typedef struct cal_column {
    char name[COEFFICIENT_NAME];
    kerf_coefficient target;
} cal_column;

/* A form made ready for these rows. */
typedef struct cal_model {
    const cal_form *form;
    cal_column columns[CAL_MAX_COLUMNS];
    size_t n;
    kerf_power_mode base;    /* the forms' kinds, and the coefficients that are given */
    const double *latency_s; /* power form: the rows' predicted latencies */
} cal_model;

/* rows.c */
kerf_status cal_rows_create(const kerf_measurements *const *tables, size_t n_tables,
                            const kerf_calibrate_options *options, cal_rows *rows, kerf_error *err);
void cal_rows_clear(cal_rows *rows);
/* Deals the groups into folds. */
kerf_status cal_rows_fold(cal_rows *rows, size_t folds, uint64_t seed, kerf_error *err);

/* doubts.c: leaves rows that are dropped out of `rows`, and adds them to the calibration. */
kerf_status cal_check_units(cal_rows *rows, kerf_contradictions what,
                            kerf_calibration *calibration, kerf_error *err);
kerf_status cal_check_contradictions(cal_rows *rows, kerf_contradictions what,
                                     kerf_calibration *calibration, kerf_error *err);
kerf_status cal_warn(kerf_calibration *calibration, kerf_error *err, const char *format, ...)
    KERF_PRINTF(3, 4);

/* forms.c: columns that differ between the rows; those that do not are named in warnings (NULL:
 * nowhere). */
kerf_status cal_model_create(const cal_form *form, const cal_rows *rows,
                             const kerf_calibrate_options *options, cal_model *model,
                             kerf_calibration *calibration, kerf_error *err);

/* features.c: what each coefficient is multiplied by in a row's figure, in the places of the
 * coefficients. Forms that are not linear are taken at the coefficients of `at`, where the
 * products add up to the figure exactly; NULL: as if all parts added up, with no floor. */
void cal_features(const cal_model *model, const cal_rows *rows, size_t row,
                  const kerf_power_mode *at, kerf_power_mode *features);
double cal_column_feature(const cal_column *column, const kerf_power_mode *features);
/* The figure itself, as the cost model has it. */
double cal_predict(const cal_model *model, const cal_rows *rows, size_t row,
                   const kerf_power_mode *mode);
double cal_measured(const cal_row *row, bool energy);

/* fit.c: coefficients with the least sum of weight * |predicted / measured - 1|, into the mode's
 * places; rows of weight 0 or without a figure do not count. */
kerf_status cal_fit(const cal_model *model, const cal_rows *rows, const double *weights,
                    kerf_power_mode *mode, kerf_error *err);
void cal_set_coefficients(const cal_model *model, const double *values, kerf_power_mode *mode);

/* validate.c */
kerf_status cal_errors(const cal_rows *rows, bool energy, const double *predicted,
                       kerf_fit_errors *errors, kerf_error *err);
/* Every row predicted by a fit without its fold. */
kerf_status cal_validate(const cal_model *model, const cal_model *latency, const cal_rows *rows,
                         double *predicted, kerf_error *err);
/* Mean difference of two predictions' absolute errors, and its standard error over groups. */
kerf_status cal_compare(const cal_rows *rows, bool energy, const double *predicted,
                        const double *best, double *worse, double *worse_error, kerf_error *err);

/* bootstrap.c: standard errors and correlations of the coefficients of the models (NULL: none). */
kerf_status cal_bootstrap(const cal_model *latency, const cal_model *energy, const cal_rows *rows,
                          size_t samples, uint64_t seed, kerf_calibration *calibration,
                          kerf_error *err);

/* splitmix64 */
uint64_t cal_random(uint64_t *state);

#endif
