#include "planner/solve/memory.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t made_at(const cut_buffer *buffer)
{
    return buffer->producer == CUT_SOURCE ? 0 : buffer->producer + 1;
}

static size_t last_read_at(const cut_buffer *buffer)
{
    size_t last = made_at(buffer);
    if (buffer->n_readers > 0 && buffer->readers[buffer->n_readers - 1] + 1 > last)
        last = buffer->readers[buffer->n_readers - 1] + 1;
    return last;
}

static bool has_readers(const cut_tensor *tensor, const cut_buffer *buffer)
{
    return tensor->producer == buffer->producer && !tensor->to_server &&
           tensor->n_consumers == buffer->n_readers &&
           memcmp(tensor->consumers, buffer->readers,
                  buffer->n_readers * sizeof *buffer->readers) == 0;
}

/* A tensor that crosses exactly if the buffer has a reader on the server, KERF_NONE if there is
 * none. */
static size_t find_tensor(const cut_problem *p, const cut_dag *dag, const cut_buffer *buffer)
{
    size_t u = buffer->producer;
    for (size_t t = 0; t < p->n_tensors && u == CUT_SOURCE; t++)
        if (has_readers(&p->tensors[t], buffer))
            return t;
    for (size_t i = u == CUT_SOURCE ? 0 : dag->made_start[u];
         u != CUT_SOURCE && i < dag->made_start[u + 1]; i++)
        if (has_readers(&p->tensors[dag->made[i]], buffer))
            return dag->made[i];
    return KERF_NONE;
}

static bool is_reader(const cut_buffer *buffer, size_t v)
{
    for (size_t i = 0; i < buffer->n_readers; i++)
        if (buffer->readers[i] == v)
            return true;
    return false;
}

/* True if every reader depends on the producer in a way that is seen at once: it reads what the
 * producer or another reader (of a view) makes. */
static bool readers_follow(const cut_problem *p, const cut_dag *dag, const cut_buffer *buffer)
{
    for (size_t r = 0; r < buffer->n_readers; r++) {
        size_t v = buffer->readers[r];
        bool follows = buffer->producer == CUT_SOURCE;
        for (size_t i = dag->read_start[v]; i < dag->read_start[v + 1] && !follows; i++) {
            size_t u = p->tensors[dag->read[i]].producer;
            follows = u != CUT_SOURCE && (u == buffer->producer || (u < v && is_reader(buffer, u)));
        }
        if (!follows)
            return false;
    }
    return true;
}

static void find_tensors(cut_memory *m, const cut_dag *dag)
{
    const cut_problem *p = m->problem;
    for (size_t b = 0; b < p->n_buffers; b++) {
        const cut_buffer *buffer = &p->buffers[b];
        m->tensor_of[b] = KERF_NONE;
        if (buffer->kept || buffer->n_readers == 0)
            continue;
        m->tensor_of[b] = find_tensor(p, dag, buffer);
        if (m->tensor_of[b] != KERF_NONE || !readers_follow(p, dag, buffer))
            continue;
        m->tensor_of[b] = m->relaxed.n_tensors;
        m->tensors[m->relaxed.n_tensors++] = (cut_tensor){.producer = buffer->producer,
                                                          .consumers = buffer->readers,
                                                          .n_consumers = buffer->n_readers};
    }
}

kerf_status cut_memory_create(const cut_problem *problem, const cut_dag *dag, cut_memory *memory,
                              kerf_error *err)
{
    *memory = (cut_memory){.problem = problem, .relaxed = *problem};
    memory->tensors = kerf_calloc(problem->n_tensors + problem->n_buffers, sizeof(cut_tensor));
    memory->tensor_of = kerf_calloc(problem->n_buffers, sizeof *memory->tensor_of);
    if (!memory->tensors || !memory->tensor_of)
        return kerf_fail(err, KERF_E_NOMEM, NULL, "out of memory for %zu buffers",
                         problem->n_buffers);
    if (problem->n_tensors > 0)
        memcpy(memory->tensors, problem->tensors, problem->n_tensors * sizeof *memory->tensors);
    memory->relaxed.tensors = memory->tensors;
    find_tensors(memory, dag);
    return KERF_OK;
}

void cut_memory_clear(cut_memory *memory)
{
    free(memory->tensors);
    free(memory->tensor_of);
    *memory = (cut_memory){.problem = NULL};
}

/* True if one of the operators is on that side. */
static bool any_on(const size_t *operators, size_t n, const uint8_t *x, uint8_t side)
{
    for (size_t i = 0; i < n; i++)
        if (x[operators[i]] == side)
            return true;
    return false;
}

void cut_memory_profile(const cut_problem *p, const uint8_t *x, double *held)
{
    memset(held, 0, (p->n + 1) * sizeof *held);
    for (size_t w = 0; w < p->n_weights; w++)
        if (any_on(p->weights[w].operators, p->weights[w].n, x, 0))
            held[0] += p->weights[w].bytes;
    for (size_t b = 0; b < p->n_buffers; b++) {
        const cut_buffer *buffer = &p->buffers[b];
        if (buffer->producer != CUT_SOURCE && x[buffer->producer] != 0)
            continue;
        size_t last = last_read_at(buffer);
        held[made_at(buffer)] += buffer->bytes;
        if (last < p->n && !buffer->kept && !any_on(buffer->readers, buffer->n_readers, x, 1))
            held[last + 1] -= buffer->bytes;
    }
    for (size_t step = 1; step <= p->n; step++)
        held[step] += held[step - 1];
}

void cut_memory_price(const cut_memory *memory, size_t step, double per_byte,
                      cut_memory_prices *prices)
{
    const cut_problem *p = memory->problem;
    for (size_t w = 0; w < p->n_weights; w++) {
        const cut_weight *weight = &p->weights[w];
        if (weight->n == 1)
            prices->on_device[weight->operators[0]] += per_byte * weight->bytes;
        else
            prices->held[w] += per_byte * weight->bytes;
    }
    for (size_t b = 0; b < p->n_buffers; b++) {
        const cut_buffer *buffer = &p->buffers[b];
        double price = per_byte * buffer->bytes;
        if (step < made_at(buffer))
            continue;
        if (step > last_read_at(buffer) && !buffer->kept) {
            if (memory->tensor_of[b] != KERF_NONE)
                prices->crossing[memory->tensor_of[b]] += price;
        } else if (buffer->producer == CUT_SOURCE) {
            prices->fixed += price;
        } else {
            prices->on_device[buffer->producer] += price;
        }
    }
}
