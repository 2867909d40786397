/* One power mode of a device file. */
#ifndef KERF_MODEL_JSON_MODE_JSON_H
#define KERF_MODEL_JSON_MODE_JSON_H

#include "base/json.h"
#include "kerf/device.h"

/* Reads "latency", "energy" and "idle" of a mode; the name is the caller's. False: failed. */
bool kerf_mode_read(const kerf_json *object, kerf_power_mode *mode);

#endif
