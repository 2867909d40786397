/* What ONNX Runtime calls the kernels that its optimisations make, seen in its profiles: after an
 * operator ("matmul1/MatMulAddFusion", "matmul1/MatmulTransposeFusion/") or, in its blocked CPU
 * format, after the tensor that the kernel writes ("relu1_out_nchwc", a Conv with its Relu); and
 * "_token_8" makes any name unique. */
#include "model/import/layers.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FOLDED 8 /* operators that were folded into the one of the kernel's type */

static bool cut_end(char *name, const char *end)
{
    const size_t length = strlen(name), n = strlen(end);
    if (length <= n || strcmp(name + length - n, end) != 0)
        return false;
    name[length - n] = '\0';
    return true;
}

static void cut_token(char *name)
{
    static const char mark[] = "_token_";
    char *at = NULL;
    for (char *next = strstr(name, mark); next; next = strstr(next + 1, mark))
        at = next;
    if (at && at > name && strspn(at + strlen(mark), "0123456789") == strlen(at + strlen(mark)))
        *at = '\0';
}

/* The last part of a path, if that names a fusion, is none of the operator's name. */
static bool cut_fusion(char *name)
{
    cut_end(name, "/");
    char *slash = strrchr(name, '/');
    if (!slash || slash == name || !cut_end(slash, "Fusion"))
        return false;
    *slash = '\0';
    return true;
}

/* The only operator that writes what `op` reads first and that nothing else reads, or KERF_NONE. */
static size_t before(const kerf_network *network, size_t op)
{
    const kerf_operator *o = &network->operators[op];
    if (o->n_inputs == 0 || o->inputs[0] == KERF_NONE)
        return KERF_NONE;
    const kerf_tensor *tensor = &network->tensors[o->inputs[0]];
    return tensor->n_consumers == 1 && !tensor->constant ? tensor->producer : KERF_NONE;
}

/* From the operator that writes a tensor back to the one whose kernel it was: both and those
 * between, which were folded into it. None where there is no operator of that type. */
static size_t folded(const kerf_network *network, const char *tensor, const char *type,
                     size_t *found)
{
    const size_t index = kerf_network_find_tensor(network, tensor);
    size_t op = index == KERF_NONE ? KERF_NONE : network->tensors[index].producer, n = 0;
    while (op != KERF_NONE && n < MOST_FOLDED && n < network->n_operators) {
        found[n++] = op;
        if (strcmp(network->operators[op].type, type) == 0)
            return n;
        op = before(network, op);
    }
    return 0;
}

/* Of fusions only those around a product: what others replace does not follow from one name. */
static size_t fused(const kerf_network *network, const char *name, size_t *found)
{
    const size_t op = kerf_network_find_operator(network, name);
    if (op == KERF_NONE || network->operators[op].constant ||
        (strcmp(network->operators[op].type, "MatMul") != 0 &&
         strcmp(network->operators[op].type, "Gemm") != 0))
        return 0;
    found[0] = op;
    return 1;
}

size_t kernel_name_map(const kerf_network *network, const raw_layer *layer, size_t *found)
{
    char *name = layer->kernel ? kerf_strdup(layer->name) : NULL;
    size_t n = 0;
    if (!layer->kernel)
        return 0;
    if (!name)
        return KERF_NONE;
    cut_token(name);
    if (cut_end(name, "_nchwc")) {
        n = folded(network, name, layer->kernel, found);
    } else if (cut_fusion(name)) {
        n = fused(network, name, found);
    }
    free(name);
    return n;
}
