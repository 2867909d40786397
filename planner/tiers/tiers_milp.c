/* Exact three-tier optima under every objective and limit, by branch and bound over GLPK's simplex:
 * a node's relaxation gives a bound by milp_safe_bound, and placements by rounding, which are
 * priced as they are; it is split on its bytes where a chord is far off or an integral answer costs
 * more than the program says, else on the operator that is least decided. */
#include "planner/tiers/tiers_milp.h"

#include "base/error.h"
#include "base/memory.h"
#include "planner/solve/milp_lp.h"

#include <math.h>
#include <stdlib.h>

#define OBJECTIVE   1e3 /* what the objective is scaled to */
#define INTEGRAL    1e-6
#define SAME_BYTES  1e-12
#define CHORD_ERROR 0.05 /* relative: how far off a chord may be while operators are undecided */
#define THRESHOLDS  4    /* roundings of a relaxation's answer that are priced */

typedef struct milp {
    tier_program program;
    milp_lp *lp;
    double *excess; /* the cost that is the excess over the limits */
} milp;

static kerf_status check_infeasible(tier_search *s, bool *infeasible, kerf_error *err)
{
    milp *m = s->solver;
    milp_lp_state state;
    m->program.g.upper[m->program.excess] = 2 * s->most_excess + 1;
    kerf_status status = milp_lp_solve(m->lp, m->excess, &state, err);
    if (status == KERF_OK)
        *infeasible = milp_safe_bound(&m->program.g, m->excess, milp_lp_multipliers(m->lp)) >
                      CUT_LIMIT_TOLERANCE;
    m->program.g.upper[m->program.excess] = 0;
    return status;
}

/* Solves the relaxation: raises node->bound, says whether its answer is of use. */
static kerf_status relax(tier_search *s, tier_node *node, bool *has_answer, kerf_error *err)
{
    milp *m = s->solver;
    milp_program *g = &m->program.g;
    milp_lp_state state;
    double scale = s->goal_size > 0 ? OBJECTIVE / s->goal_size : OBJECTIVE;
    bool infeasible = false, relaxed = s->goal == TIER_VIOLATION;
    kerf_status status = tier_program_set(&m->program, node, scale, err);
    g->upper[m->program.excess] = relaxed ? 2 * s->most_excess + 1 : 0;
    if (status == KERF_OK && !m->lp)
        status = milp_lp_create(g, &m->lp, err);
    if (status == KERF_OK)
        status = milp_lp_solve(m->lp, g->cost, &state, err);
    if (status != KERF_OK)
        return status;
    node->bound =
        fmax(node->bound, milp_safe_bound(g, g->cost, milp_lp_multipliers(m->lp)) / scale);
    *has_answer = state == MILP_LP_OPTIMAL;
    if (state == MILP_LP_INFEASIBLE && !relaxed && tier_worth(s, node->bound))
        status = check_infeasible(s, &infeasible, err);
    if (infeasible)
        node->bound = INFINITY;
    return status;
}

/* Rounded at a few thresholds: a and b are monotone along the data and b <= a, so each is legal,
 * but for operators that may not be on the edge. */
static void round_answer(tier_search *s)
{
    const milp *m = s->solver;
    const double *values = milp_lp_values(m->lp);
    tier_value value;
    for (int i = 0; i < THRESHOLDS; i++) {
        double threshold = (i + 0.5) / THRESHOLDS;
        for (size_t v = 0; v < s->problem->first->n; v++)
            s->x[v] = (uint8_t)((values[tier_column(&m->program, 1, v)] > threshold) +
                                (values[tier_column(&m->program, 2, v)] > threshold));
        tier_examine(s, s->x, &value);
    }
}

static size_t least_decided(const tier_search *s, const tier_node *node)
{
    const milp *m = s->solver;
    const double *values = milp_lp_values(m->lp);
    double most = INTEGRAL;
    size_t found = KERF_NONE;
    for (size_t v = 0; v < s->problem->first->n; v++)
        for (int layer = 1; layer <= 2 && node->low[v] < node->high[v]; layer++) {
            double x = values[tier_column(&m->program, layer, v)], distance = fmin(x, 1 - x);
            if (distance > most) {
                most = distance;
                found = v;
            }
        }
    return found;
}

