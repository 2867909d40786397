#include "planner/cli/json_out.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_INTEGER 9007199254740992.0 /* 2^53 */

void cli_json_put(cli_json *j, json_t *object, const char *key, json_t *value)
{
    j->failed = json_object_set_new(object, key, value) != 0 || j->failed;
}

void cli_json_append(cli_json *j, json_t *array, json_t *value)
{
    j->failed = json_array_append_new(array, value) != 0 || j->failed;
}

json_t *cli_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void cli_json_number(cli_json *j, json_t *object, const char *key, double value)
{
    cli_json_put(j, object, key, cli_json_real(value));
}

void cli_json_count(cli_json *j, json_t *object, const char *key, int64_t value)
{
    cli_json_put(j, object, key, json_integer((json_int_t)value));
}

void cli_json_bool(cli_json *j, json_t *object, const char *key, bool value)
{
    cli_json_put(j, object, key, json_boolean(value));
}

void cli_json_bytes(cli_json *j, json_t *object, const char *key, double bytes)
{
    if (isfinite(bytes) && fabs(bytes) < EXACT_INTEGER && rint(bytes) == bytes)
        cli_json_count(j, object, key, (int64_t)bytes);
    else
        cli_json_number(j, object, key, bytes);
}

static char *repaired(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const size_t each = sizeof replacement - 1;
    char *copy = kerf_calloc(strlen(text) + 1, each);
    size_t n = 0;
    while (copy && *text) {
        const size_t length = kerf_utf8_length(text);
        memcpy(copy + n, length ? text : replacement, length ? length : each);
        n += length ? length : each;
        text += length ? length : 1;
    }
    return copy;
}

json_t *cli_json_string(cli_json *j, const char *value)
{
    if (!value)
        return json_null();
    char *clean = repaired(value);
    json_t *string = clean ? json_string(clean) : NULL;
    free(clean);
    j->failed = j->failed || !string;
    return string;
}

void cli_json_text(cli_json *j, json_t *object, const char *key, const char *value)
{
    cli_json_put(j, object, key, cli_json_string(j, value));
}

cli_exit cli_json_print(cli_json *j, json_t *document)
{
    cli_exit status = CLI_DONE;
    if (j->failed || !document)
        status = cli_error(CLI_FAILED, "out of memory while writing JSON");
    else if (json_dumpf(document, stdout, JSON_INDENT(2)) != 0 && !ferror(stdout))
        status = cli_error(CLI_FAILED, "out of memory while writing JSON");
    else
        fputc('\n', stdout);
    json_decref(document);
    return status;
}
