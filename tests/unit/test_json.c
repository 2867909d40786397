/* JSON documents: what is taken, what is refused and how that is said. */
#include "base/error.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct settings {
    double rtt_s, loss, factor;
    int64_t count, numbers[4];
    size_t n_numbers;
    bool flag;
    char name[32];
} settings;

static void read_inner(const kerf_json *root, settings *out)
{
    kerf_json inner, list;
    size_t n = 0;
    const char *name = "";
    if (!kerf_json_object(root, "in/n~er", KERF_OPTIONAL, &inner))
        return;
    if (kerf_json_string(&inner, "name", KERF_REQUIRED, &name))
        snprintf(out->name, sizeof out->name, "%s", name);
    if (kerf_json_array(&inner, "numbers", KERF_OPTIONAL, &list, &n))
        for (size_t i = 0; i < n && i < 4; i++) {
            kerf_json at = kerf_json_at(&list, i);
            kerf_json_as_integer(&at, 0, 5, &out->numbers[i]);
            out->n_numbers = i + 1;
        }
    kerf_json_done(&inner);
}

static kerf_status read_settings(const char *text, settings *out, kerf_error *err)
{
    kerf_json_doc *doc;
    kerf_status status = kerf_json_parse(text, strlen(text), "f.json", "kerf-x/1", &doc, err);
    if (status != KERF_OK) {
        assert_null(doc);
        return status;
    }
    kerf_json root = kerf_json_root(doc);
    kerf_json_quantity(&root, "rtt", KERF_TIME, KERF_REQUIRED, &out->rtt_s);
    kerf_json_quantity(&root, "loss", KERF_FRACTION, KERF_OPTIONAL, &out->loss);
    kerf_json_number(&root, "factor", KERF_OPTIONAL, -1, 1, &out->factor);
    kerf_json_integer(&root, "count", KERF_OPTIONAL, 0, 10, &out->count);
    kerf_json_bool(&root, "flag", KERF_OPTIONAL, &out->flag);
    read_inner(&root, out);
    kerf_json_done(&root);
    status = kerf_json_close(&doc);
    assert_null(doc);
    assert_int_equal(kerf_json_close(&doc), KERF_OK);
    return status;
}

#define HEAD "{\"format\":\"kerf-x/1\","

static void reads(void **state)
{
    (void)state;
    settings got = {.count = 7};
    kerf_error err = {0};
    const char *text =
        HEAD "\"$schema\":\"s\",\"notes\":[{\"any\":null}],\"rtt\":\"5 ms\",\"loss\":0.25,"
             "\"factor\":-1,\"flag\":true,\"in/n~er\":{\"name\":\"\\u00e9\","
             "\"notes\":1,\"numbers\":[1,2.0,5]}}";
    assert_int_equal(read_settings(text, &got, &err), KERF_OK);
    assert_true(got.rtt_s == 0.005 && got.loss == 0.25 && got.factor == -1 && got.flag);
    assert_string_equal(got.name, "\xc3\xa9");
    assert_int_equal(got.n_numbers, 3);
    assert_int_equal(got.numbers[0] + got.numbers[1] + got.numbers[2], 8);
    assert_int_equal(got.count, 7); /* absent: as it was */
    assert_int_equal(err.code, KERF_OK);
    assert_string_equal(err.source, "");
}

typedef struct refusal {
    const char *text;
    kerf_status status;
    const char *line;
} refusal;

