/* Questions that leave a choice of power mode, encoding and variant: what is refused, what is left
 * out, and how an answer names what it chose. */
#include "kerf/kerf.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct scene {
    kerf_network *chain, *diamond, *exit;
    kerf_device *device, *server;
    kerf_link *link;
    kerf_question question;
} scene;

static int open_scene(void **state)
{
    static scene s;
    static const char *const outputs[] = {"t4"};
    const kerf_network_options options = {.outputs = outputs, .n_outputs = 1};
    const char *chain = "tests/data/cli/networks/chain.json";
    if (kerf_network_load(chain, NULL, &s.chain, NULL) != KERF_OK ||
        kerf_network_load(chain, &options, &s.exit, NULL) != KERF_OK ||
        kerf_network_load("tests/data/cli/networks/diamond.json", NULL, &s.diamond, NULL) ||
        kerf_device_load("tests/data/cli/devices/board.json", &s.device, NULL) != KERF_OK ||
        kerf_device_load("tests/data/cli/servers/box.json", &s.server, NULL) != KERF_OK ||
        kerf_link_load("tests/data/cli/links/plain.json", &s.link, NULL) != KERF_OK)
        return -1;
    s.question =
        (kerf_question){.network = s.chain, .device = s.device, .server = s.server, .link = s.link};
    *state = &s;
    return 0;
}

static int close_scene(void **state)
{
    scene *s = *state;
    kerf_network_destroy(&s->chain);
    kerf_network_destroy(&s->diamond);
    kerf_network_destroy(&s->exit);
    kerf_device_destroy(&s->device);
    kerf_device_destroy(&s->server);
    kerf_link_destroy(&s->link);
    return 0;
}

static void refused(const kerf_question *q, kerf_status wanted, const char *where, const char *part)
{
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    const kerf_status status = kerf_plan_make(q, &plan, &err);
    if (status != wanted || !strstr(err.where, where) || !strstr(err.message, part))
        fail_msg("status %d, %s: %s; expected %s: %s", (int)status, err.where, err.message, where,
                 part);
    assert_null(plan);
}

static kerf_plan *answer(const kerf_question *q)
{
    kerf_plan *plan = NULL;
    kerf_error err = {0};
    if (kerf_plan_make(q, &plan, &err) != KERF_OK)
        fail_msg("%s: %s", err.where, err.message);
    return plan;
}

