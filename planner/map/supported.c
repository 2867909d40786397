#include "planner/map/supported.h"

#include "planner/map/vertices.h"
#include "planner/solve/cutgraph.h"
#include "planner/solve/family.h"
#include "planner/solve/linear.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-11 /* relative: what a placement that is not found may be better by */

/* A price as a number plus multiples of the free ones. */
typedef struct price_row {
    double fixed;
    double by[VERTICES_DIMENSIONS];
} price_row;

enum { DEVICE_S, DEVICE_J, SERVER_S, SERVER_J, UP_BYTE, DOWN_BYTE, PRICES };

typedef struct supported {
    const supported_search *s;
    const cut_problem *problem;
    cut_dag dag;
    uint8_t *pinned, *side, *x;
    double least[2], sum[2]; /* bytes by direction */
    kerf_link easy, hard;    /* the box's corners */
    double slowdown[2];      /* of the server, least and most */
    /* the family at hand */
    cut_graph *graph;
    price_row row[PRICES];
    vertices_search vertices;
} supported;

/* --- prices that the box can make --- */

/* Adds a free price in a range, or a fixed one where the range is a point. */
static void add_price(supported *u, int which, double low, double high)
{
    vertices_search *v = &u->vertices;
    if (!(high > low * (1 + 1e-12))) {
        u->row[which].fixed = low;
        return;
    }
    u->row[which].by[v->n] = 1;
    v->low[v->n] = low;
    v->high[v->n++] = high;
}

/* The slopes of a direction's cost at the box's easiest conditions and most bytes, and at its
 * hardest and fewest: no other is outside, as slopes fall with the bytes and rise with hardship. */
static void slope_range(const supported *u, const cut_weights *w, kerf_direction d, double range[2])
{
    cut_problem p = *u->problem;
    p.link = &u->easy;
    range[0] = cut_link_slope(&p, w, d, u->sum[d]);
    p.link = &u->hard;
    range[1] = cut_link_slope(&p, w, d, u->least[d]);
}

static void price_direction(supported *u, kerf_direction d, const cut_weights *weights, size_t n,
                            bool used)
{
    double low = INFINITY, high = 0;
    for (size_t i = 0; used && i < n; i++) {
        double range[2];
        slope_range(u, &weights[i], d, range);
        low = fmin(low, range[0]);
        high = fmax(high, range[1]);
    }
    if (used)
        add_price(u, d == KERF_UPLINK ? UP_BYTE : DOWN_BYTE, low, high);
}

/* Of a sum: weights are fixed. Of edp: a joule costs t, a second (1 - t) times what makes the two
 * alike in size, for 0 <= t <= 1. */
static void set_prices(supported *u, unsigned family)
{
    cut_weights ends[2];
    size_t n = 1;
    memset(u->row, 0, sizeof u->row);
    u->vertices.n = 0;
    if (!cut_objective_weights(u->problem, &ends[0])) {
        cut_value v;
        memset(u->x, 0, u->problem->n);
        cut_evaluate_costs(u->problem, u->x, &v);
        const double alike = v.latency_s > 0 && v.energy_J > 0 ? v.energy_J / v.latency_s : 1;
        ends[0] = (cut_weights){.latency = alike};
        ends[1] = (cut_weights){.energy = 1};
        n = 2;
        u->vertices.low[0] = 0;
        u->vertices.high[0] = 1;
        u->vertices.n = 1;
    }
    const double second[2] = {cut_server_price(u->problem, &ends[0]),
                              cut_server_price(u->problem, &ends[n - 1])};
    u->row[DEVICE_S].fixed = ends[0].latency;
    u->row[DEVICE_J].fixed = ends[0].energy;
    u->row[SERVER_J].fixed = ends[0].server;
    if (n == 2) {
        u->row[DEVICE_S].by[0] = ends[1].latency - ends[0].latency;
        u->row[DEVICE_J].by[0] = ends[1].energy - ends[0].energy;
    }
    if (n == 2 && u->slowdown[0] == u->slowdown[1]) {
        u->row[SERVER_S].fixed = second[0] * u->slowdown[0];
        u->row[SERVER_S].by[0] = (second[1] - second[0]) * u->slowdown[0];
    } else {
        add_price(u, SERVER_S, fmin(second[0], second[1]) * u->slowdown[0],
                  fmax(second[0], second[1]) * u->slowdown[1]);
    }
    price_direction(u, KERF_UPLINK, ends, n, family & CUT_FAMILY_UP);
    price_direction(u, KERF_DOWNLINK, ends, n, family & CUT_FAMILY_DOWN);
}

static double price_at(const price_row *row, const double *p, size_t n)
{
    double price = row->fixed;
    for (size_t k = 0; k < n; k++)
        price += row->by[k] * p[k];
    return fmax(price, 0);
}

/* --- one minimum cut --- */

