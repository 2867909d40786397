/* Who may connect: ZeroMQ's authentication protocol (RFC 27, ZAP) for CURVE clients.
 *
 * libzmq asks at inproc://zeromq.zap.01 of its context for every client that connects; a thread of
 * ours answers from the set of authorized keys. The set is replaced as a whole; clients that are
 * connected already stay. */
#ifndef KERF_SERVICE_ZAP_H
#define KERF_SERVICE_ZAP_H

#include "planner/service/keys.h"

#include <stdint.h>

typedef struct zap zap;

/* Called from the handler's thread for a client that is refused: its address and public key. */
typedef void zap_refused(void *context, const char *address, const char *public_key);

/* Begins to answer in a ZeroMQ context, before any of its sockets is bound. The folder is borrowed
 * until zap_stop. KERF_E_IO, KERF_E_INVALID (see keys_load_folder), KERF_E_NOMEM. */
kerf_status zap_start(void *context, const char *folder, zap_refused *refused,
                      void *refused_context, zap **started, kerf_error *err);
/* Before the context is terminated. NULL is fine. */
void zap_stop(zap **z);

/* Reads the folder again, from any thread; on an error the old keys stay. */
kerf_status zap_reload(zap *z, kerf_error *err);
size_t zap_keys(zap *z);
uint64_t zap_refusals(zap *z);

#endif
