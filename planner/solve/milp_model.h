/* A cut problem as a mixed integer program.
 *
 * Columns: x(v) binary, 1 on the server; y(t) in [0, 1], at least what tensor t crosses; per
 * direction z, 1 if anything goes over the link, and b, the bytes that do. A concave link cost is
 * replaced by its chord over a range that the bytes are known to lie in: it is never more than the
 * true cost there, and equal to it at both ends. So every solution of the program is a lower bound,
 * and narrowing the range makes it exact.
 *
 * The program is held in memory of its own, so that what GLPK says of it can be checked. */
#ifndef KERF_PLANNER_SOLVE_MILP_MODEL_H
#define KERF_PLANNER_SOLVE_MILP_MODEL_H

#include "planner/solve/dag.h"
#include "planner/solve/linear.h"

typedef enum milp_goal {
    MILP_SUM,      /* the weighted sum of energy, latency and server energy */
    MILP_SLOWEST,  /* the slowest stage */
    MILP_VIOLATION /* the largest relative excess over a limit */
} milp_goal;

/* The bytes of a direction: low <= B <= high, or, unless `used`, 0. high = 0: none. */
typedef struct milp_range {
    double low, high;
    bool used;
} milp_range;

typedef struct milp_question {
    const cut_problem *problem;
    const cut_dag *dag;
    milp_goal goal;
} milp_question;

/* Minimise cost[0] + sum of cost[j] x[j], j = 1 .. n_columns, where lower <= x <= upper and
 * low[i] <= row i <= high[i]; entries of row i are start[i] .. start[i + 1] - 1. */
typedef struct milp_program {
    milp_question q;
    int n_columns;
    double *lower, *upper, *cost;
    size_t n_rows, n_fixed_rows; /* the rows after n_fixed_rows change from node to node */
    size_t *start;
    double *low, *high, *value;
    int *index;
    size_t start_capacity, low_capacity, high_capacity, index_capacity, value_capacity;
    /* where things are */
    int *y;     /* by tensor, 0 if it needs none */
    int bundle; /* the first bundle's: 1 if it is together */
    int device_part, server_part, offload, z[2], b[2], goal;
    int excess; /* relative excess over the limits: 0 unless that is what is minimised */
    int memory, held, first_large;
    double unit[2]; /* bytes of one unit of b */
    /* the node at hand */
    cut_weights weights;
    double scale; /* cost is the goal times this */
    milp_range range[2];
    double *reduced; /* scratch */
} milp_program;

/* Where operator v's column is. */
static inline int milp_column(size_t v)
{
    return (int)v + 1;
}

/* Clear it in any case. KERF_E_NOMEM, KERF_E_TOO_LARGE. */
kerf_status milp_create(const milp_question *question, milp_program *program, kerf_error *err);
void milp_clear(milp_program *program);

/* Sets the columns' bounds, the rows that change and the cost: side[v] fixes operators. */
kerf_status milp_set_node(milp_program *program, const cut_weights *weights, double scale,
                          const uint8_t *side, const milp_range range[2], kerf_error *err);

/* A lower bound of a linear function over the program without integrality, from any multipliers of
 * its rows: good ones give a good bound, none gives a wrong one (weak duality; Neumaier &
 * Shcherbina 2004). */
double milp_safe_bound(milp_program *program, const double *cost, const double *multipliers);

#endif
