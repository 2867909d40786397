#include "model/onnx/part.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static kerf_status no_memory(const onnx_parts *p)
{
    return kerf_fail(p->err, KERF_E_NOMEM, NULL, "out of memory");
}

static bool allocate_part(const onnx_outline *o, onnx_part *part)
{
    part->node = kerf_calloc(o->n_nodes, sizeof *part->node);
    part->runs = kerf_calloc(o->n_nodes, sizeof *part->runs);
    part->wanted = kerf_calloc(o->n_tensors, sizeof *part->wanted);
    part->available = kerf_calloc(o->n_tensors, sizeof *part->available);
    part->folded = kerf_calloc(o->n_tensors, sizeof *part->folded);
    return part->node && part->runs && part->wanted && part->available && part->folded;
}

static bool allocate(onnx_parts *p)
{
    const onnx_outline *o = p->outline;
    p->side = kerf_calloc(o->n_nodes, sizeof *p->side);
    p->order = kerf_calloc(o->n_nodes, sizeof *p->order);
    p->value_of = kerf_calloc(o->n_tensors, sizeof *p->value_of);
    p->network_tensor = kerf_calloc(o->n_tensors, sizeof *p->network_tensor);
    p->output_on_head = kerf_calloc(o->n_outputs, sizeof *p->output_on_head);
    return p->side && p->order && p->value_of && p->network_tensor && p->output_on_head &&
           allocate_part(o, &p->part[PART_HEAD]) && allocate_part(o, &p->part[PART_TAIL]);
}

/* --- the network and the file ------------------------------------------------------------------
 */

static void match_tensors(onnx_parts *p)
{
    const onnx_outline *o = p->outline;
    for (size_t t = 0; t < o->n_tensors; t++)
        p->value_of[t] = p->network_tensor[t] = KERF_NONE;
    for (size_t v = 0; v < p->graph->n_values; v++) {
        const size_t t = onnx_outline_find(o, p->graph->values[v].name);
        if (t != KERF_NONE)
            p->value_of[t] = v;
    }
    for (size_t i = 0; i < p->network->n_tensors; i++) {
        const size_t t = onnx_outline_find(o, p->network->tensors[i].name);
        if (t != KERF_NONE)
            p->network_tensor[t] = i;
    }
}

static kerf_status another_file(const onnx_parts *p, const char *where)
{
    return kerf_fail(p->err, KERF_E_INVALID, where,
                     "the file is not the one that the network was loaded from: it has changed");
}

/* The outputs of an operator of the graph itself are its node's; those inside a call's body have
 * names that the file has not. */
static bool is_same(const onnx_parts *p, const kerf_operator *op, size_t node)
{
    for (size_t i = 0; i < op->n_outputs; i++) {
        if (op->outputs[i] == KERF_NONE)
            continue;
        const size_t t = onnx_outline_find(p->outline, p->network->tensors[op->outputs[i]].name);
        if (t != KERF_NONE && p->outline->tensors[t].producer != node)
            return false;
    }
    return true;
}

static kerf_status place_nodes(onnx_parts *p, const kerf_side *side, const size_t *node_of)
{
    const kerf_network *net = p->network;
    for (size_t i = 0; i < net->n_operators; i++) {
        const size_t n = node_of[i];
        if (n >= p->outline->n_nodes || !is_same(p, &net->operators[i], n))
            return another_file(p, net->operators[i].name);
        if (net->operators[i].constant)
            continue;
        if (side[i] != KERF_SIDE_DEVICE && side[i] != KERF_SIDE_SERVER)
            return kerf_fail(p->err, KERF_E_INVALID, net->operators[i].name,
                             "is on no side, expected the device or the server");
        if (p->side[n] != KERF_SIDE_FREE && p->side[n] != side[i])
            return kerf_fail(p->err, KERF_E_INVALID, net->operators[i].name,
                             "the plan cuts a call of a function ('%.100s') in two: pin the "
                             "operators of its body to one side",
                             p->outline->nodes[n].name);
        p->side[n] = (unsigned char)side[i];
        p->part[side[i] == KERF_SIDE_DEVICE ? PART_HEAD : PART_TAIL].operators++;
    }
    return KERF_OK;
}

/* --- topological order
 * ----------------------------------------------------------------------------
 */

