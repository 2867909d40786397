#include "tests/support/text_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[32];
static char path[64];

/* A thousand small files a second would wait for a disk. */
bool text_file_folder(char *name, size_t size)
{
    snprintf(name, size, "/dev/shm/kerf-XXXXXX");
    if (mkdtemp(name))
        return true;
    snprintf(name, size, "/tmp/kerf-XXXXXX");
    return mkdtemp(name) != NULL;
}

int text_file_make(void **state)
{
    (void)state;
    if (!text_file_folder(folder, sizeof folder))
        return -1;
    snprintf(path, sizeof path, "%s/file.json", folder);
    return 0;
}

int text_file_remove(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

const char *text_file_path(void)
{
    return path;
}

void text_file_write(const char *text, const char *find, const char *replace)
{
    FILE *file = fopen(path, "wb");
    const char *at = find ? strstr(text, find) : text + strlen(text);
    if (!file || !at) {
        fprintf(stderr, "text_file_write: no file, or no \"%s\" in the text\n", find ? find : "");
        abort();
    }
    fwrite(text, 1, (size_t)(at - text), file);
    if (find) {
        fputs(replace, file);
        fputs(at + strlen(find), file);
    }
    if (fclose(file) != 0)
        abort();
}

void text_file_write_bytes(const char *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

size_t text_file_read(const char *name, char *data, size_t capacity)
{
    FILE *file = fopen(name, "rb");
    if (!file) {
        fprintf(stderr, "text_file_read: cannot open %s\n", name);
        abort();
    }
    size_t size = fread(data, 1, capacity, file);
    fclose(file);
    return size;
}
