/* Which operators a JSON network may hold, and which attributes they have: ONNX's own (opset 21 and
 * what was added since, without those that hold graphs or sequences) and kerf's, which stand for
 * operands (weights.c). A misspelt type or attribute would otherwise change a network's figures in
 * silence. */
#include "model/json/reader.h"

#include "base/memory.h"
#include "base/text.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#define CONV        "auto_pad dilations group kernel_shape pads strides"
#define POOL        "auto_pad ceil_mode dilations kernel_shape pads strides"
#define REDUCE      "keepdims noop_with_empty_axes axes"
#define ELEMENTWISE "constant_shape constant_value weight_type"
#define RECURRENT                                                                                  \
    "activation_alpha activation_beta activations clip direction hidden_size layout bias "         \
    "weight_type"

/* Sorted by type. */
static const struct operator_row {
    const char *type, *attributes;
} operators[] = {
    /* clang-format off */
    {"Abs", ""},
    {"Acos", ""},
    {"Acosh", ""},
    {"Add", ELEMENTWISE},
    {"AffineGrid", "align_corners"},
    {"And", ""},
    {"ArgMax", "axis keepdims select_last_index"},
    {"ArgMin", "axis keepdims select_last_index"},
    {"Asin", ""},
    {"Asinh", ""},
    {"Atan", ""},
    {"Atanh", ""},
    {"Attention", "is_causal kv_num_heads q_num_heads qk_matmul_output_mode scale softcap softmax_precision"},
    {"AveragePool", POOL " count_include_pad"},
    {"BatchNormalization", "epsilon momentum training_mode weight_type"},
    {"Bernoulli", "dtype seed"},
    {"BitShift", "direction"},
    {"BitwiseAnd", ""},
    {"BitwiseNot", ""},
    {"BitwiseOr", ""},
    {"BitwiseXor", ""},
    {"BlackmanWindow", "output_datatype periodic"},
    {"Cast", "saturate to"},
    {"CastLike", "saturate"},
    {"Ceil", ""},
    {"Celu", "alpha"},
    {"CenterCropPad", "axes"},
    {"Clip", "min max"},
    {"Col2Im", "dilations pads strides"},
    {"Compress", "axis"},
    {"Concat", "axis"},
    {"Constant", "value_float value_floats value_int value_ints"},
    {"ConstantOfShape", ""},
    {"Conv", CONV " out_channels bias weight_type"},
    {"ConvInteger", CONV},
    {"ConvTranspose", CONV " output_padding output_shape out_channels bias weight_type"},
    {"Cos", ""},
    {"Cosh", ""},
    {"CumSum", "exclusive reverse axis"},
    {"DFT", "axis inverse onesided"},
    {"DeformConv", "dilations group kernel_shape offset_group pads strides"},
    {"DepthToSpace", "blocksize mode"},
    {"DequantizeLinear", "axis block_size"},
    {"Det", ""},
    {"Div", ELEMENTWISE},
    {"Dropout", "seed ratio"},
    {"DynamicQuantizeLinear", ""},
    {"Einsum", "equation"},
    {"Elu", "alpha"},
    {"Equal", ELEMENTWISE},
    {"Erf", ""},
    {"Exp", ""},
    {"Expand", "shape"},
    {"EyeLike", "dtype k"},
    {"Flatten", "axis"},
    {"Floor", ""},
    {"GRU", RECURRENT " linear_before_reset"},
    {"Gather", "axis indices num_embeddings embedding_dim weight_type"},
    {"GatherElements", "axis"},
    {"GatherND", "batch_dims"},
    {"Gelu", "approximate"},
    {"Gemm", "alpha beta transA transB out_features bias weight_type"},
    {"GlobalAveragePool", ""},
    {"GlobalLpPool", "p"},
    {"GlobalMaxPool", ""},
    {"Greater", ELEMENTWISE},
    {"GreaterOrEqual", ELEMENTWISE},
    {"GridSample", "align_corners mode padding_mode"},
    {"GroupNormalization", "epsilon num_groups stash_type weight_type"},
    {"HammingWindow", "output_datatype periodic"},
    {"HannWindow", "output_datatype periodic"},
    {"HardSigmoid", "alpha beta"},
    {"HardSwish", ""},
    {"Hardmax", "axis"},
    {"Identity", ""},
    {"InstanceNormalization", "epsilon weight_type"},
    {"IsInf", "detect_negative detect_positive"},
    {"IsNaN", ""},
    {"LRN", "alpha beta bias size"},
    {"LSTM", RECURRENT " input_forget"},
    {"LayerNormalization", "axis epsilon stash_type bias weight_type"},
    {"LeakyRelu", "alpha"},
    {"Less", ELEMENTWISE},
    {"LessOrEqual", ELEMENTWISE},
    {"Log", ""},
    {"LogSoftmax", "axis"},
    {"LpNormalization", "axis p"},
    {"LpPool", POOL " p"},
    {"MatMul", "out_features weight_type"},
    {"MatMulInteger", ""},
    {"Max", ELEMENTWISE},
    {"MaxPool", POOL " storage_order"},
    {"MaxRoiPool", "pooled_shape spatial_scale"},
    {"MaxUnpool", "kernel_shape pads strides"},
    {"Mean", ""},
    {"MeanVarianceNormalization", "axes"},
    {"MelWeightMatrix", "output_datatype"},
    {"Min", ELEMENTWISE},
    {"Mish", ""},
    {"Mod", "fmod"},
    {"Mul", ELEMENTWISE},
    {"Multinomial", "dtype sample_size seed"},
    {"Neg", ""},
    {"NonMaxSuppression", "center_point_box"},
    {"NonZero", ""},
    {"Not", ""},
    {"OneHot", "axis"},
    {"Or", ""},
    {"PRelu", "num_parameters weight_type"},
    {"Pad", "mode pads value"},
    {"Pow", ELEMENTWISE},
    {"QLinearConv", CONV},
    {"QLinearMatMul", ""},
    {"QuantizeLinear", "axis block_size output_dtype saturate"},
    {"RMSNormalization", "axis epsilon stash_type weight_type"},
    {"RNN", RECURRENT},
    {"RandomNormal", "dtype mean scale seed shape"},
    {"RandomNormalLike", "dtype mean scale seed"},
    {"RandomUniform", "dtype high low seed shape"},
    {"RandomUniformLike", "dtype high low seed"},
    {"Range", ""},
    {"Reciprocal", ""},
    {"ReduceL1", REDUCE},
    {"ReduceL2", REDUCE},
    {"ReduceLogSum", REDUCE},
    {"ReduceLogSumExp", REDUCE},
    {"ReduceMax", REDUCE},
    {"ReduceMean", REDUCE},
    {"ReduceMin", REDUCE},
    {"ReduceProd", REDUCE},
    {"ReduceSum", REDUCE},
    {"ReduceSumSquare", REDUCE},
    {"Relu", ""},
    {"Reshape", "allowzero shape"},
    {"Resize", "antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode scales sizes"},
    {"ReverseSequence", "batch_axis time_axis"},
    {"RoiAlign", "coordinate_transformation_mode mode output_height output_width sampling_ratio spatial_scale"},
    {"RotaryEmbedding", "interleaved num_heads rotary_embedding_dim"},
    {"Round", ""},
    {"STFT", "onesided"},
    {"ScatterElements", "axis reduction"},
    {"ScatterND", "reduction"},
    {"Selu", "alpha gamma"},
    {"Shape", "end start"},
    {"Shrink", "bias lambd"},
    {"Sigmoid", ""},
    {"Sign", ""},
    {"Sin", ""},
    {"Sinh", ""},
    {"Size", ""},
    {"Slice", "starts ends axes steps"},
    {"Softmax", "axis"},
    {"Softplus", ""},
    {"Softsign", ""},
    {"SpaceToDepth", "blocksize"},
    {"Split", "axis num_outputs split"},
    {"Sqrt", ""},
    {"Squeeze", "axes"},
    {"Sub", ELEMENTWISE},
    {"Sum", ""},
    {"Swish", "alpha"},
    {"Tan", ""},
    {"Tanh", ""},
    {"ThresholdedRelu", "alpha"},
    {"Tile", "repeats"},
    {"TopK", "axis largest sorted k"},
    {"Transpose", "perm"},
    {"Trilu", "upper k"},
    {"Unique", "axis sorted"},
    {"Unsqueeze", "axes"},
    {"Where", ""},
    {"Xor", ""},
    /* clang-format on */
};

