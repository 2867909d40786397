/* Every network of the reference data: shapes, types, MACs and constant flags node by node, totals
 * of MACs and weights (also by slot), bytes that cross every cut of the file's order. Equality is
 * exact but for three differences, each said at its check: Shape of a tensor whose shape data
 * decides, MACs of If node by node, and Shape as a reader. */
#include "kerf/kerf.h"
#include "model/ir.h"

#include <glob.h>
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER     "../shared/data/onnx/"
#define MAX_INPUTS 16
#define MAX_LISTED 10 /* differences printed per file */

typedef struct reference {
    const char *path; /* of the JSON file */
    json_t *json;
    ir_graph *graph;
    kerf_network *net;
    size_t differences, unresolved;
} reference;

static void differ(reference *r, const char *format, ...) KERF_PRINTF(2, 3);

static void differ(reference *r, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (r->differences++ < MAX_LISTED)
        print_error("%s: %s\n", r->path + strlen(FOLDER), line);
}

static int64_t integer(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    assert_true(json_is_integer(member));
    return json_integer_value(member);
}

/* --- loading --- */

static void load(reference *r)
{
    char path[512];
    struct kerf_input_shape shapes[MAX_INPUTS];
    int64_t dims[MAX_INPUTS][IR_MAX_RANK];
    kerf_network_options options = {.allow_unresolved = true, .inputs = shapes};
    kerf_error err = {0};
    size_t i, k;
    json_t *input, *dim;
    r->json = json_load_file(r->path, 0, NULL);
    assert_non_null(r->json);
    snprintf(path, sizeof path, FOLDER "%s", json_string_value(json_object_get(r->json, "file")));
    json_array_foreach(json_object_get(r->json, "inputs"), i, input)
    {
        assert_true(i < MAX_INPUTS);
        const json_t *used = json_object_get(input, "used");
        json_array_foreach(used, k, dim) dims[i][k] = json_integer_value(dim);
        shapes[i] = (struct kerf_input_shape){json_string_value(json_object_get(input, "name")),
                                              dims[i], json_array_size(used)};
        options.n_inputs++;
    }
    kerf_status status = onnx_read(path, &options, &r->graph, &err);
    if (!status)
        status = ir_infer(r->graph, &err);
    if (!status)
        status = ir_build_network(r->graph, "reference", path, true, &r->net, &err);
    if (status)
        fail_msg("%s: %s: %s: %s", r->path, kerf_status_name(status), err.where, err.message);
}

static void unload(reference *r)
{
    kerf_network_destroy(&r->net);
    ir_graph_free(r->graph);
    json_decref(r->json);
}

/* --- node by node --- */

static bool has_flag(const json_t *node, char flag)
{
    return strchr(json_string_value(json_array_get(node, 5)), flag) != NULL;
}

static void write_shape(const ir_value *value, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, value->rank < 0 ? "unknown" : "[");
    for (int i = 0; i < value->rank && at + 24 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%" PRId64 ",", value->dims[i]);
}

static void differ_in_shape(reference *r, const char *name, const ir_value *value,
                            const json_t *dims)
{
    char text[256], *expected = json_dumps(dims, JSON_COMPACT);
    write_shape(value, text, sizeof text);
    differ(r, "'%s' has shape %s, expected %s (%s)", name, text, expected,
           value->unresolved ? value->unresolved : "");
    free(expected);
}

/* Output [name, type, dims]. Unknown sizes are allowed where data decides, if the value says why.
 */
