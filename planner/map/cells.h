/* A box of conditions cut into cells, each with the few candidates that can be best in it.
 *
 * In a cell [low, high] of y (see planner/field.h) a candidate i is never best if another one j
 * keeps the limits all over it (its energy and latency do so at `high`) and
 *
 *     f_i(low) + slope_i(low) . (c - low) > f_j(c)                    at every corner c
 *
 * because the left side bounds f_i from below and is linear, and f_j is bounded from above by the
 * interpolation of its values at the corners: the difference of the two is multilinear, and so
 * least at a corner. Whatever cannot be dropped so far is looked at again in the halves of the
 * cell. Differences within rounding (MARGIN) drop nothing.
 *
 * Along one axis cells are split until one candidate is left, or a cell is so narrow that it is a
 * border; several that are the same within rounding all over a cell stay together in it. Along
 * several axes they are split until few candidates are left and each of them has been seen to be
 * the best somewhere. So a list may hold more than is needed, and never lacks what is. */
#ifndef KERF_PLANNER_CELLS_H
#define KERF_PLANNER_CELLS_H

#include "planner/map/field.h"

typedef enum cut_cell_kind {
    CUT_CELL_PLAIN,  /* its list's first keeps the limits and is best all over; or nothing does */
    CUT_CELL_EQUAL,  /* all of its list are the same within rounding */
    CUT_CELL_NARROW, /* no wider than a border */
    CUT_CELL_MIXED
} cut_cell_kind;

typedef struct cut_cell {
    double low[CUT_AXES], high[CUT_AXES]; /* in y */
    uint32_t first, n;                    /* its list; ascending */
    cut_cell_kind kind;
} cut_cell;

/* An inner node of the tree: y[axis] up to `at` goes left. Children are nodes, or ~cell. */
typedef struct cut_split {
    double at;
    int32_t left, right;
    uint32_t axis;
} cut_split;

typedef struct cut_cells {
    cut_cell *cells; /* ascending in y along one axis */
    size_t n_cells, cap_cells;
    uint32_t *lists;
    size_t n_lists, cap_lists;
    cut_split *splits; /* [0] is the root; none: cell 0 is all there is */
    size_t n_splits, cap_splits;
    int n_axes; /* that vary */
} cut_cells;

/* Cuts the box into cells. `seen`, if not NULL, has an entry for each candidate: set to 1 for those
 * that are needed (best in some cell that is no border; of equals, the first). KERF_E_NOMEM,
 * KERF_E_TIME_LIMIT where `stop` said so. */
typedef bool cut_stop(void *context);
kerf_status cut_cells_create(const cut_field *field, const double low[CUT_AXES],
                             const double high[CUT_AXES], cut_stop *stop, void *context,
                             cut_cells *cells, uint8_t *seen, kerf_error *err);
void cut_cells_clear(cut_cells *cells);

/* The cell of a point that is in the box. */
const cut_cell *cut_cells_at(const cut_cells *cells, const double y[CUT_AXES]);

/* The box's corners in y. */
void cut_box_hardship(const kerf_map_box *box, double low[CUT_AXES], double high[CUT_AXES]);

#endif
