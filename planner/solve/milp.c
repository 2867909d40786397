/* Exact optima under every objective and limit, by branch and bound over GLPK's simplex.
 *
 * A node fixes some operators' sides and narrows the range that the bytes over the link lie in; its
 * relaxation (milp_model.h) gives a bound, and placements by rounding, which cut_evaluate prices as
 * they are. A node is split on its bytes where the chord over their range is far off or where an
 * integral answer costs more than the program says, else on the operator that is least decided. No
 * decision rests on a tolerance of GLPK's: bounds come from milp_safe_bound, that a node has no
 * feasible placement is believed only if such a bound of the limits' excess proves it, and where
 * all operators are fixed the price is exact. (glp_intopt could not be used for that: the 1e-7 that
 * it allows each relaxation shows in bounds that must hold to 1e-9.)
 *
 * edp is an envelope over weighted sums of energy and latency. */
#include "planner/solve/solve.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/clock.h"
#include "planner/solve/envelope.h"
#include "planner/solve/milp_lp.h"
#include "planner/solve/milp_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE   1e-10 /* relative: how far below the best value a bound may be left */
#define OBJECTIVE   1e3   /* what the objective is scaled to */
#define INTEGRAL    1e-6
#define SAME_BYTES  1e-12
#define CHORD_ERROR 0.05 /* relative: how far off a chord may be while operators are undecided */
#define THRESHOLDS  4    /* roundings of a relaxation's answer that are priced */

typedef struct milp {
    const cut_problem *problem;
    const cut_options *options;
    cut_dag dag;
    uint8_t *side, *x;
    milp_goal goal;
    cut_weights weights;
    milp_program program;
    milp_lp *lp;
    milp_tree tree;
    double *excess;     /* the cost that is the excess over the limits */
    double most_excess; /* of a legal placement */
    uint8_t *best_x;    /* by the problem's own objective, or by violation */
    double best;
    bool found;
    double goal_best;  /* least value of the goal at hand among feasible placements */
    cut_value at_goal; /* the placement that has it */
    double goal_size;  /* what the goal is scaled by */
    double bound;      /* of the goal at hand */
    size_t examined;
    double deadline;
    bool stopped;
} milp;

static double goal_value(const milp *m, const cut_value *value)
{
    if (m->goal == MILP_VIOLATION)
        return value->violation;
    return m->goal == MILP_SLOWEST ? value->slowest_s : cut_weighted(&m->weights, value);
}

