#include "base/outfile.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLE      65536 /* zeros that are not worth writing */
#define MAX_TRIES 1000  /* names for the temporary file */

static kerf_status fail_errno(kerf_error *err, const char *path, const char *what, int code)
{
    char text[128];
    kerf_fail(err, KERF_E_IO, NULL, "cannot %s: %s", what, strerror_r(code, text, sizeof text));
    kerf_error_source(err, path);
    return KERF_E_IO;
}

/* The folder's path, "." where the path names none. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return kerf_strdup(".");
    return slash == path ? kerf_strdup("/") : kerf_strndup(path, (size_t)(slash - path));
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

kerf_status kerf_outfile_check(const char *path, bool force, kerf_error *err)
{
    struct stat info;
    kerf_status status = KERF_OK;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? KERF_OK : fail_errno(err, path, "write", errno);
    if (S_ISDIR(info.st_mode))
        status = kerf_fail(err, KERF_E_IO, NULL, "is a directory, expected a file's name");
    else if (!force)
        status = kerf_fail(err, KERF_E_IO, NULL, "is there already (--force overwrites)");
    else if (!S_ISREG(info.st_mode))
        status = kerf_fail(err, KERF_E_IO, NULL, "is not a regular file, and is not replaced");
    if (status != KERF_OK)
        kerf_error_source(err, path);
    return status;
}

static kerf_status find_folder(kerf_outfile *file, const char *folder, kerf_error *err)
{
    struct stat info;
    if (stat(folder, &info) != 0)
        return fail_errno(err, file->path, "write into its folder", errno);
    file->folder_device = info.st_dev;
    file->folder_inode = info.st_ino;
    return KERF_OK;
}

/* Calls `make` with one name after another until there is no such file yet. The name that worked
 * stays in file->temporary. */
static kerf_status find_name(kerf_outfile *file, int (*make)(kerf_outfile *file), kerf_error *err)
{
    const char *base = base_of(file->path);
    const int folder = (int)(base - file->path);
    const size_t size = strlen(file->path) + 64;
    file->temporary = kerf_calloc(size, 1);
    if (!file->temporary)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    for (int i = 0; i < MAX_TRIES; i++) {
        snprintf(file->temporary, size, "%.*s.%s.kerf-%ld-%d", folder, file->path, base,
                 (long)getpid(), i);
        if (make(file) == 0)
            return KERF_OK;
        if (errno != EEXIST)
            break;
    }
    const int code = errno;
    free(file->temporary);
    file->temporary = NULL;
    return fail_errno(err, file->path, "write", code);
}

static int make_named(kerf_outfile *file)
{
    file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return file->fd < 0 ? -1 : 0;
}

/* A file without a name vanishes with its process. It gets one by way of /proc. */
static bool open_unnamed(kerf_outfile *file, const char *folder)
{
    if (access("/proc/self/fd", X_OK) == 0)
        file->fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    return file->fd >= 0;
}

static int link_to(const kerf_outfile *file, const char *path)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", file->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

static int make_link(kerf_outfile *file)
{
    return link_to(file, file->temporary);
}

static kerf_status open_in(kerf_outfile *file, const char *folder, kerf_error *err)
{
    kerf_status status = find_folder(file, folder, err);
    if (status == KERF_OK && !open_unnamed(file, folder))
        status = find_name(file, make_named, err);
    file->opened = status == KERF_OK;
    return status;
}

