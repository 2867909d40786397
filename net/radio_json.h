/* The "radio" member of a link file. */
#ifndef KERF_NET_RADIO_JSON_H
#define KERF_NET_RADIO_JSON_H

#include "base/json.h"
#include "kerf/link.h"

/* Reads root's "radio" into the link's power fields; what it does not state stays as it was.
 * False where the document has failed. */
bool kerf_link_read_radio(const kerf_json *root, kerf_link *link);

#endif
