/* From a file to a network: read it, infer shapes, build. */
#include "base/error.h"
#include "base/memory.h"
#include "model/ir.h"

#include <stdlib.h>
#include <string.h>

static bool is_onnx(const char *path)
{
    size_t length = strlen(path);
    return length >= 5 && strcmp(path + length - 5, ".onnx") == 0;
}

/* File name without folder and ending; NULL on lack of memory. */
static char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *start = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(start, '.');
    return kerf_strndup(start, dot != NULL && dot > start ? (size_t)(dot - start) : strlen(start));
}

static kerf_status read_graph(const char *path, const kerf_network_options *options, char **name,
                              ir_graph **graph, kerf_error *err)
{
    if (!is_onnx(path))
        return network_json_read(path, options, name, graph, err);
    *name = base_name(path);
    if (*name == NULL)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    return onnx_read(path, options, graph, err);
}

kerf_status kerf_network_load(const char *path, const kerf_network_options *options,
                              kerf_network **network, kerf_error *err)
{
    static const kerf_network_options defaults;
    char *name = NULL;
    ir_graph *graph = NULL;
    kerf_network *made = NULL;
    kerf_error_clear(err);
    if (options == NULL)
        options = &defaults;
    kerf_status status = read_graph(path, options, &name, &graph, err);
    if (status != KERF_OK)
        goto out;
    if (options->n_outputs > 0)
        status = ir_prune(graph, options->outputs, options->n_outputs, err);
    if (status != KERF_OK)
        goto out;
    status = ir_infer(graph, err);
    if (status != KERF_OK)
        goto out;
    status = ir_build_network(graph, name, path, options->allow_unresolved, &made, err);
    if (status != KERF_OK)
        goto out;
    made->pruned = options->n_outputs > 0;
    *network = made;
out:
    if (status != KERF_OK)
        kerf_error_source(err, path);
    ir_graph_free(graph);
    free(name);
    return status;
}
