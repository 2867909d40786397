/* TCP's transfer time in fluid form, and the rate that loss leaves it. Pure functions of plain
 * numbers: bytes, bytes per second, seconds. Equations and sources: docs/cost-model.md, section 3.
 */
#ifndef KERF_NET_TRANSPORT_H
#define KERF_NET_TRANSPORT_H

/* Initial congestion window of RFC 6928 for a maximum segment size. */
double kerf_initial_window_bytes(double mss_bytes);

/* TFRC's throughput equation (RFC 5348, section 3.1, b = 1, t_RTO = 4 RTT): bytes per second that
 * TCP reaches at a packet loss ratio. INFINITY where loss or RTT is 0. */
double kerf_tfrc_rate_Bps(double mss_bytes, double rtt_s, double loss);

/* How a transfer's rate develops. */
typedef struct kerf_flow {
    double rate_Bps;     /* > 0: final rate */
    double rtt_s;        /* doubling time of the slow start; 0: at full rate from the first byte */
    double window_bytes; /* > 0: initial window */
} kerf_flow;

/* S*: how many bytes have left when the slow start reaches the final rate; 0 or less where the
 * initial window alone fills the path. And how often the rate has doubled after so many bytes. */
double kerf_flow_full_bytes(const kerf_flow *flow);
double kerf_flow_doublings(double window_bytes, double bytes);

/* t(S), seconds from the first byte's departure to the last one's: concave, non-decreasing,
 * t(0) = 0. And its right derivative, in s/byte: non-increasing, at least 1 / rate. */
double kerf_flow_s(const kerf_flow *flow, double bytes);
double kerf_flow_slope(const kerf_flow *flow, double bytes);

#endif
