/* Layer profiles of inference runtimes, brought back to the operators of a network.
 *
 *     const char *files[] = {"profile.json", "layers.json"};  // trtexec --exportProfile,
 *     kerf_layer_profile *layers = NULL;                      //         --exportLayerInfo
 *     if (kerf_layers_import(files, 2, network, &layers, &err) == KERF_OK) {
 *         printf("%g of %g s mapped\n", layers->mapped_s, layers->latency_s);
 *         kerf_layers_save_profile(layers, network, "measured.json", false, &err);
 *     }
 *     kerf_layers_destroy(&layers);
 *
 * Files are told apart by what is in them:
 *   - trtexec --exportProfile: an array of {"name", "averageMs", ...};
 *   - trtexec --exportLayerInfo and the engine inspector: {"Layers": [{"Name", "LayerType",
 *     "Metadata", ...}]}, which say what a layer was fused from, but no times;
 *   - times of layers by repetition: {"layer": [[milliseconds, "when"], ...]};
 *   - ONNX Runtime's profile: an array of events, {"cat": "Node", "name": "conv1_kernel_time",
 *     "dur": microseconds, ...};
 *   - CSV with a header: name (or "layer name"), latency_s|_ms|_us, energy_J|_mJ|_uJ or
 *     power_W|_mW|_uW; also "average_run_time" (ms) and "average_power" (uW).
 * Several files of one run complete each other by layer name; what two of them tell is taken from
 * the first.
 */
#ifndef KERF_IMPORT_H
#define KERF_IMPORT_H

#include "network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a runtime ran as one, or several such that share an operator. */
typedef struct kerf_profiled_layer {
    char *name;        /* the runtime's */
    double latency_s;  /* of one inference */
    double energy_J;   /* of one inference; NAN: not known */
    size_t *operators; /* of the network, ascending; none: it could not be mapped */
    size_t n_operators;
} kerf_profiled_layer;

typedef struct kerf_layer_profile {
    char *runtime; /* "TensorRT", "ONNX Runtime", "CSV" */
    char *source;  /* the files' names */
    kerf_profiled_layer *layers;
    size_t n;
    double latency_s; /* sum over the layers */
    double mapped_s;  /* over those that could be mapped */
    size_t mapped_operators;
} kerf_layer_profile;

/* Reads the n files of one profiled run and maps its layers to operators by the names in theirs:
 * "a + b", "PWN(a, b)", "a || b", "{ForeignNode[a...b]}" (everything between), "[ONNX Layer: a]"; and
 * ONNX Runtime's "t_nchwc" (what was folded into the kernel that writes tensor t), "a/MatMulAddFusion".
 * KERF_E_IO, KERF_E_SYNTAX, KERF_E_INVALID (no layer with a time, no layer that could be mapped, a
 * negative or absurd time, ...), KERF_E_TOO_LARGE. The caller owns *profile. */
KERF_API kerf_status kerf_layers_import(const char *const *paths, size_t n,
                                        const kerf_network *network, kerf_layer_profile **profile,
                                        kerf_error *err);
KERF_API void kerf_layers_destroy(kerf_layer_profile **profile);

/* Writes the mapped layers as a profile that replaces estimates ("kerf-profile/1": operators, and
 * groups of those that ran as one), and as a table of measurements ("kerf-measurements/1", for
 * kerf calibrate), which calls the network `network_name`: a bundled name or a path. An existing file
 * is replaced only with `force`. KERF_E_IO, KERF_E_NOMEM. */
KERF_API kerf_status kerf_layers_save_profile(const kerf_layer_profile *profile,
                                              const kerf_network *network, const char *path,
                                              bool force, kerf_error *err);
KERF_API kerf_status kerf_layers_save_table(const kerf_layer_profile *profile,
                                            const kerf_network *network, const char *network_name,
                                            const char *path, bool force, kerf_error *err);

#ifdef __cplusplus
}
#endif
#endif
