/* Link files: configs/schema/link.json describes them. */
#include "net/link_json.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "net/import/import.h"
#include "net/link.h"
#include "net/radio_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where figures come from that the file does not state. */
typedef struct sources {
    const char *iperf3[2]; /* paths by kerf_direction, borrowed from the document; NULL: none */
    const char *ping;
    double shannon_bps, shannon_W; /* NAN: none */
} sources;

static bool copy_string(const kerf_json *object, const char *key, char **copy)
{
    const char *text = NULL;
    if (!kerf_json_string(object, key, KERF_OPTIONAL, &text))
        return !kerf_json_failed(object->doc);
    *copy = kerf_strdup(text);
    return *copy || kerf_json_fail(object, KERF_E_NOMEM, "out of memory");
}

static bool read_connection(const kerf_json *root, kerf_connection *connection)
{
    static const char *const names[] = {"cold", "warm", "new"};
    kerf_json at;
    const char *text = "";
    if (!kerf_json_member(root, "connection", KERF_OPTIONAL, &at) ||
        !kerf_json_as_string(&at, &text))
        return !kerf_json_failed(root->doc);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *connection = (kerf_connection)i;
            return true;
        }
    }
    return kerf_json_fail(&at, KERF_E_INVALID,
                          "is \"%.60s\", expected \"cold\", \"warm\" or \"new\"", text);
}

/* The uplink of the mobile edge computing literature: its capacity, at the transmitted power. */
static bool read_shannon(const kerf_json *from, sources *found)
{
    kerf_json at;
    double bandwidth_Hz = 0, transmit_W = 0, gain = 0, noise_W = 0;
    if (!kerf_json_object(from, "shannon", KERF_OPTIONAL, &at))
        return !kerf_json_failed(from->doc);
    kerf_json_quantity(&at, "bandwidth", KERF_FREQUENCY, KERF_REQUIRED, &bandwidth_Hz);
    kerf_json_quantity(&at, "transmit_power", KERF_POWER, KERF_REQUIRED, &transmit_W);
    kerf_json_number(&at, "gain", KERF_REQUIRED, 0, 1, &gain);
    kerf_json_quantity(&at, "noise", KERF_POWER, KERF_REQUIRED, &noise_W);
    if (!kerf_json_done(&at))
        return false;
    found->shannon_bps = kerf_shannon_rate_bps(bandwidth_Hz, transmit_W, gain, noise_W);
    found->shannon_W = transmit_W;
    /* A NaN or infinity among them (no noise) fails as well. */
    return (found->shannon_bps >= 1 && found->shannon_bps <= 1e13) ||
           kerf_json_fail(&at, KERF_E_INVALID,
                          "gives an uplink of %g bit/s, expected 1 bit/s to 10 Tbit/s",
                          found->shannon_bps);
}

static bool read_sources(const kerf_json *root, sources *from)
{
    kerf_json at;
    if (!kerf_json_object(root, "from", KERF_OPTIONAL, &at))
        return !kerf_json_failed(root->doc);
    kerf_json_string(&at, "iperf3_uplink", KERF_OPTIONAL, &from->iperf3[KERF_UPLINK]);
    kerf_json_string(&at, "iperf3_downlink", KERF_OPTIONAL, &from->iperf3[KERF_DOWNLINK]);
    kerf_json_string(&at, "ping", KERF_OPTIONAL, &from->ping);
    return read_shannon(&at, from) && kerf_json_done(&at);
}

bool kerf_link_read_fields(const kerf_json *root, kerf_link *link)
{
    kerf_json_quantity(root, "uplink", KERF_RATE, KERF_OPTIONAL, &link->rate_bps[KERF_UPLINK]);
    kerf_json_quantity(root, "downlink", KERF_RATE, KERF_OPTIONAL, &link->rate_bps[KERF_DOWNLINK]);
    kerf_json_quantity(root, "rtt", KERF_TIME, KERF_OPTIONAL, &link->rtt_s);
    kerf_json_quantity(root, "loss", KERF_FRACTION, KERF_OPTIONAL, &link->loss);
    kerf_json_quantity(root, "mss", KERF_SIZE, KERF_OPTIONAL, &link->mss_bytes);
    kerf_json_quantity(root, "initial_window", KERF_SIZE, KERF_OPTIONAL,
                       &link->initial_window_bytes);
    kerf_json_quantity(root, "overhead", KERF_FRACTION, KERF_OPTIONAL, &link->overhead);
    kerf_json_quantity(root, "message_bytes", KERF_SIZE, KERF_OPTIONAL, &link->message_bytes);
    kerf_json_quantity(root, "gap", KERF_TIME, KERF_OPTIONAL, &link->gap_s);
    return read_connection(root, &link->connection) && kerf_link_read_radio(root, link);
}

static bool read_file(const kerf_json *root, kerf_link *link, sources *from)
{
    copy_string(root, "name", &link->name);
    copy_string(root, "description", &link->description);
    copy_string(root, "provenance", &link->provenance);
    return kerf_link_read_fields(root, link) && read_sources(root, from) && kerf_json_done(root);
}

