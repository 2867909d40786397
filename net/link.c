/* What a transfer takes in time: connection set-up, propagation, and the flow itself. */
#include "net/link.h"
#include "net/transport.h"

#include <math.h>
#include <stdlib.h>

enum { DEFAULT_MSS = 1448 }; /* Ethernet's 1500 B less IPv4, TCP and its timestamps */

void kerf_link_destroy(kerf_link **link)
{
    if (!link || !*link)
        return;
    free((*link)->name);
    free((*link)->description);
    free((*link)->provenance);
    free(*link);
    *link = NULL;
}

static double mss(const kerf_link *link)
{
    return link->mss_bytes > 0 ? link->mss_bytes : DEFAULT_MSS;
}

double kerf_link_effective_rate_bps(const kerf_link *link, kerf_direction direction)
{
    double tfrc_bps = 8 * kerf_tfrc_rate_Bps(mss(link), link->rtt_s, link->loss);
    return fmin(link->rate_bps[direction], tfrc_bps);
}

bool kerf_link_starts_idle(const kerf_link *link)
{
    if (link->connection == KERF_CONNECTION_WARM)
        return false;
    return !(link->gap_s > 0 && link->gap_s < link->tail_s);
}

double kerf_link_promotion_s(const kerf_link *link, kerf_direction direction)
{
    if (direction != KERF_UPLINK || !kerf_link_starts_idle(link))
        return 0;
    return link->promotion_s + link->switch_s;
}

double kerf_link_sent_bytes(const kerf_link *link, double bytes)
{
    return bytes * (1 + link->overhead) + link->message_bytes;
}

static double window_of(const kerf_link *link)
{
    double window = link->initial_window_bytes;
    return window > 0 ? window : kerf_initial_window_bytes(mss(link));
}

kerf_flow kerf_link_flow(const kerf_link *link, double rate_bps)
{
    return (kerf_flow){
        .rate_Bps = rate_bps / 8,
        .rtt_s = link->connection == KERF_CONNECTION_WARM ? 0 : link->rtt_s,
        .window_bytes = window_of(link),
    };
}

static kerf_flow flow_of(const kerf_link *link, kerf_direction direction)
{
    return kerf_link_flow(link, kerf_link_effective_rate_bps(link, direction));
}

/* In round-trip times: half of one, and the handshake that opens a connection. */
static double propagation_of(const kerf_link *link, kerf_direction direction)
{
    bool handshake = link->connection == KERF_CONNECTION_NEW && direction == KERF_UPLINK;
    return handshake ? 1.5 : 0.5;
}

double kerf_link_active_s(const kerf_link *link, kerf_direction direction, double bytes)
{
    kerf_flow flow = flow_of(link, direction);
    double propagation = propagation_of(link, direction) * link->rtt_s;
    return propagation + kerf_flow_s(&flow, kerf_link_sent_bytes(link, bytes));
}

kerf_path kerf_link_path(const kerf_link *link, kerf_direction direction)
{
    const kerf_flow flow = flow_of(link, direction);
    const double propagation = propagation_of(link, direction), pace = 1 / flow.rate_Bps;
    const bool lossy = 8 * flow.rate_Bps < link->rate_bps[direction]; /* so that the RTT decides */
    kerf_path path = {.pace_s = pace,
                      .propagation_s = propagation * link->rtt_s,
                      .doubling_s = flow.rtt_s,
                      .full_bytes = kerf_flow_full_bytes(&flow),
                      .pace_by_inverse = lossy ? 0 : 8,
                      .pace_by_rtt = lossy ? pace / link->rtt_s : 0,
                      .propagation_by_rtt = propagation,
                      .doubling_by_rtt = link->connection == KERF_CONNECTION_WARM ? 0 : 1};
    if (path.full_bytes > 0)
        path.full_s = flow.rtt_s * kerf_flow_doublings(flow.window_bytes, path.full_bytes);
    else
        path.full_bytes = 0;
    return path;
}

double kerf_link_doublings(const kerf_link *link, double sent_bytes)
{
    return kerf_flow_doublings(window_of(link), sent_bytes);
}

double kerf_link_fixed_s(const kerf_link *link, kerf_direction direction)
{
    return kerf_link_promotion_s(link, direction) + kerf_link_active_s(link, direction, 0);
}

double kerf_link_transfer_s(const kerf_link *link, kerf_direction direction, double bytes)
{
    if (!(bytes > 0))
        return 0;
    return kerf_link_promotion_s(link, direction) + kerf_link_active_s(link, direction, bytes);
}

double kerf_link_slope_s_per_byte(const kerf_link *link, kerf_direction direction, double bytes)
{
    kerf_flow flow = flow_of(link, direction);
    double sent = kerf_link_sent_bytes(link, fmax(bytes, 0));
    return kerf_flow_slope(&flow, sent) * (1 + link->overhead);
}

double kerf_link_occupancy_s(const kerf_link *link, kerf_direction direction, double bytes)
{
    if (!(bytes > 0))
        return 0;
    return 8 * kerf_link_sent_bytes(link, bytes) / kerf_link_effective_rate_bps(link, direction);
}
