/* libkerf: where to cut a neural network between a device and an edge server.
 *
 * One header per concept: network.h (what runs), device.h (what it costs), link.h (what crossing
 * costs), plan.h (where to cut), robust.h (where figures are uncertain), tiers.h (with a cloud as
 * well), pareto.h (all trades), split.h (the cut as two ONNX files), calibrate.h (what was
 * measured), client.h (asking a running service), simulate.h (a fleet that plans), units.h
 * (quantities), status.h (errors). This one includes all.
 *
 * The library never prints, exits or reads the environment, keeps no global state, and may be
 * used from several threads as long as they do not write to the same object.
 */
#ifndef KERF_KERF_H
#define KERF_KERF_H

#include "calibrate.h"
#include "client.h"
#include "device.h"
#include "import.h"
#include "link.h"
#include "map.h"
#include "measure.h"
#include "network.h"
#include "pareto.h"
#include "plan.h"
#include "robust.h"
#include "simulate.h"
#include "split.h"
#include "status.h"
#include "tiers.h"
#include "units.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KERF_VERSION "0.1.0"

/* Version of the library that runs, "0.1.0". */
KERF_API const char *kerf_version(void);

#ifdef __cplusplus
}
#endif
#endif
