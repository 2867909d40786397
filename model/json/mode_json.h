/* One power mode of a device file. */
#ifndef KERF_MODEL_JSON_MODE_JSON_H
#define KERF_MODEL_JSON_MODE_JSON_H

#include "base/json.h"
#include "kerf/device.h"

/* Reads "latency", "energy" and "idle" of a mode; the name is the caller's. False: failed. */
bool kerf_mode_read(const kerf_json *object, kerf_power_mode *mode);

/* Its "uncertainty", if it has one; modes before it may be named. */
bool kerf_uncertainty_read(const kerf_json *mode_json, const kerf_power_mode *modes, size_t n_modes,
                           kerf_uncertainty *uncertainty);

#endif
