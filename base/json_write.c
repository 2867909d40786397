#include "base/json_write.h"

#include "base/memory.h"
#include "base/real.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_TEXT     ((size_t)1 << 30)
#define EXACT_INTEGER 9007199254740992.0 /* 2^53 */

/* Room for n more bytes, or NULL once the writer has failed. */
static char *room(kerf_writer *w, size_t n)
{
    if (w->failed)
        return NULL;
    if (w->capacity - w->used < n &&
        (n > MOST_TEXT || kerf_reserve(&w->text, &w->capacity, w->used + n, MOST_TEXT, 1) != 0)) {
        w->failed = true;
        return NULL;
    }
    return w->text + w->used;
}

void kw_raw(kerf_writer *w, const char *text, size_t size)
{
    char *to = room(w, size);
    if (!to || size == 0)
        return;
    memcpy(to, text, size);
    w->used += size;
}

static void put(kerf_writer *w, char c)
{
    char *to = room(w, 1);
    if (!to)
        return;
    *to = c;
    w->used++;
}

static void separate(kerf_writer *w)
{
    if (w->comma)
        put(w, ',');
    w->comma = true;
}

void kw_begin(kerf_writer *w, char bracket)
{
    separate(w);
    put(w, bracket);
    w->comma = false;
}

void kw_end(kerf_writer *w, char bracket)
{
    put(w, bracket);
    w->comma = true;
}

void kw_key(kerf_writer *w, const char *key)
{
    separate(w);
    put(w, '"');
    kw_raw(w, key, strlen(key));
    kw_raw(w, "\":", 2);
    w->comma = false;
}

void kw_value(kerf_writer *w, const char *json, size_t size)
{
    separate(w);
    kw_raw(w, json, size);
}

void kw_null(kerf_writer *w)
{
    kw_value(w, "null", 4);
}

void kw_bool(kerf_writer *w, bool value)
{
    kw_value(w, value ? "true" : "false", value ? 4 : 5);
}

void kw_number(kerf_writer *w, double value)
{
    char text[KERF_REAL_SIZE];
    if (isfinite(value))
        kw_value(w, text, kerf_write_real(value, text));
    else
        kw_null(w);
}

void kw_integer(kerf_writer *w, int64_t value)
{
    char text[KERF_REAL_SIZE];
    kw_value(w, text, kerf_write_integer(value, text));
}

void kw_bytes(kerf_writer *w, double bytes)
{
    if (isfinite(bytes) && fabs(bytes) < EXACT_INTEGER && rint(bytes) == bytes)
        kw_integer(w, (int64_t)bytes);
    else
        kw_number(w, bytes);
}

static void put_escaped(kerf_writer *w, unsigned char c)
{
    static const char named[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *at = memchr(meant, c, sizeof meant - 1);
    char text[8];
    if (at && c != '/') {
        text[0] = '\\';
        text[1] = named[at - meant];
        kw_raw(w, text, 2);
    } else {
        snprintf(text, sizeof text, "\\u%04x", c);
        kw_raw(w, text, 6);
    }
}

void kw_string(kerf_writer *w, const char *text)
{
    if (!text) {
        kw_null(w);
        return;
    }
    separate(w);
    put(w, '"');
    while (*text && !w->failed) {
        size_t plain = 0; /* printable ASCII at once */
        while (text[plain] >= ' ' && text[plain] < 0x7f && text[plain] != '"' &&
               text[plain] != '\\')
            plain++;
        kw_raw(w, text, plain);
        text += plain;
        if (!*text)
            break;
        const size_t length = kerf_utf8_length(text);
        if (length == 1)
            put_escaped(w, (unsigned char)*text);
        else if (length > 1)
            kw_raw(w, text, length);
        else
            kw_raw(w, "\xef\xbf\xbd", 3);
        text += length ? length : 1;
    }
    put(w, '"');
}

bool kw_finish(kerf_writer *w)
{
    char *to = room(w, 1);
    if (to)
        *to = '\0';
    return to != NULL;
}

void kw_put_number(kerf_writer *w, const char *key, double value)
{
    kw_key(w, key);
    kw_number(w, value);
}

void kw_put_integer(kerf_writer *w, const char *key, int64_t value)
{
    kw_key(w, key);
    kw_integer(w, value);
}

void kw_put_bytes(kerf_writer *w, const char *key, double bytes)
{
    kw_key(w, key);
    kw_bytes(w, bytes);
}

void kw_put_bool(kerf_writer *w, const char *key, bool value)
{
    kw_key(w, key);
    kw_bool(w, value);
}

void kw_put_string(kerf_writer *w, const char *key, const char *text)
{
    kw_key(w, key);
    kw_string(w, text);
}

void kw_put_begin(kerf_writer *w, const char *key, char bracket)
{
    kw_key(w, key);
    kw_begin(w, bracket);
}
