/* Inside the importers of layer profiles.
 *
 *   read_json.c   TensorRT's and ONNX Runtime's files
 *   read_csv.c    tables
 *   map.c         from a layer's name to the network's operators
 *   kernel_name.c the same for the names that ONNX Runtime makes up
 *   import.c      the public calls; save.c: the files that are written
 */
#ifndef KERF_MODEL_IMPORT_LAYERS_H
#define KERF_MODEL_IMPORT_LAYERS_H

#include "kerf/import.h"

#define MOST_LAYERS    20000
#define MOST_NAME      65536
#define MOST_LATENCY_S 3600.0

/* A layer as the files tell it. */
typedef struct raw_layer {
    char *name;
    char *metadata;   /* names of the operators it was fused from, NULL: not told */
    char *kernel;     /* type of the operator that ONNX Runtime ran, NULL: not told */
    bool moves;       /* a reformatting copy: no operator's work */
    double latency_s; /* NAN: not told */
    double energy_J, power_W;
    double sum_s; /* while repetitions are added up */
    size_t times;
} raw_layer;

typedef struct raw_layers {
    raw_layer **list; /* in the order of their first mention */
    size_t n, capacity;
    void *by_name;       /* a tree of <search.h> */
    const char *runtime; /* of the file that told times */
} raw_layers;

/* The layer of that name, made where there is none; NULL without memory or beyond MOST_LAYERS. */
raw_layer *raw_layer_find(raw_layers *layers, const char *name);
void raw_layers_clear(raw_layers *layers);

/* Both add what a file tells. */
kerf_status layers_read_json(const char *text, size_t size, const char *path, raw_layers *layers,
                             kerf_error *err);
kerf_status layers_read_csv(char *text, size_t size, raw_layers *layers, kerf_error *err);

/* Operators by name. */
typedef struct name_map {
    const kerf_network *network;
    size_t *sorted; /* operators by name, those that are placed */
    size_t n;
    bool *found, *after, *before; /* scratch, by operator */
} name_map;
kerf_status name_map_open(name_map *map, const kerf_network *network, kerf_error *err);
void name_map_close(name_map *map);

/* Sets found[] to the operators that a layer ran; returns their number. */
size_t name_map_layer(name_map *map, const raw_layer *layer);

/* Operators of a kernel that ONNX Runtime's optimisations made, by its name: written to found,
 * which has room for all of the network's. 0: not known; KERF_NONE: out of memory. */
size_t kernel_name_map(const kerf_network *network, const raw_layer *layer, size_t *found);

#endif
