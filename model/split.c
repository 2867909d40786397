/* kerf_split: the source made sure of, its parts chosen and written, the manifest beside them. */
#include "kerf/split.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "model/onnx/from_ir.h"
#include "model/onnx/part_write.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE  (((int64_t)1 << 31) - 1) /* what protobuf takes */
#define MIN_OPSET 10                       /* that has QuantizeLinear */
#define PATH_SIZE 64

enum { HEAD_DATA, HEAD, TAIL_DATA, TAIL, MANIFEST, FILES };

typedef struct splitter {
    const kerf_network *network;
    const kerf_side *side;
    const kerf_split_options *options;
    kerf_error *err;
    kerf_split *split;
    struct stat before;
    char path[PATH_SIZE]; /* of a JSON network's ONNX form */
    int memory;           /* its descriptor, or -1 */
    size_t *node_of;
    ir_graph *graph;
    onnx_outline outline;
    onnx_parts parts;
    kerf_outfile file[FILES];
} splitter;

static kerf_status no_memory(const splitter *s)
{
    return kerf_fail(s->err, KERF_E_NOMEM, NULL, "out of memory");
}

static kerf_status fail_at(const splitter *s, kerf_status status, const char *path)
{
    kerf_error_source(s->err, path);
    return status;
}

/* --- the source
 * -----------------------------------------------------------------------------------
 */

static kerf_status hash_source(splitter *s)
{
    const char *path = s->network->source;
    onnx_file file = {.fd = -1};
    SHA2_CTX hash;
    char text[128];
    kerf_status status = onnx_file_open(&file, path, s->err);
    unsigned char *buffer = kerf_calloc(1, 1 << 20);
    if (status == KERF_OK && !buffer)
        status = no_memory(s);
    if (status == KERF_OK && fstat(file.fd, &s->before) != 0)
        status = kerf_fail(s->err, KERF_E_IO, NULL, "cannot examine: %s",
                           strerror_r(errno, text, sizeof text));
    SHA256Init(&hash);
    for (ssize_t n = 1; status == KERF_OK && n != 0;) {
        n = read(file.fd, buffer, 1 << 20);
        if (n < 0 && errno != EINTR)
            status = kerf_fail(s->err, KERF_E_IO, NULL, "cannot read: %s",
                               strerror_r(errno, text, sizeof text));
        if (n > 0)
            SHA256Update(&hash, buffer, (size_t)n);
    }
    kerf_sha256_text(&hash, s->split->source_sha256);
    s->split->source_bytes = s->before.st_size;
    free(buffer);
    onnx_file_close(&file);
    return status == KERF_OK ? status : fail_at(s, status, path);
}

/* Whether the file is still the one that was hashed. */
static kerf_status check_unchanged(const splitter *s)
{
    struct stat now;
    const struct stat *then = &s->before;
    if (stat(s->network->source, &now) == 0 && now.st_dev == then->st_dev &&
        now.st_ino == then->st_ino && now.st_size == then->st_size &&
        now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec)
        return KERF_OK;
    return fail_at(
        s, kerf_fail(s->err, KERF_E_IO, NULL, "changed while it was split; nothing was written"),
        s->network->source);
}

static bool is_onnx(const char *path)
{
    const size_t length = strlen(path);
    return length >= 5 && strcmp(path + length - 5, ".onnx") == 0;
}

/* The network's inputs as they were planned for. */
static struct kerf_input_shape *planned_shapes(const kerf_network *net, size_t *n)
{
    struct kerf_input_shape *shapes = kerf_calloc(net->n_inputs, sizeof *shapes);
    *n = 0;
    for (size_t i = 0; shapes && i < net->n_inputs; i++) {
        const kerf_tensor *t = &net->tensors[net->inputs[i]];
        if (t->elements >= 0)
            shapes[(*n)++] = (struct kerf_input_shape){t->name, t->dims, (size_t)t->rank};
    }
    return shapes;
}