/* How far the chord over a range is below the transfer time at some bytes, relatively. */
static double chord_error(const tier_search *s, const tier_node *node, tier_transfer t,
                          double bytes)
{
    double low = fmax(node->range[t].low, s->least[t]), high = node->range[t].high;
    if (bytes <= low * (1 + SAME_BYTES) || bytes >= high * (1 - SAME_BYTES))
        return 0;
    const kerf_link *link = tier_link(s->problem, t);
    kerf_direction way = tier_direction(t);
    double at_low = kerf_link_transfer_s(link, way, low);
    double slope = (kerf_link_transfer_s(link, way, high) - at_low) / (high - low);
    return 1 - (at_low + slope * (bytes - low)) / kerf_link_transfer_s(link, way, bytes);
}

/* Splits on the bytes of the transfer whose chord is furthest off, by more than `least`. */
static kerf_status split_bytes(tier_search *s, const tier_node *node,
                               const double bytes[N_TRANSFERS], double least, bool *done,
                               kerf_error *err)
{
    int worst = N_TRANSFERS;
    for (int t = 0; t < N_TRANSFERS; t++) {
        double off = chord_error(s, node, (tier_transfer)t, bytes[t]);
        if (off > least) {
            least = off;
            worst = t;
        }
    }
    *done = worst < N_TRANSFERS;
    return *done ? tier_split_bytes(s, node, (tier_transfer)worst, bytes[worst], err) : KERF_OK;
}

/* An answer that is integral but dearer than its bound, or not there. */
static kerf_status split_decided(tier_search *s, const tier_node *node, bool has_answer,
                                 kerf_error *err)
{
    const milp *m = s->solver;
    size_t n = s->problem->first->n;
    tier_value value;
    bool done = false;
    for (size_t v = 0; v < n; v++)
        s->x[v] = has_answer
                      ? (uint8_t)((milp_lp_values(m->lp)[tier_column(&m->program, 1, v)] > 0.5) +
                                  (milp_lp_values(m->lp)[tier_column(&m->program, 2, v)] > 0.5))
                      : node->low[v];
    tier_examine(s, s->x, &value);
    if (!tier_worth(s, node->bound))
        return KERF_OK;
    if (has_answer) {
        kerf_status status = split_bytes(s, node, value.bytes, 0, &done, err);
        if (status != KERF_OK || done)
            return status;
    }
    for (size_t v = 0; v < n; v++)
        if (node->low[v] < node->high[v])
            return tier_split_operator(s, node, v, s->x[v], err);
    tier_examine(s, node->low, &value); /* the only placement in it */
    return KERF_OK;
}

static kerf_status expand(tier_search *s, tier_node *node, kerf_error *err)
{
    const milp *m = s->solver;
    bool has_answer = false, done = false;
    kerf_status status = relax(s, node, &has_answer, err);
    if (status == KERF_OK && has_answer && tier_worth(s, node->bound))
        round_answer(s);
    if (status != KERF_OK || !tier_worth(s, node->bound))
        return status;
    size_t v = has_answer ? least_decided(s, node) : KERF_NONE;
    if (v == KERF_NONE) {
        status = split_decided(s, node, has_answer, err);
        if (tier_worth(s, node->bound))
            node->bound = INFINITY;
        return status;
    }
    const double *values = milp_lp_values(m->lp);
    double bytes[N_TRANSFERS];
    for (int t = 0; t < N_TRANSFERS; t++)
        bytes[t] = values[m->program.bytes[t]] * m->program.unit[t];
    status = split_bytes(s, node, bytes, CHORD_ERROR, &done, err);
    if (status == KERF_OK && !done)
        status = tier_split_operator(s, node, v,
                                     (values[tier_column(&m->program, 1, v)] > 0.5) +
                                         (values[tier_column(&m->program, 2, v)] > 0.5),
                                     err);
    node->bound = INFINITY;
    return status;
}

kerf_status tier_solve_milp(const tier_problem *problem, const cut_options *options,
                            cut_solution *solution, kerf_error *err)
{
    milp m = {.lp = NULL};
    tier_search search = {.name = "milp", .expand = expand, .solver = &m};
    kerf_status status = tier_search_start(&search, problem, options, err);
    if (status == KERF_OK)
        status = tier_program_create(&search, &m.program, err);
    if (status == KERF_OK) {
        m.excess = kerf_calloc((size_t)m.program.g.n_columns + 1, sizeof *m.excess);
        if (!m.excess)
            status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators",
                               problem->first->n);
    }
    if (status == KERF_OK) {
        m.excess[m.program.excess] = 1;
        status = tier_search_run(&search, KERF_SOLVER_MILP, solution, err);
    }
    milp_lp_destroy(&m.lp);
    tier_program_clear(&m.program);
    free(m.excess);
    tier_search_clear(&search);
    return status;
}
