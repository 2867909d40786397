/* Prices a part of a fused group as one kernel (docs/cost-model.md, section 2). */
#include "model/cost/pricer.h"

#include <math.h>

/* Which operators of the part are looked at. */
typedef enum price_subset { PRICE_ALL, PRICE_LATENCY_MEASURED, PRICE_ENERGY_MEASURED } price_subset;

typedef struct price_part {
    const kerf_pricer *pricer;
    const price_operator *operators; /* the group's */
    size_t first, last;
    price_subset subset;
} price_part;

static bool has(const price_part *part, size_t position)
{
    if (position < part->first || position >= part->last)
        return false;
    if (part->subset == PRICE_LATENCY_MEASURED)
        return !isnan(part->operators[position].latency_s);
    if (part->subset == PRICE_ENERGY_MEASURED)
        return !isnan(part->operators[position].energy_J);
    return true;
}

/* Bytes that one operator reads from outside the part and that no operator of the part before it
 * has read already. */
static double read_bytes(const price_part *part, const price_operator *op)
{
    const price_read *reads = part->pricer->reads;
    double bytes = 0;
    for (size_t i = op[0].reads; i < op[1].reads; i++) {
        bool counted = reads[i].producer != KERF_NONE && has(part, reads[i].producer);
        for (size_t p = reads[i].previous; p != KERF_NONE && !counted; p = reads[p].previous) {
            if (reads[p].position < part->first)
                break;
            counted = has(part, reads[p].position);
        }
        if (!counted)
            bytes += reads[i].bytes;
    }
    return bytes;
}

/* Bytes that one operator writes for consumers outside the part. */
static double write_bytes(const price_part *part, const price_operator *op)
{
    const kerf_pricer *pricer = part->pricer;
    double bytes = 0;
    for (size_t i = op[0].writes; i < op[1].writes; i++) {
        const price_write *write = &pricer->writes[i];
        bool leaves = write->outside;
        for (size_t c = write->consumers; c < write->consumers_end && !leaves; c++)
            leaves = !has(part, pricer->positions[c]);
        if (leaves)
            bytes += write->bytes;
    }
    return bytes;
}

static double quantum_of(const kerf_pricer *pricer)
{
    return pricer->mode->kernel_quantum > 0 ? pricer->mode->kernel_quantum : 1;
}

static kerf_work work_of(const price_part *part, double kernel_quantum)
{
    kerf_work work = kerf_work_none();
    for (size_t i = part->first; i < part->last; i++) {
        if (!has(part, i))
            continue;
        const price_operator *op = &part->operators[i];
        const kerf_layer layer = {.cls = op->cls,
                                  .grouped = op->grouped,
                                  .macs = op->macs,
                                  .steps = op->steps,
                                  .kernels = op->kernels,
                                  .weight_bytes = op->weight_bytes};
        work.bytes += read_bytes(part, op) + write_bytes(part, op);
        kerf_work_add(&work, &layer, kernel_quantum);
    }
    return work;
}

static double figure(kerf_cost cost, price_subset subset)
{
    return subset == PRICE_LATENCY_MEASURED ? cost.latency_s : cost.energy_J;
}

/* Sum of the measured figures, plus what the estimate says that the operators which were not
 * measured add to those that were; the whole estimate where nothing was measured. */
static double price(price_part part, kerf_cost whole, price_subset subset)
{
    double measured = 0;
    size_t n = 0;
    part.subset = subset;
    for (size_t i = part.first; i < part.last; i++) {
        if (!has(&part, i))
            continue;
        const price_operator *op = &part.operators[i];
        measured += subset == PRICE_LATENCY_MEASURED ? op->latency_s : op->energy_J;
        n++;
    }
    if (n == 0)
        return figure(whole, subset);
    if (n == part.last - part.first)
        return measured;
    kerf_work known = work_of(&part, quantum_of(part.pricer));
    double rest = figure(whole, subset) - figure(kerf_work_cost(part.pricer->mode, &known), subset);
    return measured + (rest < 0 ? 0 : rest);
}

/* False where there is nothing. */
static bool find_part(const kerf_pricer *pricer, size_t group, size_t first, size_t last,
                      price_part *part)
{
    if (group >= pricer->n_groups)
        return false;
    size_t begin = pricer->begin[group];
    size_t n = pricer->begin[group + 1] - begin;
    *part = (price_part){.pricer = pricer,
                         .operators = pricer->operators + begin,
                         .first = first,
                         .last = last < n ? last : n,
                         .subset = PRICE_ALL};
    return part->first < part->last;
}

kerf_work kerf_pricer_work(const kerf_pricer *pricer, size_t group, size_t first, size_t last,
                           double kernel_quantum)
{
    price_part part;
    return find_part(pricer, group, first, last, &part) ? work_of(&part, kernel_quantum)
                                                        : kerf_work_none();
}

/* A part that no measured group's border lies in. */
static kerf_cost price_kernel(price_part part)
{
    const kerf_pricer *pricer = part.pricer;
    kerf_work work = work_of(&part, quantum_of(pricer));
    kerf_cost whole = kerf_work_cost(pricer->mode, &work);
    return (kerf_cost){price(part, whole, PRICE_LATENCY_MEASURED),
                       price(part, whole, PRICE_ENERGY_MEASURED)};
}

kerf_cost kerf_price_part(const kerf_pricer *pricer, size_t group, size_t first, size_t last)
{
    price_part part;
    kerf_cost sum = {0, 0};
    if (!find_part(pricer, group, first, last, &part))
        return sum;
    const size_t end = part.last;
    while (part.first < end) {
        part.last = part.first + 1;
        while (part.last < end && !part.operators[part.last].breaks)
            part.last++;
        const kerf_cost cost = price_kernel(part);
        sum.latency_s += cost.latency_s;
        sum.energy_J += cost.energy_J;
        part.first = part.last;
    }
    return sum;
}
