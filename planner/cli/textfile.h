/* Text that appears as a complete file or not at all. */
#ifndef KERF_CLI_TEXTFILE_H
#define KERF_CLI_TEXTFILE_H

#include "planner/cli/output.h"

/* Written to like any stream; cli_textfile_end puts it at its place, replacing what was there. */
typedef struct cli_textfile {
    FILE *stream;
    char *text;
    size_t size;
} cli_textfile;

/* Both report their errors. */
cli_exit cli_textfile_begin(cli_textfile *file);
cli_exit cli_textfile_end(cli_textfile *file, const char *path);

#endif
