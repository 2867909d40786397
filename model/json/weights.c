/* Operands that a JSON network does not list, because attributes say all about them: weights, whose
 * shapes also depend on the operator's input, and short lists that ONNX has as constant operands.
 * Sources: the ONNX operators' definitions, opset 21.
 */
#include "model/json/reader.h"

#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNT ((int64_t)1 << 31) /* of channels, features, ... */

typedef struct maker {
    json_reader *reader;
    ir_node *node;
    kerf_type type; /* of the weights */
    int rank;       /* of the first input, -1: unknown */
    int64_t dims[IR_MAX_RANK];
} maker;

/* At an attribute, or at the operator where there is none to point to. */
static kerf_status fail(const maker *m, const char *attribute, const char *message)
{
    char where[128];
    snprintf(where, sizeof where, "/operators/%zu%s%s", m->node->source_index,
             attribute != NULL ? "/attributes/" : "", attribute != NULL ? attribute : "");
    return kerf_fail(m->reader->err, KERF_E_INVALID, where, "%s", message);
}

static kerf_status no_memory(const maker *m)
{
    return kerf_fail(m->reader->err, KERF_E_NOMEM, NULL, "out of memory");
}

static bool is_missing(const ir_node *node, size_t slot)
{
    return slot >= node->n_inputs || node->inputs[slot] == KERF_NONE;
}

static kerf_status set_operand(const maker *m, size_t slot, size_t value)
{
    ir_node *node = m->node;
    if (slot >= node->n_inputs) {
        size_t *inputs = kerf_realloc_array(node->inputs, slot + 1, sizeof *inputs);
        if (inputs == NULL)
            return no_memory(m);
        node->inputs = inputs;
        while (node->n_inputs <= slot)
            node->inputs[node->n_inputs++] = KERF_NONE;
    }
    node->inputs[slot] = value;
    return KERF_OK;
}

/* A constant named after its operator, "conv1.weight"; KERF_NONE: failed. */
static size_t new_constant(const maker *m, const char *what, kerf_type type, kerf_status *status)
{
    char label[512], name[600];
    snprintf(name, sizeof name, "%s.%s", ir_node_label(m->node, label, sizeof label), what);
    json_name *tensor = json_tensor(m->reader, name);
    if (tensor == NULL) {
        *status = no_memory(m);
        return KERF_NONE;
    }
    if (tensor->produced) {
        snprintf(name, sizeof name,
                 "needs the name \"%.100s.%s\" for its own tensor, which is "
                 "taken",
                 label, what);
        *status = fail(m, NULL, name);
        return KERF_NONE;
    }
    tensor->produced = true;
    ir_value *value = &m->reader->graph->values[tensor->index];
    value->type = type;
    value->initializer = value->constant = true;
    value->rank = 0;
    return tensor->index;
}

/* Puts a weight tensor of this shape in the slot, unless the document names one. */
static kerf_status add_weight(const maker *m, size_t slot, const char *what, int rank,
                              const int64_t *dims)
{
    kerf_status status = KERF_OK;
    int64_t product = 1;
    if (!is_missing(m->node, slot))
        return KERF_OK;
    for (int i = 0; i < rank; i++)
        if (dims[i] > 0 &&
            (__builtin_mul_overflow(product, dims[i], &product) || product > INT64_MAX / 128))
            return fail(m, NULL, "has too many weights to count");
    size_t index = new_constant(m, what, m->type, &status);
    if (index == KERF_NONE)
        return status;
    ir_value *value = &m->reader->graph->values[index];
    value->rank = rank;
    for (int i = 0; i < rank; i++)
        value->dims[i] = dims[i];
    return set_operand(m, slot, index);
}

static kerf_status add_vector(const maker *m, size_t slot, const char *what, int64_t size)
{
    return add_weight(m, slot, what, 1, &size);
}

/* A size that the operator cannot do without. */
static kerf_status need_count(const maker *m, const char *attribute, int64_t *count)
{
    char message[200];
    const ir_attr *attr = ir_attr_find(m->node, attribute);
    if (attr == NULL) {
        snprintf(message, sizeof message,
                 "has no weights, expected the attribute \"%s\" or a further input", attribute);
        return fail(m, NULL, message);
    }
    if (attr->kind != IR_ATTR_INT || attr->i < 1 || attr->i > MAX_COUNT) {
        snprintf(message, sizeof message, "is %" PRId64 ", expected an integer from 1 to %" PRId64,
                 attr->i, MAX_COUNT);
        return fail(m, attribute, message);
    }
    *count = attr->i;
    return KERF_OK;
}

