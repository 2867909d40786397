#include "planner/map/vertices.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PLANES 4096
#define TINY        1e-18 /* what is smaller is nothing */
#define PROOF       1e-9  /* relative gap that counts as proven, as the solvers' */
#define WORDS       ((MOST_PLANES + 2 * VERTICES_DIMENSIONS) / 64 + 1)

/* Constraints are the box's faces, low and high of each dimension, and then the planes. */
typedef struct vertex {
    double p[VERTICES_DIMENSIONS], z;
    bool asked;
    uint64_t tight[WORDS];
} vertex;

typedef struct hull {
    const vertices_search *s;
    vertex **list;
    size_t n, capacity;
    size_t n_planes;
    kerf_error *err;
} hull;

static void set_tight(vertex *v, size_t constraint)
{
    v->tight[constraint / 64] |= UINT64_C(1) << constraint % 64;
}

static bool is_tight(const vertex *v, size_t constraint)
{
    return v->tight[constraint / 64] >> constraint % 64 & 1;
}

static size_t words_of(const hull *h)
{
    return (h->n_planes + 2 * h->s->n) / 64 + 1;
}

static double plane_at(const hull *h, const vertices_plane *plane, const double *p)
{
    double z = plane->c[0];
    for (size_t k = 0; k < h->s->n; k++)
        z += plane->c[k + 1] * p[k];
    return z;
}

static kerf_status no_memory(const hull *h)
{
    return kerf_fail(h->err, KERF_E_NOMEM, NULL, "out of memory for %zu prices", h->n + 1);
}

static vertex *append(hull *h)
{
    if (kerf_reserve(&h->list, &h->capacity, h->n + 1, SIZE_MAX / 2, sizeof *h->list) != 0)
        return NULL;
    vertex *v = kerf_calloc(1, sizeof *v);
    if (v)
        h->list[h->n++] = v;
    return v;
}

/* The box's corners on the first plane. */
static kerf_status start(hull *h)
{
    const vertices_search *s = h->s;
    double middle[VERTICES_DIMENSIONS];
    vertices_plane plane = {{0}, 0};
    for (size_t k = 0; k < s->n; k++)
        middle[k] = s->low[k] + (s->high[k] - s->low[k]) / 2;
    const kerf_status status = s->oracle(s->context, middle, &plane, h->err);
    if (status != KERF_OK)
        return status;
    for (unsigned corner = 0; corner < 1U << s->n; corner++) {
        vertex *v = append(h);
        if (!v)
            return no_memory(h);
        for (size_t k = 0; k < s->n; k++) {
            const bool high = corner >> k & 1;
            v->p[k] = high ? s->high[k] : s->low[k];
            set_tight(v, 2 * k + high);
        }
        v->z = plane_at(h, &plane, v->p);
        set_tight(v, 2 * s->n);
    }
    h->n_planes = 1;
    return KERF_OK;
}

/* --- cutting with a plane --- */

typedef struct cutter {
    const vertices_plane *plane;
    size_t constraint; /* the plane's */
    size_t n_old;
    double *above; /* by old vertex: the plane less the vertex; below 0 it is cut off */
} cutter;

/* Whether two vertices are the ends of an edge: at least n constraints are tight at both, and at no
 * third vertex all of these. */
static bool is_edge(const hull *h, size_t a, size_t b, size_t n_old)
{
    const size_t words = words_of(h);
    uint64_t common[WORDS];
    size_t shared = 0;
    for (size_t w = 0; w < words; w++) {
        common[w] = h->list[a]->tight[w] & h->list[b]->tight[w];
        shared += (size_t)__builtin_popcountll(common[w]);
    }
    if (shared < h->s->n)
        return false;
    for (size_t i = 0; i < n_old; i++) {
        size_t w = 0;
        while (w < words && (h->list[i]->tight[w] & common[w]) == common[w])
            w++;
        if (w == words && i != a && i != b)
            return false;
    }
    return true;
}

