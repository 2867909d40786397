/* Vertical fusion: which operators an inference runtime runs as one kernel.
 *
 * The rules are those that runtimes document of themselves (NVIDIA's TensorRT developer guide,
 * "Types of Fusions"; ONNX Runtime's graph optimizations), reduced to what can be seen in the
 * graph:
 *
 *   anchor    a convolution, a matrix product (classes conv, pointwise, depthwise, fc, matmul)
 *   epilogue  after an anchor: BatchNormalization, element-wise operators (bias, activation,
 *             scale), among them one with a second data operand (a residual Add); at the end a
 *             QuantizeLinear
 *   chain     element-wise operators and BatchNormalization one after the other
 *   prologue  a DequantizeLinear at the head of either; it is never in the middle, so that int8
 *             tensors are what goes from kernel to kernel
 *
 * A group is a path: every operator reads the output of the one before it, which nobody else reads
 * and which does not leave the network, so that it need not exist in memory. An operator joins only
 * if its output has the path tensor's shape: where a small operand is broadcast to a larger one,
 * the work belongs to the larger one's producer.
 *
 * No cycle can come of it. Only the last tensor of a group is seen outside, so an operand from
 * outside cannot depend on the inside; and a way from group to group and back would be a way from
 * the last operator of a group to itself, in a graph that has no cycles.
 *
 * Views (reshapes) move nothing and stay on their own, as do reductions, pooling, normalizations
 * over rows, data movement, and blocks that are known only by their figures. Where two operands of
 * an Add could both take it in, the one that stands first in the file does.
 */
#include "model/build.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_GROUP 32 /* operators: no runtime fuses without limit */

typedef enum role {
    ALONE,
    ANCHOR,
    POINTWISE, /* anywhere in a chain or an epilogue */
    DEQUANTIZE,
    QUANTIZE
} role;

typedef struct path {
    size_t operators[MAX_GROUP];
    size_t n;
    bool anchored;
    bool residual; /* has a second data operand */
} path;

static role role_of(const ir_node *node, const kerf_operator *op)
{
    if (op->constant || node->figures_given)
        return ALONE;
    if (strcmp(op->type, "DequantizeLinear") == 0)
        return DEQUANTIZE;
    if (strcmp(op->type, "QuantizeLinear") == 0)
        return QUANTIZE;
    if (strcmp(op->type, "BatchNormalization") == 0)
        return POINTWISE;
    switch (op->cls) {
    case KERF_CLASS_CONV:
    case KERF_CLASS_POINTWISE:
    case KERF_CLASS_DEPTHWISE:
    case KERF_CLASS_FC:
    case KERF_CLASS_MATMUL:
        return ANCHOR;
    case KERF_CLASS_ELEMENTWISE:
        return POINTWISE;
    default:
        return ALONE;
    }
}

/* The only output that anybody wants, KERF_NONE if there are several or none. */
static size_t only_output(const kerf_network *net, const kerf_operator *op)
{
    size_t found = KERF_NONE;
    for (size_t i = 0; i < op->n_outputs; i++) {
        size_t t = op->outputs[i];
        if (t == KERF_NONE || (!net->tensors[t].n_consumers && !net->tensors[t].is_output))
            continue;
        if (found != KERF_NONE)
            return KERF_NONE;
        found = t;
    }
    return found;
}

