/* Files that appear complete or not at all: each is written without a name (where the file system
 * cannot do that, under another one in its folder), synced, and then all get their names. SHA-256
 * is computed on the way.
 *
 *     kerf_outfile file[2] = {KERF_OUTFILE_NONE, KERF_OUTFILE_NONE};
 *     kerf_outfile_open, kerf_outfile_write, kerf_outfile_finish   for each
 *     kerf_outfiles_place(file, 2, force, err);
 *     kerf_outfiles_clear(file, 2);   // removes what was not placed
 */
#ifndef KERF_BASE_OUTFILE_H
#define KERF_BASE_OUTFILE_H

#include "kerf/status.h"

#include <sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct kerf_outfile {
    int fd;
    char *path;
    char *temporary; /* the name it is written under, or NULL */
    bool opened;
    dev_t folder_device;
    ino_t folder_inode;
    uint64_t size;
    SHA2_CTX hash;
    char sha256[65]; /* once finished */
    bool replaces, placed;
} kerf_outfile;

#define KERF_OUTFILE_NONE                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* Whether kerf_outfile_open would refuse the place of a file, before any work is done. */
kerf_status kerf_outfile_check(const char *path, bool force, kerf_error *err);

/* KERF_E_IO, with err->source the path: a folder that cannot be written to, a file that is there
 * already (unless `force`) or is none that can be replaced. */
kerf_status kerf_outfile_open(kerf_outfile *file, const char *path, bool force, kerf_error *err);
/* Stretches of zeros become holes. */
kerf_status kerf_outfile_write(kerf_outfile *file, const void *bytes, size_t size, kerf_error *err);
kerf_status kerf_outfile_finish(kerf_outfile *file, kerf_error *err);

/* Renames all that are open, in their order, and syncs their folders. If that fails half-way, those
 * that are new are removed again. */
kerf_status kerf_outfiles_place(kerf_outfile *files, size_t n, bool force, kerf_error *err);
void kerf_outfiles_clear(kerf_outfile *files, size_t n);

/* Digits and a terminator into text[65]. */
void kerf_sha256_text(SHA2_CTX *hash, char *text);

#endif
