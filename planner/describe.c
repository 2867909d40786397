#include "planner/describe.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/price.h"

#include <stdlib.h>

#define AGREE 1e-9 /* relative excess over a limit that is rounding */

kerf_side *describe_sides(const cut_binding *b, const uint8_t *x)
{
    const size_t n = b->question->network->n_operators;
    kerf_side *side = kerf_calloc(n, sizeof *side);
    for (size_t i = 0; side && i < n; i++) {
        const size_t v = b->index_of[i];
        side[i] = v == KERF_NONE ? KERF_SIDE_FREE : x[v] ? KERF_SIDE_SERVER : KERF_SIDE_DEVICE;
    }
    return side;
}

typedef struct crossing_tensor {
    size_t producer_rank; /* 0 for network inputs, else 1 + operator */
    size_t tensor;
} crossing_tensor;

static int by_producer(const void *a, const void *b)
{
    const crossing_tensor *x = a, *y = b;
    if (x->producer_rank != y->producer_rank)
        return x->producer_rank < y->producer_rank ? -1 : 1;
    return (x->tensor > y->tensor) - (x->tensor < y->tensor);
}

kerf_status describe_cut(const kerf_question *q, bool (*crosses)(const void *, size_t),
                         const void *context, kerf_cut *cut)
{
    const kerf_network *net = q->network;
    const double input_total = cut_input_total(q);
    crossing_tensor *crossing = kerf_calloc(net->n_tensors, sizeof *crossing);
    size_t n = 0;
    for (size_t i = 0; crossing && i < net->n_tensors; i++)
        if (crosses(context, i))
            crossing[n++] = (crossing_tensor){net->tensors[i].producer + 1, i};
    cut->tensors = kerf_calloc(n, sizeof *cut->tensors);
    if (!crossing || !cut->tensors) {
        free(crossing);
        return KERF_E_NOMEM;
    }
    qsort(crossing, n, sizeof *crossing, by_producer);
    for (size_t i = 0; i < n; i++) {
        cut->tensors[i] = crossing[i].tensor;
        cut->bytes += net->tensors[crossing[i].tensor].bytes;
        cut->wire_bytes += cut_wire_share(q, crossing[i].tensor, input_total);
    }
    cut->n_tensors = n;
    free(crossing);
    return KERF_OK;
}

/* A placement that knows its question. */
typedef struct placement {
    const kerf_question *question;
    const kerf_side *side;
} placement;

static bool placement_crosses(const void *context, size_t tensor)
{
    const placement *p = context;
    return price_crosses(p->question, p->side, tensor);
}

kerf_status describe_placement(const cut_binding *b, const uint8_t *x, kerf_option_plan *out,
                               kerf_error *err)
{
    cut_value value;
    cut_evaluate(&b->problem, x, &value);
    out->exists = cut_is_legal(&b->problem, x);
    out->feasible = out->exists && value.violation <= AGREE;
    out->accuracy = value.accuracy;
    out->side = describe_sides(b, x);
    const placement p = {b->question, out->side};
    if (!out->side || describe_cut(b->question, placement_crosses, &p, &out->cut) != KERF_OK)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory while describing a plan");
    return price_placement(b->question, b->device_mode, b->device, b->server, out->side, &out->cost,
                           err);
}

void describe_clear(kerf_option_plan *option)
{
    free(option->side);
    free(option->cut.tensors);
    *option = (kerf_option_plan){.exists = false};
}
