#include "planner/map/cells.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Relative differences: above MARGIN one is the larger, whatever rounding did; up to SAME they
 * count as equal. What lies between may be either, so that every difference is settled at last. */
#define MARGIN     2e-14
#define SAME       4e-13
#define NARROW     1e-12    /* relative width of a border */
#define FEW        4        /* candidates left in a cell of several axes */
#define MAX_DEPTH  4096     /* along one axis, where NARROW ends it long before */
#define MOST_CELLS 4096     /* along several */
#define MOST_STEPS 200000   /* along one */
#define MOST_WORK  50000000 /* figures: a hostile file could have them cut up for ever */
#define CORNERS    (1U << CUT_AXES)

typedef enum keeping { NEVER, PARTLY, ALWAYS } keeping;

typedef struct builder {
    const cut_field *field;
    cut_cells *out;
    uint8_t *seen; /* best at some corner */
    cut_stop *stop;
    void *context;
    int axis[CUT_AXES]; /* those that vary */
    int n_axes;
    size_t done; /* figures so far */
    kerf_error *err;
} builder;

/* A cell and what is worked out about it. */
typedef struct work {
    double low[CUT_AXES], high[CUT_AXES];
    const uint32_t *active;
    size_t n;
    unsigned n_corners;
    double *value;        /* n by n_corners, corner 0 being low: objective */
    double *bound;        /* likewise: the lower bound */
    uint8_t *keeps;       /* n, of keeping */
    size_t best[CORNERS]; /* by corner: best that keeps the limits there; KERF_NONE */
    size_t mark[CORNERS]; /* by corner: best of those that keep them always */
} work;

static void corner_of(const builder *b, const work *w, unsigned corner, double y[CUT_AXES])
{
    memcpy(y, w->low, sizeof w->low);
    for (int k = 0; k < b->n_axes; k++)
        if (corner >> k & 1)
            y[b->axis[k]] = w->high[b->axis[k]];
}

/* Figures of every active candidate at a corner, and who is best there. */
static void price_corner(const builder *b, work *w, unsigned corner)
{
    const cut_field *f = b->field;
    double y[CUT_AXES], least = INFINITY;
    cut_outlook at;
    corner_of(b, w, corner, y);
    cut_outlook_hard(f, y, &at);
    w->best[corner] = KERF_NONE;
    for (size_t i = 0; i < w->n; i++) {
        cut_worth worth;
        cut_worth_at(f, w->active[i], &at, &worth);
        w->value[i * w->n_corners + corner] = worth.objective;
        const double excess = cut_excess(f, &worth);
        if (corner == 0)
            w->keeps[i] = excess > MARGIN ? NEVER : PARTLY;
        if (corner == w->n_corners - 1 && w->keeps[i] != NEVER && excess <= -MARGIN)
            w->keeps[i] = ALWAYS;
        if (excess <= 0 && (worth.objective < least || w->best[corner] == KERF_NONE)) {
            least = worth.objective;
            w->best[corner] = i;
        }
    }
}

static void bound_all(const builder *b, work *w)
{
    cut_outlook at;
    cut_outlook_hard(b->field, w->low, &at);
    for (size_t i = 0; i < w->n; i++) {
        double slope[CUT_AXES];
        cut_slope_at(b->field, w->active[i], &at, slope);
        for (unsigned c = 0; c < w->n_corners; c++) {
            double bound = w->value[i * w->n_corners];
            for (int k = 0; k < b->n_axes; k++)
                if (c >> k & 1)
                    bound += slope[b->axis[k]] * (w->high[b->axis[k]] - w->low[b->axis[k]]);
            w->bound[i * w->n_corners + c] = bound;
        }
    }
}

static void find_marks(work *w)
{
    for (unsigned c = 0; c < w->n_corners; c++) {
        w->mark[c] = KERF_NONE;
        for (size_t i = 0; i < w->n; i++)
            if (w->keeps[i] == ALWAYS &&
                (w->mark[c] == KERF_NONE ||
                 w->value[i * w->n_corners + c] < w->value[w->mark[c] * w->n_corners + c]))
                w->mark[c] = i;
    }
}

