/* Measurements of operators, blocks and whole networks, and the device profiles fitted on them.
 *
 *     kerf_measurements *table = NULL;
 *     if (kerf_measurements_load("tx2.json", &table, &err) == KERF_OK) { ... }
 *     kerf_measurements_destroy(&table);
 *
 * A measurement says what was run and what that took: latency, energy, or both. What was run is
 * one of
 *   - a whole network (`network`, no `operators`): an ONNX or JSON file, or a bundled name;
 *   - operators of a network (`network` and `operators`), such as the operators that a runtime
 *     fused into one layer of its profile. Those that are neighbours in one fused group are one
 *     kernel, as everywhere in the cost model;
 *   - layers known by their figures or shapes (`layers`): one kernel each.
 * Its prediction is the sum over those kernels, and the constant of a call `calls` times.
 *
 * Tables are files of two kinds, told apart by their first character:
 *
 * A layer needs its class and figures, or shapes from which they follow: of input and output
 * (channels, height, width, without the batch), the kernel (1×1), the groups (1; the channels for
 * the class "depthwise") and the elements' type (float32).
 *
 * JSON, "kerf-measurements/1", configs/schema/measurements.json:
 *     {"format": "kerf-measurements/1", "source": "who measured, with what",
 *      "board": "jetson-tx2", "power_mode": "maxn",             (of all rows that name none)
 *      "measurements": [
 *        {"name": "resnet50", "network": "resnet50", "batch": 1, "latency": "31 ms"},
 *        {"name": "conv1 + relu1", "network": "net.onnx", "operators": ["conv1", "relu1"],
 *         "calls": 0, "group": "stage 1", "latency": "0.2 ms", "energy": "1.1 mJ"},
 *        {"name": "block", "layers": [{"class": "pointwise", "input": [16, 112, 112],
 *         "output": [96, 112, 112]}, ...], "energy": "17.1 mJ"}]}
 *
 * CSV: a header line, then one row per measurement; rows that follow each other and share a
 * non-empty `name` are the layers of one measurement (their figures are given once, or agree).
 * Columns, in any order, those in brackets may be missing:
 *     name  [group] [family] [board] [power_mode] [batch] [calls]
 *     [network] [operators: separated by ';']
 *     [class] [in_channels in_h in_w out_channels out_h out_w kernel_h kernel_w groups type count]
 *     [macs weight_bytes read_bytes write_bytes kernels steps]
 *     latency_s | latency_ms | latency_us | latency (with a unit in every cell)
 *     energy_J | energy_mJ | energy_uJ | energy
 * An empty cell is a value that is missing. Lines that begin with '#' are passed over;
 * "# source: TEXT" says the source.
 */
#ifndef KERF_CALIBRATE_H
#define KERF_CALIBRATE_H

#include "device.h"
#include "units.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One kernel known by what it works on; a batch is counted in all but the weights. */
typedef struct kerf_layer {
    kerf_class cls;
    bool grouped; /* a convolution of several groups, but not one for each channel */
    double macs;
    double steps;   /* multiply-accumulates that make one output of a convolution, else 0 */
    double kernels; /* output channels of a convolution, else 0 */
    double weight_bytes;
    double read_bytes;
    double write_bytes;
    double count; /* how many of the kind run, one after the other */
} kerf_layer;

typedef struct kerf_measurement {
    char *name;
    char *group;      /* folds never part rows of one group; "" : the name */
    char *family;     /* errors are also told by family; "": the group */
    char *board;      /* "": not stated */
    char *power_mode; /* "": not stated */
    char *network;    /* file (relative ones are beside the table) or bundled name; "": layers */
    char **operators; /* of the network; none: all of it */
    size_t n_operators;
    kerf_layer *layers;
    size_t n_layers;
    int64_t batch;    /* 1 unless given */
    double calls;     /* constants of a call that the figures hold: 1; 0 for a layer inside one */
    double latency_s; /* NAN: not measured */
    double energy_J;  /* of the whole board, idle included; NAN: not measured */
    size_t line;      /* of a CSV file, or position in a JSON array counted from 1 */
} kerf_measurement;

typedef struct kerf_measurements {
    char *path;   /* of the file, "" if none */
    char *source; /* who measured, and with what */
    kerf_measurement *rows;
    size_t n;
} kerf_measurements;

/* Reads a table of at most a million rows. The networks that it names are not opened.
 * KERF_E_IO, KERF_E_SYNTAX, KERF_E_INVALID (where: JSON pointer, or line of the CSV),
 * KERF_E_TOO_LARGE. The caller owns *table. */
KERF_API kerf_status kerf_measurements_load(const char *path, kerf_measurements **table,
                                            kerf_error *err);
/* Frees *table, sets it to NULL; NULL is fine. Tables made by hand own their texts (malloc). */
KERF_API void kerf_measurements_destroy(kerf_measurements **table);

/* How well a form predicts. Errors are relative to the measured figure. */
typedef struct kerf_fit_errors {
    double mape;      /* mean absolute error, 0.1 is 10 % */
    double median;    /* of the absolute errors */
    double r2;        /* of the figures themselves */
    double spearman;  /* rank correlation of predicted and measured */
    double deviation; /* standard deviation of measured over predicted, about 1 */
} kerf_fit_errors;

