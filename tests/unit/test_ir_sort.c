/* Topological order of nodes, and graphs that have none. */
#include "model/ir.h"
#include "tests/support/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t value(ir_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_values; i++)
        if (strcmp(graph->values[i].name, name) == 0)
            return i;
    return ir_add_value(graph, name, strlen(name));
}

static size_t *one(size_t index)
{
    size_t *list = malloc(sizeof *list);
    assert_non_null(list);
    *list = index;
    return list;
}

/* A node of one operand ("" for none) and one result. */
static ir_node *node(ir_graph *graph, const char *name, const char *input, const char *output)
{
    size_t in = *input ? value(graph, input) : KERF_NONE, out = value(graph, output);
    ir_node *made = ir_add_node(graph);
    assert_non_null(made);
    made->name = strdup(name);
    made->type = strdup("Relu");
    made->domain = strdup("");
    made->source_index = graph->n_nodes - 1;
    made->inputs = one(in);
    made->n_inputs = *input != '\0';
    made->outputs = one(out);
    made->n_outputs = 1;
    return made;
}

static void feed(ir_graph *graph, const char *name)
{
    free(graph->inputs);
    graph->inputs = one(value(graph, name));
    graph->n_inputs = 1;
}

static void expect_error(ir_graph *graph, const char *where, const char *part)
{
    kerf_error err = {0};
    assert_int_equal(ir_sort(graph, &err), KERF_E_INVALID);
    assert_string_equal(err.where, where);
    if (!strstr(err.message, part))
        fail_msg("'%s' lacks '%s'", err.message, part);
    ir_graph_free(graph);
}

static void keeps_a_valid_order(void **state)
{
    (void)state;
    ir_graph *graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "b", "x", "q");
    node(graph, "a", "x", "p");
    node(graph, "d", "p", "s");
    node(graph, "c", "q", "r");
    assert_int_equal(ir_sort(graph, NULL), KERF_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(graph->nodes[i].source_index, i);
    ir_graph_free(graph);
}

static void moves_only_what_must(void **state)
{
    (void)state;
    static const char *const expected[] = {"a", "late", "early", "z"};
    ir_graph *graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "early", "made-late", "e");
    node(graph, "a", "x", "p");
    node(graph, "late", "x", "made-late");
    node(graph, "z", "e", "q");
    assert_int_equal(ir_sort(graph, NULL), KERF_OK);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(graph->nodes[i].name, expected[i]);
    ir_graph_free(graph);
}

static void refuses_cycles(void **state)
{
    (void)state;
    ir_graph *graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "before", "x", "y");
    node(graph, "after", "c", "d"); /* waits for the cycle, but is not on it */
    node(graph, "one", "c", "b");
    node(graph, "two", "b", "c");
    kerf_error err = {0};
    assert_int_equal(ir_sort(graph, &err), KERF_E_INVALID);
    assert_true(strcmp(err.where, "one") == 0 || strcmp(err.where, "two") == 0);
    assert_non_null(strstr(err.message, "cycle"));
    ir_graph_free(graph);

    graph = ir_graph_new();
    node(graph, "self", "a", "a");
    expect_error(graph, "self", "cycle");
}

static void refuses_two_producers(void **state)
{
    (void)state;
    ir_graph *graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "one", "x", "y");
    node(graph, "two", "x", "y");
    expect_error(graph, "two", "'y' is produced twice");

    graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "one", "x", "w");
    graph->values[value(graph, "w")].initializer = true;
    expect_error(graph, "one", "'w' is produced twice");

    graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "one", "x", "y");
    node(graph, "two", "y", "x");
    expect_error(graph, "two", "network input 'x'");
}

static void refuses_operands_from_nowhere(void **state)
{
    (void)state;
    ir_graph *graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "", "ghost", "y");
    expect_error(graph, "Relu_0", "'ghost', which nothing produces");

    graph = ir_graph_new();
    feed(graph, "x");
    node(graph, "a", "x", "y");
    graph->outputs = one(value(graph, "ghost"));
    graph->n_outputs = 1;
    expect_error(graph, "ghost", "nothing produces it");
}

