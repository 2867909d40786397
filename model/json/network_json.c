/* JSON networks: docs in configs/schema/network.json. The document is read operator by operator,
 * the graph is sorted, and then walked in order: a network in this form states no weights, so each
 * operator's are made up from its attributes and from its inputs' shapes, which are known by then.
 */
#include "model/json/reader.h"

#include "base/error.h"
#include "base/memory.h"
#include "model/shape/infer.h"

#include <float.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Attribute forms that older opsets had are turned into operands, so all rules are those of the
 * newest opset that kerf knows. */
#define OPSET 21

bool json_no_memory(const kerf_json *at)
{
    return kerf_json_fail(at, KERF_E_NOMEM, "out of memory");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const json_name *)a)->name, ((const json_name *)b)->name);
}

static json_name *find_name(void *const *tree, const char *name)
{
    json_name wanted = {.name = name};
    json_name **node = tfind(&wanted, tree, compare_names);
    return node != NULL ? *node : NULL;
}

static json_name *add_name(void **tree, const char *name, size_t index)
{
    json_name *made = kerf_calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    *made = (json_name){.name = name, .index = index};
    if (tsearch(made, tree, compare_names) == NULL) {
        free(made);
        return NULL;
    }
    return made;
}

json_name *json_tensor(json_reader *reader, const char *name)
{
    json_name *found = find_name(&reader->tensors, name);
    if (found != NULL)
        return found;
    size_t index = ir_add_value(reader->graph, name, strlen(name));
    return index == KERF_NONE
               ? NULL
               : add_name(&reader->tensors, reader->graph->values[index].name, index);
}

json_name *json_produce(json_reader *reader, const kerf_json *at)
{
    const char *name;
    if (!kerf_json_as_string(at, &name))
        return NULL;
    if (name[0] == '\0') {
        kerf_json_fail(at, KERF_E_INVALID, "is empty, expected a tensor's name");
        return NULL;
    }
    json_name *tensor = json_tensor(reader, name);
    if (tensor == NULL) {
        json_no_memory(at);
        return NULL;
    }
    if (tensor->produced) {
        kerf_json_fail(at, KERF_E_INVALID,
                       "tensor \"%.100s\" is produced twice, expected one producer", name);
        return NULL;
    }
    tensor->produced = true;
    return tensor;
}

bool json_add_operator_name(json_reader *reader, const kerf_json *at, const char *name,
                            size_t index)
{
    if (find_name(&reader->operators, name) != NULL)
        return kerf_json_fail(at, KERF_E_INVALID, "\"%.100s\" is the name of another operator too",
                              name);
    return add_name(&reader->operators, name, index) != NULL || json_no_memory(at);
}

bool json_find_type(const char *name, kerf_type *type)
{
    for (int i = KERF_TYPE_UNKNOWN + 1; i <= KERF_STRING; i++)
        if (strcmp(kerf_type_name((kerf_type)i), name) == 0) {
            *type = (kerf_type)i;
            return true;
        }
    return false;
}

bool json_read_type(const kerf_json *at, kerf_type *type)
{
    const char *name;
    if (!kerf_json_as_string(at, &name))
        return false;
    return json_find_type(name, type) ||
           kerf_json_fail(at, KERF_E_INVALID,
                          "\"%.60s\" is no element type, expected one such as \"float32\"", name);
}

/* An optional "type" of a tensor. */
static bool read_own_type(const kerf_json *object, kerf_type *type)
{
    kerf_json at;
    *type = KERF_FLOAT32;
    if (kerf_json_member(object, "type", KERF_OPTIONAL, &at))
        return json_read_type(&at, type);
    return !kerf_json_failed(object->doc);
}

/* Elements are limited as in ir_infer, so that sizes in bits cannot overflow. */
static bool check_elements(const kerf_json *shape, int rank, const int64_t *dims)
{
    int64_t product = 1;
    for (int i = 0; i < rank; i++)
        if (dims[i] > 0 &&
            (__builtin_mul_overflow(product, dims[i], &product) || product > INT64_MAX / 16))
            return kerf_json_fail(shape, KERF_E_INVALID, "has too many elements");
    return true;
}

