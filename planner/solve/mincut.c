/* Exact optima by minimum cuts under concave link costs.
 *
 * A placement's cost is linear but for two concave functions, one of the bytes up and one of the
 * bytes down, each with a jump at 0. Placements are taken in four families: nothing goes up or
 * something does, nothing comes down or something does. In a family the jumps are constants (paid
 * even by those of its placements that could do without: these are exact in another family), and
 * what is left is found by pricing bytes linearly: the envelope over the price of a byte up, nested
 * in that over the price of a byte down; and for edp, nested in one over the price of a second in
 * joules. The bound that is returned comes from the flows' values alone. */
#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/cutgraph.h"
#include "planner/solve/envelope.h"
#include "planner/solve/family.h"
#include "planner/solve/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-11 /* relative: how far below the best value a bound may be left */

/* A concave link cost over the bytes that a family's placements can send, carried on beyond the
 * least of them along its tangent. */
typedef struct concave {
    kerf_direction direction;
    bool used;
    double least, steepest, flattest;
} concave;

typedef struct mincut {
    const cut_problem *problem;
    const cut_options *options;
    cut_dag dag;
    uint8_t *pinned; /* what the pins imply */
    uint8_t *x;
    cut_graph *graph[4]; /* by family, made when first needed */
    uint8_t *side[4];
    uint8_t known[4];        /* see prepare_family */
    double least[2], sum[2]; /* bytes by direction */
    uint8_t *best_x;
    double best; /* objective of best_x */
    size_t examined;
    double deadline;
    bool stopped;
    /* the weighted sum at hand */
    cut_weights weights;
    double best_sum;
    cut_value best_value; /* of the placement with that sum */
    /* the family at hand */
    cut_graph *at;
    concave up, down;
    double down_price;
    double inner_p, inner_q, inner_best; /* best answer for this down_price */
    double fixed;
} mincut;

enum { UNKNOWN, EMPTY, DECIDED, OPEN };

/* Takes note of the placement in m->x. */
static void examine(mincut *m, cut_value *value)
{
    cut_evaluate_costs(m->problem, m->x, value);
    m->examined++;
    if (value->objective < m->best) {
        m->best = value->objective;
        memcpy(m->best_x, m->x, m->problem->n);
    }
    double sum = cut_weighted(&m->weights, value);
    if (sum < m->best_sum) {
        m->best_sum = sum;
        m->best_value = *value;
    }
}

static bool stopped(void *context)
{
    mincut *m = context;
    if (m->stopped)
        return true;
    const cut_options *o = m->options;
    m->stopped = (m->deadline > 0 && cut_clock_s() > m->deadline) ||
                 (o->progress && !o->progress(o->progress_context, "mincut", m->best, 0));
    return m->stopped;
}

static double concave_value(const mincut *m, const concave *c, double bytes)
{
    if (!c->used)
        return 0;
    if (bytes >= c->least)
        return cut_link_cost(m->problem, &m->weights, c->direction, bytes);
    return cut_link_cost(m->problem, &m->weights, c->direction, c->least) -
           c->steepest * (c->least - bytes);
}

/* One minimum cut: the point (all but the uplink's cost, bytes up). */
static kerf_status price_up(void *context, double a, double b, envelope_point *point,
                            kerf_error *err)
{
    (void)err;
    mincut *m = context;
    const cut_weights *w = &m->weights;
    double server_s = cut_server_price(m->problem, w), price = b / a;
    cut_prices prices = {w->latency, w->energy, server_s, w->server, price, m->down_price};
    double bound = cut_graph_solve(m->at, &prices, m->x);
    cut_value v;
    examine(m, &v);
    double rest = w->latency * v.device_s + w->energy * v.device_J + server_s * v.server_s +
                  w->server * v.server_J + m->fixed;
    double p = rest + m->down_price * v.down_bytes, up = concave_value(m, &m->up, v.up_bytes);
    *point = (envelope_point){p, v.up_bytes, a * (bound + m->fixed)};
    if (p + up < m->inner_best) {
        m->inner_best = p + up;
        m->inner_p = rest + up;
        m->inner_q = v.down_bytes;
    }
    return KERF_OK;
}

