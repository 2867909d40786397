/* kerf_split: the source made sure of, its parts chosen and written, the manifest beside them. */
#include "kerf/split.h"

#include "base/file.h"
#include "base/memory.h"
#include "model/split_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE (((int64_t)1 << 31) - 1) /* what protobuf takes */

static void identify(split_job *s)
{
    static const char *const wires[] = {"own", "float32", "float16", "int8"};
    SHA2_CTX hash;
    char text[160];
    SHA256Init(&hash);
    int n = snprintf(text, sizeof text, "kerf-split/1\n%s\n%s\n", s->split->source_sha256,
                     wires[s->options->wire]);
    SHA256Update(&hash, (const uint8_t *)text, (size_t)n);
    for (size_t i = 0; i < s->network->n_operators; i++) {
        const uint8_t side =
            s->network->operators[i].constant ? KERF_SIDE_FREE : (uint8_t)s->side[i];
        SHA256Update(&hash, &side, 1);
    }
    for (size_t i = 0; i < s->split->n_crossing; i++) {
        const kerf_crossing *c = &s->split->crossing[i];
        n = snprintf(text, sizeof text, "\n%d %a %d", (int)c->wire_type, c->scale, c->zero_point);
        SHA256Update(&hash, (const uint8_t *)c->wire_name, strlen(c->wire_name));
        SHA256Update(&hash, (const uint8_t *)text, (size_t)n);
    }
    kerf_sha256_text(&hash, s->split->split_id);
}

static bool stat_folder(const char *path, struct stat *info)
{
    char *folder = kerf_path_beside(path, ".");
    const bool ok = folder && stat(folder, info) == 0;
    free(folder);
    return ok;
}

static bool in_source_folder(const split_job *s, const char *path)
{
    struct stat a, b;
    return stat_folder(s->network->source, &a) && stat_folder(path, &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static bool is_file(const char *path, const struct stat *info)
{
    struct stat found;
    return stat(path, &found) == 0 && found.st_dev == info->st_dev && found.st_ino == info->st_ino;
}

/* Neither the network nor its weights are overwritten, not even by force. */
static kerf_status check_target(const split_job *s, const char *path)
{
    const onnx_outline *o = &s->outline;
    const char *last = "";
    bool clash = is_file(path, &s->before);
    for (size_t i = 0; i < o->n_initializers && !clash; i++) {
        const char *location = o->initializers[i].location;
        struct stat info;
        if (!location || strcmp(location, last) == 0)
            continue;
        char *external = kerf_path_beside(s->network->source, location);
        if (!external)
            return split_no_memory(s);
        clash = stat(external, &info) == 0 && is_file(path, &info);
        free(external);
        last = location;
    }
    if (!clash)
        return KERF_OK;
    return split_fail_at(
        s,
        kerf_fail(s->err, KERF_E_INVALID, NULL,
                  "is a file of the network that is to be split; name another one"),
        path);
}

static kerf_status set_paths(const split_job *s, const char *path, kerf_split_file *file)
{
    const size_t size = strlen(path) + 8;
    file->path = kerf_strdup(path);
    file->data_path = kerf_calloc(size, 1);
    if (!file->path || !file->data_path)
        return split_no_memory(s);
    snprintf(file->data_path, size, "%s.data", path);
    kerf_status status = check_target(s, path);
    return status == KERF_OK ? check_target(s, file->data_path) : status;
}

static kerf_status write_part(split_job *s, int which, const char *path, kerf_split_file *made)
{
    const int at = which == PART_HEAD ? SPLIT_HEAD : SPLIT_TAIL,
              data = which == PART_HEAD ? SPLIT_HEAD_DATA : SPLIT_TAIL_DATA;
    const int64_t limit = s->options->max_file_bytes;
    if (!s->parts.part[which].exists)
        return KERF_OK;
    kerf_status status = set_paths(s, path, made);
    if (status != KERF_OK)
        return status;
    const part_output output = {.path = path,
                                .crossing = s->split->crossing,
                                .split_id = s->split->split_id,
                                .source_sha256 = s->split->source_sha256,
                                .limit = (uint64_t)(limit > 0 ? limit : MAX_FILE),
                                .same_folder = s->memory >= 0 || in_source_folder(s, path),
                                .force = s->options->force,
                                .file = &s->file[at],
                                .data = &s->file[data],
                                .data_path = made->data_path};
    status = onnx_part_write(&s->parts, which, &output);
    made->operators = s->parts.part[which].operators;
    made->bytes = (int64_t)s->file[at].size;
    snprintf(made->sha256, sizeof made->sha256, "%s", s->file[at].sha256);
    if (s->file[data].opened) {
        made->data_bytes = (int64_t)s->file[data].size;
        snprintf(made->data_sha256, sizeof made->data_sha256, "%s", s->file[data].sha256);
    } else {
        free(made->data_path);
        made->data_path = NULL;
    }
    return status;
}

static kerf_status write_manifest(split_job *s)
{
    const kerf_split_options *o = s->options;
    if (!o->manifest || !o->make_manifest)
        return KERF_OK;
    kerf_status status = check_target(s, o->manifest);
    char *text = status == KERF_OK ? o->make_manifest(o->context, s->split) : NULL;
    if (status == KERF_OK && !text)
        status = split_no_memory(s);
    if (status == KERF_OK)
        status = kerf_outfile_open(&s->file[SPLIT_MANIFEST], o->manifest, o->force, s->err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&s->file[SPLIT_MANIFEST], text, strlen(text), s->err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&s->file[SPLIT_MANIFEST], s->err);
    free(text);
    return status;
}

/* Before gigabytes are written in vain. */
static kerf_status check_places(const split_job *s, const char *head, const char *tail)
{
    const bool force = s->options->force;
    kerf_status status = KERF_OK;
    if (s->parts.part[PART_HEAD].exists)
        status = kerf_outfile_check(head, force, s->err);
    if (status == KERF_OK && s->parts.part[PART_TAIL].exists)
        status = kerf_outfile_check(tail, force, s->err);
    if (status == KERF_OK && s->options->manifest)
        status = kerf_outfile_check(s->options->manifest, force, s->err);
    return status;
}

static kerf_status run(split_job *s)
{
    const kerf_split_options *o = s->options;
    const char *head = o->head ? o->head : "head.onnx", *tail = o->tail ? o->tail : "tail.onnx";
    kerf_status status = split_open_source(s);
    if (status != KERF_OK)
        return status;
    s->parts = (onnx_parts){
        .outline = &s->outline, .graph = s->graph, .network = s->network, .err = s->err};
    status = onnx_parts_choose(&s->parts, s->side, s->node_of);
    if (status == KERF_OK)
        status = split_describe_crossing(s);
    if (status == KERF_OK)
        status = split_describe_ports(s);
    if (status != KERF_OK)
        return split_fail_at(s, status, s->network->source);
    identify(s);
    status = check_places(s, head, tail);
    if (status == KERF_OK)
        status = write_part(s, PART_HEAD, head, &s->split->head);
    if (status == KERF_OK)
        status = write_part(s, PART_TAIL, tail, &s->split->tail);
    if (status == KERF_OK)
        status = write_manifest(s);
    if (status == KERF_OK)
        status = split_check_unchanged(s);
    if (status == KERF_OK)
        status = kerf_outfiles_place(s->file, SPLIT_FILES, o->force, s->err);
    return status == KERF_OK ? status : split_fail_at(s, status, s->network->source);
}

kerf_status kerf_split_write(const kerf_network *network, const kerf_side *side,
                             const kerf_split_options *options, kerf_split **split, kerf_error *err)
{
    static const kerf_split_options defaults;
    kerf_error_clear(err);
    split_job *s = kerf_calloc(1, sizeof *s);
    kerf_split *made = kerf_calloc(1, sizeof *made);
    kerf_status status = KERF_OK;
    if (!s || !made) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    } else if (!network->source) {
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "the network is from no file, expected one that was loaded");
    } else if (network->pruned) {
        status = kerf_fail(err, KERF_E_UNSUPPORTED, network->source,
                           "is cut short to other outputs than the file's, expected the whole "
                           "network: write the early exit to a file of its own to split it");
    } else {
        *s = (split_job){.network = network,
                         .side = side,
                         .options = options ? options : &defaults,
                         .err = err,
                         .split = made,
                         .memory = -1};
        s->outline.file.fd = -1;
        for (size_t i = 0; i < SPLIT_FILES; i++)
            s->file[i].fd = -1;
        made->source = network->source;
        made->wire = s->options->wire;
        status = run(s);
        kerf_outfiles_clear(s->file, SPLIT_FILES);
        onnx_parts_clear(&s->parts);
        onnx_outline_clear(&s->outline);
        ir_graph_free(s->graph);
        free(s->node_of);
        if (s->memory >= 0)
            close(s->memory);
    }
    free(s);
    if (status == KERF_OK)
        *split = made;
    else
        kerf_split_destroy(&made);
    return status;
}

