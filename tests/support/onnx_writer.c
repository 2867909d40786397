#include "tests/support/onnx_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { VARINT = 0, DELIMITED = 2, FIXED32 = 5 };

void ow_free(onnx_bytes *b)
{
    free(b->data);
    *b = (onnx_bytes){0};
}

void ow_raw(onnx_bytes *b, const void *data, size_t n)
{
    if (b->capacity - b->n < n) {
        b->capacity = 2 * (b->capacity + n);
        b->data = realloc(b->data, b->capacity);
        if (!b->data) {
            fputs("out of memory\n", stderr);
            exit(1);
        }
    }
    if (n)
        memcpy(b->data + b->n, data, n);
    b->n += n;
}

void ow_varint(onnx_bytes *b, uint64_t number)
{
    do {
        unsigned char byte = (unsigned char)((number & 127) | (number > 127 ? 128 : 0));
        ow_raw(b, &byte, 1);
        number >>= 7;
    } while (number);
}

static void tag(onnx_bytes *b, unsigned field, unsigned wire_type)
{
    ow_varint(b, field << 3 | wire_type);
}

void ow_int(onnx_bytes *b, unsigned field, int64_t number)
{
    tag(b, field, VARINT);
    ow_varint(b, (uint64_t)number);
}

void ow_float(onnx_bytes *b, unsigned field, float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    tag(b, field, FIXED32);
    for (int i = 0; i < 4; i++) {
        unsigned char byte = (unsigned char)(bits >> 8 * i);
        ow_raw(b, &byte, 1);
    }
}

void ow_data(onnx_bytes *b, unsigned field, const void *data, size_t n)
{
    tag(b, field, DELIMITED);
    ow_varint(b, n);
    ow_raw(b, data, n);
}

void ow_text(onnx_bytes *b, unsigned field, const char *text)
{
    ow_data(b, field, text, strlen(text));
}

void ow_message(onnx_bytes *b, unsigned field, onnx_bytes *message)
{
    ow_data(b, field, message->data, message->n);
    ow_free(message);
}

/* Calls write for every part of a list with commas; an empty list has no parts. */
static void each_part(onnx_bytes *b, unsigned field, const char *list,
                      void (*write)(onnx_bytes *, unsigned, const char *, size_t))
{
    while (*list) {
        size_t n = strcspn(list, ",");
        write(b, field, list, n);
        list += n;
        if (!*list)
            break;
        if (!*++list)
            write(b, field, list, 0);
    }
}

static void write_name(onnx_bytes *b, unsigned field, const char *name, size_t n)
{
    ow_data(b, field, name, n);
}

static void write_number(onnx_bytes *b, unsigned field, const char *number, size_t n)
{
    (void)n;
    ow_int(b, field, strtoll(number, NULL, 10));
}

static void write_dim(onnx_bytes *b, unsigned field, const char *dim, size_t n)
{
    onnx_bytes message = {0};
    char *end;
    long long number = strtoll(dim, &end, 10);
    if (end == dim + n && n)
        ow_int(&message, 1, number);
    else if (*dim != '?')
        ow_data(&message, 2, dim, n);
    ow_message(b, field, &message);
}

void ow_node_in(onnx_bytes *holder, unsigned field, const char *domain, const char *type,
                const char *name, const char *inputs, const char *outputs, onnx_bytes *attributes)
{
    onnx_bytes node = {0};
    each_part(&node, 1, inputs, write_name);
    each_part(&node, 2, outputs, write_name);
    if (name)
        ow_text(&node, 3, name);
    ow_text(&node, 4, type);
    if (attributes) {
        ow_raw(&node, attributes->data, attributes->n);
        ow_free(attributes);
    }
    if (domain)
        ow_text(&node, 7, domain);
    ow_message(holder, field, &node);
}

void ow_node(onnx_bytes *graph, const char *type, const char *name, const char *inputs,
             const char *outputs, onnx_bytes *attributes)
{
    ow_node_in(graph, 1, NULL, type, name, inputs, outputs, attributes);
}

void ow_attr_int(onnx_bytes *attributes, const char *name, int64_t number)
{
    onnx_bytes attr = {0};
    ow_text(&attr, 1, name);
    ow_int(&attr, 3, number);
    ow_int(&attr, 20, 2);
    ow_message(attributes, 5, &attr);
}

void ow_attr_ints(onnx_bytes *attributes, const char *name, const int64_t *numbers, size_t n)
{
    onnx_bytes attr = {0};
    ow_text(&attr, 1, name);
    for (size_t i = 0; i < n; i++)
        ow_int(&attr, 8, numbers[i]);
    ow_int(&attr, 20, 7);
    ow_message(attributes, 5, &attr);
}

void ow_attr_reference(onnx_bytes *attributes, const char *name, const char *of, int type)
{
    onnx_bytes attr = {0};
    ow_text(&attr, 1, name);
    ow_int(&attr, 20, type);
    ow_text(&attr, 21, of);
    ow_message(attributes, 5, &attr);
}

void ow_attr_message(onnx_bytes *attributes, const char *name, unsigned field, int type,
                     onnx_bytes *message)
{
    onnx_bytes attr = {0};
    ow_text(&attr, 1, name);
    ow_message(&attr, field, message);
    ow_int(&attr, 20, type);
    ow_message(attributes, 5, &attr);
}

void ow_value(onnx_bytes *graph, unsigned field, const char *name, int type, const char *shape)
{
    onnx_bytes info = {0}, kind = {0}, tensor = {0}, dims = {0};
    ow_int(&tensor, 1, type);
    if (shape) {
        each_part(&dims, 1, shape, write_dim);
        ow_message(&tensor, 2, &dims);
    }
    ow_message(&kind, 1, &tensor);
    ow_text(&info, 1, name);
    ow_message(&info, 2, &kind);
    ow_message(graph, field, &info);
}

void ow_tensor(onnx_bytes *tensor, const char *name, int type, const char *dims)
{
    each_part(tensor, 1, dims, write_number);
    ow_int(tensor, 2, type);
    if (name)
        ow_text(tensor, 8, name);
}

void ow_initializer(onnx_bytes *graph, const char *name, int type, const char *dims,
                    const void *data, size_t n)
{
    onnx_bytes tensor = {0};
    ow_tensor(&tensor, name, type, dims);
    if (data)
        ow_data(&tensor, 9, data, n);
    ow_message(graph, 5, &tensor);
}

void ow_model(onnx_bytes *model, onnx_bytes *graph, int64_t opset)
{
    onnx_bytes import = {0};
    ow_int(model, 1, 8);
    ow_message(model, 7, graph);
    if (!opset)
        return;
    ow_text(&import, 1, "");
    ow_int(&import, 2, opset);
    ow_message(model, 8, &import);
}

kerf_status ow_read_bytes(const void *data, size_t n, const kerf_network_options *options,
                          ir_graph **graph, kerf_error *err)
{
    char path[64];
    int fd = memfd_create("model.onnx", 0);
    if (fd < 0 || (n && write(fd, data, n) != (ssize_t)n)) {
        perror("memfd");
        exit(1);
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    kerf_status status = onnx_read(path, options, graph, err);
    close(fd);
    return status;
}

kerf_status ow_read(const onnx_bytes *model, const kerf_network_options *options, ir_graph **graph,
                    kerf_error *err)
{
    return ow_read_bytes(model->data, model->n, options, graph, err);
}
