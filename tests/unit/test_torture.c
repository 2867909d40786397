/* Every public call that allocates, with each of its allocations failing. */
#include "tests/support/torture.h"

#include "base/json.h"
#include "kerf/kerf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void *const UNTOUCHED = (void *)&UNTOUCHED;

/* First of all in a test, before anything is built that a skipped test would not free. */
static void need_torture(void)
{
    if (!torture_available()) {
        print_message("# malloc cannot be replaced in this build\n");
        skip();
    }
}

static void torture(torture_function *function, void *context)
{
    need_torture();
    size_t count = torture_run(function, context);
    print_message("# %zu allocations\n", count);
    assert_true(count > 0);
}

static kerf_status load_link(void *path, kerf_error *err)
{
    kerf_link *link = UNTOUCHED;
    kerf_status status = kerf_link_load(path, &link, err);
    if (status != KERF_OK)
        return link == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!link->description || !(link->rate_bps[KERF_UPLINK] > 0) || !(link->active_W[0] > 0) ||
        (strstr(path, "lte") && (strcmp(link->name, "lte") != 0 || !link->provenance)))
        status = torture_wrong(err, "fields are missing");
    kerf_link_destroy(&link);
    return status;
}

/* Refusals need memory as well: the same error, or lack of memory. */
static kerf_status refuse_link(void *context, kerf_error *err)
{
    kerf_link *link = UNTOUCHED;
    const kerf_error *expected = context;
    kerf_status status = kerf_link_load(expected->source, &link, err);
    if (link != UNTOUCHED)
        return torture_wrong(err, "the output was touched");
    if (status == KERF_E_NOMEM)
        return status;
    if (status != expected->code || strcmp(err->where, expected->where) != 0 ||
        strcmp(err->message, expected->message) != 0)
        return torture_wrong(err, "another error");
    err->code = KERF_OK;
    return KERF_OK;
}

static void torture_refusal(const char *text)
{
    char path[] = "/tmp/kerf-torture-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    kerf_link *link = NULL;
    kerf_error expected;
    assert_int_not_equal(kerf_link_load(path, &link, &expected), KERF_OK);
    print_message("# %s: %s\n", expected.where, expected.message);
    torture(refuse_link, &expected);
    unlink(path);
}

static void test_refused_link(void **state)
{
    (void)state;
    torture_refusal("{\"format\": \"kerf-link/1\", \"uplink\": 4}");
    torture_refusal("{\"format\": \"kerf-link/1\", \"uplink\": \"no rate at all, but long\"}");
    torture_refusal("{\"format\": \"kerf-link/1\", \"uplnk\": \"4 Mbit/s\"}");
    torture_refusal("{\"format\": \"kerf-link/1\", \"uplink\": \"4 Mbit/s\"");
}

/* Strings of every length: jansson's buffer grows in the middle of some, and at the closing quote
 * of others. */
enum { STRINGS = 140 };

static void write_strings(char *text)
{
    static const char head[] = "{\"strings\": [";
    memcpy(text, head, sizeof head - 1);
    text += sizeof head - 1;
    for (size_t length = 0; length < STRINGS; length++) {
        if (length > 0)
            *text++ = ',';
        *text++ = '"';
        memset(text, 'x', length);
        text += length;
        *text++ = '"';
    }
    memcpy(text, "]}", 3);
}

static kerf_status parse_strings(void *text, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_status status = kerf_json_parse(text, strlen(text), "strings", NULL, &doc, err);
    if (status != KERF_OK)
        return doc ? torture_wrong(err, "there is a document") : status;
    kerf_json root = kerf_json_root(doc), list;
    size_t n = 0;
    bool right = kerf_json_array(&root, "strings", KERF_REQUIRED, &list, &n) && n == STRINGS;
    for (size_t i = 0; right && i < n; i++) {
        kerf_json at = kerf_json_at(&list, i);
        const char *string = NULL;
        right = kerf_json_as_string(&at, &string) && strlen(string) == i;
    }
    status = kerf_json_close(&doc);
    return right || status == KERF_E_NOMEM ? status : torture_wrong(err, "another string");
}

/* Single numbers and names of every length: what the lexer puts back must be what it saved last. */
static kerf_status parse_tokens(void *length, kerf_error *err)
{
    static const char digits[] = "1234567890123456789012345678901234567890123456789012345678901234";
    char text[128];
    const int n = (int)*(const size_t *)length;
    snprintf(text, sizeof text, "{\"a\": [%.1s.%.*s , %.*s]}", digits, n, digits, n % 16 + 1,
             digits);
    kerf_json_doc *doc = NULL;
    kerf_status status = kerf_json_parse(text, strlen(text), "numbers", NULL, &doc, err);
    if (status != KERF_OK)
        return doc ? torture_wrong(err, "there is a document") : status;
    return kerf_json_close(&doc);
}

static void test_numbers(void **state)
{
    (void)state;
    need_torture();
    for (size_t length = 1; length <= 64; length++)
        torture_run(parse_tokens, &length);
}

