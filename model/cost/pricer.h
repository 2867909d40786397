/* Inside of a kerf_pricer: for every placed operator, what it works, reads and writes, laid out
 * group by group so that any part of a group is priced in time proportional to its length.
 *
 * Whether a tensor is traffic depends on the part: one that is produced and consumed inside it
 * stays in registers or cache. So a read knows where in the group its tensor is produced and which
 * read of the same tensor came before it, and a write knows who consumes it. */
#ifndef KERF_MODEL_COST_PRICER_H
#define KERF_MODEL_COST_PRICER_H

#include "model/cost/work.h"

/* A data tensor that an operator reads; one entry per operator and tensor. */
typedef struct price_read {
    double bytes;    /* NAN: unknown */
    size_t position; /* of the reader in the group */
    size_t producer; /* position in the group, KERF_NONE: outside it */
    size_t previous; /* the entry of the last reader before this one in the group, or KERF_NONE */
} price_read;

typedef struct price_write {
    double bytes;     /* NAN: unknown */
    bool outside;     /* consumed outside the group, or a network output */
    size_t consumers; /* first consumer inside the group: index into pricer->positions */
    size_t consumers_end;
} price_write;

typedef struct price_operator {
    kerf_class cls;
    bool grouped; /* a convolution of several groups, but not depthwise */
    double macs;
    double steps; /* MACs that make one output of a convolution, else 0 */
    double kernels;
    double weight_bytes;
    double latency_s; /* measured, or NAN */
    double energy_J;  /* measured (power form: or from the measured latency), or NAN */
    bool measured_latency, measured_energy;
    bool breaks;  /* a measured group begins or ends before it: no kernel reaches over that */
    size_t reads; /* first entry; the next operator's is the end */
    size_t writes;
} price_operator;

/* Operators that were measured together. */
typedef struct price_set {
    size_t *operators; /* of the network, ascending */
    size_t n;
    size_t parent;  /* the smallest set around it, KERF_NONE */
    size_t source;  /* position in the profile */
    kerf_cost cost; /* as price_operator's figures */
    bool measured_latency, measured_energy;
} price_set;

struct kerf_pricer {
    const kerf_power_mode *mode;
    size_t n_groups;
    size_t *begin;             /* n_groups + 1: first operator of each group */
    price_operator *operators; /* all groups' members in path order, and a sentinel */
    price_read *reads;
    price_write *writes;
    size_t *positions; /* consumers inside a group, by position */
    size_t measured_latency, measured_energy;
    price_set *sets; /* a smaller one first */
    size_t n_sets;
};

/* measured.c: attaches the profile's groups, after its operators. */
kerf_status pricer_add_sets(kerf_pricer *pricer, const kerf_network *network,
                            const kerf_profile *profile, kerf_error *err);

#endif