static void check_output(reference *r, const json_t *output, bool by_data)
{
    const char *name = json_string_value(json_array_get(output, 0));
    const char *type = json_string_value(json_array_get(output, 1));
    const json_t *dims = json_array_get(output, 2);
    const ir_value *value = NULL;
    for (size_t i = 0; i < r->graph->n_values && !value; i++)
        if (strcmp(r->graph->values[i].name, name) == 0)
            value = &r->graph->values[i];
    if (!value) {
        differ(r, "'%s' is missing", name);
        return;
    }
    bool equal = value->rank == (int)json_array_size(dims), open = value->rank < 0;
    for (int i = 0; i < value->rank && equal; i++) {
        open = open || value->dims[i] < 0;
        equal = value->dims[i] < 0 ||
                value->dims[i] == json_integer_value(json_array_get(dims, (size_t)i));
    }
    if (open && by_data && (equal || value->rank < 0)) {
        r->unresolved++;
        if (!value->unresolved || !value->unresolved[0])
            differ(r, "'%s' is unresolved without a reason", name);
        return;
    }
    if (!equal || open)
        differ_in_shape(r, name, value, dims);
    if (strcmp(kerf_type_name(value->type), type) != 0)
        differ(r, "'%s' has type %s, expected %s", name, kerf_type_name(value->type), type);
    if (!open && value->unresolved)
        differ(r, "'%s' is known, but gives the reason %s", name, value->unresolved);
}

static void check_node(reference *r, const ir_node *node, const json_t *expected)
{
    const char *type = json_string_value(json_array_get(expected, 2));
    size_t i;
    json_t *output;
    json_array_foreach(json_array_get(expected, 3), i, output)
        check_output(r, output, has_flag(expected, 'd'));
    /* The reference leaves out what is inside of an If; totals of silero_vad include it. */
    int64_t macs = json_integer_value(json_array_get(expected, 4));
    if (strcmp(type, "If") != 0 && node->macs != macs)
        differ(r, "node %zu (%s) has %" PRId64 " MACs, expected %" PRId64, node->source_index, type,
               node->macs, macs);
    /* Arithmetic on a shape that data decides is no constant to us: it must be computed. */
    bool constant = has_flag(expected, 's');
    if (node->constant != constant && !(constant && has_flag(expected, 'd')))
        differ(r, "node %zu (%s) is %sconstant", node->source_index, type,
               node->constant ? "" : "not ");
}

static void check_nodes(reference *r)
{
    const json_t *nodes = json_object_get(r->json, "nodes");
    assert_int_equal(r->graph->n_nodes, json_array_size(nodes));
    for (size_t i = 0; i < r->graph->n_nodes; i++)
        check_node(r, &r->graph->nodes[i], json_array_get(nodes, r->graph->nodes[i].source_index));
}

/* --- totals --- */

static void check_totals(reference *r)
{
    const json_t *taken = json_object_get(r->json, "taken_path");
    int64_t macs = integer(json_object_get(r->json, "macs"), "total");
    int64_t params = taken ? integer(taken, "params_operator_weights")
                           : integer(json_object_get(r->json, "params"), "operator_weights");
    if (r->net->macs != macs)
        differ(r, "%" PRId64 " MACs, expected %" PRId64, r->net->macs, macs);
    if (r->net->params != params)
        differ(r, "%" PRId64 " parameters, expected %" PRId64, r->net->params, params);
}

static const char *slot_name(const ir_node *node, size_t slot)
{
    static const struct {
        const char *type, *slots[8];
    } names[] = {
        {"Conv", {"", "Conv.W", "Conv.B"}},
        {"ConvTranspose", {"", "ConvTranspose.W", "ConvTranspose.B"}},
        {"Gemm", {"Gemm.A", "Gemm.B", "Gemm.C"}},
        {"MatMul", {"MatMul.A", "MatMul.B"}},
        {"Gather", {"Gather.table"}},
        {"LSTM", {"", "LSTM.W", "LSTM.R", "LSTM.B", "", "", "", "LSTM.P"}},
        {"GRU", {"", "GRU.W", "GRU.R", "GRU.B"}},
        {"PRelu", {"", "PRelu.slope"}},
        {"LayerNormalization", {"", "LayerNormalization.scale", "LayerNormalization.B"}},
        {"BatchNormalization",
         {"", "BatchNormalization.scale", "BatchNormalization.B", "BatchNormalization.mean",
          "BatchNormalization.var"}},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(node->type, names[i].type) == 0)
            return slot < 8 ? names[i].slots[slot] : "";
    return "elementwise_const";
}