/* i is worse than j all over the cell. */
static bool is_worse(const work *w, size_t i, size_t j)
{
    const double *bound = w->bound + i * w->n_corners, *value = w->value + j * w->n_corners;
    for (unsigned c = 0; c < w->n_corners; c++)
        if (!(bound[c] > value[c] * (1 + MARGIN)))
            return false;
    return true;
}

/* i is nowhere better than j by more than rounding. */
static bool is_no_better(const work *w, size_t i, size_t j)
{
    const double *bound = w->bound + i * w->n_corners, *value = w->value + j * w->n_corners;
    for (unsigned c = 0; c < w->n_corners; c++)
        if (!(bound[c] >= value[c] * (1 - SAME)))
            return false;
    return true;
}

/* Those that can be best, into `left`. */
static size_t drop_worse(const work *w, uint32_t *left, uint8_t *left_keeps)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        bool drop = w->keeps[i] == NEVER;
        for (unsigned c = 0; c < w->n_corners && !drop; c++)
            drop = w->mark[c] != KERF_NONE && w->mark[c] != i && is_worse(w, i, w->mark[c]);
        if (!drop) {
            left_keeps[n] = w->keeps[i];
            left[n++] = w->active[i];
        }
    }
    return n;
}

/* All that are left keep the limits and are the same within rounding. */
static bool all_equal(const work *w, const uint32_t *left, size_t n)
{
    size_t first = KERF_NONE;
    for (size_t i = 0, k = 0; i < w->n && k < n; i++) {
        if (w->active[i] != left[k])
            continue;
        k++;
        if (w->keeps[i] != ALWAYS)
            return false;
        if (first == KERF_NONE)
            first = i;
        else if (!is_no_better(w, i, first) || !is_no_better(w, first, i))
            return false;
    }
    return true;
}

static bool is_narrow(const builder *b, const work *w)
{
    for (int k = 0; k < b->n_axes; k++) {
        const double low = w->low[b->axis[k]], high = w->high[b->axis[k]];
        if (high - low > NARROW * high)
            return false;
    }
    return true;
}

/* The axis along which the candidates' figures spread most. */
static int widest_axis(const builder *b, const work *w)
{
    int widest = 0;
    double most = -1;
    for (int k = 0; k < b->n_axes; k++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < w->n; i++) {
            if (w->keeps[i] == NEVER)
                continue;
            const double *value = w->value + i * w->n_corners;
            const double step = value[1U << k] - value[0];
            low = fmin(low, step);
            high = fmax(high, step);
        }
        if (high - low > most) {
            most = high - low;
            widest = k;
        }
    }
    return widest;
}

static double middle_of(int axis, double low, double high)
{
    const double middle =
        axis == CUT_UP || axis == CUT_DOWN ? sqrt(low) * sqrt(high) : low + (high - low) / 2;
    return middle > low && middle < high ? middle : low;
}

static kerf_status no_memory(const builder *b)
{
    return kerf_fail(b->err, KERF_E_NOMEM, NULL, "out of memory while mapping the conditions");
}

static kerf_status add_cell(builder *b, const work *w, const uint32_t *list, size_t n,
                            cut_cell_kind kind, int32_t *node)
{
    cut_cells *out = b->out;
    if (kerf_reserve(&out->cells, &out->cap_cells, out->n_cells + 1, INT32_MAX,
                     sizeof *out->cells) != 0 ||
        kerf_reserve(&out->lists, &out->cap_lists, out->n_lists + n, UINT32_MAX,
                     sizeof *out->lists) != 0)
        return no_memory(b);
    cut_cell *cell = &out->cells[out->n_cells];
    *cell = (cut_cell){.first = (uint32_t)out->n_lists, .n = (uint32_t)n, .kind = kind};
    memcpy(cell->low, w->low, sizeof w->low);
    memcpy(cell->high, w->high, sizeof w->high);
    for (size_t i = 0; i < n; i++)
        out->lists[out->n_lists++] = list[i];
    *node = ~(int32_t)out->n_cells++;
    return KERF_OK;
}