static kerf_status write_memory(splitter *s, const onnx_bytes *model)
{
    char text[128];
    s->memory = memfd_create("kerf", MFD_CLOEXEC);
    for (size_t done = 0; s->memory >= 0 && done < model->n;) {
        const ssize_t n = write(s->memory, model->data + done, model->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return kerf_fail(s->err, KERF_E_IO, NULL, "cannot hold its ONNX form: %s",
                             strerror_r(errno, text, sizeof text));
        done += (size_t)n;
    }
    if (s->memory < 0)
        return kerf_fail(s->err, KERF_E_IO, NULL, "cannot hold its ONNX form: %s",
                         strerror_r(errno, text, sizeof text));
    snprintf(s->path, sizeof s->path, "/proc/self/fd/%d", s->memory);
    return KERF_OK;
}

/* A JSON network becomes an ONNX file in memory first. */
static kerf_status convert(splitter *s)
{
    const kerf_network *net = s->network;
    kerf_network_options options = {0};
    struct kerf_input_shape *shapes = planned_shapes(net, &options.n_inputs);
    ir_graph *graph = NULL;
    char *name = NULL;
    onnx_bytes model = {0};
    options.inputs = shapes;
    kerf_status status =
        shapes ? network_json_read(net->source, &options, &name, &graph, s->err) : no_memory(s);
    if (status == KERF_OK)
        status = ir_infer(graph, s->err);
    if (status == KERF_OK && graph->n_nodes != net->n_operators)
        status = kerf_fail(s->err, KERF_E_INVALID, NULL,
                           "is not the file that the network was loaded from: it has changed");
    if (status == KERF_OK)
        status = onnx_from_ir(graph, net, &model, s->node_of, s->err);
    if (status == KERF_OK)
        status = write_memory(s, &model);
    s->split->zero_weights = true;
    onnx_bytes_clear(&model);
    ir_graph_free(graph);
    free(name);
    free(shapes);
    return status;
}

/* Reads the file again with nothing fixed but what it fixes itself: what is known then is the same
 * in every run. */
static kerf_status infer_open(splitter *s, const char *path)
{
    kerf_status status = onnx_read(path, NULL, &s->graph, s->err);
    for (size_t i = 0; status == KERF_OK && i < s->graph->n_inputs; i++) {
        ir_value *value = &s->graph->values[s->graph->inputs[i]];
        value->rank = value->declared_rank;
        for (int j = 0; j < value->rank; j++)
            value->dims[j] = value->declared_dims[j];
    }
    return status == KERF_OK ? ir_infer(s->graph, s->err) : status;
}

static kerf_status open_source(splitter *s)
{
    const char *path = s->network->source;
    s->node_of = kerf_calloc(s->network->n_operators, sizeof *s->node_of);
    if (!s->node_of)
        return no_memory(s);
    kerf_status status = hash_source(s);
    if (status == KERF_OK && !is_onnx(path)) {
        status = convert(s);
        path = s->path;
    } else {
        for (size_t i = 0; i < s->network->n_operators; i++)
            s->node_of[i] = s->network->operators[i].source_index;
    }
    if (status == KERF_OK)
        status = onnx_outline_read(&s->outline, path, s->err);
    if (status == KERF_OK)
        status = infer_open(s, path);
    return status == KERF_OK ? status : fail_at(s, status, s->network->source);
}

/* --- what is sent ------------------------------------------------------------------------------
 */

static bool is_real(kerf_type type)
{
    return type == KERF_FLOAT64 || type == KERF_FLOAT32 || type == KERF_FLOAT16 ||
           type == KERF_BFLOAT16;
}

/* An encoding never makes a tensor larger than it is (kerf_wire_bytes). */
static kerf_type wire_type(kerf_wire wire, kerf_type own)
{
    static const kerf_type types[] = {[KERF_WIRE_FLOAT32] = KERF_FLOAT32,
                                      [KERF_WIRE_FLOAT16] = KERF_FLOAT16,
                                      [KERF_WIRE_INT8] = KERF_INT8};
    if (wire == KERF_WIRE_OWN || !is_real(own) ||
        kerf_type_bits(types[wire]) >= kerf_type_bits(own))
        return own;
    return types[wire];
}

static bool is_taken(const onnx_outline *o, const char *name)
{
    for (size_t t = 0; t < o->n_tensors; t++)
        if (strncmp(o->tensors[t].name, name, strlen(name)) == 0)
            return true;
    return false;
}

static char *wire_name(const onnx_outline *o, const char *tensor, bool encoded)
{
    const size_t size = strlen(tensor) + 32;
    if (!encoded)
        return kerf_strdup(tensor);
    char *name = kerf_calloc(size, 1);
    if (name)
        snprintf(name, size, "%s/wire", tensor);
    for (unsigned i = 2; name && is_taken(o, name); i++)
        snprintf(name, size, "%s/wire%u", tensor, i);
    return name;
}

/* Scale and zero point of a range. A tensor that is always 0 takes any scale. */
static void spread(const kerf_range *range, kerf_crossing *c)
{
    const double low = fmin(range->min, 0), high = fmax(range->max, 0);
    const double whole = range->asymmetric ? high - low : fmax(-low, high);
    const double scale = whole / (range->asymmetric ? 255 : 127);
    c->scale = whole > 0 ? fmax((double)(float)scale, FLT_MIN) : 1;
    c->zero_point = range->asymmetric ? (int)fmin(255, rint(-low / c->scale)) : 0;
}

static kerf_status quantize(const splitter *s, const char *tensor, kerf_crossing *c)
{
    const kerf_range *range = NULL;
    for (size_t i = 0; i < s->options->n_ranges; i++)
        if (strcmp(s->options->ranges[i].tensor, tensor) == 0)
            range = &s->options->ranges[i];
    if (!range)
        return kerf_fail(s->err, KERF_E_INVALID, tensor,
                         "crosses as int8 and has no range: name it in the file of ranges");
    if (s->outline.opset < MIN_OPSET)
        return kerf_fail(s->err, KERF_E_UNSUPPORTED, NULL,
                         "states operator set %lld, and int8 needs %d or newer (QuantizeLinear)",
                         (long long)s->outline.opset, MIN_OPSET);
    c->wire_type = range->asymmetric ? KERF_UINT8 : KERF_INT8;
    c->zero_point = range->zero_point;
    c->scale = (double)(float)range->scale;
    if (range->scale == 0)
        spread(range, c);
    if (!(c->scale > 0) || !isfinite(c->scale) || !(range->min <= range->max) ||
        c->zero_point < 0 || c->zero_point > (range->asymmetric ? 255 : 0))
        return kerf_fail(s->err, KERF_E_INVALID, tensor,
                         "has a range that cannot be quantized, expected a minimum below a "
                         "maximum, or a scale above 0, and zero point 0, or one from 0 to 255 for "
                         "uint8");
    return KERF_OK;
}

static kerf_status describe(splitter *s, size_t i)
{
    const struct part_crossing *from = &s->parts.crossing[i];
    kerf_crossing *c = &s->split->crossing[i];
    c->tensor = s->parts.network_tensor[from->tensor];
    if (c->tensor == KERF_NONE)
        return kerf_fail(s->err, KERF_E_INTERNAL, s->outline.tensors[from->tensor].name,
                         "crosses, and is no tensor of the network");
    const kerf_tensor *tensor = &s->network->tensors[c->tensor];
    const bool encodes = s->parts.part[PART_HEAD].exists && !from->auxiliary;
    c->is_input = from->is_input;
    c->auxiliary = from->auxiliary;
    c->wire_type = encodes ? wire_type(s->options->wire, tensor->type) : tensor->type;
    c->wire_bytes = tensor->bytes;
    if (c->wire_type != tensor->type && tensor->elements >= 0)
        c->wire_bytes = tensor->elements * kerf_type_bits(c->wire_type) / 8;
    c->wire_name = wire_name(&s->outline, tensor->name, c->wire_type != tensor->type);
    if (!c->wire_name)
        return no_memory(s);
    return c->wire_type == KERF_INT8 && is_real(tensor->type) ? quantize(s, tensor->name, c)
                                                              : KERF_OK;
}

static kerf_status describe_crossing(splitter *s)
{
    kerf_status status = KERF_OK;
    s->split->crossing = kerf_calloc(s->parts.n_crossing, sizeof *s->split->crossing);
    if (!s->split->crossing)
        return no_memory(s);
    s->split->n_crossing = s->parts.n_crossing;
    for (size_t i = 0; i < s->parts.n_crossing && status == KERF_OK; i++)
        status = describe(s, i);
    return status;
}

static bool is_sent(const splitter *s, size_t tensor, bool *encoded)
{
    for (size_t i = 0; i < s->parts.n_crossing; i++)
        if (s->parts.crossing[i].tensor == tensor) {
            *encoded = onnx_is_encoded(&s->parts, i, &s->split->crossing[i]);
            return true;
        }
    return false;
}

static kerf_status describe_ports(splitter *s)
{
    const kerf_network *net = s->network;
    const onnx_part *head = &s->parts.part[PART_HEAD], *tail = &s->parts.part[PART_TAIL];
    kerf_split *split = s->split;
    split->input_side = kerf_calloc(net->n_inputs, sizeof *split->input_side);
    split->output_side = kerf_calloc(net->n_outputs, sizeof *split->output_side);
    if (!split->input_side || !split->output_side)
        return no_memory(s);
    for (size_t i = 0; i < net->n_inputs; i++) {
        const size_t t = onnx_outline_find(&s->outline, net->tensors[net->inputs[i]].name);
        bool encoded = false, at_tail, at_head;
        at_tail = tail->exists && t != KERF_NONE && (tail->whole || is_sent(s, t, &encoded));
        at_head = head->exists && t != KERF_NONE && (head->wanted[t] || encoded);
        split->input_side[i] = at_tail && at_head ? KERF_SIDE_FREE
                               : at_tail          ? KERF_SIDE_SERVER
                                                  : KERF_SIDE_DEVICE;
    }
    for (size_t i = 0; i < net->n_outputs; i++) {
        const size_t t = onnx_outline_find(&s->outline, net->tensors[net->outputs[i]].name);
        const size_t output = t == KERF_NONE ? KERF_NONE : s->outline.tensors[t].output;
        split->output_side[i] = output != KERF_NONE && s->parts.output_on_head[output]
                                    ? KERF_SIDE_DEVICE
                                    : KERF_SIDE_SERVER;
    }
    return KERF_OK;
}

/* --- files ---------------------------------------------------------------------------------------
 */

static void identify(splitter *s)
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

static bool in_source_folder(const splitter *s, const char *path)
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
static kerf_status check_target(const splitter *s, const char *path)
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
            return no_memory(s);
        clash = stat(external, &info) == 0 && is_file(path, &info);
        free(external);
        last = location;
    }
    if (!clash)
        return KERF_OK;
    return fail_at(s,
                   kerf_fail(s->err, KERF_E_INVALID, NULL,
                             "is a file of the network that is to be split; name another one"),
                   path);
}

