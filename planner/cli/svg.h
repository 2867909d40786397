/* Charts as inline SVG for a page of HTML: drawn for a narrow screen (400 units wide), coloured by
 * the page's style sheet, told apart by dashes and shapes as well, with a title and a description
 * for those who do not see them. */
#ifndef KERF_CLI_SVG_H
#define KERF_CLI_SVG_H

#include "planner/cli/output.h"

#define SVG_COLOURS 8 /* classes c0 to c7 of the style sheet */

/* Text in HTML and SVG: nothing in it is markup. */
void svg_text(FILE *to, const char *text);

typedef enum svg_unit { SVG_QUANTITY, SVG_PERCENT, SVG_PLAIN } svg_unit;

typedef struct svg_axis {
    const char *title;
    svg_unit unit;
    kerf_quantity kind; /* of a quantity */
    bool log;
    double from, to; /* the values that must be seen; svg_* rounds them off */
} svg_axis;

/* Widens an axis so that it shows a value; NAN and what a logarithm lacks are passed over. */
void svg_axis_show(svg_axis *axis, double value);
svg_axis svg_axis_none(const char *title, svg_unit unit, kerf_quantity kind, bool log);

typedef struct svg_head {
    size_t id; /* unique on the page */
    const char *title, *description;
} svg_head;

typedef struct svg_line {
    const double *x, *y; /* NAN: passed over */
    size_t n, colour;
    bool steps; /* a value holds until the next */
} svg_line;
void svg_lines(FILE *to, const svg_head *head, svg_axis x, svg_axis y, const svg_line *lines,
               size_t n);

#define SVG_MAX_PARTS 6
typedef struct svg_row {
    const char *name, *label; /* label: at the right */
    double part[SVG_MAX_PARTS];
    double half_width; /* of the sum; NAN: none */
} svg_row;
/* A bar for each row, of parts beside each other; or its values as marks on a line. */
void svg_bars(FILE *to, const svg_head *head, svg_axis x, const svg_row *rows, size_t n,
              size_t parts);
void svg_marks(FILE *to, const svg_head *head, svg_axis x, const svg_row *rows, size_t n,
               size_t parts);

/* What a line, a part or a mark looks like, for a legend. */
void svg_line_key(FILE *to, size_t colour);
void svg_part_key(FILE *to, size_t colour);
void svg_mark_key(FILE *to, size_t mark);

#endif
