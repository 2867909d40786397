#include "net/transport.h"

#include <math.h>

static const double LN2 = 0.69314718055994530942;

double kerf_initial_window_bytes(double mss_bytes)
{
    return fmin(10 * mss_bytes, fmax(2 * mss_bytes, 14600));
}

double kerf_tfrc_rate_Bps(double mss_bytes, double rtt_s, double loss)
{
    if (loss <= 0 || rtt_s <= 0)
        return INFINITY;
    double p = loss;
    double f = sqrt(2 * p / 3) + 12 * sqrt(3 * p / 8) * (p + 32 * p * p * p);
    return mss_bytes / (rtt_s * f);
}

/* The doubling rate is (window + S) ln2 / RTT. */
double kerf_flow_full_bytes(const kerf_flow *flow)
{
    return flow->rate_Bps * flow->rtt_s / LN2 - flow->window_bytes;
}

/* log2(1 + S/IW). log1p keeps it exact for a few bytes and a large window. */
double kerf_flow_doublings(double window_bytes, double bytes)
{
    return log1p(bytes / window_bytes) / LN2;
}

static double doubling_s(const kerf_flow *flow, double bytes)
{
    return flow->rtt_s / LN2 * log1p(bytes / flow->window_bytes);
}

double kerf_flow_s(const kerf_flow *flow, double bytes)
{
    double full = kerf_flow_full_bytes(flow);
    if (!(full > 0))
        return bytes / flow->rate_Bps;
    if (bytes <= full)
        return doubling_s(flow, bytes);
    return doubling_s(flow, full) + (bytes - full) / flow->rate_Bps;
}

double kerf_flow_slope(const kerf_flow *flow, double bytes)
{
    double least = 1 / flow->rate_Bps;
    if (!(bytes < kerf_flow_full_bytes(flow)))
        return least;
    /* Below S* this is more than 1 / rate; next to it rounding may say otherwise. */
    return fmax(least, flow->rtt_s / (LN2 * (flow->window_bytes + bytes)));
}
