/* Exact optima without limits: energy, latency, total-energy and weighted are sums; edp is the
 * product of two, whose minimum is a corner of their lower left hull, and so an envelope over the
 * price of a second in joules, in which each step is the least sum at that price. */
#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/envelope.h"
#include "planner/solve/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct mincut {
    const cut_problem *problem;
    const cut_options *options;
    cut_dag dag;
    uint8_t *pinned; /* what the pins imply */
    cut_sum *sum;
    uint8_t *best_x;
    double best; /* objective of best_x */
    size_t examined;
    double deadline;
    bool stopped;
} mincut;

static void visit(void *context, const uint8_t *x, const cut_value *value)
{
    mincut *m = context;
    m->examined++;
    if (value->objective < m->best) {
        m->best = value->objective;
        memcpy(m->best_x, x, m->problem->n);
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

/* edp: the point (energy, latency). */
static kerf_status price_latency(void *context, double a, double b, envelope_point *point,
                                 kerf_error *err)
{
    mincut *m = context;
    const cut_mix mix = {.weights = {.energy = a, .latency = b}};
    cut_sum_answer answer = {.bound = 0};
    kerf_status status = cut_sum_minimise(m->sum, &mix, &answer, err);
    *point = (envelope_point){answer.value.energy_J, answer.value.latency_s, answer.bound};
    return status;
}

static double product(void *context, double p, double q)
{
    (void)context;
    return p * q;
}

static kerf_status minimise(mincut *m, double *bound, kerf_error *err)
{
    cut_mix mix = {.up_bytes = 0};
    if (!cut_objective_weights(m->problem, &mix.weights)) {
        envelope e = {price_latency, product, stopped,  m,
                      {1, 0},        {0, 1},  &m->best, CUT_SUM_TOLERANCE};
        return envelope_minimise(&e, bound, err);
    }
    cut_sum_answer answer = {.bound = 0};
    kerf_status status = cut_sum_minimise(m->sum, &mix, &answer, err);
    *bound = answer.bound;
    return status;
}

/* Which figures have a price at all, in any weighted sum that is asked for. */
bool cut_mincut_can(const cut_problem *p)
{
    cut_weights weights;
    if (p->objective == KERF_OBJ_THROUGHPUT || cut_has_limits(p))
        return false;
    if (!cut_objective_weights(p, &weights))
        weights = (cut_weights){.energy = 1, .latency = 1};
    const cut_prices prices = {.device_s = weights.latency,
                               .device_J = weights.energy,
                               .server_s = cut_server_price(p, &weights),
                               .server_J = weights.server};
    return cut_graph_can(p, &prices);
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
    if (!cut_mincut_can(p))
        return kerf_fail(err, KERF_E_UNSUPPORTED, NULL,
                         "the solver mincut cannot express a measured group of operators that ends "
                         "in several of them and costs more than they do one by one: use "
                         "exhaustive or milp");
    return KERF_OK;
}

static kerf_status prepare(mincut *m, kerf_error *err)
{
    size_t n = m->problem->n;
    kerf_status status = cut_dag_create(m->problem, &m->dag, err);
    if (status != KERF_OK)
        return status;
    m->pinned = kerf_calloc(n, 1);
    m->best_x = kerf_calloc(n, 1);
    if (!m->pinned || !m->best_x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    const cut_sum_host host = {visit, stopped, m};
    status = cut_dag_force(m->problem, &m->dag, m->pinned, err);
    if (status == KERF_OK)
        status = cut_sum_create(m->problem, &m->dag, m->pinned, false, &host, &m->sum, err);
    return status;
}

/* As much on the device, and as much on the server, as the pins allow: always legal. */
static kerf_status examine_extremes(mincut *m, kerf_error *err)
{
    cut_value value;
    uint8_t *x = kerf_calloc(m->problem->n, 1);
    if (!x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", m->problem->n);
    m->best = INFINITY;
    for (int side = 0; side < 2; side++) {
        for (size_t v = 0; v < m->problem->n; v++)
            x[v] =
                m->pinned[v] == KERF_SIDE_FREE ? (uint8_t)side : m->pinned[v] == KERF_SIDE_SERVER;
        cut_evaluate_costs(m->problem, x, &value);
        visit(m, x, &value);
    }
    free(x);
    return KERF_OK;
}

static void clear(mincut *m)
{
    cut_sum_destroy(&m->sum);
    cut_dag_clear(&m->dag);
    free(m->pinned);
    free(m->best_x);
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
    if (status == KERF_OK)
        status = examine_extremes(&m, err);
    if (status == KERF_OK)
        status = minimise(&m, &bound, err);
    if (status == KERF_OK) {
        *solution =
            (cut_solution){.x = m.best_x, .examined = m.examined, .solver = KERF_SOLVER_MINCUT};
        cut_solution_prove(solution, m.best, bound);
        m.best_x = NULL;
    }
    clear(&m);
    return status;
}
