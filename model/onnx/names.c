#include "model/onnx/reader.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

uint64_t onnx_hash(const void *seed, const char *name)
{
    /* FNV-1a, seeded by where the seed happens to lie, with a final mix. */
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)(uintptr_t)seed;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

static size_t slot_of(const onnx_names *names, uint64_t hash, const char *name)
{
    size_t slot = (size_t)hash & (names->capacity - 1);
    while (names->entries[slot].name &&
           (names->entries[slot].hash != hash || strcmp(names->entries[slot].name, name) != 0))
        slot = (slot + 1) & (names->capacity - 1);
    return slot;
}

size_t onnx_names_find(const onnx_names *names, uint64_t hash, const char *name)
{
    if (!names->capacity)
        return KERF_NONE;
    size_t slot = slot_of(names, hash, name);
    return names->entries[slot].name ? names->entries[slot].value : KERF_NONE;
}

static bool grow(onnx_names *names)
{
    onnx_names wider = {.capacity = names->capacity ? names->capacity * 2 : 64, .n = names->n};
    wider.entries = kerf_calloc(wider.capacity, sizeof *wider.entries);
    if (!wider.entries)
        return false;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->entries[i].name)
            wider.entries[slot_of(&wider, names->entries[i].hash, names->entries[i].name)] =
                names->entries[i];
    free(names->entries);
    *names = wider;
    return true;
}

bool onnx_names_add(onnx_names *names, uint64_t hash, const char *name, size_t value)
{
    if (names->n >= names->capacity / 4 * 3 && !grow(names))
        return false;
    struct onnx_names_entry *entry = &names->entries[slot_of(names, hash, name)];
    if (!entry->name)
        names->n++;
    *entry = (struct onnx_names_entry){.name = name, .hash = hash, .value = value};
    return true;
}

void onnx_names_clear(onnx_names *names)
{
    free(names->entries);
    *names = (onnx_names){0};
}

/* A value's name in the graph: with the function's prefix, where there is one. */
static size_t add_value(const onnx_scope *scope, const char *name, size_t length, size_t *prefix)
{
    *prefix = 0;
    if (!scope->prefix)
        return ir_add_value(scope->graph, name, length);
    *prefix = strlen(scope->prefix) + 1;
    char *joined = kerf_calloc(*prefix + length + 1, 1);
    if (!joined)
        return KERF_NONE;
    memcpy(joined, scope->prefix, *prefix - 1);
    joined[*prefix - 1] = '/';
    memcpy(joined + *prefix, name, length);
    size_t index = ir_add_value(scope->graph, joined, *prefix + length);
    free(joined);
    return index;
}

size_t onnx_scope_value(onnx_scope *scope, const char *name, size_t length)
{
    uint64_t hash = onnx_hash(scope->reader, name);
    size_t index = onnx_names_find(&scope->names, hash, name), prefix;
    if (index != KERF_NONE)
        return index;
    if (scope->graph->n_values == IR_MAX_VALUES) {
        (void)ONNX_FAIL(scope->reader, KERF_E_TOO_LARGE, name, "the graph has too many tensors");
        return KERF_NONE;
    }
    index = add_value(scope, name, length, &prefix);
    if (index == KERF_NONE ||
        !onnx_names_add(&scope->names, hash, scope->graph->values[index].name + prefix, index)) {
        (void)ONNX_FAIL(scope->reader, KERF_E_NOMEM, NULL, "out of memory for tensor '%.100s'",
                        name);
        return KERF_NONE;
    }
    return index;
}
