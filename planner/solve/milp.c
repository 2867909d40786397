/* Exact optima under every objective and limit, by branch and bound over Lagrangian bounds.
 *
 * A node fixes some operators' sides. Its bound comes from prices on what is limited (lagrange.h);
 * the placements that the cuts find on the way, and roundings of their best mix, are priced as they
 * are by cut_evaluate. What no placement better than the best one agrees on is fixed too. Where few
 * placements are left they are enumerated, else the node is split on the operator that the mix
 * decides least. No decision rests on a tolerance of GLPK's, which only proposes prices: any give a
 * bound, by the flows' values alone, and where all operators are fixed the price is exact.
 *
 * edp is an envelope over weighted sums of energy and latency. */
#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/envelope.h"
#include "planner/solve/exhaustive.h"
#include "planner/solve/milp_tree.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE      1e-10  /* relative: how far below the best value a bound may be left */
#define FEW_IDEALS     20000  /* placements that are enumerated sooner than bounded further */
#define FEW_AT_ROOT    100000 /* the same at the root, which takes longer to bound */
#define INTEGRAL       1e-6
#define THRESHOLDS     4 /* roundings of a mix that are priced */
#define ROOT_QUESTIONS 60
#define NODE_QUESTIONS 8
#define ROOT_FIXES     400
#define NODE_FIXES     40

typedef struct milp {
    const cut_problem *problem;
    const cut_options *options;
    cut_dag dag;
    uint8_t *side, *x;
    lagrange_goal goal;
    cut_weights weights;
    lagrange *lagrange;
    milp_tree tree;
    size_t few_ideals, few_at_root;
    uint8_t *best_x; /* by the problem's own objective, or by violation */
    double best;
    bool found;
    double goal_best;  /* least value of the goal at hand among feasible placements */
    cut_value at_goal; /* the placement that has it */
    double goal_size;  /* about how large the goal is */
    double bound;      /* of the goal at hand */
    double open;       /* the least bound of what is open */
    size_t examined;
    double deadline;
    bool stopped;
} milp;

/* --- placements ---------------------------------------------------------------------------------
 */

static double goal_value(const milp *m, const cut_value *value)
{
    if (m->goal == LAGRANGE_VIOLATION)
        return value->violation;
    return m->goal == LAGRANGE_SLOWEST ? value->slowest_s : cut_weighted(&m->weights, value);
}

/* Takes note of a placement. */
static void examine(milp *m, const uint8_t *x, cut_value *value)
{
    cut_evaluate(m->problem, x, value);
    bool relaxed = m->goal == LAGRANGE_VIOLATION;
    if ((value->violation > 0 && !relaxed) || !cut_is_legal(m->problem, x))
        return;
    double goal = goal_value(m, value), mine = relaxed ? value->violation : value->objective;
    if (goal < m->goal_best) {
        m->goal_best = goal;
        m->at_goal = *value;
    }
    if (!m->found || mine < m->best) {
        m->found = true;
        m->best = mine;
        if (m->best_x != x)
            memcpy(m->best_x, x, m->problem->n);
    }
}

/* As much on the device, and as much on the server, as the pins allow, and where to start from: the
 * first placements, and how large the goal is. */
static void examine_extremes(milp *m)
{
    cut_value value;
    m->goal_size = 0;
    for (int side = 0; side < 2; side++) {
        for (size_t v = 0; v < m->problem->n; v++)
            m->x[v] = m->side[v] == KERF_SIDE_FREE ? (uint8_t)side : m->side[v] == KERF_SIDE_SERVER;
        examine(m, m->x, &value);
        m->goal_size = fmax(m->goal_size, goal_value(m, &value));
    }
    if (m->options->start)
        examine(m, m->options->start, &value);
    if (m->found)
        examine(m, m->best_x, &value);
}

/* A placement that a cut found. Its memory is priced anew only where that could matter. */
static void visit(void *context, const uint8_t *x, const cut_value *value)
{
    milp *m = context;
    cut_value exact = *value;
    const double bytes = m->problem->limits.memory_bytes;
    if (bytes > 0 && value->memory_bytes > bytes * (1 + 2 * CUT_LIMIT_TOLERANCE) &&
        m->goal != LAGRANGE_VIOLATION)
        return;
    examine(m, x, &exact);
}

static bool stopped(void *context)
{
    milp *m = context;
    const cut_options *o = m->options;
    if (m->stopped)
        return true;
    /* The sums that edp is made of have bounds of their own. */
    double bound = m->problem->objective == KERF_OBJ_EDP && !o->minimise_violation ? 0 : m->open;
    m->stopped = (m->deadline > 0 && cut_clock_s() > m->deadline) ||
                 (o->progress && !o->progress(o->progress_context, "milp", m->best, bound));
    return m->stopped;
}

/* Relative excesses are of the order of 1, whatever the least one is: they are the same if they are
 * as close as that. */