static bool all_seen(const builder *b, const uint32_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!b->seen[list[i]])
            return false;
    return true;
}

/* Whether the cell needs no splitting, and what it is then. */
static bool is_done(const builder *b, const work *w, const uint32_t *left, const uint8_t *keeps,
                    size_t n, unsigned depth, cut_cell_kind *kind)
{
    *kind = CUT_CELL_PLAIN;
    if (n == 0 || (n == 1 && keeps[0] == ALWAYS))
        return true;
    *kind = CUT_CELL_NARROW;
    if (b->n_axes == 0 || is_narrow(b, w))
        return true;
    *kind = CUT_CELL_EQUAL;
    if (all_equal(w, left, n))
        return true;
    *kind = CUT_CELL_MIXED;
    if (b->done >= MOST_WORK)
        return true;
    if (b->n_axes == 1)
        return depth >= MAX_DEPTH || b->out->n_cells >= MOST_STEPS;
    return depth >= 12 + 2 * (unsigned)b->n_axes || b->out->n_cells >= MOST_CELLS ||
           (n <= FEW && all_seen(b, left, n));
}

static kerf_status build(builder *b, const double low[CUT_AXES], const double high[CUT_AXES],
                         const uint32_t *active, size_t n, unsigned depth, int32_t *node);

static kerf_status split(builder *b, const work *w, const uint32_t *left, size_t n, unsigned depth,
                         int32_t *node)
{
    cut_cells *out = b->out;
    const int axis = b->axis[widest_axis(b, w)];
    const double at = middle_of(axis, w->low[axis], w->high[axis]);
    if (!(at > w->low[axis])) /* as narrow as numbers can tell */
        return add_cell(b, w, left, n, CUT_CELL_NARROW, node);
    if (kerf_reserve(&out->splits, &out->cap_splits, out->n_splits + 1, INT32_MAX,
                     sizeof *out->splits) != 0)
        return no_memory(b);
    const size_t self = out->n_splits++;
    *node = (int32_t)self;
    double middle[CUT_AXES];
    memcpy(middle, w->high, sizeof middle);
    middle[axis] = at;
    int32_t child[2] = {0, 0};
    kerf_status status = build(b, w->low, middle, left, n, depth + 1, &child[0]);
    if (status == KERF_OK) {
        memcpy(middle, w->low, sizeof middle);
        middle[axis] = at;
        status = build(b, middle, w->high, left, n, depth + 1, &child[1]);
    }
    out->splits[self] = (cut_split){at, child[0], child[1], (uint32_t)axis};
    return status;
}

static kerf_status examine(builder *b, work *w, unsigned depth, int32_t *node)
{
    uint32_t *left = kerf_calloc(w->n, sizeof *left);
    uint8_t *keeps = kerf_calloc(w->n, 1);
    kerf_status status = KERF_OK;
    if (!left || !keeps) {
        status = no_memory(b);
        goto out;
    }
    for (unsigned c = 0; c < w->n_corners; c++)
        price_corner(b, w, c);
    b->done += w->n * w->n_corners;
    for (unsigned c = 0; c < w->n_corners && !is_narrow(b, w); c++)
        if (w->best[c] != KERF_NONE)
            b->seen[w->active[w->best[c]]] = 1;
    bound_all(b, w);
    find_marks(w);
    const size_t n = drop_worse(w, left, keeps);
    cut_cell_kind kind;
    if (is_done(b, w, left, keeps, n, depth, &kind)) {
        status = add_cell(b, w, left, n, kind, node);
    } else {
        free(keeps);
        keeps = NULL;
        status = split(b, w, left, n, depth, node);
    }
out:
    free(left);
    free(keeps);
    return status;
}