/* `rank` has room for every node. */
static bool is_topological(const onnx_outline *o, const size_t *order, size_t *rank)
{
    bool fine = true;
    memset(rank, 0, o->n_nodes * sizeof *rank);
    for (size_t i = 0; i < o->n_nodes; i++)
        rank[order[i]] = i + 1;
    for (size_t n = 0; n < o->n_nodes; n++)
        for (size_t j = 0; fine && j < o->nodes[n].n_inputs; j++) {
            const size_t producer = o->tensors[o->nodes[n].inputs[j]].producer;
            fine = rank[n] && (producer == KERF_NONE || rank[producer] < rank[n]);
        }
    return fine;
}

/* The file's own order if it is one, as ONNX asks for; else that of the network's operators, whose
 * last one stands for a call. */
static kerf_status sort_nodes(onnx_parts *p, const size_t *node_of)
{
    const onnx_outline *o = p->outline;
    size_t *rank = kerf_calloc(o->n_nodes, sizeof *rank);
    size_t left = o->n_nodes;
    kerf_status status = KERF_OK;
    if (!rank)
        return no_memory(p);
    for (size_t n = 0; n < o->n_nodes; n++)
        p->order[n] = n;
    if (is_topological(o, p->order, rank))
        goto out;
    memset(rank, 0, o->n_nodes * sizeof *rank);
    for (size_t i = p->network->n_operators; i-- > 0 && left;)
        if (!rank[node_of[i]]) {
            rank[node_of[i]] = 1;
            p->order[--left] = node_of[i];
        }
    for (size_t n = o->n_nodes; n-- > 0 && left;)
        if (!rank[n])
            p->order[--left] = n;
    if (!is_topological(o, p->order, rank))
        status = kerf_fail(p->err, KERF_E_UNSUPPORTED, NULL,
                           "its nodes are in no order that runs, and calls of functions are among "
                           "them");
out:
    free(rank);
    return status;
}

/* --- what crosses ------------------------------------------------------------------------------
 */

static bool is_fed(const onnx_outline *o, size_t t)
{
    return o->tensors[t].input != KERF_NONE && o->tensors[t].initializer == KERF_NONE;
}

static void enter_placed(onnx_parts *p, size_t n)
{
    const outline_node *node = &p->outline->nodes[n];
    onnx_part *part = &p->part[p->side[n] == KERF_SIDE_DEVICE ? PART_HEAD : PART_TAIL];
    part->node[n] = true;
    for (size_t j = 0; j < node->n_inputs; j++)
        part->wanted[node->inputs[j]] = true;
    for (size_t j = 0; j < node->n_outputs; j++)
        part->available[node->outputs[j]] = true;
}

static kerf_status cross(onnx_parts *p, size_t tensor, bool is_input, bool auxiliary)
{
    if (kerf_reserve(&p->crossing, &p->cap_crossing, p->n_crossing + 1, IR_MAX_VALUES,
                     sizeof *p->crossing))
        return no_memory(p);
    p->crossing[p->n_crossing++] = (struct part_crossing){tensor, is_input, auxiliary};
    p->part[PART_TAIL].available[tensor] = true;
    if (!is_input)
        p->part[PART_HEAD].wanted[tensor] = true;
    return KERF_OK;
}

static kerf_status check_flow(const onnx_parts *p)
{
    const onnx_outline *o = p->outline;
    for (size_t n = 0; n < o->n_nodes; n++)
        for (size_t j = 0; p->side[n] == KERF_SIDE_DEVICE && j < o->nodes[n].n_inputs; j++) {
            const size_t t = o->nodes[n].inputs[j], producer = o->tensors[t].producer;
            if (producer != KERF_NONE && p->side[producer] == KERF_SIDE_SERVER)
                return kerf_fail(p->err, KERF_E_INVALID, o->tensors[t].name,
                                 "would flow from the server back to the device");
        }
    return KERF_OK;
}

/* Network inputs first, in their order, then by producer. */
static kerf_status cross_wanted(onnx_parts *p)
{
    const onnx_outline *o = p->outline;
    const onnx_part *tail = &p->part[PART_TAIL];
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < o->n_inputs && status == KERF_OK; i++) {
        const size_t t = o->inputs[i].tensor;
        if (t != KERF_NONE && is_fed(o, t) && tail->wanted[t] && !tail->available[t])
            status = cross(p, t, true, false);
    }
    for (size_t i = 0; i < o->n_nodes && status == KERF_OK; i++) {
        const outline_node *node = &o->nodes[p->order[i]];
        if (p->side[p->order[i]] != KERF_SIDE_DEVICE)
            continue;
        for (size_t j = 0; j < node->n_outputs && status == KERF_OK; j++)
            if (tail->wanted[node->outputs[j]])
                status = cross(p, node->outputs[j], false, false);
    }
    return status;
}

