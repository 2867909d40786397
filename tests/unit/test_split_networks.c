/* Every network of the reference data and every bundled one, cut at every third place of its order
 * (KERF_TEST_FULL: at every one): together the parts hold every operator once, each runs with what
 * it has, in the order it has, and what crosses is what the plan's definition says. */
#include "kerf/kerf.h"
#include "model/onnx/outline.h"

#include <glob.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER     "../shared/data/onnx/"
#define MAX_INPUTS 16
#define PATH_SIZE  256

static char folder[] = "/tmp/kerf-split-XXXXXX";
static char shared_folder[] =
    "/dev/shm/kerf-split-XXXXXX"; /* in memory: nothing waits for a disk */
static char head_path[PATH_SIZE], tail_path[PATH_SIZE];
static const char *place;

typedef struct cut {
    const kerf_network *net;
    const char *path;
    size_t at; /* operators before this one are on the device */
    kerf_side *side;
    kerf_split *split;
    onnx_outline source, head, tail; /* the source's only for ONNX networks */
    bool has_source;
} cut;

static void wrong(const cut *c, const char *what, const char *name)
{
    fail_msg("%s cut at %zu: %s: %s", c->path, c->at, what, name);
}

/* --- one cut --- */

/* Every operand is made before it is read; results are there. */
static void check_closed(const cut *c, const onnx_outline *part)
{
    bool *there = calloc(part->n_tensors + 1, sizeof *there);
    assert_non_null(there);
    for (size_t t = 0; t < part->n_tensors; t++)
        there[t] = part->tensors[t].input != KERF_NONE || part->tensors[t].initializer != KERF_NONE;
    for (size_t n = 0; n < part->n_nodes; n++) {
        const outline_node *node = &part->nodes[n];
        for (size_t j = 0; j < node->n_inputs; j++)
            if (!there[node->inputs[j]])
                wrong(c, "an operand is missing", part->tensors[node->inputs[j]].name);
        for (size_t j = 0; j < node->n_outputs; j++)
            there[node->outputs[j]] = true;
    }
    for (size_t i = 0; i < part->n_outputs; i++)
        if (!there[part->outputs[i].tensor])
            wrong(c, "a result is missing", part->tensors[part->outputs[i].tensor].name);
    for (size_t i = 0; i < part->n_initializers; i++)
        if (part->tensors[part->initializers[i].tensor].initializer != i)
            wrong(c, "a weight is there twice", part->tensors[part->initializers[i].tensor].name);
    free(there);
}

static bool makes(const onnx_outline *part, const char *name)
{
    const size_t t = onnx_outline_find(part, name);
    return t != KERF_NONE && part->tensors[t].producer != KERF_NONE;
}

/* A tensor inside the body of a function is not in the file. */
static void check_operators(const cut *c)
{
    for (size_t i = 0; i < c->net->n_operators; i++) {
        const kerf_operator *op = &c->net->operators[i];
        for (size_t j = 0; j < op->n_outputs && !op->constant; j++) {
            if (op->outputs[j] == KERF_NONE)
                continue;
            const char *name = c->net->tensors[op->outputs[j]].name;
            if (c->has_source && onnx_outline_find(&c->source, name) == KERF_NONE)
                continue;
            if (makes(&c->head, name) != (c->side[i] == KERF_SIDE_DEVICE) ||
                makes(&c->tail, name) != (c->side[i] == KERF_SIDE_SERVER))
                wrong(c, "an operator is not once where it belongs", op->name);
        }
    }
}

static bool crosses(const cut *c, size_t t)
{
    const kerf_tensor *tensor = &c->net->tensors[t];
    bool from_device = tensor->producer == KERF_NONE
                           ? tensor->is_input
                           : c->side[tensor->producer] == KERF_SIDE_DEVICE;
    for (size_t i = 0; i < tensor->n_consumers && from_device; i++)
        if (c->side[tensor->consumers[i]] == KERF_SIDE_SERVER)
            return true;
    return false;
}

