#include "planner/cli/find.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/cli/options.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BUNDLED 10000 /* files of one kind */

static const struct {
    const char *word, *folder;
} kinds[CLI_KIND_COUNT] = {[CLI_DEVICE] = {"device", "devices"},
                           [CLI_SERVER] = {"server", "servers"},
                           [CLI_LINK] = {"link", "links"},
                           [CLI_NETWORK] = {"network", "networks"},
                           [CLI_SCENARIO] = {"scenario", "scenarios"}};

const char *cli_kind_word(cli_kind kind)
{
    return kinds[kind].word;
}

const char *cli_kind_folder(cli_kind kind)
{
    return kinds[kind].folder;
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

/* --- the folders to search --- */

/* Calls visit(context, folder) for each until one returns true. */
typedef bool folder_visitor(void *context, const char *folder);

static bool visit_kerf_path(folder_visitor *visit, void *context)
{
    const char *path = getenv("KERF_PATH");
    for (; path && *path; path += strspn(path, ":")) {
        const size_t length = strcspn(path, ":");
        char folder[PATH_MAX];
        const int n = snprintf(folder, sizeof folder, "%.*s", (int)length, path);
        if (n > 0 && (size_t)n < sizeof folder && visit(context, folder))
            return true;
        path += length;
    }
    return false;
}

static bool visit_beside_binary(folder_visitor *visit, void *context)
{
    /* bin/kerf, build/kerf and build/VARIANT/kerf. */
    static const char *const relative[] = {"../share/kerf", "../configs", "../../configs"};
    char binary[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", binary, sizeof binary);
    if (length <= 0 || (size_t)length >= sizeof binary)
        return false;
    binary[length] = '\0';
    char *slash = strrchr(binary, '/');
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof relative / sizeof *relative; i++) {
        char folder[PATH_MAX];
        const int n = snprintf(folder, sizeof folder, "%s/%s", binary, relative[i]);
        if (n <= 0 || (size_t)n >= sizeof folder)
            continue;
        char *real = realpath(folder, NULL); /* for messages; without it the name will do */
        const bool done = visit(context, real ? real : folder);
        free(real);
        if (done)
            return true;
    }
    return false;
}

static bool visit_folders(folder_visitor *visit, void *context)
{
    return visit_kerf_path(visit, context) || visit_beside_binary(visit, context);
}

typedef struct folder_list {
    char **folders;
    size_t n, capacity;
    bool no_memory;
} folder_list;

static bool add_folder(void *context, const char *folder)
{
    folder_list *list = context;
    if (!exists(folder))
        return false;
    char *copy = kerf_strdup(folder);
    list->no_memory = !copy || kerf_reserve(&list->folders, &list->capacity, list->n + 1,
                                            MAX_BUNDLED, sizeof *list->folders) != 0;
    if (list->no_memory)
        free(copy);
    else
        list->folders[list->n++] = copy;
    return list->no_memory;
}

void cli_folders_clear(char **folders, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(folders[i]);
    free(folders);
}

kerf_status cli_find_folders(char ***folders, size_t *n, kerf_error *err)
{
    folder_list list = {.folders = NULL};
    visit_folders(add_folder, &list);
    if (list.no_memory) {
        cli_folders_clear(list.folders, list.n);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    }
    *folders = list.folders;
    *n = list.n;
    return KERF_OK;
}

/* --- everything there is --- */

typedef struct collection {
    cli_kind kind;
    cli_bundle *bundle;
    size_t names_capacity, paths_capacity;
    kerf_status status;
} collection;

/* Length of a file's name without its ending; 0 if files of the kind do not end so. */
static size_t stem_length(cli_kind kind, const char *file)
{
    const char *dot = strrchr(file, '.');
    if (!dot || dot == file)
        return 0;
    const bool ours =
        strcmp(dot, ".json") == 0 || (kind == CLI_NETWORK && strcmp(dot, ".onnx") == 0);
    return ours ? (size_t)(dot - file) : 0;
}

/* A name that an earlier folder has hides this one. */
static bool is_known(const cli_bundle *bundle, const char *name, size_t length)
{
    for (size_t i = 0; i < bundle->n; i++)
        if (strlen(bundle->names[i]) == length && memcmp(bundle->names[i], name, length) == 0)
            return true;
    return false;
}

static kerf_status add(collection *c, const char *folder, const char *file, size_t stem)
{
    cli_bundle *b = c->bundle;
    if (kerf_reserve(&b->names, &c->names_capacity, b->n + 1, MAX_BUNDLED, sizeof *b->names) != 0 ||
        kerf_reserve(&b->paths, &c->paths_capacity, b->n + 1, MAX_BUNDLED, sizeof *b->paths) != 0)
        return KERF_E_NOMEM;
    char *name = kerf_strndup(file, stem);
    char *path = NULL;
    if (!name || asprintf(&path, "%s/%s", folder, file) < 0) {
        free(name);
        return KERF_E_NOMEM;
    }
    b->names[b->n] = name;
    b->paths[b->n++] = path;
    return KERF_OK;
}

static bool collect_folder(void *context, const char *root)
{
    collection *c = context;
    char folder[PATH_MAX];
    const int n = snprintf(folder, sizeof folder, "%s/%s", root, kinds[c->kind].folder);
    errno = 0;
    DIR *stream = n > 0 && (size_t)n < sizeof folder ? opendir(folder) : NULL;
    if (!stream) {
        c->status = errno == ENOMEM ? KERF_E_NOMEM : KERF_OK;
        return c->status != KERF_OK;
    }
    for (const struct dirent *entry; c->status == KERF_OK && (entry = readdir(stream));) {
        const size_t stem = stem_length(c->kind, entry->d_name);
        if (stem && !is_known(c->bundle, entry->d_name, stem))
            c->status = add(c, folder, entry->d_name, stem);
    }
    closedir(stream);
    return c->status != KERF_OK;
}

static void sort_bundle(cli_bundle *bundle)
{
    for (size_t i = 1; i < bundle->n; i++) {
        char *name = bundle->names[i], *path = bundle->paths[i];
        size_t j = i;
        for (; j > 0 && strcmp(bundle->names[j - 1], name) > 0; j--) {
            bundle->names[j] = bundle->names[j - 1];
            bundle->paths[j] = bundle->paths[j - 1];
        }
        bundle->names[j] = name;
        bundle->paths[j] = path;
    }
}

void cli_bundle_clear(cli_bundle *bundle)
{
    for (size_t i = 0; i < bundle->n; i++) {
        free(bundle->names[i]);
        free(bundle->paths[i]);
    }
    free(bundle->names);
    free(bundle->paths);
    *bundle = (cli_bundle){0};
}

kerf_status cli_find_all(cli_kind kind, cli_bundle *bundle, kerf_error *err)
{
    cli_bundle found = {0};
    collection c = {.kind = kind, .bundle = &found};
    visit_folders(collect_folder, &c);
    if (c.status != KERF_OK) {
        cli_bundle_clear(&found);
        return kerf_fail(err, c.status, NULL, "out of memory");
    }
    sort_bundle(&found);
    *bundle = found;
    return KERF_OK;
}

/* --- one name --- */

typedef struct lookup {
    cli_kind kind;
    const char *name;
    char *path;
    bool no_memory;
} lookup;

static bool look_in_folder(void *context, const char *root)
{
    static const char *const endings[] = {"json", "onnx"};
    lookup *l = context;
    const size_t n = l->kind == CLI_NETWORK ? 2 : 1;
    for (size_t i = 0; i < n; i++) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s/%s.%s", root, kinds[l->kind].folder, l->name, endings[i]) < 0) {
            l->no_memory = true;
            return true;
        }
        if (exists(path)) {
            l->path = path;
            return true;
        }
        free(path);
    }
    return false;
}