kerf_status kerf_outfile_open(kerf_outfile *file, const char *path, bool force, kerf_error *err)
{
    *file = (kerf_outfile)KERF_OUTFILE_NONE;
    file->path = kerf_strdup(path);
    if (!file->path)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    SHA256Init(&file->hash);
    kerf_status status = KERF_OK;
    if (!*base_of(path)) {
        status = kerf_fail(err, KERF_E_IO, NULL, "names no file");
        kerf_error_source(err, path);
    }
    if (status == KERF_OK)
        status = kerf_outfile_check(path, force, err);
    char *folder = status == KERF_OK ? folder_of(path) : NULL;
    if (status == KERF_OK)
        status = folder ? open_in(file, folder, err)
                        : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    free(folder);
    return status;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
    return size > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static bool write_at(int fd, const unsigned char *bytes, size_t size, uint64_t at)
{
    while (size > 0) {
        const ssize_t n = pwrite(fd, bytes, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
        bytes += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

kerf_status kerf_outfile_write(kerf_outfile *file, const void *bytes, size_t size, kerf_error *err)
{
    const unsigned char *at = bytes;
    SHA256Update(&file->hash, at, size);
    while (size > 0) {
        const size_t part = size < HOLE ? size : HOLE;
        if (!(part == HOLE && is_zero(at, part)) && !write_at(file->fd, at, part, file->size))
            return fail_errno(err, file->path, "write", errno);
        at += part;
        size -= part;
        file->size += part;
    }
    return KERF_OK;
}

void kerf_sha256_text(SHA2_CTX *hash, char *text)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256Final(digest, hash);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

kerf_status kerf_outfile_finish(kerf_outfile *file, kerf_error *err)
{
    int code = 0;
    if (ftruncate(file->fd, (off_t)file->size) != 0 || fsync(file->fd) != 0)
        code = errno;
    if (file->temporary) { /* else it is still to be linked */
        if (close(file->fd) != 0 && !code)
            code = errno;
        file->fd = -1;
    }
    kerf_sha256_text(&file->hash, file->sha256);
    return code ? fail_errno(err, file->path, "write", code) : KERF_OK;
}

static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return -1;
    struct stat info; /* a file system that cannot; the rest of the way is a race */
    if (lstat(to, &info) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

static kerf_status place(kerf_outfile *file, bool force, kerf_error *err)
{
    struct stat info;
    kerf_status status = KERF_OK;
    int failed;
    file->replaces = force && lstat(file->path, &info) == 0;
    /* A link replaces nothing, so a file that is to be replaced is renamed over. */
    if (!file->temporary && file->replaces)
        status = find_name(file, make_link, err);
    if (status != KERF_OK)
        return status;
    if (!file->temporary)
        failed = link_to(file, file->path);
    else if (file->replaces)
        failed = rename(file->temporary, file->path);
    else
        failed = rename_new(file->temporary, file->path);
    if (failed)
        return fail_errno(err, file->path, "write", errno);
    file->placed = true;
    return KERF_OK;
}

static kerf_status sync_folder(const kerf_outfile *file, kerf_error *err)
{
    char *folder = folder_of(file->path);
    if (!folder)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0) /* a folder that may be written to, but not listed */
        return KERF_OK;
    /* File systems that cannot sync folders say EINVAL. */
    const bool failed = fsync(fd) != 0 && errno != EINVAL;
    const int code = errno;
    close(fd);
    return failed ? fail_errno(err, file->path, "sync the folder of", code) : KERF_OK;
}

static bool are_same(const kerf_outfile *a, const kerf_outfile *b)
{
    return a->folder_device == b->folder_device && a->folder_inode == b->folder_inode &&
           strcmp(base_of(a->path), base_of(b->path)) == 0;
}

static kerf_status check_distinct(const kerf_outfile *files, size_t n, kerf_error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; files[i].opened && j < i; j++)
            if (files[j].opened && are_same(&files[i], &files[j])) {
                kerf_fail(err, KERF_E_INVALID, NULL,
                          "is to hold two of the files that are to be written");
                kerf_error_source(err, files[i].path);
                return KERF_E_INVALID;
            }
    return KERF_OK;
}

kerf_status kerf_outfiles_place(kerf_outfile *files, size_t n, bool force, kerf_error *err)
{
    kerf_status status = check_distinct(files, n, err);
    for (size_t i = 0; i < n && status == KERF_OK; i++)
        if (files[i].opened)
            status = place(&files[i], force, err);
    for (size_t i = 0; i < n && status == KERF_OK; i++)
        if (files[i].opened)
            status = sync_folder(&files[i], err);
    for (size_t i = n; i-- > 0 && status != KERF_OK;)
        if (files[i].placed && !files[i].replaces)
            unlink(files[i].path);
    return status;
}

void kerf_outfiles_clear(kerf_outfile *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (files[i].fd >= 0)
            close(files[i].fd);
        if (files[i].temporary && !files[i].placed)
            unlink(files[i].temporary);
        free(files[i].temporary);
        free(files[i].path);
        files[i] = (kerf_outfile)KERF_OUTFILE_NONE;
    }
}