static void check_crossing(const cut *c)
{
    size_t expected = 0, found = 0;
    for (size_t t = 0; t < c->net->n_tensors; t++)
        expected += !c->net->tensors[t].constant && crosses(c, t);
    for (size_t i = 0; i < c->split->n_crossing; i++) {
        const kerf_crossing *x = &c->split->crossing[i];
        const char *name = c->net->tensors[x->tensor].name;
        const size_t in_head = onnx_outline_find(&c->head, x->wire_name),
                     in_tail = onnx_outline_find(&c->tail, x->wire_name);
        if (!x->auxiliary && !crosses(c, x->tensor))
            wrong(c, "crosses without need", name);
        if (in_tail == KERF_NONE || c->tail.tensors[in_tail].input == KERF_NONE)
            wrong(c, "is no input of the tail", name);
        if (!x->is_input && (in_head == KERF_NONE || c->head.tensors[in_head].output == KERF_NONE))
            wrong(c, "is no output of the head", name);
        found += !x->auxiliary;
    }
    if (found != expected)
        wrong(c, "another number of tensors crosses than the plan says", "");
}

/* In the order of the tail's inputs; nothing else is fed to it. */
static void check_order(const cut *c)
{
    size_t fed = 0;
    for (size_t i = 0; i < c->tail.n_inputs; i++) {
        const outline_tensor *t = &c->tail.tensors[c->tail.inputs[i].tensor];
        if (t->initializer != KERF_NONE)
            continue;
        if (fed >= c->split->n_crossing || strcmp(c->split->crossing[fed].wire_name, t->name) != 0)
            wrong(c, "an input of the tail is not in its place", t->name);
        fed++;
    }
    assert_int_equal(fed, c->split->n_crossing);
}

static void check_results(const cut *c)
{
    for (size_t i = 0; i < c->net->n_outputs; i++) {
        const char *name = c->net->tensors[c->net->outputs[i]].name;
        const onnx_outline *part =
            c->split->output_side[i] == KERF_SIDE_DEVICE ? &c->head : &c->tail;
        const size_t t = onnx_outline_find(part, name);
        if (t == KERF_NONE || part->tensors[t].output == KERF_NONE)
            wrong(c, "a result of the network is missing", name);
    }
}

static void check_cut(cut *c)
{
    kerf_error err = {0};
    const kerf_split_options options = {.head = head_path, .tail = tail_path, .force = true};
    kerf_status status = kerf_split_write(c->net, c->side, &options, &c->split, &err);
    if (status != KERF_OK)
        fail_msg("%s cut at %zu: %s: %s", c->path, c->at, err.where, err.message);
    assert_int_equal(onnx_outline_read(&c->head, head_path, &err), KERF_OK);
    assert_int_equal(onnx_outline_read(&c->tail, tail_path, &err), KERF_OK);
    check_closed(c, &c->head);
    check_closed(c, &c->tail);
    check_operators(c);
    check_crossing(c);
    check_order(c);
    check_results(c);
    assert_int_equal(c->split->head.operators + c->split->tail.operators, c->net->n_placed);
    if (c->at % 8 == 1) /* reads both once more, for what does not depend on the cut */
        assert_int_equal(kerf_split_check(head_path, tail_path, &err), KERF_OK);
    onnx_outline_clear(&c->head);
    onnx_outline_clear(&c->tail);
    kerf_split_destroy(&c->split);
}

/* --- all cuts of a network --- */

static bool in_one_call(const kerf_network *net, size_t a, size_t b)
{
    return net->operators[a].source_index == net->operators[b].source_index;
}

/* The cut before the operator of that rank among the placed ones; false: inside a call. */
static bool place_at(cut *c, size_t rank)
{
    const kerf_network *net = c->net;
    size_t seen = 0, last = KERF_NONE;
    for (size_t i = 0; i < net->n_operators; i++) {
        if (net->operators[i].constant)
            continue;
        c->side[i] = seen++ < rank ? KERF_SIDE_DEVICE : KERF_SIDE_SERVER;
        if (seen == rank + 1 && last != KERF_NONE && in_one_call(net, last, i))
            return false;
        last = i;
    }
    c->at = rank;
    return true;
}