static kerf_status set_paths(const splitter *s, const char *path, kerf_split_file *file)
{
    const size_t size = strlen(path) + 8;
    file->path = kerf_strdup(path);
    file->data_path = kerf_calloc(size, 1);
    if (!file->path || !file->data_path)
        return no_memory(s);
    snprintf(file->data_path, size, "%s.data", path);
    kerf_status status = check_target(s, path);
    return status == KERF_OK ? check_target(s, file->data_path) : status;
}

static kerf_status write_part(splitter *s, int which, const char *path, kerf_split_file *made)
{
    const int at = which == PART_HEAD ? HEAD : TAIL,
              data = which == PART_HEAD ? HEAD_DATA : TAIL_DATA;
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

static kerf_status write_manifest(splitter *s)
{
    const kerf_split_options *o = s->options;
    if (!o->manifest || !o->make_manifest)
        return KERF_OK;
    kerf_status status = check_target(s, o->manifest);
    char *text = status == KERF_OK ? o->make_manifest(o->context, s->split) : NULL;
    if (status == KERF_OK && !text)
        status = no_memory(s);
    if (status == KERF_OK)
        status = kerf_outfile_open(&s->file[MANIFEST], o->manifest, o->force, s->err);
    if (status == KERF_OK)
        status = kerf_outfile_write(&s->file[MANIFEST], text, strlen(text), s->err);
    if (status == KERF_OK)
        status = kerf_outfile_finish(&s->file[MANIFEST], s->err);
    free(text);
    return status;
}

/* Before gigabytes are written in vain. */
static kerf_status check_places(const splitter *s, const char *head, const char *tail)
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

static kerf_status run(splitter *s)
{
    const kerf_split_options *o = s->options;
    const char *head = o->head ? o->head : "head.onnx", *tail = o->tail ? o->tail : "tail.onnx";
    kerf_status status = open_source(s);
    if (status != KERF_OK)
        return status;
    s->parts = (onnx_parts){
        .outline = &s->outline, .graph = s->graph, .network = s->network, .err = s->err};
    status = onnx_parts_choose(&s->parts, s->side, s->node_of);
    if (status == KERF_OK)
        status = describe_crossing(s);
    if (status == KERF_OK)
        status = describe_ports(s);
    if (status != KERF_OK)
        return fail_at(s, status, s->network->source);
    identify(s);
    status = check_places(s, head, tail);
    if (status == KERF_OK)
        status = write_part(s, PART_HEAD, head, &s->split->head);
    if (status == KERF_OK)
        status = write_part(s, PART_TAIL, tail, &s->split->tail);
    if (status == KERF_OK)
        status = write_manifest(s);
    if (status == KERF_OK)
        status = check_unchanged(s);
    if (status == KERF_OK)
        status = kerf_outfiles_place(s->file, FILES, o->force, s->err);
    return status == KERF_OK ? status : fail_at(s, status, s->network->source);
}

kerf_status kerf_split_write(const kerf_network *network, const kerf_side *side,
                             const kerf_split_options *options, kerf_split **split, kerf_error *err)
{
    static const kerf_split_options defaults;
    kerf_error_clear(err);
    splitter *s = kerf_calloc(1, sizeof *s);
    kerf_split *made = kerf_calloc(1, sizeof *made);
    kerf_status status = KERF_OK;
    if (!s || !made) {
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    } else if (!network->source) {
        status = kerf_fail(err, KERF_E_INVALID, NULL,
                           "the network is from no file, expected one that was loaded");
    } else {
        *s = (splitter){.network = network,
                        .side = side,
                        .options = options ? options : &defaults,
                        .err = err,
                        .split = made,
                        .memory = -1};
        s->outline.file.fd = -1;
        for (size_t i = 0; i < FILES; i++)
            s->file[i].fd = -1;
        made->source = network->source;
        made->wire = s->options->wire;
        status = run(s);
        kerf_outfiles_clear(s->file, FILES);
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
