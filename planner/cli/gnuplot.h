/* Pictures, drawn by gnuplot as a child process. */
#ifndef KERF_CLI_GNUPLOT_H
#define KERF_CLI_GNUPLOT_H

#include "planner/cli/output.h"

/* Writes `text` as a gnuplot string in double quotes: nothing in it is taken for a command, an
 * escape or markup (the script must say `noenhanced`). */
void cli_gnuplot_string(FILE *script, const char *text);

/* Begins a script: the terminal that the file's ending asks for, of this size in an SVG's pixels (a
 * PNG has twice as many), and UTF-8. */
void cli_gnuplot_begin(FILE *script, const char *path, int width, int height);

/* Runs the script (its output goes to gnuplot's stdout) and puts the picture at `path`, which is
 * replaced only once the picture is complete. `title` and `description` become those of an SVG.
 * Reports its errors. */
cli_exit cli_gnuplot_run(FILE *script, const char *path, const char *title,
                         const char *description);

#endif
