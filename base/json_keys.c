/* Every key that a getter asks for is remembered, found or not: the first so that all others are
 * unknown, the second to say what an unknown one may have been meant to be. */
#include "base/json_doc.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ABSENT 4096

static size_t slot_of(const char *key, size_t capacity)
{
    uint64_t hash = (uint64_t)(uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(hash >> 32) & (capacity - 1);
}

static bool is_known(const kerf_json_doc *doc, const char *key)
{
    if (doc->cap_known == 0)
        return false;
    size_t i = slot_of(key, doc->cap_known);
    while (doc->known[i] != NULL && doc->known[i] != key)
        i = (i + 1) & (doc->cap_known - 1);
    return doc->known[i] == key;
}

static void insert_known(const char **table, size_t capacity, const char *key)
{
    size_t i = slot_of(key, capacity);
    while (table[i] != NULL && table[i] != key)
        i = (i + 1) & (capacity - 1);
    table[i] = key;
}

static bool grow_known(kerf_json_doc *doc)
{
    size_t capacity = doc->cap_known == 0 ? 256 : doc->cap_known * 2;
    const char **table = kerf_calloc(capacity, sizeof *table);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < doc->cap_known; i++)
        if (doc->known[i] != NULL)
            insert_known(table, capacity, doc->known[i]);
    free(doc->known);
    doc->known = table;
    doc->cap_known = capacity;
    return true;
}

bool kerf_json_mark_known(kerf_json_doc *doc, const char *key)
{
    if (is_known(doc, key))
        return true;
    if (doc->n_known >= doc->cap_known / 2 && !grow_known(doc))
        return false;
    insert_known(doc->known, doc->cap_known, key);
    doc->n_known++;
    return true;
}

bool kerf_json_note_absent(kerf_json_doc *doc, const json_t *object, const char *key)
{
    if (doc->n_absent >= MAX_ABSENT || strlen(key) >= KERF_JSON_KEY)
        return true;
    if (kerf_reserve(&doc->absent, &doc->cap_absent, doc->n_absent + 1, MAX_ABSENT,
                     sizeof *doc->absent) != 0)
        return false;
    absent_key *entry = &doc->absent[doc->n_absent++];
    entry->object = object;
    snprintf(entry->key, sizeof entry->key, "%s", key);
    return true;
}

bool kerf_json_is_ignored(const kerf_json *object, const char *key)
{
    return strcmp(key, "notes") == 0 || (object->parent == NULL && strcmp(key, "$schema") == 0);
}

/* A required key is missing: is it there, but misspelt? */
void kerf_json_missing(const kerf_json *object, const char *key)
{
    const char *name, *likely = NULL;
    json_t *value;
    size_t best = SIZE_MAX;
    json_object_foreach(object->value, name, value)
    {
        if (!is_known(object->doc, name) && !kerf_json_is_ignored(object, name) &&
            kerf_resembles(name, key, &best))
            likely = name;
    }
    if (likely != NULL)
        kerf_json_fail(object, KERF_E_INVALID, "has no \"%s\" (is \"%s\" meant to be it?)", key,
                       likely);
    else
        kerf_json_fail(object, KERF_E_INVALID, "has no \"%s\", expected it", key);
}

bool kerf_json_done(const kerf_json *object)
{
    kerf_json_doc *doc = object->doc;
    if (doc->status != KERF_OK || !json_is_object(object->value))
        return false;
    const char *name;
    json_t *value;
    json_object_foreach(object->value, name, value)
    {
        if (is_known(doc, name) || kerf_json_is_ignored(object, name))
            continue;
        kerf_json at = {doc, value, object, name, 0};
        const char *likely = NULL;
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < doc->n_absent; i++)
            if (doc->absent[i].object == object->value &&
                kerf_resembles(name, doc->absent[i].key, &best))
                likely = doc->absent[i].key;
        if (likely != NULL)
            return kerf_json_fail(&at, KERF_E_INVALID, "is an unknown key, did you mean \"%s\"?",
                                  likely);
        return kerf_json_fail(&at, KERF_E_INVALID, "is an unknown key");
    }
    while (doc->n_absent > 0 && doc->absent[doc->n_absent - 1].object == object->value)
        doc->n_absent--;
    return true;
}
