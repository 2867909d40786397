/* Random small questions (networks, devices, links, limits), and every legal placement of them
 * priced one by one. A seed alone determines all that is drawn until the next one is set. */
#ifndef KERF_TESTS_RANDOM_SCENE_H
#define KERF_TESTS_RANDOM_SCENE_H

#include "kerf/kerf.h"

double rs_uniform(void);   /* [0, 1) */
size_t rs_below(size_t n); /* 0 .. n-1 */
double rs_log(double low, double high);

/* Of n operators; rs_chain: each reads the one before it, and no other. */
kerf_network *rs_network(size_t n_nodes);
kerf_network *rs_chain(size_t n_nodes);

/* A random question, and all that it borrows. */
typedef struct rs_scene {
    kerf_network *network;
    kerf_power_mode device_modes[3], server_mode;
    kerf_device device, server;
    kerf_link link;
    kerf_pin pin;
    kerf_question question;
} rs_scene;

/* Sets the seed and draws a question; the caller frees its network alone. */
void rs_scene_make(rs_scene *s, size_t n_modes, uint64_t seed);

/* Draws limits around what the question's answer without limits takes. */
void rs_limits(kerf_question *q);

typedef struct rs_entry {
    double value;
    uint64_t cut; /* crossing tensors, a bit each */
} rs_entry;

/* Every legal placement that keeps the limits and pins; returns how many. Smaller is better. */
size_t rs_enumerate(const kerf_question *q, rs_entry *entries, size_t most);
double rs_badness(const kerf_question *q, const kerf_plan_cost *c);
bool rs_keeps(const kerf_limits *l, const kerf_plan_cost *c, size_t on_device);
uint64_t rs_cut_bits(const kerf_network *net, const kerf_side *side, bool result_at_server);

/* Fail with the seed in the message. */
void rs_check_close(double got, double expected, const char *what, uint64_t seed);
void rs_check_parts(const kerf_plan_cost *c, uint64_t seed);
/* The alternatives are the best placements of different cuts, in order; sorts the entries. */
void rs_check_alternatives(const kerf_question *q, const kerf_plan *plan, rs_entry *entries,
                           size_t n, uint64_t seed);

#endif
