#include "model/onnx/part_write.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)

kerf_status onnx_copy(int fd, const char *path, uint64_t at, uint64_t size, kerf_outfile *to,
                      kerf_error *err)
{
    kerf_status status = KERF_OK;
    unsigned char *buffer = size ? kerf_calloc(size < CHUNK ? (size_t)size : CHUNK, 1) : NULL;
    if (size && !buffer)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    while (size > 0 && status == KERF_OK) {
        const ssize_t n = pread(fd, buffer, size < CHUNK ? (size_t)size : CHUNK, (off_t)at);
        char text[128];
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            status = n == 0 ? kerf_fail(err, KERF_E_IO, NULL, "ends early: it has changed")
                            : kerf_fail(err, KERF_E_IO, NULL, "cannot read: %s",
                                        strerror_r(errno, text, sizeof text));
            kerf_error_source(err, path);
            break;
        }
        status = kerf_outfile_write(to, buffer, (size_t)n, err);
        at += (uint64_t)n;
        size -= (uint64_t)n;
    }
    free(buffer);
    return status;
}

kerf_status onnx_open_external(const char *source, const char *location, onnx_file *file,
                               kerf_error *err)
{
    if (!onnx_is_confined(location))
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "external data '%.200s' is outside the network's folder", location);
    char *path = kerf_path_beside(source, location);
    if (!path)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    kerf_status status = onnx_file_open(file, path, NULL);
    if (status != KERF_OK)
        status = kerf_fail(err, status, NULL,
                           "external data '%.200s' cannot be read, and is to be copied: write the "
                           "parts into the network's folder to refer to it",
                           location);
    free(path);
    return status;
}
