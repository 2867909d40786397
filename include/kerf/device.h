/* Devices and servers: what an operator costs in time and energy on a board.
 *
 * A device has one or more power modes, each a full set of coefficients. Cost of a contiguous part
 * of a network on a device (docs/cost-model.md has the equations and their sources):
 *
 *     latency = partition_s + sum over fused groups of the group's latency
 *     energy  = partition_J + sum over fused groups of the group's energy   (whole board)
 *
 * Measured figures (kerf_profile) replace the estimates operator by operator.
 */
#ifndef KERF_DEVICE_H
#define KERF_DEVICE_H

#include "network.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a group's compute time and memory time combine. */
typedef enum kerf_latency_form {
    KERF_LATENCY_SUM, /* launch + MACs * s_per_mac + bytes * s_per_byte */
    KERF_LATENCY_MAX  /* launch + max(MACs * s_per_mac, bytes * s_per_byte): roofline */
} kerf_latency_form;

typedef enum kerf_energy_form {
    KERF_ENERGY_CLASSES,     /* launch_J + sum MACs * J_per_mac[class] + bytes * J_per_byte */
    KERF_ENERGY_MAC_KERNELS, /* fc: a * MACs; convolution: b * MACs + c * kernels (seed model) */
    KERF_ENERGY_FLOOR, /* (F^p + G^p)^(1/p), F = floor_J per launch, G as KERF_ENERGY_CLASSES */
    KERF_ENERGY_POWER  /* active_W * latency: all that is known is the board's power */
} kerf_energy_form;

/* What MACs, bytes and launches do not tell of a kernel, on top of them; 0 where a file has none.
 * In s or J. */
typedef struct kerf_refinement {
    double per_byte[KERF_CLASS_COUNT];        /* of activations, by the class of the kernel's main
                                                 operator: the first that multiplies, or the first */
    double per_weight_byte[KERF_CLASS_COUNT]; /* by the class of the operator */
    double per_step;       /* multiply-accumulates that make one output of a convolution: what a
                              kernel takes however few outputs there are */
    double grouped_launch; /* where the main operator is a convolution of several groups, but not
                              one for each channel */
} kerf_refinement;

/* How far the coefficients of a mode may be off: a distribution of what the fit would have been on
 * other rows like those that were measured. */
typedef struct kerf_uncertainty {
    size_t n; /* 0: not known */
    struct kerf_uncertain {
        char *name;      /* its place in the file: "latency/per_mac/conv", "energy/launch"; classes
                            that share one figure are joined: "latency/per_mac/pointwise+fc" */
        double relative; /* standard deviation over value */
    } * coefficients;
    double *correlation;     /* n x n, symmetric, row by row */
    double *factor;          /* n x n, lower triangle: relative changes = factor * normal numbers */
    double latency_residual; /* standard deviation of a measured figure over its prediction, in */
    double energy_residual;  /* rows that were left out of the fit; 0: not known */
} kerf_uncertainty;

typedef struct kerf_power_mode {
    char *name;
    kerf_latency_form latency_form;
    kerf_energy_form energy_form;
    double s_per_mac[KERF_CLASS_COUNT];
    double s_per_byte;  /* activations read and written outside the group, and weights */
    double launch_s;    /* per group */
    double partition_s; /* once per side that has any operator */
    double J_per_mac[KERF_CLASS_COUNT];
    double J_per_byte;
    double launch_J;
    double partition_J;
    double J_per_kernel;   /* mac-kernels: c */
    double kernel_quantum; /* mac-kernels: kernels are rounded up to a multiple of this; 1 = none */
    double floor_J;        /* floor: per group */
    double floor_exponent; /* floor: p */
    double active_W;       /* power form */
    double idle_W;         /* the whole board while it waits */
    kerf_refinement latency_more; /* s; not with max: bytes and MACs are not told apart there */
    kerf_refinement energy_more;  /* J; of classes and floor */
    kerf_uncertainty uncertainty;
} kerf_power_mode;

typedef struct kerf_device {
    char *name;
    char *description;
    char *provenance; /* where the numbers come from, one paragraph */
    char *fit;        /* cross-validated error of the coefficients, in words and figures */
    char *assumptions;
    kerf_power_mode *modes;
    size_t n_modes;
    size_t default_mode;
    double memory_bytes; /* memory of the board, 0 = not stated */
    char **unsupported;  /* operator types that cannot run here */
    size_t n_unsupported;
} kerf_device;

