#include "planner/solve/envelope.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define EXACT   1e-11 /* relative: an oracle's answer whose bound is so close is a minimum */
#define ROUNDED 4e-16 /* relative: what a product or a difference may be off by */

typedef struct line {
    double a, b;
    envelope_point at;
    size_t next;  /* the neighbour with larger b / a; SIZE_MAX at the end */
    double value; /* bound between this line and the next */
    bool closed;  /* asking between them again would bring nothing */
} line;

typedef struct hull {
    const envelope *e;
    line *lines;
    size_t n, capacity;
} hull;

/* Where a line is at q; q >= 0, a > 0. */
static double along(const line *l, double q)
{
    return fmax(0, (l->at.bound - l->b * q) / l->a);
}

/* Value where two lines meet, or less. The flatter they meet, the less rounding leaves certain of
 * where that is; along a line value is concave, so over what is possible it is least at an end. */
static double where_they_meet(const envelope *e, const line *i, const line *j)
{
    const double one = i->a * j->b, other = j->a * i->b, determinant = one - other;
    const double size = fabs(one) + fabs(other);
    if (!isnormal(determinant) || fabs(determinant) <= 1e-14 * size)
        return 0;
    const double above = i->a * j->at.bound, below = j->a * i->at.bound;
    double q = (above - below) / determinant;
    double p = (i->at.bound * j->b - j->at.bound * i->b) / determinant;
    if (!(i->a > 0)) /* a line of q alone is never the first of two */
        return 0;
    if (q < 0) { /* then the first line is the higher one wherever q >= 0 */
        q = 0;
        p = i->at.bound / i->a;
    } else if (p < 0 && j->b > 0) { /* and here the second one, wherever p >= 0 */
        p = 0;
        q = j->at.bound / j->b;
    }
    if (!(p >= 0 && q >= 0 && isfinite(p) && isfinite(q)))
        return 0;
    const double off = ROUNDED * (fabs(above) + fabs(below) + size * q) / fabs(determinant);
    const double low = fmax(0, q - off), high = q + off;
    return fmin(e->value(e->context, p, q), fmin(e->value(e->context, along(i, low), low),
                                                 e->value(e->context, along(i, high), high)));
}

/* Bound of everything between two lines: value where they meet. Between exact answers also value
 * at the lower left corner of the rectangle that they span, which is better where the lines are
 * nearly the same. */
static double between(const hull *h, const line *i, const line *j)
{
    const double p = fmin(i->at.p, j->at.p), q = fmin(i->at.q, j->at.q);
    double most = 0;
    double i_slack = i->a * i->at.p + i->b * i->at.q - i->at.bound;
    double j_slack = j->a * j->at.p + j->b * j->at.q - j->at.bound;
    if (i_slack <= EXACT * fabs(i->at.bound) && j_slack <= EXACT * fabs(j->at.bound)) {
        double share = fmax(i->a > 0 ? i_slack / i->a : 0, j->a > 0 ? j_slack / j->a : 0);
        most = h->e->value(h->e->context, fmax(0, p - share), q);
    }
    return fmax(most, where_they_meet(h->e, i, j));
}

/* Asks the oracle and puts the answer between line `after` and its next. */
static kerf_status ask(hull *h, double a, double b, size_t after, size_t *index, kerf_error *err)
{
    if (kerf_reserve(&h->lines, &h->capacity, h->n + 1, SIZE_MAX / 2, sizeof *h->lines) != 0)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu prices", h->n + 1);
    line *l = &h->lines[h->n];
    *l = (line){.a = a, .b = b, .next = SIZE_MAX};
    kerf_status status = h->e->oracle(h->e->context, a, b, &l->at, err);
    if (status != KERF_OK)
        return status;
    *index = h->n++;
    if (after != SIZE_MAX) {
        line *i = &h->lines[after];
        l->next = i->next;
        i->next = *index;
        i->value = between(h, i, l);
        if (l->next != SIZE_MAX)
            l->value = between(h, l, &h->lines[l->next]);
    }
    return KERF_OK;
}

/* The line with the least bound that is open; SIZE_MAX if none is below the best value. */
static size_t weakest(const hull *h)
{
    double least = *h->e->best * (1 - h->e->tolerance);
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < h->n; i++)
        if (h->lines[i].next != SIZE_MAX && !h->lines[i].closed && h->lines[i].value < least) {
            least = h->lines[i].value;
            found = i;
        }
    return found;
}

static kerf_status split(hull *h, size_t index, kerf_error *err)
{
    const envelope_point i = h->lines[index].at, j = h->lines[h->lines[index].next].at;
    double a = i.q - j.q, b = j.p - i.p;
    if (!(a > 0) || !(b > 0) || isinf(a) || isinf(b)) { /* no chord: one answer is the other's */
        h->lines[index].closed = true;
        return KERF_OK;
    }
    size_t middle = SIZE_MAX;
    b /= a;
    if (!isnormal(b)) { /* too steep or too flat for its digits to mean anything */
        h->lines[index].closed = true;
        return KERF_OK;
    }
    kerf_status status = ask(h, 1, b, index, &middle, err);
    if (status != KERF_OK)
        return status;
    const envelope_point *m = &h->lines[middle].at;
    /* Either the chord is an edge of the hull, or the answer is another point between the two (in
     * one of p and q it may equal one: an answer need not be the best in both). No point is so
     * twice, and there are finitely many: that ends the search, whatever rounding does. */
    const bool between_them = i.p <= m->p && m->p <= j.p && j.q <= m->q && m->q <= i.q &&
                              (i.p < m->p || m->q < i.q) && (m->p < j.p || j.q < m->q);
    if (!between_them || m->p + b * m->q >= (i.p + b * i.q) * (1 - 1e-14))
        h->lines[index].closed = h->lines[middle].closed = true;
    return KERF_OK;
}

static double least_bound(const hull *h)
{
    double least = INFINITY;
    for (size_t i = 0; i < h->n; i++)
        if (h->lines[i].next != SIZE_MAX)
            least = fmin(least, h->lines[i].value);
    return least;
}

kerf_status envelope_minimise(const envelope *e, double *bound, kerf_error *err)
{
    hull h = {.e = e};
    size_t first = SIZE_MAX, last = SIZE_MAX, at = 0;
    *bound = 0;
    bool single = e->first[0] * e->last[1] == e->last[0] * e->first[1];
    kerf_status status = ask(&h, e->first[0], e->first[1], SIZE_MAX, &first, err);
    if (status != KERF_OK)
        goto out;
    if (e->first[0] > 0) /* value does not fall along this line: it is least where q = 0 */
        *bound = e->value(e->context, h.lines[first].at.bound / e->first[0], 0);
    if (single || *bound >= *e->best * (1 - e->tolerance) || e->stopped(e->context))
        goto out;
    status = ask(&h, e->last[0], e->last[1], first, &last, err);
    while (status == KERF_OK && !e->stopped(e->context) && (at = weakest(&h)) != SIZE_MAX)
        status = split(&h, at, err);
    if (last != SIZE_MAX)
        *bound = fmax(*bound, least_bound(&h));
out:
    free(h.lines);
    return status;
}