/* Takes note of a placement. */
static void examine(milp *m, const uint8_t *x, cut_value *value)
{
    cut_evaluate(m->problem, x, value);
    bool relaxed = m->goal == MILP_VIOLATION;
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

/* As much on the device, and as much on the server, as the pins allow: the first placements, and
 * how large the goal is. */
static void examine_extremes(milp *m)
{
    cut_value value;
    m->goal_size = m->most_excess = 0;
    for (int side = 0; side < 2; side++) {
        for (size_t v = 0; v < m->problem->n; v++)
            m->x[v] = m->side[v] == KERF_SIDE_FREE ? (uint8_t)side : m->side[v] == KERF_SIDE_SERVER;
        examine(m, m->x, &value);
        m->goal_size = fmax(m->goal_size, goal_value(m, &value));
        m->most_excess = fmax(m->most_excess, value.violation);
    }
    if (m->found)
        examine(m, m->best_x, &value);
}

static bool worth(const milp *m, double bound)
{
    return bound < m->goal_best * (1 - TOLERANCE);
}

/* --- one node -----------------------------------------------------------------------------------
 */

/* True if it is proved that no placement of the node keeps the limits. */
static kerf_status check_infeasible(milp *m, bool *infeasible, kerf_error *err)
{
    milp_lp_state state;
    *infeasible = false;
    m->program.upper[m->program.excess] = 2 * m->most_excess + 1;
    kerf_status status = milp_lp_solve(m->lp, m->excess, &state, err);
    if (status == KERF_OK)
        *infeasible = milp_safe_bound(&m->program, m->excess, milp_lp_multipliers(m->lp)) >
                      CUT_LIMIT_TOLERANCE;
    m->program.upper[m->program.excess] = 0;
    return status;
}

/* Solves the relaxation: raises node->bound, says whether its answer is of use. */
static kerf_status relax(milp *m, milp_node *node, bool *has_answer, kerf_error *err)
{
    milp_lp_state state;
    double scale = m->goal_size > 0 ? OBJECTIVE / m->goal_size : OBJECTIVE;
    bool infeasible = false, relaxed = m->goal == MILP_VIOLATION;
    kerf_status status =
        milp_set_node(&m->program, &m->weights, scale, node->side, node->range, err);
    m->program.upper[m->program.excess] = relaxed ? 2 * m->most_excess + 1 : 0;
    if (status == KERF_OK && !m->lp)
        status = milp_lp_create(&m->program, &m->lp, err);
    if (status == KERF_OK)
        status = milp_lp_solve(m->lp, m->program.cost, &state, err);
    if (status != KERF_OK)
        return status;
    double bound =
        milp_safe_bound(&m->program, m->program.cost, milp_lp_multipliers(m->lp)) / scale;
    node->bound = fmax(node->bound, bound);
    *has_answer = state == MILP_LP_OPTIMAL;
    if (state == MILP_LP_INFEASIBLE && !relaxed && worth(m, node->bound))
        status = check_infeasible(m, &infeasible, err);
    if (infeasible)
        node->bound = INFINITY;
    return status;
}

/* The relaxation's answer, rounded at a few thresholds: x <= x of every consumer, so each is
 * legal. */
static void round_answer(milp *m)
{
    const double *values = milp_lp_values(m->lp);
    cut_value value;
    for (int i = 0; i < THRESHOLDS; i++) {
        double threshold = (i + 0.5) / THRESHOLDS;
        for (size_t v = 0; v < m->problem->n; v++)
            m->x[v] = values[milp_column(v)] > threshold;
        examine(m, m->x, &value);
    }
}

/* The operator that is least decided, KERF_NONE if the answer is integral. */
static size_t least_decided(const milp *m, const milp_node *node)
{
    const double *values = milp_lp_values(m->lp);
    double most = INTEGRAL;
    size_t found = KERF_NONE;
    for (size_t v = 0; v < m->problem->n; v++) {
        double x = values[milp_column(v)], distance = fmin(x, 1 - x);
        if (node->side[v] == KERF_SIDE_FREE && distance > most) {
            most = distance;
            found = v;
        }
    }
    return found;
}

/* How far the chord over a range is below the transfer time at some bytes, relatively; 0 at its
 * ends. */
static double chord_error(const milp *m, const milp_node *node, kerf_direction d, double bytes)
{
    const milp_range *r = &node->range[d];
    if (bytes <= r->low * (1 + SAME_BYTES) || bytes >= r->high * (1 - SAME_BYTES))
        return 0;
    const kerf_link *link = m->problem->link;
    double low = kerf_link_transfer_s(link, d, r->low),
           high = kerf_link_transfer_s(link, d, r->high);
    double chord = low + (high - low) / (r->high - r->low) * (bytes - r->low);
    return 1 - chord / kerf_link_transfer_s(link, d, bytes);
}

/* Splits on the bytes of the direction whose chord is further off, by more than `least`. */
static kerf_status split_bytes(milp *m, const milp_node *node, const double bytes[2], double least,
                               bool *done, kerf_error *err)
{
    double up = chord_error(m, node, KERF_UPLINK, bytes[KERF_UPLINK]);
    double down = chord_error(m, node, KERF_DOWNLINK, bytes[KERF_DOWNLINK]);
    kerf_direction d = up >= down ? KERF_UPLINK : KERF_DOWNLINK;
    *done = fmax(up, down) > least;
    return *done ? milp_tree_split_bytes(&m->tree, node, d, bytes[d], err) : KERF_OK;
}

/* An answer that is integral but dearer than its bound, or not there: bytes if they are to blame,
 * else any operator, else nothing is left. */
static kerf_status split_decided(milp *m, const milp_node *node, bool has_answer, kerf_error *err)
{
    cut_value value = {.up_bytes = 0};
    bool done = false;
    for (size_t v = 0; v < m->problem->n; v++)
        m->x[v] = has_answer && milp_lp_values(m->lp)[milp_column(v)] > 0.5;
    if (has_answer) {
        examine(m, m->x, &value);
        if (!worth(m, node->bound))
            return KERF_OK;
        const double bytes[2] = {value.up_bytes, value.down_bytes};
        kerf_status status = split_bytes(m, node, bytes, 0, &done, err);
        if (status != KERF_OK || done)
            return status;
    }
    for (size_t v = 0; v < m->problem->n; v++)
        if (node->side[v] == KERF_SIDE_FREE)
            return milp_tree_split_operator(&m->tree, node, v, m->x[v] != 0, err);
    for (size_t v = 0; v < m->problem->n; v++)
        m->x[v] = node->side[v] == KERF_SIDE_SERVER;
    examine(m, m->x, &value);
    return KERF_OK;
}

static kerf_status split(milp *m, const milp_node *node, bool has_answer, kerf_error *err)
{
    bool done = false;
    size_t v = has_answer ? least_decided(m, node) : KERF_NONE;
    if (v == KERF_NONE)
        return split_decided(m, node, has_answer, err);
    const double *values = milp_lp_values(m->lp);
    const double bytes[2] = {values[m->program.b[0]] * m->program.unit[0],
                             values[m->program.b[1]] * m->program.unit[1]};
    kerf_status status = split_bytes(m, node, bytes, CHORD_ERROR, &done, err);
    if (status == KERF_OK && !done)
        status = milp_tree_split_operator(&m->tree, node, v, values[milp_column(v)] > 0.5, err);
    return status;
}

/* --- the search ---------------------------------------------------------------------------------
 */

static void look_around(milp *m, double bound)
{
    const cut_options *o = m->options;
    m->stopped = (m->deadline > 0 && cut_clock_s() > m->deadline) ||
                 (o->progress && !o->progress(o->progress_context, "milp", m->best, bound));
}

static kerf_status search(milp *m, kerf_error *err)
{
    kerf_status status = KERF_OK;
    milp_node node;
    m->bound = INFINITY; /* least bound of what was left out */
    while (status == KERF_OK && milp_tree_take(&m->tree, &node)) {
        bool has_answer = false;
        if (m->stopped || !worth(m, node.bound)) { /* so are all others: the best comes first */
            m->bound = fmin(m->bound, node.bound);
            free(node.side);
            break;
        }
        look_around(m, node.bound);
        m->examined++;
        status = relax(m, &node, &has_answer, err);
        if (status == KERF_OK && has_answer && worth(m, node.bound))
            round_answer(m);
        if (status == KERF_OK && worth(m, node.bound))
            status = split(m, &node, has_answer, err);
        else
            m->bound = fmin(m->bound, node.bound);
        free(node.side);
    }
    return status;
}

/* Minimises the goal: m->bound, m->goal_best and m->at_goal, which is infinite where nothing was
 * found. */
static kerf_status solve_goal(milp *m, kerf_error *err)
{
    milp_range range[2];
    m->goal_best = INFINITY;
    examine_extremes(m);
    for (int d = 0; d < 2; d++) {
        range[d] = (milp_range){.used = false};
        cut_byte_range(m->problem, (kerf_direction)d, &range[d].low, &range[d].high);
    }
    kerf_status status = milp_tree_start(&m->tree, m->problem, &m->dag, m->side, range, err);
    if (status == KERF_OK)
        status = search(m, err);
    milp_tree_clear(&m->tree);
    m->bound = fmin(m->bound, m->goal_best);
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

static bool stopped(void *context)
{
    const milp *m = context;
    return m->stopped;
}

static kerf_status minimise(milp *m, double *bound, kerf_error *err)
{
    if (m->goal == MILP_SUM && !cut_objective_weights(m->problem, &m->weights)) {
        envelope e = {weigh, product, stopped, m, {1, 0}, {0, 1}, &m->best, TOLERANCE};
        return envelope_minimise(&e, bound, err);
    }
    kerf_status status = solve_goal(m, err);
    *bound = m->bound;
    return status;
}

static kerf_status prepare(milp *m, kerf_error *err)
{
    size_t n = m->problem->n;
    kerf_status status = cut_dag_create(m->problem, &m->dag, err);
    if (status != KERF_OK)
        return status;
    m->best = INFINITY;
    m->goal = m->options->minimise_violation                 ? MILP_VIOLATION
              : m->problem->objective == KERF_OBJ_THROUGHPUT ? MILP_SLOWEST
                                                             : MILP_SUM;
    m->side = kerf_calloc(n, 1);
    m->x = kerf_calloc(n, 1);
    m->best_x = kerf_calloc(n, 1);
    if (!m->side || !m->x || !m->best_x)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    status = cut_dag_force(m->problem, &m->dag, m->side, err);
    if (status == KERF_OK)
        status = milp_create(&(milp_question){m->problem, &m->dag, m->goal}, &m->program, err);
    if (status != KERF_OK)
        return status;
    m->excess = kerf_calloc((size_t)m->program.n_columns + 1, sizeof *m->excess);
    if (!m->excess)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", n);
    m->excess[m->program.excess] = 1;
    return KERF_OK;
}

static void clear(milp *m)
{
    milp_lp_destroy(&m->lp);
    milp_clear(&m->program);
    cut_dag_clear(&m->dag);
    free(m->excess);
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
