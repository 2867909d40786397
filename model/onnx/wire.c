/* Wire encodings as nodes. Names follow from the wire's name, which no tensor of the file has as
 * its beginning. */
#include "model/onnx/part_write.h"

#include <string.h>

static void joined(onnx_bytes *text, const char *name, const char *suffix)
{
    onnx_put_raw(text, name, strlen(name));
    onnx_put_raw(text, suffix, strlen(suffix) + 1);
}

static void put_constant(onnx_bytes *b, const char *name, onnx_bytes *tensor)
{
    onnx_bytes node = {0};
    onnx_begin_node(&node, "Constant", name, NULL, 0, name);
    onnx_put_tensor_attribute(&node, "value", tensor);
    onnx_put_message(b, 1, &node);
}

void onnx_put_wire_constants(onnx_bytes *b, const onnx_parts *parts, size_t index,
                             const kerf_crossing *c)
{
    if (!onnx_is_encoded(parts, index, c) || c->scale <= 0)
        return;
    onnx_bytes scale = {0}, zero = {0}, name = {0};
    const int64_t zero_point = c->zero_point;
    joined(&name, c->wire_name, "/scale");
    onnx_encode_tensor(&scale, KERF_FLOAT32, NULL, 0, NULL, &c->scale, 1);
    if (!name.failed)
        put_constant(b, (const char *)name.data, &scale);
    b->failed = b->failed || name.failed || scale.failed;
    onnx_bytes_clear(&scale);
    name.n = 0;
    joined(&name, c->wire_name, "/zero_point");
    onnx_encode_tensor(&zero, c->wire_type, NULL, 0, &zero_point, NULL, 1);
    if (!name.failed)
        put_constant(b, (const char *)name.data, &zero);
    b->failed = b->failed || name.failed || zero.failed;
    onnx_bytes_clear(&zero);
    onnx_bytes_clear(&name);
}

static void put_cast(onnx_bytes *b, const char *wire, const char *label, const char *from,
                     const char *to, kerf_type type)
{
    onnx_bytes node = {0}, name = {0};
    joined(&name, wire, label);
    if (!name.failed) {
        onnx_begin_node(&node, "Cast", (const char *)name.data, &from, 1, to);
        onnx_put_int_attribute(&node, "to", onnx_type_number(type));
        onnx_put_message(b, 1, &node);
    }
    b->failed = b->failed || name.failed;
    onnx_bytes_clear(&name);
}

/* QuantizeLinear or DequantizeLinear, with the scale and zero point of the wire. */
static void put_linear(onnx_bytes *b, const char *type, const char *wire, const char *label,
                       const char *from, const char *to)
{
    onnx_bytes node = {0}, name = {0}, scale = {0}, zero = {0};
    joined(&name, wire, label);
    joined(&scale, wire, "/scale");
    joined(&zero, wire, "/zero_point");
    const bool failed = name.failed || scale.failed || zero.failed;
    if (!failed) {
        const char *const inputs[] = {from, (const char *)scale.data, (const char *)zero.data};
        onnx_begin_node(&node, type, (const char *)name.data, inputs, 3, to);
        onnx_put_message(b, 1, &node);
    }
    b->failed = b->failed || failed;
    onnx_bytes_clear(&name);
    onnx_bytes_clear(&scale);
    onnx_bytes_clear(&zero);
}

void onnx_put_encoder(onnx_bytes *b, const onnx_parts *parts, size_t index, const kerf_crossing *c)
{
    const kerf_tensor *tensor = &parts->network->tensors[c->tensor];
    onnx_bytes real = {0};
    if (!onnx_is_encoded(parts, index, c))
        return;
    if (c->scale <= 0) {
        put_cast(b, c->wire_name, "/encode", tensor->name, c->wire_name, c->wire_type);
        return;
    }
    joined(&real, c->wire_name, "/float32");
    b->failed = b->failed || real.failed;
    if (!real.failed && tensor->type != KERF_FLOAT32)
        put_cast(b, c->wire_name, "/widen", tensor->name, (const char *)real.data, KERF_FLOAT32);
    if (!real.failed)
        put_linear(b, "QuantizeLinear", c->wire_name, "/encode",
                   tensor->type == KERF_FLOAT32 ? tensor->name : (const char *)real.data,
                   c->wire_name);
    onnx_bytes_clear(&real);
}

void onnx_put_decoder(onnx_bytes *b, const onnx_parts *parts, size_t index, const kerf_crossing *c)
{
    const kerf_tensor *tensor = &parts->network->tensors[c->tensor];
    onnx_bytes real = {0};
    if (!onnx_is_encoded(parts, index, c))
        return;
    if (c->scale <= 0) {
        put_cast(b, c->wire_name, "/decode", c->wire_name, tensor->name, tensor->type);
        return;
    }
    joined(&real, c->wire_name, "/float32");
    b->failed = b->failed || real.failed;
    if (!real.failed)
        put_linear(b, "DequantizeLinear", c->wire_name, "/decode", c->wire_name,
                   tensor->type == KERF_FLOAT32 ? tensor->name : (const char *)real.data);
    if (!real.failed && tensor->type != KERF_FLOAT32)
        put_cast(b, c->wire_name, "/narrow", (const char *)real.data, tensor->name, tensor->type);
    onnx_bytes_clear(&real);
}
