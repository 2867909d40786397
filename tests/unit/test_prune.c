/* Early exits: a network cut short to what some of its tensors need, against the whole one. */
#include "kerf/kerf.h"
#include "tests/support/random.h"
#include "tests/support/text_file.h"
#include "tests/support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static kerf_network *load(const char *path, const char *const *outputs, size_t n)
{
    const kerf_network_options options = {.outputs = outputs, .n_outputs = n};
    kerf_network *network = NULL;
    kerf_error err;
    if (kerf_network_load(path, &options, &network, &err) != KERF_OK)
        fail_msg("%s: %s: %s", err.source, err.where, err.message);
    return network;
}

/* What the tensors need, found forwards: an operator is needed if a needed one reads from it. */
static bool *needed_operators(const kerf_network *net, const size_t *tensors, size_t n)
{
    bool *needed = calloc(net->n_operators + 1, sizeof *needed);
    assert_non_null(needed);
    for (size_t i = 0; i < n; i++)
        needed[net->tensors[tensors[i]].producer] = true;
    for (size_t v = net->n_operators; v-- > 0;)
        for (size_t i = 0; needed[v] && i < net->operators[v].n_inputs; i++) {
            const size_t t = net->operators[v].inputs[i];
            if (t != KERF_NONE && net->tensors[t].producer != KERF_NONE)
                needed[net->tensors[t].producer] = true;
        }
    return needed;
}

static void same_operator(const kerf_network *net, size_t a, const kerf_network *part, size_t b)
{
    const kerf_operator *x = &net->operators[a], *y = &part->operators[b];
    assert_string_equal(x->name, y->name);
    assert_string_equal(x->type, y->type);
    assert_int_equal(x->macs, y->macs);
    assert_int_equal(x->weight_bytes, y->weight_bytes);
    assert_int_equal(x->read_bytes, y->read_bytes);
    assert_int_equal(x->write_bytes, y->write_bytes);
    assert_int_equal(x->n_inputs, y->n_inputs);
    for (size_t i = 0; i < x->n_inputs; i++)
        if (x->inputs[i] != KERF_NONE)
            assert_string_equal(net->tensors[x->inputs[i]].name, part->tensors[y->inputs[i]].name);
}

static void check_part(const char *path, const kerf_network *net, const size_t *tensors, size_t n)
{
    const char *names[2];
    for (size_t i = 0; i < n; i++)
        names[i] = net->tensors[tensors[i]].name;
    kerf_network *part = load(path, names, n);
    bool *needed = needed_operators(net, tensors, n);
    size_t found = 0, inputs = 0;
    assert_true(part->pruned && !net->pruned);
    for (size_t v = 0; v < net->n_operators; v++)
        if (needed[v])
            same_operator(net, v, part, found++);
    assert_int_equal(part->n_operators, found);
    assert_int_equal(part->n_outputs, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(part->tensors[part->outputs[i]].name, names[i]);
        assert_true(part->tensors[part->outputs[i]].is_output);
        assert_int_equal(part->tensors[part->outputs[i]].bytes, net->tensors[tensors[i]].bytes);
    }
    for (size_t i = 0; i < net->n_inputs; i++) {
        const kerf_tensor *t = &net->tensors[net->inputs[i]];
        for (size_t c = 0; c < t->n_consumers; c++)
            if (needed[t->consumers[c]]) {
                inputs++;
                break;
            }
    }
    assert_int_equal(part->n_inputs, inputs);
    free(needed);
    kerf_network_destroy(&part);
}

/* A tensor that an operator makes from data. */
static size_t random_tensor(rng *r, const kerf_network *net)
{
    size_t t;
    do
        t = rng_below(r, net->n_tensors);
    while (net->tensors[t].producer == KERF_NONE || net->tensors[t].constant);
    return t;
}

static void parts_are_what_is_needed(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "configs/networks/mobilenetv2.json", "configs/networks/inceptionv3.json",
        "configs/networks/yolov3-tiny.json", "configs/networks/bert-base.json",
        "tests/data/cli/networks/diamond.json"};
    rng r = {rng_seed(31)};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        kerf_network *net = load(paths[i], NULL, 0);
        for (int k = 0; k < 8; k++) {
            size_t tensors[2] = {random_tensor(&r, net), random_tensor(&r, net)};
            check_part(paths[i], net, tensors, tensors[0] == tensors[1] ? 1 : 1 + rng_below(&r, 2));
        }
        kerf_network_destroy(&net);
    }
}

static const char two_inputs[] =
    "{\"format\": \"kerf-network/1\", \"name\": \"two\", \"inputs\": [{\"name\": \"a\", \"shape\": "
    "[4]},"
    " {\"name\": \"b\", \"shape\": [4]}], \"operators\": ["
    "{\"name\": \"left\", \"type\": \"Relu\", \"inputs\": [\"a\"], \"outputs\": [\"x\"]},"
    "{\"name\": \"right\", \"type\": \"Relu\", \"inputs\": [\"b\"], \"outputs\": [\"y\"]},"
    "{\"name\": \"sum\", \"type\": \"Add\", \"inputs\": [\"x\", \"y\"], \"outputs\": [\"z\"]}],"
    " \"outputs\": [\"z\"]}";

static void inputs_fall_away_too(void **state)
{
    (void)state;
    const char *const names[] = {"y"};
    text_file_write(two_inputs, NULL, NULL);
    kerf_network *part = load(text_file_path(), names, 1);
    assert_int_equal(part->n_inputs, 1);
    assert_string_equal(part->tensors[part->inputs[0]].name, "b");
    assert_int_equal(part->n_operators, 1);
    assert_int_equal(part->n_tensors, 2);
    kerf_split *split = NULL;
    kerf_error err;
    const kerf_side side = KERF_SIDE_DEVICE;
    assert_int_equal(kerf_split_write(part, &side, NULL, &split, &err), KERF_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "early exit"));
    kerf_network_destroy(&part);
}

static void wrong_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"nothing", ""}, {"a", ""}, {"y", "y"}};
    static const char *const parts[] = {"'nothing'", "'a'", "twice"};
    text_file_write(two_inputs, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        const kerf_network_options options = {.outputs = names[i], .n_outputs = i == 2 ? 2 : 1};
        kerf_network *network = NULL;
        kerf_error err;
        assert_int_equal(kerf_network_load(text_file_path(), &options, &network, &err),
                         KERF_E_INVALID);
        assert_non_null(strstr(err.message, parts[i]));
        assert_null(network);
    }
}

static kerf_status load_part(void *path, kerf_error *err)
{
    const char *const names[] = {"y"};
    const kerf_network_options options = {.outputs = names, .n_outputs = 1};
    kerf_network *network = NULL;
    const kerf_status status = kerf_network_load(path, &options, &network, err);
    kerf_network_destroy(&network);
    return status;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
    text_file_write(two_inputs, NULL, NULL);
    assert_true(torture_run(load_part, (void *)text_file_path()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_what_is_needed),
        cmocka_unit_test(inputs_fall_away_too),
        cmocka_unit_test(wrong_names_are_refused),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, text_file_make, text_file_remove);
}
