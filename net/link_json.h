/* The fields of a link, as link files and requests to the service have them. */
#ifndef KERF_NET_LINK_JSON_H
#define KERF_NET_LINK_JSON_H

#include "base/json.h"
#include "kerf/link.h"

/* Reads an object's rates, RTT, loss, transport and radio figures into the link; what it does not
 * state stays as it was. False where the document has failed. */
bool kerf_link_read_fields(const kerf_json *object, kerf_link *link);

#endif
