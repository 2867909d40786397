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

static bool is_sealed(const spread *s, const cut_tensor *tensor)
{
    return s->closed && tensor->up_bytes > 0;
}

/* What a tensor says once its producer has a side. */
static void look_down(spread *s, const cut_tensor *tensor, uint8_t side)
{
    if (side != KERF_SIDE_SERVER && !is_sealed(s, tensor))
        return;
    for (size_t i = 0; i < tensor->n_consumers; i++)
        force(s, tensor->consumers[i], side);
}

/* What it says once a consumer has a side; `side` is the server's also for what must end there. */
static void look_up(spread *s, const cut_tensor *tensor, uint8_t side)
{
    if (side == KERF_SIDE_SERVER && !is_sealed(s, tensor))
        return;
    if (tensor->producer != CUT_SOURCE)
        force(s, tensor->producer, side);
    else if (side == KERF_SIDE_SERVER)
        s->possible = false;
}

/* All that it says at the start, when sides are known that nobody has looked at yet. */
static void look(spread *s, const cut_tensor *tensor)
{
    for (size_t i = 0; i < tensor->n_consumers; i++)
        if (s->side[tensor->consumers[i]] != KERF_SIDE_FREE)
            look_up(s, tensor, s->side[tensor->consumers[i]]);
    if (tensor->to_server)
        look_up(s, tensor, KERF_SIDE_SERVER);
    if (tensor->producer == CUT_SOURCE)
        look_down(s, tensor, KERF_SIDE_DEVICE);
    else if (s->side[tensor->producer] != KERF_SIDE_FREE)
        look_down(s, tensor, s->side[tensor->producer]);
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
            look_up(s, &p->tensors[s->dag->read[i]], s->side[v]);
        for (size_t i = s->dag->made_start[v]; i < s->dag->made_start[v + 1]; i++)
            look_down(s, &p->tensors[s->dag->made[i]], s->side[v]);
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