/* Size of an axis of the input; negative axes count from the end. Unknown where out of range: the
 * shape rules say what is wrong with that. */
static int64_t input_dim(const maker *m, int64_t axis)
{
    if (axis < 0)
        axis += m->rank;
    return m->rank >= 0 && axis >= 0 && axis < m->rank ? m->dims[axis] : IR_DIM_UNKNOWN;
}

static kerf_status groups_of(const maker *m, int64_t channels, const char *what, int64_t *group)
{
    char message[160];
    *group = ir_attr_int(m->node, "group", 1);
    if (*group >= 1 && (channels < 0 || channels % *group == 0))
        return KERF_OK;
    snprintf(message, sizeof message, "is %" PRId64 ", expected a divisor of the %" PRId64 " %s",
             *group, channels, what);
    return fail(m, "group", message);
}

/* W is out x in/group x kernel; for ConvTranspose in x out/group x kernel. */
static kerf_status add_conv(const maker *m)
{
    if (!is_missing(m->node, 1))
        return KERF_OK;
    bool transposed = strcmp(m->node->type, "ConvTranspose") == 0;
    int64_t out = 0, in = input_dim(m, 1), group = 1, dims[IR_MAX_RANK] = {0};
    size_t n;
    kerf_status status = need_count(m, "out_channels", &out);
    if (status == KERF_OK)
        status = groups_of(m, in, "input channels", &group);
    if (status == KERF_OK)
        status = groups_of(m, out, "output channels", &group);
    if (status != KERF_OK)
        return status;
    const int64_t *kernel = ir_attr_ints(m->node, "kernel_shape", &n);
    if (kernel == NULL || n == 0 || n > IR_MAX_RANK - 2)
        return fail(m, kernel == NULL ? NULL : "kernel_shape",
                    kernel == NULL ? "has no weights, expected the attribute \"kernel_shape\""
                                   : "has a wrong number of entries, expected one per axis");
    dims[0] = transposed ? in : out;
    dims[1] = transposed ? out / group : in < 0 ? in : in / group;
    for (size_t i = 0; i < n; i++) {
        if (kernel[i] < 1 || kernel[i] > MAX_COUNT)
            return fail(m, "kernel_shape", "has an entry that is not from 1 to 2147483648");
        dims[i + 2] = kernel[i];
    }
    status = add_weight(m, 1, "weight", (int)n + 2, dims);
    if (status == KERF_OK && ir_attr_int(m->node, "bias", 0) != 0)
        status = add_vector(m, 2, "bias", out);
    return status;
}

static kerf_status add_gemm(const maker *m)
{
    if (!is_missing(m->node, 1))
        return KERF_OK;
    int64_t out = 0;
    kerf_status status = need_count(m, "out_features", &out);
    if (status != KERF_OK)
        return status;
    int64_t in = input_dim(m, ir_attr_int(m->node, "transA", 0) != 0 ? 0 : 1);
    bool transposed = ir_attr_int(m->node, "transB", 0) != 0;
    int64_t dims[2] = {transposed ? out : in, transposed ? in : out};
    status = add_weight(m, 1, "weight", 2, dims);
    if (status == KERF_OK && ir_attr_int(m->node, "bias", 0) != 0)
        status = add_vector(m, 2, "bias", out);
    return status;
}

static kerf_status add_matmul(const maker *m)
{
    if (!is_missing(m->node, 1))
        return KERF_OK;
    int64_t dims[2] = {input_dim(m, -1), 0};
    kerf_status status = need_count(m, "out_features", &dims[1]);
    return status != KERF_OK ? status : add_weight(m, 1, "weight", 2, dims);
}

static kerf_status add_channel_norm(const maker *m)
{
    static const char *const names[] = {"scale", "bias", "mean", "var"};
    size_t n = strcmp(m->node->type, "BatchNormalization") == 0 ? 4 : 2;
    kerf_status status = KERF_OK;
    for (size_t i = 0; i < n && status == KERF_OK; i++)
        status = add_vector(m, i + 1, names[i], input_dim(m, 1));
    return status;
}

