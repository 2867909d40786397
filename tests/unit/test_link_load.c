/* Link files: every field, the presets, figures taken from iperf3 and ping, and what is refused. */
#include "kerf/link.h"

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

static char folder[] = "/tmp/kerf-link-XXXXXX";
static char path[64];

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/link.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_link(const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static kerf_link *load(const char *from)
{
    kerf_link *link = NULL;
    kerf_error err;
    if (kerf_link_load(from, &link, &err) != KERF_OK)
        fail_msg("%s: %s: %s", err.source, err.where, err.message);
    assert_int_equal(kerf_link_check(link, NULL), KERF_OK);
    return link;
}

static kerf_link *load_text(const char *text)
{
    write_link(text);
    return load(path);
}

/* The text is refused with that status, at that place (NULL: wherever jansson says), and with that
 * in the message. */
static void refuse(const char *text, kerf_status status, const char *where, const char *message)
{
    write_link(text);
    kerf_link *link = (kerf_link *)(void *)folder; /* must stay as it is */
    kerf_error err;
    assert_int_equal(kerf_link_load(path, &link, NULL), status);
    kerf_status got = kerf_link_load(path, &link, &err);
    if (got != status || (where && strcmp(err.where, where) != 0) || !strstr(err.message, message))
        fail_msg("%s: %s: %s: %s\n expected %s: %s: %s", text, kerf_status_name(got), err.where,
                 err.message, kerf_status_name(status), where ? where : "anywhere", message);
    assert_int_equal(err.code, status);
    assert_string_not_equal(err.source, "");
    assert_null(strchr(err.message, '\n'));
    assert_ptr_equal(link, folder);
}

#define HEAD  "{\"format\": \"kerf-link/1\", "
#define RATES HEAD "\"uplink\": \"4 Mbit/s\", \"downlink\": \"8 Mbit/s\", \"rtt\": \"20 ms\""

static void test_every_field(void **state)
{
    (void)state;
    kerf_link *link = load_text(
        HEAD
        "\"name\": \"n\", \"description\": \"d\", \"provenance\": \"p\", \"notes\": {\"a\": 1},"
        "\"uplink\": \"40 Mbit/s\", \"downlink\": \"50Mbps\", \"rtt\": \"4 ms\","
        "\"loss\": \"0.1 %\", \"mss\": \"1400 B\", \"initial_window\": \"14 kB\","
        "\"overhead\": \"6 %\", \"message_bytes\": \"73 B\", \"gap\": \"1 s\","
        "\"connection\": \"new\", \"radio\": {"
        "\"uplink\": {\"slope\": \"4.813 mW/(Mbit/s)\", \"constant\": \"64 mW\"},"
        "\"downlink\": {\"active\": \"463 mW\"}, \"idle\": \"942 mW\","
        "\"promotion\": {\"time\": \"0.26 s\", \"power\": \"1211 mW\"},"
        "\"switch\": {\"time\": \"1.7 s\", \"power\": \"799 mW\"},"
        "\"tail\": {\"time\": \"10.5 s\", \"power\": \"249 mW\"}}}");
    assert_string_equal(link->name, "n");
    assert_string_equal(link->description, "d");
    assert_string_equal(link->provenance, "p");
    near(link->rate_bps[KERF_UPLINK], 40e6);
    near(link->rate_bps[KERF_DOWNLINK], 50e6);
    near(link->rtt_s, 0.004);
    near(link->loss, 0.001);
    near(link->mss_bytes, 1400);
    near(link->initial_window_bytes, 14000);
    near(link->overhead, 0.06);
    near(link->message_bytes, 73);
    near(link->gap_s, 1);
    assert_int_equal(link->connection, KERF_CONNECTION_NEW);
    near(link->active_W_per_bps[KERF_UPLINK], 4.813e-9);
    near(link->active_W[KERF_UPLINK], 0.064);
    near(link->active_W_per_bps[KERF_DOWNLINK], 0);
    near(link->active_W[KERF_DOWNLINK], 0.463);
    near(link->idle_W, 0.942);
    near(link->promotion_s, 0.26);
    near(link->promotion_W, 1.211);
    near(link->switch_s, 1.7);
    near(link->switch_W, 0.799);
    near(link->tail_s, 10.5);
    near(link->tail_W, 0.249);
    kerf_link_destroy(&link);
    assert_null(link);
    kerf_link_destroy(&link);
}

static void test_defaults(void **state)
{
    (void)state;
    kerf_link *link = load_text(RATES "}");
    assert_string_equal(link->name, "link"); /* the file's */
    assert_null(link->description);
    near(link->loss, 0);
    assert_int_equal(link->connection, KERF_CONNECTION_COLD);
    near(link->idle_W + link->tail_W + link->active_W[0] + link->active_W_per_bps[1], 0);
    kerf_link_destroy(&link);
}

/* Serrano et al., Raspberry Pi: 0.807 W on air, 0.126 mJ a frame; here at 65 Mbit/s with frames of
 * 1448 B. At 10 Mbit/s that is 0.807 * 10/65 + 0.126e-3 * 10e6 / 11584 = 0.124154 + 0.108771 W. */
static void test_cross_factor(void **state)
{
    (void)state;
    kerf_link *link =
        load_text(RATES ", \"radio\": {\"idle\": \"0.5 W\", \"uplink\": {\"cross_factor\": {"
                        "\"airtime_power\": \"0.807 W\", \"air_rate\": \"65 Mbit/s\","
                        "\"frame_energy\": \"0.126 mJ\"}}, \"downlink\": {\"cross_factor\": {"
                        "\"airtime_power\": \"0.063 W\", \"air_rate\": \"65 Mbit/s\","
                        "\"frame_energy\": \"0 J\", \"frame_size\": \"700 B\"}}}}");
    assert_true(fabs(link->active_W_per_bps[KERF_UPLINK] * 10e6 - 0.232925) < 1e-6);
    near(link->active_W_per_bps[KERF_DOWNLINK], 0.063 / 65e6);
    assert_true(link->active_W[KERF_UPLINK] == 0 && link->active_W[KERF_DOWNLINK] == 0);
    kerf_link_destroy(&link);
}

/* 5 MHz, 0.5 W, a path gain of 1e-10 and -100 dBm of noise: a signal to noise ratio of 500, so
 * 5e6 log2(501) = 5e6 * 8.968667 = 44.8433 Mbit/s at 0.5 W. */
static void test_shannon(void **state)
{
    (void)state;
    static const char shannon[] = "\"from\": {\"shannon\": {\"bandwidth\": \"5 MHz\", "
                                  "\"transmit_power\": \"0.5 W\", \"gain\": 1e-10, "
                                  "\"noise\": \"0.1 pW\"}}}";
    char text[512];
    snprintf(text, sizeof text, HEAD "\"downlink\": \"8 Mbit/s\", \"rtt\": \"0 s\", %s", shannon);
    kerf_link *link = load_text(text);
    assert_true(fabs(link->rate_bps[KERF_UPLINK] / 44.84333e6 - 1) < 1e-5);
    near(link->active_W[KERF_UPLINK], 0.5);
    near(kerf_link_transfer_J(link, KERF_UPLINK, 1e6), 0.5 * 8e6 / link->rate_bps[KERF_UPLINK]);
    kerf_link_destroy(&link);
    snprintf(text, sizeof text, RATES ", \"radio\": {\"uplink\": {\"active\": \"2 W\"}}, %s",
             shannon);
    link = load_text(text);
    near(link->rate_bps[KERF_UPLINK], 4e6);
    near(link->active_W[KERF_UPLINK], 2);
    kerf_link_destroy(&link);
}

/* --- presets --- */

typedef struct preset {
    const char *name;
    double up_Mbps, down_Mbps, rtt_ms;
    double up_slope_mW, up_mW, down_slope_mW, down_mW;
    double idle_mW, promotion_s, promotion_mW, switch_s, switch_mW, tail_s, tail_mW;
} preset;

/* The figures of the published models, mW and Mbit/s. */
static const preset presets[] = {
    {"3g", 1.1, 2.03, 100, 868.98, 817.88, 122.12, 817.88, 0, 0, 0, 0, 0, 8.1, 804},
    {"lte-legacy", 5.85, 13.76, 60, 438.39, 1288.04, 51.97, 1288.04, 0, 0, 0, 0, 0, 11.576, 1060},
    {"lte-poor", 2, 4.6, 60, 80.21, 441, 14.55, 396, 0, 0.33, 441, 0, 0, 10.2, 178},
    {"lte", 34, 82, 22, 80.21, 441, 14.55, 396, 0, 0.33, 441, 0, 0, 10.2, 178},
    {"5g-low", 57, 123, 15, 29.15, 847, 13.52, 568, 0, 0, 0, 1.7, 799, 10.5, 249},
    {"5g-mmwave", 89, 1922, 7, 9.42, 3267, 1.81, 2779, 0, 0, 0, 1.7, 1494, 10.6, 1092},
    {"wifi-n", 40, 40, 4, 4.813, 64, 4.813, 57, 942, 0, 0, 0, 0, 0, 0},
    {"wifi-ac", 200, 200, 3, 0, 1295, 0, 463, 4, 0, 0, 0, 0, 0, 0},
    {"ethernet-100m", 94.1, 94.1, 0.5, 0, 0, 0, 0, 294, 0, 0, 0, 0, 0, 0},
    {"ethernet-1g", 941, 941, 0.3, 0, 0, 0, 0, 500, 0, 0, 0, 0, 0, 0},
    {"wan", 470, 470, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {"dads-cat1", 0.13, 0.13, 0, 438.39, 1288.04, 51.97, 1288.04, 0, 0, 0, 0, 0, 0, 0},
    {"dads-3g", 1.1, 2.03, 0, 868.98, 817.88, 122.12, 817.88, 0, 0, 0, 0, 0, 0, 0},
    {"dads-4g", 5.85, 13.76, 0, 438.39, 1288.04, 51.97, 1288.04, 0, 0, 0, 0, 0, 0, 0},
    {"dads-wifi", 18.88, 54.97, 0, 283.17, 132.86, 137.01, 132.86, 0, 0, 0, 0, 0, 0, 0},
};

static void check_preset(const preset *p)
{
    char file[64];
    snprintf(file, sizeof file, "configs/links/%s.json", p->name);
    kerf_link *link = load(file);
    assert_string_equal(link->name, p->name);
    assert_true(strlen(link->description) > 5);
    assert_non_null(strstr(link->provenance, "Confidence: "));
    near(link->rate_bps[KERF_UPLINK], p->up_Mbps * 1e6);
    near(link->rate_bps[KERF_DOWNLINK], p->down_Mbps * 1e6);
    near(link->rtt_s, p->rtt_ms * 1e-3);
    near(link->active_W_per_bps[KERF_UPLINK], p->up_slope_mW * 1e-9);
    near(link->active_W_per_bps[KERF_DOWNLINK], p->down_slope_mW * 1e-9);
    near(link->active_W[KERF_UPLINK], p->up_mW * 1e-3);
    near(link->active_W[KERF_DOWNLINK], p->down_mW * 1e-3);
    near(link->idle_W, p->idle_mW * 1e-3);
    near(link->promotion_s, p->promotion_s);
    near(link->promotion_W, p->promotion_mW * 1e-3);
    near(link->switch_s, p->switch_s);
    near(link->switch_W, p->switch_mW * 1e-3);
    near(link->tail_s, p->tail_s);
    near(link->tail_W, p->tail_mW * 1e-3);
    bool plain = strncmp(p->name, "dads-", 5) == 0;
    bool warm = plain || strcmp(p->name, "wan") == 0;
    assert_int_equal(link->connection, warm ? KERF_CONNECTION_WARM : KERF_CONNECTION_COLD);
    if (plain) /* bits over rate */
        near(kerf_link_transfer_s(link, KERF_UPLINK, 1e5), 0.8 / p->up_Mbps);
    kerf_link_destroy(&link);
}

static void test_presets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        check_preset(&presets[i]);
}

/* --- measurements --- */

static void test_measured(void **state)
{
    (void)state;
    kerf_link *link = load(DATA "measured.json");
    assert_string_equal(link->name, "measured");
    near(link->rate_bps[KERF_UPLINK], 37.25e6);
    near(link->rate_bps[KERF_DOWNLINK], 89.75e6);
    near(link->rtt_s, 0.01524); /* the ping's mean, not iperf3's 4.2 ms */
    near(link->loss, 0.005);
    kerf_link_destroy(&link);
}

/* "from" with paths to the test data, which is not beside the file in the temporary folder. */
static void from_text(char *text, size_t size, const char *fields, const char *up, const char *down,
                      const char *ping)
{
    char here[256];
    assert_non_null(getcwd(here, sizeof here));
    int used = snprintf(text, size, HEAD "%s \"from\": {", fields);
    const char *keys[] = {"iperf3_uplink", "iperf3_downlink", "ping"}, *files[] = {up, down, ping};
    bool first = true;
    for (size_t i = 0; i < 3; i++) {
        if (!files[i])
            continue;
        used += snprintf(text + used, size - (size_t)used, "%s\"%s\": \"%s/" DATA "%s\"",
                         first ? "" : ", ", keys[i], here, files[i]);
        first = false;
    }
    snprintf(text + used, size - (size_t)used, "}}");
}

static kerf_link *load_from(const char *fields, const char *up, const char *down, const char *ping)
{
    char text[2048];
    from_text(text, sizeof text, fields, up, down, ping);
    return load_text(text);
}

static void refuse_from(const char *up, const char *down, const char *ping, kerf_status status,
                        const char *where, const char *message)
{
    char text[2048];
    from_text(text, sizeof text, "", up, down, ping);
    refuse(text, status, where, message);
}

static void test_iperf3_alone(void **state)
{
    (void)state;
    kerf_link *link = load_from("", "iperf3_up.json", "iperf3_down.json", NULL);
    near(link->rtt_s, 0.0042); /* the downlink's test cannot tell */
    near(link->loss, 0);
    kerf_link_destroy(&link);
}

static void test_given_fields_win(void **state)
{
    (void)state;
    kerf_link *link = load_from("\"uplink\": \"1 Mbit/s\", \"rtt\": \"7 ms\", \"loss\": \"0 %\",",
                                "iperf3_up.json", "iperf3_down.json", "ping_linux.log");
    near(link->rate_bps[KERF_UPLINK], 1e6);
    near(link->rate_bps[KERF_DOWNLINK], 89.75e6);
    near(link->rtt_s, 0.007);
    assert_true(link->loss == 0);
    kerf_link_destroy(&link);
}

static void test_iperf3_both_directions(void **state)
{
    (void)state;
    kerf_link *link = load_from("", "iperf3_bidir.json", "iperf3_bidir.json", NULL);
    near(link->rate_bps[KERF_UPLINK], 20.5e6);
    near(link->rate_bps[KERF_DOWNLINK], 32.5e6);
    near(link->rtt_s, 0.0044);
    kerf_link_destroy(&link);
}

static void test_iperf3_udp(void **state)
{
    (void)state;
    kerf_link *link = load_from("\"rtt\": \"20 ms\",", "iperf3_udp.json", "iperf3_down.json", NULL);
    near(link->rate_bps[KERF_UPLINK], 9.75e6); /* what arrived */
    near(link->loss, 0.025);
    kerf_link_destroy(&link);
    link = load_from("\"rtt\": \"20 ms\",", "iperf3_udp_sum_only.json", "iperf3_down.json", NULL);
    near(link->rate_bps[KERF_UPLINK], 9.6e6);
    near(link->loss, 0.04);
    kerf_link_destroy(&link);
    link = load_from("\"rtt\": \"20 ms\",", "iperf3_udp_bidir.json", "iperf3_udp_bidir.json", NULL);
    near(link->rate_bps[KERF_UPLINK], 9.9e6);
    near(link->rate_bps[KERF_DOWNLINK], 19e6);
    near(link->loss, 0.05);
    kerf_link_destroy(&link);
    link = load_from("", "iperf3_udp.json", "iperf3_down.json", "ping_busybox.log");
    near(link->loss, 0); /* the ping's counts */
    kerf_link_destroy(&link);
}

static void test_pings(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        double rtt_s, loss;
    } pings[] = {
        {"ping_linux.log", 9.513e-3, 0.25},
        {"ping_busybox.log", 3.5e-3, 0},
        {"ping_macos.log", 15.24e-3, 0.005},
    };
    for (size_t i = 0; i < sizeof pings / sizeof pings[0]; i++) {
        kerf_link *link = load_from("", "iperf3_up.json", "iperf3_down.json", pings[i].file);
        near(link->rtt_s, pings[i].rtt_s);
        near(link->loss, pings[i].loss);
        kerf_link_destroy(&link);
    }
}

