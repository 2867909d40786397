/* Building JSON answers. Failures (no memory, text that is not UTF-8) are remembered in the
 * builder and reported once, when the document is printed. */
#ifndef KERF_CLI_JSON_OUT_H
#define KERF_CLI_JSON_OUT_H

#include "planner/cli/output.h"

#include <jansson.h>
#include <stdint.h>

typedef struct cli_json {
    bool failed;
} cli_json;

/* Each puts a value into an object. Infinities and NAN become null. put and append take over
 * `value`, which may be NULL after a failed allocation. */
void cli_json_put(cli_json *j, json_t *object, const char *key, json_t *value);
void cli_json_append(cli_json *j, json_t *array, json_t *value);
void cli_json_number(cli_json *j, json_t *object, const char *key, double value);
void cli_json_count(cli_json *j, json_t *object, const char *key, int64_t value);
void cli_json_bool(cli_json *j, json_t *object, const char *key, bool value);
/* NULL becomes null; bytes that are no UTF-8 become U+FFFD. */
void cli_json_text(cli_json *j, json_t *object, const char *key, const char *value);
json_t *cli_json_string(cli_json *j, const char *value);

/* A number: real, or null where it is not finite; an integer where it counts bytes. */
json_t *cli_json_real(double value);
void cli_json_bytes(cli_json *j, json_t *object, const char *key, double bytes);

/* Prints and frees the document. CLI_FAILED, with a message, if building it failed. */
cli_exit cli_json_print(cli_json *j, json_t *document);

#endif