static double cutoff(void *context)
{
    const milp *m = context;
    double slack = m->goal == LAGRANGE_VIOLATION ? fmax(m->goal_best, 1) : m->goal_best;
    if (isinf(m->goal_best))
        return lagrange_most(m->lagrange) * (1 + 2 * CUT_LIMIT_TOLERANCE) + DBL_MIN;
    return m->goal_best - TOLERANCE * slack;
}

static bool worth(milp *m, double bound)
{
    return bound < cutoff(m);
}

/* --- one node -----------------------------------------------------------------------------------
 */

/* The mix, rounded at a few thresholds: what feeds an operator has no larger share on the server,
 * so each is legal. */
static void round_mix(milp *m)
{
    const double *mix = lagrange_mix(m->lagrange);
    cut_value value;
    for (int i = 0; i < THRESHOLDS; i++) {
        double threshold = (i + 0.5) / THRESHOLDS;
        for (size_t v = 0; v < m->problem->n; v++)
            m->x[v] = mix[v] > threshold;
        examine(m, m->x, &value);
    }
}

/* The operator that is least decided; if all are, the last one that is free on the device. */
static size_t least_decided(const milp *m, const milp_node *node)
{
    const double *mix = lagrange_mix(m->lagrange);
    double most = INTEGRAL;
    size_t found = KERF_NONE, other = KERF_NONE;
    for (size_t v = 0; v < m->problem->n; v++) {
        double distance = fmin(mix[v], 1 - mix[v]);
        if (node->side[v] != KERF_SIDE_FREE)
            continue;
        if (distance > most) {
            most = distance;
            found = v;
        }
        if (mix[v] < 0.5 || other == KERF_NONE)
            other = v;
    }
    return found != KERF_NONE ? found : other;
}

/* Enumerates what a node leaves open, if that is little; m->stopped if time ran out over it. */
static kerf_status enumerate(milp *m, const milp_node *node, bool *done, kerf_error *err)
{
    cut_problem problem = *m->problem;
    cut_solution solution = {.x = NULL};
    cut_value value;
    size_t count = 0;
    problem.pin = node->side;
    size_t few = node->depth == 0 ? m->few_at_root : m->few_ideals;
    kerf_status status = cut_count_ideals(&problem, few, &count, err);
    *done = count <= few;
    if (status != KERF_OK || !*done)
        return status;
    cut_options options = {.max_ideals = few,
                           .time_limit_s =
                               m->deadline > 0 ? fmax(m->deadline - cut_clock_s(), 1e-9) : 0,
                           .minimise_violation = m->goal == LAGRANGE_VIOLATION,
                           .below = isinf(m->goal_best) ? 0 : m->goal_best};
    if (m->problem->objective == KERF_OBJ_EDP) {
        problem.objective = KERF_OBJ_WEIGHTED;
        problem.weight_energy = m->weights.energy;
        problem.weight_latency = m->weights.latency;
    }
    kerf_error local = {.code = KERF_OK};
    status = cut_solve_exhaustive(&problem, &options, &solution, &local);
    m->stopped = status == KERF_E_TIME_LIMIT || (status == KERF_OK && solution.gap > CUT_GAP);
    if (status == KERF_OK)
        examine(m, solution.x, &value);
    cut_solution_clear(&solution);
    if (status == KERF_OK || status == KERF_E_INFEASIBLE || status == KERF_E_TIME_LIMIT)
        return KERF_OK;
    if (err)
        *err = local;
    return status;
}

/* Bounds a node and closes it, or splits it. */
static kerf_status look_into(milp *m, milp_node *node, kerf_error *err)
{
    bool root = node->depth == 0, done = false;
    size_t fixed = 0;
    kerf_status status = enumerate(m, node, &done, err);
    if (status == KERF_OK && done && !m->stopped)
        node->at.bound = INFINITY;
    if (status != KERF_OK || done)
        return status;
    status = lagrange_bound(m->lagrange, node->side, root ? ROOT_QUESTIONS : NODE_QUESTIONS,
                            &node->at, err);
    if (status == KERF_OK && worth(m, node->at.bound))
        round_mix(m);
    if (status != KERF_OK || !worth(m, node->at.bound))
        return status;
    size_t v = least_decided(m, node);
    bool server = lagrange_mix(m->lagrange)[v] > 0.5;
    status = lagrange_fix(m->lagrange, &node->at, root ? ROOT_FIXES : NODE_FIXES, node->side,
                          &fixed, err);
    if (status != KERF_OK || !worth(m, node->at.bound))
        return status;
    if (node->side[v] == KERF_SIDE_FREE)
        return milp_tree_split(&m->tree, node, v, server, err);
    return milp_tree_put(&m->tree, node, err);
}

/* --- the search ---------------------------------------------------------------------------------
 */

/* The node with the least bound; while nothing was found that keeps the limits, the newest. */
static bool take(milp *m, milp_node *node)
{
    m->open = milp_tree_bound(&m->tree);
    return isinf(m->goal_best) ? milp_tree_take_newest(&m->tree, node)
                               : milp_tree_take(&m->tree, node);
}

