#include "planner/solve/family.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

typedef struct spread {
    const cut_problem *problem;
    const cut_dag *dag;
    uint8_t *side;
    bool closed; /* nothing may go up */
    size_t *stack;
    size_t depth;
    bool possible;
} spread;

static void force(spread *s, size_t v, uint8_t side)
{
    if (s->side[v] == side)
        return;
    if (s->side[v] != KERF_SIDE_FREE) {
        s->possible = false;
        return;
    }
    s->side[v] = side;
    s->stack[s->depth++] = v;
}

/* What a tensor says, now that its producer or one of its consumers has a side. */
static void look(spread *s, const cut_tensor *tensor)
{
    bool sealed = s->closed && tensor->up_bytes > 0, device = false, server = false;
    size_t u = tensor->producer;
    bool here = u == CUT_SOURCE || s->side[u] == KERF_SIDE_DEVICE;
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        device = device || s->side[tensor->consumers[i]] == KERF_SIDE_DEVICE;
        server = server || s->side[tensor->consumers[i]] == KERF_SIDE_SERVER;
    }
    server = server || tensor->to_server;
    if (u != CUT_SOURCE && device)
        force(s, u, KERF_SIDE_DEVICE);
    if (sealed && server && u == CUT_SOURCE)
        s->possible = false;
    else if (sealed && server)
        force(s, u, KERF_SIDE_SERVER);
    for (size_t i = 0; i < tensor->n_consumers; i++) {
        if (u != CUT_SOURCE && s->side[u] == KERF_SIDE_SERVER)
            force(s, tensor->consumers[i], KERF_SIDE_SERVER);
        else if (sealed && here)
            force(s, tensor->consumers[i], KERF_SIDE_DEVICE);
    }
}

static void run(spread *s, unsigned family)
{
    const cut_problem *p = s->problem;
    for (size_t t = 0; t < p->n_tensors; t++) {
        const cut_tensor *tensor = &p->tensors[t];
        if (!(family & CUT_FAMILY_DOWN) && tensor->to_device && tensor->down_bytes > 0 &&
            tensor->producer != CUT_SOURCE)
            force(s, tensor->producer, KERF_SIDE_DEVICE);
        if (s->closed)
            look(s, tensor);
    }
    while (s->depth > 0 && s->possible) {
        size_t v = s->stack[--s->depth];
        for (size_t i = s->dag->read_start[v]; i < s->dag->read_start[v + 1]; i++)
            look(s, &p->tensors[s->dag->read[i]]);
        for (size_t i = s->dag->made_start[v]; i < s->dag->made_start[v + 1]; i++)
            look(s, &p->tensors[s->dag->made[i]]);
    }
}

kerf_status cut_family_force(const cut_problem *problem, const cut_dag *dag, unsigned family,
                             uint8_t *side, bool *possible, kerf_error *err)
{
    spread s = {problem, dag, side, !(family & CUT_FAMILY_UP), NULL, 0, true};
    s.stack = kerf_calloc(problem->n, sizeof *s.stack);
    if (!s.stack)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu operators", problem->n);
    run(&s, family);
    *possible = s.possible;
    free(s.stack);
    return KERF_OK;
}