static bool same_shape(const kerf_tensor *a, const kerf_tensor *b)
{
    return a->elements >= 0 && a->rank == b->rank && a->elements == b->elements &&
           memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* Whether op reads data beside `tensor`. */
static bool has_other_data(const kerf_network *net, const kerf_operator *op, size_t tensor)
{
    for (size_t i = 0; i < op->n_inputs; i++)
        if (op->inputs[i] != KERF_NONE && op->inputs[i] != tensor &&
            !net->tensors[op->inputs[i]].constant)
            return true;
    return false;
}

/* Whether `op` may follow on the path, reading `tensor`. */
static bool may_join(const kerf_network *net, const path *p, const kerf_operator *op, role what,
                     size_t tensor)
{
    size_t output = only_output(net, op);
    bool other = has_other_data(net, op, tensor);
    if (what == ANCHOR) /* after a prologue that is nothing but DequantizeLinear */
        return p->n == 1 && !p->anchored;
    if (what != POINTWISE && what != QUANTIZE)
        return false;
    if (what == QUANTIZE && other)
        return false;
    if (strcmp(op->type, "BatchNormalization") == 0 && (other || op->inputs[0] != tensor))
        return false;
    if (p->anchored && p->residual && other)
        return false;
    return output != KERF_NONE && same_shape(&net->tensors[tensor], &net->tensors[output]);
}

/* The operator after the path's last, KERF_NONE if the group ends there. */
static size_t next_of(const kerf_network *net, const path *p, const role *roles)
{
    size_t last = p->operators[p->n - 1];
    size_t tensor = only_output(net, &net->operators[last]);
    if (p->n == MAX_GROUP || tensor == KERF_NONE)
        return KERF_NONE;
    const kerf_tensor *through = &net->tensors[tensor];
    if (through->n_consumers != 1 || through->is_output)
        return KERF_NONE;
    size_t next = through->consumers[0];
    const kerf_operator *op = &net->operators[next];
    if (op->group != KERF_NONE || roles[next] == ALONE)
        return KERF_NONE;
    if (roles[next] == ANCHOR && roles[last] != DEQUANTIZE)
        return KERF_NONE;
    return may_join(net, p, op, roles[next], tensor) ? next : KERF_NONE;
}

static void walk(kerf_network *net, const role *roles, size_t first, path *p)
{
    size_t group = net->n_groups;
    p->n = 0;
    p->anchored = p->residual = false;
    for (size_t op = first; op != KERF_NONE; op = next_of(net, p, roles)) {
        if (p->n) {
            size_t through = only_output(net, &net->operators[p->operators[p->n - 1]]);
            p->residual = p->residual || (roles[op] != ANCHOR &&
                                          has_other_data(net, &net->operators[op], through));
        }
        p->anchored = p->anchored || roles[op] == ANCHOR;
        net->operators[op].group = group;
        p->operators[p->n++] = op;
        if (roles[first] == ALONE || roles[op] == QUANTIZE)
            break;
    }
}

/* What is inside a group is written, if at all, where the last tensor goes. */
static void share_storage(kerf_network *net, const path *p)
{
    size_t last = only_output(net, &net->operators[p->operators[p->n - 1]]);
    for (size_t i = 0; i + 1 < p->n; i++) {
        size_t inner = only_output(net, &net->operators[p->operators[i]]);
        if (last != KERF_NONE)
            net->tensors[inner].storage = last;
    }
}

/* A view's output lives in its input's memory, if that is data too. */
static void share_views(kerf_network *net)
{
    for (size_t i = 0; i < net->n_operators; i++) {
        const kerf_operator *op = &net->operators[i];
        if (op->cls != KERF_CLASS_VIEW || op->constant || !op->n_inputs || !op->n_outputs)
            continue;
        size_t from = op->inputs[0], to = op->outputs[0];
        if (from != KERF_NONE && to != KERF_NONE && !net->tensors[from].constant)
            net->tensors[to].storage = net->tensors[from].storage;
    }
}

bool ir_fuse(const ir_graph *graph, kerf_network *net)
{
    role *roles = kerf_calloc(net->n_operators, sizeof *roles);
    path p;
    bool ok = false;
    net->groups = kerf_calloc(net->n_placed, sizeof *net->groups);
    if (!roles || !net->groups)
        goto out;
    for (size_t i = 0; i < net->n_operators; i++)
        roles[i] = role_of(&graph->nodes[i], &net->operators[i]);
    for (size_t i = 0; i < net->n_operators; i++) {
        if (net->operators[i].constant || net->operators[i].group != KERF_NONE)
            continue;
        walk(net, roles, i, &p);
        kerf_group *group = &net->groups[net->n_groups];
        group->operators = kerf_calloc(p.n, sizeof *group->operators);
        if (!group->operators)
            goto out;
        memcpy(group->operators, p.operators, p.n * sizeof *group->operators);
        group->n_operators = p.n;
        net->n_groups++;
        share_storage(net, &p);
    }
    share_views(net);
    ok = true;
out:
    free(roles);
    return ok;
}