static const refusal refusals[] = {
    {"", KERF_E_SYNTAX, "f.json: is empty, expected a JSON document"},
    {"{", KERF_E_SYNTAX, "f.json: 1:1: string or '}' expected near end of file"},
    {"{\n \"format\" 3}", KERF_E_SYNTAX, "f.json: 2:11: ':' expected near '3'"},
    {"{} x", KERF_E_SYNTAX, "f.json: 1:4: end of file expected near 'x'"},
    {"{\"a\":1,\"a\":2}", KERF_E_SYNTAX, "f.json: 1:10: duplicate object key near '\"a\"'"},
    {"{\"a\":1e999}", KERF_E_SYNTAX, "f.json: 1:10: real number overflow near '1e999'"},
    {"{\"a\":99999999999999999999}", KERF_E_SYNTAX,
     "f.json: 1:25: too big integer near '99999999999999999999'"},
    {"{\"a\":NaN}", KERF_E_SYNTAX, "f.json: 1:8: invalid token near 'NaN'"},
    {"[]", KERF_E_INVALID, "f.json: is an array, expected an object"},
    {"3", KERF_E_INVALID, "f.json: is a number, expected an object"},
    {"{}", KERF_E_INVALID, "f.json: has no \"format\", expected \"kerf-x/1\""},
    {"{\"format\":1}", KERF_E_INVALID, "f.json: /format: is a number, expected a string"},
    {"{\"format\":\"kerf-x/2\"}", KERF_E_INVALID,
     "f.json: /format: is \"kerf-x/2\", expected \"kerf-x/1\""},
    {HEAD "\"rt\":\"5 ms\"}", KERF_E_INVALID, "f.json: has no \"rtt\" (is \"rt\" meant to be it?)"},
    {HEAD "\"count\":1}", KERF_E_INVALID, "f.json: has no \"rtt\", expected it"},
    {HEAD "\"rtt\":5}", KERF_E_INVALID,
     "f.json: /rtt: \"5\" has no unit, expected a time such as \"50 ms\""},
    {HEAD "\"rtt\":0.5}", KERF_E_INVALID,
     "f.json: /rtt: \"0.5\" has no unit, expected a time such as \"50 ms\""},
    {HEAD "\"rtt\":-3}", KERF_E_INVALID,
     "f.json: /rtt: \"-3\" has no unit, expected a time such as \"50 ms\""},
    {HEAD "\"rtt\":\"-3 s\"}", KERF_E_INVALID,
     "f.json: /rtt: \"-3 s\" is negative, expected a time such as \"50 ms\""},
    {HEAD "\"rtt\":null}", KERF_E_INVALID,
     "f.json: /rtt: is null, expected a quantity such as \"50 ms\""},
    {HEAD "\"rtt\":0,\"loss\":2}", KERF_E_INVALID,
     "f.json: /loss: is 2, expected a number from 0 to 1"},
    {HEAD "\"rtt\":0,\"factor\":1.5}", KERF_E_INVALID,
     "f.json: /factor: is 1.5, expected a number from -1 to 1"},
    {HEAD "\"rtt\":0,\"factor\":\"1\"}", KERF_E_INVALID,
     "f.json: /factor: is a string, expected a number"},
    {HEAD "\"rtt\":0,\"count\":11}", KERF_E_INVALID,
     "f.json: /count: is 11, expected an integer from 0 to 10"},
    {HEAD "\"rtt\":0,\"count\":1.5}", KERF_E_INVALID,
     "f.json: /count: is 1.5, expected an integer"},
    {HEAD "\"rtt\":0,\"count\":1e300}", KERF_E_INVALID,
     "f.json: /count: is 1.0000000000000001e+300, expected an integer"},
    {HEAD "\"rtt\":0,\"flag\":1}", KERF_E_INVALID,
     "f.json: /flag: is a number, expected true or false"},
    {HEAD "\"rtt\":0,\"cuont\":1}", KERF_E_INVALID,
     "f.json: /cuont: is an unknown key, did you mean \"count\"?"},
    {HEAD "\"rtt\":0,\"bandwidth\":1}", KERF_E_INVALID, "f.json: /bandwidth: is an unknown key"},
    {HEAD "\"rtt\":0,\"in/n~er\":[]}", KERF_E_INVALID,
     "f.json: /in~1n~0er: is an array, expected an object"},
    {HEAD "\"rtt\":0,\"in/n~er\":{\"name\":\"x\",\"numbers\":[1,6]}}", KERF_E_INVALID,
     "f.json: /in~1n~0er/numbers/1: is 6, expected an integer from 0 to 5"},
    {HEAD "\"rtt\":0,\"in/n~er\":{\"name\":\"x\",\"number\":[1,6]}}", KERF_E_INVALID,
     "f.json: /in~1n~0er/number: is an unknown key, did you mean \"numbers\"?"},
    {HEAD "\"rtt\":0,\"in/n~er\":{\"name\":\"x\",\"$schema\":1}}", KERF_E_INVALID,
     "f.json: /in~1n~0er/$schema: is an unknown key"},
    {HEAD "\"rtt\":0,\"loss\":3,\"count\":99,\"other\":1}", KERF_E_INVALID,
     "f.json: /loss: is 3, expected a number from 0 to 1"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        settings got = {0};
        kerf_error err = {0};
        char line[1300];
        kerf_status status = read_settings(refusals[i].text, &got, &err);
        kerf_error_line(&err, line, sizeof line);
        assert_string_equal(line, refusals[i].line);
        assert_int_equal(status, refusals[i].status);
        assert_int_equal(err.code, refusals[i].status);
        assert_int_equal(read_settings(refusals[i].text, &got, NULL), refusals[i].status);
    }
}

/* jansson's texts differ between its releases, so only what is ours is compared. */
static void refuses_odd_bytes(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"a\xff\":1}", "{\"a\\u0000\":1}", "{\"a\":\"\\ud800\"}",
                                        "\xef\xbb\xbf{}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        settings got;
        kerf_error err = {0};
        assert_int_equal(read_settings(texts[i], &got, &err), KERF_E_SYNTAX);
        assert_true(err.message[0] != '\0' && err.where[0] == '1');
    }
}