/* --- constants ---------------------------------------------------------------------------------
 */

/* Which constant nodes a side can run: all their operands are weights, at hand, or made by such. */
static void find_runnable(onnx_parts *p, onnx_part *part)
{
    const onnx_outline *o = p->outline;
    for (size_t i = 0; i < o->n_nodes; i++) {
        const size_t n = p->order[i];
        bool runs = p->side[n] == KERF_SIDE_FREE;
        for (size_t j = 0; j < o->nodes[n].n_inputs && runs; j++) {
            const size_t t = o->nodes[n].inputs[j], producer = o->tensors[t].producer;
            runs = part->available[t] || o->tensors[t].initializer != KERF_NONE ||
                   (producer != KERF_NONE && part->runs[producer]);
        }
        part->runs[n] = runs;
    }
}

/* Whether the tensor has the same content in every run, whatever open dimensions turn out to be:
 * the graph was inferred without fixing them. */
static bool is_static(const onnx_parts *p, size_t t)
{
    if (p->value_of[t] == KERF_NONE)
        return false;
    const ir_value *value = &p->graph->values[p->value_of[t]];
    const int64_t n = ir_elements(value);
    if (!value->ints || n < 0 || !kerf_type_bits(value->type))
        return false;
    for (int64_t i = 0; i < n; i++)
        if (value->ints[i] == IR_UNKNOWN_INT)
            return false;
    return true;
}

static void include(onnx_parts *p, onnx_part *part, size_t n)
{
    const outline_node *node = &p->outline->nodes[n];
    part->node[n] = true;
    for (size_t j = 0; j < node->n_inputs; j++)
        part->wanted[node->inputs[j]] = true;
}

/* A constant node that this side cannot run, one of whose results it wants. */
static kerf_status replace(onnx_parts *p, int side, size_t n)
{
    const onnx_outline *o = p->outline;
    const outline_node *node = &o->nodes[n];
    onnx_part *part = &p->part[side];
    bool folds = true, reads_data = false;
    kerf_status status = KERF_OK;
    for (size_t j = 0; j < node->n_outputs; j++)
        folds = folds && (!part->wanted[node->outputs[j]] || is_static(p, node->outputs[j]));
    for (size_t j = 0; j < node->n_inputs; j++) {
        const size_t t = node->inputs[j], producer = o->tensors[t].producer;
        reads_data =
            reads_data ||
            (!part->available[t] &&
             (is_fed(o, t) || (producer != KERF_NONE && p->side[producer] != KERF_SIDE_FREE)));
    }
    if (!folds && !reads_data) {
        include(p, part, n);
        return KERF_OK;
    }
    for (size_t j = 0; j < node->n_outputs && status == KERF_OK; j++) {
        const size_t t = node->outputs[j];
        if (!part->wanted[t])
            continue;
        if (folds)
            part->folded[t] = true;
        else if (side == PART_TAIL)
            status = cross(p, t, false, true);
        else
            status = kerf_fail(p->err, KERF_E_UNSUPPORTED, node->name,
                               "the device needs the shape of a tensor that the server makes "
                               "('%.100s'), and it varies from run to run: pin its producer to "
                               "the device",
                               o->tensors[node->inputs[0]].name);
    }
    return status;
}

/* Users before producers, so that every node is asked once all its results are known to be
 * wanted or not. */
static kerf_status add_constants(onnx_parts *p, int side)
{
    const onnx_outline *o = p->outline;
    onnx_part *part = &p->part[side];
    kerf_status status = KERF_OK;
    for (size_t i = o->n_nodes; i-- > 0 && status == KERF_OK;) {
        const size_t n = p->order[i];
        bool wanted = false;
        for (size_t j = 0; j < o->nodes[n].n_outputs; j++)
            wanted = wanted || part->wanted[o->nodes[n].outputs[j]];
        if (!wanted || p->side[n] != KERF_SIDE_FREE)
            continue;
        if (part->runs[n])
            include(p, part, n);
        else
            status = replace(p, side, n);
    }
    return status;
}