/* "kind 'name' is neither a file nor bundled; bundled: ..." */
static kerf_status fail_unknown(cli_kind kind, const char *name, kerf_error *err)
{
    cli_bundle bundle = {0};
    const kerf_status status = cli_find_all(kind, &bundle, err);
    if (status != KERF_OK)
        return status;
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < bundle.n; i++) {
        const int n =
            snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", bundle.names[i]);
        if (n < 0 || (size_t)n >= sizeof known - used) {
            known[used] = '\0';
            break;
        }
        used += (size_t)n;
    }
    const char *near = cli_nearest(name, (const char *const *)bundle.names, bundle.n);
    if (bundle.n == 0)
        kerf_fail(err, KERF_E_IO, NULL,
                  "%s '%s' is not a file, and no bundled %s were found; is KERF_PATH right?",
                  kinds[kind].word, name, kinds[kind].folder);
    else
        kerf_fail(err, KERF_E_IO, NULL, "%s '%s' is neither a file nor bundled;%s%s%s bundled: %s",
                  kinds[kind].word, name, near ? " did you mean '" : "", near ? near : "",
                  near ? "'?" : "", known);
    cli_bundle_clear(&bundle);
    return KERF_E_IO;
}

kerf_status cli_find(cli_kind kind, const char *name, char **path, kerf_error *err)
{
    lookup l = {.kind = kind, .name = name};
    if (!strchr(name, '/') && stem_length(kind, name) == 0)
        visit_folders(look_in_folder, &l);
    if (!l.path && !l.no_memory) {
        if (!exists(name) && stem_length(kind, name) == 0)
            return fail_unknown(kind, name, err);
        l.path = kerf_strdup(name); /* a missing file.json is for its reader to report */
    }
    if (!l.path)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    *path = l.path;
    return KERF_OK;
}