bool json_read_shape(const kerf_json *shape, int64_t low, int *rank, int64_t *dims)
{
    size_t n;
    if (!kerf_json_as_array(shape, &n))
        return false;
    if (n > IR_MAX_RANK)
        return kerf_json_fail(shape, KERF_E_INVALID, "has %zu dimensions, expected at most %d", n,
                              IR_MAX_RANK);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(shape, i);
        if (!kerf_json_as_integer(&at, low, JSON_MAX_DIM, &dims[i]))
            return false;
    }
    *rank = (int)n;
    return check_elements(shape, (int)n, dims);
}

/* Dimensions of an input may be named ("batch") or left open (-1). */
static bool read_open_shape(const kerf_json *shape, ir_value *value)
{
    size_t n;
    if (!kerf_json_as_array(shape, &n))
        return false;
    if (n > IR_MAX_RANK)
        return kerf_json_fail(shape, KERF_E_INVALID, "has %zu dimensions, expected at most %d", n,
                              IR_MAX_RANK);
    value->dim_names = kerf_calloc(IR_MAX_RANK, sizeof *value->dim_names);
    if (value->dim_names == NULL)
        return json_no_memory(shape);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(shape, i);
        value->declared_dims[i] = IR_DIM_UNKNOWN;
        if (json_is_string(at.value)) {
            if (json_string_length(at.value) == 0)
                return kerf_json_fail(&at, KERF_E_INVALID, "is empty, expected a dimension's name");
            value->dim_names[i] = kerf_strdup(json_string_value(at.value));
            if (value->dim_names[i] == NULL)
                return json_no_memory(&at);
        } else if (!kerf_json_as_integer(&at, IR_DIM_UNKNOWN, JSON_MAX_DIM,
                                         &value->declared_dims[i])) {
            return false;
        }
    }
    value->declared_rank = (int)n;
    return check_elements(shape, (int)n, value->declared_dims);
}

static bool read_input(json_reader *reader, const kerf_json *at, size_t index)
{
    kerf_json name, shape;
    kerf_type type;
    if (!kerf_json_member(at, "name", KERF_REQUIRED, &name) ||
        !kerf_json_member(at, "shape", KERF_REQUIRED, &shape) || !read_own_type(at, &type))
        return false;
    json_name *tensor = json_produce(reader, &name);
    if (tensor == NULL)
        return false;
    ir_value *value = &reader->graph->values[tensor->index];
    value->declared_type = type;
    reader->graph->inputs[index] = tensor->index;
    return read_open_shape(&shape, value) && kerf_json_done(at);
}

static bool read_inputs(json_reader *reader, const kerf_json *root)
{
    kerf_json inputs;
    size_t n;
    if (!kerf_json_array(root, "inputs", KERF_REQUIRED, &inputs, &n))
        return false;
    if (n == 0)
        return kerf_json_fail(&inputs, KERF_E_INVALID, "is empty, expected at least one input");
    reader->graph->inputs = kerf_calloc(n, sizeof *reader->graph->inputs);
    if (reader->graph->inputs == NULL)
        return json_no_memory(&inputs);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(&inputs, i);
        if (!read_input(reader, &at, i))
            return false;
        reader->graph->n_inputs = i + 1;
    }
    return true;
}

bool json_is_real_type(kerf_type type)
{
    return type == KERF_FLOAT32 || type == KERF_FLOAT16 || type == KERF_BFLOAT16 ||
           type == KERF_FLOAT64 || type == KERF_FLOAT8;
}

/* The elements of a constant in row-major order, as many as its shape has. */
static bool read_values(const kerf_json *values, ir_value *value)
{
    size_t n;
    int64_t elements = ir_elements(value);
    if (!kerf_json_as_array(values, &n))
        return false;
    if (elements < 0 || n != (uint64_t)elements)
        return kerf_json_fail(values, KERF_E_INVALID,
                              "has %zu values, expected %lld as the shape "
                              "says",
                              n, (long long)elements);
    if (n > IR_MAX_FOLD)
        return kerf_json_fail(values, KERF_E_TOO_LARGE, "has %zu values, expected at most %d", n,
                              IR_MAX_FOLD);
    if (json_is_real_type(value->type))
        value->floats = kerf_calloc(n, sizeof *value->floats);
    else
        value->ints = kerf_calloc(n, sizeof *value->ints);
    if (value->floats == NULL && value->ints == NULL)
        return json_no_memory(values);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(values, i);
        bool flag = false;
        if (value->type == KERF_BOOL && kerf_json_as_bool(&at, &flag))
            value->ints[i] = flag;
        else if (value->floats != NULL)
            kerf_json_as_number(&at, -DBL_MAX, DBL_MAX, &value->floats[i]);
        else if (value->type != KERF_BOOL)
            kerf_json_as_integer(&at, INT64_MIN + 1, INT64_MAX, &value->ints[i]);
    }
    return !kerf_json_failed(values->doc);
}

