/* What one kernel works, and what a power mode says that it costs. Predictions of a plan and of a
 * calibration both come from here. */
#ifndef KERF_MODEL_COST_WORK_H
#define KERF_MODEL_COST_WORK_H

#include "kerf/calibrate.h"
#include "kerf/device.h"

typedef struct kerf_work {
    bool empty;     /* nothing but views: costs nothing */
    bool known;     /* has an operator that multiplies */
    bool grouped;   /* its main operator is a convolution of several groups, not depthwise */
    kerf_class cls; /* of its main operator: the first that multiplies, or the first of all */
    double macs[KERF_CLASS_COUNT];
    double weight_bytes[KERF_CLASS_COUNT];
    double bytes;   /* of activations */
    double kernels; /* each operator's rounded up to a multiple of the quantum */
    double steps;
} kerf_work;

kerf_work kerf_work_none(void);
/* Adds an operator, in the order of execution; its activations are already in work->bytes. */
void kerf_work_add(kerf_work *work, const kerf_layer *op, double kernel_quantum);
kerf_cost kerf_work_cost(const kerf_power_mode *mode, const kerf_work *work);
/* The kernel that a layer is. */
kerf_work kerf_work_of_layer(const kerf_layer *layer, double kernel_quantum);
/* The kernel that operators [first, last) of a group are, measured or not. */
kerf_work kerf_pricer_work(const kerf_pricer *pricer, size_t group, size_t first, size_t last,
                           double kernel_quantum);

/* Some total order of kernels; 0 for those that work the same. */
int kerf_work_compare(const kerf_work *a, const kerf_work *b);

#endif