static void expect_depth(size_t depth, kerf_status expected)
{
    char text[512] = "{\"a\":";
    size_t used = strlen(text);
    memset(text + used, '[', depth - 1);
    memset(text + used + depth - 1, ']', depth - 1);
    text[used + 2 * (depth - 1)] = '}';
    text[used + 2 * (depth - 1) + 1] = '\0';
    kerf_json_doc *doc;
    kerf_error err = {0};
    assert_int_equal(kerf_json_parse(text, strlen(text), "f.json", NULL, &doc, &err), expected);
    if (expected != KERF_OK)
        assert_string_equal(err.message, "nests too deeply, expected at most 64 levels");
    kerf_json_close(&doc);
}

static void limits_depth(void **state)
{
    (void)state;
    expect_depth(64, KERF_OK);
    expect_depth(65, KERF_E_TOO_LARGE);
    expect_depth(200, KERF_E_TOO_LARGE);
    /* Brackets in strings are not nesting. */
    char text[256] = "{\"a\":\"\\\"";
    memset(text + 8, '[', 100);
    memcpy(text + 108, "\"}", 3);
    kerf_json_doc *doc;
    assert_int_equal(kerf_json_parse(text, strlen(text), "f.json", NULL, &doc, NULL), KERF_OK);
    kerf_json_close(&doc);
}

static void iterates(void **state)
{
    (void)state;
    const char *text = "{\"z\":1,\"notes\":{},\"a\":2,\"m\":3}";
    kerf_json_doc *doc;
    assert_int_equal(kerf_json_parse(text, strlen(text), "f.json", NULL, &doc, NULL), KERF_OK);
    kerf_json root = kerf_json_root(doc), member;
    void *iterator = NULL;
    char keys[8] = "";
    for (size_t i = 0; kerf_json_next(&root, &iterator, &member); i++)
        keys[i] = member.key[0];
    assert_string_equal(keys, "zam");
    assert_true(kerf_json_done(&root));
    assert_int_equal(kerf_json_close(&doc), KERF_OK);
}

static void many_keys(void **state)
{
    (void)state;
    size_t size = 100 * 1000, used = 1;
    char *text = malloc(size), key[16];
    assert_non_null(text);
    text[0] = '{';
    for (int i = 0; i < 5000; i++)
        used += (size_t)snprintf(text + used, size - used, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
    snprintf(text + used, size - used, "}");
    kerf_json_doc *doc;
    kerf_error err = {0};
    assert_int_equal(kerf_json_parse(text, strlen(text), "f.json", NULL, &doc, &err), KERF_OK);
    kerf_json root = kerf_json_root(doc);
    for (int i = 0; i < 5000; i++) {
        int64_t got = -1;
        snprintf(key, sizeof key, "k%d", i);
        if (i != 4321)
            assert_true(kerf_json_integer(&root, key, KERF_REQUIRED, i, i, &got));
    }
    assert_false(kerf_json_done(&root));
    assert_int_equal(kerf_json_close(&doc), KERF_E_INVALID);
    assert_string_equal(err.where, "/k4321");
    free(text);
}

static size_t fail_after = SIZE_MAX, outstanding;
static bool has_failed;

static void *failing_malloc(size_t size)
{
    if (fail_after == 0) {
        has_failed = true;
        return NULL;
    }
    fail_after--;
    outstanding++;
    return malloc(size);
}

static void counting_free(void *memory)
{
    outstanding -= memory != NULL;
    free(memory);
}

/* jansson's n-th allocation fails, for every n: never another error, never a leak, never a
 * document with something left out. */
static void out_of_memory(void **state)
{
    (void)state;
    const char *text = HEAD "\"rtt\":\"5 ms\",\"in/n~er\":{\"name\":\"a long enough name\","
                            "\"numbers\":[1,2,3,4]},\"notes\":[1.5,true,\"x\",{}]}";
    bool done = false;
    for (size_t n = 0; !done; n++) {
        settings got = {0};
        kerf_error err = {0};
        fail_after = n;
        has_failed = false;
        kerf_status status = read_settings(text, &got, &err);
        fail_after = SIZE_MAX;
        done = !has_failed;
        assert_int_equal(status, done ? KERF_OK : KERF_E_NOMEM);
        assert_string_equal(err.message, done ? "" : "out of memory");
        assert_int_equal(outstanding, 0);
        assert_true(n < 1000);
    }
}

static void opens_files(void **state)
{
    (void)state;
    kerf_json_doc *doc;
    kerf_error err = {0};
    char line[1300];
    assert_int_equal(kerf_json_open("/tmp", NULL, &doc, &err), KERF_E_IO);
    assert_null(doc);
    assert_string_equal(kerf_error_line(&err, line, sizeof line),
                        "/tmp: is a directory, expected a file");
}

int main(void)
{
    /* Before kerf wraps it: the wrapper has to forward to this one. */
    json_set_alloc_funcs(failing_malloc, counting_free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_odd_bytes),
        cmocka_unit_test(limits_depth),
        cmocka_unit_test(iterates),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(opens_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
