/* The network that is to be split: made sure of, and read again. */
#include "model/split_job.h"

#include "base/memory.h"
#include "model/onnx/from_ir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static kerf_status hash_source(split_job *s)
{
    const char *path = s->network->source;
    onnx_file file = {.fd = -1};
    SHA2_CTX hash;
    char text[128];
    kerf_status status = onnx_file_open(&file, path, s->err);
    unsigned char *buffer = kerf_calloc(1, 1 << 20);
    if (status == KERF_OK && !buffer)
        status = split_no_memory(s);
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
    return status == KERF_OK ? status : split_fail_at(s, status, path);
}

kerf_status split_check_unchanged(const split_job *s)
{
    struct stat now;
    const struct stat *then = &s->before;
    if (stat(s->network->source, &now) == 0 && now.st_dev == then->st_dev &&
        now.st_ino == then->st_ino && now.st_size == then->st_size &&
        now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec)
        return KERF_OK;
    return split_fail_at(
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

static kerf_status write_memory(split_job *s, const onnx_bytes *model)
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
static kerf_status convert(split_job *s)
{
    const kerf_network *net = s->network;
    kerf_network_options options = {0};
    struct kerf_input_shape *shapes = planned_shapes(net, &options.n_inputs);
    ir_graph *graph = NULL;
    char *name = NULL;
    onnx_bytes model = {0};
    options.inputs = shapes;
    kerf_status status = shapes ? network_json_read(net->source, &options, &name, &graph, s->err)
                                : split_no_memory(s);
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
static kerf_status infer_open(split_job *s, const char *path)
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

kerf_status split_open_source(split_job *s)
{
    const char *path = s->network->source;
    s->node_of = kerf_calloc(s->network->n_operators, sizeof *s->node_of);
    if (!s->node_of)
        return split_no_memory(s);
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
    return status == KERF_OK ? status : split_fail_at(s, status, s->network->source);
}