/* Where the plane meets the edge from a vertex that stays to one that goes. */
static kerf_status meet(hull *h, const cutter *c, size_t stays, size_t goes)
{
    vertex *v = append(h);
    if (!v)
        return no_memory(h);
    const vertex *a = h->list[stays], *b = h->list[goes];
    const double share = c->above[stays] / (c->above[stays] - c->above[goes]);
    for (size_t k = 0; k < h->s->n; k++)
        v->p[k] = a->p[k] == b->p[k] ? a->p[k] : a->p[k] + share * (b->p[k] - a->p[k]);
    v->z = plane_at(h, c->plane, v->p);
    for (size_t w = 0; w < words_of(h); w++)
        v->tight[w] = a->tight[w] & b->tight[w];
    set_tight(v, c->constraint);
    return KERF_OK;
}

/* Under a corner of the box the envelope ends in a line straight down. */
static kerf_status drop_corner(hull *h, const cutter *c, size_t goes)
{
    for (size_t k = 0; k < h->s->n; k++)
        if (!is_tight(h->list[goes], 2 * k) && !is_tight(h->list[goes], 2 * k + 1))
            return KERF_OK;
    vertex *v = append(h);
    if (!v)
        return no_memory(h);
    const vertex *from = h->list[goes];
    memcpy(v->p, from->p, sizeof v->p);
    v->z = plane_at(h, c->plane, v->p);
    for (size_t k = 0; k < 2 * h->s->n; k++)
        if (is_tight(from, k))
            set_tight(v, k);
    set_tight(v, c->constraint);
    return KERF_OK;
}

static void remove_cut_off(hull *h, const cutter *c)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        if (i < c->n_old && c->above[i] < 0)
            free(h->list[i]);
        else
            h->list[n++] = h->list[i];
    h->n = n;
}

static kerf_status cut(hull *h, const vertices_plane *plane)
{
    if (h->n_planes == MOST_PLANES)
        return kerf_fail(h->err, KERF_E_TOO_LARGE, NULL,
                         "more than %d placements are best somewhere in the box", MOST_PLANES);
    cutter c = {plane, 2 * h->s->n + h->n_planes, h->n, kerf_calloc(h->n, sizeof *c.above)};
    kerf_status status = c.above ? KERF_OK : no_memory(h);
    h->n_planes++;
    for (size_t i = 0; status == KERF_OK && i < c.n_old; i++) {
        const double slack = plane_at(h, plane, h->list[i]->p) - h->list[i]->z;
        c.above[i] = fabs(slack) <= h->s->tolerance * fabs(h->list[i]->z) ? 0 : slack;
        if (c.above[i] == 0)
            set_tight(h->list[i], c.constraint);
    }
    for (size_t i = 0; status == KERF_OK && i < c.n_old; i++) {
        if (c.above[i] >= 0)
            continue;
        status = drop_corner(h, &c, i);
        for (size_t k = 0; status == KERF_OK && k < c.n_old; k++)
            if (c.above[k] > 0 && is_edge(h, k, i, c.n_old))
                status = meet(h, &c, k, i);
    }
    if (status == KERF_OK)
        remove_cut_off(h, &c);
    free(c.above);
    return status;
}

/* --- the search --- */

static vertex *next_open(const hull *h)
{
    for (size_t i = 0; i < h->n; i++)
        if (!h->list[i]->asked)
            return h->list[i];
    return NULL;
}

static kerf_status ask(hull *h, vertex *v)
{
    vertices_plane plane = {{0}, 0};
    const double z = v->z, slack = h->s->tolerance * fabs(z) + TINY;
    const kerf_status status = h->s->oracle(h->s->context, v->p, &plane, h->err);
    if (status != KERF_OK)
        return status;
    if (plane_at(h, &plane, v->p) < z - slack)
        return cut(h, &plane);
    if (plane.bound < z - PROOF * fabs(z) - TINY)
        return kerf_fail(h->err, KERF_E_INTERNAL, "prices",
                         "a minimum cut proves %.17g for a placement of %.17g", plane.bound, z);
    v->asked = true;
    return KERF_OK;
}

kerf_status vertices_find(const vertices_search *search, kerf_error *err)
{
    hull h = {.s = search, .err = err};
    kerf_status status = start(&h);
    vertex *open;
    while (status == KERF_OK && (open = next_open(&h)) != NULL)
        status = ask(&h, open);
    for (size_t i = 0; i < h.n; i++)
        free(h.list[i]);
    free(h.list);
    return status;
}