static kerf_status build(builder *b, const double low[CUT_AXES], const double high[CUT_AXES],
                         const uint32_t *active, size_t n, unsigned depth, int32_t *node)
{
    if (b->stop && b->stop(b->context))
        return kerf_fail(b->err, KERF_E_TIME_LIMIT, NULL, "stopped before the map was complete");
    work w = {.active = active, .n = n, .n_corners = 1U << b->n_axes};
    memcpy(w.low, low, sizeof w.low);
    memcpy(w.high, high, sizeof w.high);
    w.value = kerf_calloc(n, w.n_corners * sizeof *w.value);
    w.bound = kerf_calloc(n, w.n_corners * sizeof *w.bound);
    w.keeps = kerf_calloc(n, 1);
    const kerf_status status =
        w.value && w.bound && w.keeps ? examine(b, &w, depth, node) : no_memory(b);
    free(w.value);
    free(w.bound);
    free(w.keeps);
    return status;
}

/* Of a finished subdivision: those that are best somewhere but in a border. */
static void find_needed(const builder *b, uint8_t *needed)
{
    const cut_cells *cells = b->out;
    for (size_t i = 0; b->n_axes != 1 && i < b->field->n; i++)
        needed[i] = b->seen[i];
    for (size_t i = 0; i < cells->n_cells; i++) {
        const cut_cell *cell = &cells->cells[i];
        const uint32_t *list = cells->lists + cell->first;
        if (cell->n == 0 || (cell->kind == CUT_CELL_NARROW && b->n_axes == 1 && cells->n_cells > 1))
            continue;
        if (cell->kind == CUT_CELL_PLAIN || cell->kind == CUT_CELL_EQUAL)
            needed[list[0]] = 1;
        for (uint32_t k = 0; cell->kind == CUT_CELL_MIXED && k < cell->n; k++)
            needed[list[k]] = 1;
        if (cell->kind == CUT_CELL_NARROW) {
            cut_outlook at;
            cut_outlook_hard(b->field, cell->low, &at);
            const size_t best = cut_field_best_of(b->field, list, cell->n, &at);
            if (best != KERF_NONE)
                needed[best] = 1;
        }
    }
}

kerf_status cut_cells_create(const cut_field *field, const double low[CUT_AXES],
                             const double high[CUT_AXES], cut_stop *stop, void *context,
                             cut_cells *cells, uint8_t *seen, kerf_error *err)
{
    cut_cells made = {0};
    builder b = {.field = field,
                 .out = &made,
                 .seen = kerf_calloc(field->n, 1),
                 .stop = stop,
                 .context = context,
                 .err = err};
    for (int k = 0; k < CUT_AXES; k++)
        if (high[k] > low[k])
            b.axis[b.n_axes++] = k;
    made.n_axes = b.n_axes;
    uint32_t *all = kerf_calloc(field->n, sizeof *all);
    int32_t root = 0;
    kerf_status status = all && b.seen ? KERF_OK : no_memory(&b);
    for (size_t i = 0; all && i < field->n; i++)
        all[i] = (uint32_t)i;
    if (status == KERF_OK)
        status = build(&b, low, high, all, field->n, 0, &root);
    if (status == KERF_OK && seen)
        find_needed(&b, seen);
    free(all);
    free(b.seen);
    if (status == KERF_OK)
        *cells = made;
    else
        cut_cells_clear(&made);
    return status;
}

void cut_cells_clear(cut_cells *cells)
{
    free(cells->cells);
    free(cells->lists);
    free(cells->splits);
    *cells = (cut_cells){0};
}

const cut_cell *cut_cells_at(const cut_cells *cells, const double y[CUT_AXES])
{
    if (cells->n_splits == 0)
        return &cells->cells[0];
    int32_t node = 0;
    while (node >= 0) {
        const cut_split *s = &cells->splits[node];
        node = y[s->axis] <= s->at ? s->left : s->right;
    }
    return &cells->cells[~node];
}

void cut_box_hardship(const kerf_map_box *box, double low[CUT_AXES], double high[CUT_AXES])
{
    const kerf_conditions easy = {box->uplink_bps[1], box->downlink_bps[1], box->rtt_s[0],
                                  box->server_load[0]},
                          hard = {box->uplink_bps[0], box->downlink_bps[0], box->rtt_s[1],
                                  box->server_load[1]};
    cut_hardship(&easy, low);
    cut_hardship(&hard, high);
}
