/* Parts of a link's time that its energy needs as well. See kerf/link.h. */
#ifndef KERF_NET_LINK_H
#define KERF_NET_LINK_H

#include "kerf/link.h"

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

#endif
