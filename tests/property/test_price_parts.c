/* Every part of random fused groups against the definition of its traffic, tensor by tensor: what
 * kerf_price_part knows from its links is worked out here from the network alone. */
#include "kerf/device.h"
#include "tests/support/net_builder.h"
#include "tests/support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static rng state;

static size_t below(size_t n)
{
    return rng_below(&state, n);
}

/* A DAG of n operators whose first `fused` are one group. */
static kerf_network *random_network(size_t n, size_t fused)
{
    kerf_network *net = nb_network("random");
    size_t members[16];
    nb_input(net, "x", 1 + (int64_t)below(1000));
    nb_input(net, "y", 1 + (int64_t)below(1000));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        size_t inputs[4] = {net->n_tensors - 1};
        size_t n_inputs = 1 + below(4);
        for (size_t k = 1; k < n_inputs; k++)
            inputs[k] = below(5) == 0 ? KERF_NONE : below(net->n_tensors);
        kerf_class cls = (kerf_class)below(KERF_CLASS_COUNT);
        snprintf(name, sizeof name, "op%zu", i);
        nb_operator(net, name, cls, (int64_t)below(100), (int64_t)below(50), (int64_t)below(9),
                    n_inputs, inputs, 1 + (int64_t)below(1000));
        if (below(4) == 0) {
            snprintf(name, sizeof name, "more%zu", i);
            nb_more(net, name, 1 + (int64_t)below(1000));
        }
        if (i < fused)
            members[i] = i;
    }
    for (size_t t = 2; t < net->n_tensors; t++) {
        if (below(6) == 0)
            nb_output(net, t);
    }
    nb_group(net, fused, members);
    nb_finish(net);
    return net;
}

static bool reads(const kerf_operator *op, size_t tensor)
{
    for (size_t k = 0; k < op->n_inputs; k++) {
        if (op->inputs[k] == tensor)
            return true;
    }
    return false;
}

/* Bytes of the part [first, last) of a group whose members are the operators 0, 1, ... */
static double defined_bytes(const kerf_network *net, size_t first, size_t last)
{
    double bytes = 0;
    for (size_t t = 0; t < net->n_tensors; t++) {
        const kerf_tensor *tensor = &net->tensors[t];
        bool inside =
            tensor->producer != KERF_NONE && tensor->producer >= first && tensor->producer < last;
        bool read_inside = false, read_outside = tensor->is_output;
        for (size_t i = 0; i < net->n_operators; i++) {
            bool member = i >= first && i < last;
            if (reads(&net->operators[i], t)) {
                read_inside = read_inside || member;
                read_outside = read_outside || !member;
            }
        }
        if ((!inside && read_inside) || (inside && read_outside))
            bytes += (double)tensor->bytes;
    }
    for (size_t i = first; i < last; i++) {
        const kerf_operator *op = &net->operators[i];
        bool look_up = op->cls == KERF_CLASS_MOVE && op->write_bytes < op->weight_bytes;
        bytes += (double)(look_up ? op->write_bytes : op->weight_bytes);
    }
    return bytes;
}

static bool only_views(const kerf_network *net, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        if (net->operators[i].cls != KERF_CLASS_VIEW)
            return false;
    }
    return true;
}

static void check_network(const kerf_network *net, size_t fused)
{
    kerf_power_mode mode = {.name = (char *)"test", .s_per_byte = 1, .J_per_byte = 1};
    kerf_pricer *pricer = NULL;
    assert_int_equal(kerf_pricer_create(net, &mode, NULL, &pricer, NULL), KERF_OK);
    for (size_t first = 0; first < fused; first++) {
        for (size_t last = first + 1; last <= fused; last++) {
            double expected = only_views(net, first, last) ? 0 : defined_bytes(net, first, last);
            kerf_cost cost = kerf_price_part(pricer, 0, first, last);
            assert_true(fabs(cost.latency_s - expected) < 1e-9 * (1 + expected));
            assert_true(fabs(cost.energy_J - expected) < 1e-9 * (1 + expected));
        }
    }
    kerf_pricer_destroy(&pricer);
}

static void parts_cost_what_is_defined(void **unused)
{
    (void)unused;
    int cases = getenv("KERF_TEST_FULL") ? 5000 : 500;
    state = (rng){rng_seed(20240917)};
    for (int i = 0; i < cases; i++) {
        size_t fused = 1 + below(6);
        kerf_network *net = random_network(fused + below(5), fused);
        check_network(net, fused);
        kerf_network_destroy(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_cost_what_is_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
