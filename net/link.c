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

static kerf_flow flow_of(const kerf_link *link, kerf_direction direction)
{
    double window = link->initial_window_bytes;
    return (kerf_flow){
        .rate_Bps = kerf_link_effective_rate_bps(link, direction) / 8,
        .rtt_s = link->connection == KERF_CONNECTION_WARM ? 0 : link->rtt_s,
        .window_bytes = window > 0 ? window : kerf_initial_window_bytes(mss(link)),
    };
}

double kerf_link_active_s(const kerf_link *link, kerf_direction direction, double bytes)
{
    kerf_flow flow = flow_of(link, direction);
    bool handshake = link->connection == KERF_CONNECTION_NEW && direction == KERF_UPLINK;
    double propagation = (handshake ? 1.5 : 0.5) * link->rtt_s;
    return propagation + kerf_flow_s(&flow, kerf_link_sent_bytes(link, bytes));
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