static bool read_constant(json_reader *reader, const kerf_json *at)
{
    kerf_json name, shape, values;
    kerf_type type;
    if (!kerf_json_member(at, "name", KERF_REQUIRED, &name) ||
        !kerf_json_member(at, "shape", KERF_REQUIRED, &shape) || !read_own_type(at, &type))
        return false;
    json_name *tensor = json_produce(reader, &name);
    if (tensor == NULL)
        return false;
    ir_value *value = &reader->graph->values[tensor->index];
    value->type = type;
    value->initializer = value->constant = true;
    if (!json_read_shape(&shape, 0, &value->rank, value->dims))
        return false;
    if (kerf_json_member(at, "values", KERF_OPTIONAL, &values) && !read_values(&values, value))
        return false;
    return kerf_json_done(at);
}

static bool read_constants(json_reader *reader, const kerf_json *root)
{
    kerf_json constants;
    size_t n = 0;
    if (!kerf_json_array(root, "constants", KERF_OPTIONAL, &constants, &n))
        return !kerf_json_failed(root->doc);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(&constants, i);
        if (!read_constant(reader, &at))
            return false;
    }
    return true;
}

static bool read_operators(json_reader *reader, const kerf_json *root, kerf_json *operators)
{
    size_t n;
    if (!kerf_json_array(root, "operators", KERF_REQUIRED, operators, &n))
        return false;
    if (n == 0)
        return kerf_json_fail(operators, KERF_E_INVALID,
                              "is empty, expected at least one operator");
    if (n > JSON_MAX_OPERATORS)
        return kerf_json_fail(operators, KERF_E_TOO_LARGE, "has %zu operators, expected at most %d",
                              n, JSON_MAX_OPERATORS);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(operators, i);
        if (!json_read_operator(reader, &at))
            return false;
    }
    return true;
}

static bool check_produced(const json_reader *reader, const kerf_json *at)
{
    const char *name = json_string_value(at->value);
    if (name == NULL || name[0] == '\0') /* an omitted operand */
        return true;
    const json_name *tensor = find_name(&reader->tensors, name);
    return (tensor != NULL && tensor->produced) ||
           kerf_json_fail(at, KERF_E_INVALID, "nothing produces tensor \"%.100s\"", name);
}

/* Every operand must be an input, a constant, or the output of some operator, before or after. */
static bool check_operands(const json_reader *reader, const kerf_json *operators)
{
    for (size_t i = 0; i < json_array_size(operators->value); i++) {
        kerf_json at = kerf_json_at(operators, i), inputs;
        size_t n = 0;
        if (!kerf_json_array(&at, "inputs", KERF_REQUIRED, &inputs, &n))
            return false;
        for (size_t j = 0; j < n; j++) {
            kerf_json input = kerf_json_at(&inputs, j);
            if (!check_produced(reader, &input))
                return false;
        }
    }
    return true;
}

static bool read_output(json_reader *reader, const kerf_json *at, size_t index)
{
    const char *name;
    if (!kerf_json_as_string(at, &name))
        return false;
    if (name[0] == '\0')
        return kerf_json_fail(at, KERF_E_INVALID, "is empty, expected a tensor's name");
    if (!check_produced(reader, at))
        return false;
    size_t value = find_name(&reader->tensors, name)->index;
    for (size_t i = 0; i < index; i++)
        if (reader->graph->outputs[i] == value)
            return kerf_json_fail(at, KERF_E_INVALID, "\"%.100s\" is listed twice", name);
    reader->graph->outputs[index] = value;
    return true;
}

