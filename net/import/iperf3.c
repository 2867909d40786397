/* iperf3 writes one document per test:
 *
 *     start.test_start.{protocol, reverse}       reverse 1: from the server to the client (-R)
 *     end.sum_received.bits_per_second           what arrived; with --bidir from the client, and in
 *     end.sum_received_bidir_reverse             the other direction here
 *     end.sum.{bits_per_second, lost_percent}    UDP: what was sent (all that iperf3 before 3.7
 * has) end.streams[].sender.min_rtt               microseconds; 0 where the sender is not this host
 *     error                                      the test failed
 */
#include "net/import/import.h"

#include "base/error.h"
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

static bool refuse_failed_run(const kerf_json *root)
{
    kerf_json error;
    const char *text = "";
    if (!kerf_json_member(root, "error", KERF_OPTIONAL, &error) ||
        !kerf_json_as_string(&error, &text))
        return !kerf_json_failed(root->doc);
    return kerf_json_fail(&error, KERF_E_INVALID,
                          "iperf3 failed: %.200s; expected a test that ran to its end", text);
}

/* Only the client's view tells which direction is the device's uplink. */
static bool refuse_server_side(const kerf_json *start)
{
    kerf_json other;
    if (kerf_json_member(start, "connecting_to", KERF_OPTIONAL, &other) ||
        !kerf_json_member(start, "accepted_connection", KERF_OPTIONAL, &other))
        return !kerf_json_failed(start->doc);
    return kerf_json_fail(&other, KERF_E_INVALID,
                          "this is the output of iperf3's server, expected that of its client "
                          "(iperf3 -c SERVER -J on the device)");
}

static bool check_direction(const kerf_json *test, kerf_direction direction)
{
    int64_t reverse = 0;
    kerf_json at;
    if (!kerf_json_integer(test, "reverse", KERF_REQUIRED, 0, 1, &reverse) ||
        !kerf_json_member(test, "reverse", KERF_REQUIRED, &at))
        return false;
    if (direction == KERF_UPLINK && reverse == 1)
        return kerf_json_fail(
            &at, KERF_E_INVALID,
            "is 1, a test of the downlink (iperf3 -R); expected 0 for the uplink");
    if (direction == KERF_DOWNLINK && reverse == 0)
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "is 0, a test of the uplink; expected 1 for the downlink "
                              "(iperf3 -R on the device)");
    return true;
}

static bool read_loss(const kerf_json *sum, kerf_probe *probe)
{
    double percent = 0;
    if (!kerf_json_number(sum, "lost_percent", KERF_REQUIRED, -100, 100, &percent))
        return false;
    probe->loss = fmax(percent, 0) / 100; /* late packets can make it negative */
    return true;
}

static bool read_rate(const kerf_json *sum, kerf_probe *probe)
{
    return kerf_json_number(sum, "bits_per_second", KERF_REQUIRED, 1, 1e13, &probe->rate_bps);
}

static bool read_sums(const kerf_json *end, bool udp, bool from_server, kerf_probe *probe)
{
    kerf_json received, sum;
    const char *key = from_server ? "sum_received_bidir_reverse" : "sum_received";
    if (!udp)
        return kerf_json_object(end, key, KERF_REQUIRED, &received) && read_rate(&received, probe);
    if (kerf_json_object(end, key, KERF_OPTIONAL, &received))
        return read_loss(&received, probe) && read_rate(&received, probe);
    key = from_server ? "sum_bidir_reverse" : "sum";
    if (!kerf_json_object(end, key, KERF_REQUIRED, &sum) || !read_loss(&sum, probe) ||
        !read_rate(&sum, probe))
        return false;
    probe->rate_bps *= 1 - probe->loss;
    return true;
}

/* The smallest RTT: the mean is that of the queue which the test itself fills. */
static bool read_rtt(const kerf_json *end, kerf_probe *probe)
{
    kerf_json streams, sender;
    size_t n = 0;
    if (!kerf_json_array(end, "streams", KERF_OPTIONAL, &streams, &n))
        return !kerf_json_failed(end->doc);
    for (size_t i = 0; i < n; i++) {
        kerf_json stream = kerf_json_at(&streams, i);
        double rtt_us = 0;
        if (kerf_json_object(&stream, "sender", KERF_OPTIONAL, &sender))
            kerf_json_number(&sender, "min_rtt", KERF_OPTIONAL, -DBL_MAX, DBL_MAX, &rtt_us);
        /* Where the system does not tell, iperf3 writes 0, -1 or the largest integer. */
        if (rtt_us > 0 && rtt_us < 2147483647)
            probe->rtt_s = fmin(rtt_us * 1e-6, probe->rtt_s); /* fmin skips the initial NAN */
    }
    return !kerf_json_failed(end->doc);
}

static bool read_test(const kerf_json *root, kerf_direction direction, kerf_probe *probe)
{
    kerf_json start, test, end, other;
    const char *protocol = "TCP";
    if (!refuse_failed_run(root) || !kerf_json_object(root, "start", KERF_REQUIRED, &start) ||
        !refuse_server_side(&start) ||
        !kerf_json_object(&start, "test_start", KERF_REQUIRED, &test) ||
        !kerf_json_object(root, "end", KERF_REQUIRED, &end))
        return false;
    kerf_json_string(&test, "protocol", KERF_OPTIONAL, &protocol);
    bool udp = strcmp(protocol, "UDP") == 0;
    bool both = kerf_json_member(&end, "sum_received_bidir_reverse", KERF_OPTIONAL, &other);
    if (!both && !check_direction(&test, direction))
        return false;
    return read_sums(&end, udp, both && direction == KERF_DOWNLINK, probe) &&
           (udp || read_rtt(&end, probe));
}

kerf_status kerf_import_iperf3(const char *path, kerf_direction direction, kerf_probe *probe,
                               kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    kerf_status status = kerf_json_open(path, NULL, &doc, err);
    if (status != KERF_OK)
        return status;
    kerf_json root = kerf_json_root(doc);
    kerf_probe found = {NAN, NAN, NAN};
    read_test(&root, direction, &found);
    status = kerf_json_close(&doc);
    if (status == KERF_OK)
        *probe = found;
    return status;
}