static void test_strings(void **state)
{
    (void)state;
    static char text[32768];
    write_strings(text);
    torture(parse_strings, text);
}

static kerf_status load_device(void *path, kerf_error *err)
{
    kerf_device *device = UNTOUCHED;
    kerf_status status = kerf_device_load(path, &device, err);
    if (status != KERF_OK)
        return device == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!device->name || !device->provenance || !device->fit || !device->assumptions ||
        device->n_modes == 0 || !device->modes[device->n_modes - 1].name)
        status = torture_wrong(err, "fields are missing");
    kerf_device_destroy(&device);
    return status;
}

static void test_link(void **state)
{
    (void)state;
    torture(load_link, "configs/links/lte.json");
    torture(load_link, "tests/data/links/measured.json");
    torture(load_link, "tests/data/links/theory.json");
}

static void test_device(void **state)
{
    (void)state;
    torture(load_device, "configs/devices/jetson-tx2.json");
    torture(load_device, "configs/servers/edge-gpu.json");
}

/* --- networks --- */

typedef struct network_job {
    const char *path;
    const kerf_network_options *options;
    size_t n_operators, n_groups, n_warnings;
    int64_t macs, weight_bytes;
} network_job;

static kerf_status load_network(void *context, kerf_error *err)
{
    const network_job *expected = context;
    kerf_network *network = UNTOUCHED;
    kerf_status status = kerf_network_load(expected->path, expected->options, &network, err);
    if (status != KERF_OK)
        return network == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (network->n_operators != expected->n_operators || network->n_groups != expected->n_groups ||
        network->n_warnings != expected->n_warnings || network->macs != expected->macs ||
        network->weight_bytes != expected->weight_bytes)
        status = torture_wrong(err, "the network is not what the file says");
    kerf_network_destroy(&network);
    return status;
}

static void torture_network(const char *path, const kerf_network_options *options)
{
    kerf_network *network = NULL;
    kerf_error err;
    if (kerf_network_load(path, options, &network, &err) != KERF_OK)
        fail_msg("%s: %s: %s", err.source, err.where, err.message);
    network_job expected = {
        .path = path,
        .options = options,
        .n_operators = network->n_operators,
        .n_groups = network->n_groups,
        .n_warnings = network->n_warnings,
        .macs = network->macs,
        .weight_bytes = network->weight_bytes,
    };
    kerf_network_destroy(&network);
    print_message("# %s\n", path);
    torture(load_network, &expected);
}

/* A plain chain, weights in line, recurrent layers, quantised operators, attention, functions of
 * the shapes, and If with captured values. */
static void test_onnx(void **state)
{
    (void)state;
    static const struct {
        const char *name, *dim;
        int64_t size;
    } files[] = {
        {"dory_frontnet", NULL, 0},
        {"super_resolution_ir1", NULL, 0},
        {"gap_mnist_gru", NULL, 0},
        {"deeploy_mlperf_resnet8_int", NULL, 0},
        {"vespa_tiny_transformer", "tokens", 16},
        {"re_bert_tiny_128", "sequence_length", 16},
        {"silero_vad_16k_op15", "sequence", 512},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "../shared/data/onnx/%s.onnx", files[i].name);
        if (access(path, R_OK) != 0) {
            print_message("# no reference data\n");
            skip();
        }
        const struct kerf_dim dim = {files[i].dim, files[i].size};
        kerf_network_options options = {.dims = &dim, .n_dims = files[i].dim ? 1 : 0};
        torture_network(path, &options);
    }
}

static void test_json_network(void **state)
{
    (void)state;
    torture_network("tests/data/cli/networks/diamond.json", NULL);
}

static kerf_status load_profile(void *network, kerf_error *err)
{
    kerf_profile *profile = UNTOUCHED;
    kerf_status status =
        kerf_profile_load("tests/data/cli/profiles/chain-groups.json", network, &profile, err);
    if (status != KERF_OK)
        return profile == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!profile->network || profile->n_groups != 3 || profile->n_operators == 0 ||
        !profile->operators[0].name)
        status = torture_wrong(err, "fields are missing");
    kerf_profile_destroy(&profile);
    return status;
}

static void test_profile(void **state)
{
    (void)state;
    kerf_network *network = NULL;
    need_torture();
    assert_int_equal(kerf_network_load("tests/data/cli/networks/chain.json", NULL, &network, NULL),
                     KERF_OK);
    torture(load_profile, network);
    kerf_network_destroy(&network);
}

/* --- plans --- */

typedef struct plan_job {
    kerf_question question;
    double objective; /* of the answer without a failure */
} plan_job;

