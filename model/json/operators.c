/* One operator of a JSON network: names, operands, and the figures of a Block. */
#include "model/json/reader.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (INT64_MAX / 128)
#define MAX_MACS  ((int64_t)1 << 56) /* a million operators' cannot overflow a double's integers */

static bool set_text(const kerf_json *at, char **field, const char *text)
{
    *field = kerf_strdup(text);
    return *field != NULL || json_no_memory(at);
}

static size_t *new_list(const kerf_json *at, size_t n)
{
    size_t *list = kerf_calloc(n, sizeof *list);
    if (list == NULL)
        json_no_memory(at);
    return list;
}

/* "" stands for an operand that is left out. */
static bool read_inputs(json_reader *reader, const kerf_json *at, ir_node *node)
{
    kerf_json inputs;
    size_t n;
    if (!kerf_json_array(at, "inputs", KERF_REQUIRED, &inputs, &n))
        return false;
    node->inputs = new_list(&inputs, n);
    if (node->inputs == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        kerf_json input = kerf_json_at(&inputs, i);
        const char *name;
        if (!kerf_json_as_string(&input, &name))
            return false;
        node->inputs[i] = KERF_NONE;
        if (name[0] != '\0') {
            const json_name *tensor = json_tensor(reader, name);
            if (tensor == NULL)
                return json_no_memory(&input);
            node->inputs[i] = tensor->index;
        }
        node->n_inputs = i + 1;
    }
    return true;
}

static bool read_outputs(json_reader *reader, const kerf_json *at, ir_node *node)
{
    kerf_json outputs;
    size_t n;
    if (!kerf_json_array(at, "outputs", KERF_REQUIRED, &outputs, &n))
        return false;
    if (n == 0)
        return kerf_json_fail(&outputs, KERF_E_INVALID, "is empty, expected at least one output");
    node->outputs = new_list(&outputs, n);
    if (node->outputs == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        kerf_json output = kerf_json_at(&outputs, i);
        bool omitted = json_is_string(output.value) && json_string_length(output.value) == 0;
        const json_name *tensor = omitted ? NULL : json_produce(reader, &output);
        if (tensor == NULL && !omitted)
            return false;
        node->outputs[i] = tensor != NULL ? tensor->index : KERF_NONE;
        node->n_outputs = i + 1;
    }
    return true;
}

static bool check_type(const kerf_json *at, const char *type)
{
    if (strcmp(type, "Block") == 0 || json_operator_attributes(type) != NULL)
        return true;
    const char *similar = json_similar_operator(type);
    if (similar != NULL)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "\"%.60s\" is no operator of ONNX, did you mean \"%s\"?", type,
                              similar);
    return kerf_json_fail(at, KERF_E_INVALID,
                          "\"%.60s\" is no operator of ONNX, expected one, or \"Block\" with its "
                          "figures",
                          type);
}

static bool find_class(const char *name, kerf_class *cls)
{
    for (int i = 0; i < KERF_CLASS_COUNT; i++)
        if (strcmp(kerf_class_name((kerf_class)i), name) == 0) {
            *cls = (kerf_class)i;
            return true;
        }
    return false;
}

static bool read_class(const kerf_json *at, kerf_class *cls)
{
    kerf_json member;
    const char *name;
    *cls = KERF_CLASS_OTHER;
    if (!kerf_json_member(at, "class", KERF_OPTIONAL, &member))
        return !kerf_json_failed(at->doc);
    if (!kerf_json_as_string(&member, &name))
        return false;
    return find_class(name, cls) ||
           kerf_json_fail(&member, KERF_E_INVALID,
                          "\"%.60s\" is no class of operators, expected one such as \"conv\"",
                          name);
}

/* The element types of a Block's outputs, float32 if not given. */
static bool read_output_types(const json_reader *reader, const kerf_json *at, const ir_node *node)
{
    kerf_json types;
    size_t n;
    kerf_type type = KERF_FLOAT32;
    for (size_t i = 0; i < node->n_outputs; i++)
        if (node->outputs[i] != KERF_NONE)
            reader->graph->values[node->outputs[i]].type = type;
    if (!kerf_json_array(at, "output_types", KERF_OPTIONAL, &types, &n))
        return !kerf_json_failed(at->doc);
    if (n != node->n_outputs)
        return kerf_json_fail(&types, KERF_E_INVALID,
                              "has %zu entries, expected %zu as \"outputs\"", n, node->n_outputs);
    for (size_t i = 0; i < n; i++) {
        kerf_json entry = kerf_json_at(&types, i);
        if (!json_read_type(&entry, &type))
            return false;
        if (node->outputs[i] != KERF_NONE)
            reader->graph->values[node->outputs[i]].type = type;
    }
    return true;
}

