/* All placements of a question, priced fast in any state of the world.
 *
 * In most forms of the cost model a placement's time and energy on the device are dot products of
 * its work (MACs by class, bytes, launches, ...) with the coefficients of the power mode, which are
 * taken once. In the others (roofline, floor, measured figures beside estimates) the tables of the
 * fused groups are priced again for every world. */
#ifndef KERF_PLANNER_ROBUST_POOL_H
#define KERF_PLANNER_ROBUST_POOL_H

#include "net/link.h"
#include "planner/choice.h"
#include "planner/solve/solve.h"

enum { ROBUST_MOST_TERMS = 64 };

/* How things are: what may be another than the question says. */
typedef struct robust_world {
    kerf_power_mode *device; /* by mode of the device; owned */
    size_t n_modes;
    kerf_power_mode server;
    double server_factor; /* of all its times and energies */
    kerf_link link;       /* its texts are not looked at */
    double load;
} robust_world;

kerf_status robust_world_create(const kerf_question *question, robust_world *world,
                                kerf_error *err);
void robust_world_clear(robust_world *world);
/* As the question says. Both are of the same question. */
void robust_world_reset(const kerf_question *question, robust_world *world);

typedef struct robust_entry {
    size_t choice;
    size_t device_operators;
    double codec_s, codec_J;               /* on the device */
    double server_s, server_J;             /* of an unloaded server, as the question has it */
    double server_codec_s, server_codec_J; /* in these */
    double sent[2], doublings[2];          /* by kerf_direction; see cut_terms */
    double up_bytes, down_bytes;
    double memory_bytes; /* where a limit asks for it */
} robust_entry;

/* How the placements of a choice are priced. */
typedef struct robust_model {
    bool linear; /* on the device: the terms below; else from the table */
    bool codec;  /* encoding or decoding costs anything */
    bool power;  /* energy is active_W times the time */
    size_t n_s, n_J;
    size_t offset_s[ROBUST_MOST_TERMS], offset_J[ROBUST_MOST_TERMS]; /* in kerf_power_mode */
    kerf_power_mode device_mode, server_mode;                        /* what the pricers look at */
    kerf_pricer *device, *server;
    size_t *start;   /* by group: its first entry in the table */
    cut_cost *table; /* for the world at hand; server: unloaded */
    cut_binding now; /* the choice's, but with these pricers and bundles of its own;
                        without groups that were measured, all of it is 0 */
    /* of the world at hand */
    double value_s[ROBUST_MOST_TERMS], value_J[ROBUST_MOST_TERMS];
    double active_W, wait_W;
} robust_model;

typedef struct robust_pool {
    const cut_choices *choices; /* borrowed */
    robust_model *models;       /* by choice */
    robust_entry *list;
    size_t n, examined;
    bool complete;    /* all placements that keep the limits are there */
    double *work;     /* n rows of `terms`: by offset_s, then by offset_J */
    uint32_t *breaks; /* n rows of `groups`: operators of each group on the device */
    size_t terms, groups;
    bool server_table; /* the server's coefficients may change one by one */
    kerf_objective objective;
    double weight_energy, weight_latency;
    bool result_at_server;
    size_t cap_list, cap_breaks;
    uint8_t *side;      /* room for a placement */
    bool out_of_memory; /* in looking at some world: prices since then are wrong */
    /* of the world at hand */
    kerf_path path[2];
    double promotion_s[2], per_byte_J[2], active_W[2], fixed_J, slowdown, server_factor;
} robust_pool;

/* What may vary beside the link, the load, the server's factor and idle powers. */
typedef struct robust_variety {
    bool device;           /* coefficients of the device */
    bool server;           /* coefficients of the server, one by one */
    bool deadline, energy; /* these are no limits on placements */
} robust_variety;

/* Gathers every placement that keeps the limits, with the question's own figures. Where there are
 * more than `most`, KERF_E_TOO_LARGE. The choices are borrowed. Release with robust_pool_clear,
 * also after an error. */
kerf_status robust_pool_create(const cut_choices *choices, const robust_variety *variety,
                               const cut_options *options, size_t most, robust_pool *pool,
                               kerf_error *err);
/* The same from listed placements: add them one by one, then end. Equal ones are taken once. */
kerf_status robust_pool_begin(const cut_choices *choices, const robust_variety *variety,
                              robust_pool *pool, kerf_error *err);
kerf_status robust_pool_add(robust_pool *pool, size_t choice, const uint8_t *x, kerf_error *err);
kerf_status robust_pool_end(robust_pool *pool, kerf_error *err);
void robust_pool_clear(robust_pool *pool);

/* Fills the table of a choice, both sides, for a world. */
void robust_pool_fill(robust_pool *pool, size_t choice, const robust_world *world);

/* The entry of a placement, KERF_NONE if it is not there; and an entry's placement. */
size_t robust_pool_find(const robust_pool *pool, size_t choice, const uint8_t *x);
void robust_pool_placement(const robust_pool *pool, size_t entry, uint8_t *x);

/* Looks at a world; prices an entry in it. The objective is the one to minimise (throughput: the
 * slowest stage's time). No allocation, unless groups of operators were measured. */
typedef struct robust_cost {
    double objective, energy_J, latency_s;
} robust_cost;
void robust_pool_look(robust_pool *pool, const robust_world *world);
void robust_pool_price(robust_pool *pool, size_t entry, robust_cost *cost);

#endif
