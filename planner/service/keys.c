#include "planner/service/keys.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/outfile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#define MOST_BYTES ((size_t)65536) /* of a certificate */
#define MOST_KEYS  ((size_t)1000000)

static void wipe(void *secret, size_t size)
{
    explicit_bzero(secret, size);
}

kerf_status keys_make(key_pair *keys, kerf_error *err)
{
    if (zmq_curve_keypair(keys->public_key, keys->secret_key) == 0)
        return KERF_OK;
    return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                     "the installed libzmq was built without CURVE, expected one with it");
}

/* The value of `name = "..."` in a certificate: 40 characters that are Z85. */
static bool read_key(const char *text, const char *name, char *key)
{
    const size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, "\r\n \t");
        if (strncmp(line, name, length) != 0)
            continue;
        const char *at = line + length;
        at += strspn(at, " \t");
        if (*at++ != '=')
            continue;
        at += strspn(at, " \t");
        const bool quoted = *at == '"';
        at += quoted;
        uint8_t raw[32];
        if (strcspn(at, "\" \t\r\n") != KEY_SIZE - 1)
            return false;
        memcpy(key, at, KEY_SIZE - 1);
        key[KEY_SIZE - 1] = '\0';
        const bool good = zmq_z85_decode(raw, key) != NULL;
        wipe(raw, sizeof raw);
        return good;
    }
    return false;
}

/* A secret that everybody on the machine can read is none. (A group may: systemd's credentials show
 * the access that their list of users grants as the group's.) */
static kerf_status check_private(const char *path, kerf_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return kerf_fail(err, KERF_E_IO, NULL, "cannot examine: %s", strerror(errno));
    if (info.st_mode & (S_IWGRP | S_IRWXO))
        return kerf_fail(err, KERF_E_INVALID, NULL,
                         "can be read by others (mode %03o), expected its owner alone: chmod 600",
                         (unsigned)(info.st_mode & 0777));
    return KERF_OK;
}

kerf_status keys_load(const char *path, bool secret, key_pair *keys, kerf_error *err)
{
    char *text = NULL;
    size_t size = 0;
    key_pair read = {{0}, {0}};
    kerf_status status = kerf_read_file(path, MOST_BYTES, &text, &size, err);
    if (status == KERF_OK && secret)
        status = check_private(path, err);
    if (status == KERF_OK && !read_key(text, "public-key", read.public_key))
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "has no public-key of 40 characters, expected a certificate as kerf "
                           "keygen makes it");
    if (status == KERF_OK && secret && !read_key(text, "secret-key", read.secret_key))
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "has no secret-key, expected the file that kerf keygen calls _secret");
    if (status == KERF_OK)
        *keys = read;
    else
        kerf_error_source(err, path);
    if (text)
        wipe(text, size);
    free(text);
    wipe(&read, sizeof read);
    return status;
}

/* --- writing --- */

static kerf_status write_certificate(kerf_outfile *file, const key_pair *keys, bool secret,
                                     kerf_error *err)
{
    char text[512];
    const int n = snprintf(
        text, sizeof text,
        "# ZeroMQ CURVE %s, made by kerf keygen\nmetadata\ncurve\n"
        "    public-key = \"%s\"\n%s%s%s",
        secret ? "secret certificate: keep it to yourself" : "public certificate", keys->public_key,
        secret ? "    secret-key = \"" : "", secret ? keys->secret_key : "", secret ? "\"\n" : "");
    const kerf_status status = kerf_outfile_write(file, text, (size_t)n, err);
    wipe(text, sizeof text);
    return status == KERF_OK ? kerf_outfile_finish(file, err) : status;
}

kerf_status keys_save(const key_pair *keys, const char *path, bool force, kerf_error *err)
{
    kerf_outfile files[] = {KERF_OUTFILE_NONE, KERF_OUTFILE_NONE};
    const size_t size = strlen(path) + sizeof "_secret";
    char *secret = kerf_calloc(size, 1);
    kerf_status status = KERF_OK;
    if (!secret)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    snprintf(secret, size, "%s_secret", path);
    status = kerf_outfile_open(&files[0], path, force, err);
    if (status == KERF_OK)
        status = kerf_outfile_open(&files[1], secret, force, err);
    if (status == KERF_OK && fchmod(files[1].fd, S_IRUSR | S_IWUSR) != 0) {
        status = kerf_fail(err, KERF_E_IO, NULL, "cannot be kept from others: %s", strerror(errno));
        kerf_error_source(err, secret);
    }
    if (status == KERF_OK)
        status = write_certificate(&files[0], keys, false, err);
    if (status == KERF_OK)
        status = write_certificate(&files[1], keys, true, err);
    if (status == KERF_OK)
        status = kerf_outfiles_place(files, 2, force, err);
    kerf_outfiles_clear(files, 2);
    free(secret);
    return status;
}

/* --- a folder of public keys --- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_certificate(const char *name)
{
    static const char secret[] = "_secret";
    const size_t length = strlen(name), end = sizeof secret - 1;
    return *name != '.' && !(length > end && strcmp(name + length - end, secret) == 0);
}

static kerf_status add_key(const char *folder, const char *name, char (**keys)[KEY_SIZE], size_t *n,
                           size_t *capacity, kerf_error *err)
{
    char path[4096];
    key_pair read;
    const int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path)
        return kerf_fail(err, KERF_E_INVALID, name, "has too long a path");
    const kerf_status status = keys_load(path, false, &read, err);
    if (status != KERF_OK)
        return status;
    if (kerf_reserve(keys, capacity, *n + 1, MOST_KEYS, KEY_SIZE) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "has too many keys, or memory ran out");
    memcpy((*keys)[(*n)++], read.public_key, KEY_SIZE);
    return KERF_OK;
}

kerf_status keys_load_folder(const char *folder, char (**keys)[KEY_SIZE], size_t *n,
                             kerf_error *err)
{
    char(*list)[KEY_SIZE] = NULL;
    size_t count = 0, capacity = 0;
    DIR *dir = opendir(folder);
    if (!dir) {
        kerf_fail(err, KERF_E_IO, NULL, "cannot open the folder of authorized keys: %s",
                  strerror(errno));
        kerf_error_source(err, folder);
        return KERF_E_IO;
    }
    kerf_status status = KERF_OK;
    for (struct dirent *e = NULL; status == KERF_OK && (e = readdir(dir));)
        if (is_certificate(e->d_name))
            status = add_key(folder, e->d_name, &list, &count, &capacity, err);
    closedir(dir);
    if (status != KERF_OK) {
        kerf_error_source(err, folder);
        free(list);
        return status;
    }
    if (count > 0)
        qsort(list, count, KEY_SIZE, by_text);
    *keys = list;
    *n = count;
    return KERF_OK;
}
