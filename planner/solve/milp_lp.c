#include "planner/solve/milp_lp.h"

#include "base/error.h"
#include "base/lp_shield.h"
#include "base/memory.h"

#include <glpk.h>
#include <math.h>
#include <stdlib.h>

/* All that must survive a jump out of GLPK. */
struct milp_lp {
    const milp_program *program;
    glp_prob *prob; /* NULL before the first solution, and after a jump */
    double *multipliers, *values;
    int *row_index; /* scratch, from 1 */
    double *row_value;
    const double *cost;
    const char *path;
    milp_lp_state state;
    bool io_error;
};

static int bound_type(double low, double high)
{
    return isinf(low) ? GLP_UP : isinf(high) ? GLP_LO : low < high ? GLP_DB : GLP_FX;
}

static void load_row(milp_lp *lp, size_t i)
{
    const milp_program *g = lp->program;
    int count = 0;
    for (size_t k = g->start[i]; k < g->start[i + 1]; k++)
        if (g->value[k] != 0) {
            lp->row_index[++count] = g->index[k];
            lp->row_value[count] = g->value[k];
        }
    glp_set_mat_row(lp->prob, (int)i + 1, count, lp->row_index, lp->row_value);
    glp_set_row_bnds(lp->prob, (int)i + 1, bound_type(g->low[i], g->high[i]), g->low[i],
                     g->high[i]);
}

/* The first time everything, later only what changes from node to node. */
static void load(milp_lp *lp)
{
    const milp_program *g = lp->program;
    bool first = !lp->prob;
    if (first) {
        lp->prob = glp_create_prob();
        glp_add_cols(lp->prob, g->n_columns);
        if (g->n_rows > 0)
            glp_add_rows(lp->prob, (int)g->n_rows);
    }
    for (size_t i = first ? 0 : g->n_fixed_rows; i < g->n_rows; i++)
        load_row(lp, i);
    for (int j = 1; j <= g->n_columns; j++) {
        glp_set_col_bnds(lp->prob, j, g->lower[j] < g->upper[j] ? GLP_DB : GLP_FX, g->lower[j],
                         g->upper[j]);
        glp_set_obj_coef(lp->prob, j, lp->cost[j]);
    }
    glp_set_obj_coef(lp->prob, 0, lp->cost[0]);
    if (first)
        glp_adv_basis(lp->prob, 0);
}

static void read_state(milp_lp *lp, int code)
{
    int status = glp_get_status(lp->prob);
    lp->state = MILP_LP_UNKNOWN;
    if (code == 0 && status == GLP_OPT)
        lp->state = MILP_LP_OPTIMAL;
    else if (code == 0 && status == GLP_NOFEAS)
        lp->state = MILP_LP_INFEASIBLE;
}

static void solve(void *context)
{
    milp_lp *lp = context;
    const milp_program *g = lp->program;
    load(lp);
    glp_smcp parameters;
    glp_init_smcp(&parameters);
    parameters.msg_lev = GLP_MSG_OFF;
    parameters.meth = GLP_DUALP;
    parameters.it_lim = 1000 + 20 * (int)(g->n_rows + (size_t)g->n_columns);
    read_state(lp, glp_simplex(lp->prob, &parameters));
    if (lp->state == MILP_LP_UNKNOWN) { /* once more, from the plainest start */
        glp_std_basis(lp->prob);
        parameters.meth = GLP_PRIMAL;
        read_state(lp, glp_simplex(lp->prob, &parameters));
    }
    for (size_t i = 0; i < g->n_rows; i++)
        lp->multipliers[i] = glp_get_row_dual(lp->prob, (int)i + 1);
    for (int j = 1; j <= g->n_columns; j++)
        lp->values[j] = glp_get_col_prim(lp->prob, j);
    if (lp->state == MILP_LP_UNKNOWN)
        glp_std_basis(lp->prob);
}

static void write_program(void *context)
{
    milp_lp *lp = context;
    load(lp);
    for (int j = 1; j <= lp->program->n_binary; j++)
        glp_set_col_kind(lp->prob, j, GLP_BV);
    /* The format has no constant term: a column that is 1. */
    int one[2] = {0, glp_add_cols(lp->prob, 1)};
    glp_set_col_bnds(lp->prob, one[1], GLP_FX, 1, 1);
    glp_set_obj_coef(lp->prob, one[1], lp->cost[0]);
    lp->io_error = glp_write_lp(lp->prob, NULL, lp->path) != 0;
    glp_del_cols(lp->prob, 1, one);
    for (int j = 1; j <= lp->program->n_binary; j++)
        glp_set_col_kind(lp->prob, j, GLP_CV);
}

/* Runs `work` shielded. GLPK's objects are gone after an error. */
static kerf_status run(milp_lp *lp, void (*work)(void *), kerf_error *err)
{
    kerf_status status = lp_shielded(work, lp, err);
    if (status != KERF_OK)
        lp->prob = NULL;
    return status;
}

kerf_status milp_lp_create(const milp_program *program, milp_lp **lp, kerf_error *err)
{
    size_t columns = (size_t)program->n_columns + 1;
    milp_lp *l = kerf_calloc(1, sizeof *l);
    if (l) {
        l->program = program;
        l->multipliers = kerf_calloc(program->n_rows, sizeof *l->multipliers);
        l->values = kerf_calloc(columns, sizeof *l->values);
        l->row_index = kerf_calloc(columns, sizeof *l->row_index);
        l->row_value = kerf_calloc(columns, sizeof *l->row_value);
    }
    if (!l || !l->multipliers || !l->values || !l->row_index || !l->row_value) {
        milp_lp_destroy(&l);
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu rows", program->n_rows);
    }
    *lp = l;
    return KERF_OK;
}

void milp_lp_destroy(milp_lp **lp)
{
    milp_lp *l = *lp;
    if (!l)
        return;
    if (l->prob)
        glp_delete_prob(l->prob);
    lp_release();
    free(l->multipliers);
    free(l->values);
    free(l->row_index);
    free(l->row_value);
    free(l);
    *lp = NULL;
}

kerf_status milp_lp_solve(milp_lp *lp, const double *cost, milp_lp_state *state, kerf_error *err)
{
    lp->cost = cost;
    kerf_status status = run(lp, solve, err);
    *state = status == KERF_OK ? lp->state : MILP_LP_UNKNOWN;
    return status;
}

const double *milp_lp_multipliers(const milp_lp *lp)
{
    return lp->multipliers;
}

const double *milp_lp_values(const milp_lp *lp)
{
    return lp->values;
}

kerf_status milp_lp_write(milp_lp *lp, const char *path, kerf_error *err)
{
    lp->cost = lp->program->cost;
    lp->path = path;
    kerf_status status = run(lp, write_program, err);
    if (status == KERF_OK && lp->io_error)
        status = kerf_fail(err, KERF_E_IO, path, "cannot write the program");
    return status;
}