/* Bytes without a shape are so many elements of one byte. */
static bool read_output_size(const kerf_json *at, bool as_shape, ir_value *value)
{
    if (as_shape)
        return json_read_shape(at, 0, &value->rank, value->dims);
    value->rank = 1;
    value->type = KERF_UINT8;
    return kerf_json_as_integer(at, 0, MAX_BYTES, &value->dims[0]);
}

static bool read_output_sizes(const json_reader *reader, const kerf_json *at, const ir_node *node)
{
    kerf_json shapes, bytes, sizes;
    bool as_shapes = kerf_json_member(at, "output_shapes", KERF_OPTIONAL, &shapes);
    bool as_bytes = kerf_json_member(at, "output_bytes", KERF_OPTIONAL, &bytes);
    if (kerf_json_failed(at->doc))
        return false;
    if (as_shapes == as_bytes)
        return kerf_json_fail(at, KERF_E_INVALID,
                              "has %s \"output_shapes\" %s \"output_bytes\", "
                              "expected one of them",
                              as_shapes ? "both" : "neither", as_shapes ? "and" : "nor");
    sizes = as_shapes ? shapes : bytes;
    ir_value ignored = {0};
    if (as_bytes && json_is_number(bytes.value) && node->n_outputs == 1)
        return read_output_size(
            &bytes, false,
            node->outputs[0] != KERF_NONE ? &reader->graph->values[node->outputs[0]] : &ignored);
    size_t n;
    if (!kerf_json_as_array(&sizes, &n))
        return false;
    if (n != node->n_outputs)
        return kerf_json_fail(&sizes, KERF_E_INVALID,
                              "has %zu entries, expected %zu as \"outputs\"", n, node->n_outputs);
    for (size_t i = 0; i < n; i++) {
        kerf_json entry = kerf_json_at(&sizes, i);
        size_t v = node->outputs[i];
        if (!read_output_size(&entry, as_shapes,
                              v != KERF_NONE ? &reader->graph->values[v] : &ignored))
            return false;
    }
    return true;
}

static bool read_block(const json_reader *reader, const kerf_json *at, ir_node *node)
{
    node->figures_given = true;
    kerf_json_integer(at, "macs", KERF_OPTIONAL, 0, MAX_MACS, &node->macs);
    kerf_json_integer(at, "weight_bytes", KERF_OPTIONAL, 0, MAX_BYTES, &node->given_weight_bytes);
    kerf_json_integer(at, "kernels", KERF_OPTIONAL, 0, JSON_MAX_DIM, &node->kernels);
    return read_class(at, &node->cls) && read_output_types(reader, at, node) &&
           read_output_sizes(reader, at, node);
}

static bool read_name(json_reader *reader, const kerf_json *at, ir_node *node)
{
    kerf_json member;
    const char *name = "";
    if (kerf_json_member(at, "name", KERF_OPTIONAL, &member) &&
        kerf_json_as_string(&member, &name) && name[0] != '\0' &&
        !json_add_operator_name(reader, &member, name, node->source_index))
        return false;
    return !kerf_json_failed(at->doc) && set_text(at, &node->name, name);
}

bool json_read_operator(json_reader *reader, const kerf_json *at)
{
    kerf_json type_at, attributes;
    const char *type;
    ir_node *node = ir_add_node(reader->graph);
    if (node == NULL)
        return json_no_memory(at);
    node->source_index = at->index;
    if (!kerf_json_member(at, "type", KERF_REQUIRED, &type_at) ||
        !kerf_json_as_string(&type_at, &type) || !check_type(&type_at, type) ||
        !set_text(at, &node->type, type) || !set_text(at, &node->domain, "") ||
        !read_name(reader, at, node) || !read_inputs(reader, at, node) ||
        !read_outputs(reader, at, node))
        return false;
    if (strcmp(type, "Block") == 0)
        return read_block(reader, at, node) && kerf_json_done(at);
    if (kerf_json_member(at, "attributes", KERF_OPTIONAL, &attributes) &&
        !json_read_attributes(&attributes, node))
        return false;
    return kerf_json_done(at);
}