static size_t check_network(const char *path, const kerf_network *net, size_t first)
{
    cut c = {.net = net, .path = path};
    const size_t step = getenv("KERF_TEST_FULL") ? 1 : 3;
    size_t cuts = 0;
    kerf_error err = {0};
    c.side = calloc(net->n_operators, sizeof *c.side);
    assert_non_null(c.side);
    c.has_source = strcmp(path + strlen(path) - 5, ".onnx") == 0;
    if (c.has_source)
        assert_int_equal(onnx_outline_read(&c.source, path, &err), KERF_OK);
    for (size_t rank = 1 + first % step; rank < net->n_placed; rank += step)
        if (place_at(&c, rank)) {
            check_cut(&c);
            cuts++;
        }
    if (c.has_source)
        onnx_outline_clear(&c.source);
    free(c.side);
    return cuts;
}

/* Loads with the shapes of the reference figures, where there are some. */
static kerf_status load(const char *path, kerf_network **net, kerf_error *err)
{
    char reference[PATH_SIZE];
    struct kerf_input_shape shapes[MAX_INPUTS];
    int64_t dims[MAX_INPUTS][IR_MAX_RANK];
    kerf_network_options options = {.inputs = shapes};
    size_t i, k;
    json_t *input, *dim;
    snprintf(reference, sizeof reference, "%.*s.json", (int)strlen(path) - 5, path);
    json_t *json = json_load_file(reference, 0, NULL);
    json_array_foreach(json_object_get(json, "inputs"), i, input)
    {
        assert_true(i < MAX_INPUTS);
        const json_t *used = json_object_get(input, "used");
        json_array_foreach(used, k, dim) dims[i][k] = json_integer_value(dim);
        shapes[i] = (struct kerf_input_shape){json_string_value(json_object_get(input, "name")),
                                              dims[i], json_array_size(used)};
        options.n_inputs++;
    }
    const kerf_status status = kerf_network_load(path, &options, net, err);
    json_decref(json);
    return status;
}

static void reference_networks(void **state)
{
    glob_t found;
    size_t cuts = 0, networks = 0;
    (void)state;
    if (glob(FOLDER "*.onnx", 0, NULL, &found) != 0) {
        print_message("the reference data is not there\n");
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        kerf_network *net = NULL;
        kerf_error err = {0};
        char link_path[PATH_SIZE];
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        const kerf_status status = load(found.gl_pathv[i], &net, &err);
        if (status != KERF_OK) { /* a size that data decides: it cannot be planned either */
            assert_int_equal(status, KERF_E_UNRESOLVED);
            print_message("%s cannot be planned: %s\n", name, err.message);
            continue;
        }
        /* In the folder of the parts, so that external data, which is absent, is referred to. */
        char *absolute = realpath(found.gl_pathv[i], NULL);
        assert_non_null(absolute);
        snprintf(link_path, sizeof link_path, "%s/%s", place, name);
        assert_int_equal(symlink(absolute, link_path), 0);
        free(absolute);
        free(net->source);
        net->source = strdup(link_path);
        cuts += check_network(link_path, net, i);
        networks++;
        kerf_network_destroy(&net);
        unlink(link_path);
    }
    print_message("%zu cuts of %zu networks\n", cuts, networks);
    globfree(&found);
}

static void bundled_networks(void **state)
{
    glob_t found;
    size_t cuts = 0;
    (void)state;
    assert_int_equal(glob("configs/networks/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        kerf_network *net = NULL;
        kerf_error err = {0};
        assert_int_equal(kerf_network_load(found.gl_pathv[i], NULL, &net, &err), KERF_OK);
        cuts += check_network(found.gl_pathv[i], net, i);
        kerf_network_destroy(&net);
    }
    print_message("%zu cuts of %zu networks\n", cuts, found.gl_pathc);
    globfree(&found);
}

static int make_folder(void **state)
{
    (void)state;
    place = mkdtemp(shared_folder);
    if (!place)
        place = mkdtemp(folder);
    if (!place)
        return -1;
    snprintf(head_path, sizeof head_path, "%s/head.onnx", place);
    snprintf(tail_path, sizeof tail_path, "%s/tail.onnx", place);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(head_path);
    unlink(tail_path);
    return rmdir(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_networks),
        cmocka_unit_test(bundled_networks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
