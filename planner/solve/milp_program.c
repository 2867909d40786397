#include "planner/solve/milp_program.h"

#include "base/error.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ROWS    50000000
#define MOST_COLUMNS 10000000

kerf_status milp_program_create(milp_program *g, size_t columns, kerf_error *err)
{
    *g = (milp_program){.n_rows = 0};
    if (columns > MOST_COLUMNS)
        return kerf_fail(err, KERF_E_TOO_LARGE, NULL,
                         "a program of %zu columns is too large for the solver milp", columns);
    g->n_columns = (int)columns;
    g->lower = kerf_calloc(columns + 1, sizeof *g->lower);
    g->upper = kerf_calloc(columns + 1, sizeof *g->upper);
    g->cost = kerf_calloc(columns + 1, sizeof *g->cost);
    g->reduced = kerf_calloc(columns + 1, sizeof *g->reduced);
    g->start = kerf_calloc(8, sizeof *g->start);
    g->start_capacity = 8;
    if (g->lower && g->upper && g->cost && g->reduced && g->start)
        return KERF_OK;
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu columns", columns);
}

void milp_clear(milp_program *g)
{
    free(g->lower);
    free(g->upper);
    free(g->cost);
    free(g->reduced);
    free(g->start);
    free(g->low);
    free(g->high);
    free(g->index);
    free(g->value);
    *g = (milp_program){.n_rows = 0};
}

double milp_safe_bound(milp_program *g, const double *cost, const double *duals)
{
    double bound = cost[0], size = fabs(cost[0]);
    memcpy(g->reduced, cost, ((size_t)g->n_columns + 1) * sizeof *cost);
    for (size_t i = 0; i < g->n_rows; i++) {
        double dual = duals[i], side = dual > 0 ? g->low[i] : g->high[i];
        if (dual == 0 || isinf(side) || !isfinite(dual))
            continue; /* any multiplier is allowed, 0 too */
        bound += dual * side;
        size += fabs(dual * side);
        for (size_t k = g->start[i]; k < g->start[i + 1]; k++)
            g->reduced[g->index[k]] -= dual * g->value[k];
    }
    for (int j = 1; j <= g->n_columns; j++) {
        double least = g->reduced[j] * (g->reduced[j] > 0 ? g->lower[j] : g->upper[j]);
        bound += least;
        size += fabs(least);
    }
    return bound - 1e-14 * size;
}

kerf_status milp_expression_create(milp_expression *e, milp_program *program, kerf_error *err)
{
    size_t columns = (size_t)program->n_columns + 1;
    *e = (milp_expression){.program = program};
    e->terms = kerf_calloc(columns, sizeof *e->terms);
    e->touched = kerf_calloc(columns, sizeof *e->touched);
    e->is_touched = kerf_calloc(columns, sizeof *e->is_touched);
    if (e->terms && e->touched && e->is_touched)
        return KERF_OK;
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu columns", columns);
}

void milp_expression_clear(milp_expression *e)
{
    free(e->terms);
    free(e->touched);
    free(e->is_touched);
    *e = (milp_expression){.program = NULL};
}

void milp_add(milp_expression *e, int column, double value)
{
    if (!e->is_touched[column]) {
        e->is_touched[column] = true;
        e->touched[e->n_touched++] = column;
    }
    e->terms[column] += value;
}

void milp_multiply(milp_expression *e, double factor)
{
    for (int i = 0; i < e->n_touched; i++)
        e->terms[e->touched[i]] *= factor;
    e->constant *= factor;
}

void milp_move_to(milp_expression *e, double *cost)
{
    cost[0] = e->constant;
    for (int i = 0; i < e->n_touched; i++) {
        int column = e->touched[i];
        cost[column] = e->terms[column];
        e->terms[column] = 0;
        e->is_touched[column] = false;
    }
    e->n_touched = 0;
    e->constant = 0;
}

void milp_emit(milp_expression *e, double low, double high)
{
    milp_program *g = e->program;
    size_t entry = g->start[g->n_rows], need = entry + (size_t)e->n_touched;
    if (kerf_reserve(&g->start, &g->start_capacity, g->n_rows + 2, MOST_ROWS, sizeof *g->start) ||
        kerf_reserve(&g->low, &g->low_capacity, g->n_rows + 1, MOST_ROWS, sizeof *g->low) ||
        kerf_reserve(&g->high, &g->high_capacity, g->n_rows + 1, MOST_ROWS, sizeof *g->high) ||
        kerf_reserve(&g->index, &g->index_capacity, need, MOST_ROWS, sizeof *g->index) ||
        kerf_reserve(&g->value, &g->value_capacity, need, MOST_ROWS, sizeof *g->value)) {
        e->failed = true;
        need = entry;
    }
    for (int i = 0; i < e->n_touched; i++) {
        int column = e->touched[i];
        if (!e->failed) {
            g->index[entry + (size_t)i] = column;
            g->value[entry + (size_t)i] = e->terms[column];
        }
        e->terms[column] = 0;
        e->is_touched[column] = false;
    }
    if (!e->failed) {
        g->low[g->n_rows] = low - e->constant;
        g->high[g->n_rows++] = high - e->constant;
        g->start[g->n_rows] = need;
    }
    e->n_touched = 0;
    e->constant = 0;
}
