/* What the command prints: answers on stdout, everything else on stderr. */
#ifndef KERF_CLI_OUTPUT_H
#define KERF_CLI_OUTPUT_H

#include "kerf/kerf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit statuses; scripts rely on them. */
typedef enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,     /* unreadable or invalid input, I/O, out of memory */
    CLI_USAGE = 2,      /* wrong usage */
    CLI_INFEASIBLE = 3, /* no feasible answer */
    CLI_STOPPED = 4     /* stopped at the time limit with a plan whose gap is not zero */
} cli_exit;

#define CLI_WIDTH 100 /* columns of a table for people */

/* Opens /dev/null in the place of a standard stream that the caller closed, so that no file of
 * ours ever gets its number, and makes a closed pipe an error instead of a signal. */
void cli_streams_init(void);

/* Flushes and closes stdout. CLI_FAILED, with a message, if anything could not be written. */
cli_exit cli_streams_finish(cli_exit so_far);

/* "kerf: ..." on stderr: one line, control characters replaced. Both return their status. */
cli_exit cli_error(cli_exit status, const char *format, ...) KERF_PRINTF(2, 3);
cli_exit cli_report(cli_exit status, const kerf_error *err);

/* "kerf: warning: ..." on stderr, unless quiet. */
void cli_warning(bool quiet, const char *format, ...) KERF_PRINTF(2, 3);

/* The exit status of a failed library call. */
cli_exit cli_exit_of(kerf_status status);

/* True if the stream is a terminal that understands control sequences (TERM is not "dumb"); if it
 * is one, and its user did not ask for plain text (NO_COLOR). */
bool cli_is_terminal(FILE *stream);
bool cli_wants_color(FILE *stream);

/* Copies as much of text as fits, without what could drive a terminal; returns buffer. */
const char *cli_clean(const char *text, char *buffer, size_t size);

/* A quantity of so many significant digits as text; infinities and NAN by their names. */
typedef struct cli_number {
    char text[48];
} cli_number;
cli_number cli_quantity(double value, kerf_quantity kind, int digits);

/* Prints what `say` writes as the answer's first words: printable, wrapped, bold on a terminal.
 * False without memory. */
bool cli_print_answer(void (*say)(FILE *out, const void *context), const void *context);

/* Writes text wrapped at word ends, lines after the first indented by `indent` columns. `column`
 * is where the first line starts. Ends with a newline. */
void cli_wrap(FILE *stream, const char *text, size_t column, size_t indent, size_t width);

#endif