static void check_slots(reference *r)
{
    json_t *ours = json_object();
    bool *counted = calloc(r->graph->n_values, sizeof *counted);
    const json_t *theirs =
        json_object_get(json_object_get(r->json, "params"), "operator_weights_by_slot");
    assert_true(ours && counted);
    for (size_t i = 0; i < r->graph->n_nodes; i++) {
        const ir_node *node = &r->graph->nodes[i];
        /* Weights of bodies are in the total. */
        if (strcmp(node->type, "If") == 0)
            continue;
        for (size_t k = 0; k < node->n_inputs && k < 64; k++) {
            if (!(node->weight_slots >> k & 1) || counted[node->inputs[k]])
                continue;
            const char *slot = slot_name(node, k);
            counted[node->inputs[k]] = true;
            int64_t sum = json_integer_value(json_object_get(ours, slot)) +
                          ir_elements(&r->graph->values[node->inputs[k]]);
            json_object_set_new(ours, slot, json_integer(sum));
        }
    }
    if (!json_equal(ours, theirs)) {
        char *text = json_dumps(ours, JSON_COMPACT), *expected = json_dumps(theirs, JSON_COMPACT);
        differ(r, "weights by slot %s, expected %s", text, expected);
        free(text);
        free(expected);
    }
    free(counted);
    json_decref(ours);
}

/* --- cuts --- */

/* By tensor: 1 + its last reader, 0 if nobody reads it. The reference counts Shape as a reader of
 * its operand; to the network, whose `consumers` are the readers that must have the data, it is
 * none, for what it returns is known. */
static size_t *last_readers(const kerf_network *net)
{
    size_t *last = calloc(net->n_tensors, sizeof *last);
    assert_non_null(last);
    for (size_t i = 0; i < net->n_operators; i++)
        for (size_t k = 0; k < net->operators[i].n_inputs; k++)
            if (net->operators[i].inputs[k] != KERF_NONE)
                last[net->operators[i].inputs[k]] = i + 1;
    return last;
}

/* Tensor t crosses the cuts behind its producer up to its last reader. */
static void check_cuts(reference *r)
{
    const json_t *cuts = json_object_get(r->json, "prefix_cut_bytes");
    const kerf_network *net = r->net;
    int64_t *steps = calloc(net->n_operators + 2, sizeof *steps), sum = 0;
    size_t *last = last_readers(net);
    assert_non_null(steps);
    assert_int_equal(json_array_size(cuts), net->n_operators + 1);
    for (size_t t = 0; t < net->n_tensors; t++) {
        const kerf_tensor *tensor = &net->tensors[t];
        if (tensor->constant || last[t] == 0)
            continue;
        steps[tensor->producer == KERF_NONE ? 0 : tensor->producer + 1] += tensor->bytes;
        steps[last[t]] -= tensor->bytes;
    }
    for (size_t k = 0; k <= net->n_operators; k++) {
        int64_t expected = json_integer_value(json_array_get(cuts, k));
        sum += steps[k];
        if (sum != expected) {
            differ(r, "cut %zu has %" PRId64 " bytes, expected %" PRId64, k, sum, expected);
            break;
        }
    }
    free(last);
    free(steps);
}

/* -----------------------------------------------------------------------------------------------
 */

static void test_reference_networks(void **state)
{
    glob_t found;
    size_t differences = 0, nodes = 0;
    (void)state;
    if (glob(FOLDER "*.json", 0, NULL, &found) != 0) {
        print_message("no reference data\n");
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        reference r = {.path = found.gl_pathv[i]};
        load(&r);
        check_nodes(&r);
        check_totals(&r);
        check_slots(&r);
        if (r.unresolved == 0)
            check_cuts(&r);
        if (r.differences > 0)
            print_error("%s: %zu differences\n", r.path, r.differences);
        differences += r.differences;
        nodes += r.graph->n_nodes;
        unload(&r);
    }
    print_message("%zu files, %zu nodes\n", found.gl_pathc, nodes);
    globfree(&found);
    assert_int_equal(differences, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference_networks)};
    return cmocka_run_group_tests_name("reference networks", tests, NULL, NULL);
}
