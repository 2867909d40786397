/* Builds small networks by hand, for tests that should not depend on a reader.
 *
 *     kerf_network *net = nb_network("toy");
 *     size_t x = nb_input(net, "x", 400);
 *     size_t y = nb_operator(net, "c1", KERF_CLASS_CONV, 1000, 36, 64, 1, &x, 800);
 *     nb_output(net, y);
 *     nb_finish(net);              // consumers, traffic, totals; groups of one for the rest
 *     kerf_network_destroy(&net);
 *
 * Lack of memory aborts the test. */
#ifndef KERF_TESTS_NET_BUILDER_H
#define KERF_TESTS_NET_BUILDER_H

#include "kerf/network.h"

kerf_network *nb_network(const char *name);
/* A network input of that size; returns its tensor. */
size_t nb_input(kerf_network *net, const char *name, int64_t bytes);
/* An operator that reads `inputs` and writes one tensor "<name>:0" of that size (-1: unknown);
 * returns the tensor. The operator's own index is net->n_operators - 1. */
size_t nb_operator(kerf_network *net, const char *name, kerf_class cls, int64_t macs,
                   int64_t weight_bytes, int64_t kernels, size_t n_inputs, const size_t *inputs,
                   int64_t bytes);
/* One more output of the last operator; returns the tensor. */
size_t nb_more(kerf_network *net, const char *name, int64_t bytes);
void nb_output(kerf_network *net, size_t tensor);
/* Operators that are fused, in path order. */
void nb_group(kerf_network *net, size_t n, const size_t *operators);
void nb_finish(kerf_network *net);

#endif