/* --- results -------------------------------------------------------------------------------------
 */

/* A result that no placed node makes is the device's, which has it without waiting; unless it takes
 * what only the server has. */
static void assign_outputs(onnx_parts *p)
{
    const onnx_outline *o = p->outline;
    onnx_part *head = &p->part[PART_HEAD], *tail = &p->part[PART_TAIL];
    for (size_t i = 0; i < o->n_outputs; i++) {
        const size_t t = o->outputs[i].tensor;
        if (t == KERF_NONE)
            continue;
        const size_t producer = o->tensors[t].producer;
        bool on_head = head->exists;
        if (producer != KERF_NONE && p->side[producer] != KERF_SIDE_FREE)
            on_head = p->side[producer] == KERF_SIDE_DEVICE;
        else if (producer != KERF_NONE && head->exists && tail->exists)
            on_head = head->runs[producer] || is_static(p, t) || !tail->runs[producer];
        p->output_on_head[i] = on_head;
        (on_head ? head : tail)->wanted[t] = true;
    }
}

/* Everything is on one side: all of the file, needed or not. */
static void take_whole(onnx_parts *p, onnx_part *part)
{
    const onnx_outline *o = p->outline;
    part->whole = true;
    for (size_t n = 0; n < o->n_nodes; n++)
        part->node[n] = true;
    for (size_t t = 0; t < o->n_tensors; t++)
        part->wanted[t] = true;
    for (size_t i = 0; i < o->n_outputs; i++)
        p->output_on_head[i] = part == &p->part[PART_HEAD];
}

/* Quantization parameters of tensors that are there. */
static void want_annotations(const onnx_outline *o, onnx_part *part)
{
    for (size_t i = 0; i < o->n_annotations; i++) {
        const outline_annotation *a = &o->annotations[i];
        if (a->tensor == KERF_NONE || !(part->wanted[a->tensor] || part->available[a->tensor]))
            continue;
        for (size_t j = 0; j < a->n_parameters; j++)
            if (o->tensors[a->parameters[j]].initializer != KERF_NONE)
                part->wanted[a->parameters[j]] = true;
    }
}

static kerf_status divide(onnx_parts *p)
{
    onnx_part *head = &p->part[PART_HEAD], *tail = &p->part[PART_TAIL];
    const onnx_outline *o = p->outline;
    kerf_status status = cross_wanted(p);
    if (status != KERF_OK)
        return status;
    for (size_t i = 0; i < o->n_inputs; i++) /* the device has all inputs */
        if (o->inputs[i].tensor != KERF_NONE)
            head->available[o->inputs[i].tensor] = true;
    find_runnable(p, head);
    find_runnable(p, tail);
    assign_outputs(p);
    if (tail->exists && head->exists) {
        want_annotations(o, head);
        want_annotations(o, tail);
        status = add_constants(p, PART_TAIL);
        if (status == KERF_OK)
            status = add_constants(p, PART_HEAD);
    }
    return status;
}

kerf_status onnx_parts_choose(onnx_parts *p, const kerf_side *side, const size_t *node_of)
{
    onnx_part *head = &p->part[PART_HEAD], *tail = &p->part[PART_TAIL];
    if (!allocate(p))
        return no_memory(p);
    match_tensors(p);
    kerf_status status = place_nodes(p, side, node_of);
    if (status == KERF_OK)
        status = sort_nodes(p, node_of);
    if (status == KERF_OK)
        status = check_flow(p);
    if (status != KERF_OK)
        return status;
    for (size_t i = 0; i < p->outline->n_nodes; i++)
        if (p->side[i] != KERF_SIDE_FREE)
            enter_placed(p, i);
    tail->exists = tail->operators > 0;
    head->exists = head->operators > 0 || !tail->exists;
    status = divide(p);
    if (status == KERF_OK && !(head->exists && tail->exists))
        take_whole(p, head->exists ? head : tail);
    return status;
}

static void clear_part(onnx_part *part)
{
    free(part->node);
    free(part->runs);
    free(part->wanted);
    free(part->available);
    free(part->folded);
}

void onnx_parts_clear(onnx_parts *p)
{
    free(p->side);
    free(p->order);
    free(p->value_of);
    free(p->network_tensor);
    free(p->output_on_head);
    free(p->crossing);
    clear_part(&p->part[PART_HEAD]);
    clear_part(&p->part[PART_TAIL]);
}
