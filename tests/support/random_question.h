/* Random questions about small networks: all forms of cost, and a link. */
#ifndef KERF_TESTS_RANDOM_QUESTION_H
#define KERF_TESTS_RANDOM_QUESTION_H

#include "kerf/plan.h"
#include "planner/robust/robust_world.h"
#include "tests/support/random.h"

typedef struct question_box {
    kerf_network *network;
    kerf_device device, server;
    kerf_power_mode modes[2], server_mode;
    kerf_link link;
    kerf_encoding encodings[2];
    struct kerf_measured measured[12];
    struct kerf_measured_group group;
    char *members[2];
    kerf_profile profile;
    kerf_question q; /* points to all of these: the box must not move */
} question_box;

/* About n operators, at most 12. `linear`: only forms of cost that are sums. */
void random_question(rng *r, size_t n, bool linear, question_box *box);
void question_box_clear(question_box *box);

/* A question as it would be asked in another world; points into *s. */
typedef struct scenario {
    kerf_device device, server;
    kerf_power_mode modes[8], server_mode;
    kerf_link link;
    kerf_encoding encodings[2];
    kerf_question q;
} scenario;

void scenario_question(const kerf_question *question, const robust_world *world, scenario *s);

#endif
