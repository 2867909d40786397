#include "tests/support/shape_case.h"

#include "base/memory.h"

#include <ctype.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_WORDS 128

static const struct letter {
    char letter;
    kerf_type type;
    bool constant, content;
} letters[] = {
    {'f', KERF_FLOAT32, false, false}, {'h', KERF_FLOAT16, false, false},
    {'d', KERF_FLOAT64, false, false}, {'n', KERF_INT64, false, false},
    {'m', KERF_INT32, false, false},   {'B', KERF_UINT8, false, false},
    {'c', KERF_INT8, false, false},    {'b', KERF_BOOL, false, false},
    {'s', KERF_STRING, false, false},  {'x', KERF_TYPE_UNKNOWN, false, false},
    {'w', KERF_FLOAT32, true, false},  {'q', KERF_INT8, true, false},
    {'Q', KERF_UINT8, true, false},    {'W', KERF_FLOAT16, true, false},
    {'i', KERF_INT64, true, true},     {'j', KERF_INT32, true, true},
    {'t', KERF_BOOL, true, true},      {'r', KERF_FLOAT32, true, true},
};

static const struct letter *letter_of(char c)
{
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (letters[i].letter == c)
            return &letters[i];
    fail_msg("no kind of value is called '%c'", c);
    return NULL;
}

/* Cuts text at the separators, blanks trimmed; returns the words in a buffer to be freed. */
static char *words_of(const char *text, const char *separators, char *words[MAX_WORDS], size_t *n)
{
    char *copy = kerf_strdup(text), *rest = copy;
    assert_non_null(copy);
    *n = 0;
    while (rest && *rest) {
        char *word = rest;
        rest = strpbrk(rest, separators);
        if (rest)
            *rest++ = 0;
        while (*word == ' ')
            word++;
        size_t length = strlen(word);
        while (length > 0 && word[length - 1] == ' ')
            word[--length] = 0;
        if (length == 0)
            continue;
        assert_true(*n < MAX_WORDS);
        words[(*n)++] = word;
    }
    return copy;
}

static void parse_dims(ir_value *value, const char *text)
{
    value->rank = 0;
    if (*text == '*') {
        value->rank = -1;
        return;
    }
    while (*text) {
        char *end = NULL;
        assert_true(value->rank < IR_MAX_RANK);
        value->dims[value->rank++] = *text == '?' ? IR_DIM_UNKNOWN : strtoll(text, &end, 10);
        text = *text == '?' ? text + 1 : end;
        text += *text == 'x';
    }
}

static void parse_content(ir_value *value, const char *text)
{
    char *words[MAX_WORDS];
    size_t n = 0;
    char *copy = words_of(text + 1, ",])", words, &n);
    value->rank = *text == '[' ? 1 : 0;
    value->dims[0] = (int64_t)n;
    if (value->type == KERF_FLOAT32)
        value->floats = kerf_calloc(n, sizeof *value->floats);
    else
        value->ints = kerf_calloc(n, sizeof *value->ints);
    assert_true(value->floats || value->ints);
    for (size_t i = 0; i < n; i++) {
        if (value->floats)
            value->floats[i] = *words[i] == '?' ? (double)NAN : strtod(words[i], NULL);
        else
            value->ints[i] = *words[i] == '?' ? IR_UNKNOWN_INT : strtoll(words[i], NULL, 10);
    }
    free(copy);
}

static void parse_value(ir_value *value, const char *text)
{
    const struct letter *letter = letter_of(*text);
    value->type = letter->type;
    if (letter->content && (text[1] == '[' || text[1] == '('))
        parse_content(value, text + 1);
    else
        parse_dims(value, text + 1);
    value->initializer = letter->constant;
}

ir_graph *shape_graph(int opset)
{
    ir_graph *graph = ir_graph_new();
    assert_non_null(graph);
    graph->opset = opset;
    return graph;
}

static void add_port(size_t **list, size_t *n, size_t value)
{
    *list = kerf_realloc_array(*list, *n + 1, sizeof **list);
    assert_non_null(*list);
    (*list)[(*n)++] = value;
}

size_t shape_value(ir_graph *graph, const char *name, const char *text)
{
    size_t v = ir_add_value(graph, name, strlen(name));
    assert_true(v != KERF_NONE);
    parse_value(&graph->values[v], text);
    if (!graph->values[v].initializer)
        add_port(&graph->inputs, &graph->n_inputs, v);
    return v;
}

size_t shape_result(ir_graph *graph, const char *name)
{
    size_t v = ir_add_value(graph, name, strlen(name));
    assert_true(v != KERF_NONE);
    return v;
}

ir_value *shape_find(ir_graph *graph, const char *name)
{
    for (size_t v = 0; v < graph->n_values; v++)
        if (strcmp(graph->values[v].name, name) == 0)
            return &graph->values[v];
    fail_msg("no value '%s'", name);
    return NULL;
}