static kerf_status search(milp *m, kerf_error *err)
{
    kerf_status status = KERF_OK;
    milp_node node;
    m->bound = INFINITY; /* least bound of what was left out */
    while (status == KERF_OK && !stopped(m) && take(m, &node)) {
        size_t before = m->tree.n;
        if (worth(m, node.at.bound)) {
            m->examined++;
            status = look_into(m, &node, err);
        }
        if (m->tree.n == before)
            m->bound = fmin(m->bound, node.at.bound);
        free(node.side);
    }
    m->bound = fmin(m->bound, milp_tree_bound(&m->tree));
    return status;
}

/* Minimises the goal: m->bound, m->goal_best and m->at_goal, which is infinite where nothing was
 * found. */
static kerf_status solve_goal(milp *m, kerf_error *err)
{
    m->goal_best = INFINITY;
    examine_extremes(m);
    lagrange_set_goal(m->lagrange, &m->weights, m->goal_size > 0 ? m->goal_size : 1);
    kerf_status status = milp_tree_start(&m->tree, m->problem, &m->dag, m->side, err);
    if (status == KERF_OK)
        status = search(m, err);
    milp_tree_clear(&m->tree);
    m->bound = fmin(m->bound, m->goal_best);
    if (m->goal == LAGRANGE_VIOLATION && !worth(m, m->bound))
        m->bound = m->goal_best;
    return status;
}

static kerf_status weigh(void *context, double a, double b, envelope_point *point, kerf_error *err)
{
    milp *m = context;
    m->weights = (cut_weights){.energy = a, .latency = b};
    kerf_status status = solve_goal(m, err);
    if (status == KERF_OK && !m->found && !m->stopped)
        return kerf_fail(err, KERF_E_INFEASIBLE, "limits", "no placement keeps every limit");
    double bound = m->found ? m->bound : 0;
    *point = (envelope_point){m->at_goal.energy_J, m->at_goal.latency_s, bound};
    return status;
}

static double product(void *context, double p, double q)
{
    (void)context;
    return p * q;
}

static kerf_status minimise(milp *m, double *bound, kerf_error *err)
{
    if (m->goal == LAGRANGE_SUM && !cut_objective_weights(m->problem, &m->weights)) {
        envelope e = {weigh, product, stopped, m, {1, 0}, {0, 1}, &m->best, TOLERANCE};
        return envelope_minimise(&e, bound, err);
    }
    kerf_status status = solve_goal(m, err);
    *bound = m->bound;
    return status;
}

static size_t at_most(size_t asked, size_t most)
{
    return asked > 0 && asked < most ? asked : most;
}

static kerf_status prepare(milp *m, kerf_error *err)
{
    size_t n = m->problem->n;
    kerf_status status = cut_dag_create(m->problem, &m->dag, err);
    if (status != KERF_OK)
        return status;
    m->best = INFINITY;
    m->few_ideals = at_most(m->options->max_ideals, FEW_IDEALS);
    m->few_at_root = at_most(m->options->max_ideals, FEW_AT_ROOT);
    m->goal = m->options->minimise_violation                 ? LAGRANGE_VIOLATION
              : m->problem->objective == KERF_OBJ_THROUGHPUT ? LAGRANGE_SLOWEST
                                                             : LAGRANGE_SUM;
    m->side = kerf_calloc(n, 1);
    m->x = kerf_calloc(n, 1);
    m->best_x = kerf_calloc(n, 1);
    if (!m->side || !m->x || !m->best_x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    const lagrange_host host = {visit, stopped, cutoff, m};
    status = cut_dag_force(m->problem, &m->dag, m->side, err);
    if (status == KERF_OK)
        status = lagrange_create(m->problem, m->goal, &host, &m->lagrange, err);
    return status;
}

static void clear(milp *m)
{
    lagrange_destroy(&m->lagrange);
    cut_dag_clear(&m->dag);
    free(m->side);
    free(m->x);
    free(m->best_x);
}

kerf_status cut_solve_milp(const cut_problem *problem, const cut_options *options,
                           cut_solution *solution, kerf_error *err)
{
    static const cut_options none = {.top = 0};
    milp m = {.problem = problem, .options = options ? options : &none};
    double bound = 0;
    if (m.options->time_limit_s > 0)
        m.deadline = cut_clock_s() + m.options->time_limit_s;
    kerf_status status = prepare(&m, err);
    if (status == KERF_OK)
        status = minimise(&m, &bound, err);
    if (status == KERF_OK && !m.found)
        status = m.stopped ? kerf_fail(err, KERF_E_TIME_LIMIT, NULL,
                                       "no placement that keeps every limit was found in time")
                           : kerf_fail(err, KERF_E_INFEASIBLE, "limits",
                                       "no placement keeps every limit");
    if (status == KERF_OK) {
        *solution =
            (cut_solution){.x = m.best_x, .examined = m.examined, .solver = KERF_SOLVER_MILP};
        cut_solution_prove(solution, m.best, bound);
        m.best_x = NULL;
    }
    clear(&m);
    return status;
}