/* One form of latency or energy, fitted. */
typedef struct kerf_fit_form {
    const char *name;        /* "macs", "classes", ... : kerf_fit_form_names */
    const char *description; /* what it is made of */
    bool energy;
    bool fitted; /* else `reason` says why not */
    char reason[160];
    size_t n_coefficients;
    kerf_fit_errors validated; /* every row predicted by a fit without its fold */
    kerf_fit_errors own;       /* every row predicted by the fit on all rows */
    bool best;                 /* of all forms, by validated.mape */
    bool chosen;  /* the simplest that is not worse than the best by more than the standard error
                     of their difference over groups; or the one that was asked for */
    double worse; /* than the best, in validated.mape, */
    double worse_error; /* and that difference's standard error */
} kerf_fit_form;

typedef struct kerf_fit_coefficient {
    char *name; /* "latency/per_mac/conv", ... */
    kerf_quantity kind;
    double value;
    double standard_error; /* by bootstrap over groups */
    bool assumed;          /* given by the caller, not fitted */
} kerf_fit_coefficient;

typedef struct kerf_fit_row {
    const kerf_measurement *measurement; /* borrowed from its table */
    double latency_s, energy_J;          /* predicted by the chosen forms, NAN: not fitted */
    double validated_latency_s, validated_energy_J; /* the same, by fits without the row's fold */
    size_t fold;
    bool outlier; /* validated error above 40 % and above four times the median */
    double class_share[KERF_CLASS_COUNT]; /* of its kernels' predicted time (or energy), by main
                                             operator; adds up to 1 or is all 0 */
} kerf_fit_row;

typedef struct kerf_fit_left_out {
    const kerf_measurement *measurement;
    char reason[160];
} kerf_fit_left_out;

/* What a calibration found. */
typedef struct kerf_calibration {
    kerf_power_mode mode; /* of the chosen forms, with its uncertainty; rounded as a file has it */
    bool has_latency, has_energy;
    kerf_fit_form *forms; /* of latency, then of energy, from simple to rich */
    size_t n_forms;
    kerf_fit_coefficient *coefficients;
    size_t n_coefficients;
    kerf_fit_row *rows; /* those that were fitted, in the tables' order */
    size_t n_rows;
    size_t n_groups, n_folds;
    kerf_fit_left_out *left_out; /* rows that contradict each other, if they were to be dropped */
    size_t n_left_out;
    char **warnings;
    size_t n_warnings;
} kerf_calibration;

/* What becomes of rows that cannot all be true: that run the same kernels but differ by more than
 * half in their figures, or are about a thousand times off what the others imply. */
typedef enum kerf_contradictions {
    KERF_CONTRADICTIONS_REFUSE, /* an error that names two of them */
    KERF_CONTRADICTIONS_DROP,   /* left out, and listed */
    KERF_CONTRADICTIONS_KEEP    /* fitted like the others, with a warning */
} kerf_contradictions;

typedef struct kerf_calibrate_options {
    const char *latency_form, *energy_form; /* NULL: chosen by cross-validation */
    const char *board, *power_mode;         /* only rows of these; NULL: all, if they agree */
    size_t folds;                           /* 0: every group is a fold */
    size_t bootstrap;                       /* samples for the coefficients' errors; 0: 200 */
    uint64_t seed;                          /* of folds and bootstrap */
    kerf_contradictions contradictions;
    /* Coefficients that are given, not fitted. */
    const struct kerf_assumed {
        const char *name;
        double value; /* SI */
    } * assumed;
    size_t n_assumed;
    /* Loads the network that a row names; NULL: kerf_network_load of the file beside the table. */
    kerf_status (*load)(void *context, const kerf_measurement *row, const char *table_path,
                        kerf_network **network, kerf_error *err);
    void *context;
} kerf_calibrate_options;

/* Fits a device's power mode on all rows of the tables. Errors are relative, coefficients not
 * negative, and the sum of the absolute errors is minimal: a linear program (Charnes, Cooper,
 * Ferguson 1955). Forms that are not linear in their coefficients are solved by a few such
 * programs. Deterministic for a seed. Borrows the tables until the result is destroyed.
 *
 * KERF_E_INVALID: rows of several boards or power modes and none chosen; rows that contradict each
 * other (the same kernels, figures that differ by more than half); figures that are a thousand
 * times what the others imply; energies that are all 0; too few rows or groups (the message says
 * how many are needed); an unknown form or coefficient. Errors of loading networks.
 * KERF_E_NOMEM, KERF_E_INTERNAL. */
KERF_API kerf_status kerf_calibrate(const kerf_measurements *const *tables, size_t n_tables,
                                    const kerf_calibrate_options *options,
                                    kerf_calibration **calibration, kerf_error *err);
KERF_API void kerf_calibration_destroy(kerf_calibration **calibration);

/* The forms of latency or energy, from simple to rich; NULL beyond the last. */
KERF_API const char *kerf_fit_form_name(bool energy, size_t index);

#ifdef __cplusplus
}
#endif
#endif
