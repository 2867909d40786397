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

/* What the kernel does, weighted by the mode's coefficients where they differ by class. */
typedef struct price_work {
    bool empty;   /* nothing but views: costs nothing */
    bool known;   /* has an operator whose energy the mac-kernels form describes */
    double mac_s; /* sum of MACs * s_per_mac */
    double mac_J; /* sum of MACs * J_per_mac */
    double bytes;
    double kernels; /* rounded up to the mode's quantum */
} price_work;

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

static bool is_convolution(kerf_class cls)
{
    return cls == KERF_CLASS_CONV || cls == KERF_CLASS_POINTWISE || cls == KERF_CLASS_DEPTHWISE;
}

static bool is_multiplication(kerf_class cls)
{
    return is_convolution(cls) || cls == KERF_CLASS_FC || cls == KERF_CLASS_MATMUL ||
           cls == KERF_CLASS_RECURRENT;
}

static price_work work_of(const price_part *part)
{
    const kerf_power_mode *mode = part->pricer->mode;
    double quantum = mode->kernel_quantum > 0 ? mode->kernel_quantum : 1;
    price_work work = {.empty = true};
    for (size_t i = part->first; i < part->last; i++) {
        if (!has(part, i))
            continue;
        const price_operator *op = &part->operators[i];
        work.empty = work.empty && op->cls == KERF_CLASS_VIEW;
        work.known = work.known || is_multiplication(op->cls);
        work.mac_s += op->macs * mode->s_per_mac[op->cls];
        work.mac_J += op->macs * mode->J_per_mac[op->cls];
        work.bytes += read_bytes(part, op) + op->weight_bytes + write_bytes(part, op);
        if (is_convolution(op->cls))
            work.kernels += ceil(op->kernels / quantum) * quantum;
    }
    return work;
}

static double estimate_latency(const kerf_power_mode *mode, const price_work *work)
{
    if (work->empty)
        return 0;
    double memory_s = work->bytes * mode->s_per_byte;
    if (mode->latency_form == KERF_LATENCY_SUM)
        return mode->launch_s + work->mac_s + memory_s;
    /* Written so that an unknown size stays unknown. */
    return mode->launch_s + (work->mac_s > memory_s ? work->mac_s : memory_s);
}

/* (a^p + b^p)^(1/p), scaled by the larger of the two lest the powers underflow. */
static double smooth_maximum(double a, double b, double p)
{
    double high = a > b ? a : b;
    double low = a > b ? b : a;
    if (high == 0)
        return 0;
    return high * pow(1 + pow(low / high, p), 1 / p);
}

static double estimate_energy(const kerf_power_mode *mode, const price_work *work)
{
    if (work->empty)
        return 0;
    double classes_J = mode->launch_J + work->mac_J + work->bytes * mode->J_per_byte;
    switch (mode->energy_form) {
    case KERF_ENERGY_CLASSES:
        return classes_J;
    case KERF_ENERGY_FLOOR:
        return smooth_maximum(mode->floor_J, classes_J, mode->floor_exponent);
    case KERF_ENERGY_MAC_KERNELS:
        /* The form describes layers that multiply; what a runtime fuses into them is free, and
         * what runs alone (pooling, concatenation, ...) is charged for its bytes. */
        return mode->launch_J + work->mac_J + work->kernels * mode->J_per_kernel +
               (work->known ? 0 : work->bytes * mode->J_per_byte);
    case KERF_ENERGY_POWER:
        return mode->active_W * estimate_latency(mode, work);
    }
    return NAN;
}

typedef double price_estimate(const kerf_power_mode *mode, const price_work *work);

/* Sum of the measured figures, plus what the estimate says that the operators which were not
 * measured add to those that were; the whole estimate where nothing was measured. */
static double price(price_part part, const price_work *whole, price_estimate *estimate,
                    price_subset subset)
{
    const kerf_power_mode *mode = part.pricer->mode;
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
        return estimate(mode, whole);
    if (n == part.last - part.first)
        return measured;
    price_work known = work_of(&part);
    double rest = estimate(mode, whole) - estimate(mode, &known);
    return measured + (rest < 0 ? 0 : rest);
}

kerf_cost kerf_price_part(const kerf_pricer *pricer, size_t group, size_t first, size_t last)
{
    kerf_cost cost = {0, 0};
    if (group >= pricer->n_groups)
        return cost;
    size_t begin = pricer->begin[group];
    size_t n = pricer->begin[group + 1] - begin;
    price_part part = {.pricer = pricer,
                       .operators = pricer->operators + begin,
                       .first = first,
                       .last = last < n ? last : n,
                       .subset = PRICE_ALL};
    if (part.first >= part.last)
        return cost;
    price_work whole = work_of(&part);
    cost.latency_s = price(part, &whole, estimate_latency, PRICE_LATENCY_MEASURED);
    cost.energy_J = price(part, &whole, estimate_energy, PRICE_ENERGY_MEASURED);
    return cost;
}
