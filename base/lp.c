#include "base/lp.h"

#include "base/error.h"
#include "base/lp_shield.h"
#include "base/memory.h"

#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* What GLPK works on; nothing of it is touched after a jump out of GLPK but to free it. */
typedef struct lp_run {
    const kerf_lp *lp;
    glp_prob *prob;
    int *index; /* scratch, from 1 */
    double *value;
    double *x, *multipliers;
    int state;
} lp_run;

static int bound_type(double low, double high)
{
    if (isinf(low) && isinf(high))
        return GLP_FR;
    return isinf(low) ? GLP_UP : isinf(high) ? GLP_LO : low < high ? GLP_DB : GLP_FX;
}

static void load(lp_run *run)
{
    const kerf_lp *lp = run->lp;
    run->prob = glp_create_prob();
    glp_add_cols(run->prob, (int)lp->columns);
    if (lp->rows > 0)
        glp_add_rows(run->prob, (int)lp->rows);
    for (size_t i = 0; i < lp->rows; i++) {
        int count = 0;
        for (size_t j = 0; j < lp->columns; j++) {
            const double entry = lp->matrix[i * lp->columns + j];
            if (entry != 0) {
                run->index[++count] = (int)j + 1;
                run->value[count] = entry;
            }
        }
        glp_set_mat_row(run->prob, (int)i + 1, count, run->index, run->value);
        glp_set_row_bnds(run->prob, (int)i + 1, bound_type(lp->row_low[i], lp->row_high[i]),
                         lp->row_low[i], lp->row_high[i]);
    }
    for (size_t j = 0; j < lp->columns; j++) {
        glp_set_col_bnds(run->prob, (int)j + 1, bound_type(lp->low[j], lp->high[j]), lp->low[j],
                         lp->high[j]);
        glp_set_obj_coef(run->prob, (int)j + 1, lp->cost[j]);
    }
}

static int simplex(lp_run *run, int method)
{
    glp_smcp parameters;
    glp_init_smcp(&parameters);
    parameters.msg_lev = GLP_MSG_OFF;
    parameters.meth = method;
    parameters.it_lim = 10000 + 50 * (int)(run->lp->rows + run->lp->columns);
    if (glp_simplex(run->prob, &parameters) != 0)
        return GLP_UNDEF;
    return glp_get_status(run->prob);
}

static void work(void *context)
{
    lp_run *run = context;
    load(run);
    run->state = simplex(run, GLP_PRIMAL);
    if (run->state != GLP_OPT && run->state != GLP_NOFEAS) { /* once more, the other way */
        glp_std_basis(run->prob);
        run->state = simplex(run, GLP_DUALP);
    }
    for (size_t j = 0; run->x && j < run->lp->columns; j++)
        run->x[j] = glp_get_col_prim(run->prob, (int)j + 1);
    for (size_t i = 0; run->multipliers && i < run->lp->rows; i++)
        run->multipliers[i] = glp_get_row_dual(run->prob, (int)i + 1);
    glp_delete_prob(run->prob);
}

kerf_status kerf_lp_solve(const kerf_lp *lp, double *x, double *multipliers, kerf_error *err)
{
    lp_run run = {.lp = lp, .state = GLP_UNDEF};
    kerf_status status = KERF_OK;
    if (lp->columns == 0 || lp->columns > INT_MAX / 100 || lp->rows > INT_MAX / 100)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                         "a linear program of %zu rows and %zu columns, expected 1 to %d", lp->rows,
                         lp->columns, INT_MAX / 100);
    run.index = kerf_calloc(lp->columns + 1, sizeof *run.index);
    run.value = kerf_calloc(lp->columns + 1, sizeof *run.value);
    run.x = x;
    run.multipliers = multipliers;
    if (!run.index || !run.value)
        status = kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory");
    if (status == KERF_OK) {
        status = lp_shielded(work, &run, err);
        lp_release();
    }
    if (status == KERF_OK && run.state == GLP_NOFEAS)
        status = kerf_fail(err, KERF_E_INFEASIBLE, NULL, "the linear program has no solution");
    else if (status == KERF_OK && run.state != GLP_OPT)
        status =
            kerf_fail(err, KERF_E_INTERNAL, NULL, "the linear program was not solved to its end");
    free(run.index);
    free(run.value);
    return status;
}
