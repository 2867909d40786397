/* Tables of text for people, and rows of comma-separated values for programs. */
#ifndef KERF_CLI_TABLE_H
#define KERF_CLI_TABLE_H

#include "planner/cli/output.h"

/* Cells are added row by row; columns are as wide as their widest cell. An allocation that fails
 * is remembered and reported by cli_table_print. */
typedef struct cli_table cli_table;

/* One letter per column: 'l' left, 'r' right aligned, 'f' left and shortened in its middle where
 * the table would be wider than `width` (0: unlimited). NULL without memory. */
cli_table *cli_table_create(const char *columns, size_t width);
void cli_table_destroy(cli_table **table);

void cli_table_cell(cli_table *table, const char *format, ...) KERF_PRINTF(2, 3);
void cli_table_quantity(cli_table *table, double value, kerf_quantity kind);
/* Marks the row of the next cell as a heading (bold on a terminal) or as following a blank line. */
void cli_table_heading(cli_table *table);
void cli_table_space(cli_table *table);

/* False if memory ran out on the way. */
bool cli_table_print(const cli_table *table, FILE *stream);

/* One value of a CSV row: text quoted where it must be, numbers in full; `first` has no comma
 * before it. NAN and infinities are empty. */
void cli_csv_text(FILE *stream, bool first, const char *text);
void cli_csv_number(FILE *stream, bool first, double value);
void cli_csv_header(FILE *stream, const char *const *names, size_t n);

#endif