#define OPERATOR_COUNT (sizeof operators / sizeof operators[0])

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct operator_row *)a)->type, ((const struct operator_row *)b)->type);
}

const char *json_operator_attributes(const char *type)
{
    struct operator_row wanted = {type, NULL};
    const struct operator_row *row =
        bsearch(&wanted, operators, OPERATOR_COUNT, sizeof operators[0], compare_rows);
    return row != NULL ? row->attributes : NULL;
}

const char *json_similar_operator(const char *type)
{
    const char *best = NULL;
    size_t distance = SIZE_MAX;
    for (size_t i = 0; i < OPERATOR_COUNT; i++)
        if (kerf_resembles(type, operators[i].type, &distance))
            best = operators[i].type;
    return best;
}

/* Copies the first word of a list separated by spaces; returns the rest. */
static const char *next_word(const char *list, char *word, size_t size)
{
    size_t length = strcspn(list, " ");
    size_t kept = length < size - 1 ? length : size - 1;
    memcpy(word, list, kept);
    word[kept] = '\0';
    return list + length + (list[length] == ' ');
}

static bool contains(const char *list, const char *name)
{
    char word[64];
    while (*list != '\0') {
        list = next_word(list, word, sizeof word);
        if (strcmp(word, name) == 0)
            return true;
    }
    return false;
}

