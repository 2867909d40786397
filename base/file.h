/* Reading whole small files, with a limit. */
#ifndef KERF_BASE_FILE_H
#define KERF_BASE_FILE_H

#include "kerf/status.h"

/* Reads a regular file of at most `maximum` bytes into a new buffer, zero-terminated; *size is
 * without the terminator. A directory, device or larger file is refused. The caller frees. */
kerf_status kerf_read_file(const char *path, size_t maximum, char **data, size_t *size,
                           kerf_error *err);

/* Directory part of `path` joined with `relative`, unless that is absolute. The caller frees. */
char *kerf_path_beside(const char *path, const char *relative);

#endif