static void clear_file(kerf_split_file *file)
{
    free(file->path);
    free(file->data_path);
}

void kerf_split_destroy(kerf_split **split)
{
    if (!split || !*split)
        return;
    for (size_t i = 0; i < (*split)->n_crossing && (*split)->crossing; i++)
        free((*split)->crossing[i].wire_name);
    free((*split)->crossing);
    free((*split)->input_side);
    free((*split)->output_side);
    clear_file(&(*split)->head);
    clear_file(&(*split)->tail);
    free(*split);
    *split = NULL;
}

/* --- check
 * -----------------------------------------------------------------------------------------
 */

static kerf_status check_part(const onnx_outline *o, const char *part, kerf_error *err)
{
    kerf_status status = KERF_OK;
    if (!o->split_id || !o->part || !o->source_sha256)
        status = kerf_fail(err, KERF_E_INVALID, NULL, "was not written by kerf split");
    else if (strcmp(o->part, part) != 0)
        status = kerf_fail(err, KERF_E_INVALID, NULL, "is a %.20s, expected a %s", o->part, part);
    if (status != KERF_OK)
        kerf_error_source(err, o->path);
    return status;
}

static kerf_status check_pair(const onnx_outline *head, const onnx_outline *tail, kerf_error *err)
{
    kerf_status status = KERF_OK;
    if (strcmp(head->source_sha256, tail->source_sha256) != 0)
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "is of another network than %.200s (SHA-256 %.12s... and %.12s...)",
                           head->path, tail->source_sha256, head->source_sha256);
    else if (strcmp(head->split_id, tail->split_id) != 0)
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "is of another split of the same network than %.200s (%.12s... and "
                           "%.12s...)",
                           head->path, tail->split_id, head->split_id);
    if (status != KERF_OK)
        kerf_error_source(err, tail->path);
    return status;
}

kerf_status kerf_split_check(const char *head, const char *tail, kerf_error *err)
{
    onnx_outline a = {.file = {.fd = -1}}, b = {.file = {.fd = -1}};
    kerf_error_clear(err);
    kerf_status status = onnx_outline_read(&a, head, err);
    if (status == KERF_OK)
        status = onnx_outline_read(&b, tail, err);
    if (status == KERF_OK)
        status = check_part(&a, "head", err);
    if (status == KERF_OK)
        status = check_part(&b, "tail", err);
    if (status == KERF_OK)
        status = check_pair(&a, &b, err);
    onnx_outline_clear(&a);
    onnx_outline_clear(&b);
    return status;
}