static void sorts_nested_graphs(void **state)
{
    (void)state;
    ir_graph *graph = ir_graph_new(), *nested = ir_graph_new();
    feed(graph, "x");
    ir_node *holder = node(graph, "if", "x", "y");
    holder->attrs = calloc(1, sizeof *holder->attrs);
    holder->attrs[0] = (ir_attr){.name = strdup("then"), .kind = IR_ATTR_GRAPH, .graph = nested};
    holder->n_attrs = 1;
    nested->parent = graph;
    node(nested, "second", "p", "q");
    node(nested, "first", "captured", "p");
    nested->values[value(nested, "captured")].outer = 0;
    assert_int_equal(ir_sort(graph, NULL), KERF_OK);
    assert_string_equal(nested->nodes[0].name, "first");
    nested->values[value(nested, "captured")].outer = KERF_NONE;
    expect_error(graph, "first", "'captured', which nothing produces");
}

/* A chain written backwards: no recursion, no quadratic search. */
static void sorts_long_chains(void **state)
{
    (void)state;
    enum { LENGTH = 200000 };
    ir_graph *graph = ir_graph_new();
    char name[32];
    for (size_t i = 0; i <= LENGTH; i++) {
        int n = snprintf(name, sizeof name, "t%zu", i);
        assert_int_equal(ir_add_value(graph, name, (size_t)n), i);
    }
    graph->inputs = one(0);
    graph->n_inputs = 1;
    for (size_t i = LENGTH; i > 0; i--) {
        ir_node *made = ir_add_node(graph);
        made->inputs = one(i - 1);
        made->outputs = one(i);
        made->n_inputs = made->n_outputs = 1;
    }
    assert_int_equal(ir_sort(graph, NULL), KERF_OK);
    for (size_t i = 0; i < LENGTH; i++)
        assert_int_equal(graph->nodes[i].outputs[0], i + 1);
    ir_graph_free(graph);
}

/* A random graph, shuffled: the order must be valid, and no node may stand later than it need:
 * each one's place is the first at which it is ready and has no smaller one beside it. */
static void random_graph(rng *r)
{
    size_t n = 1 + rng_below(r, 40), position[40], shuffled[40];
    ir_graph *graph = ir_graph_new();
    char name[32];
    for (size_t i = 0; i < n; i++)
        shuffled[i] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = rng_below(r, i), other = shuffled[i - 1];
        shuffled[i - 1] = shuffled[j];
        shuffled[j] = other;
    }
    for (size_t i = 0; i < n; i++)
        ir_add_value(graph, name, (size_t)snprintf(name, sizeof name, "t%zu", i));
    for (size_t k = 0; k < n; k++) {
        size_t i = shuffled[k], edges = i ? rng_below(r, 4) : 0;
        ir_node *made = ir_add_node(graph);
        made->outputs = one(i);
        made->n_outputs = 1;
        made->source_index = k;
        made->inputs = calloc(edges + 1, sizeof *made->inputs);
        for (; made->n_inputs < edges; made->n_inputs++)
            made->inputs[made->n_inputs] = rng_below(r, i);
    }
    assert_int_equal(ir_sort(graph, NULL), KERF_OK);
    for (size_t k = 0; k < n; k++)
        position[graph->nodes[k].outputs[0]] = k;
    for (size_t k = 0; k < n; k++) {
        const ir_node *made = &graph->nodes[k];
        bool after_previous = false;
        for (size_t j = 0; j < made->n_inputs; j++) {
            assert_true(position[made->inputs[j]] < k);
            after_previous = after_previous || position[made->inputs[j]] + 1 == k;
        }
        if (k && !after_previous)
            assert_true(graph->nodes[k - 1].source_index < made->source_index);
    }
    ir_graph_free(graph);
}

static void sorts_random_graphs(void **state)
{
    (void)state;
    rng r = {1};
    for (int i = 0; i < 2000; i++)
        random_graph(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_a_valid_order),
        cmocka_unit_test(moves_only_what_must),
        cmocka_unit_test(refuses_cycles),
        cmocka_unit_test(refuses_two_producers),
        cmocka_unit_test(refuses_operands_from_nowhere),
        cmocka_unit_test(sorts_nested_graphs),
        cmocka_unit_test(sorts_long_chains),
        cmocka_unit_test(sorts_random_graphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
