/* A cut problem as a mixed integer program: what a general solver would be given, for tests and
 * benches to compare with.
 *
 * Columns: x(v) binary, 1 on the server; y(t) in [0, 1], at least what tensor t crosses; per
 * direction z, 1 if anything goes over the link, and b, the bytes that do. A concave link cost is
 * replaced by its chord over a range that the bytes are known to lie in: it is never more than the
 * true cost there, and equal to it at both ends. So every solution of the program is a lower bound,
 * and over a link whose cost is linear but for its jump it is exact. */
#ifndef KERF_TESTS_CUT_PROGRAM_H
#define KERF_TESTS_CUT_PROGRAM_H

#include "planner/solve/dag.h"
#include "planner/solve/linear.h"
#include "planner/solve/milp_lp.h"

typedef enum program_goal {
    PROGRAM_SUM,      /* the weighted sum of energy, latency and server energy */
    PROGRAM_SLOWEST,  /* the slowest stage */
    PROGRAM_VIOLATION /* the largest relative excess over a limit */
} program_goal;

/* The bytes of a direction: low <= B <= high, or, unless `used`, 0. high = 0: none. */
typedef struct byte_range {
    double low, high;
    bool used;
} byte_range;

typedef struct program_question {
    const cut_problem *problem;
    const cut_dag *dag;
    program_goal goal;
} program_question;

typedef struct cut_program {
    milp_program program;
    program_question q;
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
    byte_range range[2];
} cut_program;

/* Where operator v's column is. */
static inline int program_column(size_t v)
{
    return (int)v + 1;
}

/* Clear it in any case. KERF_E_NOMEM, KERF_E_TOO_LARGE. */
kerf_status cut_program_create(const program_question *question, cut_program *program,
                               kerf_error *err);
void cut_program_clear(cut_program *program);

/* Sets the columns' bounds, the rows that change and the cost: side[v] fixes operators. */
kerf_status cut_program_set_node(cut_program *program, const cut_weights *weights, double scale,
                                 const uint8_t *side, const byte_range range[2], kerf_error *err);

/* Writes a problem in CPLEX LP format, of which the objective (a sum) is minimised; exact over a
 * link without slow start. The values are the true ones times `scale`. Aborts where it cannot. */
void cut_program_write(const cut_problem *problem, double scale, const char *path);

#endif