static kerf_status make_plan(void *context, kerf_error *err)
{
    const plan_job *job = context;
    kerf_plan *plan = UNTOUCHED;
    kerf_status status = kerf_plan_make(&job->question, &plan, err);
    if (status != KERF_OK)
        return plan == UNTOUCHED ? status : torture_wrong(err, "the output was touched");
    if (!plan->optimal || fabs(plan->cost.objective - job->objective) > 1e-9 * job->objective)
        status = torture_wrong(err, "the plan is another one");
    kerf_plan_destroy(&plan);
    return status;
}

static kerf_status price_placement(void *context, kerf_error *err)
{
    const plan_job *job = context;
    kerf_side side[64];
    kerf_plan_cost cost;
    for (size_t i = 0; i < job->question.network->n_operators; i++)
        side[i] = KERF_SIDE_DEVICE;
    kerf_status status = kerf_price(&job->question, side, &cost, err);
    if (status == KERF_OK && !(cost.latency_s > 0))
        status = torture_wrong(err, "no cost");
    return status;
}

static void torture_plan(kerf_question question, const char *what)
{
    kerf_plan *plan = NULL;
    kerf_error err;
    if (kerf_plan_make(&question, &plan, &err) != KERF_OK)
        fail_msg("%s: %s: %s", what, err.where, err.message);
    plan_job job = {question, plan->cost.objective};
    kerf_plan_destroy(&plan);
    print_message("# %s\n", what);
    torture(make_plan, &job);
    job.question.power_mode = NULL; /* a price is for one mode */
    torture(price_placement, &job);
}

static void torture_choices(kerf_question question)
{
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    if (kerf_plan_make(&question, &plan, &err) != KERF_OK)
        fail_msg("choices: %s: %s", err.where, err.message);
    plan_job job = {question, plan->cost.objective};
    kerf_plan_destroy(&plan);
    print_message("# choices\n");
    torture(make_plan, &job);
}

/* Every solver and what a question may ask for beside the cut. */
static void torture_questions(kerf_question plain)
{
    const kerf_pin pin = {0, KERF_SIDE_DEVICE};
    kerf_question q = plain;
    torture_plan(q, "auto");
    q.solver = KERF_SOLVER_EXHAUSTIVE;
    q.objective = KERF_OBJ_THROUGHPUT;
    torture_plan(q, "exhaustive");
    q = plain;
    q.solver = KERF_SOLVER_MINCUT;
    q.objective = KERF_OBJ_EDP;
    q.pins = &pin;
    q.n_pins = 1;
    torture_plan(q, "mincut");
    q = plain;
    q.top = 3;
    q.power_mode = "any";
    q.wire = KERF_WIRE_INT8;
    torture_plan(q, "top, any mode, int8");
    const kerf_encoding encodings[] = {
        {.name = "own"},
        {.name = "zip", .ratio = 0.5, .device_s_per_byte = 1e-9, .accuracy_loss = 0.1}};
    const kerf_variant variants[] = {{.name = "a", .network = plain.network, .accuracy = 0.8},
                                     {.name = "b", .network = plain.network, .accuracy = 0.9}};
    q = plain;
    q.power_mode = "any";
    q.encodings = encodings;
    q.variants = variants;
    q.n_encodings = q.n_variants = 2;
    q.limits.min_accuracy = 0.75;
    q.compare_choices = true;
    torture_choices(q);
    char *names[] = {plain.network->operators[0].name, plain.network->operators[1].name};
    struct kerf_measured_group groups[] = {{names, 2, 1e-3, 1e-3}, {names, 1, 1e-4, 1e-3}};
    const kerf_profile profile = {.groups = groups, .n_groups = 2};
    q = plain;
    q.device_profile = q.server_profile = &profile;
    torture_plan(q, "measured groups");
    q = plain;
    q.solver = KERF_SOLVER_MILP;
    q.limits = (kerf_limits){.deadline_s = 3600, .memory_bytes = 1e12, .min_device_operators = 1};
    torture_plan(q, "milp");
}

static void test_plan(void **state)
{
    (void)state;
    kerf_network *network = NULL;
    kerf_device *device = NULL, *server = NULL;
    kerf_link *link = NULL;
    need_torture();
    assert_int_equal(
        kerf_network_load("tests/data/cli/networks/diamond.json", NULL, &network, NULL), KERF_OK);
    assert_int_equal(kerf_device_load("tests/data/cli/devices/board.json", &device, NULL), KERF_OK);
    assert_int_equal(kerf_device_load("tests/data/cli/servers/box.json", &server, NULL), KERF_OK);
    assert_int_equal(kerf_link_load("tests/data/cli/links/mobile.json", &link, NULL), KERF_OK);
    torture_questions(
        (kerf_question){.network = network, .device = device, .server = server, .link = link});
    kerf_link_destroy(&link);
    kerf_device_destroy(&server);
    kerf_device_destroy(&device);
    kerf_network_destroy(&network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link),         cmocka_unit_test(test_refused_link),
        cmocka_unit_test(test_strings),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_device),       cmocka_unit_test(test_onnx),
        cmocka_unit_test(test_json_network), cmocka_unit_test(test_profile),
        cmocka_unit_test(test_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
