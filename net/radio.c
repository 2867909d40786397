/* What a transfer takes in radio energy: P(r) = slope * r + constant while active, so the slope's
 * part is proportional to the bits and the constant's to the time. */
#include "net/link.h"

#include <math.h>

double kerf_cross_factor_slope(double airtime_W, double air_rate_bps, double frame_J,
                               double frame_bytes)
{
    return airtime_W / air_rate_bps + frame_J / (8 * frame_bytes);
}

double kerf_shannon_rate_bps(double bandwidth_Hz, double transmit_W, double gain, double noise_W)
{
    return bandwidth_Hz / log(2) * log1p(transmit_W * gain / noise_W);
}

double kerf_link_transfer_J(const kerf_link *link, kerf_direction direction, double bytes)
{
    if (!(bytes > 0))
        return 0;
    double bits = 8 * kerf_link_sent_bytes(link, bytes);
    return link->active_W_per_bps[direction] * bits +
           link->active_W[direction] * kerf_link_active_s(link, direction, bytes);
}

double kerf_link_slope_J_per_byte(const kerf_link *link, kerf_direction direction, double bytes)
{
    double bits_per_byte = 8 * (1 + link->overhead);
    return link->active_W_per_bps[direction] * bits_per_byte +
           link->active_W[direction] * kerf_link_slope_s_per_byte(link, direction, bytes);
}

double kerf_link_fixed_J(const kerf_link *link)
{
    double wake = 0;
    if (kerf_link_starts_idle(link))
        wake = link->promotion_W * link->promotion_s + link->switch_W * link->switch_s;
    /* The next transfer cuts the tail short; an unknown gap is longer than the tail. */
    double tail_s = link->gap_s > 0 ? fmin(link->tail_s, link->gap_s) : link->tail_s;
    return wake + link->tail_W * tail_s;
}
