#include "net/radio_json.h"

#include "net/link.h"

enum { DEFAULT_FRAME_BYTES = 1448 };

static bool read_affine(const kerf_json *at, double *slope, double *constant)
{
    return kerf_json_quantity(at, "slope", KERF_POWER_PER_RATE, KERF_REQUIRED, slope) &&
           kerf_json_quantity(at, "constant", KERF_POWER, KERF_REQUIRED, constant);
}

static bool read_cross_factor(const kerf_json *active, double *slope, double *constant)
{
    kerf_json at;
    double airtime_W = 0, air_rate_bps = 0, frame_J = 0, frame_bytes = DEFAULT_FRAME_BYTES;
    if (!kerf_json_object(active, "cross_factor", KERF_REQUIRED, &at))
        return false;
    kerf_json_quantity(&at, "airtime_power", KERF_POWER, KERF_REQUIRED, &airtime_W);
    kerf_json_quantity(&at, "air_rate", KERF_RATE, KERF_REQUIRED, &air_rate_bps);
    kerf_json_quantity(&at, "frame_energy", KERF_ENERGY, KERF_REQUIRED, &frame_J);
    kerf_json_quantity(&at, "frame_size", KERF_SIZE, KERF_OPTIONAL, &frame_bytes);
    if (!kerf_json_done(&at))
        return false;
    if (!(air_rate_bps >= 1 && frame_bytes >= 1))
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "has an air rate of %g bit/s and frames of %g B, expected at least 1 "
                              "of each",
                              air_rate_bps, frame_bytes);
    *slope = kerf_cross_factor_slope(airtime_W, air_rate_bps, frame_J, frame_bytes);
    *constant = 0;
    return true;
}

/* Power while transferring, in one of three forms. */
static bool read_active(const kerf_json *radio, const char *key, double *slope, double *constant)
{
    kerf_json at, other;
    if (!kerf_json_object(radio, key, KERF_OPTIONAL, &at))
        return !kerf_json_failed(radio->doc);
    bool affine = kerf_json_member(&at, "slope", KERF_OPTIONAL, &other);
    affine |= kerf_json_member(&at, "constant", KERF_OPTIONAL, &other);
    bool active = kerf_json_member(&at, "active", KERF_OPTIONAL, &other);
    bool cross = kerf_json_member(&at, "cross_factor", KERF_OPTIONAL, &other);
    if (affine + active + cross != 1)
        return kerf_json_fail(&at, KERF_E_INVALID,
                              "states %s, expected \"slope\" and \"constant\", or \"active\", or "
                              "\"cross_factor\"",
                              affine + active + cross == 0 ? "no power" : "more than one power");
    bool read = affine   ? read_affine(&at, slope, constant)
                : active ? kerf_json_quantity(&at, "active", KERF_POWER, KERF_REQUIRED, constant)
                         : read_cross_factor(&at, slope, constant);
    return read && kerf_json_done(&at);
}

static bool read_phase(const kerf_json *radio, const char *key, double *time_s, double *power_W)
{
    kerf_json at;
    if (!kerf_json_object(radio, key, KERF_OPTIONAL, &at))
        return !kerf_json_failed(radio->doc);
    kerf_json_quantity(&at, "time", KERF_TIME, KERF_REQUIRED, time_s);
    kerf_json_quantity(&at, "power", KERF_POWER, KERF_REQUIRED, power_W);
    return kerf_json_done(&at);
}

static bool read_direction(const kerf_json *radio, const char *key, kerf_link *link,
                           kerf_direction direction)
{
    return read_active(radio, key, &link->active_W_per_bps[direction], &link->active_W[direction]);
}

bool kerf_link_read_radio(const kerf_json *root, kerf_link *link)
{
    kerf_json radio;
    if (!kerf_json_object(root, "radio", KERF_OPTIONAL, &radio))
        return !kerf_json_failed(root->doc);
    kerf_json_quantity(&radio, "idle", KERF_POWER, KERF_OPTIONAL, &link->idle_W);
    return read_direction(&radio, "uplink", link, KERF_UPLINK) &&
           read_direction(&radio, "downlink", link, KERF_DOWNLINK) &&
           read_phase(&radio, "promotion", &link->promotion_s, &link->promotion_W) &&
           read_phase(&radio, "switch", &link->switch_s, &link->switch_W) &&
           read_phase(&radio, "tail", &link->tail_s, &link->tail_W) && kerf_json_done(&radio);
}
