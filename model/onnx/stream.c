#include "model/onnx/stream.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

kerf_status onnx_file_open(onnx_file *file, const char *path, kerf_error *err)
{
    struct stat info;
    kerf_status status = KERF_OK;
    /* O_NONBLOCK: a FIFO without a writer must not hang the open. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) != 0)
        status = kerf_fail(err, KERF_E_IO, NULL, "cannot open: %s", strerror(errno));
    else if (S_ISDIR(info.st_mode))
        status = kerf_fail(err, KERF_E_IO, NULL, "is a directory, expected an ONNX file");
    else if (!S_ISREG(info.st_mode))
        status = kerf_fail(err, KERF_E_IO, NULL, "is not a regular file, expected an ONNX file");
    if (status != KERF_OK) {
        if (fd >= 0)
            close(fd);
        return status;
    }
    file->fd = fd;
    file->size = (uint64_t)info.st_size;
    file->position = file->start = 0;
    file->filled = 0;
    file->failure = 0;
    return KERF_OK;
}

void onnx_file_close(onnx_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static size_t read_some(onnx_file *file, uint64_t offset, void *bytes, size_t count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t n = pread(file->fd, (char *)bytes + done, count - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            file->failure = errno;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

bool onnx_file_read_at(onnx_file *file, uint64_t offset, void *bytes, size_t count)
{
    if (offset >= file->start && offset - file->start <= file->filled &&
        count <= file->filled - (offset - file->start)) {
        memcpy(bytes, file->buffer + (offset - file->start), count);
        return true;
    }
    return read_some(file, offset, bytes, count) == count;
}

/* Serves from the buffer, reads long stretches straight to where they are wanted. */
static bool stream_read(pb_istream_t *stream, pb_byte_t *bytes, size_t count)
{
    onnx_file *file = stream->state;
    if (file->position - file->start >= file->filled || file->position < file->start) {
        if (count >= sizeof file->buffer) {
            file->position += count;
            return read_some(file, file->position - count, bytes, count) == count;
        }
        file->start = file->position;
        file->filled = read_some(file, file->start, file->buffer, sizeof file->buffer);
    }
    size_t at = (size_t)(file->position - file->start);
    size_t part = file->filled - at < count ? file->filled - at : count;
    memcpy(bytes, file->buffer + at, part);
    file->position += part;
    if (part == count)
        return true;
    return part > 0 && stream_read(stream, bytes + part, count - part);
}

pb_istream_t onnx_stream(onnx_file *file, uint64_t offset, uint64_t size)
{
    pb_istream_t stream = {.callback = stream_read, .state = file, .bytes_left = (size_t)size};
    file->position = offset;
    return stream;
}

bool onnx_stream_is_file(const pb_istream_t *stream)
{
    return stream->callback == stream_read;
}

void onnx_stream_skip(pb_istream_t *stream, uint64_t *offset, uint64_t *size)
{
    onnx_file *file = stream->state;
    *offset = file->position;
    *size = stream->bytes_left;
    file->position += stream->bytes_left;
    stream->bytes_left = 0;
}

bool onnx_on_skip(pb_istream_t *stream, const pb_field_t *field, void **arg)
{
    uint64_t offset, size;
    (void)field;
    (void)arg;
    if (!onnx_stream_is_file(stream))
        return false;
    onnx_stream_skip(stream, &offset, &size);
    return true;
}
