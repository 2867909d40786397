/* What a split sends: which tensors, under which names, in which types. */
#include "model/split_job.h"

#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_OPSET 10 /* that has QuantizeLinear */

static bool is_real(kerf_type type)
{
    return type == KERF_FLOAT64 || type == KERF_FLOAT32 || type == KERF_FLOAT16 ||
           type == KERF_BFLOAT16;
}

/* An encoding never makes a tensor larger than it is (kerf_wire_bytes). */
static kerf_type wire_type(kerf_wire wire, kerf_type own)
{
    static const kerf_type types[] = {[KERF_WIRE_FLOAT32] = KERF_FLOAT32,
                                      [KERF_WIRE_FLOAT16] = KERF_FLOAT16,
                                      [KERF_WIRE_INT8] = KERF_INT8};
    if (wire == KERF_WIRE_OWN || !is_real(own) ||
        kerf_type_bits(types[wire]) >= kerf_type_bits(own))
        return own;
    return types[wire];
}

static bool is_taken(const onnx_outline *o, const char *name)
{
    for (size_t t = 0; t < o->n_tensors; t++)
        if (strncmp(o->tensors[t].name, name, strlen(name)) == 0)
            return true;
    return false;
}

static char *wire_name(const onnx_outline *o, const char *tensor, bool encoded)
{
    const size_t size = strlen(tensor) + 32;
    if (!encoded)
        return kerf_strdup(tensor);
    char *name = kerf_calloc(size, 1);
    if (name)
        snprintf(name, size, "%s/wire", tensor);
    for (unsigned i = 2; name && is_taken(o, name); i++)
        snprintf(name, size, "%s/wire%u", tensor, i);
    return name;
}

/* Scale and zero point of a range. A tensor that is always 0 takes any scale. */
static void spread(const kerf_range *range, kerf_crossing *c)
{
    const double low = fmin(range->min, 0), high = fmax(range->max, 0);
    const double whole = range->asymmetric ? high - low : fmax(-low, high);
    const double scale = whole / (range->asymmetric ? 255 : 127);
    c->scale = whole > 0 ? fmax((double)(float)scale, FLT_MIN) : 1;
    c->zero_point = range->asymmetric ? (int)fmin(255, rint(-low / c->scale)) : 0;
}

static kerf_status quantize(const split_job *s, const char *tensor, kerf_crossing *c)
{
    const kerf_range *range = NULL;
    for (size_t i = 0; i < s->options->n_ranges; i++)
        if (strcmp(s->options->ranges[i].tensor, tensor) == 0)
            range = &s->options->ranges[i];
    if (!range)
        return kerf_fail(s->err, KERF_E_INVALID, tensor,
                         "crosses as int8 and has no range: name it in the file of ranges");
    if (s->outline.opset < MIN_OPSET)
        return kerf_fail(s->err, KERF_E_UNSUPPORTED, NULL,
                         "states operator set %lld, and int8 needs %d or newer (QuantizeLinear)",
                         (long long)s->outline.opset, MIN_OPSET);
    c->wire_type = range->asymmetric ? KERF_UINT8 : KERF_INT8;
    c->zero_point = range->zero_point;
    c->scale = (double)(float)range->scale;
    if (range->scale == 0)
        spread(range, c);
    if (!(c->scale > 0) || !isfinite(c->scale) || !(range->min <= range->max) ||
        c->zero_point < 0 || c->zero_point > (range->asymmetric ? 255 : 0))
        return kerf_fail(s->err, KERF_E_INVALID, tensor,
                         "has a range that cannot be quantized, expected a minimum below a "
                         "maximum, or a scale above 0, and zero point 0, or one from 0 to 255 for "
                         "uint8");
    return KERF_OK;
}

static kerf_status describe(split_job *s, size_t i)
{
    const struct part_crossing *from = &s->parts.crossing[i];
    kerf_crossing *c = &s->split->crossing[i];
    c->tensor = s->parts.network_tensor[from->tensor];
    if (c->tensor == KERF_NONE)
        return kerf_fail(s->err, KERF_E_INTERNAL, s->outline.tensors[from->tensor].name,
                         "crosses, and is no tensor of the network");
    const kerf_tensor *tensor = &s->network->tensors[c->tensor];
    const bool encodes = s->parts.part[PART_HEAD].exists && !from->auxiliary;
    c->is_input = from->is_input;
    c->auxiliary = from->auxiliary;
    c->wire_type = encodes ? wire_type(s->options->wire, tensor->type) : tensor->type;
    c->wire_bytes = tensor->bytes;
    if (c->wire_type != tensor->type && tensor->elements >= 0)
        c->wire_bytes = tensor->elements * kerf_type_bits(c->wire_type) / 8;
    c->wire_name = wire_name(&s->outline, tensor->name, c->wire_type != tensor->type);
    if (!c->wire_name)
        return split_no_memory(s);
    return c->wire_type == KERF_INT8 && is_real(tensor->type) ? quantize(s, tensor->name, c)
                                                              : KERF_OK;
}

kerf_status split_describe_crossing(split_job *s)
{
    kerf_status status = KERF_OK;
    s->split->crossing = kerf_calloc(s->parts.n_crossing, sizeof *s->split->crossing);
    if (!s->split->crossing)
        return split_no_memory(s);
    s->split->n_crossing = s->parts.n_crossing;
    for (size_t i = 0; i < s->parts.n_crossing && status == KERF_OK; i++)
        status = describe(s, i);
    return status;
}

static bool is_sent(const split_job *s, size_t tensor, bool *encoded)
{
    for (size_t i = 0; i < s->parts.n_crossing; i++)
        if (s->parts.crossing[i].tensor == tensor) {
            *encoded = onnx_is_encoded(&s->parts, i, &s->split->crossing[i]);
            return true;
        }
    return false;
}

kerf_status split_describe_ports(split_job *s)
{
    const kerf_network *net = s->network;
    const onnx_part *head = &s->parts.part[PART_HEAD], *tail = &s->parts.part[PART_TAIL];
    kerf_split *split = s->split;
    split->input_side = kerf_calloc(net->n_inputs, sizeof *split->input_side);
    split->output_side = kerf_calloc(net->n_outputs, sizeof *split->output_side);
    if (!split->input_side || !split->output_side)
        return split_no_memory(s);
    for (size_t i = 0; i < net->n_inputs; i++) {
        const size_t t = onnx_outline_find(&s->outline, net->tensors[net->inputs[i]].name);
        bool encoded = false, at_tail, at_head;
        at_tail = tail->exists && t != KERF_NONE && (tail->whole || is_sent(s, t, &encoded));
        at_head = head->exists && t != KERF_NONE && (head->wanted[t] || encoded);
        split->input_side[i] = at_tail && at_head ? KERF_SIDE_FREE
                               : at_tail          ? KERF_SIDE_SERVER
                                                  : KERF_SIDE_DEVICE;
    }
    for (size_t i = 0; i < net->n_outputs; i++) {
        const size_t t = onnx_outline_find(&s->outline, net->tensors[net->outputs[i]].name);
        const size_t output = t == KERF_NONE ? KERF_NONE : s->outline.tensors[t].output;
        split->output_side[i] = output != KERF_NONE && s->parts.output_on_head[output]
                                    ? KERF_SIDE_DEVICE
                                    : KERF_SIDE_SERVER;
    }
    return KERF_OK;
}
