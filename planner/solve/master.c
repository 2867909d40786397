#include "planner/solve/master.h"

#include "base/error.h"
#include "base/lp_shield.h"
#include "base/memory.h"

#include <glpk.h>
#include <stdlib.h>

typedef struct master {
    const master_question *q;
    master_answer *answer;
    int *index; /* from 1 */
    double *value;
} master;

/* Columns 1 .. n: the multipliers; n + 1: what is maximised. A row per sample, then the sum. */
static void load(master *m, glp_prob *prob)
{
    const master_question *q = m->q;
    int n = (int)q->n, count = 0;
    glp_set_obj_dir(prob, GLP_MAX);
    glp_add_cols(prob, n + 1);
    glp_add_rows(prob, (int)q->n_samples + (q->shared ? 1 : 0));
    for (int j = 1; j <= n; j++) {
        bool shared = q->shared && q->shared[j - 1];
        glp_set_col_bnds(prob, j, GLP_DB, 0, shared ? 1 : q->most);
    }
    glp_set_col_bnds(prob, n + 1, GLP_FR, 0, 0);
    glp_set_obj_coef(prob, n + 1, 1);
    for (size_t k = 0; k < q->n_samples; k++) {
        count = 0;
        for (int j = 1; j <= n; j++) {
            m->index[++count] = j;
            m->value[count] = -q->slopes[k][j - 1];
        }
        m->index[++count] = n + 1;
        m->value[count] = 1;
        glp_set_mat_row(prob, (int)k + 1, count, m->index, m->value);
        glp_set_row_bnds(prob, (int)k + 1, GLP_UP, 0, q->fixed[k]);
    }
    if (!q->shared)
        return;
    count = 0;
    for (int j = 1; j <= n; j++)
        if (q->shared[j - 1]) {
            m->index[++count] = j;
            m->value[count] = 1;
        }
    glp_set_mat_row(prob, (int)q->n_samples + 1, count, m->index, m->value);
    glp_set_row_bnds(prob, (int)q->n_samples + 1, GLP_FX, 1, 1);
}

static void work(void *context)
{
    master *m = context;
    glp_smcp parameters;
    glp_prob *prob = glp_create_prob();
    load(m, prob);
    glp_init_smcp(&parameters);
    parameters.msg_lev = GLP_MSG_OFF;
    parameters.it_lim = 1000 + 20 * (int)(m->q->n_samples + m->q->n);
    int code = glp_simplex(prob, &parameters);
    m->answer->found = code == 0 && glp_get_status(prob) == GLP_OPT;
    m->answer->value = glp_get_obj_val(prob);
    for (size_t i = 0; i < m->q->n; i++) {
        double multiplier = glp_get_col_prim(prob, (int)i + 1);
        m->answer->multipliers[i] = multiplier > 0 ? multiplier : 0;
    }
    for (size_t k = 0; k < m->q->n_samples; k++) {
        double share = glp_get_row_dual(prob, (int)k + 1);
        m->answer->shares[k] = share > 0 ? share : 0;
    }
    glp_delete_prob(prob);
}

kerf_status master_solve(const master_question *question, master_answer *answer, kerf_error *err)
{
    master m = {.q = question, .answer = answer};
    kerf_status status;
    answer->found = false;
    m.index = kerf_calloc(question->n + 2, sizeof *m.index);
    m.value = kerf_calloc(question->n + 2, sizeof *m.value);
    if (m.index && m.value)
        status = lp_shielded(work, &m, err);
    else
        status =
            kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu multipliers", question->n);
    free(m.index);
    free(m.value);
    return status;
}