/* Loads a device or server file ("kerf-device/1", configs/schema/device.json). The caller owns
 * *device. KERF_E_IO, KERF_E_SYNTAX, KERF_E_INVALID. */
KERF_API kerf_status kerf_device_load(const char *path, kerf_device **device, kerf_error *err);
KERF_API void kerf_device_destroy(kerf_device **device);

/* The power mode of that name, KERF_NONE if there is none. */
KERF_API size_t kerf_device_find_mode(const kerf_device *device, const char *name);

/* A mode drawn from its uncertainty: every coefficient that it names is multiplied by 1 + change,
 * at least 0, with changes as correlated as the mode says. `normal` holds uncertainty.n
 * independent standard normal numbers. Borrows from `mode` what is text or table: do not free. */
KERF_API kerf_power_mode kerf_power_mode_draw(const kerf_power_mode *mode, const double *normal);

/* True if the device can run operators of this type. */
KERF_API bool kerf_device_supports(const kerf_device *device, const char *type);

/* Measured figures of one network's operators ("kerf-profile/1"), by operator name. */
typedef struct kerf_profile {
    char *network;
    char *source; /* where and how measured */
    struct kerf_measured {
        char *name;       /* operator */
        double latency_s; /* NAN: not measured */
        double energy_J;  /* NAN: not measured */
    } * operators;
    size_t n_operators;
    /* Operators that were measured together. Their figures replace those of the members where all
     * of these are on the side that was measured. Two groups are apart or lie one inside the other;
     * then the larger one counts if it is complete. */
    struct kerf_measured_group {
        char **operators;
        size_t n_operators;
        double latency_s, energy_J; /* NAN: not measured */
    } * groups;
    size_t n_groups;
} kerf_profile;

/* Loads a profile for a network; names that the network lacks are errors. The caller owns it. */
KERF_API kerf_status kerf_profile_load(const char *path, const kerf_network *network,
                                       kerf_profile **profile, kerf_error *err);
KERF_API void kerf_profile_destroy(kerf_profile **profile);

typedef struct kerf_cost {
    double latency_s;
    double energy_J;
} kerf_cost;

/* A pricer binds a network, a power mode and optionally measured figures; it borrows the mode, and
 * the others until this returns. KERF_E_INVALID: a coefficient or figure that is negative or not
 * finite, an operator that the profile names twice or the network lacks, groups that overlap. */
typedef struct kerf_pricer kerf_pricer;
KERF_API kerf_status kerf_pricer_create(const kerf_network *network, const kerf_power_mode *mode,
                                        const kerf_profile *profile, kerf_pricer **pricer,
                                        kerf_error *err);
KERF_API void kerf_pricer_destroy(kerf_pricer **pricer);

/* Cost of running operators [first, last) of a fused group (positions in its path) as one part,
 * without the per-partition constants. A part that is not the whole group pays its own launch and
 * the traffic of the tensors where the group was broken. Empty parts cost 0; a part that touches a
 * tensor of unknown size costs NAN. Pure; any thread. Figures of measured groups are not in it; but
 * the borders of those break fusion, so that a part that reaches over one costs as several. */
KERF_API kerf_cost kerf_price_part(const kerf_pricer *pricer, size_t group, size_t first,
                                   size_t last);

/* The profile's groups, a smaller one before those that hold it: operators of the network,
 * ascending, without constant ones; the smallest group that holds it (KERF_NONE: none); what was
 * measured, NAN for nothing. Groups of constant operators alone are left out. */
KERF_API size_t kerf_pricer_groups(const kerf_pricer *pricer);
KERF_API kerf_cost kerf_pricer_group(const kerf_pricer *pricer, size_t index,
                                     const size_t **operators, size_t *n, size_t *parent);

/* Number of the network's placed operators whose latency (energy) is measured, by itself or in a
 * group, not estimated. */
KERF_API size_t kerf_pricer_measured_latency(const kerf_pricer *pricer);
KERF_API size_t kerf_pricer_measured_energy(const kerf_pricer *pricer);

#ifdef __cplusplus
}
#endif
#endif