static kerf_status add_layer_norm(const maker *m)
{
    int64_t axis = ir_attr_int(m->node, "axis", -1);
    if (axis < 0)
        axis += m->rank;
    if (m->rank < 0 || axis < 0 || axis >= m->rank) /* a weight of unknown shape would be a lie */
        return m->rank < 0 ? KERF_OK : fail(m, "axis", "is not an axis of the input");
    kerf_status status = add_weight(m, 1, "scale", m->rank - (int)axis, m->dims + axis);
    bool biased = strcmp(m->node->type, "LayerNormalization") == 0;
    if (status == KERF_OK && biased && ir_attr_int(m->node, "bias", 1) != 0)
        status = add_weight(m, 2, "bias", m->rank - (int)axis, m->dims + axis);
    return status;
}

/* One slope per channel, or one for all. */
static kerf_status add_prelu(const maker *m)
{
    int64_t dims[IR_MAX_RANK] = {0}, slopes = input_dim(m, 1);
    if (!is_missing(m->node, 1))
        return KERF_OK;
    if (ir_attr_find(m->node, "num_parameters") != NULL) {
        kerf_status status = need_count(m, "num_parameters", &slopes);
        if (status != KERF_OK)
            return status;
    }
    int rank = slopes != 1 && m->rank > 2 ? m->rank - 1 : 1;
    for (int i = 0; i < rank; i++)
        dims[i] = 1;
    dims[0] = slopes;
    return add_weight(m, 1, "slope", rank, dims);
}

/* W: directions x gates*hidden x input, R: the same by hidden, B: both's biases. */
static kerf_status add_recurrent(const maker *m)
{
    if (!is_missing(m->node, 1))
        return KERF_OK;
    const char *type = m->node->type;
    int64_t gates = strcmp(type, "LSTM") == 0 ? 4 : strcmp(type, "GRU") == 0 ? 3 : 1, hidden = 0;
    kerf_status status = need_count(m, "hidden_size", &hidden);
    if (status != KERF_OK)
        return status;
    const char *direction = ir_attr_string(m->node, "direction", "forward");
    int64_t directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    int64_t w[3] = {directions, gates * hidden, input_dim(m, 2)};
    int64_t r[3] = {directions, gates * hidden, hidden};
    int64_t b[2] = {directions, 2 * gates * hidden};
    status = add_weight(m, 1, "weight", 3, w);
    if (status == KERF_OK)
        status = add_weight(m, 2, "recurrence", 3, r);
    if (status == KERF_OK && ir_attr_int(m->node, "bias", 1) != 0)
        status = add_weight(m, 3, "bias", 2, b);
    return status;
}

/* An embedding: the only input are the indices, the table comes before it. */
static kerf_status add_table(const maker *m)
{
    ir_node *node = m->node;
    if (ir_attr_find(node, "num_embeddings") == NULL && ir_attr_find(node, "embedding_dim") == NULL)
        return KERF_OK;
    if (node->n_inputs != 1 || node->inputs[0] == KERF_NONE)
        return fail(m, NULL, "has a table of its own, expected the indices as its only input");
    int64_t dims[2] = {0};
    kerf_status status = need_count(m, "num_embeddings", &dims[0]);
    if (status == KERF_OK)
        status = need_count(m, "embedding_dim", &dims[1]);
    if (status == KERF_OK)
        status = set_operand(m, 1, node->inputs[0]);
    if (status != KERF_OK)
        return status;
    node->inputs[0] = KERF_NONE;
    return add_weight(m, 0, "table", 2, dims);
}

/* The operands of an element-wise operator are of one type. */
static maker with_input_type(const maker *m)
{
    maker same = *m;
    const ir_value *input = &m->reader->graph->values[m->node->inputs[0]];
    if (ir_attr_find(m->node, "weight_type") == NULL && input->type != KERF_TYPE_UNKNOWN)
        same.type = input->type;
    return same;
}

static kerf_status add_scalar(const maker *m, double number)
{
    kerf_status status = KERF_OK;
    size_t index = new_constant(m, "constant", m->type, &status);
    if (index == KERF_NONE)
        return status;
    ir_value *value = &m->reader->graph->values[index];
    if (json_is_real_type(m->type)) {
        value->floats = kerf_calloc(1, sizeof *value->floats);
        if (value->floats == NULL)
            return no_memory(m);
        value->floats[0] = number;
    } else {
        value->ints = kerf_calloc(1, sizeof *value->ints);
        if (value->ints == NULL)
            return no_memory(m);
        value->ints[0] = fabs(number) < 9e18 ? (int64_t)number : IR_UNKNOWN_INT;
    }
    return set_operand(m, 1, index);
}