static void test_bad_measurements(void **state)
{
    (void)state;
    refuse_from("iperf3_down.json", NULL, NULL, KERF_E_INVALID, "/start/test_start/reverse",
                "is 1, a test of the downlink (iperf3 -R); expected 0 for the uplink");
    refuse_from("iperf3_up.json", "iperf3_up.json", NULL, KERF_E_INVALID,
                "/start/test_start/reverse", "is 0, a test of the uplink; expected 1");
    refuse_from("iperf3_failed.json", NULL, NULL, KERF_E_INVALID, "/error",
                "iperf3 failed: error - unable to connect to server");
    refuse_from("iperf3_server.json", NULL, NULL, KERF_E_INVALID, "/start/accepted_connection",
                "iperf3's server");
    refuse_from("ping_linux.log", NULL, NULL, KERF_E_SYNTAX, NULL, "");
    refuse_from("measured.json", NULL, NULL, KERF_E_INVALID, "", "has no \"start\"");
    refuse_from(NULL, NULL, "ping_lost.log", KERF_E_INVALID, "4", "every packet was lost");
    refuse_from(NULL, NULL, "iperf3_up.json", KERF_E_INVALID, "", "no round-trip times");
    refuse_from(NULL, NULL, "absent.log", KERF_E_IO, "", "cannot open");
    refuse_from(NULL, NULL, ".", KERF_E_IO, "", "is a directory");
    refuse_from("iperf3_up.json", NULL, "ping_linux.log", KERF_E_INVALID, "",
                "has no \"downlink\"");
}

