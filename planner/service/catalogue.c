#include "planner/service/catalogue.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "planner/service/link_figures.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_ITEMS 100000 /* of one kind */

/* Items are shared by the catalogues that hold them. */
typedef struct shared_item {
    catalogue_item item; /* the first member */
    atomic_size_t references;
} shared_item;

typedef struct item_list {
    shared_item **items; /* by name */
    size_t n, capacity;
} item_list;

struct catalogue {
    atomic_size_t references;
    uint64_t last_serial;
    item_list lists[CATALOGUE_KINDS];
};

static const char *const kind_names[] = {"network", "device", "server", "link"};
static const char *const kind_plurals[] = {"networks", "devices", "servers", "links"};

const char *catalogue_kind_name(catalogue_kind kind)
{
    return kind_names[kind];
}

const char *catalogue_kind_plural(catalogue_kind kind)
{
    return kind_plurals[kind];
}

/* --- references --- */

static void item_drop(shared_item *shared)
{
    if (!shared || atomic_fetch_sub(&shared->references, 1) > 1)
        return;
    kerf_network_destroy(&shared->item.network);
    kerf_device_destroy(&shared->item.device);
    kerf_link_destroy(&shared->item.link);
    free(shared->item.name);
    free(shared->item.path);
    free(shared);
}

catalogue *catalogue_keep(catalogue *c)
{
    atomic_fetch_add(&c->references, 1);
    return c;
}

void catalogue_drop(catalogue **c)
{
    catalogue *last = *c;
    *c = NULL;
    if (!last || atomic_fetch_sub(&last->references, 1) > 1)
        return;
    for (int kind = 0; kind < CATALOGUE_KINDS; kind++) {
        item_list *list = &last->lists[kind];
        for (size_t i = 0; i < list->n; i++)
            item_drop(list->items[i]);
        free(list->items);
    }
    free(last);
}

/* --- look-up --- */

static shared_item *find_shared(const catalogue *c, catalogue_kind kind, const char *name)
{
    const item_list *list = &c->lists[kind];
    size_t low = 0, high = list->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, list->items[middle]->item.name);
        if (order == 0)
            return list->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const catalogue_item *catalogue_find(const catalogue *c, catalogue_kind kind, const char *name)
{
    const shared_item *shared = find_shared(c, kind, name);
    return shared ? &shared->item : NULL;
}

size_t catalogue_count(const catalogue *c, catalogue_kind kind)
{
    return c->lists[kind].n;
}

const catalogue_item *catalogue_at(const catalogue *c, catalogue_kind kind, size_t i)
{
    return &c->lists[kind].items[i]->item;
}

const char *catalogue_resembling(const catalogue *c, catalogue_kind kind, const char *name)
{
    size_t best = SIZE_MAX;
    const char *near = NULL;
    for (size_t i = 0; i < c->lists[kind].n; i++)
        if (kerf_resembles(name, c->lists[kind].items[i]->item.name, &best))
            near = c->lists[kind].items[i]->item.name;
    return near;
}

/* --- reading --- */

typedef struct reading {
    catalogue *made;
    catalogue *old; /* or NULL */
    catalogue_report *report;
    void *context;
    kerf_error *err;
} reading;

static kerf_status no_memory(kerf_error *err)
{
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
}

static size_t stem_length(catalogue_kind kind, const char *file)
{
    const char *dot = strrchr(file, '.');
    if (!dot || dot == file)
        return 0;
    const bool ours =
        strcmp(dot, ".json") == 0 || (kind == CATALOGUE_NETWORK && strcmp(dot, ".onnx") == 0);
    return ours ? (size_t)(dot - file) : 0;
}

