/* The range of every field of a link. Outside these the figure is a slip of the unit, and inside
 * them no sum of the cost model overflows. */
#include "base/error.h"
#include "kerf/link.h"
#include "kerf/units.h"

#include <math.h>
#include <stddef.h>

typedef struct range {
    const char *name; /* as in a link file, without the first slash */
    size_t offset;
    kerf_quantity kind;
    double low, high;
    enum { CLOSED, OPEN, OR_ZERO } end; /* high is refused; 0 is allowed, it means the default */
} range;

#define AT(field) offsetof(kerf_link, field)

static const range ranges[] = {
    {"uplink", AT(rate_bps[KERF_UPLINK]), KERF_RATE, 1, 1e13, CLOSED},
    {"downlink", AT(rate_bps[KERF_DOWNLINK]), KERF_RATE, 1, 1e13, CLOSED},
    {"rtt", AT(rtt_s), KERF_TIME, 0, 3600, CLOSED},
    {"loss", AT(loss), KERF_FRACTION, 0, 1, OPEN},
    {"mss", AT(mss_bytes), KERF_SIZE, 1, 1e6, OR_ZERO},
    {"initial_window", AT(initial_window_bytes), KERF_SIZE, 1, 1e12, OR_ZERO},
    {"overhead", AT(overhead), KERF_FRACTION, 0, 1, CLOSED},
    {"message_bytes", AT(message_bytes), KERF_SIZE, 0, 1e9, CLOSED},
    {"radio/uplink/slope", AT(active_W_per_bps[KERF_UPLINK]), KERF_POWER_PER_RATE, 0, 1e-3, CLOSED},
    {"radio/downlink/slope", AT(active_W_per_bps[KERF_DOWNLINK]), KERF_POWER_PER_RATE, 0, 1e-3,
     CLOSED},
    {"radio/uplink/constant", AT(active_W[KERF_UPLINK]), KERF_POWER, 0, 1e4, CLOSED},
    {"radio/downlink/constant", AT(active_W[KERF_DOWNLINK]), KERF_POWER, 0, 1e4, CLOSED},
    {"radio/idle", AT(idle_W), KERF_POWER, 0, 1e4, CLOSED},
    {"radio/promotion/time", AT(promotion_s), KERF_TIME, 0, 3600, CLOSED},
    {"radio/promotion/power", AT(promotion_W), KERF_POWER, 0, 1e4, CLOSED},
    {"radio/switch/time", AT(switch_s), KERF_TIME, 0, 3600, CLOSED},
    {"radio/switch/power", AT(switch_W), KERF_POWER, 0, 1e4, CLOSED},
    {"radio/tail/time", AT(tail_s), KERF_TIME, 0, 3600, CLOSED},
    {"radio/tail/power", AT(tail_W), KERF_POWER, 0, 1e4, CLOSED},
    {"gap", AT(gap_s), KERF_TIME, 0, 1e9, CLOSED},
};

static double field_of(const kerf_link *link, size_t offset)
{
    return *(const double *)(const void *)((const char *)link + offset);
}

static kerf_status check_range(const range *field, double value, kerf_error *err)
{
    /* Written so that a NaN is refused. */
    bool below = field->end == OPEN ? value < field->high : value <= field->high;
    if ((value >= field->low && below) || (field->end == OR_ZERO && value == 0))
        return KERF_OK;
    char is[48], low[48], high[48];
    return kerf_fail(err, KERF_E_INVALID, field->name, "is %s, expected %s to %s%s",
                     kerf_format_quantity(value, field->kind, 6, is, sizeof is),
                     kerf_format_quantity(field->low, field->kind, 6, low, sizeof low),
                     field->end == OPEN ? "less than " : "",
                     kerf_format_quantity(field->high, field->kind, 6, high, sizeof high));
}

kerf_status kerf_link_check(const kerf_link *link, kerf_error *err)
{
    kerf_error_clear(err);
    if (!link)
        return kerf_fail(err, KERF_E_INVALID, NULL, "no link given");
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        kerf_status status = check_range(&ranges[i], field_of(link, ranges[i].offset), err);
        if (status != KERF_OK)
            return status;
    }
    if (link->connection != KERF_CONNECTION_COLD && link->connection != KERF_CONNECTION_WARM &&
        link->connection != KERF_CONNECTION_NEW)
        return kerf_fail(err, KERF_E_INVALID, "connection", "is %d, expected cold, warm or new",
                         (int)link->connection);
    return KERF_OK;
}