static void parse_list(ir_attr *attr, const char *text)
{
    char *words[MAX_WORDS];
    bool real = strchr(text, '.') != NULL;
    char *copy = words_of(text + 1, ",]", words, &attr->n);
    attr->kind = real ? IR_ATTR_FLOATS : IR_ATTR_INTS;
    if (real)
        attr->floats = kerf_calloc(attr->n, sizeof *attr->floats);
    else
        attr->ints = kerf_calloc(attr->n, sizeof *attr->ints);
    for (size_t i = 0; i < attr->n; i++) {
        if (real)
            attr->floats[i] = strtod(words[i], NULL);
        else
            attr->ints[i] = strtoll(words[i], NULL, 10);
    }
    free(copy);
}

static void parse_attribute(ir_attr *attr, const char *text)
{
    const char *value = strchr(text, '=');
    assert_non_null(value);
    attr->name = kerf_strndup(text, (size_t)(value - text));
    value++;
    if (*value == '[') {
        parse_list(attr, value);
    } else if (*value == '{') {
        /* A tensor: {i[1,2]} */
        char *inner = kerf_strndup(value + 1, strlen(value) - 2);
        attr->kind = IR_ATTR_TENSOR;
        attr->tensor = kerf_calloc(1, sizeof *attr->tensor);
        assert_true(inner && attr->tensor);
        parse_value(attr->tensor, inner);
        free(inner);
    } else if (isdigit((unsigned char)*value) || *value == '-') {
        bool real = strchr(value, '.') != NULL;
        attr->kind = real ? IR_ATTR_FLOAT : IR_ATTR_INT;
        attr->i = strtoll(value, NULL, 10);
        attr->f = strtod(value, NULL);
    } else {
        attr->kind = IR_ATTR_STRING;
        attr->s = kerf_strdup(value);
    }
}

static void set_type(ir_node *node, const char *type)
{
    const char *colons = strstr(type, "::");
    node->domain = kerf_strndup(type, colons ? (size_t)(colons - type) : 0);
    node->type = kerf_strdup(colons ? colons + 2 : type);
    node->name = kerf_strdup("");
    assert_true(node->domain && node->type && node->name);
}

static void set_attributes(ir_node *node, const char *attributes)
{
    char *words[MAX_WORDS];
    size_t n = 0;
    char *copy = words_of(attributes ? attributes : "", " ", words, &n);
    /* One more, for a body. */
    node->attrs = kerf_calloc(n + 2, sizeof *node->attrs);
    assert_non_null(node->attrs);
    for (size_t i = 0; i < n; i++)
        parse_attribute(&node->attrs[node->n_attrs++], words[i]);
    free(copy);
}

ir_node *shape_node(ir_graph *graph, const char *type, const char *operands, const char *results,
                    const char *attributes)
{
    char *words[MAX_WORDS];
    size_t n = 0;
    ir_node *node = ir_add_node(graph);
    assert_non_null(node);
    node->source_index = graph->n_nodes - 1;
    set_type(node, type);
    set_attributes(node, attributes);
    char *copy = words_of(operands, " ", words, &n);
    for (size_t i = 0; i < n; i++) {
        bool omitted = strcmp(words[i], "-") == 0;
        add_port(&node->inputs, &node->n_inputs,
                 omitted ? KERF_NONE : (size_t)(shape_find(graph, words[i]) - graph->values));
    }
    free(copy);
    copy = words_of(results, " ", words, &n);
    for (size_t i = 0; i < n; i++)
        add_port(&node->outputs, &node->n_outputs,
                 strcmp(words[i], "-") == 0 ? KERF_NONE : shape_result(graph, words[i]));
    free(copy);
    return node;
}

void shape_body(ir_graph *graph, size_t node, const char *attribute, ir_graph *body)
{
    ir_node *owner = &graph->nodes[node];
    ir_attr *attr = &owner->attrs[owner->n_attrs++];
    assert_true(owner->n_attrs <= 2);
    attr->name = kerf_strdup(attribute);
    attr->kind = IR_ATTR_GRAPH;
    attr->graph = body;
    body->parent = graph;
}

void shape_capture(ir_graph *body, ir_graph *outer, const char *name)
{
    size_t v = shape_result(body, name);
    body->values[v].outer = (size_t)(shape_find(outer, name) - outer->values);
}

