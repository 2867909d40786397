/* Random nodes of every known operator, with operands and attributes that fit by chance at most:
 * inference answers with a shape or with an error that says where, and never with less. Run under
 * the sanitizers this is a fuzz test of the rules. KERF_SEED repeats a run. */
#include "base/memory.h"
#include "model/shape/rules.h"
#include "tests/support/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rng state;

static size_t below(size_t n)
{
    return rng_below(&state, n);
}

/* Small ones mostly, now and then an extreme. */
static int64_t random_integer(void)
{
    static const int64_t extremes[] = {
        INT64_MAX, INT64_MIN, INT64_MIN + 1, INT64_MAX / 2,  1ll << 31, -(1ll << 31),
        1ll << 62, 4096,      4097,          IR_UNKNOWN_INT, 16,        17};
    if (below(12) == 0)
        return extremes[below(sizeof extremes / sizeof *extremes)];
    return (int64_t)below(9) - 3;
}

static kerf_type random_type(void)
{
    static const kerf_type types[] = {KERF_FLOAT32, KERF_FLOAT32, KERF_INT64,       KERF_INT64,
                                      KERF_INT32,   KERF_BOOL,    KERF_INT8,        KERF_UINT8,
                                      KERF_FLOAT16, KERF_STRING,  KERF_TYPE_UNKNOWN};
    return types[below(sizeof types / sizeof *types)];
}

static void random_shape(ir_value *value)
{
    static const int64_t sizes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 8, 12, -1, 1ll << 40};
    size_t n = sizeof sizes / sizeof *sizes - (below(20) ? 1 : 0);
    value->rank = below(12) == 0 ? -1 : below(30) == 0 ? IR_MAX_RANK : (int)below(6);
    for (int i = 0; i < value->rank; i++)
        value->dims[i] = sizes[below(n)];
}

static void random_content(ir_value *value)
{
    int64_t n = ir_elements(value);
    if (n < 0 || n > 64)
        return;
    if (sh_type_is_integer(value->type))
        value->ints = kerf_calloc((size_t)n, sizeof *value->ints);
    else if (value->type == KERF_FLOAT32)
        value->floats = kerf_calloc((size_t)n, sizeof *value->floats);
    for (int64_t i = 0; i < n; i++) {
        int64_t element = value->type == KERF_BOOL ? (int64_t)below(2) : random_integer();
        if (value->ints)
            value->ints[i] = element;
        else if (value->floats)
            value->floats[i] = (double)element / 2;
    }
}

static size_t random_operand(ir_graph *graph, size_t number)
{
    char name[32];
    int length = snprintf(name, sizeof name, "v%zu", number);
    size_t v = ir_add_value(graph, name, (size_t)length);
    assert_true(v != KERF_NONE);
    ir_value *value = &graph->values[v];
    value->type = random_type();
    random_shape(value);
    if (below(3) == 0) {
        value->rank = (int)below(2);
        value->dims[0] = (int64_t)below(6);
        value->type = KERF_INT64;
    }
    value->initializer = value->constant = sh_shape_known(value) && below(2);
    if (value->constant)
        random_content(value);
    return v;
}

/* Every attribute that some rule reads. */
static const char *const attribute_names[] = {"axes",
                                              "axis",
                                              "auto_pad",
                                              "batch_dims",
                                              "blocksize",
                                              "ceil_mode",
                                              "depth",
                                              "dilations",
                                              "direction",
                                              "dtype",
                                              "equation",
                                              "group",
                                              "hidden_size",
                                              "keepdims",
                                              "kernel_shape",
                                              "k",
                                              "K",
                                              "layout",
                                              "N",
                                              "noop_with_empty_axes",
                                              "num_heads",
                                              "kv_num_heads",
                                              "q_num_heads",
                                              "num_outputs",
                                              "onesided",
                                              "output_padding",
                                              "output_shape",
                                              "pads",
                                              "perm",
                                              "qkv_hidden_sizes",
                                              "reduction",
                                              "scales",
                                              "shape",
                                              "split",
                                              "start",
                                              "end",
                                              "starts",
                                              "ends",
                                              "strides",
                                              "to",
                                              "transA",
                                              "transB",
                                              "upper",
                                              "value",
                                              "value_ints",
                                              "value_float",
                                              "broadcast",
                                              "channels_last",
                                              "pooled_shape",
                                              "output_height",
                                              "output_width",
                                              "keep_aspect_ratio_policy",
                                              "allowzero",
                                              "sample_size",
                                              "training_mode",
                                              "fmod"};

static const char *const strings[] = {
    "SAME_UPPER", "VALID", "bidirectional", "none", "ij,jk->ik", "...ij,...jk", "ii->",
    "->",         ",",     "not_larger",    ""};

