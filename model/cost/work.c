/* Kernels and their estimated costs (docs/cost-model.md, section 2). */
#include "model/cost/work.h"

#include <math.h>

static bool is_convolution(kerf_class cls)
{
    return cls == KERF_CLASS_CONV || cls == KERF_CLASS_POINTWISE || cls == KERF_CLASS_DEPTHWISE;
}

static bool is_multiplication(kerf_class cls)
{
    return is_convolution(cls) || cls == KERF_CLASS_FC || cls == KERF_CLASS_MATMUL ||
           cls == KERF_CLASS_RECURRENT;
}

kerf_work kerf_work_none(void)
{
    return (kerf_work){.empty = true, .cls = KERF_CLASS_VIEW};
}

void kerf_work_add(kerf_work *work, const kerf_layer *op, double kernel_quantum)
{
    const bool multiplies = is_multiplication(op->cls);
    if ((work->empty && op->cls != KERF_CLASS_VIEW) || (multiplies && !work->known)) {
        work->cls = op->cls;
        work->grouped = op->grouped;
    }
    work->empty = work->empty && op->cls == KERF_CLASS_VIEW;
    work->known = work->known || multiplies;
    work->macs[op->cls] += op->macs;
    work->weight_bytes[op->cls] += op->weight_bytes;
    if (is_convolution(op->cls)) {
        work->kernels += ceil(op->kernels / kernel_quantum) * kernel_quantum;
        work->steps += op->steps;
    }
}

kerf_work kerf_work_of_layer(const kerf_layer *layer, double kernel_quantum)
{
    kerf_work work = kerf_work_none();
    work.bytes = layer->read_bytes + layer->write_bytes;
    kerf_work_add(&work, layer, kernel_quantum);
    return work;
}

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < KERF_CLASS_COUNT; i++)
        sum += a[i] * b[i];
    return sum;
}

static double total_bytes(const kerf_work *work)
{
    double sum = work->bytes;
    for (int i = 0; i < KERF_CLASS_COUNT; i++)
        sum += work->weight_bytes[i];
    return sum;
}

static double refine(const kerf_refinement *more, const kerf_work *work)
{
    return work->bytes * more->per_byte[work->cls] +
           dot(work->weight_bytes, more->per_weight_byte) + work->steps * more->per_step +
           (work->grouped ? more->grouped_launch : 0);
}

static double latency(const kerf_power_mode *mode, const kerf_work *work)
{
    double mac_s = dot(work->macs, mode->s_per_mac);
    double memory_s = total_bytes(work) * mode->s_per_byte;
    if (mode->latency_form == KERF_LATENCY_SUM)
        return mode->launch_s + mac_s + memory_s + refine(&mode->latency_more, work);
    /* Written so that an unknown size stays unknown. */
    return mode->launch_s + (mac_s > memory_s ? mac_s : memory_s);
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

static double energy(const kerf_power_mode *mode, const kerf_work *work, double latency_s)
{
    double mac_J = dot(work->macs, mode->J_per_mac);
    double bytes_J = total_bytes(work) * mode->J_per_byte;
    switch (mode->energy_form) {
    case KERF_ENERGY_CLASSES:
        return mode->launch_J + mac_J + bytes_J + refine(&mode->energy_more, work);
    case KERF_ENERGY_FLOOR:
        return smooth_maximum(mode->floor_J,
                              mode->launch_J + mac_J + bytes_J + refine(&mode->energy_more, work),
                              mode->floor_exponent);
    case KERF_ENERGY_MAC_KERNELS:
        /* The form describes layers that multiply; what a runtime fuses into them is free, and
         * what runs alone (pooling, concatenation, ...) is charged for its bytes. */
        return mode->launch_J + mac_J + work->kernels * mode->J_per_kernel +
               (work->known ? 0 : bytes_J);
    case KERF_ENERGY_POWER:
        return mode->active_W * latency_s;
    }
    return NAN;
}

kerf_cost kerf_work_cost(const kerf_power_mode *mode, const kerf_work *work)
{
    if (work->empty)
        return (kerf_cost){0, 0};
    double latency_s = latency(mode, work);
    return (kerf_cost){latency_s, energy(mode, work, latency_s)};
}

static int order(double a, double b)
{
    return (a > b) - (a < b);
}

int kerf_work_compare(const kerf_work *a, const kerf_work *b)
{
    const double x[] = {a->empty, a->known, a->grouped, a->cls, a->bytes, a->kernels, a->steps};
    const double y[] = {b->empty, b->known, b->grouped, b->cls, b->bytes, b->kernels, b->steps};
    int result = 0;
    for (size_t i = 0; i < sizeof x / sizeof *x && result == 0; i++)
        result = order(x[i], y[i]);
    for (size_t i = 0; i < KERF_CLASS_COUNT && result == 0; i++) {
        result = order(a->macs[i], b->macs[i]);
        if (result == 0)
            result = order(a->weight_bytes[i], b->weight_bytes[i]);
    }
    return result;
}
