/* CURVE keys in files, in the form of ZeroMQ's own certificates (ZPL), so that those of czmq and
 * pyzmq are read as well:
 *
 *     metadata
 *     curve
 *         public-key = "..."      40 characters of Z85 (ZeroMQ RFC 32)
 *         secret-key = "..."      in the secret file only
 */
#ifndef KERF_SERVICE_KEYS_H
#define KERF_SERVICE_KEYS_H

#include "kerf/status.h"

#include <stdbool.h>

#define KEY_SIZE 41 /* with the terminator */

typedef struct key_pair {
    char public_key[KEY_SIZE], secret_key[KEY_SIZE]; /* Z85; secret_key may be "" */
} key_pair;

/* A fresh pair. KERF_E_UNSUPPORTED: libzmq was built without CURVE. */
kerf_status keys_make(key_pair *keys, kerf_error *err);

/* Reads a certificate; `secret`: it must have the secret key, and be closed to others.
 * KERF_E_IO, KERF_E_INVALID. */
kerf_status keys_load(const char *path, bool secret, key_pair *keys, kerf_error *err);

/* Writes PATH with the public key and PATH_secret with both, for its owner alone. KERF_E_IO. */
kerf_status keys_save(const key_pair *keys, const char *path, bool force, kerf_error *err);

/* The public keys of all files in a folder that are certificates (names that begin with a dot, and
 * those that end in _secret, are passed over), sorted; the caller frees. KERF_E_IO, KERF_E_INVALID
 * (a file that is no certificate). */
kerf_status keys_load_folder(const char *folder, char (**keys)[KEY_SIZE], size_t *n,
                             kerf_error *err);

#endif
