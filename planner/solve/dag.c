#include "planner/solve/dag.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void count_entries(const cut_problem *problem, cut_dag *dag)
{
    for (size_t t = 0; t < problem->n_tensors; t++) {
        const cut_tensor *tensor = &problem->tensors[t];
        if (tensor->producer != CUT_SOURCE)
            dag->made_start[tensor->producer + 1]++;
        for (size_t i = 0; i < tensor->n_consumers; i++)
            dag->read_start[tensor->consumers[i] + 1]++;
    }
    for (size_t v = 0; v < problem->n; v++) {
        dag->made_start[v + 1] += dag->made_start[v];
        dag->read_start[v + 1] += dag->read_start[v];
    }
}

/* Fills the lists, using the starts as cursors, and moves the starts back afterwards. */
static void fill_entries(const cut_problem *problem, cut_dag *dag)
{
    for (size_t t = 0; t < problem->n_tensors; t++) {
        const cut_tensor *tensor = &problem->tensors[t];
        if (tensor->producer != CUT_SOURCE)
            dag->made[dag->made_start[tensor->producer]++] = t;
        for (size_t i = 0; i < tensor->n_consumers; i++)
            dag->read[dag->read_start[tensor->consumers[i]]++] = t;
    }
    memmove(dag->made_start + 1, dag->made_start, problem->n * sizeof *dag->made_start);
    memmove(dag->read_start + 1, dag->read_start, problem->n * sizeof *dag->read_start);
    dag->made_start[0] = dag->read_start[0] = 0;
    for (size_t g = 0; g < problem->n_groups; g++)
        for (size_t i = 0; i < problem->groups[g].n; i++)
            dag->group[problem->groups[g].operators[i]] = g;
}

static bool build(const cut_problem *problem, cut_dag *dag)
{
    dag->made_start = kerf_calloc(problem->n + 1, sizeof *dag->made_start);
    dag->read_start = kerf_calloc(problem->n + 1, sizeof *dag->read_start);
    dag->group = kerf_calloc(problem->n, sizeof *dag->group);
    if (!dag->made_start || !dag->read_start || !dag->group)
        return false;
    count_entries(problem, dag);
    dag->made = kerf_calloc(dag->made_start[problem->n], sizeof *dag->made);
    dag->read = kerf_calloc(dag->read_start[problem->n], sizeof *dag->read);
    if (!dag->made || !dag->read)
        return false;
    fill_entries(problem, dag);
    return true;
}

kerf_status cut_dag_create(const cut_problem *problem, cut_dag *dag, kerf_error *err)
{
    *dag = (cut_dag){.made = NULL};
    if (build(problem, dag))
        return KERF_OK;
    cut_dag_clear(dag);
    return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", problem->n);
}

void cut_dag_clear(cut_dag *dag)
{
    free(dag->made_start);
    free(dag->made);
    free(dag->read_start);
    free(dag->read);
    free(dag->group);
    *dag = (cut_dag){.made = NULL};
}

/* Backwards: the producers of what an operator on the device reads are there too. origin[v] is the
 * pinned operator that v's side follows from. */
static void force_device(const cut_problem *problem, const cut_dag *dag, uint8_t *side,
                         size_t *origin)
{
    for (size_t v = problem->n; v-- > 0;) {
        if (problem->pin[v] == KERF_SIDE_DEVICE) {
            side[v] = KERF_SIDE_DEVICE;
            origin[v] = v;
        }
        if (side[v] != KERF_SIDE_DEVICE)
            continue;
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1]; i++) {
            size_t producer = problem->tensors[dag->read[i]].producer;
            if (producer != CUT_SOURCE) {
                side[producer] = KERF_SIDE_DEVICE;
                origin[producer] = origin[v];
            }
        }
    }
}

/* Forwards: the consumers of what an operator on the server makes are there too. */
static kerf_status force_server(const cut_problem *problem, const cut_dag *dag, uint8_t *side,
                                size_t *origin, kerf_error *err)
{
    for (size_t v = 0; v < problem->n; v++) {
        bool pinned = problem->pin[v] == KERF_SIDE_SERVER;
        size_t from = pinned ? v : KERF_NONE;
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1] && from == KERF_NONE; i++) {
            size_t producer = problem->tensors[dag->read[i]].producer;
            if (producer != CUT_SOURCE && side[producer] == KERF_SIDE_SERVER)
                from = origin[producer];
        }
        if (from == KERF_NONE)
            continue;
        if (side[v] == KERF_SIDE_DEVICE)
            return kerf_fail(err, KERF_E_INFEASIBLE, "pins",
                             "operator %zu pinned to the device depends on operator %zu pinned to "
                             "the server",
                             origin[v], from);
        side[v] = KERF_SIDE_SERVER;
        origin[v] = from;
    }
    return KERF_OK;
}

kerf_status cut_dag_force(const cut_problem *problem, const cut_dag *dag, uint8_t *side,
                          kerf_error *err)
{
    memset(side, KERF_SIDE_FREE, problem->n);
    if (!problem->pin)
        return KERF_OK;
    size_t *origin = kerf_calloc(problem->n, sizeof *origin);
    if (!origin)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", problem->n);
    force_device(problem, dag, side, origin);
    kerf_status status = force_server(problem, dag, side, origin, err);
    free(origin);
    return status;
}
