/* Comma-separated values, RFC 4180's quotes included, read in place from a text. Empty lines and
 * lines that begin with '#' are passed over.
 *
 *     kerf_csv csv = {.next = kerf_csv_begin(text), .line = 1};
 *     while (kerf_csv_next(&csv, err) == KERF_OK && csv.n > 0) ... csv.cells[0] ...
 */
#ifndef KERF_BASE_CSV_H
#define KERF_BASE_CSV_H

#include "kerf/status.h"

#define KERF_CSV_MOST_CELLS 64

typedef struct kerf_csv {
    char *next; /* where the text, which is cut up, goes on */
    size_t line;
    size_t record_line;               /* where the record begins */
    char *cells[KERF_CSV_MOST_CELLS]; /* without blanks at either end */
    size_t n;                         /* 0: the text is at its end */
} kerf_csv;

/* Where the text begins: behind a byte order mark, which spreadsheets write. */
char *kerf_csv_begin(char *text);

/* The next record. KERF_E_SYNTAX, KERF_E_INVALID (where: the line). */
kerf_status kerf_csv_next(kerf_csv *csv, kerf_error *err);

/* The same as kerf_fail, at the record's line. */
kerf_status kerf_csv_fail(const kerf_csv *csv, kerf_error *err, kerf_status code,
                          const char *format, ...) KERF_PRINTF(4, 5);

#endif