/* --- what is refused --- */

static const struct {
    const char *text;
    kerf_status status;
    const char *where, *message;
} bad_files[] = {
    {"", KERF_E_SYNTAX, "", "is empty"},
    {"{", KERF_E_SYNTAX, NULL, ""},
    {"[]", KERF_E_INVALID, "", "is an array, expected an object"},
    {"{}", KERF_E_INVALID, "", "has no \"format\", expected \"kerf-link/1\""},
    {"{\"format\": \"kerf-device/1\"}", KERF_E_INVALID, "/format", "expected \"kerf-link/1\""},
    {HEAD "\"downlink\": \"1 Mbit/s\", \"rtt\": \"1 ms\"}", KERF_E_INVALID, "",
     "has no \"uplink\", expected"},
    {HEAD "\"uplink\": \"1 Mbit/s\", \"rtt\": \"1 ms\"}", KERF_E_INVALID, "",
     "has no \"downlink\", expected"},
    {HEAD "\"uplink\": \"1 Mbit/s\", \"downlink\": \"1 Mbit/s\"}", KERF_E_INVALID, "",
     "has no \"rtt\", expected"},
    {HEAD "\"uplink\": 4}", KERF_E_INVALID, "/uplink", "has no unit, expected a rate"},
    {HEAD "\"uplink\": \"4 MB\"}", KERF_E_INVALID, "/uplink", "expected a rate"},
    {HEAD "\"uplink\": \"-4 Mbit/s\"}", KERF_E_INVALID, "/uplink", "is negative"},
    {HEAD "\"uplink\": \"nan Mbit/s\"}", KERF_E_INVALID, "/uplink", "expected a rate"},
    {HEAD "\"uplink\": \"1e999 Mbit/s\"}", KERF_E_INVALID, "/uplink", "too large"},
    {HEAD "\"uplink\": [\"4 Mbit/s\"]}", KERF_E_INVALID, "/uplink", "is an array"},
    {HEAD "\"uplink\": \"4 Mbit/s\", \"uplink\": \"5 Mbit/s\"}", KERF_E_SYNTAX, NULL, "duplicate"},
    {RATES ", \"uplnk\": \"1 Mbit/s\"}", KERF_E_INVALID, "/uplnk", "is an unknown key"},
    {RATES ", \"los\": \"1 %\"}", KERF_E_INVALID, "/los", "did you mean \"loss\"?"},
    {RATES ", \"loss\": \"100 %\"}", KERF_E_INVALID, "/loss", "expected 0 % to less than 100 %"},
    {RATES ", \"loss\": \"101 %\"}", KERF_E_INVALID, "/loss", "is above 1"},
    {RATES ", \"mss\": \"0.1 B\"}", KERF_E_INVALID, "/mss", "expected 1 B to 1 MB"},
    {RATES ", \"overhead\": \"200 %\"}", KERF_E_INVALID, "/overhead", "is above 1"},
    {RATES ", \"message_bytes\": \"2 GB\"}", KERF_E_INVALID, "/message_bytes", "to 1 GB"},
    {RATES ", \"connection\": \"hot\"}", KERF_E_INVALID, "/connection",
     "is \"hot\", expected \"cold\", \"warm\" or \"new\""},
    {RATES ", \"connection\": 1}", KERF_E_INVALID, "/connection", "expected a string"},
    {RATES ", \"name\": 1}", KERF_E_INVALID, "/name", "expected a string"},
    {RATES ", \"radio\": []}", KERF_E_INVALID, "/radio", "expected an object"},
    {RATES ", \"radio\": {\"up\": {}}}", KERF_E_INVALID, "/radio/up", "is an unknown key"},
    {RATES ", \"radio\": {\"uplink\": {}}}", KERF_E_INVALID, "/radio/uplink", "states no power"},
    {RATES ", \"radio\": {\"uplink\": {\"active\": \"1 W\", \"constant\": \"1 W\"}}}",
     KERF_E_INVALID, "/radio/uplink", "states more than one power"},
    {RATES ", \"radio\": {\"uplink\": {\"slope\": \"1 mW/(Mbit/s)\"}}}", KERF_E_INVALID,
     "/radio/uplink", "has no \"constant\""},
    {RATES ", \"radio\": {\"uplink\": {\"active\": \"1 W\", \"x\": 1}}}", KERF_E_INVALID,
     "/radio/uplink/x", "is an unknown key"},
    {RATES ", \"radio\": {\"uplink\": {\"slope\": \"1 mW\", \"constant\": \"1 W\"}}}",
     KERF_E_INVALID, "/radio/uplink/slope", "expected a power per rate"},
    {RATES ", \"radio\": {\"tail\": {\"time\": \"1 s\"}}}", KERF_E_INVALID, "/radio/tail",
     "has no \"power\""},
    {RATES ", \"radio\": {\"tail\": {\"time\": \"9 h\", \"power\": \"1 W\"}}}", KERF_E_INVALID,
     "/radio/tail/time", "expected 0 s to"},
    {RATES ", \"radio\": {\"idle\": \"1 MW\"}}", KERF_E_INVALID, "/radio/idle", "to 10 kW"},
    {RATES ", \"radio\": {\"uplink\": {\"cross_factor\": {\"airtime_power\": \"1 W\", "
           "\"air_rate\": \"0 bit/s\", \"frame_energy\": \"1 mJ\"}}}}",
     KERF_E_INVALID, "/radio/uplink/cross_factor", "expected at least 1"},
    {RATES ", \"radio\": {\"uplink\": {\"cross_factor\": {\"airtime_power\": \"1 W\"}}}}",
     KERF_E_INVALID, "/radio/uplink/cross_factor", "has no \"air_rate\""},
    {RATES ", \"from\": {\"shannon\": {\"bandwidth\": \"5 MHz\", \"transmit_power\": \"1 W\", "
           "\"gain\": 1, \"noise\": \"0 W\"}}}",
     KERF_E_INVALID, "/from/shannon", "gives an uplink of inf bit/s"},
    {RATES ", \"from\": {\"shannon\": {\"bandwidth\": \"5 MB\"}}}", KERF_E_INVALID,
     "/from/shannon/bandwidth", "expected a frequency"},
    {RATES ", \"from\": \"up.json\"}", KERF_E_INVALID, "/from", "expected an object"},
    {RATES ", \"from\": {\"iperf\": \"up.json\"}}", KERF_E_INVALID, "/from/iperf", "unknown key"},
    {RATES ", \"from\": {\"ping\": \"absent.log\"}}", KERF_E_IO, "", "cannot open"},
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++)
        refuse(bad_files[i].text, bad_files[i].status, bad_files[i].where, bad_files[i].message);
}

static void test_unreadable_files(void **state)
{
    (void)state;
    kerf_link *link = NULL;
    kerf_error err;
    assert_int_equal(kerf_link_load("configs/links", &link, &err), KERF_E_IO);
    assert_string_equal(err.source, "configs/links");
    assert_int_equal(kerf_link_load("configs/links/absent.json", &link, &err), KERF_E_IO);
    assert_int_equal(kerf_link_load("/dev/zero", &link, &err), KERF_E_IO);
    assert_null(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_cross_factor),
        cmocka_unit_test(test_shannon),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_iperf3_alone),
        cmocka_unit_test(test_given_fields_win),
        cmocka_unit_test(test_iperf3_both_directions),
        cmocka_unit_test(test_iperf3_udp),
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_bad_measurements),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_unreadable_files),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
