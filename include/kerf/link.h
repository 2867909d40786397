/* The link between device and server: what a transfer takes in time and in radio energy.
 *
 *     T(B) = 0                                       for B = 0
 *     T(B) = setup + RTT/2 + t(B)                    otherwise
 *
 * t is TCP's transfer time in fluid form (slow start if the window is cold); it is concave and
 * non-decreasing in B, and so is the energy. setup is the radio's promotion where it starts idle
 * and the handshake of a new connection: the uplink's alone, because it comes first in an inference
 * and leaves the radio awake and the connection open for the downlink. Equations and sources:
 * docs/cost-model.md.
 */
#ifndef KERF_LINK_H
#define KERF_LINK_H

#include "status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kerf_connection {
    KERF_CONNECTION_COLD, /* window shrunk, radio idle: the default, a frame now and then */
    KERF_CONNECTION_WARM, /* window open, radio active */
    KERF_CONNECTION_NEW   /* as cold, and the connection must be opened first */
} kerf_connection;

typedef enum kerf_direction { KERF_UPLINK, KERF_DOWNLINK } kerf_direction;

typedef struct kerf_link {
    char *name; /* owned by the link; NULL allowed */
    char *description;
    char *provenance;   /* sources of the figures and how far to trust them */
    double rate_bps[2]; /* by kerf_direction: goodput of a long transfer (as iperf3 says) */
    double rtt_s;
    double loss;                 /* packet loss ratio, 0 <= loss < 1; lowers the rate (TFRC) */
    double mss_bytes;            /* 0: 1448 */
    double initial_window_bytes; /* 0: RFC 6928's min(10 MSS, max(2 MSS, 14600)) */
    double overhead;      /* header bytes per payload byte that the rate does not yet exclude */
    double message_bytes; /* fixed bytes per transfer: message framing */
    kerf_connection connection;
    /* Radio power, on top of the board's. While active: slope * rate + constant. */
    double active_W_per_bps[2];
    double active_W[2];
    double idle_W;                   /* radio in use but waiting */
    double promotion_s, promotion_W; /* from idle to connected */
    double switch_s, switch_W;       /* from LTE to 5G */
    double tail_s, tail_W;           /* after the last transfer */
    double gap_s; /* time to the next inference's transfer; 0: unknown, longer than the
                     tail. Shorter than the tail: no promotion, and a shorter tail.
                     Warm: never a promotion, but the tail that follows is charged. */
} kerf_link;

/* Loads a link file ("kerf-link/1", configs/schema/link.json), which may take its rate, RTT and
 * loss from iperf3 -J output and a ping log beside it. The caller owns *link. */
KERF_API kerf_status kerf_link_load(const char *path, kerf_link **link, kerf_error *err);
KERF_API void kerf_link_destroy(kerf_link **link);

/* Checks every field's range. KERF_E_INVALID (where: the field). Call after changing fields. */
KERF_API kerf_status kerf_link_check(const kerf_link *link, kerf_error *err);

/* Rate that a long transfer reaches: the link's, limited by loss. bit/s of payload. */
KERF_API double kerf_link_effective_rate_bps(const kerf_link *link, kerf_direction direction);

/* T(B) in seconds for B >= 0 payload bytes; concave, non-decreasing, 0 for B = 0. */
KERF_API double kerf_link_transfer_s(const kerf_link *link, kerf_direction direction, double bytes);

/* Its limit for B -> 0+ (setup, propagation, and the time of message_bytes), and its right
 * derivative at B > 0, in s/byte; for B = 0 the slope's limit for B -> 0+. */
KERF_API double kerf_link_fixed_s(const kerf_link *link, kerf_direction direction);
KERF_API double kerf_link_slope_s_per_byte(const kerf_link *link, kerf_direction direction,
                                           double bytes);

/* Time that a transfer occupies the link (bits / effective rate, no RTT): a pipeline stage. */
KERF_API double kerf_link_occupancy_s(const kerf_link *link, kerf_direction direction,
                                      double bytes);

/* Radio energy of a transfer while active, alpha * bits + beta * (T(B) less the promotion's time),
 * and its right derivative; and what one offload costs beside that: promotion, switch, tail. */
KERF_API double kerf_link_transfer_J(const kerf_link *link, kerf_direction direction, double bytes);
KERF_API double kerf_link_slope_J_per_byte(const kerf_link *link, kerf_direction direction,
                                           double bytes);
KERF_API double kerf_link_fixed_J(const kerf_link *link);

#ifdef __cplusplus
}
#endif
#endif