static kerf_status oracle(void *context, const double *p, vertices_plane *plane, kerf_error *err)
{
    supported *u = context;
    const size_t n = u->vertices.n;
    double price[PRICES];
    if (u->s->stopped(u->s->context))
        return kerf_fail(err, KERF_E_TIME_LIMIT, NULL, "stopped before the map was complete");
    for (int i = 0; i < PRICES; i++)
        price[i] = price_at(&u->row[i], p, n);
    /* The problem's server times hold its load. */
    const double unload = 1 - u->s->load;
    const cut_prices prices = {.device_s = price[DEVICE_S],
                               .device_J = price[DEVICE_J],
                               .server_s = price[SERVER_S] * unload,
                               .server_J = price[SERVER_J],
                               .up_per_byte = price[UP_BYTE],
                               .down_per_byte = price[DOWN_BYTE]};
    if (!cut_graph_can(u->problem, &prices))
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "measured groups of this kind need all placements to be looked at, and "
                         "there are too many");
    plane->bound = fmax(cut_graph_solve(u->graph, &prices, u->x), 0); /* nothing costs less */
    cut_value v;
    cut_evaluate_costs(u->problem, u->x, &v);
    const double totals[PRICES] = {v.device_s, v.device_J, v.server_s * unload,
                                   v.server_J, v.up_bytes, v.down_bytes};
    for (size_t k = 0; k <= n; k++) {
        plane->c[k] = 0;
        for (int i = 0; i < PRICES; i++)
            plane->c[k] += totals[i] * (k == 0 ? u->row[i].fixed : u->row[i].by[k - 1]);
    }
    v.violation = 0; /* there are no limits */
    return front_offer(u->s->front, u->x, &v)
               ? KERF_OK
               : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for candidates");
}

/* --- families --- */

static kerf_status offer_only(supported *u, kerf_error *err)
{
    cut_value v;
    for (size_t i = 0; i < u->problem->n; i++)
        u->x[i] = u->side[i] == KERF_SIDE_SERVER;
    cut_evaluate_costs(u->problem, u->x, &v);
    v.violation = 0;
    return front_offer(u->s->front, u->x, &v)
               ? KERF_OK
               : kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for candidates");
}

static kerf_status search_family(supported *u, unsigned family, kerf_error *err)
{
    const bool up = family & CUT_FAMILY_UP, down = family & CUT_FAMILY_DOWN;
    bool possible = false, open = false;
    if ((up && u->sum[KERF_UPLINK] <= 0) || (down && u->sum[KERF_DOWNLINK] <= 0))
        return KERF_OK;
    memcpy(u->side, u->pinned, u->problem->n);
    kerf_status status = cut_family_force(u->problem, &u->dag, family, u->side, &possible, err);
    if (status != KERF_OK || !possible)
        return status;
    for (size_t v = 0; v < u->problem->n; v++)
        open = open || u->side[v] == KERF_SIDE_FREE;
    if (!open)
        return offer_only(u, err);
    set_prices(u, family);
    status = cut_graph_create(u->problem, &u->dag, u->side, !up, &u->graph, err);
    if (status == KERF_OK)
        status = vertices_find(&u->vertices, err);
    cut_graph_destroy(&u->graph);
    return status;
}

static kerf_status prepare(supported *u, kerf_error *err)
{
    const size_t n = u->problem->n;
    const kerf_map_box *box = u->s->box;
    kerf_status status = cut_dag_create(u->problem, &u->dag, err);
    if (status != KERF_OK)
        return status;
    u->pinned = kerf_calloc(n, 1);
    u->side = kerf_calloc(n, 1);
    u->x = kerf_calloc(n, 1);
    if (!u->pinned || !u->side || !u->x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    cut_byte_range(u->problem, KERF_UPLINK, &u->least[KERF_UPLINK], &u->sum[KERF_UPLINK]);
    cut_byte_range(u->problem, KERF_DOWNLINK, &u->least[KERF_DOWNLINK], &u->sum[KERF_DOWNLINK]);
    u->easy = u->hard = *u->problem->link;
    u->easy.rate_bps[KERF_UPLINK] = box->uplink_bps[1];
    u->easy.rate_bps[KERF_DOWNLINK] = box->downlink_bps[1];
    u->easy.rtt_s = box->rtt_s[0];
    u->hard.rate_bps[KERF_UPLINK] = box->uplink_bps[0];
    u->hard.rate_bps[KERF_DOWNLINK] = box->downlink_bps[0];
    u->hard.rtt_s = box->rtt_s[1];
    u->slowdown[0] = 1 / (1 - box->server_load[0]);
    u->slowdown[1] = 1 / (1 - box->server_load[1]);
    u->vertices.oracle = oracle;
    u->vertices.context = u;
    u->vertices.tolerance = TOLERANCE;
    return cut_dag_force(u->problem, &u->dag, u->pinned, err);
}

kerf_status supported_find(const supported_search *search, kerf_error *err)
{
    supported u = {.s = search, .problem = search->problem};
    kerf_status status = prepare(&u, err);
    for (unsigned family = 0; family < 4 && status == KERF_OK; family++)
        status = search_family(&u, family, err);
    cut_dag_clear(&u.dag);
    free(u.pinned);
    free(u.side);
    free(u.x);
    return status;
}