static void bad_encodings_are_refused(void **state)
{
    const scene *s = *state;
    static const struct {
        kerf_encoding encoding;
        const char *where, *message;
    } bad[] = {
        {{.name = NULL}, "encodings", "number 2 has no name"},
        {{.name = ""}, "encodings", "has no name"},
        {{.name = "own"}, "own", "two encodings"},
        {{.name = "e", .wire = (kerf_wire)9}, "e", "known type"},
        {{.name = "e", .ratio = 1.1}, "e", "ratio"},
        {{.name = "e", .ratio = -0.5}, "e", "ratio"},
        {{.name = "e", .ratio = (double)NAN}, "e", "ratio"},
        {{.name = "e", .device_s_per_byte = -1e-9}, "e", "per byte"},
        {{.name = "e", .server_J_per_byte = (double)INFINITY}, "e", "per byte"},
        {{.name = "e", .accuracy_loss = 1.5}, "e", "accuracy loss"},
        {{.name = "e", .accuracy_loss = -0.1}, "e", "accuracy loss"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const kerf_encoding encodings[] = {{.name = "own"}, bad[i].encoding};
        kerf_question q = s->question;
        q.encodings = encodings;
        q.n_encodings = 2;
        refused(&q, KERF_E_INVALID, bad[i].where, bad[i].message);
    }
    kerf_question q = s->question;
    q.wire = (kerf_wire)7;
    refused(&q, KERF_E_INVALID, "wire", "known type");
}

static void bad_variants_are_refused(void **state)
{
    const scene *s = *state;
    const struct {
        kerf_variant variant;
        const char *where, *message;
    } bad[] = {
        {{.name = NULL, .network = s->chain}, "variants", "number 2 has no name"},
        {{.name = "full", .network = s->chain}, "full", "two variants"},
        {{.name = "v"}, "v", "no network"},
        {{.name = "v", .network = s->chain, .accuracy = 1.01}, "v", "accuracy"},
        {{.name = "v", .network = s->chain, .accuracy = -1}, "v", "accuracy"},
        {{.name = "v", .network = s->chain, .input_bytes = -1}, "v", "input size"},
        {{.name = "v", .network = s->chain, .input_bytes = (double)NAN}, "v", "input size"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const kerf_variant variants[] = {{.name = "full", .network = s->chain}, bad[i].variant};
        kerf_question q = s->question;
        q.variants = variants;
        q.n_variants = 2;
        refused(&q, KERF_E_INVALID, bad[i].where, bad[i].message);
    }
}

static void accuracies_must_be_known(void **state)
{
    const scene *s = *state;
    const kerf_variant variants[] = {{.name = "full", .network = s->chain, .accuracy = 0.8},
                                     {.name = "exit", .network = s->exit, .accuracy = (double)NAN}};
    const kerf_encoding packed = {
        .name = "packed", .wire = KERF_WIRE_INT8, .accuracy_loss = (double)NAN};
    kerf_question q = s->question;
    q.limits.min_accuracy = 0.7;
    refused(&q, KERF_E_INVALID, "min accuracy", "variants");
    q.limits.min_accuracy = 1.5;
    refused(&q, KERF_E_INVALID, "min accuracy", "");
    q.limits.min_accuracy = 0.7;
    q.variants = variants;
    q.n_variants = 2;
    refused(&q, KERF_E_INVALID, "exit", "no known accuracy");
    q.n_variants = 1;
    q.encodings = &packed;
    q.n_encodings = 1;
    refused(&q, KERF_E_INVALID, "packed", "no known accuracy loss");
    q.n_encodings = 0;
    q.wire = KERF_WIRE_INT8;
    refused(&q, KERF_E_INVALID, "int8", "no known accuracy loss");
    q.wire = KERF_WIRE_FLOAT32; /* converts nothing here, so it loses nothing */
    kerf_plan *plan = answer(&q);
    assert_true(plan->accuracy == 0.8);
    kerf_plan_destroy(&plan);
    q.limits.min_accuracy = 0;
    q.wire = KERF_WIRE_INT8;
    const kerf_pin pin = {5, KERF_SIDE_SERVER};
    q.pins = &pin;
    q.n_pins = 1;
    plan = answer(&q);
    assert_true(isnan(plan->accuracy)); /* something crosses */
    kerf_plan_destroy(&plan);
}

static void pins_hold_by_name(void **state)
{
    const scene *s = *state;
    const kerf_variant variants[] = {{.name = "exit", .network = s->exit, .accuracy = 0.5},
                                     {.name = "full", .network = s->chain, .accuracy = 0.8},
                                     {.name = "other", .network = s->diamond, .accuracy = 0.9}};
    const kerf_pin head = {5, KERF_SIDE_SERVER}, beyond = {17, KERF_SIDE_SERVER};
    kerf_question q = s->question;
    q.variants = variants;
    q.n_variants = 3;
    q.pins = &head;
    q.n_pins = 1;
    kerf_plan *plan = answer(&q);
    assert_int_equal(plan->variant, 1);
    assert_int_equal(plan->side[5], KERF_SIDE_SERVER);
    kerf_plan_destroy(&plan);
    q.n_variants = 1;
    refused(&q, KERF_E_INFEASIBLE, "head", "variant 'exit' has no such operator");
    q.pins = &beyond;
    refused(&q, KERF_E_INVALID, "pin", "17");
    q.pins = &head;
    q.network = NULL;
    refused(&q, KERF_E_INVALID, "pin", "");
    q.n_pins = 0; /* without pins the network is not needed */
    plan = answer(&q);
    assert_int_equal(plan->variant, 0);
    kerf_plan_destroy(&plan);
}

static void too_many_are_refused(void **state)
{
    const scene *s = *state;
    static kerf_encoding encodings[100];
    static kerf_variant variants[100];
    static char names[100][8];
    for (size_t i = 0; i < 100; i++) {
        snprintf(names[i], sizeof names[i], "n%zu", i);
        encodings[i] = (kerf_encoding){.name = names[i]};
        variants[i] = (kerf_variant){.name = names[i], .network = s->chain};
    }
    kerf_question q = s->question;
    q.encodings = encodings;
    q.n_encodings = 100;
    q.variants = variants;
    q.n_variants = 100;
    refused(&q, KERF_E_TOO_LARGE, "question", "4096 combinations");
}

static void a_price_is_of_one_combination(void **state)
{
    const scene *s = *state;
    const kerf_encoding encodings[] = {{.name = "a"}, {.name = "b"}};
    const kerf_variant variants[] = {{.name = "a", .network = s->chain},
                                     {.name = "b", .network = s->exit}};
    kerf_side side[16] = {KERF_SIDE_DEVICE};
    for (size_t i = 0; i < 16; i++)
        side[i] = KERF_SIDE_DEVICE;
    kerf_question q = s->question;
    kerf_plan_cost cost;
    kerf_error err;
    q.encodings = encodings;
    q.n_encodings = 2;
    assert_int_equal(kerf_price(&q, side, &cost, &err), KERF_E_INVALID);
    assert_non_null(strstr(err.message, "encodings"));
    q.n_encodings = 1;
    q.variants = variants;
    q.n_variants = 2;
    assert_int_equal(kerf_price(&q, side, &cost, &err), KERF_E_INVALID);
    assert_non_null(strstr(err.message, "variants"));
    q.variants = &variants[1];
    q.n_variants = 1;
    assert_int_equal(kerf_price(&q, side, &cost, &err), KERF_OK);
}

/* The id is of names alone: the same in another process, and another for another decision. */
static void ids_name_decisions(void **state)
{
    const scene *s = *state;
    const kerf_variant variant = {.name = "full", .network = s->chain};
    const kerf_encoding encoding = {.name = "own"};
    const kerf_pin pin = {5, KERF_SIDE_DEVICE};
    kerf_question q = s->question;
    char ids[5][KERF_CUT_ID_SIZE];
    for (size_t i = 0; i < 5; i++) {
        q = s->question;
        q.power_mode = i == 1 ? "eco" : NULL;
        q.n_encodings = i == 2;
        q.encodings = &encoding;
        q.n_variants = i == 3;
        q.variants = &variant;
        q.pins = &pin;
        q.n_pins = i == 4;
        kerf_plan *plan = answer(&q), *again = answer(&q);
        assert_int_equal(strlen(plan->cut_id), KERF_CUT_ID_SIZE - 1);
        assert_string_equal(plan->cut_id, again->cut_id);
        assert_int_equal(plan->encoding, i == 2 ? 0 : KERF_NONE);
        assert_int_equal(plan->variant, i == 3 ? 0 : KERF_NONE);
        snprintf(ids[i], sizeof ids[i], "%s", plan->cut_id);
        const kerf_question single = kerf_plan_question(&q, plan);
        kerf_plan_cost cost;
        assert_int_equal(kerf_price(&single, plan->side, &cost, NULL), KERF_OK);
        assert_true(cost.objective == plan->cost.objective);
        kerf_plan_destroy(&plan);
        kerf_plan_destroy(&again);
    }
    /* A list of one encoding named as the wire is the same decision. */
    assert_string_equal(ids[0], ids[2]);
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_true((strcmp(ids[i], ids[j]) == 0) == (i == 2 && j == 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_encodings_are_refused),
        cmocka_unit_test(bad_variants_are_refused),
        cmocka_unit_test(accuracies_must_be_known),
        cmocka_unit_test(pins_hold_by_name),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(a_price_is_of_one_combination),
        cmocka_unit_test(ids_name_decisions),
    };
    return cmocka_run_group_tests(tests, open_scene, close_scene);
}