static kerf_status import_beside(const char *link_path, const char *relative,
                                 const kerf_direction *direction, kerf_probe *probe,
                                 kerf_error *err)
{
    if (!relative)
        return KERF_OK;
    char *path = kerf_path_beside(link_path, relative);
    if (!path)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_status status = direction ? kerf_import_iperf3(path, *direction, probe, err)
                                   : kerf_import_ping(path, probe, err);
    free(path);
    return status;
}

static void fill(double *field, double measured)
{
    if (isnan(*field))
        *field = measured;
}

/* Figures that the file does not give come from the measurements, the ping's before iperf3's; last
 * from Shannon. Of two directions' losses and smallest RTTs, the worse. */
static kerf_status import(const char *path, const sources *from, kerf_link *link, kerf_error *err)
{
    kerf_probe both[2] = {{NAN, NAN, NAN}, {NAN, NAN, NAN}}, ping = {NAN, NAN, NAN};
    for (kerf_direction d = KERF_UPLINK; d <= KERF_DOWNLINK; d++) {
        kerf_status status = import_beside(path, from->iperf3[d], &d, &both[d], err);
        if (status != KERF_OK)
            return status;
        fill(&link->rate_bps[d], both[d].rate_bps);
    }
    kerf_status status = import_beside(path, from->ping, NULL, &ping, err);
    if (status != KERF_OK)
        return status;
    fill(&link->rtt_s, ping.rtt_s);
    fill(&link->rtt_s, fmax(both[0].rtt_s, both[1].rtt_s)); /* fmax skips a NAN */
    fill(&link->loss, ping.loss);
    fill(&link->loss, fmax(both[0].loss, both[1].loss));
    fill(&link->loss, 0);
    fill(&link->rate_bps[KERF_UPLINK], from->shannon_bps);
    fill(&link->active_W[KERF_UPLINK], from->shannon_W);
    fill(&link->active_W[KERF_UPLINK], 0);
    return KERF_OK;
}

static bool check_complete(const kerf_json *root, const kerf_link *link)
{
    if (isnan(link->rate_bps[KERF_UPLINK]))
        return kerf_json_fail(root, KERF_E_INVALID,
                              "has no \"uplink\", expected such as \"uplink\": \"40 Mbit/s\" or "
                              "\"from\": {\"iperf3_uplink\": FILE}");
    if (isnan(link->rate_bps[KERF_DOWNLINK]))
        return kerf_json_fail(root, KERF_E_INVALID,
                              "has no \"downlink\", expected such as \"downlink\": \"40 Mbit/s\" "
                              "or \"from\": {\"iperf3_downlink\": FILE}");
    if (isnan(link->rtt_s))
        return kerf_json_fail(root, KERF_E_INVALID,
                              "has no \"rtt\", expected such as \"rtt\": \"20 ms\" or \"from\": "
                              "{\"ping\": FILE}");
    return true;
}

/* kerf_link_check with the field as a JSON pointer. */
static kerf_status check_ranges(const kerf_link *link, kerf_error *err)
{
    kerf_error problem = {0};
    kerf_status status = kerf_link_check(link, &problem);
    if (status == KERF_OK)
        return KERF_OK;
    char where[sizeof problem.where + 1];
    snprintf(where, sizeof where, "/%s", problem.where);
    return kerf_fail(err, status, where, "%s", problem.message);
}

/* A link without a name of its own has its file's. */
static bool name_after_file(kerf_link *link, const char *path)
{
    if (link->name)
        return true;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    link->name = kerf_strndup(base, length);
    return link->name != NULL;
}

kerf_status kerf_link_load(const char *path, kerf_link **link, kerf_error *err)
{
    kerf_json_doc *doc = NULL;
    sources from = {{NULL, NULL}, NULL, NAN, NAN};
    kerf_error_clear(err);
    kerf_link *made = kerf_calloc(1, sizeof *made);
    if (!made)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    made->rate_bps[KERF_UPLINK] = made->rate_bps[KERF_DOWNLINK] = NAN;
    made->rtt_s = made->loss = made->active_W[KERF_UPLINK] = NAN;

    kerf_status status = kerf_json_open(path, "kerf-link/1", &doc, err);
    if (status != KERF_OK)
        goto out;
    kerf_json root = kerf_json_root(doc);
    if (read_file(&root, made, &from)) {
        status = import(path, &from, made, err);
        if (status == KERF_OK)
            check_complete(&root, made);
    }
    if (status == KERF_OK)
        status = kerf_json_close(&doc);
    if (status == KERF_OK)
        status = check_ranges(made, err);
    if (status == KERF_OK && !name_after_file(made, path))
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status == KERF_OK) {
        *link = made;
        made = NULL;
    }
out:
    if (status != KERF_OK)
        kerf_error_source(err, path);
    kerf_json_close(&doc);
    kerf_link_destroy(&made);
    return status;
}
