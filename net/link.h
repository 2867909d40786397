/* Parts of a link's time that its energy needs as well. See kerf/link.h. */
#ifndef KERF_NET_LINK_H
#define KERF_NET_LINK_H

#include "kerf/link.h"
#include "net/transport.h"

/* True if the radio is idle when an inference's first transfer begins. */
bool kerf_link_starts_idle(const kerf_link *link);

/* Time that the radio's promotion and switch take before a transfer; 0 for the downlink, because
 * the uplink of the same inference has woken the radio. */
double kerf_link_promotion_s(const kerf_link *link, kerf_direction direction);

/* Bytes on the wire for a payload: headers and framing added. */
double kerf_link_sent_bytes(const kerf_link *link, double bytes);

/* Time that the radio is active in a transfer of so many payload bytes, or the limit for few of
 * them if 0: T(B) less the promotion. */
double kerf_link_active_s(const kerf_link *link, kerf_direction direction, double bytes);

/* What a transfer's active time depends on beside its bytes, in one direction of a link as it is:
 *
 *     active_s = propagation_s + doubling_s * log2(1 + sent / window)       sent <= full_bytes
 *              = propagation_s + full_s + (sent - full_bytes) * pace_s      beyond
 *
 * It is the integral over the bytes sent of max(pace_s, doubling_s / (ln2 * (window + sent))), so
 * for given bytes it is convex and non-decreasing in the inverse of the rate and the RTT jointly:
 * pace_s is the larger of two multiples of them, the rest are multiples of the RTT. */
typedef struct kerf_path {
    double pace_s; /* of a byte at full rate */
    double propagation_s;
    double doubling_s;         /* of the slow start's rate; 0: none */
    double full_bytes, full_s; /* when it has reached the full rate */
    double pace_by_inverse;    /* growth of pace_s with 1 / rate_bps, and with the RTT */
    double pace_by_rtt;
    double propagation_by_rtt, doubling_by_rtt;
} kerf_path;

kerf_path kerf_link_path(const kerf_link *link, kerf_direction direction);
/* log2(1 + sent / window) */
double kerf_link_doublings(const kerf_link *link, double sent_bytes);

/* How a transfer's rate develops towards the given one: at once if the connection is warm. */
kerf_flow kerf_link_flow(const kerf_link *link, double rate_bps);

/* Slope of the cross-factor model (Serrano et al.), in W per bit/s: at rate r a radio is on air
 * for r / air_rate of the time, and the host handles r / frame frames a second. */
double kerf_cross_factor_slope(double airtime_W, double air_rate_bps, double frame_J,
                               double frame_bytes);

/* Shannon's capacity, bit/s: bandwidth * log2(1 + power * gain / noise). */
double kerf_shannon_rate_bps(double bandwidth_Hz, double transmit_W, double gain, double noise_W);

#endif
