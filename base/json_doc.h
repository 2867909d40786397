/* The inside of a JSON document, for base/json*.c only. */
#ifndef KERF_BASE_JSON_DOC_H
#define KERF_BASE_JSON_DOC_H

#include "base/json.h"

#define KERF_JSON_KEY 32 /* longer keys get no suggestion */

/* A key that a getter asked for and did not find: what a misspelt one may have meant. */
typedef struct absent_key {
    const json_t *object;
    char key[KERF_JSON_KEY];
} absent_key;

struct kerf_json_doc {
    json_t *root;
    char *source;
    kerf_error *err; /* the caller's, or NULL */
    kerf_status status;
    /* Keys that were asked for, as the addresses of jansson's own copies: an open-addressing set
     * of a power of two entries, at most half of them used. */
    const char **known;
    size_t n_known, cap_known;
    absent_key *absent;
    size_t n_absent, cap_absent;
};

/* json_keys.c: which keys are known. */
bool kerf_json_mark_known(kerf_json_doc *doc, const char *key);
bool kerf_json_note_absent(kerf_json_doc *doc, const json_t *object, const char *key);
bool kerf_json_is_ignored(const kerf_json *object, const char *key);
/* Latches that a required key is missing. */
void kerf_json_missing(const kerf_json *object, const char *key);

#endif