static bool check_name(const kerf_json *at, const char *type)
{
    char word[64], best[64] = "";
    size_t distance = SIZE_MAX;
    if (contains(json_operator_attributes(type), at->key))
        return true;
    for (const char *list = json_operator_attributes(type); *list != '\0';) {
        list = next_word(list, word, sizeof word);
        if (kerf_resembles(at->key, word, &distance))
            memcpy(best, word, sizeof best);
    }
    if (best[0] != '\0')
        return kerf_json_fail(at, KERF_E_INVALID, "is no attribute of %s, did you mean \"%s\"?",
                              type, best);
    return kerf_json_fail(at, KERF_E_INVALID, "is no attribute of %s", type);
}

/* What an attribute's value has to be, by its name; all others are integers, or true and false.
 * A value of another kind would be passed over where the attribute is looked up. */
#define REALS                                                                                      \
    "alpha beta clip constant_value cubic_coeff_a epsilon extrapolation_value gamma high lambd "   \
    "low max mean min momentum ratio scale seed softcap spatial_scale value value_float"
#define REAL_LISTS "activation_alpha activation_beta scales value_floats"
#define STRINGS                                                                                    \
    "approximate auto_pad coordinate_transformation_mode direction equation "                      \
    "keep_aspect_ratio_policy mode nearest_mode padding_mode reduction weight_type"
#define STRING_LISTS "activations"
#define INTEGER_LISTS                                                                              \
    "axes constant_shape dilations ends kernel_shape output_padding output_shape pads perm "       \
    "pooled_shape repeats shape sizes split starts steps strides value_ints"
#define TYPES "dtype output_datatype output_dtype to"

/* ONNX numbers the element types; a document may write their names. */
static int64_t onnx_code(kerf_type type)
{
    static const int64_t codes[] = {
        [KERF_FLOAT32] = 1, [KERF_UINT8] = 2,      [KERF_INT8] = 3,        [KERF_UINT16] = 4,
        [KERF_INT16] = 5,   [KERF_INT32] = 6,      [KERF_INT64] = 7,       [KERF_STRING] = 8,
        [KERF_BOOL] = 9,    [KERF_FLOAT16] = 10,   [KERF_FLOAT64] = 11,    [KERF_UINT32] = 12,
        [KERF_UINT64] = 13, [KERF_COMPLEX64] = 14, [KERF_COMPLEX128] = 15, [KERF_BFLOAT16] = 16,
        [KERF_FLOAT8] = 17, [KERF_UINT4] = 21,     [KERF_INT4] = 22,
    };
    return codes[type];
}

