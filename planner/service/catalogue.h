/* What the service plans for: networks, devices, servers and links from folders.
 *
 * A catalogue is immutable once loaded. Reading it again makes another one, which shares with the
 * old one whatever did not change; both live until the last reference is given back. References may
 * be taken and given back by any thread.
 */
#ifndef KERF_SERVICE_CATALOGUE_H
#define KERF_SERVICE_CATALOGUE_H

#include "base/json_write.h"
#include "kerf/plan.h"

#include <sys/types.h>
#include <time.h>

typedef enum catalogue_kind {
    CATALOGUE_NETWORK,
    CATALOGUE_DEVICE,
    CATALOGUE_SERVER,
    CATALOGUE_LINK,
    CATALOGUE_KINDS
} catalogue_kind;

/* Whether a file is as it was. */
typedef struct file_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
} file_mark;

typedef struct catalogue_item {
    char *name; /* the file's, without its ending */
    char *path;
    uint64_t serial; /* never the same for two contents, across reloads */
    file_mark mark;
    kerf_network *network; /* the one of its kind */
    kerf_device *device;   /* or server */
    kerf_link *link;
} catalogue_item;

typedef struct catalogue catalogue;

/* Told about each file that is refused: an error, and what serves in its place. */
typedef void catalogue_report(void *context, const kerf_error *err, bool kept);

/* Reads every folder's networks/, devices/, servers/ and links/; what an earlier folder has hides
 * what a later one has under the same name. A file that cannot be read is reported and its old
 * version (from `old`, which may be NULL) kept. KERF_E_IO: a folder is not there, or nothing is in
 * any. KERF_E_NOMEM. */
kerf_status catalogue_load(const char *const *folders, size_t n, catalogue *old,
                           catalogue_report *report, void *context, catalogue **made,
                           kerf_error *err);
catalogue *catalogue_keep(catalogue *c); /* another reference */
void catalogue_drop(catalogue **c);      /* gives one back; NULL is fine */

/* The item of that name, or NULL. */
const catalogue_item *catalogue_find(const catalogue *c, catalogue_kind kind, const char *name);
size_t catalogue_count(const catalogue *c, catalogue_kind kind);
const catalogue_item *catalogue_at(const catalogue *c, catalogue_kind kind, size_t i); /* by name */

const char *catalogue_kind_name(catalogue_kind kind);   /* "network" */
const char *catalogue_kind_plural(catalogue_kind kind); /* "networks" */

/* The name of the catalogue that the asked one may be a misspelling of, or NULL. */
const char *catalogue_resembling(const catalogue *c, catalogue_kind kind, const char *name);

/* An item in a line for `list`, and in full for `describe`. */
void catalogue_write_line(kerf_writer *w, catalogue_kind kind, const catalogue_item *item);
void catalogue_write_item(kerf_writer *w, catalogue_kind kind, const catalogue_item *item);

#endif