static void expect_content(const ir_value *value, const ir_value *expected, const char *context)
{
    int64_t n = ir_elements(expected);
    if (!value->ints && !value->floats)
        fail_msg("%s: '%s' is not folded", context, value->name);
    for (int64_t i = 0; i < n; i++) {
        if (expected->ints && value->ints && value->ints[i] != expected->ints[i])
            fail_msg("%s: element %lld of '%s' is %lld, expected %lld", context, (long long)i,
                     value->name, (long long)value->ints[i], (long long)expected->ints[i]);
        if (expected->floats && value->floats &&
            (isnan(value->floats[i]) != isnan(expected->floats[i]) ||
             fabs(value->floats[i] - expected->floats[i]) > 1e-6))
            fail_msg("%s: element %lld of '%s' is %g, expected %g", context, (long long)i,
                     value->name, value->floats[i], expected->floats[i]);
    }
}

void shape_expect(const ir_value *value, const char *text, const char *context)
{
    ir_value expected = {.rank = -1};
    parse_value(&expected, text);
    bool same = value->type == expected.type && value->rank == expected.rank;
    bool open = value->rank < 0;
    char got[256] = "";
    for (int i = 0; i < value->rank; i++) {
        size_t at = strlen(got);
        snprintf(got + at, sizeof got - at, "%lldx", (long long)value->dims[i]);
        same = same && value->dims[i] == expected.dims[i];
        open = open || value->dims[i] < 0;
    }
    if (!same)
        fail_msg("%s: '%s' is %s %s (rank %d), expected %s", context, value->name,
                 kerf_type_name(value->type), got, value->rank, text);
    if (open != (value->unresolved != NULL))
        fail_msg("%s: '%s' gives the reason '%s'", context, value->name,
                 value->unresolved ? value->unresolved : "");
    if (expected.ints || expected.floats)
        expect_content(value, &expected, context);
    free(expected.ints);
    free(expected.floats);
}

static void infer(ir_graph *graph, const char *error, const char *context)
{
    kerf_error err = {0};
    kerf_status status = ir_infer(graph, &err);
    if (!error && status)
        fail_msg("%s: %s: %s", context, err.where, err.message);
    if (!error)
        return;
    if (status == KERF_OK)
        fail_msg("%s: no error, expected '%s'", context, error);
    assert_int_equal(status, err.code);
    if (!err.where[0] || !strstr(err.message, error))
        fail_msg("%s: the error is '%s: %s', expected '%s'", context, err.where, err.message,
                 error);
}

void shape_infer(ir_graph *graph, const char *error)
{
    infer(graph, error, "the graph");
}

/* Adds the operands as values v0, v1, ... and the outputs as y0, y1, ... */
static ir_graph *build_case(const shape_case *c, char *outputs[MAX_WORDS], size_t n_outputs)
{
    char *words[MAX_WORDS], names[1024] = "", results[1024] = "", name[32];
    size_t n = 0;
    ir_graph *graph = shape_graph(c->opset);
    char *copy = words_of(c->operands, ";", words, &n);
    for (size_t i = 0; i < n; i++) {
        bool omitted = strcmp(words[i], "-") == 0;
        snprintf(name, sizeof name, omitted ? "- " : "v%zu ", i);
        strncat(names, name, sizeof names - strlen(names) - 1);
        snprintf(name, sizeof name, "v%zu", i);
        if (!omitted)
            shape_value(graph, name, words[i]);
    }
    for (size_t i = 0; i < n_outputs; i++) {
        snprintf(name, sizeof name, strcmp(outputs[i], "-") == 0 ? "- " : "y%zu ", i);
        strncat(results, name, sizeof results - strlen(results) - 1);
    }
    free(copy);
    shape_node(graph, c->type, names, results, c->attributes);
    return graph;
}

void shape_check(const shape_case *c)
{
    char *outputs[MAX_WORDS], context[512], name[32], none[] = "y";
    size_t n = 0;
    bool failing = c->outputs[0] == '!';
    char *copy = words_of(c->outputs, ";", outputs, &n);
    const char *error = failing ? outputs[0] + 1 : NULL;
    if (failing)
        outputs[0] = none;
    snprintf(context, sizeof context, "%s (%s) %s", c->type, c->operands,
             c->attributes ? c->attributes : "");
    ir_graph *graph = build_case(c, outputs, n);
    infer(graph, error, context);
    for (size_t i = 0; i < n && !failing; i++) {
        snprintf(name, sizeof name, "y%zu", i);
        if (strcmp(outputs[i], "-") != 0)
            shape_expect(shape_find(graph, name), outputs[i], context);
    }
    const ir_node *node = &graph->nodes[0];
    if (!failing && c->macs >= 0 && node->macs != c->macs)
        fail_msg("%s: %lld MACs, expected %lld", context, (long long)node->macs,
                 (long long)c->macs);
    if (!failing && c->cls && strcmp(kerf_class_name(node->cls), c->cls) != 0)
        fail_msg("%s: class %s, expected %s", context, kerf_class_name(node->cls), c->cls);
    ir_graph_free(graph);
    free(copy);
}

void shape_check_all(const shape_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        shape_check(&cases[i]);
}
