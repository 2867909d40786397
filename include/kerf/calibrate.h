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

#ifdef __cplusplus
}
#endif
#endif