static file_mark mark_of(const struct stat *info)
{
    return (file_mark){.device = info->st_dev,
                       .inode = info->st_ino,
                       .size = info->st_size,
                       .modified = info->st_mtim,
                       .changed = info->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_mark(const file_mark *a, const file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

/* A link may take its figures from other files: it is always read again. */
static bool is_unchanged(catalogue_kind kind, const shared_item *old, const char *path,
                         const file_mark *mark)
{
    return kind != CATALOGUE_LINK && strcmp(old->item.path, path) == 0 &&
           same_mark(&old->item.mark, mark);
}

static bool same_text(const char *a, const char *b)
{
    return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_link(const kerf_link *a, const kerf_link *b)
{
    double x[LINK_FIGURES], y[LINK_FIGURES];
    link_figures(a, x);
    link_figures(b, y);
    for (size_t i = 0; i < LINK_FIGURES; i++)
        if (x[i] != y[i])
            return false;
    return same_text(a->name, b->name) && same_text(a->description, b->description) &&
           same_text(a->provenance, b->provenance);
}

static kerf_status load_content(catalogue_kind kind, catalogue_item *item, kerf_error *err)
{
    switch (kind) {
    case CATALOGUE_NETWORK:
        return kerf_network_load(item->path, NULL, &item->network, err);
    case CATALOGUE_LINK:
        return kerf_link_load(item->path, &item->link, err);
    default:
        return kerf_device_load(item->path, &item->device, err);
    }
}

static shared_item *item_create(const char *path, const char *name)
{
    shared_item *shared = kerf_calloc(1, sizeof *shared);
    if (!shared)
        return NULL;
    atomic_init(&shared->references, 1);
    shared->item.name = kerf_strdup(name);
    shared->item.path = kerf_strdup(path);
    if (shared->item.name && shared->item.path)
        return shared;
    item_drop(shared);
    return NULL;
}

static kerf_status append(reading *r, catalogue_kind kind, shared_item *shared)
{
    item_list *list = &r->made->lists[kind];
    if (kerf_reserve(&list->items, &list->capacity, list->n + 1, MAX_ITEMS, sizeof(shared_item *)))
        return no_memory(r->err);
    list->items[list->n++] = shared;
    return KERF_OK;
}

static kerf_status append_old(reading *r, catalogue_kind kind, shared_item *old)
{
    const kerf_status status = append(r, kind, old);
    if (status == KERF_OK)
        atomic_fetch_add(&old->references, 1);
    return status;
}

/* Reads one file; one that is refused leaves its old version in place. */
static kerf_status read_item(reading *r, catalogue_kind kind, const char *path, const char *name)
{
    kerf_error problem = {0};
    struct stat info;
    shared_item *old = r->old ? find_shared(r->old, kind, name) : NULL;
    const bool there = stat(path, &info) == 0;
    const file_mark mark = there ? mark_of(&info) : (file_mark){0};
    if (there && old && is_unchanged(kind, old, path, &mark))
        return append_old(r, kind, old);
    shared_item *shared = item_create(path, name);
    if (!shared)
        return no_memory(r->err);
    shared->item.mark = mark;
    shared->item.serial = ++r->made->last_serial;
    kerf_status status = load_content(kind, &shared->item, &problem);
    const bool as_before = status == KERF_OK && kind == CATALOGUE_LINK && old &&
                           same_link(shared->item.link, old->item.link);
    if (status == KERF_OK && !as_before) {
        status = append(r, kind, shared);
        if (status == KERF_OK)
            return KERF_OK;
    }
    item_drop(shared);
    if (status == KERF_E_NOMEM)
        return no_memory(r->err);
    if (status != KERF_OK && r->report)
        r->report(r->context, &problem, old != NULL);
    return old ? append_old(r, kind, old) : KERF_OK;
}

static bool has_item(const item_list *list, size_t before, const char *name, size_t length)
{
    for (size_t i = 0; i < before; i++) {
        const char *known = list->items[i]->item.name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return true;
    }
    return false;
}

static kerf_status read_kind(reading *r, const char *folder, catalogue_kind kind)
{
    char path[PATH_MAX], name[NAME_MAX + 1];
    snprintf(path, sizeof path, "%s/%s", folder, kind_plurals[kind]);
    DIR *stream = opendir(path);
    if (!stream) /* a folder need not have every kind */
        return errno == ENOMEM ? no_memory(r->err) : KERF_OK;
    kerf_status status = KERF_OK;
    for (const struct dirent *entry; status == KERF_OK && (entry = readdir(stream));) {
        const size_t stem = stem_length(kind, entry->d_name);
        const item_list *list = &r->made->lists[kind];
        if (stem == 0 || has_item(list, list->n, entry->d_name, stem))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)stem, entry->d_name);
        const int n =
            snprintf(path, sizeof path, "%s/%s/%s", folder, kind_plurals[kind], entry->d_name);
        if (n > 0 && (size_t)n < sizeof path)
            status = read_item(r, kind, path, name);
    }
    closedir(stream);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const shared_item *const *x = a, *const *y = b;
    return strcmp((*x)->item.name, (*y)->item.name);
}

static kerf_status read_folder(reading *r, const char *folder)
{
    struct stat info;
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode)) {
        kerf_fail(r->err, KERF_E_IO, NULL, "the catalogue's folder cannot be read: %s",
                  strerror(errno ? errno : ENOTDIR));
        kerf_error_source(r->err, folder);
        return KERF_E_IO;
    }
    kerf_status status = KERF_OK;
    for (int kind = 0; status == KERF_OK && kind < CATALOGUE_KINDS; kind++)
        status = read_kind(r, folder, (catalogue_kind)kind);
    return status;
}

static kerf_status check_complete(const catalogue *made, kerf_error *err)
{
    for (int kind = 0; kind < CATALOGUE_KINDS; kind++)
        if (made->lists[kind].n == 0)
            return kerf_fail(err, KERF_E_IO, NULL,
                             "the catalogue has no %s, expected a folder %s/ with at least one",
                             kind_plurals[kind], kind_plurals[kind]);
    return KERF_OK;
}

kerf_status catalogue_load(const char *const *folders, size_t n, catalogue *old,
                           catalogue_report *report, void *context, catalogue **made,
                           kerf_error *err)
{
    kerf_error_clear(err);
    reading r = {
        .made = kerf_calloc(1, sizeof *r.made), .old = old, .report = report, .context = context};
    r.err = err;
    if (!r.made)
        return no_memory(err);
    atomic_init(&r.made->references, 1);
    r.made->last_serial = old ? old->last_serial : 0;
    kerf_status status = KERF_OK;
    for (size_t i = 0; status == KERF_OK && i < n; i++)
        status = read_folder(&r, folders[i]);
    for (int kind = 0; kind < CATALOGUE_KINDS; kind++)
        if (r.made->lists[kind].n > 1)
            qsort(r.made->lists[kind].items, r.made->lists[kind].n, sizeof(shared_item *), by_name);
    if (status == KERF_OK)
        status = check_complete(r.made, err);
    if (status == KERF_OK)
        *made = r.made;
    else
        catalogue_drop(&r.made);
    return status;
}