static kerf_status add_array(const maker *m, int rank, const int64_t *shape)
{
    if (rank > IR_MAX_RANK)
        return fail(m, "constant_shape", "has too many dimensions");
    for (int i = 0; i < rank; i++)
        if (shape[i] < 1 || shape[i] > JSON_MAX_DIM)
            return fail(m, "constant_shape", "has an entry that is no size");
    return add_weight(m, 1, "constant", rank, shape);
}

/* "constant_shape": a second operand of that shape whose values do not matter (a bias);
 * "constant_value": a scalar, which counts as no weight. */
static kerf_status add_elementwise(const maker *m)
{
    size_t n;
    const int64_t *shape = ir_attr_ints(m->node, "constant_shape", &n);
    const ir_attr *scalar = ir_attr_find(m->node, "constant_value");
    if (shape == NULL && scalar == NULL)
        return KERF_OK;
    if (shape != NULL && scalar != NULL)
        return fail(m, NULL, "has both \"constant_shape\" and \"constant_value\", expected one");
    if (m->node->n_inputs != 1 || m->node->inputs[0] == KERF_NONE)
        return fail(m, shape != NULL ? "constant_shape" : "constant_value",
                    "stands for the second operand, expected one input");
    maker same = with_input_type(m);
    return scalar != NULL ? add_scalar(&same, scalar->f) : add_array(&same, (int)n, shape);
}

/* Attributes that stand for constant operands, by operator and slot. INTEGER and REAL: one number
 * makes a scalar, not a list of one. */
typedef enum operand_kind { INTEGERS, REALS, INTEGER, REAL } operand_kind;

static const struct operand_row {
    const char *type, *attribute;
    size_t slot;
    operand_kind kind;
} operand_rows[] = {
    {"Reshape", "shape", 1, INTEGERS},
    {"Expand", "shape", 1, INTEGERS},
    {"Tile", "repeats", 1, INTEGERS},
    {"Squeeze", "axes", 1, INTEGERS},
    {"Unsqueeze", "axes", 1, INTEGERS},
    {"Slice", "starts", 1, INTEGERS},
    {"Slice", "ends", 2, INTEGERS},
    {"Slice", "axes", 3, INTEGERS},
    {"Slice", "steps", 4, INTEGERS},
    {"Pad", "pads", 1, INTEGERS},
    {"Pad", "value", 2, REAL},
    {"Clip", "min", 1, REAL},
    {"Clip", "max", 2, REAL},
    {"Split", "split", 1, INTEGERS},
    {"TopK", "k", 1, INTEGERS},
    {"Resize", "scales", 2, REALS},
    {"Resize", "sizes", 3, INTEGERS},
    {"Gather", "indices", 1, INTEGER},
    {"CumSum", "axis", 1, INTEGER},
    {"Trilu", "k", 1, INTEGER},
    {"Dropout", "ratio", 1, REAL},
    {"ReduceL1", "axes", 1, INTEGERS},
    {"ReduceL2", "axes", 1, INTEGERS},
    {"ReduceLogSum", "axes", 1, INTEGERS},
    {"ReduceLogSumExp", "axes", 1, INTEGERS},
    {"ReduceMax", "axes", 1, INTEGERS},
    {"ReduceMean", "axes", 1, INTEGERS},
    {"ReduceMin", "axes", 1, INTEGERS},
    {"ReduceProd", "axes", 1, INTEGERS},
    {"ReduceSum", "axes", 1, INTEGERS},
    {"ReduceSumSquare", "axes", 1, INTEGERS},
};

/* The attribute's content moves into the constant. */
static kerf_status fill_operand(const maker *m, const struct operand_row *row, ir_attr *attr,
                                ir_value *value)
{
    bool real = row->kind == REALS || row->kind == REAL;
    bool list = attr->kind == IR_ATTR_INTS || attr->kind == IR_ATTR_FLOATS;
    size_t n = list ? attr->n : 1;
    value->rank = list || row->kind == INTEGERS || row->kind == REALS ? 1 : 0;
    value->dims[0] = (int64_t)n;
    if (n > IR_MAX_FOLD)
        return KERF_OK;
    if (real) {
        value->floats = kerf_calloc(n, sizeof *value->floats);
        for (size_t i = 0; value->floats != NULL && i < n; i++)
            value->floats[i] = attr->kind == IR_ATTR_FLOATS ? attr->floats[i] : attr->f;
    } else {
        value->ints = kerf_calloc(n, sizeof *value->ints);
        for (size_t i = 0; value->ints != NULL && i < n; i++)
            value->ints[i] = attr->kind == IR_ATTR_INTS ? attr->ints[i] : attr->i;
    }
    return value->floats != NULL || value->ints != NULL ? KERF_OK : no_memory(m);
}

