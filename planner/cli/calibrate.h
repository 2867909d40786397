/* Inside kerf calibrate: the fit, what was not measured, and where both go. */
#ifndef KERF_CLI_CALIBRATE_H
#define KERF_CLI_CALIBRATE_H

#include "planner/cli/options.h"

/* Maximum clocks of a power mode, in Hz, or figures in the same proportion. */
typedef struct cli_clocks {
    double gpu, memory, cpu;
} cli_clocks;

/* A power mode that was not measured: its times and energies scale with the clocks. */
typedef struct cli_derived_mode {
    char *name, *basis;
    cli_clocks clocks;
    double idle_W, budget_W; /* INFINITY: none */
    double active_W;         /* power form: NAN: scaled */
} cli_derived_mode;

/* What a profile says beyond measurements: "kerf-overlay/1", configs/schema/overlay.json. */
typedef struct cli_overlay {
    char *name, *description, *provenance, *assumptions, *memory, *mode, *default_mode;
    char *latency_form, *energy_form; /* NULL: chosen */
    struct kerf_assumed *assumed;
    size_t n_assumed;
    double idle_W;   /* NAN: not stated */
    double active_W; /* power while computing, where no energy was measured; NAN: not stated */
    cli_clocks clocks;
    bool hidden; /* the measured mode is only what the others are derived from */
    cli_derived_mode *modes;
    size_t n_modes;
    bool drop_contradictions;
} cli_overlay;

kerf_status cli_overlay_load(const char *path, cli_overlay *overlay, kerf_error *err);
void cli_overlay_clear(cli_overlay *overlay);

typedef struct cli_calibration {
    const cli_settings *settings;
    kerf_measurements **tables;
    size_t n_tables;
    cli_overlay overlay;
    kerf_calibration *result;
} cli_calibration;

cli_exit cli_calibrate_table(const cli_calibration *c);
cli_exit cli_calibrate_json(const cli_calibration *c);
cli_exit cli_calibrate_csv(const cli_calibration *c);
cli_exit cli_calibrate_plot(const cli_calibration *c);
/* Writes the device profile. */
cli_exit cli_calibrate_profile(const cli_calibration *c);

/* The chosen form of latency or energy; NULL: not measured. */
const kerf_fit_form *cli_calibrate_chosen(const kerf_calibration *result, bool energy);
/* Mean and median absolute validated error of the rows of one family (NULL: of all). */
typedef struct cli_family_errors {
    const char *family;
    size_t rows;
    double mape, bias; /* mean absolute and mean error */
} cli_family_errors;
/* Errors by family, in the order of the families' names; the caller frees. NULL without memory. */
cli_family_errors *cli_calibrate_families(const kerf_calibration *result, bool energy, size_t *n);
const char *cli_row_family(const kerf_fit_row *row);

#endif