static double value_up(void *context, double p, double q)
{
    const mincut *m = context;
    return p + concave_value(m, &m->up, q);
}

/* The envelope over the price of a byte up: the point (all but the downlink's cost, bytes down). */
static kerf_status price_down(void *context, double a, double b, envelope_point *point,
                              kerf_error *err)
{
    mincut *m = context;
    m->down_price = b / a;
    m->inner_best = INFINITY;
    envelope e = {price_up,       value_up, stopped, m, {1, m->up.flattest}, {1, m->up.steepest},
                  &m->inner_best, TOLERANCE};
    kerf_status status = envelope_minimise(&e, &point->bound, err);
    point->bound *= a;
    point->p = m->inner_p;
    point->q = m->inner_q;
    return status;
}

static double value_down(void *context, double p, double q)
{
    const mincut *m = context;
    return p + concave_value(m, &m->down, q);
}

static void set_concave(const mincut *m, concave *c, kerf_direction direction, bool used)
{
    *c = (concave){.direction = direction, .used = used, .least = m->least[direction]};
    if (!used)
        return;
    c->steepest = cut_link_slope(m->problem, &m->weights, direction, m->least[direction]);
    c->flattest = cut_link_slope(m->problem, &m->weights, direction, m->sum[direction]);
}

/* Finds out once what a family leaves open. */
static kerf_status prepare_family(mincut *m, unsigned family, kerf_error *err)
{
    bool up = family & CUT_FAMILY_UP, down = family & CUT_FAMILY_DOWN, possible = false;
    if (m->known[family] != UNKNOWN)
        return KERF_OK;
    m->known[family] = EMPTY;
    if ((up && m->sum[KERF_UPLINK] <= 0) || (down && m->sum[KERF_DOWNLINK] <= 0))
        return KERF_OK;
    m->side[family] = kerf_calloc(m->problem->n, 1);
    if (!m->side[family])
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", m->problem->n);
    memcpy(m->side[family], m->pinned, m->problem->n);
    kerf_status status =
        cut_family_force(m->problem, &m->dag, family, m->side[family], &possible, err);
    if (status != KERF_OK || !possible)
        return status;
    m->known[family] = DECIDED;
    for (size_t v = 0; v < m->problem->n; v++)
        if (m->side[family][v] == KERF_SIDE_FREE)
            m->known[family] = OPEN;
    if (m->known[family] == OPEN)
        status =
            cut_graph_create(m->problem, &m->dag, m->side[family], !up, &m->graph[family], err);
    return status;
}

/* Least weighted sum in a family; INFINITY if it has no placement. */
static kerf_status solve_family(mincut *m, unsigned family, double *bound, kerf_error *err)
{
    *bound = INFINITY;
    kerf_status status = prepare_family(m, family, err);
    if (status != KERF_OK || m->known[family] == EMPTY)
        return status;
    if (m->known[family] == DECIDED) {
        cut_value value;
        for (size_t v = 0; v < m->problem->n; v++)
            m->x[v] = m->side[family][v] == KERF_SIDE_SERVER;
        examine(m, &value);
        *bound = cut_weighted(&m->weights, &value);
        return KERF_OK;
    }
    m->at = m->graph[family];
    set_concave(m, &m->up, KERF_UPLINK, family & CUT_FAMILY_UP);
    set_concave(m, &m->down, KERF_DOWNLINK, family & CUT_FAMILY_DOWN);
    m->fixed = family ? m->weights.energy * kerf_link_fixed_J(m->problem->link) : 0;
    envelope e = {
        price_down,   value_down, stopped, m, {1, m->down.flattest}, {1, m->down.steepest},
        &m->best_sum, TOLERANCE};
    return envelope_minimise(&e, bound, err);
}

/* Minimises the weighted sum over all placements. */
static kerf_status solve_sum(mincut *m, const cut_weights *weights, double *bound, kerf_error *err)
{
    kerf_status status = KERF_OK;
    m->weights = *weights;
    m->best_sum = INFINITY;
    *bound = INFINITY;
    for (unsigned family = 0; family < 4 && status == KERF_OK; family++) {
        double least;
        status = solve_family(m, family, &least, err);
        *bound = fmin(*bound, least);
    }
    return status;
}