static void remove_attr(ir_node *node, ir_attr *attr)
{
    free(attr->name);
    free(attr->ints);
    free(attr->floats);
    size_t index = (size_t)(attr - node->attrs);
    memmove(attr, attr + 1, (node->n_attrs - index - 1) * sizeof *attr);
    node->n_attrs--;
}

static kerf_status add_operand(const maker *m, const struct operand_row *row)
{
    ir_attr *attr = NULL;
    for (size_t i = 0; i < m->node->n_attrs; i++)
        if (strcmp(m->node->attrs[i].name, row->attribute) == 0)
            attr = &m->node->attrs[i];
    if (attr == NULL)
        return KERF_OK;
    if (!is_missing(m->node, row->slot))
        return fail(m, row->attribute, "is given as an input too, expected one of them");
    kerf_status status = KERF_OK;
    bool real = row->kind == REALS || row->kind == REAL;
    kerf_type type = !real ? KERF_INT64
                     : strcmp(row->type, "Clip") == 0 || strcmp(row->type, "Pad") == 0
                         ? m->type
                         : KERF_FLOAT32;
    size_t index = new_constant(m, row->attribute, type, &status);
    if (index == KERF_NONE)
        return status;
    status = fill_operand(m, row, attr, &m->reader->graph->values[index]);
    if (status == KERF_OK)
        status = set_operand(m, row->slot, index);
    if (status == KERF_OK)
        remove_attr(m->node, attr);
    return status;
}

static const struct weight_row {
    const char *type;
    kerf_status (*add)(const maker *m);
} weight_rows[] = {
    {"Conv", add_conv},
    {"ConvTranspose", add_conv},
    {"Gemm", add_gemm},
    {"MatMul", add_matmul},
    {"BatchNormalization", add_channel_norm},
    {"InstanceNormalization", add_channel_norm},
    {"GroupNormalization", add_channel_norm},
    {"LayerNormalization", add_layer_norm},
    {"RMSNormalization", add_layer_norm},
    {"PRelu", add_prelu},
    {"LSTM", add_recurrent},
    {"GRU", add_recurrent},
    {"RNN", add_recurrent},
    {"Gather", add_table},
};

#define WEIGHT_ROWS  (sizeof weight_rows / sizeof weight_rows[0])
#define OPERAND_ROWS (sizeof operand_rows / sizeof operand_rows[0])

/* The weights' type is the input's where that is a real number, "weight_type" where given. */
static kerf_status find_input(maker *m)
{
    const ir_graph *graph = m->reader->graph;
    m->rank = -1;
    m->type = KERF_FLOAT32;
    if (!is_missing(m->node, 0)) {
        const ir_value *input = &graph->values[m->node->inputs[0]];
        m->rank = input->rank;
        if (input->rank > 0)
            memcpy(m->dims, input->dims, (size_t)input->rank * sizeof m->dims[0]);
        if (input->type == KERF_FLOAT16 || input->type == KERF_BFLOAT16 ||
            input->type == KERF_FLOAT64)
            m->type = input->type;
    }
    const char *stated = ir_attr_string(m->node, "weight_type", NULL);
    if (stated != NULL && !json_find_type(stated, &m->type))
        return fail(m, "weight_type", "is no element type, expected one such as \"float16\"");
    return KERF_OK;
}

kerf_status json_add_operands(json_reader *reader, size_t node)
{
    maker m = {.reader = reader, .node = &reader->graph->nodes[node]};
    if (m.node->figures_given)
        return KERF_OK;
    kerf_status status = find_input(&m);
    for (size_t i = 0; i < WEIGHT_ROWS && status == KERF_OK; i++)
        if (strcmp(weight_rows[i].type, m.node->type) == 0)
            status = weight_rows[i].add(&m);
    for (size_t i = 0; i < OPERAND_ROWS && status == KERF_OK; i++)
        if (strcmp(operand_rows[i].type, m.node->type) == 0)
            status = add_operand(&m, &operand_rows[i]);
    if (status == KERF_OK)
        status = add_elementwise(&m);
    return status;
}
