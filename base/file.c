#include "base/file.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static kerf_status fail_errno(kerf_error *err, const char *what, int code)
{
    char text[128];
    return kerf_fail(err, KERF_E_IO, NULL, "cannot %s: %s", what,
                     strerror_r(code, text, sizeof text));
}

static kerf_status too_large(kerf_error *err, size_t maximum)
{
    return kerf_fail(err, KERF_E_TOO_LARGE, NULL, "is too large, expected at most %zu bytes",
                     maximum);
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer before it is refused. */
static kerf_status open_regular(const char *path, size_t maximum, int *fd, size_t *expected,
                                kerf_error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return fail_errno(err, "open", errno);
    kerf_status status = KERF_OK;
    struct stat info;
    if (fstat(file, &info) != 0)
        status = fail_errno(err, "examine", errno);
    else if (S_ISDIR(info.st_mode))
        status = kerf_fail(err, KERF_E_IO, NULL, "is a directory, expected a file");
    else if (!S_ISREG(info.st_mode))
        status = kerf_fail(err, KERF_E_IO, NULL, "is not a regular file");
    else if (info.st_size < 0 || (uintmax_t)info.st_size > maximum)
        status = too_large(err, maximum);
    if (status != KERF_OK) {
        close(file);
        return status;
    }
    *fd = file;
    *expected = (size_t)info.st_size;
    return KERF_OK;
}

/* Reads to the end; the size that fstat told is a hint (files in /proc say 0, a file may grow). */
static kerf_status read_all(int fd, size_t expected, size_t maximum, char **data, size_t *size,
                            kerf_error *err)
{
    char *buffer = NULL;
    size_t capacity = 0, used = 0;
    kerf_status status = KERF_OK;
    if (kerf_reserve(&buffer, &capacity, expected + 2, SIZE_MAX, 1) != 0) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    for (;;) {
        ssize_t got = read(fd, buffer + used, capacity - used - 1);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = fail_errno(err, "read", errno);
            goto out;
        }
        used += (size_t)got;
        if (used > maximum) {
            status = too_large(err, maximum);
            goto out;
        }
        if (capacity - used < 2 &&
            kerf_reserve(&buffer, &capacity, capacity + 4096, SIZE_MAX, 1) != 0) {
            status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
            goto out;
        }
    }
    buffer[used] = '\0';
    *data = buffer;
    *size = used;
    buffer = NULL;
out:
    free(buffer);
    return status;
}

kerf_status kerf_read_file(const char *path, size_t maximum, char **data, size_t *size,
                           kerf_error *err)
{
    int fd = -1;
    size_t expected = 0;
    kerf_status status = open_regular(path, maximum, &fd, &expected, err);
    if (status == KERF_OK) {
        status = read_all(fd, expected, maximum, data, size, err);
        close(fd);
    }
    if (status != KERF_OK)
        kerf_error_source(err, path);
    return status;
}

char *kerf_path_beside(const char *path, const char *relative)
{
    const char *slash = strrchr(path, '/');
    if (relative[0] == '/' || slash == NULL)
        return kerf_strdup(relative);
    size_t folder = (size_t)(slash - path) + 1, rest = strlen(relative);
    char *joined = kerf_calloc(folder + rest + 1, 1);
    if (joined == NULL)
        return NULL;
    memcpy(joined, path, folder);
    memcpy(joined + folder, relative, rest + 1);
    return joined;
}
