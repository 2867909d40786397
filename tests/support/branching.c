#include "branching.h"

#include <math.h>
#include <string.h>

#define WIDTH      4
#define MOST_READS 4

typedef struct draft {
    size_t n;
    size_t (*reads)[MOST_READS]; /* by operator: whose outputs it reads */
    size_t *n_reads;
} draft;

static void read_from(draft *d, size_t v, size_t u)
{
    for (size_t i = 0; i < d->n_reads[v]; i++)
        if (d->reads[v][i] == u)
            return;
    if (d->n_reads[v] < MOST_READS)
        d->reads[v][d->n_reads[v]++] = u;
}

/* split, four branches of one to eight operators, join, which splits again. */
static void draft_blocks(rng *r, draft *d)
{
    size_t from = 0, v = 1;
    while (v < d->n) {
        size_t ends[WIDTH], n_ends = 0;
        for (int b = 0; b < WIDTH && v + 1 < d->n; b++) {
            size_t length = 1 + rng_below(r, 8), last = from;
            for (size_t i = 0; i < length && v + 1 < d->n; i++, v++) {
                read_from(d, v, last);
                last = v;
            }
            ends[n_ends++] = last;
        }
        for (size_t b = 0; b < n_ends; b++)
            read_from(d, v, ends[b]);
        read_from(d, v, n_ends > 0 ? ends[0] : from);
        from = v++;
    }
}

/* Four columns; an operator reads the one above it, and others of the row above by chance. */
static void draft_columns(rng *r, draft *d, double across)
{
    for (size_t v = WIDTH; v < d->n; v++) {
        read_from(d, v, v - WIDTH);
        for (size_t tries = 0; tries < 2; tries++)
            if (rng_chance(r, across))
                read_from(d, v, (v / WIDTH - 1) * WIDTH + rng_below(r, WIDTH));
    }
    for (size_t i = 1; i < WIDTH && d->n > WIDTH; i++) /* the last one joins the columns */
        read_from(d, d->n - 1, d->n - 1 - i);
}

static void add_tensors(rng *r, const draft *d, problem_box *box)
{
    cut_problem *p = &box->p;
    cut_tensor *tensors = box_alloc(box, d->n + 1, sizeof *tensors);
    size_t *count = box_alloc(box, d->n + 1, sizeof *count), roots = 0;
    for (size_t v = 0; v < d->n; v++) {
        for (size_t i = 0; i < d->n_reads[v]; i++)
            count[d->reads[v][i] + 1]++;
        count[0] += d->n_reads[v] == 0;
    }
    for (size_t t = 0; t <= d->n; t++) {
        double depth = (double)t / (double)d->n;
        size_t *list = box_alloc(box, count[t], sizeof *list);
        tensors[t] = (cut_tensor){.producer = t > 0 ? t - 1 : CUT_SOURCE,
                                  .consumers = list,
                                  .up_bytes = floor(rng_log(r, 2e4, 1e6) * pow(0.02, depth)),
                                  .to_device = t > 0 && count[t] == 0,
                                  .down_bytes = 4000};
    }
    tensors[0].up_bytes = 6e5;
    for (size_t v = 0; v < d->n; v++) {
        for (size_t i = 0; i < d->n_reads[v]; i++) {
            cut_tensor *from = &tensors[d->reads[v][i] + 1];
            ((size_t *)(uintptr_t)from->consumers)[from->n_consumers++] = v;
        }
        if (d->n_reads[v] == 0)
            ((size_t *)(uintptr_t)tensors[0].consumers)[roots++] = v;
    }
    tensors[0].n_consumers = roots;
    p->tensors = tensors;
    p->n_tensors = d->n + 1;
}

static void add_costs(rng *r, size_t n, problem_box *box)
{
    cut_problem *p = &box->p;
    cut_group *groups = box_alloc(box, n, sizeof *groups);
    size_t *all = box_alloc(box, n, sizeof *all);
    for (size_t v = 0; v < n; v++) {
        cut_cost *table = box_alloc(box, 2, sizeof *table);
        double work = rng_log(r, 0.1, 10) / (double)n, depth = (double)v / (double)n;
        table[1].device_s = work;
        table[1].device_J = work * rng_log(r, 0.7, 7);
        table[0].server_s = work * rng_log(r, 0.3, 3) * (2.1 - 2 * depth);
        table[0].server_J = table[0].server_s * 100;
        all[v] = v;
        groups[v] = (cut_group){&all[v], 1, table};
    }
    p->groups = groups;
    p->n_groups = n;
    p->device_part = (cut_cost){.device_s = 1e-3, .device_J = 5e-3};
    p->server_part = (cut_cost){.server_s = 5e-4, .server_J = 5e-2};
}

static void add_memory(rng *r, size_t n, problem_box *box)
{
    cut_problem *p = &box->p;
    cut_weight *weights = box_alloc(box, n, sizeof *weights);
    cut_buffer *buffers = box_alloc(box, p->n_tensors, sizeof *buffers);
    for (size_t v = 0; v < n; v++) {
        double depth = (double)v / (double)n;
        weights[v] =
            (cut_weight){floor(rng_log(r, 1e3, 1e5) * pow(50, depth)), p->groups[v].operators, 1};
    }
    for (size_t t = 0; t < p->n_tensors; t++) {
        const cut_tensor *tensor = &p->tensors[t];
        buffers[t] = (cut_buffer){4 * tensor->up_bytes, tensor->producer, tensor->consumers,
                                  tensor->n_consumers, tensor->to_device};
    }
    p->weights = weights;
    p->n_weights = n;
    p->buffers = buffers;
    p->n_buffers = p->n_tensors;
}

void branching_problem(rng *r, branching kind, size_t n, bool cold, problem_box *box)
{
    box_clear(box);
    draft d = {.n = n, .reads = box_alloc(box, n, sizeof *d.reads)};
    d.n_reads = box_alloc(box, n, sizeof *d.n_reads);
    if (kind == BRANCHING_BLOCKS)
        draft_blocks(r, &d);
    else
        draft_columns(r, &d, kind == BRANCHING_LAYERED ? 0.5 : 0.01);
    box->p.n = n;
    add_tensors(r, &d, box);
    add_costs(r, n, box);
    add_memory(r, n, box);
    box->link = (kerf_link){.rate_bps = {8e7, 8e7},
                            .rtt_s = 0.02,
                            .active_W = {1.3, 0.9},
                            .connection = cold ? KERF_CONNECTION_COLD : KERF_CONNECTION_WARM};
    box->p.link = &box->link;
    box->p.wait_W = 2;
    box->p.objective = KERF_OBJ_ENERGY;
}
