#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
} status_table[] = {
#define STATUS_ROW(code, text) [code] = {#code, text},
    KERF_STATUS_LIST(STATUS_ROW)
#undef STATUS_ROW
};

#define STATUS_COUNT (sizeof status_table / sizeof status_table[0])

const char *kerf_status_name(kerf_status status)
{
    size_t i = (size_t)status;
    return i < STATUS_COUNT ? status_table[i].name : "KERF_E_UNKNOWN";
}

const char *kerf_status_text(kerf_status status)
{
    size_t i = (size_t)status;
    return i < STATUS_COUNT ? status_table[i].text : "unknown status";
}

/* Takes away what snprintf left of a last character that it cut. */
static void drop_half_character(char *text)
{
    const size_t length = strlen(text);
    size_t tail = 0;
    while (tail < 3 && tail < length && ((unsigned char)text[length - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail == length)
        return;
    const unsigned char lead = (unsigned char)text[length - 1 - tail];
    const size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (tail < want)
        text[length - 1 - tail] = '\0';
}

/* Names in a message come from files: whatever they hold, an error stays one printable line of
 * whole UTF-8 sequences. */
static void make_one_line(char *text)
{
    drop_half_character(text);
    kerf_make_printable(text, ' ');
}

/* In parentheses as error.h may define a macro of this name. */
kerf_status(kerf_fail)(kerf_error *err, kerf_status code, const char *where, const char *format,
                       ...)
{
    if (err == NULL || err->code != KERF_OK)
        return code;
    err->code = code;
    snprintf(err->where, sizeof err->where, "%s", where != NULL ? where : "");
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    make_one_line(err->where);
    make_one_line(err->message);
    return code;
}

void kerf_error_source(kerf_error *err, const char *source)
{
    if (err == NULL || err->source[0] != '\0' || source == NULL)
        return;
    snprintf(err->source, sizeof err->source, "%s", source);
    make_one_line(err->source);
}

void kerf_error_clear(kerf_error *err)
{
    if (err == NULL)
        return;
    err->code = KERF_OK;
    err->source[0] = err->where[0] = err->message[0] = '\0';
}

const char *kerf_error_line(const kerf_error *err, char *buffer, size_t size)
{
    if (size == 0)
        return buffer;
    const char *message = err->message[0] != '\0' ? err->message : kerf_status_text(err->code);
    snprintf(buffer, size, "%s%s%s%s%s", err->source, err->source[0] != '\0' ? ": " : "",
             err->where, err->where[0] != '\0' ? ": " : "", message);
    make_one_line(buffer);
    return buffer;
}
