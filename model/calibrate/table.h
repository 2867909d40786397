/* Inside the readers of measurement tables: what JSON and CSV share. */
#ifndef KERF_MODEL_CALIBRATE_TABLE_H
#define KERF_MODEL_CALIBRATE_TABLE_H

#include "kerf/calibrate.h"

#define TABLE_MAX_BYTES     ((size_t)256 << 20)
#define TABLE_MAX_ROWS      1000000
#define TABLE_MAX_LAYERS    1000000 /* of one measurement */
#define TABLE_MAX_OPERATORS 1000000
#define TABLE_MAX_FIGURE    1e18    /* MACs, bytes: far above any real one, sums stay finite */
#define TABLE_MAX_SIZE      1048576 /* of one dimension */

/* A layer as it is written: figures that are missing are NAN, sizes 0. */
typedef struct layer_text {
    kerf_class cls; /* KERF_CLASS_COUNT: not given */
    int64_t input[3], output[3], kernel[2], groups;
    kerf_type type;
    double count;
    double macs, weight_bytes, read_bytes, write_bytes, kernels, steps;
} layer_text;

extern const layer_text layer_text_empty;

/* The figures of a layer. NULL, or what is wrong and what was expected (a static text). */
const char *layer_complete(const layer_text *text, int64_t batch, kerf_layer *layer);

/* KERF_CLASS_COUNT if there is no such class. */
kerf_class layer_class(const char *name);
/* False if there is no such type, or one without a size. */
bool layer_type(const char *name, kerf_type *type);

/* NULL, or what the figures of a row lack (a static text). */
const char *row_problem(const kerf_measurement *row);

void measurement_clear(kerf_measurement *row);

kerf_status table_read_json(const char *text, size_t size, const char *path,
                            kerf_measurements *table, kerf_error *err);
kerf_status table_read_csv(char *text, size_t size, const char *path, kerf_measurements *table,
                           kerf_error *err);

#endif