static bool read_outputs(json_reader *reader, const kerf_json *root)
{
    kerf_json outputs;
    size_t n;
    if (!kerf_json_array(root, "outputs", KERF_REQUIRED, &outputs, &n))
        return false;
    if (n == 0)
        return kerf_json_fail(&outputs, KERF_E_INVALID, "is empty, expected at least one output");
    if (n > 10000)
        return kerf_json_fail(&outputs, KERF_E_TOO_LARGE, "has %zu outputs, expected at most 10000",
                              n);
    reader->graph->outputs = kerf_calloc(n, sizeof *reader->graph->outputs);
    if (reader->graph->outputs == NULL)
        return json_no_memory(&outputs);
    for (size_t i = 0; i < n; i++) {
        kerf_json at = kerf_json_at(&outputs, i);
        if (!read_output(reader, &at, i))
            return false;
        reader->graph->n_outputs = i + 1;
    }
    return true;
}

/* All but cycles has been checked here, with better places to point to than names. */
static bool sort(json_reader *reader, const kerf_json *operators)
{
    kerf_error problem = {0};
    kerf_status status = ir_sort(reader->graph, &problem);
    if (status == KERF_OK)
        return true;
    for (size_t i = 0; i < reader->graph->n_nodes && status == KERF_E_INVALID; i++) {
        char label[sizeof problem.where];
        const ir_node *node = &reader->graph->nodes[i];
        if (strcmp(ir_node_label(node, label, sizeof label), problem.where) != 0)
            continue;
        kerf_json at = kerf_json_at(operators, node->source_index);
        return kerf_json_fail(&at, status, "%s", problem.message);
    }
    return kerf_json_fail(operators, status, "%s", problem.message);
}

static bool read_document(json_reader *reader, const kerf_json *root, char **name)
{
    kerf_json operators;
    const char *text = "";
    if (!kerf_json_string(root, "name", KERF_REQUIRED, &text))
        return false;
    *name = kerf_strdup(text);
    if (*name == NULL)
        return json_no_memory(root);
    kerf_json_string(root, "source", KERF_OPTIONAL, &text);
    kerf_json_string(root, "description", KERF_OPTIONAL, &text);
    return read_inputs(reader, root) && read_constants(reader, root) &&
           read_operators(reader, root, &operators) && check_operands(reader, &operators) &&
           read_outputs(reader, root) && kerf_json_done(root) && sort(reader, &operators);
}

/* Makes up weights as the shapes become known. */
static kerf_status add_operands(json_reader *reader, const kerf_network_options *options)
{
    ir_graph *graph = reader->graph;
    kerf_status status = ir_apply_options(graph, options, reader->err);
    if (status == KERF_OK)
        status = ir_infer_sources(graph, reader->err);
    for (size_t i = 0; i < graph->n_nodes && status == KERF_OK; i++) {
        status = json_add_operands(reader, i);
        if (status == KERF_OK)
            status = ir_infer_node(graph, &graph->nodes[i], reader->err);
    }
    return status;
}

kerf_status network_json_read(const char *path, const kerf_network_options *options, char **name,
                              ir_graph **graph, kerf_error *err)
{
    static const kerf_network_options defaults;
    json_reader reader = {.err = err};
    kerf_json_doc *doc = NULL;
    char *own_name = NULL;
    kerf_status status = kerf_json_open(path, "kerf-network/1", &doc, err);
    if (status != KERF_OK)
        goto out;
    kerf_json root = kerf_json_root(doc);
    reader.graph = ir_graph_new();
    if (reader.graph == NULL) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    reader.graph->opset = OPSET;
    if (read_document(&reader, &root, &own_name))
        status = add_operands(&reader, options != NULL ? options : &defaults);
out:
    tdestroy(reader.tensors, free);
    tdestroy(reader.operators, free);
    if (doc != NULL && kerf_json_failed(doc))
        status = kerf_json_close(&doc);
    kerf_json_close(&doc);
    if (status == KERF_OK) {
        *graph = reader.graph;
        *name = own_name;
        return KERF_OK;
    }
    kerf_error_source(err, path);
    ir_graph_free(reader.graph);
    free(own_name);
    return status;
}