static bool read_integers(const kerf_json *list, ir_attr *attr)
{
    size_t n;
    if (!kerf_json_as_array(list, &n))
        return false;
    attr->kind = IR_ATTR_INTS;
    attr->ints = kerf_calloc(n, sizeof *attr->ints);
    if (attr->ints == NULL)
        return json_no_memory(list);
    attr->n = n;
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(list, i);
        if (!kerf_json_as_integer(&at, INT64_MIN + 1, INT64_MAX, &attr->ints[i]))
            return false;
    }
    return true;
}

static bool read_reals(const kerf_json *list, ir_attr *attr)
{
    size_t n;
    if (!kerf_json_as_array(list, &n))
        return false;
    attr->kind = IR_ATTR_FLOATS;
    attr->floats = kerf_calloc(n, sizeof *attr->floats);
    if (attr->floats == NULL)
        return json_no_memory(list);
    attr->n = n;
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(list, i);
        if (!kerf_json_as_number(&at, -DBL_MAX, DBL_MAX, &attr->floats[i]))
            return false;
    }
    return true;
}

static bool read_string(const kerf_json *at, char **string)
{
    const char *text;
    if (!kerf_json_as_string(at, &text))
        return false;
    *string = kerf_strdup(text);
    return *string != NULL || json_no_memory(at);
}

static bool read_strings(const kerf_json *list, ir_attr *attr)
{
    size_t n;
    if (!kerf_json_as_array(list, &n))
        return false;
    attr->kind = IR_ATTR_STRINGS;
    attr->strings = kerf_calloc(n, sizeof *attr->strings);
    if (attr->strings == NULL)
        return json_no_memory(list);
    attr->n = n;
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(list, i);
        if (!read_string(&at, &attr->strings[i]))
            return false;
    }
    return true;
}

static bool read_type_code(const kerf_json *at, ir_attr *attr)
{
    kerf_type type;
    attr->kind = IR_ATTR_INT;
    if (!json_is_string(at->value))
        return kerf_json_as_integer(at, 0, 1000, &attr->i);
    if (!json_read_type(at, &type))
        return false;
    attr->i = onnx_code(type);
    return true;
}

static bool read_integer(const kerf_json *at, ir_attr *attr)
{
    attr->kind = IR_ATTR_INT;
    attr->i = json_is_true(at->value);
    return json_is_boolean(at->value) ||
           kerf_json_as_integer(at, INT64_MIN + 1, INT64_MAX, &attr->i);
}

/* `bias` is a number for LRN and Shrink; Gather's indices may be one or a list. */
static bool read_value(const kerf_json *at, const char *type, ir_attr *attr)
{
    bool real_bias = strcmp(type, "LRN") == 0 || strcmp(type, "Shrink") == 0;
    if (contains(REALS, at->key) || (real_bias && strcmp(at->key, "bias") == 0)) {
        attr->kind = IR_ATTR_FLOAT;
        return kerf_json_as_number(at, -DBL_MAX, DBL_MAX, &attr->f);
    }
    if (contains(STRINGS, at->key)) {
        attr->kind = IR_ATTR_STRING;
        return read_string(at, &attr->s);
    }
    if (contains(INTEGER_LISTS, at->key) ||
        (strcmp(at->key, "indices") == 0 && json_is_array(at->value)))
        return read_integers(at, attr);
    if (contains(REAL_LISTS, at->key))
        return read_reals(at, attr);
    if (contains(STRING_LISTS, at->key))
        return read_strings(at, attr);
    if (contains(TYPES, at->key))
        return read_type_code(at, attr);
    return read_integer(at, attr);
}

bool json_read_attributes(const kerf_json *attributes, ir_node *node)
{
    kerf_json at;
    void *iterator = NULL;
    if (!kerf_json_as_object(attributes))
        return false;
    node->attrs = kerf_calloc(json_object_size(attributes->value), sizeof *node->attrs);
    if (node->attrs == NULL)
        return json_no_memory(attributes);
    while (kerf_json_next(attributes, &iterator, &at)) {
        if (!check_name(&at, node->type))
            return false;
        ir_attr *attr = &node->attrs[node->n_attrs++];
        attr->name = kerf_strdup(at.key);
        if (attr->name == NULL)
            return json_no_memory(&at);
        if (!read_value(&at, node->type, attr))
            return false;
    }
    return !kerf_json_failed(attributes->doc);
}