static void random_attribute(ir_attr *attr)
{
    size_t n = below(5);
    attr->name =
        kerf_strdup(attribute_names[below(sizeof attribute_names / sizeof *attribute_names)]);
    attr->kind = (ir_attr_kind)(1 + below(6));
    attr->i = random_integer();
    attr->f = (double)attr->i / 3;
    if (attr->kind == IR_ATTR_STRING)
        attr->s = kerf_strdup(strings[below(sizeof strings / sizeof *strings)]);
    if (attr->kind == IR_ATTR_STRINGS)
        attr->kind = IR_ATTR_INTS;
    if (attr->kind != IR_ATTR_INTS && attr->kind != IR_ATTR_FLOATS)
        return;
    attr->n = n;
    attr->ints = attr->kind == IR_ATTR_INTS ? kerf_calloc(n, sizeof *attr->ints) : NULL;
    attr->floats = attr->kind == IR_ATTR_FLOATS ? kerf_calloc(n, sizeof *attr->floats) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (attr->ints)
            attr->ints[i] = below(3) ? (int64_t)below(4) : random_integer();
        else
            attr->floats[i] = (double)random_integer() / 2;
    }
}

static void random_node(ir_graph *graph, const char *domain, const char *type)
{
    size_t n_inputs = below(6), n_outputs = 1 + below(3);
    size_t inputs[6], outputs[3];
    for (size_t i = 0; i < n_inputs; i++)
        inputs[i] = below(12) == 0 ? KERF_NONE : random_operand(graph, i);
    for (size_t i = 0; i < n_outputs; i++)
        outputs[i] = ir_add_value(graph, i ? "z" : "y", 1);
    ir_node *node = ir_add_node(graph);
    assert_non_null(node);
    node->name = kerf_strdup("");
    node->type = kerf_strdup(type);
    node->domain = kerf_strdup(domain);
    node->inputs = kerf_calloc(n_inputs, sizeof *node->inputs);
    node->outputs = kerf_calloc(n_outputs, sizeof *node->outputs);
    node->n_attrs = below(6);
    node->attrs = kerf_calloc(node->n_attrs, sizeof *node->attrs);
    memcpy(node->inputs, inputs, n_inputs * sizeof *inputs);
    memcpy(node->outputs, outputs, n_outputs * sizeof *outputs);
    node->n_inputs = n_inputs;
    node->n_outputs = n_outputs;
    for (size_t i = 0; i < node->n_attrs; i++)
        random_attribute(&node->attrs[i]);
}

static void check_result(const ir_graph *graph, const char *type)
{
    const ir_node *node = &graph->nodes[0];
    assert_true(node->macs >= 0);
    for (size_t i = 0; i < node->n_outputs; i++) {
        const ir_value *value = &graph->values[node->outputs[i]];
        bool known = sh_shape_known(value);
        assert_in_range(value->rank + 1, 0, IR_MAX_RANK + 1);
        for (int k = 0; k < value->rank; k++)
            assert_true(value->dims[k] >= IR_DIM_UNKNOWN);
        if (known && ir_elements(value) < 0)
            fail_msg("%s: the output's elements overflow", type);
        if (known != (value->unresolved == NULL))
            fail_msg("%s: reason '%s'", type, value->unresolved ? value->unresolved : "");
        if (sh_has_content(value))
            assert_in_range(ir_elements(value), 0, IR_MAX_FOLD);
    }
}

static size_t try_entry(const char *domain, const sh_entry *entry)
{
    ir_graph *graph = ir_graph_new();
    kerf_error err = {0};
    assert_non_null(graph);
    graph->opset = 1 + (int64_t)below(23);
    random_node(graph, domain, entry->type);
    kerf_status status = ir_infer(graph, &err);
    if (status == KERF_OK)
        check_result(graph, entry->type);
    else if ((status != KERF_E_INVALID && status != KERF_E_TOO_LARGE) || !err.where[0] ||
             !err.message[0])
        fail_msg("%s: %s: '%s': '%s'", entry->type, kerf_status_name(status), err.where,
                 err.message);
    ir_graph_free(graph);
    return status == KERF_OK;
}

static void test_random_nodes(void **test_state)
{
    static const char *const domains[] = {"", "com.microsoft"};
    size_t tried = 0, inferred = 0, rounds = getenv("KERF_TEST_FULL") ? 3000 : 150;
    (void)test_state;
    state = (rng){rng_seed(20261123)};
    for (size_t d = 0; d < 2; d++) {
        size_t n = 0;
        const sh_entry *table = sh_table(domains[d], &n);
        for (size_t round = 0; round < rounds; round++)
            for (size_t i = 0; i < n; i++, tried++)
                inferred += try_entry(domains[d], &table[i]);
    }
    print_message("%zu nodes, %zu inferred\n", tried, inferred);
    assert_true(inferred > tried / 10);
}

/* The search in the table relies on it. */
static void test_table_is_ordered(void **test_state)
{
    static const char *const domains[] = {"", "com.microsoft"};
    (void)test_state;
    for (size_t d = 0; d < 2; d++) {
        size_t n = 0;
        const sh_entry *table = sh_table(domains[d], &n);
        for (size_t i = 1; i < n; i++)
            if (strcmp(table[i - 1].type, table[i].type) >= 0)
                fail_msg("%s stands before %s", table[i - 1].type, table[i].type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_ordered),
        cmocka_unit_test(test_random_nodes),
    };
    return cmocka_run_group_tests_name("shape: random nodes", tests, NULL, NULL);
}
