/* Corrupted link files, iperf3 documents and ping logs: each is either read into a link whose
 * figures are all usable, or refused in one line. The files under tests/data/links and
 * configs/links are the corpus. KERF_SEED repeats a run. */
#include "kerf/link.h"
#include "tests/support/mutate.h"
#include "tests/support/text_file.h"

#include <glob.h>
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

#define DATA "tests/data/links/"

enum { MAX_SIZE = 16384 };

static const char *const json_tokens[] = {"\"",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "null",
                                          "true",
                                          "-1",
                                          "0",
                                          "1e999",
                                          "-0",
                                          "1e-400",
                                          "\\u0000",
                                          "\\ud800",
                                          "\"0 s\"",
                                          "9e15",
                                          "NaN",
                                          "Infinity",
                                          "{}",
                                          "[]",
                                          "\"\"",
                                          "\"from\":",
                                          "\"radio\":",
                                          "\"rtt\":",
                                          "\"1 ms\"",
                                          "\"1 Mbit/s\"",
                                          "\"uplink\":",
                                          " Tbit/s",
                                          " MiB",
                                          "100 %",
                                          "4294967296",
                                          "9223372036854775808",
                                          "\"reverse\": 1",
                                          "\"error\": \"x\"",
                                          "\"protocol\": \"UDP\"",
                                          "\"lost_percent\": 100",
                                          "\"bits_per_second\": 0",
                                          NULL};
static const char *const ping_tokens[] = {"% packet loss",
                                          "min/avg/max",
                                          " = ",
                                          "/",
                                          " ms",
                                          "100",
                                          "0",
                                          ".",
                                          "-",
                                          "nan",
                                          "1e9",
                                          "\n",
                                          "\r\n",
                                          "100% packet loss",
                                          "rtt min/avg/max/mdev = 1/2/3/4 ms",
                                          "99999999999999999999999999999999999",
                                          NULL};

static char folder[32];
static char link_path[64], up_path[64], down_path[64], ping_path[64];
static uint64_t seed, refused, accepted;

