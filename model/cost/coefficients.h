/* The coefficients of a power mode by their names in device files: "latency/per_mac/conv",
 * "energy/launch". The last part may join several classes: "latency/per_mac/pointwise+fc" is one
 * figure that both classes take. */
#ifndef KERF_MODEL_COST_COEFFICIENTS_H
#define KERF_MODEL_COST_COEFFICIENTS_H

#include "kerf/device.h"
#include "kerf/units.h"

#define COEFFICIENT_NAME 192 /* bytes that any name fits into */

/* Where in kerf_power_mode they are: at most KERF_CLASS_COUNT. */
typedef struct kerf_coefficient {
    size_t offsets[KERF_CLASS_COUNT];
    size_t n;
    kerf_quantity kind;
} kerf_coefficient;

/* False if no coefficient is called so. */
bool kerf_coefficient_find(const char *name, kerf_coefficient *coefficient);
double kerf_coefficient_get(const kerf_power_mode *mode, size_t offset);
void kerf_coefficient_set(kerf_power_mode *mode, size_t offset, double value);

/* Fills uncertainty->factor from its correlation and deviations: the lower triangle of a Cholesky
 * decomposition, with pivots that rounding made negative taken as 0. KERF_E_NOMEM. */
kerf_status kerf_uncertainty_factor(kerf_uncertainty *uncertainty, kerf_error *err);
void kerf_uncertainty_clear(kerf_uncertainty *uncertainty);
/* A deep copy. KERF_E_NOMEM. */
kerf_status kerf_uncertainty_copy(const kerf_uncertainty *from, kerf_uncertainty *to,
                                  kerf_error *err);

#endif
