/* Bundled devices, servers, links, networks and scenarios: where they are and what there is.
 *
 * Searched in this order: every folder of $KERF_PATH, $PREFIX/share/kerf beside an installed
 * binary, and configs/ of the source tree that the binary was built in. Each holds one folder per
 * kind, and that one file per name.
 */
#ifndef KERF_CLI_FIND_H
#define KERF_CLI_FIND_H

#include "kerf/status.h"

#include <stddef.h>

typedef enum cli_kind {
    CLI_DEVICE,
    CLI_SERVER,
    CLI_LINK,
    CLI_NETWORK,
    CLI_SCENARIO,
    CLI_KIND_COUNT
} cli_kind;

/* "device" and "devices". */
const char *cli_kind_word(cli_kind kind);
const char *cli_kind_folder(cli_kind kind);

/* The path of a bundled name, or else the name itself if there is such a file. A name with a '/'
 * or a file's ending is a file's. The caller frees *path. KERF_E_IO where there is neither: the
 * message lists what is bundled. KERF_E_NOMEM. */
kerf_status cli_find(cli_kind kind, const char *name, char **path, kerf_error *err);

/* The folders that are searched and exist, in their order. */
kerf_status cli_find_folders(char ***folders, size_t *n, kerf_error *err);
void cli_folders_clear(char **folders, size_t n);

/* Everything bundled of a kind, sorted by name. */
typedef struct cli_bundle {
    char **names;
    char **paths;
    size_t n;
} cli_bundle;
kerf_status cli_find_all(cli_kind kind, cli_bundle *bundle, kerf_error *err);
void cli_bundle_clear(cli_bundle *bundle);

#endif