/* edp: the point (energy, latency). */
static kerf_status price_latency(void *context, double a, double b, envelope_point *point,
                                 kerf_error *err)
{
    mincut *m = context;
    cut_weights weights = {.energy = a, .latency = b};
    kerf_status status = solve_sum(m, &weights, &point->bound, err);
    point->p = m->best_value.energy_J;
    point->q = m->best_value.latency_s;
    return status;
}

static double product(void *context, double p, double q)
{
    (void)context;
    return p * q;
}

static kerf_status minimise(mincut *m, double *bound, kerf_error *err)
{
    cut_weights weights;
    if (cut_objective_weights(m->problem, &weights))
        return solve_sum(m, &weights, bound, err);
    envelope e = {price_latency, product, stopped, m, {1, 0}, {0, 1}, &m->best, TOLERANCE};
    return envelope_minimise(&e, bound, err);
}

static kerf_status check_question(const cut_problem *p, kerf_error *err)
{
    if (p->objective == KERF_OBJ_THROUGHPUT)
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "the solver mincut cannot optimise throughput, which is a bottleneck and "
                         "not a sum: use exhaustive or milp");
    if (cut_has_limits(p))
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "the solver mincut cannot keep limits (deadline, energy, memory, bytes, "
                         "operators): use exhaustive or milp");
    if (p->objective == KERF_OBJ_WEIGHTED && (p->weight_energy < 0 || p->weight_latency < 0))
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "the solver mincut needs weights that are not negative");
    return KERF_OK;
}

static kerf_status prepare(mincut *m, kerf_error *err)
{
    size_t n = m->problem->n;
    kerf_status status = cut_dag_create(m->problem, &m->dag, err);
    if (status != KERF_OK)
        return status;
    m->pinned = kerf_calloc(n, 1);
    m->x = kerf_calloc(n, 1);
    m->best_x = kerf_calloc(n, 1);
    if (!m->pinned || !m->x || !m->best_x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    cut_byte_range(m->problem, KERF_UPLINK, &m->least[KERF_UPLINK], &m->sum[KERF_UPLINK]);
    cut_byte_range(m->problem, KERF_DOWNLINK, &m->least[KERF_DOWNLINK], &m->sum[KERF_DOWNLINK]);
    return cut_dag_force(m->problem, &m->dag, m->pinned, err);
}

/* As much on the device, and as much on the server, as the pins allow: always legal. */
static void examine_extremes(mincut *m)
{
    cut_value value;
    m->best = INFINITY;
    for (size_t v = 0; v < m->problem->n; v++)
        m->x[v] = m->pinned[v] == KERF_SIDE_SERVER;
    examine(m, &value);
    for (size_t v = 0; v < m->problem->n; v++)
        m->x[v] = m->pinned[v] != KERF_SIDE_DEVICE;
    examine(m, &value);
}

static void clear(mincut *m)
{
    cut_dag_clear(&m->dag);
    free(m->pinned);
    free(m->x);
    free(m->best_x);
    for (int family = 0; family < 4; family++) {
        cut_graph_destroy(&m->graph[family]);
        free(m->side[family]);
    }
}

kerf_status cut_solve_mincut(const cut_problem *problem, const cut_options *options,
                             cut_solution *solution, kerf_error *err)
{
    static const cut_options none = {.top = 0};
    mincut m = {.problem = problem, .options = options ? options : &none};
    double bound = 0;
    kerf_status status = check_question(problem, err);
    if (status != KERF_OK)
        return status;
    if (m.options->time_limit_s > 0)
        m.deadline = cut_clock_s() + m.options->time_limit_s;
    status = prepare(&m, err);
    if (status == KERF_OK) {
        examine_extremes(&m);
        status = minimise(&m, &bound, err);
    }
    if (status == KERF_OK) {
        *solution =
            (cut_solution){.x = m.best_x, .examined = m.examined, .solver = KERF_SOLVER_MINCUT};
        cut_solution_prove(solution, m.best, bound);
        m.best_x = NULL;
    }
    clear(&m);
    return status;
}