static int make_folder(void **state)
{
    (void)state;
    if (!text_file_folder(folder, sizeof folder))
        return -1;
    snprintf(link_path, sizeof link_path, "%s/link.json", folder);
    snprintf(up_path, sizeof up_path, "%s/up.json", folder);
    snprintf(down_path, sizeof down_path, "%s/down.json", folder);
    snprintf(ping_path, sizeof ping_path, "%s/ping.log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(link_path);
    unlink(up_path);
    unlink(down_path);
    unlink(ping_path);
    return rmdir(folder);
}

static void write_file(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void copy_file(const char *from, const char *to)
{
    char data[MAX_SIZE];
    write_file(to, data, text_file_read(from, data, MAX_SIZE));
}

static void check_link(const kerf_link *link)
{
    assert_int_equal(kerf_link_check(link, NULL), KERF_OK);
    assert_non_null(link->name);
    for (kerf_direction d = KERF_UPLINK; d <= KERF_DOWNLINK; d++) {
        double last = 0;
        for (double bytes = 1e-3; bytes < 1e16; bytes *= 1e3) {
            double s = kerf_link_transfer_s(link, d, bytes);
            assert_true(isfinite(s) && s >= last * (1 - 1e-15));
            assert_true(isfinite(kerf_link_transfer_J(link, d, bytes)));
            assert_true(kerf_link_slope_s_per_byte(link, d, bytes) > 0);
            last = s;
        }
    }
    assert_true(isfinite(kerf_link_fixed_J(link)));
}

/* Loads the folder's link file, whatever it and the files beside it have become. */
static void load(const char *what, uint64_t round)
{
    kerf_link *const untouched = (kerf_link *)(void *)folder;
    kerf_link *link = untouched;
    kerf_error err;
    kerf_status status = kerf_link_load(link_path, &link, &err);
    if (status == KERF_OK) {
        accepted++;
        check_link(link);
        kerf_link_destroy(&link);
        return;
    }
    refused++;
    bool good = status == err.code && link == untouched && err.message[0] && err.source[0] &&
                !strpbrk(err.message, "\n\r") && !strpbrk(err.where, "\n\r") &&
                (status == KERF_E_IO || status == KERF_E_SYNTAX || status == KERF_E_INVALID ||
                 status == KERF_E_TOO_LARGE);
    if (!good)
        fail_msg("seed %llu, %s, round %llu: %s: %s: %s: %s", (unsigned long long)seed, what,
                 (unsigned long long)round, kerf_status_name(status), err.source, err.where,
                 err.message);
}

static int rounds(void)
{
    return getenv("KERF_TEST_FULL") ? 2000 : 300;
}

/* Corrupts a file of the corpus as `target` of the folder, again and again. */
static void fuzz_file(const char *source, const char *target, const char *const *tokens)
{
    char original[MAX_SIZE], data[MAX_SIZE];
    size_t size = text_file_read(source, original, MAX_SIZE);
    rng r = {seed};
    for (const char *p = source; *p; p++)
        r.state = r.state * 31 + (unsigned char)*p;
    write_file(target, original, size);
    load(source, 0);
    for (int i = 1; i <= rounds(); i++) {
        memcpy(data, original, size);
        write_file(target, data, mutate(&r, data, size, sizeof data, tokens));
        load(source, (uint64_t)i);
    }
}

static void fuzz_all(const char *pattern, const char *target, const char *const *tokens)
{
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    refused = accepted = 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        fuzz_file(found.gl_pathv[i], target, tokens);
    globfree(&found);
    print_message("# %s: %llu accepted, %llu refused\n", pattern, (unsigned long long)accepted,
                  (unsigned long long)refused);
    assert_true(refused > 0 && accepted > 0); /* corruption that nothing survives tests little */
}

static void set_beside(const char *up, const char *down, const char *ping)
{
    static const char text[] = "{\"format\": \"kerf-link/1\", \"from\": {\"iperf3_uplink\": "
                               "\"up.json\", \"iperf3_downlink\": \"down.json\", \"ping\": "
                               "\"ping.log\"}}";
    write_file(link_path, text, sizeof text - 1);
    copy_file(up, up_path);
    copy_file(down, down_path);
    copy_file(ping, ping_path);
}

static void test_links(void **state)
{
    (void)state;
    fuzz_all("configs/links/*.json", link_path, json_tokens);
    fuzz_all(DATA "theory.json", link_path, json_tokens);
}

static void test_links_with_measurements(void **state)
{
    (void)state;
    set_beside(DATA "iperf3_up.json", DATA "iperf3_down.json", DATA "ping_linux.log");
    char data[MAX_SIZE];
    size_t size = text_file_read(link_path, data, MAX_SIZE);
    char source[64];
    snprintf(source, sizeof source, "%s/from.json", folder);
    write_file(source, data, size);
    fuzz_file(source, link_path, json_tokens);
    unlink(source);
}

static void test_iperf3(void **state)
{
    (void)state;
    set_beside(DATA "iperf3_bidir.json", DATA "iperf3_bidir.json", DATA "ping_linux.log");
    fuzz_all(DATA "iperf3_*.json", up_path, json_tokens);
    set_beside(DATA "iperf3_bidir.json", DATA "iperf3_bidir.json", DATA "ping_linux.log");
    fuzz_all(DATA "iperf3_*.json", down_path, json_tokens);
}

static void test_pings(void **state)
{
    (void)state;
    set_beside(DATA "iperf3_bidir.json", DATA "iperf3_bidir.json", DATA "ping_linux.log");
    fuzz_all(DATA "ping_*.log", ping_path, ping_tokens);
}

int main(void)
{
    seed = rng_seed(20240612);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_links_with_measurements),
        cmocka_unit_test(test_iperf3),
        cmocka_unit_test(test_pings),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
